//! Tarballs: where they are, and their hashes.

use super::*;

#[test]
fn a_tarball_is_checked_against_its_version() {
    let wanted = artifact("/@acme/widget/-/widget-1.1.0.tgz");
    assert_eq!(
        Npm.plan(&wanted, &[], &[]).expect("plan"),
        Plan::Outline(packument_of("@acme/widget"))
    );
    let found = fetch("/@acme/widget/-/widget-1.1.0.tgz", WIDGET).expect("a version");
    assert_eq!(
        found.url,
        "https://registry.example/@acme/widget/-/widget-1.1.0.tgz"
    );
    assert_eq!(
        (found.integrity, found.size),
        (
            Integrity::Digest(Digest::of(Algorithm::Sha512, b"1.1.0")),
            None
        )
    );
    let odd = fetch("/@acme/widget/-/widget-2.0.0-rc.1.tgz", WIDGET).expect("a version");
    assert_eq!(
        odd.url,
        "https://registry.example/@acme/widget/-/@acme/widget-2.0.0-rc.1.tgz"
    );
    assert_eq!(
        odd.integrity,
        sha1("9e99648581dff858b8b8d73978580da7cf7d0910")
    );
    let proto = fetch("/@acme/widget/-/widget-__proto__.tgz", WIDGET).expect("a version");
    assert_eq!(proto.integrity, Integrity::None);
    for file in [
        "widget-9.9.9.tgz",
        "widget-constructor.tgz",
        "other.tgz",
        "widget.tgz",
    ] {
        let path = format!("/@acme/widget/-/{file}");
        assert_eq!(fetch(&path, WIDGET).expect_err(file).kind, Kind::NotFound);
    }
}

#[test]
fn old_versions_have_only_a_sha1() {
    let new = fetch("/JSONPipe/-/JSONPipe-0.8.0.tgz", PIPE).expect("a version");
    assert_eq!(
        new.url,
        "http://registry.example/JSONPipe/-/JSONPipe-0.8.0.tgz"
    );
    assert_eq!(
        new.integrity,
        sha1("51107ddecc7bfbd8a25f3dab635256931c712ff4")
    );
    // Its file has another name than its package: served under the conventional one, found under
    // both.
    for path in [
        "/JSONPipe/-/JSONPipe-0.7.0.tgz",
        "/JSONPipe/-/jsonpipe-0.7.0.tgz",
    ] {
        let old = fetch(path, PIPE).expect("a version");
        assert_eq!(
            old.url,
            "http://registry.example/jsonpipe/-/jsonpipe-0.7.0.tgz"
        );
        assert_eq!(
            old.integrity,
            sha1("991993469cf0c38e1edcd59d3e4306bee2f382b3"),
            "upper case is read, too"
        );
    }
    let short = parsed(&rendered("JSONPipe", ABBREVIATED, PIPE));
    let tarball = &short["versions"]["0.7.0"]["dist"]["tarball"];
    assert_eq!(
        tarball,
        "https://r.example/npm/main/JSONPipe/-/JSONPipe-0.7.0.tgz"
    );
    assert_eq!(short["versions"]["0.8.0"]["engines"], json!(["node"]));
}

#[test]
fn the_strongest_hash_is_used() {
    const SHA256: &str = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    const SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    let (sha1, sha256) = (
        sha1(SHA1),
        Integrity::Digest(Digest::of(Algorithm::Sha256, b"")),
    );
    let sha512 = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBe\
        oGlODJ6+SfaPg==";
    let strongest = Integrity::Digest(Digest::of(Algorithm::Sha512, b""));
    let cases = [
        (
            json!({"integrity": format!("{SHA256} sha384-AAAA {sha512}?opt=1"), "shasum": SHA1}),
            strongest.clone(),
        ),
        (
            json!({"integrity": format!(" {sha512}  sha512-AAAA\n")}),
            strongest,
        ),
        (
            json!({"integrity": format!("sha384-AAAA {SHA256}"), "shasum": SHA1}),
            sha256.clone(),
        ),
        (
            json!({"integrity": format!("sha512-AAAA {SHA256}")}),
            sha256,
        ),
        (
            json!({"integrity": "sha384-AAAA", "shasum": SHA1}),
            sha1.clone(),
        ),
        (
            json!({"integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="}),
            sha1.clone(),
        ),
        (json!({"integrity": 5, "shasum": SHA1.to_uppercase()}), sha1),
        (
            json!({"integrity": "sha512-***", "shasum": "00"}),
            Integrity::None,
        ),
        (json!({"integrity": null, "shasum": null}), Integrity::None),
    ];
    for (mut dist, expected) in cases {
        dist["tarball"] = "https://registry.example/a/-/a-1.0.0.tgz".into();
        let found = fetch("/a/-/a-1.0.0.tgz", &single("a", "1.0.0", &dist)).expect("a version");
        assert_eq!(found.integrity, expected, "{dist}");
    }
}
