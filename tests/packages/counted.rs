//! What clients install is counted once for each install, and read without a write.

use crate::house::{House, Who};
use larder_tests::random::Random;
use larder_tests::tools::{command, run, tool};
use larder_tests::{Image, Larder};
use serde_json::Value;
use std::path::Path;

/// Stops and starts the server: what it had noted is written down.
fn write_down(larder: &mut Larder) {
    assert_eq!(larder.stop(), Some(0));
    larder.start_again();
}

/// A version, as the list of its package tells it.
#[track_caller]
fn version(larder: &Larder, package: &str, version: &str) -> Value {
    let path = format!("repositories/{package}/versions");
    let list = larder.api("GET", &path, "", 200);
    let items = list["items"].as_array().expect("items").iter();
    let found = items.clone().find(|it| it["version"] == version);
    found
        .cloned()
        .unwrap_or_else(|| panic!("no {version} in {list}"))
}

/// The sum of a series over all that is kept of it.
#[track_caller]
fn sum(larder: &Larder, name: &str, part: &str) -> u64 {
    let path = format!("stats/series?name={name}&since=2020-01-01T00:00:00Z&part={part}");
    let series = larder.api("GET", &path, "", 200);
    let items = series["items"].as_array().expect("items").iter();
    items.map(|it| it["value"].as_u64().expect("a count")).sum()
}

/// Batches that the server has written.
fn batches(larder: &Larder) -> u64 {
    let text = larder.admin().get("/metrics").expect(200).text();
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix("larder_database_batches_total "));
    value.expect("metric").parse().expect("number")
}

/// Installs `demo` twice through the group, each time by a client that has nothing yet: the first one
/// has it fetched.
fn two_installs(mut house: House, protocol: &str, project: &[(&str, &str)], install: &str) {
    let package = format!("{protocol}/upstream/packages/demo");
    for count in 1..=2 {
        let home = house.home(Who::Reader);
        home.run(&home.project("user", project), install);
        write_down(&mut house.larder);
        let told = version(&house.larder, &package, "1.0.0");
        assert_eq!(
            (&told["downloads"], &told["total_downloads"]),
            (&count.into(), &count.into())
        );
        assert!(told["last_used_at"].is_string(), "{told}");
    }
    let days = house
        .larder
        .api("GET", &format!("repositories/{package}/downloads"), "", 200);
    let days = days["items"].as_array().expect("days").iter();
    assert_eq!(
        days.map(|day| day["downloads"].as_u64().expect("count"))
            .sum::<u64>(),
        2
    );
    let larder = &house.larder;
    assert!(sum(larder, "cache_misses", protocol) >= 1);
    assert!(sum(larder, "cache_hits", protocol) >= 1);
    assert!(sum(larder, "upstream_requests", &format!("{protocol}/upstream")) >= 2);
    assert!(sum(larder, "upstream_bytes", &format!("{protocol}/upstream")) > 0);
}

#[test]
fn an_install_by_npm_is_one_download() {
    let Some(npm) = tool("npm") else { return };
    let house = House::open("npm", "npm", "npm", &[&npm]);
    let manifest = r#"{"name":"user","version":"1.0.0","dependencies":{"demo":"1.0.0"}}"#;
    two_installs(house, "npm", &[("package.json", manifest)], "npm install");
}

#[test]
fn an_install_by_pip_is_one_download() {
    let Some(python) = tool("python3") else {
        return;
    };
    let house = House::open("pip", "pip", "pypi", &[&python]);
    let install = "python3 -m pip install --target into demo==1.0.0";
    two_installs(house, "pypi", &[("x", "")], install);
}

#[test]
fn a_build_by_cargo_is_one_download() {
    let cargo = Path::new(env!("CARGO"));
    let rustc = cargo.with_file_name("rustc");
    let house = House::open("cargo", "cargo", "cargo", &[cargo, &rustc]);
    let manifest = "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
        [dependencies]\ndemo = \"1\"\n";
    let project = [("Cargo.toml", manifest), ("src/lib.rs", "")];
    two_installs(house, "cargo", &project, "cargo fetch");
}

#[test]
fn a_pull_is_one_download_and_a_read_writes_nothing() {
    let mut larder = crate::larder();
    let image = Image::random(&mut Random::seeded(), &[100, 100_000]);
    image.push(&larder.admin(), "team/app", "v1");
    let path = |kind: &str, name: &str| format!("/v2/team/app/{kind}/{name}");
    let digest = image.digest.to_string();
    let (tag, manifest) = (path("manifests", "v1"), path("manifests", &digest));
    let layer = path("blobs", &image.blobs[2].0.to_string());
    larder.admin().get(&tag); // whoever asks is known from now on
    // Of very many reads not one has written; what the server does each second is lost among them.
    let before = batches(&larder);
    for _ in 0..300 {
        for read in [&tag, &manifest, &layer] {
            larder.admin().get(read).expect(200);
        }
    }
    let written = batches(&larder) - before;
    assert!(written < 100, "{written} batches for 900 reads");
    // A HEAD, what the client has already and a later part are no downloads.
    let admin = larder.admin();
    admin.send("HEAD", &tag, &[], b"").expect(200);
    let known = [("if-none-match", &*format!("\"{digest}\""))];
    admin.send("GET", &manifest, &known, b"").expect(304);
    admin
        .send("GET", &manifest, &[("range", "bytes=5-")], b"")
        .expect(206);
    write_down(&mut larder);
    let told = version(&larder, "oci/team/packages/app", "v1");
    assert_eq!(
        told["downloads"], 601,
        "301 by the tag, 300 by its digest: {told}"
    );
    assert!(told["last_used_at"].is_string(), "{told}");
    let by_digest = format!("repositories/oci/team/packages/app/versions/{digest}");
    let by_digest = larder.api("GET", &by_digest, "", 200);
    assert_eq!(by_digest["downloads"], 300);
    assert!(by_digest["last_used_at"].is_string(), "{by_digest}");
    assert!(sum(&larder, "requests", "oci") > 900);
    assert!(sum(&larder, "sent_bytes", "oci") > 300 * 100_000);
    assert!(sum(&larder, "received_bytes", "oci") > 100_000);
    // A real client: its pull is one more.
    if let Some(crane) = tool("crane") {
        let at = format!("{}/team/app:v1", larder.host());
        let home = larder.folder().join("home");
        std::fs::create_dir_all(&home).expect("home");
        let words = ["auth", "login", larder.host(), "-u", "admin", "-p"];
        run(command(&crane, &home)
            .args(words)
            .arg(larder_tests::larder::PASSWORD));
        let tar = larder.folder().join("app.tar");
        run(command(&crane, &home)
            .args(["pull", "--insecure", &at])
            .arg(tar));
        write_down(&mut larder);
        let told = version(&larder, "oci/team/packages/app", "v1");
        assert_eq!(told["downloads"], 602);
    }
    // What was pushed is counted by the job.
    let job = larder.api("POST", "stats/usage/runs", "{}", 202);
    larder.await_job(&job);
    let usage = larder.api("GET", "stats/usage?by=package&repository=oci/team", "", 200);
    let size: u64 = image
        .blobs
        .iter()
        .map(|(_, bytes)| bytes.len() as u64)
        .sum();
    let item = &usage["items"][0];
    let bytes = item["bytes"].as_u64().expect("bytes");
    assert!(bytes > size && bytes < size + 10_000, "{usage}");
    assert_eq!(
        (&item["unique_bytes"], &item["versions"]),
        (&item["bytes"], &1.into())
    );
}
