//! A server as a company would have it: three teams, what they push and publish, what they mirror, who
//! they are, what they let go, and what went wrong lately. All of it comes by the API and by what
//! clients send.

use crate::clock::Clock;
use crate::goods;
use crate::wares::image;
use crate::weeks::{Weeks, end};
use larder_tests::image::MANIFEST;
use larder_tests::larder::PASSWORD;
use larder_tests::{Fault, Larder, Upstream, Window};
use serde_json::json;
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

/// A mirror of packages and one of images, both of which are asked, and one whose upstream is gone.
fn mirrors(weeks: &Weeks) {
    let (larder, upstream, bytes) = (&weeks.larder, &weeks.upstream, weeks.bytes);
    let admin = larder.admin();
    let settings = |url: String| json!({"upstream": {"url": url, "allow_private": true}});
    let npm = settings(format!("{}npm/", upstream.url())).to_string();
    larder.api("PATCH", "repositories/npm/upstream", &npm, 200);
    upstream.put(PROBE, "{}");
    for (name, version) in [("date-fns", "4.1.0"), ("zod", "4.2.1")] {
        weeks.offer(name, version);
        weeks.fetch(name, version);
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
}

/// People, machines and what they may do; a token and a grant of it.
fn people(larder: &Larder) -> (String, String) {
    let superuser = json!({"name": WHO, "password": PASSWORD, "superuser": true});
    larder.api("POST", "users", &superuser.to_string(), 201);
    for name in ["jonas", "priya", "tomas"] {
        larder.make_user(name);
    }
    larder.api("PATCH", "users/tomas", r#"{"disabled":true}"#, 200);
    for (group, about, members) in [
        (
            "payments-team",
            "Ledger, fraud scoring and their on-call",
            &["priya", "jonas"][..],
        ),
        (
            "platform-team",
            "Clusters, gateway, pipelines",
            &[WHO, "jonas"],
        ),
    ] {
        let new = json!({"name": group, "description": about});
        larder.api("POST", "groups", &new.to_string(), 201);
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

fn policies(larder: &Larder, clock: &Clock) {
    let within = if clock.turns() { "14d" } else { "1s" };
    let rules = json!({"rules": [{"packages": "*", "versions": "*",
        "keep": {"newest": 2, "pushed_within": within, "matching": ["2.15.*"]}}],
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
        let mut weeks = Weeks::begin(clock, bytes);
        mirrors(&weeks);
        goods::images(&mut weeks);
        goods::packages(&mut weeks);
        let (token, grant) = people(&weeks.larder);
        policies(&weeks.larder, &weeks.clock);
        let digest = image("ledger", "4.2.1", "amd64", bytes).digest.to_string();
        let admin = weeks.larder.admin();
        // What people tried and may not do.
        let priya = weeks.larder.user("priya", PASSWORD);
        priya.send("DELETE", "/v2/payments/ledger/manifests/4.2.0", &[], b"");
        weeks
            .larder
            .user("jonas", "wrong-password")
            .get("/api/v1/whoami");
        admin.get("/npm/main/event-stream");
        admin
            .send("DELETE", "/v2/storefront/web/manifests/118", &[], b"")
            .expect(202);
        let trash = first(&weeks.larder, "repositories/oci/storefront/trash", "id");
        // The last hours before anyone looks.
        weeks.pass(6);
        weeks.pass(2);
        let Weeks {
            larder,
            clock,
            upstream,
            ..
        } = weeks;
        larder.admin().get("/pypi/upstream/simple/requests/");
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

    /// Lets jobs begin by themselves, as they do unless someone says otherwise, and something happen.
    pub(crate) fn wake(&self) {
        let list = self.larder.api("GET", "schedules", "", 200);
        for schedule in list["items"].as_array().expect("items") {
            let path = format!("schedules/{}", schedule["kind"].as_str().expect("kind"));
            let on = json!({"cron": schedule["cron"], "enabled": true});
            self.larder.api("PUT", &path, &on.to_string(), 200);
        }
        self.clock.turn(1);
        let (larder, priya) = (&self.larder, self.larder.user("priya", PASSWORD));
        larder.grant("user:priya", "npm/local", "@storefront/*", "writer");
        larder.api(
            "PATCH",
            "robots/ci-payments",
            r#"{"owner":"user:jonas"}"#,
            200,
        );
        let tag = "/v2/payments/ledger/manifests/4.1.9";
        priya.send("DELETE", tag, &[], b"").expect(403);
        larder.user("jonas", "wrong-password").get("/api/v1/whoami");
        let path = format!("repositories/oci/storefront/trash/{}/restore", self.trash);
        larder.api("POST", &path, "", 200);
        let old = "/v2/storefront/web/manifests/118";
        larder.admin().send("DELETE", old, &[], b"").expect(202);
        larder.api(
            "POST",
            "groups",
            r#"{"name":"auditors","description":"Read the trail"}"#,
            201,
        );
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
