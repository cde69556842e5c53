//! Who hears of receivers, and how is one in Python called?
//!
//! Owns `Bus`, the way of receivers' events, and `PythonFeed`, what a receiver in Python is to `input/`.
//! 1. Receivers' events go through a thread of their own (`Bus`): a listener may stop the stream, which waits for them.

use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Sender, unbounded};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::ffi;
use pyo3::prelude::*;

use super::receiver::Store;
use crate::error::Result;
use crate::input::{AnySource, Feed, Opening, Received};
use crate::monitor::{Listeners, ReceiverReport, StreamEvent};
use crate::object::attach::{attach, try_attach};
use crate::object::call::user_error;
use crate::object::threads::{Inside, forget_dummy};
use crate::source::Taken;
use crate::stack;
use crate::stream::Clock;

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

// -- receivers in Python ----------------------------------------------------------------------------

/// A receiver in Python: its intake, and the supervisor that calls it.
pub(crate) struct PythonFeed {
    pub(crate) store: Arc<Store>,
    pub(crate) supervisor: Py<PyAny>,
}

impl PythonFeed {
    /// What a checkpoint calls it. It is made again by Python.
    pub(crate) const KIND: &'static str = "receiver";

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

/// The supervisor of an input that is a receiver in Python.
pub(super) fn supervisor_of(source: &dyn AnySource) -> Option<&Py<PyAny>> {
    source.as_any().downcast_ref::<Received<PythonFeed>>().map(|received| &received.feed().supervisor)
}

impl Feed for PythonFeed {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn shown(&self) -> String {
        "receiverStream".into()
    }

    fn settings(&self) -> Result<String> {
        // All of it is in the pickle of the functions.
        Ok("null".into())
    }

    /// Starts the receiver, in a thread of its own.
    fn start(&self, opening: Opening) -> Result<()> {
        if let Some((log, first)) = opening.log {
            self.store.log_to(log, first);
        }
        self.store.keep_to(opening.rate);
        attach(|py| self.supervisor.call_method0(py, "start").map(drop)).map_err(user_error)
    }

    fn take(&self) -> Taken {
        self.store.take(|py, raised| {
            let told = self.supervisor.call_method1(py, "lost", (raised.into_value(py),));
            told.map_or_else(|failed| failed.write_unraisable(py, None), drop);
        })
    }

    fn release(&self, bytes: usize) {
        self.store.release(bytes);
    }

    fn ask_to_stop(&self, graceful: bool) {
        self.call("end", graceful);
    }

    fn wait_stopped(&self, graceful: bool) {
        self.call("wait", graceful);
    }
}
