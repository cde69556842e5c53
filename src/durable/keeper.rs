//! How is a checkpoint written?
//!
//! Owns `Keeper`: the writing side of a checkpoint folder for one run of a stream, and what it knows of what is there
//! already, so that nothing is written twice.
//! 1. Order: data, synced; functions; the manifest, which makes it a checkpoint; then a look whether this run still owns the
//!    folder; only then are old files removed, those of later runs never.
//! 2. A state's block is compared with the one that was in its place in the checkpoint before; an RDD that was written
//!    is known by its number.
//! 3. After an error nothing of the failed round counts: the next one writes everything anew.
//! 4. Data and functions are in two files each, and so is a checkpoint that has no other one behind it: whatever single file is
//!    damaged or gone, a checkpoint that can be used is left.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use super::blocks::Codec;
use super::chunks::{self, ChunkId, Chunks};
use super::files::{checksum, copy_of, epoch_of, first_number, first_of};
use super::folder::{Folder, Trust};
use super::journal::{self, Journal};
use super::manifest::{GraphSpec, InputState, Manifest, Program, SavedRdd, SavedTable};
use super::owner::{Locks, Owner};
use super::recovery::{self, FUNCTIONS, MANIFEST, Recovery};
use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::rdd::{Op, Rdd, RddId};

/// Checkpoints that are kept: the newest, and those to fall back on.
const KEPT: usize = 3;
/// A page of the journal is turned with a checkpoint once it has so many bytes.
const PAGE_BYTES: u64 = 1 << 20;

/// An RDD that later batches may ask for.
pub struct Found {
    /// The node.
    pub node: u32,
    /// The time; none for the state before the first.
    pub time: Option<i64>,
    /// The RDD, settled; none for "no RDD".
    pub rdd: Option<Arc<Rdd>>,
    /// Whether it takes the place of the node's RDD of the batch before.
    pub replaces: bool,
}

/// What an input is now, as it says itself.
pub struct InputFound {
    /// Which kind it is.
    pub kind: String,
    /// Its settings and its place.
    pub settings: String,
    /// What stays as it is from checkpoint to checkpoint, by numbers.
    pub pieces: BTreeMap<i64, Arc<Vec<u8>>>,
    /// RDDs, settled.
    pub rdds: Vec<Arc<Rdd>>,
}

/// A part of the tables of states.
pub struct TablePart {
    /// Which tables.
    pub table: u64,
    /// Which partition of them.
    pub partition: u64,
    /// Which of the parts before it stay.
    pub keeps: Range<usize>,
    /// What the functions understand.
    pub bytes: Vec<u8>,
}

/// All that a checkpoint is made of.
pub struct Snapshot {
    /// The last complete batch.
    pub time: i64,
    /// Batches at and before this time are not asked for any more.
    pub forgotten: i64,
    /// Who writes.
    pub program: Program,
    /// The program's settings.
    pub conf: Vec<(String, String)>,
    /// The pickled functions; the same memory for the same functions.
    pub functions: Arc<Vec<u8>>,
    /// The graph.
    pub graph: GraphSpec,
    /// Data of states and windows.
    pub rdds: Vec<Found>,
    /// The inputs.
    pub inputs: BTreeMap<u32, InputFound>,
    /// Tables.
    pub tables: Vec<TablePart>,
    /// The first block of each receiver that forgotten batches have not taken.
    pub taken: BTreeMap<u32, u64>,
}

/// What a checkpoint keeps alive.
struct Named {
    name: String,
    data: Option<u64>,
    journal: u64,
    functions: String,
}

/// Bytes of an input, and where they were written.
type Piece = (ChunkId, Arc<Vec<u8>>);

struct Work {
    chunks: Chunks,
    known: HashMap<RddId, Vec<Vec<ChunkId>>>,
    last: HashMap<u32, Vec<Vec<(ChunkId, Block)>>>,
    pieces: HashMap<(u32, i64), Piece>,
    tables: BTreeMap<(u64, u64), Vec<ChunkId>>,
    functions: String,
    /// What is in that file.
    saved: Option<Arc<Vec<u8>>>,
    live: Vec<ChunkId>,
    named: VecDeque<Named>,
    lost: bool,
}

/// Writes the checkpoints of one run.
pub struct Keeper {
    folder: Arc<Folder>,
    owner: Arc<Owner>,
    codec: Arc<dyn Codec>,
    journal: Journal,
    work: Mutex<Work>,
}

impl Keeper {
    /// Begins in a folder, or goes on after `recovered`. Refused while another run has the folder.
    pub fn new(path: &Path, codec: Arc<dyn Codec>, recovered: Option<&Recovery>) -> Result<Self> {
        Self::with(path, codec, recovered, Trust::Own, Locks::Used)
    }

    /// The same, saying whose folders are trusted, and whether it is locked.
    pub fn with(
        path: &Path,
        codec: Arc<dyn Codec>,
        recovered: Option<&Recovery>,
        trust: Trust,
        locks: Locks,
    ) -> Result<Self> {
        let failed = || EngineError::external(format!("the checkpoint folder {}", path.display()));
        let folder = Arc::new(Folder::make(path, trust).map_err(failed())?);
        let unchanged = || recovered.map_or(Ok(()), |recovered| recovered.seen.check(&folder));
        let owner = Owner::take(&folder, locks, latest_epoch(&folder).map_err(failed())?, &unchanged)?;
        let epoch = owner.epoch();
        if let Some(recovered) = recovered {
            owner.inherit(recovered.inherited(epoch))?;
        }
        folder.remove_drafts().map_err(failed())?;
        let known = recovered.map_or(&[][..], |recovered| &recovered.good);
        let named = known.iter().map(Named::of).collect();
        let next_chunk = known.iter().map(|manifest| manifest.next_chunk).max().unwrap_or(0);
        let earlier = recovered.map(|recovered| recovered.replay.held.clone()).unwrap_or_default();
        let work = Work {
            chunks: Chunks::new(Arc::clone(&folder), first_number(epoch), next_chunk),
            known: HashMap::new(),
            last: HashMap::new(),
            pieces: HashMap::new(),
            tables: BTreeMap::new(),
            functions: String::new(),
            saved: None,
            live: Vec::new(),
            named,
            lost: true,
        };
        let owner = Arc::new(owner);
        let journal = Journal::new(Arc::clone(&folder), Arc::clone(&owner), first_number(epoch), earlier);
        Ok(Self { folder, owner, codec, journal, work: Mutex::new(work) })
    }

    /// Whether this run still has the folder. `Replaced`: another one took it, and this one must not go on.
    pub fn check(&self) -> Result<()> {
        self.owner.check()
    }

    /// Fails if another run has taken the folder. What else may be wrong with it is found by who writes.
    pub fn check_replaced(&self) -> Result<()> {
        match self.check() {
            Err(error @ EngineError::Replaced { .. }) => Err(error),
            _ => Ok(()),
        }
    }

    /// The run has ended: another one may have the folder, and nothing that is written from now on is acknowledged.
    pub fn release(&self) {
        self.owner.release();
    }

    /// The journal of the folder.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Holds no file open, until something is written again. Leaves alone what is being written now.
    pub fn rest(&self) {
        self.journal.turn_page(0);
        if let Ok(mut work) = self.work.try_lock() {
            work.chunks.rest();
        }
    }

    /// Whether the next snapshot must hold whole tables: what changed since the last one is not enough.
    pub fn wants_whole_tables(&self) -> bool {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).lost
    }

    /// Writes a checkpoint; afterwards it is durable. The answer is how many bytes of data it took.
    pub fn write(&self, snapshot: Snapshot) -> Result<u64> {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.owner.check().and_then(|()| self.write_with(&mut work, snapshot));
        match written {
            Ok(_) | Err(EngineError::Replaced { .. }) => written,
            Err(_) => {
                work.forget();
                // The folder may be gone, and what is written into its open files with it.
                self.journal.turn_page(0);
                self.owner.regain().and(written)
            }
        }
    }

    fn write_with(&self, work: &mut Work, snapshot: Snapshot) -> Result<u64> {
        let Snapshot { time, forgotten, program, conf, functions, graph, rdds, inputs, tables, taken } = snapshot;
        let codec = self.codec.as_ref();
        let live = std::mem::take(&mut work.live);
        work.chunks.begin(live.into_iter());
        let mut known = HashMap::new();
        let rdds = rdds.into_iter().map(|found| work.save(found, &mut known, codec)).collect::<Result<Vec<_>>>()?;
        let inputs = inputs
            .into_iter()
            .map(|(node, input)| Ok((node, work.save_input(node, input, &mut known, codec)?)))
            .collect::<Result<_>>()?;
        tables.into_iter().try_for_each(|part| work.save_table(part))?;
        work.known = known;
        self.save_functions(work, functions)?;
        work.chunks.sync()?;
        let tables = work.tables.iter();
        // Before the manifest names it: so a file is only written to once it is named, or by a file that is.
        self.journal.turn_page(PAGE_BYTES);
        let journal = self.journal.first_needed(forgotten, &taken);
        let mut manifest = Manifest {
            time,
            epoch: self.owner.epoch(),
            forgotten,
            program,
            conf,
            functions: work.functions.clone(),
            graph,
            rdds,
            inputs,
            tables: tables
                .map(|((table, partition), chunks)| SavedTable {
                    table: *table,
                    partition: *partition,
                    chunks: chunks.clone(),
                })
                .collect(),
            files: Vec::new(),
            journal,
            journals: self.journal.named_from(journal)?,
            next_chunk: work.chunks.next_chunk(),
        };
        work.live = manifest.chunks().collect();
        manifest.files = work.chunks.files_for(work.live.iter().copied());
        let text = serde_json::to_vec(&manifest).map_err(|problem| EngineError::Bug(problem.to_string()))?;
        let newest = Named::of(&manifest);
        self.folder.write(&newest.name, MANIFEST, &text)?;
        if work.named.iter().all(|named| named.name == newest.name) {
            self.folder.write(&copy_of(&newest.name), MANIFEST, &text)?;
        }
        self.owner.check()?;
        work.lost = false;
        self.clean(work, newest)?;
        Ok(work.chunks.written() + text.len() as u64)
    }

    /// The functions, in a file named by what is in it, and in a copy. The first time in a run they are written in any
    /// case: what an earlier run left under that name may be damaged.
    fn save_functions(&self, work: &mut Work, functions: Arc<Vec<u8>>) -> Result<()> {
        let saved = work.saved.as_ref();
        if saved.is_some_and(|saved| Arc::ptr_eq(saved, &functions)) {
            return Ok(());
        }
        let name = format!("functions-{:08x}-{}", checksum(&functions), functions.len());
        if saved.is_none() || name != work.functions {
            self.folder.write(&name, FUNCTIONS, &functions)?;
            self.folder.write(&copy_of(&name), FUNCTIONS, &functions)?;
            work.functions = name;
        }
        work.saved = Some(functions);
        Ok(())
    }

    /// Removes what no checkpoint that is kept names.
    fn clean(&self, work: &mut Work, newest: Named) -> Result<()> {
        let failed = || EngineError::external(format!("old files of {}", self.folder.path().display()));
        work.named.retain(|named| named.name != newest.name);
        work.named.push_back(newest);
        while work.named.len() > KEPT {
            work.named.pop_front();
        }
        for name in recovery::own_manifests(&self.folder, self.owner.epoch()).map_err(failed())? {
            let is_kept = work.named.iter().any(|named| named.name == first_of(&name));
            if !is_kept && self.folder.is_file(&name).map_err(failed())? {
                self.folder.remove(&name).map_err(failed())?;
            }
        }
        for name in self.folder.names("functions-").map_err(failed())? {
            if !work.named.iter().any(|named| named.functions == first_of(&name)) {
                self.folder.remove(&name).map_err(failed())?;
            }
        }
        if let Some(data) = work.named.iter().filter_map(|named| named.data).min() {
            work.chunks.free_before(data).map_err(failed())?;
        }
        let journal = work.named.iter().map(|named| named.journal).min().unwrap_or(0);
        self.journal.free_before(journal).map_err(failed())
    }
}

/// The latest epoch that anything in a folder is of.
fn latest_epoch(folder: &Folder) -> std::io::Result<u64> {
    let numbers = chunks::numbers(folder)?.into_iter().chain(journal::numbers(folder)?).map(epoch_of);
    let manifests = folder.names(recovery::CHECKPOINT)?;
    let manifests = manifests.iter().filter_map(|name| recovery::when(name)).map(|(epoch, _)| epoch);
    Ok(numbers.chain(manifests).max().unwrap_or(0))
}

impl Named {
    fn of(manifest: &Manifest) -> Self {
        let data = manifest.files.first().map(|file| file.number);
        let name = recovery::manifest_name(manifest.time, manifest.epoch);
        Self { name, data, journal: manifest.journal, functions: manifest.functions.clone() }
    }
}

impl Work {
    fn forget(&mut self) {
        self.chunks.forget();
        self.known.clear();
        self.last.clear();
        self.pieces.clear();
        self.tables.clear();
        self.live.clear();
        // The file may have gone with its folder.
        self.saved = None;
        self.lost = true;
    }

    fn save(
        &mut self,
        found: Found,
        known: &mut HashMap<RddId, Vec<Vec<ChunkId>>>,
        codec: &dyn Codec,
    ) -> Result<SavedRdd> {
        let Found { node, time, rdd, replaces } = found;
        let Some(rdd) = rdd else { return Ok(SavedRdd { node, time, targets: None, partitions: None }) };
        let targets = rdd.partitioner().filter(|by| by.function == 0).map(|by| by.targets);
        let slot = replaces.then_some(node);
        let partitions = Some(self.save_rdd(&rdd, slot, known, codec)?);
        Ok(SavedRdd { node, time, targets, partitions })
    }

    /// Writes what is new of an RDD. `slot`: the place where the RDD before it was.
    fn save_rdd(
        &mut self,
        rdd: &Arc<Rdd>,
        slot: Option<u32>,
        known: &mut HashMap<RddId, Vec<Vec<ChunkId>>>,
        codec: &dyn Codec,
    ) -> Result<Vec<Vec<ChunkId>>> {
        if let Some(saved) = known.get(&rdd.id()) {
            return Ok(saved.clone());
        }
        let partitions = blocks_of(rdd)?;
        let saved: Vec<Vec<ChunkId>> = if let Some(slot) = slot {
            let before = self.last.remove(&slot).unwrap_or_default();
            let mut kept = Vec::with_capacity(partitions.len());
            for (at, blocks) in partitions.into_iter().enumerate() {
                let before = before.get(at).map_or(&[][..], Vec::as_slice);
                let saved = blocks.into_iter().enumerate().map(|(place, block)| {
                    let id = match before.get(place) {
                        Some((id, old)) => self.chunks.replace(*id, old, &block, codec)?,
                        None => self.chunks.put(&block, codec)?,
                    };
                    Ok((id, block))
                });
                kept.push(saved.collect::<Result<Vec<_>>>()?);
            }
            let ids = kept.iter().map(|blocks| blocks.iter().map(|(id, _)| *id).collect()).collect();
            self.last.insert(slot, kept);
            ids
        } else {
            let before = self.known.get(&rdd.id());
            let mut ids = Vec::with_capacity(partitions.len());
            for (at, blocks) in partitions.iter().enumerate() {
                let before = before.and_then(|all| all.get(at)).filter(|ids| ids.len() == blocks.len());
                let saved = blocks.iter().enumerate().map(|(place, block)| match before {
                    Some(ids) => self.chunks.keep(ids[place], block, codec),
                    None => self.chunks.put(block, codec),
                });
                ids.push(saved.collect::<Result<Vec<_>>>()?);
            }
            ids
        };
        known.insert(rdd.id(), saved.clone());
        Ok(saved)
    }

    fn save_input(
        &mut self,
        node: u32,
        input: InputFound,
        known: &mut HashMap<RddId, Vec<Vec<ChunkId>>>,
        codec: &dyn Codec,
    ) -> Result<InputState> {
        let InputFound { kind, settings, pieces, rdds } = input;
        let rdds = rdds.iter().map(|rdd| self.save_rdd(rdd, None, known, codec)).collect::<Result<_>>()?;
        self.pieces.retain(|(of, number), _| *of != node || pieces.contains_key(number));
        let mut saved = BTreeMap::new();
        for (number, bytes) in pieces {
            let before = self.pieces.get(&(node, number)).filter(|(_, old)| Arc::ptr_eq(old, &bytes) || *old == bytes);
            let id = match before.map(|(id, _)| *id).filter(|id| self.chunks.stays(*id)) {
                Some(id) => id,
                None => self.chunks.put_bytes(&bytes)?,
            };
            self.pieces.insert((node, number), (id, bytes));
            saved.insert(number, id);
        }
        Ok(InputState { kind, settings, pieces: saved, rdds })
    }

    fn save_table(&mut self, part: TablePart) -> Result<()> {
        let parts = self.tables.entry((part.table, part.partition)).or_default();
        parts.truncate(part.keeps.end);
        parts.drain(..part.keeps.start.min(parts.len()));
        for id in parts.iter_mut() {
            *id = self.chunks.keep_bytes(*id)?;
        }
        parts.push(self.chunks.put_bytes(&part.bytes)?);
        Ok(())
    }
}

/// The blocks of a settled RDD.
pub(super) fn blocks_of(rdd: &Rdd) -> Result<Vec<Vec<Block>>> {
    match &*rdd.op() {
        Op::Held(partitions) => Ok(partitions.clone()),
        Op::Kept(partitions) => partitions
            .iter()
            .map(|parcels| {
                let dropped = || EngineError::Bug("kept blocks were dropped".into());
                let sections = parcels.iter().map(|parcel| parcel.section(0).ok_or_else(dropped));
                sections.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect()
            })
            .collect(),
        _ => Err(EngineError::Bug(format!("{rdd:?} is not settled"))),
    }
}
