//! Packuments that are odd, hostile or large.

use super::*;

#[test]
fn ambiguous_file_names_are_replaced() {
    let urls = [
        (
            "https://up.example/files/a/1.0.0/0123456789abcdef",
            "a-1.0.0.tgz",
        ),
        ("https://up.example/a/1.0.0/package.tgz", "a-1.0.0.tgz"),
        ("https://up.example/a/-/a-1.0.0%2Bx.tgz", "a-1.0.0.tgz"),
        (
            "https://up.example/a/-/a-v1.0.tgz?token=x/y#z",
            "a-v1.0.tgz",
        ),
        ("", "a-1.0.0.tgz"),
    ];
    for (url, file) in urls {
        let body = single("a", "1.0.0", &json!({"tarball": url}));
        let full = parsed(&rendered("a", FULL, &body));
        let repo_url = format!("https://r.example/npm/main/a/-/{file}");
        assert_eq!(
            full["versions"]["1.0.0"]["dist"]["tarball"], repo_url,
            "{url}"
        );
        assert_eq!(fetch(&format!("/a/-/{file}"), &body).expect(url).url, url);
    }
}

#[test]
fn a_file_name_of_two_versions_finds_neither() {
    let dist = |version| json!({"dist": {"tarball": format!("https://up.example/a/{version}/package.tgz")}});
    let one = json!({"name": "a", "versions": {"1.0.0": dist("1.0.0")}}).to_string();
    let two = json!({"name": "a", "versions": {"1.0.0": dist("1.0.0"), "2.0.0": dist("2.0.0")}})
        .to_string();
    let url = |path, body: &str| fetch(path, body.as_bytes()).map(|fetch| fetch.url).ok();
    assert_eq!(
        url("/a/-/package.tgz", &one).as_deref(),
        Some("https://up.example/a/1.0.0/package.tgz")
    );
    assert_eq!(url("/a/-/package.tgz", &two), None);
    assert_eq!(
        url("/a/-/a-2.0.0.tgz", &two).as_deref(),
        Some("https://up.example/a/2.0.0/package.tgz")
    );
}

#[test]
fn text_of_upstreams_is_escaped_in_urls() {
    let hostile = "1.0.0\"/../../x?y#z<";
    let body = single(
        "a",
        hostile,
        &json!({"tarball": "x", "attestations": {"url": "y", "url2": 1}}),
    );
    let full = parsed(&rendered("a", FULL, &body));
    let dist = &full["versions"][hostile]["dist"];
    assert_eq!(
        dist["tarball"],
        "https://r.example/npm/main/a/-/a-1.0.0%22%2F..%2F..%2Fx%3Fy%23z%3C.tgz"
    );
    let attestations =
        "https://r.example/npm/main/-/npm/v1/attestations/a@1.0.0%22%2F..%2F..%2Fx%3Fy%23z%3C";
    assert_eq!(
        dist["attestations"],
        json!({"url": attestations, "url2": 1})
    );
}

#[test]
fn unknown_values_are_copied() {
    for dist in [
        "null",
        "[]",
        "\"x\"",
        "{}",
        r#"{"tarball":null,"attestations":true}"#,
        r#"{"attestations":{"url":[1]}}"#,
    ] {
        let body = format!(r#"{{"name":"a","versions":{{"1.0.0":{{"dist":{dist}}}}},"time":[]}}"#);
        let full = rendered("a", FULL, body.as_bytes());
        assert!(full == body || dist.contains("[1]"), "{dist}");
        parsed(&rendered("a", ABBREVIATED, body.as_bytes()));
        assert_eq!(
            fetch("/a/-/a-1.0.0.tgz", body.as_bytes())
                .expect_err(dist)
                .kind,
            Kind::NotFound
        );
    }
}

#[test]
fn a_key_that_is_there_twice_is_refused() {
    let tarballs = r#""tarball":"https://u.example/1.tgz","tarball":"https://u.example/2.tgz""#;
    let urls = r#""attestations":{"url":"https://u.example/1","url":"https://u.example/2"}"#;
    for dist in [tarballs, urls] {
        let body = format!(r#"{{"name":"a","versions":{{"1.0.0":{{"dist":{{{dist}}}}}}}}}"#);
        let problem = Npm.check(&packument_of("a"), body.as_bytes());
        assert_eq!(problem.expect_err(dist).kind, Kind::Upstream);
    }
    for versions in [
        r#"{"1.0.0":{},"1.0.0":{}}"#,
        r#"{"1.0.0":{"dist":{},"dist":{}}}"#,
    ] {
        let body = format!(r#"{{"name":"a","versions":{versions}}}"#);
        let problem = Npm.check(&packument_of("a"), body.as_bytes());
        assert_eq!(problem.expect_err(versions).kind, Kind::Upstream);
    }
}

#[test]
fn invalid_packuments_are_refused() {
    let widget = packument_of("@acme/widget");
    Npm.check(&widget, WIDGET).expect("a packument");
    let deep = format!(
        "{{\"name\":\"@acme/widget\",\"versions\":{}",
        "{\"a\":".repeat(100_000)
    );
    let bad: [&[u8]; 12] = [
        b"<html>log in</html>",
        b"",
        b"{}",
        b"[]",
        b"null",
        br#"{"error":"not_found"}"#,
        br#"{"name":"@acme/widget"}"#,
        br#"{"name":"@acme/Widget","versions":{}}"#,
        br#"{"name":"@acme/widget","versions":[]}"#,
        br#"{"name":"@acme/widget","versions":{"1.0.0":1}}"#,
        b"{\"name\":\"@acme/widget\",\"versions\":{},\"x\":\"\xff\"}",
        deep.as_bytes(),
    ];
    for body in bad {
        assert_eq!(
            Npm.check(&widget, body).expect_err("refused").kind,
            Kind::Upstream,
            "{}",
            body.len()
        );
        assert!(render(&Npm, &widget, FULL, body).is_err() || Packument::read(body).is_ok());
    }
    for (path, good) in [("keys", "keys"), ("attestations/1.0.0", "attestations")] {
        let document = Document::new("", path);
        Npm.check(&document, format!("{{\"x\":1,\"{good}\": []}}").as_bytes())
            .expect(path);
        for body in [
            "<html>",
            "{}",
            "{\"error\":\"x\"}",
            &format!("{{\"{good}\":{{}}}}"),
        ] {
            assert_eq!(
                Npm.check(&document, body.as_bytes()).expect_err(path).kind,
                Kind::Upstream
            );
        }
    }
}

#[test]
fn a_packument_without_a_name_or_with_a_null_version_is_read() {
    let dist = r#"{"tarball":"https://u.example/a/-/a-1.0.0.tgz","shasum":"00"}"#;
    let versions = format!(r#"{{"1.0.0":{{"version":"1.0.0","dist":{dist}}},"2.0.0":null}}"#);
    let body =
        format!("\u{feff}{{\"dist-tags\":{{\"latest\":\"2.0.0\"}},\"versions\":{versions}}}");
    let document = packument_of("a");
    assert_eq!(
        Npm.check(&document, body.as_bytes()).expect("a packument"),
        1
    );
    for representation in [FULL, ABBREVIATED] {
        let packument = parsed(&rendered("a", representation, body.as_bytes()));
        let tarball = &packument["versions"]["1.0.0"]["dist"]["tarball"];
        assert_eq!(tarball, "https://r.example/npm/main/a/-/a-1.0.0.tgz");
    }
    let abbreviated = parsed(&rendered("a", ABBREVIATED, body.as_bytes()));
    assert_eq!(abbreviated["name"], "a");
    assert!(abbreviated["versions"]["2.0.0"].is_null());
    fetch("/a/-/a-1.0.0.tgz", body.as_bytes()).expect("a tarball");
    let unread = fetch("/a/-/a-2.0.0.tgz", body.as_bytes()).expect_err("no version");
    assert_eq!(unread.kind, Kind::NotFound);
}

#[test]
fn damaged_packuments_cause_no_panic() {
    let widget = packument_of("@acme/widget");
    let tarball = artifact("/@acme/widget/-/widget-1.1.0.tgz");
    let see = |body: &[u8]| {
        let passed = Npm.check(&widget, body).is_ok();
        for representation in [FULL, ABBREVIATED, TAGS] {
            let rendered = render(&Npm, &widget, representation, body);
            assert!(rendered.is_ok() || !passed);
            let value = rendered
                .ok()
                .map(|text| serde_json::from_slice::<serde::de::IgnoredAny>(&text));
            assert!(value.is_none_or(|value| value.is_ok()));
        }
        let _ = Npm.plan(&tarball, &[Some(Bytes::copy_from_slice(body))], &[]);
    };
    for end in 0..WIDGET.len() {
        see(&WIDGET[..end]);
        let mut body = WIDGET.to_vec();
        body[end] = b"\"{}\\0\xff"[end % 6];
        see(&body);
    }
}

#[test]
fn a_packument_has_thousands_of_versions() {
    let version = |number: usize| format!("{}.{}.{}", number / 100, number / 10 % 10, number % 10);
    let versions: serde_json::Map<String, Value> = (0..3000)
        .map(|number| {
            let version = version(number);
            let tarball = format!("https://registry.example/big/-/big-{version}.tgz");
            let entries = json!({
                "name": "big", "version": version, "readme": "x".repeat(number),
                "dependencies": {"left-pad": "^1.3.0"},
                "scripts": {"install": "node-gyp rebuild"},
                "dist": {"tarball": tarball, "shasum": format!("{number:040x}")},
            });
            (version, entries)
        })
        .collect();
    let body = json!({
        "name": "big", "dist-tags": {"latest": "29.9.9"}, "versions": versions,
        "time": {"modified": "x"},
    });
    let body = body.to_string();
    let full = rendered("big", FULL, body.as_bytes());
    assert_eq!(
        full,
        body.replace("https://registry.example/", "https://r.example/npm/main/")
    );
    let short = parsed(&rendered("big", ABBREVIATED, body.as_bytes()));
    assert_eq!(
        short["versions"].as_object().map(serde_json::Map::len),
        Some(3000)
    );
    for (version, entries) in short["versions"].as_object().expect("versions") {
        assert_eq!(
            entries.as_object().map(serde_json::Map::len),
            Some(5),
            "{version}"
        );
        let tarball = entries["dist"]["tarball"].as_str().expect("a tarball");
        let path = tarball
            .strip_prefix("https://r.example/npm/main")
            .expect("an address here");
        assert_eq!(artifact(path).version.as_deref(), Some(version.as_str()));
        assert_eq!(entries["hasInstallScript"], true);
    }
    let last = fetch(
        &format!("/big/-/big-{}.tgz", version(2999)),
        body.as_bytes(),
    )
    .expect("the last");
    assert_eq!(last.integrity, sha1(&format!("{:040x}", 2999)));
}

#[test]
fn problems_are_in_the_field_that_clients_print() {
    let refused = Npm.refuse(
        &Problem::new(Kind::Policy, "policy", "widget is \"held\""),
        &REPO_URL,
    );
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(&refused.body[..], br#"{"error":"widget is \"held\""}"#);
    assert!(!refused.headers.contains_key(WWW_AUTHENTICATE));
    let refused = Npm.refuse(
        &Problem::new(Kind::Unauthenticated, "access", "log in \"now\""),
        &REPO_URL,
    );
    let challenges: Vec<_> = refused.headers.get_all(WWW_AUTHENTICATE).iter().collect();
    assert_eq!(
        challenges,
        ["bearer realm=\"larder\", error_description=\"log in now\""]
    );
}
