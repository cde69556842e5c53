//! Where are many short texts kept? Views in Arrow's form, with the bytes of long ones in buffers of our own.
//!
//! A view of at most 12 bytes holds the text itself, so comparing views compares such texts.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryViewArray, StringViewArray};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};

use super::keys::kernel_error;
use crate::error::Result;

/// Longest text that a view holds itself.
const INLINE: usize = 12;
/// Bytes of long texts per buffer.
const PAGE: usize = 1 << 20;

/// A growing list of texts.
#[derive(Default)]
pub(super) struct Texts {
    views: Vec<u128>,
    full: Vec<Vec<u8>>,
    page: Vec<u8>,
}

impl Texts {
    /// Whether a view holds its text itself.
    #[inline]
    pub(super) fn is_inline(view: u128) -> bool {
        view as u32 <= INLINE as u32
    }

    /// The view of a text: whole if it is short, else its length and first four bytes.
    #[inline]
    pub(super) fn view_of(text: &[u8]) -> u128 {
        let mut bytes = [0_u8; 16];
        bytes[..4].copy_from_slice(&(text.len() as u32).to_le_bytes());
        let head = if text.len() <= INLINE { text } else { &text[..4] };
        bytes[4..4 + head.len()].copy_from_slice(head);
        u128::from_le_bytes(bytes)
    }

    /// Makes room for more of them.
    pub(super) fn reserve(&mut self, more: usize) {
        self.views.reserve(more);
    }

    /// Adds a text with its view (of whatever buffers).
    pub(super) fn push(&mut self, view: u128, text: &[u8]) {
        if Self::is_inline(view) {
            self.views.push(view);
            return;
        }
        if !self.page.is_empty() && self.page.len() + text.len() > PAGE {
            self.full.push(std::mem::take(&mut self.page));
        }
        let place = (self.full.len() as u128) << 64 | (self.page.len() as u128) << 96;
        self.page.extend_from_slice(text);
        self.views.push((view & u128::from(u64::MAX)) | place);
    }

    /// Whether text `id` may be the one with this view: it is, if the view holds its text itself. Not if there is no `id`.
    #[inline]
    pub(super) fn begins(&self, id: u32, view: u128) -> bool {
        let known = self.views.get(id as usize).copied().unwrap_or(!view);
        let differ =
            (known as u64 ^ view as u64) | if Self::is_inline(view) { (known >> 64 ^ view >> 64) as u64 } else { 0 };
        differ == 0
    }

    /// Whether text `id` is the one with this view (whose place in a buffer does not count) and bytes.
    #[inline]
    pub(super) fn is<'v>(&self, id: u32, view: u128, value: &impl Fn() -> &'v [u8]) -> bool {
        let known = self.views[id as usize];
        if Self::is_inline(view) {
            return known == view;
        }
        // Length and first four bytes, then all of it.
        known as u64 == view as u64 && self.long(known) == value()
    }

    /// The view of text `id`.
    #[inline]
    pub(super) fn view(&self, id: u32) -> u128 {
        self.views[id as usize]
    }

    /// The text with this view of its own, if the view does not hold it.
    pub(super) fn long(&self, view: u128) -> &[u8] {
        let (length, page, start) = (view as u32 as usize, (view >> 64) as u32 as usize, (view >> 96) as usize);
        let bytes = self.full.get(page).unwrap_or(&self.page);
        &bytes[start..start + length]
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let pages: usize = self.full.iter().map(Vec::capacity).sum();
        self.views.capacity() * 16 + pages + self.page.capacity()
    }

    /// All of them as an array.
    pub(super) fn finish(mut self, text: bool, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        if !self.page.is_empty() {
            self.full.push(self.page);
        }
        let buffers: Vec<Buffer> = self.full.into_iter().map(Buffer::from_vec).collect();
        let views = ScalarBuffer::from(self.views);
        if !text {
            return Ok(Arc::new(BinaryViewArray::try_new(views, buffers, nulls).map_err(kernel_error)?));
        }
        // SAFETY: `push` makes views of what it appends to the pages, with length and first bytes; what it gets for a list of
        // texts are values of arrays of texts, so UTF-8. To look at all of it again was a tenth of a window's time.
        Ok(Arc::new(unsafe { StringViewArray::new_unchecked(views, Arc::from(buffers), nulls) }))
    }
}
