use super::*;
use serde_json::{Value, json};

fn tags() -> Document {
    Document::new("team/app", TAGS_PATH)
}

fn referrers() -> Document {
    Document::new("team/app", format!("{REFERRERS_PATH}sha256:00?"))
}

fn request(document: &Document, query: &str) -> ListRequest {
    let read = ListRequest::read(document, query).expect(query);
    read.expect("a list")
}

fn json_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

fn bytes(value: &Value) -> Bytes {
    value.to_string().into()
}

fn referrer(digest: &str, artifact_type: Option<&str>) -> Value {
    let mut referrer = json!({"digest": digest, "size": 1, "x": {"kept": [1.50]}});
    if let Some(artifact_type) = artifact_type {
        referrer["artifactType"] = artifact_type.into();
    }
    referrer
}

#[test]
fn pages_of_tags_become_one_list() {
    let pages = [
        json!({"name": "other", "tags": ["v10", "v2"]}),
        json!({"name": "other", "tags": null}),
        json!({"tags": ["latest", "v2"]}),
    ];
    let joined = Lists.join(&tags(), &pages.map(|page| bytes(&page)));
    assert_eq!(
        json_of(&joined.expect("joined")),
        json!({"name": "team/app", "tags": ["latest", "v10", "v2"]})
    );
    for bad in ["[]", "<html>", "{}", "{\"tags\":1}", "{\"tags\":[1]}"] {
        assert!(Lists.join(&tags(), &[bad.into()]).is_err(), "{bad}");
    }
}

#[test]
fn tags_are_given_as_many_as_are_wanted_after_the_last() {
    let list = bytes(&json!({"name": "team/app", "tags": ["a", "b+", "c", "d"]}));
    for (query, right, next) in [
        ("", json!(["a", "b+", "c", "d"]), None),
        ("n=2", json!(["a", "b+"]), Some("n=2&last=b%2B")),
        ("n=2&last=b%2B", json!(["c", "d"]), None),
        ("last=b", json!(["b+", "c", "d"]), None),
        ("n=1&last=bb", json!(["c"]), Some("n=1&last=c")),
        ("n=4", json!(["a", "b+", "c", "d"]), None),
        ("n=0", json!([]), None),
        ("last=z", json!([]), None),
    ] {
        let page = request(&tags(), query).page(&tags(), &list, "up/team/app");
        let page = page.expect(query);
        let body = json!({"name": "up/team/app", "tags": right});
        assert_eq!(json_of(&page.body), body, "{query}");
        assert_eq!(page.next.as_deref(), next, "{query}");
    }
    for bad in ["n=x", "n=-1", "n=1.5"] {
        assert!(ListRequest::read(&tags(), bad).is_err(), "{bad}");
    }
}

#[test]
fn referrers_are_all_given_and_told_apart_by_type() {
    let (one, two, three) = (
        referrer("sha256:1", Some("a/x+json")),
        referrer("sha256:2", None),
        referrer("sha256:3", Some("a/y")),
    );
    let pages = [
        json!({"schemaVersion": 2, "manifests": [three, one]}),
        json!({"schemaVersion": 2, "manifests": [two, one]}),
    ];
    let joined = Lists.join(&referrers(), &pages.map(|page| bytes(&page)));
    let joined = joined.expect("joined");
    let index = |manifests: &[&Value]| json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    assert_eq!(json_of(&joined), index(&[&one, &two, &three]));
    for (query, right, is_filtered) in [
        ("", vec![&one, &two, &three], false),
        ("artifactType=", vec![&one, &two, &three], false),
        ("artifactType=a/x%2Bjson", vec![&one], true),
        ("artifactType=a/x+json", vec![&one], true),
        ("artifactType=a/z", vec![], true),
        ("last=sha256:1", vec![&two, &three], false),
        ("last=sha256%3A1&artifactType=a%2Fy", vec![&three], true),
    ] {
        let page = request(&referrers(), query).page(&referrers(), &joined, "");
        let page = page.expect(query);
        assert_eq!(json_of(&page.body), index(&right), "{query}");
        assert_eq!(
            (page.next, page.is_filtered),
            (None, is_filtered),
            "{query}"
        );
    }
}

#[test]
fn what_is_no_list_of_referrers_is_not_taken_for_none() {
    let none = r#"{"schemaVersion":2,"manifests":null}"#;
    assert!(Lists.join(&referrers(), &[none.into()]).is_ok());
    for bad in [
        "{}",
        r#"{"schemaVersion":2}"#,
        r#"{"schemaVersion":1,"manifests":[]}"#,
        r#"{"errors":[]}"#,
        r#"{"schemaVersion":2,"manifests":[{"size":1}]}"#,
    ] {
        assert!(Lists.join(&referrers(), &[bad.into()]).is_err(), "{bad}");
    }
}

#[test]
fn many_referrers_come_in_pages() {
    let large = "x".repeat(PAGE_BYTES / 2 - 100);
    let all: Vec<Value> = (0..5)
        .map(|at| json!({"digest": format!("sha256:{at}"), "artifactType": "a/b", "x": large}))
        .collect();
    let list = bytes(&json!({"schemaVersion": 2, "manifests": all}));
    let (mut seen, mut query) = (Vec::new(), "artifactType=a/b".to_owned());
    loop {
        let page = request(&referrers(), &query).page(&referrers(), &list, "");
        let page = page.expect("page");
        assert!(page.body.len() < PAGE_BYTES + 200);
        let more = json_of(&page.body)["manifests"].take();
        seen.extend(more.as_array().expect("manifests").iter().cloned());
        let Some(next) = page.next else { break };
        assert!(
            next.starts_with("artifactType=a%2Fb&last=")
                || next.starts_with("artifactType=a/b&last="),
            "{next}"
        );
        query = next;
    }
    assert_eq!(seen, all);
}
