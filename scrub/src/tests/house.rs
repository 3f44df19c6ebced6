//! A server's database, store and jobs, and what is done to them.

use crate::{Manifests, Named, Parts, Scrub, UNLIMITED, Upstreams};
use async_trait::async_trait;
use bytes::Bytes;
use larder_content::{ContentStore, Prepared};
use larder_jobs::{Jobs, Pace, Works};
use larder_metadata::Metadata;
use larder_metadata::blobs::{NewBlob, Putting};
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::PackageKey;
use larder_metadata::jobs::{Job, NewJob};
use larder_metadata::manifests::{Expect, NewManifest};
use larder_metadata::repos::NewRepo;
use larder_metadata::scrub::{Damage, MirrorFile};
use larder_model::{
    Algorithm, Clock, Digest, FileKind, JobKind, JobState, Kind, Problem, ProtocolName, RepoKind,
    RepoSettings, System, Timestamp,
};
use larder_storage::{BlobStore, ObjectKey};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(super) const GRACE: Duration = Duration::from_hours(24);
/// News is told at once.
const QUICK: Pace = Pace {
    poll: Duration::from_millis(5),
    schedules: Duration::from_mins(1),
    tick: Duration::from_millis(5),
    hold: Duration::from_millis(50),
};
const DEADLINE: Duration = Duration::from_mins(1);
/// More than fits in a row.
const LONG: usize = 70_000;

pub(super) fn digest(bytes: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, bytes)
}

/// Bytes of their own, that go into an object or into a row.
pub(super) fn bytes(seed: &str, long: bool) -> Bytes {
    let length = if long { LONG + seed.len() } else { 100 };
    let text = format!("{seed}.");
    text.bytes().cycle().take(length).collect()
}

/// An upstream: what it has by digest, where it keeps what is fetched, and whether it answers.
pub(super) struct Upstream {
    metadata: Metadata,
    content: ContentStore,
    has: Mutex<HashMap<Box<str>, Bytes>>,
    pub(super) answers: AtomicBool,
    /// What is asked of it waits for as many permits.
    pub(super) gate: Semaphore,
    pub(super) asked: Notify,
}

impl Upstream {
    /// Keeps bytes as a mirror's artifact.
    async fn keep(&self, repo: i64, path: &str, bytes: &Bytes) {
        let prepared = self.content.prepare(bytes).await.expect("prepare");
        let write = async |blob| {
            let file = NewFile::new(FileKind::Artifact, path, blob, "text/plain");
            let new = NewFiles {
                package: PackageKey { repo, package: "a" },
                full_name: None,
                by: System::Upstream,
                at: self.metadata.now(),
                files: vec![file],
                gone: Vec::new(),
                named: Vec::new(),
                retired: Vec::new(),
            };
            self.metadata.keep_files(new).await
        };
        self.content.keep(prepared, write).await.expect("keep");
    }
}

/// The seam to an upstream, of a server that lives.
struct Asked {
    upstream: Arc<Upstream>,
    lives: Arc<AtomicBool>,
}

#[async_trait]
impl Upstreams for Asked {
    async fn fetch_again(&self, file: &MirrorFile) -> Result<(), Problem> {
        let upstream = &self.upstream;
        upstream.asked.notify_one();
        upstream.gate.acquire().await.expect("open").forget();
        if !self.lives.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let bytes = upstream.has.lock().expect("lock").get(&file.path).cloned();
        match bytes {
            Some(bytes) if upstream.answers.load(Ordering::SeqCst) => {
                upstream.keep(file.repo, &file.path, &bytes).await;
                Ok(())
            }
            _ => Err(Problem::new(Kind::Unreachable, "upstream", "it is away")),
        }
    }
}

/// Manifests as these tests write them: lists of digests, `about DIGEST` for the subject.
struct Lists;

impl Manifests for Lists {
    fn named(&self, bytes: &[u8], content_type: &str) -> Result<Named, Problem> {
        assert_eq!(content_type, "application/manifest");
        let mut named = Named::default();
        for line in String::from_utf8_lossy(bytes).lines() {
            match (line.parse(), line.strip_prefix("about ")) {
                (Ok(digest), _) => named.parts.push(digest),
                (_, Some(subject)) => named.subject = subject.parse().ok(),
                _ => {} // makes the manifest another one
            }
        }
        Ok(named)
    }
}

/// How a run ended: its result, and the digests of each action.
pub(super) struct Ran {
    pub(super) job: Job,
    pub(super) items: BTreeMap<String, BTreeSet<Digest>>,
    pub(super) reasons: Vec<String>,
}

impl Ran {
    pub(super) fn count(&self, name: &str) -> u64 {
        let result = self.job.result.as_ref().expect("a result");
        let value = name.split('/').fold(result, |value, key| &value[key]);
        value.as_u64().unwrap_or_else(|| panic!("{name}: {result}"))
    }

    pub(super) fn did(&self, action: &str) -> BTreeSet<Digest> {
        self.items.get(action).cloned().unwrap_or_default()
    }
}

pub(super) struct House {
    pub(super) metadata: Metadata,
    pub(super) blobs: BlobStore,
    pub(super) content: ContentStore,
    pub(super) upstream: Arc<Upstream>,
    jobs: Jobs,
    running: JoinHandle<()>,
    lives: Arc<AtomicBool>,
    now: Arc<AtomicI64>,
    pub(super) hosted: i64,
    mirror: i64,
    folder: TempDir,
}

impl House {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let real = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let real = i64::try_from(real.expect("time").as_micros()).expect("time");
        let now = Arc::new(AtomicI64::new(real));
        let time = Arc::clone(&now);
        let clock = Clock::new(move || Timestamp(time.fetch_add(1, Ordering::SeqCst)));
        let path = folder.path().join("larder.db");
        let metadata = Metadata::sqlite(&path, 2, clock).await.expect("database");
        let blobs = BlobStore::local(&folder.path().join("storage")).expect("store");
        let content = ContentStore::new(metadata.clone(), blobs.clone());
        let add = async |protocol, kind| {
            let new = NewRepo {
                protocol,
                name: &"team".parse().expect("name"),
                kind,
                description: "",
                settings: &RepoSettings::default(),
                members: &[],
            };
            let added = metadata.add_repo(new, &System::Larder).await;
            added.expect("repository").id
        };
        let hosted = add(ProtocolName::OCI, RepoKind::Hosted).await;
        let mirror = add(ProtocolName("npm"), RepoKind::Mirror).await;
        let upstream = Arc::new(Upstream {
            metadata: metadata.clone(),
            content: content.clone(),
            has: Mutex::default(),
            answers: AtomicBool::new(true),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            asked: Notify::new(),
        });
        let lives = Arc::new(AtomicBool::new(true));
        let (jobs, running) = Self::jobs(&metadata, &blobs, (&upstream, &lives));
        Self {
            metadata,
            blobs,
            content,
            upstream,
            jobs,
            running,
            lives,
            now,
            hosted,
            mirror,
            folder,
        }
    }

    /// A server's jobs.
    fn jobs(
        metadata: &Metadata,
        blobs: &BlobStore,
        (upstream, lives): (&Arc<Upstream>, &Arc<AtomicBool>),
    ) -> (Jobs, JoinHandle<()>) {
        let scrub = Scrub::new(Parts {
            metadata: metadata.clone(),
            blobs: blobs.clone(),
            upstreams: Arc::new(Asked {
                upstream: Arc::clone(upstream),
                lives: Arc::clone(lives),
            }),
            manifests: Arc::new(Lists),
            rate: UNLIMITED,
            grace: GRACE,
            note_every: Duration::ZERO,
        });
        let cron = "0 4 * * 0".parse().expect("cron");
        let works = Works::default().with(JobKind::Scrub, cron, scrub);
        let jobs = Jobs::new(metadata.clone(), works, QUICK);
        let own = jobs.clone();
        (jobs, tokio::spawn(async move { own.run().await }))
    }

    /// The server is killed, and another takes its place once its jobs are seen to be left.
    pub(super) async fn is_killed(&mut self) {
        self.running.abort();
        drop((&mut self.running).await);
        // What it had begun goes no further.
        self.lives.store(false, Ordering::SeqCst);
        self.turn(Duration::from_mins(5));
        self.lives = Arc::new(AtomicBool::new(true));
        let asked = (&self.upstream, &self.lives);
        (self.jobs, self.running) = Self::jobs(&self.metadata, &self.blobs, asked);
    }

    pub(super) fn turn(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("short");
        self.now.fetch_add(micros, Ordering::SeqCst);
    }

    pub(super) fn image<'a>(&self, image: &'a str) -> PackageKey<'a> {
        PackageKey {
            repo: self.hosted,
            package: image,
        }
    }

    fn putting<'a>(&self, image: &'a str) -> Putting<'a> {
        Putting {
            package: self.image(image),
            by: &System::Larder,
        }
    }

    async fn keep(&self, image: &str, prepared: Prepared) {
        let write = async |blob| {
            let metadata = &self.metadata;
            metadata.keep_blob(self.putting(image), blob, None).await
        };
        self.content.keep(prepared, write).await.expect("keep");
    }

    /// Uploads a blob.
    pub(super) async fn upload(&self, image: &str, bytes: &Bytes) -> Digest {
        let prepared = self.content.prepare(bytes).await.expect("prepare");
        self.keep(image, prepared).await;
        digest(bytes)
    }

    /// A row with the bytes of another blob: what a database gives out that has lost its own.
    pub(super) async fn upload_wrong(&self, image: &str, bytes: &Bytes, wrong: Bytes) -> Digest {
        let blob = NewBlob {
            size: bytes.len() as u64,
            ..NewBlob::inline(digest(bytes), wrong)
        };
        let kept = self
            .metadata
            .keep_blob(self.putting(image), blob, None)
            .await;
        kept.expect("keep");
        digest(bytes)
    }

    /// Has the mirror keep what its upstream has.
    pub(super) async fn mirror(&self, path: &str, bytes: &Bytes) -> Digest {
        let has = &self.upstream.has;
        has.lock().expect("lock").insert(path.into(), bytes.clone());
        self.upstream.keep(self.mirror, path, bytes).await;
        digest(bytes)
    }

    pub(super) async fn push(&self, image: &str, text: &str, blobs: &[Digest]) -> Digest {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let new = NewManifest {
            putting: self.putting(image),
            full_name: &format!("oci/team/{image}"),
            blob: NewBlob::inline(digest(&bytes), bytes.clone()),
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
        digest(&bytes)
    }

    /// Where the object of a blob lies.
    pub(super) async fn object(&self, digest: Digest) -> PathBuf {
        let generation = self.metadata.generation(&digest).await.expect("row");
        let generation = generation.expect("an object");
        self.path(ObjectKey { digest, generation })
    }

    pub(super) fn path(&self, key: ObjectKey) -> PathBuf {
        let blobs = self.folder.path().join("storage/blobs");
        blobs.join(key.to_string())
    }

    /// An object that no row names.
    pub(super) async fn orphan(&self, bytes: &Bytes) -> ObjectKey {
        let id = format!("{:x}", self.metadata.new_id());
        let staging = self.blobs.stage(&id, Algorithm::Sha256).await;
        let mut staging = staging.expect("stage");
        staging.append(bytes.clone()).await.expect("append");
        let (digest, generation) = (digest(bytes), self.metadata.new_id());
        let kept = self.blobs.commit(staging, digest, generation).await;
        kept.expect("commit");
        self.blobs.discard(&id).await.expect("discard");
        ObjectKey { digest, generation }
    }

    /// What is damaged.
    pub(super) async fn quarantine(&self) -> BTreeMap<Digest, Damage> {
        let all = self.metadata.quarantined("", 10_000).await.expect("list");
        all.into_iter().map(|it| (it.digest, it.damage)).collect()
    }

    /// The bytes of a mirror's file, read as any reader does.
    pub(super) async fn read_mirrored(&self, path: &str) -> Bytes {
        let package = PackageKey {
            repo: self.mirror,
            package: "a",
        };
        let key = package.file(FileKind::Artifact, path);
        let found = self.metadata.find(key).await.expect("find");
        let found = found.expect("a file");
        let content = self.content.open(&found, 0..found.size).await;
        let content = content.expect("open");
        content.collect(1 << 20).await.expect("read")
    }

    pub(super) async fn ask(&self, new: NewJob) -> i64 {
        let job = self.jobs.queue(new, &System::Larder).await.expect("queue");
        job.id
    }

    /// Waits for the end of a run.
    pub(super) async fn end_of(&self, id: i64) -> Ran {
        let watching = self.jobs.watch(id).await.expect("watch");
        let mut watching = watching.expect("a job");
        let ended = timeout(DEADLINE, async {
            loop {
                let job = watching.next().await.expect("not its end");
                if job.state.is_final() {
                    return (*job).clone();
                }
            }
        });
        let job = ended.await.expect("in time");
        let read = self.metadata.job_items(id, 0, 10_000).await;
        let mut items: BTreeMap<String, BTreeSet<Digest>> = BTreeMap::new();
        let mut reasons = Vec::new();
        for (_, item) in read.expect("items") {
            let text = |key: &str| item[key].as_str().expect(key).to_owned();
            let digest = text("digest").parse().expect("digest");
            items.entry(text("action")).or_default().insert(digest);
            reasons.push(text("reason"));
        }
        Ran {
            job,
            items,
            reasons,
        }
    }

    /// A whole run that succeeds.
    pub(super) async fn scrub(&self) -> Ran {
        self.scrub_with(false, json!({})).await
    }

    pub(super) async fn scrub_with(&self, dry_run: bool, parameters: Json) -> Ran {
        let new = NewJob {
            dry_run,
            parameters,
            ..NewJob::of(JobKind::Scrub)
        };
        let id = self.ask(new).await;
        let ran = self.end_of(id).await;
        assert_eq!(ran.job.state, JobState::Succeeded, "{:?}", ran.job.error);
        ran
    }

    pub(super) async fn end(self) {
        self.jobs.stop();
        self.running.await.expect("jobs");
    }
}
