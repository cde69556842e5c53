//! Where does a line end, and how do received bytes become Utf8View columns?
//!
//! Owns the cutting: bytes in, in pieces of any size; finished lines out, as blocks. No I/O of its own, no threads.
//! 1. "\n", "\r" and "\r\n" each end a line. A lone "\r" ends it at once; a "\n" that comes next belongs to it, even in a
//!    later piece. Empty lines count. Bytes without an end are a line only at `finish`.
//! 2. The cut does not depend on how the bytes were divided into pieces.
//! 3. Invalid UTF-8 becomes U+FFFD. Line ends are ASCII, so a line can be repaired by itself: the result is that of
//!    decoding the whole. A line is decoded only when it is complete, so pieces never split a character.
//! 4. A line longer than the limit is dropped and counted, and held in memory no further than the limit.
//!
//! Bytes arrive in a page, and views refer to it; when the page is full it becomes a buffer of the block, and the
//! unfinished line moves to the next page. So lines cost no copy, save those that lie on a page's border.

use std::io::{self, Read};
use std::sync::Arc;

use memchr::{memchr2, memrchr2};

use super::views::Views;
use crate::block::{Block, Columns, Kind};

/// Longest line unless told otherwise, in bytes: 64 MiB.
pub const DEFAULT_MAX_LINE: usize = 64 << 20;

/// The highest limit that can be set, in bytes: a view holds 31 bit offsets, and repair can make text three times longer.
pub const HIGHEST_MAX_LINE: usize = 512 << 20;

/// Bytes of a page, as long as lines fit into it.
const PAGE: usize = 1 << 20;

/// A page with less room than this is left for the next one.
const LEAST_ROOM: usize = 4 << 10;

/// What one call brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes consumed.
    pub bytes: usize,
    /// Lines finished.
    pub lines: usize,
    /// Lines given up for being too long; each is counted once, when it passes the limit.
    pub dropped: usize,
}

impl Progress {
    fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.lines += other.lines;
        self.dropped += other.dropped;
    }
}

/// Cuts a stream of bytes into lines.
#[derive(Debug)]
pub struct LineCutter {
    max_line: usize,
    /// Received bytes are `page[..filled]`, those of the unfinished line `page[line_start..filled]`.
    page: Vec<u8>,
    filled: usize,
    line_start: usize,
    /// No line ends between `line_start` and here.
    scanned: usize,
    /// The byte before `line_start` is a "\r": a "\n" at `line_start` belongs to it.
    after_cr: bool,
    /// Everything up to the next line end is thrown away.
    skipping: bool,
    lines: Views,
}

impl LineCutter {
    /// `max_line` is the longest line kept, in bytes without its end; at most `HIGHEST_MAX_LINE`.
    pub fn new(max_line: usize) -> Self {
        Self {
            max_line: max_line.min(HIGHEST_MAX_LINE),
            page: Vec::new(),
            filled: 0,
            line_start: 0,
            scanned: 0,
            after_cr: false,
            skipping: false,
            lines: Views::default(),
        }
    }

    /// The longest line kept, in bytes without its end.
    pub fn max_line(&self) -> usize {
        self.max_line
    }

    /// Takes in the next bytes.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Progress {
        let mut progress = Progress::default();
        while !bytes.is_empty() {
            let room = self.room();
            let count = room.len().min(bytes.len());
            let (now, later) = bytes.split_at(count);
            room[..count].copy_from_slice(now);
            progress.add(self.advance(count));
            bytes = later;
        }
        progress
    }

    /// Takes in what one `read` gives, straight into the page. `bytes == 0` means the end, as for `read`.
    pub fn read_from(&mut self, reader: &mut impl Read) -> io::Result<Progress> {
        let count = reader.read(self.room())?;
        Ok(self.advance(count))
    }

    /// Throws away what comes up to the end of the unfinished line, that end included. Not counted as dropped.
    pub fn skip_line(&mut self) {
        self.skipping = true;
        self.after_cr = false;
        if self.line_start == 0 && self.page.len() > PAGE {
            self.page = Vec::new(); // grown for this line alone
        }
        self.filled = self.line_start;
        self.scanned = self.line_start;
    }

    /// The stream ended: an unfinished line, unless empty, is a line. What is fed next begins a new stream.
    pub fn finish(&mut self) -> Progress {
        let mut progress = Progress::default();
        let line = self.line_start..self.filled;
        if !line.is_empty() {
            match std::str::from_utf8(&self.page[line.clone()]) {
                Ok(_) => self.lines.push(&self.page, line),
                Err(_) => self.lines.push_repaired(&self.page[line]),
            }
            progress.lines = 1;
        }
        self.line_start = self.filled;
        self.scanned = self.filled;
        self.after_cr = false;
        self.skipping = false;
        progress
    }

    /// The finished lines since the last call as one block of `str`; none if there are none.
    pub fn take(&mut self) -> Option<Block> {
        if self.lines.len() == 0 {
            return None;
        }
        self.turn_page();
        let array = self.lines.take()?;
        Some(Block::Columns(Columns::new(Kind::Str, Arc::new(array))))
    }

    /// Number of finished lines that were not taken yet.
    pub fn finished(&self) -> usize {
        self.lines.len()
    }

    /// Bytes held for finished lines that were not taken yet.
    pub fn finished_bytes(&self) -> usize {
        self.lines.bytes() + if self.lines.len() == 0 { 0 } else { self.line_start }
    }

    /// Where the next bytes go; never empty.
    fn room(&mut self) -> &mut [u8] {
        if self.page.len() - self.filled < LEAST_ROOM {
            self.turn_page();
        }
        &mut self.page[self.filled..]
    }

    /// Leaves the text of finished lines to the block and makes room; the unfinished line is then in front.
    fn turn_page(&mut self) {
        let unfinished = self.line_start..self.filled;
        let size = page_size(unfinished.len());
        if self.line_start == 0 {
            // Nothing finished in this page: at most the line outgrew it.
            self.page.resize(size, 0);
            return;
        }
        self.filled = unfinished.len();
        self.scanned -= self.line_start;
        self.line_start = 0;
        let wanted = self.lines.wants_page(self.page.len());
        if !wanted && self.page.len() == size {
            self.lines.copy_from_page(&self.page);
            self.page.copy_within(unfinished, 0);
            return;
        }
        let mut next = vec![0; size];
        next[..unfinished.len()].copy_from_slice(&self.page[unfinished]);
        let left = std::mem::replace(&mut self.page, next);
        if wanted {
            self.lines.keep_page(left);
        } else {
            self.lines.copy_from_page(&left);
        }
    }

    /// `count` bytes were put where `room` said.
    fn advance(&mut self, count: usize) -> Progress {
        self.filled += count;
        if self.skipping {
            self.skip();
        }
        let mut progress = self.cut();
        progress.bytes = count;
        if self.filled - self.line_start > self.max_line {
            self.skip_line();
            progress.dropped += 1;
        }
        progress
    }

    /// Throws away bytes up to the next line end.
    fn skip(&mut self) {
        match memchr2(b'\n', b'\r', &self.page[self.line_start..self.filled]) {
            Some(at) => {
                let end = self.line_start + at;
                self.after_cr = self.page[end] == b'\r';
                self.line_start = end + 1;
                self.skipping = false;
            }
            None => self.filled = self.line_start,
        }
        self.scanned = self.line_start;
    }

    /// Adds the lines that the bytes from `scanned` on complete.
    fn cut(&mut self) -> Progress {
        let mut progress = Progress::default();
        let (page, scanned) = (&self.page[..self.filled], self.scanned);
        self.scanned = self.filled;
        let Some(last) = memrchr2(b'\n', b'\r', &page[scanned..]) else {
            return progress;
        };
        let text = &page[..=scanned + last];
        // One check for all lines that are completed now; only if it fails, each is checked by itself.
        let valid = std::str::from_utf8(&text[self.line_start..]).is_ok();
        let lines_before = self.lines.len();
        // In variables of their own, which the compiler keeps in registers.
        let (mut line_start, mut after_cr) = (self.line_start, self.after_cr);
        line_ends(&text[scanned..], |at, is_cr| {
            let end = scanned + at;
            let line = line_start..end;
            line_start = end + 1;
            let second_half = after_cr && !is_cr && line.is_empty();
            after_cr = is_cr;
            if second_half {
                return;
            }
            if line.len() > self.max_line {
                progress.dropped += 1;
            } else if valid || std::str::from_utf8(&text[line.clone()]).is_ok() {
                self.lines.push(page, line);
            } else {
                self.lines.push_repaired(&text[line]);
            }
        });
        (self.line_start, self.after_cr) = (line_start, after_cr);
        progress.lines = self.lines.len() - lines_before;
        progress
    }
}

/// Calls `found` with the place of each "\n" and "\r", and whether it is a "\r". Looks at eight bytes at a time: short
/// lines make a search slow that starts anew for each of them.
#[inline]
fn line_ends(bytes: &[u8], mut found: impl FnMut(usize, bool)) {
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let returns = equal_bytes(word, b'\r');
        let mut ends = returns | equal_bytes(word, b'\n');
        while ends != 0 {
            let lowest = ends & ends.wrapping_neg();
            found(at * 8 + lowest.trailing_zeros() as usize / 8, returns & lowest != 0);
            ends ^= lowest;
        }
    }
    for (at, byte) in rest.iter().enumerate().filter(|(_, byte)| matches!(byte, b'\n' | b'\r')) {
        found(words.len() * 8 + at, *byte == b'\r');
    }
}

/// The highest bit of each byte of `word` that equals `byte`.
#[inline]
fn equal_bytes(word: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let differing = word ^ (0x0101_0101_0101_0101 * u64::from(byte));
    // Adding carries into a byte's highest bit unless its lower bits are 0, and never into the next byte.
    !(((differing & LOW) + LOW) | differing | LOW)
}

/// Size of a page that begins with `unfinished` bytes: at least half is room, so that growing costs little per byte.
fn page_size(unfinished: usize) -> usize {
    let mut size = PAGE;
    while unfinished * 2 > size {
        size *= 2;
    }
    size
}

/// The length of the first `count` lines, their ends included; of all bytes if there are fewer. A "\n" at the beginning is
/// taken for a line, even where it belongs to a "\r" of the piece before.
pub(super) fn length_of_lines(bytes: &[u8], count: u64) -> usize {
    let (mut length, mut found) = (0, 0);
    while found < count {
        let Some(end) = memchr2(b'\n', b'\r', &bytes[length..]) else { return bytes.len() };
        length += end + if bytes[length + end..].starts_with(b"\r\n") { 2 } else { 1 };
        found += 1;
    }
    length
}

#[cfg(test)]
mod tests;
