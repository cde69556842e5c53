//! Truth of values, row by row.

use arrow_buffer::BooleanBuffer;

use crate::expr::cell::{self, Cell};
use crate::expr::val::Val;
use crate::expr::value::Value;
use crate::expr::{Result, bail};

/// For which rows something holds; `Some` has rows of both sorts.
#[derive(Debug, Clone)]
pub(in crate::expr) enum Mask {
    All,
    None,
    Some(BooleanBuffer),
}

impl Mask {
    pub fn of(bits: BooleanBuffer) -> Self {
        match bits.count_set_bits() {
            0 => Self::None,
            set if set == bits.len() => Self::All,
            _ => Self::Some(bits),
        }
    }

    pub fn not(self) -> Self {
        match self {
            Self::All => Self::None,
            Self::None => Self::All,
            Self::Some(bits) => Self::Some(!&bits),
        }
    }

    pub fn into_bits(self, rows: usize) -> BooleanBuffer {
        match self {
            Self::All => BooleanBuffer::new_set(rows),
            Self::None => BooleanBuffer::new_unset(rows),
            Self::Some(bits) => bits,
        }
    }

    pub fn into_val(self, rows: usize) -> Val {
        match self {
            Self::All => Val::Const(Value::Bool(true)),
            Self::None => Val::Const(Value::Bool(false)),
            some @ Self::Some(_) => Val::bool(some.into_bits(rows)),
        }
    }
}

/// For which rows the value is true.
pub(in crate::expr) fn truth(value: &Val, rows: usize) -> Result<Mask> {
    let bits = match value {
        Val::Const(_) => return Ok(if cell::truth(Cell::at(value, 0)) { Mask::All } else { Mask::None }),
        Val::Table(table) => return Ok(if table.len() > 0 { Mask::All } else { Mask::None }),
        Val::Regex(_) => return Ok(Mask::All),
        Val::Bool(values, _) => values.clone(),
        Val::Int(values, _) => BooleanBuffer::collect_bool(rows, |row| values[row] != 0),
        Val::Float(values, _) => BooleanBuffer::collect_bool(rows, |row| values[row] != 0.0),
        Val::Str(texts) => BooleanBuffer::collect_bool(rows, |row| texts.views()[row] as u32 != 0),
        Val::Bytes(values) => BooleanBuffer::collect_bool(rows, |row| values.views()[row] as u32 != 0),
        Val::Tuple(tuples) if tuples.items.is_empty() => BooleanBuffer::new_unset(rows),
        Val::Tuple(_) => BooleanBuffer::new_set(rows),
        Val::List(lists) => BooleanBuffer::collect_bool(rows, |row| !lists.range(row).is_empty()),
    };
    if bits.len() != rows {
        return bail("a column of another length than its chunk");
    }
    Ok(Mask::of(match value.nulls() {
        Some(nulls) => &bits & nulls.inner(),
        None => bits,
    }))
}
