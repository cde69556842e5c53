//! Several jobs at once, streams turned by hand, and graceful stops with a time limit.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::stream::Waited;

fn lab(change: impl FnOnce(&mut Settings)) -> Lab {
    let mut settings = Settings { stop_wait: LONG, ..Settings::new(Millis(10)) };
    change(&mut settings);
    Lab::with_settings(Fake::default(), settings)
}

fn advance(lab: &Lab, batches: u32) -> Option<String> {
    lab.stream.advance(Some(&lab.clock), batches).unwrap().map(|error| error.to_string())
}

#[test]
fn outputs_of_a_batch_run_side_by_side_if_they_may() {
    let lab = lab(|settings| settings.concurrent_jobs = 3);
    let a = lab.stream.input(0).unwrap();
    let here = Arc::new((Mutex::new(0), Condvar::new()));
    for _ in 0..3 {
        let here = Arc::clone(&here);
        // Each waits until all three are there.
        let meet = map(move |_, _| {
            *here.0.lock().unwrap() += 1;
            here.1.notify_all();
            let met = here.1.wait_timeout_while(here.0.lock().unwrap(), LONG, |count| *count % 3 != 0).unwrap();
            assert!(!met.1.timed_out(), "only {} at once", met.0);
            Ok(None)
        });
        lab.output(a, meet);
    }
    lab.stream.start().unwrap();
    assert_eq!(advance(&lab, 1), None);
    let events = lab.notes.with("event");
    assert_eq!(events[..3], ["event started 1003", "event submitted 1010", "event began 1010"]);
    assert_eq!(events.last().unwrap(), "event completed 1010 of 3");
    assert_eq!(lab.notes.with("event done 1010").len(), 3);
}

#[test]
fn a_batch_overtakes_another_but_is_forgotten_after_it() {
    let lab = lab(|settings| settings.concurrent_jobs = 2);
    let a = lab.stream.input(0).unwrap();
    let (gate, notes) = (Gate::default(), lab.notes.clone());
    let inside = gate.clone();
    let first_waits = map(move |time, _| {
        if time == Millis(1010) {
            inside.pass();
        }
        notes.add(format!("end {}", time.0));
        Ok(None)
    });
    lab.output(a, first_waits);
    lab.stream.start().unwrap();
    lab.run_to(1030);
    lab.notes.wait("event completed 1030", 1);
    assert_eq!(lab.notes.with("end "), ["end 1020", "end 1030"]);
    assert!(lab.notes.with("forget").is_empty(), "the batch of 1010 still needs what it has");
    gate.open();
    lab.notes.wait("forget", 3);
    assert_eq!(advance(&lab, 1), None);
    lab.stream.stop(true).unwrap();
}

#[test]
fn advancing_runs_each_batch_to_its_end() {
    let lab = lab(|_| {});
    let a = lab.stream.input(0).unwrap();
    lab.record(a, "a");
    assert!(text(lab.stream.advance(Some(&lab.clock), 1)).contains("has not been started"));
    lab.stream.start().unwrap();
    assert_eq!(advance(&lab, 3), None);
    assert_eq!(lab.notes.with("a ").len(), 3);
    assert_eq!(lab.notes.with("forget").len(), 3, "old RDDs are gone as well");
    assert_eq!(lab.clock.now(), Millis(1030));
    lab.stream.stop(false).unwrap();
    assert!(text(lab.stream.advance(Some(&lab.clock), 1)).contains("has been stopped"));
}

#[test]
fn advancing_ends_at_an_error_and_goes_on_after_it() {
    let lab = lab(|_| {});
    let a = lab.stream.input(0).unwrap();
    let made = AtomicUsize::new(0);
    let second_fails = map(move |_, rdd| match made.fetch_add(1, Ordering::Relaxed) {
        1 => user_error("not made"),
        _ => Ok(Some(rdd)),
    });
    let b = lab.stream.transform(vec![a], second_fails).unwrap();
    lab.output(b, map(|time, _| if time == Millis(1030) { user_error("no output") } else { Ok(None) }));
    lab.stream.start().unwrap();
    assert!(advance(&lab, 9).unwrap().ends_with("not made"));
    assert_eq!(lab.clock.now(), Millis(1020));
    assert!(advance(&lab, 9).unwrap().ends_with("no output"));
    assert_eq!(advance(&lab, 2), None, "each error is told once");
    assert_eq!(lab.notes.with("event completed").len(), 4);
    assert!(matches!(lab.stream.wait_slice(Duration::ZERO), Waited::Failed(_)), "but a wait tells it for ever");
}

#[test]
fn a_clock_that_goes_by_itself_is_followed() {
    let settings = Settings::new(Millis(5));
    let stream = StreamRuntime::new(Arc::<Fake>::default(), Arc::new(SystemClock::default()), settings).unwrap();
    let notes = stream.driver().notes.clone();
    let seen = notes.clone();
    let note = map(move |time, _| {
        seen.add(format!("out {}", time.0));
        Ok(None)
    });
    let parent = stream.input(0).unwrap();
    stream.output(Output { parent, func: note, name: String::new(), description: String::new() }).unwrap();
    stream.start().unwrap();
    for count in [2, 5] {
        assert!(stream.advance(None, if count == 2 { 2 } else { 3 }).unwrap().is_none());
        assert!(notes.with("out").len() >= count);
    }
    stream.stop(false).unwrap();
}

#[test]
fn a_graceful_stop_makes_no_batch_after_its_time_is_up() {
    let lab = lab(|settings| settings.finish_within = Some(Duration::ZERO));
    let a = lab.stream.input(0).unwrap();
    lab.record(a, "a");
    lab.stream.start().unwrap();
    assert_eq!(advance(&lab, 1), None);
    lab.stream.stop(true).unwrap();
    assert_eq!(lab.notes.with("a ").len(), 1);
    let complaint = lab.notes.with("Timed out while stopping");
    assert!(complaint.len() == 1 && complaint[0].contains("1020 ms"), "{complaint:?}");
}

#[test]
fn what_a_batch_took_is_released_when_it_ends_well_or_not() {
    let lab = lab(|_| {});
    let a = lab.stream.input(0).unwrap();
    let first_fails = map(|time, rdd| if time == Millis(1010) { user_error("not made") } else { Ok(Some(rdd)) });
    let b = lab.stream.transform(vec![a], first_fails).unwrap();
    lab.output(b, map(|_, _| Ok(None)));
    lab.stream.start().unwrap();
    assert!(advance(&lab, 1).is_some());
    assert_eq!(advance(&lab, 1), None);
    assert_eq!(lab.notes.with("ended"), ["ended 1010.", "ended 1020."]);
}
