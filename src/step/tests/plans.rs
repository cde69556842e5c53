//! How chains are cut into runs, and what is known of them.

use std::sync::Arc;

use super::programs::{add, bare, both, combine, in_python, keyed, merge_combiners, next, same, shifted, step, whole};
use super::python::Stage;
use super::values::{ints, to_columns};
use crate::block::{Columns, Kind};
use crate::step::{Form, How, Plan, Reducing, Run, Step, targets_by_form};

fn plan(stages: &[Stage]) -> Plan {
    let steps = stages.iter().map(|stage| stage.step).collect();
    Plan::new(steps, Some(stages.iter().flat_map(|stage| stage.forms.clone()).collect()))
}

fn hows(stages: &[Stage]) -> Vec<How> {
    plan(stages).told().map(|(_, how)| how).collect()
}

#[test]
fn a_chain_says_how_each_step_runs() {
    use How::{Native, Python, TakesIn};
    let reduce = |reducing| whole(Step::Partitions, Form::Reduce(reducing), |_, _, rows| rows);
    for (stages, expected) in [
        (vec![step(Step::Map, next()), bare(Step::Keys)], vec![Native, Native]),
        // Between Python's steps programs would only cost two conversions.
        (vec![in_python(Step::Map, next()), step(Step::Map, next())], vec![Python, Python]),
        (
            vec![in_python(Step::Map, keyed()), step(Step::MapValues, next()), combine(same(), add())],
            vec![Python, TakesIn, Native],
        ),
        (vec![in_python(Step::Map, keyed()), combine(same(), add())], vec![Python, TakesIn]),
        (vec![in_python(Step::Map, next()), reduce(Reducing::Stats)], vec![Python, Python]),
        (vec![in_python(Step::Map, next()), reduce(Reducing::Counts)], vec![Python, TakesIn]),
        (vec![in_python(Step::Map, next()), bare(Step::Count)], vec![Python, Native]),
        (vec![bare(Step::Take(3))], vec![Python]),
    ] {
        assert_eq!(hows(&stages), expected);
    }
}

#[test]
fn without_forms_all_runs_in_python() {
    let plan = Plan::new(vec![Step::Map, Step::Count], None);
    assert!(!plan.is_read() && plan.ends_in_python() && !plan.is_light());
    assert!(matches!(plan.runs(), [Run::Python(steps)] if *steps == (0..2)));
    assert!(!plan.same_as(&plan), "nothing is known of it");
}

#[test]
fn chains_whose_programs_are_equal_do_the_same() {
    let one = || plan(&[step(Step::Map, keyed()), combine(same(), add())]);
    assert!(one().same_as(&one()));
    assert!(!one().same_as(&plan(&[step(Step::Map, keyed()), combine(same(), shifted())])));
    assert!(!one().same_as(&plan(&[step(Step::Map, keyed())])));
    assert!(!plan(&[step(Step::Map, keyed())]).same_as(&one()));
    let unread = || plan(&[in_python(Step::Map, keyed())]);
    assert!(!unread().same_as(&unread()), "a function that was not read may do anything");
    let sample = || {
        let form = Form::Sample { seed: 1, from: 0.0, below: 0.5 };
        plan(&[whole(Step::IndexedPartitions, form, |_, _, rows| rows)])
    };
    assert!(!sample().same_as(&sample()), "a sample depends on the partition");
}

#[test]
fn a_fold_is_found_where_only_steps_over_elements_come_before() {
    let at = |stages: &[Stage]| plan(stages).fold().map(|(at, _)| at);
    assert_eq!(at(&[combine(same(), add())]), Some(0));
    assert_eq!(at(&[step(Step::Map, keyed()), combine(same(), add()), bare(Step::Keys)]), Some(1));
    assert_eq!(at(&[in_python(Step::Map, keyed()), combine(same(), add())]), None);
    assert_eq!(at(&[bare(Step::MergeGroups)]), None);
    assert_eq!(at(&[step(Step::Map, keyed())]), None);
    assert_eq!(at(&[merge_combiners(add())]), Some(0));
}

#[test]
fn light_chains_call_no_function_of_the_program() {
    assert!(plan(&[step(Step::Map, next()), bare(Step::Count)]).is_light());
    assert!(!plan(&[in_python(Step::Map, next())]).is_light());
}

#[test]
fn functions_are_found_by_their_place() {
    let plan = plan(&[step(Step::Map, keyed()), combine(same(), add()), bare(Step::Keys), step(Step::FlatMap, both())]);
    assert_eq!(
        [plan.functions_of(&(0..1)), plan.functions_of(&(1..3)), plan.functions_of(&(2..4))],
        [0..1, 1..3, 3..4]
    );
    assert_eq!(plan.functions_of(&(3..3)), 3..3);
}

#[test]
fn every_step_is_read_back_from_its_name() {
    use Step::{
        Combine, Count, Filter, FlatMap, FlatMapValues, Glom, Group, IndexedPartitions, Keys, Map, MapValues,
        MergeCombiners, MergeGroups, Partitions, Take, Values,
    };
    for step in [
        Map,
        Filter,
        FlatMap,
        MapValues,
        FlatMapValues,
        Keys,
        Values,
        Take(0),
        Take(7),
        Partitions,
        IndexedPartitions,
        Glom,
        Count,
        Combine { alike: true },
        Combine { alike: false },
        MergeCombiners,
        Group,
        MergeGroups,
    ] {
        let (name, number) = step.name();
        assert_eq!(Step::from_name(name, number), Some(step));
    }
    assert_eq!(Step::from_name("mapp", 0), None);
}

#[test]
fn keys_are_placed_by_ranges_and_by_functions() {
    let keys: Columns = to_columns(&ints([5, -3, 10, 20, 11])).unwrap();
    let bounds = to_columns(&ints([0, 10])).unwrap();
    let ranges = |ascending| Form::Ranges { bounds: bounds.clone(), key: None, ascending };
    assert_eq!(targets_by_form(&ranges(true), &keys, 3), Some(vec![1, 0, 1, 2, 2]));
    assert_eq!(targets_by_form(&ranges(false), &keys, 3), Some(vec![1, 2, 1, 0, 0]));
    let texts = Columns::new(Kind::Str, Arc::new(arrow_array::StringViewArray::from_iter_values(["a"])));
    assert_eq!(targets_by_form(&ranges(true), &texts, 3), None, "Python compares keys of other kinds");
    let by = |program| targets_by_form(&Form::Program(program), &keys, 4);
    assert_eq!(by(next().0), Some(vec![2, 2, 3, 1, 0]));
    assert_eq!(by(keyed().0), None, "no number");
}
