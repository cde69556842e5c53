//! What a checkpoint costs for a state of 1,000,000 keys of which a batch touches 10,000, and how many short records per
//! second the journal makes durable. `cargo bench --no-default-features --bench checkpoint [FOLDER]`; the folder (default:
//! the system's for temporary files) should be on the disk in question. Answers are checked by reading back.

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark may fail as it likes")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use _native::block::{Block, ClassTag, Columns, Kind, Objects, tuple_array};
use _native::durable::{Codec, Found, GraphSpec, Keeper, Program, Recovery, Snapshot, Trust, encode};
use _native::error::{EngineError, Result};
use _native::rdd::{Op, Rdd};
use arrow_array::{ArrayRef, Int64Array, StringViewArray};

const KEYS: usize = 1_000_000;
const TOUCHED: usize = 10_000;
const BLOCK: usize = 4096;
const PARTITIONS: usize = 4;
const BATCHES: i64 = 100;

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

/// A state as the engine keeps it: keys that stay, and counts, in blocks.
struct State {
    keys: Vec<ArrayRef>,
    counts: Vec<Vec<i64>>,
}

impl State {
    fn new() -> Self {
        let block = |at: usize| -> ArrayRef {
            let keys = (at * BLOCK..((at + 1) * BLOCK).min(KEYS)).map(|key| format!("user-{key:08}"));
            Arc::new(StringViewArray::from_iter_values(keys))
        };
        let keys: Vec<ArrayRef> = (0..KEYS.div_ceil(BLOCK)).map(block).collect();
        let counts = keys.iter().map(|keys| vec![0; keys.len()]).collect();
        Self { keys, counts }
    }

    fn touch(&mut self, key: usize) {
        self.counts[key / BLOCK][key % BLOCK] += 1;
    }

    fn rdd(&self) -> Arc<Rdd> {
        let blocks: Vec<Block> =
            self.keys.iter().zip(&self.counts).map(|(keys, counts)| block_of(keys, counts)).collect();
        let size = blocks.len().div_ceil(PARTITIONS);
        Rdd::new(Op::Held(blocks.chunks(size).map(<[Block]>::to_vec).collect()))
    }
}

fn block_of(keys: &ArrayRef, counts: &[i64]) -> Block {
    let counts: ArrayRef = Arc::new(Int64Array::from(counts.to_vec()));
    let array = tuple_array(vec![Arc::clone(keys), counts], None).expect("columns of one length");
    Block::Columns(Columns::new(Kind::Tuple { items: vec![Kind::Str, Kind::Int], class: None }, array))
}

fn snapshot(time: i64, rdd: Arc<Rdd>) -> Snapshot {
    Snapshot {
        time,
        forgotten: time,
        program: Program::default(),
        conf: Vec::new(),
        functions: Arc::new(b"functions".to_vec()),
        graph: GraphSpec::default(),
        rdds: vec![Found { node: 0, time: Some(time), rdd: Some(rdd), replaces: true }],
        inputs: BTreeMap::new(),
        tables: Vec::new(),
        taken: BTreeMap::new(),
    }
}

fn main() {
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let parent = given.map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = parent.join(format!("dstreams-bench-checkpoint-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder to write to");
    state(&folder.join("state"));
    journal(&folder.join("journal"));
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

fn state(folder: &std::path::Path) {
    let keeper = Keeper::new(folder, Arc::new(Plain), None).expect("a folder");
    let mut state = State::new();
    let begun = Instant::now();
    let whole = keeper.write(snapshot(0, state.rdd())).expect("a checkpoint");
    println!("first checkpoint of {KEYS} keys: {:.0} ms, {whole} bytes", begun.elapsed().as_secs_f64() * 1e3);
    let (mut times, mut bytes, mut random) = (Vec::new(), Vec::new(), 1u64);
    for time in 1..=BATCHES {
        for _ in 0..TOUCHED {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state.touch((random >> 33) as usize % KEYS);
        }
        let rdd = state.rdd();
        let begun = Instant::now();
        bytes.push(keeper.write(snapshot(time, rdd)).expect("a checkpoint"));
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    bytes.sort_unstable();
    let (middle, last) = (times.len() / 2, times.len() - 1);
    println!("a batch of {TOUCHED} keys: median {:.1} ms, longest {:.1} ms", times[middle], times[last]);
    println!("a batch of {TOUCHED} keys: median {} bytes, most {} bytes", bytes[middle], bytes[last]);
    let begun = Instant::now();
    let recovery = Recovery::open(folder, &Plain, Trust::Own).expect("readable").expect("there");
    println!("read back: {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    let found: Vec<Block> = recovery.rdds[0].partitions.clone().expect("data").concat();
    for (at, block) in found.iter().enumerate() {
        let Block::Columns(columns) = block else { panic!("columns") };
        let Block::Columns(wanted) = block_of(&state.keys[at], &state.counts[at]) else { panic!("columns") };
        assert_eq!(columns.array(), wanted.array(), "block {at}");
    }
}

fn journal(folder: &std::path::Path) {
    const THREADS: u32 = 2;
    const BLOCKS: u64 = 2000;
    const RECORDS: usize = 1000;
    let keeper = Keeper::new(folder, Arc::new(Plain), None).expect("a folder");
    let lines = (0..RECORDS).map(|line| format!("a short record {line}"));
    let array: ArrayRef = Arc::new(StringViewArray::from_iter_values(lines));
    let block = Block::Columns(Columns::new(Kind::Str, array));
    let begun = Instant::now();
    thread::scope(|scope| {
        for node in 0..THREADS {
            let (keeper, block) = (&keeper, &block);
            scope.spawn(move || {
                for number in 0..BLOCKS {
                    let bytes = encode(block, &Plain).expect("columns");
                    let place = keeper.journal().block(node, number, number, &bytes);
                    keeper.journal().commit(place).expect("durable");
                }
            });
        }
    });
    let records = f64::from(THREADS) * BLOCKS as f64 * RECORDS as f64;
    println!(
        "journal, {RECORDS} records a commit, {THREADS} writers: {:.0} records/s",
        records / begun.elapsed().as_secs_f64()
    );
}
