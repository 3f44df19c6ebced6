//! One flight for all who ask for the same thing at once; it goes on when they leave.

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use larder_model::Problem;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

/// What is under way: a repo's id, and what in it.
pub(crate) type Key = (i64, Box<str>);

type Flight<T> = Shared<BoxFuture<'static, Result<T, Arc<Problem>>>>;

/// Flights by what they bring.
pub(crate) struct Flights<T: Clone>(Arc<Mutex<HashMap<Key, Flight<T>>>>);

impl<T: Clone> Default for Flights<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// Waits for the flight of `key`, which `start` begins if there is none.
    pub(crate) async fn join<F>(&self, key: Key, start: impl FnOnce() -> F) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let flight = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(flight) = flights.get(&key) {
                flight.clone()
            } else {
                let (all, own, going) = (Arc::clone(&self.0), key.clone(), start());
                let flight = async move {
                    let landed = AssertUnwindSafe(going).catch_unwind().await;
                    let crashed = |_| Err(Problem::internal("a flight crashed"));
                    let outcome = landed.unwrap_or_else(crashed).map_err(Arc::new);
                    all.lock().unwrap_or_else(PoisonError::into_inner).remove(&own);
                    outcome
                };
                let flight = flight.boxed().shared();
                flights.insert(key, flight.clone());
                tokio::spawn(flight.clone());
                flight
            }
        };
        flight.await.map_err(|problem| problem.again())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn many_ask_and_one_flies_even_if_they_leave() {
        let (flights, count, go) = (Flights::<u32>::default(), Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let fly = || {
            let (count, go) = (Arc::clone(&count), Arc::clone(&go));
            async move {
                go.notified().await;
                Ok(count.fetch_add(1, Ordering::SeqCst) + 1)
            }
        };
        let key: Key = (1, "a".into());
        {
            let first = flights.join(key.clone(), fly);
            assert!(futures_util::poll!(Box::pin(first)).is_pending());
        }
        let second = flights.join(key.clone(), fly);
        go.notify_one();
        assert_eq!(second.await.expect("flight"), 1);
        go.notify_one();
        assert_eq!(flights.join(key, fly).await.expect("flight"), 2, "the next one flies again");
    }
}
