//! How deep may code go on a thread of the engine, and how near is the end of the stack?
//!
//! Functions of the program run on such threads, and so do walks of ours along whatever the program has nested or chained.
//! CPython trusts the stack: it counts calls, but hashes nested tuples without counting, and `sys.setrecursionlimit` may
//! allow more calls than fit. So there is room for the calls of any limit in use: a million of them. Before 3.12 the limit
//! counts for C code too, and `dstreams.core.engine.deep` keeps it at `calls`; since then CPython bounds calls through C itself.
//!
//! 1. The room is addresses alone: memory is taken as the stack is used, page by page, and given back when the thread ends.
//! 2. Where addresses count (a limit on them is set, or the system promises no more memory than it has), it is as much as
//!    eight main threads usually have together. A thread that does not start with so much gets less.
//! 3. `is_low` leaves room for a call that looks no more. A walk that finds it true gives up with an error.

use std::cell::Cell;
use std::io;
use std::ptr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Bytes for a thread where addresses are plenty: a million calls of `sorted` with a key that sorts, which take the most
/// that was seen, 5 GB (`CALL`). A million nested tuples, hashed, take 0.1 GB.
const WIDE: usize = 6 << 30;
/// The same on machines that have less memory than that: Linux refuses what could never be had.
const MIDDLE: usize = 2 << 30;
/// Bytes for a thread elsewhere.
const NARROW: usize = 64 << 20;
/// Bytes of a usual main thread: with less, what runs on Spark may not run here.
const LEAST: usize = 8 << 20;
/// Bytes that one call of the program may take, with the C code between it and the next one; and usually does at most.
const CALL: usize = 5200;
const USUAL_CALL: usize = 1024;
/// Bytes that are left when the stack counts as low.
const RESERVE: usize = 256 << 10;

thread_local! {
    /// The lowest address of this thread's stack and its size, once asked for; (0, 0) where the system does not tell.
    static BOUNDS: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

/// Bytes of stack that threads of the engine get.
pub fn size() -> usize {
    static SIZE: OnceLock<usize> = OnceLock::new();
    *SIZE.get_or_init(|| match (usize::BITS, addresses_count()) {
        (64, false) => [WIDE, MIDDLE].into_iter().find(|bytes| is_to_be_had(*bytes)).unwrap_or(NARROW),
        (64, true) => NARROW,
        _ => LEAST,
    })
}

/// How many calls may be within each other on such a thread: where there are many, of any kind; else of the usual ones.
pub fn calls() -> usize {
    if size() > NARROW { size() / CALL } else { size() / USUAL_CALL }
}

fn is_to_be_had(bytes: usize) -> bool {
    Builder::new().stack_size(bytes).spawn(|| ()).is_ok_and(|thread| thread.join().is_ok())
}

/// Starts a thread with a deep stack.
pub fn spawn<T: Send + 'static>(
    name: impl Into<String>,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<Option<T>>> {
    let name = name.into();
    // A try that fails takes its closure with it.
    let body = Arc::new(Mutex::new(Some(body)));
    let start = |bytes| {
        let body = Arc::clone(&body);
        Builder::new().name(name.clone()).stack_size(bytes).spawn(move || {
            system::use_small_pages();
            let body = body.lock().unwrap_or_else(PoisonError::into_inner).take();
            body.map(|body| body())
        })
    };
    start(size()).or_else(|_| start(NARROW)).or_else(|_| start(LEAST))
}

/// Whether this thread has much more stack than a usual one.
pub fn is_deep() -> bool {
    bounds().1 > 2 * LEAST
}

/// Whether so little is left that a walk must not go deeper.
#[inline]
pub fn is_low() -> bool {
    let here = 0_u8;
    let (lowest, bytes) = bounds();
    bytes > 0 && ptr::from_ref(&here) as usize - lowest.min(ptr::from_ref(&here) as usize) < RESERVE
}

#[inline]
fn bounds() -> (usize, usize) {
    BOUNDS.get().unwrap_or_else(|| {
        let found = system::bounds().unwrap_or((0, 0));
        BOUNDS.set(Some(found));
        found
    })
}

/// Whether addresses that are not used count against a limit.
fn addresses_count() -> bool {
    let strict = std::fs::read_to_string("/proc/sys/vm/overcommit_memory").is_ok_and(|text| text.trim() == "2");
    strict || system::has_address_limit()
}

#[cfg(target_os = "linux")]
mod system {
    use std::mem::MaybeUninit;
    use std::ptr;

    /// The lowest address of this thread's stack, and its size.
    pub(super) fn bounds() -> Option<(usize, usize)> {
        let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
        let (mut lowest, mut bytes) = (ptr::null_mut(), 0);
        // SAFETY: the first call fills `attributes` or fails; then they are read and freed once.
        let told = unsafe {
            if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
                return None;
            }
            let told = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut lowest, &raw mut bytes);
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
            told
        };
        (told == 0).then_some((lowest as usize, bytes))
    }

    /// The system may give 2 MiB at once to a thread that needs 20 KiB; not to this one.
    pub(super) fn use_small_pages() {
        if let Some((lowest, bytes)) = bounds() {
            // SAFETY: advice on the pages of this thread's own stack changes nothing in them.
            unsafe { libc::madvise(lowest as *mut libc::c_void, bytes, libc::MADV_NOHUGEPAGE) };
        }
    }

    pub(super) fn has_address_limit() -> bool {
        let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: fills the struct, or fails and leaves it.
        unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
        limit.rlim_cur != libc::RLIM_INFINITY
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn bounds() -> Option<(usize, usize)> {
        None
    }

    pub(super) fn use_small_pages() {}

    pub(super) fn has_address_limit() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How deep it came; each level takes a kilobyte at least.
    fn dive(depth: usize) -> usize {
        let room = std::hint::black_box([depth as u8; 1024]);
        if is_low() { depth } else { dive(depth + 1).max(usize::from(room[0])) }
    }

    #[test]
    fn a_walk_that_looks_ends_before_the_stack_does() {
        let depth = Builder::new().stack_size(NARROW).spawn(|| dive(0)).unwrap().join().unwrap();
        assert!(depth > NARROW / 4096, "went {depth} deep");
    }

    #[test]
    fn as_many_calls_are_allowed_as_there_is_room_for() {
        assert!(calls() * USUAL_CALL <= size());
        assert!(size() < WIDE || calls() > 1_000_000);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_of_the_engine_is_deep_and_others_are_not() {
        assert!(spawn("deep", is_deep).unwrap().join().unwrap().unwrap());
        assert!(!std::thread::spawn(is_deep).join().unwrap());
    }
}
