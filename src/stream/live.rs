//! The graph at work: who may compute, and how is an RDD made?
//!
//! Owns `Live`: the graph behind its mutex, and the computing turn. What the graph decides (`graph.rs`), this file does
//! by calling the driver.
//! Lock order: interpreter -> graph; turn -> graph; turn -> interpreter. That is:
//! 1. The graph mutex is a leaf: held for look-ups and changes only, never while a driver function runs or a thread
//!    waits. So it may be taken at any time, also by a thread that holds the interpreter.
//! 2. The turn is held while RDDs are made, driver functions included. A thread never waits for it while it holds the
//!    interpreter (`Driver::blocking`). It is re-entrant: a function that runs in the turn may call `slice`.
//! 3. What is remembered is read without the turn, so an output operation that slices old batches does not wait for
//!    the function that makes the next one.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use super::driver::Driver;
use super::graph::{Found, Graph, untimely};
use super::node::{NodeId, Output, Recipe, ReducedRecipe};
use super::outline::Kept;
use super::time::Millis;
use crate::error::{EngineError, Result};

/// One output operation of one batch, ready to run.
pub struct Job<D: Driver> {
    /// What to run, and its names.
    pub output: Output<D>,
    /// What to run it on.
    pub rdd: D::Rdd,
}

/// A graph that makes RDDs.
pub struct Live<D: Driver> {
    driver: Arc<D>,
    graph: Mutex<Graph<D>>,
    turn: Turn,
}

impl<D: Driver> Live<D> {
    /// Puts a graph to work.
    pub fn new(driver: Arc<D>, graph: Graph<D>) -> Self {
        Self { driver, graph: Mutex::new(graph), turn: Turn::default() }
    }

    /// The graph, for a short look or change. No driver call and no wait while it is held.
    pub fn graph(&self) -> MutexGuard<'_, Graph<D>> {
        self.graph.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The RDD of a node at `time`, made now if need be; `None` if it has none.
    pub fn get_or_compute(&self, node: NodeId, time: Millis) -> Result<Option<D::Rdd>> {
        if let Some(known) = self.known(node, time)? {
            return Ok(known);
        }
        let _turn = self.turn.enter(self.driver.as_ref());
        // Asked again: another thread may have made it while this one waited for its turn.
        let found = self.graph().look_up(node, time)?;
        let (recipe, level) = match found {
            Found::Known(known) => return Ok(known),
            Found::Missing(recipe, level) => (recipe, level),
        };
        let made = self.make(node, recipe, time)?;
        if let (Some(rdd), Some(level)) = (&made, level) {
            self.driver.persist(rdd, level)?;
        }
        self.graph().store(node, time, made.clone());
        Ok(made)
    }

    /// Begins a batch: what every output has to do, in order of definition; outputs without an RDD are left out.
    pub fn jobs(&self, time: Millis) -> Result<Vec<Job<D>>> {
        let _turn = self.turn.enter(self.driver.as_ref());
        self.driver.begin_batch(time)?;
        let outputs = self.graph().outputs().to_vec();
        let job = |output: Output<D>| {
            let rdd = self.get_or_compute(output.parent, time).transpose()?;
            Some(rdd.map(|rdd| Job { output, rdd }))
        };
        outputs.into_iter().filter_map(job).collect()
    }

    /// The RDDs of a node in `[from, to]`, both rounded down to its slide, oldest first; those that are not remembered
    /// are made.
    pub fn slice(&self, node: NodeId, from: Millis, to: Millis) -> Result<Vec<D::Rdd>> {
        let times = self.graph().times_between(node, from, to)?;
        self.at(node, &times)
    }

    /// Forgets what is too old once the batch of `time` is complete.
    pub fn clear_before(&self, time: Millis) {
        self.driver.batch_ended(time);
        let growing = self.graph().growing(time);
        for (node, rdd) in growing {
            match self.driver.settle(&rdd) {
                Ok(()) => self.graph().note_settled(node, time, rdd),
                Err(error) => self.driver.report_error("A state or window could not be kept", &error),
            }
        }
        let (old, longest) = {
            let mut graph = self.graph();
            (graph.clear_before(time), graph.longest_input_remember())
        };
        old.iter().for_each(|rdd| self.driver.unpersist(rdd));
        if let Some(longest) = longest {
            self.driver.forget(time - longest);
        }
    }

    /// Makes durable all that is needed to go on after the batch of `time`. To be called after `clear_before`.
    pub fn keep(&self, time: Millis) -> Result<()> {
        let mut moment = self.graph().moment(time);
        let behind = self.graph().behind(time);
        let since = behind.map_or_else(Vec::new, |from| self.graph().inputs_after(from, time));
        let known: HashSet<_> = moment.rdds.iter().map(|kept| (kept.node, kept.time)).collect();
        moment.rdds.extend(since.into_iter().filter(|kept| !known.contains(&(kept.node, kept.time))));
        let rdds = std::mem::take(&mut moment.rdds);
        moment.rdds = rdds.into_iter().filter_map(|kept| self.keepable(kept).transpose()).collect::<Result<_>>()?;
        moment.initial.iter().try_for_each(|(_, rdd)| self.driver.settle(rdd))?;
        self.driver.keep(moment)
    }

    /// What a checkpoint can hold of an RDD: for a state that fails, the last one that is there. Fails if it was cancelled:
    /// nothing is wrong with the RDD then, and the checkpoint before is as good.
    fn keepable(&self, kept: Kept<D>) -> Result<Option<Kept<D>>> {
        let Some(rdd) = &kept.rdd else { return Ok(Some(kept)) };
        let error = match self.driver.settle(rdd) {
            Ok(()) => {
                self.graph().note_settled(kept.node, kept.time, rdd.clone());
                return Ok(Some(kept));
            }
            Err(stop @ EngineError::Cancelled { .. }) => return Err(stop),
            Err(error) => error,
        };
        let before = self.graph().last_state(kept.node);
        if let Some(before) = before {
            return Ok(before.map(|(time, rdd)| Kept { time, rdd: Some(rdd), ..kept }));
        }
        // Whoever asks for it after a restart makes it anew, as far as its input is there.
        self.driver.report_error("A checkpoint is written without an RDD that failed", &error);
        Ok(None)
    }

    fn known(&self, node: NodeId, time: Millis) -> Result<Option<Option<D::Rdd>>> {
        Ok(match self.graph().look_up(node, time)? {
            Found::Known(known) => Some(known),
            Found::Missing(..) => None,
        })
    }

    fn make(&self, node: NodeId, recipe: Recipe<D>, time: Millis) -> Result<Option<D::Rdd>> {
        match recipe {
            Recipe::Input(spec) => self.driver.input(node, &spec, time),
            Recipe::Transform(parents, func) => {
                let rdds = self.of_all(&parents, time)?;
                if matches!(rdds.as_slice(), [None]) {
                    return Ok(None);
                }
                self.driver.transform(&func, time, &rdds)
            }
            Recipe::Union(parents) => {
                let Some(rdds) = self.of_all(&parents, time)?.into_iter().collect::<Option<Vec<_>>>() else {
                    // Spark fails here rather than leave a parent out.
                    let problem = format!("Could not generate RDD from a parent for unifying at time {time}");
                    return untimely(problem);
                };
                self.driver.union(&rdds).map(Some)
            }
            Recipe::Window(parent, times) => self.driver.union(&self.at(parent, &times)?).map(Some),
            Recipe::State { parent, func, initial, before } => {
                let older = self.get_or_compute(node, before)?;
                match self.get_or_compute(parent, time)? {
                    None => Ok(older),
                    Some(newer) => self.driver.fold(&func, time, older.or(initial).as_ref(), &newer),
                }
            }
            Recipe::Reduced(recipe) => self.make_reduced(node, &recipe, time),
        }
    }

    fn make_reduced(&self, node: NodeId, recipe: &ReducedRecipe<D>, time: Millis) -> Result<Option<D::Rdd>> {
        // The window before is made even where it is not used, as in Spark: it may be looked at by `slice`.
        let before = recipe.before.map_or(Ok(None), |before| self.get_or_compute(node, before))?;
        let Some(mut sum) = before else { return self.fold_all(&recipe.add, time, None, recipe.parent, &recipe.all) };
        if let Some(less) = self.fold_all(&recipe.subtract, time, Some(&sum), recipe.parent, &recipe.left)? {
            sum = less;
        }
        let more = self.fold_all(&recipe.add, time, Some(&sum), recipe.parent, &recipe.came)?;
        Ok(Some(more.unwrap_or(sum)))
    }

    /// `func` of `older` and the union of the parent's RDDs at these times; None if there are none.
    fn fold_all(
        &self,
        func: &D::Func,
        time: Millis,
        older: Option<&D::Rdd>,
        parent: NodeId,
        times: &[Millis],
    ) -> Result<Option<D::Rdd>> {
        let rdds = self.at(parent, times)?;
        if rdds.is_empty() {
            return Ok(None);
        }
        self.driver.fold(func, time, older, &self.driver.union(&rdds)?)
    }

    fn of_all(&self, nodes: &[NodeId], time: Millis) -> Result<Vec<Option<D::Rdd>>> {
        nodes.iter().map(|node| self.get_or_compute(*node, time)).collect()
    }

    fn at(&self, node: NodeId, times: &[Millis]) -> Result<Vec<D::Rdd>> {
        times.iter().filter_map(|time| self.get_or_compute(node, *time).transpose()).collect()
    }
}

/// The right to make RDDs: one thread at a time, which may enter again.
#[derive(Default)]
struct Turn {
    /// Who has it, and how often it entered.
    holder: Mutex<Option<(ThreadId, u32)>>,
    freed: Condvar,
}

impl Turn {
    fn enter<D: Driver>(&self, driver: &D) -> InTurn<'_> {
        let me = thread::current().id();
        if !self.try_enter(me) {
            driver.blocking(|| {
                let holder = self.lock();
                let mut free =
                    self.freed.wait_while(holder, |holder| holder.is_some()).unwrap_or_else(PoisonError::into_inner);
                *free = Some((me, 1));
            });
        }
        InTurn { turn: self }
    }

    fn try_enter(&self, me: ThreadId) -> bool {
        let mut holder = self.lock();
        let depth = match *holder {
            None => 0,
            Some((thread, depth)) if thread == me => depth,
            Some(_) => return false,
        };
        *holder = Some((me, depth + 1));
        true
    }

    fn leave(&self) {
        let mut holder = self.lock();
        *holder = holder.and_then(|(thread, depth)| (depth > 1).then(|| (thread, depth - 1)));
        if holder.is_none() {
            self.freed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<(ThreadId, u32)>> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct InTurn<'a> {
    turn: &'a Turn,
}

impl Drop for InTurn<'_> {
    fn drop(&mut self) {
        self.turn.leave();
    }
}
