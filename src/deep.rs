//! Room for recursion over deeply nested documents.
//!
//! The walkers are recursive because the rules they follow are. A document may nest 10,000 levels
//! deep, more than a small stack holds, so an operation on a deep document runs on a thread whose
//! stack is sized for it. Ordinary documents never pay for this.

use std::thread;

/// Nesting that any stack of this crate's users is expected to hold.
pub(crate) const ORDINARY_DEPTH: usize = 96;
/// Stack reserved for one level; unoptimised builds have large frames.
const BYTES_PER_LEVEL: usize = if cfg!(debug_assertions) { 16 * 1024 } else { 4 * 1024 };
/// Stack for everything else the operation does.
const BASE_BYTES: usize = 1024 * 1024;

/// Runs `operation`, on a thread with a large stack when `depth` levels may be walked.
///
/// Where no thread can be started the operation runs on the caller's stack.
pub(crate) fn with_stack<R: Send>(depth: usize, operation: impl FnOnce() -> R + Send) -> R {
    if depth <= ORDINARY_DEPTH {
        return operation();
    }
    let (mut operation, mut result) = (Some(operation), None);
    on_large_stack(depth, &mut || result = operation.take().map(|operation| operation()));
    match result {
        Some(result) => result,
        None => unreachable!("the operation ran"),
    }
}

/// One for all operations: what starts a thread is much code.
#[cold]
fn on_large_stack(depth: usize, operation: &mut (dyn FnMut() + Send)) {
    let size = BASE_BYTES + depth * BYTES_PER_LEVEL;
    let ran = thread::scope(|scope| {
        let spawned = thread::Builder::new().stack_size(size).spawn_scoped(scope, &mut *operation);
        spawned.map(|handle| handle.join())
    });
    match ran {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(_) => operation(),
    }
}

#[cfg(test)]
mod tests {
    use super::with_stack;

    fn descend(levels: usize) -> usize {
        if levels == 0 { 0 } else { 1 + std::hint::black_box(descend(levels - 1)) }
    }

    #[test]
    fn deep_recursion_has_room() {
        assert_eq!(with_stack(10_000, || descend(10_000)), 10_000);
        assert_eq!(with_stack(3, || descend(3)), 3);
    }
}
