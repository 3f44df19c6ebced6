//! Images and versions are copied whole, or not at all.

use super::audit::{line, told};
use super::fixture::{ALICE, BOB, Bed, Push, artifact, assert_unmet, blob, digest, fetched, tag};
use crate::blobs::Putting;
use crate::copies::{CopiedManifest, ImageCopy};
use crate::file_copies::MirroredCopy;
use crate::publishing::Step;
use crate::{Error, Metadata, Requirement};
use larder_model::{Digest, FileKind};
use serde_json::json;

checks![
    an_image_is_copied_with_all_that_it_names,
    a_copy_stays_when_its_source_is_gone,
    a_copy_without_a_part_of_its_source_is_none,
    a_copied_tag_moves_and_has_a_past,
    an_image_is_copied_within_itself,
    a_version_is_copied_with_its_metadata,
    a_file_of_other_bytes_is_not_copied,
    a_mirrors_file_is_copied_as_a_published_one,
    a_mirrors_file_of_other_bytes_is_not_copied,
];

/// An image of a layer, a config, and a manifest about it.
struct Pushed {
    manifest: Digest,
    referrer: Digest,
    blobs: [Digest; 2],
}

async fn push(bed: &Bed<'_>) -> Pushed {
    let blobs = [
        bed.keep_blob("app", "config").await,
        bed.keep_blob("app", "layer").await,
    ];
    let image = Push {
        blobs: &blobs,
        ..Push::new("image", &["v1"])
    };
    bed.try_push("app", image).await.expect("push");
    let referrer = Push {
        subject: Some(digest("image")),
        ..Push::new("referrer", &[])
    };
    bed.try_push("app", referrer).await.expect("push");
    Pushed {
        manifest: digest("image"),
        referrer: digest("referrer"),
        blobs,
    }
}

async fn copy(
    [from, to]: [&Bed<'_>; 2],
    pushed: &Pushed,
    image: &str,
    tag: &str,
) -> Result<(), Error> {
    let manifest = |digest, blobs: &[Digest], subject| CopiedManifest {
        digest,
        metadata: "{\"b\":2}".to_owned(),
        blobs: blobs.to_vec(),
        manifests: Vec::new(),
        subject,
    };
    let manifests = [
        manifest(pushed.manifest, &pushed.blobs, None),
        manifest(pushed.referrer, &[], Some(pushed.manifest)),
    ];
    let copy = ImageCopy {
        putting: Putting {
            package: to.package(image),
            by: &BOB,
        },
        full_name: &to.full_name(image),
        from: from.package("app"),
        manifests: &manifests,
        blobs: &pushed.blobs,
        tag: Some((tag, pushed.manifest, "application/manifest")),
    };
    from.metadata.copy_image(copy).await
}

async fn assert_whole(bed: &Bed<'_>, image: &str, tag: &str, pushed: &Pushed) {
    let package = bed.package(image);
    let found = bed.metadata.find(package.file(FileKind::Tag, tag)).await;
    assert_eq!(found.expect("find").expect("tag").digest, pushed.manifest);
    for blob in pushed.blobs {
        let path = blob.to_string();
        assert!(bed.has(package.file(FileKind::Blob, &path)).await);
        let used = bed.metadata.used_by(package, &blob).await.expect("edges");
        assert_eq!(used, Some(pushed.manifest));
    }
    let path = pushed.manifest.to_string();
    let key = package.file(FileKind::Manifest, &path);
    let manifest = bed.metadata.find(key).await.expect("find");
    let manifest = manifest.expect("manifest");
    assert_eq!(manifest.body.as_deref(), Some(&b"image"[..]));
    let about = bed.metadata.referrers(package, &pushed.manifest, "", 10);
    let about: Vec<_> = about.await.expect("referrers");
    let about: Vec<_> = about.iter().map(|it| (it.digest, &*it.metadata)).collect();
    assert_eq!(about, [(pushed.referrer, "{\"b\":2}")]);
}

async fn an_image_is_copied_with_all_that_it_names(metadata: &Metadata) {
    let (from, to) = (Bed::images(metadata).await, Bed::images(metadata).await);
    let pushed = push(&from).await;
    copy([&from, &to], &pushed, "prod/app", "stable")
        .await
        .expect("copy");
    assert_whole(&to, "prod/app", "stable", &pushed).await;
    let listed = metadata.packages_of(to.repo.id, "", 10).await;
    assert_eq!(&*listed.expect("packages")[0].name, "prod/app");
    // Again it is the same.
    copy([&from, &to], &pushed, "prod/app", "stable")
        .await
        .expect("copy");
    assert_whole(&to, "prod/app", "stable", &pushed).await;
}

async fn a_copy_stays_when_its_source_is_gone(metadata: &Metadata) {
    let (from, to) = (Bed::images(metadata).await, Bed::images(metadata).await);
    let pushed = push(&from).await;
    copy([&from, &to], &pushed, "app", "v1")
        .await
        .expect("copy");
    let dropped = metadata.drop_package(from.package("app"), &ALICE).await;
    dropped.expect("drop");
    assert_whole(&to, "app", "v1", &pushed).await;
}

async fn a_copy_without_a_part_of_its_source_is_none(metadata: &Metadata) {
    let (from, to) = (Bed::images(metadata).await, Bed::images(metadata).await);
    let pushed = push(&from).await;
    for missing in [
        Pushed {
            blobs: [pushed.blobs[0], digest("no blob")],
            ..pushed
        },
        Pushed {
            referrer: digest("no manifest"),
            ..pushed
        },
    ] {
        let copied = copy([&from, &to], &missing, "app", "v1").await;
        assert_unmet(copied, Requirement::Source);
        let listed = metadata.packages_of(to.repo.id, "", 10).await;
        assert!(listed.expect("packages").is_empty());
        let path = pushed.blobs[0].to_string();
        assert!(!to.has(to.package("app").file(FileKind::Blob, &path)).await);
    }
}

async fn a_copied_tag_moves_and_has_a_past(metadata: &Metadata) {
    let (from, to) = (Bed::images(metadata).await, Bed::images(metadata).await);
    let pushed = push(&from).await;
    to.push("app", "before", &["v1"]).await;
    copy([&from, &to], &pushed, "app", "v1")
        .await
        .expect("copy");
    assert_whole(&to, "app", "v1", &pushed).await;
    let key = to.package("app").file(FileKind::Tag, "v1");
    let states = metadata.states(key, metadata.now(), 10).await;
    let states = states.expect("states").into_iter();
    let digests: Vec<_> = states.map(|state| state.digest).collect();
    assert_eq!(digests, [Some(pushed.manifest), Some(digest("before"))]);
}

async fn an_image_is_copied_within_itself(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let pushed = push(&bed).await;
    copy([&bed, &bed], &pushed, "app", "stable")
        .await
        .expect("copy");
    assert_whole(&bed, "app", "stable", &pushed).await;
    assert_whole(&bed, "app", "v1", &pushed).await;
}

/// The step that copies the artifact of a version.
async fn copy_step(from: &Bed<'_>, digest: Option<Digest>) -> Step {
    let files = from.metadata.published(from.package("p")).await;
    let files = files.expect("files");
    let is_artifact = |it: &&larder_model::StoredFile| it.kind == FileKind::Artifact;
    let file = files.iter().find(is_artifact).expect("artifact");
    Step::Copy {
        from: from.repo.id,
        package: "p".into(),
        path: file.path.clone(),
        digest: digest.unwrap_or(file.digest),
    }
}

async fn a_version_is_copied_with_its_metadata(metadata: &Metadata) {
    let (from, to) = (Bed::packages(metadata).await, Bed::packages(metadata).await);
    from.publish("p", vec![artifact("1"), tag("latest", "1")])
        .await;
    to.publish_by("p", vec![copy_step(&from, None).await], &BOB)
        .await;
    let all = async |bed: &Bed<'_>| {
        let files = metadata.published(bed.package("p")).await.expect("files");
        let files = files.into_iter();
        let artifacts = files.filter(|it| it.kind == FileKind::Artifact);
        artifacts
            .map(|it| (it.path, it.version, it.digest, it.content_type, it.metadata))
            .collect::<Vec<_>>()
    };
    assert_eq!(all(&to).await, all(&from).await);
    let owned = metadata.owns_name(to.package("p")).await;
    assert!(owned.expect("name"));
    // It is never replaced.
    let revision = to.revision("p").await;
    let again = vec![copy_step(&from, None).await];
    let copied = to.change("p", revision, again, &BOB).await;
    assert_unmet(copied, Requirement::File);
}

async fn a_file_of_other_bytes_is_not_copied(metadata: &Metadata) {
    let (from, to) = (Bed::packages(metadata).await, Bed::packages(metadata).await);
    from.publish("p", vec![artifact("1")]).await;
    let step = copy_step(&from, Some(digest("others"))).await;
    let copied = to.change("p", None, vec![step], &BOB).await;
    assert_unmet(copied, Requirement::File);
    assert_eq!(to.revision("p").await, None);
}

/// A mirror that keeps an artifact, and the step that copies it.
async fn mirrored(metadata: &Metadata, digest: Option<Digest>) -> (Bed<'_>, Step) {
    let from = Bed::mirror(metadata).await;
    let file = fetched("upstream/p-1.tgz", "1");
    let held = file.blob.digest;
    from.keep("", metadata.now(), vec![file]).await;
    let copy = MirroredCopy {
        from: from.repo.id,
        from_package: "".into(),
        from_path: "upstream/p-1.tgz".into(),
        digest: digest.unwrap_or(held),
        package: "p".into(),
        path: "-/p-1.tgz".to_owned(),
        version: "1".to_owned(),
        content_type: "application/gzip",
        metadata: "{\"line\":1}".to_owned(),
    };
    (from, Step::CopyMirrored(copy))
}

async fn a_mirrors_file_is_copied_as_a_published_one(metadata: &Metadata) {
    let to = Bed::packages(metadata).await;
    let (from, step) = mirrored(metadata, None).await;
    let Step::CopyMirrored(copy) = &step else {
        unreachable!("a copy")
    };
    let (digest, beside) = (copy.digest, blob("beside"));
    let beside_digest = beside.digest;
    let beside = Step::Add {
        kind: FileKind::Artifact,
        path: "-/p-1.tgz.metadata".to_owned(),
        version: "1".to_owned(),
        blob: beside,
        content_type: "text/plain",
        metadata: String::new(),
    };
    to.publish_by("p", vec![step, beside], &BOB).await;
    let dropped = metadata.drop_package(from.package(""), &ALICE).await;
    dropped.expect("drop");
    let files = metadata.published(to.package("p")).await.expect("files");
    let file = files.iter().find(|file| &*file.path == "-/p-1.tgz");
    let file = file.expect("file");
    assert_eq!(
        (file.digest, &*file.version, &*file.content_type),
        (digest, "1", "application/gzip")
    );
    assert_eq!(
        (&*file.metadata, &*file.created_by),
        ("{\"line\":1}", "user:bob")
    );
    let names = [
        format!("-/p-1.tgz {digest}"),
        format!("-/p-1.tgz.metadata {beside_digest}"),
    ];
    let details = json!({"from_repository_id": from.repo.id.to_string(), "from_package": "p",
        "files": names});
    let entries = told(metadata, &to.full_name("p")).await;
    assert_eq!(entries, [line("package.copy", "user:bob", details)]);
}

async fn a_mirrors_file_of_other_bytes_is_not_copied(metadata: &Metadata) {
    let to = Bed::packages(metadata).await;
    let (_, step) = mirrored(metadata, Some(digest("others"))).await;
    let copied = to.change("p", None, vec![step], &BOB).await;
    assert_unmet(copied, Requirement::File);
    assert_eq!(to.revision("p").await, None);
}
