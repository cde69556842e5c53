//! What do operators do when the elements are Python objects? The interpreter lives here and in `py/`, nowhere else.
//!
//! 1. Attach once per partition or chunk, never once per record; never wait for the engine while attached.
//! 2. Elements that outlive a job (kept partitions, shuffle output, input) are sealed: columns, shared immutable
//!    objects, or pickles that every reader loads anew.
//! 3. Functions of tasks are frozen: shared when nothing in them can change, else a pickle loaded once per task.

mod aggregate;
pub(crate) mod attach;
mod batches;
mod buckets;
pub(crate) mod call;
mod chain;
pub(crate) mod child;
mod classes;
pub(crate) mod convert;
mod elements;
mod ended;
mod external;
mod folders;
mod forms;
mod frames;
mod frozen;
mod going;
pub(crate) mod hash;
mod key_states;
mod live;
mod map_values;
pub(crate) mod named;
mod objects;
mod pairing;
mod pattern;
mod pipeline;
mod planned;
mod printed;
mod program;
mod remote;
mod router;
mod sample;
mod serve;
pub(crate) mod spool;
mod states;
pub(crate) mod task;
mod text;
pub(crate) mod threads;
mod travel;
pub(crate) mod turn;
mod used;
mod weigh;

pub(crate) use chain::Chain;
pub(crate) use classes::class_tag;
pub(crate) use elements::Elements;
pub(crate) use folders::claimed_from;
pub(crate) use forms::{parse_form, parse_forms, parse_steps};
pub(crate) use frozen::Frozen;
pub(crate) use key_states::KeyedStates;
pub(crate) use objects::{ObjectSealer, dump_kept, load_kept, load_list, seal_list, seal_slice};
pub(crate) use pairing::{CartesianPairs, ZippedPairs};
pub(crate) use planned::Planned;
pub(crate) use program::{Bail, Program};
pub(crate) use remote::{Remote, Workers};
pub(crate) use router::{DealRouter, KeyRouter};
pub(crate) use serve::{PyLink, TaskRun, WorkerMemory};
pub(crate) use states::States;

use pyo3::prelude::*;

use self::attach::attach;
use self::live::Live;
use self::turn::Turn;
use crate::block::{Block, Columns};

/// `step::AsColumns`.
fn as_columns(block: Block) -> std::result::Result<Columns, Block> {
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
