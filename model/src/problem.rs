//! What can go wrong, by meaning. Each protocol says it in its own dialect; none reads it back from
//! text.

use crate::quota::Shortage;
use crate::ruling::{RuleKind, Ruling, one_line};
use crate::{Digest, Timestamp, Verb};
use http::StatusCode;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The meaning of a problem; the HTTP status follows from it alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// It is not there, or the caller may not know that it is.
    NotFound,
    /// The caller must say who it is, or say it better.
    Unauthenticated,
    /// The login in the request is wrong, and its problem says more than a challenge would.
    LoginRefused,
    /// The caller is known and may not.
    Denied,
    /// The request is wrong as it stands.
    Invalid,
    /// It is right as it stands, and contradicts what was sent before.
    Unprocessable,
    /// The method is not for this path.
    Method,
    /// It clashes with what is there.
    Conflict,
    /// A condition of the request does not hold (RFC 9110 13.1).
    Precondition,
    /// Larger than a named limit.
    TooLarge,
    /// A head larger than its limit.
    HeaderTooLarge,
    /// A range or an offset that cannot be had.
    Range,
    /// The bytes are not those that were promised.
    DigestMismatch,
    /// A rule of the operator forbids it.
    Policy,
    /// The remote registry forbids it.
    UpstreamPolicy,
    /// Not offered here.
    Unsupported,
    /// The remote registry sent what cannot be right.
    Upstream,
    /// The remote registry cannot be reached now, or asks us to wait.
    Unreachable,
    /// It is not kept, and this server or repo is offline.
    Offline,
    /// The caller asks too often.
    TooMany,
    /// Too much at once: try again later.
    Busy,
    /// It does not fit into a quota.
    Quota,
    /// No room left.
    Full,
    /// The caller took too long.
    Timeout,
    /// It is kept here, but its bytes are not what they should be, so nobody gets them.
    Damaged,
    /// Our own failure. Its text stays in the log.
    Internal,
}

impl Kind {
    /// The HTTP status of every problem of this kind.
    pub const fn status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Unauthenticated | Self::LoginRefused => 401,
            // Clients repeat what failed with a status from 500 on, and this stays as it is.
            Self::Denied | Self::Policy | Self::UpstreamPolicy | Self::Quota | Self::Offline => 403,
            Self::Invalid | Self::DigestMismatch => 400,
            Self::Method | Self::Unsupported => 405,
            Self::Conflict => 409,
            Self::Precondition => 412,
            Self::TooLarge => 413,
            Self::Range => 416,
            Self::Unprocessable => 422,
            Self::TooMany => 429,
            Self::HeaderTooLarge => 431,
            Self::Upstream => 502,
            Self::Busy | Self::Unreachable => 503,
            Self::Full => 507,
            Self::Timeout => 408,
            Self::Internal | Self::Damaged => 500,
        }
    }
}

/// A problem: its kind, the noun it is about, and a sentence for a person.
#[derive(Debug)]
pub struct Problem {
    /// Its meaning.
    pub kind: Kind,
    /// The noun it is about: `blob`, `manifest`, `user` …; with the kind it selects a protocol's
    /// code.
    pub about: &'static str,
    /// A sentence that a person can act on. Never holds secrets or internals.
    pub detail: Cow<'static, str>,
    /// When to try again, for `Busy`, `TooMany` and `Upstream`.
    pub retry_after: Option<Duration>,
    /// The size of what a range lies outside of, for `Range`.
    pub size_bytes: Option<u64>,
    /// The status that a remote registry answered with, for `Upstream` and `UpstreamPolicy`.
    pub upstream_status: Option<u16>,
    /// What lacks, for `Quota`.
    pub shortage: Option<Box<Shortage>>,
    /// Whether it is said because the caller may not: the audit trail tells of it.
    pub refused: bool,
    /// Of `Damaged`: that it was found just now, so that who asks once more may have the bytes brought
    /// again; and whether nobody else had found it before.
    pub found_now: Option<bool>,
    /// The rule that refused, if one did.
    pub ruling: Option<Box<Ruling>>,
    /// What caused it; for the log only.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// Bytes of a sentence that tells what went wrong.
const MAX_DETAIL: usize = 4096;

/// What is told of a request may hold parts of it, which can be of any length.
fn clamped(detail: Cow<'static, str>) -> Cow<'static, str> {
    if detail.len() <= MAX_DETAIL {
        return detail;
    }
    let end = detail.floor_char_boundary(MAX_DETAIL);
    format!("{}…", detail.get(..end).unwrap_or_default()).into()
}

impl Problem {
    /// A problem of `kind` about `about`, told in `detail`.
    pub fn new(kind: Kind, about: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            about,
            detail: clamped(detail.into()),
            retry_after: None,
            size_bytes: None,
            upstream_status: None,
            shortage: None,
            refused: false,
            found_now: None,
            ruling: None,
            source: None,
        }
    }

    /// `about` is not there.
    pub fn not_found(about: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::NotFound, about, detail)
    }

    /// `about` is wrong as it was sent.
    pub fn invalid(about: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Invalid, about, detail)
    }

    /// `package` cannot be published: a deleted `repository` (`npm/local`) had the name.
    pub fn reserved(repository: impl fmt::Display, package: &str) -> Self {
        let detail = format!(
            "the name {package} is reserved: a deleted repository {repository} had it; a superuser \
             may free it (DELETE /api/v1/reservations/ID; GET lists them)"
        );
        Self::new(Kind::Conflict, "package", detail)
    }

    /// Something does not fit into a quota.
    pub fn quota(shortage: Shortage) -> Self {
        let mut problem = Self::new(Kind::Quota, "quota", shortage.to_string());
        problem.shortage = Some(shortage.into());
        problem.ruled(Ruling::of(RuleKind::Quota))
    }

    /// The HTTP status that says it.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Our own failure; the caller learns only that there was one.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut problem = Self::new(
            Kind::Internal,
            "server",
            "the server failed; its log says why",
        );
        problem.source = Some(source.into());
        problem
    }

    /// The bytes of `digest` are not what they should be. `since`: since when that is known.
    pub fn damaged(digest: &Digest, since: Option<Timestamp>) -> Self {
        let since = since.map(|since| format!(" (known since {since})"));
        let detail = format!(
            "the server's bytes of {digest} are damaged or missing{}, so they are not given out: \
             push or publish them again, or have the server's administrator restore them from a \
             backup; what a mirror lost it fetches again when it is asked for, unless it is \
             offline (larder quarantine list, larder scrub run)",
            since.unwrap_or_default()
        );
        Self::new(Kind::Damaged, "blob", detail)
    }

    /// Too much at once; try again after `wait`.
    pub fn busy(detail: impl Into<Cow<'static, str>>, wait: Duration) -> Self {
        let mut problem = Self::new(Kind::Busy, "server", detail);
        problem.retry_after = Some(wait);
        problem
    }

    /// The same problem, to be told to one more caller. What caused it stays as a text.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            kind: self.kind,
            about: self.about,
            detail: self.detail.clone(),
            shortage: self.shortage.clone(),
            ruling: self.ruling.clone(),
            source: self.causes().map(Into::into),
            ..*self
        }
    }

    /// The problem with all that caused it, on one line: for the log.
    pub fn with_causes(&self) -> String {
        match self.causes() {
            Some(causes) => format!("{self}: {causes}"),
            None => self.to_string(),
        }
    }

    /// All that caused the problem, on one line. What a cause says of its own cause is said once.
    fn causes(&self) -> Option<String> {
        let mut text: Option<String> = None;
        let mut source = Error::source(self);
        while let Some(cause) = source {
            let said = cause.to_string();
            text = Some(match text {
                None => said,
                Some(before) if before.ends_with(&said) => before,
                Some(before) => format!("{before}: {said}"),
            });
            source = cause.source();
        }
        text
    }

    /// The same, said because the caller may not.
    #[must_use]
    pub fn as_refusal(mut self) -> Self {
        self.refused = true;
        self
    }

    /// The same, said because of a rule.
    #[must_use]
    pub fn ruled(mut self, ruling: Ruling) -> Self {
        self.ruling = Some(ruling.into());
        self
    }

    /// The same; if a rule refused, it is of this package (empty: unknown), which was to be changed so.
    #[must_use]
    pub fn ruled_on(mut self, package: &str, verb: Verb) -> Self {
        if let Some(ruling) = &mut self.ruling {
            if !package.is_empty() {
                ruling.package.get_or_insert_with(|| package.into());
            }
            ruling.verb.get_or_insert(verb);
        }
        self
    }

    /// Says at the end of the sentence where more of what a rule refused stands.
    pub fn point_to(&mut self, address: &str) {
        if let Some(ruling) = &mut self.ruling {
            ruling.see = format!("; see {address}").into();
            self.detail = format!("{}{}", self.detail, ruling.see).into();
        }
    }

    /// The end of the sentence that says where more of it stands; empty: it has none.
    pub fn see(&self) -> &str {
        self.ruling.as_deref().map_or("", |ruling| &ruling.see)
    }

    /// The sentence as a line of ASCII of at most [`MAX_LINE`](crate::ruling::MAX_LINE) bytes, whose
    /// end is whole: for headers and status lines.
    pub fn line(&self) -> String {
        one_line(&self.detail, self.see())
    }

    /// The same with what caused it, for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, self.detail)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
