//! Groups, joins, sorts and samples of a partition.

use super::programs::{bare, in_python, keyed, negative, step, whole};
use super::python::{Stage, Stand, gathered, plain};
use super::values::{BIG, Int, Value, ints, pair, text};
use super::{Chain, PARTITION, SHAPES, Shape, blocks, check, check_bails, check_native, little_memory};
use crate::kernel::mersenne::of_partition;
use crate::step::{Form, Step};

fn rows(count: i64, keys: i64) -> Vec<Value> {
    (0..count).map(|number| pair(text(format!("key {}", number * 7 % keys)), Int((number * 31 % 17).into()))).collect()
}

/// Pairs whose values are groups, of lengths from none up.
fn groups(count: i64, keys: i64) -> Vec<Value> {
    (0..count).map(|at| pair(Int((at * 5 % keys).into()), Value::List(ints(0..at % 4)))).collect()
}

fn sorted(ascending: bool, by_negative: bool) -> Stage {
    let key = by_negative.then(|| negative().0);
    whole(Step::Partitions, Form::Sort { key, ascending }, move |_, _, mut rows| {
        // Stable both ways, as Python's `sorted` with `reverse`.
        let key = |row: &Value| if by_negative { -row.item(0).int() } else { row.item(0).int() };
        rows.sort_by(|one, other| if ascending { key(one).cmp(&key(other)) } else { key(other).cmp(&key(one)) });
        rows
    })
}

/// The pairing of values that follows `MergeGroups`: of each key's (side, value) pairs, all of the left with all of the right.
fn join(keep_left: bool, keep_right: bool) -> Vec<Stage> {
    let pairing = move |sides: &Value| {
        let of = |side: i128| -> Vec<Value> {
            sides.items().iter().filter(|row| row.item(0) == Int(side)).map(|row| row.item(1)).collect()
        };
        let filled = |mut side: Vec<Value>, other_kept: bool| {
            if side.is_empty() && other_kept {
                side.push(Value::None);
            }
            side
        };
        let (left, right) = (of(1), of(2));
        let (left, right) = (filled(left, keep_right), filled(right, keep_left));
        Value::List(left.iter().flat_map(|l| right.iter().map(|r| pair(l.clone(), r.clone()))).collect())
    };
    let plain = super::python::Function::One(std::sync::Arc::new(pairing));
    let form = Some(Form::Join { keep_left, keep_right });
    vec![bare(Step::MergeGroups), Stage { step: Step::FlatMapValues, functions: vec![plain], forms: vec![form] }]
}

/// What `Group` sends before a join: a group of one per row, each value with the number of its side. So many rows in a row
/// are of one side, as those of a map partition are.
fn sides(count: i64, keys: i64, in_a_row: i64) -> Vec<Value> {
    let row = |at: i64| {
        let value = pair(Int((1 + at / in_a_row % 2).into()), text(format!("v{at}")));
        pair(Int((at * 7 % keys).into()), Value::List(vec![value]))
    };
    (0..count).map(row).collect()
}

#[test]
fn groups_are_pythons() {
    check_native(&[bare(Step::MergeGroups)], &groups(50, 7), 0);
    check_bails(&[bare(Step::MergeGroups)], &groups(16, 4), &pair(BIG, Value::List(ints([1]))));
    check_bails(&[bare(Step::MergeGroups)], &groups(16, 4), &pair(Int(1), Value::List(vec![BIG])));
}

#[test]
fn groups_of_one_make_the_same_groups_later() {
    let regrouped = |parts: &[Value]| {
        gathered(vec![], parts, |before, value| {
            Value::List([before.map_or(&[][..], Value::items), value.items()].concat())
        })
    };
    let stages = [bare(Step::Group)];
    let odd = pair(BIG, Int(1));
    for at in 0..=20 {
        let mut input = rows(20, 4);
        if at < 20 {
            input[at] = odd.clone();
        }
        let expected = plain(&stages, PARTITION, None, input.clone());
        for shape in SHAPES {
            let made = Chain::new(&stages).run(blocks(shape, &input)).unwrap();
            assert_eq!(regrouped(&made), expected, "{shape:?}, odd at {at}");
        }
    }
    let chain = Chain::new(&stages);
    assert_eq!(chain.run(blocks(Shape::Columns(7), &rows(20, 4))).unwrap().len(), 20);
    assert_eq!(chain.rows_in_python(), 0);
}

#[test]
fn joins_are_pythons() {
    for (keep_left, keep_right) in [(false, false), (true, false), (false, true), (true, true)] {
        check_native(&join(keep_left, keep_right), &sides(63, 11, 7), 0);
        check_bails(
            &join(keep_left, keep_right),
            &sides(12, 3, 5),
            &pair(BIG, Value::List(vec![pair(Int(1), text("x"))])),
        );
    }
}

#[test]
fn sorts_are_stable_and_pythons() {
    let rows =
        |count: i64| -> Vec<Value> { (0..count).map(|at| pair(Int((at * 7 % 5).into()), Int(at.into()))).collect() };
    for (ascending, by_negative) in [(true, false), (false, false), (true, true), (false, true)] {
        check_native(&[sorted(ascending, by_negative)], &rows(50), 0);
        check_bails(&[sorted(ascending, by_negative)], &rows(12), &pair(BIG, Int(7)));
        check_bails(&[sorted(ascending, by_negative)], &rows(12), &pair(Int(i64::MIN.into()), Int(7)));
    }
}

#[test]
fn what_memory_has_no_room_for_is_gathered_in_parts_in_the_same_order() {
    let keys = 900;
    let input: Vec<Value> = (0..6000).map(|at| pair(Int(at * 7 % keys), Value::List(ints([at as i64])))).collect();
    let stages = [bare(Step::MergeGroups)];
    let chain = Chain::within(&little_memory(150_000), Stand { stages: stages.to_vec(), ..Stand::new() });
    assert_eq!(chain.run(blocks(Shape::Columns(300), &input)).unwrap(), plain(&stages, PARTITION, None, input.clone()));
    assert_eq!(chain.rows_in_python(), 0);

    let stages = join(true, true);
    let chain = Chain::within(&little_memory(150_000), Stand { stages: stages.clone(), ..Stand::new() });
    let input = sides(3000, 700, 300);
    assert_eq!(chain.run(blocks(Shape::Columns(300), &input)).unwrap(), plain(&stages, PARTITION, None, input));
    assert_eq!(chain.rows_in_python(), 0);
}

#[test]
fn an_odd_row_among_parts_goes_to_python_with_all_others_in_order() {
    let stages = [bare(Step::MergeGroups)];
    for odd_at in [0, 1000, 2500, 5999] {
        let mut input: Vec<Value> =
            (0..6000).map(|at| pair(Int(at * 7 % 300), Value::List(ints([at as i64])))).collect();
        input[odd_at] = pair(BIG, Value::List(ints([1])));
        let chain = Chain::within(&little_memory(150_000), Stand { stages: stages.to_vec(), ..Stand::new() });
        let expected = plain(&stages, PARTITION, None, input.clone());
        let made = chain.run(blocks(Shape::Columns(300), &input)).unwrap();
        // What is in parts comes part by part: keys keep the order of their first rows, and each its values.
        let by_key = |mut rows: Vec<Value>| {
            rows.sort_by_key(|row| row.item(0).int());
            rows
        };
        assert_eq!(by_key(made), by_key(expected), "odd at {odd_at}");
        assert_eq!(chain.rows_in_python(), 6000);
    }
}

#[test]
fn a_sort_without_room_is_pythons() {
    let input: Vec<Value> = (0..6000).map(|at| pair(Int(at * 7 % 900), Int(at))).collect();
    let stages = [sorted(true, false)];
    let chain = Chain::within(&little_memory(50_000), Stand { stages: stages.to_vec(), ..Stand::new() });
    assert_eq!(chain.run(blocks(Shape::Columns(300), &input)).unwrap(), plain(&stages, PARTITION, None, input));
    assert_eq!(chain.rows_in_python(), 6000);
}

/// Elements whose random number is below a third.
fn sampled() -> Stage {
    let (seed, from, below) = (42, 0.0, 0.34);
    whole(Step::IndexedPartitions, Form::Sample { seed, from, below }, move |partition, _, rows| {
        let mut random = of_partition(seed, partition);
        rows.into_iter().filter(|_| (from..below).contains(&random.random())).collect()
    })
}

#[test]
fn a_sample_draws_for_each_element_in_order() {
    let numbers = ints(0..200);
    check_native(&[sampled()], &numbers, 0);
    check(&[sampled()], &numbers);
    check(&[in_python(Step::Map, keyed()), sampled(), step(Step::MapValues, negative())], &numbers);
    check_bails(&[sampled(), sampled()], &ints(0..15), &BIG);
}
