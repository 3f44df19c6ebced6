//! A provenance comes with a version, is listed with it, and goes with it.

use super::*;

const KIND: &str = "https://slsa.dev/provenance/v1";

fn bundle(subjects: &Value, payload_type: &str) -> String {
    let statement = "https://in-toto.io/Statement/v1";
    let statement = json!({"_type": statement, "subject": subjects, "predicateType": KIND});
    let envelope = json!({"payload": STANDARD.encode(statement.to_string()), "payloadType": payload_type,
        "signatures": [{"sig": "MEU=", "keyid": ""}]});
    json!({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope,
        "verificationMaterial": {"note": "\"quoted\" \\ \u{e9}"}})
    .to_string()
}

fn subject(name: &str, sent: &Sent) -> Value {
    json!({"name": name, "digest": {"sha512": Digest::of(Algorithm::Sha512, &sent.tarball).hex()}})
}

fn with(sent: &Sent, bundle: &str) -> Vec<u8> {
    let mut body = sent.json();
    let file = format!("{}-{}.sigstore", sent.name, sent.version);
    body["_attachments"][file] =
        json!({"content_type": "application/x", "data": bundle, "length": bundle.len()});
    body.to_string().into_bytes()
}

#[test]
fn provenance_is_stored_listed_and_removed() {
    let (mut repo, sent) = (Repo::default(), Sent::new("@acme/widget", "1.0.0"));
    let bundle = bundle(
        &json!([subject("pkg:npm/%40acme/widget@1.0.0", &sent)]),
        "application/vnd.in-toto+json",
    );
    let steps = repo
        .steps(&Method::PUT, "/@acme%2fwidget", &with(&sent, &bundle))
        .expect("published");
    let document = steps.iter().find_map(|step| match step {
        Step::Add {
            path,
            bytes: Bytes::Inline(bytes),
            ..
        } if path == "attestations/1.0.0" => Some(bytes.clone()),
        _ => None,
    });
    let document: Value = serde_json::from_slice(&document.expect("a document")).expect("JSON");
    let parsed: Value = serde_json::from_str(&bundle).expect("JSON");
    assert_eq!(
        document,
        json!({"attestations": [{"predicateType": KIND, "bundle": parsed}]})
    );
    assert_eq!(
        repo.request(&Method::PUT, "/@acme%2fwidget", &with(&sent, &bundle))
            .expect("published"),
        3
    );
    assert_eq!(
        repo.request(&Method::PUT, "/@acme%2fwidget", &with(&sent, &bundle))
            .expect("the same again"),
        0
    );

    let body = repo.body("@acme/widget").expect("a packument");
    let document = packument_of("@acme/widget");
    for form in [FULL, ABBREVIATED] {
        let served: Value =
            serde_json::from_slice(&render(&Npm, &document, form, &body).expect("a form"))
                .expect("JSON");
        let url = "https://r.example/npm/main/-/npm/v1/attestations/@acme/widget@1.0.0";
        let attested = json!({"url": url, "provenance": {"predicateType": KIND}});
        assert_eq!(
            served["versions"]["1.0.0"]["dist"]["attestations"],
            attested
        );
        assert_eq!(
            served["versions"]["1.0.0"]["dist"]["tarball"],
            "https://r.example/npm/main/@acme/widget/-/widget-1.0.0.tgz"
        );
    }

    let path = format!("/@acme%2fwidget/-rev/{}", repo.revision("@acme/widget"));
    repo.request(&Method::DELETE, &path, b"")
        .expect("unpublished");
    assert!(
        repo.files
            .iter()
            .all(|file| !file.path.starts_with("attestations/"))
    );
}

#[test]
fn provenance_of_another_subject_is_refused() {
    let (repo, sent) = (Repo::default(), Sent::new("widget", "1.0.0"));
    let (name, statement) = ("pkg:npm/widget@1.0.0", "application/vnd.in-toto+json");
    let refused = |bundle: &str| {
        let outcome = repo.steps(&Method::PUT, "/widget", &with(&sent, bundle));
        outcome.map(|_| ()).expect_err(bundle).kind
    };
    let right = subject(name, &sent);
    assert!(
        repo.steps(
            &Method::PUT,
            "/widget",
            &with(&sent, &bundle(&json!([right]), statement))
        )
        .is_ok()
    );
    let other = Sent::new("widget", "1.0.1");
    for subjects in [
        json!([subject("pkg:npm/widget@1.0.1", &sent)]),
        json!([subject("pkg:npm/other@1.0.0", &sent)]),
        json!([subject(name, &other)]),
        json!([right, right]),
        json!([]),
        json!([{"name": name, "digest": {"sha256": "ab"}}]),
    ] {
        assert_eq!(
            refused(&bundle(&subjects, statement)),
            Kind::Invalid,
            "{subjects}"
        );
    }
    assert_eq!(
        refused(&bundle(&json!([right]), "text/plain")),
        Kind::Invalid
    );
    for text in [
        "",
        "{",
        "[]",
        "{} {}",
        r#"{"dsseEnvelope":{"payload":"!","payloadType":"application/vnd.in-toto+json"}}"#,
    ] {
        assert_eq!(refused(text), Kind::Invalid, "{text}");
    }
    assert_eq!(refused(&" ".repeat((1 << 20) + 1)), Kind::TooLarge);
    // Alone it is nothing.
    let mut body = sent.json();
    body["_attachments"] = json!({"widget-1.0.0.sigstore": {"data": "{}"}});
    let outcome = repo.steps(&Method::PUT, "/widget", body.to_string().as_bytes());
    assert!(outcome.is_err_and(|problem| problem.kind == Kind::Invalid));
}
