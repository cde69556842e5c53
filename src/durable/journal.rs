//! What was received, and what does each batch take of it?
//!
//! Owns the files `journal-<number>`: a log of received blocks and of *plans* (what a batch consists of), and the commit
//! that makes many of them durable at once.
//! 1. Blocks of an input are numbered from 0 without gaps, over all runs. A plan says up to which number its batch takes,
//!    and which files of watched folders.
//! 2. `commit` returns when everything appended before is durable. Of those who wait at the same time one writes and
//!    syncs for all.
//! 3. After a failed write nothing more goes into that file, because its end is not known; the next append begins another.
//! 4. A process never appends to a file of an earlier one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::files::{self, Trust};
use super::frames::{self, Frames, take_u64};
use crate::error::{EngineError, Result};

const BLOCK: u8 = 1;
const PLAN: u8 = 2;

/// A file is closed once it has so many bytes.
const FILE_BYTES: u64 = 8 << 20;

/// Lost appends that are remembered.
const REMEMBERED_LOSSES: usize = 64;

/// The path of a file: text if it is text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PathName {
    /// Most are.
    Text(String),
    /// Those that are not.
    Bytes(Vec<u8>),
}

impl From<&Path> for PathName {
    fn from(path: &Path) -> Self {
        use std::os::unix::ffi::OsStrExt;
        path.to_str().map_or_else(|| Self::Bytes(path.as_os_str().as_bytes().to_vec()), |text| Self::Text(text.into()))
    }
}

impl From<PathName> for PathBuf {
    fn from(name: PathName) -> Self {
        use std::os::unix::ffi::OsStringExt;
        match name {
            PathName::Text(text) => Self::from(text),
            PathName::Bytes(bytes) => Self::from(std::ffi::OsString::from_vec(bytes)),
        }
    }
}

/// What a batch consists of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Time of the batch.
    pub time: i64,
    /// For each input of files, the files of this batch and of earlier ones that were not planned before, by time.
    pub files: BTreeMap<u32, BTreeMap<i64, Vec<PathName>>>,
    /// For each receiver, the number of the first block that is left for later batches.
    pub taken: BTreeMap<u32, u64>,
}

/// A received block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The input.
    pub node: u32,
    /// Its number.
    pub number: u64,
    /// The partition it belongs to; neighbours with the same number are one partition.
    pub group: u64,
    /// The block, encoded.
    pub bytes: Vec<u8>,
}

/// What a file holds, as far as that decides when it may go.
#[derive(Debug, Default, Clone)]
pub(super) struct Held {
    bytes: u64,
    /// The last block of each input.
    blocks: BTreeMap<u32, u64>,
    /// The last plan.
    plan: Option<i64>,
}

#[derive(Default)]
struct State {
    pending: Vec<u8>,
    /// Bytes appended, and bytes durable, since the beginning.
    appended: u64,
    durable: u64,
    /// Somebody writes.
    writing: bool,
    /// Appends that are lost: from (exclusive), to, and why. The last ones only: whoever waits for one looks at once.
    lost: Vec<(u64, u64, String)>,
    file: Option<File>,
    number: u64,
    held: BTreeMap<u64, Held>,
}

/// The journal of a checkpoint folder, as its writer sees it.
pub struct Journal {
    folder: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

fn file_name(number: u64) -> String {
    format!("journal-{number:010}")
}

impl Journal {
    /// Goes on in a folder whose journal files have lower numbers than `next`. `earlier`: what those hold that were read.
    pub(super) fn new(folder: &Path, next: u64, earlier: BTreeMap<u64, Held>) -> Self {
        let state = State { number: next, held: earlier, ..State::default() };
        Self { folder: folder.to_owned(), state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a received block; the answer is what `commit` asks for.
    pub fn block(&self, node: u32, number: u64, group: u64, bytes: &[u8]) -> u64 {
        let head = [u64::from(node).to_le_bytes(), number.to_le_bytes(), group.to_le_bytes()].concat();
        self.append(BLOCK, &[&head, bytes], |held| {
            held.blocks.insert(node, number);
        })
    }

    /// Appends a plan; the answer is what `commit` asks for.
    pub fn plan(&self, plan: &Plan) -> Result<u64> {
        let text = serde_json::to_vec(plan).map_err(|problem| EngineError::Bug(problem.to_string()))?;
        Ok(self.append(PLAN, &[&text], |held| held.plan = Some(plan.time)))
    }

    fn append(&self, kind: u8, body: &[&[u8]], note: impl FnOnce(&mut Held)) -> u64 {
        let mut state = self.state();
        let length = frames::append(&mut state.pending, kind, body) as u64;
        state.appended += length;
        let number = state.number;
        note(state.held.entry(number).or_default());
        state.appended
    }

    /// Waits until what was appended up to `place` is durable. Fails if it could not be written.
    pub fn commit(&self, place: u64) -> Result<()> {
        let mut state = self.state();
        loop {
            if let Some((_, _, why)) = state.lost.iter().find(|(from, until, _)| *from < place && place <= *until) {
                let cause = io::Error::other(why.clone());
                return Err(EngineError::External {
                    context: format!("the journal in {}", self.folder.display()),
                    cause,
                });
            }
            if state.durable >= place {
                return Ok(());
            }
            if state.writing {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                state = self.write(state);
            }
        }
    }

    /// Writes and syncs all that is pending, outside of the lock.
    fn write<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.writing = true;
        let (bytes, until, number) = (std::mem::take(&mut state.pending), state.appended, state.number);
        let file = state.file.take();
        drop(state);
        let written = self.write_to(file, number, &bytes);
        let mut state = self.state();
        state.writing = false;
        match written {
            Ok(file) => {
                state.durable = until;
                let size = &mut state.held.entry(number).or_default().bytes;
                *size += bytes.len() as u64;
                if *size < FILE_BYTES {
                    state.file = Some(file);
                } else {
                    // What was appended meanwhile is noted under the old number: that file is kept a little longer.
                    let meanwhile = state.held.get(&number).filter(|_| !state.pending.is_empty()).cloned();
                    state.number += 1;
                    let next = state.number;
                    state.held.extend(meanwhile.map(|held| (next, Held { bytes: 0, ..held })));
                }
            }
            Err(cause) => {
                let from = state.durable;
                state.lost.push((from, until, cause.to_string()));
                if state.lost.len() > REMEMBERED_LOSSES {
                    state.lost.remove(0);
                }
                state.durable = until;
                let lost = state.held.remove(&number).unwrap_or_default();
                state.number += 1;
                let next = state.number;
                if !state.pending.is_empty() {
                    state.held.insert(next, Held { bytes: 0, ..lost });
                }
            }
        }
        self.changed.notify_all();
        state
    }

    fn write_to(&self, file: Option<File>, number: u64, bytes: &[u8]) -> io::Result<File> {
        let (mut file, is_new) = match file {
            Some(file) => (file, false),
            None => (files::private().append(true).create_new(true).open(self.path(number))?, true),
        };
        file.write_all(bytes)?;
        file.sync_data()?;
        if is_new {
            files::sync_folder(&self.folder)?;
        }
        Ok(file)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(file_name(number))
    }

    /// The first file that is needed when all batches up to `time` are forgotten, which took the blocks before `taken`.
    pub fn first_needed(&self, time: i64, taken: &BTreeMap<u32, u64>) -> u64 {
        let state = self.state();
        let is_done = |held: &Held| {
            let blocks = held.blocks.iter().all(|(node, last)| taken.get(node).is_some_and(|next| last < next));
            blocks && held.plan.is_none_or(|plan| plan <= time)
        };
        let needed = state.held.iter().find(|(number, held)| **number == state.number || !is_done(held));
        needed.map_or(state.number, |(number, _)| *number)
    }

    /// Ends the file that is being written once it has some size, so that it can be freed one day.
    pub fn turn_page(&self, least: u64) {
        let mut state = self.state();
        let number = state.number;
        let is_large = state.held.get(&number).is_some_and(|held| held.bytes >= least);
        if is_large && !state.writing && state.pending.is_empty() {
            state.file = None;
            state.number += 1;
        }
    }

    /// Removes the files before `oldest`: no checkpoint names them.
    pub fn free_before(&self, oldest: u64) -> io::Result<()> {
        self.state().held.retain(|number, _| *number >= oldest);
        for number in numbers(&self.folder)?.into_iter().filter(|number| *number < oldest) {
            fs::remove_file(self.path(number))?;
        }
        Ok(())
    }
}

/// The numbers of the journal files of a folder.
pub(super) fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    let number = |name: &std::ffi::OsString| name.to_str()?.strip_prefix("journal-")?.parse().ok();
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// What a journal says.
#[derive(Debug, Default)]
pub struct Replay {
    /// The blocks, in order.
    pub blocks: Vec<Received>,
    /// The plans, by time: of two for one time the later one.
    pub plans: BTreeMap<i64, Plan>,
    /// Files that end with something that is no record: the mark of a crash.
    pub torn: Vec<String>,
    /// The last plan of the file that was read last.
    last: Option<i64>,
    /// What each file holds.
    pub(super) held: BTreeMap<u64, Held>,
}

impl Replay {
    /// Reads the files of a folder from number `first` on.
    pub fn read(folder: &Path, first: u64, trust: Trust) -> Result<Self, String> {
        let mut replay = Self::default();
        for number in numbers(folder).map_err(|cause| cause.to_string())? {
            if number < first {
                continue;
            }
            let name = file_name(number);
            let bytes = files::read(&folder.join(&name), trust).map_err(|problem| format!("{name}: {problem}"))?;
            let (blocks, good) = (replay.blocks.len(), replay.add(&bytes));
            let mut held = Held { bytes: good as u64, ..Held::default() };
            held.blocks.extend(replay.blocks[blocks..].iter().map(|block| (block.node, block.number)));
            held.plan = replay.last;
            replay.held.insert(number, held);
            if good != bytes.len() {
                replay.torn.push(name);
            }
        }
        Ok(replay)
    }

    /// Takes the records of a file; the answer is how many of its bytes were good.
    pub fn add(&mut self, bytes: &[u8]) -> usize {
        let mut frames = Frames::new(bytes);
        let mut good = 0;
        self.last = None;
        while let Some(frame) = frames.next() {
            let known = match frame.kind {
                BLOCK => self.add_block(frame.body),
                PLAN => serde_json::from_slice(frame.body).ok().map(|plan: Plan| {
                    self.last = self.last.max(Some(plan.time));
                    self.plans.insert(plan.time, plan);
                }),
                _ => None,
            };
            if known.is_none() {
                return good;
            }
            good = frames.at();
        }
        good
    }

    fn add_block(&mut self, mut body: &[u8]) -> Option<()> {
        let node = u32::try_from(take_u64(&mut body)?).ok()?;
        let (number, group) = (take_u64(&mut body)?, take_u64(&mut body)?);
        self.blocks.push(Received { node, number, group, bytes: body.to_vec() });
        Some(())
    }
}
