use super::*;
use http::Request;

fn parts(version: Version, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::get("/v2/").version(version);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("request").into_parts().0
}

#[test]
fn a_head_names_one_host_and_one_caller() {
    let host = ("host", "larder.example");
    let caller = ("authorization", "Bearer a");
    for (version, headers, about) in [
        (Version::HTTP_11, vec![host], None),
        (Version::HTTP_11, vec![host, caller], None),
        (Version::HTTP_10, vec![], None),
        (Version::HTTP_2, vec![], None),
        (Version::HTTP_11, vec![], Some("host")),
        (Version::HTTP_11, vec![host, host], Some("host")),
        (Version::HTTP_2, vec![host, ("host", "b")], Some("host")),
        (Version::HTTP_10, vec![caller, caller], Some("credentials")),
    ] {
        let refused = require_plain(&parts(version, &headers)).err();
        let told = refused.map(|problem| problem.about);
        assert_eq!(told, about, "{version:?} {headers:?}");
    }
}

#[test]
fn a_target_has_no_fragment() {
    let mut parts = parts(Version::HTTP_11, &[("host", "larder.example")]);
    parts.extensions.insert(TargetWithFragment);
    let refused = require_plain(&parts).expect_err("a fragment");
    assert_eq!(refused.about, "target");
}
