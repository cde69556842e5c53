//! Tables against a plain list of pairs.

use std::cell::Cell;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, StringViewArray};
use arrow_buffer::BooleanBuffer;
use proptest::prelude::*;

use super::*;
use crate::block::{Columns, Kind};
use crate::kernel::gather::{pair_columns, pairs};

type Pair = (String, i64);

fn key(number: usize) -> String {
    // Some keys are longer than what a view holds itself.
    if number.is_multiple_of(3) { format!("a key of more than twelve bytes {number}") } else { format!("k{number}") }
}

fn block(rows: &[Pair]) -> Columns {
    let keys: ArrayRef = Arc::new(StringViewArray::from_iter_values(rows.iter().map(|row| row.0.as_str())));
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)));
    pairs((Kind::Str, keys), (Kind::Int, values)).unwrap()
}

/// A batch in pieces of so many rows.
fn pieces(rows: &[Pair], size: usize) -> Vec<Columns> {
    rows.chunks(size).map(block).collect()
}

fn read(blocks: &[Columns]) -> Vec<Pair> {
    let mut all = Vec::new();
    for block in blocks {
        let ((_, keys), (_, values)) = pair_columns(block).unwrap();
        let (keys, values) = (keys.as_string_view(), values.as_primitive::<Int64Type>());
        all.extend((0..keys.len()).map(|row| (keys.value(row).to_owned(), values.value(row))));
    }
    all
}

fn ints(values: impl IntoIterator<Item = Option<i64>>) -> Columns {
    Columns::new(Kind::Int, Arc::new(Int64Array::from_iter(values)))
}

fn int(column: &Columns, row: usize) -> Option<i64> {
    let values = column.array().as_primitive_opt::<Int64Type>()?;
    values.is_valid(row).then(|| values.value(row))
}

/// Halves the state, adds the new values, forgets at 0: states settle at different times, and some are forgotten.
fn rule(new: &[i64], old: Option<i64>) -> Option<i64> {
    let made = if new.is_empty() { old.unwrap_or(0) / 2 } else { old.unwrap_or(0) + new.iter().sum::<i64>() };
    // 100 and more stay as they are.
    let made = if new.is_empty() && old.is_some_and(|old| old >= 100) { old.unwrap_or(0) } else { made };
    (made != 0).then_some(made)
}

fn rule_of_columns(new: &Columns, old: &Columns) -> Option<Columns> {
    let lists = new.array().as_list::<i32>();
    Some(ints((0..new.len()).map(|row| {
        let values = lists.value(row);
        let values: Vec<i64> =
            values.as_primitive_opt::<Int64Type>().map_or_else(Vec::new, |values| values.values().to_vec());
        rule(&values, int(old, row))
    })))
}

fn model_update(states: &mut Vec<Pair>, batch: &[Pair]) {
    let mut order: Vec<&String> = batch.iter().map(|pair| &pair.0).collect();
    order.retain(|key| !states.iter().any(|state| state.0 == **key));
    let mut seen = Vec::new();
    order.retain(|key| {
        !seen.contains(key) && {
            seen.push(*key);
            true
        }
    });
    let news = |key: &str| -> Vec<i64> { batch.iter().filter(|pair| pair.0 == key).map(|pair| pair.1).collect() };
    let mut after: Vec<Pair> = Vec::new();
    for (key, old) in states.iter() {
        after.extend(rule(&news(key), Some(*old)).map(|state| (key.clone(), state)));
    }
    for key in order {
        after.extend(rule(&news(key), None).map(|state| (key.clone(), state)));
    }
    *states = after;
}

fn batches() -> impl Strategy<Value = Vec<Vec<Pair>>> {
    let pair = (0_usize..40, -3_i64..200).prop_map(|(number, value)| (key(number), value));
    prop::collection::vec(prop::collection::vec(pair, 0..30), 1..12)
}

proptest! {
    #[test]
    fn states_are_those_of_a_list(
        batches in batches(), forget in prop::collection::vec(any::<bool>(), 12), size in 1_usize..20,
    ) {
        let (mut states, mut snapshot, mut table) = (Vec::new(), Vec::new(), None);
        for (batch, forget) in batches.iter().zip(forget) {
            let before = read(&snapshot);
            let kept = if forget { None } else { table.take() };
            let mut working = Working::open(kept, snapshot.clone(), &Kind::Str, &Kind::Int).unwrap().unwrap();
            prop_assert!(working.update(&pieces(batch, size), &rule_of_columns).unwrap());
            let (next, made) = working.close().unwrap();
            prop_assert_eq!(read(&snapshot), before, "a snapshot never changes");
            model_update(&mut states, batch);
            prop_assert_eq!(read(&made), states.clone());
            prop_assert_eq!(next.len(), states.len());
            (snapshot, table) = (made, Some(next));
        }
    }

    #[test]
    fn windows_are_those_of_a_list(batches in batches(), length in 1_usize..4, size in 1_usize..20) {
        let distinct = |batch: &[Pair]| -> Vec<Pair> {
            let mut sums: Vec<Pair> = Vec::new();
            for (key, value) in batch {
                match sums.iter_mut().find(|sum| sum.0 == *key) {
                    Some(sum) => sum.1 += value,
                    None => sums.push((key.clone(), *value)),
                }
            }
            sums
        };
        let panes: Vec<Vec<Pair>> = batches.iter().map(|batch| distinct(batch)).collect();
        let (mut sums, mut snapshot, mut table): (Vec<Pair>, Vec<Columns>, _) = (Vec::new(), Vec::new(), None);
        let less = |one: &Columns, other: &Columns| {
            Some(ints((0..one.len()).map(|row| Some(int(one, row)? - int(other, row)?))))
        };
        let more = |one: &Columns, other: &Columns| {
            Some(ints((0..one.len()).map(|row| Some(int(one, row)? + int(other, row)?))))
        };
        let positive = |pairs: &Columns| {
            let ((_, _), (_, values)) = pair_columns(pairs)?;
            let values = values.as_primitive::<Int64Type>();
            Some(BooleanBuffer::collect_bool(pairs.len(), |row| values.value(row) > 0))
        };
        for (at, pane) in panes.iter().enumerate() {
            let left: &[Pair] = at.checked_sub(length).map_or(&[], |at| &panes[at]);
            for (key, value) in left {
                sums.iter_mut().filter(|sum| sum.0 == *key).for_each(|sum| sum.1 -= value);
            }
            for (key, value) in pane {
                match sums.iter_mut().find(|sum| sum.0 == *key) {
                    Some(sum) => sum.1 += value,
                    None => sums.push((key.clone(), *value)),
                }
            }
            sums.retain(|sum| sum.1 > 0);
            let mut working = Working::open(table.take(), snapshot, &Kind::Str, &Kind::Int).unwrap().unwrap();
            prop_assert!(working.subtract(&pieces(left, size), &less).unwrap());
            let (next, made) = working.close().unwrap();
            let mut working = Working::open(Some(next), made, &Kind::Str, &Kind::Int).unwrap().unwrap();
            prop_assert!(working.add(&pieces(pane, size), &more, Some(&positive)).unwrap());
            let (next, made) = working.close().unwrap();
            prop_assert_eq!(read(&made), sums.clone());
            (snapshot, table) = (made, Some(next));
        }
    }
}

fn many(count: usize) -> Vec<Pair> {
    (0..count).map(|number| (key(number), 1000 + number as i64)).collect()
}

fn opened(table: Option<Table>, blocks: Vec<Columns>) -> Working {
    Working::open(table, blocks, &Kind::Str, &Kind::Int).unwrap().unwrap()
}

#[test]
fn only_what_may_change_is_asked_and_the_rest_is_shared() {
    let asked = Cell::new(0);
    let count = |new: &Columns, old: &Columns| {
        asked.set(asked.get() + new.len());
        rule_of_columns(new, old)
    };
    let mut working = opened(None, vec![block(&many(10_000))]);
    assert!(working.update(&[], &count).unwrap());
    assert_eq!(asked.replace(0), 10_000, "nothing is known of states that are read");
    let (table, snapshot) = working.close().unwrap();
    let mut working = opened(Some(table), snapshot.clone());
    assert!(working.update(&[block(&[(key(5000), 1)])], &count).unwrap());
    assert_eq!(asked.replace(0), 1);
    let (table, after) = working.close().unwrap();
    let shared = after.iter().zip(&snapshot).filter(|(one, other)| Arc::ptr_eq(one.array(), other.array())).count();
    assert_eq!((shared, after.len()), (snapshot.len() - 1, snapshot.len()));
    // The state that changed is asked once more.
    let mut working = opened(Some(table), after);
    assert!(working.update(&[], &count).unwrap());
    assert!(working.update(&[], &count).unwrap());
    assert_eq!(asked.get(), 1);
}

#[test]
fn keys_that_did_not_come_have_empty_lists_of_the_values_of_the_batch() {
    let kinds = std::cell::RefCell::new(Vec::new());
    let note = |new: &Columns, old: &Columns| {
        kinds.borrow_mut().push(new.kind().clone());
        rule_of_columns(new, old)
    };
    let mut working = opened(None, vec![block(&many(10))]);
    assert!(working.update(&[block(&[(key(3), 1)])], &note).unwrap());
    let list = Kind::List(Box::new(Kind::Int));
    // One lot of the key that came, three of those that did not.
    assert_eq!(kinds.into_inner(), vec![list; 4]);
}

#[test]
fn a_table_is_not_used_for_another_snapshot() {
    let mut working = opened(None, vec![block(&many(100))]);
    assert!(working.update(&[], &rule_of_columns).unwrap());
    let (table, first) = working.close().unwrap();
    let mut working = opened(Some(table), first.clone());
    assert!(working.update(&[block(&[("new".to_owned(), 7)])], &rule_of_columns).unwrap());
    let (table, _) = working.close().unwrap();
    let mut again = opened(Some(table), first.clone());
    assert!(again.update(&[], &rule_of_columns).unwrap());
    assert_eq!(read(&again.close().unwrap().1), read(&first));
}

#[test]
fn forgotten_keys_do_not_stay_for_ever() {
    let (mut table, mut snapshot) = (None, Vec::new());
    let forgets = |new: &Columns, _: &Columns| {
        let lists = new.array().as_list::<i32>();
        Some(ints((0..new.len()).map(|row| (lists.value_length(row) > 0).then_some(1))))
    };
    for batch in 0..40 {
        let mut working = opened(table.take(), snapshot);
        let rows: Vec<Pair> = (0..1000).map(|number| (format!("batch {batch} key {number}"), 1)).collect();
        assert!(working.update(&[block(&rows)], &forgets).unwrap());
        let (next, made) = working.close().unwrap();
        assert_eq!(read(&made), rows);
        assert!(next.keys.len() < 8000, "{}", next.keys.len());
        (table, snapshot) = (Some(next), made);
    }
}

#[test]
fn what_has_no_exact_answer_is_left_to_python() {
    let twice = block(&[("a".to_owned(), 1), ("a".to_owned(), 2)]);
    assert!(Working::open(None, vec![twice.clone()], &Kind::Str, &Kind::Int).unwrap().is_none());
    assert!(Working::open(None, vec![block(&many(2))], &Kind::Int, &Kind::Int).unwrap().is_none());
    let mut working = opened(None, vec![block(&many(2))]);
    assert!(!working.add(&[twice], &|_, _| None, None).unwrap());
    assert!(!opened(None, vec![block(&many(2))]).update(&[], &|_, _| None).unwrap());
    let texts = |new: &Columns, _: &Columns| {
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values((0..new.len()).map(|_| "text")));
        Some(Columns::new(Kind::Str, texts))
    };
    assert!(!opened(None, vec![block(&many(2))]).update(&[], &texts).unwrap(), "states of two kinds");
}

/// What a record does to a state, and gives: 0 forgets it, what is below looks at it, all others are added.
fn look(old: Option<i64>, value: i64) -> (i64, Option<i64>, i64) {
    match (value, old) {
        (0, Some(_)) => (-1, None, 2),
        (0, None) => (-2, None, 0),
        (..0, old) => (old.unwrap_or(-3), old, 0),
        (value, old) => (old.unwrap_or(0) + value, Some(old.unwrap_or(0) + value), 1),
    }
}

fn looked(made: Vec<(i64, Option<i64>, i64)>) -> Columns {
    let column = |values: Vec<Option<i64>>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    let columns = vec![
        column(made.iter().map(|made| Some(made.0)).collect()),
        column(made.iter().map(|made| made.1).collect()),
        column(made.iter().map(|made| Some(made.2)).collect()),
    ];
    let kind = Kind::Tuple { items: vec![Kind::Int; 3], class: None };
    Columns::new(kind, crate::block::tuple_array(columns, None).unwrap())
}

fn looked_at_once(states: &Columns, records: &Columns) -> Option<Columns> {
    let rows = read(std::slice::from_ref(records));
    Some(looked(rows.iter().enumerate().map(|(row, record)| look(int(states, row), record.1)).collect()))
}

fn looked_in_order(states: &Columns, ids: &[u32], records: &Columns) -> crate::error::Result<Option<Columns>> {
    let mut now: Vec<Option<i64>> = (0..states.len()).map(|row| int(states, row)).collect();
    let rows = read(std::slice::from_ref(records));
    let mut made = Vec::new();
    for (id, record) in ids.iter().zip(&rows) {
        let (element, after, done) = look(now[*id as usize], record.1);
        now[*id as usize] = after;
        made.push((element, after, done));
    }
    Ok(Some(looked(made)))
}

fn no_way(_: &Columns, _: &[u32], _: &Columns) -> crate::error::Result<Option<Columns>> {
    Ok(None)
}

proptest! {
    #[test]
    fn records_are_looked_at_one_after_the_other(
        batches in prop::collection::vec(
            prop::collection::vec((prop_oneof![0_usize..3, 0_usize..40], -2_i64..4), 1..700), 1..6
        ),
        row_by_row in any::<bool>(), again in any::<bool>(),
    ) {
        let ways = Ways {
            at_once: &looked_at_once,
            by_row: if row_by_row { &looked_in_order } else { &no_way },
            one_by_one: &looked_in_order,
        };
        let (mut model, mut table, mut blocks): (Vec<Pair>, _, Vec<Columns>) = (Vec::new(), None, Vec::new());
        for batch in batches {
            let rows: Vec<Pair> = batch.iter().map(|(number, value)| (key(*number), *value)).collect();
            let (before, mut elements) = (model.clone(), Vec::new());
            for (key, value) in &rows {
                let at = model.iter().position(|(known, _)| known == key);
                let (element, after, _) = look(at.map(|at| model[at].1), *value);
                elements.push(element);
                match (at, after) {
                    (Some(at), Some(after)) => model[at].1 = after,
                    (Some(at), None) => drop(model.remove(at)),
                    (None, Some(after)) => model.push((key.clone(), after)),
                    (None, None) => {}
                }
            }
            let newer: Vec<Columns> = rows.chunks(100).map(block).collect();
            let known = if again { None } else { table.take() };
            let mut working = Working::open(known, blocks.clone(), &Kind::Str, &Kind::None).unwrap().unwrap();
            let made = working.map(&newer, &ways, None).unwrap().unwrap();
            let made: Vec<i64> = (0..made.len()).map(|row| int(&made, row).unwrap()).collect();
            prop_assert_eq!(made, elements);
            let (kept, after) = working.close().unwrap();
            let sorted = |mut pairs: Vec<Pair>| { pairs.sort(); pairs };
            prop_assert_eq!(sorted(read(&after)), sorted(model.clone()));
            let found = changes(&blocks, &after).unwrap().unwrap();
            let new: Vec<Pair> = model.iter().filter(|pair| !before.contains(pair)).cloned().collect();
            prop_assert_eq!(sorted(read(&found.pairs)), sorted(new));
            let gone: Vec<String> = before.iter().map(|pair| pair.0.clone())
                .filter(|key| !model.iter().any(|pair| pair.0 == *key)).collect();
            let mut told = Vec::new();
            for keys in &found.gone {
                told.extend(keys.array().as_string_view().iter().flatten().map(str::to_owned));
            }
            told.sort();
            prop_assert_eq!(told, { let mut gone = gone; gone.sort(); gone });
            (table, blocks) = (Some(kept), after);
        }
    }
}

/// The states with their stamps.
fn read_stamped(blocks: &[Columns]) -> Vec<(Pair, i64)> {
    let mut all = Vec::new();
    for block in blocks {
        let ((_, keys), (_, values)) = pair_columns(block).unwrap();
        let (keys, values) = (keys.as_string_view(), values.as_struct());
        let (states, stamps) = (values.column(0), values.column(1));
        let (states, stamps) = (states.as_primitive::<Int64Type>(), stamps.as_primitive::<Int64Type>());
        all.extend((0..keys.len()).map(|at| ((keys.value(at).to_owned(), states.value(at)), stamps.value(at))));
    }
    all
}

proptest! {
    #[test]
    fn older_versions_stay_as_they_were_and_keys_time_out(
        batches in prop::collection::vec(
            (prop::collection::vec((0_usize..120, -2_i64..4), 0..60), prop::option::of(0_i64..4), any::<bool>(), 0_i64..5), 1..12
        ),
        first in 0_usize..100,
    ) {
        let ways = Ways { at_once: &looked_at_once, by_row: &no_way, one_by_one: &looked_in_order };
        let initial: Vec<Pair> = (0..first).map(|number| (key(number), number as i64)).collect();
        // Keys, states and stamps, in the order in which keys got a state.
        let mut model: Vec<(Pair, i64)> = initial.iter().map(|pair| (pair.clone(), 0)).collect();
        let (mut versions, mut table) = (Versions::default(), None);
        let mut wanted: Vec<(i64, Vec<(Pair, i64)>)> = vec![(0, model.clone())];
        versions.push(0, pieces(&initial, 30).iter().map(|block| with_stamps(block, vec![0; block.len()]).unwrap()).collect()).unwrap();
        for (at, (records, idle, again, behind)) in batches.into_iter().enumerate() {
            let now = at as i64 + 1;
            let rows: Vec<Pair> = records.iter().map(|(number, value)| (key(*number), *value)).collect();
            let mut gone = Vec::new();
            for (key, value) in &rows {
                let known = model.iter().position(|((known, _), _)| known == key);
                let (_, after, _) = look(known.map(|at| model[at].0.1), *value);
                match (known, after) {
                    (Some(at), Some(after)) => model[at] = ((key.clone(), after), now),
                    (Some(at), None) => drop(model.remove(at)),
                    (None, Some(after)) => model.push(((key.clone(), after), now)),
                    (None, None) => {}
                }
            }
            if let Some(idle) = idle {
                gone = model.iter().filter(|held| held.1 < now - idle).cloned().collect();
                gone.sort_by_key(|held| held.1);
                model.retain(|held| held.1 >= now - idle);
            }
            for _ in 0..=usize::from(again) {
                if versions.last() == Some(now) {
                    versions.pop().unwrap();
                    table = None;
                }
                let (_, before) = versions.as_of(now - 1).unwrap();
                let mut working =
                    Working::open(table.take(), before.blocks().unwrap(), &Kind::Str, &Kind::None).unwrap().unwrap();
                if !rows.is_empty() {
                    prop_assert!(working.map(&pieces(&rows, 25), &ways, Some(now)).unwrap().is_some());
                }
                if let Some(idle) = idle {
                    let taken = working.take_idle(now - idle).unwrap();
                    let taken = read(&taken.into_iter().collect::<Vec<_>>());
                    let sorted = |mut pairs: Vec<Pair>| { pairs.sort(); pairs };
                    prop_assert_eq!(sorted(taken), sorted(gone.iter().map(|held| held.0.clone()).collect()));
                }
                let (next, blocks) = working.close().unwrap();
                table = Some(next);
                versions.push(now, blocks).unwrap();
            }
            wanted.push((now, model.clone()));
            let forgot = versions.forget(now - behind);
            let kept = wanted.iter().rposition(|version| version.0 <= now - behind).unwrap_or(0);
            prop_assert_eq!(forgot, kept > 0);
            wanted.drain(..kept);
            prop_assert_eq!(versions.keys(), model.len());
            let sorted = |mut held: Vec<(Pair, i64)>| { held.sort(); held };
            let all = versions.all();
            prop_assert_eq!(all.len(), wanted.len());
            for ((time, view), (wanted_time, states)) in all.into_iter().zip(&wanted) {
                prop_assert_eq!(time, *wanted_time);
                let made = view.blocks().unwrap();
                let plain: Vec<Columns> = made.iter().map(|block| unstamped(block).unwrap()).collect();
                prop_assert_eq!(read(&plain), read_stamped(&made).into_iter().map(|held| held.0).collect::<Vec<_>>());
                prop_assert_eq!(sorted(read_stamped(&made)), sorted(states.clone()));
            }
            prop_assert!(versions.as_of(wanted[0].0 - 1).is_none());
            let views: Vec<View> = versions.all().into_iter().map(|(_, view)| view).collect();
            for (one, other) in views.iter().flat_map(|one| views.iter().map(move |other| (one, other))) {
                let found = one.changes_up_to(other).unwrap().unwrap();
                let plain = changes(&one.blocks().unwrap(), &other.blocks().unwrap()).unwrap().unwrap();
                prop_assert_eq!(sorted(read_stamped(&found.pairs)), sorted(read_stamped(&plain.pairs)));
                let count = |blocks: &[Columns]| blocks.iter().map(Columns::len).sum::<usize>();
                prop_assert_eq!(count(&found.gone), count(&plain.gone));
            }
        }
    }
}

#[test]
fn an_older_version_is_held_as_what_changed_after_it() {
    let rows: Vec<Pair> = (0..3000).map(|number| (key(number), 0)).collect();
    let mut versions = Versions::default();
    versions.push(0, pieces(&rows, 1000)).unwrap();
    let ways = Ways { at_once: &looked_at_once, by_row: &no_way, one_by_one: &looked_in_order };
    let before = versions.as_of(0).unwrap().1.blocks().unwrap();
    let states = |block: &Columns| Arc::downgrade(pair_columns(block).unwrap().1.1);
    let [first, second] = [states(&before[0]), states(&before[1])];
    let mut working = Working::open(None, before, &Kind::Str, &Kind::Int).unwrap().unwrap();
    working.map(&[block(&[(key(5), 1), (key(6), 2)])], &ways, None).unwrap().unwrap();
    versions.push(1, working.close().unwrap().1).unwrap();
    assert!(first.upgrade().is_none(), "replaced, and only two states of it are held");
    assert!(second.upgrade().is_some());
    assert_eq!(read(&versions.as_of(0).unwrap().1.blocks().unwrap()), rows);
}
