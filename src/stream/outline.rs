//! What of a graph is written down, so that another process can go on with it?
//!
//! Owns `Moment`: a graph after a batch, with the RDDs that later batches may ask for; and the way back.
//! 1. Later batches ask for the newest RDD of a state or of a window with an inverse, and for those that windows look back
//!    on. All others are made of these, or of inputs.
//! 2. Functions are listed apart, and named by their place: pickling them is the driver's part.
//! 3. Only what belongs to complete batches counts; a batch under way is made anew.

use std::collections::BTreeMap;

use super::driver::Driver;
use super::graph::{Graph, State};
use super::node::{Kind, Node, NodeId, Output};
use super::time::Millis;
use crate::durable::{GraphSpec, NodeKind, NodeSpec, OutputSpec};
use crate::error::{EngineError, Result};

/// An RDD that later batches may ask for.
pub struct Kept<D: Driver> {
    /// The node.
    pub node: NodeId,
    /// The time.
    pub time: Millis,
    /// The RDD; none for "no RDD".
    pub rdd: Option<D::Rdd>,
    /// Whether it takes the place of the node's RDD before.
    pub replaces: bool,
}

/// A graph after a batch.
pub struct Moment<D: Driver> {
    /// The batch.
    pub time: Millis,
    /// No RDD of an input at or before this time is asked for any more.
    pub forgotten: Millis,
    /// Nodes and outputs.
    pub graph: GraphSpec,
    /// The functions that the nodes and outputs name.
    pub functions: Vec<D::Func>,
    /// What later batches may ask for.
    pub rdds: Vec<Kept<D>>,
    /// The states before the first, where there is no first yet.
    pub initial: Vec<(NodeId, D::Rdd)>,
    /// The inputs.
    pub inputs: Vec<(NodeId, D::Input)>,
}

/// What a graph is made of again.
pub struct Restored<D: Driver> {
    /// The last complete batch.
    pub time: Millis,
    /// The functions, by their places.
    pub functions: Vec<D::Func>,
    /// The inputs.
    pub inputs: BTreeMap<u32, D::Input>,
    /// The levels of nodes, by their names.
    pub levels: BTreeMap<String, D::Level>,
    /// RDDs by node and time; without a time: the state before the first.
    pub rdds: Vec<(NodeId, Option<Millis>, Option<D::Rdd>)>,
}

impl<D: Driver> Graph<D> {
    /// The graph after the batch of `time`.
    pub(super) fn moment(&self, time: Millis) -> Moment<D> {
        let mut functions = Vec::new();
        let nodes = self.nodes.iter().map(|node| outline(node, &mut functions)).collect();
        let outputs = self.outputs.iter().map(|output| OutputSpec {
            parent: output.parent.0,
            func: listed(&mut functions, &output.func),
            name: output.name.clone(),
            description: output.description.clone(),
        });
        let outputs = outputs.collect();
        let remember = self.least_remember.map(|duration| duration.0);
        let zero = self.zero.unwrap_or(time).0;
        let graph = GraphSpec { interval: self.interval.0, zero, remember, nodes, outputs };
        let looked_back_on = self.looked_back_on();
        let mut rdds = Vec::new();
        let mut initial = Vec::new();
        for (n, node) in self.nodes.iter().enumerate() {
            let id = NodeId(n as u32);
            let complete = || node.generated.range(..=time);
            let newest = complete().next_back().map(|(newest, _)| *newest).filter(|_| node.kind.grows());
            let wanted = complete().filter(|(at, _)| looked_back_on[n] || newest == Some(**at));
            rdds.extend(wanted.map(|(at, rdd)| Kept {
                node: id,
                time: *at,
                rdd: rdd.clone(),
                replaces: newest == Some(*at),
            }));
            if let Kind::State { initial: Some(first), .. } = &node.kind
                && node.settled.is_none()
            {
                initial.push((id, first.clone()));
            }
        }
        let forgotten = self.longest_input_remember().map_or(time, |longest| time - longest);
        Moment { time, forgotten, graph, functions, rdds, initial, inputs: self.inputs() }
    }

    /// The functions of nodes and outputs, in the order of `moment`.
    pub fn functions(&self) -> Vec<D::Func> {
        let mut functions = Vec::new();
        self.nodes.iter().for_each(|node| drop(outline(node, &mut functions)));
        self.outputs.iter().for_each(|output| functions.push(output.func.clone()));
        functions
    }

    /// Which nodes have RDDs that windows read at later times. A window's own are unions, so what they are made of counts.
    fn looked_back_on(&self) -> Vec<bool> {
        let mut found = vec![false; self.nodes.len()];
        for node in &self.nodes {
            if let Kind::Window { parent, .. } | Kind::Reduced { parent, .. } = &node.kind {
                let parent = parent.index();
                found[parent] = !matches!(self.nodes[parent].kind, Kind::Window { .. });
            }
        }
        found
    }

    /// The graph of an earlier run, to go on after its last complete batch.
    pub fn restored(spec: &GraphSpec, from: Restored<D>) -> Result<Self> {
        let mut graph = Self::new(Millis(spec.interval))?;
        let Restored { time, functions, mut inputs, levels, rdds } = from;
        let func = |at: usize| functions.get(at).cloned().ok_or_else(|| odd("a function that is not there"));
        for (n, node) in spec.nodes.iter().enumerate() {
            let known = |parent: u32| if (parent as usize) < n { Ok(NodeId(parent)) } else { Err(odd("a later node")) };
            let all = |parents: &[u32]| parents.iter().map(|parent| known(*parent)).collect::<Result<Vec<_>>>();
            let kind = match &node.kind {
                NodeKind::Input => {
                    Kind::Input { spec: inputs.remove(&(n as u32)).ok_or_else(|| odd("an input that is not there"))? }
                }
                NodeKind::Transformed { parents, func: at } => {
                    Kind::Transformed { parents: all(parents)?, func: func(*at)? }
                }
                NodeKind::Union { parents } => Kind::Union { parents: all(parents)? },
                NodeKind::Window { parent, length, step } => {
                    Kind::Window { parent: known(*parent)?, length: Millis(*length), step: Millis(*step) }
                }
                NodeKind::State { parent, func: at } => {
                    Kind::State { parent: known(*parent)?, func: func(*at)?, initial: None }
                }
                NodeKind::Reduced { parent, add, subtract, length, slide, step } => Kind::Reduced {
                    parent: known(*parent)?,
                    add: func(*add)?,
                    subtract: func(*subtract)?,
                    length: Millis(*length),
                    slide: Millis(*slide),
                    step: Millis(*step),
                },
            };
            let mut made = Node::new(kind, Millis(node.slide));
            made.level = node.level.as_ref().and_then(|name| levels.get(name)).copied();
            made.checkpoint = node.checkpoint.map(Millis);
            graph.nodes.push(made);
        }
        for output in &spec.outputs {
            if output.parent as usize >= graph.nodes.len() {
                return Err(odd("an output of a node that is not there"));
            }
            let (name, description) = (output.name.clone(), output.description.clone());
            graph.outputs.push(Output { parent: NodeId(output.parent), func: func(output.func)?, name, description });
        }
        for (node, at, rdd) in rdds {
            let node = graph.nodes.get_mut(node.index()).ok_or_else(|| odd("data of a node that is not there"))?;
            match (at, &mut node.kind) {
                (Some(at), kind) => {
                    if matches!(kind, Kind::State { .. }) {
                        node.settled = rdd.clone().map(|rdd| (at, rdd));
                    }
                    node.generated.insert(at, rdd);
                }
                (None, Kind::State { initial, .. }) => *initial = rdd,
                (None, _) => return Err(odd("a first state of a node without states")),
            }
        }
        graph.least_remember = spec.remember.map(Millis);
        graph.zero = Some(Millis(spec.zero));
        graph.resumed = Some(time);
        debug_assert!(graph.state() == State::Initialized);
        Ok(graph)
    }
}

fn odd(what: &str) -> EngineError {
    let problem = format!("the checkpoint does not fit together: it names {what}");
    EngineError::Refused { class: "org.apache.spark.SparkException", problem }
}

fn listed<F: Clone>(functions: &mut Vec<F>, func: &F) -> usize {
    functions.push(func.clone());
    functions.len() - 1
}

fn outline<D: Driver>(node: &Node<D>, functions: &mut Vec<D::Func>) -> NodeSpec {
    let numbers = |parents: &[NodeId]| parents.iter().map(|parent| parent.0).collect();
    let kind = match &node.kind {
        Kind::Input { .. } => NodeKind::Input,
        Kind::Transformed { parents, func } => {
            NodeKind::Transformed { parents: numbers(parents), func: listed(functions, func) }
        }
        Kind::Union { parents } => NodeKind::Union { parents: numbers(parents) },
        Kind::Window { parent, length, step } => NodeKind::Window { parent: parent.0, length: length.0, step: step.0 },
        Kind::State { parent, func, .. } => NodeKind::State { parent: parent.0, func: listed(functions, func) },
        Kind::Reduced { parent, add, subtract, length, slide, step } => NodeKind::Reduced {
            parent: parent.0,
            add: listed(functions, add),
            subtract: listed(functions, subtract),
            length: length.0,
            slide: slide.0,
            step: step.0,
        },
    };
    let level = node.level.map(D::level_name);
    NodeSpec { kind, slide: node.slide.0, level, checkpoint: node.checkpoint.map(|interval| interval.0) }
}
