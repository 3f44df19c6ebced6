//! How far a run has come: noted about once a second, so that whichever server goes on with it goes on
//! there.

use crate::outcome::Outcome;
use larder_jobs::WorkError;
use larder_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Blobs are read.
    Blobs,
    /// Objects that no row names are looked for.
    Orphans,
    /// Images are marked.
    Images,
    /// Blobs that nothing accounts for are looked for.
    Unreachable,
    /// All is done.
    Done,
}

impl Phase {
    /// The word of its progress.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Blobs => "blobs",
            Self::Orphans => "orphans",
            Self::Images => "mark",
            Self::Unreachable => "unreachable",
            Self::Done => "done",
        }
    }
}

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// The last thing of the phase that was looked at; empty: none was.
    pub(crate) after: String,
    /// How many things of the phase were looked at.
    pub(crate) done: u64,
    /// When the run began, in microseconds.
    pub(crate) begun: i64,
    pub(crate) outcome: Outcome,
}

impl State {
    /// A run that begins.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            phase: Phase::Blobs,
            after: String::new(),
            done: 0,
            begun: now.0,
            outcome: Outcome::default(),
        }
    }

    pub(crate) fn read(json: Json) -> Result<Self, WorkError> {
        let bad = |error| WorkError::failed("bad_state", format!("{error}"));
        serde_json::from_value(json).map_err(bad)
    }

    /// Goes on with the next phase.
    pub(crate) fn next(&mut self, phase: Phase) {
        self.phase = phase;
        self.after.clear();
        self.done = 0;
    }
}
