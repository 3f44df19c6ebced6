//! What a repository's retention says: which versions may go, and what keeps them. Versions are tags of
//! images and versions of packages.

use crate::Pattern;
use crate::duration;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// How long what is deleted stays in the trash where nobody says otherwise.
pub const TRASH: Duration = Duration::from_hours(7 * 24);

/// A length of time that is written as a number and its unit, `7d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&duration::text(self.0))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(from)?;
        let wrong = || serde::de::Error::custom("not a number and its unit, such as 7d");
        duration::parse(&text).map(Self).ok_or_else(wrong)
    }
}

/// What may go of a repository, and what keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionPolicy {
    /// Whether the scheduled runs follow it.
    pub enabled: bool,
    /// The rules. A version that none fits stays.
    pub rules: Vec<RetentionRule>,
    /// Versions that stay, whatever rules say.
    pub protect: Vec<Pattern>,
    /// How long a manifest without a tag stays; `None`: for good.
    pub untagged_after: Option<Span>,
    /// Of a mirror: how long a version stays that nobody uses; `None`: for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused_after: Option<Span>,
    /// Of a mirror: bytes that it keeps; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// How long what is deleted can be restored; zero: not at all.
    pub trash: Span,
}

impl Default for RetentionPolicy {
    /// Everything stays, and what is deleted by hand can be restored for [`TRASH`].
    fn default() -> Self {
        Self {
            enabled: false,
            rules: Vec::new(),
            protect: Vec::new(),
            untagged_after: None,
            unused_after: None,
            max_bytes: None,
            trash: Span(TRASH),
        }
    }
}

/// A rule: of the versions that it fits those go that no fitting rule keeps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRule {
    /// The packages that it fits.
    pub packages: Pattern,
    /// The versions that it fits.
    pub versions: Pattern,
    /// What it keeps.
    pub keep: Keep,
}

/// What a rule keeps of the versions that it fits. Each condition keeps by itself.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// So many of each package: those that were pushed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<u32>,
    /// Those that were pushed within so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed_within: Option<Span>,
    /// Those that were read within so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pulled_within: Option<Span>,
    /// Those whose name matches one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matching: Vec<Pattern>,
    /// So many of each series: the highest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_per: Option<NewestPer>,
}

/// So many versions of each series of a package.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewestPer {
    /// What a series is.
    pub of: Series,
    /// How many.
    pub count: u32,
}

/// Which versions are of one series.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Series {
    /// Those of one major version.
    Major,
    /// Those of one major and minor version.
    Minor,
}

impl Series {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Major => "major",
            Self::Minor => "minor",
        }
    }
}

/// What a version's name says of it, among the other versions of its package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Release {
    /// Epoch and major version: what is compared first.
    pub major: (u64, u64),
    /// The minor version; 0 where the name has none.
    pub minor: u64,
    /// It comes before the release of its number.
    pub is_prerelease: bool,
    /// Its place in the order of its protocol among the versions that were asked about: a higher
    /// version has a larger one, and equal ones have the same.
    pub rank: usize,
}

#[cfg(test)]
mod tests;
