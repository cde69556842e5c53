//! How does a stream live: built, started, waited for, stopped?
//!
//! Owns `StreamRuntime`: the graph while it is built, its threads while it runs, and what start and stop do.
//! 1. A context goes from Initialized to Active to Stopped, or straight to Stopped (stop before start, failed start);
//!    never back. While it stops it is still Active. Starting twice and stopping twice are harmless.
//! 2. `stop(false)`: no new batch, queued batches are dropped, the running one has `stop_wait` to end; then no further
//!    job begins. Called from one of the stream's own threads it does not wait at all.
//! 3. `stop(true)`: receiving ends, the batches that are due by then and one more are made, all queued batches run. Called from
//!    one of the stream's own threads it returns at once, and the last of them completes the stop.
//! 4. A `stop(false)` overtakes a `stop(true)` that is still waiting.
//!
//! Only the threads keep a running stream alive: dropping the `StreamRuntime` does not stop it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::driver::Driver;
use super::generator::{self, Mailbox, Message};
use super::graph::{Graph, State};
use super::life::{Life, SIGNALS};
use super::live::Live;
use super::node::{Kind, NodeId, Output};
use super::progress::Progress;
use super::scheduler::{self, JobQueue};
use super::shared::Shared;
use super::time::{Millis, first_batch_after};
use super::waiter::{Waited, Waiter};
use crate::error::{EngineError, Result};
use crate::monitor::{Listener, Listeners, StreamEvent};
use crate::stack;

/// How a stream is to run.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Distance of the batches; positive.
    pub interval: Millis,
    /// How long a stop that is not graceful waits for the running batch.
    pub stop_wait: Duration,
    /// How long a graceful stop goes on making batches; for ever if none is given.
    pub finish_within: Option<Duration>,
    /// Jobs that may run at the same time; at least one.
    pub concurrent_jobs: usize,
}

impl Settings {
    /// Batches `interval` apart; everything else as in Spark.
    pub fn new(interval: Millis) -> Self {
        Self { interval, stop_wait: Duration::from_secs(2), finish_within: None, concurrent_jobs: 1 }
    }
}

struct Inner<D: Driver> {
    shared: Shared<D>,
    settings: Settings,
    life: Life,
    /// Why it was broken off.
    broken: OnceLock<String>,
}

impl<D: Driver> Inner<D> {
    /// What becoming stopped means, besides the phase. Runs under the life's lock.
    fn say_stopped(&self) {
        if let Some(reason) = self.broken.get() {
            self.shared.waiter.note_error(EngineError::Cancelled { reason: reason.clone() });
        }
        // First: whoever is told that the stream has stopped may start another one in its place.
        self.shared.driver.ended();
        self.shared.live.graph().set_state(State::Stopped);
        self.shared.waiter.notify_stop();
    }
}

/// A stream: its graph, its clock and its threads. Clones are one and the same.
pub struct StreamRuntime<D: Driver> {
    inner: Arc<Inner<D>>,
}

// Not derived: that would ask for `D: Clone`.
impl<D: Driver> Clone for StreamRuntime<D> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

/// Building and asking.
impl<D: Driver> StreamRuntime<D> {
    /// A stream without inputs and outputs.
    pub fn new(driver: Arc<D>, clock: Arc<dyn Clock>, settings: Settings) -> Result<Self> {
        let graph = Graph::new(settings.interval)?;
        let shared = Shared {
            live: Live::new(Arc::clone(&driver), graph),
            driver,
            clock,
            queue: JobQueue::new(),
            mailbox: Mailbox::new(),
            waiter: Waiter::default(),
            progress: Progress::default(),
            listeners: Arc::default(),
        };
        Ok(Self { inner: Arc::new(Inner { shared, settings, life: Life::new(), broken: OnceLock::new() }) })
    }

    /// Where it is in its life.
    pub fn state(&self) -> State {
        self.inner.life.state()
    }

    /// The world it runs in.
    pub fn driver(&self) -> &Arc<D> {
        &self.inner.shared.driver
    }

    /// Whether the caller is one of the stream's own threads.
    pub(super) fn is_inside(&self) -> bool {
        self.inner.life.is_inside()
    }

    pub(super) fn shared(&self) -> &Shared<D> {
        &self.inner.shared
    }

    /// A short look at the graph, or a change of it. `look` must not call the driver, wait, or use this runtime.
    pub fn with_graph<T>(&self, look: impl FnOnce(&mut Graph<D>) -> T) -> T {
        look(&mut self.inner.shared.live.graph())
    }

    /// A new input.
    pub fn input(&self, spec: D::Input) -> Result<NodeId> {
        self.with_graph(|graph| graph.add_input(spec))
    }

    /// `func` of the RDDs of `parents`.
    pub fn transform(&self, parents: Vec<NodeId>, func: D::Func) -> Result<NodeId> {
        self.with_graph(|graph| graph.add_transformed(parents, func))
    }

    /// Puts the graph of an earlier run in the place of the empty one.
    pub fn restore(&self, graph: Graph<D>) {
        *self.inner.shared.live.graph() = graph;
    }

    /// The RDDs of all `parents`, in order.
    pub fn union(&self, parents: Vec<NodeId>) -> Result<NodeId> {
        self.with_graph(|graph| graph.add_union(parents))
    }

    /// What `parent` had within the last `length`, every `slide` (the parent's if none is given).
    pub fn window(&self, parent: NodeId, length: Millis, slide: Option<Millis>) -> Result<NodeId> {
        let level = self.driver().window_level();
        self.with_graph(|graph| graph.add_window(parent, length, slide, level))
    }

    /// The RDDs of `parent` folded into one state over all batches.
    pub fn fold(&self, parent: NodeId, func: D::Func, initial: Option<D::Rdd>) -> Result<NodeId> {
        let level = self.driver().window_level();
        self.with_graph(|graph| graph.add_state(parent, func, initial, level))
    }

    /// A window whose sums are kept and changed; `kind` is a `Kind::Reduced`.
    pub fn reduced_window(&self, kind: Kind<D>) -> Result<NodeId> {
        let level = self.driver().window_level();
        self.with_graph(|graph| graph.add_reduced_window(kind, level))
    }

    /// An output operation, after all earlier ones.
    pub fn output(&self, output: Output<D>) -> Result<()> {
        self.with_graph(|graph| graph.add_output(output))
    }

    /// Keeps the RDDs of a node; for a window, those of its parent.
    pub fn persist(&self, node: NodeId, level: D::Level) -> Result<()> {
        self.with_graph(|graph| graph.persist(node, level))
    }

    /// How often the RDDs of a node are to be checkpointed.
    pub fn checkpoint(&self, node: NodeId, interval: Millis) -> Result<()> {
        self.with_graph(|graph| graph.checkpoint(node, interval))
    }

    /// Distance of a node's RDDs.
    pub fn slide(&self, node: NodeId) -> Result<Millis> {
        self.with_graph(|graph| graph.node(node).map(|node| node.slide))
    }

    /// Makes every node that an output needs remember for at least `duration`. May be said once.
    pub fn remember(&self, duration: Millis) -> Result<()> {
        self.with_graph(|graph| graph.remember(duration))
    }

    /// The RDDs of a node in `[from, to]`, oldest first. Those not remembered are made, which may mean waiting for the
    /// batch loop.
    pub fn slice(&self, node: NodeId, from: Millis, to: Millis) -> Result<Vec<D::Rdd>> {
        self.inner.shared.live.slice(node, from, to)
    }

    /// Those who listen, for events that happen outside.
    pub fn listeners(&self) -> Arc<Listeners> {
        Arc::clone(&self.inner.shared.listeners)
    }

    /// A listener that hears every event from now on.
    pub fn add_listener(&self, listener: Arc<dyn Listener>) {
        self.inner.shared.listeners.add(listener);
    }
}

/// The life.
impl<D: Driver> StreamRuntime<D> {
    /// Starts the stream; returns once its threads run. A failed start leaves the context stopped.
    pub fn start(&self) -> Result<()> {
        let inner = self.inner.as_ref();
        if !inner.life.claim_start(inner.shared.driver.as_ref())? {
            return Ok(());
        }
        let begun = self.begin();
        if begun.is_ok() {
            inner.life.become_active();
        } else {
            inner.shared.mailbox.send(Message::Halt);
            inner.shared.queue.abandon();
            inner.shared.driver.stop_inputs(false);
            inner.life.become_stopped(|| inner.say_stopped());
        }
        begun
    }

    /// Stops the stream; the module's header says what that means. Fails if a signal ends the waiting: the stop then
    /// goes on in the background, and may be called again.
    pub fn stop(&self, graceful: bool) -> Result<()> {
        let inner = self.inner.as_ref();
        let (driver, life) = (inner.shared.driver.as_ref(), &inner.life);
        if life.claim_stop(driver, graceful, || inner.say_stopped())? {
            self.order_stop(graceful);
        }
        let inside = life.is_inside();
        if graceful {
            return if inside { Ok(()) } else { life.wait_stopped(driver, None) };
        }
        let waited = if inside { Ok(()) } else { life.wait_stopped(driver, Some(inner.settings.stop_wait)) };
        inner.shared.queue.abandon();
        life.become_stopped(|| inner.say_stopped());
        waited
    }

    /// Ends a stream whose world has gone: no job begins any more, what runs is not waited for, batches that it has not
    /// finished do not count as done, and whoever waits is told the reason. Tells whether there was one to end.
    pub fn break_off(&self, reason: &str) -> Result<bool> {
        let inner = self.inner.as_ref();
        let (shared, life) = (&inner.shared, &inner.life);
        if life.state() != State::Active {
            return Ok(false);
        }
        // First of all: jobs that fail for the same reason are no news then, and their batches not complete.
        shared.queue.abandon();
        let _ = inner.broken.set(reason.to_owned());
        if life.claim_stop(shared.driver.as_ref(), false, || inner.say_stopped())? {
            self.order_stop(false);
        }
        life.become_stopped(|| inner.say_stopped());
        Ok(true)
    }

    /// Waits, at most for `longest`, until none of the stream's threads runs, unless the caller is one of them.
    pub fn join(&self, longest: Duration) -> Result<()> {
        let inner = self.inner.as_ref();
        if inner.life.is_inside() { Ok(()) } else { inner.life.wait_deserted(inner.shared.driver.as_ref(), longest) }
    }

    /// Waits for the end of the stream, for an error, or for at most `longest`. Fails if a signal ends the waiting.
    pub fn wait(&self, longest: Option<Duration>) -> Result<Waited> {
        let deadline = longest.and_then(|longest| Instant::now().checked_add(longest));
        loop {
            let left = deadline.map_or(SIGNALS, |deadline| deadline.saturating_duration_since(Instant::now()));
            let waited = self.wait_slice(left.min(SIGNALS));
            if !matches!(waited, Waited::TimedOut) || left.is_zero() {
                return Ok(waited);
            }
            self.driver().check_signals()?;
        }
    }

    /// One slice of `wait`, for callers that have something else to do in between.
    pub fn wait_slice(&self, longest: Duration) -> Waited {
        let shared = &self.inner.shared;
        shared.driver.blocking(|| shared.waiter.wait_slice(longest))
    }

    fn begin(&self) -> Result<()> {
        let (shared, interval) = (&self.inner.shared, self.inner.settings.interval);
        let inputs = shared.live.graph().close()?;
        shared.driver.start_inputs(&inputs)?;
        // Only now: inputs may take their time to start, and the first batch should not be late.
        let (resumed, zero) = self.with_graph(|graph| (graph.resumed, graph.zero()));
        let first = match resumed {
            // Batches that were missed meanwhile are made one after the other.
            Some(last) => last + interval,
            None => first_batch_after(shared.clock.now(), interval),
        };
        shared.live.graph().start(zero.unwrap_or(first - interval));
        // What comes before the first checkpoint would be lost: so the first one is now.
        if shared.driver.keeps() && zero.is_none() {
            shared.live.keep(first - interval)?;
        }
        shared.tell(&StreamEvent::StreamingStarted(shared.now()));
        for _ in 0..self.inner.settings.concurrent_jobs.max(1) {
            self.spawn("streaming-job-executor", scheduler::run)?;
        }
        let inner = Arc::clone(&self.inner);
        self.spawn("streaming-job-generator", move |shared| {
            // Dropped whatever happens: the scheduler must not wait for more.
            let _closing = Closing(&shared.queue);
            if !generator::run(shared, first) {
                // As if somebody had ordered a stop: it is over when the threads are. Nobody else could be told a failure.
                let _ = inner.life.claim_stop(shared.driver.as_ref(), false, || inner.say_stopped());
            }
            shared.driver.rest();
        })
    }

    fn order_stop(&self, graceful: bool) {
        let inner = self.inner.as_ref();
        let shared = &inner.shared;
        if graceful {
            // In this order: the last batch takes all that was received.
            shared.driver.stop_inputs(true);
            let until = inner.settings.finish_within.and_then(|longest| Instant::now().checked_add(longest));
            // The clock is asked now and not again: a stream that is late all the time would never be done.
            shared.mailbox.send(Message::Finish { due: shared.clock.now(), until });
        } else {
            shared.mailbox.send(Message::Halt);
            shared.queue.drop_waiting();
            shared.driver.stop_inputs(false);
            // The loop may have ended before the inputs did.
            shared.driver.rest();
        }
        inner.life.stop_if_deserted(|| inner.say_stopped());
    }

    fn spawn(&self, name: &str, work: impl Fn(&Shared<D>) + Send + Sync + 'static) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        inner.life.expect_thread();
        let body = move || {
            inner.life.thread_began();
            inner.shared.driver.run_thread(&mut || {
                if catch_unwind(AssertUnwindSafe(|| work(&inner.shared))).is_err() {
                    let error = EngineError::Bug("a thread of the stream panicked".into());
                    inner.shared.fail("Error in a thread of the stream", error);
                    // Neither thread is of use without the other.
                    inner.shared.mailbox.send(Message::Halt);
                    inner.shared.queue.abandon();
                }
            });
            // After `run_thread`: whoever waits for this may take down the interpreter next.
            inner.life.thread_ended(|| inner.say_stopped());
        };
        let spawned = stack::spawn(name, body);
        if spawned.is_err() {
            self.inner.life.thread_ended(|| {});
        }
        spawned.map(drop).map_err(EngineError::external("a thread of the stream did not start"))
    }
}

struct Closing<'a, D: Driver>(&'a JobQueue<D>);

impl<D: Driver> Drop for Closing<'_, D> {
    fn drop(&mut self) {
        self.0.close();
    }
}
