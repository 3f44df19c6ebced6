use super::*;
use crate::{Fetch, Integrity};
use http::HeaderMap;
use http::header::ACCEPT;
use larder_model::{Algorithm, Digest, hex};
use serde_json::Value;

mod versions;

const WIDGET: &[u8] = include_bytes!("testdata/widget.json");
const WIDGET_ABBREVIATED: &str = include_str!("testdata/widget.abbreviated.json");
const PIPE: &[u8] = include_bytes!("testdata/JSONPipe.json");
const GONE: &[u8] = include_bytes!("testdata/gone.json");
const HERE: RepoUrl<'static> = RepoUrl {
    origin: "https://r.example",
    path: "/npm/main",
    public: true,
    identified: false,
};

fn asked(method: &Method, path: &str, query: &str, accept: &str) -> Result<ReadRequest, Problem> {
    let mut headers = HeaderMap::new();
    if !accept.is_empty() {
        headers.insert(ACCEPT, accept.parse().expect("value"));
    }
    Npm.parse(&RepoRequest::new(method, path, query, &headers)?)
}

fn get(path: &str) -> Result<ReadRequest, Problem> {
    asked(&Method::GET, path, "", "")
}

fn document(path: &str, query: &str) -> (Document, Representation) {
    match asked(&Method::GET, path, query, "").expect(path) {
        ReadRequest::Document(document, representation) => (document, representation),
        other => panic!("{path}: {other:?}"),
    }
}

fn artifact(path: &str) -> Artifact {
    match get(path).expect(path) {
        ReadRequest::Artifact(artifact) => artifact,
        other => panic!("{path}: {other:?}"),
    }
}

fn address(document: &Document) -> String {
    match Npm.source(document, &[]).expect("source") {
        Source::At { url, accept: JSON } => url,
        other => panic!("{other:?}"),
    }
}

fn rendered(package: &str, representation: Representation, body: &[u8]) -> String {
    let document = packument_of(package);
    Npm.check(&document, body).expect("a packument");
    String::from_utf8(
        Npm.render(&document, &representation, body, &HERE)
            .expect("a form"),
    )
    .expect("text")
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn fetch(path: &str, body: &[u8]) -> Result<Fetch, Problem> {
    match Npm.plan(&artifact(path), &[Some(Bytes::copy_from_slice(body))], &[])? {
        Plan::Fetch(fetch) => Ok(fetch),
        other => panic!("{other:?}"),
    }
}

fn sha1(text: &str) -> Integrity {
    let mut bytes = [0; 20];
    hex::decode_into(text, &mut bytes).expect("a SHA-1");
    Integrity::Sha1(bytes)
}

/// A packument of one version with this `dist`.
fn single(package: &str, version: &str, dist: &Value) -> Vec<u8> {
    json!({"name": package, "versions": {version: {"dist": dist}}})
        .to_string()
        .into_bytes()
}

#[test]
fn a_name_is_one_in_all_its_spellings() {
    for path in [
        "/@acme%2fwidget",
        "/@acme%2Fwidget",
        "/%40acme%2fwidget",
        "/@acme/widget",
        "/%40acme/widget",
    ] {
        assert_eq!(
            document(path, "write=true"),
            (Document::new("@acme/widget", "packument"), FULL),
            "{path}"
        );
    }
    assert_eq!(address(&packument_of("@acme/widget")), "@acme%2fwidget");
    for name in [
        "JSONPipe",
        "constructor",
        "hasOwnProperty",
        "-",
        "a.b_c~d",
        "odd!'()*",
        &"a".repeat(214),
    ] {
        assert_eq!(*document(&format!("/{name}"), "").0.package, *name);
        assert_eq!(address(&packument_of(name)), name);
    }
    assert_eq!(
        &*document("/@acme/__proto__", "").0.package,
        "@acme/__proto__"
    );
}

#[test]
fn what_is_no_name_is_not_found() {
    let long = format!("/{}", "a".repeat(215));
    let bad = [
        "/",
        "/@acme",
        "/@acme/",
        "/@/widget",
        "/.hidden",
        "/@acme/.hidden",
        "/@.acme/widget",
        "/__proto__",
        "/_changes",
        "/a%20b",
        "/a%3ab",
        "/a+b",
        "/%C3%A4",
        "/a@b",
        "/node_modules",
        "/favicon.ico",
        "/widget/",
        "/@acme/widget/",
        &long,
        "/a/b/c",
        "/@acme/widget/x/y",
        "/-/unknown",
        "/-/v1/other",
        "/-/npm/v1/security/advisories/bulk",
        "/-/package/a%20b/dist-tags",
        "/-/package/dist-tags",
        "/-/npm/v1/attestations/widget",
        "/-/npm/v1/attestations/widget@",
        "/-/npm/v1/attestations/widget@a%20b",
        "/-/npm/v1/attestations/@1.0.0",
    ];
    for path in bad {
        assert_eq!(get(path).expect_err(path).kind, Kind::NotFound, "{path}");
    }
}

#[test]
fn a_tarball_is_one_in_all_its_spellings() {
    let expected = Artifact {
        package: "@acme/widget".into(),
        version: Some("1.0.0".into()),
        path: "-/widget-1.0.0.tgz".into(),
    };
    let spellings = [
        "/@acme/widget/-/widget-1.0.0.tgz",
        "/@acme%2fwidget/-/widget-1.0.0.tgz",
        "/%40acme%2Fwidget/-/widget-1.0.0.tgz",
        "/@acme/widget/-/@acme/widget-1.0.0.tgz",
        "/@acme%2fwidget/-/@acme%2fwidget-1.0.0.tgz",
        "/@acme%2fwidget/-/%40acme/widget-1.0.0.tgz",
    ];
    for path in spellings {
        assert_eq!(artifact(path), expected, "{path}");
    }
    let version = |path| artifact(path).version.map(String::from);
    assert_eq!(version("/a/-/a-1.0.0%2Bb.tgz").as_deref(), Some("1.0.0+b"));
    assert_eq!(version("/a/-/a-1.0.0+b.tgz").as_deref(), Some("1.0.0+b"));
    assert_eq!(version("/-/-/--0.0.1.tgz").as_deref(), Some("0.0.1"));
    assert_eq!(version("/JSONPipe/-/jsonpipe-0.7.0.tgz"), None);
    assert_eq!(version("/a/-/a-.tgz"), None);
    assert_eq!(Npm.content_type(&expected), "application/octet-stream");
    let long = format!("/a/-/{}.tgz", "a".repeat(500));
    let bad = [
        "/a/-/a-1.0.0.zip",
        "/a/-/.tgz",
        "/a/-/.a.tgz",
        "/a/-/a%20b.tgz",
        "/a/-/a/a-1.0.0.tgz",
        "/a/-/",
        "/a/-",
        "/@acme/widget/-/@other/widget-1.0.0.tgz",
        "/a/-/@acme/a-1.0.0.tgz",
        "/a/x/a-1.0.0.tgz",
        "/a/-/a-1.0.0.tgz/-rev/1",
        &long,
    ];
    for path in bad {
        assert_eq!(get(path).expect_err(path).kind, Kind::NotFound, "{path}");
    }
}

#[test]
fn the_form_follows_from_what_is_accepted() {
    let representation = |accept| match asked(&Method::HEAD, "/widget", "", accept).expect("path") {
        ReadRequest::Document(_, representation) => representation,
        other => panic!("{other:?}"),
    };
    let abbreviated = [
        "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*",
        "application/vnd.npm.install-v1+json",
        "application/json, application/vnd.npm.install-v1+json",
    ];
    for accept in abbreviated {
        assert_eq!(representation(accept), ABBREVIATED, "{accept}");
    }
    let full = [
        "",
        "application/json",
        "*/*",
        "application/json, application/vnd.npm.install-v1+json;q=0.9",
        "application/vnd.npm.install-v1+json;q=0",
        "application/vnd.npm.install-v2+json",
    ];
    for accept in full {
        assert_eq!(representation(accept), FULL, "{accept}");
    }
}

#[test]
fn what_stands_beside_the_packages() {
    let ReadRequest::Own(own) = get("/-/ping").expect("ping") else {
        panic!("ping")
    };
    assert_eq!(&own(&HERE).body[..], b"{}");
    let bulk = "/-/npm/v1/security/advisories/bulk";
    let ReadRequest::UpstreamQuery(query) = asked(&Method::POST, bulk, "", "").expect(bulk) else {
        panic!("{bulk}")
    };
    assert_eq!(query.path(), &bulk[1..]);
    for path in [
        "/-/package/@acme%2fwidget/dist-tags",
        "/-/package/@acme/widget/dist-tags",
    ] {
        assert_eq!(document(path, ""), (packument_of("@acme/widget"), TAGS));
    }
    let (keys, _) = document("/-/npm/v1/keys", "");
    assert_eq!((&*keys.package, &*address(&keys)), ("", "-/npm/v1/keys"));
    for path in [
        "/-/npm/v1/attestations/@acme%2fwidget@1.1.0-a%2Bb",
        "/-/npm/v1/attestations/@acme/widget@1.1.0-a+b",
    ] {
        let (attestations, representation) = document(path, "");
        assert_eq!(
            (&*attestations.package, representation),
            ("@acme/widget", AS_IT_CAME)
        );
        assert_eq!(
            address(&attestations),
            "-/npm/v1/attestations/@acme%2fwidget@1.1.0-a+b"
        );
    }
    let kind = |method, path| asked(method, path, "", "").expect_err(path).kind;
    assert_eq!(kind(&Method::PUT, "/widget"), Kind::Unsupported);
    assert_eq!(kind(&Method::POST, "/-/v1/login"), Kind::Unsupported);
    assert_eq!(
        kind(&Method::POST, "/-/npm/v1/security/audits"),
        Kind::NotFound
    );
    assert_eq!(
        kind(&Method::POST, "/-/npm/v1/security/audits/quick"),
        Kind::NotFound
    );
}

#[test]
fn a_search_is_said_in_one_way() {
    let (first, _) = document(
        "/-/v1/search",
        "text=left%20pad%26x/%3D%0a&size=999&quality=0.65",
    );
    let (second, _) = document("/-/v1/search", "from=0&size=250&text=+left+pad%26x/%3D");
    assert_eq!(first, second);
    assert_eq!(
        address(&first),
        "-/v1/search?text=left%20pad%26x%2F%3D&size=250&from=0"
    );
    let (bare, _) = document("/-/v1/search", "");
    assert_eq!(address(&bare), "-/v1/search?text=&size=20&from=0");
    assert!(Npm.source(&Document::new("", "search/1"), &[]).is_err());
}

#[test]
fn all_but_the_addresses_stays_as_it_came() {
    let upstream = String::from_utf8(WIDGET.to_vec()).expect("text");
    let repo_url = "https://r.example/npm/main";
    let mut expected = upstream;
    let edits = [
        (
            "\"https://registry.example/@acme/widget/-/widget-1.0.0.tgz\"",
            "/@acme/widget/-/widget-1.0.0.tgz",
        ),
        (
            "\"https:\\/\\/registry.example\\/@acme\\/widget\\/-\\/widget-1.1.0.tgz\"",
            "/@acme/widget/-/widget-1.1.0.tgz",
        ),
        (
            "\"https://registry.example/@acme/widget/-/@acme/widget-2.0.0-rc.1.tgz\"",
            "/@acme/widget/-/widget-2.0.0-rc.1.tgz",
        ),
        (
            "\"https://registry.example/@acme/widget/-/widget-__proto__.tgz\"",
            "/@acme/widget/-/widget-__proto__.tgz",
        ),
        (
            "\"https://registry.example/-/npm/v1/attestations/@acme%2fwidget@1.1.0\"",
            "/-/npm/v1/attestations/@acme/widget@1.1.0",
        ),
    ];
    for (old, new) in edits {
        assert_eq!(expected.matches(old).count(), 1, "{old}");
        expected = expected.replace(old, &format!("\"{repo_url}{new}\""));
    }
    assert_eq!(rendered("@acme/widget", FULL, WIDGET), expected);
}

#[test]
fn installers_get_what_they_read() {
    let text = rendered("@acme/widget", ABBREVIATED, WIDGET);
    assert_eq!(text, WIDGET_ABBREVIATED.trim_end());
    let (short, full) = (
        parsed(&text),
        parsed(&rendered("@acme/widget", FULL, WIDGET)),
    );
    for (version, entries) in short["versions"].as_object().expect("versions") {
        for (key, value) in entries.as_object().expect("a version") {
            assert!(
                key == "hasInstallScript" || full["versions"][version][key] == *value,
                "{version} {key}"
            );
        }
    }
    assert_eq!(short["modified"], full["time"]["modified"]);
    assert_eq!(
        rendered("@acme/widget", TAGS, WIDGET),
        r#"{"latest":"1.1.0","next":"2.0.0-rc.1"}"#
    );
}

#[test]
fn scripts_that_run_on_install_are_told() {
    let cases = [
        (r#""scripts":{"install":"x"}"#, Some(true)),
        (r#""scripts":{"preinstall":"x","test":"y"}"#, Some(true)),
        (r#""scripts":{"postinstall":""}"#, None),
        (r#""scripts":{"test":"install"}"#, None),
        (r#""scripts":"install""#, None),
        (r#""scripts":[{"install":1}]"#, None),
        (r#""gypfile":true"#, Some(true)),
        (r#""gypfile":false"#, None),
        (r#""hasInstallScript":false,"gypfile":true"#, Some(false)),
        (r#""hasInstallScript":true"#, Some(true)),
        ("\"x\":1", None),
    ];
    for (entries, expected) in cases {
        let body = format!(r#"{{"name":"a","versions":{{"1.0.0":{{{entries}}}}}}}"#);
        let short = parsed(&rendered("a", ABBREVIATED, body.as_bytes()));
        assert_eq!(
            short["versions"]["1.0.0"]["hasInstallScript"].as_bool(),
            expected,
            "{entries}"
        );
    }
}

#[test]
fn withdrawn_packages_are_told_of() {
    assert_eq!(rendered("gone", FULL, GONE).as_bytes(), GONE);
    let short = parsed(&rendered("gone", ABBREVIATED, GONE));
    assert_eq!(short["versions"], json!({}));
    assert_eq!(short["dist-tags"], json!({}));
    assert_eq!(short["modified"], "2020-02-01T00:00:00.000Z");
    assert_eq!(short["time"]["unpublished"]["versions"], json!(["1.0.0"]));
    assert_eq!(rendered("gone", TAGS, GONE), "{}");
    assert_eq!(
        fetch("/gone/-/gone-1.0.0.tgz", GONE)
            .expect_err("gone")
            .kind,
        Kind::NotFound
    );
}

#[test]
fn a_tarball_is_checked_against_its_version() {
    let wanted = artifact("/@acme/widget/-/widget-1.1.0.tgz");
    assert_eq!(
        Npm.plan(&wanted, &[], &[]).expect("plan"),
        Plan::Read(packument_of("@acme/widget"))
    );
    assert_eq!(
        Npm.plan(&wanted, &[None], &[]).expect_err("unknown").kind,
        Kind::NotFound
    );
    let found = fetch("/@acme/widget/-/widget-1.1.0.tgz", WIDGET).expect("a version");
    assert_eq!(
        found.url,
        "https://registry.example/@acme/widget/-/widget-1.1.0.tgz"
    );
    assert_eq!(
        (found.integrity, found.size),
        (
            Integrity::Digest(Digest::of(Algorithm::Sha512, b"1.1.0")),
            None
        )
    );
    let odd = fetch("/@acme/widget/-/widget-2.0.0-rc.1.tgz", WIDGET).expect("a version");
    assert_eq!(
        odd.url,
        "https://registry.example/@acme/widget/-/@acme/widget-2.0.0-rc.1.tgz"
    );
    assert_eq!(
        odd.integrity,
        sha1("9e99648581dff858b8b8d73978580da7cf7d0910")
    );
    let proto = fetch("/@acme/widget/-/widget-__proto__.tgz", WIDGET).expect("a version");
    assert_eq!(proto.integrity, Integrity::None);
    for file in [
        "widget-9.9.9.tgz",
        "widget-constructor.tgz",
        "other.tgz",
        "widget.tgz",
    ] {
        let path = format!("/@acme/widget/-/{file}");
        assert_eq!(fetch(&path, WIDGET).expect_err(file).kind, Kind::NotFound);
    }
}

#[test]
fn old_versions_have_only_a_sha1() {
    let new = fetch("/JSONPipe/-/JSONPipe-0.8.0.tgz", PIPE).expect("a version");
    assert_eq!(
        new.url,
        "http://registry.example/JSONPipe/-/JSONPipe-0.8.0.tgz"
    );
    assert_eq!(
        new.integrity,
        sha1("51107ddecc7bfbd8a25f3dab635256931c712ff4")
    );
    // Its file has another name than its package: served under the conventional one, found under
    // both.
    for path in [
        "/JSONPipe/-/JSONPipe-0.7.0.tgz",
        "/JSONPipe/-/jsonpipe-0.7.0.tgz",
    ] {
        let old = fetch(path, PIPE).expect("a version");
        assert_eq!(
            old.url,
            "http://registry.example/jsonpipe/-/jsonpipe-0.7.0.tgz"
        );
        assert_eq!(
            old.integrity,
            sha1("991993469cf0c38e1edcd59d3e4306bee2f382b3"),
            "upper case is read, too"
        );
    }
    let short = parsed(&rendered("JSONPipe", ABBREVIATED, PIPE));
    let tarball = &short["versions"]["0.7.0"]["dist"]["tarball"];
    assert_eq!(
        tarball,
        "https://r.example/npm/main/JSONPipe/-/JSONPipe-0.7.0.tgz"
    );
    assert_eq!(short["versions"]["0.8.0"]["engines"], json!(["node"]));
}

#[test]
fn the_strongest_promise_counts() {
    const SHA256: &str = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    const SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    let (sha1, sha256) = (
        sha1(SHA1),
        Integrity::Digest(Digest::of(Algorithm::Sha256, b"")),
    );
    let sha512 = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
    let strongest = Integrity::Digest(Digest::of(Algorithm::Sha512, b""));
    let cases = [
        (
            json!({"integrity": format!("{SHA256} sha384-AAAA {sha512}?opt=1"), "shasum": SHA1}),
            strongest.clone(),
        ),
        (
            json!({"integrity": format!(" {sha512}  sha512-AAAA\n")}),
            strongest,
        ),
        (
            json!({"integrity": format!("sha384-AAAA {SHA256}"), "shasum": SHA1}),
            sha256.clone(),
        ),
        (
            json!({"integrity": format!("sha512-AAAA {SHA256}")}),
            sha256,
        ),
        (
            json!({"integrity": "sha384-AAAA", "shasum": SHA1}),
            sha1.clone(),
        ),
        (
            json!({"integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="}),
            sha1.clone(),
        ),
        (json!({"integrity": 5, "shasum": SHA1.to_uppercase()}), sha1),
        (
            json!({"integrity": "sha512-***", "shasum": "00"}),
            Integrity::None,
        ),
        (json!({"integrity": null, "shasum": null}), Integrity::None),
    ];
    for (mut dist, expected) in cases {
        dist["tarball"] = "https://registry.example/a/-/a-1.0.0.tgz".into();
        let found = fetch("/a/-/a-1.0.0.tgz", &single("a", "1.0.0", &dist)).expect("a version");
        assert_eq!(found.integrity, expected, "{dist}");
    }
}

#[test]
fn file_names_that_tell_nothing_become_conventional() {
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
fn a_name_that_two_versions_share_finds_neither() {
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
fn nothing_of_the_upstream_breaks_out_of_an_address() {
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
fn odd_values_stay_as_they_are() {
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
fn what_is_no_packument_is_refused() {
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
        assert!(Npm.render(&widget, &FULL, body, &HERE).is_err() || Packument::read(body).is_ok());
    }
    for (path, good) in [
        ("keys", "keys"),
        ("attestations/1.0.0", "attestations"),
        ("search/20/0/x", "objects"),
    ] {
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
        assert_eq!(
            Npm.render(&document, &AS_IT_CAME, b"as it is", &HERE)
                .expect(path),
            b"as it is"
        );
    }
}

#[test]
fn damaged_packuments_break_nothing() {
    let widget = packument_of("@acme/widget");
    let tarball = artifact("/@acme/widget/-/widget-1.1.0.tgz");
    let see = |body: &[u8]| {
        let passed = Npm.check(&widget, body).is_ok();
        for representation in [FULL, ABBREVIATED, TAGS] {
            let rendered = Npm.render(&widget, &representation, body, &HERE);
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
fn thousands_of_versions_are_all_there() {
    let version = |number: usize| format!("{}.{}.{}", number / 100, number / 10 % 10, number % 10);
    let versions: serde_json::Map<String, Value> = (0..3000)
        .map(|number| {
            let version = version(number);
            let tarball = format!("https://registry.example/big/-/big-{version}.tgz");
            let entries = json!({
                "name": "big", "version": version, "readme": "x".repeat(number), "dependencies": {"left-pad": "^1.3.0"},
                "scripts": {"install": "node-gyp rebuild"}, "dist": {"tarball": tarball, "shasum": format!("{number:040x}")},
            });
            (version, entries)
        })
        .collect();
    let body = json!({"name": "big", "dist-tags": {"latest": "29.9.9"}, "versions": versions, "time": {"modified": "x"}});
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
fn problems_are_told_in_the_field_that_clients_print() {
    let refused = Npm.refuse(
        &Problem::new(Kind::Policy, "policy", "widget is \"held\""),
        &HERE,
    );
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(&refused.body[..], br#"{"error":"widget is \"held\""}"#);
    assert!(!refused.headers.contains_key(WWW_AUTHENTICATE));
    let refused = Npm.refuse(
        &Problem::new(Kind::Unauthenticated, "access", "log in \"now\""),
        &HERE,
    );
    let challenges: Vec<_> = refused.headers.get_all(WWW_AUTHENTICATE).iter().collect();
    assert_eq!(
        challenges,
        ["bearer realm=\"larder\", error_description=\"log in now\""]
    );
}
