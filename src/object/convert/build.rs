//! Python values into columns: one pass, no guess.
//!
//! A column is undecided until its first value that is not `None`; that value fixes the kind, and every later one must
//! have exactly that type. The first misfit ends the attempt, so values that do not fit cost what came before them.
//!
//! 1. Types are compared by identity: a subclass of `int` or `str` is a misfit, `True` is no `int`.
//! 2. Misfits too: an `int` beyond 64 bits, text with surrogates, tuples of another arity or of none, nesting beyond
//!    `MAX_DEPTH` (which also ends lists that contain themselves).
//! 3. No Python code runs in here.

use std::sync::Arc;

use arrow_array::builder::{BinaryViewBuilder, BooleanBuilder, Float64Builder, Int64Builder, StringViewBuilder};
use arrow_array::{ArrayRef, NullArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::block::{ClassTag, Kind, list_array, tuple_array};
use crate::object::classes::{is_plain_namedtuple, namedtuple_fields};
use crate::object::text::utf8;

/// How deep tuples and lists may nest inside a column.
const MAX_DEPTH: usize = 8;

type Item<'a, 'py> = Borrowed<'a, 'py, PyAny>;

/// A column that is being filled.
pub(super) enum Builder {
    Undecided { nulls: usize, depth: usize, capacity: usize },
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Str { values: StringViewBuilder, scratch: String },
    Bytes(BinaryViewBuilder),
    Tuple(TupleBuilder),
    List(Box<ListBuilder>),
}

impl Builder {
    /// An empty column that expects about `capacity` values.
    pub(super) fn new(capacity: usize) -> Self {
        Self::nested(0, capacity)
    }

    fn nested(depth: usize, capacity: usize) -> Self {
        Self::Undecided { nulls: 0, depth, capacity }
    }

    /// Adds a value; `None` if it does not fit, after which the builder is of no use any more.
    #[inline]
    pub(super) fn push(&mut self, item: Item<'_, '_>) -> Option<()> {
        match self {
            Self::Int(values) if item.is_exact_instance_of::<PyInt>() => values.append_value(small_int(item)?),
            Self::Str { values, scratch } if item.is_exact_instance_of::<PyString>() => {
                // SAFETY: the type was checked in the line above.
                let text = unsafe { item.cast_unchecked::<PyString>() };
                values.try_append_value(utf8(&text, scratch)?).ok()?;
            }
            Self::Float(values) if item.is_exact_instance_of::<PyFloat>() => {
                // SAFETY: an exact float.
                values.append_value(unsafe { ffi::PyFloat_AS_DOUBLE(item.as_ptr()) });
            }
            Self::Tuple(tuples) if tuples.accepts(item) => {
                // SAFETY: the class of the column derives from tuple.
                tuples.push(unsafe { item.cast_unchecked::<PyTuple>() })?;
            }
            Self::Bool(values) if item.is_exact_instance_of::<PyBool>() => {
                // SAFETY: the address of a static object is compared, nothing is read.
                values.append_value(std::ptr::eq(item.as_ptr(), unsafe { ffi::Py_True() }));
            }
            Self::Bytes(values) => match item.cast_exact::<PyBytes>() {
                Ok(bytes) => values.try_append_value(bytes.as_bytes()).ok()?,
                Err(_) if item.is_none() => values.append_null(),
                Err(_) => return None,
            },
            Self::List(lists) => match item.cast_exact::<PyList>() {
                Ok(list) => lists.push(list)?,
                Err(_) if item.is_none() => lists.push_null(),
                Err(_) => return None,
            },
            Self::Undecided { nulls, .. } if item.is_none() => *nulls += 1,
            Self::Undecided { nulls, depth, capacity } => {
                *self = Self::decide(item, *nulls, *depth, *capacity)?;
                self.push(item)?;
            }
            _ if item.is_none() => self.push_null(),
            _ => return None,
        }
        Some(())
    }

    #[cold]
    fn push_null(&mut self) {
        match self {
            Self::Undecided { nulls, .. } => *nulls += 1,
            Self::Bool(values) => values.append_null(),
            Self::Int(values) => values.append_null(),
            Self::Float(values) => values.append_null(),
            Self::Str { values, .. } => values.append_null(),
            Self::Bytes(values) => values.append_null(),
            Self::Tuple(tuples) => tuples.push_null(),
            Self::List(lists) => lists.push_null(),
        }
    }

    /// The builder for values like `item`, with the nulls that came before it.
    fn decide(item: Item<'_, '_>, nulls: usize, depth: usize, capacity: usize) -> Option<Self> {
        let mut builder = if item.is_exact_instance_of::<PyBool>() {
            Self::Bool(BooleanBuilder::with_capacity(capacity))
        } else if item.is_exact_instance_of::<PyInt>() {
            Self::Int(Int64Builder::with_capacity(capacity))
        } else if item.is_exact_instance_of::<PyFloat>() {
            Self::Float(Float64Builder::with_capacity(capacity))
        } else if item.is_exact_instance_of::<PyString>() {
            Self::Str { values: StringViewBuilder::with_capacity(capacity), scratch: String::new() }
        } else if item.is_exact_instance_of::<PyBytes>() {
            Self::Bytes(BinaryViewBuilder::with_capacity(capacity))
        } else if depth == MAX_DEPTH {
            return None;
        } else if item.is_exact_instance_of::<PyList>() {
            Self::List(Box::new(ListBuilder::new(depth, capacity)))
        } else {
            Self::Tuple(TupleBuilder::new(item.cast::<PyTuple>().ok()?, depth, capacity)?)
        };
        for _ in 0..nulls {
            builder.push_null();
        }
        Some(builder)
    }

    /// The column. `None` stands for parts that do not fit together, which would be a bug of ours.
    pub(super) fn finish(self) -> Option<(Kind, ArrayRef)> {
        Some(match self {
            Self::Undecided { nulls, .. } => (Kind::None, Arc::new(NullArray::new(nulls))),
            Self::Bool(mut values) => (Kind::Bool, Arc::new(values.finish())),
            Self::Int(mut values) => (Kind::Int, Arc::new(values.finish())),
            Self::Float(mut values) => (Kind::Float, Arc::new(values.finish())),
            Self::Str { mut values, .. } => (Kind::Str, Arc::new(values.finish())),
            Self::Bytes(mut values) => (Kind::Bytes, Arc::new(values.finish())),
            Self::Tuple(tuples) => tuples.finish()?,
            Self::List(lists) => lists.finish()?,
        })
    }
}

/// The value of an exact `int`, if it has at most 64 bits.
#[inline]
fn small_int(item: Item<'_, '_>) -> Option<i64> {
    let mut overflow = 0;
    // SAFETY: of an exact int this reads the digits, and reports too many through `overflow`, without an exception.
    let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(item.as_ptr(), &raw mut overflow) };
    (overflow == 0).then_some(value)
}

/// Tuples of one class and arity.
pub(super) struct TupleBuilder {
    /// Address of the type object: `tuple` itself, or the class that `tag` keeps alive.
    class: *mut ffi::PyTypeObject,
    tag: Option<ClassTag>,
    items: Vec<Builder>,
    nulls: NullBufferBuilder,
}

impl TupleBuilder {
    fn new(first: Borrowed<'_, '_, PyTuple>, depth: usize, capacity: usize) -> Option<Self> {
        let class = first.get_type();
        let tag = if first.is_exact_instance_of::<PyTuple>() {
            None
        } else if is_plain_namedtuple(&class) {
            let address = class.as_ptr() as usize;
            Some(ClassTag::new(Arc::new(class.clone().unbind()), address, namedtuple_fields(&class)?))
        } else {
            return None;
        };
        let items: Vec<_> = (0..first.len()).map(|_| Builder::nested(depth + 1, capacity)).collect();
        let nulls = NullBufferBuilder::new(capacity);
        (!items.is_empty()).then_some(Self { class: class.as_type_ptr(), tag, items, nulls })
    }

    #[inline]
    fn accepts(&self, item: Item<'_, '_>) -> bool {
        std::ptr::eq(item.get_type_ptr(), self.class)
    }

    #[inline]
    fn push(&mut self, tuple: Borrowed<'_, '_, PyTuple>) -> Option<()> {
        if tuple.len() != self.items.len() {
            return None;
        }
        for (position, builder) in self.items.iter_mut().enumerate() {
            // SAFETY: below the length, which was compared above and never changes.
            builder.push(unsafe { tuple.get_borrowed_item_unchecked(position) })?;
        }
        self.nulls.append_non_null();
        Some(())
    }

    fn push_null(&mut self) {
        self.items.iter_mut().for_each(Builder::push_null);
        self.nulls.append_null();
    }

    fn finish(mut self) -> Option<(Kind, ArrayRef)> {
        let finished: Option<Vec<_>> = self.items.into_iter().map(Builder::finish).collect();
        let (items, arrays): (Vec<_>, Vec<_>) = finished?.into_iter().unzip();
        let array = tuple_array(arrays, self.nulls.finish()).ok()?;
        Some((Kind::Tuple { items, class: self.tag }, array))
    }
}

/// Lists, end to end in one column of items.
pub(super) struct ListBuilder {
    items: Builder,
    /// Where each list ends in `items`, after a leading 0.
    offsets: Vec<i32>,
    count: usize,
    nulls: NullBufferBuilder,
}

impl ListBuilder {
    fn new(depth: usize, capacity: usize) -> Self {
        let mut offsets = Vec::with_capacity(capacity + 1);
        offsets.push(0);
        Self { items: Builder::nested(depth + 1, capacity), offsets, count: 0, nulls: NullBufferBuilder::new(capacity) }
    }

    fn push(&mut self, list: Borrowed<'_, '_, PyList>) -> Option<()> {
        // Each item is held while it is read: on a free-threaded interpreter another thread may change the list.
        for item in list.iter() {
            self.items.push(item.as_borrowed())?;
            self.count += 1;
        }
        self.offsets.push(i32::try_from(self.count).ok()?);
        self.nulls.append_non_null();
        Some(())
    }

    fn push_null(&mut self) {
        // The offset fitted when the list before this one was added.
        self.offsets.push(self.count as i32);
        self.nulls.append_null();
    }

    fn finish(mut self) -> Option<(Kind, ArrayRef)> {
        let (kind, items) = self.items.finish()?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let array = list_array(items, offsets, self.nulls.finish()).ok()?;
        Some((Kind::List(Box::new(kind)), array))
    }
}
