use super::*;
use crate::resource::ReadRequest;
use crate::testing::{get, search};

const INDEX_FILE: &[u8] = include_bytes!("testdata/serde_json.index");
const UPSTREAM: &[u8] =
    br#"{"dl":"https://static.registry.example/crates","api":"https://registry.example"}"#;

fn ask(path: &str) -> Result<ReadRequest, Problem> {
    get(&Cargo, path)
}

fn artifact(path: &str) -> Artifact {
    match ask(path).expect("path") {
        ReadRequest::Artifact(artifact) => artifact,
        other => panic!("{other:?}"),
    }
}

fn document(path: &str) -> Document {
    match ask(path).expect("path") {
        ReadRequest::Document(document, _) => document,
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_have_one_place_in_the_index() {
    for (path, key) in [
        ("/1/a", "a"),
        ("/2/ab", "ab"),
        ("/3/a/abc", "abc"),
        ("/se/rd/serde_json", "serde_json"),
    ] {
        assert_eq!(&*document(path).path, format!("index/{key}"), "{path}");
    }
    assert_eq!(&*document("/se/rd/serde_json").package, "serde-json");
    for path in [
        "/1/ab",
        "/2/a",
        "/3/b/abc",
        "/se/rx/serde",
        "/se/rd/a%2fb",
        "/se/rd/",
        "/index.html",
        "/se/rd/a.b",
    ] {
        assert!(ask(path).is_err(), "{path}");
    }
}

#[test]
fn a_crate_is_checked_against_its_line() {
    let artifact = artifact("/api/v1/crates/serde_json/1.0.1/download");
    assert_eq!(
        Cargo.plan(&artifact, &[], &[]).expect("plan"),
        Plan::Read(config())
    );
    let known = [Some(Bytes::from_static(UPSTREAM))];
    assert_eq!(
        Cargo.plan(&artifact, &known, &[]).expect("plan"),
        Plan::Read(index_of("serde_json"))
    );
    let known = [
        Some(Bytes::from_static(UPSTREAM)),
        Some(Bytes::from_static(INDEX_FILE)),
    ];
    let Plan::Fetch(fetch) = Cargo.plan(&artifact, &known, &[]).expect("plan") else {
        panic!("not a fetch")
    };
    assert_eq!(
        fetch.url,
        "https://static.registry.example/crates/serde_json/1.0.1/download"
    );
    let digest = "sha256:f9b6ca7e0d4fd1e8d5b9e3f1e3ed7a0d12a1c0a1b0c0d0e0f001020304050607"
        .parse()
        .expect("digest");
    assert_eq!(fetch.integrity, Integrity::Digest(digest));
    let missing = self::artifact("/api/v1/crates/serde_json/9.9.9/download");
    assert_eq!(
        Cargo.plan(&missing, &known, &[]).expect_err("missing").kind,
        Kind::NotFound
    );
    let unknown = [Some(Bytes::from_static(UPSTREAM)), None];
    assert_eq!(
        Cargo
            .plan(&artifact, &unknown, &[])
            .expect_err("unknown")
            .kind,
        Kind::NotFound
    );
}

#[test]
fn markers_of_a_download_url_are_replaced() {
    let entry = Entry {
        name: "Abcd".into(),
        vers: "1.0.0".into(),
        cksum: "00ff".into(),
        format: None,
    };
    let cases = [
        (
            "https://x.example/d",
            "https://x.example/d/Abcd/1.0.0/download",
        ),
        (
            "https://x.example/{crate}-{version}.crate",
            "https://x.example/Abcd-1.0.0.crate",
        ),
        (
            "https://x.example/{prefix}/{lowerprefix}/{sha256-checksum}",
            "https://x.example/Ab/cd/ab/cd/00ff",
        ),
    ];
    for (dl, expected) in cases {
        assert_eq!(download(dl, &entry), expected);
    }
}

#[test]
fn a_search_asks_the_address_that_the_upstream_names() {
    let search = search(&Cargo, "/api/v1/crates?q=left%20pad%26x&per_page=500");
    assert_eq!((&*search.text, search.size), ("left pad&x", 100));
    let crates = Cargo.search().expect("searches");
    let source = |known: &[Option<Bytes>]| crates.source(&search, known);
    assert_eq!(source(&[]).expect("source"), Source::Read(config()));
    let known = [Some(Bytes::from_static(UPSTREAM))];
    let url = "https://registry.example/api/v1/crates?q=left%20pad%26x&per_page=100";
    let expected = Source::At {
        url: url.to_owned(),
        accept: JSON,
    };
    assert_eq!(source(&known).expect("source"), expected);
    let silent = [Some(Bytes::from_static(br#"{"dl":"https://dl.example"}"#))];
    assert_eq!(
        source(&silent).expect_err("no search").kind,
        Kind::Unsupported
    );
}

#[test]
fn invalid_index_files_are_refused() {
    let index = index_of("serde_json");
    Cargo.check(&index, INDEX_FILE).expect("an index file");
    Cargo.check(&config(), UPSTREAM).expect("a configuration");
    for bad in [
        &b"<html>log in</html>"[..],
        b"",
        b"{}",
        b"{\"name\":\"other\",\"vers\":\"1.0.0\",\"cksum\":\"00\"}",
    ] {
        assert_eq!(
            Cargo.check(&index, bad).expect_err("refused").kind,
            Kind::Upstream
        );
    }
    assert!(Cargo.check(&config(), b"[]").is_err());
}

#[test]
fn a_line_that_cargo_passes_over_is_passed_over() {
    let line = |version: &str, digit: &str, more: &str| {
        let cksum = digit.repeat(64);
        format!(r#"{{"name":"Abc","vers":"{version}","deps":[],"cksum":"{cksum}"{more}}}"#)
    };
    // Of the lines of one version the last counts, which cargo can read.
    let lines = [
        line("1.0.0", "1", ""),
        "\u{feff}{}".to_owned(),
        line("1.0.0", "2", r#","v":2"#),
        line("1.0.0", "3", r#","v":3"#),
        line("1.0.0", "4", "").replace("Abc", "other"),
        r#"{"name":"abc","vers":"1.1.0","cksum":7}"#.to_owned(),
    ];
    let body = lines.join("\n");
    let checked = Cargo.check(&index_of("abc"), body.as_bytes());
    assert_eq!(checked.expect("an index file"), 4);
    let known = [
        Some(Bytes::from_static(UPSTREAM)),
        Some(Bytes::from(body.clone())),
    ];
    let plan = |version: &str| {
        let path = format!("/api/v1/crates/abc/{version}/download");
        Cargo.plan(&artifact(&path), &known, &[])
    };
    let Plan::Fetch(fetch) = plan("1.0.0").expect("plan") else {
        panic!("not a fetch")
    };
    let digest = format!("sha256:{}", "2".repeat(64));
    assert_eq!(
        fetch.integrity,
        Integrity::Digest(digest.parse().expect("digest"))
    );
    let unread = plan("1.1.0").expect_err("it cannot be read");
    assert_eq!(unread.kind, Kind::NotFound);
    // What a crate is not held to is told of none.
    let bad = line("1.0.0", "z", "");
    let known = [Some(Bytes::from_static(UPSTREAM)), Some(Bytes::from(bad))];
    let crate_file = artifact("/api/v1/crates/abc/1.0.0/download");
    let problem = Cargo
        .plan(&crate_file, &known, &[])
        .expect_err("no checksum");
    assert_eq!(problem.kind, Kind::Upstream);
}

#[test]
fn its_own_configuration_names_this_server() {
    let repo_url = RepoUrl {
        origin: "https://r.example",
        path: "/cargo/main",
        rest: "",
        public: false,
        identified: false,
    };
    let ReadRequest::Local(own_config) = ask("/config.json").expect("path") else {
        panic!("not our own")
    };
    let reply = own_config(&repo_url);
    let body: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
    let expected = json!({
        "dl": "https://r.example/cargo/main/api/v1/crates",
        "api": "https://r.example/cargo/main",
        "auth-required": true,
    });
    assert_eq!(body, expected);
    let refused = Cargo.refuse(
        &Problem::new(Kind::Unauthenticated, "access", "log in"),
        &repo_url,
    );
    assert_eq!(
        refused.headers[WWW_AUTHENTICATE],
        "Cargo login_url=\"https://r.example/me\""
    );
}

mod publishing;
