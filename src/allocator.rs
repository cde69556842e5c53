//! Where does the memory of columns come from?
//!
//! From mimalloc: the temporary columns of a batch take the memory of those before them, instead of pages that the system
//! has to clear.

use std::ffi::c_long;

use libmimalloc_sys::{mi_option_set, mi_option_t};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc's `mimalloc.h`; the crate has no name for it.
const PURGE_DELAY: mi_option_t = 15;
/// Milliseconds until memory that is not used is given back to the system. By itself mimalloc waits a second, which is when
/// the next batch of most streams wants it again.
const DELAY: c_long = 10_000;

/// To be called once, before much is allocated. What the environment says (`MIMALLOC_PURGE_DELAY`) counts more.
pub fn keep_memory_between_batches() {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        // SAFETY: sets a number that is read whenever memory is freed.
        unsafe { mi_option_set(PURGE_DELAY, DELAY) };
    }
}

#[cfg(test)]
mod tests {
    use libmimalloc_sys::mi_option_get;

    use super::*;

    #[test]
    fn the_option_is_the_one_that_is_meant() {
        // SAFETY: reads a number.
        let delay = || unsafe { mi_option_get(PURGE_DELAY) };
        assert_eq!(delay(), 1000, "mimalloc's own delay, as its documentation gives it");
    }
}
