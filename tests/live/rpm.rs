//! dnf: a repository of many signed packages, made here: no upstream of a distribution is this
//! machine's own.

use crate::rounds::{Visit, rounds};
use larder_tests::rpms::{KEY, Makers, read};
use larder_tests::tools::dnf_arguments;
use larder_tests::{Larder, Upstream, run, tool};
use serde_json::json;

const PACKAGES: usize = 520;

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

#[test]
fn signed_packages_of_a_repository() {
    let (Some(dnf), Some(rpmkeys)) = (tool("dnf"), tool("rpmkeys")) else {
        return;
    };
    let Some(makers) = Makers::find() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let packages = makers.make(
        folder.path(),
        &[SPEC.replace("NUMBER", &PACKAGES.to_string())],
        &[],
        &upstream,
    );
    let open = |larder: &Larder| {
        let body = json!({"upstream": {"url": format!("{}linux/", upstream.url()), "allow_private": true}});
        larder.api("PATCH", "repositories/rpm/upstream", &body.to_string(), 200);
        true
    };
    let get = |visit: &Visit<'_>| {
        let key = format!("{}/rpm/upstream/{KEY}", visit.larder.url());
        visit.connect(
            "dnf",
            "rpm/upstream",
            &format!("repo_gpgcheck=1\ngpgkey={key}\n"),
        );
        let below = |name: &str| visit.home().join(name).display().to_string();
        let mut install = visit.command(&dnf);
        install.args(dnf_arguments(visit.home(), "etc/yum.repos.d"));
        run(install.args(["-q", "install", "--downloadonly", "small-*"]));
        let got = read(&visit.home().join("got"));
        assert!(
            got == packages,
            "{} packages are not as they were made",
            got.len()
        );
        // dnf itself has checked them; somebody else does so too.
        let database = format!("--dbpath={}", below("keys"));
        std::fs::write(
            below("key"),
            visit
                .larder
                .anonymous()
                .get(&format!("/rpm/upstream/{KEY}"))
                .expect(200)
                .body,
        )
        .expect("key");
        run(visit.command(&rpmkeys).args([&database, "--import", "key"]));
        let mut check = visit.command(&rpmkeys);
        let files = got.keys().map(|name| visit.home().join("got").join(name));
        run(check
            .args([&database, "--define", "_pkgverify_level all", "--checksig"])
            .args(files));
        got.len()
    };
    rounds("rpm", 500, open, get, || upstream.go());
}
