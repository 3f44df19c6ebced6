//! Limits on sizes, each with the setting that raises it, so that whoever meets one is told of it.

use crate::size;
use crate::{Kind, Problem};
use std::fmt;

/// The most bytes that something may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// How many.
    pub bytes: u64,
    /// The setting that says so; empty: none does, it is the same for every server.
    pub setting: &'static str,
}

/// The limit of a body that has more in it than what the limit is for: fields, or an encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BodyLimit {
    /// The most bytes of the body.
    pub max_bytes: u64,
    /// What is told of it.
    pub told: Limit,
}

impl Limit {
    /// No limit.
    pub const NONE: Self = Self::fixed(u64::MAX);

    /// A limit that no setting changes.
    pub const fn fixed(bytes: u64) -> Self {
        Self { bytes, setting: "" }
    }

    /// A limit that a setting has.
    pub const fn set(bytes: u64, setting: &'static str) -> Self {
        Self { bytes, setting }
    }

    /// A limit that a setting has; 0: none.
    pub const fn set_unless_zero(bytes: u64, setting: &'static str) -> Self {
        let bytes = if bytes == 0 { u64::MAX } else { bytes };
        Self { bytes, setting }
    }

    /// Fails if there are more bytes. `about`, `what`: as in [`Limit::exceeded`].
    pub fn require(self, about: &'static str, what: &str, bytes: u64) -> Result<(), Problem> {
        if bytes <= self.bytes {
            return Ok(());
        }
        Err(self.exceeded(about, what, Some(bytes)))
    }

    /// The problem of something that is larger. `about`: the noun that selects a protocol's code;
    /// `what`: the same in a sentence, e.g. `the wheel`; `bytes`: its size, where that is known.
    pub fn exceeded(self, about: &'static str, what: &str, bytes: Option<u64>) -> Problem {
        Problem::new(Kind::TooLarge, about, self.told(what, bytes))
    }

    /// The sentence of that problem.
    fn told(self, what: &str, bytes: Option<u64>) -> String {
        let (mut most, mut found) = (self.to_string(), bytes.map(size::text));
        if found.as_ref() == Some(&most) {
            // One of them is a little more than the other.
            most = format!("{} bytes", self.bytes);
            found = bytes.map(|bytes| format!("{bytes} bytes"));
        }
        let found = found.map_or_else(
            || format!("{what} is larger than this server takes"),
            |found| format!("{what} has {found}"),
        );
        self.after(&found, &most)
    }

    /// A sentence that says what is too large, with the limit at its end.
    pub fn at_end_of(self, sentence: &str) -> String {
        self.after(sentence, &self.to_string())
    }

    fn after(self, sentence: &str, most: &str) -> String {
        match self.setting {
            "" => format!("{sentence}: at most {most}"),
            setting => format!(
                "{sentence}: at most {most} (the setting {setting}); ask the server's operator to \
                 raise it"
            ),
        }
    }

    /// The limit of a body that has so many bytes more in it.
    pub const fn with_room(self, bytes: u64) -> BodyLimit {
        BodyLimit {
            max_bytes: self.bytes.saturating_add(bytes),
            told: self,
        }
    }
}

impl BodyLimit {
    /// No body at all.
    pub const NOTHING: Self = Limit::fixed(0).with_room(0);

    /// The problem of a body that is larger.
    pub fn exceeded(self, bytes: Option<u64>) -> Problem {
        self.told.exceeded("body", "the body", bytes)
    }
}

impl From<u64> for Limit {
    fn from(bytes: u64) -> Self {
        Self::fixed(bytes)
    }
}

impl From<usize> for Limit {
    fn from(bytes: usize) -> Self {
        Self::fixed(bytes as u64)
    }
}

impl<L: Into<Limit>> From<L> for BodyLimit {
    fn from(limit: L) -> Self {
        limit.into().with_room(0)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&size::text(self.bytes))
    }
}

#[cfg(test)]
mod tests;
