//! As whom a registry is asked, what its token endpoint and its limits are told as, and what its check
//! knows.

use crate::bed::Bed;
use crate::images_wrong::{IMAGE, blob_path, here, manifest_path, put_image};
use crate::wrong::{FORGETFUL, SMALL};
use larder_tests::random::Random;
use larder_tests::{Fault, Image, Shelf, Upstream};
use serde_json::{Value, json};

const TAG: &str = "/v2/up/team/app/manifests/1";
const TOKEN: &str = "/token?service=here&scope=repository%3Ateam%2Fapp%3Apull";

/// A mirror of an upstream that has an image, which is asked as `robot`.
fn mirror() -> (Bed, Shelf, Image) {
    let bed = Bed::with(&FORGETFUL);
    let shelf = Shelf::new("oci", &bed.upstream);
    let credentials = json!({"url": bed.upstream.url(), "allow_private": true,
        "username": "robot", "password": "secret"});
    bed.make(&shelf, &credentials);
    let image = Image::random(&mut Random::seeded(), &[SMALL]);
    put_image(&bed.upstream, "1", &image);
    bed.upstream.put(
        TOKEN,
        r#"{"token":"","access_token":"a-token","expires_in":"3600"}"#,
    );
    (bed, shelf, image)
}

/// A mirror that is asked as anyone.
fn open_mirror() -> (Bed, Shelf, Image) {
    let (bed, shelf, image) = mirror();
    bed.change(
        &shelf,
        &json!({"upstream": {"username": "", "password": ""}}),
    );
    (bed, shelf, image)
}

fn bearer(upstream: &Upstream) -> String {
    format!("Bearer realm=\"{}token\",service=\"here\"", upstream.url())
}

/// What was asked since the last time, and as whom.
fn asked(upstream: &Upstream) -> Vec<(String, String)> {
    let scheme = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
    let asked = upstream.take_asked().into_iter();
    asked
        .map(|it| {
            (
                it.path.clone(),
                scheme(it.header("authorization").unwrap_or_default()),
            )
        })
        .collect()
}

fn pair(path: &str, scheme: &str) -> (String, String) {
    (path.to_owned(), scheme.to_owned())
}

#[test]
fn a_registry_is_asked_as_anyone_first_and_its_challenge_answered() {
    let (bed, shelf, image) = mirror();
    let blob = blob_path(&image.blobs[0].1);
    let lines = [
        bearer(&bed.upstream),
        format!("{}, Basic realm=\"x\"", bearer(&bed.upstream)),
        format!("Basic realm=\"x\", {}", bearer(&bed.upstream)),
        format!("Negotiate, {}", bearer(&bed.upstream)),
    ];
    for (at, line) in lines.into_iter().enumerate() {
        // Some refuse a login that they did not ask for.
        let tag = format!("t{at}");
        put_image(&bed.upstream, &tag, &image);
        for path in [&manifest_path(&tag), &blob] {
            bed.upstream.fail(path, Fault::TokensAlone(line.clone()));
        }
        bed.rest(&shelf);
        bed.upstream.take_asked();
        bed.get(&here(&manifest_path(&tag))).expect(200);
        let right = [
            pair(&manifest_path(&tag), ""),
            pair(TOKEN, "Basic"),
            pair(&manifest_path(&tag), "Bearer"),
        ];
        assert_eq!(asked(&bed.upstream), right, "{line}");
    }
    bed.right(&here(&blob), &image.blobs[0].1);
    assert_eq!(
        asked(&bed.upstream),
        [pair(&blob, "Bearer")],
        "the token is remembered"
    );
}

#[test]
fn name_and_password_are_shown_to_a_registry_that_asks_for_them() {
    let (bed, _shelf, image) = mirror();
    let (tag, blob) = (manifest_path("1"), blob_path(&image.blobs[0].1));
    for path in [&tag, &blob] {
        bed.upstream.fail(path, Fault::Password);
    }
    bed.get(TAG).expect(200);
    bed.right(&here(&blob), &image.blobs[0].1);
    let right = [pair(&tag, ""), pair(&tag, "Basic"), pair(&blob, "Basic")];
    assert_eq!(asked(&bed.upstream), right);
}

#[test]
fn what_is_hidden_from_strangers_is_asked_for_with_a_login() {
    let (bed, _shelf, _) = mirror();
    bed.upstream.put("/v2/", "{}");
    bed.upstream
        .fail("/v2/", Fault::Challenge(bearer(&bed.upstream)));
    let tag = manifest_path("1");
    bed.upstream.fail_times(&tag, Fault::Status(404), 1);
    bed.get(TAG).expect(200);
    let right = [
        pair(&tag, ""),
        pair("/v2/", ""),
        pair(TOKEN, "Basic"),
        pair(&tag, "Bearer"),
    ];
    assert_eq!(asked(&bed.upstream), right);
}

#[test]
fn a_login_that_is_not_known_here_is_told() {
    let (bed, shelf, _) = open_mirror();
    for (fault, status, told) in [
        (
            Fault::Challenge("Negotiate".to_owned()),
            403,
            "of a kind that is not known here",
        ),
        (Fault::Password, 403, "larder upstream check oci/up"),
        (Fault::Status(401), 404, "no such thing"),
    ] {
        bed.upstream.fail(&manifest_path("1"), fault);
        let refused = bed.get(TAG).expect(status).text();
        assert!(refused.contains(told), "{refused}");
        bed.rest(&shelf);
    }
}

#[test]
fn a_token_endpoint_refuses_as_its_registry_would() {
    let denied = r#"{"errors":[{"code":"DENIED","message":"requested access is denied"}]}"#;
    for (is_known, statuses) in [
        (false, [(401, 404), (403, 404), (404, 404), (400, 502)]),
        (true, [(401, 403), (403, 403), (404, 404), (400, 502)]),
    ] {
        let (bed, shelf, _) = if is_known { mirror() } else { open_mirror() };
        let tag = manifest_path("1");
        for (status, right) in statuses {
            bed.upstream
                .fail(&tag, Fault::Challenge(bearer(&bed.upstream)));
            bed.upstream
                .fail(TOKEN, Fault::Says(status, denied.to_owned()));
            bed.upstream.take_asked();
            bed.get(TAG).expect(right);
            assert_eq!(bed.upstream.total(), 2, "{status}: nothing is asked twice");
            bed.rest(&shelf);
        }
        bed.upstream.fail(TOKEN, Fault::Later(429, 7));
        bed.upstream.take_asked();
        for (state, asked) in [("as it is", 1), ("in its pause", 0)] {
            let refused = bed.get(TAG).expect(429);
            let all = bed.upstream.take_asked();
            let tokens = all.iter().filter(|it| it.path == TOKEN).count();
            assert_eq!(tokens, asked, "{state}: {all:?}");
            assert!(
                refused.header("retry-after").is_some(),
                "{:?}",
                refused.headers
            );
        }
        bed.rest(&shelf);
        bed.upstream.fail(TOKEN, Fault::Later(503, 7));
        let refused = bed.get(TAG).expect(503);
        assert_eq!(refused.header("retry-after"), Some("7"));
    }
}

#[test]
fn a_limit_is_told_once_as_one_and_in_its_words() {
    let (bed, _shelf, _) = open_mirror();
    let said = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}"#;
    bed.upstream
        .fail(&manifest_path("1"), Fault::Says(429, said.to_owned()));
    let refused = bed.get(TAG).expect(429);
    let text = refused.text();
    assert!(
        text.contains("TOOMANYREQUESTS")
            && text.contains("answered 429 (You have reached your pull rate limit)"),
        "{text}"
    );
    assert!(
        refused.header("retry-after").is_some(),
        "{:?}",
        refused.headers
    );
    assert_eq!(bed.upstream.total(), 1, "{:?}", bed.upstream.take_asked());
}

#[test]
fn numbers_of_a_registry_are_taken_within_bounds() {
    let (bed, shelf, _) = open_mirror();
    let tag = manifest_path("1");
    bed.upstream
        .fail(&tag, Fault::Challenge(bearer(&bed.upstream)));
    for life in ["18446744073709551615", "\"1e300\"", "-1", "300.5", "null"] {
        bed.upstream
            .put(TOKEN, format!("{{\"token\":\"t\",\"expires_in\":{life}}}"));
        bed.get(TAG).expect(200);
        forget(&bed);
        bed.rest(&shelf);
    }
    bed.upstream.fail(&tag, Fault::Later(429, u64::MAX));
    let refused = bed.get(TAG).expect(429);
    assert_eq!(refused.header("retry-after"), Some("600"));
    assert!(!bed.larder.log_text().contains("panicked"));
}

#[test]
fn credentials_go_to_a_token_endpoint_elsewhere_only_if_it_is_named() {
    let (bed, shelf, _) = mirror();
    let login = Upstream::start();
    login.put(TOKEN, r#"{"token":"a-token"}"#);
    login.put("/token?service=here", r#"{"token":"a-token"}"#);
    login.fail(TOKEN, Fault::Password);
    bed.upstream
        .put_with("/v2/", "{}", &[("content-type", "application/json")]);
    for path in ["/v2/", &manifest_path("1")] {
        bed.upstream.fail(path, Fault::Challenge(bearer(&login)));
    }
    let origin = login.url().trim_end_matches('/').to_owned();
    // It is asked as anyone where it may be asked at all.
    bed.change(&shelf, &json!({"upstream": {"allow": [origin]}}));
    let refused = bed.get(TAG).expect(403).text();
    assert!(
        refused.contains("larder upstream check oci/up tells which"),
        "{refused}"
    );
    assert!(!refused.contains(&origin), "{refused}");
    assert_eq!(asked(&login), [pair(TOKEN, "")]);
    let told = check(&bed);
    assert_eq!(told["ok"], false);
    let advice = format!("larder repo set oci/up --token-origin {origin}");
    assert!(
        text(&told, "problem").contains(&origin) && text(&told, "advice").contains(&advice),
        "{told}"
    );

    let change = json!({"upstream": {"allow": [], "token_origins": [origin]}});
    bed.change(&shelf, &change);
    login.take_asked();
    bed.get(TAG).expect(200);
    assert_eq!(asked(&login), [pair(TOKEN, "Basic")]);
    let told = check(&bed);
    assert_eq!(
        (&told["ok"], &told["authenticated"]),
        (&json!(true), &json!(true)),
        "{told}"
    );
    let shown = bed.larder.api("GET", "repositories/oci/up", "", 200);
    assert_eq!(shown["upstream"]["token_origins"], json!([login.url()]));
}

#[test]
fn a_token_endpoint_that_moved_is_followed_as_whom_it_may_know() {
    let (bed, shelf, _) = mirror();
    let challenge = Fault::Challenge(bearer(&bed.upstream));
    bed.upstream.fail(&manifest_path("1"), challenge);
    let moved = "/login/token?scope=here";
    bed.upstream.put(moved, r#"{"token":"a-token"}"#);
    bed.upstream.fail(TOKEN, Fault::Redirect(moved.to_owned()));
    bed.get(TAG).expect(200);
    let tokens = |upstream: &Upstream| -> Vec<_> {
        let asked = asked(upstream).into_iter();
        asked.filter(|(path, _)| path.contains("token")).collect()
    };
    assert_eq!(
        tokens(&bed.upstream),
        [pair(TOKEN, "Basic"), pair(moved, "Basic")]
    );
    // Elsewhere it is asked as anyone, where it may be asked at all.
    let login = Upstream::start();
    login.put("/token", r#"{"token":"a-token"}"#);
    let away = format!("{}token", login.url());
    bed.upstream.fail(TOKEN, Fault::Redirect(away));
    let origin = login.url().trim_end_matches('/').to_owned();
    bed.change(&shelf, &json!({"upstream": {"allow": [origin]}}));
    forget(&bed);
    bed.get(TAG).expect(200);
    assert_eq!(tokens(&login), [pair("/token", "")]);
    // So its check knows that nobody has seen the login.
    bed.upstream
        .put_with("/v2/", "{}", &[("content-type", "application/json")]);
    let challenge = Fault::Challenge(bearer(&bed.upstream));
    bed.upstream.fail("/v2/", challenge);
    let away = format!("{}token", login.url());
    bed.upstream
        .fail("/token?service=here", Fault::Redirect(away));
    let told = check(&bed);
    assert_eq!(
        (&told["ok"], &told["authenticated"]),
        (&json!(false), &json!(false)),
        "{told}"
    );
    assert!(text(&told, "advice").contains(&origin), "{told}");
    // One that leads to itself does not keep us.
    bed.upstream.fail(TOKEN, Fault::Redirect(TOKEN.to_owned()));
    bed.rest(&shelf);
    forget(&bed);
    bed.upstream.take_asked();
    let refused = bed.get(TAG).expect(502).text();
    assert!(refused.contains("redirects in a circle"), "{refused}");
    assert_eq!(tokens(&bed.upstream).len(), 6);
}

/// Nothing is kept of the image any more.
fn forget(bed: &Bed) {
    let image = "/api/v1/repositories/oci/up/packages/team%2Fapp";
    bed.larder
        .admin()
        .send("DELETE", image, &[], b"")
        .expect(204);
}

fn check(bed: &Bed) -> Value {
    let path = "repositories/oci/up/upstream/check";
    bed.larder.api("POST", path, "{}", 200)
}

fn text(told: &Value, field: &str) -> String {
    told[field].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_check_knows_a_registry_from_a_web_page() {
    let (bed, shelf, _) = open_mirror();
    for (headers, is_registry) in [
        (&[("content-type", "text/html; charset=utf-8")][..], false),
        (&[("content-type", "application/json; charset=utf-8")], true),
        (
            &[
                ("docker-distribution-api-version", "registry/2.0"),
                ("content-type", "text/plain"),
            ],
            true,
        ),
    ] {
        bed.upstream.put_with("/v2/", "<html>{}", headers);
        let told = check(&bed);
        assert_eq!(told["ok"], is_registry, "{told}");
        let problem = text(&told, "problem");
        assert_eq!(
            problem.contains("no registry, but a page"),
            !is_registry,
            "{told}"
        );
    }
    // Everyone may be given a token; a password is somebody's.
    for (challenge, is_open) in [
        (bearer(&bed.upstream), true),
        ("Basic realm=\"here\"".to_owned(), false),
    ] {
        bed.upstream.fail("/v2/", Fault::Challenge(challenge));
        let told = check(&bed);
        assert_eq!(told["ok"], is_open, "{told}");
        let (problem, advice) = (text(&told, "problem"), text(&told, "advice"));
        assert_eq!(
            problem.contains("wants a login") && advice.contains("--username"),
            !is_open,
            "{told}"
        );
    }
    bed.upstream.heal();
    // The path that is added is left out.
    let url = |path: &str| json!({"upstream": {"url": format!("{}{path}", bed.upstream.url()), "allow_private": true}});
    bed.change(&shelf, &url("v2/"));
    let told = check(&bed);
    let advice = format!(
        "leave v2/ out of the address, it is added: larder repo set oci/up --upstream {}",
        bed.upstream.url()
    );
    assert_eq!(text(&told, "advice"), advice, "{told}");
    bed.change(&shelf, &url("else/"));
    assert!(text(&check(&bed), "advice").contains("check the address"));
}

#[test]
fn bytes_that_do_not_fit_a_digest_are_told_as_that() {
    let (bed, _shelf, image) = open_mirror();
    let blob = blob_path(&image.blobs[0].1);
    bed.upstream.fail(&blob, Fault::Flipped(0));
    let told = bed.get(&here(&blob)).expect(502).text();
    let digest = blob.rsplit('/').next().expect("digest");
    assert!(
        told.contains(&format!("not those of the digest {digest}")) && !told.contains("index"),
        "{told}"
    );
    assert!(blob.contains(IMAGE));
}
