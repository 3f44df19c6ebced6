//! Logging in and out by real clients: with a password, through a browser's page, and what they ask
//! of their tokens.

use crate::{folder, larder, npm};
use larder_tests::larder::PASSWORD;
use larder_tests::tools::fails;
use larder_tests::{Client, Larder, Start, run, tool};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The home of someone who has logged in nowhere.
fn fresh_home(larder: &Larder, name: &str) -> PathBuf {
    let config = format!(
        "registry={}/npm/main/\nupdate-notifier=false\n",
        larder.url()
    );
    folder(larder, name, &[("npmrc", &config)])
}

fn asked(home: &Path, arguments: &[&str]) -> Command {
    npm(home, home, arguments).expect("npm")
}

/// The secret that a login left in a home.
fn kept(home: &Path) -> Option<String> {
    let text = std::fs::read_to_string(home.join("npmrc")).expect("npmrc");
    text.lines()
        .find_map(|line| Some(line.split_once("_authToken=")?.1.to_owned()))
}

/// A program that asks, and is answered when it has asked.
struct Talk {
    child: Child,
    into: ChildStdin,
    from: ChildStdout,
    heard: String,
}

impl Talk {
    fn start(command: &mut Command) -> Self {
        let command = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = command.spawn().expect("a client");
        let (into, from) = (
            child.stdin.take().expect("input"),
            child.stdout.take().expect("output"),
        );
        Self {
            child,
            into,
            from,
            heard: String::new(),
        }
    }

    /// All that it has said up to and with `text`.
    fn await_text(&mut self, text: &str) -> &str {
        let mut byte = [0];
        while !self.heard.ends_with(text) {
            let count = self.from.read(&mut byte).expect("output");
            assert_ne!(count, 0, "it ended before {text:?}: {}", self.heard);
            self.heard.push(char::from(byte[0]));
        }
        &self.heard
    }

    fn say(&mut self, line: &str) {
        self.into
            .write_all(format!("{line}\n").as_bytes())
            .expect("input");
    }

    /// What it said, and whether all went well.
    fn end(mut self) -> (String, bool) {
        drop(self.into);
        self.from.read_to_string(&mut self.heard).expect("output");
        (self.heard, self.child.wait().expect("an end").success())
    }
}

fn log_in(home: &Path, name: &str, password: &str) -> (String, bool) {
    let mut talk = Talk::start(&mut asked(home, &["login", "--auth-type=legacy"]));
    talk.await_text("sername:");
    talk.say(name);
    talk.await_text("assword:");
    talk.say(password);
    talk.end()
}

/// Sends a form, as a browser does.
fn send(
    browser: &Client,
    fields: &[(&str, &str)],
    headers: &[(&str, &str)],
) -> larder_tests::Response {
    let encode = |text: &str| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<Vec<_>>()
            .concat()
    };
    let form: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{key}={}", encode(value)))
        .collect();
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    all.extend(headers);
    browser.send("POST", "/sign-in", &all, form.join("&").as_bytes())
}

#[test]
fn npm_logs_in_with_a_password() {
    if tool("npm").is_none() {
        return;
    }
    let larder = larder();
    larder.make_user("alice");
    let home = fresh_home(&larder, "alice");
    let told = fails(&mut asked(&home, &["whoami"]));
    assert!(told.contains("ENEEDAUTH"), "{told}");
    let (told, well) = log_in(&home, "alice", "wrong");
    assert!(!well && kept(&home).is_none(), "{told}");
    let (told, well) = log_in(&home, "alice", PASSWORD);
    assert!(well && told.contains("Logged in on"), "{told}");
    let secret = kept(&home).expect("a token");
    assert_eq!(run(&mut asked(&home, &["whoami"])).trim(), "alice");
    let told = run(&mut asked(&home, &["profile", "get", "name"]));
    assert_eq!(told.trim(), "alice");

    // A login goes on from one that has ended.
    let told = run(&mut asked(&home, &["logout"]));
    assert_eq!(kept(&home), None, "{told}");
    let old = Client::with_authorization(larder.address(), &format!("Bearer {secret}"));
    old.get("/npm/main/-/whoami").expect(401);
    assert!(!larder.log_text().contains(&secret), "a secret in the log");
    let registry = larder.url().trim_start_matches("http:");
    run(&mut asked(
        &home,
        &[
            "config",
            "set",
            &format!("{registry}/npm/main/:_authToken"),
            &secret,
        ],
    ));
    let told = fails(&mut asked(&home, &["whoami"]));
    assert!(told.contains("E401"), "{told}");
    let (told, well) = log_in(&home, "alice", PASSWORD);
    assert!(well, "{told}");
    assert_eq!(run(&mut asked(&home, &["whoami"])).trim(), "alice");
}

#[test]
fn npm_logs_in_through_a_browser() {
    if tool("npm").is_none() {
        return;
    }
    let larder = larder();
    larder.make_user("alice");
    let home = fresh_home(&larder, "alice");
    let mut talk = Talk::start(&mut asked(&home, &["login", "--auth-type=web"]));
    talk.await_text("/sign-in?ask=");
    let heard = talk.await_text("\n").to_owned();
    let page = heard
        .lines()
        .find_map(|line| Some(line.split_once(larder.url())?.1))
        .expect("an address");
    let ask = page.split_once("ask=").expect("ask").1;

    let browser = larder.anonymous();
    let shown = browser.get(page).expect(200);
    assert!(
        shown
            .header("content-security-policy")
            .is_some_and(|policy| policy.contains("frame-ancestors 'none'"))
    );
    assert!(
        shown.text().contains("npm/main") && shown.text().contains("127.0.0.1"),
        "{}",
        shown.text()
    );
    let form = |password| [("ask", ask), ("username", "alice"), ("password", password)];
    send(
        &browser,
        &form(PASSWORD),
        &[("sec-fetch-site", "cross-site")],
    )
    .expect(403);
    send(
        &browser,
        &form(PASSWORD),
        &[("origin", "https://evil.example")],
    )
    .expect(403);
    let told = send(&browser, &form("wrong"), &[("origin", larder.url())]).expect(403);
    assert!(
        told.text().contains("Wrong user name or password"),
        "{}",
        told.text()
    );
    let told = send(
        &browser,
        &form(PASSWORD),
        &[("origin", larder.url()), ("sec-fetch-site", "same-origin")],
    );
    assert!(told.expect(200).text().contains("<b>alice</b>"));
    send(&browser, &form(PASSWORD), &[]).expect(409);

    let (told, well) = talk.end();
    assert!(well && told.contains("Logged in on"), "{told}");
    assert_eq!(run(&mut asked(&home, &["whoami"])).trim(), "alice");
    let tokens = larder
        .user("alice", PASSWORD)
        .get("/api/v1/tokens")
        .expect(200)
        .json();
    assert_eq!(tokens["items"][0]["name"], "npm/main login from 127.0.0.1");
}

#[test]
fn npm_makes_lists_and_ends_tokens() {
    if tool("npm").is_none() {
        return;
    }
    let larder = larder();
    larder.make_user("alice");
    larder.grant("user:alice", "npm/local", "*", "maintainer");
    let home = fresh_home(&larder, "alice");
    assert!(log_in(&home, "alice", PASSWORD).1);
    let create = |password: &str, more: &[&str]| {
        let name = [
            "token",
            "create",
            "--json",
            "--name",
            "ci",
            "--password",
            password,
        ];
        asked(&home, &[&name, more].concat())
    };
    let told = fails(&mut create("wrong", &[]));
    assert!(told.contains("this is not your password"), "{told}");
    let told = fails(&mut create(PASSWORD, &["--cidr", "10.0.0.0/8"]));
    assert!(told.contains("omit --cidr"), "{told}");
    let limits = [
        "--packages",
        "@acme/probe",
        "--packages-and-scopes-permission",
        "read-write",
        "--expires",
        "7",
    ];
    let made: serde_json::Value =
        serde_json::from_str(&run(&mut create(PASSWORD, &limits))).expect("JSON");
    let secret = made["token"].as_str().expect("token");
    let ci = Client::with_authorization(larder.address(), &format!("Bearer {secret}"));
    assert_eq!(
        ci.get("/npm/main/-/whoami").expect(200).json()["username"],
        "alice"
    );
    ci.send("PUT", "/npm/local/other", &[], b"{}").expect(404);
    ci.send("PUT", "/npm/local/@acme%2fprobe", &[], b"{}")
        .expect(400);
    ci.send("POST", "/npm/main/-/npm/v1/tokens", &[], b"{}")
        .expect(403);

    let told = run(&mut asked(&home, &["token", "list"]));
    assert!(
        told.contains("name ci created") && told.matches("with id").count() == 2,
        "{told}"
    );
    let listed = run(&mut asked(&home, &["token", "list", "--json"]));
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    let key = listed[1]["key"].as_str().expect("key");
    assert_eq!(
        (&listed[1]["name"], &listed[1]["readonly"]),
        (&"ci".into(), &false.into())
    );
    let told = run(&mut asked(&home, &["token", "revoke", key]));
    assert!(told.contains("Removed 1 token"), "{told}");
    ci.get("/npm/main/-/whoami").expect(401);

    // A token for reading only; by its secret it ends, too.
    let made = run(&mut create(
        PASSWORD,
        &["--packages-and-scopes-permission", "read-only"],
    ));
    let made: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    assert_eq!(made["readonly"], true);
    run(&mut asked(
        &home,
        &["token", "revoke", made["token"].as_str().expect("token")],
    ));
    assert_eq!(
        run(&mut asked(&home, &["token", "list"]))
            .matches("with id")
            .count(),
        1
    );
}

#[test]
fn npm_makes_no_users() {
    let larder = larder();
    larder.make_user("alice");
    let put = |name: &str, body: &str| {
        let path = format!("/npm/main/-/user/org.couchdb.user:{name}");
        larder.anonymous().send(
            "PUT",
            &path,
            &[("content-type", "application/json")],
            body.as_bytes(),
        )
    };
    let body = |name: &str, password: &str, more: &str| {
        format!(
            "{{\"_id\":\"org.couchdb.user:{name}\",\"name\":\"{name}\",\"password\":\"{password}\"{more}}}"
        )
    };
    let email = ",\"email\":\"a@b.example\"";
    let nobody = put("nobody", &body("nobody", "x", email)).expect(401);
    let wrong = put("alice", &body("alice", "x", email)).expect(401);
    assert_eq!(nobody.text(), wrong.text(), "nobody learns who is there");
    assert!(
        nobody.text().contains("this server's admin creates users")
            && nobody.header("www-authenticate").is_none()
    );
    let plain = put("nobody", &body("nobody", "x", "")).expect(401);
    assert!(
        plain
            .header("www-authenticate")
            .is_some_and(|challenge| challenge.starts_with("bearer ")),
        "npm's words"
    );
    put("alice", &body("bob", PASSWORD, "")).expect(400);
    put("alice", "[]").expect(400);
    assert!(
        put("alice", &body("alice", PASSWORD, email))
            .expect(201)
            .json()["token"]
            .is_string()
    );

    for _ in 0..20 {
        if put("alice", &body("alice", "x", "")).status == 429 {
            break;
        }
    }
    let shut = put("alice", &body("alice", PASSWORD, "")).expect(429);
    assert!(shut.header("retry-after").is_some());

    // At a repo that is not there it is the same: a login tells nothing of repos.
    let path = "/npm/none/-/user/org.couchdb.user:alice";
    larder
        .anonymous()
        .send("PUT", path, &[], body("alice", PASSWORD, "").as_bytes())
        .expect(429);
}

#[test]
fn a_sign_in_is_worth_nothing_without_its_key_or_after_its_time() {
    let clock = tempfile::NamedTempFile::new().expect("clock");
    let start = Start::of(env!("CARGO_BIN_EXE_larder"));
    let larder = start
        .with("LARDER_TEST_CLOCK", &clock.path().to_string_lossy())
        .start();
    let begin = || {
        let begun = larder
            .anonymous()
            .send("POST", "/npm/main/-/v1/login", &[], b"{}")
            .expect(200)
            .json();
        let path = |key: &str| {
            begun[key]
                .as_str()
                .expect(key)
                .strip_prefix(larder.url())
                .expect("here")
                .to_owned()
        };
        (path("loginUrl"), path("doneUrl"))
    };
    let (page, done) = begin();
    let waiting = larder.anonymous().get(&done).expect(202);
    assert!(waiting.header("retry-after").is_some());
    let ask = page.split_once("ask=").expect("ask").1;
    let (_, other) = begin();
    let key = other.split_once("key=").expect("key").1;
    larder
        .anonymous()
        .get(&format!("/npm/main/-/v1/done?ask={ask}&key={key}"))
        .expect(404);
    larder
        .anonymous()
        .get(&format!("/npm/main/-/v1/done?ask={ask}"))
        .expect(404);
    let forged = format!("{ask}x");
    larder
        .anonymous()
        .get(&format!("/sign-in?ask={forged}"))
        .expect(404);
    larder.anonymous().get("/sign-in").expect(400);
    larder
        .anonymous()
        .send("PUT", "/sign-in", &[], b"")
        .expect(405);

    // What a client calls itself is text on the page.
    let headers = [("user-agent", "<script>alert(1)</script>")];
    let login = larder
        .anonymous()
        .send("POST", "/npm/main/-/v1/login", &headers, b"{}")
        .expect(200)
        .json();
    let page = login["loginUrl"]
        .as_str()
        .expect("page")
        .strip_prefix(larder.url())
        .expect("here");
    let shown = larder.anonymous().get(page).expect(200).text();
    assert!(
        shown.contains("&lt;script&gt;") && !shown.contains("<script"),
        "{shown}"
    );

    // Ten minutes later nobody can sign in there any more, and who has is given nothing.
    let (page, done) = begin();
    let ask = page.split_once("ask=").expect("ask").1;
    let form = [("ask", ask), ("username", "admin"), ("password", PASSWORD)];
    send(&larder.anonymous(), &form, &[]).expect(200);
    larder.anonymous().get(&done).expect(200);
    std::fs::write(clock.path(), "599").expect("clock");
    larder.anonymous().get(&done).expect(200);
    std::fs::write(clock.path(), "601").expect("clock");
    larder.anonymous().get(&done).expect(404);
    larder.anonymous().get(&page).expect(404);
    send(&larder.anonymous(), &form, &[]).expect(404);
}
