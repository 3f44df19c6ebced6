use super::*;

#[test]
fn dots_that_clients_leave_in_addresses_are_removed() {
    let of = |target: &str| {
        let uri: Uri = target.parse().expect("a target");
        without_dots(&uri).map(|uri| uri.to_string())
    };
    for (target, without) in [
        ("/deb/up/./InRelease", "/deb/up/InRelease"),
        (
            "/deb/up@2026-11-28/./InRelease",
            "/deb/up@2026-11-28/InRelease",
        ),
        ("/deb/up/././a/./b.deb?x=./y", "/deb/up/a/b.deb?x=./y"),
        ("/deb/up/.", "/deb/up/"),
        ("/deb/up/a/.", "/deb/up/a/"),
        ("http://r.example/deb/up/./a", "http://r.example/deb/up/a"),
        // The rest of it is refused as anywhere.
        ("/deb/up/./../a", "/deb/up/../a"),
        ("/deb/up//./a", "/deb/up//a"),
    ] {
        assert_eq!(of(target).as_deref(), Some(without), "{target}");
    }
    for target in [
        "/deb/up/InRelease",
        "/deb/up/.a/b./..c/...",
        "/deb/up/a/../b",
        "/deb/up/%2e/a",
        "/deb/./up/a",
        "/./deb/up/a",
        "/npm/up/./a",
        "/v2/./a",
        "/",
    ] {
        assert_eq!(of(target), None, "{target}");
    }
}
