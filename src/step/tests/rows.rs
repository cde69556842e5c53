//! Steps over single elements: programs chunk by chunk, and where they hand over.

use super::programs::{bare, both, in_python, keyed, modulo, negative, next, step};
use super::python::{Stage, made, making};
use super::values::{BIG, Int, Value, ints, pair, text, to_columns};
use super::{Chain, check, check_bails, check_native};
use crate::block::Block;
use crate::error::EngineError;
use crate::rdd::ready;
use crate::step::Step;

fn pairs(count: i64) -> Vec<Value> {
    (0..count).map(|number| pair(text(format!("k{}", number % 5)), Int(number.into()))).collect()
}

#[test]
fn each_step_over_elements_gives_what_python_gives() {
    let numbers = ints(-20..20);
    for stages in [
        vec![step(Step::Map, next())],
        vec![step(Step::Filter, modulo())],
        vec![step(Step::FlatMap, both())],
        vec![step(Step::Map, keyed()), bare(Step::Keys)],
        vec![step(Step::Map, keyed()), bare(Step::Values)],
        vec![step(Step::Map, keyed()), step(Step::MapValues, negative())],
        vec![step(Step::Map, keyed()), step(Step::FlatMapValues, both())],
        vec![step(Step::Filter, modulo()), step(Step::FlatMap, both()), step(Step::Map, next()), bare(Step::Count)],
    ] {
        check_native(&stages, &numbers, 0);
        check_bails(&stages, &numbers, &BIG);
    }
}

#[test]
fn a_row_that_bails_goes_on_in_python_from_that_step_alone() {
    // The last row alone is too large for `next`; the chunks before it are done.
    let stages = [step(Step::Map, next()), step(Step::Filter, modulo()), step(Step::Map, next())];
    let chain = Chain::new(&stages);
    let input = ready(vec![
        Block::Columns(to_columns(&ints(0..64)).unwrap()),
        Block::Columns(to_columns(&ints([1, i64::MAX - 1])).unwrap()),
    ]);
    let mut made = chain.run(input).unwrap();
    // MAX - 1 passes the first step, and the filter (it is 1 modulo 3), and bails on the last.
    assert_eq!(made.pop(), Some(Int(i128::from(i64::MAX) + 1)));
    assert_eq!(chain.rows_in_python(), 2, "the rows of its chunk that were left by then");
}

#[test]
fn pairs_with_odd_keys_or_values_are_the_models() {
    let stages = [step(Step::MapValues, next()), step(Step::FlatMapValues, both()), bare(Step::Values)];
    check_native(&stages, &pairs(30), 0);
    check_bails(&stages, &pairs(30), &pair(BIG, Int(1)));
    check_bails(&stages, &pairs(30), &pair(text("k"), BIG));
    check_bails(&stages, &pairs(30), &pair(text("k"), Int(i64::MAX.into())));
}

#[test]
fn an_empty_partition_and_empty_blocks_give_nothing() {
    let stages = [step(Step::Map, next()), step(Step::Filter, modulo())];
    assert_eq!(Chain::new(&stages).run(ready(vec![])).unwrap(), []);
    let empty = vec![made(vec![]), making([]), Block::Columns(to_columns(&ints([1])).unwrap().slice(0, 0))];
    assert_eq!(Chain::new(&stages).run(ready(empty)).unwrap(), []);
}

#[test]
fn chunks_begin_small() {
    let stages = [step(Step::Map, next())];
    let chain = Chain::new(&stages);
    let input = ready(vec![Block::Columns(to_columns(&ints(0..20_000)).unwrap())]);
    let sizes: Vec<usize> = chain.blocks(input).map(|block| block.unwrap().len()).collect();
    assert_eq!(sizes, [64, 512, 4096, 8192, 7136]);
}

#[test]
fn nothing_runs_before_the_first_block_is_pulled() {
    let stages = [in_python(Step::Map, next())];
    let chain = Chain::new(&stages);
    let mut blocks = chain.blocks(ready(vec![Block::Columns(to_columns(&ints(0..9)).unwrap())]));
    assert_eq!(chain.rows_in_python(), 0);
    assert!(blocks.next().is_some());
    assert_eq!(chain.rows_in_python(), 9);
}

#[test]
fn a_failure_of_the_input_comes_through_after_what_was_made() {
    let failing = || {
        let first = Ok(Block::Columns(to_columns(&ints([1, 2])).unwrap()));
        Box::new([first, Err(EngineError::Bug("a test".to_owned()))].into_iter()) as crate::rdd::Blocks
    };
    let mut blocks =
        Chain::new(&[step(Step::Map, next())]).blocks(failing()).map(|block| block.map(|block| block.len()));
    assert_eq!(blocks.next().unwrap().unwrap(), 2);
    assert!(blocks.next().unwrap().is_err());
    let counted: [Stage; 1] = [bare(Step::Count)];
    assert!(Chain::new(&counted).run(failing()).is_err());
}

#[test]
fn python_steps_between_native_ones_take_elements_as_they_come() {
    let stages = [step(Step::Map, next()), in_python(Step::Map, keyed()), step(Step::MapValues, next())];
    check(&stages, &ints(0..50));
    check_bails(&stages, &ints(0..12), &Int(i64::MAX.into()));
}
