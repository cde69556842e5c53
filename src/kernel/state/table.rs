//! Where is the state of a key, and which snapshot does a table belong to?

use std::sync::{Arc, Weak};

use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::BooleanBufferBuilder;
use arrow_buffer::bit_iterator::BitIndexU32Iterator;
use arrow_select::filter::filter;

use super::changes::{address, column};
use super::rows::{Place, gather, put};
use crate::block::{Columns, Kind, compact};
use crate::error::Result;
use crate::kernel::gather::{pair_columns, pairs, rows_by_number};
use crate::kernel::keys::{KeyTable, Unhashable, joined, kernel_error};

/// Most rows of a chunk: few enough that copying it for one changed state is cheap.
const CHUNK: usize = 2048;
/// Chunks and forgotten keys that never make a table worth making anew.
const FEW_CHUNKS: usize = 16;
const FEW_KEYS: usize = 4096;

/// What is known of a snapshot.
pub struct Table {
    pub(super) keys: KeyTable,
    /// The kind of the states; of no use while there is none.
    pub(super) value: Kind,
    /// By key number: `packed` places.
    places: Vec<u32>,
    chunks: Vec<Chunk>,
    live: usize,
    /// By key number: whether a batch without new values may still change the state. Also set for keys that have none.
    pub(super) unsettled: BooleanBufferBuilder,
    /// By key number; `u32::MAX` between batches.
    pub(super) marks: Vec<u32>,
}

#[derive(Default)]
struct Chunk {
    /// The key number of each row.
    ids: Vec<u32>,
    /// The array that was given away; its address stays taken as long as this lives.
    given: Option<Weak<dyn Array>>,
}

/// The chunks of a snapshot, by their numbers in the table; none for one without rows.
type Chunks = Vec<Option<Columns>>;

/// A table and its snapshot.
pub struct Working {
    pub(super) table: Table,
    chunks: Chunks,
}

/// The place of a key without a row.
const NOWHERE: u32 = u32::MAX;

/// Most chunks of a table: as many as places have numbers for.
const MOST_CHUNKS: usize = NOWHERE as usize / CHUNK;

/// A place in 4 bytes; `chunk` is below `MOST_CHUNKS`, `position` below `CHUNK`.
fn packed(chunk: usize, position: usize) -> u32 {
    (chunk * CHUNK + position) as u32
}

impl Table {
    /// An empty one; None for keys that Python must tell apart.
    fn new(key: &Kind, value: &Kind) -> Option<Self> {
        Some(Self {
            keys: KeyTable::new(key)?,
            value: value.clone(),
            places: Vec::new(),
            chunks: Vec::new(),
            live: 0,
            unsettled: BooleanBufferBuilder::new(0),
            marks: Vec::new(),
        })
    }

    /// About how many bytes it holds.
    pub fn bytes(&self) -> usize {
        let places = (self.places.capacity() + self.marks.capacity()) * 4;
        self.keys.bytes() + places + self.live * 4 + self.unsettled.capacity() / 8
    }

    /// Number of keys with a state.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether no key has a state.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// `blocks` by the numbers of the chunks, if they are the snapshot that the table belongs to.
    fn recognise(&self, blocks: &[Columns]) -> Option<Chunks> {
        let mut blocks = blocks.iter();
        let mut chunks = Vec::with_capacity(self.chunks.len());
        for chunk in &self.chunks {
            if chunk.ids.is_empty() {
                chunks.push(None);
                continue;
            }
            let (block, given) = (blocks.next()?, chunk.given.as_ref()?);
            if address(block.array()) != given.as_ptr().cast::<()>() {
                return None;
            }
            chunks.push(Some(block.clone()));
        }
        blocks.next().is_none().then_some(chunks)
    }

    pub(super) fn place(&self, id: u32) -> Place {
        let packed = *self.places.get(id as usize)?;
        (packed != NOWHERE).then_some((packed as usize / CHUNK, packed as usize % CHUNK))
    }

    /// Makes room for the keys that were numbered since.
    pub(super) fn grow(&mut self) {
        self.places.resize(self.keys.len(), NOWHERE);
        self.marks.resize(self.keys.len(), u32::MAX);
        self.unsettled.resize(self.keys.len());
    }

    /// The keys whose states may still change without new values, but for `others`; none is unsettled any more: all are
    /// asked again.
    pub(super) fn take_unsettled(&mut self, others: &[u32]) -> Vec<u32> {
        others.iter().for_each(|id| self.unsettled.set_bit(*id as usize, false));
        let found = BitIndexU32Iterator::new(self.unsettled.as_slice(), 0, self.unsettled.len());
        let found = found.filter(|id| self.place(*id).is_some()).collect();
        self.unsettled.as_slice_mut().fill(0);
        found
    }
}

impl Working {
    /// The states of `blocks`, with `table` if it belongs to them, else with a new one. `key` and `value` are the kinds to
    /// begin with if there is no state yet. None when Python must do it: states of several kinds, or a key twice.
    pub fn open(table: Option<Table>, blocks: Vec<Columns>, key: &Kind, value: &Kind) -> Result<Option<Self>> {
        let blocks: Vec<Columns> = blocks.into_iter().filter(|block| !block.is_empty()).collect();
        if let Some(table) = table.filter(|table| table.live > 0)
            && let Some(chunks) = table.recognise(&blocks)
        {
            return Ok((table.keys.kind() == key).then_some(Self { table, chunks }));
        }
        let Some(first) = blocks.first() else {
            return Ok(Table::new(key, value).map(|table| Self { table, chunks: Vec::new() }));
        };
        match pair_columns(first) {
            Some(((kind, _), _)) if kind == key => Self::build(&blocks),
            _ => Ok(None),
        }
    }

    fn build(blocks: &[Columns]) -> Result<Option<Self>> {
        let Some(((key, _), (value, _))) = blocks.first().and_then(pair_columns) else { return Ok(None) };
        let Some(table) = Table::new(key, value) else { return Ok(None) };
        let mut made = Self { table, chunks: Vec::new() };
        let rows: usize = blocks.iter().map(Columns::len).sum();
        if blocks.len() > FEW_CHUNKS + 2 * rows / CHUNK {
            if blocks.iter().any(|block| block.kind() != blocks[0].kind()) {
                return Ok(None);
            }
            let arrays: Vec<ArrayRef> = blocks.iter().map(|block| Arc::clone(block.array())).collect();
            let all = Columns::new(blocks[0].kind().clone(), compact(&joined(&arrays)?)?);
            return Ok(made.load(&all)?.then_some(made));
        }
        for block in blocks {
            if !made.load(block)? {
                return Ok(None);
            }
        }
        Ok(Some(made))
    }

    /// More rows at the end; false if they do not fit in.
    fn load(&mut self, block: &Columns) -> Result<bool> {
        let Some(((key, keys), (value, _))) = pair_columns(block) else { return Ok(false) };
        let known = self.table.keys.len();
        let mut ids = Vec::new();
        if key != self.table.keys.kind() || *value != self.table.value {
            return Ok(false);
        }
        // A key twice has a number that is not the next one.
        if self.table.keys.number(keys, &mut ids)? == Err(Unhashable) || self.table.keys.len() != known + ids.len() {
            return Ok(false);
        }
        self.table.grow();
        for start in (0..block.len()).step_by(CHUNK) {
            let length = CHUNK.min(block.len() - start);
            // A chunk stays the very same array, by which versions know it.
            let rows = if length == block.len() { block.clone() } else { block.slice(start, length) };
            self.push_chunk(ids[start..start + length].to_vec(), rows)?;
        }
        ids.iter().for_each(|id| self.table.unsettled.set_bit(*id as usize, true));
        Ok(true)
    }

    fn push_chunk(&mut self, ids: Vec<u32>, rows: Columns) -> Result<()> {
        if self.chunks.len() == MOST_CHUNKS {
            return Err(kernel_error("more than 2^32 states in one partition"));
        }
        self.table.live += ids.len();
        self.table.chunks.push(Chunk { ids, given: None });
        self.chunks.push(Some(rows));
        self.locate(self.chunks.len() - 1, 0);
        Ok(())
    }

    /// Notes where the rows of a chunk are, from position `from` on.
    fn locate(&mut self, chunk: usize, from: usize) {
        for (position, id) in self.table.chunks[chunk].ids.iter().enumerate().skip(from) {
            self.table.places[*id as usize] = packed(chunk, position);
        }
    }

    /// Keys (item 0) or states (item 1) of rows, None for keys without one. There must be a chunk.
    pub(super) fn fetch(&self, item: usize, ids: &[u32]) -> Result<ArrayRef> {
        self.fetch_of(ids, |rows| column(rows, item))
    }

    /// The same of what is a column of the rows of a chunk.
    pub(super) fn fetch_of(&self, ids: &[u32], part: impl Fn(&Columns) -> Result<&ArrayRef>) -> Result<ArrayRef> {
        let mut numbers = vec![usize::MAX; self.chunks.len()];
        let mut arrays: Vec<&ArrayRef> = Vec::new();
        for (number, rows) in self.chunks.iter().enumerate() {
            if let Some(rows) = rows {
                numbers[number] = arrays.len();
                arrays.push(part(rows)?);
            }
        }
        let places: Vec<Place> =
            ids.iter().map(|id| self.table.place(*id).map(|(chunk, row)| (numbers[chunk], row))).collect();
        gather(&arrays, &places)
    }

    /// The rows of each chunk that has some, and the numbers of their keys.
    pub(super) fn rows_by_chunk(&self) -> impl Iterator<Item = (&Columns, &[u32])> {
        let chunks = self.chunks.iter().zip(&self.table.chunks);
        chunks.filter_map(|(rows, chunk)| Some((rows.as_ref()?, chunk.ids.as_slice())))
    }

    /// Whether there are states.
    pub(super) fn has_rows(&self) -> bool {
        self.table.live > 0
    }

    /// Sets the state of `ids[i]`, which has a row, to row `rows[i]` of `states`.
    pub(super) fn write(&mut self, ids: &[u32], states: &ArrayRef, rows: &[u32]) -> Result<()> {
        for (chunk, members) in self.by_chunk(ids) {
            let positions: Vec<u32> =
                members.iter().filter_map(|at| Some(self.table.place(ids[*at as usize])?.1 as u32)).collect();
            let from: Vec<u32> = members.iter().map(|at| rows[*at as usize]).collect();
            let before = self.chunk(chunk)?;
            let after = put(column(before, 1)?, &positions, states, &from)?;
            let keys = Arc::clone(column(before, 0)?);
            self.replace(chunk, pairs((self.table.keys.kind().clone(), keys), (self.table.value.clone(), after))?);
        }
        Ok(())
    }

    /// Forgets the states of `ids`, which have rows.
    pub(super) fn remove(&mut self, ids: &[u32]) -> Result<()> {
        for (chunk, members) in self.by_chunk(ids) {
            for at in &members {
                self.table.places[ids[*at as usize] as usize] = NOWHERE;
            }
            let gone: Vec<bool> =
                self.table.chunks[chunk].ids.iter().map(|id| self.table.places[*id as usize] == NOWHERE).collect();
            let kept = BooleanArray::from_iter(gone.iter().map(|gone| Some(!gone)));
            let rows = filter(self.chunk(chunk)?.array(), &kept).map_err(kernel_error)?;
            let mut gone = gone.into_iter();
            self.table.chunks[chunk].ids.retain(|_| !gone.next().unwrap_or(false));
            self.table.live -= members.len();
            self.locate(chunk, 0);
            if rows.is_empty() {
                self.chunks[chunk] = None;
                self.table.chunks[chunk].given = None;
            } else {
                let kind = self.chunk(chunk)?.kind().clone();
                self.replace(chunk, Columns::new(kind, rows));
            }
        }
        Ok(())
    }

    /// New rows for `ids`, which have none.
    pub(super) fn append(&mut self, ids: &[u32], keys: &ArrayRef, states: &ArrayRef) -> Result<()> {
        let kinds = (self.table.keys.kind().clone(), self.table.value.clone());
        let rows = pairs((kinds.0, compact(keys)?), (kinds.1, compact(states)?))?;
        let mut start = 0;
        if let Some(last) = self.chunks.len().checked_sub(1)
            && let Some(before) = &self.chunks[last]
        {
            start = (CHUNK - before.len().min(CHUNK)).min(ids.len());
            if start > 0 {
                let (from, kind) = (before.len(), before.kind().clone());
                let both = joined(&[Arc::clone(before.array()), rows.array().slice(0, start)])?;
                self.replace(last, Columns::new(kind, both));
                self.table.chunks[last].ids.extend_from_slice(&ids[..start]);
                self.table.live += start;
                self.locate(last, from);
            }
        }
        while start < ids.len() {
            let length = CHUNK.min(ids.len() - start);
            self.push_chunk(ids[start..start + length].to_vec(), rows.slice(start, length))?;
            start += length;
        }
        Ok(())
    }

    /// The table for the next batch, and the snapshot that it belongs to.
    pub fn close(mut self) -> Result<(Table, Vec<Columns>)> {
        let used = self.chunks.iter().flatten().count();
        let scattered = used > FEW_CHUNKS && self.table.live < used * (CHUNK / 4);
        if scattered || self.table.keys.len() > 2 * self.table.live + FEW_KEYS {
            let blocks: Vec<Columns> = self.chunks.iter().flatten().cloned().collect();
            self = match Self::open(None, blocks, self.table.keys.kind(), &self.table.value)? {
                Some(anew) => anew,
                None => return Err(kernel_error("states that cannot be read again")),
            };
        }
        let mut blocks = Vec::with_capacity(self.chunks.len());
        for (chunk, rows) in self.table.chunks.iter_mut().zip(self.chunks) {
            if let Some(rows) = rows {
                chunk.given = Some(Arc::downgrade(rows.array()));
                blocks.push(rows);
            }
        }
        Ok((self.table, blocks))
    }

    /// The chunks that hold rows of `ids`, each with the indices of its ids.
    fn by_chunk(&self, ids: &[u32]) -> Vec<(usize, Vec<u32>)> {
        let numbers: Vec<u32> =
            ids.iter().filter_map(|id| self.table.place(*id).map(|(chunk, _)| chunk as u32)).collect();
        debug_assert_eq!(numbers.len(), ids.len(), "every key has a row");
        let (rows, starts) = rows_by_number(&numbers, self.chunks.len());
        let members = |chunk: usize| rows[starts[chunk]..starts[chunk + 1]].to_vec();
        (0..self.chunks.len()).map(|chunk| (chunk, members(chunk))).filter(|(_, members)| !members.is_empty()).collect()
    }

    fn chunk(&self, number: usize) -> Result<&Columns> {
        self.chunks[number].as_ref().ok_or_else(|| kernel_error("a chunk without rows"))
    }

    fn replace(&mut self, chunk: usize, rows: Columns) {
        self.chunks[chunk] = Some(rows);
        self.table.chunks[chunk].given = None;
    }
}
