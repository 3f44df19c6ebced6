//! Packages of protocols whose requests name none: what a mirror keeps of them is listed as of all others.

use crate::bed::{Bed, status};
use larder_model::{Algorithm, Digest};
use larder_tests::parcel::{INDEXED, version_of};
use larder_tests::tools::{command, run};
use larder_tests::{Shelf, fields, tool};
use serde_json::json;

const BODY: &[u8] = b"what is kept";

/// As the version before kept it, in the schema that it had.
const BEFORE: &str = r#"import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
mirrors = "select id from repos where kind = 'mirror' and protocol in ('deb', 'rpm')"
base.execute(f"update files set package = '', version = '' where package <> '' and repo in ({mirrors})")
base.execute(f"delete from packages where name <> '' and repo in ({mirrors})")
base.execute('drop table unlisted_mirrors')
base.execute('alter table tokens drop column bought_with')
base.execute('delete from schema_version where version >= 25')
base.commit()
"#;

/// Reads what is kept, and waits until it is.
#[track_caller]
fn keep(bed: &Bed, shelf: &Shelf, version: &str) {
    bed.client.await_kept(&shelf.artifact_here(version));
}

#[track_caller]
fn items(bed: &Bed, path: &str, field: &str) -> Vec<String> {
    fields(&bed.larder.api("GET", path, "", 200), field)
}

/// The mirror lists these versions of its package, and a search finds it.
#[track_caller]
fn assert_listed(bed: &Bed, shelf: &Shelf, versions: &[&str]) {
    let protocol = shelf.protocol;
    let packages = format!("repositories/{protocol}/up/packages");
    let names: &[&str] = if versions.is_empty() { &[] } else { &["demo"] };
    assert_eq!(items(bed, &packages, "name"), names, "{protocol}");
    let versions: Vec<_> = versions.iter().map(|it| version_of(protocol, it)).collect();
    let path = format!("{packages}/demo/versions");
    if !versions.is_empty() {
        assert_eq!(items(bed, &path, "version"), versions);
    }
    let found = items(
        bed,
        &format!("search?q=demo&protocol={protocol}&kind=package"),
        "package",
    );
    assert_eq!(found, names, "{protocol}");
    if let Some(version) = versions.first() {
        let path = format!("search?q={version}&protocol={protocol}&kind=version");
        assert_eq!(items(bed, &path, "package"), ["demo"]);
    }
}

#[test]
fn what_was_kept_before_it_was_listed_is_listed_and_still_kept() {
    let Some(python) = tool("python3") else {
        return;
    };
    let mut bed = Bed::new();
    let shelves = INDEXED.map(|protocol| bed.mirror(protocol, BODY));
    for shelf in &shelves {
        keep(&bed, shelf, "1.0.0");
    }
    bed.larder.stop();
    let database = bed.larder.data().join("larder.db");
    let home = tempfile::tempdir().expect("folder");
    run(command(&python, home.path())
        .args(["-c", BEFORE])
        .arg(&database));
    bed.upstream.go();
    for _ in ["the schema before", "this one"] {
        bed.start_again();
        for shelf in &shelves {
            assert_listed(&bed, shelf, &["1.0.0"]);
            let answer = bed.right(&shelf.artifact_here("1.0.0"), BODY);
            assert!(status(&answer).starts_with("larder; hit"));
        }
        bed.larder.stop();
    }
}

#[test]
fn bytes_of_what_is_listed_count_once() {
    let bed = Bed::new();
    for protocol in INDEXED {
        let body = [protocol.as_bytes(), BODY].concat();
        let shelf = bed.mirror(protocol, &body);
        keep(&bed, &shelf, "1.0.0");
        let job = bed.larder.api("POST", "stats/usage/runs", "{}", 202);
        assert_eq!(bed.larder.await_job(&job)["state"], "succeeded");
        let path = format!("stats/usage?by=package&repository={protocol}/up");
        let usage = bed.larder.api("GET", &path, "", 200);
        let items = usage["items"].as_array().expect("items");
        let demo: Vec<_> = items.iter().filter(|it| it["package"] == "demo").collect();
        assert_eq!(demo.len(), 1, "{usage}");
        assert_eq!(demo[0]["bytes"], body.len(), "{usage}");
        assert_eq!(demo[0]["versions"], 1, "{usage}");
        // One row has it.
        let digest = Digest::of(Algorithm::Sha256, &body);
        let blob = bed.larder.api("GET", &format!("blobs/{digest}"), "", 200);
        let held = blob["held_by"].as_array().expect("names");
        assert_eq!(held.len(), 1, "{blob}");
        assert_eq!(held[0]["package"], "demo", "{blob}");
    }
}

#[test]
fn rules_let_go_what_is_listed_and_it_comes_again() {
    let bed = Bed::new();
    for protocol in INDEXED {
        let mut shelf = bed.mirror(protocol, BODY);
        for version in ["1.1.0", "1.2.0"] {
            shelf.put(&bed.upstream, version, version.as_bytes());
        }
        for version in ["1.0.0", "1.1.0", "1.2.0"] {
            keep(&bed, &shelf, version);
        }
        bed.turn(3 * 3600);
        let rules = json!({"enabled": true,
            "rules": [{"packages": "demo", "keep": {"newest": 1}}], "protect": ["1.0.*"]});
        let path = format!("repositories/{protocol}/up/retention");
        bed.larder.api("PUT", &path, &rules.to_string(), 200);
        let preview = bed
            .larder
            .api("POST", &format!("{path}/preview"), "{}", 200);
        let body = json!({"preview": preview["id"]}).to_string();
        let job = bed.larder.api("POST", &format!("{path}/runs"), &body, 202);
        let job = bed.larder.await_job(&job);
        assert_eq!(job["result"]["deleted"], 1, "{protocol}: {job}");
        assert_listed(&bed, &shelf, &["1.0.0", "1.2.0"]);
        // It is gone with its entry, and both are there again.
        bed.upstream.take_asked();
        bed.right(&shelf.artifact_here("1.1.0"), b"1.1.0");
        keep(&bed, &shelf, "1.1.0");
        assert_eq!(bed.upstream.count(&shelf.artifact("1.1.0")), 1);
        assert_listed(&bed, &shelf, &["1.0.0", "1.1.0", "1.2.0"]);
    }
}
