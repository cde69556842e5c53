//! Columns into Python values: each comes back with exactly the type it had.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BinaryViewArray, BooleanArray, Float64Array, Int64Array, StringViewArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use pyo3::exceptions::PyIndexError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::block::{ClassTag, Columns, Kind};
use crate::error::{EngineError, Result};
use crate::object::called;
use crate::object::turn::is_parallel;

/// Columns made ready for reading values one by one: the types are looked at once, not per value.
/// Cheap to make and to clone the data of: it shares the buffers.
pub(crate) struct Reader {
    column: Column,
    length: usize,
}

impl Reader {
    /// A reader of `columns`; fails only if array and kind contradict each other.
    pub(crate) fn new(columns: &Columns) -> Result<Self> {
        Ok(Self { column: Column::new(columns.kind(), columns.array())?, length: columns.len() })
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The element at `index` as a new Python object. All that were made with the same `recent` must still live.
    #[inline]
    pub(super) fn get<'py>(
        &self,
        py: Python<'py>,
        index: usize,
        recent: &mut Option<Recent>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if index >= self.length {
            return Err(PyIndexError::new_err("element index out of range"));
        }
        // SAFETY: below the length; the result is a new reference, or null with an exception set.
        unsafe { Bound::from_owned_ptr_or_err(py, self.column.object(py, index, recent)) }
    }
}

/// One column, and the way to make a Python object of its values.
enum Column {
    None,
    Bool(BooleanArray),
    Int(Int64Array),
    Float(Float64Array),
    Str(StringViewArray),
    Bytes(BinaryViewArray),
    Tuple { items: Vec<Column>, nulls: Option<NullBuffer>, class: Option<Class> },
    List { items: Box<Column>, offsets: OffsetBuffer<i32>, nulls: Option<NullBuffer>, group: bool },
}

/// A namedtuple class, as `build.rs` put it into the tag.
struct Class(Arc<Py<PyType>>);

impl Column {
    fn new(kind: &Kind, array: &ArrayRef) -> Result<Self> {
        let column = match kind {
            Kind::None => Some(Self::None),
            Kind::Bool => array.as_boolean_opt().cloned().map(Self::Bool),
            Kind::Int => array.as_primitive_opt::<Int64Type>().cloned().map(Self::Int),
            Kind::Float => array.as_primitive_opt::<Float64Type>().cloned().map(Self::Float),
            Kind::Str => array.as_string_view_opt().cloned().map(Self::Str),
            Kind::Bytes => array.as_binary_view_opt().cloned().map(Self::Bytes),
            Kind::Tuple { items, class } => Self::tuple(items, class.as_ref(), array)?,
            Kind::List(item) | Kind::Group(item) => match array.as_list_opt::<i32>() {
                Some(lists) => Some(Self::List {
                    items: Box::new(Self::new(item, lists.values())?),
                    offsets: lists.offsets().clone(),
                    nulls: lists.nulls().cloned(),
                    group: matches!(kind, Kind::Group(_)),
                }),
                None => None,
            },
        };
        column.ok_or_else(|| EngineError::Bug(format!("a column of {kind:?} holds {}", array.data_type())))
    }

    fn tuple(kinds: &[Kind], tag: Option<&ClassTag>, array: &ArrayRef) -> Result<Option<Self>> {
        let Some(tuples) = array.as_struct_opt().filter(|tuples| tuples.num_columns() == kinds.len()) else {
            return Ok(None);
        };
        let class = match tag.map(|tag| Arc::clone(tag.class()).downcast::<Py<PyType>>()) {
            None => None,
            Some(Ok(class)) => Some(Class(class)),
            Some(Err(_)) => return Ok(None),
        };
        let items = kinds.iter().zip(tuples.columns()).map(|(kind, array)| Self::new(kind, array));
        Ok(Some(Self::Tuple { items: items.collect::<Result<_>>()?, nulls: tuples.nulls().cloned(), class }))
    }

    #[inline]
    fn is_null(&self, index: usize) -> bool {
        let nulls = match self {
            Self::None => return true,
            Self::Bool(values) => values.nulls(),
            Self::Int(values) => values.nulls(),
            Self::Float(values) => values.nulls(),
            Self::Str(values) => values.nulls(),
            Self::Bytes(values) => values.nulls(),
            Self::Tuple { nulls, .. } | Self::List { nulls, .. } => nulls.as_ref(),
        };
        nulls.is_some_and(|nulls| nulls.is_null(index))
    }

    /// A new reference, or null with an exception set.
    ///
    /// # Safety
    /// `index` is below the length of the column.
    unsafe fn object(&self, py: Python<'_>, index: usize, recent: &mut Option<Recent>) -> *mut ffi::PyObject {
        if self.is_null(index) {
            return py.None().into_ptr();
        }
        // SAFETY: `index` is in range, the interpreter is attached, and lengths of slices fit `Py_ssize_t`.
        unsafe {
            match self {
                Self::None => py.None().into_ptr(),
                Self::Bool(values) => ffi::PyBool_FromLong(values.value_unchecked(index).into()),
                Self::Int(values) => ffi::PyLong_FromLongLong(values.value_unchecked(index)),
                Self::Float(values) => ffi::PyFloat_FromDouble(values.value_unchecked(index)),
                Self::Str(values) => match recent {
                    Some(recent) => recent.text(values, index),
                    None => text_object(values.value_unchecked(index)),
                },
                Self::Bytes(values) => {
                    let bytes = values.value_unchecked(index);
                    ffi::PyBytes_FromStringAndSize(bytes.as_ptr().cast(), bytes.len() as ffi::Py_ssize_t)
                }
                Self::Tuple { items, class, .. } => match (tuple_object(py, items, index, recent), class) {
                    (tuple, Some(class)) if !tuple.is_null() => class.instance(tuple),
                    (tuple, _) => tuple,
                },
                Self::List { items, offsets, group, .. } => {
                    let list = list_object(py, items, offsets[index] as usize..offsets[index + 1] as usize, recent);
                    if *group && !list.is_null() { group_object(py, list) } else { list }
                }
            }
        }
    }
}

impl Class {
    /// An instance with the fields of `tuple`, whose reference it takes; null with an exception set.
    ///
    /// # Safety
    /// Attached, and `tuple` is a tuple.
    unsafe fn instance(&self, tuple: *mut ffi::PyObject) -> *mut ffi::PyObject {
        // `tuple.__new__(class, tuple)`: the only public way, since the layout of tuples differs between versions.
        // SAFETY: the class derives from tuple; the steal by SET_ITEM balances the reference we were given.
        unsafe {
            let arguments = ffi::PyTuple_New(1);
            if arguments.is_null() {
                ffi::Py_DECREF(tuple);
                return arguments;
            }
            ffi::PyTuple_SET_ITEM(arguments, 0, tuple);
            let instance = match ffi::PyTuple_Type.tp_new {
                Some(new) => new(self.0.as_ptr().cast(), arguments, std::ptr::null_mut()),
                None => std::ptr::null_mut(),
            };
            ffi::Py_DECREF(arguments);
            instance
        }
    }
}

/// A new `str`; null with an exception set.
///
/// # Safety
/// Attached.
#[inline]
unsafe fn text_object(text: &str) -> *mut ffi::PyObject {
    // SAFETY: the length of a slice fits `Py_ssize_t`.
    unsafe { ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), text.len() as ffi::Py_ssize_t) }
}

/// Texts of which there is an object already, because values are often the same again.
///
/// It holds no references: it is for the making of many objects that all live until the last of them is made.
pub(super) struct Recent {
    places: Box<[(u128, *mut ffi::PyObject); RECENT]>,
}

/// Texts that are remembered, and rows for which it is worth it.
const RECENT: usize = 256;
const WORTH_REMEMBERING: usize = 64;
/// Longest text that a view holds itself.
const INLINE: u32 = 12;

impl Recent {
    /// For so many rows.
    pub(super) fn of(rows: usize) -> Option<Self> {
        // The view of no text: one of its length has bytes where this has none.
        let nothing = (u128::from(u32::MAX), std::ptr::null_mut());
        (rows >= WORTH_REMEMBERING).then(|| Self { places: Box::new([nothing; RECENT]) })
    }

    /// A new reference to the text of a row, or null with an exception set.
    ///
    /// # Safety
    /// As for `Column::object`, and every object that was made since `of` still lives.
    #[inline]
    unsafe fn text(&mut self, values: &StringViewArray, index: usize) -> *mut ffi::PyObject {
        let view = values.views()[index];
        // SAFETY: the caller's promise.
        unsafe {
            if view as u32 > INLINE {
                return text_object(values.value_unchecked(index));
            }
            let folded = (view as u64 ^ (view >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let place = &mut self.places[(folded >> 56) as usize];
            if place.0 == view {
                ffi::Py_INCREF(place.1);
                return place.1;
            }
            let made = text_object(values.value_unchecked(index));
            if !made.is_null() {
                *place = (view, made);
            }
            made
        }
    }
}

/// A new tuple of the values at `index`; null with an exception set.
///
/// # Safety
/// `index` is below the length of every column.
#[inline]
unsafe fn tuple_object(
    py: Python<'_>,
    items: &[Column],
    index: usize,
    recent: &mut Option<Recent>,
) -> *mut ffi::PyObject {
    // SAFETY: the tuple is new and ours; every slot is filled once, or the tuple released with the rest empty.
    unsafe {
        let tuple = ffi::PyTuple_New(items.len() as ffi::Py_ssize_t);
        if tuple.is_null() {
            return tuple;
        }
        for (position, item) in items.iter().enumerate() {
            let value = item.object(py, index, recent);
            if value.is_null() {
                ffi::Py_DECREF(tuple);
                return value;
            }
            ffi::PyTuple_SET_ITEM(tuple, position as ffi::Py_ssize_t, value);
        }
        tuple
    }
}

/// A new list of the values in a range; null with an exception set.
///
/// # Safety
/// The range is one of the column, and its start is not after its end.
unsafe fn list_object(
    py: Python<'_>,
    items: &Column,
    rows: Range<usize>,
    recent: &mut Option<Recent>,
) -> *mut ffi::PyObject {
    // SAFETY: the list is new and ours; every slot is filled once, or the list released with the rest empty.
    unsafe {
        let list = ffi::PyList_New(rows.len() as ffi::Py_ssize_t);
        if list.is_null() {
            return list;
        }
        for (position, index) in rows.enumerate() {
            let value = items.object(py, index, recent);
            if value.is_null() {
                ffi::Py_DECREF(list);
                return value;
            }
            ffi::PyList_SET_ITEM(list, position as ffi::Py_ssize_t, value);
        }
        list
    }
}

/// A new `ResultIterable` of a list, whose reference it takes; null with an exception set.
///
/// # Safety
/// `list` is a valid object.
unsafe fn group_object(py: Python<'_>, list: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the reference is ours to take.
    let list = unsafe { Bound::from_owned_ptr(py, list) };
    let group = called::RESULT_ITERABLE.get(py).and_then(|class| class.call1((list,)));
    group.map_or_else(
        |error| {
            error.restore(py);
            std::ptr::null_mut()
        },
        Bound::into_ptr,
    )
}

/// Holds Python's cyclic collector off while many objects are made, none of which can be garbage yet; without it, reading
/// a million tuples has every one of them looked at again and again. Not where threads run side by side: the switch is
/// the whole process's, another thread may be setting it, and that collector waits for more objects the more there are.
pub(super) struct NoCollection {
    was_enabled: bool,
}

impl NoCollection {
    pub(super) fn begin(_py: Python<'_>) -> Self {
        // SAFETY: attached.
        Self { was_enabled: !is_parallel() && unsafe { ffi::PyGC_Disable() } != 0 }
    }
}

impl Drop for NoCollection {
    fn drop(&mut self) {
        if self.was_enabled {
            // SAFETY: attached: the value lives in functions that hold `py`.
            unsafe { ffi::PyGC_Enable() };
        }
    }
}

/// All values of `reader` as a new list.
pub(super) fn list<'py>(py: Python<'py>, reader: &Reader) -> PyResult<Bound<'py, PyAny>> {
    let _pause = NoCollection::begin(py);
    // SAFETY: the whole length; the result is a new reference, or null with an exception set.
    unsafe {
        Bound::from_owned_ptr_or_err(
            py,
            list_object(py, &reader.column, 0..reader.length, &mut Recent::of(reader.length)),
        )
    }
}
