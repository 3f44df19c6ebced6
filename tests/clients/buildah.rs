//! buildah: images without an engine, and an index of two of them.

use crate::house::House;
use crate::words::{NO_LOGIN, NO_NAME, NO_TAG, NO_WRITE, WRONG_PASSWORD};
use larder_tests::engine::{is_root, unmount};
use larder_tests::larder::PASSWORD;
use larder_tests::tool;
use larder_tests::tools::{command, fails, run};
use std::path::PathBuf;
use std::process::Command;

struct Buildah {
    program: PathBuf,
    house: House,
}

impl Buildah {
    fn command(&self, words: &[&str]) -> Command {
        let home = self.house.home();
        let mut buildah = command(&self.program, home);
        buildah
            .arg("--root")
            .arg(home.join("root"))
            .arg("--runroot")
            .arg(home.join("run"))
            .args(words);
        buildah.env("REGISTRY_AUTH_FILE", home.join("auth.json"));
        buildah
    }

    #[track_caller]
    fn run(&self, words: &[&str]) -> String {
        run(&mut self.command(words))
    }

    #[track_caller]
    fn fails(&self, words: &[&str]) -> String {
        fails(&mut self.command(words))
    }

    /// Makes an image of one file for an architecture.
    fn make(&self, image: &str, architecture: &str) {
        let file = self.house.home().join(architecture);
        std::fs::write(&file, architecture).expect("file");
        let container = self.run(&["from", "scratch"]);
        self.run(&[
            "copy",
            container.trim(),
            &file.display().to_string(),
            "/file",
        ]);
        self.run(&["config", "--arch", architecture, container.trim()]);
        self.run(&["commit", "-q", "--rm", container.trim(), image]);
    }
}

impl Drop for Buildah {
    fn drop(&mut self) {
        unmount(self.house.home());
    }
}

fn buildah() -> Option<Buildah> {
    let program = tool("buildah")?;
    let buildah = is_root().then(|| Buildah {
        program,
        house: House::open("buildah"),
    })?;
    std::fs::write(buildah.house.home().join("auth.json"), "{}").expect("logins");
    Some(buildah)
}

const PLAIN: &str = "--tls-verify=false";

#[test]
fn buildah_is_served_and_refused() {
    let Some(buildah) = buildah() else { return };
    let house = &buildah.house;
    let (private, public) = (house.at("team/app:1"), house.at("open/app:1"));
    buildah.make(&private, "amd64");
    buildah.run(&["tag", &private, &public]);
    house.says(
        "push without a login",
        &buildah.fails(&["push", PLAIN, &private]),
        "unauthorized: authentication required",
    );
    let login = |password: &str| {
        buildah.command(&[
            "login",
            PLAIN,
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
    let file = house.home().join("digest").display().to_string();
    house.says(
        "push",
        &buildah.run(&["push", PLAIN, "--digestfile", &file, &private]),
        "Storing signatures",
    );
    let digest = house.digest("team/app", "1");
    assert_eq!(std::fs::read_to_string(&file).expect("digest"), digest);
    buildah.run(&["push", PLAIN, &public]);
    buildah.run(&["rmi", "-f", &private, &public]);
    let pulled = buildah.run(&["pull", PLAIN, &private]);
    house.says("pull", &pulled, "");
    let seen = buildah.run(&[
        "inspect",
        "--type",
        "image",
        "--format",
        "{{.FromImageDigest}}",
        &private,
    ]);
    assert_eq!(seen.trim(), digest);

    house.says(
        "unknown tag",
        &buildah.fails(&["pull", PLAIN, &house.at("team/app:none")]),
        NO_TAG,
    );
    let unknown = buildah.fails(&["pull", PLAIN, &house.at("nowhere/app:1")]);
    house.says("unknown name", &unknown, NO_NAME);
    let (reader, stranger) = (House::credentials("reader"), House::credentials("stranger"));
    let again = ["pull", PLAIN, "--policy", "always", "--creds"];
    let pull =
        |credentials: &str| buildah.command(&[&again[..], &[credentials, &private]].concat());
    run(&mut pull(&reader));
    house.says(
        "push without the right",
        &buildah.fails(&["push", PLAIN, "--creds", &reader, &private]),
        NO_WRITE,
    );
    let hidden = fails(&mut pull(&stranger));
    house.says("pull without the right", &hidden, NO_NAME);
    House::same((&hidden, "team/app"), (&unknown, "nowhere/app"));
    house.says(
        "pull with a wrong password",
        &fails(&mut pull("writer:wrong")),
        WRONG_PASSWORD,
    );
    buildah.run(&["logout", house.larder.host()]);
    house.says(
        "pull without a login",
        &buildah.fails(&["pull", PLAIN, "--policy", "always", &private]),
        NO_LOGIN,
    );
    buildah.run(&["pull", PLAIN, &public]);
}

#[test]
fn an_index_of_two_architectures_is_pushed_whole() {
    let Some(buildah) = buildah() else { return };
    let house = &buildah.house;
    let index = house.at("team/both:1");
    buildah.run(&["manifest", "create", &index]);
    for architecture in ["amd64", "arm64"] {
        let image = house.at(&format!("team/{architecture}:1"));
        buildah.make(&image, architecture);
        buildah.run(&["manifest", "add", &index, &image]);
    }
    let to = format!("docker://{index}");
    let writer = House::credentials("writer");
    let pushed = buildah.run(&[
        "manifest", "push", "--all", PLAIN, "--creds", &writer, &index, &to,
    ]);
    house.says("push of an index", &pushed, "Storing list signatures");
    let kept: serde_json::Value =
        serde_json::from_slice(&house.manifest("team/both", "1").0).expect("index");
    let children = kept["manifests"].as_array().expect("manifests");
    let architectures: Vec<_> = children
        .iter()
        .map(|child| child["platform"]["architecture"].as_str())
        .collect();
    assert_eq!(architectures, [Some("amd64"), Some("arm64")]);
    for child in children {
        let digest = child["digest"].as_str().expect("digest");
        assert_eq!(house.digest("team/both", digest), digest);
        assert_eq!(
            serde_json::json!(house.manifest("team/both", digest).0.len()),
            child["size"]
        );
    }
}
