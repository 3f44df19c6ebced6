use super::*;
use crate::deb::suite::Suite;
use larder_model::{Algorithm, Digest, Integrity};

fn sum(text: &str) -> Digest {
    Digest::of(Algorithm::Sha256, text.as_bytes())
}

#[test]
fn files_are_found_by_the_digests_of_what_is_fetched() {
    let (packed, plain) = (sum("packed").hex(), sum("plain").hex());
    let text = format!(
        "SHA256-Current: {plain} 9\nSHA256-History:\n {plain} 8 T-2-F-1\nSHA256-Patches:\n {plain} 7 \
         T-2-F-1\nSHA256-Download:\n {packed} 6 T-2-F-1.gz\n {packed} 5 ../T-3-F-1.gz\n\
         SHA1-Download:\n {plain} 4 T-9-F-1.gz\n"
    );
    let list = Differences::read(text.as_bytes()).expect("list");
    let path = "dists/x/main/binary-amd64/Packages.diff/T-2-F-1.gz";
    let fetch = list.find("dists/x/", path).expect("listed");
    assert_eq!((&*fetch.url, fetch.size), (path, Some(6)));
    assert_eq!(fetch.integrity, Integrity::Digest(sum("packed")));
    for absent in ["T-2-F-1", "T-9-F-1.gz", "T-3-F-1.gz"] {
        let path = format!("dists/x/main/binary-amd64/Packages.diff/{absent}");
        assert_eq!(list.find("dists/x/", &path), None, "{absent}");
    }
    assert!(Differences::read(b"<html>log in</html>").is_err());
}

#[test]
fn the_list_beside_a_difference_tells_of_it() {
    let release = format!(
        "Suite: x\nSHA256:\n {0} 1 main/binary-amd64/Packages.diff/Index\n {0} 1 \
         main/source/Sources.gz\n {0} 1 main/binary-amd64/Packages\n",
        sum("x").hex()
    );
    let suite = Suite::read("dists/x/", release.as_bytes()).expect("suite");
    let lists = |path: &str| {
        let lists = suite.lists_of(path);
        let names = lists.iter().flatten().map(|member| member.name.to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        lists("dists/x/main/binary-amd64/Packages.diff/T-2-F-1.gz"),
        ["main/binary-amd64/Packages.diff/Index"]
    );
    for absent in [
        "dists/x/main/binary-arm64/Packages.diff/T-2-F-1.gz",
        "dists/y/main/binary-amd64/Packages.diff/T-2-F-1.gz",
        "dists/x/main/binary-amd64/Packages.diff/Index",
        "dists/x/main/i18n/Translation-en.xz",
    ] {
        assert!(lists(absent).is_empty(), "{absent}: a suite's own file");
    }
    assert_eq!(
        lists("pool/main/d/demo/demo_1.tar.xz"),
        ["main/source/Sources.gz"]
    );
}
