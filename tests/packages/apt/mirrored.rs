//! Packages of an upstream's archive.

use super::client::{apt, begin, has, keys, prepare, told};
use crate::house::{House, Who};
use larder_tests::debs::{Archive, Deb, Keys};
use larder_tests::home::Home;
use larder_tests::tools::{fails, run};
use larder_tests::{Upstream, fields, tool};
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// A house whose mirror is of an archive with these packages, and trusts the key that signs it.
pub(super) fn house_of(keys: &Keys, debs: &[Deb], program: &Path) -> House {
    house_for("apt-get", keys, debs, &[program])
}

/// The same for a client of this name in `docs/errors.md`.
pub(super) fn house_for(
    client: &'static str,
    keys: &Keys,
    debs: &[Deb],
    programs: &[&Path],
) -> House {
    let upstream = Upstream::start();
    let archive = Archive::new(&upstream);
    archive.put("stable", debs, keys);
    let url = archive.url();
    let house = House::over(client, "apt", "deb/upstream", programs, upstream, &url);
    let trusted = json!({"upstream": {"trusted_keys": keys.public()}});
    house.larder.api(
        "PATCH",
        "repositories/deb/upstream",
        &trusted.to_string(),
        200,
    );
    house
}

pub(super) fn packages() -> [Deb; 4] {
    [
        Deb::new("demo", "1.0-1").needs("words (>= 2)"),
        Deb::new("words", "1:2.0~rc1+b1").of("amd64"),
        Deb::new("faraway", "1.0"),
        Deb::new("other", "1.0"),
    ]
}

fn install(home: &Home, package: &str) -> Command {
    prepare(home, "stable");
    apt(
        home,
        &format!("apt-get update && apt-get -y -d --no-install-recommends install {package}"),
    )
}

#[test]
fn apt_installs_through_a_mirror() {
    let Some((program, _folder, keys)) = begin() else {
        return;
    };
    let debs = packages();
    let house = house_of(&keys, &debs, &program);
    let reader = house.home(Who::Reader);
    run(&mut install(&reader, "demo"));
    assert!(has(&reader, &debs[0].file()));
    // Of a version with an epoch apt writes a name of its own.
    assert!(has(&reader, "words_1%3a2.0~rc1+b1_amd64.deb"));
    // Again, with the upstream away, and by another one with nothing.
    house.upstream.take_asked();
    house.upstream.go();
    let other = house.home(Who::Reader);
    run(&mut install(&other, "demo"));
    run(&mut apt(&reader, "apt-get update"));
    assert_eq!(house.upstream.take_asked().len(), 0);
    house.upstream.come_back();
    house.installs(install, told);
}

#[test]
fn apt_refuses_what_is_signed_by_others_or_past() {
    let Some(program) = tool("apt-get") else {
        return;
    };
    let folder = tempfile::tempdir().expect("folder");
    let make = |name: &str| Keys::make(&folder.path().join(name), "never");
    let (Some(keys), Some(others)) = (make("keys"), make("others")) else {
        return;
    };
    let house = house_of(&keys, &packages(), &program);
    let reader = house.home(Who::Reader);
    let keyring = reader.folder().join("etc/apt/keyrings/larder-upstream.asc");
    std::fs::write(keyring, others.public()).expect("keyring");
    prepare(&reader, "stable");
    let told = fails(&mut apt(&reader, "apt-get update"));
    assert!(told.contains("NO_PUBKEY"), "{told}");
    // What has expired is served, and refused by the client alone.
    let mut archive = Archive::new(&house.upstream);
    archive.date = "Fri, 02 Jan 2026 00:00:00 UTC".to_owned();
    archive.until = "Sat, 03 Jan 2026 00:00:00 UTC".to_owned();
    archive.put("past", &packages(), &keys);
    let reader = house.home(Who::Reader);
    prepare(&reader, "past");
    let told = fails(&mut apt(&reader, "apt-get update"));
    assert!(told.contains("is expired"), "{told}");
    run(&mut apt(
        &reader,
        "apt-get -o Acquire::Check-Valid-Until=false update",
    ));
}

#[test]
fn aptitude_and_apt_read_the_same() {
    let (Some(program), Some(aptitude)) = (tool("apt-get"), tool("aptitude")) else {
        return;
    };
    let Some((_folder, keys)) = keys() else {
        return;
    };
    let house = house_of(&keys, &packages(), &program);
    let reader = house.home(Who::Reader);
    prepare(&reader, "stable");
    let aptitude = aptitude.display();
    run(&mut apt(&reader, &format!("{aptitude} update")));
    let found = run(&mut apt(
        &reader,
        &format!("{aptitude} -F '%p %v %V' search demo"),
    ));
    assert!(found.contains("demo"), "{found}");
    run(&mut apt(&reader, &format!("{aptitude} -y -d install demo")));
    assert!(has(&reader, "demo_1.0-1_all.deb"));
}

#[test]
fn apt_goes_on_with_a_part_of_a_package() {
    let Some((program, _folder, keys)) = begin() else {
        return;
    };
    let debs = packages();
    let house = house_of(&keys, &debs, &program);
    let reader = house.home(Who::Reader);
    run(&mut install(&reader, "other"));
    // What a download that was broken off leaves has the date that the server told.
    let path = format!("/deb/upstream/{}", debs[3].path());
    let asks = house.larder.admin().get(&path).expect(200);
    let date = asks.header("last-modified").expect("a date");
    let file = debs[3].file();
    let part = reader.folder().join("cache/archives/partial").join(&file);
    std::fs::remove_file(reader.folder().join("cache/archives").join(&file)).expect("package");
    std::fs::write(&part, &debs[3].bytes()[..100]).expect("part");
    run(&mut apt(
        &reader,
        &format!(
            "touch -d '{date}' {} && apt-get -y -d install other",
            part.display()
        ),
    ));
    assert!(has(&reader, &file));
    assert!(house.larder.await_line("\"status\":206"));
}

#[test]
fn what_apt_installs_is_listed_and_comes_again_once_it_is_deleted() {
    let Some((program, _folder, keys)) = begin() else {
        return;
    };
    let debs = packages();
    let house = house_of(&keys, &debs, &program);
    let larder = &house.larder;
    run(&mut install(&house.home(Who::Reader), "demo"));
    let kept = || {
        for deb in &debs[..2] {
            let path = format!("/deb/upstream/{}", deb.path());
            larder.admin().await_kept(&path);
        }
        fields(
            &larder.api("GET", "repositories/deb/upstream/packages", "", 200),
            "name",
        )
    };
    assert_eq!(kept(), ["demo", "words"]);
    // The name of its file has no epoch, but the list has.
    let words = "repositories/deb/upstream/packages/words/versions";
    let version = &debs[1].version;
    let told = larder.api("GET", words, "", 200);
    assert_eq!(fields(&told, "version"), [version.as_str()]);
    assert_eq!(told["items"][0]["bytes"], debs[1].bytes().len());
    let told = larder.api("GET", &format!("{words}/{version}"), "", 200);
    assert_eq!(told["files"][0]["path"], debs[1].path());
    let about = larder.api("GET", &format!("{words}/{version}/about"), "", 200);
    assert!(about.to_string().contains("Words of it."), "{about}");
    let found = larder.api("GET", "search?q=words&protocol=deb&kind=package", "", 200);
    assert_eq!(fields(&found, "package"), ["words"]);
    // It goes with its entry, and alone.
    larder.api("DELETE", &format!("{words}/{version}"), "", 204);
    let left = larder.api("GET", "repositories/deb/upstream/packages", "", 200);
    assert_eq!(fields(&left, "name"), ["demo"]);
    house.upstream.take_asked();
    let other = house.home(Who::Reader);
    run(&mut install(&other, "demo"));
    assert!(has(&other, &debs[0].file()));
    let asked = |deb: &Deb| house.upstream.count(&format!("/debian/{}", deb.path()));
    assert_eq!((asked(&debs[0]), asked(&debs[1])), (0, 1));
    assert_eq!(kept(), ["demo", "words"]);
}
