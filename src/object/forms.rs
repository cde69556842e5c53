//! The native forms of functions, and the steps that take these, as Python names them.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::convert;
use super::key_states::KeyedStates;
use super::program::Program as PyProgram;
use crate::expr::Program;
use crate::step::{Batch, Folding, Form, Mapped, Reducing, Step};

fn program(value: &Bound<'_, PyAny>) -> PyResult<Option<Program>> {
    if value.is_none() {
        return Ok(None);
    }
    Ok(Some(value.cast::<PyProgram>()?.get().inner.clone()))
}

/// Part `at` of what is named so, which must be a program.
fn needed(name: &str, parts: &Bound<'_, PyTuple>, at: usize) -> PyResult<Program> {
    program(&parts.get_item(at)?)?.ok_or_else(|| PyValueError::new_err(format!("forms: {name} needs a program")))
}

/// From what `dstreams.core.rdds.native` says of a function; `None` if it has no native form.
pub(crate) fn parse_form(named: &Bound<'_, PyAny>) -> PyResult<Option<Form>> {
    if let Some(program) = named.cast::<PyProgram>().ok().map(|program| program.get().inner.clone()) {
        return Ok(Some(Form::Program(program)));
    }
    if named.is_none() {
        return Ok(None);
    }
    let parts = named.cast::<PyTuple>()?;
    let name: String = parts.get_item(0)?.extract()?;
    Ok(Some(match name.as_str() {
        "sort" => Form::Sort { key: program(&parts.get_item(1)?)?, ascending: parts.get_item(2)?.extract()? },
        "join" => Form::Join { keep_left: parts.get_item(1)?.extract()?, keep_right: parts.get_item(2)?.extract()? },
        "sample" => Form::Sample {
            seed: parts.get_item(1)?.extract()?,
            from: parts.get_item(2)?.extract()?,
            below: parts.get_item(3)?.extract()?,
        },
        "mapped" => Form::Mapped(mapped(parts)?),
        "ranges" => {
            let bounds = parts.get_item(1)?;
            let Some(bounds) = convert::list_to_columns(bounds.cast::<PyList>()?) else { return Ok(None) };
            Form::Ranges { bounds, key: program(&parts.get_item(2)?)?, ascending: parts.get_item(3)?.extract()? }
        }
        "top" | "counts" | "reduce" | "fold" | "pairs" | "sum" | "stats" => {
            return Ok(reducing(&name, parts)?.map(Form::Reduce));
        }
        other => return Err(PyValueError::new_err(format!("forms: there is no native form {other:?}"))),
    }))
}

/// The forms of a list of functions.
pub(crate) fn parse_forms(named: &Bound<'_, PyAny>) -> PyResult<Vec<Option<Form>>> {
    named.try_iter()?.map(|one| parse_form(&one?)).collect()
}

/// The steps of a chain, of their names and numbers.
pub(crate) fn parse_steps(named: &[(String, usize)]) -> PyResult<Vec<Step>> {
    let missing = |name: &str| PyValueError::new_err(format!("steps: there is no step {name:?}"));
    named.iter().map(|(name, number)| Step::from_name(name, *number).ok_or_else(|| missing(name))).collect()
}

/// From its name and what follows it; `None` if it has no native form, and for other names.
fn reducing(name: &str, parts: &Bound<'_, PyTuple>) -> PyResult<Option<Reducing>> {
    let program_at = |at: usize| needed(name, parts, at);
    Ok(match name {
        "top" => Some(Reducing::Top {
            number: parts.get_item(1)?.extract()?,
            key: program(&parts.get_item(2)?)?,
            largest: parts.get_item(3)?.extract()?,
        }),
        "counts" => Some(Reducing::Counts),
        "reduce" => Reducing::reduce(&program_at(1)?),
        "fold" => Reducing::fold(&program_at(1)?, &program_at(2)?),
        "pairs" => Some(Reducing::Pairs(Folding::new(None, &program_at(1)?))),
        "sum" => Some(Reducing::Sum { compensated: parts.get_item(1)?.extract()? }),
        "stats" => Some(Reducing::Stats),
        _ => None,
    })
}

/// What a batch does to states, by partition.
fn mapped(parts: &Bound<'_, PyTuple>) -> PyResult<Mapped> {
    let states: Vec<Bound<'_, KeyedStates>> = parts.get_item(1)?.extract()?;
    let states = states.iter().map(|states| states.get().shared()).collect();
    let (time, oldest, least, emits_none, idle_before) = parts.get_item(3)?.extract()?;
    let batch = Batch { time, oldest, least, emits_none, idle_before };
    Ok(Mapped { states: Arc::new(states), program: needed("mapped", parts, 2)?, batch })
}
