//! Class 32, CORS, clickjacking and cookies: no other site's page reads an answer or frames a page of
//! this server, and no script reads the session's cookie. `headers.txt` has what browsers are told with
//! every kind of answer; `LARDER_TEST_WRITE=1` writes it again.

use crate::browser::{Browser, OWN_PAGE, sign_in};
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::{Client, Image, Larder, Response, Start};
use std::path::Path;

const JSON: (&str, &str) = ("content-type", "application/json");

/// What a browser heeds, or an attacker would like to know.
fn is_told(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "cache-control",
        "clear-site-data",
        "content-disposition",
        "content-security-policy",
        "content-type",
        "permissions-policy",
        "referrer-policy",
        "server",
        "set-cookie",
        "strict-transport-security",
        "timing-allow-origin",
        "vary",
        "www-authenticate",
        "x-powered-by",
    ];
    NAMES.contains(&name)
        || name.starts_with("access-control-")
        || name.starts_with("cross-origin-")
        || name.starts_with("x-frame-")
        || name.starts_with("x-content-type-")
}

/// A policy without the hash of a page's style sheet.
fn without_hash(policy: &str) -> String {
    let mut parts = policy.split("'sha256-");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shown, part| {
        let (_, rest) = part.split_once('\'').expect("an end");
        format!("{shown}'sha256-…'{rest}")
    })
}

/// A kind of answer as the file has it, without what differs from run to run.
fn shown(larder: &Larder, kind: &str, answer: &Response) -> String {
    let told = answer.headers.iter().filter(|(name, _)| is_told(name));
    let mut lines: Vec<String> = told
        .map(|(name, value)| {
            let value = match name.as_str() {
                "set-cookie" => {
                    let (_, attributes) = value.split_once(';').expect("attributes");
                    format!("larder_session=…;{attributes}")
                }
                "content-security-policy" => without_hash(value),
                _ => value.replace(larder.host(), "HOST"),
            };
            format!("  {name}: {value}\n")
        })
        .collect();
    lines.sort_unstable();
    format!("{kind}: {}\n{}\n", answer.status, lines.concat())
}

/// A request of every kind that there is an answer of.
fn answers(larder: &Larder) -> Vec<(&'static str, Response)> {
    let (admin, anonymous) = (larder.admin(), larder.anonymous());
    let image = Image::random(&mut Random::seeded(), &[100_000]);
    image.push(&admin, "team/app", "latest");
    let login = anonymous.send("POST", "/npm/main/-/v1/login", &[], b"{}");
    let page = login.clone().expect(200).json();
    let page = page["loginUrl"].as_str().expect("a page");
    let page = page.strip_prefix(larder.url()).expect("here").to_owned();
    let browser = Browser::of(larder, "admin", PASSWORD);
    let manifest = admin.get("/v2/team/app/manifests/latest").expect(200);
    let layer = manifest.json()["layers"][0]["digest"]
        .as_str()
        .expect("a layer")
        .to_owned();
    let other = [("sec-fetch-site", "cross-site"), JSON];
    let out = [OWN_PAGE, ("x-csrf-token", &*browser.csrf)];
    let session = format!("/api/v1/sessions/{}", browser.id);
    let get = |client: &Client, path: &str| client.get(path);
    vec![
        ("the front page", get(&anonymous, "/")),
        ("health", get(&anonymous, "/healthz")),
        ("metrics", get(&anonymous, "/metrics")),
        ("no such path", get(&anonymous, "/absent")),
        ("the API's page", get(&anonymous, "/api/v1/")),
        (
            "the API's document",
            get(&anonymous, "/api/v1/openapi.json"),
        ),
        ("what the API shows", get(&admin, "/api/v1/users/admin")),
        ("what the API has made", {
            admin.send("POST", "/api/v1/tokens", &[JSON], br#"{"name":"ci"}"#)
        }),
        ("what the API has deleted", {
            admin.send("POST", "/api/v1/groups", &[JSON], br#"{"name":"dev"}"#);
            admin.send("DELETE", "/api/v1/groups/dev", &[], b"")
        }),
        ("a problem of the API", get(&admin, "/api/v1/users/absent")),
        ("a challenge of the API", get(&anonymous, "/api/v1/users")),
        ("another site's change", {
            admin.send("POST", "/api/v1/groups", &other, b"{}")
        }),
        ("a sign-in", sign_in(larder, "admin", PASSWORD)),
        ("a sign-in that is refused", {
            sign_in(larder, "admin", "wrong")
        }),
        ("a sign-out", browser.send("DELETE", &session, &out, b"")),
        ("a session that has ended", browser.get("/api/v1/whoami")),
        ("a client that wants a login", login),
        ("the page of a client's login", get(&anonymous, &page)),
        ("that page, wrongly asked", get(&anonymous, "/sign-in")),
        ("a challenge of the registry", get(&anonymous, "/v2/")),
        (
            "a bearer token",
            get(&admin, "/v2/token?scope=registry:catalog:*"),
        ),
        ("a manifest", manifest),
        (
            "a layer",
            get(&admin, &format!("/v2/team/app/blobs/{layer}")),
        ),
        ("a list of tags", get(&admin, "/v2/team/app/tags/list")),
        ("the catalog", get(&admin, "/v2/_catalog")),
        (
            "referrers",
            get(&admin, &format!("/v2/team/app/referrers/{}", image.digest)),
        ),
        (
            "a problem of the registry",
            get(&admin, "/v2/team/app/manifests/absent"),
        ),
        ("a challenge to npm", get(&anonymous, "/npm/local/demo")),
        ("a problem of npm", get(&admin, "/npm/local/demo")),
        (
            "cargo's configuration",
            get(&admin, "/cargo/local/config.json"),
        ),
        ("pip's page", get(&admin, "/pypi/local/simple/")),
        (
            "pip's page without its slash",
            get(&admin, "/pypi/local/simple"),
        ),
        ("rpm's list", get(&admin, "/rpm/local/repodata/repomd.xml")),
        ("apt's suites", get(&admin, "/deb/local/suites.txt")),
    ]
}

fn larder() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder")).start()
}

#[test]
fn what_browsers_are_told_is_as_it_was_decided() {
    let larder = larder();
    let answers = answers(&larder);
    let told: String = answers
        .iter()
        .map(|(kind, answer)| shown(&larder, kind, answer))
        .collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/security/headers.txt");
    if std::env::var_os("LARDER_TEST_WRITE").is_some() {
        std::fs::write(&file, &told).expect("file");
    }
    let expected = std::fs::read_to_string(&file).expect("headers.txt");
    assert_eq!(
        told, expected,
        "run with LARDER_TEST_WRITE=1 to write it again"
    );
    // What holds for all of them.
    for (kind, answer) in &answers {
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{kind}"
        );
        let policy = answer.header("content-security-policy").expect(kind);
        let framed = policy.contains("frame-ancestors 'none'") || policy.contains("sandbox");
        assert!(
            framed && policy.contains("default-src 'none'"),
            "{kind}: {policy}"
        );
        assert!(!policy.contains("unsafe-"), "{kind}: {policy}");
        for (name, value) in &answer.headers {
            let tells_others = name.starts_with("access-control-") || name == "server";
            assert!(!tells_others, "{kind}: {name}: {value}");
        }
    }
}

#[test]
fn no_other_site_is_let_in() {
    let larder = larder();
    let browser = Browser::of(&larder, "admin", PASSWORD);
    for origin in ["https://evil.example", "null", larder.url(), "*"] {
        for path in [
            "/",
            "/healthz",
            "/api/v1/users",
            "/api/v1/openapi.json",
            "/sign-in",
            "/v2/",
            "/v2/token",
            "/npm/local/demo",
            "/cargo/local/config.json",
            "/pypi/local/simple/",
            "/composer/local/packages.json",
            "/rpm/local/repodata/repomd.xml",
            "/deb/local/suites.txt",
        ] {
            let asks = [
                ("origin", origin),
                ("access-control-request-method", "DELETE"),
                (
                    "access-control-request-headers",
                    "authorization,x-csrf-token",
                ),
                ("access-control-request-private-network", "true"),
            ];
            for method in ["OPTIONS", "GET", "HEAD", "POST"] {
                let answer = browser.send(method, path, &asks, b"");
                let mut names = answer.headers.iter().map(|(name, _)| name);
                assert!(
                    !names.any(|name| name.starts_with("access-control-")),
                    "{method} {path} {origin}: {:?}",
                    answer.headers
                );
                let preflight = method == "OPTIONS" && answer.status < 300;
                assert!(!preflight, "{path} {origin}: {}", answer.status);
            }
        }
    }
}

/// The attributes of a cookie.
fn attributes(cookie: &str) -> Vec<&str> {
    cookie.split("; ").skip(1).collect()
}

#[test]
fn the_cookie_is_this_servers_alone() {
    let plain = larder();
    let browser = Browser::of(&plain, "admin", PASSWORD);
    let expected = ["Path=/", "Max-Age=1209600", "HttpOnly", "SameSite=Lax"];
    assert!(browser.cookie.starts_with("larder_session=lrd_"));
    assert_eq!(attributes(&browser.set_cookie), expected);

    let secure = Start::of(env!("CARGO_BIN_EXE_larder"))
        .with("LARDER_SERVER__PUBLIC_URL", "https://larder.example")
        .start();
    let browser = Browser::of(&secure, "admin", PASSWORD);
    // No other host of the domain can set it, and it never goes over http.
    assert!(browser.cookie.starts_with("__Host-larder_session=lrd_"));
    let expected = [&expected[..], &["Secure"]].concat();
    assert_eq!(attributes(&browser.set_cookie), expected);
    browser.get("/api/v1/users").expect(200);
    let weak = browser.cookie.replace("__Host-", "");
    let anonymous = secure.anonymous();
    let ask = |cookie: &str| {
        let headers = [("cookie", cookie)];
        anonymous.send("GET", "/api/v1/users", &headers, b"").status
    };
    assert_eq!(ask(&weak), 401, "one that another host may have set");
    let twice = format!("{}; __Host-larder_session=lrd_0", browser.cookie);
    assert_eq!(ask(&twice), 401, "nobody can tell which is ours");
    // Signing out takes it back.
    let headers = [OWN_PAGE, ("x-csrf-token", &*browser.csrf)];
    let path = format!("/api/v1/sessions/{}", browser.id);
    let ended = browser.send("DELETE", &path, &headers, b"").expect(204);
    let cookie = ended.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("__Host-larder_session=; "), "{cookie}");
    assert!(attributes(cookie).contains(&"Max-Age=0"), "{cookie}");
    browser.get("/api/v1/users").expect(401);
    // The secret stands in no log.
    for (server, secret) in [(&secure, &browser.cookie), (&plain, &browser.csrf)] {
        let secret = secret.rsplit('=').next().expect("a secret");
        assert!(!server.log_text().contains(secret));
    }
}
