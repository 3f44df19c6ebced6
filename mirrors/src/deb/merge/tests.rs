use super::*;
use crate::deb::packer::gzip;
use crate::deb::release::signed_text;
use crate::unpack;
use std::io::Read as _;

fn suite(fields: &str, lists: &[(&str, &str)]) -> Vec<u8> {
    use larder_model::{Algorithm, Digest};
    let line = |(path, text): &(&str, &str)| {
        let sum = Digest::of(Algorithm::Sha256, text.as_bytes()).hex();
        format!(" {sum} {} {path}\n", text.len())
    };
    let lines: String = lists.iter().map(line).collect();
    format!("{fields}SHA256:\n{lines}").into_bytes()
}

fn stanza(name: &str, version: &str) -> String {
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: amd64\nFilename: pool/{name}.deb\n\n"
    )
}

fn member(is_hosted: bool, hidden: &[&str]) -> IndexMember {
    IndexMember {
        hidden: Arc::new(hidden.iter().map(|name| Box::from(*name)).collect()),
        is_hosted,
    }
}

fn text(document: &IndexDocument) -> String {
    let mut text = String::new();
    unpack::unpack(&document.bytes)
        .expect("packing")
        .read_to_string(&mut text)
        .expect("text");
    text
}

#[test]
fn what_several_have_is_merged_and_the_rest_named_as_it_is() {
    let ours = stanza("ours", "1") + &stanza("shared", "2");
    let theirs = stanza("shared", "2") + &stanza("shared", "1") + &stanza("theirs", "1");
    let theirs = theirs + &stanza("hidden", "1");
    let (main, arm) = (
        "main/binary-amd64/Packages",
        "main/binary-arm64/Packages.xz",
    );
    let hosted = suite(
        "Origin: Larder\nSuite: x\nArchitectures: amd64\nComponents: main extra\n",
        &[(main, &ours), ("main/binary-amd64/Packages.gz", "-")],
    );
    let mirrored = suite(
        "Origin: Debian\nSuite: x\nCodename: y\nArchitectures: amd64 arm64\nComponents: main\n\
         Valid-Until: Sun, 29 Nov 2026 08:01:02 UTC\n",
        &[
            ("main/binary-amd64/Packages.xz", &theirs),
            ("main/binary-amd64/Packages.diff/Index", "-"),
            (arm, "arm"),
        ],
    );
    let mut merger = Merger::begin(Timestamp(0), "dists/x/");
    merger.add(&hosted, member(true, &[])).expect("hosted");
    merger
        .add(&mirrored, member(false, &["hidden"]))
        .expect("mirror");
    let wanted = merger.next().expect("a list");
    assert!(wanted.are_required);
    let names: Vec<Option<&str>> = wanted.paths.iter().map(Option::as_deref).collect();
    assert_eq!(
        names,
        [
            Some("dists/x/main/binary-amd64/Packages.gz"),
            Some("dists/x/main/binary-amd64/Packages.xz")
        ]
    );
    let lists = vec![Some(ours.into()), Some(theirs.into())];
    let mut documents = merger.merge_lists(lists).expect("merged");
    let wanted = merger
        .next()
        .expect("a list that may have names to leave out");
    assert!(!wanted.are_required);
    assert_eq!(wanted.paths[1].as_deref(), Some(&*format!("dists/x/{arm}")));
    let made = merger.merge_lists(vec![None, Some("Package: arm\n".into())]);
    assert_eq!(made.expect("looked through"), []);
    assert!(merger.next().is_none());
    documents.extend(Box::new(merger).end(None).expect("the end"));
    let plain = documents.iter().find(|it| it.path == main).expect("plain");
    let joined = text(plain);
    let lines: Vec<&str> = joined
        .lines()
        .filter(|line| line.starts_with("Package") || line.starts_with("Version"))
        .collect();
    assert_eq!(
        lines,
        [
            "Package: ours",
            "Version: 1",
            "Package: shared",
            "Version: 2",
            "Package: shared",
            "Version: 1",
            "Package: theirs",
            "Version: 1"
        ]
    );
    let packed = documents.iter().find(|it| it.path == format!("{main}.xz"));
    assert_eq!(text(packed.expect("packed")), joined);
    let release = documents
        .iter()
        .find(|it| it.path == "Release")
        .expect("list");
    let release = Release::read(&release.bytes).expect("list");
    for (field, value) in [
        ("Origin", "Debian"),
        ("Codename", "y"),
        ("Architectures", "amd64 arm64"),
        ("Components", "main extra"),
        ("Valid-Until", "Sun, 29 Nov 2026 08:01:02 UTC"),
    ] {
        assert_eq!(release.field(field), Some(value));
    }
    let paths: Vec<&str> = release.entries.iter().map(|it| &*it.path).collect();
    assert_eq!(
        paths,
        [main, &format!("{main}.gz"), &format!("{main}.xz"), arm],
        "differences to what was there before merging are of no use"
    );
    assert!(signed_text(&documents.last().expect("last").bytes).is_some());
}

#[test]
fn names_to_leave_out_are_in_no_list() {
    let (theirs, secret) = (stanza("theirs", "1"), stanza("secret", "9"));
    let both = secret.clone() + &theirs;
    let lists = [
        ("a/binary-x/Packages.xz", &*both),
        ("a/binary-x/Packages.bz2", "-"),
        ("a/binary-x/Packages.diff/Index", "-"),
        ("b/binary-x/Packages", &theirs),
        ("b/binary-x/Packages.diff/Index", "-"),
        ("c/binary-x/Packages", ""),
        ("c/binary-x/Packages.gz", "packed"),
        ("d/binary-x/Packages", "it cannot be had"),
        ("e/binary-x/Packages", "no list\n\nPackage: secret\n"),
        ("f/source/Sources", &secret),
        ("g/binary-x/Packages", "package: secret\nVERSION: 9\n"),
    ];
    let mut merger = Merger::begin(Timestamp(0), "dists/x/");
    let (hosted, mirrored) = (suite("Suite: x\n", &[]), suite("Suite: x\n", &lists));
    merger.add(&hosted, member(true, &[])).expect("hosted");
    merger
        .add(&mirrored, member(false, &["secret"]))
        .expect("mirror");
    let (mut read, mut documents) = (Vec::new(), Vec::new());
    while let Some(wanted) = merger.next() {
        assert!(!wanted.are_required && wanted.paths[0].is_none());
        let path = wanted.paths[1].as_deref().expect("the mirror's");
        let below = path.strip_prefix("dists/x/").expect("below the root");
        let (_, text) = lists.iter().find(|(path, _)| *path == below).expect("list");
        let bytes = (!below.starts_with("d/")).then(|| Bytes::copy_from_slice(text.as_bytes()));
        read.push(below.to_owned());
        documents.extend(merger.merge_lists(vec![None, bytes]).expect("merged"));
    }
    let names = |letter: &&str| format!("{letter}/binary-x/Packages");
    let mut expected: Vec<String> = ["b", "d", "e"].iter().map(names).collect();
    expected.insert(0, "a/binary-x/Packages.xz".to_owned());
    expected.push("f/source/Sources".to_owned());
    expected.push("g/binary-x/Packages".to_owned());
    assert_eq!(read, expected, "what is known to be empty is not read");
    documents.extend(Box::new(merger).end(None).expect("the end"));
    let of = |path: &str| documents.iter().find(|it| it.path == path);
    assert_eq!(text(of("a/binary-x/Packages").expect("made")), theirs);
    assert_eq!(text(of("f/source/Sources.xz").expect("made")), "");
    let release = Release::read(&of("Release").expect("list").bytes).expect("list");
    for (path, size) in [
        ("a/binary-x/Packages", Some(theirs.len())),
        ("a/binary-x/Packages.bz2", None),
        ("a/binary-x/Packages.diff/Index", None),
        ("b/binary-x/Packages", Some(theirs.len())),
        ("b/binary-x/Packages.diff/Index", Some(1)),
        ("c/binary-x/Packages.gz", Some(6)),
        ("d/binary-x/Packages", Some(16)),
        ("e/binary-x/Packages", Some(0)),
        ("f/source/Sources", Some(0)),
        ("g/binary-x/Packages", Some(0)),
    ] {
        let entry = release.entry(path).map(|entry| entry.size);
        assert_eq!(entry, size.map(|size| size as u64), "{path}");
    }
    let made = |path: &str| documents.iter().any(|it| it.path.starts_with(path));
    assert!(made("a/binary-x/by-hash/") && !made("b/"));
}

#[test]
fn lists_that_are_made_of_the_same_are_reused() {
    let (theirs, secret) = (stanza("theirs", "1"), stanza("secret", "9"));
    let path = "a/binary-x/Packages";
    let text = secret + &theirs;
    let begin = |hidden: &[&str], text: &str| {
        let mut merger = Merger::begin(Timestamp(0), "dists/x/");
        let mirrored = suite("Suite: x\n", &[(path, text)]);
        merger
            .add(&mirrored, member(false, hidden))
            .expect("mirror");
        let wanted = merger.next().expect("a list");
        (merger, wanted.made_from.expect("it is known"))
    };
    let (mut first, made_from) = begin(&["secret", "other"], &text);
    assert_eq!(begin(&["other", "secret"], &text).1, made_from);
    assert_ne!(begin(&["secret"], &text).1, made_from, "other names");
    assert_ne!(begin(&["secret", "other"], "x").1, made_from, "other bytes");
    let lists = vec![Some(Bytes::copy_from_slice(text.as_bytes()))];
    let made = first.merge_lists(lists).expect("merged");
    let (mut again, _) = begin(&["secret", "other"], &text);
    let plain = made.iter().filter(|it| !it.path.contains("by-hash"));
    let files = plain.map(|it| (it.path.clone(), Bytes::copy_from_slice(&it.bytes)));
    assert_eq!(again.reuse(files.collect()).expect("reused"), made);
    let end = |merger: Merger| Box::new(merger).end(None).expect("the end");
    assert_eq!(end(again), end(first));
    let (mut none, _) = begin(&["absent"], &text);
    assert_eq!(none.reuse(Vec::new()).expect("nothing was made"), []);
    let release = Release::read(&end(none)[0].bytes).expect("list");
    let entry = release.entry(path).expect("named as it is");
    assert_eq!(entry.size, text.len() as u64);
}

#[test]
fn all_forms_of_a_file_are_of_one_member() {
    let (ours, theirs) = (
        gzip(b"usr/ours    x/ours\n"),
        gzip(b"usr/theirs    x/theirs\n"),
    );
    let (ours, theirs) = (ours.expect("packed"), theirs.expect("packed"));
    let contents = "main/Contents-amd64";
    let translation = "main/i18n/Translation-en";
    let (packed, differences) = (format!("{contents}.gz"), format!("{contents}.diff/Index"));
    let xz = format!("{translation}.xz");
    let first = suite("Suite: x\n", &[(&packed, "-"), (translation, "plain")]);
    let second = suite(
        "Suite: x\n",
        &[
            (contents, "plain"),
            (&packed, "-"),
            (&differences, "-"),
            (&xz, "xz"),
        ],
    );
    let mut merger = Merger::begin(Timestamp(0), "dists/x/");
    for release in [&first, &second] {
        merger.add(release, member(false, &[])).expect("a mirror");
    }
    let wanted = merger.next().expect("the contents");
    assert!(!wanted.are_required, "nothing is installed by them");
    let lists = vec![Some(Bytes::from(ours)), Some(Bytes::from(theirs))];
    let mut made = merger.merge_lists(lists).expect("merged");
    assert!(merger.next().is_none());
    made.extend(Box::new(merger).end(None).expect("the end"));
    let of = |path: &str| made.iter().find(|it| it.path == path).expect("a document");
    let release = Release::read(&of("Release").bytes).expect("a list");
    let joined = "usr/ours    x/ours\nusr/theirs    x/theirs\n";
    let plain = release.entry(contents).expect("what clients compare");
    assert_eq!(plain.size, joined.len() as u64);
    assert_eq!(
        plain.digest,
        Digest::of(Algorithm::Sha256, joined.as_bytes())
    );
    assert_eq!(text(of(&packed)), joined);
    assert_eq!(release.entry(&differences), None);
    assert!(release.entry(translation).is_some());
    assert_eq!(release.entry(&xz), None, "it is another member's");
}
