//! Logs that anyone can check (RFC 6962): lists of records that only grow. Whoever has a signed state
//! of one can prove that a record is in it, and that an older state is a beginning of it.
//!
//! What is kept of a log is one state and all that proves the kept records, and every earlier state,
//! in it. So all answers fit together, also when nobody can be asked. These are pure functions, too:
//! the engine reads what is kept, fetches what is missing, and keeps what was proven.

use crate::resource::{Document, LogRequest};
use bytes::Bytes;
use larder_model::{ChecksumLog, Problem};
use std::collections::HashMap;
use std::sync::Arc;

/// What one step of an answer needs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum LogRead {
    /// A document that may be kept.
    Kept(Document),
    /// What the log itself has at a path.
    Fetched(String),
}

/// What was read for an answer; `None`: it is not there.
pub type LogReads = HashMap<LogRead, Option<Bytes>>;

/// A step of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogStep {
    /// These are needed first.
    Read(Vec<LogRead>),
    /// The answer.
    Done(LogAnswer),
}

/// An answer of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogAnswer {
    /// The body.
    pub body: Bytes,
    /// What was proven, and is to be kept before the answer goes out.
    pub proven: Vec<(Document, Bytes)>,
    /// The state that is kept from now on, if another was kept before.
    pub state: Option<(Document, Bytes)>,
    /// What that takes the place of, beside the state before.
    pub gone: Vec<Document>,
}

/// An opened log.
pub trait Log: Send + Sync {
    /// The path below an address that says whether the log is there.
    fn probe(&self) -> &'static str;

    /// Addresses at which it may be, the first to be asked first: absolute, or relative to the
    /// upstream's. All but the last are asked whether it is there.
    fn places(&self) -> &[String];

    /// Whether it has this name, which a request gives.
    fn is_named(&self, name: &str) -> bool;

    /// Whether it is not to be asked for records of a package.
    fn is_private(&self, package: &str) -> bool;

    /// The next step of an answer. `renew`: a state is to be asked for, whatever is kept.
    fn step(&self, wanted: &LogRequest, reads: &LogReads, renew: bool) -> Result<LogStep, Problem>;

    /// The document that is the state.
    fn state(&self) -> Document;
}

/// Logs, for protocols that have them.
pub trait Logs: Send + Sync {
    /// Opens a log. Fails if its settings cannot be those of one.
    fn open(&self, settings: &ChecksumLog) -> Result<Arc<dyn Log>, Problem>;

    /// Whether a document is a part of a log, and none that an upstream has.
    fn has(&self, document: &Document) -> bool;

    /// Whether such a part proves what is kept of other packages.
    fn proves(&self, document: &Document) -> bool;
}
