//! Sets of characters, made for running over text.

use memchr::memchr;

/// The set of all ASCII characters.
pub(super) const ALL: [u64; 2] = [u64::MAX; 2];

/// Some characters.
#[derive(Debug, Clone)]
pub(super) struct Set {
    has: [bool; 256],
    /// The only character that is not in it.
    all_but: Option<u8>,
    /// Whether all are in it.
    all: bool,
}

/// Whether a character is among the bits.
pub(super) fn contains(bits: [u64; 2], byte: u8) -> bool {
    byte < 128 && bits[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
}

/// The only character that is among the bits.
pub(super) fn only(bits: [u64; 2]) -> Option<u8> {
    (bits[0].count_ones() + bits[1].count_ones() == 1)
        .then(|| if bits[0] != 0 { bits[0].trailing_zeros() as u8 } else { 64 + bits[1].trailing_zeros() as u8 })
}

/// Characters in either.
pub(super) fn union(one: [u64; 2], other: [u64; 2]) -> [u64; 2] {
    [one[0] | other[0], one[1] | other[1]]
}

/// Whether no character is in both.
pub(super) fn disjoint(one: [u64; 2], other: [u64; 2]) -> bool {
    one[0] & other[0] == 0 && one[1] & other[1] == 0
}

impl Set {
    pub fn new(bits: [u64; 2]) -> Self {
        let mut has = [false; 256];
        for byte in 0..128 {
            has[usize::from(byte)] = contains(bits, byte);
        }
        Self { has, all_but: only([!bits[0], !bits[1]]), all: bits == ALL }
    }

    #[inline]
    pub fn has(&self, byte: u8) -> bool {
        self.has[usize::from(byte)]
    }

    /// Where the first character from `from` on is that is not in the set, at most `limit`.
    #[inline]
    pub fn run(&self, text: &[u8], from: usize, limit: usize) -> usize {
        if self.all {
            return limit;
        }
        let part = &text[from..limit];
        if let Some(other) = self.all_but {
            return memchr(other, part).map_or(limit, |at| from + at);
        }
        part.iter().position(|byte| !self.has(*byte)).map_or(limit, |at| from + at)
    }
}
