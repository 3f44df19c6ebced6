use super::*;
use crate::deb::Deb;
use crate::testing::get;

#[test]
fn requests_are_what_their_paths_are() {
    for path in [
        "/dists/stable/InRelease",
        "/Release",
        "/dists/x/Release.gpg",
        "/key.asc",
    ] {
        assert!(
            matches!(get(&Deb, path), Ok(ReadRequest::Document(..))),
            "{path}"
        );
    }
    for path in [
        "/dists/stable/main/binary-amd64/Packages.xz",
        "/Packages.gz",
    ] {
        assert!(
            matches!(get(&Deb, path), Ok(ReadRequest::Member(_))),
            "{path}"
        );
    }
    for path in ["/pool/main/h/hello/hello_1%2b2_amd64.deb", "/a.deb"] {
        assert!(
            matches!(get(&Deb, path), Ok(ReadRequest::Artifact(_))),
            "{path}"
        );
    }
    for path in ["/", "/dists/", "/dists/stable/"] {
        assert!(get(&Deb, path).is_err(), "{path}");
    }
    let Ok(ReadRequest::Artifact(artifact)) = get(&Deb, "/pool/a/hello_1%2b2%7e_amd64.deb") else {
        panic!("no file");
    };
    assert_eq!(&*artifact.path, "pool/a/hello_1+2~_amd64.deb");
}
