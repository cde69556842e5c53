//! How do lines from a TCP server become blocks while batches come and go?
//!
//! Owns the receiver: a thread that connects, reads, cuts lines and groups them by block interval. No Python, no batches.
//! 1. A block holds the lines of one block interval (a partition in Spark); boundaries are multiples of the interval since
//!    the receiver began. `take` hands over the current block too, so a line waits for no boundary.
//! 2. Lines are handed over once and in order. Nothing received is dropped but lines above the limit, with a warning.
//! 3. When more than `max_pending_bytes` wait to be taken, or were taken and not yet released, reading stops, and TCP makes
//!    the server wait. The same happens when lines come faster than the `Rate` allows.
//! 4. A server that is away is warned of once per outage, and tried again every `retry`.
//! 5. `stop` returns within 100 ms: the thread never waits longer than `READ_WAIT` without looking at the stop signal.
//!
//! Elsewhere: the cut itself (`lines.rs`); where blocks wait (`intake.rs`); when to take and to release (`stream/`); who moves the rate (`stream/rate.rs`).

use std::io::{self, ErrorKind, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded, select};
use serde::{Deserialize, Serialize};

use super::intake::{BlockLog, Intake, Room, Taken};
use super::lines::{DEFAULT_MAX_LINE, LineCutter, Progress, length_of_lines};
use super::paths;
use super::rate::{Allowance, Rate};
use crate::error::Result;
use crate::process::{Held, Origin};
use crate::stack;

/// Longest wait for bytes before the thread looks at the stop signal.
const READ_WAIT: Duration = Duration::from_millis(25);

/// Longest wait for a server's answer, for each of its addresses.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// Bytes read at once at most.
const READ_SIZE: usize = 256 << 10;

/// Where to connect, and how to group what comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SocketSpec {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Time that one block covers.
    pub block_interval: Duration,
    /// Pause between tries to connect.
    pub retry: Duration,
    /// Longest line kept, in bytes.
    pub max_line: usize,
    /// Bytes that may wait to be taken or released before reading stops.
    pub max_pending_bytes: usize,
}

impl SocketSpec {
    /// Spark's defaults: blocks of 200 ms, a new try after 2 s; lines up to 64 MiB, 1 GiB waiting.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            block_interval: Duration::from_millis(200),
            retry: Duration::from_secs(2),
            max_line: DEFAULT_MAX_LINE,
            max_pending_bytes: 1 << 30,
        }
    }
}

/// What a receiver calls with its warnings, from its own thread.
pub type Warn = Arc<dyn Fn(String) + Send + Sync>;

/// What a receiver tells of its life. Its end is for the caller of `stop` to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It tries to connect.
    Started,
    /// It has stopped, and starts again after the pause.
    Restarting {
        /// What happened.
        message: String,
        /// The error, if there was one.
        error: String,
    },
}

/// What a receiver calls with its notices, from its own thread. It must not wait for the receiver.
pub type Notify = Arc<dyn Fn(Notice) + Send + Sync>;

/// A receiver of lines, running from `start` to `stop`.
pub struct SocketLines {
    shared: Arc<Shared>,
    warn: Warn,
    running: Mutex<Option<Running>>,
    origin: Origin,
}

/// The thread, and the sender whose end tells it to stop.
struct Running {
    stop: Sender<()>,
    thread: JoinHandle<Option<()>>,
}

/// What the thread and the caller both see.
struct Shared {
    current: Mutex<Current>,
    /// The blocks before it.
    intake: Intake,
    records: AtomicU64,
}

/// The block that is being received.
struct Current {
    cutter: LineCutter,
    /// Its number.
    number: u64,
}

impl Shared {
    fn current(&self) -> MutexGuard<'_, Current> {
        // Poison would mean that a panic left lines half cut; those that are whole are still good.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the current block; the answer is what makes it durable.
    fn seal(&self, current: &mut Current) -> Result<Option<u64>> {
        let Some(block) = current.cutter.take() else { return Ok(None) };
        current.number += 1;
        self.intake.add(current.number - 1, block)
    }
}

impl SocketLines {
    /// Starts to receive. `warn` must not call `stop`. If the system gives no thread, `warn` is told and nothing comes.
    /// The thread keeps to `rate`, which may be changed at any time.
    /// With a log, blocks go there first, numbered from the given number on.
    pub fn start(
        spec: SocketSpec,
        rate: Arc<Rate>,
        warn: Warn,
        notify: Notify,
        log: Option<(Arc<dyn BlockLog>, u64)>,
    ) -> Self {
        let (stop, stopped) = bounded(0);
        let current = Mutex::new(Current { cutter: LineCutter::new(spec.max_line), number: 0 });
        let intake = Intake::new(spec.max_pending_bytes);
        if let Some((log, first)) = log {
            intake.log_to(log, first);
        }
        let shared = Arc::new(Shared { current, intake, records: AtomicU64::new(0) });
        let worker = Worker { spec, rate, warn: warn.clone(), notify, shared: shared.clone(), stopped };
        let thread = stack::spawn("dstreams-socket", move || worker.run());
        let running = match thread {
            Ok(thread) => Some(Running { stop, thread }),
            Err(cause) => {
                warn(format!("socketTextStream: cannot start a thread ({})", paths::reason(&cause)));
                None
            }
        };
        Self { shared, warn, running: Mutex::new(running), origin: Origin::here() }
    }

    /// Hands over, in order, every line received so far, a group for each block, and the bytes to `release` once they are
    /// processed. Also after `stop`, for what was left.
    pub fn take(&self) -> Taken {
        // Not waited for: who takes makes durable what was taken.
        if let Err(error) = self.shared.seal(&mut self.shared.current()) {
            (self.warn)(format!("socketTextStream: lines are lost: {error}"));
        }
        self.shared.intake.take()
    }

    /// What was taken is processed: so many bytes more may be received.
    pub fn release(&self, bytes: usize) {
        self.shared.intake.release(bytes);
    }

    /// Lines received since the start, taken or not.
    pub fn records(&self) -> u64 {
        self.shared.records.load(Ordering::Relaxed)
    }

    /// Ends the thread and waits for it; tells whether it ran until now. An unfinished line is not delivered.
    ///
    /// Waits for a running `warn`, so the caller must not hold what `warn` needs (the interpreter, for one).
    pub fn stop(&self) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Running { stop, thread }) = running.take() else { return false };
        drop(stop);
        self.shared.intake.close();
        let _ = thread.join();
        true
    }
}

impl Drop for SocketLines {
    fn drop(&mut self) {
        // In a forked child there is no thread to end.
        if self.origin.is_here() {
            self.stop();
        }
    }
}

/// Why a connection ended.
enum End {
    /// `stop` was called.
    Stopped,
    /// The server closed it, or it broke; with the reason if there is one.
    Closed(Option<io::Error>),
}

/// What the thread knows of time: when the block ends, and how many lines it may take.
struct Pace {
    begun: Instant,
    boundary: Instant,
    allowance: Allowance,
}

impl Pace {
    fn begin(block_interval: Duration) -> Self {
        let begun = Instant::now();
        Self { begun, boundary: begun + block_interval, allowance: Allowance::default() }
    }
}

/// The thread's side.
struct Worker {
    spec: SocketSpec,
    rate: Arc<Rate>,
    warn: Warn,
    notify: Notify,
    shared: Arc<Shared>,
    /// Disconnected once `stop` was called; never sent to.
    stopped: Receiver<()>,
}

impl Worker {
    fn run(&self) {
        let (mut warned_away, mut warned_closed) = (false, false);
        loop {
            (self.notify)(Notice::Started);
            let (message, error) = match self.connect() {
                None => return,
                Some(Err(cause)) => {
                    if !warned_away {
                        self.warn(&format!("cannot connect to {}", self.server()), Some(&cause));
                    }
                    warned_away = true;
                    (format!("Error connecting to {}", self.server()), cause.to_string())
                }
                Some(Ok(stream)) => {
                    warned_away = false;
                    let lines_before = self.shared.records.load(Ordering::Relaxed);
                    let End::Closed(cause) = self.receive(stream) else { return };
                    // A server that only ever opens and closes is warned of once.
                    let useful = self.shared.records.load(Ordering::Relaxed) > lines_before;
                    if useful || !warned_closed {
                        self.warn(&format!("connection to {} closed", self.server()), cause.as_ref());
                    }
                    warned_closed = true;
                    match cause {
                        None => ("Socket data stream had no more data".into(), String::new()),
                        Some(cause) => ("Error receiving data".into(), cause.to_string()),
                    }
                }
            };
            let delay = self.spec.retry.as_millis();
            let message = format!("Restarting receiver with delay {delay}ms: {message}");
            (self.notify)(Notice::Restarting { message, error });
            if self.is_stopped_after(self.spec.retry) {
                return;
            }
        }
    }

    /// Tries each address of the server; `None` if stopped meanwhile.
    fn connect(&self) -> Option<io::Result<TcpStream>> {
        let (host, port) = (self.spec.host.clone(), self.spec.port);
        let (sender, answer) = bounded(1);
        // Neither looking up a name nor connecting can be interrupted: a thread of its own does it, and is left to itself
        // when nobody waits any more. It owns nothing but the connection, which it then closes.
        let attempt = move || {
            let _ = sender.send(connect_to_any(&host, port));
        };
        if let Err(cause) = thread::Builder::new().name("dstreams-connect".into()).spawn(attempt) {
            return Some(Err(cause));
        }
        select! {
            recv(self.stopped) -> _ => None,
            recv(answer) -> result => Some(result.unwrap_or_else(|_| Err(io::Error::other("no answer")))),
        }
    }

    /// Reads until the connection ends; an unfinished last line is then a line.
    fn receive(&self, stream: TcpStream) -> End {
        // A child that lives on must not keep the connection when this process has gone.
        let mut stream = Held::new(stream);
        if let Err(cause) = stream.set_read_timeout(Some(READ_WAIT)) {
            return End::Closed(Some(cause));
        }
        let mut piece = vec![0; READ_SIZE];
        let mut pace = Pace::begin(self.spec.block_interval);
        let end = loop {
            if !self.has_room() {
                return End::Stopped;
            }
            let read = stream.read(&mut piece);
            if self.is_stopped() {
                return End::Stopped;
            }
            let count = match read {
                Ok(0) => break None,
                Ok(count) => count,
                Err(cause) if is_idle(&cause) => 0,
                Err(cause) => break Some(cause),
            };
            if !self.feed(&piece[..count], &mut pace) {
                return End::Stopped;
            }
        };
        let mut current = self.shared.current();
        let progress = current.cutter.finish();
        self.note(progress, current);
        End::Closed(end)
    }

    /// Cuts what was read into lines, no faster than the rate allows; false if stopped meanwhile.
    fn feed(&self, mut bytes: &[u8], pace: &mut Pace) -> bool {
        loop {
            let Some(length) = self.allowed(bytes, pace) else { return false };
            let (now, later) = bytes.split_at(length);
            let mut current = self.shared.current();
            let mut sealed = Ok(None);
            if Instant::now() >= pace.boundary {
                sealed = self.shared.seal(&mut current);
                pace.boundary = next_boundary(pace.boundary, self.spec.block_interval);
            }
            let progress = current.cutter.feed(now);
            self.note(progress, current);
            if let Err(error) = sealed.and_then(|place| self.shared.intake.commit(place)) {
                (self.warn)(format!("socketTextStream: received lines are not durable: {error}"));
            }
            pace.allowance.spend(progress.lines);
            if later.is_empty() {
                return true;
            }
            bytes = later;
        }
    }

    /// How many of these bytes the rate allows now; waits until it allows a line. None if stopped meanwhile.
    fn allowed(&self, bytes: &[u8], pace: &mut Pace) -> Option<usize> {
        loop {
            // Asked anew each time: it may be changed while this thread waits.
            let Some(rate) = self.rate.current().filter(|_| !bytes.is_empty()) else { return Some(bytes.len()) };
            let lines = pace.allowance.at(pace.begun.elapsed(), rate);
            if lines > 0 {
                return Some(length_of_lines(bytes, lines));
            }
            if self.is_stopped_after(pace.allowance.pause(rate)) {
                return None;
            }
        }
    }

    /// Waits until less than the bound is pending; false if stopped meanwhile.
    fn has_room(&self) -> bool {
        loop {
            // Asked anew each time: a batch may take the current block too.
            let current = self.shared.current().cutter.finished_bytes();
            match self.shared.intake.wait_for_room(current, READ_WAIT) {
                Room::Free => return true,
                Room::Closed => return false,
                Room::Full => {}
            }
        }
    }

    /// Counts what came, and warns of dropped lines once the lock is released: a warning may take its time.
    fn note(&self, progress: Progress, current: MutexGuard<'_, Current>) {
        // Counted under the lock: whoever takes a line finds it counted.
        self.shared.records.fetch_add(progress.lines as u64, Ordering::Relaxed);
        let limit = current.cutter.max_line();
        drop(current);
        if progress.dropped > 0 {
            let lines = if progress.dropped == 1 { "a line".into() } else { format!("{} lines", progress.dropped) };
            (self.warn)(format!("socketTextStream: dropped {lines} longer than {limit} bytes from {}", self.server()));
        }
    }

    fn warn(&self, what: &str, cause: Option<&io::Error>) {
        let reason = cause.map(|cause| format!(" ({})", paths::reason(cause))).unwrap_or_default();
        let retry = self.spec.retry.as_secs_f64();
        (self.warn)(format!("socketTextStream: {what}{reason}; trying again every {retry} s"));
    }

    fn server(&self) -> String {
        format!("{}:{}", self.spec.host, self.spec.port)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.try_recv() == Err(TryRecvError::Disconnected)
    }

    fn is_stopped_after(&self, pause: Duration) -> bool {
        self.stopped.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected)
    }
}

/// The first of the server's addresses that answers; the last one's error if none does.
fn connect_to_any(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut result = Err(io::Error::new(ErrorKind::NotFound, "no address"));
    for address in (host, port).to_socket_addrs()? {
        result = TcpStream::connect_timeout(&address, CONNECT_WAIT).and_then(refuse_oneself);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Without a server, the system may give a local connection the very port it connects to: it would then read what it
/// writes, and keep the server from its port.
fn refuse_oneself(stream: TcpStream) -> io::Result<TcpStream> {
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

/// Whether a read merely found nothing in time.
fn is_idle(cause: &io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// The first boundary in the future, a whole number of intervals after the old one.
fn next_boundary(old: Instant, interval: Duration) -> Instant {
    let interval = interval.max(Duration::from_millis(1));
    let passed = old.elapsed().as_micros() / interval.as_micros();
    old + interval.saturating_mul(u32::try_from(passed).unwrap_or(u32::MAX)) + interval
}

#[cfg(test)]
mod tests;
