//! Writes zip files (APPNOTE 6.3.10) of what other ones have: contents stay packed as they are.

use super::{Entry, Fault, UTF8};
use crate::publishing::Piece;

/// The version that reads folders and packed contents.
const VERSION: u16 = 20;
/// The version that reads wider numbers.
const WIDE_VERSION: u16 = 45;
/// The first day that a zip file can tell, in its format: contents have no time.
const FIRST_DAY: u16 = 1 << 5 | 1;
/// The length of the record with wider numbers, as it tells it: without its signature and itself.
const WIDE_END_LENGTH: u64 = 44;

/// The pieces of a zip file of these entries, whose contents are parts of the body, each from its offset
/// on. Fails if it is too large for numbers of four bytes.
pub(crate) fn pieces(entries: &[Entry]) -> Result<Vec<Piece>, Fault> {
    let mut pieces = Vec::with_capacity(entries.len() * 2 + 1);
    let (mut directory, mut at) = (Vec::new(), 0);
    for entry in entries {
        let common = common(entry)?;
        let name = entry.name.as_bytes();
        directory.extend(b"PK\x01\x02");
        directory.extend(VERSION.to_le_bytes());
        directory.extend(&common);
        // No comment, the first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(short(at)?.to_le_bytes());
        directory.extend(name);
        let head = [b"PK\x03\x04", &*common, name].concat();
        at += head.len() as u64 + entry.packed;
        pieces.push(Piece::Inline(head));
        if entry.packed > 0 {
            pieces.push(Piece::Part(entry.content, entry.packed));
        }
    }
    let end = end(entries.len() as u64, (at, directory.len() as u64))?;
    directory.extend(end);
    pieces.push(Piece::Inline(directory));
    Ok(pieces)
}

/// What stands in both headers of an entry, with nothing beside its name.
fn common(entry: &Entry) -> Result<Vec<u8>, Fault> {
    let flags = if entry.name.is_ascii() { 0 } else { UTF8 };
    let name = u16::try_from(entry.name.len()).map_err(|_| too_large())?;
    let mut bytes = Vec::new();
    for number in [VERSION, flags, entry.method, 0, FIRST_DAY] {
        bytes.extend(number.to_le_bytes());
    }
    for number in [entry.crc, short(entry.packed)?, short(entry.size)?] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(name.to_le_bytes());
    bytes.extend([0; 2]);
    Ok(bytes)
}

/// The end, behind a directory that begins at an offset and has so many bytes.
fn end(count: u64, (start, length): (u64, u64)) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let few = u16::try_from(count).ok().filter(|few| *few < u16::MAX);
    if few.is_none() {
        bytes.extend(b"PK\x06\x06");
        bytes.extend(WIDE_END_LENGTH.to_le_bytes());
        bytes.extend([WIDE_VERSION, WIDE_VERSION].map(u16::to_le_bytes).concat());
        bytes.extend([0; 8]);
        for number in [count, count, length, start] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(b"PK\x06\x07\0\0\0\0");
        bytes.extend((start + length).to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
    }
    let few = few.unwrap_or(u16::MAX).to_le_bytes();
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([few, few].concat());
    bytes.extend(short(length)?.to_le_bytes());
    bytes.extend(short(start)?.to_le_bytes());
    bytes.extend([0; 2]);
    Ok(bytes)
}

fn short(number: u64) -> Result<u32, Fault> {
    let short = u32::try_from(number).ok();
    short
        .filter(|short| *short < u32::MAX)
        .ok_or_else(too_large)
}

fn too_large() -> Fault {
    Fault::TooLarge("has more than such files hold".into())
}

#[cfg(test)]
mod tests;
