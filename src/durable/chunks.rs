//! Where are the blocks of states and windows, when only a part of them changes from batch to batch?
//!
//! Owns the data files `data-<number>` of a checkpoint folder: a log of *chunks*. A chunk is a block as a whole, a delta
//! of another chunk, or bytes; it is written once and then named by checkpoints.
//! 1. What a batch costs is what it changed. A chunk that is a delta of a delta ... is written whole again after a number
//!    of steps that differs from block to block, and only so many in one round, so that no round pays for many of them.
//! 2. Data files are freed from the oldest on. When two thirds of the log are of no use, chunks that live in the oldest
//!    file move to the end of the log, a few with each batch: in proportion to what the batch wrote.
//! 3. A run never appends to a file of an earlier one, whose end may be torn: the number of a file begins with the epoch.
//! 4. Each file has a copy, written and synced at the same time. All checkpoints that are kept rest on the same chunks: with the
//!    copy, whatever single file is damaged costs none of them.
//!
//! Elsewhere: reading (`reader.rs`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::blocks::{Codec, damaged, encode};
use super::delta::{self, Delta};
use super::files::{copy_of, number_in, numbered};
use super::folder::Folder;
use super::frames::{self, Frames};
use super::manifest::DataFile;
use crate::block::Block;
use crate::error::{EngineError, Result};

/// Number of a chunk, rising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChunkId(pub u64);

pub(super) const WHOLE: u8 = 1;
pub(super) const DELTA: u8 = 2;
pub(super) const BYTES: u8 = 3;

const DATA: &str = "data-";

/// Frames wait for each other up to so many bytes: a large state is not in memory a second time. Few in tests, whose
/// checkpoints are small.
const PENDING_BYTES: usize = if cfg!(test) { 512 } else { 4 << 20 };
/// A data file is closed once it has so many bytes.
const FILE_BYTES: u64 = 16 << 20;
/// So much of no use is always allowed.
const SLACK: u64 = 4 << 20;
/// Deltas of deltas: so many steps at least, and fewer than so many more.
const STEPS: u32 = 32;
const MORE_STEPS: u32 = 96;
/// A chain ends here even if the round has written enough.
const LAST_STEP: u32 = 2 * (STEPS + MORE_STEPS) - 1;
/// Longest chain of deltas that a reader follows.
pub(super) const MOST_STEPS: usize = LAST_STEP as usize + 1;

/// What is known of a chunk that was written.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The file of the oldest chunk that it is made of.
    root: u64,
    /// That chunk.
    first: u64,
    /// Deltas since then.
    steps: u32,
    /// Bytes of all of them.
    bytes: u64,
    /// Where the oldest begins in its file.
    at: u64,
}

/// The data files of a folder, as their writer sees them.
pub struct Chunks {
    folder: Arc<Folder>,
    next: u64,
    /// The file that is being written, and its copy.
    file: Option<[File; 2]>,
    number: u64,
    /// Frames that are not in the file yet.
    pending: Vec<u8>,
    /// Whether frames in the file are not durable yet, and whether the file's name is not.
    unsynced: bool,
    is_new: bool,
    /// Bytes of each file that is there, the one being written included.
    sizes: BTreeMap<u64, u64>,
    /// Their checksums so far.
    sums: BTreeMap<u64, flate2::Crc>,
    places: HashMap<ChunkId, Place>,
    /// Bytes that may still be written in this round for other reasons than changes.
    allowance: u64,
    /// Bytes written in this round.
    written: u64,
    /// Those that are no changes.
    moved: u64,
    /// Whether the next chunk is of these.
    moving: bool,
    /// Whether the oldest file is to be freed.
    cleans: bool,
}

/// The name of a data file.
pub(super) fn file_name(number: u64) -> String {
    numbered(DATA, number)
}

impl Chunks {
    /// Goes on in a folder whose files and chunks have lower numbers than these.
    pub(super) fn new(folder: Arc<Folder>, next_file: u64, next_chunk: u64) -> Self {
        Self {
            folder,
            next: next_chunk,
            file: None,
            number: next_file,
            pending: Vec::new(),
            unsynced: false,
            is_new: false,
            sizes: BTreeMap::new(),
            sums: BTreeMap::new(),
            places: HashMap::new(),
            allowance: 0,
            written: 0,
            moved: 0,
            moving: false,
            cleans: false,
        }
    }

    /// The number of the next chunk.
    pub fn next_chunk(&self) -> u64 {
        self.next
    }

    /// Bytes written by this round.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// A round of writing begins, after which `live` chunks will be named.
    pub fn begin(&mut self, live: impl Iterator<Item = ChunkId>) {
        let useful: u64 = live.filter_map(|id| self.places.get(&id)).map(|place| place.bytes).sum();
        let all: u64 = self.sizes.values().sum();
        // With a third of use, moving half as much as is written frees more than it takes.
        self.cleans = all > 3 * useful + SLACK;
        // What was moved does not count, or moves would cause more and more of them.
        self.allowance = (self.written - self.moved) / 2 + (64 << 10);
        (self.written, self.moved) = (0, 0);
    }

    /// Whether a chunk should be written anew, so that the oldest file is of no use any more.
    fn is_to_move(&mut self, id: ChunkId) -> bool {
        let Some(place) = self.places.get(&id) else { return true };
        let oldest = self.sizes.keys().next().copied();
        if !self.cleans || oldest != Some(place.root) || self.allowance == 0 {
            return false;
        }
        self.allowance = self.allowance.saturating_sub(place.bytes);
        self.moving = true;
        true
    }

    /// Whether bytes that were written as `id` may stay where they are.
    pub fn stays(&mut self, id: ChunkId) -> bool {
        !self.is_to_move(id)
    }

    /// The chunk of a block that has not changed since it was written as `id`: that one, or a new one.
    pub fn keep(&mut self, id: ChunkId, block: &Block, codec: &dyn Codec) -> Result<ChunkId> {
        if self.is_to_move(id) { self.put(block, codec) } else { Ok(id) }
    }

    /// Writes a block as a whole.
    pub fn put(&mut self, block: &Block, codec: &dyn Codec) -> Result<ChunkId> {
        let body = encode(block, codec)?;
        self.append(WHOLE, &[&body], None)
    }

    /// The chunk of bytes that were written as `id`: that one, or a new one.
    pub fn keep_bytes(&mut self, id: ChunkId) -> Result<ChunkId> {
        if !self.is_to_move(id) {
            return Ok(id);
        }
        let place = self.places.get(&id).copied();
        let place = place.ok_or_else(|| EngineError::Bug(format!("no chunk {}", id.0)))?;
        let name = file_name(place.root);
        let Some(bytes) = self.read_frame(&name, place)? else {
            return Err(damaged(format!("{} at byte {}", self.folder.path().join(&name).display(), place.at)));
        };
        self.put_bytes(&bytes)
    }

    /// What `put_bytes` was given, from the file or its copy, whichever is whole.
    fn read_frame(&self, name: &str, place: Place) -> Result<Option<Vec<u8>>> {
        let mut failed = None;
        for name in [name.to_owned(), copy_of(name)] {
            match self.folder.read_at(&name, place.at, place.bytes) {
                Ok(bytes) => {
                    let body = Frames::new(&bytes).next().and_then(|frame| frame.body.get(size_of::<u64>()..));
                    if let Some(body) = body {
                        return Ok(Some(body.to_vec()));
                    }
                }
                Err(cause) => failed = Some(cause),
            }
        }
        let context = self.folder.path().join(name).display().to_string();
        failed.map_or(Ok(None), |cause| Err(EngineError::External { context, cause }))
    }

    /// Writes bytes.
    pub fn put_bytes(&mut self, bytes: &[u8]) -> Result<ChunkId> {
        self.append(BYTES, &[bytes], None)
    }

    /// The chunk of a block that took the place of another, which was written as `id`.
    pub fn replace(&mut self, id: ChunkId, old: &Block, new: &Block, codec: &dyn Codec) -> Result<ChunkId> {
        let (Block::Columns(old), Block::Columns(columns)) = (old, new) else { return self.put(new, codec) };
        if delta::is_same(old, columns) {
            return self.keep(id, new, codec);
        }
        let Some(place) = self.places.get(&id).copied() else { return self.put(new, codec) };
        // A different number for each chain, by chance: those that begin together do not end together.
        let chance = place.first.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let most = STEPS + (chance % u64::from(MORE_STEPS)) as u32;
        if place.steps >= LAST_STEP || (place.steps >= most && self.allowance > 0) {
            self.moving = true;
            let before = self.written;
            let chunk = self.put(new, codec)?;
            self.allowance = self.allowance.saturating_sub(self.written - before);
            return Ok(chunk);
        }
        if self.is_to_move(id) {
            return self.put(new, codec);
        }
        match delta::between(old, columns)? {
            None => self.put(new, codec),
            Some(delta) if delta.rows.is_empty() && delta.length as usize == old.len() => Ok(id),
            Some(delta) => self.put_delta(id, &delta, codec),
        }
    }

    fn put_delta(&mut self, base: ChunkId, delta: &Delta, codec: &dyn Codec) -> Result<ChunkId> {
        let values = encode(&Block::Columns(delta.values.clone()), codec)?;
        let rows: Vec<u8> = delta.rows.iter().flat_map(|row| row.to_le_bytes()).collect();
        let (length, count) = (delta.length.to_le_bytes(), (delta.rows.len() as u32).to_le_bytes());
        self.append(DELTA, &[&base.0.to_le_bytes(), &length, &count, &rows, &values], Some(base))
    }

    fn append(&mut self, kind: u8, body: &[&[u8]], base: Option<ChunkId>) -> Result<ChunkId> {
        let id = ChunkId(self.next);
        let number = id.0.to_le_bytes();
        let parts: Vec<&[u8]> = std::iter::once(number.as_slice()).chain(body.iter().copied()).collect();
        if parts.iter().map(|part| part.len()).sum::<usize>() > u32::MAX as usize {
            let problem = "a block of 4 GiB or more cannot be kept: use more partitions".into();
            return Err(EngineError::Refused { class: "org.apache.spark.SparkException", problem });
        }
        self.next += 1;
        let at = self.sizes.get(&self.number).copied().unwrap_or(0) + self.pending.len() as u64;
        let bytes = frames::append(&mut self.pending, kind, &parts) as u64;
        if self.pending.len() >= PENDING_BYTES {
            self.hand_over()?;
        }
        self.written += bytes;
        self.moved += if std::mem::take(&mut self.moving) { bytes } else { 0 };
        let before = base.and_then(|base| self.places.get(&base).copied());
        let fresh = Place { root: self.number, first: id.0, steps: 0, bytes: 0, at };
        let before = before.map_or(fresh, |place| Place { steps: place.steps + 1, ..place });
        self.places.insert(id, Place { bytes: before.bytes + bytes, ..before });
        Ok(id)
    }

    /// Makes all chunks durable that were written. After an error none of this round may be named.
    pub fn sync(&mut self) -> Result<()> {
        self.hand_over()?;
        if !self.unsynced {
            return Ok(());
        }
        self.on_file(|chunks, name| {
            chunks.folder.waits("fsync", name, || chunks.file.as_ref().map_or(Ok(()), sync_both))?;
            chunks.unsynced = false;
            if std::mem::take(&mut chunks.is_new) { chunks.folder.sync() } else { Ok(()) }
        })?;
        if self.sizes.get(&self.number).is_some_and(|size| *size >= FILE_BYTES) {
            self.close();
        }
        Ok(())
    }

    /// Hands the pending frames to the system.
    fn hand_over(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        self.on_file(|chunks, name| {
            let files = match &mut chunks.file {
                Some(files) => files,
                None => {
                    chunks.is_new = true;
                    chunks.file.insert([chunks.folder.create(name)?, chunks.folder.create(&copy_of(name))?])
                }
            };
            chunks.unsynced = true;
            chunks.folder.waits("write", name, || files.iter_mut().try_for_each(|file| file.write_all(&pending)))?;
            *chunks.sizes.entry(chunks.number).or_default() += pending.len() as u64;
            chunks.sums.entry(chunks.number).or_default().update(&pending);
            Ok(())
        })
    }

    /// Does something with the file being written. After an error it is not known what is in it: the next round begins
    /// another one.
    fn on_file(&mut self, work: impl FnOnce(&mut Self, &str) -> io::Result<()>) -> Result<()> {
        let name = file_name(self.number);
        let done = work(self, &name);
        if done.is_err() {
            self.close();
        }
        done.map_err(EngineError::external(self.folder.path().join(&name).display().to_string()))
    }

    /// Nothing that was written counts any more: the next round begins another file.
    pub fn forget(&mut self) {
        self.pending.clear();
        self.places.clear();
        self.sizes.clear();
        self.sums.clear();
        self.close();
    }

    /// Ends the file that is being written, between two rounds: what comes after goes into another one.
    pub fn rest(&mut self) {
        if self.file.is_some() && !self.unsynced && self.pending.is_empty() {
            self.close();
        }
    }

    fn close(&mut self) {
        self.file = None;
        (self.unsynced, self.is_new) = (false, false);
        self.number += 1;
    }

    /// The files that are needed to read these chunks, as far as they are written.
    pub(super) fn files_for(&self, live: impl Iterator<Item = ChunkId>) -> Vec<DataFile> {
        let oldest = live.filter_map(|id| self.places.get(&id)).map(|place| place.root).min();
        let from = oldest.unwrap_or(self.number);
        let sum = |number| self.sums.get(number).map_or(0, flate2::Crc::sum);
        let files = self.sizes.range(from..);
        files.map(|(number, bytes)| DataFile { number: *number, bytes: *bytes, sum: sum(number) }).collect()
    }

    /// Removes the files before `oldest`: no checkpoint names them.
    pub fn free_before(&mut self, oldest: u64) -> io::Result<()> {
        self.sizes.retain(|number, _| *number >= oldest);
        self.sums.retain(|number, _| *number >= oldest);
        self.places.retain(|_, place| place.root >= oldest);
        let mut names = self.folder.names(DATA)?.into_iter();
        names.try_for_each(|name| match number_in(&name, DATA) {
            Some(number) if number < oldest => self.folder.remove(&name),
            _ => Ok(()),
        })
    }
}

/// Syncs a file and its copy side by side: on most disks that takes hardly longer than one of them.
fn sync_both([file, copy]: &[File; 2]) -> io::Result<()> {
    thread::scope(|scope| {
        let other = thread::Builder::new().spawn_scoped(scope, || copy.sync_data())?;
        let synced = file.sync_data();
        let other = other.join().unwrap_or_else(|_| Err(io::Error::other("a thread that syncs panicked")));
        synced.and(other)
    })
}

/// The numbers of the data files of a folder.
pub(super) fn numbers(folder: &Folder) -> io::Result<Vec<u64>> {
    Ok(folder.names(DATA)?.iter().filter_map(|name| number_in(name, DATA)).collect())
}
