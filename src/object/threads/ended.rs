//! What becomes of a thread that the interpreter ends?
//!
//! Up to CPython 3.13, an interpreter that goes ends each thread that comes back to it, by `pthread_exit`. Under glibc that
//! unwinds the stack of the thread. Frames of Rust do not survive it: what was to be let go while attached would be let go by
//! a thread that is not, and calls of functions of C, which are declared not to unwind, end the process on the spot.
//! 1. So a thread that enters the interpreter has a clean-up handler, the first thing that such an end runs, before any
//!    frame goes. It stops the thread there, as all do since 3.14, and the thread ends with the process.
//! 2. It does so only when the interpreter goes: whoever else ends a thread of theirs may.
//! 3. Other C libraries run handlers in the same way, and unwind nothing.

use std::cell::Cell;

/// Has this thread, which enters the interpreter, stop where the interpreter would end it.
pub(super) fn watch() {
    thread_local! {
        static WATCHED: Cell<bool> = const { Cell::new(false) };
    }
    if !WATCHED.replace(true) {
        system::push_handler();
    }
}

/// The process ends: from now on, threads that the interpreter ends stop.
pub(super) fn process_ends() {
    system::process_ends();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod system {
    use std::ffi::{c_int, c_void};
    use std::ptr::null_mut;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use pyo3::ffi;

    static ENDS: AtomicBool = AtomicBool::new(false);

    pub(super) fn process_ends() {
        ENDS.store(true, Ordering::Relaxed);
    }

    type Routine = extern "C" fn(*mut c_void);

    /// `struct _pthread_cleanup_buffer` of `pthread.h`, filled by `_pthread_cleanup_push`.
    #[repr(C)]
    struct Buffer {
        routine: Option<Routine>,
        argument: *mut c_void,
        cancel_type: c_int,
        previous: *mut Buffer,
    }

    type Push = unsafe extern "C" fn(*mut Buffer, Routine, *mut c_void);

    /// The function behind the macro of the same name, which is no good here: its handlers belong to a frame, and run when
    /// all frames beneath have gone. A buffer that is on no stack counts as left at once.
    fn push() -> Option<Push> {
        static PUSH: OnceLock<Option<Push>> = OnceLock::new();
        *PUSH.get_or_init(|| {
            // SAFETY: looks for a name.
            let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_pthread_cleanup_push".as_ptr()) };
            // SAFETY: glibc has had it with this signature since it has threads; null is None.
            unsafe { std::mem::transmute::<*mut c_void, Option<Push>>(found) }
        })
    }

    pub(super) fn push_handler() {
        let Some(push) = push() else { return };
        let empty = Buffer { routine: None, argument: null_mut(), cancel_type: 0, previous: null_mut() };
        // A thread may be ended as late as in the destructors of its variables, so nothing of its own may hold the buffer.
        let buffer = Box::leak(Box::new(empty));
        // SAFETY: fills the buffer, which lives for ever, and puts it at the head of this thread's list.
        unsafe { push(buffer, stop, null_mut()) }
    }

    extern "C" fn stop(_: *mut c_void) {
        // SAFETY: reads a flag.
        let goes = || ENDS.load(Ordering::Relaxed) || unsafe { ffi::Py_IsInitialized() } == 0;
        while goes() {
            // SAFETY: waits, and needs nothing of the thread's.
            unsafe { libc::pause() };
        }
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod system {
    pub(super) fn push_handler() {}

    pub(super) fn process_ends() {}
}
