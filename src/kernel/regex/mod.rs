//! What of a text does a regular expression match, and where are its groups?
//!
//! Backtracking over ASCII text, as CPython's `re` does it: ways are tried in the order that the pattern gives, and the first
//! that matches counts.
//! 1. A text is ASCII, so a byte is a character; the caller sees to that.
//! 2. A pattern is a tree of `Piece`s. Which of Python's have such a form is decided where they are read, in
//!    `python/dstreams/udf/regexes.py`.
//! 3. All matching has a `Budget` of steps, about one a character. A pattern that takes more, since ways multiply, ends as
//!    `Exhausted`, so nothing runs for long.

mod code;
mod run;
mod search;
mod set;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use run::{Budget, Exhausted, Scratch};
pub use search::{How, Regex};

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Piece {
    /// One character of these: bits 0 to 63 and 64 to 127.
    Set([u64; 2]),
    /// One after the other.
    Seq(Vec<Piece>),
    /// The first of these that matches, and the rest of the pattern with it.
    Or(Vec<Piece>),
    /// The same several times.
    Repeat {
        /// What is repeated.
        of: Box<Piece>,
        /// How often at least.
        least: u32,
        /// How often at most, if there is a limit.
        most: Option<u32>,
        /// Whether more is tried before less.
        greedy: bool,
    },
    /// What is remembered as a group; the first has number 1.
    Group(u32, Box<Piece>),
    /// Nothing, at certain places.
    At(Place),
}

/// A place between characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Place {
    /// Where the text begins.
    Begin,
    /// Where it ends.
    End,
    /// Where it ends, or before a newline that ends it.
    LastEnd,
    /// Where a line begins.
    LineBegin,
    /// Where a line ends.
    LineEnd,
    /// Between a character of a word and what is none.
    Boundary,
}

impl Place {
    /// The place that the reader names so.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "begin" => Self::Begin,
            "end" => Self::End,
            "last_end" => Self::LastEnd,
            "line_begin" => Self::LineBegin,
            "line_end" => Self::LineEnd,
            "boundary" => Self::Boundary,
            _ => return None,
        })
    }
}

/// A pattern as data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pattern {
    /// As it is written.
    pub source: String,
    /// What it matches.
    pub piece: Piece,
    /// How many groups it has.
    pub groups: u32,
}
