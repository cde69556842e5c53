//! States of keys from batch to batch: those of `mapWithState`, and those of `updateStateByKey` and windows.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use super::programs::{Build, add, program, whole};
use super::python::{Stand, as_columns};
use super::values::{BIG, Int, Value, ints, pair, text, to_columns, values_of};
use super::{Chain, SHAPES, Shape, blocks, little_memory};
use crate::block::{Block, Columns};
use crate::error::TaskId;
use crate::expr::{Node, NodeId, Program, Value as Constant};
use crate::memory::Memory;
use crate::rdd::{CancelToken, Task, ready};
use crate::step::{Batch, Form, KeyStates, Mapped, Replaced, Rule, Step, Tables};

fn none(b: &mut Build) -> NodeId {
    b.node(Node::Const(Constant::None))
}

/// `(total, total, 1)`, the total of the state and the record's value.
fn running_total() -> Program {
    program(2, |b| {
        let (state, record, one) = (b.arg(0), b.arg(1), b.int(1));
        let (value, none) = (b.item(record, 1), none(b));
        let cond = b.op("is", &[state, none]);
        let other = b.op("add", &[state, value]);
        let total = b.node(Node::If { cond, then: value, other });
        b.node(Node::Tuple(vec![total, total, one]));
    })
}

/// The same in Python; for a key that times out, a text.
fn total(_: &Value, value: &Value, state: &Value) -> (Value, Value, i128) {
    match (value, state) {
        (Value::None, state) => (text(format!("{state:?} timed out")), Value::None, 2),
        (value, Value::None) => (value.clone(), value.clone(), 1),
        (value, state) => (state.plus(value), state.plus(value), 1),
    }
}

type States = Arc<Mutex<KeyStates>>;

fn states(timed: bool) -> Vec<States> {
    (0..=super::PARTITION).map(|_| Arc::new(Mutex::new(KeyStates::new(timed)))).collect()
}

const AT: Batch = Batch { time: 0, oldest: 0, least: 0, emits_none: true, idle_before: None };

/// One batch; where Python must look at it, how many rows came to it.
fn batch(states: &[States], what: Batch, shape: Shape, rows: &[Value]) -> Result<Vec<Value>, usize> {
    let mapped = Mapped { states: Arc::new(states.to_vec()), program: running_total(), batch: what };
    let stage = whole(Step::IndexedPartitions, Form::Mapped(mapped), |_, _, rows| rows);
    let stand = Stand { stages: vec![stage], stateful: Some(total), ..Stand::new() };
    let chain = Chain::within(&Memory::unbounded(), stand);
    let made = chain.run(blocks(shape, rows)).unwrap();
    match chain.stand.rows.load(Relaxed) {
        0 => Ok(made),
        rows => Err(rows),
    }
}

fn snapshot(states: &[States], version: i64) -> Option<Vec<Value>> {
    let view = states[super::PARTITION].lock().unwrap().version(version)?;
    Some(view.blocks().unwrap().iter().flat_map(values_of).collect())
}

fn record(key: i64, value: i64) -> Value {
    pair(text(format!("key {key}")), Int(value.into()))
}

#[test]
fn each_batch_counts_on_the_one_before() {
    for shape in SHAPES {
        let states = states(false);
        let (mut model, mut after): (Vec<(Value, Value)>, Vec<Vec<Value>>) = (vec![], vec![]);
        for time in 1..6 {
            let rows: Vec<Value> = (0..40).map(|at| record(at * time % (5 * time), at)).collect();
            let expected: Vec<Value> = rows
                .iter()
                .map(|row| {
                    let at = model.iter().position(|known| known.0 == row.item(0)).unwrap_or_else(|| {
                        model.push((row.item(0), Value::None));
                        model.len() - 1
                    });
                    let (element, state, _) = total(&row.item(0), &row.item(1), &model[at].1);
                    model[at].1 = state;
                    element
                })
                .collect();
            after.push(model.iter().map(|(key, state)| pair(key.clone(), state.clone())).collect());
            assert_eq!(batch(&states, Batch { time, ..AT }, shape, &rows), Ok(expected), "{shape:?} at {time}");
        }
        for (at, after) in after.into_iter().enumerate() {
            assert_eq!(snapshot(&states, at as i64 + 1), Some(after), "{shape:?}");
        }
    }
}

#[test]
fn an_odd_record_leaves_the_states_as_they_were() {
    for odd in [pair(BIG, Int(1)), pair(text("key 1"), BIG), Int(3), record(1, i64::MAX)] {
        for row in 0..8 {
            let states = states(false);
            let mut rows: Vec<Value> = (0..8).map(|at| record(at % 3, at + 1)).collect();
            batch(&states, Batch { time: 1, ..AT }, Shape::Columns(3), &rows).unwrap();
            let before = snapshot(&states, 1);
            rows[row] = odd.clone();
            // Whatever is there of a batch is looked at in Python, and nothing of it counts here.
            let made = batch(&states, Batch { time: 2, ..AT }, Shape::Columns(3), &rows);
            assert_eq!(made, Err(8), "{odd:?} at {row}");
            assert_eq!((snapshot(&states, 1), snapshot(&states, 2)), (before, None));
        }
    }
}

#[test]
fn a_batch_that_is_made_again_counts_once() {
    let states = states(false);
    let rows = [record(1, 5), record(2, 6)];
    batch(&states, Batch { time: 1, ..AT }, Shape::Columns(9), &rows).unwrap();
    for _ in 0..3 {
        let again = batch(&states, Batch { time: 2, ..AT }, Shape::Columns(9), &rows);
        assert_eq!(again, Ok(ints([10, 12])));
    }
    assert_eq!(snapshot(&states, 2), Some(vec![record(1, 10), record(2, 12)]));
    // One that is older than the newest version is Python's.
    assert_eq!(batch(&states, Batch { time: 1, ..AT }, Shape::Columns(9), &rows), Err(2));
}

#[test]
fn keys_that_are_not_touched_time_out() {
    let states = states(true);
    let run = |what, rows: &[Value]| batch(&states, what, Shape::Columns(9), rows).unwrap();
    run(Batch { time: 1, ..AT }, &[record(1, 5), record(2, 6)]);
    run(Batch { time: 2, ..AT }, &[record(2, 1)]);
    let made = run(Batch { time: 3, idle_before: Some(2), ..AT }, &[record(3, 9)]);
    assert_eq!(made, [Int(9), text("Int(5) timed out")]);
    let stamped = |key, state, time| pair(text(format!("key {key}")), pair(Int(state), Int(time)));
    assert_eq!(snapshot(&states, 3), Some(vec![stamped(2, 7, 2), stamped(3, 9, 3)]));
}

#[test]
fn none_is_an_element_only_where_it_is_wanted() {
    let to_none = program(2, |b| {
        let (value, one) = (b.arg(1), b.int(1));
        let (value, none) = (b.item(value, 1), none(b));
        let two = b.int(2);
        let even = b.op("mod", &[value, two]);
        let element = b.node(Node::If { cond: even, then: value, other: none });
        b.node(Node::Tuple(vec![element, value, one]));
    });
    for (emits_none, expected) in [(true, vec![Int(1), Value::None, Int(3)]), (false, ints([1, 3]))] {
        let what = Batch { time: 1, emits_none, ..AT };
        let mapped = Mapped { states: Arc::new(states(false)), program: to_none.clone(), batch: what };
        let stage = whole(Step::IndexedPartitions, Form::Mapped(mapped), |_, _, rows| rows);
        let stand = Stand { stages: vec![stage], ..Stand::new() };
        let chain = Chain::within(&Memory::unbounded(), stand);
        let rows: Vec<Value> = (1..4).map(|at| record(at, at)).collect();
        assert_eq!(chain.run(blocks(Shape::Columns(9), &rows)).unwrap(), expected);
    }
}

#[test]
fn states_that_are_given_up_are_there_until_they_are_forgotten() {
    let states = states(false);
    for time in 1..4 {
        batch(&states, Batch { time, ..AT }, Shape::Columns(9), &[record(1, 1), record(time, 1)]).unwrap();
    }
    let mut part = states[super::PARTITION].lock().unwrap();
    let (versions, cut) = part.give_up();
    let versions: Vec<(i64, Vec<Columns>)> =
        versions.into_iter().map(|(time, view)| (time, view.blocks().unwrap())).collect();
    let read = |blocks: &[Columns]| blocks.iter().flat_map(values_of).collect::<Vec<_>>();
    let newest = [record(1, 4), record(2, 1), record(3, 1)];
    assert_eq!(read(&versions[2].1), newest);
    let was: Vec<_> = Replaced::all(&versions, cut)
        .unwrap()
        .iter()
        .map(|replaced| (replaced.time, replaced.before, read(&replaced.was.pairs), read(&replaced.was.gone)))
        .collect();
    assert_eq!(
        was,
        [
            (1, None, vec![], vec![text("key 1")]),
            (2, Some(1), vec![record(1, 2)], vec![text("key 2")]),
            (3, Some(2), vec![record(1, 3)], vec![text("key 3")]),
        ]
    );
    assert_eq!(part.keys(), 3);
    part.forget();
    assert_eq!((part.keys(), part.last()), (0, None));
    assert!(!part.load(9, None, None).unwrap(), "they are Python's for good");
    drop(part);
    assert_eq!(batch(&states, Batch { time: 4, ..AT }, Shape::Columns(9), &[record(1, 1)]), Err(1));
}

#[test]
fn only_states_are_loaded() {
    let load = |rows: &[Value]| KeyStates::new(false).load(0, Some(to_columns(rows).unwrap()), None).unwrap();
    assert!(load(&[record(1, 1), record(2, 1)]));
    assert!(!load(&[record(1, 1), record(1, 2)]), "a key comes twice");
    assert!(!load(&[record(1, 1), pair(text("key 2"), Value::None)]), "a key has no state");
    assert!(!load(&ints([1])), "no pairs");
}

#[test]
fn all_states_have_their_turn_once() {
    let states = states(false);
    for time in 1..5 {
        let rows: Vec<Value> = (0..50).map(|at| record(time * 50 + at, 1)).collect();
        batch(&states, Batch { time, ..AT }, Shape::Columns(99), &rows).unwrap();
    }
    let mut part = states[super::PARTITION].lock().unwrap();
    let (mut seen, mut begin) = (Vec::new(), true);
    loop {
        let (turn, over) = part.turn(4, 60, begin).unwrap();
        seen.extend(turn.iter().flat_map(values_of));
        begin = false;
        if over {
            break;
        }
    }
    seen.sort_by_key(|row| format!("{row:?}"));
    seen.dedup();
    assert_eq!(seen.len(), 200);
}

fn task(memory: &Arc<Memory>) -> Arc<Task> {
    Task::within(memory, TaskId::default(), CancelToken::default(), Arc::default())
}

/// `(state or 0) + sum(values)`; None, which forgets the key, if there are no values.
fn total_of_values() -> Program {
    program(2, |b| {
        let (values, state) = (b.arg(0), b.arg(1));
        let (sum, none) = (b.op("sum", &[values]), none(b));
        let fresh = b.op("is", &[state, none]);
        let more = b.op("add", &[state, sum]);
        let total = b.node(Node::If { cond: fresh, then: sum, other: more });
        b.node(Node::If { cond: values, then: total, other: none });
    })
}

fn updated(tables: &Tables, memory: &Arc<Memory>, rule: Rule, older: &[Value], newer: &[Value]) -> Option<Vec<Value>> {
    let update = tables.update(rule, as_columns);
    let blocks = |rows: &[Value]| blocks(Shape::Columns(4), rows);
    let made = update.update(&task(memory), 0, blocks(older), blocks(newer)).unwrap()?;
    Some(made.flat_map(|block| super::elements(&block.unwrap()).unwrap()).collect())
}

#[test]
fn a_batch_changes_states_as_its_rule_says() {
    let (tables, memory) = (Tables::default(), Memory::unbounded());
    let update =
        |older: &[Value], newer: &[Value]| updated(&tables, &memory, Rule::Update(total_of_values()), older, newer);
    let first = update(&[], &[record(1, 1), record(2, 2), record(1, 3)]).unwrap();
    assert_eq!(first, [record(1, 4), record(2, 2)]);
    assert_eq!(tables.len(), 1, "a table for the next batch");
    assert_eq!(update(&first, &[record(3, 1), record(2, 5)]).unwrap(), [record(2, 7), record(3, 1)]);
    assert_eq!(update(&[], &[]).unwrap(), []);
    for odd in [pair(BIG, Int(1)), pair(text("key 2"), BIG), Int(1)] {
        assert_eq!(update(&first, &[record(1, 1), odd.clone()]), None, "{odd:?}");
        assert_eq!(update(&[odd], &[record(1, 1)]), None);
    }
}

#[test]
fn windows_add_and_subtract() {
    let (tables, memory) = (Tables::default(), Memory::unbounded());
    let subtract = program(2, |b| {
        let (one, other) = (b.arg(0), b.arg(1));
        b.op("sub", &[one, other]);
    });
    let keep = program(1, |b| {
        let row = b.arg(0);
        b.item(row, 1);
    });
    let older = [record(1, 5), record(2, 2)];
    let less = updated(&tables, &memory, Rule::Subtract(subtract), &older, &[record(1, 5)]).unwrap();
    assert_eq!(less, [record(1, 0), record(2, 2)]);
    let more =
        |keep| updated(&tables, &memory, Rule::Add(add().0, keep), &less, &[record(2, 1), record(3, 1)]).unwrap();
    assert_eq!(more(None), [record(1, 0), record(2, 3), record(3, 1)]);
    assert_eq!(more(Some(keep)), [record(2, 3), record(3, 1)]);
}

#[test]
fn a_table_without_room_is_left_out_and_the_states_are_the_same() {
    let (tables, memory) = (Tables::default(), little_memory(1000));
    let rows: Vec<Value> = (0..200).map(|at| record(at, at)).collect();
    let made = updated(&tables, &memory, Rule::Update(total_of_values()), &[], &rows).unwrap();
    assert_eq!((made, tables.len()), (rows, 0));
}

#[test]
fn objects_that_are_columns_are_taken_as_such() {
    let tables = Tables::default();
    let update = tables.update(Rule::Update(total_of_values()), as_columns);
    let newer = blocks(Shape::Objects(2), &[record(1, 1), record(2, 1), record(1, 1)]);
    let made = update.update(&task(&Memory::unbounded()), 0, ready(vec![]), newer).unwrap().unwrap();
    let made: Vec<Block> = made.collect::<Result<_, _>>().unwrap();
    assert!(made.iter().all(|block| matches!(block, Block::Columns(_))));
    assert_eq!(made.iter().map(Block::len).sum::<usize>(), 2);
}
