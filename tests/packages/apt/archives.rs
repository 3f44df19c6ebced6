//! What archives have besides the lists of packages of a suite: differences, source packages, flat
//! repositories.

use super::client::{apt, begin, has, prepare};
use super::mirrored::{house_of, packages};
use crate::house::{House, Who, read};
use larder_tests::archive::{gunzip, gzip};
use larder_tests::debs::{Archive, Deb, Keys, sum_and_size};
use larder_tests::home::Home;
use larder_tests::tools::{fails, run};
use serde_json::json;

const LIST: &str = "main/binary-amd64/Packages";

/// A reader whose source is changed.
fn reader(house: &House, suite: &str, change: impl Fn(&str) -> String) -> Home {
    let home = house.home(Who::Reader);
    prepare(&home, suite);
    let path = home
        .folder()
        .join("etc/apt/sources.list.d/larder-upstream.sources");
    std::fs::write(&path, change(&read(&path))).expect("source");
    home
}

#[test]
fn apt_brings_its_lists_up_to_date_by_differences() {
    let Some((program, _folder, keys)) = begin() else {
        return;
    };
    // With so many packages a difference is smaller than the list.
    let mut debs: Vec<Deb> = (0..20)
        .map(|number| Deb::new(&format!("demo{number}"), "1.0"))
        .collect();
    let house = house_of(&keys, &debs, &program);
    house.larder.api(
        "PATCH",
        "repositories/deb/upstream",
        r#"{"fresh_seconds":0}"#,
        200,
    );
    let home = reader(&house, "stable", str::to_owned);
    run(&mut apt(&home, "apt-get update"));
    let mut archive = Archive::new(&house.upstream);
    let (before, _) = archive.suite("stable", &debs);
    debs.push(Deb::new("newest", "1.0"));
    let (after, _) = archive.suite("stable", &debs);
    let (before, after) = (&before[LIST], &after[LIST]);
    let lines = String::from_utf8_lossy(before).lines().count();
    let more = String::from_utf8_lossy(&after[before.len()..]);
    let patch = format!("{lines}a\n{more}.\n").into_bytes();
    let name = "T-2026-01-02-0000.00-F-2026-01-01-0000.00";
    let index = format!(
        "SHA256-Current: {}\nSHA256-History:\n {} {name}\nSHA256-Patches:\n {} {name}\n\
         SHA256-Download:\n {} {name}.gz\nX-Patch-Precedence: merged\n",
        sum_and_size(after),
        sum_and_size(before),
        sum_and_size(&patch),
        sum_and_size(&gzip(&patch)),
    );
    let folder = format!("{LIST}.diff");
    archive.date = "Fri, 02 Jan 2026 00:00:00 UTC".to_owned();
    archive
        .extra
        .insert(format!("{folder}/Index"), index.into_bytes());
    archive.put("stable", &debs, &keys);
    let at = format!("/debian/dists/stable/{folder}/{name}.gz");
    house.upstream.put(&at, gzip(b"1d\n"));
    // What the list of differences does not promise is not given: apt gets the whole list.
    let other = reader(&house, "stable", str::to_owned);
    std::fs::remove_dir_all(other.folder().join("state/lists")).expect("lists");
    let copy = format!(
        "cp -r {}/state/lists state/lists && apt-get update",
        home.folder().display()
    );
    run(&mut apt(&other, &copy));
    run(&mut apt(&other, "apt-get -y -d install newest"));
    assert_eq!(house.upstream.count(&at), 1);
    house.upstream.put(&at, gzip(&patch));
    house.upstream.take_asked();
    run(&mut apt(&home, "apt-get update"));
    assert_eq!(house.upstream.count(&at), 1);
    run(&mut apt(&home, "apt-get -y -d install newest"));
    assert!(has(&home, "newest_1.0_all.deb"));
    let asked = house.upstream.take_asked();
    let is_list = |path: &str| path.contains("/Packages") && !path.contains(".diff/");
    assert!(!asked.iter().any(|asked| is_list(&asked.path)), "{asked:?}");
}

/// Puts an archive there that has source packages of these names beside the packages.
pub(super) fn put_sources(house: &House, names: &[&str], keys: &Keys) {
    let mut list = String::new();
    for name in names {
        let mut sums = String::new();
        for part in parts_of(name) {
            let at = format!("/debian/pool/main/{name}/{part}");
            house.upstream.put(&at, &*part);
            sums += &format!(" {} {part}\n", sum_and_size(part.as_bytes()));
        }
        list += &format!(
            "Package: {name}\nFormat: 3.0 (native)\nBinary: {name}\nArchitecture: all\nVersion: 1.0\n\
             Directory: pool/main/{name}\nChecksums-Sha256:\n{sums}\n"
        );
    }
    let mut archive = Archive::new(&house.upstream);
    let name = "main/source/Sources";
    let packed = gzip(list.as_bytes());
    archive.extra.insert(format!("{name}.gz"), packed);
    archive.extra.insert(name.to_owned(), list.into_bytes());
    archive.put("stable", &packages(), keys);
}

/// The files of a source package, each of which contains its name.
fn parts_of(name: &str) -> [String; 2] {
    [format!("{name}_1.0.dsc"), format!("{name}_1.0.tar.xz")]
}

/// A reader whose source has source packages, too.
pub(super) fn source_reader(house: &House) -> Home {
    reader(house, "stable", |text| {
        text.replace("Types: deb", "Types: deb deb-src")
    })
}

#[test]
fn apt_gets_source_packages() {
    let Some((program, _folder, keys)) = begin() else {
        return;
    };
    let house = house_of(&keys, &packages(), &program);
    put_sources(&house, &["demo"], &keys);
    let home = source_reader(&house);
    let line = "apt-get update && apt-get source --download-only demo";
    run(&mut apt(&home, line));
    // Again, with the upstream away, and by another one with nothing.
    house.upstream.go();
    let other = source_reader(&house);
    run(&mut apt(&other, line));
    for part in parts_of("demo") {
        assert_eq!(read(&other.folder().join(&part)), part);
    }
}

const TRANSLATION: &str = "main/i18n/Translation-en";

/// Puts an archive there whose long descriptions stand in a list of their own, as large ones have it.
fn put_translated(house: &House, text: &str, keys: &Keys) {
    let sum = "0123456789abcdef0123456789abcdef";
    let mut archive = Archive::new(&house.upstream);
    let translation =
        format!("Package: demo\nDescription-md5: {sum}\nDescription-en: words\n {text}\n\n");
    let packed = gzip(translation.as_bytes());
    archive.extra.insert(format!("{TRANSLATION}.gz"), packed);
    let plain = translation.into_bytes();
    archive.extra.insert(TRANSLATION.to_owned(), plain);
    let (mut files, mut release) = archive.suite("stable", &packages());
    let list = String::from_utf8_lossy(&files[LIST]).replace(
        "Description: words\n Words of it.\n",
        &format!("Description: words\nDescription-md5: {sum}\n"),
    );
    let lists = [
        (LIST.to_owned(), list.clone().into_bytes()),
        (format!("{LIST}.gz"), gzip(list.as_bytes())),
    ];
    for (path, list) in lists {
        release = release.replace(&sum_and_size(&files[&path]), &sum_and_size(&list));
        files.insert(path, list);
    }
    archive.put_files("stable", &files);
    archive.put_list("stable", &release, keys);
}

#[test]
fn apt_shows_the_long_descriptions_of_translations() {
    let Some((program, _folder, keys)) = begin() else {
        return;
    };
    let house = house_of(&keys, &packages(), &program);
    put_translated(&house, "A much longer text.", &keys);
    let english = || {
        let home = reader(&house, "stable", str::to_owned);
        let config = home.folder().join("apt.conf");
        let text = read(&config).replace("Languages \"none\"", "Languages \"en\"");
        std::fs::write(&config, text).expect("configuration");
        home
    };
    let shows = || {
        let shown = run(&mut apt(
            &english(),
            "apt-get update && apt-cache show demo",
        ));
        assert!(shown.contains("\n A much longer text."), "{shown}");
    };
    // Other bytes than the signed list promises are nobody's.
    let paths = house.upstream.paths().into_iter();
    let right: Vec<(String, Vec<u8>)> = paths
        .filter(|path| path.contains("/i18n/"))
        .map(|path| (path.clone(), house.upstream.body(&path)))
        .collect();
    assert_eq!(right.len(), 4, "plain and packed, by name and by digest");
    for (path, body) in &right {
        let forged = |body: &[u8]| String::from_utf8_lossy(body).replace("A much", "A fake");
        let is_packed = body.starts_with(&[0x1f, 0x8b]);
        let forged = if is_packed {
            gzip(forged(gunzip(body).as_bytes()).as_bytes())
        } else {
            forged(body).into_bytes()
        };
        house.upstream.put(path, forged);
    }
    let home = english();
    let told = fails(&mut apt(&home, "apt-get update"));
    let why = "Translation-en  502  the upstream's bytes are not those that its index promises";
    assert!(told.contains(why), "{told}");
    run(&mut apt(&home, "! grep -r 'A fake' state/lists"));
    for (path, body) in &right {
        house.upstream.put(path, body.clone());
    }
    shows();
    // Again, with the upstream away, and offline.
    house.upstream.go();
    house
        .larder
        .api("PATCH", "settings", r#"{"offline":true}"#, 200);
    shows();
}

#[test]
fn apt_installs_from_flat_repositories() {
    let Some((program, _folder, keys)) = begin() else {
        return;
    };
    let house = house_of(&keys, &packages(), &program);
    // The suite that apt is told, where the repository is, and how its list names its packages.
    let all = [
        ("flat/", "flat/", "flat/", "lonely"),
        ("./other/", "other/", "./other/", "scanned"),
        ("./", "", "./", "top"),
        ("/", "", "./", "top"),
    ];
    let archive = Archive::new(&house.upstream);
    for (_, folder, named, name) in all {
        archive.put_flat(folder, named, &[Deb::new(name, "1.0")], &keys);
    }
    let gets = |round: &str| {
        for (suite, _, _, name) in all {
            let home = reader(&house, suite, |text| text.replace("Components: main\n", ""));
            let line = format!("apt-get update && apt-get -y -d install {name}");
            run(&mut apt(&home, &line));
            let file = Deb::new(name, "1.0").file();
            assert!(has(&home, &file), "{suite} {round}");
        }
    };
    gets("first");
    let asked = house.upstream.take_asked();
    assert!(!asked.iter().any(|it| it.path.contains("/./")), "{asked:?}");
    let tops = asked
        .iter()
        .filter(|it| it.path.ends_with("/top_1.0_all.deb"));
    assert_eq!(tops.count(), 1, "it has one name: {asked:?}");
    // Again, with the upstream away, and by others with nothing.
    house.upstream.go();
    gets("with the upstream away");
    house
        .larder
        .api("PATCH", "settings", r#"{"offline":true}"#, 200);
    gets("offline");
}

#[test]
fn addresses_with_dots_are_those_without_them() {
    let Some((program, _folder, keys)) = begin() else {
        return;
    };
    let house = house_of(&keys, &packages(), &program);
    let larder = &house.larder;
    let archive = Archive::new(&house.upstream);
    archive.put_flat("", "./", &[Deb::new("top", "1.0")], &keys);
    // Of what is published, by a group and by its own repository: PUT, and what apt asks for.
    let deb = Deb::new("ours", "1.0");
    let at = format!("pool/stable/main/{}", deb.file());
    let admin = larder.admin();
    let put = |path: &str| admin.send("PUT", path, &[], &deb.bytes()).expect(201);
    put(&format!("/deb/local/./pool/./stable/main/{}", deb.file()));
    for repository in ["local", "main"] {
        let there = admin
            .get(&format!("/deb/{repository}/././{at}"))
            .expect(200);
        assert_eq!(there.body, deb.bytes());
    }
    let told = larder.api(
        "GET",
        "repositories/deb/local/packages/ours/versions/1.0",
        "",
        200,
    );
    assert_eq!(told["files"][0]["path"], at, "{told}");
    let home = Home::of(larder, Who::Reader, ("apt", "deb/main"), &[program]);
    prepare(&home, "./");
    let path = home
        .folder()
        .join("etc/apt/sources.list.d/larder-main.sources");
    let flat = read(&path).replace("Components: main\n", "");
    std::fs::write(&path, flat).expect("source");
    run(&mut apt(
        &home,
        "apt-get update && apt-get -y -d install top",
    ));
    assert!(has(&home, "top_1.0_all.deb"));
    // A rule is for the one address that there is, and so is the log's line.
    let blocked = json!({"blocked": [{"package": "top", "reason": "it steals passwords"}]});
    larder.api(
        "PATCH",
        "repositories/deb/upstream",
        &blocked.to_string(),
        200,
    );
    for path in ["./top_1.0_all.deb", "top_1.0_all.deb"] {
        let told = admin.get(&format!("/deb/upstream/{path}")).expect(403);
        assert!(told.text().contains("it steals passwords"));
    }
    assert!(larder.await_line("/deb/upstream/top_1.0_all.deb"));
    admin
        .get("/deb/upstream/./../upstream/InRelease")
        .expect(400);
    admin.get("/deb/upstream/%2e/InRelease").expect(400);
    admin.get("/npm/upstream/./demo").expect(400);
}
