//! Class 31, CSRF: a page of another site changes nothing with what a visitor's browser sends along,
//! on any call of the API. Nothing but the API looks at the cookie, and a request with credentials
//! has no session.

use crate::browser::{Browser, OWN_PAGE};
use larder_tests::larder::PASSWORD;
use larder_tests::{Larder, Start};
use serde_json::Value;

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const TEXT: (&str, &str) = ("content-type", "text/plain");
const MULTIPART: (&str, &str) = ("content-type", "multipart/form-data; boundary=x");
const OTHER_ORIGIN: (&str, &str) = ("origin", "https://evil.example");

/// A body, its headers, and whether a page of our own may send this to a call that is open.
type Attack<'a> = (&'a str, Vec<(&'a str, &'a str)>, bool);

/// A server that takes as many requests as there are.
fn larder() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder"))
        .with("LARDER_SERVER__LIMITS__API_REQUESTS_PER_SECOND", "0")
        .start()
}

/// Every call of the document that is no GET: method and path, and whether it looks at no
/// credentials. What the path names is not there, so that nothing is changed where it is let in.
fn unsafe_calls(larder: &Larder) -> Vec<(String, String, bool)> {
    let document = larder.anonymous().get("/api/v1/openapi.json").expect(200);
    let document = document.json();
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            if method == "get" {
                continue;
            }
            let path = path
                .replace("{protocol}", "oci")
                .replace("{member}", "user:nobody")
                .replace("{id}", "1");
            let segments = path.split('/').map(|segment| {
                if segment.starts_with('{') {
                    "absent"
                } else {
                    segment
                }
            });
            let path = segments.collect::<Vec<_>>().join("/");
            let is_open = operation["x-right"] == "open";
            calls.push((method.to_uppercase(), path, is_open));
        }
    }
    assert!(calls.len() > 25, "{calls:?}");
    calls
}

/// What was changed, as the audit trail has it.
fn changes(larder: &Larder) -> Vec<Value> {
    let list = larder.api("GET", "audit?limit=1000", "", 200);
    let items = list["items"].as_array().expect("items").iter();
    let changes = items.filter(|item| {
        let action = item["action"].as_str().expect("action");
        !["login", "access"].contains(&action)
    });
    changes.cloned().collect()
}

#[test]
fn no_other_page_makes_any_call() {
    let larder = larder();
    let browser = Browser::of(&larder, "admin", PASSWORD);
    let token = ("x-csrf-token", &*browser.csrf);
    let own_origin = ("origin", larder.url());
    let site = |value: &'static str| ("sec-fetch-site", value);
    let multipart = "--x\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\nevil\r\n--x--\r\n";
    let attacks: Vec<Attack<'_>> = vec![
        // Forms, of browsers that tell the site, and of others.
        (
            "name=evil",
            vec![FORM, site("cross-site"), OTHER_ORIGIN],
            false,
        ),
        ("name=evil", vec![FORM, OTHER_ORIGIN], false),
        ("name=evil", vec![FORM, ("origin", "null")], false),
        (
            multipart,
            vec![MULTIPART, site("cross-site"), OTHER_ORIGIN],
            false,
        ),
        (multipart, vec![MULTIPART, OTHER_ORIGIN], false),
        (
            r#"{"name":"evil"}"#,
            vec![TEXT, site("cross-site"), OTHER_ORIGIN],
            false,
        ),
        // Scripts, even ones that know the token.
        (
            "{}",
            vec![JSON, token, site("cross-site"), OTHER_ORIGIN],
            false,
        ),
        (
            "{}",
            vec![JSON, token, site("same-site"), OTHER_ORIGIN],
            false,
        ),
        ("{}", vec![JSON, token, site("none")], false),
        ("{}", vec![JSON, token, OTHER_ORIGIN], false),
        (
            "{}",
            vec![JSON, token, site("cross-site"), own_origin],
            false,
        ),
        // Pages that look like ours, without the token.
        ("{}", vec![JSON], true),
        ("{}", vec![JSON, token], true),
        ("{}", vec![JSON, OWN_PAGE], true),
        ("{}", vec![JSON, own_origin], true),
        ("{}", vec![JSON, OWN_PAGE, ("x-csrf-token", "")], true),
        ("{}", vec![JSON, OWN_PAGE, ("x-csrf-token", "guess")], true),
    ];
    let before = changes(&larder);
    for (method, path, is_open) in unsafe_calls(&larder) {
        for (body, headers, own_page) in &attacks {
            if is_open && *own_page {
                continue; // it looks at no session
            }
            let told = format!("{method} {path} {headers:?}");
            let answer = browser.send(&method, &path, headers, body.as_bytes());
            assert_eq!(answer.status, 403, "{told}: {}", answer.text());
            assert_eq!(answer.json()["code"], "not_allowed", "{told}");
            assert_eq!(answer.header("set-cookie"), None, "{told}");
        }
    }
    assert_eq!(changes(&larder), before);
    // The same from a page of our own is let in, whatever comes of it.
    for (method, path, _) in unsafe_calls(&larder) {
        let headers = [JSON, OWN_PAGE, token];
        let answer = browser.send(&method, &path, &headers, b"{}");
        let well = [200, 201, 202, 204, 400, 404, 405, 409].contains(&answer.status);
        assert!(well, "{method} {path}: {} {}", answer.status, answer.text());
    }
    let made = br#"{"name":"dev"}"#;
    let headers = [JSON, OWN_PAGE, token];
    browser
        .send("POST", "/api/v1/groups", &headers, made)
        .expect(201);
    assert_ne!(changes(&larder), before, "what is changed is told");
}

#[test]
fn reads_change_nothing_whatever_they_ask_for() {
    let larder = larder();
    larder.make_user("alice");
    let browser = Browser::of(&larder, "admin", PASSWORD);
    let headers = [
        ("x-http-method-override", "DELETE"),
        ("x-method-override", "DELETE"),
        ("x-http-method", "DELETE"),
    ];
    for target in [
        "/api/v1/users/alice",
        "/api/v1/users/alice?_method=DELETE",
        "/api/v1/users/alice?method=delete",
    ] {
        for method in ["GET", "HEAD"] {
            browser.send(method, target, &headers, b"");
        }
    }
    browser
        .send("OPTIONS", "/api/v1/users/alice", &headers, b"")
        .expect(405);
    larder.api("GET", "users/alice", "", 200);
}

#[test]
fn credentials_that_are_shown_have_no_session() {
    let larder = larder();
    larder.make_user("alice");
    let admin = Browser::of(&larder, "admin", PASSWORD);
    let token = format!("Bearer {}", larder.token_of("alice"));
    let alice = ("authorization", &*token);
    let me = admin
        .send("GET", "/api/v1/whoami", &[alice], b"")
        .expect(200);
    assert_eq!(me.json()["name"], "alice");
    admin
        .send("GET", "/api/v1/users", &[alice], b"")
        .expect(403);
    admin.get("/api/v1/users").expect(200);
    // They need no CSRF token, for no browser sends them by itself.
    let body = br#"{"name":"of alice"}"#;
    let made = admin.send("POST", "/api/v1/tokens", &[alice, JSON], body);
    assert_eq!(made.expect(201).json()["owner"], "user:alice");
    // Wrong ones are wrong, whatever the cookie is.
    for wrong in ["Bearer lrd_0", "Basic YWRtaW46d3Jvbmc=", "Session x", ""] {
        let headers = [("authorization", wrong)];
        let answer = admin.send("GET", "/api/v1/users", &headers, b"");
        assert_eq!(answer.status, 401, "{wrong}");
    }
}

#[test]
fn only_the_api_looks_at_the_cookie() {
    let larder = larder();
    let browser = Browser::of(&larder, "admin", PASSWORD);
    larder.close_everything();
    browser.get("/api/v1/users").expect(200);
    let headers = [OWN_PAGE, ("x-csrf-token", &*browser.csrf)];
    for (method, path) in [
        ("GET", "/v2/"),
        ("GET", "/v2/_catalog"),
        ("POST", "/v2/team/app/blobs/uploads/"),
        ("GET", "/npm/local/-/whoami"),
        ("GET", "/npm/local/left-pad"),
        ("PUT", "/npm/local/left-pad"),
        ("GET", "/cargo/local/config.json"),
        ("PUT", "/cargo/local/api/v1/crates/new"),
        ("GET", "/pypi/local/simple/demo/"),
        ("POST", "/pypi/local/legacy/"),
        ("GET", "/composer/local/packages.json"),
        ("PUT", "/composer/local/upload"),
        ("GET", "/deb/local/dists/stable/InRelease"),
        ("PUT", "/deb/local/pool/stable/main/demo_1_all.deb"),
        ("GET", "/rpm/local/repodata/repomd.xml"),
        ("PUT", "/rpm/local/demo-1-1.noarch.rpm"),
    ] {
        let with_cookie = browser.send(method, path, &headers, b"");
        let without = larder.anonymous().send(method, path, &headers, b"");
        let status = if path.contains("legacy") { 400 } else { 401 }; // it has no form
        for answer in [with_cookie, without] {
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        }
    }
    // A cookie that is none harms nobody there.
    let anyone = r#"{"subject":"anonymous","repository":"npm/main","role":"reader"}"#;
    larder.api("POST", "grants", anyone, 201);
    let stale = [("cookie", "larder_session=lrd_0")];
    let ask = |path: &str| larder.anonymous().send("GET", path, &stale, b"").status;
    assert_eq!(ask("/npm/main/demo"), 404);
    assert_eq!(ask("/api/v1/whoami"), 401);
}

#[test]
fn no_other_page_signs_a_client_in() {
    let larder = larder();
    let login = larder
        .anonymous()
        .send("POST", "/npm/main/-/v1/login", &[], b"{}");
    let login = login.expect(200).json();
    let page = login["loginUrl"].as_str().expect("a page");
    let ask = page.split_once("ask=").expect("ask").1;
    let form = format!("ask={ask}&username=admin&password={PASSWORD}");
    let send = |headers: &[(&str, &str)]| {
        let headers = [&[FORM], headers].concat();
        let client = larder.anonymous();
        client
            .send("POST", "/sign-in", &headers, form.as_bytes())
            .status
    };
    for headers in [
        vec![OTHER_ORIGIN],
        vec![("origin", "null")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("sec-fetch-site", "cross-site"), ("origin", larder.url())],
    ] {
        assert_eq!(send(&headers), 403, "{headers:?}");
    }
    assert_eq!(send(&[OWN_PAGE, ("origin", larder.url())]), 200);
}

/// A login that is kept is a change, whichever method a client asks for it by: docker takes GET.
#[test]
fn another_sites_page_makes_no_login() {
    let larder = larder();
    let bob = larder.make_user("bob");
    let logins = || {
        let list = bob.get("/api/v1/tokens").expect(200).json();
        list["items"].as_array().expect("items").len()
    };
    let path = "/v2/token?service=x&offline_token=true";
    for from in ["cross-site", "same-site", "none"] {
        let headers = [("sec-fetch-site", from)];
        bob.send("GET", path, &headers, b"").expect(403);
    }
    assert_eq!(logins(), 0);
    let short = bob.send("GET", "/v2/token", &[("sec-fetch-site", "cross-site")], b"");
    short.expect(200);
    bob.get(path).expect(200);
    assert_eq!(logins(), 1);
}

/// However often a login is asked for, a user keeps so many; an idle one makes room, and only its own.
#[test]
fn logins_are_no_more_than_a_thousand() {
    let clock = tempfile::NamedTempFile::new().expect("clock");
    let larder = Start::of(env!("CARGO_BIN_EXE_larder"))
        .with("LARDER_TEST_CLOCK", &clock.path().to_string_lossy())
        .start();
    let (bob, alice) = (larder.make_user("bob"), larder.make_user("alice"));
    let path = "/v2/token?service=x&offline_token=true";
    alice.get(path).expect(200);
    for _ in 0..1000 {
        bob.get(path).expect(200);
    }
    let refused = bob.get(path).expect(429);
    assert!(
        refused.text().contains("logins of this user"),
        "{}",
        refused.text()
    );
    assert!(refused.header("retry-after").is_some());
    alice.get(path).expect(200);
    std::fs::write(clock.path(), "3700").expect("clock");
    bob.get(path).expect(200);
    let list = bob.get("/api/v1/tokens?limit=1000").expect(200).json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1000));
    assert_eq!(list["next"], Value::Null);
}
