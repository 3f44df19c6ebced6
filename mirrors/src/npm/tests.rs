use super::*;
use crate::Integrity;
use crate::resource::{Fetch, ReadRequest, Representation};
use crate::testing::{REPO_URL, at_repo_url, call, read, render, search};
use http::header::ACCEPT;
use http::{Method, StatusCode};
use larder_model::{Algorithm, Digest, hex};
use routes::{FULL, PLAIN, VERSION};
use serde_json::Value;

mod packuments;
mod tarballs;
mod versions;

const WIDGET: &[u8] = include_bytes!("testdata/widget.json");
const WIDGET_ABBREVIATED: &str = include_str!("testdata/widget.abbreviated.json");
const PIPE: &[u8] = include_bytes!("testdata/JSONPipe.json");
const GONE: &[u8] = include_bytes!("testdata/gone.json");
fn asked(method: &Method, path: &str, accept: &str) -> Result<ReadRequest, Problem> {
    let accept = Some((ACCEPT, accept)).filter(|(_, accept)| !accept.is_empty());
    call(&Npm, method, path, accept).map(read)
}

fn get(path: &str) -> Result<ReadRequest, Problem> {
    asked(&Method::GET, path, "")
}

fn document(path: &str) -> (Document, Representation) {
    match get(path).expect(path) {
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
    let rendered = render(&Npm, &document, representation, body);
    String::from_utf8(rendered.expect("rendered")).expect("text")
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn fetch(path: &str, body: &[u8]) -> Result<Fetch, Problem> {
    let artifact = artifact(path);
    let Plan::Outline(document) = Npm.plan(&artifact, &[], &[])? else {
        panic!("the packument comes first");
    };
    let outline = PackumentOutlines.outline(&document, body)?;
    match Npm.plan(&artifact, &[], &[outline])? {
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
fn all_spellings_of_a_name_are_one_package() {
    for path in [
        "/@acme%2fwidget",
        "/@acme%2Fwidget",
        "/%40acme%2fwidget",
        "/@acme/widget",
        "/%40acme/widget",
    ] {
        assert_eq!(
            document(&format!("{path}?write=true")),
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
        assert_eq!(*document(&format!("/{name}")).0.package, *name);
        assert_eq!(address(&packument_of(name)), name);
    }
    assert_eq!(&*document("/@acme/__proto__").0.package, "@acme/__proto__");
}

#[test]
fn invalid_names_are_not_found() {
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
fn all_spellings_of_a_tarball_are_one_file() {
    let expected = Artifact::new("@acme/widget", Some("1.0.0".into()), "-/widget-1.0.0.tgz");
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
fn the_representation_follows_from_accept() {
    let representation = |accept| match asked(&Method::HEAD, "/widget", accept).expect("path") {
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
fn paths_below_the_hyphen_are_parsed() {
    let ReadRequest::Local(pong) = get("/-/ping").expect("ping") else {
        panic!("ping")
    };
    assert_eq!(&pong(&REPO_URL).body[..], b"{}");
    let bulk = "/-/npm/v1/security/advisories/bulk";
    let Call::Query(query) = call(&Npm, &Method::POST, bulk, None).expect(bulk) else {
        panic!("{bulk}")
    };
    let asked = Source::At {
        url: bulk[1..].to_owned(),
        accept: JSON,
    };
    assert_eq!(query.source(&[], &[]).expect("source"), asked);
    for path in [
        "/-/package/@acme%2fwidget/dist-tags",
        "/-/package/@acme/widget/dist-tags",
    ] {
        assert_eq!(document(path), (packument_of("@acme/widget"), TAGS));
    }
    let (keys, _) = document("/-/npm/v1/keys");
    assert_eq!((&*keys.package, &*address(&keys)), ("", "-/npm/v1/keys"));
    for path in [
        "/-/npm/v1/attestations/@acme%2fwidget@1.1.0-a%2Bb",
        "/-/npm/v1/attestations/@acme/widget@1.1.0-a+b",
    ] {
        let (attestations, representation) = document(path);
        assert_eq!(
            (&*attestations.package, representation),
            ("@acme/widget", PLAIN)
        );
        assert_eq!(
            address(&attestations),
            "-/npm/v1/attestations/@acme%2fwidget@1.1.0-a+b"
        );
    }
    for path in [
        "/-/npm/v1/security/audits",
        "/-/npm/v1/security/audits/quick",
    ] {
        let problem = call(&Npm, &Method::POST, path, None).err().expect(path);
        assert_eq!(problem.kind, Kind::NotFound);
    }
}

#[test]
fn equal_searches_are_one_request() {
    let first = "/-/v1/search?text=left%20pad%26x/%3D%0a&size=999&quality=0.65";
    let second = "/-/v1/search?from=0&size=250&text=+left+pad%26x/%3D";
    assert_eq!(search(&Npm, first), search(&Npm, second));
    let url = |path| {
        let search = search(&Npm, path);
        let source = Npm.search().expect("searches").source(&search, &[]);
        match source.expect("source") {
            Source::At { url, accept: JSON } => url,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        url(first),
        "-/v1/search?text=left%20pad%26x%2F%3D&size=250&from=0"
    );
    assert_eq!(url("/-/v1/search"), "-/v1/search?text=&size=20&from=0");
}

#[test]
fn only_urls_of_a_packument_change() {
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
fn abbreviated_packuments_have_what_installers_read() {
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
fn install_scripts_are_listed() {
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
fn unpublished_packages_keep_their_time() {
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
