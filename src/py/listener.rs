//! How does a Python listener hear of events? As calls of dstreams.streaming.events, which make the event objects.

use pyo3::exceptions::PySystemExit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::doing::{self, Kind};
use crate::monitor::{BatchInfo, InputInfo, Listener, OutputInfo, ReceiverInfo, StreamEvent};
use crate::object::attach::try_attach;
use crate::object::called;
use crate::object::child::in_one_process;

/// A program's StreamingListener.
pub(crate) struct PyListener(pub Py<PyAny>);

impl Listener for PyListener {
    fn on_event(&self, event: &StreamEvent) {
        try_attach(|py| {
            // A listener's error is its own: the stream goes on. At exit, its code is told to end.
            if let Err(raised) = in_one_process(|| self.tell(py, event))
                && !raised.is_instance_of::<PySystemExit>(py)
            {
                raised.write_unraisable(py, Some(self.0.bind(py)));
            }
        });
    }
}

impl PyListener {
    fn tell(&self, py: Python<'_>, event: &StreamEvent) -> PyResult<()> {
        let (name, facts) = match event {
            StreamEvent::StreamingStarted(time) => {
                let facts = PyDict::new(py);
                facts.set_item("time", time)?;
                ("onStreamingStarted", facts)
            }
            StreamEvent::ReceiverStarted(info) => ("onReceiverStarted", receiver(py, info)?),
            StreamEvent::ReceiverError(info) => ("onReceiverError", receiver(py, info)?),
            StreamEvent::ReceiverStopped(info) => ("onReceiverStopped", receiver(py, info)?),
            StreamEvent::BatchSubmitted(info) => ("onBatchSubmitted", batch_facts(py, info)?),
            StreamEvent::BatchStarted(info) => ("onBatchStarted", batch_facts(py, info)?),
            StreamEvent::BatchCompleted(info) => ("onBatchCompleted", batch_facts(py, info)?),
            StreamEvent::OutputOperationStarted(info) => ("onOutputOperationStarted", output(py, info)?),
            StreamEvent::OutputOperationCompleted(info) => ("onOutputOperationCompleted", output(py, info)?),
        };
        let _calls = doing::begin(Kind::Calls, &format!("{name} of a listener"));
        called::TELL_LISTENER.get(py)?.call1((&self.0, name, facts)).map(drop)
    }
}

/// Spark's getters give -1 for what is not known yet.
fn known(value: Option<i64>) -> i64 {
    value.unwrap_or(-1)
}

/// What is known of a batch, for `dstreams.streaming.events`.
pub(crate) fn batch_facts<'py>(py: Python<'py>, info: &BatchInfo) -> PyResult<Bound<'py, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("batchTime", info.time)?;
    facts.set_item("submissionTime", info.submitted)?;
    facts.set_item("processingStartTime", known(info.processing_start))?;
    facts.set_item("processingEndTime", known(info.processing_end))?;
    facts.set_item("schedulingDelay", known(info.scheduling_delay()))?;
    facts.set_item("processingDelay", known(info.processing_delay()))?;
    facts.set_item("totalDelay", known(info.total_delay()))?;
    facts.set_item("numRecords", info.records())?;
    let inputs = info.inputs.iter().map(|one| input(py, one)).collect::<PyResult<Vec<_>>>()?;
    facts.set_item("inputs", PyList::new(py, inputs)?)?;
    let outputs = info.outputs.iter().map(|one| output(py, one)).collect::<PyResult<Vec<_>>>()?;
    facts.set_item("outputs", PyList::new(py, outputs)?)?;
    Ok(facts)
}

fn receiver<'py>(py: Python<'py>, info: &ReceiverInfo) -> PyResult<Bound<'py, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("streamId", info.stream)?;
    facts.set_item("name", &info.name)?;
    facts.set_item("active", info.active)?;
    facts.set_item("location", &info.location)?;
    // All run in the program's process, which Spark's local mode calls so.
    facts.set_item("executorId", "driver")?;
    facts.set_item("lastErrorMessage", &info.last_error_message)?;
    facts.set_item("lastError", &info.last_error)?;
    facts.set_item("lastErrorTime", known(info.last_error_time))?;
    Ok(facts)
}

fn input<'py>(py: Python<'py>, info: &InputInfo) -> PyResult<Bound<'py, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("inputStreamId", info.stream)?;
    facts.set_item("numRecords", info.records)?;
    facts.set_item("metadataDescription", info.description.as_deref())?;
    Ok(facts)
}

fn output<'py>(py: Python<'py>, info: &OutputInfo) -> PyResult<Bound<'py, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("batchTime", info.batch_time)?;
    facts.set_item("id", info.id)?;
    facts.set_item("name", &info.name)?;
    facts.set_item("description", &info.description)?;
    facts.set_item("startTime", known(info.started))?;
    facts.set_item("endTime", known(info.ended))?;
    facts.set_item("failureReason", info.failure.as_deref())?;
    Ok(facts)
}
