use super::*;
use crate::text;
use http::header::ACCEPT;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, Method};
use larder_model::Kind;
use serde_json::{Value, json};

const PAGE_JSON: &str = include_str!("testdata/sample.json");
const PAGE_HTML: &str = include_str!("testdata/sample.html");
const LIST_JSON: &str = include_str!("testdata/projects.json");
const LIST_HTML: &str = include_str!("testdata/projects.html");
const HERE: RepoUrl<'_> = RepoUrl {
    origin: "https://r.example",
    path: "/pypi/main",
    public: true,
    identified: false,
};
const PROJECT: &str = "sample-project";

fn ask_for(path: &str, accept: &str) -> Result<ReadRequest, Problem> {
    let headers: HeaderMap = [(ACCEPT, accept.parse().expect("value"))]
        .into_iter()
        .collect();
    Pypi.parse(&RepoRequest::new(&Method::GET, path, "", &headers)?)
}

fn ask(path: &str) -> Result<ReadRequest, Problem> {
    Pypi.parse(&RepoRequest::new(
        &Method::GET,
        path,
        "",
        &HeaderMap::new(),
    )?)
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
    let bytes = Pypi
        .render(document, &representation, body.as_bytes(), &HERE)
        .expect("rendered");
    String::from_utf8(bytes).expect("UTF-8")
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
        let ReadRequest::Moved(to) = ask(path).expect(path) else {
            panic!("{path}")
        };
        assert_eq!(&*to, "simple/sample-project/", "{path}");
    }
    assert!(matches!(ask("/simple").expect("list"), ReadRequest::Moved(to) if &*to == "simple/"));
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
    let headers = HeaderMap::new();
    let post = RepoRequest::new(&Method::POST, "/simple/a/", "", &headers).expect("line");
    assert_eq!(
        Pypi.parse(&post).expect_err("a change").kind,
        Kind::Unsupported
    );
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
    assert_eq!(
        fetch,
        Fetch {
            url: url.into(),
            integrity: sha256("2"),
            size: Some(4450)
        }
    );
    let fetch = plan("sample_project-2.0rc1-py3-none-any.whl.metadata", PAGE_JSON).expect("plan");
    assert_eq!(
        fetch,
        Fetch {
            url: format!("{url}.metadata"),
            integrity: sha256("a"),
            size: None
        }
    );
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

#[test]
fn a_provenance_is_where_the_page_says() {
    let file = "sample_project-2.0rc1-py3-none-any.whl";
    let path = format!("/integrity/Sample_Project/2.0rc1/{file}/provenance");
    let ReadRequest::Document(document, representation) = ask(&path).expect("path") else {
        panic!("no document")
    };
    assert_eq!(
        (&*document.package, &*document.path, representation),
        (PROJECT, &*format!("provenance/2.0rc1/{file}"), PROVENANCE)
    );
    assert_eq!(
        Pypi.source(&document, &[]).expect("source"),
        Source::Read(page_of(PROJECT))
    );
    let known = [Some(Bytes::from_static(PAGE_JSON.as_bytes()))];
    let Source::At { url, accept } = Pypi.source(&document, &known).expect("source") else {
        panic!("no address")
    };
    assert_eq!(
        url,
        format!("https://registry.example/integrity/sample-project/2.0rc1/{file}/provenance")
    );
    assert!(accept.starts_with(PROVENANCE.content_type));
    Pypi.check(
        &document,
        br#"{"version":1,"attestation_bundles":[{"attestations":[]}]}"#,
    )
    .expect("a provenance");
    for bad in [
        &b"{}"[..],
        b"[]",
        b"<html>",
        br#"{"attestation_bundles":1}"#,
    ] {
        assert_eq!(
            Pypi.check(&document, bad).expect_err("refused").kind,
            Kind::Upstream
        );
    }
    let none = Document::new(PROJECT, "provenance/1.0/sample_project-1.0.tar.gz");
    assert_eq!(
        Pypi.source(&none, &known).expect_err("none").kind,
        Kind::NotFound
    );
    assert_eq!(
        Pypi.source(&none, &[None]).expect_err("none").kind,
        Kind::NotFound
    );
    assert!(ask(&format!("/integrity/{PROJECT}/9.9/{file}/provenance")).is_err());
    assert!(ask("/integrity/a/1.0/a-1.0.exe/provenance").is_err());
}

#[test]
fn pages_and_the_list_have_their_sources() {
    let at = |document: &Document| match Pypi.source(document, &[]).expect("source") {
        Source::At { url, accept } => (url, accept),
        Source::Read(document) => panic!("{document:?}"),
    };
    assert_eq!(
        at(&page_of(PROJECT)),
        ("sample-project/".to_owned(), ACCEPT_PAGE)
    );
    assert_eq!(
        at(&Document::new("", PROJECTS)),
        (String::new(), ACCEPT_PAGE)
    );
    assert!(Pypi.source(&Document::new("a", "other"), &[]).is_err());
}

#[test]
fn what_is_no_page_of_the_project_is_refused() {
    let bad = [
        "",
        "{",
        "{}",
        "log in",
        "<html><title>Log in</title><form><input type=password></form></html>",
        "<title>Log in</title><a href='/forgot/'>Forgot?</a><a href='/client-2.0.zip'>client-2.0.zip</a>",
        "<title>404</title><h1>Not Found</h1>",
        r#"{"error": "log in"}"#,
        r#"{"meta": {"api-version": "1.0"}, "name": "other", "files": []}"#,
        r#"{"meta": {"api-version": "2.0"}, "name": "sample-project", "files": []}"#,
        r#"{"meta": {"api-version": "1.0"}, "name": "sample-project"}"#,
        r#"{"meta": {"api-version": "1.0"}, "name": "sample-project", "files": {}}"#,
        r#"{"meta": {"api-version": "1.0"}, "name": "sample-project", "files": [1]}"#,
        r#"{"meta": {}, "name": "sample-project", "files": [{"url": "a", "url": "b"}]}"#,
        r#"{"meta": {}, "name": "sample-project", "files":
            [{"filename": "a-1.zip", "url": "a", "hashes": {"sha256": "0", "sha256": "1"}}]}"#,
        r#"{"name": "sample-project", "files": []}"#,
        r#"{"meta": {}, "name": "sample-project", "files": []} and more"#,
        "<meta name=\"pypi:repository-version\" content=\"2.0\"><a href=\"sample-project-1.0.zip\">sample-project-1.0.zip</a>",
    ];
    for body in bad {
        assert_eq!(
            Pypi.check(&page_of(PROJECT), body.as_bytes())
                .expect_err(body)
                .kind,
            Kind::Upstream,
            "{body}"
        );
    }
    assert!(
        Pypi.check(&page_of(PROJECT), b"<title>Links for a \xff</title>")
            .is_err()
    );
    let good = [
        r#" {"meta": {"api-version": "1.9"}, "name": "Sample.Project", "files": []}"#,
        r#"{"meta": {}, "name": "sample-project", "files": []}"#,
        "<meta name='pypi:repository-version' content='1.0'>",
        "<!DOCTYPE html><h1>links for sample-project</h1>",
        "<title>Simple index</title>",
        "<pre><a href='../'>../</a><a href='Sample_Project-1.0.zip'>Sample_Project-1.0.zip</a></pre>",
        "<a href='/d?id=7'>sample_project-1.0.tar.gz</a>",
    ];
    for body in good {
        Pypi.check(&page_of(PROJECT), body.as_bytes()).expect(body);
    }
}

#[test]
fn what_is_no_list_of_projects_is_refused() {
    let list = Document::new("", PROJECTS);
    let bad = [
        "",
        "{}",
        r#"{"meta": {}}"#,
        r#"{"meta": {}, "projects": {}}"#,
        r#"{"meta": {}, "projects": [{}]}"#,
        r#"{"meta": {"api-version": "2.0"}, "projects": []}"#,
        PAGE_JSON,
        "<h1>Log in</h1>",
        "<a href='login/'>login</a><form></form>",
        "<a href='foo/'>foo</a><a href='/help'>help</a>",
    ];
    for body in bad {
        assert_eq!(
            Pypi.check(&list, body.as_bytes()).expect_err(body).kind,
            Kind::Upstream,
            "{body}"
        );
    }
    let good = [
        "<title>Simple Index</title>",
        "<a href='foo-bar/'>Foo.Bar</a>",
        r#"{"meta": {}, "projects": []}"#,
    ];
    for body in good {
        Pypi.check(&list, body.as_bytes()).expect(body);
    }
}

#[test]
fn nothing_of_upstream_becomes_markup() {
    let script = "\"><script>alert('1')</script>";
    let image = "a<img src=x onerror=alert(1)>\"'&amp-1.0.zip";
    let hostile = json!({
        "meta": {"api-version": format!("1.{script}")}, "name": PROJECT,
        "project-status": {"status": script, "reason": script},
        "files": [
            {"filename": image, "url": script, "hashes": {"sha256": script, script: "00"}, "requires-python": script,
             "core-metadata": {"sha256": script}, "yanked": script, "provenance": script},
            {"filename": format!("{script}-1.0.zip"), "url": "https://f.example/a"},
            {"filename": "../../up-1.0.zip", "url": "https://f.example/a"},
            {"filename": ".hidden-1.0.zip", "url": "https://f.example/a"},
            {"filename": "new\nline-1.0.zip", "url": "https://f.example/a"},
            {"filename": "no-address-1.0.zip"},
        ],
    });
    let from_json = page(TEXT, &hostile.to_string());
    let escaped = text::html(script);
    let anchor = text::html(image);
    let hostile = format!(
        "<meta name='pypi:repository-version' content='1.{escaped}'><meta name='pypi:project-status' content='{escaped}'>\
         <script>\"<a href='x-1.0.zip'>x-1.0.zip</a>\"</script><style><a href='x-2.0.zip'></style>\
         <a href='x#{escaped}=00&sha256={escaped}' data-yanked='{escaped}' data-requires-python=\"{escaped}\">{anchor}</a>"
    );
    let from_html = page(TEXT, &hostile);
    for served in [from_json, from_html] {
        assert_eq!(served.matches("<a ").count(), 1, "{served}");
        assert!(
            !served.contains("<script") && !served.contains("<img") && !served.contains("sha256"),
            "{served}"
        );
        assert!(
            served.contains(&format!("data-yanked=\"{escaped}\"")),
            "{served}"
        );
    }
    let json: Value = serde_json::from_str(&page(JSON, &hostile)).expect("JSON");
    assert_eq!(
        (&json["files"][0]["filename"], &json["files"][0]["hashes"]),
        (&json!(image), &json!({}))
    );
}

#[test]
fn broken_pages_are_read_as_far_as_they_go() {
    let files = |body: &str| -> Vec<String> {
        let page = Page::read(body.as_bytes())
            .map(|page| page.files)
            .unwrap_or_default();
        page.iter().map(|file| file.name.to_string()).collect()
    };
    assert_eq!(
        files("<a href=a-1.zip>a-1.zip<a href=b-1.zip>b-1.zip</a"),
        ["a-1.zip", "b-1.zip"]
    );
    assert_eq!(
        files("<a href='a-1.zip'><b>a-1</b>.zip</a><a href='b-1.zip"),
        ["a-1.zip"]
    );
    assert_eq!(
        files("1 < 2 <a/href=a-1.zip x= y>a</a> <3 <!-- <a href=b-1.zip>"),
        ["a-1.zip"]
    );
    assert_eq!(
        files("<a href='a-1.zip' href='b-1.zip' data-yanked=a>b'>a</a><a>c-1.zip</a>"),
        ["a-1.zip"]
    );
    assert_eq!(
        files("<a href='/get?f=a'> a-1.zip\n</a><a href=/%zz-%41-1.zip>x</a>"),
        ["a-1.zip"]
    );
    for body in [PAGE_JSON, PAGE_HTML, LIST_JSON, LIST_HTML] {
        for (at, _) in body.char_indices() {
            for broken in [
                body[..at].to_owned(),
                body[at..].to_owned(),
                format!("{}<&\"{}", &body[..at], &body[at..]),
            ] {
                for document in [page_of(PROJECT), Document::new("", PROJECTS)] {
                    if Pypi.check(&document, broken.as_bytes()).is_ok() {
                        for representation in [JSON, TEXT] {
                            Pypi.render(&document, &representation, broken.as_bytes(), &HERE)
                                .expect("checked before");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn thousands_of_files_are_one_page() {
    let file = |n: u32| {
        let name = format!("sample_project-1.{n}-py3-none-any.whl");
        json!({"filename": name, "url": format!("https://files.registry.example/{n}/{name}"), "size": n,
            "hashes": {"sha256": format!("{n:064x}")}, "core-metadata": {"sha256": format!("{n:064x}")}, "yanked": false,
            "requires-python": ">=3.9", "upload-time": "2026-01-02T03:04:05.000006Z"})
    };
    let files: Vec<Value> = (0..3000).map(file).collect();
    let body = json!({"meta": {"api-version": "1.4"}, "name": PROJECT, "files": files}).to_string();
    let html = page(HTML, &body);
    assert_eq!(
        html.matches("<a href=\"../../packages/sample-project/")
            .count(),
        3000
    );
    let json: Value = serde_json::from_str(&page(JSON, &html)).expect("JSON");
    assert_eq!(json["files"].as_array().map(Vec::len), Some(3000));
    assert_eq!(page(HTML, &html), html);
    let fetch = plan("sample_project-1.2999-py3-none-any.whl", &body).expect("plan");
    assert_eq!(fetch.size, Some(2999));
}

#[test]
fn a_refusal_is_plain_text() {
    let reply = Pypi.refuse(
        &Problem::new(Kind::Unauthenticated, "access", "log in"),
        &HERE,
    );
    assert_eq!(
        (reply.status.as_u16(), &reply.body[..]),
        (401, &b"log in\n"[..])
    );
    assert_eq!(reply.headers[WWW_AUTHENTICATE], "Basic realm=\"larder\"");
    assert_eq!(
        reply.headers[http::header::CONTENT_TYPE],
        "text/plain; charset=utf-8"
    );
    let reply = Pypi.refuse(&Problem::new(Kind::Policy, "policy", "too young"), &HERE);
    assert_eq!(reply.status.as_u16(), 403);
    assert!(reply.headers.get(WWW_AUTHENTICATE).is_none());
}
