//! Exit codes, and failures as they are told.

use crate::bed::{Home, larder, refusing};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::Stdio;

#[test]
fn a_server_is_answered_with_exit_codes() {
    let larder = larder();
    let admin = Home::of(&larder, "admin");
    larder.make_user("alice");
    let alice = Home::of(&larder, "alice");
    let stranger = Home::new();

    admin.run("repo list").ends(0);
    admin.run("repo list --no-such-flag").ends(2);
    admin.run("repo show oci/none").ends(3);
    stranger.run("repo list").ends(4);
    stranger
        .run(&format!("user list --server {}", larder.url()))
        .ends(4);
    alice.run("repo create oci/hers").ends(4);
    alice.run("user list --token lrd_wrong").ends(4);
    admin.run("repo create oci/team").ends(0);
    admin.run("repo create oci/team").ends(6);
    // What the server finds wrong is usage too.
    admin.run("repo create npm/x --member none").ends(2);
    // Nobody is there to say yes.
    admin.run("repo delete oci/team").ends(2);
    admin.run("repo delete oci/team --yes").ends(0);
    admin.run("context use none").ends(3);
    admin.run("whoami --server http://127.0.0.1:1").ends(1);
}

#[test]
fn some_upstreams_that_fail_are_a_part() {
    let larder = larder();
    let home = Home::of(&larder, "admin");
    let upstream = larder_tests::Upstream::start();
    upstream.put("/", "{}");
    let set = |name: &str, url: &str| {
        home.run(&format!("repo set {name} --upstream {url} --allow-private"))
            .ends(0);
    };
    set("npm/upstream", &upstream.url());
    home.run("upstream check").ends(0);
    set("cargo/upstream", "http://127.0.0.1:1/");
    let ran = home.run("upstream check").ends(5);
    assert!(
        ran.out.contains("npm/upstream") && ran.out.contains("cargo/upstream"),
        "{ran:?}"
    );
    home.run("upstream check cargo/upstream").ends(1);
    larder.api("PATCH", "settings", r#"{"offline":true}"#, 200);
    home.run("upstream check npm/upstream").ends(7);
}

#[test]
fn every_refusal_has_its_exit_code() {
    let home = Home::new();
    for (status, code, exit) in [
        (400, "repository_invalid", 2),
        (400, "digest_mismatch", 8),
        (400, "signature_invalid", 8),
        (403, "not_allowed", 4),
        (403, "policy", 9),
        (404, "user_not_found", 3),
        (409, "conflict", 6),
        (412, "precondition_failed", 6),
        (500, "internal", 1),
        (503, "offline", 7),
        (507, "quota_exceeded", 9),
    ] {
        let url = refusing(status, code);
        let ran = home
            .run(&format!("whoami --server {url} --token lrd_x"))
            .ends(exit);
        assert_eq!(ran.err, format!("error[{code}]: it says no\n"), "{ran:?}");
        assert_eq!(ran.out, "");
    }
}

#[test]
fn programs_get_failures_as_objects() {
    let home = Home::new();
    let url = refusing(409, "conflict");
    let ran = home
        .run(&format!("whoami --json --server {url} --token lrd_x"))
        .ends(6);
    assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
    let told: Value = serde_json::from_str(&ran.err).expect("JSON");
    let expected = json!({"error": {"code": "conflict", "message": "it says no", "cause": null,
        "try": null, "exit": 6}});
    assert_eq!(told, expected);
    let ran = home.run("repo list -o ndjson --no-such-flag").ends(2);
    let told: Value = serde_json::from_str(&ran.err).expect("JSON");
    assert_eq!(told["error"]["code"], "usage", "{told}");
    let ran = home.run("repo list").ends(4);
    assert_eq!(
        ran.err,
        "error[not_logged_in]: not logged in\n  try: larder login URL\n"
    );
}

#[test]
fn an_interrupt_ends_it_with_130() {
    let home = Home::new();
    // A server that never answers: the program waits, and has taken the signal over before.
    let listener = TcpListener::bind("127.0.0.1:0").expect("listener");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let child = home
        .command(&["whoami", "--server", &url])
        .stderr(Stdio::piped())
        .spawn()
        .expect("larder");
    let _waiting = listener.accept().expect("accept");
    kill_process(Pid::from_child(&child), Signal::INT).expect("signal");
    let output = child.wait_with_output().expect("end");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert_eq!(told, "error[interrupted]: interrupted\n");
}
