//! Whose folder is it, and what is really in the file that was opened?
//!
//! Owns `Folder`: a checkpoint folder that was opened once. Everything in it is reached by that handle and by a plain name.
//! 1. Links are never followed, and a new file is one that was not there: who may plant names in the folder cannot turn a
//!    write or a read elsewhere.
//! 2. What is checked is the open file and the open folder, never a name; the bytes that are used are those that were read
//!    from the file that was checked.
//! 3. A folder is made for its owner alone (700), and so is a file (600), whatever the umask is.
//! 4. Each call of the system that may take long is noted (`doing.rs`): one that does not return, on a file system that is
//!    gone, is told of.
//! 5. A folder that goes away, or is put aside and comes back is opened anew (`reopen`), by whoever writes, when a write has failed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::files::seal;
use crate::doing::waiting;
use crate::error::{EngineError, Result};

/// Whose files may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Those of this user and of root, if nobody else may write them.
    Own,
    /// All.
    Anybody,
}

/// Which folder it is, by any name.
pub(super) type Place = (u64, u64);

/// Read, written and made by its owner alone.
const FILE: Mode = Mode::RUSR.union(Mode::WUSR);
const STICKY: u32 = 0o1000;
const OTHERS_WRITE: u32 = 0o022;

/// Why a file was not read.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Unread {
    /// Somebody else could have written it.
    #[error("{0}")]
    Untrusted(String),
    /// It is not there, or the disk does not give it.
    #[error("{0}")]
    Failed(String),
}

impl From<Unread> for String {
    fn from(problem: Unread) -> Self {
        problem.to_string()
    }
}

/// A folder, open.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    trust: Trust,
    /// None once it was closed.
    open: Mutex<Option<Arc<OwnedFd>>>,
}

impl Folder {
    /// A folder that is there.
    pub(super) fn open(path: &Path, trust: Trust) -> io::Result<Self> {
        // Found again wherever the program goes.
        let path = std::path::absolute(path)?;
        let open = open_folder(&path, trust)?;
        Ok(Self { path, trust, open: Mutex::new(Some(Arc::new(open))) })
    }

    /// A folder that may have to be made.
    pub(super) fn make(path: &Path, trust: Trust) -> io::Result<Self> {
        make_folder(path)?;
        Self::open(path, trust)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn opened(&self) -> MutexGuard<'_, Option<Arc<OwnedFd>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self) -> Result<Arc<OwnedFd>, Errno> {
        self.opened().clone().ok_or(Errno::BADF)
    }

    /// Nothing is held open any more, and nothing is reached.
    pub(super) fn close(&self) {
        *self.opened() = None;
    }

    /// Opens what is there now under the folder's path, made if need be.
    pub(super) fn reopen(&self) -> io::Result<()> {
        make_folder(&self.path)?;
        let open = Arc::new(open_folder(&self.path, self.trust)?);
        *self.opened() = Some(open);
        Ok(())
    }

    pub(super) fn place(&self) -> io::Result<Place> {
        place_of(&*self.handle()?)
    }

    /// Whether the path still leads to the folder that was opened.
    pub(super) fn is_in_place(&self) -> io::Result<bool> {
        match fs::metadata(&self.path) {
            Ok(found) => Ok((found.dev(), found.ino()) == self.place()?),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(false),
            Err(cause) => Err(cause),
        }
    }

    /// The names that begin so.
    pub(super) fn names(&self, beginning: &str) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in Dir::read_from(&*self.handle()?)? {
            if let Ok(name) = entry?.file_name().to_str()
                && name.starts_with(beginning)
                && !matches!(name, "." | "..")
            {
                found.push(name.to_owned());
            }
        }
        Ok(found)
    }

    /// A new file, to be appended to.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        let flags =
            OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = self.waits("open", name, || Ok(rustix::fs::openat(&*self.handle()?, name, flags, FILE)?))?;
        rustix::fs::fchmod(&file, FILE)?;
        Ok(file.into())
    }

    /// A file that is held open for its lock, made if it is not there.
    pub(super) fn open_lock(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&*self.handle()?, name, flags, FILE)?;
        let found = rustix::fs::fstat(&file)?;
        let refused = |problem| io::Error::new(ErrorKind::PermissionDenied, format!("its file {name}: {problem}"));
        check_file(&found, self.trust).map_err(refused)?;
        Ok(file.into())
    }

    /// A file's bytes, if it may be trusted; else what is wrong.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, Unread> {
        let failed = |cause: io::Error| Unread::Failed(cause.to_string());
        let file = self.open_to_read(name).map_err(|error| match error {
            Errno::LOOP | Errno::MLINK => Unread::Untrusted("it is a link, and no file".into()),
            other => failed(other.into()),
        })?;
        let found = rustix::fs::fstat(&file).map_err(|error| failed(error.into()))?;
        check_file(&found, self.trust).map_err(Unread::Untrusted)?;
        let mut bytes = Vec::new();
        self.waits("read", name, || File::from(file).read_to_end(&mut bytes)).map_err(failed)?;
        Ok(bytes)
    }

    /// A part of a file that this run wrote.
    pub(super) fn read_at(&self, name: &str, at: u64, length: u64) -> io::Result<Vec<u8>> {
        let file: File = self.open_to_read(name)?.into();
        let length = usize::try_from(length).map_err(io::Error::other)?;
        // Not more is allocated than what is there.
        if file.metadata()?.len() < at.saturating_add(length as u64) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; length];
        self.waits("read", name, || file.read_exact_at(&mut bytes, at))?;
        Ok(bytes)
    }

    fn open_to_read(&self, name: &str) -> Result<OwnedFd, Errno> {
        // Without `NONBLOCK` a pipe under the name would keep the reader waiting for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let handle = self.handle()?;
        waiting("open", &self.path.join(name), || rustix::fs::openat(&*handle, name, flags, Mode::empty()))
    }

    /// Whether a file of that name is there. It is opened: a network file system then asks its server.
    pub(super) fn has(&self, name: &str) -> io::Result<bool> {
        match self.open_to_read(name) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// How many bytes a file has; none: it is not there.
    pub(super) fn size(&self, name: &str) -> io::Result<Option<u64>> {
        match rustix::fs::statat(&*self.handle()?, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(found.st_size.cast_unsigned())),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a name is that of a file, and not of a folder, say.
    pub(super) fn is_file(&self, name: &str) -> io::Result<bool> {
        match rustix::fs::statat(&*self.handle()?, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(FileType::from_raw_mode(found.st_mode) == FileType::RegularFile),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a name leads to an open file.
    pub(super) fn is_at(&self, name: &str, file: &File) -> io::Result<bool> {
        let opened = file.metadata()?;
        match rustix::fs::statat(&*self.handle()?, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(place(&found) == (opened.dev(), opened.ino())),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file; it may be gone already.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&*self.handle()?, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes names durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.waits("fsync", "", || Ok(rustix::fs::fsync(&*self.handle()?)?))
    }

    /// Writes a sealed file in place of what has that name: afterwards it is there, whole and for good.
    pub(super) fn write(&self, name: &str, kind: [u8; 4], payload: &[u8]) -> Result<()> {
        let written = || -> io::Result<()> {
            let draft = self.draft(name, kind, payload)?;
            let handle = self.handle()?;
            rustix::fs::renameat(&*handle, &draft, &*handle, name)
                .map_err(|error| self.without(&draft, error.into()))?;
            self.sync()
        };
        written().map_err(EngineError::external(self.path.join(name).display().to_string()))
    }

    /// A sealed file under another name, durable; the answer is that name.
    pub(super) fn draft(&self, name: &str, kind: [u8; 4], payload: &[u8]) -> io::Result<String> {
        // Its own for each process: another one may be at the same name.
        let draft = format!("{name}.{}.draft", std::process::id());
        self.remove(&draft)?;
        let written = self.create(&draft).and_then(|mut file| {
            self.waits("write", name, || file.write_all(&seal(kind, payload)).and_then(|()| file.sync_all()))
        });
        written.map_err(|cause| self.without(&draft, cause))?;
        Ok(draft)
    }

    /// A call of the system that may take long, told of if it does not return.
    pub(super) fn waits<T>(&self, what: &str, name: &str, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        waiting(what, &self.path.join(name), call)
    }

    /// What is left of a draft is in nobody's way, and the error is about what it was for.
    fn without(&self, draft: &str, cause: io::Error) -> io::Error {
        let _ = self.remove(draft);
        cause
    }

    /// Gives a draft a name that nothing has. `AlreadyExists`: something has it, and stays.
    pub(super) fn settle_new(&self, draft: &str, name: &str) -> io::Result<()> {
        let handle = self.handle()?;
        let settled = match rustix::fs::linkat(&*handle, draft, &*handle, name, AtFlags::empty()) {
            // A file system without hard links: the name is taken first, and the file is not whole for a moment.
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => self.create(name).and_then(|mut file| {
                file.write_all(&self.read(draft).map_err(io::Error::other)?)?;
                file.sync_all()
            }),
            linked => linked.map_err(io::Error::from),
        };
        settled.map_err(|cause| self.without(draft, cause))?;
        self.remove(draft)
    }

    /// Removes what an earlier run had not finished to write.
    pub(super) fn remove_drafts(&self) -> io::Result<()> {
        let drafts = self.names("")?.into_iter().filter(|name| name.ends_with(".draft"));
        drafts.into_iter().try_for_each(|name| self.remove(&name))
    }
}

fn place(found: &Stat) -> Place {
    // The types differ between systems.
    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss)]
    (found.st_dev as u64, found.st_ino as u64)
}

fn place_of(open: &OwnedFd) -> io::Result<Place> {
    Ok(place(&rustix::fs::fstat(open)?))
}

/// Makes a folder, and those above it, if it is not there.
fn make_folder(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        fs::create_dir_all(above)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn open_folder(path: &Path, trust: Trust) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let refused = |problem: String| io::Error::new(ErrorKind::PermissionDenied, problem);
    // With a slash at its end a link would be followed all the same.
    let mut bytes = path.as_os_str().as_bytes();
    while let [front @ .., b'/'] = bytes
        && !front.is_empty()
    {
        bytes = front;
    }
    let path = PathBuf::from(<OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes.to_vec()));
    let open = match rustix::fs::openat(CWD, &path, flags | OFlags::NOFOLLOW, Mode::empty()) {
        Ok(open) => open,
        Err(error @ (Errno::LOOP | Errno::NOTDIR | Errno::MLINK)) => {
            let found = fs::symlink_metadata(&path)?;
            if !found.is_symlink() {
                return Err(error.into());
            }
            if trust == Trust::Own && !is_own(found.uid()) {
                return Err(refused(format!("it is a link that another user (number {}) made", found.uid())));
            }
            rustix::fs::openat(CWD, &path, flags, Mode::empty())?
        }
        Err(error) => return Err(error.into()),
    };
    if trust == Trust::Own {
        let found = rustix::fs::fstat(&open)?;
        #[allow(clippy::useless_conversion)] // 16 bits on some systems
        let mode = u32::from(found.st_mode);
        if !is_own(found.st_uid) {
            let whose = found.st_uid;
            return Err(refused(format!("the folder belongs to another user (number {whose}), who could change it")));
        }
        if mode & OTHERS_WRITE != 0 && mode & STICKY == 0 {
            return Err(refused("other users may write to the folder (chmod go-w would end that)".into()));
        }
    }
    Ok(open)
}

fn check_file(found: &Stat, trust: Trust) -> Result<(), String> {
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err("it is no file".into());
    }
    if trust == Trust::Anybody {
        return Ok(());
    }
    if !is_own(found.st_uid) {
        return Err(format!("it belongs to another user (number {}), whose functions would run here", found.st_uid));
    }
    #[allow(clippy::useless_conversion)]
    if u32::from(found.st_mode) & OTHERS_WRITE != 0 {
        return Err("other users may write to it, so its functions may not be this user's".into());
    }
    Ok(())
}

/// Whether a user is this one, or root.
fn is_own(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}
