//! Repositories of signed rpms with signed metadata, made by rpm's own programs; and an rpm that none of them made.

use crate::tools::{command, run, tool};
use crate::upstream::Upstream;
use larder_model::{Algorithm, Digest};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the key is, below the repository's address.
pub const KEY: &str = "RPM-GPG-KEY-tests";
const SIGNER: &str = "tests@registry.example";

/// Names of packages with their bytes.
pub type Packages = BTreeMap<String, Vec<u8>>;

/// What makes a repository.
pub struct Makers {
    rpmbuild: PathBuf,
    rpmsign: PathBuf,
    createrepo: PathBuf,
    modifyrepo: PathBuf,
    gpg: PathBuf,
    gpgconf: PathBuf,
}

impl Makers {
    /// `None`: one of them is not installed, and that was said.
    #[track_caller]
    pub fn find() -> Option<Self> {
        Some(Self {
            rpmbuild: tool("rpmbuild")?,
            rpmsign: tool("rpmsign")?,
            createrepo: tool("createrepo_c")?,
            modifyrepo: tool("modifyrepo_c")?,
            gpg: tool("gpg")?,
            gpgconf: tool("gpgconf")?,
        })
    }

    /// A repository with the packages of these specs and these further files of metadata (their
    /// names say their kinds), at `linux/` of an upstream; its packages.
    #[track_caller]
    pub fn make(
        &self,
        folder: &Path,
        specs: &[String],
        metadata: &[(&str, &str)],
        upstream: &Upstream,
    ) -> Packages {
        let (keys, top, name) = (
            folder.join("keys"),
            folder.join("top"),
            format!("_gpg_name {SIGNER}"),
        );
        std::fs::create_dir_all(&keys).expect("keys");
        let maker = |program: &Path| {
            let mut maker = command(program, folder);
            maker.env("GNUPGHOME", &keys);
            maker
        };
        let gpg = |words: &[&str]| {
            run(maker(&self.gpg)
                .args(["--batch", "--no-tty", "--passphrase", ""])
                .args(words))
        };
        run(Command::new("chmod").arg("700").arg(&keys));
        gpg(&["--quick-gen-key", SIGNER, "rsa2048", "sign", "never"]);
        gpg(&["--armor", "--output", "key", "--export", SIGNER]);

        let above = format!("_topdir {}", top.display());
        let plain = "__os_install_post %{nil}";
        for (number, spec) in specs.iter().enumerate() {
            let file = format!("{number}.spec");
            std::fs::write(folder.join(&file), spec).expect("spec");
            run(maker(&self.rpmbuild).args([
                "-bb", "--quiet", "--define", &above, "--define", plain, &file,
            ]));
        }
        let repository = top.join("RPMS");
        let files: Vec<PathBuf> = listed(&repository.join("noarch")).collect();
        let gpg_is = format!("__gpg {}", self.gpg.display());
        run(maker(&self.rpmsign)
            .args(["--addsign", "--define", &name, "--define", &gpg_is])
            .args(files));
        run(maker(&self.createrepo).arg("-q").arg(&repository));
        for (file, text) in metadata {
            std::fs::write(folder.join(file), text).expect("metadata");
            run(maker(&self.modifyrepo)
                .arg(folder.join(file))
                .arg(repository.join("repodata")));
        }
        gpg(&[
            "--armor",
            "--detach-sign",
            &repository.join("repodata/repomd.xml").display().to_string(),
        ]);
        run(maker(&self.gpgconf).args(["--kill", "all"]));

        upstream.put(
            &format!("/linux/{KEY}"),
            std::fs::read(folder.join("key")).expect("key"),
        );
        for part in ["noarch", "repodata"] {
            for (name, bytes) in read(&repository.join(part)) {
                upstream.put(&format!("/linux/{part}/{name}"), bytes);
            }
        }
        read(&repository.join("noarch"))
    }
}

fn listed(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder)
        .expect("folder")
        .map(|entry| entry.expect("file").path())
}

/// The files of a folder by their names.
#[track_caller]
pub fn read(folder: &Path) -> Packages {
    let read = |path: PathBuf| {
        let name = path
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        (name, std::fs::read(&path).expect("file"))
    };
    listed(folder).map(read).collect()
}

/// The bytes of an rpm for all architectures with this payload, as far as servers read one: no program makes it,
/// and none would install it.
pub fn rpm(name: &str, version: &str, payload: &[u8]) -> Vec<u8> {
    const TEXT: u32 = 6;
    const TEXTS: u32 = 8;
    let digest = Digest::of(Algorithm::Sha256, payload).hex();
    let source = format!("{name}-{version}-1.src.rpm");
    // Name, version, release, architecture, source package, digest of the payload.
    let header = header(&[
        (1000, TEXT, name),
        (1001, TEXT, version),
        (1002, TEXT, "1"),
        (1022, TEXT, "noarch"),
        (1044, TEXT, &source),
        (5092, TEXTS, &digest),
    ]);
    let signature = header_of_signatures(&header);
    let lead = [&[0xed, 0xab, 0xee, 0xdb, 3, 0][..], &[0; 90]].concat();
    [&lead, &signature, &header, payload].concat()
}

/// A signature header that has the digest of the header, padded.
fn header_of_signatures(of: &[u8]) -> Vec<u8> {
    let digest = Digest::of(Algorithm::Sha256, of).hex();
    let mut bytes = header(&[(273, 6, &digest)]);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// A header ("RPM V4 Package format") of tags, the types of their values, and one value each.
fn header(values: &[(u32, u32, &str)]) -> Vec<u8> {
    let number = |count: usize| u32::try_from(count).expect("small").to_be_bytes();
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    for (tag, kind, value) in values {
        entries.extend([tag.to_be_bytes(), kind.to_be_bytes()].concat());
        entries.extend([number(data.len()), number(1)].concat());
        data.extend(value.as_bytes());
        data.push(0);
    }
    let intro = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
    let counts = [number(values.len()), number(data.len())].concat();
    [&intro[..], &counts, &entries, &data].concat()
}
