//! How much memory do Python objects take, about?
//!
//! 1. An estimate for the budget: sizes of common types, some elements of large containers for all. What others refer to
//!    as well counts in part.
//! 2. Weighing costs time, so a `Scale` weighs some elements of many, first all, and takes them for the others.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::memory::Reservation;
use crate::object::call::engine_error;
use crate::rdd::Task;

/// Containers are looked into so deep.
const DEPTH: usize = 4;
/// Elements of a container that are weighed.
const SAMPLE: usize = 16;
/// What the memory manager and the garbage collector add to an object.
const HEADER: usize = 16;

/// About the bytes of an object and what it refers to; `held` references to it belong to whoever asks.
fn weight(object: &Bound<'_, PyAny>, held: usize, depth: usize) -> usize {
    // SAFETY: reads a field of a live object.
    let references = unsafe { ffi::Py_REFCNT(object.as_ptr()) } as usize;
    let owners = references.saturating_sub(held).max(1);
    let bytes = if object.is_none() || object.is_exact_instance_of::<PyBool>() {
        0
    } else if let Ok(text) = object.cast_exact::<PyString>() {
        // SAFETY: a live str object, which is always ready.
        let (length, kind) = unsafe { (ffi::PyUnicode_GET_LENGTH(text.as_ptr()), ffi::PyUnicode_KIND(text.as_ptr())) };
        56 + length as usize * kind as usize
    } else if object.is_exact_instance_of::<PyInt>() || object.is_exact_instance_of::<PyFloat>() {
        32
    } else if let Ok(bytes) = object.cast_exact::<PyBytes>() {
        40 + bytes.as_bytes().len()
    } else if depth == 0 {
        64
    } else if let Ok(tuple) = object.cast::<PyTuple>() {
        let items =
            sampled(tuple.len(), |at| tuple.get_borrowed_item(at).map_or(0, |item| weight(&item, 0, depth - 1)));
        HEADER + 40 + 8 * tuple.len() + items
    } else if let Ok(list) = object.cast_exact::<PyList>() {
        let items = sampled(list.len(), |at| list.get_item(at).map_or(0, |item| weight(&item, 1, depth - 1)));
        HEADER + 56 + 9 * list.len() + items
    } else if let Ok(dict) = object.cast_exact::<PyDict>() {
        dict_weight(dict, depth)
    } else {
        other_weight(object, depth)
    };
    bytes / owners
}

/// The sum over `count` elements, from some of them.
fn sampled(count: usize, weigh: impl Fn(usize) -> usize) -> usize {
    let looks = count.min(SAMPLE);
    let sum: usize = (0..looks).map(|look| weigh(look * count / looks)).sum();
    if looks == count { sum } else { (sum as u128 * count as u128 / looks as u128) as usize }
}

fn dict_weight(dict: &Bound<'_, PyDict>, depth: usize) -> usize {
    // As Python iterates, which only stops early should another thread change the dict meanwhile.
    let pairs = dict.call_method0(intern!(dict.py(), "items")).and_then(|items| items.try_iter());
    let some: Vec<usize> = pairs
        .into_iter()
        .flatten()
        .take(SAMPLE)
        .map_while(|pair| {
            let pair = pair.ok()?.cast_into_exact::<PyTuple>().ok()?;
            Some(pair.iter_borrowed().map(|part| weight(&part, 1, depth - 1)).sum())
        })
        .collect();
    let items = if some.is_empty() { 0 } else { some.iter().sum::<usize>() * dict.len() / some.len() };
    HEADER + 64 + 100 * dict.len() + items
}

fn other_weight(object: &Bound<'_, PyAny>, depth: usize) -> usize {
    // An object that does not tell its size, or has no variables of its own, is taken for a small one.
    let own = object.call_method0("__sizeof__").and_then(|size| size.extract::<usize>()).unwrap_or(64);
    let variables = object.getattr("__dict__").ok();
    let inside = variables.and_then(|inside| inside.cast_into_exact::<PyDict>().ok());
    HEADER + own + inside.map_or(0, |inside| dict_weight(&inside, depth))
}

/// About the bytes of an object that the caller holds `held` references to.
pub(crate) fn one(object: &Bound<'_, PyAny>, held: usize) -> usize {
    weight(object, held, DEPTH)
}

/// About the bytes of all objects, from some of them.
pub(crate) fn all(py: Python<'_>, items: &[Py<PyAny>]) -> usize {
    8 * items.len() + sampled(items.len(), |at| items.get(at).map_or(0, |item| one(item.bind(py), 0)))
}

/// How many elements like these, one at least, are about `bytes`.
pub(crate) fn rows(py: Python<'_>, items: &[Py<PyAny>], bytes: usize) -> usize {
    (bytes / (all(py, items) / items.len().max(1)).max(1)).max(1)
}

/// Weighs what a task gathers, and asks for the room.
pub(crate) struct Scale {
    reservation: Reservation,
    /// Bytes that have not been asked for yet.
    pending: usize,
    seen: u32,
    until_next: u32,
    random: u32,
}

/// Elements that are all weighed; then one of `STRIDE` on average.
const FIRST: u32 = 64;
const STRIDE: u32 = 8;
/// Bytes that are asked for together.
const STEP: usize = 8 << 10;

impl Scale {
    pub(crate) fn new(task: &Task) -> Self {
        Self { reservation: task.reservation(), pending: 0, seen: 0, until_next: 1, random: 1 }
    }

    /// How many elements the next one stands for, if it is to be weighed.
    #[inline]
    pub(crate) fn due(&mut self) -> Option<usize> {
        self.until_next -= 1;
        if self.until_next > 0 {
            return None;
        }
        if self.seen < FIRST {
            self.seen += 1;
            self.until_next = 1;
            return Some(1);
        }
        // Not every eighth: data may have a rhythm of its own.
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.until_next = 1 + (self.random >> 16) % (2 * STRIDE - 1);
        Some(STRIDE as usize)
    }

    /// Counts `bytes` more. False: there is no room for them, so what has been gathered must be written first.
    pub(crate) fn add(&mut self, py: Python<'_>, bytes: usize) -> PyResult<bool> {
        self.pending = self.pending.saturating_add(bytes);
        if self.pending < STEP {
            return Ok(true);
        }
        let reservation = &mut self.reservation;
        let pending = self.pending;
        let fits = py.detach(|| reservation.try_reserve(pending)).map_err(|error| engine_error(py, &error))?;
        if fits {
            self.pending = 0;
        }
        Ok(fits)
    }

    /// What did not fit is gathered all the same, because it cannot be cut smaller.
    pub(crate) fn accept(&mut self) {
        self.reservation.hold(std::mem::take(&mut self.pending));
    }

    /// What was gathered is gone.
    pub(crate) fn clear(&mut self) {
        self.pending = 0;
        self.reservation.release();
    }
}
