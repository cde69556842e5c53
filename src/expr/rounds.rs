//! One folded value per key, round by round: in each round the next value of every key is merged, all keys at once.
//!
//! For programs that have no form row by row (lists, methods of text, formats). Pays where a block has many keys with few
//! values each; where it has not, the rows that are left are given back, for Python to fold.
//! 1. The values of a key are merged in their order. Rows that are given back are the last ones of their keys.
//! 2. A round counts for all its keys or for none.
//!
//! Accumulators lie in the chunk of the round that made them; what is out of date is swept out now and then.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_select::interleave::interleave;

use super::program::Program;
use crate::block::{Columns, Kind};
use crate::error::Result as EngineResult;
use crate::kernel::gather::{pick, rows_by_number};
use crate::kernel::keys::kernel_error;
use crate::kernel::top::compacted;
use crate::kernel::weigh::bytes_of;

/// Rounds of fewer keys cost more than Python takes, if more rows than `SMALL` are left.
const FEW: usize = 48;
const SMALL: usize = 256;
/// Chunks, and rows beyond twice the keys, that are kept before a sweep.
const MOST_CHUNKS: usize = 256;
const MOST_ROWS: usize = 1 << 16;

/// Folds by any function.
pub struct RoundFolder {
    create: Program,
    merge: Program,
    value: Kind,
    /// The kind of the accumulators, once there are some.
    folded: Option<Kind>,
    chunks: Vec<ArrayRef>,
    chunk_rows: usize,
    /// By number of key: the chunk of its accumulator, and the row there.
    places: Vec<(usize, usize)>,
    /// By number of key: rows of the block at hand.
    counts: Vec<u32>,
}

impl RoundFolder {
    /// For values of a kind: `create` makes the accumulator of a key's first value, which is the value itself if there is
    /// none.
    pub fn new(create: Option<&Program>, merge: &Program, value: &Kind) -> Self {
        Self {
            create: create.cloned().unwrap_or_else(Program::identity),
            merge: merge.clone(),
            value: value.clone(),
            folded: None,
            chunks: Vec::new(),
            chunk_rows: 0,
            places: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// The kind of the values that come in.
    pub fn kind(&self) -> &Kind {
        &self.value
    }

    /// Number of keys with an accumulator.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nothing is folded in.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// About how many bytes it holds.
    pub fn bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(bytes_of).sum();
        chunks + self.places.capacity() * 16 + self.counts.capacity() * 4
    }

    /// Folds in a value for each key number in `ids`; new keys have the next numbers, in order. The rows that are left to
    /// Python, in order.
    pub fn add(&mut self, ids: &[u32], values: &ArrayRef) -> EngineResult<Vec<u32>> {
        let keys = ids.iter().map(|id| *id as usize + 1).max().unwrap_or(0);
        self.counts.resize(self.counts.len().max(keys), 0);
        let rounds: Vec<u32> = ids
            .iter()
            .map(|id| {
                let count = &mut self.counts[*id as usize];
                *count += 1;
                *count - 1
            })
            .collect();
        ids.iter().for_each(|id| self.counts[*id as usize] = 0);
        let count = rounds.iter().map(|round| *round as usize + 1).max().unwrap_or(0);
        let (rows, starts) = rows_by_number(&rounds, count);
        for round in 0..count {
            let left = &rows[starts[round]..];
            let now = &left[..starts[round + 1] - starts[round]];
            let slow = round > 0 && now.len() < FEW && left.len() > SMALL;
            if slow || !self.round(ids, values, now)? {
                let mut left = left.to_vec();
                left.sort_unstable();
                return Ok(left);
            }
        }
        if self.chunks.len() > MOST_CHUNKS || self.chunk_rows > 2 * self.places.len() + MOST_ROWS {
            self.sweep()?;
        }
        Ok(Vec::new())
    }

    /// Merges one value of each of some keys; false, and nothing merged, if there is no native answer.
    fn round(&mut self, ids: &[u32], values: &ArrayRef, rows: &[u32]) -> EngineResult<bool> {
        let known = self.places.len();
        let (new, old): (Vec<u32>, Vec<u32>) = rows.iter().partition(|row| ids[**row as usize] as usize >= known);
        let column = |rows: &[u32]| Ok(Columns::new(self.value.clone(), pick(values, rows.to_vec())?));
        let created = match new.len() {
            0 => None,
            count => match self.create.eval(&[column(&new)?], count) {
                Ok(made) => Some(made),
                Err(_) => return Ok(false),
            },
        };
        let kind = self.folded.clone().or_else(|| created.as_ref().map(|made| made.kind().clone()));
        let Some(kind) = kind else { return Ok(true) };
        let merged = match old.len() {
            0 => None,
            count => {
                let places: Vec<_> = old.iter().map(|row| self.places[ids[*row as usize] as usize]).collect();
                let folded = Columns::new(kind.clone(), self.gathered(&places)?);
                match self.merge.eval(&[folded, column(&old)?], count) {
                    Ok(made) => Some(made),
                    Err(_) => return Ok(false),
                }
            }
        };
        if [&created, &merged].into_iter().flatten().any(|made| *made.kind() != kind) {
            return Ok(false);
        }
        self.folded = Some(kind);
        // New keys come in the order of their numbers.
        if let Some(made) = created {
            self.places.extend((0..new.len()).map(|row| (self.chunks.len(), row)));
            self.keep(made);
        }
        if let Some(made) = merged {
            let chunk = self.chunks.len();
            old.iter().enumerate().for_each(|(at, row)| self.places[ids[*row as usize] as usize] = (chunk, at));
            self.keep(made);
        }
        Ok(true)
    }

    fn keep(&mut self, made: Columns) {
        self.chunk_rows += made.len();
        self.chunks.push(Arc::clone(made.array()));
    }

    fn gathered(&self, places: &[(usize, usize)]) -> EngineResult<ArrayRef> {
        let chunks: Vec<&dyn Array> = self.chunks.iter().map(AsRef::as_ref).collect();
        interleave(&chunks, places).map_err(kernel_error)
    }

    /// Keeps the accumulators alone.
    fn sweep(&mut self) -> EngineResult<()> {
        let Some(kind) = &self.folded else { return Ok(()) };
        let all = compacted(kind, &self.gathered(&self.places)?)?;
        self.chunk_rows = all.len();
        self.chunks = vec![all];
        self.places = (0..self.chunk_rows).map(|row| (0, row)).collect();
        Ok(())
    }

    /// The folded values by number of their key, of which there is at least one.
    pub fn finish(mut self) -> EngineResult<(Kind, ArrayRef)> {
        self.sweep()?;
        match (self.folded, self.chunks.pop()) {
            (Some(kind), Some(all)) => Ok((kind, all)),
            _ => Err(kernel_error("no folded values")),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::StringViewArray;
    use arrow_array::cast::AsArray;
    use proptest::prelude::*;

    use super::*;
    use crate::expr::{Expr, Node, Op};

    /// `a.strip() + b`
    fn joined() -> Program {
        let mut expr = Expr::new();
        let (a, b) = (expr.add(Node::Arg(0)).unwrap(), expr.add(Node::Arg(1)).unwrap());
        let stripped = expr.add(Node::Op(Op::from_name("method.strip"), vec![a])).unwrap();
        expr.add(Node::Op(Op::from_name("add"), vec![stripped, b])).unwrap();
        Program::new(Arc::new(expr), 2)
    }

    fn texts(values: &[String]) -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values(values))
    }

    fn folded(folder: RoundFolder) -> Vec<String> {
        let (kind, all) = folder.finish().unwrap();
        assert_eq!(kind, Kind::Str);
        all.as_string_view().iter().map(|text| text.unwrap().to_owned()).collect()
    }

    #[test]
    fn few_keys_with_many_values_are_left_to_python_in_order() {
        let mut folder = RoundFolder::new(None, &joined(), &Kind::Str);
        let ids: Vec<u32> = (0..1000).map(|row| row % 2).collect();
        let values: Vec<String> = (0..1000).map(|row| format!("{row} ")).collect();
        let left = folder.add(&ids, &texts(&values)).unwrap();
        assert_eq!(left, (2..1000).collect::<Vec<u32>>());
        assert_eq!(folded(folder), ["0 ", "1 "]);
    }

    proptest! {
        #[test]
        fn rounds_give_what_a_loop_gives(
            rows in prop::collection::vec((0_u32..5, "[ aé]{0,3}"), 1..60), cut in 0_usize..60
        ) {
            let mut known: Vec<u32> = Vec::new();
            let mut model: Vec<String> = Vec::new();
            let ids: Vec<u32> = rows.iter().map(|(key, text)| {
                let id = known.iter().position(|other| other == key).unwrap_or_else(|| {
                    known.push(*key);
                    known.len() - 1
                });
                match model.get_mut(id) {
                    Some(before) => *before = format!("{}{text}", before.trim_matches(' ')),
                    None => model.push(text.clone()),
                }
                id as u32
            }).collect();
            let values: Vec<String> = rows.iter().map(|row| row.1.clone()).collect();
            let mut folder = RoundFolder::new(None, &joined(), &Kind::Str);
            let cut = cut.min(rows.len());
            for (ids, values) in [(&ids[..cut], &values[..cut]), (&ids[cut..], &values[cut..])] {
                if !ids.is_empty() {
                    prop_assert!(folder.add(ids, &texts(values)).unwrap().is_empty());
                }
                folder.sweep().unwrap();
            }
            prop_assert_eq!(folder.len(), model.len());
            prop_assert_eq!(folded(folder), model);
        }
    }
}
