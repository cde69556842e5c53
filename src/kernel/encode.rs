//! How is a tuple key turned into bytes that are equal exactly when the tuples are?
//!
//! Field by field: a byte that tells `None` from a value, then the value in a form of known length, texts with their
//! length before them. -0.0 becomes 0.0; NaN has no such form.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BinaryViewArray, BooleanArray, Float64Array, Int64Array, StringViewArray};
use arrow_buffer::NullBuffer;

use crate::block::Kind;

/// The fields of one chunk of keys.
pub(super) struct Encoder<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Field<'a>,
}

enum Field<'a> {
    None,
    Bool(&'a BooleanArray),
    Int(&'a Int64Array),
    Float(&'a Float64Array),
    Text(&'a StringViewArray),
    Bytes(&'a BinaryViewArray),
    Tuple(Vec<Encoder<'a>>),
}

impl<'a> Encoder<'a> {
    /// An encoder of `keys`; `None` when there is a NaN among them.
    pub(super) fn new(kind: &Kind, keys: &'a ArrayRef) -> Option<Self> {
        let values = match kind {
            Kind::None => Field::None,
            Kind::Bool => Field::Bool(keys.as_boolean_opt()?),
            Kind::Int => Field::Int(keys.as_primitive_opt::<Int64Type>()?),
            Kind::Float => {
                let floats = keys.as_primitive_opt::<Float64Type>()?;
                if floats.iter().flatten().any(f64::is_nan) {
                    return None;
                }
                Field::Float(floats)
            }
            Kind::Str => Field::Text(keys.as_string_view_opt()?),
            Kind::Bytes => Field::Bytes(keys.as_binary_view_opt()?),
            Kind::Tuple { items, .. } => {
                let columns = keys.as_struct_opt()?.columns();
                Field::Tuple(
                    items.iter().zip(columns).map(|(kind, column)| Self::new(kind, column)).collect::<Option<_>>()?,
                )
            }
            _ => return None,
        };
        Some(Self { nulls: keys.nulls(), values })
    }

    /// Appends the form of a row's key.
    pub(super) fn encode(&self, row: usize, out: &mut Vec<u8>) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.push(0);
            return;
        }
        out.push(1);
        match &self.values {
            Field::None => {}
            Field::Bool(values) => out.push(values.value(row).into()),
            Field::Int(values) => out.extend_from_slice(&values.value(row).to_le_bytes()),
            // Adding zero makes -0.0 the 0.0 that it is equal to.
            Field::Float(values) => out.extend_from_slice(&(values.value(row) + 0.0).to_bits().to_le_bytes()),
            Field::Text(values) => with_length(values.value(row).as_bytes(), out),
            Field::Bytes(values) => with_length(values.value(row), out),
            Field::Tuple(fields) => fields.iter().for_each(|field| field.encode(row, out)),
        }
    }
}

fn with_length(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text);
}
