//! Lists of packages (`Packages`, `Sources`), reduced to what a fetch needs: the digest and the size of
//! each file by its path, and its version where its name does not tell that.

use super::paths::{self, is_plain, version_of, without_dots};
use super::stanzas::{Fault, Line, Lines};
use super::suite::base_of;
use crate::resource::{Fetch, Table};
use crate::text::bad_document;
use crate::unpack::{MAX_UNPACKED_BYTES, unpack};
use larder_model::{Algorithm, Digest, Integrity, Problem};

/// Limit on the files of a list. The largest distributions have a tenth of it.
const MAX_FILES: usize = 1_000_000;
/// Files that stand together: of all but the first only what differs from the one before is kept.
const BLOCK: usize = 16;

/// The value of an unknown size.
const NO_SIZE: u64 = u64::MAX;

/// All files of a list by their path.
pub struct Listing {
    /// For each file how much of its path is that of the one before, the rest, the digest, the size and
    /// the version if its name tells another.
    bytes: Box<[u8]>,
    /// Where each block of files begins.
    blocks: Box<[u32]>,
}

/// What is noted of a file beside its size: that its digest is SHA-512, that it has a version.
const SHA512: u8 = 1;
const VERSION: u8 = 2;

/// A file as a list tells of it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    path: Box<str>,
    /// [`NO_SIZE`]: it is not told.
    size: u64,
    /// In hex.
    digest: Box<str>,
    /// Empty: its name tells it.
    version: Box<str>,
}

/// What is noted of a file.
struct Entry<'a> {
    digest: Digest,
    size: u64,
    version: &'a str,
}

impl Listed {
    /// Reads a line of a list of digests: digest, size, name.
    pub(super) fn part(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (digest, size, name) = (words.next()?, words.next()?, words.next()?);
        Some(Self {
            path: name.into(),
            size: size.parse().ok()?,
            digest: digest.into(),
            version: "".into(),
        })
    }

    /// The same in a list that has this version of it, or of the package that it is a part of.
    fn of_version(self, listed: Option<&str>) -> Self {
        let version = listed.and_then(|listed| version_of(listed, &self.path));
        Self {
            version: version.unwrap_or_default().into(),
            ..self
        }
    }
}

fn unreadable(fault: Fault) -> Problem {
    bad_document("a list of packages that can be read").because(fault)
}

/// What the stanza tells that is being read.
#[derive(Default)]
struct Stanza {
    folder: Option<Box<str>>,
    file: Option<Box<str>>,
    version: Option<Box<str>>,
    size: Option<u64>,
    sha256: Option<Box<str>>,
    sha512: Option<Box<str>>,
    /// Of a source package: its files.
    parts: Vec<Listed>,
}

impl Stanza {
    fn take(&mut self, name: &str, value: &str) {
        match &*name.to_ascii_lowercase() {
            "filename" => self.file = Some(value.into()),
            "version" => self.version = Some(value.into()),
            "directory" => self.folder = Some(value.into()),
            "size" => self.size = value.parse().ok(),
            "sha256" => self.sha256 = Some(value.into()),
            "sha512" => self.sha512 = Some(value.into()),
            _ => {}
        }
    }

    /// The files of the stanza.
    fn files(self) -> Vec<Listed> {
        let plain = |path: String| {
            let path = without_dots(&path);
            is_plain(&path).then(|| Box::<str>::from(path))
        };
        let version = self.version;
        if let Some(folder) = self.folder {
            let at = |part: Listed| {
                let path = match &*folder {
                    "" => part.path.to_string(),
                    folder => format!("{}/{}", folder.trim_end_matches('/'), part.path),
                };
                let part = Listed {
                    path: plain(path)?,
                    ..part
                };
                Some(part.of_version(version.as_deref()))
            };
            return self.parts.into_iter().filter_map(at).collect();
        }
        let listed = |()| {
            let file = Listed {
                path: plain(self.file?.into())?,
                size: self.size.unwrap_or(NO_SIZE),
                digest: self.sha256.or(self.sha512)?,
                version: "".into(),
            };
            Some(file.of_version(version.as_deref()))
        };
        listed(()).into_iter().collect()
    }
}

impl Listing {
    /// Reads a list, packed in any format in use, or plain.
    pub fn read(packed: &[u8]) -> Result<Self, Problem> {
        Self::read_within(packed, MAX_UNPACKED_BYTES)
    }

    fn read_within(packed: &[u8], max_bytes: u64) -> Result<Self, Problem> {
        let list = unpack(packed).map_err(|error| unreadable(Fault::Io(error)))?;
        let mut lines = Lines::new(list, max_bytes);
        let (mut files, mut stanza, mut in_parts) = (Vec::new(), Stanza::default(), false);
        loop {
            let line = lines.next().map_err(unreadable)?;
            match line {
                Some(Line::Field(name, value)) => {
                    in_parts = name.eq_ignore_ascii_case("Checksums-Sha256");
                    stanza.take(name, value);
                }
                Some(Line::More(text)) if in_parts => stanza.parts.extend(Listed::part(text)),
                Some(Line::More(_)) => {}
                Some(Line::End) | None => {
                    in_parts = false;
                    files.extend(std::mem::take(&mut stanza).files());
                    if files.len() > MAX_FILES {
                        return Err(bad_document("a list of at most a million packages"));
                    }
                    if line.is_none() {
                        return Self::of(files);
                    }
                }
            }
        }
    }

    /// A list of these files.
    pub(super) fn of(mut files: Vec<Listed>) -> Result<Self, Problem> {
        let too_large = || bad_document("a list of packages that can be kept in memory");
        files.sort();
        files.dedup_by(|later, first| later.path == first.path);
        let (mut bytes, mut blocks) = (Vec::new(), Vec::new());
        let mut before = "";
        let mut count = 0;
        for file in &files {
            let Some(digest) = digest(&file.digest) else {
                continue;
            };
            if count % BLOCK == 0 {
                blocks.push(u32::try_from(bytes.len()).map_err(|_| too_large())?);
                before = "";
            }
            count += 1;
            let shared = shared(before, &file.path);
            let rest = &file.path.as_bytes()[shared..];
            for number in [shared as u64, rest.len() as u64, file.size] {
                put(&mut bytes, number);
            }
            let mut more = u8::from(digest.algorithm() == Algorithm::Sha512) * SHA512;
            more |= u8::from(!file.version.is_empty()) * VERSION;
            bytes.push(more);
            bytes.extend_from_slice(rest);
            bytes.extend_from_slice(digest.bytes());
            if !file.version.is_empty() {
                put(&mut bytes, file.version.len() as u64);
                bytes.extend_from_slice(file.version.as_bytes());
            }
            before = &file.path;
        }
        Ok(Self {
            bytes: bytes.into(),
            blocks: blocks.into(),
        })
    }

    /// The files of a block, one after the other.
    fn block(&self, at: usize) -> Block<'_> {
        let begin = self.blocks.get(at).map_or(u32::MAX, |begin| *begin);
        let end = self.blocks.get(at + 1).copied();
        let end = end.map_or(self.bytes.len(), |end| end as usize);
        Block {
            rest: self.bytes.get(begin as usize..end).unwrap_or_default(),
            path: Vec::new(),
        }
    }

    /// What is noted of the file at a path.
    fn get(&self, path: &str) -> Option<Entry<'_>> {
        let (mut low, mut high) = (0, self.blocks.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let mut block = self.block(middle);
            block.next()?;
            if block.path.as_slice() <= path.as_bytes() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let mut block = self.block(low.checked_sub(1)?);
        while let Some(found) = block.next() {
            if block.path == path.as_bytes() {
                return Some(found);
            }
        }
        None
    }
}

/// Walks over the files of a block.
struct Block<'a> {
    rest: &'a [u8],
    path: Vec<u8>,
}

impl<'a> Block<'a> {
    /// The next file, whose path is there then.
    fn next(&mut self) -> Option<Entry<'a>> {
        let mut number = || get(&mut self.rest);
        let (shared, length, size) = (number()?, number()?, number()?);
        let (more, rest) = self.rest.split_first()?;
        let algorithm = if more & SHA512 != 0 {
            Algorithm::Sha512
        } else {
            Algorithm::Sha256
        };
        let (path, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        let (digits, rest) = rest.split_at_checked(algorithm.size())?;
        self.path.truncate(usize::try_from(shared).ok()?);
        self.path.extend_from_slice(path);
        self.rest = rest;
        let mut version = "";
        if more & VERSION != 0 {
            let length = get(&mut self.rest)?;
            let (bytes, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
            version = str::from_utf8(bytes).ok()?;
            self.rest = rest;
        }
        let hex = larder_model::hex::encode(digits);
        let digest = format!("{}:{hex}", algorithm.name()).parse().ok()?;
        Some(Entry {
            digest,
            size,
            version,
        })
    }
}

/// A number in as few bytes as it needs (LEB128).
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn get(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

/// How many bytes two paths have in common at their beginning.
fn shared(one: &str, other: &str) -> usize {
    let pairs = one.bytes().zip(other.bytes());
    pairs.take_while(|(one, other)| one == other).count()
}

fn digest(hex: &str) -> Option<Digest> {
    let algorithm = match hex.len() {
        64 => Algorithm::Sha256,
        128 => Algorithm::Sha512,
        _ => return None,
    };
    let hex = hex.to_ascii_lowercase();
    format!("{}:{hex}", algorithm.name()).parse().ok()
}

impl Table for Listing {
    fn find(&self, root: &str, path: &str) -> Option<Fetch> {
        let base = base_of(root);
        // What lists name is below the archive, or below what their clients take for it.
        let below = path.strip_prefix(base).and_then(|below| self.get(below));
        let found = below.or_else(|| self.get(path))?;
        let integrity = Integrity::Digest(found.digest);
        let size = Some(found.size).filter(|size| *size != NO_SIZE);
        let version = (!found.version.is_empty()).then(|| found.version.into());
        let fetch = Fetch::new(paths::url(path), integrity);
        Some(fetch.with_size(size).with_version(version))
    }

    fn named(&self, file: &str) -> Vec<String> {
        let mut named = Vec::new();
        for at in 0..self.blocks.len() {
            let mut block = self.block(at);
            while block.next().is_some() {
                let folder = block.path.strip_suffix(file.as_bytes());
                if folder.is_some_and(|folder| folder.is_empty() || folder.ends_with(b"/")) {
                    named.extend(String::from_utf8(block.path.clone()));
                }
            }
        }
        named
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + size_of_val(&*self.blocks)
    }
}

#[cfg(test)]
mod tests;
