//! oras: artifacts, and artifacts about others.

use crate::house::House;
use crate::words::{NO_DELETE, NO_LOGIN, NO_WRITE, WRONG_PASSWORD};
use larder_tests::larder::PASSWORD;
use larder_tests::tool;
use larder_tests::tools::{command, docker_login, fails, run};
use std::path::PathBuf;
use std::process::Command;

struct Oras {
    program: PathBuf,
    house: House,
}

impl Oras {
    /// A command of a user; `""`: without a login, `wrong`: with a wrong password.
    fn command(&self, user: &str, words: &[&str]) -> Command {
        let home = self.house.home();
        let settings = home.join(format!("docker-{user}"));
        match user {
            "" => {}
            "wrong" => docker_login(&settings, self.house.larder.host(), "writer", "wrong"),
            user => docker_login(&settings, self.house.larder.host(), user, PASSWORD),
        }
        let mut oras = command(&self.program, home);
        oras.args(words)
            .arg("--plain-http")
            .arg("--registry-config")
            .arg(settings.join("config.json"));
        oras
    }

    #[track_caller]
    fn run(&self, user: &str, words: &[&str]) -> String {
        run(&mut self.command(user, words))
    }

    #[track_caller]
    fn fails(&self, user: &str, words: &[&str]) -> String {
        fails(&mut self.command(user, words))
    }
}

const KIND: &str = "application/vnd.example.sbom";

#[test]
fn oras_is_served_and_refused() {
    let Some(program) = tool("oras") else { return };
    let oras = Oras {
        program,
        house: House::open("oras"),
    };
    let house = &oras.house;
    for (file, text) in [("note.txt", "a note"), ("sbom.txt", "what is in it")] {
        std::fs::write(house.home().join(file), text).expect("file");
    }
    let name = |name: &str| house.at(name);
    let app = name("team/note:1");
    let push = |user: &str, place: &str| {
        oras.command(
            user,
            &[
                "push",
                "--artifact-type",
                "application/vnd.example.note",
                place,
                "note.txt:text/plain",
            ],
        )
    };
    let login = |password: &str| {
        oras.fails(
            "",
            &["login", "-u", "writer", "-p", password, house.larder.host()],
        )
    };
    let refused = login("wrong");
    let refused = refused
        .lines()
        .find(|line| line.starts_with("Error"))
        .unwrap_or(&refused);
    house.says("wrong password", refused, WRONG_PASSWORD);
    house.says(
        "push with a wrong password",
        &fails(&mut push("wrong", &app)),
        WRONG_PASSWORD,
    );
    let pushed = run(&mut push("writer", &app));
    let digest = house.digest("team/note", "1");
    house.says("push", &pushed, &digest);
    house.says(
        "pull",
        &oras.run("reader", &["pull", "-o", "out", &app]),
        &digest,
    );
    assert_eq!(
        std::fs::read_to_string(house.home().join("out/note.txt")).expect("file"),
        "a note"
    );
    let about = attach(&oras, &app);
    oras.run(
        "reader",
        &[
            "pull",
            "-o",
            "out",
            &format!("{}@{about}", name("team/note")),
        ],
    );
    assert_eq!(
        std::fs::read_to_string(house.home().join("out/sbom.txt")).expect("file"),
        "what is in it"
    );
    run(&mut push("writer", &name("open/note:1")));
    oras.run("", &["pull", "-o", "public", &name("open/note:1")]);
    house.says(
        "list",
        &oras.run("reader", &["repo", "tags", &name("team/note")]),
        "1",
    );

    house.says(
        "push without a login",
        &fails(&mut push("", &app)),
        "401: Unauthorized",
    );
    house.says(
        "push without the right",
        &fails(&mut push("reader", &name("team/note:2"))),
        NO_WRITE,
    );
    refuses_reads_and_deletions(&oras, &app);
}

/// Attaches an artifact to another, which is found by it afterwards; tells its digest.
fn attach(oras: &Oras, app: &str) -> String {
    let house = &oras.house;
    let attached = oras.run(
        "writer",
        &[
            "attach",
            "--artifact-type",
            KIND,
            app,
            "sbom.txt:text/plain",
        ],
    );
    let about = attached
        .lines()
        .find_map(|line| line.strip_prefix("Digest: "))
        .expect("digest")
        .to_owned();
    house.says("attach", &attached, &about);
    let tree = oras.run(
        "reader",
        &["discover", "--distribution-spec", "v1.1-referrers-api", app],
    );
    assert!(tree.contains(KIND) && tree.contains(&about), "{tree}");
    house.says("discover", &tree, &about);
    let default = oras.run("reader", &["discover", app]);
    assert!(default.contains(&about), "{default}");
    assert_eq!(house.tags("team/note"), ["1"], "referrers need no tag");
    about
}

fn refuses_reads_and_deletions(oras: &Oras, app: &str) {
    let house = &oras.house;
    house.says(
        "pull without a login",
        &oras.fails("", &["pull", app]),
        NO_LOGIN,
    );
    house.says(
        "unknown tag",
        &oras.fails("writer", &["pull", &house.at("team/note:none")]),
        "not found",
    );
    let unknown = oras.fails("writer", &["pull", &house.at("nowhere/note:1")]);
    house.says("unknown name", &unknown, "not found");
    let hidden = oras.fails("stranger", &["pull", app]);
    house.says("pull without the right", &hidden, "not found");
    House::same((&hidden, "team/note"), (&unknown, "nowhere/note"));
    let refused = oras.fails("reader", &["manifest", "delete", "-f", app]);
    house.says("delete without the right", &refused, NO_DELETE);
    house.says(
        "delete",
        &oras.run("writer", &["manifest", "delete", "-f", app]),
        "Deleted",
    );
    assert!(house.tags("team/note").is_empty());
}

#[test]
fn the_list_of_images_is_the_users_own() {
    let Some(program) = tool("oras") else { return };
    let oras = Oras {
        program,
        house: House::open("oras"),
    };
    let house = &oras.house;
    std::fs::write(house.home().join("note.txt"), "a note").expect("file");
    for name in ["team/note:1", "open/note:1"] {
        oras.run("writer", &["push", &house.at(name), "note.txt"]);
    }
    let list = |user: &str| {
        let said = oras.run(user, &["repo", "ls", house.larder.host()]);
        said.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(list("reader"), ["open/note", "team/note"]);
    assert_eq!(list("stranger"), ["open/note"]);
    assert_eq!(list(""), ["open/note"]);
}
