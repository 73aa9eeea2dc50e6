//! An allocator that counts, for programs that include this file.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use super::support::limits::Memory;

/// Counts while it is told to.
struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[cold]
fn taken(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    TAKEN.fetch_add(bytes, Relaxed);
    PEAK.fetch_max(HELD.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

#[cold]
fn given_back(bytes: usize) {
    HELD.fetch_sub(bytes, Relaxed);
}

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTS.load(Relaxed) {
            taken(layout.size());
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if COUNTS.load(Relaxed) {
            taken(layout.size());
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if COUNTS.load(Relaxed) {
            given_back(layout.size());
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if COUNTS.load(Relaxed) {
            // Both blocks may be there at the same time.
            taken(size);
            given_back(layout.size());
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts what all threads of the program do meanwhile.
pub(crate) fn count<R>(operation: impl FnOnce() -> R) -> (R, Memory) {
    // Far from zero: what was allocated before may be freed meanwhile.
    let start = 1 << 40;
    ALLOCATIONS.store(0, Relaxed);
    TAKEN.store(0, Relaxed);
    HELD.store(start, Relaxed);
    PEAK.store(start, Relaxed);
    COUNTS.store(true, Relaxed);
    let result = operation();
    COUNTS.store(false, Relaxed);
    let memory = Memory {
        allocations: ALLOCATIONS.load(Relaxed),
        bytes: TAKEN.load(Relaxed),
        peak: PEAK.load(Relaxed) - start,
    };
    (result, memory)
}
