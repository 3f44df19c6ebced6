//! How answers are shown: data on standard output, all else on standard error.

use crate::bed::{Home, larder};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

#[test]
fn every_form_of_a_list() {
    let larder = larder();
    let home = Home::of(&larder, "admin");
    for line in [
        "repo create oci/team --description =1+1",
        "repo create oci/tools --description \u{202e}gpj",
    ] {
        let ran = home.run(line).ends(0);
        assert!(!ran.out.contains('\u{202e}'), "{ran:?}");
    }
    let table = home.run("repo list").ends(0);
    let line = |name: &str| {
        let mut lines = table
            .out
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines
            .find(|line| line.get(1) == Some(&name))
            .expect("line")
            .join(" ")
    };
    assert_eq!(line("team"), "oci team hosted =1+1");
    assert_eq!(line("tools"), "oci tools hosted \\u{202e}gpj");
    assert_eq!(table.err, "");
    assert!(
        home.run("repo list -o wide")
            .ends(0)
            .out
            .contains("READABLE BY")
    );

    let json = home.run("repo list --json").ends(0).json();
    let items = json["items"].as_array().expect("items").clone();
    assert_eq!(json["next"], Value::Null);
    let ndjson = home.run("repo list -o ndjson").ends(0).out;
    let lines: Vec<Value> = ndjson
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines, items);
    assert!(!ndjson.contains('\u{202e}'));
    let names = home.run("repo list -o name").ends(0).out;
    assert!(names.lines().any(|line| line == "oci/team"), "{names}");
    assert_eq!(names.lines().count(), items.len());
    let csv = home.run("repo list -o csv").ends(0).out;
    let mut lines = csv.lines();
    let header = lines.next().expect("header");
    assert!(
        header.starts_with("protocol,name,kind,description,"),
        "{csv}"
    );
    assert!(
        lines.any(|line| line.starts_with("oci,team,hosted,'=1+1,")),
        "{csv}"
    );
}

#[test]
fn an_empty_list_is_an_empty_page() {
    let larder = larder();
    larder.make_user("alice");
    let alice = Home::of(&larder, "alice");
    for (form, expected) in [("ndjson", ""), ("name", "")] {
        let ran = alice.run(&format!("grant list -o {form}")).ends(0);
        assert_eq!(ran.out, expected);
    }
    let ran = alice.run("grant list --json").ends(0);
    assert_eq!(ran.json(), json!({"items": [], "next": null}));
    let ran = alice.run("grant list").ends(0);
    assert_eq!(ran.out.lines().count(), 1, "the titles: {ran:?}");
}

#[test]
fn sentences_are_no_data() {
    let larder = larder();
    let home = Home::of(&larder, "admin");
    home.run("user create alice --generate-password").ends(0);
    let ran = home.run("user delete alice -y").ends(0);
    assert_eq!((&*ran.out, &*ran.err), ("", "User alice deleted.\n"));
    home.run("user create bob --generate-password").ends(0);
    let ran = home.run("-q -y user delete bob").ends(0);
    assert_eq!((&*ran.out, &*ran.err), ("", ""));
    let ran = home.run("token create ci --quiet").ends(0);
    assert!(
        ran.out.starts_with("lrd_") && ran.out.lines().count() == 1,
        "{ran:?}"
    );
    assert_eq!(ran.err, "");
    let ran = home.run("whoami -v").ends(0);
    let told = format!("GET {}/api/v1/whoami: 200 in ", larder.url());
    assert!(ran.err.starts_with(&told), "{ran:?}");
    assert!(!ran.err.contains("lrd_"));
}

#[test]
fn logins_are_kept_apart_and_to_oneself() {
    let (first, second) = (larder(), larder());
    let home = Home::of(&first, "admin");
    let login = [
        "login",
        second.url(),
        "--username",
        "admin",
        "--password-stdin",
        "--context",
        "two",
    ];
    home.types(&login, "correct-horse-battery\n").ends(0);
    let file = home.path(".config/larder/profile.toml");
    let mode = file.metadata().expect("profile").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let server = |line: &str| home.run(line).ends(0).json()["server"].clone();
    assert_eq!(server("whoami --json"), second.url());
    let list = home.run("context list").ends(0);
    assert!(
        list.out.contains(first.url()) && !list.out.contains("lrd_"),
        "{list:?}"
    );
    home.run(&format!("context use {}", first.host())).ends(0);
    assert_eq!(server("whoami --json"), first.url());
    assert_eq!(server("whoami --json --context two"), second.url());
    home.run("logout").ends(0);
    assert_eq!(server("whoami --json"), second.url());
    home.run("logout --context two").ends(0);
    assert!(!file.exists());
}
