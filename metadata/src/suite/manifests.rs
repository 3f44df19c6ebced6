//! A manifest binds what it names, and tags name it.

use super::fixture::{ALICE, Bed, Push, assert_unmet, digest};
use crate::manifests::{Expect, ImageSum};
use crate::{Metadata, Requirement};
use larder_model::{Digest, FileKind};
use std::collections::BTreeMap;

checks![
    a_manifest_is_found_by_digest_and_tag,
    a_manifest_needs_its_blobs,
    nothing_of_a_refused_manifest_stays,
    a_blob_of_another_package_does_not_do,
    a_tag_that_must_be_absent_is_put_once,
    a_tag_that_is_not_as_expected_stays,
    a_tag_that_is_as_expected_moves,
    every_push_moves_the_revision,
    a_blob_has_a_manifest_that_needs_it,
    a_blob_that_is_absent_is_needed_all_the_same,
    the_tags_of_a_manifest_are_told,
    an_image_is_summed_up_with_each_blob_once,
    referrers_are_listed_by_digest,
    a_referrer_is_told_with_its_metadata,
    images_are_listed_by_their_full_names,
    a_tag_that_moved_on_is_not_dropped,
    a_tag_is_dropped_as_it_was_read,
    a_tag_that_is_not_there_is_not_dropped,
    a_manifest_goes_with_its_tags,
    a_manifest_that_is_not_there_is_not_dropped,
    a_manifest_without_tags_keeps_its_image,
    the_last_manifest_takes_its_image_with_it,
];

async fn tag(bed: &Bed<'_>, tag: &str) -> Option<Digest> {
    let found = bed.find(bed.package("m").file(FileKind::Tag, tag)).await;
    found.map(|found| found.digest)
}

async fn a_manifest_is_found_by_digest_and_tag(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.push("m", "one", &["a", "b"]).await;
    let path = one.to_string();
    let keys = [
        (FileKind::Manifest, &*path),
        (FileKind::Tag, "a"),
        (FileKind::Tag, "b"),
    ];
    for (kind, path) in keys {
        let found = bed.find(bed.package("m").file(kind, path)).await;
        let found = found.expect("there");
        assert_eq!(
            (found.digest, &*found.content_type),
            (one, "application/manifest")
        );
    }
}

async fn a_manifest_needs_its_blobs(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let layer = bed.keep_blob("m", "layer").await;
    let both = [layer, digest("missing")];
    let push = |blobs| Push {
        blobs,
        ..Push::new("one", &["t"])
    };
    assert_unmet(bed.try_push("m", push(&both)).await, Requirement::Blob);
    let pushed = bed.try_push("m", push(&both[..1])).await;
    pushed.expect("push");
}

async fn nothing_of_a_refused_manifest_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let push = Push {
        blobs: &[digest("missing")],
        ..Push::new("one", &["t"])
    };
    assert_unmet(bed.try_push("m", push).await, Requirement::Blob);
    let path = digest("one").to_string();
    assert_eq!(tag(&bed, "t").await, None);
    assert!(
        !bed.has(bed.package("m").file(FileKind::Manifest, &path))
            .await
    );
    assert_eq!(bed.revision("m").await, None);
}

async fn a_blob_of_another_package_does_not_do(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let layer = bed.keep_blob("other", "layer").await;
    let push = Push {
        blobs: &[layer],
        ..Push::new("one", &["t"])
    };
    assert_unmet(bed.try_push("m", push).await, Requirement::Blob);
}

async fn a_tag_that_must_be_absent_is_put_once(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let push = |text| Push {
        expect: Expect::Absent,
        ..Push::new(text, &["t"])
    };
    bed.try_push("m", push("one")).await.expect("push");
    assert_unmet(bed.try_push("m", push("two")).await, Requirement::Tag);
    assert_eq!(tag(&bed, "t").await, Some(digest("one")));
}

async fn a_tag_that_is_not_as_expected_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("m", "one", &["t"]).await;
    let push = Push {
        expect: Expect::Is(digest("other")),
        ..Push::new("two", &["t"])
    };
    assert_unmet(bed.try_push("m", push).await, Requirement::Tag);
    assert_eq!(tag(&bed, "t").await, Some(digest("one")));
}

async fn a_tag_that_is_as_expected_moves(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.push("m", "one", &["t", "other"]).await;
    let push = Push {
        expect: Expect::Is(one),
        ..Push::new("two", &["t"])
    };
    bed.try_push("m", push).await.expect("push");
    assert_eq!(tag(&bed, "t").await, Some(digest("two")));
    assert_eq!(tag(&bed, "other").await, Some(one));
}

async fn every_push_moves_the_revision(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let mut revisions = vec![bed.revision("m").await];
    for text in ["one", "two", "two"] {
        bed.push("m", text, &["t"]).await;
        revisions.push(bed.revision("m").await);
    }
    assert_eq!(revisions[0], None);
    assert!(revisions.windows(2).all(|pair| pair[0] < pair[1]));
}

async fn a_blob_has_a_manifest_that_needs_it(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let layer = bed.keep_blob("m", "layer").await;
    let used_by = async || {
        metadata
            .used_by(bed.package("m"), &layer)
            .await
            .expect("used")
    };
    assert_eq!(used_by().await, None);
    let push = Push {
        blobs: &[layer],
        ..Push::new("one", &[])
    };
    bed.try_push("m", push).await.expect("push");
    assert_eq!(used_by().await, Some(digest("one")));
    let dropped = metadata
        .drop_manifest(bed.package("m"), &digest("one"), &ALICE)
        .await;
    dropped.expect("drop");
    assert_eq!(used_by().await, None);
}

async fn a_blob_that_is_absent_is_needed_all_the_same(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let push = Push {
        absent: &[digest("absent")],
        ..Push::new("one", &["t"])
    };
    bed.try_push("m", push).await.expect("push");
    let used_by = metadata.used_by(bed.package("m"), &digest("absent")).await;
    assert_eq!(used_by.expect("used"), Some(digest("one")));
}

async fn the_tags_of_a_manifest_are_told(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.push("m", "one", &["a", "b"]).await;
    bed.push("m", "two", &["c"]).await;
    let tags = metadata.tags_of(bed.package("m"), &one).await;
    let mut tags = tags.expect("tags");
    tags.sort_unstable();
    assert_eq!(tags, ["a".into(), "b".into()]);
}

async fn push_referrers(bed: &Bed<'_>, subject: Digest) {
    for text in ["one", "two"] {
        let push = Push {
            subject: Some(subject),
            ..Push::new(text, &[])
        };
        bed.try_push("m", push).await.expect("push");
    }
}

async fn referrers_are_listed_by_digest(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let subject = digest("subject");
    push_referrers(&bed, subject).await;
    let list = async |after: &str, limit| {
        let listed = metadata.referrers(bed.package("m"), &subject, after, limit);
        let listed = listed.await.expect("referrers");
        listed.iter().map(|it| it.digest).collect::<Vec<_>>()
    };
    let mut all = [digest("one"), digest("two")];
    all.sort_unstable_by_key(Digest::to_string);
    assert_eq!(list("", 10).await, all);
    assert_eq!(list("", 1).await, all[..1]);
    assert_eq!(list(&all[0].to_string(), 10).await, all[1..]);
}

async fn a_referrer_is_told_with_its_metadata(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let subject = digest("subject");
    push_referrers(&bed, subject).await;
    let listed = metadata.referrers(bed.package("m"), &subject, "", 1).await;
    let listed = listed.expect("referrers").pop().expect("one");
    let told = (listed.size, &*listed.content_type, &*listed.metadata);
    assert_eq!(told, (3, "application/manifest", "{\"a\":1}"));
}

async fn images_are_listed_by_their_full_names(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    for image in ["b", "a/x", "c"] {
        bed.push(image, "one", &["t"]).await;
    }
    let prefix = bed.full_name("");
    let end = crate::files::end_of(&prefix);
    let list = async |after: &str, limit| {
        let after = format!("{prefix}{after}");
        let names = metadata.packages(&after, &end, limit).await;
        names.expect("packages")
    };
    let all = ["a/x", "b", "c"].map(|image| Box::from(bed.full_name(image)));
    assert_eq!(list("", 10).await, all);
    assert_eq!(list("a/x", 1).await, all[1..2]);
}

async fn a_tag_that_moved_on_is_not_dropped(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.push("m", "one", &["t"]).await;
    let two = bed.push("m", "two", &["t"]).await;
    let dropped = metadata.drop_tag(bed.package("m"), "t", Some(&one), &ALICE);
    assert_unmet(dropped.await, Requirement::Tag);
    assert_eq!(tag(&bed, "t").await, Some(two));
}

async fn a_tag_is_dropped_as_it_was_read(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.push("m", "one", &["t", "other"]).await;
    let dropped = metadata.drop_tag(bed.package("m"), "t", Some(&one), &ALICE);
    dropped.await.expect("drop");
    assert_eq!(tag(&bed, "t").await, None);
    assert_eq!(tag(&bed, "other").await, Some(one));
}

async fn a_tag_that_is_not_there_is_not_dropped(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("m", "one", &["t"]).await;
    let dropped = metadata.drop_tag(bed.package("m"), "other", None, &ALICE);
    assert_unmet(dropped.await, Requirement::Tag);
}

async fn a_manifest_goes_with_its_tags(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.push("m", "one", &["a", "b"]).await;
    let two = bed.push("m", "two", &["c"]).await;
    let dropped = metadata.drop_manifest(bed.package("m"), &one, &ALICE).await;
    dropped.expect("drop");
    let listed = metadata.list(bed.package("m"), FileKind::Tag, "", 10).await;
    let listed: Vec<_> = listed
        .expect("list")
        .into_iter()
        .map(|it| it.path)
        .collect();
    assert_eq!(listed, ["c".into()]);
    assert_eq!(
        (tag(&bed, "a").await, tag(&bed, "c").await),
        (None, Some(two))
    );
}

async fn a_manifest_that_is_not_there_is_not_dropped(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("m", "one", &["t"]).await;
    let dropped = metadata
        .drop_manifest(bed.package("m"), &digest("two"), &ALICE)
        .await;
    assert_unmet(dropped, Requirement::Manifest);
}

async fn a_manifest_without_tags_keeps_its_image(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("m", "one", &["t"]).await;
    let dropped = metadata.drop_tag(bed.package("m"), "t", None, &ALICE);
    dropped.await.expect("drop");
    assert!(bed.revision("m").await.is_some());
}

async fn the_last_manifest_takes_its_image_with_it(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let subject = digest("subject");
    push_referrers(&bed, subject).await;
    for text in ["one", "two"] {
        assert!(bed.revision("m").await.is_some());
        let dropped = metadata
            .drop_manifest(bed.package("m"), &digest(text), &ALICE)
            .await;
        dropped.expect("drop");
    }
    assert_eq!(bed.revision("m").await, None);
    let left = metadata.referrers(bed.package("m"), &subject, "", 10).await;
    assert!(left.expect("referrers").is_empty());
}

async fn an_image_is_summed_up_with_each_blob_once(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let mut blobs = Vec::new();
    for text in ["shared", "one", "two!"] {
        blobs.push(bed.keep_blob("m", text).await);
    }
    for (text, own, tag) in [("first", 1, "a"), ("second", 2, "b")] {
        let (blobs, tags) = ([blobs[0], blobs[own]], [tag]);
        let push = Push {
            blobs: &blobs,
            ..Push::new(text, &tags)
        };
        bed.try_push("m", push).await.expect("push");
    }
    let index = Push {
        manifests: &[digest("first"), digest("second")],
        ..Push::new("index", &["latest"])
    };
    bed.try_push("m", index).await.expect("push");
    let sums = async |first, last| {
        let sums = metadata.image_sums(bed.package("m"), (first, last)).await;
        sums.expect("read")
    };
    let (manifests, bytes) = (0, 9);
    let first = (digest("first"), ImageSum { manifests, bytes });
    assert_eq!(sums("a", "a").await, BTreeMap::from([first]));
    let all = sums("a", "latest").await;
    assert_eq!(all.len(), 3);
    assert_eq!(all[&first.0], first.1);
    let (manifests, bytes) = (2, 13);
    assert_eq!(all[&digest("index")], ImageSum { manifests, bytes });
    assert_eq!(sums("m", "z").await, BTreeMap::new());
}
