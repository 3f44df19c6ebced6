//! A server to which time comes: weeks pass, and machines ask for things meanwhile.

use crate::clock::Clock;
use crate::wares::image;
use larder_tests::archive;
use larder_tests::http::read_head;
use larder_tests::{Larder, Response, Start, Upstream};
use serde_json::{Value, json};
use std::io::{BufReader, Read as _, Write as _};

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

/// What teams depend on, beside what they make, up to the minor version.
const DEPENDENCIES: [(&str, &str); 12] = [
    ("vite", "8.0"),
    ("react", "19.3"),
    ("typescript", "6.1"),
    ("vitest", "4.1"),
    ("undici", "8.2"),
    ("fastify", "6.0"),
    ("pino", "11.0"),
    ("postcss", "9.0"),
    ("rollup", "5.2"),
    ("commander", "15.0"),
    ("lodash-es", "4.18"),
    ("esbuild", "0.31"),
];
/// What pipelines and clusters fetch each time.
const FETCHED: [&str; 5] = [
    "/npm/main/date-fns",
    "/npm/main/zod",
    "/npm/main/date-fns/-/date-fns-4.1.0.tgz",
    "/npm/main/zod/-/zod-4.2.1.tgz",
    "/npm/main/@storefront%2fcheckout/-/checkout-3.2.0.tgz",
];
const PULLED: [&str; 4] = [
    "/v2/platform/gateway/manifests/2.15.0",
    "/v2/payments/ledger/manifests/4.2.1",
    "/v2/storefront/web/manifests/120",
    "/v2/hub/library/alpine/manifests/3.22",
];

/// A server with its time and an upstream.
pub(crate) struct Weeks {
    pub(crate) larder: Larder,
    pub(crate) clock: Clock,
    pub(crate) upstream: Upstream,
    /// Bytes of large layers.
    pub(crate) bytes: usize,
    passed: usize,
}

impl Weeks {
    pub(crate) fn begin(clock: Clock, bytes: usize) -> Self {
        Self {
            larder: start_at(&clock),
            clock,
            upstream: Upstream::start(),
            bytes,
            passed: 0,
        }
    }

    /// Adds a package to what the upstream has.
    pub(crate) fn offer(&self, name: &str, version: &str) {
        let upstream = &self.upstream;
        let packed = archive::tarball(name, version, "mirrored");
        let file = format!("/npm/{name}/-/{name}-{version}.tgz");
        let url = format!("{}{}", upstream.url(), &file[1..]);
        let dist = json!({"tarball": url, "shasum": "", "integrity": integrity(&packed)});
        let versions = json!({version: {"name": name, "version": version, "dist": dist}});
        let packument =
            json!({"name": name, "dist-tags": {"latest": version}, "versions": versions});
        upstream.put(&format!("/npm/{name}"), packument.to_string());
        upstream.put(&file, packed);
    }

    /// So many hours pass, where time does: what was asked for before is of its own hours.
    pub(crate) fn pass(&mut self, hours: u64) {
        if !self.clock.turns() {
            return;
        }
        self.clock.turn(hours);
        // What was counted is written when it stops.
        assert_eq!(self.larder.stop(), Some(0));
        self.larder.start_again();
        let admin = self.larder.admin();
        let busy = 8 + (self.passed * 5) % 13;
        for path in FETCHED.iter().chain(&PULLED) {
            for _ in 0..busy {
                admin.get(path);
            }
        }
        // What is behind one mirror has never answered.
        admin.get("/pypi/upstream/simple/requests/");
        // Each time some of what teams depend on has a new version.
        let known = DEPENDENCIES.len().min(1 + self.passed / 2);
        for (name, major) in DEPENDENCIES
            .iter()
            .take(known)
            .skip(self.passed % 3)
            .step_by(3)
        {
            let version = format!("{major}.{}", self.passed);
            self.offer(name, &version);
            self.fetch(name, &version);
        }
        self.build_nightly();
        if self.passed.is_multiple_of(5) {
            end(&self.larder, &self.larder.api("POST", "gc/runs", "{}", 202));
        }
        if self.passed.is_multiple_of(3) {
            let count = self.larder.api("POST", "stats/usage/runs", "{}", 202);
            end(&self.larder, &count);
        }
        self.passed += 1;
    }

    /// Fetches a package through the mirror.
    pub(crate) fn fetch(&self, name: &str, version: &str) {
        let admin = self.larder.admin();
        done(&admin.get(&format!("/npm/main/{name}")));
        let file = name.rsplit('/').next().unwrap_or(name);
        let path = format!("/npm/main/{name}/-/{file}-{version}.tgz");
        done(&admin.get(&path));
    }

    /// A build that nobody keeps for long: the one before goes, with its image.
    fn build_nightly(&self) {
        let admin = self.larder.admin();
        let build = |number: usize| {
            let tag = format!("nightly-{number}");
            (image("web", &tag, "amd64", self.bytes), tag)
        };
        let (new, tag) = build(self.passed);
        new.push(&admin, "storefront/web", &tag);
        if let Some(before) = self.passed.checked_sub(1) {
            let (image, _) = build(before);
            let path = format!("/v2/storefront/web/manifests/{}", image.digest);
            admin.send("DELETE", &path, &[], b"").expect(202);
        }
    }
}

fn integrity(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let digest = larder_model::Digest::of(larder_model::Algorithm::Sha512, bytes);
    format!(
        "sha512-{}",
        base64::engine::general_purpose::STANDARD.encode(digest.bytes())
    )
}
