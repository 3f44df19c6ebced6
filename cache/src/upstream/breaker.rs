//! The circuit breakers of an origin and of one address at it: pauses that grow while it fails, and
//! pauses that it asks for.
//!
//! Neither knows the other, nor what time it is.

use super::failure::Fault;
use larder_model::Timestamp;
use std::time::Duration;

/// The first pause, and the longest one that nobody asked for.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// So many different addresses that fail in a row have us ask whether the whole origin does.
pub(super) const FAILING_ADDRESSES: usize = 10;
/// So many answers in a row that break off are taken for accidents.
const ACCIDENTS: u32 = 2;
/// What an address did so long ago counts no more.
const FORGOTTEN: Duration = Duration::from_mins(10);
/// While an origin is being tried, the others are told to come back after so long.
const TRIAL: Duration = Duration::from_secs(1);

/// A time in which nothing is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pause {
    since: Timestamp,
    until: Timestamp,
    fault: Fault,
}

impl Pause {
    fn new(now: Timestamp, length: Duration, fault: Fault) -> Self {
        Self {
            since: now,
            until: now.after(length),
            fault,
        }
    }

    /// How much of it is left. A clock that was set back ends it.
    fn left(&self, now: Timestamp) -> Option<Duration> {
        (self.since <= now && now < self.until).then(|| self.until.since(now))
    }
}

/// The pause after so many in a row.
fn growing(times: u32) -> Duration {
    (FIRST_PAUSE * 2_u32.pow(times.saturating_sub(1).min(6))).min(LONGEST_PAUSE)
}

/// Why something is not asked now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Wait {
    /// What it did.
    pub(super) fault: Fault,
    /// When to come back.
    pub(super) left: Duration,
    /// What is to be done so that it is asked again.
    pub(super) trial: Option<Trial>,
}

/// When an origin is to be tried, by whoever is told so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trial {
    Now,
    After(Duration),
}

/// What a failure of an address says of its origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Nothing.
    Open,
    /// It may fail as a whole: it is to be tried now, by whoever is told so.
    Suspect,
    /// It asked for time, and gets it.
    Paused,
}

/// The circuit breaker of one origin.
#[derive(Default, Debug)]
pub(super) struct OriginBreaker {
    /// Requests in a row that failed, and how the last one did.
    failures: u32,
    last: Option<Fault>,
    /// Different addresses that failed in a row, as far as they are counted.
    addresses: Vec<u64>,
    pause: Option<Pause>,
    /// The address that asked for it.
    asked_by: Option<u64>,
    /// The address that asked for time in vain: the origin had it, and then answered a trial.
    refuted: Option<u64>,
    /// Pauses in a row that nobody asked for.
    pauses: u32,
    /// Whether it is being tried.
    is_tried: bool,
    /// Whether someone has asked meanwhile, so that it is tried when the pause ends.
    is_awaited: bool,
}

impl OriginBreaker {
    /// Whether it may be asked. Whoever is told of a trial sees to it.
    pub(super) fn admit(&mut self, now: Timestamp) -> Result<(), Wait> {
        let Some(pause) = &self.pause else {
            return Ok(());
        };
        let (left, trial) = match pause.left(now) {
            Some(left) if !self.is_awaited => (left, Some(Trial::After(left))),
            Some(left) => (left, None),
            None if !self.is_tried => (TRIAL, Some(Trial::Now)),
            None => (TRIAL, None),
        };
        let fault = pause.fault;
        self.is_awaited |= matches!(trial, Some(Trial::After(_)));
        self.is_tried |= trial == Some(Trial::Now);
        Err(Wait { fault, left, trial })
    }

    /// After the time that someone waited: whether it is to be tried now.
    pub(super) fn begin_trial(&mut self, now: Timestamp) -> bool {
        self.is_awaited = false;
        let due = self
            .pause
            .as_ref()
            .is_some_and(|pause| pause.left(now).is_none());
        let begins = due && !self.is_tried;
        self.is_tried |= begins;
        begins
    }

    /// A trial came to nothing: whoever asks next begins another.
    pub(super) fn abandon_trial(&mut self) {
        self.is_tried = false;
    }

    /// It answered a request as it should. That ends no pause: a trial does.
    pub(super) fn answered(&mut self) {
        if self.pause.is_none() {
            self.failures = 0;
            self.addresses.clear();
        }
    }

    /// A request to an address of it failed.
    pub(super) fn failed(&mut self, fault: Fault, address: u64, now: Timestamp) -> Verdict {
        self.failures = self.failures.saturating_add(1);
        self.last = Some(fault);
        if let Some(wait) = fault.wait_of_origin()
            && !self.is_refuted(fault, address)
        {
            self.pause_for(wait, fault, now);
            self.asked_by = Some(address);
            return Verdict::Paused;
        }
        if matches!(fault, Fault::Status(..))
            && self.addresses.len() < FAILING_ADDRESSES
            && !self.addresses.contains(&address)
        {
            self.addresses.push(address);
        }
        let suspect = fault.is_unanswered() || self.addresses.len() >= FAILING_ADDRESSES;
        if !suspect || self.pause.is_some() || self.is_tried {
            return Verdict::Open;
        }
        self.is_tried = true;
        Verdict::Suspect
    }

    /// Whether an address speaks for itself alone though it says that the service is unavailable:
    /// else one that is broken would keep the others from being asked. Who says that we ask too
    /// often speaks for all of them each time.
    fn is_refuted(&self, fault: Fault, address: u64) -> bool {
        matches!(fault, Fault::Status(503, _)) && self.refuted == Some(address)
    }

    /// A trial failed: it is left alone for longer than the last time. For how long; `None` if it
    /// answered someone else meanwhile, so that it does not fail as a whole.
    pub(super) fn confirmed(&mut self, fault: Fault, now: Timestamp) -> Option<Duration> {
        self.is_tried = false;
        let wait = fault.wait_of_origin();
        if self.pause.is_none() && self.failures == 0 && wait.is_none() {
            return None;
        }
        self.failures = self.failures.saturating_add(1);
        let length = wait.unwrap_or_else(|| {
            self.pauses = self.pauses.saturating_add(1);
            growing(self.pauses)
        });
        self.pause = Some(Pause::new(now, length, fault));
        Some(length)
    }

    /// A trial went well. Whether that ends a pause.
    pub(super) fn opened(&mut self) -> bool {
        let before = std::mem::take(self);
        self.is_awaited = before.is_awaited; // who waits for the end of the pause finds none
        self.refuted = before.asked_by.or(before.refuted);
        before.pause.is_some()
    }

    /// It asked for time. A longer pause stays.
    fn pause_for(&mut self, wait: Duration, fault: Fault, now: Timestamp) {
        let left = self.pause.as_ref().and_then(|pause| pause.left(now));
        if left.is_none_or(|left| left < wait) {
            self.pause = Some(Pause::new(now, wait, fault));
        }
    }

    /// Requests in a row that failed.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether what it did was not to answer.
    pub(super) fn is_unanswered(&self) -> bool {
        let fault = self.pause.as_ref().map(|pause| pause.fault);
        fault.or(self.last).is_some_and(Fault::is_unanswered)
    }

    /// How much is left of its pause, and why it has one. One that has ended lasts until it is
    /// tried.
    pub(super) fn pause(&self, now: Timestamp) -> Option<(Duration, Fault)> {
        let pause = self.pause.as_ref()?;
        Some((pause.left(now).unwrap_or_default(), pause.fault))
    }
}

/// The circuit breaker of one address.
#[derive(Debug, Default)]
pub(super) struct AddressBreaker {
    /// Requests in a row that failed.
    failures: u32,
    pause: Option<Pause>,
    /// When it failed last, and how.
    last: Option<(Timestamp, Fault)>,
}

impl AddressBreaker {
    /// Whether it may be asked.
    pub(super) fn admit(&self, now: Timestamp) -> Result<(), Wait> {
        let Some(pause) = &self.pause else {
            return Ok(());
        };
        let wait = |left| Wait {
            fault: pause.fault,
            left,
            trial: None,
        };
        pause.left(now).map_or(Ok(()), |left| Err(wait(left)))
    }

    /// A request failed. How long it is not asked then.
    pub(super) fn failed(&mut self, fault: Fault, now: Timestamp) -> Duration {
        self.failures = self.failures(now).saturating_add(1);
        self.last = Some((now, fault));
        let free = if fault == Fault::BrokeOff {
            ACCIDENTS
        } else {
            0
        };
        let length = match fault.wait() {
            Some(wait) => wait,
            None if self.failures <= free => Duration::ZERO,
            None => growing(self.failures - free),
        };
        self.pause = Some(Pause::new(now, length, fault));
        length
    }

    /// Requests in a row that failed, if that was lately.
    pub(super) fn failures(&self, now: Timestamp) -> u32 {
        let lately = |(at, _): &(Timestamp, Fault)| now.since(*at) < FORGOTTEN;
        self.last
            .as_ref()
            .filter(|last| lately(last))
            .map_or(0, |_| self.failures)
    }

    /// Whether what keeps it from being asked is about its whole origin.
    pub(super) fn is_unanswered(&self) -> bool {
        self.last
            .as_ref()
            .is_some_and(|(_, fault)| fault.is_unanswered())
    }
}

#[cfg(test)]
mod tests;
