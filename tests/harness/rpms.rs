//! Repositories of signed rpms with signed metadata, made by rpm's own programs.

use crate::tools::{command, run, tool};
use crate::upstream::Upstream;
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
