//! Which worker does a task get? One that has nothing to do, else a new one.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::process::{Process, Worker};
use super::seats::{Seat, Seats};
use crate::error::{EngineError, Result};
use crate::rdd::CancelToken;

/// How to start a worker.
pub struct Launch {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What is added to this process's environment.
    pub environment: Vec<(String, String)>,
}

struct State<T> {
    /// Workers without a task, each with what its last user noted about it.
    idle: Vec<(Worker, T)>,
    /// All that were started and may still be there.
    started: Vec<Weak<Process>>,
    stopped: bool,
}

/// The workers of a context. `T` is what their users note about each of them.
pub struct Crew<T> {
    launch: Launch,
    size: usize,
    seats: Arc<Seats>,
    state: Mutex<State<T>>,
}

impl<T: Default> Crew<T> {
    /// A crew of up to `size` workers; none is started yet.
    pub fn new(size: usize, launch: Launch) -> Self {
        let state = State { idle: Vec::new(), started: Vec::new(), stopped: false };
        Self { launch, size, seats: Seats::new(size), state: Mutex::new(state) }
    }

    /// Workers asked for.
    pub fn size(&self) -> usize {
        self.size
    }

    fn with<R>(&self, look: impl FnOnce(&mut State<T>) -> R) -> R {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for a seat, and finds a worker.
    pub fn hire(&self, cancel: &CancelToken) -> Result<(Seat, Worker, T)> {
        let seat = self.seats.take(cancel)?;
        while let Some((worker, notes)) = self.with(|state| state.idle.pop()) {
            if worker.lives() {
                return Ok((seat, worker, notes));
            }
        }
        let worker = Worker::start(&self.launch)
            .map_err(EngineError::external(format!("cannot start a worker process ({})", self.launch.program)))?;
        let stopped = self.with(|state| {
            state.started.retain(|process| process.strong_count() > 0);
            state.started.push(Arc::downgrade(worker.process()));
            state.stopped
        });
        match stopped {
            true => Err(EngineError::Cancelled { reason: "the worker processes are stopped".to_owned() }),
            false => Ok((seat, worker, T::default())),
        }
    }

    /// Takes back a worker that has ended its task.
    pub fn dismiss(&self, worker: Worker, notes: T) {
        let surplus = self.with(|state| {
            // Twice as many: chains that read from chains need two each.
            if state.stopped || state.idle.len() >= 2 * self.size {
                return Some((worker, notes));
            }
            state.idle.push((worker, notes));
            None
        });
        // Outside the lock: it is killed.
        drop(surplus);
    }

    /// Ends all workers, those with a task included, and starts no new ones.
    pub fn stop(&self) {
        let (idle, started) = self.with(|state| {
            state.stopped = true;
            (std::mem::take(&mut state.idle), std::mem::take(&mut state.started))
        });
        for process in started.iter().filter_map(Weak::upgrade) {
            process.kill();
        }
        drop(idle);
    }

    /// The process numbers of the workers that live now.
    pub fn processes(&self) -> Vec<u32> {
        self.with(|state| state.started.iter().filter_map(Weak::upgrade).map(|process| process.id()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crew(size: usize) -> Crew<u32> {
        let arguments = vec!["-c".to_owned(), "cat <&0 >&0".to_owned()];
        Crew::new(size, Launch { program: "/bin/sh".to_owned(), arguments, environment: Vec::new() })
    }

    #[test]
    fn a_dismissed_worker_is_hired_again_with_its_notes() {
        let (crew, cancel) = (crew(2), CancelToken::default());
        let (_, worker, notes) = crew.hire(&cancel).expect("a new one");
        assert_eq!(notes, 0);
        crew.dismiss(worker, 7);
        let (_, _worker, notes) = crew.hire(&cancel).expect("the same");
        assert_eq!((notes, crew.processes().len()), (7, 1));
    }

    #[test]
    fn a_worker_that_ended_meanwhile_is_not_hired() {
        let (crew, cancel) = (crew(2), CancelToken::default());
        let (_, worker, _) = crew.hire(&cancel).expect("a new one");
        worker.process().kill();
        crew.dismiss(worker, 7);
        let (_, _worker, notes) = crew.hire(&cancel).expect("another one");
        assert_eq!(notes, 0);
    }

    #[test]
    fn a_stopped_crew_has_no_workers_and_gets_none() {
        let (crew, cancel) = (crew(1), CancelToken::default());
        let (seat, worker, notes) = crew.hire(&cancel).expect("a new one");
        crew.stop();
        assert!(!worker.lives());
        crew.dismiss(worker, notes);
        drop(seat);
        assert!(crew.hire(&cancel).is_err());
    }
}
