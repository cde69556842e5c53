//! How does a stream end, and what does a context say about its life?

use std::thread;

use super::*;

/// A running stream whose output notes "begin" and "end" around a gate, one output "after" it, one batch in the gate
/// and two in the queue.
fn crowded(lab: Lab) -> (Lab, Gate) {
    let gate = Gate::default();
    let input = lab.stream.input(0).unwrap();
    let (notes, shut) = (lab.notes.clone(), gate.clone());
    lab.output(
        input,
        map(move |time, _| {
            notes.add(format!("enter {}", time.0));
            shut.pass();
            notes.add(format!("leave {}", time.0));
            Ok(None)
        }),
    );
    lab.record(input, "after");
    lab.stream.start().unwrap();
    lab.run_to(1030);
    lab.notes.wait("enter", 1);
    (lab, gate)
}

#[test]
fn a_graceful_stop_runs_what_is_queued_and_one_more_batch() {
    let (lab, gate) = crowded(Lab::new());
    thread::scope(|scope| {
        let stopper = scope.spawn(|| lab.stream.stop(true));
        lab.notes.wait("submitted 1040", 1);
        assert_eq!(lab.stream.state(), State::Active);
        gate.open();
        stopper.join().unwrap().unwrap();
    });
    assert_eq!(lab.stream.state(), State::Stopped);
    assert!(matches!(lab.stream.wait(Some(LONG)).unwrap(), Waited::Stopped));
    assert_eq!(lab.notes.with("after 1").len(), 4);
    assert_eq!(lab.notes.with("event completed").len(), 4);
    let lines = lab.notes.all();
    let place = |part: &str| lines.iter().position(|line| line == part).unwrap();
    assert!(place("stop inputs true") < place("begin 1040."), "the last batch takes all that was received");
}

#[test]
fn a_late_stream_stops_gracefully_after_every_due_batch() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let input = lab.stream.input(0).unwrap();
    let (shut, notes) = (gate.clone(), lab.notes.clone());
    let slow = map(move |_, rdd| {
        notes.add("making");
        shut.pass();
        Ok(Some(rdd))
    });
    let slow = lab.stream.transform(vec![input], slow).unwrap();
    lab.record(slow, "out");
    lab.stream.start().unwrap();
    lab.clock.set(Millis(1030));
    lab.notes.wait("making", 1);
    thread::scope(|scope| {
        let stopper = scope.spawn(|| lab.stream.stop(true));
        lab.notes.wait("stop inputs true", 1);
        gate.open();
        stopper.join().unwrap().unwrap();
    });
    let outputs = ["out 1010: [1010]", "out 1020: [1020]", "out 1030: [1030]", "out 1040: [1040]"];
    assert_eq!(lab.notes.with("out 1"), outputs);
}

#[test]
fn a_stream_slower_than_its_interval_stops_gracefully_after_what_was_due_when_that_was_ordered() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let input = lab.stream.input(0).unwrap();
    let (clock, notes, shut) = (lab.clock.clone(), lab.notes.clone(), gate.clone());
    let slow = map(move |_, rdd| {
        notes.add("making");
        shut.pass();
        clock.advance(Millis(13));
        Ok(Some(rdd))
    });
    let slow = lab.stream.transform(vec![input], slow).unwrap();
    lab.record(slow, "out");
    lab.stream.start().unwrap();
    lab.clock.set(Millis(1030));
    lab.notes.wait("making", 1);
    thread::scope(|scope| {
        let stopper = scope.spawn(|| lab.stream.stop(true));
        // The stop is ordered after this note: the gate stays shut until the order has been read off the clock.
        lab.notes.wait("stop inputs true", 1);
        while lab.stream.shared().mailbox.is_empty() {
            thread::yield_now();
        }
        gate.open();
        stopper.join().unwrap().unwrap();
    });
    assert_eq!(lab.notes.with("out 1").last().unwrap(), "out 1040: [1040]");
    assert!(lab.clock.now() > Millis(1050), "the clock was ahead all the time");
}

#[test]
fn a_stop_drops_what_is_queued_and_waits_for_the_running_batch() {
    let (lab, gate) = crowded(Lab::new());
    thread::scope(|scope| {
        let stopper = scope.spawn(|| lab.stream.stop(false));
        lab.notes.wait("stop inputs false", 1);
        gate.open();
        stopper.join().unwrap().unwrap();
    });
    assert_eq!(lab.stream.state(), State::Stopped);
    assert_eq!(lab.notes.with("leave"), ["leave 1010"]);
    assert_eq!(lab.notes.with("after 1"), ["after 1010: [1010]"], "the running batch runs to its end");
    assert_eq!(lab.notes.with("event completed"), ["event completed 1010 of 3"]);
}

#[test]
fn a_stream_that_is_broken_off_tells_why_and_does_not_count_what_it_cut_short() {
    let (lab, gate) = crowded(Lab::new());
    let waiting = lab.stream.clone();
    let waiter = thread::spawn(move || waiting.wait(Some(LONG)).unwrap());
    assert!(lab.stream.break_off("the world has gone").unwrap());
    assert_eq!(lab.stream.state(), State::Stopped);
    for waited in [waiter.join().unwrap(), lab.stream.wait(Some(LONG)).unwrap()] {
        assert!(matches!(waited, Waited::Failed(error) if error.to_string() == "the world has gone"));
    }
    assert!(!lab.stream.break_off("again").unwrap(), "there is nothing to break off any more");
    gate.open();
    lab.notes.wait("thread over", 2);
    lab.stream.join(LONG).unwrap();
    assert_eq!(lab.notes.with("after 1").len(), 0, "no further job begins");
    assert_eq!(lab.notes.with("ended 10").len(), 0, "and the batch that ran does not count as done");
}

#[test]
fn a_stop_that_has_waited_long_enough_lets_no_further_job_begin() {
    let (lab, gate) = crowded(Lab::impatient());
    lab.stream.stop(false).unwrap();
    assert_eq!(lab.stream.state(), State::Stopped);
    assert_eq!(lab.notes.with("leave").len(), 0);
    gate.open();
    lab.notes.wait("leave", 1);
    lab.notes.wait("thread over", 2);
    assert_eq!(lab.notes.with("after 1").len(), 0);
    assert_eq!(lab.notes.with("event done").len(), 0, "nothing is told after the stop");
}

#[test]
fn an_impatient_stop_overtakes_a_graceful_one() {
    let (lab, gate) = crowded(Lab::impatient());
    thread::scope(|scope| {
        let patient = scope.spawn(|| lab.stream.stop(true));
        lab.notes.wait("stop inputs true", 1);
        lab.stream.stop(false).unwrap();
        patient.join().unwrap().unwrap();
        gate.open();
    });
    lab.notes.wait("leave", 1);
    assert_eq!(lab.notes.with("enter"), ["enter 1010"]);
}

#[test]
fn many_threads_may_stop_at_once_and_again() {
    let (lab, gate) = crowded(Lab::new());
    thread::scope(|scope| {
        let stoppers: Vec<_> = (0..6)
            .map(|n| {
                scope.spawn({
                    let stream = lab.stream.clone();
                    move || stream.stop(n % 2 == 0)
                })
            })
            .collect();
        lab.notes.wait("stop inputs", 1);
        gate.open();
        stoppers.into_iter().for_each(|stopper| stopper.join().unwrap().unwrap());
    });
    lab.stream.stop(true).unwrap();
    lab.stream.stop(false).unwrap();
    assert_eq!(lab.stream.state(), State::Stopped);
    assert!(lab.notes.with("stop inputs false").len() <= 1);
}

#[test]
fn an_output_may_stop_its_stream() {
    for graceful in [false, true] {
        let lab = Lab::new();
        let input = lab.stream.input(0).unwrap();
        let (stream, notes) = (lab.stream.clone(), lab.notes.clone());
        lab.output(
            input,
            map(move |time, _| {
                let outcome = stream.stop(graceful);
                notes.add(format!("stopped {} {outcome:?} {:?}", time.0, stream.state()));
                Ok(None)
            }),
        );
        lab.record(input, "after");
        lab.stream.start().unwrap();
        lab.clock.set(Millis(1010));
        assert!(matches!(lab.stream.wait(Some(LONG)).unwrap(), Waited::Stopped));
        assert_eq!(lab.stream.state(), State::Stopped);
        lab.notes.wait("stopped 1010", 1);
        if graceful {
            assert_eq!(lab.notes.with("stopped 1"), ["stopped 1010 Ok(()) Active", "stopped 1020 Ok(()) Active"]);
            assert_eq!(lab.notes.with("after 1").len(), 2);
        } else {
            assert_eq!(lab.notes.with("stopped 1"), ["stopped 1010 Ok(()) Stopped"]);
            assert_eq!(lab.notes.with("after 1").len(), 0);
        }
    }
}

#[test]
fn a_transformation_may_stop_its_stream() {
    for graceful in [false, true] {
        let lab = Lab::new();
        let input = lab.stream.input(0).unwrap();
        let stream = lab.stream.clone();
        let stop = map(move |_, rdd| stream.stop(graceful).map(|()| Some(rdd)));
        let node = lab.stream.transform(vec![input], stop).unwrap();
        lab.record(node, "out");
        lab.stream.start().unwrap();
        lab.clock.set(Millis(1010));
        assert!(matches!(lab.stream.wait(Some(LONG)).unwrap(), Waited::Stopped));
        assert_eq!(lab.notes.with("out 1").len(), if graceful { 2 } else { 0 });
        assert_eq!(lab.notes.with("error").len(), 0);
    }
}

#[test]
fn starting_twice_is_harmless_and_a_stopped_context_does_not_start() {
    let lab = Lab::new();
    let input = lab.stream.input(0).unwrap();
    lab.record(input, "out");
    assert_eq!(lab.stream.state(), State::Initialized);
    lab.stream.start().unwrap();
    lab.stream.start().unwrap();
    assert_eq!(lab.stream.state(), State::Active);
    assert_eq!(lab.notes.with("start 1").len(), 1);
    let adding = "Adding new inputs, transformations, and output operations";
    let starting = format!("{adding} after starting a context is not supported");
    assert!(text(lab.stream.input(1)).ends_with(&starting));
    assert!(text(lab.stream.window(input, Millis(10), None)).ends_with(&starting));
    assert!(text(lab.stream.union(vec![input])).ends_with(&starting));
    let kept = text(lab.stream.persist(input, 1));
    assert!(kept.ends_with("Cannot change storage level of a DStream after streaming context has started"));
    assert!(matches!(lab.stream.wait(Some(Duration::ZERO)).unwrap(), Waited::TimedOut));
    lab.stream.stop(false).unwrap();
    assert!(text(lab.stream.start()).ends_with("StreamingContext has already been stopped"));
    assert!(text(lab.stream.input(1)).ends_with(&format!("{adding} after stopping a context is not supported")));
}

#[test]
fn stop_before_start() {
    let lab = Lab::new();
    let input = lab.stream.input(0).unwrap();
    lab.record(input, "out");
    lab.stream.stop(true).unwrap();
    assert_eq!(lab.stream.state(), State::Stopped);
    assert!(text(lab.stream.start()).ends_with("StreamingContext has already been stopped"));
    assert_eq!(lab.notes.all(), [""; 0]);
}

#[test]
fn a_context_without_outputs_does_not_start() {
    let lab = Lab::new();
    lab.stream.input(0).unwrap();
    let error = text(lab.stream.start());
    assert!(error.ends_with("requirement failed: No output operations registered, so nothing to execute"), "{error}");
    assert_eq!(lab.stream.state(), State::Stopped);
}

#[test]
fn a_failed_start_leaves_the_context_stopped() {
    let lab = Lab::with(Fake { fail_start: Some("no port"), ..Fake::default() });
    let input = lab.stream.input(0).unwrap();
    lab.record(input, "out");
    assert!(text(lab.stream.start()).ends_with("no port"));
    assert_eq!(lab.stream.state(), State::Stopped);
    assert_eq!(lab.notes.all(), ["start 1 inputs", "stop inputs false"]);
    assert!(text(lab.stream.start()).ends_with("StreamingContext has already been stopped"));
}

#[test]
fn a_panic_in_the_driver_is_told_and_the_stream_can_be_stopped() {
    let lab = Lab::new();
    let input = lab.stream.input(0).unwrap();
    lab.output(input, map(|_, _| panic!("this panic belongs to the test")));
    lab.stream.start().unwrap();
    lab.clock.set(Millis(1010));
    let waited = lab.stream.wait(Some(LONG)).unwrap();
    assert!(matches!(&waited, Waited::Failed(error) if error.to_string().contains("panicked")), "{waited:?}");
    lab.stream.stop(true).unwrap();
    assert_eq!(lab.stream.state(), State::Stopped);
}
