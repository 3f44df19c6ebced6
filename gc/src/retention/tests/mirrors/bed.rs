//! Mirrors over a database in a temporary folder, and upstreams that are made up.

use super::super::ended;
use crate::retain::Action;
use crate::retention::{Bonds, PackageVersions, Previews, Removed, Retention, VersionRemoval};
use async_trait::async_trait;
use larder_jobs::{Jobs, Pace, Works};
use larder_metadata::Metadata;
use larder_metadata::blobs::NewBlob;
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::PackageKey;
use larder_metadata::jobs::{Job, NewJob};
use larder_metadata::mirrored::MirroredFile;
use larder_metadata::repos::{NewRepo, RepoRecord};
use larder_metadata::retention::ImageEdge;
use larder_model::{
    Algorithm, Clock, Digest, FileKind, JobKind, JobState, Problem, ProtocolName, Release,
    RepoKind, RepoSettings, RetentionPolicy, System, Timestamp,
};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// News is told at once.
const QUICK: Pace = Pace {
    poll: Duration::from_millis(5),
    schedules: Duration::from_mins(1),
    tick: Duration::from_millis(5),
    hold: Duration::from_millis(50),
};
pub(super) const NPM: ProtocolName = ProtocolName("npm");

/// What a file names: the manifests of images are lines of `blob`, `manifest` or `subject` and a
/// digest.
pub(super) type Edges = Mutex<BTreeMap<Digest, Vec<ImageEdge>>>;

/// Packages and images of upstreams.
pub(super) struct Upstreams {
    metadata: Metadata,
    edges: Edges,
    /// Mirrors whose upstream cannot be used.
    pub(super) down: Mutex<BTreeSet<i64>>,
    /// A file that is read once its package was, counted from the last one.
    pub(super) read: Mutex<Vec<Option<(PackageKey<'static>, &'static str)>>>,
}

pub(super) fn lock<T>(it: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl PackageVersions for Upstreams {
    fn are_tags(&self, protocol: ProtocolName) -> bool {
        protocol == ProtocolName::OCI
    }

    fn releases(&self, _: ProtocolName, versions: &[&str]) -> Vec<Option<Release>> {
        vec![None; versions.len()]
    }

    async fn remove(&self, _: &RepoRecord, _: VersionRemoval<'_>) -> Result<Removed, Problem> {
        Err(Problem::internal("nothing is hosted"))
    }

    fn package_of(&self, _: ProtocolName, path: &str) -> String {
        path.split('-').next().unwrap_or_default().to_owned()
    }

    fn is_proof(&self, _: ProtocolName, package: &str, path: &str) -> bool {
        package.starts_with("proofs/") && path != "data"
    }

    async fn bonds(&self, _: &RepoRecord, files: &[MirroredFile]) -> Result<Bonds, Problem> {
        let read = lock(&self.read).pop().flatten();
        if let Some((package, path)) = read {
            use_file(&self.metadata, package, FileKind::Artifact, path).await;
        }
        let edges = lock(&self.edges);
        let of = |file: &MirroredFile| edges.get(&file.digest).cloned().unwrap_or_default();
        let heads = files.iter().filter(|file| &*file.path == "head");
        let lists = |head: &MirroredFile| {
            let own = (head.kind, head.path.clone());
            vec![own, (FileKind::Artifact, "list".into())]
        };
        Ok(Bonds {
            sets: heads.map(lists).collect(),
            edges: files.iter().flat_map(of).collect(),
        })
    }

    async fn lacks_upstream(&self, repo: &RepoRecord) -> Option<String> {
        let is_down = lock(&self.down).contains(&repo.id);
        is_down.then(|| "it is offline".to_owned())
    }
}

pub(super) async fn use_file(
    metadata: &Metadata,
    package: PackageKey<'_>,
    kind: FileKind,
    path: &str,
) {
    let key = package.file(kind, path);
    let found = metadata.find(key).await.expect("find").expect("file");
    metadata.note_use(key, &found);
    metadata.write_uses().await.expect("write");
}

pub(super) struct Bed {
    pub(super) metadata: Metadata,
    pub(super) upstreams: Arc<Upstreams>,
    now: Arc<AtomicI64>,
    _folder: TempDir,
}

impl Bed {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let now = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let time = Arc::clone(&now);
        let clock = Clock::new(move || Timestamp(time.fetch_add(1, Ordering::SeqCst)));
        let path = folder.path().join("larder.db");
        let metadata = Metadata::sqlite(&path, 2, clock).await.expect("database");
        let upstreams = Arc::new(Upstreams {
            metadata: metadata.clone(),
            edges: Mutex::default(),
            down: Mutex::default(),
            read: Mutex::default(),
        });
        Self {
            metadata,
            upstreams,
            now,
            _folder: folder,
        }
    }

    pub(super) fn turn(&self, hours: u64) {
        let micros = Duration::from_hours(hours).as_micros();
        self.now
            .fetch_add(i64::try_from(micros).expect("short"), Ordering::SeqCst);
    }

    pub(super) async fn mirror(&self, protocol: ProtocolName, name: &str) -> RepoRecord {
        let new = NewRepo {
            protocol,
            name: &name.parse().expect("name"),
            kind: RepoKind::Mirror,
            description: "",
            settings: &RepoSettings::default(),
            members: &[],
        };
        let repo = self.metadata.add_repo(new, &System::Console).await;
        repo.expect("repository")
    }

    /// Fills a file with so many bytes, which follow from its `text`.
    pub(super) async fn fill(
        &self,
        (repo, package): (&RepoRecord, &str),
        kind: FileKind,
        path: &str,
        version: &str,
        (text, size): (&str, usize),
    ) -> Digest {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(size, b'.');
        let digest = Digest::of(Algorithm::Sha256, &bytes);
        let full_name = format!("{}/{package}", repo.full_name());
        let file = NewFile {
            version,
            // Its index promised them, so that other bytes of that name take their place.
            integrity: "sha1:abc",
            ..NewFile::new(kind, path, NewBlob::inline(digest, bytes.into()), "a/b")
        };
        let new = NewFiles {
            package: PackageKey {
                repo: repo.id,
                package,
            },
            full_name: (!package.is_empty()).then_some(&full_name),
            by: System::Upstream,
            at: self.metadata.now(),
            files: vec![file],
            gone: Vec::new(),
            named: Vec::new(),
            retired: Vec::new(),
        };
        self.metadata.keep_files(new).await.expect("keep");
        digest
    }

    /// Fills a version of a package, and its document.
    pub(super) async fn version(
        &self,
        repo: &RepoRecord,
        package: &str,
        version: &str,
        size: usize,
    ) {
        let to = (repo, package);
        let document = format!("document of {package}");
        let index = (&*document, 50);
        self.fill(to, FileKind::Document, "index", "", index).await;
        let path = format!("{package}-{version}.tgz");
        let kind = FileKind::Artifact;
        self.fill(to, kind, &path, version, (&path, size)).await;
    }

    /// Fills a manifest with what it names, and tags it.
    pub(super) async fn manifest(
        &self,
        repo: &RepoRecord,
        name: &str,
        tags: &[&str],
        names: &[(&str, Digest)],
    ) -> Digest {
        let to = (repo, "app");
        let text = (name, 100);
        let digest = Digest::of(Algorithm::Sha256, &padded(name, 100));
        let path = digest.to_string();
        self.fill(to, FileKind::Manifest, &path, "", text).await;
        for tag in tags {
            self.fill(to, FileKind::Tag, tag, "", text).await;
        }
        let edge = |(kind, child): &(&str, Digest)| ImageEdge {
            parent: digest,
            child: *child,
            kind: (*kind).into(),
        };
        let edges = names.iter().map(edge).collect();
        lock(&self.upstreams.edges).insert(digest, edges);
        digest
    }

    pub(super) async fn layer(&self, repo: &RepoRecord, name: &str) -> Digest {
        let digest = Digest::of(Algorithm::Sha256, &padded(name, 1000));
        let path = digest.to_string();
        let to = (repo, "app");
        self.fill(to, FileKind::Blob, &path, "", (name, 1000)).await
    }

    pub(super) fn versions(&self) -> Arc<dyn PackageVersions> {
        Arc::clone(&self.upstreams) as Arc<dyn PackageVersions>
    }

    /// What a policy would let go: packages and versions, and why.
    pub(super) async fn told(&self, repo: &RepoRecord, policy: &RetentionPolicy) -> BTreeSet<Told> {
        let previews = Previews::new(self.metadata.clone(), self.versions());
        let preview = previews.preview(repo, policy).await.expect("preview");
        let goes = preview
            .items
            .iter()
            .filter(|it| it.action == Action::Delete);
        let goes: BTreeSet<Told> = goes
            .map(|it| {
                let version = it.version.as_deref().unwrap_or("-").to_owned();
                (it.package.to_string(), version, it.reason.clone())
            })
            .collect();
        assert_eq!(preview.delete, goes.len() as u64);
        goes
    }

    pub(super) async fn set(&self, repo: &RepoRecord, policy: &str) -> RetentionPolicy {
        let text = format!(
            r#"{{"enabled":true,"rules":[],"protect":[],"untagged_after":null,"trash":"0s",{policy}}}"#
        );
        let text = text.replace(",}", "}");
        let mut json: Json = serde_json::from_str(&text).expect("json");
        let policy: RetentionPolicy = serde_json::from_value(json.take()).expect("policy");
        let set = self
            .metadata
            .set_retention(repo.id, &policy, &System::Console);
        set.await.expect("set");
        policy
    }

    /// A run over all repositories, where mirrors may keep so much together.
    pub(super) async fn run(&self, keep: u64, parameters: Json) -> (Arc<Job>, BTreeSet<Told>) {
        let work = Retention::new(self.metadata.clone(), self.versions()).with_mirrors_keep(keep);
        let cron = "30 2 * * *".parse().expect("cron");
        let works = Works::default().with(JobKind::Retention, cron, work);
        let jobs = Jobs::new(self.metadata.clone(), works, QUICK);
        let new = NewJob {
            parameters,
            ..NewJob::of(JobKind::Retention)
        };
        let job = ended(jobs, new).await;
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.error);
        let items = self.metadata.job_items(job.id, 0, 10_000).await;
        let text = |item: &Json, key: &str| item[key].as_str().unwrap_or("-").to_owned();
        let told = items.expect("items").into_iter().map(|(_, item)| {
            assert_eq!(item["action"], "evict");
            let [package, version, reason] =
                ["package", "version", "reason"].map(|key| text(&item, key));
            (package, version, reason)
        });
        (job, told.collect())
    }

    /// The files of a mirror.
    pub(super) async fn files(&self, repo: &RepoRecord) -> Vec<String> {
        let files = self.metadata.mirrored_files(repo.id, None, 10_000).await;
        let name = |file: MirroredFile| {
            let path = match file.path.split_once(':') {
                Some((_, hex)) => &hex[..6],
                None => &file.path,
            };
            format!("{} {} {path}", file.package, file.kind.word())
        };
        files.expect("files").into_iter().map(name).collect()
    }
}

/// A package, a version and a reason.
pub(super) type Told = (String, String, String);

fn padded(text: &str, size: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(size, b'.');
    bytes
}

pub(super) fn short(digest: Digest) -> String {
    digest.hex()[..6].to_owned()
}
