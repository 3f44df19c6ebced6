//! Packages to publish, made by the real tools.

use larder_tests::tools::command;
use larder_tests::{run, tool};
use std::path::{Path, PathBuf};
use std::process::Command;

pub const SIGNER: &str = "tests@registry.example";

/// What makes packages and keys, in a folder of its own.
pub struct Makers {
    pub folder: PathBuf,
    rpmbuild: PathBuf,
    rpmsign: PathBuf,
    gpg: PathBuf,
    gpgconf: PathBuf,
}

impl Drop for Makers {
    fn drop(&mut self) {
        run(self.maker(&self.gpgconf).args(["--kill", "all"]));
    }
}

impl Makers {
    #[track_caller]
    pub fn find(folder: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(folder.join("keys")).expect("keys");
        run(Command::new("chmod").arg("700").arg(folder.join("keys")));
        let (rpmbuild, rpmsign) = (tool("rpmbuild")?, tool("rpmsign")?);
        Some(Self {
            folder,
            rpmbuild,
            rpmsign,
            gpg: tool("gpg")?,
            gpgconf: tool("gpgconf")?,
        })
    }

    pub fn maker(&self, program: &Path) -> Command {
        let mut maker = command(program, &self.folder);
        maker
            .env("GNUPGHOME", self.folder.join("keys"))
            .env("SOURCE_DATE_EPOCH", "1700000000");
        maker
    }

    pub fn gpg(&self, words: &[&str]) -> String {
        let quiet = [
            "--batch",
            "--no-tty",
            "--quiet",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ];
        run(self.maker(&self.gpg).args(quiet).args(words))
    }

    /// A key of this kind; its armored secret part.
    pub fn key(&self, signer: &str, kind: &str, usage: &str) -> String {
        self.gpg(&["--quick-gen-key", signer, kind, usage, "never"]);
        self.gpg(&["--armor", "--export-secret-keys", signer])
    }

    /// The packages that a spec makes, in the order of their names.
    pub fn build(&self, spec: &str) -> Vec<PathBuf> {
        let top = self.folder.join("top");
        drop(std::fs::remove_dir_all(&top));
        std::fs::write(self.folder.join("made.spec"), spec).expect("spec");
        let above = format!("_topdir {}", top.display());
        let mut build = self.maker(&self.rpmbuild);
        build.args([
            "-ba",
            "--quiet",
            "--define",
            &above,
            "--define",
            "__os_install_post %{nil}",
        ]);
        run(build.args([
            "--define",
            "_build_id_links none",
            "--target",
            "noarch",
            "made.spec",
        ]));
        let mut all = Vec::new();
        for part in ["RPMS/noarch", "SRPMS"] {
            all.extend(
                std::fs::read_dir(top.join(part))
                    .expect("folder")
                    .map(|entry| entry.expect("file").path()),
            );
        }
        all.sort();
        all
    }

    /// Signs packages with the key of that name.
    pub fn sign(&self, signer: &str, packages: &[PathBuf]) {
        let (name, program) = (
            format!("_gpg_name {signer}"),
            format!("__gpg {}", self.gpg.display()),
        );
        run(self
            .maker(&self.rpmsign)
            .args(["--addsign", "--define", &name, "--define", &program])
            .args(packages));
    }
}

/// A package with a single file, and nothing else to it.
pub fn small(name: &str, version: &str) -> String {
    format!(
        "Name: {name}\nVersion: {version}\nRelease: 1\nSummary: A {name}\nLicense: none\nBuildArch: noarch\n\
         %description\nNothing much.\n%install\nmkdir -p %{{buildroot}}/usr/share\n\
         echo {version} > %{{buildroot}}/usr/share/{name}\n%files\n/usr/share/{name}\n"
    )
}
