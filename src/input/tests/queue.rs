//! Queues: in turn, and in turn again after a restart.

use super::*;

fn queue(one_at_a_time: bool) -> Arc<dyn AnySource> {
    Arc::new(Queue::new([held(&[1]), held(&[2, 2]), held(&[3])], one_at_a_time, held(&[])))
}

/// One partition without elements.
fn nothing() -> Vec<Vec<i64>> {
    vec![Vec::new()]
}

#[test]
fn a_queue_gives_one_after_the_other_or_all_at_once_and_then_what_is_empty() {
    let run = Run::unkept();
    run.inputs.start(0, queue(true)).unwrap();
    run.inputs.start(1, queue(false)).unwrap();
    let both = |time| run.batch(time, &[0, 1]);
    assert_eq!(both(1), [vec![vec![1]], vec![vec![1], vec![2, 2], vec![3]]]);
    assert_eq!(both(2), [vec![vec![2, 2]], nothing()]);
    run.inputs.forget(2);
    assert_eq!(both(3), [vec![vec![3]], nothing()]);
    assert_eq!(both(4), [nothing(), nothing()]);
    assert!(run.inputs.info(4).is_empty(), "listeners hear nothing of queues");
}

#[test]
fn what_incomplete_batches_took_comes_again() {
    // batch          1     2     3
    // first run     [1]  [2,2]  [3]    and only 1 is complete
    // second run         [2,2]  [3]
    let folder = Folder::new();
    let run = Run::kept(&folder, false, || vec![queue(true)], |_| ());
    run.complete(0, 0);
    (1..=3).for_each(|time| drop(run.batch(time, &[0])));
    run.complete(1, 0);
    drop(run);
    let run = Run::kept(&folder, false, Vec::new, |_| ());
    assert_eq!((run.batch(2, &[0]), run.batch(3, &[0])), (vec![vec![vec![2, 2]]], vec![vec![vec![3]]]));
    assert_eq!(run.batch(4, &[0]), [nothing()]);
}

#[test]
fn a_kind_that_nobody_knows_is_refused_with_what_is_known() {
    let saved = crate::durable::RestoredInput {
        kind: "comet".into(),
        settings: "null".into(),
        pieces: BTreeMap::new(),
        rdds: Vec::new(),
    };
    let problem = Registry::default().open(3, saved).err().unwrap().to_string();
    assert!(problem.contains("\"comet\"") && problem.contains("files, queue, socket"), "{problem}");
}
