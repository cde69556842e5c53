//! `pyspark.rdd.portable_hash` of Python objects, as a Spark worker (`PYTHONHASHSEED=0`) computes it.
//!
//! Spark asks Python's `hash`, whose answers for text depend on the process's random seed. So whatever builtin types
//! make of text and bytes is computed here with seed 0: `str`, `bytes`, `frozenset`, dates and times, members of
//! enumerations, also nested and as subclasses that keep the base's hash.
//! 1. `None` is 0, tuples (subclasses too) go by Spark's formula, everything else by `hash`.
//! 2. A class with a `__hash__` of its own is asked, with this process's seed: where that hashes text (frozen
//!    dataclasses do), the answer equals Spark's only if this process runs with `PYTHONHASHSEED=0` too.
//! 3. What Python raises (unhashable type) is raised as it is.

use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyNotImplementedError, PyRecursionError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBytes, PyDate, PyDateAccess, PyDateTime, PyFloat, PyFrozenSet, PyInt, PyString, PyTime, PyTimeAccess, PyTuple,
    PyTzInfoAccess,
};

use super::text::storage;
use crate::kernel::portable_hash::TupleHash;
pub(crate) use crate::kernel::portable_hash::bucket;
use crate::kernel::siphash::Algorithm;
use crate::stack;

type Object<'a, 'py> = Borrowed<'a, 'py, PyAny>;

/// Computes portable hashes; cheap to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hasher {
    algorithm: Algorithm,
}

impl Hasher {
    /// With the algorithm that the running interpreter hashes text with.
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        static ALGORITHM: PyOnceLock<Algorithm> = PyOnceLock::new();
        let algorithm = *ALGORITHM.get_or_try_init(py, || {
            let name = py.import("sys")?.getattr("hash_info")?.getattr("algorithm")?.extract::<String>()?;
            Algorithm::from_name(&name)
                .ok_or_else(|| PyNotImplementedError::new_err(format!("this Python hashes text by {name}")))
        })?;
        Ok(Self { algorithm })
    }

    /// The algorithm in use, for hashing columns.
    pub(crate) fn algorithm(self) -> Algorithm {
        self.algorithm
    }

    /// Spark's `portable_hash(value)`.
    #[inline]
    pub(crate) fn hash(&self, value: &Bound<'_, PyAny>) -> PyResult<i64> {
        self.portable(value.as_borrowed())
    }

    #[inline]
    fn portable(&self, value: Object<'_, '_>) -> PyResult<i64> {
        if let Ok(text) = value.cast_exact::<PyString>() {
            return Ok(self.algorithm.hash(storage(&text)?.as_bytes()));
        }
        if value.is_none() {
            return Ok(0);
        }
        match value.cast::<PyTuple>() {
            Ok(tuple) => self.spark_tuple(tuple),
            Err(_) => self.seed_0(value),
        }
    }

    /// Python's `hash(value)` as Spark's workers know it: in a process with seed 0.
    pub(crate) fn python(&self, value: &Bound<'_, PyAny>) -> PyResult<i64> {
        self.seed_0(value.as_borrowed())
    }

    /// Spark's formula for tuples.
    fn spark_tuple(&self, tuple: Borrowed<'_, '_, PyTuple>) -> PyResult<i64> {
        let _depth = Recursion::enter(tuple.py())?;
        let mut state = TupleHash::new();
        if iterates_as_tuple(&tuple) {
            for item in tuple.iter_borrowed() {
                state.add(self.portable(item)?);
            }
            return Ok(state.finish(tuple.len()));
        }
        // A subclass with an `__iter__` or `__len__` of its own: Spark goes through them.
        for item in tuple.as_any().try_iter()? {
            state.add(self.portable(item?.as_borrowed())?);
        }
        Ok(state.finish(tuple.as_any().len()?))
    }

    /// Python's `hash(value)` in a process with seed 0.
    fn seed_0(&self, value: Object<'_, '_>) -> PyResult<i64> {
        if keeps_hash_of::<PyInt>(value) {
            return python_hash(value);
        }
        if let Ok(number) = value.cast::<PyFloat>() {
            // NaN is hashed by identity; a constant lets objects and columns agree.
            return if number.value().is_nan() { Ok(0) } else { python_hash(value) };
        }
        if keeps_hash_of::<PyString>(value) {
            // SAFETY: only classes derived from str have its hash function.
            let text = unsafe { value.cast_unchecked::<PyString>() };
            return Ok(self.algorithm.hash(storage(&text)?.as_bytes()));
        }
        if keeps_hash_of::<PyBytes>(value) {
            // SAFETY: only classes derived from bytes have its hash function.
            return Ok(self.algorithm.hash(unsafe { value.cast_unchecked::<PyBytes>() }.as_bytes()));
        }
        if keeps_hash_of::<PyTuple>(value) {
            // SAFETY: only classes derived from tuple have its hash function.
            return self.python_tuple(unsafe { value.cast_unchecked::<PyTuple>() });
        }
        if let Ok(set) = value.cast::<PyFrozenSet>()
            && keeps_hash_of::<PyFrozenSet>(value)
        {
            return self.frozenset(set);
        }
        self.seed_0_of_others(value)
    }

    /// Types that come up rarely, so that looking for them may cost something.
    #[cold]
    fn seed_0_of_others(&self, value: Object<'_, '_>) -> PyResult<i64> {
        if keeps_hash_of::<PyDateTime>(value)
            && let Ok(at) = value.cast::<PyDateTime>()
            && is_naive(&at, at.get_tzinfo().is_some())?
        {
            return Ok(self.algorithm.hash(&[date_bytes(&*at).as_slice(), &time_bytes(&*at)].concat()));
        }
        if keeps_hash_of::<PyDate>(value)
            && let Ok(day) = value.cast::<PyDate>()
        {
            return Ok(self.algorithm.hash(&date_bytes(&*day)));
        }
        if keeps_hash_of::<PyTime>(value)
            && let Ok(time) = value.cast::<PyTime>()
            && is_naive(&time, time.get_tzinfo().is_some())?
        {
            return Ok(self.algorithm.hash(&time_bytes(&*time)));
        }
        if hashes_as_enum_member(value)? {
            return self.seed_0(value.getattr("_name_")?.as_borrowed());
        }
        python_hash(value)
    }

    /// CPython's own hash of a tuple (xxHash over the items' hashes): what tuples inside sets are hashed by.
    fn python_tuple(&self, tuple: Borrowed<'_, '_, PyTuple>) -> PyResult<i64> {
        const PRIME_1: u64 = 11_400_714_785_074_694_791;
        const PRIME_2: u64 = 14_029_467_366_897_019_727;
        const PRIME_5: u64 = 2_870_177_450_012_600_261;
        let _depth = Recursion::enter(tuple.py())?;
        let mut state = PRIME_5;
        for item in tuple.iter_borrowed() {
            let lane = self.seed_0(item)? as u64;
            state = state.wrapping_add(lane.wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1);
        }
        state = state.wrapping_add(tuple.len() as u64 ^ (PRIME_5 ^ 3_527_539));
        Ok(if state == u64::MAX { 1_546_275_796 } else { state as i64 })
    }

    /// CPython's hash of a frozenset: independent of the order of its elements.
    fn frozenset(&self, set: Borrowed<'_, '_, PyFrozenSet>) -> PyResult<i64> {
        let _depth = Recursion::enter(set.py())?;
        let mut state = 0;
        for item in set.iter() {
            let hash = self.seed_0(item.as_borrowed())? as u64;
            state ^= ((hash ^ 89_869_747) ^ (hash << 16)).wrapping_mul(3_644_798_167);
        }
        state ^= (set.len() as u64 + 1).wrapping_mul(1_927_868_237);
        state ^= (state >> 11) ^ (state >> 25);
        state = state.wrapping_mul(69_069).wrapping_add(907_133_923);
        Ok(if state == u64::MAX { 590_923_713 } else { state as i64 })
    }
}

fn python_hash(value: Object<'_, '_>) -> PyResult<i64> {
    value.hash().map(|hash| hash as i64)
}

/// Whether the class of `value` computes hashes by the very function that `T` has.
#[inline]
fn keeps_hash_of<T: PyTypeInfo>(value: Object<'_, '_>) -> bool {
    // SAFETY: reads plain fields of live type objects.
    let (own, base) = unsafe { ((*value.get_type_ptr()).tp_hash, (*T::type_object_raw(value.py())).tp_hash) };
    own.map(|f| f as usize) == base.map(|f| f as usize)
}

/// Whether a tuple's items and length are the stored ones.
#[inline]
fn iterates_as_tuple(tuple: &Bound<'_, PyTuple>) -> bool {
    if tuple.is_exact_instance_of::<PyTuple>() {
        return true;
    }
    // SAFETY: reads plain fields of live type objects; tuple's sequence methods are static.
    unsafe {
        let (own, base) = (tuple.get_type_ptr(), &raw const ffi::PyTuple_Type);
        let length = |class: *const ffi::PyTypeObject| (*class).tp_as_sequence.as_ref().and_then(|s| s.sq_length);
        (*own).tp_iter.map(|f| f as usize) == (*base).tp_iter.map(|f| f as usize)
            && length(own).map(|f| f as usize) == length(base).map(|f| f as usize)
    }
}

/// Whether a date or time has no offset from UTC, which is when it is hashed by its bytes.
fn is_naive(value: &Bound<'_, PyAny>, has_zone: bool) -> PyResult<bool> {
    Ok(!has_zone || value.call_method0("utcoffset")?.is_none())
}

/// A date as `datetime` keeps it: year in two bytes, month, day.
fn date_bytes(day: &impl PyDateAccess) -> [u8; 4] {
    let [high, low] = (day.get_year() as u16).to_be_bytes();
    [high, low, day.get_month(), day.get_day()]
}

/// A time as `datetime` keeps it: hour, minute, second, microseconds in three bytes.
fn time_bytes(time: &impl PyTimeAccess) -> [u8; 6] {
    let [_, high, middle, low] = time.get_microsecond().to_be_bytes();
    [time.get_hour(), time.get_minute(), time.get_second(), high, middle, low]
}

/// Whether `value` belongs to an enumeration that hashes members by their names, as `Enum` itself does.
fn hashes_as_enum_member(value: Object<'_, '_>) -> PyResult<bool> {
    static ENUM: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let member = ENUM.import(value.py(), "enum", "Enum")?;
    Ok(value.is_instance(member)? && value.get_type().getattr("__hash__")?.is(&member.getattr("__hash__")?))
}

/// Counts towards Python's recursion limit, so that endless nesting raises instead of overflowing the stack; which a limit
/// that the program has raised does not do by itself.
struct Recursion;

impl Recursion {
    #[inline]
    fn enter(py: Python<'_>) -> PyResult<Self> {
        if stack::is_low() {
            return Err(PyRecursionError::new_err("maximum recursion depth exceeded while hashing a key"));
        }
        // SAFETY: attached; left again when the value is dropped.
        match unsafe { ffi::Py_EnterRecursiveCall(c" while hashing a key".as_ptr()) } {
            0 => Ok(Self),
            _ => Err(PyErr::fetch(py)),
        }
    }
}

impl Drop for Recursion {
    fn drop(&mut self) {
        // SAFETY: balances `enter`, in the same thread: the value never leaves a function that holds `py`.
        unsafe { ffi::Py_LeaveRecursiveCall() };
    }
}

/// What the builtin `hash` is in tasks: it does not depend on the hash seed of this process.
#[pyfunction]
pub(crate) fn task_hash(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    Hasher::new(value.py())?.python(value)
}

/// Spark's `pyspark.rdd.portable_hash`.
#[pyfunction]
pub(crate) fn portable_hash(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    Hasher::new(value.py())?.hash(value)
}

/// For tests: the portable hashes of a list's elements by way of columns; `None` if that way is not open.
#[pyfunction]
pub(crate) fn _hash_as_columns(list: &Bound<'_, pyo3::types::PyList>) -> PyResult<Option<Vec<i64>>> {
    let algorithm = Hasher::new(list.py())?.algorithm();
    let columns = super::convert::list_to_columns(list);
    Ok(columns.and_then(|columns| crate::kernel::portable_hash::hash_columns(&columns, algorithm)))
}

/// For tests: the partition that a key goes to.
#[pyfunction]
pub(crate) fn _partition_of(key: &Bound<'_, PyAny>, partitions: usize) -> PyResult<usize> {
    Ok(bucket(Hasher::new(key.py())?.hash(key)?, partitions))
}
