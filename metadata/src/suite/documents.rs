//! Files of upstreams are kept together, and confirmed from time to time.

use super::fixture::{Bed, blob, digest, document, fetched};
use crate::documents::{Before, NewFile, NewFiles};
use crate::{Error, Metadata, Requirement};
use larder_model::{FileKind, System};

checks![
    files_that_belong_together_are_kept_together,
    a_document_is_kept_with_its_validators,
    an_artifact_is_kept_with_what_its_index_promised,
    a_representation_is_kept_with_what_it_was_made_from,
    a_kept_document_counts_as_confirmed,
    a_confirmed_document_is_younger,
    a_confirmation_of_other_bytes_does_nothing,
    a_media_type_is_put_right,
    the_same_bytes_again_bring_new_validators,
    other_bytes_take_the_place,
    a_document_takes_the_place_of_what_it_was_made_from_alone,
    documents_that_are_gone_go_with_the_new_ones,
    a_package_is_listed_if_it_is_named,
    a_package_without_a_name_is_not_listed,
    a_named_package_gets_another_revision,
];

async fn files_that_belong_together_are_kept_together(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let files = vec![document("index", "one"), document("index.asc", "signed")];
    bed.keep("p", metadata.now(), files).await;
    for (path, text) in [("index", "one"), ("index.asc", "signed")] {
        let found = bed.find(bed.package("p").file(FileKind::Document, path));
        let found = found.await.expect("there");
        assert_eq!(found.digest, digest(text));
        assert_eq!(found.body.as_deref(), Some(text.as_bytes()));
    }
}

async fn a_document_is_kept_with_its_validators(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let file = NewFile {
        etag: "\"1\"",
        modified: "Mon",
        ..document("index", "one")
    };
    bed.keep("p", metadata.now(), vec![file]).await;
    let found = bed.find(bed.package("p").file(FileKind::Document, "index"));
    let found = found.await.expect("there");
    assert_eq!((&*found.etag, &*found.modified), ("\"1\"", "Mon"));
    assert_eq!(&*found.content_type, "text/plain");
    let others = (&*found.integrity, &*found.derived_from, &*found.owner);
    assert_eq!(others, ("", "", ""));
}

async fn an_artifact_is_kept_with_what_its_index_promised(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let file = NewFile {
        integrity: "sha1:abc",
        ..fetched("a.tgz", "1")
    };
    bed.keep("p", metadata.now(), vec![file]).await;
    let found = bed.find(bed.package("p").file(FileKind::Artifact, "a.tgz"));
    let found = found.await.expect("there");
    assert_eq!((&*found.integrity, &*found.etag), ("sha1:abc", ""));
}

async fn a_representation_is_kept_with_what_it_was_made_from(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let blob = blob("{}");
    let file = NewFile {
        derived_from: "one#1",
        ..NewFile::new(
            FileKind::Representation,
            "json/index",
            blob,
            "application/json",
        )
    };
    bed.keep("p", metadata.now(), vec![file]).await;
    let key = bed
        .package("p")
        .file(FileKind::Representation, "json/index");
    let found = bed.find(key).await.expect("there");
    assert_eq!((&*found.derived_from, &*found.etag), ("one#1", ""));
}

async fn a_kept_document_counts_as_confirmed(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let at = metadata.now();
    bed.keep("p", at, vec![document("index", "one")]).await;
    let found = bed.find(bed.package("p").file(FileKind::Document, "index"));
    assert_eq!(found.await.expect("there").checked_at, at);
}

async fn a_confirmed_document_is_younger(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let key = bed.package("p").file(FileKind::Document, "index");
    let at = metadata.now();
    bed.keep("p", at, vec![document("index", "one")]).await;
    assert_eq!(bed.find(key).await.expect("there").checked_at, at);
    let checked = metadata.mark_checked(key, &digest("one")).await;
    checked.expect("check");
    assert!(bed.find(key).await.expect("there").checked_at > at);
}

async fn a_media_type_is_put_right(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    bed.keep("p", metadata.now(), vec![document("index", "one")])
        .await;
    let key = bed.package("p").file(FileKind::Document, "index");
    for (of, told, kept) in [("two", "text/html", "text/plain"), ("one", "x/y", "x/y")] {
        let set = metadata.set_content_type(key, &digest(of), told).await;
        set.expect("set");
        let found = bed.find(key).await.expect("there");
        assert_eq!(
            &*found.content_type, kept,
            "of other bytes nothing is noted"
        );
    }
}

async fn a_confirmation_of_other_bytes_does_nothing(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let key = bed.package("p").file(FileKind::Document, "index");
    let at = metadata.now();
    bed.keep("p", at, vec![document("index", "one")]).await;
    let checked = metadata.mark_checked(key, &digest("other")).await;
    checked.expect("check");
    let found = bed.find(key).await.expect("there");
    assert_eq!((found.digest, found.checked_at), (digest("one"), at));
}

async fn the_same_bytes_again_bring_new_validators(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let (first, second) = (metadata.now(), metadata.now());
    bed.keep("p", first, vec![document("index", "one")]).await;
    let again = NewFile {
        etag: "\"2\"",
        ..document("index", "one")
    };
    bed.keep("p", second, vec![again]).await;
    let found = bed.find(bed.package("p").file(FileKind::Document, "index"));
    let found = found.await.expect("there");
    assert_eq!((&*found.etag, found.checked_at), ("\"2\"", second));
    let listed = metadata.list(bed.package("p"), FileKind::Document, "", 10);
    assert_eq!(listed.await.expect("list")[0].created_at, first);
}

async fn other_bytes_take_the_place(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let (first, second) = (metadata.now(), metadata.now());
    bed.keep("p", first, vec![document("index", "one")]).await;
    bed.keep("p", second, vec![document("index", "two")]).await;
    let listed = metadata.list(bed.package("p"), FileKind::Document, "", 10);
    let listed = listed.await.expect("list");
    let listed: Vec<_> = listed.iter().map(|it| (it.digest, it.created_at)).collect();
    assert_eq!(listed, [(digest("two"), second)]);
}

async fn documents_that_are_gone_go_with_the_new_ones(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let both = vec![document("index", "one"), document("index.asc", "signed")];
    bed.keep("p", metadata.now(), both).await;
    let (files, gone) = (vec![document("index", "two")], vec!["index.asc"]);
    bed.keep_and_drop("p", metadata.now(), files, gone).await;
    let package = bed.package("p");
    assert!(bed.has(package.file(FileKind::Document, "index")).await);
    assert!(!bed.has(package.file(FileKind::Document, "index.asc")).await);
}

async fn a_package_is_listed_if_it_is_named(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    bed.keep("p", metadata.now(), vec![document("index", "one")])
        .await;
    let (from, end) = (bed.full_name(""), crate::files::end_of(&bed.full_name("")));
    let listed = metadata.packages(&from, &end, 10).await.expect("packages");
    assert_eq!(listed, [bed.full_name("p").into()]);
}

async fn a_package_without_a_name_is_not_listed(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let new = NewFiles {
        package: bed.package("p"),
        full_name: None,
        by: System::Upstream,
        at: metadata.now(),
        files: vec![document("index", "one")],
        gone: Vec::new(),
        named: Vec::new(),
        retired: Vec::new(),
    };
    metadata.keep_files(new).await.expect("keep");
    assert!(
        bed.has(bed.package("p").file(FileKind::Document, "index"))
            .await
    );
    assert_eq!(bed.revision("p").await, None);
}

async fn a_named_package_gets_another_revision(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    bed.keep("p", metadata.now(), vec![document("index", "one")])
        .await;
    let first = bed.revision("p").await.expect("there");
    bed.keep("p", metadata.now(), vec![document("index", "two")])
        .await;
    assert!(bed.revision("p").await.expect("there") > first);
}

async fn a_document_takes_the_place_of_what_it_was_made_from_alone(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let keep = async |before, text: &str| {
        let file = NewFile {
            before,
            ..document("state", text)
        };
        let new = NewFiles {
            package: bed.package("p"),
            full_name: None,
            by: System::Upstream,
            at: metadata.now(),
            files: vec![file, document("beside", text)],
            gone: Vec::new(),
            named: Vec::new(),
            retired: Vec::new(),
        };
        metadata.keep_files(new).await
    };
    keep(Before::Nothing, "one").await.expect("the first");
    let one = Before::Bytes(digest("one"));
    keep(one, "two").await.expect("in its place");
    for past in [Before::Nothing, one] {
        let kept = keep(past, "other").await;
        let is_unmet = matches!(kept, Err(Error::Unmet(Requirement::Revision)));
        assert!(is_unmet, "{past:?}: {kept:?}");
    }
    // And nothing that came with it was kept.
    for path in ["state", "beside"] {
        let found = bed.find(bed.package("p").file(FileKind::Document, path));
        assert_eq!(found.await.expect("there").digest, digest("two"));
    }
}
