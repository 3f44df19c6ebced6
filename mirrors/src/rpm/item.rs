//! A file that an index lists: its path, its URL and its hash, and the edition of a package.

use super::paths::{edition_of, joined};
use super::scan::Raw;
use crate::text;
use crate::{Fetch, Integrity};
use larder_model::{hex, percent};
use percent_encoding::{AsciiSet, CONTROLS};

/// Limit on the length of a location.
const MAX_PATH_BYTES: usize = 4096;
/// The bytes that are encoded in a segment that may have encoded bytes.
const DECODABLE: &AsciiSet = &text::SEGMENT.remove(b'%');
/// The bytes that are not allowed in URLs (RFC 3986 2).
const ADDRESS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// The bytes that are encoded in a location. Like other tools, this does not encode the characters of
/// versions (`^`, `~`, `+`).
const LOCATION: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'%')
    .add(b'?')
    .add(b'#')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'`');

/// A file that an index lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Item {
    /// Path from the repository's root, decoded. Each `..` at its begin leads above that root.
    pub(super) path: String,
    /// Its URL: absolute, or relative to the repository's root in the index's own encoding.
    pub(super) url: String,
    pub(super) integrity: Integrity,
    pub(super) size: Option<u64>,
    /// The package's edition, if the name of its file tells another.
    pub(super) edition: Option<String>,
}

/// Why an item cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unfit {
    /// Its location is missing, or cannot be requested.
    Place,
    /// Its checksum or its size cannot be read.
    Integrity,
}

impl Item {
    /// Reads an item. If its address is on another host, it gets a path below `directory`.
    pub(super) fn read(raw: &Raw, directory: &str) -> Result<Self, Unfit> {
        let href = raw.href.as_deref().ok_or(Unfit::Place)?;
        let base = raw
            .base
            .as_deref()
            .map(str::trim)
            .filter(|base| !base.is_empty());
        let (path, url) = place(base, href.trim(), directory).ok_or(Unfit::Place)?;
        let integrity = raw
            .checksum
            .as_ref()
            .map_or(Some(Integrity::None), |(kind, digits)| {
                integrity(kind, digits)
            });
        let size = raw
            .size
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|_| Unfit::Integrity)?;
        let edition = raw.edition.as_ref().zip(raw.arch.as_deref());
        Ok(Self {
            edition: edition.and_then(|(edition, arch)| edition_of(edition, arch, &path)),
            path,
            url,
            integrity: integrity.ok_or(Unfit::Integrity)?,
            size,
        })
    }

    /// The fetch of it, for a repository at `root`.
    pub(super) fn fetch(&self, root: &str) -> Fetch {
        let url = if is_absolute(&self.url) {
            self.url.clone()
        } else {
            // Nothing leads above the upstream's address.
            text::below(joined(&text::path(root), &self.url).unwrap_or_default())
        };
        Fetch::new(url, self.integrity.clone())
            .with_size(self.size)
            .with_version(self.edition.as_deref().map(Into::into))
    }
}

/// Whether a URL has a host.
pub(super) fn is_absolute(url: &str) -> bool {
    let begins = |with: &str| {
        url.get(..with.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(with))
    };
    begins("https://") || begins("http://")
}

/// Path below the root, and URL.
fn place(base: Option<&str>, href: &str, directory: &str) -> Option<(String, String)> {
    if is_absolute(href) {
        let last = href
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .rsplit('/')
            .next()
            .unwrap_or_default();
        return Some((format!("{directory}{}", path_of(last)?), absolute(href)?));
    }
    let scheme = href
        .split('/')
        .next()
        .is_some_and(|first| first.ends_with(':'));
    if scheme || href.starts_with('/') || href.contains("://") {
        return None;
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in href.split('/') {
        match segment {
            "" | "." => {}
            ".." if segments.last().is_some_and(|last| *last != "..") => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let steps = segments.iter().take_while(|name| **name == "..").count();
    let path = "../".repeat(steps) + &path_of(&segments[steps..].join("/"))?;
    let url = segments
        .into_iter()
        .map(encoded)
        .collect::<Vec<_>>()
        .join("/");
    let Some(base) = base else {
        return Some((path, url));
    };
    if !is_absolute(base) || base.contains(['?', '#']) || steps > 0 {
        return None;
    }
    Some((
        path,
        format!("{}/{url}", absolute(base)?.trim_end_matches('/')),
    ))
}

/// A location as a path; `None` if it cannot be requested.
fn path_of(href: &str) -> Option<String> {
    let path = percent::decode(href)?.into_owned();
    let odd = path
        .chars()
        .any(|char| char.is_control() || matches!(char, '\\' | '%' | ';'));
    let dots = path
        .split('/')
        .any(|segment| matches!(segment, "" | "." | ".."));
    (!odd && !dots && path.len() <= MAX_PATH_BYTES).then_some(path)
}

/// Encodes the bytes of a segment that are not encoded yet. Encoded bytes do not change: for some
/// stores `+` and `%2B` are different.
fn encoded(segment: &str) -> String {
    text::encoded(segment, DECODABLE)
}

/// An absolute URL, encoded.
fn absolute(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    if rest.starts_with('/')
        || rest.is_empty()
        || url.len() > MAX_PATH_BYTES
        || url.chars().any(char::is_control)
    {
        return None;
    }
    Some(text::encoded(url, ADDRESS))
}

/// The integrity of a checksum; `None` if the digits do not fit the algorithm.
pub(super) fn integrity(kind: &str, digits: &str) -> Option<Integrity> {
    let (kind, digits) = (kind.to_ascii_lowercase(), digits.to_ascii_lowercase());
    match kind.as_str() {
        "sha256" | "sha512" => format!("{kind}:{digits}")
            .parse()
            .ok()
            .map(Integrity::Digest),
        "sha" | "sha1" => {
            let mut bytes = [0; 20];
            hex::decode_into(&digits, &mut bytes)?;
            Some(Integrity::Sha1(bytes))
        }
        _ => Some(Integrity::None),
    }
}

/// A path, encoded for a location.
pub(super) fn location(path: &str) -> String {
    text::encoded(path, LOCATION)
}
