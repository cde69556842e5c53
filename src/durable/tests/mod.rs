//! A folder, blocks of numbers and text, and what becomes of them when files are cut or changed.

mod arbitrary;
mod harm;
mod journal;
mod keeping;
mod owning;
mod reading;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{ArrayRef, Int64Array, StringViewArray};

use super::*;
use crate::block::{Block, ClassTag, Columns, Kind, Objects, tuple_array};
use crate::error::{EngineError, Result};
use crate::rdd::{Op, Rdd};

/// No objects, no classes.
pub struct Plain;

impl Codec for Plain {
    fn dump(&self, _objects: &dyn Objects) -> Result<Vec<u8>> {
        Err(EngineError::Bug("no objects here".into()))
    }
    fn load(&self, _bytes: &[u8], _count: usize) -> Result<Block> {
        Err(EngineError::Bug("no objects here".into()))
    }
    fn dump_class(&self, _class: &ClassTag) -> Result<Vec<u8>> {
        Err(EngineError::Bug("no classes here".into()))
    }
    fn load_class(&self, _bytes: &[u8]) -> Result<ClassTag> {
        Err(EngineError::Bug("no classes here".into()))
    }
}

/// A folder that is removed in the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("dstreams-durable-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        // Whatever the umask of the tests is.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        Self(path)
    }

    pub(super) fn open(&self) -> Arc<folder::Folder> {
        Arc::new(folder::Folder::open(&self.0, Trust::Own).unwrap())
    }

    /// A journal whose files begin with a number.
    pub(super) fn journal(&self, next: u64) -> Journal {
        let folder = self.open();
        let owner = owner::Owner::take(&folder, Locks::Unused, 0, &|| Ok(())).unwrap();
        Journal::new(folder, Arc::new(owner), next, BTreeMap::new())
    }

    /// What is in all files of the journal.
    pub(super) fn replay(&self) -> Replay {
        Replay::read(&self.open(), &Manifest::default(), &fencing::Inherited::default()).unwrap()
    }

    pub fn names(&self, beginning: &str) -> Vec<String> {
        let mut found = self.open().names(beginning).unwrap();
        found.sort();
        found
    }

    pub fn bytes(&self) -> u64 {
        std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn ints(values: impl IntoIterator<Item = i64>) -> Block {
    let array: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
    Block::Columns(Columns::new(Kind::Int, array))
}

/// (text, number) pairs.
pub fn pairs(values: &[(String, i64)]) -> Block {
    let keys: ArrayRef = Arc::new(StringViewArray::from_iter_values(values.iter().map(|(key, _)| key)));
    let counts: ArrayRef = Arc::new(Int64Array::from_iter_values(values.iter().map(|(_, count)| *count)));
    let array = tuple_array(vec![keys, counts], None).unwrap();
    Block::Columns(Columns::new(Kind::Tuple { items: vec![Kind::Str, Kind::Int], class: None }, array))
}

/// What a block holds, in words.
pub fn show(block: &Block) -> String {
    match block {
        Block::Columns(columns) => format!("{:?} {:?}", columns.kind(), columns.array()),
        Block::Objects(objects) => format!("{objects:?}"),
    }
}

pub fn state(blocks: Vec<Vec<Block>>) -> Arc<Rdd> {
    Rdd::new(Op::Held(blocks))
}

/// A snapshot of one state at a time.
pub fn snapshot(time: i64, state: &Arc<Rdd>) -> Snapshot {
    let rdds = vec![Found { node: 1, time: Some(time), rdd: Some(Arc::clone(state)), replaces: true }];
    Snapshot {
        time,
        forgotten: time - 1,
        program: Program::default(),
        conf: vec![("spark.app.name".into(), "test".into())],
        functions: Arc::new(b"functions".to_vec()),
        graph: GraphSpec::default(),
        rdds,
        inputs: BTreeMap::new(),
        tables: Vec::new(),
        taken: BTreeMap::new(),
    }
}

/// The plan of a batch that took the blocks of one input up to a number.
pub fn took(time: i64, until: u64) -> Plan {
    Plan { time, ranges: BTreeMap::from([(0, BTreeMap::from([(time, until.into())]))]) }
}

pub fn open(folder: &Path) -> Result<Option<Recovery>> {
    Recovery::open(folder, &Plain, Trust::Own)
}

/// The state in the newest good checkpoint.
pub fn restored(folder: &Path) -> (i64, Vec<Vec<String>>) {
    in_state(&open(folder).unwrap().expect("there is a checkpoint"))
}

/// The time of a checkpoint, and the state in it.
pub fn in_state(recovery: &Recovery) -> (i64, Vec<Vec<String>>) {
    let partitions = recovery.rdds[0].partitions.as_ref().unwrap();
    (recovery.manifest.time, partitions.iter().map(|blocks| blocks.iter().map(show).collect()).collect())
}

pub fn shown(rdd: &Rdd) -> Vec<Vec<String>> {
    let blocks = keeper::blocks_of(rdd).unwrap();
    blocks.iter().map(|blocks| blocks.iter().map(show).collect()).collect()
}
