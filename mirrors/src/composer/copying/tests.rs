use super::*;
use crate::composer::testing::{after, package};
use crate::publishing::PublishLimits;
use larder_model::{Algorithm, Digest, Kind};
use serde_json::{Value, json};
use std::io::Cursor;

fn files(version: &str, known: &[Option<Bytes>]) -> Plan<Vec<VersionFile>> {
    let wanted = UpstreamVersion {
        package: "acme/demo",
        version,
        documents: &[],
    };
    PackageCopies.files(&wanted, known, &[]).expect("a plan")
}

fn metadata() -> Bytes {
    let body = json!({"packages": {"acme/demo": [
        {"name": "acme/demo", "version": "v1.0.0",
         "dist": {"type": "zip", "url": "https://up.example/a.zip", "reference": "abc", "shasum": ""}},
        {"name": "acme/demo", "version": "0.9", "source": {}}]}});
    body.to_string().into()
}

fn copy(manifest: &Value, statement: &str) -> Result<Vec<Step>, Problem> {
    let body = package(manifest);
    let Plan::Fetch(mut found) = files("v1.0.0", &[Some(metadata())]) else {
        panic!("no plan")
    };
    let mut file = found.remove(0);
    file.statement = statement.to_owned();
    let copy = FileCopy {
        package: "acme/demo",
        version: "v1.0.0",
        file: &file,
        digest: Digest::of(Algorithm::Sha256, &body),
        size: body.len() as u64,
        limits: &PublishLimits::default(),
    };
    PackageCopies.steps(&copy, &mut Cursor::new(body), &[])
}

#[test]
fn a_version_is_the_archive_that_its_metadata_names() {
    assert_eq!(
        files("1.0.0", &[]),
        Plan::Read(document_of("acme/demo", false))
    );
    assert_eq!(
        files("dev-main", &[]),
        Plan::Read(document_of("acme/demo", true))
    );
    let Plan::Fetch(found) = files("1.0.0", &[Some(metadata())]) else {
        panic!("no plan")
    };
    let [file] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(&*file.artifact.path, "dist/v1.0.0/abc.zip");
    assert_eq!(file.statement, "v1.0.0");
    for (version, known) in [
        ("2.0", Some(metadata())),
        ("0.9", Some(metadata())),
        ("1.0.0", None),
    ] {
        assert_eq!(
            files(version, &[known]),
            Plan::Fetch(Vec::new()),
            "{version}"
        );
    }
}

#[test]
fn a_copy_is_what_publishing_would_make_of_it() {
    let own = json!({"name": "acme/demo", "description": "A demo"});
    let steps = copy(&own, "v1.0.0").expect("steps");
    let files = after(Vec::new(), steps, 1);
    assert_eq!(&*files[0].version, "v1.0.0");
    let body = package(&own);
    let published = crate::composer::testing::publish("?version=v1.0.0", &body, &[]);
    let published = after(Vec::new(), published.expect("steps"), 1);
    assert_eq!(files, published);
    for (manifest, statement) in [
        (json!({"name": "acme/other"}), "v1.0.0"),
        (json!({"name": "acme/demo", "version": "2.0"}), "v1.0.0"),
    ] {
        let problem = copy(&manifest, statement).expect_err("another package");
        assert_eq!(problem.kind, Kind::Invalid, "{manifest}");
    }
}
