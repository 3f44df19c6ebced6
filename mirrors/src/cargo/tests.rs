use super::index::Entry;
use super::*;
use http::{HeaderMap, Method};

const INDEX_FILE: &[u8] = include_bytes!("testdata/serde_json.index");
const UPSTREAM: &[u8] =
    br#"{"dl":"https://static.registry.example/crates","api":"https://registry.example"}"#;

fn ask(path: &str, query: &str) -> Result<ReadRequest, Problem> {
    let (headers, method) = (HeaderMap::new(), Method::GET);
    Cargo.parse(&RepoRequest::new(&method, path, query, &headers)?)
}

fn artifact(path: &str) -> Artifact {
    match ask(path, "").expect("path") {
        ReadRequest::Artifact(artifact) => artifact,
        other => panic!("{other:?}"),
    }
}

fn document(path: &str, query: &str) -> Document {
    match ask(path, query).expect("path") {
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
        assert_eq!(&*document(path, "").path, format!("index/{key}"), "{path}");
    }
    assert_eq!(&*document("/se/rd/serde_json", "").package, "serde-json");
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
        assert!(ask(path, "").is_err(), "{path}");
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
    let missing = super::tests::artifact("/api/v1/crates/serde_json/9.9.9/download");
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
fn marks_of_a_download_address_are_filled_in() {
    let entry = Entry {
        name: "Abcd".into(),
        vers: "1.0.0".into(),
        cksum: "00ff".into(),
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
    let document = document("/api/v1/crates", "q=left%20pad%26x&per_page=500");
    assert_eq!(&*document.path, "search/100?left pad&x");
    assert_eq!(
        Cargo.source(&document, &[]).expect("source"),
        Source::Read(config())
    );
    let Source::At { url, .. } = Cargo
        .source(&document, &[Some(Bytes::from_static(UPSTREAM))])
        .expect("source")
    else {
        panic!("not an address")
    };
    assert_eq!(
        url,
        "https://registry.example/api/v1/crates?q=left%20pad%26x&per_page=100"
    );
}

#[test]
fn what_is_no_index_file_is_refused() {
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
fn its_own_configuration_names_this_server() {
    let repo_url = RepoUrl {
        origin: "https://r.example",
        path: "/cargo/main",
        public: false,
        identified: false,
    };
    let reply = own_config(&repo_url);
    let body: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!(
        body,
        json!({"dl": "https://r.example/cargo/main/api/v1/crates", "api": "https://r.example/cargo/main", "auth-required": true})
    );
    let refused = Cargo.refuse(
        &Problem::new(Kind::Unauthenticated, "access", "log in"),
        &repo_url,
    );
    assert_eq!(
        refused.headers[WWW_AUTHENTICATE],
        "Cargo login_url=\"https://r.example/me\""
    );
}

mod publishing {
    use super::*;
    use crate::publishing::{
        Bytes as Stored, Elsewhere, Hit, PublishRequest, Publishing, Step, StoredFile,
    };
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use larder_model::{Algorithm, Timestamp, Verb};
    use serde_json::Value;
    use std::io::Cursor;

    const MANIFEST: &str = "[package]\nname = \"Probe\"\nversion = \"1.0.0\"\nrust-version = \"1.60\"\n\
        [dependencies.rt]\nversion = \"1\"\npackage = \"real\"\nfeatures = [\"b\", \"a\"]\noptional = true\n\
        [target.'cfg(unix)'.build-dependencies]\ncc = \"^1.2\"\n[features]\nx = [\"dep:rt\"]\n";

    fn packed(files: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes()); // whatever the path is
            header.set_cksum();
            archive.append(&header, text.as_bytes()).expect("entry");
        }
        archive.into_inner().expect("tar").finish().expect("gzip")
    }

    fn words() -> Value {
        json!({
            "name": "Probe", "vers": "1.0.0", "description": "a probe", "features": {"x": ["dep:rt"]}, "links": null,
            "deps": [
                {"name": "real", "explicit_name_in_toml": "rt", "version_req": "^1", "features": ["a", "b"],
                    "optional": true, "default_features": true, "target": null, "kind": "normal", "registry": null},
                {"name": "cc", "version_req": "^1.2", "features": [], "optional": false, "default_features": true,
                    "target": "cfg(unix)", "kind": "build", "registry": "https://index.example/"},
            ],
        })
    }

    fn frame(words: &Value, packed: &[u8]) -> Vec<u8> {
        let text = words.to_string();
        let length = |count: usize| u32::try_from(count).expect("small").to_le_bytes();
        [
            &length(text.len())[..],
            text.as_bytes(),
            &length(packed.len()),
            packed,
        ]
        .concat()
    }

    fn request(method: &Method, path: &str) -> PublishRequest {
        let headers = HeaderMap::new();
        Cargo
            .publish_request(&RepoRequest::new(method, path, "", &headers).expect("line"))
            .expect("wish")
            .expect("a wish")
    }

    fn publish(body: &[u8], files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
        let request = request(&Method::PUT, "/api/v1/crates/new");
        let mut body = Cursor::new(body.to_vec());
        let name = Publishing::name(&Cargo, &request, &mut body)?;
        assert_eq!(&*name, "probe");
        Cargo.receive(&request, &mut body, files)
    }

    fn kept(step: &Step, bytes: &[u8]) -> StoredFile {
        let Step::Add {
            path,
            version,
            metadata,
            ..
        } = step
        else {
            panic!("{step:?}")
        };
        let digest = Digest::of(Algorithm::Sha256, bytes);
        StoredFile {
            path: path.as_str().into(),
            version: version.as_str().into(),
            digest,
            size: bytes.len() as u64,
            metadata: metadata.replace("{sha256}", &digest.hex()).into(),
            created_at: Timestamp(1_000_000_123_456),
            created_by: "user:alice".into(),
        }
    }

    fn crate_bytes() -> Vec<u8> {
        packed(&[
            ("Probe-1.0.0/Cargo.toml", MANIFEST),
            ("Probe-1.0.0/src/lib.rs", ""),
        ])
    }

    #[test]
    fn what_is_published_becomes_a_line_of_the_index() {
        let bytes = crate_bytes();
        let body = frame(&words(), &bytes);
        let steps = publish(&body, &[]).expect("publish");
        let [
            Step::Add {
                path,
                bytes: Stored::Part(start, length),
                ..
            },
        ] = steps.as_slice()
        else {
            panic!("{steps:?}")
        };
        assert_eq!(path, "crates/probe/1.0.0");
        let start = usize::try_from(*start).expect("small");
        assert_eq!(
            &body[start..start + usize::try_from(*length).expect("small")],
            bytes
        );
        let files = [kept(&steps[0], &bytes)];
        let index = Cargo
            .compose(&index_of("Probe"), &files)
            .expect("compose")
            .expect("an index");
        Cargo
            .check(&index_of("probe"), &index)
            .expect("as an upstream's");
        let line: Value = serde_json::from_slice(&index).expect("JSON");
        assert_eq!(line["cksum"], Digest::of(Algorithm::Sha256, &bytes).hex());
        assert_eq!(
            (&line["yanked"], &line["rust_version"]),
            (&json!(false), &json!("1.60"))
        );
        assert_eq!(line["pubtime"], "1970-01-12T13:46:40Z");
        let alias = json!({"name": "rt", "package": "real", "req": "^1", "features": ["a", "b"], "optional": true,
            "default_features": true, "target": null, "kind": "normal", "registry": null});
        assert_eq!(line["deps"][0], alias);
        assert_eq!(
            Cargo.compose(&index_of("pro_be"), &files).expect("compose"),
            None,
            "another spelling"
        );
        let owners = Cargo
            .tell(
                &request(&Method::GET, "/api/v1/crates/Probe/owners"),
                &files,
            )
            .expect("owners");
        assert_eq!(
            owners.body,
            br#"{"users":[{"id":1,"login":"alice","name":null}]}"#.as_slice()
        );
    }

    #[test]
    fn a_search_tells_the_newest_version() {
        let bytes = crate_bytes();
        let old = kept(
            &publish(&frame(&words(), &bytes), &[]).expect("publish")[0],
            &bytes,
        );
        let mut new = old.clone();
        (new.version, new.metadata) = (
            "1.10.0".into(),
            old.metadata.replace("1.0.0", "1.10.0").into(),
        );
        let search = document("/api/v1/crates", "q=Pro_B&per_page=5");
        assert_eq!(Cargo.search(&search), Some(vec!["pro-b".to_owned()]));
        assert_eq!(Cargo.search(&index_of("probe")), None);
        let hits = [Hit {
            package: "probe".into(),
            files: vec![new, old],
        }];
        let listed = |answers: &[Elsewhere]| {
            let reply = Cargo.listed(&search, &hits, answers).expect("answer");
            serde_json::from_slice::<Value>(&reply.body).expect("JSON")
        };
        let found = json!({"name": "Probe", "max_version": "1.10.0", "description": "a probe"});
        assert_eq!(
            listed(&[]),
            json!({"crates": [found], "meta": {"total": 1}})
        );
        // What upstreams find follows, but for names that are taken here.
        let other = json!({"name": "pro_bar", "max_version": "2.0.0", "description": null});
        let body = json!({"crates": [{"name": "PROBE", "max_version": "9.0.0", "description": "?"}, other],
            "meta": {"total": 7}});
        let body = bytes::Bytes::from(body.to_string());
        assert_eq!(
            Cargo.named(&body).expect("names"),
            ["probe".into(), "pro-bar".into()]
        );
        let elsewhere = Elsewhere {
            body,
            taken: vec!["probe".into()],
        };
        assert_eq!(
            listed(&[elsewhere]),
            json!({"crates": [found, other], "meta": {"total": 7}})
        );
    }

    #[test]
    fn a_version_is_published_once() {
        let bytes = crate_bytes();
        let body = frame(&words(), &bytes);
        let files = [kept(&publish(&body, &[]).expect("publish")[0], &bytes)];
        assert_eq!(
            publish(&body, &files).expect("the same again"),
            [],
            "a retry is no second version"
        );
        let other = packed(&[
            ("Probe-1.0.0/Cargo.toml", MANIFEST),
            ("Probe-1.0.0/src/lib.rs", "// new"),
        ]);
        let conflict = publish(&frame(&words(), &other), &files).expect_err("another");
        assert_eq!(
            (conflict.kind, &*conflict.detail),
            (Kind::Conflict, "crate version `1.0.0` is already uploaded")
        );
        let mut built = words();
        built["vers"] = json!("1.0.0+build");
        assert_eq!(
            publish(&frame(&built, &other), &files)
                .expect_err("build metadata")
                .kind,
            Kind::Conflict
        );
        let mut spelled = words();
        (spelled["name"], spelled["vers"]) = (json!("pro_be"), json!("2.0.0"));
        assert_eq!(
            Cargo
                .receive(
                    &request(&Method::PUT, "/api/v1/crates/new"),
                    &mut Cursor::new(frame(&spelled, &other)),
                    &files,
                )
                .expect_err("spelling")
                .kind,
            Kind::Conflict
        );
    }

    #[test]
    fn a_version_is_yanked_and_taken_back() {
        let bytes = crate_bytes();
        let mut files = vec![kept(
            &publish(&frame(&words(), &bytes), &[]).expect("publish")[0],
            &bytes,
        )];
        for (method, path, yanked) in [
            (Method::DELETE, "/api/v1/crates/Probe/1.0.0/yank", true),
            (Method::PUT, "/api/v1/crates/Probe/1.0.0/unyank", false),
        ] {
            let request = request(&method, path);
            assert_eq!(
                (&*request.package, request.verb, request.max_bytes),
                ("probe", Verb::Write, 0)
            );
            let steps = Cargo
                .receive(&request, &mut Cursor::new(Vec::new()), &files)
                .expect("steps");
            let [Step::SetMetadata { metadata, .. }] = steps.as_slice() else {
                panic!("{steps:?}")
            };
            files[0].metadata = metadata.as_str().into();
            let index = Cargo
                .compose(&index_of("Probe"), &files)
                .expect("compose")
                .expect("an index");
            assert_eq!(
                serde_json::from_slice::<Value>(&index).expect("JSON")["yanked"],
                yanked
            );
            assert_eq!(
                Cargo
                    .receive(&request, &mut Cursor::new(Vec::new()), &files)
                    .expect("again"),
                []
            );
        }
        let missing = request(&Method::DELETE, "/api/v1/crates/Probe/9.0.0/yank");
        let missing = Cargo.receive(&missing, &mut Cursor::new(Vec::new()), &files);
        assert_eq!(missing.expect_err("missing").kind, Kind::NotFound);
    }

    #[test]
    fn words_that_are_not_the_crates_own_are_refused() {
        let bytes = crate_bytes();
        let change = |key: &str, value: Value| {
            let mut words = words();
            words[key] = value;
            frame(&words, &bytes)
        };
        let mut looser = words();
        looser["deps"][1]["version_req"] = json!("*");
        let mut more = words();
        more["deps"]
            .as_array_mut()
            .expect("list")
            .push(words()["deps"][1].clone());
        for body in [
            change("vers", json!("1.0.1")),
            change("links", json!("z")),
            change("features", json!({})),
            change("deps", json!([])),
            frame(&looser, &bytes),
            frame(&more, &bytes),
        ] {
            assert_eq!(
                publish(&body, &[]).expect_err("refused").kind,
                Kind::Invalid
            );
        }
    }

    #[test]
    fn crates_that_lead_elsewhere_are_refused() {
        let good = ("Probe-1.0.0/Cargo.toml", MANIFEST);
        let long = "x".repeat(40);
        for files in [
            vec![good, ("Probe-1.0.0/../../etc/passwd", "")],
            vec![good, ("/etc/passwd", "")],
            vec![good, ("Other-1.0.0/x", "")],
            vec![good, good],
            vec![good, ("Probe-1.0.0/cargo.toml", MANIFEST)],
            vec![("Probe-1.0.0/src/lib.rs", "")],
            vec![("Probe-1.0.0/Cargo.toml", "not toml")],
            vec![("Probe-1.0.0/Cargo.toml", long.as_str())],
        ] {
            let problem = publish(&frame(&words(), &packed(&files)), &[]).expect_err("refused");
            assert_eq!(problem.kind, Kind::Invalid, "{files:?}");
        }
        let mut body = frame(&words(), &crate_bytes());
        for count in [0, 3, 4, 20, body.len() - 1] {
            assert!(
                Publishing::name(
                    &Cargo,
                    &request(&Method::PUT, "/api/v1/crates/new"),
                    &mut Cursor::new(&body[..count])
                )
                .is_err()
            );
        }
        body.push(0);
        assert!(
            Publishing::name(
                &Cargo,
                &request(&Method::PUT, "/api/v1/crates/new"),
                &mut Cursor::new(body)
            )
            .is_err(),
            "too long"
        );
        let name = "n".repeat(70_000);
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        archive
            .append_data(&mut header, format!("Probe-1.0.0/{name}"), &[][..])
            .expect("entry");
        let long = archive.into_inner().expect("tar").finish().expect("gzip");
        assert_eq!(
            publish(&frame(&words(), &long), &[])
                .expect_err("a long name")
                .kind,
            Kind::Invalid
        );
        let two_members = [crate_bytes(), crate_bytes()].concat();
        let problem = publish(&frame(&words(), &two_members), &[]).expect_err("two gzip members");
        assert!(
            problem.detail.contains("goes on behind its end"),
            "{problem}"
        );
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        archive
            .append_link(&mut link, "Probe-1.0.0/link", "/etc/passwd")
            .expect("entry");
        let linked = archive.into_inner().expect("tar").finish().expect("gzip");
        let problem = publish(&frame(&words(), &linked), &[]).expect_err("a link");
        assert!(problem.detail.contains("link"), "{problem}");
        let zeros = vec![0_u8; 1 << 20];
        let bomb = packed(&[
            good,
            (
                "Probe-1.0.0/zeros",
                std::str::from_utf8(&zeros).expect("text"),
            ),
        ]);
        assert!(
            publish(&frame(&words(), &bomb), &[]).is_ok(),
            "a megabyte of nothing is no bomb yet"
        );
    }
}
