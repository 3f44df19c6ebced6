//! When and from where tokens and sessions were used: noted in memory, written down by a job. A use
//! that is like one of a moment ago costs a look.

use crate::principal::Principal;
use larder_model::{Origin, Timestamp};
use moka::sync::Cache;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A use of the same thing from the same address is not noted again within this time.
const GRANULARITY: Duration = Duration::from_mins(1);
/// Things and addresses remembered, and uses that wait to be written; of those beyond nothing is
/// noted.
const MAX_REMEMBERED: usize = 100_000;

/// A use that waits to be written down.
pub(crate) struct Waiting {
    pub(crate) at: Timestamp,
    /// Who used it.
    pub(crate) label: Arc<str>,
    pub(crate) request_id: Box<str>,
}

/// Uses of things of one kind, by their ids.
pub(crate) struct NotedUses {
    recent: Cache<(i64, IpAddr), Timestamp>,
    waiting: Mutex<BTreeMap<(i64, IpAddr), Waiting>>,
}

impl NotedUses {
    pub(crate) fn new() -> Self {
        Self {
            recent: Cache::builder()
                .max_capacity(MAX_REMEMBERED as u64)
                .time_to_live(GRANULARITY)
                .build(),
            waiting: Mutex::default(),
        }
    }

    pub(crate) fn note(&self, used: i64, caller: &Principal, origin: &Origin, at: Timestamp) {
        let key = (used, origin.address);
        let before = self.recent.get(&key);
        if before.is_some_and(|before| at.since(before) < GRANULARITY) {
            return;
        }
        self.recent.insert(key, at);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MAX_REMEMBERED {
            let use_now = Waiting {
                at,
                label: Arc::clone(&caller.label),
                request_id: (&*origin.request_id).into(),
            };
            waiting.insert(key, use_now);
        }
    }

    /// When and from where a thing was used last, if that waits to be written.
    pub(crate) fn last_of(&self, thing: i64) -> Option<(Timestamp, IpAddr)> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let first = (thing, IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let last = (thing, IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)));
        let uses = waiting.range(first..=last);
        uses.map(|(&(_, address), waiting)| (waiting.at, address))
            .max()
    }

    /// What was noted since the last time.
    pub(crate) fn take(&self) -> BTreeMap<(i64, IpAddr), Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut waiting)
    }
}
