//! ctr, the client of containerd.

use crate::house::House;
use crate::mirror::Mirrored;
use crate::words::{NO_LOGIN, NO_WRITE, WRONG_PASSWORD};
use larder_tests::engine::{Containerd, WORD, alone, program};
use larder_tests::home::{Home, read};
use larder_tests::layout;
use larder_tests::tools::{fails, run};
use std::process::Command;

#[test]
fn ctr_is_served_and_refused() {
    let Some(engine) = Containerd::start() else {
        return;
    };
    let house = House::open("ctr");
    let Some(program) = program(house.home()) else {
        return;
    };
    let image = layout::runnable(&std::fs::read(program).expect("program"), "amd64");
    for name in ["team/app", "open/app"] {
        image.push(&house.larder.admin(), name, "1");
    }
    let ctr = |words: &[&str]| {
        let mut ctr = engine.command(house.home());
        ctr.args(words);
        ctr
    };
    let images = |what: &str, user: &str, name: &str| -> Command {
        let mut ctr = ctr(&["images", what, "--plain-http"]);
        match user {
            "" => &mut ctr,
            "wrong" => ctr.args(["--user", "writer:wrong"]),
            user => ctr.arg("--user").arg(House::credentials(user)),
        };
        ctr.arg(house.at(name));
        ctr
    };
    run(&mut images("pull", "", "open/app:1"));
    run(&mut images("pull", "reader", "team/app:1"));
    let pulled = run(&mut images("pull", "writer", "team/app:1"));
    house.says(
        "pull",
        pulled
            .lines()
            .rfind(|line| line.starts_with("unpacking"))
            .expect("unpacking"),
        "unpacking linux/amd64",
    );
    let known = run(&mut ctr(&["images", "ls"]));
    assert!(known.contains(&image.digest.to_string()), "{known}");
    let ran = run(&mut ctr(&[
        "run",
        "--rm",
        "--runc-binary",
        "runc",
        &house.at("team/app:1"),
        "hello",
    ]));
    house.says("run", &ran, WORD);

    for name in ["team/new:1", "team/mine:1"] {
        run(&mut ctr(&[
            "images",
            "tag",
            &house.at("team/app:1"),
            &house.at(name),
        ]));
    }
    let pushed = run(&mut images("push", "writer", "team/new:1"));
    let manifest = pushed
        .lines()
        .rfind(|line| line.starts_with("manifest-"))
        .expect("manifest");
    house.says(
        "push",
        &manifest[..manifest.find("done").expect("done") + 4],
        "",
    );
    image.check(&house.larder.admin(), "team/new", "1");

    // ctr shows the status line of an answer and not its body.
    house.says(
        "wrong password",
        &fails(&mut images("push", "wrong", "team/mine:1")),
        WRONG_PASSWORD,
    );
    house.says(
        "push without a login",
        &fails(&mut images("push", "", "team/mine:1")),
        NO_LOGIN,
    );
    house.says(
        "push without the right",
        &fails(&mut images("push", "reader", "team/mine:1")),
        NO_WRITE,
    );
    house.says(
        "pull without a login",
        &fails(&mut images("pull", "", "team/app:1")),
        NO_LOGIN,
    );
    house.says(
        "unknown tag",
        &fails(&mut images("pull", "writer", "team/app:none")),
        "not found",
    );
    let unknown = fails(&mut images("pull", "writer", "nowhere/app:1"));
    house.says("unknown name", &unknown, "not found");
    let hidden = fails(&mut images("pull", "stranger", "team/app:1"));
    house.says("pull without the right", &hidden, "not found");
    House::same((&hidden, "team/app"), (&unknown, "nowhere/app"));
    assert!(house.tags("team/mine").is_empty());
}

#[test]
fn ctr_pulls_through_a_mirror() {
    let Some(engine) = Containerd::start() else {
        return;
    };
    let Some(bed) = Mirrored::open("ctr", "containerd", "registry.example", &[]) else {
        return;
    };
    let ctr = |home: &Home, words: &[&str]| {
        let mut ctr = engine.command(home.folder());
        alone(&mut ctr);
        ctr.args(words);
        ctr
    };
    let pull = |_: &Mirrored, home: &Home, image: &str| {
        // What the last line for a shell prints stands for $BASIC.
        let hosts = home.folder().join("etc/containerd/certs.d");
        let file = hosts.join("registry.example/hosts.toml");
        let text = read(&file);
        if text.contains("$BASIC") {
            let basic = home.run(home.folder(), "");
            std::fs::write(&file, text.replace("$BASIC", basic.trim())).expect("hosts.toml");
        }
        let hosts = hosts.display().to_string();
        ctr(
            home,
            &[
                "images",
                "pull",
                "--hosts-dir",
                &hosts,
                &format!("registry.example/{image}"),
            ],
        )
    };
    let forget = |_: &Mirrored, home: &Home, image: &str| {
        run(&mut ctr(
            home,
            &[
                "images",
                "rm",
                "--sync",
                &format!("registry.example/{image}"),
            ],
        ));
    };
    bed.walk(true, pull, forget);
}
