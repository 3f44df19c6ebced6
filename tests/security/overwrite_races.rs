//! Class 28: of many who publish one version or make one tag at once, more than one is told that
//! it did.
//!
//! Tags with `If-None-Match: *` are in `tests/registry/main.rs`
//! (`sixty_four_writers_of_one_tag_leave_one_of_theirs`); that a deleted version stays taken is in
//! `tests/packages/by_name.rs`. Here are versions of packages, at the repository and at its group.

use crate::callers::larder;
use larder_tests::Larder;
use larder_tests::parcel::{in_path, package_of, publish_to, wheel_name};
use std::sync::Barrier;

const WRITERS: usize = 64;

/// Where the artifact of the version is.
fn artifact(larder: &Larder, protocol: &str) -> String {
    match protocol {
        "npm" => "/npm/local/race/-/race-1.0.0.tgz".to_owned(),
        "go" => format!("/go/local/{}/@v/v1.0.0.zip", package_of(protocol, "race")),
        "cargo" => "/cargo/local/api/v1/crates/race/1.0.0/download".to_owned(),
        "composer" => {
            let path = "/composer/local/p2/acme/race.json";
            let metadata = larder.admin().get(path).expect(200).json();
            let url = metadata["packages"]["acme/race"][0]["dist"]["url"].clone();
            let url = url.as_str().expect("an address");
            url.strip_prefix(larder.url()).expect("ours").to_owned()
        }
        _ => {
            let page = larder
                .admin()
                .get("/pypi/local/simple/race/")
                .expect(200)
                .text();
            let name = wheel_name("race", "1.0.0");
            let end = page.find(&name).expect("the wheel") + name.len();
            let start = page[..end].rfind("href=\"").expect("a link") + 6;
            let link = &page[start..end];
            let link = link.strip_prefix(larder.url()).unwrap_or(link);
            match link.strip_prefix("../../") {
                Some(rest) => format!("/pypi/local/{rest}"),
                None => link.to_owned(),
            }
        }
    }
}

#[test]
fn one_of_many_publishes_a_version() {
    let larder = larder();
    for protocol in ["npm", "cargo", "pypi", "go", "composer"] {
        let start = Barrier::new(WRITERS);
        let won = std::thread::scope(|scope| {
            let race = |at: usize| {
                let (larder, start) = (&larder, &start);
                scope.spawn(move || {
                    // Each has bytes of its own, so that one can tell whose are there.
                    let bytes = format!("the bytes of writer {at}");
                    let repo = if at.is_multiple_of(2) {
                        "local"
                    } else {
                        "main"
                    };
                    start.wait();
                    let at = (protocol, repo);
                    publish_to(&larder.admin(), at, "race", "1.0.0", bytes.as_bytes()).status
                })
            };
            let racers: Vec<_> = (0..WRITERS).map(race).collect();
            let statuses = racers.into_iter().map(|racer| racer.join().expect("racer"));
            statuses.collect::<Vec<u16>>()
        });
        let winners: Vec<usize> = (0..WRITERS).filter(|at| won[*at] < 300).collect();
        assert_eq!(winners.len(), 1, "{protocol}: {won:?}");
        let told = won.iter().all(|status| *status < 500);
        assert!(told, "{protocol}: {won:?}");
        // What the winner sent is what is there, now and after one more try.
        let path = artifact(&larder, protocol);
        let there = larder.admin().get(&path).expect(200).body;
        let late = publish_to(
            &larder.admin(),
            (protocol, "main"),
            "race",
            "1.0.0",
            b"late",
        );
        assert!(
            (400..500).contains(&late.status),
            "{protocol}: {}",
            late.text()
        );
        assert_eq!(
            larder.admin().get(&path).expect(200).body,
            there,
            "{protocol}"
        );
        let name = in_path(&package_of(protocol, "race"));
        let shown = larder.api(
            "GET",
            &format!("repositories/{protocol}/local/packages/{name}/versions"),
            "",
            200,
        );
        assert_eq!(shown["items"].as_array().map(Vec::len), Some(1), "{shown}");
    }
}
