//! Operators over Arrow columns, and the arithmetic that Spark's answers rest on.
//!
//! Pure functions: no Python, no threads, no I/O.

pub mod portable_hash;
pub mod random;
pub mod siphash;
