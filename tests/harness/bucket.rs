//! Buckets at servers of the test's own: of S3, of Google Cloud Storage and of Azure Blob Storage.

use crate::beside::{Beside, free_port};
use crate::tools::{command, tool, tool_in};
use crate::{Client, Start};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use larder_model::{Algorithm, Digest};
use rustix::process::Signal;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use tempfile::TempDir;

/// The bucket that is there.
pub const BUCKET: &str = "larder";
/// The id of the access key of S3; the account of Azure.
pub const KEY: &str = "larder-test";
/// The access key of S3.
const SECRET: &str = "larder-test-secret";
/// The access key of Azure, before it is written in base64.
const AZURE_SECRET: &str = "the key of an account that is only in a test";

/// The account with which servers of GCS are asked that let everyone in.
const NO_ACCOUNT: &str =
    r#"{"disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}"#;

/// A running server with a bucket, stopped when it is dropped.
pub struct Bucket {
    _server: Beside,
    kind: &'static str,
    url: String,
    id: Option<&'static str>,
    secret: String,
    folder: TempDir,
}

impl Bucket {
    /// Starts `s3s-fs`, which keeps objects as files and checks signatures. `None`: it is not
    /// installed, and that was said.
    #[track_caller]
    pub fn s3_files() -> Option<Self> {
        let program = tool("s3s-fs")?;
        let folder = folder();
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
        let (server, url) = start(server, "server is running at ");
        Some(Self::s3(server, url, folder))
    }

    /// Starts `moto`, which follows the real service closely and keeps all in memory. `None` as
    /// above.
    #[track_caller]
    pub fn s3_memory() -> Option<Self> {
        let program = tool("moto_server")?;
        let folder = folder();
        let mut server = command(&program, folder.path());
        server
            .args(["-H", "127.0.0.1", "-p", "0"])
            .env("PYTHONUNBUFFERED", "1");
        let (server, url) = start(server, "Running on ");
        let bucket = Self::s3(server, url, folder);
        bucket.make(&format!("/{BUCKET}"), &[]);
        Some(bucket)
    }

    fn s3(server: Beside, url: String, folder: TempDir) -> Self {
        Self {
            _server: server,
            kind: "s3",
            url,
            id: Some(KEY),
            secret: SECRET.to_owned(),
            folder,
        }
    }

    /// Starts the same behind a door that lets in whom Google Cloud Storage would (`gcs.py`). `None`
    /// as above.
    #[track_caller]
    pub fn gcs() -> Option<Self> {
        let program = tool_in("moto", "python3")?;
        let folder = folder();
        std::fs::write(folder.path().join("gcs.py"), include_str!("gcs.py")).expect("program");
        let mut server = command(&program, folder.path());
        server.arg("gcs.py").env("PYTHONUNBUFFERED", "1");
        let account = Mutex::default();
        let ready = |line: &str| {
            if let Some((_, json)) = line.split_once("the account is ") {
                json.clone_into(&mut account.lock().expect("account"));
            }
            after(line, "Running on ")
        };
        let (server, url) = Beside::start(server, Signal::KILL, ready);
        let bucket = Self {
            _server: server,
            kind: "gcs",
            url,
            id: None,
            secret: account.into_inner().expect("account"),
            folder,
        };
        bucket.make(&format!("/{BUCKET}"), &[]);
        Some(bucket)
    }

    /// Starts `fake-gcs-server`, which lets everyone in, and takes objects by another protocol alone
    /// ([`Bucket::put`]). `None` as above.
    #[track_caller]
    pub fn gcs_to_read() -> Option<Self> {
        let program = tool("fake-gcs-server")?;
        let (folder, port) = (folder(), free_port().to_string());
        let mut server = command(&program, folder.path());
        server.args(["-scheme", "http", "-host", "127.0.0.1", "-port", &port]);
        server.args(["-public-host", "127.0.0.1", "-backend", "memory"]);
        let (server, _) = start(server, "server started at ");
        let bucket = Self {
            _server: server,
            kind: "gcs",
            url: format!("http://127.0.0.1:{port}"),
            id: None,
            secret: NO_ACCOUNT.to_owned(),
            folder,
        };
        let named = format!("{{\"name\":\"{BUCKET}\"}}");
        let json = [("content-type", "application/json")];
        let path = "/storage/v1/b?project=test";
        let made = bucket.client().send("POST", path, &json, named.as_bytes());
        made.expect_ok();
        Some(bucket)
    }

    /// Puts an object into [`Bucket::gcs_to_read`].
    pub fn put(&self, key: &str, bytes: &[u8]) {
        let path = format!("/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={key}");
        let sent = self.client().send("POST", &path, &[], bytes);
        sent.expect_ok();
    }

    /// Starts `azurite`, which checks signatures. `None` as above.
    #[track_caller]
    pub fn azure() -> Option<Self> {
        let program = tool_in("azurite", "azurite-blob")?;
        let folder = folder();
        let secret = BASE64.encode(AZURE_SECRET);
        let mut server = command(&program, folder.path());
        server
            .args(["--blobPort", "0", "--silent", "--disableTelemetry"])
            .env("AZURITE_ACCOUNTS", format!("{KEY}:{secret}"));
        let (server, url) = start(server, "successfully listens on ");
        let bucket = Self {
            _server: server,
            kind: "azure",
            url: format!("{url}/{KEY}"),
            id: Some(KEY),
            secret,
            folder,
        };
        // No header of these is compared with a clock.
        let headers = "x-ms-date:Thu, 01 Jan 2026 00:00:00 GMT\nx-ms-version:2023-11-03\n";
        let resource = format!("/{KEY}/{KEY}/{BUCKET}\nrestype:container");
        let signed = format!("PUT{}{headers}{resource}", "\n".repeat(12));
        let signature = BASE64.encode(hmac(AZURE_SECRET.as_bytes(), signed.as_bytes()));
        let authorization = format!("SharedKey {KEY}:{signature}");
        let headers: Vec<_> = headers
            .lines()
            .filter_map(|line| line.split_once(':'))
            .chain([("authorization", &*authorization)])
            .collect();
        bucket.make(&format!("/{KEY}/{BUCKET}?restype=container"), &headers);
        Some(bucket)
    }

    /// Makes the bucket.
    fn make(&self, path: &str, headers: &[(&str, &str)]) {
        let made = self.client().send("PUT", path, headers, b"");
        made.expect_ok();
    }

    /// Whoever asks its server without a name.
    pub fn client(&self) -> Client {
        let (_, rest) = self.url.split_once("://").expect("a URL");
        let address = rest.split('/').next().unwrap_or_default();
        Client::anonymous(address.parse().expect("address"))
    }

    /// The value of `storage.kind`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The address of the service: `http://127.0.0.1:port`, and the account of Azure.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The id of the access key, or the account.
    pub fn id(&self) -> Option<&'static str> {
        self.id
    }

    /// The access key.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Has it asked with another access key.
    pub fn set_secret(&mut self, secret: &str) {
        secret.clone_into(&mut self.secret);
    }

    /// The folder in which [`Bucket::s3_files`] keeps objects by their keys.
    pub fn objects(&self) -> PathBuf {
        self.folder.path().join(BUCKET)
    }

    /// The environment of a server that keeps its blobs here.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("LARDER_STORAGE__KIND", self.kind.to_owned()),
            ("LARDER_STORAGE__BUCKET", BUCKET.to_owned()),
            ("LARDER_STORAGE__ENDPOINT", self.url.clone()),
            ("LARDER_STORAGE__ALLOW_HTTP", "true".to_owned()),
            ("LARDER_STORAGE__SECRET_ACCESS_KEY", self.secret.clone()),
        ];
        settings.extend(
            self.id
                .map(|id| ("LARDER_STORAGE__ACCESS_KEY_ID", id.to_owned())),
        );
        settings
    }

    /// A server under test that keeps its blobs here.
    #[must_use]
    pub fn holds_blobs_of(&self, start: Start) -> Start {
        let with = |start: Start, (name, value): (&str, String)| start.with(name, &value);
        self.settings().into_iter().fold(start, with)
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("temporary folder")
}

/// Starts a server that says where it listens behind these words.
#[track_caller]
fn start(server: Command, words: &str) -> (Beside, String) {
    Beside::start(server, Signal::KILL, |line| after(line, words))
}

fn after(line: &str, words: &str) -> Option<String> {
    let (_, rest) = line.split_once(words)?;
    Some(rest.trim().to_owned())
}

/// HMAC with SHA-256 (RFC 2104) of a key that is no longer than a block.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let hash = |pad: u8, text: &[u8]| {
        let bytes = [&block.map(|byte| byte ^ pad), text].concat();
        Digest::of(Algorithm::Sha256, &bytes).bytes().to_vec()
    };
    hash(0x5c, &hash(0x36, text))
}
