//! A server with the repos `git/own` (hosted), `git/up` (a mirror) and `git/all` (a group of both), its
//! upstream, and someone with the git program.

use larder_tests::gits::{Gits, git};
use larder_tests::larder::PASSWORD;
use larder_tests::tools::{fails, run};
use larder_tests::{Larder, Start, Upstream, tool};
use serde_json::{Value, json};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// More seconds than a mirror waits with what it has, also in the background.
pub(crate) const STALE: u64 = 2000;

pub(crate) struct Bed {
    pub(crate) larder: Larder,
    pub(crate) upstream: Upstream,
    pub(crate) gits: Gits,
    program: PathBuf,
    home: TempDir,
    clock: tempfile::NamedTempFile,
    turned: Cell<u64>,
    rests: Cell<u64>,
}

impl Bed {
    /// `None`: there is no git here.
    pub(crate) fn new() -> Option<Self> {
        let bed = Self::without_mirror()?;
        bed.make(
            "up",
            "mirror",
            &json!({"upstream": {"url": Gits::url(&bed.upstream), "allow_private": true}}),
        );
        bed.make("all", "group", &json!({"members": ["own", "up"]}));
        Some(bed)
    }

    /// With the hosted repo alone.
    pub(crate) fn without_mirror() -> Option<Self> {
        let bed = Self::first_start()?;
        bed.larder.grant("anonymous", "*", "*", "reader");
        bed.make("own", "hosted", &json!({}));
        Some(bed)
    }

    /// With what a first start makes, and nothing else.
    pub(crate) fn first_start() -> Option<Self> {
        let program = tool("git")?;
        let upstream = Upstream::start();
        let clock = tempfile::NamedTempFile::new().expect("clock");
        let larder = Start::of(env!("CARGO_BIN_EXE_larder"))
            .with("LARDER_CACHE__UPSTREAM_IDLE_TIME", "5s")
            .with("LARDER_TEST_CLOCK", &clock.path().to_string_lossy())
            .start();
        larder.disable_schedules();
        Some(Self {
            larder,
            gits: Gits::start(&upstream, &program),
            upstream,
            program,
            home: tempfile::tempdir().expect("home"),
            clock,
            turned: Cell::new(0),
            rests: Cell::new(300),
        })
    }

    /// Makes a repo.
    #[track_caller]
    pub(crate) fn make(&self, name: &str, kind: &str, settings: &Value) {
        let mut body = json!({"protocol": "git", "name": name, "kind": kind});
        let settings = settings.as_object().expect("settings").clone();
        body.as_object_mut().expect("body").extend(settings);
        self.larder
            .api("POST", "repositories", &body.to_string(), 201);
    }

    /// Changes a repo's settings.
    #[track_caller]
    pub(crate) fn change(&self, name: &str, settings: &Value) {
        let path = format!("repositories/git/{name}");
        self.larder.api("PATCH", &path, &settings.to_string(), 200);
    }

    /// The mirror forgets that its upstream failed: any change of its settings makes it anew.
    #[track_caller]
    pub(crate) fn rest(&self) {
        self.rests.set(self.rests.get() ^ 1);
        self.change("up", &json!({"fresh_seconds": self.rests.get()}));
    }

    /// Turns the server's clock on.
    pub(crate) fn turn(&self, seconds: u64) {
        self.turned.set(self.turned.get() + seconds);
        std::fs::write(self.clock.path(), self.turned.get().to_string()).expect("clock");
    }

    /// The address of a repository for anyone: `own/tool`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/git/{path}", self.larder.url())
    }

    /// The same for someone with a password.
    pub(crate) fn url_of(&self, user: &str, path: &str) -> String {
        format!("http://{user}:{PASSWORD}@{}/git/{path}", self.larder.host())
    }

    /// The git program in someone's folder.
    pub(crate) fn git(&self, at: &Path) -> Command {
        let mut git = git(&self.program, self.home.path());
        git.current_dir(at);
        git
    }

    /// Runs git in someone's folder.
    #[track_caller]
    pub(crate) fn run(&self, at: &Path, arguments: &[&str]) -> String {
        run(self.git(at).args(arguments))
    }

    /// Runs git, which fails; what it tells.
    #[track_caller]
    pub(crate) fn fails(&self, at: &Path, arguments: &[&str]) -> String {
        fails(self.git(at).args(arguments))
    }

    /// Where the person's folders are.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Clones into a folder of this name.
    #[track_caller]
    pub(crate) fn clone(&self, url: &str, name: &str, more: &[&str]) -> PathBuf {
        let arguments = [&["clone", "-q"], more, &[url, name]].concat();
        self.run(self.home(), &arguments);
        self.home().join(name)
    }

    /// A new repository of the person's with one commit.
    #[track_caller]
    pub(crate) fn work(&self, name: &str) -> PathBuf {
        self.run(self.home(), &["init", "-q", name]);
        let at = self.home().join(name);
        self.commit(&at, "a.txt", "one\n");
        at
    }

    /// Commits a file; the commit's id.
    #[track_caller]
    pub(crate) fn commit(&self, at: &Path, file: &str, text: &str) -> String {
        std::fs::write(at.join(file), text).expect("file");
        self.run(at, &["add", "-A"]);
        self.run(at, &["commit", "-q", "-m", file]);
        self.head(at)
    }

    #[track_caller]
    pub(crate) fn head(&self, at: &Path) -> String {
        self.run(at, &["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// What is told at the address that a refusal names.
    #[track_caller]
    pub(crate) fn why(&self, told: &str) -> Value {
        let (_, after) = told.split_once("/why/").expect(told);
        let id: String = after.chars().take_while(char::is_ascii_hexdigit).collect();
        self.larder.api("GET", &format!("why/{id}"), "", 200)
    }

    /// Damages what the store has of this size and above, and has that found.
    #[track_caller]
    pub(crate) fn damage(&self, least: u64) {
        let mut folders = vec![self.larder.data().join("storage/blobs")];
        let mut found = false;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("folder") {
                let path = entry.expect("entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if std::fs::metadata(&path).expect("object").len() >= least {
                    let mut bytes = std::fs::read(&path).expect("object");
                    let at = bytes.len() / 2;
                    bytes[at] = bytes[at].wrapping_add(1);
                    // Not in the folders of git, where the same file may be.
                    std::fs::remove_file(&path).expect("object");
                    std::fs::write(&path, bytes).expect("object");
                    found = true;
                }
            }
        }
        assert!(found, "no object has {least} bytes");
        let job = self.larder.api("POST", "scrub/runs", "{}", 202);
        let job = self.larder.await_job(&job);
        assert_eq!(job["state"], "succeeded", "{job}");
        assert!(job["result"]["quarantined"].as_u64() > Some(0), "{job}");
    }

    /// How often the upstream was asked for objects.
    pub(crate) fn fetches(&self) -> usize {
        let asked = self.upstream.take_asked();
        let is_fetch = |body: &[u8]| body.windows(5).any(|bytes| bytes == b"want ");
        asked.iter().filter(|asked| is_fetch(&asked.body)).count()
    }
}

/// A file's text.
#[track_caller]
pub(crate) fn text(at: &Path, file: &str) -> String {
    std::fs::read_to_string(at.join(file)).expect("file")
}
