//! What writers and readers share: servers, layers, and what is there because somebody was told so.

use larder_tests::image::{Image, digest};
use larder_tests::random::Random;
use larder_tests::{Client, Larder};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a client may rely on what it was told; nothing else waits.
pub const LEASE: Duration = Duration::from_secs(2);
/// So many tags of an image a rule keeps.
pub const NEWEST: u64 = 3;
/// Layers that images are made of.
const LAYERS: usize = 24;

/// The servers under test: where each is now, and as whom it is asked.
pub struct Servers(Vec<Mutex<Client>>);

impl Servers {
    pub fn of(larders: &[&Larder]) -> Self {
        Self(larders.iter().map(|it| Mutex::new(it.admin())).collect())
    }
}

/// A version of a package that was published.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionKey {
    /// The one who published it.
    pub writer: usize,
    pub protocol: &'static str,
    pub name: String,
    pub version: String,
}

/// A file of it.
pub struct Published {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// What is there: images by name and tag, packages by version.
#[derive(Default)]
pub struct There {
    pub images: BTreeMap<(String, String), Arc<Image>>,
    pub packages: BTreeMap<VersionKey, Arc<Published>>,
    /// Images of the repository in which a rule keeps the newest alone.
    pub ruled: BTreeMap<(String, String), Arc<Image>>,
}

pub struct Shared {
    servers: Servers,
    end: Instant,
    over: AtomicBool,
    ended: (Mutex<()>, Condvar),
    /// Servers are killed: whoever has no answer asks again.
    pub kills: bool,
    pub layers: Vec<Vec<u8>>,
    there: Mutex<There>,
    pushes: AtomicU64,
    pulls: AtomicU64,
    late: AtomicU64,
}

/// Ends the round when its thread panics.
pub struct Over<'a>(&'a Shared);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

impl Shared {
    pub fn new(servers: Servers, length: Duration, kills: bool) -> Self {
        let mut random = Random::new(7);
        let size = |number: usize| {
            if number.is_multiple_of(3) {
                1000
            } else {
                80_000 + number * 1000
            }
        };
        Self {
            servers,
            end: Instant::now() + length,
            over: AtomicBool::new(false),
            ended: (Mutex::new(()), Condvar::new()),
            kills,
            layers: (0..LAYERS)
                .map(|number| random.bytes(size(number)))
                .collect(),
            there: Mutex::default(),
            pushes: AtomicU64::new(0),
            pulls: AtomicU64::new(0),
            late: AtomicU64::new(0),
        }
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed) || Instant::now() >= self.end
    }

    fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
        self.ended.1.notify_all();
    }

    pub fn over_on_panic(&self) -> Over<'_> {
        Over(self)
    }

    /// Waits for a moment; whether the round goes on then.
    pub fn wait_until(&self, moment: Instant) -> bool {
        let mut held = self.ended.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_over() {
            let now = Instant::now();
            if now >= moment {
                return true;
            }
            let wait = (moment - now).min(self.end.saturating_duration_since(now));
            let waited = self.ended.1.wait_timeout(held, wait);
            held = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    /// A server, by any number.
    pub fn client(&self, number: usize) -> Client {
        let server = &self.servers.0[number % self.servers.0.len()];
        server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A server is elsewhere now.
    pub fn moved(&self, number: usize, address: SocketAddr) {
        let server = &self.servers.0[number];
        let mut client = server.lock().unwrap_or_else(PoisonError::into_inner);
        *client = client.at(address);
    }

    pub fn there(&self) -> MutexGuard<'_, There> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn pushed(&self) {
        self.pushes.fetch_add(1, Ordering::Relaxed);
    }

    pub fn pulled(&self) {
        self.pulls.fetch_add(1, Ordering::Relaxed);
    }

    pub fn was_late(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    pub fn told(&self) -> String {
        let (pushes, pulls) = (&self.pushes, &self.pulls);
        let (pushes, pulls) = (
            pushes.load(Ordering::Relaxed),
            pulls.load(Ordering::Relaxed),
        );
        let late = self.late.load(Ordering::Relaxed);
        format!("{pushes} pushes and publishes, {late} too slow, {pulls} pulls and installs")
    }

    /// An image of some of the layers, with a config of its own.
    pub fn image(&self, random: &mut Random) -> Image {
        let config = json!({"architecture": "amd64", "os": "linux", "seed": random.number()});
        let count = 1 + random.below(4);
        let layer = |_| {
            let number = random.below(self.layers.len() as u64);
            self.layers[usize::try_from(number).expect("small")].clone()
        };
        let layers = (0..count).map(layer).collect();
        Image::of(config.to_string().into_bytes(), layers, &json!({}))
    }

    /// Everything that is there can be had, byte for byte.
    pub fn check_all(&self, client: &Client) {
        let there = self.there();
        for ((name, tag), image) in &there.images {
            image.check(client, name, tag);
        }
        for published in there.packages.values() {
            let found = client.get(&published.path).expect(200);
            assert!(
                found.body == published.bytes,
                "{} came back different",
                published.path
            );
        }
    }

    /// After the last run of rules, of which one may have been cut off: of each ruled image the newest
    /// are there, and what else is, is noted.
    pub fn forget_ruled(&self, client: &Client) {
        let mut there = self.there();
        let mut tags: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in there
            .ruled
            .keys()
            .map(|(name, _)| name.clone())
            .collect::<BTreeSet<_>>()
        {
            let list = client
                .get(&format!("/v2/{name}/tags/list"))
                .expect(200)
                .json();
            let list = list["tags"].as_array().expect("tags").clone();
            let list = list.iter().map(|tag| tag.as_str().expect("tag").to_owned());
            tags.insert(name, list.collect());
        }
        for (name, has) in &tags {
            // One whose push was cut off may be there too, and is newer than others.
            let known = there.ruled.keys().filter(|(of, _)| of == name);
            let known: BTreeSet<_> = known.map(|(_, tag)| tag.clone()).collect();
            let all: BTreeSet<_> = known.union(has).collect();
            for tag in all
                .into_iter()
                .rev()
                .take(usize::try_from(NEWEST).expect("small"))
            {
                assert!(has.contains(tag), "{name}:{tag} is gone");
            }
        }
        there
            .ruled
            .retain(|(name, tag), _| tags[name].contains(tag));
        for ((name, tag), image) in &there.ruled {
            image.check(client, name, tag);
        }
    }

    /// The digests of all that is there and is larger than `inline` bytes.
    pub fn needed(&self, inline: u64) -> BTreeSet<String> {
        let there = self.there();
        let images = there.images.values().chain(there.ruled.values());
        let blobs = images.flat_map(|image| &image.blobs);
        let blobs = blobs.map(|(digest, bytes)| (*digest, bytes.len()));
        let packages = there.packages.values();
        let packages = packages.map(|it| (digest(&it.bytes), it.bytes.len()));
        let large = blobs
            .chain(packages)
            .filter(|(_, size)| *size as u64 > inline);
        large.map(|(digest, _)| digest.to_string()).collect()
    }
}
