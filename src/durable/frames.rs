//! How do records follow each other in a file that only grows?
//!
//! 1. A frame is: length of the body (4 bytes), checksum of kind and body (4), kind (1), body. All little-endian.
//! 2. Reading ends at the first frame that is cut or damaged: behind a crash there is nothing of use. Whoever knows how
//!    much must be there compares.

use super::files::checksum;

/// Bytes before a body.
pub(super) const FRAME_HEAD: usize = 9;

/// Appends a frame; the answer is its length.
pub(super) fn append(out: &mut Vec<u8>, kind: u8, body: &[&[u8]]) -> usize {
    let length: usize = body.iter().map(|part| part.len()).sum();
    let start = out.len();
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.push(kind);
    body.iter().for_each(|part| out.extend_from_slice(part));
    let sum = checksum(&out[start + 8..]);
    out[start + 4..start + 8].copy_from_slice(&sum.to_le_bytes());
    FRAME_HEAD + length
}

/// One frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
}

/// The frames at the beginning of some bytes.
pub(super) struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Frames<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Where the next frame begins; after the last one, how many bytes were good.
    pub(super) fn at(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let rest = self.bytes.get(self.at..)?;
        let length = u32::from_le_bytes(*rest.first_chunk()?) as usize;
        let sum = u32::from_le_bytes(*rest.get(4..)?.first_chunk()?);
        let checked = rest.get(8..FRAME_HEAD.checked_add(length)?)?;
        if checksum(checked) != sum {
            return None;
        }
        self.at += FRAME_HEAD + length;
        Some(Frame { kind: checked[0], body: &checked[1..] })
    }
}

/// Takes a number from the front of a body.
pub(super) fn take_u64(body: &mut &[u8]) -> Option<u64> {
    let (number, rest) = body.split_first_chunk()?;
    *body = rest;
    Some(u64::from_le_bytes(*number))
}

/// Takes a short number from the front of a body.
pub(super) fn take_u32(body: &mut &[u8]) -> Option<u32> {
    let (number, rest) = body.split_first_chunk()?;
    *body = rest;
    Some(u32::from_le_bytes(*number))
}
