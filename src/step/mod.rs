//! How do the steps of a chain run over the blocks of a partition, without the interpreter?
//!
//! A step has a native form when its function was read as a program (`expr/`), or is one of the library's own over a whole
//! partition (a sort, a join, a sample). The forms are decided in Python (`dstreams/core/rdds/native.py`); `Plan` cuts a chain
//! into runs of native and of Python steps.
//! 1. A native run gives what its steps give in Python: same elements, types and order. Whatever it cannot be sure of it
//!    hands over to Python, from the first row in doubt on; programs have no side effects, so nothing happens twice.
//! 2. Native runs take and give columns; objects are made into columns only where that pays.
//! 3. All that needs the interpreter is behind one trait, `Onward`, which is asked once per block and never per row.
//!
//! Elsewhere: steps in Python, and what implements `Onward` (`object/`).

mod folding;
mod form;
mod key_states;
mod keyed;
mod mapped;
mod onward;
mod op;
mod parted;
mod place;
mod plan;
mod pure;
mod reduce;
mod rows;
mod running;
mod sample;
mod state;
mod taken;
mod whole;

#[cfg(test)]
mod tests;

pub use folding::Folding;
pub use form::Form;
pub use key_states::{KeyStates, Replaced};
pub use keyed::folded_whole;
pub use mapped::{Batch, Mapped};
pub use onward::{AsColumns, Onward, Pulled, Then};
pub use op::Step;
pub use place::targets_by_form;
pub use plan::{How, Plan, Run, Whole};
pub use reduce::Reducing;
pub use running::{Running, later};
pub use sample::Drawn;
pub use state::{Rule, Tables};
