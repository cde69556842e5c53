//! What are functions of the program called, for whoever wants to know what runs?

use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::doing::{self, Doing, Kind};
use crate::object::called;
use crate::watch;

/// Names, files and lines of functions.
pub(crate) fn describe(functions: &Bound<'_, PyList>) -> String {
    let py = functions.py();
    let named = called::DESCRIBE.get(py).and_then(|describe| describe.call1((functions,)));
    // A class of the program may answer as it likes when it is asked for its name; that fails nothing.
    named.and_then(|text| text.extract()).unwrap_or_else(|_| "a function that cannot be named".to_owned())
}

/// This thread calls a function of the program, until dropped.
pub(crate) fn calling(function: &Bound<'_, PyAny>, what: &str) -> Doing {
    // It may keep the interpreter: a handler that the program has set since is hooked before.
    watch::hook();
    let name = PyList::new(function.py(), [function]).map_or_else(|_| String::new(), |list| describe(&list));
    doing::begin(Kind::Calls, &format!("{what} {name}"))
}
