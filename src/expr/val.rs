//! The values of a node for all rows of a chunk, and how they come from and become `Columns`.
//!
//! 1. A `Val` does not know its number of rows: a constant stands for any number. The frame that evaluates knows it.
//! 2. `nulls` are there only if some row is `None`; what values stand under a null is unspecified.
//! 3. Rows that are all `None` are the constant `None`.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Float64Array, Int64Array, NullArray, StringViewArray,
};
use arrow_buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::table::Table;
use super::value::{Real, Value};
use super::{Bail, Result, bail, select};
use crate::block::{ClassTag, Columns, Kind, list_array, tuple_array};
use crate::kernel::regex::Regex;

pub(super) type Nulls = Option<NullBuffer>;

/// The values of some rows.
#[derive(Debug, Clone)]
pub(super) enum Val {
    Const(Value),
    Table(Arc<Table>),
    Regex(Arc<Regex>),
    Bool(BooleanBuffer, Nulls),
    Int(ScalarBuffer<i64>, Nulls),
    Float(ScalarBuffer<f64>, Nulls),
    Str(StringViewArray),
    Bytes(BinaryViewArray),
    Tuple(Tuples),
    List(Lists),
}

/// Tuples of one arity and class.
#[derive(Debug, Clone)]
pub(super) struct Tuples {
    pub items: Arc<[Val]>,
    pub nulls: Nulls,
    pub class: Option<ClassTag>,
}

/// Lists cut out of a column of items.
#[derive(Debug, Clone)]
pub(super) struct Lists {
    pub items: Arc<Val>,
    /// Number of rows of `items`.
    pub count: usize,
    pub offsets: OffsetBuffer<i32>,
    pub nulls: Nulls,
    /// Whether they are values of `groupByKey` rather than lists.
    pub group: bool,
}

impl Lists {
    /// Where the items of a row are.
    #[inline]
    pub fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }
}

/// A null buffer that says something.
fn some_nulls(nulls: Option<&NullBuffer>) -> Nulls {
    nulls.filter(|nulls| nulls.null_count() > 0).cloned()
}

impl Val {
    pub fn int(values: Vec<i64>) -> Self {
        Self::Int(values.into(), None)
    }

    pub fn float(values: Vec<f64>) -> Self {
        Self::Float(values.into(), None)
    }

    pub fn bool(values: BooleanBuffer) -> Self {
        Self::Bool(values, None)
    }

    pub fn tuple(items: Vec<Self>) -> Self {
        Self::Tuple(Tuples { items: items.into(), nulls: None, class: None })
    }

    /// Lists of lengths given by offsets from 0 to `count`.
    pub fn list(items: Self, count: usize, offsets: Vec<i32>) -> Self {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        Self::List(Lists { items: Arc::new(items), count, offsets, nulls: None, group: false })
    }

    /// A constant, opened up if it is a tuple, so that kernels see constants of simple types only.
    pub fn constant(value: Value) -> Self {
        match value {
            Value::Tuple(items) => Self::tuple(items.iter().cloned().map(Self::constant).collect()),
            simple => Self::Const(simple),
        }
    }

    pub const NONE: Self = Self::Const(Value::None);

    /// Which rows are not `None`, if some are `None`.
    pub fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Self::Const(_) | Self::Table(_) | Self::Regex(_) => None,
            Self::Bool(_, nulls) | Self::Int(_, nulls) | Self::Float(_, nulls) => nulls.as_ref(),
            Self::Str(texts) => texts.nulls(),
            Self::Bytes(values) => values.nulls(),
            Self::Tuple(tuples) => tuples.nulls.as_ref(),
            Self::List(lists) => lists.nulls.as_ref(),
        }
    }

    /// Whether some row may be `None`.
    pub fn may_be_none(&self) -> bool {
        matches!(self, Self::Const(Value::None)) || self.nulls().is_some()
    }

    /// Whether it holds no rows of its own: then it has the same value for any number of them.
    pub fn is_constant(&self) -> bool {
        match self {
            Self::Const(_) | Self::Table(_) | Self::Regex(_) => true,
            Self::Tuple(tuples) => tuples.nulls.is_none() && tuples.items.iter().all(Self::is_constant),
            _ => false,
        }
    }

    /// What people call its type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Const(Value::None) => "None",
            Self::Const(Value::Bool(_)) | Self::Bool(..) => "bool",
            Self::Const(Value::Int(_) | Value::Big(_)) | Self::Int(..) => "int",
            Self::Const(Value::Float(_)) | Self::Float(..) => "float",
            Self::Const(Value::Str(_)) | Self::Str(_) => "str",
            Self::Const(Value::Bytes(_)) | Self::Bytes(_) => "bytes",
            Self::Const(Value::Tuple(_)) | Self::Tuple(_) => "tuple",
            Self::Table(_) => "dict",
            Self::Regex(_) => "regular expression",
            Self::List(lists) if lists.group => "group",
            Self::List(_) => "list",
        }
    }

    pub fn from_columns(columns: &Columns) -> Result<Self> {
        Self::from_array(columns.kind(), columns.array())
    }

    fn from_array(kind: &Kind, array: &ArrayRef) -> Result<Self> {
        let wrong = || Bail::new("a column that is not what its kind says");
        if !array.is_empty() && array.logical_null_count() == array.len() {
            return Ok(Self::NONE);
        }
        Ok(match kind {
            Kind::None => Self::NONE,
            Kind::Bool => {
                let values = array.as_boolean_opt().ok_or_else(wrong)?;
                Self::Bool(values.values().clone(), some_nulls(values.nulls()))
            }
            Kind::Int => {
                let values = array.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
                Self::Int(values.values().clone(), some_nulls(values.nulls()))
            }
            Kind::Float => {
                let values = array.as_primitive_opt::<Float64Type>().ok_or_else(wrong)?;
                Self::Float(values.values().clone(), some_nulls(values.nulls()))
            }
            Kind::Str => Self::Str(some_view_nulls(array.as_string_view_opt().ok_or_else(wrong)?)),
            Kind::Bytes => Self::Bytes(some_view_nulls(array.as_binary_view_opt().ok_or_else(wrong)?)),
            Kind::Tuple { items, class } => {
                let tuples = array.as_struct_opt().filter(|tuples| tuples.num_columns() == items.len());
                let tuples = tuples.ok_or_else(wrong)?;
                let parts = items.iter().zip(tuples.columns()).map(|(kind, array)| Self::from_array(kind, array));
                let parts: Vec<Self> = parts.collect::<Result<_>>()?;
                Self::Tuple(Tuples { items: parts.into(), nulls: some_nulls(tuples.nulls()), class: class.clone() })
            }
            Kind::List(item) | Kind::Group(item) => {
                let lists = array.as_list_opt::<i32>().ok_or_else(wrong)?;
                Self::List(Lists {
                    items: Arc::new(Self::from_array(item, lists.values())?),
                    count: lists.values().len(),
                    offsets: lists.offsets().clone(),
                    nulls: some_nulls(lists.nulls()),
                    group: matches!(kind, Kind::Group(_)),
                })
            }
        })
    }

    pub fn into_columns(self, rows: usize) -> Result<Columns> {
        let (kind, array) = self.into_array(rows)?;
        if array.len() != rows {
            return bail("a column of another length than its chunk");
        }
        Ok(Columns::new(kind, array))
    }

    fn into_array(self, rows: usize) -> Result<(Kind, ArrayRef)> {
        Ok(match self {
            Self::Const(Value::None) => (Kind::None, Arc::new(NullArray::new(rows))),
            Self::Const(value) => return select::spread(&value, rows)?.into_array(rows),
            Self::Table(_) => return bail("a dict as a result"),
            Self::Regex(_) => return bail("a regular expression as a result"),
            Self::Bool(values, nulls) => (Kind::Bool, Arc::new(BooleanArray::new(values, nulls))),
            Self::Int(values, nulls) => (Kind::Int, Arc::new(Int64Array::new(values, nulls))),
            Self::Float(values, nulls) => (Kind::Float, Arc::new(Float64Array::new(values, nulls))),
            Self::Str(texts) => (Kind::Str, Arc::new(texts)),
            Self::Bytes(values) => (Kind::Bytes, Arc::new(values)),
            Self::Tuple(Tuples { items, nulls, class }) => {
                if items.is_empty() {
                    return bail("an empty tuple in a column");
                }
                let parts = items.iter().map(|item| item.clone().into_array(rows));
                let (kinds, arrays) = parts.collect::<Result<Vec<_>>>()?.into_iter().unzip();
                (Kind::Tuple { items: kinds, class }, tuple_array(arrays, nulls).map_err(inconsistent)?)
            }
            Self::List(Lists { items, count, offsets, nulls, group }) => {
                let (kind, array) = Arc::unwrap_or_clone(items).into_array(count)?;
                let kind = Box::new(kind);
                let kind = if group { Kind::Group(kind) } else { Kind::List(kind) };
                (kind, list_array(array, offsets, nulls).map_err(inconsistent)?)
            }
        })
    }

    /// The constant that all rows are, of one row or more, if it is not a list.
    pub fn first_as_constant(&self) -> Option<Value> {
        if self.nulls().is_some_and(|nulls| nulls.is_null(0)) {
            return Some(Value::None);
        }
        Some(match self {
            Self::Const(value) => value.clone(),
            Self::Bool(values, _) => Value::Bool(values.value(0)),
            Self::Int(values, _) => Value::Int(values[0]),
            Self::Float(values, _) => Value::Float(Real(values[0])),
            Self::Str(texts) => Value::text(texts.value(0)),
            Self::Bytes(values) => Value::Bytes(values.value(0).into()),
            Self::Tuple(tuples) if tuples.class.is_none() => {
                Value::Tuple(tuples.items.iter().map(Self::first_as_constant).collect::<Option<_>>()?)
            }
            Self::Tuple(_) | Self::List(_) | Self::Table(_) | Self::Regex(_) => return None,
        })
    }
}

fn some_view_nulls<T: arrow_array::types::ByteViewType>(
    array: &arrow_array::GenericByteViewArray<T>,
) -> arrow_array::GenericByteViewArray<T> {
    if array.nulls().is_some_and(|nulls| nulls.null_count() == 0) {
        let (views, buffers, _) = array.clone().into_parts();
        // SAFETY: views and buffers are those of a valid array.
        return unsafe { arrow_array::GenericByteViewArray::new_unchecked(views, buffers, None) };
    }
    array.clone()
}

fn inconsistent(error: crate::error::EngineError) -> Bail {
    Bail::new(error.to_string())
}
