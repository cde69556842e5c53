//! What does a journal say, and what of it is lost?
//!
//! Owns `Replay`: the blocks and plans of the files that a checkpoint needs.
//! 1. The checkpoint says which files there must be, and what must be in them. What is missing, whatever the reason, is told
//!    (`lost`), as exactly as it is known; the rest counts.
//! 2. What a run wrote after it was replaced does not count: `Inherited`, and the checkpoint, say up to where the files of
//!    older runs do. Of two blocks with one number the later run's counts.
//! 3. Behind a record that is cut or damaged nothing counts. At the end of a file that is the mark of a crash (`torn`), and what
//!    was there was acknowledged to nobody; elsewhere it is a loss.

use std::collections::{BTreeMap, BTreeSet};

use super::fencing::Inherited;
use super::files::epoch_of;
use super::folder::{Folder, Unread};
use super::frames::{FRAME_HEAD, Frames, take_u64};
use super::journal::{BLOCK, NEXT, PLAN, Plan, Received, file_name, numbers};
use super::manifest::{JournalFile, Manifest};

/// What a journal says.
#[derive(Debug, Default)]
pub struct Replay {
    /// The blocks, in order.
    pub blocks: Vec<Received>,
    /// The plans, by time: of two for one time the later one.
    pub plans: BTreeMap<i64, Plan>,
    /// Files that end with something that is no record: the mark of a crash.
    pub torn: Vec<String>,
    /// What is missing or damaged, and was acknowledged: sentences.
    pub lost: Vec<String>,
    /// What each file holds.
    pub(super) held: BTreeMap<u64, JournalFile>,
    /// The file that is being read.
    current: JournalFile,
    /// The last block of each input.
    last: BTreeMap<u32, u64>,
    /// Files that must be there, because others say so.
    expected: BTreeSet<u64>,
}

impl Replay {
    /// Reads what a checkpoint needs of the journal of its folder.
    pub(super) fn read(folder: &Folder, manifest: &Manifest, inherited: &Inherited) -> Result<Self, String> {
        let mut replay = Self::default();
        let named: BTreeMap<u64, &JournalFile> = manifest.journals.iter().map(|file| (file.number, file)).collect();
        let there = numbers(folder).map_err(|cause| cause.to_string())?;
        let mut left: BTreeSet<u64> = there.into_iter().chain(named.keys().copied()).collect();
        while let Some(number) = left.pop_first() {
            let must = named.get(&number).copied();
            let of_checkpoint = (epoch_of(number) < manifest.epoch).then(|| must.map_or(0, |file| file.bytes));
            let limit = of_checkpoint.into_iter().chain(inherited.limit(number)).min();
            if number < manifest.journal || (limit == Some(0) && must.is_none_or(|file| file.bytes == 0)) {
                continue;
            }
            replay.read_file(folder, number, must, limit)?;
            left.extend(replay.expected.range(number + 1..).copied());
        }
        Ok(replay)
    }

    fn read_file(
        &mut self,
        folder: &Folder,
        number: u64,
        must: Option<&JournalFile>,
        limit: Option<u64>,
    ) -> Result<(), String> {
        let name = file_name(number);
        let mut bytes = match folder.read(&name) {
            Ok(bytes) => bytes,
            Err(problem @ Unread::Untrusted(_)) => return Err(format!("{name}: {problem}")),
            Err(problem) => {
                self.current = JournalFile { number, ..JournalFile::default() };
                let what = self.missing(must);
                self.lost.push(format!("{name} cannot be read ({problem}): {what}"));
                return Ok(());
            }
        };
        let there = bytes.len() as u64;
        bytes.truncate(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)));
        self.current = JournalFile { number, ..JournalFile::default() };
        let good = self.add(&bytes);
        self.current.bytes = good as u64;
        let needed = limit.unwrap_or(0).max(must.map_or(0, |file| file.bytes));
        if (good as u64) < needed {
            let what = self.missing(must);
            self.lost.push(format!("{name} is cut short or damaged at byte {good} of {there}: {what}"));
        } else if good < bytes.len() {
            match followers(&bytes[good..]) {
                0 => self.torn.push(name),
                count => self.lost.push(format!(
                    "{name} is damaged at byte {good} of {there}: what this record and the {count} behind it held is lost"
                )),
            }
        }
        self.held.insert(number, std::mem::take(&mut self.current));
        Ok(())
    }

    /// What of a file is not there, in words, after what is there was read.
    fn missing(&self, must: Option<&JournalFile>) -> String {
        let Some(must) = must else { return "what was received and planned last is lost".into() };
        let blocks = must.blocks.iter().filter_map(|(node, last)| {
            let found = self.last.get(node).copied();
            let from = found.map_or(0, |found| found + 1);
            let from = if from == 0 { "all".to_owned() } else { format!("those from {from}") };
            (found.is_none_or(|found| found < *last))
                .then(|| format!("received blocks of input {node} are lost, {from} up to {last}"))
        });
        let planned = self.plans.keys().next_back().copied();
        let plan = must.plan.filter(|plan| planned.is_none_or(|planned| planned < *plan));
        let plan = plan
            .map(|plan| format!("what the batches up to {plan} consisted of is lost, as far as it was not processed"));
        let all: Vec<String> = blocks.chain(plan).collect();
        if all.is_empty() { "what was received and planned behind that is lost".into() } else { all.join("; ") }
    }

    /// Takes the records of a file; the answer is how many of its bytes were good.
    pub fn add(&mut self, bytes: &[u8]) -> usize {
        let mut frames = Frames::new(bytes);
        let mut good = 0;
        while let Some(frame) = frames.next() {
            let known = match frame.kind {
                BLOCK => self.add_block(frame.body),
                PLAN => serde_json::from_slice(frame.body).ok().map(|plan: Plan| {
                    self.current.plan = self.current.plan.max(Some(plan.time));
                    self.plans.insert(plan.time, plan);
                }),
                NEXT => take_u64(&mut { frame.body }).map(|next| {
                    // No name leads elsewhere, and none back.
                    if next == self.current.number.saturating_add(1) {
                        self.expected.insert(next);
                    }
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
        if self.last.get(&node).is_some_and(|last| *last >= number) {
            self.blocks.retain(|block| block.node != node || block.number < number);
        }
        self.last.insert(node, number);
        self.current.blocks.insert(node, number);
        self.blocks.push(Received { node, number, group, bytes: body.to_vec() });
        Some(())
    }
}

/// How many good records are behind one that is not: none behind a torn end.
fn followers(bytes: &[u8]) -> usize {
    let length = bytes.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
    let behind = length.and_then(|length| length.checked_add(FRAME_HEAD)).and_then(|end| bytes.get(end..));
    behind.map_or(0, |behind| Frames::new(behind).count())
}
