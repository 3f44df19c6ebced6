//! The start of an rpm: the lead, the signature header, the header ("RPM V4 Package format"). Counts
//! and offsets are checked against the available bytes before they are used.

use crate::publishing::Body;
use larder_model::Problem;
use std::io::{self, Read};

/// The size of the lead.
pub(super) const LEAD_BYTES: usize = 96;
const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
const HEADER_MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];
/// The size of a header before its entries.
const INTRO_BYTES: usize = 16;
const ENTRY_BYTES: usize = 16;
/// Limit on the entries of a header: that of rpm itself.
const MAX_ENTRIES: usize = 0xffff;
/// Limit on the bytes of a header. That of a package with a hundred thousand files has some 10 MiB.
const MAX_HEADER_BYTES: usize = 32 << 20;
/// Limit on the bytes of a signature header, which may have a signature for each file.
const MAX_SIGNATURE_BYTES: usize = 8 << 20;
/// Limit on the values of a tag. Each takes more memory than it has bytes in the file.
const MAX_VALUES: usize = 1 << 20;
/// Limit on the values of all tags. A package of a hundred thousand files has two million.
const MAX_IN_ALL: u64 = 8 << 20;

/// The problem of a package that cannot be published.
pub(super) fn bad(why: &str) -> Problem {
    Problem::invalid("package", format!("this rpm cannot be published: {why}"))
}

fn cut(error: io::Error) -> Problem {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        bad("it is truncated")
    } else {
        Problem::internal(error)
    }
}

/// The parts before the payload.
pub(super) struct Front {
    pub(super) signature: Header,
    pub(super) header: Header,
    /// The header's start and end in the file.
    pub(super) range: (u64, u64),
}

impl Front {
    /// Reads them. After that, the body is at the start of the payload.
    pub(super) fn read(body: &mut dyn Body) -> Result<Self, Problem> {
        let mut lead = [0; LEAD_BYTES];
        body.read_exact(&mut lead).map_err(cut)?;
        if lead[..4] != LEAD_MAGIC {
            return Err(bad("it does not begin with the magic number of rpm"));
        }
        if !matches!(lead[4], 3 | 4) {
            return Err(bad("its format has an unknown version"));
        }
        let signature = Header::read(body, MAX_SIGNATURE_BYTES)?;
        let padding = signature.bytes.len().next_multiple_of(8) - signature.bytes.len();
        body.read_exact(&mut [0; 8][..padding]).map_err(cut)?;
        let start = (LEAD_BYTES + signature.bytes.len() + padding) as u64;
        let header = Header::read(body, MAX_HEADER_BYTES)?;
        let end = start + header.bytes.len() as u64;
        Ok(Self {
            signature,
            header,
            range: (start, end),
        })
    }
}

/// A list of tagged values.
pub(super) struct Header {
    /// Its bytes in the file, with its magic number.
    pub(super) bytes: Vec<u8>,
    entries: usize,
}

/// A tag's entry: its type, its offset in the data, and the number of values.
#[derive(Clone, Copy)]
struct Entry {
    kind: u32,
    offset: usize,
    count: usize,
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl Header {
    pub(super) fn read(body: &mut dyn Body, max_bytes: usize) -> Result<Self, Problem> {
        let mut bytes = vec![0; INTRO_BYTES];
        body.read_exact(&mut bytes).map_err(cut)?;
        if bytes[..4] != HEADER_MAGIC {
            return Err(bad("a header does not begin with its magic number"));
        }
        let size = |at| {
            number(&bytes, at)
                .and_then(|size| usize::try_from(size).ok())
                .unwrap_or(usize::MAX)
        };
        let (entries, data) = (size(8), size(12));
        if entries == 0 || entries > MAX_ENTRIES || data > max_bytes {
            return Err(bad("a header is empty or too large"));
        }
        let rest = entries * ENTRY_BYTES + data;
        // The buffer grows with the bytes that are there, not with the declared count.
        let count = body
            .take(rest as u64)
            .read_to_end(&mut bytes)
            .map_err(cut)?;
        if count != rest {
            return Err(bad("it is truncated"));
        }
        let header = Self { bytes, entries };
        let mut tags: Vec<_> = header.entries().map(|entry| number(entry, 0)).collect();
        tags.sort_unstable();
        // Readers differ in which of two values they take.
        if tags.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(bad("a header has two entries of the same tag"));
        }
        header.require_room(data)?;
        Ok(header)
    }

    /// The entries, 16 bytes each.
    fn entries(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes
            .get(INTRO_BYTES..)
            .unwrap_or_default()
            .chunks_exact(ENTRY_BYTES)
            .take(self.entries)
    }

    /// Fails unless all values fit into `data` bytes without overlap, because many entries could point
    /// to the same text.
    fn require_room(&self, data: usize) -> Result<(), Problem> {
        let (mut values, mut bytes) = (0_u64, 0_u64);
        for entry in self.entries() {
            let width = match number(entry, 4) {
                Some(3) => 2,
                Some(4) => 4,
                Some(5) => 8,
                _ => 1, // a string has at least its end
            };
            let count = u64::from(number(entry, 12).unwrap_or(u32::MAX));
            values += count * u64::from(number(entry, 4) != Some(7));
            bytes += count * width;
        }
        if values > MAX_IN_ALL || bytes > data as u64 {
            return Err(bad("its header has more values than fit into its data"));
        }
        Ok(())
    }

    fn data(&self) -> &[u8] {
        self.bytes
            .get(INTRO_BYTES + self.entries * ENTRY_BYTES..)
            .unwrap_or_default()
    }

    /// The entry of a tag.
    fn entry(&self, tag: u32) -> Option<Entry> {
        let entry = self.entries().find(|entry| number(entry, 0) == Some(tag))?;
        Some(Entry {
            kind: number(entry, 4)?,
            offset: usize::try_from(number(entry, 8)?).ok()?,
            count: usize::try_from(number(entry, 12)?).ok()?,
        })
    }

    /// The bytes of all values of an entry, each of `width`; `None` if some are missing.
    fn values(&self, entry: Entry, width: usize) -> Option<&[u8]> {
        let length = entry.count.checked_mul(width)?;
        self.data()
            .get(entry.offset..entry.offset.checked_add(length)?)
    }

    /// The numbers of a tag, of any width; empty if there is no such tag.
    pub(super) fn numbers(&self, tag: u32) -> Result<Vec<u64>, Problem> {
        let Some(entry) = self.entry(tag) else {
            return Ok(Vec::new());
        };
        let width = match entry.kind {
            2 => 1,
            3 => 2,
            4 => 4,
            5 => 8,
            _ => return Err(bad("a value in its header is not a number")),
        };
        let bytes = self
            .values(entry, width)
            .filter(|_| entry.count <= MAX_VALUES);
        let bytes =
            bytes.ok_or_else(|| bad("its header points beyond its end, or has too many values"))?;
        let big_endian = |value: &[u8]| {
            value
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        Ok(bytes.chunks_exact(width).map(big_endian).collect())
    }

    /// The first number of a tag.
    pub(super) fn number(&self, tag: u32) -> Result<Option<u64>, Problem> {
        Ok(self.numbers(tag)?.first().copied())
    }

    /// The number of the first of two tags that exists. Sizes have a second tag for 64 bits.
    pub(super) fn first_number(&self, tags: [u32; 2]) -> Result<Option<u64>, Problem> {
        Ok(match self.number(tags[0])? {
            Some(number) => Some(number),
            None => self.number(tags[1])?,
        })
    }

    /// The bytes of a tag.
    pub(super) fn binary(&self, tag: u32) -> Result<Option<&[u8]>, Problem> {
        let Some(entry) = self.entry(tag) else {
            return Ok(None);
        };
        let bytes = self.values(entry, 1).filter(|_| entry.kind == 7);
        bytes
            .map(Some)
            .ok_or_else(|| bad("its header points beyond its end"))
    }

    /// The strings of a tag. Of a text in several languages, only the first.
    pub(super) fn texts(&self, tag: u32) -> Result<Vec<String>, Problem> {
        let Some(entry) = self.entry(tag) else {
            return Ok(Vec::new());
        };
        let count = match entry.kind {
            6 | 9 => 1,
            8 if entry.count <= MAX_VALUES => entry.count,
            8 => return Err(bad("its header has too many values")),
            _ => return Err(bad("a value in its header is not a string")),
        };
        let mut rest = self.data().get(entry.offset..).unwrap_or_default();
        let mut texts = Vec::new();
        for _ in 0..count {
            let end = rest
                .iter()
                .position(|byte| *byte == 0)
                .ok_or_else(|| bad("a string in its header has no end"))?;
            texts.push(text(&rest[..end]));
            rest = &rest[end + 1..];
        }
        Ok(texts)
    }

    /// The first string of a tag; empty if there is none.
    pub(super) fn text(&self, tag: u32) -> Result<String, Problem> {
        Ok(self.texts(tag)?.into_iter().next().unwrap_or_default())
    }

    pub(super) fn has(&self, tag: u32) -> bool {
        self.entry(tag).is_some()
    }
}

/// Old packages are not in UTF-8 and do not name their encoding. Latin-1 has a character for every
/// byte.
fn text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}
