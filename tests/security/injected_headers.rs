//! Class 34: what a client sends becomes a header, or part of one, of an answer.
//!
//! The headers of every call of the API are held to its document in `web/src/tests/describe.rs`,
//! those of browsers in `web/src/tests/heads.rs`. Here a corpus goes through every door, in paths,
//! queries, headers and names that are kept and told again.

use crate::callers::{api, encoded, larder};
use larder_tests::image::{MANIFEST, put_manifest};
use larder_tests::random::Random;
use larder_tests::{Client, Image, Larder, Response};
use serde_json::{Value, json};

/// Texts that end a header, a quoted string or a link, or are no text.
const CORPUS: [&str; 20] = [
    "x\r\nx-injected: yes",
    "x\nx-injected: yes",
    "x\rx-injected: yes",
    "x\r\n\r\n<script>alert(1)</script>",
    "x\r\n x-injected: yes",
    "x\u{0}y",
    "x\u{b}y",
    "x\u{7f}y",
    "x\u{85}x-injected: yes",
    "x\u{2028}x-injected: yes",
    "\u{560a}\u{560d}x-injected: yes", // the last bytes of each are a line's end
    "x\"; filename=\"evil.html",
    "x\"y",
    "x'y",
    "x\\\"y",
    "x>; rel=\"next\", <https://evil.example/",
    "x, Bearer realm=\"https://evil.example/\"",
    "x\"},scope=\"admin",
    "caf\u{e9}",
    "\u{202e}gpj.exe",
];

/// Fails if an answer has a header that no one meant, or one that is no text.
#[track_caller]
fn is_whole(answer: &Response, told: &str) {
    assert!(answer.status < 500, "{told}: {}", answer.text());
    for (name, value) in &answer.headers {
        let plain = value
            .chars()
            .all(|char| char == '\t' || (' '..='~').contains(&char));
        assert!(
            plain && !value.contains("\u{fffd}"),
            "{told}: {name}: {value:?}"
        );
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "{told}: {name:?}"
        );
        assert_ne!(name, "x-injected", "{told}");
        for foreign in [
            "filename=\"evil",
            "<https://evil.example/>; rel",
            "realm=\"https://evil",
            "scope=\"admin",
        ] {
            assert!(!value.contains(foreign), "{told}: {name}: {value}");
        }
    }
}

/// Paths that have a text of the client's, `{}`.
const PATHS: [&str; 26] = [
    "/{}",
    "/v2/{}",
    "/v2/team/{}/tags/list",
    "/v2/team/app/manifests/{}",
    "/v2/team/app/blobs/{}",
    "/v2/team/app/referrers/{digest}?artifactType={}",
    "/v2/team/app/referrers/{digest}?last={}&n=1",
    "/v2/team/app/tags/list?n=1&last={}",
    "/v2/_catalog?n=1&last={}",
    "/v2/token?service={}&scope=repository:team/app:pull",
    "/v2/token?scope=repository:team/{}:pull&account={}",
    "/npm/main/{}",
    "/npm/main/{}/-/{}.tgz",
    "/npm/main/-/v1/search?text={}",
    "/npm/{}",
    "/cargo/main/api/v1/crates/{}/1.0.0/download",
    "/pypi/main/simple/{}",
    "/pypi/main/simple/{}/",
    "/composer/main/p2/acme/{}.json",
    "/composer/main/search.json?q={}",
    "/rpm/main/{}",
    "/api/v1/repositories/npm/{}",
    "/api/v1/search?q={}",
    "/api/v1/repositories?after={}",
    "/sign-in?ask={}",
    "/api/v1/{}",
];

fn house() -> Larder {
    let larder = larder();
    let image = Image::random(&mut Random::seeded(), &[10]);
    for tag in ["a", "b", "c"] {
        image.push(&larder.admin(), "team/app", tag);
    }
    larder
}

#[test]
fn no_text_of_a_request_ends_up_as_a_header() {
    let larder = house();
    let digest = larder.admin().get("/v2/team/app/manifests/a");
    let digest = digest
        .header("docker-content-digest")
        .expect("digest")
        .to_owned();
    let clients = [larder.admin(), larder.anonymous()];
    for text in CORPUS {
        for path in PATHS {
            let path = path
                .replace("{digest}", &digest)
                .replace("{}", &encoded(text));
            for client in &clients {
                for method in ["GET", "HEAD", "POST", "PUT", "DELETE"] {
                    let answer = client.send(method, &path, &[], b"");
                    is_whole(&answer, &format!("{method} {path}"));
                }
            }
        }
    }
}

#[test]
fn no_header_of_a_request_ends_up_in_one_of_the_answer() {
    let larder = house();
    let admin = larder.admin();
    for text in CORPUS
        .iter()
        .filter(|text| !text.contains(['\r', '\n', '\0', '\u{b}', '\u{7f}']))
    {
        for name in [
            "x-request-id",
            "accept",
            "range",
            "if-none-match",
            "if-match",
            "content-type",
            "origin",
            "idempotency-key",
            "accept-encoding",
            "content-range",
            "user-agent",
            "referer",
        ] {
            for path in [
                "/v2/team/app/manifests/a",
                "/api/v1/repositories/oci/team",
                "/npm/main/none",
                "/healthz",
            ] {
                let answer = admin.send("GET", path, &[(name, text)], b"");
                is_whole(&answer, &format!("{path} with {name}: {text:?}"));
            }
        }
        let sent = [
            ("content-type", "application/json"),
            ("idempotency-key", *text),
        ];
        let answer = admin.send("POST", "/api/v1/tokens", &sent, br#"{"name":"x"}"#);
        is_whole(&answer, text);
        let host = Client::anonymous(larder.address());
        is_whole(
            &host.send("GET", "/v2/", &[("x-forwarded-host", text)], b""),
            text,
        );
    }
}

#[test]
fn what_is_kept_and_told_again_is_no_header_either() {
    let larder = house();
    let admin = larder.admin();
    for text in CORPUS {
        let description = json!({"description": text});
        let told = api(&admin, "PATCH", "repositories/oci/team", &description);
        is_whole(&told, text);
        is_whole(
            &api(&admin, "GET", "repositories/oci/team", &Value::Null),
            text,
        );
        let made = api(&admin, "POST", "tokens", &json!({"name": text}));
        is_whole(&made, text);
        // An image's media types and annotations come from whoever pushed it.
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": text,
            "config": {"mediaType": text, "digest": format!("sha256:{}", "0".repeat(64)), "size": 2},
            "layers": [], "annotations": {text: text}});
        let pushed = put_manifest(
            &admin,
            "team/app",
            "odd",
            MANIFEST,
            manifest.to_string().as_bytes(),
        );
        is_whole(&pushed, text);
        is_whole(&admin.get("/v2/team/app/manifests/odd"), text);
    }
}
