//! One blob, two images, two collectors, a store, and a clock that is turned by hand.

use super::Dice;
use crate::{RunWaits, Waits};
use larder_metadata::blobs::{Bytestore, NewBlob, Putting};
use larder_metadata::collection::{DueBlob, DueLink, GoneObject};
use larder_metadata::files::PackageKey;
use larder_metadata::jobs::{HELD, HeldJob, JobEnd, NewJob};
use larder_metadata::manifests::{Expect, NewManifest};
use larder_metadata::repos::NewRepo;
use larder_metadata::{Error, Metadata, Requirement};
use larder_model::{
    Algorithm, Clock, Digest, FileKind, JobKind, ProtocolName, RepoKind, RepoSettings, System,
    Timestamp,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

const WAITS: Waits = Waits {
    grace: Duration::from_mins(1),
    lease: Duration::from_secs(10),
};
const SIZE: u64 = 1000;
const IMAGES: usize = 2;

/// The check that a collector lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutation {
    /// Nothing waits.
    Wait,
    /// A client that is told of a blob renews nothing.
    Promise,
    /// An object is removed by its digest, whichever it is by then.
    Generations,
    /// Whoever lost the job goes on.
    Fence,
}

/// What went wrong, and after which steps.
pub(super) struct Fault {
    pub(super) seed: u64,
    pub(super) told: Vec<String>,
    pub(super) what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, told, what } = self;
        write!(f, "schedule {seed}: {what}\n  {}", told.join("\n  "))
    }
}

/// What a collector has read and not yet acted on.
#[derive(Default)]
struct Plans {
    links: Vec<(DueLink, Timestamp)>,
    blobs: Vec<DueBlob>,
    objects: Vec<GoneObject>,
    /// Objects that it has removed and not yet noted.
    removed: Vec<GoneObject>,
}

/// A collector: the job as it holds it, or held it.
struct Collector {
    held: HeldJob,
    plans: Plans,
}

pub(super) struct World {
    metadata: Metadata,
    now: Arc<AtomicI64>,
    repo: i64,
    mutation: Option<Mutation>,
    /// The newest has the job; the one before has lost it.
    collectors: Vec<Collector>,
    /// What happened at all.
    happened: BTreeMap<&'static str, u64>,
    _folder: TempDir,
    // Of the present schedule:
    number: u64,
    blob: Digest,
    /// Generations of the objects that are in the store.
    store: BTreeSet<i64>,
    /// An object that is durable and whose row is not written yet, by image.
    uploading: [Option<i64>; IMAGES],
    /// Until when a client may name the blob in an image.
    promised: [Timestamp; IMAGES],
    made: u64,
    doubles: u64,
    freed: u64,
    /// A step that must not be possible was.
    broken: Option<String>,
}

fn digest(text: &str) -> Digest {
    Digest::of(Algorithm::Sha256, text.as_bytes())
}

impl World {
    pub(super) async fn new(mutation: Option<Mutation>) -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        let folder = folder.expect("folder");
        let now = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let time = Arc::clone(&now);
        // Two moments are never the same.
        let clock = Clock::new(move || Timestamp(time.fetch_add(1, Ordering::SeqCst)));
        let path = folder.path().join("larder.db");
        let metadata = Metadata::sqlite(&path, 2, clock).await.expect("database");
        let new = NewRepo {
            protocol: ProtocolName::OCI,
            name: &"team".parse().expect("name"),
            kind: RepoKind::Hosted,
            description: "",
            settings: &RepoSettings::default(),
            members: &[],
        };
        let repo = metadata.add_repo(new, &System::Larder).await.expect("repo");
        Self {
            repo: repo.id,
            metadata,
            now,
            mutation,
            collectors: Vec::new(),
            happened: BTreeMap::new(),
            _folder: folder,
            number: 0,
            blob: digest(""),
            store: BTreeSet::new(),
            uploading: [None; IMAGES],
            promised: [Timestamp(0); IMAGES],
            made: 0,
            doubles: 0,
            freed: 0,
            broken: None,
        }
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    fn count(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
    }

    fn turn(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("short");
        self.now.fetch_add(micros, Ordering::SeqCst);
    }

    fn moment(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn name(&self, image: usize) -> String {
        format!("image-{}-{image}", self.number)
    }

    fn waits(&self) -> RunWaits {
        let replaced = self.is(Mutation::Wait).then_some(Duration::ZERO);
        RunWaits::new(WAITS, replaced)
    }

    /// A new blob, and a collector that holds the job.
    pub(super) async fn begin(&mut self, dice: &mut Dice) {
        self.number += 1;
        self.blob = digest(&format!("blob {}", self.number));
        self.store.clear();
        self.uploading = [None; IMAGES];
        self.promised = [Timestamp(0); IMAGES];
        (self.made, self.doubles, self.freed) = (0, 0, 0);
        self.broken = None;
        for collector in self.collectors.drain(..) {
            let end = JobEnd::Succeeded(json!({}));
            // Whoever lost the job cannot end it.
            let _ = self.metadata.finish_job(&collector.held, &end).await;
        }
        let new = NewJob::of(JobKind::Gc);
        let queued = self.metadata.queue_job(new, &System::Larder).await;
        queued.expect("queue");
        self.take().await;
        // Sometimes an image has it from the start, sometimes it is condemned, or its row gone.
        let depth = dice.roll(4);
        if depth > 0 {
            self.upload(0).await;
        }
        for _ in 1..depth {
            self.turn(WAITS.grace);
            self.keep_held().await;
            self.look_once().await;
        }
    }

    /// The newest collector looks at everything that is due, and removes no object.
    async fn look_once(&mut self) {
        let held = self.collectors.last().expect("a collector").held.clone();
        let mut plans = Plans::default();
        // What a look at links queues is looked at in the same run.
        for which in [12, 14] {
            self.read(&mut plans).await;
            while (which == 12 && !plans.links.is_empty())
                || (which == 14 && !plans.blobs.is_empty())
            {
                self.collect_with(&held, &mut plans, which, false).await;
            }
        }
    }

    async fn take(&mut self) {
        let taken = self.metadata.take_job(JobKind::Gc).await.expect("take");
        self.collectors.push(Collector {
            held: taken.expect("a job"),
            plans: Plans::default(),
        });
    }

    /// Does something; what it was.
    pub(super) async fn step(&mut self, dice: &mut Dice) -> String {
        let image = usize::try_from(dice.roll(IMAGES as u64)).expect("small");
        match dice.roll(16) {
            0 => self.stage(image),
            1 | 2 => self.upload(image).await,
            3 => self.head(image).await,
            4 | 5 => self.push(image).await,
            6 => self.drop_manifest(image).await,
            7 => self.mount(image).await,
            8 => self.drop_blob(image).await,
            9 => {
                let waits = [WAITS.lease / 2, WAITS.lease, WAITS.grace, WAITS.grace * 2];
                let by = waits[usize::try_from(dice.roll(4)).expect("small")];
                self.turn(by);
                self.keep_held().await;
                format!("{by:?} pass")
            }
            10 => self.take_over().await,
            which => {
                let of = usize::try_from(dice.roll(self.collectors.len() as u64)).expect("small");
                self.collect(of, which).await
            }
        }
    }

    /// The server of the job says that it is alive.
    async fn keep_held(&mut self) {
        let newest = self.collectors.last().expect("a collector");
        let held = self.metadata.hold_job(&newest.held, None).await;
        held.expect("hold");
    }

    /// The server of the job is silent, and another takes it over.
    async fn take_over(&mut self) -> String {
        if self.collectors.len() > 1 {
            return "nobody takes over".to_owned();
        }
        self.turn(HELD * 2);
        self.take().await;
        self.count("taken over");
        "another takes over".to_owned()
    }

    fn stage(&mut self, image: usize) -> String {
        if self.uploading[image].is_none() {
            let generation = self.metadata.new_id();
            self.store.insert(generation);
            self.made += 1;
            self.uploading[image] = Some(generation);
        }
        format!("an object for image {image} is durable")
    }

    /// As a server does it: a blob that is kept gets a name; else a new object gets a row, and is
    /// removed if another was faster.
    async fn upload(&mut self, image: usize) -> String {
        let name = self.name(image);
        let putting = Putting {
            package: PackageKey {
                repo: self.repo,
                package: &name,
            },
            by: &System::Larder,
        };
        if self.uploading[image].is_none() {
            match self.metadata.take_blob(putting, &self.blob, None).await {
                Ok(()) => {
                    self.promise(image);
                    return format!("image {image} gets a blob that is kept");
                }
                Err(Error::Unmet(Requirement::Blob)) => {}
                Err(error) => panic!("{error}"),
            }
            self.stage(image);
        }
        let generation = self.uploading[image].take().expect("staged");
        let new = NewBlob {
            digest: self.blob,
            size: SIZE,
            bytes: Bytestore::Object(generation),
        };
        let kept = self.metadata.keep_blob(putting, new, None).await;
        kept.expect("keep");
        let known = self.metadata.generation(&self.blob).await.expect("row");
        if known != Some(generation) {
            self.store.remove(&generation);
            self.doubles += 1;
            self.count("an object twice");
        }
        self.promise(image);
        format!("image {image} gets a new blob")
    }

    /// A client was told that the blob is there.
    fn promise(&mut self, image: usize) {
        self.promised[image] = self.moment().after(WAITS.lease);
    }

    async fn head(&mut self, image: usize) -> String {
        let (name, path) = (self.name(image), self.blob.to_string());
        let package = PackageKey {
            repo: self.repo,
            package: &name,
        };
        let found = self.metadata.stat(package.file(FileKind::Blob, &path));
        let Some(found) = found.await.expect("stat") else {
            return format!("image {image} has no blob");
        };
        if WAITS.must_renew(found.checked_at, self.moment()) && !self.is(Mutation::Promise) {
            match self.metadata.promise_blob(package, &self.blob).await {
                Ok(()) => self.count("promised"),
                Err(Error::Unmet(Requirement::Blob)) => {
                    return format!("image {image} has no blob any more");
                }
                Err(error) => panic!("{error}"),
            }
        }
        self.promise(image);
        format!("image {image} has the blob")
    }

    async fn push(&mut self, image: usize) -> String {
        let name = self.name(image);
        let text = format!("manifest {name}");
        let promised = self.promised[image] > self.moment();
        let new = NewManifest {
            putting: Putting {
                package: PackageKey {
                    repo: self.repo,
                    package: &name,
                },
                by: &System::Larder,
            },
            full_name: &format!("oci/team/{name}"),
            blob: NewBlob::inline(digest(&text), text.clone().into()),
            content_type: "application/manifest",
            metadata: "",
            blobs: &[self.blob],
            absent: &[],
            manifests: &[],
            subject: None,
            tags: &[],
            expect: Expect::Any,
        };
        match self.metadata.keep_manifest(new).await {
            Ok(()) => {
                self.count("pushed");
                format!("image {image} gets a manifest")
            }
            Err(Error::Unmet(Requirement::Blob)) => {
                self.count("refused");
                if promised {
                    let broken = format!("image {image} was promised the blob");
                    self.broken = Some(broken);
                }
                format!("image {image} gets no manifest")
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn drop_manifest(&mut self, image: usize) -> String {
        let name = self.name(image);
        let package = PackageKey {
            repo: self.repo,
            package: &name,
        };
        let manifest = digest(&format!("manifest {name}"));
        let by = &System::Larder;
        match self.metadata.drop_manifest(package, &manifest, by).await {
            Ok(()) => format!("image {image} loses its manifest"),
            Err(Error::Unmet(_)) => format!("image {image} has no manifest to lose"),
            Err(error) => panic!("{error}"),
        }
    }

    async fn mount(&mut self, image: usize) -> String {
        let (to, from) = (self.name(image), self.name(1 - image));
        let key = |package| PackageKey {
            repo: self.repo,
            package,
        };
        let putting = Putting {
            package: key(&to),
            by: &System::Larder,
        };
        match self.metadata.mount(putting, key(&from), &self.blob).await {
            Ok(()) => {
                self.count("mounted");
                self.promise(image);
                format!("image {image} mounts the blob")
            }
            Err(Error::Unmet(_)) => format!("image {image} has nothing to mount"),
            Err(error) => panic!("{error}"),
        }
    }

    /// A client removes the blob's name from an image without a manifest.
    async fn drop_blob(&mut self, image: usize) -> String {
        let name = self.name(image);
        let package = PackageKey {
            repo: self.repo,
            package: &name,
        };
        let used = self.metadata.used_by(package, &self.blob).await;
        if used.expect("look").is_some() {
            return format!("a manifest of image {image} needs the blob");
        }
        let by = &System::Larder;
        match self
            .metadata
            .drop_blob(package, &self.blob, false, by)
            .await
        {
            Ok(()) => {
                self.promised[image] = Timestamp(0);
                format!("image {image} loses its blob")
            }
            Err(Error::Unmet(_)) => format!("image {image} has no blob to lose"),
            Err(error) => panic!("{error}"),
        }
    }

    /// A step of a collector.
    async fn collect(&mut self, of: usize, which: u64) -> String {
        let lost = of + 1 < self.collectors.len();
        let held = if self.is(Mutation::Fence) {
            self.collectors.last().expect("a collector").held.clone()
        } else {
            self.collectors[of].held.clone()
        };
        let mut plans = std::mem::take(&mut self.collectors[of].plans);
        let told = self.collect_with(&held, &mut plans, which, lost).await;
        self.collectors[of].plans = plans;
        format!("collector {of}: {told}")
    }

    async fn collect_with(
        &mut self,
        held: &HeldJob,
        plans: &mut Plans,
        which: u64,
        lost: bool,
    ) -> String {
        match which {
            11 => {
                self.read(plans).await;
                format!(
                    "reads {} links, {} blobs, {} objects",
                    plans.links.len(),
                    plans.blobs.len(),
                    plans.objects.len()
                )
            }
            12 | 13 => {
                if let Some((link, told_until)) = plans.links.pop() {
                    let plan = link.plan(told_until);
                    let settled = self.metadata.settle_link(held, &link, told_until).await;
                    return format!("{plan:?}: {}", self.acted(settled, lost, "link"));
                }
                self.settle_blob(held, plans, lost).await
            }
            14 => self.settle_blob(held, plans, lost).await,
            _ => {
                if let Some(object) = plans.removed.pop() {
                    let noted = self.metadata.object_removed(held, &object).await;
                    let told = self.acted(noted, lost, "object");
                    if told == "done" {
                        self.freed += 1;
                    }
                    return format!("notes that an object is gone: {told}");
                }
                let Some(object) = plans.objects.pop() else {
                    return "has no object to remove".to_owned();
                };
                // Nobody who surely lost the job gets here, but one may do so at this very moment.
                if self.is(Mutation::Generations) {
                    self.store.clear();
                } else {
                    self.store.remove(&object.generation);
                }
                plans.removed.push(object);
                "removes an object".to_owned()
            }
        }
    }

    async fn settle_blob(&mut self, held: &HeldJob, plans: &mut Plans, lost: bool) -> String {
        let Some(blob) = plans.blobs.pop() else {
            return "has no blob to look at".to_owned();
        };
        let now = self.metadata.now();
        let settled = self.metadata.settle_blob(held, &blob, now).await;
        format!("{:?}: {}", blob.plan(), self.acted(settled, lost, "blob"))
    }

    /// How an act went. Whoever lost the job does nothing.
    fn acted(
        &mut self,
        outcome: Result<(), Error>,
        lost: bool,
        what: &'static str,
    ) -> &'static str {
        match outcome {
            Ok(()) => {
                if lost {
                    self.broken = Some(format!("who lost the job settled a {what}"));
                }
                self.count(what);
                "done"
            }
            Err(Error::Unmet(Requirement::Blob)) => {
                self.count("changed meanwhile");
                "it changed"
            }
            Err(Error::Unmet(Requirement::Job)) if lost => {
                self.count("fenced");
                "it lost the job"
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn read(&self, plans: &mut Plans) {
        let now = self.metadata.shared_now().await.expect("now");
        let waits = self.waits();
        let (until, told_until) = (waits.queued_until(now), waits.told_until(now));
        let links = self.metadata.queued_links(until.min(told_until), None, 100);
        let links = links.await.expect("links").into_iter();
        plans.links = links.map(|link| (link, told_until)).collect();
        let blobs = self.metadata.queued_blobs(until, None, 100).await;
        plans.blobs = blobs.expect("blobs");
        let objects = self.metadata.gone_objects(None, 100).await;
        plans.objects = objects.expect("objects");
    }

    /// What must hold after each step.
    pub(super) async fn check(&mut self) -> Result<(), String> {
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        let known = self.metadata.generation(&self.blob).await.expect("row");
        for image in 0..IMAGES {
            let (name, path) = (self.name(image), self.blob.to_string());
            let package = PackageKey {
                repo: self.repo,
                package: &name,
            };
            let link = self.metadata.stat(package.file(FileKind::Blob, &path));
            let link = link.await.expect("stat").is_some();
            let manifest = digest(&format!("manifest {name}")).to_string();
            let manifest = self
                .metadata
                .stat(package.file(FileKind::Manifest, &manifest));
            if manifest.await.expect("stat").is_some() && !link {
                return Err(format!("the manifest of image {image} misses its blob"));
            }
            if link && !known.is_some_and(|generation| self.store.contains(&generation)) {
                return Err(format!("the blob of image {image} has no bytes"));
            }
            if !link && self.promised[image] > self.moment() {
                return Err(format!("the blob that image {image} was promised is gone"));
            }
        }
        Ok(())
    }

    /// Everything is deleted, and the collector goes on for two waits: nothing is left.
    pub(super) async fn end(&mut self) -> Result<(), String> {
        for image in 0..IMAGES {
            if self.uploading[image].is_some() {
                self.upload(image).await;
            }
            self.drop_manifest(image).await;
        }
        for _ in 0..2 {
            self.turn(WAITS.grace);
            self.keep_held().await;
            self.run_newest().await;
        }
        let known = self.metadata.generation(&self.blob).await.expect("row");
        if known.is_some() || !self.store.is_empty() {
            return Err(format!("bytes are left: {known:?}, {:?}", self.store));
        }
        if self.freed + self.doubles != self.made {
            let (freed, made) = (self.freed + self.doubles, self.made);
            return Err(format!("{made} objects were made, and {freed} freed"));
        }
        let queue = self.metadata.collection_queue().await.expect("queue");
        if queue.queued != 0 {
            return Err(format!("{} entries are left in queues", queue.queued));
        }
        Ok(())
    }

    async fn run_newest(&mut self) {
        self.look_once().await;
        let held = self.collectors.last().expect("a collector").held.clone();
        let mut plans = Plans::default();
        self.read(&mut plans).await;
        while !plans.objects.is_empty() || !plans.removed.is_empty() {
            self.collect_with(&held, &mut plans, 15, false).await;
        }
    }

    /// The schedules reached all that they are about.
    pub(super) fn assert_everything_happened(&self) {
        for what in [
            "an object twice",
            "blob",
            "changed meanwhile",
            "fenced",
            "link",
            "mounted",
            "object",
            "promised",
            "pushed",
            "refused",
            "taken over",
        ] {
            let times = self.happened.get(what).copied().unwrap_or(0);
            assert!(times > 10, "{what}: {times} times");
        }
    }
}
