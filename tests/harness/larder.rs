//! The server under test.

use crate::Client;
use crate::secrets::assert_none as assert_no_secrets;
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// Ready, or stopped, within this time.
const DEADLINE: Duration = Duration::from_secs(30);
/// The first administrator's password in tests.
pub const PASSWORD: &str = "correct-horse-battery";

/// How a server is to be started.
pub struct Start {
    binary: PathBuf,
    environment: HashMap<String, String>,
    wrapper: Vec<String>,
    data: Option<PathBuf>,
}

/// A running server, stopped when it is dropped.
pub struct Larder {
    start: Start,
    folder: TempDir,
    child: Child,
    url: String,
    log: Arc<Log>,
}

/// What a server wrote, as it comes.
#[derive(Default)]
pub(crate) struct Log {
    lines: Mutex<(Vec<String>, bool)>,
    more: Condvar,
}

impl Start {
    /// The binary at `path`: in tests `env!("CARGO_BIN_EXE_larder")`.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        // What this machine's package managers use is none of the tests' business.
        let usual = [
            ("LARDER_ADMIN_PASSWORD", PASSWORD),
            ("LARDER_CACHE__DISCOVER", "false"),
        ];
        let usual = usual.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut environment = HashMap::from(usual);
        // The long form looks for secrets in all that there is to say.
        if crate::tools::is_long() {
            environment.insert("LARDER_LOG__LEVEL".to_owned(), "trace".to_owned());
        }
        Self {
            binary: path.into(),
            environment,
            wrapper: Vec::new(),
            data: None,
        }
    }

    /// With an environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Below another program, e.g. `fiu-run`.
    #[must_use]
    pub fn under(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// With its data in a folder that is there already.
    #[must_use]
    pub fn in_folder(mut self, data: impl Into<PathBuf>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(self) -> Larder {
        let mut larder = self.begin();
        larder.await_ready();
        larder
    }

    /// Starts it and does not wait.
    pub fn begin(self) -> Larder {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (child, log) = spawn(&self, folder.path());
        Larder {
            start: self,
            folder,
            child,
            url: String::new(),
            log,
        }
    }
}

impl Start {
    /// Starts it, and it refuses to; what it says.
    #[track_caller]
    pub fn refuses(self) -> String {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (mut child, log) = spawn(&self, folder.path());
        let ended = log
            .find(|line| line.contains("larder is ready").then_some(()))
            .is_none();
        drop(child.kill()); // in case it has not
        let code = child.wait().expect("wait").code();
        assert!(
            ended && code.is_some_and(|code| code != 0),
            "it starts, {code:?}: {}",
            log.text()
        );
        log.text()
    }
}

fn spawn(start: &Start, folder: &Path) -> (Child, Arc<Log>) {
    let mut words = start.wrapper.clone();
    words.push(start.binary.to_string_lossy().into_owned());
    let data = start.data.clone().unwrap_or_else(|| folder.join("data"));
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data);
    command
        .current_dir(folder)
        .envs(&start.environment)
        .env("LARDER_LOG__FORMAT", "json");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let log = Arc::new(Log::default());
    let (out, err) = (
        child.stdout.take().expect("stdout"),
        child.stderr.take().expect("stderr"),
    );
    let (reader, other) = (Arc::clone(&log), Arc::clone(&log));
    let errors = std::thread::spawn(move || other.follow(BufReader::new(err), false));
    std::thread::spawn(move || {
        reader.follow(BufReader::new(out), false);
        // It has ended when its last words are there, too.
        errors.join().expect("errors");
        reader.follow(io::empty(), true);
    });
    (child, log)
}

impl Log {
    pub(crate) fn follow(&self, from: impl BufRead, last: bool) {
        for line in from.lines().map_while(Result::ok) {
            self.lines.lock().expect("log").0.push(line);
            self.more.notify_all();
        }
        if last {
            self.lines.lock().expect("log").1 = true;
            self.more.notify_all();
        }
    }

    /// Waits for the first line of which `find` makes something; `None`: the server ended, or time
    /// did.
    pub(crate) fn find<T>(&self, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let found = |lines: &Vec<String>| lines.iter().find_map(|line| find(line));
        let lines = self.lines.lock().expect("log");
        let waited = self
            .more
            .wait_timeout_while(lines, DEADLINE, |(lines, ended)| {
                found(lines).is_none() && !*ended
            });
        found(&waited.expect("log").0.0)
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        self.lines.lock().expect("log").0.join("\n")
    }
}

impl Larder {
    #[track_caller]
    fn await_ready(&mut self) {
        let url = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            (line["message"] == "larder is ready")
                .then(|| line["url"].as_str().map(str::to_owned))?
        };
        self.url = self
            .log
            .find(url)
            .unwrap_or_else(|| panic!("the server is not ready:\n{}", self.log_text()));
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:port`.
    pub fn host(&self) -> &str {
        self.url.split_once("://").map_or("", |(_, host)| host)
    }

    /// The address to connect to.
    pub fn address(&self) -> SocketAddr {
        self.host().parse().expect("address")
    }

    /// The folder that is this server's own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of its data.
    pub fn data(&self) -> PathBuf {
        self.start
            .data
            .clone()
            .unwrap_or_else(|| self.folder.path().join("data"))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A client that is the administrator.
    pub fn admin(&self) -> Client {
        self.user("admin", PASSWORD)
    }

    /// A client that is this user.
    pub fn user(&self, name: &str, password: &str) -> Client {
        Client::with_password(self.address(), name, password)
    }

    /// A client without credentials.
    pub fn anonymous(&self) -> Client {
        Client::anonymous(self.address())
    }

    /// Makes a user with the password [`PASSWORD`].
    #[track_caller]
    pub fn make_user(&self, name: &str) -> Client {
        let body = serde_json::json!({"name": name, "password": PASSWORD}).to_string();
        self.api("POST", "users", &body, 201);
        self.user(name, PASSWORD)
    }

    /// A new token of a user with the password [`PASSWORD`].
    #[track_caller]
    pub fn token_of(&self, name: &str) -> String {
        let (headers, body) = ([("content-type", "application/json")], br#"{"name":"ci"}"#);
        let made = self
            .user(name, PASSWORD)
            .send("POST", "/api/v1/tokens", &headers, body)
            .expect(201);
        made.json()["secret"].as_str().expect("secret").to_owned()
    }

    /// Makes a grant.
    #[track_caller]
    pub fn grant(&self, subject: &str, repository: &str, package: &str, role: &str) -> String {
        let body = serde_json::json!({"subject": subject, "repository": repository, "package": package, "role": role});
        let made = self.api("POST", "grants", &body.to_string(), 201);
        made["id"].as_str().expect("id").to_owned()
    }

    /// Takes back all grants and closes what is open: only the administrator may do anything.
    #[track_caller]
    pub fn close_everything(&self) {
        let items = |path: &str| {
            let list = self.api("GET", path, "", 200);
            list["items"].as_array().expect("items").clone()
        };
        for grant in items("grants") {
            let id = grant["id"].as_str().expect("id");
            self.api("DELETE", &format!("grants/{id}"), "", 204);
        }
        for repo in items("repositories?limit=1000") {
            let text = |key: &str| repo[key].as_str().expect("text");
            if text("readable_by") == "everyone" {
                let path = format!("repositories/{}/{}", text("protocol"), text("name"));
                self.api("PATCH", &path, r#"{"open":false}"#, 200);
            }
        }
    }

    /// Lets no job begin by itself, at whatever time a test is run or turns the clock to: what
    /// upstreams are asked then is the test's business alone.
    #[track_caller]
    pub fn disable_schedules(&self) {
        let list = self.api("GET", "schedules", "", 200);
        for schedule in list["items"].as_array().expect("items") {
            let kind = schedule["kind"].as_str().expect("kind");
            let off = serde_json::json!({"cron": schedule["cron"], "enabled": false});
            self.api("PUT", &format!("schedules/{kind}"), &off.to_string(), 200);
        }
    }

    /// Calls the REST API as the administrator.
    #[track_caller]
    pub fn api(&self, method: &str, path: &str, body: &str, status: u16) -> serde_json::Value {
        let headers = [("content-type", "application/json")];
        let answer = self
            .admin()
            .send(
                method,
                &format!("/api/v1/{path}"),
                &headers,
                body.as_bytes(),
            )
            .expect(status);
        if answer.body.is_empty() {
            serde_json::Value::Null
        } else {
            answer.json()
        }
    }

    /// Waits for the end of a job: what it is then.
    #[track_caller]
    pub fn await_job(&self, job: &serde_json::Value) -> serde_json::Value {
        let path = format!("/api/v1/jobs/{}/events", job["id"].as_str().expect("id"));
        let (response, whole) = self.admin().take(&path, &[]).expect("events");
        assert!(whole, "the events broke off");
        let text = response.expect(200).text();
        let mut states = text.lines().filter_map(|line| line.strip_prefix("data: "));
        serde_json::from_str(states.next_back().expect("an event")).expect("job")
    }

    /// Kills it as a power cut of the process would: no handler runs.
    pub fn kill(&mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// Asks it to stop and waits until it has; its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signal");
        self.child.wait().expect("wait").code()
    }

    /// Waits until it writes a line with this text; whether it did.
    pub fn await_line(&self, text: &str) -> bool {
        self.log
            .find(|line| line.contains(text).then_some(()))
            .is_some()
    }

    /// Waits until it is ready, or has ended.
    pub fn await_ready_or_end(&self) {
        self.log
            .find(|line| line.contains("larder is ready").then_some(()));
    }

    /// Waits until it has ended by itself; its exit code.
    pub fn await_end(&mut self) -> Option<i32> {
        self.child.wait().expect("wait").code()
    }

    /// Starts it again on the same data, on another port.
    #[track_caller]
    pub fn start_again(&mut self) {
        let (child, log) = spawn(&self.start, self.folder.path());
        self.child = child;
        self.log = log;
        self.await_ready();
    }

    /// All it has written.
    pub fn log_text(&self) -> String {
        self.log.text()
    }

    /// The first line of the log, now or soon, that holds this text.
    #[track_caller]
    pub fn find_line(&self, text: &str) -> String {
        let found = self
            .log
            .find(|line| line.contains(text).then(|| line.to_owned()));
        found.unwrap_or_else(|| panic!("no line has {text:?}:\n{}", self.log_text()))
    }

    /// Resident memory in bytes: now, and the most there ever was.
    pub fn memory(&self) -> (u64, u64) {
        let status = self.status();
        (bytes_of(&status, "VmRSS:"), bytes_of(&status, "VmHWM:"))
    }

    /// Resident memory in bytes without what files back, which is the program itself: now, and the most
    /// there ever was beside what files back now.
    pub fn own_memory(&self) -> (u64, u64) {
        let status = self.status();
        let most = bytes_of(&status, "VmHWM:").saturating_sub(bytes_of(&status, "RssFile:"));
        (bytes_of(&status, "RssAnon:"), most)
    }

    fn status(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("status")
    }
}

/// A number of bytes in what the system says of a process.
fn bytes_of(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.expect("field").trim().trim_end_matches(" kB");
    kib.parse::<u64>().expect("number") * 1024
}

impl Drop for Larder {
    fn drop(&mut self) {
        // It may have ended already; nothing else of it is to outlive the test.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = self.log_text();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            println!(
                "the server's last lines:\n{}",
                tail.into_iter().rev().collect::<Vec<_>>().join("\n")
            );
        } else {
            assert_no_secrets(&self.log_text(), &self.data(), PASSWORD);
        }
    }
}
