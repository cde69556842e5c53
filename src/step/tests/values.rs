//! A plain model of Python's values, and columns made of them and read back.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, NullArray, StringViewArray};
use arrow_buffer::OffsetBuffer;

use crate::block::{Columns, Kind, list_array, tuple_array};
use crate::expr::Real;

/// A value. Ints have more bits than a column holds, as Python's have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Value {
    None,
    Int(i128),
    Float(Real),
    Text(String),
    Tuple(Vec<Value>),
    List(Vec<Value>),
}

pub(super) use Value::Int;

/// An int that no column holds.
pub(super) const BIG: Value = Int(1 << 70);

pub(super) fn ints(numbers: impl IntoIterator<Item = i64>) -> Vec<Value> {
    numbers.into_iter().map(|number| Int(number.into())).collect()
}

pub(super) fn pair(key: Value, value: Value) -> Value {
    Value::Tuple(vec![key, value])
}

pub(super) fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

impl Value {
    pub(super) fn int(&self) -> i128 {
        match self {
            Int(number) => *number,
            other => panic!("{other:?} is no int"),
        }
    }

    /// Item `at` of a tuple or list.
    pub(super) fn item(&self, at: usize) -> Self {
        self.items()[at].clone()
    }

    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::Tuple(items) | Self::List(items) => items,
            other => panic!("{other:?} has no items"),
        }
    }

    /// `self + other`
    pub(super) fn plus(&self, other: &Self) -> Self {
        match (self, other) {
            (Int(one), Int(other)) => Int(one.wrapping_add(*other)),
            (Self::Text(one), Self::Text(other)) => Self::Text(format!("{one}{other}")),
            other => panic!("{other:?} cannot be added"),
        }
    }
}

/// The column that values fit into, if they do.
pub(super) fn to_columns(values: &[Value]) -> Option<Columns> {
    let (kind, array) = column(&values.iter().collect::<Vec<_>>())?;
    Some(Columns::new(kind, array))
}

fn column(values: &[&Value]) -> Option<(Kind, ArrayRef)> {
    let some = |value: &&&Value| ***value != Value::None;
    let Some(first) = values.iter().find(some) else {
        return Some((Kind::None, Arc::new(NullArray::new(values.len()))));
    };
    match first {
        Value::None => None,
        Int(_) => {
            let number = |value: &&Value| match value {
                Value::None => Some(None),
                Int(number) => i64::try_from(*number).ok().map(Some),
                _ => None,
            };
            let numbers: Option<Vec<Option<i64>>> = values.iter().map(number).collect();
            Some((Kind::Int, Arc::new(Int64Array::from(numbers?))))
        }
        Value::Float(_) => {
            let number = |value: &&Value| match value {
                Value::Float(number) => Some(number.0),
                _ => None,
            };
            let numbers: Option<Vec<f64>> = values.iter().map(number).collect();
            Some((Kind::Float, Arc::new(Float64Array::from(numbers?))))
        }
        Value::Text(_) => {
            let text = |value: &&Value| match value {
                Value::None => Some(None),
                Value::Text(text) => Some(Some(text.clone())),
                _ => None,
            };
            let texts: Option<Vec<Option<String>>> = values.iter().map(text).collect();
            Some((Kind::Str, Arc::new(StringViewArray::from_iter(texts?))))
        }
        Value::Tuple(items) => {
            let alike = |value: &&Value| matches!(value, Value::Tuple(others) if others.len() == items.len());
            if items.is_empty() || !values.iter().all(alike) {
                return None;
            }
            let item = |at: usize| column(&values.iter().map(|value| &value.items()[at]).collect::<Vec<_>>());
            let items: Option<Vec<_>> = (0..items.len()).map(item).collect();
            let (items, arrays) = items?.into_iter().unzip();
            Some((Kind::Tuple { items, class: None }, tuple_array(arrays, None).unwrap()))
        }
        Value::List(_) => {
            if !values.iter().all(|value| matches!(value, Value::List(_))) {
                return None;
            }
            let (kind, items) = column(&values.iter().flat_map(|value| value.items()).collect::<Vec<_>>())?;
            let offsets = OffsetBuffer::from_lengths(values.iter().map(|value| value.items().len()));
            Some((Kind::List(Box::new(kind)), list_array(items, offsets, None).unwrap()))
        }
    }
}

/// The values of a column.
pub(super) fn values_of(columns: &Columns) -> Vec<Value> {
    read(columns.kind(), columns.array())
}

fn read(kind: &Kind, array: &ArrayRef) -> Vec<Value> {
    let one = |row: usize| match kind {
        _ if array.logical_nulls().is_some_and(|nulls| nulls.is_null(row)) => Value::None,
        Kind::Int => Int(array.as_primitive::<Int64Type>().value(row).into()),
        Kind::Float => Value::Float(Real(array.as_primitive::<Float64Type>().value(row))),
        Kind::Str => text(array.as_string_view().value(row)),
        Kind::Tuple { items, .. } => {
            let columns = array.as_struct().columns();
            let item = |(kind, column): (&Kind, &ArrayRef)| read(kind, &column.slice(row, 1)).remove(0);
            Value::Tuple(items.iter().zip(columns).map(item).collect())
        }
        Kind::List(item) | Kind::Group(item) => Value::List(read(item, &array.as_list::<i32>().value(row))),
        other => panic!("no test has a column of {other:?}"),
    };
    (0..array.len()).map(one).collect()
}

#[test]
fn values_come_back_from_columns() {
    let rows = vec![
        pair(text("a"), Value::List(ints([1, 2]))),
        pair(text("b"), Value::List(vec![])),
        pair(Value::None, Value::List(vec![Value::None])),
    ];
    assert_eq!(values_of(&to_columns(&rows).unwrap()), rows);
    assert_eq!(values_of(&to_columns(&rows).unwrap().slice(1, 2)), rows[1..]);
    for odd in [vec![BIG], vec![Int(1), text("a")], vec![pair(Int(1), Int(2)), Value::Tuple(vec![Int(1)])]] {
        assert!(to_columns(&odd).is_none(), "{odd:?}");
    }
}
