//! The real API over a database in a temporary folder, asked through the one door.

mod describe;

mod audit;
mod backups;
mod bodies;
mod collection;
mod conditions;
mod connect;
mod deletions;
mod denied;
mod document;
mod heads;
mod idempotency;
mod images;
mod jobs;
mod logins;
mod matrix;
mod mirrors;
mod moves;
mod packages;
mod callers;
mod certificates;
mod people;
mod accounts;
mod places;
mod proofs;
mod quotas;
mod rates;
mod retention;
mod recording;
mod search;
mod sessions;
mod session_ends;
mod signing;
mod statistics;

use crate::{Api, ApiLimits, CollectorWaits};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName};
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::BodyExt as _;
use larder_access::{Gate, Rate, Settings, TokenScope, scopes_to_json};
use larder_content::ContentStore;
use larder_door::{ClientView, Incoming};
use larder_jobs::{Ended, JobContext, Jobs, Pace, Work, WorkError, Works};
use larder_keys::secret::Secret;
use larder_metadata::Metadata;
use larder_metadata::blobs::NewBlob;
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::PackageKey;
use larder_metadata::grants::Grant;
use larder_metadata::publishing::{PackageChange, Step};
use larder_metadata::repos::NewRepo;
use larder_metadata::tokens::Token;
use larder_metadata::users::NewUser;
use larder_model::{
    Algorithm, Author, Clock, Digest, FileKind, JobKind, Limit, Permission, Problem, ProtocolName,
    RepoSettings, Role, System, Timestamp, TokenKind,
};
use larder_storage::BlobStore;
use recording::RecordingEngine;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// What `house` gives every user as password.
const PASSWORD: &str = "a good password";

/// Where callers see the server.
const ORIGIN: &str = "https://larder.example";

/// An API with its parts.
struct House {
    api: Api,
    gate: Arc<Gate>,
    metadata: Metadata,
    engine: Arc<RecordingEngine>,
    jobs: Jobs,
    content: ContentStore,
    hash: String,
    _folder: TempDir,
}

/// How a caller shows who it is; empty: not at all.
type Header = String;

fn clock() -> Clock {
    Clock::new(|| {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(0))
    })
}

/// A house with the superuser `admin`.
async fn house() -> House {
    house_of(clock(), UNLIMITED).await
}

/// No limit of requests.
const UNLIMITED: Rate = Rate {
    per_second: 0,
    burst: 1,
};

/// A house whose time is told by `clock`, and which takes requests at a rate.
async fn house_of(clock: Clock, rate: Rate) -> House {
    let folder = tempfile::tempdir().expect("folder");
    let metadata = Metadata::sqlite(&folder.path().join("larder.db"), 2, clock)
        .await
        .expect("database");
    let settings = Settings {
        keys: larder_keys::KeyRing::of([1; 32]),
        anonymous: true,
        token_life: Duration::from_hours(1),
        offline_token_life: Duration::from_hours(1),
        password_memory: 64 * 1024,
        login_attempts: 10,
        header_bytes: 64 * 1024,
    };
    let gate = Arc::new(Gate::new(metadata.clone(), settings).await.expect("gate"));
    let hash = gate.hash_password(PASSWORD).await.expect("hash");
    let limits = ApiLimits {
        json: Limit::fixed(64 * 1024),
        rate,
    };
    let npm = |kind| (ProtocolName("npm"), kind);
    let creatable = vec![
        (ProtocolName("oci"), "hosted"),
        npm("mirror"),
        npm("group"),
        (ProtocolName("rpm"), "hosted"),
    ];
    let engine = Arc::new(RecordingEngine::default());
    drop(engine.metadata.set(metadata.clone()));
    let cron = "0 6 * * *".parse().expect("cron");
    let works = Works::default().with(JobKind::UpstreamCheck, cron, Idle);
    let jobs = Jobs::new(metadata.clone(), works, Pace::default());
    let api = Api::new(
        metadata.clone(),
        Arc::clone(&gate),
        Arc::clone(&engine) as _,
        jobs.clone(),
        CollectorWaits {
            every: None,
            grace: Duration::from_hours(24),
            told: Duration::from_hours(24),
        },
        limits,
        creatable,
    );
    let blobs = BlobStore::local(&folder.path().join("blobs")).expect("store");
    let content = ContentStore::new(metadata.clone(), blobs);
    let house = House {
        api,
        gate,
        metadata,
        engine,
        jobs,
        content,
        hash,
        _folder: folder,
    };
    house.user("admin", true).await;
    house
}

/// Work that is done at once.
struct Idle;

#[async_trait]
impl Work for Idle {
    async fn run(&self, _: &JobContext) -> Result<Ended, WorkError> {
        Ok(Ended::Done(json!({})))
    }
}

/// Publishes what tests need.
#[derive(Debug)]
struct Admin;

impl Author for Admin {
    fn label(&self) -> &'static str {
        "user:admin"
    }
}

/// What a file is by the folder that a test gives it.
fn kind_of(path: &str) -> (FileKind, &str) {
    match path.split_once('/') {
        Some(("tags", tag)) => (FileKind::Tag, tag),
        Some(("manifests", digest)) => (FileKind::Manifest, digest),
        Some(("gone", version)) => (FileKind::Tombstone, version),
        None if path == "packument" => (FileKind::Document, path),
        _ => (FileKind::Artifact, path),
    }
}

/// A blob whose bytes are its path.
fn blob(path: &str) -> NewBlob {
    let digest = Digest::of(Algorithm::Sha256, path.as_bytes());
    NewBlob::inline(digest, path.as_bytes().to_vec().into())
}

impl House {
    /// Makes a user and returns how it shows itself.
    async fn user(&self, name: &str, superuser: bool) -> Header {
        let parsed = name.parse().expect("name");
        let hash = Some(self.hash.clone());
        self.metadata
            .add_user(
                NewUser {
                    name: &parsed,
                    password: hash,
                    superuser,
                    disabled: false,
                },
                &Admin,
            )
            .await
            .expect("user");
        self.gate.refresh().await.expect("refresh");
        basic(name, PASSWORD)
    }

    /// Makes a grant and returns its id.
    async fn admission(&self, subject: &str, repository: &str, role: Role) -> i64 {
        let row = Grant {
            id: self.metadata.new_id(),
            subject: subject.into(),
            repository: repository.parse().expect("pattern"),
            package: "*".parse().expect("pattern"),
            refs: None,
            role,
            created_at: self.metadata.now(),
            created_by: "user:admin".into(),
            networks: Vec::new(),
        };
        self.metadata.add_grant(&row, &Admin).await.expect("grant");
        self.gate.refresh().await.expect("refresh");
        row.id
    }

    /// Makes a token and returns its id and how it is shown.
    async fn token(&self, owner: &str, limit: Option<(&str, Role)>) -> (i64, Header) {
        let secret = Secret::token().expect("secret");
        let limit = limit.map(|(repository, role)| {
            TokenScope::of_role(
                repository.parse().expect("pattern"),
                "*".parse().expect("pattern"),
                role,
            )
        });
        let token = Token {
            id: self.metadata.new_id(),
            owner: self.account(owner).await.id,
            name: "test".into(),
            kind: TokenKind::Access,
            grants: limit.map(|limit| scopes_to_json(&[limit]).into()),
            created_at: self.metadata.now(),
            expires_at: None,
            last_used_at: Timestamp(0),
            last_used_from: "".into(),
        };
        self.metadata
            .add_token(&token, &secret.hash(), &Admin)
            .await
            .expect("token");
        (token.id, format!("Bearer {}", secret.expose()))
    }

    async fn repo(&self, name: &str) {
        self.make(&format!("oci/{name}"), "hosted", "{}").await;
    }

    /// Makes a repository of any kind. Of a group `settings` holds the names of its members.
    async fn make(&self, path: &str, kind: &str, settings: &str) {
        let (protocol, name) = path.split_once('/').expect("path");
        let protocol: ProtocolName = protocol.parse().expect("protocol");
        let mut settings: Value = serde_json::from_str(settings).expect("settings");
        let names = settings
            .as_object_mut()
            .and_then(|settings| settings.remove("members"));
        let id = |name: &Value| self.id_of(&format!("{protocol}/{}", name.as_str().expect("name")));
        let members: Vec<i64> = names
            .iter()
            .flat_map(|names| names.as_array().expect("names"))
            .map(id)
            .collect();
        let new = NewRepo {
            protocol,
            name: &name.parse().expect("name"),
            kind: kind.parse().expect("kind"),
            description: "",
            settings: &RepoSettings::read(&settings.to_string()).expect("settings"),
            members: &members,
        };
        let made = self.metadata.add_repo(new, &Admin).await;
        made.expect("repo");
        self.gate.refresh().await.expect("refresh");
    }

    fn id_of(&self, path: &str) -> i64 {
        let (protocol, name) = path.split_once('/').expect("path");
        let policy = self.gate.policy();
        policy
            .repo(
                protocol.parse().expect("protocol"),
                &name.parse().expect("name"),
            )
            .expect("repo")
            .id
    }

    /// Keeps files of a package, as a mirror does: paths and versions.
    async fn keep(&self, path: &str, package: &str, files: &[(&'static str, &'static str)]) {
        let file = |(path, version): &(&'static str, &'static str)| NewFile {
            version,
            ..{
                let (kind, key) = kind_of(path);
                NewFile::new(kind, key, blob(path), "text/plain")
            }
        };
        let place = PackageKey {
            repo: self.id_of(path),
            package,
        };
        let name = format!("{path}/{package}");
        let files = files.iter().map(file).collect();
        let new = NewFiles {
            package: place,
            full_name: Some(&name),
            by: System::Upstream,
            at: self.metadata.now(),
            files,
            gone: Vec::new(),
            named: Vec::new(),
            retired: Vec::new(),
        };
        self.metadata.keep_files(new).await.expect("keep");
    }

    /// Publishes versions of a package: paths, versions and facts.
    async fn publish(&self, path: &str, package: &str, files: &[(&str, &str, &str)]) {
        let step = |(path, version, metadata): &(&str, &str, &str)| Step::Add {
            kind: kind_of(path).0,
            path: kind_of(path).1.to_owned(),
            version: (*version).to_owned(),
            blob: blob(path),
            content_type: "text/plain",
            metadata: (*metadata).to_owned(),
        };
        let place = PackageKey {
            repo: self.id_of(path),
            package,
        };
        let name = format!("{path}/{package}");
        let revision = self.metadata.revision(place).await.expect("revision");
        let steps = files.iter().map(step).collect();
        self.metadata
            .change_package(PackageChange {
                package: place,
                full_name: &name,
                revision,
                by: &Admin,
                steps,
                reason: "",
                held: None,
                replaces: false,
            })
            .await
            .expect("publish");
    }

    /// Makes a call: its status and JSON. What is answered must stand in the document.
    async fn ask(&self, who: &Header, method: &str, target: &str, body: &str) -> (u16, Value) {
        let answer = self.pass(who, method, target, body).await;
        (answer.status, answer.json())
    }

    /// The same with all of the answer.
    async fn pass(&self, who: &Header, method: &str, target: &str, body: &str) -> Answer {
        self.with(&[], who, method, target, body).await
    }

    /// The same with more headers.
    async fn with(
        &self,
        more: &[(HeaderName, &str)],
        who: &Header,
        method: &str,
        target: &str,
        body: &str,
    ) -> Answer {
        let mut headers = HeaderMap::new();
        for (name, value) in more {
            headers.append(name, HeaderValue::try_from(*value).expect("header"));
        }
        if !who.is_empty() {
            headers.insert(AUTHORIZATION, HeaderValue::try_from(who).expect("header"));
        }
        if matches!(method, "POST" | "PUT" | "PATCH") {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let target = format!("/api/v1{target}");
        let answer = self.send(headers, method, &target, body.to_owned()).await;
        describe::check(method, &target, &answer);
        answer
    }

    /// What is at an address, in a media type.
    async fn accepting(&self, who: &Header, target: &str, media_type: &'static str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::try_from(who).expect("header"));
        headers.insert(ACCEPT, HeaderValue::from_static(media_type));
        let target = format!("/api/v1{target}");
        self.send(headers, "GET", &target, String::new()).await
    }

    /// Leads a request through the one door.
    async fn send(&self, headers: HeaderMap, method: &str, target: &str, body: String) -> Answer {
        let request = Request::builder().method(method).uri(target);
        let (mut request, ()) = request.body(()).expect("request").into_parts();
        request.headers = headers;
        let host = HeaderValue::from_static("larder.example");
        request.headers.entry(HOST).or_insert(host);
        let client = ClientView {
            base: ORIGIN.into(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            request_id: "".into(),
            unheard: false,
        };
        let body = Incoming::ready(body.into());
        let opened = larder_door::open(
            &self.api,
            &self.gate,
            &self.content,
            request,
            body,
            &client,
            None,
        )
        .await;
        let (head, body) = opened.response.into_parts();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await.expect("body").to_bytes(),
            problem: opened.problem,
            permissions: opened.permissions,
        }
    }
}

/// An answer, and what the door tells the log.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    problem: Option<Problem>,
    permissions: Vec<Permission>,
}

impl Answer {
    fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The code of the problem that it tells of; empty: none.
    fn code(&self) -> String {
        let is_problem = self.header("content-type") == "application/problem+json";
        let code = is_problem.then(|| self.json()["code"].as_str().map(str::to_owned));
        code.flatten().unwrap_or_default()
    }

    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.unwrap_or(Ok("")).expect("text")
    }
}

fn basic(name: &str, password: &str) -> Header {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}
