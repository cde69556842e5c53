//! How do bytes from outside become blocks of lines?
//!
//! Owns text sources: a socket (`SocketLines`, its own thread), text files (`list_inputs`, `splits`, `read_split`) and
//! folders watched for new files (`FileMonitor`); and what all receivers need: where blocks wait (`Intake`), and limits of
//! how fast they come (`Rate`). Depends on `block` and on the crate's errors; no Python, no batches.
//! 1. A line ends at "\n", "\r" or "\r\n", as `java.io.BufferedReader.readLine` has it; invalid UTF-8 becomes U+FFFD
//!    as in Java (`utf8.rs`).
//! 2. Lines are Arrow views into the received bytes: a line is looked at once and never copied on its own.
//! 3. Files of the program are reached through `fs::FileSystem` alone.
//! 4. Nothing here prints: a warning goes to the function that the caller hands in.
//!
//! Elsewhere: when a batch asks for its blocks (`stream/`), how a task reads its split (`exec/`).

pub mod files;
pub mod fs;
pub mod intake;
pub mod lines;
pub mod rate;
pub mod reading;
pub mod rows;
pub mod socket;
pub mod text;
pub mod utf8;
pub mod zstd;

mod compressed;
mod counted;
mod glob;
mod open;
mod paths;
mod records;
#[cfg(test)]
mod testing;
mod views;

pub use counted::counted_pieces;
pub use files::{FileMonitor, FileMonitorSpec, is_hidden};
pub use intake::{BlockLog, Encoded, Intake, Room, Taken};
pub use lines::{LineCutter, Progress};
pub use paths::matching;
pub use rate::{Allowance, Rate};
pub use reading::{Api, Reading};
pub use rows::{RecordBlocks, Shape};
pub use socket::{Notice, Notify, SocketLines, SocketSpec, Warn};
pub use text::{InputFile, Split, list_inputs, read_split, splits};
