//! A captured dict of constants, ready for looking up columns of keys.

use std::sync::Arc;

use hashbrown::HashMap;

use super::cell::Cell;
use super::select;
use super::val::Val;
use super::value::{Real, Value};
use super::{Result, bail};

/// What makes two keys of a dict one: `1`, `1.0` and `True` are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    None,
    Int(i64),
    Big(Arc<str>),
    /// A number that is no integer of 64 bits, by its bits.
    Float(u64),
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
    Tuple(Vec<Key>),
}

/// A float as a key: that of the equal `int` if there is one.
fn float_key(value: f64) -> Result<Key> {
    if value.is_nan() {
        return bail("NaN as a key");
    }
    if value.fract() == 0.0 && (-(2f64.powi(63))..2f64.powi(63)).contains(&value) {
        return Ok(Key::Int(value as i64));
    }
    if value.is_finite() && value.fract() == 0.0 {
        return bail("a float beyond 64 bits as a key");
    }
    Ok(Key::Float(value.to_bits()))
}

fn key_of_value(value: &Value) -> Result<Key> {
    Ok(match value {
        Value::None => Key::None,
        Value::Bool(value) => Key::Int(i64::from(*value)),
        Value::Int(value) => Key::Int(*value),
        Value::Big(digits) => Key::Big(Arc::clone(digits)),
        Value::Float(Real(value)) => float_key(*value)?,
        Value::Str(text) => Key::Str(Arc::clone(text)),
        Value::Bytes(bytes) => Key::Bytes(Arc::clone(bytes)),
        Value::Tuple(items) => Key::Tuple(items.iter().map(key_of_value).collect::<Result<_>>()?),
    })
}

fn key_of_cell(cell: Cell<'_>) -> Result<Key> {
    Ok(match cell {
        Cell::None => Key::None,
        Cell::Bool(value) => Key::Int(i64::from(value)),
        Cell::Int(value) => Key::Int(value),
        Cell::Big(digits) => Key::Big(Arc::from(digits)),
        Cell::Float(value) => float_key(value)?,
        Cell::Str(text) => Key::Str(Arc::from(text)),
        Cell::Bytes(bytes) => Key::Bytes(bytes.into()),
        Cell::Tuple(tuples, row) => {
            Key::Tuple(tuples.items.iter().map(|item| key_of_cell(Cell::at(item, row))).collect::<Result<_>>()?)
        }
        Cell::List(..) | Cell::Table => return bail("a key that cannot be hashed"),
    })
}

/// A dict of constants.
#[derive(Debug)]
pub(super) struct Table {
    positions: HashMap<Key, u32>,
    /// As above for text alone, which is looked up without making a key.
    texts: HashMap<Arc<str>, u32>,
    values: Vec<Value>,
}

impl Table {
    /// Bails for keys that have no exact form here.
    pub fn new(entries: &[(Value, Value)]) -> Result<Self> {
        let mut positions = HashMap::with_capacity(entries.len());
        let mut texts = HashMap::new();
        for (position, (key, _)) in entries.iter().enumerate() {
            if positions.insert(key_of_value(key)?, position as u32).is_some() {
                return bail("a dict with a key twice");
            }
            if let Value::Str(text) = key {
                texts.insert(Arc::clone(text), position as u32);
            }
        }
        let values = entries.iter().map(|(_, value)| value.clone()).collect();
        Ok(Self { positions, texts, values })
    }

    /// A set of constants; equal ones count once.
    pub fn set(values: &[Value]) -> Result<Self> {
        let mut known = hashbrown::HashSet::new();
        let mut entries = Vec::with_capacity(values.len());
        for value in values {
            if known.insert(key_of_value(value)?) {
                entries.push((value.clone(), Value::None));
            }
        }
        Self::new(&entries)
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Where the key of each row is among the values.
    pub fn find(&self, keys: &Val, rows: usize) -> Result<Vec<Option<u32>>> {
        (0..rows)
            .map(|row| match Cell::at(keys, row) {
                Cell::Str(text) => Ok(self.texts.get(text).copied()),
                cell => Ok(self.positions.get(&key_of_cell(cell)?).copied()),
            })
            .collect()
    }

    /// `table[key]`, which bails for a missing key, or `table.get(key, default)`.
    pub fn get(&self, keys: &Val, default: Option<&Val>, rows: usize) -> Result<Val> {
        let found = self.find(keys, rows)?;
        let Some(default) = default else {
            let found: Option<Vec<u32>> = found.into_iter().collect();
            let Some(found) = found else { return bail("a key that is not in the dict") };
            return self.values_at(&found);
        };
        let (mut present, mut missing) = (Vec::new(), Vec::new());
        for (row, position) in found.iter().enumerate() {
            match position {
                Some(position) => present.push(*position),
                None => missing.push(row as u32),
            }
        }
        if missing.is_empty() {
            return self.values_at(&present);
        }
        let default = select::take(default, &missing)?;
        if present.is_empty() {
            return Ok(default);
        }
        let mask = arrow_buffer::BooleanBuffer::collect_bool(rows, |row| found[row].is_some());
        select::merge(&mask, &self.values_at(&present)?, &default)
    }

    /// The values at these positions; only they must be of one kind.
    fn values_at(&self, positions: &[u32]) -> Result<Val> {
        let mut column_positions = HashMap::new();
        let mut used: Vec<Value> = Vec::new();
        let mut order = Vec::with_capacity(positions.len());
        for position in positions {
            let place = *column_positions.entry(*position).or_insert_with(|| {
                used.push(self.values[*position as usize].clone());
                used.len() as u32 - 1
            });
            order.push(place);
        }
        select::take(&column_of(&used)?, &order)
    }
}

/// A column of constants.
pub(super) fn column_of(values: &[Value]) -> Result<Val> {
    let values: Vec<Val> = values.iter().cloned().map(Val::constant).collect();
    let parts: Vec<(&Val, usize)> = values.iter().map(|value| (value, 1)).collect();
    select::concat(&parts)
}
