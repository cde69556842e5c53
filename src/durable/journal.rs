//! What was received, and what does each batch take of it?
//!
//! Owns the files `journal-<number>`: a log of received blocks and of *plans* (what a batch consists of), and the commit
//! that makes many of them durable at once.
//! 1. Blocks of an input are numbered from 0 without gaps, over all runs. What a plan says of an input only the input
//!    understands (`input/`).
//! 2. `commit` returns when everything appended before is durable. Of those who wait at the same time one writes and
//!    syncs for all.
//! 3. After a failed write nothing more goes into that file, because its end is not known; the next append begins another.
//! 4. A run never appends to a file of an earlier one: the number of a file begins with the epoch.
//! 5. Durable is not yet acknowledged: `commit` looks whether another run has taken over meanwhile, and then fails.
//! 6. A file that is full names the next one, which is there by then; all others are named by a checkpoint. So one that is
//!    missing is noticed.
//!
//! Elsewhere: reading (`replay.rs`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::files::{number_in, numbered};
use super::folder::Folder;
use super::frames;
use super::manifest::JournalFile;
use super::owner::Owner;
use crate::error::{EngineError, Result};

pub(super) const BLOCK: u8 = 1;
pub(super) const PLAN: u8 = 2;
/// The number of the file that goes on where this one ends.
pub(super) const NEXT: u8 = 3;
const JOURNAL: &str = "journal-";

/// A file is closed once it has so many bytes.
const FILE_BYTES: u64 = 8 << 20;

/// Lost appends that are remembered.
const REMEMBERED_LOSSES: usize = 64;

/// What a batch consists of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "WrittenPlan")]
pub struct Plan {
    /// Time of the batch.
    pub time: i64,
    /// What this batch has of each input, and what earlier ones have that were not planned before, by time: ranges, which
    /// only the inputs understand.
    pub ranges: BTreeMap<u32, BTreeMap<i64, Value>>,
}

/// A plan as it is, or as it was written when there were two kinds of ranges.
#[derive(Deserialize)]
struct WrittenPlan {
    time: i64,
    #[serde(default)]
    ranges: BTreeMap<u32, BTreeMap<i64, Value>>,
    #[serde(default)]
    files: BTreeMap<u32, BTreeMap<i64, Value>>,
    #[serde(default)]
    taken: BTreeMap<u32, u64>,
}

impl From<WrittenPlan> for Plan {
    fn from(written: WrittenPlan) -> Self {
        let WrittenPlan { time, mut ranges, files, taken } = written;
        ranges.extend(files);
        ranges.extend(taken.into_iter().map(|(node, until)| (node, BTreeMap::from([(time, Value::from(until))]))));
        Self { time, ranges }
    }
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

#[derive(Default)]
struct State {
    pending: Vec<u8>,
    /// Bytes appended, and bytes durable, since the beginning.
    appended: u64,
    durable: u64,
    /// Somebody writes.
    writing: bool,
    /// Appends that are lost: from (exclusive), to, and why. The last ones only: whoever waits for one looks at once.
    lost: Vec<(u64, u64, Why)>,
    file: Option<File>,
    number: u64,
    /// What each file holds, or will hold once what is pending is written.
    held: BTreeMap<u64, JournalFile>,
    /// What each file holds for good.
    kept: BTreeMap<u64, JournalFile>,
}

/// Why something is lost.
#[derive(Debug, Clone)]
enum Why {
    /// It could not be written.
    Failed(String),
    /// Another run has taken over.
    Replaced(String),
}

/// The journal of a checkpoint folder, as its writer sees it.
pub struct Journal {
    folder: Arc<Folder>,
    owner: Arc<Owner>,
    state: Mutex<State>,
    changed: Condvar,
}

/// The name of a file of the journal.
pub(super) fn file_name(number: u64) -> String {
    numbered(JOURNAL, number)
}

/// The numbers of the files of the journal of a folder, rising.
pub(super) fn numbers(folder: &Folder) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> = folder.names(JOURNAL)?.iter().filter_map(|name| number_in(name, JOURNAL)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

impl Journal {
    /// Goes on in a folder whose journal files have lower numbers than `next`. `earlier`: what those hold that were read.
    pub(super) fn new(folder: Arc<Folder>, owner: Arc<Owner>, next: u64, earlier: BTreeMap<u64, JournalFile>) -> Self {
        let state = State { number: next, held: earlier.clone(), kept: earlier, ..State::default() };
        Self { folder, owner, state: Mutex::new(state), changed: Condvar::new() }
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

    fn append(&self, kind: u8, body: &[&[u8]], note: impl FnOnce(&mut JournalFile)) -> u64 {
        let mut state = self.state();
        let length = frames::append(&mut state.pending, kind, body) as u64;
        state.appended += length;
        let number = state.number;
        note(state.held.entry(number).or_insert_with(|| JournalFile { number, ..JournalFile::default() }));
        state.appended
    }

    /// Waits until what was appended up to `place` is durable. Fails if it could not be written.
    pub fn commit(&self, place: u64) -> Result<()> {
        let mut state = self.state();
        loop {
            if let Some((_, _, why)) = state.lost.iter().find(|(from, until, _)| *from < place && place <= *until) {
                return Err(self.error(why));
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

    fn error(&self, why: &Why) -> EngineError {
        match why {
            Why::Replaced(problem) => EngineError::Replaced { problem: problem.clone() },
            Why::Failed(problem) => EngineError::External {
                context: format!("the journal in {}", self.folder.path().display()),
                cause: io::Error::other(problem.clone()),
            },
        }
    }

    /// Writes and syncs all that is pending, outside of the lock.
    fn write<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.writing = true;
        let (bytes, until, number) = (std::mem::take(&mut state.pending), state.appended, state.number);
        let file = state.file.take();
        let mut holds = state.held.get(&number).cloned().unwrap_or_default();
        let before = state.kept.get(&number).map_or(0, |kept| kept.bytes);
        (holds.number, holds.bytes) = (number, before + bytes.len() as u64);
        drop(state);
        let written = self.write_to(file, &holds, &bytes);
        let mut state = self.state();
        state.writing = false;
        match written {
            Ok((file, next)) => {
                state.durable = until;
                state.held.entry(number).or_default().bytes = holds.bytes;
                let is_full = holds.bytes >= FILE_BYTES;
                state.kept.insert(number, holds);
                if is_full {
                    Self::begin_next(&mut state, next);
                } else {
                    state.file = Some(file);
                }
            }
            Err(why) => {
                let from = state.durable;
                state.lost.push((from, until, why));
                if state.lost.len() > REMEMBERED_LOSSES {
                    state.lost.remove(0);
                }
                state.durable = until;
                Self::begin_next(&mut state, None);
            }
        }
        self.changed.notify_all();
        state
    }

    /// The next append goes into another file; what was appended and is not written yet goes with it.
    fn begin_next(state: &mut State, next: Option<File>) {
        let number = state.number;
        let meanwhile = state.held.remove(&number).filter(|_| !state.pending.is_empty());
        // What is in the file for good decides when it may go, and nothing else.
        let kept = state.kept.get(&number).cloned();
        state.held.extend(kept.map(|kept| (number, kept)));
        state.number += 1;
        let number = state.number;
        // Noted a little too much: that file is kept a little longer.
        state.held.extend(meanwhile.map(|held| (number, JournalFile { number, bytes: 0, ..held })));
        if next.is_some() {
            state.kept.insert(number, JournalFile { number, ..JournalFile::default() });
        }
        state.file = next;
    }

    /// Appends to a file, the one given or a new one; the answer is that one, and the next one if it is full.
    fn write_to(&self, file: Option<File>, holds: &JournalFile, bytes: &[u8]) -> Result<(File, Option<File>), Why> {
        if self.owner.is_released() {
            return Err(Why::Failed("the stream has stopped".into()));
        }
        let written = || -> io::Result<File> {
            let (mut file, is_new) = match file {
                Some(file) => (file, false),
                None => (self.folder.create(&file_name(holds.number))?, true),
            };
            let name = file_name(holds.number);
            self.folder.waits("write", &name, || file.write_all(bytes).and_then(|()| file.sync_data()))?;
            if is_new {
                self.folder.sync()?;
            }
            Ok(file)
        };
        let mut file = written().map_err(|cause| Why::Failed(cause.to_string()))?;
        self.owner.check().map_err(|error| match error {
            EngineError::Replaced { problem } => Why::Replaced(problem),
            other => Why::Failed(other.to_string()),
        })?;
        let next = (holds.bytes >= FILE_BYTES).then(|| self.name_next(&mut file, holds.number + 1)).flatten();
        Ok((file, next))
    }

    /// Makes the next file, and names it at the end of the one before. What cannot be done now is done when it is needed: all
    /// that was to be written is.
    fn name_next(&self, file: &mut File, number: u64) -> Option<File> {
        let next = self.folder.create(&file_name(number)).ok()?;
        let mut frame = Vec::new();
        frames::append(&mut frame, NEXT, &[&number.to_le_bytes()]);
        // Without the name a reader finds the file all the same, as long as nobody removes it.
        let _ = self.folder.sync().and_then(|()| file.write_all(&frame)).and_then(|()| file.sync_data());
        Some(next)
    }

    /// The first file that is needed when all batches up to `time` are forgotten, which took the blocks before `taken`.
    pub fn first_needed(&self, time: i64, taken: &BTreeMap<u32, u64>) -> u64 {
        let state = self.state();
        let is_done = |held: &JournalFile| {
            let blocks = held.blocks.iter().all(|(node, last)| taken.get(node).is_some_and(|next| last < next));
            blocks && held.plan.is_none_or(|plan| plan <= time)
        };
        let needed = state.held.iter().find(|(number, held)| **number == state.number || !is_done(held));
        needed.map_or(state.number, |(number, _)| *number)
    }

    /// What a checkpoint says of the files from `first` on. The file that will be written next is made: its name is durable
    /// before anything in it is acknowledged.
    pub(super) fn named_from(&self, first: u64) -> Result<Vec<JournalFile>> {
        let mut state = self.state();
        let number = state.number;
        if state.file.is_none() && !state.writing && !state.kept.contains_key(&number) {
            let made = self.folder.create(&file_name(number)).and_then(|file| self.folder.sync().map(|()| file));
            let made =
                made.map_err(EngineError::external(self.folder.path().join(file_name(number)).display().to_string()));
            match made {
                Ok(file) => state.file = Some(file),
                Err(error) => {
                    state.number += 1;
                    return Err(error);
                }
            }
            state.kept.insert(number, JournalFile { number, ..JournalFile::default() });
        }
        Ok(state.kept.range(first..).map(|(_, file)| file.clone()).collect())
    }

    /// Ends the file that is being written once it has some size, so that it can be freed one day.
    pub fn turn_page(&self, least: u64) {
        let mut state = self.state();
        let number = state.number;
        let is_large = state.kept.get(&number).is_some_and(|kept| kept.bytes >= least);
        if is_large && !state.writing && state.pending.is_empty() {
            Self::begin_next(&mut state, None);
        }
    }

    /// Removes the files before `oldest`: no checkpoint names them.
    pub fn free_before(&self, oldest: u64) -> io::Result<()> {
        let mut state = self.state();
        state.held.retain(|number, _| *number >= oldest);
        state.kept.retain(|number, _| *number >= oldest);
        drop(state);
        let mut old = numbers(&self.folder)?.into_iter().filter(|number| *number < oldest);
        old.try_for_each(|number| {
            let name = file_name(number);
            // Older formats count otherwise.
            self.folder.remove(&name).and_then(|()| self.folder.remove(&format!("{JOURNAL}{number:010}")))
        })
    }
}
