//! All sources of a stream at work: who is asked for what, when?
//!
//! Owns `Inputs`: the sources, and the ranges of the batches that are still wanted.
//! 1. Of ranges that nobody asks for any more the newest is kept: it says from where to go on. One that has nothing does not.
//! 2. No source is called under the lock: it may need the interpreter, or wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;

use super::erased::AnySource;
use super::plans::Plans;
use super::source::{Host, Moment, Start, When};
use crate::durable::InputFound;
use crate::error::{EngineError, Result};
use crate::monitor::InputInfo;
use crate::rdd::Rdd;

struct Running {
    source: Arc<dyn AnySource>,
    ranges: BTreeMap<i64, Value>,
}

impl Running {
    /// What was planned last up to a time.
    fn last(&self, until: i64) -> Option<&Value> {
        self.ranges.range(..=until).rev().map(|(_, range)| range).find(|range| !range.is_null())
    }
}

/// The sources of a stream.
pub struct Inputs {
    host: Arc<Host>,
    running: Mutex<BTreeMap<u32, Running>>,
    plans: OnceLock<Plans>,
}

/// What a checkpoint holds of all inputs, and the first logged block of each that is still needed.
pub type AllSaved = (BTreeMap<u32, InputFound>, BTreeMap<u32, u64>);

impl Inputs {
    /// None yet.
    pub fn new(host: Host) -> Self {
        Self { host: Arc::new(host), running: Mutex::default(), plans: OnceLock::new() }
    }

    /// Plans are made durable from now on. Once, before the start.
    pub fn keep(&self, plans: Plans) -> Result<()> {
        self.plans.set(plans).map_err(|_| EngineError::Bug("a stream that is kept in two folders".into()))
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<u32, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sources in order of definition. To be called without the lock.
    fn sources(&self) -> Vec<(u32, Arc<dyn AnySource>)> {
        self.running().iter().map(|(node, running)| (*node, Arc::clone(&running.source))).collect()
    }

    fn note(&self, node: u32, time: i64, range: Value) {
        if let Some(running) = self.running().get_mut(&node) {
            running.ranges.insert(time, range);
        }
    }

    /// Starts a source.
    pub fn start(&self, node: u32, source: Arc<dyn AnySource>) -> Result<()> {
        let plans = self.plans.get();
        let past = plans.map(|plans| plans.past(node)).unwrap_or_default();
        source.start(Start {
            node,
            past: past.clone(),
            blocks: plans.map(|plans| plans.blocks(node)).unwrap_or_default(),
            log: plans.and_then(|plans| plans.log(node, &self.host.codec)),
            keeps: plans.is_some(),
            host: Arc::clone(&self.host),
        })?;
        self.running().insert(node, Running { source, ranges: past });
        Ok(())
    }

    /// Ends all sources. To be called without the interpreter.
    pub fn stop(&self, graceful: bool) {
        let sources = self.sources();
        sources.iter().for_each(|(_, source)| source.stop(graceful));
        sources.iter().for_each(|(_, source)| source.wait_stopped(graceful));
    }

    /// A batch begins.
    pub fn begin(&self, time: i64) -> Result<()> {
        for (node, source) in self.sources() {
            if source.when() == When::Begins {
                self.range(node, source.as_ref(), time)?;
            }
        }
        Ok(())
    }

    /// What a batch has of a source: as an earlier run planned it, or as it is planned now.
    fn range(&self, node: u32, source: &dyn AnySource, time: i64) -> Result<Value> {
        let plans = self.plans.get().filter(|_| source.writes_plans() || source.when() == When::Begins);
        if let Some(range) = plans.and_then(|plans| plans.planned(node, time)) {
            self.note(node, time, range.clone());
            return Ok(range);
        }
        let range = source.plan(time)?;
        if let Some(plans) = self.plans.get().filter(|_| source.writes_plans()) {
            plans.note(node, time, range.clone());
        }
        self.note(node, time, range.clone());
        Ok(range)
    }

    /// The records of an input in a batch.
    pub fn rdd(&self, node: u32, time: i64) -> Result<Arc<Rdd>> {
        let found = self.running().get(&node).map(|running| {
            let range = running.ranges.get(&time).cloned().unwrap_or_default();
            (Arc::clone(&running.source), range)
        });
        let (source, known) = found.ok_or_else(|| EngineError::Bug(format!("input {node} was not started")))?;
        let range = match source.when() {
            When::Begins => known,
            When::Asked => self.range(node, source.as_ref(), time)?,
        };
        source.rdd(time, &range)
    }

    /// Makes durable what a batch consists of.
    pub fn planned(&self, time: i64) -> Result<()> {
        self.plans.get().map_or(Ok(()), |plans| plans.write(time))
    }

    /// What the inputs brought into a batch, for listeners.
    pub fn info(&self, time: i64) -> Vec<InputInfo> {
        let found: Vec<_> = self
            .running()
            .iter()
            .filter_map(|(node, running)| {
                let range = running.ranges.get(&time).cloned();
                let range = if running.source.when() == When::Asked { Some(range.unwrap_or_default()) } else { range };
                Some((*node, Arc::clone(&running.source), range?))
            })
            .collect();
        let told = found.into_iter().filter_map(|(stream, source, range)| {
            let told = source.describe(time, &range)?;
            Some(InputInfo { stream, records: told.records, description: told.description })
        });
        told.collect()
    }

    /// The batches up to `until` have ended.
    pub fn release(&self, until: i64) {
        self.sources().iter().for_each(|(_, source)| source.release(until));
    }

    /// Nobody asks for the batches up to `until` any more.
    pub fn forget(&self, until: i64) {
        self.sources().iter().for_each(|(_, source)| source.forget(until));
        for running in self.running().values_mut() {
            let kept = running.ranges.split_off(&until.saturating_add(1));
            let old = std::mem::replace(&mut running.ranges, kept);
            running.ranges.extend(old.into_iter().rev().find(|(_, range)| !range.is_null()));
        }
    }

    /// What a checkpoint holds of the inputs after the batch of `time`; those up to `forgotten` are asked for no more.
    /// `settle` makes data of an RDD.
    pub fn save(&self, time: i64, forgotten: i64, settle: &dyn Fn(&Arc<Rdd>) -> Result<()>) -> Result<AllSaved> {
        let (mut found, mut blocks) = AllSaved::default();
        for (node, source) in self.sources() {
            let at = |until: i64| self.running().get(&node).and_then(|running| running.last(until).cloned());
            let (last, forgotten) = (at(time), at(forgotten));
            let saved = source.save(&Moment { time, last: last.as_ref(), forgotten: forgotten.as_ref() })?;
            saved.rdds.iter().try_for_each(settle)?;
            blocks.extend(saved.blocks.map(|first| (node, first)));
            let kind = source.kind().to_owned();
            found.insert(node, InputFound { kind, settings: saved.settings, pieces: saved.pieces, rdds: saved.rdds });
        }
        Ok((found, blocks))
    }
}
