//! The proof that writes to the database ask for.

use crate::principal::Principal;
use larder_model::{Author, Origin};

/// Proof that a caller may do what it is about to do: what writes to the database ask for. Made only
/// by an [`Admission`](crate::Admission), when what it asks is held.
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'a> {
    label: &'a str,
    origin: Option<&'a Origin>,
    session: Option<i64>,
    token: Option<i64>,
    expected_policy: Option<&'a str>,
}

impl<'a> Allowed<'a> {
    /// The proof for what is the principal's own: only the gate identifies one.
    pub(crate) fn own(principal: &'a Principal, origin: Option<&'a Origin>) -> Self {
        Self {
            label: &principal.label,
            origin,
            session: principal.session,
            token: principal.token,
            expected_policy: None,
        }
    }

    /// The same for a change that was decided on a version of the policy.
    pub(crate) const fn expecting(self, policy: Option<&'a str>) -> Self {
        Self {
            expected_policy: policy,
            ..self
        }
    }
}

impl Author for Allowed<'_> {
    fn label(&self) -> &str {
        self.label
    }

    fn origin(&self) -> Option<&Origin> {
        self.origin
    }

    fn session(&self) -> Option<i64> {
        self.session
    }

    fn token(&self) -> Option<i64> {
        self.token
    }

    fn expected_policy(&self) -> Option<&str> {
        self.expected_policy
    }
}
