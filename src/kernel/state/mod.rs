//! How do the states of many keys change from batch to batch, at the cost of the keys that change?
//!
//! Owns `Table`, what is known of one partition's states between batches (where each key is, and which states may still
//! change without new values), and `Working`, a table with the states themselves, as a batch changes them.
//! 1. States are pairs in chunks, in the order in which their keys came. A chunk never changes once it is given away: a
//!    batch replaces the chunks in which something changed and gives away the others again. So each batch's states are a
//!    snapshot, and snapshots share what is equal.
//! 2. A table holds no states and is of use with one snapshot alone, which it knows again by its arrays. Made anew from any
//!    snapshot, it is the same but for what it knows of states that no longer change.
//! 3. Functions come as closures over columns that give None when they have no exact answer. Then the table is spent, and
//!    nothing else has happened.

mod batch;
mod changes;
mod incoming;
mod kinds;
mod mapping;
mod rows;
mod stamps;
mod table;
mod versions;

pub use batch::{Filter, Function};
pub use changes::{Changes, address, changes};
pub use mapping::{ByRow, Ways};
pub use stamps::{unstamped, with_stamps};
pub use table::{Table, Working};
pub use versions::{Versions, View};

#[cfg(test)]
mod tests;
