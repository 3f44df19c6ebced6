//! What can be held in the head.

use std::path::Path;

use crate::{read, root, sources};

/// Lines of a file.
const LINES: usize = 500;
/// Characters of a line.
const WIDTH: usize = 120;

#[test]
fn files_can_be_held_in_the_head() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let below = path.strip_prefix(root()).unwrap_or(&path);
        let lines = text.lines().count();
        if lines > LINES {
            wrong.push(format!("{}: {lines} lines", below.display()));
        }
        for (number, line) in text.lines().enumerate() {
            let width = line.chars().count();
            if width > WIDTH {
                let number = number + 1;
                wrong.push(format!("{}:{number}: {width} wide", below.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Clippy counts the lines of functions, 100 at most, if nothing tells it otherwise.
#[test]
fn functions_are_counted() {
    let lint = ["too", "many", "lines"];
    let settings = read(&root().join("clippy.toml"));
    assert!(!settings.contains(&lint.join("-")), "clippy.toml raises it");
    let manifest = read(&root().join("Cargo.toml"));
    assert!(!manifest.contains(&lint.join("_")), "Cargo.toml lowers it");
    for (path, text) in sources() {
        let below = path.strip_prefix(root()).unwrap_or(Path::new(""));
        let silenced = text.contains(&lint.join("_"));
        assert!(!silenced, "{} does not count", below.display());
    }
}
