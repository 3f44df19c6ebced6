//! Which rule refused a request, and how the refusal is told to clients that show one line only.

use crate::kinds::{UnknownKind, kinds};
use crate::permission::Verb;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

kinds! {
    /// What refuses requests so that the refusal has an id.
    RuleKind {
        /// The package is blocked.
        Block = "block",
        /// It does not fit into a quota.
        Quota = "quota",
        /// The version or tag is immutable.
        Immutable = "immutable",
        /// The caller lacks the right, and may read what it asked for.
        Right = "right",
    }
}

/// A rule that refused a request. What is absent is as the request had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Which kind of rule.
    pub rule: RuleKind,
    /// Where the rule stands, as `npm/upstream`.
    pub repository: Option<Box<str>>,
    /// What it refused.
    pub package: Option<Box<str>>,
    /// What was to be done to it.
    pub verb: Option<Verb>,
    /// The end of the problem's sentence that says where more of it stands; empty: it has none.
    pub see: Box<str>,
}

impl Ruling {
    /// A rule about what the request asked for.
    pub fn of(rule: RuleKind) -> Self {
        Self {
            rule,
            repository: None,
            package: None,
            verb: None,
            see: Box::default(),
        }
    }
}

/// Bytes of a line at most.
pub const MAX_LINE: usize = 200;

/// One line of ASCII of at most [`MAX_LINE`] bytes: as much as fits of a text, and its end as it is,
/// if that fits. What is no printable ASCII becomes `?`.
pub fn one_line(text: &str, end: &str) -> String {
    let plain = |char: char| {
        if char.is_ascii_graphic() || char == ' ' {
            char
        } else {
            '?'
        }
    };
    let begin = text.strip_suffix(end).unwrap_or(text);
    let end: String = Some(end)
        .filter(|end| end.len() < MAX_LINE)
        .map(|end| end.chars().map(plain).collect())
        .unwrap_or_default();
    let room = MAX_LINE - end.len();
    let mut line: String = begin.chars().take(room + 1).map(plain).collect();
    if line.len() > room {
        line.truncate(room.saturating_sub(3));
        line.push_str(&"..."[..room.min(3)]);
    }
    line.push_str(&end);
    line
}

#[cfg(test)]
mod tests;
