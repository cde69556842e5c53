//! Of which items of a tuple are objects made, if a function looks at some of them only?
//!
//! `dstreams.udf.used` reads which ones these are. In place of the others the function gets None, which it cannot see.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, NullArray};
use pyo3::prelude::*;

use crate::block::{Columns, Kind, tuple_array};
use crate::error::Result;
use crate::object::called;
use crate::step::Step;

/// The paths of the items that are looked at; negative numbers count from the end.
pub(super) struct Used(Vec<Vec<isize>>);

impl Used {
    /// Of the elements that the function of a step gets; None if it may want all of them.
    pub(super) fn of(step: Step, function: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let of_values = match step {
            Step::Map | Step::FlatMap => false,
            Step::MapValues | Step::FlatMapValues => true,
            _ => return Ok(None),
        };
        let read = called::PATHS_USED.get(function.py())?;
        let Some(mut paths) = read.call1((function,))?.extract::<Option<Vec<Vec<isize>>>>()? else { return Ok(None) };
        if of_values {
            paths.iter_mut().for_each(|path| path.insert(0, 1));
            paths.push(vec![0]);
            // The value must be there, whatever of it is looked at.
            if paths.len() == 1 {
                paths.push(vec![1]);
            }
        }
        Ok(Some(Self(paths)))
    }

    /// The columns, with None in place of what is not looked at.
    pub(super) fn kept(&self, columns: &Columns) -> Result<Columns> {
        let paths: Vec<&[isize]> = self.0.iter().map(Vec::as_slice).collect();
        let kept = kept(columns.kind(), columns.array(), &paths)?;
        Ok(kept.map_or_else(|| columns.clone(), |(kind, array)| Columns::new(kind, array)))
    }
}

/// The column of tuples with those items alone; None if it is to stay as it is.
fn kept(kind: &Kind, array: &ArrayRef, paths: &[&[isize]]) -> Result<Option<(Kind, ArrayRef)>> {
    let (Kind::Tuple { items, class: None }, Some(tuples)) = (kind, array.as_struct_opt()) else { return Ok(None) };
    let count = items.len();
    let inside =
        |path: &&[isize]| matches!(path, [first, ..] if -(count as isize) <= *first && *first < count as isize);
    if count == 0 || !paths.iter().all(inside) {
        return Ok(None);
    }
    let (mut kinds, mut columns) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for (at, (kind, column)) in items.iter().zip(tuples.columns()).enumerate() {
        let below: Vec<&[isize]> = paths
            .iter()
            .filter(|path| path[0].rem_euclid(count as isize) == at as isize)
            .map(|path| &path[1..])
            .collect();
        let (kind, column) = if below.is_empty() {
            (Kind::None, Arc::new(NullArray::new(column.len())) as ArrayRef)
        } else {
            kept(kind, column, &below)?.unwrap_or_else(|| (kind.clone(), Arc::clone(column)))
        };
        kinds.push(kind);
        columns.push(column);
    }
    Ok(Some((Kind::Tuple { items: kinds, class: None }, tuple_array(columns, tuples.nulls().cloned())?)))
}
