//! How do data from outside become RDDs?
//!
//! Owns the readers of text files (`text`) and of ranges of numbers (`numbers`).
//! 1. Files are listed when they are first needed, and read anew by each action.
//! 2. No Python here.
//!
//! Elsewhere: bytes and lines (`source/`).

mod numbers;
mod text;

pub use numbers::Numbers;
pub use text::{Records, Told, Untold, reading_now, stream_files, text_files};
