//! A server that was killed and stands in a network without a way out has all that was mirrored.

use crate::bed::STALE;
use crate::hosted::noise;
use crate::large::{allow, bed, with_large};
use larder_tests::gits::git_in;
use larder_tests::tools::{fails, run, skip};
use larder_tests::{Start, Upstream, apart, tool};
use serde_json::json;

#[test]
fn what_is_mirrored_needs_no_network() {
    let Some(mut bed) = bed() else { return };
    let Some(wrapper) = apart::wrapper() else {
        skip("no network of its own can be made here");
        return;
    };
    let other = Upstream::start();
    let body = noise(6, 120_000);
    with_large(&bed, &other, &body);
    allow(&bed, &[&other]);
    bed.gits.make("beside");
    let modules = "[submodule \"beside\"]\n\tpath = beside\n\turl = ../beside.git\n";
    bed.gits.commit("tool", ".gitmodules", modules.as_bytes());
    let link = format!("160000,{},beside", bed.gits.head("beside"));
    let add = ["update-index", "--add", "--cacheinfo", &link];
    bed.gits.run("tool", &add);
    bed.gits.run("tool", &["commit", "-q", "-m", "a submodule"]);
    let old = bed.gits.head("tool");
    bed.clone(&bed.url("up/tool"), "first", &["--recurse-submodules"]);
    bed.gits
        .run("tool", &["commit", "-q", "--amend", "-m", "another"]);
    bed.turn(STALE);
    bed.clone(&bed.url("all/tool"), "second", &[]);
    let head = bed.gits.head("tool");
    bed.change("up", &json!({"offline": true}));
    bed.larder.kill();
    let words: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let start = Start::of(env!("CARGO_BIN_EXE_larder")).in_folder(bed.larder.data());
    let larder = start.under(&words).start();
    let (program, home) = (tool("git").expect("git"), bed.home());
    let url = format!("{}/git/all/tool", larder.url());
    bed.upstream.take_asked();
    other.take_asked();
    apart::inside(larder.pid(), || {
        let at = |name: &str, arguments: &[&str]| git_in(&program, home, name, arguments);
        for version in ["0", "2"] {
            let set = format!("protocol.version={version}");
            for (name, more) in [
                ("whole", "--recurse-submodules"),
                ("shallow", "--depth=1"),
                ("partial", "--filter=blob:none"),
            ] {
                let name = format!("{name}-{version}");
                run(&mut at("", &["-c", &set, "clone", "-q", more, &url, &name]));
                let told = run(&mut at(&name, &["rev-parse", "HEAD"]));
                assert_eq!(told.trim(), head, "{name}");
                let large = std::fs::read_to_string(home.join(&name).join("large.bin"));
                assert!(large.expect("file") == body, "{name}");
            }
            let name = format!("whole-{version}");
            assert!(home.join(&name).join("beside/readme.txt").is_file());
            run(&mut at(&name, &["-c", &set, "fetch", "-q", "origin", &old]));
            run(&mut at(&name, &["fsck", "--strict"]));
        }
        let nowhere = format!("{}/git/up/nowhere", larder.url());
        let told = fails(&mut at("", &["ls-remote", &nowhere]));
        assert!(told.contains("offline"), "{told}");
    });
    assert_eq!((bed.upstream.total(), other.total()), (0, 0));
}
