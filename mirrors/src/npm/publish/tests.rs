use super::*;
use crate::npm::Npm;
use crate::npm::packument::packument_of;
use crate::npm::published::path_of;
use crate::npm::routes::{ABBREVIATED, FULL, TAGS};
use crate::npm::testing::{Repo, Sent, gzipped, header, packed};
use crate::publishing::Bytes;
use crate::resource::{Artifact, Plan};
use crate::testing::render;
use crate::{Integrity, Protocol as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use larder_model::{Algorithm, Digest, Timestamp};
use serde_json::Value;

mod hostile;
mod provenance;
mod search;
mod tarballs;
mod withdrawal;

/// As npm 11 sent it, with all that it adds to a `package.json` on the way.
const SENT: &[u8] = include_bytes!("../testdata/publish.json");

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
fn a_publication_of_npm_is_published() {
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
        let stored = if key == "readme" {
            &packument[key]
        } else {
            &version[key]
        };
        assert_eq!(stored, value, "{key}");
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
fn published_files_are_served_as_html_and_json() {
    let mut repo = Repo::default();
    repo.publish("@acme/widget", "1.0.0").expect("published");
    repo.publish("@acme/widget", "1.1.0-rc.1")
        .expect("published");
    let document = packument_of("@acme/widget");
    let body = repo.body("@acme/widget").expect("a packument");
    let [full, short, tags] = [FULL, ABBREVIATED, TAGS].map(|form| -> Value {
        serde_json::from_slice(&render(&Npm, &document, form, &body).expect("a form"))
            .expect("JSON")
    });
    let url = "https://r.example/npm/main/@acme/widget/-/widget-1.0.0.tgz";
    assert_eq!(full["versions"]["1.0.0"]["dist"]["tarball"], url);
    assert_eq!(short["versions"]["1.0.0"]["dist"]["tarball"], url);
    assert_eq!(short["modified"], full["time"]["modified"]);
    assert_eq!(tags, json!({"latest": "1.1.0-rc.1"}));
    let file = repo
        .files
        .iter()
        .find(|file| &*file.path == "-/widget-1.0.0.tgz")
        .expect("the tarball");
    let artifact = Artifact::new(
        "@acme/widget",
        Some(file.version.clone()),
        file.path.clone(),
    );
    let document = packument_of("@acme/widget");
    let outlines = Npm.outlines().expect("outlines");
    let outline = outlines.outline(&document, &body);
    let plan = Npm
        .plan(&artifact, &[], &[outline.expect("an outline")])
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
            Packages
                .compose(&Document::new("@acme/widget", path), &repo.files)
                .expect(path),
            None
        );
    }
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
fn tags_are_set_and_removed() {
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
}

#[test]
fn invalid_tags_are_refused() {
    let mut repo = Repo::default();
    repo.publish("widget", "2.0.0").expect("published");
    let tag = |tag: &str| format!("/-/package/widget/dist-tags/{tag}");
    let stable = repo.request(&Method::PUT, &tag("stable"), b"\"2.0.0\"");
    assert_eq!(stable.expect("a tag"), 1);
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
