//! Columns of text: reading them row by row, and building new ones from parts of old ones or from new text.
//!
//! 1. Text of at most 12 bytes lies in its view; longer text is referred to where it already is, so that words of a line
//!    cost no copy.
//! 2. Positions in here are bytes; `char_count` and friends translate.

use std::sync::Arc;

use arrow_array::builder::make_view;
use arrow_array::{Array, StringViewArray};
use arrow_buffer::{Buffer, ScalarBuffer};

use super::val::Val;
use super::value::Value;
use super::{Result, bail};

/// Longest text that a view holds itself (a fact of Arrow's format).
pub(super) const INLINE: usize = 12;

/// Most bytes of new text that one column may hold.
const MAX_NEW_TEXT: usize = 1 << 30;

/// Text of all rows: one, or one each.
#[derive(Clone, Copy)]
pub(super) enum Texts<'a> {
    One(&'a str),
    Many(&'a StringViewArray),
}

impl<'a> Texts<'a> {
    /// The text that `value` is; `None` if it is something else. Bails if some rows are `None`.
    pub fn of(value: &'a Val) -> Result<Option<Self>> {
        Ok(match value {
            Val::Const(Value::Str(text)) => Some(Self::One(text)),
            Val::Str(texts) if texts.nulls().is_some() => return bail("None where text is needed"),
            Val::Str(texts) => Some(Self::Many(texts)),
            _ => None,
        })
    }

    /// As `of`, and bails for anything else.
    pub fn expect(value: &'a Val) -> Result<Self> {
        match Self::of(value)? {
            Some(texts) => Ok(texts),
            None => bail(format!("{} where text is needed", value.type_name())),
        }
    }

    #[inline]
    pub fn get(&self, row: usize) -> &'a str {
        match self {
            Self::One(text) => text,
            Self::Many(texts) => texts.value(row),
        }
    }
}

/// The text of a view.
#[inline]
pub(super) fn bytes_of<'a>(view: &'a u128, buffers: &'a [Buffer]) -> &'a [u8] {
    let length = *view as u32 as usize;
    if length <= INLINE {
        // SAFETY: a view of a valid array with at most 12 bytes holds them itself.
        return unsafe { StringViewArray::inline_value(view, length) };
    }
    let (buffer, offset) = ((*view >> 64) as u32 as usize, (*view >> 96) as u32 as usize);
    &buffers[buffer].as_slice()[offset..offset + length]
}

/// A view of `parent[start..end]`, where `parent` is the text of `view`; no copy.
#[inline]
pub(super) fn sub_view(view: u128, parent: &[u8], start: usize, end: usize) -> u128 {
    let length = end - start;
    if length <= INLINE {
        return inline_view(parent, start, length);
    }
    // Longer than 12 bytes, so the parent is too, and its view names a buffer and an offset.
    let (buffer, offset) = ((view >> 64) as u32, (view >> 96) as u32);
    make_view(&parent[start..end], buffer, offset + start as u32)
}

/// The view that holds `bytes[start..start + length]`, at most 12 bytes, itself.
#[inline]
pub(super) fn inline_view(bytes: &[u8], start: usize, length: usize) -> u128 {
    // As `make_view` does, without its choice by length, which a processor cannot foresee: 16 bytes that contain the text.
    let rest = &bytes[start..];
    let text = if let Some(chunk) = rest.first_chunk() {
        u128::from_le_bytes(*chunk)
    } else if let Some(chunk) = bytes.last_chunk::<16>() {
        let before = (chunk.len() - rest.len()) * 8;
        // All 128 bits where nothing is left of the text.
        u128::from_le_bytes(*chunk).checked_shr(before as u32).unwrap_or(0)
    } else {
        let mut chunk = [0; 16];
        chunk[..length].copy_from_slice(&rest[..length]);
        u128::from_le_bytes(chunk)
    };
    (text & !(u128::MAX << (length * 8))) << 32 | length as u128
}

/// Each text of `texts` cut down to a part of it: `cut` gives where it begins and ends, in bytes.
pub(super) fn cut(texts: Texts<'_>, rows: usize, cut: impl Fn(usize, &str) -> Result<(usize, usize)>) -> Result<Val> {
    match texts {
        Texts::One(text) => {
            let mut out = TextBuilder::new(rows);
            for row in 0..rows {
                let (start, end) = cut(row, text)?;
                out.push(&text[start..end])?;
            }
            Ok(out.finish())
        }
        Texts::Many(texts) => {
            let mut views = Vec::with_capacity(rows);
            for (row, view) in texts.views().iter().enumerate().take(rows) {
                let text = texts.value(row);
                let (start, end) = cut(row, text)?;
                debug_assert!(text.is_char_boundary(start) && text.is_char_boundary(end));
                views.push(sub_view(*view, text.as_bytes(), start, end));
            }
            Ok(same_buffers(views, texts))
        }
    }
}

/// A column of views into the buffers of `texts`.
pub(super) fn same_buffers(views: Vec<u128>, texts: &StringViewArray) -> Val {
    // SAFETY: the views were made by `sub_view` from those of `texts`, at boundaries of characters.
    Val::Str(unsafe { StringViewArray::new_unchecked(views.into(), Arc::clone(texts.data_buffers()), None) })
}

/// A column of new text.
pub(super) struct TextBuilder {
    views: Vec<u128>,
    /// Text beyond 12 bytes, and at its end the one that is being written.
    data: String,
    start: usize,
}

impl TextBuilder {
    pub fn new(rows: usize) -> Self {
        Self { views: Vec::with_capacity(rows), data: String::new(), start: 0 }
    }

    pub fn len(&self) -> usize {
        self.views.len()
    }

    pub fn push(&mut self, text: &str) -> Result<()> {
        if text.len() <= INLINE {
            self.views.push(inline_view(text.as_bytes(), 0, text.len()));
            return Ok(());
        }
        self.data.push_str(text);
        self.end()
    }

    /// The text of the next row, to be written; `end` ends it.
    pub fn next(&mut self) -> &mut String {
        &mut self.data
    }

    /// The row is written.
    pub fn end(&mut self) -> Result<()> {
        if self.data.len() > MAX_NEW_TEXT {
            return bail("a chunk of text beyond 1 GiB");
        }
        let text = &self.data.as_bytes()[self.start..];
        self.views.push(make_view(text, 0, self.start as u32));
        if text.len() <= INLINE {
            self.data.truncate(self.start);
        }
        self.start = self.data.len();
        Ok(())
    }

    /// Turns the order of the rows from this one on around.
    pub fn reverse_from(&mut self, row: usize) {
        self.views[row..].reverse();
    }

    pub fn finish(self) -> Val {
        let mut data = self.data.into_bytes();
        data.shrink_to_fit();
        let buffers: Vec<Buffer> = if data.is_empty() { Vec::new() } else { vec![Buffer::from_vec(data)] };
        let views = ScalarBuffer::from(self.views);
        // SAFETY: each view holds its text or names a range of the only buffer, and both were made from `str`s.
        Val::Str(unsafe { StringViewArray::new_unchecked(views, Arc::from(buffers), None) })
    }
}

/// A column of text from a function of the row.
pub(super) fn build(rows: usize, mut text: impl FnMut(usize, &mut String) -> Result<()>) -> Result<Val> {
    let mut out = TextBuilder::new(rows);
    for row in 0..rows {
        text(row, out.next())?;
        out.end()?;
    }
    Ok(out.finish())
}

/// Number of characters.
#[inline]
pub(super) fn char_count(text: &str) -> usize {
    if text.len() < 32 {
        // `chars().count()` prepares for long text, which costs more than a short one takes.
        return text.bytes().map(|byte| usize::from(byte & 0xc0 != 0x80)).sum();
    }
    text.chars().count()
}

/// Where character number `position` begins; the end of the text if there are fewer.
pub(super) fn byte_of_char(text: &str, position: usize) -> usize {
    if text.is_ascii() {
        return position.min(text.len());
    }
    text.char_indices().nth(position).map_or(text.len(), |(byte, _)| byte)
}

/// Whether Python takes a character for white space.
#[inline]
pub(super) fn is_space(c: char) -> bool {
    matches!(c,
        '\t'..='\r' | '\x1c'..=' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}'
        | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}
