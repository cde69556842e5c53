//! `_native.Rdd`: a node of the lineage, as the Python classes hold it.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyAny, PyBytes};

use super::chain::{PyChain, chain_of, placing};
use super::engine::place_of;
use super::gil::checked;
use crate::object::{CartesianPairs, DealRouter, Frozen, KeyRouter, Workers, ZippedPairs, parse_form};
use crate::rdd::{Meeting, Narrow, Op, Packing, Partitioner, Rdd, Router, ShuffleSlot};

/// A node of the lineage.
#[pyclass(name = "Rdd", module = "dstreams._native", frozen)]
pub(crate) struct PyRdd(pub Arc<Rdd>);

impl PyRdd {
    fn shuffled(&self, targets: usize, router: Arc<dyn Router>, partitioner: Option<Partitioner>) -> Self {
        let parent = Arc::clone(&self.0);
        Self(Rdd::new(Op::Shuffle { parent, targets, router, partitioner, slot: ShuffleSlot::default() }))
    }
}

#[pymethods]
impl PyRdd {
    #[getter]
    fn id(&self) -> u64 {
        self.0.id().0
    }

    fn partitions(&self, py: Python<'_>) -> PyResult<usize> {
        let found = py.detach(|| self.0.partitions());
        checked(py, found)
    }

    fn narrow(
        &self,
        steps: Vec<(String, usize)>,
        functions: &Bound<'_, PyAny>,
        forms: Option<&Bound<'_, PyAny>>,
        keeps_partitioner: bool,
        remote: Option<(PyRef<'_, Workers>, Py<PyBytes>, Vec<bool>)>,
    ) -> PyResult<Self> {
        let steps: Arc<dyn Narrow> = chain_of(&steps, functions, forms, remote)?;
        Ok(Self(Rdd::new(Op::Narrow { parent: Arc::clone(&self.0), steps, keeps_partitioner })))
    }

    #[pyo3(signature = (targets, function=None, identity=0, form=None))]
    fn shuffle(
        &self,
        targets: usize,
        function: Option<&Bound<'_, PyAny>>,
        identity: usize,
        form: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let router = match function {
            None => KeyRouter::PortableHash,
            Some(frozen) => {
                let form = form.map(parse_form).transpose()?.flatten();
                KeyRouter::Function { frozen: Frozen::new(frozen)?, form }
            }
        };
        Ok(self.shuffled(targets, Arc::new(router), Some(Partitioner { targets, function: identity })))
    }

    /// Batches of `batch` elements dealt out; `as_they_lie`: its elements are in such batches already, or smaller ones.
    fn deal(&self, targets: usize, batch: usize, as_they_lie: bool) -> Self {
        self.shuffled(targets, Arc::new(DealRouter { batch: batch.max(1), as_they_lie }), None)
    }

    fn coalesce(&self, groups: usize) -> Self {
        Self(Rdd::new(Op::Coalesce { parent: Arc::clone(&self.0), groups }))
    }

    /// Pairs of the first and the first, batch by batch.
    fn zip(&self, other: &Self) -> Self {
        Self(Rdd::new(Op::Pair {
            left: Arc::clone(&self.0),
            right: Arc::clone(&other.0),
            meeting: Meeting::Zip,
            pairing: Arc::new(ZippedPairs),
        }))
    }

    fn cartesian(&self, other: &Self) -> Self {
        Self(Rdd::new(Op::Pair {
            left: Arc::clone(&self.0),
            right: Arc::clone(&other.0),
            meeting: Meeting::Cartesian,
            pairing: Arc::new(CartesianPairs),
        }))
    }

    /// Says that its elements are in batches of `size`; 0: of as many as are worth it. The first word counts.
    fn set_packing(&self, size: usize) {
        self.0.set_packing(if size == 0 { Packing::Grown } else { Packing::Each(size) });
    }

    /// The class of RDD that Spark would have here.
    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    /// Where its partitions are kept once computed, if they are.
    #[getter]
    fn place(&self) -> Option<&'static str> {
        self.0.level().map(place_of)
    }

    #[getter]
    fn get_label(&self) -> Option<String> {
        self.0.label()
    }

    #[setter]
    fn set_label(&self, label: Option<String>) {
        self.0.set_label(label);
    }

    /// Says which call of the program made it: the name of the stage before it, if it is a shuffle.
    fn set_site(&self, site: String) {
        self.0.set_site(site);
    }

    /// Whether elements are where the portable hash of their keys puts them among `targets` partitions.
    fn is_placed(&self, targets: usize) -> bool {
        self.0.partitioner() == Some(Partitioner { targets, function: 0 })
    }

    fn parents(&self) -> Vec<Self> {
        self.0.parents().into_iter().map(Self).collect()
    }

    /// Its narrow steps, for explanations.
    fn chain(&self) -> Option<PyChain> {
        PyChain::of(&self.0)
    }

    /// Whether its chain is computed in a shorter way, natively, for explanations.
    fn is_updated(&self) -> bool {
        matches!(&*self.0.op(), Op::Updated { .. })
    }

    /// The program's function that places its elements, and whether it runs natively, for explanations.
    fn placing<'py>(&self, py: Python<'py>) -> PyResult<Option<(Bound<'py, PyAny>, bool)>> {
        placing(py, &self.0)
    }

    fn settle_as(&self, py: Python<'_>, same: &Self) {
        py.detach(|| self.0.settle_as(&same.0));
    }

    fn forget_shuffles(&self, py: Python<'_>) {
        py.detach(|| self.0.forget_shuffles());
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}
