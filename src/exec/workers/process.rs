//! How does one worker process live, and how does it die?

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::POLL;
use super::crew::Launch;
use super::frame::{self, Frame, Kind};
use crate::error::{EngineError, Result};
use crate::process::{Held, Origin};
use crate::rdd::CancelToken;

/// How long a process that closed its socket may take to end by itself.
const DYING: Duration = Duration::from_secs(2);

/// A process; shared by the task that uses it and the crew that ends it.
pub(super) struct Process {
    child: Mutex<Child>,
    /// Whose child it is: not that of a child of ours.
    origin: Origin,
}

impl Process {
    /// Ends it and waits until it is gone.
    pub(super) fn kill(&self) {
        if !self.origin.is_here() {
            return;
        }
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // Both fail only when it is gone already.
        let _ = child.kill();
        let _ = child.wait();
    }

    fn status(&self) -> Option<ExitStatus> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait().ok().flatten()
    }

    pub(super) fn id(&self) -> u32 {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }
}

/// A worker process with the driver's end of its socket.
pub struct Worker {
    process: Arc<Process>,
    stream: Held<UnixStream>,
}

impl Worker {
    pub(super) fn start(launch: &Launch) -> io::Result<Self> {
        let (stream, theirs) = UnixStream::pair()?;
        stream.set_read_timeout(Some(POLL))?;
        stream.set_write_timeout(Some(POLL))?;
        let child = Command::new(&launch.program)
            .args(&launch.arguments)
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            // Ctrl-C is for the driver, which tells its workers.
            .process_group(0)
            .spawn()?;
        let process = Process { child: Mutex::new(child), origin: Origin::here() };
        Ok(Self { process: Arc::new(process), stream: Held::new(stream) })
    }

    pub(super) fn process(&self) -> &Arc<Process> {
        &self.process
    }

    /// Whether it has not ended, as far as known.
    pub fn lives(&self) -> bool {
        self.process.status().is_none()
    }

    /// Sends a frame. `WorkerLost` or `Cancelled` when that cannot be done.
    pub fn send(&mut self, kind: Kind, data: &[u8], cancel: &CancelToken) -> Result<()> {
        let sent = frame::write(&mut *self.stream, kind, data, patience(&self.process, cancel));
        sent.map_err(|error| self.problem(&error, cancel))
    }

    /// Waits for a frame. `WorkerLost` or `Cancelled` when none will come.
    pub fn receive(&mut self, cancel: &CancelToken) -> Result<Frame> {
        let received = frame::read(&mut *self.stream, patience(&self.process, cancel));
        received.map_err(|error| self.problem(&error, cancel))
    }

    fn problem(&self, error: &io::Error, cancel: &CancelToken) -> EngineError {
        if let Err(cancelled) = cancel.check() {
            return cancelled;
        }
        let deadline = Instant::now() + DYING;
        let mut status = self.process.status();
        while status.is_none() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
            status = self.process.status();
        }
        let end = status.map_or_else(|| format!("does not answer ({error})"), describe);
        EngineError::WorkerLost { problem: format!("worker process {} {end}", self.process.id()), tries: 1 }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.process.kill();
    }
}

/// Goes on waiting unless nobody wants the answer or nobody will give it.
fn patience(process: &Process, cancel: &CancelToken) -> impl FnMut() -> io::Result<()> {
    // What the process wrote before it ended is read first: only a second look without news counts.
    let mut ended = false;
    move || {
        if cancel.is_cancelled() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if std::mem::replace(&mut ended, process.status().is_some()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(9), _) => "was killed by signal 9 (SIGKILL, which the system sends when memory runs out)".to_owned(),
        (Some(signal), _) => format!("was killed by signal {signal}"),
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(command: &str) -> Worker {
        let arguments = vec!["-c".to_owned(), command.to_owned()];
        Worker::start(&Launch { program: "/bin/sh".to_owned(), arguments, environment: Vec::new() }).expect("a shell")
    }

    fn lost(worker: &mut Worker) -> String {
        worker.receive(&CancelToken::default()).expect_err("it has ended").to_string()
    }

    #[test]
    fn how_a_worker_ended_is_told() {
        assert!(lost(&mut shell("exit 3")).contains("ended with exit code 3"));
        assert!(lost(&mut shell("kill -9 $$")).contains("was killed by signal 9 (SIGKILL"));
        assert!(lost(&mut shell("kill -6 $$")).contains("was killed by signal 6"));
    }

    #[test]
    fn a_worker_whose_child_keeps_the_socket_is_lost_all_the_same() {
        assert!(lost(&mut shell("sleep 60 <&0 & exit 4")).contains("ended with exit code 4"));
    }

    #[test]
    fn frames_go_there_and_back() {
        let mut worker = shell("cat <&0 >&0");
        let cancel = CancelToken::default();
        worker.send(Kind::Input, b"some bytes", &cancel).expect("sent");
        let frame = worker.receive(&cancel).expect("an echo");
        assert_eq!(frame, Frame { kind: Kind::Input, data: b"some bytes".to_vec() });
    }

    #[test]
    fn nobody_waits_for_a_worker_of_a_cancelled_task() {
        let mut worker = shell("sleep 60");
        let cancel = CancelToken::default();
        cancel.cancel("enough");
        assert!(matches!(worker.receive(&cancel), Err(EngineError::Cancelled { .. })));
    }

    #[test]
    fn a_dropped_worker_is_gone() {
        let worker = shell("sleep 60");
        let process = Arc::clone(worker.process());
        drop(worker);
        assert_eq!(process.status().and_then(|status| status.signal()), Some(9));
    }
}
