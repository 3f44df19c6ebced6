//! Turns at work on large documents: a bounded queue, in which those who want the same wait as one, and
//! from which they go when none of them waits any more.

use crate::flights::Key;
use crate::limits::{Budget, Share};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use larder_model::Problem;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Documents that wait for their turn at once.
const MAX_WAITING: usize = 64;
/// When clients may ask again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

type Turn = BoxFuture<'static, Result<Arc<Share>, Arc<Problem>>>;

/// Those who wait.
pub(crate) struct Turns {
    budget: Budget,
    waiting: Mutex<HashMap<Key, WeakShared<Turn>>>,
}

impl Turns {
    /// Turns at shares of a budget.
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            budget,
            waiting: Mutex::default(),
        }
    }

    /// Waits for the turn of a document of so many bytes, together with all who want the same.
    pub(crate) async fn wait(&self, key: Key, bytes: u64) -> Result<Arc<Share>, Problem> {
        let turn = self.join(&key, bytes)?;
        turn.await.map_err(|problem| problem.again())
    }

    fn join(&self, key: &Key, bytes: u64) -> Result<Shared<Turn>, Problem> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = waiting.get(key).and_then(WeakShared::upgrade) {
            return Ok(turn);
        }
        waiting.retain(|_, turn| turn.upgrade().is_some());
        if waiting.len() >= MAX_WAITING {
            let detail = format!(
                "{MAX_WAITING} large documents are waiting to be made for clients: try again later"
            );
            return Err(Problem::busy(detail, RETRY_AFTER));
        }
        let budget = self.budget.clone();
        let turn = async move {
            budget
                .share_for_work(bytes)
                .await
                .map(Arc::new)
                .map_err(Arc::new)
        };
        let turn = turn.boxed().shared();
        waiting.extend(turn.downgrade().map(|weak| (key.clone(), weak)));
        Ok(turn)
    }
}

#[cfg(test)]
mod tests;
