//! A queue of RDDs: the next batch gets the next one, or all that are left.
//!
//! Its RDDs can be asked for again: a range is places in the queue, counted from where the run began. Which they are follows from
//! what is left in the checkpoint, so plans are not written.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::registry::{Found, settings_of};
use super::source::{Described, Moment, Saved, Source, Start};
use crate::error::{EngineError, Result};
use crate::rdd::Rdd;

/// RDDs in turn.
pub struct Queue {
    settings: Settings,
    /// What a batch gets when there is none left.
    empty: Arc<Rdd>,
    /// What it had from the start.
    all: Vec<Arc<Rdd>>,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Settings {
    one_at_a_time: bool,
}

#[derive(Default)]
struct State {
    left: VecDeque<Arc<Rdd>>,
    /// The place of the first that is left.
    next: u64,
    /// What batches took, with its place: until a checkpoint knows of it, or nobody asks for it.
    gone: VecDeque<(u64, i64, Arc<Rdd>)>,
    keeps: bool,
}

/// Places in the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    from: u64,
    count: u64,
}

impl Queue {
    /// What a checkpoint calls it.
    pub const KIND: &'static str = "queue";

    /// `rdds` in turn, one for each batch or all for the next one, and `empty` when there is none left.
    pub fn new(rdds: impl IntoIterator<Item = Arc<Rdd>>, one_at_a_time: bool, empty: Arc<Rdd>) -> Self {
        let all: Vec<_> = rdds.into_iter().collect();
        let state = State { left: all.iter().cloned().collect(), ..State::default() };
        Self { settings: Settings { one_at_a_time }, empty, all, state: Mutex::new(state) }
    }

    pub(super) fn found(found: Found) -> Result<Self> {
        let Settings { one_at_a_time } = settings_of(&found.settings)?;
        let mut rdds = found.rdds.into_iter();
        let empty = rdds.next().ok_or_else(|| EngineError::Bug("a queue that was kept without an end".into()))?;
        Ok(Self::new(rdds, one_at_a_time, empty))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Queue {
    type Range = Places;

    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn shown(&self) -> (String, Vec<Arc<Rdd>>) {
        ("queueStream".into(), self.all.clone())
    }

    fn writes_plans(&self) -> bool {
        false
    }

    fn start(&self, start: Start<Places>) -> Result<()> {
        self.state().keeps = start.keeps;
        Ok(())
    }

    fn plan(&self, time: i64) -> Result<Places> {
        let mut guard = self.state();
        let state = &mut *guard;
        let count = if self.settings.one_at_a_time { state.left.len().min(1) } else { state.left.len() };
        let places = Places { from: state.next, count: count as u64 };
        state.gone.extend((places.from..).zip(state.left.drain(..count)).map(|(place, rdd)| (place, time, rdd)));
        state.next += places.count;
        Ok(places)
    }

    fn rdd(&self, _time: i64, range: &Places) -> Result<Arc<Rdd>> {
        let places = range.from..range.from + range.count;
        let state = self.state();
        let found = state.gone.iter().filter(|(place, ..)| places.contains(place));
        let mut found: Vec<_> = found.map(|(.., rdd)| Arc::clone(rdd)).collect();
        drop(state);
        match found.len() {
            0 | 1 => Ok(found.pop().unwrap_or_else(|| Arc::clone(&self.empty))),
            _ => Rdd::union(found),
        }
    }

    fn forget(&self, until: i64) {
        let mut state = self.state();
        if !state.keeps {
            let (old, kept) = std::mem::take(&mut state.gone).into_iter().partition(|(_, time, _)| *time <= until);
            state.gone = kept;
            drop(state);
            // An RDD may be the last to hold what takes its time to go.
            drop::<VecDeque<_>>(old);
        }
    }

    /// Listeners hear nothing of queues, as in Spark.
    fn describe(&self, _time: i64, _range: &Places) -> Option<Described> {
        None
    }

    fn save(&self, moment: &Moment<'_, Places>) -> Result<Saved> {
        let mut state = self.state();
        state.gone.retain(|(_, time, _)| *time > moment.time);
        let left = state.gone.iter().map(|(.., rdd)| rdd).chain(&state.left);
        let rdds = std::iter::once(&self.empty).chain(left).cloned().collect();
        Ok(Saved { rdds, ..Saved::settings(&self.settings)? })
    }
}
