//! What are the records of a split, where do they begin, and which bytes end them?
//!
//! Owns records as Hadoop's `LineRecordReader` cuts them, for all that `lines.rs` cannot do: a delimiter of the program, a
//! longest record, positions. Reads through one buffer: a file of any size is never held whole.
//! 1. The search for a delimiter goes on from buffer to buffer as Hadoop's does, its blind spot included: one that overlaps
//!    with its own beginning is missed on the border of two buffers, and a split's end is such a border.
//! 2. A record belongs to the split in which it begins. One that begins exactly at the end belongs to this split; so does
//!    the one after a delimiter that the end cuts in two.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

use memchr::{memchr2, memmem::Finder};

use super::compressed::{Consumed, codec_of};
use super::fs;
use super::reading::{Api, Reading};
use super::text::Split;

/// Spark's size of Hadoop's buffer (`io.file.buffer.size`), in bytes.
const BUFFER: usize = 64 << 10;

/// Longest record kept, in bytes.
const HIGHEST: i64 = 512 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What ends a record, and how it is found.
struct Delimiter {
    bytes: Arc<[u8]>,
    finder: Finder<'static>,
}

/// Cuts a stream of bytes into records; knows where its split ends, if it may end within the stream.
struct Cutter {
    source: Box<dyn Read + Send>,
    delimiter: Option<Arc<Delimiter>>,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    /// Bytes of the split; none for a compressed file, which is one split.
    split: Option<u64>,
    read: u64,
    /// The split's end cut a delimiter in two: the next record is nobody else's.
    one_more: bool,
    finished: bool,
    /// What reading met behind the bytes that are in the buffer.
    failed: Option<io::Error>,
}

impl Cutter {
    fn new(source: Box<dyn Read + Send>, delimiter: Option<Arc<[u8]>>, split: Option<u64>) -> Self {
        let found = |bytes: Arc<[u8]>| Arc::new(Delimiter { finder: Finder::new(&bytes).into_owned(), bytes });
        let delimiter = delimiter.map(found);
        let buffer = vec![0; BUFFER];
        Self {
            source,
            delimiter,
            buffer,
            at: 0,
            filled: 0,
            split,
            read: 0,
            one_more: false,
            finished: false,
            failed: None,
        }
    }

    /// Reads into the buffer, not beyond the split's end unless that is reached. `within`: a delimiter may have begun.
    fn fill(&mut self, within: bool) -> io::Result<()> {
        let left = self.split.map_or(u64::MAX, |split| split.saturating_sub(self.read));
        let wanted = if left == 0 { BUFFER } else { usize::try_from(left).unwrap_or(BUFFER).min(BUFFER) };
        let mut count = 0;
        if let Some(cause) = self.failed.take() {
            return Err(cause);
        }
        // Until it is full: borders within the split are then where Hadoop has them.
        while count < wanted {
            match self.source.read(&mut self.buffer[count..wanted]) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) if count == 0 => return Err(cause),
                Err(cause) => {
                    self.failed = Some(cause);
                    break;
                }
            }
        }
        if self.split == Some(self.read) && within && count > 0 {
            // With "\r" and "\n" on both sides of the end, the next split takes the "\n" for an end by itself.
            self.one_more = self.delimiter.is_some() || self.buffer[0] != b'\n';
        }
        self.read += count as u64;
        (self.at, self.filled) = (0, count);
        Ok(())
    }

    fn has_one_more(&self) -> bool {
        self.one_more && !self.finished
    }

    /// Puts a record, but no more than `longest` bytes of it, into `text`; gives the bytes that it took, 0 at the end. Looks
    /// no further than the buffer in which `most` bytes are passed.
    fn next(&mut self, text: &mut Vec<u8>, longest: i64, most: i64) -> io::Result<i64> {
        text.clear();
        if self.split.is_some() {
            if self.finished {
                return Ok(0);
            }
            // At most one record is read once the end is passed.
            self.finished = self.split.is_some_and(|split| self.read > split);
        }
        match self.delimiter.clone() {
            Some(delimiter) => self.next_delimited(&delimiter, text, longest, most),
            None => self.next_line(text, longest, most),
        }
    }

    fn next_line(&mut self, text: &mut Vec<u8>, longest: i64, most: i64) -> io::Result<i64> {
        let (mut taken, mut after_cr) = (0_i64, false);
        loop {
            if self.at >= self.filled {
                taken += i64::from(after_cr);
                self.fill(after_cr)?;
                if self.filled == 0 {
                    return Ok(taken);
                }
            }
            let from = self.at;
            let page = &self.buffer[..self.filled];
            // Bytes of the end that lie in this buffer, if it is found; a "\r" at the very end is not decided yet.
            let mut end = None;
            if after_cr {
                let is_pair = page[from] == b'\n';
                self.at = from + usize::from(is_pair);
                // The "\r" lay in the buffer before, and is counted now.
                end = Some(usize::from(is_pair));
            } else if let Some(found) = memchr2(b'\n', b'\r', &page[from..]) {
                let place = from + found;
                match (page[place], page.get(place + 1)) {
                    (b'\n', _) => (self.at, end) = (place + 1, Some(1)),
                    (_, Some(b'\n')) => (self.at, end) = (place + 2, Some(2)),
                    (_, Some(_)) => (self.at, end) = (place + 1, Some(1)),
                    (_, None) => (self.at, after_cr) = (self.filled, true),
                }
            } else {
                self.at = self.filled;
            }
            let undecided = end.is_none() && after_cr;
            let here = self.at - from - usize::from(undecided);
            taken += here as i64;
            keep(text, &self.buffer[from..from + here - end.unwrap_or(0)], longest);
            if end.is_some() || taken >= most {
                return Ok(taken);
            }
            too_long(text)?;
        }
    }

    fn next_delimited(
        &mut self,
        delimiter: &Delimiter,
        text: &mut Vec<u8>,
        longest: i64,
        most: i64,
    ) -> io::Result<i64> {
        // `matched` bytes of the delimiter stand before `at`; of these, `pending` lie in earlier buffers and are neither
        // kept nor counted until it is known whether they are its beginning.
        let (mut taken, mut kept, mut matched, mut pending) = (0_i64, 0, 0, 0);
        loop {
            if self.at >= self.filled {
                self.fill(pending > 0)?;
                if self.filled == 0 {
                    text.extend_from_slice(&delimiter.bytes[..pending]);
                    return Ok(taken + pending as i64);
                }
            }
            let from = self.at;
            matched = self.advance(delimiter, matched);
            let here = (self.at - from) as i64;
            taken += here + pending as i64;
            let fitting = (here - matched as i64).min(longest - kept);
            if fitting >= 0 && pending > 0 {
                text.extend_from_slice(&delimiter.bytes[..pending]);
                pending = 0;
                // The split's end cut no delimiter after all.
                self.one_more = false;
            }
            if fitting > 0 {
                text.extend_from_slice(&self.buffer[from..from + fitting as usize]);
                kept += fitting;
            }
            if self.at >= self.filled && matched > 0 && matched < delimiter.bytes.len() {
                pending = matched;
                taken -= pending as i64;
            }
            if matched >= delimiter.bytes.len() || taken >= most {
                return Ok(taken);
            }
            too_long(text)?;
        }
    }

    /// Goes behind the delimiter, or to the buffer's end. Gives how many of its bytes stand before that place; before the
    /// call these are `matched`, in earlier buffers.
    fn advance(&mut self, delimiter: &Delimiter, mut matched: usize) -> usize {
        let Delimiter { bytes: delimiter, finder } = delimiter;
        let page = &self.buffer[..self.filled];
        let mut at = self.at;
        while matched > 0 && at < page.len() {
            if page[at] == delimiter[matched] {
                matched += 1;
                at += 1;
                if matched == delimiter.len() {
                    self.at = at;
                    return matched;
                }
            } else {
                // Earlier buffers are gone: no beginning in them is tried again.
                at = (at + 1).saturating_sub(matched);
                matched = 0;
            }
        }
        if matched > 0 {
            self.at = at;
            return matched;
        }
        if let Some(found) = finder.find(&page[at..]) {
            self.at = at + found + delimiter.len();
            return delimiter.len();
        }
        self.at = page.len();
        let tail = &page[at..];
        let longest = (delimiter.len() - 1).min(tail.len());
        (1..=longest).rev().find(|length| tail.ends_with(&delimiter[..*length])).unwrap_or(0)
    }
}

fn keep(text: &mut Vec<u8>, bytes: &[u8], longest: i64) {
    let room = usize::try_from(longest - text.len() as i64).unwrap_or(0);
    text.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

fn too_long(text: &[u8]) -> io::Result<()> {
    if (text.len() as i64) < HIGHEST {
        return Ok(());
    }
    Err(io::Error::new(ErrorKind::InvalidData, format!("a record is longer than {HIGHEST} bytes")))
}

/// The records of a split, one after the other.
pub(super) struct Records {
    cutter: Cutter,
    /// Where the next record begins, in bytes; in a compressed file, of its content.
    position: u64,
    end: u64,
    longest: i64,
    api: Api,
    whole: bool,
    /// Of a compressed file that is one split: bytes of it read so far, and those of the split.
    compressed: Option<(Consumed, u64)>,
}

impl Records {
    pub(super) fn open(split: &Split, reading: &Reading, api: Api) -> io::Result<Self> {
        let system = fs::of(&split.path);
        let longest = reading.longest.map_or(i64::from(i32::MAX), i64::from);
        let delimiter = reading.delimiter.clone();
        if let Some(codec) = codec_of(&split.path) {
            // All of them belong to the split at its start, whichever others there are.
            let consumed = Consumed::default();
            let source: Box<dyn Read + Send> = match (split.start, codec.is_divisible()) {
                (0, _) => codec.reader(consumed.of(system.open(&split.path, 0)?), reading.skips_corrupt)?,
                (_, true) => Box::new(io::empty()),
                (_, false) => return Err(io::Error::other("Cannot seek in a compressed stream")),
            };
            let cutter = Cutter::new(source, delimiter, None);
            // Hadoop asks before each record whether it has read compressed bytes beyond the split: so a split that is
            // smaller than its file loses the records of the last buffer, all but one.
            let compressed = (!codec.is_divisible()).then_some((consumed, split.length));
            return Ok(Self { cutter, position: 0, end: u64::MAX, longest, api, whole: true, compressed });
        }
        let file = system.open(&split.path, split.start)?;
        let cutter = Cutter::new(file, delimiter, Some(split.length));
        let end = split.start + split.length;
        let mut records = Self { cutter, position: split.start, end, longest, api, whole: false, compressed: None };
        if split.start > 0 {
            // It began before, or exactly here: either way it belongs to the split before.
            let most = records.most();
            records.position += records.cutter.next(&mut Vec::new(), 0, most)? as u64;
        }
        Ok(records)
    }

    /// Puts the next record into `text`; gives its position, none at the end.
    pub(super) fn next(&mut self, text: &mut Vec<u8>) -> io::Result<Option<u64>> {
        let mut begin = self.position;
        let mut size = 0;
        while self.is_inside() || self.cutter.has_one_more() {
            if self.api != Api::Newer {
                begin = self.position;
            }
            size = self.next_of_any_size(text)?;
            if size == 0 {
                return Ok(None);
            }
            if size < self.longest {
                return Ok(Some(begin));
            }
        }
        // The newer interface gives the last one, as far as it was read, even if it is too long.
        Ok((self.api == Api::Newer && size > 0).then_some(begin))
    }

    fn is_inside(&self) -> bool {
        // A decompressor has read the file's head, and more, before it is asked for anything.
        let begun = self.compressed.as_ref().filter(|_| self.position > 0);
        self.position <= self.end && begun.is_none_or(|(consumed, length)| consumed.bytes() <= *length)
    }

    fn next_of_any_size(&mut self, text: &mut Vec<u8>) -> io::Result<i64> {
        if self.position > 0 {
            let size = self.cutter.next(text, self.longest, self.most())?;
            self.position += size as u64;
            return Ok(size);
        }
        let mark = BYTE_ORDER_MARK.len() as i64;
        let size = self.cutter.next(text, (self.longest + mark).min(i64::from(i32::MAX)), self.most())?;
        self.position += size as u64;
        if !text.starts_with(BYTE_ORDER_MARK) {
            return Ok(size);
        }
        text.drain(..BYTE_ORDER_MARK.len());
        Ok(size - mark)
    }

    fn most(&self) -> i64 {
        if self.whole {
            return i64::from(i32::MAX);
        }
        let left = self.end.saturating_sub(self.position);
        i64::try_from(left).unwrap_or(i64::MAX).min(i64::from(i32::MAX)).max(self.longest)
    }
}
