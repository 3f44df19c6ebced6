use super::*;
use serde_json::{Value, json};

const FORM: &[u8] =
    b"packages%5B0%5D=acme%2Fdemo&packages%5B1%5D=Private%2Flib&packages[]=acme/x&updatedSince=1";

#[test]
fn a_form_names_packages() {
    let names = Advisories.packages_in(FORM).expect("names");
    assert_eq!(
        names,
        ["acme/demo".into(), "private/lib".into(), "acme/x".into()] as [Box<str>; 3]
    );
    assert!(Advisories.packages_in(b"").expect("nothing").is_empty());
    for body in [&b"packages"[..], b"packages[]=%zz", b"\xff=1"] {
        assert!(Advisories.packages_in(body).is_err());
    }
}

#[test]
fn published_names_are_not_asked_for() {
    let question = Advisories
        .question(FORM, &["private/lib".into()].into())
        .expect("a question");
    let question = question.expect("something is left");
    let expected = b"packages%5B0%5D=acme%2Fdemo&packages%5B1%5D=acme%2Fx";
    assert_eq!(question, expected);
    let all = ["acme/demo", "private/lib", "acme/x"]
        .map(Into::into)
        .into();
    assert_eq!(Advisories.question(FORM, &all).expect("a question"), None);
}

fn known(bodies: &[&Value]) -> Vec<Option<Bytes>> {
    let bodies = bodies.iter();
    bodies.map(|body| Some(body.to_string().into())).collect()
}

#[test]
fn an_upstream_tells_where_it_answers() {
    let source = |bodies: &[&Value]| Advisories.source(FORM, &known(bodies)).expect("a source");
    assert_eq!(source(&[]), Source::Read(root()));
    let told =
        json!({"metadata-url": "x", "security-advisories": {"api-url": "https://a.example/api"}});
    let Source::At { url, .. } = source(&[&told]) else {
        panic!("no address")
    };
    assert_eq!(url, "https://a.example/api");
    let none = json!({"packages": []});
    assert_eq!(
        source(&[&none]),
        Source::Here(r#"{"advisories":{}}"#.into())
    );
}

#[test]
fn an_upstream_may_tell_them_in_its_metadata_alone() {
    let root = json!({"metadata-url": "x", "security-advisories": {"metadata": true}});
    let part = |name: &str, advisories: &Value| {
        let body = json!({"packages": {name: []}, "security-advisories": advisories}).to_string();
        let part = Advisories.part(&document_of(name, false), body.into());
        let part: Value = serde_json::from_slice(&part.expect("a part")).expect("JSON");
        part
    };
    let one = part("acme/demo", &json!([]));
    let [two, three] =
        ["private/lib", "acme/x"].map(|name| part(name, &json!([{"advisoryId": name}])));
    let whole = Bytes::from(root.to_string());
    let kept = Advisories.part(&super::root(), whole.clone());
    assert_eq!(kept.expect("all of it"), whole);
    let source = |bodies: &[&Value]| Advisories.source(FORM, &known(bodies)).expect("a source");
    assert_eq!(
        source(&[&root]),
        Source::Read(document_of("acme/demo", false))
    );
    assert_eq!(
        source(&[&root, &one, &two]),
        Source::Read(document_of("acme/x", false))
    );
    let Source::Here(body) = source(&[&root, &one, &two, &three]) else {
        panic!("no answer")
    };
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let expected = ["private/lib", "acme/x"].map(|name| (name, json!([{"advisoryId": name}])));
    let expected: serde_json::Map<String, Value> = expected
        .map(|(name, list)| (name.to_owned(), list))
        .into_iter()
        .collect();
    assert_eq!(body["advisories"], Value::Object(expected));
}

#[test]
fn answers_are_joined() {
    let answers = [
        json!({"advisories": {"acme/demo": [{"advisoryId": "1"}]}}),
        json!({"advisories": []}),
        json!({"advisories": {"acme/demo": [{"advisoryId": "2"}], "acme/x": []}}),
    ];
    let answers = answers.map(|answer| Bytes::from(answer.to_string()));
    let reply = Advisories.answer(&answers).expect("a reply");
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let expected = json!({"advisories": {"acme/demo": [{"advisoryId": "1"}, {"advisoryId": "2"}], "acme/x": []}});
    assert_eq!(body, expected);
    let nothing = Advisories.answer(&[]).expect("a reply");
    assert_eq!(nothing.body, r#"{"advisories":{}}"#);
    assert!(Advisories.answer(&[Bytes::from_static(b"<html>")]).is_err());
}
