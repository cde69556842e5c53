//! Constants of a program: Python values as data.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A `float` that equals another one only bit by bit, so that constants can be told apart.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
pub struct Real(pub f64);

impl From<u64> for Real {
    fn from(bits: u64) -> Self {
        Self(f64::from_bits(bits))
    }
}

// As bits: JSON, for one, has neither NaN nor infinities.
impl From<Real> for u64 {
    fn from(real: Real) -> Self {
        real.0.to_bits()
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Real {}

impl Hash for Real {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// A Python constant. Equal means of the same type and value, unlike Python's `1 == True`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Value {
    /// `None`
    None,
    /// `bool`
    Bool(bool),
    /// `int` of at most 64 bits
    Int(i64),
    /// Any other `int`, in hexadecimal, without `0x`
    Big(Arc<str>),
    /// `float`
    Float(Real),
    /// `str`
    Str(Arc<str>),
    /// `bytes`
    Bytes(Arc<[u8]>),
    /// `tuple`
    Tuple(Arc<[Value]>),
}

impl Value {
    /// The constant of a `float`.
    pub fn float(value: f64) -> Self {
        Self::Float(Real(value))
    }

    /// The constant of a `str`.
    pub fn text(value: &str) -> Self {
        Self::Str(Arc::from(value))
    }
}
