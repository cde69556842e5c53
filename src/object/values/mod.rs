//! Python values as the engine has them: as columns, as programs, by their hash and weight.
//!
//! Nothing here runs a function of the program, or keeps anything: each file is asked for one thing of values that are there.

pub(crate) mod classes;
pub(crate) mod convert;
pub(crate) mod hash;
mod pattern;
pub(crate) mod program;
mod text;
pub(crate) mod travel;
pub(crate) mod weigh;
