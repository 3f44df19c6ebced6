//! The sparse index: `config.json`, index files and their lines (the Cargo book, "Index Format"), and
//! the stored metadata from which the line of a published crate is made.

use super::names::{canonical, prefix};
use crate::json::unreadable;
use crate::publishing::StoredFile;
use crate::resource::Document;
use crate::text::bad_document;
use larder_model::{FileKind, Problem};
use semver::VersionReq;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The latest format of lines that cargo reads (the Cargo book, "Index Format", `v`).
const NEWEST_FORMAT: u32 = 2;
/// An address with markers in it, each of which may become a name.
const MAX_TEMPLATE_BYTES: usize = 4096;
/// A line lists what a version needs and its features; read as a whole it takes ten times as much.
const MAX_LINE_BYTES: usize = 2 << 20;

/// The upstream's `config.json`.
#[derive(Deserialize)]
pub(super) struct Config<'a> {
    #[serde(borrow)]
    pub(super) dl: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) api: Option<Cow<'a, str>>,
}

impl<'a> Config<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        let what = "a config.json";
        let read: Self = serde_json::from_slice(body).map_err(|error| unreadable(what, error))?;
        let longest = read
            .dl
            .len()
            .max(read.api.as_ref().map_or(0, |api| api.len()));
        if longest > MAX_TEMPLATE_BYTES {
            return Err(bad_document(what));
        }
        Ok(read)
    }
}

/// The fields of a line of an upstream's index file that this server needs.
#[derive(Deserialize)]
pub(super) struct Entry<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) vers: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) cksum: Cow<'a, str>,
    /// The format of the line; 1 if it states none.
    #[serde(default, rename = "v")]
    pub(super) format: Option<u32>,
}

/// The document that is `config.json`.
pub(super) fn config() -> Document {
    Document::new("", "config.json")
}

/// The index file of a crate. Its path is the name in lower case; `-` and `_` stay different.
pub(super) fn index_of(name: &str) -> Document {
    Document::new(
        canonical(name),
        format!("index/{}", name.to_ascii_lowercase()),
    )
}

/// The lines of an index file, parsed, each with its text. `None` for a line that cargo passes over
/// (it cannot be read, or is of a later format), or that is longer than [`MAX_LINE_BYTES`].
pub(super) fn entries(body: &[u8]) -> impl Iterator<Item = Option<(Entry<'_>, &[u8])>> {
    let lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty());
    let fits = |line: &&[u8]| line.len() <= MAX_LINE_BYTES;
    let read = |line| Some((serde_json::from_slice::<Entry<'_>>(line).ok()?, line));
    lines.map(move |line| {
        Some(line)
            .filter(fits)
            .and_then(read)
            .filter(|(entry, _)| entry.format.unwrap_or(1) <= NEWEST_FORMAT)
    })
}

/// The line of a version in an index file, of a crate whose name fits. If several lines have the
/// version, cargo takes the last.
pub(super) fn entry_of<'a>(
    body: &'a [u8],
    version: &str,
    is_named: impl Fn(&str) -> bool,
) -> Option<(Entry<'a>, &'a [u8])> {
    let is_it = |(entry, _): &(Entry<'_>, _)| entry.vers == version && is_named(&entry.name);
    entries(body).flatten().filter(is_it).last()
}

/// The URL of a crate file: the upstream's `dl` with its markers replaced.
pub(super) fn download(dl: &str, entry: &Entry<'_>) -> String {
    let (name, version) = (&*entry.name, &*entry.vers);
    let markers = [
        ("{crate}", name.to_owned()),
        ("{version}", version.to_owned()),
        ("{prefix}", prefix(name)),
        ("{lowerprefix}", prefix(&name.to_ascii_lowercase())),
        ("{sha256-checksum}", entry.cksum.to_string()),
    ];
    if markers.iter().all(|(marker, _)| !dl.contains(marker)) {
        return format!("{dl}/{name}/{version}/download");
    }
    markers.iter().fold(dl.to_owned(), |url, (marker, value)| {
        url.replace(marker, value)
    })
}

/// A line of our own index. `cksum` and `pubtime` are set when the bytes are stored.
#[derive(Serialize, Deserialize)]
pub(super) struct IndexLine {
    pub(super) name: String,
    pub(super) vers: String,
    pub(super) deps: Vec<Value>,
    pub(super) cksum: String,
    pub(super) features: BTreeMap<String, Vec<String>>,
    pub(super) yanked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) links: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rust_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pubtime: Option<String>,
}

/// The metadata of a published crate in the store.
#[derive(Serialize, Deserialize)]
pub(super) struct CrateMetadata {
    pub(super) line: IndexLine,
    pub(super) description: String,
}

impl CrateMetadata {
    /// The metadata of a stored crate.
    pub(super) fn of(file: &StoredFile) -> Result<Self, Problem> {
        serde_json::from_str(&file.metadata).map_err(Problem::internal)
    }
}

/// The crates among the files of a package.
pub(super) fn crates_in(files: &[StoredFile]) -> impl Iterator<Item = &StoredFile> {
    files.iter().filter(|file| file.kind == FileKind::Artifact)
}

/// A version without its build metadata. Versions that differ only in it are the same.
pub(super) fn without_build(version: &str) -> &str {
    version.split('+').next().unwrap_or_default()
}

/// A dependency in a form in which those of the request and of `Cargo.toml` can be compared.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Dependency {
    pub(super) alias: String,
    pub(super) package: String,
    pub(super) requirement: String,
    pub(super) features: BTreeSet<String>,
    pub(super) optional: bool,
    pub(super) default_features: bool,
    /// As [`platform`] writes it.
    pub(super) target: Option<String>,
    pub(super) kind: &'static str,
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}", self.alias, self.kind)?;
        if let Some(target) = &self.target {
            write!(f, ", for {target:.200}")?;
        }
        f.write_str(")")
    }
}

/// A version requirement in its canonical spelling.
pub(super) fn requirement(text: &str) -> Result<String, Problem> {
    let text = if text.trim().is_empty() { "*" } else { text };
    let parsed: VersionReq = text
        .parse()
        .map_err(|error| invalid(format!("`{text}` is not a version requirement: {error}")))?;
    Ok(parsed.to_string())
}

/// A platform in a form in which its spellings can be compared: `cargo publish` sends
/// `cfg(a = "b")` for `cfg(a="b")`, and `cfg(any(a, b))` for `cfg(any(a, b,))`. A quoted value stays
/// as it is.
pub(super) fn platform(text: &str) -> String {
    let (mut plain, mut is_quoted) = (String::with_capacity(text.len()), false);
    for char in text.chars() {
        is_quoted ^= char == '"';
        if !is_quoted && char == ')' && plain.ends_with(',') {
            plain.pop();
        }
        if is_quoted || !char.is_whitespace() {
            plain.push(char);
        }
    }
    plain
}

/// The problem of an invalid crate.
pub(super) fn invalid(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::invalid("crate", detail)
}
