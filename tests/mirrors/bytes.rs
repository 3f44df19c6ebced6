//! Bytes as they are: an upstream's label says nothing of them, and what an index promises decides.

use crate::bed::Bed;
use crate::images_wrong::{blob_path, here as image_here, manifest_path, put_image};
use crate::wrong::FORGETFUL;
use larder_tests::archive;
use larder_tests::random::Random;
use larder_tests::shelf::{PROTOCOLS, gzip};
use larder_tests::{Fault, Image, Shelf};
use serde_json::json;

const GZIP: [(&str, &str); 1] = [("content-encoding", "x-gzip")];

/// A source archive on a page without checksums, and where it is here and there.
fn unpromised(bed: &Bed, archive: &[u8]) -> (&'static str, &'static str) {
    let page = "<title>Links for demo</title><a href='/files/demo-1.0.tar.gz'>demo-1.0.tar.gz</a>";
    bed.upstream
        .put_with("/pypi/simple/demo/", page, &[("content-type", "text/html")]);
    let there = "/files/demo-1.0.tar.gz";
    bed.upstream.put_with(there, archive, &GZIP);
    let shelf = Shelf::new("pypi", &bed.upstream);
    bed.make(
        &shelf,
        &json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
    );
    ("/pypi/up/packages/demo/demo-1.0.tar.gz", there)
}

/// A tar archive of one file with these bytes.
fn tar(body: &[u8]) -> Vec<u8> {
    archive::tar(&[("demo-1.0/data", body)])
}

/// Has a file kept: a part of it is given out only then.
fn keep(bed: &Bed, here: &str) {
    let part = bed.client.take(here, &[("range", "bytes=0-0")]);
    assert_eq!(part.expect("answer").0.status, 206);
}

#[test]
fn a_label_changes_nothing_of_what_was_asked_for_as_it_is() {
    for size in [700, 300_000] {
        let bed = Bed::new();
        let body = gzip(&Random::seeded().bytes(size));
        for mut shelf in bed.mirrors(&body) {
            for (at, label) in ["gzip", "x-gzip", "br", "gzip, br", "binary"]
                .into_iter()
                .enumerate()
            {
                let version = format!("2.{at}.0");
                shelf.put(&bed.upstream, &version, &body);
                bed.turn(10_000);
                bed.upstream
                    .fail(&shelf.artifact(&version), Fault::Encoding(label));
                bed.right(&shelf.artifact_here(&version), &body);
                bed.upstream.heal();
                bed.right(&shelf.artifact_here(&version), &body);
                assert_eq!(bed.upstream.count(&shelf.artifact(&version)), 1, "{label}");
            }
        }
    }
}

#[test]
fn a_label_changes_nothing_of_images_and_packed_lists() {
    for (at, label) in ["gzip", "x-gzip", "br", "binary"].into_iter().enumerate() {
        let bed = Bed::new();
        let random = &mut Random::seeded();
        let shelf = Shelf::new("oci", &bed.upstream);
        bed.make(
            &shelf,
            &json!({"url": bed.upstream.url(), "allow_private": true}),
        );
        // Layers that are packed, and that are not.
        let layers = vec![gzip(&random.bytes(300_000)), random.bytes(70_000 + at)];
        let image = Image::of(b"{}".to_vec(), layers, &json!({}));
        put_image(&bed.upstream, "1", &image);
        bed.right(&image_here(&manifest_path("1")), &image.manifest);
        for (_, bytes) in &image.blobs {
            let path = blob_path(bytes);
            bed.upstream.fail(&path, Fault::Encoding(label));
            bed.right(&image_here(&path), bytes);
            bed.upstream.heal();
            bed.right(&image_here(&path), bytes);
            assert_eq!(bed.upstream.count(&path), 1, "{label}");
        }
        // A list that its index promises as it is packed.
        let shelf = bed.mirror("rpm", b"x");
        let list = "/rpm/repodata/primary.xml.gz";
        bed.upstream.fail(list, Fault::Encoding(label));
        bed.get(&shelf.index_here()).expect(200);
        let got = bed.get(&format!("/rpm/up{}", &list[4..])).expect(200);
        assert_eq!(got.body[..2], [0x1f, 0x8b], "{label}: as it is packed");
        assert_eq!(got.header("content-encoding"), None);
        bed.right(&shelf.artifact_here("1.0.0"), b"x");
    }
}

#[test]
fn what_was_encoded_on_its_way_is_decoded_if_that_is_what_was_promised() {
    for size in [700, 300_000] {
        let bed = Bed::with(&FORGETFUL);
        let body = Random::seeded().bytes(size);
        for mut shelf in bed.mirrors(&body) {
            shelf.put(&bed.upstream, "2.0.0", &body);
            bed.turn(10_000);
            bed.upstream
                .put_with(&shelf.artifact("2.0.0"), gzip(&body), &GZIP);
            let here = shelf.artifact_here("2.0.0");
            // Crates and tarballs are packed themselves, so one that is packed twice streams before that is known.
            if matches!(shelf.protocol, "cargo" | "npm") && size > 64 << 10 {
                bed.wrong(&here);
            }
            bed.right(&here, &body);
            // Other bytes are refused, encoded or not.
            shelf.put(&bed.upstream, "3.0.0", &body);
            bed.turn(10_000);
            bed.upstream
                .put_with(&shelf.artifact("3.0.0"), gzip(b"other bytes"), &GZIP);
            assert_eq!(bed.wrong(&shelf.artifact_here("3.0.0")), 502);
        }
    }
}

#[test]
fn without_a_checksum_a_file_is_kept_as_it_came() {
    let bed = Bed::new();
    let archive = gzip(&tar(b"data"));
    let (here, _) = unpromised(&bed, &archive);
    bed.right(here, &archive);
    bed.right(here, &archive);
}

#[test]
fn an_archive_that_was_unpacked_before_is_found_and_fetched_again() {
    let bed = Bed::with(&FORGETFUL);
    for size in [9, 200_000] {
        let plain = tar(&Random::seeded().bytes(size));
        let archive = gzip(&plain);
        if size == 9 {
            let (here, there) = unpromised(&bed, &plain);
            unpacked(&bed, (here, there), &plain, &archive);
        } else {
            let page = bed.upstream.body("/pypi/simple/demo/");
            let page = String::from_utf8(page)
                .expect("text")
                .replace("-1.0.", "-2.0.");
            let html = [("content-type", "text/html")];
            bed.upstream.put_with("/pypi/simple/demo/", page, &html);
            bed.turn(10_000);
            let there = "/files/demo-2.0.tar.gz";
            bed.upstream.put_with(there, plain.clone(), &GZIP);
            let here = "/pypi/up/packages/demo/demo-2.0.tar.gz";
            unpacked(&bed, (here, there), &plain, &archive);
        }
    }
}

/// As it was kept by a server that unpacked it: the upstream sends what that server made of it.
fn unpacked(bed: &Bed, (here, there): (&str, &str), plain: &[u8], archive: &[u8]) {
    keep(bed, here);
    // Nobody can be asked: it is served as it is kept.
    bed.upstream.fail(there, Fault::Status(500));
    bed.right(here, plain);
    bed.upstream.heal();
    bed.turn(10_000);
    bed.upstream.put_with(there, archive, &GZIP);
    bed.right(here, archive);
    bed.right(here, archive);
    let asked = bed.upstream.count(there);
    bed.right(here, archive);
    assert_eq!(bed.upstream.count(there), asked, "it is kept");
}

#[test]
fn an_archive_that_is_plain_upstream_is_asked_for_once_more_only() {
    let bed = Bed::new();
    let plain = tar(b"data");
    let (here, there) = unpromised(&bed, &plain);
    keep(&bed, here);
    for _ in 0..4 {
        bed.right(here, &plain);
    }
    assert_eq!(bed.upstream.count(there), 2);
}

#[test]
fn a_wrong_size_is_of_no_weight_where_there_is_a_hash() {
    for size in [700, 300_000] {
        let bed = Bed::new();
        let body = Random::seeded().bytes(size);
        for protocol in PROTOCOLS
            .into_iter()
            .filter(|protocol| matches!(*protocol, "pypi" | "rpm"))
        {
            let mut shelf = Shelf::new(protocol, &bed.upstream);
            shelf.size_error = 5;
            for version in ["1.0.0", "2.0.0"] {
                shelf.put(&bed.upstream, version, &body);
            }
            bed.make(
                &shelf,
                &json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
            );
            bed.right(&shelf.artifact_here("1.0.0"), &body);
            bed.upstream.fail(&shelf.artifact("2.0.0"), Fault::Chunked);
            bed.right(&shelf.artifact_here("2.0.0"), &body);
            bed.upstream.heal();
        }
    }
}

#[test]
fn an_index_that_unpacks_to_too_much_is_refused() {
    let bed = Bed::with(&FORGETFUL);
    let shelf = bed.mirror("npm", b"a body");
    let plain = bed.upstream.body(&shelf.index());
    let packed = [("content-encoding", "gzip")];
    let put = |spaces: usize| {
        let body = [&plain[..], &vec![b' '; spaces]].concat();
        bed.upstream.put_with(&shelf.index(), gzip(&body), &packed);
        bed.turn(10_000);
        bed.get(&shelf.index_here())
    };
    let refused = put(20 << 20).expect(502).text();
    assert!(refused.contains("unpacks to too much"), "{refused}");
    put(900 << 10).expect(200);
}
