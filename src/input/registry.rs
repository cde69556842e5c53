//! Which source was it that a checkpoint speaks of?
//!
//! Owns `Registry`: how a source of each kind is made again. The engine's own kinds are there; those that only others can make
//! (receivers of the program) are added.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::erased::AnySource;
use super::files::Files;
use super::queue::Queue;
use super::socket::SocketFeed;
use crate::block::Block;
use crate::durable::RestoredInput;
use crate::error::{EngineError, Result};
use crate::rdd::{Op, Rdd};

/// What a checkpoint has of a source: see `Saved`.
pub struct Found {
    /// Which input it is.
    pub node: u32,
    /// Settings and place.
    pub settings: String,
    /// What stays as it is.
    pub pieces: BTreeMap<i64, Vec<u8>>,
    /// RDDs, as data.
    pub rdds: Vec<Arc<Rdd>>,
}

type Make<'a> = Box<dyn Fn(Found) -> Result<Arc<dyn AnySource>> + 'a>;

/// How sources are made again, by their kinds.
pub struct Registry<'a> {
    kinds: BTreeMap<&'static str, Make<'a>>,
}

impl Default for Registry<'_> {
    fn default() -> Self {
        let mut registry = Self { kinds: BTreeMap::new() };
        registry.add(Queue::KIND, |found| Ok(Arc::new(Queue::found(found)?)));
        registry.add(Files::KIND, |found| Ok(Arc::new(Files::found(found)?)));
        registry.add(SocketFeed::KIND, |found| Ok(Arc::new(SocketFeed::found(found)?)));
        registry
    }
}

impl<'a> Registry<'a> {
    /// Sources of `kind` are made by `make`.
    pub fn add(&mut self, kind: &'static str, make: impl Fn(Found) -> Result<Arc<dyn AnySource>> + 'a) {
        self.kinds.insert(kind, Box::new(make));
    }

    /// The source of an input, as a checkpoint has it.
    pub fn open(&self, node: u32, saved: RestoredInput) -> Result<Arc<dyn AnySource>> {
        let RestoredInput { kind, settings, pieces, rdds } = saved;
        let make = self.kinds.get(kind.as_str()).ok_or_else(|| {
            let known: Vec<_> = self.kinds.keys().copied().collect();
            let problem = format!(
                "the checkpoint has an input of kind {kind:?}, which this version of dstreams does not know (it knows {}). Go \
                 on with the version that wrote it, or use another folder to begin anew",
                known.join(", ")
            );
            EngineError::Refused { class: "org.apache.spark.SparkException", problem }
        })?;
        let held = |partitions: Vec<Vec<Block>>| Rdd::new(Op::Held(partitions));
        make(Found { node, settings, pieces, rdds: rdds.into_iter().map(held).collect() })
    }
}

/// Settings that a checkpoint has.
pub fn settings_of<S: DeserializeOwned>(text: &str) -> Result<S> {
    serde_json::from_str(text).map_err(|problem| odd(&problem))
}

pub(super) fn odd(problem: &serde_json::Error) -> EngineError {
    let problem = format!("the checkpoint does not fit together: settings of an input: {problem}");
    EngineError::Refused { class: "org.apache.spark.SparkException", problem }
}
