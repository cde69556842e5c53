//! What actions make of a partition.

use super::programs::{add, in_python, negative, next, shifted, step, whole};
use super::python::{Stage, gathered, plain};
use super::values::{BIG, Int, Value, ints, pair, text};
use super::{Chain, PARTITION, Shape, blocks, check, check_bails};
use crate::expr::Real;
use crate::step::{Folding, Form, Reducing, Step};

fn over_partition(
    reducing: Reducing,
    plain: impl Fn(Option<Vec<Value>>, Vec<Value>) -> Vec<Value> + Send + Sync + 'static,
) -> Stage {
    whole(Step::Partitions, Form::Reduce(reducing), move |_, begun, rows| plain(begun, rows))
}

fn top(number: usize, largest: bool, by_negative: bool) -> Stage {
    let key = by_negative.then(|| negative().0);
    over_partition(Reducing::Top { number, key, largest }, move |_, mut rows| {
        let key = |row: &Value| if by_negative { -row.int() } else { row.int() };
        rows.sort_by(|one, other| if largest { key(other).cmp(&key(one)) } else { key(one).cmp(&key(other)) });
        rows.truncate(number);
        rows
    })
}

fn counts() -> Stage {
    over_partition(Reducing::Counts, |begun, rows| {
        let ones: Vec<Value> = rows.into_iter().map(|row| pair(row, Int(1))).collect();
        gathered(begun.unwrap_or_default(), &ones, |before, one| before.map_or_else(|| one.clone(), |b| b.plus(one)))
    })
}

fn folded_pairs() -> Stage {
    over_partition(Reducing::Pairs(Folding::new(None, &shifted().0)), |begun, rows| {
        let merge = |before: Option<&Value>, value: &Value| match before {
            None => value.clone(),
            Some(before) => Int(before.int() * 2 + value.int()),
        };
        gathered(begun.unwrap_or_default(), &rows, merge)
    })
}

/// `reduce(lambda a, b: a * 2 + b)`
fn reduced() -> Stage {
    over_partition(Reducing::reduce(&shifted().0).unwrap(), |_, rows| {
        rows.into_iter().reduce(|a, b| Int(a.int() * 2 + b.int())).into_iter().collect()
    })
}

/// `fold(-1, lambda a, b: a * 2 + b)`; the first function is of the first element.
fn folded() -> Stage {
    let from_zero = super::programs::program(1, |b| {
        let (x, two) = (b.arg(0), b.int(-2));
        b.op("add", &[two, x]);
    });
    over_partition(Reducing::fold(&from_zero, &shifted().0).unwrap(), |begun, rows| {
        let begun = begun.map_or(Int(-1), |begun| begun[0].clone());
        vec![rows.iter().fold(begun, |a, b| Int(a.int() * 2 + b.int()))]
    })
}

fn sum() -> Stage {
    over_partition(Reducing::Sum { compensated: true }, |begun, rows| {
        let begun = begun.map_or(Int(0), |begun| begun[0].clone());
        vec![rows.iter().fold(begun, |sum, row| sum.plus(row))]
    })
}

/// Count, mean, squares, largest and smallest, as Spark's counter reckons them.
fn stats() -> Stage {
    over_partition(Reducing::Stats, |begun, rows| {
        let begun = begun.map(|begun| begun[0].items().to_vec());
        let real = |value: &Value| match value {
            Value::Float(real) => real.0,
            other => other.int() as f64,
        };
        let (mut count, mut mean, mut squares, mut most, mut least) = (0_i128, 0.0, 0.0, Value::None, Value::None);
        if let Some([n, m, s, largest, smallest]) = begun.as_deref() {
            (count, mean, squares) = (n.int(), real(m), real(s));
            (most, least) = (largest.clone(), smallest.clone());
        }
        for row in rows {
            let far = real(&row) - mean;
            count += 1;
            mean += far / count as f64;
            squares += far * (real(&row) - mean);
            if most == Value::None || row.int() > most.int() {
                most = row.clone();
            }
            if least == Value::None || row.int() < least.int() {
                least = row;
            }
        }
        vec![Value::Tuple(vec![Int(count), Value::Float(Real(mean)), Value::Float(Real(squares)), most, least])]
    })
}

fn numbers() -> Vec<Value> {
    ints((0..18).map(|at| at * 37 % 11 - 4))
}

#[test]
fn each_reduction_gives_what_python_gives() {
    for stage in [top(3, true, false), top(30, false, false), top(4, true, true), counts(), reduced(), folded(), sum()]
    {
        check_bails(std::slice::from_ref(&stage), &numbers(), &BIG);
        check_bails(std::slice::from_ref(&stage), &numbers(), &Int(i64::MIN.into()));
        check_bails(&[step(Step::Map, next()), stage.clone()], &numbers(), &Int(i64::MAX.into()));
        check_bails(&[in_python(Step::Map, next()), stage], &numbers(), &BIG);
    }
    check_bails(&[stats()], &numbers(), &BIG);
    let pairs: Vec<Value> = (0..16).map(|at| pair(text(format!("k{}", at % 3)), Int(at))).collect();
    check_bails(&[folded_pairs()], &pairs, &pair(text("k1"), BIG));
    check_bails(&[folded_pairs()], &pairs, &pair(BIG, Int(1)));
}

#[test]
fn of_no_elements_there_is_what_python_says() {
    for stage in [top(3, true, false), counts(), reduced(), folded(), sum(), folded_pairs(), stats()] {
        check(&[stage], &[]);
    }
}

#[test]
fn python_sees_what_was_made_and_no_row() {
    for (stage, seen) in
        [(counts(), 0), (folded(), 0), (sum(), 0), (stats(), 0), (top(3, true, false), 3), (reduced(), 1)]
    {
        let input = ints((0..50).map(|at| at % 2));
        let chain = Chain::new(std::slice::from_ref(&stage));
        let made = chain.run(blocks(Shape::Columns(9), &input)).unwrap();
        assert_eq!(made, plain(&[stage], PARTITION, None, input));
        assert_eq!(chain.rows_in_python(), seen);
    }
    let added = over_partition(Reducing::reduce(&add().0).unwrap(), |_, rows| {
        rows.into_iter().reduce(|a, b| a.plus(&b)).into_iter().collect()
    });
    let chain = Chain::new(std::slice::from_ref(&added));
    let input = ints(0..1000);
    assert_eq!(chain.run(blocks(Shape::Columns(100), &input)).unwrap(), plain(&[added], PARTITION, None, input));
    assert_eq!(chain.rows_in_python(), 1);
}

#[test]
fn a_compensated_sum_of_floats_that_python_must_go_on_with_begins_again() {
    // What rounding lost is not in the sum: all rows come to Python, once.
    let floats: Vec<Value> = (0..9).map(|at| Value::Float(Real(0.1 * f64::from(at)))).collect();
    let sum = |_: Option<Vec<Value>>, rows: Vec<Value>| vec![Int(rows.len() as i128)];
    let chain = Chain::new(&[over_partition(Reducing::Sum { compensated: true }, sum)]);
    let input: Vec<Value> = floats.into_iter().chain([text("odd")]).collect();
    assert_eq!(chain.run(blocks(Shape::Columns(3), &input)).unwrap(), [Int(10)]);
}
