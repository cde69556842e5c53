//! Chains of any steps over any elements, in any shape: always the model's answer.

use proptest::prelude::*;

use super::programs::{
    add, bare, both, combine, in_python, keyed, merge_combiners, modulo, negative, next, same, shifted, step,
};
use super::python::{Stage, plain};
use super::values::{BIG, Int, Value, ints};
use super::{Chain, PARTITION, Shape, blocks, made};
use crate::step::Step;

/// Steps from numbers to numbers; each in its native form or in Python.
fn over_numbers() -> impl Strategy<Value = Vec<Stage>> {
    let one = (0..4_usize, any::<bool>()).prop_map(|(which, native)| {
        let (kind, function) = match which {
            0 => (Step::Map, next()),
            1 => (Step::Map, negative()),
            2 => (Step::Filter, modulo()),
            _ => (Step::FlatMap, both()),
        };
        if native { step(kind, function) } else { in_python(kind, function) }
    });
    prop::collection::vec(one, 0..4)
}

/// Steps from pairs to pairs.
fn over_pairs() -> impl Strategy<Value = Vec<Stage>> {
    let one = (0..5_usize, any::<bool>()).prop_map(|(which, native)| match which {
        0 if native => step(Step::MapValues, next()),
        0 => in_python(Step::MapValues, next()),
        1 => step(Step::FlatMapValues, both()),
        2 => combine(same(), add()),
        3 => combine(same(), shifted()),
        _ => merge_combiners(add()),
    });
    prop::collection::vec(one, 0..4)
}

fn ends() -> impl Strategy<Value = Vec<Stage>> {
    (0..5_usize).prop_map(|which| match which {
        0 => vec![bare(Step::Keys)],
        1 => vec![bare(Step::Values), bare(Step::Count)],
        2 => vec![bare(Step::Glom)],
        3 => vec![bare(Step::Take(5))],
        _ => vec![],
    })
}

fn shapes() -> impl Strategy<Value = Shape> {
    (0..4_usize, 1..90_usize).prop_map(|(which, size)| match which {
        0 => Shape::Columns(size),
        1 => Shape::Objects(size),
        2 => Shape::Making(size),
        _ => Shape::Mixed(size),
    })
}

proptest! {
    #[test]
    fn any_chain_gives_what_python_gives(
        numbers in prop::collection::vec(-50_i64..50, 0..90), odd in prop::option::of((0..90_usize, any::<bool>())),
        before in over_numbers(), native_key in any::<bool>(), after in over_pairs(), end in ends(), shape in shapes(),
    ) {
        let mut input: Vec<Value> = ints(numbers);
        if let Some((at, large)) = odd && at < input.len() {
            input[at] = if large { BIG } else { Int((i64::MAX - 1).into()) };
        }
        let key = if native_key { step(Step::Map, keyed()) } else { in_python(Step::Map, keyed()) };
        let stages: Vec<Stage> = before.into_iter().chain([key]).chain(after).chain(end).collect();
        let expected = plain(&stages, PARTITION, None, input.clone());
        prop_assert_eq!(Chain::new(&stages).run(blocks(shape, &input)).unwrap(), expected.clone());
        // Whatever comes between blocks changes nothing.
        let empty = || std::iter::once(Ok(made(vec![])));
        let with_gaps = Box::new(empty().chain(blocks(shape, &input)).chain(empty()));
        prop_assert_eq!(Chain::new(&stages).run(with_gaps).unwrap(), expected);
    }
}
