//! A request to a repository: its address with a lens, and the path below it, each read once.

use http::{HeaderMap, Method};
use larder_model::{Kind, Problem, ProtocolName, RepoName, Timestamp, percent};
use std::borrow::Cow;

/// A path has at most so many segments.
const MAX_SEGMENTS: usize = 64;

/// What is asked of a repo.
#[derive(Debug)]
pub struct RepoRequest<'a> {
    /// Method.
    pub method: &'a Method,
    /// Segments of the path below the repo's address, each decoded once. A trailing slash leaves an
    /// empty last one.
    pub segments: Vec<Cow<'a, str>>,
    /// The query as it came, without its question mark.
    pub query: &'a str,
    /// Headers.
    pub headers: &'a HeaderMap,
}

impl<'a> RepoRequest<'a> {
    /// Takes a path apart. Refused: what could be read as another path by someone else.
    pub fn new(
        method: &'a Method,
        path: &'a str,
        query: &'a str,
        headers: &'a HeaderMap,
    ) -> Result<Self, Problem> {
        let raw: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        if raw.len() > MAX_SEGMENTS {
            return Err(Problem::invalid("path", "the path has too many segments"));
        }
        let last = raw.len() - 1;
        let mut segments = Vec::with_capacity(raw.len());
        for (at, segment) in raw.into_iter().enumerate() {
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

    /// Fails unless it only reads.
    pub fn require_read(&self) -> Result<(), Problem> {
        if matches!(*self.method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        Err(Problem::new(
            Kind::Unsupported,
            "method",
            "nothing is changed at this address",
        ))
    }

    /// The segments as texts, for matching.
    pub fn parts(&self) -> Vec<&str> {
        self.segments.iter().map(AsRef::as_ref).collect()
    }

    /// Whether a media type is named in `Accept`, in full and not refused by `q=0`.
    pub fn accepts(&self, media_type: &str) -> bool {
        quality(self.headers, media_type) > 0
    }

    /// How much a media type is wanted, in thousandths; 0 if it is not named in `Accept`.
    pub fn quality(&self, media_type: &str) -> u16 {
        quality(self.headers, media_type)
    }
}

fn quality(headers: &HeaderMap, media_type: &str) -> u16 {
    let lines = headers
        .get_all(http::header::ACCEPT)
        .iter()
        .filter_map(|request| request.to_str().ok());
    let items = lines.flat_map(|request| request.split(','));
    let mut best = 0;
    for item in items {
        let mut parts = item.split(';').map(str::trim);
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

/// `0.81` as 810; what cannot be read counts as 1.
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

/// Decodes one segment once. What is still encoded after that, or could be taken for a separator
/// elsewhere, is refused; an encoded slash within is not: scoped names have one.
fn decode(segment: &str) -> Result<Cow<'_, str>, Problem> {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"%\\;".contains(byte);
    if segment.as_bytes().iter().all(plain) {
        return Ok(Cow::Borrowed(segment));
    }
    let bad = || Problem::invalid("path", "the path is not well encoded");
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

/// How a repository's segment of an address goes on with a lens: `main@2026-11-28`.
const LENS_MARK: &str = "@";
/// The same in an image's name, which has no `@`: `docker.io--2026-11-28`.
const IMAGE_LENS_MARK: &str = "--";
/// Longest name of a view, a record or a closure.
const MAX_LENS_NAME_BYTES: usize = 64;

/// A repository's segment of an address: its name, and perhaps a lens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RepoAddress {
    /// The repository.
    pub repo: RepoName,
    /// What narrows it.
    pub lens: Option<Lens>,
}

/// What narrows that which an address serves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lens {
    /// The repository as it was at a moment; of a day, at its end.
    AsOf(Timestamp),
    /// A view, by its name.
    View(Box<str>),
    /// A record that is being made, by its name.
    Record(Box<str>),
    /// What is in a closure, by its name.
    Closure(Box<str>),
}

impl RepoAddress {
    /// Reads `main`, `main@2026-11-28`, `main@20261128t120000z` or `main@view.NAME`; `None` if no
    /// repository has such an address.
    pub fn read(segment: &str) -> Option<Self> {
        // Some clients encode the mark; no name has anything else to encode.
        let segment = segment.replace("%40", LENS_MARK);
        let (repo, lens) = match segment.split_once(LENS_MARK) {
            Some((repo, lens)) => (repo, Some(Lens::read(lens)?)),
            None => (segment.as_str(), None),
        };
        Some(Self {
            repo: repo.parse().ok()?,
            lens,
        })
    }

    /// Reads the first segment of an image's name, where a lens is written as in
    /// `docker.io--closure.NAME`. Names of repositories may look the same: whoever knows the
    /// repositories looks for one of this very name first.
    pub fn read_image(segment: &str) -> Option<Self> {
        let lens = segment.rsplit_once(IMAGE_LENS_MARK);
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

    /// Fails if it has a lens: there is nothing yet that one narrows. The problem is one that
    /// clients take for final: they neither try again nor ask another repository.
    pub fn require_no_lens(&self, protocol: ProtocolName) -> Result<(), Problem> {
        let Some(lens) = &self.lens else {
            return Ok(());
        };
        let repo = format!("{protocol}/{}", self.repo);
        let detail = match lens {
            Lens::AsOf(moment) => format!("this address is {repo} as it was at {moment}"),
            Lens::View(name) => format!("this address is the view {name} of {repo}"),
            Lens::Record(name) => format!("this address records {name} through {repo}"),
            Lens::Closure(name) => format!("this address is the closure {name} of {repo}"),
        };
        let detail = format!("{detail}: this server has no such views yet; use {repo} itself");
        Err(Problem::new(Kind::Unsupported, "lens", detail))
    }
}

impl Lens {
    /// Reads what stands behind the mark.
    fn read(text: &str) -> Option<Self> {
        if let Some(moment) = moment(text) {
            return Some(Self::AsOf(moment));
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

/// `2026-11-28`, which is the end of that day, or `20261128t120000z`.
fn moment(text: &str) -> Option<Timestamp> {
    if text.len() == "2026-11-28".len() {
        return format!("{text}T23:59:59.999999Z").parse().ok();
    }
    let (date, time) = text.split_once('t')?;
    let time = time.strip_suffix('z')?;
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(date, 8) || !digits(time, 6) {
        return None;
    }
    let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
    let (hour, minute, second) = (&time[..2], &time[2..4], &time[4..]);
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    text.parse().ok()
}

/// Where a client sees a repo.
#[derive(Clone, Copy, Debug)]
pub struct RepoUrl<'a> {
    /// `https://host[:port]`, without a trailing slash.
    pub origin: &'a str,
    /// `/npm/main`, without a trailing slash.
    pub path: &'a str,
    /// Whether anyone may read it without credentials.
    pub public: bool,
    /// Whether the caller showed credentials.
    pub identified: bool,
}

impl RepoUrl<'_> {
    /// The repo's address, without a trailing slash.
    pub fn base(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }
}

#[cfg(test)]
mod tests;
