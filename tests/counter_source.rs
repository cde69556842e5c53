//! A source that the library does not know: a counter, whose numbers can be asked for again by position. It is all in this
//! file, and a stream of it that is killed again and again, at any moment, loses no number and gives none to two batches.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use _native::block::{Block, ClassTag, Columns, Kind, Objects};
use _native::durable::{Codec, GraphSpec, Keeper, Program, Recovery, Snapshot, Trust};
use _native::error::{EngineError, Result};
use _native::input::{
    AnySource, Described, Found, Host, Inputs, Left, Moment, Plans, Registry, Saved, Source, Start, settings_of,
};
use _native::rdd::{Op, Rdd};
use arrow_array::Int64Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use serde::{Deserialize, Serialize};

// -- the source -------------------------------------------------------------------------------------

/// Numbers from 0 on, some in each batch: how many is decided by the clock, so only the plan knows.
struct Counter {
    next: Mutex<i64>,
}

/// Numbers of a batch: `from..until`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    from: i64,
    until: i64,
}

impl Counter {
    const KIND: &'static str = "counter";

    fn new(next: i64) -> Self {
        Self { next: Mutex::new(next) }
    }

    fn found(found: Found) -> Result<Arc<dyn AnySource>> {
        Ok(Arc::new(Self::new(settings_of(&found.settings)?)))
    }
}

impl Source for Counter {
    type Range = Span;

    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn shown(&self) -> (String, Vec<Arc<Rdd>>) {
        ("a counter".into(), Vec::new())
    }

    fn start(&self, start: Start<Span>) -> Result<()> {
        if let Some(last) = start.past.values().next_back() {
            *self.next.lock().unwrap() = last.until;
        }
        Ok(())
    }

    fn plan(&self, _time: i64) -> Result<Span> {
        let mut next = self.next.lock().unwrap();
        let from = *next;
        *next += i64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_micros() % 7);
        Ok(Span { from, until: *next })
    }

    fn rdd(&self, _time: i64, range: &Span) -> Result<Arc<Rdd>> {
        let numbers = Int64Array::from_iter_values(range.from..range.until);
        let block = Block::Columns(Columns::new(Kind::Int, Arc::new(numbers)));
        Ok(Rdd::new(Op::Held(vec![vec![block]])))
    }

    fn describe(&self, _time: i64, range: &Span) -> Option<Described> {
        Some(Described { records: range.until.abs_diff(range.from), description: None })
    }

    fn save(&self, moment: &Moment<'_, Span>) -> Result<Saved> {
        let begun = *self.next.lock().unwrap();
        Saved::settings(&moment.last.map_or(begun, |last| last.until))
    }
}

// -- a stream of it ---------------------------------------------------------------------------------

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

fn host() -> Host {
    Host {
        warn: Arc::new(|text| panic!("warned: {text}")),
        told: Arc::new(std::sync::RwLock::new(Ok(_native::source::Reading::default()))),
        codec: Arc::new(Plain),
        rate: Box::new(|_| Arc::new(_native::source::Rate::new(None, None))),
        report: Box::new(|_, _, _| none()),
    }
}

/// The numbers of an RDD.
fn numbers(rdd: &Rdd) -> Vec<i64> {
    let op = rdd.op();
    let Op::Held(partitions) = &*op else { panic!("not held") };
    let blocks = partitions.iter().flatten().map(|block| match block {
        Block::Columns(columns) => columns.array().as_primitive::<Int64Type>().values().to_vec(),
        Block::Objects(_) => panic!("objects"),
    });
    blocks.flatten().collect()
}

/// Runs batches for ever, from where the folder says. Each batch writes "time: numbers" behind what is there.
fn run(folder: &Path) -> Result<()> {
    let kept = folder.join("kept");
    let recovery = Recovery::open(&kept, &Plain, Trust::Own)?;
    let mut registry = Registry::default();
    registry.add(Counter::KIND, Counter::found);
    let keeper = Arc::new(Keeper::new(&kept, Arc::new(Plain), recovery.as_ref())?);
    let (mut time, counter, left) = match recovery {
        None => (0, Arc::new(Counter::new(0)) as Arc<dyn AnySource>, Left::default()),
        Some(mut recovery) => {
            let saved = recovery.inputs.remove(&7).expect("the counter was kept");
            (recovery.manifest.time, registry.open(7, saved)?, recovery.replay.into())
        }
    };
    let inputs = Inputs::new(host());
    inputs.keep(Plans::new(Arc::clone(&keeper), false, left))?;
    inputs.start(7, counter)?;
    let mut outputs = OpenOptions::new().append(true).create(true).open(folder.join("outputs")).expect("a file");
    loop {
        let (found, taken) = inputs.save(time, time - 2, &|_| Ok(()))?;
        keeper.write(Snapshot {
            time,
            forgotten: time - 2,
            program: Program::default(),
            conf: Vec::new(),
            functions: Arc::new(Vec::new()),
            graph: GraphSpec::default(),
            rdds: Vec::new(),
            inputs: found,
            tables: Vec::new(),
            taken,
        })?;
        time += 1;
        inputs.begin(time)?;
        let rdd = inputs.rdd(7, time)?;
        inputs.planned(time)?;
        outputs.write_all(format!("{time}:{:?}\n", numbers(&rdd)).as_bytes()).expect("an output");
        inputs.release(time);
        inputs.forget(time - 2);
    }
}

const FOLDER: &str = "COUNTER_FOLDER";

#[test]
#[ignore = "the process that the other test kills"]
fn the_process_that_is_killed() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        run(Path::new(&folder)).unwrap();
    }
}

// -- the test ---------------------------------------------------------------------------------------

/// A test that waits for this long has failed.
const LONG: Duration = Duration::from_secs(60);

fn begin(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "the_process_that_is_killed", "--ignored"]).env(FOLDER, folder);
    child.stdout(File::create(folder.join("log")).unwrap()).spawn().unwrap()
}

fn outputs(folder: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut file) = File::open(folder.join("outputs")) {
        file.read_to_string(&mut text).unwrap();
    }
    text
}

/// The batches that have an output, each with its numbers as it was written first; every repetition is the same.
fn batches(folder: &Path) -> (BTreeMap<i64, String>, usize) {
    let (mut batches, mut repeated) = (BTreeMap::new(), 0);
    for line in outputs(folder).split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let (time, numbers) = line.split_once(':').expect(line);
        let first = batches.entry(time.parse().expect(line)).or_insert_with(|| numbers.to_owned());
        assert_eq!(first, numbers, "batch {time} had something else before");
        repeated += 1;
    }
    let repeated = repeated - batches.len();
    (batches, repeated)
}

#[test]
fn a_counter_that_is_killed_again_and_again_goes_on_where_it_was() {
    let folder = std::env::temp_dir().join(format!("dstreams-counter-{}", std::process::id()));
    fs::create_dir_all(folder.join("kept")).unwrap();
    fs::set_permissions(folder.join("kept"), fs::Permissions::from_mode(0o700)).unwrap();
    let mut random = std::process::id() as usize;
    for _ in 0..12 {
        let (before, deadline) = (outputs(&folder).len(), Instant::now() + LONG);
        let mut child = begin(&folder);
        while outputs(&folder).len() < before + 64 {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", fs::read_to_string(folder.join("log")).unwrap());
            assert!(Instant::now() < deadline, "nothing comes");
            thread::sleep(Duration::from_millis(2));
        }
        // Anywhere within a batch.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        thread::sleep(Duration::from_micros((random >> 20) as u64 % 8_000));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (batches, repeated) = batches(&folder);
    let times: Vec<i64> = batches.keys().copied().collect();
    assert_eq!(times, (1..=times.len() as i64).collect::<Vec<_>>(), "no batch is left out");
    let all =
        batches.values().flat_map(|text| text.trim_matches(['[', ']']).split(", ").filter(|number| !number.is_empty()));
    let all: Vec<i64> = all.map(|number| number.parse().unwrap()).collect();
    assert_eq!(all, (0..all.len() as i64).collect::<Vec<_>>(), "each number once, in order");
    println!("{} batches, {} numbers, {repeated} outputs repeated", times.len(), all.len());
    remove(folder);
}

fn remove(folder: PathBuf) {
    fs::remove_dir_all(folder).unwrap();
}
