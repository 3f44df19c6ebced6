//! uv.

use crate::house::{House, Who, read, why};
use crate::python::{PROBE, installed, publishes, publishes_attested, wheel_in};
use larder_model::{Algorithm, Digest};
use larder_tests::archive::wheel;
use larder_tests::home::Home;
use larder_tests::tool;
use std::path::{Path, PathBuf};

const WHYS: [&str; 6] = [
    "error: Failed to fetch",
    "error: Local",
    "cause: Because",
    "cause: Missing",
    "cause: Server",
    "hint: ",
];

fn project(home: &Home, dependencies: &str) -> PathBuf {
    let manifest = format!(
        "[project]\nname = \"user\"\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [{dependencies}]\n"
    );
    home.project("user", &[("pyproject.toml", &manifest)])
}

/// Where the packages of a project's environment are.
fn packages(project: &Path) -> PathBuf {
    let lib = std::fs::read_dir(project.join(".venv/lib"))
        .expect("environment")
        .next()
        .expect("python");
    lib.expect("python").path().join("site-packages")
}

#[test]
fn uv() {
    let (Some(uv), Some(python)) = (tool("uv"), tool("python3")) else {
        return;
    };
    let house = House::open("uv", "uv", "pypi", &[&uv, &python]);
    let publish = |home: &Home, version: &str, word: &str| {
        let (folder, wheel) = wheel_in(home, version, word);
        home.shell(&folder, &format!("uv publish --index larder {wheel}"))
    };
    publishes(&house, publish, &WHYS);

    let reader = house.home(Who::Reader);
    let wanted = format!("\"{PROBE}\", \"demo==1.0.0\"");
    let user = project(&reader, &wanted);
    reader.run(&user, "uv sync --python python3");
    installed(&packages(&user));
    let lock = read(&user.join("uv.lock"));
    for (name, word) in [(PROBE, "ours"), ("demo", "theirs")] {
        let hash = Digest::of(Algorithm::Sha256, &wheel(name, "1.0.0", word)).to_string();
        assert!(lock.contains(&hash), "no {hash} in\n{lock}");
    }
    house.upstream.go();
    let again = house.home(Who::Reader);
    let user = project(&again, &wanted);
    std::fs::write(user.join("uv.lock"), &lock).expect("lock");
    again.run(&user, "uv sync --python python3 --locked");
    installed(&packages(&user));
    house.upstream.come_back();

    let install = |home: &Home, package: &str| {
        home.shell(
            &project(home, &format!("\"{package}\"")),
            "uv sync --python python3",
        )
    };
    house.installs(install, |text| why(text, &WHYS));
    // What lies beside a file is sent with it.
    publishes_attested(&house, |home, version, word| {
        let (folder, wheel) = wheel_in(home, version, word);
        home.shell(&folder, &format!("uv publish --index larder {wheel}*"))
    });
}
