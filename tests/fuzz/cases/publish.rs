//! Whatever someone publishes is taken or refused, never a panic, and each file of it has a plain
//! name.
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use larder_mirrors::publishing::{PublishLimits, Step};
use larder_mirrors::{Call, Protocol, RepoRequest, cargo, composer, deb, npm, pypi, rpm};
use std::io::Cursor;

const PUBLISHED: [(&dyn Protocol, Method, &str, &str); 10] = [
    (&cargo::Cargo, Method::PUT, "/api/v1/crates/new", ""),
    (
        &deb::Deb,
        Method::PUT,
        "/pool/stable/main/demo_1_all.deb",
        "",
    ),
    (
        &deb::Deb,
        Method::PUT,
        "/pool/stable/main/demo_1_all.changes",
        "",
    ),
    (&deb::Deb, Method::PUT, "/pool/stable/main/demo_1-1.dsc", ""),
    (
        &deb::Deb,
        Method::PUT,
        "/pool/stable/main/demo_1.orig.tar.gz",
        "",
    ),
    (
        &npm::Npm,
        Method::PUT,
        "/@acme%2fwidget",
        "application/json",
    ),
    (
        &pypi::Pypi,
        Method::POST,
        "/legacy/",
        "multipart/form-data; boundary=b",
    ),
    (&rpm::Rpm, Method::PUT, "/Packages/demo.rpm", ""),
    (&rpm::Rpm, Method::PUT, "/repodata/updateinfo.xml", ""),
    (
        &composer::Composer,
        Method::PUT,
        "/upload",
        "application/zip",
    ),
];

/// Whatever comes, nothing panics.
pub fn run(body: &[u8]) {
    for (protocol, method, path, content_type) in &PUBLISHED {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let request = RepoRequest::new(method, path, "", &headers).expect("request");
        let Ok(Call::Publish(publish)) = protocol.parse(&request) else {
            panic!("{path}")
        };
        let mut body = Cursor::new(body);
        let package = if publish.package.is_empty() {
            publish
                .action
                .package_in(&mut body, &PublishLimits::default())
        } else {
            Ok(publish.package.clone())
        };
        let Ok(package) = package else { continue };
        assert!(!package.contains(char::is_control));
        body.set_position(0);
        for step in publish
            .action
            .steps(&mut body, &[], &PublishLimits::default())
            .unwrap_or_default()
        {
            if let Step::Add { path, .. } = step {
                assert!(
                    !path.contains("..") && !path.contains(char::is_control),
                    "{path}"
                );
            }
        }
    }
}
