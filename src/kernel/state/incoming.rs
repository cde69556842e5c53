//! Which keys came in a batch, and in which rows?
//!
//! Owns `Incoming`, the pairs of a batch with their keys numbered, and `Rows`, a column of them in the pieces in which it came.
//! 1. Keys are in the order in which they came first, so their first rows ascend.
//! 2. When no key came twice, row and key are the same number, and nothing is held to say so.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::ArrayRef;

use super::table::Table;
use crate::block::{Columns, Kind};
use crate::error::Result;
use crate::kernel::gather::{pair_columns, pick};
use crate::kernel::keys::{Unhashable, joined};

/// The pairs of a batch.
pub(super) struct Incoming {
    /// The distinct keys, in the order in which they came.
    pub ids: Vec<u32>,
    repeats: Option<Repeats>,
    pub keys: Rows,
    pub kind: Kind,
    pub values: Rows,
}

struct Repeats {
    /// The row in which each key came first.
    firsts: Vec<u32>,
    /// For each row, which key it has.
    member: Vec<u32>,
}

/// A column in pieces.
pub(super) struct Rows {
    pieces: Vec<ArrayRef>,
}

impl Incoming {
    /// None if Python must do it; the table is spent then. `blocks` must hold rows.
    pub fn read(table: &mut Table, blocks: &[Columns]) -> Result<Option<Self>> {
        let (mut keys, mut values, mut kind) = (Vec::new(), Vec::new(), None);
        let (mut ids, mut repeats, mut numbers) = (Vec::new(), None, Vec::new());
        let mut row = 0;
        for block in blocks {
            let Some(((key_kind, key), (value_kind, value))) = pair_columns(block) else { return Ok(None) };
            if key_kind != table.keys.kind() || *kind.get_or_insert(value_kind) != value_kind {
                return Ok(None);
            }
            if table.keys.number(key, &mut numbers)? == Err(Unhashable) {
                return Ok(None);
            }
            table.grow();
            for id in &numbers {
                Self::add(table, &mut ids, &mut repeats, row, *id);
                row += 1;
            }
            keys.push(Arc::clone(key));
            values.push(Arc::clone(value));
        }
        for id in &ids {
            table.marks[*id as usize] = u32::MAX;
        }
        let (keys, mut values) = (Rows { pieces: keys }, Rows { pieces: values });
        if repeats.is_some() {
            // The values of one key may be anywhere.
            values = Rows { pieces: vec![values.all()?] };
        }
        Ok(Some(Self { ids, repeats, keys, kind: kind.cloned().unwrap_or(Kind::None), values }))
    }

    fn add(table: &mut Table, ids: &mut Vec<u32>, repeats: &mut Option<Repeats>, row: u32, id: u32) {
        let mark = &mut table.marks[id as usize];
        let is_new = *mark == u32::MAX;
        if is_new {
            *mark = ids.len() as u32;
            ids.push(id);
        } else if repeats.is_none() {
            *repeats = Some(Repeats { firsts: (0..row).collect(), member: (0..row).collect() });
        }
        if let Some(Repeats { firsts, member }) = repeats {
            member.push(*mark);
            if is_new {
                firsts.push(row);
            }
        }
    }

    pub fn is_distinct(&self) -> bool {
        self.repeats.is_none()
    }

    /// For each row, which of `ids` it has, unless that is the row's own number.
    pub fn repeated(&self) -> Option<&[u32]> {
        self.repeats.as_ref().map(|repeats| repeats.member.as_slice())
    }

    /// For each row, which of `ids` it has.
    pub fn member(&self) -> Cow<'_, [u32]> {
        self.repeated().map_or_else(|| (0..self.ids.len() as u32).collect(), Cow::Borrowed)
    }

    /// The row in which a key came first.
    pub fn first(&self, at: usize) -> usize {
        self.repeats.as_ref().map_or(at, |repeats| repeats.firsts[at] as usize)
    }

    pub fn first_keys(&self, at: impl Iterator<Item = usize>) -> Result<ArrayRef> {
        self.keys.pick(at.map(|at| self.first(at) as u32).collect())
    }

    pub fn first_values(&self, at: impl Iterator<Item = usize>) -> Result<ArrayRef> {
        self.values.pick(at.map(|at| self.first(at) as u32).collect())
    }
}

impl Rows {
    /// All as one piece.
    pub fn all(&self) -> Result<ArrayRef> {
        match self.pieces.as_slice() {
            [only] => Ok(Arc::clone(only)),
            pieces => joined(pieces),
        }
    }

    /// Consecutive rows.
    pub fn range(&self, rows: Range<usize>) -> Result<ArrayRef> {
        let (mut start, mut found) = (0, Vec::new());
        for piece in &self.pieces {
            let (from, to) = (rows.start.clamp(start, start + piece.len()), rows.end.clamp(start, start + piece.len()));
            if from < to || (rows.is_empty() && found.is_empty()) {
                found.push(piece.slice(from - start, to - from));
            }
            start += piece.len();
        }
        Self { pieces: found }.all()
    }

    /// Copies of these rows, in their order; cheap if they are near each other.
    pub fn pick(&self, mut rows: Vec<u32>) -> Result<ArrayRef> {
        let first = rows.iter().copied().min().unwrap_or(0);
        let end = rows.iter().copied().max().map_or(0, |last| last as usize + 1);
        rows.iter_mut().for_each(|row| *row -= first);
        pick(&self.range(first as usize..end)?, rows)
    }
}
