//! What is pushed: records that come once, as blocks, until a batch takes them.
//!
//! Owns `Received`, the source of all receivers, and `Feed`, what such a receiver is: a socket (`socket.rs`), or one of the
//! program's (`py/`).
//! 1. A batch takes what is there when it begins, so it does whether or not anybody asks for it. More is received only as what
//!    was taken is released.
//! 2. A range is the number of the first block that is left for later batches. With the log, the blocks below it can be had
//!    again (`replay.rs`); what an earlier run received and planned for no batch goes to the first one without a plan.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::replay::{Replay, decoded};
use super::source::{Described, Host, Moment, Saved, Source, Start, When};
use crate::block::Block;
use crate::durable::{Codec, Received as Logged};
use crate::error::{EngineError, Result};
use crate::rdd::{Op, Rdd};
use crate::source::{BlockLog, Rate, Taken};

/// How a receiver begins.
pub struct Opening {
    /// Which input it is.
    pub node: u32,
    /// How fast it may receive; changes at any time.
    pub rate: Arc<Rate>,
    /// Where blocks go first, and the number of the next one.
    pub log: Option<(Arc<dyn BlockLog>, u64)>,
    /// The world.
    pub host: Arc<Host>,
}

/// A receiver.
pub trait Feed: Send + Sync + 'static {
    /// What a checkpoint calls it.
    fn kind(&self) -> &'static str;
    /// What explanations call it.
    fn shown(&self) -> String;
    /// What a checkpoint holds of it, as JSON.
    fn settings(&self) -> Result<String>;
    /// Begins to receive. Once.
    fn start(&self, opening: Opening) -> Result<()>;
    /// The partitions received so far, and the bytes to `release` once they are processed.
    fn take(&self) -> Taken;
    /// What was taken is processed: so many bytes more may be received.
    fn release(&self, bytes: usize);
    /// Begins to stop; when `graceful`, what is being stored still counts.
    fn ask_to_stop(&self, graceful: bool);
    /// Waits until it has stopped.
    fn wait_stopped(&self, graceful: bool);
}

/// The source that a receiver is.
pub struct Received<F> {
    feed: F,
    state: Mutex<State>,
    begun: OnceLock<Begun>,
}

/// What is known from the start on.
struct Begun {
    codec: Arc<dyn Codec>,
    /// The number behind all blocks of earlier runs.
    first: u64,
    logs: bool,
}

#[derive(Default)]
struct State {
    batches: BTreeMap<i64, Batch>,
    /// What an earlier run received and planned for no batch.
    rest: Vec<Logged>,
}

/// What a batch has.
enum Batch {
    /// It is in the log of an earlier run.
    Logged(Arc<Vec<Logged>>),
    /// It is here.
    Taken(Taken),
}

impl<F: Feed> Received<F> {
    /// The source of a receiver that has not begun.
    pub fn new(feed: F) -> Self {
        Self { feed, state: Mutex::default(), begun: OnceLock::new() }
    }

    /// The receiver.
    pub fn feed(&self) -> &F {
        &self.feed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begun(&self) -> Result<&Begun> {
        self.begun.get().ok_or_else(|| EngineError::Bug("a receiver that was not started".into()))
    }

    /// The partitions of a batch; what is in the log alone is decoded now, and kept.
    fn groups(&self, time: i64) -> Result<Vec<Vec<Block>>> {
        let logged = match self.state().batches.get(&time) {
            None => return Ok(Vec::new()),
            Some(Batch::Taken(taken)) => return Ok(taken.groups.clone()),
            Some(Batch::Logged(blocks)) => Arc::clone(blocks),
        };
        // Without the lock: to load objects may take the interpreter.
        let groups = decoded(&logged, self.begun()?.codec.as_ref())?;
        if let Some(batch) = self.state().batches.get_mut(&time) {
            *batch = Batch::Taken(Taken { groups: groups.clone(), ..Taken::default() });
        }
        Ok(groups)
    }
}

impl<F: Feed> Source for Received<F> {
    type Range = u64;

    fn kind(&self) -> &'static str {
        self.feed.kind()
    }

    fn shown(&self) -> (String, Vec<Arc<Rdd>>) {
        (self.feed.shown(), Vec::new())
    }

    fn when(&self) -> When {
        When::Begins
    }

    fn writes_plans(&self) -> bool {
        self.begun.get().is_some_and(|begun| begun.logs)
    }

    fn start(&self, start: Start<u64>) -> Result<()> {
        let Start { node, past, blocks, log, host, .. } = start;
        let Replay { batches, rest, next: first } = Replay::new(&past, blocks);
        let batches = batches.into_iter().map(|(time, blocks)| (time, Batch::Logged(Arc::new(blocks)))).collect();
        *self.state() = State { batches, rest };
        // Set already: a source is started once.
        let _ = self.begun.set(Begun { codec: Arc::clone(&host.codec), first, logs: log.is_some() });
        let log = log.map(|log| (log, first));
        self.feed.start(Opening { node, rate: (host.rate)(node), log, host })
    }

    fn plan(&self, time: i64) -> Result<u64> {
        let Begun { codec, first, logs } = self.begun()?;
        // What cannot be read now stays, and so does all that came after it.
        let rest = self.state().rest.clone();
        let earlier = decoded(&rest, codec.as_ref())?;
        self.state().rest.clear();
        let mut taken = self.feed.take();
        taken.groups.splice(0..0, earlier);
        let until = if *logs { taken.until } else { *first };
        self.state().batches.insert(time, Batch::Taken(taken));
        Ok(until)
    }

    fn rdd(&self, time: i64, _range: &u64) -> Result<Arc<Rdd>> {
        Ok(Rdd::new(Op::Held(self.groups(time)?)))
    }

    fn release(&self, until: i64) {
        let held = |batch: &mut Batch| match batch {
            Batch::Taken(taken) => std::mem::take(&mut taken.held),
            Batch::Logged(_) => 0,
        };
        let bytes = self.state().batches.range_mut(..=until).map(|(_, batch)| held(batch)).sum();
        self.feed.release(bytes);
    }

    fn forget(&self, until: i64) {
        let mut state = self.state();
        let kept = state.batches.split_off(&until.saturating_add(1));
        let old = std::mem::replace(&mut state.batches, kept);
        drop(state);
        // Blocks may take their time to go.
        drop(old);
    }

    fn describe(&self, time: i64, _range: &u64) -> Option<Described> {
        let groups = self.groups(time).ok()?;
        let records = groups.iter().flatten().map(|block| block.len() as u64).sum();
        Some(Described { records, description: None })
    }

    fn save(&self, moment: &Moment<'_, u64>) -> Result<Saved> {
        Ok(Saved { settings: self.feed.settings()?, blocks: moment.forgotten.copied(), ..Saved::default() })
    }

    fn stop(&self, graceful: bool) {
        self.feed.ask_to_stop(graceful);
    }

    fn wait_stopped(&self, graceful: bool) {
        self.feed.wait_stopped(graceful);
    }
}
