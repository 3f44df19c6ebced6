//! Answers that are unusual and nothing is wrong with, and the dialects of each protocol.

use crate::bed::Bed;
use crate::wrong::FORGETFUL;
use larder_tests::random::Random;
use larder_tests::shelf::{PROTOCOLS, gzip};
use larder_tests::{Fault, Shelf};
use serde_json::json;

#[test]
fn chunks_encodings_and_redirects_are_taken() {
    for size in [700, 3 << 20] {
        let bed = Bed::new();
        let body = Random::seeded().bytes(size);
        for mut shelf in bed.mirrors(&body) {
            let elsewhere = format!("{}/elsewhere", shelf.root);
            bed.upstream.put(&elsewhere, body.clone());
            let faults = [
                Fault::Chunked,
                Fault::Encoding("gzip"), // the file's own, for none was asked for
                Fault::Encoding("x-gzip"),
                Fault::Unframed(size),
                Fault::Redirect(elsewhere.clone()),
                Fault::Redirect(format!("{}{}", bed.upstream.url(), &elsewhere[1..])),
            ];
            for (at, fault) in faults.into_iter().enumerate() {
                let version = format!("2.{at}.0");
                shelf.put(&bed.upstream, &version, &body);
                bed.turn(10_000);
                bed.upstream.fail(&shelf.artifact(&version), fault);
                bed.right(&shelf.artifact_here(&version), &body);
                bed.upstream.heal();
                bed.right(&shelf.artifact_here(&version), &body);
                assert_eq!(
                    bed.upstream.count(&shelf.artifact(&version)),
                    1,
                    "{} {at}",
                    shelf.protocol
                );
            }
            for asked in bed.upstream.take_asked() {
                let encoding = asked.header("accept-encoding");
                let artifact = asked.path.contains("2.") || asked.path.contains("elsewhere");
                assert!(!artifact || encoding == Some("identity"), "{asked:?}");
            }
        }
    }
}

#[test]
fn indexes_come_in_chunks_and_encoded() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"a body") {
        let plain = bed.get(&shelf.index_here()).expect(200).body;
        for fault in [
            Fault::Chunked,
            Fault::Gzipped,
            Fault::Unframed(bed.upstream.body(&shelf.index()).len()),
        ] {
            bed.turn(10_000);
            bed.upstream.fail(&shelf.index(), fault);
            let answer = bed.right(&shelf.index_here(), &plain);
            assert_eq!(
                answer.header("age"),
                Some("0"),
                "it was asked for: {:?}",
                answer.headers
            );
            bed.upstream.heal();
        }
        let (packed, _) = bed
            .client
            .take(&shelf.index_here(), &[("accept-encoding", "gzip")])
            .expect("answer");
        if packed.header("content-encoding") == Some("gzip") {
            assert!(packed.body == gzip(&plain) || packed.body.len() < plain.len());
        } else {
            assert!(packed.body == plain);
        }
    }
}

#[test]
fn the_head_of_what_is_not_kept_yet_is_told() {
    let bed = Bed::new();
    for size in [700, 300_000] {
        let body = Random::seeded().bytes(size);
        for protocol in PROTOCOLS {
            let mut shelf = Shelf::new(protocol, &bed.upstream);
            shelf.put(&bed.upstream, &format!("1.0.{size}"), &body);
            if size == 700 {
                bed.make(
                    &shelf,
                    &json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
                );
            }
            bed.turn(10_000);
            let here = shelf.artifact_here(&format!("1.0.{size}"));
            let head = bed.client.send("HEAD", &here, &[], b"").expect(200);
            assert_eq!(
                head.header("content-length"),
                Some(size.to_string().as_str()),
                "{here}"
            );
            bed.right(&here, &body);
            assert_eq!(
                bed.upstream.count(&shelf.artifact(&format!("1.0.{size}"))),
                1,
                "{here}"
            );
        }
    }
}

#[test]
fn an_index_without_sizes_will_do() {
    let bed = Bed::new();
    let body = Random::seeded().bytes(300_000);
    for protocol in PROTOCOLS {
        let mut shelf = Shelf::new(protocol, &bed.upstream);
        shelf.sized = false;
        shelf.put(&bed.upstream, "1.0.0", &body);
        bed.make(
            &shelf,
            &json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
        );
        bed.upstream.fail(&shelf.artifact("1.0.0"), Fault::Chunked);
        bed.right(&shelf.artifact_here("1.0.0"), &body);
        bed.upstream.heal();
    }
}

#[test]
fn an_old_tarball_is_held_to_its_shasum() {
    let bed = Bed::new();
    let mut shelf = Shelf::new("npm", &bed.upstream);
    shelf.old = true;
    shelf.put(&bed.upstream, "0.0.1", b"an old one");
    bed.make(
        &shelf,
        &json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
    );
    let packument = bed.get(&shelf.index_here()).expect(200).json();
    let dist = &packument["versions"]["0.0.1"]["dist"];
    assert!(
        dist["integrity"].is_null() && dist["shasum"].is_string(),
        "{dist}"
    );
    let address = format!("{}{}", bed.larder.url(), shelf.artifact_here("0.0.1"));
    assert_eq!(dist["tarball"], address, "it is fetched from here");
    bed.upstream
        .fail(&shelf.artifact("0.0.1"), Fault::Flipped(3));
    assert_eq!(bed.wrong(&shelf.artifact_here("0.0.1")), 502);
    bed.upstream.heal();
    bed.right(&shelf.artifact_here("0.0.1"), b"an old one");
}

#[test]
fn a_wheels_metadata_is_held_to_its_hash() {
    let bed = Bed::new();
    let shelf = bed.mirror("pypi", b"a wheel");
    let (here, there) = (
        format!("{}.metadata", shelf.artifact_here("1.0.0")),
        format!("{}.metadata", shelf.artifact("1.0.0")),
    );
    for fault in [
        Fault::Flipped(3),
        Fault::Truncated(5),
        Fault::Login,
        Fault::TooShort(1),
    ] {
        bed.upstream.fail(&there, fault);
        assert_eq!(bed.wrong(&here), 502);
    }
    bed.upstream.heal();
    bed.right(&here, Shelf::metadata("1.0.0").as_bytes());
    assert_eq!(
        bed.upstream.count(&shelf.artifact("1.0.0")),
        0,
        "the wheel itself was not needed"
    );
}

#[test]
fn an_index_of_html_only_will_do() {
    let bed = Bed::new();
    let mut shelf = Shelf::new("pypi", &bed.upstream);
    shelf.html = true;
    shelf.put(&bed.upstream, "1.0.0", b"a wheel");
    bed.make(
        &shelf,
        &json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
    );
    for fault in [
        Fault::Login,
        Fault::Truncated(9),
        Fault::Encoding("gzip"),
        Fault::NotModified,
    ] {
        bed.upstream.fail(&shelf.index(), fault);
        assert_eq!(bed.wrong(&shelf.index_here()), 502);
    }
    bed.upstream.heal();
    let json = [("accept", "application/vnd.pypi.simple.v1+json")];
    let (page, _) = bed.client.take(&shelf.index_here(), &json).expect("page");
    assert_eq!(
        page.json()["files"][0]["filename"],
        "demo-1.0.0-py3-none-any.whl"
    );
    bed.upstream
        .fail(&shelf.artifact("1.0.0"), Fault::Flipped(0));
    assert_eq!(bed.wrong(&shelf.artifact_here("1.0.0")), 502);
    bed.upstream.heal();
    bed.right(&shelf.artifact_here("1.0.0"), b"a wheel");
}

/// Where an index tells the size and no hash that counts, a body that is cut is not kept.
#[test]
fn what_ends_before_its_size_is_not_kept() {
    let bed = Bed::with(&FORGETFUL);
    let body = Random::seeded().bytes(200_000);
    let shelf = bed.mirror("pypi", &body);
    let there = shelf.artifact("1.0.0");
    let name = there.rsplit('/').next().expect("name");
    let url = format!("{}{}", bed.upstream.url(), &there[1..]);
    let page = json!({"meta": {"api-version": "1.1"}, "name": "demo", "versions": [], "files": [
        {"filename": name, "url": url, "hashes": {"md5": "0".repeat(32)}, "size": body.len()}]});
    let json = [("content-type", "application/vnd.pypi.simple.v1+json")];
    bed.upstream
        .put_with(&shelf.index(), page.to_string(), &json);
    let here = shelf.artifact_here("1.0.0");
    for cut in [199_000, 100] {
        bed.upstream.fail(&there, Fault::Unframed(cut));
        let (answer, whole) = bed.taken(&here);
        assert!(!whole || answer.status >= 400, "{cut}: {}", answer.status);
    }
    bed.upstream.heal();
    bed.rest(&shelf);
    bed.right(&here, &body);
}
