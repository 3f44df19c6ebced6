//! dnf: a mirror of signed packages with signed metadata, modules and advisories.

use crate::house::{House, Who, read, why};
use larder_model::{Algorithm, Digest};
use larder_tests::engine::is_root;
use larder_tests::home::Home;
use larder_tests::rpms::{KEY, Makers};
use larder_tests::tools::dnf_arguments;
use larder_tests::{Upstream, tool};
use std::process::Command;

const MODULES: &str = r#"---
document: modulemd
version: 2
data:
  name: probes
  stream: "1"
  version: 1
  context: c0ffee42
  arch: noarch
  summary: What is probed
  description: What is probed.
  license:
    module: [MIT]
  profiles:
    default:
      rpms: [demo]
...
"#;

const ADVISORIES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update from="tests@registry.example" status="final" type="security" version="1">
    <id>TEST-2026:1</id>
    <title>demo</title>
    <issued date="2026-01-01 00:00:00"/>
    <severity>Important</severity>
    <description>It leaked words.</description>
    <pkglist>
      <collection short="tests">
        <name>tests</name>
        <package name="demo" version="1.1.0" release="1" epoch="0" arch="noarch" src="demo-1.1.0-1.src.rpm">
          <filename>demo-1.1.0-1.noarch.rpm</filename>
        </package>
      </collection>
    </pkglist>
  </update>
</updates>
"#;

/// A package of one file.
fn spec(name: &str, version: &str) -> String {
    format!(
        "Name: {name}\nVersion: {version}\nRelease: 1\nSummary: Words\nLicense: MIT\nBuildArch: noarch\n\
         %description\nWords.\n%install\nmkdir -p %{{buildroot}}/usr/share\n\
         echo {version} > %{{buildroot}}/usr/share/{name}\n\
         %files\n/usr/share/{name}\n"
    )
}

/// dnf with all it keeps below the home, for the first time with the distribution's key.
fn dnf(home: &Home, key: &str, words: &str) -> Command {
    let below = |name: &str| home.folder().join(name).display().to_string();
    let file = home.folder().join("etc/yum.repos.d");
    let file = std::fs::read_dir(&file)
        .expect("lines")
        .next()
        .expect("file")
        .expect("file")
        .path();
    let lines = read(&file);
    if !lines.contains("gpgkey") {
        std::fs::write(home.folder().join("key"), key).expect("key");
        std::fs::create_dir_all(below("log")).expect("log");
        let more = format!("repo_gpgcheck=1\ngpgkey=file://{}\n", below("key"));
        std::fs::write(file, format!("{lines}{more}")).expect("lines");
    }
    let options = dnf_arguments(home.folder(), "etc/yum.repos.d").join(" ");
    home.shell(home.folder(), &format!("dnf {options} {words}"))
}

#[test]
fn dnf_installs_and_reads_modules_and_advisories() {
    let (Some(program), Some(makers)) = (tool("dnf"), Makers::find()) else {
        return;
    };
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    let upstream = Upstream::start();
    let specs = [
        spec("demo", "1.0.0"),
        spec("demo", "1.1.0"),
        spec("faraway", "1.0.0"),
    ];
    let metadata = [("modules.yaml", MODULES), ("updateinfo.xml", ADVISORIES)];
    makers.make(folder.path(), &specs, &metadata, &upstream);
    let key = String::from_utf8(upstream.body(&format!("/linux/{KEY}"))).expect("key");
    let url = format!("{}linux/", upstream.url());
    let house = House::over("dnf", "dnf", "rpm/upstream", &[&program], upstream, &url);

    let reader = house.home(Who::Reader);
    let run = |home: &Home, words: &str| larder_tests::run(&mut dnf(home, &key, words));
    run(&reader, "install demo-1.0.0");
    assert_eq!(
        read(&reader.folder().join("root/usr/share/demo")),
        "1.0.0\n"
    );
    let told = run(&reader, "module list");
    assert!(
        told.contains("probes") && told.contains("What is probed"),
        "{told}"
    );
    let told = run(&reader, "updateinfo list");
    assert!(
        told.contains("TEST-2026:1 Important/Sec. demo-1.1.0-1.noarch"),
        "{told}"
    );
    run(&reader, "upgrade --security");
    assert_eq!(
        read(&reader.folder().join("root/usr/share/demo")),
        "1.1.0\n"
    );
    house.upstream.go();
    let other = house.home(Who::Reader);
    run(&other, "install demo");
    assert_eq!(read(&other.folder().join("root/usr/share/demo")), "1.1.0\n");
    house.upstream.come_back();
    // Keys of others integrity for nothing.
    let told =
        larder_tests::tools::fails(&mut dnf(&house.home(Who::Reader), "no key", "install demo"));
    assert!(told.contains("key") || told.contains("GPG"), "{told}");

    let install = |home: &Home, package: &str| dnf(home, &key, &format!("install {package}"));
    house.installs(install, |text| {
        why(text, &["- ", "[MIRROR]", "No match", "Error: "])
    });
}

/// The first mirror of a metalink is down, the second has other metadata than is promised.
#[test]
fn dnf_installs_through_a_list_of_mirrors() {
    let (Some(program), Some(makers)) = (tool("dnf"), Makers::find()) else {
        return;
    };
    if !is_root() {
        return;
    }
    let made = |version: &str| {
        let (folder, upstream) = (tempfile::tempdir().expect("folder"), Upstream::start());
        makers.make(folder.path(), &[spec("demo", version)], &[], &upstream);
        upstream
    };
    let (down, stale, right) = (Upstream::start(), made("1.0.0"), made("1.1.0"));
    down.go();
    let repomd = right.body("/linux/repodata/repomd.xml");
    let (size, hash) = (repomd.len(), Digest::of(Algorithm::Sha256, &repomd).hex());
    let urls = [&down, &stale, &right]
        .map(|mirror| format!("<url>{}linux/repodata/repomd.xml</url>", mirror.url()))
        .concat();
    let list = Upstream::start();
    list.put(
        "/metalink?repo=demo",
        format!(
            "<metalink><files><file name=\"repomd.xml\"><size>{size}</size><verification>\
             <hash type=\"sha256\">{hash}</hash></verification><resources>{urls}</resources></file></files></metalink>"
        ),
    );
    let key = String::from_utf8(right.body(&format!("/linux/{KEY}"))).expect("key");
    let url = list.url();
    let house = House::over("dnf", "dnf", "rpm/upstream", &[&program], list, &url);
    let change = serde_json::json!({"upstream": {
        "mirror_list": format!("{url}metalink?repo=demo"), "allow_private": true}});
    let path = "repositories/rpm/upstream";
    house.larder.api("PATCH", path, &change.to_string(), 200);
    let reader = house.home(Who::Reader);
    larder_tests::run(&mut dnf(&reader, &key, "install demo"));
    assert_eq!(
        read(&reader.folder().join("root/usr/share/demo")),
        "1.1.0\n"
    );
    assert!(stale.total() > 0, "it was asked before");
}

#[test]
fn what_dnf_installs_is_listed_and_comes_again_once_it_is_deleted() {
    let (Some(program), Some(makers)) = (tool("dnf"), Makers::find()) else {
        return;
    };
    if !is_root() {
        return;
    }
    let (folder, upstream) = (tempfile::tempdir().expect("folder"), Upstream::start());
    let specs = [spec("demo", "1.0.0").replace("Release: 1", "Release: 1\nEpoch: 2")];
    let made = makers.make(folder.path(), &specs, &[], &upstream);
    let key = String::from_utf8(upstream.body(&format!("/linux/{KEY}"))).expect("key");
    let url = format!("{}linux/", upstream.url());
    let house = House::over("dnf", "dnf", "rpm/upstream", &[&program], upstream, &url);
    let larder = &house.larder;
    let install = || {
        let reader = house.home(Who::Reader);
        larder_tests::run(&mut dnf(&reader, &key, "install demo"));
        let installed = read(&reader.folder().join("root/usr/share/demo"));
        assert_eq!(installed, "1.0.0\n");
        let path = "/rpm/upstream/noarch/demo-1.0.0-1.noarch.rpm";
        larder.admin().await_kept(path);
    };
    let versions = || {
        let path = "repositories/rpm/upstream/packages/demo/versions";
        let mut told = larder.api("GET", path, "", 200);
        told["items"].take()
    };
    install();
    // The name of its file has no epoch, but the list has.
    let version = "2:1.0.0-1.noarch";
    let listed = versions();
    assert_eq!(listed[0]["version"], version, "{listed}");
    assert_eq!(listed[0]["bytes"], made["demo-1.0.0-1.noarch.rpm"].len());
    let path = format!("repositories/rpm/upstream/packages/demo/versions/{version}");
    let about = larder.api("GET", &format!("{path}/about"), "", 200);
    assert!(about.to_string().contains("Words."), "{about}");
    let found = larder.api("GET", "search?q=demo&protocol=rpm&kind=package", "", 200);
    assert_eq!(found["items"][0]["package"], "demo", "{found}");
    larder.api("DELETE", &path, "", 204);
    assert_eq!(versions(), serde_json::json!([]));
    house.upstream.take_asked();
    install();
    let there = "/linux/noarch/demo-1.0.0-1.noarch.rpm";
    assert_eq!(house.upstream.count(there), 1);
    assert_eq!(versions()[0]["version"], version);
}
