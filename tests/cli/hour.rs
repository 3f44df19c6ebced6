//! A person's hour by the command line alone: a group, a member, a robot, its token, what it may and
//! may not, the trail of it, and its end. And a way back from a lost password.

use crate::bed::{BINARY, Home, larder};
use larder_tests::image::Image;
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::tools::{command, tool};
use larder_tests::{Larder, Start};
use serde_json::Value;
use std::path::Path;

/// An npm package in a folder of its own, whose client shows this token.
fn package(home: &Home, larder: &Larder, name: &str, secret: &str) -> std::path::PathBuf {
    let folder = home.path(&name.replace(['@', '/'], "_"));
    std::fs::create_dir_all(&folder).expect("folder");
    let manifest = format!(r#"{{"name":"{name}","version":"1.0.0"}}"#);
    std::fs::write(folder.join("package.json"), manifest).expect("package");
    let host = larder.host();
    let settings = format!(
        "registry={}/npm/local/\n//{host}/npm/local/:_authToken={secret}\n",
        larder.url()
    );
    std::fs::write(folder.join(".npmrc"), settings).expect("settings");
    folder
}

/// Runs `npm publish` there; what it said.
fn publish(npm: &Path, home: &Home, folder: &Path) -> (bool, String) {
    let mut npm = command(npm, home.folder());
    let output = npm.arg("publish").current_dir(folder).output();
    let output = output.expect("npm");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// Actions and objects of what somebody did or was refused.
fn trail(home: &Home, actor: &str, result: &str) -> Vec<(String, String)> {
    let line = format!("audit list --actor {actor} --result {result} --limit 1000 --json");
    let list = home.run(&line).ends(0).json();
    let text = |entry: &Value, field: &str| entry[field].as_str().expect("text").to_owned();
    let items = list["items"].as_array().expect("items");
    let entry = |entry: &Value| (text(entry, "action"), text(entry, "object"));
    items.iter().map(entry).collect()
}

#[test]
fn a_persons_hour() {
    let Some(npm) = tool("npm") else {
        return;
    };
    let larder = larder();
    larder.make_user("alice");
    let admin = Home::of(&larder, "admin");
    let alice = Home::of(&larder, "alice");
    // A group with a member, and what the member may by it.
    alice.run("can me read npm/local").ends(4);
    admin.run("group create dev --description Builders").ends(0);
    admin.run("group add dev alice").ends(0);
    admin
        .run("grant create group:dev npm/local --role reader")
        .ends(0);
    let verdict = alice.run("can me read npm/local --json").ends(0).json();
    assert_eq!(verdict["through"][0], "group:dev");
    // A robot for which she answers, with a token that she makes for it.
    admin.run("robot create ci --owner user:alice").ends(0);
    admin
        .run("grant create robot:ci npm/local --role writer --package @acme/*")
        .ends(0);
    admin
        .run("grant create robot:ci npm/local --role reader")
        .ends(0);
    admin
        .run("grant create robot:ci oci/team --role writer")
        .ends(0);
    let made = "token create build --owner robot:ci --expires 30d --json";
    let made = alice.run(made).ends(0).json();
    let secret = made["secret"].as_str().expect("secret");
    // It publishes where it may, and is told why not where it may not.
    let own = package(&admin, &larder, "@acme/app", secret);
    let (published, said) = publish(&npm, &admin, &own);
    assert!(published, "{said}");
    let other = package(&admin, &larder, "left", secret);
    let (published, said) = publish(&npm, &admin, &other);
    assert!(!published);
    assert!(said.contains("you may not write local/left"), "{said}");
    let robot = larder.user("ci", secret);
    let image = Image::random(&mut Random::seeded(), &[1000]);
    image.push(&robot, "team/app", "latest");
    // All of it is in the trail, for superusers.
    let done = trail(&admin, "robot:ci", "ok");
    for (action, object) in [
        ("package.publish", "npm/local/@acme/app"),
        ("manifest.push", "oci/team/app"),
    ] {
        let entry = (action.to_owned(), object.to_owned());
        assert!(done.contains(&entry), "{action} {object}: {done:?}");
    }
    let refused = trail(&admin, "robot:ci", "refused");
    let entry = ("access".to_owned(), "npm/local/left".to_owned());
    assert!(refused.contains(&entry), "{refused:?}");
    let by_admin = trail(&admin, "user:admin", "ok");
    for action in ["group.create", "member.add", "robot.create", "grant.create"] {
        assert!(
            by_admin.iter().any(|(known, _)| known == action),
            "{action}"
        );
    }
    alice.run("audit list").ends(4);
    admin.run("audit verify").ends(0);
    // Its end works at once.
    let id = made["id"].as_str().expect("id");
    alice.run(&format!("token delete {id} --yes")).ends(0);
    robot.get("/api/v1/whoami").expect(401);
    let (published, _) = publish(&npm, &admin, &own);
    assert!(!published);
}

#[test]
fn a_lost_password_has_a_way_back() {
    let mut larder = Start::of(BINARY).start();
    larder.make_user("alice");
    larder.api("PATCH", "users/alice", r#"{"disabled":true}"#, 200);
    let home = Home::new();
    let data = larder.data();
    let data = data.to_str().expect("UTF-8");
    let reset = |name: &str| home.run(&format!("admin reset-password {name} --data {data}"));
    // Not beside a server that runs.
    let refused = reset("admin").ends(6);
    assert!(
        refused.err.contains("another larder is running"),
        "{refused:?}"
    );
    larder.stop();
    let refused = reset("nobody").ends(3);
    assert!(
        refused.err.contains("the superusers are: admin"),
        "{refused:?}"
    );
    // A program is told the same as an object.
    let refused = reset("nobody --json").ends(3);
    let failure: Value = serde_json::from_str(&refused.err).expect("JSON");
    assert_eq!(failure["error"]["code"], "not_found");
    // A form in which no password is shown changes none.
    reset("admin -o csv").ends(2);
    let told: Value = serde_json::from_str(&reset("admin --json").ends(0).out).expect("JSON");
    assert_eq!(told["name"], "admin");
    let new = told["password"].as_str().expect("a password").to_owned();
    let alice = home.run(&format!(
        "admin reset-password alice --superuser --data {data}"
    ));
    let alice = alice.ends(0).out;
    larder.start_again();
    let whoami = |name: &str, password: &str| {
        let client = larder.user(name, password);
        client.get("/api/v1/whoami").expect(200).json()
    };
    assert_eq!(whoami("admin", new.trim())["superuser"], true);
    assert_eq!(whoami("alice", alice.trim())["superuser"], true);
    larder.admin().get("/api/v1/whoami").expect(401); // the password before
    let trail = larder.user("admin", new.trim());
    let trail = trail.get("/api/v1/audit?actor=console").expect(200).json();
    assert_eq!(trail["items"].as_array().expect("items").len(), 2);
    assert_ne!(new.trim(), PASSWORD);
}
