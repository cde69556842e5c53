//! What do Hadoop's settings, and Spark's own, say about reading files?
//!
//! Plain data, with their defaults; the names of the settings are the Python side's.

use std::io::{self, ErrorKind};
use std::sync::Arc;

/// Block size of Hadoop's local file system, in bytes: no split is larger, but for the slop.
const LOCAL_BLOCK: u64 = 32 << 20;

/// Which of Hadoop's two interfaces reads: they differ in how they cut files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `org.apache.hadoop.mapred`: cuts into about so many splits.
    Older(usize),
    /// `org.apache.hadoop.mapreduce`: cuts only what is larger than a block.
    Newer,
}

/// How files are listed, cut into splits, and splits into records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What ends a record; without it, the ends of lines.
    pub delimiter: Option<Arc<[u8]>>,
    /// Records of so many bytes or more, their ends included, are left out.
    pub longest: Option<u32>,
    /// Whether the folders in a folder are read, too.
    pub recursive: bool,
    /// Whether the folders in a folder are passed over instead of being an error, if they are not read.
    pub passes_folders: bool,
    /// Splits have at least so many bytes.
    pub least_split: u64,
    /// Splits have at most so many bytes, with the newer interface.
    pub most_split: u64,
    /// Bytes of a block of the file system.
    pub block: u64,
    /// Whether inputs that are not there are no error: neither when they are listed, nor when they went away since.
    pub skips_missing: bool,
    /// Whether a file that cannot be read any further ends there.
    pub skips_corrupt: bool,
    /// Whether splits without bytes count.
    pub keeps_empty: bool,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            delimiter: None,
            longest: None,
            recursive: false,
            passes_folders: false,
            least_split: 1,
            most_split: u64::MAX,
            block: LOCAL_BLOCK,
            skips_missing: false,
            skips_corrupt: false,
            keeps_empty: false,
        }
    }
}

impl Reading {
    /// Whether records are lines of any length.
    pub fn is_plain(&self) -> bool {
        self.delimiter.is_none() && self.longest.is_none()
    }

    /// Whether such a failure ends a file instead of the task that reads it.
    pub(super) fn passes_over(&self, cause: &io::Error) -> bool {
        match cause.kind() {
            // Java says of a file that may not be read that it is not found.
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied => self.skips_missing,
            // What no file of this kind could be read for.
            ErrorKind::Unsupported => false,
            _ => self.skips_corrupt,
        }
    }

    /// How large splits may be, in bytes, of files with `total` bytes.
    pub(super) fn split_size(&self, api: Api, total: u64) -> u64 {
        let most = match api {
            Api::Older(least) => total / (least.max(1) as u64),
            Api::Newer => self.most_split,
        };
        most.min(self.block).max(self.least_split).max(1)
    }
}
