//! Syncs that fail (`fsync` and `fdatasync`): always, once, sometimes.

use crate::fiu::{EIO, ENOSPC, FDATASYNC, FSYNC, Faults, PWRITE};
use crate::larder;
use crate::push::{KINDS, Kind, NAME, Push, check_all, new_bytes, prepare, push, push_bytes};
use larder_tests::random::Random;
use larder_tests::{Client, Larder};
use std::sync::Mutex;

const SYNCS: [&str; 2] = [FSYNC, FDATASYNC];

#[track_caller]
fn pushes_work(client: &Client, random: &mut Random, kept: &mut Vec<Push>) {
    for kind in KINDS {
        let done = push(client, kind, random);
        assert_eq!(done.answer.status, 201, "{kind:?}: {}", done.answer.text());
        kept.push(done);
    }
}

#[track_caller]
fn all_are_there_after_a_kill(mut larder: Larder, kept: &[Push]) {
    check_all(&larder.admin(), kept);
    larder.kill();
    larder.start_again();
    check_all(&larder.admin(), kept);
}

#[test]
fn while_syncs_fail_nothing_is_acknowledged() {
    let Some(faults) = Faults::find() else { return };
    let larder = faults.below(larder()).start();
    let (admin, mut random, mut kept) = (larder.admin(), Random::seeded(), Vec::new());
    prepare(&admin);
    pushes_work(&admin, &mut random, &mut kept);
    for _ in 0..2 {
        faults.always(&larder, &SYNCS, EIO);
        for kind in KINDS.repeat(3) {
            let refused = push(&admin, kind, &mut random);
            refused.check_refused(&[503]);
            admin.get(&refused.path).expect(404);
            check_all(&admin, &kept);
            larder.anonymous().get("/readyz").expect(503);
        }
        admin.send("DELETE", &kept[4].path, &[], b"").expect(503);
        faults.never(&larder, &SYNCS);
        pushes_work(&admin, &mut random, &mut kept);
        larder.anonymous().get("/readyz").expect(200);
    }
    all_are_there_after_a_kill(larder, &kept);
}

/// Pushes that are to meet one failure.
const TRIES: usize = 5;

/// A sync that failed once may have lost bytes for good: a second one of the same file that
/// succeeds proves nothing.
#[test]
fn a_sync_that_failed_once_is_not_tried_again() {
    let Some(faults) = Faults::find() else { return };
    let larder = faults.below(larder()).start();
    let (admin, mut random, mut kept) = (larder.admin(), Random::seeded(), Vec::new());
    prepare(&admin);
    pushes_work(&admin, &mut random, &mut kept);
    for kind in KINDS {
        let mut refused = 0;
        for call in SYNCS {
            // What the server writes by itself may meet the failure instead of the push.
            for _ in 0..TRIES {
                faults.once(&larder, call, EIO);
                let done = push(&admin, kind, &mut random);
                faults.never(&larder, &[call]);
                if !done.is_kept() {
                    done.check_refused(&[503]);
                    admin.get(&done.path).expect(404);
                    refused += 1;
                    break;
                }
                kept.push(done); // this kind makes no such call, or none of its own failed
            }
            pushes_work(&admin, &mut random, &mut kept);
        }
        let expected = if matches!(kind, Kind::Small | Kind::Manifest) {
            1
        } else {
            2
        };
        assert_eq!(
            refused, expected,
            "{kind:?} is made durable by fewer calls than it was"
        );
    }
    all_are_there_after_a_kill(larder, &kept);
}

#[test]
fn an_upload_whose_sync_failed_begins_anew() {
    let Some(faults) = Faults::find() else { return };
    let larder = faults.below(larder()).start();
    let (admin, mut random) = (larder.admin(), Random::seeded());
    prepare(&admin);
    let location =
        |answer: &larder_tests::Response| answer.header("location").expect("location").to_owned();
    let start = || {
        location(
            &admin
                .send("POST", &format!("/v2/{NAME}/blobs/uploads/"), &[], b"")
                .expect(202),
        )
    };
    // What the server writes by itself may meet the failure instead of the request.
    let meets = "a request that meets the failure";
    for size in [3_000_000, 20_000_000] {
        let refused = (0..TRIES).find_map(|_| {
            let bytes = new_bytes(&mut random, size);
            let session = location(&admin.send("PATCH", &start(), &[], &bytes).expect(202));
            let close = format!("{session}&digest={}", larder_tests::image::digest(&bytes));
            faults.once(&larder, FDATASYNC, EIO);
            let answer = admin.send("PUT", &close, &[], b"");
            faults.never(&larder, &[FDATASYNC]);
            (answer.status == 503).then_some((bytes, close))
        });
        let (bytes, close) = refused.expect(meets);
        let digest = larder_tests::image::digest(&bytes);
        assert_eq!(
            admin.send("PUT", &close, &[], b"").expect(404).code(),
            "BLOB_UPLOAD_UNKNOWN"
        );
        admin.get(&format!("/v2/{NAME}/blobs/{digest}")).expect(404);
        assert_eq!(
            push_bytes(&admin, Kind::Streamed, &bytes).answer.status,
            201
        );
    }
    // The sync that runs beside a long upload fails: the upload hears of it.
    let bytes = new_bytes(&mut random, 20_000_000);
    let refused = (0..TRIES).find_map(|_| {
        let session = start();
        faults.once(&larder, FDATASYNC, EIO);
        let answer = admin.send("PATCH", &session, &[], &bytes);
        faults.never(&larder, &[FDATASYNC]);
        if answer.status == 503 {
            return Some(session);
        }
        admin
            .send("DELETE", &location(&answer), &[], b"")
            .expect(204);
        None
    });
    let session = refused.expect(meets);
    let again = admin.send("PATCH", &session, &[], &bytes).expect(202);
    let close = format!(
        "{}&digest={}",
        location(&again),
        larder_tests::image::digest(&bytes)
    );
    admin.send("PUT", &close, &[], b"").expect(201);
    let staged = std::fs::read_dir(larder.data().join("storage/staging"))
        .expect("staging")
        .count();
    assert_eq!(staged, 0, "nothing of failed uploads stays");
}

/// Writers at once, while any sync may fail and any write may find no room.
#[test]
fn what_is_acknowledged_between_failures_stays() {
    let Some(faults) = Faults::find() else { return };
    let larder = faults.below(larder()).start();
    let (admin, mut random) = (larder.admin(), Random::seeded());
    prepare(&admin);
    let (kept, refused) = (Mutex::new(Vec::new()), Mutex::new(0));
    for (calls, errno) in [(&SYNCS[..], EIO), (&[PWRITE], ENOSPC), (&[PWRITE], EIO)] {
        faults.sometimes(&larder, calls, errno, 4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let mut random = Random::new(random.number());
                let (kept, refused, admin) = (&kept, &refused, &admin);
                scope.spawn(move || {
                    for _ in 0..10 {
                        for kind in KINDS {
                            let done = push(admin, kind, &mut random);
                            if done.is_kept() {
                                kept.lock().expect("kept").push(done);
                            } else {
                                done.check_refused(&[503, 507]);
                                *refused.lock().expect("refused") += 1;
                            }
                        }
                    }
                });
            }
        });
        faults.never(&larder, calls);
        pushes_work(&admin, &mut random, &mut kept.lock().expect("kept"));
    }
    let (kept, refused) = (
        kept.into_inner().expect("kept"),
        refused.into_inner().expect("refused"),
    );
    println!("{} acknowledged, {refused} refused", kept.len());
    all_are_there_after_a_kill(larder, &kept);
}

#[test]
fn a_full_disk_of_the_system_calls() {
    let Some(faults) = Faults::find() else { return };
    let larder = faults.below(larder()).start();
    let (admin, mut random, mut kept) = (larder.admin(), Random::seeded(), Vec::new());
    prepare(&admin);
    pushes_work(&admin, &mut random, &mut kept);
    faults.always(&larder, &[PWRITE], ENOSPC);
    for kind in KINDS.repeat(2) {
        let refused = push(&admin, kind, &mut random);
        refused.check_refused(&[507, 503]);
        admin.get(&refused.path).expect(404);
        check_all(&admin, &kept);
    }
    faults.never(&larder, &[PWRITE]);
    pushes_work(&admin, &mut random, &mut kept);
    all_are_there_after_a_kill(larder, &kept);
}
