//! Paused time. tokio advances a paused clock whenever its runtime waits for timers only, which it believes even while a
//! response is awaited from a socket. So the clock is held while a request is in flight, and released while the mock waits
//! on purpose.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

/// How long the clock is held for a client to read a response that was sent.
const READING: Duration = Duration::from_secs(1);

/// The clock of the runtime in which the client makes its calls.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    runtime: Option<Handle>,
    /// The requests in flight, and whether the mock makes them wait.
    attempts: BTreeMap<u64, bool>,
    last: u64,
    /// Holds the clock: a blocking task that runs until this is dropped. A clock does not advance meanwhile.
    hold: Option<Sender<()>>,
}

impl Clock {
    /// Notes that a request is about to be sent, until the guard is dropped. Called in the client's runtime.
    pub(crate) fn start(self: &Arc<Self>) -> Attempt {
        self.change(|state| {
            state.runtime = Handle::try_current().ok();
            state.last += 1;
            state.attempts.insert(state.last, false);
            Attempt { clock: Arc::clone(self), number: state.last }
        })
    }

    /// Notes whether the mock makes a request wait.
    fn set_waiting(&self, attempt: u64, is_waiting: bool) {
        self.change(|state| {
            if let Some(waits) = state.attempts.get_mut(&attempt) {
                *waits = is_waiting;
            }
        });
    }

    /// Waits by the clock of the client.
    pub(crate) async fn wait(self: &Arc<Self>, attempt: Option<u64>, delay: Duration) {
        let (Some(runtime), Some(attempt)) = (self.runtime(), attempt) else { return tokio::time::sleep(delay).await };
        let clock = Arc::clone(self);
        let work = async move {
            // The runtime reads its timers only after this task has added one.
            clock.set_waiting(attempt, true);
            tokio::time::sleep(delay).await;
            clock.set_waiting(attempt, false);
        };
        // It fails if the runtime has ended.
        let _ = runtime.spawn(work).await;
    }

    /// Releases the clock: the client will not get a response.
    pub(crate) fn stall(&self, attempt: Option<u64>) {
        if let Some(attempt) = attempt {
            self.set_waiting(attempt, true);
        }
    }

    /// Releases the clock if the client does not read a response that was sent.
    pub(crate) fn sent(self: &Arc<Self>, attempt: Option<u64>) {
        let Some(attempt) = attempt else { return };
        let clock = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(READING).await;
            clock.set_waiting(attempt, true);
        });
    }

    fn runtime(&self) -> Option<Handle> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).runtime.clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut state);
        if !state.attempts.values().any(|is_waiting| !is_waiting) {
            state.hold = None;
        } else if let (None, Some(runtime)) = (&state.hold, &state.runtime) {
            let (sender, receiver) = channel();
            runtime.spawn_blocking(move || receiver.recv());
            state.hold = Some(sender);
        }
        result
    }
}

/// A request in flight.
#[derive(Debug)]
pub(crate) struct Attempt {
    clock: Arc<Clock>,
    pub(crate) number: u64,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.clock.change(|state| state.attempts.remove(&self.number));
    }
}
