use super::*;
use crate::composer::Composer;
use crate::composer::testing::{after, package, publish};
use crate::testing::search as searched;
use serde_json::Value;

fn hit(search: &SearchRequest, name: &str, kind: &str) -> Option<Hit> {
    let manifest = json!({"name": name, "version": "1.0", "type": kind, "description": "Own"});
    let steps = publish("", &package(&manifest), &[]).expect("steps");
    let hit = Hit::of(&PackageSearch, search, name, &after(Vec::new(), steps, 1));
    hit.expect("a package that can be read")
}

fn upstream(body: &Value, hidden: &[&str]) -> UpstreamResults {
    UpstreamResults {
        body: body.to_string().into(),
        hidden: hidden.iter().map(|name| (*name).into()).collect(),
    }
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).expect("JSON")
}

fn root_body(root: &Value) -> Vec<Option<Bytes>> {
    vec![Some(Bytes::from(root.to_string()))]
}

#[test]
fn own_packages_come_first_and_hide_others() {
    let search = searched(&Composer, "/search.json?q=demo");
    let others = json!({"results": [
        {"name": "acme/demo", "description": "theirs"},
        {"name": "other/demo", "description": "theirs", "downloads": 3}], "total": 2});
    let hits = Vec::from_iter(hit(&search, "acme/demo", "library"));
    let reply = PackageSearch.reply(&search, &hits, &[upstream(&others, &["acme/demo"])]);
    let found = body(&reply.expect("a reply"));
    let names: Vec<&Value> = found["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["acme/demo", "other/demo"]);
    assert_eq!(
        (&found["total"], &found["results"][0]["description"]),
        (&json!(2), &json!("Own"))
    );
    assert_eq!(found["results"][1]["downloads"], 3);
    // Of another type it is not found.
    let search = searched(&Composer, "/search.json?q=demo&type=project");
    assert_eq!(hit(&search, "acme/demo", "library"), None);
    assert!(hit(&search, "acme/demo", "project").is_some());
}

#[test]
fn names_are_listed_as_filtered() {
    let list = searched(&Composer, "/list.json?filter=acme/*");
    let hits = ["acme/demo", "x/acme"];
    let hits = hits
        .into_iter()
        .filter_map(|name| hit(&list, name, "library"));
    let hits: Vec<Hit> = hits.collect();
    let others = json!({"packageNames": ["acme/a", "acme/hidden", "Acme/B"]});
    let reply = PackageSearch.reply(&list, &hits, &[upstream(&others, &["acme/hidden"])]);
    let names = json!({"packageNames": ["acme/a", "acme/b", "acme/demo"]});
    assert_eq!(body(&reply.expect("a reply")), names);
    assert_eq!(PackageSearch.terms(&list), ["acme/"]);
}

#[test]
fn an_upstream_is_asked_where_it_says() {
    let root = json!({"metadata-url": "/p2", "search": "/search.json?q=%query%&type=%type%", "list": "/l.json"});
    let url = |path: &str| {
        let search = searched(&Composer, path);
        match PackageSearch
            .source(&search, &root_body(&root))
            .expect("a source")
        {
            Source::At { url, .. } => url,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        url("/search.json?q=a+b%26c&type=x"),
        "/search.json?q=a%20b%26c&type=x"
    );
    assert_eq!(url("/list.json"), "/l.json");
    assert_eq!(url("/list.json?filter=acme/*"), "/l.json?filter=acme%2F*");
}

#[test]
fn an_upstream_without_a_search_is_searched_by_names() {
    let root = json!({"packages": {"acme/demo": [], "acme/log": [], "x/demo": []}});
    let found = |path: &str| {
        let search = searched(&Composer, path);
        match PackageSearch
            .source(&search, &root_body(&root))
            .expect("a source")
        {
            Source::Here(body) => {
                let names = PackageSearch.packages_in(&body).expect("names");
                names.iter().map(ToString::to_string).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(found("/search.json?q=demo"), ["acme/demo", "x/demo"]);
    assert_eq!(found("/list.json?vendor=acme"), ["acme/demo", "acme/log"]);
    assert_eq!(found("/list.json").len(), 3);
}

#[test]
fn other_answers_are_refused() {
    for answer in [
        "<html>",
        "[]",
        r#"{"results":[{}]}"#,
        r#"{"packageNames":[1]}"#,
    ] {
        assert!(
            PackageSearch.packages_in(answer.as_bytes()).is_err(),
            "{answer}"
        );
    }
}
