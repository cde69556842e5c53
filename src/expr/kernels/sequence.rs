//! Text, tuples and lists as wholes: length, `+` and `*`, sums, sorting, joining, and turning one into another.

use std::cell::Cell as Flag;
use std::cmp::Ordering;

use arrow_buffer::{BooleanBuffer, OffsetBuffer};

use super::mask::truth;
use super::num::{Num, Src, ints};
use crate::expr::cell::{self, Cell};
use crate::expr::select::{self, offset};
use crate::expr::text::{self, Texts, char_count};
use crate::expr::val::{Lists, Tuples, Val};
use crate::expr::value::Value;
use crate::expr::{Result, alias, bail};

/// Most items that a chunk's lists may become by repetition: Python takes them one at a time.
const MOST_ITEMS: usize = 1 << 22;

/// The elements that iterating over each row gives.
pub(in crate::expr) fn items_of(value: &Val, rows: usize) -> Result<Lists> {
    let lists = |items: Val, count: usize, offsets: OffsetBuffer<i32>| Lists {
        items: items.into(),
        count,
        offsets,
        nulls: None,
        group: false,
    };
    if value.may_be_none() {
        return bail("None where a sequence is needed");
    }
    match value {
        Val::List(list) => Ok(Lists { group: false, ..select::compact(list)? }),
        Val::Tuple(Tuples { items, .. }) => {
            let count = items.len() * rows;
            offset(count)?;
            let all = if count == 0 { Val::NONE } else { select::interleave(items, rows)? };
            Ok(lists(all, count, OffsetBuffer::from_repeated_length(items.len(), rows)))
        }
        other => {
            let Some(texts) = Texts::of(other)? else {
                return bail(format!("the elements of {}", other.type_name()));
            };
            let mut chars = text::TextBuilder::new(rows);
            let mut offsets = vec![0];
            for row in 0..rows {
                for c in texts.get(row).chars() {
                    chars.push(c.encode_utf8(&mut [0; 4]))?;
                }
                offsets.push(offset(chars.len())?);
            }
            let count = chars.len();
            Ok(lists(chars.finish(), count, OffsetBuffer::new(offsets.into())))
        }
    }
}

/// `len(x)`.
pub(super) fn len(value: &Val, rows: usize) -> Result<Val> {
    if value.may_be_none() {
        return bail("len of None");
    }
    Ok(match value {
        Val::Table(table) => Val::Const(Value::Int(table.len() as i64)),
        Val::Tuple(tuples) => Val::Const(Value::Int(tuples.items.len() as i64)),
        Val::List(lists) => Val::int((0..rows).map(|row| lists.range(row).len() as i64).collect()),
        Val::Bytes(values) => Val::int(values.views().iter().map(|view| i64::from(*view as u32)).collect()),
        Val::Const(Value::Bytes(bytes)) => Val::Const(Value::Int(bytes.len() as i64)),
        other => match Texts::of(other)? {
            Some(Texts::Many(texts)) if texts.is_ascii() => {
                Val::int(texts.views().iter().map(|view| i64::from(*view as u32)).collect())
            }
            Some(texts) => Val::int((0..rows).map(|row| char_count(texts.get(row)) as i64).collect()),
            None => return bail(format!("len of {}", other.type_name())),
        },
    })
}

/// `one, other, ... = value`: a tuple of exactly `count` items.
pub(super) fn unpack(value: &Val, count: i64, rows: usize) -> Result<Val> {
    if value.may_be_none() {
        return bail("None cannot be unpacked");
    }
    match value {
        Val::Tuple(tuples) if tuples.items.len() as i64 == count => Ok(Val::tuple(tuples.items.to_vec())),
        Val::List(lists) if (0..rows).all(|row| lists.range(row).len() as i64 == count) => {
            let item = |at| super::item::get_item(value, &Val::Const(Value::Int(at)), rows);
            Ok(Val::tuple((0..count).map(item).collect::<Result<_>>()?))
        }
        other => bail(format!("{} of another length than {count}", other.type_name())),
    }
}

/// `a + b` of sequences.
pub(super) fn add(a: &Val, b: &Val, rows: usize) -> Result<Val> {
    if let (Some(a), Some(b)) = (Texts::of(a)?, Texts::of(b)?) {
        return text::build(rows, |row, out| {
            out.push_str(a.get(row));
            out.push_str(b.get(row));
            Ok(())
        });
    }
    match (a, b) {
        (Val::Tuple(Tuples { items: a, nulls: None, .. }), Val::Tuple(Tuples { items: b, nulls: None, .. })) => {
            Ok(Val::tuple(a.iter().chain(b.iter()).cloned().collect()))
        }
        (Val::List(a), Val::List(b)) if a.nulls.is_none() && b.nulls.is_none() && !a.group && !b.group => {
            let all = select::concat(&[(&a.items, a.count), (&b.items, b.count)])?;
            let (mut order, mut offsets) = (Vec::with_capacity(a.count + b.count), vec![0]);
            for row in 0..rows {
                order.extend(a.range(row).map(|item| item as u32));
                order.extend(b.range(row).map(|item| (a.count + item) as u32));
                offsets.push(offset(order.len())?);
            }
            Ok(Val::list(select::take(&all, &order)?, order.len(), offsets))
        }
        _ => bail(format!("add of {} and {}", a.type_name(), b.type_name())),
    }
}

/// `value * times` of a sequence.
pub(super) fn repeat(value: &Val, times: &Src<'_, i64>, rows: usize) -> Result<Val> {
    if let Some(texts) = Texts::of(value)? {
        return text::build(rows, |row, out| {
            let text = texts.get(row);
            let times = usize::try_from(times.get(row)).unwrap_or(0);
            if text.len().saturating_mul(times) > 1 << 24 {
                return bail("a very long text");
            }
            (0..times).for_each(|_| out.push_str(text));
            Ok(())
        });
    }
    match (value, times) {
        (Val::Tuple(Tuples { items, nulls: None, .. }), Src::One(times)) => {
            let times = usize::try_from(*times).unwrap_or(0);
            if items.len().saturating_mul(times) > 1 << 10 || alias::lists_in(value) > 0 {
                return bail("a tuple many times over");
            }
            Ok(Val::tuple((0..times).flat_map(|_| items.iter().cloned()).collect()))
        }
        (Val::List(lists), times) if lists.nulls.is_none() && !lists.group && alias::lists_in(&lists.items) == 0 => {
            let (mut order, mut offsets) = (Vec::new(), vec![0]);
            for row in 0..rows {
                let times = usize::try_from(times.get(row)).unwrap_or(0);
                if lists.range(row).len().saturating_mul(times) > MOST_ITEMS - order.len() {
                    return bail("a list many times over");
                }
                (0..times).for_each(|_| order.extend(lists.range(row).map(|item| item as u32)));
                offsets.push(offset(order.len())?);
            }
            Ok(Val::list(select::take(&lists.items, &order)?, order.len(), offsets))
        }
        _ => bail(format!("mul of {}", value.type_name())),
    }
}

/// `sum(values)` or `sum(values, start)`; newer Pythons compensate for the rounding of floats.
pub(super) fn sum(values: &Val, start: Option<&Val>, compensated: bool, rows: usize) -> Result<Val> {
    let lists = items_of(values, rows)?;
    let zero = Val::Const(Value::Int(0));
    let start = start.unwrap_or(&zero);
    let empty = (0..rows).filter(|row| lists.range(*row).is_empty()).count();
    if empty == rows {
        return match start {
            // `sum` takes any start, but refuses text even for nothing to add.
            Val::Const(Value::Int(_)) | Val::Int(_, None) | Val::Const(Value::Float(_)) | Val::Float(_, None) => {
                Ok(start.clone())
            }
            other => bail(format!("a sum that starts with {}", other.type_name())),
        };
    }
    if matches!(start, Val::Bool(..) | Val::Const(Value::Bool(_))) {
        return bail("a sum that starts with bool");
    }
    match (Num::expect(start)?, Num::expect(&lists.items)?) {
        (Num::Int(start), Num::Int(items)) => sum_ints(&start, &items, &lists, rows),
        (Num::Int(_), Num::Float(_)) if empty > 0 => bail("int and float in one column"),
        (start, Num::Int(items)) => {
            // Ints are added to a float without compensation.
            sum_floats(&start.floats(), &Num::Int(items).floats(), &lists, false, rows)
        }
        (start, Num::Float(items)) => sum_floats(&start.floats(), &items, &lists, compensated, rows),
    }
}

fn sum_ints(start: &Src<'_, i64>, items: &Src<'_, i64>, lists: &Lists, rows: usize) -> Result<Val> {
    let sums = (0..rows).map(|row| {
        let mut range = lists.range(row);
        range.try_fold(start.get(row), |sum, item| sum.checked_add(items.get(item)))
    });
    match sums.collect() {
        Some(sums) => Ok(Val::int(sums)),
        None => bail("an int beyond 64 bits"),
    }
}

fn sum_floats(
    start: &Src<'_, f64>,
    items: &Src<'_, f64>,
    lists: &Lists,
    compensated: bool,
    rows: usize,
) -> Result<Val> {
    let sums = (0..rows).map(|row| {
        let (mut sum, mut lost) = (start.get(row), 0.0);
        for item in lists.range(row) {
            let item = items.get(item);
            let next = sum + item;
            lost += if f64::abs(sum) >= f64::abs(item) { (sum - next) + item } else { (item - next) + sum };
            sum = next;
        }
        if compensated && lost != 0.0 && lost.is_finite() { sum + lost } else { sum }
    });
    Ok(Val::float(sums.collect()))
}

/// `any(values)` or `all(values)`.
pub(super) fn any_all(any: bool, values: &Val, rows: usize) -> Result<Val> {
    let lists = items_of(values, rows)?;
    if lists.count == 0 {
        return Ok(Val::Const(Value::Bool(!any)));
    }
    let bits = truth(&lists.items, lists.count)?.into_bits(lists.count);
    Ok(Val::bool(BooleanBuffer::collect_bool(rows, |row| {
        let mut range = lists.range(row);
        if any { range.any(|item| bits.value(item)) } else { range.all(|item| bits.value(item)) }
    })))
}

/// `sorted(values, key=.., reverse=..)`; `keys` are those of the items.
pub(super) fn sorted(values: &Val, keys: &Val, reverse: bool, rows: usize) -> Result<Val> {
    let lists = items_of(values, rows)?;
    let keys = items_of(keys, rows)?;
    if keys.offsets != lists.offsets {
        return bail("keys of other items");
    }
    let failure = Flag::new(None);
    let mut order: Vec<u32> = (0..lists.count as u32).collect();
    for row in 0..rows {
        order[lists.range(row)].sort_by(|a, b| {
            let (a, b) = (Cell::at(&keys.items, *a as usize), Cell::at(&keys.items, *b as usize));
            match cell::order(a, b) {
                // Equal ones keep their order, in reverse too.
                Ok(Some(order)) if reverse => order.reverse(),
                Ok(Some(order)) => order,
                Ok(None) => {
                    failure.set(Some("NaN among values to sort"));
                    Ordering::Equal
                }
                Err(_) => {
                    failure.set(Some("values to sort that have no order"));
                    Ordering::Equal
                }
            }
        });
        if let Some(reason) = failure.get() {
            return bail(reason);
        }
    }
    Ok(Val::list(select::take(&lists.items, &order)?, lists.count, lists.offsets.to_vec()))
}

/// `range(stop)`, `range(start, stop)` or `range(start, stop, step)`, as lists.
pub(super) fn range(ends: &[Val], rows: usize) -> Result<Val> {
    let ends: Vec<Src<'_, i64>> = ends.iter().map(ints).collect::<Result<_>>()?;
    let (mut numbers, mut offsets) = (Vec::new(), vec![0]);
    for row in 0..rows {
        let (start, stop, step) = match ends.as_slice() {
            [stop] => (0, stop.get(row), 1),
            [start, stop] => (start.get(row), stop.get(row), 1),
            [start, stop, step] => (start.get(row), stop.get(row), step.get(row)),
            _ => return bail("a range of nothing"),
        };
        if step == 0 {
            return bail("a range in steps of 0");
        }
        let (start, stop, step) = (i128::from(start), i128::from(stop), i128::from(step));
        let span = if step > 0 { stop - start } else { start - stop };
        let count = if span > 0 { (span + step.abs() - 1) / step.abs() } else { 0 };
        if count > (MOST_ITEMS - numbers.len()) as i128 {
            return bail("a long range");
        }
        numbers.extend((0..count).map(|at| (start + at * step) as i64));
        offsets.push(offset(numbers.len())?);
    }
    let count = numbers.len();
    Ok(Val::list(Val::int(numbers), count, offsets))
}

/// `list(reversed(values))`.
pub(super) fn reversed(values: &Val, rows: usize) -> Result<Val> {
    if matches!(values, Val::List(lists) if lists.group) {
        return bail("a group in reverse");
    }
    let lists = items_of(values, rows)?;
    let order: Vec<u32> = (0..rows).flat_map(|row| lists.range(row).rev().map(|item| item as u32)).collect();
    Ok(Val::list(select::take(&lists.items, &order)?, lists.count, lists.offsets.to_vec()))
}

/// `list(values)`.
pub(super) fn list(values: &Val, rows: usize) -> Result<Val> {
    items_of(values, rows).map(Val::List)
}

/// `tuple(values)`, where all rows have equally many.
pub(super) fn tuple(values: &Val, rows: usize) -> Result<Val> {
    if let Val::Tuple(Tuples { items, nulls: None, .. }) = values {
        return Ok(Val::tuple(items.to_vec()));
    }
    let lists = items_of(values, rows)?;
    let arity = lists.range(0).len();
    if (0..rows).any(|row| lists.range(row).len() != arity) || arity > 64 {
        return bail("tuples of different length");
    }
    let item = |position: usize| {
        let places: Vec<u32> = (0..rows).map(|row| (lists.range(row).start + position) as u32).collect();
        select::take(&lists.items, &places)
    };
    Ok(Val::tuple((0..arity).map(item).collect::<Result<_>>()?))
}

/// `text.join(parts)`.
pub(super) fn join(texts: Texts<'_>, parts: &Val, rows: usize) -> Result<Val> {
    let lists = items_of(parts, rows)?;
    if lists.count == 0 {
        return Ok(Val::constant(Value::text("")));
    }
    let items = Texts::expect(&lists.items)?;
    text::build(rows, |row, out| {
        for (number, item) in lists.range(row).enumerate() {
            if number > 0 {
                out.push_str(texts.get(row));
            }
            out.push_str(items.get(item));
        }
        Ok(())
    })
}
