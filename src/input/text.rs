//! How do text files become an RDD?
//!
//! Glue between `source/`, which knows files, and the lineage's `Reader`: files that a program names (`text_files`), and
//! files that a stream found (`stream_files`).

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use arrow_array::BinaryViewArray;
use serde::{Deserialize, Serialize};

use crate::block::{Block, Columns, Kind};
use crate::error::{EngineError, Result};
use crate::rdd::{Blocks, Op, Rdd, Reader, ready};
use crate::source::text::{self, InputFile, Split};
use crate::source::{Api, Reading, RecordBlocks, Shape, Warn, fs, is_hidden};

/// What Spark reports for inputs that are not there.
const NOTHING_THERE: &str = "org.apache.hadoop.mapred.InvalidInputException";

/// What the settings of a context say about reading, or why they cannot be used; the context's program may change them.
pub type Told = Arc<RwLock<std::result::Result<Reading, Untold>>>;

/// A setting that cannot be used: the class of Java's exception, and what it says.
#[derive(Debug, Clone)]
pub struct Untold {
    class: &'static str,
    problem: String,
}

impl Untold {
    /// `class` is one of the exceptions that Hadoop raises here.
    pub fn new(class: &str, problem: String) -> Self {
        let known = [
            "java.lang.NumberFormatException",
            "java.lang.RuntimeException",
            "java.lang.UnsupportedOperationException",
        ];
        let found = known.into_iter().find(|name| *name == class);
        Self { class: found.unwrap_or("java.lang.IllegalArgumentException"), problem }
    }
}

/// What settings say now.
pub fn reading_now(told: &Told) -> Result<Reading> {
    let now = told.read().unwrap_or_else(PoisonError::into_inner);
    now.clone().map_err(|Untold { class, problem }| EngineError::Refused { class, problem })
}

/// Files named by a path, a folder, a glob, or several with commas. Listed on first use, read anew by each action.
struct TextFiles {
    spec: String,
    api: Api,
    shape: Shape,
    told: Told,
    splits: OnceLock<(Reading, Vec<Split>)>,
}

impl TextFiles {
    fn splits(&self) -> Result<&(Reading, Vec<Split>)> {
        if let Some(found) = self.splits.get() {
            return Ok(found);
        }
        let reading = reading_now(&self.told)?;
        let inputs = match text::list_inputs(&self.spec, &reading) {
            // All of them, as Hadoop lists all or none.
            Err(error) if reading.skips_missing && is_missing(&error) => Vec::new(),
            other => other.map_err(|error| self.of_its_api(error))?,
        };
        let found = text::splits(&inputs, &reading, self.api);
        Ok(self.splits.get_or_init(|| (reading, found)))
    }

    fn of_its_api(&self, error: EngineError) -> EngineError {
        let class = "org.apache.hadoop.mapreduce.lib.input.InvalidInputException";
        match (self.api, error) {
            (Api::Newer, error @ EngineError::MissingInput { .. }) => {
                EngineError::Refused { class, problem: error.to_string() }
            }
            (Api::Newer, EngineError::Refused { class: NOTHING_THERE, problem }) => {
                EngineError::Refused { class, problem }
            }
            (Api::Newer, EngineError::Refused { class: "java.io.IOException", problem }) => {
                // The newer interface does not expect a folder there.
                EngineError::Refused { class: "java.lang.NullPointerException", problem }
            }
            (_, other) => other,
        }
    }
}

/// Whether nothing is where a program says that its inputs are.
fn is_missing(error: &EngineError) -> bool {
    matches!(error, EngineError::MissingInput { .. } | EngineError::Refused { class: NOTHING_THERE, .. })
}

impl Reader for TextFiles {
    fn partitions(&self) -> Result<usize> {
        Ok(self.splits()?.1.len())
    }

    fn read(&self, partition: usize) -> Result<Blocks> {
        let (reading, splits) = self.splits()?;
        let split = splits.get(partition);
        let split = split.ok_or_else(|| EngineError::Bug(format!("{} has no split {partition}", self.spec)))?;
        read_records(split, reading, self.api, self.shape)
    }

    fn name(&self) -> &'static str {
        match self.api {
            Api::Older(_) => "HadoopRDD",
            Api::Newer => "NewHadoopRDD",
        }
    }
}

fn read_records(split: &Split, reading: &Reading, api: Api, shape: Shape) -> Result<Blocks> {
    if shape == Shape::Text && reading.is_plain() {
        return Ok(ready(vec![text::read_split(split, reading)?]));
    }
    Ok(Box::new(RecordBlocks::open(split, reading, api, shape)?))
}

/// The records of text files, in a shape.
pub fn text_files(spec: &str, api: Api, shape: Shape, told: Told) -> Arc<Rdd> {
    Rdd::new(Op::Read(Arc::new(TextFiles { spec: spec.to_owned(), api, shape, told, splits: OnceLock::new() })))
}

/// Deals pieces of files to partitions.
pub type Dealt = Box<dyn Fn() -> Result<Vec<Vec<Split>>> + Send + Sync>;

/// Pieces of text files that somebody else deals to partitions: asked once, on first use.
struct TextPieces {
    plan: Dealt,
    api: Api,
    reading: Reading,
    splits: OnceLock<Vec<Vec<Split>>>,
}

impl TextPieces {
    fn splits(&self) -> Result<&[Vec<Split>]> {
        if let Some(found) = self.splits.get() {
            return Ok(found);
        }
        let found = (self.plan)()?;
        Ok(self.splits.get_or_init(|| found))
    }
}

impl Reader for TextPieces {
    fn partitions(&self) -> Result<usize> {
        Ok(self.splits()?.len())
    }

    fn read(&self, partition: usize) -> Result<Blocks> {
        let pieces = self.splits()?.get(partition).cloned().unwrap_or_default();
        let (api, reading) = (self.api, self.reading.clone());
        Ok(Box::new(pieces.into_iter().flat_map(move |piece| -> Blocks {
            match RecordBlocks::open(&piece, &reading, api, Shape::Placed) {
                Ok(blocks) => Box::new(blocks),
                Err(problem) => Box::new(std::iter::once(Err(problem))),
            }
        })))
    }

    fn name(&self) -> &'static str {
        match self.api {
            Api::Older(_) => "HadoopRDD",
            Api::Newer => "NewHadoopRDD",
        }
    }
}

/// The records of pieces of text files, with their positions.
pub fn text_pieces(plan: Dealt, api: Api, reading: Reading) -> Arc<Rdd> {
    Rdd::new(Op::Read(Arc::new(TextPieces { plan, api, reading, splits: OnceLock::new() })))
}

/// What the records of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Records {
    /// Lines of text.
    Lines,
    /// Pieces of so many bytes.
    Pieces(usize),
}

impl Records {
    fn read(self, split: &Split, reading: &Reading) -> Result<Blocks> {
        match self {
            Self::Lines => read_records(split, reading, Api::Newer, Shape::Text),
            Self::Pieces(length) => Ok(ready(vec![read_pieces(split, length)?])),
        }
    }
}

/// A whole file as pieces of `length` bytes; the last one must be complete.
fn read_pieces(split: &Split, length: usize) -> Result<Block> {
    let name = split.path.display();
    let bytes = fs::read(&split.path).map_err(EngineError::external(format!("file:{name}")))?;
    if bytes.len() % length != 0 {
        let problem = format!("file:{name} has {} bytes, which is no multiple of {length}", bytes.len());
        return Err(EngineError::Invalid { parameter: "recordLength", problem });
    }
    let pieces = BinaryViewArray::from_iter_values(bytes.chunks_exact(length));
    Ok(Block::Columns(Columns::new(Kind::Bytes, Arc::new(pieces))))
}

/// A file that a stream found. One that cannot be read any more is warned about and counts as empty.
struct StreamFile {
    splits: Vec<Split>,
    records: Records,
    reading: Reading,
    warn: Warn,
}

impl Reader for StreamFile {
    fn partitions(&self) -> Result<usize> {
        Ok(self.splits.len())
    }

    fn read(&self, partition: usize) -> Result<Blocks> {
        let Some(split) = self.splits.get(partition) else { return Ok(ready(Vec::new())) };
        match self.records.read(split, &self.reading) {
            Ok(blocks) => Ok(blocks),
            Err(problem @ (EngineError::MissingInput { .. } | EngineError::External { .. })) => {
                (self.warn)(format!("textFileStream: a file is left out: {problem}"));
                Ok(ready(Vec::new()))
            }
            Err(other) => Err(other),
        }
    }

    fn name(&self) -> &'static str {
        "NewHadoopRDD"
    }
}

/// The records of files that a stream found, a partition or more per file, in their order.
pub fn stream_files(paths: &[PathBuf], records: Records, told: &Told, warn: &Warn) -> Result<Arc<Rdd>> {
    let reading = reading_now(told)?;
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        // Spark reads such a name as "no input" and gives the batch up.
        if path.file_name().is_some_and(|name| is_hidden(&name.to_string_lossy())) {
            return Err(EngineError::MissingInput { path: format!("file:{}", path.display()) });
        }
        match stream_splits(path, records, &reading) {
            Ok(splits) => {
                let file = StreamFile { splits, records, reading: reading.clone(), warn: Arc::clone(warn) };
                files.push(Rdd::new(Op::Read(Arc::new(file))));
            }
            Err(problem) => warn(format!("textFileStream: a file is left out: {problem}")),
        }
    }
    Ok(Rdd::new(Op::Union(files)))
}

fn stream_splits(path: &Path, records: Records, reading: &Reading) -> Result<Vec<Split>> {
    let context = format!("file:{}", path.display());
    let system = fs::of(path);
    // One that cannot be opened is told of now.
    let found = system.open(path, 0).and_then(|_| system.look(path)).map_err(EngineError::external(context))?;
    let (path, length) = (path.to_owned(), found.length);
    match records {
        Records::Lines => Ok(text::splits(&[InputFile { path, len: length }], reading, Api::Newer)),
        // Whole, so that no piece is cut in two.
        Records::Pieces(_) => Ok(vec![Split { path, start: 0, length }]),
    }
}
