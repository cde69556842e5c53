//! What is in a checkpoint folder, and from which checkpoint does a stream go on?
//!
//! 1. The newest checkpoint that is whole, with all that it names, is taken. Those that are not are told about.
//! 2. A folder with checkpoints of which none can be used is an error that says why and what to do: nothing begins anew
//!    by itself.
//! 3. A file that is damaged is read from its copy; a loss that no copy makes good is told in words. An object or a class that
//!    this program cannot load is no damage: an older checkpoint would not help, and going on is refused.
//! 4. Of several runs the latest counts: what an older one wrote after it was replaced does not (`fencing.rs`).
//! 5. Nothing is changed by reading. What was seen is remembered: if it is no longer so when the run begins, somebody else
//!    writes (`Seen`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::blocks::Codec;
use super::chunks::ChunkId;
use super::fencing::Inherited;
use super::files::{copy_of, first_of, unseal};
use super::folder::{Folder, Trust};
use super::journal;
use super::manifest::{InputState, Manifest};
use super::owner;
use super::reader::ChunkReader;
use super::replay::Replay;
use crate::block::Block;
use crate::error::{EngineError, Result};

pub(super) const MANIFEST: [u8; 4] = *b"chkp";
pub(super) const FUNCTIONS: [u8; 4] = *b"func";
/// How the names of checkpoints begin.
pub(super) const CHECKPOINT: &str = "checkpoint-";

/// An RDD of a node, as blocks.
pub struct RestoredRdd {
    /// The node.
    pub node: u32,
    /// The time; none for the state before the first.
    pub time: Option<i64>,
    /// Where keys are: so many partitions by the portable hash.
    pub targets: Option<usize>,
    /// The blocks of each partition; none: "no RDD".
    pub partitions: Option<Vec<Vec<Block>>>,
}

/// What an input was, as it said itself.
pub struct RestoredInput {
    /// Which kind it is.
    pub kind: String,
    /// Its settings and its place.
    pub settings: String,
    /// What it keeps as bytes, by numbers.
    pub pieces: BTreeMap<i64, Vec<u8>>,
    /// The blocks of its RDDs, each with its partitions.
    pub rdds: Vec<Vec<Vec<Block>>>,
}

/// A checkpoint that was read.
pub struct Recovery {
    /// Where it is.
    pub folder: PathBuf,
    /// What it says.
    pub manifest: Manifest,
    /// The pickled functions.
    pub functions: Vec<u8>,
    /// Data of states and windows.
    pub rdds: Vec<RestoredRdd>,
    /// The inputs, by their nodes.
    pub inputs: BTreeMap<u32, RestoredInput>,
    /// Tables of states: which, which partition, the whole and then the changes.
    pub tables: Vec<(u64, u64, Vec<Vec<u8>>)>,
    /// What was received and planned.
    pub replay: Replay,
    /// What could not be used.
    pub warnings: Vec<String>,
    /// This checkpoint and older ones that look whole, oldest first.
    pub(super) good: Vec<Manifest>,
    /// What was there when the reading began.
    pub(super) seen: Seen,
}

/// What there is in a folder that a running stream changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    manifests: BTreeSet<String>,
    journals: BTreeMap<u64, Option<u64>>,
}

impl Seen {
    fn of(folder: &Folder) -> io::Result<Self> {
        let size = |number| Ok((number, folder.size(&journal::file_name(number))?));
        let journals = journal::numbers(folder)?.into_iter().map(size).collect::<io::Result<_>>()?;
        Ok(Self { manifests: folder.names(CHECKPOINT)?.into_iter().filter(|name| !is_draft(name)).collect(), journals })
    }

    /// Refused if the folder has changed since.
    pub(super) fn check(&self, folder: &Folder) -> Result<()> {
        let now = Self::of(folder).map_err(EngineError::external(format!("{}", folder.path().display())))?;
        if now == *self {
            return Ok(());
        }
        let new = now.manifests.difference(&self.manifests).next().cloned();
        let grown = now.journals.iter().find(|(number, size)| self.journals.get(number) != Some(size));
        let what = new.or_else(|| grown.map(|(number, _)| journal::file_name(*number)));
        let newest = owner::epochs(folder).ok().and_then(|epochs| epochs.last().copied());
        let who = newest.and_then(|epoch| owner::read_epoch(folder, epoch).ok()).map(|found| owner::told(&found.claim));
        Err(refused(
            folder.path(),
            &format!(
                "it has changed since it was read ({}): {} writes to it. Stop that one first, then start anew",
                what.unwrap_or_else(|| "files are gone".into()),
                who.unwrap_or_else(|| "another process".into())
            ),
        ))
    }
}

/// The name of the checkpoint of a time.
pub(super) fn manifest_name(time: i64, epoch: u64) -> String {
    format!("{CHECKPOINT}{time}.{epoch}")
}

/// The epoch and the time in the name of a checkpoint of ours; none: it is another's, or of an older format.
pub(super) fn when(name: &str) -> Option<(u64, i64)> {
    let (time, epoch) = first_of(name.strip_prefix(CHECKPOINT)?).split_once('.')?;
    Some((epoch.parse::<u32>().ok()?.into(), time.parse().ok()?))
}

fn is_draft(name: &str) -> bool {
    name.ends_with(".draft")
}

/// The names of checkpoints, ours or not, those of the latest run and time first. Copies go with what they are copies of.
fn by_age(names: Vec<String>) -> Vec<String> {
    let time = |name: &str| name.strip_prefix(CHECKPOINT)?.split('.').next()?.parse().ok();
    let key = |name: &str| when(name).unwrap_or_else(|| (0, time(name).unwrap_or(i64::MIN)));
    let own = names.iter().filter(|name| !is_draft(name)).map(|name| first_of(name).to_owned());
    let mut found: Vec<String> = own.collect::<BTreeSet<_>>().into_iter().collect();
    found.sort_by(|a, b| key(b).cmp(&key(a)).then_with(|| b.cmp(a)));
    found
}

/// The files in a folder that are checkpoints of ours, whole or not, copies included, and none of a run after `epoch`.
pub(super) fn own_manifests(folder: &Folder, epoch: u64) -> io::Result<Vec<String>> {
    let mut found = folder.names(CHECKPOINT)?;
    found.retain(|name| match when(name) {
        Some((of, _)) => of <= epoch,
        None => !is_draft(name) && folder.read(name).is_ok_and(|bytes| bytes.starts_with(b"dstreamschkp")),
    });
    Ok(found)
}

/// Whether a folder holds a checkpoint of a stream, one of Spark's included. A folder that is not there holds none.
pub fn has_checkpoint(folder: &Path) -> Result<bool> {
    let named = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    match fs::read_dir(folder).and_then(|found| found.map(named).collect::<io::Result<Vec<String>>>()) {
        Ok(names) => Ok(names.iter().any(|name| name.starts_with(CHECKPOINT) && !is_draft(name))),
        Err(cause) if is_nowhere(&cause) => Ok(false),
        Err(cause) => Err(refused(folder, &cause.to_string())),
    }
}

fn is_nowhere(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn refused(folder: &Path, problem: &str) -> EngineError {
    let problem = format!(
        "Failed to read checkpoint from directory {}: {problem}. Use another folder, or remove this one to begin anew.",
        folder.display()
    );
    EngineError::Refused { class: "org.apache.spark.SparkException", problem }
}

/// Why a checkpoint cannot be used.
enum Problem {
    /// It is damaged: another one may do.
    Damaged(String),
    /// This program cannot load what is in it.
    Foreign(String),
}

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Self::Damaged(problem)
    }
}

impl Recovery {
    /// Reads the newest good checkpoint of a folder; None if the folder has none at all.
    pub fn open(path: &Path, codec: &dyn Codec, trust: Trust) -> Result<Option<Self>> {
        let folder = match Folder::open(path, trust) {
            Ok(folder) => folder,
            Err(cause) if is_nowhere(&cause) => return Ok(None),
            Err(cause) => return Err(refused(path, &cause.to_string())),
        };
        let failed = |cause: io::Error| refused(path, &cause.to_string());
        let seen = Seen::of(&folder).map_err(failed)?;
        let (inherited, mut problems) = inherited_in(&folder).map_err(failed)?;
        let mut found = by_age(folder.names(CHECKPOINT).map_err(failed)?);
        if found.is_empty() {
            let received = seen.journals.iter().find(|(_, size)| size.is_some_and(|size| size > 0));
            return received.map_or(Ok(None), |(number, _)| {
                let problem = "has records of a stream, and there is no checkpoint: it was removed";
                Err(refused(path, &format!("{} {problem}", journal::file_name(*number))))
            });
        }
        found.retain(|name| when(name).is_none_or(|(epoch, _)| inherited.has(epoch, name)));
        for (at, name) in found.iter().enumerate() {
            match Self::read(&folder, name, codec, &inherited) {
                Ok(mut recovery) => {
                    let older = found[at + 1..].iter().filter_map(|name| read_manifest(&folder, name).ok());
                    recovery.good = older.map(|(manifest, _)| manifest).collect();
                    recovery.good.reverse();
                    recovery.good.push(recovery.manifest.clone());
                    let torn = recovery.replay.torn.iter();
                    let torn = torn.map(|name| format!("{name} ends with a part of a record, which is left out"));
                    problems.append(&mut recovery.warnings);
                    problems.extend(recovery.replay.lost.iter().map(|lost| format!("LOST: {lost}")));
                    problems.extend(torn);
                    (recovery.warnings, recovery.seen) = (problems, seen);
                    return Ok(Some(recovery));
                }
                Err(Problem::Damaged(problem)) => problems.push(format!("{name} cannot be used: {problem}")),
                Err(Problem::Foreign(problem)) => return Err(refused(path, &format!("{name}: {problem}"))),
            }
        }
        Err(refused(path, &problems.join("; ")))
    }

    fn read(folder: &Folder, name: &str, codec: &dyn Codec, inherited: &Inherited) -> Result<Self, Problem> {
        let (manifest, mut warnings) = read_manifest(folder, name)?;
        let (functions, healed) = read_either(folder, &manifest.functions, FUNCTIONS)?;
        warnings.extend(healed);
        let mut chunks = ChunkReader::open(folder, &manifest.files)?;
        warnings.append(&mut chunks.healed);
        let replay = Replay::read(folder, &manifest, inherited)?;
        let loader = Loader { chunks: &chunks, codec };
        let (rdds, inputs, tables) = loader.all(&manifest).map_err(|problem| match problem {
            EngineError::UserCode { cause } => {
                Problem::Foreign(format!("an object in it cannot be loaded by this program: {cause}"))
            }
            other => Problem::Damaged(other.to_string()),
        })?;
        let folder = folder.path().to_owned();
        let seen = Seen { manifests: BTreeSet::new(), journals: BTreeMap::new() };
        Ok(Self { folder, manifest, functions, rdds, inputs, tables, replay, warnings, good: Vec::new(), seen })
    }

    /// What a run of an epoch goes on from, if it goes on from this.
    pub(super) fn inherited(&self, epoch: u64) -> Inherited {
        let journals = self.replay.held.iter().map(|(number, file)| (*number, file.bytes)).collect();
        let manifests = self.seen.manifests.iter().map(|name| first_of(name).to_owned()).collect();
        Inherited { below: epoch, manifests, first: self.manifest.journal, journals }
    }
}

/// What the latest run of a folder found when it began, and what is wrong with its file.
fn inherited_in(folder: &Folder) -> io::Result<(Inherited, Vec<String>)> {
    let Some(newest) = owner::epochs(folder)?.last().copied() else { return Ok((Inherited::default(), Vec::new())) };
    Ok(match owner::read_epoch(folder, newest) {
        Ok(found) => (found.inherited, Vec::new()),
        Err(problem) => (Inherited::default(), vec![format!("it is not known who wrote last: {problem}")]),
    })
}

/// A sealed file, or its copy, and what is wrong with the file if that is the copy.
fn read_either(folder: &Folder, name: &str, kind: [u8; 4]) -> Result<(Vec<u8>, Option<String>), String> {
    let read = |name: &str| -> Result<Vec<u8>, String> { unseal(kind, &folder.read(name)?).map(<[u8]>::to_vec) };
    read(name).map(|bytes| (bytes, None)).or_else(|problem| {
        let copy = copy_of(name);
        let problem = format!("{name}: {problem}");
        match folder.size(&copy) {
            Ok(Some(_)) => match read(&copy) {
                Ok(bytes) => Ok((bytes, Some(format!("{problem}; its copy is used")))),
                Err(other) => Err(format!("{problem}; its copy: {other}")),
            },
            _ => Err(problem),
        }
    })
}

fn read_manifest(folder: &Folder, name: &str) -> Result<(Manifest, Vec<String>), String> {
    let (text, healed) = read_either(folder, name, MANIFEST).map_err(|problem| match problem.strip_prefix(name) {
        Some(rest) => rest.trim_start_matches(": ").to_owned(),
        None => problem,
    })?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|cause| cause.to_string())?;
    // A name is a name in the folder, whatever it says.
    let plain = Path::new(&manifest.functions).file_name() == Some(manifest.functions.as_ref());
    let fits = when(name) == Some((manifest.epoch, manifest.time));
    match (plain, fits) {
        (true, true) => Ok((manifest, healed.into_iter().collect())),
        (true, false) => Err("it is not the checkpoint that its name says".into()),
        (false, _) => Err("it names a file outside of the folder".into()),
    }
}

type Tables = Vec<(u64, u64, Vec<Vec<u8>>)>;

struct Loader<'a> {
    chunks: &'a ChunkReader,
    codec: &'a dyn Codec,
}

impl Loader<'_> {
    fn all(&self, manifest: &Manifest) -> Result<(Vec<RestoredRdd>, BTreeMap<u32, RestoredInput>, Tables)> {
        let rdds = manifest.rdds.iter().map(|saved| {
            let partitions = saved.partitions.as_ref().map(|partitions| self.partitions(partitions)).transpose()?;
            Ok(RestoredRdd { node: saved.node, time: saved.time, targets: saved.targets, partitions })
        });
        let inputs = manifest.inputs.iter().map(|(node, input)| Ok((*node, self.input(input)?)));
        let tables = manifest.tables.iter().map(|saved| {
            let parts = saved.chunks.iter().map(|id| self.chunks.bytes(*id).map(<[u8]>::to_vec));
            Ok((saved.table, saved.partition, parts.collect::<Result<_>>()?))
        });
        Ok((rdds.collect::<Result<_>>()?, inputs.collect::<Result<_>>()?, tables.collect::<Result<_>>()?))
    }

    fn partitions(&self, partitions: &[Vec<ChunkId>]) -> Result<Vec<Vec<Block>>> {
        let blocks = |ids: &Vec<ChunkId>| ids.iter().map(|id| self.chunks.block(*id, self.codec)).collect();
        partitions.iter().map(blocks).collect()
    }

    fn input(&self, input: &InputState) -> Result<RestoredInput> {
        let InputState { kind, settings, pieces, rdds } = input;
        let pieces = pieces.iter().map(|(number, id)| Ok((*number, self.chunks.bytes(*id)?.to_vec())));
        Ok(RestoredInput {
            kind: kind.clone(),
            settings: settings.clone(),
            pieces: pieces.collect::<Result<_>>()?,
            rdds: rdds.iter().map(|rdd| self.partitions(rdd)).collect::<Result<_>>()?,
        })
    }
}
