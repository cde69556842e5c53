//! May these elements leave a worker as they are, where Spark would pickle them?
//!
//! A pickle is a copy of what the elements are at that moment. Nobody can tell the copy from the elements if these are
//! immutable, or *owned*: every mutable object in them is referred to by the elements alone, and once. So nobody else can
//! change it later, and it is no part of two elements.
//! 1. What cannot be looked into counts as not owned. Not knowing costs a pickle, nothing else.
//! 2. No Python code of the program runs in here, but for the verdict on a class, once per batch.

use std::ffi::{c_int, c_void};

use hashbrown::HashSet;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple,
    PyType,
};

use crate::block::Kind;
use crate::object::called;

/// Containers are looked into so deep.
const DEPTH: u32 = 32;

/// What is known of a class.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Instances cannot change.
    Value,
    /// Instances cannot change, but what they refer to may.
    Frozen,
    /// All that an instance refers to is found by traversing it.
    Container,
    /// Instances refer to nothing.
    Plain,
    /// An array that owns its memory may be owned.
    Array,
    Unknown,
}

/// Whether all of `items`, which the caller holds one reference to each, are owned or immutable.
pub(crate) fn are_own(py: Python<'_>, items: &[Py<PyAny>]) -> bool {
    let mut look = Look { py, classes: Vec::new(), shared: false, depth: DEPTH, own: true };
    items.iter().all(|item| {
        look.at(item.as_ptr());
        look.own
    })
}

/// Which of `items`, as above, are not. What these share with each other is part of none of the rest.
pub(crate) fn not_own(py: Python<'_>, items: &[Py<PyAny>]) -> Vec<usize> {
    let mut look = Look { py, classes: Vec::new(), shared: false, depth: DEPTH, own: true };
    let is_other = |(at, item): (usize, &Py<PyAny>)| {
        look.own = true;
        look.at(item.as_ptr());
        (!look.own).then_some(at)
    };
    items.iter().enumerate().filter_map(is_other).collect()
}

/// A look at objects and what they refer to.
struct Look<'py> {
    py: Python<'py>,
    /// Classes that were met.
    classes: Vec<(*mut ffi::PyTypeObject, Verdict)>,
    /// Whether what is looked at is also reached in other ways.
    shared: bool,
    depth: u32,
    own: bool,
}

impl Look<'_> {
    fn at(&mut self, object: *mut ffi::PyObject) {
        // SAFETY: `object` is referred to by an element, which lives.
        let class = unsafe { ffi::Py_TYPE(object) };
        let verdict = self.verdict(class);
        if verdict == Verdict::Value {
            return;
        }
        // SAFETY: as above.
        let is_shared = self.shared || unsafe { ffi::Py_REFCNT(object) } > 1;
        self.own &= match verdict {
            Verdict::Value | Verdict::Frozen => true,
            Verdict::Container | Verdict::Plain => !is_shared,
            Verdict::Array => !is_shared && self.owns_memory(object),
            Verdict::Unknown => false,
        };
        if self.own && matches!(verdict, Verdict::Frozen | Verdict::Container) {
            self.inside(class, object, is_shared);
        }
    }

    /// Looks at all that a container refers to.
    fn inside(&mut self, class: *mut ffi::PyTypeObject, object: *mut ffi::PyObject, is_shared: bool) {
        if self.depth == 0 {
            self.own = false;
            return;
        }
        // SAFETY: a field of a live class.
        let Some(traverse) = (unsafe { (*class).tp_traverse }) else { return };
        let before = std::mem::replace(&mut self.shared, is_shared);
        self.depth -= 1;
        // SAFETY: what the collector of garbage does, too; `object` is immutable, or nobody else can reach it. `visit` gets
        // this very look.
        unsafe { traverse(object, visit, std::ptr::from_mut(self).cast::<c_void>()) };
        self.depth += 1;
        self.shared = before;
    }

    /// Whether an array of NumPy looks into nothing but memory of its own, and holds no objects.
    fn owns_memory(&self, array: *mut ffi::PyObject) -> bool {
        // SAFETY: a live object.
        let array = unsafe { Bound::from_borrowed_ptr(self.py, array) };
        let owns = || Ok::<_, PyErr>(array.getattr("base")?.is_none() && !has_objects(&array)?);
        owns().unwrap_or(false)
    }

    fn verdict(&mut self, class: *mut ffi::PyTypeObject) -> Verdict {
        if let Some((_, known)) = self.classes.iter().find(|(known, _)| std::ptr::eq(*known, class)) {
            return *known;
        }
        // SAFETY: the class of a live object.
        let object = unsafe { Bound::from_borrowed_ptr(self.py, class.cast::<ffi::PyObject>()) };
        let verdict = object.cast::<PyType>().map_or(Verdict::Unknown, |class| verdict_on(class));
        self.classes.push((class, verdict));
        verdict
    }
}

fn has_objects(array: &Bound<'_, PyAny>) -> PyResult<bool> {
    array.getattr("dtype")?.getattr("hasobject")?.extract()
}

/// For `tp_traverse`: looks at one object.
extern "C" fn visit(object: *mut ffi::PyObject, look: *mut c_void) -> c_int {
    // SAFETY: `inside` passes its own look, and is not used meanwhile.
    let look = unsafe { &mut *look.cast::<Look<'_>>() };
    // SAFETY: a live object, as the one that refers to it lives. An instance refers to its class.
    if unsafe { ffi::PyType_Check(object) } == 0 {
        look.at(object);
    }
    c_int::from(!look.own)
}

fn verdict_on(class: &Bound<'_, PyType>) -> Verdict {
    let py = class.py();
    let is_one = |classes: &[Bound<'_, PyType>]| classes.iter().any(|one| class.is(one));
    let values = [
        py.get_type::<PyInt>(),
        py.get_type::<PyString>(),
        py.get_type::<PyFloat>(),
        py.get_type::<PyBool>(),
        py.get_type::<PyBytes>(),
        py.get_type::<PyComplex>(),
        py.None().bind(py).get_type(),
    ];
    if is_one(&values) {
        Verdict::Value
    } else if is_one(&[py.get_type::<PyTuple>(), py.get_type::<PyFrozenSet>()]) {
        Verdict::Frozen
    } else if is_one(&[py.get_type::<PyList>(), py.get_type::<PyDict>(), py.get_type::<PySet>()]) {
        Verdict::Container
    } else if is_one(&[py.get_type::<PyByteArray>()]) {
        Verdict::Plain
    } else {
        // A class that raises when it is looked at is not known.
        told(class).unwrap_or(Verdict::Unknown)
    }
}

/// What `dstreams.core.closures.owning` knows of a class.
fn told(class: &Bound<'_, PyType>) -> PyResult<Verdict> {
    let py = class.py();
    let told = called::KIND_OF.get(py)?.call1((class,))?;
    let (kind, made): (String, Vec<Bound<'_, PyType>>) = told.extract()?;
    for one in &made {
        if !is_made_in_python(one)? {
            return Ok(Verdict::Unknown);
        }
    }
    Ok(match kind.as_str() {
        "value" => Verdict::Value,
        "frozen" => Verdict::Frozen,
        "container" => Verdict::Container,
        "array" => Verdict::Array,
        _ => Verdict::Unknown,
    })
}

/// Whether a class was made by a `class` statement: then its instances hold nothing that a trace does not find.
fn is_made_in_python(class: &Bound<'_, PyType>) -> PyResult<bool> {
    let like = called::MADE.get(class.py())?.cast::<PyType>()?;
    // SAFETY: fields of live classes. All classes made in Python share what frees their instances.
    let (one, other) = unsafe { ((*class.as_type_ptr()).tp_dealloc, (*like.as_type_ptr()).tp_dealloc) };
    Ok(one.map(|free| free as usize) == other.map(|free| free as usize))
}

/// Whether a list occurs twice in `items`, which are of `kind`.
pub(crate) fn shares_lists(py: Python<'_>, items: &[Py<PyAny>], kind: &Kind) -> bool {
    let mut seen = HashSet::new();
    kind.holds_lists() && items.iter().any(|item| shares(item.bind(py), kind, &mut seen))
}

fn shares(item: &Bound<'_, PyAny>, kind: &Kind, seen: &mut HashSet<usize>) -> bool {
    match kind {
        Kind::Tuple { items, .. } => item.cast::<PyTuple>().is_ok_and(|tuple| {
            let parts = tuple.iter_borrowed().zip(items);
            parts.into_iter().any(|(one, kind)| kind.holds_lists() && shares(&one, kind, seen))
        }),
        Kind::List(inner) => item.cast_exact::<PyList>().is_ok_and(|list| {
            // A list with a single reference is met once. SAFETY: reads a field of a live object.
            let may_come_again = unsafe { ffi::Py_REFCNT(list.as_ptr()) } > 1;
            let is_met = may_come_again && !seen.insert(list.as_ptr() as usize);
            is_met || (inner.holds_lists() && list.iter().any(|one| shares(&one, inner, seen)))
        }),
        _ => false,
    }
}

/// About the bytes of a pickle of `items`, from some of them.
pub(crate) fn pickled_bytes(py: Python<'_>, items: &[Py<PyAny>]) -> usize {
    let looks = items.len().min(16);
    let sum: usize = (0..looks).map(|look| pickled(items[look * items.len() / looks].bind(py), 4)).sum();
    8 + if looks == items.len() { sum } else { sum * items.len() / looks.max(1) }
}

fn pickled(item: &Bound<'_, PyAny>, depth: usize) -> usize {
    if item.is_none() || item.is_exact_instance_of::<PyBool>() {
        1
    } else if item.is_exact_instance_of::<PyInt>() {
        match item.extract::<u64>() {
            Ok(0..=0xff) => 2,
            Ok(0x100..=0xffff) => 3,
            _ => 5,
        }
    } else if item.is_exact_instance_of::<PyFloat>() {
        9
    } else if let Ok(text) = item.cast_exact::<PyString>() {
        3 + text.len().unwrap_or(0)
    } else if let Ok(bytes) = item.cast_exact::<PyBytes>() {
        3 + bytes.as_bytes().len()
    } else if depth == 0 {
        32
    } else if let Ok(tuple) = item.cast::<PyTuple>() {
        3 + tuple.iter_borrowed().map(|one| pickled(&one, depth - 1)).sum::<usize>()
    } else if let Ok(list) = item.cast_exact::<PyList>() {
        let some: usize = list.iter().take(16).map(|one| pickled(&one, depth - 1)).sum();
        4 + some * list.len().max(1) / list.len().clamp(1, 16)
    } else {
        super::weigh::one(item, 1) / 2
    }
}
