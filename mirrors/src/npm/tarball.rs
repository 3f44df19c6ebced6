//! The tarball of a publication: what its bytes are, and what it says of itself. Read as a stream,
//! and only as installers would all read it: where they could differ, it is refused.

use crate::publishing::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use flate2::bufread::MultiGzDecoder;
use larder_model::{Algorithm, Hasher, Kind, Problem, hex};
use sha1::{Digest as _, Sha1};
use std::io::{self, BufReader, ErrorKind, Read, SeekFrom};

/// A tarball has at most so many entries,
const MAX_ENTRIES: u64 = 100_000;
/// and so many bytes unpacked,
const MAX_UNPACKED_BYTES: u64 = 2 << 30;
/// and its `package.json` so many,
const MAX_PACKAGE_JSON_BYTES: u64 = 4 << 20;
/// and a header that gives an entry a long name so many.
const MAX_HEADER_BYTES: u64 = 1 << 16;
const BUFFER_BYTES: usize = 1 << 16;
const BLOCK: usize = 512;

/// What a tarball is.
#[derive(Default, Debug)]
pub(super) struct Tarball {
    /// Its SHA-512, as npm writes it.
    pub(super) integrity: String,
    /// Its SHA-1 in hex.
    pub(super) shasum: String,
    /// Size in bytes.
    pub(super) size: u64,
    pub(super) files: u64,
    pub(super) unpacked_size: u64,
    pub(super) package_json: Vec<u8>,
    /// Files next to its `package.json` that npm derives something from.
    pub(super) has_gyp: bool,
    pub(super) has_server: bool,
    pub(super) has_shrinkwrap: bool,
}

fn bad(detail: &'static str) -> Problem {
    Problem::invalid("tarball", detail)
}

fn too_large() -> Problem {
    Problem::new(
        Kind::TooLarge,
        "tarball",
        format!("unpacked, a tarball has at most {MAX_UNPACKED_BYTES} bytes"),
    )
}

fn unread(error: io::Error) -> Problem {
    match error.kind() {
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
            bad("the attachment is not a gzipped tarball in base64, or it is damaged")
                .because(error)
        }
        _ => Problem::internal(error),
    }
}

/// Hashes all that is read.
struct Hashing<R> {
    from: R,
    sha512: Hasher,
    sha1: Sha1,
    size: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.sha512.update(&into[..count]);
        self.sha1.update(&into[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

/// Reads the tarball whose base64 has `length` bytes at `start` of a body.
pub(super) fn read(body: &mut dyn Body, start: u64, length: u64) -> Result<Tarball, Problem> {
    body.seek(SeekFrom::Start(start))
        .map_err(Problem::internal)?;
    let encoded = BufReader::with_capacity(BUFFER_BYTES, body.take(length));
    let from = DecoderReader::new(encoded, &STANDARD);
    let hashing = Hashing {
        from,
        sha512: Hasher::new(Algorithm::Sha512),
        sha1: Sha1::new(),
        size: 0,
    };
    let unpacked = MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, hashing));
    let mut archive = Archive {
        from: unpacked.take(MAX_UNPACKED_BYTES),
        entries: 0,
        found: Tarball::default(),
    };
    while archive.entry()? {}
    archive.end()?;
    let mut found = archive.found;
    if found.package_json.is_empty() {
        return Err(bad("the tarball has no package.json in its one folder"));
    }
    let seen = archive.from.into_inner().into_inner().into_inner();
    found.integrity = format!("sha512-{}", STANDARD.encode(seen.sha512.finish().bytes()));
    found.shasum = hex::encode(&seen.sha1.finalize());
    found.size = seen.size;
    Ok(found)
}

/// A tar archive (POSIX `pax`, with GNU's long names), unpacked.
struct Archive<R> {
    from: io::Take<R>,
    entries: u64,
    found: Tarball,
}

/// What a header says of the entry after it.
#[derive(Default)]
struct Extended {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl<R: Read> Archive<R> {
    /// The next header; `None` at the end.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, Problem> {
        let mut block = [0; BLOCK];
        let count = self
            .from
            .by_ref()
            .take(BLOCK as u64)
            .read(&mut block)
            .map_err(unread)?;
        if count == 0 {
            return if self.from.limit() == 0 {
                Err(too_large())
            } else {
                Ok(None)
            };
        }
        self.from.read_exact(&mut block[count..]).map_err(unread)?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(Problem::new(
                Kind::TooLarge,
                "tarball",
                format!("a tarball has at most {MAX_ENTRIES} entries"),
            ));
        }
        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(at, byte)| u64::from(blank(at, *byte)))
            .sum();
        if number(&block[148..156]) != Some(sum) {
            return Err(bad("the tarball has a damaged header"));
        }
        Ok(Some(block))
    }

    /// Reads an entry with the headers before it; false at the end.
    fn entry(&mut self) -> Result<bool, Problem> {
        let mut extended = Extended::default();
        loop {
            let Some(header) = self.header()? else {
                return Ok(false);
            };
            let size = number(&header[124..136]).ok_or_else(too_large)?;
            match header[156] {
                b'L' => {
                    extended.name =
                        Some(until_nul(&self.contents(size, MAX_HEADER_BYTES)?).to_vec());
                }
                b'x' => pax(&self.contents(size, MAX_HEADER_BYTES)?, &mut extended)?,
                b'g' => {
                    let mut all = Extended::default();
                    pax(&self.contents(size, MAX_HEADER_BYTES)?, &mut all)?;
                    if all.name.is_some() || all.size.is_some() {
                        return Err(bad("the tarball has one name or size for all its entries"));
                    }
                }
                b'K' => self.skip(size)?,
                kind => {
                    let name = extended.name.unwrap_or_else(|| name_of(&header));
                    self.member(kind, &name, extended.size.unwrap_or(size))?;
                    return Ok(true);
                }
            }
        }
    }

    fn member(&mut self, kind: u8, name: &[u8], size: u64) -> Result<(), Problem> {
        let name = String::from_utf8_lossy(name);
        // Before there were kinds, a slash at the end made a folder.
        let kind = if kind == 0 && name.ends_with('/') {
            b'5'
        } else {
            kind
        };
        let name = name
            .strip_suffix('/')
            .filter(|_| kind == b'5')
            .unwrap_or(&name);
        if !is_safe(name) {
            let detail =
                format!("the tarball has an entry whose name is not a plain path: {name:.200}");
            return Err(Problem::invalid("tarball", detail));
        }
        let place = name
            .split_once('/')
            .map(|(_, place)| place)
            .filter(|place| !place.contains('/'));
        let is_package = place.is_some_and(|place| place.eq_ignore_ascii_case("package.json"));
        match kind {
            b'0' | b'\0' | b'7' => {}
            b'1' | b'2' | b'5' if size == 0 && !is_package => return Ok(()),
            _ => {
                return Err(bad(
                    "the tarball has an entry that is neither a file nor a folder nor a link",
                ));
            }
        }
        if size > self.from.limit() {
            return Err(too_large());
        }
        self.found.files += 1;
        self.found.unpacked_size += size;
        if !is_package {
            match place {
                Some("server.js") => self.found.has_server = true,
                Some("npm-shrinkwrap.json") => self.found.has_shrinkwrap = true,
                Some(place) => self.found.has_gyp |= place.strip_suffix(".gyp").is_some(),
                None => {}
            }
            return self.skip(size);
        }
        if place != Some("package.json") || !self.found.package_json.is_empty() {
            return Err(bad("the tarball has more than one package.json"));
        }
        self.found.package_json = self.contents(size, MAX_PACKAGE_JSON_BYTES)?;
        if self.found.package_json.is_empty() {
            Err(bad("the package.json is empty"))
        } else {
            Ok(())
        }
    }

    /// The contents of an entry.
    fn contents(&mut self, size: u64, most: u64) -> Result<Vec<u8>, Problem> {
        if size > most {
            return Err(bad(
                "the tarball has a header or a package.json that is too large",
            ));
        }
        let mut contents = Vec::new();
        self.from
            .by_ref()
            .take(size)
            .read_to_end(&mut contents)
            .map_err(unread)?;
        if contents.len() as u64 != size {
            return Err(cut());
        }
        self.pass(padding(size))?;
        Ok(contents)
    }

    /// Passes over the contents of an entry.
    fn skip(&mut self, size: u64) -> Result<(), Problem> {
        if size > self.from.limit() {
            return Err(too_large());
        }
        self.pass(size + padding(size))
    }

    fn pass(&mut self, count: u64) -> Result<(), Problem> {
        let passed =
            io::copy(&mut self.from.by_ref().take(count), &mut io::sink()).map_err(unread)?;
        if passed == count { Ok(()) } else { Err(cut()) }
    }

    /// Reads what follows the last entry: only zeros may.
    fn end(&mut self) -> Result<(), Problem> {
        let mut piece = vec![0; BUFFER_BYTES];
        loop {
            let count = self.from.read(&mut piece).map_err(unread)?;
            if piece[..count].iter().any(|byte| *byte != 0) {
                return Err(bad("the tarball goes on after its end"));
            }
            if count == 0 {
                return if self.from.limit() == 0 {
                    Err(too_large())
                } else {
                    Ok(())
                };
            }
        }
    }
}

fn cut() -> Problem {
    bad("the tarball ends too early")
}

fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64) - size
}

/// The bytes of the sum itself count as spaces.
fn blank(at: usize, byte: u8) -> u8 {
    if (148..156).contains(&at) { b' ' } else { byte }
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// An octal number; `None` for anything else, such as sizes of more than 8 GiB.
fn number(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(until_nul(field))
        .ok()?
        .trim_matches(' ');
    if text.is_empty() {
        Some(0)
    } else {
        u64::from_str_radix(text, 8).ok()
    }
}

fn name_of(header: &[u8; BLOCK]) -> Vec<u8> {
    let (name, prefix) = (until_nul(&header[..100]), until_nul(&header[345..500]));
    if &header[257..263] != b"ustar\0" || prefix.is_empty() {
        return name.to_vec();
    }
    [prefix, b"/", name].concat()
}

/// Reads a `pax` header: lines of the form `{length} {key}={value}`.
fn pax(mut lines: &[u8], into: &mut Extended) -> Result<(), Problem> {
    let damaged = || bad("the tarball has a damaged pax header");
    while !lines.is_empty() && lines[0] != 0 {
        let space = lines
            .iter()
            .position(|byte| *byte == b' ')
            .ok_or_else(damaged)?;
        let decimal = |bytes: &[u8]| {
            std::str::from_utf8(bytes)
                .ok()
                .and_then(|text| text.parse::<u64>().ok())
        };
        let length = decimal(&lines[..space])
            .and_then(|length| usize::try_from(length).ok())
            .ok_or_else(damaged)?;
        let line = lines
            .get(space + 1..length)
            .and_then(|line| line.strip_suffix(b"\n"))
            .ok_or_else(damaged)?;
        match line.split_at(
            line.iter()
                .position(|byte| *byte == b'=')
                .ok_or_else(damaged)?,
        ) {
            (b"path", value) => into.name = Some(value[1..].to_vec()),
            (b"size", value) => into.size = Some(decimal(&value[1..]).ok_or_else(damaged)?),
            _ => {}
        }
        lines = &lines[length..];
    }
    Ok(())
}

/// Whether a name is that of a place within the folder that is unpacked to, wherever and by
/// whatever that is done.
fn is_safe(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':');
    let part = |part: &str| !matches!(part, "" | "." | "..");
    !drive && !name.contains(['\\', '\0']) && name.split('/').all(part)
}
