//! crane.

use crate::house::House;
use crate::words::{NO_DELETE, NO_LOGIN, NO_NAME, NO_TAG, NO_WRITE, WRONG_PASSWORD};
use larder_tests::larder::PASSWORD;
use larder_tests::tools::{command, docker_login, fails, run};
use larder_tests::{layout, tool};
use std::path::PathBuf;
use std::process::Command;

struct Crane {
    program: PathBuf,
    house: House,
}

impl Crane {
    /// A command of a user; `""`: without a login, `wrong`: with a wrong password.
    fn command(&self, user: &str, words: &[&str]) -> Command {
        let home = self.house.home();
        let settings = home.join(format!("docker-{user}"));
        match user {
            "" => {}
            "wrong" => docker_login(&settings, self.house.larder.host(), "writer", "wrong"),
            user => docker_login(&settings, self.house.larder.host(), user, PASSWORD),
        }
        let mut crane = command(&self.program, home);
        crane.env("DOCKER_CONFIG", settings).args(words);
        crane
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

#[test]
fn crane_is_served_and_refused() {
    let Some(program) = tool("crane") else { return };
    let crane = Crane {
        program,
        house: House::open("crane"),
    };
    let house = &crane.house;
    let image = layout::runnable(b"no program", "amd64");
    layout::write(&house.home().join("from"), &image, "1");
    let name = |name: &str| house.at(name);
    let (app, open) = (name("team/app:1"), name("open/app:1"));

    let pushed = crane.run("writer", &["push", "from", &app]);
    house.says("push", &pushed, &image.digest.to_string());
    image.check(&house.larder.admin(), "team/app", "1");
    house.says(
        "pull",
        &crane.run("writer", &["pull", "--format", "oci", &app, "to"]),
        "",
    );
    layout::check(&house.home().join("to"), &image);
    assert_eq!(
        crane.run("reader", &["digest", &app]).trim(),
        image.digest.to_string()
    );
    std::fs::write(house.home().join("layer.tar"), &image.blobs[1].1).expect("layer");
    crane.run(
        "writer",
        &["append", "-f", "layer.tar", "-t", &name("team/made:1")],
    );
    crane.run("reader", &["validate", "--remote", &name("team/made:1")]);
    let copied = crane.run("writer", &["copy", &app, &open]);
    assert_eq!(copied.matches("mounted blob").count(), 2, "{copied}");
    crane.run("", &["pull", "--format", "oci", &open, "public"]);
    layout::check(&house.home().join("public"), &image);
    crane.run("writer", &["tag", &app, "two"]);
    house.says_all(
        "list",
        &crane.run("writer", &["ls", &name("team/app")]),
        "1\ntwo\n",
    );
    assert_eq!(
        crane.run("writer", &["catalog", house.larder.host()]),
        "open/app\nteam/app\nteam/made\n"
    );
    assert_eq!(
        crane.run("", &["catalog", house.larder.host()]),
        "open/app\n"
    );

    house.says(
        "wrong password",
        &crane.fails("wrong", &["push", "from", &app]),
        WRONG_PASSWORD,
    );
    let refused = crane.fails("", &["push", "from", &app]);
    house.says("push without a login", &refused, "401 Unauthorized");
    house.says(
        "pull without a login",
        &crane.fails("", &["pull", &app, "no"]),
        NO_LOGIN,
    );
    let refused = crane.fails("reader", &["push", "from", &name("team/app:new")]);
    house.says("push without the right", &refused, NO_WRITE);
    house.says(
        "delete without the right",
        &crane.fails("reader", &["delete", &app]),
        NO_DELETE,
    );
    house.says(
        "unknown tag",
        &crane.fails("writer", &["pull", &name("team/app:none"), "no"]),
        NO_TAG,
    );
    let unknown = crane.fails("writer", &["pull", &name("nowhere/app:1"), "no"]);
    house.says("unknown name", &unknown, NO_NAME);
    let hidden = crane.fails("stranger", &["pull", &app, "no"]);
    house.says("pull without the right", &hidden, NO_NAME);
    House::same((&hidden, "team/app"), (&unknown, "nowhere/app"));
    house.says(
        "list of an unknown name",
        &crane.fails("writer", &["ls", &name("nowhere/app")]),
        NO_NAME,
    );

    house.says(
        "delete",
        &crane.run("writer", &["delete", &name("team/app:two")]),
        "",
    );
    assert_eq!(house.tags("team/app"), ["1"]);
    crane.run(
        "writer",
        &["delete", &format!("{}@{}", name("team/app"), image.digest)],
    );
    assert!(house.tags("team/app").is_empty());
}
