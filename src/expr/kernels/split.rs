//! Text in pieces: `split`, `rsplit`, `splitlines`, `partition`. Pieces are views of the text: no copy.

use arrow_array::StringViewArray;
use memchr::memmem::Finder;

use super::num::ints;
use crate::expr::ops::Method;
use crate::expr::select;
use crate::expr::text::{self, TextBuilder, Texts, is_space, sub_view};
use crate::expr::val::Val;
use crate::expr::value::Value;
use crate::expr::{Result, bail};

/// The pieces of all rows.
struct Pieces<'a> {
    /// Where the text comes from, or none if all rows are cut out of one constant.
    texts: Option<&'a StringViewArray>,
    views: Vec<u128>,
    copies: TextBuilder,
    offsets: Vec<i32>,
}

impl<'a> Pieces<'a> {
    fn new(texts: Texts<'a>, rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        let texts = match texts {
            Texts::One(_) => None,
            Texts::Many(array) => Some(array),
        };
        Self { texts, views: Vec::with_capacity(rows * 4), copies: TextBuilder::new(0), offsets }
    }

    /// Adds `text[start..end]`, a piece of the text of this row.
    #[inline]
    fn push(&mut self, row: usize, text: &str, start: usize, end: usize) -> Result<()> {
        match self.texts {
            Some(texts) => self.views.push(sub_view(texts.views()[row], text.as_bytes(), start, end)),
            None => self.copies.push(&text[start..end])?,
        }
        Ok(())
    }

    /// The row has no more pieces.
    fn end_row(&mut self) -> Result<()> {
        let count = if self.texts.is_some() { self.views.len() } else { self.copies.len() };
        self.offsets.push(select::offset(count)?);
        Ok(())
    }

    /// The pieces that the row got so far, the other way round.
    fn reverse_row(&mut self) {
        let start = self.offsets.last().map_or(0, |start| *start as usize);
        if self.texts.is_some() {
            self.views[start..].reverse();
        } else {
            self.copies.reverse_from(start);
        }
    }

    fn finish(self) -> Val {
        let count = if self.texts.is_some() { self.views.len() } else { self.copies.len() };
        let items = match self.texts {
            Some(texts) => text::same_buffers(self.views, texts),
            None => self.copies.finish(),
        };
        Val::list(items, count, self.offsets)
    }
}

/// `text.split(sep, most)` or `text.rsplit(sep, most)`.
pub(super) fn split(method: Method, texts: Texts<'_>, rest: &[Val], rows: usize) -> Result<Val> {
    let (sep, most) = match rest {
        [] => (None, None),
        [sep] => (Some(sep), None),
        [sep, most] => (Some(sep), Some(ints(most)?)),
        _ => return bail("split with more than two operands"),
    };
    // Negative: no limit.
    let limit = |row: usize| most.as_ref().and_then(|most| usize::try_from(most.get(row)).ok()).unwrap_or(usize::MAX);
    let mut pieces = Pieces::new(texts, rows);
    match sep {
        None | Some(Val::Const(Value::None)) => {
            for row in 0..rows {
                let text = texts.get(row);
                match method {
                    Method::Split if most.is_none() && text.is_ascii() => at_ascii_spaces(&mut pieces, row, text)?,
                    Method::Split => at_spaces(&mut pieces, row, text, limit(row))?,
                    _ => at_spaces_from_right(&mut pieces, row, text, limit(row))?,
                }
                pieces.end_row()?;
            }
        }
        Some(sep) => {
            let seps = Texts::expect(sep)?;
            if let (Texts::Many(array), Texts::One(sep), None, Method::Split) = (texts, seps, &most, method)
                && let [byte] = sep.as_bytes()
            {
                return at_byte(array, *byte);
            }
            for row in 0..rows {
                let sep = seps.get(row);
                if sep.is_empty() {
                    return bail("an empty separator");
                }
                match method {
                    Method::Split => at_text(&mut pieces, row, texts.get(row), sep, limit(row))?,
                    _ => at_text_from_right(&mut pieces, row, texts.get(row), sep, limit(row))?,
                }
                pieces.end_row()?;
            }
        }
    }
    Ok(pieces.finish())
}

/// `text.split(sep)` for an ASCII character: eight bytes at a time.
fn at_byte(texts: &StringViewArray, sep: u8) -> Result<Val> {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let pattern = u64::from_ne_bytes([sep; 8]);
    let buffers = texts.data_buffers();
    let mut views: Vec<u128> = Vec::with_capacity(expected_pieces(texts, sep));
    let mut offsets: Vec<i32> = Vec::with_capacity(texts.views().len() + 1);
    offsets.push(0);
    for view in texts.views() {
        let text = text::bytes_of(view, buffers);
        let mut start = 0;
        let (chunks, rest) = text.as_chunks::<8>();
        for (number, chunk) in chunks.iter().enumerate() {
            let difference = u64::from_le_bytes(*chunk) ^ pattern;
            // The high bit of each byte that is zero, exactly.
            let mut hits = !(((difference & LOW) + LOW) | difference | LOW);
            while hits != 0 {
                let at = number * 8 + (hits.trailing_zeros() / 8) as usize;
                views.push(sub_view(*view, text, start, at));
                start = at + 1;
                hits &= hits - 1;
            }
        }
        let scanned = text.len() - rest.len();
        for (at, byte) in rest.iter().enumerate() {
            if *byte == sep {
                views.push(sub_view(*view, text, start, scanned + at));
                start = scanned + at + 1;
            }
        }
        views.push(sub_view(*view, text, start, text.len()));
        offsets.push(select::offset(views.len())?);
    }
    let count = views.len();
    Ok(Val::list(text::same_buffers(views, texts), count, offsets))
}

/// About how many pieces there will be, judged by the first texts: growing step by step would copy pieces again and again.
fn expected_pieces(texts: &StringViewArray, sep: u8) -> usize {
    const SAMPLE: usize = 64;
    let rows = texts.views().len();
    let sample = texts.views().iter().take(SAMPLE).map(|view| text::bytes_of(view, texts.data_buffers()));
    let pieces: usize = sample.map(|text| 1 + memchr::memchr_iter(sep, text).count()).sum();
    (pieces * rows / rows.clamp(1, SAMPLE)) * 9 / 8 + 16
}

fn at_text(pieces: &mut Pieces<'_>, row: usize, text: &str, sep: &str, limit: usize) -> Result<()> {
    let finder = Finder::new(sep);
    let mut start = 0;
    for at in finder.find_iter(text.as_bytes()).take(limit) {
        pieces.push(row, text, start, at)?;
        start = at + sep.len();
    }
    pieces.push(row, text, start, text.len())
}

fn at_text_from_right(pieces: &mut Pieces<'_>, row: usize, text: &str, sep: &str, limit: usize) -> Result<()> {
    let mut end = text.len();
    for (at, _) in text.rmatch_indices(sep).take(limit) {
        pieces.push(row, text, at + sep.len(), end)?;
        end = at;
    }
    pieces.push(row, text, 0, end)?;
    pieces.reverse_row();
    Ok(())
}

fn at_spaces(pieces: &mut Pieces<'_>, row: usize, text: &str, limit: usize) -> Result<()> {
    let mut rest = skip_spaces(text, 0);
    for _ in 0..limit {
        if rest == text.len() {
            return Ok(());
        }
        let end = text[rest..].find(is_space).map_or(text.len(), |length| rest + length);
        pieces.push(row, text, rest, end)?;
        rest = skip_spaces(text, end);
    }
    if rest < text.len() {
        // The limit is reached: the rest as it is.
        pieces.push(row, text, rest, text.len())?;
    }
    Ok(())
}

/// `text.split()` for ASCII text: eight bytes at a time, since most of them are no spaces.
fn at_ascii_spaces(pieces: &mut Pieces<'_>, row: usize, text: &str) -> Result<()> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Takes all bytes above the space beyond 127.
    const ABOVE_SPACE: u64 = 0x5f5f_5f5f_5f5f_5f5f;
    let bytes = text.as_bytes();
    let mut start = 0;
    let mut end_word = |at: usize| {
        if is_space(char::from(bytes[at])) {
            if start < at {
                pieces.push(row, text, start, at)?;
            }
            start = at + 1;
        }
        Ok(())
    };
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (number, chunk) in chunks.iter().enumerate() {
        let mut candidates = !(u64::from_le_bytes(*chunk) + ABOVE_SPACE) & HIGH;
        while candidates != 0 {
            end_word(number * 8 + (candidates.trailing_zeros() / 8) as usize)?;
            candidates &= candidates - 1;
        }
    }
    (bytes.len() - rest.len()..bytes.len()).try_for_each(&mut end_word)?;
    if start < bytes.len() { pieces.push(row, text, start, bytes.len()) } else { Ok(()) }
}

fn skip_spaces(text: &str, from: usize) -> usize {
    text.len() - text[from..].trim_start_matches(is_space).len()
}

fn at_spaces_from_right(pieces: &mut Pieces<'_>, row: usize, text: &str, limit: usize) -> Result<()> {
    let mut end = text.trim_end_matches(is_space).len();
    for _ in 0..limit {
        if end == 0 {
            break;
        }
        let start = text[..end].char_indices().rev().find(|(_, c)| is_space(*c)).map_or(0, |(at, c)| at + c.len_utf8());
        pieces.push(row, text, start, end)?;
        end = text[..start].trim_end_matches(is_space).len();
    }
    if end > 0 {
        // The limit is reached: the rest as it is.
        pieces.push(row, text, 0, end)?;
    }
    pieces.reverse_row();
    Ok(())
}

/// `text.splitlines()`, or with `keepends`.
pub(super) fn lines(texts: Texts<'_>, rest: &[Val], rows: usize) -> Result<Val> {
    let keep = match rest {
        [] => false,
        [Val::Const(Value::Bool(keep))] => *keep,
        _ => return bail("splitlines with an operand that varies"),
    };
    let is_end =
        |c: char| matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut pieces = Pieces::new(texts, rows);
    for row in 0..rows {
        let text = texts.get(row);
        let mut start = 0;
        while start < text.len() {
            let end = text[start..].find(is_end).map_or(text.len(), |length| start + length);
            let mark =
                if text[end..].starts_with("\r\n") { 2 } else { text[end..].chars().next().map_or(0, char::len_utf8) };
            pieces.push(row, text, start, if keep { end + mark } else { end })?;
            start = end + mark;
        }
        pieces.end_row()?;
    }
    Ok(pieces.finish())
}

/// `text.partition(sep)` or `text.rpartition(sep)`.
pub(super) fn partition(method: Method, texts: Texts<'_>, seps: Texts<'_>, rows: usize) -> Result<Val> {
    if (0..rows).any(|row| seps.get(row).is_empty()) {
        return bail("an empty separator");
    }
    let place = |row: usize, text: &str| match method {
        Method::Partition => text.find(seps.get(row)),
        _ => text.rfind(seps.get(row)),
    };
    // Not found: all of the text is at the near end.
    let nowhere = |text: &str| if method == Method::Partition { text.len() } else { 0 };
    let before = text::cut(texts, rows, |row, text| Ok((0, place(row, text).unwrap_or(nowhere(text)))))?;
    let at =
        text::cut(texts, rows, |row, text| Ok(place(row, text).map_or((0, 0), |at| (at, at + seps.get(row).len()))))?;
    let after = text::cut(texts, rows, |row, text| {
        Ok((place(row, text).map_or(nowhere(text), |at| at + seps.get(row).len()), text.len()))
    })?;
    Ok(Val::tuple(vec![before, at, after]))
}
