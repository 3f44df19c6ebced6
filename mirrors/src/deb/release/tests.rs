use super::*;
use crate::deb::suite::Suite;
use crate::resource::Table as _;
use larder_model::Algorithm;

fn hex(algorithm: Algorithm, of: &str) -> String {
    Digest::of(algorithm, of.as_bytes()).hex()
}

fn list() -> String {
    let (one, other) = (hex(Algorithm::Sha256, "xz"), hex(Algorithm::Sha256, "gz"));
    format!(
        "Origin: Tests\nSuite: stable\nDate: Sun, 29 Nov 2026 08:01:02 UTC\nAcquire-By-Hash: yes\n\
         MD5Sum:\n d41d8cd98f00b204e9800998ecf8427e 3 main/binary-amd64/Packages.xz\n \
         d41d8cd98f00b204e9800998ecf8427e 9 only/weak\n\
         SHA256:\n {one} 3 main/binary-amd64/Packages.xz\n {other} 5 main/binary-amd64/Packages.gz\n"
    )
}

fn signed(text: &str) -> String {
    format!("{BEGIN}\nHash: SHA512\n\n{text}{SIGNATURE}\n\nAAAA\n{END}\n")
}

#[test]
fn lists_are_read_with_and_without_their_signature() {
    let plain = Release::read(list().as_bytes()).expect("plain");
    let within = Release::read(signed(&list()).as_bytes()).expect("signed");
    assert_eq!(plain, within);
    assert!(plain.has_by_hash);
    assert_eq!(plain.field("suite"), Some("stable"));
    assert!(plain.moment("Date").is_some());
    // What has a weak digest alone is not there.
    let paths: Vec<&str> = plain.entries.iter().map(|entry| &*entry.path).collect();
    assert_eq!(
        paths,
        [
            "main/binary-amd64/Packages.gz",
            "main/binary-amd64/Packages.xz"
        ]
    );
}

#[test]
fn what_is_signed_is_all_there_is() {
    let text = signed(&list());
    for wrong in [
        format!("Suite: evil\n{text}"),
        format!("{text}Suite: evil\n"),
        text.replace(END, ""),
        text.replace("Hash: SHA512\n", "Evil: yes\n"),
        text.replace(
            "Suite: stable",
            "-----BEGIN PGP SIGNED MESSAGE-----\nSuite: stable",
        ),
        format!("{text}{text}"),
    ] {
        assert_eq!(signed_text(wrong.as_bytes()), None, "{wrong}");
    }
    let dashed = signed(&list().replace("Origin: Tests", "- -Origin: Tests"));
    let read = signed_text(dashed.as_bytes()).expect("a line with a dash");
    assert!(read.starts_with("-Origin: Tests\n"), "{read}");
}

#[test]
fn lists_that_name_what_is_elsewhere_or_prove_nothing_are_refused() {
    for wrong in [
        list().replace("main/binary-amd64/Packages.gz", "../x"),
        list().replace("main/binary-amd64/Packages.gz", "/x"),
        list().replace(" 5 main", " five main"),
        list().replace("SHA256:", "SHA1:"),
        "<html><body>Log in</body></html>".to_owned(),
        String::new(),
    ] {
        Release::read(wrong.as_bytes()).expect_err(&wrong);
    }
}

#[test]
fn members_have_the_path_of_their_digest() {
    let suite = Suite::read("dists/stable/", list().as_bytes()).expect("suite");
    let plain = suite
        .member("dists/stable/main/binary-amd64/Packages.xz")
        .expect("by its name");
    let own = format!(
        "dists/stable/main/binary-amd64/by-hash/SHA256/{}",
        hex(Algorithm::Sha256, "xz")
    );
    assert_eq!(*plain.artifact.path, *own);
    assert_eq!(plain.fetch.url, own);
    assert_eq!(
        plain.fetch.others,
        ["dists/stable/main/binary-amd64/Packages.xz"]
    );
    assert_eq!(suite.member(&own).expect("by its digest"), plain);
    let weak = "dists/stable/main/binary-amd64/by-hash/MD5Sum/d41d8cd98f00b204e9800998ecf8427e";
    assert_eq!(suite.member(weak).expect("by a weak digest"), plain);
    assert_eq!(
        suite.member("dists/stable/main/binary-arm64/Packages.xz"),
        None
    );
    // Without addresses by digest the names are asked for first.
    let old = list().replace("Acquire-By-Hash: yes\n", "");
    let suite = Suite::read("", old.as_bytes()).expect("suite");
    let plain = suite
        .member("main/binary-amd64/Packages.xz")
        .expect("member");
    assert_eq!(plain.fetch.url, "main/binary-amd64/Packages.xz");
}

#[test]
fn lists_that_may_name_a_package_come_first() {
    let sum = hex(Algorithm::Sha256, "");
    let paths = [
        "contrib/binary-amd64/Packages.xz",
        "main/binary-amd64/Packages",
        "main/binary-amd64/Packages.xz",
        "main/binary-arm64/Packages.xz",
        "main/debian-installer/binary-amd64/Packages.xz",
        "main/source/Sources.xz",
    ];
    let lines = paths.iter().fold(String::new(), |lines, path| {
        format!("{lines} {sum} 0 {path}\n")
    });
    let text = format!("Suite: x\nSHA256:\n{lines}");
    let suite = Suite::read("dists/x/", text.as_bytes()).expect("suite");
    let of = |path: &str| {
        let lists = suite.lists_of(path);
        let names = |forms: Vec<Member>| forms.into_iter().map(|it| it.name.to_string()).collect();
        lists.into_iter().map(names).collect::<Vec<Vec<String>>>()
    };
    assert_eq!(
        of("pool/main/d/demo/demo_1_amd64.deb"),
        [
            vec![
                "main/binary-amd64/Packages.xz",
                "main/binary-amd64/Packages"
            ],
            vec!["contrib/binary-amd64/Packages.xz"],
        ]
    );
    assert_eq!(
        of("pool/main/d/demo/demo_1.dsc"),
        [vec!["main/source/Sources.xz"]]
    );
    assert_eq!(
        of("pool/main/d/demo/demo_1_amd64.udeb"),
        [vec!["main/debian-installer/binary-amd64/Packages.xz"]]
    );
    assert_eq!(of("pool/contrib/d/demo/demo_1_all.deb").len(), 3);
    assert_eq!(
        of("pool/contrib/d/demo/demo_1_all.deb")[0],
        ["contrib/binary-amd64/Packages.xz"]
    );
}
