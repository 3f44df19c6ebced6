//! The Docker engine and its client.

use crate::house::House;
use crate::mirror::Mirrored;
use crate::words::{NO_LOGIN, NO_NAME, NO_TAG, NO_WRITE, WRONG_PASSWORD};
use larder_tests::engine::{Docker, WORD, context};
use larder_tests::home::{Home, Who};
use larder_tests::larder::PASSWORD;
use larder_tests::tool;
use larder_tests::tools::{fails, run};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A server, an engine, and an image to build.
struct Bed {
    house: House,
    engine: Docker,
    context: PathBuf,
}

impl Bed {
    fn new() -> Option<Self> {
        let engine = Docker::start()?;
        let house = House::open("docker");
        let context = context(house.home())?;
        Some(Self {
            house,
            engine,
            context,
        })
    }

    fn docker(&self, words: &[&str]) -> Command {
        let mut docker = self.engine.command(self.house.home());
        docker.args(words);
        docker
    }

    #[track_caller]
    fn run(&self, words: &[&str]) -> String {
        run(&mut self.docker(words))
    }

    #[track_caller]
    fn fails(&self, words: &[&str]) -> String {
        fails(&mut self.docker(words))
    }

    /// Builds the image with one of Docker's two builders.
    #[track_caller]
    fn build(&self, image: &str, buildkit: bool) {
        let mut build = self.docker(&["build", "--network", "none", "-t", image]);
        run(build
            .arg(&self.context)
            .env("DOCKER_BUILDKIT", if buildkit { "1" } else { "0" }));
    }

    /// `docker login` with the password as a person types it; whether it succeeded and what it
    /// said.
    fn login(&self, user: &str, password: &str) -> (bool, String) {
        let mut login = self.docker(&[
            "login",
            "-u",
            user,
            "--password-stdin",
            self.house.larder.host(),
        ]);
        let (mut reader, writer) = std::io::pipe().expect("pipe");
        login
            .stdin(Stdio::piped())
            .stdout(writer.try_clone().expect("pipe"))
            .stderr(writer);
        let mut child = login.spawn().expect("docker login");
        drop(login);
        child
            .stdin
            .take()
            .expect("stdin")
            .write_all(password.as_bytes())
            .expect("password");
        let mut said = String::new();
        reader.read_to_string(&mut said).expect("output");
        (child.wait().expect("docker login").success(), said)
    }

    #[track_caller]
    fn log_in(&self, user: &str) -> String {
        let (done, said) = self.login(user, PASSWORD);
        assert!(done, "{said}");
        said
    }

    /// The engine's id of an image: the digest of its config.
    fn id(&self, image: &str) -> String {
        self.run(&["image", "inspect", "-f", "{{.Id}}", image])
    }
}

#[test]
fn images_of_both_builders_go_there_and_back_and_run() {
    let Some(bed) = Bed::new() else { return };
    bed.house
        .says("login", &bed.log_in("writer"), "Login Succeeded");
    for (name, buildkit) in [("team/classic", false), ("team/buildkit", true)] {
        let image = bed.house.at(&format!("{name}:1"));
        bed.build(&image, buildkit);
        let id = bed.id(&image);
        let pushed = bed.run(&["push", &image]);
        let digest = bed.house.digest(name, "1");
        assert!(pushed.contains(&format!("1: digest: {digest}")), "{pushed}");
        bed.run(&["rmi", &image]);
        let pulled = bed.run(&["pull", &image]);
        assert!(pulled.contains(&format!("Digest: {digest}")), "{pulled}");
        assert_eq!(bed.id(&image), id, "another image came back");
        let ran = bed.run(&["run", "--rm", "--network", "none", &image]);
        assert_eq!(ran.trim(), WORD);
        let seen = bed.run(&["manifest", "inspect", "--insecure", &image]);
        assert!(seen.contains(id.trim()), "{seen}");
        if buildkit {
            continue;
        }
        bed.house.says("push", &pushed, "digest: sha256:");
        bed.house.says("run", &ran, WORD);
        let status = pulled
            .lines()
            .find(|line| line.starts_with("Status:"))
            .expect("status");
        bed.house.says("pull", status, "Downloaded newer image");
    }
}

#[test]
fn buildkit_takes_its_base_from_a_private_repo() {
    let Some(bed) = Bed::new() else { return };
    bed.log_in("writer");
    let (base, above) = (bed.house.at("team/base:1"), bed.house.at("team/above:1"));
    bed.build(&base, false);
    bed.run(&["push", &base]);
    bed.run(&["rmi", &base]);
    let file = bed.context.join("Dockerfile");
    std::fs::write(&file, format!("FROM {base}\nLABEL above=base\n")).expect("Dockerfile");
    bed.build(&above, true);
    bed.run(&["push", &above]);
    let layers = |name| {
        serde_json::from_slice::<serde_json::Value>(&bed.house.manifest(name, "1").0)
            .expect("manifest")
    };
    assert_eq!(
        layers("team/above")["layers"],
        layers("team/base")["layers"]
    );
    bed.run(&["logout", bed.house.larder.host()]);
    let mut build = bed.docker(&[
        "build",
        "--network",
        "none",
        "--pull",
        "--no-cache",
        "-t",
        &above,
    ]);
    let refused = fails(build.arg(&bed.context).env("DOCKER_BUILDKIT", "1"));
    assert!(
        refused.contains(NO_LOGIN) || refused.contains("authorization failed"),
        "{refused}"
    );
}

#[test]
fn a_login_keeps_a_token_and_not_the_password() {
    let Some(bed) = Bed::new() else { return };
    bed.log_in("writer");
    let kept = std::fs::read(bed.house.home().join("docker/config.json")).expect("config.json");
    let kept: serde_json::Value = serde_json::from_slice(&kept).expect("config.json");
    let kept = &kept["auths"][bed.house.larder.host()];
    let token = kept["identitytoken"].as_str().expect("an identity token");
    assert!(token.starts_with("lrd_"), "{token}");
    bed.house
        .larder
        .user("writer", token)
        .get("/v2/")
        .expect(200);
    let encoded = kept["auth"].as_str().unwrap_or_default();
    bed.house.larder.anonymous().get("/v2/").expect(401);
    let basic = larder_tests::Client::with_authorization(
        bed.house.larder.address(),
        &format!("Basic {encoded}"),
    );
    basic.get("/v2/").expect(401);

    let image = bed.house.at("team/app:1");
    bed.build(&image, false);
    bed.run(&["push", &image]);
    let writer = bed.house.larder.user("writer", PASSWORD);
    let tokens = writer.get("/api/v1/tokens").expect(200).json();
    let id = tokens["items"][0]["id"]
        .as_str()
        .expect("the login's token")
        .to_owned();
    writer
        .send("DELETE", &format!("/api/v1/tokens/{id}"), &[], b"")
        .expect(204);
    bed.house.says(
        "push after the login's token is deleted",
        &bed.fails(&["push", &image]),
        WRONG_PASSWORD,
    );
}

#[test]
fn refusals_are_told() {
    let Some(bed) = Bed::new() else { return };
    let house = &bed.house;
    let (done, said) = bed.login("writer", "wrong");
    assert!(!done);
    house.says("wrong password", &said, WRONG_PASSWORD);
    let (private, public) = (house.at("team/app:1"), house.at("open/app:1"));
    bed.build(&private, false);
    bed.run(&["tag", &private, &public]);
    house.says(
        "push without a login",
        &bed.fails(&["push", &private]),
        NO_LOGIN,
    );
    bed.log_in("writer");
    bed.run(&["push", &private]);
    bed.run(&["push", &public]);
    house.says(
        "unknown tag",
        &bed.fails(&["pull", &house.at("team/app:none")]),
        NO_TAG,
    );
    let unknown = bed.fails(&["pull", &house.at("nowhere/app:1")]);
    house.says("unknown name", &unknown, NO_NAME);
    bed.run(&["rmi", &private, &public]);

    bed.log_in("reader");
    bed.run(&["pull", &private]);
    house.says(
        "push without the right",
        &bed.fails(&["push", &private]),
        NO_WRITE,
    );
    bed.log_in("stranger");
    let hidden = bed.fails(&["pull", &private]);
    house.says("pull without the right", &hidden, NO_NAME);
    House::same((&hidden, "team/app"), (&unknown, "nowhere/app"));
    bed.run(&["logout", house.larder.host()]);
    house.says(
        "pull without a login",
        &bed.fails(&["pull", &private]),
        NO_LOGIN,
    );
    bed.run(&["pull", &public]);
}

#[test]
fn docker_pulls_through_a_mirror() {
    let Some(program) = tool("docker") else {
        return;
    };
    let Some(bed) = Mirrored::open("docker", "docker", "docker.io", &[program]) else {
        return;
    };
    let settings = bed
        .home(Who::Nobody)
        .folder()
        .join("etc/docker/daemon.json");
    let Some(engine) = Docker::start_with(Some(&settings)) else {
        return;
    };
    let docker = |home: &Home, words: &[&str]| {
        let mut docker = engine.command(home.folder());
        docker.args(words);
        docker
    };
    let pull = |_: &Mirrored, home: &Home, image: &str| docker(home, &["pull", image]);
    let forget = |_: &Mirrored, home: &Home, image: &str| {
        run(&mut docker(home, &["rmi", image]));
    };
    let bed = bed.walk(false, pull, forget);
    // By this server's name, with a login.
    bed.larder.close_everything();
    bed.larder
        .grant("user:reader", "oci/docker.io", "*", "reader");
    let home = bed.home(Who::Reader);
    let lines = home.before().replace("IMAGE:TAG", "team/app:1");
    let told = run(home
        .shell_without(home.folder(), &lines)
        .env("DOCKER_HOST", engine.address()));
    assert!(
        told.contains("Login Succeeded") && told.contains("Downloaded newer image"),
        "{told}"
    );
}
