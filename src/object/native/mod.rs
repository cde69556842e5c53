//! How do steps run over columns, without the interpreter?
//!
//! A step has a native form when its function was read as a program (`expr/`), or is one of the library's own over a whole
//! partition (a sort, a join, a sample). The forms are decided in Python (`dstreams/core/native.py`); `plan` cuts a chain
//! into runs of native and of Python steps.
//! 1. A native run gives what its steps give in Python: same elements, types and order. Whatever it cannot be sure of it
//!    hands over to Python, from the first row in doubt on; programs have no side effects, so nothing happens twice.
//! 2. Native runs take and give columns; objects are made into columns only where that pays.
//! 3. Nothing here attaches to the interpreter, except to hand over.

mod folding;
mod form;
mod keyed;
mod mapped;
mod parted;
mod plan;
mod reduce;
mod rows;
mod sample;
mod state;
mod values;
mod whole;

pub(super) use folding::Folding;
pub(crate) use form::Form;
pub(super) use keyed::{Keyed, folded_whole};
pub(crate) use mapped::KeyedStates;
pub(super) use mapped::mapped_states;
pub(crate) use plan::How;
pub(super) use plan::{Run, Whole, plan, told};
pub(super) use reduce::reduced;
pub(super) use rows::RowsRun;
pub(super) use sample::Sampled;
pub(crate) use state::States;
pub(super) use values::ValuesRun;
pub(super) use whole::{Singles, grouped, joined_sides, sorted};

use pyo3::prelude::*;

use super::convert;
use super::live::Live;
use super::objects;
use super::travel;
use super::turn::Turn;
use crate::block::{Block, Columns};
use crate::object::attach::attach;

/// The elements of a block as columns; the block itself if they are no columns. What comes from `Taken` still live does
/// not fit.
pub(super) fn as_columns(block: Block) -> std::result::Result<Columns, Block> {
    match block {
        Block::Columns(columns) => Ok(columns),
        live if Live::is(&live) => Err(live),
        objects => {
            let _turn = Turn::wait();
            let made = attach(|py| {
                let items = objects::load(py, &objects)?;
                let made = convert::to_columns(py, &items);
                // Two references to one list would become two lists.
                Ok::<_, PyErr>(made.filter(|made| !travel::shares_lists(py, &items, made.kind())))
            });
            // What cannot even be loaded will say so where it is needed.
            made.ok().flatten().ok_or(objects)
        }
    }
}
