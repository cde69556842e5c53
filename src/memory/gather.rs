//! How do blocks become parcels while a task makes them?
//!
//! 1. Blocks of a section stay in order across all parcels of a gathering.
//! 2. When neither the budget nor the task's part of it has room, what has been gathered so far becomes a parcel in a
//!    file. Small columns are joined before that, so that a file is not made of crumbs.

use std::sync::Arc;

use arrow_array::Array;

use super::{Holding, LEAST, Level, Memory, Parcel};
use crate::block::{Block, Columns};
use crate::error::{EngineError, Result};

/// Columns of fewer rows and bytes are joined with their neighbours, up to `JOINED` rows or bytes.
const SMALL: usize = 256;
const SMALL_BYTES: usize = 32 << 10;
const JOINED: usize = 4096;
const JOINED_BYTES: usize = 1 << 20;
/// Bytes gathered before the next parcel is written, where everything goes to disk.
const STRIDE: usize = 4 << 20;

/// Blocks in numbered sections, gathered by one task.
#[derive(Debug)]
pub struct Gather {
    memory: Arc<Memory>,
    level: Level,
    sections: Vec<Vec<Block>>,
    holding: Holding,
    parcels: Vec<Arc<Parcel>>,
}

impl Gather {
    /// Nothing yet.
    pub fn new(memory: &Arc<Memory>, level: Level, sections: usize) -> Self {
        let holding = Holding::new(memory);
        let (memory, sections) = (Arc::clone(memory), vec![Vec::new(); sections]);
        Self { memory, level, sections, holding, parcels: Vec::new() }
    }

    /// Number of sections.
    pub fn sections(&self) -> usize {
        self.sections.len()
    }

    /// Adds a sealed block at the end of a section. False when there is no room and nothing may go to disk: then what has
    /// been gathered is to be taken out.
    pub fn push(&mut self, section: usize, block: Block) -> Result<bool> {
        if block.is_empty() {
            return Ok(true);
        }
        self.holding.add(&block);
        self.sections[section].push(block);
        let held = self.holding.bytes();
        if self.level == Level::Disk {
            if held >= STRIDE {
                self.write()?;
            }
            return Ok(true);
        }
        // As long as the memory lasts, but no more than this task's part of it.
        let part = self.memory.share().saturating_mul(2);
        if held <= part && self.memory.make_room(0)? {
            return Ok(true);
        }
        match self.level {
            Level::Memory => Ok(false),
            // Waiting for a little more beats a file of crumbs.
            _ if held < LEAST.min(part) => Ok(true),
            _ => self.write().map(|()| true),
        }
    }

    /// What has been gathered and not written, without a parcel.
    pub fn take(&mut self) -> Vec<Vec<Block>> {
        self.holding.clear();
        let empty = vec![Vec::new(); self.sections.len()];
        std::mem::replace(&mut self.sections, empty)
    }

    /// All that was gathered, as parcels that may leave the memory from now on; those that would be dropped then, once
    /// they have been read.
    pub fn close(&mut self) -> Result<Vec<Arc<Parcel>>> {
        self.join()?;
        if self.sections.iter().any(|blocks| !blocks.is_empty()) {
            if self.level == Level::Disk {
                self.write()?;
            } else {
                let holding = std::mem::replace(&mut self.holding, Holding::new(&self.memory));
                let empty = vec![Vec::new(); self.sections.len()];
                let sections = std::mem::replace(&mut self.sections, empty);
                let parcel = Parcel::here(&self.memory, self.level, sections, holding);
                if self.level == Level::MemoryAndDisk {
                    parcel.list();
                    self.memory.make_room(0)?;
                }
                self.parcels.push(parcel);
            }
        }
        Ok(std::mem::take(&mut self.parcels))
    }

    fn write(&mut self) -> Result<()> {
        self.join()?;
        self.parcels.push(Parcel::written(&self.memory, &self.sections)?);
        drop(self.take());
        Ok(())
    }

    /// Joins neighbouring small columns.
    fn join(&mut self) -> Result<()> {
        let mut changed = false;
        for blocks in &mut self.sections {
            if blocks.len() > 1 && blocks.iter().any(is_small) {
                *blocks = join_small(std::mem::take(blocks))?;
                changed = true;
            }
        }
        if changed {
            self.holding.clear();
            self.sections.iter().flatten().for_each(|block| self.holding.add(block));
        }
        Ok(())
    }
}

fn is_small(block: &Block) -> bool {
    block.len() < SMALL && block.bytes() < SMALL_BYTES
}

fn join_small(blocks: Vec<Block>) -> Result<Vec<Block>> {
    let mut joined = Vec::with_capacity(blocks.len());
    let (mut run, mut rows, mut bytes) = (Vec::<Columns>::new(), 0, 0);
    for block in blocks {
        let (small, weight) = (is_small(&block), block.bytes());
        match block {
            Block::Columns(columns) if small => {
                let alike = run.last().is_none_or(|last| last.kind() == columns.kind());
                if !alike || rows + columns.len() > JOINED || bytes + weight > JOINED_BYTES {
                    joined.extend(join_run(std::mem::take(&mut run))?);
                    (rows, bytes) = (0, 0);
                }
                rows += columns.len();
                bytes += weight;
                run.push(columns);
            }
            other => {
                joined.extend(join_run(std::mem::take(&mut run))?);
                (rows, bytes) = (0, 0);
                joined.push(other);
            }
        }
    }
    joined.extend(join_run(run)?);
    Ok(joined)
}

fn join_run(mut run: Vec<Columns>) -> Result<Option<Block>> {
    if run.len() < 2 {
        return Ok(run.pop().map(Block::Columns));
    }
    let kind = run[0].kind().clone();
    let arrays: Vec<&dyn Array> = run.iter().map(|columns| columns.array().as_ref()).collect();
    let array = arrow_select::concat::concat(&arrays)
        .map_err(|problem| EngineError::Bug(format!("columns of one kind do not join: {problem}")))?;
    Ok(Some(Block::Columns(Columns::new(kind, array))))
}
