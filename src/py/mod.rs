//! What does Python see? One file per class; `errors.rs` alone chooses exception classes, `gil.rs` alone leaves the
//! interpreter for the engine.

mod chain;
mod checkpoint;
mod drawn;
mod driver;
mod durable;
mod engine;
mod errors;
mod feeds;
pub(crate) mod files;
mod gil;
mod jobs;
mod listener;
mod rdd;
mod receiver;
mod source;
mod streaming;
pub(crate) mod supervisor;

pub(crate) use chain::PyChain;
pub(crate) use checkpoint::PyCheckpoint;
pub(crate) use engine::PyEngine;
pub(crate) use errors::to_python;
pub(crate) use gil::detached;
pub(crate) use jobs::PyJobs;
pub(crate) use rdd::PyRdd;
pub(crate) use receiver::PyIntake;
pub(crate) use streaming::PyStreaming;
