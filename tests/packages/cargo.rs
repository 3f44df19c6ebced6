//! cargo.

use crate::house::{House, Who, read};
use larder_model::{Algorithm, Digest};
use larder_tests::archive::crate_file;
use larder_tests::home::Home;
use std::path::{Path, PathBuf};

const PUBLISH: &str = "cargo publish --registry larder --allow-dirty --no-verify";

fn package(home: &Home, version: &str) -> PathBuf {
    let manifest = format!(
        "[package]\nname = \"Probe_One\"\nversion = \"{version}\"\nedition = \"2021\"\n\
         description = \"a probe\"\nlicense = \"MIT\"\n[features]\nloud = []\n"
    );
    let source = "pub const WORD: &str = \"ours\";\n";
    home.project(
        &format!("probe-{version}"),
        &[("Cargo.toml", &manifest), ("src/lib.rs", source)],
    )
}

/// A program with these dependencies that says the words of them.
fn user(home: &Home, dependencies: &str, source: &str) -> PathBuf {
    let manifest = format!(
        "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\n{dependencies}\n"
    );
    home.project(
        "user",
        &[("Cargo.toml", &manifest), ("src/main.rs", source)],
    )
}

const WANTED: &str =
    "demo = \"1\"\nProbe_One = { version = \"0.1\", registry = \"larder\", features = [\"loud\"] }";
const SOURCE: &str = "fn main() { println!(\"{} and {}\", demo::WORD, Probe_One::WORD); }";

/// The error, and how the last of its causes begins and ends.
fn tell(text: &str) -> String {
    let error = text
        .lines()
        .find(|line| line.starts_with("error"))
        .expect("error");
    let cause = text
        .rsplit_once("Caused by:")
        .map_or("", |(_, cause)| cause);
    let mut lines = cause.lines().map(str::trim).filter(|line| !line.is_empty());
    let told = [Some(error), lines.next(), lines.next_back()];
    told.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

#[test]
fn cargo() {
    let cargo = Path::new(env!("CARGO"));
    let rustc = cargo.with_file_name("rustc");
    let house = House::open("cargo", "cargo", "cargo", &[cargo, &rustc]);
    let maker = house.home(Who::Maker);
    let probe = package(&maker, "0.1.0");
    let told = maker.run(&probe, PUBLISH);
    assert!(told.contains("Published Probe_One v0.1.0"), "{told}");
    house.says(
        "publish of a version that is there",
        &tell(&maker.fails(&probe, PUBLISH)),
    );
    let told = maker.run(&probe, "cargo search --registry larder probe");
    assert!(
        told.contains("Probe_One = \"0.1.0\"") && told.contains("a probe"),
        "{told}"
    );
    let told = maker.run(&probe, "cargo owner --list --registry larder Probe_One");
    assert!(told.contains("maker"), "{told}");

    let project = user(&maker, WANTED, SOURCE);
    let told = maker.run(&project, "cargo run");
    assert!(told.contains("theirs and ours"), "{told}");
    let lock = read(&project.join("Cargo.lock"));
    let sum = Digest::of(Algorithm::Sha256, &crate_file("demo", "1.0.0", "theirs")).hex();
    assert!(lock.contains(&format!("checksum = \"{sum}\"")), "{lock}");
    let ours = lock.matches(house.larder.host()).count();
    assert_eq!(
        ours, 1,
        "only what is published here has this server's address in the lock:\n{lock}"
    );

    house.upstream.go();
    let reader = house.home(Who::Reader);
    let again = user(&reader, WANTED, SOURCE);
    std::fs::write(again.join("Cargo.lock"), &lock).expect("lock");
    let told = reader.run(&again, "cargo build --locked && ./target/debug/user");
    assert!(told.contains("theirs and ours"), "{told}");
    house.upstream.come_back();

    maker.run(&probe, "cargo yank --registry larder Probe_One@0.1.0");
    let other = house.home(Who::Reader);
    let project = user(&other, WANTED, SOURCE);
    let told = other.fails(&project, "cargo fetch");
    assert!(
        told.contains("yanked") || told.contains("failed to select a version"),
        "{told}"
    );
    std::fs::write(project.join("Cargo.lock"), &lock).expect("lock");
    other.run(&project, "cargo fetch --locked");
    maker.run(
        &probe,
        "cargo yank --undo --registry larder Probe_One@0.1.0",
    );
    other.run(&project, "rm Cargo.lock && cargo fetch");

    // Logging in is another way to the same right.
    let person = house.home(Who::Maker);
    let without = "unset CARGO_REGISTRIES_LARDER_TOKEN";
    let login = format!("{without}\necho $TOKEN | cargo login --registry larder\n{PUBLISH}");
    person.run(&package(&person, "0.1.1"), &login);
    person.fails(
        &package(&person, "0.1.2"),
        &format!("{without}\ncargo logout --registry larder\n{PUBLISH}"),
    );

    house.refuses_to_publish(|home| home.shell(&package(home, "0.2.0"), PUBLISH), tell);
    let install = |home: &Home, package: &str| {
        home.shell(
            &user(home, &format!("{package} = \"1\""), "fn main() {}"),
            "cargo fetch",
        )
    };
    house.installs(install, tell);
}
