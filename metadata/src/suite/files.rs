//! Files are found by package, kind and path.

use super::fixture::{ALICE, Bed, blob, digest};
use crate::Metadata;
use crate::documents::NewFile;
use crate::publishing::Step;
use larder_model::FileKind;

checks![
    keys_of_different_kinds_do_not_meet,
    a_list_is_of_one_kind,
    a_list_goes_on_after_a_path,
    removing_one_kind_leaves_the_others,
    a_client_cannot_take_the_place_of_the_name,
    packages_with_similar_names_do_not_meet,
];

/// Keeps a file of each kind at the same path; the bytes are the kind's word.
async fn keep_all_kinds(bed: &Bed<'_>, path: &str) {
    let file = |kind: &FileKind| NewFile::new(*kind, path, blob(kind.word()), "");
    let files = FileKind::ALL.iter().map(file).collect();
    bed.keep("p", bed.metadata.now(), files).await;
}

async fn keys_of_different_kinds_do_not_meet(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_all_kinds(&bed, "same/path").await;
    for _from_memory in [false, true] {
        for kind in FileKind::ALL {
            let found = bed.find(bed.package("p").file(*kind, "same/path")).await;
            assert_eq!(found.expect("there").digest, digest(kind.word()));
        }
    }
}

async fn a_list_is_of_one_kind(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_all_kinds(&bed, "same/path").await;
    for kind in FileKind::ALL {
        let listed = metadata.list(bed.package("p"), *kind, "", 10).await;
        let listed: Vec<_> = listed.expect("list").iter().map(|it| it.digest).collect();
        assert_eq!(listed, [digest(kind.word())]);
    }
}

async fn a_list_goes_on_after_a_path(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let file = |path| NewFile::new(FileKind::Tag, path, blob(path), "");
    let at = metadata.now();
    bed.keep("p", at, vec![file("c"), file("a"), file("b")])
        .await;
    let list = async |after, limit| {
        let listed = metadata.list(bed.package("p"), FileKind::Tag, after, limit);
        let listed = listed.await.expect("list");
        assert!(listed.iter().all(|file| file.created_at == at));
        listed.into_iter().map(|file| file.path).collect::<Vec<_>>()
    };
    assert_eq!(list("", 10).await, ["a".into(), "b".into(), "c".into()]);
    assert_eq!(list("a", 1).await, ["b".into()]);
    assert!(list("c", 10).await.is_empty());
}

async fn removing_one_kind_leaves_the_others(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_all_kinds(&bed, "same/path").await;
    let dropped = metadata.drop_tag(bed.package("p"), "same/path", None, &ALICE);
    dropped.await.expect("drop");
    for kind in FileKind::ALL {
        let there = bed.has(bed.package("p").file(*kind, "same/path")).await;
        assert_eq!(there, *kind != FileKind::Tag, "{kind}");
    }
}

async fn a_client_cannot_take_the_place_of_the_name(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let client_names = ["", "owned", "tags/latest", "gone/1.0.0", "forms/index"];
    let step = |path: &str| Step::Add {
        kind: FileKind::Artifact,
        path: path.to_owned(),
        version: String::new(),
        blob: blob("a client's"),
        content_type: "",
        metadata: String::new(),
    };
    bed.publish("p", client_names.map(step).into()).await;
    assert!(metadata.owns_name(bed.package("p")).await.expect("name"));
    let files = metadata.published(bed.package("p")).await.expect("files");
    assert!(files.iter().all(|file| file.kind == FileKind::Artifact));
    let mut paths = client_names;
    paths.sort_unstable();
    assert_eq!(
        files.iter().map(|file| &*file.path).collect::<Vec<_>>(),
        paths
    );
}

async fn packages_with_similar_names_do_not_meet(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("a", "one", &["b/c"]).await;
    bed.push("a/b", "two", &["c"]).await;
    let of = async |package, tag| {
        let found = bed
            .find(bed.package(package).file(FileKind::Tag, tag))
            .await;
        found.map(|found| found.digest)
    };
    assert_eq!(of("a", "b/c").await, Some(digest("one")));
    assert_eq!(of("a/b", "c").await, Some(digest("two")));
    assert_eq!(of("a", "c").await, None);
}
