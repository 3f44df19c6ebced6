//! Which origins, and which addresses at them, an upstream's mirror leaves alone for a while.
//!
//! Of each mirror its own: another one has other credentials, and other limits there. What answers
//! takes no room here; what fails is remembered up to a bound.

use super::breaker::{AddressBreaker, OriginBreaker, Verdict, Wait};
use super::failure::{Failure, Fault};
use super::recent::Recent;
use larder_model::upstream::{Health, PausedOrigin};
use larder_model::{Clock, Distribution, Timestamp};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

/// Origins beside the upstream's own that are remembered.
const MAX_ORIGINS: usize = 100;
/// Addresses that are.
const MAX_ADDRESSES: usize = 1000;
/// Characters of an origin or a path in a report.
const MAX_TEXT: usize = 200;
/// The longest URL that is remembered, in bytes.
const MAX_URL: usize = 4096;

/// The circuit breakers of all that one mirror asks.
pub(super) struct Origins {
    own: Url,
    clock: Clock,
    hasher: RandomState,
    state: Mutex<State>,
}

struct State {
    own: OriginBreaker,
    /// The last failure of the upstream's own origin, whatever came after it.
    last: Option<(Box<str>, Timestamp)>,
    /// When it answered last as it should.
    answered_at: Option<Timestamp>,
    /// The address of it that answered last that it cannot.
    failed_at: Option<Url>,
    others: Recent<Other>,
    addresses: Recent<Address>,
}

/// An origin that is not the upstream's own.
struct Other {
    /// Scheme, host and port.
    name: Box<str>,
    breaker: OriginBreaker,
}

struct Address {
    origin: u64,
    breaker: AddressBreaker,
}

/// What is to be done about a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Consequence {
    /// How long what failed is not asked.
    pub(super) left: Duration,
    /// Whether the whole origin is to be tried now.
    pub(super) is_suspect: bool,
}

impl Origins {
    /// `own`: the upstream's address.
    pub(super) fn new(own: &Url, clock: Clock) -> Self {
        let state = State {
            own: OriginBreaker::default(),
            last: None,
            answered_at: None,
            failed_at: None,
            others: Recent::new(MAX_ORIGINS),
            addresses: Recent::new(MAX_ADDRESSES),
        };
        Self {
            own: own.clone(),
            clock,
            hasher: RandomState::new(),
            state: Mutex::new(state),
        }
    }

    /// Whether an address may be asked. Whoever is told of a trial sees to it.
    pub(super) fn admit(&self, url: &Url) -> Result<(), Wait> {
        let (mut state, now) = (self.state(), self.clock.now());
        if let Some(breaker) = self.known(&mut state, url) {
            breaker.admit(now)?;
        }
        match state.addresses.get_mut(self.address(url)) {
            Some(address) => address.breaker.admit(now),
            None => Ok(()),
        }
    }

    /// Whether an address may be asked, for who may go on or not.
    pub(super) fn is_open(&self, url: &Url) -> bool {
        let (mut state, now) = (self.state(), self.clock.now());
        let origin = self.known(&mut state, url);
        let is_paused = origin.is_some_and(|breaker| breaker.pause(now).is_some());
        let address = state.addresses.get_mut(self.address(url));
        !is_paused && address.is_none_or(|address| address.breaker.admit(now).is_ok())
    }

    /// An origin answers; whether all of the answer comes is still to be seen.
    pub(super) fn answered(&self, url: &Url) {
        let (mut state, now) = (self.state(), self.clock.now());
        if self.is_own(url) {
            state.answered_at = Some(now);
        }
        if let Some(breaker) = self.known(&mut state, url) {
            breaker.answered();
        }
    }

    /// An address answered as it should, to the end.
    pub(super) fn succeeded(&self, url: &Url) {
        self.state().addresses.remove(self.address(url));
    }

    /// A request failed, after as many tries as it was worth.
    pub(super) fn failed(&self, failure: &Failure) -> Consequence {
        let (now, url, fault) = (self.clock.now(), &failure.url, failure.fault);
        let (origin, address) = (self.origin(url), self.address(url));
        let mut state = self.state();
        self.note(&mut state, failure, now);
        let verdict = match fault {
            Fault::BrokeOff => Verdict::Open,
            _ => self.breaker(&mut state, url).failed(fault, address, now),
        };
        if let (Verdict::Paused, Some(left)) = (verdict, fault.wait()) {
            return Consequence {
                left,
                is_suspect: false,
            };
        }
        let make = || Address {
            origin,
            breaker: AddressBreaker::default(),
        };
        let known = state.addresses.get_or_insert(address, make);
        Consequence {
            left: known.breaker.failed(fault, now),
            is_suspect: verdict == Verdict::Suspect,
        }
    }

    /// Whether the upstream's own origin is suspected, or left alone, because it did not answer.
    pub(super) fn is_unanswered(&self) -> bool {
        self.state().own.is_unanswered()
    }

    /// The address of the upstream's own origin that answered last that it cannot.
    pub(super) fn failed_at(&self) -> Option<Url> {
        self.state().failed_at.clone()
    }

    /// After the time that someone waited for an origin: whether it is to be tried now.
    pub(super) fn begin_trial(&self, url: &Url) -> bool {
        let now = self.clock.now();
        self.known(&mut self.state(), url)
            .is_some_and(|breaker| breaker.begin_trial(now))
    }

    /// A trial of an origin came to nothing.
    pub(super) fn abandon_trial(&self, url: &Url) {
        if let Some(breaker) = self.known(&mut self.state(), url) {
            breaker.abandon_trial();
        }
    }

    /// A trial of an origin failed. How long it is not asked, if it is left alone.
    pub(super) fn confirmed(&self, failure: &Failure) -> Option<Duration> {
        let now = self.clock.now();
        let mut state = self.state();
        let breaker = self.breaker(&mut state, &failure.url);
        let pause = breaker.confirmed(failure.fault, now);
        if pause.is_some() {
            self.note(&mut state, failure, now);
        }
        pause
    }

    /// A trial of an origin went well. Whether that ends a pause; what was paused with it is not
    /// any more.
    pub(super) fn opened(&self, url: &Url) -> bool {
        let origin = self.origin(url);
        let mut state = self.state();
        let ended = self.breaker(&mut state, url).opened();
        if ended {
            let kept = |known: &Address| known.origin != origin || !known.breaker.is_unanswered();
            state.addresses.retain(kept);
        }
        ended
    }

    /// Someone asked whether the upstream is there, and it is: all its addresses begin anew.
    pub(super) fn begin_anew(&self) {
        let origin = self.origin(&self.own);
        let mut state = self.state();
        state.own.opened();
        state.answered_at = Some(self.clock.now());
        state.addresses.retain(|known| known.origin != origin);
    }

    /// How all of them fare; how long answers took is counted elsewhere.
    pub(super) fn health(&self) -> Health {
        let (state, now) = (self.state(), self.clock.now());
        let own = self.origin(&self.own);
        let addresses = state.addresses.values();
        let worst = addresses
            .filter(|known| known.origin == own)
            .map(|known| known.breaker.failures(now))
            .max();
        let paused = |other: &Other| {
            let (pause, fault) = running(other.breaker.pause(now))?;
            Some(PausedOrigin {
                origin: other.name.clone(),
                pause,
                reason: format!("it {fault}").into(),
            })
        };
        let mut paused_origins: Vec<_> = state.others.values().filter_map(paused).collect();
        paused_origins.sort_by(|a, b| a.origin.cmp(&b.origin));
        Health {
            failures: state.own.failures().max(worst.unwrap_or_default()),
            pause: running(state.own.pause(now)).map(|(left, _)| left),
            last_error: state
                .last
                .as_ref()
                .map(|(why, at)| (why.clone(), now.since(*at))),
            last_answer: state.answered_at.map(|at| now.since(at)),
            answers: Distribution::default(),
            paused_origins,
            warnings: Vec::new(),
        }
    }

    /// Remembers what the upstream's own origin did last.
    fn note(&self, state: &mut State, failure: &Failure, now: Timestamp) {
        if !self.is_own(&failure.url) {
            return;
        }
        let fault = failure.fault;
        let why = if fault.is_unanswered() {
            format!("it {fault}")
        } else {
            format!("it {fault} for {}", short(failure.url.path()))
        };
        state.last = Some((why.into(), now));
        if matches!(fault, Fault::Status(..)) && failure.url.as_str().len() <= MAX_URL {
            state.failed_at = Some(failure.url.clone());
        }
    }

    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.own.origin()
    }

    /// The breaker of an origin, if there is something to know of it.
    fn known<'a>(&self, state: &'a mut State, url: &Url) -> Option<&'a mut OriginBreaker> {
        if self.is_own(url) {
            return Some(&mut state.own);
        }
        let other = state.others.get_mut(self.origin(url));
        other.map(|other| &mut other.breaker)
    }

    /// The breaker of an origin of which there is something to remember.
    fn breaker<'a>(&self, state: &'a mut State, url: &Url) -> &'a mut OriginBreaker {
        if self.is_own(url) {
            return &mut state.own;
        }
        let make = || Other {
            name: short(&url.origin().ascii_serialization()).into(),
            breaker: OriginBreaker::default(),
        };
        &mut state.others.get_or_insert(self.origin(url), make).breaker
    }

    fn origin(&self, url: &Url) -> u64 {
        self.hasher.hash_one(url.origin())
    }

    /// What follows a question mark makes no address of its own: a signature there changes with
    /// each request.
    fn address(&self, url: &Url) -> u64 {
        self.hasher.hash_one((url.origin(), url.path()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pause that has not ended. One that has lasts until somebody asks, but nobody waits for it.
fn running(pause: Option<(Duration, Fault)>) -> Option<(Duration, Fault)> {
    pause.filter(|(left, _)| !left.is_zero())
}

/// Text up to a bound.
fn short(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_TEXT).map(|(at, _)| at);
    end.map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests;
