//! How are sources of all kinds held in one list?
//!
//! Owns `AnySource`: a `Source` whose ranges are JSON. Whatever is a `Source` is one.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::source::{Described, Moment, Range, Saved, Source, Start, When};
use crate::error::{EngineError, Result};
use crate::rdd::Rdd;

/// A `Source`, whatever its ranges are. JSON's null has nothing.
pub trait AnySource: Send + Sync + 'static {
    /// The source itself.
    fn as_any(&self) -> &dyn Any;
    /// See `Source::kind`; and so on.
    fn kind(&self) -> &'static str;
    /// What explanations call it, and the RDDs it has.
    fn shown(&self) -> (String, Vec<Arc<Rdd>>);
    /// When batches are planned.
    fn when(&self) -> When;
    /// Whether plans are made durable.
    fn writes_plans(&self) -> bool;
    /// Begins.
    fn start(&self, start: Start<Value>) -> Result<()>;
    /// What a batch has.
    fn plan(&self, time: i64) -> Result<Value>;
    /// Its records.
    fn rdd(&self, time: i64, range: &Value) -> Result<Arc<Rdd>>;
    /// Batches have ended.
    fn release(&self, until: i64);
    /// Batches are asked for no more.
    fn forget(&self, until: i64);
    /// What listeners are told.
    fn describe(&self, time: i64, range: &Value) -> Option<Described>;
    /// What a checkpoint holds.
    fn save(&self, moment: &Moment<'_, Value>) -> Result<Saved>;
    /// Begins to stop.
    fn stop(&self, graceful: bool);
    /// Waits for the end.
    fn wait_stopped(&self, graceful: bool);
}

fn read<R: Range>(kind: &str, range: &Value) -> Result<R> {
    if range.is_null() {
        return Ok(R::default());
    }
    R::deserialize(range).map_err(|problem| {
        let problem = format!(
            "the plan of a batch has {range} of a source of kind {kind:?}, which is none of its ranges: {problem}"
        );
        EngineError::Refused { class: "org.apache.spark.SparkException", problem }
    })
}

impl<S: Source> AnySource for S {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn kind(&self) -> &'static str {
        Source::kind(self)
    }

    fn shown(&self) -> (String, Vec<Arc<Rdd>>) {
        Source::shown(self)
    }

    fn when(&self) -> When {
        Source::when(self)
    }

    fn writes_plans(&self) -> bool {
        Source::writes_plans(self)
    }

    fn start(&self, start: Start<Value>) -> Result<()> {
        let Start { node, past, blocks, log, keeps, host } = start;
        let range = |(time, range): (i64, Value)| Ok((time, read(Source::kind(self), &range)?));
        let past = past.into_iter().map(range).collect::<Result<BTreeMap<i64, S::Range>>>()?;
        Source::start(self, Start { node, past, blocks, log, keeps, host })
    }

    fn plan(&self, time: i64) -> Result<Value> {
        let range = Source::plan(self, time)?;
        serde_json::to_value(range).map_err(|problem| EngineError::Bug(problem.to_string()))
    }

    fn rdd(&self, time: i64, range: &Value) -> Result<Arc<Rdd>> {
        Source::rdd(self, time, &read(Source::kind(self), range)?)
    }

    fn release(&self, until: i64) {
        Source::release(self, until);
    }

    fn forget(&self, until: i64) {
        Source::forget(self, until);
    }

    fn describe(&self, time: i64, range: &Value) -> Option<Described> {
        // What cannot be read has failed its batch before.
        Source::describe(self, time, &read(Source::kind(self), range).ok()?)
    }

    fn save(&self, moment: &Moment<'_, Value>) -> Result<Saved> {
        let range = |range: Option<&Value>| range.map(|range| read::<S::Range>(Source::kind(self), range)).transpose();
        let (last, forgotten) = (range(moment.last)?, range(moment.forgotten)?);
        Source::save(self, &Moment { time: moment.time, last: last.as_ref(), forgotten: forgotten.as_ref() })
    }

    fn stop(&self, graceful: bool) {
        Source::stop(self, graceful);
    }

    fn wait_stopped(&self, graceful: bool) {
        Source::wait_stopped(self, graceful);
    }
}
