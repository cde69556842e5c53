//! Which RDDs belong to a time? No threads here: the graph at work in the test's own thread, zero time 0.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::super::live::Live;
use super::*;

/// A graph that can be asked.
struct Desk {
    live: Live<Fake>,
    notes: Notes,
}

impl Desk {
    fn new(interval: i64, build: impl FnOnce(&mut Graph<Fake>)) -> Self {
        let driver = Arc::new(Fake::default());
        let notes = driver.notes.clone();
        let mut graph = Graph::new(Millis(interval)).unwrap();
        build(&mut graph);
        graph.start(Millis::ZERO);
        Self { live: Live::new(driver, graph), notes }
    }

    fn get(&self, node: NodeId, time: i64) -> Option<Rdd> {
        self.live.get_or_compute(node, Millis(time)).unwrap()
    }

    fn slice(&self, node: NodeId, from: i64, to: i64) -> Vec<Rdd> {
        self.live.slice(node, Millis(from), Millis(to)).unwrap()
    }

    fn remember(&self, node: NodeId) -> Option<i64> {
        self.live.graph().node(node).unwrap().remember.map(|remember| remember.0)
    }

    fn remembered(&self, node: NodeId) -> Vec<i64> {
        self.live.graph().node(node).unwrap().generated.keys().map(|time| time.0).collect()
    }
}

fn out(graph: &mut Graph<Fake>, parent: NodeId) {
    let func = func(|_, _| Ok(None));
    graph.add_output(Output { parent, func, name: String::new(), description: String::new() }).unwrap();
}

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const C: NodeId = NodeId(2);

#[test]
fn an_rdd_is_there_at_multiples_of_the_slide_after_zero() {
    let desk = Desk::new(10, |graph| {
        graph.add_input(0).unwrap();
        graph.add_window(A, Millis(20), Some(Millis(20)), None).unwrap();
        out(graph, B);
    });
    let valid = |node| (-20..45).filter(|time| desk.live.graph().is_valid(node, Millis(*time))).collect::<Vec<_>>();
    assert_eq!(valid(A), [10, 20, 30, 40]);
    assert_eq!(valid(B), [20, 40]);
    assert_eq!(desk.get(A, 0), None);
    assert_eq!(desk.get(A, 15), None);
    assert_eq!(desk.get(B, 10), None);
    assert_eq!(desk.get(B, 40), Some(vec![30, 40]));
}

#[test]
fn an_rdd_is_made_once_for_two_outputs() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let desk = Desk::new(10, |graph| {
        graph.add_input(0).unwrap();
        let count = map(move |_, rdd| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok((rdd[0] != 20).then_some(rdd))
        });
        graph.add_transformed(vec![A], count).unwrap();
        out(graph, B);
        out(graph, B);
    });
    assert_eq!(desk.live.jobs(Millis(10)).unwrap().len(), 2);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(desk.live.jobs(Millis(20)).unwrap().len(), 0);
    assert_eq!(calls.load(Ordering::Relaxed), 2, "that there is no RDD is remembered as well");
    assert_eq!(desk.notes.with("input").len(), 2);
}

#[test]
fn an_error_is_not_remembered() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let desk = Desk::new(10, |graph| {
        graph.add_input(0).unwrap();
        let fail_first = map(move |_, rdd| match counter.fetch_add(1, Ordering::Relaxed) {
            0 => user_error("not yet"),
            _ => Ok(Some(rdd)),
        });
        graph.add_transformed(vec![A], fail_first).unwrap();
        out(graph, B);
    });
    assert!(text(desk.live.get_or_compute(B, Millis(10))).contains("not yet"));
    assert_eq!(desk.get(B, 10), Some(vec![10]));
}

#[test]
fn a_function_of_one_stream_is_not_called_without_an_rdd_one_of_several_is() {
    let desk = Desk::new(10, |graph| {
        graph.add_input(-1).unwrap();
        graph.add_input(5).unwrap();
        graph.add_transformed(vec![A], map(|_, _| user_error("called"))).unwrap();
        let both = func(|_, rdds| Ok(Some(rdds.iter().map(|rdd| rdd.as_ref().map_or(-1, |rdd| rdd[0])).collect())));
        graph.add_transformed(vec![A, B], both).unwrap();
        out(graph, C);
        out(graph, NodeId(3));
    });
    assert_eq!(desk.get(C, 10), None);
    assert_eq!(desk.get(NodeId(3), 10), Some(vec![-1, 15]));
}

#[test]
fn a_union_is_in_order_and_needs_all_its_parents() {
    let desk = Desk::new(10, |graph| {
        graph.add_input(2).unwrap();
        graph.add_input(1).unwrap();
        graph.add_union(vec![A, B, A]).unwrap();
        let odd = map(|_, rdd| Ok((rdd[0] != 22).then_some(rdd)));
        graph.add_transformed(vec![A], odd).unwrap();
        graph.add_union(vec![B, NodeId(3)]).unwrap();
        out(graph, C);
        out(graph, NodeId(4));
    });
    assert_eq!(desk.get(C, 10), Some(vec![12, 11, 12]));
    let missing = text(desk.live.get_or_compute(NodeId(4), Millis(20)));
    assert!(missing.contains("Could not generate RDD from a parent for unifying at time 20 ms"), "{missing}");
}

#[test]
fn wrong_definitions_are_told_in_sparks_words() {
    let mut graph = Graph::<Fake>::new(Millis(10)).unwrap();
    graph.add_input(0).unwrap();
    let window = graph.add_window(A, Millis(20), Some(Millis(20)), None).unwrap();
    let of = "must be a multiple of the slide duration of parent DStream";
    let wrong = |outcome: Result<NodeId>, end: &str| {
        let text = text(outcome);
        assert!(text.ends_with(end), "{text}");
    };
    let length = graph.add_window(A, Millis(25), None, None);
    wrong(length, &format!("The window duration of windowed DStream (25 ms) {of} (10 ms)"));
    let slide = graph.add_window(window, Millis(40), Some(Millis(10)), None);
    wrong(slide, &format!("The slide duration of windowed DStream (10 ms) {of} (20 ms)"));
    for (length, slide) in [(0, None), (-10, None), (20, Some(-10))] {
        assert!(graph.add_window(A, Millis(length), slide.map(Millis), None).is_ok());
    }
    wrong(graph.add_union(vec![A, window]), "Some of the DStreams have different slide durations");
    wrong(graph.add_union(vec![]), "List of DStreams to union is empty");
    wrong(graph.add_transformed(vec![], func(|_, _| Ok(None))), "List of DStreams to transform is empty");
    graph.remember(Millis(50)).unwrap();
    assert!(text(graph.remember(Millis(60))).ends_with("Remember duration already set as 50 ms. Cannot set it again."));
    assert!(Graph::<Fake>::new(Millis(0)).is_err());
}

#[test]
fn a_window_makes_its_parents_remember() {
    // a -> map b -> window c (30 every 20) -> output; a -> map d -> output; e unused
    let (d, e) = (NodeId(3), NodeId(4));
    let build = |graph: &mut Graph<Fake>| {
        graph.add_input(0).unwrap();
        graph.add_transformed(vec![A], map(|_, rdd| Ok(Some(rdd)))).unwrap();
        graph.add_window(B, Millis(30), Some(Millis(20)), Some(4)).unwrap();
        graph.add_transformed(vec![A], map(|_, rdd| Ok(Some(rdd)))).unwrap();
        graph.add_transformed(vec![A], map(|_, rdd| Ok(Some(rdd)))).unwrap();
        out(graph, C);
        out(graph, d);
    };
    let desk = Desk::new(10, build);
    assert_eq!([A, B, C, d, e].map(|node| desk.remember(node)), [Some(50), Some(50), Some(20), Some(10), None]);
    assert!(text(desk.live.slice(e, Millis(10), Millis(10))).ends_with("has not been initialized"));
    desk.live.graph().remember(Millis(100)).unwrap();
    assert_eq!([A, B, C, d, e].map(|node| desk.remember(node)), [Some(130), Some(130), Some(100), Some(100), None]);
}

#[test]
fn what_a_window_looks_at_is_kept() {
    let desk = Desk::new(10, |graph| {
        graph.add_input(0).unwrap();
        graph.add_window(A, Millis(20), None, Some(4)).unwrap();
        graph.add_window(B, Millis(20), None, Some(7)).unwrap();
        graph.persist(C, 8).unwrap();
        out(graph, C);
    });
    assert_eq!(desk.get(C, 20), Some(vec![10, 10, 20]));
    assert_eq!(desk.notes.with("persist"), ["persist [10] 8", "persist [20] 8"]);
}

#[test]
fn old_rdds_are_forgotten_and_unpersisted() {
    let desk = Desk::new(10, |graph| {
        graph.add_input(0).unwrap();
        graph.add_window(A, Millis(20), None, None).unwrap();
        out(graph, B);
    });
    for time in [10, 20, 30, 40, 50] {
        desk.live.jobs(Millis(time)).unwrap();
    }
    desk.live.clear_before(Millis(50));
    assert_eq!(desk.remembered(A), [30, 40, 50], "its own slide and the window's length");
    assert_eq!(desk.remembered(B), [50]);
    assert_eq!(
        desk.notes.with("unpersist"),
        ["[10]", "[20]", "[10]", "[10, 20]", "[20, 30]", "[30, 40]"].map(|rdd| format!("unpersist {rdd}"))
    );
    assert_eq!(desk.notes.with("forget"), ["forget 20."]);
}

#[test]
fn a_slice_is_rounded_down_and_leaves_out_zero() {
    let desk = Desk::new(10, |graph| {
        graph.add_input(0).unwrap();
        out(graph, A);
    });
    assert_eq!(desk.slice(A, -50, 25), [[10], [20]]);
    assert_eq!(desk.slice(A, 15, 30), [[10], [20], [30]]);
    assert_eq!(desk.slice(A, 30, 20), [[0i64; 0]; 0]);
    assert_eq!(desk.notes.with("input").len(), 3, "what is remembered is not made again");
}

#[test]
fn a_function_may_slice_while_it_is_asked_for_an_rdd() {
    let driver = Arc::new(Fake::default());
    let mut graph = Graph::new(Millis(10)).unwrap();
    let held: Arc<Mutex<Option<std::sync::Weak<Live<Fake>>>>> = Arc::default();
    let asked = Arc::clone(&held);
    graph.add_input(0).unwrap();
    let look_back = map(move |time, _| {
        let live = asked.lock().unwrap().clone().and_then(|live| live.upgrade()).unwrap();
        Ok(Some(live.slice(A, time - Millis(20), time)?.concat()))
    });
    graph.add_transformed(vec![A], look_back).unwrap();
    out(&mut graph, B);
    graph.start(Millis::ZERO);
    let live = Arc::new(Live::new(driver, graph));
    *held.lock().unwrap() = Some(Arc::downgrade(&live));
    assert_eq!(live.get_or_compute(B, Millis(30)).unwrap(), Some(vec![10, 20, 30]));
}

proptest! {
    #[test]
    fn a_window_holds_what_brute_force_says(
        interval in 1i64..40, steps in 1i64..4, length in 1i64..8, slide in 1i64..5, batches in 1i64..30, clear in any::<bool>(),
    ) {
        // input -> window of `steps` batches every `steps` -> the window under test, in multiples of that
        let step = steps * interval;
        let desk = Desk::new(interval, |graph| {
            graph.add_input(0).unwrap();
            graph.add_window(A, Millis(step), Some(Millis(step)), None).unwrap();
            graph.add_window(B, Millis(length * step), Some(Millis(slide * step)), Some(1)).unwrap();
            out(graph, C);
        });
        for time in (1..=batches).map(|batch| batch * interval) {
            let jobs = desk.live.jobs(Millis(time)).unwrap();
            let found = jobs.into_iter().next().map(|job| job.rdd);
            let expected = (time % (slide * step) == 0).then(|| {
                (1..=batches).map(|batch| batch * interval)
                    .filter(|at| *at > time - length * step && *at <= time).collect::<Vec<_>>()
            });
            prop_assert_eq!(found, expected);
            if clear {
                desk.live.clear_before(Millis(time));
            }
        }
        let made = desk.notes.with("input 0").len() as i64;
        prop_assert!(made <= batches, "no batch is asked for twice, although old ones are forgotten");
    }
}
