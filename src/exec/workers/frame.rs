//! What do a driver and a worker say to each other, and how does it look on the wire?
//!
//! A frame is one byte for its kind, eight for the length of its data (little endian), and the data.

use std::io::{Error, ErrorKind, Read, Result, Write};

/// What a frame says. The driver sends the first six, the worker the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Begin this task, and make its first block.
    Task = 1,
    /// Make the next block.
    Next,
    /// A block of input.
    Input,
    /// There is no more input.
    End,
    /// No more blocks are wanted: say `Done`.
    Stop,
    /// The answer to `Ask`.
    Answer,
    /// A block of input is wanted.
    Need,
    /// A block of results. The worker now waits for `Next` or `Stop`.
    Block,
    /// The task has ended, with what it left.
    Done,
    /// The task has failed, with the exception.
    Failed,
    /// A question to the driver; may come at any time.
    Ask,
}

impl Kind {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Task, "task"),
        (Self::Next, "next"),
        (Self::Input, "input"),
        (Self::End, "end"),
        (Self::Stop, "stop"),
        (Self::Answer, "answer"),
        (Self::Need, "need"),
        (Self::Block, "block"),
        (Self::Done, "done"),
        (Self::Failed, "failed"),
        (Self::Ask, "ask"),
    ];

    fn of_byte(byte: u8) -> Option<Self> {
        Self::ALL.iter().map(|(kind, _)| *kind).find(|kind| *kind as u8 == byte)
    }

    /// The kind with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it says.
    pub kind: Kind,
    /// What it says it about.
    pub data: Vec<u8>,
}

const HEAD: usize = 9;

/// Data up to this size travels in one write with its head.
const SMALL: usize = 64 * 1024;

/// Writes a frame; `patience` decides what happens when the stream's timeout passes.
pub(super) fn write(
    stream: &mut impl Write,
    kind: Kind,
    data: &[u8],
    mut patience: impl FnMut() -> Result<()>,
) -> Result<()> {
    let mut head = Vec::with_capacity(HEAD + if data.len() <= SMALL { data.len() } else { 0 });
    head.push(kind as u8);
    head.extend((data.len() as u64).to_le_bytes());
    if data.len() <= SMALL {
        head.extend(data);
        return write_all(stream, &head, &mut patience);
    }
    write_all(stream, &head, &mut patience)?;
    write_all(stream, data, &mut patience)
}

fn write_all(stream: &mut impl Write, mut data: &[u8], patience: &mut impl FnMut() -> Result<()>) -> Result<()> {
    while !data.is_empty() {
        match stream.write(data) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => data = &data[written..],
            Err(error) => wait_or(error, patience)?,
        }
    }
    Ok(())
}

/// Reads a frame. `UnexpectedEof` when the other side is gone.
pub(super) fn read(stream: &mut impl Read, mut patience: impl FnMut() -> Result<()>) -> Result<Frame> {
    let mut head = [0; HEAD];
    read_exact(stream, &mut head, &mut patience)?;
    let kind = Kind::of_byte(head[0]).ok_or_else(|| Error::from(ErrorKind::InvalidData))?;
    let mut length = [0; 8];
    length.copy_from_slice(&head[1..]);
    let length = usize::try_from(u64::from_le_bytes(length)).map_err(|_| Error::from(ErrorKind::InvalidData))?;
    let mut data = vec![0; length];
    read_exact(stream, &mut data, &mut patience)?;
    Ok(Frame { kind, data })
}

fn read_exact(stream: &mut impl Read, mut into: &mut [u8], patience: &mut impl FnMut() -> Result<()>) -> Result<()> {
    while !into.is_empty() {
        match stream.read(into) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => into = &mut into[read..],
            Err(error) => wait_or(error, patience)?,
        }
    }
    Ok(())
}

fn wait_or(error: Error, patience: &mut impl FnMut() -> Result<()>) -> Result<()> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => patience(),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Gives or takes a few bytes at a time, with an interruption between any two.
    struct Slow {
        data: Vec<u8>,
        at: usize,
        step: usize,
        pause: bool,
    }

    impl Slow {
        fn new(data: Vec<u8>, step: usize) -> Self {
            Self { data, at: 0, step, pause: false }
        }

        fn pauses(&mut self) -> bool {
            self.pause = !self.pause;
            self.pause
        }
    }

    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> Result<usize> {
            if self.pauses() {
                return Err(ErrorKind::WouldBlock.into());
            }
            let count = self.step.min(into.len()).min(self.data.len() - self.at);
            into[..count].copy_from_slice(&self.data[self.at..self.at + count]);
            self.at += count;
            Ok(count)
        }
    }

    impl Write for Slow {
        fn write(&mut self, data: &[u8]) -> Result<usize> {
            if self.pauses() {
                return Err(ErrorKind::WouldBlock.into());
            }
            let count = self.step.min(data.len());
            self.data.extend(&data[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn frames_arrive_as_they_were_sent(
            sent in vec((0_usize..Kind::ALL.len(), vec(any::<u8>(), 0..300)), 0..5),
            step in 1_usize..50,
        ) {
            let mut wire = Slow::new(Vec::new(), step);
            for (kind, data) in &sent {
                write(&mut wire, Kind::ALL[*kind].0, data, || Ok(())).expect("written");
            }
            let mut wire = Slow::new(wire.data, step);
            for (kind, data) in sent {
                let frame = read(&mut wire, || Ok(())).expect("read");
                prop_assert_eq!(frame, Frame { kind: Kind::ALL[kind].0, data });
            }
            let end = read(&mut wire, || Ok(())).map_err(|error| error.kind());
            prop_assert_eq!(end, Err(ErrorKind::UnexpectedEof));
        }
    }

    #[test]
    fn names_lead_to_their_kinds() {
        for (kind, name) in Kind::ALL {
            assert_eq!((Kind::named(name), kind.name(), Kind::of_byte(kind as u8)), (Some(kind), name, Some(kind)));
        }
        assert_eq!((Kind::named("hello"), Kind::of_byte(0)), (None, None));
    }

    #[test]
    fn data_larger_than_one_write_arrives() {
        let data = vec![7; SMALL + 1];
        let mut wire = Vec::new();
        write(&mut wire, Kind::Input, &data, || Ok(())).expect("written");
        assert_eq!(read(&mut wire.as_slice(), || Ok(())).expect("read"), Frame { kind: Kind::Input, data });
    }

    #[test]
    fn who_loses_patience_ends_the_wait() {
        let mut wire = Slow::new(vec![1; 20], 1);
        let ended = read(&mut wire, || Err(ErrorKind::Interrupted.into())).map_err(|error| error.kind());
        assert_eq!(ended, Err(ErrorKind::Interrupted));
    }
}
