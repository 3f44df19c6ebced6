//! The REST API: every call of its own document for every kind of caller, on what is theirs, on
//! what is hidden from them, and on what is not there.

use crate::house::{CALLERS, House};
use larder_tests::random::Random;
use larder_tests::tools::{command, run, tool};
use larder_tests::{Client, Image, Response};
use serde_json::Value;

/// Things that exist and are hidden, and things of the same length that do not exist.
const HIDDEN: [&str; 2] = ["secret", "stranger"];
const MISSING: [&str; 2] = ["absent", "nobodies"];

/// A call of the document.
struct Call {
    method: String,
    path: String,
    right: String,
    /// Parameters of the query that name someone.
    query: &'static str,
}

/// All calls, those that name someone in their query with and without it.
fn calls(house: &House) -> Vec<Call> {
    let document = house
        .larder
        .anonymous()
        .get("/api/v1/openapi.json")
        .expect(200)
        .json();
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let has = |name: &str| {
                let all = operation["parameters"].as_array().into_iter().flatten();
                all.clone().any(|parameter| parameter["name"] == name)
            };
            let asks_what_may = has("subject") && has("action");
            let queries = match (has("owner") && path.ends_with("/tokens"), asks_what_may) {
                (true, _) => vec!["", "?owner={user}"],
                (_, true) => vec![
                    "?repository=oci/{repo}&action=read",
                    "?repository=oci/team&action=read&subject=user:{user}",
                ],
                _ => vec![""],
            };
            calls.extend(queries.into_iter().map(|query| Call {
                method: method.to_uppercase(),
                path: path.clone(),
                right: operation["x-right"].as_str().expect("right").to_owned(),
                query,
            }));
        }
    }
    calls
}

impl Call {
    /// Whether the caller may make it on what is of `oci/team`, or on `user`. Fails where nobody
    /// has said what a right means.
    fn is_for(&self, caller: &str, may: [bool; 3], user: &str) -> bool {
        let someone = !["anonymous", "disabled"].contains(&caller);
        let whole = someone && caller != "limited";
        let oneself = !self.names_user() || caller == user;
        let is_admin = caller == "admin";
        match &*self.right {
            "open" => true,
            "anyone" => caller != "disabled",
            "identified" => someone,
            "unlimited" => whole,
            // A job of no repository.
            "superuser" | "job_reader" => is_admin,
            "repository_read" | "package_read" => may[0],
            "package_write" | "repository_publish" => may[1],
            "package_delete" | "repository_delete" => may[2],
            "repository_administer" => is_admin || caller == "admin-here",
            "oneself" => someone && (oneself || is_admin),
            "oneself_unlimited" => whole && (oneself || is_admin),
            // The stranger answers for its robot.
            "robot_owner" => is_admin || caller == user,
            "robot_owner_unlimited" => is_admin || (whole && caller == user),
            // The id is of a refusal in the repository `secret`, which nobody else reads.
            "refusal_reader" => is_admin,
            "about_oneself" => is_admin || (caller != "disabled" && oneself),
            right => panic!(
                "{} {} needs {right}: what is expected?",
                self.method, self.path
            ),
        }
    }

    fn names_user(&self) -> bool {
        let robot = self.path.contains("/robots/{name}");
        robot || self.path.contains("/users/{name}") || self.query.contains("{user}")
    }

    fn names_repo(&self) -> bool {
        self.path.contains("{protocol}") || self.query.contains("{repo}")
    }

    /// Makes the call. An empty object changes nothing, whatever it is sent to.
    fn send(&self, client: &Client, method: &str, [repo, user]: [&str; 2], id: &str) -> Response {
        let robot = format!("{user}-robot");
        let name = match () {
            () if self.path.contains("/users/{name}") => user,
            () if self.path.contains("/robots/{name}") => &robot,
            () if self.path.contains("/backups/{name}") => id,
            () => repo,
        };
        let target = format!("{}{}", self.path, self.query)
            .replace("{protocol}", "oci")
            .replace("{client}", "docker")
            .replace("{package}", "app")
            .replace("{version}", "latest")
            .replace("{group}", "crew")
            .replace("{member}", "user:disabled")
            .replace("{name}", name)
            .replace("{repo}", repo)
            .replace("{user}", user)
            .replace("{file}", "app.deb")
            .replace("{kind}", "upstream-check")
            .replace("{digest}", id)
            .replace("{id}", id);
        let headers = [("content-type", "application/json")];
        let body: &[u8] = if matches!(method, "POST" | "PATCH") {
            b"{}"
        } else {
            b""
        };
        if method == "GET" && self.path.ends_with("/events") {
            // It comes in pieces: how many is not known when it begins.
            return client.take(&target, &headers).expect("events").0;
        }
        client.send(method, &target, &headers, body)
    }
}

/// All of an answer that tells answers apart.
fn seen(answer: &Response) -> (u16, Vec<(String, String)>, String) {
    let mut text = answer.text();
    for (hidden, missing) in HIDDEN.iter().zip(MISSING) {
        text = text.replace(missing, hidden);
    }
    // Of pieces a HEAD has none.
    let other = ["date", "x-request-id", "transfer-encoding"];
    let own = |(name, _): &&(String, String)| !other.contains(&&**name);
    (
        answer.status,
        answer.headers.iter().filter(own).cloned().collect(),
        text,
    )
}

/// The name of a backup that the server keeps.
fn kept_backup(house: &House) -> String {
    let job = house.larder.api("POST", "backup/runs", "{}", 202);
    let id = job["id"].as_str().expect("id");
    // The events end when the job does.
    let events = format!("/api/v1/jobs/{id}/events");
    house.larder.admin().take(&events, &[]).expect("events");
    let list = house.larder.api("GET", "backups", "", 200);
    list["items"][0]["name"].as_str().expect("name").to_owned()
}

/// The id of a tag of `oci/team` in the trash whose name is taken, so that nobody restores it.
fn taken_meanwhile(house: &House) -> String {
    let admin = house.larder.admin();
    let mut random = Random::seeded();
    Image::random(&mut random, &[10]).push(&admin, "team/app", "taken");
    let path = "/v2/team/app/manifests/taken";
    admin.send("DELETE", path, &[], b"").expect(202);
    Image::random(&mut random, &[20]).push(&admin, "team/app", "taken");
    let trash = house
        .larder
        .api("GET", "repositories/oci/team/trash", "", 200);
    trash["items"][0]["id"].as_str().expect("id").to_owned()
}

/// The digest of a blob that is damaged.
fn damaged_blob(house: &House) -> String {
    let bytes = Random::seeded().bytes(100_000);
    let digest = larder_tests::image::digest(&bytes);
    let admin = house.larder.admin();
    larder_tests::image::push_blob(&admin, "team/app", &digest, &bytes).expect(201);
    let folder = house.larder.data().join("storage/blobs/sha256");
    let objects = std::fs::read_dir(folder.join(&digest.hex()[..2])).expect("objects");
    for object in objects {
        let path = object.expect("object").path();
        if path.to_string_lossy().contains(&digest.hex()) {
            std::fs::write(path, b"damaged").expect("damage");
        }
    }
    let asked = format!(r#"{{"digests":["{digest}"]}}"#);
    let job = house.larder.api("POST", "scrub/runs", &asked, 202);
    let id = job["id"].as_str().expect("id");
    let events = format!("/api/v1/jobs/{id}/events");
    admin.take(&events, &[]).expect("events");
    digest.to_string()
}

/// The id of a refusal in a repository that is hidden from most.
fn hidden_refusal(house: &House) -> String {
    let admin = house.larder.admin();
    let immutable = r#"{"immutable":["v*"]}"#;
    house
        .larder
        .api("PATCH", "repositories/oci/secret", immutable, 200);
    let mut random = Random::seeded();
    Image::random(&mut random, &[10]).push(&admin, "secret/app", "v1");
    let path = "/v2/secret/app/manifests/v1";
    let told = admin.send("DELETE", path, &[], b"").expect(409).text();
    house.larder.api(
        "PATCH",
        "repositories/oci/secret",
        r#"{"immutable":[]}"#,
        200,
    );
    let (_, after) = told.split_once("/why/").expect("an id");
    after[..32].to_owned()
}

/// The id of someone's token, of a job, of a quota, of a refusal, of an entry of the trash, or of a grant on a hidden
/// repository, the name of a backup, or the digest of a blob, and one of none, of the same length.
fn ids(house: &House, path: &str, hidden_grant: &str) -> [String; 2] {
    if path.contains("/backups/") {
        let there = kept_backup(house);
        let missing = there.replace("larder-2", "larder-3");
        return [there, missing];
    }
    if path.contains("{digest}") {
        let nothing = larder_tests::image::digest(b"nothing of ours");
        if path.contains("/quarantine/") {
            return [damaged_blob(house), nothing.to_string()];
        }
        return [house.image.digest, nothing].map(|digest| digest.to_string());
    }
    if path.contains("/why/") {
        return [hidden_refusal(house), "0".repeat(32)];
    }
    let there = if path.contains("/tokens/") {
        let items = house.larder.api("GET", "tokens?owner=limited", "", 200)["items"].take();
        items[0]["id"].as_str().expect("id").to_owned()
    } else if path.contains("/jobs/") {
        let job = house.larder.api("POST", "upstream-check/runs", "{}", 202);
        job["id"].as_str().expect("id").to_owned()
    } else if path.contains("/quotas/") {
        let new = r#"{"repositories":"oci/nobody","bytes":1}"#;
        let quota = house.larder.api("POST", "quotas", new, 201);
        quota["id"].as_str().expect("id").to_owned()
    } else if path.contains("/trash/") {
        taken_meanwhile(house)
    } else {
        hidden_grant.to_owned()
    };
    let there: i64 = there.parse().expect("number");
    [there.to_string(), (there + 1).to_string()]
}

#[test]
fn every_call_for_every_caller() {
    let house = House::with_login_attempts("10000");
    let hidden_grant = house
        .larder
        .grant("group:crew", "oci/secret", "*", "reader");
    for call in calls(&house) {
        let [id, no_id] = ids(&house, &call.path, &hidden_grant);
        for (caller, may) in CALLERS {
            let client = house.client(caller);
            let told = format!("{caller}: {} {}{}", call.method, call.path, call.query);
            // On what is theirs: the repository team, and the stranger's account.
            let allowed = call.is_for(caller, may, "stranger");
            if !allowed || call.method != "DELETE" {
                let own = call.send(&client, &call.method, ["team", "stranger"], &id);
                let refused = matches!(own.status, 401 | 403 | 404);
                assert!(allowed != refused, "{told}: {} {}", own.status, own.text());
                if call.method == "GET" {
                    let head = call.send(&client, "HEAD", ["team", "stranger"], &id);
                    // Each backup has another length: it is of another moment.
                    if !call.path.ends_with("/backup") {
                        assert_eq!(seen(&head).1, seen(&own).1, "{told}");
                    }
                }
            }
            // What is hidden looks like what is not there.
            let hides = call.names_repo()
                || call.path.contains("{id}")
                || call.names_user() && caller != "stranger";
            if caller != "admin" && hides {
                let hidden = call.send(&client, &call.method, HIDDEN, &id);
                let missing = call.send(&client, &call.method, MISSING, &no_id);
                assert_eq!(seen(&hidden), seen(&missing), "{told}");
            }
        }
    }
    let admin = house.larder.admin();
    house.image.check(&admin, "team/app", "latest");
    house.image.check(&admin, "secret/app", "latest");
    for user in CALLERS.iter().filter(|(caller, _)| *caller != "anonymous") {
        admin.get(&format!("/api/v1/users/{}", user.0)).expect(200);
    }
}

#[test]
fn the_official_schema_fits_the_document() {
    let Some(validator) = tool("openapi-spec-validator") else {
        return;
    };
    let house = House::new();
    let document: Value = house
        .larder
        .anonymous()
        .get("/api/v1/openapi.json")
        .expect(200)
        .json();
    let file = house.larder.folder().join("openapi.json");
    std::fs::write(&file, document.to_string()).expect("file");
    let told = run(command(&validator, house.larder.folder()).arg(&file));
    assert!(told.trim_end().ends_with("OK"), "{told}");
}
