//! Many clients at their worst beside an upstream at its worst; and then every byte that was kept
//! is the upstream's.
//!
//! `LARDER_TEST_REQUESTS`: how many requests.

#![expect(clippy::print_stdout, reason = "what a run was like")]

use crate::bed::{Bed, status};
use crate::flaps::fault;
use crate::images_wrong::{IMAGE, blob_path, here, manifest_path, put_image};
use crate::paths::BAD;
use larder_model::{Algorithm, Digest};
use larder_tests::http::Response;
use larder_tests::random::Random;
use larder_tests::tools::{command, run};
use larder_tests::{Client, Fault, Image, Shelf, tool};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

const CLIENTS: usize = 32;
const VERSIONS: usize = 40;
const IMAGES: usize = 12;
/// Every so many requests something becomes of the upstream.
const TURN: usize = 20;
const METHODS: [&str; 10] = [
    "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "G\u{1}T",
];
const HEADERS: [(&str, &str); 12] = [
    ("range", "bytes=0-0,5-9"),
    ("range", "bytes=9-3"),
    ("range", "lines=1-2"),
    ("if-none-match", "*"),
    ("if-none-match", "\"x\", W/\"y\""),
    ("if-range", "\"x\""),
    ("accept", "application/vnd.npm.install-v1+json"),
    (
        "accept",
        "text/html;q=0.1, application/vnd.pypi.simple.v1+json",
    ),
    ("accept-encoding", "gzip, br;q=0"),
    ("host", "elsewhere.example"),
    ("authorization", "Bearer nobody"),
    ("transfer-encoding", "chunked"),
];

/// What is asked for.
pub(crate) struct World {
    /// Artifacts by their address here, which never change.
    artifacts: BTreeMap<String, Vec<u8>>,
    /// Their addresses, in the order in which they become known.
    order: Vec<String>,
    /// Documents: their addresses here.
    documents: Vec<String>,
    /// Not to be exceeded, and how many were already.
    requests: usize,
    done: AtomicUsize,
}

fn pick<T: Clone>(random: &mut Random, from: &[T]) -> T {
    from[usize::try_from(random.below(from.len() as u64)).expect("place")].clone()
}

/// Packages of all protocols and images, each in sizes on both sides of the limits that matter.
fn world(bed: &Bed, random: &mut Random, requests: usize) -> (World, Vec<Shelf>) {
    let sizes = [1, 700, 65_536, 65_537, 400_000];
    let mut artifacts = BTreeMap::new();
    let mut shelves = bed.mirrors(&random.bytes(700));
    let mut documents = Vec::new();
    for shelf in &mut shelves {
        for at in 0..VERSIONS {
            let (version, body) = (format!("2.{at}.0"), random.bytes(sizes[at % sizes.len()]));
            shelf.put(&bed.upstream, &version, &body);
            if shelf.protocol == "pypi" {
                let metadata = Shelf::metadata(&version).into_bytes();
                artifacts.insert(
                    format!("{}.metadata", shelf.artifact_here(&version)),
                    metadata,
                );
            }
            artifacts.insert(shelf.artifact_here(&version), body);
        }
        documents.push(shelf.index_here());
    }
    let images = Shelf::new("oci", &bed.upstream);
    bed.make(
        &images,
        &json!({"url": bed.upstream.url(), "allow_private": true}),
    );
    for at in 0..IMAGES {
        let image = Image::random(random, &[700, sizes[at % sizes.len()], 300_000]);
        put_image(&bed.upstream, &format!("t{at}"), &image);
        documents.push(here(&manifest_path(&format!("t{at}"))));
        for (_, bytes) in &image.blobs {
            artifacts.insert(here(&blob_path(bytes)), bytes.clone());
        }
        artifacts.insert(
            here(&manifest_path(&image.digest.to_string())),
            image.manifest.clone(),
        );
    }
    documents.push(format!("/v2/up/{IMAGE}/tags/list"));
    documents
        .extend(["/rpm/up/repodata/primary.xml.gz", "/cargo/up/config.json"].map(str::to_owned));
    documents.push("/deb/up/Release".to_owned());
    shelves.push(images);
    let mut order: Vec<String> = artifacts.keys().cloned().collect();
    for at in 1..order.len() {
        order.swap(
            at,
            usize::try_from(random.below(at as u64 + 1)).expect("place"),
        );
    }
    (
        World {
            artifacts,
            order,
            documents,
            requests,
            done: AtomicUsize::new(0),
        },
        shelves,
    )
}

/// A path that is nearly one.
fn nearly(random: &mut Random, path: &str) -> String {
    let at = usize::try_from(random.below(path.len() as u64)).expect("place");
    let (begin, rest) = path.split_at(at);
    match random.below(8) {
        0 => format!("{begin}{}{rest}", pick(random, &BAD)),
        1 => format!("{begin}/{}/{rest}", pick(random, &BAD)),
        2 => begin.to_owned(),
        3 => format!("{path}{rest}"),
        4 => path.to_uppercase(),
        5 => format!(
            "{path}?{}={}",
            pick(random, &BAD),
            pick(random, &["", "x", "%00", "../.."])
        ),
        6 => format!("{begin}%{:02x}{rest}", random.below(256)),
        _ => path.replace(
            "demo",
            pick(
                random,
                &[
                    "Demo",
                    "de_mo",
                    "demo-",
                    "..demo",
                    "d%65mo",
                    "@x%2fdemo",
                    "other",
                ],
            ),
        ),
    }
}

/// What it says is right, if it is said to be all.
fn check(world: &World, path: &str, answer: &Response, whole: bool) {
    let told = (answer.status, &answer.headers);
    assert_ne!(answer.status, 500, "{path}: {told:?} {}", answer.text());
    if let (Some(right), 200, true) = (world.artifacts.get(path), answer.status, whole) {
        assert!(answer.body == *right, "{path} has other bytes: {told:?}");
    }
}

/// A part of an artifact.
fn part(world: &World, client: &Client, random: &mut Random, path: &str, size: usize) {
    let (from, to) = (
        random.below(size as u64 + 10),
        random.below(size as u64 + 10),
    );
    let range = match random.below(3) {
        0 => format!("bytes={from}-"),
        1 => format!("bytes=-{to}"),
        _ => format!("bytes={from}-{to}"),
    };
    let Ok((answer, whole)) = client.take(path, &[("range", &range)]) else {
        return;
    };
    if answer.status != 206 || !whole {
        return check(world, path, &answer, whole);
    }
    let told = answer
        .header("content-range")
        .unwrap_or_else(|| panic!("{path} {range}: {:?}", answer.headers));
    let numbers: Vec<usize> = told
        .split(|char: char| !char.is_ascii_digit())
        .filter_map(|text| text.parse().ok())
        .collect();
    assert_eq!(numbers[2], size, "{path} {range}: {told}");
    assert!(
        answer.body == world.artifacts[path][numbers[0]..=numbers[1]],
        "{path} {range}: {told}"
    );
}

/// A request that its client does not end, or of which it does not await the answer.
fn leave(client: &Client, random: &mut Random, path: &str) {
    let Ok(mut stream) = client.connect() else {
        return;
    };
    let head = client.head("GET", path, &[], None);
    let sent = if random.below(3) == 0 {
        usize::try_from(random.below(head.len() as u64)).expect("place")
    } else {
        head.len()
    };
    let mut some = vec![0; usize::try_from(random.below(100_000)).expect("size")];
    // The server may have had enough before.
    if stream.write_all(&head[..sent]).is_ok() && sent == head.len() && random.below(2) == 0 {
        drop(stream.read(&mut some));
    }
}

fn ask(world: &World, client: &Client, random: &mut Random) {
    let artifact = random.below(4) > 0;
    // There is always something that nobody has asked for yet.
    let known = 1
        + (world.order.len() - 1) * world.done.load(Ordering::Relaxed).min(world.requests)
            / world.requests;
    let path = &pick(
        random,
        if artifact {
            &world.order[..known]
        } else {
            &world.documents
        },
    );
    match random.below(20) {
        0..=7 => {
            if let Ok((answer, whole)) = client.take(path, &[]) {
                check(world, path, &answer, whole);
            }
        }
        8..=9 if artifact => part(world, client, random, path, world.artifacts[path].len()),
        8..=9 => leave(client, random, path),
        10..=13 => {
            let path = nearly(random, path);
            if let Ok((answer, whole)) = client.take(&path, &[]) {
                check(world, &path, &answer, whole);
            }
        }
        14 => {
            if let Ok(answer) = client.try_send("HEAD", path, &[], b"") {
                assert_ne!(answer.status, 500, "HEAD {path}: {:?}", answer.headers);
                // What is on its way is as long as its upstream says, right or wrong.
                let said = answer.header("cache-status").unwrap_or_default();
                let is_kept = answer.status == 200 && said.starts_with("larder; hit");
                let length = answer.header("content-length");
                let length: Option<usize> = length.and_then(|length| length.parse().ok());
                let right = world.artifacts.get(path).map(Vec::len);
                let fits = length.is_none() || right.is_none() || length == right;
                assert!(!is_kept || fits, "HEAD {path}: {right:?} {answer:?}");
            }
        }
        15..=16 => {
            let size = random.below(300);
            let body = random.bytes(usize::try_from(size).expect("size"));
            if let Ok(answer) = client.try_send(pick(random, &METHODS), path, &[], &body) {
                assert!(
                    answer.status != 500 && answer.status != 201,
                    "{path}: {:?} {}",
                    answer.headers,
                    answer.text()
                );
            }
        }
        17..=18 => leave(client, random, path),
        _ => {
            if let Ok((answer, whole)) =
                client.take(path, &[pick(random, &HEADERS), pick(random, &HEADERS)])
            {
                check(
                    world,
                    path,
                    &answer,
                    whole && answer.header("content-encoding").is_none(),
                );
            }
        }
    }
}

/// A document is nobody's promise: its faults are those that show.
fn fault_of(random: &mut Random, path: &str, size: usize) -> Fault {
    let vouched = path.contains("/blobs/")
        || path.contains("sha256:")
        || path.contains("download")
        || [".tgz", ".whl", ".metadata", ".rpm", ".gz"]
            .iter()
            .any(|end| path.ends_with(end));
    match random.below(if vouched { 12 } else { 6 }) {
        0 => Fault::Status([429, 500, 503][usize::try_from(random.below(3)).expect("place")]),
        1 => Fault::Closed,
        2 => Fault::Later(429, 1),
        3 => Fault::Redirect(path.to_owned()),
        4 => Fault::NotModified,
        5 if size > 1 => {
            Fault::Truncated(usize::try_from(random.below(size as u64)).expect("place"))
        }
        _ if size < 3 => Fault::Closed,
        _ => fault(random, size),
    }
}

/// What becomes of the upstream meanwhile.
fn trouble(bed: &Bed, shelves: &mut [Shelf], random: &mut Random, turn: usize) {
    let paths = bed.upstream.paths();
    let path = pick(random, &paths);
    match random.below(10) {
        0..=4 => bed.upstream.fail(
            &path,
            fault_of(random, &path, bed.upstream.body(&path).len()),
        ),
        5 => bed.upstream.fail_all(Fault::Status(503)),
        6 => {
            let shelf = usize::try_from(random.below(4)).expect("place");
            shelves[shelf].put(&bed.upstream, &format!("3.{turn}.0"), &random.bytes(900));
        }
        7 => bed.turn(random.below(400)),
        _ => bed.upstream.heal(),
    }
    bed.rest(&shelves[turn % shelves.len()]);
}

/// All rows of the database, and every body in it is what its digest says.
const ROWS: &str = r"
import hashlib, json, sqlite3, sys
base = sqlite3.connect(sys.argv[1])
for digest, body in base.execute('select digest, body from blobs where body is not null'):
    algorithm, hexes = digest.split(':')
    assert hashlib.new(algorithm, body).hexdigest() == hexes, digest
rows = base.execute('select r.protocol, f.package, f.path, f.digest, f.kind from files f join repos r on r.id = f.repo')
print(json.dumps(rows.fetchall()))
";

/// Every object is what its name says; their number.
pub(crate) fn objects(folder: &std::path::Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            count += objects(&path);
            continue;
        }
        let name = path
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        let digest = Digest::of(Algorithm::Sha256, &std::fs::read(&path).expect("object")).hex();
        assert_eq!(
            name.split('.').next(),
            Some(digest.as_str()),
            "{}",
            path.display()
        );
        count += 1;
    }
    count
}

/// What is kept is told by the server while nothing can be asked.
fn kept(bed: &Bed, world: &World) -> usize {
    bed.larder
        .api("PATCH", "settings", r#"{"offline":true}"#, 200);
    let mut kept = 0;
    for (path, right) in &world.artifacts {
        let (answer, whole) = bed.taken(path);
        assert!(
            whole && matches!(answer.status, 200 | 403),
            "{path}: {} {}",
            answer.status,
            answer.text()
        );
        if answer.status == 200 {
            assert!(answer.body == *right, "{path} was kept with other bytes");
            kept += 1;
        }
    }
    for path in &world.documents {
        let (answer, whole) = bed.taken(path);
        assert!(
            whole && matches!(answer.status, 200 | 403),
            "{path}: {} {}",
            answer.status,
            answer.text()
        );
        if answer.status == 200 && path.starts_with("/npm") {
            let versions = answer.json()["versions"]
                .as_object()
                .expect("versions")
                .len();
            assert!(versions > VERSIONS, "{versions}");
        }
    }
    kept
}

/// In the database and the store, once nobody works on them.
fn stored(bed: &mut Bed) {
    assert_eq!(bed.larder.stop(), Some(0));
    println!(
        "{} objects",
        objects(&bed.larder.data().join("storage/blobs"))
    );
    let Some(python) = tool("python3") else {
        return bed.start_again();
    };
    let mut rows = command(&python, bed.larder.folder());
    let rows = run(rows
        .args(["-c", ROWS])
        .arg(bed.larder.data().join("larder.db")));
    let rows: Vec<Value> = serde_json::from_str(rows.trim()).expect("rows");
    assert!(rows.len() > 50, "{rows:?}");
    for row in rows {
        let digest = row[3].as_str().expect("digest");
        // Representations are made here, of documents that are rows too.
        assert!(
            row[4] == "representation" || bed.upstream.ever_had(digest),
            "{row} is nothing that ever was upstream"
        );
    }
    bed.start_again();
}

/// So many hostile requests; what the world was like.
pub(crate) fn rage(bed: &Bed, requests: usize) -> (World, Vec<Shelf>) {
    let mut random = Random::seeded();
    let (world, mut shelves) = world(bed, &mut random, requests);
    let world = Arc::new(world);
    let (done, each) = mpsc::channel();
    let client = |_| {
        let (world, client, done) = (Arc::clone(&world), bed.client.clone(), done.clone());
        let mut random = Random::new(random.number());
        std::thread::spawn(move || {
            while world.done.fetch_add(1, Ordering::Relaxed) < world.requests {
                ask(&world, &client, &mut random);
                done.send(()).expect("who counts");
            }
        })
    };
    let clients: Vec<_> = (0..CLIENTS).map(client).collect();
    drop(done);
    for (at, ()) in each.iter().enumerate() {
        if at % TURN == 0 {
            trouble(bed, &mut shelves, &mut random, at / TURN);
        }
    }
    for client in clients {
        client.join().expect("client");
    }
    bed.upstream.heal();
    println!("{requests} requests, {} upstream", bed.upstream.total());
    (
        Arc::into_inner(world).expect("a world of one's own"),
        shelves,
    )
}

/// Some of it was kept by chance, and all of it comes when the upstream is well.
pub(crate) fn all_is_right(bed: &Bed, world: &World, shelves: &[Shelf]) {
    let (by_chance, all) = (kept(bed, world), world.artifacts.len());
    println!("{by_chance} of {all} artifacts kept");
    assert!(by_chance * 8 > all, "{by_chance} of {all}");
    bed.larder
        .api("PATCH", "settings", r#"{"offline":false}"#, 200);
    bed.turn(10_000);
    for shelf in shelves {
        bed.rest(shelf);
    }
    for (path, right) in &world.artifacts {
        bed.right(path, right); // which goes out before it is kept
        bed.until(path, |answer| status(answer).starts_with("larder; hit"));
    }
    assert_eq!(kept(bed, world), all);
    let log = bed.larder.log_text();
    assert!(
        !log.contains("panicked") && !log.contains("crashed"),
        "{log}"
    );
}

#[test]
fn ten_thousand_hostile_requests_later_all_that_is_kept_is_right() {
    let requests = std::env::var("LARDER_TEST_REQUESTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10_000);
    let mut bed = Bed::with(&[("LARDER_CACHE__NOT_FOUND", "0s")]);
    let (world, shelves) = rage(&bed, requests);
    stored(&mut bed);
    all_is_right(&bed, &world, &shelves);
    stored(&mut bed);
}
