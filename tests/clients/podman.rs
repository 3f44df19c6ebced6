//! podman, with its storage in a temporary folder.

use crate::house::House;
use crate::mirror::Mirrored;
use crate::words::{NO_LOGIN, NO_NAME, NO_TAG, NO_WRITE, WRONG_PASSWORD};
use larder_tests::engine::{WORD, context, is_root, unmount};
use larder_tests::home::{Home, Who};
use larder_tests::larder::PASSWORD;
use larder_tests::tool;
use larder_tests::tools::{command, fails, run};
use std::path::PathBuf;
use std::process::Command;

/// What lets containers run where the tests may have few rights themselves.
const SETTINGS: &str = r#"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"#;

struct Podman {
    program: PathBuf,
    house: House,
}

impl Podman {
    fn command(&self, words: &[&str]) -> Command {
        let home = self.house.home();
        let mut podman = command(&self.program, home);
        for (option, name) in [
            ("--root", "root"),
            ("--runroot", "run"),
            ("--tmpdir", "tmp"),
        ] {
            podman.arg(option).arg(home.join(name));
        }
        podman
            .env("CONTAINERS_CONF", home.join("containers.conf"))
            .env("REGISTRY_AUTH_FILE", home.join("auth.json"));
        podman.args(words);
        podman
    }

    #[track_caller]
    fn run(&self, words: &[&str]) -> String {
        run(&mut self.command(words))
    }

    #[track_caller]
    fn fails(&self, words: &[&str]) -> String {
        fails(&mut self.command(words))
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        unmount(self.house.home());
    }
}

#[test]
fn podman_is_served_and_refused() {
    let (Some(program), Some(_)) = (tool("podman"), tool("runc")) else {
        return;
    };
    if !is_root() {
        return;
    }
    let podman = Podman {
        program,
        house: House::open("podman"),
    };
    let house = &podman.house;
    std::fs::write(house.home().join("containers.conf"), SETTINGS).expect("settings");
    std::fs::write(house.home().join("auth.json"), "{}").expect("logins");
    let Some(context) = context(house.home()) else {
        return;
    };
    let (private, public) = (house.at("team/app:1"), house.at("open/app:1"));
    run(podman
        .command(&["build", "-q", "-t", &private, "-t", &public])
        .arg(context));
    let plain = "--tls-verify=false";

    house.says(
        "push without a login",
        &podman.fails(&["push", plain, &private]),
        "unauthorized: authentication required",
    );
    let login = |password: &str| {
        podman.command(&[
            "login",
            plain,
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
    let pushed = podman.run(&["push", plain, "--digestfile", &file, &private]);
    house.says("push", &pushed, "Storing signatures");
    let digest = house.digest("team/app", "1");
    assert_eq!(std::fs::read_to_string(&file).expect("digest"), digest);
    podman.run(&["push", plain, &public]);
    let id = podman.run(&["image", "inspect", "-f", "{{.Id}}", &private]);
    podman.run(&["rmi", "-f", id.trim()]);
    let pulled = podman.run(&["pull", plain, &private]);
    assert!(
        pulled.contains(id.trim()),
        "another image came back: {pulled}"
    );
    assert_eq!(
        podman
            .run(&["image", "inspect", "-f", "{{.Digest}}", &private])
            .trim(),
        digest
    );
    house.says("pull", &pulled, "Storing signatures");
    let ran = podman.run(&["run", "--rm", "--network", "none", &private]);
    house.says("run", &ran, WORD);
    let tags = podman.run(&["search", plain, "--list-tags", &house.at("team/app")]);
    assert_eq!(
        tags.lines()
            .last()
            .map(|line| line.split_whitespace().collect()),
        Some(vec![&*house.at("team/app"), "1"])
    );
    let found = podman.run(&["search", plain, "--format", "{{.Name}}", &house.at("app")]);
    house.says_all("list", &found, &house.at("team/app"));

    refuses(&podman, &private);
    podman.run(&["pull", plain, &public]);
}

/// What is not there, and what some users may not do with an image.
fn refuses(podman: &Podman, private: &str) {
    let house = &podman.house;
    let plain = "--tls-verify=false";
    house.says(
        "unknown tag",
        &podman.fails(&["pull", plain, &house.at("team/app:none")]),
        NO_TAG,
    );
    let unknown = podman.fails(&["pull", plain, &house.at("nowhere/app:1")]);
    house.says("unknown name", &unknown, NO_NAME);
    let (reader, stranger) = (House::credentials("reader"), House::credentials("stranger"));
    podman.run(&["pull", plain, "--creds", &reader, private]);
    house.says(
        "push without the right",
        &podman.fails(&["push", plain, "--creds", &reader, private]),
        NO_WRITE,
    );
    let hidden = podman.fails(&["pull", plain, "--creds", &stranger, private]);
    house.says("pull without the right", &hidden, NO_NAME);
    House::same((&hidden, "team/app"), (&unknown, "nowhere/app"));
    let wrong = podman.fails(&["pull", plain, "--creds", "writer:wrong", private]);
    house.says("pull with a wrong password", &wrong, WRONG_PASSWORD);
    podman.run(&["logout", house.larder.host()]);
    house.says(
        "pull without a login",
        &podman.fails(&["pull", plain, private]),
        NO_LOGIN,
    );
}

#[test]
fn podman_pulls_through_a_mirror() {
    let Some(program) = tool("podman") else {
        return;
    };
    if !is_root() {
        return;
    }
    let Some(bed) = Mirrored::open("podman", "podman", "registry.example", &[program]) else {
        return;
    };
    let podman = |home: &Home, words: &str| {
        let below = |name: &str| home.folder().join(name).display().to_string();
        let settings = [
            (
                "CONTAINERS_REGISTRIES_CONF",
                "etc/containers/registries.conf.d/larder-registry.example.conf",
            ),
            ("REGISTRY_AUTH_FILE", "auth.json"),
            ("CONTAINERS_STORAGE_CONF", "storage.conf"),
        ];
        let storage = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = {:?}\nrunroot = {:?}\n",
            below("root"),
            below("run")
        );
        std::fs::write(below("storage.conf"), storage).expect("settings");
        if !home.folder().join("auth.json").exists() {
            std::fs::write(below("auth.json"), "{}").expect("logins");
        }
        // The lines log in, and pull as well.
        let before = home
            .before()
            .lines()
            .filter(|line| !line.contains("IMAGE:TAG"));
        let mut shell = home.shell_without(
            home.folder(),
            &format!("{}\n{words}", before.collect::<Vec<_>>().join("\n")),
        );
        shell.envs(settings.map(|(name, file)| (name, below(file))));
        shell
    };
    let pull = |_: &Mirrored, home: &Home, image: &str| {
        podman(home, &format!("podman pull registry.example/{image}"))
    };
    let forget = |_: &Mirrored, home: &Home, image: &str| {
        run(&mut podman(
            home,
            &format!("podman rmi registry.example/{image}"),
        ));
        unmount(home.folder());
    };
    let bed = bed.walk(true, pull, forget);
    let home = bed.home(Who::Reader);
    run(&mut podman(
        &home,
        &home.before().replace("IMAGE:TAG", "team/app:1"),
    ));
    unmount(home.folder());
}
