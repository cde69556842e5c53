//! How are Python objects held in a block, and made safe to keep?
//!
//! 1. `Fresh`: made by the running task, seen by nobody else yet; may be mutable.
//! 2. `Shared`: every object is immutable all the way down; readers get the objects themselves.
//! 3. `Pickled`: every reader loads its own copies.
//! 4. Sealed blocks (columns, `Shared`, `Pickled`) never show one job what another did to an element.

use std::any::Any;
use std::sync::Arc;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PySet, PyTuple};

use super::call::user_error;
use super::{convert, lots, travel, weigh};
use crate::block::{Block, LoadObjects, Objects};
use crate::error::{EngineError, Result};
use crate::exec::Sealer;
use crate::object::attach::attach;
use crate::object::called;
use crate::rdd::{Batching, Blocks, Lots};

/// Elements as Python objects.
#[derive(Debug)]
pub(crate) enum ObjectBlock {
    Fresh(Vec<Py<PyAny>>),
    Shared {
        items: Vec<Py<PyAny>>,
        bytes: usize,
    },
    /// `numbered`: classes that this process alone knows are in it by their numbers.
    Pickled {
        data: Py<PyBytes>,
        bytes: usize,
        count: usize,
        numbered: bool,
    },
}

impl Objects for ObjectBlock {
    fn len(&self) -> usize {
        match self {
            Self::Fresh(items) | Self::Shared { items, .. } => items.len(),
            Self::Pickled { count, .. } => *count,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            // The running task counts what it makes itself.
            Self::Fresh(items) => items.len() * size_of::<Py<PyAny>>(),
            Self::Shared { bytes, .. } | Self::Pickled { bytes, .. } => *bytes,
        }
    }

    fn is_plain(&self) -> bool {
        match self {
            Self::Shared { items, .. } => attach(|py| items.iter().all(|item| convert::is_plain(item.bind(py)))),
            // Such objects are of any class.
            Self::Fresh(_) | Self::Pickled { .. } => false,
        }
    }

    fn dump(&self) -> Result<(Vec<u8>, LoadObjects)> {
        let dumped = attach(|py| match self {
            Self::Fresh(items) | Self::Shared { items, .. } => {
                let (data, numbered) = dump(py, &PyList::new(py, items.iter().map(|item| item.clone_ref(py)))?)?;
                Ok((data.as_bytes().to_vec(), numbered))
            }
            Self::Pickled { data, numbered, .. } => Ok((data.as_bytes(py).to_vec(), *numbered)),
        });
        let (mut bytes, numbered) = dumped.map_err(user_error)?;
        bytes.extend_from_slice(&(self.len() as u64).to_le_bytes());
        bytes.push(u8::from(numbered));
        Ok((bytes, load_pickled))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Reference counts may only be touched while attached; a block can die on any thread.
impl Drop for ObjectBlock {
    fn drop(&mut self) {
        let items = match self {
            Self::Fresh(items) | Self::Shared { items, .. } => std::mem::take(items),
            Self::Pickled { .. } => return,
        };
        if items.is_empty() {
            return;
        }
        let mut items = Some(items);
        Python::try_attach(|_| drop(items.take()));
        // No interpreter any more: leaking beats touching freed memory.
        std::mem::forget(items);
    }
}

/// A block of objects that the running task made.
pub(crate) fn fresh(items: Vec<Py<PyAny>>) -> Block {
    Block::Objects(Arc::new(ObjectBlock::Fresh(items)))
}

/// The objects of a block, each reader's own where they are mutable.
pub(crate) fn load(py: Python<'_>, block: &Block) -> PyResult<Vec<Py<PyAny>>> {
    match block {
        Block::Columns(columns) => {
            let mut items = Vec::with_capacity(columns.len());
            convert::append_to(py, columns, &mut items)?;
            Ok(items)
        }
        Block::Objects(objects) => match objects.as_any().downcast_ref::<ObjectBlock>() {
            Some(ObjectBlock::Fresh(items) | ObjectBlock::Shared { items, .. }) => {
                Ok(items.iter().map(|item| item.clone_ref(py)).collect())
            }
            Some(ObjectBlock::Pickled { data, .. }) => {
                let loads = pickle_loads(py)?;
                let list = loads.call1((data,))?.cast_into::<PyList>()?;
                Ok(list.iter().map(Bound::unbind).collect())
            }
            None => Err(pyo3::exceptions::PyRuntimeError::new_err("bug in dstreams: unknown kind of block")),
        },
    }
}

pub(super) fn pickle_loads(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    LOADS.import(py, "pickle", "loads")
}

/// The elements of blocks as one Python list.
pub(crate) fn load_list<'py, 'b>(
    py: Python<'py>,
    blocks: impl Iterator<Item = &'b Block>,
) -> PyResult<Bound<'py, PyList>> {
    let mut all = Vec::new();
    for block in blocks {
        all.append(&mut load(py, block)?);
    }
    PyList::new(py, all)
}

/// Checks that results could travel from a worker: one object of each class that may not is pickled for trial.
pub(crate) fn check_travels(py: Python<'_>, items: &[Py<PyAny>]) -> PyResult<()> {
    let mut tried: Vec<*mut ffi::PyTypeObject> = Vec::new();
    items.iter().try_for_each(|item| check_one(item.bind(py), &mut tried, 0))
}

fn check_one(item: &Bound<'_, PyAny>, tried: &mut Vec<*mut ffi::PyTypeObject>, depth: u32) -> PyResult<()> {
    if let Ok(tuple) = item.cast_exact::<PyTuple>() {
        let mut inside = tuple.iter_borrowed();
        return if depth < 3 {
            inside.try_for_each(|one| check_one(&one, tried, depth + 1))
        } else {
            check_depth(item)
        };
    }
    // Larger containers are looked at by their first element: they hold mostly alike ones.
    if let Ok(list) = item.cast_exact::<PyList>() {
        if depth == 3 {
            return check_depth(item);
        }
        return list.iter().next().map_or(Ok(()), |one| check_one(&one, tried, depth + 1));
    }
    let class = item.get_type_ptr();
    let container = item.is_exact_instance_of::<PyDict>() || item.is_exact_instance_of::<PySet>();
    if !tried.contains(&class) {
        tried.push(class);
        if container {
            check_depth(item)?;
        } else if !convert::is_immutable(item) {
            dump(item.py(), &PyList::new(item.py(), [item])?)?;
        }
    }
    Ok(())
}

/// Levels that pickle is known to manage: it takes several calls for one, of the thousand that Python allows.
const SHALLOW: usize = 100;

/// What nests deeper, as far as first elements tell, is tried.
fn check_depth(item: &Bound<'_, PyAny>) -> PyResult<()> {
    let mut at = item.clone();
    for _ in 0..SHALLOW {
        let inside = if let Ok(tuple) = at.cast_exact::<PyTuple>() {
            tuple.get_item(0).ok()
        } else if let Ok(list) = at.cast_exact::<PyList>() {
            list.iter().next()
        } else if let Ok(dict) = at.cast_exact::<PyDict>() {
            dict.iter().next().map(|(_, value)| value)
        } else {
            None
        };
        match inside {
            Some(inside) => at = inside,
            None => return Ok(()),
        }
    }
    dump(item.py(), &PyList::new(item.py(), [item])?).map(drop)
}

/// What to try first when sealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefer {
    /// Columns: compact, and native operators can read them. For what is kept long.
    Columns,
    /// Shared objects: no conversion there and back. For what the next stage reads at once.
    Shared,
}

/// Seals a list of objects into one block.
pub(crate) fn seal_items(py: Python<'_>, items: Vec<Py<PyAny>>, prefer: Prefer) -> PyResult<Block> {
    if prefer == Prefer::Shared && all_immutable(py, &items) {
        return Ok(shared(py, items));
    }
    // Columns hold values: two references to one list would become two lists.
    if let Some(columns) = convert::to_columns(py, &items)
        && !travel::shares_lists(py, &items, columns.kind())
    {
        return Ok(Block::Columns(columns));
    }
    if prefer == Prefer::Columns && all_immutable(py, &items) {
        return Ok(shared(py, items));
    }
    Ok(pickled(py, items)?.0)
}

/// A block of the pickle of `items`, and its bytes.
pub(crate) fn pickled(py: Python<'_>, items: Vec<Py<PyAny>>) -> PyResult<(Block, usize)> {
    let count = items.len();
    let (data, numbered) = dump(py, &PyList::new(py, items)?)?;
    let bytes = data.as_bytes().len();
    Ok((Block::Objects(Arc::new(ObjectBlock::Pickled { data: data.unbind(), bytes, count, numbered })), bytes))
}

/// Copies of `items` as one pickle gives them, and its bytes.
pub(crate) fn copied(py: Python<'_>, items: Vec<Py<PyAny>>) -> PyResult<(Vec<Py<PyAny>>, usize)> {
    let (block, bytes) = pickled(py, items)?;
    Ok((load(py, &block)?, bytes))
}

type Items = Vec<Py<PyAny>>;

/// Whole batches are pickled unless that many elements are owned for each one that is not: a generator holds the last one.
const OWNED: usize = 16;

/// `items` as nobody else can change them any more, few of them as copies if need be, and about the bytes of their pickle; the
/// items themselves if all have to be pickled.
pub(super) fn mostly_own(py: Python<'_>, mut items: Items) -> PyResult<std::result::Result<(Items, usize), Items>> {
    let others = travel::not_own(py, &items);
    if others.len() * OWNED > items.len() {
        return Ok(Err(items));
    }
    let bytes = travel::pickled_bytes(py, &items);
    if !others.is_empty() {
        let (copies, _) = copied(py, others.iter().map(|at| items[*at].clone_ref(py)).collect())?;
        others.into_iter().zip(copies).for_each(|(at, copy)| items[at] = copy);
    }
    Ok(Ok((items, bytes)))
}

/// `items` as nobody else can change them any more, if need be as copies; and about the bytes of their pickle.
pub(super) fn settled(py: Python<'_>, items: Vec<Py<PyAny>>) -> PyResult<(Vec<Py<PyAny>>, usize)> {
    mostly_own(py, items)?.or_else(|items| copied(py, items))
}

fn shared(py: Python<'_>, items: Vec<Py<PyAny>>) -> Block {
    let bytes = weigh::all(py, &items);
    Block::Objects(Arc::new(ObjectBlock::Shared { items, bytes }))
}

/// What `Objects::dump` made, as a block: the pickle of a list, its length in 8 bytes, and whether it is `numbered`.
fn load_pickled(bytes: &[u8]) -> Result<Block> {
    let cut = || EngineError::Bug("a spilled block of objects is cut short".to_owned());
    let (numbered, pickle) = bytes.split_last().ok_or_else(cut)?;
    let (data, count) = pickle.split_last_chunk::<8>().ok_or_else(cut)?;
    let data = attach(|py| PyBytes::new(py, data).unbind());
    let count = u64::from_le_bytes(*count) as usize;
    let numbered = *numbered != 0;
    Ok(Block::Objects(Arc::new(ObjectBlock::Pickled { data, bytes: bytes.len(), count, numbered })))
}

/// The pickle of a block's list, for other processes.
pub(crate) fn dump_kept(objects: &dyn Objects) -> Result<Vec<u8>> {
    let dump = |py: Python<'_>| {
        let block = objects.as_any().downcast_ref::<ObjectBlock>();
        let items = match block {
            Some(ObjectBlock::Fresh(items) | ObjectBlock::Shared { items, .. }) => {
                PyList::new(py, items.iter().map(|item| item.clone_ref(py)))?
            }
            Some(ObjectBlock::Pickled { data, numbered: false, .. }) => return Ok(data.as_bytes(py).to_vec()),
            // Classes that this process alone knows have to travel by value.
            Some(ObjectBlock::Pickled { data, .. }) => pickle_loads(py)?.call1((data,))?.cast_into::<PyList>()?,
            None => return Err(pyo3::exceptions::PyRuntimeError::new_err("bug in dstreams: unknown kind of block")),
        };
        called::DUMP_KEPT.get(py)?.call1((items,))?.extract::<Vec<u8>>()
    };
    attach(dump).map_err(user_error)
}

/// A block of the pickle of a list of `count` elements. Nothing is loaded before somebody reads it.
pub(crate) fn load_kept(bytes: &[u8], count: usize) -> Block {
    let data = attach(|py| PyBytes::new(py, bytes).unbind());
    // `dump_kept` names no class by its number.
    Block::Objects(Arc::new(ObjectBlock::Pickled { data, bytes: bytes.len(), count, numbered: false }))
}

fn all_immutable(py: Python<'_>, items: &[Py<PyAny>]) -> bool {
    items.iter().all(|item| convert::is_immutable(item.bind(py)))
}

/// Pickles a list of elements, and says whether classes are in it by their numbers (dstreams.core.closures.closure knows what to try).
fn dump<'py>(py: Python<'py>, items: &Bound<'py, PyList>) -> PyResult<(Bound<'py, PyBytes>, bool)> {
    let dump = called::DUMP_NOTING_NUMBERS.get(py)?;
    dump.call1((items,))?.extract()
}

/// Seals a Python list.
pub(crate) fn seal_list(list: &Bound<'_, PyList>) -> PyResult<Block> {
    seal_items(list.py(), list.iter().map(Bound::unbind).collect(), Prefer::Columns)
}

/// Seals a slice of the input of `parallelize`. What has to be pickled is so in batches of `batch` elements: in each, an object
/// that occurs twice is one object.
pub(crate) fn seal_slice(list: &Bound<'_, PyList>, batch: Option<usize>) -> PyResult<Vec<Block>> {
    let (py, sealed) = (list.py(), seal_list(list)?);
    let is_pickled = matches!(&sealed, Block::Objects(objects)
        if matches!(objects.as_any().downcast_ref::<ObjectBlock>(), Some(ObjectBlock::Pickled { .. })));
    match batch.map(|batch| batch.max(1)) {
        Some(batch) if is_pickled && batch < list.len() => {
            let mut items = list.iter().map(Bound::unbind);
            let batches = (0..list.len().div_ceil(batch)).map(|_| items.by_ref().take(batch).collect());
            batches.map(|items| Ok(pickled(py, items)?.0)).collect()
        }
        _ => Ok(vec![sealed]),
    }
}

/// Seals the fresh blocks among `blocks`.
pub(crate) fn seal_blocks(py: Python<'_>, blocks: Vec<Block>, prefer: Prefer) -> PyResult<Vec<Block>> {
    blocks
        .into_iter()
        .map(|block| match &block {
            Block::Objects(objects)
                if matches!(objects.as_any().downcast_ref::<ObjectBlock>(), Some(ObjectBlock::Fresh(_))) =>
            {
                seal_items(py, load(py, &block)?, prefer)
            }
            _ => Ok(block),
        })
        .collect()
}

/// The executor's way to seal what it keeps.
pub(crate) struct ObjectSealer;

impl Sealer for ObjectSealer {
    fn seal(&self, blocks: Vec<Block>) -> Result<Vec<Block>> {
        attach(|py| seal_blocks(py, blocks, Prefer::Columns)).map_err(user_error)
    }

    fn cut(&self, blocks: Blocks, cut: Batching) -> Lots {
        lots::cut(blocks, cut)
    }
}
