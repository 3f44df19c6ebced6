//! What upstreams send: sources, and pages that are odd, hostile or large.

use super::*;

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
        other => panic!("{other:?}"),
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
fn invalid_pages_are_refused() {
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
        "<meta name=\"pypi:repository-version\" content=\"2.0\">\
            <a href=\"sample-project-1.0.zip\">sample-project-1.0.zip</a>",
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
    for script in [
        "<script>go()</script>",
        "<meta http-equiv=refresh content='0;url=/login'>",
    ] {
        let body = format!("<html><head>{script}</head><body></body></html>");
        assert!(
            Pypi.check(&page_of(PROJECT), body.as_bytes()).is_err(),
            "{script}"
        );
    }
    let good = [
        r#" {"meta": {"api-version": "1.9"}, "name": "Sample.Project", "files": []}"#,
        r#"{"meta": {}, "name": "sample-project", "files": []}"#,
        "<meta name='pypi:repository-version' content='1.0'>",
        "<!DOCTYPE html><h1>links for sample-project</h1>",
        "<title>Simple index</title>",
        "\u{feff}<!DOCTYPE html><html><body>\n</body></html>",
        "<title>Index of /simple/sample-project/</title><a href='../'>../</a>",
        "\u{feff}{\"meta\": {}, \"name\": \"sample-project\", \"files\": []}",
        "<pre><a href='../'>../</a><a href='Sample_Project-1.0.zip'>Sample_Project-1.0.zip</a></pre>",
        "<a href='/d?id=7'>sample_project-1.0.tar.gz</a>",
    ];
    for body in good {
        Pypi.check(&page_of(PROJECT), body.as_bytes()).expect(body);
    }
}

#[test]
fn pages_in_latin_1_and_with_a_mark_are_read() {
    let file = "sample_project-1.0.zip";
    let hash = "0".repeat(64);
    let html = format!("<h1>Links for S\u{e9}</h1><a href='{file}#sha256={hash}'>{file}</a>");
    let latin: Vec<u8> = html
        .chars()
        .map(|char| u8::try_from(u32::from(char)).expect("Latin-1"))
        .collect();
    let name = json!({"filename": file, "url": file, "hashes": {"sha256": hash}});
    let odd = json!({"filename": "a/b", "url": "x"});
    let json = json!({"meta": {}, "name": PROJECT, "files": [odd, name]});
    for (body, unserved) in [(latin, 0), (format!("\u{feff}{json}").into_bytes(), 1)] {
        assert_eq!(
            Pypi.check(&page_of(PROJECT), &body).expect("a page"),
            unserved
        );
        for representation in [JSON, TEXT] {
            let page = testing::render(&Pypi, &page_of(PROJECT), representation, &body);
            let page = String::from_utf8(page.expect("rendered")).expect("UTF-8");
            assert!(page.contains(&hash), "{page}");
            assert!(!page.starts_with('\u{feff}'));
        }
    }
    let list = Document::new("", PROJECTS);
    let body = "\u{feff}{\"meta\": {}, \"projects\": [{\"name\": \"a\"}]}".as_bytes();
    Pypi.check(&list, body).expect("a list");
    for representation in [JSON, TEXT] {
        let list = testing::render(&Pypi, &list, representation, body).expect("rendered");
        assert!(!list.starts_with("\u{feff}".as_bytes()));
    }
}

#[test]
fn invalid_lists_of_projects_are_refused() {
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
fn text_of_upstreams_is_escaped_in_html() {
    let script = "\"><script>alert('1')</script>";
    let image = "a<img src=x onerror=alert(1)>\"'&amp-1.0.zip";
    let hostile = json!({
        "meta": {"api-version": format!("1.{script}")}, "name": PROJECT,
        "project-status": {"status": script, "reason": script},
        "files": [
            {"filename": image, "url": script, "hashes": {"sha256": script, script: "00"},
             "requires-python": script, "core-metadata": {"sha256": script},
             "yanked": script, "provenance": script},
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
        "<meta name='pypi:repository-version' content='1.{escaped}'>\
         <meta name='pypi:project-status' content='{escaped}'>\
         <script>\"<a href='x-1.0.zip'>x-1.0.zip</a>\"</script><style><a href='x-2.0.zip'></style>\
         <a href='x#{escaped}=00&sha256={escaped}' data-yanked='{escaped}' \
         data-requires-python=\"{escaped}\">{anchor}</a>"
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
fn truncated_pages_are_read_to_their_end() {
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
                            testing::render(&Pypi, &document, representation, broken.as_bytes())
                                .expect("checked before");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_page_has_thousands_of_files() {
    let file = |n: u32| {
        let name = format!("sample_project-1.{n}-py3-none-any.whl");
        let (url, sha256) = (
            format!("https://files.registry.example/{n}/{name}"),
            format!("{n:064x}"),
        );
        json!({"filename": name, "url": url, "size": n, "hashes": {"sha256": sha256},
            "core-metadata": {"sha256": sha256}, "yanked": false,
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
        &REPO_URL,
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
    let reply = Pypi.refuse(
        &Problem::new(Kind::Policy, "policy", "too young"),
        &REPO_URL,
    );
    assert_eq!(reply.status.as_u16(), 403);
    assert!(reply.headers.get(WWW_AUTHENTICATE).is_none());
}

#[test]
fn a_page_of_endless_files_is_refused() {
    let files = |count: usize| {
        let all = "{},".repeat(count - 1);
        format!("{{\"meta\":{{}},\"name\":\"{PROJECT}\",\"files\":[{all}{{}}]}}")
    };
    let checked = Pypi.check(&page_of(PROJECT), files(100_000).as_bytes());
    assert_eq!(checked.expect("a page"), 100_000);
    let refused = Pypi.check(&page_of(PROJECT), files(100_001).as_bytes());
    assert_eq!(refused.expect_err("endless").kind, Kind::Upstream);
    let anchors = "<a href=a-1.zip>a</a>".repeat(100_001);
    let refused = Pypi.check(&page_of(PROJECT), anchors.as_bytes());
    assert_eq!(refused.expect_err("endless").kind, Kind::Upstream);
}
