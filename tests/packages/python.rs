//! What the clients of `PyPI`'s protocol have in common.

use crate::by_name::upload;
use crate::house::{House, Who, why};
use larder_tests::archive::wheel;
use larder_tests::home::Home;
use larder_tests::tools::run;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The hosted package.
pub(crate) const PROBE: &str = "larder_probe";

/// A folder of the home with a wheel of the hosted package; the wheel's name.
pub(crate) fn wheel_in(home: &Home, version: &str, word: &str) -> (PathBuf, String) {
    let folder = home.folder().join(format!("wheel-{version}-{word}"));
    std::fs::create_dir_all(&folder).expect("folder");
    let name = format!("{PROBE}-{version}-py3-none-any.whl");
    std::fs::write(folder.join(&name), wheel(PROBE, version, word)).expect("wheel");
    (folder, name)
}

/// Publishes a version, is refused another of the same number, and in every other way. `publish`
/// publishes a version with this word in it.
#[track_caller]
pub(crate) fn publishes(
    house: &House,
    publish: impl Fn(&Home, &str, &str) -> Command,
    whys: &[&str],
) {
    let maker = house.home(Who::Maker);
    run(&mut publish(&maker, "1.0.0", "ours"));
    let told = larder_tests::tools::fails(&mut publish(&maker, "1.0.0", "another"));
    house.says("publish of a version that is there", &why(&told, whys));
    house.refuses_to_publish(
        |home| publish(home, "2.0.0", "ours"),
        |text| why(text, whys),
    );
}

/// Publishes the hosted package by raw HTTP, for clients that only install.
#[track_caller]
pub(crate) fn put_probe(house: &House) {
    let file = format!("{PROBE}-1.0.0-py3-none-any.whl");
    upload(
        &house.larder,
        &file,
        "1.0.0",
        &wheel(PROBE, "1.0.0", "ours"),
    )
    .expect(200);
}

/// Both packages are below this folder.
#[track_caller]
pub(crate) fn installed(below: &Path) {
    for (package, word) in [(PROBE, "ours"), ("demo", "theirs")] {
        let module = crate::house::read(&below.join(format!("{package}.py")));
        assert_eq!(module, format!("WORD = \"{word}\"\n"), "{package}");
    }
}
