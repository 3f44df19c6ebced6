//! What an upstream sends as a document is refused or can be served in every form, each of them
//! well formed.
#![no_main]
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method};
use larder_mirrors::{ReadRequest, RepoUrl, RepoRequest, Protocol, cargo, npm, pypi, rpm};
use libfuzzer_sys::fuzz_target;

const ASKED: [(&dyn Protocol, &str, &str); 10] = [
    (&cargo::Cargo, "/se/rd/serde_json", "*/*"),
    (&npm::Npm, "/widget", "application/json"),
    (&npm::Npm, "/widget", "application/vnd.npm.install-v1+json"),
    (&npm::Npm, "/-/package/widget/dist-tags", "application/json"),
    (&npm::Npm, "/-/npm/v1/keys", "application/json"),
    (&pypi::Pypi, "/simple/sample/", "application/vnd.pypi.simple.v1+json"),
    (&pypi::Pypi, "/simple/sample/", "text/html"),
    (&pypi::Pypi, "/simple/", "text/html"),
    (&rpm::Rpm, "/repodata/repomd.xml", "*/*"),
    (&rpm::Rpm, "/repodata/repomd.xml.asc", "*/*"),
];
const ARTIFACTS: [(&dyn Protocol, &str); 4] = [
    (&cargo::Cargo, "/api/v1/crates/serde_json/1.0.0/download"),
    (&npm::Npm, "/widget/-/widget-1.0.0.tgz"),
    (&pypi::Pypi, "/packages/sample/sample-1.0.0-py3-none-any.whl"),
    (&rpm::Rpm, "/Packages/sample-1.0.0-1.noarch.rpm"),
];

fuzz_target!(|body: &[u8]| {
    let here = RepoUrl { origin: "https://larder.example", path: "/p/main", public: true, identified: false };
    let known = [Some(Bytes::copy_from_slice(body))];
    for (protocol, path, accept) in ASKED {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        let line = RepoRequest::new(&Method::GET, path, "", &headers).expect("line");
        let ReadRequest::Document(document, representation) = protocol.parse(&line).expect("document") else { panic!("{path}") };
        let _ = protocol.source(&document, &known);
        if protocol.check(&document, body).is_err() {
            continue;
        }
        let _ = protocol.set(&document, body);
        if representation.name.is_empty() {
            continue;
        }
        if let Ok(rendered) = protocol.render(&document, &representation, body, &here)
            && representation.content_type.ends_with("json")
        {
            serde_json::from_slice::<serde::de::IgnoredAny>(&rendered).expect("JSON");
        }
    }
    for (protocol, path) in ARTIFACTS {
        let headers = HeaderMap::new();
        let line = RepoRequest::new(&Method::GET, path, "", &headers).expect("line");
        let ReadRequest::Artifact(artifact) = protocol.parse(&line).expect("artifact") else { panic!("{path}") };
        let _ = protocol.plan(&artifact, &known, &[]);
    }
});
