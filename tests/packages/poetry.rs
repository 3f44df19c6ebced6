//! poetry.

use crate::house::{House, Who, read, why};
use crate::python::{PROBE, installed, publishes};
use larder_tests::home::Home;
use larder_tests::tool;
use std::path::{Path, PathBuf};

const WHYS: [&str; 4] = ["HTTP Error", "Because ", "Source (", "503 "];

fn project(home: &Home, dependencies: &str) -> PathBuf {
    let manifest = format!(
        "[project]\nname = \"user\"\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [{dependencies}]\n\
         [tool.poetry]\npackage-mode = false\n"
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
fn poetry() {
    let (Some(poetry), Some(python)) = (tool("poetry"), tool("python3")) else {
        return;
    };
    let house = House::open("poetry", "poetry", "pypi", &[&poetry, &python]);
    let publish = |home: &Home, version: &str, word: &str| {
        let manifest = format!(
            "[project]\nname = \"{PROBE}\"\nversion = \"{version}\"\ndescription = \"a probe\"\n\
             [build-system]\nrequires = [\"poetry-core\"]\nbuild-backend = \"poetry.core.masonry.api\"\n"
        );
        let (module, source) = (format!("{PROBE}.py"), format!("WORD = \"{word}\"\n"));
        let files = [("pyproject.toml", &*manifest), (&module, &source)];
        let folder = home.project(&format!("probe-{version}-{word}"), &files);
        home.shell(&folder, "poetry publish --build --repository larder")
    };
    publishes(&house, publish, &WHYS);

    let reader = house.home(Who::Reader);
    let wanted = format!("\"{PROBE}\", \"demo (==1.0.0)\"");
    let user = project(&reader, &wanted);
    reader.run(&user, "poetry lock && poetry install");
    installed(&packages(&user));
    let lock = read(&user.join("poetry.lock"));
    house.upstream.go();
    let again = house.home(Who::Reader);
    let user = project(&again, &wanted);
    std::fs::write(user.join("poetry.lock"), &lock).expect("lock");
    again.run(&user, "poetry check --lock && poetry install");
    installed(&packages(&user));
    house.upstream.come_back();

    let install = |home: &Home, package: &str| {
        home.shell(&project(home, &format!("\"{package}\"")), "poetry install")
    };
    house.installs(install, |text| why(text, &WHYS));
}
