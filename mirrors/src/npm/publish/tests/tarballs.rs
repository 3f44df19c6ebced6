//! Tarballs that are refused.

use super::*;

const OWN: (&str, &[u8]) = (
    "package/package.json",
    br#"{"name":"widget","version":"1.0.0"}"#,
);

/// Publishes a tarball; fails unless it is refused with this text.
fn refused_with(tarball: Vec<u8>, expected: &str) {
    let problem = refused(&Sent::new("widget", "1.0.0").with(tarball).body());
    assert!(
        problem.kind == Kind::Invalid && problem.detail.contains(expected),
        "{expected}: {problem}"
    );
}

/// The same for a tarball that has these entries after its `package.json`.
fn refused_entries(entries: &[(tar::Header, &[u8])], expected: &str) {
    let mut builder = tar::Builder::new(Vec::new());
    let own = header(tar::EntryType::Regular, OWN.0, OWN.1.len() as u64);
    builder.append(&own, OWN.1).expect("an entry");
    for (header, contents) in entries {
        builder.append(header, *contents).expect("an entry");
    }
    refused_with(gzipped(&builder.into_inner().expect("a tarball")), expected);
}

#[test]
fn tarballs_that_installers_could_read_differently_are_refused() {
    let unsafe_names = [
        "../x",
        "package/../../x",
        "/etc/x",
        "package/..",
        "package\\..\\x",
        "C:/x",
        "./package/x",
        "package//x",
        "package/./x",
    ];
    let doubles = [
        "package/package.json",
        "other/package.json",
        "package/Package.JSON",
    ];
    for (names, expected) in [
        (&unsafe_names[..], "not a plain path"),
        (&doubles[..], "more than one package.json"),
    ] {
        for name in names {
            refused_with(packed(&[OWN, (name, b"{}")]), expected);
            refused_with(packed(&[(name, b"{}"), OWN]), expected);
        }
    }
    refused_with(packed(&[(OWN.0, b"")]), "empty");
    for own in [b"[]".as_slice(), b"{", b"\xff{}", b"null"] {
        refused_with(packed(&[(OWN.0, own)]), "not a JSON object");
    }
    for bytes in [b"no gzip".as_slice(), &gzipped(b"no tarball")] {
        refused_with(bytes.to_vec(), "damaged");
    }
    for bytes in [
        packed(&[]),
        packed(&[("package/index.js", b"x")]),
        gzipped(b""),
        packed(&[("package.json", OWN.1)]),
    ] {
        refused_with(bytes, "no package.json in its one folder");
    }
    let sound = packed(&[OWN, ("package/index.js", &[7; 3000])]);
    Repo::default()
        .request(&Method::PUT, "/widget", &bare(sound.clone()))
        .expect("sound");
    for end in 1..sound.len() {
        refused_with(sound[..end].to_vec(), "damaged");
    }
    refused_with(
        [sound.clone(), packed(&[("package/package.json", b"{}")])].concat(),
        "has bytes after its end",
    );
}

#[test]
fn other_kinds_of_entries_are_refused() {
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Directory,
    ] {
        refused_entries(
            &[(header(kind, "package/package.json", 0), b"")],
            "package.json that is not a file",
        );
        refused_entries(&[(header(kind, "package/x", 4), b"abcd")], "neither a file");
    }
    refused_entries(
        &[(header(tar::EntryType::Block, "package/x", 0), b"")],
        "neither a file",
    );
    refused_entries(
        &[(header(tar::EntryType::GNUSparse, "package/x", 0), b"")],
        "neither a file",
    );
    let mut damaged = header(tar::EntryType::Regular, "package/x", 0);
    damaged.as_mut_bytes()[0] = b'q';
    refused_entries(&[(damaged, b"")], "damaged header");
}

#[test]
fn ambiguous_pax_headers_are_refused() {
    let next = || {
        (
            header(tar::EntryType::Regular, "package/x", 0),
            b"".as_slice(),
        )
    };
    let pax = |text: &'static str, expected| {
        let before = header(tar::EntryType::XHeader, "x", text.len() as u64);
        refused_entries(&[(before, text.as_bytes()), next()], expected);
    };
    pax("18 path=../escape\n", "not a plain path");
    pax(
        "29 path=package/package.json\n",
        "more than one package.json",
    );
    for text in [
        "999 path=x\n",
        "18446744073709551615 path=x\n",
        "x path=y\n",
        "11 size=-1\n",
        "7 path\n",
        "3 a",
        "0 a=b\n",
    ] {
        pax(text, "damaged pax header");
    }
    let long = header(tar::EntryType::GNULongName, "x", 5);
    refused_entries(&[(long, b"../y\0"), next()], "not a plain path");
    let all = header(tar::EntryType::XGlobalHeader, "g", 10);
    refused_entries(&[(all, b"10 path=x\n"), next()], "for all its entries");
}

#[test]
fn long_names_and_other_folders_are_read() {
    let own = br#"{"name":"widget","version":"1.0.0","description":"made up"}"#;
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append(
            &header(tar::EntryType::XGlobalHeader, "g", 13),
            b"13 comment=x\n".as_slice(),
        )
        .expect("a header");
    builder
        .append(
            &header(tar::EntryType::Directory, "widget/", 0),
            b"".as_slice(),
        )
        .expect("a folder");
    let mut entry = tar::Header::new_gnu();
    entry.set_size(3);
    let long = format!("widget/{}/x.js", "d".repeat(300));
    builder
        .append_data(&mut entry, &long, b"abc".as_slice())
        .expect("a long name");
    builder
        .append_pax_extensions([("mtime", b"1.5".as_slice())])
        .expect("a header");
    builder
        .append(
            &header(
                tar::EntryType::Regular,
                "widget/package.json",
                own.len() as u64,
            ),
            own.as_slice(),
        )
        .expect("it");
    builder
        .append(
            &header(tar::EntryType::Symlink, "widget/link", 0),
            b"".as_slice(),
        )
        .expect("a link");
    let tarball = gzipped(&builder.into_inner().expect("a tarball"));
    let mut repo = Repo::default();
    repo.request(
        &Method::PUT,
        "/widget",
        &Sent::new("widget", "1.0.0").with(tarball).body(),
    )
    .expect("published");
    let dist = &repo.packument("widget")["versions"]["1.0.0"]["dist"];
    assert_eq!(
        (&dist["fileCount"], &dist["unpackedSize"]),
        (&json!(2), &json!(3 + own.len()))
    );
}

#[test]
fn bombs_do_not_go_off() {
    let bomb = |kind, size: u64| {
        let mut tar = header(kind, "package/x", size).as_bytes().to_vec();
        tar.resize(1 << 20, 0);
        gzipped(&tar)
    };
    assert_eq!(
        refused_tarball(bomb(tar::EntryType::Regular, 3 << 30)),
        Kind::TooLarge
    );
    assert_eq!(
        refused_tarball(bomb(tar::EntryType::Regular, 32 << 20)),
        Kind::Invalid,
        "it is cut short"
    );
    for kind in [
        tar::EntryType::XHeader,
        tar::EntryType::GNULongName,
        tar::EntryType::GNULongLink,
    ] {
        assert_eq!(refused_tarball(bomb(kind, 1 << 30)), Kind::Invalid);
    }
    let size = "29 size=18446744073709551615\n";
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append(
            &header(tar::EntryType::XHeader, "x", size.len() as u64),
            size.as_bytes(),
        )
        .expect("a header");
    builder
        .append(
            &header(tar::EntryType::Regular, "package/x", 0),
            b"".as_slice(),
        )
        .expect("an entry");
    assert_eq!(
        refused_tarball(gzipped(&builder.into_inner().expect("a tarball"))),
        Kind::Invalid
    );
    let mut name = header(tar::EntryType::Regular, "package/package.json", 32 << 20)
        .as_bytes()
        .to_vec();
    name.resize(1 << 20, 0);
    assert_eq!(refused_tarball(gzipped(&name)), Kind::TooLarge);
    let many = header(tar::EntryType::Regular, "package/x", 0)
        .as_bytes()
        .repeat(100_001);
    assert_eq!(refused_tarball(gzipped(&many)), Kind::TooLarge);
}
