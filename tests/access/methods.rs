//! A method that a path does not take is refused with those that it takes.

use crate::routes::{TABLE, house, of_images};
use larder_registry::endpoint::ROUTES;
use larder_tests::Response;
use std::collections::{BTreeMap, BTreeSet};

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// What is at a path of no protocol, and takes to be read alone.
const OTHERS: [&str; 5] = [
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/v1/openapi.json",
];

/// The methods that a refusal tells.
fn told(answer: &Response) -> Option<BTreeSet<&str>> {
    let allow = answer.header("allow")?;
    Some(
        allow
            .split(',')
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .collect(),
    )
}

#[test]
fn a_refused_method_is_told_what_the_path_takes() {
    // The methods of each path, as the table of routes has them.
    let mut routes: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (_, method, path, _) in TABLE
        .iter()
        .copied()
        .chain(ROUTES.into_iter().map(of_images))
    {
        if method != "PUBLISH" {
            routes.entry(path.to_owned()).or_default().insert(method);
        }
    }
    for path in OTHERS {
        routes.entry(path.to_owned()).or_default().insert("GET");
    }
    let larder = house();
    let (mut refused, mut wrong) = (0, Vec::new());
    for (path, methods) in &routes {
        let target = path
            .replace("{name}", "team-a/demo")
            .replace("{repo}", "team-a")
            .replace("{pkg}", "demo")
            .replace("{folder}", "de/mo")
            .replace("{digest}", &format!("sha256:{}", "0".repeat(64)))
            .replace("{session}", "11111111-1111-4111-8111-111111111111");
        for method in METHODS {
            let answer = larder.anonymous().send(method, &target, &[], b"");
            if answer.status != 405 {
                continue;
            }
            refused += 1;
            let told = told(&answer).unwrap_or_default();
            let lacking: Vec<_> = methods.iter().filter(|it| !told.contains(**it)).collect();
            if told.contains(method) || !lacking.is_empty() {
                wrong.push(format!("{method} {target}: {told:?} lacks {lacking:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(refused > 100, "only {refused} are refused so");
}
