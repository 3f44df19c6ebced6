//! S3 servers of the test's own: one that keeps files, one that keeps all in memory.

use crate::beside::Beside;
use crate::tools::{command, tool};
use crate::{Client, Start};
use rustix::process::Signal;
use std::path::PathBuf;
use tempfile::TempDir;

/// The bucket that is there.
pub const BUCKET: &str = "larder";
/// The id of the access key.
pub const KEY: &str = "larder-test";
/// The access key.
pub const SECRET: &str = "larder-test-secret";

/// A running S3 server with a bucket, stopped when it is dropped.
pub struct S3 {
    _server: Beside,
    url: String,
    folder: TempDir,
}

impl S3 {
    /// Starts `s3s-fs`, which keeps objects as files and checks signatures. `None`: it is not
    /// installed, and that was said.
    #[track_caller]
    pub fn files() -> Option<Self> {
        let program = tool("s3s-fs")?;
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("bucket");
        let mut server = command(&program, folder.path());
        server.env("RUST_LOG", "s3s_fs=info").env("NO_COLOR", "1");
        server.args([
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--access-key",
            KEY,
            "--secret-key",
            SECRET,
            ".",
        ]);
        let ready = |line: &str| {
            line.split_once("server is running at ")
                .map(|(_, url)| url.trim().to_owned())
        };
        let (server, url) = Beside::start(server, Signal::KILL, ready);
        Some(Self {
            _server: server,
            url,
            folder,
        })
    }

    /// Starts `moto`, which follows the real service closely and keeps all in memory. `None` as
    /// above.
    #[track_caller]
    pub fn memory() -> Option<Self> {
        let program = tool("moto_server")?;
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut server = command(&program, folder.path());
        server
            .args(["-H", "127.0.0.1", "-p", "0"])
            .env("PYTHONUNBUFFERED", "1");
        let ready = |line: &str| {
            line.split_once("Running on ")
                .map(|(_, url)| url.trim().to_owned())
        };
        let (server, url) = Beside::start(server, Signal::KILL, ready);
        let address = url.trim_start_matches("http://").parse().expect("address");
        Client::anonymous(address)
            .send("PUT", &format!("/{BUCKET}"), &[], b"")
            .expect(200);
        Some(Self {
            _server: server,
            url,
            folder,
        })
    }

    /// Where it listens: `http://127.0.0.1:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder in which [`S3::files`] keeps the bucket's objects by their keys.
    pub fn objects(&self) -> PathBuf {
        self.folder.path().join(BUCKET)
    }

    /// A server under test that keeps its blobs here.
    #[must_use]
    pub fn holds_blobs_of(&self, start: Start) -> Start {
        let settings = [
            ("KIND", "s3"),
            ("BUCKET", BUCKET),
            ("ENDPOINT", &self.url),
            ("ALLOW_HTTP", "true"),
            ("ACCESS_KEY_ID", KEY),
            ("SECRET_ACCESS_KEY", SECRET),
        ];
        settings.into_iter().fold(start, |start, (name, value)| {
            start.with(&format!("LARDER_STORAGE__{name}"), value)
        })
    }
}
