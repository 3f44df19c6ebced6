use super::*;
use crate::{Artifact, Integrity, Plan, Protocol as _, RepoUrl, Representation};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use larder_model::{Algorithm, Digest, Timestamp};
use sha1::Digest as _;
use std::io::{Cursor, Write as _};

mod hostile;
mod provenance;
mod search;

/// As npm 11 sent it, with all that it adds to a `package.json` on the way.
const SENT: &[u8] = include_bytes!("../testdata/publish.json");
const HERE: RepoUrl<'static> = RepoUrl {
    origin: "https://r.example",
    path: "/npm/own",
    public: true,
    identified: false,
};
const FORMS: [Representation; 3] = [
    super::super::FULL,
    super::super::ABBREVIATED,
    super::super::TAGS,
];

/// A repo of one package, as the engine keeps it.
#[derive(Clone, Default)]
struct Repo {
    files: Vec<StoredFile>,
    now: i64,
}

impl Repo {
    fn ask(
        &self,
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Result<(PublishRequest, Vec<Step>), Problem> {
        let headers = HeaderMap::new();
        let line = RepoRequest::new(method, path, "", &headers)?;
        let request = Npm.publish_request(&line)?.expect("a wish");
        assert!(body.len() as u64 <= request.max_bytes);
        let steps = Npm.receive(&request, &mut Cursor::new(body), &self.files)?;
        Ok((request, steps))
    }

    /// Fulfils a wish; tells how many steps that took.
    fn request(&mut self, method: &Method, path: &str, body: &[u8]) -> Result<usize, Problem> {
        let (request, steps) = self.ask(method, path, body)?;
        assert!(Npm.accept(&request).status.is_success());
        let count = steps.len();
        self.now += 1_500_000;
        for step in steps {
            self.step(step, body);
        }
        self.files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(count)
    }

    fn step(&mut self, step: Step, body: &[u8]) {
        let at =
            |files: &[StoredFile], path: &str| files.iter().position(|file| *file.path == *path);
        let kept = |path: &str, version: &str, digest, size, metadata: &str, now| StoredFile {
            path: path.into(),
            version: version.into(),
            digest,
            size,
            metadata: metadata.into(),
            created_at: Timestamp(now),
            created_by: "user:alice".into(),
        };
        match step {
            Step::Add {
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
                    Bytes::Made(bytes) => bytes,
                    Bytes::Part(..) => panic!("{path}"),
                };
                assert_eq!(at(&self.files, &path), None, "{path}");
                let digest = Digest::of(Algorithm::Sha256, &bytes);
                let metadata = metadata.replace("{sha256}", &digest.hex());
                self.files.push(kept(
                    &path,
                    &version,
                    digest,
                    bytes.len() as u64,
                    &metadata,
                    self.now,
                ));
            }
            Step::Point {
                path,
                version,
                at: to,
            } => {
                let to = &self.files[at(&self.files, &to).expect("a file")];
                let file = kept(&path, &version, to.digest, to.size, "", self.now);
                match at(&self.files, &path) {
                    Some(at) => self.files[at] = file,
                    None => self.files.push(file),
                }
            }
            Step::SetMetadata { path, metadata } => {
                let at = at(&self.files, &path).expect("a file");
                self.files[at].metadata = metadata.into();
            }
            Step::Remove { path } => {
                drop(self.files.remove(at(&self.files, &path).expect("a file")));
            }
            Step::AddAddress { .. } | Step::RemoveAddress { .. } => {
                panic!("addresses of npm tell the package")
            }
        }
    }

    fn publish(&mut self, name: &str, version: &str) -> Result<usize, Problem> {
        self.request(
            &Method::PUT,
            &format!("/{}", name.replace('/', "%2f")),
            &Sent::new(name, version).body(),
        )
    }

    fn body(&self, name: &str) -> Option<Vec<u8>> {
        Npm.compose(&Document::new(name, PACKUMENT), &self.files)
            .expect("a document")
    }

    fn packument(&self, name: &str) -> Value {
        let body = self.body(name).expect("a packument");
        Npm.check(&Document::new(name, PACKUMENT), &body)
            .expect("a packument");
        serde_json::from_slice(&body).expect("JSON")
    }

    fn revision(&self, name: &str) -> String {
        self.packument(name)["_rev"]
            .as_str()
            .expect("a revision")
            .to_owned()
    }

    fn versions(&self, name: &str) -> Vec<String> {
        self.packument(name)["versions"]
            .as_object()
            .expect("versions")
            .keys()
            .cloned()
            .collect()
    }
}

/// Something to publish.
struct Sent {
    name: String,
    version: String,
    tarball: Vec<u8>,
    manifest: Value,
    tag: &'static str,
}

impl Sent {
    fn new(name: &str, version: &str) -> Self {
        let manifest = json!({"name": name, "version": version, "description": "made up"});
        Self::packed(&manifest, &manifest)
    }

    /// With one `package.json` in the tarball, and another manifest sent along.
    fn packed(package_json: &Value, manifest: &Value) -> Self {
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

    fn with(mut self, tarball: Vec<u8>) -> Self {
        self.tarball = tarball;
        self
    }

    fn json(&self) -> Value {
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

    fn body(&self) -> Vec<u8> {
        self.json().to_string().into_bytes()
    }
}

fn integrity(bytes: &[u8]) -> String {
    format!(
        "sha512-{}",
        STANDARD.encode(Digest::of(Algorithm::Sha512, bytes).bytes())
    )
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect("written");
    gzip.finish().expect("gzip")
}

fn header(kind: tar::EntryType, name: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes()); // unlike `set_path`, any name
    header.set_cksum();
    header
}

fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, contents) in files {
        let header = header(tar::EntryType::Regular, name, contents.len() as u64);
        builder.append(&header, *contents).expect("an entry");
    }
    gzipped(&builder.into_inner().expect("a tarball"))
}

fn refused(body: &[u8]) -> Problem {
    let problem = Repo::default()
        .request(&Method::PUT, "/widget", body)
        .expect_err("refused");
    assert!(!problem.detail.is_empty());
    problem
}

fn refused_tarball(tarball: Vec<u8>) -> Kind {
    refused(&Sent::new("widget", "1.0.0").with(tarball).body()).kind
}

/// A publication without a description.
fn bare(tarball: Vec<u8>) -> Vec<u8> {
    let manifest = json!({"name": "widget", "version": "1.0.0"});
    Sent::packed(&manifest, &manifest).with(tarball).body()
}

#[test]
fn what_npm_sends_is_published() {
    let mut repo = Repo::default();
    assert_eq!(
        repo.request(&Method::PUT, "/@acme%2fwidget", SENT)
            .expect("published"),
        2
    );
    let packument = repo.packument("@acme/widget");
    let sent: Value = serde_json::from_slice(SENT).expect("JSON");
    let (sent, version) = (&sent["versions"]["1.0.0"], &packument["versions"]["1.0.0"]);
    for (key, value) in sent
        .as_object()
        .expect("a manifest")
        .iter()
        .filter(|(key, _)| *key != "dist")
    {
        let kept = if key == "readme" {
            &packument[key]
        } else {
            &version[key]
        };
        assert_eq!(kept, value, "{key}");
    }
    for key in ["integrity", "shasum"] {
        assert_eq!(version["dist"][key], sent["dist"][key], "{key}");
    }
    assert_eq!(version["dist"]["fileCount"], 5);
    assert_eq!(version["dist"]["tarball"], "widget-1.0.0.tgz");
    assert_eq!(packument["readme"], "# Widget {sha256}\n");
    assert_eq!(packument["dist-tags"], json!({"latest": "1.0.0"}));
    assert_eq!(packument["time"]["1.0.0"], "1970-01-01T00:00:01.500Z");
    assert_eq!(
        repo.request(&Method::PUT, "/@acme/widget", SENT)
            .expect("the same"),
        0
    );
}

#[test]
fn what_is_published_is_served_in_every_form() {
    let mut repo = Repo::default();
    repo.publish("@acme/widget", "1.0.0").expect("published");
    repo.publish("@acme/widget", "1.1.0-rc.1")
        .expect("published");
    let document = Document::new("@acme/widget", PACKUMENT);
    let body = repo.body("@acme/widget").expect("a packument");
    let [full, short, tags] = FORMS.map(|form| -> Value {
        serde_json::from_slice(&Npm.render(&document, &form, &body, &HERE).expect("a form"))
            .expect("JSON")
    });
    let url = "https://r.example/npm/own/@acme/widget/-/widget-1.0.0.tgz";
    assert_eq!(full["versions"]["1.0.0"]["dist"]["tarball"], url);
    assert_eq!(short["versions"]["1.0.0"]["dist"]["tarball"], url);
    assert_eq!(short["modified"], full["time"]["modified"]);
    assert_eq!(tags, json!({"latest": "1.1.0-rc.1"}));
    let file = repo
        .files
        .iter()
        .find(|file| &*file.path == "-/widget-1.0.0.tgz")
        .expect("the tarball");
    let artifact = Artifact {
        package: "@acme/widget".into(),
        version: Some(file.version.clone()),
        path: file.path.clone(),
    };
    let plan = Npm
        .plan(&artifact, &[Some(body.clone().into())], &[])
        .expect("a plan");
    let Plan::Fetch(fetch) = plan else {
        panic!("{plan:?}")
    };
    let tarball = Sent::new("@acme/widget", "1.0.0").tarball;
    assert_eq!(
        fetch.integrity,
        Integrity::Digest(Digest::of(Algorithm::Sha512, &tarball))
    );
    assert_eq!(file.digest, Digest::of(Algorithm::Sha256, &tarball));
    assert_eq!(repo.body("@acme/widget").expect("the same"), body);
    repo.files.reverse();
    assert_eq!(
        repo.body("@acme/widget").map(|body| body.len()),
        Some(body.len())
    );
    for path in ["attestations/1.0.0", "keys", "search/20/0/x"] {
        assert_eq!(
            Npm.compose(&Document::new("@acme/widget", path), &repo.files)
                .expect(path),
            None
        );
    }
}

#[test]
fn requests_are_told_apart_in_all_spellings() {
    let request = |method: &Method, path: &str| {
        let headers = HeaderMap::new();
        let line = RepoRequest::new(method, path, "", &headers).expect(path);
        Npm.publish_request(&line).map(|request| {
            request.map(|request| {
                format!(
                    "{} {} {:?} {:?}",
                    request.act, request.package, request.verb, request.arguments
                )
            })
        })
    };
    let cases = [
        (Method::PUT, "/widget", "publish widget Write []"),
        (
            Method::PUT,
            "/@acme%2fwidget",
            "publish @acme/widget Write []",
        ),
        (
            Method::PUT,
            "/@acme%2Fwidget",
            "publish @acme/widget Write []",
        ),
        (
            Method::PUT,
            "/%40acme/widget",
            "publish @acme/widget Write []",
        ),
        (
            Method::PUT,
            "/@acme/widget/-rev/1-a",
            "unpublish versions @acme/widget Delete [\"1-a\"]",
        ),
        (
            Method::DELETE,
            "/@acme%2fwidget/-rev/1-a",
            "unpublish @acme/widget Delete [\"1-a\"]",
        ),
        (
            Method::DELETE,
            "/@acme/widget/-/widget-1.0.0.tgz/-rev/1-a",
            "unpublish a file @acme/widget Delete [\"widget-1.0.0.tgz\", \"1-a\"]",
        ),
        (
            Method::DELETE,
            "/@acme%2fwidget/-/@acme/widget-1.0.0.tgz/-rev/1-a",
            "unpublish a file @acme/widget Delete [\"widget-1.0.0.tgz\", \"1-a\"]",
        ),
        (
            Method::PUT,
            "/-/package/@acme%2fwidget/dist-tags/next",
            "tag @acme/widget Write [\"next\"]",
        ),
        (
            Method::DELETE,
            "/-/package/widget/dist-tags/next",
            "untag widget Write [\"next\"]",
        ),
        (
            Method::GET,
            "/-/package/@acme%2fwidget/visibility",
            "visibility @acme/widget Read []",
        ),
    ];
    for (method, path, expected) in cases {
        assert_eq!(
            request(&method, path).expect(path).as_deref(),
            Some(expected),
            "{path}"
        );
    }
    let reading = [
        "/widget",
        "/@acme%2fwidget",
        "/-/package/widget/dist-tags",
        "/-/ping",
        "/widget/-/widget-1.0.0.tgz",
    ];
    for path in reading {
        assert_eq!(request(&Method::GET, path).expect(path), None, "{path}");
        assert_eq!(request(&Method::HEAD, path).expect(path), None, "{path}");
        assert_eq!(request(&Method::POST, path).expect(path), None, "{path}");
    }
    for path in [
        "/-/user/org.couchdb.user:x",
        "/widget/latest",
        "/-/v1/login",
        "/widget/-rev",
    ] {
        assert_eq!(request(&Method::PUT, path).expect(path), None, "{path}");
    }
    assert_eq!(request(&Method::DELETE, "/widget").expect("no wish"), None);
    for path in ["/.hidden", "/a%20b", "/node_modules", "/@acme", "/"] {
        assert_eq!(
            request(&Method::PUT, path).expect_err(path).kind,
            Kind::Invalid,
            "{path}"
        );
    }
    assert!(request(&Method::DELETE, "/widget/-/widget.zip/-rev/1").is_err());
}

#[test]
fn a_version_is_published_once() {
    let mut repo = Repo::default();
    assert_eq!(repo.publish("widget", "1.0.0").expect("published"), 2);
    let before = repo.files.clone();
    assert_eq!(repo.publish("widget", "1.0.0").expect("a retry"), 0);
    let other = packed(&[
        (
            "package/package.json",
            br#"{"name":"widget","version":"1.0.0"}"#,
        ),
        ("package/index.js", b"other"),
    ]);
    let problem = repo
        .request(&Method::PUT, "/widget", &bare(other))
        .expect_err("other bytes");
    assert_eq!(problem.kind, Kind::Conflict);
    assert_eq!(
        problem.detail,
        "You cannot publish over the previously published versions: 1.0.0."
    );
    assert_eq!(repo.files, before);
    repo.publish("widget", "1.1.0").expect("another");
    assert_eq!(
        repo.packument("widget")["dist-tags"],
        json!({"latest": "1.1.0"})
    );
}

#[test]
fn tags_are_set_and_taken_away() {
    let mut repo = Repo::default();
    let mut first = Sent::new("widget", "1.0.0");
    first.tag = "next";
    repo.request(&Method::PUT, "/widget", &first.body())
        .expect("published");
    assert_eq!(
        repo.packument("widget")["dist-tags"],
        json!({"latest": "1.0.0", "next": "1.0.0"})
    );
    let mut second = Sent::new("widget", "2.0.0");
    second.tag = "next";
    repo.request(&Method::PUT, "/widget", &second.body())
        .expect("published");
    assert_eq!(
        repo.packument("widget")["dist-tags"],
        json!({"latest": "1.0.0", "next": "2.0.0"})
    );
    let tag = |tag: &str| format!("/-/package/widget/dist-tags/{tag}");
    assert_eq!(
        repo.request(&Method::PUT, &tag("stable"), b"\"2.0.0\"")
            .expect("a tag"),
        1
    );
    assert_eq!(
        repo.request(&Method::PUT, &tag("stable"), b"\"2.0.0\"")
            .expect("the same"),
        0
    );
    assert_eq!(
        repo.request(&Method::PUT, &tag("latest"), b" \"2.0.0\"\n")
            .expect("moved"),
        1
    );
    assert_eq!(
        repo.request(&Method::DELETE, &tag("next"), b"")
            .expect("gone"),
        1
    );
    assert_eq!(
        repo.request(&Method::DELETE, &tag("next"), b"")
            .expect("gone already"),
        0
    );
    assert_eq!(
        repo.packument("widget")["dist-tags"],
        json!({"latest": "2.0.0", "stable": "2.0.0"})
    );
    let mut kind =
        |method, path: &str, body: &[u8]| repo.request(&method, path, body).expect_err(path).kind;
    assert_eq!(kind(Method::DELETE, &tag("latest"), b""), Kind::Invalid);
    assert_eq!(
        kind(Method::PUT, &tag("stable"), b"\"9.0.0\""),
        Kind::NotFound
    );
    for body in ["2.0.0", "", "{}", "\"2.0.0", "\u{0}"] {
        assert_eq!(
            kind(Method::PUT, &tag("stable"), body.as_bytes()),
            Kind::Invalid,
            "{body}"
        );
    }
    for bad in [
        "1",
        "1.0",
        "1.0.0",
        "v1",
        "1.x",
        "*",
        "x",
        "1.2.3-beta",
        "~1",
        "1.0.0-a.b",
        "1.*.x",
    ] {
        assert_eq!(
            kind(Method::PUT, &tag(bad), b"\"2.0.0\""),
            Kind::Invalid,
            "{bad}"
        );
    }
    for good in [
        "beta",
        "v14-lts",
        "latest-1",
        "2026-release",
        "1.2.3.4",
        "x.y",
    ] {
        assert_eq!(
            repo.request(&Method::PUT, &tag(good), b"\"2.0.0\"")
                .expect(good),
            1
        );
    }
    let absent = Repo::default()
        .request(&Method::PUT, &tag("stable"), b"\"1.0.0\"")
        .expect_err("no package");
    assert_eq!(absent.kind, Kind::NotFound);
}

#[test]
fn only_words_of_deprecation_are_taken_from_a_packument() {
    let mut repo = Repo::default();
    repo.publish("widget", "1.0.0").expect("published");
    repo.publish("widget", "1.1.0").expect("published");
    let before = repo.packument("widget");
    let mut sent = before.clone();
    sent["versions"]["1.0.0"]["deprecated"] = "use {sha256} \"1.1.0\"".into();
    sent["versions"]["1.0.0"]["scripts"] = json!({"install": "evil"});
    sent["versions"]["1.1.0"]["dist"]["integrity"] = "sha512-AAAA".into();
    sent["dist-tags"]["latest"] = "1.0.0".into();
    sent["_attachments"] = json!({});
    assert_eq!(
        repo.request(&Method::PUT, "/widget", sent.to_string().as_bytes())
            .expect("deprecated"),
        1
    );
    let after = repo.packument("widget");
    assert_ne!(after["_rev"], before["_rev"]);
    assert_eq!(
        after["versions"]["1.0.0"]["deprecated"],
        "use {sha256} \"1.1.0\""
    );
    let mut expected = before.clone();
    expected["versions"]["1.0.0"]["deprecated"] = after["versions"]["1.0.0"]["deprecated"].clone();
    expected["_rev"] = after["_rev"].clone();
    assert_eq!(after, expected);
    assert_eq!(
        repo.request(&Method::PUT, "/widget", sent.to_string().as_bytes())
            .expect("the same"),
        0
    );
    sent["versions"]["1.0.0"]["deprecated"] = "".into();
    assert_eq!(
        repo.request(&Method::PUT, "/widget", sent.to_string().as_bytes())
            .expect("taken back"),
        1
    );
    assert_eq!(repo.packument("widget"), before);
    let mut refuse = |edit: fn(&mut Value)| {
        let mut sent = before.clone();
        edit(&mut sent);
        repo.request(&Method::PUT, "/widget", sent.to_string().as_bytes())
            .expect_err("refused")
            .kind
    };
    assert_eq!(
        refuse(|sent| sent["versions"]["3.0.0"] = json!({"deprecated": "x"})),
        Kind::Invalid
    );
    assert_eq!(
        refuse(|sent| sent["versions"]["1.0.0"]["deprecated"] = json!([1])),
        Kind::Invalid
    );
    assert_eq!(
        refuse(|sent| sent["versions"]["1.0.0"]["deprecated"] = "x".repeat(9000).into()),
        Kind::TooLarge
    );
    assert_eq!(refuse(|sent| sent["name"] = "other".into()), Kind::Invalid);
    assert_eq!(
        refuse(|sent| drop(sent.as_object_mut().expect("object").remove("versions"))),
        Kind::Invalid
    );
}

#[test]
fn one_version_is_taken_back_as_npm_does_it() {
    let mut repo = Repo::default();
    for version in ["1.0.0", "2.0.0-rc.1", "1.1.0"] {
        repo.publish("@acme/widget", version).expect("published");
    }
    repo.request(
        &Method::PUT,
        "/-/package/@acme%2fwidget/dist-tags/old",
        b"\"1.1.0\"",
    )
    .expect("a tag");
    let mut reduced = repo.packument("@acme/widget");
    reduced["versions"]
        .as_object_mut()
        .expect("versions")
        .remove("1.1.0");
    reduced["dist-tags"] = json!({});
    let put = |revision: &str| format!("/@acme%2fwidget/-rev/{revision}");
    let revision = repo.revision("@acme/widget");
    let body = reduced.to_string().into_bytes();
    assert_eq!(
        repo.request(&Method::PUT, &put("1-x"), &body)
            .expect_err("old")
            .kind,
        Kind::Conflict
    );
    assert_eq!(
        repo.request(&Method::PUT, &put(&revision), &body)
            .expect("reduced"),
        4
    );
    assert_eq!(
        repo.request(&Method::PUT, &put(&revision), &body)
            .expect("a retry"),
        0
    );
    let packument = repo.packument("@acme/widget");
    assert_eq!(
        packument["dist-tags"],
        json!({"latest": "1.0.0"}),
        "not the prerelease"
    );
    assert_eq!(repo.versions("@acme/widget"), ["1.0.0", "2.0.0-rc.1"]);
    let delete = |file: &str, revision: &str| format!("/@acme/widget/-/{file}/-rev/{revision}");
    let revision = repo.revision("@acme/widget");
    assert_eq!(
        repo.request(&Method::DELETE, &delete("widget-1.1.0.tgz", &revision), b"")
            .expect("gone"),
        0
    );
    let unknown = repo
        .request(&Method::DELETE, &delete("widget-9.9.9.tgz", &revision), b"")
        .expect_err("unknown");
    assert_eq!(unknown.kind, Kind::NotFound);
    let stale = repo
        .request(&Method::DELETE, &delete("widget-1.0.0.tgz", "1-x"), b"")
        .expect_err("old");
    assert_eq!(stale.kind, Kind::Conflict);
    assert_eq!(
        repo.request(&Method::DELETE, &delete("widget-1.0.0.tgz", &revision), b"")
            .expect("gone"),
        3
    );
    assert_eq!(
        repo.packument("@acme/widget")["dist-tags"],
        json!({"latest": "2.0.0-rc.1"})
    );
    let again = repo
        .publish("@acme/widget", "1.1.0")
        .expect_err("never again");
    assert_eq!(again.kind, Kind::Conflict);
    let owners = repo
        .request(&Method::PUT, &put("1-x"), b"{\"maintainers\":[]}")
        .expect_err("owners");
    assert_eq!(owners.kind, Kind::Unsupported);
}

#[test]
fn all_versions_are_taken_back_at_once() {
    let mut repo = Repo::default();
    repo.publish("widget", "1.0.0").expect("published");
    repo.publish("widget", "1.1.0").expect("published");
    let path = format!("/widget/-rev/{}", repo.revision("widget"));
    assert_eq!(
        repo.request(&Method::DELETE, "/widget/-rev/0", b"")
            .expect_err("old")
            .kind,
        Kind::Conflict
    );
    assert_eq!(repo.request(&Method::DELETE, &path, b"").expect("gone"), 5);
    assert_eq!(
        repo.request(&Method::DELETE, &path, b"")
            .expect("gone already"),
        0
    );
    assert_eq!(repo.body("widget"), None);
    let paths: Vec<&str> = repo.files.iter().map(|file| &*file.path).collect();
    assert_eq!(paths, ["gone/1.0.0", "gone/1.1.0"]);
    assert_eq!(
        repo.publish("widget", "1.0.0")
            .expect_err("never again")
            .kind,
        Kind::Conflict
    );
    repo.publish("widget", "1.2.0").expect("a higher one");
    assert_eq!(repo.versions("widget"), ["1.2.0"]);
    assert_eq!(
        Repo::default()
            .request(&Method::DELETE, &path, b"")
            .expect_err("unknown")
            .kind,
        Kind::NotFound
    );
}

#[test]
fn names_and_versions_of_new_packages_follow_the_rules() {
    for name in [
        "Widget",
        "@Acme/widget",
        "_widget",
        "@_acme/widget",
        "@acme/_widget",
        "wid~get",
        "wid!get",
    ] {
        let path = format!("/{name}");
        let published =
            Repo::default().request(&Method::PUT, &path, &Sent::new(name, "1.0.0").body());
        assert_eq!(published.expect_err(name).kind, Kind::Invalid, "{name}");
    }
    for name in ["w", "@a/b", "wid.get_2-x", &"a".repeat(214)] {
        Repo::default().publish(name, "1.0.0").expect(name);
    }
    for version in [
        "1",
        "1.0",
        "v1.0.0",
        "1.0.0+build",
        "01.0.0",
        "1.0.0-",
        "x",
        "",
        "1.0.9007199254740992",
        "../../x",
    ] {
        assert_eq!(
            refused(&Sent::new("widget", version).body()).kind,
            Kind::Invalid,
            "{version}"
        );
    }
}

#[test]
fn only_packages_that_are_here_are_seen() {
    let mut repo = Repo::default();
    let question = question(&["-", "package", "widget", "visibility"]).expect("a question");
    assert_eq!(
        Npm.tell(&question, &repo.files).expect_err("absent").kind,
        Kind::NotFound
    );
    repo.publish("widget", "1.0.0").expect("published");
    let reply = Npm.tell(&question, &repo.files).expect("an answer");
    assert_eq!(&reply.body[..], br#"{"public":false}"#);
}

#[test]
fn thousands_of_versions_are_all_listed() {
    let mut repo = Repo::default();
    repo.publish("widget", "1.0.0").expect("published");
    let first = repo
        .files
        .iter()
        .find(|file| file.path.starts_with("-/"))
        .expect("a tarball")
        .clone();
    for number in 1..3000 {
        let version = format!("1.0.{number}");
        repo.files.push(StoredFile {
            path: path_of("widget", &version).into(),
            version: version.into(),
            created_at: Timestamp(first.created_at.0 + number % 7),
            ..first.clone()
        });
    }
    let versions = repo.versions("widget");
    assert_eq!(versions.len(), 3000);
    let mut other = repo.clone();
    other.files.reverse();
    assert_eq!(other.revision("widget"), repo.revision("widget"));
}
