//! Which rows have equal keys? Numbers every distinct key of a stream of columns, in the order of first appearance.
//!
//! 1. Two rows get one number exactly when a Python dict would hold them under one key. Keys of different kinds (1 and
//!    1.0) may be equal too, so a table takes columns of one kind only.
//! 2. NaN is refused: a dict finds it by identity, which columns do not keep.
//! 3. Of equal keys the first one stays, as in a dict (of 0.0 and -0.0, say).
//! 4. Nothing of the columns is kept but the distinct keys themselves.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, NullArray, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_select::concat::concat;
use arrow_select::take::take;
use hashbrown::DefaultHashBuilder;

use super::encode::Encoder;
use super::numbering::{Numbers, TextColumn, TupleColumn, WordColumn};
use super::texts::Texts;
use crate::block::Kind;
use crate::error::{EngineError, Result};

/// Numbers of distinct keys by first appearance.
pub struct KeyTable {
    kind: Kind,
    form: Form,
    numbers: Numbers,
}

/// The distinct keys.
enum Form {
    /// Keys of at most 64 bits, as they were.
    Words(Vec<u64>),
    /// Text and bytes.
    Texts { texts: Texts, hasher: DefaultHashBuilder },
    /// Tuples, as bytes that are equal when the tuples are. `firsts` are the keys themselves.
    Rows { encoded: Texts, firsts: Vec<ArrayRef>, hasher: DefaultHashBuilder },
}

/// Keys that the table cannot tell apart as Python would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unhashable;

/// More keys than the table has numbers for.
const MOST: u32 = u32::MAX - 1;

impl KeyTable {
    /// An empty table; `None` for kinds it cannot hold (lists are no keys anyway).
    pub fn new(kind: &Kind) -> Option<Self> {
        let hasher = DefaultHashBuilder::default();
        let form = match kind {
            Kind::None | Kind::Bool | Kind::Int | Kind::Float => Form::Words(Vec::new()),
            Kind::Str | Kind::Bytes => Form::Texts { texts: Texts::default(), hasher },
            Kind::Tuple { .. } if kind.facts().keys => {
                Form::Rows { encoded: Texts::default(), firsts: Vec::new(), hasher }
            }
            _ => return None,
        };
        Some(Self { kind: kind.clone(), form, numbers: Numbers::new() })
    }

    /// The kind of the keys.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Number of distinct keys.
    pub fn len(&self) -> usize {
        self.numbers.count as usize
    }

    /// Whether there is no key yet.
    pub fn is_empty(&self) -> bool {
        self.numbers.count == 0
    }

    /// About how many bytes the table holds.
    pub fn bytes(&self) -> usize {
        let keys = match &self.form {
            Form::Words(values) => values.capacity() * 8,
            Form::Texts { texts, .. } => texts.bytes(),
            Form::Rows { encoded, firsts, .. } => {
                encoded.bytes() + firsts.iter().map(|array| array.get_array_memory_size()).sum::<usize>()
            }
        };
        self.numbers.bytes() + keys
    }

    /// Numbers the keys of all rows, into `ids`. A refusal leaves the table as it was.
    pub fn number(&mut self, keys: &ArrayRef, ids: &mut Vec<u32>) -> Result<std::result::Result<(), Unhashable>> {
        ids.clear();
        ids.reserve(keys.len());
        if keys.len() as u64 + u64::from(self.numbers.count) > u64::from(MOST) {
            return Ok(Err(Unhashable));
        }
        let nulls = keys.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        match &mut self.form {
            Form::Words(values) => {
                let Some(words) = words(&self.kind, keys)? else { return Ok(Err(Unhashable)) };
                let (words, nulls) = (words.as_ref(), nulls.as_ref());
                if self.kind == Kind::Float {
                    self.numbers.number(&mut WordColumn::<true> { words, known: values }, nulls, ids);
                } else {
                    self.numbers.number(&mut WordColumn::<false> { words, known: values }, nulls, ids);
                }
            }
            Form::Texts { texts, hasher } => {
                let column = TextColumn::new(keys, texts, hasher).ok_or_else(|| mismatch("text"))?;
                column.number(&mut self.numbers, nulls.as_ref(), ids);
            }
            Form::Rows { encoded, firsts, hasher } => {
                let Some(encoder) = Encoder::new(&self.kind, keys) else { return Ok(Err(Unhashable)) };
                let mut column = TupleColumn::new(encoder, keys.len(), encoded, hasher);
                // A None among the keys has a form, too.
                self.numbers.number(&mut column, None, ids);
                let new_rows = column.new_rows();
                if !new_rows.is_empty() {
                    firsts.push(take(keys, &UInt32Array::from(new_rows), None).map_err(kernel_error)?);
                }
            }
        }
        Ok(Ok(()))
    }

    /// The distinct keys in the order of their numbers.
    pub fn finish(self) -> Result<ArrayRef> {
        let count = self.len();
        let nulls = self.numbers.none.map(|none| NullBuffer::from_iter((0..count).map(|id| id != none as usize)));
        Ok(match self.form {
            Form::Words(values) => match self.kind {
                Kind::Int => {
                    let values: Vec<i64> = values.into_iter().map(|word| word as i64).collect();
                    Arc::new(Int64Array::new(values.into(), nulls))
                }
                Kind::Float => {
                    let values: Vec<f64> = values.into_iter().map(f64::from_bits).collect();
                    Arc::new(Float64Array::new(values.into(), nulls))
                }
                Kind::Bool => {
                    let values = values.into_iter().map(|word| word != 0).collect();
                    Arc::new(BooleanArray::new(values, nulls))
                }
                _ => Arc::new(NullArray::new(count)),
            },
            Form::Texts { texts, .. } => texts.finish(matches!(self.kind, Kind::Str), nulls)?,
            Form::Rows { firsts, .. } => joined(&firsts)?,
        })
    }
}

/// The keys as words; `None` when there is a NaN among them.
fn words<'a>(kind: &Kind, keys: &'a ArrayRef) -> Result<Option<Cow<'a, [u64]>>> {
    Ok(match kind {
        Kind::None => Some(vec![0; keys.len()].into()),
        Kind::Bool => {
            let values = keys.as_boolean_opt().ok_or_else(|| mismatch("bool"))?;
            Some(values.values().iter().map(u64::from).collect())
        }
        Kind::Int => {
            let values = keys.as_primitive_opt::<Int64Type>().ok_or_else(|| mismatch("int"))?;
            Some(values.values().inner().typed_data().into())
        }
        _ => {
            let values = keys.as_primitive_opt::<Float64Type>().ok_or_else(|| mismatch("float"))?;
            if values.iter().flatten().any(f64::is_nan) {
                return Ok(None);
            }
            Some(values.values().inner().typed_data().into())
        }
    })
}

/// Several arrays of one type as one.
pub fn joined(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let parts: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    concat(&parts).map_err(kernel_error)
}

/// An error of Arrow that no data can cause.
pub fn kernel_error(error: impl std::fmt::Display) -> EngineError {
    EngineError::Bug(format!("columns of a kernel do not fit together: {error}"))
}

fn mismatch(kind: &str) -> EngineError {
    EngineError::Bug(format!("a column of {kind} keys has another Arrow type"))
}

#[cfg(test)]
mod tests {
    use arrow_array::StringViewArray;
    use proptest::prelude::*;

    use super::*;
    use crate::block::tuple_array;

    type Row = (Option<String>, i64);

    fn number(table: &mut KeyTable, keys: ArrayRef) -> Vec<u32> {
        let mut ids = Vec::new();
        table.number(&keys, &mut ids).unwrap().unwrap();
        ids
    }

    #[test]
    fn keys_are_numbered_by_first_appearance() {
        let mut table = KeyTable::new(&Kind::Int).unwrap();
        assert_eq!(number(&mut table, Arc::new(Int64Array::from(vec![Some(7), None, Some(7), Some(0)]))), [0, 1, 0, 2]);
        assert_eq!(number(&mut table, Arc::new(Int64Array::from(vec![None, Some(9)]))), [1, 3]);
        let keys = table.finish().unwrap();
        let keys: Vec<Option<i64>> = keys.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(keys, [Some(7), None, Some(0), Some(9)]);
    }

    #[test]
    fn of_two_zeros_the_first_stays_and_nan_is_refused() {
        let mut table = KeyTable::new(&Kind::Float).unwrap();
        assert_eq!(number(&mut table, Arc::new(Float64Array::from(vec![-0.0, 0.0, 1.0]))), [0, 0, 1]);
        let nan: ArrayRef = Arc::new(Float64Array::from(vec![2.0, f64::NAN]));
        assert_eq!(table.number(&nan, &mut Vec::new()).unwrap(), Err(Unhashable));
        assert_eq!(table.len(), 2);
        assert!(table.finish().unwrap().as_primitive::<Float64Type>().value(0).is_sign_negative());
    }

    #[test]
    fn an_empty_text_is_not_none() {
        let mut table = KeyTable::new(&Kind::Str).unwrap();
        let keys = StringViewArray::from(vec![None, Some(""), None, Some("")]);
        assert_eq!(number(&mut table, Arc::new(keys)), [0, 1, 0, 1]);
        let keys = table.finish().unwrap();
        assert_eq!(keys.as_string_view().iter().collect::<Vec<_>>(), [None, Some("")]);
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_a_map(rows in prop::collection::vec(
            (prop::option::of("[ab\u{e9}]{0,2}|[ab]{11,14}|prefix-[ab]{8}"), -1_i64..2), 0..60
        ), cut in 0_usize..60) {
            let cut = cut.min(rows.len());
            let texts = |rows: &[Row]| -> ArrayRef {
                Arc::new(StringViewArray::from_iter(rows.iter().map(|row| row.0.clone())))
            };
            let tuples = |rows: &[Row]| -> ArrayRef {
                let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)));
                tuple_array(vec![texts(rows), numbers], None).unwrap()
            };
            let model = |key: &dyn Fn(&Row) -> Row| -> Vec<u32> {
                let mut known = std::collections::HashMap::new();
                rows.iter().map(|row| { let next = known.len() as u32; *known.entry(key(row)).or_insert(next) }).collect()
            };
            let mut table = KeyTable::new(&Kind::Str).unwrap();
            let mut ids = number(&mut table, texts(&rows[..cut]));
            ids.extend(number(&mut table, texts(&rows[cut..])));
            prop_assert_eq!(&ids, &model(&|row| (row.0.clone(), 0)));
            let keys = table.finish().unwrap();
            for (row, id) in rows.iter().zip(&ids) {
                let key = keys.is_valid(*id as usize).then(|| keys.as_string_view().value(*id as usize));
                prop_assert_eq!(key, row.0.as_deref());
            }
            let kind = Kind::Tuple { items: vec![Kind::Str, Kind::Int], class: None };
            let mut table = KeyTable::new(&kind).unwrap();
            let mut ids = number(&mut table, tuples(&rows[..cut]));
            ids.extend(number(&mut table, tuples(&rows[cut..])));
            prop_assert_eq!(&ids, &model(&Clone::clone));
            if !rows.is_empty() {
                let keys = table.finish().unwrap();
                for (row, id) in rows.iter().zip(&ids) {
                    prop_assert_eq!(keys.as_struct().column(1).as_primitive::<Int64Type>().value(*id as usize), row.1);
                }
            }
        }
    }
}
