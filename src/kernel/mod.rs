//! Operators over Arrow columns, and the arithmetic that Spark's answers rest on.
//!
//! Pure functions and tables: no Python, no threads, no I/O. What Python would do otherwise than columns can (NaN as a key,
//! an int beyond 64 bits, values of several kinds) is refused, never approximated; the caller then asks Python.

pub mod distinct;
mod encode;
pub mod fold;
pub mod gather;
pub mod join;
pub mod keys;
pub mod mersenne;
mod numbering;
pub mod portable_hash;
pub mod random;
pub mod regex;
pub mod siphash;
pub mod sort;
pub mod state;
pub mod stats;
mod texts;
pub mod top;
pub mod weigh;
