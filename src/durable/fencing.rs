//! Who may write to a checkpoint folder, and what of what was written counts?
//!
//! Owns the decisions alone: no file, no lock, no clock. Doing is for `owner.rs`, reading for `recovery.rs`.
//! 1. Each run that begins takes the next *epoch*: a file `epoch-<number>` that nobody else can make, and removes those of
//!    the epochs before. Whose file is gone, or who sees a later one, was replaced: what he writes is not acknowledged.
//! 2. A lock is asked for too, where the file system has locks. While its holder lives nobody replaces him, stopped or not.
//! 3. What a run found when it began is written down (`Inherited`): what runs before it wrote later does not count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::files::epoch_of;

/// Who took an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Claim {
    /// The name of the machine.
    pub(super) host: String,
    /// Which start of that machine; empty where that is not known.
    pub(super) boot: String,
    /// The process.
    pub(super) pid: u32,
    /// When that process began, as the system counts; 0 where that is not known.
    pub(super) began: u64,
    /// When the epoch was taken: milliseconds, UTC since 1970.
    pub(super) since: i64,
}

/// What a run found when it began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Inherited {
    /// What follows is about epochs below this one.
    pub(super) below: u64,
    /// The checkpoints, by name.
    pub(super) manifests: Vec<String>,
    /// The first file of the journal that was needed.
    pub(super) first: u64,
    /// The files of the journal from there on, each with as many bytes as count.
    pub(super) journals: BTreeMap<u64, u64>,
}

/// What is in the file of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct EpochFile {
    pub(super) claim: Claim,
    pub(super) inherited: Inherited,
}

/// What was found out about the holder of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// On another machine, or nobody knows.
    Unknown,
    /// On this machine, and it lives.
    Lives,
    /// On this machine, and it has ended: a process that it forked holds the lock still.
    Ended,
}

/// How an attempt to lock ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Locked {
    /// It is ours.
    Yes,
    /// Somebody has it.
    Busy,
    /// There are no locks on this file system.
    Unsupported,
}

/// Whether a run may begin.
pub(super) fn may_begin(locked: Locked, holder: Holder) -> bool {
    match (locked, holder) {
        (Locked::Yes | Locked::Unsupported, _) | (Locked::Busy, Holder::Ended) => true,
        (Locked::Busy, Holder::Unknown | Holder::Lives) => false,
    }
}

/// What is known of a claim: `here` is what this process would write into one of its own, `lives` whether a process of
/// that number is there now, and when it began (0: not known).
pub(super) fn holder(claim: Option<&Claim>, here: &Claim, lives: Option<u64>) -> Holder {
    let Some(claim) = claim.filter(|claim| claim.host == here.host) else { return Holder::Unknown };
    if !claim.boot.is_empty() && !here.boot.is_empty() && claim.boot != here.boot {
        return Holder::Ended;
    }
    match lives {
        None => Holder::Ended,
        // The number was given to another process.
        Some(began) if began != 0 && claim.began != 0 && began != claim.began => Holder::Ended,
        // This process itself, which knows that it has no such lock: so it is one that it forked.
        Some(_) if claim.pid == here.pid => Holder::Ended,
        Some(_) => Holder::Lives,
    }
}

/// Whether a run is still the newest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is.
    Newest,
    /// Another one has begun.
    Replaced,
    /// Its file is gone, and there is no later one: somebody emptied the folder.
    Gone,
}

/// Whether the run of epoch `mine` may still write. `present`: the epochs whose files are there.
pub(super) fn standing(mine: u64, present: &[u64]) -> Standing {
    if present.iter().any(|epoch| *epoch > mine) {
        Standing::Replaced
    } else if present.contains(&mine) {
        Standing::Newest
    } else {
        Standing::Gone
    }
}

impl Inherited {
    /// Whether a checkpoint counts.
    pub(super) fn has(&self, epoch: u64, name: &str) -> bool {
        epoch >= self.below || self.manifests.iter().any(|known| known == name)
    }

    /// How many bytes of a file of the journal count; none: all.
    pub(super) fn limit(&self, number: u64) -> Option<u64> {
        // What is before the first was needed no more then, and is whole as it is.
        let is_of_them = epoch_of(number) < self.below && number >= self.first;
        is_of_them.then(|| self.journals.get(&number).copied().unwrap_or(0))
    }
}
