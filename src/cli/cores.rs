//! Work on all cores.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::session::Session;

/// Up to so many parts of work no thread is worth its start.
const FEW: usize = 64;

/// What comes of each part of the work, in order.
pub(super) fn on_all_cores<T: Sync, R: Send>(
    parts: &[T],
    what: &str,
    work: &(dyn Fn(&T) -> R + Sync),
    session: &mut Session<'_, '_>,
) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    if parts.len() < FEW || cores == 1 {
        return parts.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(parts.len()));
    let take_part = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(at) else { return };
            let result = work(part);
            if let Ok(mut done) = done.lock() {
                done.push((at, result));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(take_part);
        }
        while next.load(Ordering::Relaxed) < parts.len() {
            let done = next.load(Ordering::Relaxed);
            session.progress(format_args!("{done} of {} {what}", parts.len()));
            thread::sleep(Duration::from_millis(20));
        }
    });
    session.progress_is_over();
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
