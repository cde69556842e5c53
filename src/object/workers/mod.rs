//! Chains that run in worker processes: the driver's end (`remote.rs`), the worker's (`serve.rs`), and the folders that either
//! may write to (`folders.rs`).

mod folders;
pub(crate) mod remote;
mod serve;

pub(crate) use folders::claimed_from;
pub(crate) use remote::{Remote, Workers};
pub(crate) use serve::{PyLink, TaskRun, WorkerMemory};
