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
