//! `larder doctor`, on machines that are as they should be and on others.

use crate::bed::{Home, Ran, larder};
use serde_json::Value;

/// A command of doctor on a machine with these programs alone.
#[track_caller]
fn doctor(home: &Home, programs: &[&str], words: &[&str]) -> Ran {
    let bin = home.path("bin");
    std::fs::create_dir_all(&bin).expect("bin");
    for program in programs {
        std::fs::write(bin.join(program), "").expect("program"); // there, and not to be run
    }
    let mut doctor = home.command(&[&["doctor"], words].concat());
    let output = doctor.env("PATH", &bin).output().expect("larder");
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A finding by what was checked.
#[track_caller]
fn finding(ran: &Ran, check: &str) -> Value {
    let json = ran.json();
    let items = json["items"].as_array().expect("items");
    let found = items.iter().find(|item| item["check"] == check);
    found
        .unwrap_or_else(|| panic!("no {check}: {ran:?}"))
        .clone()
}

#[test]
fn the_line_that_mends_a_client_mends_it() {
    let larder = larder();
    let home = Home::of(&larder, "admin");
    let ran = doctor(&home, &["npm"], &["--json"]).ends(1);
    for check in [
        "server", "clock", "ready", "login", "version", "database", "storage",
    ] {
        assert_eq!(finding(&ran, check)["state"], "ok", "{check}");
    }
    assert_ne!(finding(&ran, "disk")["state"], "note", "its room is told");
    let upstream = finding(&ran, "upstream npm/upstream");
    assert_eq!(
        upstream["fix"],
        "larder repo set npm/upstream --upstream URL"
    );
    let npm = finding(&ran, "client npm");
    assert_eq!(npm["state"], "problem");
    let fix = npm["fix"]
        .as_str()
        .and_then(|fix| fix.strip_prefix("larder "));
    home.run(fix.expect("fix")).ends(0);
    let ran = doctor(&home, &["npm"], &["--json"]).ends(0);
    let npm = finding(&ran, "client npm");
    assert_eq!((&npm["state"], &npm["fix"]), (&"ok".into(), &Value::Null));
    assert_eq!(npm["detail"], "goes through npm/main");
    // A repository that is not there is not gone through.
    larder.api("DELETE", "repositories/npm/main", "", 204);
    let ran = doctor(&home, &["npm"], &["--json"]).ends(1);
    assert_eq!(finding(&ran, "client npm")["state"], "problem");
    // For people the same in a table, and a last line.
    let ran = doctor(&home, &["npm"], &[]).ends(1);
    assert!(
        ran.out.starts_with("CHECK") && ran.err.ends_with("1 problem\n"),
        "{ran:?}"
    );
}

#[test]
fn it_tells_no_more_than_one_may_know() {
    let larder = larder();
    larder.make_user("alice");
    let alice = Home::of(&larder, "alice");
    let ran = doctor(&alice, &[], &["--json"]).ends(0);
    let storage = finding(&ran, "storage");
    assert_eq!(storage["state"], "note");
    assert!(
        !ran.out.contains("MiB") && !ran.out.contains("upstream "),
        "{ran:?}"
    );
    let stranger = Home::new();
    let line = ["--json", "--server", larder.url()];
    let ran = doctor(&stranger, &[], &line).ends(1);
    let fix = format!("larder login {}", larder.url());
    assert_eq!(finding(&ran, "login")["fix"], fix);
    doctor(&stranger, &[], &[]).ends(4);
}

#[test]
fn an_upstream_that_fails_and_a_server_that_is_away_are_problems() {
    let mut larder = larder();
    let home = Home::of(&larder, "admin");
    home.run("repo set cargo/upstream --upstream http://127.0.0.1:1/ --allow-private")
        .ends(0);
    // What nobody could be asked for makes it fail.
    larder.admin().get("/cargo/upstream/de/mo/demo").expect(503);
    let ran = doctor(&home, &[], &["--json"]).ends(1);
    let upstream = finding(&ran, "upstream cargo/upstream");
    assert_eq!(upstream["state"], "problem", "{upstream}");
    assert_eq!(upstream["fix"], "larder upstream check cargo/upstream");
    larder.stop();
    let ran = doctor(&home, &[], &["--json"]).ends(1);
    let server = finding(&ran, "server");
    assert_eq!(server["state"], "problem");
    assert!(
        server["detail"]
            .as_str()
            .expect("detail")
            .starts_with("cannot reach"),
        "{server}"
    );
}
