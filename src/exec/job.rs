//! In which order do the stages of a job run, and what happens when a task fails?

use std::any::Any;
use std::ops::Deref;
use std::sync::atomic::Ordering;
use std::sync::{Arc, TryLockError};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, unbounded};
use hashbrown::{HashMap, HashSet};

use super::light::is_light;
use super::panes::{Sent, Sources};
use super::{Executor, StageProgress};
use crate::block::Block;
use crate::error::{EngineError, Result, TaskId};
use crate::memory::Pin;
use crate::rdd::{Blocks, CancelToken, Op, Parcels, Properties, Rdd, RddId, ShuffleData, Task};
use crate::stack;

/// Nodes of a lineage that are looked at for stages that need not run, to number these.
const NUMBERED: usize = 10_000;

/// A stage that runs, until dropped.
struct Runs(Arc<StageProgress>);

impl Runs {
    fn of(stage: &Arc<StageProgress>) -> Self {
        stage.running.store(true, Ordering::Relaxed);
        Self(Arc::clone(stage))
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::Relaxed);
    }
}

/// How often a waiting caller looks for signals.
const POLL: Duration = Duration::from_millis(50);

/// The caller's side of a running job.
pub trait Hooks: Send + Sync {
    /// Called about every 50 ms on the waiting thread; an error cancels the job and is returned from it.
    fn poll(&self) -> Result<()>;
    /// What the successful tasks of a stage left, in the order of their partitions.
    fn merge(&self, left: Vec<Box<dyn Any + Send>>) -> Result<()>;
    /// The stage's result is no longer wanted: tasks of it that still run may be interrupted.
    fn abandon(&self, stage: u64);
}

/// Which threads run the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// Always the pool: the caller's thread must stay free to see signals.
    Pool,
    /// A stage of one task, and one of light tasks, runs on the caller's thread, which saves two thread switches or more.
    Caller,
}

/// An action on some partitions of an RDD.
pub struct Job {
    /// The RDD to compute.
    pub rdd: Arc<Rdd>,
    /// Its partitions, in the order of the results.
    pub partitions: Vec<usize>,
    /// Stops the job from outside.
    pub cancel: CancelToken,
    /// What the caller says about the job; its tasks may ask for it.
    pub properties: Arc<Properties>,
    /// Threads to use.
    pub place: Where,
}

/// A job that runs.
struct Numbered<'a> {
    number: u64,
    job: &'a Job,
}

impl Deref for Numbered<'_> {
    type Target = Job;

    fn deref(&self) -> &Job {
        self.job
    }
}

type TaskResult<T> = (T, Option<Box<dyn Any + Send>>);
type Work<T> = Arc<dyn Fn(&Arc<Task>, usize) -> Result<T> + Send + Sync>;

impl Executor {
    /// Runs a job: the blocks of each partition asked for.
    pub fn run(self: &Arc<Self>, job: &Job, hooks: &dyn Hooks) -> Result<Vec<Vec<Block>>> {
        self.run_with(job, hooks, |_, blocks| blocks.collect())
    }

    /// The same for results that are read while they come: pairs before the first batches that do not fit are good. And what
    /// is wrong with these.
    pub fn run_to_misfit(
        self: &Arc<Self>,
        job: &Job,
        hooks: &dyn Hooks,
    ) -> Result<Vec<(Vec<Block>, Option<EngineError>)>> {
        self.run_with(job, hooks, |_, blocks| {
            let mut good = Vec::new();
            for block in blocks {
                match block {
                    Ok(block) => good.push(block),
                    Err(misfit @ EngineError::Unpaired { in_task: false, .. }) => return Ok((good, Some(misfit))),
                    Err(error) => return Err(error),
                }
            }
            Ok((good, None))
        })
    }

    /// Runs a job whose results stay with the executor, in memory or in files.
    pub(super) fn park(self: &Arc<Self>, job: &Job, hooks: &dyn Hooks) -> Result<Vec<Parcels>> {
        self.run_with(job, hooks, |executor, blocks| executor.store.park(blocks))
    }

    fn run_with<T: Send + 'static>(
        self: &Arc<Self>,
        job: &Job,
        hooks: &dyn Hooks,
        finish: impl Fn(&Self, Blocks) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Vec<T>> {
        let number = self.jobs.begin(Arc::clone(&job.properties), job.cancel.clone());
        let job = Numbered { number, job };
        let result = self.run_stages(&job, hooks, finish);
        self.jobs.end(number, result.is_ok());
        result
    }

    fn run_stages<T: Send + 'static>(
        self: &Arc<Self>,
        job: &Numbered<'_>,
        hooks: &dyn Hooks,
        finish: impl Fn(&Self, Blocks) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Vec<T>> {
        job.cancel.check()?;
        // As in Spark: a job without tasks has no stages.
        if job.partitions.is_empty() {
            return Ok(Vec::new());
        }
        let (pending, _pins) = self.pending_shuffles(&job.rdd);
        let (stages, last) = self.number_stages(job);
        for shuffle in pending {
            let stage = match stages.get(&shuffle.id()) {
                Some(stage) => Arc::clone(stage),
                None => self.add_map_stage(job, &shuffle),
            };
            self.run_map_side(&shuffle, &stage, job, hooks)?;
        }
        let (executor, rdd) = (Arc::clone(self), Arc::clone(&job.rdd));
        let work: Work<T> = Arc::new(move |task, partition| finish(&executor, executor.blocks(&rdd, partition, task)?));
        let runs_here = || is_light(&job.rdd);
        self.run_stage(work, &last, &job.partitions, &runs_here, job, hooks)
    }

    /// The stages of a job, by the shuffles they are for, and its last one. Spark numbers all that the lineage has when a
    /// job begins, those too whose output is there already.
    fn number_stages(&self, job: &Numbered<'_>) -> (HashMap<RddId, Arc<StageProgress>>, Arc<StageProgress>) {
        let (mut stages, mut seen) = (HashMap::new(), HashSet::<RddId>::new());
        // Depth first, parents before children; `true` marks a node whose parents are done.
        let mut stack = vec![(Arc::clone(&job.rdd), false)];
        while let Some((node, parents_done)) = stack.pop() {
            if parents_done {
                stages.insert(node.id(), self.add_map_stage(job, &node));
                continue;
            }
            if !seen.insert(node.id()) || seen.len() > NUMBERED {
                continue;
            }
            let parents = node.parents();
            if matches!(&*node.op(), Op::Shuffle { .. }) {
                stack.push((node, true));
            }
            stack.extend(parents.into_iter().rev().map(|parent| (parent, false)));
        }
        let last = self.jobs.add_stage(job.number, self.next_stage(), job.partitions.len(), None);
        (stages, last)
    }

    fn add_map_stage(&self, job: &Numbered<'_>, shuffle: &Arc<Rdd>) -> Arc<StageProgress> {
        // A number of partitions that cannot be found fails the job where it is needed.
        let tasks = shuffle.parents().first().and_then(|parent| parent.partitions().ok()).unwrap_or(0);
        self.jobs.add_stage(job.number, self.next_stage(), tasks, shuffle.site().map(str::to_owned))
    }

    fn run_map_side(
        self: &Arc<Self>,
        shuffle: &Arc<Rdd>,
        stage: &Arc<StageProgress>,
        job: &Numbered<'_>,
        hooks: &dyn Hooks,
    ) -> Result<()> {
        let op = shuffle.op();
        let Op::Shuffle { parent, targets, router, slot, .. } = &*op else {
            return Err(EngineError::Bug(format!("{shuffle:?} is no shuffle")));
        };
        let _running = loop {
            match slot.running.try_lock() {
                Ok(guard) => break guard,
                Err(TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    hooks.poll()?;
                    job.cancel.check()?;
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        };
        if slot.get().is_some() {
            return Ok(());
        }
        let sources = Sources::of(parent, router, *targets)?;
        let mut outputs = sources.as_ref().map_or_else(Vec::new, Sources::kept);
        outputs.resize(parent.partitions()?, None);
        let missing: Vec<usize> = (0..outputs.len()).filter(|at| outputs[*at].is_none()).collect();
        let again = (outputs.len() - missing.len()) as u64;
        self.windows.sent_again.fetch_add(again, Ordering::Relaxed);
        let found: Vec<_> = missing.iter().map(|at| sources.as_ref()?.source(*at)).collect();
        let (from, by) = (Arc::clone(parent), Arc::clone(router));
        let runs_here = || by.is_light() && is_light(&from);
        let (executor, parent, router, targets) = (Arc::clone(self), Arc::clone(parent), Arc::clone(router), *targets);
        let of_partition = missing.clone();
        let work: Work<Sent> = Arc::new(move |task, partition| {
            let source = of_partition.binary_search(&partition).ok().and_then(|at| found[at].clone());
            executor.send((&parent, &router, targets), source, task, partition)
        });
        let mut same_again = sources.is_some();
        let sent = self.run_stage(work, stage, &missing, &runs_here, job, hooks).map_err(EngineError::in_task)?;
        let mut marks = Vec::with_capacity(sent.len());
        // Of what was sent before nobody knows any more; a window's own order is another one, too.
        let all_known = sent.len() == outputs.len();
        for (at, sent) in missing.iter().zip(sent) {
            same_again &= sources.as_ref().is_some_and(|sources| sources.keep(*at, &sent));
            outputs[*at] = Some(sent.output);
            marks.push(sent.marks);
        }
        let window = sources.filter(|_| same_again).map(Sources::into_window);
        let data = ShuffleData::of_window(outputs.into_iter().flatten().collect(), window);
        slot.set(if all_known { data.marked(marks) } else { data });
        Ok(())
    }

    fn run_stage<T: Send + 'static>(
        self: &Arc<Self>,
        work: Work<T>,
        progress: &Arc<StageProgress>,
        partitions: &[usize],
        is_light: &dyn Fn() -> bool,
        job: &Numbered<'_>,
        hooks: &dyn Hooks,
    ) -> Result<Vec<T>> {
        let _runs = Runs::of(progress);
        let stage = progress.id;
        // Tasks of a failed stage are told to stop; the job's own token stays as the caller set it.
        let cancel = CancelToken::default();
        // What is not light needs room on the stack, too.
        if job.place == Where::Caller && (partitions.len() == 1 && stack::is_deep() || is_light()) {
            let mut results = Vec::with_capacity(partitions.len());
            for partition in partitions {
                let done = self.attempt(&work, *partition, progress, (&job.cancel, &job.properties));
                let failed = done.is_err();
                results.push(Some(done));
                if failed {
                    job.cancel.check()?;
                    break;
                }
            }
            return finish(results, hooks);
        }
        let (sender, receiver) = unbounded();
        let place = self.pool.stage()?;
        for (at, partition) in partitions.iter().copied().enumerate() {
            let (executor, work, sender) = (Arc::clone(self), Arc::clone(&work), sender.clone());
            let (progress, cancel, properties) = (Arc::clone(progress), cancel.clone(), Arc::clone(&job.properties));
            place.spawn(move || {
                let done = executor.attempt(&work, partition, &progress, (&cancel, &properties));
                let failed = done.is_err();
                // The receiver is gone when the job has failed already.
                drop(sender.send((at, done)));
                // Here and not in the job's thread: no further task may begin. After sending: the first failure counts.
                if failed {
                    cancel.cancel("another task of the stage failed");
                }
            });
        }
        drop(sender);
        let mut results: Vec<Option<Result<TaskResult<T>>>> = partitions.iter().map(|_| None).collect();
        let mut missing = partitions.len();
        while missing > 0 {
            let heard = match receiver.recv_timeout(POLL) {
                Ok((at, done)) => {
                    missing -= 1;
                    let failed = done.is_err();
                    results[at] = Some(done);
                    if failed {
                        cancel.cancel("another task of the stage failed");
                        if missing > 0 {
                            place.abandon();
                            hooks.abandon(stage);
                        }
                        // Tasks of a cancelled job fail because they are interrupted: that is not the news.
                        job.cancel.check()?;
                        break;
                    }
                    Ok(())
                }
                Err(RecvTimeoutError::Timeout) => hooks.poll(),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(EngineError::Bug(format!("{missing} tasks of stage {stage} vanished")));
                }
            };
            if let Err(stop) = heard.and_then(|()| job.cancel.check()) {
                cancel.cancel("the job was cancelled");
                place.abandon();
                hooks.abandon(stage);
                return Err(stop);
            }
        }
        finish(results, hooks)
    }

    /// Tries a task until it succeeds or has failed too often.
    fn attempt<T>(
        &self,
        work: &Work<T>,
        partition: usize,
        stage: &StageProgress,
        (cancel, properties): (&CancelToken, &Arc<Properties>),
    ) -> Result<TaskResult<T>> {
        let mut attempt = 0;
        loop {
            let id = TaskId { stage: stage.id, partition, attempt, number: self.next_task() };
            let task = Task::within(&self.memory, id, cancel.clone(), Arc::clone(properties));
            let source = match stage.count(|| cancel.check().and_then(|()| work(&task, partition))) {
                Ok(value) => return Ok((value, task.collect())),
                Err(stop @ EngineError::Cancelled { .. }) => return Err(stop),
                Err(source) => source,
            };
            attempt += 1;
            // A lost process says little about the function that ran in it: it has tries of its own.
            let most = match &source {
                EngineError::WorkerLost { tries, .. } => self.max_failures.max(*tries),
                _ => self.max_failures,
            };
            // What Spark's driver finds is no failure of a task, and no other try would help.
            if attempt >= most || matches!(source, EngineError::Unpaired { in_task: false, .. }) {
                return Err(EngineError::TaskFailed { at: id, tries: attempt, source: Box::new(source) });
            }
        }
    }
}

/// Merges what tasks left, in the order of partitions, then gives their values or the failure.
fn finish<T>(results: Vec<Option<Result<TaskResult<T>>>>, hooks: &dyn Hooks) -> Result<Vec<T>> {
    let (mut values, mut left, mut failure) = (Vec::with_capacity(results.len()), Vec::new(), None);
    for done in results.into_iter().flatten() {
        match done {
            Ok((value, updates)) => {
                values.push(value);
                left.extend(updates);
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    if !left.is_empty() {
        hooks.merge(left)?;
    }
    failure.map_or(Ok(values), Err)
}

impl Executor {
    /// The shuffles that must run before `rdd` can be read, parents first; and what keeps the persisted partitions there
    /// that make others unnecessary.
    fn pending_shuffles(&self, rdd: &Arc<Rdd>) -> (Vec<Arc<Rdd>>, Vec<Pin>) {
        // Depth first with an explicit stack: lineages may be long. `true` marks a node whose parents are done.
        let (mut order, mut seen, mut pins) = (Vec::new(), HashSet::<RddId>::new(), Vec::new());
        let mut stack = vec![(Arc::clone(rdd), false)];
        while let Some((node, parents_done)) = stack.pop() {
            let op = node.op();
            let shuffle = matches!(&*op, Op::Shuffle { .. });
            let pending = matches!(&*op, Op::Shuffle { slot, .. } if slot.get().is_none());
            if parents_done {
                if pending {
                    order.push(node);
                }
                continue;
            }
            if !seen.insert(node.id()) || (shuffle && !pending) {
                continue;
            }
            if node.is_persisted()
                && let Ok(count) = node.partitions()
                && let Some(mut kept) = self.store.pin(node.id(), count)
            {
                pins.append(&mut kept);
                continue;
            }
            let parents = node.parents();
            stack.push((node, true));
            stack.extend(parents.into_iter().rev().map(|parent| (parent, false)));
        }
        (order, pins)
    }
}
