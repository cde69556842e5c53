//! How does memory come from the system, and how does what is free go back?

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::ffi::c_int;

    unsafe extern "C" {
        pub(super) safe fn malloc_trim(pad: usize) -> c_int;
        safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
    }

    /// `M_TRIM_THRESHOLD` and `M_MMAP_THRESHOLD` of glibc's `malloc.h`.
    const TRIM_THRESHOLD: c_int = -1;
    const MMAP_THRESHOLD: c_int = -3;
    /// How large a block must be to have pages of its own, which go back when it is freed. By itself glibc begins with 128 KiB
    /// and goes up to the largest block freed so far (32 MiB at most). Columns are smaller than this; what the program itself
    /// has that is larger goes back at once.
    const OWN_PAGES: c_int = 4 << 20;
    /// How much may be free at the end of the heap.
    const FREE: c_int = 64 << 20;
    /// What the environment may say of it.
    const SETTINGS: [&str; 3] = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"];

    pub(super) fn keep_blocks() -> bool {
        if SETTINGS.iter().any(|name| std::env::var_os(name).is_some()) {
            return true;
        }
        mallopt(MMAP_THRESHOLD, OWN_PAGES) == 1 && mallopt(TRIM_THRESHOLD, FREE) == 1
    }
}

/// Lets the columns of a batch take the memory of those before them, instead of pages that the system has to clear.
/// To be called once, before much is allocated. This is for the whole process; the allocator's own settings in the environment count more. False if the
/// allocator refuses.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep_between_batches() -> bool {
    glibc::keep_blocks()
}

/// Other allocators decide by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_between_batches() -> bool {
    true
}

/// Gives back the free pages of the allocator, also those between pages in use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_back() {
    glibc::malloc_trim(0);
}

/// Other allocators do it by themselves, or not at all.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}

#[cfg(test)]
mod tests {
    #[test]
    fn the_allocator_takes_the_settings() {
        assert!(super::keep_between_batches());
    }
}
