//! Searches, of what is published here and of what upstreams find.

use super::*;
use crate::publishing::{Elsewhere, Hit};

fn search(query: &str) -> Document {
    let headers = HeaderMap::new();
    let line = RepoRequest::new(&Method::GET, "/-/v1/search", query, &headers).expect("a line");
    match Npm.parse(&line).expect("a search") {
        crate::ReadRequest::Document(document, _) => document,
        other => panic!("{other:?}"),
    }
}

fn listed(query: &str, hits: &[Hit], answers: &[Elsewhere]) -> Value {
    let reply = Npm
        .listed(&search(query), hits, answers)
        .expect("an answer");
    serde_json::from_slice(&reply.body).expect("JSON")
}

fn names(answer: &Value) -> Vec<&str> {
    let objects = answer["objects"].as_array().expect("objects");
    objects
        .iter()
        .map(|object| object["package"]["name"].as_str().expect("name"))
        .collect()
}

fn hit(name: &str) -> Hit {
    let mut repo = Repo::default();
    for version in ["1.0.0", "0.9.0"] {
        let manifest = json!({"name": name, "version": version, "description": "made \"up\"", "keywords": ["a", "b"],
            "homepage": "https://home.example"});
        let mut sent = Sent::packed(&manifest, &manifest);
        sent.tag = if version == "1.0.0" { "latest" } else { "old" };
        repo.request(
            &Method::PUT,
            &format!("/{}", name.replace('/', "%2f")),
            &sent.body(),
        )
        .expect("published");
    }
    Hit {
        package: name.into(),
        files: repo.files,
    }
}

#[test]
fn words_are_sought_one_by_one() {
    let words = |query: &str| Npm.search(&search(query));
    assert_eq!(
        words("text=Left+PAD%20%20x&size=5"),
        Some(vec!["left".into(), "pad".into(), "x".into()])
    );
    assert_eq!(
        words("text=%40acme%2Fprobe"),
        Some(vec!["@acme/probe".into()])
    );
    assert_eq!(words(""), Some(Vec::new()));
    assert_eq!(Npm.search(&Document::new("left-pad", PACKUMENT)), None);
    assert_eq!(
        *Npm.further(&search("text=a&size=5&from=7"), 3).path,
        *"search/5/4/a"
    );
    assert_eq!(
        *Npm.further(&search("text=a&size=5&from=0"), 3).path,
        *"search/5/0/a"
    );
}

#[test]
fn a_package_here_is_told_by_its_latest_version() {
    let answer = listed("text=widget", &[hit("@acme/widget")], &[]);
    let package = &answer["objects"][0]["package"];
    assert_eq!(
        (&answer["total"], &package["version"]),
        (&json!(1), &json!("1.0.0"))
    );
    assert_eq!(
        (&package["description"], &package["scope"]),
        (&json!("made \"up\""), &json!("acme"))
    );
    assert_eq!(package["keywords"], json!(["a", "b"]));
    assert_eq!(
        package["links"],
        json!({"homepage": "https://home.example"})
    );
    let alice = json!({"username": "alice", "email": ""});
    assert_eq!(
        (&package["publisher"], &package["maintainers"]),
        (&alice, &json!([alice]))
    );
    let gone = Hit {
        package: "gone".into(),
        files: Vec::new(),
    };
    assert_eq!(listed("text=gone", &[gone], &[])["objects"], json!([]));
}

#[test]
fn what_upstreams_find_follows_but_for_names_that_are_taken() {
    let body = json!({"objects": [
        {"package": {"name": "widget", "version": "9.0.0"}, "score": {"final": 0.5}},
        {"package": {"name": "widget-x", "version": "2.0.0"}},
        {"package": {"name": "widget-y", "version": "3.0.0"}},
    ], "total": 12, "time": "x"});
    let body = bytes::Bytes::from(body.to_string());
    assert_eq!(
        Npm.named(&body).expect("names"),
        ["widget".into(), "widget-x".into(), "widget-y".into()]
    );
    let elsewhere = |taken: &[&str]| Elsewhere {
        body: body.clone(),
        taken: taken.iter().map(|name| (*name).into()).collect(),
    };
    let hits = [hit("widget"), hit("widgets")];
    let answer = listed("text=widget", &hits, &[elsewhere(&["widget"])]);
    assert_eq!(
        names(&answer),
        ["widget", "widgets", "widget-x", "widget-y"]
    );
    assert_eq!(
        (
            &answer["total"],
            &answer["objects"][0]["package"]["version"]
        ),
        (&json!(13), &json!("1.0.0"))
    );
    let answer = listed(
        "text=widget&size=2&from=1",
        &hits,
        &[elsewhere(&["widget"])],
    );
    assert_eq!(names(&answer), ["widgets", "widget-x"]);
    let answer = listed("text=widget", &[], &[elsewhere(&[]), elsewhere(&[])]);
    assert_eq!(
        names(&answer),
        ["widget", "widget-x", "widget-y"],
        "each once"
    );
    for bad in ["{}", "[]", r#"{"objects":[{}]}"#] {
        assert!(Npm.named(bad.as_bytes()).is_err(), "{bad}");
    }
}
