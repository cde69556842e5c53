//! The lab: a driver whose RDDs are vectors and whose functions are closures, a clock turned by hand, and a notebook.
//! Nothing sleeps; every wait is bounded by `LONG`.

mod folding;
mod graph;
mod running;
mod stopping;
mod tuning;

use std::fmt::Debug;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::error::{EngineError, Result};
use crate::monitor::{InputInfo, Listener, StreamEvent};

/// A test that waits for this long has failed.
pub const LONG: Duration = Duration::from_secs(20);

/// Elements of an RDD.
pub type Rdd = Vec<i64>;
type Call = dyn Fn(Millis, &[Option<Rdd>]) -> Result<Option<Rdd>> + Send + Sync;

/// A function of the lab, for transformations and outputs alike.
#[derive(Clone)]
pub struct Func(Arc<Call>);

pub fn func(call: impl Fn(Millis, &[Option<Rdd>]) -> Result<Option<Rdd>> + Send + Sync + 'static) -> Func {
    Func(Arc::new(call))
}

/// A function of one RDD.
pub fn map(call: impl Fn(Millis, Rdd) -> Result<Option<Rdd>> + Send + Sync + 'static) -> Func {
    func(move |time, rdds| call(time, rdds[0].clone().unwrap()))
}

pub fn user_error<T>(text: &str) -> Result<T> {
    Err(EngineError::UserCode { cause: text.into() })
}

/// What happened, line by line; threads can wait for lines.
#[derive(Clone, Default)]
pub struct Notes(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Notes {
    pub fn add(&self, line: impl Into<String>) {
        self.0.0.lock().unwrap().push(line.into());
        self.0.1.notify_all();
    }

    pub fn all(&self) -> Vec<String> {
        self.0.0.lock().unwrap().clone()
    }

    pub fn with(&self, part: &str) -> Vec<String> {
        self.all().into_iter().filter(|line| line.contains(part)).collect()
    }

    /// Waits until `count` lines contain `part`.
    #[track_caller]
    pub fn wait(&self, part: &str, count: usize) {
        let found = |lines: &[String]| lines.iter().filter(|line| line.contains(part)).count();
        let deadline = Instant::now() + LONG;
        let mut lines = self.0.0.lock().unwrap();
        while found(&lines) < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {count} times {part:?} in {lines:#?}");
            lines = self.0.1.wait_timeout(lines, left).unwrap().0;
        }
    }
}

impl Listener for Notes {
    fn on_event(&self, event: &StreamEvent) {
        self.add(match event {
            StreamEvent::StreamingStarted(time) => format!("event started {time}"),
            StreamEvent::ReceiverStarted(info)
            | StreamEvent::ReceiverError(info)
            | StreamEvent::ReceiverStopped(info) => format!("event receiver {}", info.name),
            StreamEvent::BatchSubmitted(batch) => format!("event submitted {}", batch.time),
            StreamEvent::BatchStarted(batch) => format!("event began {}", batch.time),
            StreamEvent::OutputOperationStarted(output) => format!("event job {} {}", output.batch_time, output.id),
            StreamEvent::OutputOperationCompleted(output) => {
                format!("event done {} {} {:?}", output.batch_time, output.id, output.failure)
            }
            StreamEvent::BatchCompleted(batch) => format!("event completed {} of {}", batch.time, batch.records()),
        });
    }
}

/// The world of vectors.
#[derive(Default)]
pub struct Fake {
    pub notes: Notes,
    /// Text of the error of `start_inputs`.
    pub fail_start: Option<&'static str>,
    /// RDDs that cannot be settled.
    pub failing: Vec<Rdd>,
}

impl Driver for Fake {
    type Rdd = Rdd;
    type Func = Func;
    /// The RDD of a batch is its time plus this number; no RDD if it is negative.
    type Input = i64;
    type Level = u8;

    fn start_inputs(&self, inputs: &[(NodeId, i64)]) -> Result<()> {
        self.notes.add(format!("start {} inputs", inputs.len()));
        self.fail_start.map_or(Ok(()), user_error)
    }
    fn stop_inputs(&self, graceful: bool) {
        self.notes.add(format!("stop inputs {graceful}"));
    }
    fn begin_batch(&self, time: Millis) -> Result<()> {
        self.notes.add(format!("begin {}.", time.0));
        Ok(())
    }
    fn input_info(&self, _time: Millis) -> Vec<InputInfo> {
        vec![InputInfo { stream: 0, records: 3, description: None }]
    }
    fn batch_ended(&self, time: Millis) {
        self.notes.add(format!("ended {}.", time.0));
    }
    fn forget(&self, until: Millis) {
        self.notes.add(format!("forget {}.", until.0));
    }
    fn input(&self, node: NodeId, spec: &i64, time: Millis) -> Result<Option<Rdd>> {
        self.notes.add(format!("input {} at {}.", node.0, time.0));
        Ok((*spec >= 0).then(|| vec![time.0 + spec]))
    }
    fn transform(&self, func: &Func, time: Millis, parents: &[Option<Rdd>]) -> Result<Option<Rdd>> {
        (func.0)(time, parents)
    }
    fn fold(&self, func: &Func, time: Millis, older: Option<&Rdd>, newer: &Rdd) -> Result<Option<Rdd>> {
        (func.0)(time, &[older.cloned(), Some(newer.clone())])
    }
    fn settle(&self, rdd: &Rdd) -> Result<()> {
        self.notes.add(format!("settle {rdd:?}"));
        if self.failing.contains(rdd) { user_error("failed") } else { Ok(()) }
    }
    fn keep(&self, moment: Moment<Self>) -> Result<()> {
        let kept = moment.rdds.iter().map(|kept| (kept.node.0, kept.time.0, kept.rdd.clone().unwrap_or_default()));
        self.notes.add(format!("keep {:?} {:?}", kept.collect::<Vec<_>>(), moment.initial));
        Ok(())
    }
    fn union(&self, rdds: &[Rdd]) -> Result<Rdd> {
        Ok(rdds.concat())
    }
    fn output(&self, func: &Func, time: Millis, rdd: Rdd) -> Result<()> {
        (func.0)(time, &[Some(rdd)]).map(drop)
    }
    fn persist(&self, rdd: &Rdd, level: u8) -> Result<()> {
        self.notes.add(format!("persist {rdd:?} {level}"));
        Ok(())
    }
    fn unpersist(&self, rdd: &Rdd) {
        self.notes.add(format!("unpersist {rdd:?}"));
    }
    fn window_level(&self) -> Option<u8> {
        Some(4)
    }
    fn run_thread(&self, body: &mut (dyn FnMut() + Send)) {
        body();
        self.notes.add("thread over");
    }
    fn report_error(&self, what: &str, error: &EngineError) {
        self.notes.add(format!("error {what}: {error}"));
    }
}

/// A stream with batches 10 ms apart, on a clock that stands at 1003: the first batch is 1010, the zero time 1000.
pub struct Lab {
    pub stream: StreamRuntime<Fake>,
    pub clock: ManualClock,
    pub notes: Notes,
}

impl Lab {
    pub fn new() -> Self {
        Self::with(Fake::default())
    }

    pub fn with(driver: Fake) -> Self {
        Self::with_settings(driver, Settings { stop_wait: LONG, ..Settings::new(Millis(10)) })
    }

    pub fn with_settings(driver: Fake, settings: Settings) -> Self {
        let (clock, notes) = (ManualClock::new(Millis(1003)), driver.notes.clone());
        let stream = StreamRuntime::new(Arc::new(driver), Arc::new(clock.clone()), settings).unwrap();
        stream.add_listener(Arc::new(notes.clone()));
        Self { stream, clock, notes }
    }

    /// A stream that does not wait for running batches when it is stopped.
    pub fn impatient() -> Self {
        let mut lab = Self::new();
        let settings = Settings { stop_wait: Duration::ZERO, ..Settings::new(Millis(10)) };
        lab.stream =
            StreamRuntime::new(Arc::clone(lab.stream.driver()), Arc::new(lab.clock.clone()), settings).unwrap();
        lab.stream.add_listener(Arc::new(lab.notes.clone()));
        lab
    }

    pub fn output(&self, parent: NodeId, func: Func) {
        let output = Output { parent, func, name: "foreachRDD".into(), description: String::new() };
        self.stream.output(output).unwrap();
    }

    /// An output that notes `name`, the time and the elements.
    pub fn record(&self, parent: NodeId, name: &'static str) {
        let notes = self.notes.clone();
        let note = map(move |time, rdd| {
            notes.add(format!("{name} {}: {rdd:?}", time.0));
            Ok(None)
        });
        self.output(parent, note);
    }

    /// Turns the clock batch by batch, up to the batch of `time`, and waits until it is generated.
    #[track_caller]
    pub fn run_to(&self, time: i64) {
        let mut now = self.clock.now().0;
        while now < time {
            now = (now / 10 + 1) * 10;
            self.clock.set(Millis(now));
            assert!(self.clock.wait_for_waiter(Millis(now + 10), LONG), "batch {now} is not generated");
        }
    }
}

#[track_caller]
pub fn text<T: Debug>(outcome: Result<T>) -> String {
    outcome.unwrap_err().to_string()
}

/// A gate that functions of the lab stop at until it is opened.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    #[track_caller]
    pub fn pass(&self) {
        let passed = self.0.1.wait_timeout_while(self.0.0.lock().unwrap(), LONG, |open| !*open).unwrap();
        assert!(!passed.1.timed_out(), "the gate was never opened");
    }
}
