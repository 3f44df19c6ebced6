//! The page of licences names what is compiled in, no more and no less.

use super::{read, root};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::process::Command;

/// The system whose libraries are listed: others differ in the crates of their own alone.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What cargo says of the workspace, from `Cargo.lock` and what is fetched.
fn metadata() -> Value {
    let said = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .args(["--filter-platform", TARGET])
        .current_dir(root())
        .output()
        .expect("cargo");
    let problem = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "cargo metadata: {problem}");
    serde_json::from_slice(&said.stdout).expect("metadata")
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value[key].as_array().into_iter().flatten()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// A line for each library that the server's program holds.
fn compiled_in<'m>(metadata: &'m Value) -> BTreeSet<String> {
    let by_id = |list: &'m Value, key: &str| -> HashMap<&'m str, &'m Value> {
        let all = items(list, key);
        all.map(|item| (text(item, "id"), item)).collect()
    };
    let packages = by_id(metadata, "packages");
    let nodes = by_id(&metadata["resolve"], "nodes");
    let server = packages
        .values()
        .find(|package| text(package, "name") == "larder-server");
    let mut queue = vec![text(server.expect("the server"), "id")];
    let (mut seen, mut lines) = (BTreeSet::new(), BTreeSet::new());
    while let Some(id) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        let package = packages[id];
        if !package["source"].is_null() {
            let [name, version, licence] =
                ["name", "version", "license"].map(|key| text(package, key));
            assert!(
                !licence.is_empty(),
                "{name} {version} says nothing of its licence"
            );
            lines.insert(format!("{name} {version} {licence}"));
        }
        let needs = items(nodes[id], "deps");
        let own =
            needs.filter(|needed| items(needed, "dep_kinds").any(|kind| kind["kind"].is_null()));
        queue.extend(own.map(|needed| text(needed, "pkg")));
    }
    lines
}

#[test]
fn the_page_names_every_library_with_its_licence() {
    let expected = compiled_in(&metadata());
    assert!(expected.len() > 100, "{}", expected.len());
    let text = read(&root().join("web/gui/licences.txt"));
    let listed: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let missing: Vec<_> = expected.difference(&listed).collect();
    let left: Vec<_> = listed.difference(&expected).collect();
    assert!(
        missing.is_empty() && left.is_empty(),
        "web/gui/licences.txt lacks {missing:#?} and has {left:#?} too many"
    );
    let names = text.lines().map(|line| line.split(' ').next());
    assert!(names.is_sorted(), "web/gui/licences.txt is sorted by name");
}
