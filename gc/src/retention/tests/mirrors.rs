//! Mirrors over a database in a temporary folder: what a preview tells is what a run does.

use super::super::{BUDGET, Bonds, PackageVersions, Previews, Removed, Retention, VersionRemoval};
use super::ended;
use crate::retain::Action;
use async_trait::async_trait;
use larder_jobs::{Jobs, Pace, Works};
use larder_metadata::Metadata;
use larder_metadata::blobs::NewBlob;
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::PackageKey;
use larder_metadata::jobs::{Job, JobFilter, NewJob};
use larder_metadata::mirrored::MirroredFile;
use larder_metadata::repos::{NewRepo, RepoRecord};
use larder_metadata::retention::ImageEdge;
use larder_model::{
    Algorithm, Clock, Digest, FileKind, JobKind, JobState, Problem, ProtocolName, Release,
    RepoKind, RepoSettings, RetentionPolicy, System, Timestamp,
};
use serde_json::{Value as Json, json};
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
const NPM: ProtocolName = ProtocolName("npm");

/// What a file names: the manifests of images are lines of `blob`, `manifest` or `subject` and a
/// digest.
type Edges = Mutex<BTreeMap<Digest, Vec<ImageEdge>>>;

/// Packages and images of upstreams.
struct Upstreams {
    metadata: Metadata,
    edges: Edges,
    /// Mirrors whose upstream cannot be used.
    down: Mutex<BTreeSet<i64>>,
    /// A file that is read once its package was, counted from the last one.
    read: Mutex<Vec<Option<(PackageKey<'static>, &'static str)>>>,
}

fn lock<T>(it: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
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

async fn use_file(metadata: &Metadata, package: PackageKey<'_>, kind: FileKind, path: &str) {
    let key = package.file(kind, path);
    let found = metadata.find(key).await.expect("find").expect("file");
    metadata.note_use(key, &found);
    metadata.write_uses().await.expect("write");
}

struct Bed {
    metadata: Metadata,
    upstreams: Arc<Upstreams>,
    now: Arc<AtomicI64>,
    _folder: TempDir,
}

impl Bed {
    async fn new() -> Self {
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

    fn turn(&self, hours: u64) {
        let micros = Duration::from_hours(hours).as_micros();
        self.now
            .fetch_add(i64::try_from(micros).expect("short"), Ordering::SeqCst);
    }

    async fn mirror(&self, protocol: ProtocolName, name: &str) -> RepoRecord {
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
    async fn fill(
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
    async fn version(&self, repo: &RepoRecord, package: &str, version: &str, size: usize) {
        let to = (repo, package);
        let document = format!("document of {package}");
        let index = (&*document, 50);
        self.fill(to, FileKind::Document, "index", "", index).await;
        let path = format!("{package}-{version}.tgz");
        let kind = FileKind::Artifact;
        self.fill(to, kind, &path, version, (&path, size)).await;
    }

    /// Fills a manifest with what it names, and tags it.
    async fn manifest(
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

    async fn layer(&self, repo: &RepoRecord, name: &str) -> Digest {
        let digest = Digest::of(Algorithm::Sha256, &padded(name, 1000));
        let path = digest.to_string();
        let to = (repo, "app");
        self.fill(to, FileKind::Blob, &path, "", (name, 1000)).await
    }

    fn versions(&self) -> Arc<dyn PackageVersions> {
        Arc::clone(&self.upstreams) as Arc<dyn PackageVersions>
    }

    /// What a policy would let go: packages and versions, and why.
    async fn told(&self, repo: &RepoRecord, policy: &RetentionPolicy) -> BTreeSet<Told> {
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

    async fn set(&self, repo: &RepoRecord, policy: &str) -> RetentionPolicy {
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
    async fn run(&self, keep: u64, parameters: Json) -> (Arc<Job>, BTreeSet<Told>) {
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
    async fn files(&self, repo: &RepoRecord) -> Vec<String> {
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
type Told = (String, String, String);

fn padded(text: &str, size: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(size, b'.');
    bytes
}

fn short(digest: Digest) -> String {
    digest.hex()[..6].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_preview_tells_of_random_mirrors_is_what_a_run_does() {
    let bed = Bed::new().await;
    let mut seed = 0x9e37_79b9_u64;
    let mut below = move |end: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % end
    };
    let mut gone = 0;
    for round in 0..12 {
        let repo = bed.mirror(NPM, &format!("up-{round}")).await;
        for _ in 0..below(25) {
            let (package, version) = (format!("p{}", below(4)), format!("{}", below(5)));
            let size = usize::try_from(20 + below(400)).expect("small");
            bed.version(&repo, &package, &version, size).await;
            bed.turn(below(8));
        }
        bed.turn(below(6));
        let rules = [
            r#""unused_after":"30h""#,
            r#""max_bytes":700"#,
            r#""unused_after":"50h","max_bytes":500,"protect":["3"]"#,
        ];
        let policy = rules[usize::try_from(below(3)).expect("small")];
        let policy = match policy.contains("protect") {
            false => bed.set(&repo, policy).await,
            true => {
                let mut policy = bed
                    .set(&repo, r#""unused_after":"50h","max_bytes":500"#)
                    .await;
                policy.protect = vec!["3".parse().expect("pattern")];
                let set = bed
                    .metadata
                    .set_retention(repo.id, &policy, &System::Console);
                set.await.expect("set");
                policy
            }
        };
        let told = bed.told(&repo, &policy).await;
        let (job, did) = bed.run(0, json!({})).await;
        let of_versions = did.iter().filter(|(_, version, _)| version != "-").cloned();
        assert_eq!(of_versions.collect::<BTreeSet<_>>(), told, "round {round}");
        let result = job.result.clone().expect("result");
        assert_eq!(result["deleted"], told.len(), "{result}");
        gone += told.len();
        // Of a package that lost all of its versions nothing is left but what was just used.
        let files = bed.files(&repo).await;
        for (package, version, _) in &told {
            assert!(!files.contains(&format!("{package} artifact {package}-{version}.tgz")));
        }
        assert!(bed.told(&repo, &policy).await.is_empty(), "round {round}");
        bed.metadata
            .drop_retention(repo.id, &System::Console)
            .await
            .expect("drop");
    }
    assert!(gone > 20, "{gone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_lately_used_goes_and_its_documents_with_the_last() {
    let bed = Bed::new().await;
    let repo = bed.mirror(NPM, "up").await;
    for package in ["a", "b", "c"] {
        bed.version(&repo, package, "1", 1000).await;
        bed.turn(2);
    }
    // `a` was read since.
    let key = PackageKey {
        repo: repo.id,
        package: "a",
    };
    use_file(&bed.metadata, key, FileKind::Artifact, "a-1.tgz").await;
    bed.turn(2);
    let policy = bed.set(&repo, r#""max_bytes":1050"#).await;
    let told: Vec<String> = bed
        .told(&repo, &policy)
        .await
        .into_iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(told, ["b", "c"]);
    let (job, _) = bed.run(0, json!({})).await;
    assert_eq!(
        bed.files(&repo).await,
        ["a artifact a-1.tgz", "a document index"]
    );
    let result = job.result.clone().expect("result");
    let counted = ["examined", "deleted", "kept", "documents", "bytes"].map(|it| &result[it]);
    assert_eq!(json!(counted), json!([3, 2, 1, 2, 2100]), "{result}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_image_all_goes_that_nothing_else_needs() {
    let bed = Bed::new().await;
    let repo = bed.mirror(ProtocolName::OCI, "up").await;
    let [base, own, other, arm] = [
        bed.layer(&repo, "base").await,
        bed.layer(&repo, "own").await,
        bed.layer(&repo, "other").await,
        bed.layer(&repo, "arm").await,
    ];
    let old = [("blob", base), ("blob", own)];
    let old = bed.manifest(&repo, "old", &["1", "1.0"], &old).await;
    // An index with one of its parts, and a signature by subject and by tag.
    let part = bed.manifest(&repo, "part", &[], &[("blob", arm)]).await;
    let index = bed
        .manifest(&repo, "index", &["multi"], &[("manifest", part)])
        .await;
    bed.manifest(&repo, "signature", &[], &[("subject", index)])
        .await;
    let attached = format!("sha256-{}.sig", index.hex());
    bed.manifest(&repo, "attached", &[&attached], &[]).await;
    bed.fill(
        (&repo, "app"),
        FileKind::Document,
        "lists/tags",
        "",
        ("tags", 10),
    )
    .await;
    bed.turn(48);
    let new = bed
        .manifest(&repo, "new", &["2"], &[("blob", base), ("blob", other)])
        .await;
    bed.turn(2);
    let policy = bed.set(&repo, r#""unused_after":"1d""#).await;
    let told: Vec<String> = bed
        .told(&repo, &policy)
        .await
        .into_iter()
        .map(|it| it.1)
        .collect();
    assert_eq!(told, ["1", "1.0", "multi"]);
    bed.run(0, json!({})).await;
    let mut expected = vec![
        format!("app blob {}", short(base)),
        format!("app blob {}", short(other)),
        "app document lists/tags".to_owned(),
        format!("app manifest {}", short(new)),
        "app tag 2".to_owned(),
    ];
    expected[..2].sort();
    assert_eq!(bed.files(&repo).await, expected);
    assert_ne!(old, new);
    // The rest goes when it is not used either, its list with it.
    bed.turn(24);
    bed.run(0, json!({})).await;
    assert!(bed.files(&repo).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_together_goes_together() {
    let bed = Bed::new().await;
    let repo = bed.mirror(ProtocolName("rpm"), "up").await;
    let to = (&repo, "");
    bed.fill(to, FileKind::Document, "head", "", ("head", 10))
        .await;
    bed.fill(to, FileKind::Artifact, "list", "", ("list", 10))
        .await;
    bed.fill(to, FileKind::Artifact, "tool-1.rpm", "", ("tool", 10))
        .await;
    bed.turn(48);
    let key = PackageKey {
        repo: repo.id,
        package: "",
    };
    use_file(&bed.metadata, key, FileKind::Document, "head").await;
    bed.turn(2);
    bed.set(&repo, r#""unused_after":"1d""#).await;
    let (_, told) = bed.run(0, json!({})).await;
    let told: Vec<_> = told.into_iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(told, [("tool".to_owned(), "tool-1.rpm".to_owned())]);
    assert_eq!(bed.files(&repo).await, [" artifact list", " document head"]);
    bed.turn(48);
    bed.run(0, json!({})).await;
    assert!(bed.files(&repo).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_while_a_run_decides_stays() {
    let bed = Bed::new().await;
    let repo = bed.mirror(NPM, "up").await;
    for version in ["1", "2"] {
        bed.version(&repo, "a", version, 100).await;
    }
    bed.turn(48);
    bed.set(&repo, r#""unused_after":"1d""#).await;
    let package = PackageKey {
        repo: repo.id,
        package: "a",
    };
    // After it was decided on, and read once more.
    *lock(&bed.upstreams.read) = vec![Some((package, "a-2.tgz")), None];
    let (job, _) = bed.run(0, json!({})).await;
    assert_eq!(
        bed.files(&repo).await,
        ["a artifact a-2.tgz", "a document index"]
    );
    let result = job.result.clone().expect("result");
    let counted = ["deleted", "documents", "skipped", "bytes"].map(|it| &result[it]);
    assert_eq!(json!(counted), json!([1, 0, 2, 100]), "{result}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_that_could_not_come_again() {
    let bed = Bed::new().await;
    let repo = bed.mirror(NPM, "up").await;
    bed.version(&repo, "a", "1", 100).await;
    bed.turn(48);
    lock(&bed.upstreams.down).insert(repo.id);
    let policy = bed.set(&repo, r#""unused_after":"1d","max_bytes":1"#).await;
    let previews = Previews::new(bed.metadata.clone(), bed.versions());
    let preview = previews.preview(&repo, &policy).await.expect("preview");
    assert_eq!((preview.delete, preview.bytes), (0, 0));
    assert_eq!(
        preview.items[0].reason,
        "it could not come again: it is offline"
    );
    let (_, told) = bed.run(1, json!({})).await;
    assert!(told.is_empty());
    assert_eq!(bed.files(&repo).await.len(), 2);
    lock(&bed.upstreams.down).clear();
    bed.run(0, json!({})).await;
    assert!(bed.files(&repo).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_mirrors_together_keep_within_their_budget() {
    let bed = Bed::new().await;
    let (one, two, down) = (
        bed.mirror(NPM, "one").await,
        bed.mirror(NPM, "two").await,
        bed.mirror(NPM, "down").await,
    );
    // 1,000 bytes each, and documents of 50; the first is the oldest.
    for (repo, package) in [
        (&down, "d"),
        (&one, "a"),
        (&two, "b"),
        (&one, "keep"),
        (&two, "e"),
    ] {
        bed.version(repo, package, "1", 950).await;
        bed.turn(2);
    }
    lock(&bed.upstreams.down).insert(down.id);
    let mut policy = bed.set(&one, r#""unused_after":null"#).await;
    policy.rules = vec![
        serde_json::from_str(r#"{"packages":"keep","versions":"*","keep":{"newest":1}}"#)
            .expect("rule"),
    ];
    let set = bed
        .metadata
        .set_retention(one.id, &policy, &System::Console);
    set.await.expect("set");
    let total = 5 * 1000;
    assert_eq!(bed.metadata.mirrored_bytes().await.expect("bytes"), total);
    let only = || json!({BUDGET: "cache.size"});
    let (_, told) = bed.run(total, only()).await;
    assert!(told.is_empty(), "it is within it");
    bed.metadata
        .add_schedule(JobKind::Gc, &"0 3 * * *".parse().expect("cron"))
        .await
        .expect("schedule");
    // Down to nine tenths: the least lately used of those that can come again and nothing protects.
    let (_, told) = bed.run(4400, only()).await;
    let gone: Vec<_> = told.iter().map(|it| (&*it.0, &*it.1)).collect();
    assert_eq!(gone, [("a", "-"), ("a", "1"), ("b", "1")]);
    assert!(
        told.iter()
            .all(|it| it.2.starts_with("over cache.size, 4400 bytes"))
    );
    assert_eq!(bed.metadata.mirrored_bytes().await.expect("bytes"), 3050);
    // The bytes are to be free soon.
    let queued = JobFilter {
        kind: Some(JobKind::Gc),
        state: Some(JobState::Queued),
    };
    assert_eq!(
        bed.metadata
            .jobs(queued, None, 10)
            .await
            .expect("jobs")
            .len(),
        1
    );
    let (_, told) = bed.run(1, only()).await;
    let gone: Vec<_> = told.iter().map(|it| (&*it.0, &*it.1)).collect();
    assert_eq!(gone, [("b", "-"), ("e", "-"), ("e", "1")]);
    assert_eq!(
        bed.metadata
            .jobs(queued, None, 10)
            .await
            .expect("jobs")
            .len(),
        1
    );
    let left = [
        bed.files(&one).await,
        bed.files(&two).await,
        bed.files(&down).await,
    ]
    .concat();
    assert_eq!(left.len(), 4, "{left:?}");
}
