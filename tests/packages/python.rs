//! What the clients of `PyPI`'s protocol have in common.

use crate::by_name::upload;
use crate::house::{House, Who, why};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_model::{Algorithm, Digest};
use larder_tests::archive::wheel;
use larder_tests::home::Home;
use larder_tests::tools::run;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The hosted package.
pub(crate) const PROBE: &str = "larder_probe";

/// A folder of the home with a wheel of the hosted package; the wheel's name.
pub(crate) fn wheel_in(home: &Home, version: &str, word: &str) -> (PathBuf, String) {
    let folder = home.folder().join(format!("wheel-{version}-{word}"));
    std::fs::create_dir_all(&folder).expect("folder");
    let name = format!("{PROBE}-{version}-py3-none-any.whl");
    std::fs::write(folder.join(&name), wheel(PROBE, version, word)).expect("wheel");
    (folder, name)
}

/// Publishes a version, is refused another of the same number, and in every other way. `publish`
/// publishes a version with this word in it.
#[track_caller]
pub(crate) fn publishes(
    house: &House,
    publish: impl Fn(&Home, &str, &str) -> Command,
    whys: &[&str],
) {
    let maker = house.home(Who::Maker);
    run(&mut publish(&maker, "1.0.0", "ours"));
    let told = larder_tests::tools::fails(&mut publish(&maker, "1.0.0", "another"));
    house.says("publish of a version that is there", &why(&told, whys));
    house.refuses_to_publish(
        |home| publish(home, "2.0.0", "ours"),
        |text| why(text, whys),
    );
}

/// Publishes a version with what is attested of it beside it, as a build does. Everybody is then told
/// of it.
#[track_caller]
pub(crate) fn publishes_attested(house: &House, publish: impl Fn(&Home, &str, &str) -> Command) {
    let version = "1.1.0";
    let maker = house.home(Who::Maker);
    let (folder, file) = wheel_in(&maker, version, "attested");
    let attested = attestation(&file, &wheel(PROBE, version, "attested"));
    std::fs::write(
        folder.join(format!("{file}.publish.attestation")),
        attested.to_string(),
    )
    .expect("attestation");
    run(&mut publish(&maker, version, "attested"));
    let admin = house.larder.admin();
    let project = PROBE.replace('_', "-");
    let provenance = format!("integrity/{project}/{version}/{file}/provenance");
    let told = admin
        .get(&format!("/pypi/main/{provenance}"))
        .expect(200)
        .json();
    let bundles = &told["attestation_bundles"];
    assert_eq!(bundles[0]["attestations"], json!([attested]), "{told}");
    let form = [("accept", "application/vnd.pypi.simple.v1+json")];
    let page = admin.send("GET", &format!("/pypi/main/simple/{project}/"), &form, b"");
    let page = page.expect(200).json();
    let files = page["files"].as_array().expect("files");
    let found = files
        .iter()
        .find(|found| found["filename"] == file.as_str());
    let address = found.expect("the file")["provenance"].as_str();
    assert!(
        address.is_some_and(|address| address.ends_with(&provenance)),
        "{page}"
    );
}

/// What is attested of a file. Nobody signed it: an index leaves that to its clients.
fn attestation(file: &str, bytes: &[u8]) -> Value {
    let sha256 = Digest::of(Algorithm::Sha256, bytes).hex();
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://slsa.dev/provenance/v1", "predicate": null,
        "subject": [{"name": file, "digest": {"sha256": sha256}}],
    });
    json!({
        "version": 1,
        "verification_material": {
            "certificate": STANDARD.encode("a certificate"),
            "transparency_entries": [{"logIndex": "1"}],
        },
        "envelope": {
            "statement": STANDARD.encode(statement.to_string()),
            "signature": STANDARD.encode("a signature"),
        },
    })
}

/// Publishes the hosted package by raw HTTP, for clients that only install.
#[track_caller]
pub(crate) fn put_probe(house: &House) {
    let file = format!("{PROBE}-1.0.0-py3-none-any.whl");
    upload(
        &house.larder,
        &file,
        "1.0.0",
        &wheel(PROBE, "1.0.0", "ours"),
    )
    .expect(200);
}

/// Both packages are below this folder.
#[track_caller]
pub(crate) fn installed(below: &Path) {
    for (package, word) in [(PROBE, "ours"), ("demo", "theirs")] {
        let module = crate::house::read(&below.join(format!("{package}.py")));
        assert_eq!(module, format!("WORD = \"{word}\"\n"), "{package}");
    }
}
