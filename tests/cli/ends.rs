//! Secrets that the commands make have an end, which is told.

use crate::bed::{Home, larder};
use larder_model::Timestamp;
use larder_tests::larder::PASSWORD;
use serde_json::Value;
use std::time::Duration;

fn moment(text: &Value) -> Timestamp {
    text.as_str().expect("text").parse().expect("moment")
}

const fn days(count: u64) -> Duration {
    Duration::from_hours(count * 24)
}

/// The ends of the tokens that the server knows, with their names.
fn ends(home: &Home) -> Vec<(String, Timestamp)> {
    let listed = home.run("token list --json").ends(0).json();
    let items = listed["items"].as_array().expect("items").iter();
    items
        .map(|item| {
            let name = item["name"].as_str().expect("name");
            (name.to_owned(), moment(&item["expires_at"]))
        })
        .collect()
}

/// Fails unless a moment is so long after the other one, to the minute.
#[track_caller]
fn assert_in(moment: Timestamp, time: Duration, made: Timestamp) {
    let off = moment.since(made).abs_diff(time);
    assert!(
        off < Duration::from_mins(1),
        "{moment} is not {time:?} after {made}"
    );
}

#[test]
fn a_login_ends_when_it_says() {
    let larder = larder();
    let home = Home::new();
    let login = |more: &[&str]| {
        let words = [
            &[
                "login",
                larder.url(),
                "--username",
                "admin",
                "--password-stdin",
            ],
            more,
        ];
        home.types(&words.concat(), &format!("{PASSWORD}\n"))
    };
    for (more, time) in [
        (&["--json"][..], days(90)),
        (&["--json", "--expires", "2w"], days(14)),
    ] {
        let told = login(more).ends(0).json();
        let ends_at = moment(&told["expires_at"]);
        let listed = home.run("token list --json").ends(0).json();
        let token = &listed["items"][0];
        assert_eq!(moment(&token["expires_at"]), ends_at);
        assert_in(ends_at, time, moment(&token["created_at"]));
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    }
    let told = login(&[]).ends(0);
    let (_, end) = ends(&home).remove(0);
    let expected = format!("the login ends at {end}; larder login renews it");
    assert!(told.err.contains(&expected), "{told:?}");
    // A token that is given has an end of its own, or none.
    let token = larder.token_of("admin");
    let line = format!("login {} --token {token} --expires 2w", larder.url());
    let refused = home.run(&line).ends(2);
    assert!(
        refused.err.contains("--expires is for a password"),
        "{refused:?}"
    );
}

#[test]
fn a_clients_token_ends_with_its_time_or_with_the_login() {
    let larder = larder();
    larder.api("PATCH", "repositories/pypi/main", r#"{"open":false}"#, 200);
    let home = Home::of(&larder, "admin");
    let connect = "connect pip pypi/main --write";
    let of_client = || {
        let all = ends(&home);
        assert_eq!(all.len(), 2, "the login and one client: {all:?}");
        let client = all.iter().find(|(name, _)| name.starts_with("pip "));
        client.expect("a client's").1
    };
    let of_login = ends(&home)[0].1;
    // By itself a year, but never longer than the login.
    let told = home.run(connect).ends(0);
    assert_eq!(of_client(), of_login);
    assert!(
        told.err.contains(&format!("ends at {of_login}")),
        "{told:?}"
    );
    // As it stands it is left alone; another end is another token.
    home.run(connect).ends(0);
    assert_eq!(of_client(), of_login);
    home.run(&format!("{connect} --expires 30d")).ends(0);
    let earlier = of_client();
    assert_in(earlier, days(30), of_login.before(days(90)));
    let refused = home.run(&format!("{connect} --expires 200d")).ends(2);
    assert!(refused.err.contains("does not outlive"), "{refused:?}");
    assert_eq!(of_client(), earlier);
    // With a token that has no end it is a year.
    let token = larder.token_of("admin");
    home.run("connect pip pypi/main --undo").ends(0);
    home.run(&format!("{connect} --token {token}")).ends(0);
    let listed = home.run("token list --json").ends(0).json();
    let mut items = listed["items"].as_array().expect("items").iter();
    let client = items.find(|item| {
        item["name"]
            .as_str()
            .is_some_and(|it| it.starts_with("pip "))
    });
    let client = client.expect("a client's");
    assert_in(
        moment(&client["expires_at"]),
        days(365),
        moment(&client["created_at"]),
    );
}

#[test]
fn sessions_are_listed_and_ended() {
    let larder = larder();
    larder.make_user("alice");
    let home = Home::of(&larder, "admin");
    let body = format!(r#"{{"name":"alice","password":"{PASSWORD}"}}"#);
    let headers = [
        ("content-type", "application/json"),
        ("user-agent", "a browser"),
    ];
    let anonymous = larder.anonymous();
    let begun = anonymous.send("POST", "/api/v1/sessions", &headers, body.as_bytes());
    let begun = begun.expect(201);
    let id = begun.json()["id"].as_str().expect("id").to_owned();
    let cookie = begun.header("set-cookie").expect("cookie");
    let cookie = [("cookie", cookie.split(';').next().expect("cookie"))];
    let whoami = || anonymous.send("GET", "/api/v1/whoami", &cookie, b"").status;
    assert_eq!(whoami(), 200);
    let listed = home.run("session list").ends(0).out;
    assert!(
        listed.contains("user:alice") && listed.contains("a browser"),
        "{listed}"
    );
    assert_eq!(
        home.run("session list --owner admin -o name").ends(0).out,
        ""
    );
    assert_eq!(
        home.run("session list -o name").ends(0).out,
        format!("{id}\n")
    );
    home.run(&format!("session end {id}")).ends(2);
    assert_eq!(whoami(), 200);
    home.run(&format!("session end {id} -y")).ends(0);
    assert_eq!(whoami(), 401);
    home.run(&format!("session end {id} -y")).ends(3);
}
