//! Which map outputs of a window's shuffle are there already, because an earlier window held the same pane?
//!
//! A window is a union of panes, and a map partition of its shuffle a partition of one pane. What such a partition sends
//! depends on its elements and on the functions alone if these are pure and the elements plain, so it is kept with the
//! pane and sent again by the next window: in the same place and order as if it had been made anew.
//! 1. Only what was read from a fixed RDD (data, or kept partitions) counts as the same when it is read again.
//! 2. The functions say whether they are pure and the same; the elements are looked at while they pass.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::Executor;
use crate::error::Result;
use crate::rdd::{Blocks, Leg, MapOutput, Marks, Op, Parcels, Rdd, Router, Task, Way, Window, blocks_of};

/// What windows saved and what they did, since the start.
#[derive(Debug, Default)]
pub struct WindowCounts {
    /// Partitions of panes that were sent to a shuffle.
    pub sent: AtomicU64,
    /// Those that were sent again without being computed.
    pub sent_again: AtomicU64,
    /// Panes that were added to the sum of a window's partition.
    pub added: AtomicU64,
    /// Partitions of windows that were made of sums.
    pub summed: AtomicU64,
}

/// Where the elements of a map partition come from.
#[derive(Clone)]
pub(super) struct Source {
    pane: Arc<Rdd>,
    partition: usize,
    way: Arc<Way>,
}

/// A map partition's part in a shuffle.
pub(super) struct Sent {
    pub(super) output: Parcels,
    /// In which batches they are.
    pub(super) marks: Marks,
    /// Whether all its elements were plain.
    plain: bool,
}

/// The panes under a shuffle.
pub(super) struct Sources {
    /// For each map partition; None where functions must be called in any case.
    all: Vec<Option<Source>>,
    panes: Vec<(Arc<Rdd>, Range<usize>)>,
    way: Arc<Way>,
}

impl Sources {
    /// The panes that are shuffled; None if there are no panes, or nothing about them can be known.
    pub(super) fn of(parent: &Arc<Rdd>, router: &Arc<dyn Router>, targets: usize) -> Result<Option<Self>> {
        let mut way = Way::default().from_leg(Leg::Sent(Arc::clone(router), targets));
        let mut node = Arc::clone(parent);
        let panes = loop {
            if node.is_persisted() || !way.is_pure() {
                return Ok(None);
            }
            let op = node.op();
            match &*op {
                Op::Narrow { parent, steps, .. } => {
                    way = way.from_leg(Leg::Steps(Arc::clone(steps)));
                    node = Arc::clone(parent);
                }
                Op::Union(panes) => break panes.clone(),
                _ => return Ok(None),
            }
        };
        let way = Arc::new(way);
        let (mut all, mut ranges) = (Vec::new(), Vec::with_capacity(panes.len()));
        for pane in panes {
            let from = all.len();
            add_sources(&pane, &way, &mut all)?;
            ranges.push((pane, from..all.len()));
        }
        Ok(Some(Self { all, panes: ranges, way }))
    }

    /// Where the elements of a map partition come from, if that is known.
    pub(super) fn source(&self, partition: usize) -> Option<Source> {
        self.all.get(partition).cloned().flatten()
    }

    /// The outputs that are kept, for each map partition.
    pub(super) fn kept(&self) -> Vec<Option<Parcels>> {
        let kept = |source: &Source| source.pane.panes().output(&source.way, source.partition);
        self.all.iter().map(|source| source.as_ref().and_then(kept)).collect()
    }

    /// Keeps an output that was made now, if it will be the same next time; whether it will.
    pub(super) fn keep(&self, partition: usize, sent: &Sent) -> bool {
        match self.all.get(partition) {
            Some(Some(source)) if sent.plain => {
                source.pane.panes().keep_output(&source.way, source.partition, sent.output.clone());
                true
            }
            _ => false,
        }
    }

    /// The panes as a window whose every output will be the same next time.
    pub(super) fn into_window(self) -> Window {
        Window { panes: self.panes, way: self.way }
    }
}

/// Adds a source for each partition of `rdd`, which is read on `way`.
fn add_sources(rdd: &Arc<Rdd>, way: &Arc<Way>, all: &mut Vec<Option<Source>>) -> Result<()> {
    // Children in front of what is left, so that the order of partitions is kept.
    let mut pending = vec![(Arc::clone(rdd), Arc::clone(way))];
    while let Some((rdd, way)) = pending.pop() {
        let op = rdd.op();
        match &*op {
            _ if rdd.is_persisted() => add_partitions(&rdd, &way, all)?,
            Op::Held(_) | Op::Kept(_) => add_partitions(&rdd, &way, all)?,
            Op::Union(parents) => {
                pending.extend(parents.iter().rev().map(|parent| (Arc::clone(parent), Arc::clone(&way))));
            }
            Op::Narrow { parent, steps, .. } => {
                let longer = way.from_leg(Leg::Steps(Arc::clone(steps)));
                if longer.is_pure() {
                    pending.push((Arc::clone(parent), Arc::new(longer)));
                } else {
                    all.extend(std::iter::repeat_n(None, rdd.partitions()?));
                }
            }
            _ => all.extend(std::iter::repeat_n(None, rdd.partitions()?)),
        }
    }
    Ok(())
}

fn add_partitions(pane: &Arc<Rdd>, way: &Arc<Way>, all: &mut Vec<Option<Source>>) -> Result<()> {
    let source = |partition| Some(Source { pane: Arc::clone(pane), partition, way: Arc::clone(way) });
    all.extend((0..pane.partitions()?).map(source));
    Ok(())
}

/// What is seen of blocks as they are pulled.
#[derive(Debug, Default)]
pub(super) struct Seen {
    odd: AtomicBool,
    rows: AtomicUsize,
}

impl Seen {
    /// The blocks, looked at while they are pulled.
    pub(super) fn watch(self: &Arc<Self>, input: Blocks) -> Blocks {
        let seen = Arc::clone(self);
        Box::new(input.inspect(move |block| {
            let Ok(block) = block else { return };
            seen.rows.fetch_add(block.len(), Ordering::Relaxed);
            if !seen.odd.load(Ordering::Relaxed) && !block.is_plain() {
                seen.odd.store(true, Ordering::Relaxed);
            }
        }))
    }

    /// The blocks up to the first one that is not plain: nothing must be done with such elements for a trial.
    pub(super) fn plain_part(self: &Arc<Self>, input: Blocks) -> Blocks {
        let seen = Arc::clone(self);
        Box::new(self.watch(input).take_while(move |_| seen.is_plain()))
    }

    /// Whether all elements were plain.
    pub(super) fn is_plain(&self) -> bool {
        !self.odd.load(Ordering::Relaxed)
    }

    /// Elements so far.
    pub(super) fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }
}

impl Executor {
    /// What a map partition sends to the targets of its shuffle; `source` tells where its elements come from.
    pub(super) fn send(
        self: &Arc<Self>,
        (parent, router, targets): (&Arc<Rdd>, &Arc<dyn Router>, usize),
        source: Option<Source>,
        task: &Arc<Task>,
        partition: usize,
    ) -> Result<Sent> {
        let mut output = MapOutput::within(&self.memory, targets);
        let Some(Source { pane, partition: at, way }) = source else {
            let input = if router.takes_batches() {
                blocks_of(self.lots(parent, partition, task)?)
            } else {
                self.blocks_for(router.taker(targets), parent, partition, task)?
            };
            router.route(task, input, &mut output)?;
            let marks = output.take_marks();
            return Ok(Sent { output: output.into_parcels()?, marks, plain: false });
        };
        let seen = Arc::new(Seen::default());
        let mut blocks = seen.watch(self.blocks(&pane, at, task)?);
        for leg in way.legs().iter().rev() {
            if let Leg::Steps(steps) = leg {
                blocks = Arc::clone(steps).run(task, partition, blocks)?;
            }
        }
        router.route(task, blocks, &mut output)?;
        self.windows.sent.fetch_add(1, Ordering::Relaxed);
        let marks = output.take_marks();
        Ok(Sent { output: output.into_parcels()?, marks, plain: seen.is_plain() })
    }
}
