//! How are files of this machine opened, looked at and read so that nobody is held up in secret? For `fs.rs` alone.
//!
//! 1. Nothing but regular files is opened. To open a FIFO waits for a writer, and some devices never end: such an open
//!    returns at once, and what was opened is looked at.
//! 2. Each call of the system is noted (`doing.rs`): one that does not return, on a file system that is gone, is told of.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::doing::waiting;

/// A regular file that is read.
#[derive(Debug)]
pub struct Opened {
    file: File,
    path: PathBuf,
}

/// Opens a regular file.
pub fn open(path: &Path) -> io::Result<Opened> {
    let mut options = OpenOptions::new();
    // The standard library adds O_CLOEXEC.
    options.read(true).custom_flags(libc::O_NONBLOCK);
    let file = waiting("open", path, || options.open(path))?;
    let opened = Opened { file, path: path.to_owned() };
    let metadata = opened.metadata()?;
    match what_else(&metadata) {
        None => Ok(opened),
        Some(kind) => Err(irregular(kind)),
    }
}

/// What is known of a path, links followed.
pub fn metadata(path: &Path) -> io::Result<Metadata> {
    waiting("stat", path, || fs::metadata(path))
}

/// The entries of a folder.
pub fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    waiting("list", folder, || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect())
}

/// What it is if it is neither a file nor a folder.
pub fn what_else(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    match () {
        () if kind.is_file() => None,
        () if kind.is_dir() => Some("a folder"),
        () if kind.is_fifo() => Some("a FIFO"),
        () if kind.is_socket() => Some("a socket"),
        () => Some("a device"),
    }
}

/// The error of opening what is no regular file.
pub fn irregular(kind: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, format!("{kind} cannot be read as a file: only regular files can"))
}

impl Opened {
    /// What is known of it.
    pub fn metadata(&self) -> io::Result<Metadata> {
        waiting("stat", &self.path, || self.file.metadata())
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        waiting("read", &self.path, || self.file.read(buffer))
    }
}

impl Seek for Opened {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::TempFolder;
    use super::*;

    #[test]
    fn a_fifo_a_folder_and_a_device_are_not_opened_and_do_not_wait() {
        let folder = TempFolder::new();
        let fifo = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        for path in [&fifo, folder.path(), Path::new("/dev/zero")] {
            assert_eq!(open(path).unwrap_err().kind(), ErrorKind::InvalidInput, "{}", path.display());
        }
        open(&folder.file("x", "text")).unwrap();
    }
}
