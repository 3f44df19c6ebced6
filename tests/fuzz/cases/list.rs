//! A list of artifacts is read or refused, and so is what a group makes of it, whatever it is
//! compressed with.
use bytes::Bytes;
use larder_mirrors::index::{IndexMember, IndexMerger};
use larder_mirrors::{Artifact, Protocol, deb, rpm};
use larder_model::Timestamp;
use std::collections::HashSet;
use std::sync::Arc;

/// Whatever comes, nothing panics.
pub fn run(body: &[u8]) {
    let head = "<repomd><data type=\"primary\"><location href=\"repodata/primary.xml\"/></data>\
                <data type=\"updateinfo\"><location href=\"repodata/updateinfo.xml\"/></data></repomd>";
    let merger = rpm::Rpm.index().expect("an index").merge(Timestamp(0), "");
    merge(merger, head, &[true, true, false], body);
    if let Ok(table) = deb::Listing::read(body) {
        use larder_mirrors::Table as _;
        let _ = (table.weight(), table.named("demo_1_all.deb"));
        let _ = table.find("dists/stable/", "pool/demo_1_all.deb");
    }
    let folder = "dists/stable/main/binary-all/Packages.diff";
    let list = Artifact::new("", None, format!("{folder}/Index"));
    if let Ok(table) = deb::Deb.tables().expect("tables").read(&list, body) {
        let _ = (
            table.weight(),
            table.find("dists/stable/", &format!("{folder}/T.gz")),
        );
    }
    let zeros = "0".repeat(64);
    let head = format!("SHA256:\n {zeros} 1 main/binary-all/Packages\n");
    let merger = deb::Deb
        .index()
        .expect("an index")
        .merge(Timestamp(0), "dists/stable/");
    merge(merger, &head, &[true, false], body);
    for ending in ["", ".gz", ".xz", ".zst", ".bz2"] {
        let list = Artifact::new("", None, format!("repodata/primary.xml{ending}"));
        if let Ok(table) = rpm::Rpm.tables().expect("tables").read(&list, body) {
            let _ = table.weight();
            let _ = table.find("https://upstream.example/", "demo.rpm");
        }
    }
}

/// Merges lists of members that all have the same head, and lists that are all `body`.
fn merge(mut merger: Box<dyn IndexMerger>, head: &str, hosted: &[bool], body: &[u8]) {
    for is_hosted in hosted.iter().copied() {
        let hidden = Arc::new(HashSet::from(["demo".into()]));
        let member = IndexMember { hidden, is_hosted };
        merger.add(head.as_bytes(), member).expect("head");
    }
    while let Some(wanted) = merger.next() {
        let list = |path: &Option<Box<str>>| path.is_some().then(|| Bytes::copy_from_slice(body));
        let lists = wanted.paths.iter().map(list).collect();
        if merger.merge_lists(lists).is_err() {
            break;
        }
    }
}
