use super::*;
use crate::Protocol as _;
use crate::npm::Npm;
use crate::npm::testing::{Repo, Sent, integrity};
use crate::publishing::PublishLimits;
use crate::testing::stored;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use larder_model::{Algorithm, Digest, FileKind, Integrity, Kind};
use serde_json::{Value, json};
use std::io::Cursor;

/// As npm 11 sent it, with all that it adds to a `package.json` on the way.
const SENT: &[u8] = include_bytes!("../testdata/publish.json");
/// What is stored of it after it was published at an upstream and copied from there.
const COPIED: &str = include_str!("../testdata/copied.json");

/// The packument that an upstream has of a publication, and the tarball.
fn at_upstream(sent: &Value) -> (Value, Vec<u8>) {
    let attachments = sent["_attachments"].as_object().expect("attachments");
    let data = attachments.values().next().expect("tarball")["data"].as_str();
    let tarball = STANDARD.decode(data.expect("data")).expect("base64");
    let mut packument = json!({"_id": sent["name"], "name": sent["name"],
        "dist-tags": sent["dist-tags"], "versions": sent["versions"]});
    let versions = packument["versions"].as_object_mut().expect("versions");
    for manifest in versions.values_mut() {
        // What registries add.
        manifest["_npmUser"] = json!({"name": "someone"});
        manifest["_npmOperationalInternal"] = json!({"host": "s3"});
        manifest["hasInstallScript"] = json!(true);
        manifest["dist"]["signatures"] = json!([{"keyid": "SHA256:x", "sig": "y"}]);
    }
    (packument, tarball)
}

fn files_of(packument: Option<&Value>, package: &str, version: &str) -> Vec<VersionFile> {
    let copying = Npm.copying().expect("copies");
    let wanted = UpstreamVersion {
        package,
        version,
        documents: &[],
    };
    let plan = copying.files(&wanted, &[], &[]).expect("plan");
    assert_eq!(plan, Plan::Read(packument_of(package)));
    let known = [packument.map(|packument| Bytes::from(packument.to_string()))];
    match copying.files(&wanted, &known, &[]).expect("plan") {
        Plan::Fetch(files) => files,
        plan => panic!("{plan:?}"),
    }
}

fn copy(
    packument: &Value,
    (package, version): (&str, &str),
    tarball: &[u8],
    files: &[StoredFile],
) -> Result<Vec<Step>, Problem> {
    let found = files_of(Some(packument), package, version);
    let copy = FileCopy {
        package,
        version,
        file: found.first().expect("a file"),
        digest: Digest::of(Algorithm::Sha256, tarball),
        size: tarball.len() as u64,
        limits: &PublishLimits::default(),
    };
    let mut body = Cursor::new(tarball.to_vec());
    PackageCopies.steps(&copy, &mut body, files)
}

/// A version at an upstream, with tags that point to it.
fn widget(manifest: &Value, tags: &Value) -> (Value, Vec<u8>) {
    let plain = json!({"name": "widget", "version": "1.0.0", "description": "made up"});
    let sent = Sent::packed(&plain, &plain).json();
    let (mut packument, tarball) = at_upstream(&sent);
    let version = &mut packument["versions"]["1.0.0"];
    for (key, value) in manifest.as_object().expect("fields") {
        version[key] = value.clone();
    }
    packument["dist-tags"] = tags.clone();
    (packument, tarball)
}

const WIDGET: (&str, &str) = ("widget", "1.0.0");

fn tags_of(steps: &[Step]) -> Vec<&str> {
    let mut tags = Vec::new();
    for step in steps {
        if let Step::SetTag { tag, version, at } = step {
            assert_eq!((&**version, &**at), ("1.0.0", "-/widget-1.0.0.tgz"));
            tags.push(&**tag);
        }
    }
    tags
}

#[test]
fn a_copy_is_what_publishing_made_of_it() {
    let sent: Value = serde_json::from_slice(SENT).expect("JSON");
    let body = sent.to_string();
    let published = Repo::default().steps(&Method::PUT, "/@acme%2fwidget", body.as_bytes());
    let published = published.expect("published");
    let (packument, tarball) = at_upstream(&sent);
    let named = ("@acme/widget", "1.0.0");
    let copied = copy(&packument, named, &tarball, &[]).expect("copied");
    let Step::Add { metadata, .. } = &copied[0] else {
        panic!("{copied:?}")
    };
    assert_eq!(metadata, COPIED.trim_end());
    // Only where the bytes are differs.
    let all_of_it = |step: &Step| match step.clone() {
        Step::Add {
            kind,
            path,
            version,
            content_type,
            metadata,
            ..
        } => Step::Add {
            kind,
            path,
            version,
            content_type,
            metadata,
            bytes: Stored::Part(0, tarball.len() as u64),
        },
        step => step,
    };
    assert_eq!(copied, published.iter().map(all_of_it).collect::<Vec<_>>());
}

#[test]
fn the_file_is_the_one_that_the_mirror_serves() {
    let (mut packument, tarball) = widget(&json!({}), &json!({}));
    let url = "https://files.example/a/widget-v1.0.0.tgz";
    packument["versions"]["1.0.0"]["dist"]["tarball"] = json!(url);
    let files = files_of(Some(&packument), "widget", "1.0.0");
    let read = crate::testing::get(&Npm, "/widget/-/widget-v1.0.0.tgz").expect("path");
    let crate::ReadRequest::Artifact(artifact) = read else {
        panic!("{read:?}")
    };
    let hash = integrity(&tarball);
    let hash = STANDARD.decode(hash.trim_start_matches("sha512-"));
    let hash = larder_model::hex::encode(&hash.expect("base64"));
    let expected = format!("sha512:{hash}").parse().expect("digest");
    assert_eq!(
        (&files[0].artifact, &files[0].integrity),
        (&artifact, &Integrity::Digest(expected))
    );
    // Here it has the path that it has when it is published.
    let steps = copy(&packument, WIDGET, &tarball, &[]).expect("copied");
    assert_eq!(tags_of(&steps), ["latest"]);
    assert_eq!(files_of(Some(&packument), "widget", "2.0.0"), []);
    assert_eq!(files_of(None, "widget", "1.0.0"), []);
}

#[test]
fn a_deprecation_and_free_tags_go_with_it() {
    let tags = json!({"beta": "1.0.0", "next": "1.0.0", "1.x": "1.0.0", "latest": "2.0.0"});
    let (packument, tarball) = widget(&json!({"deprecated": "use gadget"}), &tags);
    let steps = copy(&packument, WIDGET, &tarball, &[]).expect("copied");
    let Step::Add { metadata, .. } = &steps[0] else {
        panic!("{steps:?}")
    };
    assert!(
        metadata.ends_with(",\"deprecated\":\"use gadget\"}"),
        "{metadata}"
    );
    assert_eq!(tags_of(&steps), ["beta", "next", "latest"]);
    let tag = |name: &str| StoredFile {
        kind: FileKind::Tag,
        ..stored(name, "0.9.0", "")
    };
    let there = [tag("latest"), tag("next")];
    let steps = copy(&packument, WIDGET, &tarball, &there).expect("copied");
    assert_eq!(tags_of(&steps), ["beta"]);
}

#[test]
fn what_could_not_be_published_is_not_copied() {
    let tarball_of = |version: &str| {
        let manifest = json!({"name": "widget", "version": version});
        Sent::packed(&manifest, &manifest).tarball
    };
    let refused = |outcome: Result<Vec<Step>, Problem>, kind: Kind, why: &str| {
        let problem = outcome.expect_err(why);
        assert_eq!(problem.kind, kind, "{problem}");
        assert!(problem.detail.contains(why), "{problem}");
    };
    // A manifest that says something else than the package that runs.
    let other = json!({"dependencies": {"left-pad": "^1"}});
    let (packument, tarball) = widget(&other, &json!({}));
    let outcome = copy(&packument, WIDGET, &tarball, &[]);
    refused(outcome, Kind::Invalid, "dependencies in the manifest");
    // Another tarball than the packument promises.
    let (packument, _) = widget(&json!({}), &json!({}));
    let outcome = copy(&packument, WIDGET, &tarball_of("1.0.0"), &[]);
    refused(outcome, Kind::DigestMismatch, "dist.integrity");
    // A deleted version, and a name that new packages cannot have.
    let (packument, tarball) = widget(&json!({}), &json!({}));
    let tombstone = StoredFile {
        kind: FileKind::Tombstone,
        ..stored("1.0.0", "", "")
    };
    let outcome = copy(&packument, WIDGET, &tarball, &[tombstone]);
    refused(outcome, Kind::Conflict, "was unpublished");
    let manifest = json!({"name": "Widget", "version": "1.0.0"});
    let sent = Sent::packed(&manifest, &manifest).json();
    let (packument, tarball) = at_upstream(&sent);
    let outcome = copy(&packument, ("Widget", "1.0.0"), &tarball, &[]);
    refused(outcome, Kind::Invalid, "lower case");
}
