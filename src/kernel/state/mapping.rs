//! What does each record do to the state of its key, one after the other, and what does it give?
//!
//! Owns `Working::map`. Its function takes states (None: the key has none) and records, pairs of a key and a value; it gives
//! a tuple of an element, the state afterwards, and what was done to it.
//! 1. Elements come in the order of the records, and records of one key are looked at in theirs.
//! 2. All records that come first of their key are looked at together, then all that come second, and so on. Once every key
//!    that has more of them has a state, the rest may go row by row, which costs the same however keys are distributed. Where
//!    it may not, and few keys have many records, the caller finds another way for these.
//! 3. Nothing of the states has changed when there is no answer.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef};
use arrow_select::interleave::interleave;

use super::batch::{Function, PIECE};
use super::incoming::Incoming;
use super::kinds::unified;
use super::stamps::stamped;
use super::table::Working;
use crate::block::{Columns, Kind};
use crate::error::Result;
use crate::kernel::gather::{pairs, pick, rows_by_number};
use crate::kernel::keys::kernel_error;

/// What was done to a state, as functions say it: nothing, or it was set. Any other number: it was removed.
const UNTOUCHED: i64 = 0;
const SET: i64 = 1;

/// A function row by row: of states, which of them each record has, and the records. None when it has no answer.
pub type ByRow<'a> = &'a dyn Fn(&Columns, &[u32], &Columns) -> Result<Option<Columns>>;

/// The ways to look at records, all of which give the same.
pub struct Ways<'a> {
    /// Of different keys, all at once.
    pub at_once: Function<'a>,
    /// In order, of keys that have a state.
    pub by_row: ByRow<'a>,
    /// In order, of any keys; costs the most.
    pub one_by_one: ByRow<'a>,
}

/// Rounds of fewer keys cost more than to look at records one by one, if more of them than `SMALL` are left.
const FEW: usize = 48;
const SMALL: usize = 256;
/// Steps after which states are put together again.
const MOST_STEPS: usize = 64;
/// The first record of a key that nothing was done to.
const NONE: u32 = u32::MAX;

/// A batch whose records are looked at.
struct Mapping<'a> {
    /// By record: its key, among those of the batch.
    member: Cow<'a, [u32]>,
    records: &'a Columns,
    /// The states before, then those that each step gave.
    states: Vec<Columns>,
    /// By key: its state, as a step and a row.
    places: Vec<(usize, usize)>,
    /// By key: the first record that did something to its state.
    touched: Vec<u32>,
    elements: Vec<Columns>,
    /// By record: its element, as a step and a row.
    made: Vec<(usize, usize)>,
}

impl Working {
    /// Looks at the records of a batch; their elements. `now`: its time, if the states have stamps. None: Python must do it,
    /// and the table is spent.
    pub fn map(&mut self, newer: &[Columns], ways: &Ways<'_>, now: Option<i64>) -> Result<Option<Columns>> {
        let Some(incoming) = Incoming::read(&mut self.table, newer)? else { return Ok(None) };
        let (key, value) = (self.table.keys.kind().clone(), incoming.kind.clone());
        let records = pairs((key, incoming.keys.all()?), (value, incoming.values.all()?))?;
        let before = if now.is_some() { self.unstamped_states(&incoming.ids)? } else { self.states(&incoming.ids)? };
        let mut mapping = Mapping::new(&incoming, &records, before);
        if !mapping.run(ways)? {
            return Ok(None);
        }
        let (Some((kind, states)), Some(elements)) = (mapping.all_states()?, mapping.all_elements()?) else {
            return Ok(None);
        };
        let nulls = states.logical_nulls();
        let (kind, states) = match now {
            Some(now) if kind != Kind::None => stamped(kind, &states, now)?,
            _ => (kind, states),
        };
        if self.has_rows() && kind != Kind::None && kind != self.table.value {
            return Ok(None);
        }
        let has_state = |at: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(at));
        self.keep(&incoming, (&mapping.touched, now.is_some()), (kind, &states, &has_state))?;
        Ok(Some(elements))
    }

    /// Stores the states of keys to which something was done; with `also_seen`, those of all keys of the batch.
    fn keep(
        &mut self,
        incoming: &Incoming,
        (touched, also_seen): (&[u32], bool),
        (kind, states, has_state): (Kind, &ArrayRef, &dyn Fn(usize) -> bool),
    ) -> Result<()> {
        let (mut written, mut removed, mut added) = (Vec::new(), Vec::new(), Vec::new());
        for at in (0..touched.len()).filter(|at| also_seen || touched[*at] != NONE) {
            let known = self.table.place(incoming.ids[at]).is_some();
            match (known, has_state(at)) {
                (true, true) => written.push(at as u32),
                (true, false) => removed.push(incoming.ids[at]),
                (false, true) => added.push(at as u32),
                (false, false) => {}
            }
        }
        let ids = |rows: &[u32]| -> Vec<u32> { rows.iter().map(|at| incoming.ids[*at as usize]).collect() };
        self.write(&ids(&written), states, &written)?;
        self.remove(&removed)?;
        if added.is_empty() {
            return Ok(());
        }
        if !self.has_rows() {
            self.table.value = kind;
        }
        // In the order in which they got a state, and as the records that gave it have them, as a dict would.
        added.sort_unstable_by_key(|at| touched[*at as usize]);
        let keys = incoming.keys.pick(added.iter().map(|at| touched[*at as usize]).collect())?;
        let new_ids = ids(&added);
        self.append(&new_ids, &keys, &pick(states, added)?)
    }
}

impl<'a> Mapping<'a> {
    fn new(incoming: &'a Incoming, records: &'a Columns, before: Columns) -> Self {
        let keys = incoming.ids.len();
        Self {
            member: incoming.member(),
            records,
            states: vec![before],
            places: (0..keys).map(|key| (0, key)).collect(),
            touched: vec![NONE; keys],
            elements: Vec::new(),
            made: vec![(0, 0); records.len()],
        }
    }

    /// Looks at all records; false if there is no answer.
    fn run(&mut self, ways: &Ways<'_>) -> Result<bool> {
        let (rounds, count) = self.rounds();
        let (rows, starts) = rows_by_number(&rounds, count);
        for round in 0..count {
            let left = &rows[starts[round]..];
            let now = &left[..starts[round + 1] - starts[round]];
            if round.is_power_of_two() && self.in_order(left, ways.by_row, true)? {
                return Ok(true);
            }
            if round > 0 && now.len() < FEW && left.len() > SMALL {
                return self.in_order(left, ways.one_by_one, false);
            }
            for piece in now.chunks(PIECE) {
                let keys: Vec<u32> = piece.iter().map(|row| self.member[*row as usize]).collect();
                let Some(states) = self.fetch(&keys)? else { return Ok(false) };
                let made = (ways.at_once)(&states, &self.records_at(piece.to_vec())?);
                if !made.is_some_and(|made| self.take_in(piece, &made)) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// By record, how many of its key came before; and the most records of a key.
    fn rounds(&self) -> (Vec<u32>, usize) {
        let mut counts = vec![0_u32; self.places.len()];
        let round = |key: &u32| {
            let count = &mut counts[*key as usize];
            *count += 1;
            *count - 1
        };
        let rounds: Vec<u32> = self.member.iter().map(round).collect();
        (rounds, counts.into_iter().max().unwrap_or(0) as usize)
    }

    /// Tries to look at the records that are left in their order; false, and nothing done, if that is not possible.
    fn in_order(&mut self, left: &[u32], way: ByRow<'_>, need_states: bool) -> Result<bool> {
        let mut left = left.to_vec();
        left.sort_unstable();
        let mut numbers = vec![NONE; self.places.len()];
        let mut keys = Vec::new();
        let mut ids = Vec::with_capacity(left.len());
        for row in &left {
            let key = self.member[*row as usize];
            let number = &mut numbers[key as usize];
            if *number == NONE {
                *number = keys.len() as u32;
                keys.push(key);
            }
            ids.push(*number);
        }
        let Some(states) = self.fetch(&keys)? else { return Ok(false) };
        if need_states && (*states.kind() == Kind::None || states.array().logical_null_count() > 0) {
            return Ok(false);
        }
        let made = way(&states, &ids, &self.records_at(left.clone())?)?;
        Ok(made.is_some_and(|made| self.take_in(&left, &made)))
    }

    fn records_at(&self, rows: Vec<u32>) -> Result<Columns> {
        if rows.len() == self.records.len() {
            // All of them: in order, in the first round and when they go row by row.
            return Ok(self.records.clone());
        }
        Ok(Columns::new(self.records.kind().clone(), pick(self.records.array(), rows)?))
    }

    /// What a step gave for `rows`, which are in order; false if it is nothing that can be kept.
    fn take_in(&mut self, rows: &[u32], made: &Columns) -> bool {
        let Kind::Tuple { items, .. } = made.kind() else { return false };
        let ([element, state, Kind::Int], Some(parts)) = (items.as_slice(), made.array().as_struct_opt()) else {
            return false;
        };
        let [elements, states, done] = parts.columns() else { return false };
        let Some(done) = done.as_primitive_opt::<Int64Type>() else { return false };
        let nulls = states.logical_nulls();
        let missing = |at: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(at));
        // A state that is None is one, and has no form here.
        if parts.null_count() > 0 || (0..rows.len()).any(|at| done.value(at) == SET && missing(at)) {
            return false;
        }
        for (at, row) in rows.iter().enumerate() {
            self.made[*row as usize] = (self.elements.len(), at);
            if done.value(at) != UNTOUCHED {
                let key = self.member[*row as usize] as usize;
                self.places[key] = (self.states.len(), at);
                self.touched[key] = self.touched[key].min(*row);
            }
        }
        self.elements.push(Columns::new(element.clone(), elements.clone()));
        self.states.push(Columns::new(state.clone(), states.clone()));
        true
    }

    /// The states of keys as they are now; None if they are of several kinds.
    fn fetch(&mut self, keys: &[u32]) -> Result<Option<Columns>> {
        if self.states.len() > MOST_STEPS {
            let Some((kind, all)) = self.all_states()? else { return Ok(None) };
            self.states = vec![Columns::new(kind, all)];
            self.places = (0..self.places.len()).map(|key| (0, key)).collect();
        }
        let places: Vec<_> = keys.iter().map(|key| self.places[*key as usize]).collect();
        Ok(put_together(&self.states, &places)?.map(|(kind, states)| Columns::new(kind, states)))
    }

    fn all_states(&self) -> Result<Option<(Kind, ArrayRef)>> {
        put_together(&self.states, &self.places)
    }

    fn all_elements(&self) -> Result<Option<Columns>> {
        if let [all] = self.elements.as_slice() {
            return Ok(Some(all.clone()));
        }
        Ok(put_together(&self.elements, &self.made)?.map(|(kind, all)| Columns::new(kind, all)))
    }
}

/// Rows of several columns as one; None if they are of several kinds.
fn put_together(parts: &[Columns], places: &[(usize, usize)]) -> Result<Option<(Kind, ArrayRef)>> {
    let Some((kind, arrays)) = unified(parts) else { return Ok(None) };
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    Ok(Some((kind, interleave(&arrays, places).map_err(kernel_error)?)))
}
