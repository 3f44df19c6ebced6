//! Callers whose credentials were verified a moment ago.

use crate::principal::Principal;
use larder_model::{Algorithm, Digest, Hasher, Problem, Timestamp};
use moka::sync::Cache;
use std::sync::Arc;
use std::time::Duration;

/// A verified credential is taken without another check for so long, as long as no right changed.
const REMEMBERED: Duration = Duration::from_mins(1);
/// Verified credentials remembered.
const MAX_REMEMBERED: u64 = 20_000;

/// A caller whose credentials hold.
#[derive(Clone)]
pub(crate) struct VerifiedCaller {
    pub(crate) principal: Arc<Principal>,
    /// When its credentials end.
    pub(crate) expires_at: Option<Timestamp>,
    /// The stored hash that its password agreed with: while that stays, the password does too.
    pub(crate) password_hash: Option<Box<str>>,
}

/// The same, under a version of all rights.
pub(crate) struct RememberedCaller {
    pub(crate) version: Box<str>,
    pub(crate) caller: VerifiedCaller,
}

impl RememberedCaller {
    /// Whether it can be taken as it is.
    pub(crate) fn holds(&self, version: &str, now: Timestamp) -> bool {
        let ended = self.caller.expires_at.is_some_and(|end| end <= now);
        *self.version == *version && !ended
    }
}

/// Callers by a keyed hash of their header, so that no secret lies in memory.
pub(crate) struct RememberedCallers {
    callers: Cache<Digest, Arc<RememberedCaller>>,
    key: [u8; 32],
}

impl RememberedCallers {
    pub(crate) fn new() -> Result<Self, Problem> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(Problem::internal)?;
        let callers = Cache::builder()
            .max_capacity(MAX_REMEMBERED)
            .time_to_live(REMEMBERED)
            .build();
        Ok(Self { callers, key })
    }

    /// The name of a header's value in here.
    pub(crate) fn name(&self, header: &[u8]) -> Digest {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(&self.key);
        hasher.update(header);
        hasher.finish()
    }

    pub(crate) fn get(&self, name: &Digest) -> Option<Arc<RememberedCaller>> {
        self.callers.get(name)
    }

    pub(crate) fn keep(&self, name: Digest, caller: RememberedCaller) {
        self.callers.insert(name, Arc::new(caller));
    }
}
