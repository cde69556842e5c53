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
mod external;
mod folders;
mod frames;
mod frozen;
pub(crate) mod hash;
mod live;
pub(crate) mod named;
mod native;
mod numbers;
mod objects;
mod pairing;
mod pattern;
mod pipeline;
mod planned;
mod printed;
mod program;
mod pure;
mod remote;
mod router;
mod serve;
pub(crate) mod spool;
mod step;
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
pub(crate) use frozen::Frozen;
pub(crate) use native::{Form, How, KeyedStates, States};
pub(crate) use numbers::Numbers;
pub(crate) use objects::{ObjectSealer, dump_kept, load_kept, load_list, seal_list, seal_slice};
pub(crate) use pairing::{CartesianPairs, ZippedPairs};
pub(crate) use planned::Planned;
pub(crate) use program::{Bail, Program};
pub(crate) use remote::{Remote, Workers};
pub(crate) use router::{DealRouter, KeyRouter};
pub(crate) use serve::{PyLink, TaskRun, WorkerMemory};
pub(crate) use step::{Step, parse_steps};
