//! Suites of Debian archives, and the keys that are trusted to sign them.

use crate::bed::Bed;
use crate::suites::{LONG, PACKAGES, SUITE, THERE, keys, mirror, text};
use larder_tests::debs::{Archive, Deb, Keys};
use serde_json::json;

#[test]
fn what_no_trusted_key_signed_is_refused() {
    let bed = Bed::new();
    let (Some(keys), Some(others)) = (keys(&bed, "keys"), keys(&bed, "others")) else {
        return;
    };
    let expired = Keys::make(&bed.larder.folder().join("expired"), "1d").expect("a key");
    let mut archive = Archive::new(&bed.upstream);
    let debs = [Deb::new("demo", "1.0")];
    archive.put("stable", &debs, &others);
    mirror(&bed, &archive, Some(&(keys.public() + &expired.public())));
    let list = format!("{SUITE}/InRelease");
    let told = bed.get(&list).expect(502).text();
    assert!(
        told.contains("another key") && told.contains("trusted_keys"),
        "{told}"
    );
    archive.put("stable", &debs, &expired);
    bed.turn(LONG);
    let told = bed.get(&list).expect(502).text();
    assert!(told.contains("has expired"), "{told}");
    let (_, release) = archive.suite("stable", &debs);
    let changed = keys
        .sign_within(&release)
        .replace("Origin: Tests", "Origin: Taste");
    let there = format!("{THERE}/InRelease");
    for (wrong, why) in [
        (changed, "something else"),
        (release.clone(), "signature in it"),
        ("<html>log in</html>".to_owned(), "signature in it"),
    ] {
        bed.upstream.put(&there, wrong);
        bed.turn(LONG);
        let told = bed.get(&list).expect(502).text();
        assert!(told.contains(why), "{told}");
    }
    // Once a state is kept that is signed, it goes on being served.
    archive.put("stable", &debs, &keys);
    bed.turn(LONG);
    let before = text(&bed, &list);
    archive.date = "Fri, 02 Jan 2026 00:00:00 UTC".to_owned();
    archive.put("stable", &[Deb::new("demo", "2.0")], &others);
    bed.turn(LONG);
    assert_eq!(text(&bed, &list), before);
    // The same where the signature stands beside the list.
    bed.upstream.remove(&there);
    let mirror = json!({"upstream": {"trusted_keys": keys.public()}});
    bed.larder
        .api("PATCH", "repositories/deb/up", &mirror.to_string(), 200);
    let body = json!({"protocol": "deb", "name": "beside", "kind": "mirror", "upstream":
        {"url": archive.url(), "allow_private": true, "trusted_keys": keys.public()}});
    bed.larder
        .api("POST", "repositories", &body.to_string(), 201);
    let told = bed
        .get("/deb/beside/dists/stable/Release")
        .expect(502)
        .text();
    assert!(told.contains("another key"), "{told}");
    archive.put("stable", &debs, &keys);
    bed.upstream.remove(&there);
    bed.turn(LONG);
    let beside = bed.get("/deb/beside/dists/stable/Release").expect(200).body;
    assert_eq!(beside, bed.upstream.body(&format!("{THERE}/Release")));
    bed.get("/deb/beside/dists/stable/Release.gpg").expect(200);
    bed.get("/deb/beside/dists/stable/InRelease").expect(404);
    bed.right(
        &format!("/deb/beside/dists/stable/{PACKAGES}"),
        &bed.upstream.body(&format!("{THERE}/{PACKAGES}")),
    );
    // Offline it is as it was: no list with its signature in it.
    bed.larder
        .api("PATCH", "settings", r#"{"offline":true}"#, 200);
    bed.get("/deb/beside/dists/stable/InRelease").expect(404);
    bed.get("/deb/beside/dists/stable/Release").expect(200);
}

/// The operator may change the keys: what is kept was checked with those of before.
#[test]
fn what_is_kept_is_served_as_signed_by_the_keys_of_now() {
    let bed = Bed::new();
    let (Some(keys), Some(others)) = (keys(&bed, "keys"), keys(&bed, "others")) else {
        return;
    };
    let archive = Archive::new(&bed.upstream);
    let debs = [Deb::new("demo", "1.0")];
    archive.put("stable", &debs, &keys);
    mirror(&bed, &archive, None);
    let (list, packages) = (format!("{SUITE}/InRelease"), format!("{SUITE}/{PACKAGES}"));
    text(&bed, &list);
    // Later it is kept for certain, and asked for again.
    bed.turn(LONG);
    let kept = text(&bed, &list);
    let there = bed.get(&packages).expect(200).body;
    let trust = |keys: &Keys| {
        let body = json!({"upstream": {"trusted_keys": keys.public()}});
        bed.larder
            .api("PATCH", "repositories/deb/up", &body.to_string(), 200);
    };
    trust(&others);
    let told = bed.get(&list).expect(502).text();
    assert!(told.contains("another key"), "{told}");
    bed.get(&packages).expect(502);
    // It is not lost: with the right keys it is served, also while the upstream is away.
    trust(&keys);
    bed.upstream.go();
    assert_eq!(text(&bed, &list), kept);
    assert_eq!(bed.get(&packages).expect(200).body, there);
    trust(&others);
    bed.get(&list).expect(503);
    bed.upstream.come_back();
    archive.put("stable", &debs, &others);
    // A change of its settings makes the mirror forget that its upstream was away.
    let rest = r#"{"fresh_seconds":1}"#;
    bed.larder.api("PATCH", "repositories/deb/up", rest, 200);
    let now = text(&bed, &list);
    assert_ne!(now, kept);
    assert_eq!(
        now.into_bytes(),
        bed.upstream.body(&format!("{THERE}/InRelease"))
    );
}

#[test]
fn keys_are_trusted_wherever_the_archive_moves() {
    let bed = Bed::new();
    let (Some(keys), Some(others)) = (keys(&bed, "keys"), keys(&bed, "others")) else {
        return;
    };
    let archive = Archive::new(&bed.upstream);
    mirror(&bed, &archive, Some(&keys.public()));
    let moved = json!({"upstream": {"url": format!("{}moved/", bed.upstream.url()), "allow_private": true}});
    let shown = bed
        .larder
        .api("PATCH", "repositories/deb/up", &moved.to_string(), 200);
    assert!(shown["upstream"]["trusted_keys"].is_string(), "{shown}");
    archive.put("stable", &[Deb::new("demo", "1.0")], &others);
    let list = bed.upstream.body(&format!("{THERE}/InRelease"));
    bed.upstream.put("/moved/dists/stable/InRelease", list);
    let told = bed.get(&format!("{SUITE}/InRelease")).expect(502).text();
    assert!(told.contains("another key"), "{told}");
}
