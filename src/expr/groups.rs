//! Which groups of a match does an expression ask for? The others need not be made.

use hashbrown::HashMap;

use super::node::{Expr, Node, NodeId};
use super::ops::{Basic, Op};
use super::value::Value;

/// Some groups of a match, 0 being all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Groups {
    All,
    Some(Vec<usize>),
}

impl Groups {
    pub fn has(&self, group: usize) -> bool {
        match self {
            Self::All => true,
            Self::Some(groups) => groups.contains(&group),
        }
    }
}

/// By number of a node that gives a match.
pub(super) fn wanted(expr: &Expr) -> HashMap<NodeId, Groups> {
    let mut found: HashMap<NodeId, Groups> = HashMap::new();
    for (id, node) in expr.nodes().iter().enumerate() {
        if is_match(node) {
            // What gives a match as its value would show all of it.
            let all = expr.root() == id as NodeId;
            found.insert(id as NodeId, if all { Groups::All } else { Groups::Some(Vec::new()) });
            continue;
        }
        let asked = match node {
            Node::Op(Op::Basic(Basic::GetItem), operands) => operands.get(1).and_then(|at| group(expr, *at)),
            _ => None,
        };
        for child in node.children().into_iter().filter(|child| !only_tests(node, *child)) {
            match (found.get_mut(&child), asked) {
                (Some(Groups::Some(groups)), Some(group)) => groups.push(group),
                (Some(groups), _) => *groups = Groups::All,
                (None, _) => {}
            }
        }
    }
    found
}

fn is_match(node: &Node) -> bool {
    matches!(node, Node::Op(Op::Basic(Basic::ReMatch | Basic::ReSearch | Basic::ReFullMatch), _))
}

fn group(expr: &Expr, at: NodeId) -> Option<usize> {
    match expr.node(at) {
        Ok(Node::Const(Value::Int(group))) => usize::try_from(*group).ok(),
        _ => None,
    }
}

/// Whether a node asks nothing of another one but its truth, or whether it is None.
fn only_tests(node: &Node, child: NodeId) -> bool {
    match node {
        Node::Not(_) | Node::Op(Op::Basic(Basic::Is | Basic::IsNot | Basic::Bool), _) => true,
        Node::If { cond, then, other } => *cond == child && *then != child && *other != child,
        Node::Seq(_, value) => *value != child,
        _ => false,
    }
}
