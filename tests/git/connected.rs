//! Clients that were told the lines of `larder connect`: whatever names the upstream comes through the server.

use crate::bed::{Bed, STALE};
use larder_tests::gits::Gits;
use larder_tests::home::{Home, Who};
use larder_tests::tools::{fails, run, tool};
use serde_json::json;
use std::path::Path;

/// A git repository with the crate `dep`, and one beside it that needs it by its upstream's address.
fn crates(bed: &Bed) -> String {
    bed.gits.make("dep");
    let manifest = "[package]\nname = \"dep\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    bed.gits.commit("dep", "Cargo.toml", manifest.as_bytes());
    let source = "pub const WORD: &str = \"theirs\";\n";
    bed.gits.commit("dep", "src/lib.rs", source.as_bytes())
}

#[test]
fn git_goes_where_it_is_told() {
    let Some(bed) = Bed::new() else { return };
    let git = tool("git").expect("git");
    bed.gits.make("tool");
    let upstream = format!("{}tool.git", Gits::url(&bed.upstream));
    bed.larder.make_user("reader");
    let nobody = Home::of(
        &bed.larder,
        Who::Nobody,
        ("git", "git/up"),
        std::slice::from_ref(&git),
    );
    run(&mut nobody.shell_without(nobody.folder(), &format!("git clone -q {upstream} one")));
    let asked = bed.upstream.take_asked();
    assert_eq!(asked.len(), 3, "the server's own: {asked:?}");
    bed.change("up", &json!({"offline": true}));
    bed.turn(STALE);
    run(&mut nobody.shell_without(nobody.folder(), &format!("git clone -q {upstream} two")));
    // Where not everyone may read, a token is shown, and to this server alone.
    bed.larder.close_everything();
    bed.larder.grant("user:reader", "git/up", "*", "reader");
    let reader = Home::of(
        &bed.larder,
        Who::Reader,
        ("git", "git/up"),
        std::slice::from_ref(&git),
    );
    run(&mut reader.shell_without(reader.folder(), &format!("git clone -q {upstream} three")));
    let liar = Home::of(&bed.larder, Who::Liar, ("git", "git/up"), &[git]);
    let line = format!("GIT_TERMINAL_PROMPT=0 git clone -q {upstream} four");
    fails(&mut liar.shell_without(liar.folder(), &line));
    assert_eq!(bed.upstream.total(), 0);
}

/// cargo takes a dependency out of a repository at its upstream's address, by branch and by commit, and takes
/// the same when the upstream is gone.
#[test]
fn cargo_takes_what_is_mirrored() {
    let Some(bed) = Bed::new() else { return };
    let (git, cargo) = (tool("git").expect("git"), Path::new(env!("CARGO")));
    let commit = crates(&bed);
    let home = Home::of(
        &bed.larder,
        Who::Nobody,
        ("git", "git/up"),
        &[git, cargo.to_owned(), cargo.with_file_name("rustc")],
    );
    let url = format!("{}dep.git", Gits::url(&bed.upstream));
    let source = "fn main() { println!(\"{}\", dep::WORD); }\n";
    let project = |name: &str, how: &str| {
        let manifest = format!(
            "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
             [dependencies]\ndep = {{ git = \"{url}\"{how} }}\n"
        );
        home.project(name, &[("Cargo.toml", &manifest), ("src/main.rs", source)])
    };
    let line = "CARGO_NET_GIT_FETCH_WITH_CLI=true cargo run -q";
    let first = project("first", "");
    assert_eq!(run(&mut home.shell_without(&first, line)), "theirs\n");
    let lock = std::fs::read_to_string(first.join("Cargo.lock")).expect("lock");
    assert!(lock.contains(&commit), "{lock}");
    bed.gits
        .run("dep", &["commit", "-q", "--amend", "-m", "other"]);
    bed.upstream.go();
    bed.turn(STALE);
    let forget = format!("rm -rf ~/.cargo/git target && {line} --locked");
    assert_eq!(run(&mut home.shell_without(&first, &forget)), "theirs\n");
    let second = project("second", &format!(", rev = \"{commit}\""));
    let anew = format!("rm -rf ~/.cargo/git && {line}");
    assert_eq!(run(&mut home.shell_without(&second, &anew)), "theirs\n");
}
