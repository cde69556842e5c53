//! How many distinct keys are among many rows, judged by the first of them?
//!
//! As if each row drew one of so many keys, all alike. Where some keys are more frequent than others, later rows bring more
//! new keys than that says: so what is said of data whose keys nearly all differ is not too much.

/// The first rows, and the distinct keys among them.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// How many rows; at least one.
    pub rows: usize,
    /// How many keys.
    pub keys: usize,
}

impl Seen {
    /// Whether nearly all were new.
    pub fn mostly_new(self) -> bool {
        self.keys * 4 > self.rows * 3
    }

    /// How many keys there are to draw from, of which nearly all rows drew one that was new.
    fn pool(self) -> f64 {
        // Each pair of rows draws the same key once in so many times.
        let (rows, again) = (self.rows as f64, self.rows.saturating_sub(self.keys).max(1) as f64);
        rows * rows / (2.0 * again)
    }

    /// About how many keys `rows` rows have, of which these were the first.
    pub fn keys_in(self, rows: usize) -> usize {
        let pool = self.pool();
        ((pool * (1.0 - (-(rows as f64) / pool).exp())) as usize).clamp(self.keys, rows.max(self.keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws keys by a simple generator.
    fn drawn(rows: usize, keys: u64) -> usize {
        let (mut state, mut seen) = (7_u64, std::collections::HashSet::new());
        for _ in 0..rows {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seen.insert((state >> 33) % keys);
        }
        seen.len()
    }

    #[test]
    fn what_the_first_rows_say_is_nearly_true_of_more() {
        for (keys, rows) in [(10_000, 25_000), (50_000, 25_000), (50_000, 200_000), (1_000_000, 100_000)] {
            let seen = Seen { rows: 2048, keys: drawn(2048, keys) };
            assert!(seen.mostly_new());
            let (said, truth) = (seen.keys_in(rows) as f64, drawn(rows, keys) as f64);
            assert!((said / truth - 1.0).abs() < 0.25, "{said} of {truth} for {rows} rows of {keys} keys");
        }
    }

    #[test]
    fn what_was_seen_bounds_what_is_said() {
        let all_new = Seen { rows: 100, keys: 100 };
        assert_eq!(all_new.keys_in(100), 100);
        assert!((101..=1000).contains(&all_new.keys_in(1000)));
        assert!(!Seen { rows: 100, keys: 75 }.mostly_new());
    }
}
