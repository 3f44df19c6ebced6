//! Commands against a server that answers from a script.

mod applies;
mod audit;
mod denied;
mod commands;
mod accounts;
mod failures;
mod gc;
mod scrub;
mod jobs;
mod lines;
mod logins;
mod packages;
mod quotas;
mod retention;
mod retries;
mod stats;

use crate::command::Command;
use crate::context::{Context, Env};
use crate::failure::Failure;
use crate::global::Global;
use crate::outcome::Outcome;
use crate::run::carry_out;
use clap::{CommandFactory, Parser};
use larder_api::{Caller, Token, TokenKind, UserKind};
use larder_model::{Clock, Timestamp};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One answer: status line, media type, body.
type Answer = (&'static str, &'static str, String);

/// A server that gives these answers in turn and remembers what it was asked.
struct Fake {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn json(status: &'static str, body: &serde_json::Value) -> Answer {
    (status, "application/json", body.to_string())
}

/// Who the caller is to the server; `None`: nobody.
fn caller(name: Option<&str>) -> Answer {
    let caller = Caller {
        name: name.map(|name| name.parse().expect("name")),
        anonymous: name.is_none(),
        kind: name.map(|_| UserKind::Person),
        superuser: false,
        limited: false,
    };
    json("200 OK", &serde_json::json!(caller))
}

/// A token that was made, with its secret.
fn made_token() -> Answer {
    let now = "2030-01-01T00:00:00Z".parse().expect("time");
    let token = Token {
        owner: "user:alice".to_owned(),
        last_used_at: None,
        last_used_from: None,
        id: "1".to_owned(),
        name: "x".to_owned(),
        kind: TokenKind::Access,
        grants: None,
        created_at: now,
        expires_at: None,
        secret: Some("lrd_new".to_owned()),
    };
    json("201 Created", &serde_json::json!(token))
}

async fn fake(script: Vec<Answer>) -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    let serving = tokio::spawn(async move {
        for answer in script {
            let (mut stream, _) = listener.accept().await.expect("accept");
            let request = read(&mut stream).await;
            log.lock().expect("log").push(request);
            let (status, media_type, body) = answer;
            // A status line may hold more lines of the head.
            let length = body.len();
            let begin = format!(
                "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\
                 connection: close\r\n\r\n"
            );
            stream
                .write_all(format!("{begin}{body}").as_bytes())
                .await
                .expect("answer");
            stream.shutdown().await.expect("end");
        }
    });
    Fake {
        url,
        heard,
        serving,
    }
}

async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().expect("length")) {
                return text;
            }
        }
        assert!(
            stream.read_buf(&mut bytes).await.expect("read") > 0,
            "the request ended early: {text}"
        );
    }
}

impl Fake {
    /// The requests so far: request line, `Authorization`, body.
    fn heard(&self) -> Vec<String> {
        let of = |request: &String| {
            let (head, body) = request.split_once("\r\n\r\n").expect("request");
            let line = head
                .lines()
                .next()
                .expect("line")
                .trim_end_matches(" HTTP/1.1");
            let shown = head
                .lines()
                .find_map(|line| line.strip_prefix("authorization: "))
                .unwrap_or("-");
            format!("{line} | {shown} | {body}")
        };
        self.heard.lock().expect("log").iter().map(of).collect()
    }
}

#[derive(Parser, Debug)]
struct Line {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// A machine with its configuration folder.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("folder"),
        }
    }

    fn config(&self) -> &Path {
        self.folder.path()
    }

    fn env(&self) -> Env {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().expect("time");
        let clock = Clock::new(move || now);
        Env {
            config_dir: self.config().to_owned(),
            clock,
            machine: crate::Machine::new([], self.config().to_owned()),
            no_color: true,
            grammar: Line::command(),
        }
    }

    /// Runs a command line up to its outcome.
    async fn run(&self, line: &str) -> Result<Outcome, Failure> {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>())
            .await
    }

    /// The same where a word has spaces.
    async fn run_words(&self, words: &[&str]) -> Result<Outcome, Failure> {
        let words = std::iter::once("larder").chain(words.iter().copied());
        let line = Line::try_parse_from(words).expect("line");
        let (global, env) = (&line.global, &self.env());
        carry_out(line.command, &Context { global, env }).await
    }
}
