//! Ids of upload sessions, and which of them a request is working on.

use larder_model::{Algorithm, Kind, Problem, hex};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// A session's id: a UUID (version 4) whose variant also tells the algorithm to us, by its last
/// digit.
pub(crate) fn new_session(algorithm: Algorithm) -> Result<String, Problem> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(Problem::internal)?;
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    random[15] = random[15] & 0xfe | u8::from(algorithm == Algorithm::Sha512);
    let hex = hex::encode(&random);
    Ok(format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    ))
}

pub(crate) fn algorithm_of(session: &str) -> Algorithm {
    match session.bytes().last() {
        Some(b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f') => Algorithm::Sha512,
        _ => Algorithm::Sha256,
    }
}

pub(crate) fn is_session(id: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    let fits = |(at, byte): (usize, u8)| {
        if dashes.contains(&at) {
            byte == b'-'
        } else {
            byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
        }
    };
    id.len() == 36 && id.bytes().enumerate().all(fits)
}

/// The name of a session's staging file: the id without its dashes.
pub(crate) fn stage_id(session: &str) -> String {
    session.replace('-', "")
}

/// Sessions that a request is working on. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<State>);

#[derive(Default)]
struct State {
    busy: Mutex<HashSet<Box<str>>>,
    /// Told whenever a request has ended.
    ended: Notify,
}

impl State {
    fn busy(&self) -> MutexGuard<'_, HashSet<Box<str>>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That no other request works on the session meanwhile.
pub(crate) struct Busy(Arc<State>, Box<str>);

impl Sessions {
    /// Begins to work on a session.
    pub(crate) fn enter(&self, id: &str) -> Result<Busy, Problem> {
        if !self.0.busy().insert(id.into()) {
            return Err(Problem::new(
                Kind::Range,
                "upload",
                "another request is working on this upload",
            ));
        }
        Ok(Busy(Arc::clone(&self.0), id.into()))
    }

    /// Waits until nobody works on a session, for no longer than `limit`.
    pub(crate) async fn settled(&self, id: &str, limit: Duration) {
        let settled = async {
            loop {
                let mut ended = std::pin::pin!(self.0.ended.notified());
                ended.as_mut().enable();
                if !self.0.busy().contains(id) {
                    return;
                }
                ended.await;
            }
        };
        // Whoever waited in vain finds it as it is.
        tokio::time::timeout(limit, settled)
            .await
            .unwrap_or_default();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy().remove(&self.1);
        self.0.ended.notify_waiters();
    }
}
