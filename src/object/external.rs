//! How are the values of each key put together when a partition is larger than memory?
//!
//! 1. The answer is that of one dict over all pairs, its order included: values are merged from the left, one by one, in
//!    the order of the input, and keys come in the order of their first appearance.
//! 2. A dict that memory has no room for is dealt out to parts by the hash of the key, each entry with the position of its
//!    key's first appearance; the rest of the input follows, pair by pair. Each part is then folded by itself (and dealt
//!    out again if it must), written down, and the parts are read side by side, lowest position first.
//! 3. One key's values are never cut: whoever groups gets them as one list.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::vec::IntoIter;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::aggregate::{ENTRY, unpack};
use super::buckets::Buckets;
use super::call::{call2, engine_error};
use super::objects::{self, Prefer};
use super::pipeline::{Flow, Segment, Source};
use super::weigh::{self, Scale};
use crate::rdd::{MapOutput, ShuffleData, Task};

/// Parts that a dict is dealt out to.
const PARTS: usize = 16;
/// Bits of the hash that tell the parts of one level apart.
const BITS: u32 = 4;
/// Dealing out more often than this would not help: keys are alike in all bits of their hash.
const LEVELS: u32 = 12;

/// How two values of a key become one.
pub(super) enum Rule {
    /// Lists, one behind the other.
    Groups,
    /// merge(combined, combined)
    Combiners(Py<PyAny>),
}

/// A key with its value, and where in the input the key first appeared.
type Record<'py> = (u64, Bound<'py, PyAny>, Bound<'py, PyAny>);

/// What is folded: pairs of the input, or records of a part.
enum Input {
    Pairs(Segment, u64),
    Records(Segment),
}

impl Input {
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Record<'py>>> {
        match self {
            Self::Pairs(segment, position) => {
                let Some(item) = segment.next(py)? else { return Ok(None) };
                *position += 1;
                let (key, value) = unpack(&item)?;
                Ok(Some((*position, key, value)))
            }
            Self::Records(segment) => match segment.next(py)? {
                None => Ok(None),
                Some(record) => record.extract().map(Some),
            },
        }
    }
}

/// Folded records in the order of their positions.
enum Folded {
    /// In memory; the second field holds the room for them.
    Here {
        records: IntoIter<(u64, Py<PyAny>, Py<PyAny>)>,
        _room: Scale,
    },
    Parts(Parts),
}

impl Folded {
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Record<'py>>> {
        match self {
            Self::Here { records, .. } => {
                Ok(records.next().map(|(at, key, value)| (at, key.into_bound(py), value.into_bound(py))))
            }
            Self::Parts(parts) => parts.next(py),
        }
    }
}

/// One value per key, over a whole partition.
pub(super) struct Fold {
    task: Arc<Task>,
    rule: Rule,
    state: State,
}

enum State {
    Waiting(Segment),
    Folded(Folded),
    Over,
}

impl Fold {
    pub(super) fn new(task: &Arc<Task>, input: Segment, rule: Rule) -> Self {
        Self { task: Arc::clone(task), rule, state: State::Waiting(input) }
    }

    /// The next key with its value.
    pub(super) fn next_pair<'py>(
        &mut self,
        py: Python<'py>,
    ) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
        let mut folded = match std::mem::replace(&mut self.state, State::Over) {
            State::Waiting(segment) => self.fold(py, Input::Pairs(segment, 0), 0)?,
            State::Folded(folded) => folded,
            State::Over => return Ok(None),
        };
        let Some((_, key, value)) = folded.next(py)? else { return Ok(None) };
        self.state = State::Folded(folded);
        Ok(Some((key, value)))
    }

    fn fold(&self, py: Python<'_>, mut input: Input, level: u32) -> PyResult<Folded> {
        let (found, mut firsts) = (PyDict::new(py), Vec::new());
        let mut scale = Scale::new(&self.task);
        while let Some((position, key, value)) = input.next(py)? {
            let due = scale.due();
            let bytes = match found.get_item(&key)? {
                Some(before) => self.merge(&found, key, &before, value, due.is_some())?,
                None => {
                    let bytes = due.map_or(0, |_| ENTRY + weigh::one(&key, 1) + weigh::one(&value, 1));
                    found.set_item(key, value)?;
                    firsts.push(position);
                    bytes
                }
            };
            let Some(times) = due else { continue };
            if bytes > 0 && !scale.add(py, bytes * times)? {
                if found.len() > 1 && level < LEVELS {
                    let records = take(&found, firsts);
                    return self.deal(py, records, scale, input, level);
                }
                scale.accept();
            }
        }
        Ok(Folded::Here { records: take(&found, firsts).into_iter(), _room: scale })
    }

    /// Merges a value into that of a known key; by about how many bytes it grew, if that is asked for.
    fn merge<'py>(
        &self,
        found: &Bound<'py, PyDict>,
        key: Bound<'py, PyAny>,
        before: &Bound<'py, PyAny>,
        value: Bound<'py, PyAny>,
        weighed: bool,
    ) -> PyResult<usize> {
        match &self.rule {
            Rule::Groups => {
                let bytes = if weighed { weigh::one(&value, 1) } else { 0 };
                before.call_method1("extend", (value,))?;
                Ok(bytes)
            }
            Rule::Combiners(merge) => {
                let known = if weighed { weigh::one(before, 2) } else { 0 };
                let combined = call2(merge.bind(found.py()), before, &value)?;
                found.set_item(key, &combined)?;
                Ok(if weighed { weigh::one(&combined, 2).saturating_sub(known) } else { 0 })
            }
        }
    }

    /// Folds what was found so far and the rest of the input in parts.
    fn deal(
        &self,
        py: Python<'_>,
        records: Vec<(u64, Py<PyAny>, Py<PyAny>)>,
        scale: Scale,
        mut input: Input,
        level: u32,
    ) -> PyResult<Folded> {
        let mut dealt = MapOutput::within(self.task.memory(), PARTS);
        let mut buckets = Buckets::new(&self.task, PARTS, Prefer::Columns);
        for (position, key, value) in records {
            let (key, value) = (key.into_bound(py), value.into_bound(py));
            buckets.add(part_of(&key, level)?, record(py, position, key, value)?, &mut dealt)?;
        }
        drop(scale);
        while let Some((position, key, value)) = input.next(py)? {
            buckets.add(part_of(&key, level)?, record(py, position, key, value)?, &mut dealt)?;
        }
        buckets.send(py, &mut dealt)?;
        drop(input);
        let dealt = closed(py, dealt)?;
        let mut written = MapOutput::within(self.task.memory(), PARTS);
        for part in 0..PARTS {
            let folded = self.fold(py, Input::Records(self.part(&dealt, part)), level + 1)?;
            self.write(py, folded, &mut written, part)?;
        }
        let written = closed(py, written)?;
        Parts::new(py, (0..PARTS).map(|part| self.part(&written, part)).collect()).map(Folded::Parts)
    }

    fn part(&self, parts: &ShuffleData, part: usize) -> Segment {
        Segment::new(Source::blocks(parts.target(part)), self.task.cancel.clone())
    }

    /// Writes the records of a part, in blocks so small that those of all parts fit side by side.
    fn write(&self, py: Python<'_>, mut folded: Folded, written: &mut MapOutput, part: usize) -> PyResult<()> {
        let most = self.task.memory().share() / (2 * PARTS);
        let (mut waiting, mut bytes) = (Vec::new(), 0);
        loop {
            let next = folded.next(py)?;
            if (next.is_none() || bytes > most) && !waiting.is_empty() {
                let block = objects::seal_items(py, std::mem::take(&mut waiting), Prefer::Columns)?;
                py.detach(|| written.push(part, block)).map_err(|error| engine_error(py, &error))?;
                bytes = 0;
            }
            let Some((position, key, value)) = next else { return Ok(()) };
            let made = record(py, position, key, value)?;
            bytes += weigh::one(&made, 1);
            waiting.push(made.unbind());
        }
    }
}

impl Flow for Fold {
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some((key, value)) = self.next_pair(py)? else { return Ok(None) };
        Ok(Some(PyTuple::new(py, [key, value])?.into_any()))
    }
}

/// The entries of a dict, which is empty afterwards, with the positions of their keys.
fn take(found: &Bound<'_, PyDict>, firsts: Vec<u64>) -> Vec<(u64, Py<PyAny>, Py<PyAny>)> {
    let records = found.iter().zip(firsts).map(|((key, value), at)| (at, key.unbind(), value.unbind())).collect();
    found.clear();
    records
}

fn record<'py>(
    py: Python<'py>,
    position: u64,
    key: Bound<'py, PyAny>,
    value: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok((position, key, value).into_pyobject(py)?.into_any())
}

/// Equal keys have equal hashes, of whatever type they are.
fn part_of(key: &Bound<'_, PyAny>, level: u32) -> PyResult<usize> {
    // Hashes of small numbers are the numbers: spread them over all bits.
    let mixed = (key.hash()? as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Ok((mixed >> (64 - BITS * (level + 1))) as usize % PARTS)
}

fn closed(py: Python<'_>, output: MapOutput) -> PyResult<ShuffleData> {
    py.detach(|| ShuffleData::new(vec![output])).map_err(|error| engine_error(py, &error))
}

/// Parts that have been folded, read side by side.
struct Parts {
    sources: Vec<Segment>,
    /// The next record of each part.
    heads: Vec<Option<(Py<PyAny>, Py<PyAny>)>>,
    /// Position and part of each head, the lowest on top.
    order: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Parts {
    fn new(py: Python<'_>, sources: Vec<Segment>) -> PyResult<Self> {
        let heads = sources.iter().map(|_| None).collect();
        let mut parts = Self { sources, heads, order: BinaryHeap::new() };
        (0..parts.sources.len()).try_for_each(|part| parts.advance(py, part))?;
        Ok(parts)
    }

    fn advance(&mut self, py: Python<'_>, part: usize) -> PyResult<()> {
        if let Some(record) = self.sources[part].next(py)? {
            let (position, key, value): (u64, Py<PyAny>, Py<PyAny>) = record.extract()?;
            self.heads[part] = Some((key, value));
            self.order.push(Reverse((position, part)));
        }
        Ok(())
    }

    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Record<'py>>> {
        let Some(Reverse((position, part))) = self.order.pop() else { return Ok(None) };
        let head = self.heads[part].take();
        self.advance(py, part)?;
        Ok(head.map(|(key, value)| (position, key.into_bound(py), value.into_bound(py))))
    }
}
