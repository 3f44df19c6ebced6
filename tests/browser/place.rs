//! A server as a company would have it: three teams, what they push and publish, what they mirror, who
//! they are, what they let go, and what went wrong lately. All of it comes by the API and by what
//! clients send.

use crate::clock::Clock;
use larder_tests::archive;
use larder_tests::http::read_head;
use larder_tests::image::{INDEX, MANIFEST, put_manifest};
use larder_tests::larder::PASSWORD;
use larder_tests::parcel::publish;
use larder_tests::random::Random;
use larder_tests::{Client, Fault, Image, Larder, Response, Start, Upstream, Window};
use serde_json::{Value, json};
use std::io::{BufReader, Read as _, Write as _};
use std::path::PathBuf;

/// Who looks: a superuser.
pub(crate) const WHO: &str = "mei";
/// Where an npm mirror asks whether its upstream is there.
pub(crate) const PROBE: &str = "/npm/-/ping";

/// A server with things in it.
pub(crate) struct Place {
    pub(crate) larder: Larder,
    pub(crate) upstream: Upstream,
    /// Its time.
    pub(crate) clock: Clock,
    /// A hosted image in one version, by its digest.
    pub(crate) digest: String,
    /// What a scrub found damaged.
    pub(crate) damaged: String,
    /// A dry run of the collector that has ended.
    pub(crate) job: String,
    /// What was deleted and can be restored: its id.
    pub(crate) trash: String,
    pub(crate) backup: String,
    pub(crate) token: String,
    pub(crate) grant: String,
    /// Something that a rule refused.
    pub(crate) why: String,
}

/// Starts a server that takes as many requests as there are.
pub(crate) fn start() -> Larder {
    start_at(&Clock::new(false))
}

fn start_at(clock: &Clock) -> Larder {
    let clock = clock.path();
    let larder = Start::of(env!("CARGO_BIN_EXE_larder"))
        .with("LARDER_SERVER__LIMITS__API_REQUESTS_PER_SECOND", "0")
        .with("LARDER_TEST_CLOCK", clock)
        .start();
    larder.disable_schedules();
    larder
}

/// Says that an answer is one of success.
#[track_caller]
pub(crate) fn done(answer: &Response) {
    assert!(
        matches!(answer.status, 200..=299),
        "{} {}",
        answer.status,
        answer.text()
    );
}

/// Follows a job to its end; what it is then.
#[track_caller]
pub(crate) fn end(larder: &Larder, job: &Value) -> Value {
    let id = job["id"].as_str().expect("id");
    let path = format!("/api/v1/jobs/{id}/events");
    let mut stream = larder.admin().connect().expect("connect");
    let head = larder.admin().head("GET", &path, &[], None);
    stream.write_all(&head).expect("request");
    let mut stream = BufReader::new(stream);
    read_head(&mut stream).expect("answer").expect(200);
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("events");
    larder.api("GET", &format!("jobs/{id}"), "", 200)
}

/// The steps by which a service's image is made.
fn history(service: &str) -> Value {
    let step = |at: &str, by: &str| json!({"created": format!("2026-11-{at}Z"), "created_by": by});
    let mut user = step("27T09:12:44", "USER 10001");
    user["empty_layer"] = true.into();
    let tools = "RUN apt-get install -y --no-install-recommends ca-certificates tzdata";
    let copy = format!("COPY target/release/{service} /usr/bin/ # buildkit");
    json!([
        step("02T06:00:00", "ADD rootfs.tar.zst / # buildkit"),
        step("27T09:11:58", tools),
        step("27T09:12:44", &copy),
        user,
    ])
}

/// An image of a service as builders make them; `bytes`: of its largest layer.
pub(crate) fn image(service: &str, version: &str, architecture: &str, bytes: usize) -> Image {
    let word = format!("{service} {version} {architecture}");
    let seed = word
        .bytes()
        .fold(7_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
    let mut random = Random::new(seed);
    let mut base = Random::new(1);
    let labels = json!({
        "org.opencontainers.image.source": format!("https://git.acme.example/{service}"),
        "org.opencontainers.image.version": version,
    });
    let config = json!({
        "architecture": architecture, "os": "linux", "created": "2026-11-27T09:12:44Z",
        "author": "Acme Build <build@acme.example>",
        "config": {
            "User": "10001", "Entrypoint": [format!("/usr/bin/{service}")], "Cmd": ["serve"],
            "WorkingDir": "/srv", "ExposedPorts": {"8443/tcp": {}}, "Labels": labels,
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", format!("SERVICE_VERSION={version}"), "TZ=UTC"],
        },
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": history(service),
    });
    let layers = vec![
        base.bytes(bytes),
        base.bytes(bytes / 6),
        random.bytes(bytes / 3),
    ];
    let annotations = json!({"annotations": {
        "org.opencontainers.image.revision": format!("{:016x}", random.number()),
        "org.opencontainers.image.vendor": "Acme",
    }});
    Image::of(config.to_string().into_bytes(), layers, &annotations)
}

fn descriptor(image: &Image) -> Value {
    json!({"mediaType": MANIFEST, "digest": image.digest.to_string(), "size": image.manifest.len()})
}

/// Pushes a service for two platforms, signed and with a list of what is in it.
fn push_for_all(client: &Client, name: &str, version: &str, bytes: usize) {
    let service = name.rsplit('/').next().unwrap_or(name);
    let one = |architecture: &str, bytes: usize| {
        let image = image(service, version, architecture, bytes);
        image.push(client, name, &image.digest.to_string());
        let mut part = descriptor(&image);
        part["platform"] = json!({"os": "linux", "architecture": architecture});
        (image, part)
    };
    let (first, amd) = one("amd64", bytes);
    let (_, arm) = one("arm64", bytes - bytes / 9);
    let index =
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [amd, arm]}).to_string();
    put_manifest(client, name, version, INDEX, index.as_bytes()).expect(201);
    let about = |kind: &str, text: &[u8]| {
        let extra = json!({"subject": descriptor(&first), "artifactType": kind});
        let image = Image::of(b"{}".to_vec(), vec![text.to_vec()], &extra);
        image.push(client, name, &image.digest.to_string());
    };
    about(
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        b"{\"signature\":true}",
    );
    about("application/spdx+json", b"{\"spdxVersion\":\"SPDX-2.3\"}");
}

fn images(larder: &Larder, clock: &Clock, bytes: usize) {
    let admin = larder.admin();
    for (name, about) in [
        (
            "platform",
            "Gateway, scheduler and what all services stand on",
        ),
        (
            "payments",
            "Ledger and fraud scoring; releases need two approvals",
        ),
        ("storefront", "What customers see"),
    ] {
        let repo = json!({"protocol": "oci", "name": name, "description": about});
        larder.api("POST", "repositories", &repo.to_string(), 201);
    }
    for version in ["2.13.4", "2.14.0", "2.14.1", "2.15.0"] {
        push_for_all(&admin, "platform/gateway", version, bytes);
        clock.turn(7 * 24);
    }
    for (name, versions) in [
        ("platform/scheduler", &["1.8.3", "1.9.0"][..]),
        (
            "payments/ledger",
            &["4.1.9", "4.2.0", "4.2.1", "4.3.0-rc.1"],
        ),
        ("payments/fraud-scoring", &["2026.11.1"]),
        ("storefront/web", &["118", "119", "120"]),
        ("storefront/search", &["0.31.0"]),
    ] {
        let service = name.rsplit('/').next().unwrap_or(name);
        for version in versions {
            image(service, version, "amd64", bytes).push(&admin, name, version);
            clock.turn(31);
        }
    }
}

fn packages(larder: &Larder, clock: &Clock, bytes: usize) {
    let admin = larder.admin();
    let mut random = Random::new(3);
    for (protocol, name, versions) in [
        ("cargo", "ledger-core", &["0.9.0", "0.9.1", "1.0.0"][..]),
        ("cargo", "service-config", &["0.4.2"]),
        (
            "npm",
            "@storefront/checkout",
            &["3.1.0", "3.1.1", "3.2.0", "4.0.0-beta.1"],
        ),
        ("npm", "@storefront/design-tokens", &["1.12.0"]),
        ("pypi", "fraud-features", &["2026.10.0", "2026.11.0"]),
    ] {
        for version in versions {
            let bytes = random.bytes(bytes / 8);
            done(&publish(&admin, protocol, name, version, &bytes));
            clock.turn(17);
        }
    }
}

/// A mirror of packages and one of images, both of which were asked, and one whose upstream is gone.
fn mirrors(larder: &Larder, bytes: usize) -> Upstream {
    let upstream = Upstream::start();
    let admin = larder.admin();
    let settings = |url: String| json!({"upstream": {"url": url, "allow_private": true}});
    let npm = settings(format!("{}npm/", upstream.url())).to_string();
    larder.api("PATCH", "repositories/npm/upstream", &npm, 200);
    upstream.put(PROBE, "{}");
    for (name, version) in [("date-fns", "4.1.0"), ("zod", "4.2.1")] {
        let packed = archive::tarball(name, version, "mirrored");
        let file = format!("/npm/{name}/-/{name}-{version}.tgz");
        let sum = larder_tests::image::digest(&packed);
        let url = format!("{}{}", upstream.url(), &file[1..]);
        let dist = json!({"tarball": url, "shasum": "", "integrity": integrity(&packed)});
        let versions = json!({version: {"name": name, "version": version, "dist": dist}});
        let packument =
            json!({"name": name, "dist-tags": {"latest": version}, "versions": versions});
        upstream.put(&format!("/npm/{name}"), packument.to_string());
        upstream.put(&file, packed);
        done(&admin.get(&format!("/npm/main/{name}")));
        done(&admin.get(&format!("/npm/main/{name}/-/{name}-{version}.tgz")));
        assert!(upstream.ever_had(&sum.to_string()));
    }
    let nowhere = settings("http://127.0.0.1:9/".to_owned()).to_string();
    larder.api("PATCH", "repositories/pypi/upstream", &nowhere, 200);
    admin.get("/pypi/upstream/simple/requests/");
    let hub = json!({"protocol": "oci", "name": "hub", "kind": "mirror", "description": "Base images",
        "upstream": {"url": upstream.url(), "allow_private": true}});
    larder.api("POST", "repositories", &hub.to_string(), 201);
    let base = image("alpine", "3.22", "amd64", bytes / 2);
    upstream.put("/v2/", "{}");
    for reference in ["3.22".to_owned(), base.digest.to_string()] {
        let path = format!("/v2/library/alpine/manifests/{reference}");
        upstream.put_with(&path, base.manifest.clone(), &[("content-type", MANIFEST)]);
    }
    for (digest, bytes) in &base.blobs {
        upstream.put(&format!("/v2/library/alpine/blobs/{digest}"), bytes.clone());
    }
    base.check(&admin, "hub/library/alpine", "3.22");
    upstream
}

fn integrity(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let digest = larder_model::Digest::of(larder_model::Algorithm::Sha512, bytes);
    format!(
        "sha512-{}",
        base64::engine::general_purpose::STANDARD.encode(digest.bytes())
    )
}

/// People, machines and what they may do; a token and a grant of it.
fn people(larder: &Larder) -> (String, String) {
    let superuser = json!({"name": WHO, "password": PASSWORD, "superuser": true});
    larder.api("POST", "users", &superuser.to_string(), 201);
    for name in ["jonas", "priya", "tomas"] {
        larder.make_user(name);
    }
    larder.api("PATCH", "users/tomas", r#"{"disabled":true}"#, 200);
    for (group, members) in [
        ("payments-team", &["priya", "jonas"][..]),
        ("platform-team", &[WHO, "jonas"]),
    ] {
        larder.api("POST", "groups", &json!({"name": group}).to_string(), 201);
        for member in members {
            larder.api(
                "PUT",
                &format!("groups/{group}/members/user:{member}"),
                "",
                204,
            );
        }
    }
    for (name, owner, about) in [
        (
            "ci-payments",
            "user:priya",
            "Builds and pushes the payments services",
        ),
        (
            "deploy-production",
            "user:jonas",
            "Pulls what the clusters run",
        ),
    ] {
        let robot = json!({"name": name, "owner": owner, "description": about});
        larder.api("POST", "robots", &robot.to_string(), 201);
    }
    larder.grant("group:platform-team", "oci/platform", "*", "maintainer");
    larder.grant("group:payments-team", "oci/payments", "*", "writer");
    larder.grant("robot:deploy-production", "oci/*", "*", "reader");
    larder.grant("authenticated", "npm/main", "*", "reader");
    let grant = larder.grant("robot:ci-payments", "cargo/local", "ledger-*", "writer");
    let headers = [("content-type", "application/json")];
    let token = json!({"name": "laptop", "expires_at": "2027-02-01T00:00:00Z"}).to_string();
    let mei = larder.user(WHO, PASSWORD);
    let made = mei.send("POST", "/api/v1/tokens", &headers, token.as_bytes());
    let made = made.expect(201).json();
    (made["id"].as_str().expect("id").to_owned(), grant)
}

fn policies(larder: &Larder) {
    let rules = json!({"rules": [{"packages": "*", "versions": "*",
        "keep": {"newest": 2, "pushed_within": "1s", "matching": ["2.15.*"]}}],
        "protect": ["latest"], "untagged_after": "7d", "trash": "7d", "enabled": true});
    larder.api(
        "PUT",
        "repositories/oci/platform/retention",
        &rules.to_string(),
        200,
    );
    let payments =
        json!({"immutable": ["*.*.*"], "quota": {"bytes": 2_000_000_000_u64, "versions": 500}});
    larder.api(
        "PATCH",
        "repositories/oci/payments",
        &payments.to_string(),
        200,
    );
    let blocked = json!({"blocked": [
        {"package": "event-stream", "reason": "versions of this package carried malware; use readable-stream"},
        {"package": "@typosquat/*", "reason": "not our scope: ours is @storefront"},
    ]});
    larder.api(
        "PATCH",
        "repositories/npm/upstream",
        &blocked.to_string(),
        200,
    );
    let shared = json!({"repositories": "oci/*", "bytes": 50_000_000_000_u64});
    larder.api("POST", "quotas", &shared.to_string(), 201);
}

/// Where an object of the store lies.
fn object(larder: &Larder, digest: &str) -> PathBuf {
    let hex = digest.strip_prefix("sha256:").expect("the usual algorithm");
    let folder = larder.data().join("storage/blobs/sha256").join(&hex[..2]);
    let files = std::fs::read_dir(folder).expect("folder");
    let mut paths = files.map(|file| file.expect("file").path());
    paths
        .find(|path| path.to_string_lossy().contains(hex))
        .expect("an object")
}

/// The id of the first item of a list.
#[track_caller]
fn first(larder: &Larder, path: &str, key: &str) -> String {
    let list = larder.api("GET", path, "", 200);
    let id = list["items"][0][key].as_str();
    id.unwrap_or_else(|| panic!("{path}: {list}")).to_owned()
}

impl Place {
    /// Fills a server; `bytes`: of large layers, at least some hundred thousand.
    pub(crate) fn fill(bytes: usize) -> Self {
        Self::fill_by(Clock::new(false), bytes)
    }

    /// The same as if it had taken weeks.
    pub(crate) fn fill_over_weeks(bytes: usize) -> Self {
        Self::fill_by(Clock::new(true), bytes)
    }

    fn fill_by(clock: Clock, bytes: usize) -> Self {
        let larder = start_at(&clock);
        images(&larder, &clock, bytes);
        packages(&larder, &clock, bytes);
        let upstream = mirrors(&larder, bytes);
        let (token, grant) = people(&larder);
        policies(&larder);
        let digest = image("ledger", "4.2.1", "amd64", bytes).digest.to_string();
        let admin = larder.admin();
        // What people tried and may not do.
        let priya = larder.user("priya", PASSWORD);
        priya.send("DELETE", "/v2/payments/ledger/manifests/4.2.0", &[], b"");
        larder.user("jonas", "wrong-password").get("/api/v1/whoami");
        admin.get("/npm/main/event-stream");
        admin
            .send("DELETE", "/v2/storefront/web/manifests/118", &[], b"")
            .expect(202);
        let trash = first(&larder, "repositories/oci/storefront/trash", "id");
        // A disk lets a layer change.
        let search = image("search", "0.31.0", "amd64", bytes);
        let damaged = search.blobs[3].0.to_string();
        let path = object(&larder, &damaged);
        let mut bytes = std::fs::read(&path).expect("object");
        bytes[0] ^= 1;
        std::fs::write(&path, bytes).expect("object");
        for run in [
            "scrub/runs",
            "upstream-check/runs",
            "backup/runs",
            "stats/usage/runs",
            "gc/runs",
        ] {
            clock.turn(3);
            end(&larder, &larder.api("POST", run, "{}", 202));
        }
        clock.turn(5);
        let job = larder.api("POST", "gc/runs", r#"{"dry_run":true,"grace":"0s"}"#, 202);
        end(&larder, &job);
        Self {
            digest,
            clock,
            job: job["id"].as_str().expect("id").to_owned(),
            backup: first(&larder, "backups", "name"),
            why: first(&larder, "denied?rule=block", "id"),
            larder,
            upstream,
            damaged,
            trash,
            token,
            grant,
        }
    }

    /// Lets a job run until [`Self::let_go`]: its id.
    pub(crate) fn hold_job(&self) -> String {
        self.upstream.fail(PROBE, Fault::Silent);
        let asked = self.upstream.count(PROBE);
        let job = self.larder.api("POST", "upstream-check/runs", "{}", 202);
        self.upstream.await_count(PROBE, asked + 1);
        job["id"].as_str().expect("id").to_owned()
    }

    /// Lets the job go on.
    pub(crate) fn let_go(&self) {
        self.upstream.heal();
        self.upstream.release();
    }

    /// The address of a page.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.larder.url())
    }

    /// Signs in by the form.
    #[track_caller]
    pub(crate) fn sign_in(&self, window: &Window) {
        window.go(&self.at("/login"));
        window.fill("input[name=username]", WHO);
        window.fill("input[name=password]", PASSWORD);
        window.follow("main button");
        assert_eq!(window.url(), self.at("/"));
    }
}
