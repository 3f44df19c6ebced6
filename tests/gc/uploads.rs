//! Uploads that nobody goes on with, and those that somebody does.

use crate::bed::{AT_ONCE, DRY, LARGE, collect, larder, objects, run, staged};
use larder_tests::Client;
use larder_tests::http::read_response;
use larder_tests::image::digest;
use larder_tests::random::Random;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

/// Begins an upload with so many bytes; where it goes on.
fn begin(client: &Client, bytes: &[u8]) -> String {
    let location = |response: &larder_tests::Response| {
        response.header("location").expect("location").to_owned()
    };
    let started = client.send("POST", "/v2/team/app/blobs/uploads/", &[], b"");
    let sent = client.send("PATCH", &location(&started.expect(202)), &[], bytes);
    location(&sent.expect(202))
}

#[test]
fn an_upload_that_lies_idle_is_given_up() {
    let larder = larder();
    let admin = larder.admin();
    let bytes = Random::seeded().bytes(LARGE);
    let session = begin(&admin, &bytes);
    assert_eq!(staged(&larder), 1);
    // The usual waits leave that to the time of uploads.
    assert_eq!(run(&larder, "{}").count("uploads"), 0);
    assert_eq!(staged(&larder), 1);
    let did = collect(&larder);
    assert_eq!(
        (
            did.count("uploads"),
            did.count("bytes_freed"),
            did.count("deleted")
        ),
        (1, LARGE as u64, 0)
    );
    assert_eq!(staged(&larder), 0);
    let path = format!("{session}&digest={}", digest(&bytes));
    let refused = admin.send("PUT", &path, &[], b"").expect(404);
    assert_eq!(refused.code(), "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(collect(&larder).count("uploads"), 0);
}

/// Waits until the server asks for the body of a request: by then it works on the session.
#[track_caller]
fn await_continue(stream: &mut TcpStream) {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("100 Continue");
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 100 "));
}

#[test]
fn an_upload_that_is_receiving_stays() {
    let larder = larder();
    let admin = larder.admin();
    let bytes = Random::seeded().bytes(3 * LARGE);
    let session = begin(&admin, &bytes[..LARGE]);
    let rest = &bytes[LARGE..];
    let mut stream = admin.connect().expect("connection");
    let asks = [("expect", "100-continue")];
    let head = admin.head("PATCH", &session, &asks, Some(rest.len()));
    stream.write_all(&head).expect("head");
    await_continue(&mut stream);
    stream.write_all(&rest[..LARGE]).expect("half");
    for body in [DRY, AT_ONCE] {
        let did = run(&larder, body);
        assert_eq!((did.count("uploads"), did.count("bytes_freed")), (0, 0));
    }
    stream.write_all(&rest[LARGE..]).expect("the rest");
    let mut stream = BufReader::new(stream);
    read_response(&mut stream, "PATCH")
        .expect("answer")
        .expect(202);
    let path = format!("{session}&digest={}", digest(&bytes));
    admin.send("PUT", &path, &[], b"").expect(201);
    let path = format!("/v2/team/app/blobs/{}", digest(&bytes));
    assert!(admin.get(&path).expect(200).body == bytes);
    assert_eq!(objects(&larder), [digest(&bytes).to_string()].into());
    assert_eq!(staged(&larder), 0);
}
