//! What the tests of publishing need: a repository in memory, and publications.

use super::Npm;
use super::packument::packument_of;
use crate::Protocol as _;
use crate::publishing::{Bytes, PublishLimits, Step, StoredFile};
use crate::testing::{publish_request, stored};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use larder_model::{Algorithm, Digest, FileKind, Problem, Timestamp};
use serde_json::{Value, json};
use sha1::Digest as _;
use std::io::{Cursor, Write as _};

/// A repository of one package, as the engine stores it.
#[derive(Clone, Default)]
pub(super) struct Repo {
    pub(super) files: Vec<StoredFile>,
    now: i64,
}

impl Repo {
    /// The steps of a request.
    pub(super) fn steps(
        &self,
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Result<Vec<Step>, Problem> {
        let request = publish_request(&Npm, method, path)?;
        let limits = PublishLimits::default();
        assert!(body.len() as u64 <= request.action.max_body(&limits).max_bytes);
        let mut body = Cursor::new(body);
        let steps = request.action.steps(&mut body, &self.files, &limits);
        assert!(request.action.reply().status.is_success());
        steps
    }

    /// Carries a request out; returns how many steps that took.
    pub(super) fn request(
        &mut self,
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Result<usize, Problem> {
        let steps = self.steps(method, path, body)?;
        let count = steps.len();
        self.now += 1_500_000;
        for step in steps {
            self.step(step, body);
        }
        self.files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(count)
    }

    fn step(&mut self, step: Step, body: &[u8]) {
        let at = |files: &[StoredFile], kind: FileKind, path: &str| {
            let is_it = |file: &StoredFile| file.kind == kind && *file.path == *path;
            files.iter().position(is_it)
        };
        let file = |kind, digest, size, now, file: StoredFile| StoredFile {
            kind,
            digest,
            size,
            created_at: Timestamp(now),
            created_by: "user:alice".into(),
            ..file
        };
        match step {
            Step::Add {
                kind,
                path,
                version,
                metadata,
                bytes,
                ..
            } => {
                let bytes = match bytes {
                    Bytes::Base64(start, length) => {
                        let start = usize::try_from(start).expect("small");
                        let part = &body[start..start + usize::try_from(length).expect("small")];
                        STANDARD.decode(part).expect("base64")
                    }
                    Bytes::Inline(bytes) => bytes,
                    Bytes::Part(..) | Bytes::Dated(..) | Bytes::Joined(_) | Bytes::Same(_) => {
                        panic!("{path}")
                    }
                };
                assert_eq!(at(&self.files, kind, &path), None, "{path}");
                let digest = Digest::of(Algorithm::Sha256, &bytes);
                let metadata = metadata.replace("{sha256}", &digest.hex());
                self.files.push(file(
                    kind,
                    digest,
                    bytes.len() as u64,
                    self.now,
                    stored(&path, &version, &metadata),
                ));
            }
            Step::SetTag {
                tag,
                version,
                at: to,
            } => {
                let to = &self.files[at(&self.files, FileKind::Artifact, &to).expect("a file")];
                let kind = FileKind::Tag;
                let tag_file = stored(&tag, &version, "");
                let file = file(kind, to.digest, to.size, self.now, tag_file);
                match at(&self.files, kind, &tag) {
                    Some(at) => self.files[at] = file,
                    None => self.files.push(file),
                }
            }
            Step::SetMetadata { path, metadata } => {
                let at = at(&self.files, FileKind::Artifact, &path).expect("a file");
                self.files[at].metadata = metadata.into();
            }
            Step::Remove { kind, path } => {
                let at = at(&self.files, kind, &path).expect("a file");
                self.files.remove(at);
            }
            Step::AddAddress { .. } | Step::RemoveAddress { .. } => {
                panic!("addresses of npm name the package")
            }
        }
    }

    pub(super) fn publish(&mut self, name: &str, version: &str) -> Result<usize, Problem> {
        self.request(
            &Method::PUT,
            &format!("/{}", name.replace('/', "%2f")),
            &Sent::new(name, version).body(),
        )
    }

    pub(super) fn body(&self, name: &str) -> Option<Vec<u8>> {
        let publishing = Npm.publishing().expect("publishing");
        let composed = publishing.compose(&packument_of(name), &self.files);
        composed.expect("a document")
    }

    pub(super) fn packument(&self, name: &str) -> Value {
        let body = self.body(name).expect("a packument");
        Npm.check(&packument_of(name), &body).expect("a packument");
        serde_json::from_slice(&body).expect("JSON")
    }

    pub(super) fn revision(&self, name: &str) -> String {
        self.packument(name)["_rev"]
            .as_str()
            .expect("a revision")
            .to_owned()
    }

    pub(super) fn versions(&self, name: &str) -> Vec<String> {
        self.packument(name)["versions"]
            .as_object()
            .expect("versions")
            .keys()
            .cloned()
            .collect()
    }
}

/// Something to publish.
pub(super) struct Sent {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) tarball: Vec<u8>,
    pub(super) manifest: Value,
    pub(super) tag: &'static str,
}

impl Sent {
    pub(super) fn new(name: &str, version: &str) -> Self {
        let manifest = json!({"name": name, "version": version, "description": "made up"});
        Self::packed(&manifest, &manifest)
    }

    /// With one `package.json` in the tarball, and another manifest sent along.
    pub(super) fn packed(package_json: &Value, manifest: &Value) -> Self {
        let text = |key: &str| manifest[key].as_str().expect(key).to_owned();
        let tarball = packed(&[("package/package.json", package_json.to_string().as_bytes())]);
        Self {
            name: text("name"),
            version: text("version"),
            tarball,
            manifest: manifest.clone(),
            tag: "latest",
        }
    }

    pub(super) fn with(mut self, tarball: Vec<u8>) -> Self {
        self.tarball = tarball;
        self
    }

    pub(super) fn json(&self) -> Value {
        let file = format!("{}-{}.tgz", self.name, self.version);
        let mut manifest = self.manifest.clone();
        manifest["dist"] = json!({
            "integrity": integrity(&self.tarball),
            "shasum": larder_model::hex::encode(&sha1::Sha1::digest(&self.tarball)),
            "tarball": format!("http://localhost/{}/-/{file}", self.name),
        });
        json!({
            "_id": self.name,
            "name": self.name,
            "dist-tags": {self.tag: self.version},
            "versions": {&self.version: manifest},
            "access": null,
            "_attachments": {file: {
                "content_type": "application/octet-stream",
                "data": STANDARD.encode(&self.tarball),
                "length": self.tarball.len(),
            }},
        })
    }

    pub(super) fn body(&self) -> Vec<u8> {
        self.json().to_string().into_bytes()
    }
}

pub(super) fn integrity(bytes: &[u8]) -> String {
    format!(
        "sha512-{}",
        STANDARD.encode(Digest::of(Algorithm::Sha512, bytes).bytes())
    )
}

pub(super) fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect("written");
    gzip.finish().expect("gzip")
}

pub(super) fn header(kind: tar::EntryType, name: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes()); // unlike `set_path`, any name
    header.set_cksum();
    header
}

pub(super) fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, contents) in files {
        let header = header(tar::EntryType::Regular, name, contents.len() as u64);
        builder.append(&header, *contents).expect("an entry");
    }
    gzipped(&builder.into_inner().expect("a tarball"))
}
