//! The first minutes as the README has them: its lines for a shell, in their order, in an empty folder.
//! (Those of docker are in `tests/clients`.)

use crate::bed::{BINARY, Home};
use larder_tests::random::Random;
use larder_tests::tools::{command, tool};
use larder_tests::{Image, Start};
use std::path::Path;
use std::process::Output;

/// The lines of the README's blocks for a shell in the chapter of the first minutes, without comments.
fn lines() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(file).expect("README.md");
    let (_, chapter) = text
        .split_once("\n## Sixty seconds\n")
        .expect("the chapter");
    let (chapter, _) = chapter.split_once("\n## ").expect("its end");
    let blocks = chapter.split("```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().expect("a block"));
    let lines = blocks.flat_map(str::lines);
    let bare = |line: &str| line.split(" #").next().expect("a line").trim().to_owned();
    lines.map(bare).collect()
}

/// A folder with the program on the path.
fn shell(home: &Home, line: &str) -> Output {
    let bin = home.path("bin");
    if !bin.exists() {
        std::fs::create_dir(&bin).expect("folder");
        std::os::unix::fs::symlink(BINARY, bin.join("larder")).expect("link");
    }
    let search = std::env::var("PATH").unwrap_or_default();
    let mut shell = command(Path::new("/bin/sh"), home.folder());
    shell.env("PATH", format!("{}:{search}", bin.display()));
    shell.args(["-c", line]).output().expect("sh")
}

#[test]
fn the_lines_of_the_first_minutes_work() {
    if tool("curl").is_none() {
        return;
    }
    let home = Home::new();
    let larder = Start::of(BINARY)
        .with("LARDER_ADMIN_PASSWORD", "")
        .in_folder(home.path("larder-data"))
        .start();
    let password = home.path("larder-data/admin-password");
    let password = std::fs::read_to_string(password).expect("the password");
    let admin = larder.user("admin", password.trim());
    Image::random(&mut Random::seeded(), &[20]).push(&admin, "team/hello", "1");
    let mut ran = 0;
    for line in lines() {
        let is_ours = line.starts_with("larder ") || line.starts_with("curl ");
        if !is_ours || line == "larder serve" {
            continue;
        }
        let line = line.replace("127.0.0.1:7070", larder.host());
        let output = shell(&home, &line);
        let said =
            String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned();
        match line.as_str() {
            // It asks, and here nobody is there to answer.
            "larder user create alice" => {
                assert!(
                    !output.status.success() && said.contains("--generate-password"),
                    "{said}"
                );
                let again = shell(&home, &format!("{line} --generate-password"));
                assert!(again.status.success(), "{again:?}");
            }
            // How well this machine's upstreams and clients are is not the README's business.
            "larder upstream check" | "larder doctor" => {
                assert!(
                    matches!(output.status.code(), Some(0 | 1)),
                    "{line}: {output:?}"
                );
            }
            _ => assert!(output.status.success(), "{line}: {said}"),
        }
        ran += 1;
    }
    assert!(ran >= 14, "{ran} lines");
    let tags = admin.get("/v2/team/hello/tags/list").expect(200).text();
    assert!(tags.contains("hello"), "{tags}");
    let settings = std::fs::read_to_string(home.path(".npmrc")).expect("--write wrote it");
    assert!(
        settings.contains(&format!("//{}/npm/main/", larder.host()))
            || settings.contains(larder.url())
    );
    assert!(home.path("larder-resources.toml").exists());
}
