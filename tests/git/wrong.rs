//! Upstreams that break off, lie, or are none: nothing of that is kept.

use crate::bed::Bed;
use larder_tests::Fault;
use larder_tests::gits::Gits;
use serde_json::json;
use std::sync::{Arc, Mutex};

const DISCOVERY: &str = "/git/tool.git/info/refs?service=git-upload-pack";

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
