//! What do actions make of a partition: its largest elements, how often each occurs, one folded value?
//!
//! Elements are taken in as columns. What came of them is given to the step's own function in Python, with whatever is
//! left of the input: with nothing, when all went well; else with the rows from the first on that Python must look at.
//! Either the function takes it as elements that came first, or `tasks.resumed` lets it begin there.

use std::ops::Range;
use std::sync::Arc;

use super::folding::{AnyFolder, Folding, Left};
use super::keyed::Table;
use super::running::Running;
use super::taken::Taken;
use crate::block::{Block, Columns, Kind};
use crate::error::Result;
use crate::expr::Program;
use crate::kernel::gather::pairs;
use crate::kernel::keys::{KeyTable, Unhashable, kernel_error};
use crate::kernel::stats::{Stats, Total};
use crate::kernel::top::Top;
use crate::kernel::weigh::bytes_of;
use crate::rdd::{Blocks, ready};

/// Rows whose keys are computed at once.
const CHUNK: usize = 8192;

/// What is made of the elements.
#[derive(Clone)]
pub enum Reducing {
    /// The `number` largest or smallest by `key` of the element, or by itself.
    Top { number: usize, key: Option<Program>, largest: bool },
    /// How often each occurs.
    Counts,
    /// The first folded with the others.
    Reduce(Folding),
    /// A zero folded with all.
    Fold(Folding),
    /// One value per key.
    Pairs(Folding),
    /// The sum; `compensated` as Python adds floats since 3.12.
    Sum { compensated: bool },
    /// Mean, deviations and extremes.
    Stats,
}

impl Reducing {
    /// The first element folded with the others; `None` where that has no native form.
    pub fn reduce(merge: &Program) -> Option<Self> {
        Some(Folding::new(None, merge)).filter(Folding::runs_by_row).map(Self::Reduce)
    }

    /// A zero, which `create` merges with the first element, folded with all; `None` where that has no native form.
    pub fn fold(create: &Program, merge: &Program) -> Option<Self> {
        Some(Folding::new(Some(create), merge)).filter(Folding::runs_by_row).map(Self::Fold)
    }

    /// Whether objects are worth a conversion: Python takes them faster than that where little is done with each.
    pub(super) fn pays_conversion(&self) -> bool {
        !matches!(self, Self::Sum { .. } | Self::Stats)
    }
}

/// What was made so far; `None` before the first row.
enum Made {
    Top(Top),
    Counts(KeyTable, Vec<i64>),
    Folded(AnyFolder),
    Pairs(Box<Table>),
    Total(Total),
    Stats(Stats),
}

impl Made {
    /// For elements of a kind; `None` if Python must take them.
    fn new(what: &Reducing, columns: &Columns) -> Option<Self> {
        Some(match what {
            Reducing::Top { number, largest, .. } => Self::Top(Top::new(*number, *largest)),
            Reducing::Counts => Self::Counts(KeyTable::new(columns.kind())?, Vec::new()),
            Reducing::Reduce(folding) | Reducing::Fold(folding) => Self::Folded(folding.by_row(columns.kind())?),
            Reducing::Pairs(folding) => Self::Pairs(Box::new(Table::new(folding, columns)?)),
            Reducing::Sum { compensated } => Self::Total(Total::new(columns.kind(), *compensated)?),
            Reducing::Stats => Self::Stats(Stats::new(columns.kind())?),
        })
    }

    /// About how many bytes it holds.
    fn bytes(&self) -> usize {
        match self {
            Self::Top(top) => top.bytes(),
            Self::Counts(keys, counts) => keys.bytes() + counts.capacity() * 8,
            Self::Folded(folder) => folder.bytes(),
            Self::Pairs(table) => table.bytes(),
            Self::Total(_) | Self::Stats(_) => 0,
        }
    }

    /// Whether Python could go on from it alone. Else it must see all rows again.
    fn says_all(&self) -> bool {
        match self {
            Self::Top(top) => !top.may_meet_nan(),
            Self::Total(total) => total.says_all(),
            _ => true,
        }
    }

    /// Takes in rows; those that Python must look at, if there are some.
    fn add(&mut self, what: &Reducing, columns: &Columns) -> Result<Option<Columns>> {
        let row = match self {
            Self::Pairs(table) => return table.add(columns),
            Self::Top(top) => add_to_top(top, what, columns)?,
            Self::Counts(keys, counts) => {
                let mut ids = Vec::new();
                if columns.kind() != keys.kind() || keys.number(columns.array(), &mut ids)? == Err(Unhashable) {
                    return Ok(Some(columns.clone()));
                }
                counts.resize(keys.len(), 0);
                ids.iter().for_each(|id| counts[*id as usize] += 1);
                return Ok(None);
            }
            Self::Folded(folder) if columns.kind() != folder.kind() => Some(0),
            Self::Folded(folder) => match folder.add(&vec![0; columns.len()], columns.array())? {
                None => None,
                Some(Left::From(row)) => Some(row),
                Some(Left::Rows(_)) => return Err(kernel_error("a fold without keys in rounds")),
            },
            Self::Total(total) => total.add(columns)?,
            Self::Stats(stats) => stats.add(columns)?,
        };
        Ok(row.map(|row| columns.slice(row, columns.len() - row)))
    }

    /// As elements of a column; `None` if there is none yet.
    fn finish(self) -> Result<Option<Columns>> {
        Ok(match self {
            Self::Top(top) => top.finish(),
            Self::Counts(keys, _) if keys.is_empty() => None,
            Self::Counts(keys, counts) => {
                let kind = keys.kind().clone();
                let counts = Arc::new(arrow_array::Int64Array::from(counts));
                Some(pairs((kind, keys.finish()?), (Kind::Int, counts))?)
            }
            Self::Folded(folder) => {
                let (kind, array) = folder.finish()?;
                Some(Columns::new(kind, array))
            }
            Self::Pairs(table) if table.is_empty() => None,
            Self::Pairs(table) => Some(table.finish()?),
            Self::Total(total) => Some(total.finish()),
            Self::Stats(stats) => Some(stats.finish()?),
        }
        .filter(|made| !made.is_empty()))
    }
}

fn add_to_top(top: &mut Top, what: &Reducing, columns: &Columns) -> Result<Option<usize>> {
    let Reducing::Top { key, .. } = what else { return Ok(Some(0)) };
    for start in (0..columns.len()).step_by(CHUNK) {
        let chunk = columns.slice(start, CHUNK.min(columns.len() - start));
        let keys = match key {
            None => Some(chunk.clone()),
            Some(program) => program.eval(std::slice::from_ref(&chunk), chunk.len()).ok(),
        };
        let Some(keys) = keys else { return Ok(Some(start)) };
        if !top.add(&chunk, &keys)? {
            return Ok(Some(start));
        }
    }
    Ok(None)
}

/// The partition reduced: the blocks of the step's results.
pub(super) fn reduced(running: &Arc<Running>, steps: Range<usize>, what: &Reducing, input: Blocks) -> Result<Blocks> {
    let mut input = if what.pays_conversion() { Taken::new(running, input) } else { Taken::as_they_are(input) };
    let mut made: Option<Made> = None;
    // All rows so far, where what was made of them does not say all.
    let mut seen: Vec<Block> = Vec::new();
    let mut seen_bytes = 0;
    let mut held = running.task.reservation();
    while let Some(block) = input.next() {
        running.task.cancel.check()?;
        let block = block?;
        let columns = match block {
            Block::Columns(columns) => Ok(columns),
            objects if what.pays_conversion() => running.columns(objects),
            objects => Err(objects),
        };
        let rest = match columns {
            Err(objects) => objects,
            Ok(columns) if columns.is_empty() => continue,
            Ok(columns) => {
                if made.is_none() {
                    made = Made::new(what, &columns);
                }
                let more = (seen_bytes + 2 * made.as_ref().map_or(0, Made::bytes)).saturating_sub(held.bytes());
                let left = match &mut made {
                    Some(made) if held.try_reserve(more)? => made.add(what, &columns)?,
                    _ => Some(columns.clone()),
                };
                let whole = made.as_ref().is_some_and(|made| !made.says_all());
                let Some(left) = left else {
                    if whole {
                        seen_bytes += bytes_of(columns.array());
                        seen.push(Block::Columns(columns));
                    }
                    continue;
                };
                Block::Columns(if whole { columns } else { left })
            }
        };
        let made = made.filter(Made::says_all);
        return hand_over(running, steps, what, made, Box::new(ready(seen).chain([Ok(rest)]).chain(input.rest())));
    }
    hand_over(running, steps, what, made, ready(Vec::new()))
}

fn hand_over(
    running: &Arc<Running>,
    steps: Range<usize>,
    what: &Reducing,
    made: Option<Made>,
    rest: Blocks,
) -> Result<Blocks> {
    let made = made.map(Made::finish).transpose()?.flatten();
    let Some(made) = made else { return Ok(running.python(steps, rest)) };
    Ok(match what {
        Reducing::Top { .. } | Reducing::Reduce(_) => {
            running.python(steps, Box::new(std::iter::once(Ok(Block::Columns(made))).chain(rest)))
        }
        _ => running.python_from(steps, Some(made), rest),
    })
}
