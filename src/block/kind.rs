//! Which Python values does an Arrow array stand for?
//!
//! 1. One `Kind` for all elements of a column; nulls of the array stand for `None` in any kind.
//! 2. `Kind` never widens: `Bool` is not `Int`, `Int` is not `Float`, a tuple is not a list.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The Python type behind the elements of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// All elements are `None` (Arrow: Null).
    None,
    /// `bool` (Arrow: Boolean).
    Bool,
    /// `int` within 64 bits (Arrow: Int64).
    Int,
    /// `float` (Arrow: Float64); bits are kept, NaN payloads and `-0.0` included.
    Float,
    /// `str` without surrogates (Arrow: Utf8View).
    Str,
    /// `bytes` (Arrow: BinaryView).
    Bytes,
    /// `tuple` of fixed arity, or a class derived from it when `class` is set (Arrow: Struct; fields named "0", "1" ...).
    Tuple { items: Vec<Kind>, class: Option<ClassTag> },
    /// `list` (Arrow: List).
    List(Box<Kind>),
    /// The values of one key after `groupByKey`, a `ResultIterable` of a list (Arrow: List).
    Group(Box<Kind>),
}

impl Kind {
    /// Whether no class of the program is in it.
    pub fn is_plain(&self) -> bool {
        match self {
            Self::None | Self::Bool | Self::Int | Self::Float | Self::Str | Self::Bytes => true,
            Self::Tuple { items, class } => class.is_none() && items.iter().all(Self::is_plain),
            Self::List(item) | Self::Group(item) => item.is_plain(),
        }
    }

    /// Whether lists are in it.
    pub fn holds_lists(&self) -> bool {
        self.facts().changes
    }
}

/// A Python class as the engine sees it: something to hand back, equal only to itself, and the names of its fields.
#[derive(Clone)]
pub struct ClassTag {
    class: Arc<dyn Any + Send + Sync>,
    address: usize,
    fields: Arc<[String]>,
}

impl ClassTag {
    /// The class at `address`, whose attribute `fields[i]` is item `i` of an instance.
    pub fn new(class: Arc<dyn Any + Send + Sync>, address: usize, fields: Arc<[String]>) -> Self {
        Self { class, address, fields }
    }

    /// The class, for the layer that made the tag.
    pub fn class(&self) -> &Arc<dyn Any + Send + Sync> {
        &self.class
    }

    /// The attributes that give the items, in their order; there may be fewer than items.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }
}

impl PartialEq for ClassTag {
    /// By identity of the class.
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

impl fmt::Debug for ClassTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClassTag({:#x})", self.address)
    }
}
