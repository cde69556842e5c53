//! Rows out of columns, and columns out of rows: `take`, `concat`, `choose`, `spread`.
//!
//! Values of one column must be of one kind; `None` goes with any. What does not fit together is a bail.

use std::sync::Arc;

use arrow_array::builder::make_view;
use arrow_array::types::ByteViewType;
use arrow_array::{Array, BinaryViewArray, GenericByteViewArray, StringViewArray};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::val::{Lists, Nulls, Tuples, Val};
use super::value::{Real, Value};
use super::{Result, bail};

/// Longest text that a view holds itself (a fact of Arrow's format).
const INLINE: usize = 12;

fn mixed<T>(one: &Val, other: &Val) -> Result<T> {
    bail(format!("{} and {} in one column", one.type_name(), other.type_name()))
}

/// A constant as a column; `None` and tuples stay as they are.
pub(super) fn spread(value: &Value, rows: usize) -> Result<Val> {
    Ok(match value {
        Value::None => Val::NONE,
        Value::Bool(value) => {
            Val::bool(if *value { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) })
        }
        Value::Int(value) => Val::int(vec![*value; rows]),
        Value::Float(Real(value)) => Val::float(vec![*value; rows]),
        Value::Str(text) => {
            let (views, buffers) = same_views(text.as_bytes(), rows)?;
            // SAFETY: all views are of one valid text that lies in the only buffer, or in the view.
            Val::Str(unsafe { StringViewArray::new_unchecked(views, buffers, None) })
        }
        Value::Bytes(bytes) => {
            let (views, buffers) = same_views(bytes, rows)?;
            // SAFETY: as above.
            Val::Bytes(unsafe { BinaryViewArray::new_unchecked(views, buffers, None) })
        }
        Value::Big(_) => return bail("an int beyond 64 bits"),
        Value::Tuple(_) => Val::constant(value.clone()),
    })
}

fn same_views(bytes: &[u8], rows: usize) -> Result<(ScalarBuffer<u128>, Arc<[Buffer]>)> {
    if i32::try_from(bytes.len()).is_err() {
        return bail("a text beyond 2 GiB");
    }
    let buffers: Arc<[Buffer]> =
        if bytes.len() > INLINE { Arc::from([Buffer::from_vec(bytes.to_vec())]) } else { Arc::from([]) };
    Ok((vec![make_view(bytes, 0, 0); rows].into(), buffers))
}

/// The rows of these numbers, all of which exist.
pub(super) fn take(value: &Val, rows: &[u32]) -> Result<Val> {
    Ok(match value {
        Val::Const(_) | Val::Table(_) | Val::Regex(_) => value.clone(),
        Val::Bool(values, nulls) => {
            let taken = BooleanBuffer::collect_bool(rows.len(), |i| values.value(rows[i] as usize));
            return none_if_all(Val::Bool(taken, take_nulls(nulls.as_ref(), rows)), rows.len());
        }
        Val::Int(values, nulls) => {
            let taken: Vec<i64> = rows.iter().map(|row| values[*row as usize]).collect();
            return none_if_all(Val::Int(taken.into(), take_nulls(nulls.as_ref(), rows)), rows.len());
        }
        Val::Float(values, nulls) => {
            let taken: Vec<f64> = rows.iter().map(|row| values[*row as usize]).collect();
            return none_if_all(Val::Float(taken.into(), take_nulls(nulls.as_ref(), rows)), rows.len());
        }
        Val::Str(texts) => return none_if_all(Val::Str(take_views(texts, rows)), rows.len()),
        Val::Bytes(values) => return none_if_all(Val::Bytes(take_views(values, rows)), rows.len()),
        Val::Tuple(tuples) => {
            let items = tuples.items.iter().map(|item| take(item, rows)).collect::<Result<Vec<_>>>()?;
            let nulls = take_nulls(tuples.nulls.as_ref(), rows);
            let taken = Tuples { items: items.into(), nulls, class: tuples.class.clone() };
            return none_if_all(Val::Tuple(taken), rows.len());
        }
        Val::List(lists) => return none_if_all(Val::List(take_lists(lists, rows)?), rows.len()),
    })
}

fn none_if_all(value: Val, rows: usize) -> Result<Val> {
    let all = rows > 0 && value.nulls().is_some_and(|nulls| nulls.null_count() == rows);
    Ok(if all { Val::NONE } else { value })
}

fn take_nulls(nulls: Option<&NullBuffer>, rows: &[u32]) -> Nulls {
    let nulls = nulls?;
    let taken = NullBuffer::new(BooleanBuffer::collect_bool(rows.len(), |i| nulls.is_valid(rows[i] as usize)));
    (taken.null_count() > 0).then_some(taken)
}

fn take_views<T: ByteViewType>(texts: &GenericByteViewArray<T>, rows: &[u32]) -> GenericByteViewArray<T> {
    let views = texts.views();
    let taken: Vec<u128> = rows.iter().map(|row| views[*row as usize]).collect();
    let nulls = take_nulls(texts.nulls(), rows);
    // SAFETY: every view is one of a valid array with the same buffers.
    unsafe { GenericByteViewArray::new_unchecked(taken.into(), Arc::clone(texts.data_buffers()), nulls) }
}

fn take_lists(lists: &Lists, rows: &[u32]) -> Result<Lists> {
    let mut offsets = Vec::with_capacity(rows.len() + 1);
    let mut items = Vec::new();
    offsets.push(0);
    for row in rows {
        let row = *row as usize;
        if lists.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
            items.extend(lists.range(row).map(|item| item as u32));
        }
        offsets.push(offset(items.len())?);
    }
    Ok(Lists {
        items: Arc::new(take(&lists.items, &items)?),
        count: items.len(),
        offsets: OffsetBuffer::new(ScalarBuffer::from(offsets)),
        nulls: take_nulls(lists.nulls.as_ref(), rows),
        group: lists.group,
    })
}

/// The lists without items that no row refers to, and with offsets from 0.
pub(super) fn compact(lists: &Lists) -> Result<Lists> {
    let rows = lists.offsets.len() - 1;
    let whole = lists.offsets[0] == 0 && lists.offsets[rows] as usize == lists.count && lists.nulls.is_none();
    if whole {
        return Ok(lists.clone());
    }
    take_lists(lists, &(0..rows as u32).collect::<Vec<_>>())
}

/// An offset of Arrow's lists.
pub(super) fn offset(position: usize) -> Result<i32> {
    i32::try_from(position).or_else(|_| bail("lists of more than 2^31 items"))
}

/// The rows of some columns, one column after the other.
pub(super) fn concat(parts: &[(&Val, usize)]) -> Result<Val> {
    let parts: Vec<(&Val, usize)> = parts.iter().copied().filter(|(_, rows)| *rows > 0).collect();
    let Some((model, _)) = parts.iter().find(|(value, _)| !matches!(value, Val::Const(Value::None))).copied() else {
        return Ok(Val::NONE);
    };
    if let [(only, rows)] = parts.as_slice() {
        return match only {
            Val::Const(value) => spread(value, *rows),
            other => Ok((*other).clone()),
        };
    }
    let nulls = concat_nulls(&parts);
    match model {
        Val::Table(_) | Val::Regex(_) => bail("a dict or a regular expression among other values"),
        Val::Bool(..) | Val::Const(Value::Bool(_)) => concat_bools(&parts, nulls),
        Val::Int(..) | Val::Const(Value::Int(_)) => {
            let values = concat_numbers(&parts, |value| match value {
                Val::Int(values, _) => Some(Run::Many(values)),
                Val::Const(Value::Int(value)) => Some(Run::One(*value)),
                _ => None,
            })?;
            Ok(Val::Int(values.into(), nulls))
        }
        Val::Float(..) | Val::Const(Value::Float(_)) => {
            let values = concat_numbers(&parts, |value| match value {
                Val::Float(values, _) => Some(Run::Many(values)),
                Val::Const(Value::Float(Real(value))) => Some(Run::One(*value)),
                _ => None,
            })?;
            Ok(Val::Float(values.into(), nulls))
        }
        Val::Str(_) | Val::Const(Value::Str(_)) => {
            let (views, buffers) = concat_views(&parts, |value| match value {
                Val::Str(texts) => Some((texts.views(), texts.data_buffers())),
                _ => None,
            })?;
            // SAFETY: views of valid arrays, whose buffers were put one after the other.
            Ok(Val::Str(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) }))
        }
        Val::Bytes(_) | Val::Const(Value::Bytes(_)) => {
            let (views, buffers) = concat_views(&parts, |value| match value {
                Val::Bytes(values) => Some((values.views(), values.data_buffers())),
                _ => None,
            })?;
            // SAFETY: as above.
            Ok(Val::Bytes(unsafe { BinaryViewArray::new_unchecked(views, buffers, nulls) }))
        }
        Val::Tuple(tuples) => concat_tuples(model, tuples, &parts, nulls),
        Val::List(lists) => concat_lists(model, lists.group, &parts, nulls),
        Val::Const(Value::Big(_)) => bail("an int beyond 64 bits"),
        Val::Const(Value::None | Value::Tuple(_)) => bail("a constant that is no single value"),
    }
}

fn concat_nulls(parts: &[(&Val, usize)]) -> Nulls {
    if !parts.iter().any(|(value, _)| value.may_be_none()) {
        return None;
    }
    let mut valid = BooleanBufferBuilder::new(parts.iter().map(|(_, rows)| rows).sum());
    for (value, rows) in parts {
        match (value, value.nulls()) {
            (_, Some(nulls)) => valid.append_buffer(nulls.inner()),
            (Val::Const(Value::None), None) => valid.append_n(*rows, false),
            (_, None) => valid.append_n(*rows, true),
        }
    }
    Some(NullBuffer::new(valid.finish()))
}

fn concat_bools(parts: &[(&Val, usize)], nulls: Nulls) -> Result<Val> {
    let mut all = BooleanBufferBuilder::new(parts.iter().map(|(_, rows)| rows).sum());
    for (value, rows) in parts {
        match value {
            Val::Bool(values, _) => all.append_buffer(values),
            Val::Const(Value::Bool(value)) => all.append_n(*rows, *value),
            Val::Const(Value::None) => all.append_n(*rows, false),
            other => return mixed(&Val::Const(Value::Bool(true)), other),
        }
    }
    Ok(Val::Bool(all.finish(), nulls))
}

/// Numbers of one part.
enum Run<'a, T> {
    One(T),
    Many(&'a [T]),
}

fn concat_numbers<T: Copy + Default>(
    parts: &[(&Val, usize)],
    run: impl for<'a> Fn(&'a Val) -> Option<Run<'a, T>>,
) -> Result<Vec<T>> {
    let mut all = Vec::with_capacity(parts.iter().map(|(_, rows)| rows).sum());
    for (value, rows) in parts {
        match (run(value), value) {
            (Some(Run::One(one)), _) => all.resize(all.len() + rows, one),
            (Some(Run::Many(many)), _) => all.extend_from_slice(many),
            (None, Val::Const(Value::None)) => all.resize(all.len() + rows, T::default()),
            (None, other) => return mixed(parts.first().map_or(other, |(first, _)| first), other),
        }
    }
    Ok(all)
}

type Views = (ScalarBuffer<u128>, Arc<[Buffer]>);

fn concat_views(
    parts: &[(&Val, usize)],
    part_of: impl for<'a> Fn(&'a Val) -> Option<(&'a ScalarBuffer<u128>, &'a Arc<[Buffer]>)>,
) -> Result<Views> {
    let mut views: Vec<u128> = Vec::with_capacity(parts.iter().map(|(_, rows)| rows).sum());
    let mut buffers = BufferList::default();
    for (value, rows) in parts {
        let constant;
        let value = match value {
            Val::Const(Value::None) => {
                views.resize(views.len() + rows, 0);
                continue;
            }
            Val::Const(value @ (Value::Str(_) | Value::Bytes(_))) => {
                constant = spread(value, *rows)?;
                &constant
            }
            other => *other,
        };
        let Some((part, part_buffers)) = part_of(value) else {
            return mixed(parts.first().map_or(value, |(first, _)| first), value);
        };
        let first = buffers.add(part_buffers);
        views.extend(part.iter().map(|view| shift_buffer(*view, first)));
    }
    Ok((views.into(), buffers.list.into()))
}

/// Buffers put one after the other, each list of them once.
#[derive(Default)]
struct BufferList {
    list: Vec<Buffer>,
    known: Vec<(Arc<[Buffer]>, u32)>,
}

impl BufferList {
    /// The number that the first of `buffers` has among all.
    fn add(&mut self, buffers: &Arc<[Buffer]>) -> u32 {
        if let Some((_, first)) = self.known.iter().find(|(known, _)| Arc::ptr_eq(known, buffers)) {
            return *first;
        }
        let first = self.list.len() as u32;
        self.list.extend(buffers.iter().cloned());
        self.known.push((Arc::clone(buffers), first));
        first
    }
}

#[inline]
fn shift_buffer(view: u128, by: u32) -> u128 {
    // Bits 64 to 95 of the view of a longer text are the number of its buffer.
    if view as u32 as usize > INLINE { view + (u128::from(by) << 64) } else { view }
}

fn concat_tuples(model: &Val, first: &Tuples, parts: &[(&Val, usize)], nulls: Nulls) -> Result<Val> {
    let arity = first.items.len();
    let mut items = Vec::with_capacity(arity);
    for position in 0..arity {
        let mut column = Vec::with_capacity(parts.len());
        for (value, rows) in parts {
            match value {
                Val::Tuple(tuples) if tuples.items.len() == arity && tuples.class == first.class => {
                    column.push((&tuples.items[position], *rows));
                }
                Val::Const(Value::None) => column.push((&Val::NONE, *rows)),
                Val::Tuple(_) => return bail("tuples of different length or class in one column"),
                other => return mixed(model, other),
            }
        }
        items.push(concat(&column)?);
    }
    if arity == 0 && parts.iter().any(|(value, _)| !matches!(value, Val::Tuple(tuples) if tuples.items.is_empty())) {
        return bail("an empty tuple among other values");
    }
    Ok(Val::Tuple(Tuples { items: items.into(), nulls, class: first.class.clone() }))
}

fn concat_lists(model: &Val, group: bool, parts: &[(&Val, usize)], nulls: Nulls) -> Result<Val> {
    let mut columns: Vec<(Arc<Val>, usize)> = Vec::with_capacity(parts.len());
    let mut offsets = vec![0];
    let mut count = 0;
    for (value, rows) in parts {
        match value {
            Val::List(lists) if lists.group == group => {
                for row in 0..*rows {
                    offsets.push(offset(count + lists.offsets[row + 1] as usize)?);
                }
                // Starts of lists other than the first of a part are the ends before them.
                let start = lists.offsets[0] as usize;
                if start > 0 {
                    return concat_lists_compacted(parts, nulls, group);
                }
                count += lists.count;
                if (lists.offsets[*rows] as usize) < lists.count {
                    return concat_lists_compacted(parts, nulls, group);
                }
                columns.push((Arc::clone(&lists.items), lists.count));
            }
            Val::Const(Value::None) => offsets.resize(offsets.len() + rows, offset(count)?),
            other => return mixed(model, other),
        }
    }
    let columns: Vec<(&Val, usize)> = columns.iter().map(|(items, rows)| (items.as_ref(), *rows)).collect();
    let items = concat(&columns)?;
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(Val::List(Lists { items: Arc::new(items), count, offsets, nulls, group }))
}

/// As `concat_lists`, for lists that refer to a part of their items only.
fn concat_lists_compacted(parts: &[(&Val, usize)], nulls: Nulls, group: bool) -> Result<Val> {
    let mut compacted = Vec::with_capacity(parts.len());
    for (value, rows) in parts {
        let value = match value {
            Val::List(lists) => {
                let all: Vec<u32> = (0..*rows as u32).collect();
                Val::List(take_lists(lists, &all)?)
            }
            other => (*other).clone(),
        };
        compacted.push((value, *rows));
    }
    let parts: Vec<(&Val, usize)> = compacted.iter().map(|(value, rows)| (value, *rows)).collect();
    match parts.first() {
        Some((model, _)) => concat_lists(model, group, &parts, nulls),
        None => Ok(Val::NONE),
    }
}

/// Where the rows of a mask are: those that are set, and the others.
pub(super) fn split(mask: &BooleanBuffer) -> (Vec<u32>, Vec<u32>) {
    let set: Vec<u32> = mask.set_indices_u32().collect();
    let unset = !mask;
    (set, unset.set_indices_u32().collect())
}

/// One column out of two that hold the rows of `mask`: `yes` those that are set, `no` the others, each in order.
pub(super) fn merge(mask: &BooleanBuffer, yes: &Val, no: &Val) -> Result<Val> {
    let rows = mask.len();
    let set = mask.count_set_bits();
    if let (Val::Const(a), Val::Const(b)) = (yes, no)
        && a == b
    {
        return Ok(yes.clone());
    }
    let all = concat(&[(yes, set), (no, rows - set)])?;
    let (mut next_yes, mut next_no) = (0, set as u32);
    let order: Vec<u32> = mask
        .iter()
        .map(|bit| {
            let next = if bit { &mut next_yes } else { &mut next_no };
            *next += 1;
            *next - 1
        })
        .collect();
    take(&all, &order)
}

/// One column out of two that hold all rows: `yes` where `mask` is set, `no` elsewhere.
pub(super) fn choose(mask: &BooleanBuffer, yes: &Val, no: &Val) -> Result<Val> {
    let rows = mask.len();
    Ok(match (yes, no) {
        (Val::Const(a), Val::Const(b)) if a == b => yes.clone(),
        (Val::Const(Value::Bool(a)), Val::Const(Value::Bool(_))) => Val::bool(if *a { mask.clone() } else { !mask }),
        (Val::Const(Value::Int(a)), Val::Const(Value::Int(b))) => {
            Val::int(mask.iter().map(|bit| if bit { *a } else { *b }).collect())
        }
        (Val::Int(a, None), Val::Int(b, None)) => {
            Val::int(mask.iter().zip(a.iter().zip(b)).map(|(bit, (a, b))| if bit { *a } else { *b }).collect())
        }
        (Val::Int(a, None), Val::Const(Value::Int(b))) => {
            Val::int(mask.iter().zip(a).map(|(bit, a)| if bit { *a } else { *b }).collect())
        }
        (Val::Const(Value::Int(a)), Val::Int(b, None)) => {
            Val::int(mask.iter().zip(b).map(|(bit, b)| if bit { *a } else { *b }).collect())
        }
        (Val::Float(a, None), Val::Float(b, None)) => {
            Val::float(mask.iter().zip(a.iter().zip(b)).map(|(bit, (a, b))| if bit { *a } else { *b }).collect())
        }
        _ => {
            let all = concat(&[(yes, rows), (no, rows)])?;
            let order: Vec<u32> =
                mask.iter().enumerate().map(|(row, bit)| (if bit { row } else { rows + row }) as u32).collect();
            take(&all, &order)?
        }
    })
}

/// Columns of `rows` rows each, interleaved: the first row of each, then the second of each ...
pub(super) fn interleave(columns: &[Val], rows: usize) -> Result<Val> {
    let parts: Vec<(&Val, usize)> = columns.iter().map(|column| (column, rows)).collect();
    let all = concat(&parts)?;
    let mut order = Vec::with_capacity(rows * columns.len());
    for row in 0..rows {
        order.extend((0..columns.len()).map(|column| (column * rows + row) as u32));
    }
    take(&all, &order)
}
