//! How does a file appear whole or not at all, and whose files are read?
//!
//! 1. A sealed file is an envelope (magic, kind, version, length, checksum) around bytes. It is written beside its place,
//!    synced, renamed, and the folder is synced: after a crash there is the old file, or the new one.
//! 2. Drafts that a crash left behind end in `.draft` and are removed by the next run.
//! 3. Files are readable by their owner alone.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{EngineError, Result};

const MAGIC: &[u8; 8] = b"dstreams";
const VERSION: u32 = 1;
const HEAD: usize = 8 + 4 + 4 + 8 + 4;

/// Whose files may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Those of this user and of root, if nobody else may write them.
    Own,
    /// All.
    Anybody,
}

/// The checksum of bytes.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// Bytes in an envelope.
pub(super) fn seal(kind: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + payload.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&kind);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&checksum(payload).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The bytes of an envelope, or what is wrong with it.
pub(super) fn unseal(kind: [u8; 4], bytes: &[u8]) -> Result<&[u8], String> {
    if !bytes.iter().zip(MAGIC.iter().chain(&kind)).all(|(found, wanted)| found == wanted) {
        return Err("it was not written by dstreams, or is damaged".into());
    }
    let (head, payload) = bytes.split_at_checked(HEAD).ok_or("it is cut short")?;
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if word(12) != VERSION {
        return Err(format!("it has format {}, and this version of dstreams reads format {VERSION}", word(12)));
    }
    let length = u64::from(word(16)) | u64::from(word(20)) << 32;
    if length != payload.len() as u64 {
        return Err("it is cut short, or too long".into());
    }
    if checksum(payload) != word(24) {
        return Err("its checksum does not fit".into());
    }
    Ok(payload)
}

/// Writes a sealed file: afterwards it is there, whole and for good.
pub(super) fn write(path: &Path, kind: [u8; 4], payload: &[u8]) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".draft");
    let draft = Path::new(&name);
    let written = || -> io::Result<()> {
        let mut file = private().create(true).truncate(true).open(draft)?;
        file.write_all(&seal(kind, payload))?;
        file.sync_all()?;
        fs::rename(draft, path)?;
        sync_folder(path.parent().unwrap_or(Path::new(".")))
    };
    written().map_err(|cause| {
        // What is left of it is in nobody's way, and the error is about the file itself.
        let _ = fs::remove_file(draft);
        EngineError::External { context: path.display().to_string(), cause }
    })
}

/// How files are opened for writing.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// Makes names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A file's bytes, if it may be trusted; else what is wrong.
pub(super) fn read(path: &Path, trust: Trust) -> Result<Vec<u8>, String> {
    check(path, trust)?;
    fs::read(path).map_err(|cause| cause.to_string())
}

fn check(path: &Path, trust: Trust) -> Result<(), String> {
    let found = fs::metadata(path).map_err(|cause| cause.to_string())?;
    if !found.is_file() {
        return Err("it is no file".into());
    }
    if trust == Trust::Anybody {
        return Ok(());
    }
    let me = own_user();
    if found.uid() != 0 && me.is_some_and(|me| found.uid() != me) {
        return Err(format!("it belongs to another user (number {}), whose functions would run here", found.uid()));
    }
    if found.mode() & 0o022 != 0 {
        return Err("other users may write to it, so its functions may not be this user's".into());
    }
    Ok(())
}

/// The user of this process.
fn own_user() -> Option<u32> {
    fs::metadata("/proc/self").ok().map(|found| found.uid())
}

/// Makes a checkpoint folder, removes drafts in it, and finds out whether it can be written.
pub(super) fn prepare(folder: &Path) -> Result<()> {
    let context = || format!("the checkpoint folder {}", folder.display());
    fs::create_dir_all(folder).map_err(EngineError::external(context()))?;
    for entry in fs::read_dir(folder).map_err(EngineError::external(context()))? {
        let path = entry.map_err(EngineError::external(context()))?.path();
        if path.extension() == Some(OsStr::new("draft")) {
            fs::remove_file(&path).map_err(EngineError::external(context()))?;
        }
    }
    Ok(())
}
