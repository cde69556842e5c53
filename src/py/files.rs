//! What does the program ask about files and text, without an RDD?

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::gil::enter_engine;
use crate::source::{Reading, matching, text, utf8, zstd};

/// What Hadoop's settings say, by the names of `dstreams.core.hadoopreading.Reading`.
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
