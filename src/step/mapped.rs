//! The step of `mapWithState`: what do the records of a batch, and time, make of the states of their keys?
//!
//! 1. A batch is applied as a whole or not at all.
//! 2. The lock of the states is held while records are looked at, and when what they made is to count; not while the function
//!    is called for keys that time out.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{Array, BooleanArray};
use arrow_select::filter::filter;

use super::key_states::KeyStates;
use super::running::Running;
use super::taken::Taken;
use crate::block::{Block, Columns, Kind};
use crate::error::Result;
use crate::expr::{Program, RowMapper};
use crate::kernel::gather::pair_columns;
use crate::kernel::keys::kernel_error;
use crate::kernel::state::{Table, Ways, Working};
use crate::rdd::{Blocks, ready};

/// What a batch does to the states of its keys.
#[derive(Clone)]
pub struct Mapped {
    /// By partition.
    pub states: Arc<Vec<Arc<Mutex<KeyStates>>>>,
    pub program: Program,
    pub batch: Batch,
}

/// What the states have to know of a batch. Times are milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    pub time: i64,
    /// The oldest version that may still be asked for.
    pub oldest: i64,
    /// States older than this are too far behind; Python says so.
    pub least: i64,
    /// Whether None is an element like any other.
    pub emits_none: bool,
    /// Keys that were not touched since then time out now; None: not looked for in this batch.
    pub idle_before: Option<i64>,
}

/// The elements that the records of a partition give; from Python, where there is no native answer.
pub(super) fn mapped_states(
    running: &Arc<Running>,
    steps: Range<usize>,
    what: &Mapped,
    input: Blocks,
) -> Result<Blocks> {
    let mut input = Taken::new(running, input);
    // All of them, before anything else: this applies the batches before.
    let (mut records, mut seen) = (Vec::new(), Vec::new());
    while let Some(block) = input.next() {
        running.task.cancel.check()?;
        match running.columns(block?) {
            Ok(columns) if columns.is_empty() => {}
            Ok(columns) => {
                seen.push(Block::Columns(columns.clone()));
                records.push(columns);
            }
            Err(objects) => {
                seen.push(objects);
                return Ok(running.python(steps, Box::new(ready(seen).chain(input.rest()))));
            }
        }
    }
    let states = what.states.get(running.partition).ok_or_else(|| kernel_error("a partition without states"))?;
    let lock = || states.lock().unwrap_or_else(PoisonError::into_inner);
    let made = lock().make(running, steps.start, what, &records)?;
    let Some(mut made) = made else { return Ok(running.python(steps, ready(seen))) };
    let mut blocks = Vec::new();
    if let Some(elements) = made.elements.take() {
        blocks.push(Block::Columns(if what.batch.emits_none { elements } else { without_none(&elements)? }));
    }
    if let Some(idle) = made.idle.take() {
        blocks.push(running.onward.call_for_idle(steps.start, &idle)?);
    }
    lock().keep(&what.batch, made)?;
    Ok(ready(blocks))
}

fn without_none(elements: &Columns) -> Result<Columns> {
    let Some(nulls) = elements.array().logical_nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Ok(elements.clone());
    };
    let kept = BooleanArray::new(nulls.into_inner(), None);
    Ok(Columns::new(elements.kind().clone(), filter(elements.array(), &kept).map_err(kernel_error)?))
}

/// What a batch makes of states, before it counts.
pub(super) struct Made {
    /// The version before it, and whether that is the batch's own, made once before.
    pub last: Option<i64>,
    pub again: bool,
    pub table: Option<Table>,
    pub blocks: Vec<Columns>,
    pub elements: Option<Columns>,
    /// Keys that time out, and the states that they had.
    pub idle: Option<Columns>,
}

/// What the records of a batch, and time, make of states; false if Python must do it.
pub(super) fn map_into(
    made: &mut Made,
    (running, step, what): (&Running, usize, &Mapped),
    timed: bool,
    records: &[Columns],
) -> Result<bool> {
    let (table, blocks) = (made.table.take(), std::mem::take(&mut made.blocks));
    let Some(first) = records.first().or(blocks.first()) else { return Ok(true) };
    let Some(((key, _), _)) = pair_columns(first) else { return Ok(false) };
    let key = key.clone();
    let Some(mut working) = Working::open(table, blocks, &key, &Kind::None)? else { return Ok(false) };
    if !records.is_empty() {
        let now = timed.then_some(what.batch.time);
        made.elements = map_records((running, step, &what.program), &mut working, records, now)?;
        if made.elements.is_none() {
            return Ok(false);
        }
    }
    if let Some(before) = what.batch.idle_before {
        made.idle = working.take_idle(before)?;
    }
    let (table, blocks) = working.close()?;
    (made.table, made.blocks) = (Some(table), blocks);
    Ok(true)
}

fn map_records(
    (running, step, program): (&Running, usize, &Program),
    working: &mut Working,
    records: &[Columns],
    now: Option<i64>,
) -> Result<Option<Columns>> {
    let at_once = |states: &Columns, records: &Columns| {
        let arguments = [states.clone(), records.clone()];
        program.eval(&arguments, records.len()).ok()
    };
    let by_row = |states: &Columns, ids: &[u32], records: &Columns| {
        let Ok(mapper) = RowMapper::new(program, states.kind(), records.kind()) else { return Ok(None) };
        let made = mapper.map(states.array(), ids, (records.kind(), records.array()))?;
        Ok(made.map(|(kind, array)| Columns::new(kind, array)))
    };
    let one_by_one =
        |states: &Columns, ids: &[u32], records: &Columns| running.onward.call_by_row(step, states, ids, records);
    working.map(records, &Ways { at_once: &at_once, by_row: &by_row, one_by_one: &one_by_one }, now)
}
