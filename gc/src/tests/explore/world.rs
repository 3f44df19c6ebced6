//! One blob, two images, two collectors, a store, and a clock that is turned by hand.

mod clients;
mod collectors;

use super::{Dice, without_trash};
use crate::{RunWaits, Waits};
use larder_metadata::Metadata;
use larder_metadata::collection::{DueBlob, DueLink, GoneObject};
use larder_metadata::files::PackageKey;
use larder_metadata::jobs::{HeldJob, JobEnd, NewJob};
use larder_metadata::repos::NewRepo;
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
        without_trash(&metadata, repo.id).await;
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
