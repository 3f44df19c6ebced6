//! What is not as it was written is refused, and nothing of it is there afterwards.

use crate::bed::Place;
use crate::contents::check;
use larder_archive::{PartName, Reader, Writer, padding};
use larder_tests::Image;
use larder_tests::random::Random;
use serde_json::Value;
use std::path::PathBuf;

/// Ways in which each backup is damaged.
const FLIPS: usize = 24;
const CUTS: usize = 6;

/// A place with a backup of a small server.
fn backup() -> (Place, PathBuf) {
    let place = Place::folder();
    let larder = place.server().start();
    let image = Image::random(&mut Random::new(3), &[20, 66_000, 200_000]);
    image.push(&larder.admin(), "team/app", "v1");
    let file = place.backup(&larder, "whole.tar", "include");
    (place, file)
}

/// Writes a backup anew, each part as `change` gives it, with right sums; `None`: without it.
fn forge(backup: &[u8], change: impl Fn(&PartName, Vec<u8>) -> Option<Vec<u8>>) -> Vec<u8> {
    let (manifest, mut reader) = Reader::begin(backup).expect("manifest");
    let mut writer = Writer::new(manifest.created_at);
    let manifest = serde_json::to_vec(&manifest).expect("manifest");
    let manifest = change(&PartName::Manifest, manifest).expect("manifest");
    let mut file = writer.part(&PartName::Manifest, &manifest);
    while let Some(part) = reader.next_part().expect("part") {
        let bytes = reader.all().expect("bytes");
        let Some(bytes) = change(&part.name, bytes) else {
            continue;
        };
        if let PartName::Blob(digest) = &part.name {
            let size = bytes.len() as u64;
            file.extend(writer.blob(digest, size));
            file.extend(bytes);
            file.extend(padding(size));
        } else {
            file.extend(writer.part(&part.name, &bytes));
        }
    }
    file.extend(writer.finish().expect("sums"));
    file
}

/// Restores a changed backup, which is refused; nothing was written: the whole one still can be
/// restored there.
#[track_caller]
fn is_refused(place: &Place, changed: &[u8], why: &str) {
    let file = place.file("changed.tar");
    std::fs::write(&file, changed).expect("write");
    let refused = place.restore(&file, &[]).ends(8);
    assert!(refused.err.contains(why), "{why}: {refused:?}");
    for name in ["token.key", "storage/blobs/sha256", "restore-unfinished"] {
        assert!(!place.data().join(name).exists(), "{name} was written");
    }
    let shown = file.to_string_lossy().into_owned();
    let verified = place.run(&["backup", "verify", &shown]);
    assert!(
        [0, 8].contains(&verified.code.expect("code")),
        "{verified:?}"
    );
}

#[test]
fn a_damaged_backup_is_refused_before_anything_is_written() {
    let (source, file) = backup();
    let whole = std::fs::read(&file).expect("backup");
    let mut random = Random::seeded();
    let place = Place::folder();
    let offset =
        |random: &mut Random| usize::try_from(random.below(whole.len() as u64)).expect("offset");
    for _ in 0..FLIPS {
        let mut changed = whole.clone();
        let at = offset(&mut random);
        changed[at] ^= 1 << random.below(8);
        is_refused(&place, &changed, "backup");
    }
    for _ in 0..CUTS {
        is_refused(&place, &whole[..offset(&mut random)], "backup");
    }
    place.restore(&file, &[]).ends(0);
    check(&place.server().start());
    drop(source);
}

#[test]
fn a_backup_without_some_of_its_parts_is_refused_whatever_its_sums_say() {
    let (_source, file) = backup();
    let whole = std::fs::read(&file).expect("backup");
    let place = Place::folder();
    let is_of = |name: &PartName, wanted: &str| match name {
        PartName::Rows { table, .. } => table == wanted,
        _ => false,
    };
    let without = |left_out: &dyn Fn(&PartName) -> bool| {
        forge(&whole, |name, bytes| {
            Some(bytes).filter(|_| !left_out(name))
        })
    };
    let blob = |name: &PartName| matches!(name, PartName::Blob(_));
    is_refused(&place, &without(&blob), "its blobs are not those");
    is_refused(
        &place,
        &without(&|name| is_of(name, "users")),
        "the table users has 0 rows",
    );
    let key = |name: &PartName| matches!(name, PartName::Key(_));
    is_refused(&place, &without(&key), "its keys are not those");
    // A forgery that fits together can only be told by its digest.
    let same = forge(&whole, |_, bytes| Some(bytes));
    let forged = place.file("forged.tar");
    std::fs::write(&forged, same).expect("write");
    let other = format!("sha256:{}", "0".repeat(64));
    let refused = place.restore(&forged, &["--digest", &other]).ends(8);
    refused.says("it is not the backup that is meant");
    let told: Value =
        serde_json::from_str(&place.restore(&forged, &["--json"]).ends(0).out).expect("JSON");
    assert_eq!(
        (&told["missing_blobs"], &told["blobs_included"]),
        (&0.into(), &true.into())
    );
}

#[test]
fn a_backup_of_a_newer_schema_is_refused_with_what_to_do() {
    let (_source, file) = backup();
    let whole = std::fs::read(&file).expect("backup");
    let newer = forge(&whole, |name, bytes| {
        let text = String::from_utf8_lossy(&bytes);
        let at = text
            .find("\"schema\":")
            .filter(|_| *name == PartName::Manifest);
        let Some(at) = at else { return Some(bytes) };
        let end = at + text[at..].find(',').expect("comma");
        let newer = format!("{}\"schema\":999{}", &text[..at], &text[end..]);
        Some(newer.into_bytes())
    });
    let place = Place::folder();
    let file = place.file("newer.tar");
    std::fs::write(&file, newer).expect("write");
    let refused = place.restore(&file, &[]).ends(1);
    refused
        .says("schema version 999")
        .says("run the newer larder");
    assert!(!place.data().join("token.key").exists());
}

#[test]
fn only_an_empty_place_takes_a_backup() {
    let (source, file) = backup();
    let whole = file.to_string_lossy().into_owned();
    source
        .restore(&file, &[])
        .ends(6)
        .says("the database is not empty");
    // A running server has its folder to itself.
    let larder = source.server().start();
    source
        .restore(&file, &[])
        .ends(6)
        .says("another larder is running");
    drop(larder);
    source
        .run(&["restore", &whole, "--check"])
        .ends(0)
        .says("is whole");
    source
        .run(&["restore", "nowhere.tar", "--check"])
        .ends(3)
        .says("there is no file");
}

#[test]
fn no_server_begins_anew_over_the_blobs_of_another() {
    let (source, _) = backup();
    for lost in ["larder.db", "larder.db-wal", "larder.db-shm"] {
        drop(std::fs::remove_file(source.data().join(lost))); // some are not there
    }
    let said = source.server().refuses();
    assert!(said.contains("the store has blobs"), "{said}");
}

#[test]
fn no_server_begins_with_another_key_where_one_is_lost() {
    let (source, file) = backup();
    let tls = || source.server().with("LARDER_SERVER__TLS", "self-signed");
    tls().start().stop();
    let kept = |name: &str| std::fs::read(source.data().join(name)).expect("key");
    let (key, authority) = (kept("token.key"), kept("tls/ca.crt"));
    let lose = |name: &str| std::fs::remove_file(source.data().join(name)).expect("remove");
    let run = |words: &[&str]| source.run(&[words, &["--data", "data"]].concat());
    lose("token.key");
    let said = source.server().refuses();
    let advice = "keys/token.key) or from another server";
    assert!(
        said.contains("token.key is missing") && said.contains(advice),
        "{said}"
    );
    for words in [&["key", "rotate"][..], &["admin", "reset-password"]] {
        run(words).ends(1).says("token.key is missing");
    }
    assert!(!source.data().join("token.key").exists());
    // What is said is what helps: out of the backup, or another one on purpose.
    let out = std::process::Command::new("tar")
        .arg("-xOf")
        .args([&file, &"keys/token.key".into()])
        .output();
    let out = out.expect("tar").stdout;
    assert_eq!(out, key);
    std::fs::write(source.data().join("token.key"), out).expect("write");
    check(&source.server().start());
    run(&["key", "new"]).ends(6).says("token.key is there");
    lose("token.key");
    run(&["key", "new"]).ends(0).says("passwords");
    check(&source.server().start());
    assert_ne!(kept("token.key"), key);
    // So with the authority that clients trust.
    let authoritys = kept("tls/ca.key");
    lose("tls/ca.key");
    let said = tls().refuses();
    assert!(said.contains("clients trust the authority"), "{said}");
    assert_eq!(kept("tls/ca.crt"), authority);
    std::fs::write(source.data().join("tls/ca.key"), authoritys).expect("write");
    lose("tls/ca.crt");
    tls().start().stop();
    lose("tls/ca.key");
    lose("tls/ca.crt");
    tls().start().stop();
    assert_ne!(kept("tls/ca.crt"), authority);
}

#[test]
fn no_server_starts_on_half_a_restore() {
    let place = Place::folder();
    std::fs::create_dir_all(place.data()).expect("folder");
    std::fs::write(place.data().join("restore-unfinished"), "").expect("write");
    let said = place.server().refuses();
    assert!(said.contains("has not ended"), "{said}");
}
