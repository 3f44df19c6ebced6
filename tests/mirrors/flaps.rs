//! Upstreams at their worst: faults and changes by chance, and what is far too large.

use crate::bed::Bed;
use larder_tests::random::Random;
use larder_tests::shelf::gzip;
use larder_tests::{Fault, Shelf};

/// A fault that every artifact is safe from.
pub(crate) fn fault(random: &mut Random, size: usize) -> Fault {
    let mut below = |end: usize| usize::try_from(random.below(end as u64)).expect("number");
    match below(12) {
        0 => Fault::Status([403, 404, 410, 418][below(4)]),
        1 => Fault::Truncated(below(size)),
        2 => Fault::TooLong(1 + below(size)),
        3 => Fault::TooShort(1 + below(size - 1)),
        4 => Fault::ChunkedCut(below(size)),
        5 => Fault::Unframed(below(size)),
        6 => Fault::Flipped(below(size)),
        7 => Fault::Grown(below(size), 1 + below(size)),
        8 => Fault::Encoding(["gzip", "br"][below(2)]),
        9 => Fault::Gzipped,
        10 => Fault::NotModified,
        _ => Fault::Login,
    }
}

/// Artifacts that change with their indexes and without, and answers that are spoilt by chance: a
/// complete answer has the bytes that some index promised, and in the end all is well.
fn flap(shelf: &mut Shelf, bed: &Bed, random: &mut Random, size: usize) {
    let (mut here, there) = (shelf.artifact_here("1.0.0"), shelf.artifact("1.0.0"));
    let mut promised: Vec<Vec<u8>> = vec![bed.upstream.body(&there)];
    let mut kept = false;
    for _ in 0..60 {
        bed.turn(random.below(400));
        match random.below(5) {
            0 if !kept => {
                promised.push(random.bytes(size));
                shelf.put(&bed.upstream, "1.0.0", promised.last().expect("body"));
                here = shelf.artifact_here("1.0.0");
            }
            1 => bed.upstream.put(&there, random.bytes(size)),
            2 => bed
                .upstream
                .put(&there, promised.last().expect("body").clone()),
            _ => {}
        }
        let fault = fault(random, size);
        bed.upstream.fail(&there, fault.clone());
        let (answer, whole) = bed.taken(&here);
        let complete = whole && answer.status == 200;
        assert!(
            !complete || promised.contains(&answer.body),
            "{here} {fault:?}: other bytes than promised"
        );
        assert!(
            !kept || complete,
            "{here}: what was kept is not served: {} {:?} {}",
            answer.status,
            answer.headers,
            answer.text()
        );
        kept |= complete;
        bed.upstream.heal();
        bed.rest(shelf);
        if kept && random.below(8) == 0 {
            break;
        }
    }
    bed.upstream
        .put(&there, promised.last().expect("body").clone());
    bed.turn(20);
    // By an index that is older than the artifact it may break off once; the newer one is kept
    // then.
    bed.taken(&here);
    let (answer, whole) = bed.taken(&here);
    assert!(
        whole && answer.status == 200 && promised.contains(&answer.body),
        "{here}: {:?}",
        answer.headers
    );
}

#[test]
fn no_complete_answer_has_bytes_that_nobody_promised() {
    let mut random = Random::seeded();
    for size in [700, 200_000, 700, 200_000] {
        let bed = Bed::with(&[("LARDER_CACHE__NOT_FOUND", "0s")]);
        for mut shelf in bed.mirrors(&random.bytes(size)) {
            flap(&mut shelf, &bed, &mut random, size);
        }
        let log = bed.larder.log_text();
        assert!(
            !log.contains("panicked") && !log.contains("crashed"),
            "{log}"
        );
    }
}

#[test]
fn what_is_too_large_is_refused_in_bounded_memory() {
    let bed = Bed::with(&[
        ("LARDER_CACHE__DOCUMENT_SIZE", "1MiB"),
        ("LARDER_CACHE__ARTIFACT_SIZE", "1MiB"),
    ]);
    let large = vec![b' '; 200 << 20];
    let packed = gzip(&large);
    let before = bed.larder.memory().0;
    for mut shelf in bed.mirrors(&large[..2 << 20]) {
        for chunked in [false, true] {
            if chunked {
                shelf.sized = false;
                shelf.put_index(&bed.upstream);
                bed.turn(10_000);
                bed.upstream.fail(&shelf.artifact("1.0.0"), Fault::Chunked);
            }
            let status = bed.wrong(&shelf.artifact_here("1.0.0"));
            assert!(chunked || status == 502, "{}: {status}", shelf.protocol);
        }
        bed.upstream.put_with(
            &shelf.index(),
            packed.clone(),
            &[("content-encoding", "gzip")],
        );
        bed.turn(10_000);
        bed.rest(&shelf);
        bed.get(&shelf.index_here()).expect(200); // the one that is kept
    }
    let most = bed.larder.memory().1;
    assert!(most - before < 64 << 20, "{before} became {most}");
}

/// Whether its length is announced or not, and whoever asks first or while it comes.
#[test]
fn an_index_that_is_too_large_is_refused_and_not_broken_off() {
    let bed = Bed::with(&[
        ("LARDER_CACHE__DOCUMENT_SIZE", "1MiB"),
        ("LARDER_CACHE__NOT_FOUND", "0s"),
    ]);
    let large = vec![b' '; 5 << 20];
    let noise = gzip(&Random::seeded().bytes(large.len())); // packed as well as no bomb is
    for shelf in bed.mirrors(b"a body") {
        let right = bed.upstream.body(&shelf.index());
        let size = large.len();
        for (fault, packed) in [
            (None, false),
            (Some(Fault::Chunked), false),
            (Some(Fault::Unframed(size)), false),
            (None, true),
        ] {
            if packed {
                bed.upstream.put_with(
                    &shelf.index(),
                    noise.clone(),
                    &[("content-encoding", "gzip")],
                );
            } else {
                bed.upstream.put(&shelf.index(), large.clone());
            }
            if let Some(fault) = &fault {
                bed.upstream.fail(&shelf.index(), fault.clone());
            }
            let ask = || {
                let (client, path) = (bed.client.clone(), shelf.index_here());
                std::thread::spawn(move || client.take(&path, &[]).expect("answer"))
            };
            for reader in [ask(), ask(), ask()] {
                let (answer, whole) = reader.join().expect("client");
                assert!(
                    whole && answer.status == 502,
                    "{} {fault:?}: {}",
                    shelf.protocol,
                    answer.status
                );
                let told = answer.text();
                let setting = "at most 1 MiB (the setting cache.document_size)";
                assert!(told.contains(setting), "{told}");
            }
            bed.upstream.heal();
            bed.rest(&shelf);
        }
        bed.upstream.put(&shelf.index(), right);
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
    }
}
