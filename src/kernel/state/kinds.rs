//! Columns of kinds that differ in what is None alone: what are they together?

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, new_null_array};

use crate::block::{Columns, Kind, tuple_array};

/// Columns of one kind as arrays of one type: None counts as any kind, also as an item of tuples. None if they are of
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
    tuples(model.kind(), parts)
}

/// The same of tuples whose items are of different kinds.
fn tuples(model: &Kind, parts: &[Columns]) -> Option<(Kind, Vec<ArrayRef>)> {
    let Kind::Tuple { items, class } = model else { return None };
    let held: Vec<&Columns> = parts.iter().filter(|part| *part.kind() != Kind::None).collect();
    let mut kinds = Vec::with_capacity(items.len());
    let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::new(); held.len()];
    for item in 0..items.len() {
        let of_item = held.iter().map(|part| match part.kind() {
            Kind::Tuple { items: own, class: of } if own.len() == items.len() && of == class => {
                Some(Columns::new(own[item].clone(), Arc::clone(part.array().as_struct_opt()?.column(item))))
            }
            _ => None,
        });
        let (kind, arrays) = unified(&of_item.collect::<Option<Vec<_>>>()?)?;
        kinds.push(kind);
        columns.iter_mut().zip(arrays).for_each(|(columns, array)| columns.push(array));
    }
    let made = held.iter().zip(columns).map(|(part, items)| tuple_array(items, part.array().nulls().cloned()).ok());
    let mut made = made.collect::<Option<Vec<_>>>()?.into_iter();
    let kind = Kind::Tuple { items: kinds, class: class.clone() };
    let held: Vec<Option<ArrayRef>> =
        parts.iter().map(|part| (*part.kind() != Kind::None).then(|| made.next()).flatten()).collect();
    let data_type = held.iter().flatten().next()?.data_type().clone();
    let filled = held.into_iter().zip(parts);
    Some((kind, filled.map(|(array, part)| array.unwrap_or_else(|| new_null_array(&data_type, part.len()))).collect()))
}
