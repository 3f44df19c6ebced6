//! The pages by which a place is operated, as a browser without scripts has them.

use larder_tests::pages::Pages;
use larder_tests::{Larder, Start};
use serde_json::{Value, json};

/// All pages that a superuser has here.
const PAGES: [&str; 13] = [
    "/",
    "/upstreams",
    "/upstreams/npm/upstream",
    "/policies",
    "/policies/quotas",
    "/policies/immutability",
    "/policies/blocks",
    "/policies/retention/npm/local",
    "/cleanup",
    "/cleanup/trash",
    "/cleanup/scrub",
    "/cleanup/backups",
    "/system/storage",
];

fn larder() -> Larder {
    let larder = Start::of(env!("CARGO_BIN_EXE_larder")).start();
    larder.disable_schedules();
    let upstream = json!({"upstream": {
        "url": "http://127.0.0.1:9/", "allow_private": true, "username": "mei", "password": "canary",
    }});
    let path = "repositories/npm/upstream";
    larder.api("PATCH", path, &upstream.to_string(), 200);
    larder
}

#[test]
fn every_page_is_whole_in_both_languages() {
    let larder = larder();
    let browser = Pages::of(&larder, "admin");
    for path in PAGES {
        for (language, tag) in [("en", "en"), ("zh", "zh-Hans")] {
            let page = browser.get_in(path, language).expect(200).text();
            assert!(page.contains(&format!("<html lang=\"{tag}\"")), "{path}");
            assert_eq!(page.matches("<h1").count(), 1, "{path}");
            assert_eq!(page.matches("<main").count(), 1, "{path}");
            for no in ["style=", "<script>", "onclick=", "src=\"http", "canary"] {
                assert!(!page.contains(no), "{path} has {no}");
            }
        }
    }
}

#[test]
fn pages_are_for_those_who_may() {
    let larder = larder();
    larder.make_user("mei");
    let browser = Pages::of(&larder, "mei");
    let front = browser.get("/").expect(200).text();
    assert!(front.contains("href=\"/policies\""), "{front}");
    assert!(!front.contains("href=\"/cleanup\""), "{front}");
    for path in [
        "/cleanup",
        "/cleanup/scrub",
        "/cleanup/backups",
        "/system/storage",
    ] {
        browser.get(path).expect(403);
    }
    let quotas = browser.get("/policies/quotas").expect(200).text();
    assert!(!quotas.contains("name=\"bytes\""), "{quotas}");
    let form = [("bytes", "1 B")];
    let path = "/policies/quotas/npm/local";
    let refused = browser.post("/policies", path, &form);
    assert!(matches!(refused.status, 403 | 404), "{}", refused.status);
    larder.grant("user:mei", "npm/local", "*", "admin");
    let quotas = browser.get("/policies/quotas").expect(200).text();
    assert_eq!(quotas.matches("name=\"bytes\"").count(), 1, "{quotas}");
    browser.post("/policies/quotas", path, &form).expect(303);
    let repo = larder.api("GET", "repositories/npm/local", "", 200);
    assert_eq!(repo["quota"]["bytes"], 1);
    larder.grant("user:mei", "npm/upstream", "*", "reader");
    let page = "/upstreams/npm/upstream";
    let refused = browser.get(page).expect(403).text();
    assert!(
        refused.contains("Needs admin on npm/upstream."),
        "{refused}"
    );
    larder.anonymous().get("/cleanup").expect(303);
}

#[test]
fn a_form_without_its_token_changes_nothing() {
    let larder = larder();
    let browser = Pages::of(&larder, "admin");
    browser
        .send("/upstreams/offline", "offline=true")
        .expect(403);
    assert_eq!(larder.api("GET", "settings", "", 200)["offline"], false);
}

#[test]
fn upstreams_are_tested_and_taken_offline() {
    let larder = larder();
    let browser = Pages::of(&larder, "admin");
    let page = "/upstreams/npm/upstream";
    let checked = browser
        .post(page, "/upstreams/npm/upstream/check", &[])
        .expect(200)
        .text();
    assert!(checked.contains("The test, step by step"), "{checked}");
    assert!(checked.contains("chip danger\">no<"), "{checked}");
    let untried = "Our credentials could not be tried";
    assert!(checked.contains(untried), "{checked}");
    let again = browser.get("/upstreams/npm/upstream/check");
    again.expect(200);
    let offline = [("offline", "true")];
    browser
        .post(page, "/upstreams/npm/upstream/offline", &offline)
        .expect(303);
    let repo = larder.api("GET", "repositories/npm/upstream", "", 200);
    assert_eq!(repo["offline"], true);
    browser
        .post("/upstreams", "/upstreams/offline", &offline)
        .expect(303);
    assert_eq!(larder.api("GET", "settings", "", 200)["offline"], true);
    let text = browser.get(page).expect(200).text();
    assert!(text.contains("The whole server is offline"), "{text}");
}

/// What a repository lets go.
fn retention(larder: &Larder) -> Value {
    larder.api("GET", "repositories/npm/local/retention", "", 200)
}

#[test]
fn rules_are_built_seen_and_saved() {
    let larder = larder();
    let browser = Pages::of(&larder, "admin");
    let page = "/policies/retention/npm/local";
    let added = browser
        .post(page, page, &[("do", "add")])
        .expect(200)
        .text();
    assert!(added.contains("Rule 1"), "{added}");
    assert_eq!(retention(&larder)["rules"], json!([]));
    let rule = |newest| {
        vec![
            ("packages", "app/*"),
            ("versions", ""),
            ("newest", newest),
            ("pushed", "30d"),
            ("pulled", ""),
            ("count", "1"),
            ("series", "minor"),
            ("matching", "v*\r\nrc-*"),
            ("protect", "latest"),
            ("untagged", "7d"),
            ("trash", "3d"),
            ("enabled", "on"),
        ]
    };
    let wrong = [rule("many"), vec![("do", "save")]].concat();
    let refused = browser.post(page, page, &wrong).expect(400).text();
    assert!(
        refused.contains("`many`") && refused.contains("value=\"many\""),
        "{refused}"
    );
    assert_eq!(retention(&larder)["rules"], json!([]));
    let seen = [rule("10"), vec![("do", "preview")]].concat();
    let seen = browser.post(page, page, &seen).expect(200).text();
    assert!(seen.contains("Would delete 0 versions"), "{seen}");
    browser
        .post(page, page, &[rule("10"), vec![("do", "save")]].concat())
        .expect(303);
    let keep = json!({
        "newest": 10, "pushed_within": "30d", "matching": ["v*", "rc-*"],
        "newest_per": {"of": "minor", "count": 1},
    });
    let rules = json!([{"packages": "app/*", "versions": "*", "keep": keep}]);
    let saved = retention(&larder);
    assert_eq!((&saved["rules"], &saved["trash"]), (&rules, &json!("3d")));
    let list = browser.get("/policies").expect(200).text();
    assert!(list.contains("keep the newest 10, "), "{list}");
    browser
        .post(page, page, &[rule("10"), vec![("do", "remove-0")]].concat())
        .expect(200);
    assert_eq!(retention(&larder)["rules"], rules);
}

#[test]
fn quotas_names_and_blocks_are_set() {
    let larder = larder();
    let browser = Pages::of(&larder, "admin");
    let shared = [
        ("repositories", "npm/*"),
        ("bytes", "2 GB"),
        ("versions", ""),
    ];
    browser
        .post("/policies/quotas", "/policies/quotas", &shared)
        .expect(303);
    let quotas = larder.api("GET", "quotas", "", 200);
    assert_eq!(quotas["items"][0]["bytes"], 2_000_000_000_u64);
    let id = quotas["items"][0]["id"].as_str().expect("an id");
    let path = format!("/policies/quotas/shared/{id}");
    browser
        .post("/policies/quotas", &path, &[("do", "delete")])
        .expect(303);
    assert_eq!(larder.api("GET", "quotas", "", 200)["items"], json!([]));

    let immutable = [("immutable", "v*\r\n1.*")];
    let path = "/policies/immutability/npm/local";
    browser
        .post("/policies/immutability", path, &immutable)
        .expect(303);
    let repo = larder.api("GET", "repositories/npm/local", "", 200);
    assert_eq!(repo["immutable"], json!(["v*", "1.*"]));

    let (page, path) = ("/policies/blocks", "/policies/blocks/npm/upstream");
    let block = [("package", "left-pad"), ("reason", "<b>old</b>")];
    browser.post(page, path, &block).expect(303);
    let text = browser.get(page).expect(200).text();
    assert!(
        text.contains("left-pad") && !text.contains("<b>old"),
        "{text}"
    );
    let repo = || larder.api("GET", "repositories/npm/upstream", "", 200)["blocked"].take();
    assert_eq!(
        repo(),
        json!([{"package": "left-pad", "reason": "<b>old</b>"}])
    );
    browser
        .post(page, path, &[("unblock", "left-pad")])
        .expect(303);
    assert_eq!(repo(), json!([]));
    // Of those that are set at once all are there.
    let names = ["a", "b", "c", "d"];
    std::thread::scope(|scope| {
        for name in names {
            let larder = &larder;
            scope.spawn(move || {
                let browser = Pages::of(larder, "admin");
                let block = [("package", name), ("reason", "")];
                browser.post(page, path, &block).expect(303);
            });
        }
    });
    let blocked = repo();
    let blocked = blocked.as_array().expect("blocks").iter();
    let mut blocked: Vec<&str> = blocked
        .filter_map(|block| block["package"].as_str())
        .collect();
    blocked.sort_unstable();
    assert_eq!(blocked, names);
}

#[test]
fn cleanup_begins_jobs_and_asks_before_what_is_final() {
    let larder = larder();
    let browser = Pages::of(&larder, "admin");
    let kinds = |kind: &str| {
        let list = larder.api("GET", &format!("jobs?kind={kind}"), "", 200);
        list["items"].as_array().expect("items").len()
    };
    browser
        .post("/cleanup", "/cleanup/runs", &[("do", "dry-run")])
        .expect(303);
    browser
        .post("/cleanup/scrub", "/cleanup/scrub", &[("do", "run")])
        .expect(303);
    browser
        .post("/cleanup/backups", "/cleanup/backups", &[])
        .expect(303);
    assert_eq!((kinds("gc"), kinds("scrub"), kinds("backup")), (1, 1, 1));
    assert_eq!(
        larder.api("GET", "jobs?kind=gc", "", 200)["items"][0]["dry_run"],
        true
    );

    let absent = format!("/cleanup?digest=sha256:{}", "0".repeat(64));
    let text = browser.get(&absent).expect(200).text();
    assert!(text.contains("role=\"alert\""), "{text}");
    browser.get("/cleanup/trash/npm/local/1/delete").expect(404);
    browser.get("/cleanup/backups/none/delete").expect(404);
    let wrong = [("name", "other")];
    browser
        .post("/cleanup", "/cleanup/backups/none/delete", &wrong)
        .expect(400);
}
