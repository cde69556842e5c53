//! The lab: sources at work without an interpreter, in folders that vanish, with batches made by hand.

mod files;
mod queue;
mod receiver;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow_array::Int64Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;

use super::*;
use crate::block::{Block, ClassTag, Columns, Kind, Objects};
use crate::durable::{Codec, GraphSpec, Keeper, Locks, Program, Recovery, Snapshot, Trust};
use crate::error::{EngineError, Result};
use crate::rdd::{Op, Rdd};
use crate::source::Rate;

/// No objects, no classes.
struct Plain;

fn none<T>() -> Result<T> {
    Err(EngineError::Bug("no objects here".into()))
}

impl Codec for Plain {
    fn dump(&self, _objects: &dyn Objects) -> Result<Vec<u8>> {
        none()
    }
    fn load(&self, _bytes: &[u8], _count: usize) -> Result<Block> {
        none()
    }
    fn dump_class(&self, _class: &ClassTag) -> Result<Vec<u8>> {
        none()
    }
    fn load_class(&self, _bytes: &[u8]) -> Result<ClassTag> {
        none()
    }
}

/// A folder that is removed in the end.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("dstreams-input-{}-{number}", std::process::id()));
        std::fs::create_dir_all(path.join("inbox")).unwrap();
        Self(path)
    }

    fn kept(&self) -> PathBuf {
        self.0.join("kept")
    }

    fn inbox(&self) -> PathBuf {
        self.0.join("inbox")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One run of a stream: its inputs, and the folder it is kept in, if it is.
pub(super) struct Run {
    pub(super) inputs: Inputs,
    keeper: Option<Arc<Keeper>>,
    warnings: Arc<Mutex<Vec<String>>>,
}

impl Run {
    fn with(plans: Option<Plans>, keeper: Option<Arc<Keeper>>) -> Self {
        let warnings = Arc::<Mutex<Vec<String>>>::default();
        let told = Arc::clone(&warnings);
        let inputs = Inputs::new(Host {
            warn: Arc::new(move |text| told.lock().unwrap().push(text)),
            told: Arc::new(std::sync::RwLock::new(Ok(crate::source::Reading::default()))),
            codec: Arc::new(Plain),
            rate: Box::new(|_| Arc::new(Rate::new(None, None))),
            report: Box::new(|_, _, _| none()),
        });
        if let Some(plans) = plans {
            inputs.keep(plans).unwrap();
        }
        Self { inputs, keeper, warnings }
    }

    /// Without checkpoints.
    pub(super) fn unkept() -> Self {
        Self::with(None, None)
    }

    /// With checkpoints; goes on, at once, from what an earlier run left. `make` makes the sources if there was none, and
    /// `add` what the registry does not know.
    pub(super) fn kept<'a>(
        folder: &Folder,
        logs: bool,
        make: impl FnOnce() -> Vec<Arc<dyn AnySource>>,
        add: impl FnOnce(&mut Registry<'a>),
    ) -> Self {
        let recovery = Recovery::open(&folder.kept(), &Plain, Trust::Own).unwrap();
        let keeper = Keeper::with(&folder.kept(), Arc::new(Plain), recovery.as_ref(), Trust::Own, Locks::Unused);
        let keeper = Arc::new(keeper.unwrap());
        let mut registry = Registry::default();
        add(&mut registry);
        let (sources, left) = match recovery {
            None => ((0..).zip(make()).collect(), Left::default()),
            Some(Recovery { inputs, replay, .. }) => {
                let open = |(node, saved)| (node, registry.open(node, saved).unwrap());
                (inputs.into_iter().map(open).collect::<BTreeMap<u32, _>>(), replay.into())
            }
        };
        let run = Self::with(Some(Plans::new(Arc::clone(&keeper), logs, left)), Some(keeper));
        sources.into_iter().for_each(|(node, source)| run.inputs.start(node, source).unwrap());
        run
    }

    /// A batch up to where its outputs would run: what each of these inputs has.
    pub(super) fn batch(&self, time: i64, nodes: &[u32]) -> Vec<Vec<Vec<i64>>> {
        self.inputs.begin(time).unwrap();
        let found = nodes.iter().map(|node| numbers(&self.inputs.rdd(*node, time).unwrap())).collect();
        self.inputs.planned(time).unwrap();
        found
    }

    /// The batch of `time` is complete, and those up to `forgotten` are asked for no more.
    pub(super) fn complete(&self, time: i64, forgotten: i64) {
        self.inputs.release(time);
        self.inputs.forget(forgotten);
        let (inputs, taken) = self.inputs.save(time, forgotten, &|_| Ok(())).unwrap();
        let snapshot = Snapshot {
            time,
            forgotten,
            program: Program::default(),
            conf: Vec::new(),
            functions: Arc::new(Vec::new()),
            graph: GraphSpec::default(),
            rdds: Vec::new(),
            inputs,
            tables: Vec::new(),
            taken,
        };
        self.keeper.as_ref().unwrap().write(snapshot).unwrap();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // As a stream does in its end; a receiver may hold the log for longer.
        self.keeper.iter().for_each(|keeper| keeper.release());
    }
}

pub(super) fn ints(values: &[i64]) -> Block {
    Block::Columns(Columns::new(Kind::Int, Arc::new(Int64Array::from(values.to_vec()))))
}

pub(super) fn held(values: &[i64]) -> Arc<Rdd> {
    Rdd::new(Op::Held(vec![vec![ints(values)]]))
}

/// The numbers in each partition of an RDD.
pub(super) fn numbers(rdd: &Arc<Rdd>) -> Vec<Vec<i64>> {
    let of_block = |block: &Block| match block {
        Block::Columns(columns) if columns.kind() == &Kind::Str => {
            columns.array().as_string_view().iter().map(|text| text.unwrap().parse().unwrap()).collect::<Vec<i64>>()
        }
        Block::Columns(columns) => columns.array().as_primitive::<Int64Type>().values().to_vec(),
        Block::Objects(_) => panic!("objects"),
    };
    match &*rdd.op() {
        Op::Held(partitions) => partitions.iter().map(|blocks| blocks.iter().flat_map(of_block).collect()).collect(),
        Op::Union(rdds) | Op::Aligned(rdds) => rdds.iter().flat_map(numbers).collect(),
        Op::Read(reader) => {
            let read =
                |partition| reader.read(partition).unwrap().flat_map(|block| of_block(&block.unwrap())).collect();
            (0..reader.partitions().unwrap()).map(read).collect()
        }
        _ => panic!("not a source's RDD: {rdd:?}"),
    }
}
