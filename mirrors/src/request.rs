//! A request below a repo's address, taken apart once.

use http::{HeaderMap, Method};
use larder_model::{Kind, Problem, percent};
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
    pub fn wants(&self, media_type: &str) -> u16 {
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
