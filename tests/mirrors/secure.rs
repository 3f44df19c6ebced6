//! Upstreams with TLS: whose certificates are taken, that nothing of it is given up again, and what
//! goes wrong over HTTP/2.

use crate::bed::{Bed, start, status};
use crate::wrong::{FORGETFUL, LARGE, SMALL, lies, spoil_artifacts, spoil_index, still_up};
use larder_tests::http::read_head;
use larder_tests::random::Random;
use larder_tests::secure::Certificate;
use larder_tests::shelf::PROTOCOLS;
use larder_tests::{Fault, Shelf, Upstream};
use serde_json::json;
use std::io::{BufReader, Read, Write};

/// Refused, told, and healed when the certificate is right.
fn refuses(bed: &Bed, shelf: &Shelf, certificate: Certificate) {
    bed.upstream.tls().show(certificate);
    bed.upstream.take_asked();
    for path in [shelf.index_here(), shelf.artifact_here("1.0.0")] {
        let refused = bed.get(&path).expect(503);
        assert!(
            refused.text().contains("upstream"),
            "{certificate:?}: {}",
            refused.text()
        );
    }
    assert_eq!(
        bed.upstream.total(),
        0,
        "{certificate:?}: {:?}",
        bed.upstream.take_asked()
    );
    bed.upstream.tls().show(Certificate::Right);
    bed.rest(shelf);
    bed.get(&shelf.index_here()).expect(200);
    bed.right(&shelf.artifact_here("1.0.0"), b"a body");
}

#[test]
fn a_certificate_is_right_or_nothing_is_asked() {
    let wrong = [
        Certificate::OtherName,
        Certificate::Expired,
        Certificate::NotYet,
    ];
    for (frames, wrong) in [(false, &wrong[..]), (true, &wrong[1..2])] {
        for certificate in wrong {
            let bed = Bed::secure(frames, &FORGETFUL);
            for shelf in bed.mirrors(b"a body") {
                refuses(&bed, &shelf, *certificate);
            }
            still_up(&bed);
        }
    }
}

#[test]
fn nobody_elses_word_is_taken_for_a_certificate() {
    let bed = Bed::of(start(&FORGETFUL), Upstream::secure(false));
    for shelf in bed.mirrors(b"a body") {
        for path in [shelf.index_here(), shelf.artifact_here("1.0.0")] {
            bed.get(&path).expect(503);
        }
    }
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
    let log = bed.larder.log_text();
    assert!(
        log.contains("UnknownIssuer") || log.contains("certificate"),
        "the log says why: {log}"
    );
}

#[test]
fn a_file_without_certificates_is_told_at_the_start() {
    let file = tempfile::NamedTempFile::new().expect("file");
    for (text, told) in [
        ("", "no certificate"),
        (
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "",
        ),
    ] {
        std::fs::write(file.path(), text).expect("file");
        let path = file.path().to_string_lossy().into_owned();
        let error = start(&[("LARDER_CACHE__UPSTREAM_AUTHORITIES", &path)]).refuses();
        assert!(
            error.contains("cache.upstream_authorities")
                && error.contains(&path)
                && error.contains(told),
            "{error}"
        );
    }
}

/// A kept index outlives a certificate that ran out, and says its age.
#[test]
fn what_is_kept_is_served_while_the_certificate_is_wrong() {
    let bed = Bed::secure(false, &FORGETFUL);
    for shelf in bed.mirrors(b"a body") {
        bed.get(&shelf.index_here()).expect(200);
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
        bed.turn(10_000);
        // A connection that is open already would do without another look.
        bed.upstream.tls().show(Certificate::Expired);
        bed.rest(&shelf);
        let answer = bed.get(&shelf.index_here()).expect(200);
        assert!(
            status(&answer).ends_with("detail=stale"),
            "{}",
            status(&answer)
        );
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
        bed.upstream.tls().show(Certificate::Right);
        bed.rest(&shelf);
        let answer = bed.get(&shelf.index_here()).expect(200);
        assert!(
            status(&answer).ends_with("detail=revalidated"),
            "{}",
            status(&answer)
        );
    }
}

/// It waits for the end of a line, and gets none.
#[test]
fn what_speaks_no_tls_is_an_error() {
    let bed = Bed::with(&[
        ("LARDER_CACHE__UPSTREAM_CONNECT_TIME", "200ms"),
        FORGETFUL[0],
    ]);
    for shelf in bed.mirrors(b"a body") {
        let right = json!({"upstream": {"url": shelf.url(&bed.upstream), "allow_private": true}});
        let url = shelf.url(&bed.upstream).replacen("http:", "https:", 1);
        bed.change(
            &shelf,
            &json!({"upstream": {"url": url, "allow_private": true}}),
        );
        bed.get(&shelf.index_here()).expect(503);
        bed.rest(&shelf);
        bed.get(&shelf.artifact_here("1.0.0")).expect(503);
        bed.change(&shelf, &right);
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
    }
}

/// Where no length is told, the end of the connection is the end of the body: unless someone has
/// cut it.
#[test]
fn a_connection_that_is_cut_is_no_end() {
    let bed = Bed::secure(false, &FORGETFUL);
    for shelf in bed.mirrors(b"a body") {
        let size = bed.upstream.body(&shelf.index()).len();
        bed.upstream.fail(&shelf.index(), Fault::Unframed(size));
        bed.upstream.tls().be_rude(true);
        let refused = bed.get(&shelf.index_here());
        assert!(
            matches!(refused.status, 502 | 503),
            "{}: {}",
            shelf.protocol,
            refused.status
        );
        bed.upstream.tls().be_rude(false);
        bed.rest(&shelf);
        bed.get(&shelf.index_here()).expect(200);
        bed.upstream.heal();
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
    }
}

/// Also where the plain place is one that may be asked.
#[test]
fn no_redirect_gives_up_tls() {
    for frames in [false, true] {
        let (bed, plain) = (Bed::secure(frames, &FORGETFUL), Upstream::start());
        for shelf in bed.mirrors(b"a body") {
            bed.change(
                &shelf,
                &json!({"upstream": {"allow": [plain.url(), bed.upstream.plain_url()]}}),
            );
            for path in [shelf.index(), shelf.artifact("1.0.0")] {
                plain.put(&path, bed.upstream.body(&path));
                let here = if path == shelf.index() {
                    shelf.index_here()
                } else {
                    shelf.artifact_here("1.0.0")
                };
                for to in [plain.url(), bed.upstream.plain_url()] {
                    bed.upstream.take_asked();
                    bed.upstream
                        .fail(&path, Fault::Redirect(format!("{to}{}", &path[1..])));
                    let refused = bed.get(&here).expect(502);
                    assert!(refused.text().contains("https"), "{}", refused.text());
                    assert_eq!(
                        bed.upstream.count(&path),
                        1,
                        "the plain place was not asked"
                    );
                    bed.upstream.heal();
                }
                bed.get(&here).expect(200);
            }
            bed.right(&shelf.artifact_here("1.0.0"), b"a body");
        }
        assert_eq!(plain.total(), 0, "{:?}", plain.take_asked());
    }
}

fn spoil(protocol: &'static str, size: usize, frames: bool) {
    let bed = Bed::secure(frames, &FORGETFUL);
    let body = Random::seeded().bytes(size);
    let mut shelf = bed.mirror(protocol, &body);
    spoil_artifacts(&bed, &mut shelf, &body);
}

#[test]
fn artifacts_over_tls() {
    spoil("cargo", SMALL, false);
    spoil("npm", LARGE, false);
}

#[test]
fn small_artifacts_over_http2() {
    for protocol in PROTOCOLS {
        spoil(protocol, SMALL, true);
    }
}

#[test]
fn large_artifacts_over_http2() {
    spoil("pypi", LARGE, true);
}

#[test]
fn indexes_over_http2() {
    let bed = Bed::secure(true, &FORGETFUL);
    for shelf in bed.mirrors(b"a body") {
        spoil_index(&bed, &shelf, &shelf.index(), false);
    }
    still_up(&bed);
}

/// A stream that is reset takes none of the others on its connection with it.
#[test]
fn a_stream_that_is_reset_is_not_its_connection() {
    let bed = Bed::secure(
        true,
        &[("LARDER_CACHE__UPSTREAM_IDLE_TIME", "60s"), FORGETFUL[0]],
    );
    let body = Random::seeded().bytes(LARGE);
    for mut shelf in bed.mirrors(&body) {
        shelf.put(&bed.upstream, "2.0.0", &body);
        bed.get(&shelf.index_here()).expect(200);
        bed.upstream
            .fail(&shelf.artifact("1.0.0"), Fault::Held(2 << 20));
        let mut held = bed.client.connect().expect("connect");
        let path = shelf.artifact_here("1.0.0");
        held.write_all(&bed.client.head("GET", &path, &[], None))
            .expect("request");
        let mut held = BufReader::new(held);
        read_head(&mut held).expect("head").expect(200);
        let mut all = vec![0; 1 << 20];
        held.read_exact(&mut all).expect("the begin");
        for (fault, _) in lies(LARGE)
            .into_iter()
            .chain([(Fault::Truncated(LARGE / 2), 0), (Fault::ChunkedCut(9), 0)])
        {
            bed.upstream.fail(&shelf.artifact("2.0.0"), fault);
            bed.wrong(&shelf.artifact_here("2.0.0"));
        }
        bed.upstream.release();
        held.read_to_end(&mut all).expect("the rest");
        assert!(all == body, "{}", shelf.protocol);
        bed.upstream.heal();
        bed.rest(&shelf);
        bed.right(&shelf.artifact_here("2.0.0"), &body);
    }
}
