//! What is to become of a version, and why.

use serde::Serialize;

/// What is to become of a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It stays.
    Keep,
    /// It goes.
    Delete,
}

/// What is to become of a version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// What.
    pub action: Action,
    /// Why: a sentence.
    pub reason: String,
    /// The rule that says so, from 0; `None`: no rule does.
    pub rule: Option<usize>,
}

impl Decision {
    pub(crate) fn keep(reason: impl Into<String>, rule: Option<usize>) -> Self {
        Self {
            action: Action::Keep,
            reason: reason.into(),
            rule,
        }
    }

    pub(crate) fn delete(reason: impl Into<String>, rule: Option<usize>) -> Self {
        Self {
            action: Action::Delete,
            reason: reason.into(),
            rule,
        }
    }

    /// Whether the version goes.
    pub fn deletes(&self) -> bool {
        self.action == Action::Delete
    }
}
