//! Files of which only the contents are promised, or nothing: modules of Go. And the log that promises
//! them, and the database of vulnerabilities beside them.

use crate::bed::{Bed, status};
use crate::wrong::{FORGETFUL, LARGE, SMALL, faults, lies, still_up};
use larder_tests::checksums::{Checksums, KEY};
use larder_tests::modules::{Modules, zip};
use larder_tests::{Fault, Shelf, Upstream};
use serde_json::json;
use std::sync::{Arc, Barrier};

const MODULE: &str = "demo.example/demo";

/// The zip file of a version of about this size.
fn packed(version: &str, size: usize) -> Vec<u8> {
    let go_mod = format!("module {MODULE}\n");
    let text = "text\n".repeat(size / 5);
    zip(MODULE, version, &[("go.mod", &go_mod), ("a.txt", &text)])
}

fn put(bed: &Bed, modules: &Modules, version: &str, size: usize) -> Vec<u8> {
    let body = packed(version, size);
    let go_mod = format!("module {MODULE}\n");
    modules.put_zip(&bed.upstream, (MODULE, version), &go_mod, body.clone());
    body
}

fn mirror(bed: &Bed) -> Shelf {
    let shelf = Shelf::new("go", &bed.upstream);
    bed.make(
        &shelf,
        &json!({"url": Modules::url(&bed.upstream), "allow_private": true}),
    );
    shelf
}

fn here(file: &str) -> String {
    format!("/go/up/{MODULE}/@v/{file}")
}

fn spoil(size: usize) {
    let bed = Bed::with(&FORGETFUL);
    let shelf = mirror(&bed);
    let (modules, other) = (Modules::default(), Upstream::start());
    let length = packed("v1.10.0", size).len();
    let all = faults(length, "/", &other).into_iter().chain(lies(length));
    for (at, (fault, expected)) in all.enumerate() {
        let version = format!("v1.{}.0", at + 10);
        let body = put(&bed, &modules, &version, size);
        let file = format!("{version}.zip");
        let there = Modules::path(MODULE, &file);
        let fault = match fault {
            Fault::Redirect(to) if to == "/" => Fault::Redirect(there.clone()),
            fault => fault,
        };
        bed.upstream.take_asked();
        bed.upstream.fail(&there, fault.clone());
        let (answer, whole) = bed.taken(&here(&file));
        // Nobody has the first byte of what may be wrong: it is refused, and never broken off.
        assert!(
            whole && answer.status >= 400,
            "{fault:?}: {}",
            answer.status
        );
        assert!(
            expected == 0 || answer.status == expected,
            "{fault:?}: {}",
            answer.status
        );
        assert!(
            answer.status != 404 || expected == 404,
            "{fault:?} is no 404"
        );
        bed.upstream.heal();
        bed.upstream.release();
        bed.rest(&shelf);
        let before = bed.upstream.count(&there);
        bed.right(&here(&file), &body);
        assert_eq!(
            bed.upstream.count(&there),
            before + 1,
            "{fault:?}: it was not kept"
        );
    }
    assert_eq!(other.total(), 0, "{:?}", other.take_asked());
    still_up(&bed);
}

#[test]
fn small_archives() {
    spoil(SMALL);
}

#[test]
fn large_archives() {
    spoil(LARGE);
}

#[test]
fn one_flipped_byte_of_a_file_is_found() {
    let bed = Bed::with(&FORGETFUL);
    mirror(&bed);
    let modules = Modules::default();
    let body = put(&bed, &modules, "v1.0.0", SMALL);
    let there = Modules::path(MODULE, "v1.0.0.zip");
    let text = body
        .windows(5)
        .position(|five| five == b"text\n")
        .expect("a text");
    for at in [0, text, text + 100, body.len() - 1] {
        bed.upstream.fail(&there, Fault::Flipped(at));
        assert_eq!(bed.wrong(&here("v1.0.0.zip")), 502, "{at}");
    }
    // One that was encoded on its way is decoded again.
    bed.upstream.heal();
    bed.upstream.fail(&there, Fault::Gzipped);
    bed.right(&here("v1.0.0.zip"), &body);
}

#[test]
fn lists_are_fresh_for_a_time_and_versions_for_good() {
    let bed = Bed::new();
    let shelf = mirror(&bed);
    let modules = Modules::default();
    put(&bed, &modules, "v1.0.0", SMALL);
    let list = here("list");
    let path = Modules::path(MODULE, "list");
    let body = bed.right(&list, b"v1.0.0\n");
    assert_eq!(status(&body), "larder; fwd=miss; stored");
    for file in ["v1.0.0.info", "v1.0.0.mod", "v1.0.0.zip"] {
        bed.get(&here(file)).expect(200);
    }
    put(&bed, &modules, "v1.1.0", SMALL);
    bed.right(&list, b"v1.0.0\n");
    assert_eq!(bed.upstream.count(&path), 1);
    bed.turn(1000);
    bed.until(&list, |answer| answer.body == b"v1.0.0\nv1.1.0\n");
    // What is not there is not asked for twice: clients ask for every path above a package.
    for _ in 0..2 {
        bed.get("/go/up/demo.example/@v/list").expect(404);
    }
    assert_eq!(bed.upstream.count("/go/demo.example/@v/list"), 1);
    bed.turn(5000);
    bed.upstream.go();
    bed.right(&list, b"v1.0.0\nv1.1.0\n");
    for file in ["v1.0.0.info", "v1.0.0.mod", "v1.0.0.zip"] {
        let answer = bed.get(&here(file)).expect(200);
        assert_eq!(status(&answer), "larder; hit");
    }
    bed.get(&here("v1.1.0.zip")).expect(503);
    bed.change(&shelf, &json!({"offline": true}));
    bed.right(&list, b"v1.0.0\nv1.1.0\n");
    bed.get(&here("v1.1.0.zip")).expect(403);
    bed.upstream.come_back();
    // A branch is looked up as long as it is fresh, and asked for again.
    bed.change(&shelf, &json!({"offline": false}));
    let branch = Modules::path(MODULE, "main.info");
    bed.upstream.put(&branch, r#"{"Version":"v1.0.0"}"#);
    bed.right(&here("main.info"), br#"{"Version":"v1.0.0"}"#);
    bed.upstream.put(&branch, r#"{"Version":"v1.1.0"}"#);
    bed.turn(9000);
    bed.until(&here("main.info"), |answer| {
        answer.body.ends_with(b"v1.1.0\"}")
    });
}

#[test]
fn what_was_absent_is_so_while_nobody_can_ask() {
    let bed = Bed::with(&FORGETFUL);
    let shelf = mirror(&bed);
    let modules = Modules::default();
    put(&bed, &modules, "v1.0.0", SMALL);
    bed.get(&here("v1.0.0.zip")).expect(200);
    // Clients ask for each name that a package can be of, and the longest that is there has it.
    let absent = format!("/go/up/{MODULE}/cmd/@v/v1.0.0.info");
    bed.get(&absent).expect(404);
    let unasked = format!("/go/up/{MODULE}/more/@v/v1.0.0.info");
    bed.upstream.go();
    for _ in 0..2 {
        let answer = bed.get(&absent).expect(404);
        assert!(
            answer.text().contains("when it was asked"),
            "{}",
            answer.text()
        );
    }
    bed.get(&unasked).expect(503);
    bed.get(&here("v1.1.0.zip")).expect(503);
    bed.change(&shelf, &json!({"offline": true}));
    bed.get(&absent).expect(404);
    bed.get(&unasked).expect(403);
    bed.get(&format!("/go/up/{MODULE}/cmd/@v/v1.1.0.info"))
        .expect(403);
    // It is no package, and what came since is there.
    let listed = bed
        .client
        .get("/api/v1/repositories/go/up/packages")
        .expect(200);
    assert!(!listed.text().contains("absent"), "{}", listed.text());
    bed.upstream.come_back();
    bed.change(&shelf, &json!({"offline": false}));
    let below = format!("{MODULE}/cmd");
    let go_mod = format!("module {below}\n");
    let body = zip(&below, "v1.0.0", &[("go.mod", &go_mod)]);
    modules.put_zip(&bed.upstream, (&below, "v1.0.0"), &go_mod, body.clone());
    bed.right(&format!("/go/up/{below}/@v/v1.0.0.zip"), &body);
    bed.get(&absent).expect(200);
}

#[test]
fn blocked_modules_are_refused_with_a_reason() {
    let bed = Bed::new();
    let shelf = mirror(&bed);
    let modules = Modules::default();
    put(&bed, &modules, "v1.0.0", SMALL);
    bed.get(&here("v1.0.0.zip")).expect(200);
    let blocked = json!({"blocked": [{"package": "demo.example/*", "reason": "it steals"}]});
    bed.change(&shelf, &blocked);
    for file in [
        "list",
        "v1.0.0.info",
        "v1.0.0.mod",
        "v1.0.0.zip",
        "main.info",
    ] {
        let refused = bed.get(&here(file)).expect(403);
        let text = refused.text();
        assert!(
            text.contains("it steals") && text.contains("/why/"),
            "{text}"
        );
        assert_eq!(
            refused.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
    }
    bed.get("/go/up/other.example/a/@v/list").expect(404);
}

#[test]
fn many_clients_cost_one_request() {
    let bed = Bed::new();
    mirror(&bed);
    let modules = Modules::default();
    let body = put(&bed, &modules, "v1.0.0", LARGE);
    let all = Arc::new(Barrier::new(30));
    let asked: Vec<_> = (0..30)
        .map(|_| {
            let (all, client) = (Arc::clone(&all), bed.client.clone());
            std::thread::spawn(move || {
                all.wait();
                client.get(&here("v1.0.0.zip")).expect(200).body
            })
        })
        .collect();
    for one in asked {
        assert!(one.join().expect("a client") == body);
    }
    assert_eq!(bed.upstream.count(&Modules::path(MODULE, "v1.0.0.zip")), 1);
}

/// How often a database was asked for anything.
fn requests(database: &Checksums) -> u64 {
    let host = database
        .url()
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let address = host.parse().expect("an address");
    let client = larder_tests::Client::with_authorization(address, "Basic eDp4");
    let text = client.get("/requests").expect(200).text();
    text.trim().parse().expect("a number")
}

#[test]
fn many_clients_cost_one_look_up() {
    let bed = Bed::new();
    let shelf = mirror(&bed);
    let modules = Modules::default();
    put(&bed, &modules, "v1.0.0", SMALL);
    let Some(database) = Checksums::start(&Modules::url(&bed.upstream), 2, "") else {
        return;
    };
    bed.change(
        &shelf,
        &json!({"upstream": {"checksum_database": KEY, "checksum_database_url": database.url(),
            "checksum_database_except": ["corp.example"]}}),
    );
    let below = "/go/up/sumdb/sum.example";
    let lookup = format!("{below}/lookup/{MODULE}@v1.0.0");
    let all = Arc::new(Barrier::new(20));
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let (all, client, lookup) = (Arc::clone(&all), bed.client.clone(), lookup.clone());
            std::thread::spawn(move || {
                all.wait();
                client.get(&lookup).expect(200).body
            })
        })
        .collect();
    let mut bodies: Vec<Vec<u8>> = asked
        .into_iter()
        .map(|one| one.join().expect("one"))
        .collect();
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    // The record, and the one tile that proves it.
    assert_eq!(requests(&database), 2);
    bed.get(&here("v1.0.0.zip")).expect(200);
    bed.get(&here("v1.0.0.mod")).expect(200);
    let latest = bed.get(&format!("{below}/latest")).expect(200).text();
    assert!(latest.starts_with("go.sum database tree\n3\n"), "{latest}");
    assert_eq!(requests(&database), 2);
    bed.get(&format!("{below}/supported")).expect(200);
    bed.get(&format!("{below}/tile/8/0/000.p/3")).expect(200);
    bed.get(&format!("{below}/tile/8/0/000.p/2")).expect(200);
    assert_eq!(requests(&database), 2);
    bed.get(&format!("{below}/tile/8/data/000.p/3")).expect(200);
    assert_eq!(requests(&database), 3);
    bed.get("/go/up/sumdb/other.example/supported").expect(404);
    // What nobody is to be asked for is not.
    bed.get(&format!("{below}/lookup/corp.example/a@v1.0.0"))
        .expect(404);
    assert_eq!(requests(&database), 3);
    bed.get(&format!("{below}/lookup/{MODULE}@v9.0.0"))
        .expect(404);
    // An older state is asked for again once it is old, and stays if that cannot be done.
    bed.turn(1000);
    let asked = requests(&database);
    bed.get(&format!("{below}/latest")).expect(200);
    assert_eq!(requests(&database), asked + 1);
    bed.get(&lookup).expect(200);
    drop(database);
    bed.turn(2000);
    let stale = bed.get(&format!("{below}/latest")).expect(200);
    assert_eq!(stale.text(), latest);
    bed.get(&lookup).expect(200);
    still_up(&bed);
}

#[test]
fn vulnerabilities_are_mirrored_beside_the_modules() {
    let bed = Bed::with(&FORGETFUL);
    let shelf = mirror(&bed);
    let path = "/go/up/vulndb/index/db.json";
    let told = bed.get(path).expect(404).text();
    assert!(told.contains("--vulnerability-database"), "{told}");
    let world = Upstream::start();
    bed.change(
        &shelf,
        &json!({"upstream": {"vulnerability_database": format!("{}v", world.url())}}),
    );
    let entry = br#"{"id":"GO-2021-0001","summary":"it leaks"}"#;
    world.put("/v/index/db.json", r#"{"modified":"2026-11-01T00:00:00Z"}"#);
    world.put("/v/index/modules.json", "[]");
    world.put("/v/ID/GO-2021-0001.json", &entry[..]);
    world.put(
        "/v/ID/GO-2021-0001.json.gz",
        larder_tests::archive::gzip(entry),
    );
    for (file, kind) in [
        ("index/db.json", "application/json"),
        ("index/modules.json", "application/json"),
        ("ID/GO-2021-0001.json", "application/json"),
        ("ID/GO-2021-0001.json.gz", "application/gzip"),
    ] {
        let body = world.body(&format!("/v/{file}"));
        let answer = bed.right(&format!("/go/up/vulndb/{file}"), &body);
        assert_eq!(answer.header("content-type"), Some(kind), "{file}");
    }
    bed.get("/go/up/vulndb/ID/GO-2021-0002.json").expect(404);
    world.put("/v/ID/GO-2021-0003.json", "<html>Sign in</html>");
    bed.get("/go/up/vulndb/ID/GO-2021-0003.json").expect(502);
    world.go();
    bed.turn(9000);
    bed.right("/go/up/vulndb/ID/GO-2021-0001.json", entry);
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
}

#[test]
fn settings_that_are_none_are_refused_with_what_is_wrong() {
    let bed = Bed::new();
    let shelf = mirror(&bed);
    bed.mirror("npm", b"x");
    let other = format!("{KEY}x");
    for (repository, upstream, why) in [
        (
            "go/up",
            json!({"checksum_database": "sum.example"}),
            "GOSUMDB",
        ),
        ("go/up", json!({"checksum_database": other}), "GOSUMDB"),
        (
            "go/up",
            json!({"checksum_database_url": "https://l.example"}),
            "is missing",
        ),
        (
            "go/up",
            json!({"checksum_database": KEY, "checksum_database_url": "l"}),
            "https://",
        ),
        (
            "go/up",
            json!({"checksum_database": KEY, "checksum_database_except": ["a,b"]}),
            "patterns",
        ),
        ("go/up", json!({"vulnerability_database": "v"}), "https://"),
        (
            "npm/up",
            json!({"checksum_database": KEY}),
            "those of npm have not",
        ),
        (
            "npm/up",
            json!({"vulnerability_database": "https://v.example"}),
            "those of npm have not",
        ),
    ] {
        let body = json!({"upstream": upstream}).to_string();
        let path = format!("repositories/{repository}");
        let refused = bed.larder.api("PATCH", &path, &body, 400);
        let detail = refused["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(why), "{why}: {refused}");
    }
    let set =
        json!({"upstream": {"checksum_database": KEY, "checksum_database_except": ["a.example"]}});
    bed.change(&shelf, &set);
    let url = json!({"upstream": {"checksum_database_url": "https://l.example"}});
    bed.change(&shelf, &url);
    let shown = bed.larder.api("GET", "repositories/go/up", "", 200);
    let upstream = &shown["upstream"];
    assert_eq!(upstream["checksum_database"], KEY);
    assert_eq!(upstream["checksum_database_url"], "https://l.example/");
    assert_eq!(upstream["checksum_database_except"], json!(["a.example"]));
    bed.change(&shelf, &json!({"upstream": {"checksum_database": ""}}));
    let shown = bed.larder.api("GET", "repositories/go/up", "", 200);
    assert!(
        shown["upstream"].get("checksum_database").is_none(),
        "{shown}"
    );
    // What every proxy has tells that it is one.
    bed.upstream.put(
        "/go/golang.org/toolchain/@v/list",
        "v0.0.1-go1.21.0.linux-amd64\n",
    );
    let checked = bed
        .larder
        .api("POST", "repositories/go/up/upstream/check", "{}", 200);
    assert_eq!(checked["ok"], true, "{checked}");
}

#[test]
fn a_refresh_asks_for_what_can_change_alone() {
    let bed = Bed::new();
    let shelf = mirror(&bed);
    let modules = Modules::default();
    put(&bed, &modules, "v1.0.0", SMALL);
    let Some(database) = Checksums::start(&Modules::url(&bed.upstream), 2, "") else {
        return;
    };
    let set = json!({"checksum_database": KEY, "checksum_database_url": database.url()});
    bed.change(&shelf, &json!({"upstream": set}));
    bed.get(&here("v1.0.0.zip")).expect(200);
    bed.get(&here("list")).expect(200);
    put(&bed, &modules, "v1.1.0", SMALL);
    let path = "repositories/go/up/packages/demo.example%2Fdemo/refresh";
    let told = bed.larder.api("POST", path, "{}", 200);
    let documents = told["documents"].as_array().expect("documents");
    assert_eq!(documents.len(), 1, "{told}");
    assert_eq!(documents[0]["path"], "list", "{told}");
    bed.right(&here("list"), b"v1.0.0\nv1.1.0\n");
}
