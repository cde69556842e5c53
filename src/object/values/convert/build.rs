//! Python values into columns: one pass, no guess.
//!
//! A column is undecided until its first value that is not `None`; that value fixes the kind, and every later one must
//! have exactly that type. The first misfit ends the attempt, so values that do not fit cost what came before them.
//!
//! 1. Types are compared by identity: a subclass of `int` or `str` is a misfit, `True` is no `int`.
//! 2. Misfits too: an `int` beyond 64 bits, text with surrogates, tuples of another arity or of none, nesting beyond
//!    `MAX_DEPTH` (which also ends lists that contain themselves).
//! 3. No Python code runs in here.
//! 4. A builder of `owned` values copies them, which is all the same only if nobody changes them later: so a list that others
//!    refer to, too, is a misfit there. After a misfit the rows before it can still be finished.

use std::sync::Arc;

use arrow_array::builder::{BinaryViewBuilder, BooleanBuilder, Float64Builder, Int64Builder, StringViewBuilder};
use arrow_array::{Array, ArrayRef, NullArray};
use arrow_buffer::{NullBuffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::block::{ClassTag, Kind, list_array, tuple_array};
use crate::object::values::classes::{is_plain_namedtuple, namedtuple_fields};
use crate::object::values::text::utf8;

/// How deep tuples and lists may nest inside a column.
const MAX_DEPTH: usize = 8;
/// References to a list, or to a tuple that holds lists, that say nothing of whether others may change it.
const ANY: isize = isize::MAX;

type Item<'a, 'py> = Borrowed<'a, 'py, PyAny>;

/// A column that is being filled.
pub(super) enum Builder {
    Undecided { nulls: usize, place: Place },
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Str { values: StringViewBuilder, scratch: String },
    Bytes(BinaryViewBuilder),
    Tuple(TupleBuilder),
    List(Box<ListBuilder>),
}

/// What is known of a column before its first value.
#[derive(Clone, Copy)]
pub(super) struct Place {
    depth: usize,
    /// Values that are expected, about.
    capacity: usize,
    /// Most references to a value that are those of the column it came from: with more, others may change it.
    held: isize,
}

impl Place {
    /// The columns of the items of tuples or lists, to which `held` references are looked at as one's own.
    fn inside(self, held: isize) -> Builder {
        let held = if self.held == ANY || self.held == 0 { self.held } else { held };
        Builder::Undecided { nulls: 0, place: Self { depth: self.depth + 1, held, ..self } }
    }
}

impl Builder {
    /// An empty column that expects about `capacity` values.
    pub(super) fn new(capacity: usize) -> Self {
        Self::Undecided { nulls: 0, place: Place { depth: 0, capacity, held: ANY } }
    }

    /// The same, for values that whoever pushes them has the only reference to, unless they cannot be changed.
    pub(super) fn owned(capacity: usize) -> Self {
        Self::Undecided { nulls: 0, place: Place { depth: 0, capacity, held: 1 } }
    }

    /// The same without lists, to which there always is a reference.
    pub(super) fn without_lists(capacity: usize) -> Self {
        Self::Undecided { nulls: 0, place: Place { depth: 0, capacity, held: 0 } }
    }

    /// Whether lists are in it.
    fn holds_lists(&self) -> bool {
        match self {
            Self::List(_) => true,
            Self::Tuple(tuples) => tuples.items.iter().any(Self::holds_lists),
            _ => false,
        }
    }

    /// Adds a value; `None` if it does not fit, after which the builder can only be finished.
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
            Self::Undecided { nulls, place } => {
                *self = Self::decide(item, *nulls, *place)?;
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
    fn decide(item: Item<'_, '_>, nulls: usize, place: Place) -> Option<Self> {
        let capacity = place.capacity;
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
        } else if place.depth == MAX_DEPTH {
            return None;
        } else if item.is_exact_instance_of::<PyList>() {
            Self::List(Box::new(ListBuilder::new(place)))
        } else {
            Self::Tuple(TupleBuilder::new(item.cast::<PyTuple>().ok()?, place)?)
        };
        for _ in 0..nulls {
            builder.push_null();
        }
        Some(builder)
    }

    /// The column of the first `rows` values: all of them, or those before a misfit, of which some parts may be there.
    /// `None` stands for parts that do not fit together, which would be a bug of ours.
    pub(super) fn finish(self, rows: usize) -> Option<(Kind, ArrayRef)> {
        let (kind, array): (Kind, ArrayRef) = match self {
            Self::Undecided { .. } => (Kind::None, Arc::new(NullArray::new(rows))),
            Self::Bool(mut values) => (Kind::Bool, Arc::new(values.finish())),
            Self::Int(mut values) => (Kind::Int, Arc::new(values.finish())),
            Self::Float(mut values) => (Kind::Float, Arc::new(values.finish())),
            Self::Str { mut values, .. } => (Kind::Str, Arc::new(values.finish())),
            Self::Bytes(mut values) => (Kind::Bytes, Arc::new(values.finish())),
            Self::Tuple(tuples) => tuples.finish(rows)?,
            Self::List(lists) => lists.finish(rows)?,
        };
        Some((kind, if array.len() > rows { array.slice(0, rows) } else { array }))
    }
}

/// The validity of the first `rows` values.
fn first_of(mut nulls: NullBufferBuilder, rows: usize) -> Option<NullBuffer> {
    nulls.finish().map(|nulls| nulls.slice(0, rows))
}

/// Whether there are more than `held` references to an object.
fn has_others(item: &Bound<'_, PyAny>, held: isize) -> bool {
    // SAFETY: reads a field of a live object.
    held != ANY && unsafe { ffi::Py_REFCNT(item.as_ptr()) } > held
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
    held: isize,
}

impl TupleBuilder {
    fn new(first: Borrowed<'_, '_, PyTuple>, place: Place) -> Option<Self> {
        let class = first.get_type();
        let tag = if first.is_exact_instance_of::<PyTuple>() {
            None
        } else if is_plain_namedtuple(&class) {
            let address = class.as_ptr() as usize;
            Some(ClassTag::new(Arc::new(class.clone().unbind()), address, namedtuple_fields(&class)?))
        } else {
            return None;
        };
        let items: Vec<_> = (0..first.len()).map(|_| place.inside(1)).collect();
        let nulls = NullBufferBuilder::new(place.capacity);
        (!items.is_empty()).then_some(Self { class: class.as_type_ptr(), tag, items, nulls, held: place.held })
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
        // Through a tuple that others have, too, they reach the lists in it.
        if has_others(tuple.as_any(), self.held) && self.items.iter().any(Builder::holds_lists) {
            return None;
        }
        self.nulls.append_non_null();
        Some(())
    }

    fn push_null(&mut self) {
        self.items.iter_mut().for_each(Builder::push_null);
        self.nulls.append_null();
    }

    fn finish(self, rows: usize) -> Option<(Kind, ArrayRef)> {
        let finished: Option<Vec<_>> = self.items.into_iter().map(|items| items.finish(rows)).collect();
        let (items, arrays): (Vec<_>, Vec<_>) = finished?.into_iter().unzip();
        let array = tuple_array(arrays, first_of(self.nulls, rows)).ok()?;
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
    held: isize,
}

impl ListBuilder {
    fn new(place: Place) -> Self {
        let mut offsets = Vec::with_capacity(place.capacity + 1);
        offsets.push(0);
        // An item that is looked at is held twice, by the list and by `push`.
        let items = place.inside(2);
        Self { items, offsets, count: 0, nulls: NullBufferBuilder::new(place.capacity), held: place.held }
    }

    fn push(&mut self, list: Borrowed<'_, '_, PyList>) -> Option<()> {
        if has_others(list.as_any(), self.held) {
            return None;
        }
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

    fn finish(mut self, rows: usize) -> Option<(Kind, ArrayRef)> {
        self.offsets.truncate(rows + 1);
        let (kind, items) = self.items.finish(*self.offsets.last()? as usize)?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let array = list_array(items, offsets, first_of(self.nulls, rows)).ok()?;
        Some((Kind::List(Box::new(kind)), array))
    }
}
