//! What does a batch do to states? Three ways: new values for a state, values that leave a window, values that come.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, NullArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, OffsetBuffer, ScalarBuffer};
use arrow_select::take::take;

use super::kinds::unified;
use super::rows::identical;
use super::table::{Table, Working};
use crate::block::{Columns, Kind, list_array};
use crate::error::Result;
use crate::kernel::gather::{pair_columns, pairs, pick, rows_by_number};
use crate::kernel::keys::{Unhashable, joined, kernel_error};

/// A function of two columns, row by row; None when it has no exact answer.
pub type Function<'a> = &'a dyn Fn(&Columns, &Columns) -> Option<Columns>;

/// Which pairs stay; None when it has no exact answer.
pub type Filter<'a> = &'a dyn Fn(&Columns) -> Option<BooleanBuffer>;

/// Rows that a function gets at a time.
pub(super) const PIECE: usize = 8192;

/// Keys whose states are made together: what is needed for that alone is then small beside the states. Few in tests, so that
/// their batches have several lots.
const LOT: usize = if cfg!(test) { 3 } else { 4 * PIECE };

/// The pairs of a batch.
pub(super) struct Incoming {
    /// The distinct keys, in the order in which they came.
    pub ids: Vec<u32>,
    /// The row in which each came first.
    firsts: Vec<u32>,
    /// For each row, which of `ids` it has.
    pub member: Vec<u32>,
    pub keys: ArrayRef,
    pub kind: Kind,
    pub values: ArrayRef,
}

impl Incoming {
    /// None if Python must do it. `blocks` must hold rows.
    pub fn read(table: &mut Table, blocks: &[Columns]) -> Result<Option<Self>> {
        let (mut keys, mut values, mut kind) = (Vec::new(), Vec::new(), None);
        for block in blocks {
            let Some(((key_kind, key), (value_kind, value))) = pair_columns(block) else { return Ok(None) };
            if key_kind != table.keys.kind() || *kind.get_or_insert(value_kind) != value_kind {
                return Ok(None);
            }
            keys.push(Arc::clone(key));
            values.push(Arc::clone(value));
        }
        let kind = kind.cloned().unwrap_or(Kind::None);
        let (keys, values) = (joined(&keys)?, joined(&values)?);
        let mut numbers = Vec::new();
        if table.keys.number(&keys, &mut numbers)? == Err(Unhashable) {
            return Ok(None);
        }
        table.grow();
        let (mut ids, mut firsts, mut member) = (Vec::new(), Vec::new(), Vec::with_capacity(numbers.len()));
        for (row, id) in numbers.into_iter().enumerate() {
            let mark = &mut table.marks[id as usize];
            if *mark == u32::MAX {
                *mark = ids.len() as u32;
                ids.push(id);
                firsts.push(row as u32);
            }
            member.push(*mark);
        }
        for id in &ids {
            table.marks[*id as usize] = u32::MAX;
        }
        Ok(Some(Self { ids, firsts, member, keys, kind, values }))
    }

    fn is_distinct(&self) -> bool {
        self.ids.len() == self.member.len()
    }

    pub fn first_keys(&self, at: impl Iterator<Item = usize>) -> Result<ArrayRef> {
        pick(&self.keys, at.map(|at| self.firsts[at]).collect())
    }

    fn first_values(&self, at: impl Iterator<Item = usize>) -> Result<ArrayRef> {
        pick(&self.values, at.map(|at| self.firsts[at]).collect())
    }
}

/// The rows of each key, and the values in them.
struct Grouped<'a> {
    incoming: &'a Incoming,
    rows: Vec<u32>,
    /// Where in `rows` those of each key begin, and the end of the last one.
    starts: Vec<usize>,
}

impl<'a> Grouped<'a> {
    fn new(incoming: &'a Incoming) -> Self {
        let (rows, starts) = rows_by_number(&incoming.member, incoming.ids.len());
        Self { incoming, rows, starts }
    }

    /// The values of each of these keys as a list; empty ones for keys that did not come.
    fn lists(&self, keys: Range<usize>) -> Result<Columns> {
        let start = |key: usize| self.starts[key.min(self.incoming.ids.len())];
        let (first, end) = (start(keys.start), start(keys.end));
        let offsets = (keys.start..=keys.end).map(|key| i32::try_from(start(key) - first));
        let offsets = offsets.collect::<std::result::Result<Vec<_>, _>>();
        let offsets = offsets.map_err(|_| kernel_error("more than 2^31 values in one partition"))?;
        let values = pick(&self.incoming.values, self.rows[first..end].to_vec())?;
        let lists = list_array(values, OffsetBuffer::new(ScalarBuffer::from(offsets)), None)?;
        Ok(Columns::new(Kind::List(Box::new(self.incoming.kind.clone())), lists))
    }
}

fn no_values(rows: usize) -> Result<Columns> {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0; rows + 1]));
    Ok(Columns::new(Kind::List(Box::new(Kind::None)), list_array(Arc::new(NullArray::new(0)), offsets, None)?))
}

/// The function's results for all rows, as one column of kind `expected` (of any one kind if there is none expected) and
/// None; no answer if there is none.
fn call(function: Function<'_>, one: &Columns, other: &Columns, expected: Option<&Kind>) -> Result<Option<Columns>> {
    let mut parts = Vec::new();
    for start in (0..one.len()).step_by(PIECE) {
        let length = PIECE.min(one.len() - start);
        let Some(made) = function(&one.slice(start, length), &other.slice(start, length)) else { return Ok(None) };
        parts.push(made);
    }
    match unified(&parts) {
        Some((kind, arrays)) if kind == Kind::None || expected.is_none_or(|expected| *expected == kind) => {
            Ok(Some(Columns::new(kind, joined(&arrays)?)))
        }
        _ => Ok(None),
    }
}

impl Working {
    /// `function(new values, state)` gives the state of each key that has new values or may still change without any; None
    /// forgets it. Keys that come get a state behind all others. False: Python must do it.
    pub fn update(&mut self, newer: &[Columns], function: Function<'_>) -> Result<bool> {
        let newer: Vec<Columns> = newer.iter().filter(|block| !block.is_empty()).cloned().collect();
        let incoming = if newer.is_empty() { None } else { Incoming::read(&mut self.table, &newer)? };
        if incoming.is_none() && !newer.is_empty() {
            return Ok(false);
        }
        let mut ids = incoming.as_ref().map_or_else(Vec::new, |incoming| incoming.ids.clone());
        let touched = ids.len();
        self.add_unsettled(&mut ids);
        if ids.is_empty() {
            return Ok(true);
        }
        let grouped = incoming.as_ref().map(Grouped::new);
        for start in (0..ids.len()).step_by(LOT) {
            let lot = start..ids.len().min(start + LOT);
            let new = match &grouped {
                Some(grouped) => grouped.lists(lot.clone())?,
                None => no_values(lot.len())?,
            };
            let old = self.states(&ids[lot.clone()])?;
            let expected = self.has_rows().then(|| self.table.value.clone());
            let Some(made) = call(function, &new, &old, expected.as_ref())? else { return Ok(false) };
            drop(new);
            let untouched = touched.clamp(lot.start, lot.end) - start;
            self.store(incoming.as_ref(), (start, &ids[lot]), untouched, (&old, &made))?;
        }
        Ok(true)
    }

    /// Adds the keys that may still change without new values to those of the batch; all are asked again, so none of them is
    /// unsettled any more.
    fn add_unsettled(&mut self, ids: &mut Vec<u32>) {
        for id in ids.iter() {
            self.table.marks[*id as usize] = 0;
        }
        let rest = std::mem::take(&mut self.table.unsettled);
        let touched = ids.len();
        ids.extend(
            rest.into_iter().filter(|id| self.table.marks[*id as usize] != 0 && self.table.place(*id).is_some()),
        );
        for id in &ids[..touched] {
            self.table.marks[*id as usize] = u32::MAX;
        }
    }

    pub(super) fn states(&self, ids: &[u32]) -> Result<Columns> {
        if !self.has_rows() {
            return Ok(Columns::new(Kind::None, Arc::new(NullArray::new(ids.len()))));
        }
        Ok(Columns::new(self.table.value.clone(), self.fetch(1, ids)?))
    }

    /// Sets what was made of the states of `ids`, which are the keys of the batch from `start` on; those from `untouched` on
    /// have no new values.
    fn store(
        &mut self,
        incoming: Option<&Incoming>,
        (start, ids): (usize, &[u32]),
        untouched: usize,
        (old, made): (&Columns, &Columns),
    ) -> Result<()> {
        let nulls = made.array().logical_nulls();
        let same = if old.kind() == made.kind() {
            identical(old.array(), made.array())
        } else {
            BooleanBuffer::new_unset(ids.len())
        };
        let (mut writes, mut removed, mut added) = (Vec::new(), Vec::new(), Vec::new());
        for (at, id) in ids.iter().enumerate() {
            let known = self.table.place(*id).is_some();
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(at)) {
                if known {
                    removed.push(*id);
                }
                continue;
            }
            match (known, same.value(at)) {
                (false, _) => added.push(at as u32),
                (true, false) => writes.push(at as u32),
                (true, true) => {}
            }
            // The function has no memory: a state that it once left as it is without new values, it always will.
            if !(at >= untouched && same.value(at)) {
                self.table.unsettled.push(*id);
            }
        }
        let written: Vec<u32> = writes.iter().map(|at| ids[*at as usize]).collect();
        self.write(&written, made.array(), &writes)?;
        self.remove(&removed)?;
        let Some(incoming) = incoming.filter(|_| !added.is_empty()) else { return Ok(()) };
        if !self.has_rows() {
            self.table.value = made.kind().clone();
        }
        let new_ids: Vec<u32> = added.iter().map(|at| ids[*at as usize]).collect();
        let keys = incoming.first_keys(added.iter().map(|at| start + *at as usize))?;
        let states = take(made.array(), &UInt32Array::from(added), None).map_err(kernel_error)?;
        self.append(&new_ids, &keys, &states)
    }

    /// `function(state, value)` for each key of the batch that has a state, unless the value is None: what left a window is
    /// taken away. A key of the batch must come once. False: Python must do it.
    pub fn subtract(&mut self, newer: &[Columns], function: Function<'_>) -> Result<bool> {
        let newer: Vec<Columns> = newer.iter().filter(|block| !block.is_empty()).cloned().collect();
        if newer.is_empty() || !self.has_rows() {
            return Ok(true);
        }
        let Some(incoming) = Incoming::read(&mut self.table, &newer)?.filter(Incoming::is_distinct) else {
            return Ok(false);
        };
        let nulls = incoming.values.logical_nulls();
        let there: Vec<usize> = (0..incoming.ids.len())
            .filter(|at| self.table.place(incoming.ids[*at]).is_some())
            .filter(|at| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(incoming.firsts[*at] as usize)))
            .collect();
        let ids: Vec<u32> = there.iter().map(|at| incoming.ids[*at]).collect();
        let values = Columns::new(incoming.kind.clone(), incoming.first_values(there.into_iter())?);
        if !self.fold(&ids, &values, function)? {
            return Ok(false);
        }
        let mut changed = ids;
        self.add_unsettled(&mut changed);
        self.table.unsettled = changed;
        Ok(true)
    }

    /// `function(state, value)` for each key of the batch that has a state; the value is the state of one that has none. A
    /// key of the batch must come once. Then `keep` says of all pairs that changed since it was last asked which of them
    /// stay. False: Python must do it.
    pub fn add(&mut self, newer: &[Columns], function: Function<'_>, keep: Option<Filter<'_>>) -> Result<bool> {
        let newer: Vec<Columns> = newer.iter().filter(|block| !block.is_empty()).cloned().collect();
        let mut changed = Vec::new();
        if !newer.is_empty() {
            let Some(incoming) = Incoming::read(&mut self.table, &newer)?.filter(Incoming::is_distinct) else {
                return Ok(false);
            };
            if self.has_rows() && incoming.kind != self.table.value {
                return Ok(false);
            }
            let (there, new): (Vec<usize>, Vec<usize>) =
                (0..incoming.ids.len()).partition(|at| self.table.place(incoming.ids[*at]).is_some());
            let ids: Vec<u32> = there.iter().map(|at| incoming.ids[*at]).collect();
            let values = Columns::new(incoming.kind.clone(), incoming.first_values(there.into_iter())?);
            if !self.fold(&ids, &values, function)? {
                return Ok(false);
            }
            if !self.has_rows() {
                self.table.value = incoming.kind.clone();
            }
            let new_ids: Vec<u32> = new.iter().map(|at| incoming.ids[*at]).collect();
            if !new_ids.is_empty() {
                let (keys, values) =
                    (incoming.first_keys(new.iter().copied())?, incoming.first_values(new.into_iter())?);
                self.append(&new_ids, &keys, &values)?;
            }
            changed = incoming.ids;
        }
        self.add_unsettled(&mut changed);
        match keep {
            Some(keep) => self.filter(&changed, keep),
            None => Ok(true),
        }
    }

    fn fold(&mut self, ids: &[u32], values: &Columns, function: Function<'_>) -> Result<bool> {
        if ids.is_empty() {
            return Ok(true);
        }
        let old = self.states(ids)?;
        let Some(made) = call(function, &old, values, Some(&self.table.value))? else { return Ok(false) };
        if *made.kind() != self.table.value {
            return Ok(false);
        }
        let same = identical(old.array(), made.array());
        let writes: Vec<u32> = (0..ids.len() as u32).filter(|at| !same.value(*at as usize)).collect();
        let written: Vec<u32> = writes.iter().map(|at| ids[*at as usize]).collect();
        self.write(&written, made.array(), &writes)?;
        Ok(true)
    }

    fn filter(&mut self, ids: &[u32], keep: Filter<'_>) -> Result<bool> {
        for ids in ids.chunks(PIECE) {
            let (keys, states) = (self.fetch(0, ids)?, self.fetch(1, ids)?);
            let rows = pairs((self.table.keys.kind().clone(), keys), (self.table.value.clone(), states))?;
            let Some(kept) = keep(&rows) else { return Ok(false) };
            let removed: Vec<u32> =
                ids.iter().enumerate().filter(|(at, _)| !kept.value(*at)).map(|(_, id)| *id).collect();
            self.remove(&removed)?;
        }
        Ok(true)
    }
}
