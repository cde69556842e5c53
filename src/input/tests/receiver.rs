//! What is pushed: taken when a batch begins, and given again as far as the log has it.

use std::sync::OnceLock;

use super::*;
use crate::source::{Intake, Taken};

/// A receiver that gets what the test says, a partition each.
struct Pushed {
    intake: Arc<Intake>,
    begun: OnceLock<()>,
}

fn receiver() -> (Arc<Intake>, Received<Pushed>) {
    let intake = Arc::new(Intake::new(1 << 20));
    (Arc::clone(&intake), Received::new(Pushed { intake, begun: OnceLock::new() }))
}

impl Feed for Pushed {
    fn kind(&self) -> &'static str {
        "pushed"
    }
    fn shown(&self) -> String {
        "pushed".into()
    }
    fn settings(&self) -> Result<String> {
        Ok("null".into())
    }
    fn start(&self, opening: Opening) -> Result<()> {
        self.begun.set(()).map_err(|()| EngineError::Bug("started twice".into()))?;
        if let Some((log, first)) = opening.log {
            self.intake.log_to(log, first);
        }
        Ok(())
    }
    fn take(&self) -> Taken {
        self.intake.take()
    }
    fn release(&self, bytes: usize) {
        self.intake.release(bytes);
    }
    fn ask_to_stop(&self, _graceful: bool) {
        self.intake.close();
    }
    fn wait_stopped(&self, _graceful: bool) {}
}

/// A run of one receiver, and where to push.
fn begin(folder: &Folder, logs: bool) -> (Run, impl Fn(i64)) {
    let (intake, made) = receiver();
    let made = Mutex::new(Some(made));
    let take = || Arc::new(made.lock().unwrap().take().unwrap()) as Arc<dyn AnySource>;
    let run = Run::kept(folder, logs, || vec![take()], |registry| registry.add("pushed", |_| Ok(take())));
    let group = std::cell::Cell::new(0);
    (run, move |number| {
        group.set(group.get() + 1);
        let place = intake.add(group.get(), ints(&[number])).unwrap();
        intake.commit(place).unwrap();
    })
}

#[test]
fn logged_blocks_come_again_in_the_batches_that_had_them_and_the_rest_in_the_first_new_one() {
    // batch          1        2      3     (complete: none)      4
    // first run     [1,2]    []     [3]    and 4 was received
    // second run    [1,2]    []     [3]                          4, and 5, which came since
    let folder = Folder::new();
    let (run, push) = begin(&folder, true);
    run.complete(0, 0);
    push(1);
    push(2);
    let first = [run.batch(1, &[0]), run.batch(2, &[0])];
    push(3);
    let third = run.batch(3, &[0]);
    push(4);
    drop(run);
    let (run, push) = begin(&folder, true);
    push(5);
    assert_eq!(first, [[vec![vec![1], vec![2]]], [Vec::new()]]);
    assert_eq!([run.batch(1, &[0]), run.batch(2, &[0])], first);
    assert_eq!(run.batch(3, &[0]), third);
    assert_eq!(run.inputs.info(3)[0].records, 1);
    assert_eq!(run.batch(4, &[0]), [[[4], [5]]]);
}

#[test]
fn a_complete_batch_is_given_again_only_while_a_window_may_ask_for_it() {
    let folder = Folder::new();
    let (run, push) = begin(&folder, true);
    run.complete(0, 0);
    push(1);
    run.batch(1, &[0]);
    push(2);
    run.batch(2, &[0]);
    run.complete(2, 0);
    drop(run);
    let (run, push) = begin(&folder, true);
    assert_eq!(numbers(&run.inputs.rdd(0, 1).unwrap()), [[1]]);
    push(3);
    assert_eq!(run.batch(3, &[0]), [[[3]]]);
    run.complete(3, 3);
    assert!(numbers(&run.inputs.rdd(0, 1).unwrap()).is_empty());
    drop(run);
    let (run, push) = begin(&folder, true);
    push(4);
    assert_eq!(run.batch(4, &[0]), [[[4]]], "numbers go on, and nothing comes twice");
}

#[test]
fn without_a_log_what_came_is_gone_with_the_process() {
    let folder = Folder::new();
    let (run, push) = begin(&folder, false);
    run.complete(0, 0);
    push(1);
    assert_eq!(run.batch(1, &[0]), [[[1]]]);
    drop(run);
    let (run, push) = begin(&folder, false);
    push(2);
    assert_eq!(run.batch(1, &[0]), [[[2]]]);
}

#[test]
fn a_log_that_is_not_used_any_more_is_emptied_once() {
    let folder = Folder::new();
    let (run, push) = begin(&folder, true);
    run.complete(0, 0);
    push(1);
    drop(run);
    let (run, push) = begin(&folder, false);
    push(2);
    assert_eq!(run.batch(1, &[0]), [[[1], [2]]]);
    run.complete(1, 1);
    drop(run);
    let (run, _push) = begin(&folder, false);
    assert!(run.batch(2, &[0])[0].is_empty());
}

#[test]
fn room_comes_back_when_batches_have_ended() {
    let run = Run::unkept();
    let (intake, source) = receiver();
    run.inputs.start(0, Arc::new(source)).unwrap();
    intake.add(0, ints(&vec![7; 200_000])).unwrap();
    let is_full = || intake.wait_for_room(0, std::time::Duration::ZERO) == crate::source::Room::Full;
    run.batch(1, &[]);
    assert!(is_full());
    run.inputs.release(1);
    assert!(!is_full());
    assert_eq!(run.inputs.info(1)[0].records, 200_000, "its records stay while they may be asked for");
}
