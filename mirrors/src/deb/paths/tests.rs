use super::*;

#[test]
fn paths_are_told_apart() {
    for (path, place_of) in [
        ("dists/stable/InRelease", Place::InRelease("dists/stable/")),
        (
            "dists/stable/updates/Release",
            Place::Release("dists/stable/updates/"),
        ),
        (
            "debian/dists/x/Release.gpg",
            Place::Signature("debian/dists/x/"),
        ),
        ("InRelease", Place::InRelease("")),
        ("x64/Release", Place::Release("x64/")),
        ("dists/stable/main/binary-amd64/Release", Place::Member),
        ("dists/stable/main/source/Release", Place::Member),
        ("dists/stable/main/binary-amd64/Packages.xz", Place::Member),
        ("dists/stable/main/dep11/icons-64x64.tar.gz", Place::Member),
        ("dists/stable/main/binary-amd64/demo_1_all.deb", Place::File),
        ("Packages.gz", Place::Member),
        ("by-hash/SHA256/00", Place::Member),
        ("x64/Contents-amd64.gz", Place::Member),
        ("pool/main/d/demo/demo_1_all.deb", Place::File),
        ("pool/main/d/demo/demo_1.orig.tar.xz", Place::File),
        ("demo_1_all.deb", Place::File),
    ] {
        assert_eq!(place(path), place_of, "{path}");
    }
}

#[test]
fn suites_are_looked_for_above_what_they_name() {
    let roots = |path| roots_above(path);
    assert_eq!(
        roots("dists/stable/updates/main/binary-amd64/by-hash/SHA256/00"),
        [
            "dists/stable/",
            "dists/stable/updates/",
            "dists/stable/updates/main/",
            "dists/stable/updates/main/binary-amd64/"
        ]
    );
    assert_eq!(
        roots("debian/dists/x/main/y"),
        ["debian/dists/x/", "debian/dists/x/main/"]
    );
    assert_eq!(roots("a/b/Packages"), ["a/b/", "a/", ""]);
    assert_eq!(roots("Packages"), [""]);
}

#[test]
fn names_stand_in_files() {
    for (path, name) in [
        ("pool/main/h/hello/hello_2.10-3_amd64.deb", "hello"),
        ("hello_2.10.orig.tar.gz", "hello"),
        ("odd.deb", "odd"),
        ("dists/stable/main/binary-amd64/Packages.gz", ""),
        ("InRelease", ""),
    ] {
        assert_eq!(name_of(path), name, "{path}");
    }
    assert_eq!(architecture_of("hello_2.10-3_amd64.deb"), Some("amd64"));
    assert_eq!(architecture_of("hello_2.10.orig.tar.gz"), None);
}

#[test]
fn digests_stand_in_addresses() {
    let hex = "0".repeat(64);
    let path = format!("dists/x/by-hash/SHA256/{hex}");
    let digest = digest_in(&path).expect("digest");
    assert_eq!(path_by_hash("dists/x/", &digest), path);
    for path in [
        format!("dists/x/by-hash/MD5Sum/{hex}"),
        "dists/x/by-hash/SHA256/abc".to_owned(),
        format!("dists/x/by-hash/SHA256/{hex}/y"),
    ] {
        assert_eq!(digest_in(&path), None, "{path}");
    }
}

#[test]
fn files_of_packages_tell_their_package_and_version() {
    for (path, name) in [
        (
            "pool/main/h/hello/hello_2.10-3_amd64.deb",
            ("hello", "2.10-3"),
        ),
        (
            "pool/w/words_2.0~rc1+b1_amd64.udeb",
            ("words", "2.0~rc1+b1"),
        ),
        ("hello_2.10-3.dsc", ("hello", "2.10-3")),
        ("hello_2.10-3.debian.tar.xz", ("hello", "2.10-3")),
        ("hello_2.10-3.diff.gz", ("hello", "2.10-3")),
        ("hello_2.10.orig.tar.gz", ("hello", "2.10")),
        ("hello_2.10.orig.tar.gz.asc", ("hello", "2.10")),
        ("hello_2.10.orig-more-data.tar.xz", ("hello", "2.10")),
        ("hello_1.0.tar.xz", ("hello", "1.0")),
        ("vendor-latest.deb", ("vendor-latest", "")),
    ] {
        let (package, version) = name;
        let told = file_name(path).expect(path);
        assert_eq!((told.package, told.version), (package, version), "{path}");
        assert_eq!(told.package, name_of(path), "{path}: blocks know it so");
    }
    for path in [
        "dists/stable/InRelease",
        "dists/stable/main/binary-amd64/Packages.gz",
        "dists/stable/main/dep11/icons-64x64_1.tar.gz",
        "dists/stable/main/binary-amd64/by-hash/SHA256/00",
        ";states/dists/stable/InRelease/00000000001700000000",
        "key.asc",
        "README_1.html",
        "",
    ] {
        assert_eq!(file_name(path), None, "{path}");
    }
}

#[test]
fn lists_tell_versions_that_names_of_files_do_not() {
    for (listed, path, version) in [
        ("2.10-3", "hello_2.10-3_amd64.deb", None),
        ("1:2.10-3", "hello_2.10-3_amd64.deb", Some("1:2.10-3")),
        ("1:2.10-3", "hello_2.10-3.dsc", Some("1:2.10-3")),
        ("1:2.10-3", "hello_2.10.orig.tar.gz", Some("1:2.10")),
        ("2.10-3", "hello_2.10.orig.tar.gz", None),
        ("7.1", "vendor-latest.deb", Some("7.1")),
        ("7/1", "vendor-latest.deb", None),
        ("", "vendor-latest.deb", None),
        ("1:2", "dists/x/main/binary-amd64/Packages", None),
    ] {
        assert_eq!(version_of(listed, path).as_deref(), version, "{path}");
    }
}
