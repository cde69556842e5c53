//! `_native.Jobs`: what does a thread of the program say about its jobs, and what may it ask about them?
//!
//! Local properties belong to the thread that sets them, as in Spark, and to one engine.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use pyo3::prelude::*;

use crate::exec::{CALL_SITE, Executor, GROUP, JobStatus, TAGS};
use crate::object::called;
use crate::rdd::Properties;

thread_local! {
    /// The engine that the properties are for, and the properties.
    static LOCAL: RefCell<(u64, Arc<Properties>)> = RefCell::default();
}

/// This thread's properties for the jobs of an engine.
fn local(engine: u64) -> Arc<Properties> {
    LOCAL.with_borrow(|(owner, properties)| if *owner == engine { Arc::clone(properties) } else { Arc::default() })
}

/// The properties of a job that begins now, the place in the program included.
pub(super) fn of_job(py: Python<'_>, engine: u64) -> PyResult<Arc<Properties>> {
    let site: String = called::CALL_SITE.get(py)?.call0()?.extract()?;
    let mut properties = local(engine);
    Arc::make_mut(&mut properties).entry(CALL_SITE.to_owned()).or_insert(site);
    Ok(properties)
}

/// Whether somebody may want to cancel such a job before its end.
pub(super) fn is_named(properties: &Properties) -> bool {
    properties.contains_key(GROUP) || properties.contains_key(TAGS)
}

fn named(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Running => "RUNNING",
        JobStatus::Succeeded => "SUCCEEDED",
        JobStatus::Failed => "FAILED",
    }
}

/// (name, tasks, active, completed, failed)
type StageInfo = (String, usize, usize, usize, usize);

/// The jobs of one engine.
#[pyclass(name = "Jobs", module = "dstreams._native", frozen)]
pub(crate) struct PyJobs {
    pub executor: Arc<Executor>,
    pub engine: u64,
}

#[pymethods]
impl PyJobs {
    /// Sets a property of this thread's jobs; None takes it away.
    fn set_property(&self, key: &str, value: Option<String>) {
        let mut properties = local(self.engine);
        let changed = Arc::make_mut(&mut properties);
        match value {
            Some(value) => changed.insert(key.to_owned(), value),
            None => changed.remove(key),
        };
        LOCAL.with_borrow_mut(|slot| *slot = (self.engine, properties));
    }

    /// This thread's properties.
    fn properties(&self) -> BTreeMap<String, String> {
        local(self.engine).as_ref().clone()
    }

    /// Cancels the running jobs of a group.
    fn cancel_group(&self, group: &str) {
        self.executor.jobs().cancel_group(group);
    }

    /// Cancels the running jobs with a tag.
    fn cancel_tag(&self, tag: &str) {
        self.executor.jobs().cancel_tag(tag);
    }

    /// Cancels all running jobs.
    fn cancel_all(&self) {
        self.executor.jobs().cancel_all("as part of cancellation of all jobs");
    }

    /// The jobs of a group, the latest first; None: those in no group.
    #[pyo3(signature = (group=None))]
    fn jobs_of_group(&self, group: Option<&str>) -> Vec<u64> {
        self.executor.jobs().ids(|job| job.group() == group)
    }

    /// The jobs that run now, the latest first.
    fn active_jobs(&self) -> Vec<u64> {
        self.executor.jobs().ids(|job| job.status == JobStatus::Running)
    }

    /// The stages with tasks to do, the latest first.
    fn active_stages(&self) -> Vec<u64> {
        self.executor.jobs().active_stages()
    }

    /// (stages, status) of a job, if it is remembered.
    fn job_info(&self, job: u64) -> Option<(Vec<u64>, &'static str)> {
        let record = self.executor.jobs().job(job)?;
        Some((record.stages.iter().map(|stage| stage.id).collect(), named(record.status)))
    }

    /// (name, tasks, active, completed, failed) of a stage, if it is remembered.
    fn stage_info(&self, stage: u64) -> Option<StageInfo> {
        let (record, stage) = self.executor.jobs().stage(stage)?;
        let name = stage.name.clone().or_else(|| record.properties.get(CALL_SITE).cloned()).unwrap_or_default();
        let count = |counter: &std::sync::atomic::AtomicUsize| counter.load(Ordering::Relaxed);
        Some((name, stage.tasks, count(&stage.active), count(&stage.completed), count(&stage.failed)))
    }
}
