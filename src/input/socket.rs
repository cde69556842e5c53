//! Lines from a TCP server.
//!
//! They come once: see `receiver.rs`. Reading and cutting is in `source/socket.rs`.

use std::sync::{Arc, OnceLock};

use super::receiver::{Feed, Opening, Received};
use super::registry::{Found, settings_of};
use crate::error::{EngineError, Result};
use crate::monitor::ReceiverReport;
use crate::source::{Notice, Notify, SocketLines, SocketSpec, Taken};

/// The built-in receiver of lines.
pub struct SocketFeed {
    spec: SocketSpec,
    running: OnceLock<(SocketLines, Arc<ReceiverReport>)>,
}

impl SocketFeed {
    /// What a checkpoint calls it.
    pub const KIND: &'static str = "socket";

    /// Lines of one server.
    pub fn new(spec: SocketSpec) -> Self {
        Self { spec, running: OnceLock::new() }
    }

    pub(super) fn found(found: Found) -> Result<Received<Self>> {
        Ok(Received::new(Self::new(settings_of(&found.settings)?)))
    }
}

impl Feed for SocketFeed {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn shown(&self) -> String {
        format!("socketTextStream {}:{}", self.spec.host, self.spec.port)
    }

    fn settings(&self) -> Result<String> {
        serde_json::to_string(&self.spec).map_err(|problem| EngineError::Bug(problem.to_string()))
    }

    fn start(&self, opening: Opening) -> Result<()> {
        let Opening { node, rate, log, host } = opening;
        let report = Arc::new((host.report)(node, "SocketReceiver", "localhost")?);
        let told = Arc::clone(&report);
        let notify: Notify = Arc::new(move |notice| match notice {
            Notice::Started => told.started(),
            Notice::Restarting { message, error } => told.stopped(&message, &error),
        });
        let lines = SocketLines::start(self.spec.clone(), rate, Arc::clone(&host.warn), notify, log);
        self.running.set((lines, report)).map_err(|_| EngineError::Bug("a socket that was started twice".into()))
    }

    fn take(&self) -> Taken {
        self.running.get().map_or_else(Taken::default, |(lines, _)| lines.take())
    }

    fn release(&self, bytes: usize) {
        if let Some((lines, _)) = self.running.get() {
            lines.release(bytes);
        }
    }

    fn ask_to_stop(&self, _graceful: bool) {}

    fn wait_stopped(&self, _graceful: bool) {
        if let Some((lines, report)) = self.running.get()
            && lines.stop()
        {
            report.stopped("Stopped by driver", "");
        }
    }
}
