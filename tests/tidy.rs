//! What the compiler cannot hold: the ladder of rooms, one room for each outside library of weight,
//! headers, words.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may know.
const LADDER: [(&str, &[&str]); 17] = [
    ("model", &[]),
    ("config", &["model"]),
    ("storage", &["model"]),
    ("metadata", &["model"]),
    ("content", &["model", "storage", "metadata"]),
    ("mirrors", &["model"]),
    ("api", &["model"]),
    ("discover", &["model"]),
    ("keys", &["model"]),
    ("access", &["model", "metadata", "keys"]),
    ("door", &["model", "storage", "metadata", "keys", "access"]),
    (
        "cache",
        &[
            "model", "storage", "metadata", "content", "mirrors", "keys", "access", "door",
        ],
    ),
    (
        "registry",
        &[
            "model", "storage", "metadata", "content", "keys", "access", "door",
        ],
    ),
    (
        "web",
        &[
            "model", "metadata", "mirrors", "api", "keys", "access", "door",
        ],
    ),
    ("cli", &["model", "api", "discover"]),
    ("tests", &["model"]),
    (
        "server",
        &[
            "model", "config", "storage", "metadata", "content", "mirrors", "discover", "keys",
            "access", "door", "cache", "registry", "web", "cli",
        ],
    ),
];

/// Libraries that stand in few rooms only. Of `reqwest` the server has one client, that of
/// upstreams; commands have theirs.
const HOMES: [(&str, &[&str]); 19] = [
    ("object_store", &["storage"]),
    ("rusqlite", &["metadata"]),
    ("tokio-postgres", &["metadata"]),
    ("deadpool-postgres", &["metadata"]),
    ("reqwest", &["cache", "cli"]),
    ("quick-xml", &["mirrors"]),
    ("argon2", &["access"]),
    ("aws-lc-rs", &["keys"]),
    ("jsonwebtoken", &["access"]),
    ("prometheus-client", &["server"]),
    ("rcgen", &["server", "tests"]),
    ("tracing-subscriber", &["server"]),
    ("mimalloc", &["server"]),
    ("utoipa", &["api", "web"]),
    ("utoipa-axum", &["web"]),
    ("axum", &["web"]),
    ("tower", &["web"]),
    ("tower-http", &["web"]),
    ("askama", &["web"]),
];

/// Rooms that are pure: what does IO, or waits, has no place in their manifests.
const PURE: [&str; 3] = ["model", "mirrors", "api"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("workspace")
        .to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names below `[dependencies]` of a room's manifest.
fn dependencies(room: &str) -> Vec<String> {
    let text = read(&root().join(room).join("Cargo.toml"));
    let section = text
        .split("[dependencies]")
        .nth(1)
        .unwrap_or_default()
        .split("\n[")
        .next()
        .unwrap_or_default();
    let name = |line: &str| {
        line.split(['.', '=', ' '])
            .next()
            .map(str::to_owned)
            .filter(|name| !name.is_empty())
    };
    section
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(name)
        .collect()
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

#[test]
fn rooms_know_only_what_is_below_them() {
    let known: BTreeMap<_, _> = LADDER.into_iter().collect();
    let members = read(&root().join("Cargo.toml"));
    for room in known.keys() {
        assert!(
            members.contains(&format!("\"{room}\"")),
            "{room} is no member"
        );
    }
    for (room, may_know) in known {
        for dependency in dependencies(room) {
            if let Some(other) = dependency.strip_prefix("larder-") {
                assert!(may_know.contains(&other), "{room} may not know {other}");
            }
        }
    }
}

#[test]
fn outside_libraries_have_their_rooms() {
    for (library, homes) in HOMES {
        for (room, _) in LADDER {
            let used = dependencies(room)
                .iter()
                .any(|dependency| dependency == library);
            assert!(
                !used || homes.contains(&room),
                "{library} belongs to {homes:?}, not to {room}"
            );
        }
    }
}

#[test]
fn pure_rooms_do_no_io() {
    for room in PURE {
        for library in [
            "tokio",
            "futures-util",
            "reqwest",
            "hyper",
            "rustix",
            "tracing",
            "moka",
        ] {
            assert!(
                !dependencies(room)
                    .iter()
                    .any(|dependency| dependency == library),
                "{room} uses {library}"
            );
        }
    }
    for (path, text) in sources() {
        let below = path.strip_prefix(root()).unwrap_or(&path);
        if PURE.iter().any(|room| below.starts_with(room)) {
            for word in [
                "std::fs",
                "std::net",
                "std::process",
                "std::thread",
                "Instant::now",
            ] {
                assert!(!text.contains(word), "{} uses {word}", below.display());
            }
        }
    }
}

#[test]
fn every_dependency_has_its_line() {
    let documented = read(&root().join("docs/dependencies.md"));
    for (room, _) in LADDER {
        for dependency in dependencies(room)
            .iter()
            .filter(|name| !name.starts_with("larder-"))
        {
            assert!(
                documented.contains(dependency.as_str()),
                "docs/dependencies.md says nothing of {dependency}"
            );
        }
    }
}

#[test]
fn every_room_says_what_it_knows() {
    for (room, _) in LADDER {
        let entrance = ["src/lib.rs", "src/main.rs", "harness/lib.rs"];
        let entrance = entrance
            .iter()
            .map(|file| root().join(room).join(file))
            .find(|path| path.exists())
            .expect(room);
        let text = read(&entrance);
        assert!(text.starts_with("//!"), "{room} has no header");
        assert!(
            text.contains("Must never know") || text.contains("must never know"),
            "{room} does not say what it must never know"
        );
    }
}

#[test]
fn files_can_be_held_in_the_head() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 1700, "{} has {lines} lines", path.display());
        for (number, line) in text.lines().enumerate() {
            assert!(
                line.chars().count() <= 170,
                "{}:{} is too long",
                path.display(),
                number + 1
            );
        }
    }
}

#[test]
fn no_clock_or_environment_outside_their_rooms() {
    let allowed = |path: &Path| {
        let below = path.strip_prefix(root()).unwrap_or(path);
        [
            "server",
            "tests",
            "config/tests",
            "config/src/example.rs",
            "cli",
            "web/src/tests",
        ]
        .iter()
        .any(|room| below.starts_with(room))
    };
    for (path, text) in sources().filter(|(path, _)| !allowed(path)) {
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in ["SystemTime::now()", "std::env::var", "env::vars"] {
            let stale = word == "SystemTime::now()" && path.ends_with("storage/src/store.rs"); // file times are its own
            assert!(
                stale || !text.contains(word),
                "{} uses {word}",
                path.display()
            );
        }
    }
}

#[test]
fn no_package_registry_is_named() {
    let joined = |parts: &[&str]| parts.concat();
    let hosts = [
        joined(&["index.", "crates", ".io"]),
        joined(&["static.", "crates", ".io"]),
        joined(&["pypi", ".org"]),
        joined(&["files.", "pythonhosted", ".org"]),
        joined(&["registry.", "npmjs", ".org"]),
        joined(&["registry.", "yarnpkg", ".com"]),
        joined(&["deb.", "debian", ".org"]),
        joined(&["proxy.", "golang", ".org"]),
        joined(&["sum.", "golang", ".org"]),
        joined(&["repo.", "maven", ".apache.org"]),
        joined(&["repo1.", "maven", ".org"]),
    ];
    for path in files() {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        for host in &hosts {
            assert!(
                !text.contains(host.as_str()),
                "{} names {host}",
                path.display()
            );
        }
    }
}
