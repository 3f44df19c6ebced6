//! Writes a suite: lists in the packings that clients know, and the list of these with their digests.

use super::date;
use super::paths::{content_type, ending};
use super::release::Entry;
use crate::index::{IndexDocument, Signer};
use crate::unpack::{MAX_UNPACKED_BYTES, unpack};
use flate2::Compression;
use flate2::write::GzEncoder;
use larder_model::{Algorithm, CacheLifetime, Digest, Hasher, Problem, Timestamp};
use lzma_rust2::{XzOptions, XzWriter};
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};

/// How hard lists are packed: more takes much more memory, and little off their size.
const XZ_PRESET: u32 = 2;
const TEXT: &str = "text/plain; charset=utf-8";

/// A file of the suite.
struct Record {
    path: String,
    size: u64,
    sha256: Option<String>,
    sha512: Option<String>,
}

/// A suite that is written.
pub(super) struct SuiteWriter {
    /// Empty, or with a slash at its end.
    root: String,
    records: Vec<Record>,
    documents: Vec<IndexDocument>,
}

impl SuiteWriter {
    /// The suite at a root.
    pub(super) fn new(root: &str) -> Self {
        Self {
            root: root.to_owned(),
            records: Vec::new(),
            documents: Vec::new(),
        }
    }

    /// The documents that were made since this was asked for.
    pub(super) fn take(&mut self) -> Vec<IndexDocument> {
        std::mem::take(&mut self.documents)
    }

    /// Adds a file. It stands at its path until the suite changes, and at its digest for longer.
    pub(super) fn add(&mut self, path: &str, content_type: &'static str, bytes: &[u8]) {
        let digest = Digest::of(Algorithm::Sha256, bytes);
        self.records.push(Record {
            path: path.to_owned(),
            size: bytes.len() as u64,
            sha256: Some(digest.hex()),
            sha512: None,
        });
        let (folder, _) = super::paths::split(path);
        let by_hash = super::paths::path_by_hash(folder, &digest);
        for (path, lifetime) in [
            (by_hash.as_str(), CacheLifetime::Longer),
            (path, CacheLifetime::UntilChange),
        ] {
            self.documents.push(IndexDocument {
                path: format!("{}{path}", self.root),
                content_type,
                bytes: bytes.to_vec(),
                lifetime,
            });
        }
    }

    /// Adds a list of contents, which is packed with gzip. Clients look for it by the name that it has
    /// unpacked, and compare it so.
    pub(super) fn add_contents(&mut self, path: &str, packed: &[u8]) {
        self.add(path, "application/gzip", packed);
        let plain = path.strip_suffix(".gz").zip(unpacked(packed).ok());
        self.records
            .extend(plain.map(|(path, (digest, size))| Record {
                path: path.to_owned(),
                size,
                sha256: Some(digest.hex()),
                sha512: None,
            }));
    }

    /// Adds a list in all packings.
    pub(super) fn add_list(&mut self, path: &str, text: &[u8]) -> Result<(), Problem> {
        let options = XzOptions::with_preset(XZ_PRESET);
        let mut packer = XzWriter::new(Vec::new(), options).map_err(Problem::internal)?;
        packer.write_all(text).map_err(Problem::internal)?;
        let xz = packer.finish().map_err(Problem::internal)?;
        let files = [("", text), (".gz", &gzip(text)?), (".xz", &xz)];
        for (packed, bytes) in files {
            let path = format!("{path}{packed}");
            self.add(&path, list_type(&path), bytes);
        }
        Ok(())
    }

    /// Names a file that is elsewhere.
    pub(super) fn refer(&mut self, entry: &Entry) {
        let hex = |algorithm: Algorithm| {
            let digests = [Some(entry.digest), entry.other].into_iter().flatten();
            let mut of = digests.filter(|digest| digest.algorithm() == algorithm);
            of.next().map(|digest| digest.hex())
        };
        self.records.push(Record {
            path: entry.path.to_string(),
            size: entry.size,
            sha256: hex(Algorithm::Sha256),
            sha512: hex(Algorithm::Sha512),
        });
    }

    /// Writes the list of the suite, with its signature if there is a key.
    pub(super) fn end(
        mut self,
        fields: &[(&str, String)],
        now: Timestamp,
        signer: Option<&dyn Signer>,
    ) -> Result<Vec<IndexDocument>, Problem> {
        self.records.sort_by(|one, other| one.path.cmp(&other.path));
        let mut text = String::new();
        let given = fields.iter().filter(|(_, value)| !value.is_empty());
        for (name, value) in given {
            // A String takes all that is written to it.
            let _ = writeln!(text, "{name}: {value}");
        }
        let _ = writeln!(text, "Date: {}", date::write(now));
        let _ = writeln!(text, "Acquire-By-Hash: yes");
        let all_have_256 = self.records.iter().all(|record| record.sha256.is_some());
        text.push_str("SHA256:\n");
        for record in &self.records {
            if let Some(hex) = &record.sha256 {
                let _ = writeln!(text, " {hex} {} {}", record.size, record.path);
            }
        }
        if !all_have_256 {
            text.push_str("SHA512:\n");
            for record in self.records.iter().filter(|it| it.sha256.is_none()) {
                if let Some(hex) = &record.sha512 {
                    let _ = writeln!(text, " {hex} {} {}", record.size, record.path);
                }
            }
        }
        self.seal(&text, signer)
    }

    fn seal(
        mut self,
        text: &str,
        signer: Option<&dyn Signer>,
    ) -> Result<Vec<IndexDocument>, Problem> {
        let mut made = |name: &str, content_type, bytes: String, lifetime| {
            self.documents.push(IndexDocument {
                path: format!("{}{name}", self.root),
                content_type,
                bytes: bytes.into_bytes(),
                lifetime,
            });
        };
        if let Some(signer) = signer {
            let signature = signer.sign(text.as_bytes())?;
            let kind = "application/pgp-signature";
            made("Release.gpg", kind, signature, CacheLifetime::UntilNext);
            let within = signer.sign_within(text)?;
            made("InRelease", TEXT, within, CacheLifetime::UntilChange);
        }
        made("Release", TEXT, text.to_owned(), CacheLifetime::UntilChange);
        Ok(self.documents)
    }
}

/// The media type of a list in a packing.
pub(super) fn list_type(path: &str) -> &'static str {
    match ending(path) {
        "gz" | "xz" => content_type(path),
        _ => TEXT,
    }
}

/// The digest and the size of a file once it is unpacked.
fn unpacked(packed: &[u8]) -> io::Result<(Digest, u64)> {
    let (mut reader, mut hasher) = (unpack(packed)?, Hasher::new(Algorithm::Sha256));
    let (mut piece, mut size) = (vec![0; 64 << 10], 0);
    loop {
        match reader.read(&mut piece)? {
            0 => return Ok((hasher.finish(), size)),
            read => {
                hasher.update(&piece[..read]);
                size += read as u64;
                if size > MAX_UNPACKED_BYTES {
                    return Err(io::ErrorKind::FileTooLarge.into());
                }
            }
        }
    }
}

/// Packs a file.
pub(super) fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes).map_err(Problem::internal)?;
    packer.finish().map_err(Problem::internal)
}
