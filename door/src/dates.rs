//! The date of bytes, for clients that ask by it alone whether they have the newest (RFC 9110 13.1.3).
//!
//! Dates have seconds, and within one second there may be several states. So a date is that of a state
//! alone: while the second in which it began is not over, it is told an earlier one, which its own bytes
//! decide. A client has the newest bytes if it knows one of their two dates, and no other is compared.
//! Bytes change with more than their state, as with the address that this server tells of itself: so
//! dates are earlier by up to an hour, which that decides.

use http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE};
use http::{HeaderMap, HeaderValue};
use larder_model::{Algorithm, Digest, Timestamp};
use std::sync::LazyLock;
use std::time::Duration;

/// The seconds by which dates are earlier are fewer.
const VIEWS: u64 = 3600;

/// By how many seconds dates are earlier of what nothing else decides.
static OF_BYTES_ALONE: LazyLock<u64> = LazyLock::new(|| earlier_by(""));

/// When a state of bytes began, as they are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Changed {
    /// When it began.
    at: Timestamp,
    /// When it is asked for.
    now: Timestamp,
    /// The date that is told of it.
    date: Timestamp,
}

impl Changed {
    /// A state that began `at` a time, and is asked for `now`. `view`: what else decides its bytes.
    pub fn new(at: Timestamp, now: Timestamp, view: &str) -> Self {
        let earlier = if view.is_empty() {
            *OF_BYTES_ALONE
        } else {
            earlier_by(view)
        };
        Self {
            at,
            now,
            date: at.before(Duration::from_secs(earlier)),
        }
    }

    /// The date that is told of the bytes with this entity tag.
    pub(crate) fn date(self, tag: &Digest) -> Option<HeaderValue> {
        let date = if self.is_settled() {
            self.date
        } else {
            self.own(tag)
        };
        HeaderValue::try_from(date.http_date()).ok()
    }

    /// Whether a client that asks by date alone has the bytes with this entity tag.
    pub(crate) fn is_known(self, headers: &HeaderMap, tag: &Digest) -> bool {
        if headers.contains_key(IF_NONE_MATCH) {
            return false; // which says more
        }
        self.is_told(headers.get(IF_MODIFIED_SINCE), tag)
    }

    /// Whether a client that has a part of bytes, and tells their date alone, has one of those with this
    /// entity tag (RFC 9110 13.1.5): no other bytes have that date.
    pub(crate) fn is_part_of(self, headers: &HeaderMap, tag: &Digest) -> bool {
        self.is_told(headers.get(IF_RANGE), tag)
    }

    /// Whether a date is one of the two that are told of the bytes with this entity tag.
    fn is_told(self, date: Option<&HeaderValue>, tag: &Digest) -> bool {
        let Some(date) = date.and_then(|value| value.to_str().ok()) else {
            return false;
        };
        date == self.own(tag).http_date() || self.is_settled() && date == self.date.http_date()
    }

    /// Whether no other state can begin in its second any more.
    fn is_settled(self) -> bool {
        self.now.seconds() > self.at.seconds()
    }

    /// The date before it began that its bytes decide.
    fn own(self, tag: &Digest) -> Timestamp {
        self.date.before(Duration::from_secs(number(tag) + 1))
    }
}

/// By how many seconds dates are earlier of what this decides.
fn earlier_by(view: &str) -> u64 {
    number(&Digest::of(Algorithm::Sha256, view.as_bytes())) % VIEWS
}

/// A number that bytes decide.
fn number(digest: &Digest) -> u64 {
    let bytes = digest.bytes().iter().take(2);
    bytes.fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
