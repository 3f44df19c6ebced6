use super::*;
use crate::Protocol as _;
use crate::ReadRequest;
use crate::publishing::{Change, PublishLimits};
use crate::pypi::Pypi;
use crate::pypi::page::page_of;
use crate::pypi::routes::{JSON, TEXT};
use crate::pypi::testing::*;
use crate::testing::{get, render};
use larder_model::{Algorithm, Kind};
use serde_json::json;

/// A statement about a file with these bytes.
fn statement(file: &str, content: &[u8]) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{
            "name": file,
            "digest": {"sha256": Digest::of(Algorithm::Sha256, content).hex()},
        }],
        "predicateType": "https://docs.example/attestations/publish/v1",
        "predicate": null,
    })
}

fn attestation(statement: &Value) -> Value {
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

/// An upload of the wheel with this field.
fn upload(field: &str, files: &[StoredFile]) -> (Vec<u8>, Result<Vec<Step>, Problem>) {
    let wheel = wheel();
    let mut fields = fields(WHEEL, &wheel);
    fields.push(("attestations", field.to_owned()));
    let body = body_of(&fields, WHEEL, &wheel);
    let steps = steps(&body, files);
    (body, steps)
}

fn uploaded(field: &str) -> Vec<StoredFile> {
    let (body, steps) = upload(field, &[]);
    stored(&steps.expect("published"), &body)
}

fn document_of(files: &[StoredFile], steps: &[Step]) -> Value {
    let added = steps.iter().find_map(|step| match step {
        Step::Add {
            path,
            bytes: Bytes::Inline(bytes),
            ..
        } if is_provenance(path) => Some(bytes),
        _ => None,
    });
    assert!(files.iter().any(|file| is_provenance(&file.path)));
    serde_json::from_slice(added.expect("a provenance")).expect("JSON")
}

#[test]
fn what_is_attested_of_a_file_is_kept_and_told() {
    let one = attestation(&statement(WHEEL, &wheel()));
    let other = attestation(&statement("My.Pkg_X-1.0-py3-none-any.whl", &wheel()));
    let field = json!([one, other]).to_string();
    let files = uploaded(&field);
    let document = document_of(&files, &upload(&field, &[]).1.expect("steps"));
    let bundle =
        json!({"publisher": {"kind": "larder", "claims": null}, "attestations": [one, other]});
    assert_eq!(
        document,
        json!({"version": 1, "attestation_bundles": [bundle]})
    );
    // The page leads to the document, at whose address it is kept.
    let publishing = Pypi.publishing().expect("publishing");
    let page = publishing
        .compose(&page_of(PROJECT), &files)
        .expect("composed")
        .expect("a page");
    let told: Value = serde_json::from_slice(&page).expect("JSON");
    assert_eq!(told["meta"]["api-version"], "1.3");
    let served = render(&Pypi, &page_of(PROJECT), JSON, &page).expect("a page");
    let served: Value = serde_json::from_slice(&served).expect("JSON");
    let link = served["files"][0]["provenance"].as_str().expect("a link");
    let below = link.strip_prefix("../..").expect("a relative link");
    let Ok(ReadRequest::Document(document, _)) = get(&Pypi, below) else {
        panic!("{link}")
    };
    assert!(
        files.iter().any(|file| file.path == document.path),
        "{}",
        document.path
    );
    let html = render(&Pypi, &page_of(PROJECT), TEXT, &page).expect("a page");
    let html = String::from_utf8(html).expect("text");
    assert!(
        html.contains(&format!("data-provenance=\"{link}\"")),
        "{html}"
    );
}

#[test]
fn a_file_without_attestations_is_told_of_as_before() {
    let files = uploaded("[]");
    let publishing = Pypi.publishing().expect("publishing");
    let page = publishing
        .compose(&page_of(PROJECT), &files)
        .expect("composed")
        .expect("a page");
    let page: Value = serde_json::from_slice(&page).expect("JSON");
    assert_eq!(page["meta"]["api-version"], "1.1");
    assert_eq!(page["files"][0].get("provenance"), None);
}

#[test]
fn the_same_upload_brings_what_the_first_one_lacked() {
    let field = json!([attestation(&statement(WHEEL, &wheel()))]).to_string();
    let bare = uploaded("[]");
    let (_, steps) = upload(&field, &bare);
    let steps = steps.expect("added");
    assert!(
        matches!(steps.as_slice(), [Step::Add { path, version, .. }] if is_provenance(path)
            && *version == *bare[0].version),
        "{steps:?}"
    );
    assert_eq!(upload(&field, &uploaded(&field)).1.expect("again"), []);
}

#[test]
fn a_version_takes_its_provenance_with_it() {
    let files = uploaded(&json!([attestation(&statement(WHEEL, &wheel()))]).to_string());
    let publishing = Pypi.publishing().expect("publishing");
    let version = Some("1.0".into());
    let request = publishing
        .change(PROJECT, Change::Remove { version })
        .expect("a request");
    let limits = PublishLimits::default();
    let steps = request
        .action
        .steps(&mut std::io::Cursor::new(Vec::new()), &files, &limits);
    let steps = steps.expect("removed");
    let removed = steps
        .iter()
        .filter(|step| matches!(step, Step::Remove { .. }))
        .count();
    let reserved = steps
        .iter()
        .filter(|step| matches!(step, Step::Add { .. }))
        .count();
    assert_eq!(
        (removed, reserved),
        (3, 1),
        "the wheel, its metadata, its provenance"
    );
}

#[test]
fn what_is_malformed_or_about_something_else_is_refused() {
    let good = attestation(&statement(WHEEL, &wheel()));
    let with = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).expect(pointer) = value;
        json!([changed]).to_string()
    };
    let about = |statement: Value| json!([attestation(&statement)]).to_string();
    let mut two = statement(WHEEL, &wheel());
    two["subject"] = json!([two["subject"][0], two["subject"][0]]);
    let mut odd = statement(WHEEL, &wheel());
    odd["_type"] = json!("a statement");
    for (field, why) in [
        (String::new(), "no list"),
        ("{}".to_owned(), "no list"),
        ("[{}]".to_owned(), "cannot be read"),
        (json!(vec![&good; 17]).to_string(), "at most 16"),
        (with("/version", json!(2)), "version 2"),
        (
            with("/verification_material/certificate", json!("?")),
            "certificate",
        ),
        (
            with("/verification_material/transparency_entries", json!([])),
            "transparency log",
        ),
        (with("/envelope/signature", json!("")), "signature"),
        (with("/envelope/statement", json!("e30=")), "statement"),
        (about(odd), "in-toto"),
        (about(two), "exactly one file"),
        (about(statement(SDIST, &wheel())), "another file"),
        (about(statement(WHEEL, b"other")), "other bytes"),
        (json!([good, {}]).to_string(), "attestation 2"),
    ] {
        let problem = upload(&field, &[]).1.expect_err(why);
        assert_eq!(problem.kind, Kind::Invalid, "{problem}");
        assert!(problem.detail.contains(why), "{why}: {problem}");
    }
}
