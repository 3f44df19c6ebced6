//! dnf: a repository of many signed packages, made here: no upstream of a distribution is this machine's own.

use crate::rounds::{Visit, rounds};
use larder_tests::tools::command;
use larder_tests::{Larder, Upstream, run, tool};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGES: usize = 520;
const KEY: &str = "RPM-GPG-KEY-tests";
const SIGNER: &str = "tests@registry.example";

/// A spec of so many packages, of one file each.
const SPEC: &str = r#"
Name: small
Version: 1
Release: 1
Summary: Nothing much
License: none
BuildArch: noarch
%description
Nothing much.
%{lua:
for i = 1, NUMBER do
  print("%package " .. i .. "\nSummary: Number " .. i .. "\n%description " .. i .. "\nSmall.\n")
  print("%files " .. i .. "\n/usr/share/small/" .. i .. "\n")
end
}
%install
mkdir -p %{buildroot}/usr/share/small
for i in $(seq NUMBER); do echo $i > %{buildroot}/usr/share/small/$i; done
"#;

/// Names of packages with their bytes.
type Packages = BTreeMap<String, Vec<u8>>;

/// What makes a repository.
struct Makers {
    rpmbuild: PathBuf,
    rpmsign: PathBuf,
    createrepo: PathBuf,
    gpg: PathBuf,
    gpgconf: PathBuf,
}

#[test]
fn signed_packages_of_a_repository() {
    let (Some(dnf), Some(rpmkeys)) = (tool("dnf"), tool("rpmkeys")) else { return };
    let Some(makers) = Makers::find() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let packages = makers.make(folder.path(), &upstream);
    let open = |larder: &Larder| {
        let body = json!({"upstream": {"url": format!("{}linux/", upstream.url()), "allow_private": true}});
        larder.api("PATCH", "repositories/rpm/upstream", &body.to_string(), 200);
        true
    };
    let get = |visit: &Visit<'_>| {
        let key = format!("{}/rpm/upstream/{KEY}", visit.larder.url());
        visit.connect("dnf", "rpm/upstream", &format!("repo_gpgcheck=1\ngpgkey={key}\n"));
        let below = |name: &str| visit.home().join(name).display().to_string();
        let mut install = visit.command(&dnf);
        std::fs::create_dir(below("log")).expect("log"); // dnf makes the other folders
        for (setting, folder) in [
            ("reposdir", "etc/yum.repos.d"),
            ("cachedir", "cache"),
            ("logdir", "log"),
            ("persistdir", "persist"),
            ("destdir", "got"),
        ] {
            install.arg(format!("--setopt={setting}={}", below(folder)));
        }
        let root = format!("--installroot={}", below("root"));
        run(install.args([root.as_str(), "--releasever=1", "-y", "-q", "install", "--downloadonly", "small-*"]));
        let got = read(&visit.home().join("got"));
        assert!(got == packages, "{} packages are not as they were made", got.len());
        // dnf itself has checked them; somebody else does so too.
        let database = format!("--dbpath={}", below("keys"));
        std::fs::write(below("key"), visit.larder.anonymous().get(&format!("/rpm/upstream/{KEY}")).expect(200).body)
            .expect("key");
        run(visit.command(&rpmkeys).args([&database, "--import", "key"]));
        let mut check = visit.command(&rpmkeys);
        let files = got.keys().map(|name| visit.home().join("got").join(name));
        run(check.args([&database, "--define", "_pkgverify_level all", "--checksig"]).args(files));
        got.len()
    };
    rounds("rpm", 500, open, get, || upstream.go());
}

impl Makers {
    #[track_caller]
    fn find() -> Option<Self> {
        Some(Self {
            rpmbuild: tool("rpmbuild")?,
            rpmsign: tool("rpmsign")?,
            createrepo: tool("createrepo_c")?,
            gpg: tool("gpg")?,
            gpgconf: tool("gpgconf")?,
        })
    }

    /// A repository with signed packages and signed metadata, at `linux/` of an upstream.
    fn make(&self, folder: &Path, upstream: &Upstream) -> Packages {
        let (keys, top, name) = (folder.join("keys"), folder.join("top"), format!("_gpg_name {SIGNER}"));
        std::fs::create_dir_all(&keys).expect("keys");
        std::fs::write(folder.join("small.spec"), SPEC.replace("NUMBER", &PACKAGES.to_string())).expect("spec");
        let maker = |program: &Path| {
            let mut maker = command(program, folder);
            maker.env("GNUPGHOME", &keys);
            maker
        };
        let gpg = |words: &[&str]| run(maker(&self.gpg).args(["--batch", "--no-tty", "--passphrase", ""]).args(words));
        run(Command::new("chmod").arg("700").arg(&keys));
        gpg(&["--quick-gen-key", SIGNER, "rsa2048", "sign", "never"]);
        gpg(&["--armor", "--output", "key", "--export", SIGNER]);

        let above = format!("_topdir {}", top.display());
        let plain = "__os_install_post %{nil}";
        run(maker(&self.rpmbuild).args(["-bb", "--quiet", "--define", &above, "--define", plain, "small.spec"]));
        let repository = top.join("RPMS");
        let files: Vec<PathBuf> = listed(&repository.join("noarch")).collect();
        let gpg_is = format!("__gpg {}", self.gpg.display());
        run(maker(&self.rpmsign).args(["--addsign", "--define", &name, "--define", &gpg_is]).args(files));
        run(maker(&self.createrepo).arg("-q").arg(&repository));
        gpg(&["--armor", "--detach-sign", &repository.join("repodata/repomd.xml").display().to_string()]);
        run(maker(&self.gpgconf).args(["--kill", "all"]));

        upstream.put(&format!("/linux/{KEY}"), std::fs::read(folder.join("key")).expect("key"));
        for part in ["noarch", "repodata"] {
            for (name, bytes) in read(&repository.join(part)) {
                upstream.put(&format!("/linux/{part}/{name}"), bytes);
            }
        }
        read(&repository.join("noarch"))
    }
}

fn listed(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder).expect("folder").map(|entry| entry.expect("file").path())
}

/// The files of a folder by their names.
fn read(folder: &Path) -> Packages {
    let read = |path: PathBuf| {
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        (name, std::fs::read(&path).expect("file"))
    };
    listed(folder).map(read).collect()
}
