//! Regular expressions as the reader of functions writes them: see `python/dstreams/udf/patterns.py`.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::program::malformed;
use crate::kernel::regex::{Pattern, Piece, Place};

/// How deep the parts of a pattern may nest.
const MAX_DEPTH: usize = 100;

/// The pattern of a node.
pub(super) fn pattern(source: String, spec: &Bound<'_, PyAny>, groups: u32) -> PyResult<Pattern> {
    let piece = piece(spec, MAX_DEPTH)?;
    let mut last = 0;
    each_group(&piece, &mut |number| last = last.max(number));
    if last > groups {
        return Err(malformed(format!("group {last} in a regular expression of {groups}")));
    }
    Ok(Pattern { source, piece, groups })
}

fn piece(spec: &Bound<'_, PyAny>, depth: usize) -> PyResult<Piece> {
    let Some(depth) = depth.checked_sub(1) else { return Err(malformed("a regular expression that is too deep")) };
    let parts = spec.cast::<PyTuple>()?;
    let at = |position: usize| parts.get_item(position);
    let one = |position: usize| Ok::<_, PyErr>(Box::new(piece(&at(position)?, depth)?));
    let several = || at(1)?.cast::<PyTuple>()?.iter().map(|part| piece(&part, depth)).collect::<PyResult<Vec<_>>>();
    let name: String = at(0)?.extract()?;
    Ok(match (name.as_str(), parts.len()) {
        ("set", 2) => {
            let bits: u128 = at(1)?.extract()?;
            Piece::Set([bits as u64, (bits >> 64) as u64])
        }
        ("seq", 2) => Piece::Seq(several()?),
        ("or", 2) => Piece::Or(several()?),
        ("repeat", 5) => {
            Piece::Repeat { of: one(1)?, least: at(2)?.extract()?, most: at(3)?.extract()?, greedy: at(4)?.extract()? }
        }
        ("group", 3) => Piece::Group(at(1)?.extract()?, one(2)?),
        ("at", 2) => {
            let name: String = at(1)?.extract()?;
            Piece::At(Place::from_name(&name).ok_or_else(|| malformed(format!("a place {name:?} is not known")))?)
        }
        (name, length) => return Err(malformed(format!("a part {name:?} of {length} parts is not known"))),
    })
}

fn each_group(piece: &Piece, found: &mut dyn FnMut(u32)) {
    match piece {
        Piece::Set(_) | Piece::At(_) => {}
        Piece::Seq(pieces) | Piece::Or(pieces) => pieces.iter().for_each(|piece| each_group(piece, found)),
        Piece::Repeat { of, .. } => each_group(of, found),
        Piece::Group(number, of) => {
            found(*number);
            each_group(of, found);
        }
    }
}
