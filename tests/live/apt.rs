//! apt: this machine's own distribution, through the archive that its sources name.

use crate::rounds::{Visit, rounds};
use larder_tests::tools::{is_long, skip};
use larder_tests::{Larder, run, tool};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Programs that need many others.
const WANTED: &str = "build-essential git python3-venv curl vim nginx postgresql ruby php-cli";

/// The suite of the system that runs.
pub(crate) fn suite() -> Option<String> {
    let release = std::fs::read_to_string("/etc/os-release").ok()?;
    let line = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    line.map(|value| value.trim_matches('"').to_owned())
}

/// Readies the mirror that the first start made of what this machine's apt uses.
pub(crate) fn open(larder: &Larder) -> bool {
    let mirror = larder.api("GET", "repositories/deb/upstream", "", 200);
    if !mirror["upstream"]["url"].is_string() {
        skip("no archive was found on this machine");
        return false;
    }
    assert!(
        mirror["upstream"]["trusted_keys"].is_string(),
        "its keys are trusted: {mirror}"
    );
    larder.grant("anonymous", "deb/*", "*", "reader");
    true
}

/// Prepares apt in a visitor's home, whose sources are the lines of `larder connect`.
fn prepare(visit: &Visit<'_>, suite: &str) {
    visit.connect("apt", "deb/upstream", "");
    let home = visit.home();
    let at = |path: &str| home.join(path).display().to_string();
    for path in [
        "state/lists/partial",
        "cache/archives/partial",
        "log",
        "etc/apt/apt.conf.d",
    ] {
        std::fs::create_dir_all(home.join(path)).expect("folders");
    }
    let sources = home.join("etc/apt/sources.list.d/larder-upstream.sources");
    let text = std::fs::read_to_string(&sources).expect("sources");
    let text = text
        .replace("$SUITE", suite)
        .replace("Types: deb", "Types: deb deb-src")
        .replace("/etc/apt/keyrings", &at("etc/apt/keyrings"));
    std::fs::write(sources, text).expect("sources");
    std::fs::write(home.join("state/status"), "").expect("status");
    let lines = [
        ("Dir", at("")),
        ("Dir::State", at("state")),
        ("Dir::State::status", at("state/status")),
        ("Dir::Cache", at("cache")),
        ("Dir::Log", at("log")),
        ("Dir::Etc", at("etc/apt")),
        ("Dir::Etc::Parts", at("etc/apt/apt.conf.d")),
        ("Dir::Etc::SourceList", at("etc/apt/none")),
        ("Dir::Etc::SourceParts", at("etc/apt/sources.list.d")),
        ("Dir::Etc::Trusted", at("etc/apt/none")),
        ("Dir::Etc::TrustedParts", at("etc/apt/none")),
        ("APT::Sandbox::User", "root".to_owned()),
        ("Acquire::Languages", "none".to_owned()),
        ("Acquire::Check-Valid-Until", "false".to_owned()),
        ("Debug::NoLocking", "1".to_owned()),
    ];
    let text = lines.iter().fold(String::new(), |text, (name, value)| {
        format!("{text}{name} \"{value}\";\n")
    });
    std::fs::write(home.join("apt.conf"), text).expect("configuration");
}

/// The packages in a folder, with their sizes.
fn packages(folder: &Path) -> BTreeMap<String, u64> {
    let entries = std::fs::read_dir(folder).expect("folder").flatten();
    let name = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let debs = entries.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "deb"));
    debs.map(|entry| (name(&entry), entry.metadata().expect("size").len()))
        .collect()
}

#[test]
fn packages_and_sources_of_the_distribution() {
    let (Some(apt), Some(suite)) = (tool("apt-get"), suite()) else {
        return;
    };
    let get = |visit: &Visit<'_>| {
        prepare(visit, &suite);
        let run = |words: &[&str]| {
            let mut command = visit.command(&apt);
            command.env("APT_CONFIG", visit.home().join("apt.conf"));
            run(command.current_dir(visit.home()).args(words))
        };
        run(&["update"]);
        let mut install = vec!["-y", "-d", "--no-install-recommends", "install"];
        install.extend(WANTED.split(' '));
        run(&install);
        run(&["source", "--download-only", "hello"]);
        assert!(
            std::fs::read_dir(visit.home())
                .expect("home")
                .flatten()
                .any(|entry| entry.file_name().to_string_lossy().starts_with("hello_")),
            "a source package"
        );
        packages(&visit.home().join("cache/archives")).len()
    };
    rounds("apt", 200, open, get, || {});
}

#[test]
fn a_root_is_made_by_debootstrap() {
    let (Some(debootstrap), Some(suite)) = (tool("debootstrap"), suite()) else {
        return;
    };
    if !larder_tests::engine::is_root() {
        return;
    }
    // While the upstream may be asked packages come without being installed, which takes longest.
    let is_cut = AtomicBool::new(false);
    let get = |visit: &Visit<'_>| {
        let root = bootstrap(visit, &debootstrap, &suite);
        let mut shell = visit.command(Path::new("/usr/sbin/chroot"));
        let told = run(shell
            .arg(&root)
            .args(["/bin/sh", "-c", "dpkg -l | grep -c ^ii"]));
        let made: usize = told.trim().parse().expect("a number of packages");
        if !is_long() {
            return made;
        }
        install(visit, &root, &suite, is_cut.load(Ordering::Relaxed));
        made + packages(&root.join("var/cache/apt/archives")).len()
    };
    let least = if is_long() { 200 } else { 60 };
    rounds("debootstrap", least, open, get, || {
        is_cut.store(true, Ordering::Relaxed);
    });
}

/// What apt needs to be told in a root.
const IN_ROOT: &str = "APT::Install-Recommends \"false\";\nAcquire::Languages \"none\";\n\
    Acquire::Check-Valid-Until \"false\";\nDpkg::Options:: \"--force-unsafe-io\";\n";
/// Uses what was installed.
const USE: &str = "test -z \"$(dpkg --audit)\"\n\
    echo 'int main(void) { return 0; }' > /a.c && gcc -o /a /a.c && /a\n\
    git init -q /repository && python3 -m venv /venv && /venv/bin/pip --version\n\
    ruby -e 'puts 1' && php -r 'echo 1;' && nginx -t && curl --version\n\
    su postgres -c 'pg_lsclusters -h' | grep main\n";

/// Has apt install the programs in a root, in which nothing but the server's lines tells it where they
/// are, and uses them; or, unless `really`, get their packages alone.
fn install(visit: &Visit<'_>, root: &Path, suite: &str, really: bool) {
    let apt = root.join("etc/apt");
    let write = |path: &Path, text: &str| {
        std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        std::fs::write(path, text).expect("file");
    };
    for file in [
        "keyrings/larder-upstream.asc",
        "sources.list.d/larder-upstream.sources",
    ] {
        let text = std::fs::read_to_string(visit.home().join("etc/apt").join(file));
        let text = text.expect("what connect told").replace("$SUITE", suite);
        write(&apt.join(file), &text);
    }
    write(&apt.join("sources.list"), "");
    write(&apt.join("apt.conf.d/99tests"), IN_ROOT);
    let policy = root.join("usr/sbin/policy-rc.d");
    write(&policy, "#!/bin/sh\nexit 101\n");
    std::fs::set_permissions(policy, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("policy");
    let (word, uses) = if really { ("", USE) } else { ("-d", "") };
    // What debootstrap got is counted with what is installed.
    let within = format!(
        "set -e\napt-get clean\napt-get update\napt-get -y {word} install {WANTED}\n{uses}"
    );
    // What packages start ends with the namespace, and so do the mounts that they need.
    let script = "mkdir -p \"$0/dev/shm\" && mount -t proc proc \"$0/proc\" && \
        mount -t tmpfs tmpfs \"$0/dev/shm\" && exec /usr/sbin/chroot \"$0\" /bin/sh -c \"$1\"";
    let mut shell = visit.command(&tool("unshare").expect("unshare"));
    shell
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args([
            "-m",
            "-p",
            "--fork",
            "--kill-child",
            "/bin/sh",
            "-c",
            script,
        ]);
    run(shell.arg(root).arg(within));
}

/// Has debootstrap make a root in a visitor's home.
pub(crate) fn bootstrap(visit: &Visit<'_>, debootstrap: &Path, suite: &str) -> PathBuf {
    visit.connect("apt", "deb/upstream", "");
    let keys = visit.home().join("etc/apt/keyrings/larder-upstream.asc");
    let root = visit.home().join("root");
    let mut make = visit.command(debootstrap);
    make.arg("--variant=minbase")
        .arg(format!("--keyring={}", keyring(visit, &keys)))
        .arg(suite)
        .arg(&root)
        .arg(format!("{}/deb/upstream", visit.larder.url()));
    run(&mut make);
    root
}

/// A keyring as gpgv reads it, of armored keys.
fn keyring(visit: &Visit<'_>, armored: &Path) -> String {
    let gpg = tool("gpg").expect("gpg");
    let ring = visit.home().join("ring.gpg");
    let home = visit.home().join("gnupg");
    std::fs::create_dir_all(&home).expect("folder");
    let mut import = visit.command(&gpg);
    import
        .env("GNUPGHOME", &home)
        .args(["--batch", "--no-default-keyring", "--keyring"])
        .arg(&ring)
        .arg("--import")
        .arg(armored);
    run(&mut import);
    ring.display().to_string()
}
