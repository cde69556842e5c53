//! An expression as data: nodes that refer to earlier nodes, each distinct value once.
//!
//! 1. Operands come before the nodes that use them, so an expression has no cycles and is walked without recursion.
//! 2. Equal nodes are one node: `add` gives the number of the first.
//! 3. At most `MAX_NODES` nodes, at most `MAX_DEPTH` deep, so evaluation cannot overflow a thread's stack.

use std::sync::Arc;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::ops::Op;
use super::value::Value;
use super::{Bail, Result, bail};
use crate::kernel::regex::Pattern;

/// The number of a node in its expression.
pub type NodeId = u32;

/// Most nodes of an expression.
const MAX_NODES: usize = 20_000;

/// How deep nodes may nest.
const MAX_DEPTH: usize = 150;

/// One step of an expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Node {
    /// The i-th argument.
    Arg(usize),
    /// The current element of the enclosing `Each` or `Keep`.
    Item,
    /// A constant.
    Const(Value),
    /// A dict of constants, in its order.
    Table(Arc<[(Value, Value)]>),
    /// A regular expression.
    Regex(Arc<Pattern>),
    /// A new tuple.
    Tuple(Vec<NodeId>),
    /// A new list.
    List(Vec<NodeId>),
    /// `then if cond else other`.
    If {
        /// Decides by its truth.
        cond: NodeId,
        /// The value where it is true.
        then: NodeId,
        /// The value elsewhere.
        other: NodeId,
    },
    /// `a and b`.
    And(NodeId, NodeId),
    /// `a or b`.
    Or(NodeId, NodeId),
    /// `not a`.
    Not(NodeId),
    /// The value of the second, after the first ones were computed, since they may fail.
    Seq(Vec<NodeId>, NodeId),
    /// An operator, a builtin function or a method.
    Op(Op, Vec<NodeId>),
    /// A field of a namedtuple.
    Attr(NodeId, Arc<str>),
    /// Text put together.
    FString(Vec<NodeId>),
    /// `format(value, spec)` after a conversion.
    Format(Part),
    /// The list of `body` for every element of `over`.
    Each {
        /// Computed for each element.
        body: NodeId,
        /// A list, tuple or text.
        over: NodeId,
    },
    /// The list of those elements of `over` for which `cond` is true.
    Keep {
        /// Computed for each element.
        cond: NodeId,
        /// A list, tuple or text.
        over: NodeId,
    },
}

/// A value that becomes text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Part {
    /// What is shown.
    pub value: NodeId,
    /// `'s'`, `'r'` or `'a'`, as in `{x!r}`.
    pub conversion: Option<char>,
    /// As in `{x:.2f}`.
    pub spec: Arc<str>,
}

impl Node {
    /// The nodes that this one uses.
    pub fn children(&self) -> Vec<NodeId> {
        match self {
            Self::Arg(_) | Self::Item | Self::Const(_) | Self::Table(_) | Self::Regex(_) => Vec::new(),
            Self::Tuple(items) | Self::List(items) | Self::FString(items) | Self::Op(_, items) => items.clone(),
            Self::If { cond, then, other } => vec![*cond, *then, *other],
            Self::And(a, b) | Self::Or(a, b) | Self::Each { body: a, over: b } | Self::Keep { cond: a, over: b } => {
                vec![*a, *b]
            }
            Self::Not(a) | Self::Attr(a, _) | Self::Format(Part { value: a, .. }) => vec![*a],
            Self::Seq(first, value) => first.iter().copied().chain([*value]).collect(),
        }
    }
}

/// What is known of a node without evaluating it.
#[derive(Debug, Clone, Copy, Default)]
struct Facts {
    depth: u32,
    /// Whether it has an `Each` or `Keep` in it.
    loops: bool,
    /// Whether it has an `Item` in it that belongs to a loop around it.
    free_item: bool,
}

/// An expression over arguments.
#[derive(Debug, Clone, Default)]
pub struct Expr {
    nodes: Vec<Node>,
    facts: Vec<Facts>,
    known: HashMap<Node, NodeId>,
    root: NodeId,
}

impl Expr {
    /// An expression without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of `node`, which is added if it is new; it becomes the root. Bails for an expression that is too big or
    /// deep, refers to nodes that are not there, or nests loops in one another's bodies.
    pub fn add(&mut self, node: Node) -> Result<NodeId> {
        if let Some(known) = self.known.get(&node) {
            self.root = *known;
            return Ok(*known);
        }
        let facts = self.facts_of(&node)?;
        if self.nodes.len() >= MAX_NODES || facts.depth as usize > MAX_DEPTH {
            return bail("an expression too large for a native form");
        }
        let id = self.nodes.len() as NodeId;
        self.known.insert(node.clone(), id);
        self.nodes.push(node);
        self.facts.push(facts);
        self.root = id;
        Ok(id)
    }

    fn facts_of(&self, node: &Node) -> Result<Facts> {
        let mut facts = Facts { free_item: matches!(node, Node::Item), ..Facts::default() };
        for child in node.children() {
            let Some(child) = self.facts.get(child as usize) else {
                return bail("an expression that refers to a node that is not there");
            };
            facts.depth = facts.depth.max(child.depth + 1);
            facts.loops |= child.loops;
            facts.free_item |= child.free_item;
        }
        if let Node::Each { body, over } | Node::Keep { cond: body, over } = node {
            if self.facts[*body as usize].loops {
                return bail("a comprehension within a comprehension");
            }
            facts.loops = true;
            facts.free_item = self.facts[*over as usize].free_item;
        }
        Ok(facts)
    }

    /// Whether every `Item` is inside a loop.
    pub(super) fn is_closed(&self) -> bool {
        self.facts.get(self.root as usize).is_some_and(|facts| !facts.free_item)
    }

    /// Number of the node whose value is that of the expression.
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// All nodes, operands first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of a number.
    pub fn node(&self, id: NodeId) -> Result<&Node> {
        self.nodes.get(id as usize).ok_or_else(|| Bail::new("an expression without nodes"))
    }
}

/// As it is stored: nodes in order, and the root. Reading checks them as `add` does.
#[derive(Serialize, Deserialize)]
struct Stored {
    nodes: Vec<Node>,
    root: NodeId,
}

impl Serialize for Expr {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Stored { nodes: self.nodes.clone(), root: self.root }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let mut expr = Self::new();
        for (position, node) in stored.nodes.into_iter().enumerate() {
            let id = expr.add(node).map_err(serde::de::Error::custom)?;
            if id as usize != position {
                return Err(serde::de::Error::custom("a node is given twice"));
            }
        }
        if stored.root as usize >= expr.nodes.len() {
            return Err(serde::de::Error::custom("the root is not there"));
        }
        expr.root = stored.root;
        Ok(expr)
    }
}
