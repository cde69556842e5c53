//! Which classes derived from `tuple` add nothing but names?
//!
//! Those of `collections.namedtuple` and `typing.NamedTuple`, as long as nothing overrides what a tuple does: their
//! instances can be taken apart and put together again, and compare and hash as the tuples they are.
//! When in doubt, no.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFunction, PyString, PyTuple, PyType};

use crate::block::ClassTag;

/// Special names that a namedtuple class may define itself; any other could change what a tuple does.
const HARMLESS: [&str; 21] = [
    "__annotate__",
    "__annotate_func__",
    "__annotations__",
    "__annotations_cache__",
    "__conditional_annotations__",
    "__classdictcell__",
    "__doc__",
    "__firstlineno__",
    "__getnewargs__",
    "__match_args__",
    "__module__",
    "__new__",
    "__orig_bases__",
    "__qualname__",
    "__replace__",
    "__repr__",
    // `copyreg` leaves it behind when an instance is pickled.
    "__slotnames__",
    "__slots__",
    "__static_attributes__",
    "__str__",
    "__type_params__",
];

/// Verdicts by address and version of the type: CPython changes the version with every change of the class and does
/// not use one twice, so a verdict cannot outlive what it is about.
type Verdicts = HashMap<(usize, u32), bool>;

/// Verdicts kept per thread; programs that make classes without end start over.
const MAX_VERDICTS: usize = 1024;

thread_local! {
    static VERDICTS: RefCell<Verdicts> = RefCell::new(Verdicts::new());
}

/// Whether `class` is a namedtuple class that behaves as a tuple in everything. Cached.
pub(crate) fn is_plain_namedtuple(class: &Bound<'_, PyType>) -> bool {
    let before = version(class);
    if let Some(known) = before.and_then(|key| VERDICTS.with_borrow(|all| all.get(&key).copied())) {
        return known;
    }
    // An exception says that the class is not like those we know.
    let verdict = examine(class).unwrap_or(false);
    // Looking attributes up is what gives a class its version, so the second look at a class is the first that is kept.
    // One during which another thread changed the class is not.
    if let Some(key) = before.filter(|_| version(class) == before) {
        VERDICTS.with_borrow_mut(|all| {
            if all.len() >= MAX_VERDICTS {
                all.clear();
            }
            all.insert(key, verdict);
        });
    }
    verdict
}

/// The names of the fields of a class that is a plain namedtuple; each names the accessor of its position.
pub(crate) fn namedtuple_fields(class: &Bound<'_, PyType>) -> Option<Arc<[String]>> {
    class.getattr(pyo3::intern!(class.py(), "_fields")).ok()?.extract::<Vec<String>>().ok().map(Arc::from)
}

/// The tag of a class that another process named.
pub(crate) fn class_tag(class: &Bound<'_, PyType>) -> PyResult<ClassTag> {
    let fields = is_plain_namedtuple(class).then(|| namedtuple_fields(class)).flatten();
    let changed = || pyo3::exceptions::PyTypeError::new_err(format!("{class} is no plain namedtuple any more"));
    let fields = fields.ok_or_else(changed)?;
    Ok(ClassTag::new(Arc::new(class.clone().unbind()), class.as_ptr() as usize, fields))
}

fn version(class: &Bound<'_, PyType>) -> Option<(usize, u32)> {
    // SAFETY: reads a plain field of a live type object, which CPython writes atomically where threads run side by side.
    let version =
        unsafe { AtomicU32::from_ptr(&raw mut (*class.as_type_ptr()).tp_version_tag) }.load(Ordering::Acquire);
    (version != 0).then_some((class.as_ptr() as usize, version))
}

fn examine(class: &Bound<'_, PyType>) -> PyResult<bool> {
    let py = class.py();
    let tuple = py.get_type::<PyTuple>();
    let bases = class.getattr("__bases__")?.cast_into::<PyTuple>()?;
    if !class.is_exact_instance_of::<PyType>() || bases.len() != 1 || !bases.get_item(0)?.is(&tuple) {
        return Ok(false);
    }
    // SAFETY: reads a plain field of a live type object. Other than 0: instances have a `__dict__`.
    if unsafe { (*class.as_type_ptr()).tp_dictoffset } != 0 {
        return Ok(false);
    }
    let members = PyDict::new(py);
    members.update(class.getattr("__dict__")?.cast::<pyo3::types::PyMapping>()?)?;
    Ok(names_are_harmless(&members)? && made_by_namedtuple(class, &members)? && fields_are_items(&members)?)
}

fn names_are_harmless(members: &Bound<'_, PyDict>) -> PyResult<bool> {
    for name in members.keys() {
        let name = name.cast_into_exact::<PyString>()?;
        let name = name.to_str()?;
        if name.starts_with("__") && name.ends_with("__") && !HARMLESS.contains(&name) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `__new__` is the one that `collections.namedtuple` compiles (its globals carry the class name), and pickling is
/// its own too.
fn made_by_namedtuple(class: &Bound<'_, PyType>, members: &Bound<'_, PyDict>) -> PyResult<bool> {
    let (Some(new), Some(arguments)) = (members.get_item("__new__")?, members.get_item("__getnewargs__")?) else {
        return Ok(false);
    };
    let new = match new.is_instance_of::<PyFunction>() {
        true => new,
        false => new.getattr("__func__")?,
    };
    let globals = new.getattr("__globals__")?.cast_into::<PyDict>()?;
    let home = format!("namedtuple_{}", class.getattr("__name__")?.extract::<String>()?);
    let named = globals.get_item("__name__")?.is_some_and(|name| name.eq(home).unwrap_or(false));
    Ok(named
        && globals.get_item("_tuple_new")?.is_some()
        && arguments.getattr("__module__")?.eq("collections")?
        && new.is_exact_instance_of::<PyFunction>())
}

/// Every field is an accessor that C code of `collections` provides, not something that computes.
fn fields_are_items(members: &Bound<'_, PyDict>) -> PyResult<bool> {
    static GETTER: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let getter = GETTER.import(members.py(), "_collections", "_tuplegetter")?;
    let Some(fields) = members.get_item("_fields")? else {
        return Ok(false);
    };
    for (position, name) in fields.cast_exact::<PyTuple>()?.iter_borrowed().enumerate() {
        let Some(accessor) = members.get_item(name)? else {
            return Ok(false);
        };
        // `_tuplegetter(index, doc)` shows its index only through pickling.
        let index = || accessor.call_method0("__reduce__")?.get_item(1)?.get_item(0)?.extract::<usize>();
        if !accessor.get_type().is(getter) || index()? != position {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How deep `is_immutable` looks; deeper values count as mutable.
const MAX_DEPTH: usize = 32;

/// Whether nothing reachable from `value` can change, so that jobs may share it without a copy.
pub(crate) fn is_immutable(value: &Bound<'_, PyAny>) -> bool {
    immutable_within(value.as_borrowed(), MAX_DEPTH, true)
}

/// Whether it is immutable and of Python's own types all the way down.
pub(crate) fn is_plain(value: &Bound<'_, PyAny>) -> bool {
    immutable_within(value.as_borrowed(), MAX_DEPTH, false)
}

fn immutable_within(value: Borrowed<'_, '_, PyAny>, depth: usize, namedtuples: bool) -> bool {
    use pyo3::types::{PyBool, PyBytes, PyComplex, PyFloat, PyFrozenSet, PyInt};
    if value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_none()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyBytes>()
        || value.is_exact_instance_of::<PyComplex>()
    {
        return true;
    }
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    if let Ok(tuple) = value.cast::<PyTuple>() {
        let known = value.is_exact_instance_of::<PyTuple>() || (namedtuples && is_plain_namedtuple(&value.get_type()));
        return known && tuple.iter_borrowed().all(|item| immutable_within(item, depth, namedtuples));
    }
    // Elements of sets were hashed, but that does not make them immutable.
    value
        .cast_exact::<PyFrozenSet>()
        .is_ok_and(|set| set.iter().all(|item| immutable_within(item.as_borrowed(), depth, namedtuples)))
}
