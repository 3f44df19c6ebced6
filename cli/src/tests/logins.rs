use super::{Answer, Machine, caller, fake};
use crate::exit::Exit;
use crate::outcome::View;
use crate::profile::{Profile, Profiles, usual_name};

fn alice() -> Answer {
    caller(Some("alice"))
}

fn profile(server: &str, token: &str, token_id: Option<&str>) -> Profile {
    Profile {
        server: server.into(),
        token: token.into(),
        token_id: token_id.map(str::to_owned),
        ca: None,
    }
}

fn keep(machine: &Machine, profile: Profile) {
    let mut profiles = Profiles::default();
    profiles.put(usual_name(&profile.server), profile);
    profiles.save(machine.config()).expect("save");
}

/// The profile in use.
fn kept(machine: &Machine) -> Option<Profile> {
    let profiles = Profiles::load(machine.config()).expect("load");
    let used = profiles.get(None).expect("used");
    used.map(|(_, profile)| profile.clone())
}

#[tokio::test]
async fn a_token_is_looked_at_and_remembered() {
    let machine = Machine::new();
    let server = fake(vec![alice(), alice()]).await;
    machine
        .run(&format!("login {}/ --token lrd_x", server.url))
        .await
        .expect("login");
    assert!(kept(&machine) == Some(profile(&server.url, "lrd_x", None)));
    machine.run("whoami").await.expect("whoami");
    assert_eq!(server.heard(), ["GET /api/v1/whoami | Bearer lrd_x | "; 2]);
}

#[tokio::test]
async fn what_was_not_looked_at_is_not_remembered() {
    let machine = Machine::new();
    let server = fake(vec![caller(None)]).await;
    assert!(
        machine
            .run(&format!("login {} --token lrd_x", server.url))
            .await
            .is_err()
    );
    assert!(kept(&machine).is_none());
}

#[tokio::test]
async fn the_token_goes_to_its_own_server_alone() {
    let machine = Machine::new();
    keep(&machine, profile("http://127.0.0.1:1", "lrd_x", None));
    let server = fake(vec![alice(), alice()]).await;
    machine
        .run(&format!("whoami --server {}", server.url))
        .await
        .expect("whoami");
    keep(&machine, profile(&server.url, "lrd_y", None));
    machine
        .run(&format!("whoami --server {}/", server.url))
        .await
        .expect("whoami");
    assert_eq!(
        server.heard(),
        [
            "GET /api/v1/whoami | - | ",
            "GET /api/v1/whoami | Bearer lrd_y | "
        ]
    );
}

#[tokio::test]
async fn logout_ends_the_token_that_login_made() {
    let machine = Machine::new();
    let server = fake(vec![("204 No Content", "text/plain", String::new())]).await;
    keep(&machine, profile(&server.url, "lrd_x", Some("12")));
    let outcome = machine.run("logout").await.expect("logout");
    assert_eq!(
        (outcome.notes, server.heard()),
        (
            Vec::new(),
            vec!["DELETE /api/v1/tokens/12 | Bearer lrd_x | ".to_owned()]
        )
    );
    assert!(kept(&machine).is_none());
    let outcome = machine.run("logout").await.expect("logout");
    assert!(matches!(outcome.view, View::Sentence(text) if text == "Not logged in."));
}

#[tokio::test]
async fn logout_says_if_the_token_lives_on() {
    let machine = Machine::new();
    keep(&machine, profile("http://127.0.0.1:1", "lrd_x", Some("12")));
    let outcome = machine.run("logout").await.expect("logout");
    let note = outcome.notes.join("\n");
    assert!(
        note.contains("cannot reach http://127.0.0.1:1")
            && note.ends_with("larder token delete 12"),
        "{note}"
    );
    assert!(kept(&machine).is_none(), "and is forgotten all the same");
}

#[tokio::test]
async fn a_new_login_ends_the_token_of_the_one_before() {
    let machine = Machine::new();
    let server = fake(vec![
        alice(),
        ("204 No Content", "text/plain", String::new()),
    ])
    .await;
    keep(&machine, profile(&server.url, "lrd_old", Some("12")));
    machine
        .run(&format!("login {} --token lrd_new", server.url))
        .await
        .expect("login");
    assert_eq!(
        server.heard(),
        [
            "GET /api/v1/whoami | Bearer lrd_new | ",
            "DELETE /api/v1/tokens/12 | Bearer lrd_old | "
        ]
    );
}

#[tokio::test]
async fn each_server_has_its_login() {
    let machine = Machine::new();
    let first = fake(vec![alice(), alice(), alice()]).await;
    let second = fake(vec![alice(), alice()]).await;
    let login = |url: &str, token: &str| format!("login {url} --token {token}");
    machine
        .run(&login(&first.url, "lrd_1"))
        .await
        .expect("login");
    let named = format!("{} --context two", login(&second.url, "lrd_2"));
    machine.run(&named).await.expect("login");
    machine.run("whoami").await.expect("the second");
    let name = usual_name(&first.url);
    machine
        .run(&format!("whoami --context {name}"))
        .await
        .expect("the first");
    machine
        .run(&format!("context use {name}"))
        .await
        .expect("use");
    machine.run("whoami").await.expect("the first");
    let whoami = |token: &str| format!("GET /api/v1/whoami | Bearer {token} | ");
    assert_eq!(
        first.heard(),
        [whoami("lrd_1"), whoami("lrd_1"), whoami("lrd_1")]
    );
    assert_eq!(second.heard(), [whoami("lrd_2"), whoami("lrd_2")]);

    let listed = machine.run("context list").await.expect("list");
    let shown = listed.json.expect("JSON");
    assert!(!shown.to_string().contains("lrd_"), "{shown}");
    let items = shown["items"].as_array().expect("items");
    let used: Vec<_> = items.iter().map(|item| item["current"].as_bool()).collect();
    assert_eq!(used, [Some(true), Some(false)], "{shown}");
    let failure = machine
        .run("whoami --context three")
        .await
        .expect_err("three");
    assert_eq!(failure.exit(), Exit::NotFound);
    machine.run("logout --context two").await.expect("logout");
    assert!(kept(&machine).is_some_and(|kept| kept.token == "lrd_1"));
}
