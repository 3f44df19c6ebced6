use super::*;

fn read(method: &str, uri: &str) -> Result<Endpoint, Kind> {
    let request = http::Request::builder()
        .method(method)
        .uri(uri)
        .body(())
        .expect("request");
    parse(&request.into_parts().0).map_err(|problem| problem.kind)
}

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A new kind of request without a route in the list does not compile or fails here.
#[test]
fn the_list_of_routes_is_whole() {
    let mut seen = std::collections::BTreeSet::new();
    for (method, path) in ROUTES {
        let path = path
            .replace("{name}", "a/b")
            .replace("{digest}", &format!("sha256:{HEX}"));
        let endpoint = read(
            method,
            &path.replace("{session}", "00000000-0000-4000-8000-000000000000"),
        );
        seen.insert(
            match endpoint.unwrap_or_else(|kind| panic!("{method} {path}: {kind:?}")) {
                Endpoint::Ping => 1,
                Endpoint::Token { .. } => 2,
                Endpoint::Catalog(_) => 3,
                Endpoint::Extensions => 4,
                Endpoint::Tags(..) => 5,
                Endpoint::GetManifest(..) => 6,
                Endpoint::PutManifest(..) => 7,
                Endpoint::DeleteManifest(..) => 8,
                Endpoint::GetBlob(..) => 9,
                Endpoint::DeleteBlob(..) => 10,
                Endpoint::StartUpload(..) => 11,
                Endpoint::Patch(..) => 12,
                Endpoint::Finish(..) => 13,
                Endpoint::Status(..) => 14,
                Endpoint::Cancel(..) => 15,
                Endpoint::Referrers(..) => 16,
            },
        );
    }
    assert_eq!(seen.len(), 16, "every kind has a route");
}

#[test]
fn names_may_hold_the_words_of_the_api() {
    let name = |text: &str| text.parse::<ImageName>().expect("name");
    for (uri, expected) in [
        (
            "/v2/a/tags/tags/list",
            Endpoint::Tags(name("a/tags"), Page::default()),
        ),
        (
            "/v2/a/manifests/blobs/tags/list",
            Endpoint::Tags(name("a/manifests/blobs"), Page::default()),
        ),
        (
            "/v2/a/b/manifests/list",
            Endpoint::GetManifest(name("a/b"), "list".parse().expect("tag")),
        ),
    ] {
        assert_eq!(read("GET", uri), Ok(expected), "{uri}");
    }
    assert!(matches!(
        read("POST", "/v2/a/uploads/blobs/uploads/"),
        Ok(Endpoint::StartUpload(..))
    ));
    assert!(matches!(
        read("POST", "/v2/a/b/blobs/uploads"),
        Ok(Endpoint::StartUpload(..))
    ));
}

#[test]
fn other_spellings_mean_the_same_or_nothing() {
    let canonical = read("GET", &format!("/v2/a/b/blobs/sha256:{HEX}"));
    assert!(canonical.is_ok());
    assert_eq!(
        read("GET", &format!("/v2/%61/%62/%62lobs/sha256%3A{HEX}")),
        canonical
    );
    for uri in [
        "/v2/a%2Fb/blobs/sha256:",
        "/v2//a/b/blobs/sha256:",
        "/v2/a/./b/blobs/sha256:",
        "/v2/a/../b/blobs/sha256:",
        "/v2/a/b;x/blobs/sha256:",
        "/v2/a/b%00/blobs/sha256:",
        "/v2/A/b/blobs/sha256:",
        "/v2/a/b./blobs/sha256:",
        "/v2/a/%2562/blobs/sha256:",
        "/v2/a/b%c0%af/blobs/sha256:",
        "/v2/a/b/blobs//sha256:",
        "/v2/a/b/Blobs/sha256:",
        "/v2/a/b%5C/blobs/sha256:",
        "/V2/a/b/blobs/sha256:",
        "/v2/a/b%/blobs/sha256:",
    ] {
        let refused = read("GET", &format!("{uri}{HEX}"));
        assert!(
            matches!(refused, Err(Kind::Invalid | Kind::NotFound)),
            "{uri}: {refused:?}"
        );
    }
}

#[test]
fn ranges_of_chunks() {
    let value = |text: &'static str| content_range(&http::HeaderValue::from_static(text)).ok();
    assert_eq!(value("0-9"), Some((0, 10)));
    assert_eq!(value("bytes 5-5/10"), Some((5, 6)));
    for bad in [
        "",
        "5",
        "9-5",
        "-5",
        "5-",
        "a-b",
        "0-18446744073709551615",
        "+1-2",
    ] {
        assert_eq!(value(bad), None, "{bad}");
    }
}

#[test]
fn methods_and_digests() {
    assert_eq!(read("PUT", "/v2/"), Err(Kind::Method));
    assert_eq!(
        read("POST", &format!("/v2/a/b/blobs/sha256:{HEX}")),
        Err(Kind::Method)
    );
    assert_eq!(read("GET", "/v2/a/b/blobs/sha256:bad"), Err(Kind::Invalid));
    assert_eq!(read("GET", "/v2/a/b/manifests/.bad"), Err(Kind::NotFound));
    assert_eq!(read("PUT", "/v2/a/b/manifests/.bad"), Err(Kind::Invalid));
    assert_eq!(read("GET", "/v2/a/b/tags/list?n=x"), Err(Kind::Invalid));
    assert_eq!(read("GET", "/v2/a/b"), Err(Kind::NotFound));
    assert_eq!(
        read("POST", "/v2/a/b/blobs/uploads/?digest-algorithm=md5"),
        Err(Kind::Invalid)
    );
}
