//! Failed logins: by name and address, and by name alone. Bounded in memory.
//!
//! Nobody can lock anyone else out: failures from one address shut that address alone, and those from
//! many addresses shut the name only to addresses from which it was never used.

use crate::rate_limit::network_of;
use larder_model::UserName;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The time over which failures are counted.
pub(crate) const WINDOW: Duration = Duration::from_mins(1);
/// How many times the failures that one address may have a name may have from all together.
const TOGETHER: u32 = 10;
/// Names and addresses remembered.
const MAX: u64 = 100_000;

/// Who tries to log in: a name, and where it is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Login {
    address: IpAddr,
    /// Empty: what cannot be a name. All of these are one.
    name: Box<str>,
}

impl Login {
    pub(crate) fn new(address: IpAddr, name: &str) -> Self {
        let is_name = name.parse::<UserName>().is_ok();
        Self {
            address: network_of(address),
            name: if is_name { name.into() } else { "".into() },
        }
    }
}

/// Counts failures.
pub(crate) struct Throttle {
    here: Cache<Login, Arc<AtomicU32>>,
    anywhere: Cache<Box<str>, Arc<AtomicU32>>,
    /// Logins that went well.
    known: Cache<Login, ()>,
    allowed: u32,
}

fn is_full(failures: Option<Arc<AtomicU32>>, allowed: u32) -> bool {
    failures.is_some_and(|failures| failures.load(Ordering::Relaxed) >= allowed)
}

impl Throttle {
    /// `allowed`: failures a minute for one name from one address.
    pub(crate) fn new(allowed: u32) -> Self {
        // The newest are always remembered: else many names would keep one unlimited.
        Self {
            here: Cache::builder()
                .max_capacity(MAX)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(WINDOW)
                .build(),
            anywhere: Cache::builder()
                .max_capacity(MAX)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(WINDOW)
                .build(),
            known: Cache::builder()
                .max_capacity(MAX)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            allowed,
        }
    }

    /// Whether the name failed too often from this address of late.
    pub(crate) fn is_shut_here(&self, login: &Login) -> bool {
        is_full(self.here.get(login), self.allowed)
    }

    /// Whether the name failed too often of late, wherever, and this address is none from which it
    /// is known to have logged in.
    pub(crate) fn is_shut_to_strangers(&self, login: &Login) -> bool {
        let allowed = self.allowed.saturating_mul(TOGETHER);
        is_full(self.anywhere.get(&login.name), allowed) && !self.known.contains_key(login)
    }

    /// Whether no password of this name is looked at here for now.
    pub(crate) fn is_shut(&self, login: &Login) -> bool {
        self.is_shut_here(login) || self.is_shut_to_strangers(login)
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, login: &Login) {
        let here = self.here.get_with_by_ref(login, Arc::default);
        here.fetch_add(1, Ordering::Relaxed);
        let anywhere = self.anywhere.get_with_by_ref(&login.name, Arc::default);
        anywhere.fetch_add(1, Ordering::Relaxed);
    }

    /// Remembers that the name was used from this address.
    pub(crate) fn succeeded(&self, login: &Login) {
        self.known.insert(login.clone(), ());
    }
}

#[cfg(test)]
mod tests;
