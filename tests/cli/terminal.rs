//! At a terminal: what fits it, what is colored, and Ctrl+C before a hidden answer.

use crate::bed::{BINARY, Home, larder};
use larder_tests::tools::command;
use larder_tests::{Fault, Upstream, tool};
use serde_json::json;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// A shell's line at a terminal of 40 columns.
fn at_terminal(script: &Path, home: &Home, line: &str) -> Command {
    let mut terminal = command(script, home.folder());
    terminal.args(["-qec", &format!("stty cols 40; exec {BINARY} {line}")]);
    terminal.arg("/dev/null");
    terminal
}

#[test]
fn tables_fit_and_failures_are_colored() {
    let Some(script) = tool("script") else { return };
    let larder = larder();
    let home = Home::of(&larder, "admin");
    let long = "x".repeat(60);
    home.run(&format!("repo create oci/team --description {long}"))
        .ends(0);
    let show = |line: &str, no_color: &str| {
        let mut terminal = at_terminal(&script, &home, line);
        terminal.env("NO_COLOR", no_color).stdin(Stdio::null());
        String::from_utf8(terminal.output().expect("script").stdout).expect("UTF-8")
    };
    let table = show("repo list", "");
    assert!(
        table.lines().all(|line| line.chars().count() <= 40),
        "{table}"
    );
    assert!(table.contains("oci") && table.contains("x…"), "{table}");
    let piped = home.run("repo list").ends(0).out;
    assert!(piped.contains(&long), "{piped}");
    let failure = "repo show oci/none";
    let word = "error[repository_not_found]";
    assert!(show(failure, "").starts_with(&format!("\u{1b}[1;31m{word}\u{1b}[0m: ")));
    assert!(show(failure, "1").starts_with(&format!("{word}: ")));
}

#[test]
fn an_interrupt_before_a_hidden_answer_ends_it_with_130() {
    let Some(script) = tool("script") else { return };
    let home = Home::new();
    let line = "login http://127.0.0.1:1 --username alice";
    let mut child = at_terminal(&script, &home, line)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script");
    let (mut input, mut output) = (
        child.stdin.take().expect("stdin"),
        child.stdout.take().expect("stdout"),
    );
    let mut told = Vec::new();
    let mut byte = [0];
    while !told.ends_with(b"Password of alice: ") {
        assert!(output.read(&mut byte).expect("read") > 0, "{told:?}");
        told.push(byte[0]);
    }
    input.write_all(b"\x03").expect("Ctrl+C");
    output.read_to_end(&mut told).expect("read");
    let told = String::from_utf8(told).expect("UTF-8");
    assert_eq!(child.wait().expect("end").code(), Some(130), "{told}");
    assert!(told.contains("error[interrupted]: interrupted"), "{told}");
}

#[test]
fn a_job_is_watched_with_a_bar() {
    let Some(script) = tool("script") else { return };
    let larder = larder();
    let home = Home::of(&larder, "admin");
    let upstream = Upstream::start();
    upstream.put("/-/ping", "{}");
    upstream.fail("/-/ping", Fault::Silent);
    let settings = json!({"url": upstream.url(), "allow_private": true});
    let body = json!({"protocol": "npm", "name": "up", "kind": "mirror", "upstream": settings});
    larder.api("POST", "repositories", &body.to_string(), 201);
    let job = larder.api("POST", "upstream-check/runs", "{}", 202);
    let id = job["id"].as_str().expect("id");
    upstream.await_count("/-/ping", 1);
    let mut child = at_terminal(&script, &home, &format!("job watch {id}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script");
    let mut output = child.stdout.take().expect("stdout");
    let mut told = Vec::new();
    let mut byte = [0];
    // Cut to the terminal.
    while !told.ends_with(b"check [....................] 0/1 upstre") {
        assert!(
            output.read(&mut byte).expect("read") > 0,
            "{}",
            String::from_utf8_lossy(&told)
        );
        told.push(byte[0]);
    }
    upstream.heal();
    upstream.release();
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("read");
    assert_eq!(child.wait().expect("end").code(), Some(0), "{rest}");
    // The bar goes when the job has ended.
    let (_, record) = rest.rsplit_once("\r\u{1b}[K").expect("the end of the bar");
    assert!(record.contains("succeeded"), "{rest}");
}
