use super::publish_tests::*;
use super::version::Version;
use super::*;
use crate::publishing::{Step, StoredFile};
use larder_model::{Kind, Timestamp};
use serde_json::{Value, json};

fn publish(file: &str, content: &[u8], files: &[StoredFile]) -> Vec<StoredFile> {
    let body = body_of(&fields(file, content), file, content);
    let mut all = files.to_vec();
    all.extend(kept(&receive(&body, files).expect(file), &body));
    all
}

fn conflict(outcome: Result<Vec<Step>, Problem>) -> String {
    let problem = outcome.expect_err("refused");
    assert_eq!(problem.kind, Kind::Conflict, "{problem}");
    assert!(problem.detail.contains("already exists"), "{problem}");
    problem.detail.into_owned()
}

fn spoilt(spoil: impl FnOnce(&mut Vec<Entry>)) -> String {
    let mut entries = wheel_entries("my_pkg_x-1.0.0.dist-info", INFO);
    spoil(&mut entries);
    refusal(upload(WHEEL, &zipped(&entries), &[]))
}

#[test]
fn the_same_again_is_accepted_and_other_bytes_are_not() {
    let files = publish(WHEEL, &wheel(), &[]);
    assert_eq!(files.len(), 2);
    assert_eq!(upload(WHEEL, &wheel(), &files).expect("again"), []);
    let mut other = wheel_entries("my_pkg_x-1.0.0.dist-info", INFO);
    other.push(entry("more.py", ""));
    let other = zipped(&other);
    assert!(conflict(upload(WHEEL, &other, &files)).contains(WHEEL));
    let spelt = "My_Pkg.x-1.0-py3-none-ANY.whl";
    assert!(conflict(upload(spelt, &wheel(), &files)).contains(WHEEL));
    let files = publish("my_pkg_x-1.0.0-1-py3-none-any.whl", &wheel(), &files);
    let files = publish("my_pkg_x-1.0.0-cp312-cp312-any.whl", &wheel(), &files);
    let files = publish(SDIST, &sdist(), &files);
    assert_eq!(upload(SDIST, &sdist(), &files).expect("again"), []);
    let zip = zipped(&[entry("my_pkg_x-1.0.0/PKG-INFO", INFO)]);
    for second in [
        "my_pkg_x-1.0.0.zip",
        "my-pkg-x-1.0.0.zip",
        "my_pkg_x-1.0.zip",
    ] {
        assert!(conflict(upload(second, &zip, &files)).contains(SDIST));
    }
    assert!(conflict(upload("my_pkg_x-1.0.tar.gz", &sdist(), &files)).contains(SDIST));
}

#[test]
fn the_name_of_a_deleted_file_stays_taken() {
    let mut files = publish(WHEEL, &wheel(), &publish(SDIST, &sdist(), &[]));
    files.retain(|file| !file.path.ends_with(METADATA));
    for file in &mut files {
        file.path = format!("gone/{}", file.path).into();
    }
    conflict(upload(WHEEL, &wheel(), &files));
    conflict(upload("My_pkg_x-1.0-py3-none-any.whl", &wheel(), &files));
    conflict(upload(SDIST, &sdist(), &files));
    assert_eq!(
        Pypi.publishing()
            .expect("hosted")
            .compose(&page_of(PROJECT), &files)
            .expect("page"),
        None
    );
    let zip = zipped(&[entry("my_pkg_x-1.0.0/PKG-INFO", INFO)]);
    assert_eq!(
        upload("my_pkg_x-1.0.0.zip", &zip, &files)
            .expect("another kind")
            .len(),
        1
    );
}

#[test]
fn a_page_is_composed_of_what_is_kept() {
    let mut files = publish(WHEEL, &wheel(), &[]);
    files.extend(publish(SDIST, &sdist(), &files).drain(2..));
    let mut later = files[0].clone();
    (later.path, later.version) = (
        "my_pkg_x-1.0.0.dev3+x.1-py3-none-any.whl".into(),
        "1.0.0.dev3+x.1".into(),
    );
    later.metadata = yanked(&later.metadata, Some("b<r>oken")).into();
    let mut last = files[0].clone();
    (last.path, last.version) = ("my_pkg_x-1.10-py3-none-any.whl".into(), "1.10".into());
    last.metadata = yanked(&last.metadata, Some("")).into();
    let mut before = last.clone();
    (before.path, before.version) = ("my_pkg_x-1.9-py3-none-any.whl".into(), "1.9".into());
    before.metadata = yanked(&before.metadata, None).into();
    before.created_at = Timestamp(1_772_366_645_000_000);
    files.extend([last, later, before]);
    let hosted = Pypi.publishing().expect("hosted");
    let body = hosted
        .compose(&page_of(PROJECT), &files)
        .expect("page")
        .expect("a page");
    Pypi.check(&page_of(PROJECT), &body).expect("checked");
    let page: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(
        (&page["meta"]["api-version"], &page["name"]),
        (&json!("1.1"), &json!(PROJECT))
    );
    assert_eq!(
        page["versions"],
        json!(["1.0.0.dev3+x.1", "1.0.0", "1.9", "1.10"])
    );
    let names: Vec<&str> = page["files"]
        .as_array()
        .expect("files")
        .iter()
        .filter_map(|f| f["filename"].as_str())
        .collect();
    let dev = "my_pkg_x-1.0.0.dev3+x.1-py3-none-any.whl";
    assert_eq!(
        names,
        [
            dev,
            WHEEL,
            SDIST,
            "my_pkg_x-1.9-py3-none-any.whl",
            "my_pkg_x-1.10-py3-none-any.whl"
        ]
    );
    let metadata = Digest::of(Algorithm::Sha256, INFO.as_bytes());
    let digest = Digest::of(Algorithm::Sha256, &wheel());
    let whole = json!({
        "filename": WHEEL, "url": WHEEL, "hashes": {"sha256": digest.hex()}, "size": wheel().len(), "yanked": false,
        "upload-time": "2026-03-01T12:04:05.000006Z", "requires-python": ">=3.9, <4",
        "core-metadata": {"sha256": metadata.hex()},
    });
    assert_eq!(page["files"][1], whole);
    assert!(page["files"][2].get("core-metadata").is_none());
    assert_eq!(page["files"][3]["upload-time"], "2026-03-01T12:04:05Z");
    let flags: Vec<_> = page["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| &file["yanked"])
        .collect();
    assert_eq!(
        flags,
        [
            &json!("b<r>oken"),
            &json!(false),
            &json!(false),
            &json!(false),
            &json!(true)
        ]
    );

    let repo_url = RepoUrl {
        origin: "https://r.example",
        path: "/pypi/main",
        public: true,
        identified: false,
    };
    let served = Pypi
        .render(&page_of(PROJECT), &JSON, &body, &repo_url)
        .expect("rendered");
    let served: Value = serde_json::from_slice(&served).expect("JSON");
    assert_eq!(
        served["files"][1]["url"],
        format!("../../packages/{PROJECT}/{WHEEL}")
    );
    let served = Pypi
        .render(&page_of(PROJECT), &TEXT, &body, &repo_url)
        .expect("rendered");
    let served = String::from_utf8(served).expect("UTF-8");
    assert_eq!(served.matches("<a href=").count(), 5);
    let link = format!("../../packages/{PROJECT}/{WHEEL}#sha256={}\"", digest.hex());
    assert!(
        served.contains(&link) && served.contains("data-yanked=\"b&lt;r&gt;oken\""),
        "{served}"
    );

    let known = [Some(Bytes::from(body))];
    let plan = |path: &str| {
        let artifact = file_of(PROJECT, path).expect("artifact");
        match Pypi.plan(&artifact, &known, &[]).expect("plan") {
            Plan::Fetch(fetch) => (fetch.url, fetch.integrity, fetch.size),
            other => panic!("{other:?}"),
        }
    };
    let size = Some(wheel().len() as u64);
    assert_eq!(
        plan(WHEEL),
        (
            format!("{PROJECT}/{WHEEL}"),
            Integrity::Digest(digest),
            size
        )
    );
    let url = format!("{PROJECT}/{WHEEL}.metadata");
    assert_eq!(
        plan(&format!("{WHEEL}.metadata")),
        (url, Integrity::Digest(metadata), None)
    );
    assert_eq!(
        hosted
            .compose(&Document::new("", PROJECTS), &files)
            .expect("list"),
        None
    );
    assert!(
        hosted
            .compose(&Document::new(PROJECT, "provenance/1/a"), &files)
            .is_err()
    );
}

#[test]
fn facts_say_what_was_withdrawn() {
    let metadata = r#"{"size":1,"yanked":null}"#;
    assert_eq!(yanked(metadata, Some("")), r#"{"size":1,"yanked":true}"#);
    assert_eq!(
        yanked(metadata, Some("a\"b")),
        r#"{"size":1,"yanked":"a\"b"}"#
    );
    assert_eq!(yanked(&yanked(metadata, Some("why")), None), metadata);
    assert_eq!(yanked("", Some("")), r#"{"yanked":true}"#);
}

#[test]
fn a_version_has_one_spelling() {
    let mut files = publish(SDIST, &sdist(), &[]);
    files[0].version = "1.0".into();
    let steps = upload(WHEEL, &wheel(), &files).expect("steps");
    assert!(matches!(&steps[0], Step::Add { version, .. } if version == "1.0"));
}

#[test]
fn a_zip_file_is_the_same_from_either_end() {
    assert!(spoilt(|all| all.push(all[0].clone())).contains("twice"));
    assert!(spoilt(|all| all.push(entry("my_pkg/__init__.py/", ""))).contains("twice"));
    assert!(spoilt(|all| all[0].local = "my_pkg/__main__.py".into()).contains("one thing"));
    for name in [
        "../a",
        "a/../b",
        "/a",
        "a//b",
        "a\\b",
        "C:/a",
        "a\0b",
        "./a",
        "",
        &"a".repeat(1025),
    ] {
        assert!(
            spoilt(|all| all.push(entry(name, ""))).contains("elsewhere"),
            "{name}"
        );
    }
    assert!(spoilt(|all| all.push(entry("\u{e9}", ""))).contains("broken"));
    assert!(spoilt(|all| all[0].flags = 1).contains("encrypted"));
    assert!(spoilt(|all| all[0].method = 12).contains("packed"));
    assert!(spoilt(|all| all[1].size = Some(9)).contains("damaged"));
    assert!(spoilt(|all| all[1].size = Some(900)).contains("damaged"));
    assert!(spoilt(|all| all[0].size = Some(u32::MAX)).contains("broken"));
    let good = |change: fn(&mut Entry)| {
        let mut entries = wheel_entries("my_pkg_x-1.0.0.dist-info", INFO);
        entries.insert(0, entry("folder/", ""));
        entries.iter_mut().for_each(change);
        upload(WHEEL, &zipped(&entries), &[]).expect("good");
    };
    good(|entry| entry.method = 0);
    good(|entry| entry.flags = 8);
    good(|entry| {
        entry.flags = 1 << 11;
        entry.name = entry.name.replace("my_pkg/", "\u{e9}/");
        entry.local = entry.name.clone();
    });

    // A second name, of which some readers know and some do not.
    let other_name = |name: &str| {
        let mut wheel = wheel_entries("my_pkg_x-1.0.0.dist-info", INFO);
        let length = u16::try_from(5 + name.len()).expect("short").to_le_bytes();
        wheel[0].extra = [&[0x75, 0x70][..], &length, &[1; 5], name.as_bytes()].concat();
        upload(WHEEL, &zipped(&wheel), &[])
    };
    other_name("my_pkg/__init__.py").expect("the same name");
    assert!(refusal(other_name("my_pkg/evil.py")).contains("broken"));

    let whole = wheel();
    let of = |bytes: &[u8]| refusal(upload(WHEEL, bytes, &[]));
    for length in [0, 1, 21, 22, whole.len() / 2, whole.len() - 1] {
        of(&whole[..length]);
    }
    of(&[b"#!", &whole[..]].concat());
    of(&[&whole[..], b"more"].concat());
    of(&[&whole[..], &whole].concat());
    let end = whole.len() - 22;
    let mut commented = whole.clone();
    commented[end + 20] = 3;
    commented.extend(b"abc");
    upload(WHEEL, &commented, &[]).expect("a comment");
    // A second end within the comment of the first.
    let mut doubled = whole.clone();
    doubled[end + 20] = 22;
    doubled.extend(&whole[end..]);
    of(&doubled);
    for at in [end + 4, end + 8, end + 10, end + 12, end + 16] {
        let mut broken = whole.clone();
        broken[at] ^= 1;
        of(&broken);
    }
    // Content that belongs to no entry.
    let start = usize::from(u16::from_le_bytes([whole[end + 16], whole[end + 17]]));
    let mut gap = [&whole[..start], b"gap", &whole[start..]].concat();
    gap[end + 3 + 16..][..2]
        .copy_from_slice(&u16::try_from(start + 3).expect("start").to_le_bytes());
    assert!(of(&gap).contains("gaps"));
    of(&sdist());
}

#[test]
fn whatever_bytes_come_are_refused_or_taken() {
    for (file, good) in [(WHEEL, wheel()), (SDIST, sdist())] {
        for at in 0..good.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[at] ^= flip;
                if let Err(problem) = upload(file, &bytes, &[]) {
                    let is_refusal = matches!(problem.kind, Kind::Invalid | Kind::TooLarge);
                    assert!(is_refusal, "{problem}");
                }
            }
        }
    }
}

fn too_large(outcome: Result<Vec<Step>, Problem>) -> String {
    let problem = outcome.expect_err("refused");
    assert_eq!(problem.kind, Kind::TooLarge, "{problem}");
    problem.detail.into_owned()
}

#[test]
fn bombs_are_not_unpacked() {
    let mut bomb = wheel_entries("my_pkg_x-1.0.0.dist-info", INFO);
    bomb[0].size = Some(65 << 20);
    assert!(too_large(upload(WHEEL, &zipped(&bomb), &[])).contains("too much"));
    let mut metadata = wheel_entries("my_pkg_x-1.0.0.dist-info", INFO);
    metadata[1].content = vec![b'a'; 8 << 20];
    metadata[1].size = Some(100);
    assert!(refusal(upload(WHEEL, &zipped(&metadata), &[])).contains("damaged"));
    let mut tar = header("my_pkg_x-1.0.0/big", b'0', 65 << 20);
    assert!(too_large(upload(SDIST, &packed(&tar), &[])).contains("too much"));
    tar = header("my_pkg_x-1.0.0/PKG-INFO", b'0', (4 << 20) + 1);
    assert!(refusal(upload(SDIST, &packed(&tar), &[])).contains("too long"));
    let zeros = packed(&vec![0; 65 << 20]);
    assert!(too_large(upload(SDIST, &zeros, &[])).contains("too much"));
}

#[test]
fn a_tar_file_is_walked_to_its_end() {
    let info = "my_pkg_x-1.0.0/PKG-INFO";
    let of = |entries: &[(&str, u8, &str)]| refusal(upload(SDIST, &tarred(entries), &[]));
    assert!(of(&[]).contains("no PKG-INFO"));
    assert!(of(&[("other-1.0.0/PKG-INFO", b'0', INFO)]).contains("no PKG-INFO"));
    assert!(of(&[("my_pkg_x-1.0.0/egg/PKG-INFO", b'0', INFO)]).contains("no PKG-INFO"));
    assert!(of(&[(info, b'2', "")]).contains("no PKG-INFO"));
    assert!(of(&[(info, b'0', INFO), (info, b'0', INFO)]).contains("twice"));
    assert!(of(&[(info, b'0', INFO), ("../up", b'0', "")]).contains("elsewhere"));
    assert!(of(&[(info, b'0', INFO), ("/etc/up", b'0', "")]).contains("elsewhere"));
    let global = of(&[("g", b'g', "24 path=my_pkg_x-1.0.0/\n"), (info, b'0', INFO)]);
    assert!(global.contains("one name or size"), "{global}");
    let damaged = of(&[("x", b'x', "99 path=a\n"), (info, b'0', INFO)]);
    assert!(damaged.contains("damaged pax header"), "{damaged}");
    let good =
        |entries: &[(&str, u8, &str)]| _ = upload(SDIST, &tarred(entries), &[]).expect("good");
    let times = "20 atime=1772366645\n";
    good(&[
        ("g", b'g', "13 comment=a\n"),
        ("x", b'x', times),
        (&format!("./{info}"), b'0', INFO),
        ("./", b'5', ""),
    ]);
    good(&[
        ("x", b'x', &format!("32 path={info}\n")),
        ("short", b'0', INFO),
    ]);
    good(&[
        ("././@LongLink", b'L', &format!("{info}\0")),
        ("short", b'0', INFO),
    ]);
    good(&[
        (info, 0, INFO),
        ("my_pkg_x-1.0.0/link", b'2', ""),
        ("my_pkg_x-1.0.0/PKG-INFO/PKG-INFO", b'0', ""),
    ]);
    let whole = sdist();
    for length in 0..whole.len() {
        refusal(upload(SDIST, &whole[..length], &[]));
    }
    refusal(upload(SDIST, &[&whole[..], b"more"].concat(), &[]));
    refusal(upload(
        SDIST,
        &packed(&[&[0; 1024][..], b"more"].concat()),
        &[],
    ));
    refusal(upload(SDIST, &wheel(), &[]));
}

#[test]
fn versions_have_their_order() {
    let ordered = [
        "1.dev0",
        "1.0.dev456",
        "1.0a1",
        "1.0a2.dev456",
        "1.0a12.dev456",
        "1.0a12",
        "1.0b1.dev456",
        "1.0b2",
        "1.0b2.post345.dev456",
        "1.0b2.post345",
        "1.0rc1.dev456",
        "1.0rc1",
        "1.0",
        "1.0+abc.5",
        "1.0+abc.7",
        "1.0+5",
        "1.0.post456.dev34",
        "1.0.post456",
        "1.0.15",
        "1.1.dev1",
        "1.9",
        "1.10",
        "20260101",
        "1!0.1",
    ];
    let parsed: Vec<Version> = ordered
        .iter()
        .map(|text| Version::parse(text).expect(text))
        .collect();
    for (at, one) in parsed.iter().enumerate() {
        assert_eq!(one.to_string(), ordered[at]);
        for (other, version) in parsed.iter().enumerate() {
            assert_eq!(one.cmp(version), at.cmp(&other), "{one} {version}");
        }
    }
    let spellings = [
        ("V1.0.0", "1.0"),
        ("1.0-ALPHA.1", "1.0a1"),
        ("1.0_preview-2", "1.0rc2"),
        ("1.0c3", "1.0rc3"),
        ("1.0-4", "1.0.post4"),
        ("1.0rev", "1.0.post0"),
        ("1.0r-5", "1.0.post5"),
        ("1.0dev", "1.0.dev0"),
        ("01.00", "1"),
        ("0!1", "1"),
        ("1.0a.dev1", "1.0a0.dev1"),
        ("1.0+Ubuntu_01-x", "1.0+ubuntu.1.x"),
    ];
    for (one, other) in spellings {
        assert_eq!(Version::parse(one), Version::parse(other), "{one}");
        assert!(Version::parse(one).is_some(), "{one}");
    }
    let bad = [
        "",
        "v",
        "a",
        "1.",
        "1..0",
        "1.0-",
        "1.0+",
        "1.0+a+b",
        "1.0+a..b",
        "!1",
        "a!1",
        "1.0 ",
        "1.0x1",
        "1.0\u{e9}",
        "1.99999999999999999999999",
        "1.0-99999999999999999999999",
        "1.0.post99999999999999999999999",
        "1.0.dev1a1",
    ];
    for text in bad {
        assert!(Version::parse(text).is_none(), "{text}");
    }
}
