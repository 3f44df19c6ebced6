//! Pages of projects, and the links on them.

use super::*;

#[test]
fn pages_are_served_as_html_and_json() {
    assert_eq!(
        page(JSON, PAGE_JSON),
        include_str!("../testdata/sample.json.served.json").trim_end()
    );
    assert_eq!(
        page(TEXT, PAGE_JSON),
        include_str!("../testdata/sample.json.served.html")
    );
    assert_eq!(page(HTML, PAGE_JSON), page(TEXT, PAGE_JSON));
    assert_eq!(
        page(JSON, PAGE_HTML),
        include_str!("../testdata/sample.html.served.json").trim_end()
    );
    assert_eq!(
        page(TEXT, PAGE_HTML),
        include_str!("../testdata/sample.html.served.html")
    );
    let list = Document::new("", PROJECTS);
    assert_eq!(rendered(&list, JSON, LIST_JSON), LIST_JSON);
    assert_eq!(
        rendered(&list, TEXT, LIST_JSON),
        include_str!("../testdata/projects.json.served.html")
    );
    assert_eq!(
        rendered(&list, JSON, LIST_HTML),
        include_str!("../testdata/projects.html.served.json").trim_end()
    );
    assert_eq!(
        rendered(&list, HTML, LIST_HTML),
        include_str!("../testdata/projects.html.served.html")
    );
}

#[test]
fn only_links_of_json_pages_change() {
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
fn every_link_that_is_served_is_parsed() {
    let odd = "sample-project-1.0 (copy) #2?&\u{e9}'.zip";
    let file = json!({"filename": odd, "url": "https://f.example/x", "hashes": {}});
    let body = json!({"meta": {}, "name": PROJECT, "files": [file]});
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
}

#[test]
fn hashes_on_html_pages_are_used() {
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
fn the_newer_key_of_core_metadata_wins() {
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
