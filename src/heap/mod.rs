//! Where does the memory of the Rust side come from, and when does it go back?
//!
//! Owns the allocator of this crate: on Linux a heap on huge pages (`huge.rs`), elsewhere the system's. What may be kept in
//! memory is another question (`memory/`).

#[cfg(target_os = "linux")]
mod huge;

/// To be called before there are threads. False if the system refuses.
#[cfg(target_os = "linux")]
pub fn begin() -> bool {
    huge::allow_forks()
}

/// Nothing elsewhere: the system's allocator is used.
#[cfg(not(target_os = "linux"))]
pub fn begin() -> bool {
    true
}

/// Gives back free pages, of all that is allocated in this process.
pub fn give_back() {
    #[cfg(target_os = "linux")]
    huge::give_back();
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::malloc_trim(0);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    unsafe extern "C" {
        pub(super) safe fn malloc_trim(pad: usize) -> std::ffi::c_int;
    }
}
