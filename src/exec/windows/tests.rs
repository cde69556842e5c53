//! Random windows over panes of numbers: the answer is that of folding everything in order.

use std::any::Any;
use std::sync::atomic::AtomicUsize;

use arrow_array::Int64Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use proptest::prelude::*;

use super::*;
use crate::block::{Columns, Kind, tuple_array};
use crate::exec::{Hooks, Job, Sealer, Where};
use crate::memory::Memory;
use crate::rdd::{Batching, CancelToken, Lot, Lots, MapOutput, Router, ShuffleSlot};

type Pair = (i64, i64);

/// A value that a fold in parts does not know what to do with.
const ODD: i64 = 999;

fn block(pairs: &[Pair]) -> Block {
    let column = |of: fn(&Pair) -> i64| Arc::new(pairs.iter().map(of).collect::<Int64Array>()) as _;
    let kind = Kind::Tuple { items: vec![Kind::Int, Kind::Int], class: None };
    Block::Columns(Columns::new(kind, tuple_array(vec![column(|pair| pair.0), column(|pair| pair.1)], None).unwrap()))
}

fn pairs(blocks: &[Block]) -> Vec<Pair> {
    let of_block = |block: &Block| {
        let Block::Columns(columns) = block else { panic!("no columns") };
        let column = |at: usize| columns.array().as_struct().column(at).as_primitive::<Int64Type>().values().to_vec();
        column(0).into_iter().zip(column(1)).collect::<Vec<_>>()
    };
    blocks.iter().flat_map(of_block).collect()
}

/// Sums by key, in the order of first appearance.
fn summed(pairs: &[Pair]) -> Vec<Pair> {
    let mut sums: Vec<Pair> = Vec::new();
    for (key, value) in pairs {
        match sums.iter_mut().find(|(known, _)| known == key) {
            Some((_, sum)) => *sum += value,
            None => sums.push((*key, *value)),
        }
    }
    sums
}

/// Sums by key, once more values have been added to each; counts how many pairs it was given.
struct Sums {
    more: i64,
    seen: Arc<AtomicUsize>,
}

impl Sums {
    fn all(&self, input: Blocks) -> Result<Vec<Pair>> {
        let found = pairs(&input.collect::<Result<Vec<_>>>()?);
        self.seen.fetch_add(found.len(), Ordering::Relaxed);
        Ok(found)
    }

    fn added(&self, input: Blocks) -> Result<Vec<Pair>> {
        Ok(self.all(input)?.into_iter().map(|(key, value)| (key, value + self.more)).collect())
    }
}

impl Narrow for Sums {
    fn run(self: Arc<Self>, _: &Arc<Task>, _: usize, input: Blocks) -> Result<Blocks> {
        Ok(ready(vec![block(&summed(&self.added(input)?))]))
    }

    fn same_as(&self, other: &dyn Narrow) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| self.more == other.more)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn folding(self: Arc<Self>) -> Option<Arc<dyn Folding>> {
        Some(self)
    }
}

impl Folding for Sums {
    fn before(&self, _: &Arc<Task>, _: usize, input: Blocks) -> Result<Blocks> {
        Ok(ready(vec![block(&self.added(input)?)]))
    }

    fn fold(&self, _: &Arc<Task>, input: Blocks) -> Result<Option<Vec<Block>>> {
        let all = self.all(input)?;
        let odd = all.iter().any(|(_, value)| *value == ODD);
        Ok((!odd).then(|| vec![block(&summed(&all))]))
    }

    fn after(&self, _: &Arc<Task>, _: usize, folded: Blocks) -> Result<Blocks> {
        Ok(folded)
    }
}

/// By the remainder of the key.
struct Remainder;

impl Router for Remainder {
    fn route(&self, _: &Arc<Task>, input: Blocks, output: &mut MapOutput) -> Result<()> {
        let targets = output.targets() as i64;
        for pair in pairs(&input.collect::<Result<Vec<_>>>()?) {
            output.push(pair.0.rem_euclid(targets) as usize, block(&[pair]))?;
        }
        Ok(())
    }

    fn same_as(&self, _: &dyn Router) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct AsItIs;

impl Sealer for AsItIs {
    fn seal(&self, blocks: Vec<Block>) -> Result<Vec<Block>> {
        Ok(blocks)
    }

    fn cut(&self, blocks: Blocks, _: Batching) -> Lots {
        Box::new(blocks.map(|block| block.map(|block| Lot { size: block.len(), block })))
    }
}

struct NoHooks;

impl Hooks for NoHooks {
    fn poll(&self) -> Result<()> {
        Ok(())
    }
    fn merge(&self, _: Vec<Box<dyn Any + Send>>) -> Result<()> {
        Ok(())
    }
    fn abandon(&self, _: u64) {}
}

fn executor() -> Arc<Executor> {
    Executor::new(1, 1, Arc::new(AsItIs), Memory::unbounded()).unwrap()
}

fn collected(executor: &Arc<Executor>, rdd: &Arc<Rdd>) -> Vec<Vec<Pair>> {
    let partitions = (0..rdd.partitions().unwrap()).collect();
    let (rdd, cancel, properties) = (Arc::clone(rdd), CancelToken::default(), Arc::default());
    let job = Job { rdd, partitions, cancel, properties, place: Where::Caller };
    executor.run(&job, &NoHooks).unwrap().iter().map(|blocks| pairs(blocks)).collect()
}

/// A pane of two partitions.
fn pane(pairs: &[Pair]) -> Arc<Rdd> {
    let (one, two) = pairs.split_at(pairs.len() / 2);
    Rdd::new(Op::Held(vec![vec![block(one)], vec![block(two)]]))
}

fn over(parent: Arc<Rdd>, more: i64, seen: &Arc<AtomicUsize>) -> Arc<Rdd> {
    let steps = Arc::new(Sums { more, seen: Arc::clone(seen) });
    Rdd::new(Op::Narrow { parent, steps, keeps_partitioner: true })
}

/// The window folded partition by partition, or after a shuffle to three targets.
fn window(panes: &[Arc<Rdd>], more: i64, shuffled: bool, seen: &Arc<AtomicUsize>) -> Arc<Rdd> {
    if !shuffled {
        return over(Rdd::new(Op::Aligned(panes.to_vec())), more, seen);
    }
    let parent = over(Rdd::new(Op::Union(panes.to_vec())), more, seen);
    let (router, slot) = (Arc::new(Remainder), ShuffleSlot::default());
    over(Rdd::new(Op::Shuffle { parent, targets: 3, router, partitioner: None, slot }), 0, seen)
}

fn elements() -> impl Strategy<Value = Vec<Pair>> {
    prop::collection::vec((0_i64..6, prop_oneof![40 => -9_i64..9, 1 => Just(ODD)]), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn windows_are_what_folding_everything_gives(
        all in prop::collection::vec(elements(), 12..40),
        length in 7_usize..14,
        // How far each window is from the one before, back too, how much longer it is, and what its functions do.
        moves in prop::collection::vec((-2_i64..5, 0_usize..3, prop_oneof![8 => Just(0_i64), 1 => 1_i64..3]), 1..25),
        shuffled in any::<bool>(),
    ) {
        let (executor, seen) = (executor(), Arc::default());
        let panes: Vec<_> = all.iter().map(|pairs| pane(pairs)).collect();
        let mut from = 0_i64;
        for (step, longer, more) in moves {
            from = (from + step).clamp(0, panes.len() as i64 - 1);
            let until = (from as usize + length + longer).min(panes.len());
            let panes = &panes[from as usize..until];
            // A copy of each pane has the same elements, and no sums.
            let fresh: Vec<_> = all[from as usize..until].iter().map(|pairs| pane(pairs)).collect();
            let expected: Vec<_> = (0..if shuffled { 3 } else { 2 }).map(|partition| {
                let single = |pane: &Arc<Rdd>| collected(&executor, pane);
                let of_panes = fresh.iter().map(single);
                if shuffled {
                    let parts = of_panes.flatten().map(|part| {
                        summed(&part.iter().map(|(key, value)| (*key, value + more)).collect::<Vec<_>>())
                    });
                    summed(&parts.flatten().filter(|(key, _)| key.rem_euclid(3) == partition).collect::<Vec<_>>())
                } else {
                    let parts = of_panes.map(|parts| parts[partition as usize].clone());
                    summed(&parts.flatten().map(|(key, value)| (key, value + more)).collect::<Vec<_>>())
                }
            }).collect();
            prop_assert_eq!(collected(&executor, &window(panes, more, shuffled, &seen)), expected);
        }
    }
}

#[test]
fn a_pair_is_folded_a_few_times_however_long_the_window() {
    for shuffled in [false, true] {
        let (executor, seen) = (executor(), Arc::<AtomicUsize>::default());
        let panes: Vec<_> = (0..200).map(|_| pane(&[(0, 1), (1, 1), (2, 1), (3, 1)])).collect();
        for at in 0..100 {
            collected(&executor, &window(&panes[at..at + 100], 0, shuffled, &seen));
        }
        // Folding everything would take 100 windows of 100 panes with four pairs.
        assert!(seen.load(Ordering::Relaxed) < 100 * 100 * 4 / 8, "{seen:?}, {shuffled}");
        let summed = executor.windows().summed.load(Ordering::Relaxed);
        assert_eq!(summed, 99 * if shuffled { 3 } else { 2 });
    }
}

#[test]
fn what_was_kept_goes_with_the_panes() {
    let (executor, seen) = (executor(), Arc::default());
    let panes: Vec<_> = (0..12).map(|_| pane(&[(0, 1), (1, 1)])).collect();
    collected(&executor, &window(&panes, 0, true, &seen));
    let sent = || executor.windows().sent.load(Ordering::Relaxed);
    assert_eq!(sent(), 24);
    panes[3].set_persisted(None);
    collected(&executor, &window(&panes, 0, true, &seen));
    assert_eq!(sent(), 26);
}
