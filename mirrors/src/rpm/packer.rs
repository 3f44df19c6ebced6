//! Packs the files of `repodata/`, and writes the `repomd.xml` that names them.

use crate::index::{IndexDocument, Signer};
use crate::xml::XmlWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use larder_model::{Algorithm, CacheLifetime, Digest, Hasher, Problem, Timestamp};
use std::collections::BTreeMap;
use std::io::{self, Write};

const COMMON: &str = "http://linux.duke.edu/metadata/";
const REPOMD: &str = "repodata/repomd.xml";

/// The three lists, with the root element of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum List {
    Primary,
    Filelists,
    Other,
}

impl List {
    pub(super) const ALL: [Self; 3] = [Self::Primary, Self::Filelists, Self::Other];

    /// Its name in `repomd.xml`.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Filelists => "filelists",
            Self::Other => "other",
        }
    }

    const fn root(self) -> &'static str {
        match self {
            Self::Primary => "metadata",
            Self::Filelists => "filelists",
            Self::Other => "otherdata",
        }
    }

    /// The start of the list. `prefixes`: additional prefixes and their namespaces.
    pub(super) fn begin(
        self,
        packages: u64,
        prefixes: &BTreeMap<String, String>,
    ) -> io::Result<String> {
        let (is_primary, packages) = (self == Self::Primary, packages.to_string());
        let space = if is_primary { "common" } else { self.kind() };
        let names: Vec<String> = prefixes
            .keys()
            .map(|name| format!("xmlns:{name}"))
            .collect();
        let (space, rpm) = (format!("{COMMON}{space}"), format!("{COMMON}rpm"));
        let mut attributes = vec![("xmlns", &*space)];
        if is_primary {
            attributes.push(("xmlns:rpm", &rpm));
        }
        let more = names.iter().zip(prefixes.values());
        attributes.extend(more.map(|(name, address)| (&**name, &**address)));
        attributes.push(("packages", &packages));
        let mut xml = XmlWriter::new();
        xml.declaration()?;
        xml.open(0, self.root(), &attributes)?;
        xml.end()
    }

    /// The end of the list.
    pub(super) fn end(self) -> String {
        format!("</{}>\n", self.root())
    }
}

/// Compresses a file of metadata, and computes its digest and size.
pub(super) struct Packer {
    gzip: GzEncoder<Vec<u8>>,
    plain: Hasher,
    plain_size: u64,
}

impl Packer {
    pub(super) fn new() -> Self {
        // Lists are written after every change, so speed matters more than size.
        let gzip = GzEncoder::new(Vec::new(), Compression::new(4));
        Self {
            gzip,
            plain: Hasher::new(Algorithm::Sha256),
            plain_size: 0,
        }
    }

    /// The compressed file, and its record in `repomd.xml`.
    pub(super) fn end(
        self,
        kind: &'static str,
        name: &str,
    ) -> Result<(IndexDocument, Record), Problem> {
        let bytes = self.gzip.finish().map_err(Problem::internal)?;
        let open = Some((self.plain.finish(), self.plain_size));
        Ok(Record::of(
            kind,
            &format!("{name}.gz"),
            "application/gzip",
            bytes,
            open,
        ))
    }
}

impl Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.gzip.write(bytes)?;
        self.plain.update(&bytes[..count]);
        self.plain_size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The record of a file in `repomd.xml`.
pub(super) struct Record {
    kind: &'static str,
    path: String,
    digest: Digest,
    size: u64,
    /// Digest and size of the uncompressed file.
    open: Option<(Digest, u64)>,
}

impl Record {
    /// A file whose name contains its digest, so that it never changes.
    pub(super) fn of(
        kind: &'static str,
        name: &str,
        content_type: &'static str,
        bytes: Vec<u8>,
        open: Option<(Digest, u64)>,
    ) -> (IndexDocument, Self) {
        let digest = Digest::of(Algorithm::Sha256, &bytes);
        let (path, size) = (
            format!("repodata/{}-{name}", digest.hex()),
            bytes.len() as u64,
        );
        (
            IndexDocument {
                path: path.clone(),
                content_type,
                bytes,
                lifetime: CacheLifetime::Longer,
            },
            Self {
                kind,
                path,
                digest,
                size,
                open,
            },
        )
    }

    fn write(&self, xml: &mut XmlWriter, seconds: &str) -> io::Result<()> {
        let sha256 = [("type", "sha256")];
        xml.open(2, "data", &[("type", self.kind)])?;
        xml.element(4, "checksum", &sha256, &self.digest.hex())?;
        if let Some((digest, _)) = &self.open {
            xml.element(4, "open-checksum", &sha256, &digest.hex())?;
        }
        xml.element(4, "location", &[("href", &self.path)], "")?;
        xml.element(4, "timestamp", &[], seconds)?;
        xml.element(4, "size", &[], &self.size.to_string())?;
        if let Some((_, size)) = &self.open {
            xml.element(4, "open-size", &[], &size.to_string())?;
        }
        xml.close(2, "data")
    }
}

/// `repomd.xml` of these records.
fn repomd(records: &[Record], seconds: &str) -> io::Result<String> {
    let (space, rpm) = (format!("{COMMON}repo"), format!("{COMMON}rpm"));
    let mut xml = XmlWriter::new();
    xml.declaration()?;
    xml.open(0, "repomd", &[("xmlns", &space), ("xmlns:rpm", &rpm)])?;
    xml.element(2, "revision", &[], seconds)?;
    records
        .iter()
        .try_for_each(|record| record.write(&mut xml, seconds))?;
    xml.close(0, "repomd")?;
    xml.end()
}

/// `repomd.xml`, with its signature and the key.
pub(super) fn seal(
    records: &[Record],
    now: Timestamp,
    signer: Option<&dyn Signer>,
) -> Result<Vec<IndexDocument>, Problem> {
    let text = repomd(records, &now.seconds().to_string()).map_err(Problem::internal)?;
    let made = |path: &str, content_type, bytes: &str, lifetime| IndexDocument {
        path: path.to_owned(),
        content_type,
        bytes: bytes.as_bytes().to_vec(),
        lifetime,
    };
    let mut all = Vec::new();
    if let Some(signer) = signer {
        let signature = signer.sign(text.as_bytes())?;
        all.push(made(
            "repodata/repomd.xml.asc",
            "text/plain",
            &signature,
            CacheLifetime::UntilNext,
        ));
        all.push(made(
            "repodata/repomd.xml.key",
            "application/pgp-keys",
            signer.public_key(),
            CacheLifetime::UntilNext,
        ));
    }
    all.push(made(REPOMD, "text/xml", &text, CacheLifetime::UntilChange));
    Ok(all)
}
