//! Class 23, bounds: nobody holds all connections by sending slowly, and who is refused early is told
//! so whatever it still sends.

use crate::callers::start;
use larder_tests::http::read_response;
use larder_tests::random::Random;
use larder_tests::{Image, Larder};
use std::io::{BufReader, Cursor, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

const FEW: usize = 8;

fn larder() -> Larder {
    start()
        .with("LARDER_SERVER__LIMITS__CONNECTIONS", &FEW.to_string())
        .with("LARDER_SERVER__LIMITS__BODY_IDLE_TIME", "2s")
        .start()
}

fn send(larder: &Larder, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(larder.address()).expect("connect");
    stream.write_all(bytes).expect("send");
    stream
}

const SLOW_FORM: &[u8] =
    b"POST /v2/token HTTP/1.1\r\nHost: larder.example\r\nContent-Length: 60000\r\n\r\na";
const SLOW_HEAD: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: lar";
const IDLE: &[u8] = b"";

#[test]
fn who_waits_makes_room() {
    let larder = larder();
    for kind in [SLOW_FORM, SLOW_HEAD, IDLE] {
        let held: Vec<_> = (0..2 * FEW).map(|_| send(&larder, kind)).collect();
        for _ in 0..2 * FEW {
            larder.anonymous().get("/healthz").expect(200);
        }
        drop(held);
    }
}

/// A download whose client reads nothing for a while is not cut off for others.
#[test]
fn who_is_answered_stays() {
    let larder = larder();
    let admin = larder.admin();
    let layer = Image::random(&mut Random::seeded(), &[32 << 20]);
    layer.push(&admin, "team/app", "latest");
    let (digest, _) = layer.blobs.last().expect("a layer");
    larder.grant("anonymous", "oci/team", "*", "reader");
    let head = format!("GET /v2/team/app/blobs/{digest} HTTP/1.1\r\nHost: larder.example\r\n\r\n");
    let mut download = send(&larder, head.as_bytes());
    let mut first = [0; 1];
    download.read_exact(&mut first).expect("it began");
    let slow: Vec<_> = (0..3 * FEW).map(|_| send(&larder, SLOW_FORM)).collect();
    for _ in 0..3 * FEW {
        larder.anonymous().get("/healthz").expect(200);
    }
    drop(slow);
    let whole = Cursor::new(first).chain(download);
    let answer = read_response(&mut BufReader::new(whole), "GET").expect("an answer");
    assert_eq!((answer.status, answer.body.len()), (200, 32 << 20));
}

/// A form comes at a kilobyte a second on average, after the time of one silence.
#[test]
fn a_form_that_trickles_is_refused() {
    let larder = larder();
    let mut stream = send(&larder, SLOW_FORM);
    // A byte after each moment without an answer, so that no silence is as long as may be.
    let moment = Some(Duration::from_millis(200));
    stream.set_read_timeout(moment).expect("a time");
    let mut first = [0; 1];
    while let Err(error) = stream.read_exact(&mut first) {
        assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
        stream.write_all(b"a").expect("it listens");
    }
    stream.set_read_timeout(None).expect("no time");
    let whole = Cursor::new(first).chain(stream);
    let told = read_response(&mut BufReader::new(whole), "POST").expect("an answer");
    assert_eq!(told.status, 408, "{}", told.text());
    assert!(told.text().contains("too slowly"), "{}", told.text());
}

/// The refusal comes before the body is read, and stays to be read while the client still sends.
#[test]
fn an_early_refusal_is_heard() {
    const PIECE: usize = 64 << 10;
    let larder = larder();
    for (path, status) in [
        ("/v2/team/app/blobs/uploads/none", 401),
        ("/npm/local/package", 401),
    ] {
        let head = format!(
            "PUT {path} HTTP/1.1\r\nHost: larder.example\r\nAuthorization: Bearer ended\r\n\
             Content-Length: {}\r\n\r\n",
            200 * PIECE
        );
        let mut stream = send(&larder, head.as_bytes());
        // All of it is sent before anything is read.
        let piece = vec![0; PIECE];
        for _ in 0..200 {
            stream.write_all(&piece).expect("heard out");
        }
        let mut reader = BufReader::new(stream.try_clone().expect("clone"));
        let answer = read_response(&mut reader, "PUT").expect("an answer");
        assert_eq!(answer.status, status, "{path}");
        let closed = answer
            .header("connection")
            .expect("it is closed")
            .to_owned();
        assert_eq!(closed, "close");
        stream.shutdown(Shutdown::Write).expect("done");
        let mut rest = Vec::new();
        assert_eq!(reader.read_to_end(&mut rest).expect("the end"), 0);
    }
}
