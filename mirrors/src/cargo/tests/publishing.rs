use super::*;
use crate::publishing::{Bytes as Stored, PublishLimits, Step, StoredFile};
use crate::search::{Hit, UpstreamResults};
use crate::testing::{self, publish_request};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use larder_model::{Algorithm, Timestamp, Verb};
use serde_json::Value;
use std::io::Cursor;

const MANIFEST: &str = "[package]\nname = \"Probe\"\nversion = \"1.0.0\"\nrust-version = \"1.60\"\n\
    [dependencies.rt]\nversion = \"1\"\npackage = \"real\"\nfeatures = [\"b\", \"a\"]\noptional = true\n\
    [target.'cfg(unix)'.build-dependencies]\ncc = \"^1.2\"\n[features]\nx = [\"dep:rt\"]\n";

fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes()); // whatever the path is
        header.set_cksum();
        archive.append(&header, text.as_bytes()).expect("entry");
    }
    archive.into_inner().expect("tar").finish().expect("gzip")
}

fn description() -> Value {
    json!({
        "name": "Probe", "vers": "1.0.0", "description": "a probe",
        "features": {"x": ["dep:rt"]}, "links": null,
        "deps": [
            {"name": "real", "explicit_name_in_toml": "rt", "version_req": "^1",
                "features": ["a", "b"], "optional": true, "default_features": true,
                "target": null, "kind": "normal", "registry": null},
            {"name": "cc", "version_req": "^1.2", "features": [], "optional": false,
                "default_features": true, "target": "cfg(unix)", "kind": "build",
                "registry": "https://index.example/"},
        ],
    })
}

fn body_of(description: &Value, packed: &[u8]) -> Vec<u8> {
    let text = description.to_string();
    let length = |count: usize| u32::try_from(count).expect("small").to_le_bytes();
    [
        &length(text.len())[..],
        text.as_bytes(),
        &length(packed.len()),
        packed,
    ]
    .concat()
}

fn publish(body: &[u8], files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    let request = publish_request(&Cargo, &Method::PUT, "/api/v1/crates/new")?;
    let mut body = Cursor::new(body.to_vec());
    assert_eq!(
        &*request
            .action
            .package_in(&mut body, &PublishLimits::default())?,
        "probe"
    );
    request
        .action
        .steps(&mut body, files, &PublishLimits::default())
}

fn package_in(body: &[u8]) -> Result<Box<str>, Problem> {
    let request = publish_request(&Cargo, &Method::PUT, "/api/v1/crates/new")?;
    request
        .action
        .package_in(&mut Cursor::new(body), &PublishLimits::default())
}

fn compose(name: &str, files: &[StoredFile]) -> Option<Vec<u8>> {
    let publishing = Cargo.publishing().expect("publishing");
    publishing.compose(&index_of(name), files).expect("compose")
}

fn stored(step: &Step, bytes: &[u8]) -> StoredFile {
    let Step::Add {
        kind,
        path,
        version,
        metadata,
        ..
    } = step
    else {
        panic!("{step:?}")
    };
    let digest = Digest::of(Algorithm::Sha256, bytes);
    let metadata = metadata.replace("{sha256}", &digest.hex());
    StoredFile {
        kind: *kind,
        digest,
        size: bytes.len() as u64,
        created_at: Timestamp(1_000_000_123_456),
        created_by: "user:alice".into(),
        ..testing::stored(path, version, &metadata)
    }
}

fn crate_bytes() -> Vec<u8> {
    packed(&[
        ("Probe-1.0.0/Cargo.toml", MANIFEST),
        ("Probe-1.0.0/src/lib.rs", ""),
    ])
}

#[test]
fn a_published_crate_has_an_index_line() {
    let bytes = crate_bytes();
    let body = body_of(&description(), &bytes);
    let steps = publish(&body, &[]).expect("publish");
    let [
        Step::Add {
            path,
            bytes: Stored::Part(start, length),
            ..
        },
    ] = steps.as_slice()
    else {
        panic!("{steps:?}")
    };
    assert_eq!(path, "crates/probe/1.0.0");
    let start = usize::try_from(*start).expect("small");
    assert_eq!(
        &body[start..start + usize::try_from(*length).expect("small")],
        bytes
    );
    let files = [stored(&steps[0], &bytes)];
    let index = compose("Probe", &files).expect("an index");
    Cargo
        .check(&index_of("probe"), &index)
        .expect("as an upstream's");
    let line: Value = serde_json::from_slice(&index).expect("JSON");
    assert_eq!(line["cksum"], Digest::of(Algorithm::Sha256, &bytes).hex());
    assert_eq!(
        (&line["yanked"], &line["rust_version"]),
        (&json!(false), &json!("1.60"))
    );
    assert_eq!(line["pubtime"], "1970-01-12T13:46:40Z");
    let alias = json!({"name": "rt", "package": "real", "req": "^1", "features": ["a", "b"],
        "optional": true, "default_features": true, "target": null, "kind": "normal",
        "registry": null});
    assert_eq!(line["deps"][0], alias);
    assert_eq!(compose("pro_be", &files), None, "another spelling");
    let owners = ask("/api/v1/crates/Probe/owners").expect("owners");
    assert!(matches!(&owners, ReadRequest::Details(name) if **name == *"probe"));
    let publishing = Cargo.publishing().expect("publishing");
    let owners = publishing.details("probe", &files).expect("owners");
    assert_eq!(
        owners.body,
        br#"{"users":[{"id":1,"login":"alice","name":null}]}"#.as_slice()
    );
}

#[test]
fn platforms_are_compared_without_their_spaces() {
    // `cargo publish` writes them anew; what `Cargo.toml` says stays.
    let written = "cfg(all(unix,target_os=\"my os\",))";
    let manifest = MANIFEST.replace("cfg(unix)", written);
    let bytes = packed(&[("Probe-1.0.0/Cargo.toml", &manifest)]);
    let with_target = |target: &str| {
        let mut description = description();
        description["deps"][1]["target"] = target.into();
        publish(&body_of(&description, &bytes), &[])
    };
    let sent = "cfg(all(unix, target_os = \"my os\"))";
    let steps = with_target(sent).expect("the same");
    let index = compose("Probe", &[stored(&steps[0], &bytes)]).expect("an index");
    let line: Value = serde_json::from_slice(&index).expect("JSON");
    assert_eq!(line["deps"][1]["target"], sent);
    for other in ["cfg(all(unix, target_os = \"myos\"))", "cfg(unix)"] {
        let problem = with_target(other).expect_err(other);
        assert!(
            problem
                .detail
                .contains("the dependency `cc` (build, for cfg("),
            "{problem}"
        );
    }
}

#[test]
fn a_search_finds_the_newest_version() {
    let bytes = crate_bytes();
    let old = stored(
        &publish(&body_of(&description(), &bytes), &[]).expect("publish")[0],
        &bytes,
    );
    let mut new = old.clone();
    (new.version, new.metadata) = (
        "1.10.0".into(),
        old.metadata.replace("1.0.0", "1.10.0").into(),
    );
    let search = search(&Cargo, "/api/v1/crates?q=Pro_B&per_page=5");
    let crates = Cargo.search().expect("searches");
    assert_eq!(crates.terms(&search), ["pro-b"]);
    let hit = Hit::of(crates, &search, "probe", &[new, old]).expect("a crate");
    let hits = [hit.expect("a version")];
    let reply = |answers: &[UpstreamResults]| {
        let reply = crates.reply(&search, &hits, answers).expect("answer");
        serde_json::from_slice::<Value>(&reply.body).expect("JSON")
    };
    let found = json!({"name": "Probe", "max_version": "1.10.0", "description": "a probe"});
    assert_eq!(reply(&[]), json!({"crates": [found], "meta": {"total": 1}}));
    // What upstreams find follows, without names that are published here.
    let other = json!({"name": "pro_bar", "max_version": "2.0.0", "description": null});
    let hidden = json!({"name": "PROBE", "max_version": "9.0.0", "description": "?"});
    let body = json!({"crates": [hidden, other], "meta": {"total": 7}});
    let body = Bytes::from(body.to_string());
    assert_eq!(
        crates.packages_in(&body).expect("names"),
        ["probe".into(), "pro-bar".into()]
    );
    let results = UpstreamResults {
        body,
        hidden: ["probe".into()].into(),
    };
    assert_eq!(
        reply(&[results]),
        json!({"crates": [found, other], "meta": {"total": 7}})
    );
}

#[test]
fn a_version_is_published_once() {
    let bytes = crate_bytes();
    let body = body_of(&description(), &bytes);
    let files = [stored(&publish(&body, &[]).expect("publish")[0], &bytes)];
    assert_eq!(
        publish(&body, &files).expect("the same again"),
        [],
        "a retry is no second version"
    );
    let other = packed(&[
        ("Probe-1.0.0/Cargo.toml", MANIFEST),
        ("Probe-1.0.0/src/lib.rs", "// new"),
    ]);
    let conflict = publish(&body_of(&description(), &other), &files).expect_err("another");
    assert_eq!(
        (conflict.kind, &*conflict.detail),
        (Kind::Conflict, "crate version `1.0.0` is already uploaded")
    );
    let mut built = description();
    built["vers"] = json!("1.0.0+build");
    assert_eq!(
        publish(&body_of(&built, &other), &files)
            .expect_err("build metadata")
            .kind,
        Kind::Conflict
    );
    let mut spelled = description();
    (spelled["name"], spelled["vers"]) = (json!("pro_be"), json!("2.0.0"));
    let request = publish_request(&Cargo, &Method::PUT, "/api/v1/crates/new").expect("a request");
    let mut body = Cursor::new(body_of(&spelled, &other));
    let problem = request
        .action
        .steps(&mut body, &files, &PublishLimits::default());
    assert_eq!(problem.expect_err("spelling").kind, Kind::Conflict);
}

#[test]
fn a_version_is_yanked_and_unyanked() {
    let bytes = crate_bytes();
    let mut files = vec![stored(
        &publish(&body_of(&description(), &bytes), &[]).expect("publish")[0],
        &bytes,
    )];
    for (method, path, yanked) in [
        (Method::DELETE, "/api/v1/crates/Probe/1.0.0/yank", true),
        (Method::PUT, "/api/v1/crates/Probe/1.0.0/unyank", false),
    ] {
        let request = publish_request(&Cargo, &method, path).expect("a request");
        let steps = |files: &[StoredFile]| {
            let steps = request.action.steps(
                &mut Cursor::new(Vec::new()),
                files,
                &PublishLimits::default(),
            );
            steps.expect("steps")
        };
        assert_eq!(
            (
                &*request.package,
                request.verb,
                request.action.max_body(&PublishLimits::default()).max_bytes,
            ),
            ("probe", Verb::Write, 0)
        );
        let changed = steps(&files);
        let [Step::SetMetadata { metadata, .. }] = changed.as_slice() else {
            panic!("{changed:?}")
        };
        files[0].metadata = metadata.as_str().into();
        let index = compose("Probe", &files).expect("an index");
        assert_eq!(
            serde_json::from_slice::<Value>(&index).expect("JSON")["yanked"],
            yanked
        );
        assert_eq!(steps(&files), [], "it is done already");
    }
    let path = "/api/v1/crates/Probe/9.0.0/yank";
    let missing = publish_request(&Cargo, &Method::DELETE, path).expect("a request");
    let missing = missing.action.steps(
        &mut Cursor::new(Vec::new()),
        &files,
        &PublishLimits::default(),
    );
    assert_eq!(missing.expect_err("missing").kind, Kind::NotFound);
}

#[test]
fn a_description_that_is_not_the_crates_own_is_refused() {
    let bytes = crate_bytes();
    let change = |key: &str, value: Value| {
        let mut changed = description();
        changed[key] = value;
        body_of(&changed, &bytes)
    };
    let mut looser = description();
    looser["deps"][1]["version_req"] = json!("*");
    let mut more = description();
    more["deps"]
        .as_array_mut()
        .expect("list")
        .push(description()["deps"][1].clone());
    for body in [
        change("vers", json!("1.0.1")),
        change("links", json!("z")),
        change("features", json!({})),
        change("deps", json!([])),
        body_of(&looser, &bytes),
        body_of(&more, &bytes),
    ] {
        assert_eq!(
            publish(&body, &[]).expect_err("refused").kind,
            Kind::Invalid
        );
    }
}

#[test]
fn crates_with_files_outside_of_their_folder_are_refused() {
    let good = ("Probe-1.0.0/Cargo.toml", MANIFEST);
    let long = "x".repeat(40);
    for files in [
        vec![good, ("Probe-1.0.0/../../etc/passwd", "")],
        vec![good, ("/etc/passwd", "")],
        vec![good, ("Other-1.0.0/x", "")],
        vec![good, good],
        vec![good, ("Probe-1.0.0/cargo.toml", MANIFEST)],
        vec![("Probe-1.0.0/src/lib.rs", "")],
        vec![("Probe-1.0.0/Cargo.toml", "not toml")],
        vec![("Probe-1.0.0/Cargo.toml", long.as_str())],
    ] {
        let problem = publish(&body_of(&description(), &packed(&files)), &[]).expect_err("refused");
        assert_eq!(problem.kind, Kind::Invalid, "{files:?}");
    }
    let mut body = body_of(&description(), &crate_bytes());
    for count in [0, 3, 4, 20, body.len() - 1] {
        assert!(package_in(&body[..count]).is_err());
    }
    body.push(0);
    assert!(package_in(&body).is_err(), "too long");
    let name = "n".repeat(70_000);
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    archive
        .append_data(&mut header, format!("Probe-1.0.0/{name}"), &[][..])
        .expect("entry");
    let long = archive.into_inner().expect("tar").finish().expect("gzip");
    assert_eq!(
        publish(&body_of(&description(), &long), &[])
            .expect_err("a long name")
            .kind,
        Kind::Invalid
    );
    let two_members = [crate_bytes(), crate_bytes()].concat();
    let problem =
        publish(&body_of(&description(), &two_members), &[]).expect_err("two gzip members");
    assert!(
        problem.detail.contains("has bytes after its end"),
        "{problem}"
    );
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    archive
        .append_link(&mut link, "Probe-1.0.0/link", "/etc/passwd")
        .expect("entry");
    let linked = archive.into_inner().expect("tar").finish().expect("gzip");
    let problem = publish(&body_of(&description(), &linked), &[]).expect_err("a link");
    assert!(problem.detail.contains("link"), "{problem}");
    let zeros = vec![0_u8; 1 << 20];
    let bomb = packed(&[
        good,
        (
            "Probe-1.0.0/zeros",
            std::str::from_utf8(&zeros).expect("text"),
        ),
    ]);
    assert!(
        publish(&body_of(&description(), &bomb), &[]).is_ok(),
        "a megabyte of nothing is no bomb yet"
    );
}
