//! The tarball of a publication: its hashes, its `package.json`, and the files from which npm
//! derives fields of the manifest.

use crate::archive::tar::{Kind, Tar};
use crate::archive::{Fault, Limits, not_below};
use crate::publishing::{Body, PublishLimits};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use flate2::bufread::MultiGzDecoder;
use larder_model::{Algorithm, Hasher, Limit, Problem, hex};
use sha1::{Digest as _, Sha1};
use std::io::{self, BufReader, Read, SeekFrom};

/// Limits of a tarball.
const fn limits_of(limits: &PublishLimits) -> Limits {
    Limits {
        entries: 100_000,
        path_bytes: 4096,
        unpacked: limits.unpacked,
        ratio: 100,
    }
}

const BUFFER_BYTES: usize = 1 << 16;
const PACKAGE_JSON: &str = "package.json";
/// The subject of problems, and the name of the archive in their details.
const ABOUT: &str = "tarball";
const NAME: &str = "the tarball";

/// What the reader learns about a tarball.
#[derive(Default, Debug)]
pub(super) struct Tarball {
    /// Its SHA-512 as Subresource Integrity.
    pub(super) integrity: String,
    /// Its SHA-1 in hex.
    pub(super) shasum: String,
    /// Size in bytes.
    pub(super) size: u64,
    pub(super) files: u64,
    pub(super) unpacked_size: u64,
    pub(super) package_json: Vec<u8>,
    // Files next to `package.json` from which npm derives fields.
    pub(super) has_gyp: bool,
    pub(super) has_server: bool,
    pub(super) has_shrinkwrap: bool,
}

/// A reader that hashes and counts all bytes that pass.
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
pub(super) fn read(
    body: &mut dyn Body,
    (start, length): (u64, u64),
    limits: &PublishLimits,
) -> Result<Tarball, Problem> {
    let size = length / 4 * 3; // but for two bytes of padding
    limits.file.require(ABOUT, NAME, size.saturating_sub(2))?;
    body.seek(SeekFrom::Start(start))
        .map_err(Problem::internal)?;
    let encoded = BufReader::with_capacity(BUFFER_BYTES, body.take(length));
    read_packed(DecoderReader::new(encoded, &STANDARD), size, limits)
}

/// Reads the tarball of `size` bytes that a body is.
pub(super) fn read_plain(
    body: &mut dyn Body,
    size: u64,
    limits: &PublishLimits,
) -> Result<Tarball, Problem> {
    limits.file.require(ABOUT, NAME, size)?;
    body.rewind().map_err(Problem::internal)?;
    read_packed(body.take(size), size, limits)
}

/// Reads a tarball of about `size` bytes.
fn read_packed(packed: impl Read, size: u64, limits: &PublishLimits) -> Result<Tarball, Problem> {
    let hashing = Hashing {
        from: packed,
        sha512: Hasher::new(Algorithm::Sha512),
        sha1: Sha1::new(),
        size: 0,
    };
    let unpacked = MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, hashing));
    let archive_limits = limits_of(limits);
    let mut archive = Tar::new(unpacked, &archive_limits, size);
    let read = read_entries(&mut archive, limits.metadata);
    let mut tarball = read.map_err(|fault| fault.problem(ABOUT, NAME))?;
    if tarball.package_json.is_empty() {
        let detail = "the tarball has no package.json in its one folder";
        return Err(Problem::invalid(ABOUT, detail));
    }
    let hashed = archive.into_inner().into_inner().into_inner();
    tarball.integrity = format!("sha512-{}", STANDARD.encode(hashed.sha512.finish().bytes()));
    tarball.shasum = hex::encode(&hashed.sha1.finalize());
    tarball.size = hashed.size;
    Ok(tarball)
}

/// Reads all entries of an archive. The caller fills in the hashes and the size.
fn read_entries<R: Read>(archive: &mut Tar<'_, R>, metadata: Limit) -> Result<Tarball, Fault> {
    let mut tarball = Tarball::default();
    while let Some(entry) = archive.next()? {
        // npm strips the first component of each path.
        if entry.has_dot_prefix || entry.path.is_empty() {
            return Err(not_below(&entry.path));
        }
        let mut parts = entry.path.splitn(3, '/').skip(1);
        let name = parts.next().filter(|_| parts.next().is_none());
        let is_package = name.is_some_and(|name| name.eq_ignore_ascii_case(PACKAGE_JSON));
        if entry.kind != Kind::File {
            if is_package {
                return Err(Fault::refused("has a package.json that is not a file"));
            }
            continue;
        }
        tarball.files += 1;
        tarball.unpacked_size += entry.size;
        match name {
            Some(name) if is_package => {
                if name != PACKAGE_JSON || !tarball.package_json.is_empty() {
                    return Err(Fault::refused("has more than one package.json"));
                }
                tarball.package_json = archive.contents(&entry, metadata)?;
                if tarball.package_json.is_empty() {
                    return Err(Fault::refused("has a package.json that is empty"));
                }
            }
            Some("server.js") => tarball.has_server = true,
            Some("npm-shrinkwrap.json") => tarball.has_shrinkwrap = true,
            Some(name) => tarball.has_gyp |= name.strip_suffix(".gyp").is_some(),
            None => {}
        }
    }
    Ok(tarball)
}
