//! The states of `mapWithState` of one partition, as of several batches.
//!
//! 1. Older versions are held as what changed after them. A version never changes.
//! 2. Once something comes that has no exact answer here, the states are given up to the table in Python
//!    (`dstreams/streaming/statetable.py`) for good; there are no versions then.
//! 3. Where keys can time out, what is a state here and for Python is a tuple of the state and the time of the batch that
//!    touched it last, but in snapshots.

use arrow_array::{Array, ArrayRef};
use std::sync::Arc;

use hashbrown::HashSet;

use super::mapped::{Batch, Made, Mapped, map_into};
use super::running::Running;
use crate::block::Columns;
use crate::error::{EngineError, Result};
use crate::kernel::gather::pair_columns;
use crate::kernel::keys::{KeyTable, Unhashable, kernel_error};
use crate::kernel::state::{Changes, Table, Versions, View, address, changes, with_stamps};

/// The states of a partition's keys.
#[derive(Default)]
pub struct KeyStates {
    /// Whether keys can time out.
    timed: bool,
    /// Of the newest version, if it is known.
    table: Option<Table>,
    versions: Versions,
    given_up: bool,
    /// Columns of keys that had their turn. They are kept, so that no other column is taken for one of them.
    had_turn: Vec<ArrayRef>,
    /// Whether there was something before the first version that is held.
    cut: bool,
}

impl KeyStates {
    /// None yet. `timed`: keys can time out.
    pub fn new(timed: bool) -> Self {
        Self { timed, ..Self::default() }
    }

    /// Whether keys can time out.
    pub fn is_timed(&self) -> bool {
        self.timed
    }

    /// The time of the newest batch that was applied; None before the first.
    pub fn last(&self) -> Option<i64> {
        self.versions.last()
    }

    /// Keys of the newest version.
    pub fn keys(&self) -> usize {
        self.versions.keys()
    }

    /// Sets the states before the first batch, and when each was touched last if keys can time out; false, and nothing done,
    /// if they have no form here, or if there are states already.
    pub fn load(&mut self, version: i64, pairs: Option<Columns>, times: Option<Vec<i64>>) -> Result<bool> {
        let blocks = match pairs {
            Some(pairs) if !may_be_states(&pairs)? => return Ok(false),
            Some(pairs) => vec![times.map_or_else(|| Ok(pairs.clone()), |times| with_stamps(&pairs, times))?],
            None => Vec::new(),
        };
        if self.given_up || self.versions.last().is_some() {
            return Ok(false);
        }
        self.versions.push(version, blocks)?;
        self.cut = true;
        Ok(true)
    }

    /// A version, if it is there.
    pub fn version(&self, version: i64) -> Option<View> {
        self.before(version).filter(|(time, _)| *time == version).map(|(_, view)| view)
    }

    /// The version that counted at a time, and its own; None if that is gone.
    pub fn before(&self, time: i64) -> Option<(i64, View)> {
        self.versions.as_of(time)
    }

    /// The next states of a round in which all have their turn: at least so many, as they were at a time. With `begin` it is
    /// a new round. Also says whether all have had their turn.
    pub fn turn(&mut self, time: i64, count: usize, begin: bool) -> Result<(Vec<Columns>, bool)> {
        if begin {
            self.had_turn.clear();
        }
        let view = self.as_of(time);
        let mut had: HashSet<*const ()> = self.had_turn.iter().map(address).collect();
        let (mut turn, mut rows) = (Vec::new(), 0);
        for chunk in 0..view.len() {
            let keys = view.keys(chunk)?;
            if !had.insert(address(keys)) {
                continue;
            }
            if rows >= count {
                return Ok((turn, false));
            }
            rows += keys.len();
            self.had_turn.push(Arc::clone(keys));
            turn.push(view.block(chunk)?);
        }
        Ok((turn, true))
    }

    /// Gives the states up for good: all versions, oldest first, and whether there was something before the first of them.
    /// They stay here until `forget`: who takes them may be interrupted.
    pub fn give_up(&mut self) -> (Vec<(i64, View)>, bool) {
        (self.given_up, self.table) = (true, None);
        (self.versions.all(), self.cut)
    }

    /// Forgets all states for good: they are Python's.
    pub fn forget(&mut self) {
        *self = Self { timed: self.timed, given_up: true, ..Self::default() };
    }

    /// The version that counted at a time; without any states if that is gone.
    pub fn as_of(&self, time: i64) -> View {
        self.versions.as_of(time).map_or_else(View::default, |(_, view)| view)
    }

    /// What the records of a batch make of the states, which stay as they are. None if Python must do it.
    pub(super) fn make(
        &mut self,
        running: &Running,
        step: usize,
        what: &Mapped,
        records: &[Columns],
    ) -> Result<Option<Made>> {
        let batch = &what.batch;
        let last = self.versions.last();
        if self.given_up || last.is_some_and(|last| last > batch.time || last < batch.least) {
            return Ok(None);
        }
        let again = last == Some(batch.time);
        let before = self.versions.as_of(batch.time - 1);
        if again && before.is_none() && self.cut {
            return Ok(None);
        }
        let blocks = before.map_or_else(|| Ok(Vec::new()), |(_, view)| view.blocks())?;
        let table = self.table.take().filter(|_| !again);
        let mut made = Made { last, again, table, blocks, elements: None, idle: None };
        let done = (records.is_empty() && batch.idle_before.is_none())
            || map_into(&mut made, (running, step, what), self.timed, records)?;
        Ok(done.then_some(made))
    }

    /// Has what a batch made of the states count. Nothing else may have happened to them since.
    pub(super) fn keep(&mut self, batch: &Batch, made: Made) -> Result<()> {
        if self.given_up || self.versions.last() != made.last {
            return Err(kernel_error("a batch was applied to its states by another task meanwhile"));
        }
        if made.again {
            self.versions.pop()?;
        }
        self.cut |= self.versions.forget(batch.oldest);
        self.versions.push(batch.time, made.blocks)?;
        self.table = made.table;
        Ok(())
    }
}

/// What one version had that the next one has not.
pub struct Replaced {
    /// The time of the next one.
    pub time: i64,
    /// The time of the one before, if there was one.
    pub before: Option<i64>,
    /// The pairs that it had, and the keys that had no state.
    pub was: Changes,
}

impl Replaced {
    /// What each of `versions` replaced, oldest first. With `cut` the first one replaced what is not known.
    pub fn all(versions: &[(i64, Vec<Columns>)], cut: bool) -> Result<Vec<Self>> {
        let each = versions.iter().enumerate().skip(usize::from(cut)).map(|(at, (time, newer))| {
            let older = at.checked_sub(1).and_then(|at| versions.get(at));
            let before = older.map_or(&[][..], |older| older.1.as_slice());
            let was =
                changes(newer, before)?.ok_or_else(|| EngineError::Bug("states that cannot be compared".into()))?;
            Ok(Self { time: *time, before: older.map(|older| older.0), was })
        });
        each.collect()
    }
}

/// Whether these are pairs with distinct keys and states that are not None.
fn may_be_states(columns: &Columns) -> Result<bool> {
    let Some(((kind, keys), (_, states))) = pair_columns(columns) else { return Ok(false) };
    let Some(mut table) = KeyTable::new(kind) else { return Ok(false) };
    let numbered = table.number(keys, &mut Vec::new())? != Err(Unhashable);
    Ok(numbered && table.len() == columns.len() && states.logical_null_count() == 0)
}
