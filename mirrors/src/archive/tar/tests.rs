use super::*;
use larder_model::Kind as Meaning;

const LIMITS: Limits = Limits {
    entries: 8,
    path_bytes: 300,
    unpacked: Limit::fixed(1 << 20),
    ratio: 100,
};

/// A header with a sound checksum.
fn header(path: &str, kind: u8, size: &str) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..path.len()].copy_from_slice(path.as_bytes());
    block[124..124 + size.len()].copy_from_slice(size.as_bytes());
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    sealed(block)
}

fn sealed(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    let sum = checksum(&block);
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// A member: its header, and its contents with what fills their last block.
fn member(path: &str, kind: u8, contents: &str) -> Vec<u8> {
    let mut bytes = header(path, kind, &format!("{:011o}", contents.len())).to_vec();
    bytes.extend(contents.as_bytes());
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

fn pax_line(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let length = (1..1_usize << 20)
        .find(|length| length.to_string().len() + rest.len() == *length)
        .expect("a length");
    format!("{length}{rest}")
}

fn archive(members: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = members.concat();
    bytes.resize(bytes.len() + 2 * BLOCK, 0);
    bytes
}

type Walk = Vec<(String, Kind, u64)>;

fn walk(bytes: &[u8]) -> Result<Walk, Fault> {
    let mut tar = Tar::new(bytes, &LIMITS, bytes.len() as u64);
    let mut entries = Vec::new();
    while let Some(entry) = tar.next()? {
        entries.push((entry.path, entry.kind, entry.size));
    }
    Ok(entries)
}

fn paths(members: &[Vec<u8>]) -> Vec<String> {
    let entries = walk(&archive(members)).expect("a sound archive");
    entries.into_iter().map(|(path, ..)| path).collect()
}

/// The sentence with which an archive is refused.
fn refused(bytes: &[u8]) -> String {
    let fault = walk(bytes).expect_err("refused");
    let problem = fault.problem("tarball", "it");
    assert_eq!(problem.kind, Meaning::Invalid, "{problem}");
    problem.detail.into_owned()
}

#[test]
fn entries_come_in_their_order() {
    let bytes = archive(&[
        member("a/", b'5', ""),
        member("a/b", b'0', "contents"),
        member("a/old", 0, ""),
        member("a/old/", 0, ""),
        member("a/c", b'2', ""),
        member("a/d", b'1', ""),
    ]);
    let expected = [
        ("a", Kind::Folder, 0),
        ("a/b", Kind::File, 8),
        ("a/old", Kind::File, 0),
        ("a/old", Kind::Folder, 0),
        ("a/c", Kind::Link, 0),
        ("a/d", Kind::Link, 0),
    ];
    let expected = expected.map(|(path, kind, size)| (path.to_owned(), kind, size));
    assert_eq!(walk(&bytes).expect("sound"), expected);
}

#[test]
fn contents_are_read_once() {
    let long = "x".repeat(BLOCK + 1);
    let bytes = archive(&[
        member("first", b'0', &long),
        member("second", b'0', "two"),
        member("third", b'0', "three"),
    ]);
    let mut tar = Tar::new(&*bytes, &LIMITS, bytes.len() as u64);
    let first = tar.next().expect("sound").expect("an entry");
    assert_eq!(
        tar.contents(&first, 1_u64 << 10).expect("read"),
        long.as_bytes()
    );
    let second = tar.next().expect("sound").expect("an entry");
    assert_eq!(second.path, "second");
    let third = tar.next().expect("sound").expect("an entry");
    let fault = tar.contents(&third, 4_u64).expect_err("too long");
    assert!(matches!(fault, Fault::TooLarge(text) if text.contains("too long")));
}

#[test]
fn names_come_from_every_form_of_header() {
    let long = "d/".repeat(60) + "file";
    let next = || member("short", b'0', "");
    let pax = member("x", b'x', &pax_line("path", &long));
    assert_eq!(paths(&[pax, next()]), [&*long]);
    let gnu = member("././@LongLink", b'L', &format!("{long}\0"));
    assert_eq!(paths(&[gnu, next()]), [&*long]);
    let mut prefixed = header("name", b'0', "0");
    prefixed[345..348].copy_from_slice(b"dir");
    assert_eq!(paths(&[sealed(prefixed).to_vec()]), ["dir/name"]);
    // GNU's format has other fields where ustar has the prefix.
    prefixed[257..265].copy_from_slice(b"ustar  \0");
    assert_eq!(paths(&[sealed(prefixed).to_vec()]), ["name"]);
    let target = member("././@LongLink", b'K', &"t".repeat(200));
    assert_eq!(paths(&[target, member("link", b'2', "")]), ["link"]);
}

#[test]
fn attributes_without_effect_are_ignored() {
    let keys = [
        ("mtime", "1.5"),
        ("SCHILY.xattr.user.x", "1"),
        ("LIBARCHIVE.creationtime", "1"),
        ("NODETAR.type", "x"),
    ];
    let lines: String = keys.map(|(key, value)| pax_line(key, value)).concat();
    let same_size = pax_line("size", "0");
    let members = [
        member("g", b'g', &pax_line("comment", "a commit")),
        member("x", b'x', &(lines + &same_size)),
        member("a", b'0', ""),
    ];
    assert_eq!(paths(&members), ["a"]);
}

#[test]
fn the_folder_itself_and_a_dot_before_names_are_known() {
    let bytes = archive(&[member("./", b'5', ""), member("./a", b'0', "")]);
    let mut tar = Tar::new(&*bytes, &LIMITS, bytes.len() as u64);
    let root = tar.next().expect("sound").expect("an entry");
    assert_eq!((&*root.path, root.has_dot_prefix), ("", true));
    let file = tar.next().expect("sound").expect("an entry");
    assert_eq!((&*file.path, file.has_dot_prefix), ("a", true));
}

#[test]
fn unsafe_paths_are_refused() {
    let long = "x".repeat(301);
    let bad = [
        "", "/a", "//a", ".//a", "../a", "a/../b", "a//b", "a//../b", "a/./b", "a\\b", "C:/a",
        "././a", "a/", ".", "..", &long,
    ];
    for path in bad {
        let pax = member("x", b'x', &pax_line("path", path));
        let text = refused(&archive(&[pax, member("short", b'0', "")]));
        assert!(text.contains("not a plain path"), "{path}: {text}");
    }
    for path in bad {
        let bytes = archive(&[
            member("x", b'x', &pax_line("path", path)),
            member("short", b'0', ""),
        ]);
        let mut tar = Tar::new(&*bytes, &LIMITS, bytes.len() as u64).joining_slashes();
        let joined = tar.next().ok().flatten().map(|entry| entry.path);
        assert_eq!(joined.as_deref(), (path == "a//b").then_some("a/b"));
    }
    let mut latin = header("a", b'0', "0");
    latin[0] = 0xe9;
    assert!(refused(&archive(&[sealed(latin).to_vec()])).contains("not UTF-8"));
}

#[test]
fn headers_that_contradict_each_other_are_refused() {
    let next = || member("a", b'0', "");
    let pax = |lines: &str| member("x", b'x', lines);
    let gnu = || member("././@LongLink", b'L', "b\0");
    let path = || pax_line("path", "b");
    let cases = [
        (vec![pax(&path()), gnu(), next()], "two names"),
        (vec![gnu(), gnu(), next()], "two names"),
        (vec![pax(&(path() + &path())), next()], "two names"),
        (vec![pax(&path()), pax(&path()), next()], "two pax headers"),
        (vec![pax(&pax_line("size", "1")), next()], "two sizes"),
        (
            vec![pax(&pax_line("size", "0").repeat(2)), next()],
            "two sizes",
        ),
        (vec![member("g", b'g', &path()), next()], "all its entries"),
        (vec![pax(&path())], "belongs to no entry"),
        (
            vec![member("L", b'L', "b\0c"), next()],
            "a name with bytes after its end",
        ),
    ];
    for (members, expected) in cases {
        let text = refused(&archive(&members));
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn ambiguous_attributes_are_refused() {
    for key in [
        "GNU.sparse.major",
        "GNU.sparse.realsize",
        "SCHILY.realsize",
        "SUN.holesdata",
        "hdrcharset",
        "unknown",
    ] {
        let pax = member("x", b'x', &pax_line(key, "1"));
        let text = refused(&archive(&[pax, member("a", b'0', "")]));
        assert!(text.contains(key) && text.contains("differently"), "{text}");
    }
    for lines in [
        "999 path=x\n",
        "18446744073709551616 path=x\n",
        "+9 path=x\n",
        "x path=y\n",
        "7 path\n",
        "3 a",
        "0 a=b\n",
        "9 path=x\n\0",
        "11 size=-1\n",
        "11 size=+1\n",
    ] {
        let pax = member("x", b'x', lines);
        let text = refused(&archive(&[pax, member("a", b'0', "")]));
        assert!(text.contains("damaged pax header"), "{lines:?}: {text}");
    }
}

#[test]
fn other_kinds_of_entries_are_refused() {
    for kind in [b'3', b'4', b'6', b'7', b'A', b'D', b'M', b'S', b'V', b'X'] {
        let text = refused(&archive(&[member("a", kind, "")]));
        assert!(text.contains("neither a file"), "{kind}: {text}");
    }
    // Some readers continue after the contents, others directly after the header.
    for kind in [b'1', b'2', b'5'] {
        let text = refused(&archive(&[member("a", kind, "contents")]));
        assert!(text.contains("neither a file"), "{kind}: {text}");
    }
    assert!(refused(&archive(&[member("a/", 0, "contents")])).contains("neither a file"));
}

#[test]
fn numbers_are_octal_or_binary() {
    let binary = |bytes: [u8; 12]| {
        let mut block = header("a", b'0', "");
        block[124..136].copy_from_slice(&bytes);
        let mut member = sealed(block).to_vec();
        member.resize(2 * BLOCK, 1);
        archive(&[member])
    };
    let mut three = [0; 12];
    (three[0], three[11]) = (0x80, 3);
    assert_eq!(walk(&binary(three)).expect("sound")[0].2, 3);
    let negative = [0xff; 12];
    assert!(refused(&binary(negative)).contains("size"));
    let mut huge = three;
    huge[1] = 1;
    assert!(refused(&binary(huge)).contains("size"));
    for size in ["8", "+1", "-1", "1 1", "0x1"] {
        let text = refused(&archive(&[header("a", b'0', size).to_vec()]));
        assert!(text.contains("size"), "{size}: {text}");
    }
    assert_eq!(paths(&[header("a", b'0', "  0 ").to_vec()]), ["a"]);
}

#[test]
fn bytes_after_the_end_are_refused() {
    let file = member("a", b'0', "contents");
    for bytes in [&file[..], &archive(std::slice::from_ref(&file))] {
        assert_eq!(walk(bytes).expect("sound").len(), 1);
    }
    let two = [archive(std::slice::from_ref(&file)), file.clone()].concat();
    assert!(refused(&two).contains("after its end"));
    let lone = [&file[..], &[0; BLOCK], &file[..]].concat();
    assert!(refused(&lone).contains("after its end"));
    let junk = [&archive(std::slice::from_ref(&file))[..], b"x"].concat();
    assert!(refused(&junk).contains("after its end"));
}

#[test]
fn truncated_and_damaged_archives_are_refused() {
    let whole = member("a", b'0', "contents");
    for length in 1..whole.len() {
        assert!(refused(&whole[..length]).contains("cut short"), "{length}");
    }
    let mut damaged = whole;
    damaged[0] = b'b';
    assert!(refused(&damaged).contains("damaged header"));
    let long = member("x", b'x', &pax_line("comment", &"x".repeat(64 << 10)));
    assert!(refused(&archive(&[long])).contains("too long"));
}

#[test]
fn limits_hold() {
    let over = |bytes: &[u8], limits: &Limits| {
        let mut tar = Tar::new(bytes, limits, bytes.len() as u64);
        let fault = loop {
            match tar.next() {
                Ok(entry) => assert!(entry.is_some(), "within the limits"),
                Err(fault) => break fault,
            }
        };
        let problem = fault.problem("tarball", "it");
        assert_eq!(problem.kind, Meaning::TooLarge, "{problem}");
        problem.detail.into_owned()
    };
    let many = archive(&vec![member("a", b'0', ""); 9]);
    assert!(over(&many, &LIMITS).contains("too many entries: more than 8"));
    let large = archive(&[header("a", b'0', "4000001").to_vec()]);
    assert!(over(&large, &LIMITS).contains("at most 1 MiB"));
    let endless = header("a", b'0', "77777777777").to_vec();
    let unlimited = Limits {
        unpacked: Limit::NONE,
        ..LIMITS
    };
    assert!(
        over(&endless, &unlimited).contains("too much"),
        "the ratio holds"
    );
    let zeros = vec![0; (1 << 20) + BLOCK];
    assert!(over(&zeros, &LIMITS).contains("too much"));
}
