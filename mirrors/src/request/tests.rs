use super::*;

fn segments(path: &str) -> Result<Vec<String>, Problem> {
    let (headers, method) = (HeaderMap::new(), Method::GET);
    let request = RepoRequest::new(&method, path, "", &headers)?;
    Ok(request.segments.iter().map(ToString::to_string).collect())
}

#[test]
fn a_path_is_decoded_once() {
    assert_eq!(segments("/@sc%2fname").expect("path"), ["@sc/name"]);
    assert_eq!(
        segments("/%40sc%2Fname/-/name-1.0.0%2Bx.tgz").expect("path"),
        ["@sc/name", "-", "name-1.0.0+x.tgz"]
    );
    assert_eq!(
        segments("/simple/foo/").expect("path"),
        ["simple", "foo", ""]
    );
    assert_eq!(segments("/").expect("path"), [""]);
}

#[test]
fn what_others_could_read_as_another_path_is_refused() {
    let bad = [
        "/a/../b",
        "/a/./b",
        "/a//b",
        "/%2e%2e/b",
        "/a/%2e%2e%2fb",
        "/a%2f..%2fb",
        "/a%00b",
        "/a%5cb",
        "/a\\b",
        "/a;b",
        "/a%3bb",
        "/a%252fb",
        "/a%",
        "/a%zz",
        "/a%c0%af",
        "/%2fa",
        "/a%2f",
        "/a%2f%2fb",
        "/a%0ab",
    ];
    for path in bad {
        assert!(segments(path).is_err(), "{path}");
    }
    assert!(segments(&"/a".repeat(65)).is_err());
}

#[test]
fn accepted_types_are_weighed() {
    let headers: HeaderMap = [(
        http::header::ACCEPT,
        "application/vnd.pypi.simple.v1+json, text/html; q=0.01, text/plain;q=0"
            .parse()
            .expect("value"),
    )]
    .into_iter()
    .collect();
    let method = Method::GET;
    let request = RepoRequest::new(&method, "/", "", &headers).expect("line");
    assert_eq!(request.wants("application/vnd.pypi.simple.v1+json"), 1000);
    assert_eq!(request.wants("text/html"), 10);
    assert!(!request.accepts("text/plain"));
    assert!(!request.accepts("*/*"));
}
