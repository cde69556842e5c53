//! How do text files become an RDD?
//!
//! Glue between `source::text`, which knows files, and the lineage's `Reader`.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow_array::BinaryViewArray;
use serde::{Deserialize, Serialize};

use crate::block::{Block, Columns, Kind};
use pyo3::prelude::*;

use super::gil::enter_engine;
use crate::error::{EngineError, Result};
use crate::rdd::{Blocks, Op, Rdd, Reader, ready};
use crate::source::text::{self, InputFile, Split};
use crate::source::{Warn, zstd};

/// Files named by a path, a folder, a glob, or several with commas. Listed on first use, read anew by each action.
struct TextFiles {
    spec: String,
    min_partitions: usize,
    splits: OnceLock<Vec<Split>>,
}

impl TextFiles {
    fn splits(&self) -> Result<&[Split]> {
        if let Some(found) = self.splits.get() {
            return Ok(found);
        }
        let mut found = text::splits(&text::list_inputs(&self.spec)?, self.min_partitions);
        // Spark leaves empty files out (`spark.hadoopRDD.ignoreEmptySplits`).
        found.retain(|split| split.length > 0);
        Ok(self.splits.get_or_init(|| found))
    }
}

impl Reader for TextFiles {
    fn partitions(&self) -> Result<usize> {
        Ok(self.splits()?.len())
    }

    fn read(&self, partition: usize) -> Result<Blocks> {
        let split = self.splits()?.get(partition);
        let split = split.ok_or_else(|| EngineError::Bug(format!("{} has no split {partition}", self.spec)))?;
        Ok(ready(vec![text::read_split(split)?]))
    }

    fn name(&self) -> &'static str {
        "HadoopRDD"
    }
}

/// The lines of text files.
pub(crate) fn text_files(spec: &str, min_partitions: usize) -> Arc<Rdd> {
    let reader = TextFiles { spec: spec.to_owned(), min_partitions, splits: OnceLock::new() };
    Rdd::new(Op::Read(Arc::new(reader)))
}

/// What the records of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Records {
    /// Lines of text.
    Lines,
    /// Pieces of so many bytes.
    Pieces(usize),
}

impl Records {
    fn read(self, split: &Split) -> Result<Block> {
        match self {
            Self::Lines => text::read_split(split),
            Self::Pieces(length) => read_pieces(split, length),
        }
    }
}

/// A whole file as pieces of `length` bytes; the last one must be complete.
fn read_pieces(split: &Split, length: usize) -> Result<Block> {
    let name = split.path.display();
    let bytes = std::fs::read(&split.path).map_err(EngineError::external(format!("file:{name}")))?;
    if bytes.len() % length != 0 {
        let problem = format!("file:{name} has {} bytes, which is no multiple of {length}", bytes.len());
        return Err(EngineError::Invalid { parameter: "recordLength", problem });
    }
    let pieces = BinaryViewArray::from_iter_values(bytes.chunks_exact(length));
    Ok(Block::Columns(Columns::new(Kind::Bytes, Arc::new(pieces))))
}

/// (path, length in bytes) of the files that a path, a folder, a glob, or several with commas between, name.
#[pyfunction]
pub(crate) fn list_files(py: Python<'_>, spec: &str) -> PyResult<Vec<(OsString, u64)>> {
    let found = enter_engine(py, || text::list_inputs(spec))?;
    Ok(found.into_iter().map(|file| (file.path.into_os_string(), file.len)).collect())
}

/// Bytes compressed by Zstandard.
#[pyfunction]
pub(crate) fn zstd_pack(py: Python<'_>, data: &[u8]) -> Cow<'static, [u8]> {
    py.detach(|| zstd::pack(data)).into()
}

/// What bytes compressed by Zstandard hold.
#[pyfunction]
pub(crate) fn zstd_unpack(py: Python<'_>, data: &[u8]) -> PyResult<Cow<'static, [u8]>> {
    Ok(py.detach(|| zstd::unpack(data))?.into())
}

/// A file that a stream found. One that cannot be read any more is warned about and counts as empty.
struct StreamFile {
    splits: Vec<Split>,
    records: Records,
    warn: Warn,
}

impl Reader for StreamFile {
    fn partitions(&self) -> Result<usize> {
        Ok(self.splits.len())
    }

    fn read(&self, partition: usize) -> Result<Blocks> {
        let Some(split) = self.splits.get(partition) else { return Ok(ready(Vec::new())) };
        match self.records.read(split) {
            Ok(block) => Ok(ready(vec![block])),
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
pub(crate) fn stream_files(paths: &[PathBuf], records: Records, warn: &Warn) -> Result<Arc<Rdd>> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        // Spark reads such a name as "no input" and gives the batch up.
        if path.file_name().is_some_and(|name| crate::source::files::is_hidden(&name.to_string_lossy())) {
            return Err(EngineError::MissingInput { path: format!("file:{}", path.display()) });
        }
        match stream_splits(path, records) {
            Ok(splits) => {
                let file = StreamFile { splits, records, warn: Arc::clone(warn) };
                files.push(Rdd::new(Op::Read(Arc::new(file))));
            }
            Err(problem) => warn(format!("textFileStream: a file is left out: {problem}")),
        }
    }
    Ok(Rdd::new(Op::Union(files)))
}

fn stream_splits(path: &Path, records: Records) -> Result<Vec<Split>> {
    let context = format!("file:{}", path.display());
    let found = File::open(path).and_then(|file| file.metadata()).map_err(EngineError::external(context))?;
    let (path, length) = (path.to_owned(), found.len());
    match records {
        Records::Lines => Ok(text::splits(&[InputFile { path, len: length }], 1)),
        // Whole, so that no piece is cut in two.
        Records::Pieces(_) => Ok(vec![Split { path, start: 0, length }]),
    }
}
