//! What a mirror keeps and its store has lost comes again by the request that finds it: in a folder,
//! and in S3.

use crate::bed::{Bed, start, status};
use crate::images_wrong::{here, manifest_path, put_image};
use larder_tests::bucket::BUCKET;
use larder_tests::image::Image;
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::{Bucket, Client, Shelf, Upstream};
use serde_json::json;
use std::path::{Path, PathBuf};

const LARGE: usize = 300_000;
/// Clients at once.
const MANY: usize = 8;

/// A server, and where its objects are.
struct Place {
    bed: Bed,
    bucket: Option<Bucket>,
}

fn folder() -> Place {
    Place {
        bed: Bed::new(),
        bucket: None,
    }
}

fn s3() -> Option<Place> {
    let s3 = Bucket::s3_memory()?;
    let bed = Bed::of(s3.holds_blobs_of(start(&[])), Upstream::start());
    Some(Place {
        bed,
        bucket: Some(s3),
    })
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Objects of a bucket by their keys, with their sizes.
fn keys(bucket: &Client) -> Vec<(String, usize)> {
    let list = format!("/{BUCKET}?list-type=2");
    let text = bucket.get(&list).expect(200).text();
    let between = |text: &str, begin: &str, end: &str| {
        let (_, rest) = text.split_once(begin).expect("a field");
        rest.split_once(end).expect("its end").0.to_owned()
    };
    let object = |text: &str| {
        let size = between(text, "<Size>", "</Size>").parse().expect("size");
        (between(text, "<Key>", "</Key>"), size)
    };
    text.split("<Contents>").skip(1).map(object).collect()
}

impl Place {
    fn objects(&self) -> PathBuf {
        self.bed.larder.data().join("storage/blobs")
    }

    /// Another object stays: a store without any is one that is not there.
    fn keep_another(&self) -> Image {
        let image = Image::random(&mut Random::seeded(), &[LARGE]);
        image.push(&self.bed.larder.admin(), "team/other", "1");
        image
    }

    /// Loses each object of so many bytes, or half of it.
    fn lose(&self, size: usize, half: bool) {
        let lost = match &self.bucket {
            Some(s3) => lose_keys(s3, size, half),
            None => lose_files(&self.objects(), size, half),
        };
        assert!(lost > 0, "no object has {size} bytes");
    }
}

fn lose_files(folder: &Path, size: usize, half: bool) -> usize {
    let is_it = |path: &PathBuf| {
        let length = std::fs::metadata(path).expect("object").len();
        length == size as u64
    };
    let lost: Vec<PathBuf> = files(folder).into_iter().filter(is_it).collect();
    for path in &lost {
        if half {
            let bytes = std::fs::read(path).expect("object");
            std::fs::write(path, &bytes[..size / 2]).expect("object");
        } else {
            std::fs::remove_file(path).expect("object");
        }
    }
    lost.len()
}

fn lose_keys(s3: &Bucket, size: usize, half: bool) -> usize {
    let address = s3.url().trim_start_matches("http://").parse();
    let bucket = Client::anonymous(address.expect("address"));
    let all = keys(&bucket).into_iter();
    let lost: Vec<_> = all.filter(|(_, length)| *length == size).collect();
    // That somebody signed it is all that this server looks for.
    let signed = [(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=larder-test/20260101/us-east-1/s3/aws4_request, \
         SignedHeaders=host, Signature=none",
    )];
    for (key, _) in &lost {
        let path = format!("/{BUCKET}/{key}");
        let (method, bytes) = if half {
            ("PUT", vec![0; size / 2])
        } else {
            ("DELETE", Vec::new())
        };
        // The store fails now and then where two write at once.
        let mut tries = (0..5).map(|_| bucket.send(method, &path, &signed, &bytes).status);
        assert!(tries.any(|status| status / 100 == 2), "{method} {path}");
    }
    lost.len()
}

fn heals(place: &Place) {
    let bed = &place.bed;
    place.keep_another();
    for (number, protocol) in larder_tests::shelf::PROTOCOLS.into_iter().enumerate() {
        let size = LARGE + 1 + number;
        let body = Random::seeded().bytes(size);
        let shelf = bed.mirror(protocol, &body);
        let (path, there) = (shelf.artifact_here("1.0.0"), shelf.artifact("1.0.0"));
        bed.right(&path, &body);
        bed.until(&path, |answer| status(answer).starts_with("larder; hit"));
        let digest = larder_model::Digest::of(larder_model::Algorithm::Sha256, &body).to_string();
        for half in [false, true] {
            // All at once, and one request to the upstream. (It is counted from before the loss: a
            // scrub that looks after an earlier one may be there before the clients.)
            bed.upstream.take_asked();
            place.lose(size, half);
            let client = &bed.client;
            std::thread::scope(|scope| {
                for _ in 0..MANY {
                    scope.spawn(|| {
                        let (answer, whole) = client.take(&path, &[]).expect("an answer");
                        assert!(whole && answer.status == 200, "{}", answer.text());
                        assert!(answer.body == body, "other bytes");
                    });
                }
            });
            assert_eq!(bed.upstream.count(&there), 1, "{protocol}");
            bed.until(&path, |answer| status(answer).starts_with("larder; hit"));
            // A part, and no byte of it where only the head is asked for.
            place.lose(size, half);
            let part = bed
                .client
                .send("GET", &path, &[("range", "bytes=1000-1999")], b"")
                .expect(206);
            assert!(part.body == body[1000..2000], "{protocol}");
            bed.client.send("HEAD", &path, &[], b"").expect(200);
            assert_eq!(bed.upstream.count(&there), 2, "{protocol}");
            bed.until(&path, |answer| status(answer).starts_with("larder; hit"));
            // Offline it is told, with its digest, and heals once it may.
            // (From then on nothing comes by itself: a scrub looks after what was lost before.)
            bed.change(&shelf, &json!({"offline": true}));
            place.lose(size, half);
            let told = bed.get(&path).expect(500).text();
            assert!(told.contains(&digest) && told.contains("offline"), "{told}");
            bed.get(&path).expect(500);
            bed.change(&shelf, &json!({"offline": false}));
            bed.right(&path, &body);
            bed.until(&path, |answer| status(answer).starts_with("larder; hit"));
        }
        // What stands before a line that is there is there as well.
        let last = format!("/no-such-thing-{protocol}");
        bed.get(&last);
        bed.larder.find_line(&last);
        let log = bed.larder.log_text();
        for what in [
            "the bytes of a blob are not in the store",
            "the bytes of a file are lost",
        ] {
            let is_it = |line: &&str| line.contains(what) && line.contains(&digest);
            let count = log.lines().filter(is_it).count();
            // Once for each time, unless a scrub that looks after the last one is there first.
            assert!((1..=6).contains(&count), "{count} times: {what}");
        }
    }
}

#[test]
fn what_a_folder_lost_comes_again() {
    heals(&folder());
}

#[test]
fn what_a_bucket_lost_comes_again() {
    if let Some(place) = s3() {
        heals(&place);
    }
}

#[test]
fn documents_and_images_come_again_too() {
    let place = folder();
    let bed = &place.bed;
    place.keep_another();
    // An index that is too long for a row.
    let mut shelf = bed.mirror("npm", b"small");
    for number in 0..400 {
        shelf.put(
            &bed.upstream,
            &format!("2.0.{number}-{}", "a".repeat(200)),
            b"small",
        );
    }
    bed.rest(&shelf);
    let index = bed.get(&shelf.index_here()).expect(200).body;
    bed.until(&shelf.index_here(), |answer| {
        status(answer).starts_with("larder; hit")
    });
    let before = files(&place.objects());
    for path in &before {
        let length = std::fs::metadata(path).expect("object").len();
        if length != LARGE as u64 {
            std::fs::remove_file(path).expect("object");
        }
    }
    assert!(bed.get(&shelf.index_here()).expect(200).body == index);
    // A layer of an image.
    let mirror = Shelf::new("oci", &bed.upstream);
    bed.make(
        &mirror,
        &json!({"url": bed.upstream.url(), "allow_private": true}),
    );
    let image = Image::random(&mut Random::seeded(), &[LARGE + 7]);
    put_image(&bed.upstream, "1", &image);
    bed.right(&here(&manifest_path("1")), &image.manifest);
    for (digest, bytes) in image.blobs.iter().filter(|(_, bytes)| bytes.len() > LARGE) {
        let path = format!("/v2/up/team/app/blobs/{digest}");
        bed.right(&path, bytes);
        bed.until(&path, |answer| status(answer) == "larder; hit");
        place.lose(bytes.len(), false);
        bed.right(&path, bytes);
    }
}

#[test]
fn what_was_pushed_is_told_with_what_to_do() {
    let place = folder();
    let bed = &place.bed;
    let other = place.keep_another();
    let image = Image::random(&mut Random::seeded(), &[LARGE + 9]);
    image.push(&bed.larder.admin(), "team/app", "1");
    let (digest, bytes) = &image.blobs[image.blobs.len() - 1];
    assert_eq!(bytes.len(), LARGE + 9);
    place.lose(bytes.len(), false);
    let admin = bed.larder.user("admin", PASSWORD);
    let path = format!("/v2/team/app/blobs/{digest}");
    for _ in 0..3 {
        let told = admin.get(&path).expect(500).text();
        assert!(
            told.contains(&digest.to_string()) && told.contains("from a backup"),
            "{told}"
        );
    }
    let log = bed.larder.log_text();
    let told = log
        .lines()
        .filter(|line| line.contains("the bytes of a file are lost"));
    let told: Vec<&str> = told.collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains(&path) && told[0].contains(&digest.to_string()),
        "{told:?}"
    );
    // A store that is not there has lost nothing.
    let aside = place.objects().with_extension("aside");
    std::fs::rename(place.objects(), &aside).expect("away");
    std::fs::create_dir(place.objects()).expect("empty");
    let (digest, bytes) = other.blobs.last().expect("a layer");
    let path = format!("/v2/team/other/blobs/{digest}");
    admin.get(&path).expect(500);
    std::fs::remove_dir_all(place.objects()).expect("empty");
    std::fs::rename(&aside, place.objects()).expect("back");
    assert!(admin.get(&path).expect(200).body == *bytes);
}
