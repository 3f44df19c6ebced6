//! The list of a suite (`InRelease`, `Release`): what the suite is, and each file of it with its
//! digests.

use super::date;
use super::paths::{self, is_plain, path_by_hash, without_dots};
use super::stanzas::{Line, Lines};
use crate::resource::{Artifact, Fetch, Member};
use crate::text::{bad_document, without_bom};
use larder_model::{Digest, Integrity, Problem, Timestamp};
use std::borrow::Cow;

/// Limit on the bytes of a list. Those of the largest archives have some hundred thousand.
const MAX_BYTES: u64 = 16 << 20;
/// Limit on the files of a suite. The largest have some thousand.
const MAX_ENTRIES: usize = 50_000;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
pub(super) const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// A file of a suite.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    /// Its path below the suite's root.
    pub(super) path: Box<str>,
    /// Its strongest digest, by which it is kept.
    pub(super) digest: Digest,
    /// The other strong digest, if there is one.
    pub(super) other: Option<Digest>,
    /// A weak one, by which old clients may ask.
    pub(super) weak: Vec<Box<str>>,
    pub(super) size: u64,
}

/// A list of a suite.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Release {
    pub(super) fields: Vec<(Box<str>, Box<str>)>,
    /// Sorted by path.
    pub(super) entries: Vec<Entry>,
    /// Whether its files can be asked for by their digests.
    pub(super) has_by_hash: bool,
}

/// What is signed in a list that has its signature in it; as it is, of a list that has none. `None` if
/// there is anything else.
pub(super) fn signed_text(body: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(without_bom(body)).ok()?;
    let Some(rest) = text.trim_start().strip_prefix(BEGIN) else {
        return (!text.contains(BEGIN)).then_some(text.into());
    };
    // Headers end with an empty line.
    let mut lines = rest.lines();
    lines.next().filter(|rest| rest.trim().is_empty())?;
    loop {
        let header = lines.next()?;
        if header.trim().is_empty() {
            break;
        }
        header.starts_with("Hash:").then_some(())?;
    }
    let mut out = String::with_capacity(text.len());
    for line in lines.by_ref() {
        if line.trim_end() == SIGNATURE {
            let mut lines = lines.skip_while(|line| line.trim_end() != END);
            lines.next()?;
            return lines
                .all(|line| line.trim().is_empty())
                .then_some(out.into());
        }
        // A line that could be taken for a separator has a dash before it.
        let line = line.strip_prefix("- ").unwrap_or(line);
        if line.starts_with("-----BEGIN PGP") {
            return None;
        }
        out.push_str(line.trim_end_matches([' ', '\t', '\r']));
        out.push('\n');
    }
    None
}

fn unreadable(what: &'static str) -> Problem {
    bad_document(what)
}

impl Release {
    /// Reads a list, with or without its signature.
    pub(super) fn read(body: &[u8]) -> Result<Self, Problem> {
        let text = signed_text(body)
            .ok_or_else(|| unreadable("the list of a suite that is whole and nothing else"))?;
        let mut lines = Lines::new(Box::new(text.as_bytes()), MAX_BYTES);
        let mut release = Self::default();
        let (mut sums, mut has_strong) = (Sums::default(), false);
        let mut list = None;
        while let Some(line) = lines
            .next()
            .map_err(|fault| unreadable("the list of a suite that can be read").because(fault))?
        {
            match line {
                Line::Field(name, value) => {
                    list = Kind::of(name);
                    has_strong |= matches!(list, Some(Kind::Sha256 | Kind::Sha512));
                    release.fields.push((name.into(), value.into()));
                }
                Line::More(text) => {
                    if let Some(kind) = list {
                        sums.add(kind, text)?;
                    }
                }
                Line::End => list = None,
            }
        }
        if !has_strong {
            return Err(unreadable(
                "the list of a suite with SHA-256 or SHA-512 of its files",
            ));
        }
        release.has_by_hash = release
            .field("Acquire-By-Hash")
            .is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        release.entries = sums.entries();
        Ok(release)
    }

    /// The value of a field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let named = |(known, _): &&(Box<str>, Box<str>)| known.eq_ignore_ascii_case(name);
        self.fields.iter().find(named).map(|(_, value)| &**value)
    }

    /// The words of a field.
    pub(super) fn words(&self, name: &str) -> impl Iterator<Item = &str> {
        self.field(name)
            .unwrap_or_default()
            .split_ascii_whitespace()
    }

    /// The moment in a field.
    pub(super) fn moment(&self, name: &str) -> Option<Timestamp> {
        date::read(self.field(name)?)
    }

    /// The entry at a path below the root.
    pub(super) fn entry(&self, path: &str) -> Option<&Entry> {
        let at = self
            .entries
            .binary_search_by(|entry| (*entry.path).cmp(path))
            .ok()?;
        self.entries.get(at)
    }
}

impl Entry {
    /// The member of the suite at a root.
    pub(super) fn member(&self, root: &str, has_by_hash: bool) -> Member {
        let plain = format!("{root}{}", self.path);
        let (folder, _) = paths::split(&plain);
        let path = path_by_hash(folder, &self.digest);
        let (by_hash, plain) = (paths::url(&path), paths::url(&plain));
        // At the other address there may be the file of another state.
        let (url, other) = if has_by_hash {
            (by_hash, plain)
        } else {
            (plain, by_hash)
        };
        let fetch = Fetch {
            others: vec![other],
            ..Fetch::new(url, Integrity::Digest(self.digest)).with_size(Some(self.size))
        };
        Member {
            name: self.path.clone(),
            artifact: Artifact::new("", None, path),
            fetch,
            is_required: false,
        }
    }

    /// Whether a digest in hex is one of its own.
    pub(super) fn has(&self, hex: &str) -> bool {
        let strong = [Some(&self.digest), self.other.as_ref()];
        let mut strong = strong.into_iter().flatten();
        strong.any(|digest| digest.text().hex().eq_ignore_ascii_case(hex))
            || self.weak.iter().any(|weak| weak.eq_ignore_ascii_case(hex))
    }

    /// The memory that it uses, in bytes.
    pub(super) fn weight(&self) -> usize {
        let weak: usize = self.weak.iter().map(|weak| weak.len() + 16).sum();
        size_of::<Self>() + self.path.len() + weak
    }
}

/// A list of digests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    Sha512,
    Sha256,
    Weak,
}

impl Kind {
    fn of(field: &str) -> Option<Self> {
        match &*field.to_ascii_lowercase() {
            "sha512" => Some(Self::Sha512),
            "sha256" => Some(Self::Sha256),
            "md5sum" | "sha1" => Some(Self::Weak),
            _ => None,
        }
    }
}

/// Lines of digests, of one file in each list.
#[derive(Default)]
struct Sums(Vec<(Box<str>, Kind, Box<str>, u64)>);

impl Sums {
    /// Takes a line: digest, size, path.
    fn add(&mut self, kind: Kind, line: &str) -> Result<(), Problem> {
        let bad =
            || unreadable("the list of a suite with a digest, a size and a path of each file");
        let mut words = line.split_ascii_whitespace();
        let (Some(hex), Some(size), Some(path), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(bad());
        };
        let path = without_dots(path);
        let size = size.parse().map_err(|_| bad())?;
        if !is_plain(&path) {
            return Err(unreadable("the list of a suite whose files are within it"));
        }
        if self.0.len() >= MAX_ENTRIES * 4 {
            return Err(unreadable("the list of a suite of at most 50000 files"));
        }
        self.0.push((path.into(), kind, hex.into(), size));
        Ok(())
    }

    /// The files that have a strong digest.
    fn entries(mut self) -> Vec<Entry> {
        self.0.sort();
        let mut entries = Vec::new();
        for lines in self.0.chunk_by(|(one, ..), (other, ..)| one == other) {
            let strong = |wanted: Kind, name: &str| {
                let mut lines = lines.iter();
                let (.., hex, size) = lines.find(|(_, kind, ..)| *kind == wanted)?;
                let digest: Digest = format!("{name}:{}", hex.to_ascii_lowercase())
                    .parse()
                    .ok()?;
                Some((digest, *size))
            };
            let (sha512, sha256) = (
                strong(Kind::Sha512, "sha512"),
                strong(Kind::Sha256, "sha256"),
            );
            let (Some((digest, size)), Some((path, ..))) = (sha512.or(sha256), lines.first())
            else {
                continue;
            };
            let weak = lines.iter().filter(|(_, kind, ..)| *kind == Kind::Weak);
            entries.push(Entry {
                path: path.clone(),
                digest,
                other: sha512.and(sha256).map(|(digest, _)| digest),
                weak: weak.map(|(.., hex, _)| hex.clone()).collect(),
                size,
            });
        }
        entries
    }
}

#[cfg(test)]
mod tests;
