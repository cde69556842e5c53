//! Which folders may the engine write to? Python knows: a function of `dstreams.core.engine.localdirs`, or of a worker's.

use pyo3::prelude::*;

use crate::error::EngineError;
use crate::memory::Folders;
use crate::object::attach::attach;

/// The folders that a Python function gives as paths.
pub(crate) fn claimed_from(claim: Py<PyAny>) -> Folders {
    Folders::new(move || {
        attach(|py| claim.call0(py)?.extract(py)).map_err(|raised: PyErr| {
            let cause = std::io::Error::other(raised.to_string());
            EngineError::External { context: "there is no folder to spill to".to_owned(), cause }
        })
    })
}
