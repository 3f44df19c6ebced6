//! Packages, and the lists that name them.

use super::*;

#[test]
fn lists_are_read_in_all_compressions() {
    for list in [PLAIN, GZIP, XZ, ZSTD, BZIP2] {
        assert_eq!(
            fetched(plan_by(list, "/Packages/l/libtiny++-2.1-3.noarch.rpm")).size,
            Some(5589)
        );
        assert_eq!(
            plan_by(list, "/tiny-2.rpm").expect_err("absent").kind,
            Kind::NotFound
        );
        let listing = Listing::read(list).expect("listing");
        assert_eq!(
            listing.find("", LIBTINY),
            Some(fetched(plan_by(list, &format!("/{LIBTINY}"))))
        );
        assert_eq!(
            listing
                .find("9/os/", &format!("9/os/{TINY}"))
                .expect("package")
                .url,
            "9/os/Packages/t/tiny-1.0~rc1%5Egit2-1.noarch.rpm"
        );
        assert_eq!(listing.find("", "Packages/t/tiny"), None);
        assert!(listing.weight() < 400);
        // A truncated list may have its first package, but does not show that there are no others.
        assert!(Listing::read(&list[..list.len() * 3 / 4]).is_err());
        assert!(
            plan_by(&list[..list.len() * 3 / 4], "/absent.rpm")
                .is_err_and(|problem| problem.kind == Kind::Upstream)
        );
    }
    let twice = [GZIP, ZSTD, XZ, BZIP2].map(|list| [list, list].concat());
    for list in twice {
        assert!(Listing::read(&list).is_err(), "two documents in a row");
    }
    for bad in [
        &b""[..],
        b"\0ZCK1",
        b"\x1f\x8b",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"BZh",
        b"<html/>",
        b"<metadata>",
    ] {
        assert!(Listing::read(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_list_is_read_within_limits() {
    let whole = PLAIN.len() as u64;
    for list in [PLAIN, GZIP, XZ, ZSTD, BZIP2] {
        Listing::read_within(list, whole).expect("listing");
        assert_eq!(
            Listing::read_within(list, whole - 1)
                .err()
                .map(|problem| problem.kind),
            Some(Kind::Upstream)
        );
    }
    let deep = text(PLAIN).replace("<rpm:provides>", &"<a>".repeat(40));
    let entities = text(PLAIN).replace(
        "<metadata",
        "<!DOCTYPE metadata [<!ENTITY a \"aaaa\">]><metadata",
    );
    let long = text(PLAIN).replace(
        "<rpm:provides>",
        &format!("<a b=\"{}\"/><rpm:provides>", "x".repeat(2 << 20)),
    );
    for bad in [deep, entities, long] {
        assert!(Listing::read(bad.as_bytes()).is_err());
        assert!(
            plan_by(bad.as_bytes(), "/absent.rpm")
                .is_err_and(|problem| problem.kind == Kind::Upstream)
        );
    }
}

#[test]
fn the_roots_of_a_package_are_its_parent_folders() {
    assert_eq!(roots("a.rpm"), [""]);
    assert_eq!(roots("9/os/a.rpm"), ["9/os/", "9/", ""]);
    assert_eq!(
        roots("9/os/Packages/a/a.rpm"),
        ["9/os/", "9/os/Packages/a/", "9/os/Packages/", "9/", ""]
    );
    let far = roots("1/2/3/4/5/6/7/8/9/10/a.rpm");
    assert_eq!((far.len(), far.last()), (MAX_ROOTS, Some(&"")));
}

#[test]
fn a_package_is_found_in_the_list_of_a_root() {
    // The nearest root has no repository, the next one no list, the next a list of another package,
    // the last one a list of this package.
    let package = artifact("/x/y/z/a.rpm");
    let mut known = vec![
        None,
        stored(&repomd_with(
            "group",
            "href=\"repodata/g\"",
            "type=\"md5\">0",
            b"",
        )),
    ];
    assert_eq!(
        plan(&package, &known[..1]).expect("plan"),
        Plan::Read(repomd_of("x/y/"))
    );
    assert_eq!(
        plan(&package, &known).expect("plan"),
        Plan::Read(repomd_of("x/"))
    );
    let list = list_with("href=\"y/b.rpm\"");
    known.push(stored(&repomd_with(
        "primary",
        "href=\"repodata/p\"",
        &sum(Algorithm::Sha256, &list),
        &list,
    )));
    assert_eq!(
        plan(&package, &known).expect("plan"),
        Plan::Read(Document::new("", "x/repodata/p"))
    );
    known.push(stored(&list));
    assert_eq!(
        plan(&package, &known).expect("plan"),
        Plan::Read(repomd_of(""))
    );
    let list = list_with("href=\"x/y/z/a.rpm\"");
    known.push(stored(&repomd_with(
        "primary",
        "href=\"repodata/p\"",
        &sum(Algorithm::Sha256, &list),
        &list,
    )));
    known.push(stored(&list));
    assert_eq!(fetched(plan(&package, &known)).url, "x/y/z/a.rpm");
    let nowhere = [None, None, None, None];
    assert_eq!(
        plan(&package, &nowhere).expect_err("nowhere").kind,
        Kind::NotFound
    );
}

#[test]
fn the_documents_of_a_plan_have_a_limit() {
    let package = artifact("/1/2/3/4/5/6/a.rpm");
    let mut known = Vec::new();
    while let Ok(Plan::Read(document)) = plan(&package, &known) {
        let list = list_with("href=\"b.rpm\"");
        let repomd = repomd_with(
            "primary",
            "href=\"repodata/p\"",
            &sum(Algorithm::Sha256, &list),
            &list,
        );
        known.push(stored(if document.path.ends_with("repomd.xml") {
            &repomd
        } else {
            &list
        }));
    }
    assert_eq!(known.len(), MAX_STEPS);
    assert_eq!(
        plan(&package, &known).expect_err("nowhere").kind,
        Kind::NotFound
    );
}

#[test]
fn a_package_is_where_its_location_says() {
    for (location, path, url) in [
        ("href=\"a-1:2-1.rpm\"", "/a-1:2-1.rpm", "a-1%3A2-1.rpm"),
        ("href=\"./x//a.rpm\"", "/x/a.rpm", "x/a.rpm"),
        ("href=\"a%2B%2b.rpm\"", "/a++.rpm", "a%2B%2b.rpm"),
        ("href=\"a++.rpm\"", "/a%2B%2b.rpm", "a++.rpm"),
        (
            "href=\"a &amp; &#98;.rpm\"",
            "/a%20&%20b.rpm",
            "a%20&%20b.rpm",
        ),
        (
            "xml:base=\"https://far.example/x\" href=\"p/a^b.rpm\"",
            "/p/a%5eb.rpm",
            "https://far.example/x/p/a%5Eb.rpm",
        ),
        ("xml:base=\"\" href=\"a.rpm\"", "/a.rpm", "a.rpm"),
        (
            "href=\"http://far.example/x/a.rpm\"",
            "/a.rpm",
            "http://far.example/x/a.rpm",
        ),
    ] {
        let list = list_with(location);
        let repomd = repomd_with(
            "primary",
            "href=\"repodata/p\"",
            &sum(Algorithm::Sha512, &list),
            &list,
        );
        let above = artifact(path).path.matches('/').count();
        let mut known = vec![None; above];
        known.extend([stored(&repomd), stored(&list)]);
        let fetch = fetched(plan(&artifact(path), &known));
        assert_eq!(fetch.url, url);
        assert_eq!(
            Listing::read(&list)
                .expect("listing")
                .find("", &artifact(path).path),
            Some(fetch)
        );
    }
}

#[test]
fn an_invalid_location_does_not_hide_other_packages() {
    let both = |location: &str| {
        text(&list_with(location)).replace("</metadata>", &text(&list_with("href=\"a.rpm\""))[10..])
    };
    for location in [
        "href=\"../a.rpm\"",
        "href=\"/a.rpm\"",
        "xml:base=\"ftp://far.example\" href=\"a.rpm\"",
        "",
        "href=\"a%.rpm\"",
    ] {
        assert_eq!(
            fetched(plan_by(both(location).as_bytes(), "/a.rpm")).url,
            "a.rpm",
            "{location}"
        );
    }
    // Of two at one place the first counts.
    let list = both("href=\"a.rpm\"").replacen("\"7\"", "\"8\"", 1);
    assert_eq!(fetched(plan_by(list.as_bytes(), "/a.rpm")).size, Some(8));
    assert_eq!(
        Listing::read(list.as_bytes())
            .expect("listing")
            .find("", "a.rpm")
            .and_then(|fetch| fetch.size),
        Some(8)
    );
}

#[test]
fn only_the_checksum_of_the_whole_package_counts() {
    let list = text(&list_with("href=\"a.rpm\"")).replace(
        "<checksum",
        "<checksum type=\"sha512\">no</checksum><format><size>3</size>\
         <checksum type=\"md5\" pkgid=\"YES\">0</checksum>\
         <location href=\"b.rpm\"/></format><checksum",
    );
    let list = list.replacen(
        "<checksum type=\"sha512\">no</checksum>",
        "<checksum type=\"md5\">no</checksum>",
        1,
    );
    let fetch = fetched(plan_by(list.as_bytes(), "/a.rpm"));
    assert_eq!(
        (fetch.integrity, fetch.size),
        (
            Integrity::Digest(TINY_SUM.parse().expect("digest")),
            Some(7)
        )
    );
    for (from, to) in [("\"7\"", "\"many\""), ("8d2b", "8D2X")] {
        let list = text(&list_with("href=\"a.rpm\"")).replace(from, to);
        assert_eq!(
            plan_by(list.as_bytes(), "/a.rpm")
                .expect_err("unreadable")
                .kind,
            Kind::Upstream
        );
    }
    // An old list, and one with sums that are not known here.
    for (kind, digits, integrity) in [
        ("sha", "0b".repeat(20), Integrity::Sha1([11; 20])),
        ("sha384", "00".into(), Integrity::None),
    ] {
        let list = text(&list_with("href=\"a.rpm\""))
            .replace("sha256", kind)
            .replace(&TINY_SUM[7..], &digits);
        assert_eq!(
            fetched(plan_by(list.as_bytes(), "/a.rpm")).integrity,
            integrity
        );
        assert_eq!(
            Listing::read(list.as_bytes())
                .expect("listing")
                .find("", "a.rpm")
                .map(|fetch| fetch.integrity),
            Some(integrity)
        );
    }
}

#[test]
fn deltas_have_a_list_of_their_own() {
    let list = format!(
        "<prestodelta><newpackage name=\"a\"><delta oldversion=\"1\"><filename>drpms/a-1_2.drpm</filename>\
         <sequence>a-00</sequence><size>9</size><checksum type=\"sha256\">{}</checksum>\
         </delta></newpackage></prestodelta>",
        &TINY_SUM[7..]
    );
    let list = list.as_bytes();
    let delta = artifact("/drpms/a-1_2.drpm");
    let repomd = repomd_with(
        "prestodelta",
        "href=\"repodata/d\"",
        &sum(Algorithm::Sha256, list),
        list,
    );
    assert_eq!(
        plan(&delta, &[stored(&repomd)]).expect("plan"),
        Plan::Read(Document::new("", "repodata/d"))
    );
    let fetch = fetched(plan(&delta, &[stored(&repomd), stored(list)]));
    assert_eq!((&*fetch.url, fetch.size), ("drpms/a-1_2.drpm", Some(9)));
    assert_eq!(
        Listing::read(list)
            .expect("listing")
            .find("", "drpms/a-1_2.drpm"),
        Some(fetch)
    );
}

#[test]
fn repositories_with_simple_names_are_pinned_by_checksum() {
    let simple = text(REPOMD).replace(
        "c7bbd721431d71ea4e4f26c54f4cae1601e54c48b06fc6aeab0395578bfd78f3-",
        "",
    );
    assert_eq!(
        plan(&artifact(&format!("/{TINY}")), &[stored(simple.as_bytes())]).expect("plan"),
        Plan::Read(Document::new("", "repodata/primary.xml.gz"))
    );
    let fetch = fetched(plan(
        &artifact("/repodata/primary.xml.gz"),
        &[stored(simple.as_bytes())],
    ));
    assert_eq!(
        fetch.integrity,
        Integrity::Digest(Digest::of(Algorithm::Sha256, GZIP))
    );
}

#[test]
fn compressed_files_have_no_content_encoding() {
    for (path, content_type) in [
        ("/a.rpm", "application/x-rpm"),
        ("/drpms/a.drpm", "application/x-rpm"),
        ("/repodata/p.xml.gz", "application/gzip"),
        ("/repodata/p.xml.xz", "application/x-xz"),
        ("/repodata/p.xml.zst", "application/zstd"),
        ("/repodata/p.xml.bz2", "application/x-bzip2"),
        ("/repodata/comps.xml", "text/xml"),
        ("/repodata/p.xml.zck", "application/octet-stream"),
    ] {
        assert_eq!(Rpm.content_type(&artifact(path)), content_type, "{path}");
    }
}

#[test]
fn the_package_is_read_from_a_file_name() {
    for (path, name) in [
        (TINY, "tiny"),
        (LIBTINY, "libtiny++"),
        ("a-b-c-1.0-1.x86_64.rpm", "a-b-c"),
        ("x/demo-1-1_2-1.noarch.drpm", "demo"),
        ("odd.rpm", "odd"),
        ("-1-1.rpm", "-1-1"),
        ("repodata/primary.xml.gz", ""),
        ("RPM-GPG-KEY", ""),
    ] {
        let artifact = Artifact::new("", None, path);
        assert_eq!(PackageNames.package_of(&artifact), name, "{path}");
    }
}

#[test]
fn files_of_packages_tell_their_package_and_edition() {
    use crate::rpm::paths::file_name;
    for (path, package, version) in [
        (TINY, "tiny", "1.0~rc1^git2-1.noarch"),
        (LIBTINY, "libtiny++", "2.1-3.noarch"),
        ("9/os/Packages/demo-1-1.src.rpm", "demo", "1-1.src"),
        ("x/demo-1-1_2-1.noarch.drpm", "demo", "2-1.noarch"),
        (
            "demo-1-1.el8_4_2-1.el8_5.x86_64.drpm",
            "demo",
            "2-1.el8_5.x86_64",
        ),
        ("odd.rpm", "odd", ""),
        ("odd.drpm", "odd", ""),
    ] {
        let told = file_name(path).expect(path);
        assert_eq!((told.package, told.version), (package, version), "{path}");
        let known = Rpm
            .names()
            .package_of(&Artifact::new("", None, path))
            .to_owned();
        assert_eq!(told.package, known, "{path}: blocks know it so");
    }
    for path in [
        PRIMARY,
        "repodata/demo-1-1.noarch.rpm",
        "9/repodata/repomd.xml",
        "key.asc",
        "",
    ] {
        assert_eq!(file_name(path), None, "{path}");
    }
}

#[test]
fn lists_tell_editions_that_names_of_files_do_not() {
    let listing = Listing::read(PLAIN).expect("list");
    let edition = |path: &str| listing.find("", path).expect(path).version;
    assert_eq!(edition(LIBTINY), Some("1:2.1-3.noarch".into()));
    assert_eq!(edition(TINY), None);
    let list = |version: &str| {
        let list = String::from_utf8(list_with("href=\"odd.rpm\"")).expect("text");
        list.replace("<size", &format!("<arch>noarch</arch>{version}<size"))
    };
    for (version, edition) in [
        (
            "<version epoch=\"0\" ver=\"1\" rel=\"2\"/>",
            Some("1-2.noarch"),
        ),
        (
            "<version epoch=\"3\" ver=\"1\" rel=\"2\"/>",
            Some("3:1-2.noarch"),
        ),
        ("<version ver=\"1\" rel=\"2\"/>", Some("1-2.noarch")),
        ("<version ver=\"1\"/>", None),
        ("<version ver=\"1/1\" rel=\"2\"/>", None),
        ("", None),
    ] {
        let listing = Listing::read(list(version).as_bytes()).expect("list");
        let fetch = listing.find("", "odd.rpm").expect("package");
        assert_eq!(fetch.version.as_deref(), edition, "{version}");
        assert_eq!(fetch.size, Some(7), "{version}");
    }
}
