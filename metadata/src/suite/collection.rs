//! What nothing names goes, and nothing else: in each order in which it can happen.

use super::fixture::{ALICE, Bed, Push, assert_unmet, blob, digest};
use crate::blobs::{Bytestore, NewBlob};
use crate::collection::{BlobPlan, DueBlob, DueLink, LinkPlan, LinkQueue};
use crate::jobs::{HeldJob, JobEnd, NewJob};
use crate::uploads::Finish;
use crate::{Error, Metadata, Requirement};
use larder_model::{Digest, FileKind, JobKind, Timestamp};
use serde_json::json;

checks![
    a_blob_of_no_manifest_goes_in_steps,
    a_blob_of_an_upload_is_looked_at_once_it_has_ended,
    an_upload_that_brought_nothing_is_forgotten,
    a_blob_that_a_manifest_names_stays,
    a_blob_that_was_told_of_just_now_stays,
    a_promise_renews_the_wait,
    what_a_client_was_told_has_the_time_of_all_servers,
    what_a_manifest_named_is_looked_at_when_that_goes,
    what_another_manifest_names_stays,
    a_cache_that_names_its_layers_as_manifests_keeps_them,
    a_mounted_blob_is_held_by_either_image,
    a_blob_that_is_named_between_two_looks_stays,
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

/// Everything has waited long enough.
const EVER: Timestamp = Timestamp(i64::MAX);
/// Nothing has.
const NEVER: Timestamp = Timestamp(0);

/// A run of the collector. One of the kind is there at a time.
struct Run<'a> {
    metadata: &'a Metadata,
    held: HeldJob,
}

impl<'a> Run<'a> {
    async fn begin(metadata: &'a Metadata) -> Self {
        let text = "delete from jobs where kind = 'gc'".to_owned();
        metadata.sql.script(text).await.expect("clear");
        let new = NewJob::of(JobKind::Gc);
        metadata.queue_job(new, &ALICE).await.expect("queue");
        let held = metadata.take_job(JobKind::Gc).await.expect("take");
        let held = held.expect("a job");
        Self { metadata, held }
    }

    async fn end(self) {
        let end = JobEnd::Succeeded(json!({}));
        let ended = self.metadata.finish_job(&self.held, &end).await;
        ended.expect("finish");
    }

    /// What is queued of the links of a package.
    async fn links(&self, bed: &Bed<'_>, package: &str) -> Vec<DueLink> {
        let uploads = self.metadata.ended_uploads(EVER, None, 10_000).await;
        let links = self.metadata.queued_links(EVER, None, 10_000).await;
        let mut all = uploads.expect("uploads");
        all.extend(links.expect("links"));
        all.retain(|link| link.repo == bed.repo.id && &*link.package == package);
        all
    }

    /// Looks at all links of a package.
    async fn settle_links(&self, bed: &Bed<'_>, package: &str, told_before: Timestamp) {
        for link in self.links(bed, package).await {
            let settled = self.metadata.settle_link(&self.held, &link, told_before);
            settled.await.expect("settle");
        }
    }

    /// What is queued of a digest.
    async fn blob(&self, digest: Digest) -> Option<DueBlob> {
        let queued = self.metadata.queued_blobs(EVER, None, 10_000).await;
        let mut queued = queued.expect("queue").into_iter();
        queued.find(|blob| blob.digest == digest)
    }

    async fn settle(&self, blob: &DueBlob) -> Result<(), Error> {
        let now = self.metadata.now();
        self.metadata.settle_blob(&self.held, blob, now).await
    }

    /// Looks at a digest once: what was planned and done.
    async fn look(&self, digest: Digest) -> Option<BlobPlan> {
        let blob = self.blob(digest).await?;
        self.settle(&blob).await.expect("settle");
        Some(blob.plan())
    }

    /// Looks at a digest until nothing is left to look at; whether its row went.
    async fn collects(&self, digest: Digest) -> bool {
        let mut gone = false;
        while let Some(plan) = self.look(digest).await {
            gone |= matches!(plan, BlobPlan::Delete(_));
        }
        gone
    }
}

fn text(metadata: &Metadata) -> String {
    format!("{:x}", metadata.new_id())
}

async fn has_link(bed: &Bed<'_>, package: &str, digest: Digest) -> bool {
    let path = digest.to_string();
    bed.has(bed.package(package).file(FileKind::Blob, &path))
        .await
}

async fn push(bed: &Bed<'_>, image: &str, text: &str, blobs: &[Digest]) -> Digest {
    let push = Push {
        blobs,
        ..Push::new(text, &["v1"])
    };
    bed.try_push(image, push).await.expect("push");
    digest(text)
}

async fn drop_manifest(bed: &Bed<'_>, image: &str, manifest: Digest) {
    let package = bed.package(image);
    let dropped = bed.metadata.drop_manifest(package, &manifest, &ALICE);
    dropped.await.expect("drop");
}

/// A blob with an object of its own.
async fn keep_object(bed: &Bed<'_>, image: &str, text: &str) -> i64 {
    let generation = bed.metadata.new_id();
    let new = NewBlob {
        digest: digest(text),
        size: text.len() as u64,
        bytes: Bytestore::Object(generation),
    };
    let kept = bed.metadata.keep_blob(bed.putting(image), new, None);
    kept.await.expect("keep");
    generation
}

async fn objects_of(metadata: &Metadata, digest: Digest) -> Vec<i64> {
    let gone = metadata.gone_objects(None, 10_000).await.expect("objects");
    let of = gone.iter().filter(|object| object.digest == digest);
    of.map(|object| object.generation).collect()
}

async fn a_blob_of_no_manifest_goes_in_steps(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let generation = keep_object(&bed, "app", &text).await;
    let blob = digest(&text);
    let links = run.links(&bed, "app").await;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].plan(EVER), LinkPlan::Drop);
    run.settle_links(&bed, "app", EVER).await;
    assert!(!has_link(&bed, "app", blob).await);
    assert!(run.links(&bed, "app").await.is_empty());
    // It has waited as a link.
    let queued = run.blob(blob).await.expect("queued");
    assert_eq!(
        (queued.since, queued.plan()),
        (Timestamp(0), BlobPlan::Condemn)
    );
    assert_eq!(run.look(blob).await, Some(BlobPlan::Condemn));
    let queued = run.blob(blob).await.expect("queued");
    assert!(queued.since > Timestamp(0));
    assert!(matches!(run.look(blob).await, Some(BlobPlan::Delete(_))));
    assert_eq!(run.look(blob).await, None);
    let gone = metadata.gone_objects(None, 10_000).await.expect("objects");
    let gone = gone.iter().find(|object| object.digest == blob);
    let gone = *gone.expect("an object to remove");
    assert_eq!(
        (gone.generation, gone.size),
        (generation, text.len() as u64)
    );
    metadata
        .object_removed(&run.held, &gone)
        .await
        .expect("removed");
    assert!(objects_of(metadata, blob).await.is_empty());
    let again = metadata.object_removed(&run.held, &gone).await;
    assert_unmet(again, Requirement::Blob);
    run.end().await;
}

async fn a_blob_of_an_upload_is_looked_at_once_it_has_ended(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let finish = Finish {
        id: &text,
        version: 0,
        principal: "user:alice",
    };
    let kept = metadata.keep_blob(bed.putting("app"), blob(&text), Some(finish));
    kept.await.expect("keep");
    let links = run.links(&bed, "app").await;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].queue, LinkQueue::Uploads(text.as_str().into()));
    assert_eq!(links[0].digest, Some(digest(&text)));
    // It waits on as a link.
    run.settle_links(&bed, "app", NEVER).await;
    let links = run.links(&bed, "app").await;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].queue, LinkQueue::Links);
    run.settle_links(&bed, "app", EVER).await;
    assert!(run.collects(digest(&text)).await);
    run.end().await;
}

async fn an_upload_that_brought_nothing_is_forgotten(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let finish = Finish {
        id: &text,
        version: 0,
        principal: "user:alice",
    };
    let cancelled = metadata.cancel_upload(bed.putting("app"), finish).await;
    cancelled.expect("cancel");
    let links = run.links(&bed, "app").await;
    assert_eq!((links.len(), links[0].digest), (1, None));
    run.settle_links(&bed, "app", NEVER).await;
    assert!(run.links(&bed, "app").await.is_empty());
    assert!(metadata.upload(&text).await.expect("upload").is_none());
    run.end().await;
}

async fn a_blob_that_a_manifest_names_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let manifest = push(&bed, "app", &format!("m{text}"), &[blob]).await;
    let links = run.links(&bed, "app").await;
    assert_eq!(links[0].named_by, Some(manifest.to_string().into()));
    run.settle_links(&bed, "app", EVER).await;
    assert!(has_link(&bed, "app", blob).await);
    assert!(run.links(&bed, "app").await.is_empty());
    assert_eq!(run.look(blob).await, None);
    run.end().await;
}

async fn a_blob_that_was_told_of_just_now_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    run.settle_links(&bed, "app", NEVER).await;
    assert!(has_link(&bed, "app", blob).await);
    let links = run.links(&bed, "app").await;
    assert_eq!(links.len(), 1);
    assert!(matches!(links[0].plan(NEVER), LinkPlan::Wait(_)));
    run.end().await;
}

async fn a_promise_renews_the_wait(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let before = run.links(&bed, "app").await.remove(0);
    let told_at = before.told_at.expect("a row");
    let promise = metadata.promise_blob(bed.package("app"), &blob);
    promise.await.expect("promise");
    let after = run.links(&bed, "app").await.remove(0);
    assert!(after.told_at > Some(told_at));
    // What was planned before the promise is not done.
    let settled = metadata.settle_link(&run.held, &before, told_at).await;
    assert_unmet(settled, Requirement::Blob);
    assert!(has_link(&bed, "app", blob).await);
    run.settle_links(&bed, "app", EVER).await;
    let promise = metadata.promise_blob(bed.package("app"), &blob).await;
    assert_unmet(promise, Requirement::Blob);
    run.end().await;
}

/// The collector's server may have another clock than the one that told the client.
async fn what_a_client_was_told_has_the_time_of_all_servers(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let shared = metadata.shared_now().await.expect("now");
    let blob = bed.keep_blob("app", &text).await;
    let minute = std::time::Duration::from_mins(1);
    for _ in 0..2 {
        let told_at = run.links(&bed, "app").await.remove(0).told_at;
        let told_at = told_at.expect("a row");
        assert!(told_at > shared.before(minute) && told_at < shared.after(minute));
        let promise = metadata.promise_blob(bed.package("app"), &blob);
        promise.await.expect("promise");
    }
    run.end().await;
}

async fn what_a_manifest_named_is_looked_at_when_that_goes(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let manifest = push(&bed, "app", &format!("m{text}"), &[blob]).await;
    run.settle_links(&bed, "app", EVER).await;
    drop_manifest(&bed, "app", manifest).await;
    // The client that deleted it may use the layer for the next.
    let links = run.links(&bed, "app").await;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].told_at, Some(links[0].since));
    run.settle_links(&bed, "app", EVER).await;
    assert!(run.collects(blob).await);
    assert!(run.collects(manifest).await);
    run.end().await;
}

async fn what_another_manifest_names_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let one = push(&bed, "app", &format!("1{text}"), &[blob]).await;
    let two = push(&bed, "app", &format!("2{text}"), &[blob]).await;
    drop_manifest(&bed, "app", one).await;
    run.settle_links(&bed, "app", EVER).await;
    assert!(has_link(&bed, "app", blob).await);
    assert!(!run.collects(blob).await);
    drop_manifest(&bed, "app", two).await;
    run.settle_links(&bed, "app", EVER).await;
    assert!(run.collects(blob).await);
    run.end().await;
}

/// Caches of `BuildKit` are indexes whose children are layers.
async fn a_cache_that_names_its_layers_as_manifests_keeps_them(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let layer = bed.keep_blob("app", &text).await;
    let cache = format!("m{text}");
    let push = Push {
        manifests: &[layer],
        ..Push::new(&cache, &["cache"])
    };
    bed.try_push("app", push).await.expect("push");
    run.settle_links(&bed, "app", EVER).await;
    assert!(has_link(&bed, "app", layer).await);
    drop_manifest(&bed, "app", digest(&cache)).await;
    run.settle_links(&bed, "app", EVER).await;
    assert!(run.collects(layer).await);
    run.end().await;
}

async fn a_mounted_blob_is_held_by_either_image(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("a", &text).await;
    let mounted = metadata.mount(bed.putting("b"), bed.package("a"), &blob);
    mounted.await.expect("mount");
    run.settle_links(&bed, "a", EVER).await;
    assert!(!has_link(&bed, "a", blob).await);
    assert!(!run.collects(blob).await);
    push(&bed, "b", &format!("m{text}"), &[blob]).await;
    run.settle_links(&bed, "b", EVER).await;
    assert!(has_link(&bed, "b", blob).await);
    run.end().await;
}

async fn a_blob_that_is_named_between_two_looks_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let link = run.links(&bed, "app").await.remove(0);
    assert_eq!(link.plan(EVER), LinkPlan::Drop);
    push(&bed, "app", &format!("m{text}"), &[blob]).await;
    let settled = metadata.settle_link(&run.held, &link, EVER).await;
    assert_unmet(settled, Requirement::Blob);
    assert!(has_link(&bed, "app", blob).await);
    run.end().await;
}

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
