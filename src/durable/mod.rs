//! What survives the end of the process, whenever it comes?
//!
//! Owns the files of a checkpoint folder: checkpoints (`manifest`), the data they name (`chunks`), the journal of received
//! blocks and of what each batch takes (`journal`), and how all of them are written and read back (`keeper`,
//! `recovery`). No Python here: objects and classes come and go through `Codec`.
//! 1. Every file, and every record in a file, has a checksum and a version or kind; what does not fit is never used.
//! 2. A checkpoint appears whole or not at all, and names only data that were durable before it appeared. The newest
//!    that is whole counts; the ones before are kept for the day it is damaged.
//! 3. Sizes that are read are compared with what is there before anything is allocated.
//! 4. Files are read only if they belong to this user (or root) and nobody else may write them, unless told otherwise.
//! 5. Times are milliseconds, UTC since 1970.
//!
//! Elsewhere: when to write (`stream/`), what the functions in it are (`py/`).

mod blocks;
mod chunks;
mod delta;
mod files;
mod frames;
mod journal;
mod keeper;
mod manifest;
mod recovery;
#[cfg(test)]
mod tests;

pub use blocks::{Codec, decode, encode};
pub use chunks::{ChunkId, Chunks};
pub use files::Trust;
pub use journal::{Journal, PathName, Plan, Received, Replay};
pub use keeper::{Found, InputFound, Keeper, Snapshot, TablePart};
pub use manifest::{GraphSpec, InputState, Manifest, NodeKind, NodeSpec, OutputSpec, Program, SavedRdd, SavedTable};
pub use recovery::{Recovery, RestoredInput, RestoredRdd, has_checkpoint};
