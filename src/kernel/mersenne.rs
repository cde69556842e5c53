//! The random numbers of Python's `random.Random`, where answers depend on them: which rows does a sample hold?

use rand_mt::Mt;

/// `random.Random(seed)`.
pub struct PythonRandom(Mt);

impl PythonRandom {
    /// The generator that `random.Random(seed)` begins with.
    pub fn new(seed: i64) -> Self {
        let seed = seed.unsigned_abs();
        let (low, high) = (seed as u32, (seed >> 32) as u32);
        let key: &[u32] = if high == 0 { &[low] } else { &[low, high] };
        Self(Mt::new_with_key(key.iter().copied()))
    }

    /// `random()`: a number in `[0, 1)` with 53 bits.
    #[inline]
    pub fn random(&mut self) -> f64 {
        let (high, low) = (self.0.next_u32() >> 5, self.0.next_u32() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// `randint(0, 1)`: draws two bits until they are below two.
    pub fn coin(&mut self) -> u32 {
        loop {
            let bits = self.0.next_u32() >> 30;
            if bits < 2 {
                return bits;
            }
        }
    }
}

/// The random numbers of one partition of a sample, as `RDDSamplerBase` draws them.
pub fn of_partition(seed: i64, partition: usize) -> PythonRandom {
    let mut random = PythonRandom::new(seed ^ partition as i64);
    for _ in 0..10 {
        random.coin();
    }
    random
}

#[cfg(test)]
mod tests {
    use super::*;

    // Printed by Python 3.11.
    const LARGE_SEED: f64 = 0.31036222241287226;
    const COINS: [u32; 12] = [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1];

    #[test]
    fn numbers_are_those_of_python() {
        // python -c "import random; r = random.Random(7); print([r.random() for _ in range(3)])"
        let mut random = PythonRandom::new(7);
        assert_eq!(
            [random.random(), random.random(), random.random()],
            [0.32383276483316237, 0.15084917392450192, 0.6509344730398537]
        );
        let mut random = PythonRandom::new(-(1 << 40) - 12345);
        assert_eq!(random.random(), LARGE_SEED);
        let mut random = PythonRandom::new(3);
        let coins: Vec<u32> = (0..12).map(|_| random.coin()).collect();
        assert_eq!(coins, COINS);
    }
}
