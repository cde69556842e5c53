//! Folds by key, before a shuffle and after it.

use super::programs::{
    add, add_counted, append, combine, counted, in_python, keyed, listed, merge_combiners, same, shifted, step,
};
use super::python::{Stage, Stand, gathered, plain};
use super::values::{BIG, Int, Value, ints, pair, text};
use super::{Chain, PARTITION, SHAPES, Shape, blocks, check, check_bails, check_native, little_memory};
use crate::step::Step;

fn rows(count: i64, keys: i64) -> Vec<Value> {
    (0..count).map(|number| pair(text(format!("key {}", number * 7 % keys)), Int((number * 31 % 17).into()))).collect()
}

/// Every kind of fold: known to the kernels, row by row, and all keys at once; with and without a first function.
fn folds() -> Vec<Stage> {
    vec![
        combine(same(), add()),
        combine(same(), shifted()),
        combine(counted(), add_counted()),
        combine(listed(), append()),
        merge_combiners(add()),
        merge_combiners(shifted()),
    ]
}

#[test]
fn each_way_to_fold_gives_what_python_gives() {
    for fold in folds() {
        let fold = [fold];
        check_native(&fold, &rows(60, 9), 0);
        check(&fold, &rows(60, 60));
        check(&fold, &[]);
    }
}

#[test]
fn a_fold_bails_at_every_row() {
    for fold in folds() {
        for odd in [pair(text("key 3"), BIG), pair(BIG, Int(1)), pair(text("new"), Int(i64::MAX.into()))] {
            check_bails(std::slice::from_ref(&fold), &rows(16, 4), &odd);
        }
    }
}

#[test]
fn what_was_folded_before_a_row_that_bails_is_not_folded_again() {
    let mut input = rows(700, 9);
    input.push(pair(text("key 1"), BIG));
    let stages = [combine(same(), add())];
    let chain = Chain::new(&stages);
    assert_eq!(chain.run(blocks(Shape::Columns(100), &input)).unwrap(), plain(&stages, PARTITION, None, input));
    assert_eq!(chain.rows_in_python(), 1, "the one row");
}

#[test]
fn rows_before_and_after_a_fold_run_natively_too() {
    let stages = [step(Step::Map, keyed()), combine(same(), add()), step(Step::MapValues, super::programs::next())];
    check_native(&stages, &ints(0..80), 0);
    check_bails(&stages, &ints(0..20), &Int(i64::MAX.into()));
    check_bails(&[in_python(Step::Map, keyed()), combine(same(), shifted())], &ints(0..20), &BIG);
}

/// Put together later, as the other side of a shuffle does it.
fn merged(parts: &[Value]) -> Vec<Value> {
    gathered(vec![], parts, |before, value| before.map_or_else(|| value.clone(), |before| before.plus(value)))
}

#[test]
fn a_table_that_memory_has_no_room_for_is_sent_in_parts() {
    let input: Vec<Value> =
        (0..4000).map(|key| pair(text(format!("a key that is long {}", key % 1500)), Int(key))).collect();
    let stages = [combine(same(), add())];
    let chain = Chain::within(&little_memory(60_000), Stand { stages: stages.to_vec(), ..Stand::new() });
    let parts = chain.run(blocks(Shape::Columns(500), &input)).unwrap();
    assert!(parts.len() > 1500, "more than one part: {}", parts.len());
    assert_eq!(chain.rows_in_python(), 0);
    assert_eq!(merged(&parts), merged(&input));
}

#[test]
fn after_a_shuffle_python_takes_over_from_a_table_without_room() {
    let input: Vec<Value> = (0..3000).map(|key| pair(Int(key % 1500), Int(key))).collect();
    let stages = [merge_combiners(add())];
    let chain = Chain::within(&little_memory(20_000), Stand { stages: stages.to_vec(), ..Stand::new() });
    assert_eq!(chain.run(blocks(Shape::Columns(500), &input)).unwrap(), merged(&input));
    assert!(chain.rows_in_python() > 0);
}

#[test]
fn blocks_whose_keys_hardly_come_twice_are_sent_as_they_are() {
    let input: Vec<Value> = (0..20_000).map(|key| pair(Int(key), Int(1))).collect();
    let stages = [combine(same(), add())];
    let chain = Chain::new(&stages);
    let sizes: Vec<usize> = chain.blocks(blocks(Shape::Columns(10_000), &input)).map(|b| b.unwrap().len()).collect();
    assert_eq!(sizes, [10_000, 10_000]);
    let again: Vec<Value> = input.iter().chain(&input).cloned().collect();
    for shape in SHAPES {
        // Few rows are folded in any case.
        let made = Chain::new(&stages).run(blocks(shape, &again[19_900..20_100])).unwrap();
        assert_eq!(made, merged(&again[19_900..20_100]), "{shape:?}");
    }
}

#[test]
fn a_fold_whose_order_matters_is_never_sent_unfolded() {
    let input: Vec<Value> = (0..10_000).map(|key| pair(Int(key), Int(1))).collect();
    let chain = Chain::new(&[combine(same(), shifted())]);
    assert_eq!(chain.blocks(blocks(Shape::Columns(10_000), &input)).count(), 1);
}
