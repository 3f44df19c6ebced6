//! An upstream whose file has no end: it fills no disk, whether anybody waits for it or not.

use crate::bed::{Bed, start};
use larder_tests::http::read_head;
use larder_tests::image::digest;
use larder_tests::{Client, Fault, Larder, Upstream};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// The server has left by then.
const DEADLINE: Duration = Duration::from_mins(1);
const FILE: &str = "/npm/up/demo/-/demo-1.0.0.tgz";
const PIECE: usize = 64 << 10;

/// An upstream of one package whose tarball never ends. It tells how many bytes of it were taken
/// before whoever asked was gone.
struct Endless {
    url: String,
    taken: Receiver<u64>,
}

impl Endless {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listener");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let (sender, taken) = channel();
        let own = url.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (own, sender) = (own.clone(), sender.clone());
                std::thread::spawn(move || answer(&stream, &own, &sender));
            }
        });
        Self { url, taken }
    }
}

/// Answers the requests of a connection.
fn answer(mut stream: &TcpStream, url: &str, taken: &Sender<u64>) {
    let mut requests = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if requests.read_line(&mut head).unwrap_or_default() == 0 {
                return;
            }
        }
        if head.contains(".tgz") {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            drop(stream.write_all(head.as_bytes()));
            let chunk = [
                format!("{PIECE:x}\r\n").as_bytes(),
                &vec![7; PIECE],
                b"\r\n",
            ]
            .concat();
            let mut count = 0;
            while stream.write_all(&chunk).is_ok() {
                count += PIECE as u64;
            }
            let _ = taken.send(count); // the test may have ended
            return;
        }
        let dist = json!({"tarball": format!("{url}/demo/-/demo-1.0.0.tgz"),
            "integrity": format!("sha512-{}==", "A".repeat(86))});
        let version = json!({"name": "demo", "version": "1.0.0", "dist": dist});
        let body = json!({"name": "demo", "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": version}})
        .to_string();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        drop(stream.write_all(format!("{head}{body}").as_bytes()));
    }
}

fn larder(endless: &Endless, settings: &[(&str, &str)]) -> Larder {
    let larder = start(settings).start();
    let mirror = json!({"protocol": "npm", "name": "up", "kind": "mirror",
        "upstream": {"url": endless.url, "allow_private": true}});
    larder.api("POST", "repositories", &mirror.to_string(), 201);
    larder
}

/// Asks for the file, of which a beginning has come.
fn begin(client: &Client) -> BufReader<TcpStream> {
    let mut stream = client.connect().expect("connect");
    let head = client.head("GET", FILE, &[], None);
    stream.write_all(&head).expect("request");
    let mut stream = BufReader::new(stream);
    read_head(&mut stream).expect("answer").expect(200);
    stream
}

/// Nothing of it is left where bytes are gathered.
#[track_caller]
fn await_dropped(larder: &Larder) {
    let begun = Instant::now();
    let staged = || {
        let staging = larder.data().join("storage/staging");
        std::fs::read_dir(staging).expect("staging").count()
    };
    while staged() > 0 {
        assert!(begun.elapsed() < DEADLINE, "something stays");
        std::thread::yield_now();
    }
}

#[test]
fn a_file_that_nobody_waits_for_ends() {
    let endless = Endless::start();
    let larder = larder(&endless, &[("LARDER_CACHE__UNATTENDED_SIZE", "1MiB")]);
    let mut stream = begin(&larder.admin());
    let mut some = vec![0; 3 << 20];
    stream.read_exact(&mut some).expect("as long as it is read");
    drop(stream);
    let taken = endless
        .taken
        .recv_timeout(DEADLINE)
        .expect("the server leaves");
    assert!(taken >= some.len() as u64, "{taken}");
    assert!(larder.await_line("cache.unattended_size"));
    await_dropped(&larder);
}

#[test]
fn a_file_is_no_larger_than_the_setting_says() {
    let endless = Endless::start();
    let larder = larder(&endless, &[("LARDER_CACHE__ARTIFACT_SIZE", "2MiB")]);
    let mut rest = Vec::new();
    let read = begin(&larder.admin()).read_to_end(&mut rest);
    // In chunks, of which the last never comes.
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{read:?}");
    assert!(rest.len() < 4 << 20, "{}", rest.len());
    endless
        .taken
        .recv_timeout(DEADLINE)
        .expect("the server leaves");
    assert!(larder.await_line("cache.artifact_size"));
    await_dropped(&larder);
}

#[test]
fn what_ends_is_kept_though_nobody_waits_for_it() {
    let bed = Bed::of(start(&[]), Upstream::start());
    let body = larder_tests::random::Random::seeded().bytes(8 << 20);
    let shelves = bed.mirrors(&body);
    for shelf in &shelves {
        let path = shelf.artifact_here("1.0.0");
        let mut stream = bed.client.connect().expect("connect");
        let head = bed.client.head("GET", &path, &[], None);
        stream.write_all(&head).expect("request");
        read_head(&mut BufReader::new(&stream))
            .expect("answer")
            .expect(200);
        drop(stream);
        // Who comes later has all of it from the one request.
        let (whole, is_whole) = bed.client.take(&path, &[]).expect("answer");
        assert!(is_whole && whole.body == body, "{path}");
    }
}

/// However much an index names: a few parts of it are fetched at once.
#[test]
fn an_index_that_names_much_is_fetched_in_turns() {
    const PARTS: usize = 200;
    const AT_ONCE: usize = 3; // and the list of packages
    let bed = Bed::new();
    let shelf = bed.mirror("rpm", b"x");
    let path = |at: usize| format!("/rpm/repodata/part{at}.xml");
    let record = |at: usize| {
        let body = format!("<part{at}/>");
        bed.upstream.put(&path(at), body.clone());
        bed.upstream.fail(&path(at), Fault::Silent);
        format!(
            "<data type=\"part{at}\"><checksum type=\"sha256\">{}</checksum>\
             <location href=\"repodata/part{at}.xml\"/><size>{}</size></data>",
            digest(body.as_bytes()).hex(),
            body.len()
        )
    };
    let records: String = (0..PARTS).map(record).collect();
    let list = "/rpm/repodata/repomd.xml";
    let told = String::from_utf8(bed.upstream.body(list)).expect("UTF-8");
    let told = told.replace("</repomd>", &format!("{records}</repomd>"));
    bed.upstream.put(list, told);
    let asked = || {
        (0..PARTS)
            .map(|at| bed.upstream.count(&path(at)))
            .sum::<usize>()
    };
    std::thread::scope(|scope| {
        let got = scope.spawn(|| bed.larder.anonymous().get(&shelf.index_here()).status);
        let paths: Vec<String> = (0..PARTS).map(path).collect();
        bed.upstream.await_counts(&paths, AT_ONCE);
        // Whoever asks for something else is answered meanwhile.
        bed.client.get("/healthz").expect(200);
        assert_eq!(asked(), AT_ONCE);
        bed.upstream.release();
        assert_eq!(got.join().expect("answer"), 200);
    });
    assert_eq!(asked(), PARTS);
}
