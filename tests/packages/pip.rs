//! pip.

use crate::house::{House, Who, why};
use crate::python::{PROBE, installed, put_probe};
use larder_model::{Algorithm, Digest};
use larder_tests::archive::wheel;
use larder_tests::home::Home;
use larder_tests::tool;
use larder_tests::tools::fails;

const INSTALL: &str = "python3 -m pip install --target into";

#[test]
fn pip() {
    let Some(python) = tool("python3") else {
        return;
    };
    let house = House::open("pip", "pip", "pypi", &[&python]);
    put_probe(&house);
    let reader = house.home(Who::Reader);
    let project = reader.project("user", &[("x", "")]);
    reader.run(&project, &format!("{INSTALL} Larder.Probe demo==1.0.0"));
    installed(&project.join("into"));

    house.upstream.go();
    let line = |name: &str, word: &str| {
        let hash = Digest::of(Algorithm::Sha256, &wheel(name, "1.0.0", word));
        format!("{name}==1.0.0 --hash={hash}\n")
    };
    let locked = format!("{}{}", line(PROBE, "ours"), line("demo", "theirs"));
    let again = house.home(Who::Reader);
    let project = again.project("user", &[("requirements.txt", &locked)]);
    again.run(
        &project,
        &format!("{INSTALL} --require-hashes -r requirements.txt"),
    );
    installed(&project.join("into"));
    let wrong = again.project("wrong", &[("requirements.txt", &line("demo", "another"))]);
    let told = again.fails(
        &wrong,
        &format!("{INSTALL} --require-hashes -r requirements.txt"),
    );
    assert!(told.contains("DO NOT MATCH"), "{told}");
    house.upstream.come_back();

    let install = |home: &Home, package: &str| {
        home.shell(
            &home.project("user", &[("x", "")]),
            &format!("{INSTALL} {package}"),
        )
    };
    house.installs(install, |text| why(text, &["ERROR: "]));
    // What the server says it keeps to itself, unless it is asked.
    let told = fails(&mut install(&house.home(Who::Maker), "-vv demo"));
    house.says(
        "blocked by a rule, with -vv",
        &why(&told, &["Could not fetch URL"]),
    );
}
