//! Addresses that tell of the way requests came (`X-Forwarded-*`) and are not trusted. Nearly always
//! that is a proxy of ours that nobody told the server of: all its clients count as one, and links
//! are those of its own side. The log says so, seldom: anyone can send such headers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an address is not told of again.
const PAUSE: Duration = Duration::from_hours(1);
/// Of how many addresses the log tells within that time.
const MAX_ADDRESSES: usize = 64;

/// The addresses that were told of, and when.
#[derive(Default)]
pub(crate) struct Unheard(Mutex<HashMap<IpAddr, Instant>>);

impl Unheard {
    /// Tells of a request that came from there.
    pub(crate) fn tell(&self, address: IpAddr) {
        if self.is_due(address, Instant::now()) {
            tracing::warn!(
                %address,
                "this address sends X-Forwarded-* or Forwarded, and is not in \
                 server.trusted_proxies: if it is your proxy, name it there, for its clients count as \
                 one, and links may name the wrong host and scheme (or set server.public_url)"
            );
        }
    }

    /// Whether it is to be told of an address now; notes that it is.
    fn is_due(&self, address: IpAddr, now: Instant) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < PAUSE;
        if told.get(&address).is_some_and(is_recent) {
            return false;
        }
        told.retain(|_, at| is_recent(at));
        if told.len() >= MAX_ADDRESSES {
            return false;
        }
        told.insert(address, now);
        true
    }
}

#[cfg(test)]
mod tests;
