//! What does a stream's driver add to checkpoints that only Python knows?
//!
//! Owns `Durable`: the keeper of the folder, with the functions as they were pickled last, and the tables of states. And
//! `PyCodec`: objects and classes as pickles.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::block::{Block, ClassTag, Objects};
use crate::durable::{Codec, Keeper, Program, TablePart};
use crate::error::Result;
use crate::object::attach::attach;
use crate::object::call::user_error;
use crate::object::called;
use crate::object::{class_tag, dump_kept, load_kept};
use crate::stream::Millis;

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
        attach(|py| called::LOAD_KEPT_IN_GRAPH.get(py)?.call1((PyBytes::new(py, bytes),)).map(drop))
            .map_err(user_error)?;
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
            called::DUMP_KEPT_IN_GRAPH.get(py)?.call1((PyList::new(py, [known])?,))?.extract::<Vec<u8>>()
        };
        attach(dump).map_err(user_error)
    }

    fn load_class(&self, bytes: &[u8]) -> Result<ClassTag> {
        let load = |py: Python<'_>| {
            let loaded = called::LOAD_KEPT_IN_GRAPH.get(py)?.call1((PyBytes::new(py, bytes),))?;
            class_tag(&loaded.get_item(0)?.cast_into()?)
        };
        attach(load).map_err(user_error)
    }
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
    pub(crate) conf: Vec<(String, String)>,
    pub(crate) program: Program,
    functions: Mutex<Functions>,
}

impl Durable {
    pub(crate) fn new(keeper: Arc<Keeper>, conf: Vec<(String, String)>, program: Program, functions: Vec<u8>) -> Self {
        let functions = Functions { pickled: Arc::new(functions), ..Functions::default() };
        Self { keeper, conf, program, functions: Mutex::new(functions) }
    }

    fn known(&self) -> MutexGuard<'_, Functions> {
        self.functions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The functions as they are now: what they captured may have changed. Those that cannot be pickled any more stay as
    /// they were; the longer that lasts, the less often it is tried.
    pub(crate) fn functions(
        &self,
        functions: &[Py<PyAny>],
        receivers: &[(u32, Py<PyAny>)],
        warn: &dyn Fn(&str),
    ) -> Arc<Vec<u8>> {
        let mut known = std::mem::take(&mut *self.known());
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
        *self.known() = known;
        pickled
    }

    /// The states of `mapWithState` that changed since the last checkpoint.
    pub(crate) fn tables(&self, functions: &[Py<PyAny>], time: Millis) -> Result<Vec<TablePart>> {
        let whole = self.keeper.wants_whole_tables();
        let parts = attach(|py| {
            let functions = PyList::new(py, functions)?;
            let parts = called::TABLE_PARTS.get(py)?.call1((functions, time.0, whole))?;
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
        called::DUMP_GRAPH.get(py)?.call1((functions, receivers, before))?.extract()
    })
}
