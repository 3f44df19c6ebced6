//! What an upstream sends as a document is refused, or can be served in every representation, each
//! of them well formed.
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method};
use larder_mirrors::rendering::filling;
use larder_mirrors::{
    Call, Lead, Protocol, ReadRequest, RenderRequest, RepoRequest, Source, cargo, composer, deb,
    go, npm, pypi, rpm,
};

const ORIGIN: &str = "https://larder.example";
const PLACE_BYTES: usize = 64;

const DOCUMENTS: [(&dyn Protocol, &str, &str); 19] = [
    (&cargo::Cargo, "/se/rd/serde_json", "*/*"),
    (&deb::Deb, "/dists/stable/InRelease", "*/*"),
    (&deb::Deb, "/dists/stable/Release", "*/*"),
    (&deb::Deb, "/Release.gpg", "*/*"),
    (&npm::Npm, "/widget", "application/json"),
    (&npm::Npm, "/widget", "application/vnd.npm.install-v1+json"),
    (&npm::Npm, "/-/package/widget/dist-tags", "application/json"),
    (&npm::Npm, "/-/npm/v1/keys", "application/json"),
    (
        &pypi::Pypi,
        "/simple/sample/",
        "application/vnd.pypi.simple.v1+json",
    ),
    (&pypi::Pypi, "/simple/sample/", "text/html"),
    (&pypi::Pypi, "/simple/", "text/html"),
    (&go::Go, "/example.com/m/@v/list", "*/*"),
    (&go::Go, "/example.com/m/@latest", "*/*"),
    (&go::Go, "/vulndb/index/db.json", "*/*"),
    (&go::Go, "/vulndb/ID/GO-2021-0001.json.gz", "*/*"),
    (&rpm::Rpm, "/repodata/repomd.xml", "*/*"),
    (&rpm::Rpm, "/repodata/repomd.xml.asc", "*/*"),
    (&composer::Composer, "/p2/acme/demo.json", "*/*"),
    (&composer::Composer, "/p2/acme/demo~dev.json", "*/*"),
];
const ARTIFACTS: [(&dyn Protocol, &str); 5] = [
    (&cargo::Cargo, "/api/v1/crates/serde_json/1.0.0/download"),
    (&npm::Npm, "/widget/-/widget-1.0.0.tgz"),
    (
        &pypi::Pypi,
        "/packages/sample/sample-1.0.0-py3-none-any.whl",
    ),
    (&rpm::Rpm, "/Packages/sample-1.0.0-1.noarch.rpm"),
    (
        &composer::Composer,
        "/dist/acme/demo/1.5.0/1111111111111111111111111111111111111111.zip",
    ),
];

/// Whatever comes, nothing panics.
pub fn run(body: &[u8]) {
    let filling = filling(ORIGIN, PLACE_BYTES).expect("an address");
    let known = [Some(Bytes::copy_from_slice(body))];
    for (protocol, path, accept) in DOCUMENTS {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        let request = RepoRequest::new(&Method::GET, path, "", &headers).expect("request");
        let Ok(Call::Read(ReadRequest::Document(document, representation))) =
            protocol.parse(&request)
        else {
            panic!("{path}")
        };
        // What stands in a root is read like what an upstream has by itself.
        if let Ok(Source::Here(found)) = protocol.source(&document, &known) {
            let _ = protocol.check(&document, &found);
        }
        if protocol.check(&document, body).is_err() {
            continue;
        }
        if let Some(sets) = protocol.sets() {
            let set = sets.set(&document, body);
            let _ = (
                sets.age(body),
                sets.split_signed(body),
                sets.fits(body, &document, body),
            );
            if let Some(outlines) = protocol.outlines().filter(|_| sets.is_head(&document)) {
                let outline = outlines.outline(&document, body).expect("it was checked");
                // What a set has is found by its name, and nothing of it is elsewhere.
                for member in set.expect("it was checked").members {
                    let path = &member.artifact.path;
                    assert!(!path.split('/').any(|part| part == ".."), "{path}");
                    assert!(outline.member(path).is_some(), "{path}");
                }
                let _ = outline.lists_of("pool/main/d/demo/demo_1_all.deb");
            }
        }
        if representation.name.is_empty() {
            continue;
        }
        let lead = Lead {
            upstream: "https://code.example/".to_owned(),
            path: "/git/up".to_owned(),
        };
        let leads = [lead];
        let request = RenderRequest {
            document: &document,
            representation,
            part: None,
            repo_path: "/p/main",
            place_bytes: if representation.has_absolute_urls {
                PLACE_BYTES
            } else {
                0
            },
            leads: &leads,
        };
        if let Ok(rendered) = protocol.render(&request, body)
            && representation.content_type.ends_with("json")
        {
            let rendered = rendered.filled(&filling);
            serde_json::from_slice::<serde_json::Value>(&rendered).expect("JSON");
        }
    }
    for (protocol, path) in ARTIFACTS {
        let headers = HeaderMap::new();
        let request = RepoRequest::new(&Method::GET, path, "", &headers).expect("request");
        let Ok(Call::Read(ReadRequest::Artifact(artifact))) = protocol.parse(&request) else {
            panic!("{path}")
        };
        let _ = protocol.plan(&artifact, &known, &[]);
    }
}
