//! Real clients and servers: found if they are installed, and run with nothing of this machine's
//! own settings.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where Debian and Go put programs that may not be in the search path.
const PLACES: [&str; 5] = [
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/lib/postgresql/15/bin",
    "/usr/local/go/bin",
];
/// What `.ci/setup` installs with pip and npm, each in a folder of its own in `larder-tools`.
const KEPT: [&str; 7] = [
    "twine",
    "moto",
    "uv",
    "poetry",
    "pnpm",
    "bun",
    "openapi-spec-validator",
];

/// The program of that name. If it is not installed the test is to return; with
/// `LARDER_TEST_REQUIRE=all` it fails.
#[track_caller]
pub fn tool(name: &str) -> Option<PathBuf> {
    let found = optional(name);
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

/// The program of that name, if it is installed.
pub fn optional(name: &str) -> Option<PathBuf> {
    let home = std::env::var("HOME").unwrap_or_default();
    let search = std::env::var("PATH").unwrap_or_default();
    // Debian's own come first: another program of the same name may stand in the search path.
    let own = PLACES.iter().map(PathBuf::from).chain([
        Path::new(&home).join("go/bin"),
        Path::new(&home).join(".cargo/bin"),
    ]);
    let found = |folder: PathBuf| Some(folder.join(name)).filter(|path| path.is_file());
    // An environment's `python3` is not meant: those are last.
    own.chain(std::env::split_paths(&search))
        .find_map(found)
        .or_else(|| KEPT.iter().find_map(|tool| kept(tool, name)))
}

/// The program of that name, of those that are built from sources which not every module proxy has.
/// Where `.ci/setup` could not get it that is said and is no failure, even with
/// `LARDER_TEST_REQUIRE=all`.
pub fn rare_tool(name: &str) -> Option<PathBuf> {
    let found = optional(name);
    if found.is_none() {
        tell(&format!(
            "NOT RUN: {name} is not installed and may not be had here"
        ));
    }
    found
}

/// The program of that name that `.ci/setup` keeps in this folder. If it is not there, as for
/// [`tool`].
#[track_caller]
pub fn tool_in(folder: &str, name: &str) -> Option<PathBuf> {
    let found = kept(folder, name);
    if found.is_none() {
        skip(&format!("{name} is not installed in larder-tools/{folder}"));
    }
    found
}

fn kept(folder: &str, name: &str) -> Option<PathBuf> {
    let found = |bin: &&str| kept_file(folder, &format!("{bin}/{name}"));
    ["bin", "node_modules/.bin"].iter().find_map(found)
}

/// A file that `.ci/setup` keeps in this folder.
pub fn kept_file(folder: &str, path: &str) -> Option<PathBuf> {
    let home = std::env::var("HOME").unwrap_or_default();
    // Empty counts as not set (XDG Base Directory Specification).
    let cache = std::env::var("XDG_CACHE_HOME").ok();
    let cache = cache
        .filter(|folder| !folder.is_empty())
        .unwrap_or_else(|| format!("{home}/.cache"));
    let folder = Path::new(&cache).join("larder-tools").join(folder);
    Some(folder.join(path)).filter(|path| path.is_file())
}

/// dnf's configuration as distributions have it.
const DNF: &str = "[main]\ngpgcheck=1\ninstallonly_limit=3\nclean_requirements_on_remove=True\n\
    best=False\nskip_if_unavailable=True\n";

/// Arguments that keep dnf below `home`, with the repositories in `repos` there, and away from this
/// machine's configuration and plugins.
pub fn dnf_arguments(home: &Path, repos: &str) -> Vec<String> {
    let below = |name: &str| home.join(name).display().to_string();
    std::fs::create_dir_all(below("log")).expect("log"); // dnf makes the other folders
    std::fs::write(below("dnf.conf"), DNF).expect("configuration");
    let folders = [
        ("reposdir", repos),
        ("cachedir", "cache"),
        ("logdir", "log"),
        ("persistdir", "persist"),
        ("destdir", "got"),
    ];
    let mut arguments = vec![
        "--noplugins".to_owned(),
        format!("--config={}", below("dnf.conf")),
        format!("--installroot={}", below("root")),
        "--setopt=retries=1".to_owned(),
        "--releasever=1".to_owned(),
        "-y".to_owned(),
    ];
    let set = |(name, folder)| format!("--setopt={name}={}", below(folder));
    arguments.extend(folders.map(set));
    arguments
}

/// Says that a test is skipped; with `LARDER_TEST_REQUIRE=all` it fails instead.
#[track_caller]
pub fn skip(why: &str) {
    assert_ne!(
        std::env::var("LARDER_TEST_REQUIRE").as_deref(),
        Ok("all"),
        "not to be skipped: {why}"
    );
    tell(&format!("SKIPPED: {why}"));
}

/// Whether tests run in their long form, as a release is tested (`LARDER_TEST_LONG=1`).
pub fn is_long() -> bool {
    std::env::var_os("LARDER_TEST_LONG").is_some()
}

/// Says something that is seen although its test passes: the macros' output is caught then.
fn tell(text: &str) {
    writeln!(std::io::stderr(), "{text}").expect("standard error");
}

/// A command in a home of its own: nothing of this user's settings reaches it.
pub fn command(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    let kept = ["PATH", "LANG", "TMPDIR"];
    command
        .env_clear()
        .envs(std::env::vars().filter(|(name, _)| kept.contains(&name.as_str())));
    command
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join(".config"))
        .env("XDG_CACHE_HOME", home.join(".cache"));
    command
        .env("XDG_DATA_HOME", home.join(".local/share"))
        .env("XDG_RUNTIME_DIR", home)
        .current_dir(home);
    command
}

/// Runs a command that must succeed; what it wrote to both outputs.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = told(&output);
    assert!(
        output.status.success(),
        "{command:?} failed with {}:\n{text}",
        output.status
    );
    text
}

/// Runs a command that must fail; what it told the person.
#[track_caller]
pub fn fails(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = told(&output);
    assert!(!output.status.success(), "{command:?} succeeded:\n{text}");
    text
}

/// Writes what `docker login` keeps of a login into `folder`, for clients that read it
/// (`DOCKER_CONFIG`).
#[track_caller]
pub fn docker_login(folder: &Path, host: &str, name: &str, password: &str) {
    use base64::Engine as _;
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    std::fs::create_dir_all(folder).expect("docker's settings");
    let kept = serde_json::json!({"auths": {host: {"auth": auth}}});
    std::fs::write(folder.join("config.json"), kept.to_string()).expect("docker's settings");
}

/// This program may have as many files open as it is ever allowed to, and what it starts as well.
pub fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    )
    .expect("limit");
}

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
