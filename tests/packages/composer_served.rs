//! What is published for Composer: in whose name, in which spellings, and what becomes of it.

use crate::confusion::with_upstream;
use crate::larder;
use larder_tests::archive::php_package;
use larder_tests::shelf::sha1_of;
use larder_tests::{Client, Larder, Response};
use serde_json::{Value, json};

const RELEASES: &str = "/composer/main/p2/acme/demo.json";
const BRANCHES: &str = "/composer/main/p2/acme/demo~dev.json";

fn upload(client: &Client, query: &str, body: &[u8]) -> Response {
    client.send("PUT", &format!("/composer/main/upload{query}"), &[], body)
}

/// A package of this word.
fn demo(version: &str, word: &str) -> Vec<u8> {
    php_package("acme/demo", version, word, &json!({}))
}

/// The versions in a document, with the paths of their archives.
fn seen(larder: &Larder, path: &str) -> Vec<(String, String)> {
    let body = larder.admin().get(path).expect(200).json();
    let list = body["packages"]["acme/demo"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let one = |entry: &Value| {
        let url = text(&entry["dist"]["url"]);
        let path = url
            .strip_prefix(larder.url())
            .expect("an address here")
            .to_owned();
        (text(&entry["version"]), path)
    };
    list.iter().map(one).collect()
}

fn names(larder: &Larder, path: &str) -> Vec<String> {
    seen(larder, path)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn a_published_package_hides_the_worlds_in_every_spelling() {
    let larder = larder();
    let (upstream, shelf) = with_upstream(&larder, "composer");
    let theirs = json!({"packages": {"acme/demo": [{"name": "acme/demo", "version": "dev-main",
        "dist": {"type": "zip", "url": "https://up.example/x.zip", "reference": "r"}}]}});
    upstream.put("/composer/p2/acme/demo~dev.json", theirs.to_string());
    larder.admin().get(RELEASES).expect(200);
    larder.admin().get(BRANCHES).expect(200);
    upload(&larder.admin(), "", &demo("1.0.0", "ours")).expect(201);
    upstream.take_asked();
    for path in [RELEASES, "/composer/main/p2/ACME/Demo.json"] {
        assert_eq!(names(&larder, path), ["1.0.0"]);
    }
    for path in [BRANCHES, "/composer/main/p2/Acme/demo~dev.json"] {
        larder.admin().get(path).expect(404);
    }
    let theirs = shelf.artifact_here("9.0.0").replacen("/up/", "/main/", 1);
    larder.admin().get(&theirs).expect(404);
    assert_eq!(upstream.total(), 0, "{:?}", upstream.take_asked());
    // In its searches and lists it is ours alone, and advisories are asked for without it.
    let found = json!({"results": [{"name": "acme/demo", "description": "theirs"}], "total": 1});
    let root = json!({"metadata-url": "/composer/p2/%package%.json", "search": "/composer/s?q=%query%",
        "list": "/composer/l.json", "security-advisories": {"api-url": "/composer/a"}});
    upstream.put("/composer/packages.json", root.to_string());
    upstream.put("/composer/s?q=demo", found.to_string());
    upstream.put(
        "/composer/l.json",
        json!({"packageNames": ["acme/demo", "b/c"]}).to_string(),
    );
    upstream.put("/composer/a", json!({"advisories": {}}).to_string());
    // The root is a document like any other: asked for again when somebody says so.
    larder.api(
        "PATCH",
        "repositories/composer/upstream",
        r#"{"fresh_seconds":0}"#,
        200,
    );
    let told = larder
        .admin()
        .get("/composer/main/search.json?q=demo")
        .expect(200)
        .json();
    assert_eq!(
        (&told["total"], &told["results"][0]["description"]),
        (&json!(1), &json!("A probe"))
    );
    let told = larder
        .admin()
        .get("/composer/main/list.json")
        .expect(200)
        .json();
    assert_eq!(told, json!({"packageNames": ["acme/demo", "b/c"]}));
    upstream.take_asked();
    let form = b"packages[]=acme/demo&packages[]=b/c";
    let path = "/composer/main/api/security-advisories";
    larder.admin().send("POST", path, &[], form).expect(200);
    let asked = upstream.take_asked();
    let asked = asked
        .iter()
        .find(|asked| asked.path == "/composer/a")
        .expect("a question");
    assert_eq!(asked.body, b"packages%5B0%5D=b%2Fc");
    // Deleted, its name stays taken.
    larder.api(
        "DELETE",
        "repositories/composer/local/packages/acme%2Fdemo",
        "",
        204,
    );
    larder.admin().get(RELEASES).expect(404);
    upload(&larder.admin(), "", &demo("1.0.0", "ours")).expect(409);
}

#[test]
fn what_is_published_is_what_clients_get() {
    let larder = larder();
    let body = demo("v1.0.0", "ours");
    upload(&larder.admin(), "", &body).expect(201);
    upload(&larder.admin(), "?version=1.0.0", &body).expect(201);
    let (version, path) = seen(&larder, RELEASES).remove(0);
    assert_eq!(version, "v1.0.0");
    assert_eq!(
        path,
        format!(
            "/composer/main/dist/acme/demo/v1.0.0/{}.zip",
            sha1_of(&body)
        )
    );
    let got = larder.admin().get(&path).expect(200);
    assert!(got.body == body);
    assert_eq!(got.header("content-type"), Some("application/zip"));
    let part = larder
        .admin()
        .send("GET", &path, &[("range", "bytes=0-3")], b"");
    assert_eq!((part.status, &*part.body), (206, &body[..4]));
    // Nobody replaces it.
    for (query, other) in [("", demo("v1.0.0", "other")), ("", demo("1.0", "other"))] {
        let told = upload(&larder.admin(), query, &other).expect(409).json();
        let text = told["warning"].as_str().expect("a warning");
        assert!(text.contains("published with other bytes"), "{text}");
    }
    for (query, body, why) in [
        ("?version=2.0", body.clone(), "the request 2.0"),
        ("?version=x", body.clone(), "is no version"),
        ("", b"no zip file".to_vec(), "not a zip file"),
        (
            "",
            php_package("Acme/Demo", "1.0", "x", &json!({})),
            "cannot be the name",
        ),
        (
            "",
            php_package("acme/demo", "1.0", "x", &json!({"require": 7})),
            "require is not",
        ),
        (
            "",
            php_package("acme/demo", "1.0", "x", &json!({"version": null})),
            "has no version",
        ),
    ] {
        let told = upload(&larder.admin(), query, &body).expect(400).json();
        let text = told["warning"].as_str().expect("a warning");
        assert!(text.contains(why), "{text}");
    }
    // What is told of it.
    let path = "repositories/composer/local/packages/acme%2Fdemo/versions/v1.0.0";
    let told = larder.api("GET", path, "", 200);
    assert_eq!(
        (&told["hosted"], &told["files"][0]["size_bytes"]),
        (&json!(true), &json!(body.len()))
    );
    let about = larder.api("GET", &format!("{path}/about"), "", 200);
    let about = about.to_string();
    assert!(
        about.contains("A probe") && about.contains("MIT") && about.contains("# A probe"),
        "{about}"
    );
}

#[test]
fn a_deleted_version_is_gone_until_it_is_restored() {
    let larder = larder();
    for version in ["1.0.0", "1.1.0"] {
        upload(&larder.admin(), "", &demo(version, version)).expect(201);
    }
    let before = seen(&larder, RELEASES);
    let versions = "repositories/composer/local/packages/acme%2Fdemo/versions";
    larder.api("DELETE", &format!("{versions}/1.1.0"), "", 204);
    assert_eq!(names(&larder, RELEASES), ["1.0.0"]);
    larder.admin().get(&before[0].1).expect(404);
    let again = upload(&larder.admin(), "", &demo("v1.1", "again"))
        .expect(409)
        .text();
    assert!(again.contains("was deleted"), "{again}");
    let trash = "repositories/composer/local/trash";
    let entries = larder.api("GET", trash, "", 200);
    let id = entries["items"][0]["id"].as_str().expect("an entry");
    larder.api("POST", &format!("{trash}/{id}/restore"), "", 200);
    assert_eq!(seen(&larder, RELEASES), before);
    larder.admin().get(&before[0].1).expect(200);
    // What is immutable nobody deletes.
    larder.api(
        "PATCH",
        "repositories/composer/local",
        r#"{"immutable":["1.*"]}"#,
        200,
    );
    larder.api("DELETE", &format!("{versions}/1.1.0"), "", 409);
}

#[test]
fn a_branch_that_is_published_moves() {
    let larder = larder();
    let states = ["one", "two"].map(|word| demo("dev-main", word));
    let paths: Vec<String> = states
        .iter()
        .map(|body| {
            upload(&larder.admin(), "", body).expect(201);
            seen(&larder, BRANCHES).remove(0).1
        })
        .collect();
    assert_ne!(paths[0], paths[1]);
    for (path, body) in paths.iter().zip(&states) {
        assert!(larder.admin().get(path).expect(200).body == *body, "{path}");
    }
    assert_eq!(names(&larder, BRANCHES), ["dev-main"]);
    larder.admin().get(RELEASES).expect(404);
    upload(&larder.admin(), "", &states[1]).expect(201);
    upload(&larder.admin(), "", &states[0]).expect(409);
    let path = "repositories/composer/local/packages/acme%2Fdemo/versions/dev-main/about";
    let about = larder.api("GET", path, "", 200).to_string();
    assert!(
        about.contains("A probe") && about.contains("# A probe"),
        "{about}"
    );
}

#[test]
fn whoever_asks_by_date_sees_every_change() {
    let larder = larder();
    let ask = |date: &str| {
        let client = larder.admin();
        client.send("GET", RELEASES, &[("if-modified-since", date)], b"")
    };
    let mut dates: Vec<String> = Vec::new();
    // Several within a second.
    for at in 0..5 {
        let version = format!("1.{at}.0");
        upload(&larder.admin(), "", &demo(&version, "ours")).expect(201);
        let now = larder.admin().get(RELEASES).expect(200);
        let date = now.header("last-modified").expect("a date").to_owned();
        assert_eq!(ask(&date).status, 304, "{version}");
        for older in &dates {
            let told = ask(older);
            assert_eq!(told.status, 200, "{version} {older}");
            assert!(told.text().contains(&version));
        }
        dates.push(date);
    }
}

#[test]
fn a_private_name_is_nowhere_for_others() {
    let larder = larder();
    let (_upstream, _) = with_upstream(&larder, "composer");
    let body = php_package("acme/secret", "1.0.0", "ours", &json!({}));
    upload(&larder.admin(), "", &body).expect(201);
    for client in [larder.anonymous(), larder.make_user("nobody")] {
        for path in ["search.json?q=secret", "list.json", "list.json?vendor=acme"] {
            let told = client.get(&format!("/composer/main/{path}"));
            assert!(!told.text().contains("secret"), "{path}: {}", told.text());
        }
        let [secret, other] = ["secret", "terces"].map(|name| {
            let told = client.get(&format!("/composer/main/p2/acme/{name}.json"));
            (told.status, told.text().replace(name, "NAME"))
        });
        assert_eq!(secret, other);
    }
}

#[test]
fn a_list_of_the_whole_world_tells_no_private_name() {
    let larder = larder();
    let (upstream, _) = with_upstream(&larder, "composer");
    let body = php_package("acme/secret", "1.0.0", "ours", &json!({}));
    upload(&larder.admin(), "", &body).expect(201);
    larder.grant("anonymous", "composer/upstream", "*", "reader");
    larder.api(
        "PATCH",
        "repositories/composer/main",
        r#"{"blocked":[{"package":"bad/*"}]}"#,
        200,
    );
    let root = json!({"metadata-url": "/composer/p2/%package%.json", "list": "/composer/l.json"});
    upstream.put("/composer/packages.json", root.to_string());
    // One by one, and so many that what is published here is read once.
    for count in [10, 30_000] {
        let open: Vec<String> = (0..count).map(|number| format!("v/p{number:05}")).collect();
        let mut all = open.clone();
        all.extend(["acme/secret", "bad/one"].map(str::to_owned));
        upstream.put("/composer/l.json", json!({"packageNames": all}).to_string());
        let list = larder.anonymous().get("/composer/main/list.json");
        assert_eq!(list.expect(200).json(), json!({"packageNames": open}));
    }
}
