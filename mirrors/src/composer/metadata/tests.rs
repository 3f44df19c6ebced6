use super::*;
use crate::Protocol as _;
use crate::composer::Composer;
use crate::composer::routes::METADATA;
use crate::testing::{REPO_URL, at_repo_url, render};
use larder_model::Kind;
use serde_json::{Value, json};

/// What Composer's own minifier makes of a list of versions, and the list.
const MINIFIED_BODY: &str = include_str!("../testdata/minified.json");
const EXPANDED: &str = include_str!("../testdata/expanded.json");

fn rendered(document: &Document, body: &str) -> Value {
    let bytes = render(&Composer, document, METADATA, body.as_bytes()).expect("rendered");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The versions of a rendered document as Composer expands them.
fn expanded(rendered: &Value) -> Vec<Value> {
    let (mut all, mut current) = (Vec::new(), serde_json::Map::new());
    let minified = rendered["minified"] == "composer/2.0";
    for entry in rendered["packages"]["acme/demo"]
        .as_array()
        .expect("a list")
    {
        if !minified {
            current.clear();
        }
        for (key, value) in entry.as_object().expect("an object") {
            if value == "__unset" {
                current.remove(key);
            } else {
                current.insert(key.clone(), value.clone());
            }
        }
        all.push(Value::Object(current.clone()));
    }
    all
}

fn releases() -> Document {
    document_of("acme/demo", false)
}

#[test]
fn a_minified_list_is_read_as_composer_does() {
    let read = Metadata::read("acme/demo", MINIFIED_BODY.as_bytes()).expect("metadata");
    let expected: Value = serde_json::from_str(EXPANDED).expect("JSON");
    let expected = expected["packages"]["acme/demo"]
        .as_array()
        .expect("a list");
    assert_eq!(read.versions.len(), expected.len());
    for (entry, expected) in read.versions.iter().zip(expected) {
        let entry: serde_json::Map<String, Value> = entry
            .iter()
            .map(|(key, value)| {
                (
                    key.to_owned(),
                    serde_json::from_str(value.get()).expect("JSON"),
                )
            })
            .collect();
        assert_eq!(&Value::Object(entry), expected);
    }
}

#[test]
fn a_rendered_list_has_the_same_versions_with_addresses_of_this_server() {
    for body in [MINIFIED_BODY, EXPANDED] {
        let rendered = rendered(&releases(), body);
        let expected: Value = serde_json::from_str(EXPANDED).expect("JSON");
        let expected = expected["packages"]["acme/demo"]
            .as_array()
            .expect("a list");
        let found = expanded(&rendered);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let mut rest = expected.clone();
            let rest = rest.as_object_mut().expect("an object");
            let dist = rest.remove("dist");
            for gone in ["source", "notification-url", "transport-options"] {
                rest.remove(gone);
            }
            let mut own = found.clone();
            let own_dist = own.as_object_mut().expect("an object").remove("dist");
            assert_eq!(&own, &Value::Object(rest.clone()));
            assert_eq!(own_dist.is_some(), dist.is_some());
            let (Some(own), Some(dist)) = (own_dist, dist) else {
                continue;
            };
            let url = own["url"].as_str().expect("an address");
            let version = expected["version"].as_str().expect("a version");
            let begin = format!("https://r.example/npm/main/dist/acme/demo/{version}/");
            assert!(url.starts_with(&begin), "{url}");
            assert_eq!(own["reference"], dist["reference"]);
            assert_eq!(own["shasum"], dist["shasum"]);
        }
        assert_eq!(
            rendered["security-advisories"],
            json!([{"advisoryId": "X-1"}])
        );
    }
    let bytes = render(&Composer, &releases(), METADATA, EXPANDED.as_bytes()).expect("rendered");
    assert!(bytes.len() < EXPANDED.len(), "it is shortened");
}

fn version(name: &str, version: &str) -> Value {
    json!({"name": name, "version": version, "dist": {
        "type": "zip", "url": format!("https://up.example/{version}.zip"), "reference": "r", "shasum": ""}})
}

fn body(versions: &[Value]) -> String {
    json!({"packages": {"acme/demo": versions}}).to_string()
}

#[test]
fn versions_of_other_packages_are_passed_over() {
    let text = body(&[
        version("acme/demo", "1.0"),
        version("Acme/Demo", "1.1"),
        version("private/lib", "9.0"),
        json!({"version": "2.0"}),
        json!({"name": "acme/demo"}),
    ]);
    let read = Metadata::read("acme/demo", text.as_bytes()).expect("metadata");
    assert_eq!((read.versions.len(), read.passed_over), (2, 3));
    let rendered = rendered(&releases(), &text).to_string();
    assert!(!rendered.contains("private/lib"), "{rendered}");
}

#[test]
fn what_cannot_be_had_here_is_left_out() {
    let text = body(&[
        version("acme/demo", "3.0"),
        json!({"name": "acme/demo", "version": "2.0", "source": {"type": "git", "url": "x", "reference": "y"}}),
        json!({"name": "acme/demo", "version": "1.9", "dist": {"type": "path", "url": "../x"}}),
        json!({"name": "acme/demo", "version": "1.8", "type": "metapackage"}),
        version("acme/demo", "1.0"),
    ]);
    let found = expanded(&rendered(&releases(), &text));
    let versions: Vec<&str> = found
        .iter()
        .map(|entry| entry["version"].as_str().expect("a version"))
        .collect();
    assert_eq!(versions, ["3.0", "1.8", "1.0"]);
    assert!(found[1].get("dist").is_none() && found[2].get("dist").is_some());
    assert!(found.iter().all(|entry| entry.get("source").is_none()));
}

#[test]
fn the_document_of_branches_has_branches_alone() {
    let text = body(&[version("acme/demo", "dev-a/b"), version("acme/demo", "1.0")]);
    let found = expanded(&rendered(&document_of("acme/demo", true), &text));
    assert_eq!(found.len(), 1);
    let url = found[0]["dist"]["url"].as_str().expect("an address");
    assert_eq!(
        url,
        "https://r.example/npm/main/dist/acme/demo/dev-a~b/r.zip"
    );
}

#[test]
fn other_documents_are_refused() {
    for body in [
        "<html>",
        "[]",
        "{}",
        r#"{"packages":["acme/demo"]}"#,
        r#"{"packages":{"acme/other":[]}}"#,
        r#"{"packages":{"acme/demo":[]},"minified":"composer/3.0"}"#,
        r#"{"packages":{"acme/demo":["1.0"]}}"#,
        r#"{"packages":{"acme/demo":[{"name":"acme/demo","version":"1","dist":{"url":"a","url":"b"}}]}}"#,
        r#"{"packages":{"acme/demo":[{"version":"1","version":"2"}]}}"#,
    ] {
        assert!(
            Metadata::read("acme/demo", body.as_bytes()).is_err(),
            "{body}"
        );
    }
    let empty = Metadata::read("acme/demo", br#"{"packages":{"acme/demo":[]}}"#);
    assert!(empty.expect("metadata").versions.is_empty());
    for nothing in [
        r#"{"packages":[]}"#,
        r#"{"packages":{},"minified":"composer/2.0"}"#,
        r#"{"packages":[],"security-advisories":[]}"#,
    ] {
        let absent = Metadata::read("acme/demo", nothing.as_bytes()).err();
        assert_eq!(absent.expect(nothing).kind, Kind::NotFound);
    }
    for advised in [
        r#"{"packages":[],"security-advisories":[{"advisoryId":"1"}]}"#,
        r#"{"security-advisories":[{"advisoryId":"1"}]}"#,
    ] {
        let read = Metadata::read("acme/demo", advised.as_bytes()).expect(advised);
        assert!(read.versions.is_empty() && read.advisories.is_some());
    }
}

#[test]
fn versions_that_stand_in_another_document_are_split() {
    let listed =
        json!({"1.0": version("acme/demo", "1.0"), "dev-main": version("acme/demo", "dev-main")});
    let text = listed.to_string();
    let list: &RawValue = serde_json::from_str(&text).expect("JSON");
    for (branches, expected) in [(false, "1.0"), (true, "dev-main")] {
        let body = extract("acme/demo", &[list], branches)
            .expect("read")
            .expect("some");
        let read = Metadata::read("acme/demo", &body).expect("metadata");
        let versions: Vec<_> = read.versions.iter().filter_map(Entry::version).collect();
        assert_eq!(versions, [expected]);
    }
    assert!(
        extract("acme/other", &[list], false)
            .expect("read")
            .is_none()
    );
}

#[test]
fn sources_lead_to_where_this_server_mirrors_them() {
    let source = |host: &str, reference: &str| {
        let url = format!("https://{host}/acme/demo.git");
        json!({"type": "git", "url": url, "reference": reference})
    };
    let dist = json!({"type": "zip", "url": "https://code.example/z.zip", "reference": "c0ffee"});
    let of = |version: &str, source: Value, dist: Option<&Value>| {
        let mut entry = json!({"name": "acme/demo", "version": version, "source": source});
        if let Some(dist) = dist {
            entry["dist"] = dist.clone();
        }
        entry
    };
    let body = json!({"packages": {"acme/demo": [
        of("5.0.0", source("code.example", "aaaa"), Some(&dist)),
        of("4.0.0", source("elsewhere.example", "bbbb"), Some(&dist)),
        of("3.0.0", source("code.example", "cccc"), None),
        of("2.0.0", source("elsewhere.example", "dddd"), None),
        of("1.0.0", source("code.example", "--upload-pack=x"), None),
        of("0.9.0", json!({"type": "hg", "url": "https://code.example/acme/demo", "reference": "e"}), None),
    ]}});
    let render = |leads: &[Lead]| {
        let request = RenderRequest {
            document: &releases(),
            representation: METADATA,
            part: None,
            repo_path: REPO_URL.path,
            place_bytes: REPO_URL.origin.len() + 1,
            leads,
        };
        let bytes = Composer.render(&request, body.to_string().as_bytes());
        let bytes = at_repo_url(bytes.expect("rendered"));
        expanded(&serde_json::from_slice(&bytes).expect("JSON"))
    };
    let told = |versions: &[Value]| -> Vec<(String, Value)> {
        let each = versions.iter();
        let each = each.map(|it| {
            (
                it["version"].as_str().expect("text").to_owned(),
                it["source"].clone(),
            )
        });
        each.collect()
    };
    let lead = Lead {
        upstream: "https://code.example/".to_owned(),
        path: "/git/code".to_owned(),
    };
    let ours = |reference: &str| {
        let url = format!("{}/git/code/acme/demo.git", REPO_URL.origin);
        json!({"type": "git", "url": url, "reference": reference})
    };
    let rendered = render(&[lead]);
    let expected = [
        ("5.0.0".to_owned(), ours("aaaa")),
        ("4.0.0".to_owned(), Value::Null),
        ("3.0.0".to_owned(), ours("cccc")),
    ];
    assert_eq!(told(&rendered), expected);
    assert_eq!(rendered[2]["dist"], Value::Null);
    let without = ["5.0.0", "4.0.0"].map(|version| (version.to_owned(), Value::Null));
    assert_eq!(told(&render(&[])), without);
}
