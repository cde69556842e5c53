//! What do operators do when the elements are Python objects? The interpreter lives here and in `py/`, nowhere else.
//!
//! 1. Attach once per partition or chunk, never once per record; never wait for the engine while attached.
//! 2. Elements that outlive a job (kept partitions, shuffle output, input) are sealed: columns, shared immutable
//!    objects, or pickles that every reader loads anew.
//! 3. Functions of tasks are frozen: shared when nothing in them can change, else a pickle loaded once per task.
//!
//! By subject: values and what they become (`values/`), threads inside Python code (`threads/`), worker processes (`workers/`);
//! here the steps of chains over Python objects, blocks of these, and how they leave a chain.

mod aggregate;
mod batches;
mod buckets;
pub(crate) mod call;
pub(crate) mod called;
mod chain;
mod elements;
mod external;
mod forms;
mod frames;
mod frozen;
mod going;
mod key_states;
mod live;
mod lots;
mod map_values;
pub(crate) mod named;
mod objects;
mod pairing;
mod pipeline;
mod planned;
mod product;
mod router;
mod sample;
pub(crate) mod spool;
mod states;
pub(crate) mod threads;
mod used;
mod values;
mod workers;

pub(crate) use chain::Chain;
pub(crate) use elements::Elements;
pub(crate) use forms::{parse_form, parse_forms, parse_steps};
pub(crate) use frozen::Frozen;
pub(crate) use key_states::KeyedStates;
pub(crate) use objects::{ObjectSealer, dump_kept, load_kept, load_list, seal_list, seal_slice};
pub(crate) use pairing::ZippedPairs;
pub(crate) use planned::Planned;
pub(crate) use product::CartesianPairs;
pub(crate) use router::{DealRouter, KeyRouter};
pub(crate) use states::States;
pub(crate) use threads::{attach, child, task, turn};
pub(crate) use values::classes::class_tag;
pub(crate) use values::program::{Bail, Program};
pub(crate) use values::{convert, hash};
pub(crate) use workers::{PyLink, Remote, TaskRun, WorkerMemory, Workers, claimed_from};

use pyo3::prelude::*;

use self::attach::attach;
use self::live::Live;
use self::turn::Turn;
use self::values::{program, travel, weigh};
use self::workers::remote;
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
