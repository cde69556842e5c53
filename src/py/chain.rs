//! `_native.Chain`: narrow steps as they would run, or do run in an RDD. For explanations; tasks run the `Chain` inside.

use std::any::Any;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::object::{Chain, Frozen, KeyRouter, Remote, Workers, parse_forms, parse_steps};
use crate::rdd::{Narrow, Op, Rdd};
use crate::step::{How, Step};

/// A chain of steps, cut into native and Python runs.
#[pyclass(name = "Chain", module = "dstreams._native", frozen)]
pub(crate) struct PyChain(Arc<Chain>);

/// A chain of what `Rdd.narrow` is given.
pub(super) fn chain_of(
    steps: &[(String, usize)],
    functions: &Bound<'_, PyAny>,
    forms: Option<&Bound<'_, PyAny>>,
    remote: Option<(PyRef<'_, Workers>, Py<PyBytes>, Vec<bool>)>,
) -> PyResult<Arc<Chain>> {
    let forms = forms.map(parse_forms).transpose()?;
    let remote = remote.map(|(workers, shipment, own)| Remote::new(&workers, shipment, own));
    Ok(Arc::new(Chain::new(parse_steps(steps)?, Frozen::new(functions)?, forms, remote)))
}

impl PyChain {
    /// The chain of a node, if it has one; of states, that by which they are composed.
    pub(super) fn of(rdd: &Rdd) -> Option<Self> {
        let op = rdd.op();
        let steps = match &*op {
            Op::Narrow { steps, .. } => steps,
            Op::Updated { composed, .. } => return Self::of(composed),
            _ => return None,
        };
        let steps: Arc<dyn Narrow> = Arc::clone(steps);
        (steps as Arc<dyn Any + Send + Sync>).downcast::<Chain>().ok().map(Self)
    }
}

/// The function by which a node places its elements, and whether it runs natively; `None` if that is no function of the
/// program.
pub(super) fn placing<'py>(py: Python<'py>, rdd: &Rdd) -> PyResult<Option<(Bound<'py, PyAny>, bool)>> {
    let op = rdd.op();
    let Op::Shuffle { router, .. } = &*op else { return Ok(None) };
    match (router.as_ref() as &dyn Any).downcast_ref::<KeyRouter>() {
        Some(router) => router.told(py),
        None => Ok(None),
    }
}

#[pymethods]
impl PyChain {
    #[new]
    fn new(
        steps: Vec<(String, usize)>,
        functions: &Bound<'_, PyAny>,
        forms: Option<&Bound<'_, PyAny>>,
        remote: Option<(PyRef<'_, Workers>, Py<PyBytes>, Vec<bool>)>,
    ) -> PyResult<Self> {
        Ok(Self(chain_of(&steps, functions, forms, remote)?))
    }

    /// The names and numbers of the steps, how many functions each takes, and how it runs.
    fn steps(&self) -> Vec<(&'static str, usize, usize, &'static str)> {
        let told = |(step, how): (Step, How)| {
            let (name, number) = step.name();
            let how = match how {
                How::Python => "python",
                How::Native => "native",
                How::TakesIn => "takes in",
            };
            (name, number, step.functions(), how)
        };
        self.0.plan().told().map(told).collect()
    }

    /// The functions of all steps, as a task gets them.
    fn functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.0.load(py)
    }

    /// Whether Python makes the elements that leave it.
    #[getter]
    fn ends_in_python(&self) -> bool {
        self.0.plan().ends_in_python()
    }

    /// Whether functions were read, so that some of them may run natively.
    #[getter]
    fn was_read(&self) -> bool {
        self.0.plan().is_read()
    }

    /// Whether worker processes run it.
    #[getter]
    fn is_remote(&self) -> bool {
        self.0.is_remote()
    }
}
