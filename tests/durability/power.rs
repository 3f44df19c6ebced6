//! Power cuts instead of kills: what was not synced is lost by chance, and still all that was
//! acknowledged is there and whole.
//!
//! `LARDER_TEST_CUTS`: how often the power is cut; with `LARDER_TEST_LONG=1`, as a release is
//! tested, 200 times while the server serves and 100 times while it starts for the first time.

use super::{Bed, larder};
use crate::model::Journal;
use crate::trigger::Trigger;
use larder_tests::lossy::Cut;
use larder_tests::parcel::{JSON, npm};
use larder_tests::random::Random;
use larder_tests::tools::is_long;
use larder_tests::{Client, Larder, Lossy, Shelf, Upstream, run, tool};
use rustix::process::Signal;
use serde_json::json;
use std::path::Path;
use std::sync::Mutex;

/// Changes of the file system before a cut, at most: a push makes about ten.
const CHANGES: u64 = 600;
/// The same of a first start.
const STARTING: u64 = 700;
/// Versions of the package that the mirror's upstream has.
const VERSIONS: u64 = 6;

fn cuts(usual: u64, long: u64) -> u64 {
    std::env::var("LARDER_TEST_CUTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(if is_long() { long } else { usual })
}

/// SQLite's own check, of a copy: that must find nothing to mend.
fn check_database(data: &Path) {
    let Some(python) = tool("python3") else {
        return;
    };
    let copy = tempfile::tempdir().expect("temporary folder");
    for file in std::fs::read_dir(data).expect("data") {
        let file = file.expect("file").path();
        let name = file.file_name().and_then(|name| name.to_str());
        let name = name.expect("name").to_owned();
        if name.starts_with("larder.db") && !name.ends_with("-shm") {
            std::fs::copy(&file, copy.path().join(name)).expect("copy");
        }
    }
    let ask = "import sqlite3, sys\n\
        base = sqlite3.connect(sys.argv[1])\n\
        print(base.execute('pragma integrity_check').fetchall(), \
        base.execute('pragma foreign_key_check').fetchall())";
    let database = copy.path().join("larder.db");
    let mut command = larder_tests::tools::command(&python, copy.path());
    let said = run(command.args(["-c", ask]).arg(&database));
    assert_eq!(said.trim(), "[('ok',)] []");
}

/// Packages: those that are published here, and those of a mirror, that are fetched.
struct Packages {
    upstream: Upstream,
    shelf: Shelf,
    bodies: Vec<Vec<u8>>,
    /// Versions whose publishing was acknowledged, with what was published.
    published: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Packages {
    fn new(larder: &Larder, random: &mut Random) -> Self {
        let upstream = Upstream::start();
        let mut shelf = Shelf::new("npm", &upstream);
        let mut bodies = Vec::new();
        for version in 0..VERSIONS {
            // Larger ones are objects, smaller ones are rows.
            let size = if version % 2 == 0 { 300_000 } else { 1_000 };
            let body = random.bytes(size);
            shelf.put(&upstream, &format!("{version}.0.0"), &body);
            bodies.push(body);
        }
        let mirror = json!({"protocol": "npm", "name": "up", "kind": "mirror",
            "upstream": {"url": shelf.url(&upstream), "allow_private": true}});
        larder.api("POST", "repositories", &mirror.to_string(), 201);
        Self {
            upstream,
            shelf,
            bodies,
            published: Mutex::default(),
        }
    }

    fn tarball(&self, version: u64) -> String {
        self.shelf.artifact_here(&format!("{version}.0.0"))
    }

    /// Publishes, fetches and forgets until the server is gone.
    fn run(&self, client: &Client, round: u64, seed: u64) {
        let mut random = Random::new(seed);
        for number in 0.. {
            let version = random.below(VERSIONS);
            let gone = match number % 3 {
                0 => self.publish(client, &format!("{round}.{number}.0"), &mut random),
                1 => Self::forget(client, version),
                _ => self.fetch(client, version),
            };
            if gone {
                return;
            }
        }
    }

    /// Whether the server is gone.
    fn publish(&self, client: &Client, version: &str, random: &mut Random) -> bool {
        let size = if random.below(2) == 0 { 100_000 } else { 500 };
        let parcel = npm("local", "demo", version, &random.bytes(size));
        let Ok(answer) = client.try_send("PUT", &parcel.path, &JSON, &parcel.body) else {
            return true;
        };
        if answer.status >= 500 {
            return true;
        }
        assert!(answer.status < 300, "{} {}", answer.status, answer.text());
        let mut published = self.published.lock().expect("published");
        published.push((version.to_owned(), parcel.tarball));
        false
    }

    /// Has the mirror fetch a version anew, the next time. Whether the server is gone.
    fn forget(client: &Client, version: u64) -> bool {
        let path = format!("/api/v1/repositories/npm/up/packages/demo/versions/{version}.0.0");
        let answer = client.try_send("DELETE", &path, &[], b"");
        answer.is_err()
    }

    /// Whether the server is gone.
    fn fetch(&self, client: &Client, version: u64) -> bool {
        let Ok((answer, whole)) = client.take(&self.tarball(version), &[]) else {
            return true;
        };
        if answer.status == 200 && whole {
            let body = &self.bodies[usize::try_from(version).expect("small")];
            assert!(answer.body == *body, "{version} came different");
        }
        answer.status >= 500 || !whole
    }

    fn check(&self, client: &Client) {
        for (version, body) in self.published.lock().expect("published").iter() {
            let path = format!("/npm/local/demo/-/demo-{version}.tgz");
            let answer = client.get(&path).expect(200);
            assert!(answer.body == *body, "{version} came back different");
        }
        for (version, body) in (0..).zip(&self.bodies) {
            let answer = client.get(&self.tarball(version)).expect(200);
            assert!(answer.body == *body, "{version} came different");
        }
        self.upstream.take_asked();
    }
}

/// Cuts the power while all write; `by_change`: at a change of the file system, else after a step
/// of a request.
fn write_until_cut(
    bed: &mut Bed,
    (lossy, packages): (&Lossy, &Packages),
    number: u64,
) -> Vec<Journal> {
    let by_change = bed.random.below(2) == 0;
    let trigger = if by_change {
        let change = 1 + bed.random.below(CHANGES);
        lossy.cut_after(change, bed.larder.pid());
        Trigger::elsewhere()
    } else {
        Trigger::random(&mut bed.random, bed.larder.pid(), Signal::KILL)
    };
    let (client, seed) = (bed.larder.admin(), bed.random.number());
    std::thread::scope(|scope| {
        scope.spawn(|| packages.run(&client, number, seed));
        bed.write_until(number, trigger)
    })
}

#[test]
fn power_cuts_lose_nothing() {
    let Some(mut lossy) = Lossy::mount() else {
        return;
    };
    let data = lossy.folder().join("data");
    // Each time it is another boot.
    let boots = tempfile::tempdir().expect("temporary folder");
    let boot = boots.path().join("boot_id");
    std::fs::write(&boot, "0").expect("boot id");
    let start = larder()
        .with("LARDER_SERVER__LIMITS__API_REQUESTS_PER_SECOND", "0")
        .with("LARDER_TEST_BOOT_ID", boot.to_str().expect("path"));
    let mut bed = Bed::new(start.in_folder(&data));
    bed.loses_chunks = true;
    let packages = Packages::new(&bed.larder, &mut bed.random);
    let (cuts, mut cut) = (cuts(8, 200), Cut::default());
    for number in 0..cuts {
        let journals = write_until_cut(&mut bed, (&lossy, &packages), number);
        bed.larder.kill();
        cut += lossy.cut(&mut bed.random);
        std::fs::write(&boot, (number + 1).to_string()).expect("boot id");
        check_database(&data);
        bed.start_again();
        bed.check(journals);
        packages.check(&bed.larder.admin());
    }
    println!("{} changes were lost, {} kept", cut.lost, cut.kept);
    assert!(cut.lost > 0 && cut.kept > 0, "nothing was at stake");
    bed.end(cuts, &data.join("storage/blobs"));
}

/// The first start makes the database, migration by migration, the keys, and the administrator.
#[test]
fn a_first_start_goes_on_after_power_cuts() {
    let mut random = Random::seeded();
    let mut lost = 0;
    let cuts = cuts(6, 100);
    let mut left = cuts;
    while left > 0 {
        let Some(mut lossy) = Lossy::mount() else {
            return;
        };
        let data = lossy.folder().join("data");
        // Several cuts may follow one another before it is ready once.
        let in_a_row = 1 + random.below(left.min(4));
        for _ in 0..in_a_row {
            let mut larder = larder().in_folder(&data).begin();
            lossy.cut_after(1 + random.below(STARTING), larder.pid());
            larder.await_ready_or_end();
            larder.kill();
            lost += lossy.cut(&mut random).lost;
            left -= 1;
        }
        let larder = larder().in_folder(&data).start();
        larder.admin().get("/api/v1/users").expect(200);
        drop(larder);
        check_database(&data);
    }
    println!("{cuts} cuts, {lost} changes were lost");
    assert!(lost > 0, "nothing was at stake");
}
