//! How hard an upstream is asked: pauses that grow while it fails, and the pauses that it asks for.

use larder_model::upstream::Health;
use larder_model::{Kind, Problem};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// So many failures in a row are taken for an accident.
const ACCIDENTS: u32 = 2;
/// The first pause, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// An upstream may make us wait for so long.
const LONGEST_WISH: Duration = Duration::from_mins(10);
/// While one request tries whether the upstream is back, the others wait for so long before they
/// try too.
const TRIAL: Duration = Duration::from_secs(5);

#[derive(Default)]
struct State {
    failures: u32,
    until: Option<Instant>,
    /// The last failure, and when it was.
    last: Option<(Box<str>, Instant)>,
}

/// The pace of one upstream.
#[derive(Default)]
pub(crate) struct CircuitBreaker(Mutex<State>);

impl CircuitBreaker {
    /// Fails at once while the upstream is given a pause.
    pub(crate) fn admit(&self) -> Result<(), Problem> {
        let now = Instant::now();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.until {
            Some(until) if now < until => Err(paused(until - now)),
            Some(_) => {
                state.until = Some(now + TRIAL);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// It answers again; whether all of the answer comes is still to be seen.
    pub(crate) fn answered(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).until = None;
    }

    /// It answered as it should, to the end.
    pub(crate) fn succeeded(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State {
            last: state.last.take(),
            ..State::default()
        };
    }

    /// It did not answer, or only that it cannot. `wish`: how long it asked us to wait; `why`: for
    /// whoever looks after it.
    pub(crate) fn failed(&self, retry_after: Option<Duration>, why: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.last = Some((why.into(), Instant::now()));
        state.failures = state.failures.saturating_add(1);
        let pause = match retry_after {
            Some(retry_after) => retry_after.min(LONGEST_WISH),
            None if state.failures <= ACCIDENTS => {
                state.until = None;
                return;
            }
            None => {
                let doublings = (state.failures - ACCIDENTS - 1).min(6);
                (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
            }
        };
        state.until = Some(Instant::now() + pause);
    }
}

impl CircuitBreaker {
    /// How it has gone lately.
    pub(crate) fn health(&self) -> Health {
        let (now, state) = (
            Instant::now(),
            self.0.lock().unwrap_or_else(PoisonError::into_inner),
        );
        Health {
            failures: state.failures,
            pause: state
                .until
                .and_then(|until| until.checked_duration_since(now)),
            last_error: state
                .last
                .as_ref()
                .map(|(why, when)| (why.clone(), now - *when)),
            ..Health::default()
        }
    }
}

fn paused(left: Duration) -> Problem {
    let detail =
        "the upstream failed or asked us to wait, and this is not kept; it is asked again soon";
    let mut problem = Problem::new(Kind::Unreachable, "upstream", detail);
    problem.retry_after = Some(left);
    problem
}

#[cfg(test)]
mod tests;
