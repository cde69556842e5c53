//! States and windows, natively: what a batch does to a partition of them, and the tables between two batches.
//!
//! A table belongs to one snapshot of one partition (`kernel/state`). The task that makes the next snapshot takes it away
//! and leaves a new one; without a table that fits, after a failure say, it makes one from the snapshot. So tables are
//! a matter of speed alone. They count against the memory budget, and are left out when there is no room.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use super::onward::AsColumns;
use crate::block::{Block, Columns};
use crate::error::Result;
use crate::expr::Program;
use crate::kernel::gather::pair_columns;
use crate::kernel::state::{Table, Working};
use crate::memory::Reservation;
use crate::rdd::{Blocks, Task, Update, ready};

struct Kept {
    table: Table,
    _held: Reservation,
}

/// The tables of one stream of states or windows, by partition.
#[derive(Clone, Default)]
pub struct Tables(Arc<Mutex<HashMap<usize, Kept>>>);

impl Tables {
    /// How many partitions have a table.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no partition has one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a batch does by `rule` to the states that these tables are of.
    pub fn update(&self, rule: Rule, as_columns: AsColumns) -> Arc<dyn Update> {
        Arc::new(Native { rule, tables: self.clone(), as_columns })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is done to a pair's state, and by which programs.
pub enum Rule {
    /// `f(new values, state or None)`, for all keys; None forgets the key.
    Update(Program),
    /// `f(total, value)` for keys that left a window.
    Subtract(Program),
    /// `f(total, value)` for keys that came into a window; then the second says which pairs stay.
    Add(Program, Option<Program>),
}

struct Native {
    rule: Rule,
    tables: Tables,
    as_columns: AsColumns,
}

/// All blocks as columns, if they are.
fn columns_of(task: &Task, as_columns: AsColumns, blocks: Blocks) -> Result<Option<Vec<Columns>>> {
    let mut all = Vec::new();
    for block in blocks {
        task.cancel.check()?;
        match as_columns(block?) {
            Ok(columns) if columns.is_empty() => {}
            Ok(columns) => all.push(columns),
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(all))
}

fn call(program: &Program, one: &Columns, other: &Columns) -> Option<Columns> {
    program.eval(&[one.clone(), other.clone()], one.len()).ok()
}

impl Rule {
    fn apply(&self, working: &mut Working, newer: &[Columns]) -> Result<bool> {
        match self {
            Self::Update(program) => working.update(newer, &|new, old| call(program, new, old)),
            Self::Subtract(program) => working.subtract(newer, &|total, old| call(program, total, old)),
            Self::Add(program, keep) => {
                let keeps = |rows: &Columns| keep.as_ref()?.test(std::slice::from_ref(rows), rows.len()).ok();
                working.add(newer, &|total, new| call(program, total, new), keep.as_ref().map(|_| &keeps as _))
            }
        }
    }
}

impl Update for Native {
    fn update(&self, task: &Arc<Task>, partition: usize, older: Blocks, newer: Blocks) -> Result<Option<Blocks>> {
        let columns_of = |blocks| columns_of(task, self.as_columns, blocks);
        let (Some(older), Some(newer)) = (columns_of(older)?, columns_of(newer)?) else { return Ok(None) };
        let Some(first) = older.first().or(newer.first()) else { return Ok(Some(ready(Vec::new()))) };
        let Some(((key, _), (value, _))) = pair_columns(first) else { return Ok(None) };
        let (key, value) = (key.clone(), value.clone());
        let kept = self.tables.lock().remove(&partition);
        let Some(mut working) = Working::open(kept.map(|kept| kept.table), older, &key, &value)? else {
            return Ok(None);
        };
        if !self.rule.apply(&mut working, &newer)? {
            return Ok(None);
        }
        let (table, blocks) = working.close()?;
        let bytes = table.bytes();
        let mut held = task.reservation();
        // A table is worth at most its part of the budget: the states themselves come first.
        if bytes <= task.memory().limit() / 4 && task.memory().make_room(bytes)? {
            held.hold(bytes);
            let kept = Kept { table, _held: held };
            drop(self.tables.lock().insert(partition, kept));
        }
        Ok(Some(ready(blocks.into_iter().map(Block::Columns).collect())))
    }
}
