//! What is a node of the DStream graph, and how does its kind make an RDD?
//!
//! Owns `Node`, `Kind` and `Recipe`. Plain data, functions and handles of inputs: what is done is done elsewhere, so that a
//! checkpoint can be the graph itself. A new kind is a variant of `Kind` (its parents, its recipe), one of `Recipe`, and its few lines
//! in `live.rs`; what it makes its parents remember is `Kind::parent_remember`.
//! 1. Durations and times are `Millis`.
//! 2. A node's parents come before it: their ids are smaller.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::driver::Driver;
use super::time::{Millis, slides_between};

/// Number of a node in its graph, in order of definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl NodeId {
    /// Its place in the graph's list.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What makes the RDDs of a node.
pub enum Kind<D: Driver> {
    /// Data from outside.
    Input {
        /// What feeds it.
        spec: D::Input,
    },
    /// A function of the parents' RDDs. One parent without an RDD: no RDD, and the function is not called.
    Transformed {
        /// One or more nodes.
        parents: Vec<NodeId>,
        /// The function.
        func: D::Func,
    },
    /// All parents' RDDs of the time, in order.
    Union {
        /// One or more nodes of equal slide.
        parents: Vec<NodeId>,
    },
    /// The parent's RDDs of `(t - length, t]`, oldest first.
    Window {
        /// The node looked at.
        parent: NodeId,
        /// How far back; a multiple of the parent's slide.
        length: Millis,
        /// The parent's slide.
        step: Millis,
    },
    /// The node's RDD before folded with the parent's new one; without a new one, the one before.
    State {
        /// The node that brings what is new.
        parent: NodeId,
        /// Makes a state of the one before, if any, and what is new.
        func: D::Func,
        /// Stands for the state before the first.
        initial: Option<D::Rdd>,
    },
    /// Like `Window`, of RDDs that can be added and taken away again: made from the window before by taking away what
    /// left and adding what came. Windows of fewer than five slides are added up anew, as in Spark.
    Reduced {
        /// The node looked at.
        parent: NodeId,
        /// Adds up: a sum, if any, and what came.
        add: D::Func,
        /// Takes away: a sum, and what left.
        subtract: D::Func,
        /// How far back; a multiple of the parent's slide.
        length: Millis,
        /// Distance of the windows.
        slide: Millis,
        /// The parent's slide.
        step: Millis,
    },
}

/// From how many slides a window is made from the one before.
const INCREMENTAL_FROM: i64 = 5;

impl<D: Driver> Kind<D> {
    /// The nodes it reads.
    pub fn parents(&self) -> &[NodeId] {
        match self {
            Self::Input { .. } => &[],
            Self::Transformed { parents, .. } | Self::Union { parents } => parents,
            Self::Window { parent, .. } | Self::State { parent, .. } | Self::Reduced { parent, .. } => {
                std::slice::from_ref(parent)
            }
        }
    }

    /// How long the parents must remember if the node itself remembers for `own`.
    pub fn parent_remember(&self, own: Millis) -> Millis {
        match self {
            Self::Window { length, .. } | Self::Reduced { length, .. } => own + *length,
            Self::Input { .. } | Self::Transformed { .. } | Self::Union { .. } | Self::State { .. } => own,
        }
    }

    /// What Spark calls such a node.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Input { .. } => "InputDStream",
            Self::Transformed { .. } => "PythonTransformedDStream",
            Self::Union { .. } => "UnionDStream",
            Self::Window { .. } => "WindowedDStream",
            Self::State { .. } => "PythonStateDStream",
            Self::Reduced { .. } => "PythonReducedWindowedDStream",
        }
    }

    /// Whether each RDD is made from the one before, so that lineages would grow with the age of the stream.
    pub fn grows(&self) -> bool {
        matches!(self, Self::State { .. } | Self::Reduced { .. })
    }

    /// How to make the RDD of a valid `time`; `own` is the node's slide.
    pub(super) fn recipe(&self, time: Millis, zero: Millis, own: Millis) -> Recipe<D> {
        match self {
            Self::Input { spec } => Recipe::Input(spec.clone()),
            Self::Transformed { parents, func } => Recipe::Transform(parents.clone(), func.clone()),
            Self::Union { parents } => Recipe::Union(parents.clone()),
            Self::Window { parent, length, step } => {
                Recipe::Window(*parent, slides_between(time - *length + *step, time, *step, zero).collect())
            }
            Self::State { parent, func, initial } => {
                Recipe::State { parent: *parent, func: func.clone(), initial: initial.clone(), before: time - own }
            }
            Self::Reduced { parent, add, subtract, length, slide, step } => {
                let between = |from: Millis, to: Millis| slides_between(from, to, *step, zero).collect();
                let before = time - *slide;
                Recipe::Reduced(Box::new(ReducedRecipe {
                    parent: *parent,
                    add: add.clone(),
                    subtract: subtract.clone(),
                    before: (length.0 >= slide.0 * INCREMENTAL_FROM).then_some(before),
                    left: between(before - *length + *step, time - *length),
                    came: between(before + *step, time),
                    all: between(time - *length + *step, time),
                }))
            }
        }
    }
}

/// How to make one RDD: what to ask for, and whom.
pub(super) enum Recipe<D: Driver> {
    /// Ask the driver for the input.
    Input(D::Input),
    /// Call the function with the RDDs that these nodes have at the same time.
    Transform(Vec<NodeId>, D::Func),
    /// Unite the RDDs that these nodes have at the same time.
    Union(Vec<NodeId>),
    /// Unite the RDDs that the node has at these times.
    Window(NodeId, Vec<Millis>),
    /// Fold the node's own RDD of an earlier time with what the parent has now.
    State { parent: NodeId, func: D::Func, initial: Option<D::Rdd>, before: Millis },
    /// Make a window from the one before.
    Reduced(Box<ReducedRecipe<D>>),
}

/// How to make a window of sums.
pub(super) struct ReducedRecipe<D: Driver> {
    pub(super) parent: NodeId,
    pub(super) add: D::Func,
    pub(super) subtract: D::Func,
    /// The window before, if this one is to be made from it.
    pub(super) before: Option<Millis>,
    /// The parent's times that left since then.
    pub(super) left: Vec<Millis>,
    /// The parent's times that came since then.
    pub(super) came: Vec<Millis>,
    /// The parent's times in the whole window.
    pub(super) all: Vec<Millis>,
}

/// One DStream.
pub struct Node<D: Driver> {
    /// What makes its RDDs.
    pub kind: Kind<D>,
    /// Distance of its RDDs.
    pub slide: Millis,
    /// How its RDDs are kept, if they are.
    pub level: Option<D::Level>,
    /// How often the program wants its RDDs checkpointed, if it said so.
    pub checkpoint: Option<Millis>,
    /// How long its RDDs are remembered; known once the graph has started, and only if an output needs the node.
    pub remember: Option<Millis>,
    /// What was made and is still remembered; `None` where there is no RDD.
    pub generated: BTreeMap<Millis, Option<D::Rdd>>,
    /// Of states: the newest RDD that was settled, and its time.
    pub settled: Option<(Millis, D::Rdd)>,
}

impl<D: Driver> Node<D> {
    /// A node without RDDs.
    pub(super) fn new(kind: Kind<D>, slide: Millis) -> Self {
        Self { kind, slide, level: None, checkpoint: None, remember: None, generated: BTreeMap::new(), settled: None }
    }

    /// Whether the node has RDDs at `time`.
    pub(super) fn is_valid(&self, time: Millis, zero: Millis) -> bool {
        time > zero && (time - zero).is_multiple_of(self.slide)
    }

    /// The oldest time that is remembered.
    pub fn oldest(&self) -> Option<Millis> {
        self.generated.keys().next().copied()
    }

    /// Forgets what is older than the remember duration at `time`, and not younger than `needed`; the answer is all that was
    /// there.
    pub(super) fn clear_before(&mut self, time: Millis, needed: Millis) -> Vec<D::Rdd> {
        let Some(remember) = self.remember else { return Vec::new() };
        let kept = self.generated.split_off(&((time - remember).min(needed) + Millis(1)));
        std::mem::replace(&mut self.generated, kept).into_values().flatten().collect()
    }
}

/// An output operation.
pub struct Output<D: Driver> {
    /// The node whose RDDs it gets.
    pub parent: NodeId,
    /// The function.
    pub func: D::Func,
    /// Short name, for listeners.
    pub name: String,
    /// Long form of the name.
    pub description: String,
}

// Not derived: that would ask for `D: Clone`.
impl<D: Driver> Clone for Output<D> {
    fn clone(&self) -> Self {
        let Self { parent, func, name, description } = self;
        Self { parent: *parent, func: func.clone(), name: name.clone(), description: description.clone() }
    }
}
