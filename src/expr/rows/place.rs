//! Where values are: a register for each number, truth or text; tuples are known by their items.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, NullArray, StringViewArray};

use crate::block::{ClassTag, Kind, tuple_array};
use crate::error::{EngineError, Result as EngineResult};
use crate::expr::{Result, bail};

/// The number of a register, or of a leaf: see `Place::leaves`.
pub(super) type Reg = u16;

/// A value: its type, and the registers it is in.
#[derive(Debug, Clone)]
pub(super) enum Place {
    None,
    Bool(Reg),
    Int(Reg),
    Float(Reg),
    Str(Reg),
    Tuple(Vec<Place>, Option<ClassTag>),
}

impl Place {
    /// A value of a kind, each of its parts in the register that `next` gives.
    pub fn of_kind(kind: &Kind, next: &mut impl FnMut() -> Result<Reg>) -> Result<Self> {
        Ok(match kind {
            Kind::None => Self::None,
            Kind::Bool => Self::Bool(next()?),
            Kind::Int => Self::Int(next()?),
            Kind::Float => Self::Float(next()?),
            Kind::Str => Self::Str(next()?),
            Kind::Tuple { items, class } => {
                let items = items.iter().map(|item| Self::of_kind(item, next)).collect::<Result<_>>()?;
                Self::Tuple(items, class.clone())
            }
            Kind::Bytes => return bail("a fold of bytes"),
            Kind::List(_) | Kind::Group(_) => return bail("a fold of lists"),
        })
    }

    /// The kind of such values.
    pub fn kind(&self) -> Kind {
        match self {
            Self::None => Kind::None,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Str(_) => Kind::Str,
            Self::Tuple(items, class) => {
                Kind::Tuple { items: items.iter().map(Self::kind).collect(), class: class.clone() }
            }
        }
    }

    /// Whether both are of one type.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tuple(a, class), Self::Tuple(b, of)) => {
                class == of && a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_like(b))
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// What people call its type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Tuple(..) => "tuple",
        }
    }

    /// The registers of all parts in order, and whether it is text.
    pub fn leaves(&self) -> Vec<(Reg, bool)> {
        match self {
            Self::None => Vec::new(),
            Self::Bool(reg) | Self::Int(reg) | Self::Float(reg) => vec![(*reg, false)],
            Self::Str(reg) => vec![(*reg, true)],
            Self::Tuple(items, _) => items.iter().flat_map(Self::leaves).collect(),
        }
    }

    /// The array of `rows` such values. `words` gives the bits of a leaf that is no text, `texts` a leaf of text; leaves
    /// are counted separately.
    pub fn array(&self, rows: usize, leaves: &mut Leaves<'_>) -> EngineResult<ArrayRef> {
        Ok(match self {
            Self::None => Arc::new(NullArray::new(rows)),
            Self::Bool(_) => Arc::new(BooleanArray::from_iter(leaves.words().map(|word| Some(word != 0)))),
            Self::Int(_) => Arc::new(Int64Array::from_iter_values(leaves.words().map(|word| word as i64))),
            Self::Float(_) => Arc::new(Float64Array::from_iter_values(leaves.words().map(f64::from_bits))),
            Self::Str(_) => Arc::new(StringViewArray::from_iter_values(leaves.texts())),
            Self::Tuple(items, _) => {
                let items = items.iter().map(|item| item.array(rows, leaves)).collect::<EngineResult<_>>()?;
                tuple_array(items, None)?
            }
        })
    }
}

/// Values row by row: the words of all leaves of a row, then those of the next; texts likewise.
pub(super) struct Leaves<'a> {
    pub words: &'a [u64],
    pub texts: &'a [String],
    /// Words and texts of a row.
    pub widths: (usize, usize),
    /// Leaves already given.
    pub given: (usize, usize),
}

impl<'a> Leaves<'a> {
    fn words(&mut self) -> impl Iterator<Item = u64> + use<'a> {
        let (words, at, width) = (self.words, self.given.0, self.widths.0);
        self.given.0 += 1;
        words.iter().skip(at).step_by(width).copied()
    }

    fn texts(&mut self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (texts, at, width) = (self.texts, self.given.1, self.widths.1);
        self.given.1 += 1;
        texts.iter().skip(at).step_by(width).map(String::as_str)
    }
}

/// A leaf of a column.
pub(super) enum Source<'a> {
    Bool(&'a BooleanArray),
    Int(&'a [i64]),
    Float(&'a [f64]),
    Str(&'a StringViewArray),
}

impl Source<'_> {
    /// Its bits in a row; 0 for text.
    #[inline]
    pub fn word(&self, row: usize) -> u64 {
        match self {
            Self::Bool(values) => u64::from(values.value(row)),
            Self::Int(values) => values[row] as u64,
            Self::Float(values) => values[row].to_bits(),
            Self::Str(_) => 0,
        }
    }
}

/// The leaves of a column, in the order of `Place::leaves`, and the rows before the first `None` among them.
pub(super) fn sources<'a>(kind: &Kind, array: &'a ArrayRef, out: &mut Vec<Source<'a>>) -> EngineResult<usize> {
    let wrong = || EngineError::Bug("a column that is not what its kind says".to_owned());
    let valid = match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        Some(nulls) if !matches!(kind, Kind::None) => nulls.iter().position(|valid| !valid).unwrap_or(array.len()),
        _ => array.len(),
    };
    match kind {
        Kind::Bool => out.push(Source::Bool(array.as_boolean_opt().ok_or_else(wrong)?)),
        Kind::Int => out.push(Source::Int(array.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values())),
        Kind::Float => out.push(Source::Float(array.as_primitive_opt::<Float64Type>().ok_or_else(wrong)?.values())),
        Kind::Str => out.push(Source::Str(array.as_string_view_opt().ok_or_else(wrong)?)),
        Kind::Tuple { items, .. } => {
            let tuples = array.as_struct_opt().ok_or_else(wrong)?;
            return items
                .iter()
                .zip(tuples.columns())
                .try_fold(valid, |valid, (kind, column)| Ok(valid.min(sources(kind, column, out)?)));
        }
        Kind::None | Kind::Bytes | Kind::List(_) | Kind::Group(_) => {}
    }
    Ok(valid)
}
