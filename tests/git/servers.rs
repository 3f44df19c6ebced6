//! Two servers over one database and one store: each finds what the other took in and put together.

use larder_tests::gits::git;
use larder_tests::larder::PASSWORD;
use larder_tests::tools::run;
use larder_tests::{Bucket, Larder, Postgres, Start, tool};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many pushes of each writer that packs are put together more than once.
const PUSHES: usize = 20;

fn url(larder: &Larder) -> String {
    format!("http://admin:{PASSWORD}@{}/git/own/tool", larder.host())
}

/// Someone with a folder.
struct Person<'a> {
    program: &'a Path,
    home: &'a Path,
}

impl Person<'_> {
    fn git(&self, at: &Path, arguments: &[&str]) -> Command {
        let mut git = git(self.program, self.home);
        git.current_dir(at).args(arguments);
        git
    }

    #[track_caller]
    fn run(&self, at: &Path, arguments: &[&str]) -> String {
        run(&mut self.git(at, arguments))
    }

    /// Pushes commits of a branch of one's own, to one server after the other.
    fn push(&self, branch: &str, servers: &[Larder; 2]) -> Vec<String> {
        self.run(self.home, &["init", "-q", branch]);
        let at = self.home.join(branch);
        let push = |number: usize| {
            std::fs::write(at.join("a.txt"), format!("{branch} {number}\n")).expect("file");
            self.run(&at, &["add", "-A"]);
            self.run(&at, &["commit", "-q", "-m", "change"]);
            let to = format!("HEAD:refs/heads/{branch}");
            self.run(&at, &["push", "-q", &url(&servers[number % 2]), &to]);
            self.run(&at, &["rev-parse", "HEAD"]).trim().to_owned()
        };
        (0..PUSHES).map(push).collect()
    }
}

/// Writers push to both, readers clone of both, packs become few and what they were is collected meanwhile:
/// nobody is told of an error, and every commit is had of each server.
#[test]
fn packs_are_put_together_by_whichever_server() {
    let Some(program) = tool("git") else { return };
    let (Some(postgres), Some(s3)) = (Postgres::start(), Bucket::s3_files()) else {
        return;
    };
    let database = postgres.database("git");
    let start = || {
        let start = Start::of(env!("CARGO_BIN_EXE_larder"));
        s3.holds_blobs_of(postgres.names_of(start, &database))
    };
    let one = start().start();
    one.disable_schedules();
    let own = r#"{"protocol":"git","name":"own","kind":"hosted"}"#;
    one.api("POST", "repositories", own, 201);
    let servers = [one, start().start()];
    let homes = tempfile::tempdir().expect("homes");
    let person = |name: &str| {
        let home = homes.path().join(name);
        std::fs::create_dir(&home).expect("home");
        home
    };
    let writing = AtomicUsize::new(2);
    let commits: Vec<String> = std::thread::scope(|scope| {
        let writers = ["one", "two"].map(|name| {
            let (home, program, servers, writing) = (person(name), &program, &servers, &writing);
            scope.spawn(move || {
                let person = Person {
                    program,
                    home: &home,
                };
                let pushed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    person.push(name, servers)
                }));
                writing.fetch_sub(1, Ordering::SeqCst);
                pushed.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        });
        for (name, server) in ["three", "four"].into_iter().zip(&servers) {
            let (home, program, writing) = (person(name), &program, &writing);
            scope.spawn(move || {
                let person = Person {
                    program,
                    home: &home,
                };
                let has_begun = || {
                    let mut asked = person.git(&home, &["ls-remote", &url(server)]);
                    asked.output().expect("git").status.success()
                };
                while writing.load(Ordering::SeqCst) > 0 && !has_begun() {}
                while writing.load(Ordering::SeqCst) > 0 {
                    person.run(&home, &["clone", "-q", "--bare", &url(server), "at"]);
                    person.run(&home.join("at"), &["fsck", "--strict"]);
                    std::fs::remove_dir_all(home.join("at")).expect("clone");
                }
            });
        }
        scope.spawn(|| {
            while writing.load(Ordering::SeqCst) > 0 {
                servers[0].api("POST", "gc/runs", r#"{"grace":"0s"}"#, 202);
                servers[1].admin().get("/healthz").expect(200);
            }
        });
        let pushed = writers.map(|writer| writer.join().expect("writer"));
        pushed.into_iter().flatten().collect()
    });
    let home = person("five");
    let last = Person {
        program: &program,
        home: &home,
    };
    for (name, server) in ["first", "second"].into_iter().zip(&servers) {
        last.run(&home, &["clone", "-q", "--bare", &url(server), name]);
        let at = home.join(name);
        last.run(&at, &["fsck", "--strict"]);
        for commit in &commits {
            last.run(&at, &["cat-file", "-e", commit]);
        }
        let log = server.log_text();
        assert!(!log.contains("failed"), "{log}");
    }
}
