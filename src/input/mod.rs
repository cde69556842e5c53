//! How does a stream get its data: which records does a batch have, and how does a restart go on?
//!
//! Owns `Source`, what all inputs of a stream have in common, a file for each kind (`queue`, `files`, `socket`, and `receiver`
//! for whatever is pushed); `Registry`, which makes sources of what a checkpoint says; and `Inputs`, all sources of a stream
//! at work. Owns the readers of text files (`text`) and of ranges of numbers (`numbers`), too.
//!
//! The plan of a batch says for each input what the batch has of it: a *range*, which is data of the source's own. There
//! are two families of sources:
//! - Records that **can be asked for again** by their position: `files`, `queue`. A range says where they are, so the batch can
//!   be made as often as need be. The range is durable before the outputs of its batch run, or follows from the place that
//!   the checkpoint has. Nothing is lost and nothing is read twice.
//! - Records that **come once**: `receiver`, which sockets and receivers are. A range says up to which block a batch took
//!   them. With the log (`replay`) blocks are durable before a batch can take them, and come again; without it, those of
//!   batches that are not complete are lost with the process.
//!
//! 1. Times are milliseconds, UTC since 1970. An input is known by the number of its node.
//! 2. A batch that an earlier run planned gets the ranges that it had then.
//! 3. What others have is handed in (`Host`). No Python here: what a program wrote comes as a `Feed` or a `Source`.
//! 4. No source is called while a lock of `Inputs` is held.
//!
//! Elsewhere: bytes and lines (`source/`), files of checkpoints (`durable/`), when a batch begins and ends (`stream/`).

mod erased;
mod files;
mod inbox;
mod inputs;
mod numbers;
mod plans;
mod queue;
mod receiver;
mod registry;
mod replay;
mod socket;
mod source;
#[cfg(test)]
mod tests;
mod text;

pub use erased::AnySource;
pub use files::Files;
pub use inbox::{Cut, Inbox};
pub use inputs::Inputs;
pub use numbers::Numbers;
pub use plans::{Left, Plans};
pub use queue::Queue;
pub use receiver::{Feed, Opening, Received};
pub use registry::{Found, Registry, settings_of};
pub use socket::SocketFeed;
pub use source::{Described, Host, Moment, Range, Saved, Source, Start, When};
pub use text::{Dealt, Records, Told, Untold, reading_now, stream_files, text_files, text_pieces};
