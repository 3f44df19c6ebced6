//! Finds one file in a gzipped tar file (POSIX ustar and pax, GNU long names), walking all of it.

use super::archive::{Budget, MAX_METADATA_BYTES, broken, is_plain};
use super::bad;
use super::window::Window;
use flate2::read::MultiGzDecoder;
use larder_model::Problem;
use std::io::{BufReader, Read};

const BLOCK: usize = 512;
const MAX_ENTRIES: usize = 100_000;
/// No long name and no set of attributes is longer.
const MAX_EXTRA_BYTES: u64 = 64 << 10;
const PIECE_BYTES: usize = 64 << 10;

/// What a pax header or a GNU name says of the entry behind it.
#[derive(Default)]
struct Extra {
    path: Option<String>,
    size: Option<u64>,
}

/// The content of the one plain file whose name is wanted; `None` if there is none.
pub(super) fn find(
    file: &mut Window<'_>,
    wanted: impl Fn(&str) -> bool,
) -> Result<Option<Vec<u8>>, Problem> {
    let length = file.length();
    let packed = BufReader::with_capacity(PIECE_BYTES, file.stream(0, length).map_err(broken)?);
    let mut tar = Tar {
        reader: Box::new(MultiGzDecoder::new(packed)),
        budget: Budget::new(length),
    };
    let (mut found, mut extra) = (None, Extra::default());
    for _ in 0..MAX_ENTRIES {
        let mut head = [0; BLOCK];
        tar.read(&mut head)?;
        if head == [0; BLOCK] {
            tar.finish()?;
            return Ok(found);
        }
        check_sum(&head)?;
        let own = number(&head[124..136]).ok_or_else(strange)?;
        let kind = head[156];
        if matches!(kind, b'x' | b'g' | b'L' | b'K') {
            if own > MAX_EXTRA_BYTES {
                return Err(strange());
            }
            let value = tar.content(own)?;
            match kind {
                b'x' => pax(&value, &mut extra)?,
                b'L' => extra.path = Some(text(&value)?),
                b'g' => {
                    let mut all = Extra::default();
                    pax(&value, &mut all)?;
                    if all.path.is_some() || all.size.is_some() {
                        return Err(strange());
                    }
                }
                _ => {}
            }
            continue;
        }
        let Extra { path, size } = std::mem::take(&mut extra);
        let name = match path {
            Some(path) => path,
            None => short_name(&head)?,
        };
        let name = name
            .strip_prefix("./")
            .unwrap_or(&name)
            .trim_end_matches('/');
        if !is_plain(name) && !matches!(name, "" | ".") {
            return Err(bad("a name in the archive leads elsewhere"));
        }
        // Links, devices and folders have no content, whatever they say.
        let plain = matches!(kind, 0 | b'0' | b'7');
        let size = if plain || !kind.is_ascii_digit() {
            size.unwrap_or(own)
        } else {
            0
        };
        if !plain || !wanted(name) {
            tar.skip(size)?;
        } else if found.is_some() {
            return Err(bad("a name is in the archive twice"));
        } else if size > MAX_METADATA_BYTES {
            return Err(bad("the metadata of the archive is too long"));
        } else {
            found = Some(tar.content(size)?);
        }
    }
    Err(bad("the archive has too many entries"))
}

struct Tar<'a> {
    reader: Box<dyn Read + 'a>,
    budget: Budget,
}

impl Tar<'_> {
    fn read(&mut self, into: &mut [u8]) -> Result<(), Problem> {
        self.budget.spend(into.len() as u64)?;
        self.reader.read_exact(into).map_err(broken)
    }

    /// A content of bounded size, up to the end of its last block.
    fn content(&mut self, size: u64) -> Result<Vec<u8>, Problem> {
        let mut bytes = vec![0; usize::try_from(padded(size)?).map_err(|_| strange())?];
        self.read(&mut bytes)?;
        bytes.truncate(usize::try_from(size).map_err(|_| strange())?);
        Ok(bytes)
    }

    fn skip(&mut self, size: u64) -> Result<(), Problem> {
        let size = padded(size)?;
        self.budget.spend(size)?;
        let skipped = std::io::copy(&mut (&mut self.reader).take(size), &mut std::io::sink())
            .map_err(broken)?;
        if skipped == size {
            Ok(())
        } else {
            Err(broken(std::io::ErrorKind::UnexpectedEof.into()))
        }
    }

    /// Behind the end there are zeros only, and the checksum of the whole.
    fn finish(&mut self) -> Result<(), Problem> {
        let mut piece = [0; PIECE_BYTES / 8];
        loop {
            let count = self.reader.read(&mut piece).map_err(broken)?;
            self.budget.spend(count as u64)?;
            if count == 0 {
                return Ok(());
            }
            if piece[..count].iter().any(|byte| *byte != 0) {
                return Err(bad("the archive goes on behind its end"));
            }
        }
    }
}

fn strange() -> Problem {
    bad("the archive is no tar file that every client reads alike")
}

fn padded(size: u64) -> Result<u64, Problem> {
    size.checked_next_multiple_of(BLOCK as u64)
        .ok_or_else(strange)
}

fn check_sum(head: &[u8; BLOCK]) -> Result<(), Problem> {
    let byte = |(at, byte): (usize, &u8)| {
        u64::from(if (148..156).contains(&at) {
            b' '
        } else {
            *byte
        })
    };
    let sum: u64 = head.iter().enumerate().map(byte).sum();
    if number(&head[148..156]) == Some(sum) {
        Ok(())
    } else {
        Err(strange())
    }
}

/// A number in octal digits, or in GNU's binary form where digits do not reach.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((0x80, rest)) = field.split_first() {
        let (high, low) = rest.split_last_chunk::<8>()?;
        return high
            .iter()
            .all(|byte| *byte == 0)
            .then(|| u64::from_be_bytes(*low));
    }
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    let digits = std::str::from_utf8(&field[..end]).ok()?.trim_matches(' ');
    if digits.is_empty() {
        Some(0)
    } else {
        u64::from_str_radix(digits, 8).ok()
    }
}

fn short_name(head: &[u8; BLOCK]) -> Result<String, Problem> {
    let name = text(&head[..100])?;
    let prefix = if head[257..263] == *b"ustar\0" {
        text(&head[345..500])?
    } else {
        String::new()
    };
    Ok(if prefix.is_empty() {
        name
    } else {
        format!("{prefix}/{name}")
    })
}

/// Text up to its first zero.
fn text(bytes: &[u8]) -> Result<String, Problem> {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8(bytes[..end].to_vec()).map_err(|error| strange().because(error))
}

/// Reads `length key=value` lines.
fn pax(mut bytes: &[u8], extra: &mut Extra) -> Result<(), Problem> {
    while !bytes.is_empty() {
        let space = bytes
            .iter()
            .position(|byte| *byte == b' ')
            .ok_or_else(strange)?;
        let length = std::str::from_utf8(&bytes[..space])
            .ok()
            .and_then(|digits| digits.parse::<usize>().ok());
        let length = length
            .filter(|length| *length > space + 1)
            .ok_or_else(strange)?;
        let line = bytes
            .get(space + 1..length)
            .and_then(|line| line.strip_suffix(b"\n"))
            .ok_or_else(strange)?;
        bytes = &bytes[length..];
        if let Some(path) = line.strip_prefix(b"path=") {
            extra.path = Some(text(path)?);
        } else if let Some(size) = line.strip_prefix(b"size=") {
            let size = std::str::from_utf8(size)
                .ok()
                .and_then(|size| size.parse().ok());
            extra.size = Some(size.ok_or_else(strange)?);
        }
    }
    Ok(())
}
