//! What can go wrong in the engine, and whose fault is it?
//!
//! Owns the one error type of the crate. `py/errors.rs` alone chooses the Python exception for each variant.
//! 1. A variant answers "who has to act?": the caller, the user's function, the machine, or us.
//! 2. A `UserCode` cause is kept whole, so that the user's own traceback survives the trip through the engine.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// Where in a job something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TaskId {
    /// Stage number, rising by one per stage that ran in the context.
    pub stage: u64,
    /// Partition the task computed.
    pub partition: usize,
    /// 0 for the first try.
    pub attempt: u32,
    /// Number of the task in its context.
    pub number: u64,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} in stage {}.0 (TID {})", self.partition, self.stage, self.number)
    }
}

/// The cause of a failure inside a user's function; in practice the Python exception, unknown to the engine.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Every failure of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The call is wrong; found before any task starts.
    #[error("{parameter}: {problem}")]
    Invalid { parameter: &'static str, problem: String },
    /// Spark's JVM side refuses this call in this state, with an exception of `class`.
    #[error("{problem}")]
    Refused { class: &'static str, problem: String },
    /// A user's function raised. `cause` is kept whole.
    #[error("user function failed: {cause}")]
    UserCode { cause: Cause },
    /// A task failed for good after `tries` attempts; the job is over.
    #[error("Job aborted due to stage failure: Task {} in stage {}.0 failed {tries} times", at.partition, at.stage)]
    TaskFailed { at: TaskId, tries: u32, source: Box<EngineError> },
    /// A file or folder that a job needs is not there, or no longer.
    #[error("Input path does not exist: {path}")]
    MissingInput { path: String },
    /// Disk or network. The only class that is worth a retry on its own.
    #[error("{context}: {cause}")]
    External { context: String, cause: io::Error },
    /// The job was cancelled before it finished; `reason` is a sentence.
    #[error("{reason}")]
    Cancelled { reason: String },
    /// The process that ran a task has ended; such a task is tried up to `tries` times.
    #[error("{problem}")]
    WorkerLost { problem: String, tries: u32 },
    /// A zip met batches of so many elements on its two sides. Spark notices when it reads them: in a task, if Python code
    /// there reads the pairs (`in_task`), else in the driver, when all tasks have ended well.
    #[error("Can not deserialize PairRDD with different number of items in batches: ({left}, {right})")]
    Unpaired { left: usize, right: usize, in_task: bool },
    /// Another run has taken over what this one wrote to: it must not go on.
    #[error("{problem}")]
    Replaced { problem: String },
    /// Not the user's doing.
    #[error("bug in dstreams, please report: {0}")]
    Bug(String),
}

impl EngineError {
    /// A refusal as Spark's `IllegalStateException`.
    pub fn illegal_state(problem: impl Into<String>) -> Self {
        Self::Refused { class: "java.lang.IllegalStateException", problem: problem.into() }
    }

    /// A refusal as Spark's `IllegalArgumentException`.
    pub fn illegal_argument(problem: impl Into<String>) -> Self {
        Self::Refused { class: "java.lang.IllegalArgumentException", problem: problem.into() }
    }

    /// The error as it is for a task that reads what failed: see `Unpaired`.
    pub fn in_task(self) -> Self {
        match self {
            Self::Unpaired { left, right, .. } => Self::Unpaired { left, right, in_task: true },
            Self::TaskFailed { at, tries, source } => {
                Self::TaskFailed { at, tries, source: Box::new(source.in_task()) }
            }
            other => other,
        }
    }

    /// An `External` error about `what`, for `map_err`.
    pub fn external(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let context = what.into();
        move |cause| Self::External { context, cause }
    }
}

/// What engine functions return.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;
