//! Upstreams that know their clients by a certificate: who is shown it, what is told of it, and
//! authorities of one upstream alone.

use crate::bed::{Bed, start};
use larder_tests::secure::{Authority, Certificate, Clients};
use larder_tests::tools::command;
use larder_tests::{Shelf, Upstream, run, tool};
use serde_json::{Value, json};

const BODY: &[u8] = b"what was paid for";

/// A server that knows no authority but the system's, beside an upstream that wants `clients`.
fn bed(frames: bool, clients: Clients) -> Bed {
    let bed = Bed::of(
        start(&[("LARDER_CACHE__FRESH", "0s")]),
        Upstream::secure(frames),
    );
    bed.upstream.tls().ask_clients(clients);
    bed
}

/// A mirror that knows its upstream's authority, and shows nothing yet.
fn mirror(bed: &Bed, protocol: &'static str) -> Shelf {
    let mut shelf = Shelf::new(protocol, &bed.upstream);
    shelf.put(&bed.upstream, "1.0.0", BODY);
    let upstream = json!({
        "url": shelf.url(&bed.upstream),
        "allow_private": true,
        "ca_certificate": bed.upstream.tls().authority().pem(),
    });
    bed.make(&shelf, &upstream);
    shelf
}

fn shows(bed: &Bed, shelf: &Shelf, (certificate, key): &(String, String)) {
    let upstream = json!({"client_certificate": certificate, "client_key": key});
    bed.change(shelf, &json!({ "upstream": upstream }));
}

#[track_caller]
fn check(bed: &Bed, shelf: &Shelf) -> Value {
    let path = format!("repositories/{}/up/upstream/check", shelf.protocol);
    bed.larder.api("POST", &path, "{}", 200)
}

#[track_caller]
fn refused(bed: &Bed, shelf: &Shelf, upstream: &Value) -> String {
    let path = format!("repositories/{}/up", shelf.protocol);
    let change = json!({ "upstream": upstream }).to_string();
    let told = bed.larder.api("PATCH", &path, &change, 400);
    told["detail"].as_str().expect("detail").to_owned()
}

#[test]
fn who_shows_its_certificate_is_let_in() {
    for frames in [false, true] {
        let bed = bed(frames, Clients::Certified);
        let authority = bed.upstream.tls().authority();
        let us = authority.client(Certificate::Right);
        for protocol in larder_tests::shelf::ALL {
            let shelf = mirror(&bed, protocol);
            let told = check(&bed, &shelf);
            // Over HTTP/2 the connection may end under the request before its end is explained.
            let problem = told["problem"].as_str().expect("problem");
            let wants = problem.contains("want a client certificate");
            assert!(
                wants || problem == "it wants a client certificate",
                "{told}"
            );
            let advice = told["advice"].as_str().expect("advice");
            let command = format!("larder repo set {protocol}/up --client-certificate FILE");
            assert!(advice.contains(&command), "{told}");
            bed.get(&shelf.index_here()).expect(503);
            bed.get(&shelf.artifact_here("1.0.0")).expect(503);
            shows(&bed, &shelf, &us);
            bed.right(&shelf.artifact_here("1.0.0"), BODY);
            let told = check(&bed, &shelf);
            assert_eq!(told["reachable"], json!(true), "{told}");
            let state = bed.state(&shelf);
            let end = &state["client_certificate_expires_at"];
            assert_eq!(*end, told["client_certificate_expires_at"]);
            assert!(
                end.as_str().is_some_and(|end| end.starts_with("4096-")),
                "{state}"
            );
        }
        assert!(bed.upstream.tls().certified() > 0);
    }
}

#[test]
fn a_client_of_the_mirror_needs_none() {
    let Some(curl) = tool("curl") else {
        return;
    };
    let bed = bed(false, Clients::Certified);
    let shelf = mirror(&bed, "rpm");
    shows(
        &bed,
        &shelf,
        &bed.upstream.tls().authority().client(Certificate::Right),
    );
    let url = format!("{}{}", bed.larder.url(), shelf.artifact_here("1.0.0"));
    let home = tempfile::tempdir().expect("home");
    let told = run(command(&curl, home.path()).args(["--silent", "--show-error", "--fail", &url]));
    assert_eq!(told.as_bytes(), BODY);
}

#[test]
fn no_other_origin_is_shown_it() {
    let bed = bed(false, Clients::Certified);
    let (other, plain) = (Upstream::secure(false), Upstream::start());
    other.tls().ask_clients(Clients::Asked);
    // What the index names, and where redirects lead.
    for protocol in ["cargo", "npm", "pypi", "composer"] {
        let mut shelf = Shelf::new(protocol, &bed.upstream);
        shelf.files = format!("{}{protocol}/", other.url());
        shelf.put(&bed.upstream, "1.0.0", BODY);
        other.put(&shelf.artifact("1.0.0"), BODY);
        let metadata = format!("{}.metadata", shelf.artifact("1.0.0"));
        other.put(&metadata, "");
        let (certificate, key) = bed.upstream.tls().authority().client(Certificate::Right);
        let authorities = [bed.upstream.tls().authority(), other.tls().authority()];
        let upstream = json!({
            "url": shelf.url(&bed.upstream),
            "allow_private": true,
            "allow": [other.url(), plain.url()],
            "ca_certificate": authorities.map(Authority::pem).concat(),
            "client_certificate": certificate,
            "client_key": key,
        });
        bed.make(&shelf, &upstream);
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
        assert!(other.count(&shelf.artifact("1.0.0")) > 0, "{protocol}");
    }
    assert!(bed.upstream.tls().certified() > 0);
    assert_eq!(
        other.tls().certified(),
        0,
        "it was asked for, and not shown"
    );
}

#[test]
fn what_cannot_be_shown_is_refused_with_why() {
    let bed = bed(false, Clients::Certified);
    let shelf = mirror(&bed, "npm");
    let authority = bed.upstream.tls().authority();
    let (certificate, key) = authority.client(Certificate::Right);
    let (other, _) = authority.client(Certificate::Right);
    for (change, told) in [
        (
            json!({"client_certificate": other, "client_key": key}),
            "does not belong to the key",
        ),
        (
            json!({"client_certificate": "us", "client_key": key}),
            "no certificate in PEM",
        ),
        (
            json!({"client_certificate": certificate, "client_key": "x"}),
            "no private key in PEM",
        ),
        (
            json!({"client_certificate": certificate}),
            "`client_key` is missing",
        ),
        (
            json!({"client_key": key}),
            "`client_certificate` is missing",
        ),
        (json!({"ca_certificate": "them"}), "no certificate in PEM"),
        (
            json!({"url": "http://registry.example/", "client_certificate": certificate, "client_key": key}),
            "over https alone",
        ),
    ] {
        let detail = refused(&bed, &shelf, &change);
        assert!(detail.contains(told), "{change}: {detail}");
        let secret = key.lines().nth(1).expect("a line of the key");
        assert!(!detail.contains(secret), "{detail}");
    }
    // A renewal with the same key needs the certificate alone; another key does not fit it.
    shows(&bed, &shelf, &(certificate.clone(), key));
    bed.change(
        &shelf,
        &json!({"upstream": {"client_certificate": certificate}}),
    );
    let detail = refused(&bed, &shelf, &json!({ "client_certificate": other }));
    assert!(detail.contains("does not belong to the key"), "{detail}");
    bed.right(&shelf.artifact_here("1.0.0"), BODY);
    let shown = bed.larder.api("GET", "repositories/npm/up", "", 200);
    assert_eq!(shown["upstream"]["client_certificate"], json!(certificate));
    assert!(!shown.to_string().contains("PRIVATE"), "{shown}");
    // Taken away, and with another address gone.
    bed.change(&shelf, &json!({"upstream": {"client_certificate": ""}}));
    let shown = bed.larder.api("GET", "repositories/npm/up", "", 200);
    assert_eq!(shown["upstream"].get("client_certificate"), None, "{shown}");
    let (certificate, key) = authority.client(Certificate::Right);
    shows(&bed, &shelf, &(certificate, key));
    bed.change(
        &shelf,
        &json!({"upstream": {"url": "https://other.example/"}}),
    );
    let shown = bed.larder.api("GET", "repositories/npm/up", "", 200);
    let upstream = &shown["upstream"];
    assert_eq!(upstream.get("client_certificate"), None, "{shown}");
    assert_eq!(upstream.get("ca_certificate"), None, "{shown}");
}

#[test]
fn one_that_has_ended_is_told() {
    let bed = bed(false, Clients::Certified);
    let shelf = mirror(&bed, "npm");
    let ended = bed.upstream.tls().authority().client(Certificate::Expired);
    shows(&bed, &shelf, &ended);
    bed.get(&shelf.index_here()).expect(503);
    let told = check(&bed, &shelf);
    let problem = "its client certificate has ended, at 2020-01-01T00:00:00Z";
    assert_eq!(
        (&told["ok"], &told["problem"]),
        (&json!(false), &json!(problem)),
        "{told}"
    );
    assert_eq!(
        told["client_certificate_expires_at"],
        "2020-01-01T00:00:00Z"
    );
    // One of nobody whom the upstream knows.
    let stranger = Upstream::secure(false);
    let theirs = stranger.tls().authority().client(Certificate::Right);
    shows(&bed, &shelf, &theirs);
    let told = check(&bed, &shelf);
    let problem = told["problem"].as_str().expect("problem");
    assert!(
        problem.contains("does not take the client certificate"),
        "{told}"
    );
}

/// Nobody else's certificate is taken for that, and no other mirror's.
#[test]
fn authorities_are_those_of_their_upstream_alone() {
    let bed = bed(false, Clients::Unasked);
    let shelf = mirror(&bed, "npm");
    bed.right(&shelf.artifact_here("1.0.0"), BODY);
    let other = Shelf::new("cargo", &bed.upstream);
    bed.make(
        &other,
        &json!({"url": other.url(&bed.upstream), "allow_private": true}),
    );
    bed.get(&other.index_here()).expect(503);
    bed.change(&shelf, &json!({"upstream": {"ca_certificate": ""}}));
    bed.rest(&shelf);
    bed.upstream.tls().show(Certificate::Right);
    bed.get("/npm/up/other").expect(503);
}
