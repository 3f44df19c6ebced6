//! What was shown for what is made: it is there still when that is kept.

use crate::{Batch, Requirement};
use larder_model::Timestamp;

/// What was shown is there still; whoever takes it away waits until what was made with it is there.
const TOKEN_IS_THERE: &str = "update tokens set created_at = created_at where id = ?1";
const SESSION_IS_THERE: &str = "update sessions set created_at = created_at where id = ?1";
const PASSWORD_IS_THERE: &str = "update users set disabled = disabled \
    where id = ?1 and password_changed_at = ?2 and disabled = 0";

/// What whoever makes a token or a session has shown: it must be there still when that is kept, or what
/// was revoked meanwhile would go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// Nothing that can be revoked.
    Nothing,
    /// A token.
    Token(i64),
    /// A session.
    Session(i64),
    /// The password of a user, and when it became what it is.
    Password {
        /// The user.
        user: i64,
        /// When.
        changed_at: Timestamp,
    },
}

impl Shown {
    /// [`Error::Unmet`](crate::Error::Unmet) with [`Requirement::Shown`] where it is not there any more.
    pub(crate) fn require(self, batch: &mut Batch) {
        match self {
            Self::Nothing => {}
            Self::Token(id) => batch.require(Requirement::Shown, TOKEN_IS_THERE, [id.into()]),
            Self::Session(id) => batch.require(Requirement::Shown, SESSION_IS_THERE, [id.into()]),
            Self::Password { user, changed_at } => {
                let values = [user.into(), changed_at.into()];
                batch.require(Requirement::Shown, PASSWORD_IS_THERE, values);
            }
        }
    }
}
