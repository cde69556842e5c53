//! How does a worker hear its driver, and notice that there is none any more?
//!
//! A thread of its own reads all frames, so that it sees the end of the socket while a function runs. Then, or when the
//! process gets a new parent, the process ends at once: whatever it computes, nobody waits for it.

use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::parent_id;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::frame::{self, Frame, Kind};
use crate::process::{Held, exit_now};

/// How often the worker looks who its parent is. The end of the socket is seen at once.
const LOOK: Duration = Duration::from_secs(1);

/// A worker's end of its socket.
pub struct Link {
    stream: Mutex<Held<UnixStream>>,
    frames: Receiver<Frame>,
    answers: Receiver<Frame>,
    asking: Mutex<()>,
}

impl Link {
    /// Starts to read.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        let ((to_frames, frames), (to_answers, answers)) = (unbounded(), unbounded());
        let reading = Held::new(stream.try_clone()?);
        reading.set_read_timeout(Some(LOOK))?;
        thread::Builder::new().name("dstreams-link".to_owned()).spawn(move || {
            listen(reading, &to_frames, &to_answers);
            exit_now(0);
        })?;
        Ok(Self { stream: Mutex::new(Held::new(stream)), frames, answers, asking: Mutex::new(()) })
    }

    /// Sends a frame.
    pub fn send(&self, kind: Kind, data: &[u8]) -> io::Result<()> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        frame::write(&mut **stream, kind, data, || Ok(()))
    }

    /// Waits for the next frame that is no answer.
    pub fn receive(&self) -> io::Result<Frame> {
        self.frames.recv().map_err(|_| io::ErrorKind::UnexpectedEof.into())
    }

    /// Asks the driver and waits for its answer.
    pub fn ask(&self, question: &[u8]) -> io::Result<Vec<u8>> {
        let _one_at_a_time = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        self.send(Kind::Ask, question)?;
        self.answers.recv().map(|frame| frame.data).map_err(|_| io::ErrorKind::UnexpectedEof.into())
    }
}

/// Until there is nobody to listen to.
fn listen(mut stream: Held<UnixStream>, frames: &Sender<Frame>, answers: &Sender<Frame>) {
    let parent = parent_id();
    let is_orphan = || if parent_id() == parent { Ok(()) } else { Err(io::ErrorKind::NotConnected.into()) };
    while let Ok(frame) = frame::read(&mut *stream, is_orphan) {
        let heard = if frame.kind == Kind::Answer { answers.send(frame) } else { frames.send(frame) };
        if heard.is_err() {
            return;
        }
    }
}
