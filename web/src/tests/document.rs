//! The OpenAPI document and its page: what they hold, and that everyone may read them.

use super::describe::{JSON, resolved};
use super::{basic, house};
use crate::openapi::operations;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method};
use larder_model::{Algorithm, Digest};
use serde_json::Value;
use std::collections::BTreeSet;

/// Everything that the document refers to.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(at) = value["$ref"].as_str() {
                found.insert(at.to_owned());
            }
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Fails where a keyword has no value.
fn require_values(value: &Value, at: &str) {
    assert!(!value.is_null(), "{at} has no value");
    for (name, field) in value.as_object().into_iter().flatten() {
        require_values(field, &format!("{at}/{name}"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        require_values(item, &format!("{at}/{index}"));
    }
}

#[test]
fn the_document_is_whole() {
    assert_eq!(JSON["openapi"], "3.1.0");
    require_values(&JSON, "");
    let mut found = BTreeSet::new();
    references(&JSON, &mut found);
    for at in &found {
        let at = at
            .strip_prefix('#')
            .expect("a reference within the document");
        assert!(
            JSON.pointer(at).is_some(),
            "{at} is referred to and not there"
        );
    }
    for (name, _) in JSON["components"]["schemas"].as_object().expect("schemas") {
        assert!(
            found.contains(&format!("#/components/schemas/{name}")),
            "nothing is made of {name}"
        );
    }
    for (name, scheme) in [("basic", "basic"), ("token", "bearer")] {
        let declared = &JSON["components"]["securitySchemes"][name];
        assert_eq!(
            (&declared["type"], &declared["scheme"]),
            (&"http".into(), &scheme.into())
        );
    }
    let cookie = &JSON["components"]["securitySchemes"]["session"];
    assert_eq!(
        (&cookie["type"], &cookie["in"]),
        (&"apiKey".into(), &"cookie".into())
    );
}

#[test]
fn every_call_is_told_in_full() {
    let mut ids = BTreeSet::new();
    let tags: Vec<&Value> = JSON["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    for (path, method, operation) in operations(&JSON) {
        let told = format!("{method} {path}");
        assert!(
            ids.insert(operation["operationId"].as_str().expect(&told)),
            "{told}"
        );
        assert!(
            operation["summary"].is_string() && operation["description"].is_string(),
            "{told}"
        );
        assert!(
            tags.contains(&&operation["tags"][0]),
            "{told} has no known tag"
        );
        assert!(operation["x-right"].is_string(), "{told} names no right");
        assert!(operation["security"].is_array(), "{told}");
        assert!(operation["x-codes"].is_null(), "{told}");
        // Every parameter of the path is described, and no other.
        let wanted: BTreeSet<&str> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let in_path = parameters
            .clone()
            .filter(|parameter| parameter["in"] == "path");
        let described: BTreeSet<&str> = in_path
            .map(|parameter| parameter["name"].as_str().expect("name"))
            .collect();
        assert_eq!(described, wanted, "{told}");
        for parameter in parameters {
            assert!(
                parameter["description"].is_string() && parameter["schema"].is_object(),
                "{told}: {parameter}"
            );
        }
        let answers = operation["responses"].as_object().expect("answers");
        let good = answers
            .keys()
            .filter(|status| status.starts_with('2'))
            .count();
        assert_eq!(good, 1, "{told}");
        for status in ["400", "429", "431", "500"] {
            assert!(answers.contains_key(status), "{told} may answer {status}");
        }
        let open = operation["x-right"] == "open";
        // Who signs in shows a password in the body.
        let signs_in = operation["operationId"] == "create_session";
        assert_eq!(answers.contains_key("401"), !open || signs_in, "{told}");
        let has_body = match operation["operationId"].as_str() {
            Some("cancel_job" | "restore_trash") => false, // there is nothing more to say
            Some("put_schedule" | "put_retention" | "publish_file") => true,
            _ => matches!(method, Method::POST | Method::PATCH),
        };
        assert_eq!(
            operation["requestBody"]["required"] == true,
            has_body,
            "{told}"
        );
        assert_eq!(answers.contains_key("413"), has_body, "{told}");
    }
}

#[test]
fn bodies_have_no_other_fields() {
    let mut seen = 0;
    for (path, method, operation) in operations(&JSON) {
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !body.is_null() {
            seen += 1;
            assert_eq!(
                resolved(body)["additionalProperties"],
                false,
                "{method} {path}"
            );
        }
    }
    assert!(seen >= 9, "{seen}");
}

#[tokio::test]
async fn everyone_may_read_it_whatever_they_show() {
    let house = house().await;
    for who in [
        String::new(),
        basic("admin", "wrong"),
        "Bearer nonsense".to_owned(),
        "?".to_owned(),
    ] {
        for target in ["/openapi.json", "/", ""] {
            let answer = house.pass(&who, "GET", target, "").await;
            assert_eq!(answer.status, 200, "{who} {target}");
        }
        assert_eq!(
            house.pass(&who, "GET", "/openapi.jso%6E", "").await.status,
            200
        );
    }
    let answer = house
        .pass(&String::new(), "HEAD", "/openapi.json", "")
        .await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert!(
        answer
            .header("content-length")
            .parse::<usize>()
            .expect("length")
            > 10_000
    );
    let wrong = house
        .pass(&basic("admin", "wrong"), "GET", "/whoami", "")
        .await;
    assert_eq!(wrong.status, 401, "nothing else is open");
}

#[tokio::test]
async fn the_page_runs_nothing_and_fetches_nothing() {
    let house = house().await;
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static("text/html"));
    let page = house.send(headers, "GET", "/api/v1/", String::new()).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy").to_owned();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    for part in [
        "form-action 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    for bad in ["unsafe", "*", "script-src", "http"] {
        assert!(!policy.contains(bad), "{policy}");
    }
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let html = String::from_utf8(page.body.to_vec()).expect("text");
    let (_, style) = html.split_once("<style>").expect("style");
    let (style, _) = style.split_once("</style>").expect("style");
    let hash = Digest::of(Algorithm::Sha256, style.as_bytes());
    assert!(
        policy.contains(&STANDARD.encode(hash.bytes())),
        "the style sheet is let in"
    );
    for bad in [
        "<script",
        "src=",
        "javascript:",
        "@import",
        "url(",
        " style=",
        "onclick",
    ] {
        assert!(!html.contains(bad), "the page holds {bad}");
    }
    let links = html
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    for link in links {
        let id = link.strip_prefix('#');
        let there = id.is_some_and(|id| html.contains(&format!("id=\"{id}\"")));
        assert!(
            there || link == "/api/v1/openapi.json",
            "the page links to {link}"
        );
    }
    // Every call stands in it, with its right.
    for (path, method, operation) in operations(&JSON) {
        let id = operation["operationId"].as_str().expect("id");
        let (_, rest) = html.split_once(&format!("id=\"call-{id}\"")).expect(id);
        let call = rest.split("</details>").next().expect("end");
        assert!(
            call.contains(method.as_str()) && call.contains(path.as_str()),
            "{id}"
        );
        let description = operation["description"].as_str().expect("description");
        let right = description.lines().last().expect("right");
        assert!(call.contains(right), "{id}: {right}");
    }
}
