//! Reads tar archives (POSIX ustar and pax, GNU long names) as a stream, strictly.
//!
//! Readers differ in how they read headers that contradict each other, rare kinds of entries, and
//! bytes after the end. An archive with any of these is refused.

use super::{Budget, Fault, Limits, is_below, not_below, require_file};
use larder_model::Limit;
use std::borrow::Cow;
use std::io::{self, ErrorKind, Read};

const BLOCK: usize = 512;
/// Bytes of a header that gives the next entry a long name or other attributes.
const MAX_EXTENDED_BYTES: u64 = 64 << 10;
const PIECE_BYTES: usize = 8 << 10;

/// Keys of pax headers that POSIX names and that change neither where an entry is unpacked to nor
/// what is in it.
const PAX_HARMLESS: [&str; 10] = [
    "atime", "charset", "comment", "ctime", "gid", "gname", "linkpath", "mtime", "uid", "uname",
];
/// Keys of vendors that change what an entry is: some readers know them, others do not.
const PAX_VENDOR_REFUSED: [&str; 5] = [
    "GNU.sparse",
    "GNU.volume",
    "SCHILY.realsize",
    "SCHILY.filetype",
    "SUN.holesdata",
];

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    File,
    Folder,
    /// A symbolic or a hard link.
    Link,
}

/// An entry of an archive.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its path, without a slash at its end. It stays below the folder that it is unpacked to;
    /// empty for that folder itself.
    pub(crate) path: String,
    /// Whether `./` stood before the path.
    pub(crate) has_dot_prefix: bool,
    pub(crate) kind: Kind,
    /// Size in bytes; zero for what is no file.
    pub(crate) size: u64,
}

/// What the headers before an entry say of it.
#[derive(Default)]
struct Extended {
    /// Whether there was any such header.
    any: bool,
    pax: bool,
    path: Option<String>,
    size: Option<u64>,
}

/// An archive, unpacked by `from`.
pub(crate) struct Tar<'l, R> {
    from: R,
    limits: &'l Limits,
    budget: Budget,
    entries: u64,
    joins_slashes: bool,
    /// Bytes of the last entry that were not read yet, padding included.
    unread: u64,
}

impl<'l, R: Read> Tar<'l, R> {
    /// An archive of `packed` bytes, which `from` unpacks.
    pub(crate) fn new(from: R, limits: &'l Limits, packed: u64) -> Self {
        Self {
            from,
            limits,
            budget: Budget::new(limits, packed),
            entries: 0,
            joins_slashes: false,
            unread: 0,
        }
    }

    /// Reads `a//b` as `a/b`: for clients who take the first segments of paths as folders alone.
    pub(crate) fn joining_slashes(self) -> Self {
        Self {
            joins_slashes: true,
            ..self
        }
    }

    /// The next entry; `None` at the end, once nothing but zeros follows it.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Fault> {
        self.skip(self.unread)?;
        self.unread = 0;
        let mut extended = Extended::default();
        loop {
            let Some(header) = self.header()? else {
                if extended.any {
                    return Err(Fault::refused(
                        "ends with a header that belongs to no entry",
                    ));
                }
                self.end()?;
                return Ok(None);
            };
            let size = number(&header[124..136])
                .ok_or_else(|| Fault::refused("has an entry whose size cannot be read"))?;
            match header[156] {
                kind @ (b'x' | b'g' | b'L' | b'K') => self.extend(&mut extended, kind, size)?,
                kind => return self.entry(&header, kind, size, extended).map(Some),
            }
        }
    }

    /// The contents of the entry that came last.
    pub(crate) fn contents(
        &mut self,
        entry: &Entry,
        max: impl Into<Limit>,
    ) -> Result<Vec<u8>, Fault> {
        require_file(&entry.path, entry.size, max.into())?;
        self.unread = 0;
        self.take(entry.size)
    }

    /// The reader that unpacked it; called after the end.
    pub(crate) fn into_inner(self) -> R {
        self.from
    }

    /// The next header; `None` where the archive ends.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, Fault> {
        let mut block = [0; BLOCK];
        if !self.read_block(&mut block)? || block == [0; BLOCK] {
            return Ok(None);
        }
        self.entries += 1;
        if self.entries > self.limits.entries {
            let limit = self.limits.entries;
            return Err(Fault::TooLarge(
                format!("has too many entries: more than {limit}").into(),
            ));
        }
        if number(&block[148..156]) != Some(checksum(&block)) {
            return Err(Fault::refused("has a damaged header"));
        }
        Ok(Some(block))
    }

    /// Reads a block; false if the archive ended before it.
    fn read_block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool, Fault> {
        let mut count = 0;
        while count < BLOCK {
            match self.from.read(&mut block[count..]) {
                Ok(0) if count == 0 => return Ok(false),
                Ok(0) => return Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
                Ok(more) => count += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.budget.spend(BLOCK as u64)?;
        Ok(true)
    }

    /// Reads a header that describes the next entry or all entries.
    fn extend(&mut self, extended: &mut Extended, kind: u8, size: u64) -> Result<(), Fault> {
        if size > MAX_EXTENDED_BYTES {
            return Err(Fault::refused("has a name or a header that is too long"));
        }
        let value = self.take(size)?;
        match kind {
            b'x' if std::mem::replace(&mut extended.pax, true) => {
                return Err(Fault::refused("has two pax headers for one entry"));
            }
            b'x' => pax(&value, extended)?,
            b'g' => {
                let mut all = Extended::default();
                pax(&value, &mut all)?;
                if all.path.is_some() || all.size.is_some() {
                    return Err(Fault::refused("has a name or a size for all its entries"));
                }
                return Ok(());
            }
            b'L' => set_path(extended, text(&value)?)?,
            // The target of a link: nothing of it is read here.
            _ => {}
        }
        extended.any = true;
        Ok(())
    }

    /// The entry of a header and of those before it.
    fn entry(
        &mut self,
        header: &[u8; BLOCK],
        kind: u8,
        size: u64,
        extended: Extended,
    ) -> Result<Entry, Fault> {
        if extended.size.is_some_and(|other| other != size) {
            return Err(Fault::refused("has an entry with two sizes"));
        }
        let path = match extended.path {
            Some(path) => path,
            None => short_path(header)?,
        };
        let kind = match kind {
            b'0' => Kind::File,
            // Before there was a kind for folders, a slash at the end made one.
            0 if path.ends_with('/') => Kind::Folder,
            0 => Kind::File,
            b'5' => Kind::Folder,
            b'1' | b'2' => Kind::Link,
            _ => return Err(no_kind()),
        };
        // Some readers read contents after links and folders that have a size.
        if kind != Kind::File && size != 0 {
            return Err(no_kind());
        }
        let entry = self.place(&path, kind, size)?;
        let padded = size.checked_next_multiple_of(BLOCK as u64);
        self.unread = padded.unwrap_or(u64::MAX);
        self.budget.require(self.unread)?;
        Ok(entry)
    }

    /// The entry at a path, which must stay below the folder that it is unpacked to.
    fn place(&self, path: &str, kind: Kind, size: u64) -> Result<Entry, Fault> {
        let (inner, has_dot_prefix) = match path.strip_prefix("./") {
            Some(inner) => (inner, true),
            None => (path, false),
        };
        let is_root = kind == Kind::Folder && matches!(inner, "" | ".");
        let inner = match inner.strip_suffix('/') {
            Some(folder) if kind == Kind::Folder => folder,
            _ if is_root => "",
            _ => inner,
        };
        let plain = if self.joins_slashes {
            single_slashes(inner)
        } else {
            Cow::Borrowed(inner)
        };
        if inner.len() > self.limits.path_bytes || !(is_root || is_below(&plain)) {
            return Err(not_below(path));
        }
        Ok(Entry {
            path: plain.into_owned(),
            has_dot_prefix,
            kind,
            size,
        })
    }

    /// Reads contents and their padding. The caller bounds the size.
    fn take(&mut self, size: u64) -> Result<Vec<u8>, Fault> {
        self.budget.spend(size)?;
        let mut contents = Vec::new();
        let count = self.from.by_ref().take(size).read_to_end(&mut contents)?;
        if count as u64 != size {
            return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
        }
        self.skip(size.next_multiple_of(BLOCK as u64) - size)?;
        Ok(contents)
    }

    fn skip(&mut self, count: u64) -> Result<(), Fault> {
        self.budget.spend(count)?;
        let skipped = io::copy(&mut self.from.by_ref().take(count), &mut io::sink())?;
        if skipped == count {
            Ok(())
        } else {
            Err(io::Error::from(ErrorKind::UnexpectedEof).into())
        }
    }

    /// Reads what follows the last entry: only zeros may.
    fn end(&mut self) -> Result<(), Fault> {
        let mut piece = [0; PIECE_BYTES];
        loop {
            let count = self.from.read(&mut piece)?;
            self.budget.spend(count as u64)?;
            if count == 0 {
                return Ok(());
            }
            if piece[..count].iter().any(|byte| *byte != 0) {
                return Err(Fault::refused("has bytes after its end"));
            }
        }
    }
}

/// A path in which runs of slashes are one, as all systems read them.
fn single_slashes(path: &str) -> Cow<'_, str> {
    if !path.contains("//") {
        return Cow::Borrowed(path);
    }
    let mut plain = String::with_capacity(path.len());
    for char in path.chars() {
        if char != '/' || !plain.ends_with('/') {
            plain.push(char);
        }
    }
    Cow::Owned(plain)
}

fn no_kind() -> Fault {
    Fault::refused("has an entry that is neither a file nor a folder nor a link")
}

/// The sum of a header's bytes. Those of the sum itself count as spaces.
fn checksum(block: &[u8; BLOCK]) -> u64 {
    let value = |(at, byte): (usize, &u8)| {
        let own = (148..156).contains(&at);
        u64::from(if own { b' ' } else { *byte })
    };
    block.iter().enumerate().map(value).sum()
}

/// A number in octal digits, or in GNU's binary form where digits do not reach.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((0x80, rest)) = field.split_first() {
        let (high, low) = rest.split_last_chunk::<8>()?;
        let fits = high.iter().all(|byte| *byte == 0);
        return fits.then(|| u64::from_be_bytes(*low));
    }
    let digits = std::str::from_utf8(until_nul(field)).ok()?;
    let digits = digits.trim_matches(' ');
    if digits.is_empty() {
        return Some(0);
    }
    let is_octal = digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    u64::from_str_radix(digits, 8).ok().filter(|_| is_octal)
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The path in a header itself.
fn short_path(header: &[u8; BLOCK]) -> Result<String, Fault> {
    let (name, prefix) = (until_nul(&header[..100]), until_nul(&header[345..500]));
    if &header[257..263] != b"ustar\0" || prefix.is_empty() {
        return utf8(name);
    }
    utf8(&[prefix, b"/", name].concat())
}

/// A text that NUL may end.
fn text(bytes: &[u8]) -> Result<String, Fault> {
    let text = until_nul(bytes);
    if bytes[text.len()..].iter().any(|byte| *byte != 0) {
        return Err(Fault::refused("has a name with bytes after its end"));
    }
    utf8(text)
}

fn utf8(bytes: &[u8]) -> Result<String, Fault> {
    String::from_utf8(bytes.to_vec())
        .map_err(|_| Fault::refused("has an entry whose name is not UTF-8"))
}

fn set_path(extended: &mut Extended, path: String) -> Result<(), Fault> {
    if extended.path.replace(path).is_some() {
        return Err(Fault::refused("has an entry with two names"));
    }
    Ok(())
}

/// Reads the lines of a pax header: `{length} {key}={value}`.
fn pax(mut lines: &[u8], extended: &mut Extended) -> Result<(), Fault> {
    let damaged = || Fault::refused("has a damaged pax header");
    while !lines.is_empty() {
        let space = lines.iter().position(|byte| *byte == b' ');
        let space = space.ok_or_else(damaged)?;
        let length = decimal(&lines[..space])
            .and_then(|length| usize::try_from(length).ok())
            .ok_or_else(damaged)?;
        let line = lines
            .get(space + 1..length)
            .and_then(|line| line.strip_suffix(b"\n"))
            .ok_or_else(damaged)?;
        let line = std::str::from_utf8(line).map_err(|_| damaged())?;
        let (key, value) = line.split_once('=').ok_or_else(damaged)?;
        attribute(key, value, extended)?;
        lines = &lines[length..];
    }
    Ok(())
}

fn attribute(key: &str, value: &str, extended: &mut Extended) -> Result<(), Fault> {
    match key {
        "path" => set_path(extended, value.to_owned()),
        "size" => {
            let size = decimal(value.as_bytes());
            let size = size.ok_or_else(|| Fault::refused("has a damaged pax header"))?;
            if extended.size.replace(size).is_some() {
                return Err(Fault::refused("has an entry with two sizes"));
            }
            Ok(())
        }
        _ if is_harmless(key) => Ok(()),
        _ => Err(Fault::refused(format!(
            "has a pax header that clients read differently: {key:.100}"
        ))),
    }
}

/// Whether a key changes neither the path nor the contents of an entry. Keys with a dot are those of
/// vendors, which readers that do not know them pass over; all others are POSIX's.
fn is_harmless(key: &str) -> bool {
    let is_refused = PAX_VENDOR_REFUSED
        .iter()
        .any(|vendor| key.starts_with(vendor));
    PAX_HARMLESS.contains(&key) || (key.contains('.') && !is_refused)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests;
