//! Times of operations that are measured in turns, with every result checked.

use std::borrow::Cow;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// What a result is written as.
pub(crate) type Spell<R> = fn(&R) -> Cow<'_, [u8]>;

/// An operation, what its result is written as, and what that must be.
pub(crate) struct Operation<R, F> {
    run: F,
    spell: Spell<R>,
    expected: Vec<u8>,
    /// How many are timed at once, since the clock takes its time too.
    batch: usize,
}

impl<R, F: Fn() -> R> Operation<R, F> {
    /// The first result is what all others have to be; it is for the caller to check.
    pub(crate) fn new(run: F, spell: Spell<R>) -> Operation<R, F> {
        let expected = spell(&run()).into_owned();
        Operation { run, spell, expected, batch: 1 }
    }

    /// Times so many at once that it takes 20 microseconds.
    pub(crate) fn in_batches(mut self) -> Operation<R, F> {
        let once = (0..9).map(|_| self.sample()).fold(f64::MAX, f64::min);
        self.batch = ((20.0 / once.max(0.01)).ceil() as usize).clamp(1, 256);
        self
    }

    pub(crate) fn expected(&self) -> &[u8] {
        &self.expected
    }

    /// The microseconds of one operation and of dropping its result, but not of the check in
    /// between.
    pub(crate) fn sample(&self) -> f64 {
        let mut results = Vec::with_capacity(self.batch);
        let start = Instant::now();
        for _ in 0..self.batch {
            results.push(black_box((self.run)()));
        }
        let ran = start.elapsed();
        for result in &results {
            assert!(*(self.spell)(result) == *self.expected, "a result differs from the first");
        }
        let start = Instant::now();
        results.clear();
        microseconds(ran + start.elapsed()) / self.batch as f64
    }
}

pub(crate) fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Lets operations run in turns until the time is up, once at least, and gives the times of each.
/// Each begins as often as the others, so that none always runs on what another left in the
/// caches.
pub(crate) fn in_turns<const N: usize>(
    budget: Duration,
    operations: [&dyn Fn() -> f64; N],
) -> [Vec<f64>; N] {
    let mut times = [const { Vec::new() }; N];
    let start = Instant::now();
    for turn in 0.. {
        for at in 0..N {
            let at = (turn + at) % N;
            times[at].push(operations[at]());
        }
        if start.elapsed() >= budget {
            break;
        }
    }
    times
}

/// The one in the middle; sorts the times.
pub(crate) fn median(times: &mut [f64]) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}
