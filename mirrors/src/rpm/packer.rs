//! Packs the files of `repodata/`, and writes the `repomd.xml` that names them.

use crate::publishing::{Composed, Signer};
use flate2::Compression;
use flate2::write::GzEncoder;
use larder_model::{Algorithm, CacheLifetime, Digest, Hasher, Problem, Timestamp};
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

    /// As `repomd.xml` names it.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Filelists => "filelists",
            Self::Other => "other",
        }
    }

    /// What stands before its packages.
    pub(super) fn begin(self, packages: u64) -> String {
        let (root, rpm) = match self {
            Self::Primary => ("metadata", format!(" xmlns:rpm=\"{COMMON}rpm\"")),
            Self::Filelists => ("filelists", String::new()),
            Self::Other => ("otherdata", String::new()),
        };
        let space = if self == Self::Primary {
            "common"
        } else {
            self.kind()
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{COMMON}{space}\"{rpm} packages=\"{packages}\">\n"
        )
    }

    /// What stands after them.
    pub(super) const fn end(self) -> &'static str {
        match self {
            Self::Primary => "</metadata>\n",
            Self::Filelists => "</filelists>\n",
            Self::Other => "</otherdata>\n",
        }
    }
}

/// Takes a file of metadata in, packs it and measures it.
pub(super) struct Packer {
    gzip: GzEncoder<Vec<u8>>,
    plain: Hasher,
    plain_size: u64,
}

impl Packer {
    pub(super) fn new() -> Self {
        // Lists are made anew after every change, so time counts more than the last bytes.
        let gzip = GzEncoder::new(Vec::new(), Compression::new(4));
        Self {
            gzip,
            plain: Hasher::new(Algorithm::Sha256),
            plain_size: 0,
        }
    }

    /// The packed file as `repodata/` has it, with what `repomd.xml` says of it.
    pub(super) fn end(self, kind: &'static str, name: &str) -> Result<(Composed, Record), Problem> {
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

/// What `repomd.xml` says of a file.
pub(super) struct Record {
    kind: &'static str,
    path: String,
    digest: Digest,
    size: u64,
    /// Of the unpacked file.
    open: Option<(Digest, u64)>,
}

impl Record {
    /// A file named after its digest: it never changes.
    pub(super) fn of(
        kind: &'static str,
        name: &str,
        content_type: &'static str,
        bytes: Vec<u8>,
        open: Option<(Digest, u64)>,
    ) -> (Composed, Self) {
        let digest = Digest::of(Algorithm::Sha256, &bytes);
        let (path, size) = (
            format!("repodata/{}-{name}", digest.hex()),
            bytes.len() as u64,
        );
        (
            Composed {
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

    fn write(&self, seconds: i64) -> String {
        let mut text = format!("  <data type=\"{}\">\n", self.kind);
        text += &format!(
            "    <checksum type=\"sha256\">{}</checksum>\n",
            self.digest.hex()
        );
        if let Some((digest, _)) = &self.open {
            text += &format!(
                "    <open-checksum type=\"sha256\">{}</open-checksum>\n",
                digest.hex()
            );
        }
        text += &format!(
            "    <location href=\"{}\"/>\n    <timestamp>{seconds}</timestamp>\n",
            self.path
        );
        text += &format!("    <size>{}</size>\n", self.size);
        if let Some((_, size)) = &self.open {
            text += &format!("    <open-size>{size}</open-size>\n");
        }
        text + "  </data>\n"
    }
}

/// The document that names all others, with its signature and the key.
pub(super) fn seal(
    records: &[Record],
    now: Timestamp,
    signer: Option<&dyn Signer>,
) -> Result<Vec<Composed>, Problem> {
    let seconds = now.seconds();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"{COMMON}repo\" xmlns:rpm=\"{COMMON}rpm\">\n  \
         <revision>{seconds}</revision>\n"
    );
    text.extend(records.iter().map(|record| record.write(seconds)));
    text += "</repomd>\n";
    let made = |path: &str, content_type, bytes: &str, lifetime| Composed {
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
