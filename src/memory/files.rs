//! Where are the files of spilled blocks?
//!
//! 1. The folders belong to this process and are asked for when the first file is needed. Whoever gives them removes
//!    them at exit, and those of dead processes at the next start (`dstreams/core/engine/localdirs.py`).
//! 2. A file is removed when nobody needs it any more, by the process that made it alone: forked children have copies of
//!    what refers to it.
//! 3. Files are for their owner alone (600), and links are not followed.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Mode, OFlags};

use crate::error::{EngineError, Result};
use crate::process::Origin;

type Claim = Box<dyn Fn() -> Result<Vec<PathBuf>> + Send + Sync>;

/// The folders for spilled blocks; files are dealt out to them in turn.
pub struct Folders {
    claim: Claim,
    claimed: OnceLock<Vec<PathBuf>>,
    next: AtomicU64,
}

impl Folders {
    /// `claim` makes the folders; it may be called more than once, and then gives the same ones.
    pub fn new(claim: impl Fn() -> Result<Vec<PathBuf>> + Send + Sync + 'static) -> Self {
        Self { claim: Box::new(claim), claimed: OnceLock::new(), next: AtomicU64::new(0) }
    }

    /// For a budget without bounds, which writes nothing.
    pub fn nowhere() -> Self {
        Self::new(|| Err(EngineError::Bug("there is no folder to spill to".to_owned())))
    }

    /// A new file, empty.
    pub(super) fn create(&self) -> Result<(SpillFile, File)> {
        let folders = match self.claimed.get() {
            Some(folders) => folders,
            // Not within the cell: claiming may need the interpreter, and others would wait for it.
            None => {
                let claimed = (self.claim)()?;
                self.claimed.get_or_init(|| claimed)
            }
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let folder = folders.get(number as usize % folders.len().max(1));
        let folder = folder.ok_or_else(|| EngineError::Bug("no folder to spill to was claimed".to_owned()))?;
        let path = folder.join(format!("{number}.spill"));
        // New and for this user alone, whatever is planted under its name and whatever the umask is.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file =
            rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR).map_err(|error| lost(&path, error.into()))?;
        let file = File::from(file);
        Ok((SpillFile { path, origin: Origin::here() }, file))
    }
}

impl fmt::Debug for Folders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Folders({:?})", self.claimed.get())
    }
}

/// A file of spilled blocks, removed when dropped.
#[derive(Debug)]
pub(super) struct SpillFile {
    path: PathBuf,
    origin: Origin,
}

impl SpillFile {
    /// Writes `bytes` at the end of the open file.
    pub fn write_all(&self, file: &mut impl Write, bytes: &[u8]) -> Result<()> {
        file.write_all(bytes).map_err(|cause| lost(&self.path, cause))
    }

    /// Hands everything to the system.
    pub fn flush(&self, file: &mut impl Write) -> Result<()> {
        file.flush().map_err(|cause| lost(&self.path, cause))
    }

    /// `length` bytes from `offset`.
    pub fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let read = || -> io::Result<Vec<u8>> {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut file = File::from(rustix::fs::open(&self.path, flags, Mode::empty())?);
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = vec![0; length];
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|cause| self.damaged(cause))
    }

    /// What was read is not what was written.
    pub fn damaged(&self, cause: io::Error) -> EngineError {
        let path = self.path.display();
        let context = format!("data spilled to {path} is gone or damaged; was its folder cleaned while it was in use?");
        EngineError::External { context, cause }
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        if self.origin.is_here() {
            // A file that is gone already needs no removal, and what cannot be removed now goes with its folder.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

fn lost(path: &Path, cause: io::Error) -> EngineError {
    let path = path.display();
    let advice = "is the disk full, or the folder gone? spark.local.dir names folders with room";
    EngineError::External { context: format!("cannot spill to {path} ({advice})"), cause }
}
