//! What is a source of a stream, and what is it given?
//!
//! Owns the trait `Source`. A new source is one file that implements it, and a line in `registry.rs` (or a call of
//! `Registry::add`) if it is to come back from a checkpoint.
//! 1. Calls come in this order: `start`; then `plan` and `rdd` by one thread at a time, with rising times; `release` and
//!    `forget` with rising times, `describe` and `save` from another thread, perhaps at the same time; in the end `stop`
//!    and `wait_stopped`, perhaps more than once. So a source has its own locks.
//! 2. What was planned is asked for by `rdd` once or several times, until `forget`; it is the same each time.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::text::Told;
use crate::durable::{Codec, Received};
use crate::error::{EngineError, Result};
use crate::monitor::ReceiverReport;
use crate::rdd::Rdd;
use crate::source::{BlockLog, Rate, Warn};

/// What a batch has of a source, in whatever way the source says it. The default has nothing.
pub trait Range: Serialize + DeserializeOwned + Clone + Default + Send + Sync + 'static {}

impl<R: Serialize + DeserializeOwned + Clone + Default + Send + Sync + 'static> Range for R {}

/// When a batch is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// When the batch begins, whether or not somebody asks for its records.
    Begins,
    /// When its records are asked for, each time: that may be later, and may be never.
    Asked,
}

/// Makes the report of a receiver: of an input's number, the receiver's class, and where it runs.
pub type Report = dyn Fn(u32, &str, &str) -> Result<ReceiverReport> + Send + Sync;

/// What a source needs of the world; the same for all sources of a stream.
pub struct Host {
    /// Warns the program.
    pub warn: Warn,
    /// What the settings say about reading files.
    pub told: Told,
    /// How objects become bytes.
    pub codec: Arc<dyn Codec>,
    /// How fast an input may receive.
    pub rate: Box<dyn Fn(u32) -> Arc<Rate> + Send + Sync>,
    /// Who tells listeners of a receiver.
    pub report: Box<Report>,
}

/// How a source begins.
pub struct Start<R> {
    /// Which input it is.
    pub node: u32,
    /// What an earlier run planned, by the times of batches: those of the checkpoint and the ones after it. All later
    /// batches are new.
    pub past: BTreeMap<i64, R>,
    /// What the log of an earlier run has, in order.
    pub blocks: Vec<Received>,
    /// Where received blocks go first, if they are logged.
    pub log: Option<Arc<dyn BlockLog>>,
    /// Whether checkpoints are written: if not, `save` is never called.
    pub keeps: bool,
    /// The world.
    pub host: Arc<Host>,
}

/// Where a stream was after a batch; the source itself may be further by now.
pub struct Moment<'a, R> {
    /// The batch: all batches up to this one are complete.
    pub time: i64,
    /// What was planned last, up to that batch.
    pub last: Option<&'a R>,
    /// What was planned last, up to the newest batch that nobody asks for any more.
    pub forgotten: Option<&'a R>,
}

/// What a checkpoint holds of a source.
#[derive(Default)]
pub struct Saved {
    /// Settings and place, as JSON.
    pub settings: String,
    /// What stays as it is from checkpoint to checkpoint, by numbers: each is written once. One that is left out is gone.
    pub pieces: BTreeMap<i64, Arc<Vec<u8>>>,
    /// RDDs. Those that are not data yet are computed.
    pub rdds: Vec<Arc<Rdd>>,
    /// The first block of the log that is still needed.
    pub blocks: Option<u64>,
}

impl Saved {
    /// Settings alone.
    pub fn settings(settings: &impl Serialize) -> Result<Self> {
        let settings = serde_json::to_string(settings).map_err(|problem| EngineError::Bug(problem.to_string()))?;
        Ok(Self { settings, ..Self::default() })
    }
}

/// What listeners are told of an input's part in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// How many records; 0 if that is not known.
    pub records: u64,
    /// What else is known, for people to read.
    pub description: Option<String>,
}

/// An input of a stream.
pub trait Source: Send + Sync + 'static {
    /// What a batch has of it.
    type Range: Range;

    /// What a checkpoint calls it; the registry finds it by this.
    fn kind(&self) -> &'static str;

    /// What explanations call it, and the RDDs it has from the start.
    fn shown(&self) -> (String, Vec<Arc<Rdd>>);

    /// When batches are planned.
    fn when(&self) -> When {
        When::Asked
    }

    /// Whether plans are made durable. A source that plans the same again from what `save` says needs no such thing, nor does
    /// one whose records are lost anyhow.
    fn writes_plans(&self) -> bool {
        true
    }

    /// Begins. Once.
    fn start(&self, start: Start<Self::Range>) -> Result<()>;

    /// What the batch of `time` has.
    fn plan(&self, time: i64) -> Result<Self::Range>;

    /// The records of the batch of `time`, which has `range`.
    fn rdd(&self, time: i64, range: &Self::Range) -> Result<Arc<Rdd>>;

    /// The batches up to `until` have ended: nobody waits for what they had any more.
    fn release(&self, _until: i64) {}

    /// Nobody asks for the batches up to `until` any more.
    fn forget(&self, _until: i64) {}

    /// What listeners are told of the batch of `time`.
    fn describe(&self, time: i64, range: &Self::Range) -> Option<Described>;

    /// What is needed to go on after a moment.
    fn save(&self, moment: &Moment<'_, Self::Range>) -> Result<Saved>;

    /// Begins to stop; when `graceful`, what is on its way still counts. What was received can be planned afterwards.
    fn stop(&self, _graceful: bool) {}

    /// Waits until it has stopped.
    fn wait_stopped(&self, _graceful: bool) {}
}
