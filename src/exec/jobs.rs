//! Which jobs are there, how far are they, and how are they stopped?
//!
//! 1. A job is noted when it begins and stays noted after its end, up to `RETAINED` of them.
//! 2. Cancelling only tells the job's token: the thread that runs the job sees it, and its tasks do.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::rdd::{CancelToken, Properties};

/// Jobs that are remembered, as many as Spark's `spark.ui.retainedJobs`.
const RETAINED: usize = 1000;

/// The properties that name a job's group, tags and stages, as Spark names them.
pub const GROUP: &str = "spark.jobGroup.id";
/// Tags, with commas between.
pub const TAGS: &str = "spark.job.tags";
/// What the program called, and where.
pub const CALL_SITE: &str = "callSite.short";

/// How a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// Not ended.
    Running,
    /// Ended with a result.
    Succeeded,
    /// Ended with an error, or cancelled.
    Failed,
}

/// How far a stage is. Counts are of tasks.
#[derive(Debug, Default)]
pub struct StageProgress {
    /// Number of the stage in its context.
    pub id: u64,
    /// What made the shuffle that it is for, and where; None: it is the job's last.
    pub name: Option<String>,
    /// Whether it runs now. One whose output is there already never does.
    pub running: AtomicBool,
    /// Tasks of the stage.
    pub tasks: usize,
    /// Tasks that run now.
    pub active: AtomicUsize,
    /// Tasks that succeeded.
    pub completed: AtomicUsize,
    /// Attempts that failed.
    pub failed: AtomicUsize,
}

impl StageProgress {
    /// Runs an attempt at a task, and counts it.
    pub fn count<T>(&self, attempt: impl FnOnce() -> Result<T>) -> Result<T> {
        self.active.fetch_add(1, Ordering::Relaxed);
        let done = attempt();
        self.active.fetch_sub(1, Ordering::Relaxed);
        let counter = if done.is_ok() { &self.completed } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        done
    }
}

/// What is known about a job.
#[derive(Clone)]
pub struct JobRecord {
    /// Group, tags, call site and what else the caller has set.
    pub properties: Arc<Properties>,
    /// How it is.
    pub status: JobStatus,
    /// Its stages so far, in the order in which they began.
    pub stages: Vec<Arc<StageProgress>>,
    cancel: CancelToken,
}

impl JobRecord {
    /// Its group, if it is in one.
    pub fn group(&self) -> Option<&str> {
        self.properties.get(GROUP).map(String::as_str)
    }

    fn has_tag(&self, tag: &str) -> bool {
        self.properties.get(TAGS).is_some_and(|tags| tags.split(',').any(|one| one == tag))
    }
}

#[derive(Default)]
struct Known {
    next: u64,
    all: BTreeMap<u64, JobRecord>,
    /// Why no job may begin any more.
    closed: Option<String>,
}

/// All jobs of a context.
#[derive(Default)]
pub struct Jobs {
    known: Mutex<Known>,
}

impl Jobs {
    fn with<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a job; what is returned gives it its number and must be told how it ended.
    pub fn begin(&self, properties: Arc<Properties>, cancel: CancelToken) -> u64 {
        let record = JobRecord { properties, status: JobStatus::Running, stages: Vec::new(), cancel };
        self.with(|Known { next, all, closed }| {
            let id = *next;
            *next += 1;
            if let Some(why) = closed {
                record.cancel.cancel(&format!("Job {id} cancelled {why}"));
            }
            all.insert(id, record);
            while all.len() > RETAINED {
                let Some(oldest) = all.iter().find(|(_, job)| job.status != JobStatus::Running).map(|(id, _)| *id)
                else {
                    break;
                };
                all.remove(&oldest);
            }
            id
        })
    }

    /// Notes a stage that a job has, whether or not it has to run.
    pub fn add_stage(&self, job: u64, id: u64, tasks: usize, name: Option<String>) -> Arc<StageProgress> {
        let stage = Arc::new(StageProgress { id, name, tasks, ..StageProgress::default() });
        self.with(|Known { all, .. }| {
            if let Some(record) = all.get_mut(&job) {
                record.stages.push(Arc::clone(&stage));
            }
        });
        stage
    }

    /// Notes how a job ended.
    pub fn end(&self, job: u64, succeeded: bool) {
        self.with(|Known { all, .. }| {
            if let Some(record) = all.get_mut(&job) {
                record.status = if succeeded { JobStatus::Succeeded } else { JobStatus::Failed };
            }
        });
    }

    fn cancel_where(&self, chosen: impl Fn(&JobRecord) -> bool, why: &str) {
        self.with(|Known { all, .. }| {
            for (id, job) in all.iter().filter(|(_, job)| job.status == JobStatus::Running && chosen(job)) {
                job.cancel.cancel(&format!("Job {id} cancelled {why}"));
            }
        });
    }

    /// Cancels the running jobs of a group.
    pub fn cancel_group(&self, group: &str) {
        self.cancel_where(|job| job.group() == Some(group), &format!("part of cancelled job group {group}"));
    }

    /// Cancels the running jobs with a tag.
    pub fn cancel_tag(&self, tag: &str) {
        self.cancel_where(|job| job.has_tag(tag), &format!("part of cancelled job tags {tag}"));
    }

    /// Cancels all running jobs.
    pub fn cancel_all(&self, why: &str) {
        self.cancel_where(|_| true, why);
    }

    /// Cancels all running jobs, and all that begin from now on.
    pub fn close(&self, why: &str) {
        self.with(|known| known.closed = Some(why.to_owned()));
        self.cancel_all(why);
    }

    /// The remembered jobs that `chosen` names, the latest first.
    pub fn ids(&self, chosen: impl Fn(&JobRecord) -> bool) -> Vec<u64> {
        self.with(|Known { all, .. }| all.iter().rev().filter(|(_, job)| chosen(job)).map(|(id, _)| *id).collect())
    }

    /// A job, if it is remembered.
    pub fn job(&self, id: u64) -> Option<JobRecord> {
        self.with(|Known { all, .. }| all.get(&id).cloned())
    }

    /// A stage with its job, if it is remembered.
    pub fn stage(&self, id: u64) -> Option<(JobRecord, Arc<StageProgress>)> {
        self.with(|Known { all, .. }| {
            all.values().rev().find_map(|job| {
                let stage = job.stages.iter().find(|stage| stage.id == id)?;
                Some((job.clone(), Arc::clone(stage)))
            })
        })
    }

    /// The stages that run now, the latest first.
    pub fn active_stages(&self) -> Vec<u64> {
        self.with(|Known { all, .. }| {
            let running = all.values().rev().filter(|job| job.status == JobStatus::Running);
            let stages = running.flat_map(|job| job.stages.iter().rev());
            stages.filter(|stage| stage.running.load(Ordering::Relaxed)).map(|stage| stage.id).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_group(group: &str) -> Arc<Properties> {
        Arc::new(Properties::from([(GROUP.to_owned(), group.to_owned()), (TAGS.to_owned(), "a,b".to_owned())]))
    }

    #[test]
    fn cancelling_a_group_stops_its_running_jobs_only() {
        let (jobs, done, mine, other) =
            (Jobs::default(), CancelToken::default(), CancelToken::default(), CancelToken::default());
        let first = jobs.begin(in_group("x"), done.clone());
        jobs.end(first, true);
        let second = jobs.begin(in_group("x"), mine.clone());
        jobs.begin(in_group("y"), other.clone());
        jobs.cancel_group("x");
        assert_eq!([done.is_cancelled(), mine.is_cancelled(), other.is_cancelled()], [false, true, false]);
        assert_eq!(jobs.ids(|job| job.group() == Some("x")), [second, first]);
    }

    #[test]
    fn a_tag_is_one_of_several() {
        let (jobs, token) = (Jobs::default(), CancelToken::default());
        jobs.begin(in_group("x"), token.clone());
        jobs.cancel_tag("a,b");
        assert!(!token.is_cancelled());
        jobs.cancel_tag("b");
        assert!(token.is_cancelled());
    }

    #[test]
    fn old_jobs_are_forgotten_but_running_ones_are_not() {
        let jobs = Jobs::default();
        let running = jobs.begin(Arc::default(), CancelToken::default());
        for _ in 0..2 * RETAINED {
            let id = jobs.begin(Arc::default(), CancelToken::default());
            jobs.end(id, true);
        }
        assert!(jobs.job(running).is_some());
        assert!(jobs.job(running + 1).is_none());
    }
}
