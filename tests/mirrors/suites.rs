//! Suites of Debian archives: states that are taken whole, signed by keys that are trusted, and kept
//! while the upstream goes on.

use crate::bed::Bed;
use larder_model::{Algorithm, Digest};
use larder_tests::Fault;
use larder_tests::archive::gzip;
use larder_tests::debs::{Archive, Deb, Keys, sum_and_size};
use serde_json::json;

pub(crate) const SUITE: &str = "/deb/up/dists/stable";
pub(crate) const THERE: &str = "/debian/dists/stable";
pub(crate) const PACKAGES: &str = "main/binary-amd64/Packages.gz";
/// As long as a document is fresh, and once more.
pub(crate) const LONG: u64 = 100_000;

pub(crate) fn keys(bed: &Bed, name: &str) -> Option<Keys> {
    Keys::make(&bed.larder.folder().join(name), "never")
}

/// Makes the mirror of an archive, which trusts these keys.
pub(crate) fn mirror(bed: &Bed, archive: &Archive<'_>, trusted: Option<&str>) {
    let mut upstream = json!({"url": archive.url(), "allow_private": true});
    if let Some(keys) = trusted {
        upstream["trusted_keys"] = keys.into();
    }
    let body = json!({"protocol": "deb", "name": "up", "kind": "mirror", "upstream": upstream});
    bed.larder
        .api("POST", "repositories", &body.to_string(), 201);
}

fn path_by_hash(bytes: &[u8]) -> String {
    let sum = Digest::of(Algorithm::Sha256, bytes).hex();
    format!("{SUITE}/main/binary-amd64/by-hash/SHA256/{sum}")
}

pub(crate) fn text(bed: &Bed, path: &str) -> String {
    bed.get(path).expect(200).text()
}

#[test]
fn a_suite_is_read_by_its_names_and_by_digests_and_kept() {
    let bed = Bed::new();
    let Some(keys) = keys(&bed, "keys") else {
        return;
    };
    let archive = Archive::new(&bed.upstream);
    let debs = [Deb::new("demo", "1.0"), Deb::new("other", "2.0")];
    archive.put("stable", &debs, &keys);
    mirror(&bed, &archive, Some(&keys.public()));
    let list = bed.upstream.body(&format!("{THERE}/InRelease"));
    let (plain, packed) = (
        bed.upstream
            .body(&format!("{THERE}/main/binary-amd64/Packages")),
        bed.upstream.body(&format!("{THERE}/{PACKAGES}")),
    );
    let ask = |bed: &Bed| {
        bed.right(&format!("{SUITE}/InRelease"), &list);
        bed.right(&format!("{SUITE}/{PACKAGES}"), &packed);
        bed.right(&path_by_hash(&packed), &packed);
        bed.right(&format!("{SUITE}/main/binary-amd64/Packages"), &plain);
        for deb in &debs {
            bed.right(&format!("/deb/up/{}", deb.path()), &deb.bytes());
        }
        let release = bed.upstream.body(&format!("{THERE}/Release"));
        bed.right(&format!("{SUITE}/Release"), &release);
        let signature = bed.upstream.body(&format!("{THERE}/Release.gpg"));
        bed.right(&format!("{SUITE}/Release.gpg"), &signature);
    };
    ask(&bed);
    let asked = bed.upstream.take_asked();
    let by_name = |name: &str| {
        asked
            .iter()
            .filter(|asked| asked.path.ends_with(name))
            .count()
    };
    assert_eq!(by_name(PACKAGES), 0, "they are asked for by their digests");
    assert_eq!(by_name("_all.deb"), 2);
    ask(&bed);
    assert_eq!(bed.upstream.take_asked().len(), 0, "all of it is kept");
    // What no list names is not asked for.
    for path in [
        "i18n/Translation-en.gz",
        "Contents-amd64.gz",
        "main/binary-arm64/Packages.gz",
    ] {
        bed.get(&format!("{SUITE}/{path}")).expect(404);
    }
    let told = bed
        .get("/deb/up/pool/main/nowhere_1_all.deb")
        .expect(404)
        .text();
    assert!(told.contains("apt-get update"), "{told}");
    assert_eq!(
        bed.upstream.take_asked().len(),
        0,
        "lists say that it is not there"
    );
    // Offline, and while the upstream is away, however old it is.
    bed.turn(LONG);
    bed.upstream.go();
    ask(&bed);
    bed.larder
        .api("PATCH", "settings", r#"{"offline":true}"#, 200);
    ask(&bed);
    bed.upstream.come_back();
}

#[test]
fn a_suite_under_two_names_is_read_by_each() {
    let bed = Bed::new();
    let Some(keys) = keys(&bed, "keys") else {
        return;
    };
    let mut archive = Archive::new(&bed.upstream);
    archive.by_hash = false;
    let deb = Deb::new("demo", "1.0");
    archive.put("stable", std::slice::from_ref(&deb), &keys);
    mirror(&bed, &archive, Some(&keys.public()));
    // As archives have it: `stable` is a link to the suite's own name.
    let files = ["InRelease", PACKAGES];
    let bytes = files.map(|file| bed.upstream.body(&format!("{THERE}/{file}")));
    for (file, bytes) in files.iter().zip(&bytes) {
        let own = format!("/debian/dists/bookworm/{file}");
        bed.upstream.put(&own, bytes.clone());
    }
    for name in ["stable", "bookworm"] {
        for (file, bytes) in files.iter().zip(&bytes) {
            bed.right(&format!("/deb/up/dists/{name}/{file}"), bytes);
        }
    }
    // Another mirror of it, whose upstream begins a folder higher.
    let above = archive.url().replace("/debian", "");
    let upstream = json!({"url": above, "allow_private": true, "trusted_keys": keys.public()});
    let body = json!({"protocol": "deb", "name": "above", "kind": "mirror", "upstream": upstream});
    bed.larder
        .api("POST", "repositories", &body.to_string(), 201);
    bed.right("/deb/above/debian/dists/stable/InRelease", &bytes[0]);
    bed.right(&format!("/deb/above/debian/{}", deb.path()), &deb.bytes());
}

#[test]
fn a_new_state_is_taken_with_what_was_asked_for() {
    let bed = Bed::new();
    let Some(keys) = keys(&bed, "keys") else {
        return;
    };
    let mut archive = Archive::new(&bed.upstream);
    archive.put("stable", &[Deb::new("demo", "1.0")], &keys);
    mirror(&bed, &archive, Some(&keys.public()));
    let before = text(&bed, &format!("{SUITE}/InRelease"));
    let old = bed.get(&format!("{SUITE}/{PACKAGES}")).expect(200).body;
    bed.upstream.take_asked();
    // The upstream goes on, and is gone once it was asked for its list.
    archive.date = "Fri, 02 Jan 2026 00:00:00 UTC".to_owned();
    archive.put("stable", &[Deb::new("demo", "2.0")], &keys);
    let new = bed.upstream.body(&format!("{THERE}/{PACKAGES}"));
    bed.turn(LONG);
    let after = text(&bed, &format!("{SUITE}/InRelease"));
    assert_ne!(before, after);
    bed.upstream.go();
    bed.right(&format!("{SUITE}/{PACKAGES}"), &new);
    // Who began with the state before goes on with it.
    bed.right(&path_by_hash(&old), &old);
    bed.get(&format!("{SUITE}/main/binary-amd64/Packages"))
        .expect(503);
    bed.upstream.come_back();
}

#[test]
fn a_state_whose_files_do_not_fit_is_not_taken() {
    let bed = Bed::new();
    let Some(keys) = keys(&bed, "keys") else {
        return;
    };
    let mut archive = Archive::new(&bed.upstream);
    archive.put("stable", &[Deb::new("demo", "1.0")], &keys);
    mirror(&bed, &archive, Some(&keys.public()));
    let before = text(&bed, &format!("{SUITE}/InRelease"));
    let old = bed.get(&format!("{SUITE}/{PACKAGES}")).expect(200).body;
    // The list comes first, and its files are not there yet, or are others.
    archive.date = "Fri, 02 Jan 2026 00:00:00 UTC".to_owned();
    let debs = [Deb::new("demo", "2.0")];
    let (files, release) = archive.suite("stable", &debs);
    archive.put_list("stable", &release, &keys);
    for wrong in [gzip(b"others"), b"<html>log in</html>".to_vec()] {
        bed.upstream.put(&format!("{THERE}/{PACKAGES}"), wrong);
        bed.turn(LONG);
        assert_eq!(text(&bed, &format!("{SUITE}/InRelease")), before);
        bed.right(&format!("{SUITE}/{PACKAGES}"), &old);
    }
    archive.put_files("stable", &files);
    archive.put_packages(&debs);
    bed.turn(LONG);
    assert_ne!(text(&bed, &format!("{SUITE}/InRelease")), before);
    bed.right(&format!("{SUITE}/{PACKAGES}"), &files[PACKAGES]);
    bed.right(&format!("/deb/up/{}", debs[0].path()), &debs[0].bytes());
}

#[test]
fn older_states_are_not_taken_and_expired_ones_are_served() {
    let bed = Bed::new();
    let Some(keys) = keys(&bed, "keys") else {
        return;
    };
    let mut archive = Archive::new(&bed.upstream);
    archive.until = "Sat, 03 Jan 2026 00:00:00 UTC".to_owned();
    archive.date = "Fri, 02 Jan 2026 00:00:00 UTC".to_owned();
    archive.put("stable", &[Deb::new("demo", "2.0")], &keys);
    mirror(&bed, &archive, Some(&keys.public()));
    let list = format!("{SUITE}/InRelease");
    let before = text(&bed, &list);
    assert!(before.contains("Valid-Until"), "{before}");
    archive.date = "Thu, 01 Jan 2026 00:00:00 UTC".to_owned();
    archive.put("stable", &[Deb::new("demo", "1.0")], &keys);
    bed.turn(LONG);
    assert_eq!(text(&bed, &list), before);
    assert!(bed.larder.log_text().contains("older state"));
    assert!(bed.larder.log_text().contains("has expired"));
    let told = bed.larder.api("GET", "upstreams", "", 200);
    let items = told["items"].as_array().expect("items");
    let up = items
        .iter()
        .find(|item| item["repository"] == "deb/up")
        .expect("it");
    let warning = up["warnings"][0].as_str().expect("a warning");
    assert!(warning.starts_with("dists/stable/InRelease: "), "{warning}");
}

#[test]
fn packages_are_what_lists_say() {
    let bed = Bed::new();
    let Some(keys) = keys(&bed, "keys") else {
        return;
    };
    let archive = Archive::new(&bed.upstream);
    let debs = ["wrong", "page", "short", "gone", "down"].map(|name| Deb::new(name, "1.0"));
    archive.put("stable", &debs, &keys);
    mirror(&bed, &archive, Some(&keys.public()));
    text(&bed, &format!("{SUITE}/InRelease"));
    bed.get(&format!("{SUITE}/{PACKAGES}")).expect(200);
    let there = |at: usize| format!("/debian/{}", debs[at].path());
    let here = |at: usize| format!("/deb/up/{}", debs[at].path());
    bed.upstream.put(&there(0), debs[1].bytes());
    bed.upstream.put_with(
        &there(1),
        "<html>log in</html>",
        &[("content-type", "text/html")],
    );
    bed.upstream.fail(&there(2), Fault::Truncated(20));
    bed.upstream.remove(&there(3));
    bed.upstream.fail(&there(4), Fault::Status(500));
    for (at, statuses) in [
        (0, &[502][..]),
        (1, &[502]),
        (2, &[502, 503]),
        (3, &[404]),
        (4, &[502, 503]),
    ] {
        let (answer, _) = bed.taken(&here(at));
        assert!(
            statuses.contains(&answer.status),
            "{}: {}",
            here(at),
            answer.text()
        );
    }
    bed.upstream.heal();
    archive.put_packages(&debs);
    bed.turn(LONG);
    // That one is not there is remembered for a while.
    for at in [0, 1, 2, 4] {
        bed.right(&here(at), &debs[at].bytes());
    }
}

#[test]
fn an_archive_without_addresses_by_digest_is_asked_for_names() {
    let bed = Bed::new();
    let Some(keys) = keys(&bed, "keys") else {
        return;
    };
    let mut archive = Archive::new(&bed.upstream);
    archive.by_hash = false;
    archive.put("stable/updates", &[Deb::new("demo", "1.0")], &keys);
    mirror(&bed, &archive, None);
    // A client may begin with any file of a suite.
    let path = format!("dists/stable/updates/{PACKAGES}");
    let there = bed.upstream.body(&format!("/debian/{path}"));
    bed.right(&format!("/deb/up/{path}"), &there);
    bed.right(
        "/deb/up/pool/main/demo_1.0_all.deb",
        &Deb::new("demo", "1.0").bytes(),
    );
    assert_eq!(
        bed.upstream.count(&format!("/debian/{path}")),
        1,
        "{:?}",
        bed.upstream.take_asked()
    );
}

#[test]
fn clients_ask_by_dates_alone() {
    let bed = Bed::new();
    let Some(keys) = keys(&bed, "keys") else {
        return;
    };
    let mut archive = Archive::new(&bed.upstream);
    let deb = Deb::new("demo", "1.0");
    archive.put("stable", std::slice::from_ref(&deb), &keys);
    mirror(&bed, &archive, Some(&keys.public()));
    let list = format!("{SUITE}/InRelease");
    let date_of = |path: &str| {
        let answer = bed.get(path).expect(200);
        answer.header("last-modified").expect("a date").to_owned()
    };
    let ask = |path: &str, headers: &[(&str, &str)]| bed.client.send("GET", path, headers, b"");
    let date = date_of(&list);
    ask(&list, &[("if-modified-since", &date)]).expect(304);
    archive.date = "Fri, 02 Jan 2026 00:00:00 UTC".to_owned();
    archive.put("stable", std::slice::from_ref(&deb), &keys);
    bed.turn(LONG);
    ask(&list, &[("if-modified-since", &date)]).expect(200);
    // Who has a part of a package gets the rest, if the part is of the same bytes.
    let path = format!("/deb/up/{}", deb.path());
    bed.get(&path).expect(200);
    let (date, body) = (date_of(&path), deb.bytes());
    let rest = ask(&path, &[("range", "bytes=100-"), ("if-range", &date)]).expect(206);
    assert_eq!(rest.body, &body[100..]);
    let other = "Thu, 01 Jan 2026 00:00:00 GMT";
    let all = ask(&path, &[("range", "bytes=100-"), ("if-range", other)]).expect(200);
    assert_eq!(all.body, body);
}

#[test]
fn differences_are_what_their_list_says() {
    let bed = Bed::new();
    let Some(keys) = keys(&bed, "keys") else {
        return;
    };
    let mut archive = Archive::new(&bed.upstream);
    let folder = "main/binary-amd64/Packages.diff";
    let index = format!(
        "SHA256-Current: {0} 1\nSHA256-Download:\n {0} one.gz\n {1} two.gz\n",
        sum_and_size(b"one"),
        sum_and_size(b"two"),
    );
    let name = format!("{folder}/Index");
    archive.extra.insert(name.clone(), index.into_bytes());
    archive.put("stable", &[Deb::new("demo", "1.0")], &keys);
    let there = |file: &str| format!("{THERE}/{folder}/{file}");
    bed.upstream.put(&there("one.gz"), "one");
    bed.upstream.put(&there("two.gz"), "<html>log in</html>");
    bed.upstream.put(&there("three.gz"), "three");
    mirror(&bed, &archive, Some(&keys.public()));
    let here = |file: &str| format!("{SUITE}/{folder}/{file}");
    // Also if nobody asked for their list, nor for the suite, before.
    bed.right(&here("one.gz"), b"one");
    bed.get(&here("two.gz")).expect(502);
    bed.get(&here("three.gz")).expect(404);
    bed.right(&here("Index"), &archive.extra[&name]);
    assert_eq!(bed.upstream.count(&there("three.gz")), 0);
    bed.upstream.go();
    bed.turn(LONG);
    bed.right(&here("one.gz"), b"one");
    bed.upstream.come_back();
}

/// By its name a list is another one as soon as the suite changes, also while it is still on its way.
#[test]
fn caches_on_the_way_keep_a_list_by_its_digest_alone() {
    let bed = Bed::new();
    let Some(keys) = keys(&bed, "keys") else {
        return;
    };
    let archive = Archive::new(&bed.upstream);
    let debs: Vec<Deb> = (0..600)
        .map(|number| Deb::new(&format!("demo{number}"), "1.0"))
        .collect();
    archive.put("stable", &debs, &keys);
    mirror(&bed, &archive, Some(&keys.public()));
    let plain = "main/binary-amd64/Packages";
    let list = bed.upstream.body(&format!("{THERE}/{plain}"));
    assert!(list.len() > 100_000, "{}", list.len());
    for part in ["on its way", "kept"] {
        let named = bed.right(&format!("{SUITE}/{plain}"), &list);
        assert_eq!(named.header("cache-control"), Some("no-cache"), "{part}");
    }
    let forever = bed.right(&path_by_hash(&list), &list);
    let said = forever.header("cache-control").expect("said");
    assert!(said.ends_with("immutable"), "{said}");
}
