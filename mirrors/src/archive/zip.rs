//! Reads zip files (APPNOTE 6.3.10), strictly. Clients read them from the front or from the back:
//! only a file that is the same either way is accepted, without gaps, duplicate names or anything
//! around it.

use super::window::Window;
use super::{Budget, Fault, Limits, has_control_characters, is_below, not_below, require_file};
use flate2::Crc;
use flate2::read::DeflateDecoder;
use larder_model::Limit;
use std::io::Read;

/// The record at the end, a comment may follow it.
const END_BYTES: usize = 22;
const MAX_COMMENT_BYTES: usize = u16::MAX as usize;
/// The record with wider numbers (APPNOTE 4.3.14), and the one after it that says where it is.
const WIDE_END_BYTES: u64 = 56;
const LOCATOR_BYTES: u64 = 20;
/// What the length of such a record leaves out: the signature and itself.
const WIDE_END_HEAD_BYTES: u64 = 12;
const CENTRAL_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;
/// The longest directory that is read into memory.
const MAX_DIRECTORY_BYTES: u64 = 32 << 20;
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
/// The sizes follow the content.
const STREAMED: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// The extra field of sizes that need more than four bytes.
const WIDE: u16 = 1;
/// The extra field that gives an entry another name (APPNOTE 4.6.9), after a version and a checksum.
const UNICODE_PATH: u16 = 0x7075;
const UNICODE_PATH_HEAD_BYTES: usize = 5;
/// Who made an entry, where its attributes are those of Unix; and what these say of its kind.
const UNIX: u8 = 3;
const KIND: u32 = 0o170_000;
const LINK: u32 = 0o120_000;
/// Bytes of a content at once.
const PIECE_BYTES: usize = 64 << 10;

/// A file within a zip file.
pub(crate) struct Entry {
    /// Its name; that of a folder ends in a slash.
    pub(crate) name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    /// Where its local header begins.
    at: u64,
    /// Where its content begins.
    content: u64,
    /// Whether systems with links would make one of it.
    is_link: bool,
}

impl Entry {
    /// The bytes of its content.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Whether systems with links would make one of it.
    pub(crate) fn is_link(&self) -> bool {
        self.is_link
    }

    /// The same content under another name.
    pub(crate) fn renamed(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// A file that is not packed, whose bytes are at an offset of the body that the archive is in.
    pub(crate) fn stored(name: String, content: u64, bytes: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(bytes);
        let size = bytes.len() as u64;
        Self {
            name,
            flags: 0,
            method: STORED,
            crc: crc.sum(),
            packed: size,
            size,
            at: 0,
            content,
            is_link: false,
        }
    }
}

/// All entries, by their place in the file.
pub(crate) fn entries(file: &mut Window<'_>, limits: &Limits) -> Result<Vec<Entry>, Fault> {
    let (directory, count, start) = directory(file, limits)?;
    let mut entries = Vec::with_capacity(count);
    let mut rest = &directory[..];
    for _ in 0..count {
        let (entry, after) =
            central(rest).ok_or_else(|| Fault::refused("has a broken directory"))?;
        rest = after;
        check(&entry, limits)?;
        entries.push(entry);
    }
    if !rest.is_empty() {
        return Err(Fault::refused("has a broken directory"));
    }
    let mut names: Vec<&str> = entries
        .iter()
        .map(|entry| entry.name.trim_end_matches('/'))
        .collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Fault::refused("has two entries of the same name"));
    }
    let mut budget = Budget::new(limits, file.length());
    entries
        .iter()
        .try_for_each(|entry| budget.spend(entry.size))?;
    entries.sort_unstable_by_key(|entry| entry.at);
    let mut end = 0;
    for at in 0..entries.len() {
        let next = entries.get(at + 1).map_or(start, |next| next.at);
        end = place(file, &mut entries[at], end, next)?;
    }
    if end == start {
        Ok(entries)
    } else {
        Err(Fault::refused("has bytes between its entries"))
    }
}

/// The content of an entry that is not larger than `max`.
pub(crate) fn content(
    file: &mut Window<'_>,
    entry: &Entry,
    max: impl Into<Limit>,
) -> Result<Vec<u8>, Fault> {
    require_file(&entry.name, entry.size, max.into())?;
    let mut bytes = Vec::new();
    each(file, entry, |piece| bytes.extend_from_slice(piece))?;
    Ok(bytes)
}

/// Passes the content of an entry to a function, a piece at a time. That it is damaged is known at its
/// end.
pub(crate) fn each(
    file: &mut Window<'_>,
    entry: &Entry,
    mut take: impl FnMut(&[u8]),
) -> Result<(), Fault> {
    let packed = file.stream(entry.content, entry.packed)?;
    // One byte more shows that it is longer than its headers say.
    let limit = entry.size + 1;
    let mut unpacked: Box<dyn Read + '_> = match entry.method {
        STORED => Box::new(packed.take(limit)),
        _ => Box::new(DeflateDecoder::new(packed).take(limit)),
    };
    let (mut crc, mut piece) = (Crc::new(), vec![0; PIECE_BYTES]);
    let mut size = 0;
    loop {
        match unpacked.read(&mut piece)? {
            0 => break,
            count => {
                crc.update(&piece[..count]);
                take(&piece[..count]);
                size += count as u64;
            }
        }
    }
    if size == entry.size && crc.sum() == entry.crc {
        Ok(())
    } else {
        Err(Fault::refused(format!(
            "has a damaged file: {:.200}",
            entry.name
        )))
    }
}

/// The bytes of the directory, how many entries it has, and where it begins.
fn directory(file: &mut Window<'_>, limits: &Limits) -> Result<(Vec<u8>, usize, u64), Fault> {
    let tail = file.length().min((END_BYTES + MAX_COMMENT_BYTES) as u64);
    let bytes = file.bytes(file.length() - tail, tail)?;
    let ends = |at: &usize| {
        bytes[*at..].starts_with(b"PK\x05\x06")
            && u16_at(&bytes, *at + 20)
                .is_some_and(|comment| *at + END_BYTES + usize::from(comment) == bytes.len())
    };
    let mut found = (0..bytes.len().saturating_sub(END_BYTES - 1)).filter(ends);
    let (Some(at), None) = (found.next(), found.next()) else {
        return Err(Fault::refused("is not a zip file, or is truncated"));
    };
    let end = &bytes[at..];
    let broken = || Fault::refused("has a broken end");
    let mut place = file.length() - tail + at as u64;
    let mut found = End::read(end).ok_or_else(broken)?;
    if let Some((wide, at)) = wide_end(file, place)? {
        if !found.may_be(&wide) {
            return Err(broken());
        }
        (found, place) = (wide, at);
    }
    let end = found.start.checked_add(found.length);
    if !found.is_one_part || end != Some(place) {
        return Err(Fault::refused(
            "has several parts, or has bytes before or after it",
        ));
    }
    if found.length > MAX_DIRECTORY_BYTES || found.count > limits.entries {
        return Err(Fault::TooLarge("has too many entries".into()));
    }
    let count = usize::try_from(found.count).map_err(|_| broken())?;
    Ok((file.bytes(found.start, found.length)?, count, found.start))
}

/// What the end of a file tells of its directory.
struct End {
    is_one_part: bool,
    count: u64,
    length: u64,
    start: u64,
}

impl End {
    fn read(end: &[u8]) -> Option<Self> {
        let count = u16_at(end, 10)?;
        Some(Self {
            is_one_part: u32_at(end, 4)? == 0 && u16_at(end, 8)? == count,
            count: count.into(),
            length: u32_at(end, 12)?.into(),
            start: u32_at(end, 16)?.into(),
        })
    }

    /// Reads the record with wider numbers.
    fn read_wide(end: &[u8]) -> Option<Self> {
        end.strip_prefix(b"PK\x06\x06")?;
        let is_whole = u64_at(end, 4)? == WIDE_END_BYTES - WIDE_END_HEAD_BYTES;
        let count = u64_at(end, 32)?;
        Some(Self {
            is_one_part: is_whole && u64_at(end, 16)? == 0 && u64_at(end, 24)? == count,
            count,
            length: u64_at(end, 40)?,
            start: u64_at(end, 48)?,
        })
    }

    /// Whether the other one, with wider numbers, says the same: what does not fit is left open.
    fn may_be(&self, wide: &Self) -> bool {
        let same = |short: u64, most: u64, wide: u64| short == wide || short == most;
        self.is_one_part
            && same(self.count, u16::MAX.into(), wide.count)
            && same(self.length, u32::MAX.into(), wide.length)
            && same(self.start, u32::MAX.into(), wide.start)
    }
}

/// The end with wider numbers, and where it begins, if one stands before the end at `place`.
fn wide_end(file: &mut Window<'_>, place: u64) -> Result<Option<(End, u64)>, Fault> {
    let Some(at) = place.checked_sub(LOCATOR_BYTES) else {
        return Ok(None);
    };
    let locator = file.bytes(at, LOCATOR_BYTES)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    // It has to be the one right before it.
    let broken = || Fault::refused("has a broken end");
    let begins = at.checked_sub(WIDE_END_BYTES).ok_or_else(broken)?;
    let told = (
        u32_at(&locator, 4),
        u64_at(&locator, 8),
        u32_at(&locator, 16),
    );
    if told != (Some(0), Some(begins), Some(1)) {
        return Err(broken());
    }
    let end = End::read_wide(&file.bytes(begins, WIDE_END_BYTES)?).ok_or_else(broken)?;
    Ok(Some((end, begins)))
}

/// The entry at the beginning of a directory, and the bytes after it.
fn central(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    bytes.strip_prefix(b"PK\x01\x02")?;
    let length = |at| u16_at(bytes, at).map(usize::from);
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let (flags, at) = (u16_at(bytes, 8)?, u32_at(bytes, 42)?);
    let rest = bytes.get(CENTRAL_BYTES..)?;
    let raw = rest.get(..name)?;
    if flags & UTF8 == 0 && !raw.is_ascii() {
        return None;
    }
    let short = [u32_at(bytes, 24)?, u32_at(bytes, 20)?, at];
    let [size, packed, at] = wide(rest.get(name..name + extra)?, raw, short)?;
    let entry = Entry {
        name: String::from_utf8(raw.to_vec()).ok()?,
        flags,
        method: u16_at(bytes, 10)?,
        crc: u32_at(bytes, 16)?,
        packed,
        size,
        at,
        content: 0,
        is_link: bytes.get(5) == Some(&UNIX) && (u32_at(bytes, 38)? >> 16) & KIND == LINK,
    };
    Some((entry, rest.get(name + extra + comment..)?))
}

/// The sizes of a content, unpacked and packed, and where its header is: those that do not fit stand in
/// an extra field. `None` if the fields are broken or give the entry another name.
fn wide<const N: usize>(mut extra: &[u8], name: &[u8], short: [u32; N]) -> Option<[u64; N]> {
    let mut found = None;
    while !extra.is_empty() {
        let (id, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let value = extra.get(4..4 + length)?;
        let is_other_name =
            id == UNICODE_PATH && value.get(UNICODE_PATH_HEAD_BYTES..) != Some(name);
        if is_other_name || (id == WIDE && found.replace(value).is_some()) {
            return None;
        }
        extra = &extra[4 + length..];
    }
    let mut value = found.unwrap_or_default();
    let mut all = short.map(u64::from);
    for number in all
        .iter_mut()
        .filter(|number| **number == u64::from(u32::MAX))
    {
        let (wide, after) = value.split_first_chunk()?;
        value = after;
        *number = u64::from_le_bytes(*wide);
    }
    Some(all)
}

fn check(entry: &Entry, limits: &Limits) -> Result<(), Fault> {
    if entry.flags & ENCRYPTED != 0 {
        return Err(Fault::refused("is encrypted"));
    }
    let whole = entry.method == DEFLATED || (entry.method == STORED && entry.size == entry.packed);
    if !whole {
        return Err(Fault::refused(
            "uses a compression method that not every client supports",
        ));
    }
    let path = entry.name.strip_suffix('/').unwrap_or(&entry.name);
    if path.len() > limits.path_bytes || !is_below(path) || has_control_characters(path) {
        return Err(not_below(&entry.name));
    }
    Ok(())
}

/// Compares an entry with its local header and sets where its content begins. Returns where it ends,
/// which is at `next`.
fn place(file: &mut Window<'_>, entry: &mut Entry, end: u64, next: u64) -> Result<u64, Fault> {
    let other = || Fault::refused("has a directory that differs from its entries' headers");
    if entry.at != end {
        return Err(Fault::refused("has bytes between its entries"));
    }
    let head = file.bytes(entry.at, LOCAL_BYTES as u64)?;
    let numbers = (|| {
        let lengths = (u16_at(&head, 26)?, u16_at(&head, 28)?);
        Some((
            u16_at(&head, 6)?,
            u16_at(&head, 8)?,
            u32_at(&head, 14)?,
            u32_at(&head, 18)?,
            u32_at(&head, 22)?,
            lengths,
        ))
    })();
    let (flags, method, crc, packed, size, (name, extra)) = numbers.ok_or_else(other)?;
    let after = file.bytes(
        entry.at + LOCAL_BYTES as u64,
        u64::from(name) + u64::from(extra),
    )?;
    let (named, extra) = after.split_at(name.into());
    let alike = head.starts_with(b"PK\x03\x04")
        && named == entry.name.as_bytes()
        && method == entry.method
        && (flags ^ entry.flags) & (STREAMED | ENCRYPTED | UTF8) == 0;
    let streamed = flags & STREAMED != 0;
    let sizes = wide(extra, named, [size, packed]);
    let is_same = crc == entry.crc && sizes == Some([entry.size, entry.packed]);
    // A writer that streams does not know them yet.
    if !alike || !(is_same || streamed && crc == 0) {
        return Err(other());
    }
    entry.content = entry.at + (LOCAL_BYTES + after.len()) as u64;
    let end = entry.content.checked_add(entry.packed).ok_or_else(other)?;
    match next.checked_sub(end) {
        Some(0) if !streamed => Ok(next),
        // A checksum and two sizes of four or eight bytes, with or without a signature before them.
        Some(12 | 16 | 20 | 24) if streamed => Ok(next),
        _ => Err(Fault::refused("has bytes between its entries")),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|bytes| u16::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|bytes| u64::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|bytes| u32::from_le_bytes(*bytes))
}

pub(crate) mod writer;
