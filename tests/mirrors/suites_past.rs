//! Suites of Debian archives as they were.

use crate::bed::Bed;
use larder_tests::debs::{Archive, Deb, Keys, sum_and_size};
use serde_json::json;

const LIST: &str = "dists/stable/InRelease";
const PACKAGES: &str = "dists/stable/main/binary-amd64/Packages.gz";
const DAY: u64 = 86_400;

/// The moment that the server believes in.
fn moment(bed: &Bed, version: &str) -> String {
    let body = json!({"protocol": "deb", "name": format!("at-{version}"), "kind": "hosted"});
    let made = bed
        .larder
        .api("POST", "repositories", &body.to_string(), 201);
    made["created_at"].as_str().expect("time").to_owned()
}

/// The day of that moment.
fn today(bed: &Bed, version: &str) -> String {
    moment(bed, version)[..10].to_owned()
}

/// Makes the mirror of an archive, which asks it each time.
fn mirror(bed: &Bed, archive: &Archive<'_>) {
    let body = json!({"protocol": "deb", "name": "up", "kind": "mirror", "fresh_seconds": 0,
        "upstream": {"url": archive.url(), "allow_private": true}});
    bed.larder
        .api("POST", "repositories", &body.to_string(), 201);
}

/// A run of the collector that waits for nothing.
fn collect(bed: &Bed) {
    let job = bed.larder.api("POST", "gc/runs", r#"{"grace":"0s"}"#, 202);
    let path = format!("/api/v1/jobs/{}/events", job["id"].as_str().expect("id"));
    // The events end with the job.
    let (events, _) = bed.larder.admin().take(&path, &[]).expect("events");
    let events = events.text();
    let mut told = events
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    let last = told.next_back().expect("an event");
    assert!(last.contains(r#""state":"succeeded""#), "{last}");
}

#[test]
fn a_mirror_is_read_as_it_was_at_the_end_of_a_day() {
    let bed = Bed::new();
    let Some(keys) = Keys::make(&bed.larder.folder().join("keys"), "never") else {
        return;
    };
    let mut archive = Archive::new(&bed.upstream);
    let body = json!({"protocol": "deb", "name": "up", "kind": "mirror",
        "upstream": {"url": archive.url(), "allow_private": true}});
    bed.larder
        .api("POST", "repositories", &body.to_string(), 201);
    // Three states, two days apart.
    let mut states = Vec::new();
    for version in ["1.0", "2.0", "3.0"] {
        archive.date = format!("Thu, 0{} Jan 2026 00:00:00 UTC", &version[..1]);
        let deb = Deb::new("demo", version);
        archive.put("stable", std::slice::from_ref(&deb), &keys);
        let mut one = Vec::new();
        for path in [LIST, PACKAGES, &deb.path()] {
            let there = bed.upstream.body(&format!("/debian/{path}"));
            bed.right(&format!("/deb/up/{path}"), &there);
            one.push((path.to_owned(), there));
        }
        states.push((today(&bed, version), one));
        bed.turn(2 * DAY);
    }
    bed.upstream.go();
    collect(&bed);
    for (day, state) in &states {
        for (path, bytes) in state {
            let view = format!("/deb/up@{day}/{path}");
            bed.right(&view, bytes);
        }
    }
    let (first, _) = &states[0];
    let told = bed
        .get(&format!("/deb/up@2020-01-01/{LIST}"))
        .expect(404)
        .text();
    assert!(told.contains("no state"), "{told}");
    bed.get(&format!("/deb/up@{first}/dists/testing/InRelease"))
        .expect(404);
    // What is published is not read so, nor is anything published.
    let told = bed
        .get(&format!("/deb/local@{first}/{LIST}"))
        .expect(405)
        .text();
    assert!(told.contains("deb/local"), "{told}");
    let path = format!("/deb/local@{first}/pool/stable/main/demo_1.0_all.deb");
    bed.larder.admin().send("PUT", &path, &[], b"x").expect(405);
    bed.upstream.come_back();
}

/// Clients have the lists of a state for a while after there is another, and the upstream has its
/// packages still.
#[test]
fn packages_of_a_past_state_are_fetched_while_the_upstream_has_them() {
    let bed = Bed::new();
    let Some(keys) = Keys::make(&bed.larder.folder().join("keys"), "never") else {
        return;
    };
    let mut archive = Archive::new(&bed.upstream);
    mirror(&bed, &archive);
    let (mut debs, mut days) = (Vec::new(), Vec::new());
    for version in 1..8 {
        archive.date = format!("Thu, 0{version} Jan 2026 00:00:00 UTC");
        let version = format!("{version}.0");
        let both = ["demo", "other"].map(|name| Deb::new(name, &version));
        archive.put("stable", &both, &keys);
        for path in [LIST, PACKAGES] {
            bed.get(&format!("/deb/up/{path}")).expect(200);
        }
        days.push(today(&bed, &version));
        debs.push(both);
        bed.turn(2 * DAY);
    }
    let [.., before, _] = &debs[..] else {
        panic!("states")
    };
    bed.right(&format!("/deb/up/{}", before[0].path()), &before[0].bytes());
    let (first, [old, gone]) = (&days[0], &debs[0]);
    bed.right(&format!("/deb/up@{first}/{}", old.path()), &old.bytes());
    bed.upstream.remove(&format!("/debian/{}", gone.path()));
    bed.get(&format!("/deb/up@{first}/{}", gone.path()))
        .expect(404);
    bed.get(&format!("/deb/up@{first}/pool/main/nobody_1_all.deb"))
        .expect(404);
}

/// A state counts as long as one of the keys of now has signed it.
#[test]
fn past_states_are_those_that_trusted_keys_have_signed() {
    let bed = Bed::new();
    let make = |name: &str| Keys::make(&bed.larder.folder().join(name), "never");
    let (Some(keys), Some(bad)) = (make("keys"), make("bad")) else {
        return;
    };
    for (name, within) in [("within", true), ("beside", false)] {
        let mut archive = Archive::new(&bed.upstream);
        let both = keys.public() + &bad.public();
        let body = json!({"protocol": "deb", "name": name, "kind": "mirror", "fresh_seconds": 0,
            "upstream": {"url": archive.url(), "allow_private": true, "trusted_keys": both}});
        bed.larder
            .api("POST", "repositories", &body.to_string(), 201);
        let head = if within { LIST } else { "dists/stable/Release" };
        let mut days = Vec::new();
        for (version, signer) in [("1.0", &keys), ("2.0", &bad), ("3.0", &keys)] {
            archive.date = format!("Thu, 0{} Jan 2026 00:00:00 UTC", &version[..1]);
            archive.put("stable", &[Deb::new("demo", version)], signer);
            if !within {
                bed.upstream.remove(&format!("/debian/{LIST}"));
            }
            for path in [head, PACKAGES] {
                bed.get(&format!("/deb/{name}/{path}")).expect(200);
            }
            days.push(today(&bed, &format!("{name}-{version}")));
            bed.turn(2 * DAY);
        }
        let evil = Deb::new("demo", "2.0");
        let trust = json!({"upstream": {"trusted_keys": keys.public()}});
        let path = format!("repositories/deb/{name}");
        bed.larder.api("PATCH", &path, &trust.to_string(), 200);
        bed.get(&format!("/deb/{name}/{}", evil.path())).expect(404);
        bed.get(&format!("/deb/{name}@{}/{}", days[1], evil.path()))
            .expect(404);
        // Of that day there is none.
        let seen = bed
            .get(&format!("/deb/{name}@{}/{head}", days[1]))
            .expect(404);
        assert!(seen.text().contains("no state"));
        let good = Deb::new("demo", "1.0");
        bed.get(&format!("/deb/{name}@{}/{head}", days[0]))
            .expect(200);
        bed.right(&format!("/deb/{name}/{}", good.path()), &good.bytes());
    }
}

#[test]
fn of_the_states_of_a_day_the_last_one_stays() {
    let bed = Bed::new();
    let Some(keys) = Keys::make(&bed.larder.folder().join("keys"), "never") else {
        return;
    };
    let mut archive = Archive::new(&bed.upstream);
    mirror(&bed, &archive);
    // A day begins.
    let now = moment(&bed, "0");
    let number = |at: usize| now[at..at + 2].parse::<u64>().expect("a number");
    bed.turn(DAY - (number(11) * 60 + number(14)) * 60 - number(17) + 10);
    let day = today(&bed, "1");
    let mut lists = Vec::new();
    for (version, wait) in [("1.0", 3600), ("2.0", DAY), ("3.0", 3 * DAY)] {
        archive.date = format!("Thu, 0{} Jan 2026 00:00:00 UTC", &version[..1]);
        archive.put("stable", &[Deb::new("demo", version)], &keys);
        bed.get(&format!("/deb/up/{LIST}")).expect(200);
        let list = bed.get(&format!("/deb/up/{PACKAGES}")).expect(200).body;
        let sum = sum_and_size(&list);
        let (sum, _) = sum.split_once(' ').expect("a digest");
        let folder = PACKAGES.trim_end_matches("Packages.gz");
        lists.push((format!("/deb/up/{folder}by-hash/SHA256/{sum}"), list));
        bed.turn(wait);
    }
    bed.upstream.go();
    for (path, list) in &lists {
        bed.right(path, list);
    }
    collect(&bed);
    let [(first, _), (second, list), (third, _)] = &lists[..] else {
        panic!("three states")
    };
    bed.get(first).expect(503);
    bed.get(second).expect(200);
    bed.get(third).expect(200);
    bed.right(&format!("/deb/up@{day}/{PACKAGES}"), list);
    bed.upstream.come_back();
}
