//! Answers begin with the upstream's, however many come at once and whatever part of a file is wanted.

use crate::bed::{Bed, status};
use crate::wrong::FORGETFUL;
use larder_model::{Algorithm, Digest};
use larder_tests::http::read_head;
use larder_tests::random::Random;
use larder_tests::{Fault, Response};
use serde_json::json;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// What comes is kept by then.
const DEADLINE: Duration = Duration::from_mins(1);
/// Artifacts that come at once: more than have much memory.
const MANY: usize = 100;
/// The size of each in bytes; so many come before the rest is released.
const SIZE: usize = 3 << 20;
const FIRST: usize = (5 << 20) / 2;
/// What the server may take in memory for all of them, in bytes: about half of what they are.
const MAX_MEMORY: u64 = 160 << 20;

/// An upstream that is waited for.
const PATIENT: [(&str, &str); 1] = [("LARDER_CACHE__UPSTREAM_IDLE_TIME", "60s")];

/// Asks for a range of a file, or for all of it: the head, and the body as it comes.
#[track_caller]
fn open(bed: &Bed, path: &str, range: Option<&str>) -> (Response, BufReader<TcpStream>) {
    let mut stream = bed.client.connect().expect("connect");
    let headers: Vec<_> = range.into_iter().map(|range| ("range", range)).collect();
    let head = bed.client.head("GET", path, &headers, None);
    stream.write_all(&head).expect("request");
    let mut stream = BufReader::new(stream);
    (read_head(&mut stream).expect("head"), stream)
}

/// The next bytes of a body.
#[track_caller]
fn next(stream: &mut impl Read, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).expect("bytes");
    bytes
}

/// All that is left of a body.
fn rest(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the rest");
    bytes
}

/// A server and an upstream of many blobs, of which only the first part comes.
fn many(bed: &Bed) -> Vec<(String, Vec<u8>)> {
    let mut random = Random::seeded();
    let settings = json!({"url": bed.upstream.plain_url(), "allow_private": true});
    let body = json!({"protocol": "oci", "name": "up", "kind": "mirror", "upstream": settings});
    bed.larder
        .api("POST", "repositories", &body.to_string(), 201);
    let blob = |_| {
        let bytes = random.bytes(SIZE);
        let digest = Digest::of(Algorithm::Sha256, &bytes);
        let there = format!("/v2/app/blobs/{digest}");
        bed.upstream.put(&there, bytes.clone());
        bed.upstream.fail(&there, Fault::Held(FIRST));
        (format!("/v2/up/app/blobs/{digest}"), bytes)
    };
    (0..MANY).map(blob).collect()
}

#[test]
fn however_many_come_at_once_each_begins_and_goes_on() {
    let bed = Bed::with(&PATIENT);
    let blobs = many(&bed);
    let before = bed.larder.memory().1;
    let readers: Vec<_> = blobs
        .iter()
        .map(|(path, _)| open(&bed, path, None))
        .collect();
    let mut begun = Vec::new();
    for ((head, mut stream), (path, body)) in readers.into_iter().zip(&blobs) {
        let head = head.expect(200);
        assert_eq!(head.header("content-length"), Some(&*SIZE.to_string()));
        // What is held back of a body on its way is less than one piece.
        let first = next(&mut stream, FIRST - (1 << 20));
        assert!(first == body[..first.len()], "{path}");
        begun.push((stream, first));
    }
    bed.upstream.release();
    for ((mut stream, mut all), (path, body)) in begun.into_iter().zip(&blobs) {
        all.extend(rest(&mut stream));
        assert!(all == *body, "{path}");
    }
    let most = bed.larder.memory().1 - before;
    assert!(most < MAX_MEMORY, "{} MiB of memory", most >> 20);
}

#[test]
fn a_part_of_what_is_on_its_way_begins_at_once() {
    let bed = Bed::with(&[PATIENT[0], FORGETFUL[0]]);
    let body = Random::seeded().bytes(SIZE);
    for shelf in bed.mirrors(&body) {
        let (there, here) = (shelf.artifact("1.0.0"), shelf.artifact_here("1.0.0"));
        bed.upstream.fail(&there, Fault::Held(FIRST));
        // From the beginning. Of a part the last bytes come when all is known to be right.
        let (head, mut small) = open(&bed, &here, Some("bytes=0-1023"));
        let head = head.expect(206);
        let told = |first: usize, last: usize| format!("bytes {first}-{last}/{SIZE}");
        assert_eq!(head.header("content-range"), Some(&*told(0, 1023)));
        assert_eq!(head.header("content-length"), Some("1024"));
        assert_eq!(head.header("accept-ranges"), Some("bytes"));
        let (head, mut middle) = open(&bed, &here, Some("bytes=100-1000000"));
        head.expect(206);
        let begin = next(&mut middle, 900_000);
        // From the middle on, as a download that is taken up again.
        let (head, mut resumed) = open(&bed, &here, Some("bytes=1000000-"));
        let head = head.expect(206);
        assert_eq!(
            head.header("content-range"),
            Some(&*told(1_000_000, SIZE - 1))
        );
        let first = next(&mut resumed, 1 << 20);
        // The end, of which nothing has come yet.
        let (head, mut last) = open(&bed, &here, Some("bytes=-47"));
        let head = head.expect(206);
        assert_eq!(
            head.header("content-range"),
            Some(&*told(SIZE - 47, SIZE - 1))
        );
        let (outside, _) = open(&bed, &here, Some(&format!("bytes={SIZE}-")));
        let outside = outside.expect(416);
        assert_eq!(
            outside.header("content-range"),
            Some(&*format!("bytes */{SIZE}"))
        );
        // Which bytes these are is not known yet: whoever has others gets all.
        let conditional = [("range", "bytes=0-0"), ("if-range", "\"sha256:0\"")];
        let head = bed.client.head("GET", &here, &conditional, None);
        let mut all = bed.client.connect().expect("connect");
        all.write_all(&head).expect("request");
        let mut all = BufReader::new(all);
        read_head(&mut all).expect("head").expect(200);
        bed.upstream.release();
        assert!(rest(&mut small) == body[..1024], "{}", shelf.protocol);
        assert!([begin, rest(&mut middle)].concat() == body[100..=1_000_000]);
        assert!([first, rest(&mut resumed)].concat() == body[1_000_000..]);
        assert!(rest(&mut last) == body[SIZE - 47..]);
        assert!(rest(&mut all) == body);
        assert_eq!(bed.upstream.count(&there), 1, "{}", shelf.protocol);
        bed.upstream.heal();
    }
}

#[test]
fn no_part_of_wrong_bytes_is_ever_whole() {
    let bed = Bed::with(&FORGETFUL);
    let body = Random::seeded().bytes(300_000);
    for shelf in bed.mirrors(&body) {
        let (there, here) = (shelf.artifact("1.0.0"), shelf.artifact_here("1.0.0"));
        bed.upstream.fail(&there, Fault::Flipped(17));
        for range in [
            "bytes=0-99",
            "bytes=5000-250000",
            "bytes=-1",
            "bytes=0-3,9-9",
        ] {
            let taken = bed.client.take(&here, &[("range", range)]);
            let (answer, whole) = taken.expect("answer");
            assert!(answer.status >= 400 || !whole, "{} {range}", shelf.protocol);
        }
        bed.upstream.heal();
        bed.right(&here, &body);
    }
}

#[test]
fn parts_of_a_size_that_nobody_told_are_not_given() {
    let bed = Bed::new();
    let body = Random::seeded().bytes(300_000);
    let shelf = bed.mirror("npm", &body);
    let (there, here) = (shelf.artifact("1.0.0"), shelf.artifact_here("1.0.0"));
    bed.upstream.fail(&there, Fault::Chunked);
    let taken = bed.client.take(&here, &[("range", "bytes=5-9")]);
    let (answer, whole) = taken.expect("answer");
    assert!(whole && answer.status == 200 && answer.body == body);
}

/// The parts of a multipart answer, each with its `Content-Range`.
fn parts(answer: &Response) -> Vec<(String, Vec<u8>)> {
    let told = answer.header("content-type").expect("media type");
    let boundary = told.strip_prefix("multipart/byteranges; boundary=");
    let between = format!("\r\n--{}", boundary.expect("a boundary"));
    let body = &answer.body;
    let starts = body.windows(between.len()).enumerate();
    let starts = starts.filter(|(_, window)| *window == between.as_bytes());
    let starts: Vec<usize> = starts.map(|(at, _)| at).collect();
    assert_eq!(body[starts[starts.len() - 1] + between.len()..], *b"--\r\n");
    let part = |two: &[usize]| {
        let part = &body[two[0] + between.len()..two[1]];
        let end = part.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, bytes) = part.split_at(end.expect("a head") + 4);
        let head = String::from_utf8(head.to_vec()).expect("text");
        let mut lines = head.lines();
        let range = lines.find_map(|line| line.strip_prefix("content-range: "));
        (range.expect("a range").to_owned(), bytes.to_vec())
    };
    starts.windows(2).map(part).collect()
}

#[test]
fn several_parts_come_of_what_is_kept_and_of_what_is_on_its_way() {
    for size in [700, 300_000] {
        let bed = Bed::new();
        let body = Random::seeded().bytes(size);
        let range = format!("bytes=600-650,0-9,10-19,{}-", size - 3);
        let told = |first, last| format!("bytes {first}-{last}/{size}");
        let expected = [(600, 650), (0, 9), (10, 19), (size - 3, size - 1)]
            .map(|(first, last)| (told(first, last), body[first..=last].to_vec()));
        for shelf in bed.mirrors(&body) {
            let here = shelf.artifact_here("1.0.0");
            let begun = Instant::now();
            loop {
                let taken = bed.client.take(&here, &[("range", &range)]);
                let (answer, whole) = taken.expect("answer");
                assert!(whole && answer.status == 206, "{}", answer.text());
                assert_eq!(parts(&answer), expected, "{}", shelf.protocol);
                assert_eq!(answer.header("content-range"), None);
                if status(&answer) == "larder; hit" {
                    break;
                }
                assert!(begun.elapsed() < DEADLINE, "it is never kept");
            }
        }
    }
}
