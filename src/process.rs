//! Which process made a thing? A forked child owns nothing of its parent's.
//!
//! A child begins with copies of all that its parent had, but with one thread: whoever held a lock is not there to give it
//! back, and pools, sockets, files and other processes are the parent's. So what matters outside of memory, or waits for
//! other threads, knows where it is from, and does nothing when it is dropped elsewhere.
//! 1. An `Origin` names a process by how many forks lie between it and the first one. `watch_forks` must have been called
//!    before the first fork.
//! 2. A `Held` descriptor is closed in children at once, so that the other end sees when the parent has gone.
//! 3. What runs in the child within the fork allocates nothing and takes no lock.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::os::fd::AsRawFd;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU64, Ordering};

/// Forks between the first process and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Descriptors that children close. One that finds no place stays open in them, which only delays what the other end sees.
static HELD: [AtomicI32; 1024] = [const { AtomicI32::new(FREE) }; 1024];
const FREE: i32 = -1;

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    for place in &HELD {
        let descriptor = place.swap(FREE, Ordering::Relaxed);
        if descriptor != FREE {
            // SAFETY: the child's copy, whose owner there is a `Held` that never closes it.
            unsafe { libc::close(descriptor) };
        }
    }
}

/// Has children know that they are some. False if the system refuses.
pub fn watch_forks() -> bool {
    static WATCHED: OnceLock<bool> = OnceLock::new();
    // SAFETY: `in_child` does only what may be done there.
    *WATCHED.get_or_init(|| unsafe { libc::pthread_atfork(None, None, Some(in_child)) == 0 })
}

/// Ends the process without a look back: no buffers, no exit functions.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: does not return.
    unsafe { libc::_exit(code) }
}

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin(u64);

impl Origin {
    /// This one.
    pub fn here() -> Self {
        Self(GENERATION.load(Ordering::Relaxed))
    }

    /// Whether it is this one.
    pub fn is_here(self) -> bool {
        self == Self::here()
    }
}

/// What is dropped in the process that made it, and forgotten in its children.
pub struct Own<T> {
    origin: Origin,
    value: ManuallyDrop<T>,
}

impl<T> Own<T> {
    /// Of this process.
    pub fn new(value: T) -> Self {
        Self { origin: Origin::here(), value: ManuallyDrop::new(value) }
    }
}

impl<T> Deref for Own<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Own<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Own<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T> Drop for Own<T> {
    fn drop(&mut self) {
        if self.origin.is_here() {
            // SAFETY: nobody uses it after this.
            unsafe { ManuallyDrop::drop(&mut self.value) }
        }
    }
}

/// Something with a descriptor that forked children do not keep.
#[derive(Debug)]
pub struct Held<T: AsRawFd> {
    value: Own<T>,
    place: Option<usize>,
}

impl<T: AsRawFd> Held<T> {
    /// Has children close it.
    pub fn new(value: T) -> Self {
        let descriptor = value.as_raw_fd();
        let take =
            |place: &AtomicI32| place.compare_exchange(FREE, descriptor, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        Self { value: Own::new(value), place: HELD.iter().position(take) }
    }
}

impl<T: AsRawFd> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: AsRawFd> DerefMut for Held<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: AsRawFd> Drop for Held<T> {
    fn drop(&mut self) {
        // Before the descriptor is closed: its number may be another one's then.
        if self.value.origin.is_here()
            && let Some(place) = self.place
        {
            HELD[place].store(FREE, Ordering::Relaxed);
        }
    }
}

/// Something that all threads of a process share, new in each process: no child waits for a lock of threads it does not have.
pub struct Renewed<T: 'static> {
    make: fn() -> T,
    current: AtomicPtr<(Origin, T)>,
}

impl<T: Send + Sync + 'static> Renewed<T> {
    /// Made by `make` when it is first needed.
    pub const fn new(make: fn() -> T) -> Self {
        Self { make, current: AtomicPtr::new(null_mut()) }
    }

    /// This process's.
    pub fn get(&self) -> &'static T {
        loop {
            let found = self.current.load(Ordering::Acquire);
            // SAFETY: null, or one of the boxes below, which live for ever.
            if let Some((origin, value)) = unsafe { found.as_ref() }
                && origin.is_here()
            {
                return value;
            }
            let made = Box::into_raw(Box::new((Origin::here(), (self.make)())));
            if self.current.compare_exchange(found, made, Ordering::AcqRel, Ordering::Acquire).is_err() {
                // SAFETY: nobody else has seen it.
                drop(unsafe { Box::from_raw(made) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::sync::Mutex;

    use super::*;

    struct Tells<'a>(&'a AtomicU64);

    impl Drop for Tells<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_another_process_owns_is_forgotten() {
        let dropped = AtomicU64::new(0);
        drop(Own::new(Tells(&dropped)));
        drop(Own { origin: Origin(u64::MAX), value: ManuallyDrop::new(Tells(&dropped)) });
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_held_descriptor_has_a_place_until_it_is_closed() {
        let (one, mut other) = UnixStream::pair().expect("a pair");
        let descriptor = one.as_raw_fd();
        let held = Held::new(one);
        let place = held.place.expect("there is room");
        assert_eq!(HELD[place].load(Ordering::Relaxed), descriptor);
        drop(held);
        assert_ne!(HELD[place].load(Ordering::Relaxed), descriptor);
        assert_eq!(other.read(&mut [0]).expect("closed"), 0);
    }

    #[test]
    fn what_is_renewed_stays_the_same_within_a_process() {
        static SHARED: Renewed<Mutex<u32>> = Renewed::new(|| Mutex::new(7));
        *SHARED.get().lock().expect("free") += 1;
        assert_eq!(*SHARED.get().lock().expect("free"), 8);
    }
}
