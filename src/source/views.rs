//! Finished lines on their way to become one Utf8View array: where is the text of each?
//!
//! Owns the views and the sealed buffers of the open block. The page that bytes arrive in belongs to the `LineCutter`.
//! 1. Text of at most 12 bytes lives in its view; longer text is referred to in the open page, in a sealed buffer, or in
//!    `decoded` (text that had to be repaired, so that it differs from the received bytes).
//! 2. Buffer numbers are reserved when first referred to: a buffer without a referring line is never part of a block.
//! 3. A buffer that is part of a block is referred to by at least half, or it is a copy of just the text referred to.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::StringViewArray;
use arrow_array::builder::make_view;
use arrow_buffer::{Buffer, ScalarBuffer};

use super::utf8;

/// Longest text that a view holds itself (a fact of Arrow's format).
const INLINE: usize = 12;

/// Repaired text is sealed in buffers of about this many bytes.
const DECODED_BUFFER: usize = 1 << 20;

/// The lines of the open block.
#[derive(Debug, Default)]
pub(super) struct Views {
    views: Vec<u128>,
    buffers: Vec<Buffer>,
    /// Bytes in sealed buffers.
    sealed: usize,
    /// Number reserved for the open page, once a view refers to it.
    page: Option<u32>,
    /// The first view that may refer to the open page.
    page_first: usize,
    /// Bytes of the open page that views refer to.
    page_used: usize,
    decoded: Vec<u8>,
    /// Number reserved for `decoded`, once a view refers to it.
    decoded_at: Option<u32>,
}

impl Views {
    /// Number of lines.
    pub(super) fn len(&self) -> usize {
        self.views.len()
    }

    /// Bytes held for finished lines, those of the open page left out.
    pub(super) fn bytes(&self) -> usize {
        self.views.len() * size_of::<u128>() + self.sealed + self.decoded.len()
    }

    /// Adds `page[line]`, which the caller knows to be valid UTF-8.
    #[inline]
    pub(super) fn push(&mut self, page: &[u8], line: Range<usize>) {
        let (start, length) = (line.start, line.len());
        let view = if length > INLINE {
            self.page_used += length;
            let number = *self.page.get_or_insert_with(|| reserve(&mut self.buffers));
            make_view(&page[line], number, start as u32)
        } else if let Some(bytes) = page[start..].first_chunk() {
            // As `make_view` does, without its choice by length, which a processor cannot foresee.
            let text = u128::from_le_bytes(*bytes) & !(u128::MAX << (length * 8));
            text << 32 | length as u128
        } else {
            make_view(&page[line], 0, 0)
        };
        self.views.push(view);
    }

    /// Adds a line that may hold invalid UTF-8, each piece of which becomes U+FFFD.
    pub(super) fn push_repaired(&mut self, line: &[u8]) {
        let text = utf8::decode(line);
        let start = self.decoded.len() as u32;
        let mut number = 0;
        if text.len() > INLINE {
            number = *self.decoded_at.get_or_insert_with(|| reserve(&mut self.buffers));
            self.decoded.extend_from_slice(text.as_bytes());
        }
        self.views.push(make_view(text.as_bytes(), number, start));
        if self.decoded.len() >= DECODED_BUFFER {
            self.seal_decoded();
        }
    }

    /// Whether the open page, of `size` bytes, is referred to enough to become a buffer as it is.
    pub(super) fn wants_page(&self, size: usize) -> bool {
        self.page_used * 2 >= size
    }

    /// The open page is left for good and becomes a buffer.
    pub(super) fn keep_page(&mut self, page: Vec<u8>) {
        if let Some(number) = self.page.take() {
            self.seal(number, page);
        }
        self.begin_page();
    }

    /// The open page is left, and its bytes may change: copies what views refer to.
    pub(super) fn copy_from_page(&mut self, page: &[u8]) {
        if let Some(number) = self.page.take() {
            let text = self.copy_used(page, number);
            self.seal(number, text);
        }
        self.begin_page();
    }

    /// The finished lines as an array; none if there are none. The open page must have been left before.
    pub(super) fn take(&mut self) -> Option<StringViewArray> {
        if self.views.is_empty() {
            return None;
        }
        self.seal_decoded();
        let Self { views, buffers, .. } = std::mem::take(self);
        // SAFETY: `push` is given checked UTF-8 and `push_repaired` makes it; a view's place lies inside the buffer
        // that had its number reserved, and every reserved number was sealed: the page's when it was left, that of
        // `decoded` just above. `make_view` writes length, prefix and padding as Arrow wants them.
        let array = unsafe { StringViewArray::new_unchecked(ScalarBuffer::from(views), Arc::from(buffers), None) };
        Some(array)
    }

    /// The text in `page` that views refer to, side by side; the views then refer to the result.
    fn copy_used(&mut self, page: &[u8], number: u32) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.page_used);
        for view in &mut self.views[self.page_first..] {
            let (length, buffer, offset) = (*view as u32, (*view >> 64) as u32, (*view >> 96) as u32);
            if length as usize > INLINE && buffer == number {
                let line = &page[offset as usize..][..length as usize];
                *view = make_view(line, number, text.len() as u32);
                text.extend_from_slice(line);
            }
        }
        text
    }

    fn begin_page(&mut self) {
        self.page_first = self.views.len();
        self.page_used = 0;
    }

    fn seal_decoded(&mut self) {
        if let Some(number) = self.decoded_at.take() {
            let mut text = std::mem::take(&mut self.decoded);
            text.shrink_to_fit();
            self.seal(number, text);
        }
    }

    fn seal(&mut self, number: u32, text: Vec<u8>) {
        self.sealed += text.len();
        self.buffers[number as usize] = Buffer::from_vec(text);
    }
}

/// Keeps a number for a buffer that is not sealed yet.
fn reserve(buffers: &mut Vec<Buffer>) -> u32 {
    buffers.push(Buffer::from_vec(Vec::<u8>::new()));
    (buffers.len() - 1) as u32
}
