//! States and windows that are made from the one before. No threads here.

use proptest::prelude::*;

use super::super::live::Live;
use super::*;

/// Adds up two RDDs of one number each.
fn plus() -> Func {
    func(|_, rdds| {
        let sum = rdds.iter().flatten().flatten().sum();
        Ok(Some(vec![sum]))
    })
}

/// Takes the second one's numbers from the first one's.
fn minus() -> Func {
    func(|_, rdds| {
        let total: i64 = rdds[0].iter().flatten().sum();
        Ok(Some(vec![total - rdds[1].iter().flatten().sum::<i64>()]))
    })
}

fn live(build: impl FnOnce(&mut Graph<Fake>)) -> Live<Fake> {
    live_with(Arc::new(Fake::default()), build)
}

fn live_with(driver: Arc<Fake>, build: impl FnOnce(&mut Graph<Fake>)) -> Live<Fake> {
    let mut graph = Graph::new(Millis(10)).unwrap();
    // An input whose RDD at time t is [t].
    graph.add_input(0).unwrap();
    build(&mut graph);
    let nothing = func(|_, _| Ok(None));
    let parent = NodeId(1);
    graph.add_output(Output { parent, func: nothing, name: String::new(), description: String::new() }).unwrap();
    graph.start(Millis::ZERO);
    Live::new(driver, graph)
}

fn reduced(length: i64, slide: i64) -> Kind<Fake> {
    Kind::Reduced {
        parent: NodeId(0),
        add: plus(),
        subtract: minus(),
        length: Millis(length),
        slide: Millis(slide),
        step: Millis(10),
    }
}

fn at(live: &Live<Fake>, time: i64) -> Option<Rdd> {
    live.get_or_compute(NodeId(1), Millis(time)).unwrap()
}

#[test]
fn a_state_is_folded_from_batch_to_batch() {
    // input   [10] [20]  [30]
    // state    110  130   160    (begins at 100)
    let live = live(|graph| {
        graph.add_state(NodeId(0), plus(), Some(vec![100]), None).unwrap();
    });
    assert_eq!([at(&live, 10), at(&live, 20), at(&live, 30)], [Some(vec![110]), Some(vec![130]), Some(vec![160])]);
}

#[test]
fn only_states_and_reduced_windows_that_an_output_needs_ask_for_a_checkpoint() {
    let mut graph = Graph::<Fake>::new(Millis(10)).unwrap();
    let input = graph.add_input(0).unwrap();
    graph.add_state(input, plus(), None, None).unwrap();
    assert!(graph.check_checkpoints(false).is_ok());
    let live = live(|graph| {
        graph.add_state(NodeId(0), plus(), None, None).unwrap();
    });
    assert!(live.graph().check_checkpoints(false).is_err());
    assert!(live.graph().check_checkpoints(true).is_ok());
}

#[test]
fn what_the_next_one_is_made_of_is_settled_when_its_batch_is_complete() {
    let driver = Arc::new(Fake::default());
    let notes = driver.notes.clone();
    let mut graph = Graph::new(Millis(10)).unwrap();
    let input = graph.add_input(0).unwrap();
    let state = graph.add_state(input, plus(), None, None).unwrap();
    let nothing = func(|_, _| Ok(None));
    graph.add_output(Output { parent: state, func: nothing, name: String::new(), description: String::new() }).unwrap();
    graph.start(Millis::ZERO);
    let live = Live::new(driver, graph);
    live.get_or_compute(state, Millis(10)).unwrap();
    live.clear_before(Millis(10));
    assert!(notes.all().contains(&"settle [10]".to_owned()), "{:?}", notes.all());
}

#[test]
fn a_checkpoint_holds_the_last_state_that_is_there_and_what_came_since() {
    // input   [10] [20]  [30]  [40]
    // state    110  130   160   200    (begins at 100); 130 and 160 fail
    let kept_after = |failing: &[i64]| {
        let failing = failing.iter().map(|state| vec![*state]).collect();
        let driver = Arc::new(Fake { failing, ..Fake::default() });
        let notes = driver.notes.clone();
        let live = live_with(driver, |graph| {
            graph.add_state(NodeId(0), plus(), Some(vec![100]), None).unwrap();
        });
        for time in [10, 20, 30, 40].map(Millis) {
            live.get_or_compute(NodeId(1), time).unwrap();
            live.clear_before(time);
            live.keep(time).unwrap();
        }
        notes.all().into_iter().filter(|note| note.starts_with("keep")).collect::<Vec<_>>()
    };
    assert_eq!(
        kept_after(&[130, 160]),
        [
            "keep [(1, 10, [110])] []",
            "keep [(1, 10, [110]), (0, 20, [20])] []",
            "keep [(1, 10, [110]), (0, 20, [20]), (0, 30, [30])] []",
            "keep [(1, 40, [200])] []",
        ]
    );
    assert_eq!(kept_after(&[110])[..2], ["keep [(0, 10, [10])] [(NodeId(1), [100])]", "keep [(1, 20, [130])] []"]);
}

proptest! {
    #[test]
    fn a_reduced_window_holds_the_sum_of_its_batches(slides in 1..8_i64, batches in 1..4_i64, upto in 1..12_i64) {
        let (slide, length) = (batches * 10, batches * slides * 10);
        let live = live(|graph| {
            graph.add_reduced_window(reduced(length, slide), None).unwrap();
        });
        for n in 1..=upto {
            let end = n * slide;
            let expected: i64 = (1..=end / 10).map(|i| i * 10).filter(|t| *t > end - length).sum();
            prop_assert_eq!(at(&live, end), Some(vec![expected]), "at {}", end);
        }
    }
}
