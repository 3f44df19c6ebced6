//! skopeo: copies both ways between folders and the server, of one image and of an index, and
//! syncs.

use crate::house::House;
use crate::words::{NO_DELETE, NO_LOGIN, NO_NAME, NO_TAG, NO_WRITE, WRONG_PASSWORD};
use larder_tests::image::digest;
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::tools::{command, fails, run};
use larder_tests::{Image, layout, tool};
use std::path::PathBuf;
use std::process::Command;

struct Skopeo {
    program: PathBuf,
    house: House,
}

impl Skopeo {
    fn new() -> Option<Self> {
        let skopeo = Self {
            program: tool("skopeo")?,
            house: House::open("skopeo"),
        };
        std::fs::write(skopeo.house.home().join("auth.json"), "{}").expect("logins");
        Some(skopeo)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut skopeo = command(&self.program, self.house.home());
        skopeo
            .args(words)
            .env("REGISTRY_AUTH_FILE", self.house.home().join("auth.json"));
        skopeo
    }

    /// Copies as one user from or to the server, byte for byte.
    fn copy(&self, credentials: &[&str], more: &[&str], from: &str, to: &str) -> Command {
        let side = if to.starts_with("docker://") {
            "dest"
        } else {
            "src"
        };
        let mut copy = self.command(&[
            "copy",
            "--preserve-digests",
            &format!("--{side}-tls-verify=false"),
        ]);
        match credentials {
            [] => copy.arg(format!("--{side}-no-creds")),
            words => copy.arg(format!("--{side}-creds")).args(words),
        };
        copy.args(more).args([from, to]);
        copy
    }

    fn at(&self, name: &str) -> String {
        format!("docker://{}", self.house.at(name))
    }

    fn place(&self, transport: &str, name: &str) -> String {
        format!("{transport}:{}", self.house.home().join(name).display())
    }
}

#[test]
fn one_image_is_copied_both_ways() {
    let Some(skopeo) = Skopeo::new() else { return };
    let house = &skopeo.house;
    let image = Image::random(&mut Random::seeded(), &[100_000, 10]);
    layout::write(&house.home().join("from"), &image, "1");
    let writer = House::credentials("writer");
    let (oci, dir) = (skopeo.place("oci", "from:1"), skopeo.place("dir", "dir"));
    let pushed = run(&mut skopeo.copy(&[&writer], &[], &oci, &skopeo.at("team/app:oci")));
    house.says("push", &pushed, "Storing signatures");
    image.check(&house.larder.admin(), "team/app", "oci");
    let pulled = run(&mut skopeo.copy(&[&writer], &[], &skopeo.at("team/app:oci"), &dir));
    house.says("pull", &pulled, "Storing signatures");
    assert_eq!(
        std::fs::read(house.home().join("dir/manifest.json")).expect("manifest"),
        image.manifest
    );
    run(&mut skopeo.copy(&[&writer], &[], &dir, &skopeo.at("team/app:dir")));
    image.check(&house.larder.admin(), "team/app", "dir");
    run(&mut skopeo.copy(
        &[&writer],
        &[],
        &skopeo.at("team/app:dir"),
        &skopeo.place("oci", "to:1"),
    ));
    layout::check(&house.home().join("to"), &image);

    let tags = run(&mut skopeo.command(&[
        "list-tags",
        "--tls-verify=false",
        "--creds",
        &writer,
        &skopeo.at("team/app"),
    ]));
    let tags: serde_json::Value = serde_json::from_str(&tags).expect("tags");
    assert_eq!(tags["Tags"], serde_json::json!(["dir", "oci"]));
    house.says("list", &tags.to_string(), "team/app");
    let inspect = [
        "inspect",
        "--tls-verify=false",
        "--creds",
        &writer,
        "--format",
        "{{.Digest}}",
    ];
    let seen = run(skopeo.command(&inspect).arg(skopeo.at("team/app:oci")));
    assert_eq!(seen.trim(), image.digest.to_string());
}

#[test]
fn an_index_is_copied_and_synced_whole() {
    let Some(skopeo) = Skopeo::new() else { return };
    let house = &skopeo.house;
    let mut random = Random::seeded();
    let images = [
        Image::random(&mut random, &[50_000]),
        Image::random(&mut random, &[60_000]),
    ];
    let index = layout::index(&[("amd64", &images[0]), ("arm64", &images[1])]);
    layout::write_index(
        &house.home().join("from"),
        &[&images[0], &images[1]],
        &index,
        "1",
    );
    let writer = House::credentials("writer");
    let here = |name: &str| {
        let admin = house.larder.admin();
        assert_eq!(
            house.manifest(name, "1"),
            (index.clone(), digest(&index).to_string())
        );
        for image in &images {
            image.check(&admin, name, &image.digest.to_string());
        }
    };
    let from = skopeo.place("oci", "from:1");
    let pushed = run(&mut skopeo.copy(&[&writer], &["--all"], &from, &skopeo.at("team/both:1")));
    house.says("push of an index", &pushed, "Storing list signatures");
    here("team/both");
    run(&mut skopeo.copy(
        &[&writer],
        &["--all"],
        &skopeo.at("team/both:1"),
        &skopeo.place("oci", "to:1"),
    ));
    for image in &images {
        layout::check(&house.home().join("to"), image);
    }

    let sync = ["sync", "--all", "--preserve-digests"];
    let (down, up) = (house.home().join("synced"), house.at("open"));
    let mut to_folder = skopeo.command(&sync);
    to_folder.args([
        "--src",
        "docker",
        "--dest",
        "dir",
        "--src-tls-verify=false",
        "--src-creds",
        &writer,
    ]);
    run(to_folder.arg(house.at("team/both")).arg(&down));
    let mut from_folder = skopeo.command(&sync);
    from_folder.args([
        "--src",
        "dir",
        "--dest",
        "docker",
        "--dest-tls-verify=false",
        "--dest-creds",
        &writer,
    ]);
    run(from_folder.arg(&down).arg(&up));
    here("open/both");
    let mut across = skopeo.command(&sync);
    across.args([
        "--src",
        "docker",
        "--dest",
        "docker",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
    ]);
    across.args(["--src-creds", &writer, "--dest-creds", &writer]);
    let synced = run(across.args([house.at("team/both"), house.at("team/again")]));
    house.says("sync", &synced, "Synced 1 images from 1 sources");
    here("team/again/both");
}

#[test]
fn refusals_are_told() {
    let Some(skopeo) = Skopeo::new() else { return };
    let house = &skopeo.house;
    let image = Image::random(&mut Random::seeded(), &[100]);
    image.push(&house.larder.admin(), "team/app", "1");
    image.push(&house.larder.admin(), "open/app", "1");
    layout::write(&house.home().join("from"), &image, "1");
    let (from, to) = (skopeo.place("oci", "from:1"), skopeo.place("dir", "to"));
    let [writer, reader, stranger] = ["writer", "reader", "stranger"].map(House::credentials);
    let push = |credentials: &[&str]| {
        fails(&mut skopeo.copy(credentials, &[], &from, &skopeo.at("team/app:2")))
    };
    let pull =
        |credentials: &[&str], name: &str| skopeo.copy(credentials, &[], &skopeo.at(name), &to);
    let delete = |credentials: &str, name: &str| {
        skopeo.command(&[
            "delete",
            "--tls-verify=false",
            "--creds",
            credentials,
            &skopeo.at(name),
        ])
    };

    let login = |password: &str| {
        skopeo.command(&[
            "login",
            "--tls-verify=false",
            "-u",
            "writer",
            "-p",
            password,
            house.larder.host(),
        ])
    };
    house.says(
        "wrong password",
        &fails(&mut login("wrong")),
        "invalid username/password",
    );
    house.says("login", &run(&mut login(PASSWORD)), "Login Succeeded!");
    house.says(
        "push with a wrong password",
        &push(&["writer:wrong"]),
        WRONG_PASSWORD,
    );
    house.says(
        "push without a login",
        &push(&[]),
        "unauthorized: authentication required",
    );
    house.says("push without the right", &push(&[&reader]), NO_WRITE);
    house.says(
        "unknown tag",
        &fails(&mut pull(&[&writer], "team/app:none")),
        NO_TAG,
    );
    let unknown = fails(&mut pull(&[&writer], "nowhere/app:1"));
    house.says("unknown name", &unknown, NO_NAME);
    let hidden = fails(&mut pull(&[&stranger], "team/app:1"));
    house.says("pull without the right", &hidden, NO_NAME);
    House::same((&hidden, "team/app"), (&unknown, "nowhere/app"));
    house.says(
        "pull without a login",
        &fails(&mut pull(&[], "team/app:1")),
        NO_LOGIN,
    );
    run(&mut pull(&[], "open/app:1"));
    run(&mut pull(&[&reader], "team/app:1"));

    house.says(
        "delete without the right",
        &fails(&mut delete(&reader, "team/app:1")),
        NO_DELETE,
    );
    assert_eq!(house.tags("team/app"), ["1"]);
    house.says("delete", &run(&mut delete(&writer, "team/app:1")), "");
    assert!(house.tags("team/app").is_empty());
    house.says(
        "delete of an unknown tag",
        &fails(&mut delete(&writer, "team/app:1")),
        "Image may not exist",
    );
}
