//! Searches, of what is published here and of what upstreams find.

use super::*;
use crate::Search;
use crate::search::{Hit, SearchRequest, UpstreamResults};
use crate::testing;

fn search(query: &str) -> SearchRequest {
    testing::search(&Npm, &format!("/-/v1/search?{query}"))
}

fn searches() -> &'static dyn Search {
    Npm.search().expect("searches")
}

fn reply(query: &str, hits: &[Hit], answers: &[UpstreamResults]) -> Value {
    let reply = searches().reply(&search(query), hits, answers);
    serde_json::from_slice(&reply.expect("an answer").body).expect("JSON")
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
        let manifest = json!({"name": name, "version": version, "description": "made \"up\"",
            "keywords": ["a", "b"], "homepage": "https://home.example"});
        let mut sent = Sent::packed(&manifest, &manifest);
        sent.tag = if version == "1.0.0" { "latest" } else { "old" };
        repo.request(
            &Method::PUT,
            &format!("/{}", name.replace('/', "%2f")),
            &sent.body(),
        )
        .expect("published");
    }
    let hit = Hit::of(searches(), &search("text=widget"), name, &repo.files);
    hit.expect("a package that can be read").expect("a version")
}

#[test]
fn terms_are_searched_one_by_one() {
    let terms = |query: &str| searches().terms(&search(query));
    assert_eq!(terms("text=Left+PAD%20%20x&size=5"), ["left", "pad", "x"]);
    assert_eq!(terms("text=%40acme%2Fprobe"), ["@acme/probe"]);
    assert!(terms("").is_empty());
    assert_eq!(search("text=a&size=5&from=7").after(3).from, 4);
    assert_eq!(search("text=a&size=5&from=0").after(3).from, 0);
}

#[test]
fn a_package_here_is_listed_with_its_latest_version() {
    let answer = reply("text=widget", &[hit("@acme/widget")], &[]);
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
    let gone = searches().result(&search("text=gone"), "gone", &[]);
    assert_eq!(gone.expect("nothing to read"), None);
}

#[test]
fn results_of_upstreams_follow_without_published_names() {
    let body = json!({"objects": [
        {"package": {"name": "widget", "version": "9.0.0"}, "score": {"final": 0.5}},
        {"package": {"name": "widget-x", "version": "2.0.0"}},
        {"package": {"name": "widget-y", "version": "3.0.0"}},
    ], "total": 12, "time": "x"});
    let body = bytes::Bytes::from(body.to_string());
    assert_eq!(
        searches().packages_in(&body).expect("names"),
        ["widget".into(), "widget-x".into(), "widget-y".into()]
    );
    let results = |hidden: &[&str]| UpstreamResults {
        body: body.clone(),
        hidden: hidden.iter().map(|name| (*name).into()).collect(),
    };
    let hits = [hit("widget"), hit("widgets")];
    let answer = reply("text=widget", &hits, &[results(&["widget"])]);
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
    let answer = reply("text=widget&size=2&from=1", &hits, &[results(&["widget"])]);
    assert_eq!(names(&answer), ["widgets", "widget-x"]);
    let answer = reply("text=widget", &[], &[results(&[]), results(&[])]);
    assert_eq!(
        names(&answer),
        ["widget", "widget-x", "widget-y"],
        "each once"
    );
    for bad in ["{}", "[]", r#"{"objects":[{}]}"#] {
        assert!(searches().packages_in(bad.as_bytes()).is_err(), "{bad}");
    }
}
