//! Many clients ask at once for what is not there yet; some of them leave.
//!
//! `LARDER_TEST_STAMPEDE_MIB`: the size of what five hundred ask for (a release is tested with
//! 256).

#![expect(clippy::print_stdout, reason = "what a run was like")]

use crate::bed::{Bed, status};
use larder_tests::http::read_head;
use larder_tests::random::Random;
use larder_tests::tools::allow_open_files;
use larder_tests::{Client, Fault, Shelf};
use std::io::{BufReader, Read, Write};
use std::sync::{Arc, Barrier, mpsc};
use std::time::{Duration, Instant};

/// Clients of the large stampede.
const MANY: usize = 500;
/// Bytes compared at once.
const PIECE_BYTES: usize = 64 * 1024;
/// What the server may take in memory while they all read.
const MAX_MEMORY: u64 = 150 << 20;

/// Whether an answer has these bytes, which are not held once more.
fn comes(client: &Client, path: &str, body: &[u8]) -> bool {
    let mut stream = client.connect().expect("connect");
    stream
        .write_all(&client.head("GET", path, &[], None))
        .expect("request");
    let mut stream = BufReader::new(stream);
    let head = read_head(&mut stream).expect("head");
    let length = body.len().to_string();
    let mut piece = vec![0; 64 * 1024];
    head.status == 200
        && head.header("content-length") == Some(&length)
        && body.chunks(piece.len()).all(|expected| {
            let piece = &mut piece[..expected.len()];
            stream.read_exact(piece).is_ok() && piece == expected
        })
}

/// Of each protocol: five hundred at once for the index, and for the artifact.
#[test]
fn five_hundred_clients_of_each_protocol_cost_one_request() {
    allow_open_files();
    let bed = Bed::new();
    let body = Random::seeded().bytes(100_000);
    for shelf in bed.all_mirrors(&body) {
        for (here, there) in [
            (shelf.index_here(), shelf.index()),
            (shelf.artifact_here("1.0.0"), shelf.artifact("1.0.0")),
        ] {
            let all = Arc::new(Barrier::new(MANY));
            let ask = |_| {
                let (all, client, path) = (Arc::clone(&all), bed.client.clone(), here.clone());
                std::thread::spawn(move || {
                    all.wait();
                    client.get(&path).expect(200).body
                })
            };
            let clients: Vec<_> = (0..MANY).map(ask).collect();
            let answers = clients
                .into_iter()
                .map(|client| client.join().expect("client"));
            let mut answers: Vec<Vec<u8>> = answers.collect();
            answers.dedup();
            assert_eq!(answers.len(), 1, "{here}: all have the same");
            assert_eq!(bed.upstream.count(&there), 1, "{here}");
        }
        bed.right(&shelf.artifact_here("1.0.0"), &body);
    }
}

#[test]
fn a_hundred_clients_cost_one_request() {
    let bed = Bed::new();
    let body = Arc::new(Random::seeded().bytes(8 << 20));
    a_hundred(&bed, &bed.mirrors(&body), &body);
}

/// A hundred clients at once for each artifact, that cost one request.
pub(crate) fn a_hundred(bed: &Bed, shelves: &[Shelf], body: &Arc<Vec<u8>>) {
    for shelf in shelves {
        let all = Arc::new(Barrier::new(100));
        let ask = |_| {
            let (all, body, client, path) = (
                Arc::clone(&all),
                Arc::clone(body),
                bed.client.clone(),
                shelf.artifact_here("1.0.0"),
            );
            std::thread::spawn(move || {
                all.wait();
                comes(&client, &path, &body)
            })
        };
        let clients: Vec<_> = (0..100).map(ask).collect();
        let right = clients
            .into_iter()
            .map(|client| client.join().expect("client"))
            .filter(|right| *right);
        assert_eq!(right.count(), 100, "{}", shelf.protocol);
        assert_eq!(
            bed.upstream.count(&shelf.artifact("1.0.0")),
            1,
            "{}",
            shelf.protocol
        );
        assert_eq!(bed.upstream.count(&shelf.index()), 1, "{}", shelf.protocol);
    }
}

/// Any number of different pieces: random bytes with the piece's number before them.
struct Pieces {
    random: Vec<u8>,
    count: usize,
}

impl Pieces {
    fn of_mib(mib: usize) -> Self {
        let random = Random::seeded().bytes(PIECE_BYTES - 8);
        Self {
            random,
            count: (mib << 20) / PIECE_BYTES,
        }
    }

    fn all(&self) -> Vec<u8> {
        (0..self.count as u64)
            .flat_map(|number| [&number.to_le_bytes()[..], &self.random].concat())
            .collect()
    }

    /// Whether all that comes are these bytes. When the first one came is told.
    fn come(&self, stream: &mut impl Read, came: &mpsc::Sender<Instant>) -> bool {
        let mut piece = vec![0; PIECE_BYTES];
        stream.read_exact(&mut piece[..1]).expect("the first byte");
        came.send(Instant::now()).expect("who waits for it");
        stream.read_exact(&mut piece[1..]).expect("the first piece");
        let is = |piece: &[u8], number: u64| {
            piece[..8] == number.to_le_bytes() && piece[8..] == self.random
        };
        is(&piece, 0)
            && (1..self.count as u64)
                .all(|number| stream.read_exact(&mut piece).is_ok() && is(&piece, number))
            && matches!(stream.read(&mut piece), Ok(0))
    }
}

/// All have begun before the upstream has sent the second half.
#[test]
fn five_hundred_clients_cost_one_request_and_wait_for_nobody() {
    let mib = std::env::var("LARDER_TEST_STAMPEDE_MIB")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(64);
    allow_open_files();
    let bed = Bed::with(&[("LARDER_CACHE__UPSTREAM_IDLE_TIME", "60s")]);
    let pieces = Arc::new(Pieces::of_mib(mib));
    let shelf = bed.mirror("npm", &pieces.all());
    let (here, there) = (shelf.artifact_here("1.0.0"), shelf.artifact("1.0.0"));
    bed.upstream.fail(&there, Fault::Held((mib << 20) / 2));
    let all = Arc::new(Barrier::new(MANY));
    let (came, coming) = mpsc::channel();
    let ask = |_| {
        let (all, came, client, path) = (
            Arc::clone(&all),
            came.clone(),
            bed.client.clone(),
            here.clone(),
        );
        let pieces = Arc::clone(&pieces);
        std::thread::spawn(move || {
            let mut stream = client.connect().expect("connect");
            all.wait();
            stream
                .write_all(&client.head("GET", &path, &[], None))
                .expect("request");
            let mut stream = BufReader::new(stream);
            let head = read_head(&mut stream).expect("head").expect(200);
            assert_eq!(
                head.header("content-length"),
                Some((mib << 20).to_string().as_str())
            );
            pieces.come(&mut stream, &came)
        })
    };
    let clients: Vec<_> = (0..MANY).map(ask).collect();
    let firsts: Vec<Instant> = coming.iter().take(MANY).collect();
    bed.upstream.release();
    let released = Instant::now();
    assert!(
        clients
            .into_iter()
            .all(|client| client.join().expect("client")),
        "a body is not right"
    );
    let took = released.elapsed();
    assert_eq!(bed.upstream.count(&there), 1);
    assert_eq!(bed.upstream.count(&shelf.index()), 1);
    let asked = bed
        .upstream
        .take_asked()
        .into_iter()
        .find(|asked| asked.path == there)
        .expect("it was asked for")
        .at;
    let mut waits: Vec<Duration> = firsts.into_iter().map(|first| first - asked).collect();
    waits.sort();
    let most = bed.larder.memory().1;
    println!(
        "{MANY} clients, {mib} MiB: first bytes {:?} to {:?} after the upstream was asked (median {:?}); \
         all of the rest after {took:?}; memory at most {} MiB",
        waits[0],
        waits[MANY - 1],
        waits[MANY / 2],
        most >> 20
    );
    assert!(most < MAX_MEMORY, "{} MiB of memory", most >> 20);
}

#[test]
fn a_hundred_clients_of_a_cold_index_cost_one_request() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"small") {
        let ask = |_| {
            let (client, path) = (bed.client.clone(), shelf.index_here());
            std::thread::spawn(move || client.get(&path).status)
        };
        let clients: Vec<_> = (0..100).map(ask).collect();
        assert!(
            clients
                .into_iter()
                .all(|client| client.join().expect("client") == 200),
            "{}",
            shelf.protocol
        );
        assert_eq!(bed.upstream.count(&shelf.index()), 1, "{}", shelf.protocol);
    }
}

/// Clients come while the first half is there: they get it at once, and the rest when it comes.
#[test]
fn who_comes_late_gets_the_begin_at_once() {
    let bed = Bed::with(&[("LARDER_CACHE__UPSTREAM_IDLE_TIME", "60s")]);
    let body = Random::seeded().bytes(8 << 20);
    for shelf in bed.mirrors(&body) {
        bed.upstream
            .fail(&shelf.artifact("1.0.0"), Fault::Held(6 << 20));
        let open = || {
            let mut stream = bed.client.connect().expect("connect");
            let head = bed
                .client
                .head("GET", &shelf.artifact_here("1.0.0"), &[], None);
            stream.write_all(&head).expect("request");
            let mut stream = BufReader::new(stream);
            let head = read_head(&mut stream).expect("head");
            assert_eq!(head.status, 200);
            let chunked = head.header("transfer-encoding").is_some();
            assert!(
                !chunked,
                "a length was announced upstream: {:?}",
                head.headers
            );
            let mut begin = vec![0; 4 << 20];
            stream.read_exact(&mut begin).expect("the first half");
            (stream, begin)
        };
        let readers = [open(), open(), open()];
        bed.upstream.release();
        for (mut stream, mut all) in readers {
            stream.read_to_end(&mut all).expect("the rest");
            assert!(all == body, "{}", shelf.protocol);
        }
        assert_eq!(
            bed.upstream.count(&shelf.artifact("1.0.0")),
            1,
            "{}",
            shelf.protocol
        );
        bed.upstream.heal();
    }
}

#[test]
fn a_client_that_leaves_does_not_stop_what_it_began() {
    let bed = Bed::with(&[("LARDER_CACHE__UPSTREAM_IDLE_TIME", "60s")]);
    let body = Random::seeded().bytes(8 << 20);
    for shelf in bed.mirrors(&body) {
        let (here, there) = (shelf.artifact_here("1.0.0"), shelf.artifact("1.0.0"));
        bed.upstream.fail(&there, Fault::Held(1 << 20));
        let mut stream = bed.client.connect().expect("connect");
        stream
            .write_all(&bed.client.head("GET", &here, &[], None))
            .expect("request");
        bed.upstream.await_count(&there, 1);
        drop(stream);
        bed.client.get("/healthz").expect(200);
        bed.upstream.release();
        bed.right(&here, &body);
        let answer = bed.until(&here, |answer| status(answer) == "larder; hit");
        assert!(answer.body == body);
        assert_eq!(bed.upstream.count(&there), 1, "{}", shelf.protocol);
        bed.upstream.heal();
    }
}

/// Of a part that is asked for while the whole comes, no wrong total is told.
#[test]
fn the_end_of_a_part_of_what_is_on_its_way_waits_for_the_whole() {
    let bed = Bed::with(&[("LARDER_CACHE__UPSTREAM_IDLE_TIME", "60s")]);
    let body = Random::seeded().bytes(1 << 20);
    for shelf in bed.mirrors(&body) {
        let (here, there) = (shelf.artifact_here("1.0.0"), shelf.artifact("1.0.0"));
        bed.upstream.fail(&there, Fault::Held(300_000));
        let (client, path) = (bed.client.clone(), here.clone());
        let part = std::thread::spawn(move || {
            client
                .take(&path, &[("range", "bytes=900000-900099")])
                .expect("part")
        });
        bed.upstream.await_count(&there, 1);
        bed.upstream.release();
        let (answer, whole) = part.join().expect("client");
        assert!(whole && answer.status == 206, "{:?}", answer.headers);
        assert_eq!(
            answer.header("content-range"),
            Some("bytes 900000-900099/1048576")
        );
        assert!(answer.body == body[900_000..900_100], "{here}");
        bed.upstream.heal();
    }
}
