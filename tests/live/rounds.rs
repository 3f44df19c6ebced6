//! What is done with each project.

use larder_tests::tools::{command, skip};
use larder_tests::{Larder, Start, apart};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use tempfile::TempDir;

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A client that has kept nothing, and the server that it is to ask.
pub(crate) struct Visit<'a> {
    pub(crate) larder: &'a Larder,
    home: TempDir,
}

/// Writes the lines of `larder connect` to where they belong in a client's home, with more lines after
/// them; what belongs to the system is in the same folder (`etc/…`).
pub(crate) fn connect(
    larder: &Larder,
    home: &Path,
    (client, repository): (&str, &str),
    more: &str,
) {
    let told = larder.api("GET", &format!("connect/{client}/{repository}"), "", 200);
    for part in told["items"].as_array().expect("items") {
        let lines = part["lines"]
            .as_array()
            .expect("lines")
            .iter()
            .map(|line| line.as_str().expect("line"));
        let text = lines.collect::<Vec<_>>().join("\n");
        // The others are commands for people to try.
        let Some(file) = part["file"].as_str() else {
            continue;
        };
        let file = home.join(file.trim_start_matches("~/").trim_start_matches('/'));
        std::fs::create_dir_all(file.parent().expect("folder")).expect("folder");
        std::fs::write(file, format!("{text}\n{more}")).expect("file");
    }
}

impl<'a> Visit<'a> {
    pub(crate) fn new(larder: &'a Larder) -> Self {
        Self {
            larder,
            home: tempfile::tempdir().expect("home"),
        }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes the lines of `larder connect` into the client's home, with more lines after them.
    pub(crate) fn connect(&self, client: &str, repository: &str, more: &str) {
        connect(self.larder, self.home(), (client, repository), more);
    }

    /// A command in the client's home that reaches this machine alone.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = command(program, self.home());
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(name, NOWHERE).env(name.to_lowercase(), NOWHERE);
        }
        command
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1");
        command
    }
}

/// What came of one round.
struct Told {
    packages: usize,
    seconds: f64,
    asked: u64,
}

/// A server over a folder, which finds the upstreams that this machine uses.
pub(crate) fn online(data: &Path) -> Start {
    let start = Start::of(env!("CARGO_BIN_EXE_larder")).in_folder(data.join("data"));
    start.with("LARDER_CACHE__DISCOVER", "true")
}

/// The same without a way to any upstream.
pub(crate) fn nowhere(data: &Path) -> Start {
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
        .iter()
        .fold(online(data), |start, name| start.with(name, NOWHERE))
}

/// Takes every upstream away from a server.
pub(crate) fn go_offline(larder: &Larder) {
    let offline = json!({"offline": true}).to_string();
    larder.api("PATCH", "settings", &offline, 200);
}

/// Gets a project in every round. `open` readies the server, or says that there is no upstream;
/// `get` gets the project for one visitor and tells of how many packages it is; `cut` is called
/// before the upstream must no longer be needed.
pub(crate) fn rounds(
    name: &str,
    least: usize,
    open: impl FnOnce(&Larder) -> bool,
    get: impl Fn(&Visit<'_>) -> usize + Sync,
    cut: impl FnOnce(),
) {
    let data = tempfile::tempdir().expect("data");
    let mut larder = online(data.path()).start();
    if !open(&larder) {
        return;
    }
    let (cold, warm) = (round(&larder, &get), round(&larder, &get));
    assert!(cold.packages >= least, "{name}: {} packages", cold.packages);
    assert!(
        cold.asked >= cold.packages as u64,
        "{name}: the client got packages from elsewhere"
    );
    go_offline(&larder);
    larder.stop();
    drop(larder);
    cut();

    let mut larder = nowhere(data.path()).start();
    let offline = round(&larder, &get);
    larder.kill();
    drop(larder);
    let wrapper = apart::wrapper();
    let words: Vec<&str> = wrapper.iter().flatten().map(String::as_str).collect();
    let larder = nowhere(data.path()).under(&words).start();
    let after_kill = || round(&larder, &get);
    let killed = if wrapper.is_some() {
        apart::inside(larder.pid(), after_kill)
    } else {
        after_kill()
    };
    for told in [&warm, &offline, &killed] {
        assert_eq!(told.packages, cold.packages, "{name}");
    }
    assert_eq!(
        (offline.asked, killed.asked),
        (0, 0),
        "{name}: requests to the upstream while offline"
    );
    let place = if wrapper.is_some() {
        "in a network of its own"
    } else {
        "no network of its own can be made here"
    };
    println!(
        "{name}: {} packages; cold {:.1} s ({} requests upstream), warm {:.1} s ({}), offline {:.1} s (0), \
         offline after a kill {:.1} s (0; {place})",
        cold.packages,
        cold.seconds,
        cold.asked,
        warm.seconds,
        warm.asked,
        offline.seconds,
        killed.seconds
    );
}

fn round(larder: &Larder, get: impl Fn(&Visit<'_>) -> usize) -> Told {
    let visit = Visit::new(larder);
    let (began, before) = (Instant::now(), asked(larder));
    let packages = get(&visit);
    Told {
        packages,
        seconds: began.elapsed().as_secs_f64(),
        asked: asked(larder) - before,
    }
}

/// Requests that the server has sent to upstreams.
pub(crate) fn asked(larder: &Larder) -> u64 {
    let text = larder.admin().get("/metrics").expect(200).text();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("larder_upstream_requests_total "));
    line.expect("the counter").parse().expect("number")
}

/// Whether a first start found what this machine uses; else that is said.
pub(crate) fn is_found(larder: &Larder, protocol: &str) -> bool {
    let found =
        !larder.api("GET", &format!("repositories/{protocol}/upstream"), "", 200)["upstream"]
            .is_null();
    if !found {
        skip(&format!(
            "this machine's package managers use no upstream for {protocol}"
        ));
    }
    found
}
