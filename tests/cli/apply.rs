//! What there is to be, in a file: reached from nothing, kept, and never at the cost of what someone
//! else did.

use crate::bed::{BINARY, Home, Ran, larder};
use larder_tests::image::Image;
use larder_tests::random::Random;
use larder_tests::secure::Authority;
use larder_tests::tools::{command, tool};
use larder_tests::{Larder, Start};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::process::Stdio;

/// A person's hour, as a file.
const HOUR: &str = r#"
[settings]
oci.default_mirror = ""

[[repositories]]
name = "npm/shop"
description = "Of the shop"

[[repositories]]
name = "npm/both"
members = ["shop", "upstream"]

[[groups]]
name = "dev"
description = "Builders"
members = ["alice"]

[[groups]]
name = "house"
members = ["group:dev", "robot:ci"]

[[robots]]
name = "ci"
owner = "user:alice"

[[grants]]
subject = "group:dev"
role = "reader"
repository = "npm/local"

[[grants]]
subject = "robot:ci"
role = "writer"
repository = "npm/local"
package = "@acme/*"

[[grants]]
subject = "robot:ci"
role = "reader"
repository = "npm/local"

[[grants]]
subject = "anonymous"
role = "reader"
repository = "npm/shop"
networks = ["10.0.0.0/8"]
"#;

/// The same as single commands.
const COMMANDS: [&str; 12] = [
    "settings set oci.default_mirror=",
    "repo create npm/shop --description Shop",
    "repo create npm/both --member shop --member upstream",
    "group create dev --description Builders",
    "group create house",
    "robot create ci --owner user:alice",
    "group add dev alice",
    "group add house group:dev robot:ci",
    "grant create group:dev npm/local --role reader",
    "grant create robot:ci npm/local --role writer --package @acme/*",
    "grant create robot:ci npm/local --role reader",
    "grant create anonymous npm/shop --role reader --network 10.0.0.0/8",
];

/// A server with alice, and the administrator's home.
fn house() -> (Larder, Home) {
    let larder = larder();
    larder.make_user("alice");
    let admin = Home::of(&larder, "admin");
    admin.run("whoami").ends(0); // the first use of a token from an address is in the trail
    (larder, admin)
}

impl Home {
    /// Applies a text as a file.
    #[track_caller]
    fn applies(&self, text: &str, flags: &str) -> Ran {
        std::fs::write(self.path("larder-resources.toml"), text).expect("file");
        let path = self.path("larder-resources.toml");
        self.run(&format!("apply -f {} {flags}", path.display()))
    }
}

/// What is listed, without ids and times.
fn listed(home: &Home) -> Vec<Value> {
    let lists = [
        "repo list",
        "group list",
        "group members dev",
        "group members house",
        "robot list",
        "grant list",
    ];
    let mut all: Vec<Value> = Vec::new();
    for list in lists {
        let mut list = home.run(&format!("{list} --json")).ends(0).json();
        for item in list["items"].as_array_mut().expect("items") {
            let item = item.as_object_mut().expect("object");
            for field in ["id", "created_at", "added_at"] {
                item.remove(field);
            }
        }
        all.push(list["items"].take());
    }
    all.push(home.run("settings show --json").ends(0).json());
    all
}

/// The entries of the trail so far.
fn trail(larder: &Larder) -> usize {
    let list = larder.api("GET", "audit?limit=1000", "", 200);
    list["items"].as_array().expect("items").len()
}

/// The calls that a verbose run made.
fn calls(ran: &Ran) -> Vec<&str> {
    let lines = ran.err.lines();
    lines.filter(|line| line.contains(" http://")).collect()
}

#[test]
fn an_hour_from_a_file_is_the_hour_by_commands() {
    let (_one, by_commands) = house();
    for line in COMMANDS {
        let words: Vec<&str> = line.split_whitespace().collect();
        let words: Vec<&str> = words
            .iter()
            .map(|word| if *word == "Shop" { "Of the shop" } else { word })
            .collect();
        by_commands.types(&words, "").ends(0);
    }
    let (larder, by_file) = house();
    let ran = by_file.applies(HOUR, "--yes").ends(0);
    assert!(
        ran.out.contains("+ create robot ci (owner: user:alice)\n"),
        "{ran:?}"
    );
    assert_eq!(ran.err, "created 12, changed 0, deleted 0\n");
    assert_eq!(listed(&by_file), listed(&by_commands));
    // A second time there is nothing to do, and nothing but reading is done.
    let before = trail(&larder);
    let ran = by_file.applies(HOUR, "--verbose").ends(0);
    assert_eq!(ran.out, "");
    assert!(
        ran.err
            .ends_with("nothing to do: all is as the file says\n"),
        "{ran:?}"
    );
    let calls = calls(&ran);
    assert!(
        calls.len() > 5 && calls.iter().all(|call| call.starts_with("GET ")),
        "{ran:?}"
    );
    assert_eq!(trail(&larder), before);
}

#[test]
fn a_dry_run_and_a_wrong_file_change_nothing() {
    let (larder, admin) = house();
    let before = trail(&larder);
    let ran = admin.applies(HOUR, "--dry-run --verbose").ends(6);
    assert!(ran.out.contains("+ create group dev"), "{ran:?}");
    assert!(
        calls(&ran).iter().all(|call| call.starts_with("GET ")),
        "{ran:?}"
    );
    assert!(
        ran.err
            .contains("nothing was changed; to create 12, to change 0"),
        "{ran:?}"
    );
    let told = admin.applies(HOUR, "--dry-run --json").ends(6).json();
    let acts = told["items"].as_array().expect("items");
    assert!(
        acts.len() == 12 && acts.iter().all(|act| act["result"] == "planned"),
        "{told}"
    );
    // Nobody is there to say yes.
    admin.applies(HOUR, "").ends(2);
    for (wrong, exit, why) in [
        (
            HOUR.replace("owner", "ownr"),
            2,
            "larder-resources.toml:24:1: unknown field `ownr`",
        ),
        (
            HOUR.replace("user:alice", "user:carol"),
            6,
            "there is no user:carol",
        ),
        (
            HOUR.replace("\"group:dev\"", "\"group:deb\""),
            6,
            "there is no group:deb",
        ),
        (
            HOUR.replace("\"upstream\"]", "\"down\"]"),
            6,
            "npm/both cannot have the member down",
        ),
    ] {
        let ran = admin.applies(&wrong, "--yes").ends(exit);
        assert!(ran.err.contains(why), "{ran:?}");
    }
    assert_eq!(trail(&larder), before);
    larder.api("GET", "groups/dev", "", 404);
}

#[test]
fn prune_deletes_what_is_not_named_and_nothing_that_holds_something() {
    let (larder, admin) = house();
    admin.applies(HOUR, "--yes").ends(0);
    // Of kinds that the file does not have, nothing goes.
    let some = "robots = []\n\n[[groups]]\nname = \"dev\"\nmembers = []\n";
    admin.applies(some, "--yes").ends(0);
    larder.api("GET", "robots/ci", "", 200);
    let ran = admin.applies(some, "--yes --prune").ends(0);
    for line in [
        "- delete member user:alice of group:dev\n",
        "- delete robot ci\n",
        "- delete group house\n",
    ] {
        assert!(ran.out.contains(line), "{line}: {ran:?}");
    }
    larder.api("GET", "robots/ci", "", 404);
    larder.api("GET", "groups/house", "", 404);
    larder.api("GET", "users/alice", "", 200);
    larder.api("GET", "repositories/npm/shop", "", 200);
    // A repository with something in it keeps all from being deleted.
    let image = Image::random(&mut Random::seeded(), &[1000]);
    image.push(&larder.admin(), "team/app", "latest");
    let export = admin.run("export").ends(0).out;
    let cut = |export: &str, name: &str| {
        let tables = export.split("\n\n");
        let kept = tables.filter(|table| !table.contains(&format!("name = \"{name}\"")));
        kept.collect::<Vec<_>>().join("\n\n")
    };
    let without = cut(&cut(&export, "oci/team"), "npm/both");
    let before = trail(&larder);
    let ran = admin.applies(&without, "--yes --prune").ends(6);
    assert!(ran.err.contains("oci/team is not in the file"), "{ran:?}");
    assert_eq!(trail(&larder), before);
    // So does one of which something can be restored.
    larder.api("DELETE", "repositories/oci/team/packages/app", "", 204);
    admin.applies(&without, "--yes --prune").ends(6);
    larder.api("GET", "repositories/npm/both", "", 200);
    admin
        .applies(&cut(&export, "npm/both"), "--yes --prune")
        .ends(0);
    larder.api("GET", "repositories/npm/both", "", 404);
}

#[test]
fn what_is_exported_makes_the_same_elsewhere() {
    let (_larder, admin) = house();
    admin.applies(HOUR, "--yes").ends(0);
    let export = admin.run("export").ends(0).out;
    let ran = admin.applies(&export, "--yes --prune").ends(0);
    assert!(
        ran.err
            .ends_with("nothing to do: all is as the file says\n"),
        "{ran:?}"
    );
    let (_other, elsewhere) = house();
    elsewhere.applies(&export, "--yes --prune").ends(0);
    assert_eq!(listed(&elsewhere), listed(&admin));
    let from_stdin = elsewhere.types(&["apply", "-f", "-"], &export).ends(0);
    assert!(from_stdin.err.contains("nothing to do"), "{from_stdin:?}");
}

#[test]
fn an_export_says_what_a_file_cannot_tell() {
    let (larder, admin) = house();
    let said = |ran: &Ran| ran.err.matches("come from").count();
    assert_eq!(said(&admin.run("export").ends(0)), 0);
    let authority = Authority::default();
    let upstream = json!({"url": "https://127.0.0.1:9", "allow_private": true,
        "username": "robot", "password": "a password", "ca_certificate": authority.pem()});
    let body = json!({"protocol": "npm", "name": "far", "kind": "mirror", "upstream": upstream});
    larder.api("POST", "repositories", &body.to_string(), 201);
    let ran = admin.run("export").ends(0);
    for (what, field) in [
        ("passwords are never told", "password_env"),
        (
            "certificates of authorities are files",
            "ca_certificate_file",
        ),
    ] {
        let mut lines = ran.err.lines().filter(|line| line.contains(what));
        let line = lines.next().unwrap_or_else(|| panic!("{what}: {ran:?}"));
        assert!(line.contains(field) && line.contains("npm/far"), "{line}");
    }
    assert_eq!(said(&ran), 2, "{ran:?}");
    assert!(!ran.out.contains("a password"), "{ran:?}");
}

#[test]
fn a_change_made_meanwhile_is_not_overwritten() {
    let Some(script) = tool("script") else { return };
    let (larder, admin) = house();
    admin.applies(HOUR, "--yes").ends(0);
    let file = HOUR.replace("Builders", "Builders of the shop");
    std::fs::write(admin.path("larder-resources.toml"), file).expect("file");
    let path = admin.path("larder-resources.toml");
    let mut terminal = command(&script, admin.folder());
    terminal.args([
        "-qec",
        &format!("exec {BINARY} apply -f {}", path.display()),
        "/dev/null",
    ]);
    let mut child = terminal
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script");
    let mut input = child.stdin.take().expect("stdin");
    let mut output = child.stdout.take().expect("stdout");
    let mut told = Vec::new();
    let mut byte = [0];
    while !told.ends_with(b"? [y/N] ") {
        assert!(output.read(&mut byte).expect("read") > 0, "{told:?}");
        told.push(byte[0]);
    }
    larder.api("PATCH", "groups/dev", r#"{"description":"Someone's"}"#, 200);
    input.write_all(b"y\n").expect("yes");
    output.read_to_end(&mut told).expect("read");
    let told = String::from_utf8_lossy(&told);
    assert_eq!(child.wait().expect("end").code(), Some(6), "{told}");
    assert!(
        told.contains("group dev was changed by someone else meanwhile"),
        "{told}"
    );
    let group = larder.api("GET", "groups/dev", "", 200);
    assert_eq!(group["description"], "Someone's");
}

#[test]
fn passwords_of_upstreams_come_from_the_environment() {
    let larder = Start::of(BINARY).start();
    let admin = Home::of(&larder, "admin");
    let file = r#"
[[repositories]]
name = "cargo/closed"
open = true
upstream = { url = "https://crates.example/", username = "larder", password_env = "CRATES" }
"#;
    let ran = admin.applies(file, "--yes").ends(2);
    assert!(
        ran.err.contains(":2:1: cargo/closed: the variable CRATES"),
        "{ran:?}"
    );
    let path = admin.path("larder-resources.toml");
    let run = |flags: &[&str]| {
        let path = path.to_str().expect("UTF-8");
        let mut larder = admin.command(&[&["apply", "-f", path, "--yes"], flags].concat());
        let output = larder.env("CRATES", "s3cret").output().expect("larder");
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8(told).expect("UTF-8");
        assert!(
            output.status.success() && !told.contains("s3cret"),
            "{told}"
        );
        told
    };
    run(&["-v"]);
    let repository = larder.api("GET", "repositories/cargo/closed", "", 200);
    assert_eq!(repository["upstream"]["has_password"], true);
    assert_eq!(repository["open"], true);
    assert!(run(&[]).contains("nothing to do"));
    let told = run(&["--send-passwords"]);
    assert!(
        told.contains("upstream.password: (secret) -> (secret)"),
        "{told}"
    );
}

#[test]
fn who_administers_a_repository_applies_its_grants_alone() {
    let (larder, admin) = house();
    admin.run("repo create npm/shop").ends(0);
    admin
        .run("grant create user:alice npm/shop --role admin")
        .ends(0);
    admin
        .run("grant create anonymous npm/local --role reader")
        .ends(0);
    let alice = Home::of(&larder, "alice");
    let grants = r#"
[[grants]]
subject = "authenticated"
role = "reader"
repository = "npm/shop"
"#;
    let ran = alice.applies(grants, "--yes --prune").ends(0);
    let note = "warning: the grant user:alice admin npm/shop is not in the file, and stays";
    assert!(ran.err.contains(note), "{ran:?}");
    alice.run("can me administer npm/shop").ends(0);
    let groups = "[[groups]]\nname = \"dev\"\n";
    alice.applies(groups, "--yes").ends(4);
    let all = larder.api("GET", "grants", "", 200);
    assert_eq!(all["items"].as_array().expect("items").len(), 3, "{all}");
}

#[test]
fn settings_are_shown_and_set() {
    let (_larder, admin) = house();
    admin.run("settings set offline=true").ends(0);
    let shown = admin.run("settings show").ends(0).out;
    assert!(shown.contains("offline             yes"), "{shown}");
    let ran = admin.run("settings set ofline=true").ends(2);
    assert!(ran.err.contains("did you mean offline?"), "{ran:?}");
    let ran = admin.run("settings set oci.default_mirror=none").ends(2);
    assert!(
        ran.err.contains("is the name of a repository of images"),
        "{ran:?}"
    );
}

#[test]
fn what_is_let_go_becomes_what_the_file_says() {
    let larder = larder();
    let admin = Home::of(&larder, "admin");
    let file = "[[repositories]]\nname = 'npm/lasting'\nkind = 'mirror'\n\
        [[repositories]]\nname = 'oci/team'\n\
        [[retention]]\nrepository = 'npm/lasting'\nunused_after = '720h'\nmax_bytes = 1000\n\
        [[retention]]\nrepository = 'oci/team'\nprotect = ['latest']\n\
        rules = [{ packages = 'app/*', keep = { newest = 3 } }]\n";
    let planned = admin.applies(file, "--dry-run").ends(6);
    let told = "~ change retention npm/lasting unused_after: none -> 30d";
    assert!(planned.out.contains(told), "{planned:?}");
    admin.applies(file, "--yes").ends(0);
    let set = larder.api("GET", "repositories/npm/lasting/retention", "", 200);
    let fields = ["enabled", "unused_after", "max_bytes", "trash"].map(|field| &set[field]);
    assert_eq!(json!(fields), json!([true, "30d", 1000, "0s"]));
    let set = larder.api("GET", "repositories/oci/team/retention", "", 200);
    let keep = json!([{"packages": "app/*", "versions": "*", "keep": {"newest": 3}}]);
    assert_eq!((&set["rules"], &set["trash"]), (&keep, &json!("7d")));
    // Twice changes nothing, and so does what is exported.
    admin.applies(file, "--dry-run").ends(0);
    let exported = admin.run("export").ends(0).out;
    assert!(exported.contains("[[retention]]"), "{exported}");
    admin.applies(&exported, "--dry-run").ends(0);
    let wrong = file.replace("keep = { newest", "keep = { newset");
    let wrong = admin.applies(&wrong, "--dry-run").ends(2);
    assert!(wrong.err.contains("newset"), "{wrong:?}");
}

#[test]
fn a_schedule_becomes_what_the_file_says() {
    let larder = larder();
    let admin = Home::of(&larder, "admin");
    let file = "[[schedules]]\nkind = 'upstream-check'\ncron = '5 4 * * sun'\nenabled = false\n";
    let planned = admin.applies(file, "--dry-run").ends(6);
    assert!(
        planned
            .out
            .contains("~ change schedule upstream-check cron: 0 6 * * * -> 5 4 * * sun"),
        "{planned:?}"
    );
    admin.applies(file, "--yes").ends(0);
    let told = larder.api("GET", "schedules/upstream-check", "", 200);
    assert_eq!(
        (&told["cron"], &told["enabled"]),
        (&"5 4 * * sun".into(), &false.into())
    );
    admin.applies(file, "--dry-run").ends(0);
    let exported = admin.run("export").ends(0).out;
    assert!(exported.contains("cron = \"5 4 * * sun\""), "{exported}");
    // What a person would do by hand.
    let words = ["schedule", "set", "upstream-check", "0 6 * * *", "--json"];
    let set = admin.types(&words, "").ends(0).json();
    assert_eq!(set["next"].as_array().map(Vec::len), Some(3));
    let listed = admin.run("schedule list").ends(0).out;
    assert!(listed.contains("upstream-check  0 6 * * *"), "{listed}");
    let wrong = ["schedule", "set", "upstream-check", "0 6 * *"];
    let wrong = admin.types(&wrong, "").ends(2);
    assert!(
        wrong.err.contains("a schedule has five fields"),
        "{wrong:?}"
    );
    admin.run("job watch 1").ends(3);
}
