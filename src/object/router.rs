//! To which partition does an element go?
//!
//! Columns are cut without the interpreter where the engine knows the partition function; objects go one by one. Blocks of
//! columns are gathered before they are cut, because small pieces cost more than they hold.

use std::any::Any;
use std::cell::LazyCell;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::aggregate::unpack;
use super::buckets::Buckets;
use super::call::{call1, user_error};
use super::frames::PlacedBlock;
use super::frozen::Frozen;
use super::hash::{Hasher, bucket};
use super::live::Live;
use super::objects::{self, Prefer};
use super::task;
use super::turn::Turn;
use crate::block::{Block, Columns, Kind};
use crate::error::Result;
use crate::kernel::gather::{pair_columns, scatter, targets_by_hash};
use crate::kernel::keys::joined;
use crate::kernel::random::XorShiftRandom;
use crate::kernel::weigh::bytes_of;
use crate::object::attach::attach;
use crate::process::Origin;
use crate::rdd::{Blocks, MapOutput, Mark, Router, Taker, Task};
use crate::step::{Form, targets_by_form};

/// Rows of columns that are gathered before they are sent.
const ENOUGH: usize = 65_536;
/// Elements that are placed in one go, before another task may have its turn.
const AT_A_TIME: usize = 4096;

/// By key: Spark's portable hash, or a function of the user.
pub(crate) enum KeyRouter {
    PortableHash,
    Function { frozen: Frozen, form: Option<Form> },
}

impl KeyRouter {
    /// The program's function, and whether it runs natively; `None` for the portable hash.
    pub(crate) fn told<'py>(&self, py: Python<'py>) -> PyResult<Option<(Bound<'py, PyAny>, bool)>> {
        match self {
            Self::PortableHash => Ok(None),
            Self::Function { frozen, form } => Ok(Some((frozen.load(py)?.get_item(0)?, form.is_some()))),
        }
    }

    /// The targets of pairs; `None` when Python must say.
    fn native_targets(&self, hasher: Hasher, columns: &Columns, targets: usize) -> Option<Vec<u32>> {
        match self {
            Self::PortableHash => targets_by_hash(columns, targets, hasher.algorithm()),
            Self::Function { form, .. } => {
                let ((kind, keys), _) = pair_columns(columns)?;
                targets_by_form(form.as_ref()?, &Columns::new(kind.clone(), Arc::clone(keys)), targets)
            }
        }
    }
}

/// What is sent is made anew from key and value: a plain tuple, whatever class the pair had.
fn as_plain_pair(kind: &Kind) -> Kind {
    match kind {
        Kind::Tuple { items, .. } if items.len() == 2 => Kind::Tuple { items: items.clone(), class: None },
        other => other.clone(),
    }
}

/// When Spark pickles what waits for the targets: after some elements, more the next time if the pickles were small.
pub(super) struct Pace {
    most: f64,
    seen: u64,
}

impl Pace {
    pub(super) fn new(targets: usize) -> Self {
        Self { most: (10 * targets).min(1000) as f64, seen: 0 }
    }

    /// One more element; whether it is time.
    fn is_due(&mut self) -> bool {
        self.seen += 1;
        self.seen as f64 > self.most
    }

    /// How many elements it takes from one time to the next.
    pub(super) fn wanted(&self) -> usize {
        self.most as usize + 1
    }

    /// So many targets had elements, of so many bytes.
    pub(super) fn settled(&mut self, targets: usize, bytes: usize) {
        self.seen = 0;
        match (bytes / targets.max(1)) >> 20 {
            0 => self.most *= 1.5,
            1..=10 => {}
            _ => self.most = (self.most / 1.5).trunc().max(1.0),
        }
    }
}

/// Gathers what goes to the targets of one map output.
struct Sender<'a> {
    router: &'a KeyRouter,
    task: &'a Arc<Task>,
    hasher: Hasher,
    output: &'a mut MapOutput,
    columns: Vec<Columns>,
    rows: usize,
    objects: Buckets,
    /// Whether objects wait in the buckets.
    waiting: bool,
    /// When Spark pickles what waits for the targets, and how much that is for each.
    pace: Pace,
    batches: Vec<usize>,
    function: Option<Py<PyAny>>,
}

impl Sender<'_> {
    fn add(&mut self, block: Block) -> Result<()> {
        match block {
            Block::Columns(columns) => {
                self.send_objects()?;
                if self.columns.first().is_some_and(|first| first.kind() != columns.kind()) {
                    self.send_columns()?;
                }
                self.rows += columns.len();
                self.columns.push(columns);
                if self.rows >= ENOUGH { self.send_columns() } else { Ok(()) }
            }
            objects => {
                self.send_columns()?;
                match Live::of(objects) {
                    Ok(live) => self.place_live(live),
                    Err(objects) => self.place_objects(&objects),
                }
            }
        }
    }

    fn finish(&mut self) -> Result<()> {
        self.send_columns()?;
        self.send_objects()?;
        self.end_batches(|_| 0);
        Ok(())
    }

    fn send_columns(&mut self) -> Result<()> {
        let Some(first) = self.columns.first() else { return Ok(()) };
        let kind = as_plain_pair(first.kind());
        let arrays: Vec<_> = self.columns.iter().map(|columns| Arc::clone(columns.array())).collect();
        self.columns.clear();
        self.rows = 0;
        let all = Columns::new(kind, if let [only] = arrays.as_slice() { Arc::clone(only) } else { joined(&arrays)? });
        drop(arrays);
        let targets = self.output.targets();
        let Some(numbers) = self.router.native_targets(self.hasher, &all, targets) else {
            self.place_objects(&Block::Columns(all))?;
            return self.send_objects();
        };
        // As good as a pickle's for telling small elements from large ones.
        let each = LazyCell::new(|| bytes_of(all.array()) / all.len().max(1));
        for target in &numbers {
            if self.counts(*target as usize) {
                self.end_batches(|rows| rows * *each);
            }
        }
        for (target, part) in scatter(&all, &numbers, targets)? {
            self.output.push(target, Block::Columns(part))?;
        }
        Ok(())
    }

    /// One more element for a target; whether Spark pickles now what waits.
    fn counts(&mut self, target: usize) -> bool {
        self.batches[target] += 1;
        self.pace.is_due()
    }

    /// What waits for each target is a batch, if anything does.
    fn end_batches(&mut self, bytes: impl Fn(usize) -> usize) {
        let (mut targets, mut rows) = (0, 0);
        for (target, waiting) in self.batches.iter_mut().enumerate() {
            let size = std::mem::take(waiting);
            if size > 0 {
                self.output.mark(target, Mark { rows: size, size });
                (targets, rows) = (targets + 1, rows + size);
            }
        }
        self.pace.settled(targets, bytes(rows));
    }

    fn place_objects(&mut self, block: &Block) -> Result<()> {
        let _turn = Turn::wait();
        let placed = attach(|py| task::within(self.task, || self.place_attached(py, block)));
        placed.map_err(|raised| self.task.cancel.check().err().unwrap_or_else(|| user_error(raised)))
    }

    fn place_attached(&mut self, py: Python<'_>, block: &Block) -> PyResult<()> {
        self.begin(py)?;
        if let Some(PlacedBlock { pairs, keys }) = PlacedBlock::of(block) {
            let mut pairs = pairs.iter().zip(keys);
            return pairs.try_for_each(|(pair, key)| self.place(pair.bind(py).clone(), key.as_ref()));
        }
        objects::load(py, block)?.into_iter().try_for_each(|item| self.place(item.into_bound(py), None))
    }

    fn begin(&mut self, py: Python<'_>) -> PyResult<()> {
        self.waiting = true;
        if let (None, KeyRouter::Function { frozen, .. }) = (&self.function, self.router) {
            self.function = Some(frozen.load(py)?.get_item(0)?.unbind());
        }
        Ok(())
    }

    /// Places a pair by its key, or by what that was when the pair was made.
    fn place(&mut self, item: Bound<'_, PyAny>, then: Option<&Py<PyAny>>) -> PyResult<()> {
        let (py, targets) = (item.py(), self.output.targets());
        let (key, value) = unpack(&item)?;
        let by = then.map_or(&key, |then| then.bind(py));
        let target = match &self.function {
            None => bucket(self.hasher.hash(by)?, targets),
            Some(f) => call1(f.bind(py), by)?.rem(targets)?.extract()?,
        };
        let pair =
            if item.is_exact_instance_of::<PyTuple>() { item } else { PyTuple::new(py, [key, value])?.into_any() };
        self.objects.add(target, pair, self.output)?;
        if self.counts(target) {
            let (_, bytes) = self.objects.settle(py)?;
            self.end_batches(|_| bytes);
        }
        Ok(())
    }

    /// Sends each element when it is made, and has what waits be what it is now whenever Spark would pickle it.
    fn place_live(&mut self, mut live: Live) -> Result<()> {
        while live.within(|py, segment| {
            self.begin(py)?;
            let origin = Origin::here();
            for _ in 0..AT_A_TIME {
                // A child that was forked meanwhile asks for no more.
                if !origin.is_here() {
                    break;
                }
                let Some(item) = segment.next(py)? else {
                    self.objects.settle(py)?;
                    return Ok(false);
                };
                self.place(item, None)?;
            }
            Ok(true)
        })? {}
        Ok(())
    }

    fn send_objects(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.waiting) {
            return Ok(());
        }
        let sent = attach(|py| task::within(self.task, || self.objects.send(py, self.output)));
        sent.map_err(|raised| self.task.cancel.check().err().unwrap_or_else(|| user_error(raised)))
    }
}

impl Router for KeyRouter {
    fn route(&self, task: &Arc<Task>, input: Blocks, output: &mut MapOutput) -> Result<()> {
        let targets = output.targets();
        if targets == 0 {
            return Ok(());
        }
        let hasher = attach(Hasher::new).map_err(user_error)?;
        let mut sender = Sender {
            router: self,
            task,
            hasher,
            output,
            columns: Vec::new(),
            rows: 0,
            objects: Buckets::new(task, targets, Prefer::Shared),
            waiting: false,
            pace: Pace::new(targets),
            batches: vec![0; targets],
            function: None,
        };
        for block in input {
            task.cancel.check()?;
            sender.add(block?)?;
        }
        sender.finish()
    }

    fn same_as(&self, other: &dyn Router) -> bool {
        match (self, other.as_any().downcast_ref::<Self>()) {
            (Self::PortableHash, Some(Self::PortableHash)) => true,
            (
                Self::Function { form: Some(Form::Program(one)), .. },
                Some(Self::Function { form: Some(Form::Program(other)), .. }),
            ) => one.same_as(other),
            _ => false,
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_light(&self) -> bool {
        match self {
            Self::PortableHash => true,
            Self::Function { form, .. } => form.is_some(),
        }
    }
}

/// Deals out batches of elements in turn, from a start that Spark's random gives for the map partition.
pub(crate) struct DealRouter {
    /// Elements dealt together.
    pub batch: usize,
    /// Whether they are in such batches: these are dealt out then, those that are smaller, too.
    pub as_they_lie: bool,
}

impl Router for DealRouter {
    fn route(&self, task: &Arc<Task>, input: Blocks, output: &mut MapOutput) -> Result<()> {
        let targets = output.targets();
        let start = XorShiftRandom::new(task.id.partition as i64).next_int(targets as i32) as usize;
        let target = |at: usize| (start + 1 + at / self.batch) % targets;
        let mut dealt = 0;
        let mut buckets = Buckets::new(task, targets, Prefer::Shared);
        // Batches with fewer elements than others, and how many these are.
        let mut small = Vec::new();
        for block in input {
            task.cancel.check()?;
            match Live::of(block?) {
                Ok(live) => self.deal_live(live, &mut dealt, &target, &mut buckets, output)?,
                Err(Block::Columns(columns)) => {
                    self.send(&mut buckets, output)?;
                    let numbers: Vec<u32> = (dealt..dealt + columns.len()).map(|at| target(at) as u32).collect();
                    dealt += columns.len();
                    for (target, part) in scatter(&columns, &numbers, targets)? {
                        output.push(target, Block::Columns(part))?;
                    }
                }
                Err(block) => attach(|py| {
                    for item in objects::load(py, &block)? {
                        buckets.add(target(dealt), item.into_bound(py), output)?;
                        dealt += 1;
                    }
                    Ok(())
                })
                .map_err(user_error)?,
            }
            if self.as_they_lie {
                self.end_batch(&mut dealt, &mut small);
            }
        }
        self.end_batch(&mut dealt, &mut small);
        let mut small = small.into_iter().peekable();
        for at in 0..dealt / self.batch {
            let size = small.next_if(|(smaller, _)| *smaller == at).map_or(self.batch, |(_, size)| size);
            output.mark(target(at * self.batch), Mark { rows: size, size });
        }
        self.send(&mut buckets, output)
    }

    fn takes_batches(&self) -> bool {
        self.as_they_lie
    }

    fn taker(&self, _targets: usize) -> Taker {
        Taker::Dealt { batch: self.batch }
    }

    // Where it begins depends on the map partition, so it is not even the same as itself.
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_light(&self) -> bool {
        true
    }
}

impl DealRouter {
    /// Whatever comes next is in another batch.
    fn end_batch(&self, dealt: &mut usize, small: &mut Vec<(usize, usize)>) {
        let rest = *dealt % self.batch;
        if rest > 0 {
            small.push((*dealt / self.batch, rest));
            *dealt += self.batch - rest;
        }
    }

    /// Deals elements as they are made: those that are dealt together as one pickle has them.
    fn deal_live(
        &self,
        mut live: Live,
        dealt: &mut usize,
        target: &impl Fn(usize) -> usize,
        buckets: &mut Buckets,
        output: &mut MapOutput,
    ) -> Result<()> {
        while live.within(|py, segment| {
            for _ in 0..(AT_A_TIME / self.batch).max(1) {
                let wanted = self.batch - *dealt % self.batch;
                let (items, failure) = segment.take(py, wanted);
                if let Some(raised) = failure {
                    return Err(raised);
                }
                let is_last = items.len() < wanted;
                for item in objects::settled(py, items)?.0 {
                    buckets.add(target(*dealt), item.into_bound(py), output)?;
                    *dealt += 1;
                }
                if is_last {
                    return Ok(false);
                }
            }
            Ok(true)
        })? {}
        Ok(())
    }

    fn send(&self, buckets: &mut Buckets, output: &mut MapOutput) -> Result<()> {
        attach(|py| buckets.send(py, output)).map_err(user_error)
    }
}
