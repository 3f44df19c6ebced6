//! Runs over a database in a temporary folder: what changes while a run decides wins.

mod mirrors;

use super::{Bonds, PackageVersions, Previews, Removed, Retention, VersionRemoval};
use async_trait::async_trait;
use larder_jobs::{Jobs, Pace, Works};
use larder_metadata::Metadata;
use larder_metadata::blobs::{NewBlob, Putting};
use larder_metadata::files::PackageKey;
use larder_metadata::jobs::{Job, NewJob};
use larder_metadata::manifests::{Expect, NewManifest};
use larder_metadata::mirrored::MirroredFile;
use larder_metadata::repos::{NewRepo, RepoRecord};
use larder_model::{
    Algorithm, Clock, Digest, FileKind, JobKind, Problem, ProtocolName, Release, RepoKind,
    RepoSettings, RetentionPolicy, System, Timestamp,
};
use serde_json::json;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(30);

/// Images, of which something is pushed while the first look at one decides.
struct Tags {
    metadata: Metadata,
    pushes: Mutex<Vec<(i64, &'static str)>>,
}

#[async_trait]
impl PackageVersions for Tags {
    fn are_tags(&self, _: ProtocolName) -> bool {
        true
    }

    fn releases(&self, _: ProtocolName, versions: &[&str]) -> Vec<Option<Release>> {
        let mut pushes = self.pushes.lock().unwrap_or_else(PoisonError::into_inner);
        for (repo, tag) in pushes.drain(..) {
            block_in_place(|| Handle::current().block_on(push(&self.metadata, repo, tag)));
        }
        vec![None; versions.len()]
    }

    async fn remove(&self, _: &RepoRecord, _: VersionRemoval<'_>) -> Result<Removed, Problem> {
        Err(Problem::internal("images have tags"))
    }

    fn package_of(&self, _: ProtocolName, path: &str) -> String {
        path.to_owned()
    }

    fn is_proof(&self, _: ProtocolName, _: &str, _: &str) -> bool {
        false
    }

    async fn bonds(&self, _: &RepoRecord, _: &[MirroredFile]) -> Result<Bonds, Problem> {
        Err(Problem::internal("this is no mirror"))
    }

    async fn lacks_upstream(&self, _: &RepoRecord) -> Option<String> {
        Some("this is no mirror".to_owned())
    }
}

async fn push(metadata: &Metadata, repo: i64, tag: &str) {
    let bytes = format!("{tag} at {}", metadata.now());
    let digest = Digest::of(Algorithm::Sha256, bytes.as_bytes());
    let new = NewManifest {
        putting: Putting {
            package: key(repo),
            by: &System::Console,
        },
        full_name: "oci/team/app",
        blob: NewBlob::inline(digest, bytes.into()),
        content_type: "application/manifest",
        metadata: "{}",
        blobs: &[],
        absent: &[],
        manifests: &[],
        subject: None,
        tags: &[tag],
        expect: Expect::Any,
    };
    metadata.keep_manifest(new).await.expect("push");
}

fn key(repo: i64) -> PackageKey<'static> {
    PackageKey {
        repo,
        package: "app",
    }
}

/// Does a job to its end.
async fn ended(jobs: Jobs, new: NewJob) -> Arc<Job> {
    let own = jobs.clone();
    let running = tokio::spawn(async move { own.run().await });
    let job = jobs.queue(new, &System::Console).await;
    let mut watching = jobs
        .watch(job.expect("job").id)
        .await
        .expect("watch")
        .expect("job");
    let ended = timeout(DEADLINE, async {
        loop {
            let job = watching.next().await.expect("the job goes on");
            if job.state.is_final() {
                return job;
            }
        }
    });
    let ended = ended.await.expect("in time");
    jobs.stop();
    running.await.expect("runner");
    ended
}

struct Bed {
    metadata: Metadata,
    repo: RepoRecord,
    _folder: TempDir,
}

impl Bed {
    /// A repository with an image of these tags, pushed in this order.
    async fn new(tags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let now = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let clock = Clock::new(move || Timestamp(now.fetch_add(1000, Ordering::SeqCst)));
        let metadata = Metadata::sqlite(&folder.path().join("larder.db"), 2, clock).await;
        let metadata = metadata.expect("database");
        let new = NewRepo {
            protocol: ProtocolName::OCI,
            name: &"team".parse().expect("name"),
            kind: RepoKind::Hosted,
            description: "",
            settings: &RepoSettings::default(),
            members: &[],
        };
        let repo = metadata
            .add_repo(new, &System::Console)
            .await
            .expect("repository");
        for tag in tags {
            push(&metadata, repo.id, tag).await;
        }
        Self {
            metadata,
            repo,
            _folder: folder,
        }
    }

    fn versions(&self, pushes: &[&'static str]) -> Arc<dyn PackageVersions> {
        let pushes = pushes.iter().map(|tag| (self.repo.id, *tag)).collect();
        Arc::new(Tags {
            metadata: self.metadata.clone(),
            pushes: Mutex::new(pushes),
        })
    }

    /// Runs all policies to the end, while these tags are pushed.
    async fn run(&self, pushes: &[&'static str]) -> Arc<Job> {
        let work = Retention::new(self.metadata.clone(), self.versions(pushes));
        let cron = "30 2 * * *".parse().expect("cron");
        let works = Works::default().with(JobKind::Retention, cron, work);
        let jobs = Jobs::new(self.metadata.clone(), works, Pace::default());
        ended(jobs, NewJob::of(JobKind::Retention)).await
    }

    async fn set(&self, policy: &str) -> RetentionPolicy {
        let policy: RetentionPolicy = serde_json::from_str(policy).expect("policy");
        let set = self
            .metadata
            .set_retention(self.repo.id, &policy, &System::Console)
            .await;
        set.expect("set");
        policy
    }

    async fn tags(&self) -> Vec<String> {
        let tags = self
            .metadata
            .list(key(self.repo.id), FileKind::Tag, "", 100)
            .await;
        tags.expect("tags")
            .into_iter()
            .map(|tag| tag.path.into())
            .collect()
    }
}

const NEWEST: &str = concat!(
    r#"{"enabled":true,"rules":[{"packages":"*","versions":"*","keep":{"newest":1}}],"#,
    r#""protect":[],"untagged_after":null,"trash":"7d"}"#
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_while_a_run_decides_wins() {
    let bed = Bed::new(&["a", "b"]).await;
    bed.set(NEWEST).await;
    // By what was read first `a` would go.
    let job = bed.run(&["a"]).await;
    assert_eq!(bed.tags().await, ["a"]);
    let result = job.result.clone().expect("result");
    assert_eq!(
        (&result["deleted"], &result["kept"]),
        (&json!(1), &json!(1)),
        "{result}"
    );
    let items = bed.metadata.job_items(job.id, 0, 10).await.expect("items");
    let told: Vec<_> = items.iter().map(|(_, item)| &item["version"]).collect();
    assert_eq!(told, ["b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_that_are_not_enabled_are_not_followed() {
    let bed = Bed::new(&["a", "b"]).await;
    bed.set(&NEWEST.replace("true", "false")).await;
    let job = bed.run(&[]).await;
    assert_eq!(bed.tags().await, ["a", "b"]);
    let result = job.result.clone().expect("result");
    assert_eq!(result["examined"], json!(0), "{result}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_holds_while_no_more_than_a_tenth_differs() {
    let names: Vec<String> = (0..21).map(|number| format!("t{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bed = Bed::new(&names).await;
    let policy = bed.set(NEWEST).await;
    let previews = Previews::new(bed.metadata.clone(), bed.versions(&[]));
    let preview = previews.preview(&bed.repo, &policy).await.expect("preview");
    assert_eq!((preview.delete, preview.keep, preview.more), (20, 1, false));
    let stored = preview.stored(policy.clone());
    // With each push one more would go.
    for (pushed, differs) in [("u0", false), ("u1", false), ("u2", true)] {
        push(&bed.metadata, bed.repo.id, pushed).await;
        let now = previews.preview(&bed.repo, &policy).await.expect("preview");
        assert_eq!(now.differs_from(&stored), differs, "{pushed}");
    }
}
