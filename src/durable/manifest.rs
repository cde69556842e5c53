//! What does a checkpoint say?
//!
//! Owns the plain data of `checkpoint-<milliseconds>.<epoch>`: JSON in an envelope. Functions are numbers here; the pickles
//! are in a file of their own, which the manifest names. Data are chunks. Every file that a checkpoint rests on is named, with
//! how much of it and what must be in it: so a file that is missing is no empty one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::chunks::ChunkId;

/// The kind of a node, and the nodes it reads. Functions and inputs are places in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeKind {
    /// Data from outside.
    Input,
    /// A function of RDDs.
    Transformed { parents: Vec<u32>, func: usize },
    /// All RDDs.
    Union { parents: Vec<u32> },
    /// RDDs of the last time.
    Window { parent: u32, length: i64, step: i64 },
    /// A state.
    State { parent: u32, func: usize },
    /// A window with an inverse.
    Reduced { parent: u32, add: usize, subtract: usize, length: i64, slide: i64, step: i64 },
}

/// A node. Durations are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// What makes its RDDs.
    pub kind: NodeKind,
    /// Their distance.
    pub slide: i64,
    /// How they are kept, as the driver names it.
    pub level: Option<String>,
    /// What `checkpoint` was given.
    pub checkpoint: Option<i64>,
}

/// An output operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// The node.
    pub parent: u32,
    /// The function.
    pub func: usize,
    /// Short name.
    pub name: String,
    /// Long name.
    pub description: String,
}

/// The graph.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GraphSpec {
    /// Distance of the batches.
    pub interval: i64,
    /// The time before the first batch.
    pub zero: i64,
    /// What `remember` was given.
    pub remember: Option<i64>,
    /// The nodes, by number.
    pub nodes: Vec<NodeSpec>,
    /// The outputs, in order.
    pub outputs: Vec<OutputSpec>,
}

/// An RDD of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRdd {
    /// The node.
    pub node: u32,
    /// The time; none for the state before the first.
    pub time: Option<i64>,
    /// Where keys are: so many partitions by the portable hash.
    pub targets: Option<usize>,
    /// The chunks of each partition; none: it was "no RDD".
    pub partitions: Option<Vec<Vec<ChunkId>>>,
}

/// Where an input is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "WrittenInput")]
pub struct InputState {
    /// Which kind of input it is.
    pub kind: String,
    /// Its settings and place, which only that kind understands.
    pub settings: String,
    /// Chunks of bytes of its own, by numbers.
    pub pieces: BTreeMap<i64, ChunkId>,
    /// The chunks of RDDs, each with its partitions.
    pub rdds: Vec<Vec<Vec<ChunkId>>>,
}

/// An input as it is, or as it was written when there were three kinds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenInput {
    kind: String,
    settings: String,
    pieces: BTreeMap<i64, ChunkId>,
    rdds: Vec<Vec<Vec<ChunkId>>>,
    #[serde(rename = "Queue")]
    queue: Option<WrittenQueue>,
    #[serde(rename = "Files")]
    files: Option<WrittenFiles>,
    #[serde(rename = "Receiver")]
    receiver: Option<WrittenReceiver>,
}

#[derive(Deserialize)]
struct WrittenQueue {
    left: Vec<Vec<Vec<ChunkId>>>,
    empty: Vec<Vec<ChunkId>>,
    one_at_a_time: bool,
}

#[derive(Deserialize)]
struct WrittenFiles {
    settings: String,
    selected: BTreeMap<i64, ChunkId>,
}

#[derive(Deserialize)]
struct WrittenReceiver {
    settings: String,
}

impl From<WrittenInput> for InputState {
    fn from(written: WrittenInput) -> Self {
        let WrittenInput { kind, settings, pieces, rdds, queue, files, receiver } = written;
        let old = |kind: &str, settings: String| Self { kind: kind.to_owned(), settings, ..Self::default() };
        if let Some(WrittenQueue { left, empty, one_at_a_time }) = queue {
            let rdds = std::iter::once(empty).chain(left).collect();
            return Self { rdds, ..old("queue", format!("{{\"one_at_a_time\":{one_at_a_time}}}")) };
        }
        if let Some(WrittenFiles { settings, selected }) = files {
            return Self { pieces: selected, ..old("files", settings) };
        }
        match receiver {
            // A receiver in Python had no settings, and that was the only sign of it.
            Some(WrittenReceiver { settings }) if settings == "null" => old("receiver", settings),
            Some(WrittenReceiver { settings }) => old("socket", settings),
            None => Self { kind, settings, pieces, rdds },
        }
    }
}

/// A table of states of one partition: bytes, and bytes with what changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedTable {
    /// Which tables: a number that the functions know.
    pub table: u64,
    /// Which partition.
    pub partition: u64,
    /// The whole, then the changes.
    pub chunks: Vec<ChunkId>,
}

/// Who wrote it, to be compared by who reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Program {
    /// Version of the interpreter, without its last part.
    pub python: String,
    /// The file of the program.
    pub file: String,
    /// A sum of that file.
    pub sum: String,
}

/// A data file, as far as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its number.
    pub number: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// Their checksum.
    pub sum: u32,
}

/// A file of the journal, as far as it was durable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JournalFile {
    /// Its number.
    pub number: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// The last block of each input that is in them.
    pub blocks: BTreeMap<u32, u64>,
    /// The last batch whose plan is in them.
    pub plan: Option<i64>,
}

/// A checkpoint: all that is needed to go on after the batch of `time`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// The last batch that is complete.
    pub time: i64,
    /// The epoch of the run that wrote it.
    pub epoch: u64,
    /// Batches at and before this time are not asked for any more.
    pub forgotten: i64,
    /// Who wrote it.
    pub program: Program,
    /// The settings of the program.
    pub conf: Vec<(String, String)>,
    /// The file with the pickled functions.
    pub functions: String,
    /// The graph.
    pub graph: GraphSpec,
    /// Data of states and windows.
    pub rdds: Vec<SavedRdd>,
    /// The inputs, by their nodes.
    pub inputs: BTreeMap<u32, InputState>,
    /// Tables of states.
    pub tables: Vec<SavedTable>,
    /// Data files.
    pub files: Vec<DataFile>,
    /// The first file of the journal that is needed.
    pub journal: u64,
    /// That one and those after it.
    pub journals: Vec<JournalFile>,
    /// The number of the next chunk.
    pub next_chunk: u64,
}

impl Manifest {
    /// Every chunk that is named.
    pub fn chunks(&self) -> impl Iterator<Item = ChunkId> + '_ {
        let rdds = self.rdds.iter().filter_map(|rdd| rdd.partitions.as_ref()).flatten().flatten();
        let inputs = self
            .inputs
            .values()
            .flat_map(|input| input.rdds.iter().flatten().flatten().chain(input.pieces.values()).copied());
        let tables = self.tables.iter().flat_map(|table| &table.chunks);
        rdds.chain(tables).copied().chain(inputs)
    }
}
