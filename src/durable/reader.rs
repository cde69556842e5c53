//! What do the chunks of some data files hold?
//!
//! Owns `ChunkReader`: data files in memory, and where in them each chunk is.
//! 1. A file and its copy hold the same. Where a record of the one is damaged, cut off or missing, that of the other is taken;
//!    which file is damaged is told. Only what is damaged in both is lost.
//! 2. A file has at least as many good bytes as the checkpoint says, with the checksum that it says, or it is not used.

use hashbrown::HashMap;

use super::blocks::{Codec, damaged, decode};
use super::chunks::{BYTES, ChunkId, DELTA, MOST_STEPS, WHOLE, file_name};
use super::delta::{self, Delta};
use super::files::{checksum, copy_of};
use super::folder::Folder;
use super::frames::{self, Frames};
use super::manifest::DataFile;
use crate::block::{Block, Columns};
use crate::error::Result;

/// The chunks of some data files, to be read.
pub(super) struct ChunkReader {
    files: Vec<Vec<u8>>,
    /// Kind, file, and where in it the body behind the number is.
    index: HashMap<ChunkId, (u8, usize, std::ops::Range<usize>)>,
    /// What was damaged and could be read from a copy.
    pub(super) healed: Vec<String>,
}

impl ChunkReader {
    /// Reads the files, or says what is wrong.
    pub(super) fn open(folder: &Folder, named: &[DataFile]) -> Result<Self, String> {
        let mut reader = Self { files: Vec::new(), index: HashMap::new(), healed: Vec::new() };
        for file in named {
            let bytes = reader.whole(folder, file)?;
            reader.scan(&bytes);
            reader.files.push(bytes);
        }
        Ok(reader)
    }

    /// The bytes of a file, of which some may come from its copy.
    fn whole(&mut self, folder: &Folder, named: &DataFile) -> Result<Vec<u8>, String> {
        let DataFile { number, bytes: size, sum } = *named;
        let name = file_name(number);
        let size = usize::try_from(size).map_err(|_| format!("{name} is larger than memory"))?;
        let read = |name: &str| {
            folder.read(name).map(|mut bytes| {
                bytes.truncate(size);
                bytes
            })
        };
        let first = read(&name);
        let problem = match &first {
            Ok(bytes) if good_until(bytes) == size && checksum(bytes) == sum => return Ok(first.unwrap_or_default()),
            Ok(bytes) => format!("{name} is cut short or damaged at byte {} of {size}", good_until(bytes)),
            Err(problem) => format!("{name}: {problem}"),
        };
        let copy = read(&copy_of(&name)).map_err(|other| format!("{problem}; its copy: {other}"))?;
        let mixed = mix(&first.unwrap_or_default(), &copy);
        if mixed.len() != size || checksum(&mixed) != sum {
            return Err(format!("{problem}; its copy is damaged as well"));
        }
        self.healed.push(format!("{problem}; its copy is used"));
        Ok(mixed)
    }

    fn scan(&mut self, bytes: &[u8]) {
        let mut frames = Frames::new(bytes);
        while let Some(frame) = frames.next() {
            let mut body = frame.body;
            if let Some(id) = frames::take_u64(&mut body) {
                let end = frames.at();
                self.index.insert(ChunkId(id), (frame.kind, self.files.len(), end - body.len()..end));
            }
        }
    }

    fn body(&self, id: ChunkId) -> Result<(u8, &[u8])> {
        let (kind, file, range) = self.index.get(&id).ok_or_else(|| damaged(format!("no chunk {}", id.0)))?;
        let bytes = self.files.get(*file).and_then(|bytes| bytes.get(range.clone()));
        Ok((*kind, bytes.ok_or_else(|| damaged("a chunk is cut short"))?))
    }

    /// What `put_bytes` was given.
    pub(super) fn bytes(&self, id: ChunkId) -> Result<&[u8]> {
        match self.body(id)? {
            (BYTES, body) => Ok(body),
            _ => Err(damaged(format!("chunk {} is of another kind", id.0))),
        }
    }

    /// The block that a chunk stands for.
    pub(super) fn block(&self, id: ChunkId, codec: &dyn Codec) -> Result<Block> {
        let (mut deltas, mut id) = (Vec::new(), id);
        loop {
            match self.body(id)? {
                (WHOLE, body) => {
                    let block = decode(body, codec)?;
                    if deltas.is_empty() {
                        return Ok(block);
                    }
                    deltas.reverse();
                    return Ok(Block::Columns(delta::apply(columns(block)?, &deltas)?));
                }
                (DELTA, body) if deltas.len() < MOST_STEPS => {
                    let (base, delta) = read_delta(body, codec)?;
                    // Bases are older: a circle is no chain.
                    if base >= id {
                        return Err(damaged("a delta of a later chunk"));
                    }
                    deltas.push(delta);
                    id = base;
                }
                _ => return Err(damaged(format!("chunk {} is of another kind", id.0))),
            }
        }
    }
}

/// How many bytes at the beginning are good.
fn good_until(bytes: &[u8]) -> usize {
    let mut frames = Frames::new(bytes);
    frames.by_ref().for_each(drop);
    frames.at()
}

/// The records of two files that hold the same: each from the one where it is good, up to the first that is good in none.
fn mix(first: &[u8], second: &[u8]) -> Vec<u8> {
    let mut mixed = Vec::with_capacity(first.len().max(second.len()));
    loop {
        let at = mixed.len();
        let good = [first, second].into_iter().filter_map(|bytes| {
            let rest = bytes.get(at..)?;
            Some(&rest[..good_until(rest)]).filter(|good| !good.is_empty())
        });
        match good.max_by_key(|good| good.len()) {
            Some(good) => mixed.extend_from_slice(good),
            None => return mixed,
        }
    }
}

fn columns(block: Block) -> Result<Columns> {
    match block {
        Block::Columns(columns) => Ok(columns),
        Block::Objects(_) => Err(damaged("a delta of objects")),
    }
}

fn read_delta(mut body: &[u8], codec: &dyn Codec) -> Result<(ChunkId, Delta)> {
    let cut = || damaged("a delta is cut short");
    let base = frames::take_u64(&mut body).ok_or_else(cut)?;
    let length = frames::take_u32(&mut body).ok_or_else(cut)?;
    let count = frames::take_u32(&mut body).ok_or_else(cut)? as usize;
    let (rows, values) = count.checked_mul(4).and_then(|bytes| body.split_at_checked(bytes)).ok_or_else(cut)?;
    let rows = rows.chunks_exact(4).map(|row| u32::from_le_bytes([row[0], row[1], row[2], row[3]])).collect();
    Ok((ChunkId(base), Delta { length, rows, values: columns(decode(values, codec)?)? }))
}
