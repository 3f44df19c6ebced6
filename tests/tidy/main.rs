//! What the compiler cannot hold.
//!
//! - `ladder`: which crate may know which other, and which library outside.
//! - `order`: modules are listed in the order in which they are read. At every level a module uses
//!   only modules listed before it; what its children use counts as its own. A file's own items are
//!   in no circle with its children either: they may use the file, or the file them. A `pub use`
//!   uses nothing, and tests may use everything.
//! - `words`: no protocol has a name outside its folder, and bytes get theirs in one crate.
//! - `docs`: the files that ARCHITECTURE.md names are there.
//! - `licences`: the list of the libraries in the program is that of `Cargo.lock`.
//! - `size`: lines, files and functions that can be held in the head.

mod ladder;
mod docs;
mod licences;
mod order;
mod size;
mod tokens;
mod words;

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("workspace")
        .to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files that git tracks or would track.
fn files() -> Vec<PathBuf> {
    let root = root();
    let listed = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .expect("git");
    let paths = String::from_utf8(listed.stdout).expect("paths");
    paths
        .lines()
        .map(|path| root.join(path))
        .filter(|path| path.is_file())
        .collect()
}

fn sources() -> impl Iterator<Item = (PathBuf, String)> {
    files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .map(|path| {
            let text = read(&path);
            (path, text)
        })
}

/// The members of the workspace, each with the file that it begins with.
fn crates() -> Vec<(&'static str, PathBuf)> {
    let entrance = |name: &'static str| {
        let below = ["src/lib.rs", "src/main.rs", "harness/lib.rs"];
        let mut paths = below
            .iter()
            .map(|file| root().join(ladder::folder_of(name)).join(file));
        (name, paths.find(|path| path.exists()).expect(name))
    };
    ladder::LADDER.map(|(name, _)| entrance(name)).to_vec()
}
