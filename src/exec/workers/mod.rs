//! How does a task use another process? Starting one, talking to it, noticing its end, and how many compute at once.
//!
//! Bytes only: what they mean is known to `object/workers` here and to `dstreams.core.workers.worker` there.
//! 1. A worker's stdin is one end of a socket; both sides send `Frame`s. Its stdout and stderr are the driver's.
//! 2. A wait for a worker ends within `POLL` of a cancellation, and when the worker ends.
//! 3. A `Worker` that is dropped is killed. No worker is left once `Crew::stop` has returned, nor, a moment later, when
//!    this process is gone: the other end of the socket is closed then, which the worker's `Link` sees. Processes forked
//!    from this one do not keep it, and end no worker.

mod crew;
mod frame;
mod link;
mod process;
mod seats;

use std::time::Duration;

pub use crew::{Crew, Launch};
pub use frame::{Frame, Kind};
pub use link::Link;
pub use process::Worker;
pub use seats::Seat;

/// How long a wait may go without looking at what could end it.
const POLL: Duration = Duration::from_millis(50);
