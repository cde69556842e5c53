//! Which RDDs belong to a time?
//!
//! Owns `Graph`: the nodes, the outputs in order of definition, and what is remembered. It decides and holds; it runs no
//! function (`live.rs` does), has no thread and no lock.
//! 1. The zero time is one batch interval before the first batch. A time is valid for a node if it is later than the
//!    zero time and a multiple of the node's slide away from it; at other times the node has no RDD.
//! 2. A node's RDD of a time is made at most once while it is remembered; "no RDD" is remembered too, an error is not.
//! 3. At time `t` a node has forgotten what is at or before `t - remember`. A node remembers for at least its slide, for
//!    the duration given to `remember`, and for what its children need; a window needs its length more than itself.
//! 4. Nodes and outputs are added before the start only. Nodes that no output needs are never initialized.

use super::driver::Driver;
use super::node::{Kind, Node, NodeId, Output, Recipe};
use super::time::Millis;
use crate::error::{EngineError, Result};

/// Where a context is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not started: may still be changed.
    Initialized,
    /// Started, and not yet stopped.
    Active,
    /// Stopped for good.
    Stopped,
}

/// A call that is wrong whenever it is made.
pub(super) fn wrong<T>(problem: impl Into<String>) -> Result<T> {
    Err(EngineError::illegal_argument(problem))
}

/// A call that comes at the wrong time.
pub(super) fn untimely<T>(problem: impl Into<String>) -> Result<T> {
    Err(EngineError::illegal_state(problem))
}

/// What the graph knows of an RDD.
pub(super) enum Found<D: Driver> {
    /// It was made before, or there is none.
    Known(Option<D::Rdd>),
    /// This is how to make it, and how it is to be kept.
    Missing(Recipe<D>, Option<D::Level>),
}

/// All DStreams of a context.
pub struct Graph<D: Driver> {
    pub(super) interval: Millis,
    state: State,
    pub(super) zero: Option<Millis>,
    /// What `remember` was given.
    pub(super) least_remember: Option<Millis>,
    pub(super) nodes: Vec<Node<D>>,
    pub(super) outputs: Vec<Output<D>>,
    /// The last batch of an earlier run that this one goes on from.
    pub(super) resumed: Option<Millis>,
}

impl<D: Driver> Graph<D> {
    /// An empty graph for batches `interval` apart, which must be positive.
    pub fn new(interval: Millis) -> Result<Self> {
        if interval <= Millis::ZERO {
            return wrong(format!("The batch duration ({interval}) must be positive"));
        }
        let state = State::Initialized;
        Ok(Self {
            interval,
            state,
            zero: None,
            least_remember: None,
            nodes: Vec::new(),
            outputs: Vec::new(),
            resumed: None,
        })
    }

    /// The batch interval.
    pub fn interval(&self) -> Millis {
        self.interval
    }

    /// Whether nodes may be added, and if not, why.
    pub fn state(&self) -> State {
        self.state
    }

    pub(super) fn set_state(&mut self, state: State) {
        self.state = state;
    }

    /// The time before the first batch, once the graph has started.
    pub fn zero(&self) -> Option<Millis> {
        self.zero
    }

    /// One node.
    pub fn node(&self, node: NodeId) -> Result<&Node<D>> {
        self.nodes.get(node.index()).ok_or_else(|| no_such(node))
    }

    /// The output operations, in order of definition.
    pub fn outputs(&self) -> &[Output<D>] {
        &self.outputs
    }

    /// The inputs, in order of definition.
    pub fn inputs(&self) -> Vec<(NodeId, D::Input)> {
        let spec = |(n, node): (usize, &Node<D>)| match &node.kind {
            Kind::Input { spec } => Some((id(n), spec.clone())),
            _ => None,
        };
        self.nodes.iter().enumerate().filter_map(spec).collect()
    }

    // Building.

    /// A new input, with an RDD in every batch.
    pub fn add_input(&mut self, spec: D::Input) -> Result<NodeId> {
        self.add(Kind::Input { spec }, self.interval)
    }

    /// `func` of the RDDs of `parents`, in the first parent's rhythm; the others may have another.
    pub fn add_transformed(&mut self, parents: Vec<NodeId>, func: D::Func) -> Result<NodeId> {
        let Some(first) = parents.first() else {
            return wrong("requirement failed: List of DStreams to transform is empty");
        };
        let slide = self.node(*first)?.slide;
        self.add(Kind::Transformed { parents, func }, slide)
    }

    /// The RDDs of all `parents`, in order.
    pub fn add_union(&mut self, parents: Vec<NodeId>) -> Result<NodeId> {
        let Some(first) = parents.first() else {
            return wrong("requirement failed: List of DStreams to union is empty");
        };
        let slide = self.node(*first)?.slide;
        for parent in &parents {
            if self.node(*parent)?.slide != slide {
                return wrong("requirement failed: Some of the DStreams have different slide durations");
            }
        }
        self.add(Kind::Union { parents }, slide)
    }

    /// What `parent` had within the last `length`, every `slide` (the parent's if none is given). The parent's RDDs are
    /// looked at more than once, so they are kept at `level` unless a level was set.
    pub fn add_window(
        &mut self,
        parent: NodeId,
        length: Millis,
        slide: Option<Millis>,
        level: Option<D::Level>,
    ) -> Result<NodeId> {
        let step = self.node(parent)?.slide;
        // Spark takes a window that is empty or negative for one without elements, and looks at the size of a slide only.
        let slide = Millis(slide.unwrap_or(step).0.abs());
        whole_slides("window", length, step)?;
        whole_slides("slide", slide, step)?;
        let window = self.add(Kind::Window { parent, length, step }, slide)?;
        if let Some(level) = level
            && self.node(self.kept_by(parent)?)?.level.is_none()
        {
            self.persist(parent, level)?;
        }
        Ok(window)
    }

    /// A state over all batches: `func` folds the state before, or `initial`, with the parent's RDD.
    pub fn add_state(
        &mut self,
        parent: NodeId,
        func: D::Func,
        initial: Option<D::Rdd>,
        level: Option<D::Level>,
    ) -> Result<NodeId> {
        let slide = self.node(parent)?.slide;
        let state = self.add(Kind::State { parent, func, initial }, slide)?;
        self.nodes[state.index()].level = level;
        Ok(state)
    }

    /// A window whose sums are kept and changed: see `Kind::Reduced`.
    pub fn add_reduced_window(&mut self, kind: Kind<D>, level: Option<D::Level>) -> Result<NodeId> {
        let Kind::Reduced { parent, length, slide, step, .. } = &kind else {
            return Err(EngineError::Bug("add_reduced_window: another kind of node".into()));
        };
        whole_slides("window", *length, *step)?;
        whole_slides("slide", *slide, *step)?;
        if *slide < Millis::ZERO {
            return wrong(format!("The slide duration of windowed DStream ({slide}) must not be negative"));
        }
        let (parent, slide) = (*parent, *slide);
        let window = self.add(kind, slide)?;
        self.nodes[window.index()].level = level;
        if self.node(self.kept_by(parent)?)?.level.is_none()
            && let Some(level) = level
        {
            self.persist(parent, level)?;
        }
        Ok(window)
    }

    /// The program wants the RDDs of a node checkpointed every `interval`; whether that fits is found at the start.
    pub fn checkpoint(&mut self, node: NodeId, interval: Millis) -> Result<()> {
        self.check_unstarted("checkpoint interval")?;
        self.nodes.get_mut(node.index()).ok_or_else(|| no_such(node))?.checkpoint = Some(interval);
        Ok(())
    }

    /// What Spark checks before it starts: every node that an output needs and that is to be checkpointed, because the
    /// program says so or because its lineage grows with the stream, asks for a folder and a fitting interval.
    pub fn check_checkpoints(&self, has_folder: bool) -> Result<()> {
        if self.state != State::Initialized {
            return Ok(());
        }
        let mut needed = vec![false; self.nodes.len()];
        for output in &self.outputs {
            needed[output.parent.index()] = true;
        }
        // Children come after their parents, so one pass from the end reaches all.
        for (n, node) in self.nodes.iter().enumerate().rev() {
            if needed[n] {
                node.kind.parents().iter().for_each(|parent| needed[parent.index()] = true);
            }
        }
        let mut checked = self.nodes.iter().zip(needed).filter_map(|(node, needed)| needed.then_some(node));
        checked.try_for_each(|node| check_checkpoint(node, has_folder))
    }

    /// The RDDs of `time` whose successors will be made of them.
    pub(super) fn growing(&self, time: Millis) -> Vec<(NodeId, D::Rdd)> {
        let growing = self.nodes.iter().enumerate().filter(|(_, node)| node.kind.grows());
        growing.filter_map(|(n, node)| Some((id(n), node.generated.get(&time)?.clone()?))).collect()
    }

    /// An output operation, after all earlier ones.
    pub fn add_output(&mut self, output: Output<D>) -> Result<()> {
        self.check_open()?;
        self.node(output.parent)?;
        self.outputs.push(output);
        Ok(())
    }

    /// Keeps the RDDs of a node; for a window, those of its parent.
    pub fn persist(&mut self, node: NodeId, level: D::Level) -> Result<()> {
        self.check_unstarted("storage level")?;
        let kept = self.kept_by(node)?;
        self.nodes.get_mut(kept.index()).ok_or_else(|| no_such(kept))?.level = Some(level);
        Ok(())
    }

    /// Makes every node that an output needs remember for at least `duration`. May be said once.
    pub fn remember(&mut self, duration: Millis) -> Result<()> {
        if let Some(known) = self.least_remember {
            let problem = format!("requirement failed: Remember duration already set as {known}. Cannot set it again.");
            return wrong(problem);
        }
        self.least_remember = Some(duration);
        if self.zero.is_some() {
            self.settle_remember();
        }
        Ok(())
    }

    /// Nothing can be added any more; the answer is the inputs to start.
    pub(super) fn close(&mut self) -> Result<Vec<(NodeId, D::Input)>> {
        if self.outputs.is_empty() {
            let problem = "requirement failed: No output operations registered, so nothing to execute";
            return wrong(problem);
        }
        self.state = State::Active;
        Ok(self.inputs())
    }

    /// The first batch is one interval after `zero`.
    pub fn start(&mut self, zero: Millis) {
        self.zero = Some(zero);
        self.settle_remember();
    }

    // Asking.

    /// Whether the node has an RDD at `time`, as far as its rhythm goes. Never before the start.
    pub fn is_valid(&self, node: NodeId, time: Millis) -> bool {
        matches!((self.node(node), self.zero), (Ok(node), Some(zero)) if node.is_valid(time, zero))
    }

    /// The RDD of a node at `time`, or how to make it.
    pub(super) fn look_up(&self, node: NodeId, time: Millis) -> Result<Found<D>> {
        let (node, zero) = self.initialized(node)?;
        Ok(match node.generated.get(&time) {
            Some(known) => Found::Known(known.clone()),
            None if node.slide == Millis::ZERO => return never_slides(node.kind.name()),
            None if node.is_valid(time, zero) => Found::Missing(node.kind.recipe(time, zero, node.slide), node.level),
            None => Found::Known(None),
        })
    }

    /// Remembers what was made.
    pub(super) fn store(&mut self, node: NodeId, time: Millis, rdd: Option<D::Rdd>) {
        if let Some(node) = self.nodes.get_mut(node.index()) {
            node.generated.insert(time, rdd);
        }
    }

    /// The valid times of a node in `[from, to]`, both rounded down to its slide.
    pub fn times_between(&self, node: NodeId, from: Millis, to: Millis) -> Result<Vec<Millis>> {
        let (node, zero) = self.initialized(node)?;
        Ok(super::time::slides_between(from, to, node.slide, zero).collect())
    }

    /// Forgets what is too old at `time`; the answer is all that was there.
    pub fn clear_before(&mut self, time: Millis) -> Vec<D::Rdd> {
        let needed = self.behind(time).unwrap_or(time);
        self.nodes.iter_mut().flat_map(|node| node.clear_before(time, needed)).collect()
    }

    /// The longest that any input is remembered.
    pub fn longest_input_remember(&self) -> Option<Millis> {
        let inputs = self.nodes.iter().filter(|node| matches!(node.kind, Kind::Input { .. }));
        inputs.filter_map(|input| input.remember).max()
    }

    fn add(&mut self, kind: Kind<D>, slide: Millis) -> Result<NodeId> {
        self.check_open()?;
        for parent in kind.parents() {
            self.node(*parent)?;
        }
        self.nodes.push(Node::new(kind, slide));
        Ok(id(self.nodes.len() - 1))
    }

    /// A graph that was stopped before it was started counts as not started, as in Spark.
    fn check_unstarted(&self, what: &str) -> Result<()> {
        if self.state == State::Initialized || self.state == State::Stopped && self.zero.is_none() {
            return Ok(());
        }
        Err(EngineError::Refused {
            class: "java.lang.UnsupportedOperationException",
            problem: format!("Cannot change {what} of a DStream after streaming context has started"),
        })
    }

    fn check_open(&self) -> Result<()> {
        let when = match self.state {
            State::Initialized => return Ok(()),
            State::Active => "starting",
            State::Stopped => "stopping",
        };
        let what = "Adding new inputs, transformations, and output operations";
        untimely(format!("{what} after {when} a context is not supported"))
    }

    /// The node that is kept when `node` is to be: a window's RDDs are unions, its parent's hold the data.
    fn kept_by(&self, mut node: NodeId) -> Result<NodeId> {
        while let Kind::Window { parent, .. } = &self.node(node)?.kind {
            node = *parent;
        }
        Ok(node)
    }

    fn initialized(&self, node: NodeId) -> Result<(&Node<D>, Millis)> {
        match (self.node(node)?, self.zero) {
            (found, Some(zero)) if found.remember.is_some() => Ok((found, zero)),
            _ => Err(EngineError::Refused {
                class: "org.apache.spark.SparkException",
                problem: format!("DStream {} has not been initialized", node.0),
            }),
        }
    }

    /// How long every needed node remembers, outputs first: a node's children all have larger ids.
    fn settle_remember(&mut self) {
        let mut wanted: Vec<Option<Millis>> = self.nodes.iter().map(|node| node.remember).collect();
        for output in &self.outputs {
            raise(&mut wanted, output.parent, self.least_remember.unwrap_or(Millis::ZERO));
        }
        for n in (0..self.nodes.len()).rev() {
            let Some(remember) = wanted[n] else { continue };
            let node = &mut self.nodes[n];
            let remember = remember.max(node.slide);
            node.remember = Some(remember);
            for parent in node.kind.parents() {
                raise(&mut wanted, *parent, node.kind.parent_remember(remember));
            }
        }
    }
}

fn raise(wanted: &mut [Option<Millis>], node: NodeId, least: Millis) {
    if let Some(known) = wanted.get_mut(node.index()) {
        *known = Some(known.map_or(least, |known| known.max(least)));
    }
}

fn id(place: usize) -> NodeId {
    NodeId(u32::try_from(place).unwrap_or(u32::MAX))
}

fn no_such(node: NodeId) -> EngineError {
    EngineError::Bug(format!("there is no DStream {}", node.0))
}

fn whole_slides(what: &str, duration: Millis, step: Millis) -> Result<()> {
    if duration.is_multiple_of(step) {
        return Ok(());
    }
    wrong(format!(
        "The {what} duration of windowed DStream ({duration}) must be a multiple of the slide duration of parent DStream \
         ({step})"
    ))
}

/// Spark divides by the slide: a window that never slides fails where that happens.
fn never_slides<T>(what: &str) -> Result<T> {
    let problem = format!("/ by zero: {what} has a slide duration of 0 ms");
    Err(EngineError::Refused { class: "java.lang.ArithmeticException", problem })
}

fn check_checkpoint<D: Driver>(node: &Node<D>, has_folder: bool) -> Result<()> {
    let (name, slide) = (node.kind.name(), node.slide);
    if node.kind.grows() && slide == Millis::ZERO {
        return never_slides(name);
    }
    if !has_folder && (node.checkpoint.is_some() || node.kind.grows()) {
        return wrong(
            "requirement failed: The checkpoint directory has not been set. Please set it by \
             StreamingContext.checkpoint().",
        );
    }
    let Some(interval) = node.checkpoint else { return Ok(()) };
    let (set, so, please) = if interval < slide {
        ("set to", "is lower than", "at least")
    } else if !interval.is_multiple_of(slide) {
        // Two spaces are in Spark's message.
        ("set to ", "not a multiple of", "a multiple of")
    } else if matches!(node.kind, Kind::Window { .. }) {
        // To persist a window persists what it is a window of.
        return wrong(format!(
            "requirement failed: {name} has been marked for checkpointing but the storage level has not been set to enable \
             persisting. Please use DStream.persist() to set the storage level to use memory for better checkpointing \
             performance."
        ));
    } else {
        return Ok(());
    };
    wrong(format!(
        "requirement failed: The checkpoint interval for {name} has been {set} {interval} which {so} its slide time \
         ({slide}). Please set it to {please} {slide}."
    ))
}
