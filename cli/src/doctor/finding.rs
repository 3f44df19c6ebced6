//! What was found, and what mends it.

use serde::Serialize;

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It is.
    Ok,
    /// It could not be looked at, or nobody may mind.
    Note,
    /// It is not.
    Problem,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What: `server`, `disk`, `upstream npm/upstream`, `client npm`.
    pub(crate) check: String,
    pub(crate) state: State,
    /// A sentence for a person.
    pub(crate) detail: String,
    /// The command or line that mends it.
    pub(crate) fix: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub(crate) fn ok(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(check, State::Ok, detail, None)
    }

    /// It could not be looked at, or nobody may mind.
    pub(crate) fn note(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(check, State::Note, detail, None)
    }

    /// It is not as it should be, and this mends it.
    pub(crate) fn problem(
        check: impl Into<String>,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(check, State::Problem, detail, Some(fix.into()))
    }

    /// With the line that changes it.
    pub(crate) fn fixed_by(self, fix: impl Into<String>) -> Self {
        Self {
            fix: Some(fix.into()),
            ..self
        }
    }

    fn new(
        check: impl Into<String>,
        state: State,
        detail: impl Into<String>,
        fix: Option<String>,
    ) -> Self {
        Self {
            check: check.into(),
            state,
            detail: detail.into(),
            fix,
        }
    }
}
