use super::*;
use larder_model::{Algorithm, Digest};

#[test]
fn who_has_it_or_goes_on_downloads_nothing() {
    let digest = Digest::of(Algorithm::Sha256, b"abc");
    let (own, other) = (format!("\"{digest}\""), "\"sha256:0\"".to_owned());
    let found = FileRecord::transient("", digest, 100);
    for (method, headers, is) in [
        (Method::GET, vec![], true),
        (Method::HEAD, vec![], false),
        (Method::GET, vec![(IF_NONE_MATCH, &*own)], false),
        (Method::GET, vec![(IF_NONE_MATCH, &*other)], true),
        (Method::GET, vec![(IF_NONE_MATCH, "*")], false),
        (Method::GET, vec![(RANGE, "bytes=0-")], true),
        (Method::GET, vec![(RANGE, "bytes=0-9")], true),
        (Method::GET, vec![(RANGE, "bytes=10-")], false),
        (Method::GET, vec![(RANGE, "bytes=-10")], false),
        (Method::GET, vec![(RANGE, "bytes=100-")], false),
        (Method::GET, vec![(RANGE, "lines=1-2")], true),
        (Method::GET, vec![(RANGE, "bytes=20-29,0-9")], true),
        (Method::GET, vec![(RANGE, "bytes=20-29,10-12")], false),
        // The range is of other bytes: all are sent.
        (
            Method::GET,
            vec![(RANGE, "bytes=10-"), (IF_RANGE, &*other)],
            true,
        ),
        (
            Method::GET,
            vec![(RANGE, "bytes=10-"), (IF_RANGE, &*own)],
            false,
        ),
    ] {
        let mut request = http::Request::builder().method(&method);
        for (name, value) in &headers {
            request = request.header(name, *value);
        }
        let (parts, ()) = request.body(()).expect("request").into_parts();
        assert_eq!(
            is_download(&parts, &found, None),
            is,
            "{method} {headers:?}"
        );
    }
}
