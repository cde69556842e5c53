//! What survives the end of the process, whenever it comes?
//!
//! Owns the files of a checkpoint folder: checkpoints (`manifest`), the data they name (`chunks`, `reader`), the journal of
//! received blocks and of what each batch takes (`journal`, `replay`), how all of them are written and read back (`keeper`,
//! `recovery`), and who may (`folder`, `owner`, `fencing`). No Python here: objects and classes come and go through `Codec`.
//! 1. Every file, and every record in a file, has a checksum and a version or kind; what does not fit is never used.
//! 2. A checkpoint appears whole or not at all, and names only data that were durable before it appeared. The newest
//!    that is whole counts; the ones before are kept for the day it is damaged.
//! 3. Sizes that are read are compared with what is there before anything is allocated.
//! 4. Folders and files are used only if they belong to this user (or root) and nobody else may write them, unless told
//!    otherwise; what is checked is what is open.
//! 5. A folder has one writer. One that was replaced by another run is told so before anything is acknowledged.
//! 6. Times are milliseconds, UTC since 1970.
//!
//! Elsewhere: when to write (`stream/`), what inputs are (`input/`), what the functions in it are (`py/`).

mod blocks;
mod chunks;
mod delta;
mod fencing;
mod files;
mod folder;
mod frames;
mod journal;
mod keeper;
mod manifest;
mod owner;
mod reader;
mod recovery;
mod replay;
#[cfg(test)]
mod tests;

pub use blocks::{Codec, decode, encode};
pub use chunks::{ChunkId, Chunks};
pub use folder::Trust;
pub use journal::{Journal, Plan, Received};
pub use keeper::{Found, InputFound, Keeper, Snapshot, TablePart};
pub use manifest::{
    DataFile, GraphSpec, InputState, JournalFile, Manifest, NodeKind, NodeSpec, OutputSpec, Program, SavedRdd,
    SavedTable,
};
pub use owner::Locks;
pub use recovery::{Recovery, RestoredInput, RestoredRdd, has_checkpoint};
pub use replay::Replay;
