//! How fast are the operators over columns that are no functions of the program: keys, folds, groups, joins, sorts, hashes,
//! states, sums of panes? Each answer is first compared with a plain computation. Figures are of one core, and on Linux of
//! processor time, so that a busy machine gives nearly the same ones.
//!
//! `cargo bench --no-default-features --bench kernels`

#![expect(clippy::expect_used, reason = "a benchmark may fail as it likes")]

mod harness;

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::sync::Arc;

use _native::block::{Columns, Kind, tuple_array};
use _native::kernel::fold::{Fold, Folder, Keep, Side};
use _native::kernel::gather::{Groups, pair_columns, pairs, scatter, singles, targets_by_hash};
use _native::kernel::join::Sides;
use _native::kernel::keys::KeyTable;
use _native::kernel::portable_hash::{TupleHash, bucket, hash_columns, hash_i64, hash_str};
use _native::kernel::siphash::Algorithm;
use _native::kernel::sort::SortKeys;
use _native::kernel::state::Working;
use _native::kernel::stats::Total;
use _native::kernel::top::Top;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, StringViewArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use harness::time;

const ROWS: usize = 65_536;
const KEYS: usize = 5_000;

/// The key number of each row: some keys often, most of them seldom, as words are.
fn numbers() -> Vec<usize> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    (0..ROWS).map(|_| next() % KEYS * (next() % KEYS) / KEYS).collect()
}

fn words(numbers: &[usize]) -> Vec<String> {
    // Every fifth one is longer than what a view holds itself.
    let word = |n: &usize| if n.is_multiple_of(5) { format!("a-longer-word-{n}") } else { format!("w{n}") };
    numbers.iter().map(word).collect()
}

fn texts(words: &[String]) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(words))
}

fn ints(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn int_values(array: &ArrayRef) -> &[i64] {
    array.as_primitive::<Int64Type>().values()
}

/// The columns that all benchmarks use.
struct Data {
    words: Vec<String>,
    texts: ArrayRef,
    numbers: Vec<i64>,
    ints: ArrayRef,
    values: ArrayRef,
}

impl Data {
    fn new() -> Self {
        let numbers = numbers();
        let words = words(&numbers);
        let texts = texts(&words);
        let numbers: Vec<i64> = numbers.iter().map(|n| *n as i64 * 7919 % 104_729 - 50_000).collect();
        let ints = ints(numbers.iter().copied());
        let values = self::ints((0..ROWS as i64).map(|row| row * 31 % 1000));
        Self { words, texts, numbers, ints, values }
    }

    fn pairs(&self) -> Columns {
        pairs((Kind::Str, Arc::clone(&self.texts)), (Kind::Int, Arc::clone(&self.values))).expect("equal lengths")
    }

    /// What a plain dict gives: key, value by value in order.
    fn plain_groups(&self) -> HashMap<&str, Vec<i64>> {
        let mut groups: HashMap<&str, Vec<i64>> = HashMap::new();
        for (word, value) in self.words.iter().zip(int_values(&self.values)) {
            groups.entry(word).or_default().push(*value);
        }
        groups
    }
}

fn main() {
    let data = Data::new();
    keys(&data);
    hashes(&data);
    folds(&data);
    groups(&data);
    joins(&data);
    sorts(&data);
    sums(&data);
    states(&data);
    panes(&data);
}

// -- keys ------------------------------------------------------------------------------------------

/// Numbers by first appearance, as a plain map gives them.
fn plain_numbers<T: std::hash::Hash + Eq>(keys: impl Iterator<Item = T>) -> Vec<u32> {
    let mut known = HashMap::new();
    keys.map(|key| {
        let next = known.len() as u32;
        *known.entry(key).or_insert(next)
    })
    .collect()
}

fn number(kind: &Kind, keys: &ArrayRef) -> Vec<u32> {
    let (mut table, mut ids) = (KeyTable::new(kind).expect("keys"), Vec::new());
    table.number(keys, &mut ids).expect("no error").expect("hashable");
    ids
}

fn keys(data: &Data) {
    assert_eq!(number(&Kind::Int, &data.ints), plain_numbers(data.numbers.iter()));
    time("keys: int", ROWS, ROWS * 8, || drop(black_box(number(&Kind::Int, black_box(&data.ints)))));
    assert_eq!(number(&Kind::Str, &data.texts), plain_numbers(data.words.iter()));
    time("keys: text", ROWS, ROWS * 16, || drop(black_box(number(&Kind::Str, black_box(&data.texts)))));
    let kind = Kind::Tuple { items: vec![Kind::Str, Kind::Int], class: None };
    let array = tuple_array(vec![Arc::clone(&data.texts), Arc::clone(&data.values)], None).expect("equal lengths");
    assert_eq!(number(&kind, &array), plain_numbers(data.words.iter().zip(int_values(&data.values))));
    time("keys: (text, int)", ROWS, ROWS * 24, || drop(black_box(number(&kind, black_box(&array)))));
    new_keys();
    many_keys();
}

/// Numbers below `end`, as if drawn by lot.
fn drawn(count: usize, end: u64) -> impl Iterator<Item = u64> {
    (0..count as u64).map(move |at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20).wrapping_mul(at | 1) % end)
}

fn new_keys() {
    let words: Vec<String> = drawn(25_000, 50_000).map(|n| format!("k{n}")).collect();
    let array = texts(&words);
    assert_eq!(number(&Kind::Str, &array), plain_numbers(words.iter()));
    time("keys: text, most of them new", words.len(), words.len() * 16, || {
        drop(black_box(number(&Kind::Str, black_box(&array))));
    });
}

/// More keys than the caches hold.
const MANY: usize = 1_000_000;

fn many_keys() {
    let all: Vec<String> = (0..MANY).map(|n| format!("k{n}")).collect();
    let few: Vec<Vec<u64>> = (0..50).map(|turn| drawn(10_000, MANY as u64 - turn).collect()).collect();
    let few_texts: Vec<ArrayRef> =
        few.iter().map(|few| texts(&few.iter().map(|n| format!("k{n}")).collect::<Vec<_>>())).collect();
    let few_ints: Vec<ArrayRef> = few.iter().map(|few| ints(few.iter().map(|n| *n as i64 * 7919))).collect();
    let all_ints = ints((0..MANY as i64).map(|n| n * 7919));
    for (name, kind, all, few_keys) in [
        ("keys: 10,000 of a million ints", Kind::Int, all_ints, few_ints),
        ("keys: 10,000 of a million texts", Kind::Str, texts(&all), few_texts),
    ] {
        let (mut table, mut ids) = (KeyTable::new(&kind).expect("keys"), Vec::new());
        table.number(&all, &mut ids).expect("no error").expect("hashable");
        let mut turn = 0;
        time(name, 10_000, 10_000 * 16, || {
            table.number(black_box(&few_keys[turn]), &mut ids).expect("no error").expect("hashable");
            assert_eq!(u64::from(ids[7]), few[turn][7]);
            turn = (turn + 1) % few.len();
        });
    }
}

// -- portable hash ---------------------------------------------------------------------------------

fn hashes(data: &Data) {
    let algorithm = Algorithm::SipHash13;
    let texts = Columns::new(Kind::Str, Arc::clone(&data.texts));
    let plain: Vec<i64> = data.words.iter().map(|word| hash_str(word, algorithm)).collect();
    assert_eq!(hash_columns(&texts, algorithm).as_ref(), Some(&plain));
    time("portable hash: text", ROWS, ROWS * 16, || drop(black_box(hash_columns(black_box(&texts), algorithm))));
    let ints = Columns::new(Kind::Int, Arc::clone(&data.ints));
    assert_eq!(hash_columns(&ints, algorithm), Some(data.numbers.iter().copied().map(hash_i64).collect()));
    time("portable hash: int", ROWS, ROWS * 8, || drop(black_box(hash_columns(black_box(&ints), algorithm))));
    let both = data.pairs();
    let of_tuple = |(text, value): (&i64, &i64)| {
        let mut hash = TupleHash::new();
        hash.add(*text);
        hash.add(hash_i64(*value));
        hash.finish(2)
    };
    let tuples = plain.iter().zip(int_values(&data.values)).map(of_tuple).collect();
    assert_eq!(hash_columns(&both, algorithm), Some(tuples));
    time("portable hash: (text, int)", ROWS, ROWS * 24, || {
        drop(black_box(hash_columns(black_box(&both), algorithm)));
    });
    let targets = targets_by_hash(&both, 8, algorithm).expect("pairs");
    assert!(targets.iter().zip(&plain).all(|(target, hash)| *target as usize == bucket(*hash, 8)));
    let parts = scatter(&both, &targets, 8).expect("no error");
    for (target, part) in &parts {
        let mine = targets.iter().zip(&data.words).filter(|(number, _)| **number as usize == *target);
        let ((_, keys), _) = pair_columns(part).expect("pairs");
        assert!(keys.as_string_view().iter().flatten().eq(mine.map(|(_, word)| word.as_str())));
    }
    assert_eq!(parts.iter().map(|(_, part)| part.len()).sum::<usize>(), ROWS);
    time("gather: rows to 8 partitions", ROWS, ROWS * 24, || {
        black_box(scatter(black_box(&both), &targets, 8).expect("no error"));
    });
}

// -- folds -----------------------------------------------------------------------------------------

fn fold(how: &Fold, kind: &Kind, ids: &[u32], values: &ArrayRef) -> ArrayRef {
    let mut folder = Folder::new(how, kind).expect("a fold");
    folder.add(ids, values).expect("no error").expect("all rows");
    folder.finish().expect("no error")
}

fn folds(data: &Data) {
    let ids = number(&Kind::Str, &data.texts);
    let count = ids.iter().max().map_or(0, |most| *most as usize + 1);
    let values = int_values(&data.values);
    let mut sums = vec![0; count];
    ids.iter().zip(values).for_each(|(id, value)| sums[*id as usize] += value);
    assert_eq!(int_values(&fold(&Fold::Sum, &Kind::Int, &ids, &data.values)), sums);
    time("fold: a + b of ints", ROWS, ROWS * 12, || {
        black_box(fold(&Fold::Sum, &Kind::Int, black_box(&ids), &data.values));
    });
    let floats: Vec<f64> = values.iter().map(|value| *value as f64 / 7.0).collect();
    let mut sums = vec![-0.0; count];
    ids.iter().zip(&floats).for_each(|(id, value)| sums[*id as usize] += value);
    let floats: ArrayRef = Arc::new(Float64Array::from(floats));
    let folded = fold(&Fold::Sum, &Kind::Float, &ids, &floats);
    assert_eq!(folded.as_primitive::<arrow_array::types::Float64Type>().values(), sums.as_slice());
    time("fold: a + b of floats", ROWS, ROWS * 12, || {
        black_box(fold(&Fold::Sum, &Kind::Float, black_box(&ids), &floats));
    });
    let greater = Fold::Max(Keep { tie: Side::First, nan: Side::First });
    let mut most = vec![i64::MIN; count];
    ids.iter().zip(values).for_each(|(id, value)| most[*id as usize] = most[*id as usize].max(*value));
    assert_eq!(int_values(&fold(&greater, &Kind::Int, &ids, &data.values)), most);
    time("fold: max(a, b) of ints", ROWS, ROWS * 12, || {
        black_box(fold(&greater, &Kind::Int, black_box(&ids), &data.values));
    });
    let kind = Kind::Tuple { items: vec![Kind::Int, Kind::Int], class: None };
    let tuples = tuple_array(vec![Arc::clone(&data.values), Arc::clone(&data.ints)], None).expect("equal lengths");
    let both = Fold::Tuple(vec![Fold::Sum, greater]);
    let mut expected = vec![(0, i64::MIN); count];
    for ((id, one), other) in ids.iter().zip(values).zip(&data.numbers) {
        let so_far = &mut expected[*id as usize];
        *so_far = (so_far.0 + one, so_far.1.max(*other));
    }
    let folded = fold(&both, &kind, &ids, &tuples);
    let columns = folded.as_struct().columns();
    assert!(int_values(&columns[0]).iter().zip(int_values(&columns[1])).eq(expected.iter().map(|(a, b)| (a, b))));
    time("fold: (a[0] + b[0], max(a[1], b[1]))", ROWS, ROWS * 20, || {
        black_box(fold(&both, &kind, black_box(&ids), &tuples));
    });
}

// -- groups and joins ------------------------------------------------------------------------------

fn group(sent: &Columns) -> Columns {
    let mut groups = Groups::new(sent.kind()).expect("pairs of lists");
    assert!(groups.add(sent).expect("no error"));
    groups.finish(|kind| kind).expect("no error")
}

fn groups(data: &Data) {
    let sent = singles(&data.pairs()).expect("no error").expect("pairs");
    let grouped = group(&sent);
    let expected = data.plain_groups();
    let ((_, keys), (_, lists)) = pair_columns(&grouped).expect("pairs");
    assert_eq!(keys.len(), expected.len());
    for (row, key) in keys.as_string_view().iter().flatten().enumerate() {
        assert_eq!(int_values(&lists.as_list::<i32>().value(row)), expected[key]);
    }
    time("group: values by text", ROWS, ROWS * 24, || drop(black_box(group(black_box(&sent)))));
}

fn join(sent: &[Columns]) -> Vec<Columns> {
    let mut sides = Sides::new(sent[0].kind()).expect("pairs of lists");
    for columns in sent {
        assert!(sides.add(columns).expect("no error"));
    }
    let mut joined = sides.finish(false, false).expect("no error");
    std::iter::from_fn(|| joined.next_block().expect("no error")).collect()
}

/// Pairs of a key and a list of one (side, value).
fn of_side(side: i64, keys: ArrayRef, values: ArrayRef) -> Columns {
    let rows = values.len();
    let sides = tuple_array(vec![ints(vec![side; rows]), values], None).expect("equal lengths");
    let offsets = OffsetBuffer::new(ScalarBuffer::from((0..=rows as i32).collect::<Vec<_>>()));
    let lists = _native::block::list_array(sides, offsets, None).expect("valid offsets");
    let kind = Kind::Tuple { items: vec![Kind::Int, Kind::Int], class: None };
    pairs((Kind::Str, keys), (Kind::List(Box::new(kind)), lists)).expect("equal lengths")
}

fn joins(data: &Data) {
    let right: Vec<String> = words(&(0..KEYS / 2).collect::<Vec<_>>());
    let known: HashMap<&str, i64> = right.iter().map(String::as_str).zip(0..).collect();
    let sent = [
        of_side(1, Arc::clone(&data.texts), Arc::clone(&data.values)),
        of_side(2, texts(&right), ints(0..right.len() as i64)),
    ];
    let mut found: HashMap<(String, i64, i64), usize> = HashMap::new();
    for block in join(&sent) {
        let ((_, keys), (_, values)) = pair_columns(&block).expect("pairs");
        let sides = values.as_struct().columns();
        let values = int_values(&sides[0]).iter().zip(int_values(&sides[1]));
        for (key, (left, right)) in keys.as_string_view().iter().flatten().zip(values) {
            *found.entry((key.to_owned(), *left, *right)).or_default() += 1;
        }
    }
    let mut expected: HashMap<(String, i64, i64), usize> = HashMap::new();
    for (word, value) in data.words.iter().zip(int_values(&data.values)) {
        if let Some(right) = known.get(word.as_str()) {
            *expected.entry((word.clone(), *value, *right)).or_default() += 1;
        }
    }
    assert_eq!(found, expected);
    time("join: by text", ROWS, ROWS * 24, || drop(black_box(join(black_box(&sent)))));
}

// -- sorts -----------------------------------------------------------------------------------------

fn sort(kind: &Kind, keys: &ArrayRef, ascending: bool) -> Vec<u32> {
    SortKeys::new(kind, keys).expect("keys with an order").sorted_rows(ascending)
}

fn sorts(data: &Data) {
    let mut expected: Vec<u32> = (0..ROWS as u32).collect();
    expected.sort_by_key(|row| data.numbers[*row as usize]);
    assert_eq!(sort(&Kind::Int, &data.ints, true), expected);
    time("sort: int", ROWS, ROWS * 8, || drop(black_box(sort(&Kind::Int, black_box(&data.ints), true))));
    expected.sort_by_key(|row| (&data.words[*row as usize], *row));
    assert_eq!(sort(&Kind::Str, &data.texts, true), expected);
    time("sort: text", ROWS, ROWS * 16, || drop(black_box(sort(&Kind::Str, black_box(&data.texts), true))));
    expected.sort_by_key(|row| (std::cmp::Reverse(&data.words[*row as usize]), *row));
    assert_eq!(sort(&Kind::Str, &data.texts, false), expected);
    time("sort: text, descending", ROWS, ROWS * 16, || {
        drop(black_box(sort(&Kind::Str, black_box(&data.texts), false)));
    });
    let (rows, keys) = (data.pairs(), Columns::new(Kind::Int, Arc::clone(&data.ints)));
    let best = |rows: &Columns| {
        let mut top = Top::new(10, true);
        assert!(top.add(rows, &keys).expect("no error"));
        top.finish().expect("rows")
    };
    expected.sort_by_key(|row| (std::cmp::Reverse(data.numbers[*row as usize]), *row));
    let ((_, found), _) =
        pair_columns(&best(&rows)).map(|(a, b)| ((a.0.clone(), Arc::clone(a.1)), b.0.clone())).expect("pairs");
    assert!(
        found.as_string_view().iter().flatten().eq(expected[..10].iter().map(|row| data.words[*row as usize].as_str()))
    );
    time("top: 10 by int", ROWS, ROWS * 8, || drop(black_box(best(black_box(&rows)))));
}

// -- sums, states, panes ---------------------------------------------------------------------------

fn sums(data: &Data) {
    let columns = Columns::new(Kind::Int, Arc::clone(&data.values));
    let sum = |columns: &Columns| {
        let mut total = Total::new(&Kind::Int, false).expect("numbers");
        assert_eq!(total.add(columns).expect("no error"), None);
        total.finish()
    };
    assert_eq!(int_values(sum(&columns).array()), [int_values(&data.values).iter().sum::<i64>()]);
    time("stats: sum of ints", ROWS, ROWS * 8, || drop(black_box(sum(black_box(&columns)))));
}

/// `(state or 0) + sum(new values)`
fn add_up(new: &Columns, state: &Columns) -> Option<Columns> {
    let lists = new.array().as_list::<i32>();
    let values = lists.values().as_primitive_opt::<Int64Type>().map(|values| values.values().to_vec())?;
    let before = state.array().as_primitive_opt::<Int64Type>();
    let sums = lists.value_offsets().windows(2).enumerate().map(|(row, ends)| {
        let old = before.filter(|states| states.is_valid(row)).map_or(0, |states| states.value(row));
        old + values[ends[0] as usize..ends[1] as usize].iter().sum::<i64>()
    });
    Some(Columns::new(Kind::Int, ints(sums)))
}

fn states(data: &Data) {
    let batch = [data.pairs()];
    let update = |table, blocks| {
        let mut working = Working::open(table, blocks, &Kind::Str, &Kind::Int).expect("no error").expect("states");
        assert!(working.update(&batch, &add_up).expect("no error"));
        let (table, blocks) = working.close().expect("no error");
        (Some(table), blocks)
    };
    let first = update(None, Vec::new());
    let second = update(first.0, first.1);
    let expected: BTreeMap<&str, i64> =
        data.plain_groups().into_iter().map(|(word, values)| (word, 2 * values.iter().sum::<i64>())).collect();
    let mut found = BTreeMap::new();
    for block in &second.1 {
        let ((_, keys), (_, states)) = pair_columns(block).expect("pairs");
        let keys = keys.as_string_view().iter().flatten().map(str::to_owned);
        found.extend(keys.zip(int_values(states).iter().copied()));
    }
    assert!(found.iter().map(|(key, state)| (key.as_str(), *state)).eq(expected));
    let mut held = Some(second);
    time("state: a batch of new values", ROWS, ROWS * 24, || {
        if let Some((table, blocks)) = held.take() {
            held = Some(update(table, blocks));
        }
    });
}

/// What a window does: the sums by key of ten panes become one.
fn panes(data: &Data) {
    const PANES: usize = 10;
    let rows = ROWS / PANES;
    let panes: Vec<(ArrayRef, ArrayRef)> = (0..PANES)
        .map(|pane| (data.texts.slice(pane * rows, rows), data.values.slice(pane * rows, rows)))
        .map(|(texts, values)| {
            let (mut table, mut ids) = (KeyTable::new(&Kind::Str).expect("keys"), Vec::new());
            table.number(&texts, &mut ids).expect("no error").expect("hashable");
            (table.finish().expect("no error"), fold(&Fold::Sum, &Kind::Int, &ids, &values))
        })
        .collect();
    let merge = |panes: &[(ArrayRef, ArrayRef)]| {
        let (mut table, mut ids) = (KeyTable::new(&Kind::Str).expect("keys"), Vec::new());
        let mut folder = Folder::new(&Fold::Sum, &Kind::Int).expect("a fold");
        for (keys, sums) in panes {
            table.number(keys, &mut ids).expect("no error").expect("hashable");
            folder.add(&ids, sums).expect("no error").expect("all rows");
        }
        (table.finish().expect("no error"), folder.finish().expect("no error"))
    };
    let mut expected: HashMap<&str, i64> = HashMap::new();
    for (word, value) in data.words.iter().zip(int_values(&data.values)).take(rows * PANES) {
        *expected.entry(word).or_default() += value;
    }
    let (keys, sums) = merge(&panes);
    assert_eq!(keys.len(), expected.len());
    assert!(keys.as_string_view().iter().flatten().zip(int_values(&sums)).all(|(key, sum)| expected[key] == *sum));
    let pairs: usize = panes.iter().map(|(keys, _)| keys.len()).sum();
    time("panes: ten sums by text become one", pairs, pairs * 24, || drop(black_box(merge(black_box(&panes)))));
}
