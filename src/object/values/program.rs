//! Programs as Python sees them: trees of tuples become expressions, lists become columns.
//!
//! 1. A tree may share subtrees, and they stay shared; it is walked without recursion, and one too large or deep for a
//!    native form is refused with `Bail`. A malformed tree is a `ValueError`.
//! 2. Every failure to give a native answer is a `Bail`, which the caller answers by calling the Python function.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::convert::{list_to_columns, to_list};
use super::pattern::pattern;
use crate::block::Columns;
use crate::expr::{self, Basic, Expr, Node, NodeId, Op, Part, Value};
use crate::kernel::fold::Folder;

create_exception!(dstreams._native, Bail, PyException, "A program has no native answer for these values.");

/// How deep tuples among the constants may nest.
const MAX_CONSTANT_DEPTH: usize = 8;

fn bail(bail: &expr::Bail) -> PyErr {
    Bail::new_err(bail.reason.clone())
}

pub(super) fn malformed(what: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(format!("tree: {what}"))
}

/// A plain Python function as an expression over columns.
#[pyclass(frozen, module = "dstreams._native")]
pub(crate) struct Program {
    pub(crate) inner: expr::Program,
    tree: Py<PyTuple>,
}

#[pymethods]
impl Program {
    #[new]
    fn new(tree: Bound<'_, PyTuple>, arity: usize) -> PyResult<Self> {
        let expr = Reader::new(tree.py()).read(&tree)?;
        if let Some(number) = expr.nodes().iter().find_map(|node| match node {
            Node::Arg(number) if *number >= arity => Some(number),
            _ => None,
        }) {
            return Err(malformed(format!("argument {number} of a function of {arity}")));
        }
        Ok(Self { inner: expr::Program::new(Arc::new(expr), arity), tree: tree.unbind() })
    }

    /// One result per row.
    fn run<'py>(&self, py: Python<'py>, columns: Vec<Bound<'py, PyList>>) -> PyResult<Bound<'py, PyList>> {
        let (columns, rows) = self.columns(&columns)?;
        to_list(py, &py.detach(|| self.inner.eval(&columns, rows)).map_err(|reason| bail(&reason))?)
    }

    /// The truth of each row's result.
    fn test(&self, py: Python<'_>, columns: Vec<Bound<'_, PyList>>) -> PyResult<Vec<bool>> {
        let (columns, rows) = self.columns(&columns)?;
        let bits = py.detach(|| self.inner.test(&columns, rows)).map_err(|reason| bail(&reason))?;
        Ok(bits.iter().collect())
    }

    /// The elements of all results, and how many each row gave.
    fn flatten<'py>(
        &self,
        py: Python<'py>,
        columns: Vec<Bound<'py, PyList>>,
    ) -> PyResult<(Bound<'py, PyList>, Vec<u32>)> {
        let (columns, rows) = self.columns(&columns)?;
        let (items, counts) = py.detach(|| self.inner.flatten(&columns, rows)).map_err(|reason| bail(&reason))?;
        Ok((to_list(py, &items)?, counts))
    }

    /// Which well-known fold it is.
    fn fold(&self) -> Option<String> {
        self.inner.fold().map(|fold| format!("{fold:?}"))
    }

    /// Why a function of two arguments does not fold values like these, if it does not.
    fn why_no_fold(&self, columns: Vec<Bound<'_, PyList>>) -> PyResult<Option<String>> {
        let (columns, _) = self.columns(&columns)?;
        let [folded, value] = columns.as_slice() else {
            return Err(PyValueError::new_err("columns: a fold is of two"));
        };
        let same = folded.kind() == value.kind();
        let known = same && self.inner.fold().is_some_and(|fold| Folder::new(&fold, value.kind()).is_some());
        Ok(if known { None } else { self.inner.why_not_by_row(folded.kind(), value.kind()) })
    }

    fn __repr__(&self) -> String {
        format!("Program({})", self.inner)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyAny>, (Py<PyTuple>, usize)) {
        (py.get_type::<Self>().into_any(), (self.tree.clone_ref(py), self.inner.arity()))
    }
}

impl Program {
    fn columns(&self, lists: &[Bound<'_, PyList>]) -> PyResult<(Vec<Columns>, usize)> {
        if lists.len() != self.inner.arity() {
            let problem = format!("columns: {} given to a function of {}", lists.len(), self.inner.arity());
            return Err(PyValueError::new_err(problem));
        }
        let rows = lists.first().map_or(1, |list| list.len());
        let columns: Option<Vec<Columns>> = lists.iter().map(list_to_columns).collect();
        let columns = columns.ok_or_else(|| Bail::new_err("values that fit no column"))?;
        if columns.iter().any(|column| column.len() != rows) {
            return Err(PyValueError::new_err("columns: not all of one length"));
        }
        Ok((columns, rows))
    }
}

/// Turns one tree into an expression.
struct Reader<'py> {
    py: Python<'py>,
    expr: Expr,
    /// Nodes by the address of their tuple, which the tree keeps alive.
    known: HashMap<usize, NodeId>,
}

type Tuple<'py> = Bound<'py, PyTuple>;

impl<'py> Reader<'py> {
    fn new(py: Python<'py>) -> Self {
        Self { py, expr: Expr::new(), known: HashMap::new() }
    }

    fn read(mut self, tree: &Tuple<'py>) -> PyResult<Expr> {
        // Each tuple is looked at twice: first its children are put on top of it, then it is made of their nodes.
        let mut open: Vec<(Tuple<'py>, bool)> = vec![(tree.clone(), false)];
        while let Some((tuple, ready)) = open.pop() {
            self.py.check_signals()?;
            if self.known.contains_key(&address(&tuple)) {
                continue;
            }
            if ready {
                let node = self.node(&tuple)?;
                let id = self.expr.add(node).map_err(|reason| bail(&reason))?;
                self.known.insert(address(&tuple), id);
                continue;
            }
            let children = children(&tuple)?;
            open.push((tuple, true));
            for child in children.into_iter().rev() {
                if open.len() > 100_000 {
                    return Err(Bail::new_err("an expression too large for a native form"));
                }
                open.push((child, false));
            }
        }
        // The root is what was added last, unless it was known under another tuple.
        let root = self.child(tree.as_any())?;
        let node = self.expr.node(root).map_err(|reason| bail(&reason))?.clone();
        self.expr.add(node).map_err(|reason| bail(&reason))?;
        Ok(self.expr)
    }

    fn child(&self, tuple: &Bound<'py, PyAny>) -> PyResult<NodeId> {
        // Missing only where a tuple contains itself, which takes C code to make.
        self.known.get(&(tuple.as_ptr() as usize)).copied().ok_or_else(|| malformed("a node within itself"))
    }

    fn all(&self, tuples: &Bound<'py, PyAny>) -> PyResult<Vec<NodeId>> {
        tuples.cast::<PyTuple>()?.iter().map(|tuple| self.child(&tuple)).collect()
    }

    fn node(&self, tuple: &Tuple<'py>) -> PyResult<Node> {
        let at = |position: usize| tuple.get_item(position);
        let child = |position: usize| self.child(&at(position)?);
        let name: String = at(0)?.extract()?;
        Ok(match (name.as_str(), tuple.len()) {
            ("arg", 2) => Node::Arg(at(1)?.extract()?),
            ("item", 1) => Node::Item,
            ("const", 2) => Node::Const(constant(&at(1)?, MAX_CONSTANT_DEPTH)?),
            ("table", 2) => {
                let entries = at(1)?.cast_into::<PyTuple>()?;
                let entry = |entry: Bound<'py, PyAny>| {
                    let (key, value) = entry.extract::<(Bound<'py, PyAny>, Bound<'py, PyAny>)>()?;
                    Ok((constant(&key, MAX_CONSTANT_DEPTH)?, constant(&value, MAX_CONSTANT_DEPTH)?))
                };
                Node::Table(entries.iter().map(entry).collect::<PyResult<_>>()?)
            }
            ("regex", 4) => Node::Regex(Arc::new(pattern(text(&at(1)?)?, &at(2)?, at(3)?.extract()?)?)),
            ("tuple", 2) => Node::Tuple(self.all(&at(1)?)?),
            ("list", 2) => Node::List(self.all(&at(1)?)?),
            ("if", 4) => Node::If { cond: child(1)?, then: child(2)?, other: child(3)? },
            ("and", 3) => Node::And(child(1)?, child(2)?),
            ("or", 3) => Node::Or(child(1)?, child(2)?),
            ("not", 2) => Node::Not(child(1)?),
            ("seq", 3) => Node::Seq(self.all(&at(1)?)?, child(2)?),
            ("op", 3) => Node::Op(operation(self.py, &at(1)?.extract::<String>()?), self.all(&at(2)?)?),
            ("attr", 3) => Node::Attr(child(1)?, text(&at(2)?)?.into()),
            ("fstring", 2) => Node::FString(self.all(&at(1)?)?),
            ("format", 4) => Node::Format(Part {
                value: child(1)?,
                conversion: at(2)?.extract::<String>()?.chars().next(),
                spec: text(&at(3)?)?.into(),
            }),
            ("each", 3) => Node::Each { body: child(1)?, over: child(2)? },
            ("keep", 3) => Node::Keep { cond: child(1)?, over: child(2)? },
            (name, length) => return Err(malformed(format!("a node {name:?} of {length} parts is not known"))),
        })
    }
}

fn address(tuple: &Tuple<'_>) -> usize {
    tuple.as_ptr() as usize
}

/// The nodes right below one.
fn children<'py>(tuple: &Tuple<'py>) -> PyResult<Vec<Tuple<'py>>> {
    let name: String = match tuple.iter().next() {
        Some(name) => name.extract()?,
        None => return Err(malformed("an empty tuple where a node is needed")),
    };
    let mut children = Vec::new();
    let mut one = |position: usize| -> PyResult<()> {
        children.push(tuple.get_item(position)?.cast_into::<PyTuple>()?);
        Ok(())
    };
    match name.as_str() {
        "if" => (1..4).try_for_each(&mut one)?,
        "and" | "or" | "each" | "keep" => (1..3).try_for_each(&mut one)?,
        "not" | "attr" | "format" => one(1)?,
        "seq" => {
            one(2)?;
            children.extend(several(tuple, 1)?);
        }
        "tuple" | "list" | "fstring" => children = several(tuple, 1)?,
        "op" => children = several(tuple, 2)?,
        _ => {}
    }
    Ok(children)
}

fn several<'py>(tuple: &Tuple<'py>, position: usize) -> PyResult<Vec<Tuple<'py>>> {
    let nodes = tuple.get_item(position)?.cast_into::<PyTuple>()?;
    nodes.iter().map(|node| Ok(node.cast_into::<PyTuple>()?)).collect()
}

/// The operation of a name, in the version of Python that runs.
fn operation(py: Python<'_>, name: &str) -> Op {
    match Op::from_name(name) {
        // Python 3.12 began to compensate for the rounding of floats.
        Op::Basic(Basic::Sum) if py.version_info() >= (3, 12) => Op::Basic(Basic::CompensatedSum),
        op => op,
    }
}

/// Text of the program; with surrogates it has no native form.
fn text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    value.extract().map_err(|error: PyErr| match error.is_instance_of::<PyUnicodeEncodeError>(value.py()) {
        true => Bail::new_err("text with surrogates"),
        false => error,
    })
}

fn constant(value: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    if value.is_none() {
        return Ok(Value::None);
    }
    if let Ok(value) = value.cast_exact::<PyBool>() {
        return Ok(Value::Bool(value.is_true()));
    }
    if let Ok(value) = value.cast_exact::<PyInt>() {
        return Ok(match value.extract::<i64>() {
            Ok(small) => Value::Int(small),
            // Not as decimal digits, of which Python refuses to make many.
            Err(_) => Value::Big(value.call_method1("__format__", ("x",))?.extract::<String>()?.into()),
        });
    }
    if let Ok(value) = value.cast_exact::<PyFloat>() {
        return Ok(Value::float(value.value()));
    }
    if let Ok(value) = value.cast_exact::<PyString>() {
        // Surrogates have no native form.
        return Ok(Value::text(value.to_str().map_err(|_| Bail::new_err("text with surrogates"))?));
    }
    if let Ok(value) = value.cast_exact::<PyBytes>() {
        return Ok(Value::Bytes(value.as_bytes().into()));
    }
    if let (Ok(items), Some(depth)) = (value.cast_exact::<PyTuple>(), depth.checked_sub(1)) {
        return Ok(Value::Tuple(items.iter().map(|item| constant(&item, depth)).collect::<PyResult<_>>()?));
    }
    Err(Bail::new_err(format!("a constant of type {}", value.get_type().name()?)))
}
