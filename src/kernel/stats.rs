//! Sums and moments of a column of numbers, to the last digit those of a loop in Python.
//!
//! 1. Numbers are added in their order. What Python must decide (a `None`, an `int` beyond 64 bits) is left to it, from that
//!    row on.
//! 2. Means and squares are Welford's, in the order of operations of Spark's counter, on floats.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array};

use super::keys::kernel_error;
use crate::block::{Columns, Kind, tuple_array};
use crate::error::Result;

/// Numbers of a column.
enum Numbers<'a> {
    Int(&'a [i64]),
    Float(&'a [f64]),
}

impl<'a> Numbers<'a> {
    /// `None` for anything else, and where some are `None`.
    fn of(columns: &'a Columns) -> Option<Self> {
        if columns.array().null_count() > 0 {
            return None;
        }
        match columns.kind() {
            Kind::Int => columns.array().as_primitive_opt::<Int64Type>().map(|array| Self::Int(array.values())),
            Kind::Float => columns.array().as_primitive_opt::<Float64Type>().map(|array| Self::Float(array.values())),
            _ => None,
        }
    }
}

/// What `sum` gives.
pub enum Total {
    /// Of ints.
    Int(i64),
    /// Of floats: the sum, and what rounding lost of it.
    Float {
        /// As it is without compensation.
        sum: f64,
        /// Added in the end, if `compensated`.
        lost: f64,
        /// Whether Python does so, since 3.12.
        compensated: bool,
    },
}

impl Total {
    /// The sum of nothing, for a kind of numbers.
    pub fn new(kind: &Kind, compensated: bool) -> Option<Self> {
        match kind {
            Kind::Int => Some(Self::Int(0)),
            Kind::Float => Some(Self::Float { sum: 0.0, lost: 0.0, compensated }),
            _ => None,
        }
    }

    /// Whether adding can go on from the sum alone.
    pub fn says_all(&self) -> bool {
        !matches!(self, Self::Float { compensated: true, .. })
    }

    /// Adds numbers; the row at which Python must go on, if there is one.
    pub fn add(&mut self, columns: &Columns) -> Result<Option<usize>> {
        match (self, Numbers::of(columns)) {
            (Self::Int(total), Some(Numbers::Int(values))) => {
                for (row, value) in values.iter().enumerate() {
                    match total.checked_add(*value) {
                        Some(sum) => *total = sum,
                        None => return Ok(Some(row)),
                    }
                }
                Ok(None)
            }
            (Self::Float { sum, lost, .. }, Some(Numbers::Float(values))) => {
                for value in values {
                    let next = *sum + value;
                    *lost += if sum.abs() >= value.abs() { (*sum - next) + value } else { (value - next) + *sum };
                    *sum = next;
                }
                Ok(None)
            }
            _ => Ok(Some(0)),
        }
    }

    /// The sum, as a column of one row.
    pub fn finish(self) -> Columns {
        match self {
            Self::Int(total) => Columns::new(Kind::Int, Arc::new(Int64Array::from(vec![total]))),
            Self::Float { sum, lost, compensated } => {
                let sum = if compensated && lost != 0.0 && lost.is_finite() { sum + lost } else { sum };
                Columns::new(Kind::Float, Arc::new(Float64Array::from(vec![sum])))
            }
        }
    }
}

/// How many numbers, their mean, squares and extremes.
pub struct Stats {
    count: i64,
    mean: f64,
    /// Sum of the squared distances from the mean.
    squares: f64,
    extremes: Extremes,
}

/// The largest and the smallest, once there is a number.
enum Extremes {
    Int(Option<(i64, i64)>),
    Float(Option<(f64, f64)>),
}

impl Stats {
    /// Of no numbers, of a kind.
    pub fn new(kind: &Kind) -> Option<Self> {
        let extremes = match kind {
            Kind::Int => Extremes::Int(None),
            Kind::Float => Extremes::Float(None),
            _ => return None,
        };
        Some(Self { count: 0, mean: 0.0, squares: 0.0, extremes })
    }

    /// Adds numbers; the row at which Python must go on, if there is one. NaN and -0.0 are left to it: which of two zeros is
    /// the larger depends on who compares them.
    pub fn add(&mut self, columns: &Columns) -> Result<Option<usize>> {
        match (&mut self.extremes, Numbers::of(columns)) {
            (Extremes::Int(extremes), Some(Numbers::Int(values))) => {
                let (mut count, mut mean, mut squares) = (self.count, self.mean, self.squares);
                for value in values {
                    let (most, least) = extremes.unwrap_or((*value, *value));
                    *extremes = Some((most.max(*value), least.min(*value)));
                    merge(&mut count, &mut mean, &mut squares, *value as f64);
                }
                (self.count, self.mean, self.squares) = (count, mean, squares);
                Ok(None)
            }
            (Extremes::Float(extremes), Some(Numbers::Float(values))) => {
                let odd = |value: &f64| value.is_nan() || (*value == 0.0 && value.is_sign_negative());
                let usable = values.iter().position(odd).unwrap_or(values.len());
                for value in &values[..usable] {
                    let (most, least) = extremes.unwrap_or((*value, *value));
                    *extremes = Some((most.max(*value), least.min(*value)));
                    merge(&mut self.count, &mut self.mean, &mut self.squares, *value);
                }
                Ok((usable < values.len()).then_some(usable))
            }
            _ => Ok(Some(0)),
        }
    }

    /// (count, mean, squares, largest, smallest), as a column of one row; none without a number.
    pub fn finish(self) -> Result<Columns> {
        let (kind, most, least): (Kind, ArrayRef, ArrayRef) = match self.extremes {
            Extremes::Int(extremes) => {
                let column = |value: Option<i64>| Arc::new(Int64Array::from_iter_values(value));
                (Kind::Int, column(extremes.map(|both| both.0)), column(extremes.map(|both| both.1)))
            }
            Extremes::Float(extremes) => {
                let column = |value: Option<f64>| Arc::new(Float64Array::from_iter_values(value));
                (Kind::Float, column(extremes.map(|both| both.0)), column(extremes.map(|both| both.1)))
            }
        };
        let rows = most.len();
        let count = Arc::new(Int64Array::from(vec![self.count; rows]));
        let float = |value: f64| Arc::new(Float64Array::from(vec![value; rows]));
        let array = tuple_array(vec![count, float(self.mean), float(self.squares), most, least], None);
        let items = vec![Kind::Int, Kind::Float, Kind::Float, kind.clone(), kind];
        Ok(Columns::new(Kind::Tuple { items, class: None }, array.map_err(kernel_error)?))
    }
}

#[inline]
fn merge(count: &mut i64, mean: &mut f64, squares: &mut f64, value: f64) {
    let delta = value - *mean;
    *count += 1;
    *mean += delta / *count as f64;
    *squares += delta * (value - *mean);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ints(values: &[i64]) -> Columns {
        Columns::new(Kind::Int, Arc::new(Int64Array::from(values.to_vec())))
    }

    fn floats(values: &[f64]) -> Columns {
        Columns::new(Kind::Float, Arc::new(Float64Array::from(values.to_vec())))
    }

    #[test]
    fn a_sum_stops_before_the_row_that_leaves_64_bits() {
        let mut total = Total::new(&Kind::Int, false).unwrap();
        assert_eq!(total.add(&ints(&[1, i64::MAX - 1, 0, 1, 5])).unwrap(), Some(3));
        assert_eq!(total.finish().array().as_primitive::<Int64Type>().value(0), i64::MAX);
        assert_eq!(Total::new(&Kind::Int, false).unwrap().add(&floats(&[1.0])).unwrap(), Some(0));
    }

    #[test]
    fn compensation_gives_back_what_rounding_lost() {
        let sum = |compensated| {
            let mut total = Total::new(&Kind::Float, compensated).unwrap();
            assert_eq!(total.add(&floats(&[1e16, 1.0])).unwrap(), None);
            assert_eq!(total.add(&floats(&[1.0, -1e16])).unwrap(), None);
            total.finish().array().as_primitive::<Float64Type>().value(0)
        };
        assert_eq!((sum(false), sum(true)), (0.0, 2.0));
    }

    #[test]
    fn statistics_leave_nan_and_negative_zero_to_python() {
        let mut stats = Stats::new(&Kind::Float).unwrap();
        assert_eq!(stats.add(&floats(&[1.0, 0.0, -0.0])).unwrap(), Some(2));
        assert_eq!(stats.add(&floats(&[f64::NAN])).unwrap(), Some(0));
        let made = stats.finish().unwrap();
        assert_eq!(made.array().as_struct().column(0).as_primitive::<Int64Type>().values(), &[2]);
        assert!(Stats::new(&Kind::Int).unwrap().finish().unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn statistics_are_those_of_the_textbook(values in prop::collection::vec(-1000_i64..1000, 1..50), cut in 0_usize..50) {
            let cut = cut.min(values.len());
            let mut stats = Stats::new(&Kind::Int).unwrap();
            prop_assert_eq!(stats.add(&ints(&values[..cut])).unwrap(), None);
            prop_assert_eq!(stats.add(&ints(&values[cut..])).unwrap(), None);
            let made = stats.finish().unwrap();
            let columns = made.array().as_struct().columns();
            let float = |at: usize| columns[at].as_primitive::<Float64Type>().value(0);
            let int = |at: usize| columns[at].as_primitive::<Int64Type>().value(0);
            let mean = values.iter().sum::<i64>() as f64 / values.len() as f64;
            let squares: f64 = values.iter().map(|value| (*value as f64 - mean).powi(2)).sum();
            prop_assert_eq!(int(0), values.len() as i64);
            prop_assert!((float(1) - mean).abs() < 1e-9 && (float(2) - squares).abs() < 1e-6 * (1.0 + squares));
            prop_assert_eq!((int(3), int(4)), (*values.iter().max().unwrap(), *values.iter().min().unwrap()));
        }
    }
}
