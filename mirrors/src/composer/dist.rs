//! The archive of a version: where it is, what was promised of it, and the address that it has here.
//!
//! That address stands in lockfiles for years. It has all that an index tells of the archive's
//! identity, so it never leads to other bytes: the reference, which is a commit or a digest, and the
//! checksum where there is one.

use super::names::{identity, version_segment};
use crate::Integrity;
use crate::json::{Object, quoted};
use crate::resource::Fetch;
use crate::text::path;
use larder_model::hex;
use std::borrow::Cow;

/// The kinds of archives that have an address here. Others are paths and repositories of the client's
/// own machine.
const TYPES: [&str; 6] = ["zip", "tar", "gzip", "xz", "rar", "phar"];
/// The longest reference that is told.
const MAX_REFERENCE: usize = 255;
/// Characters of a commit's name.
const COMMIT_CHARS: usize = 40;

/// The archive of a version.
pub(super) struct Dist<'a> {
    kind: Cow<'a, str>,
    pub(super) url: Cow<'a, str>,
    pub(super) reference: Option<Cow<'a, str>>,
    shasum: Option<[u8; 20]>,
}

impl<'a> Dist<'a> {
    /// Reads the `dist` of a version; `None` if it is no archive that can be had through this server.
    pub(super) fn read(dist: &Object<'a>) -> Option<Self> {
        let kind = dist.text("type")?;
        let url = dist.text("url").filter(|url| !url.is_empty())?;
        if !TYPES.contains(&&*kind) {
            return None;
        }
        let shasum = dist.text("shasum").and_then(|text| {
            let mut bytes = [0; 20];
            hex::decode_into(&text.to_ascii_lowercase(), &mut bytes).map(|()| bytes)
        });
        Some(Self {
            kind,
            url,
            reference: dist.text("reference").filter(|text| is_reference(text)),
            shasum,
        })
    }

    /// The name of its file here. Where an index tells no reference, the address stands for it.
    pub(super) fn file(&self) -> String {
        let own = match &self.reference {
            Some(reference) => identity(reference),
            None => match self.shasum {
                Some(shasum) => hex::encode(&shasum),
                None => identity(&format!("\n{}", self.url)),
            },
        };
        match self.shasum.map(|shasum| hex::encode(&shasum)) {
            Some(shasum) if shasum != own => format!("{own}-{shasum}.{}", self.kind),
            _ => format!("{own}.{}", self.kind),
        }
    }

    /// How it is fetched.
    pub(super) fn fetch(&self) -> Fetch {
        Fetch::new(&*self.url, self.integrity())
    }

    pub(super) fn integrity(&self) -> Integrity {
        self.shasum.map_or(Integrity::None, Integrity::Sha1)
    }

    /// How the archive of another commit of the same repository is fetched, whose file has this name: a
    /// branch moves on, and what was locked before is not listed any more. Only where the address has
    /// the commit as a part of its own.
    pub(super) fn fetch_of_commit(&self, file: &str) -> Option<Fetch> {
        let own = self.reference.as_deref().filter(|text| is_commit(text))?;
        let wanted = file.strip_suffix(&format!(".{}", self.kind))?;
        if self.shasum.is_some() || !is_commit(wanted) {
            return None;
        }
        let at = self.url.find(own)?;
        let (before, after) = (&self.url[..at], &self.url[at + own.len()..]);
        let is_part = before.ends_with(['/', '='])
            && (after.is_empty() || after.starts_with(['/', '?', '&', '.', '#']))
            && !after.contains(own);
        is_part.then(|| Fetch::new(format!("{before}{wanted}{after}"), Integrity::None))
    }

    /// The `dist` as clients get it, between whose two parts the address goes.
    pub(super) fn parts(&self) -> (String, String) {
        let before = format!("{{\"type\":{},\"url\":", quoted(&self.kind));
        let reference = self.reference.as_deref().map_or("null".into(), quoted);
        let shasum = self.shasum.map(|shasum| hex::encode(&shasum));
        let shasum = quoted(&shasum.unwrap_or_default());
        let after = format!(",\"reference\":{reference},\"shasum\":{shasum}}}");
        (before, after)
    }
}

/// A commit, a revision or a tag, which is written for each version.
fn is_reference(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_REFERENCE
}

fn is_commit(text: &str) -> bool {
    text.len() == COMMIT_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether the first bytes of a file are those of an archive of its kind, and not of a page.
pub(super) fn can_begin(path: &str, first: &[u8]) -> bool {
    let begins = |marks: &[&[u8]]| marks.iter().any(|mark| first.starts_with(mark));
    match path.rsplit_once('.').map_or("", |(_, kind)| kind) {
        "zip" => begins(&[b"PK\x03\x04", b"PK\x05\x06"]),
        "gzip" => begins(&[b"\x1f\x8b"]),
        "xz" => begins(&[b"\xfd7zXZ"]),
        "rar" => begins(&[b"Rar!"]),
        _ => !first.trim_ascii_start().starts_with(b"<"),
    }
}

/// The path of an archive among the artifacts of its package.
pub(super) fn path_of(version: &str, file: &str) -> String {
    format!("dist/{version}/{file}")
}

/// The address of an archive, from the path of its repository on.
pub(super) fn address(repo_path: &str, package: &str, version: &str, file: &str) -> String {
    let (package, version) = (path(package), version_segment(version));
    format!("{repo_path}/dist/{package}/{version}/{file}")
}

#[cfg(test)]
mod tests;
