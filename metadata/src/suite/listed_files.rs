//! What was kept before packages of its protocol were listed is found where it is listed now.

use super::fixture::{Bed, blob, digest, fetched};
use super::trash::{finish, held};
use crate::documents::{NewFile, NewFiles};
use crate::listed_files::ListedFile;
use crate::listing::{VersionBy, VersionPage};
use crate::search::SearchBy;
use crate::{Batch, Metadata};
use larder_model::{FileKind, JobKind, ProtocolName, System};

checks![
    kept_files_stand_at_their_packages,
    many_pages_of_files_are_moved,
    what_was_kept_again_meanwhile_stays,
    the_first_bytes_of_what_is_gone_move,
    a_mirror_is_gone_through_once,
];

const MARK: &str = "insert into unlisted_mirrors (repo) values (?1)";

/// `pool/NAME_VERSION`.
fn named(_: ProtocolName, path: &str) -> Option<ListedFile> {
    let (package, version) = path.strip_prefix("pool/")?.split_once('_')?;
    Some(ListedFile {
        package: package.to_owned(),
        version: version.to_owned(),
    })
}

/// Keeps files at the package of no name, in a mirror that is not gone through yet.
async fn keep(bed: &Bed<'_>, files: Vec<NewFile<'_>>) {
    let new = NewFiles {
        package: bed.package(""),
        full_name: None,
        by: System::Upstream,
        at: bed.metadata.now(),
        files,
        gone: Vec::new(),
        named: Vec::new(),
        retired: Vec::new(),
    };
    bed.metadata.keep_files(new).await.expect("keep");
}

async fn list(bed: &Bed<'_>) -> u64 {
    let mut batch = Batch::default();
    batch.run(MARK, [bed.repo.id.into()]);
    bed.metadata.sql.apply(batch).await.expect("mark");
    let moved = bed.metadata.list_kept_files(&named).await;
    moved.expect("list")
}

async fn versions(bed: &Bed<'_>, package: &str) -> Vec<Box<str>> {
    let page = VersionPage::first(1000);
    let listed = bed
        .metadata
        .versions_of(bed.package(package), VersionBy::Version, page);
    let listed = listed.await.expect("versions").into_iter();
    listed.map(|version| version.name).collect()
}

async fn kept_files_stand_at_their_packages(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let promised = NewFile {
        integrity: "sha256:abc",
        ..fetched("pool/tool_2.0", "")
    };
    let files = vec![
        fetched("lists/Packages", ""),
        fetched("pool/tool_1.0", ""),
        fetched("pool/other_1.0", ""),
        promised,
        NewFile::new(FileKind::Document, "pool/head_1", blob("head"), ""),
    ];
    keep(&bed, files).await;
    // They are looked for, and remembered, where they are.
    let [old, new] = ["", "tool"].map(|package| bed.package(package));
    let at = |package: crate::files::PackageKey<'static>| {
        package.file(FileKind::Artifact, "pool/tool_2.0")
    };
    assert!(bed.has(at(old)).await && !bed.has(at(new)).await);
    assert_eq!(list(&bed).await, 3);
    assert!(!bed.has(at(old)).await);
    let found = bed.find(at(new)).await.expect("it is listed");
    assert_eq!(found.digest, digest("pool/tool_2.0"));
    assert_eq!(&*found.integrity, "sha256:abc");
    assert_eq!(versions(&bed, "tool").await, ["1.0".into(), "2.0".into()]);
    assert_eq!(versions(&bed, "other").await, ["1.0".into()]);
    let packages = metadata.packages_of(bed.repo.id, "", 10).await;
    let packages = packages.expect("packages");
    let live: Vec<_> = packages.iter().map(|it| (&*it.name, it.live)).collect();
    assert_eq!(live, [("other", true), ("tool", true)]);
    assert!(packages.iter().all(|package| package.updated_at.0 > 0));
    // What is of no package stays.
    let list = bed.package("").file(FileKind::Artifact, "lists/Packages");
    let head = bed.package("").file(FileKind::Document, "pool/head_1");
    assert!(bed.has(list).await && bed.has(head).await);
    let mut after = None;
    loop {
        let page = metadata
            .search(SearchBy::Name, "tool", after.as_ref(), 50)
            .await;
        let page = page.expect("search");
        if page.iter().any(|found| found.key.repo == bed.repo.id) {
            break;
        }
        after = Some(page.last().expect("it is found").key.clone());
    }
}

async fn many_pages_of_files_are_moved(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let paths: Vec<String> = (0..1203)
        .map(|at| match at % 2 {
            0 => format!("pool/many_{at:04}"),
            _ => format!("lists/{at:04}"),
        })
        .collect();
    let files = paths.iter().map(|path| NewFile {
        blob: blob("the same"),
        ..fetched(path, "")
    });
    keep(&bed, files.collect()).await;
    assert_eq!(list(&bed).await, 602);
    assert_eq!(versions(&bed, "many").await.len(), 602);
    let left = metadata
        .list(bed.package(""), FileKind::Artifact, "", 2000)
        .await;
    assert_eq!(left.expect("files").len(), 601);
}

async fn what_was_kept_again_meanwhile_stays(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep(&bed, vec![fetched("pool/twice_1", "")]).await;
    let newer = NewFile {
        blob: blob("newer"),
        ..fetched("pool/twice_1", "3:1")
    };
    bed.keep("twice", metadata.now(), vec![newer]).await;
    list(&bed).await;
    let key = bed
        .package("twice")
        .file(FileKind::Artifact, "pool/twice_1");
    let found = bed.find(key).await.expect("file");
    assert_eq!(found.digest, digest("newer"));
    assert_eq!(versions(&bed, "twice").await, ["3:1".into()]);
    let old = bed.package("").file(FileKind::Artifact, "pool/twice_1");
    assert!(!bed.has(old).await);
}

async fn the_first_bytes_of_what_is_gone_move(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep(&bed, vec![fetched("pool/gone_1", "")]).await;
    let held = held(metadata, JobKind::Retention).await;
    let kept = metadata.mirrored_package(bed.package("")).await;
    let kept = kept.expect("files");
    let all: Vec<_> = kept.iter().collect();
    let evicted = metadata.evict(bed.package(""), &all, false, &held).await;
    evicted.expect("evict");
    finish(metadata, &held).await;
    list(&bed).await;
    let key = bed.package("gone").file(FileKind::Artifact, "pool/gone_1");
    let first = metadata.first_bytes(key).await.expect("first bytes");
    assert_eq!(first, Some(digest("pool/gone_1")));
    assert_eq!(metadata.revision(key.package).await.expect("package"), None);
}

async fn a_mirror_is_gone_through_once(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    assert_eq!(list(&bed).await, 0);
    keep(&bed, vec![fetched("pool/later_1", "")]).await;
    let moved = metadata.list_kept_files(&named).await;
    assert_eq!(moved.expect("list"), 0);
}
