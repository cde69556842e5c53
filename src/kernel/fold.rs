//! How are the values of each key folded into one?
//!
//! 1. A fold does what the two-argument function it stands for does, value by value in the order of arrival; so sums of
//!    floats come out to the last bit.
//! 2. Rows are folded one after the other, whole: at a row that Python must decide (a sum beyond 64 bits, a `None`), the rows
//!    before it are in, and it and the rest are not.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, UInt32Array};
use arrow_select::take::take;

use super::keys::{joined, kernel_error};
use crate::block::{Kind, tuple_array};
use crate::error::Result;

/// One of the two arguments of a fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first argument: what was folded so far.
    First,
    /// The second one: the next value.
    Second,
}

/// Which value a minimum or maximum gives where their order does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Of two equal values.
    pub tie: Side,
    /// Where neither is less, equal or greater, as with NaN.
    pub nan: Side,
}

/// What a function of two arguments does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fold {
    /// `a + b`
    Sum,
    /// `a * b`
    Product,
    /// The lesser.
    Min(Keep),
    /// The greater.
    Max(Keep),
    /// `a`
    First,
    /// `b`
    Last,
    /// Both are tuples, of any length that has these positions; the result is a plain tuple of just these folds, item by
    /// item.
    Tuple(Vec<Fold>),
}

impl Fold {
    /// Whether values of `kind` may be folded in parts, in order, without a difference: so not sums of floats, nor the
    /// greater of two where NaN or -0.0 may be among them.
    pub fn is_associative(&self, kind: &Kind) -> bool {
        match (self, kind) {
            (Self::First | Self::Last, _) => true,
            (Self::Sum | Self::Product | Self::Min(_) | Self::Max(_), _) => *kind == Kind::Int,
            (Self::Tuple(folds), Kind::Tuple { items, class: None }) if folds.len() == items.len() => {
                folds.iter().zip(items).all(|(fold, kind)| fold.is_associative(kind))
            }
            (Self::Tuple(_), _) => false,
        }
    }
}

/// Values by number of their key.
pub struct Folder {
    states: State,
    kind: Kind,
}

/// The row at which Python must go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// Rows before it are folded in.
    pub row: usize,
}

enum State {
    Int(IntFold, Vec<i64>),
    Float(FloatFold, Vec<f64>),
    /// The first values, gathered when their keys were new; `usize` counts them.
    First(Vec<ArrayRef>, usize),
    Tuple(Vec<State>),
}

#[derive(Clone, Copy)]
enum IntFold {
    Sum,
    Product,
    Min,
    Max,
    Last,
}

#[derive(Clone, Copy)]
enum FloatFold {
    Sum,
    Product,
    Min(Keep),
    Max(Keep),
    Last,
}

/// The one that `order` (of the first compared with the second) and `keep` say; `wanted` is the order that gives the first.
fn chosen(a: f64, b: f64, wanted: Ordering, keep: Keep) -> f64 {
    let side = match a.partial_cmp(&b) {
        Some(Ordering::Equal) => keep.tie,
        None => keep.nan,
        Some(order) if order == wanted => Side::First,
        Some(_) => Side::Second,
    };
    if side == Side::First { a } else { b }
}

impl IntFold {
    /// The first argument with which the second one comes out.
    fn neutral(self) -> i64 {
        match self {
            Self::Sum | Self::Last => 0,
            Self::Product => 1,
            Self::Min => i64::MAX,
            Self::Max => i64::MIN,
        }
    }

    #[inline]
    fn fold(self, a: i64, b: i64) -> Option<i64> {
        match self {
            Self::Sum => a.checked_add(b),
            Self::Product => a.checked_mul(b),
            Self::Min => Some(a.min(b)),
            Self::Max => Some(a.max(b)),
            Self::Last => Some(b),
        }
    }
}

impl FloatFold {
    #[inline]
    fn fold(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Sum => a + b,
            Self::Product => a * b,
            Self::Min(keep) => chosen(a, b, Ordering::Less, keep),
            Self::Max(keep) => chosen(a, b, Ordering::Greater, keep),
            Self::Last => b,
        }
    }
}

impl State {
    fn new(fold: &Fold, kind: &Kind) -> Option<Self> {
        let int = |fold| Some(Self::Int(fold, Vec::new()));
        let float = |fold| Some(Self::Float(fold, Vec::new()));
        match (fold, kind) {
            (Fold::First, _) => Some(Self::First(Vec::new(), 0)),
            (Fold::Sum, Kind::Int) => int(IntFold::Sum),
            (Fold::Product, Kind::Int) => int(IntFold::Product),
            (Fold::Min(_), Kind::Int) => int(IntFold::Min),
            (Fold::Max(_), Kind::Int) => int(IntFold::Max),
            (Fold::Last, Kind::Int) => int(IntFold::Last),
            (Fold::Sum, Kind::Float) => float(FloatFold::Sum),
            (Fold::Product, Kind::Float) => float(FloatFold::Product),
            (Fold::Min(keep), Kind::Float) => float(FloatFold::Min(*keep)),
            (Fold::Max(keep), Kind::Float) => float(FloatFold::Max(*keep)),
            (Fold::Last, Kind::Float) => float(FloatFold::Last),
            // A tuple of another class than `tuple` would come out as a plain one from the second value on.
            (Fold::Tuple(folds), Kind::Tuple { items, class: None }) if folds.len() == items.len() => Some(
                Self::Tuple(folds.iter().zip(items).map(|(fold, kind)| Self::new(fold, kind)).collect::<Option<_>>()?),
            ),
            _ => None,
        }
    }

    /// Folds values in that are usable; the row at which that stopped, if it did.
    fn add(&mut self, ids: &[u32], values: &ArrayRef) -> Result<Option<usize>> {
        match self {
            Self::Int(fold, folded) => {
                let numbers = values.as_primitive_opt::<Int64Type>().ok_or_else(|| kernel_error("int values"))?;
                Ok(fold_ints(folded, ids, numbers.values(), *fold))
            }
            Self::Float(fold, folded) => {
                let fold = *fold;
                let numbers = values.as_primitive_opt::<Float64Type>().ok_or_else(|| kernel_error("float values"))?;
                fold_floats(folded, ids, numbers.values(), |a, b| fold.fold(a, b));
                Ok(None)
            }
            Self::First(arrays, count) => add_firsts(arrays, count, ids, values).map(|()| None),
            Self::Tuple(states) => add_tuples(states, ids, values),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Int(_, values) => values.capacity() * 8,
            Self::Float(_, values) => values.capacity() * 8,
            Self::First(arrays, _) => arrays.iter().map(|array| array.get_array_memory_size()).sum(),
            Self::Tuple(states) => states.iter().map(Self::bytes).sum(),
        }
    }

    fn finish(self) -> Result<ArrayRef> {
        Ok(match self {
            Self::Int(_, values) => Arc::new(Int64Array::from(values)),
            Self::Float(_, values) => Arc::new(Float64Array::from(values)),
            Self::First(arrays, _) => joined(&arrays)?,
            Self::Tuple(states) => tuple_array(states.into_iter().map(Self::finish).collect::<Result<_>>()?, None)?,
        })
    }
}

impl Folder {
    /// A folder without values; `None` where the fold of such values is Python's business.
    pub fn new(fold: &Fold, kind: &Kind) -> Option<Self> {
        Some(Self { states: State::new(fold, kind)?, kind: kind.clone() })
    }

    /// The kind of the values, before and after.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// About how many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.states.bytes()
    }

    /// Folds in a value for each key number in `ids`; new keys have the next numbers, in order.
    pub fn add(&mut self, ids: &[u32], values: &ArrayRef) -> Result<std::result::Result<(), Stop>> {
        let usable = usable_rows(&self.states, values);
        let ids = &ids[..usable.min(ids.len())];
        let stopped = self.states.add(ids, values)?;
        let stopped = stopped.or_else(|| (usable < values.len()).then_some(usable));
        Ok(stopped.map_or(Ok(()), |row| Err(Stop { row })))
    }

    /// The folded values by number of their key.
    pub fn finish(self) -> Result<ArrayRef> {
        self.states.finish()
    }
}

fn fold_ints(folded: &mut Vec<i64>, ids: &[u32], values: &[i64], fold: IntFold) -> Option<usize> {
    match fold {
        // The usual one, without a look at which it is for each row.
        IntFold::Sum => fold_ints_by(folded, ids, values, 0, i64::checked_add),
        _ => fold_ints_by(folded, ids, values, fold.neutral(), |a, b| fold.fold(a, b)),
    }
}

/// New keys begin with a value that leaves the first one as it is: whether a key is new could not be foreseen by a branch.
fn fold_ints_by(
    folded: &mut Vec<i64>,
    ids: &[u32],
    values: &[i64],
    neutral: i64,
    fold: impl Fn(i64, i64) -> Option<i64>,
) -> Option<usize> {
    let known = folded.len();
    let keys = |ids: &[u32]| ids.iter().copied().max().map_or(known, |last| known.max(last as usize + 1));
    folded.resize(keys(ids), neutral);
    for (row, (id, value)) in ids.iter().zip(values).enumerate() {
        let before = &mut folded[*id as usize];
        match fold(*before, *value) {
            Some(after) => *before = after,
            None => {
                folded.truncate(keys(&ids[..row]));
                return Some(row);
            }
        }
    }
    None
}

fn fold_floats(folded: &mut Vec<f64>, ids: &[u32], values: &[f64], fold: impl Fn(f64, f64) -> f64) {
    for (id, value) in ids.iter().zip(values) {
        match folded.get_mut(*id as usize) {
            None => folded.push(*value),
            Some(before) => *before = fold(*before, *value),
        }
    }
}

fn add_firsts(arrays: &mut Vec<ArrayRef>, count: &mut usize, ids: &[u32], values: &ArrayRef) -> Result<()> {
    let mut rows: Vec<u32> = Vec::new();
    for (row, id) in ids.iter().enumerate() {
        if *id as usize == *count {
            *count += 1;
            rows.push(row as u32);
        }
    }
    if !rows.is_empty() || arrays.is_empty() {
        arrays.push(take(values, &UInt32Array::from(rows), None).map_err(kernel_error)?);
    }
    Ok(())
}

/// Row by row, because a row must be folded in whole or not at all.
fn add_tuples(states: &mut [State], ids: &[u32], values: &ArrayRef) -> Result<Option<usize>> {
    let tuples = values.as_struct_opt().ok_or_else(|| kernel_error("tuples"))?;
    let mut fitting = ids.len();
    // Only sums and products of ints can fail: find the first row where one does, on a copy of what it touches.
    for (state, column) in states.iter().zip(tuples.columns()) {
        fitting = fitting.min(rows_that_fit(state, &ids[..fitting], column)?);
    }
    for (state, column) in states.iter_mut().zip(tuples.columns()) {
        state.add(&ids[..fitting], column)?;
    }
    Ok((fitting < ids.len()).then_some(fitting))
}

/// How many of the rows can be folded before one leaves 64 bits.
fn rows_that_fit(state: &State, ids: &[u32], column: &ArrayRef) -> Result<usize> {
    match state {
        State::Int(fold @ (IntFold::Sum | IntFold::Product), folded) => {
            let numbers = column.as_primitive_opt::<Int64Type>().ok_or_else(|| kernel_error("int values"))?;
            let values = numbers.values();
            let largest = values.iter().take(ids.len()).map(|value| value.unsigned_abs()).max().unwrap_or(0);
            let before = folded.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
            let room = u128::from(largest) * ids.len() as u128 + u128::from(before);
            if matches!(fold, IntFold::Sum) && room <= i64::MAX as u128 {
                return Ok(ids.len());
            }
            let mut trial = folded.clone();
            Ok(fold_ints(&mut trial, ids, values, *fold).unwrap_or(ids.len()))
        }
        State::Tuple(inner) => {
            let tuples = column.as_struct_opt().ok_or_else(|| kernel_error("tuples"))?;
            inner.iter().zip(tuples.columns()).try_fold(ids.len(), |fitting, (state, column)| {
                Ok(fitting.min(rows_that_fit(state, &ids[..fitting], column)?))
            })
        }
        _ => Ok(ids.len()),
    }
}

/// Rows before the first `None` that the fold would have to look into.
fn usable_rows(state: &State, values: &ArrayRef) -> usize {
    let rows = values.len();
    if matches!(state, State::First(..)) {
        return rows;
    }
    let own = values.nulls().filter(|nulls| nulls.null_count() > 0);
    let own = own.map_or(rows, |nulls| nulls.iter().position(|valid| !valid).unwrap_or(rows));
    match (state, values.as_struct_opt()) {
        (State::Tuple(states), Some(tuples)) => {
            states.iter().zip(tuples.columns()).map(|(state, column)| usable_rows(state, column)).fold(own, usize::min)
        }
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEEP_FIRST: Keep = Keep { tie: Side::First, nan: Side::First };

    fn float(fold: &Fold, values: &[f64]) -> f64 {
        let mut folder = Folder::new(fold, &Kind::Float).unwrap();
        let column: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
        folder.add(&vec![0; values.len()], &column).unwrap().unwrap();
        folder.finish().unwrap().as_primitive::<Float64Type>().value(0)
    }

    #[test]
    fn order_decides_and_then_what_the_function_keeps() {
        let keep_second = Keep { tie: Side::Second, nan: Side::Second };
        assert_eq!(float(&Fold::Min(KEEP_FIRST), &[2.0, 1.0, 3.0]), 1.0);
        assert_eq!(float(&Fold::Max(keep_second), &[2.0, 1.0, 3.0]), 3.0);
        assert!(float(&Fold::Max(KEEP_FIRST), &[-0.0, 0.0]).is_sign_negative());
        assert!(float(&Fold::Max(keep_second), &[-0.0, 0.0]).is_sign_positive());
        assert!(float(&Fold::Min(KEEP_FIRST), &[f64::NAN, 1.0]).is_nan());
        assert_eq!(float(&Fold::Min(keep_second), &[f64::NAN, 1.0]), 1.0);
    }

    fn ints(values: &[i64]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    #[test]
    fn sums_stop_before_the_row_that_leaves_64_bits() {
        let mut folder = Folder::new(&Fold::Sum, &Kind::Int).unwrap();
        assert_eq!(folder.add(&[0, 1, 0, 0], &ints(&[i64::MAX - 1, 5, 1, 1])).unwrap(), Err(Stop { row: 3 }));
        assert_eq!(folder.finish().unwrap().as_primitive::<Int64Type>().values(), &[i64::MAX, 5]);
    }

    #[test]
    fn a_none_is_left_to_python() {
        let mut folder = Folder::new(&Fold::Max(KEEP_FIRST), &Kind::Int).unwrap();
        let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(3), None, Some(4)]));
        assert_eq!(folder.add(&[0, 0, 0], &values).unwrap(), Err(Stop { row: 1 }));
    }

    #[test]
    fn tuples_are_folded_whole_or_not_at_all() {
        let kind = Kind::Tuple { items: vec![Kind::Int, Kind::Float, Kind::Int], class: None };
        let mut folder = Folder::new(&Fold::Tuple(vec![Fold::Sum, Fold::Sum, Fold::First]), &kind).unwrap();
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 0.25, 9.0]));
        let values = tuple_array(vec![ints(&[i64::MAX, 0, 1]), floats, ints(&[7, 8, 9])], None).unwrap();
        assert_eq!(folder.add(&[0, 0, 0], &values).unwrap(), Err(Stop { row: 2 }));
        let folded = folder.finish().unwrap();
        let columns = folded.as_struct().columns();
        assert_eq!(columns[0].as_primitive::<Int64Type>().values(), &[i64::MAX]);
        assert_eq!(columns[1].as_primitive::<Float64Type>().values(), &[0.75]);
        assert_eq!(columns[2].as_primitive::<Int64Type>().values(), &[7]);
    }

    #[test]
    fn only_what_comes_out_the_same_may_be_folded_in_parts() {
        let tuple = |items| Kind::Tuple { items, class: None };
        let counted = Fold::Tuple(vec![Fold::Sum, Fold::Max(KEEP_FIRST)]);
        assert!(counted.is_associative(&tuple(vec![Kind::Int, Kind::Int])));
        assert!(!counted.is_associative(&tuple(vec![Kind::Int, Kind::Float])));
        assert!(!counted.is_associative(&tuple(vec![Kind::Int])));
        assert!(Fold::First.is_associative(&Kind::Float) && !Fold::Min(KEEP_FIRST).is_associative(&Kind::Float));
        assert!(!Fold::Sum.is_associative(&Kind::Str) && !Fold::Product.is_associative(&Kind::Bool));
    }

    proptest! {
        #[test]
        fn folds_in_parts_are_folds_of_all(
            rows in prop::collection::vec((0_u32..5, any::<i64>(), any::<i64>()), 1..60),
            cuts in prop::collection::vec(0_usize..60, 0..5),
        ) {
            let fold = Fold::Tuple(vec![Fold::Sum, Fold::Min(KEEP_FIRST), Fold::Last, Fold::First]);
            let kind = Kind::Tuple { items: vec![Kind::Int; 4], class: None };
            // A fold of rows, each (key, values); the answer in the same form, by first appearance.
            let folded = |rows: &[(u32, [i64; 4])]| -> Vec<(u32, [i64; 4])> {
                let mut keys: Vec<u32> = Vec::new();
                let ids: Vec<u32> = rows.iter().map(|(key, _)| match keys.iter().position(|known| known == key) {
                    Some(at) => at as u32,
                    None => { keys.push(*key); keys.len() as u32 - 1 }
                }).collect();
                let column = |at: usize| ints(&rows.iter().map(|(_, values)| values[at]).collect::<Vec<_>>());
                let mut folder = Folder::new(&fold, &kind).unwrap();
                folder.add(&ids, &tuple_array((0..4).map(column).collect(), None).unwrap()).unwrap().unwrap();
                let made = folder.finish().unwrap();
                let value = |at: usize, row| made.as_struct().column(at).as_primitive::<Int64Type>().value(row);
                let row = |(row, key): (usize, &u32)| (*key, [0, 1, 2, 3].map(|at| value(at, row)));
                keys.iter().enumerate().map(row).collect()
            };
            let rows: Vec<_> = rows.iter().map(|(key, one, two)| (*key, [one >> 8, *two, *one, *two])).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % rows.len()).chain([0, rows.len()]).collect();
            cuts.sort_unstable();
            let parts = cuts.windows(2).filter(|cut| cut[0] < cut[1]).flat_map(|cut| folded(&rows[cut[0]..cut[1]]));
            prop_assert_eq!(folded(&parts.collect::<Vec<_>>()), folded(&rows));
        }

        #[test]
        fn sums_are_those_of_a_loop(rows in prop::collection::vec((0_u32..5, any::<i64>()), 0..60), cut in 0_usize..60) {
            // Numbers must come in order of appearance.
            let mut numbers = std::collections::HashMap::new();
            let ids: Vec<u32> = rows.iter().map(|(key, _)| {
                let next = numbers.len() as u32;
                *numbers.entry(*key).or_insert(next)
            }).collect();
            let values: Vec<i64> = rows.iter().map(|(_, value)| value >> 3).collect();
            let mut model: Vec<i64> = Vec::new();
            let mut stop = None;
            for (row, (id, value)) in ids.iter().zip(&values).enumerate() {
                match model.get_mut(*id as usize) {
                    None => model.push(*value),
                    Some(sum) => match sum.checked_add(*value) {
                        Some(after) => *sum = after,
                        None => { stop = Some(row); break }
                    },
                }
            }
            let mut folder = Folder::new(&Fold::Sum, &Kind::Int).unwrap();
            let cut = cut.min(ids.len());
            let mut found = folder.add(&ids[..cut], &ints(&values[..cut])).unwrap().err().map(|stop| stop.row);
            if found.is_none() {
                found = folder.add(&ids[cut..], &ints(&values[cut..])).unwrap().err().map(|stop| stop.row + cut);
            }
            prop_assert_eq!(found, stop);
            let folded = folder.finish().unwrap();
            prop_assert_eq!(folded.as_primitive::<Int64Type>().values(), model.as_slice());
        }
    }
}
