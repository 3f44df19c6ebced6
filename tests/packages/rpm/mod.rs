//! rpms: put by `curl -T`, told of as `createrepo_c` would, installed by dnf with every check that
//! it has.

mod copied;
mod given;
mod group;
mod makers;
mod uploads;

use crate::{folder, larder, token};
use larder_tests::engine::is_root;
use larder_tests::tools::{command, dnf_arguments, fails};
use larder_tests::{Larder, Response, run, tool};
use makers::{Makers, SIGNER, small};
use serde_json::json;
use std::path::{Path, PathBuf};

const EVERYTHING: &str = include_str!("all.spec");
/// All that dnf can check.
const CHECKED: &str = "gpgcheck=1\nrepo_gpgcheck=1";
const TOLD: &str = include_str!("told.py");

fn name_of(package: &Path) -> String {
    package
        .file_name()
        .expect("name")
        .to_string_lossy()
        .into_owned()
}

/// Puts a file as people do it: by curl.
fn upload(larder: &Larder, file: &Path, path: &str) -> String {
    let curl = tool("curl").expect("curl");
    let mut upload = command(&curl, larder.folder());
    upload
        .args([
            "-sS",
            "-u",
            &format!("admin:{}", token(larder)),
            "-w",
            "%{http_code}",
            "-T",
        ])
        .arg(file);
    run(upload.arg(format!("{}{path}", larder.url())))
}

fn put(larder: &Larder, path: &str, body: &[u8]) -> Response {
    larder.admin().send("PUT", path, &[], body)
}

/// Saves the metadata of a repository as it is served.
fn save(larder: &Larder, repo: &str, at: &Path) {
    std::fs::create_dir_all(at.join("repodata")).expect("folder");
    let repomd = larder
        .admin()
        .get(&format!("/rpm/{repo}/repodata/repomd.xml"))
        .expect(200)
        .text();
    std::fs::write(at.join("repodata/repomd.xml"), &repomd).expect("file");
    for part in repomd.split("href=\"").skip(1) {
        let path = part.split('"').next().expect("href");
        std::fs::write(
            at.join(path),
            larder
                .admin()
                .get(&format!("/rpm/{repo}/{path}"))
                .expect(200)
                .body,
        )
        .expect("file");
    }
}

fn told(at: &Path) -> String {
    run(command(&tool("python3").expect("python3"), at)
        .args(["-c", TOLD])
        .arg(at))
}

#[test]
fn metadata_tells_what_createrepo_tells() {
    let (Some(createrepo), Some(_), Some(_)) =
        (tool("createrepo_c"), tool("python3"), tool("curl"))
    else {
        return;
    };
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    let packages = makers.build(EVERYTHING);
    assert_eq!(
        packages.len(),
        3,
        "a package, one below it, and their source"
    );
    let theirs = folder(&larder, "theirs", &[("empty", "")]);
    for package in &packages {
        let path = format!("Packages/{}", name_of(package));
        std::fs::create_dir_all(theirs.join("Packages")).expect("folder");
        std::fs::copy(package, theirs.join(&path)).expect("copy");
        assert!(upload(&larder, package, &format!("/rpm/main/{path}")).ends_with("201"));
        assert!(
            upload(&larder, package, &format!("/rpm/main/{path}")).ends_with("201"),
            "the same once more"
        );
    }
    run(command(&createrepo, larder.folder())
        .arg("-q")
        .arg("--no-database")
        .arg(&theirs));
    let ours = larder.folder().join("ours");
    save(&larder, "local", &ours);
    let (ours, theirs) = (told(&ours), told(&theirs));
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours, theirs);
}

/// dnf as a machine of its own, whose one repository is checked in every way that it knows.
struct Machine {
    home: PathBuf,
    dnf: PathBuf,
}

impl Machine {
    fn new(larder: &Larder, dnf: &Path, repo: &str, checks: &str) -> Self {
        let address = format!("{}/rpm/{repo}/", larder.url());
        let about = format!(
            "[ours]\nname=ours\nbaseurl={address}\n{checks}\ngpgkey={address}repodata/repomd.xml.key\n\
             username=admin\npassword={}\n",
            token(larder)
        );
        let name = format!("machine-{}", repo.replace('/', "-"));
        let home = folder(
            larder,
            &name,
            &[
                ("repos/ours.repo", &about),
                ("log/empty", ""),
                ("root/empty", ""),
            ],
        );
        Self {
            home,
            dnf: dnf.to_owned(),
        }
    }

    fn dnf(&self, words: &[&str]) -> std::process::Command {
        let mut dnf = command(&self.dnf, &self.home);
        dnf.args(dnf_arguments(&self.home, "repos"));
        dnf.arg("--setopt=module_platform_id=platform:el9")
            .args(words);
        dnf
    }

    fn run(&self, words: &[&str]) -> String {
        run(&mut self.dnf(words))
    }

    /// Installs for good: with the keys that it took, and all that rpm checks.
    fn installs(&self, packages: &[&str]) {
        self.run(&[&["install", "--refresh"], packages].concat());
    }

    /// What a package of one file put there: its version.
    fn holds(&self, name: &str) -> String {
        std::fs::read_to_string(self.home.join("root/usr/share").join(name))
            .unwrap_or_default()
            .trim()
            .to_owned()
    }
}

fn set_key(larder: &Larder, repo: &str, key: &str) -> serde_json::Value {
    larder.api(
        "PATCH",
        &format!("repositories/rpm/{repo}"),
        &json!({"signing_key": key}).to_string(),
        200,
    )
}

fn signed_with(kind: &str) {
    let (Some(dnf), Some(_), true) = (tool("dnf"), tool("curl"), is_root()) else {
        return;
    };
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    let key = makers.key(SIGNER, kind, "sign");
    let shown = set_key(&larder, "local", &key);
    let fingerprint = shown["signing_key"]
        .as_str()
        .expect("fingerprint")
        .to_owned();
    assert!(
        makers.gpg(&["--list-keys"]).contains(&fingerprint),
        "{shown}"
    );
    assert!(
        !larder
            .api("GET", "repositories/rpm/local", "", 200)
            .to_string()
            .contains("PRIVATE")
    );

    let one = makers.build(&small("one", "1.0"));
    makers.sign(SIGNER, &one);
    assert!(upload(&larder, &one[0], "/rpm/main/one/").ends_with("201"));
    let machine = Machine::new(&larder, &dnf, "local", CHECKED);
    machine.installs(&["one"]);
    assert_eq!(machine.holds("one"), "1.0");

    // What is published later is seen.
    let two = makers.build(&small("one", "2.0"));
    makers.sign(SIGNER, &two);
    assert!(upload(&larder, &two[0], "/rpm/local/one/").ends_with("201"));
    machine.run(&["upgrade", "--refresh"]);
    assert_eq!(machine.holds("one"), "2.0");

    // A package that nobody signed is not installed.
    let plain = makers.build(&small("plain", "1"));
    assert!(upload(&larder, &plain[0], "/rpm/local/").ends_with("201"));
    let told = fails(&mut machine.dnf(&["install", "--refresh", "plain"]));
    assert!(told.contains("not signed"), "{told}");

    // Without a key there is no signature.
    set_key(&larder, "local", "");
    for companion in ["asc", "key"] {
        larder
            .admin()
            .get(&format!("/rpm/local/repodata/repomd.xml.{companion}"))
            .expect(404);
    }
    let told = machine.run(&["makecache", "--refresh"]);
    assert!(told.contains("Ignoring repositories: ours"), "{told}");
}

#[test]
fn dnf_installs_what_is_signed_with_rsa() {
    signed_with("rsa3072");
}

#[test]
fn dnf_installs_what_is_signed_with_ed25519() {
    signed_with("ed25519");
}
