//! How does what receivers get come into batches? What the driver knows of a running receiver, and who hears of it.
//!
//! 1. A batch takes what is there; more is received only as what was taken is released.
//! 2. Receivers' events go through a thread of their own (`Bus`): a listener may stop the stream, which waits for them.

use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Sender, unbounded};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::ffi;
use pyo3::prelude::*;

use super::receiver::Inbox;
use crate::error::Result;
use crate::monitor::{Listeners, ReceiverReport, StreamEvent};
use crate::object::attach::{attach, try_attach};
use crate::object::threads::{Inside, forget_dummy};
use crate::source::{BlockLog, Notice, Notify, Rate, SocketLines, SocketSpec, Taken, Warn};
use crate::stack;
use crate::stream::Clock;

/// A running receiver.
pub(crate) trait Feed: Send + Sync {
    /// The partitions received so far, and the bytes to `release` once they are processed.
    fn take(&self) -> Taken;
    /// What was taken is processed: so many bytes more may be received.
    fn release(&self, bytes: usize);
    /// Begins to stop; when `graceful`, what is being stored still counts.
    fn ask_to_stop(&self, graceful: bool);
    /// Waits until it has stopped.
    fn wait_stopped(&self, graceful: bool);
}

// -- events -----------------------------------------------------------------------------------------

/// Tells listeners in a thread that lives from the first event to the end of the stream.
pub(crate) struct Bus {
    listeners: Arc<Listeners>,
    pub(crate) clock: Arc<dyn Clock>,
    line: Mutex<Line>,
}

/// The way to the thread.
enum Line {
    Unused,
    Open(Sender<StreamEvent>),
    Closed,
}

impl Bus {
    pub(crate) fn new(listeners: Arc<Listeners>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { listeners, clock, line: Mutex::new(Line::Unused) })
    }

    fn tell(&self, event: StreamEvent) {
        if self.listeners.is_empty() {
            return;
        }
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*line, Line::Unused) {
            *line = self.spawn().map_or(Line::Closed, Line::Open);
        }
        if let Line::Open(sender) = &*line {
            // The other end is gone only when the process ends.
            let _ = sender.send(event);
        }
    }

    /// The stream is at its end: the thread tells what it has been told, and goes.
    pub(crate) fn close(&self) {
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Line::Closed;
    }

    fn spawn(&self) -> Option<Sender<StreamEvent>> {
        let (sender, events) = unbounded();
        let listeners = Arc::clone(&self.listeners);
        let body = move || {
            try_attach(|py| {
                let _inside = Inside::enter(None);
                py.detach(|| events.iter().for_each(|event| listeners.tell(&event)));
                forget_dummy(py);
            });
        };
        stack::spawn("streaming-receiver-events", body).ok().map(|_| sender)
    }

    /// The report of a receiver that runs here.
    pub(crate) fn report(self: &Arc<Self>, stream: u32, class: &str, location: &str) -> ReceiverReport {
        let (bus, clock) = (Arc::clone(self), Arc::clone(&self.clock));
        let (tell, now) = (Box::new(move |event| bus.tell(event)), Box::new(move || clock.now().0));
        ReceiverReport::new(stream, class, location, tell, now)
    }
}

// -- lines of sockets -------------------------------------------------------------------------------

/// The built-in receiver of lines.
pub(crate) struct SocketFeed {
    lines: SocketLines,
    report: Arc<ReceiverReport>,
}

impl SocketFeed {
    pub(crate) fn start(
        spec: SocketSpec,
        rate: Arc<Rate>,
        warn: Warn,
        report: ReceiverReport,
        log: Option<(Arc<dyn BlockLog>, u64)>,
    ) -> Self {
        let report = Arc::new(report);
        let told = Arc::clone(&report);
        let notify: Notify = Arc::new(move |notice| match notice {
            Notice::Started => told.started(),
            Notice::Restarting { message, error } => told.stopped(&message, &error),
        });
        Self { lines: SocketLines::start(spec, rate, warn, notify, log), report }
    }
}

impl Feed for SocketFeed {
    fn take(&self) -> Taken {
        self.lines.take()
    }

    fn release(&self, bytes: usize) {
        self.lines.release(bytes);
    }

    fn ask_to_stop(&self, _graceful: bool) {}

    fn wait_stopped(&self, _graceful: bool) {
        if self.lines.stop() {
            self.report.stopped("Stopped by driver", "");
        }
    }
}

// -- receivers in Python ----------------------------------------------------------------------------

/// A receiver in Python: its intake, and the supervisor that calls it.
pub(crate) struct PythonFeed {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) supervisor: Py<PyAny>,
}

impl PythonFeed {
    /// Starts the receiver, in a thread of its own. It keeps to `rate`, which may be changed at any time.
    pub(crate) fn start(inbox: Arc<Inbox>, rate: Arc<Rate>, supervisor: &Py<PyAny>) -> Result<Self> {
        inbox.keep_to(rate);
        attach(|py| {
            supervisor.call_method0(py, "start")?;
            Ok(Self { inbox, supervisor: supervisor.clone_ref(py) })
        })
        .map_err(crate::object::call::user_error)
    }

    fn call(&self, name: &str, graceful: bool) {
        try_attach(|py| {
            match self.supervisor.call_method1(py, name, (graceful,)) {
                Ok(_) => {}
                Err(raised) if raised.is_instance_of::<PyKeyboardInterrupt>(py) => {
                    // Not to be lost: whoever asked for the stop looks for signals next.
                    // SAFETY: only sets a flag.
                    unsafe { ffi::PyErr_SetInterrupt() }
                }
                Err(raised) => raised.write_unraisable(py, None),
            }
        });
    }
}

impl Feed for PythonFeed {
    fn take(&self) -> Taken {
        self.inbox.take(|py, raised| {
            let told = self.supervisor.call_method1(py, "lost", (raised.into_value(py),));
            told.map_or_else(|failed| failed.write_unraisable(py, None), drop);
        })
    }

    fn release(&self, bytes: usize) {
        self.inbox.release(bytes);
    }

    fn ask_to_stop(&self, graceful: bool) {
        self.call("end", graceful);
    }

    fn wait_stopped(&self, graceful: bool) {
        self.call("wait", graceful);
    }
}
