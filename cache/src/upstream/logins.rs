//! Who we are for an upstream that challenges its clients: nobody, until it asks.

use http::HeaderValue;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Tokens remembered for one upstream.
const MAX_TOKENS: usize = 1000;
/// A token is used no longer than until so long before its end.
const MARGIN: Duration = Duration::from_secs(10);
/// An upstream that lets everyone in at its root is not asked for a challenge there for so long.
const OPEN_TIME: Duration = Duration::from_mins(1);

/// Whom an upstream took us for in a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Identity {
    /// Anyone.
    Nobody,
    /// Anyone, though we have credentials: its token endpoint is not to be given them.
    Withheld,
    /// The owner of our credentials.
    Ourselves,
}

/// What is shown to an upstream's own origin, and whom it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Login {
    pub(super) header: HeaderValue,
    pub(super) identity: Identity,
}

/// The answers to an upstream's challenges, while they are good.
#[derive(Default)]
pub(super) struct Logins(Mutex<State>);

#[derive(Default)]
struct State {
    /// Whether it asked for name and password.
    takes_basic: bool,
    /// Tokens by the image they are for.
    tokens: HashMap<Box<str>, (Login, Instant)>,
    open_until: Option<Instant>,
}

impl Logins {
    /// What is shown for an image without being asked. `ours`: name and password.
    pub(super) fn get(&self, image: &str, ours: Option<&HeaderValue>) -> Option<Login> {
        let state = self.state();
        let token = state.tokens.get(image);
        let token = token.filter(|(_, end)| Instant::now() < *end);
        token.map(|(login, _)| login.clone()).or_else(|| {
            ours.filter(|_| state.takes_basic).map(|ours| Login {
                header: ours.clone(),
                identity: Identity::Ourselves,
            })
        })
    }

    /// A token endpoint gave a token.
    pub(super) fn keep_token(&self, image: &str, login: Login, life: Duration) {
        let mut state = self.state();
        if state.tokens.len() >= MAX_TOKENS {
            state.tokens.clear();
        }
        let end = Instant::now() + life.saturating_sub(MARGIN);
        state.tokens.insert(image.into(), (login, end));
    }

    /// The upstream asked for name and password.
    pub(super) fn keep_basic(&self) {
        self.state().takes_basic = true;
    }

    /// At its root it asked for nothing.
    pub(super) fn keep_open(&self) {
        self.state().open_until = Some(Instant::now() + OPEN_TIME);
    }

    /// Whether it asked for nothing there a moment ago.
    pub(super) fn is_open(&self) -> bool {
        let open_until = self.state().open_until;
        open_until.is_some_and(|end| Instant::now() < end)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
