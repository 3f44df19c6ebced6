//! A home in which the program is run, and what came of a run.

use larder_tests::larder::PASSWORD;
use larder_tests::tools::command;
use larder_tests::{Larder, Start};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The built binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_larder");

/// A server.
pub(crate) fn larder() -> Larder {
    Start::of(BINARY).start()
}

/// A person's home.
pub(crate) struct Home(TempDir);

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("home"))
    }

    /// One in which somebody is logged in.
    #[track_caller]
    pub(crate) fn of(larder: &Larder, user: &str) -> Self {
        let home = Self::new();
        let login = [
            "login",
            larder.url(),
            "--username",
            user,
            "--password-stdin",
        ];
        home.types(&login, &format!("{PASSWORD}\n")).ends(0);
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// The program with these words, not yet run.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut larder = command(Path::new(BINARY), self.0.path());
        larder.args(words);
        larder
    }

    /// Runs it.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> Ran {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.types(&words, "")
    }

    /// Runs it with something on its standard input.
    #[track_caller]
    pub(crate) fn types(&self, words: &[&str], input: &str) -> Ran {
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("larder");
        let mut stdin = child.stdin.take().expect("stdin");
        drop(stdin.write_all(input.as_bytes())); // it may not read it
        drop(stdin);
        let output = child.wait_with_output().expect("output");
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Ran {
    /// Fails unless it ended so.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Its data, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A server that answers the next request with this problem; its address.
pub(crate) fn refusing(status: u16, code: &str) -> String {
    let problem = serde_json::json!({"type": "about:blank", "title": "x", "status": status,
        "code": code, "detail": "it says no"});
    let listener = TcpListener::bind("127.0.0.1:0").expect("listener");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("accept");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("read") > 0 {
            head.push(byte[0]);
        }
        let body = problem.to_string();
        let answer = format!(
            "HTTP/1.1 {status} No\r\ncontent-type: application/problem+json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).expect("answer");
    });
    url
}
