//! What Debian's other programs tell a person who is refused: what dput sends, and what `apt-get source`,
//! aptitude and debootstrap get.

use super::archives::{put_sources, source_reader};
use super::client::{apt, begin, keys, prepare, told};
use super::hosted::{built, larder, send_as};
use super::mirrored::{house_for, packages};
use crate::house::{Who, why};
use larder_tests::debs::Deb;
use larder_tests::home::{Home, without_homes};
use larder_tests::larder::PASSWORD;
use larder_tests::said::said;
use larder_tests::tools::{fails, run};
use larder_tests::{engine, tool};
use serde_json::json;

#[test]
fn dput_tells_why_nothing_is_published() {
    let Some(dput) = tool("dput") else { return };
    let Some((_folder, keys)) = keys() else {
        return;
    };
    let larder = larder(&keys);
    let home = Home::of(&larder, Who::Reader, ("apt", "deb/local"), &[dput]);
    let (first, next) = (Deb::new("demo", "1.0"), Deb::new("demo", "2.0"));
    let changes = built(&home, &first, &first.bytes());
    let local = "deb/local";
    run(&mut send_as(
        &larder,
        &home,
        (local, "maker", PASSWORD),
        &changes,
    ));
    let size = first.bytes().len().to_string();
    let tells = |situation: &str, to: (&str, &str, &str), changes: &str| {
        let told = fails(&mut send_as(&larder, &home, to, changes));
        let fails = |line: &&str| line.contains("Upload failed");
        let told: String = told.lines().filter(fails).map(str::trim).collect();
        let told = told.replace(&size, "…");
        said("dput", situation, &without_homes(&told, &larder));
    };
    let other = built(
        &home,
        &first,
        &first.with(&[("usr/share/demo/other", b"bytes")]),
    );
    let situation = "publish of a version that is there";
    tells(situation, (local, "maker", PASSWORD), &other);
    let changes = built(&home, &next, &next.bytes());
    for (situation, to) in [
        ("publish with a wrong token", (local, "maker", "wrong")),
        ("publish without the right", (local, "reader", PASSWORD)),
        (
            "publish without the right to read",
            (local, "stranger", PASSWORD),
        ),
        ("publish to a mirror", ("deb/upstream", "maker", PASSWORD)),
    ] {
        tells(situation, to, &changes);
    }
    let quota = json!({"quota": {"bytes": 10}}).to_string();
    larder.api("PATCH", "repositories/deb/local", &quota, 200);
    let situation = "publish of more than the quota leaves";
    tells(situation, (local, "maker", PASSWORD), &changes);
}

#[test]
fn apt_get_source_tells_why_nothing_comes() {
    let Some((program, _folder, keys)) = begin() else {
        return;
    };
    let house = house_for("apt-get source", &keys, &packages(), &[&program]);
    put_sources(&house, &["demo", "faraway"], &keys);
    let home = source_reader(&house);
    let get = |package: &str| {
        apt(
            &home,
            &format!("apt-get source --download-only --only-source {package}"),
        )
    };
    run(&mut apt(&home, "apt-get update"));
    let tells = |situation: &str, package: &str| {
        house.says(situation, &told(&fails(&mut get(package))));
    };
    tells("not found", "nowhere");
    house.block("demo");
    tells("blocked by a rule", "demo");
    house.upstream.go();
    tells("upstream down, not kept", "faraway");
    house
        .larder
        .api("PATCH", "settings", r#"{"offline":true}"#, 200);
    tells("offline, not kept", "faraway");
}

#[test]
fn aptitude_tells_why_nothing_comes() {
    let (Some((program, _folder, keys)), Some(aptitude)) = (begin(), tool("aptitude")) else {
        return;
    };
    let house = house_for("aptitude", &keys, &packages(), &[&program, &aptitude]);
    let install = |home: &Home, package: &str| {
        prepare(home, "stable");
        let line = format!("aptitude update && aptitude -y -d install {package}");
        apt(home, &line)
    };
    house.installs(install, told);
}

#[test]
fn debootstrap_tells_why_no_root_is_made() {
    let (Some(debootstrap), Some((_folder, keys))) = (tool("debootstrap"), keys()) else {
        return;
    };
    if !engine::is_root() {
        return;
    }
    // Each root has apt.
    let mut debs = packages().to_vec();
    debs.push(Deb::new("apt", "1.0"));
    let house = house_for("debootstrap", &keys, &debs, &[&debootstrap]);
    let host = house.larder.url();
    let make = |home: &Home, package: &str| {
        // It fetches by wget, which has its credentials here.
        let (machine, token) = (host.replace("http://", ""), home.token());
        let (machine, _) = machine.split_once(':').expect("a port");
        let line = format!("machine {machine} login token password {token}\n");
        let netrc = home.folder().join(".netrc");
        std::fs::write(netrc, if token.is_empty() { "" } else { &line }).expect("credentials");
        let line = format!(
            "rm -rf root && debootstrap --download-only --variant=minbase --no-check-gpg \
             --arch=amd64 --include={package} stable root {host}/deb/upstream"
        );
        home.shell(home.folder(), &line)
    };
    house.installs(make, |text| why(text, &["E: ", "W: "]));
}
