//! How does a block look in a file that another process reads?
//!
//! 1. A head in JSON (which Python values the column stands for, or that it is pickled objects), then an Arrow IPC stream
//!    of one column and one batch, or the pickle. Nothing is compressed, so a reader allocates no more than what is there.
//! 2. An array that is not what the head says, or that Arrow finds invalid, is refused.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use serde::{Deserialize, Serialize};

use crate::block::{Block, ClassTag, Columns, Kind, Objects, compact};
use crate::error::{EngineError, Result};

/// Objects and classes, as bytes that the next process understands.
pub trait Codec: Send + Sync {
    /// A block of objects.
    fn dump(&self, objects: &dyn Objects) -> Result<Vec<u8>>;
    /// The block again.
    fn load(&self, bytes: &[u8], count: usize) -> Result<Block>;
    /// A class.
    fn dump_class(&self, class: &ClassTag) -> Result<Vec<u8>>;
    /// The class again.
    fn load_class(&self, bytes: &[u8]) -> Result<ClassTag>;
}

/// `Kind`, with classes as bytes.
#[derive(Debug, Serialize, Deserialize)]
enum KindSpec {
    None,
    Bool,
    Int,
    Float,
    Str,
    Bytes,
    Tuple(Vec<KindSpec>, Option<Vec<u8>>),
    List(Box<KindSpec>),
    Group(Box<KindSpec>),
}

#[derive(Debug, Serialize, Deserialize)]
enum Head {
    Columns(KindSpec),
    Objects(usize),
}

/// Deeper kinds are refused: reading them would recurse too far.
const DEEPEST: usize = 64;

impl KindSpec {
    fn of(kind: &Kind, codec: &dyn Codec) -> Result<Self> {
        Ok(match kind {
            Kind::None => Self::None,
            Kind::Bool => Self::Bool,
            Kind::Int => Self::Int,
            Kind::Float => Self::Float,
            Kind::Str => Self::Str,
            Kind::Bytes => Self::Bytes,
            Kind::Tuple { items, class } => {
                let items = items.iter().map(|item| Self::of(item, codec)).collect::<Result<_>>()?;
                Self::Tuple(items, class.as_ref().map(|class| codec.dump_class(class)).transpose()?)
            }
            Kind::List(items) => Self::List(Box::new(Self::of(items, codec)?)),
            Kind::Group(items) => Self::Group(Box::new(Self::of(items, codec)?)),
        })
    }

    fn kind(&self, codec: &dyn Codec, depth: usize) -> Result<Kind> {
        if depth > DEEPEST {
            return Err(damaged("kinds nested too deeply"));
        }
        let inner = |spec: &Self| spec.kind(codec, depth + 1);
        Ok(match self {
            Self::None => Kind::None,
            Self::Bool => Kind::Bool,
            Self::Int => Kind::Int,
            Self::Float => Kind::Float,
            Self::Str => Kind::Str,
            Self::Bytes => Kind::Bytes,
            Self::Tuple(items, class) => Kind::Tuple {
                items: items.iter().map(inner).collect::<Result<_>>()?,
                class: class.as_ref().map(|class| codec.load_class(class)).transpose()?,
            },
            Self::List(items) => Kind::List(Box::new(inner(items)?)),
            Self::Group(items) => Kind::Group(Box::new(inner(items)?)),
        })
    }
}

/// Data that are not what they should be.
pub(super) fn damaged(what: impl std::fmt::Display) -> EngineError {
    let cause = std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_string());
    EngineError::External { context: "data of a checkpoint".into(), cause }
}

/// A block as bytes.
pub fn encode(block: &Block, codec: &dyn Codec) -> Result<Vec<u8>> {
    let (head, body) = match block {
        Block::Columns(columns) => {
            let body = write_stream(compact(columns.array())?);
            let body = body.map_err(|problem| EngineError::Bug(format!("a block to keep: {problem}")))?;
            (Head::Columns(KindSpec::of(columns.kind(), codec)?), body)
        }
        Block::Objects(objects) => (Head::Objects(objects.len()), codec.dump(objects.as_ref())?),
    };
    let head = serde_json::to_vec(&head).map_err(|problem| EngineError::Bug(problem.to_string()))?;
    let mut bytes = Vec::with_capacity(4 + head.len() + body.len());
    bytes.extend_from_slice(&(head.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// The block of such bytes.
pub fn decode(bytes: &[u8], codec: &dyn Codec) -> Result<Block> {
    let cut = || damaged("a block is cut short");
    let (length, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
    let (head, body) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut)?;
    match serde_json::from_slice(head).map_err(damaged)? {
        Head::Objects(count) => codec.load(body, count),
        Head::Columns(spec) => {
            let kind = spec.kind(codec, 0)?;
            // Arrow checks what it reads, but not by errors alone.
            let array = catch_unwind(AssertUnwindSafe(|| read_stream(body)));
            let array = array.unwrap_or_else(|_| Err("no Arrow data".into())).map_err(damaged)?;
            if !kind.fits(&array) {
                return Err(damaged("a column that is not of its kind"));
            }
            Ok(Block::Columns(Columns::new(kind, array)))
        }
    }
}

type Problem = Box<dyn std::error::Error + Send + Sync>;

fn write_stream(array: ArrayRef) -> Result<Vec<u8>, Problem> {
    let batch = RecordBatch::try_from_iter_with_nullable([("0", array, true)])?;
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(&batch)?;
    writer.finish()?;
    Ok(writer.into_inner()?)
}

fn read_stream(bytes: &[u8]) -> Result<ArrayRef, Problem> {
    let mut reader = StreamReader::try_new(bytes, None)?;
    let batch = reader.next().ok_or("no batch")??;
    Ok(Arc::clone(batch.columns().first().ok_or("no column")?))
}
