//! Small packages of each protocol as an upstream has them: one package, `demo`, in the versions
//! that a test puts there.

use crate::archive;
use crate::modules::Modules;
use crate::parcel::{module, package_of};
use crate::upstream::Upstream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_model::{Algorithm, Digest};
use serde_json::{Value, json};
use sha1::Digest as _;

pub use crate::archive::{gunzip, gzip};

/// The protocols whose indexes promise the bytes of artifacts, whatever these are.
pub const PROTOCOLS: [&str; 5] = ["cargo", "npm", "pypi", "rpm", "composer"];
/// The protocols that there are packages of: of modules only what they contain is promised, if anything.
pub const ALL: [&str; 6] = ["cargo", "npm", "pypi", "rpm", "composer", "go"];

/// What a package called `demo` is called where names have two parts.
const NAMED: &str = "acme/demo";

/// A package of one protocol on an upstream.
pub struct Shelf {
    /// The protocol's label.
    pub protocol: &'static str,
    /// Where the upstream has it: a folder without a slash at its end.
    pub root: String,
    /// The address below which the index says that the artifacts are, with a slash at its end.
    pub files: String,
    /// What npm says of a tarball: `integrity`, or else the older `shasum` alone; Composer's upstreams
    /// say nothing of an archive's bytes.
    pub old: bool,
    /// Whether the page of `PyPI` is HTML.
    pub html: bool,
    /// Whether its index tells sizes, where it can.
    pub sized: bool,
    /// How many bytes more than there are its index tells.
    pub size_error: usize,
    versions: Vec<(String, Vec<u8>)>,
}

fn hex(algorithm: Algorithm, bytes: &[u8]) -> String {
    Digest::of(algorithm, bytes).hex()
}

/// The artifact at a path that is made of these bytes: they themselves, but for modules, which are read
/// before anyone has them, so they are archives, of these bytes.
pub fn artifact_at(path: &str, body: &[u8]) -> Vec<u8> {
    let version = path
        .split_once("/demo.example/@v/")
        .and_then(|(_, file)| file.strip_suffix(".zip"));
    let Some(version) = version.filter(|_| !body.starts_with(b"PK")) else {
        return body.to_owned();
    };
    let folder = format!("{}@{version}", module("demo"));
    let go_mod = format!("module {}\n", module("demo"));
    archive::zip(&[
        (&format!("{folder}/go.mod"), go_mod.as_bytes()),
        (&format!("{folder}/data"), body),
    ])
}

/// The SHA-1 of bytes, in hex.
pub fn sha1_of(bytes: &[u8]) -> String {
    let sum = sha1::Sha1::digest(bytes);
    sum.iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

impl Shelf {
    /// An empty one, at `/<protocol>` of an upstream.
    pub fn new(protocol: &'static str, upstream: &Upstream) -> Self {
        let root = format!("/{protocol}");
        let files = format!("{}{protocol}/", upstream.url());
        Self {
            protocol,
            root,
            files,
            old: false,
            html: false,
            sized: true,
            size_error: 0,
            versions: Vec::new(),
        }
    }

    /// The mirror's upstream address.
    pub fn url(&self, upstream: &Upstream) -> String {
        let simple = if self.protocol == "pypi" {
            "simple/"
        } else {
            ""
        };
        format!("{}{}/{simple}", upstream.url(), &self.root[1..])
    }

    /// Puts a version's artifact there, and has the index tell of it.
    pub fn put(&mut self, upstream: &Upstream, version: &str, body: &[u8]) {
        let body = artifact_at(&self.artifact(version), body);
        self.versions.retain(|(known, _)| known != version);
        self.versions.push((version.to_owned(), body.clone()));
        upstream.put(&self.artifact(version), body);
        if self.protocol == "go" {
            let at = |ending| Modules::path(&module("demo"), &format!("v{version}{ending}"));
            let info = json!({"Version": format!("v{version}")});
            upstream.put(&at(".info"), info.to_string());
            upstream.put(&at(".mod"), format!("module {}\n", module("demo")));
        }
        if self.protocol == "pypi" {
            upstream.put(
                &format!("{}.metadata", self.artifact(version)),
                Self::metadata(version),
            );
        }
        self.put_index(upstream);
    }

    /// Knows a version that is there already.
    pub fn remember(&mut self, version: &str, body: &[u8]) {
        self.versions.push((version.to_owned(), body.to_owned()));
    }

    /// Writes what an upstream has beside packages, where it is not one without that.
    pub fn put_root(&self, upstream: &Upstream) {
        if self.protocol == "composer" {
            let metadata = format!("{}/p2/%package%.json", self.root);
            let root = json!({"packages": [], "metadata-url": metadata});
            upstream.put(&format!("{}/packages.json", self.root), root.to_string());
        }
    }

    /// Writes the index.
    pub fn put_index(&self, upstream: &Upstream) {
        match self.protocol {
            "cargo" => self.put_cargo(upstream),
            "npm" => upstream.put(&self.index(), self.packument().to_string()),
            "pypi" if self.html => upstream.put_with(
                &self.index(),
                self.html_page(),
                &[("content-type", "text/html")],
            ),
            "pypi" => upstream.put(&self.index(), self.page().to_string()),
            "go" => {
                let lines = self
                    .versions
                    .iter()
                    .map(|(version, _)| format!("v{version}\n"));
                upstream.put(&self.index(), lines.collect::<Vec<_>>().concat());
            }
            "composer" => self.put_composer(upstream),
            _ => self.put_rpm(upstream),
        }
    }

    /// Below the mirror's address: the index.
    pub fn index_here(&self) -> String {
        let path = match self.protocol {
            "cargo" => "de/mo/demo",
            "npm" => "demo",
            "pypi" => "simple/demo/",
            "go" => "demo.example/@v/list",
            "composer" => "p2/acme/demo.json",
            _ => "repodata/repomd.xml",
        };
        format!("/{}/up/{path}", self.protocol)
    }

    /// The package.
    pub fn package(&self) -> String {
        package_of(self.protocol, "demo")
    }

    /// Below the mirror's address: a version's artifact.
    pub fn artifact_here(&self, version: &str) -> String {
        let path = match self.protocol {
            "cargo" => format!("api/v1/crates/demo/{version}/download"),
            "npm" => format!("demo/-/demo-{version}.tgz"),
            "pypi" => format!("packages/demo/demo-{version}-py3-none-any.whl"),
            "go" => format!("demo.example/@v/v{version}.zip"),
            "composer" => format!("dist/{NAMED}/{version}/{}.zip", self.identity(version)),
            _ => format!("Packages/demo-{version}-1.noarch.rpm"),
        };
        format!("/{}/up/{path}", self.protocol)
    }

    /// At the upstream: the index.
    pub fn index(&self) -> String {
        self.index_here().replacen("/up", "", 1)
    }

    /// At the upstream: where the index is that names a version's artifact.
    pub fn list(&self) -> String {
        if self.protocol == "rpm" {
            format!("{}/repodata/primary.xml.gz", self.root)
        } else {
            self.index()
        }
    }

    /// At the upstream: a version's artifact.
    pub fn artifact(&self, version: &str) -> String {
        format!("{}/{}", self.root, self.file(version))
    }

    /// Below [`Shelf::files`]: a version's artifact.
    fn file(&self, version: &str) -> String {
        match self.protocol {
            "cargo" => format!("crates/demo/{version}/download"),
            "npm" => format!("demo/-/demo-{version}.tgz"),
            "pypi" => format!("files/demo-{version}-py3-none-any.whl"),
            "go" => format!("demo.example/@v/v{version}.zip"),
            "composer" => format!("files/demo-{version}.zip"),
            _ => format!("Packages/demo-{version}-1.noarch.rpm"),
        }
    }

    fn put_cargo(&self, upstream: &Upstream) {
        let config = json!({"dl": format!("{}crates", self.files), "api": upstream.url()});
        upstream.put(&format!("{}/config.json", self.root), config.to_string());
        let line = |(version, body): &(String, Vec<u8>)| {
            let cksum = hex(Algorithm::Sha256, body);
            let entry = json!({
                "name": "demo", "vers": version, "deps": [], "cksum": cksum,
                "features": {}, "yanked": false,
            });
            format!("{entry}\n")
        };
        upstream.put(
            &self.index(),
            self.versions.iter().map(line).collect::<String>(),
        );
    }

    /// What tells an archive of Composer's from others of its version.
    fn identity(&self, version: &str) -> String {
        let found = self.versions.iter().find(|(known, _)| known == version);
        match found {
            Some((_, body)) if !self.old => format!("r{version}-{}", sha1_of(body)),
            _ => format!("r{version}"),
        }
    }

    fn put_composer(&self, upstream: &Upstream) {
        self.put_root(upstream);
        let entry = |(version, body): &(String, Vec<u8>)| {
            let url = format!("{}{}", self.files, self.file(version));
            let shasum = if self.old {
                String::new()
            } else {
                sha1_of(body)
            };
            json!({"name": NAMED, "version": version, "dist": {
                "type": "zip", "url": url, "reference": format!("r{version}"), "shasum": shasum}})
        };
        let entries: Vec<Value> = self.versions.iter().map(entry).collect();
        let body = json!({"packages": {NAMED: entries}});
        upstream.put(&self.index(), body.to_string());
    }

    fn packument(&self) -> Value {
        let dist = |version: &str, body: &[u8]| {
            let mut dist = json!({"tarball": format!("{}{}", self.files, self.file(version))});
            dist["shasum"] = sha1_of(body).into();
            if !self.old {
                let digest = Digest::of(Algorithm::Sha512, body);
                dist["integrity"] = format!("sha512-{}", STANDARD.encode(digest.bytes())).into();
            }
            dist
        };
        let entry = |(version, body): &(String, Vec<u8>)| {
            (
                version.clone(),
                json!({"name": "demo", "version": version, "dist": dist(version, body)}),
            )
        };
        let versions: serde_json::Map<String, Value> = self.versions.iter().map(entry).collect();
        let latest = self.versions.last().map(|(version, _)| version);
        json!({"name": "demo", "dist-tags": {"latest": latest}, "versions": versions})
    }

    fn page(&self) -> Value {
        let file = |(version, body): &(String, Vec<u8>)| {
            let name = self.file(version);
            let name = name.rsplit('/').next().unwrap_or_default();
            let metadata = Self::metadata(version);
            let mut file = json!({
                "filename": name, "url": format!("{}{}", self.files, self.file(version)),
                "hashes": {"sha256": hex(Algorithm::Sha256, body)}, "requires-python": ">=3.8", "yanked": false,
                "core-metadata": {"sha256": hex(Algorithm::Sha256, metadata.as_bytes())},
            });
            if self.sized {
                file["size"] = (body.len() + self.size_error).into();
            }
            file
        };
        let files: Vec<Value> = self.versions.iter().map(file).collect();
        json!({"meta": {"api-version": "1.1"}, "name": "demo", "versions": [], "files": files})
    }

    /// The metadata of a wheel.
    pub fn metadata(version: &str) -> String {
        archive::metadata("demo", version)
    }

    fn html_page(&self) -> String {
        let link = |(version, body): &(String, Vec<u8>)| {
            let file = self.file(version);
            let name = file.rsplit('/').next().unwrap_or_default();
            let sum = hex(Algorithm::Sha256, body);
            format!("<a href=\"../../{file}#sha256={sum}\">{name}</a><br>\n")
        };
        let links: String = self.versions.iter().map(link).collect();
        format!(
            "<!DOCTYPE html><html><head><title>Links for demo</title></head><body>\n{links}</body></html>\n"
        )
    }

    fn put_rpm(&self, upstream: &Upstream) {
        let base = format!(
            "{}{}",
            &upstream.url()[..upstream.url().len() - 1],
            self.root
        );
        let own = self.files == format!("{base}/");
        let package = |(version, body): &(String, Vec<u8>)| {
            let (sum, size) = (hex(Algorithm::Sha256, body), body.len() + self.size_error);
            let (file, base) = (self.file(version), self.files.trim_end_matches('/'));
            let base = if own {
                String::new()
            } else {
                format!(" xml:base=\"{base}\"")
            };
            let size = if self.sized {
                format!("<size package=\"{size}\"/>")
            } else {
                String::new()
            };
            format!(
                "<package type=\"rpm\"><name>demo</name><arch>noarch</arch>\
                 <version epoch=\"0\" ver=\"{version}\" rel=\"1\"/>\
                 <checksum type=\"sha256\" pkgid=\"YES\">{sum}</checksum>{size}\
                 <location{base} href=\"{file}\"/></package>"
            )
        };
        let packages: String = self.versions.iter().map(package).collect();
        let primary = format!(
            "<metadata packages=\"{}\">{packages}</metadata>",
            self.versions.len()
        );
        let packed = gzip(primary.as_bytes());
        let repomd = format!(
            "<repomd><revision>{}</revision><data type=\"primary\"><checksum type=\"sha256\">{}</checksum>\
             <location href=\"repodata/primary.xml.gz\"/><size>{}</size></data></repomd>",
            self.versions.len(),
            hex(Algorithm::Sha256, &packed),
            packed.len()
        );
        upstream.put(&self.list(), packed);
        upstream.put(&self.index(), repomd);
    }
}
