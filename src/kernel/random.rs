//! The random numbers of Spark's JVM side, where answers depend on them.

/// Spark's `XORShiftRandom`: Marsaglia's xorshift from a hashed seed, read through `java.util.Random`'s methods.
#[derive(Debug, Clone)]
pub struct XorShiftRandom {
    state: u64,
}

/// The seed of Scala's hash of byte arrays.
const ARRAY_SEED: u32 = 0x3c07_4a61;

impl XorShiftRandom {
    /// The generator for a seed.
    pub fn new(seed: i64) -> Self {
        let bytes = seed.to_be_bytes();
        let low = murmur3(bytes, ARRAY_SEED);
        let high = murmur3(bytes, low);
        Self { state: u64::from(high) << 32 | u64::from(low) }
    }

    fn next(&mut self, bits: u32) -> i32 {
        self.state ^= self.state << 21;
        self.state ^= self.state >> 35;
        self.state ^= self.state << 4;
        (self.state & ((1 << bits) - 1)) as i32
    }

    /// A number in `0..bound`; 0 for a bound that is not positive.
    pub fn next_int(&mut self, bound: i32) -> i32 {
        if bound <= 0 {
            return 0;
        }
        let mut bits = self.next(31);
        if bound & (bound - 1) == 0 {
            return ((i64::from(bound) * i64::from(bits)) >> 31) as i32;
        }
        // Reject the incomplete last run of `bound` numbers, or small ones would be likelier.
        while bits.wrapping_sub(bits % bound).wrapping_add(bound - 1) < 0 {
            bits = self.next(31);
        }
        bits % bound
    }
}

/// MurmurHash3 (32 bits) of eight bytes.
fn murmur3(bytes: [u8; 8], seed: u32) -> u32 {
    let mut hash = seed;
    for word in [[bytes[0], bytes[1], bytes[2], bytes[3]], [bytes[4], bytes[5], bytes[6], bytes[7]]] {
        let mixed = u32::from_le_bytes(word).wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
        hash = (hash ^ mixed).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    hash ^= bytes.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where Spark 3.5.9 puts the single element of each of eight partitions in `repartition(bound)`.
    #[test]
    fn starts_are_those_of_spark() {
        let targets = |bound: i32| -> Vec<i32> {
            (0..8).map(|index| (XorShiftRandom::new(index).next_int(bound) + 1) % bound).collect()
        };
        assert_eq!(targets(2), [1, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(targets(3), [0, 1, 2, 0, 2, 2, 0, 2]);
        assert_eq!(targets(7), [3, 6, 2, 0, 2, 2, 4, 2]);
    }
}
