//! A request to a repository: the repository's segment of the path with its lens, and the rest of the
//! path. Each is parsed once.

use http::{HeaderMap, Method};
use larder_model::{Kind, Problem, ProtocolName, RepoName, Timestamp, percent};
use std::borrow::Cow;

/// Limit on the segments of a path.
const MAX_SEGMENTS: usize = 64;

/// A request to a repository.
#[derive(Debug)]
pub struct RepoRequest<'a> {
    /// Method.
    pub method: &'a Method,
    /// Segments of the path below the repository, each decoded once. After a trailing slash the last
    /// one is empty.
    pub segments: Vec<Cow<'a, str>>,
    /// The query without its question mark, not decoded.
    pub query: &'a str,
    /// Headers.
    pub headers: &'a HeaderMap,
}

impl<'a> RepoRequest<'a> {
    /// Splits and decodes a path. Refuses paths that another program could read differently.
    pub fn new(
        method: &'a Method,
        path: &'a str,
        query: &'a str,
        headers: &'a HeaderMap,
    ) -> Result<Self, Problem> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let count = path.bytes().filter(|byte| *byte == b'/').count() + 1;
        if count > MAX_SEGMENTS {
            return Err(Problem::invalid("path", "the path has too many segments"));
        }
        let last = count - 1;
        let mut segments = Vec::with_capacity(count);
        for (at, segment) in path.split('/').enumerate() {
            let segment = decode(segment)?;
            let dots = matches!(&*segment, "." | "..");
            if dots || (segment.is_empty() && at != last) {
                return Err(Problem::invalid(
                    "path",
                    "the path has an empty segment, or . or ..",
                ));
            }
            segments.push(segment);
        }
        Ok(Self {
            method,
            segments,
            query,
            headers,
        })
    }

    /// Fails unless the method is GET or HEAD.
    pub fn require_read(&self) -> Result<(), Problem> {
        if matches!(*self.method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        Err(Problem::new(
            Kind::Unsupported,
            "method",
            "this path cannot be changed",
        ))
    }

    /// The segments as strings, for matching.
    pub fn parts(&self) -> Vec<&str> {
        self.segments.iter().map(AsRef::as_ref).collect()
    }

    /// Whether `Accept` contains a media type in full, and not with `q=0`.
    pub fn accepts(&self, media_type: &str) -> bool {
        quality(self.headers, media_type) > 0
    }

    /// The quality of a media type in `Accept`, in thousandths; 0 if it is not there.
    pub fn quality(&self, media_type: &str) -> u16 {
        quality(self.headers, media_type)
    }
}

/// The quality of a media type in `Accept` (RFC 9110 12.5.1), in thousandths.
fn quality(headers: &HeaderMap, media_type: &str) -> u16 {
    let lines = headers
        .get_all(http::header::ACCEPT)
        .iter()
        .filter_map(|request| request.to_str().ok());
    let items = lines.flat_map(|request| request.split(','));
    let mut best = 0;
    for item in items {
        let mut parts = item.split(';').map(str::trim_ascii);
        if !parts
            .next()
            .is_some_and(|named| named.eq_ignore_ascii_case(media_type))
        {
            continue;
        }
        let q = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1000, thousandths);
        best = best.max(q);
    }
    best
}

/// `0.81` as 810. A value that cannot be parsed counts as 1.
fn thousandths(text: &str) -> u16 {
    let Some((whole, part)) = text.trim().split_once('.') else {
        return if text.trim() == "0" { 0 } else { 1000 };
    };
    if whole != "0" {
        return 1000;
    }
    let digits = part.bytes().chain(*b"000").take(3);
    digits.fold(0, |sum, digit| {
        sum * 10 + u16::from(digit.saturating_sub(b'0').min(9))
    })
}

/// Decodes a segment once. Refuses what is still encoded then, and what other programs take for a
/// separator. An encoded slash is allowed: scoped names of npm have one.
fn decode(segment: &str) -> Result<Cow<'_, str>, Problem> {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"%\\;".contains(byte);
    if segment.as_bytes().iter().all(plain) {
        return Ok(Cow::Borrowed(segment));
    }
    let bad = || {
        Problem::invalid(
            "path",
            "the path has an encoding or a character that is not allowed",
        )
    };
    let text = percent::decode(segment).ok_or_else(bad)?;
    let hidden = text
        .chars()
        .any(|char| char.is_control() || matches!(char, '\\' | '%' | ';'));
    let dots = text.split('/').any(|part| matches!(part, "." | "..")) && text.contains('/');
    if hidden || dots || text.starts_with('/') || text.ends_with('/') || text.contains("//") {
        return Err(bad());
    }
    Ok(text)
}

/// The separator between a repository and a lens: `main@2026-11-28`.
const LENS_SEPARATOR: &str = "@";
/// The separator in an image's name, where `@` is not allowed: `docker.io--2026-11-28`.
const IMAGE_LENS_SEPARATOR: &str = "--";
/// Limit on the length of a view's, a record's or a closure's name.
const MAX_LENS_NAME_BYTES: usize = 64;

/// The repository's segment of a path: its name, and perhaps a lens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RepoAddress {
    /// The repository's name.
    pub repo: RepoName,
    /// The lens through which it is read.
    pub lens: Option<Lens>,
}

/// A restriction of what a repository serves at an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lens {
    /// The repository as it was at a time; for a day, at its end.
    AsOf(Timestamp),
    /// The view of this name.
    View(Box<str>),
    /// Requests are recorded under this name.
    Record(Box<str>),
    /// The files of the closure of this name.
    Closure(Box<str>),
}

impl RepoAddress {
    /// Parses `main`, `main@2026-11-28`, `main@20261128t120000z` or `main@view.NAME`; `None` if a part
    /// of it is malformed.
    pub fn read(segment: &str) -> Option<Self> {
        // Some clients encode the separator. Other characters of a name need no encoding.
        let plain;
        let segment = if segment.contains('%') {
            plain = segment.replace("%40", LENS_SEPARATOR);
            &*plain
        } else {
            segment
        };
        let (repo, lens) = match segment.split_once(LENS_SEPARATOR) {
            Some((repo, lens)) => (repo, Some(Lens::read(lens)?)),
            None => (segment, None),
        };
        Some(Self {
            repo: repo.parse().ok()?,
            lens,
        })
    }

    /// Parses the first segment of an image's name, with a lens as in `docker.io--closure.NAME`. A
    /// repository's name may have this form, too: callers look for a repository of the whole name
    /// first.
    pub fn read_image(segment: &str) -> Option<Self> {
        let lens = segment.rsplit_once(IMAGE_LENS_SEPARATOR);
        let lens = lens.and_then(|(repo, lens)| Some((repo.parse().ok()?, Lens::read(lens)?)));
        if let Some((repo, lens)) = lens {
            let lens = Some(lens);
            return Some(Self { repo, lens });
        }
        Some(Self {
            repo: segment.parse().ok()?,
            lens: None,
        })
    }

    /// Fails if there is a lens, because no view exists yet. Clients neither retry after this problem
    /// nor ask another repository.
    pub fn require_no_lens(&self, protocol: ProtocolName) -> Result<(), Problem> {
        let Some(lens) = &self.lens else {
            return Ok(());
        };
        Err(self.refuse(protocol, lens, "this server has no views yet"))
    }

    /// Fails if there is a lens: what it shows is over, and nobody changes it.
    pub fn require_now(&self, protocol: ProtocolName) -> Result<(), Problem> {
        match &self.lens {
            Some(lens) => Err(self.refuse(protocol, lens, "it is read only")),
            None => Ok(()),
        }
    }

    fn refuse(&self, protocol: ProtocolName, lens: &Lens, why: &str) -> Problem {
        let repo = format!("{protocol}/{}", self.repo);
        let address = match lens {
            Lens::AsOf(at) => format!("this address is {repo} as it was at {at}"),
            Lens::View(name) => format!("this address is the view {name} of {repo}"),
            Lens::Record(name) => format!("this address is {repo} and records requests as {name}"),
            Lens::Closure(name) => format!("this address is the closure {name} of {repo}"),
        };
        Problem::new(
            Kind::Unsupported,
            "lens",
            format!("{address}: {why}; use {repo}"),
        )
    }
}

impl Lens {
    /// Parses the text after the separator.
    fn read(text: &str) -> Option<Self> {
        if let Some(at) = time(text) {
            return Some(Self::AsOf(at));
        }
        let (kind, name) = text.split_once('.')?;
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_name = (1..=MAX_LENS_NAME_BYTES).contains(&name.len())
            && name
                .split(['.', '_', '-'])
                .all(|part| !part.is_empty() && part.bytes().all(inner));
        if !is_name {
            return None;
        }
        match kind {
            "view" => Some(Self::View(name.into())),
            "record" => Some(Self::Record(name.into())),
            "closure" => Some(Self::Closure(name.into())),
            _ => None,
        }
    }
}

/// Parses `2026-11-28`, which is the end of that day, or `20261128t120000z`.
fn time(text: &str) -> Option<Timestamp> {
    if text.len() == "2026-11-28".len() {
        return format!("{text}T23:59:59.999999Z").parse().ok();
    }
    let (date, clock) = text.split_once('t')?;
    let clock = clock.strip_suffix('z')?;
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(date, 8) || !digits(clock, 6) {
        return None;
    }
    let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
    let (hour, minute, second) = (&clock[..2], &clock[2..4], &clock[4..]);
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    text.parse().ok()
}

/// The URL of a repository, as the client sees it.
#[derive(Clone, Copy, Debug)]
pub struct RepoUrl<'a> {
    /// `https://host[:port]`, without a trailing slash.
    pub origin: &'a str,
    /// `/npm/main`, without a trailing slash.
    pub path: &'a str,
    /// What follows it in the path of the request, `/left-pad`, where that matters; else empty.
    pub rest: &'a str,
    /// Whether the repository can be read without credentials.
    pub public: bool,
    /// Whether the caller is authenticated.
    pub identified: bool,
}

impl RepoUrl<'_> {
    /// The whole URL, without a trailing slash.
    pub fn base(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }
}

#[cfg(test)]
mod tests;
