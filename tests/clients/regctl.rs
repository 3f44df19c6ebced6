//! regctl.

use crate::house::House;
use crate::words::{NO_NAME, NO_TAG, NO_WRITE};
use larder_tests::larder::PASSWORD;
use larder_tests::tools::{command, fails, run};
use larder_tests::{layout, tool};
use std::path::PathBuf;
use std::process::Command;

struct Regctl {
    program: PathBuf,
    house: House,
}

impl Regctl {
    /// A command of a user, without a login if it has not logged in.
    fn command(&self, user: &str, words: &[&str]) -> Command {
        let home = self.house.home();
        let mut regctl = command(&self.program, home);
        regctl
            .env("REGCTL_CONFIG", home.join(format!("{user}.json")))
            .args(words);
        regctl
    }

    #[track_caller]
    fn run(&self, user: &str, words: &[&str]) -> String {
        run(&mut self.command(user, words))
    }

    #[track_caller]
    fn fails(&self, user: &str, words: &[&str]) -> String {
        fails(&mut self.command(user, words))
    }

    fn login(&self, user: &str, password: &str) -> Command {
        self.run(
            user,
            &[
                "registry",
                "set",
                "--skip-check",
                "--tls",
                "disabled",
                self.house.larder.host(),
            ],
        );
        self.command(
            user,
            &[
                "registry",
                "login",
                "-u",
                user,
                "-p",
                password,
                self.house.larder.host(),
            ],
        )
    }
}

#[test]
fn regctl_is_served_and_refused() {
    let Some(program) = tool("regctl") else {
        return;
    };
    let regctl = Regctl {
        program,
        house: House::open("regctl"),
    };
    let house = &regctl.house;
    let images = ["amd64", "arm64"]
        .map(|architecture| layout::runnable(architecture.as_bytes(), architecture));
    let index = layout::index(&[("amd64", &images[0]), ("arm64", &images[1])]);
    layout::write_index(
        &house.home().join("from"),
        &[&images[0], &images[1]],
        &index,
        "1",
    );
    let name = |name: &str| house.at(name);
    let app = name("team/app:1");

    house.says(
        "wrong password",
        &fails(&mut regctl.login("writer", "wrong")),
        "unauthorized",
    );
    for user in ["writer", "reader", "stranger"] {
        run(&mut regctl.login(user, PASSWORD));
    }
    regctl.run(
        "anonymous",
        &[
            "registry",
            "set",
            "--skip-check",
            "--tls",
            "disabled",
            house.larder.host(),
        ],
    );
    house.says(
        "push",
        &regctl.run("writer", &["image", "copy", "ocidir://from:1", &app]),
        "",
    );
    assert_eq!(house.manifest("team/app", "1").0, index);
    for image in &images {
        image.check(&house.larder.admin(), "team/app", &image.digest.to_string());
    }
    house.says(
        "pull",
        &regctl.run("reader", &["image", "copy", &app, "ocidir://to:1"]),
        "",
    );
    for image in &images {
        layout::check(&house.home().join("to"), image);
    }
    regctl.run("writer", &["image", "copy", &app, &name("open/app:1")]);
    regctl.run(
        "anonymous",
        &["image", "copy", &name("open/app:1"), "ocidir://public:1"],
    );
    regctl.run("writer", &["image", "copy", &app, &name("team/app:two")]);
    house.says_all(
        "list",
        &regctl.run("writer", &["tag", "ls", &name("team/app")]),
        "1\ntwo\n",
    );
    assert_eq!(
        regctl.run("writer", &["repo", "ls", house.larder.host()]),
        "open/app\nteam/app\n"
    );
    assert_eq!(
        regctl.run("anonymous", &["repo", "ls", house.larder.host()]),
        "open/app\n"
    );

    refuses(&regctl);
}

fn refuses(regctl: &Regctl) {
    let house = &regctl.house;
    let name = |name: &str| house.at(name);
    let push = |user: &str| {
        regctl.fails(
            user,
            &["image", "copy", "ocidir://from:1", &name("team/new:1")],
        )
    };
    let pull = |user: &str, what: &str| regctl.fails(user, &["manifest", "get", &name(what)]);
    house.says("push without a login", &push("anonymous"), "unauthorized");
    house.says("push without the right", &push("reader"), NO_WRITE);
    house.says(
        "pull without a login",
        &pull("anonymous", "team/app:1"),
        "unauthorized",
    );
    house.says("unknown tag", &pull("writer", "team/app:none"), NO_TAG);
    let unknown = pull("writer", "nowhere/app:1");
    house.says("unknown name", &unknown, NO_NAME);
    let hidden = pull("stranger", "team/app:1");
    house.says("pull without the right", &hidden, NO_NAME);
    House::same((&hidden, "team/app"), (&unknown, "nowhere/app"));
    let by_digest = format!("{}@{}", name("team/app"), house.digest("team/app", "1"));
    let refused = regctl.fails("reader", &["manifest", "rm", &by_digest]);
    house.says(
        "delete without the right",
        &refused,
        "you may not delete team/app",
    );
    house.says(
        "delete",
        &regctl.run("writer", &["tag", "rm", &name("team/app:two")]),
        "",
    );
    assert_eq!(house.tags("team/app"), ["1"]);
    regctl.run("writer", &["manifest", "rm", &by_digest]);
    assert!(house.tags("team/app").is_empty());
}
