use super::{Answer, Machine, caller, fake};
use crate::outcome::View;
use crate::profile::Profile;

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

#[tokio::test]
async fn a_token_is_looked_at_and_remembered() {
    let machine = Machine::new();
    let server = fake(vec![alice(), alice()]).await;
    machine
        .run(&format!("login {}/ --token lrd_x", server.url))
        .await
        .expect("login");
    let kept = Profile::load(machine.config())
        .expect("load")
        .expect("profile");
    assert!(kept == profile(&server.url, "lrd_x", None));
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
    assert!(Profile::load(machine.config()).expect("load").is_none());
}

#[tokio::test]
async fn the_token_goes_to_its_own_server_alone() {
    let machine = Machine::new();
    profile("http://127.0.0.1:1", "lrd_x", None)
        .save(machine.config())
        .expect("save");
    let server = fake(vec![alice(), alice()]).await;
    machine
        .run(&format!("whoami --server {}", server.url))
        .await
        .expect("whoami");
    profile(&server.url, "lrd_y", None)
        .save(machine.config())
        .expect("save");
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
    profile(&server.url, "lrd_x", Some("12"))
        .save(machine.config())
        .expect("save");
    let outcome = machine.run("logout").await.expect("logout");
    assert_eq!(
        (outcome.note, server.heard()),
        (
            None,
            vec!["DELETE /api/v1/tokens/12 | Bearer lrd_x | ".to_owned()]
        )
    );
    assert!(Profile::load(machine.config()).expect("load").is_none());
    let outcome = machine.run("logout").await.expect("logout");
    assert!(matches!(outcome.view, View::Text(text) if text == "Not logged in."));
}

#[tokio::test]
async fn logout_says_if_the_token_lives_on() {
    let machine = Machine::new();
    profile("http://127.0.0.1:1", "lrd_x", Some("12"))
        .save(machine.config())
        .expect("save");
    let outcome = machine.run("logout").await.expect("logout");
    let note = outcome.note.expect("note");
    assert!(
        note.contains("cannot reach http://127.0.0.1:1")
            && note.ends_with("larder token delete 12"),
        "{note}"
    );
    assert!(
        Profile::load(machine.config()).expect("load").is_none(),
        "and is forgotten all the same"
    );
}

#[tokio::test]
async fn a_new_login_ends_the_token_of_the_one_before() {
    let machine = Machine::new();
    let server = fake(vec![
        alice(),
        ("204 No Content", "text/plain", String::new()),
    ])
    .await;
    profile(&server.url, "lrd_old", Some("12"))
        .save(machine.config())
        .expect("save");
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
