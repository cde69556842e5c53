//! What does the program ask about files and text, without an RDD?

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::gil::enter_engine;
use crate::error::EngineError;
use crate::input::Dealt;
use crate::object::attach::attach;
use crate::object::call::user_error;
use crate::source::{Reading, Split, counted_pieces, matching, text, utf8, zstd};

/// What Hadoop's settings say, by the names of `dstreams.core.io.hadoopreading.Reading`.
#[derive(FromPyObject)]
pub(crate) struct ReadingFields {
    delimiter: Option<Vec<u8>>,
    longest: Option<u32>,
    recursive: bool,
    passes_folders: bool,
    least_split: u64,
    most_split: u64,
    block: u64,
    skips_missing: bool,
    skips_corrupt: bool,
    keeps_empty: bool,
}

impl From<ReadingFields> for Reading {
    fn from(fields: ReadingFields) -> Self {
        Self {
            delimiter: fields.delimiter.map(Arc::from),
            longest: fields.longest,
            recursive: fields.recursive,
            passes_folders: fields.passes_folders,
            least_split: fields.least_split,
            most_split: fields.most_split,
            block: fields.block,
            skips_missing: fields.skips_missing,
            skips_corrupt: fields.skips_corrupt,
            keeps_empty: fields.keeps_empty,
        }
    }
}

/// (path, length in bytes) of the files that a path, a folder, a glob, or several with commas between, name.
#[pyfunction]
#[pyo3(signature = (spec, recursive=false, passes_folders=false))]
pub(crate) fn list_files(
    py: Python<'_>,
    spec: &str,
    recursive: bool,
    passes_folders: bool,
) -> PyResult<Vec<(OsString, u64)>> {
    let reading = Reading { recursive, passes_folders, ..Reading::default() };
    let found = enter_engine(py, || text::list_inputs(spec, &reading))?;
    Ok(found.into_iter().map(|file| (file.path.into_os_string(), file.len)).collect())
}

/// (first byte, number of bytes) of the pieces of a file that have so many lines.
#[pyfunction]
pub(crate) fn line_pieces(py: Python<'_>, path: PathBuf, lines: i64) -> PyResult<Vec<(u64, u64)>> {
    let context = format!("file:{}", path.display());
    enter_engine(py, || counted_pieces(&path, lines).map_err(EngineError::external(context)))
}

/// Pieces of files as a function of the library deals them: (path, first byte, number of bytes), a list per partition.
pub(crate) fn dealt_by(plan: Py<PyAny>) -> Dealt {
    Box::new(move || {
        let dealt: PyResult<Vec<Vec<(PathBuf, u64, u64)>>> = attach(|py| plan.bind(py).call0()?.extract());
        let split = |(path, start, length)| Split { path, start, length };
        let found = dealt.map_err(user_error)?.into_iter();
        Ok(found.map(|pieces| pieces.into_iter().map(split).collect()).collect())
    })
}

/// The existing local paths that a pattern names, sorted.
#[pyfunction]
pub(crate) fn glob(py: Python<'_>, pattern: &str) -> PyResult<Vec<OsString>> {
    let found = enter_engine(py, || matching(pattern))?;
    Ok(found.into_iter().map(PathBuf::into_os_string).collect())
}

/// The text that Java reads from bytes that should be UTF-8.
#[pyfunction]
pub(crate) fn decode_utf8<'py>(py: Python<'py>, data: &[u8]) -> Bound<'py, PyString> {
    PyString::new(py, &utf8::decode(data))
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
