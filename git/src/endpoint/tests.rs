use super::*;
use http::Request;

fn parsed(method: &str, uri: &str) -> Result<Endpoint, Problem> {
    let request = Request::builder().method(method).uri(uri);
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    parse(&parts)
}

#[track_caller]
fn call_of(method: &str, uri: &str) -> (String, Call) {
    let endpoint = parsed(method, uri).unwrap_or_else(|problem| panic!("{uri}: {problem:?}"));
    let address = endpoint.address;
    (format!("{} {}", address.repo, address.path), endpoint.call)
}

#[test]
fn a_repository_has_one_name_with_and_without_its_suffix() {
    let refs = "info/refs?service=git-upload-pack";
    let discover = Call::Discover(Service::UploadPack, Version::V0);
    for path in ["team/tool", "team/tool.git", "team/to%6fl"] {
        let (name, call) = call_of("GET", &format!("/git/main/{path}/{refs}"));
        assert_eq!(
            (&*name, call),
            ("main team/tool", discover.clone()),
            "{path}"
        );
    }
}

#[test]
fn a_path_has_what_hosts_have_in_theirs() {
    for (path, name) in [
        ("My%20Project/_git/repo", "main My Project/_git/repo"),
        ("~me/a@b.git", "main ~me/a@b"),
        ("~me/a%40b", "main ~me/a@b"),
    ] {
        let uri = format!("/git/main/{path}/info/refs?service=git-upload-pack");
        assert_eq!(call_of("GET", &uri).0, name);
    }
}

#[test]
fn services_are_told_apart() {
    let (_, call) = call_of("GET", "/git/main/tool/info/refs?service=git-receive-pack");
    assert_eq!(call, Call::Discover(Service::ReceivePack, Version::V0));
    let (_, call) = call_of("POST", "/git/main/tool.git/git-receive-pack");
    assert_eq!(call, Call::Serve(Service::ReceivePack, Version::V0));
    assert_eq!(call_of("GET", "/git/main/tool.git/").1, Call::Look);
    let dumb = parsed("GET", "/git/main/tool/info/refs").expect_err("dumb");
    assert_eq!(dumb.kind, Kind::Unsupported);
    let method = parsed("GET", "/git/main/tool/git-upload-pack").expect_err("method");
    assert_eq!(method.kind, Kind::Method);
}

#[test]
fn large_files_have_addresses_of_their_own() {
    let oid = "a1".repeat(32);
    let base = "/git/main/team/tool.git/info/lfs";
    let object = format!("{base}/objects/{oid}");
    let digest = digest_of(&oid).expect("digest");
    assert_eq!(call_of("GET", &object).1, Call::LfsGet(digest, None));
    let sized = format!("{object}?size=12");
    assert_eq!(call_of("HEAD", &sized).1, Call::LfsGet(digest, Some(12)));
    assert_eq!(call_of("PUT", &object).1, Call::LfsPut(digest));
    assert!(parsed("GET", &object.replace('a', "A")).is_err());
    assert_eq!(
        call_of("POST", &format!("{base}/objects/batch")).1,
        Call::LfsBatch
    );
    assert_eq!(
        call_of("POST", &format!("{base}/locks/verify")).1,
        Call::LfsLocks
    );
    assert!(parsed("GET", &format!("{base}/objects/{}", &oid[1..])).is_err());
}

#[test]
fn the_version_is_what_the_client_says() {
    let headers = |text: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(GIT_PROTOCOL, http::HeaderValue::from_static(text));
        headers
    };
    assert_eq!(Version::of(&headers("version=2")), Version::V2);
    assert_eq!(Version::of(&headers("x:version=2")), Version::V2);
    assert_eq!(Version::of(&headers("version=1")), Version::V0);
    assert_eq!(Version::of(&headers("version=22")), Version::V0);
}

#[test]
fn hostile_paths_name_nothing() {
    for path in [
        "..",
        "../x",
        "a/../b",
        "a//b",
        ".git",
        "a/.git/b",
        "a%00b",
        "a%2f%2e%2e/b",
        "a%2Fb",
        "a b",
        "a\\b",
        "",
        "a:b",
        "%zz",
    ] {
        let uri = format!("/git/main/{path}/info/refs?service=git-upload-pack");
        let Ok(request) = Request::builder().uri(&uri).body(()) else {
            continue;
        };
        assert!(parse(&request.into_parts().0).is_err(), "{path}");
    }
    assert!(path_of(&"x".repeat(source_path::MAX_PATH + 1)).is_err());
}
