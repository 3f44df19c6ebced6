//! Whatever an upstream sends: no wrong byte is kept, and no client takes one for the right one.

use crate::bed::Bed;
use larder_tests::random::Random;
use larder_tests::{Fault, Shelf, Upstream};

/// Nothing is remembered as missing: every fault is a new one.
pub(crate) const FORGETFUL: [(&str, &str); 1] = [("LARDER_CACHE__NOT_FOUND", "0s")];
pub(crate) const SMALL: usize = 700;
pub(crate) const LARGE: usize = 3 << 20;

/// Faults of an answer whose body has this size, with the status that follows; 0: any refusal, or a
/// body that breaks off.
pub(crate) fn faults(size: usize, itself: &str, other: &Upstream) -> Vec<(Fault, u16)> {
    let half = size / 2;
    vec![
        (Fault::Status(401), 502),
        (Fault::Status(403), 403),
        (Fault::Status(404), 404),
        (Fault::Status(410), 404),
        (Fault::Status(418), 502),
        (Fault::Status(206), 502),
        (Fault::Later(429, 1), 503),
        (Fault::Status(500), 503),
        (Fault::Later(503, 1), 503),
        (Fault::Truncated(0), 0),
        (Fault::Truncated(half), 0),
        (Fault::Truncated(size - 1), 0),
        (Fault::TooLong(1), 0),
        (Fault::TooLong(LARGE), 0),
        (Fault::TooShort(3), 0),
        (Fault::TooShort(half), 0),
        (Fault::ChunkedCut(half), 0),
        (Fault::ChunkedCut(size), 0),
        (Fault::Redirect(itself.to_owned()), 502),
        (Fault::Redirect(other.url()), 502),
        (
            Fault::Redirect("http://169.254.169.254/latest/".to_owned()),
            502,
        ),
        (Fault::Redirect("file:///etc/passwd".to_owned()), 502),
        (Fault::Redirect("http://[".to_owned()), 502),
        (Fault::NotModified, 502),
        (Fault::Held(half), 0),
        (Fault::Closed, 503),
        (Fault::Login, 0),
    ]
}

/// Faults that only what vouches for the bytes can tell from the right ones.
pub(crate) fn lies(size: usize) -> Vec<(Fault, u16)> {
    let half = size / 2;
    vec![
        (Fault::Unframed(0), 0),
        (Fault::Unframed(half), 0),
        (Fault::Flipped(0), 0),
        (Fault::Flipped(size - 1), 0),
        (Fault::Grown(half, 1), 0),
        (Fault::Grown(half, 1 << 20), 0),
    ]
}

pub(crate) fn still_up(bed: &Bed) {
    bed.client.get("/healthz").expect(200);
    let log = bed.larder.log_text();
    assert!(
        !log.contains("panicked") && !log.contains("crashed"),
        "{log}"
    );
}

/// Every version of an artifact fails in its own way, and comes as it should afterwards.
pub(crate) fn spoil_artifacts(bed: &Bed, shelf: &mut Shelf, body: &[u8]) {
    let other = Upstream::start();
    let small = body.len() < 64 * 1024;
    let all: Vec<(Fault, u16)> = faults(body.len(), "/", &other)
        .into_iter()
        .chain(lies(body.len()))
        .collect();
    let version = |at: usize| format!("2.{at}.0");
    for at in 0..all.len() {
        shelf.put(&bed.upstream, &version(at), body);
    }
    bed.get(&shelf.index_here()).expect(200);
    for (at, (fault, status)) in all.into_iter().enumerate() {
        let (here, there) = (
            shelf.artifact_here(&version(at)),
            shelf.artifact(&version(at)),
        );
        let fault = if matches!(&fault, Fault::Redirect(to) if to == "/") {
            Fault::Redirect(there.clone())
        } else {
            fault
        };
        bed.upstream.take_asked();
        bed.upstream.fail(&there, fault.clone());
        let told = bed.wrong(&here);
        assert!(status == 0 || told == status, "{here} {fault:?}: {told}");
        assert!(told != 404 || status == 404, "{here} {fault:?} is no 404");
        let framed = !matches!(
            fault,
            Fault::ChunkedCut(_) | Fault::Unframed(_) | Fault::Grown(..) | Fault::TooLong(LARGE)
        );
        assert!(
            !small || !framed || told >= 400,
            "{here} {fault:?}: a small one is refused, not broken off"
        );
        bed.upstream.heal();
        bed.upstream.release();
        bed.rest(shelf);
        let before = bed.upstream.count(&there);
        bed.right(&here, body);
        assert_eq!(
            bed.upstream.count(&there),
            before + 1,
            "{here} {fault:?}: it was not kept"
        );
    }
    assert_eq!(other.total(), 0, "{:?}", other.take_asked());
    still_up(bed);
}

fn spoil(protocol: &'static str, size: usize, sized: bool) {
    let bed = Bed::with(&FORGETFUL);
    let body = Random::seeded().bytes(size);
    let mut shelf = bed.mirror(protocol, &body);
    shelf.sized = sized;
    spoil_artifacts(&bed, &mut shelf, &body);
}

#[test]
fn small_artifacts_of_cargo() {
    spoil("cargo", SMALL, false);
}

#[test]
fn small_artifacts_of_npm() {
    spoil("npm", SMALL, false);
}

#[test]
fn small_artifacts_of_pypi() {
    spoil("pypi", SMALL, true);
    spoil("pypi", SMALL, false);
}

#[test]
fn small_artifacts_of_rpm() {
    spoil("rpm", SMALL, true);
}

#[test]
fn small_artifacts_of_deb() {
    spoil("deb", SMALL, true);
}

#[test]
fn small_artifacts_of_composer() {
    spoil("composer", SMALL, false);
}

#[test]
fn large_artifacts_of_cargo() {
    spoil("cargo", LARGE, false);
}

#[test]
fn large_artifacts_of_npm() {
    spoil("npm", LARGE, false);
}

#[test]
fn large_artifacts_of_pypi() {
    spoil("pypi", LARGE, true);
    spoil("pypi", LARGE, false);
}

#[test]
fn large_artifacts_of_rpm() {
    spoil("rpm", LARGE, true);
}

#[test]
fn large_artifacts_of_deb() {
    spoil("deb", LARGE, true);
}

#[test]
fn large_artifacts_of_composer() {
    spoil("composer", LARGE, false);
}

#[test]
fn one_flipped_byte_anywhere_is_found() {
    let bed = Bed::new();
    let mut random = Random::seeded();
    for (size, count) in [(SMALL, 100), (LARGE, 12)] {
        let body = random.bytes(size);
        let mut shelves = if size == SMALL {
            bed.mirrors(&body)
        } else {
            Vec::new()
        };
        if shelves.is_empty() {
            let begin = |protocol| Shelf::new(protocol, &bed.upstream);
            shelves.extend(larder_tests::shelf::PROTOCOLS.into_iter().map(begin));
            bed.turn(1000); // the larger ones are in newer indexes
        }
        for shelf in &mut shelves {
            shelf.put(&bed.upstream, "3.0.0", &body);
            let here = shelf.artifact_here("3.0.0");
            let here = if size == SMALL {
                shelf.artifact_here("1.0.0")
            } else {
                here
            };
            let there = here.clone();
            let version = if size == SMALL { "1.0.0" } else { "3.0.0" };
            for _ in 0..count {
                let at = usize::try_from(random.below(size as u64)).expect("offset");
                bed.upstream
                    .fail(&shelf.artifact(version), Fault::Flipped(at));
                let status = bed.wrong(&here);
                assert!(size != SMALL || status == 502, "{there} at {at}: {status}");
            }
            bed.upstream.heal();
            bed.right(&here, &body);
        }
    }
    still_up(&bed);
}

/// What is needed for an index, and goes wrong: nothing of it is kept, and then it comes.
/// `promised`: another index vouches.
pub(crate) fn spoil_index(bed: &Bed, shelf: &Shelf, there: &str, promised: bool) {
    let other = Upstream::start();
    let body = bed.upstream.body(there);
    let more = if promised {
        lies(body.len())
    } else {
        ["gzip", "br", "gzip, br"]
            .map(|label| (Fault::Encoding(label), 502))
            .into()
    };
    let here = shelf.index_here();
    for (fault, status) in faults(body.len(), there, &other).into_iter().chain(more) {
        bed.upstream.take_asked();
        bed.upstream.fail(there, fault.clone());
        let (answer, whole) = bed.taken(&here);
        assert!(
            whole && answer.status >= 400,
            "{here} {fault:?}: {} {:?}",
            answer.status,
            answer.headers
        );
        // What an index names and is not there is the upstream's fault.
        let status = if promised && status == 404 {
            502
        } else {
            status
        };
        assert!(
            status == 0 || answer.status == status,
            "{here} {fault:?}: {}",
            answer.status
        );
        assert!(
            status != 0 || matches!(answer.status, 502 | 503),
            "{here} {fault:?}: {}",
            answer.status
        );
        assert!(bed.upstream.count(there) > 0, "{here} {fault:?}: not asked");
        bed.upstream.heal();
        bed.upstream.release();
        bed.rest(shelf);
    }
    assert_eq!(other.total(), 0, "{:?}", other.take_asked());
    bed.get(&here).expect(200);
    bed.right(&shelf.artifact_here("1.0.0"), b"a body");
}

#[test]
fn indexes() {
    let bed = Bed::with(&FORGETFUL);
    for shelf in bed.all_mirrors(b"a body") {
        spoil_index(&bed, &shelf, &shelf.index(), false);
    }
    still_up(&bed);
}

#[test]
fn what_belongs_to_an_index() {
    let bed = Bed::with(&FORGETFUL);
    let shelf = bed.mirror("rpm", b"a body");
    spoil_index(&bed, &shelf, &shelf.list(), true);
    still_up(&bed);
}

/// Where a cargo registry's crates are, its `config.json` tells.
#[test]
fn what_tells_where_crates_are() {
    let bed = Bed::with(&FORGETFUL);
    let shelf = bed.mirror("cargo", b"a body");
    let config = format!("{}/config.json", shelf.root);
    let other = Upstream::start();
    for (fault, _) in faults(bed.upstream.body(&config).len(), &config, &other) {
        bed.upstream.fail(&config, fault.clone());
        let status = bed.wrong(&shelf.artifact_here("1.0.0"));
        let right = match fault {
            Fault::Status(403) => status == 403,
            Fault::Status(404 | 410) => status == 502,
            _ => matches!(status, 502 | 503),
        };
        assert!(right, "{fault:?}: {status}");
        bed.upstream.heal();
        bed.upstream.release();
        bed.rest(&shelf);
    }
    bed.right(&shelf.artifact_here("1.0.0"), b"a body");
    assert_eq!(other.total(), 0, "{:?}", other.take_asked());
}
