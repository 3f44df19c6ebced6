//! The ladder of crates, and the crates of outside libraries.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::{crates, files, read, root, sources};

/// Each crate and the crates that it may know.
pub const LADDER: [(&str, &[&str]); 24] = [
    ("model", &[]),
    ("archive", &["model"]),
    ("config", &["model"]),
    ("storage", &["model"]),
    ("metadata", &["model"]),
    ("content", &["model", "storage", "metadata"]),
    ("jobs", &["model", "metadata"]),
    ("gc", &["model", "storage", "metadata", "jobs"]),
    (
        "scrub",
        &["model", "storage", "metadata", "content", "jobs"],
    ),
    (
        "backup",
        &["model", "archive", "storage", "metadata", "content"],
    ),
    ("mirrors", &["model"]),
    ("api", &["model"]),
    ("discover", &["model"]),
    ("keys", &["model"]),
    ("access", &["model", "metadata", "keys"]),
    (
        "door",
        &["model", "storage", "metadata", "content", "keys", "access"],
    ),
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
        "git",
        &[
            "model", "storage", "metadata", "mirrors", "content", "access", "door", "cache",
        ],
    ),
    (
        "web",
        &[
            "model", "metadata", "jobs", "mirrors", "api", "keys", "access", "door",
        ],
    ),
    ("gui", &["model", "api", "access", "door", "web"]),
    ("cli", &["model", "archive", "api", "discover"]),
    ("tests", &["model"]),
    (
        "server",
        &[
            "model", "archive", "config", "storage", "metadata", "content", "jobs", "gc", "scrub",
            "backup", "mirrors", "discover", "keys", "access", "door", "cache", "registry", "git",
            "web", "gui", "cli",
        ],
    ),
];

/// Libraries of weight, each with the crates that may use it. Of `reqwest` the server has one
/// client, that of upstreams; commands have theirs.
const HOMES: [(&str, &[&str]); 50] = [
    ("object_store", &["storage"]),
    ("rusqlite", &["metadata"]),
    ("tokio-postgres", &["metadata"]),
    ("tokio-postgres-rustls", &["metadata"]),
    ("deadpool-postgres", &["metadata"]),
    ("rustls-native-certs", &["metadata", "cache"]),
    ("reqwest", &["cache", "cli"]),
    ("url", &["cache", "gui"]),
    ("oci-spec", &["registry", "mirrors"]),
    ("pulldown-cmark", &["gui"]),
    ("quick-xml", &["mirrors"]),
    ("html5gum", &["mirrors"]),
    ("percent-encoding", &["mirrors"]),
    ("semver", &["mirrors"]),
    ("tar", &["tests"]),
    ("flate2", &["mirrors", "cache", "git", "gui", "tests"]),
    ("zstd", &["archive", "mirrors"]),
    ("bzip2", &["mirrors"]),
    ("lzma-rust2", &["mirrors"]),
    ("sha2", &["model"]),
    ("sha1", &["model", "mirrors", "tests"]),
    ("md-5", &["mirrors"]),
    ("blake2", &["mirrors"]),
    ("aws-lc-rs", &["mirrors", "keys"]),
    ("subtle", &["keys"]),
    ("argon2", &["access"]),
    ("jsonwebtoken", &["access"]),
    ("arc-swap", &["access", "cache", "server"]),
    ("moka", &["access", "cache", "registry", "git"]),
    ("quick_cache", &["storage", "metadata", "cache"]),
    ("toml", &["config", "discover", "mirrors", "cli"]),
    ("clap", &["cli", "server"]),
    ("clap_mangen", &["cli"]),
    ("tempfile", &["discover", "tests"]),
    ("utoipa", &["api", "web"]),
    ("utoipa-axum", &["web"]),
    ("axum", &["web", "gui"]),
    ("tower", &["web", "gui"]),
    ("tower-http", &["web", "gui"]),
    ("askama", &["web", "gui"]),
    ("hyper", &["door", "server"]),
    ("hyper-util", &["server"]),
    ("rustls", &["metadata", "keys", "cache", "server", "tests"]),
    ("x509-cert", &["keys"]),
    ("tokio-rustls", &["server", "tests"]),
    ("rcgen", &["keys", "server", "tests"]),
    ("h2", &["tests"]),
    ("fuser", &["tests"]),
    ("prometheus-client", &["server"]),
    ("socket2", &["server"]),
];

/// Libraries that any crate may use, if it is not pure.
const COMMON: [&str; 13] = [
    "async-trait",
    "base64",
    "bytes",
    "futures-util",
    "getrandom",
    "http",
    "http-body",
    "http-body-util",
    "rustix",
    "serde",
    "serde_json",
    "tokio",
    "tracing",
];

/// Libraries of the program itself.
const PROGRAM: [&str; 2] = ["mimalloc", "tracing-subscriber"];

/// Crates that are pure: what does IO, or waits, has no place in their manifests.
const PURE: [&str; 4] = ["model", "archive", "mirrors", "api"];

/// The libraries that a manifest names in a section.
fn section(manifest: &str, title: &str) -> Vec<String> {
    let text = read(&root().join(manifest));
    let lines = text.lines().skip_while(|line| *line != title).skip(1);
    let inside = lines.take_while(|line| !line.starts_with('['));
    let name = |line: &str| line.split(['.', '=', ' ', '#']).next().map(str::to_owned);
    let names = inside.filter_map(name);
    names.filter(|name| !name.is_empty()).collect()
}

/// What a crate depends on.
fn dependencies(name: &'static str) -> Vec<String> {
    section(&format!("{}/Cargo.toml", folder_of(name)), "[dependencies]")
}

/// Where a crate stands: at the top under its name, but for the one that belongs to another.
pub fn folder_of(name: &'static str) -> &'static str {
    if name == "gui" { "web/gui" } else { name }
}

#[test]
fn crates_know_only_what_is_below_them() {
    let members = read(&root().join("Cargo.toml"));
    let mut below: Vec<&str> = Vec::new();
    for (name, may_know) in LADDER {
        assert!(
            members.contains(&format!("\"{}\"", folder_of(name))),
            "{name} is no member"
        );
        let above = may_know.iter().find(|other| !below.contains(other));
        assert_eq!(above, None, "{name} may know what is not below it");
        below.push(name);
        for dependency in dependencies(name) {
            if let Some(other) = dependency.strip_prefix("larder-") {
                assert!(may_know.contains(&other), "{name} may not know {other}");
            }
        }
    }
}

#[test]
fn every_crate_has_its_step() {
    let manifests = files();
    let folder = |path: &PathBuf| {
        let below = path.strip_prefix(root()).ok()?;
        let member = below.components().count() == 2 && below.ends_with("Cargo.toml");
        member.then(|| below.parent().map(Path::to_owned))?
    };
    for folder in manifests.iter().filter_map(folder) {
        let known = LADDER
            .iter()
            .any(|(name, _)| folder == Path::new(folder_of(name)));
        assert!(known, "{}: the ladder does not have it", folder.display());
    }
}

#[test]
fn the_code_map_says_the_same() {
    let map = read(&root().join("ARCHITECTURE.md"));
    for (name, may_know) in LADDER {
        let begins = format!("| `{}` |", folder_of(name));
        let line = map.lines().find(|line| line.starts_with(&begins));
        let line = line.unwrap_or_else(|| panic!("ARCHITECTURE.md: no line of {name}"));
        let says = line.trim_end_matches(" |").rsplit("| ").next();
        let says: BTreeSet<_> = says.unwrap_or_default().split(' ').collect();
        let same = match name {
            "server" => says == BTreeSet::from(["every", "crate"]),
            "tests" => says == BTreeSet::from(["model,", "the", "binary"]),
            _ if may_know.is_empty() => says == BTreeSet::from(["nothing"]),
            _ => says == may_know.iter().copied().collect(),
        };
        assert!(
            same,
            "ARCHITECTURE.md says of {name} that it may know {says:?}"
        );
    }
}

#[test]
fn outside_libraries_have_their_crates() {
    for (name, _) in LADDER {
        for library in dependencies(name) {
            let home = HOMES.iter().find(|(other, _)| *other == library);
            let allowed = match home {
                Some((_, homes)) => homes.contains(&name),
                None if PROGRAM.contains(&&*library) => name == "server",
                None => library.starts_with("larder-") || COMMON.contains(&&*library),
            };
            let homes = home.map_or(&[] as &[&str], |(_, homes)| homes);
            assert!(allowed, "{library} belongs to {homes:?}, not to {name}");
        }
    }
}

#[test]
fn pure_crates_do_no_io() {
    for name in PURE {
        for library in [
            "tokio",
            "futures-util",
            "reqwest",
            "hyper",
            "rustix",
            "tracing",
            "moka",
            "quick_cache",
        ] {
            assert!(
                !dependencies(name)
                    .iter()
                    .any(|dependency| dependency == library),
                "{name} uses {library}"
            );
        }
    }
    for (path, text) in sources() {
        let below = path.strip_prefix(root()).unwrap_or(&path);
        if PURE.iter().any(|name| below.starts_with(name)) {
            for word in [
                "std::fs",
                "TcpStream",
                "UdpSocket",
                "ToSocketAddrs",
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
    let all = section("Cargo.toml", "[workspace.dependencies]");
    assert!(all.len() > HOMES.len(), "{all:?}");
    for name in all.iter().filter(|name| !name.starts_with("larder-")) {
        let said = documented.contains(&format!("`{name}`"));
        assert!(said, "docs/dependencies.md says nothing of {name}");
    }
}

#[test]
fn every_crate_says_what_it_knows() {
    for (name, entrance) in crates() {
        let text = read(&entrance);
        assert!(text.starts_with("//!"), "{name} has no header");
        assert!(
            text.contains("Must never know") || text.contains("must never know"),
            "{name} does not say what it must never know"
        );
    }
}
