//! Which lines of which text files does each partition of `textFile` hold?
//!
//! Owns what Hadoop's `TextInputFormat` (old API) does on the local file system: listing, splitting, reading a split.
//! 1. A line belongs to the split in which it begins; one that begins exactly at a split's end belongs to that split,
//!    not to the next. So each line is in one split, whatever the cuts.
//! 2. A "\r\n" on a border is one line end. A byte order mark at the start of a file is not text.
//! 3. Glob matches come sorted by path, the files of a folder as the system lists them; names with a leading `_` or `.`
//!    are left out.
//!
//! Elsewhere: how many partitions are asked for (`rdd/`), the cut itself (`lines.rs`).

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::StringViewArray;
use memchr::memchr2;
use serde::{Deserialize, Serialize};

use super::compressed::{Codec, codec_of};
use super::files::is_hidden;
use super::fs::{self, Known};
use super::lines::{HIGHEST_MAX_LINE, LineCutter};
use super::reading::{Api, Reading};
use super::{glob, paths};
use crate::block::{Block, Columns, Kind};
use crate::error::{EngineError, Result};

/// The last split of a file may be larger than the others by this factor.
const SPLIT_SLOP: f64 = 1.1;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Absolute path.
    pub path: PathBuf,
    /// Length in bytes when it was listed.
    pub len: u64,
}

/// A range of a file: what one partition reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Absolute path.
    pub path: PathBuf,
    /// First byte.
    pub start: u64,
    /// Number of bytes; 0 for an empty file.
    pub length: u64,
}

/// The files that a list with commas names: paths (`file:` or none), patterns, folders.
pub fn list_inputs(spec: &str, reading: &Reading) -> Result<Vec<InputFile>> {
    let mut found = Vec::new();
    for entry in paths::split_list(spec) {
        for (path, known) in named_by(entry)? {
            if known.is_folder() {
                list_folder(&path, reading.recursive, &mut found)?;
            } else {
                found.push((path, known));
            }
        }
    }
    if reading.passes_folders {
        found.retain(|(_, known)| !known.is_folder());
    }
    // Only now, as Hadoop does: a missing path is reported before a folder in the wrong place.
    found.into_iter().map(|(path, known)| as_input(path, known)).collect()
}

/// Cuts files into splits, as an interface of Hadoop does.
pub fn splits(inputs: &[InputFile], reading: &Reading, api: Api) -> Vec<Split> {
    let size = reading.split_size(api, inputs.iter().map(|input| input.len).sum());
    let mut result = Vec::new();
    for input in inputs {
        let mut remaining = input.len;
        let mut push = |start, length| result.push(Split { path: input.path.clone(), start, length });
        let divisible = codec_of(&input.path).is_none_or(Codec::is_divisible);
        while divisible && remaining as f64 / size as f64 > SPLIT_SLOP {
            push(input.len - remaining, size);
            remaining -= size;
        }
        if remaining > 0 || input.len == 0 {
            push(input.len - remaining, remaining);
        }
    }
    if !reading.keeps_empty {
        result.retain(|split| split.length > 0);
    }
    result
}

/// The lines of a split; of one that may end where it cannot be read any further, those that were whole by then.
pub fn read_split(split: &Split, reading: &Reading) -> Result<Block> {
    let mut cutter = LineCutter::new(HIGHEST_MAX_LINE);
    let cut = match codec_of(&split.path) {
        None => cut_split(split, &mut cutter),
        Some(codec) => cut_compressed(split, codec, reading.skips_corrupt, &mut cutter),
    };
    let dropped = match cut {
        Err(cause) if reading.passes_over(&cause) => 0,
        other => other.map_err(|cause| unreadable(&split.path, cause))?,
    };
    if dropped > 0 {
        let path = paths::display(&split.path);
        return Err(paths::invalid(format!("{path} has a line longer than {HIGHEST_MAX_LINE} bytes")));
    }
    Ok(cutter.take().unwrap_or_else(empty))
}

/// Feeds the bytes from `start` up to the first line end at `start + length` or later. Gives the number of dropped lines.
fn cut_split(split: &Split, cutter: &mut LineCutter) -> io::Result<usize> {
    let mut file = fs::of(&split.path).open(&split.path, split.start)?;
    let (mut inside, mut start) = (split.length, Vec::new());
    if split.start > 0 {
        // It began before `start`, or exactly there: either way it belongs to the split before.
        cutter.skip_line();
    } else {
        let read = Read::by_ref(&mut file).take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut start)?;
        if start == BYTE_ORDER_MARK {
            inside = inside.saturating_sub(read as u64);
            start.clear();
        }
    }
    let mut file = start.chain(file);
    let dropped = feed_all(&mut Read::by_ref(&mut file).take(inside), cutter)?;
    Ok(dropped + finish_last_line(&mut file, cutter)?)
}

/// Feeds all lines of a compressed file; they belong to the split at its start, whichever others there are.
fn cut_compressed(split: &Split, codec: Codec, may_be_cut: bool, cutter: &mut LineCutter) -> io::Result<usize> {
    if split.start > 0 {
        return Ok(0);
    }
    let mut text = codec.reader(fs::of(&split.path).open(&split.path, 0)?, may_be_cut)?;
    let mut start = Vec::new();
    Read::by_ref(&mut text).take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut start)?;
    let mut dropped = 0;
    if start != BYTE_ORDER_MARK {
        dropped += cutter.feed(&start).dropped;
    }
    dropped += feed_all(&mut text, cutter)?;
    cutter.finish();
    Ok(dropped)
}

/// Feeds what a reader gives until its end. Gives the number of dropped lines.
fn feed_all(reader: &mut impl Read, cutter: &mut LineCutter) -> io::Result<usize> {
    let mut dropped = 0;
    loop {
        match cutter.read_from(reader) {
            Ok(progress) if progress.bytes == 0 => return Ok(dropped),
            Ok(progress) => dropped += progress.dropped,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}

/// Feeds up to and including the next line end: the rest of the line on the split's end.
fn finish_last_line(file: &mut impl Read, cutter: &mut LineCutter) -> io::Result<usize> {
    let mut dropped = 0;
    let mut piece = [0; 8 << 10];
    loop {
        let count = match file.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
            Err(cause) => return Err(cause),
        };
        if let Some(end) = memchr2(b'\n', b'\r', &piece[..count]) {
            return Ok(dropped + cutter.feed(&piece[..=end]).dropped);
        }
        dropped += cutter.feed(&piece[..count]).dropped;
    }
    cutter.finish();
    Ok(dropped)
}

/// The files and folders that one entry of the list names.
fn named_by(entry: &str) -> Result<Vec<(PathBuf, Known)>> {
    let pattern = paths::local(entry)?;
    if glob::is_glob(&pattern) {
        let mut found = glob::expand(&pattern).map_err(paths::invalid)?;
        found.retain(|path| !is_hidden_path(path));
        if found.is_empty() {
            return Err(paths::invalid(format!("Input Pattern file:{pattern} matches 0 files")));
        }
        return Ok(found
            .into_iter()
            .filter_map(|path| fs::of(&path).look(&path).ok().map(|known| (path, known)))
            .collect());
    }
    let path = PathBuf::from(glob::unescape(&pattern));
    if is_hidden_path(&path) {
        // Hadoop filters the last name even of a plain path, and then finds nothing.
        return Err(EngineError::MissingInput { path: paths::display(&path) });
    }
    let known = fs::of(&path).look(&path).map_err(|cause| unreadable(&path, cause))?;
    Ok(vec![(path, known)])
}

fn list_folder(folder: &Path, recursive: bool, found: &mut Vec<(PathBuf, Known)>) -> Result<()> {
    for fs::Entry { path, known } in fs::of(folder).list(folder).map_err(|cause| unreadable(folder, cause))? {
        if is_hidden_path(&path) {
            continue;
        }
        match known {
            Ok(known) if recursive && known.is_folder() => list_folder(&path, true, found)?,
            Ok(known) => found.push((path, known)),
            // It went away since it was listed.
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            Err(cause) => return Err(unreadable(&path, cause)),
        }
    }
    Ok(())
}

fn as_input(path: PathBuf, known: Known) -> Result<InputFile> {
    if known.is_folder() {
        return Err(EngineError::Refused {
            class: "java.io.IOException",
            problem: format!(
                "Path: {} is a directory, which is not supported by the record reader when \
                 `mapreduce.input.fileinputformat.input.dir.recursive` is false.",
                path.display()
            ),
        });
    }
    match known.what_else() {
        Some(kind) => Err(EngineError::External { context: paths::display(&path), cause: fs::irregular(kind) }),
        None => Ok(InputFile { path, len: known.length }),
    }
}

fn is_hidden_path(path: &Path) -> bool {
    path.file_name().is_some_and(|name| is_hidden(&name.to_string_lossy()))
}

pub(super) fn unreadable(path: &Path, cause: io::Error) -> EngineError {
    let path = paths::display(path);
    match cause.kind() {
        // A path through a file is as missing as one through nothing.
        ErrorKind::NotFound | ErrorKind::NotADirectory => EngineError::MissingInput { path },
        _ => EngineError::External { context: path, cause },
    }
}

fn empty() -> Block {
    Block::Columns(Columns::new(Kind::Str, Arc::new(StringViewArray::from_iter_values([""; 0]))))
}

#[cfg(test)]
mod tests;
