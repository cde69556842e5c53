//! Which file system is a path on, and what is asked of one?
//!
//! Owns `FileSystem`, all that readers and watches need, and the local one. Whoever lists, opens or looks at files of the
//! program goes through it, so another file system is one more implementation, and a line in `of`.
//! 1. A file is read forwards, from an offset: stores of objects can do no more.
//! 2. What is written appears whole or not at all.
//!
//! Elsewhere: which paths there are (`paths.rs`), how the system is called (`open.rs`).

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::open;
pub use super::open::irregular;
use crate::doing::waiting;

/// A file that is read from some place on.
pub type Opened = Box<dyn Read + Send>;

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Something that is not read: in words.
    Other(&'static str),
}

/// What is known of a path, links followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// What it is.
    pub kind: Kind,
    /// Its length in bytes.
    pub length: u64,
    /// When it changed: milliseconds since 1970, rounded down; 0 where nobody tells.
    pub changed_ms: i64,
}

impl Known {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.kind == Kind::Folder
    }

    /// What it is if it is neither a file nor a folder.
    pub fn what_else(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Other(kind) => Some(kind),
            Kind::File | Kind::Folder => None,
        }
    }
}

/// An entry of a folder, and what is known of it: it may have gone since it was listed.
#[derive(Debug)]
pub struct Entry {
    /// Its path.
    pub path: PathBuf,
    /// What is known.
    pub known: io::Result<Known>,
}

/// A file system.
pub trait FileSystem: Send + Sync {
    /// The paths in a folder, in the order of the system.
    fn names(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;

    /// The same with what is known of each.
    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        let entry = |path: PathBuf| Entry { known: self.look(&path), path };
        Ok(self.names(folder)?.into_iter().map(entry).collect())
    }

    /// What is known of a path.
    fn look(&self, path: &Path) -> io::Result<Known>;

    /// A regular file, from `offset` on.
    fn open(&self, path: &Path, offset: u64) -> io::Result<Opened>;

    /// A whole file, in the place of what may be there.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
}

/// The file system of a path. Paths come from `paths.rs`, which refuses all but local ones.
pub fn of(_path: &Path) -> &'static dyn FileSystem {
    &Local
}

/// The content of a whole file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    of(path).open(path, 0)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// This machine's.
struct Local;

impl FileSystem for Local {
    fn names(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        open::entries(folder)
    }

    fn look(&self, path: &Path) -> io::Result<Known> {
        let metadata = open::metadata(path)?;
        let kind = match open::what_else(&metadata) {
            None => Kind::File,
            Some(_) if metadata.is_dir() => Kind::Folder,
            Some(kind) => Kind::Other(kind),
        };
        let changed_ms = milliseconds(metadata.modified().unwrap_or(UNIX_EPOCH));
        Ok(Known { kind, length: metadata.len(), changed_ms })
    }

    fn open(&self, path: &Path, offset: u64) -> io::Result<Opened> {
        let mut file = open::open(path)?;
        if offset > 0 {
            file.seek(SeekFrom::Start(offset))?;
        }
        Ok(Box::new(file))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let name = path.file_name().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "a path without a name"))?;
        let mut draft = std::ffi::OsString::from(".");
        draft.push(name);
        draft.push(format!(".{}.draft", std::process::id()));
        let draft = path.with_file_name(draft);
        let written = waiting("write", &draft, || {
            let mut file = File::create(&draft)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&draft, path)
        });
        if written.is_err() {
            // What is left of it is of no use; why it failed counts.
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

/// Milliseconds since 1970, rounded down.
fn milliseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::TempFolder;
    use super::*;

    #[test]
    fn a_file_is_read_from_an_offset_and_listed_with_its_time() {
        let folder = TempFolder::new();
        let path = folder.file("x", "0123456789");
        folder.file("inner/y", "");
        let changed = UNIX_EPOCH + Duration::from_micros(5_000_900);
        File::options().write(true).open(&path).unwrap().set_modified(changed).unwrap();
        let system = of(folder.path());
        let mut rest = String::new();
        system.open(&path, 7).unwrap().read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "789");
        let mut found = system.list(folder.path()).unwrap();
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let known: Vec<_> = found.into_iter().map(|entry| entry.known.unwrap()).collect();
        assert!(known[0].is_folder() && !known[1].is_folder());
        assert_eq!(known[1], Known { kind: Kind::File, length: 10, changed_ms: 5000 });
        assert_eq!(system.look(Path::new("/dev/null")).unwrap().what_else(), Some("a device"));
    }

    #[test]
    fn a_file_is_written_whole_or_what_was_there_stays() {
        let folder = TempFolder::new();
        let path = folder.file("x", "before");
        let system = of(&path);
        system.write(&path, b"after").unwrap();
        assert_eq!(read(&path).unwrap(), b"after");
        system.write(&folder.path().join("nowhere/x"), b"lost").unwrap_err();
        // A folder is in the place: the draft goes.
        folder.file("taken/inside", "");
        system.write(&folder.path().join("taken"), b"lost").unwrap_err();
        let mut names: Vec<_> = system.names(folder.path()).unwrap();
        names.sort();
        assert_eq!(names, [folder.path().join("taken"), path]);
    }

    #[test]
    fn times_before_1970_are_rounded_down_too() {
        assert_eq!(milliseconds(UNIX_EPOCH - Duration::from_nanos(1)), -1);
        assert_eq!(milliseconds(UNIX_EPOCH + Duration::from_nanos(1_999_999)), 1);
    }
}
