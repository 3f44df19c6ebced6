//! Whatever a registry sends of an image: no wrong byte is kept, and no client takes one for the
//! right one.

use crate::bed::{Bed, status};
use crate::wrong::{FORGETFUL, LARGE, SMALL, faults, lies, still_up};
use larder_tests::image::{Image, MANIFEST, digest};
use larder_tests::random::Random;
use larder_tests::secure::Certificate;
use larder_tests::{Fault, Shelf, Upstream};
use serde_json::json;

pub(crate) const IMAGE: &str = "team/app";
const TAG: &str = "/v2/up/team/app/manifests/1";

/// Where the mirror has what the upstream has.
pub(crate) fn here(there: &str) -> String {
    there.replacen("/v2/", "/v2/up/", 1)
}

pub(crate) fn manifest_path(reference: &str) -> String {
    format!("/v2/{IMAGE}/manifests/{reference}")
}

pub(crate) fn blob_path(bytes: &[u8]) -> String {
    format!("/v2/{IMAGE}/blobs/{}", digest(bytes))
}

/// Puts a manifest there, by its digest and by a tag.
fn put_manifest(upstream: &Upstream, tag: &str, bytes: &[u8]) {
    let digest = digest(bytes).to_string();
    let headers = [
        ("content-type", MANIFEST),
        ("docker-content-digest", &digest),
    ];
    for reference in [tag, &digest] {
        upstream.put_with(&manifest_path(reference), bytes, &headers);
    }
}

pub(crate) fn put_image(upstream: &Upstream, tag: &str, image: &Image) {
    for (_, bytes) in &image.blobs {
        upstream.put(&blob_path(bytes), bytes.clone());
    }
    put_manifest(upstream, tag, &image.manifest);
    upstream.put(
        &format!("/v2/{IMAGE}/tags/list?n=1000"),
        json!({"name": IMAGE, "tags": [tag]}).to_string(),
    );
}

/// A mirror of images; its shelf has nothing in it.
fn mirror(settings: &[(&str, &str)]) -> (Bed, Shelf) {
    mirror_on(Bed::with(settings))
}

fn mirror_on(bed: Bed) -> (Bed, Shelf) {
    let shelf = Shelf::new("oci", &bed.upstream);
    bed.make(
        &shelf,
        &json!({"url": bed.upstream.url(), "allow_private": true}),
    );
    (bed, shelf)
}

/// Asks while an answer goes wrong: nothing comes and nothing is kept; then it comes.
fn goes_wrong(bed: &Bed, shelf: &Shelf, there: &str, fault: &Fault, body: &[u8]) -> u16 {
    let here = here(there);
    bed.upstream.take_asked();
    bed.upstream.fail(there, fault.clone());
    let told = bed.wrong(&here);
    bed.upstream.heal();
    bed.upstream.release();
    bed.rest(shelf);
    let before = bed.upstream.count(there);
    bed.right(&here, body);
    assert_eq!(
        bed.upstream.count(there),
        before + 1,
        "{here} {fault:?}: it was not kept"
    );
    told
}

/// The status that clients of images get where those of packages get another.
fn told_of_images(fault: &Fault, status: u16) -> u16 {
    match fault {
        // Without an account it is how registries say that there is no such image.
        Fault::Status(401) => 404,
        Fault::Later(429, _) => 429,
        _ => status,
    }
}

/// Every blob or manifest fails in its own way.
fn spoil(bed: Bed, size: usize, is_manifest: bool) {
    let (bed, shelf) = mirror_on(bed);
    let (mut random, other) = (Random::seeded(), Upstream::start());
    for (at, (fault, status)) in faults(size, "/", &other)
        .into_iter()
        .chain(lies(size))
        .enumerate()
    {
        let body = if is_manifest {
            let filling: String = random
                .bytes(size)
                .iter()
                .map(|byte| char::from(b'a' + byte % 26))
                .collect();
            let empty =
                json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": {}, "layers": [], "x": ""}).to_string();
            empty
                .replace(
                    "\"x\":\"\"",
                    &format!("\"x\":\"{}\"", &filling[empty.len()..]),
                )
                .into_bytes()
        } else {
            random.bytes(size)
        };
        assert_eq!(body.len(), size);
        let there = if is_manifest {
            manifest_path(&digest(&body).to_string())
        } else {
            blob_path(&body)
        };
        if is_manifest {
            put_manifest(&bed.upstream, &format!("t{at}"), &body);
        } else {
            bed.upstream.put(&there, body.clone());
        }
        let fault = if matches!(&fault, Fault::Redirect(to) if to == "/") {
            Fault::Redirect(there.clone())
        } else {
            fault
        };
        let told = goes_wrong(&bed, &shelf, &there, &fault, &body);
        let status = told_of_images(&fault, status);
        assert!(status == 0 || told == status, "{there} {fault:?}: {told}");
        assert!(told != 404 || status == 404, "{there} {fault:?} is no 404");
    }
    assert_eq!(other.total(), 0, "{:?}", other.take_asked());
    still_up(&bed);
}

#[test]
fn small_blobs() {
    spoil(Bed::with(&FORGETFUL), SMALL, false);
}

#[test]
fn large_blobs() {
    spoil(Bed::with(&FORGETFUL), LARGE, false);
}

#[test]
fn manifests_by_their_digest() {
    spoil(Bed::with(&FORGETFUL), SMALL, true);
}

#[test]
fn over_http2() {
    spoil(Bed::secure(true, &FORGETFUL), SMALL, false);
    spoil(Bed::secure(true, &FORGETFUL), LARGE, false);
    spoil(Bed::secure(true, &FORGETFUL), SMALL, true);
}

/// Nothing comes over a connection that is not sure, or from a place that is none; then all of it
/// does.
#[test]
fn a_registry_that_cannot_be_reached_or_trusted() {
    for frames in [false, true] {
        let (bed, shelf) = mirror_on(Bed::secure(frames, &FORGETFUL));
        let image = Image::random(&mut Random::seeded(), &[SMALL, 300_000]);
        put_image(&bed.upstream, "1", &image);
        let blob = here(&blob_path(&image.blobs[0].1));
        for certificate in [
            Certificate::OtherName,
            Certificate::Expired,
            Certificate::NotYet,
        ] {
            bed.upstream.tls().show(certificate);
            for path in [TAG, &blob] {
                bed.get(path).expect(503);
                bed.rest(&shelf);
            }
        }
        bed.upstream.tls().show(Certificate::Right);
        let upstream = |url: &str| json!({"upstream": {"url": url, "allow_private": true}});
        bed.change(&shelf, &upstream("https://nowhere.invalid/"));
        bed.get(TAG).expect(503);
        bed.change(&shelf, &upstream(&bed.upstream.url()));
        assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
        let plain = format!(
            "{}{}",
            bed.upstream.plain_url(),
            &blob_path(&image.blobs[0].1)[1..]
        );
        bed.change(
            &shelf,
            &json!({"upstream": {"allow": [bed.upstream.plain_url()]}}),
        );
        bed.upstream
            .fail(&blob_path(&image.blobs[0].1), Fault::Redirect(plain));
        bed.get(&blob).expect(502);
        assert_eq!(bed.upstream.total(), 1, "the plain place was not asked");
        bed.upstream.heal();
        image.check(&bed.client, "up/team/app", "1");
    }
}

/// What a tag names is the registry's word, and that says the digest of it.
#[test]
fn tags() {
    let (bed, shelf) = mirror(&FORGETFUL);
    let other = Upstream::start();
    let image = Image::random(&mut Random::seeded(), &[SMALL]);
    put_image(&bed.upstream, "1", &image);
    let size = image.manifest.len();
    let there = manifest_path("1");
    for (fault, status) in faults(size, &there, &other).into_iter().chain(lies(size)) {
        bed.upstream.take_asked();
        bed.upstream.fail(&there, fault.clone());
        let (answer, whole) = bed.taken(TAG);
        assert!(
            whole && answer.status >= 400,
            "{fault:?}: {} {:?}",
            answer.status,
            answer.headers
        );
        let status = told_of_images(&fault, status);
        assert!(
            status == 0 || answer.status == status,
            "{fault:?}: {}",
            answer.status
        );
        assert!(
            status != 0 || matches!(answer.status, 502 | 503),
            "{fault:?}: {}",
            answer.status
        );
        assert!(bed.upstream.count(&there) > 0, "{fault:?}: not asked");
        bed.upstream.heal();
        bed.upstream.release();
        bed.rest(&shelf);
    }
    assert_eq!(other.total(), 0, "{:?}", other.take_asked());
    image.check(&bed.client, "up/team/app", "1");
    still_up(&bed);
}

#[test]
fn lists_of_tags() {
    let (bed, shelf) = mirror(&FORGETFUL);
    let other = Upstream::start();
    let there = format!("/v2/{IMAGE}/tags/list?n=1000");
    let list = json!({"name": IMAGE, "tags": ["1", "2"]}).to_string();
    bed.upstream.put(&there, list.clone());
    let asked = format!("/v2/up/{IMAGE}/tags/list");
    for (fault, _) in faults(list.len(), &there, &other) {
        bed.upstream.fail(&there, fault.clone());
        let (answer, whole) = bed.taken(&asked);
        assert!(
            whole && answer.status >= 400,
            "{fault:?}: {}",
            answer.status
        );
        assert!(
            answer.status != 404 || matches!(fault, Fault::Status(401 | 404 | 410)),
            "{fault:?} is no 404"
        );
        bed.upstream.heal();
        bed.upstream.release();
        bed.rest(&shelf);
    }
    let list = json!({"name": format!("up/{IMAGE}"), "tags": ["1", "2"]});
    assert_eq!(bed.get(&asked).expect(200).json(), list);
    assert_eq!(other.total(), 0, "{:?}", other.take_asked());
    still_up(&bed);
}

#[test]
fn one_flipped_byte_anywhere_is_found() {
    let (bed, shelf) = mirror(&FORGETFUL);
    let mut random = Random::seeded();
    let image = Image::random(&mut random, &[SMALL, 300_000]);
    put_image(&bed.upstream, "1", &image);
    let by_digest = manifest_path(&image.digest.to_string());
    let blobs = image
        .blobs
        .iter()
        .map(|(_, bytes)| (blob_path(bytes), bytes));
    for (there, body) in blobs.chain([(by_digest, &image.manifest)]) {
        for _ in 0..100 {
            let at = usize::try_from(random.below(body.len() as u64)).expect("offset");
            bed.upstream.fail(&there, Fault::Flipped(at));
            let told = bed.wrong(&here(&there));
            assert!(
                body.len() > 64 * 1024 || told == 502,
                "{there} at {at}: {told}"
            );
        }
        bed.upstream.heal();
        bed.right(&here(&there), body);
    }
    let (tag, there) = (Image::random(&mut random, &[SMALL]), manifest_path("2"));
    put_image(&bed.upstream, "2", &tag);
    for _ in 0..100 {
        let at = usize::try_from(random.below(tag.manifest.len() as u64)).expect("offset");
        bed.upstream.fail(&there, Fault::Flipped(at));
        assert_eq!(bed.wrong(&here(&there)), 502, "at {at}");
    }
    bed.upstream.heal();
    bed.rest(&shelf);
    tag.check(&bed.client, "up/team/app", "2");
    still_up(&bed);
}

/// A kept tag outlives whatever its registry says, and is followed when it is well again.
#[test]
fn a_kept_tag_outlives_its_registrys_troubles() {
    let (bed, shelf) = mirror(&FORGETFUL);
    let mut random = Random::seeded();
    let (first, next) = (
        Image::random(&mut random, &[SMALL]),
        Image::random(&mut random, &[SMALL]),
    );
    put_image(&bed.upstream, "1", &first);
    first.check(&bed.client, "up/team/app", "1");
    put_image(&bed.upstream, "1", &next);
    let size = next.manifest.len();
    let other = Upstream::start();
    for (fault, _) in faults(size, &manifest_path("1"), &other)
        .into_iter()
        .chain(lies(size))
    {
        if matches!(fault, Fault::Status(401 | 404 | 410)) {
            continue; // it says that there is none
        }
        if matches!(fault, Fault::NotModified) {
            continue; // to whoever tells what it has, it says that this is right
        }
        bed.turn(10_000);
        bed.upstream.fail(&manifest_path("1"), fault.clone());
        let answer = bed.right(TAG, &first.manifest);
        assert!(
            status(&answer).ends_with("detail=stale"),
            "{fault:?}: {}",
            status(&answer)
        );
        bed.upstream.heal();
        bed.upstream.release();
        bed.rest(&shelf);
    }
    bed.turn(10_000);
    next.check(&bed.client, "up/team/app", "1");
    first.check(&bed.client, "up/team/app", &first.digest.to_string());
    still_up(&bed);
}

/// Where the token is to be had, and what of the answer is wrong.
#[test]
fn a_token_endpoint_that_fails_gives_nothing_away() {
    let (bed, shelf) = mirror(&FORGETFUL);
    let other = Upstream::start();
    let image = Image::random(&mut Random::seeded(), &[SMALL]);
    put_image(&bed.upstream, "1", &image);
    let upstream = json!({"url": bed.upstream.url(), "username": "robot", "password": "secret", "allow_private": true});
    bed.change(&shelf, &json!({"upstream": upstream}));
    let endpoint = "/token?service=here&scope=repository%3Ateam%2Fapp%3Apull";
    bed.upstream.put(
        endpoint,
        json!({"token": "a-token", "expires_in": 3600}).to_string(),
    );
    let challenge = |realm: &str| {
        let text = format!(
            "Bearer realm=\"{realm}token\",service=\"here\",scope=\"repository:{IMAGE}:pull\""
        );
        Fault::Challenge(text)
    };
    let size = bed.upstream.body(endpoint).len();
    for (fault, status) in faults(size, endpoint, &other) {
        bed.upstream
            .fail(&manifest_path("1"), challenge(&bed.upstream.url()));
        bed.upstream.fail(endpoint, fault.clone());
        let refused = bed.get(TAG);
        let right = match fault {
            // Ours are wrong, and nobody is helped by trying again.
            Fault::Status(401) => refused.status == 403,
            Fault::Later(429, _) => refused.status == 429,
            _ if status != 0 => refused.status == status,
            _ => matches!(refused.status, 502 | 503),
        };
        let text = refused.text();
        assert!(right, "{fault:?}: {} {text}", refused.status);
        bed.upstream.heal();
        bed.upstream.release();
        bed.rest(&shelf);
    }
    // A stranger's endpoint may give a token, and is not told who we are.
    bed.upstream
        .fail(&manifest_path("1"), challenge(&other.url()));
    assert!(
        bed.get(TAG).status >= 400,
        "no private place is asked that is not listed"
    );
    assert_eq!(other.total(), 0, "{:?}", other.take_asked());
    other.put(endpoint, json!({"token": "theirs"}).to_string());
    bed.change(&shelf, &json!({"upstream": {"allow": [other.url()]}}));
    bed.get(TAG).expect(200);
    let asked = other.take_asked();
    assert!(
        asked.len() == 1 && asked[0].header("authorization").is_none(),
        "{asked:?}"
    );
    still_up(&bed);
}

/// Registries send blobs to stores on other hosts: what we are to the one, the other is not told.
#[test]
fn a_redirect_of_a_blob_carries_no_credentials() {
    let (bed, shelf) = mirror(&FORGETFUL);
    let other = Upstream::start();
    let image = Image::random(&mut Random::seeded(), &[SMALL, 300_000]);
    put_image(&bed.upstream, "1", &image);
    let endpoint = "/token?service=here&scope=repository%3Ateam%2Fapp%3Apull";
    bed.upstream.put(
        endpoint,
        json!({"token": "a-token", "expires_in": 3600}).to_string(),
    );
    let upstream = json!({
        "url": bed.upstream.url(), "username": "robot", "password": "secret", "allow_private": true,
        "allow": [other.url()],
    });
    bed.change(&shelf, &json!({"upstream": upstream}));
    let realm = format!(
        "Bearer realm=\"{}token\",service=\"here\"",
        bed.upstream.url()
    );
    bed.upstream
        .fail(&manifest_path("1"), Fault::Challenge(realm));
    bed.get(TAG).expect(200);
    for (_, bytes) in &image.blobs {
        let there = blob_path(bytes);
        other.put(&there, bytes.clone());
        bed.upstream.fail(
            &there,
            Fault::Redirect(format!("{}{}", other.url(), &there[1..])),
        );
        // Its bytes are held to their digest there, too.
        other.fail(&there, Fault::Flipped(bytes.len() / 2));
        bed.wrong(&here(&there));
        other.heal();
        bed.right(&here(&there), bytes);
    }
    let asked = other.take_asked();
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert!(
        asked
            .iter()
            .all(|asked| asked.header("authorization").is_none()),
        "{asked:?}"
    );
    let own = bed.upstream.take_asked();
    let with_token = own
        .iter()
        .filter(|asked| asked.header("authorization") == Some("Bearer a-token"))
        .count();
    assert!(with_token >= 4, "{own:?}");
}
