//! Archives that readers could take differently, and bombs.

use super::*;

fn spoilt(spoil: impl FnOnce(&mut Vec<Entry>)) -> String {
    let mut entries = wheel_entries("my_pkg_x-1.0.0.dist-info", INFO);
    spoil(&mut entries);
    refusal(publish_file(WHEEL, &zipped(&entries), &[]))
}

#[test]
fn ambiguous_entries_of_zip_files_are_refused() {
    assert!(spoilt(|all| all.push(all[0].clone())).contains("same name"));
    assert!(spoilt(|all| all.push(entry("my_pkg/__init__.py/", ""))).contains("same name"));
    assert!(
        spoilt(|all| all[0].local = "my_pkg/__main__.py".into()).contains("directory that differs")
    );
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
            spoilt(|all| all.push(entry(name, ""))).contains("not a plain path"),
            "{name}"
        );
    }
}

#[test]
fn entries_that_readers_cannot_unpack_are_refused() {
    assert!(spoilt(|all| all.push(entry("\u{e9}", ""))).contains("broken"));
    assert!(spoilt(|all| all[0].flags = 1).contains("encrypted"));
    assert!(spoilt(|all| all[0].method = 12).contains("compression method"));
    assert!(spoilt(|all| all[1].size = Some(9)).contains("damaged"));
    assert!(spoilt(|all| all[1].size = Some(900)).contains("damaged"));
    assert!(spoilt(|all| all[0].size = Some(u32::MAX)).contains("broken"));
}

#[test]
fn all_writers_of_zip_files_are_read() {
    let good = |change: fn(&mut Entry)| {
        let mut entries = wheel_entries("my_pkg_x-1.0.0.dist-info", INFO);
        entries.insert(0, entry("folder/", ""));
        entries.iter_mut().for_each(change);
        publish_file(WHEEL, &zipped(&entries), &[]).expect("good");
    };
    good(|entry| entry.method = 0);
    good(|entry| entry.flags = 8);
    good(|entry| {
        entry.flags = 1 << 11;
        entry.name = entry.name.replace("my_pkg/", "\u{e9}/");
        entry.local = entry.name.clone();
    });
}

#[test]
fn a_second_name_must_be_the_same() {
    // Some readers know the extra field with the name, and some do not.
    let other_name = |name: &str| {
        let mut wheel = wheel_entries("my_pkg_x-1.0.0.dist-info", INFO);
        let length = u16::try_from(5 + name.len()).expect("short").to_le_bytes();
        wheel[0].extra = [&[0x75, 0x70][..], &length, &[1; 5], name.as_bytes()].concat();
        publish_file(WHEEL, &zipped(&wheel), &[])
    };
    other_name("my_pkg/__init__.py").expect("the same name");
    assert!(refusal(other_name("my_pkg/evil.py")).contains("broken"));
}

#[test]
fn bytes_outside_of_entries_are_refused() {
    let whole = wheel();
    let of = |bytes: &[u8]| refusal(publish_file(WHEEL, bytes, &[]));
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
    publish_file(WHEEL, &commented, &[]).expect("a comment");
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
    assert!(of(&gap).contains("between its entries"));
    of(&sdist());
}

#[test]
fn arbitrary_bytes_cause_no_panic() {
    for (file, good) in [(WHEEL, wheel()), (SDIST, sdist())] {
        for at in 0..good.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[at] ^= flip;
                if let Err(problem) = publish_file(file, &bytes, &[]) {
                    let is_refusal = matches!(problem.kind, Kind::Invalid | Kind::TooLarge);
                    assert!(is_refusal, "{problem}");
                }
            }
        }
    }
}

#[test]
fn bombs_are_not_unpacked() {
    let mut bomb = wheel_entries("my_pkg_x-1.0.0.dist-info", INFO);
    bomb[0].size = Some(65 << 20);
    assert!(too_large(publish_file(WHEEL, &zipped(&bomb), &[])).contains("too much"));
    let mut metadata = wheel_entries("my_pkg_x-1.0.0.dist-info", INFO);
    metadata[1].content = vec![b'a'; 4 << 20];
    metadata[1].size = Some(100);
    assert!(refusal(publish_file(WHEEL, &zipped(&metadata), &[])).contains("damaged"));
    let mut tar = header("my_pkg_x-1.0.0/big", b'0', 65 << 20);
    assert!(too_large(publish_file(SDIST, &packed(&tar), &[])).contains("too much"));
    tar = header("my_pkg_x-1.0.0/PKG-INFO", b'0', (8 << 20) + 1);
    assert!(too_large(publish_file(SDIST, &packed(&tar), &[])).contains("package_metadata_size"));
    let zeros = packed(&vec![0; 65 << 20]);
    assert!(too_large(publish_file(SDIST, &zeros, &[])).contains("too much"));
}

#[test]
fn a_tar_file_is_read_to_its_end() {
    let info = "my_pkg_x-1.0.0/PKG-INFO";
    let of = |entries: &[(&str, u8, &str)]| refusal(publish_file(SDIST, &tarred(entries), &[]));
    assert!(of(&[]).contains("no PKG-INFO"));
    assert!(of(&[("other-1.0.0/PKG-INFO", b'0', INFO)]).contains("no PKG-INFO"));
    assert!(of(&[("my_pkg_x-1.0.0/egg/PKG-INFO", b'0', INFO)]).contains("no PKG-INFO"));
    assert!(of(&[(info, b'2', "")]).contains("no PKG-INFO"));
    assert!(of(&[(info, b'0', INFO), (info, b'0', INFO)]).contains("same name"));
    assert!(of(&[(info, b'0', INFO), ("../up", b'0', "")]).contains("not a plain path"));
    assert!(of(&[(info, b'0', INFO), ("/etc/up", b'0', "")]).contains("not a plain path"));
    let global = of(&[("g", b'g', "24 path=my_pkg_x-1.0.0/\n"), (info, b'0', INFO)]);
    assert!(global.contains("a name or a size"), "{global}");
    let damaged = of(&[("x", b'x', "99 path=a\n"), (info, b'0', INFO)]);
    assert!(damaged.contains("damaged pax header"), "{damaged}");
    let good = |entries: &[(&str, u8, &str)]| {
        publish_file(SDIST, &tarred(entries), &[]).expect("good");
    };
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
        refusal(publish_file(SDIST, &whole[..length], &[]));
    }
    refusal(publish_file(SDIST, &[&whole[..], b"more"].concat(), &[]));
    refusal(publish_file(
        SDIST,
        &packed(&[&[0; 1024][..], b"more"].concat()),
        &[],
    ));
    refusal(publish_file(SDIST, &wheel(), &[]));
}

/// The same zip file with an end of wider numbers, as writers of large files make it.
fn widened(zip: &[u8]) -> Vec<u8> {
    let (rest, end) = zip.split_at(zip.len() - 22);
    let number = |at: usize, count: usize| {
        let mut bytes = [0; 8];
        bytes[..count].copy_from_slice(&end[at..at + count]);
        bytes
    };
    let (count, length, start) = (number(10, 2), number(12, 4), number(16, 4));
    let mut wide = [b"PK\x06\x06".as_slice(), &44_u64.to_le_bytes()].concat();
    wide.extend([45, 3, 45, 0]);
    wide.extend([0; 8]);
    for number in [count, count, length, start] {
        wide.extend(number);
    }
    let mut locator = [b"PK\x06\x07".as_slice(), &[0; 4]].concat();
    locator.extend((rest.len() as u64).to_le_bytes());
    locator.extend(1_u32.to_le_bytes());
    let mut end = end.to_vec();
    end[8..20].fill(0xff);
    [rest, &wide, &locator, &end].concat()
}

#[test]
fn large_archives_have_an_end_of_wider_numbers() {
    let large = widened(&wheel());
    let steps = publish_file(WHEEL, &large, &[]).expect("published");
    assert_eq!(steps.len(), 2);
    // Every byte of the end counts, but for the versions of its writer and reader.
    let begins = large.len() - 22 - 20 - 56;
    for at in (begins..large.len() - 2).filter(|at| !(begins + 12..begins + 16).contains(at)) {
        let mut spoilt = large.clone();
        spoilt[at] ^= 1;
        refusal(publish_file(WHEEL, &spoilt, &[]));
    }
    // Where both ends have numbers they are the same.
    let mut twice = large.clone();
    let at = large.len() - 22;
    twice[at + 8..at + 20].copy_from_slice(&wheel()[wheel().len() - 14..wheel().len() - 2]);
    assert!(publish_file(WHEEL, &twice, &[]).is_ok());
    let after = [&large[..begins], &[0; 1], &large[begins..]].concat();
    refusal(publish_file(WHEEL, &after, &[]));
}
