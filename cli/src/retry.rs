//! When a call is made again: the server was asked too often (429) and says how long to wait.

use larder_model::hex;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, RETRY_AFTER};
use std::time::Duration;

/// The header under which a POST is carried out once, however often it is sent.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest that all pauses of one call may take together.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often one call is sent at most.
const ATTEMPTS: u32 = 10;
/// The pause where the server names none.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a call was sent again, and how long was waited for that.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    sent: u32,
    waited: Duration,
}

impl Retries {
    /// How long to wait before the call is sent again; `None`: its answer counts.
    pub(crate) fn pause(&mut self, status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
        self.sent += 1;
        if status != StatusCode::TOO_MANY_REQUESTS || self.sent >= ATTEMPTS {
            return None;
        }
        let pause = match headers.get(RETRY_AFTER) {
            // A date would be one of the server's clock: whoever gets one waits no further.
            Some(value) => Duration::from_secs(value.to_str().ok()?.trim().parse().ok()?),
            None => PAUSE,
        };
        self.waited = self.waited.checked_add(pause)?;
        (self.waited <= PATIENCE).then_some(pause)
    }
}

/// A text that no other request has: a random UUID (RFC 9562 5.4).
pub(crate) fn idempotency_key() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(&bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    Ok(parts.join("-"))
}

#[cfg(test)]
mod tests;
