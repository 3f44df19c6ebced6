use super::*;
use serde_json::{Value, json};

fn known(bodies: &[&Value]) -> Vec<Option<Bytes>> {
    let bodies = bodies.iter();
    bodies
        .map(|body| (!body.is_null()).then(|| body.to_string().into()))
        .collect()
}

fn at(package: &str, branches: bool, bodies: &[&Value]) -> Result<Source, Problem> {
    metadata_source((package, branches), &known(bodies))
}

fn url(source: Result<Source, Problem>) -> String {
    match source.expect("a source") {
        Source::At { url, .. } => url,
        other => panic!("{other:?}"),
    }
}

fn here(source: Result<Source, Problem>) -> Value {
    match source.expect("a source") {
        Source::Here(body) => serde_json::from_slice(&body).expect("JSON"),
        other => panic!("{other:?}"),
    }
}

fn read(source: Result<Source, Problem>) -> Document {
    match source.expect("a source") {
        Source::Read(document) => document,
        other => panic!("{other:?}"),
    }
}

fn version(name: &str, version: &str) -> Value {
    json!({"name": name, "version": version})
}

#[test]
fn a_root_tells_where_metadata_is() {
    assert_eq!(read(at("acme/demo", false, &[])), root());
    for (told, expected) in [
        ("/p2/%package%.json", "/p2/acme/demo.json"),
        (
            "https://up.example/m/%package%.json",
            "https://up.example/m/acme/demo.json",
        ),
    ] {
        let root = json!({"packages": [], "metadata-url": told});
        assert_eq!(url(at("acme/demo", false, &[&root])), expected);
        let dev = expected.replace(".json", "~dev.json");
        assert_eq!(url(at("acme/demo", true, &[&root])), dev);
    }
    // A repository without a root is none.
    let problem = at("acme/demo", false, &[&Value::Null]).expect_err("no root");
    assert_eq!(problem.kind, larder_model::Kind::Upstream);
}

#[test]
fn nothing_is_asked_for_that_a_root_says_it_has_not() {
    let root = |key: &str, value: Value| json!({"metadata-url": "/p2/%package%.json", key: value});
    for (key, value) in [
        ("available-packages", json!(["Acme/Demo", "acme/other"])),
        ("available-package-patterns", json!(["acme/*"])),
        ("available-package-patterns", json!(["x/y", "*/de*o"])),
        ("available-packages", json!([])),
    ] {
        assert!(
            at("acme/demo", false, &[&root(key, value.clone())]).is_ok(),
            "{value}"
        );
    }
    for (key, value) in [
        ("available-packages", json!(["acme/other"])),
        ("available-package-patterns", json!(["acme/x*", "demo"])),
    ] {
        let refused = at("acme/demo", false, &[&root(key, value.clone())]);
        let problem = refused.expect_err("it is not there");
        assert_eq!(problem.kind, larder_model::Kind::NotFound, "{value}");
    }
}

#[test]
fn packages_stand_in_old_roots() {
    let root = json!({"packages": {"acme/demo": {
        "1.0": version("acme/demo", "1.0"), "dev-main": version("acme/demo", "dev-main")}}});
    let releases = here(at("acme/demo", false, &[&root]));
    assert_eq!(
        releases["packages"]["acme/demo"],
        json!([version("acme/demo", "1.0")])
    );
    let branches = here(at("acme/demo", true, &[&root]));
    assert_eq!(
        branches["packages"]["acme/demo"],
        json!([version("acme/demo", "dev-main")])
    );
    assert!(at("acme/other", false, &[&root]).is_err());
    // Of those that stand there, others may be elsewhere.
    let mut partly = root;
    partly["metadata-url"] = json!("/p2/%package%.json");
    here(at("acme/demo", false, &[&partly]));
    assert_eq!(
        url(at("acme/other", false, &[&partly])),
        "/p2/acme/other.json"
    );
}

#[test]
fn included_documents_are_read_one_after_the_other() {
    let root = json!({"packages": [], "includes": {
        "include/all$1.json": {"sha1": "0123456789abcdef0123456789abcdef01234567"},
        "include/more.json": {}}});
    let first = read(at("acme/demo", false, &[&root]));
    let own = "include/0123456789abcdef0123456789abcdef01234567/include/all$1.json";
    assert_eq!(&*first.path, own);
    assert_eq!(url(source(&first, &[])), "include/all$1.json");
    let none = json!({"packages": {"acme/other": [version("acme/other", "1")]}});
    let second = read(at("acme/demo", false, &[&root, &none]));
    assert_eq!(&*second.path, "include/-/include/more.json");
    let one = json!({"packages": {"acme/demo": [version("acme/demo", "1")]}});
    let found = here(at("acme/demo", false, &[&root, &none, &one]));
    assert_eq!(found["packages"]["acme/demo"][0]["version"], "1");
    assert!(at("acme/none", false, &[&root, &none, &one]).is_err());
    let absent = at("acme/demo", false, &[&root, &Value::Null, &Value::Null]);
    assert!(absent.is_err());
}

#[test]
fn providers_are_found_by_their_checksums() {
    let sum = "a".repeat(64);
    let root = json!({"packages": [], "providers-url": "/p/%package%$%hash%.json",
        "provider-includes": {"p/latest$%hash%.json": {"sha256": "b".repeat(64)}}});
    let listing = read(at("acme/demo", false, &[&root]));
    let expected = format!("p/latest${}.json", "b".repeat(64));
    assert_eq!(url(source(&listing, &[])), expected);
    let providers = json!({"providers": {"acme/demo": {"sha256": sum}}});
    let provider = read(at("acme/demo", false, &[&root, &providers]));
    assert_eq!(read(source(&provider, &[])), self::root());
    let expected = format!("/p/acme/demo${sum}.json");
    assert_eq!(url(source(&provider, &known(&[&root]))), expected);
    let body = json!({"packages": {"acme/demo": {"1": version("acme/demo", "1")}}});
    here(at("acme/demo", false, &[&root, &providers, &body]));
    // What is named and gone is looked for once.
    assert!(at("acme/demo", false, &[&root, &providers, &Value::Null]).is_err());
    assert!(at("acme/none", false, &[&root, &providers]).is_err());
}

#[test]
fn a_document_has_the_checksum_that_names_it() {
    let body = json!({"packages": {}}).to_string();
    let sha1 = hex::encode(&Sha1::digest(&body));
    let sha256 = Digest::of(Algorithm::Sha256, body.as_bytes()).hex();
    for path in [
        format!("include/{sha1}/a.json"),
        format!("listing/{sha256}/a.json"),
        format!("provider/{sha256}"),
        "include/-/a.json".to_owned(),
    ] {
        let document = Document::new("", &*path);
        assert!(check(&document, body.as_bytes()).is_ok(), "{path}");
        let changed = format!("{body} ");
        let is_named = !path.contains("/-/");
        assert_eq!(
            check(&document, changed.as_bytes()).is_err(),
            is_named,
            "{path}"
        );
    }
    for other in ["<html>", "[]", "{}", r#"{"status":"error"}"#] {
        assert!(check(&root(), other.as_bytes()).is_err(), "{other}");
    }
    for own in [
        r#"{"packages":[]}"#,
        r#"{"metadata-url":"/p2/%package%.json"}"#,
    ] {
        assert!(check(&root(), own.as_bytes()).is_ok(), "{own}");
    }
}

#[test]
fn names_are_told_by_roots_and_what_they_name() {
    let told = |bodies: &[&Value]| match names(&known(bodies)).expect("names") {
        Names::Told(names) => names,
        Names::Read(document) => panic!("{document:?}"),
    };
    let listed = json!({"metadata-url": "/p2", "available-packages": ["Acme/Demo"]});
    assert_eq!(told(&[&listed]), ["acme/demo"]);
    let root = json!({"packages": {"b/b": []}, "includes": {"i.json": {}}});
    assert!(matches!(names(&known(&[&root])), Ok(Names::Read(_))));
    let include = json!({"packages": {"a/a": [], "b/b": []}});
    assert_eq!(told(&[&root, &include]), ["a/a", "b/b"]);
}

#[test]
fn patterns_have_stars() {
    for (pattern, name) in [
        ("acme/*", "acme/demo"),
        ("*", "a/b"),
        ("a*/*b", "ac/db"),
        ("acme/demo", "acme/demo"),
        ("a*a/a*a", "aa/aa"),
    ] {
        assert!(fits(pattern, name), "{pattern} {name}");
    }
    for (pattern, name) in [
        ("acme/*", "acm/demo"),
        ("acme/d", "acme/demo"),
        ("a*b*c", "ac"),
    ] {
        assert!(!fits(pattern, name), "{pattern} {name}");
    }
}
