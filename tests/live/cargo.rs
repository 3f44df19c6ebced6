//! cargo: the crates of this workspace, by its lock.

use crate::rounds::{Visit, is_found, rounds};
use larder_tests::run;
use std::path::Path;

#[test]
fn crates_of_a_workspace() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("workspace");
    let lock = || std::fs::read_to_string(workspace.join("Cargo.lock")).expect("lock");
    let locked = lock();
    let crates = locked.matches("\nchecksum = ").count();
    let get = |visit: &Visit<'_>| {
        visit.connect("cargo", "cargo/upstream", "");
        let cargo = Path::new(env!("CARGO"));
        let folder = cargo.parent().expect("folder").display().to_string();
        let mut fetch = visit.command(cargo);
        let path = std::env::var("PATH").unwrap_or_default();
        fetch.env("PATH", format!("{folder}:{path}")).args([
            "fetch",
            "--locked",
            "--manifest-path",
        ]);
        run(fetch.arg(workspace.join("Cargo.toml")));
        let got = count(&visit.home().join(".cargo/registry/cache"));
        assert_eq!(got, crates, "crates in the lock");
        got
    };
    rounds("cargo", 300, |larder| is_found(larder, "cargo"), get, || {});
    assert_eq!(lock(), locked);
}

/// Crates below a folder: one for each registry.
fn count(folder: &Path) -> usize {
    let registries = std::fs::read_dir(folder).expect("registries");
    registries
        .map(|registry| {
            std::fs::read_dir(registry.expect("registry").path())
                .expect("crates")
                .count()
        })
        .sum()
}
