//! How often one caller may ask: a token bucket for each user, robot or anonymous address, bounded
//! in memory.

use crate::principal::Principal;
use larder_model::{Kind, Problem, Timestamp};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Callers remembered. Of more, those who asked least lately begin anew.
const MAX: u64 = 100_000;
const NANOSECONDS: i64 = 1_000_000_000;

/// How often one caller may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Requests a second, over time; 0 is no limit.
    pub per_second: u32,
    /// Requests at once after a pause; at least 1.
    pub burst: u32,
}

/// Whose requests are counted together. Whoever shows no credentials is known by its address alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Asker {
    Account(i64),
    Address(IpAddr),
}

impl Asker {
    fn of(principal: &Principal, address: IpAddr) -> Self {
        match principal.user {
            Some(user) => Self::Account(user),
            None => Self::Address(network_of(address)),
        }
    }
}

/// One customer of an IPv6 provider has a whole /64: its addresses are one.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Counts requests by who asks. Nobody's requests count for anyone else.
pub struct RateLimiter {
    /// When each bucket is full again, in nanoseconds since 1970 (the generic cell rate algorithm:
    /// one number a caller, no timer).
    full_at: Cache<Asker, Arc<AtomicI64>>,
    /// Nanoseconds in which one request is earned; `None`: there is no limit.
    interval: Option<i64>,
    burst: i64,
}

impl RateLimiter {
    /// A limiter that has seen nobody.
    pub fn new(rate: Rate) -> Self {
        let per_second = i64::from(rate.per_second);
        Self {
            // The newest caller is always remembered: else many addresses would keep it unlimited.
            full_at: Cache::builder()
                .max_capacity(MAX)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            interval: (per_second > 0).then(|| (NANOSECONDS / per_second).max(1)),
            burst: i64::from(rate.burst.max(1)),
        }
    }

    /// Counts a request of `principal` that came from `address` at `now`. A problem
    /// ([`Kind::TooMany`], with the time to wait) if it is one too many, which then counts for
    /// nothing.
    pub fn take(
        &self,
        principal: &Principal,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let Some(interval) = self.interval else {
            return Ok(());
        };
        let now = now.0.saturating_mul(1000);
        let size = interval.saturating_mul(self.burst);
        let asker = Asker::of(principal, address);
        let full_at = self.full_at.get_with(asker, Arc::default);
        let take = |full_at: i64| {
            let next = full_at.max(now).saturating_add(interval);
            (next <= now.saturating_add(size)).then_some(next)
        };
        let taken = full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map(drop).map_err(|full_at| {
            let missing = full_at
                .saturating_add(interval)
                .saturating_sub(now.saturating_add(size));
            too_many(missing)
        })
    }
}

/// One request too many: the next is earned after so many nanoseconds.
fn too_many(nanoseconds: i64) -> Problem {
    let wait = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or_default());
    let seconds = wait.as_nanos().div_ceil(1_000_000_000).max(1); // whole seconds, as Retry-After has them
    let detail = format!(
        "you sent more requests than this server takes from one caller; try again in {seconds} s, \
         and leave longer pauses between requests"
    );
    let mut problem = Problem::new(Kind::TooMany, "requests", detail);
    problem.retry_after = Some(Duration::from_secs(
        u64::try_from(seconds).unwrap_or(u64::MAX),
    ));
    problem
}

#[cfg(test)]
mod tests;
