//! What an upstream does that has us leave it alone for a while.

use larder_model::Problem;
use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;
use url::Url;

/// What an upstream does instead of answering as it should.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// There is no connection to it, or it ends before an answer.
    Unreachable,
    /// No answer begins in time.
    Silent,
    /// It answers that it cannot, and perhaps for how long.
    Status(u16, Option<Duration>),
    /// Its answer ends in the middle.
    BrokeOff,
}

impl Fault {
    /// Whether no answer came: that is about the whole origin, not about what was asked for.
    pub(super) const fn is_unanswered(self) -> bool {
        matches!(self, Self::Unreachable | Self::Silent)
    }

    /// Whether we ask too often (RFC 6585 4): asking once more would use up more of what is left.
    pub(super) const fn is_limit(self) -> bool {
        matches!(self, Self::Status(429, _))
    }

    /// How long it asks us to wait.
    pub(super) const fn wait(self) -> Option<Duration> {
        match self {
            Self::Status(_, wait) => wait,
            _ => None,
        }
    }

    /// How long it asks us to wait with whatever we want of it (RFC 6585 4, RFC 9110 15.6.4).
    pub(super) const fn wait_of_origin(self) -> Option<Duration> {
        match self {
            Self::Status(429 | 503, wait) => wait,
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("cannot be reached"),
            Self::Silent => f.write_str("did not answer in time"),
            Self::Status(status, _) => write!(f, "answered {status}"),
            Self::BrokeOff => f.write_str("broke off in the middle of an answer"),
        }
    }
}

/// A request that failed through an upstream's fault.
#[derive(Debug)]
pub(super) struct Failure {
    /// What was asked, after all redirects.
    pub(super) url: Url,
    pub(super) fault: Fault,
    /// What it says of it.
    pub(super) said: Option<Box<str>>,
    /// What is known of it; for the log only.
    pub(super) source: Option<reqwest::Error>,
}

impl Failure {
    /// An answer that says nothing of what was asked for but `said`.
    pub(super) const fn answered(url: Url, fault: Fault, said: Option<Box<str>>) -> Self {
        Self {
            url,
            fault,
            said,
            source: None,
        }
    }
}

/// Why a request brought nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The upstream failed.
    Failure(Box<Failure>),
    /// It does not have what was asked for.
    Absent,
    /// It did not fail: it said no, or we did not ask.
    Problem(Problem),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Trouble {
    pub(super) fn failure(url: &Url, fault: Fault, source: Option<reqwest::Error>) -> Self {
        Self::Failure(Box::new(Failure {
            url: url.clone(),
            fault,
            said: None,
            source: source.map(reqwest::Error::without_url),
        }))
    }
}

/// An error and what caused it, the outermost first. An IO error may hold another.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| {
        let cause = *cause;
        let inner = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        inner
            .map(|inner| inner as &(dyn Error + 'static))
            .or_else(|| cause.source())
    })
}

/// Whether an error of this type is among the causes of `error`.
pub(super) fn is_caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(<dyn Error + 'static>::is::<E>)
}
