//! What is larger than this server takes: clients tell the person its size, the limit and the setting.

use crate::by_name::upload;
use crate::house::{House, Who};
use crate::node::Node;
use crate::python::PROBE;
use larder_tests::random::Random;
use larder_tests::tools::fails;
use larder_tests::{Larder, archive, tool};
use serde_json::json;
use std::path::Path;

/// What a person has to be told.
const TOLD: [&str; 3] = [" MiB", "1 MiB", "server.limits.package_size"];
/// More than the limit, whatever packs it.
const BYTES: usize = 3 << 19;

fn larder() -> Larder {
    let start = crate::start()
        .with("LARDER_SERVER__LIMITS__PACKAGE_SIZE", "1MiB")
        .with("LARDER_SERVER__LIMITS__PACKAGE_METADATA_SIZE", "64KiB");
    crate::started(start)
}

#[track_caller]
fn is_told(told: &str, words: &[&str]) {
    for word in words {
        assert!(told.contains(word), "nothing of {word} in {told}");
    }
}

/// A wheel with so many bytes that nothing packs.
fn wheel(version: &str, bytes: usize, metadata: &str) -> Vec<u8> {
    let content = Random::seeded().bytes(bytes);
    let info = |file: &str| format!("{PROBE}-{version}.dist-info/{file}");
    let metadata =
        format!("Metadata-Version: 2.1\nName: {PROBE}\nVersion: {version}\n\n{metadata}");
    archive::zip(&[
        ("probe.bin", &content),
        (&info("METADATA"), metadata.as_bytes()),
        (&info("WHEEL"), b"Wheel-Version: 1.0\n"),
        (&info("RECORD"), b""),
    ])
}

#[test]
fn npm_tells_what_is_too_large() {
    let Some(npm) = tool("npm") else { return };
    let house = House::open_on(larder(), "npm", ("npm", "npm"), &[&npm]);
    let maker = house.home(Who::Maker);
    let package = Node::package(&maker, "1.0.0", "ours");
    std::fs::write(package.join("data.bin"), Random::seeded().bytes(BYTES)).expect("data");
    is_told(&maker.fails(&package, "npm publish"), &TOLD);
}

#[test]
fn twine_tells_what_is_too_large() {
    let Some(twine) = tool("twine") else { return };
    let house = House::open_on(larder(), "twine", ("twine", "pypi"), &[&twine]);
    let maker = house.home(Who::Maker);
    let file = format!("{PROBE}-1.0.0-py3-none-any.whl");
    std::fs::write(maker.folder().join(&file), wheel("1.0.0", BYTES, "")).expect("wheel");
    let upload = format!("twine upload --non-interactive --disable-progress-bar -r larder {file}");
    is_told(&fails(&mut maker.shell(maker.folder(), &upload)), &TOLD);
}

#[test]
fn cargo_tells_what_is_too_large() {
    let cargo = Path::new(env!("CARGO"));
    let rustc = cargo.with_file_name("rustc");
    let house = House::open_on(larder(), "cargo", ("cargo", "cargo"), &[cargo, &rustc]);
    let maker = house.home(Who::Maker);
    let manifest = "[package]\nname = \"probe\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
        description = \"a probe\"\nlicense = \"MIT\"\nreadme = \"README.md\"\n";
    let files = [
        ("Cargo.toml", manifest),
        ("src/lib.rs", ""),
        ("README.md", "# Probe\n"),
    ];
    let package = maker.project("probe", &files);
    let publish = "cargo publish --registry larder --allow-dirty --no-verify";
    // A README that is too long has a limit of its own.
    std::fs::write(package.join("README.md"), "word ".repeat(20_000)).expect("README");
    let readme = [" KiB", "64 KiB", "server.limits.package_metadata_size"];
    is_told(&maker.fails(&package, publish), &readme);
    std::fs::write(package.join("README.md"), "# Probe\n").expect("README");
    std::fs::write(package.join("data.bin"), Random::seeded().bytes(BYTES)).expect("data");
    is_told(&maker.fails(&package, publish), &TOLD);
}

#[test]
fn a_limit_is_on_what_it_names_and_on_nothing_else() {
    let larder = larder();
    let file = format!("{PROBE}-1.0.0-py3-none-any.whl");
    // The form may have more than the file.
    let most = wheel("1.0.0", (1 << 20) - 4096, "");
    upload(&larder, &file, "1.0.0", &most).expect(200);
    let described = wheel("2.0.0", 1, &"word ".repeat(20_000));
    let file = file.replace("1.0.0", "2.0.0");
    let refused = upload(&larder, &file, "2.0.0", &described).expect(413);
    is_told(
        &refused.text(),
        &["64 KiB", "server.limits.package_metadata_size"],
    );
    let rpm = vec![0; BYTES];
    let path = "/rpm/local/Packages/probe-1-1.noarch.rpm";
    let refused = larder.admin().send("PUT", path, &[], &rpm).expect(413);
    is_told(&refused.text(), &TOLD);
    let path = "/composer/local/upload";
    let word = "word ".repeat(20_000);
    let refused = |body: &[u8]| larder.admin().send("PUT", path, &[], body).expect(413);
    let zip = archive::php_package("acme/probe", "1.0.0", "x", &json!({"description": word}));
    is_told(
        &refused(&zip).text(),
        &["64 KiB", "server.limits.package_metadata_size"],
    );
    is_told(&refused(&rpm).text(), &TOLD);
}
