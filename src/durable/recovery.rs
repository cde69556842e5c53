//! What is in a checkpoint folder, and from which checkpoint does a stream go on?
//!
//! 1. The newest checkpoint that is whole, with all that it names, is taken. Those that are not are told about.
//! 2. A folder with checkpoints of which none can be used is an error that says why and what to do: nothing begins anew
//!    by itself.
//! 3. Nothing is changed by reading.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::blocks::Codec;
use super::chunks::{ChunkId, ChunkReader};
use super::files::{self, Trust, unseal};
use super::journal::{PathName, Replay};
use super::manifest::{InputState, Manifest};
use crate::block::Block;
use crate::error::{EngineError, Result};

pub(super) const MANIFEST: [u8; 4] = *b"chkp";
pub(super) const FUNCTIONS: [u8; 4] = *b"func";

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

/// Where an input was.
pub enum RestoredInput {
    /// RDDs that are left.
    Queue { left: Vec<Vec<Vec<Block>>>, empty: Vec<Vec<Block>>, one_at_a_time: bool },
    /// A watched folder.
    Files { settings: String, selected: BTreeMap<i64, Vec<PathBuf>> },
    /// A receiver.
    Receiver { settings: String },
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
}

/// The name of the checkpoint of a time.
pub(super) fn manifest_name(time: i64) -> String {
    format!("checkpoint-{time}")
}

/// The names in a folder that begin so.
pub(super) fn names(folder: &Path, beginning: &str) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Some(name) = entry?.file_name().to_str()
            && name.starts_with(beginning)
        {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}

/// The files in a folder that are checkpoints, ours or not, with their times, newest first.
fn checkpoints(folder: &Path) -> io::Result<Vec<(i64, String)>> {
    let named = names(folder, "checkpoint-")?.into_iter();
    let time = |name: &String| name.strip_prefix("checkpoint-")?.split('.').next()?.parse().ok();
    let mut found: Vec<(i64, String)> =
        named.filter(|name| !name.ends_with(".draft")).map(|name| (time(&name).unwrap_or(i64::MIN), name)).collect();
    found.sort_by(|a, b| b.cmp(a));
    Ok(found)
}

/// The checkpoints that this library wrote, whole or not.
pub(super) fn own_manifests(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = names(folder, "checkpoint-")?;
    found.retain(|name| fs::read(folder.join(name)).is_ok_and(|bytes| bytes.starts_with(b"dstreamschkp")));
    Ok(found)
}

/// Whether a folder holds a checkpoint of a stream, one of Spark's included. A folder that is not there holds none.
pub fn has_checkpoint(folder: &Path) -> Result<bool> {
    match checkpoints(folder) {
        Ok(found) => Ok(!found.is_empty()),
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(cause) => Err(refused(folder, &cause.to_string())),
    }
}

fn refused(folder: &Path, problem: &str) -> EngineError {
    let problem = format!(
        "Failed to read checkpoint from directory {}: {problem}. Use another folder, or remove this one to begin anew.",
        folder.display()
    );
    EngineError::Refused { class: "org.apache.spark.SparkException", problem }
}

impl Recovery {
    /// Reads the newest good checkpoint of a folder; None if the folder has none at all.
    pub fn open(folder: &Path, codec: &dyn Codec, trust: Trust) -> Result<Option<Self>> {
        if !has_checkpoint(folder)? {
            return Ok(None);
        }
        let found = checkpoints(folder).map_err(|cause| refused(folder, &cause.to_string()))?;
        let mut problems = Vec::new();
        for (at, (_, name)) in found.iter().enumerate() {
            match Self::read(folder, name, codec, trust) {
                Ok(mut recovery) => {
                    let older = found[at + 1..].iter().filter_map(|(_, name)| read_manifest(folder, name, trust).ok());
                    recovery.good = older.collect();
                    recovery.good.reverse();
                    recovery.good.push(recovery.manifest.clone());
                    recovery.warnings = problems;
                    let torn = recovery.replay.torn.iter();
                    let torn = torn.map(|name| format!("{name} ends with a part of a record, which is left out"));
                    recovery.warnings.extend(torn);
                    return Ok(Some(recovery));
                }
                Err(problem) => problems.push(format!("{name} cannot be used: {problem}")),
            }
        }
        Err(refused(folder, &problems.join("; ")))
    }

    fn read(folder: &Path, name: &str, codec: &dyn Codec, trust: Trust) -> Result<Self, String> {
        let manifest = read_manifest(folder, name, trust)?;
        let functions = files::read(&folder.join(&manifest.functions), trust)
            .and_then(|bytes| unseal(FUNCTIONS, &bytes).map(<[u8]>::to_vec))
            .map_err(|problem| format!("{}: {problem}", manifest.functions))?;
        let chunks = ChunkReader::open(folder, &manifest.files, trust)?;
        let replay = Replay::read(folder, manifest.journal, trust)?;
        let loader = Loader { chunks: &chunks, codec };
        let (rdds, inputs, tables) = loader.all(&manifest).map_err(|problem| problem.to_string())?;
        let folder = folder.to_owned();
        let (warnings, good) = (Vec::new(), Vec::new());
        Ok(Self { folder, manifest, functions, rdds, inputs, tables, replay, warnings, good })
    }
}

fn read_manifest(folder: &Path, name: &str, trust: Trust) -> Result<Manifest, String> {
    let bytes = files::read(&folder.join(name), trust)?;
    let manifest: Manifest = serde_json::from_slice(unseal(MANIFEST, &bytes)?).map_err(|cause| cause.to_string())?;
    // A name is a name in the folder, whatever it says.
    let plain = Path::new(&manifest.functions).file_name() == Some(manifest.functions.as_ref());
    if plain { Ok(manifest) } else { Err("it names a file outside of the folder".into()) }
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
        Ok(match input {
            InputState::Queue { left, empty, one_at_a_time } => RestoredInput::Queue {
                left: left.iter().map(|rdd| self.partitions(rdd)).collect::<Result<_>>()?,
                empty: self.partitions(empty)?,
                one_at_a_time: *one_at_a_time,
            },
            InputState::Files { settings, selected } => {
                let files = |id: &ChunkId| -> Result<Vec<PathBuf>> {
                    let names: Vec<PathName> =
                        serde_json::from_slice(self.chunks.bytes(*id)?).map_err(super::blocks::damaged)?;
                    Ok(names.into_iter().map(PathBuf::from).collect())
                };
                let selected = selected.iter().map(|(time, id)| Ok((*time, files(id)?)));
                RestoredInput::Files { settings: settings.clone(), selected: selected.collect::<Result<_>>()? }
            }
            InputState::Receiver { settings } => RestoredInput::Receiver { settings: settings.clone() },
        })
    }
}
