//! The conformance suites of the distribution spec: at 967efdc, and the older one of v1.1.1.
//!
//! The suites are Go programs that not every module proxy has. Where they are not installed this
//! says so and ends.

use larder_tests::larder::PASSWORD;
use larder_tests::tools::{command, rare_tool, run};
use larder_tests::{Larder, Start};
use serde_json::json;

/// Checks of the suite at 967efdc with everything switched on.
const CHECKS: u64 = 1032;
/// Checks of the older suite that its own configuration lets run; one more where `from` is not
/// needed for a mount.
const OLD_CHECKS: [&str; 2] = ["74 Passed", "75 Passed"];

fn larder() -> Larder {
    let larder = Start::of(env!("CARGO_BIN_EXE_larder")).start();
    larder.make_user("alice");
    // The suites push manifests without all of their blobs.
    for name in ["conf", "alice", "open"] {
        let repo =
            json!({"protocol": "oci", "name": name, "kind": "hosted", "sparse_images": true});
        larder.api("POST", "repositories", &repo.to_string(), 201);
    }
    for (subject, repo) in [("user:alice", "oci/alice"), ("anonymous", "oci/open")] {
        larder.grant(subject, repo, "*", "maintainer");
    }
    larder
}

/// Users, and whether they log in: the administrator, one with grants, nobody.
const WHO: [(&str, &str); 3] = [("admin", "conf"), ("alice", "alice"), ("", "open")];

#[test]
fn the_suite_passes_without_a_skip() {
    let Some(suite) = rare_tool("oci-conformance") else {
        return;
    };
    let larder = larder();
    for (user, repo) in WHO {
        let results = larder.folder().join(format!("results-{repo}"));
        let mut conformance = command(&suite, larder.folder());
        conformance
            .env("OCI_REGISTRY", larder.host())
            .env("OCI_TLS", "disabled");
        conformance
            .env("OCI_REPO1", format!("{repo}/one"))
            .env("OCI_REPO2", format!("{repo}/two"));
        conformance
            .env("OCI_VERSION", "dev")
            .env("OCI_DATA_SPARSE", "true")
            .env("OCI_RESULTS_DIR", &results);
        if !user.is_empty() {
            conformance
                .env("OCI_USERNAME", user)
                .env("OCI_PASSWORD", PASSWORD);
        }
        run(&mut conformance);
        let junit = std::fs::read_to_string(results.join("junit.xml")).expect("results");
        let top = junit
            .lines()
            .find(|line| line.contains("<testsuite "))
            .expect("a suite");
        let count = |name: &str| {
            let value = top
                .split(&format!(" {name}=\""))
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            value.map_or(0, |value| value.parse::<u64>().expect("a number"))
        };
        let counts = [
            count("tests"),
            count("failures"),
            count("errors"),
            count("skipped"),
        ];
        assert_eq!(
            counts,
            [CHECKS, 0, 0, 0],
            "tests, failures, errors, skipped for {repo}"
        );
        let told = std::fs::read_to_string(results.join("results.yaml")).expect("results");
        for word in [": FAIL", ": Skip", ": Error"] {
            assert!(!told.contains(word), "{repo}: {word} in\n{told}");
        }
    }
}

#[test]
fn the_older_suite_passes() {
    let Some(suite) = rare_tool("oci-conformance-1.1") else {
        return;
    };
    let larder = larder();
    for (user, repo) in WHO {
        let mut conformance = command(&suite, larder.folder());
        conformance
            .arg("-test.v")
            .env("OCI_ROOT_URL", larder.url())
            .env("OCI_REPORT_DIR", larder.folder());
        conformance
            .env("OCI_NAMESPACE", format!("{repo}/one"))
            .env("OCI_CROSSMOUNT_NAMESPACE", format!("{repo}/two"));
        conformance.env("OCI_AUTOMATIC_CROSSMOUNT", "1");
        for kind in ["PULL", "PUSH", "CONTENT_DISCOVERY", "CONTENT_MANAGEMENT"] {
            conformance.env(format!("OCI_TEST_{kind}"), "1");
        }
        if !user.is_empty() {
            conformance
                .env("OCI_USERNAME", user)
                .env("OCI_PASSWORD", PASSWORD);
        }
        let told = run(&mut conformance);
        let all = OLD_CHECKS.iter().any(|passed| told.contains(passed));
        assert!(all && told.contains("0 Failed"), "{told}");
    }
}
