//! Whole runs over a folder of objects.

use super::without_trash;
use crate::{Collector, Waits};
use bytes::Bytes;
use larder_jobs::{Jobs, Pace, Works};
use larder_metadata::Metadata;
use larder_metadata::blobs::{Bytestore, NewBlob, Putting};
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::PackageKey;
use larder_metadata::jobs::{JobEnd, NewJob};
use larder_metadata::manifests::{Expect, NewManifest};
use larder_metadata::repos::NewRepo;
use larder_model::{
    Algorithm, Clock, Digest, FileKind, INDEX_GRACE, JobKind, JobState, ProtocolName, RepoKind,
    RepoSettings, System, Timestamp,
};
use larder_storage::{BlobStore, ObjectKey};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const WAITS: Waits = Waits {
    grace: Duration::from_hours(24),
    lease: Duration::from_mins(15),
};
/// News is told at once.
const QUICK: Pace = Pace {
    poll: Duration::from_millis(5),
    schedules: Duration::from_mins(1),
    tick: Duration::from_millis(5),
    hold: Duration::from_millis(50),
};
const DEADLINE: Duration = Duration::from_secs(30);

/// A server's database, store and jobs.
struct House {
    metadata: Metadata,
    blobs: BlobStore,
    jobs: Jobs,
    /// Nothing is done until [`House::start`].
    running: Option<JoinHandle<()>>,
    now: Arc<AtomicI64>,
    repo: i64,
    folder: TempDir,
}

fn digest(text: &str) -> Digest {
    Digest::of(Algorithm::Sha256, text.as_bytes())
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let now = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let time = Arc::clone(&now);
        let clock = Clock::new(move || Timestamp(time.fetch_add(1, Ordering::SeqCst)));
        let path = folder.path().join("larder.db");
        let metadata = Metadata::sqlite(&path, 2, clock).await.expect("database");
        let blobs = BlobStore::local(&folder.path().join("storage")).expect("store");
        let new = NewRepo {
            protocol: ProtocolName::OCI,
            name: &"team".parse().expect("name"),
            kind: RepoKind::Hosted,
            description: "",
            settings: &RepoSettings::default(),
            members: &[],
        };
        let repo = metadata.add_repo(new, &System::Larder).await.expect("repo");
        without_trash(&metadata, repo.id).await;
        let collector = Collector::new(metadata.clone(), blobs.clone(), WAITS);
        let cron = "0 3 * * *".parse().expect("cron");
        let works = Works::default().with(JobKind::Gc, cron, collector);
        let jobs = Jobs::new(metadata.clone(), works, QUICK);
        Self {
            repo: repo.id,
            metadata,
            blobs,
            jobs,
            running: None,
            now,
            folder,
        }
    }

    /// Whose jobs are done.
    async fn started() -> Self {
        let mut house = Self::new().await;
        house.start();
        house
    }

    fn start(&mut self) {
        let jobs = self.jobs.clone();
        self.running = Some(tokio::spawn(async move { jobs.run().await }));
    }

    fn turn(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("short");
        self.now.fetch_add(micros, Ordering::SeqCst);
    }

    fn putting<'a>(&self, package: &'a str) -> Putting<'a> {
        Putting {
            package: PackageKey {
                repo: self.repo,
                package,
            },
            by: &System::Larder,
        }
    }

    /// A blob with an object of its own.
    async fn upload(&self, image: &str, text: &str) -> Digest {
        let id = format!("{:x}", self.metadata.new_id());
        let staging = self.blobs.stage(&id, Algorithm::Sha256).await;
        let mut staging = staging.expect("stage");
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        staging.append(bytes).await.expect("append");
        let generation = self.metadata.new_id();
        let kept = self.blobs.commit(staging, digest(text), generation).await;
        kept.expect("commit");
        self.blobs.discard(&id).await.expect("discard");
        let new = NewBlob {
            digest: digest(text),
            size: text.len() as u64,
            bytes: Bytestore::Object(generation),
        };
        let named = self.metadata.keep_blob(self.putting(image), new, None);
        named.await.expect("keep");
        digest(text)
    }

    async fn push(&self, image: &str, text: &str, blobs: &[Digest]) -> Digest {
        let new = NewManifest {
            putting: self.putting(image),
            full_name: &format!("oci/team/{image}"),
            blob: NewBlob::inline(digest(text), Bytes::copy_from_slice(text.as_bytes())),
            content_type: "application/manifest",
            metadata: "",
            blobs,
            absent: &[],
            manifests: &[],
            subject: None,
            tags: &[],
            expect: Expect::Any,
        };
        self.metadata.keep_manifest(new).await.expect("push");
        digest(text)
    }

    async fn drop_manifest(&self, image: &str, manifest: Digest) {
        let package = self.putting(image).package;
        let dropped = self
            .metadata
            .drop_manifest(package, &manifest, &System::Larder);
        dropped.await.expect("drop");
    }

    /// The digests of the objects that are in the store.
    async fn stored(&self) -> BTreeSet<Digest> {
        let mut stored = BTreeSet::new();
        let listed = self.blobs.list(|key: ObjectKey, _| {
            stored.insert(key.digest);
        });
        listed.await.expect("list");
        stored
    }

    /// A run: its result, and what it did to which digest.
    async fn run(&self, dry_run: bool, parameters: Json) -> (Json, BTreeSet<(String, String)>) {
        let new = NewJob {
            dry_run,
            parameters,
            ..NewJob::of(JobKind::Gc)
        };
        let job = self.jobs.queue(new, &System::Larder).await.expect("queue");
        let mut watching = self
            .jobs
            .watch(job.id)
            .await
            .expect("watch")
            .expect("a job");
        let ended = timeout(DEADLINE, async {
            loop {
                let job = watching.next().await.expect("not its end");
                if job.state.is_final() {
                    return job;
                }
            }
        });
        let ended = ended.await.expect("in time");
        if ended.state != JobState::Succeeded {
            let error = ended.error.as_ref().expect("why");
            return (json!({"error": format!("{error:?}")}), BTreeSet::new());
        }
        let items = self.metadata.job_items(job.id, 0, 1000).await;
        let text = |item: &Json, key: &str| item[key].as_str().unwrap_or("").to_owned();
        let items = items.expect("items").into_iter();
        let items = items.map(|(_, item)| (text(&item, "action"), text(&item, "digest")));
        let result = ended.result.clone().expect("a result");
        assert_eq!(result["error"], Json::Null);
        (result, items.collect())
    }

    async fn end(self) {
        self.jobs.stop();
        if let Some(running) = self.running {
            running.await.expect("jobs");
        }
    }
}

fn items(action: &str, digests: &[Digest]) -> BTreeSet<(String, String)> {
    let item = |digest: &Digest| (action.to_owned(), digest.to_string());
    digests.iter().map(item).collect()
}

fn at_once() -> Json {
    json!({"grace_seconds": 0})
}

#[tokio::test]
async fn a_dry_run_tells_what_a_run_does() {
    let house = House::started().await;
    let layer = house.upload("one", "a layer of two images").await;
    let own = house.upload("one", "a layer of one image").await;
    let shared = house.upload("two", "a layer of two images").await;
    assert_eq!(layer, shared);
    let unnamed = house.upload("one", "a layer of no image").await;
    let first = house.push("one", "the first", &[layer, own]).await;
    house.push("two", "the second", &[layer]).await;
    house.drop_manifest("one", first).await;
    let (told, would) = house.run(true, at_once()).await;
    assert_eq!(house.stored().await, BTreeSet::from([layer, own, unnamed]));
    let (result, did) = house.run(false, at_once()).await;
    assert_eq!(would, items("delete", &[own, unnamed, first]));
    assert_eq!(did, would);
    for key in ["deleted", "bytes_freed", "unlinked"] {
        assert_eq!(told[key], result[key], "{key}: {told} {result}");
    }
    let freed = "a layer of one image".len() + "a layer of no image".len() + "the first".len();
    assert_eq!(result["deleted"], 3);
    assert_eq!(result["bytes_freed"], freed);
    assert_eq!(house.stored().await, BTreeSet::from([layer]));
    let (again, did) = house.run(false, at_once()).await;
    assert_eq!((&again["deleted"], did.len()), (&json!(0), 0));
    house.end().await;
}

#[tokio::test]
async fn what_nothing_names_goes_after_two_waits() {
    let house = House::started().await;
    let blob = house.upload("app", "a layer").await;
    let (result, did) = house.run(false, json!({})).await;
    assert_eq!((&result["examined"], did.len()), (&json!(0), 0));
    house.turn(WAITS.grace);
    let (told, would) = house.run(true, json!({})).await;
    let (result, did) = house.run(false, json!({})).await;
    assert_eq!(did, items("condemn", &[blob]));
    assert_eq!(would, did);
    assert_eq!(
        (&told["condemned"], &result["condemned"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(result["bytes_freed"], 0);
    let (result, _) = house.run(false, json!({})).await;
    assert_eq!(result["examined"], 0);
    house.turn(WAITS.grace);
    let (result, did) = house.run(false, json!({})).await;
    assert_eq!(did, items("delete", &[blob]));
    assert_eq!(result["bytes_freed"], "a layer".len());
    assert!(house.stored().await.is_empty());
    house.end().await;
}

#[tokio::test]
async fn an_object_that_cannot_be_removed_is_in_no_others_way() {
    let house = House::started().await;
    let stuck = house.upload("one", "a layer that stays").await;
    let mut path = None;
    let listed = house
        .blobs
        .list(|key: ObjectKey, _| path = Some(key.to_string()));
    listed.await.expect("list");
    let path = house
        .folder
        .path()
        .join("storage/blobs")
        .join(path.expect("an object"));
    // As where the disk, or the bucket, lets nobody remove it.
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir_all(path.join("in the way")).expect("folder");
    house.run(false, at_once()).await;
    for round in ["next", "one after it"] {
        let other = house.upload("two", round).await;
        let (told, _) = house.run(false, at_once()).await;
        assert!(
            told["error"].is_string(),
            "that one is left is told: {told}"
        );
        assert!(!house.stored().await.contains(&other), "{round}");
    }
    std::fs::remove_dir_all(&path).expect("removed");
    let (told, _) = house.run(false, at_once()).await;
    assert_eq!(told["error"], Json::Null, "{told}");
    assert!(!house.stored().await.contains(&stuck));
    house.end().await;
}

#[tokio::test]
async fn no_object_is_removed_while_a_backup_holds_them() {
    let house = House::started().await;
    let blob = house.upload("app", "a layer").await;
    let details = json!({});
    let hold = house.metadata.hold_objects(&System::Larder, &details);
    let hold = hold.await.expect("hold");
    let (result, did) = house.run(false, at_once()).await;
    assert_eq!(did, items("delete", &[blob]));
    assert_eq!(
        (&result["deleted"], &result["bytes_freed"], &result["kept"]),
        (&json!(0), &json!(0), &json!({"held": 1}))
    );
    assert_eq!(house.stored().await, BTreeSet::from([blob]));
    // The first and the last step of a run see the same objects.
    let (result, _) = house.run(false, json!({})).await;
    assert_eq!(result["kept"], json!({"held": 1}));
    house.metadata.end_hold(hold).await.expect("end");
    let (result, _) = house.run(false, json!({})).await;
    assert_eq!(
        (&result["deleted"], &result["bytes_freed"], &result["kept"]),
        (&json!(1), &json!("a layer".len()), &json!({}))
    );
    assert!(house.stored().await.is_empty());
    house.end().await;
}

/// A server ended after the row of a blob went, and before its object did, or before it could note
/// that.
async fn assert_left_is_freed(is_removed: bool) {
    let mut house = House::new().await;
    let metadata = house.metadata.clone();
    let blob = house.upload("app", "a layer").await;
    let new = NewJob::of(JobKind::Gc);
    let queued = metadata.queue_job(new, &System::Larder).await;
    queued.expect("queue");
    let held = metadata.take_job(JobKind::Gc).await.expect("take");
    let held = held.expect("a job");
    let ever = Timestamp(i64::MAX);
    for link in metadata.queued_links(ever, None, 10).await.expect("links") {
        let settled = metadata.settle_link(&held, &link, ever).await;
        settled.expect("settle");
    }
    for _ in 0..2 {
        for due in metadata.queued_blobs(ever, None, 10).await.expect("blobs") {
            let settled = metadata.settle_blob(&held, &due, metadata.now()).await;
            settled.expect("settle");
        }
    }
    let gone = metadata.gone_objects(None, 10).await.expect("objects");
    assert_eq!(gone.len(), 1);
    assert_eq!(house.stored().await, BTreeSet::from([blob]));
    if is_removed {
        let (digest, generation) = (gone[0].digest, gone[0].generation);
        let removed = house.blobs.remove(ObjectKey { digest, generation }).await;
        assert!(removed.expect("remove"));
    }
    let end = JobEnd::Cancelled(json!({}));
    metadata.finish_job(&held, &end).await.expect("finish");
    house.start();
    // Whatever its waits are.
    let (result, _) = house.run(false, json!({})).await;
    assert_eq!(result["bytes_freed"], "a layer".len());
    assert!(house.stored().await.is_empty());
    let gone = metadata.gone_objects(None, 10).await.expect("objects");
    assert!(gone.is_empty());
    house.end().await;
}

#[tokio::test]
async fn an_object_that_a_run_left_is_removed_by_the_next() {
    assert_left_is_freed(false).await;
}

#[tokio::test]
async fn an_object_that_a_run_removed_and_did_not_note_is_counted_by_the_next() {
    assert_left_is_freed(true).await;
}

/// A state of an upstream's document, other forms of such states (which of what), and a list that it
/// names; lists of states before that it does not name.
async fn fill(house: &House, text: &str, forms: &[(&str, &str)], retired: &[&str]) {
    let file = |kind, path, text: &str| {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        NewFile::new(
            kind,
            path,
            NewBlob::inline(digest(text), bytes),
            "text/plain",
        )
    };
    let list = format!("list of {text}");
    let of: Vec<String> = forms
        .iter()
        .map(|(_, of)| format!("{}#1", digest(of)))
        .collect();
    let mut files = vec![
        file(FileKind::Document, "index", text),
        file(FileKind::Artifact, &list, &list),
    ];
    files.extend(forms.iter().zip(&of).map(|((path, _), of)| NewFile {
        derived_from: of,
        ..file(FileKind::Representation, path, path)
    }));
    let new = NewFiles {
        package: house.putting("").package,
        full_name: None,
        by: System::Upstream,
        at: house.metadata.now(),
        files,
        gone: Vec::new(),
        named: Vec::new(),
        retired: retired.to_vec(),
    };
    house.metadata.keep_files(new).await.expect("keep");
}

#[tokio::test]
async fn leftovers_go_after_their_own_time_and_a_dry_run_tells_them() {
    let house = House::started().await;
    fill(
        &house,
        "one",
        &[("form of one", "one"), ("idle", "two")],
        &[],
    )
    .await;
    let (result, did) = house.run(false, at_once()).await;
    assert_eq!((&result["leftovers"], did.len()), (&json!(0), 0));
    fill(&house, "two", &[], &["list of one"]).await;
    // A form goes with its state, the list of a past one after the time that clients have.
    let (told, would) = house.run(true, at_once()).await;
    let (result, did) = house.run(false, at_once()).await;
    assert_eq!(would, did);
    let gone = [digest("form of one"), digest("one")];
    let expected = &items("delete", &gone) | &items("drop", &gone[..1]);
    assert_eq!(did, expected);
    for key in ["deleted", "bytes_freed", "leftovers", "past"] {
        assert_eq!(told[key], result[key], "{key}: {told} {result}");
    }
    assert_eq!(result["bytes_freed"], "form of one".len() + "one".len());
    house.turn(INDEX_GRACE);
    let list = [digest("list of one")];
    let (_, would) = house.run(true, json!({})).await;
    let (result, did) = house.run(false, json!({})).await;
    // No grace is waited for: its bytes go in the run that lets the row go.
    assert_eq!(would, did);
    assert_eq!(did, &items("delete", &list) | &items("drop", &list));
    assert_eq!(result["past"], 0);
    // The present list and the document stay for good, a form while somebody asks for it.
    house.turn(Duration::from_hours(100 * 24));
    let (told, _) = house.run(true, json!({})).await;
    let (result, did) = house.run(false, json!({})).await;
    let idle = [digest("idle")];
    let mut expected = &items("delete", &idle) | &items("drop", &idle);
    expected.insert(("forget".to_owned(), String::new()));
    assert_eq!(did, expected);
    assert_eq!((&told["past"], &result["past"]), (&json!(1), &json!(1)));
    let (again, did) = house.run(false, json!({})).await;
    assert_eq!(
        (&again["leftovers"], &again["past"]),
        (&json!(0), &json!(0))
    );
    assert!(did.is_empty());
    house.end().await;
}
