//! Places where servers are, and the program that is run there.

use larder_tests::tools::command;
use larder_tests::{Bucket, Larder, Postgres, Start};
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

/// The built binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_larder");

/// A data folder, and where else a server there keeps what it has.
pub(crate) struct Place {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    /// SQLite and a folder.
    pub(crate) fn folder() -> Self {
        Self {
            folder: tempfile::tempdir().expect("folder"),
            environment: Vec::new(),
        }
    }

    /// A database of its own in PostgreSQL, and a part of its own of a bucket.
    pub(crate) fn remote(postgres: &Postgres, s3: &Bucket, name: &str) -> Self {
        let place = Self::folder()
            .with("LARDER_DATABASE__URL", &postgres.database(name))
            .with("LARDER_STORAGE__PREFIX", name);
        let with = |place: Self, (name, value): (&str, String)| place.with(name, &value);
        s3.settings().into_iter().fold(place, with)
    }

    /// With an environment variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The URL of its database in PostgreSQL.
    pub(crate) fn database_url(&self) -> String {
        let mut environment = self.environment.iter();
        let found = environment.find(|(name, _)| name == "LARDER_DATABASE__URL");
        found.expect("a database elsewhere").1.clone()
    }

    /// A file beside the data folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A server here, not yet started.
    pub(crate) fn server(&self) -> Start {
        let start = Start::of(BINARY).in_folder(self.data());
        let with = |start: Start, (name, value): &(String, String)| start.with(name, value);
        self.environment.iter().fold(start, with)
    }

    /// Runs the program here.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        let mut larder = command(Path::new(BINARY), self.folder.path());
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        larder.args(words).envs(environment);
        Ran::of(&larder.output().expect("larder"))
    }

    /// Restores a backup here.
    pub(crate) fn restore(&self, file: &Path, more: &[&str]) -> Ran {
        let (file, data) = (file.to_string_lossy(), self.data());
        let data = data.to_string_lossy();
        let words = [&["restore", &*file, "--data", &*data], more].concat();
        self.run(&words)
    }

    /// Runs a command of a client of that server, with a superuser's token.
    pub(crate) fn asks(&self, larder: &Larder, token: &str, words: &[&str]) -> Ran {
        let server = ["--server", larder.url(), "--token", token];
        self.run(&[words, &server].concat())
    }

    /// Has a server make a backup of itself, with or without blobs; the file.
    #[track_caller]
    pub(crate) fn backup(&self, larder: &Larder, name: &str, blobs: &str) -> PathBuf {
        let (file, token) = (self.file(name), larder.token_of("admin"));
        let shown = file.to_string_lossy();
        let words = ["backup", &*shown, "--blobs", blobs];
        self.asks(larder, &token, &words).ends(0);
        file
    }
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails unless it ended so.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Fails unless it says this.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.err.contains(text) || self.out.contains(text),
            "{self:?}"
        );
        self
    }
}
