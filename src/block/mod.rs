//! What does a partition hold?
//!
//! Owns `Block`: Arrow columns (`Columns`, whose `Kind` says which Python values they stand for), or a block of objects
//! that only the Python layer can look into (`Objects`). No Python here, no I/O, no threads.
//! 1. A block is immutable once made and cheap to clone (reference counts).
//! 2. Columns come back as Python values of exactly the types they were made from: `Kind` is part of the data.
//! 3. A block may be empty; a partition is a list of blocks, read in order.
//!
//! Elsewhere: conversion from and to Python objects (`object/values/convert.rs`), operators (`kernel/`).

mod build;
mod columns;
mod compact;
mod facts;
mod kind;

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use crate::error::Result;

pub use build::{list_array, tuple_array};
pub use columns::Columns;
pub use compact::compact;
pub use facts::Facts;
pub use kind::{ClassTag, Kind};

/// Some elements of a partition, in order.
#[derive(Debug, Clone)]
pub enum Block {
    /// Arrow columns.
    Columns(Columns),
    /// Objects of the Python layer.
    Objects(Arc<dyn Objects>),
}

impl Block {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Columns(columns) => columns.len(),
            Self::Objects(objects) => objects.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the elements, all the way down, are values of Python's own types: so operators on them run no code of the
    /// program. May take a look at every element.
    pub fn is_plain(&self) -> bool {
        match self {
            Self::Columns(columns) => columns.kind().is_plain(),
            Self::Objects(objects) => objects.is_plain(),
        }
    }

    /// Bytes held, as well as the block can tell; buffers are counted whole, however little of them the block uses.
    pub fn bytes(&self) -> usize {
        let mut sum = 0;
        self.for_each_buffer(&mut |_, bytes| sum += bytes);
        sum
    }

    /// The same, of columns alone.
    pub fn column_bytes(&self) -> Option<usize> {
        matches!(self, Self::Columns(_)).then(|| self.bytes())
    }

    /// Address and bytes of everything that the block keeps in memory. Blocks that share a buffer give the same address.
    pub fn for_each_buffer(&self, found: &mut dyn FnMut(usize, usize)) {
        match self {
            Self::Columns(columns) => columns.for_each_buffer(found),
            Self::Objects(objects) => found(Arc::as_ptr(objects).cast::<()>() as usize, objects.bytes()),
        }
    }
}

/// Makes a block of the bytes that `Objects::dump` gave.
pub type LoadObjects = fn(&[u8]) -> Result<Block>;

/// A block of elements that the engine cannot look into.
pub trait Objects: Send + Sync + Debug {
    /// Number of elements.
    fn len(&self) -> usize;
    /// Whether there is no element.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Bytes held, as well as the block can tell.
    fn bytes(&self) -> usize;
    /// As `Block::is_plain`; false where that is not known.
    fn is_plain(&self) -> bool;
    /// The elements as bytes for a file of this process, and what makes a block of them again.
    fn dump(&self) -> Result<(Vec<u8>, LoadObjects)>;
    /// For the layer that made the block to recognise it.
    fn as_any(&self) -> &dyn Any;
}
