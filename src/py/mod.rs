//! What does Python see? One file per class; `errors.rs` alone chooses exception classes, `gil.rs` alone leaves the
//! interpreter for the engine.

mod engine;
mod errors;
mod gil;
mod rdd;

pub(crate) use engine::PyEngine;
pub(crate) use rdd::PyRdd;
