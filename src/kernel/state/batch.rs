//! What does a batch do to states? Three ways: new values for a state, values that leave a window, values that come.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, NullArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, OffsetBuffer, ScalarBuffer};
use arrow_select::take::take;

use super::incoming::Incoming;
use super::kinds::unified;
use super::rows::identical;
use super::table::Working;
use crate::block::{Columns, Kind, list_array};
use crate::error::Result;
use crate::kernel::gather::{pairs, pick, rows_by_number};
use crate::kernel::keys::{joined, kernel_error};

/// A function of two columns, row by row; None when it has no exact answer.
pub type Function<'a> = &'a dyn Fn(&Columns, &Columns) -> Option<Columns>;

/// Which pairs stay; None when it has no exact answer.
pub type Filter<'a> = &'a dyn Fn(&Columns) -> Option<BooleanBuffer>;

/// Rows that a function gets at a time.
pub(super) const PIECE: usize = 8192;

/// Keys whose states are made together: what is needed for that alone is then small beside the states. Few in tests, so that
/// their batches have several lots.
const LOT: usize = if cfg!(test) { 3 } else { 4 * PIECE };

/// The values of each of these keys of a batch as a list.
struct Grouped<'a> {
    incoming: &'a Incoming,
    /// The rows of each key, and where in them those of each key begin, and the end of the last one; none when no key came
    /// twice.
    sorted: Option<(Vec<u32>, Vec<usize>)>,
}

impl<'a> Grouped<'a> {
    fn new(incoming: &'a Incoming) -> Self {
        let sorted = incoming.repeated().map(|member| rows_by_number(member, incoming.ids.len()));
        Self { incoming, sorted }
    }

    fn lists(&self, keys: Range<usize>) -> Result<Columns> {
        let (values, offsets) = match &self.sorted {
            Some((rows, starts)) => {
                let (first, end) = (starts[keys.start], starts[keys.end]);
                let values = self.incoming.values.pick(rows[first..end].to_vec())?;
                (values, starts[keys.start..=keys.end].iter().map(|start| i32::try_from(start - first)).collect())
            }
            None => (self.incoming.values.range(keys.clone())?, (0..=keys.len()).map(i32::try_from).collect()),
        };
        let offsets: std::result::Result<Vec<i32>, _> = offsets;
        let offsets = offsets.map_err(|_| kernel_error("more than 2^31 values in one partition"))?;
        let lists = list_array(values, OffsetBuffer::new(ScalarBuffer::from(offsets)), None)?;
        Ok(Columns::new(Kind::List(Box::new(self.incoming.kind.clone())), lists))
    }
}

/// Empty lists of `nothing`, which has no rows: those of a batch are of one kind, also for keys that did not come.
fn empty_lists(kind: &Kind, nothing: &ArrayRef, rows: usize) -> Result<Columns> {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0; rows + 1]));
    Ok(Columns::new(Kind::List(Box::new(kind.clone())), list_array(Arc::clone(nothing), offsets, None)?))
}

/// The function's results for all rows, as one column of the kind of `like` (of any one kind if there is none) and None; no
/// answer if there is none.
fn call(function: Function<'_>, one: &Columns, other: &Columns, like: Option<&Columns>) -> Result<Option<Columns>> {
    // Without rows: for results that could be of several kinds, such as empty lists.
    let mut parts: Vec<Columns> = like.iter().map(|like| like.slice(0, 0)).collect();
    for start in (0..one.len()).step_by(PIECE) {
        let length = PIECE.min(one.len() - start);
        let Some(made) = function(&one.slice(start, length), &other.slice(start, length)) else { return Ok(None) };
        parts.push(made);
    }
    match unified(&parts) {
        Some((kind, arrays)) if kind == Kind::None || like.is_none_or(|like| *like.kind() == kind) => {
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
        let touched = incoming.as_ref().map_or(&[][..], |incoming| &incoming.ids);
        let untouched = self.table.take_unsettled(touched);
        if let Some(incoming) = &incoming {
            let grouped = Grouped::new(incoming);
            for start in (0..touched.len()).step_by(LOT) {
                let lot = start..touched.len().min(start + LOT);
                let new = grouped.lists(lot.clone())?;
                if !self.make(new, &touched[lot], Some((incoming, start)), function)? {
                    return Ok(false);
                }
            }
        }
        let (kind, nothing) = match &incoming {
            Some(incoming) => (incoming.kind.clone(), incoming.values.range(0..0)?),
            None => (Kind::None, Arc::new(NullArray::new(0)) as ArrayRef),
        };
        for lot in untouched.chunks(LOT) {
            if !self.make(empty_lists(&kind, &nothing, lot.len())?, lot, None, function)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The states of `ids`, from these lists of new values and their states before; `batch`: the batch that they came in,
    /// and where in its keys they are. False if there is no answer.
    fn make(
        &mut self,
        new: Columns,
        ids: &[u32],
        batch: Option<(&Incoming, usize)>,
        function: Function<'_>,
    ) -> Result<bool> {
        let old = self.states(ids)?;
        let like = self.has_rows().then_some(&old);
        let Some(made) = call(function, &new, &old, like)? else { return Ok(false) };
        drop(new);
        self.store(batch, ids, &old, &made)?;
        Ok(true)
    }

    pub(super) fn states(&self, ids: &[u32]) -> Result<Columns> {
        if !self.has_rows() {
            return Ok(Columns::new(Kind::None, Arc::new(NullArray::new(ids.len()))));
        }
        Ok(Columns::new(self.table.value.clone(), self.fetch(1, ids)?))
    }

    /// Sets what was made of the states of `ids`; see `make`.
    fn store(&mut self, batch: Option<(&Incoming, usize)>, ids: &[u32], old: &Columns, made: &Columns) -> Result<()> {
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
            if batch.is_some() || !same.value(at) {
                self.table.unsettled.set_bit(*id as usize, true);
            }
        }
        let written: Vec<u32> = writes.iter().map(|at| ids[*at as usize]).collect();
        self.write(&written, made.array(), &writes)?;
        self.remove(&removed)?;
        let Some((incoming, start)) = batch.filter(|_| !added.is_empty()) else { return Ok(()) };
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
        let values = incoming.values.all()?;
        let nulls = values.logical_nulls();
        let there: Vec<usize> = (0..incoming.ids.len())
            .filter(|at| self.table.place(incoming.ids[*at]).is_some())
            .filter(|at| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(incoming.first(*at))))
            .collect();
        let ids: Vec<u32> = there.iter().map(|at| incoming.ids[*at]).collect();
        let values = pick(&values, there.into_iter().map(|at| incoming.first(at) as u32).collect())?;
        let values = Columns::new(incoming.kind.clone(), values);
        if !self.fold(&ids, &values, function)? {
            return Ok(false);
        }
        ids.iter().for_each(|id| self.table.unsettled.set_bit(*id as usize, true));
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
        changed.extend(self.table.take_unsettled(&changed));
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
        let Some(made) = call(function, &old, values, Some(&old))? else { return Ok(false) };
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
