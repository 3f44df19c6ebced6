//! The pages on which packages tell what they are: their readmes, which are anybody's words, what they
//! need, and why they are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_model::{Algorithm, Digest};
use larder_tests::archive::{gzip, tar};
use larder_tests::pages::holds;
use larder_tests::parcel::{npm, publish};
use larder_tests::{Client, Larder, Start, Upstream};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const LANGUAGES: [&str; 2] = ["en", "zh"];
/// What is never taken, unless something is broken.
const PATIENCE: Duration = Duration::from_mins(1);
const HOSTILE: &str = "<script>alert(1)</script>";

fn start() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder")).start()
}

/// A readme that tries what readmes try.
const README: &str = "# Ledger\n\n<script>alert(1)</script>\n\nSee [docs](https://docs.example/x), \
    [evil](javascript:alert(1)) and ![shot](https://img.example/p.png).\n";
/// What all links that lead outside have.
const OUTSIDE: &str = " rel=\"noopener noreferrer nofollow\"";

/// A page that may lead outside, by links that say so, and asks nobody else for anything.
#[track_caller]
fn told(client: &Client, path: &str, language: &str) -> String {
    let answer = client.send("GET", path, &[("accept-language", language)], b"");
    let html = answer.expect(200).text();
    let links = html.matches("href=\"http").count();
    assert_eq!(links, html.matches(OUTSIDE).count(), "{path}");
    for part in [
        HOSTILE,
        "<img",
        "<script>",
        "javascript:",
        "src=\"http",
        " style=",
    ] {
        assert!(!html.contains(part), "{path} has {part}");
    }
    assert_eq!(html.matches("<h1").count(), 1, "{path}");
    html
}

fn publish_described_crate(client: &Client) {
    let manifest = "[package]\nname = \"teller\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
        license = \"MIT OR ISC\"\nreadme = \"README.md\"\nrepository = \"https://src.example/teller\"\n\
        [dependencies.ledger]\nversion = \"^1\"\n[dev-dependencies.nobody]\nversion = \"2\"\n";
    let packed = gzip(&tar(&[
        ("teller-1.0.0/Cargo.toml", manifest.as_bytes()),
        ("teller-1.0.0/README.md", README.as_bytes()),
        ("teller-1.0.0/src/lib.rs", b""),
    ]));
    let dependency = |name: &str, requirement: &str, kind: &str| {
        json!({"name": name, "version_req": requirement, "features": [], "optional": false,
            "default_features": true, "target": null, "kind": kind})
    };
    let words = json!({"name": "teller", "vers": "1.0.0", "features": {},
        "deps": [dependency("ledger", "^1", "normal"), dependency("nobody", "^2", "dev")]});
    let words = words.to_string();
    let length = |count: usize| u32::try_from(count).expect("small").to_le_bytes();
    let lengths = [length(words.len()), length(packed.len())];
    let body = [&lengths[0][..], words.as_bytes(), &lengths[1], &packed].concat();
    let to = "/cargo/main/api/v1/crates/new";
    client.send("PUT", to, &[], &body).expect_ok();
}

#[test]
fn a_crate_tells_what_it_is_and_needs() {
    let larder = start();
    let admin = larder.admin();
    publish(&admin, "cargo", "ledger", "1.0.0", b"bytes").expect_ok();
    publish_described_crate(&admin);
    for language in LANGUAGES {
        let html = told(&admin, "/packages/cargo/main/teller", language);
        holds(
            &html,
            &[
                "MIT OR ISC",
                "https://src.example/teller",
                "?tab=readme",
                "?tab=dependencies",
            ],
        );
        let html = told(&admin, "/packages/cargo/main/teller?tab=readme", language);
        holds(
            &html,
            &[
                "<h3>Ledger</h3>",
                "https://docs.example/x",
                "https://img.example/p.png",
                ">shot</a>",
            ],
        );
        let path = "/packages/cargo/main/teller/-/v/1.0.0?tab=dependencies";
        let html = told(&admin, path, language);
        holds(
            &html,
            &[
                "<a href=\"/packages/cargo/main/ledger\">ledger</a>",
                "<code>^1</code>",
                "nobody",
            ],
        );
        assert!(!html.contains("/packages/cargo/main/nobody"));
    }
    // The same by the API.
    let path = "repositories/cargo/main/packages/teller/versions/1.0.0/about";
    let about = larder.api("GET", path, "", 200);
    assert_eq!(about["license"], json!("MIT OR ISC"));
    assert_eq!(about["file"], json!("read"));
    assert_eq!(about["readme"]["text"], json!(README));
}

#[test]
fn npm_and_python_packages_tell_what_they_are() {
    let larder = start();
    let admin = larder.admin();
    let parcel = npm("main", "acme-ui", "1.0.0", b"bytes");
    let mut body: Value = serde_json::from_slice(&parcel.body).expect("JSON");
    body["versions"]["1.0.0"]["readme"] = json!(README);
    body["versions"]["1.0.0"]["deprecated"] = json!("use <b>acme-web</b>");
    let sent = body.to_string();
    let json = [("content-type", "application/json")];
    admin
        .send("PUT", &parcel.path, &json, sent.as_bytes())
        .expect_ok();
    publish(&admin, "pypi", "plain", "1.0", b"bytes").expect_ok();
    for language in LANGUAGES {
        let html = told(&admin, "/packages/npm/main/acme-ui", language);
        holds(
            &html,
            &[
                "<span class=\"chip info\">latest</span>",
                "use &#60;b&#62;acme-web",
            ],
        );
        let html = told(&admin, "/packages/npm/main/acme-ui?tab=readme", language);
        holds(&html, &["<h3>Ledger</h3>"]);
        let html = told(&admin, "/packages/npm/main/acme-ui/-/v/1.0.0", language);
        holds(&html, &["use &#60;b&#62;acme-web"]);
        told(&admin, "/packages/pypi/main/plain?tab=readme", language);
        told(
            &admin,
            "/packages/pypi/main/plain?tab=dependencies",
            language,
        );
    }
    // A block is shown with its rule and with what clients are told.
    let rule = json!({"blocked": [{"package": "acme-*", "reason": "too new"}]});
    larder.api("PATCH", "repositories/npm/main", &rule.to_string(), 200);
    let html = told(&admin, "/packages/npm/main/acme-ui", "en");
    holds(
        &html,
        &[
            "<code>acme-*</code>",
            "acme-ui is blocked in npm/main: too new",
        ],
    );
    let refused = admin.get("/npm/main/acme-ui").expect(403).text();
    assert!(
        refused.contains("acme-ui is blocked in npm/main: too new"),
        "{refused}"
    );
}

#[test]
fn licences_and_the_build_are_shown() {
    let larder = start();
    let admin = larder.admin();
    for language in LANGUAGES {
        let html = told(&admin, "/system/licences", language);
        holds(
            &html,
            &[
                "serde_json",
                "MIT OR Apache-2.0",
                "Zero-Clause BSD",
                "ISC License",
            ],
        );
        let html = told(&admin, "/system", language);
        holds(&html, &[env!("CARGO_PKG_VERSION"), std::env::consts::ARCH]);
    }
    let reader = larder.make_user("reader");
    assert_ne!(reader.get("/system/licences").status, 200);
}

#[test]
fn nobody_is_asked_because_someone_looks() {
    let upstream = Upstream::start();
    let tarball = npm("main", "far", "2.0.0", b"bytes").tarball;
    let sum = Digest::of(Algorithm::Sha512, &tarball);
    let integrity = format!("sha512-{}", STANDARD.encode(sum.bytes()));
    let dist = |version: &str| {
        let url = format!("{}far/-/far-{version}.tgz", upstream.url());
        json!({"tarball": url, "integrity": integrity})
    };
    let packument = json!({
        "name": "far", "dist-tags": {"latest": "2.0.0", "old": "1.0.0"}, "readme": "# Far away",
        "versions": {
            "1.0.0": {"name": "far", "version": "1.0.0", "dist": dist("1.0.0"), "license": "ISC"},
            "2.0.0": {"name": "far", "version": "2.0.0", "dist": dist("2.0.0"), "license": "MIT",
                "dependencies": {"left": "^1"}},
        },
    });
    upstream.put("/far", packument.to_string());
    upstream.put("/far/-/far-2.0.0.tgz", tarball);
    let larder = start();
    let mirror = json!({"protocol": "npm", "name": "up", "kind": "mirror",
        "upstream": {"url": upstream.url(), "allow_private": true}});
    larder.api("POST", "repositories", &mirror.to_string(), 201);
    let admin = larder.admin();
    admin.get("/npm/up/far").expect(200);
    admin.get("/npm/up/far/-/far-2.0.0.tgz").expect(200);
    await_kept(&larder, "repositories/npm/up/packages/far/versions/2.0.0");
    let asked = upstream.total();
    let html = told(&admin, "/packages/npm/up/far", "en");
    holds(&html, &["<span class=\"chip info\">latest</span>", ">MIT<"]);
    let html = told(&admin, "/packages/npm/up/far?tab=readme", "en");
    holds(&html, &["<h3>Far away</h3>"]);
    let html = told(&admin, "/packages/npm/up/far?tab=dependencies", "en");
    holds(&html, &["left", "<code>^1</code>"]);
    // What nobody has fetched is told of as far as the document goes.
    let path = "repositories/npm/up/packages/far/versions/1.0.0/about";
    let about = larder.api("GET", path, "", 200);
    assert_eq!(about["license"], json!("ISC"));
    assert_eq!(
        (&about["file"], &about["readme"]),
        (&json!("not_kept"), &Value::Null)
    );
    assert_eq!(upstream.total(), asked, "looking asks nobody");
}

/// Waits until what was fetched is kept: that is done behind the answer.
#[track_caller]
fn await_kept(larder: &Larder, path: &str) {
    let (admin, path) = (larder.admin(), format!("/api/v1/{path}"));
    let began = Instant::now();
    while admin.get(&path).status != 200 {
        assert!(began.elapsed() < PATIENCE, "{path} is not kept");
        std::thread::yield_now();
    }
}
