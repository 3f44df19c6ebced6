//! What the server takes stays within bounds: memory while large layers pass, others' time while
//! readers are slow, the time of a start.
//!
//! `LARDER_TEST_LARGE_MIB`: the size of the large layer (a release is tested with 2048).

#![expect(clippy::print_stdout, reason = "what a run was like")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_model::{Algorithm, Digest, Hasher};
use larder_tests::http::{read_head, read_response};
use larder_tests::image::{MANIFEST, put_manifest};
use larder_tests::random::Random;
use larder_tests::tools::allow_open_files;
use larder_tests::{Bucket, Client, Image, Larder, Shelf, Start, Upstream, archive, tool};
use serde_json::json;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;
/// The promise while layers of any size pass is 150 MiB. 40 of them are the program's own code, which
/// differs by build: without optimization it is 60.
const MAX_MEMORY: u64 = (150 - 40) * MIB;
/// The promise while many install from what is not kept yet. Builds without optimization take up to 200
/// MiB for what takes 130 else.
const INSTALLING_MEMORY: u64 = 240 * MIB;
/// The promise while nothing happens, without the program's own code: 19 MiB of it are what a hash of a
/// password fills.
const IDLE_MEMORY: u64 = 32 * MIB;
/// What readers of hostile documents and publications take together beside that.
const HOSTILE_MEMORY: u64 = 96 * MIB;
/// What bombs of any number take together beside that,
const BOMBS_MEMORY: u64 = 64 * MIB;
/// and large documents: the largest that is taken (128 MiB), and what comes beside it.
const LARGE_DOCUMENT_MEMORY: u64 = (128 + 96) * MIB;
/// The promise of a start.
const READY: Duration = Duration::from_secs(1);
const PIECE_BYTES: usize = 1 << 20;

fn larder() -> Start {
    Start::of(env!("CARGO_BIN_EXE_larder"))
}

fn large_mib() -> u64 {
    std::env::var("LARDER_TEST_LARGE_MIB")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(512)
}

/// A layer that is made as it is sent: random bytes with a number in each piece.
struct Layer {
    piece: Vec<u8>,
    pieces: u64,
}

impl Layer {
    fn of_mib(mib: u64) -> Self {
        Self {
            piece: Random::seeded().bytes(PIECE_BYTES),
            pieces: mib,
        }
    }

    fn bytes(&self) -> u64 {
        self.pieces * self.piece.len() as u64
    }

    fn each(&mut self, mut take: impl FnMut(&[u8])) {
        for number in 0..self.pieces {
            self.piece[..8].copy_from_slice(&number.to_le_bytes());
            take(&self.piece);
        }
    }

    /// Pushes it by POST, a streamed PATCH and PUT.
    fn push(&mut self, client: &Client) -> Digest {
        let started = client
            .send("POST", "/v2/team/large/blobs/uploads/", &[], b"")
            .expect(202);
        let length = usize::try_from(self.bytes()).expect("size");
        let head = client.head(
            "PATCH",
            started.header("location").expect("location"),
            &[],
            Some(length),
        );
        let mut stream = client.connect().expect("connect");
        stream.write_all(&head).expect("head");
        let mut hasher = Hasher::new(Algorithm::Sha256);
        self.each(|piece| {
            stream.write_all(piece).expect("piece");
            hasher.update(piece);
        });
        let patched = read_response(&mut BufReader::new(stream), "PATCH")
            .expect("answer")
            .expect(202);
        let digest = hasher.finish();
        let location = patched.header("location").expect("location");
        client
            .send("PUT", &format!("{location}&digest={digest}"), &[], b"")
            .expect(201);
        digest
    }
}

/// Asks for a blob; the answer's body waits in the stream.
fn ask(client: &Client, digest: &Digest) -> BufReader<TcpStream> {
    let mut stream = client.connect().expect("connect");
    let path = format!("/v2/team/large/blobs/{digest}");
    stream
        .write_all(&client.head("GET", &path, &[], None))
        .expect("request");
    let mut stream = BufReader::new(stream);
    read_head(&mut stream).expect("answer").expect(200);
    stream
}

/// Reads the rest of a blob, in pieces; its digest and size.
fn read_on(stream: &mut impl Read, mut hasher: Hasher) -> (Digest, u64) {
    let (mut piece, mut size) = (vec![0; PIECE_BYTES], 0);
    loop {
        match stream.read(&mut piece).expect("piece") {
            0 => return (hasher.finish(), size),
            count => {
                hasher.update(&piece[..count]);
                size += count as u64;
            }
        }
    }
}

fn mib(bytes: u64) -> u64 {
    bytes / MIB
}

#[track_caller]
fn check_memory(larder: &Larder, what: &str) {
    let (now, most) = larder.own_memory();
    println!("memory {what}: {} MiB, at most {} MiB", mib(now), mib(most));
    assert!(most < MAX_MEMORY, "{what}: {} MiB of memory", mib(most));
}

fn passes(larder: &Larder, mib: u64) {
    let mut layer = Layer::of_mib(mib);
    let began = Instant::now();
    let digest = layer.push(&larder.admin());
    let pushed = began.elapsed();
    check_memory(larder, "after a push");
    let began = Instant::now();
    let (came, size) = read_on(
        &mut ask(&larder.admin(), &digest),
        Hasher::new(Algorithm::Sha256),
    );
    assert_eq!((came, size), (digest, layer.bytes()));
    println!(
        "{mib} MiB: pushed in {pushed:?}, pulled in {:?}",
        began.elapsed()
    );
    check_memory(larder, "after a pull");
}

#[test]
fn a_large_layer_passes_in_little_memory() {
    passes(&larder().start(), large_mib());
}

#[test]
fn a_large_layer_passes_to_s3_in_little_memory() {
    let Some(s3) = Bucket::s3_files() else { return };
    passes(&s3.holds_blobs_of(larder()).start(), large_mib() / 4);
}

/// Reads a backup with a large layer in it; its size.
fn backs_up(larder: &Larder, mib: u64) {
    let mut layer = Layer::of_mib(mib);
    layer.push(&larder.admin());
    let began = Instant::now();
    let client = larder.admin();
    let mut stream = client.connect().expect("connect");
    let head = client.head("GET", "/api/v1/backup", &[], None);
    stream.write_all(&head).expect("request");
    let mut stream = BufReader::new(stream);
    let answer = read_head(&mut stream).expect("answer").expect(200);
    let told = answer.header("content-length").expect("length");
    let (_, size) = read_on(&mut stream, Hasher::new(Algorithm::Sha256));
    assert_eq!(told, size.to_string());
    assert!(size > layer.bytes());
    println!("{mib} MiB: backed up in {:?}", began.elapsed());
    check_memory(larder, "after a backup");
}

#[test]
fn a_backup_of_a_large_layer_is_read_in_little_memory() {
    backs_up(&larder().start(), large_mib());
}

#[test]
fn a_backup_of_a_large_layer_is_read_from_s3_in_little_memory() {
    let Some(s3) = Bucket::s3_files() else { return };
    backs_up(&s3.holds_blobs_of(larder()).start(), large_mib() / 4);
}

/// Copies a wheel that nobody has read from a mirror to a hosted repository.
fn promotes(larder: &Larder, mib: usize) {
    let upstream = Upstream::start();
    let mut shelf = Shelf::new("pypi", &upstream);
    let content = Random::seeded().bytes(mib << 20);
    let info = |file: &str| format!("demo-1.0.0.dist-info/{file}");
    let metadata = Shelf::metadata("1.0.0");
    let wheel = archive::zip(&[
        ("demo.bin", &content),
        (&info("METADATA"), metadata.as_bytes()),
        (&info("WHEEL"), b"Wheel-Version: 1.0\n"),
        (&info("RECORD"), b""),
    ]);
    shelf.put(&upstream, "1.0.0", &wheel);
    let up = json!({"protocol": "pypi", "name": "up", "kind": "mirror",
        "upstream": {"url": shelf.url(&upstream), "allow_private": true}});
    larder.api("POST", "repositories", &up.to_string(), 201);
    let began = Instant::now();
    let version = "repositories/pypi/up/packages/demo/versions/1.0.0/copy";
    let to = r#"{"to":{"repository":"pypi/local"}}"#;
    let copied = larder.api("POST", version, to, 200);
    println!("{mib} MiB: promoted in {:?}", began.elapsed());
    let bytes = (wheel.len() + metadata.len()) as u64;
    assert_eq!(copied["bytes"], json!(bytes));
    check_memory(larder, "after a promotion");
}

#[test]
fn a_large_version_is_promoted_in_little_memory() {
    promotes(&larder().start(), 256);
}

#[test]
fn a_large_version_is_promoted_within_s3_in_little_memory() {
    let Some(s3) = Bucket::s3_files() else { return };
    promotes(&s3.holds_blobs_of(larder()).start(), 256);
}

#[test]
fn slow_readers_hold_up_nobody() {
    const READERS: usize = 1000;
    let Some(limited) = tool("prlimit") else {
        return;
    };
    allow_open_files();
    let wrapper = [&*limited.to_string_lossy(), "--nofile=1024:16384"]; // what a service is given, and may raise
    let larder = larder().under(&wrapper).start();
    let image = Image::random(&mut Random::seeded(), &[1000]);
    image.push(&larder.admin(), "team/app", "v1");
    let mut layer = Layer::of_mib(64);
    let digest = layer.push(&larder.admin());
    let mut readers = Vec::with_capacity(READERS);
    for _ in 0..READERS {
        let mut reader = ask(&larder.admin(), &digest);
        let mut first = [0; 100];
        reader.read_exact(&mut first).expect("the first bytes");
        readers.push((reader, first));
    }
    let began = Instant::now();
    for _ in 0..200 {
        image.check(&larder.admin(), "team/app", "v1");
    }
    println!(
        "200 pulls of a small image beside {READERS} slow readers took {:?}",
        began.elapsed()
    );
    check_memory(&larder, "with slow readers");
    for (mut reader, first) in readers.into_iter().step_by(100) {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(&first);
        let (came, _) = read_on(&mut reader, hasher);
        assert_eq!(came, digest, "whoever reads slowly reads all");
    }
}

/// A package at an upstream of npm: its packument as its size is, and one tarball.
fn put_package(upstream: &Upstream, name: &str, versions: usize, tarball: &[u8]) {
    let integrity = STANDARD.encode(Digest::of(Algorithm::Sha512, tarball).bytes());
    let version = |number: usize| {
        let tarball = format!("{}{name}/-/{name}-1.0.{number}.tgz", upstream.url());
        let dist = json!({"tarball": tarball, "integrity": format!("sha512-{integrity}")});
        let scripts = json!({"test": "t".repeat(1500)}); // what a short form leaves out
        let version = format!("1.0.{number}");
        (
            version.clone(),
            json!({"name": name, "version": version, "scripts": scripts, "dist": dist}),
        )
    };
    let all: serde_json::Map<_, _> = (0..versions).map(version).collect();
    let packument = json!({"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": all});
    upstream.put(&format!("/{name}"), packument.to_string());
    upstream.put(&format!("/{name}/-/{name}-1.0.0.tgz"), tarball);
}

/// Makes a mirror of npm.
fn mirror(larder: &Larder, name: &str, upstream: &Upstream) {
    let mirror = json!({"protocol": "npm", "name": name, "kind": "mirror",
        "upstream": {"url": upstream.url(), "allow_private": true}});
    larder.api("POST", "repositories", &mirror.to_string(), 201);
}

#[test]
fn sixty_four_install_in_little_memory() {
    const PACKAGES: usize = 120;
    const CLIENTS: usize = 64;
    let (upstream, mut random) = (Upstream::start(), Random::seeded());
    let tarballs: Vec<Vec<u8>> = (0..PACKAGES)
        .map(|number| random.bytes(20_000 + number % 10 * 100_000))
        .collect();
    for (number, tarball) in tarballs.iter().enumerate() {
        let versions = if number % 12 == 0 {
            2500
        } else {
            10 + number % 200
        };
        put_package(&upstream, &format!("p{number}"), versions, tarball);
    }
    let larder = larder().start();
    larder.grant("anonymous", "*", "*", "reader");
    mirror(&larder, "up", &upstream);
    let began = Instant::now();
    std::thread::scope(|all| {
        for first in 0..CLIENTS {
            let (client, tarballs) = (larder.anonymous(), &tarballs);
            all.spawn(move || {
                for number in (0..PACKAGES).map(|at| (at + first / 8) % PACKAGES) {
                    let accept = [
                        ("accept", "application/vnd.npm.install-v1+json"),
                        ("accept-encoding", "gzip"),
                    ];
                    let name = format!("p{number}");
                    client
                        .send("GET", &format!("/npm/up/{name}"), &accept, b"")
                        .expect(200);
                    let tarball = client
                        .get(&format!("/npm/up/{name}/-/{name}-1.0.0.tgz"))
                        .expect(200);
                    assert!(tarball.body == tarballs[number], "{name} has other bytes");
                }
            });
        }
    });
    let (now, most) = larder.memory();
    println!(
        "{CLIENTS} installed {PACKAGES} packages in {:?}: {} MiB, at most {}",
        began.elapsed(),
        mib(now),
        mib(most)
    );
    assert!(most < INSTALLING_MEMORY, "{} MiB of memory", mib(most));
    let asked = upstream.take_asked().len();
    assert_eq!(asked, 2 * PACKAGES, "each thing is asked for once");
}

/// So many come at once.
const BODIES: usize = 6;

/// Publications whose text is all fields, a hostile one for each writer at once.
#[test]
fn hostile_publications_take_little_memory() {
    let larder = larder().start();
    let token = larder.token_of("admin");
    let mut body = br#"{"name":"bomb","versions":{"1.0.0":{"0":1"#.to_vec();
    for number in 1..1_900_000 {
        write!(body, ",\"{number}\":1").expect("text");
    }
    body.extend(b"}}}");
    let (_, before) = larder.memory();
    std::thread::scope(|scope| {
        for _ in 0..BODIES {
            scope.spawn(|| {
                let bearer = format!("Bearer {token}");
                let headers = [
                    ("content-type", "application/json"),
                    ("authorization", &*bearer),
                ];
                let client = larder.anonymous();
                let refused = client.send("PUT", "/npm/local/bomb", &headers, &body);
                assert!(matches!(refused.status, 400 | 413), "{}", refused.text());
            });
        }
    });
    let (_, most) = larder.memory();
    println!(
        "memory of {BODIES} bodies of {} MiB: +{} MiB",
        mib(body.len() as u64),
        mib(most - before)
    );
    assert!(
        most - before < HOSTILE_MEMORY,
        "+{} MiB",
        mib(most - before)
    );
}

/// What it takes beside what it took when upstreams answer with this body, all at once.
fn memory_of_hostile(upstreams: usize, body: &[u8], packed: bool, said: &str) -> u64 {
    let encoding = [("content-encoding", "gzip")];
    let headers = if packed { &encoding[..] } else { &[] };
    let larder = larder().start();
    larder.grant("anonymous", "*", "*", "reader");
    let (mut all, mut paths) = (Vec::new(), Vec::new());
    for number in 0..upstreams {
        let upstream = Upstream::start();
        for package in 0..BODIES {
            upstream.put_with(&format!("/p{package}"), body, headers);
            paths.push(format!("/npm/up{number}/p{package}"));
        }
        mirror(&larder, &format!("up{number}"), &upstream);
        all.push(upstream);
    }
    let (_, before) = larder.memory();
    std::thread::scope(|scope| {
        for path in &paths {
            let client = larder.anonymous();
            scope.spawn(move || {
                let refused = client.get(path).expect(502).text();
                assert!(refused.contains(said), "{refused}");
            });
        }
    });
    let (_, most) = larder.memory();
    let (took, documents) = (most - before, paths.len());
    println!(
        "memory of {documents} hostile documents: +{} MiB",
        mib(took)
    );
    took
}

/// 120 MiB of fields that make no packument.
fn hostile_packument() -> Vec<u8> {
    let fields = r#""":{},"#.repeat(20 << 20);
    format!(r#"{{"name":"x","versions":{{{fields}"1.0.0":{{}}}}}}"#).into_bytes()
}

#[test]
fn hostile_packed_documents_take_little_memory() {
    let bomb = archive::gzip(&hostile_packument());
    let took = memory_of_hostile(5, &bomb, true, "unpacks to too much");
    assert!(took < BOMBS_MEMORY, "+{} MiB", mib(took));
}

/// However many come at once, one of them is in memory.
#[test]
fn large_documents_are_in_memory_one_after_the_other() {
    let body = hostile_packument();
    let took = memory_of_hostile(1, &body, false, "did not send a packument");
    assert!(took < LARGE_DOCUMENT_MEMORY, "+{} MiB", mib(took));
}

#[test]
fn idle_it_takes_little_memory() {
    let mut larder = larder().start();
    larder.admin().get("/v2/").expect(200);
    let (first, _) = larder.own_memory();
    larder.kill();
    larder.start_again();
    larder.anonymous().get("/readyz").expect(200);
    let (second, _) = larder.own_memory();
    let (once, twice) = (mib(first), mib(second));
    println!(
        "idle memory: {once} MiB after the first start and a login, {twice} MiB after another"
    );
    assert!(first < IDLE_MEMORY && second < IDLE_MEMORY);
}

#[test]
fn a_hundred_thousand_tags_do_not_slow_a_start() {
    const TAGS: usize = 100_000;
    let mut larder = larder().start();
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[1000]);
    image.push(&admin, "team/app", "t000000");
    let names: Vec<String> = (0..TAGS).map(|number| format!("t{number:06}")).collect();
    for hundred in names.chunks(100) {
        let query: Vec<String> = hundred.iter().map(|name| format!("tag={name}")).collect();
        let reference = format!("{}?{}", image.digest, query.join("&"));
        put_manifest(&admin, "team/app", &reference, MANIFEST, &image.manifest).expect(201);
    }
    assert_eq!(larder.stop(), Some(0));
    for how in ["a stop", "a kill"] {
        let began = Instant::now();
        larder.start_again();
        let took = began.elapsed();
        println!("ready {took:?} after {how}, with {TAGS} tags");
        assert!(took < READY, "ready only after {took:?}");
        let list = larder.admin().get("/v2/team/app/tags/list").expect(200);
        assert_eq!(list.header("link"), None);
        let tags = list.json()["tags"].as_array().expect("tags").len();
        assert_eq!(tags, TAGS);
        image.check(&larder.admin(), "team/app", "t099999");
        println!("memory: {} MiB", mib(larder.memory().0));
        larder.kill();
    }
}
