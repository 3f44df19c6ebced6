//! Class 1, keys that two programs read differently: a head that does not say clearly which host is
//! meant, who asks, or for what, is answered with 400 before anything of it is believed.

use crate::callers::larder;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_tests::http::read_response;
use larder_tests::larder::PASSWORD;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;

#[test]
fn a_head_says_one_thing() {
    let larder = larder();
    let admin = STANDARD.encode(format!("admin:{PASSWORD}"));
    let admin = format!("Authorization: Basic {admin}\r\n");
    let other = "Authorization: Basic eDp5\r\n";
    let host = "Host: larder.example\r\n";
    for (head, status) in [
        (format!("GET /v2/ HTTP/1.1\r\n{host}{admin}"), 200),
        (format!("GET /v2/ HTTP/1.0\r\n{admin}"), 200),
        (format!("GET /v2/ HTTP/1.1\r\n{admin}"), 400),
        (format!("GET /v2/ HTTP/1.1\r\n{host}{host}{admin}"), 400),
        (
            format!("GET /v2/ HTTP/1.1\r\n{host}Host: evil.example\r\n{admin}"),
            400,
        ),
        (format!("GET /v2/ HTTP/1.1\r\n{host}{admin}{other}"), 400),
        (format!("GET /v2/ HTTP/1.1\r\n{host}{admin}{admin}"), 400),
        (format!("GET /healthz#/metrics HTTP/1.1\r\n{host}"), 400),
        (format!("GET /npm/main/x#y HTTP/1.1\r\n{host}"), 400),
        (
            format!("GET /healthz HTTP/1.1\r\n{host}Referer: http://a/#b\r\n"),
            200,
        ),
    ] {
        let mut stream = TcpStream::connect(larder.address()).expect("connect");
        let request = format!("{head}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("send");
        let answer = read_response(&mut BufReader::new(stream), "GET").expect("an answer");
        assert_eq!(answer.status, status, "{head}: {}", answer.text());
    }
}

/// What one request of a connection was refused for is not held against the next.
#[test]
fn the_next_request_is_read_anew() {
    let larder = larder();
    let mut stream = BufReader::new(TcpStream::connect(larder.address()).expect("connect"));
    for (target, status) in [
        ("/healthz#a", 400),
        ("/healthz", 200),
        ("/#", 400),
        ("/readyz", 200),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: larder.example\r\n\r\n");
        stream
            .get_mut()
            .write_all(request.as_bytes())
            .expect("send");
        let answer = read_response(&mut stream, "GET").expect("an answer");
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
    }
}
