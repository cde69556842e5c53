//! Which batches run, and in which order?

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;

fn failure(lab: &Lab) -> String {
    match lab.stream.wait(Some(LONG)).unwrap() {
        Waited::Failed(error) => error.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn batches_are_at_multiples_of_the_interval_after_the_start() {
    let lab = Lab::new();
    let input = lab.stream.input(5).unwrap();
    lab.record(input, "out");
    lab.stream.start().unwrap();
    lab.run_to(1030);
    lab.notes.wait("out", 3);
    lab.stream.stop(false).unwrap();
    assert_eq!(lab.notes.with("out 1"), ["out 1010: [1015]", "out 1020: [1025]", "out 1030: [1035]"]);
    assert_eq!(lab.notes.with("begin "), ["begin 1010.", "begin 1020.", "begin 1030."]);
}

#[test]
fn a_start_on_the_batch_time_waits_for_the_next() {
    let lab = Lab::new();
    let input = lab.stream.input(0).unwrap();
    lab.record(input, "out");
    lab.clock.set(Millis(1010));
    lab.stream.start().unwrap();
    lab.run_to(1020);
    lab.notes.wait("out", 1);
    lab.stream.stop(false).unwrap();
    assert_eq!(lab.notes.with("out 1"), ["out 1020: [1020]"]);
}

#[test]
fn late_batches_queue_up_and_none_is_skipped() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let input = lab.stream.input(0).unwrap();
    let (notes, shut) = (lab.notes.clone(), gate.clone());
    lab.output(
        input,
        map(move |time, _| {
            shut.pass();
            notes.add(format!("ran {}", time.0));
            Ok(None)
        }),
    );
    lab.stream.start().unwrap();
    lab.run_to(1010);
    // The clock jumps over four batches while the first one runs.
    lab.clock.set(Millis(1055));
    assert!(lab.clock.wait_for_waiter(Millis(1060), LONG));
    assert_eq!(lab.notes.with("event submitted").len(), 5);
    assert_eq!(lab.notes.with("ran").len(), 0);
    gate.open();
    lab.notes.wait("event completed", 5);
    lab.stream.stop(false).unwrap();
    assert_eq!(lab.notes.with("ran"), [1010, 1020, 1030, 1040, 1050].map(|time| format!("ran {time}")));
}

#[test]
fn outputs_run_in_order_and_the_events_tell() {
    let lab = Lab::new();
    let first = lab.stream.input(0).unwrap();
    let second = lab.stream.input(1).unwrap();
    lab.record(second, "b");
    lab.record(first, "a");
    lab.record(second, "c");
    lab.stream.start().unwrap();
    lab.run_to(1010);
    lab.notes.wait("event completed", 1);
    lab.stream.stop(false).unwrap();
    let told = lab.notes.all().into_iter().filter(|line| !line.contains("put 0 at") && !line.contains("put 1 at"));
    assert_eq!(
        told.take(15).collect::<Vec<_>>(),
        [
            "start 2 inputs",
            "event started 1003",
            "begin 1010.",
            "event submitted 1010",
            "event began 1010",
            "event job 1010 0",
            "b 1010: [1011]",
            "event done 1010 0 None",
            "event job 1010 1",
            "a 1010: [1010]",
            "event done 1010 1 None",
            "event job 1010 2",
            "c 1010: [1011]",
            "event done 1010 2 None",
            "event completed 1010 of 3",
        ]
    );
}

#[test]
fn an_error_in_an_output_ends_neither_its_batch_nor_the_stream() {
    let lab = Lab::new();
    let input = lab.stream.input(0).unwrap();
    lab.output(input, map(|time, _| user_error(&format!("no luck at {}", time.0))));
    lab.record(input, "out");
    lab.stream.start().unwrap();
    lab.run_to(1020);
    lab.notes.wait("event completed", 2);
    // Both were reported; the newest error wins, and every wait tells it again.
    lab.notes.wait("error Error running job streaming job 1020 ms.0", 1);
    for _ in 0..2 {
        assert_eq!(failure(&lab), "user function failed: no luck at 1020");
    }
    lab.stream.stop(false).unwrap();
    assert_eq!(failure(&lab), "user function failed: no luck at 1020", "also after the stop");
    assert_eq!(lab.notes.with("out 1"), ["out 1010: [1010]", "out 1020: [1020]"]);
    assert_eq!(lab.notes.with("done 1010 0"), ["event done 1010 0 Some(\"user function failed: no luck at 1010\")"]);
}

#[test]
fn an_error_in_a_transformation_ends_its_batch_but_not_the_stream() {
    let lab = Lab::new();
    let input = lab.stream.input(0).unwrap();
    let fail = map(|time, rdd| if time.0 == 1010 { user_error("not this one") } else { Ok(Some(rdd)) });
    let mapped = lab.stream.transform(vec![input], fail).unwrap();
    lab.record(input, "before");
    lab.record(mapped, "after");
    lab.stream.start().unwrap();
    lab.run_to(1020);
    lab.notes.wait("after 1020", 1);
    assert_eq!(failure(&lab), "user function failed: not this one");
    lab.stream.stop(false).unwrap();
    assert_eq!(lab.notes.with("before 1"), ["before 1020: [1020]"]);
    assert_eq!(
        lab.notes.with("error"),
        ["error Error generating jobs for time 1010 ms: user function failed: not this one"]
    );
}

#[test]
fn no_rdd_no_output_and_a_batch_without_jobs_has_no_events() {
    let lab = Lab::new();
    let input = lab.stream.input(0).unwrap();
    let some = lab.stream.transform(vec![input], map(|time, rdd| Ok((time.0 != 1010).then_some(rdd)))).unwrap();
    let slow = lab.stream.window(input, Millis(20), Some(Millis(20))).unwrap();
    lab.record(some, "some");
    lab.record(slow, "slow");
    lab.stream.start().unwrap();
    lab.run_to(1030);
    lab.notes.wait("completed 1030", 1);
    lab.stream.stop(false).unwrap();
    assert_eq!(lab.notes.with("some 1"), ["some 1020: [1020]", "some 1030: [1030]"]);
    assert_eq!(lab.notes.with("slow 1"), ["slow 1020: [1010, 1020]"]);
    assert_eq!(lab.notes.with("event submitted"), ["event submitted 1020", "event submitted 1030"]);
    assert_eq!(lab.notes.with("begin 1010").len(), 1, "inputs are told of every batch");
}

#[test]
fn old_rdds_are_forgotten_once_their_batch_is_complete() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let input = lab.stream.input(0).unwrap();
    let shut = gate.clone();
    lab.output(
        input,
        map(move |_, _| {
            shut.pass();
            Ok(None)
        }),
    );
    lab.stream.start().unwrap();
    lab.run_to(1040);
    assert_eq!(lab.notes.with("unpersist").len(), 0, "all of them may still be needed");
    gate.open();
    lab.notes.wait("forget 1030.", 1);
    lab.stream.stop(false).unwrap();
    assert_eq!(lab.notes.with("unpersist"), ["unpersist [1010]", "unpersist [1020]", "unpersist [1030]"]);
}

#[test]
fn an_output_may_slice_what_is_remembered() {
    let lab = Lab::new();
    let input = lab.stream.input(0).unwrap();
    lab.stream.remember(Millis(1000)).unwrap();
    let (stream, notes) = (lab.stream.clone(), lab.notes.clone());
    lab.output(
        input,
        map(move |time, _| {
            let past = stream.slice(input, time - Millis(20), time)?;
            notes.add(format!("past {past:?}"));
            Ok(None)
        }),
    );
    lab.stream.start().unwrap();
    lab.run_to(1030);
    lab.notes.wait("past", 3);
    lab.stream.stop(false).unwrap();
    assert_eq!(lab.notes.with("past"), ["past [[1010]]", "past [[1010], [1020]]", "past [[1010], [1020], [1030]]"]);
}

#[test]
fn remembered_rdds_are_there_while_the_next_batch_is_being_made() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let input = lab.stream.input(0).unwrap();
    let (shut, notes) = (gate.clone(), lab.notes.clone());
    let slow = map(move |time, rdd| {
        if time.0 == 1020 {
            notes.add("making");
            shut.pass();
        }
        Ok(Some(rdd))
    });
    let slow = lab.stream.transform(vec![input], slow).unwrap();
    lab.record(slow, "out");
    lab.stream.start().unwrap();
    lab.run_to(1010);
    lab.clock.set(Millis(1020));
    lab.notes.wait("making", 1);
    assert_eq!(lab.stream.slice(input, Millis(1010), Millis(1020)).unwrap(), [[1010], [1020]]);
    gate.open();
    lab.notes.wait("out 1020", 1);
    lab.stream.stop(false).unwrap();
}

#[test]
fn the_system_clock_drives_batches_as_well() {
    let notes = Notes::default();
    let driver = Arc::new(Fake { notes: notes.clone(), ..Fake::default() });
    let stream = StreamRuntime::new(driver, Arc::new(SystemClock::default()), Settings::new(Millis(5))).unwrap();
    let input = stream.input(0).unwrap();
    let lab = Lab { stream, clock: ManualClock::default(), notes };
    lab.record(input, "out");
    lab.stream.start().unwrap();
    lab.notes.wait("out", 3);
    lab.stream.stop(false).unwrap();
    let times: Vec<i64> =
        lab.notes.with("begin ").iter().map(|line| line[6..line.len() - 1].parse().unwrap()).collect();
    assert!(times.iter().all(|time| time % 5 == 0) && times.windows(2).all(|pair| pair[1] - pair[0] == 5), "{times:?}");
}

#[test]
fn a_system_clock_that_is_set_leaves_no_batch_out_and_makes_none_twice() {
    let notes = Notes::default();
    let driver = Arc::new(Fake { notes: notes.clone(), ..Fake::default() });
    let told = Arc::new((AtomicU64::new(1_003), AtomicU64::new(0)));
    let shown = Arc::clone(&told);
    let clock = SystemClock::telling(move || {
        shown.1.fetch_add(1, Ordering::SeqCst);
        Duration::from_millis(shown.0.load(Ordering::SeqCst))
    });
    let stream = StreamRuntime::new(driver, Arc::new(clock), Settings::new(Millis(10))).unwrap();
    let input = stream.input(0).unwrap();
    let lab = Lab { stream, clock: ManualClock::default(), notes };
    lab.record(input, "out");
    lab.stream.start().unwrap();
    // Forth by three batches, back before the first one, and forth again: the stream looks again within a second.
    for (time, batches) in [(1_035, 3), (995, 3), (1_041, 4), (1_000, 4), (1_062, 6)] {
        told.0.store(time, Ordering::SeqCst);
        let looks = told.1.load(Ordering::SeqCst);
        while told.1.load(Ordering::SeqCst) < looks + 2 {
            thread::yield_now();
        }
        lab.notes.wait("out ", batches);
    }
    lab.stream.stop(false).unwrap();
    let made: Vec<String> = lab.notes.with("out ").iter().map(|line| line[4..8].to_owned()).collect();
    assert_eq!(made, ["1010", "1020", "1030", "1040", "1050", "1060"]);
}
