//! The description of a source package (`.dsc`): what it is, and which files it is made of.

use super::control::{Control, bad, is_name};
use super::order::is_version;
use super::paths::Upload;
use super::release::signed_text;
use larder_model::{Algorithm, Digest, Problem};
use serde::{Deserialize, Serialize};

/// Limit on the files of a source package. Real ones have some; those of many upstreams some dozens.
const MAX_PARTS: usize = 500;
const CALLED: &str = ".dsc";
/// Fields that lists of source packages have of their own, or under another name.
const OF_LISTS: [&str; 8] = [
    "source",
    "package",
    "files",
    "directory",
    "checksums-md5",
    "checksums-sha1",
    "checksums-sha256",
    "checksums-sha512",
];

/// A file that a source package is made of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) size: u64,
    /// In hex.
    pub(super) sha256: String,
}

impl Part {
    /// Whether bytes of this digest and this size are the file.
    pub(super) fn is(&self, digest: Digest, size: u64) -> bool {
        digest.algorithm() == Algorithm::Sha256 && digest.hex() == self.sha256 && size == self.size
    }
}

/// The description of a source package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Description {
    pub(super) control: Control,
    pub(super) parts: Vec<Part>,
}

impl Description {
    /// Reads a description, with or without the signature of whoever made it.
    pub(super) fn read(body: &[u8]) -> Result<Self, Problem> {
        let text = signed_text(body)
            .ok_or_else(|| bad("its .dsc is no text, or has something beside what is signed"))?;
        let control = Control::stanza(text.as_bytes(), CALLED)?;
        let name = control.get("Source").unwrap_or_default();
        if !is_name(name) {
            return Err(bad(&format!(
                "its .dsc has no Source of a name in lower case: {name:.100}"
            )));
        }
        let version = control.get("Version").unwrap_or_default();
        if !is_version(version) {
            return Err(bad(&format!(
                "its .dsc has no Version that is one: {version:.100}"
            )));
        }
        if control.get("Format").is_none_or(str::is_empty) {
            return Err(bad("its .dsc has no Format"));
        }
        let parts = parts(name, control.get("Checksums-Sha256").unwrap_or_default())?;
        Ok(Self { control, parts })
    }

    pub(super) fn name(&self) -> &str {
        self.control.get("Source").unwrap_or_default()
    }

    pub(super) fn version(&self) -> &str {
        self.control.get("Version").unwrap_or_default()
    }

    /// The name that its file has by convention: without the epoch.
    pub(super) fn file_name(&self) -> String {
        let version = self.version();
        let version = version.split_once(':').map_or(version, |(_, rest)| rest);
        format!("{}_{version}.dsc", self.name())
    }

    /// Its fields as lists of source packages have them, without those that lists have of their own.
    pub(super) fn text(&self) -> String {
        let rest = self.control.text_without(&OF_LISTS);
        format!("Package: {}\n{rest}", self.name())
    }
}

/// The files of the source package of a name.
fn parts(source: &str, list: &str) -> Result<Vec<Part>, Problem> {
    let mut parts: Vec<Part> = Vec::new();
    for line in list.lines().filter(|line| !line.trim().is_empty()) {
        let part = part(line).ok_or_else(|| {
            bad(&format!(
                "its .dsc has a line in Checksums-Sha256 that is no digest, size and name: {line:.200}"
            ))
        })?;
        let name = &part.name;
        let is_own = name
            .strip_prefix(source)
            .is_some_and(|it| it.starts_with('_'));
        if !is_own || Upload::of(name) != Some(Upload::Part) {
            return Err(bad(&format!(
                "its .dsc names {name:.200}, which is no name of a file of {source}: \
                 {source}_VERSION.orig.tar.xz, {source}_VERSION.debian.tar.xz and the like are"
            )));
        }
        if parts.iter().any(|other| other.name == *name) {
            return Err(bad(&format!("its .dsc names {name:.200} twice")));
        }
        if parts.len() == MAX_PARTS {
            return Err(bad("its .dsc names more than 500 files"));
        }
        parts.push(part);
    }
    if parts.is_empty() {
        return Err(bad("its .dsc names no files in Checksums-Sha256"));
    }
    Ok(parts)
}

fn part(line: &str) -> Option<Part> {
    let mut words = line.split_ascii_whitespace();
    let (sha256, size, name) = (words.next()?, words.next()?, words.next()?);
    let is_hex = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && words.next().is_none()).then_some(Part {
        name: name.to_owned(),
        size: size.parse().ok()?,
        sha256: sha256.to_ascii_lowercase(),
    })
}

#[cfg(test)]
mod tests;
