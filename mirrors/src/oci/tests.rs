use super::*;
use crate::testing::{call, get};
use http::Method;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn read(path: &str, query: &str) -> Result<ReadRequest, Problem> {
    get(&Oci, &format!("{path}?{query}"))
}

#[test]
fn tags_are_documents_and_digests_are_artifacts() {
    let place = |ask: ReadRequest| match ask {
        ReadRequest::Document(
            Document {
                package,
                kind,
                path,
            },
            _,
        ) => (package.to_string(), kind, path.to_string()),
        ReadRequest::Artifact(Artifact {
            package,
            kind,
            path,
            ..
        }) => (package.to_string(), kind, path.to_string()),
        other => panic!("{other:?}"),
    };
    for (path, image, (kind, expected)) in [
        (
            "/library/nginx/manifests/latest",
            "library/nginx",
            (FileKind::Tag, "latest".to_owned()),
        ),
        (
            "/nginx/manifests/v1",
            "nginx",
            (FileKind::Tag, "v1".to_owned()),
        ),
        (
            &format!("/a/b/c/manifests/sha256:{HEX}"),
            "a/b/c",
            (FileKind::Manifest, format!("sha256:{HEX}")),
        ),
        (
            &format!("/a/b/blobs/sha256%3A{HEX}"),
            "a/b",
            (FileKind::Blob, format!("sha256:{HEX}")),
        ),
        (
            "/a/tags/list",
            "a",
            (FileKind::Document, "lists/tags".to_owned()),
        ),
        (
            &format!("/a/referrers/sha256:{HEX}"),
            "a",
            (FileKind::Document, format!("referrers/sha256:{HEX}?")),
        ),
        (
            "/a/manifests/blobs/tags/list",
            "a/manifests/blobs",
            (FileKind::Document, "lists/tags".to_owned()),
        ),
    ] {
        assert_eq!(
            place(read(path, "").expect(path)),
            (image.to_owned(), kind, expected)
        );
    }
    for (path, kind) in [
        ("/manifests/latest", Kind::NotFound),
        ("/a/manifests/.bad", Kind::NotFound),
        ("/a/manifests/sha256:00", Kind::Invalid),
        ("/a/blobs/latest", Kind::Invalid),
        ("/a/b", Kind::NotFound),
        ("/", Kind::NotFound),
    ] {
        assert_eq!(read(path, "").expect_err(path).kind, kind, "{path}");
    }
}

#[test]
fn a_push_to_a_mirror_is_refused() {
    for method in [Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
        let problem = call(&Oci, &method, "/a/manifests/latest", None).err();
        assert_eq!(problem.expect("refused").kind, Kind::Unsupported);
    }
}

#[test]
fn documents_and_artifacts_have_urls_upstream() {
    let url = |path: &str, query: &str| match read(path, query).expect(path) {
        ReadRequest::Document(document, _) => match Oci.source(&document, &[]).expect("source") {
            Source::At { url, .. } => url,
            other @ (Source::Read(_) | Source::Here(_)) => panic!("{other:?}"),
        },
        ReadRequest::Artifact(artifact) => match Oci.plan(&artifact, &[], &[]).expect("plan") {
            Plan::Fetch(fetch) => {
                assert_eq!(
                    fetch.integrity,
                    Integrity::Digest(format!("sha256:{HEX}").parse().expect("digest"))
                );
                fetch.url
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(url("/a/b/manifests/v1", ""), "v2/a/b/manifests/v1");
    assert_eq!(url("/a/tags/list", ""), "v2/a/tags/list?n=1000");
    assert_eq!(
        url(&format!("/a/blobs/sha256:{HEX}"), ""),
        format!("v2/a/blobs/sha256:{HEX}")
    );
    assert_eq!(
        url(
            &format!("/a/referrers/sha256:{HEX}"),
            "artifactType=application%2Fx%2Bjson"
        ),
        format!("v2/a/referrers/sha256:{HEX}")
    );
}

#[test]
fn invalid_manifests_are_refused() {
    let tag = Document::tag("a", "v1");
    Oci.check(&tag, br#"{"schemaVersion":2,"manifests":[]}"#)
        .expect("an index");
    for bad in [
        &b"<html>"[..],
        b"{}",
        br#"{"schemaVersion":1}"#,
        br#"{"schemaVersion":2,"signatures":[]}"#,
        b"[]",
    ] {
        assert_eq!(
            Oci.check(&tag, bad).expect_err("refused").kind,
            Kind::Upstream
        );
    }
    assert!(
        Oci.check(
            &Document::new("a", "lists/tags"),
            br#"{"name":"a","tags":["x"]}"#
        )
        .is_ok()
    );
    assert!(
        Oci.check(&Document::new("a", "lists/tags"), b"{\"tags\":1}")
            .is_err()
    );
}
