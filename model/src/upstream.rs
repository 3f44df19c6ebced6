//! What is set for a remote registry, and how it fares.

use crate::duration;
use crate::{Digest, Distribution, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Statuses that always mean that something is not there (RFC 9110 15.5.5 and 15.5.11).
const ALWAYS_ABSENT: [u16; 2] = [404, 410];
/// Statuses by which some stores of files say it.
const SOMETIMES_ABSENT: [u16; 3] = [400, 401, 403];

/// The statuses by which an upstream says that it does not have what it is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<u16>", into = "Vec<u16>")]
pub struct AbsentStatuses(Vec<u16>);

impl AbsentStatuses {
    /// Whether `status` is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.contains(&status)
    }

    /// Whether `status` is one of them because an operator says so of this upstream.
    pub fn is_added(&self, status: u16) -> bool {
        self.contains(status) && !ALWAYS_ABSENT.contains(&status)
    }

    /// Whether an operator has added none.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for AbsentStatuses {
    /// 404 and 410.
    fn default() -> Self {
        Self(ALWAYS_ABSENT.into())
    }
}

/// A status that does not say so of anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadAbsentStatus(pub u16);

impl fmt::Display for BadAbsentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(status) = self;
        write!(
            f,
            "{status} cannot mean that something is not there; \
             beside 404 and 410, which always do, 400, 401 and 403 can"
        )
    }
}

impl std::error::Error for BadAbsentStatus {}

impl TryFrom<Vec<u16>> for AbsentStatuses {
    type Error = BadAbsentStatus;

    /// In order, each once, with those that always count.
    fn try_from(mut statuses: Vec<u16>) -> Result<Self, BadAbsentStatus> {
        let fits =
            |status: &u16| ALWAYS_ABSENT.contains(status) || SOMETIMES_ABSENT.contains(status);
        if let Some(status) = statuses.iter().find(|status| !fits(status)) {
            return Err(BadAbsentStatus(*status));
        }
        statuses.extend(ALWAYS_ABSENT);
        statuses.sort_unstable();
        statuses.dedup();
        Ok(Self(statuses))
    }
}

impl From<AbsentStatuses> for Vec<u16> {
    fn from(statuses: AbsentStatuses) -> Self {
        statuses.0
    }
}

/// How long an upstream may take to begin an answer, within the bounds that make sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AnswerTime(Duration);

impl AnswerTime {
    const MIN: Duration = Duration::from_secs(1);
    const MAX: Duration = Duration::from_mins(10);

    /// The time itself.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

/// Text that is no time for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadAnswerTime;

impl fmt::Display for BadAnswerTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write a time with its unit, from \"1s\" to \"10m\", e.g. \"45s\"")
    }
}

impl std::error::Error for BadAnswerTime {}

impl FromStr for AnswerTime {
    type Err = BadAnswerTime;

    fn from_str(text: &str) -> Result<Self, BadAnswerTime> {
        duration::parse(text)
            .filter(|time| (Self::MIN..=Self::MAX).contains(time))
            .map(Self)
            .ok_or(BadAnswerTime)
    }
}

impl TryFrom<String> for AnswerTime {
    type Error = BadAnswerTime;

    fn try_from(text: String) -> Result<Self, BadAnswerTime> {
        text.parse()
    }
}

impl fmt::Display for AnswerTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&duration::text(self.0))
    }
}

impl From<AnswerTime> for String {
    fn from(time: AnswerTime) -> Self {
        time.to_string()
    }
}

/// What came of asking an upstream just now.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Checked {
    /// Whether it can be mirrored: it is there, and lets us in.
    pub ok: bool,
    /// Whether any answer came.
    pub reachable: bool,
    /// The status of the answer.
    pub status: Option<u16>,
    /// How long all of it took, in milliseconds.
    pub took_ms: u64,
    /// Whether the connection was to be encrypted.
    pub tls: bool,
    /// Whether it took our credentials; `None`: it has been given none.
    pub authenticated: Option<bool>,
    /// When the certificate that is shown to it ends; `None`: none is.
    pub client_certificate_expires_at: Option<Timestamp>,
    /// What is wrong.
    pub problem: Option<String>,
    /// What to do next.
    pub advice: Option<String>,
}

/// How an upstream has answered lately.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Health {
    /// Requests in a row that failed: to its own origin, or to the worst address of it.
    pub failures: u32,
    /// For so long its own origin is not asked.
    pub pause: Option<Duration>,
    /// The last failure of its own origin, whatever came after it, and how long ago it was.
    pub last_error: Option<(Box<str>, Duration)>,
    /// How long ago its own origin answered last, whatever came after it.
    pub last_answer: Option<Duration>,
    /// How long it took until answers began, since this server started.
    pub answers: Distribution,
    /// Other origins that its indexes and redirects name, and that are not asked for a while.
    pub paused_origins: Vec<PausedOrigin>,
    /// What is odd about documents that it sent: each is served, or the one before it.
    pub warnings: Vec<Box<str>>,
}

/// An origin that is not asked for a while.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PausedOrigin {
    /// Scheme, host and port.
    pub origin: Box<str>,
    /// For so long it is not asked.
    pub pause: Duration,
    /// What it did.
    pub reason: Box<str>,
}

/// What came of asking an upstream for a document whatever its age.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refreshed {
    /// The document's path; of an image's tag, the tag.
    pub path: Box<str>,
    /// What was kept before; `None`: nothing.
    pub before: Option<Digest>,
    /// What the upstream has; `None`: it has it no more.
    pub now: Option<Digest>,
    /// When the upstream answered.
    pub checked_at: Timestamp,
}

#[cfg(test)]
mod tests;
