//! What does a stream need from the world that knows RDDs and functions?
//!
//! Owns the `Driver` trait: all that the graph, the batch loop and the scheduler ask for. The Python layer implements it
//! once; the tests of this room implement it with vectors and Rust closures.
//! 1. No method is called while a mutex of this room is held. `begin_batch`, `input`, `transform`, `union` and `persist`
//!    are called in the computing turn (`live.rs`), so never by two threads at once.
//! 2. Every wait of this room goes through `blocking`: a thread that holds the interpreter gives it back meanwhile.
//! 3. Clones of `Rdd`, `Func` and `Input` are made, and may be dropped, while a mutex is held: they must be cheap and
//!    must not wait (for Python objects: an `Arc` around them).

use super::node::NodeId;
use super::outline::Moment;
use super::time::Millis;
use crate::error::{EngineError, Result};
use crate::monitor::InputInfo;

/// The world of RDDs, functions and inputs.
pub trait Driver: Send + Sync + Sized + 'static {
    /// An RDD of one batch; a cheap handle.
    type Rdd: Clone + Send + 'static;
    /// A function that runs in the driver. The engine never looks inside.
    type Func: Clone + Send + Sync + 'static;
    /// What feeds an input: a handle. How it is started, asked and written down is the driver's affair.
    type Input: Clone + Send + Sync + 'static;
    /// How the RDDs of a node are kept.
    type Level: Copy + Send + Sync + 'static;

    /// Starts what feeds the inputs, in order of definition. After an error `stop_inputs(false)` is called.
    fn start_inputs(&self, inputs: &[(NodeId, Self::Input)]) -> Result<()>;
    /// Ends receiving; when `graceful`, what was received so far must still be given to the next `begin_batch`. Called
    /// again with `graceful = false` if somebody loses patience, possibly while the first call still runs.
    fn stop_inputs(&self, graceful: bool);

    /// The stream has ended, or nearly: nothing is to be held open for it any more. May be called several times.
    fn rest(&self) {}

    /// A batch begins: what was received so far and belongs to no batch belongs to this one, for all inputs alike.
    /// Called once per batch time, in order, also for batches in which no RDD is computed.
    fn begin_batch(&self, _time: Millis) -> Result<()> {
        Ok(())
    }
    /// What the inputs brought into the batch, for listeners. Called after its RDDs were made.
    fn input_info(&self, _time: Millis) -> Vec<InputInfo> {
        Vec::new()
    }
    /// The batch of `time`, and all before it, have ended, well or not: nobody waits for what they received any more. Their
    /// data may still be wanted by windows (see `forget`).
    fn batch_ended(&self, _time: Millis) {}
    /// No RDD of an input at or before `until` is wanted any more: its received data may go.
    fn forget(&self, _until: Millis) {}

    /// The RDD of an input for a batch.
    fn input(&self, node: NodeId, spec: &Self::Input, time: Millis) -> Result<Option<Self::Rdd>>;
    /// The RDD that `func` makes of its parents' RDDs. With one parent it is `Some`; with several, a parent may have
    /// none at this time. `None` means "no RDD": the outputs are skipped.
    fn transform(&self, func: &Self::Func, time: Millis, parents: &[Option<Self::Rdd>]) -> Result<Option<Self::Rdd>>;
    /// The RDD that `func` makes of an earlier one of the same node, if there is any, and a new one: a step of a state
    /// or of an incremental window.
    fn fold(
        &self,
        func: &Self::Func,
        time: Millis,
        older: Option<&Self::Rdd>,
        newer: &Self::Rdd,
    ) -> Result<Option<Self::Rdd>>;
    /// Cuts the RDD off from what it was made of: the next one is made of it, and the lineage must not grow for ever.
    /// Called once its batch is complete.
    fn settle(&self, _rdd: &Self::Rdd) -> Result<()> {
        Ok(())
    }
    /// All elements of `rdds`, in order. May be given none: an empty RDD.
    fn union(&self, rdds: &[Self::Rdd]) -> Result<Self::Rdd>;
    /// Runs an output operation to its end.
    fn output(&self, func: &Self::Func, time: Millis, rdd: Self::Rdd) -> Result<()>;

    /// Whether checkpoints are written.
    fn keeps(&self) -> bool {
        false
    }
    /// The RDDs of `time` are made, and its outputs run once this returns: makes durable what the batch consists of.
    fn planned(&self, _time: Millis) -> Result<()> {
        Ok(())
    }
    /// Makes durable all that is needed to go on after a batch.
    fn keep(&self, _moment: Moment<Self>) -> Result<()> {
        Ok(())
    }
    /// The stream has ended: what it owned outside of the process may be another one's. Must not wait.
    fn ended(&self) {}
    /// The name of a level, for a checkpoint.
    fn level_name(_level: Self::Level) -> String {
        String::new()
    }

    /// Keeps the RDD once it is computed.
    fn persist(&self, rdd: &Self::Rdd, level: Self::Level) -> Result<()>;
    /// The RDD is remembered no more. Called for every RDD of every node, persisted or not, and more than once for an
    /// RDD that two nodes share. It must not free received data (`forget` does): another node may still want it.
    fn unpersist(&self, rdd: &Self::Rdd);
    /// How the parent of a window is kept if its level was never set.
    fn window_level(&self) -> Option<Self::Level> {
        None
    }

    /// Something went wrong in the background, for the log; the error goes to `awaitTermination` as well.
    fn report_error(&self, _what: &str, _error: &EngineError) {}
    /// Whether somebody pressed Ctrl-C; asked several times a second during long waits of `start`, `stop` and `wait`.
    fn check_signals(&self) -> Result<()> {
        Ok(())
    }
    /// Runs the whole life of one of the stream's threads. Must call `body` exactly once.
    fn run_thread(&self, body: &mut (dyn FnMut() + Send)) {
        body();
    }
    /// Runs a wait. A thread that holds the interpreter gives it back meanwhile.
    fn blocking<T: Send>(&self, wait: impl FnOnce() -> T + Send) -> T {
        wait()
    }
}
