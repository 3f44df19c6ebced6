use super::*;
use crate::found::Secret;
use crate::machine::tests::found;

fn shown(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Vec<String> {
    let line = |found: &DiscoveredUpstream| {
        let secret = found.password.as_ref().map_or("", Secret::expose);
        format!(
            "{} {} {} {secret}",
            found.only.as_deref().unwrap_or("*"),
            found.url,
            found.place
        )
        .trim_end()
        .to_owned()
    };
    found(files, variables, "/code/project", look)
        .iter()
        .map(line)
        .collect()
}

#[test]
fn replacement_is_followed() {
    let home = "[source.crates-io]\nreplace-with = 'one'\n[source.one]\nreplace-with = 'corp'\n\
                [registries.corp]\nindex = 'sparse+https://registry.example/cargo/'\n\
                [registries.other]\nindex = 'sparse+https://other.example/'\n\
                [registries.old]\nindex = 'https://git.example/x'\n";
    let secrets = "[registries.corp]\ntoken = 'Bearer abc'\n";
    let files = [
        ("/home/me/.cargo/config.toml", home),
        ("/home/me/.cargo/credentials.toml", secrets),
    ];
    let other = "other https://other.example/ /home/me/.cargo/config.toml";
    let corp = "* https://registry.example/cargo/ /home/me/.cargo/config.toml abc";
    assert_eq!(shown(&files, &[]), [corp, other]);
    let variable = [("CARGO_REGISTRIES_CORP_INDEX", "sparse+https://env.example/")];
    let corp = "* https://env.example/ $CARGO_REGISTRIES_CORP_INDEX abc";
    assert_eq!(shown(&files, &variable)[0], corp);
    let project =
        "[source.crates-io]\nreplace-with = 'vendored'\n[source.vendored]\ndirectory = 'vendor'\n";
    let files = [("/code/.cargo/config.toml", project), files[0], files[1]];
    assert_eq!(
        shown(&files, &[])[0],
        "corp https://registry.example/cargo/ /home/me/.cargo/config.toml abc"
    );
}

#[test]
fn what_is_wrong_finds_nothing() {
    let circle = "[source.crates-io]\nreplace-with = 'a'\n[source.a]\nreplace-with = 'b'\n\
                  [source.b]\nreplace-with = 'a'\n";
    for text in [
        circle,
        "not toml",
        "[source.crates-io]\nreplace-with = 7\n",
        "source = 1\nregistries = 'x'\n",
    ] {
        assert_eq!(
            shown(&[("/home/me/.cargo/config.toml", text)], &[]),
            Vec::<String>::new(),
            "{text}"
        );
    }
}

#[test]
fn cargo_tells_its_own() {
    let said = include_str!("../../testdata/cargo-unreachable.txt");
    assert_eq!(unreachable(said), Some("https://index.example/"));
    assert_eq!(unreachable("error: no such command: `search`"), None);
    let script = format!("#!/bin/sh\n/bin/cat >&2 <<'END'\n{said}END\nexit 101\n");
    assert_eq!(
        shown(&[("/bin/cargo", &script)], &[]),
        ["* https://index.example/ `cargo search`"]
    );
}

#[test]
fn the_one_index_in_use_is_the_last_resort() {
    let index = |name: &str| format!("/home/me/.cargo/registry/index/{name}/config.json");
    let (one, two) = (
        index("registry.example-1949cf8c6b5b557f"),
        index("b.example-0"),
    );
    let found = shown(&[(&one, "{}")], &[]);
    let place = "/home/me/.cargo/registry/index/registry.example-1949cf8c6b5b557f";
    assert_eq!(found, [format!("* https://registry.example/ {place}")]);
    assert_eq!(
        shown(&[(&one, "{}"), (&two, "{}")], &[]),
        Vec::<String>::new()
    );
}
