//! Ids of upload sessions, and which of them a request is working on.

use larder_model::{Algorithm, Kind, Problem, hex};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

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
pub(crate) struct Sessions(Arc<Mutex<HashSet<Box<str>>>>);

/// That no other request works on the session meanwhile.
pub(crate) struct Busy(Arc<Mutex<HashSet<Box<str>>>>, Box<str>);

impl Sessions {
    /// Begins to work on a session.
    pub(crate) fn enter(&self, id: &str) -> Result<Busy, Problem> {
        let entered = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.into());
        if !entered {
            return Err(Problem::new(
                Kind::Range,
                "upload",
                "another request is working on this upload",
            ));
        }
        Ok(Busy(Arc::clone(&self.0), id.into()))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.1);
    }
}
