//! A PostgreSQL server of the test's own, durable as in production (`fsync` on).

use crate::Start;
use crate::beside::{Beside, free_port};
use crate::tools::{command, run, tool};
use rustix::process::Signal;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const USER: &str = "larder";
const PASSWORD: &str = "a-database-password";

/// A running PostgreSQL, stopped when it is dropped.
pub struct Postgres {
    server: Beside,
    programs: Programs,
    port: u16,
    folder: TempDir,
    /// Of each database the file with the keys of its servers.
    keys: TempDir,
}

/// Who runs PostgreSQL's programs: it refuses to be run by root, who lends it the user of Debian's
/// package.
struct Programs {
    initdb: PathBuf,
    postgres: PathBuf,
    psql: PathBuf,
    user: Option<(u32, u32)>,
}

impl Programs {
    fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = command(program, folder);
        command.env("PGPASSWORD", PASSWORD);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

/// The ids of Debian's user `postgres`, for root only.
fn user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let known = std::fs::read_to_string("/etc/passwd").expect("passwd");
    let line = known
        .lines()
        .find_map(|line| line.strip_prefix("postgres:"))
        .expect("the user postgres");
    let mut ids = line.split(':').skip(1).map(|id| id.parse().expect("id"));
    Some((ids.next().expect("user"), ids.next().expect("group")))
}

impl Postgres {
    /// Makes and starts one; `None`: it is not installed, and that was said.
    #[track_caller]
    pub fn start() -> Option<Self> {
        let (initdb, postgres, psql) = (tool("initdb")?, tool("postgres")?, tool("psql")?);
        let programs = Programs {
            initdb,
            postgres,
            psql,
            user: user(),
        };
        let folder = tempfile::tempdir().expect("temporary folder");
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).expect("password");
        if let Some((user, group)) = programs.user {
            for path in [folder.path(), &password] {
                chown(path, Some(user), Some(group)).expect("chown");
            }
        }
        let mut initdb = programs.command(&programs.initdb, folder.path());
        initdb.args([
            "--locale=C.UTF-8",
            "-E",
            "UTF8",
            "-A",
            "scram-sha-256",
            "-U",
            USER,
            "-D",
            "data",
        ]);
        run(initdb.arg("--pwfile=password"));
        let (server, port) = serve(&programs, folder.path(), free_port());
        Some(Self {
            server,
            programs,
            port,
            folder,
            keys: tempfile::tempdir().expect("temporary folder"),
        })
    }

    /// Makes an empty database; its URL.
    #[track_caller]
    pub fn database(&self, name: &str) -> String {
        self.tell("postgres", &format!("create database \"{name}\""));
        self.url(name)
    }

    /// With its names in this database, and the keys of all its servers.
    #[must_use]
    pub fn names_of(&self, start: Start, url: &str) -> Start {
        let name = url.rsplit('/').next().expect("a name");
        let key = self.keys.path().join(format!("{name}.key"));
        start
            .with("LARDER_DATABASE__URL", url)
            .with("LARDER_AUTH__TOKEN_KEY", key.to_str().expect("UTF-8"))
    }

    /// Runs statements in a database.
    #[track_caller]
    pub fn tell(&self, name: &str, sql: &str) {
        let mut psql = self
            .programs
            .command(&self.programs.psql, self.folder.path());
        run(psql.args([&self.url(name), "-v", "ON_ERROR_STOP=1", "-c", sql]));
    }

    fn url(&self, name: &str) -> String {
        format!(
            "postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{name}",
            self.port
        )
    }

    /// The process id of its first process.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Stops it as a crash would: nothing in memory is written down.
    pub fn crash(&mut self) {
        self.server.stop(Signal::QUIT);
    }

    /// Starts it again after a crash, on the same data and port.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.server = serve(&self.programs, self.folder.path(), self.port).0;
    }
}

#[track_caller]
fn serve(programs: &Programs, folder: &Path, port: u16) -> (Beside, u16) {
    let mut postgres = programs.command(&programs.postgres, folder);
    postgres.args(["-D", "data", "-k"]).arg(folder).args([
        "-h",
        "127.0.0.1",
        "-p",
        &port.to_string(),
    ]);
    postgres.args([
        "-c",
        "fsync=on",
        "-c",
        "synchronous_commit=on",
        "-c",
        "max_connections=200",
    ]);
    let ready = |line: &str| {
        line.contains("database system is ready to accept connections")
            .then_some(port)
    };
    Beside::start(postgres, Signal::INT, ready)
}
