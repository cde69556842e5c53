//! stub
use pyo3::prelude::*;
use pyo3::types::*;
pub(crate) struct Hasher;
impl Hasher {
    pub(crate) fn new(_py: Python<'_>) -> PyResult<Self> {
        Ok(Self)
    }
    pub(crate) fn hash(&self, o: &Bound<'_, PyAny>) -> PyResult<i64> {
        if o.is_none() {
            return Ok(0);
        }
        if let Ok(t) = o.cast::<PyTuple>() {
            let mut h: i64 = 0x345678;
            for i in t.iter() {
                h ^= self.hash(&i)?;
                h = h.wrapping_mul(1000003) & i64::MAX;
            }
            h ^= t.len() as i64;
            if h == -1 {
                h = -2
            }
            return Ok(h);
        }
        Ok(o.hash()? as i64)
    }
}
pub(crate) fn bucket(h: i64, n: usize) -> usize {
    h.rem_euclid(n as i64) as usize
}

#[pyfunction]
pub(crate) fn portable_hash(py: Python<'_>, x: &Bound<'_, PyAny>) -> PyResult<i64> {
    Hasher::new(py)?.hash(x)
}
