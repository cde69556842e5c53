//! How do the records of a split become blocks: as text, with their positions, or as what is before and behind a separator?
//!
//! Blocks are made one after the other as they are asked for, so that a split of any size takes little memory.

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, StringViewBuilder};
use arrow_array::{ArrayRef, builder::ArrayBuilder};
use memchr::memchr;

use super::reading::{Api, Reading};
use super::records::Records;
use super::text::{Split, unreadable};
use super::utf8;
use crate::block::{Block, Columns, Kind, tuple_array};
use crate::error::Result;

/// A block ends once it has so many records, or so many bytes of them.
const MOST_ROWS: usize = 64 << 10;
const MOST_BYTES: usize = 4 << 20;

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Its text.
    Text,
    /// A pair of its position and its text.
    Placed,
    /// A pair of the text before the first such byte and the text behind it; without one, all is before it.
    Parted(u8),
}

/// The blocks of a split; its records are gone once it has ended.
pub struct RecordBlocks {
    records: Option<Records>,
    reading: Reading,
    shape: Shape,
    split: Split,
}

impl RecordBlocks {
    /// Opens the file of a split.
    pub fn open(split: &Split, reading: &Reading, api: Api, shape: Shape) -> Result<Self> {
        let records = match Records::open(split, reading, api) {
            Err(cause) if reading.passes_over(&cause) => None,
            other => Some(other.map_err(|cause| unreadable(&split.path, cause))?),
        };
        Ok(Self { records, reading: reading.clone(), shape, split: split.clone() })
    }

    fn block(&mut self) -> Result<Option<Block>> {
        let mut rows = Rows::default();
        let mut record = Vec::new();
        while let Some(records) = &mut self.records
            && rows.text.len() < MOST_ROWS
            && rows.bytes < MOST_BYTES
        {
            match records.next(&mut record) {
                Ok(Some(position)) => rows.add(self.shape, position, &record),
                Ok(None) => self.records = None,
                Err(cause) if self.reading.passes_over(&cause) => self.records = None,
                Err(cause) => {
                    self.records = None;
                    return Err(unreadable(&self.split.path, cause));
                }
            }
        }
        if rows.text.is_empty() { Ok(None) } else { rows.finish(self.shape).map(Some) }
    }
}

impl Iterator for RecordBlocks {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.block().transpose()
    }
}

#[derive(Default)]
struct Rows {
    positions: Int64Builder,
    keys: StringViewBuilder,
    text: StringViewBuilder,
    bytes: usize,
}

impl Rows {
    fn add(&mut self, shape: Shape, position: u64, record: &[u8]) {
        self.bytes += record.len();
        match shape {
            Shape::Text => self.text.append_value(utf8::decode(record)),
            Shape::Placed => {
                self.positions.append_value(position as i64);
                self.text.append_value(utf8::decode(record));
            }
            Shape::Parted(separator) => {
                let end = memchr(separator, record);
                self.keys.append_value(utf8::decode(&record[..end.unwrap_or(record.len())]));
                self.text.append_value(utf8::decode(end.map_or(&[], |end| &record[end + 1..])));
            }
        }
    }

    fn finish(mut self, shape: Shape) -> Result<Block> {
        let text: ArrayRef = Arc::new(self.text.finish());
        let (keys, kind): (ArrayRef, Kind) = match shape {
            Shape::Text => return Ok(Block::Columns(Columns::new(Kind::Str, text))),
            Shape::Placed => (Arc::new(self.positions.finish()), Kind::Int),
            Shape::Parted(_) => (Arc::new(self.keys.finish()), Kind::Str),
        };
        let pairs = Kind::Tuple { items: vec![kind, Kind::Str], class: None };
        Ok(Block::Columns(Columns::new(pairs, tuple_array(vec![keys, text], None)?)))
    }
}
