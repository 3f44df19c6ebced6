//! Whom a grant is for.

use crate::kinds::UserKind;
use crate::names::{BadName, UserName};
use std::fmt;
use std::str::FromStr;

/// The subject of a grant. Its text is `user:alice`, `robot:ci`, `group:dev`, `authenticated` or
/// `anonymous`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A person.
    User(UserName),
    /// A robot.
    Robot(UserName),
    /// All members of a group.
    Group(UserName),
    /// Everyone who shows credentials.
    Authenticated,
    /// Everyone.
    Anonymous,
}

/// Why a text is no subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotASubject {
    /// It has none of the forms.
    Form,
    /// The name in it is none.
    Name(BadName),
}

impl Subject {
    /// The subject that a user is.
    pub fn of_user(kind: UserKind, name: UserName) -> Self {
        match kind {
            UserKind::Person => Self::User(name),
            UserKind::Robot => Self::Robot(name),
        }
    }
}

impl FromStr for Subject {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Self, NotASubject> {
        let (word, name) = match (text, text.split_once(':')) {
            ("authenticated", _) => return Ok(Self::Authenticated),
            ("anonymous", _) => return Ok(Self::Anonymous),
            (_, parts) => parts.ok_or(NotASubject::Form)?,
        };
        let of_name: fn(UserName) -> Self = match word {
            "user" => Self::User,
            "robot" => Self::Robot,
            "group" => Self::Group,
            _ => return Err(NotASubject::Form),
        };
        name.parse().map(of_name).map_err(NotASubject::Name)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Robot(name) => write!(f, "robot:{name}"),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Authenticated => f.write_str("authenticated"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

#[cfg(test)]
mod tests;
