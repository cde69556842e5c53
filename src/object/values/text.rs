//! The characters of a `str`, read where CPython keeps them.
//!
//! Nothing is cached inside the object, as `PyUnicode_AsUTF8` would do, and surrogates raise nothing.

use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::types::string::PyStringData;

/// The text as UTF-8: the object's own bytes where they are ASCII, else encoded into `scratch`. `None` if it contains
/// surrogates, which UTF-8 cannot hold.
#[inline]
pub(crate) fn utf8<'t>(text: &'t Bound<'_, PyString>, scratch: &'t mut String) -> Option<&'t str> {
    match storage(text).ok()? {
        // SAFETY: ASCII is UTF-8.
        PyStringData::Ucs1(bytes) if bytes.is_ascii() => Some(unsafe { std::str::from_utf8_unchecked(bytes) }),
        wide => encode(&wide, scratch),
    }
}

/// The characters as CPython stores them: 1, 2 or 4 bytes each.
#[inline]
pub(crate) fn storage<'t>(text: &'t Bound<'_, PyString>) -> PyResult<PyStringData<'t>> {
    // SAFETY: pyo3 asks for care because it reads CPython's own layout; the tests cover all three widths.
    unsafe { text.data() }
}

fn encode<'t>(data: &PyStringData<'_>, scratch: &'t mut String) -> Option<&'t str> {
    scratch.clear();
    match data {
        PyStringData::Ucs1(units) => scratch.extend(units.iter().map(|unit| char::from(*unit))),
        PyStringData::Ucs2(units) => {
            for unit in *units {
                scratch.push(char::from_u32(u32::from(*unit))?);
            }
        }
        PyStringData::Ucs4(units) => {
            for unit in *units {
                scratch.push(char::from_u32(*unit)?);
            }
        }
    }
    Some(scratch)
}
