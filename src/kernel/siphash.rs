//! SipHash as CPython uses it under `PYTHONHASHSEED=0`: a key of zeros.
//!
//! Which of the two an interpreter uses is its own choice (`sys.hash_info.algorithm`): 2-4 up to Python 3.10, 1-3 from
//! 3.11 on. Spark's workers run on that interpreter, so its choice decides which partition a key belongs to.

/// A hash function for text and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// One round per block, three at the end.
    SipHash13,
    /// Two rounds per block, four at the end.
    SipHash24,
}

impl Algorithm {
    /// By the name that Python gives it.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "siphash13" => Some(Self::SipHash13),
            "siphash24" => Some(Self::SipHash24),
            _ => None,
        }
    }

    /// CPython's `hash()` of a `bytes` object, or of a `str` stored as `data`.
    #[inline]
    pub fn hash(self, data: &[u8]) -> i64 {
        if data.is_empty() {
            return 0;
        }
        let hash = match self {
            Self::SipHash13 => siphash::<1, 3>(data),
            Self::SipHash24 => siphash::<2, 4>(data),
        };
        not_minus_one(hash as i64)
    }

    /// The same of 1 to 7 bytes, the lowest ones of `data`; the others are 0.
    #[inline]
    pub fn hash_short(self, data: u64, length: usize) -> i64 {
        let last = data | (length as u64) << 56;
        let hash = match self {
            Self::SipHash13 => finished::<1, 3>(SEED, last),
            Self::SipHash24 => finished::<2, 4>(SEED, last),
        };
        not_minus_one(hash as i64)
    }
}

/// -1 means "an exception was raised" to CPython, so no value hashes to it.
#[inline]
pub(super) fn not_minus_one(hash: i64) -> i64 {
    if hash == -1 { -2 } else { hash }
}

/// The constants spell "somepseudorandomlygeneratedbytes"; a key would be mixed into them.
const SEED: [u64; 4] = [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];

/// SipHash with `C` rounds per block of 8 bytes and `D` rounds at the end.
#[inline]
fn siphash<const C: usize, const D: usize>(data: &[u8]) -> u64 {
    let mut state = SEED;
    let (blocks, rest) = data.as_chunks::<8>();
    for block in blocks {
        absorb::<C>(&mut state, u64::from_le_bytes(*block));
    }
    // The last block: what is left, and the length modulo 256 in the highest byte.
    let mut last = (data.len() as u64) << 56;
    for (position, byte) in rest.iter().enumerate() {
        last |= u64::from(*byte) << (8 * position);
    }
    finished::<C, D>(state, last)
}

/// The hash, with the last block.
#[inline]
fn finished<const C: usize, const D: usize>(mut state: [u64; 4], last: u64) -> u64 {
    absorb::<C>(&mut state, last);
    state[2] ^= 0xff;
    for _ in 0..D {
        round(&mut state);
    }
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

#[inline]
fn absorb<const C: usize>(state: &mut [u64; 4], block: u64) {
    state[3] ^= block;
    for _ in 0..C {
        round(state);
    }
    state[0] ^= block;
}

#[inline]
fn round(state: &mut [u64; 4]) {
    let [a, b, c, d] = state;
    *a = a.wrapping_add(*b);
    *c = c.wrapping_add(*d);
    *b = b.rotate_left(13) ^ *a;
    *d = d.rotate_left(16) ^ *c;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*b);
    *a = a.wrapping_add(*d);
    *b = b.rotate_left(17) ^ *c;
    *d = d.rotate_left(21) ^ *a;
    *c = c.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_hash_as_in_cpython_with_seed_0() {
        // PYTHONHASHSEED=0 python3.11
        let all: Vec<u8> = (0..64).collect();
        let cases: [(&[u8], i64); 8] = [
            (b"", 0),
            (b"a", 4644417185603328019),
            (b"abc", -4594863902769663758),
            (b"\xff\x00", 7217110220190950386),
            (b"xxxxxxx", 4423015880544474238),
            (b"xxxxxxxx", -4724777423671707232),
            (b"xxxxxxxxx", 1110956022226650754),
            (&all, 8493894268803903686),
        ];
        for (data, expected) in cases {
            assert_eq!(Algorithm::SipHash13.hash(data), expected, "{data:?}");
        }
    }

    #[test]
    fn a_few_bytes_hash_as_such() {
        let all = *b"\x00a~\x7fZ 9";
        for length in 1..8 {
            let mut bytes = [0; 8];
            bytes[..length].copy_from_slice(&all[..length]);
            for algorithm in [Algorithm::SipHash13, Algorithm::SipHash24] {
                let short = algorithm.hash_short(u64::from_le_bytes(bytes), length);
                assert_eq!(short, algorithm.hash(&all[..length]), "{length}");
            }
        }
    }

    #[test]
    fn an_unknown_algorithm_is_refused() {
        assert_eq!(Algorithm::from_name("siphash13"), Some(Algorithm::SipHash13));
        assert_eq!(Algorithm::from_name("siphash24"), Some(Algorithm::SipHash24));
        assert_eq!(Algorithm::from_name("fnv"), None);
    }
}
