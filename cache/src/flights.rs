//! One flight for all who ask for the same thing at once; it goes on when they leave.

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use larder_model::{FileKind, Problem};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

/// What is under way: a repo's id, and what in it.
pub(crate) type Key = (i64, Box<str>);

/// Names a file of a package of a repo.
pub(crate) fn file_key(repo: i64, package: &str, kind: FileKind, path: &str) -> Key {
    (repo, format!("{package}\0{}\0{path}", kind.word()).into())
}

type Flight<T> = Shared<BoxFuture<'static, Result<FlightResult<T>, Arc<Problem>>>>;
type All<T> = Arc<Mutex<HashMap<Key, Flight<T>>>>;

/// Flights by what they bring.
pub(crate) struct Flights<T: Clone>(All<T>);

/// What a flight brings, and what is still to be done with it once those who wait have it.
#[derive(Clone)]
pub(crate) struct FlightResult<T> {
    pub(crate) brought: T,
    rest: Option<Shared<BoxFuture<'static, ()>>>,
}

impl<T> From<T> for FlightResult<T> {
    fn from(brought: T) -> Self {
        Self {
            brought,
            rest: None,
        }
    }
}

impl<T> FlightResult<T> {
    /// With more to be done, which tells of its own failures.
    pub(crate) fn and(brought: T, rest: impl Future<Output = ()> + Send + 'static) -> Self {
        let rest = AssertUnwindSafe(rest).catch_unwind().map(drop);
        Self {
            brought,
            rest: Some(rest.boxed().shared()),
        }
    }

    /// Waits until that is done.
    pub(crate) async fn ended(self) {
        if let Some(rest) = self.rest {
            rest.await;
        }
    }
}

impl<T: Clone> Default for Flights<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// Waits for the flight of `key`, which `start` begins if there is none in the air. What an
    /// earlier one left to be done is done before that.
    pub(crate) async fn join<F, L>(&self, key: Key, start: impl FnOnce() -> F) -> Result<T, Problem>
    where
        F: Future<Output = Result<L, Problem>> + Send + 'static,
        L: Into<FlightResult<T>> + 'static,
    {
        let flight = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match flights.get(&key) {
                Some(flight) if flight.peek().is_none() => flight.clone(),
                before => {
                    let flight = fly(before.and_then(landed), start()).boxed().shared();
                    flights.insert(key.clone(), flight.clone());
                    tokio::spawn(end(Arc::clone(&self.0), key, flight.clone()));
                    flight
                }
            }
        };
        flight
            .await
            .map(|landed| landed.brought)
            .map_err(|problem| problem.again())
    }

    /// What the flight of `key` brought, if it has landed and there is more to be done.
    pub(crate) fn landed(&self, key: &Key) -> Option<FlightResult<T>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .and_then(landed)
    }
}

fn landed<T: Clone>(flight: &Flight<T>) -> Option<FlightResult<T>> {
    flight.peek()?.as_ref().ok().cloned()
}

async fn fly<T, L: Into<FlightResult<T>>>(
    before: Option<FlightResult<T>>,
    going: impl Future<Output = Result<L, Problem>> + Send,
) -> Result<FlightResult<T>, Arc<Problem>> {
    if let Some(before) = before {
        before.ended().await;
    }
    let crashed = |_| Err(Problem::internal("a flight crashed"));
    AssertUnwindSafe(going)
        .catch_unwind()
        .await
        .unwrap_or_else(crashed)
        .map(Into::into)
        .map_err(Arc::new)
}

/// Goes on to the very end when those who wait have left.
async fn end<T: Clone>(all: All<T>, key: Key, flight: Flight<T>) {
    if let Ok(landed) = flight.clone().await {
        landed.ended().await;
    }
    let mut flights = all.lock().unwrap_or_else(PoisonError::into_inner);
    if flights.get(&key).is_some_and(|now| now.ptr_eq(&flight)) {
        flights.remove(&key);
    }
}

#[cfg(test)]
mod tests;
