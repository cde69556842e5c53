//! Which functions and classes of the Python side does the engine call by name?
//!
//! All that are, each looked up once; a test compares the list with the modules that it names.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// A function or a class of a module of the package.
pub(crate) struct Called {
    module: &'static str,
    name: &'static str,
    found: PyOnceLock<Py<PyAny>>,
}

impl Called {
    /// The module is imported when this is first asked for.
    pub(crate) fn get<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        self.found.import(py, self.module, self.name)
    }
}

macro_rules! called {
    ($($name:ident = $module:literal . $attribute:ident;)*) => {
        $(pub(crate) static $name: Called =
            Called { module: $module, name: stringify!($attribute), found: PyOnceLock::new() };)*

        /// (module, name) of each.
        #[pyfunction]
        pub(crate) fn called_by_name() -> Vec<(&'static str, &'static str)> {
            vec![$(($name.module, $name.name)),*]
        }
    };
}

called! {
    APPLY_UPDATES = "dstreams.core.accumulators".apply_updates;
    CALL_SITE = "dstreams.core.engine.callsite".short;
    DUMP_KEPT = "dstreams.core.closures.closure".dump_kept;
    DUMP_NOTING_NUMBERS = "dstreams.core.closures.closure".dump_noting_numbers;
    LOAD_FUNCTIONS = "dstreams.core.closures.closure".load_functions;
    UNPACK_PAIR = "dstreams.core.closures.closure".unpack_pair;
    CALLBACK_ERROR = "dstreams.core.engine.errors".callback_error;
    JAVA_ERROR = "dstreams.core.engine.errors".java_error;
    TASK_ERROR = "dstreams.core.engine.errors".task_error;
    USER_TRACEBACK = "dstreams.core.engine.errors".user_traceback;
    KIND_OF = "dstreams.core.closures.owning".kind_of;
    MADE = "dstreams.core.closures.owning".Made;
    LEAVE_CHILD = "dstreams.core.engine.process".leave;
    RESULT_ITERABLE = "dstreams.core.resultiterable".ResultIterable;
    DESCRIBE = "dstreams.core.engine.signals".describe;
    WATCH = "dstreams.core.engine.signals".watch;
    STANDING_FOR = "dstreams.core.engine.surroundings".standing_for;
    TAKE_AWAY = "dstreams.core.engine.surroundings".take_away;
    TASK_STDOUT = "dstreams.core.engine.surroundings".TaskStdout;
    RESUMED = "dstreams.core.rdds.tasks".resumed;
    KEEP_UPDATES = "dstreams.core.workers.travel".keep_updates;
    LOAD_FAILURE = "dstreams.core.workers.travel".load_failure;
    PEER = "dstreams.core.workers.travel".Peer;
    DUMP_GRAPH = "dstreams.streaming.callbacks".dump_graph;
    DUMP_KEPT_IN_GRAPH = "dstreams.streaming.callbacks".dump_kept;
    FOLD = "dstreams.streaming.callbacks".fold;
    LOAD_KEPT_IN_GRAPH = "dstreams.streaming.callbacks".load_kept;
    LOAD_SOURCE = "dstreams.streaming.callbacks".load_source;
    OUTPUT = "dstreams.streaming.callbacks".output;
    REPORT = "dstreams.streaming.callbacks".report;
    TABLE_PARTS = "dstreams.streaming.callbacks".table_parts;
    TRANSFORM = "dstreams.streaming.callbacks".transform;
    WARN = "dstreams.streaming.callbacks".warn;
    TELL_LISTENER = "dstreams.streaming.events".tell;
    CALLED_BY_ROW = "dstreams.streaming.mapwithstate".called_by_row;
    CALLED_FOR_IDLE = "dstreams.streaming.mapwithstate".called_for_idle;
    PATHS_USED = "dstreams.udf.used".paths_used;
}
