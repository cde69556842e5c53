//! How does a stream's driver write checkpoints, and what does it know of an earlier run?
//!
//! Owns `Durable`: the keeper of the folder, what the batches made so far have taken, and what of the journal of an
//! earlier run has not been given to a batch yet. And `PyCodec`: objects and classes as pickles.
//! 1. A batch that an earlier run planned gets exactly what it got then. What that run received and planned for no batch
//!    goes to the first batch without a plan.
//! 2. With a log, a received block is in it before a batch can take it, and durable before the batch's outputs run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use super::driver::callback;
use crate::block::{Block, ClassTag, Objects};
use crate::durable::{Codec, Keeper, PathName, Plan, Program, Received, TablePart, decode, encode};
use crate::error::{EngineError, Result};
use crate::object::attach::attach;
use crate::object::call::user_error;
use crate::object::{class_tag, dump_kept, load_kept};
use crate::source::{BlockLog, Taken};
use crate::stream::{Millis, NodeId};

/// Objects and classes as pickles.
pub(crate) struct PyCodec;

/// The same, for what comes back from an earlier run: objects are loaded once for a trial. So a class that this program does
/// not have is found before anything starts, and not in the first batch that reads it.
pub(crate) struct TrialCodec;

impl Codec for TrialCodec {
    fn dump(&self, objects: &dyn Objects) -> Result<Vec<u8>> {
        PyCodec.dump(objects)
    }

    fn load(&self, bytes: &[u8], count: usize) -> Result<Block> {
        attach(|py| callback(py, "load_kept")?.call1((PyBytes::new(py, bytes),)).map(drop)).map_err(user_error)?;
        PyCodec.load(bytes, count)
    }

    fn dump_class(&self, class: &ClassTag) -> Result<Vec<u8>> {
        PyCodec.dump_class(class)
    }

    fn load_class(&self, bytes: &[u8]) -> Result<ClassTag> {
        PyCodec.load_class(bytes)
    }
}

impl Codec for PyCodec {
    fn dump(&self, objects: &dyn Objects) -> Result<Vec<u8>> {
        dump_kept(objects)
    }

    fn load(&self, bytes: &[u8], count: usize) -> Result<Block> {
        Ok(load_kept(bytes, count))
    }

    fn dump_class(&self, class: &ClassTag) -> Result<Vec<u8>> {
        let dump = |py: Python<'_>| {
            let known = class.class().downcast_ref::<Py<pyo3::types::PyType>>();
            let known = known.ok_or_else(|| pyo3::exceptions::PyRuntimeError::new_err("bug in dstreams: no class"))?;
            callback(py, "dump_kept")?.call1((PyList::new(py, [known])?,))?.extract::<Vec<u8>>()
        };
        attach(dump).map_err(user_error)
    }

    fn load_class(&self, bytes: &[u8]) -> Result<ClassTag> {
        let load = |py: Python<'_>| {
            let loaded = callback(py, "load_kept")?.call1((PyBytes::new(py, bytes),))?;
            class_tag(&loaded.get_item(0)?.cast_into()?)
        };
        attach(load).map_err(user_error)
    }
}

/// What an earlier run left behind.
#[derive(Default)]
pub(crate) struct Left {
    pub(crate) plans: BTreeMap<i64, Plan>,
    /// The blocks that no batch has been given, by input, in order.
    pub(crate) blocks: BTreeMap<u32, Vec<Received>>,
}

impl Left {
    /// The blocks of an input that a batch is to have, in their partitions, and the number of the first that is left.
    fn blocks_for(&mut self, node: u32, plan: Option<&Plan>) -> Result<(Vec<Vec<Block>>, Option<u64>)> {
        let until = plan.map(|plan| plan.taken.get(&node).copied().unwrap_or(0));
        let Some(blocks) = self.blocks.get_mut(&node) else { return Ok((Vec::new(), until)) };
        let count = blocks.iter().take_while(|block| until.is_none_or(|until| block.number < until)).count();
        let mut groups: Vec<(u64, Vec<Block>)> = Vec::new();
        for received in blocks.drain(..count) {
            let block = decode(&received.bytes, &PyCodec)?;
            match groups.last_mut() {
                Some((last, blocks)) if *last == received.group => blocks.push(block),
                _ => groups.push((received.group, vec![block])),
            }
        }
        Ok((groups.into_iter().map(|(_, blocks)| blocks).collect(), until))
    }
}

#[derive(Default)]
struct Facts {
    left: Left,
    /// Selected files that no plan in the journal has yet.
    files: BTreeMap<u32, BTreeMap<i64, Vec<PathName>>>,
    /// How far each batch has taken the blocks of each receiver.
    taken: BTreeMap<i64, BTreeMap<u32, u64>>,
    functions: Functions,
}

/// The functions as they were pickled last.
#[derive(Default)]
struct Functions {
    pickled: Arc<Vec<u8>>,
    /// What they were made of: the same means the same pickle.
    facts: Option<Py<PyAny>>,
    /// How often they could not be pickled, one time after the other, and for how many batches it is not tried.
    failed: u32,
    pause: u32,
    /// Whether that was told.
    told: bool,
}

/// What a driver with a checkpoint folder has.
pub(crate) struct Durable {
    pub(crate) keeper: Arc<Keeper>,
    /// Whether received blocks are logged.
    pub(crate) logs: bool,
    pub(crate) conf: Vec<(String, String)>,
    pub(crate) program: Program,
    /// The last complete batch of the earlier run.
    resumed: Option<i64>,
    facts: Mutex<Facts>,
}

impl Durable {
    pub(crate) fn new(
        keeper: Keeper,
        logs: bool,
        conf: Vec<(String, String)>,
        program: Program,
        functions: Vec<u8>,
        resumed: Option<(i64, Left)>,
    ) -> Self {
        let (resumed, left) = resumed.map_or((None, Left::default()), |(time, left)| (Some(time), left));
        let functions = Functions { pickled: Arc::new(functions), ..Functions::default() };
        let facts = Facts { left, functions, ..Facts::default() };
        Self { keeper: Arc::new(keeper), logs, conf, program, resumed, facts: Mutex::new(facts) }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The log for the blocks of an input, and the number of its next block.
    pub(crate) fn log_of(&self, node: NodeId) -> Option<(Arc<dyn BlockLog>, u64)> {
        let facts = self.facts();
        let last = facts.left.blocks.get(&node.0).and_then(|blocks| blocks.last()).map(|block| block.number + 1);
        let planned = facts.left.plans.values().filter_map(|plan| plan.taken.get(&node.0)).max().copied();
        let log = Log { keeper: Arc::clone(&self.keeper), node: node.0 };
        self.logs.then(|| (Arc::new(log) as Arc<dyn BlockLog>, last.max(planned).unwrap_or(0)))
    }

    /// Whether an earlier run has planned a batch: then it takes nothing new.
    pub(crate) fn is_planned(&self, time: Millis) -> bool {
        self.facts().left.plans.contains_key(&time.0)
    }

    /// What an earlier run has received for a batch.
    pub(crate) fn replayed(&self, node: NodeId, time: Millis) -> Result<Vec<Vec<Block>>> {
        let mut facts = self.facts();
        let plan = facts.left.plans.get(&time.0).cloned();
        let (groups, until) = facts.left.blocks_for(node.0, plan.as_ref())?;
        if let Some(until) = until {
            facts.taken.entry(time.0).or_default().insert(node.0, until);
        }
        Ok(groups)
    }

    /// What the complete batches of an earlier run took, as far as the journal has it: a window that slides less often than
    /// batches come may not have looked at it yet.
    pub(crate) fn past(&self, node: NodeId) -> Result<BTreeMap<Millis, Taken>> {
        let Some(last) = self.resumed else { return Ok(BTreeMap::new()) };
        let times: Vec<i64> = self.facts().left.plans.range(..=last).map(|(time, _)| *time).collect();
        let taken = |time| Ok((Millis(time), Taken { groups: self.replayed(node, Millis(time))?, ..Taken::default() }));
        times.into_iter().map(taken).collect()
    }

    /// A batch has taken the blocks before `until`.
    pub(crate) fn took(&self, node: NodeId, time: Millis, until: u64) {
        self.facts().taken.entry(time.0).or_default().insert(node.0, until);
    }

    /// The files that an earlier run had in a batch.
    pub(crate) fn planned_files(&self, node: NodeId, time: Millis) -> Option<Vec<PathBuf>> {
        let facts = self.facts();
        let mut plans = facts.left.plans.values();
        let of_time = |plan: &Plan| plan.files.get(&node.0)?.get(&time.0).cloned();
        let found = plans.find_map(of_time);
        // A planned batch had no others.
        let found = found.or_else(|| facts.left.plans.contains_key(&time.0).then(Vec::new));
        found.map(|files| files.into_iter().map(PathBuf::from).collect())
    }

    /// A batch has these files.
    pub(crate) fn selected(&self, node: NodeId, time: Millis, files: &[PathBuf]) {
        let files = files.iter().map(|path| PathName::from(path.as_path())).collect();
        self.facts().files.entry(node.0).or_default().insert(time.0, files);
    }

    /// Makes durable what a batch consists of, unless an earlier run did.
    pub(crate) fn plan(&self, time: Millis) -> Result<()> {
        let plan = {
            let mut facts = self.facts();
            if facts.left.plans.contains_key(&time.0) {
                drop(facts);
                return self.only_replaced();
            }
            let files = std::mem::take(&mut facts.files);
            Plan { time: time.0, files, taken: facts.taken.get(&time.0).cloned().unwrap_or_default() }
        };
        if plan.files.is_empty() && plan.taken.is_empty() {
            // Nothing to write; but a stream that was replaced must not run its outputs beside those of the other one.
            return self.only_replaced();
        }
        self.keeper.journal().commit(self.keeper.journal().plan(&plan)?)
    }

    /// Fails if another run has taken the folder. What else may be wrong with it is found by who writes.
    pub(crate) fn only_replaced(&self) -> Result<()> {
        match self.keeper.check() {
            Err(error @ EngineError::Replaced { .. }) => Err(error),
            _ => Ok(()),
        }
    }

    /// Up to where the batches up to `time` took blocks.
    pub(crate) fn taken_until(&self, time: i64) -> BTreeMap<u32, u64> {
        let mut facts = self.facts();
        let mut taken = BTreeMap::new();
        for of_batch in facts.taken.range(..=time).map(|(_, of_batch)| of_batch) {
            taken.extend(of_batch);
        }
        // One entry stands for all that are forgotten.
        let later = facts.taken.split_off(&time.saturating_add(1));
        facts.taken = later;
        facts.taken.insert(time, taken.clone());
        taken
    }

    /// The functions as they are now: what they captured may have changed. Those that cannot be pickled any more stay as
    /// they were; the longer that lasts, the less often it is tried.
    pub(crate) fn functions(
        &self,
        functions: &[Py<PyAny>],
        receivers: &[(u32, Py<PyAny>)],
        warn: &dyn Fn(&str),
    ) -> Arc<Vec<u8>> {
        let mut known = std::mem::take(&mut self.facts().functions);
        if known.pause > 0 {
            known.pause -= 1;
        } else {
            match dump(functions, receivers, known.facts.as_ref()) {
                Ok((pickled, facts)) => {
                    known.pickled = pickled.map_or(known.pickled, Arc::new);
                    (known.facts, known.failed) = (facts, 0);
                }
                Err(raised) => {
                    if !std::mem::replace(&mut known.told, true) {
                        warn(&format!(
                            "a checkpoint holds the functions as they were before, for now they cannot be pickled: {raised}"
                        ));
                    }
                    known.failed += 1;
                    // Each try may cost as much as what was captured since: so they are twice as rare each time.
                    known.pause = 1 << known.failed.min(20);
                    known.facts = None;
                }
            }
        }
        let pickled = Arc::clone(&known.pickled);
        self.facts().functions = known;
        pickled
    }

    /// The states of `mapWithState` that changed since the last checkpoint.
    pub(crate) fn tables(&self, functions: &[Py<PyAny>], time: Millis) -> Result<Vec<TablePart>> {
        let whole = self.keeper.wants_whole_tables();
        let parts = attach(|py| {
            let functions = PyList::new(py, functions)?;
            let parts = callback(py, "table_parts")?.call1((functions, time.0, whole))?;
            parts.extract::<Vec<(u64, u64, usize, usize, Vec<u8>)>>()
        });
        let part = |(table, partition, first, until, bytes)| TablePart { table, partition, keeps: first..until, bytes };
        Ok(parts.map_err(user_error)?.into_iter().map(part).collect())
    }
}

/// A pickle, if what is in it changed, and what it is made of.
type Dumped = (Option<Vec<u8>>, Option<Py<PyAny>>);

/// The pickle of functions and receivers.
fn dump(functions: &[Py<PyAny>], receivers: &[(u32, Py<PyAny>)], before: Option<&Py<PyAny>>) -> PyResult<Dumped> {
    attach(|py| {
        let functions = PyList::new(py, functions)?;
        let receivers: Vec<_> = receivers.iter().map(|(node, object)| (*node, object.clone_ref(py))).collect();
        callback(py, "dump_graph")?.call1((functions, receivers, before))?.extract()
    })
}

/// The journal, for the blocks of one input.
struct Log {
    keeper: Arc<Keeper>,
    node: u32,
}

impl BlockLog for Log {
    fn append(&self, number: u64, group: u64, block: &Block) -> Result<u64> {
        let bytes = encode(block, &PyCodec)?;
        if bytes.len() > u32::MAX as usize / 2 {
            let problem = "a received block of 2 GiB or more cannot be logged".into();
            return Err(EngineError::Refused { class: "org.apache.spark.SparkException", problem });
        }
        Ok(self.keeper.journal().block(self.node, number, group, &bytes))
    }

    fn commit(&self, place: u64) -> Result<()> {
        self.keeper.journal().commit(place)
    }
}
