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
fn ambiguous_paths_are_refused() {
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
    assert_eq!(request.quality("application/vnd.pypi.simple.v1+json"), 1000);
    assert_eq!(request.quality("text/html"), 10);
    assert!(!request.accepts("text/plain"));
    assert!(!request.accepts("*/*"));
}

fn lens(segment: &str) -> Option<Lens> {
    let address = RepoAddress::read(segment)?;
    assert_eq!(address.repo.as_str(), "main");
    address.lens
}

#[test]
fn an_address_may_have_a_lens() {
    let plain = RepoAddress::read("main").expect("an address");
    assert_eq!((plain.repo.as_str(), plain.lens), ("main", None));
    let as_of = |text: &str| Some(Lens::AsOf(text.parse().expect("a moment")));
    assert_eq!(
        lens("main@2026-11-28"),
        as_of("2026-11-28T23:59:59.999999Z")
    );
    assert_eq!(lens("main%402026-11-28"), lens("main@2026-11-28"));
    assert_eq!(lens("main@20261128t120000z"), as_of("2026-11-28T12:00:00Z"));
    assert_eq!(lens("main@view.7"), Some(Lens::View("7".into())));
    assert_eq!(lens("main@record.ci-7"), Some(Lens::Record("ci-7".into())));
    assert_eq!(
        lens("main@closure.api.v2"),
        Some(Lens::Closure("api.v2".into()))
    );
}

#[test]
fn malformed_lenses_are_no_addresses() {
    let long = format!("main@view.{}", "a".repeat(65));
    for segment in [
        "",
        "@",
        "main@",
        "@view.7",
        "main@view",
        "main@view.",
        "main@view.A",
        "main@view..7",
        "main@view.7@view.8",
        "main@views.7",
        "main@closure.a/b",
        "main@2026-11-31",
        "main@2026-1-1",
        "main@2026-11-28t120000z",
        "main@20261128t120000",
        "main@20261128T120000Z",
        "main@20261128t250000z",
        "main@today",
        "main%",
        "%6dain",
        "MAIN",
        &long,
    ] {
        assert_eq!(RepoAddress::read(segment), None, "{segment}");
    }
}

#[test]
fn names_of_images_have_a_lens_after_two_hyphens() {
    let read = |segment: &str| RepoAddress::read_image(segment);
    let closure = read("docker.io--closure.7").expect("an address");
    assert_eq!(closure.repo.as_str(), "docker.io");
    assert_eq!(closure.lens, Some(Lens::Closure("7".into())));
    let dated = read("a--b--2026-11-28").expect("an address");
    assert_eq!(dated.repo.as_str(), "a--b");
    assert!(matches!(dated.lens, Some(Lens::AsOf(_))));
    // Repositories may have hyphens in their names.
    for name in ["docker.io", "a--b", "team--views.7", "team--2026-11-31"] {
        let address = read(name).expect("a name");
        assert_eq!((address.repo.as_str(), address.lens), (name, None));
    }
    for bad in ["", "--view.7", "A--view.7", "main@view.7"] {
        assert_eq!(read(bad), None, "{bad}");
    }
}

#[test]
fn a_lens_is_refused_with_its_kind_and_name() {
    let refused = |segment: &str| {
        let address = RepoAddress::read(segment).expect("an address");
        let problem = address.require_no_lens(ProtocolName("npm"));
        let problem = problem.expect_err("a lens");
        assert_eq!(problem.kind, Kind::Unsupported);
        problem.detail.into_owned()
    };
    let dated = refused("main@20261128t120000z");
    assert!(
        dated.contains("npm/main as it was at 2026-11-28T12:00:00Z"),
        "{dated}"
    );
    assert!(dated.contains("no views yet; use npm/main"), "{dated}");
    assert!(refused("main@closure.api").contains("the closure api of npm/main"));
    let past = RepoAddress::read("main@2026-11-28").expect("an address");
    let problem = past.require_now(ProtocolName("deb")).expect_err("a lens");
    assert_eq!(problem.kind, Kind::Unsupported);
    assert_eq!(
        problem.detail,
        "this address is deb/main as it was at 2026-11-28T23:59:59.999999Z: it is read only; use deb/main"
    );
    let plain = RepoAddress::read("main").expect("an address");
    plain.require_no_lens(ProtocolName("npm")).expect("no lens");
    plain.require_now(ProtocolName("npm")).expect("no lens");
}
