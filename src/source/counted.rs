//! Where does a file come apart into pieces of so many lines?
//!
//! Owns the cuts of Hadoop's `NLineInputFormat`. Bytes are taken as they lie in the file, those of a compressed one, too.
//! 1. A line ends with "\n", "\r" or "\r\n", or with the file.
//! 2. A piece begins one byte before its first line and ends one byte before its last line's end, so that a reader which
//!    skips to the first beginning of a line finds its own lines. The first piece begins at 0.
//! 3. A piece may be without a byte: that of a file with one byte, say. A file without bytes has no piece.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use memchr::memchr2;

use super::fs;

/// Bytes read at once.
const BUFFER: usize = 256 << 10;

/// (first byte, number of bytes) of the pieces of a file, of `lines` lines each; 0 or fewer: all lines are one piece.
pub fn counted_pieces(path: &Path, lines: i64) -> io::Result<Vec<(u64, u64)>> {
    cut(&mut fs::of(path).open(path, 0)?, lines)
}

fn cut(source: &mut impl Read, lines: i64) -> io::Result<Vec<(u64, u64)>> {
    let mut count = Count { lines, begin: 0, found: 0, pieces: Vec::new() };
    let mut buffer = vec![0; BUFFER];
    // Bytes before the buffer; where the line began that is not over; whether a "\r" at the buffer's end waits for its "\n".
    let (mut before, mut line, mut after_cr) = (0_u64, 0_u64, false);
    loop {
        let filled = match source.read(&mut buffer) {
            Ok(filled) => filled,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
            Err(cause) => return Err(cause),
        };
        let page = &buffer[..filled];
        let mut at = 0;
        if after_cr {
            at = usize::from(page.first() == Some(&b'\n'));
            line = before + at as u64;
            count.ended(line);
            after_cr = false;
        }
        if filled == 0 {
            break;
        }
        while let Some(found) = memchr2(b'\n', b'\r', &page[at..]) {
            let end = at + found + 1;
            match (page[end - 1], page.get(end)) {
                (b'\r', None) => {
                    after_cr = true;
                    break;
                }
                (b'\r', Some(b'\n')) => at = end + 1,
                _ => at = end,
            }
            line = before + at as u64;
            count.ended(line);
        }
        before += filled as u64;
    }
    if before > line {
        count.ended(before);
    }
    Ok(count.finished(before))
}

/// Lines counted so far.
struct Count {
    lines: i64,
    begin: u64,
    found: i64,
    pieces: Vec<(u64, u64)>,
}

impl Count {
    fn ended(&mut self, end: u64) {
        self.found += 1;
        if self.found == self.lines {
            self.add(end);
        }
    }

    fn add(&mut self, end: u64) {
        let length = end - self.begin;
        self.pieces.push(if self.begin == 0 { (0, length - 1) } else { (self.begin - 1, length) });
        (self.begin, self.found) = (end, 0);
    }

    fn finished(mut self, end: u64) -> Vec<(u64, u64)> {
        if self.found != 0 {
            self.add(end);
        }
        self.pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &[u8], lines: i64) -> Vec<(u64, u64)> {
        cut(&mut &text[..], lines).unwrap()
    }

    #[test]
    fn pieces_hold_so_many_lines() {
        assert_eq!(pieces(b"ab\ncd\nef", 2), [(0, 5), (5, 2)]);
        assert_eq!(pieces(b"ab\ncd\nef", 0), [(0, 7)]);
        assert_eq!(pieces(b"a\r\nb\rc\n", 1), [(0, 2), (2, 2), (4, 2)]);
    }

    #[test]
    fn a_piece_may_be_without_bytes() {
        assert_eq!(pieces(b"\nab\n", 1), [(0, 0), (0, 3)]);
        assert_eq!(pieces(b"a", 1), [(0, 0)]);
        assert_eq!(pieces(b"", 1), []);
    }

    #[test]
    fn an_end_of_two_bytes_may_lie_on_the_border_of_two_buffers() {
        let mut text = vec![b'x'; BUFFER - 1];
        text.extend_from_slice(b"\r\nab\r");
        let first = BUFFER as u64 + 1;
        assert_eq!(pieces(&text, 1), [(0, first - 1), (first - 1, 3)]);
        text[BUFFER] = b'y';
        assert_eq!(pieces(&text, 1), [(0, first - 2), (first - 2, 4)]);
    }
}
