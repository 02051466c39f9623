//! Work on many files at once.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Builder};

/// For fewer items than this, a thread takes longer to start than it saves.
const FEW: usize = 16;

/// Calls a function for each item, in any order, on all processors.
pub(crate) fn for_each<T: Send>(items: &mut [T], work: &(dyn Fn(usize, &mut T) + Sync)) {
    let most = items.len() / FEW;
    let rest = Mutex::new(items.iter_mut().enumerate());
    run(most, &|| {
        loop {
            let next = rest.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((at, item)) = next else { return };
            work(at, item);
        }
    });
}

/// Calls a function on this thread, and on others up to this number of threads. Compiled once for all items.
fn run(most: usize, work: &(dyn Fn() + Sync)) {
    let threads = if most < 2 { 1 } else { thread::available_parallelism().map_or(1, NonZero::get).min(most) };
    thread::scope(|scope| {
        for _ in 1..threads {
            // If a thread does not start, the others do its part.
            _ = Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
}
