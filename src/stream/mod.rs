//! Which batch times exist, which RDDs belong to a time, which jobs run in which order?
//!
//! Owns time (`time`, `clock`), the DStream graph (`node`, `graph`, at work in `live`), the batch loop (`generator`), the
//! job queue (`scheduler`), how far it has come (`progress`), how fast inputs may receive (`rate`), the end of a stream
//! (`waiter`), and the life of a context (`life`, `context`). Knows RDDs, functions and inputs only through the `Driver`
//! trait; no Python here.
//! 1. Times and durations are `Millis`: milliseconds, UTC since 1970. Batch times are multiples of the batch interval.
//! 2. Every batch time after the start is generated exactly once and in order; batches run in that order, one at a time
//!    unless several jobs may run at once.
//! 3. An error in a function or a job ends neither its stream nor the later batches; it goes to the waiter.
//! 4. Locks, outermost first: life -> waiter, life -> graph; turn -> interpreter -> graph. Queue, mailbox, wake and
//!    listener locks are leaves. No mutex is held during a driver call, and no thread waits for anything of this room
//!    while it holds the interpreter (`Driver::blocking`), so leaves may be taken with it.
//!
//! Elsewhere: what happened (`monitor/`), receivers (`source/`), checkpoints (`durable/`), the driver itself (`py/`).

mod behind;
mod clock;
mod context;
mod driver;
mod generator;
mod graph;
mod life;
mod live;
mod node;
mod outline;
mod progress;
mod rate;
mod scheduler;
mod shared;
#[cfg(test)]
mod tests;
mod time;
mod waiter;

pub use clock::{Clock, ManualClock, SystemClock, Wait, Wake};
pub use context::{Settings, StreamRuntime};
pub use driver::Driver;
pub use graph::{Graph, State};
pub use node::{Kind, Node, NodeId, Output};
pub use outline::{Kept, Moment, Restored};
pub use rate::{Limits, PidEstimator, PidSettings, RateControl};
pub use time::{Millis, first_batch_after};
pub use waiter::Waited;
