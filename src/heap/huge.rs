//! Where do columns lie? On huge pages, where the system has them.
//!
//! A stream sleeps between batches, and meanwhile the caches forget where its pages are. On ordinary pages of 4 KiB, a batch
//! then waits for that once a page, on a virtual machine with two page tables to go through; on pages of 2 MiB it hardly
//! waits at all (`docs/performance.md`). glibc takes huge pages only when its environment says so at the start, so the
//! larger blocks of this crate come from a heap of their own, by dlmalloc. Python's objects do not.
//!
//! 1. Which heap a block is of follows from its size alone: small ones are the system's, those above `OWN` have pages of
//!    their own, which go back when it is freed; the ones between are of the heap.
//! 2. The heap keeps what was in use at one time lately and up to twice `SPARE` more, so that the columns of a batch take the
//!    place of those before them; beyond that, whole segments and the end of the newest one go back if they are free.
//! 3. The heap's lock is held for bookkeeping and for asking the system, never while blocks are cleared or copied; and across
//!    a fork, so that the child finds it free.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use dlmalloc::{Allocator, Dlmalloc};

/// From this size on a block is of the heap.
const LARGE: usize = 1 << 10;
/// From this size on a block has pages of its own.
const OWN: usize = 4 << 20;
/// What is free and stays.
const SPARE: usize = 64 << 20;
/// A huge page.
const HUGE: usize = 2 << 20;
/// What the heap asks the system for at least. The end of it is written to at once, and so is not on a huge page.
const SEGMENT: usize = (64 << 20) - HUGE + (64 << 10);

#[global_allocator]
static HEAP: Heap = Heap::new();

/// The allocator of this crate.
struct Heap {
    locked: AtomicBool,
    inner: UnsafeCell<Inner>,
}

struct Inner {
    blocks: Dlmalloc<Pages>,
    /// Bytes in use, and the most of them since it was last looked at how much is free.
    used: usize,
    most: usize,
    /// Bytes freed since then.
    freed: usize,
}

/// The system's pages.
struct Pages {
    mapped: UnsafeCell<usize>,
    /// Whether pages may go back: dlmalloc asks for it whenever something is freed at the end of the heap.
    goes_back: bool,
}

// SAFETY: only who has set `locked` gets at `inner`.
unsafe impl Sync for Heap {}

/// Pages on which huge ones are wanted; null if there are none.
fn map(size: usize) -> *mut u8 {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: new pages, nobody's yet.
    let found = unsafe { libc::mmap(null_mut(), size, protection, flags, -1, 0) };
    if found == libc::MAP_FAILED {
        return null_mut();
    }
    wish_huge(found, size);
    found.cast()
}

/// The same, at a place where a huge page may begin.
fn map_aligned(size: usize) -> *mut u8 {
    let found = map(size + HUGE);
    if found.is_null() {
        return found;
    }
    let before = found.align_offset(HUGE).min(HUGE);
    unmap(found, before);
    // SAFETY: the rest of what was mapped.
    unsafe {
        unmap(found.add(before + size), HUGE - before);
        found.add(before)
    }
}

/// The system may say no: then they are ordinary ones.
fn wish_huge(pages: *mut c_void, size: usize) {
    // SAFETY: says nothing of what is in them.
    unsafe { libc::madvise(pages, size, libc::MADV_HUGEPAGE) };
}

fn unmap(pages: *mut u8, size: usize) -> bool {
    // SAFETY: only for pages of `map` that are not used any more.
    size == 0 || unsafe { libc::munmap(pages.cast(), size) } == 0
}

// SAFETY: `alloc` gives new pages, and what is given back is unmapped exactly once.
unsafe impl Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        // Where address space is short, just what is needed.
        let sizes = [size.max(SEGMENT), size];
        let found = sizes.into_iter().map(|size| (map_aligned(size), size)).find(|(found, _)| !found.is_null());
        let Some((found, size)) = found else { return (null_mut(), 0, 0) };
        self.count(|mapped| mapped + size);
        (found, size, 0)
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        null_mut()
    }

    fn free_part(&self, pages: *mut u8, old: usize, new: usize) -> bool {
        // SAFETY: the end of one segment.
        self.goes_back && unmap(unsafe { pages.add(new) }, old - new) && self.count(|mapped| mapped - (old - new))
    }

    fn free(&self, pages: *mut u8, size: usize) -> bool {
        self.goes_back && unmap(pages, size) && self.count(|mapped| mapped - size)
    }

    fn can_release_part(&self, _: u32) -> bool {
        self.goes_back
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        4096
    }
}

impl Pages {
    fn count(&self, change: impl FnOnce(usize) -> usize) -> bool {
        // SAFETY: the heap's lock is held whenever its pages change.
        let mapped = unsafe { &mut *self.mapped.get() };
        *mapped = change(*mapped);
        true
    }
}

impl Inner {
    fn give(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: any size and alignment will do.
        let found = unsafe { self.blocks.malloc(layout.size(), layout.align()) };
        if !found.is_null() {
            self.used += layout.size();
            self.most = self.most.max(self.used);
        }
        found
    }

    /// Takes back a block that `give` gave for this layout.
    unsafe fn take(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { self.blocks.free(block, layout.size(), layout.align()) };
        self.used -= layout.size();
        self.freed += layout.size();
        if self.freed > SPARE {
            self.look();
        }
    }

    fn look(&mut self) {
        let free = self.blocks.allocator_mut().mapped.get_mut().saturating_sub(self.most);
        if free > 2 * SPARE {
            self.give_back(SPARE);
        }
        (self.freed, self.most) = (0, self.used);
    }

    fn give_back(&mut self, spare: usize) {
        self.blocks.allocator_mut().goes_back = true;
        // SAFETY: nothing that is in use is touched.
        unsafe { self.blocks.trim(spare) };
        self.blocks.allocator_mut().goes_back = false;
    }
}

impl Heap {
    const fn new() -> Self {
        let pages = Pages { mapped: UnsafeCell::new(0), goes_back: false };
        let inner = Inner { blocks: Dlmalloc::new_with_allocator(pages), used: 0, most: 0, freed: 0 };
        Self { locked: AtomicBool::new(false), inner: UnsafeCell::new(inner) }
    }

    fn lock(&self) {
        let mut tries = 0_u32;
        while self.locked.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
            tries += 1;
            if tries.is_multiple_of(64) { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    }

    fn unlock(&self) {
        self.locked.store(false, Ordering::Release);
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        self.lock();
        // SAFETY: the lock is held, and `work` allocates nothing.
        let done = work(unsafe { &mut *self.inner.get() });
        self.unlock();
        done
    }
}

/// Gives back pages that are free, as far as nothing in use lies behind them.
pub(super) fn give_back() {
    HEAP.with(|inner| inner.give_back(0));
}

/// Lets processes that are forked from this one allocate, too: another thread may have the lock at that moment, and is not
/// there to unlock it. False if the system refuses.
pub(super) fn allow_forks() -> bool {
    // Twice, the lock would be waited for by the thread that has it.
    static ALLOWED: OnceLock<bool> = OnceLock::new();
    extern "C" fn before() {
        HEAP.lock();
    }
    extern "C" fn after() {
        HEAP.unlock();
    }
    // SAFETY: these allocate nothing.
    *ALLOWED.get_or_init(|| unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) == 0 })
}

/// Whose a block of a size is.
enum Owner {
    System,
    Heap,
    Itself,
}

fn owner(layout: Layout) -> Owner {
    match layout.size() {
        ..LARGE => Owner::System,
        LARGE..OWN => Owner::Heap,
        // Pages begin at multiples of 4 KiB.
        _ if layout.align() <= 4096 => Owner::Itself,
        _ => Owner::Heap,
    }
}

// SAFETY: blocks come from dlmalloc, the system's allocator or `map`, and go back to where they came from, as their layout
// says. A layout is the same when a block is taken back.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match owner(layout) {
            // SAFETY: the caller's promise.
            Owner::System => unsafe { System.alloc(layout) },
            Owner::Heap => self.with(|inner| inner.give(layout)),
            Owner::Itself => map(layout.size()),
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match owner(layout) {
            // SAFETY: the caller's promise.
            Owner::System => unsafe { System.alloc_zeroed(layout) },
            Owner::Heap => {
                let block = self.with(|inner| inner.give(layout));
                if !block.is_null() {
                    // SAFETY: a block of this size that nobody else has.
                    unsafe { block.write_bytes(0, layout.size()) };
                }
                block
            }
            Owner::Itself => map(layout.size()),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match owner(layout) {
            // SAFETY: the caller's promise.
            Owner::System => unsafe { System.dealloc(block, layout) },
            // SAFETY: the same.
            Owner::Heap => self.with(|inner| unsafe { inner.take(block, layout) }),
            Owner::Itself => {
                unmap(block, layout.size());
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: an alignment that is one already, and a size that fits it, as the caller promises.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (owner(layout), owner(wanted)) {
            // SAFETY: the caller's promise.
            (Owner::System, Owner::System) => unsafe { System.realloc(block, layout, size) },
            (Owner::Itself, Owner::Itself) => {
                // SAFETY: pages of `map`; they may move.
                let found = unsafe { libc::mremap(block.cast(), layout.size(), size, libc::MREMAP_MAYMOVE) };
                if found == libc::MAP_FAILED { null_mut() } else { found.cast() }
            }
            _ => {
                // SAFETY: two blocks of at least so many bytes, of which the old one is not used any more.
                unsafe {
                    let found = self.alloc(wanted);
                    if !found.is_null() {
                        found.copy_from_nonoverlapping(block, layout.size().min(size));
                        self.dealloc(block, layout);
                    }
                    found
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A block, and what is in all of it.
    struct Block(*mut u8, Layout, u8);

    impl Block {
        fn new(heap: &Heap, size: usize, align: usize, fill: u8) -> Self {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: a size that is not zero.
            let block = unsafe { if fill == 0 { heap.alloc_zeroed(layout) } else { heap.alloc(layout) } };
            assert!(!block.is_null() && block.align_offset(align) == 0);
            let mut made = Self(block, layout, fill);
            if fill != 0 {
                made.bytes().fill(fill);
            }
            made
        }

        fn bytes(&mut self) -> &mut [u8] {
            // SAFETY: the block is this one's alone.
            unsafe { std::slice::from_raw_parts_mut(self.0, self.1.size()) }
        }

        fn resize(&mut self, heap: &Heap, size: usize) {
            let kept = self.1.size().min(size);
            // SAFETY: a block of this heap and layout.
            self.0 = unsafe { heap.realloc(self.0, self.1, size) };
            self.1 = Layout::from_size_align(size, self.1.align()).unwrap();
            let fill = self.2;
            assert!(self.bytes()[..kept].iter().all(|byte| *byte == fill));
            self.bytes().fill(fill);
        }

        fn free(mut self, heap: &Heap) {
            let fill = self.2;
            assert!(self.bytes().iter().all(|byte| *byte == fill));
            // SAFETY: as above, and it is not used any more.
            unsafe { heap.dealloc(self.0, self.1) };
        }
    }

    /// Sizes on both sides of each limit.
    fn sizes() -> impl Strategy<Value = usize> {
        prop_oneof![4 => 1..3 * LARGE, 4 => LARGE..200_000, 1 => OWN - 5000..OWN + 5000]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn blocks_keep_what_is_in_them(
            steps in prop::collection::vec((0_usize..3, any::<prop::sample::Index>(), sizes(), 0_u32..8, any::<u8>()), 1..80)
        ) {
            let heap = Heap::new();
            let mut blocks: Vec<Block> = Vec::new();
            for (what, which, size, align, fill) in steps {
                match (what, blocks.is_empty()) {
                    (1, false) => blocks.swap_remove(which.index(blocks.len())).free(&heap),
                    (2, false) => { let at = which.index(blocks.len()); blocks[at].resize(&heap, size) }
                    _ => blocks.push(Block::new(&heap, size, 1 << align, fill)),
                }
            }
            blocks.into_iter().for_each(|block| block.free(&heap));
            prop_assert_eq!(heap.with(|inner| inner.used), 0);
            heap.with(|inner| inner.give_back(0));
        }
    }

    fn mapped(heap: &Heap) -> usize {
        heap.with(|inner| *inner.blocks.allocator_mut().mapped.get_mut())
    }

    #[test]
    fn threads_have_blocks_of_their_own() {
        let heap = Heap::new();
        std::thread::scope(|scope| {
            for thread in 1..5_u8 {
                let heap = &heap;
                scope.spawn(move || {
                    for round in 0..300_usize {
                        let one = Block::new(heap, LARGE + round * 37, 8, thread);
                        let mut other = Block::new(heap, 3 * LARGE, 64, thread);
                        other.resize(heap, 5 * LARGE + round);
                        one.free(heap);
                        other.free(heap);
                    }
                });
            }
        });
        assert_eq!(heap.with(|inner| inner.used), 0);
    }

    #[test]
    fn what_is_not_used_any_more_goes_back_but_for_a_rest() {
        let heap = Heap::new();
        let blocks: Vec<Block> = (0..600).map(|_| Block::new(&heap, 1 << 20, 8, 7)).collect();
        let most = mapped(&heap);
        assert!(most >= 600 << 20);
        blocks.into_iter().for_each(|block| block.free(&heap));
        // Batches of a few megabytes.
        for _ in 0..100 {
            let batch: Vec<Block> = (0..4).map(|_| Block::new(&heap, 1 << 20, 8, 1)).collect();
            batch.into_iter().for_each(|block| block.free(&heap));
        }
        assert!(mapped(&heap) <= 3 * SPARE, "{} of {most}", mapped(&heap));
        heap.with(|inner| inner.give_back(0));
        assert!(mapped(&heap) <= SEGMENT);
    }

    #[test]
    fn batches_of_one_size_map_nothing_anew() {
        let heap = Heap::new();
        let batch = || {
            let blocks: Vec<Block> = (0..100).map(|_| Block::new(&heap, 1 << 20, 8, 1)).collect();
            blocks.into_iter().for_each(|block| block.free(&heap));
        };
        batch();
        let first = mapped(&heap);
        (0..20).for_each(|_| batch());
        assert_eq!(mapped(&heap), first);
    }
}
