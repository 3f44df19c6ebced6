//! Upstreams that break off, lie, or are none: nothing of that is kept.

use crate::bed::Bed;
use larder_tests::Fault;
use larder_tests::gits::Gits;
use serde_json::json;
use std::sync::{Arc, Mutex};

const DISCOVERY: &str = "/git/tool.git/info/refs?service=git-upload-pack";

const OBJECTS: &str = "/git/tool.git/git-upload-pack";

/// Whatever went wrong, the next time all is well.
#[track_caller]
fn heals(bed: &Bed, name: &str) {
    bed.gits.spoil(None);
    bed.upstream.heal();
    bed.rest();
    let at = bed.clone(&bed.url("up/tool"), name, &[]);
    assert_eq!(bed.head(&at), bed.gits.head("tool"));
    bed.run(&at, &["fsck", "--strict"]);
}

/// What is made of an answer with objects.
type Way = Box<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>;

#[test]
fn spoilt_objects_are_not_kept() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    bed.gits.make("other");
    bed.gits.commit("other", "x.txt", b"x\n");
    let pack: Arc<Mutex<Vec<u8>>> = Arc::default();
    let into = Arc::clone(&pack);
    bed.gits.spoil(Some(Box::new(move |_, body| {
        into.lock().expect("pack").clone_from(&body);
        body
    })));
    bed.clone(&bed.url("up/other"), "other", &[]);
    let pack = pack.lock().expect("pack").clone();
    assert!(!pack.is_empty());
    let ways: [(&str, Way); 4] = [
        ("cut", Box::new(|body| body[..body.len() / 2].to_vec())),
        ("another", Box::new(move |_| pack.clone())),
        (
            "flipped",
            Box::new(|mut body| {
                let pack = body.windows(4).position(|bytes| bytes == b"PACK");
                let at = pack.expect("pack") + 40;
                body[at] ^= 1;
                body
            }),
        ),
        ("none", Box::new(|_| b"0000".to_vec())),
    ];
    for (way, change) in ways {
        bed.gits.spoil(Some(Box::new(move |_, body| change(body))));
        let refused = bed.fails(bed.home(), &["clone", &bed.url("up/tool"), way]);
        assert!(refused.contains("50"), "{way}: {refused}");
        let packages = bed
            .larder
            .api("GET", "repositories/git/up/packages", "", 200);
        assert!(!packages.to_string().contains("tool"), "{way}: {packages}");
        bed.rest();
    }
    heals(&bed, "healed");
}

#[test]
fn what_is_no_repository_is_refused() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    let faults = [
        Fault::Login,
        Fault::Truncated(30),
        Fault::ChunkedCut(30),
        Fault::Closed,
        Fault::Status(500),
        Fault::Status(401),
        Fault::Redirect(
            "http://169.254.1.1/git/tool.git/info/refs?service=git-upload-pack".to_owned(),
        ),
    ];
    for fault in faults {
        bed.upstream.fail(DISCOVERY, fault.clone());
        let refused = bed.fails(bed.home(), &["ls-remote", &bed.url("up/tool")]);
        assert!(refused.contains(" 50"), "{fault:?}: {refused}");
        bed.upstream.heal();
        bed.rest();
    }
    heals(&bed, "healed");
}

/// Whatever comes of the request for objects: nothing of it is kept, and no client takes it for all.
#[test]
fn answers_that_go_wrong_are_not_kept() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    bed.gits.commit(
        "tool",
        "big.txt",
        crate::hosted::noise(9, 60_000).as_bytes(),
    );
    let other = larder_tests::Upstream::start();
    let faults = [
        Fault::Login,
        Fault::Closed,
        Fault::Status(401),
        Fault::Status(404),
        Fault::Status(500),
        Fault::Later(429, 1),
        Fault::Later(503, 1),
        Fault::Truncated(20_000),
        Fault::TooLong(5),
        Fault::TooShort(30),
        Fault::ChunkedCut(20_000),
        Fault::Unframed(20_000),
        Fault::Flipped(25_000),
        Fault::Held(20_000),
        Fault::Redirect(other.url()),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        // The first question is the one for refs.
        for skip in [false, true] {
            // What is told of refs is shorter than what is changed of objects.
            let is_short = !skip
                && matches!(
                    fault,
                    Fault::Held(_)
                        | Fault::Truncated(_)
                        | Fault::ChunkedCut(_)
                        | Fault::Unframed(_)
                        | Fault::Flipped(_)
                );
            if skip {
                bed.upstream.fail_times(OBJECTS, Fault::Chunked, 1);
                bed.upstream.fail_after(OBJECTS, fault.clone());
            } else if is_short {
                continue;
            } else {
                bed.upstream.fail(OBJECTS, fault.clone());
            }
            let name = format!("{number}-{skip}");
            let refused = bed.fails(bed.home(), &["clone", &bed.url("up/tool"), &name]);
            assert!(refused.contains(" 50"), "{fault:?} {skip}: {refused}");
            let path = "repositories/git/up/packages";
            let packages = bed.larder.api("GET", path, "", 200).to_string();
            assert!(!packages.contains("tool"), "{fault:?}: {packages}");
            bed.upstream.heal();
            bed.upstream.release();
            bed.rest();
        }
    }
    assert_eq!(other.total(), 0, "{:?}", other.take_asked());
    let log = bed.larder.log_text();
    assert!(!log.contains("panicked"), "{log}");
    heals(&bed, "healed");
}

/// An upstream that asks for a password is shown its own, and nobody else; without it, it is no 404.
#[test]
fn upstreams_are_shown_their_own_password() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    let large = crate::hosted::noise(4, 5000);
    bed.gits.commit("tool", "a.txt", large.as_bytes());
    bed.upstream.fail_all(Fault::Password);
    let refused = bed.fails(bed.home(), &["ls-remote", &bed.url("up/tool")]);
    assert!(refused.contains(" 502"), "{refused}");
    bed.change(
        "up",
        &json!({"upstream": {"username": "robot", "password": "a-secret-of-the-upstream"}}),
    );
    // A password closes the mirror; who reads it here shows one of this server.
    bed.larder.close_everything();
    bed.upstream.take_asked();
    let at = bed.clone(&bed.url_of("admin", "up/tool"), "clone", &[]);
    assert_eq!(bed.head(&at), bed.gits.head("tool"));
    let asked = bed.upstream.take_asked();
    assert!(!asked.is_empty());
    // "robot:a-secret-of-the-upstream"
    let shown = Some("Basic cm9ib3Q6YS1zZWNyZXQtb2YtdGhlLXVwc3RyZWFt");
    for asked in &asked {
        assert_eq!(asked.header("authorization"), shown, "{}", asked.path);
    }
    let log = bed.larder.log_text();
    assert!(!log.contains("a-secret-of-the-upstream"), "{log}");
    let refused = bed.fails(bed.home(), &["ls-remote", &bed.url("up/tool")]);
    assert!(refused.contains("could not read Username"), "{refused}");
}

/// An upstream of the older protocol is mirrored as well.
#[test]
fn upstreams_of_the_older_protocol_are_mirrored() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.speak_old();
    bed.gits.make("tool");
    bed.gits.run("tool", &["tag", "-a", "-m", "first", "v1"]);
    let first = bed.gits.head("tool");
    let at = bed.clone(&bed.url("up/tool"), "clone", &[]);
    assert_eq!(
        (bed.head(&at), bed.run(&at, &["tag"])),
        (first, "v1\n".to_owned())
    );
    let next = bed.gits.commit("tool", "b.txt", b"two\n");
    bed.turn(crate::bed::STALE);
    bed.run(&at, &["pull", "-q"]);
    assert_eq!(bed.head(&at), next);
    bed.run(&at, &["fsck", "--strict"]);
    assert_eq!(bed.fetches(), 2);
}

/// An upstream with a private address is asked nothing unless that is allowed.
#[test]
fn private_addresses_are_not_asked() {
    let Some(bed) = Bed::without_mirror() else {
        return;
    };
    bed.gits.make("tool");
    bed.make(
        "up",
        "mirror",
        &json!({"upstream": {"url": Gits::url(&bed.upstream)}}),
    );
    bed.fails(bed.home(), &["ls-remote", &bed.url("up/tool")]);
    assert_eq!(bed.upstream.total(), 0);
    bed.change("up", &json!({"upstream": {"allow_private": true}}));
    heals(&bed, "allowed");
}
