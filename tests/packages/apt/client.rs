//! apt with all that it keeps in a folder of its own, and away from this machine's configuration.

use crate::house::read;
use larder_tests::debs::Keys;
use larder_tests::home::Home;
use larder_tests::tool;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What a test begins with: keys in a folder of their own.
pub(super) fn keys() -> Option<(TempDir, Keys)> {
    let folder = tempfile::tempdir().expect("folder");
    let keys = Keys::make(&folder.path().join("keys"), "never")?;
    Some((folder, keys))
}

/// The same with apt.
pub(super) fn begin() -> Option<(PathBuf, TempDir, Keys)> {
    let program = tool("apt-get")?;
    let (folder, keys) = keys()?;
    Some((program, folder, keys))
}

/// Prepares a home that was told the lines of `larder connect` for apt: its files are read, and
/// nothing of the machine's. `suite` is put in where the lines leave it open.
pub(super) fn prepare(home: &Home, suite: &str) {
    let folder = home.folder();
    let below = |path: &str| folder.join(path);
    let at = |path: &str| below(path).display().to_string();
    for path in [
        "state/lists/partial",
        "cache/archives/partial",
        "log",
        "etc/apt/sources.list.d",
        "etc/apt/apt.conf.d",
        "etc/apt/auth.conf.d",
        "etc/apt/preferences.d",
    ] {
        std::fs::create_dir_all(below(path)).expect("folders");
    }
    std::fs::write(below("state/status"), "").expect("status");
    for entry in std::fs::read_dir(below("etc/apt/sources.list.d")).expect("sources") {
        let path = entry.expect("source").path();
        let text = read(&path)
            .replace("$SUITE", suite)
            .replace("/etc/apt/keyrings", &at("etc/apt/keyrings"));
        std::fs::write(path, text).expect("source");
    }
    let lines = [
        ("Dir", at("")),
        ("Dir::State", at("state")),
        ("Dir::State::status", at("state/status")),
        ("Dir::Cache", at("cache")),
        ("Dir::Log", at("log")),
        ("Dir::Etc", at("etc/apt")),
        ("Dir::Etc::Parts", at("etc/apt/apt.conf.d")),
        ("Dir::Etc::Main", at("etc/apt/none")),
        ("Dir::Etc::SourceList", at("etc/apt/none")),
        ("Dir::Etc::SourceParts", at("etc/apt/sources.list.d")),
        ("Dir::Etc::NetrcParts", at("etc/apt/auth.conf.d")),
        ("Dir::Etc::Netrc", at("etc/apt/none")),
        ("Dir::Etc::Trusted", at("etc/apt/none")),
        ("Dir::Etc::TrustedParts", at("etc/apt/none")),
        ("Dir::Etc::PreferencesParts", at("etc/apt/preferences.d")),
        ("APT::Architecture", "amd64".to_owned()),
        ("APT::Architectures", "amd64".to_owned()),
        ("APT::Sandbox::User", "root".to_owned()),
        ("APT::Update::Error-Mode", "any".to_owned()),
        ("Acquire::Retries", "0".to_owned()),
        ("Acquire::Languages", "none".to_owned()),
        ("Debug::NoLocking", "1".to_owned()),
    ];
    let text = lines.iter().fold(String::new(), |text, (name, value)| {
        format!("{text}{name} \"{value}\";\n")
    });
    std::fs::write(below("apt.conf"), text).expect("configuration");
}

/// A line for the shell in which `apt-get` and the like are those of a home.
pub(super) fn apt(home: &Home, line: &str) -> Command {
    let config = home.folder().join("apt.conf");
    let mut shell = home.shell(home.folder(), line);
    shell.env("APT_CONFIG", config);
    shell
}

/// Whether a home has a package, as apt keeps what it got.
pub(super) fn has(home: &Home, file: &str) -> bool {
    Path::new(&home.folder().join("cache/archives"))
        .join(file)
        .is_file()
}

/// The lines that tell a person why something failed.
pub(super) fn told(text: &str) -> String {
    let why = crate::house::why(text, &["Err:", "E: ", "Couldn't find"]);
    // The address in it has another port each time.
    let line = |line: &str| {
        let end = line.find(" [IP: ").unwrap_or(line.len());
        format!("{}\n", &line[..end])
    };
    why.lines().map(line).collect()
}
