//! dstreams: Spark Streaming for Python without a JVM. The native core and its Python module.
//!
//! Who may import whom: `block` <- `kernel`, `memory` <- `expr` <- `rdd` <- `step` <- `exec` <- `durable` <- `input` <- `stream` <- `object`,
//! `py`; `source` and `monitor` depend on `block` alone; `process`, `stack`, `doing` and `heap` are for all. Only `py`, `object` and this
//! file know the interpreter.

pub mod block;
pub mod doing;
pub mod durable;
pub mod error;
pub mod exec;
pub mod expr;
pub mod heap;
pub mod input;
pub mod kernel;
pub mod memory;
pub mod monitor;
pub mod process;
pub mod rdd;
pub mod source;
pub mod stack;
pub mod step;
pub mod stream;
pub mod watch;

#[cfg(feature = "python")]
mod object;
#[cfg(feature = "python")]
mod py;

#[cfg(feature = "python")]
use pyo3::prelude::*;

#[cfg(feature = "python")]
// Safe without a global interpreter lock: a free-threaded interpreter keeps it off when this is imported.
#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // SAFETY: attached; both only look.
    if unsafe { pyo3::ffi::PyInterpreterState_Get() != pyo3::ffi::PyInterpreterState_Main() } {
        // The engine's threads would run the program's functions in the main interpreter.
        return Err(pyo3::exceptions::PyImportError::new_err("dstreams does not support subinterpreters"));
    }
    if !heap::begin() || !process::watch_forks() {
        return Err(pyo3::exceptions::PyMemoryError::new_err("dstreams: the system has no memory left to begin with"));
    }
    object::turn::look_at_interpreter(module.py())?;
    module.add_class::<py::PyChain>()?;
    module.add_class::<py::PyCheckpoint>()?;
    module.add_class::<py::PyEngine>()?;
    module.add_class::<py::PyIntake>()?;
    module.add_class::<py::PyJobs>()?;
    module.add_class::<py::PyRdd>()?;
    module.add_class::<py::PyStreaming>()?;
    module.add_class::<object::Elements>()?;
    module.add_class::<object::Program>()?;
    module.add("Bail", module.py().get_type::<object::Bail>())?;
    module.add_class::<object::spool::Chunks>()?;
    module.add_function(wrap_pyfunction!(object::spool::spool, module)?)?;
    module.add_class::<object::States>()?;
    module.add_class::<object::KeyedStates>()?;
    module.add_class::<object::Workers>()?;
    // For worker processes.
    module.add_class::<object::PyLink>()?;
    module.add_class::<object::TaskRun>()?;
    module.add_class::<object::WorkerMemory>()?;
    module.add_function(wrap_pyfunction!(py::files::decode_utf8, module)?)?;
    module.add_function(wrap_pyfunction!(py::files::glob, module)?)?;
    module.add_function(wrap_pyfunction!(py::files::line_pieces, module)?)?;
    module.add_function(wrap_pyfunction!(py::files::list_files, module)?)?;
    module.add_function(wrap_pyfunction!(py::files::zstd_pack, module)?)?;
    module.add_function(wrap_pyfunction!(py::files::zstd_unpack, module)?)?;
    module.add_function(wrap_pyfunction!(object::threads::interrupt_threads, module)?)?;
    module.add_function(wrap_pyfunction!(object::threads::stack_calls, module)?)?;
    module.add_function(wrap_pyfunction!(object::threads::stack_size, module)?)?;
    module.add_function(wrap_pyfunction!(py::supervisor::watch_signals, module)?)?;
    module.add_function(wrap_pyfunction!(py::supervisor::answer_probe, module)?)?;
    module.add_function(wrap_pyfunction!(py::supervisor::process_ends, module)?)?;
    module.add_function(wrap_pyfunction!(py::supervisor::in_main_thread, module)?)?;
    module.add_function(wrap_pyfunction!(object::called::called_by_name, module)?)?;
    module.add_function(wrap_pyfunction!(object::task::task_info, module)?)?;
    module.add_function(wrap_pyfunction!(object::task::task_property, module)?)?;
    module.add_function(wrap_pyfunction!(object::task::task_properties, module)?)?;
    module.add_function(wrap_pyfunction!(object::task::task_updates, module)?)?;
    module.add_function(wrap_pyfunction!(object::hash::portable_hash, module)?)?;
    module.add_function(wrap_pyfunction!(object::hash::task_hash, module)?)?;
    // For tests alone: the conversions that every block goes through.
    module.add_function(wrap_pyfunction!(object::convert::_columns_round_trip, module)?)?;
    module.add_function(wrap_pyfunction!(object::convert::_is_immutable, module)?)?;
    module.add_function(wrap_pyfunction!(object::hash::_hash_as_columns, module)?)?;
    module.add_function(wrap_pyfunction!(object::hash::_partition_of, module)?)?;
    Ok(())
}
