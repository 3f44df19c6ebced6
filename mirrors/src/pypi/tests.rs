use super::names::version_of;
use super::routes::{HTML, PROVENANCE, TEXT};
use super::*;
use crate::resource::{ReadRequest, Representation};
use crate::testing::{self, REPO_URL, call, get, read};
use http::Method;
use http::header::{ACCEPT, WWW_AUTHENTICATE};
use larder_model::Kind;
use serde_json::{Value, json};

mod upstream;

const PAGE_JSON: &str = include_str!("testdata/sample.json");
const PAGE_HTML: &str = include_str!("testdata/sample.html");
const LIST_JSON: &str = include_str!("testdata/projects.json");
const LIST_HTML: &str = include_str!("testdata/projects.html");
const PROJECT: &str = "sample-project";

fn ask_for(path: &str, accept: &str) -> Result<ReadRequest, Problem> {
    call(&Pypi, &Method::GET, path, Some((ACCEPT, accept))).map(read)
}

fn ask(path: &str) -> Result<ReadRequest, Problem> {
    get(&Pypi, path)
}

fn artifact(path: &str) -> Artifact {
    match ask(path).expect(path) {
        ReadRequest::Artifact(artifact) => artifact,
        other => panic!("{other:?}"),
    }
}

fn plan(file: &str, page: &str) -> Result<Fetch, Problem> {
    let artifact = artifact(&format!("/packages/{PROJECT}/{file}"));
    assert_eq!(
        Pypi.plan(&artifact, &[], &[])?,
        Plan::Read(page_of(PROJECT))
    );
    match Pypi.plan(
        &artifact,
        &[Some(Bytes::copy_from_slice(page.as_bytes()))],
        &[],
    )? {
        Plan::Fetch(fetch) => Ok(fetch),
        other => panic!("{other:?}"),
    }
}

fn rendered(document: &Document, representation: Representation, body: &str) -> String {
    Pypi.check(document, body.as_bytes()).expect("checked");
    let bytes = testing::render(&Pypi, document, representation, body.as_bytes());
    String::from_utf8(bytes.expect("rendered")).expect("UTF-8")
}

fn page(representation: Representation, body: &str) -> String {
    rendered(&page_of(PROJECT), representation, body)
}

fn html_page(anchors: &str) -> String {
    format!("<meta name='pypi:repository-version' content='1.0'>{anchors}")
}

fn sha256(digit: &str) -> Integrity {
    Integrity::Digest(
        format!("sha256:{}", digit.repeat(64))
            .parse()
            .expect("digest"),
    )
}

#[test]
fn a_project_has_one_address() {
    for path in ["/simple/sample-project/", "/simple/a/", "/simple/0x/"] {
        let ReadRequest::Document(document, representation) = ask(path).expect(path) else {
            panic!("{path}")
        };
        assert_eq!(
            (&*document.path, representation),
            ("simple", TEXT),
            "{path}"
        );
        assert_eq!(format!("/simple/{}/", document.package), path);
    }
    let spellings = [
        "/simple/sample-project",
        "/simple/Sample_Project/",
        "/simple/sample.project",
        "/simple/SAMPLE--project/",
        "/simple/sample-_.project",
        "/simple/s%61mple%2Eproject/",
    ];
    for path in spellings {
        let ReadRequest::Redirect(to) = ask(path).expect(path) else {
            panic!("{path}")
        };
        assert_eq!(&*to, "simple/sample-project/", "{path}");
    }
    assert!(
        matches!(ask("/simple").expect("list"), ReadRequest::Redirect(to) if &*to == "simple/")
    );
    assert!(
        matches!(ask("/simple/").expect("list"), ReadRequest::Document(document, TEXT) if document == Document::new("", "projects"))
    );
    for path in [
        "/",
        "/simple/-a/",
        "/simple/a_/",
        "/simple/a%20b/",
        "/simple/a%2fb/",
        "/simple/a/b/",
        "/simple/a/b",
        "/x",
    ] {
        assert_eq!(ask(path).expect_err(path).kind, Kind::NotFound, "{path}");
    }
    assert!(ask(&format!("/simple/{}/", "a".repeat(129))).is_err());
}

#[test]
fn the_form_is_the_wanted_one() {
    let json = "application/vnd.pypi.simple.v1+json";
    let html = "application/vnd.pypi.simple.v1+html";
    let cases = [
        (format!("{json}, {html}; q=0.1, text/html; q=0.01"), JSON),
        (format!("{json}, */*;q=0.1"), JSON),
        (format!("{json}, text/html"), JSON),
        (format!("{json};q=0.5, text/html"), TEXT),
        (format!("{json};q=0.5, */*"), TEXT),
        (format!("{json};q=0, text/html;q=0.1"), TEXT),
        (format!("{json};q=0.1, {html};q=0.2, text/html;q=0.1"), HTML),
        (html.to_owned(), HTML),
        (format!("{html}, text/html"), TEXT),
        ("application/vnd.pypi.simple.latest+json".to_owned(), JSON),
        (
            "application/vnd.pypi.simple.v2+json, application/json".to_owned(),
            TEXT,
        ),
        ("*/*".to_owned(), TEXT),
    ];
    for (accept, expected) in cases {
        for path in ["/simple/", "/simple/foo/"] {
            let ReadRequest::Document(_, representation) = ask_for(path, &accept).expect(path)
            else {
                panic!("{path}")
            };
            assert_eq!(representation, expected, "{accept}");
        }
    }
    assert!(
        [JSON, HTML, TEXT]
            .iter()
            .all(|representation| representation.compressible
                && !representation.has_absolute_urls
                && !representation.name.is_empty())
    );
}

#[test]
fn files_have_addresses_below_their_project() {
    let wheel = artifact("/packages/sample-project/sample_project-2.0%2Blocal.1-py3-none-any.whl");
    assert_eq!(
        (&*wheel.package, wheel.version.as_deref()),
        (PROJECT, Some("2.0+local.1"))
    );
    assert_eq!(&*wheel.path, "sample_project-2.0+local.1-py3-none-any.whl");
    assert_eq!(Pypi.content_type(&wheel), "application/octet-stream");
    let metadata =
        artifact("/packages/Sample_Project/sample_project-2.0-py3-none-any.whl.metadata");
    assert_eq!(
        (&*metadata.package, metadata.version.as_deref()),
        (PROJECT, Some("2.0"))
    );
    assert_eq!(Pypi.content_type(&metadata), "text/plain; charset=utf-8");
    let long = format!("/packages/a/{}", "a".repeat(256));
    let bad = [
        "/packages/a/.a-1.0.zip",
        "/packages/a/b%2fa-1.0.zip",
        "/packages/a/",
        "/packages/a",
        "/packages/a/b/c-1.0.zip",
        "/packages/a/.metadata",
        "/packages/-/a-1.0.zip",
        &long,
    ];
    for path in bad {
        assert!(ask(path).is_err(), "{path}");
    }
    for path in ["/pypi/a/json", "/pypi/a/1.0/json"] {
        let problem = ask(path).expect_err(path);
        assert_eq!(problem.kind, Kind::NotFound);
        assert!(problem.detail.contains("simple/"), "{path}");
    }
    let post = call(&Pypi, &Method::POST, "/simple/a/", None).err();
    assert_eq!(post.expect("refused").kind, Kind::Unsupported);
}

#[test]
fn a_version_is_told_by_the_name_or_not_at_all() {
    let cases = [
        ("foo-bar", "foo_bar-1.0-py3-none-any.whl", Some("1.0")),
        (
            "foo-bar",
            "Foo.Bar-1.0rc1-2-py3-none-any.whl",
            Some("1.0rc1"),
        ),
        (
            "foo-bar",
            "foo_bar-1!2.0+cu118-cp312-cp312-linux_x86_64.whl",
            Some("1!2.0+cu118"),
        ),
        ("foo-bar", "foo-bar-1.0-py3-none-any.whl", None),
        ("foo", "bar-1.0-py3-none-any.whl", None),
        ("foo", "foo-x-py3-none-any.whl", None),
        ("foo", "foo-1.0.whl", None),
        ("foo-bar", "foo-bar-1.0.tar.gz", Some("1.0")),
        ("foo-bar", "foo_bar-1.0.post1.zip", Some("1.0.post1")),
        ("foo", "foo-1.0-2.tgz", Some("1.0-2")),
        ("foo", "foo-bar-1.0.tar.gz", None),
        ("foo-bar", "foo-1.0.tar.gz", None),
        ("foo-3", "foo-3-1.0.tar.gz", Some("1.0")),
        ("foo", "foo-3-1.0.tar.bz2", Some("3-1.0")),
        ("foo", "foo-1.0/2.tar.gz", None),
        ("foo", "foo-.tar.gz", None),
        ("foo", "foo.tar.gz", None),
        ("foo", "foo-1.0.win32.exe", None),
    ];
    for (project, file, version) in cases {
        assert_eq!(version_of(project, file), version, "{project} {file}");
    }
}

#[test]
fn links_are_joined_as_browsers_do() {
    let cases = [
        (
            "foo/",
            "https://files.registry.example/a/../f.whl?x=1#sha256=00",
            Some("https://files.registry.example/a/../f.whl?x=1"),
        ),
        (
            "foo/",
            "HTTP://files.registry.example/f",
            Some("HTTP://files.registry.example/f"),
        ),
        ("foo/", "../../packages/f.whl#x", Some("../packages/f.whl")),
        ("foo/", "../../../f.whl", Some("../../f.whl")),
        ("foo/", "f.whl", Some("foo/f.whl")),
        (
            "foo/",
            "./a/./b/../f.whl?q=../..",
            Some("foo/a/f.whl?q=../.."),
        ),
        ("foo/", "..", Some("")),
        ("foo/", "../bar/.", Some("bar/")),
        ("foo/", "/packages/../../f.whl", Some("/f.whl")),
        (
            "foo/",
            "//files.registry.example/f.whl",
            Some("//files.registry.example/f.whl"),
        ),
        ("foo/", "/..//host/f", Some("/.//host/f")),
        ("foo/", "..//f", Some(".//f")),
        ("foo/", "../x:y", Some("./x:y")),
        ("foo/", "?f=1", Some("foo/?f=1")),
        (
            "https://files.registry.example",
            "../f",
            Some("https://files.registry.example/f"),
        ),
        (
            "https://files.registry.example:8443/a/b?c=/d/",
            "f",
            Some("https://files.registry.example:8443/a/f"),
        ),
        (
            "https://files.registry.example/a/b/",
            "../../../f",
            Some("https://files.registry.example/f"),
        ),
        (
            "https://files.registry.example/a/",
            "//other.example/f",
            Some("https://other.example/f"),
        ),
        (
            "//files.registry.example/a/",
            "/f",
            Some("//files.registry.example/f"),
        ),
        ("../root/", "../../f", Some("../../f")),
        ("foo/", "javascript:alert(1)", None),
        ("foo/", "file:///etc/passwd", None),
        ("foo/", "https:f", None),
        ("foo/", "\\\\host\\f", None),
        ("foo/", "a\nb", None),
        ("foo/", " #x", None),
    ];
    for (base, href, expected) in cases {
        assert_eq!(link::join(base, href).as_deref(), expected, "{base} {href}");
    }
}

#[test]
fn pages_are_served_in_either_form() {
    assert_eq!(
        page(JSON, PAGE_JSON),
        include_str!("testdata/sample.json.served.json").trim_end()
    );
    assert_eq!(
        page(TEXT, PAGE_JSON),
        include_str!("testdata/sample.json.served.html")
    );
    assert_eq!(page(HTML, PAGE_JSON), page(TEXT, PAGE_JSON));
    assert_eq!(
        page(JSON, PAGE_HTML),
        include_str!("testdata/sample.html.served.json").trim_end()
    );
    assert_eq!(
        page(TEXT, PAGE_HTML),
        include_str!("testdata/sample.html.served.html")
    );
    let list = Document::new("", PROJECTS);
    assert_eq!(rendered(&list, JSON, LIST_JSON), LIST_JSON);
    assert_eq!(
        rendered(&list, TEXT, LIST_JSON),
        include_str!("testdata/projects.json.served.html")
    );
    assert_eq!(
        rendered(&list, JSON, LIST_HTML),
        include_str!("testdata/projects.html.served.json").trim_end()
    );
    assert_eq!(
        rendered(&list, HTML, LIST_HTML),
        include_str!("testdata/projects.html.served.html")
    );
}

#[test]
fn json_keeps_all_that_upstream_says_but_links() {
    let mut sent: Value = serde_json::from_str(PAGE_JSON).expect("sent");
    let served: Value = serde_json::from_str(&page(JSON, PAGE_JSON)).expect("served");
    let links = [
        json!("../../packages/sample-project/sample_project-1.0.tar.gz"),
        json!("../../packages/sample-project/sample_project-2.0rc1-py3-none-any.whl"),
        json!(
            "../../packages/sample-project/sample_project-2.0+local.1-cp312-cp312-manylinux_2_17_x86_64.whl"
        ),
        json!("../../packages/sample-project/sample-project-2.0.win32-py3.exe"),
    ];
    let wheel = "sample_project-2.0rc1-py3-none-any.whl";
    let provenance = [
        Value::Null,
        json!(format!(
            "../../integrity/sample-project/2.0rc1/{wheel}/provenance"
        )),
        Value::Null,
    ];
    for (at, link) in links.into_iter().enumerate() {
        sent["files"][at]["url"] = link;
    }
    for (at, link) in [0, 1, 3].into_iter().zip(provenance) {
        sent["files"][at]["provenance"] = link;
    }
    assert_eq!(served, sent);
}

#[test]
fn every_link_that_is_served_is_understood() {
    let odd = "sample-project-1.0 (copy) #2?&\u{e9}'.zip";
    let body = json!({"meta": {}, "name": PROJECT, "files": [{"filename": odd, "url": "https://f.example/x", "hashes": {}}]});
    for body in [PAGE_JSON.to_owned(), PAGE_HTML.to_owned(), body.to_string()] {
        let mut count = 0;
        for node in html::nodes(&page(HTML, &body)) {
            let html::Node::Anchor(attributes, name) = node else {
                continue;
            };
            let href = attributes.get("href").expect("href");
            let path = link::join(&format!("/simple/{PROJECT}/"), href).expect("joined");
            assert_eq!(&*artifact(&path).path, name);
            plan(path.rsplit('/').next().expect("file"), &body).expect("a plan");
            if let Some(href) = attributes.get("data-provenance") {
                let path = link::join(&format!("/simple/{PROJECT}/"), href).expect("joined");
                assert!(matches!(
                    ask(&path).expect("provenance"),
                    ReadRequest::Document(_, PROVENANCE)
                ));
            }
            count += 1;
        }
        assert!(count > 0);
    }
}

#[test]
fn a_file_is_checked_against_its_page() {
    let fetch = plan("sample_project-2.0rc1-py3-none-any.whl", PAGE_JSON).expect("plan");
    let url =
        "https://files.registry.example/packages/22/22/sample_project-2.0rc1-py3-none-any.whl";
    let expected = Fetch::new(url, sha256("2")).with_size(Some(4450));
    assert_eq!(fetch, expected);
    let fetch = plan("sample_project-2.0rc1-py3-none-any.whl.metadata", PAGE_JSON).expect("plan");
    let expected = Fetch::new(format!("{url}.metadata"), sha256("a"));
    assert_eq!(fetch, expected);
    let wheel = "sample_project-2.0+local.1-cp312-cp312-manylinux_2_17_x86_64.whl";
    let fetch = plan(wheel, PAGE_JSON).expect("plan");
    assert!(
        matches!(fetch.integrity, Integrity::Digest(digest) if digest.algorithm() == Algorithm::Sha512)
    );
    assert_eq!(
        (fetch.url, fetch.size),
        (format!("../packages/33/{wheel}"), Some(9_000_000_000))
    );
    let fetch = plan(&format!("{wheel}.metadata"), PAGE_JSON).expect("plan");
    assert_eq!(
        (fetch.url, fetch.integrity),
        (format!("../packages/33/{wheel}.metadata"), Integrity::None)
    );
    let fetch = plan("sample-project-2.0.win32-py3.exe", PAGE_JSON).expect("plan");
    assert_eq!(
        (&*fetch.url, fetch.integrity),
        (
            "sample-project/sample-project-2.0.win32-py3.exe",
            Integrity::None
        )
    );
    for absent in [
        "sample_project-1.0.tar.gz.metadata",
        "sample_project-9.tar.gz",
        "sample_project-9.tar.gz.metadata",
    ] {
        assert_eq!(
            plan(absent, PAGE_JSON).expect_err(absent).kind,
            Kind::NotFound
        );
    }
    let unknown = Pypi
        .plan(&artifact("/packages/a/a-1.zip"), &[None], &[])
        .expect_err("unknown");
    assert_eq!(unknown.kind, Kind::NotFound);
}

#[test]
fn a_page_of_html_vouches_too() {
    let fetch = plan("sample_project-1.0.tar.gz", PAGE_HTML).expect("plan");
    assert_eq!(fetch.integrity, sha256("1"));
    assert_eq!(
        plan("sample_project-2.0rc1-py3-none-any.whl.metadata", PAGE_HTML)
            .expect("plan")
            .integrity,
        sha256("a")
    );
    let weak = plan("sample_project-2.0%2Blocal.1-py3-none-any.whl", PAGE_HTML).expect("plan");
    assert_eq!((weak.integrity, weak.size), (Integrity::None, Some(123)));
    assert_eq!(
        weak.url,
        "../packages/33/sample_project-2.0%2Blocal.1-py3-none-any.whl"
    );
    let capitals = html_page(&format!(
        "<a href='f-1.zip#egg=f&sha256={}'>f-1.zip</a>",
        "A".repeat(64)
    ));
    assert_eq!(
        plan("f-1.zip", &capitals).expect("plan").integrity,
        sha256("a")
    );
    for bad in [
        "<a href='f-1.zip#sha256=00'>f-1.zip</a>",
        "<a href='javascript:x/f-1.zip'>f-1.zip</a>",
    ] {
        assert_eq!(
            plan("f-1.zip", &html_page(bad)).expect_err(bad).kind,
            Kind::Upstream
        );
    }
}

#[test]
fn the_newer_key_of_metadata_decides() {
    let file = |keys: &str| {
        format!(
            r#"{{"meta":{{}},"name":"a","files":[{{"filename":"f-1.whl","url":"f","hashes":{{}},{keys}}}]}}"#
        )
    };
    let hashed = |name: &str| format!(r#""{name}":{{"sha256":"{}"}}"#, "b".repeat(64));
    let offered = |keys: &str| plan("f-1.whl.metadata", &file(keys)).map(|fetch| fetch.integrity);
    assert_eq!(
        offered(&hashed("dist-info-metadata")).expect("older"),
        sha256("b")
    );
    assert_eq!(
        offered(&format!(
            r#""dist-info-metadata":true,{}"#,
            hashed("core-metadata")
        ))
        .expect("both"),
        sha256("b")
    );
    assert!(
        offered(&format!(
            r#""core-metadata":false,{}"#,
            hashed("dist-info-metadata")
        ))
        .is_err()
    );
    assert!(offered(r#""data-dist-info-metadata":true"#).is_err());
}

#[test]
fn a_base_moves_relative_links() {
    let cases = [
        (
            "https://files.registry.example/root/x",
            "https://files.registry.example/root/f-1.zip",
        ),
        ("/root/", "/root/f-1.zip"),
        ("../files/", "files/f-1.zip"),
        ("javascript:x", "sample-project/f-1.zip"),
    ];
    for (base, url) in cases {
        let body = html_page(&format!(
            "<BASE HREF={base}><base href='/second/'><a href=f-1.zip>f-1.zip</a>"
        ));
        assert_eq!(plan("f-1.zip", &body).expect("plan").url, url);
    }
}
