//! stub
use crate::block::Columns;
use pyo3::prelude::*;
use pyo3::types::*;
pub(crate) fn to_columns(_py: Python<'_>, _items: &[Py<PyAny>]) -> Option<Columns> {
    None
}
pub(crate) fn append_to(_py: Python<'_>, _c: &Columns, _out: &mut Vec<Py<PyAny>>) -> PyResult<()> {
    Ok(())
}
pub(crate) fn is_immutable(o: &Bound<'_, PyAny>) -> bool {
    o.is_none()
        || o.is_exact_instance_of::<PyString>()
        || o.is_exact_instance_of::<PyInt>()
        || o.is_exact_instance_of::<PyFloat>()
        || o.is_exact_instance_of::<PyBool>()
        || o.is_exact_instance_of::<PyBytes>()
        || o.cast_exact::<PyTuple>().is_ok_and(|t| t.iter().all(|x| is_immutable(&x)))
}
