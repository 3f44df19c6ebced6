use super::*;

fn stanza(path: &str, size: usize) -> String {
    let sum = Digest::of(Algorithm::Sha256, path.as_bytes()).hex();
    format!("Package: x\nDescription: y\n z\nFilename: {path}\nSize: {size}\nSHA256: {sum}\n\n")
}

#[test]
fn each_file_of_a_list_is_found_by_its_path() {
    let paths: Vec<String> = (0..1000)
        .map(|number| format!("pool/main/d/demo{}/demo{number}_1_all.deb", number % 7))
        .collect();
    let text: String = paths
        .iter()
        .enumerate()
        .map(|(at, path)| stanza(path, at))
        .collect();
    let list = Listing::read(text.as_bytes()).expect("list");
    for (at, path) in paths.iter().enumerate() {
        let fetch = list.find("dists/x/", path).expect("found");
        assert_eq!(fetch.url, *path);
        assert_eq!(fetch.size, Some(at as u64));
        let sum = Digest::of(Algorithm::Sha256, path.as_bytes());
        assert_eq!(fetch.integrity, Integrity::Digest(sum));
    }
    for absent in ["pool/main/d/demo0/demo1000_1_all.deb", "", "zzz", "aaa"] {
        assert_eq!(list.find("dists/x/", absent), None);
    }
    assert_eq!(
        list.named("demo8_1_all.deb"),
        ["pool/main/d/demo1/demo8_1_all.deb"]
    );
    assert!(list.weight() < text.len() / 2, "{}", list.weight());
}

#[test]
fn paths_are_below_the_archive_or_the_list() {
    let text = stanza("./demo_1_all.deb", 1) + &stanza("pool/demo_1_all.deb", 2);
    let text = text + &stanza("./a/././b_1_all.deb", 3);
    let list = Listing::read(text.as_bytes()).expect("list");
    let within = list.find("", "a/b_1_all.deb").expect("without dots");
    assert_eq!((within.size, &*within.url), (Some(3), "a/b_1_all.deb"));
    assert_eq!(list.find("", "demo_1_all.deb").expect("flat").size, Some(1));
    let below = list
        .find("x64/", "x64/demo_1_all.deb")
        .expect("in a folder");
    assert_eq!((below.size, &*below.url), (Some(1), "x64/demo_1_all.deb"));
    let archive = list.find("debian/dists/x/", "debian/pool/demo_1_all.deb");
    assert_eq!(archive.expect("in an archive below").size, Some(2));
}

#[test]
fn parts_of_source_packages_are_found() {
    let sum = |name: &str| Digest::of(Algorithm::Sha256, name.as_bytes()).hex();
    let text = format!(
        "Package: demo\nDirectory: pool/main/d/demo\nFiles:\n d41d8cd98f00b204e9800998ecf8427e 1 a.dsc\n\
         Checksums-Sha256:\n {} 1 a.dsc\n {} 2 a.tar.xz\n",
        sum("a.dsc"),
        sum("a.tar.xz")
    );
    let list = Listing::read(text.as_bytes()).expect("list");
    let found = list
        .find("dists/x/", "pool/main/d/demo/a.tar.xz")
        .expect("found");
    assert_eq!(found.size, Some(2));
    assert!(list.find("dists/x/", "pool/main/d/demo/a.dsc").is_some());
}

#[test]
fn files_without_a_strong_digest_or_a_plain_path_are_passed_over() {
    let sum = Digest::of(Algorithm::Sha256, b"").hex();
    for text in [
        "Filename: a.deb\nSize: 1\nMD5sum: d41d8cd98f00b204e9800998ecf8427e\n".to_owned(),
        format!("Filename: ../a.deb\nSize: 1\nSHA256: {sum}\n"),
        format!("Filename: /a.deb\nSize: 1\nSHA256: {sum}\n"),
        "Package: nothing\n".to_owned(),
        String::new(),
    ] {
        let list = Listing::read(text.as_bytes()).expect("list");
        assert!(list.blocks.is_empty(), "{text}");
    }
    for damaged in ["<html>\n", "no field\n"] {
        assert!(Listing::read(damaged.as_bytes()).is_err(), "{damaged}");
    }
    let long = stanza("a.deb", 1).repeat(100);
    assert!(Listing::read_within(long.as_bytes(), 1000).is_err());
}

#[test]
fn versions_are_told_where_names_of_files_do_not_tell_them() {
    let sum = |name: &str| Digest::of(Algorithm::Sha256, name.as_bytes()).hex();
    let packages = (0..40).map(|at| {
        let epoch = if at % 3 == 0 { "2:" } else { "" };
        let path = format!("pool/d/demo_{at}-1_all.deb");
        format!("Version: {epoch}{at}-1\n{}", stanza(&path, at))
    });
    let mut text = packages.collect::<Vec<_>>().concat();
    text += &format!(
        "Package: source\nVersion: 1:3.0-2\nDirectory: pool/s\nChecksums-Sha256:\n \
         {} 1 source_3.0-2.dsc\n {} 2 source_3.0.orig.tar.xz\n\nVersion: 7.1\n{}",
        sum("a"),
        sum("b"),
        stanza("vendor.deb", 1)
    );
    let list = Listing::read(text.as_bytes()).expect("list");
    let version = |path: &str| list.find("dists/x/", path).expect(path).version;
    for at in 0..40 {
        let told = (at % 3 == 0).then(|| format!("2:{at}-1").into());
        assert_eq!(version(&format!("pool/d/demo_{at}-1_all.deb")), told);
    }
    assert_eq!(version("pool/s/source_3.0-2.dsc"), Some("1:3.0-2".into()));
    let archive = version("pool/s/source_3.0.orig.tar.xz");
    assert_eq!(archive, Some("1:3.0".into()));
    assert_eq!(version("vendor.deb"), Some("7.1".into()));
}
