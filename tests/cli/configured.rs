//! What is wrong with a configuration, its files, or what it leads to, is told once, with its place and
//! what helps: by `larder check` without starting anything, else by the start that ends.

use crate::bed::{BINARY, Home};
use larder_tests::Start;
use serde_json::Value;
use std::path::Path;

/// A server's folder beside others, not yet started.
fn in_folder(data: &Path) -> Start {
    Start::of(BINARY).in_folder(data)
}

/// Fails unless what was said has each of these texts, and its reason once.
#[track_caller]
fn says(said: &str, texts: &[&str], once: &str) {
    for text in texts {
        assert!(said.contains(text), "{text}: {said}");
    }
    assert_eq!(said.matches(once).count(), 1, "{once}: {said}");
}

#[test]
fn a_check_looks_at_the_files_that_are_named() {
    let home = Home::new();
    let write = |name: &str, text: &str| std::fs::write(home.path(name), text).expect("file");
    home.run("check").ends(0);
    assert!(!home.path("larder-data").exists(), "nothing is made");
    write("empty.pem", "no certificate\n");
    write("blocked", "a file, not a folder");
    write(
        "larder.toml",
        "[server]\ntls = { cert = \"cert.pem\", key = \"key.pem\" }\n\
         [cache]\nupstream_authorities = [\"empty.pem\", \"ca.pem\"]\n\
         [auth]\ntoken_key = \"secrets/token.key\"\n\
         [storage]\npath = \"blocked/blobs\"\n",
    );
    let ran = home.run("check").ends(1);
    for text in [
        "server.tls: cert.pem: ",
        "cache.upstream_authorities: empty.pem: there is no certificate in PEM form in it",
        "cache.upstream_authorities: ca.pem: No such file",
        "auth.token_key: the folder secrets of secrets/token.key is not there; make it",
        "storage.path: blocked/blobs cannot be made: blocked is no folder",
    ] {
        assert!(ran.err.contains(text), "{text}: {ran:?}");
    }
    assert!(
        ran.out.contains("cert.pem"),
        "what is in force is told all the same"
    );
    // A program gets it as the API tells it, and why it ended as one object.
    let ran = home.run("check --json").ends(1);
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    let mut items = told["items"].as_array().expect("items").iter();
    let staging = items.find(|item| item["key"] == "storage.path");
    assert_eq!(staging.expect("a setting")["value"], "\"blocked/blobs\"");
    let failure: Value = serde_json::from_str(&ran.err).expect("JSON");
    assert_eq!(failure["error"]["exit"], 1);
    assert!(home.run("check -o csv").ends(2).out.is_empty());
    write(
        "larder.toml",
        "[server]\ntls = { cert = \"empty.pem\", key = \"empty.pem\" }\n",
    );
    let ran = home.run("check").ends(1);
    let why = "server.tls: empty.pem: there is no certificate in PEM form in it";
    assert!(ran.err.contains(why), "{ran:?}");
    write("token.key", "no key\n");
    write("larder.toml", "[auth]\ntoken_key = \"token.key\"\n");
    let ran = home.run("check").ends(1);
    assert!(ran.err.contains("token.key has no signing keys"), "{ran:?}");
}

#[test]
fn half_an_address_on_the_command_line_is_told_how_it_is_written() {
    let home = Home::new();
    for (listen, meant) in [
        (":7070", "\"0.0.0.0:7070\""),
        ("7070", "\"127.0.0.1:7070\""),
        ("localhost:7070", "\"[::1]:7070\""),
    ] {
        let ran = home.run(&format!("serve --listen {listen}")).ends(2);
        says(
            &ran.err,
            &[&format!("'{listen}'"), meant],
            "it is not an address; write",
        );
    }
}

#[test]
fn a_start_with_a_certificate_that_is_none_names_the_file() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("cert.pem");
    std::fs::write(&file, "nothing\n").expect("file");
    let shown = file.display();
    let said = in_folder(&folder.path().join("data"))
        .with("LARDER_SERVER__TLS__CERT", &shown.to_string())
        .with("LARDER_SERVER__TLS__KEY", &shown.to_string())
        .refuses();
    says(
        &said,
        &["server.tls: ", "cert.pem: "],
        "there is no certificate in PEM form in it",
    );
}

#[test]
fn a_damaged_database_is_told_of_once_with_its_file() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    in_folder(&data).start().stop();
    let file = data.join("larder.db");
    for name in ["larder.db-wal", "larder.db-shm"] {
        drop(std::fs::remove_file(data.join(name))); // some are not there
    }
    std::fs::write(&file, [b'x'; 8192]).expect("write");
    let said = in_folder(&data).refuses();
    let place = format!("the database {} cannot be used: ", file.display());
    says(
        &said,
        &[&place, "restore a backup"],
        "file is not a database",
    );
}

#[test]
fn a_database_that_is_down_is_told_of_once_with_its_address() {
    let folder = tempfile::tempdir().expect("folder");
    let said = in_folder(&folder.path().join("data"))
        // Port 9 is discard, which nobody serves.
        .with(
            "LARDER_DATABASE__URL",
            "postgres://larder:hunter2@127.0.0.1:9/larder",
        )
        .refuses();
    let place = "the database postgres://larder:***@127.0.0.1:9/larder cannot be reached: ";
    says(
        &said,
        &[place, "correct database.url"],
        "Connection refused",
    );
    assert!(!said.contains("hunter2"), "{said}");
}
