//! Class 33, open redirects: nobody is sent to another site. Where an answer tells of a place, or sends
//! someone there (as pip's address without its last slash), it is one of this server, whatever the
//! request says.

use crate::browser::{Browser, OWN_PAGE};
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::{Image, Larder, Response, Start};

/// Where an attacker would send someone: each has fooled a check that looked too little.
const TARGETS: [&str; 24] = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "////evil.example",
    "/\\evil.example/",
    "\\\\evil.example\\",
    "\\/evil.example",
    "/%5Cevil.example",
    "/%2F%2Fevil.example",
    "%2F%2Fevil.example",
    "https:evil.example",
    "https:/evil.example",
    "http:\\\\evil.example",
    "HtTpS://evil.example",
    "/%09/evil.example",
    "%09//evil.example",
    "/%0D/evil.example",
    "/%0D%0ALocation:%20https://evil.example",
    "%0D%0ASet-Cookie:%20evil=1",
    "@evil.example",
    ".evil.example",
    "/..//evil.example",
    "javascript:alert(1)",
    "data:text/html,evil",
];
/// What pages of logins call the address to go on to.
const NAMES: [&str; 10] = [
    "next",
    "redirect",
    "redirect_uri",
    "redirect_url",
    "return_to",
    "returnUrl",
    "callback_ui",
    "continue",
    "url",
    "goto",
];

/// Fails if an answer leads anyone to another site; whether it sends someone to a place here.
#[track_caller]
fn assert_stays(larder: &Larder, answer: &Response, told: &str) -> bool {
    for (name, value) in &answer.headers {
        if ["location", "content-location"].contains(&&**name) {
            let rest = value.strip_prefix(larder.url()).unwrap_or(value);
            let is_path = rest.starts_with('/') && !rest.starts_with("//");
            assert!(
                is_path && !rest.contains(['\\', '\t', '\r', '\n']),
                "{told}: {value}"
            );
            assert!(!value.contains("evil.example"), "{told}: {value}");
        }
        assert!(name != "refresh", "{told}: {value}");
        let has_evil = name == "set-cookie" && value.contains("evil");
        assert!(!has_evil, "{told}: {value}");
    }
    (300..400).contains(&answer.status)
}

/// A server that takes as many requests as there are.
fn larder() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder"))
        .with("LARDER_SERVER__LIMITS__API_REQUESTS_PER_SECOND", "0")
        .start()
}

#[test]
fn no_path_or_parameter_leads_away() {
    let larder = larder();
    let browser = Browser::of(&larder, "admin", PASSWORD);
    let places = [
        "/",
        "/sign-in",
        "/api/v1",
        "/api/v1/",
        "/api/v1/sessions",
        "/api/v1/whoami",
        "/v2/",
        "/v2/token",
        "/npm/main/-/v1/done",
        "/npm/main/demo",
        "/pypi/main/simple",
        "/healthz",
    ];
    let mut sent = 0;
    let mut ask = |path: &str| {
        let answer = browser.get(path);
        sent += usize::from(assert_stays(&larder, &answer, path));
    };
    for target in TARGETS {
        let target = target.replace('\\', "%5C");
        for place in places {
            for name in NAMES {
                ask(&format!("{place}?{name}={target}"));
            }
        }
        // As the path itself, which servers that add or take a slash send back.
        let path = format!("/{}", target.trim_start_matches('/'));
        for path in [path.clone(), format!("/{path}"), format!("{path}/")] {
            ask(&path);
        }
        for root in [
            "/api/v1",
            "/v2",
            "/npm/main",
            "/pypi/main/simple",
            "/sign-in",
        ] {
            ask(&format!("{root}/{target}"));
        }
    }
    assert!(sent > 0, "an address without its last slash is sent on");
}

#[test]
fn signing_in_leads_nowhere() {
    let larder = larder();
    let form = ("content-type", "application/x-www-form-urlencoded");
    for target in TARGETS {
        let begun = larder
            .anonymous()
            .send("POST", "/npm/main/-/v1/login", &[], b"{}");
        let begun = begun.expect(200).json();
        let page = begun["loginUrl"].as_str().expect("a page");
        let ask = page.split_once("ask=").expect("ask").1;
        let target = target.replace('\\', "%5C");
        for name in NAMES {
            let body = format!("ask={ask}&username=admin&password=wrong&{name}={target}");
            let path = format!("/sign-in?{name}={target}");
            let sent = larder.anonymous();
            // The name differs, so that no more than one failure is counted for each.
            let body = body.replace("admin", &format!("nobody-{}", name.to_lowercase()));
            let answer = sent.send("POST", &path, &[form, OWN_PAGE], body.as_bytes());
            assert!(answer.status >= 400, "{path}: {}", answer.status);
            assert_stays(&larder, &answer, &path);
        }
        let body = format!("ask={ask}&username=admin&password={PASSWORD}");
        let path = format!("/sign-in?next={target}");
        let headers = [form, OWN_PAGE];
        let answer = larder
            .anonymous()
            .send("POST", &path, &headers, body.as_bytes());
        assert_stays(&larder, &answer.expect(200), &path);
    }
    // A field that a sign-in does not have is none.
    let body = format!(r#"{{"name":"admin","password":"{PASSWORD}","next":"//evil.example"}}"#);
    let headers = [("content-type", "application/json")];
    let anonymous = larder.anonymous();
    let answer = anonymous.send("POST", "/api/v1/sessions", &headers, body.as_bytes());
    assert_stays(&larder, &answer.expect(400), "sessions");
}

#[test]
fn places_that_are_told_are_of_this_server() {
    let larder = larder();
    let admin = larder.admin();
    Image::random(&mut Random::seeded(), &[100]).push(&admin, "team/app", "latest");
    let json = ("content-type", "application/json");
    let spoofed = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "host=evil.example"),
        ("x-original-url", "//evil.example/"),
        ("x-rewrite-url", "//evil.example/"),
    ];
    let mut places = 0;
    for (method, path, body) in [
        ("POST", "/v2/team/app/blobs/uploads/", ""),
        ("POST", "/api/v1/groups", r#"{"name":"dev"}"#),
        ("POST", "/api/v1/tokens", r#"{"name":"evil.example"}"#),
        ("POST", "/npm/main/-/v1/login", "{}"),
        ("GET", "/v2/team/app/manifests/latest", ""),
        ("GET", "/v2/team/app/tags/list?n=1", ""),
    ] {
        let headers = [&[json], &spoofed[..]].concat();
        let answer = admin.send(method, path, &headers, body.as_bytes());
        assert!(answer.status < 300, "{path}: {}", answer.status);
        places += usize::from(answer.header("location").is_some());
        assert_stays(&larder, &answer, path);
        if path.ends_with("login") {
            let told = answer.json();
            for key in ["loginUrl", "doneUrl"] {
                let url = told[key].as_str().expect("a URL");
                assert!(url.starts_with(&format!("{}/", larder.url())), "{url}");
            }
        }
    }
    assert_eq!(places, 3, "of an upload, a group and a token");
}
