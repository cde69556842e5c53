//! What is there to say about a node of a stream's graph? For explanations; the graph itself is in `stream/`.

use pyo3::prelude::*;

use super::driver::PyDriver;
use super::rdd::PyRdd;
use crate::stream::{Kind, Node};

/// A node in plain data, as `_native.Streaming.node` gives it.
#[derive(IntoPyObject)]
pub(super) struct Drawn {
    /// `input`, `transformed`, `union`, `window`, `state` or `reduced`.
    kind: &'static str,
    /// What feeds an input.
    source: String,
    /// The nodes it reads.
    parents: Vec<u32>,
    /// Its functions of RDDs: of `reduced`, what adds and what takes away.
    functions: Vec<Py<PyAny>>,
    /// The RDDs of a queue, or the state before the first.
    rdds: Vec<PyRdd>,
    /// How far a window reaches back.
    length_ms: Option<i64>,
    /// The distance of its RDDs.
    slide_ms: i64,
}

/// The node as data.
pub(super) fn drawn(py: Python<'_>, node: &Node<PyDriver>) -> Drawn {
    let parents = node.kind.parents().iter().map(|parent| parent.0).collect();
    let mut drawn = Drawn {
        kind: "input",
        source: String::new(),
        parents,
        functions: Vec::new(),
        rdds: Vec::new(),
        length_ms: None,
        slide_ms: node.slide.0,
    };
    match &node.kind {
        Kind::Input { spec } => {
            let (source, rdds) = spec.shown();
            (drawn.source, drawn.rdds) = (source, rdds.into_iter().map(PyRdd).collect());
        }
        Kind::Transformed { func, .. } => (drawn.kind, drawn.functions) = ("transformed", vec![func.clone_ref(py)]),
        Kind::Union { .. } => drawn.kind = "union",
        Kind::Window { length, .. } => (drawn.kind, drawn.length_ms) = ("window", Some(length.0)),
        Kind::State { func, initial, .. } => {
            (drawn.kind, drawn.functions) = ("state", vec![func.clone_ref(py)]);
            drawn.rdds = initial.iter().cloned().map(PyRdd).collect();
        }
        Kind::Reduced { add, subtract, length, .. } => {
            (drawn.kind, drawn.length_ms) = ("reduced", Some(length.0));
            drawn.functions = vec![add.clone_ref(py), subtract.clone_ref(py)];
        }
    }
    drawn
}
