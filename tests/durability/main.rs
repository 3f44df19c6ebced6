//! Kills at random moments under concurrent writers: whatever was acknowledged is there and whole
//! after the restart, which needs no hand and is short.
//!
//! After each kill the audit trail tells of every change that there is, and of no other.
//!
//! `LARDER_TEST_KILLS`: how often the server is killed; with `LARDER_TEST_LONG=1`, as a release is
//! tested, 200 times.

#![expect(clippy::print_stdout, reason = "what a run was like")]

mod audit;
mod model;
mod trigger;
mod writer;

mod power;

use audit::Trail;
use larder_model::{Algorithm, Hasher};
use larder_tests::random::Random;
use larder_tests::tools::is_long;
use larder_tests::{Bucket, Larder, Postgres, Start};
use model::{Journal, Model};
use rustix::process::Signal;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use trigger::Trigger;
use writer::{Round, Stocked, Writer};

const WRITERS: usize = 8;
/// The promise: ready within this time after a kill.
const READY: Duration = Duration::from_secs(5);
/// Of what was acknowledged in earlier rounds so much is read back after each; after the last, all
/// of it.
const OLDER: u64 = 100;

fn kills() -> u64 {
    std::env::var("LARDER_TEST_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| if is_long() { 200 } else { 12 })
}

fn larder() -> Start {
    Start::of(env!("CARGO_BIN_EXE_larder"))
}

/// What all rounds share.
struct Bed {
    larder: Larder,
    random: Random,
    writers: Vec<Writer>,
    stock: Mutex<Vec<Stocked>>,
    model: Model,
    trail: Trail,
    loses_chunks: bool,
    slowest: Duration,
    began: Instant,
}

impl Bed {
    fn new(start: Start) -> Self {
        let mut random = Random::seeded();
        Self {
            larder: start.start(),
            writers: (0..WRITERS)
                .map(|number| Writer::new(number, &mut random))
                .collect(),
            random,
            stock: Mutex::default(),
            model: Model::default(),
            trail: Trail::default(),
            loses_chunks: false,
            slowest: Duration::ZERO,
            began: Instant::now(),
        }
    }

    /// All writers write until the victim is dead and they notice.
    fn write_until_killed(&mut self, number: u64, victim: u32, signal: Signal) -> Vec<Journal> {
        let trigger = Trigger::random(&mut self.random, victim, signal);
        self.write_until(number, trigger)
    }

    fn write_until(&mut self, number: u64, trigger: Trigger) -> Vec<Journal> {
        let round = Round {
            client: self.larder.admin(),
            trigger,
            number,
            stock: &self.stock,
            loses_chunks: self.loses_chunks,
        };
        std::thread::scope(|scope| {
            let writing: Vec<_> = self
                .writers
                .iter_mut()
                .map(|writer| scope.spawn(|| writer.run(&round)))
                .collect();
            writing
                .into_iter()
                .map(|writer| writer.join().expect("writer"))
                .collect()
        })
    }

    fn check(&mut self, journals: Vec<Journal>) {
        let older: Vec<u64> = (0..OLDER).map(|_| self.random.number()).collect();
        let kept = journals.iter().flat_map(|journal| &journal.kept);
        let manifests = kept.map(|kept| kept.path.clone());
        let manifests: Vec<String> = manifests
            .filter(|path| path.contains("/manifests/sha256:"))
            .collect();
        let client = self.larder.admin();
        self.model.check_round(&client, journals, older.into_iter());
        self.trail.check(&client, &manifests);
    }

    fn kill_larder(&mut self, number: u64) {
        let journals = self.write_until_killed(number, self.larder.pid(), Signal::KILL);
        self.larder.kill();
        self.start_again();
        self.check(journals);
    }

    /// Within the promised time, and without a hand.
    fn start_again(&mut self) {
        let begun = Instant::now();
        self.larder.start_again();
        let took = begun.elapsed();
        assert!(took < READY, "ready only after {took:?}");
        self.slowest = self.slowest.max(took);
    }

    /// After the last round: everything ever acknowledged, and every object of the store.
    fn end(mut self, kills: u64, objects: &Path) {
        self.model.check_all(&self.larder.admin());
        let stored = check_objects(objects);
        let named = self.model.digests().len();
        println!(
            "{kills} kills, {} writes acknowledged, {} blobs and manifests ({named} digests), {} uploads resumed, \
             {} entries of the audit trail, {} reads, {stored} objects whole, ready within {:?}, {:?} in all",
            self.model.acknowledged,
            self.model.kept(),
            self.model.resumed,
            self.trail.read,
            self.model.read,
            self.slowest,
            self.began.elapsed(),
        );
    }
}

/// Hashes every object below `blobs`; how many there are.
fn check_objects(blobs: &Path) -> usize {
    let children = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder)
            .expect("folder")
            .map(|entry| entry.expect("entry").path())
            .collect()
    };
    let objects: Vec<PathBuf> = children(blobs)
        .iter()
        .flat_map(|algorithm| children(algorithm))
        .flat_map(|fan| children(&fan))
        .collect();
    for object in &objects {
        let name = object
            .file_name()
            .and_then(|name| name.to_str())
            .expect("name");
        let expected = name.split_once('.').expect("a digest and a generation").0;
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let mut file = File::open(object).expect("object");
        let mut piece = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut piece).expect("read");
            if count == 0 {
                break;
            }
            hasher.update(&piece[..count]);
        }
        assert_eq!(
            hasher.finish().hex(),
            expected,
            "{} is damaged",
            object.display()
        );
    }
    objects.len()
}

fn survives(start: Start, kills: u64, objects: Option<PathBuf>) {
    let mut bed = Bed::new(start);
    let objects = objects.unwrap_or_else(|| bed.larder.data().join("storage/blobs"));
    for number in 0..kills {
        bed.kill_larder(number);
    }
    bed.end(kills, &objects);
}

#[test]
fn kills_lose_nothing_in_a_folder() {
    survives(larder(), kills(), None);
}

#[test]
fn kills_lose_nothing_in_postgres() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    survives(
        larder().with("LARDER_DATABASE__URL", &postgres.database("kills")),
        kills().div_ceil(3),
        None,
    );
}

#[test]
fn kills_lose_nothing_in_s3() {
    let Some(s3) = Bucket::s3_files() else { return };
    survives(
        s3.holds_blobs_of(larder()),
        kills().div_ceil(3),
        Some(s3.objects().join("blobs")),
    );
}

/// The database dies instead: the server says that it cannot, and goes on by itself when the
/// database is back.
#[test]
fn crashes_of_postgres_lose_nothing() {
    let Some(mut postgres) = Postgres::start() else {
        return;
    };
    let mut bed = Bed::new(larder().with("LARDER_DATABASE__URL", &postgres.database("crashes")));
    let kills = kills().div_ceil(3);
    for number in 0..kills {
        let journals = bed.write_until_killed(number, postgres.pid(), Signal::QUIT);
        postgres.crash();
        bed.larder.anonymous().get("/readyz").expect(503);
        postgres.start_again();
        bed.larder.anonymous().get("/readyz").expect(200);
        bed.check(journals);
    }
    let objects = bed.larder.data().join("storage/blobs");
    bed.end(kills, &objects);
}
