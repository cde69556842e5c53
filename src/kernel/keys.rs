//! Which rows have equal keys? Numbers every distinct key of a stream of columns, in the order of first appearance.
//!
//! 1. Two rows get one number exactly when a Python dict would hold them under one key. Keys of different kinds (1 and
//!    1.0) may be equal too, so a table takes columns of one kind only.
//! 2. NaN is refused: a dict finds it by identity, which columns do not keep.
//! 3. Of equal keys the first one stays, as in a dict (of 0.0 and -0.0, say).
//! 4. Nothing of the columns is kept but the distinct keys themselves.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Float64Array, Int64Array, NullArray, StringViewArray, UInt32Array,
};
use arrow_buffer::NullBuffer;
use arrow_select::concat::concat;
use arrow_select::take::take;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::encode::Encoder;
use super::texts::Texts;
use crate::block::Kind;
use crate::error::{EngineError, Result};

/// Numbers of distinct keys by first appearance.
pub struct KeyTable {
    kind: Kind,
    form: Form,
    /// The number of `None`, once it was seen.
    none: Option<u32>,
    count: u32,
}

enum Form {
    /// Keys of at most 64 bits, as they were. The table has their numbers alone: a fourth of its size with the keys in it.
    Words { table: HashTable<u32>, values: Vec<u64> },
    /// Text and bytes.
    Texts { table: HashTable<u32>, texts: Texts, hasher: DefaultHashBuilder },
    /// Tuples, as bytes that are equal when the tuples are. `firsts` are the keys themselves.
    Rows { table: HashTable<u32>, encoded: Texts, firsts: Vec<ArrayRef>, hasher: DefaultHashBuilder },
}

/// Keys that the table cannot tell apart as Python would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unhashable;

/// More keys than the table has numbers for.
const MOST: u32 = u32::MAX - 1;

#[inline]
fn mix(word: u64) -> u64 {
    // Multiplying spreads low bits up, folding brings high bits down: enough for a table that uses both ends.
    let wide = u128::from(word ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xa076_1d64_78bd_642f_e703_7ed1_a0b4_28db);
    (wide as u64) ^ ((wide >> 64) as u64)
}

impl KeyTable {
    /// An empty table; `None` for kinds it cannot hold (lists are no keys anyway).
    pub fn new(kind: &Kind) -> Option<Self> {
        let hasher = DefaultHashBuilder::default();
        let form = match kind {
            Kind::None | Kind::Bool | Kind::Int | Kind::Float => {
                Form::Words { table: HashTable::new(), values: Vec::new() }
            }
            Kind::Str | Kind::Bytes => Form::Texts { table: HashTable::new(), texts: Texts::default(), hasher },
            Kind::Tuple { .. } if Encoder::knows(kind) => {
                Form::Rows { table: HashTable::new(), encoded: Texts::default(), firsts: Vec::new(), hasher }
            }
            _ => return None,
        };
        Some(Self { kind: kind.clone(), form, none: None, count: 0 })
    }

    /// The kind of the keys.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Number of distinct keys.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is no key yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// About how many bytes the table holds.
    pub fn bytes(&self) -> usize {
        match &self.form {
            Form::Words { table, values } => table.allocation_size() + values.capacity() * 8,
            Form::Texts { table, texts, .. } => table.allocation_size() + texts.bytes(),
            Form::Rows { table, encoded, firsts, .. } => {
                let firsts: usize = firsts.iter().map(|array| array.get_array_memory_size()).sum();
                table.allocation_size() + encoded.bytes() + firsts
            }
        }
    }

    /// Numbers the keys of all rows, into `ids`. A refusal leaves the table as it was.
    pub fn number(&mut self, keys: &ArrayRef, ids: &mut Vec<u32>) -> Result<std::result::Result<(), Unhashable>> {
        ids.clear();
        ids.reserve(keys.len());
        if keys.len() as u64 + u64::from(self.count) > u64::from(MOST) {
            return Ok(Err(Unhashable));
        }
        let nulls = keys.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        let known = self.count;
        match &mut self.form {
            Form::Words { table, values } => {
                let Some(words) = words(&self.kind, keys)? else { return Ok(Err(Unhashable)) };
                let float = matches!(self.kind, Kind::Float);
                let mut finder = WordFinder { table, values, float, none: &mut self.none, count: &mut self.count };
                for (row, word) in words.iter().copied().enumerate() {
                    if row == SAMPLE {
                        finder.expect(expected(known, *finder.count, words.len()));
                    }
                    let null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
                    ids.push(if null { finder.null() } else { finder.find(word) });
                }
            }
            Form::Texts { table, texts, hasher } => {
                let values = Values::of(keys)?;
                let mut finder = Finder { table, texts, hasher, none: &mut self.none, count: &mut self.count };
                for row in 0..keys.len() {
                    if row == SAMPLE {
                        finder.expect(expected(known, *finder.count, keys.len()));
                    }
                    let null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
                    ids.push(if null { finder.null() } else { finder.find(values.view(row), || values.value(row)) });
                }
            }
            Form::Rows { table, encoded, firsts, hasher } => {
                let Some(encoder) = Encoder::new(&self.kind, keys) else { return Ok(Err(Unhashable)) };
                let mut new_rows: Vec<u32> = Vec::new();
                let mut finder = Finder { table, texts: encoded, hasher, none: &mut self.none, count: &mut self.count };
                let mut scratch = Vec::new();
                for row in 0..keys.len() {
                    scratch.clear();
                    encoder.encode(row, &mut scratch);
                    let id = finder.find(Texts::view_of(&scratch), || &scratch);
                    if id as usize == known as usize + new_rows.len() {
                        new_rows.push(row as u32);
                    }
                    ids.push(id);
                }
                if !new_rows.is_empty() {
                    firsts.push(take(keys, &UInt32Array::from(new_rows), None).map_err(kernel_error)?);
                }
            }
        }
        Ok(Ok(()))
    }

    /// The distinct keys in the order of their numbers.
    pub fn finish(self) -> Result<ArrayRef> {
        let count = self.count as usize;
        let nulls = self.none.map(|none| NullBuffer::from_iter((0..count).map(|id| id != none as usize)));
        Ok(match self.form {
            Form::Words { values, .. } => match self.kind {
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

/// Rows of a column after which it is guessed how many keys it has.
const SAMPLE: usize = if cfg!(test) { 8 } else { 2048 };
/// Most keys that room is made for at once: a column may begin with other keys than it ends.
const MOST_EXPECTED: usize = 1 << 16;

/// How many keys are still to come in `rows` rows if nearly all of the first ones were new; a table that grows step by step
/// puts every key into its place several times.
fn expected(known: u32, count: u32, rows: usize) -> usize {
    let new = (count - known) as usize;
    if new * 4 > SAMPLE * 3 { ((rows - SAMPLE) * new / SAMPLE).min(MOST_EXPECTED) } else { 0 }
}

/// Bits of -0.0.
const NEGATIVE_ZERO: u64 = 1 << 63;

fn next(count: &mut u32) -> u32 {
    let id = *count;
    *count += 1;
    id
}

/// Finds words in a table, or adds them.
struct WordFinder<'a> {
    table: &'a mut HashTable<u32>,
    values: &'a mut Vec<u64>,
    /// Whether words are bits of floats, of which two are zero.
    float: bool,
    none: &'a mut Option<u32>,
    count: &'a mut u32,
}

impl WordFinder<'_> {
    /// Makes room for more keys.
    fn expect(&mut self, more: usize) {
        self.values.reserve(more);
        let (float, values) = (self.float, &*self.values);
        let normal = |word: u64| if float && word == NEGATIVE_ZERO { 0 } else { word };
        self.table.reserve(more, |id| mix(normal(values[*id as usize])));
    }

    fn null(&mut self) -> u32 {
        *self.none.get_or_insert_with(|| {
            self.values.push(0);
            next(self.count)
        })
    }

    #[inline]
    fn find(&mut self, word: u64) -> u32 {
        let float = self.float;
        let normal = |word: u64| if float && word == NEGATIVE_ZERO { 0 } else { word };
        let (wanted, values) = (normal(word), &*self.values);
        if let Some(id) = self.table.find(mix(wanted), |id| normal(values[*id as usize]) == wanted) {
            return *id;
        }
        let id = next(self.count);
        self.values.push(word);
        let values = &*self.values;
        self.table.insert_unique(mix(wanted), id, |id| mix(normal(values[*id as usize])));
        id
    }
}

/// Finds texts in a table, or adds them.
struct Finder<'a> {
    table: &'a mut HashTable<u32>,
    texts: &'a mut Texts,
    hasher: &'a DefaultHashBuilder,
    none: &'a mut Option<u32>,
    count: &'a mut u32,
}

impl Finder<'_> {
    /// Makes room for more keys.
    fn expect(&mut self, more: usize) {
        self.texts.reserve(more);
        let texts = &*self.texts;
        self.table.reserve(more, |id| texts.hash(*id));
    }

    fn null(&mut self) -> u32 {
        *self.none.get_or_insert_with(|| {
            self.texts.push(Texts::view_of(&[]), &[], 0);
            next(self.count)
        })
    }

    #[inline]
    fn find<'v>(&mut self, view: u128, value: impl Fn() -> &'v [u8]) -> u32 {
        let hash = if Texts::is_inline(view) {
            mix((view as u64) ^ mix((view >> 64) as u64))
        } else {
            self.hasher.hash_one(value())
        };
        let texts = &*self.texts;
        if let Some(id) = self.table.find(hash, |id| texts.is(*id, view, &value)) {
            return *id;
        }
        let id = next(self.count);
        self.texts.push(view, value(), hash);
        let texts = &*self.texts;
        self.table.insert_unique(hash, id, |id| texts.hash(*id));
        id
    }
}

/// Text or bytes, by their views.
enum Values<'a> {
    Text(&'a StringViewArray),
    Bytes(&'a BinaryViewArray),
}

impl<'a> Values<'a> {
    fn of(keys: &'a ArrayRef) -> Result<Self> {
        if let Some(texts) = keys.as_string_view_opt() {
            return Ok(Self::Text(texts));
        }
        keys.as_binary_view_opt().map(Self::Bytes).ok_or_else(|| mismatch("text"))
    }

    #[inline]
    fn view(&self, row: usize) -> u128 {
        match self {
            Self::Text(texts) => texts.views()[row],
            Self::Bytes(values) => values.views()[row],
        }
    }

    #[inline]
    fn value(&self, row: usize) -> &'a [u8] {
        match self {
            Self::Text(texts) => texts.value(row).as_bytes(),
            Self::Bytes(values) => values.value(row),
        }
    }
}

/// The keys as words; `None` when there is a NaN among them.
fn words(kind: &Kind, keys: &ArrayRef) -> Result<Option<Vec<u64>>> {
    Ok(match kind {
        Kind::None => Some(vec![0; keys.len()]),
        Kind::Bool => {
            let values = keys.as_boolean_opt().ok_or_else(|| mismatch("bool"))?;
            Some(values.values().iter().map(u64::from).collect())
        }
        Kind::Int => {
            let values = keys.as_primitive_opt::<Int64Type>().ok_or_else(|| mismatch("int"))?;
            Some(values.values().iter().map(|value| *value as u64).collect())
        }
        _ => {
            let values = keys.as_primitive_opt::<Float64Type>().ok_or_else(|| mismatch("float"))?;
            if values.iter().flatten().any(f64::is_nan) {
                return Ok(None);
            }
            Some(values.values().iter().map(|value| value.to_bits()).collect())
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
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
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
