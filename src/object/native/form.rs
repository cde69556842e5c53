//! The native form of one function of a step, as Python names it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::mapped::Mapped;
use super::reduce::Reducing;
use crate::block::Columns;
use crate::expr::Program;
use crate::object::convert;
use crate::object::program::Program as PyProgram;

/// What a function does, where the engine can do it too.
#[derive(Clone)]
pub(crate) enum Form {
    /// Reckons one value from its arguments.
    Program(Program),
    /// Sorts the pairs of a partition by `key` of their key (by the key itself if there is none).
    Sort { key: Option<Program>, ascending: bool },
    /// Pairs the values of two sides.
    Join { keep_left: bool, keep_right: bool },
    /// Keeps the elements whose random number is in a range.
    Sample { seed: i64, from: f64, below: f64 },
    /// Applies records to the states of their keys.
    Mapped(Mapped),
    /// Makes few things of a partition.
    Reduce(Reducing),
    /// Finds a key's range.
    Ranges { bounds: Columns, key: Option<Program>, ascending: bool },
}

pub(super) fn program(value: &Bound<'_, PyAny>) -> PyResult<Option<Program>> {
    if value.is_none() {
        return Ok(None);
    }
    Ok(Some(value.cast::<PyProgram>()?.get().inner.clone()))
}

/// Part `at` of what is named so, which must be a program.
pub(super) fn needed(name: &str, parts: &Bound<'_, PyTuple>, at: usize) -> PyResult<Program> {
    program(&parts.get_item(at)?)?.ok_or_else(|| PyValueError::new_err(format!("forms: {name} needs a program")))
}

impl Form {
    /// From what `dstreams.core.native` says of a function; `None` if it has no native form.
    pub(crate) fn parse(named: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if let Some(program) = named.cast::<PyProgram>().ok().map(|program| program.get().inner.clone()) {
            return Ok(Some(Self::Program(program)));
        }
        if named.is_none() {
            return Ok(None);
        }
        let parts = named.cast::<PyTuple>()?;
        let name: String = parts.get_item(0)?.extract()?;
        Ok(Some(match name.as_str() {
            "sort" => Self::Sort { key: program(&parts.get_item(1)?)?, ascending: parts.get_item(2)?.extract()? },
            "join" => {
                Self::Join { keep_left: parts.get_item(1)?.extract()?, keep_right: parts.get_item(2)?.extract()? }
            }
            "sample" => Self::Sample {
                seed: parts.get_item(1)?.extract()?,
                from: parts.get_item(2)?.extract()?,
                below: parts.get_item(3)?.extract()?,
            },
            "mapped" => Self::Mapped(Mapped::parse(parts)?),
            "ranges" => {
                let bounds = parts.get_item(1)?;
                let Some(bounds) = convert::list_to_columns(bounds.cast::<PyList>()?) else { return Ok(None) };
                Self::Ranges { bounds, key: program(&parts.get_item(2)?)?, ascending: parts.get_item(3)?.extract()? }
            }
            "top" | "counts" | "reduce" | "fold" | "pairs" | "sum" | "stats" => {
                return Ok(Reducing::parse(&name, parts)?.map(Self::Reduce));
            }
            other => return Err(PyValueError::new_err(format!("forms: there is no native form {other:?}"))),
        }))
    }

    /// The forms of a list of functions.
    pub(crate) fn parse_all(named: &Bound<'_, PyAny>) -> PyResult<Vec<Option<Self>>> {
        named.try_iter()?.map(|one| Self::parse(&one?)).collect()
    }
}
