//! A plain Python function in its native form, ready to run on chunks.

use std::fmt;
use std::sync::Arc;

use arrow_buffer::BooleanBuffer;
use hashbrown::HashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::eval::Frame;
use super::fold::{self, Fold};
use super::groups::{self, Groups};
use super::kernels;
use super::node::{Expr, Node, NodeId};
use super::ops::{Basic, Op};
use super::table::Table;
use super::val::Val;
use super::{Bail, Result, alias, bail, rows, show};
use crate::block::{Columns, Kind};
use crate::kernel::regex::Regex;

/// A function as a program: immutable, cheap to clone, to be shared by threads.
#[derive(Clone)]
pub struct Program {
    plan: Arc<Plan>,
    arity: usize,
}

/// An expression, and what is found out about it once.
pub(super) struct Plan {
    pub expr: Arc<Expr>,
    /// The node of the current element of a loop, if there are loops.
    pub item: Option<NodeId>,
    /// Dicts that are ready for look-ups, or why they are not.
    tables: HashMap<NodeId, Result<Arc<Table>>>,
    /// The same of regular expressions.
    regexes: HashMap<NodeId, Result<Arc<Regex>>>,
    /// Of each match, which groups are asked for.
    groups: HashMap<NodeId, Groups>,
    /// By node: whether it may be computed for rows that do not need it, to save selecting rows.
    cheap: Vec<bool>,
    /// Whether one value may be at two places of a result.
    may_alias: bool,
}

impl Plan {
    fn new(expr: Arc<Expr>) -> Self {
        let mut tables = HashMap::new();
        let mut regexes = HashMap::new();
        let mut cheap: Vec<bool> = Vec::with_capacity(expr.nodes().len());
        let mut item = None;
        for (id, node) in expr.nodes().iter().enumerate() {
            match node {
                Node::Table(entries) => drop(tables.insert(id as NodeId, Table::new(entries).map(Arc::new))),
                Node::Regex(pattern) => {
                    let made = Regex::new(pattern).map(Arc::new).map_err(Bail::new);
                    drop(regexes.insert(id as NodeId, made));
                }
                Node::Item => item = Some(id as NodeId),
                _ => {}
            }
            let parts = node.children().iter().all(|child| cheap.get(*child as usize).copied().unwrap_or(false));
            cheap.push(parts && is_cheap(node));
        }
        let may_alias = alias::may_alias(&expr);
        let groups = groups::wanted(&expr);
        Self { expr, item, tables, regexes, groups, cheap, may_alias }
    }

    pub fn table(&self, id: NodeId) -> Result<Val> {
        match self.tables.get(&id) {
            Some(Ok(table)) => Ok(Val::Table(Arc::clone(table))),
            Some(Err(reason)) => Err(reason.clone()),
            None => bail("a dict that is not there"),
        }
    }

    pub fn regex(&self, id: NodeId) -> Result<Val> {
        match self.regexes.get(&id) {
            Some(Ok(regex)) => Ok(Val::Regex(Arc::clone(regex))),
            Some(Err(reason)) => Err(reason.clone()),
            None => bail("a regular expression that is not there"),
        }
    }

    /// The groups of a match that are asked for.
    pub fn wanted_groups(&self, id: NodeId) -> &Groups {
        self.groups.get(&id).unwrap_or(&Groups::All)
    }

    pub fn is_cheap(&self, id: NodeId) -> bool {
        self.cheap.get(id as usize).copied().unwrap_or(false)
    }
}

/// Whether a node costs about as much as selecting a row, its operands left out.
fn is_cheap(node: &Node) -> bool {
    use Basic::{
        Add, CanDivide, CanGetItem, CanUnpack, Eq, Ge, GetItem, Gt, Is, IsNot, Le, Len, Lt, Mul, Ne, Neg, Sub, TrueDiv,
    };
    match node {
        Node::Arg(_) | Node::Item | Node::Const(_) | Node::Not(_) | Node::Attr(..) | Node::Tuple(_) => true,
        Node::Op(Op::Basic(basic), _) => {
            matches!(
                basic,
                Add | Sub
                    | Mul
                    | TrueDiv
                    | Neg
                    | Eq
                    | Ne
                    | Lt
                    | Le
                    | Gt
                    | Ge
                    | Is
                    | IsNot
                    | GetItem
                    | Len
                    | CanDivide
                    | CanGetItem
                    | CanUnpack
            )
        }
        _ => false,
    }
}

impl Program {
    /// The program of an expression over `arity` arguments.
    pub fn new(root: Arc<Expr>, arity: usize) -> Self {
        Self { plan: Arc::new(Plan::new(root)), arity }
    }

    /// The function that gives its argument.
    pub fn identity() -> Self {
        let mut expr = Expr::new();
        // A node without operands cannot be refused.
        let _ = expr.add(Node::Arg(0));
        Self::new(Arc::new(expr), 1)
    }

    /// Number of arguments.
    pub fn arity(&self) -> usize {
        self.arity
    }

    /// What it computes.
    pub fn expr(&self) -> &Expr {
        &self.plan.expr
    }

    /// One result per row. `args` are columns of `rows` elements each, as many as the arity says. Without rows the result
    /// is an empty column of the kind of `None`.
    pub fn eval(&self, args: &[Columns], rows: usize) -> Result<Columns> {
        if rows == 0 {
            return Val::NONE.into_columns(0);
        }
        let value = self.run(args, rows)?;
        if self.plan.may_alias && alias::lists_in(&value) > 1 {
            return bail("a list at two places of a result");
        }
        value.into_columns(rows)
    }

    /// Whether the result is true, for each row.
    pub fn test(&self, args: &[Columns], rows: usize) -> Result<BooleanBuffer> {
        if rows == 0 {
            return Ok(BooleanBuffer::new_unset(0));
        }
        let args = self.values(args, rows)?;
        Ok(Frame::new(&self.plan, &args, rows).truth(self.plan.expr.root())?.into_bits(rows))
    }

    /// For `flatMap`: the elements of the results one after the other, and how many each row gave. Lists, tuples and
    /// groups give their items, text its characters; anything else bails.
    pub fn flatten(&self, args: &[Columns], rows: usize) -> Result<(Columns, Vec<u32>)> {
        if rows == 0 {
            return Ok((Val::NONE.into_columns(0)?, Vec::new()));
        }
        let value = self.run(args, rows)?;
        if self.plan.may_alias && alias::lists_in(&value) > 1 {
            return bail("a list at two places of a result");
        }
        let lists = kernels::items_of(&value, rows)?;
        let counts = lists.offsets.windows(2).map(|ends| (ends[1] - ends[0]) as u32).collect();
        Ok((Arc::unwrap_or_clone(lists.items).into_columns(lists.count)?, counts))
    }

    /// What a function of two arguments does as the function of `reduceByKey`, if it is one of the known ones.
    pub fn fold(&self) -> Option<Fold> {
        (self.arity == 2).then(|| fold::recognise(&self.plan.expr)).flatten()
    }

    /// Whether both were read from functions that do the same, as far as can be seen.
    pub fn same_as(&self, other: &Self) -> bool {
        let (one, two) = (&self.plan.expr, &other.plan.expr);
        let same = || one.root() == two.root() && one.nodes() == two.nodes();
        self.arity == other.arity && (Arc::ptr_eq(&self.plan, &other.plan) || same())
    }

    /// Whether folds by it may run row by row (`RowFolder`); the kinds of values decide in the end.
    pub fn runs_by_row(&self) -> bool {
        rows::may_run(&self.plan.expr)
    }

    /// Why it does not fold values of a kind into accumulators of another row by row, if it does not.
    pub fn why_not_by_row(&self, folded: &Kind, value: &Kind) -> Option<String> {
        rows::why_not(&self.plan.expr, folded, value).map(|problem| problem.reason)
    }

    fn run(&self, args: &[Columns], rows: usize) -> Result<Val> {
        let args = self.values(args, rows)?;
        Frame::new(&self.plan, &args, rows).get(self.plan.expr.root())
    }

    fn values(&self, args: &[Columns], rows: usize) -> Result<Vec<Val>> {
        if args.len() != self.arity || args.iter().any(|column| column.len() != rows) {
            return bail("arguments that do not fit the program");
        }
        if u32::try_from(rows).is_err() {
            return bail("a chunk of more than 2^32 rows");
        }
        if !self.plan.expr.is_closed() {
            return bail("an element outside of its loop");
        }
        args.iter().map(Val::from_columns).collect()
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show::program(&self.plan.expr, self.arity))
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({self})")
    }
}

impl PartialEq for Program {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.expr(), other.expr());
        self.arity == other.arity && a.root() == b.root() && a.nodes() == b.nodes()
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    expr: Expr,
    arity: usize,
}

impl Serialize for Program {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Stored { expr: self.expr().clone(), arity: self.arity }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Program {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let Stored { expr, arity } = Stored::deserialize(deserializer)?;
        Ok(Self::new(Arc::new(expr), arity))
    }
}
