//! Bytes that no file has go at the second look, and nothing else does, in each order in which it can
//! happen.

use super::collection::run::{EVER, Run, has_link, keep_object, objects_of, push, text};
use super::fixture::{ALICE, Bed, assert_unmet, digest};
use crate::collection::{BlobPlan, DueBlob, DueLink};
use crate::{Metadata, Requirement};
use larder_model::{Digest, FileKind, JobKind};

checks![
    a_blob_that_comes_again_after_it_was_condemned_stays,
    a_blob_that_comes_again_after_its_row_went_is_another_object,
    a_push_between_plan_and_act_wins,
    a_manifest_that_loses_its_tag_holds_its_bytes,
    a_document_that_changes_frees_its_bytes,
    all_of_a_deleted_repository_is_looked_at,
    who_lost_the_job_changes_nothing,
    pages_go_on_behind_the_last,
    holders_are_told,
];

/// A digest that is condemned.
async fn condemned(run: &Run<'_>, bed: &Bed<'_>, blob: Digest) -> DueBlob {
    run.settle_links(bed, "app", EVER).await;
    assert_eq!(run.look(blob).await, Some(BlobPlan::Condemn));
    run.blob(blob).await.expect("queued")
}

async fn a_blob_that_comes_again_after_it_was_condemned_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let generation = keep_object(&bed, "app", &text).await;
    let blob = digest(&text);
    let planned = condemned(&run, &bed, blob).await;
    assert!(matches!(planned.plan(), BlobPlan::Delete(_)));
    // Another object of the same bytes: the first one stays, as it was never gone.
    keep_object(&bed, "other", &text).await;
    let known = metadata.generation(&blob).await.expect("generation");
    assert_eq!(known, Some(generation));
    assert_unmet(run.settle(&planned).await, Requirement::Blob);
    assert_eq!(run.look(blob).await, Some(BlobPlan::Held));
    assert_eq!(run.look(blob).await, None);
    // As it was before: without its bytes too.
    run.settle_links(&bed, "other", EVER).await;
    assert_eq!(run.look(blob).await, Some(BlobPlan::Condemn));
    let taken = metadata.take_blob(bed.putting("app"), &blob, None);
    taken.await.expect("take");
    assert!(!run.collects(blob).await);
    run.end().await;
}

async fn a_blob_that_comes_again_after_its_row_went_is_another_object(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let first = keep_object(&bed, "app", &text).await;
    let blob = digest(&text);
    run.settle_links(&bed, "app", EVER).await;
    assert!(run.collects(blob).await);
    let taken = metadata.take_blob(bed.putting("app"), &blob, None).await;
    assert_unmet(taken, Requirement::Blob);
    let second = keep_object(&bed, "app", &text).await;
    assert_eq!(objects_of(metadata, blob).await, [first]);
    let known = metadata.generation(&blob).await.expect("generation");
    assert_eq!(known, Some(second));
    run.end().await;
}

async fn a_push_between_plan_and_act_wins(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let planned = condemned(&run, &bed, blob).await;
    bed.keep_blob("app", &text).await;
    push(&bed, "app", &format!("m{text}"), &[blob]).await;
    assert_unmet(run.settle(&planned).await, Requirement::Blob);
    run.settle_links(&bed, "app", EVER).await;
    assert!(!run.collects(blob).await);
    assert!(has_link(&bed, "app", blob).await);
    run.end().await;
}

async fn a_manifest_that_loses_its_tag_holds_its_bytes(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let one = push(&bed, "app", &format!("1{text}"), &[]).await;
    push(&bed, "app", &format!("2{text}"), &[]).await;
    assert!(!run.collects(one).await);
    let path = one.to_string();
    let key = bed.package("app").file(FileKind::Manifest, &path);
    assert!(bed.has(key).await);
    run.end().await;
}

async fn a_document_that_changes_frees_its_bytes(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    for text in [format!("1{text}"), format!("2{text}")] {
        let file = super::fixture::document("index", &text);
        bed.keep("left-pad", metadata.now(), vec![file]).await;
    }
    assert!(run.collects(digest(&format!("1{text}"))).await);
    assert!(!run.collects(digest(&format!("2{text}"))).await);
    run.end().await;
}

async fn all_of_a_deleted_repository_is_looked_at(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let manifest = push(&bed, "app", &format!("m{text}"), &[blob]).await;
    let deleted = metadata.drop_repo(bed.repo.id, false, &ALICE).await;
    deleted.expect("delete");
    run.settle_links(&bed, "app", EVER).await;
    assert!(run.links(&bed, "app").await.is_empty());
    assert!(run.collects(blob).await);
    assert!(run.collects(manifest).await);
    run.end().await;
}

async fn who_lost_the_job_changes_nothing(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let script = "update jobs set held_until = 1 where kind = 'gc'".to_owned();
    metadata.sql.script(script).await.expect("abandon");
    let other = metadata.take_job(JobKind::Gc).await.expect("take");
    let link = run.links(&bed, "app").await.remove(0);
    let settled = metadata.settle_link(&run.held, &link, EVER).await;
    assert_unmet(settled, Requirement::Job);
    let other = Run {
        metadata,
        held: other.expect("the job"),
    };
    other.settle_links(&bed, "app", EVER).await;
    let queued = run.blob(blob).await.expect("queued");
    assert_unmet(run.settle(&queued).await, Requirement::Job);
    assert!(other.collects(blob).await);
    other.end().await;
}

async fn pages_go_on_behind_the_last(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let run = Run::begin(metadata).await;
    for number in 0..5 {
        bed.keep_blob("app", &format!("{number}{}", bed.repo.id))
            .await;
    }
    let all = run.links(&bed, "app").await;
    let mut walked = Vec::new();
    let mut after: Option<DueLink> = None;
    loop {
        let page = metadata.queued_links(EVER, after.as_ref(), 2).await;
        let page = page.expect("links");
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        walked.extend(page.into_iter().filter(|link| link.repo == bed.repo.id));
    }
    assert_eq!(walked.len(), 5);
    assert_eq!(walked, all);
    run.settle_links(&bed, "app", EVER).await;
    let mut digests = Vec::new();
    let mut after: Option<DueBlob> = None;
    loop {
        let page = metadata.queued_blobs(EVER, after.as_ref(), 2).await;
        let page = page.expect("blobs");
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        digests.extend(page.iter().map(|blob| blob.digest));
    }
    for link in &all {
        let of = |digest: &&Digest| Some(**digest) == link.digest;
        assert_eq!(digests.iter().filter(of).count(), 1);
    }
    run.end().await;
}

async fn holders_are_told(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let text = text(metadata);
    let blob = bed.keep_blob("app", &text).await;
    let manifest = push(&bed, "app", &format!("m{text}"), &[blob]).await;
    let told = metadata.explain_blob(&blob, 10).await.expect("explain");
    let told = told.expect("a blob");
    assert_eq!((told.size, told.condemned), (text.len() as u64, false));
    assert_eq!(told.held_by.len(), 1);
    let holder = &told.held_by[0];
    assert!(holder.is_link);
    assert_eq!(holder.named_by, Some(manifest.to_string().into()));
    let told = metadata.explain_blob(&manifest, 10).await.expect("explain");
    let kinds = told.expect("a blob").held_by;
    let kinds: Vec<_> = kinds.iter().map(|holder| holder.kind).collect();
    assert_eq!(kinds, [FileKind::Manifest, FileKind::Tag]);
    let unknown = digest(&format!("?{text}"));
    assert!(
        metadata
            .explain_blob(&unknown, 1)
            .await
            .expect("explain")
            .is_none()
    );
}
