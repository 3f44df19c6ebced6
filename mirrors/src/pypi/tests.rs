use super::names::version_of;
use super::routes::{HTML, PROVENANCE, TEXT};
use super::*;
use crate::Integrity;
use crate::resource::{Fetch, ReadRequest, Representation};
use crate::testing::{self, REPO_URL, call, get, read};
use http::Method;
use http::header::{ACCEPT, WWW_AUTHENTICATE};
use larder_model::{Algorithm, Kind};
use serde_json::{Value, json};

mod pages;
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
        Plan::Outline(page_of(PROJECT))
    );
    let outline = PageOutlines.outline(&page_of(PROJECT), page.as_bytes())?;
    match Pypi.plan(&artifact, &[], &[outline])? {
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
    let list = ask("/simple/").expect("list");
    let projects = Document::new("", "projects");
    assert!(matches!(list, ReadRequest::Document(document, TEXT) if document == projects));
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
fn the_representation_follows_from_accept() {
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
fn the_version_is_read_from_the_file_name() {
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
