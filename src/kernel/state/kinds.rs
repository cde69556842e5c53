//! Columns of kinds that differ in what is None alone: what are they together?

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, new_null_array};

use crate::block::{ClassTag, Columns, Kind, list_array, tuple_array};

/// Columns of one kind as arrays of one type: None counts as any kind, also within tuples and lists. None if they are of
/// several kinds.
pub(super) fn unified(parts: &[Columns]) -> Option<(Kind, Vec<ArrayRef>)> {
    let Some(model) = parts.iter().find(|part| *part.kind() != Kind::None) else {
        // Results without a value have no type of their own.
        return Some((Kind::None, parts.iter().map(|part| Arc::clone(part.array())).collect()));
    };
    if parts.iter().all(|part| [model.kind(), &Kind::None].contains(&part.kind())) {
        let filled = parts.iter().map(|part| match part.kind() {
            Kind::None => new_null_array(model.array().data_type(), part.len()),
            _ => Arc::clone(part.array()),
        });
        return Some((model.kind().clone(), filled.collect()));
    }
    match model.kind() {
        Kind::Tuple { items, class } => tuples(items.len(), class.as_ref(), parts),
        Kind::List(_) => lists(parts),
        _ => None,
    }
}

/// The same of tuples whose items are of different kinds.
fn tuples(length: usize, class: Option<&ClassTag>, parts: &[Columns]) -> Option<(Kind, Vec<ArrayRef>)> {
    let held: Vec<&Columns> = parts.iter().filter(|part| *part.kind() != Kind::None).collect();
    let mut kinds = Vec::with_capacity(length);
    let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::new(); held.len()];
    for item in 0..length {
        let of_item = held.iter().map(|part| match part.kind() {
            Kind::Tuple { items: own, class: of } if own.len() == length && of.as_ref() == class => {
                Some(Columns::new(own[item].clone(), Arc::clone(part.array().as_struct_opt()?.column(item))))
            }
            _ => None,
        });
        let (kind, arrays) = unified(&of_item.collect::<Option<Vec<_>>>()?)?;
        kinds.push(kind);
        columns.iter_mut().zip(arrays).for_each(|(columns, array)| columns.push(array));
    }
    let made = held.iter().zip(columns).map(|(part, items)| tuple_array(items, part.array().nulls().cloned()).ok());
    let kind = Kind::Tuple { items: kinds, class: class.cloned() };
    Some((kind, with_nones(parts, made.collect::<Option<_>>()?)?))
}

/// The same of lists whose elements are of different kinds: those of empty lists, say.
fn lists(parts: &[Columns]) -> Option<(Kind, Vec<ArrayRef>)> {
    let held: Vec<&Columns> = parts.iter().filter(|part| *part.kind() != Kind::None).collect();
    let lists: Vec<&ListArray> = held.iter().map(|part| part.array().as_list_opt::<i32>()).collect::<Option<_>>()?;
    let elements = held.iter().zip(&lists).map(|(part, list)| match part.kind() {
        Kind::List(element) => Some(Columns::new((**element).clone(), Arc::clone(list.values()))),
        _ => None,
    });
    let (kind, elements) = unified(&elements.collect::<Option<Vec<_>>>()?)?;
    let made = lists.iter().zip(elements);
    let made = made.map(|(list, elements)| list_array(elements, list.offsets().clone(), list.nulls().cloned()).ok());
    Some((Kind::List(Box::new(kind)), with_nones(parts, made.collect::<Option<_>>()?)?))
}

/// `made`, which are of one type, and in between the parts that are None.
fn with_nones(parts: &[Columns], made: Vec<ArrayRef>) -> Option<Vec<ArrayRef>> {
    let data_type = made.first()?.data_type().clone();
    let mut made = made.into_iter();
    let filled = parts.iter().map(|part| match part.kind() {
        Kind::None => Some(new_null_array(&data_type, part.len())),
        _ => made.next(),
    });
    filled.collect()
}
