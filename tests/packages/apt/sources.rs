//! Source packages: built and sent by Debian's programs, and got by apt.

use super::client::{apt, begin, prepare};
use super::hosted::{larder, put, send};
use crate::house::{Who, read};
use larder_tests::debs::{Archive, Deb, Keys, sum_and_size};
use larder_tests::home::Home;
use larder_tests::tools::{fails, run};
use larder_tests::{Client, Larder, Upstream, archive, tool};
use serde_json::json;
use std::path::PathBuf;

const SOURCES: &str = "/deb/local/dists/stable/main/source/Sources";

/// The programs that build a source package and send it.
fn programs() -> Option<Vec<PathBuf>> {
    let names = ["dput", "dpkg-source", "dpkg-genchanges"];
    names.into_iter().map(tool).collect()
}

/// The home of a reader whose source has source packages, too.
fn reader(larder: &Larder, repository: &str, programs: &[PathBuf]) -> Home {
    let home = Home::of(larder, Who::Reader, ("apt", repository), programs);
    prepare(&home, "stable");
    let name = repository.rsplit('/').next().expect("a name");
    let path = home
        .folder()
        .join(format!("etc/apt/sources.list.d/larder-{name}.sources"));
    let text = read(&path).replace("Types: deb", "Types: deb deb-src");
    std::fs::write(&path, text).expect("source");
    home
}

/// Builds the source package `demo` in a home, and what is sent with it: with the upstream's archive
/// (`-sa`) or without (`-sd`).
fn build(home: &Home, version: &str, style: &str) {
    let control = "Source: demo\nMaintainer: A <a@registry.example>\nSection: misc\nPriority: optional\n\
                   Standards-Version: 4.6.2\nBuild-Depends: tool (>= 1)\n\nPackage: demo\nArchitecture: all\n\
                   Description: words\n Words of it.\n";
    let changelog = format!(
        "demo ({version}) stable; urgency=low\n\n  * Words.\n\n \
         -- A <a@registry.example>  Thu, 01 Jan 2026 00:00:00 +0000\n"
    );
    let debian = home.folder().join("demo-1.0/debian");
    std::fs::create_dir_all(debian.join("source")).expect("folders");
    for (path, text) in [
        ("control", control),
        ("changelog", &changelog),
        ("source/format", "3.0 (quilt)\n"),
        ("rules", "#!/usr/bin/make -f\n%:\n\ttrue\n"),
        ("../words", "Words.\n"),
    ] {
        std::fs::write(debian.join(path), text).expect("source");
    }
    let script = format!(
        "[ -e demo_1.0.orig.tar.xz ] || tar --exclude=debian -cJf demo_1.0.orig.tar.xz demo-1.0\n\
         dpkg-source -b demo-1.0 && cd demo-1.0 && \
         dpkg-genchanges -S {style} -O../demo_{version}_source.changes"
    );
    run(&mut home.shell(home.folder(), &script));
}

#[test]
fn apt_gets_the_source_packages_that_dput_sends() {
    let (Some((program, _folder, keys)), Some(programs)) = (begin(), programs()) else {
        return;
    };
    let larder = larder(&keys);
    let maker = Home::of(&larder, Who::Reader, ("apt", "deb/local"), &programs);
    build(&maker, "1.0-1", "-sd");
    // Without the upstream's archive it is not whole, and no list has it.
    let told = fails(&mut send(&larder, &maker, "demo_1.0-1_source.changes"));
    assert!(told.contains("409"), "{told}");
    let changes = std::fs::read(maker.folder().join("demo_1.0-1_source.changes")).expect("changes");
    let path = "/deb/local/pool/stable/main/demo_1.0-1_source.changes";
    let told = larder
        .admin()
        .send("PUT", path, &[], &changes)
        .expect(409)
        .text();
    assert!(told.contains("demo_1.0.orig.tar.xz"), "{told}");
    larder.admin().get(SOURCES).expect(404);
    build(&maker, "1.0-1", "-sa");
    run(&mut send(&larder, &maker, "demo_1.0-1_source.changes"));
    // The next version need not bring that again.
    build(&maker, "1.0-2", "-sd");
    run(&mut send(&larder, &maker, "demo_1.0-2_source.changes"));
    for (name, version) in [("build-essential", "12.9"), ("tool", "1.5")] {
        put(&larder, "stable/main", &Deb::new(name, version)).expect(201);
    }
    let home = reader(&larder, "deb/local", &[program, programs[1].clone()]);
    let line = "apt-get update && apt-get source demo && apt-get source --download-only demo=1.0-1";
    run(&mut apt(&home, line));
    assert_eq!(read(&home.folder().join("demo-1.0/words")), "Words.\n");
    assert!(read(&home.folder().join("demo-1.0/debian/changelog")).contains("1.0-2"));
    assert!(home.folder().join("demo_1.0-1.debian.tar.xz").is_file());
    let needs = run(&mut apt(&home, "apt-get -s build-dep demo"));
    assert!(needs.contains("Inst tool (1.5"), "{needs}");
}

/// The files of the source package `demo`, its description first.
fn source_of_demo(version: &str) -> Vec<(String, Vec<u8>)> {
    let parts = [
        (
            "demo_1.0.orig.tar.gz".to_owned(),
            b"the upstream's".to_vec(),
        ),
        (
            format!("demo_{version}.debian.tar.gz"),
            version.as_bytes().to_vec(),
        ),
    ];
    let line = |(name, body): &(String, Vec<u8>)| format!(" {} {name}\n", sum_and_size(body));
    let sums = parts.iter().map(line).collect::<Vec<_>>().concat();
    let text = format!(
        "Format: 3.0 (quilt)\nSource: demo\nBinary: demo\nArchitecture: all\nVersion: {version}\n\
         Checksums-Sha256:\n{sums}"
    );
    let mut files = vec![(format!("demo_{version}.dsc"), text.into_bytes())];
    files.extend(parts);
    files
}

/// Publishes it by PUT.
fn put_demo(larder: &Larder, version: &str) -> Vec<(String, Vec<u8>)> {
    let files = source_of_demo(version);
    for (name, body) in &files {
        let path = format!("/deb/local/pool/stable/main/{name}");
        larder.admin().send("PUT", &path, &[], body).expect(201);
    }
    files
}

/// Whether each file of a version is answered with this status, and with its bytes if that is 200.
fn check_demo(
    client: &Client,
    repository: &str,
    version: &str,
    files: &[(String, Vec<u8>)],
    status: u16,
) {
    for (name, body) in files {
        let path = format!("/deb/{repository}/pool/stable/main/demo_{version}/{name}");
        let there = client.get(&path).expect(status).body;
        assert!(status != 200 || there == *body, "{name}");
    }
}

#[test]
fn a_source_version_comes_goes_and_is_copied_as_a_whole() {
    let Some((_program, _folder, keys)) = begin() else {
        return;
    };
    let larder = larder(&keys);
    let admin = larder.admin();
    let first = put_demo(&larder, "1.0-1");
    put_demo(&larder, "1.0-2");
    let version = "repositories/deb/local/packages/demo/versions/1.0-1";
    let told = larder.api("GET", version, "", 200);
    assert_eq!(told["files"].as_array().map(Vec::len), Some(3), "{told}");
    let all = |files: &[(String, Vec<u8>)], repository: &str, status: u16| {
        check_demo(&admin, repository, "1.0-1", files, status);
    };
    let listed = |version: &str| {
        admin
            .get(SOURCES)
            .text()
            .contains(&format!("Version: {version}\n"))
    };
    all(&first, "local", 200);
    assert!(listed("1.0-1") && listed("1.0-2"));
    // To another repository, where nothing but this version is.
    let released = json!({"protocol": "deb", "name": "released", "kind": "hosted"});
    larder.api("POST", "repositories", &released.to_string(), 201);
    let to = json!({"to": {"repository": "deb/released"}});
    larder.api("POST", &format!("{version}/copy"), &to.to_string(), 200);
    all(&first, "released", 200);
    let list = SOURCES.replace("local", "released");
    assert!(
        admin
            .get(&list)
            .expect(200)
            .text()
            .contains("Version: 1.0-1\n")
    );
    // Gone with all its files, and none of those of the other; then the other, too.
    larder.api("DELETE", version, "", 204);
    all(&first, "local", 404);
    assert!(!listed("1.0-1") && listed("1.0-2"));
    let other = "/deb/local/pool/stable/main/demo_1.0-2.dsc";
    admin.send("DELETE", other, &[], b"").expect(200);
    admin.get(SOURCES).expect(404);
    // It comes back whole, wherever the other is.
    let trash = "repositories/deb/local/trash";
    let entries = larder.api("GET", trash, "", 200);
    let is_it = |entry: &&serde_json::Value| entry["version"] == "1.0-1";
    let entry = entries["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(is_it);
    let id = entry.expect("it is in the trash")["id"]
        .as_str()
        .expect("id");
    larder.api("POST", &format!("{trash}/{id}/restore"), "", 200);
    all(&first, "local", 200);
    assert!(listed("1.0-1") && !listed("1.0-2"));
    // An immutable version stays, and so does each of its files.
    larder.api(
        "PATCH",
        "repositories/deb/local",
        r#"{"immutable":["1.0-1"]}"#,
        200,
    );
    larder.api("DELETE", version, "", 409);
    let path = "/deb/local/pool/stable/main/demo_1.0-1/demo_1.0-1.dsc";
    admin.send("DELETE", path, &[], b"").expect(409);
    all(&first, "local", 200);
    // A block holds for all of them, in the group that has it.
    let blocked = json!({"blocked": [{"package": "demo", "reason": "it steals passwords"}]});
    larder.api("PATCH", "repositories/deb/main", &blocked.to_string(), 200);
    all(&first, "main", 403);
}

/// Has a repository keep the newest version of each package alone, and waits until it does.
fn keep_newest(larder: &Larder) {
    let policy = json!({"rules": [{"keep": {"newest": 1}}]}).to_string();
    larder.api("PUT", "repositories/deb/local/retention", &policy, 200);
    let told = larder.api(
        "POST",
        "repositories/deb/local/retention/preview",
        "{}",
        200,
    );
    let body = json!({"preview": told["id"]}).to_string();
    let job = larder.api("POST", "repositories/deb/local/retention/runs", &body, 202);
    let job = larder.await_job(&job);
    assert_eq!(job["result"]["deleted"], json!(1), "{job}");
}

#[test]
fn source_versions_are_let_go_as_a_whole() {
    let Some((_program, _folder, keys)) = begin() else {
        return;
    };
    let larder = larder(&keys);
    let admin = larder.admin();
    let first = put_demo(&larder, "1.0-1");
    // Of the next version all but the upstream's archive is sent, which is there.
    let next = source_of_demo("1.0-2");
    for (name, body) in next.iter().filter(|(name, _)| !name.contains("orig")) {
        let path = format!("/deb/local/pool/stable/main/{name}");
        admin.send("PUT", &path, &[], body).expect(201);
    }
    let all = |version: &str, files: &[(String, Vec<u8>)], status: u16| {
        check_demo(&admin, "local", version, files, status);
        let listed = admin.get(SOURCES).expect(200).text();
        assert_eq!(
            listed.contains(&format!("Version: {version}\n")),
            status == 200
        );
    };
    all("1.0-1", &first, 200);
    all("1.0-2", &next, 200);
    keep_newest(&larder);
    all("1.0-1", &first, 404);
    all("1.0-2", &next, 200);
    let trash = "repositories/deb/local/trash";
    let entries = larder.api("GET", trash, "", 200);
    assert_eq!(
        entries["items"].as_array().map(Vec::len),
        Some(1),
        "{entries}"
    );
    let id = entries["items"][0]["id"].as_str().expect("id");
    larder.api("POST", &format!("{trash}/{id}/restore"), "", 200);
    all("1.0-1", &first, 200);
}

#[test]
fn source_packages_fit_into_the_quota_or_are_refused() {
    let (Some((program, _folder, keys)), Some(programs)) = (begin(), programs()) else {
        return;
    };
    let larder = larder(&keys);
    let maker = Home::of(&larder, Who::Reader, ("apt", "deb/local"), &programs);
    build(&maker, "1.0-1", "-sa");
    let set = |quota: serde_json::Value| {
        let quota = json!({"quota": {"bytes": quota}}).to_string();
        larder.api("PATCH", "repositories/deb/local", &quota, 200);
    };
    let size = |name: &str| {
        let file = std::fs::metadata(maker.folder().join(name));
        file.expect("what was built").len()
    };
    // Nothing of it fits, and then its description alone.
    for bytes in [10, size("demo_1.0-1.dsc") + 10] {
        set(json!(bytes));
        let told = fails(&mut send(&larder, &maker, "demo_1.0-1_source.changes"));
        let quota = format!("the quota of the repository deb/local is {bytes} bytes");
        assert!(told.contains("403") && told.contains(&quota), "{told}");
        // Half of it is in no list.
        larder.admin().get(SOURCES).expect(404);
    }
    set(json!(null));
    run(&mut send(&larder, &maker, "demo_1.0-1_source.changes"));
    let listed = larder.admin().get(SOURCES).expect(200).text();
    assert!(listed.contains("Version: 1.0-1\n"), "{listed}");
    let home = reader(&larder, "deb/local", &[program, programs[1].clone()]);
    run(&mut apt(&home, "apt-get update && apt-get source demo"));
    // What it has is counted, once for each version that has it.
    let used = larder.api("GET", "repositories/deb/local", "", 200)["usage"].take();
    let names = [
        "demo_1.0-1.dsc",
        "demo_1.0.orig.tar.xz",
        "demo_1.0-1.debian.tar.xz",
    ];
    let all: u64 = names.into_iter().map(size).sum();
    assert_eq!(used["bytes"], json!(all), "{used}");
}

#[test]
fn source_packages_of_a_group_are_those_of_all_members() {
    let Some((program, folder, keys)) = begin() else {
        return;
    };
    let Some(theirs) = Keys::make(&folder.path().join("theirs"), "never") else {
        return;
    };
    let larder = larder(&keys);
    let upstream = Upstream::start();
    let mut archive = Archive::new(&upstream);
    let mut list = String::new();
    // A name that is published here is nobody else's.
    for name in ["other", "demo"] {
        let dsc = format!("{name}_9.0.dsc");
        upstream.put(&format!("/debian/pool/main/{dsc}"), &*dsc);
        list += &format!(
            "Package: {name}\nFormat: 3.0 (native)\nBinary: {name}\nArchitecture: all\nVersion: 9.0\n\
             Directory: pool/main\nChecksums-Sha256:\n {} {dsc}\n\n",
            sum_and_size(dsc.as_bytes())
        );
    }
    let name = "main/source/Sources";
    let packed = archive::gzip(list.as_bytes());
    archive.extra.insert(format!("{name}.gz"), packed);
    archive.extra.insert(name.to_owned(), list.into_bytes());
    archive.put("stable", &[Deb::new("theirs", "1.0")], &theirs);
    let settings = json!({"upstream": {"url": archive.url(), "allow_private": true,
        "trusted_keys": theirs.public()}});
    larder.api(
        "PATCH",
        "repositories/deb/upstream",
        &settings.to_string(),
        200,
    );
    put_demo(&larder, "1.0-1");
    let home = reader(&larder, "deb/main", &[program]);
    let line = "apt-get update && apt-get source --download-only demo other && \
                apt-cache showsrc demo";
    let shown = run(&mut apt(&home, line));
    assert!(
        shown.contains("1.0-1") && !shown.contains("9.0\n"),
        "{shown}"
    );
    for file in [
        "demo_1.0.orig.tar.gz",
        "demo_1.0-1.debian.tar.gz",
        "other_9.0.dsc",
    ] {
        assert!(home.folder().join(file).is_file(), "{file}");
    }
}
