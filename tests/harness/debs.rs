//! Debian archives as an upstream has them: small packages, lists of suites, and signatures by gpg.

use crate::archive::{Member, gzip, tar_of};
use crate::tools::{command, run, tool};
use crate::upstream::Upstream;
use larder_model::{Algorithm, Digest};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The architecture of what is made here.
pub const ARCHITECTURE: &str = "amd64";

/// A package.
#[derive(Clone, Debug)]
pub struct Deb {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
    /// What it needs, as its control file has it; empty: nothing.
    pub depends: String,
    /// Where an archive has it.
    pub component: String,
}

impl Deb {
    /// A package for all architectures.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: "all".to_owned(),
            depends: String::new(),
            component: "main".to_owned(),
        }
    }

    /// The same that needs others.
    #[must_use]
    pub fn needs(self, depends: &str) -> Self {
        Self {
            depends: depends.to_owned(),
            ..self
        }
    }

    /// The same in another component.
    #[must_use]
    pub fn within(self, component: &str) -> Self {
        Self {
            component: component.to_owned(),
            ..self
        }
    }

    /// The same for one architecture.
    #[must_use]
    pub fn of(self, architecture: &str) -> Self {
        Self {
            architecture: architecture.to_owned(),
            ..self
        }
    }

    /// Its file's name.
    pub fn file(&self) -> String {
        let version = self.version.rsplit(':').next().unwrap_or_default();
        format!("{}_{version}_{}.deb", self.name, self.architecture)
    }

    /// Where an upstream's archive has it.
    pub fn path(&self) -> String {
        format!("pool/{}/{}", self.component, self.file())
    }

    /// What a list of packages has of it, whose file is at a path.
    pub fn stanza(&self, path: &str) -> String {
        let body = self.bytes();
        format!(
            "{}Filename: {path}\nSize: {}\nSHA256: {}\n\n",
            self.control(),
            body.len(),
            Digest::of(Algorithm::Sha256, &body).hex()
        )
    }

    fn control(&self) -> String {
        let mut text = format!(
            "Package: {}\nVersion: {}\nArchitecture: {}\nMaintainer: Tests <tests@registry.example>\n",
            self.name, self.version, self.architecture
        );
        if !self.depends.is_empty() {
            writeln!(text, "Depends: {}", self.depends).expect("text");
        }
        text + "Section: tests\nPriority: optional\nDescription: words\n Words of it.\n"
    }

    /// The package's file.
    pub fn bytes(&self) -> Vec<u8> {
        self.with(&[])
    }

    /// The same with more files in it.
    pub fn with(&self, files: &[(&str, &[u8])]) -> Vec<u8> {
        let files = files.iter().map(|(path, bytes)| Member::File(path, bytes));
        self.holding(&files.collect::<Vec<_>>())
    }

    /// The same with these in it, under these very names.
    pub fn holding(&self, more: &[Member<'_>]) -> Vec<u8> {
        let control = self.control();
        let own = format!("usr/share/{}/version", self.name);
        let mut members = vec![Member::File(&own, self.version.as_bytes())];
        members.extend_from_slice(more);
        ar(&[
            ("debian-binary", b"2.0\n"),
            (
                "control.tar.gz",
                &gzip(&tar_of(&[Member::File("control", control.as_bytes())])),
            ),
            ("data.tar.gz", &gzip(&tar_of(&members))),
        ])
    }
}

/// The digest and the size of bytes, as lists have them.
pub fn sum_and_size(bytes: &[u8]) -> String {
    let sum = Digest::of(Algorithm::Sha256, bytes).hex();
    format!("{sum} {}", bytes.len())
}

/// An archive of members.
pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, contents) in members {
        let header = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            0,
            0,
            0,
            100_644,
            contents.len()
        );
        bytes.extend(header.as_bytes());
        bytes.extend(*contents);
        if contents.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// Keys of a person, in a folder of their own.
pub struct Keys {
    gpg: PathBuf,
    gpgconf: PathBuf,
    home: PathBuf,
}

impl Drop for Keys {
    fn drop(&mut self) {
        let mut end = command(&self.gpgconf, &self.home);
        end.env("GNUPGHOME", &self.home).args(["--kill", "all"]);
        run(&mut end);
    }
}

impl Keys {
    /// A new key; `None`: gpg is not installed, and that was said.
    #[track_caller]
    pub fn make(home: &Path, expires: &str) -> Option<Self> {
        let keys = Self {
            gpg: tool("gpg")?,
            gpgconf: tool("gpgconf")?,
            home: home.to_owned(),
        };
        std::fs::create_dir_all(home).expect("keys");
        std::fs::set_permissions(home, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .expect("keys");
        let name = "tests@registry.example";
        keys.gpg(&["--quick-gen-key", name, "ed25519", "sign", expires], b"");
        Some(keys)
    }

    /// The public key, armored.
    pub fn public(&self) -> String {
        self.gpg(&["--armor", "--export"], b"")
    }

    /// The secret key, armored.
    pub fn secret(&self) -> String {
        self.gpg(&["--armor", "--export-secret-keys"], b"")
    }

    /// A text with its signature in it.
    pub fn sign_within(&self, text: &str) -> String {
        self.gpg(&["--clearsign"], text.as_bytes())
    }

    /// A signature beside a text.
    pub fn sign(&self, text: &str) -> String {
        self.gpg(&["--armor", "--detach-sign"], text.as_bytes())
    }

    #[track_caller]
    fn gpg(&self, words: &[&str], input: &[u8]) -> String {
        let file = self.home.join("input");
        std::fs::write(&file, input).expect("input");
        let mut gpg = command(&self.gpg, &self.home);
        gpg.env("GNUPGHOME", &self.home)
            .args(["--batch", "--quiet", "--yes", "--pinentry-mode", "loopback"])
            .args([
                "--passphrase",
                "",
                "--faked-system-time",
                "20260101T000000!",
            ])
            .args(words)
            .stdin(std::fs::File::open(file).expect("input"));
        let out = gpg.output().expect("gpg");
        assert!(
            out.status.success(),
            "{words:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).expect("text")
    }
}

/// An archive on an upstream, at `/debian/`.
pub struct Archive<'u> {
    upstream: &'u Upstream,
    /// Whether its files can be asked for by their digests.
    pub by_hash: bool,
    /// When its lists say that they were made.
    pub date: String,
    /// Until when they say that they are good; empty: for ever.
    pub until: String,
    /// The architectures that its suites say they have.
    pub architectures: String,
    /// What its suites have besides lists of packages, by the paths below them.
    pub extra: BTreeMap<String, Vec<u8>>,
}

impl<'u> Archive<'u> {
    /// An empty one.
    pub fn new(upstream: &'u Upstream) -> Self {
        Self {
            upstream,
            by_hash: true,
            date: "Thu, 01 Jan 2026 00:00:00 UTC".to_owned(),
            until: String::new(),
            architectures: ARCHITECTURE.to_owned(),
            extra: BTreeMap::new(),
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("{}debian/", self.upstream.url())
    }

    /// Puts packages there, without any list of them.
    pub fn put_packages(&self, debs: &[Deb]) {
        for deb in debs {
            self.upstream
                .put(&format!("/debian/{}", deb.path()), deb.bytes());
        }
    }

    /// The files of a suite by their paths below it, and its list.
    pub fn suite(&self, suite: &str, debs: &[Deb]) -> (BTreeMap<String, Vec<u8>>, String) {
        let mut files = self.extra.clone();
        let mut components: Vec<&str> = debs.iter().map(|deb| &*deb.component).collect();
        components.push("main");
        components.sort_unstable();
        components.dedup();
        for component in &components {
            let of = debs.iter().filter(|deb| deb.component == *component);
            let text: String = of.map(|deb| deb.stanza(&deb.path())).collect();
            let path = format!("{component}/binary-{ARCHITECTURE}/Packages");
            files.insert(format!("{path}.gz"), gzip(text.as_bytes()));
            files.insert(path, text.into_bytes());
        }
        let mut release = format!(
            "Origin: Tests\nLabel: Tests\nSuite: {suite}\nCodename: {suite}\nDate: {}\n",
            self.date
        );
        if !self.until.is_empty() {
            writeln!(release, "Valid-Until: {}", self.until).expect("text");
        }
        let by_hash = if self.by_hash {
            "Acquire-By-Hash: yes\n"
        } else {
            ""
        };
        write!(
            release,
            "{by_hash}Architectures: {}\nComponents: {}\nSHA256:\n",
            self.architectures,
            components.join(" ")
        )
        .expect("text");
        for (path, bytes) in &files {
            writeln!(release, " {} {path}", sum_and_size(bytes)).expect("text");
        }
        (files, release)
    }

    /// Puts a flat repository there: a folder with packages and their list, which names them below
    /// `named`. Both are empty or end with a slash.
    pub fn put_flat(&self, folder: &str, named: &str, debs: &[Deb], keys: &Keys) {
        let root = format!("/debian/{folder}");
        let path = |deb: &Deb| format!("{named}{}", deb.file());
        let list: String = debs.iter().map(|deb| deb.stanza(&path(deb))).collect();
        let release = format!(
            "Origin: Tests\nDate: {}\nSHA256:\n {} Packages\n",
            self.date,
            sum_and_size(list.as_bytes())
        );
        for deb in debs {
            self.upstream
                .put(&format!("{root}{}", deb.file()), deb.bytes());
        }
        self.upstream.put(&format!("{root}Packages"), list);
        self.upstream
            .put(&format!("{root}InRelease"), keys.sign_within(&release));
    }

    /// Puts a suite there with all its packages, signed in its list and beside it.
    pub fn put(&self, suite: &str, debs: &[Deb], keys: &Keys) {
        self.put_packages(debs);
        let (files, release) = self.suite(suite, debs);
        self.put_files(suite, &files);
        self.put_list(suite, &release, keys);
    }

    /// Puts files of a suite there.
    pub fn put_files(&self, suite: &str, files: &BTreeMap<String, Vec<u8>>) {
        for (path, bytes) in files {
            let (folder, _) = path.rsplit_once('/').expect("a folder");
            let sum = Digest::of(Algorithm::Sha256, bytes).hex();
            let root = format!("/debian/dists/{suite}");
            if self.by_hash {
                let own = format!("{root}/{folder}/by-hash/SHA256/{sum}");
                self.upstream.put(&own, bytes.clone());
            }
            self.upstream.put(&format!("{root}/{path}"), bytes.clone());
        }
    }

    /// Puts the list of a suite there.
    pub fn put_list(&self, suite: &str, release: &str, keys: &Keys) {
        let root = format!("/debian/dists/{suite}");
        self.upstream
            .put(&format!("{root}/InRelease"), keys.sign_within(release));
        self.upstream.put(&format!("{root}/Release"), release);
        self.upstream
            .put(&format!("{root}/Release.gpg"), keys.sign(release));
    }
}
