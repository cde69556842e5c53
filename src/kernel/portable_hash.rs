//! To which partition does Spark send a key? `portable_hash(key) % partitions`, computed here without an interpreter.
//!
//! Follows `pyspark.rdd.portable_hash` on a worker, which runs with `PYTHONHASHSEED=0`.
//! 1. Equal keys hash equally: 1, 1.0 and `True` do, and so does a key whether it is an object or in a column.
//! 2. `None` hashes to 0. So does NaN, which Python hashes by identity: any answer is as good there.
//! 3. Hashes are Python's signed 64-bit ones, and never -1.
//!
//! Elsewhere: the same for Python objects (`object/values/hash.rs`).

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};

use super::siphash::{Algorithm, not_minus_one};
use crate::block::{Columns, Kind};

/// Numbers hash to their value modulo this Mersenne prime.
const MODULUS: u64 = (1 << MODULUS_BITS) - 1;
const MODULUS_BITS: u32 = 61;

/// Python's `hash % partitions`: never negative.
#[inline]
pub fn bucket(hash: i64, partitions: usize) -> usize {
    hash.rem_euclid(partitions as i64) as usize
}

/// `hash()` of an `int`.
#[inline]
pub fn hash_i64(value: i64) -> i64 {
    let rest = (value.unsigned_abs() % MODULUS) as i64;
    not_minus_one(if value < 0 { -rest } else { rest })
}

/// `hash()` of a `float`: that of the equal `int`, if there is one.
pub fn hash_f64(value: f64) -> i64 {
    if value.is_nan() {
        return 0;
    }
    if value.is_infinite() {
        return if value < 0.0 { -314_159 } else { 314_159 };
    }
    // value = +-digits * 2^power. Multiplying by 2^power modulo 2^61 - 1 rotates the 61 bits.
    let bits = value.to_bits();
    let stored_power = ((bits >> 52) & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let digits = if stored_power == 0 { fraction } else { fraction | (1 << 52) };
    let turn = (stored_power.max(1) - 1075).rem_euclid(MODULUS_BITS as i32) as u32;
    let rest = ((digits << turn) & MODULUS) | (digits >> (MODULUS_BITS - turn));
    let rest = rest as i64;
    not_minus_one(if value < 0.0 { -rest } else { rest })
}

/// `hash()` of a `str`.
pub fn hash_str(text: &str, algorithm: Algorithm) -> i64 {
    hash_text(text, algorithm, &mut Vec::new())
}

/// The text of a view that is of 1 to 7 characters of ASCII, as the lowest bytes of a number, and its length.
#[inline]
fn short_ascii(view: u128) -> Option<(u64, usize)> {
    let (length, text) = (view as u32 as usize, (view >> 32) as u64);
    ((1..8).contains(&length) && text & 0x8080_8080_8080_8080 == 0).then_some((text, length))
}

/// As `hash_str`, with a buffer for text that CPython stores otherwise than as UTF-8.
#[inline]
fn hash_text(text: &str, algorithm: Algorithm, scratch: &mut Vec<u8>) -> i64 {
    if text.is_ascii() {
        return algorithm.hash(text.as_bytes());
    }
    scratch.clear();
    // The widest character decides how many bytes all characters take, in the machine's order.
    match text.chars().max().map_or(0, u32::from) {
        0..=0xff => scratch.extend(text.chars().map(|c| u32::from(c) as u8)),
        0x100..=0xffff => text.chars().for_each(|c| scratch.extend((u32::from(c) as u16).to_ne_bytes())),
        _ => text.chars().for_each(|c| scratch.extend(u32::from(c).to_ne_bytes())),
    }
    algorithm.hash(scratch)
}

/// Spark's own hash of a tuple, item by item.
#[derive(Debug, Clone, Copy)]
pub struct TupleHash(i64);

impl TupleHash {
    /// The hash before the first item.
    pub fn new() -> Self {
        Self(0x0034_5678)
    }

    /// Adds the portable hash of the next item.
    #[inline]
    pub fn add(&mut self, item: i64) {
        // Spark multiplies unbounded integers, then keeps 63 bits (`sys.maxsize`): those do not depend on the rest.
        self.0 = (self.0 ^ item).wrapping_mul(1_000_003) & i64::MAX;
    }

    /// The portable hash of a tuple of `length` items.
    #[inline]
    pub fn finish(self, length: usize) -> i64 {
        not_minus_one(self.0 ^ length as i64)
    }
}

impl Default for TupleHash {
    fn default() -> Self {
        Self::new()
    }
}

/// The portable hash of every element; `None` for kinds that Python must be asked about (lists: it raises).
pub fn hash_columns(columns: &Columns, algorithm: Algorithm) -> Option<Vec<i64>> {
    hash_array(columns.kind(), columns.array(), algorithm)
}

fn hash_array(kind: &Kind, array: &ArrayRef, algorithm: Algorithm) -> Option<Vec<i64>> {
    let mut scratch = Vec::new();
    let mut hashes: Vec<i64> = match kind {
        Kind::None => vec![0; array.len()],
        Kind::Bool => array.as_boolean_opt()?.values().iter().map(i64::from).collect(),
        Kind::Int => array.as_primitive_opt::<Int64Type>()?.values().iter().copied().map(hash_i64).collect(),
        Kind::Float => array.as_primitive_opt::<Float64Type>()?.values().iter().copied().map(hash_f64).collect(),
        Kind::Str => {
            let texts = array.as_string_view_opt()?;
            let hash = |(index, view): (usize, &u128)| match short_ascii(*view) {
                Some((text, length)) => algorithm.hash_short(text, length),
                None => hash_text(texts.value(index), algorithm, &mut scratch),
            };
            texts.views().iter().enumerate().map(hash).collect()
        }
        Kind::Bytes => {
            let values = array.as_binary_view_opt()?;
            (0..values.len()).map(|index| algorithm.hash(values.value(index))).collect()
        }
        Kind::Tuple { items, .. } => hash_tuples(items, array, algorithm)?,
        Kind::List(_) | Kind::Group(_) => return None,
    };
    if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
        hashes.iter_mut().zip(nulls).filter(|(_, valid)| !valid).for_each(|(hash, _)| *hash = 0);
    }
    Some(hashes)
}

fn hash_tuples(kinds: &[Kind], array: &ArrayRef, algorithm: Algorithm) -> Option<Vec<i64>> {
    let tuples = array.as_struct_opt()?;
    let mut states = vec![TupleHash::new(); tuples.len()];
    for (kind, items) in kinds.iter().zip(tuples.columns()) {
        let hashes = hash_array(kind, items, algorithm)?;
        states.iter_mut().zip(hashes).for_each(|(state, hash)| state.add(hash));
    }
    Some(states.into_iter().map(|state| state.finish(kinds.len())).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{BinaryViewArray, BooleanArray, Float64Array, Int64Array, ListArray, StringViewArray};

    use super::*;
    use crate::block::tuple_array;

    const SIP: Algorithm = Algorithm::SipHash13;

    #[test]
    fn text_hashes_as_cpython_stores_it() {
        // PYTHONHASHSEED=0 python3.11, then 3.10
        let cases = [
            ("", 0, 0),
            ("a", 4644417185603328019, -7583489610679606711),
            ("hello world", -5642461784034726774, 6266945022561323786),
            ("spark streaming is fun", -760348917039156769, 7982476112580061566),
            ("é", 6047309291227476195, 4954367630624915103),
            ("naïve café", -3140414782110216922, 867611420889090629),
            ("日本語", 7116994712188270, 7825440687882197001),
            ("😀 mixed é 日", 6510817126405751739, -5408850810229193000),
        ];
        for (text, sip13, sip24) in cases {
            assert_eq!(hash_str(text, SIP), sip13, "{text}");
            assert_eq!(hash_str(text, Algorithm::SipHash24), sip24, "{text}");
        }
    }

    #[test]
    fn numbers_hash_as_in_cpython() {
        let ints = [(-1, -2), (-2, -2), ((1 << 61) - 1, 0), (1 << 61, 1), (i64::MIN, -4), (i64::MAX, 3)];
        for (value, expected) in ints {
            assert_eq!(hash_i64(value), expected, "{value}");
        }
        let floats = [
            (0.5, 1152921504606846976),
            (-1.0, -2),
            (-0.0, 0),
            (1e300, 1224995262755759164),
            (-1e-300, -482449582752280463),
            (2.5, 1152921504606846978),
            (5e-324, 16777216),
            (1e22, 1864712049423028464),
            (0.1, 230584300921369408),
            (f64::INFINITY, 314159),
            (f64::NEG_INFINITY, -314159),
            (f64::NAN, 0),
        ];
        for (value, expected) in floats {
            assert_eq!(hash_f64(value), expected, "{value}");
        }
    }

    #[test]
    fn a_float_hashes_as_the_equal_int() {
        for value in [0, 1, -1, 7, -12345, 1 << 52, -(1 << 60), i64::MIN, 1 << 61] {
            assert_eq!(hash_f64(value as f64), hash_i64(value), "{value}");
        }
    }

    #[test]
    fn buckets_are_never_negative() {
        assert_eq!(bucket(-7, 3), 2);
        assert_eq!(bucket(7, 3), 1);
        assert_eq!(bucket(i64::MIN, 1), 0);
    }

    #[test]
    fn tuples_hash_by_sparks_formula_and_nulls_to_zero() {
        let words: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None, Some("日本")]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 7, 3]));
        let kind = Kind::Tuple { items: vec![Kind::Str, Kind::Int], class: None };
        let array = tuple_array(vec![words, numbers], Some(vec![true, true, false].into())).unwrap();
        let hashes = hash_columns(&Columns::new(kind, array), SIP).unwrap();
        let mut second = TupleHash::new();
        second.add(0);
        second.add(7);
        assert_eq!(hashes, [102774922574124034, second.finish(2), 0]);
    }

    #[test]
    fn equal_values_of_different_kinds_share_a_hash() {
        let ints = Columns::new(Kind::Int, Arc::new(Int64Array::from(vec![1, 0])));
        let floats = Columns::new(Kind::Float, Arc::new(Float64Array::from(vec![1.0, -0.0])));
        let bools = Columns::new(Kind::Bool, Arc::new(BooleanArray::from(vec![true, false])));
        for columns in [ints, floats, bools] {
            assert_eq!(hash_columns(&columns, SIP).unwrap(), [1, 0]);
        }
    }

    #[test]
    fn slices_and_bytes_are_hashed_from_their_own_start() {
        let bytes = BinaryViewArray::from_iter(vec![None, Some(&b"xxxxxxxx"[..]), Some(b"")]);
        let columns = Columns::new(Kind::Bytes, Arc::new(bytes)).slice(1, 2);
        assert_eq!(hash_columns(&columns, SIP).unwrap(), [-4724777423671707232, 0]);
    }

    #[test]
    fn lists_are_left_to_python() {
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)])]);
        assert_eq!(hash_columns(&Columns::new(Kind::List(Box::new(Kind::Int)), Arc::new(lists)), SIP), None);
    }
}
