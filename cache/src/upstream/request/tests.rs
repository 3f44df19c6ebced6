use super::*;

#[test]
fn what_is_packed_by_its_name_is_not_asked_for_compressed() {
    let takes = |url, compressed| {
        let request = FetchRequest {
            compressed,
            ..FetchRequest::new(url)
        };
        let asked = request.headers()[ACCEPT_ENCODING].clone();
        assert_eq!(asked == "gzip", request.takes_gzip(), "{url}");
        request.takes_gzip()
    };
    assert!(takes("demo", true) && takes("https://a.example/x.gz/list?a=b.gz", true));
    assert!(!takes("demo", false));
    for url in [
        "comps.xml.gz",
        "/a/demo-1.0.tgz",
        "https://a.example/b.gz?c=d",
    ] {
        assert!(!takes(url, true), "{url}");
    }
}

#[test]
fn secrets_are_apart_from_what_everyone_may_see() {
    let mut secret = HeaderValue::from_static("Basic eA==");
    secret.set_sensitive(true);
    let open = HeaderValue::from_static("version=2");
    let name = HeaderName::from_static("git-protocol");
    let more = [(http::header::AUTHORIZATION, secret), (name.clone(), open)];
    let request = FetchRequest {
        more: &more,
        ..FetchRequest::new("demo")
    };
    let headers = request.headers();
    assert_eq!(headers[name], "version=2");
    assert!(!headers.contains_key(http::header::AUTHORIZATION));
    let secrets: Vec<_> = request.secrets().collect();
    assert_eq!(secrets, more[..1]);
}
