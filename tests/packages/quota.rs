//! What does not fit into a quota: clients tell the person how much is left.

use crate::house::{House, Who};
use crate::node::Node;
use crate::python::wheel_in;
use larder_tests::tools::{fails, run};
use larder_tests::{Larder, tool};
use serde_json::json;
use std::path::Path;

/// Sets how many bytes the repository may have that the group's packages are published to.
#[track_caller]
fn limit(larder: &Larder, protocol: &str, bytes: u64) {
    let body = json!({"quota": {"bytes": bytes}}).to_string();
    larder.api(
        "PATCH",
        &format!("repositories/{protocol}/local"),
        &body,
        200,
    );
}

/// What a person has to be told.
const LEFT: &str = "10 bytes left";

#[test]
fn npm_tells_how_much_is_left() {
    let Some(npm) = tool("npm") else { return };
    let house = House::open("npm", "npm", "npm", &[&npm]);
    let maker = house.home(Who::Maker);
    limit(&house.larder, "npm", 10);
    let package = Node::package(&maker, "1.0.0", "ours");
    let told = maker.fails(&package, "npm publish");
    assert!(told.contains(LEFT) && told.contains("/why/"), "{told}");
    limit(&house.larder, "npm", 100_000);
    maker.run(&package, "npm publish");
}

#[test]
fn twine_tells_how_much_is_left() {
    let Some(twine) = tool("twine") else { return };
    let house = House::open("twine", "twine", "pypi", &[&twine]);
    let maker = house.home(Who::Maker);
    limit(&house.larder, "pypi", 10);
    let (folder, wheel) = wheel_in(&maker, "1.0.0", "ours");
    let upload = format!("twine upload --non-interactive --disable-progress-bar -r larder {wheel}");
    let told = fails(&mut maker.shell(&folder, &upload));
    assert!(told.contains(LEFT) && told.contains("/why/"), "{told}");
    limit(&house.larder, "pypi", 100_000);
    run(&mut maker.shell(&folder, &upload));
}

#[test]
fn cargo_tells_how_much_is_left() {
    let cargo = Path::new(env!("CARGO"));
    let rustc = cargo.with_file_name("rustc");
    let house = House::open("cargo", "cargo", "cargo", &[cargo, &rustc]);
    let maker = house.home(Who::Maker);
    limit(&house.larder, "cargo", 10);
    let manifest = "[package]\nname = \"probe\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
        description = \"a probe\"\nlicense = \"MIT\"\n";
    let files = [("Cargo.toml", manifest), ("src/lib.rs", "")];
    let package = maker.project("probe", &files);
    let publish = "cargo publish --registry larder --allow-dirty --no-verify";
    let told = maker.fails(&package, publish);
    assert!(told.contains(LEFT) && told.contains("/why/"), "{told}");
    limit(&house.larder, "cargo", 100_000);
    maker.run(&package, publish);
}
