//! Versions of mirrors are copied to a hosted repository, and outlive the mirror and its upstream.

use crate::copied::{cargo_builds_with, copy_from, npm_of_prod, pip_of_prod};
use crate::{folder, larder};
use larder_model::hex;
use larder_tests::parcel::{in_path, package_of, publish_to, version_of};
use larder_tests::random::Random;
use larder_tests::{Bucket, Fault, Larder, Shelf, Start, Upstream, archive, modules, run, tool};
use serde_json::{Value, json};

/// A mirror `up` of an upstream that has `demo` in these versions, and a hosted `prod`.
struct Promotion {
    larder: Larder,
    upstream: Upstream,
    shelf: Shelf,
}

/// What an upstream has of a version.
fn body(protocol: &str, version: &str) -> Vec<u8> {
    body_with(protocol, version, version)
}

/// The same with this text in it.
fn body_with(protocol: &str, version: &str, word: &str) -> Vec<u8> {
    match protocol {
        "cargo" => archive::crate_file("demo", version, word),
        "npm" => archive::tarball("demo", version, word),
        "go" => modules::plain(
            &package_of(protocol, "demo"),
            &version_of(protocol, version),
            word,
        ),
        "composer" => archive::php_package("acme/demo", version, word, &json!({})),
        _ => archive::wheel("demo", version, word),
    }
}

/// The protocols whose packages are made without further programs.
const PROTOCOLS: [&str; 5] = ["cargo", "npm", "pypi", "go", "composer"];

impl Promotion {
    fn new(protocol: &'static str, versions: &[&str]) -> Self {
        let mut promotion = Self::of(larder(), protocol);
        for version in versions {
            promotion.put(version, &body(protocol, version));
        }
        promotion
    }

    fn put(&mut self, version: &str, body: &[u8]) {
        self.shelf.put(&self.upstream, version, body);
    }

    /// One whose upstream has nothing yet.
    fn of(larder: Larder, protocol: &'static str) -> Self {
        let upstream = Upstream::start();
        let shelf = Shelf::new(protocol, &upstream);
        let up = json!({"protocol": protocol, "name": "up", "kind": "mirror",
            "upstream": {"url": shelf.url(&upstream), "allow_private": true}});
        larder.api("POST", "repositories", &up.to_string(), 201);
        let prod = json!({"protocol": protocol, "name": "prod", "kind": "hosted"});
        larder.api("POST", "repositories", &prod.to_string(), 201);
        Self {
            larder,
            upstream,
            shelf,
        }
    }

    fn copy(&self, version: &str, status: u16) -> Value {
        let protocol = self.shelf.protocol;
        let (demo, version) = (
            in_path(&self.shelf.package()),
            version_of(protocol, version),
        );
        copy_from(&self.larder, (protocol, "up"), (&demo, &version), status)
    }

    /// The path of `demo` in a repository, below the API.
    fn package(&self, repo: &str) -> String {
        let protocol = self.shelf.protocol;
        let demo = in_path(&self.shelf.package());
        format!("repositories/{protocol}/{repo}/packages/{demo}")
    }

    /// The path of a version of it there.
    fn version(&self, repo: &str, version: &str) -> String {
        let version = version_of(self.shelf.protocol, version);
        format!("{}/versions/{version}", self.package(repo))
    }

    /// The code and the detail of a copy that fails.
    #[track_caller]
    fn refused(&self, version: &str, status: u16, why: &str) -> String {
        let told = self.copy(version, status);
        let detail = told["detail"].as_str().expect("detail");
        assert!(detail.contains(why), "{detail}");
        told["code"].as_str().expect("code").to_owned()
    }

    fn packages(&self) -> Value {
        let path = format!("repositories/{}/prod/packages", self.shelf.protocol);
        self.larder.api("GET", &path, "", 200)["items"].clone()
    }

    /// Neither the upstream nor the mirror is there any more.
    fn leave_alone(&self) {
        self.upstream.go();
        let mirror = format!("repositories/{}/up?force=true", self.shelf.protocol);
        self.larder.api("DELETE", &mirror, "", 204);
    }
}

#[test]
fn npm_installs_what_was_promoted() {
    let promotion = Promotion::new("npm", &["1.0.0", "1.1.0"]);
    // Nobody has asked for it yet: the copy has the mirror fetch it.
    let copied = promotion.copy("1.0.0", 200);
    assert_eq!(copied["files"], json!(1));
    assert_eq!(promotion.copy("1.0.0", 200), copied, "again it is the same");
    let there = promotion.shelf.artifact("1.0.0");
    assert_eq!(promotion.upstream.count(&there), 1);
    promotion.leave_alone();
    let larder = &promotion.larder;
    let packument = larder.admin().get("/npm/prod/demo").expect(200).json();
    assert_eq!(packument["dist-tags"], json!({"latest": "1.0.0"}));
    let Some(mut install) = npm_of_prod(larder, &["install", "demo"]) else {
        return;
    };
    run(&mut install);
    let module = larder.folder().join("npm-user/node_modules/demo/index.js");
    let module = std::fs::read_to_string(module).expect("installed");
    assert!(module.contains("1.0.0"), "{module}");
}

#[test]
fn cargo_builds_with_what_was_promoted() {
    let promotion = Promotion::new("cargo", &["1.0.0"]);
    promotion.copy("1.0.0", 200);
    promotion.leave_alone();
    let dependency = "demo = { version = \"1\", registry = \"main\" }";
    let source = "const _: &str = demo::WORD;\n";
    cargo_builds_with(&promotion.larder, dependency, source);
}

#[test]
fn pip_installs_what_was_promoted() {
    let Some(python) = tool("python3") else {
        return;
    };
    let promotion = Promotion::new("pypi", &["1.0.0"]);
    // The file and its metadata, which is taken out of it.
    assert_eq!(promotion.copy("1.0.0", 200)["files"], json!(2));
    promotion.leave_alone();
    let larder = &promotion.larder;
    let home = folder(larder, "pip-home", &[("empty", "")]);
    let arguments = ["--target", "copied", "demo==1.0.0"];
    run(&mut pip_of_prod(larder, &python, &home, &arguments));
    let module = std::fs::read_to_string(home.join("copied/demo.py")).expect("module");
    assert!(module.contains("1.0.0"), "{module}");
}

#[test]
fn a_promotion_is_told_as_a_copy_by_whoever_made_it() {
    for protocol in PROTOCOLS {
        let promotion = Promotion::new(protocol, &["1.0.0"]);
        let larder = &promotion.larder;
        promotion.copy("1.0.0", 200);
        let demo = promotion.shelf.package();
        let object = format!("{protocol}/prod/{demo}");
        let audit = larder.api("GET", &format!("audit?object={object}"), "", 200);
        let entries = audit["items"].as_array().expect("items");
        let copies: Vec<&Value> = entries
            .iter()
            .filter(|entry| entry["action"] == "package.copy")
            .collect();
        let [copy] = &*copies else {
            panic!("{audit}");
        };
        assert_eq!(copy["actor"], json!("user:admin"), "{copy}");
        assert_eq!(copy["details"]["from_package"], json!(demo), "{copy}");
        let from = copy["details"]["from_repository_id"].as_str();
        assert!(from.is_some_and(|id| !id.is_empty()), "{copy}");
        let is_publish = |entry: &&Value| entry["action"] == "package.publish";
        assert_eq!(entries.iter().find(is_publish), None, "{audit}");
        let told = larder.api("GET", &promotion.version("prod", "1.0.0"), "", 200);
        assert_eq!(
            told["files"][0]["created_by"],
            json!("user:admin"),
            "{told}"
        );
        assert_eq!(told["hosted"], json!(true));
    }
}

#[test]
fn what_cannot_be_had_whole_is_not_promoted() {
    for protocol in PROTOCOLS {
        let mut promotion = Promotion::new(protocol, &["1.0.0", "1.1.0", "1.2.0", "1.3.0"]);
        let unknown = promotion.refused("9.0.0", 404, "no such version");
        assert_eq!(unknown, "version_not_found");
        // The index has it, and the upstream does not; of modules no index promises files.
        promotion
            .upstream
            .remove(&promotion.shelf.artifact("1.0.0"));
        if protocol == "go" {
            promotion.refused("1.0.0", 404, "no such version");
        } else {
            let missing = promotion.refused("1.0.0", 409, "neither kept nor upstream");
            assert_eq!(missing, "conflict");
        }
        // Other bytes than the index promises.
        let other = body(protocol, "2.0.0");
        promotion
            .upstream
            .put(&promotion.shelf.artifact("1.1.0"), other);
        let wrong = promotion.refused("1.1.0", 502, "nothing was copied");
        assert_eq!(wrong, "upstream_failed");
        // What nobody could publish here.
        let odd = b"no archive at all";
        promotion.shelf.put(&promotion.upstream, "1.2.0", odd);
        let package = format!("{}/refresh", promotion.package("up"));
        promotion.larder.api("POST", &package, "{}", 200);
        // What nobody could publish is nothing that is kept of modules.
        if protocol != "go" {
            let unfit = promotion.refused("1.2.0", 409, "cannot be published here");
            assert_eq!(unfit, "conflict");
        }
        // The upstream says nothing, or may not be asked.
        promotion.upstream.fail_all(Fault::Status(500));
        let silent = promotion.refused("1.3.0", 503, "answered 500");
        assert_eq!(silent, "upstream_unreachable");
        let up = format!("repositories/{protocol}/up");
        promotion
            .larder
            .api("PATCH", &up, r#"{"offline":true}"#, 200);
        let offline = promotion.refused("1.3.0", 403, "offline");
        assert_eq!(offline, "offline");
        assert_eq!(promotion.packages(), json!([]), "{protocol}");
    }
}

#[test]
fn what_is_published_is_never_replaced_by_a_promotion() {
    for protocol in PROTOCOLS {
        let promotion = Promotion::new(protocol, &["1.0.0", "1.1.0"]);
        let admin = promotion.larder.admin();
        let published = publish_to(&admin, (protocol, "prod"), "demo", "1.0.0", b"ours");
        assert!(
            matches!(published.status, 200 | 201),
            "{}",
            published.text()
        );
        let there = promotion.refused("1.0.0", 409, "never replaced");
        assert_eq!(there, "conflict");
        // A deleted version stays reserved, whoever's bytes they were.
        promotion.copy("1.1.0", 200);
        let version = promotion.version("prod", "1.1.0");
        promotion.larder.api("DELETE", &version, "", 204);
        let gone = promotion.copy("1.1.0", 409);
        assert_eq!(gone["code"], json!("conflict"), "{gone}");
        promotion.larder.api("GET", &version, "", 404);
    }
}

#[test]
fn a_reserved_name_takes_no_promotion() {
    for protocol in PROTOCOLS {
        let promotion = Promotion::new(protocol, &["1.0.0"]);
        promotion.copy("1.0.0", 200);
        let prod = format!("repositories/{protocol}/prod");
        promotion.larder.api("DELETE", &prod, "", 204);
        let prod = json!({"protocol": protocol, "name": "prod", "kind": "hosted"});
        let larder = &promotion.larder;
        larder.api("POST", "repositories", &prod.to_string(), 201);
        let reserved = promotion.refused("1.0.0", 409, "is reserved");
        assert_eq!(reserved, "conflict");
        assert_eq!(promotion.packages(), json!([]));
    }
}

#[test]
fn who_promotes_must_read_there_and_publish_here() {
    for protocol in PROTOCOLS {
        let promotion = Promotion::new(protocol, &["1.0.0"]);
        let larder = &promotion.larder;
        let up = format!("repositories/{protocol}/up");
        larder.api("PATCH", &up, r#"{"open":false}"#, 200);
        let from = format!("/api/v1/{}/copy", promotion.version("up", "1.0.0"));
        let to = json!({"to": {"repository": format!("{protocol}/prod")}}).to_string();
        let (there, here) = (format!("{protocol}/up"), format!("{protocol}/prod"));
        for (name, grants, status) in [
            ("nobody", &[][..], 404),
            ("reader", &[(&there, "reader")], 403),
            ("writer", &[(&here, "writer")], 404),
            ("both", &[(&there, "reader"), (&here, "writer")], 200),
        ] {
            let client = larder.make_user(name);
            for (repository, role) in grants {
                larder.grant(&format!("user:{name}"), repository, "*", role);
            }
            let headers = [("content-type", "application/json")];
            client
                .send("POST", &from, &headers, to.as_bytes())
                .expect(status);
            let is_there = promotion.packages() != json!([]);
            assert_eq!(is_there, status == 200, "{protocol} {name}");
        }
    }
}

#[test]
fn a_blocked_package_is_not_promoted() {
    let promotion = Promotion::new("npm", &["1.0.0"]);
    let larder = &promotion.larder;
    let group = json!({"protocol": "npm", "name": "both", "kind": "group",
        "members": ["local", "up"]});
    larder.api("POST", "repositories", &group.to_string(), 201);
    let set = |repo: &str, blocked: &str| {
        let body = format!(r#"{{"blocked":[{blocked}]}}"#);
        larder.api("PATCH", &format!("repositories/npm/{repo}"), &body, 200);
    };
    // What blocks it is the mirror, or the group that is asked.
    for (blocks, asked) in [("up", "up"), ("up", "both"), ("both", "both")] {
        set(blocks, r#"{"package":"demo"}"#);
        let told = copy_from(larder, ("npm", asked), ("demo", "1.0.0"), 403);
        assert_eq!(told["code"], json!("policy"), "{blocks} {asked}: {told}");
        set(blocks, "");
    }
    assert_eq!(promotion.packages(), json!([]));
    copy_from(larder, ("npm", "both"), ("demo", "1.0.0"), 200);
}

#[test]
fn a_group_promotes_what_it_serves() {
    let promotion = Promotion::new("npm", &["1.0.0"]);
    let larder = &promotion.larder;
    let group = json!({"protocol": "npm", "name": "both", "kind": "group",
        "members": ["local", "up"]});
    larder.api("POST", "repositories", &group.to_string(), 201);
    let group = ("npm", "both");
    copy_from(larder, group, ("demo", "1.0.0"), 200);
    // A name that is published here is never taken from a mirror.
    let published = publish_to(&larder.admin(), ("npm", "local"), "demo", "2.0.0", b"ours");
    assert!(
        matches!(published.status, 200 | 201),
        "{}",
        published.text()
    );
    copy_from(larder, group, ("demo", "2.0.0"), 200);
    let mirrored = copy_from(larder, group, ("demo", "1.0.0"), 404);
    assert_eq!(mirrored["code"], json!("version_not_found"));
}

/// Too large for a row: the protocol reads it out of the store.
fn a_large_version_is_promoted(larder: Larder, protocol: &'static str) {
    let mut promotion = Promotion::of(larder, protocol);
    let word = hex::encode(&Random::seeded().bytes(200_000));
    let large = body_with(protocol, "1.0.0", &word);
    assert!(large.len() > 100_000, "{protocol}: {}", large.len());
    promotion.put("1.0.0", &large);
    promotion.copy("1.0.0", 200);
    promotion.leave_alone();
    let there = promotion.shelf.artifact_here("1.0.0");
    // What is published here has the digest of its archive alone in its address.
    let there = there.replacen("/up/", "/prod/", 1).replace("/r1.0.0-", "/");
    let came = promotion.larder.admin().get(&there).expect(200).body;
    assert!(came == large, "{protocol}");
}

#[test]
fn a_large_version_is_promoted_within_a_folder() {
    for protocol in PROTOCOLS {
        a_large_version_is_promoted(larder(), protocol);
    }
}

#[test]
fn a_large_version_is_promoted_within_s3() {
    for protocol in PROTOCOLS {
        // A new server takes no bucket that has blobs.
        let Some(s3) = Bucket::s3_files() else { return };
        let start = s3.holds_blobs_of(Start::of(env!("CARGO_BIN_EXE_larder")));
        a_large_version_is_promoted(start.start(), protocol);
    }
}
