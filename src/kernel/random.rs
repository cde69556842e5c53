//! The random numbers of the JVM, where Spark's answers depend on them.

/// `java.util.Random`: a 48-bit linear congruential generator.
#[derive(Debug, Clone)]
pub struct JavaRandom {
    state: i64,
}

const MULTIPLIER: i64 = 0x5_DEEC_E66D;
const MASK: i64 = (1 << 48) - 1;

impl JavaRandom {
    /// The generator for a seed.
    pub fn new(seed: i64) -> Self {
        Self { state: (seed ^ MULTIPLIER) & MASK }
    }

    fn next(&mut self, bits: u32) -> i32 {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & MASK;
        (self.state >> (48 - bits)) as i32
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

/// Scala's `hashing.byteswap32`, which spreads small numbers.
pub fn byteswap32(value: i32) -> i32 {
    const GOLDEN: i32 = 0x9e37_75cd_u32 as i32;
    value.wrapping_mul(GOLDEN).swap_bytes().wrapping_mul(GOLDEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_java() {
        let mut random = JavaRandom::new(42);
        let drawn: Vec<i32> = (0..5).map(|_| random.next_int(10)).collect();
        assert_eq!(drawn, [0, 3, 8, 4, 0]);
        assert_eq!(JavaRandom::new(0).next_int(16), 11);
    }
}
