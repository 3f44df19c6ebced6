//! Class 8: what was taken away goes on working, because something remembers it.
//!
//! Grants, tokens and disabled users are in `tests/access/tokens.rs`
//! (`a_right_taken_away_is_gone_with_the_next_request`), random changes with warm memories in
//! `web/src/tests/proofs/exchanges.rs`. Here is every way to take a right away, with a password, a
//! token and a bearer token that were all used a moment ago; and two servers of one database.

use crate::callers::{api, bearer, larder, start, token};
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::{Client, Image, Larder, Postgres};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const TAGS: &str = "/v2/team/app/tags/list";
/// What other servers of one database have to know within.
const SOON: Duration = Duration::from_secs(5);

/// Makes alice, a member of a group in a group that may read, and returns all that she can show,
/// used once.
fn alice(larder: &Larder) -> Vec<Client> {
    let admin = larder.admin();
    let alice = larder.make_user("alice");
    for group in ["inner", "outer"] {
        api(&admin, "POST", "groups", &json!({"name": group}));
    }
    for member in ["inner/members/user:alice", "outer/members/group:inner"] {
        api(&admin, "PUT", &format!("groups/{member}"), &Value::Null).expect(204);
    }
    let made = json!({"subject": "group:outer", "repository": "oci/team", "role": "reader"});
    api(&admin, "POST", "grants", &made);
    let (_, secret) = token(&alice, "", &json!({"name": "ci"}));
    let short = |client: &Client| {
        let answer = client.get("/v2/token?scope=repository:team/app:pull&offline_token=true");
        let answer = answer.expect(200).json();
        let text = |key: &str| answer[key].as_str().map(str::to_owned);
        (text("token").expect("token"), text("refresh_token"))
    };
    let token = bearer(larder, &secret);
    let (of_password, refresh) = short(&alice);
    let (of_token, _) = short(&token);
    let refresh = larder.user("alice", &refresh.expect("a token to log in with"));
    let (of_refresh, _) = short(&refresh);
    let mut all = vec![alice, token, refresh];
    all.extend(
        [of_password, of_token, of_refresh]
            .iter()
            .map(|it| bearer(larder, it)),
    );
    for client in &all {
        client.get(TAGS).expect(200);
    }
    all
}

#[test]
fn each_way_to_take_a_right_away_counts_at_once() {
    let larder = larder();
    let admin = larder.admin();
    Image::random(&mut Random::seeded(), &[10]).push(&admin, "team/app", "latest");
    let body_of = |method: &str| match method {
        "PATCH" => json!({"disabled": true}),
        _ => Value::Null,
    };
    // What is done, and what everything that she showed is told then: a bearer token that was got
    // before is refused as one that may nothing any more.
    for (method, path, told) in [
        ("DELETE", "groups/inner/members/user:alice", [404, 401]),
        ("DELETE", "groups/outer/members/group:inner", [404, 401]),
        ("DELETE", "groups/inner", [404, 401]),
        ("DELETE", "groups/outer", [404, 401]),
        ("PATCH", "users/alice", [401, 401]),
        ("DELETE", "users/alice", [401, 401]),
    ] {
        let all = alice(&larder);
        let done = api(&admin, method, path, &body_of(method));
        assert!(matches!(done.status, 200 | 204), "{path}: {}", done.text());
        for client in &all {
            let answer = client.get(TAGS);
            let expected = told.contains(&answer.status);
            assert!(expected, "{method} {path}: {} {client:?}", answer.status);
        }
        // Under her name comes someone else, with nothing.
        api(&admin, "DELETE", "users/alice", &Value::Null);
        let new = larder.make_user("alice");
        new.get(TAGS).expect(404);
        for client in &all[1..] {
            client.get(TAGS).expect(401);
        }
        api(&admin, "DELETE", "users/alice", &Value::Null).expect(204);
    }
    // Another password ends the old one, and what was got by it, but no token that was made by hand.
    let all = alice(&larder);
    let other = json!({"password": "another good password"});
    api(&admin, "PATCH", "users/alice", &other).expect(200);
    let told: Vec<u16> = all.iter().map(|client| client.get(TAGS).status).collect();
    let [of_password, of_token, of_login] = [401, 200, 401];
    let bearers = [of_password, of_token, of_login];
    assert_eq!(told, [[of_password, of_token, of_login], bearers].concat());
    let alice = larder.user("alice", "another good password");
    alice.get(TAGS).expect(200);
    let answer = alice.get("/v2/token?scope=repository:team/app:pull");
    let token = answer.expect(200).json()["token"].clone();
    let token = bearer(&larder, token.as_str().expect("a token"));
    token.get(TAGS).expect(200);
}

/// Who changes the password stays logged in where that was done.
#[test]
fn another_password_ends_the_other_logins() {
    let larder = larder();
    let alice = larder.make_user("alice");
    let login = json!({"name": "cli laptop", "kind": "offline"});
    let [own, other] = [(); 2].map(|()| bearer(&larder, &token(&alice, "", &login).1));
    let change = json!({"password": "another good password", "current_password": PASSWORD});
    api(&own, "PATCH", "users/alice", &change).expect(200);
    own.get("/api/v1/whoami").expect(200);
    other.get("/api/v1/whoami").expect(401);
}

/// What docker keeps of a login with a token is gone with that.
#[test]
fn a_token_that_is_taken_away_takes_the_logins_with_it() {
    let larder = larder();
    let alice = larder.make_user("alice");
    let (id, secret) = token(&alice, "", &json!({"name": "ci"}));
    let refresh_token = |client: &Client| {
        let answer = client.get("/v2/token?service=larder&offline_token=true");
        let refresh = answer.expect(200).json()["refresh_token"].clone();
        refresh.as_str().expect("a login").to_owned()
    };
    let login = refresh_token(&larder.user("alice", &secret));
    let again = refresh_token(&larder.user("alice", &login));
    let other = refresh_token(&alice);
    let whoami = |secret: &str| bearer(&larder, secret).get("/api/v1/whoami").status;
    for secret in [&login, &again, &other] {
        assert_eq!(whoami(secret), 200);
    }
    api(&alice, "DELETE", &format!("tokens/{id}"), &Value::Null).expect(204);
    let told = [&login, &again, &other].map(|secret| whoami(secret));
    assert_eq!(told, [401, 401, 200]);
}

/// Two servers of one database.
fn two_servers() -> Option<(Postgres, [Larder; 2])> {
    let postgres = Postgres::start()?;
    let url = postgres.database("shared");
    let servers = [(); 2].map(|()| postgres.names_of(start(), &url).start());
    Some((postgres, servers))
}

#[test]
fn another_server_of_the_database_knows_soon() {
    let Some((_postgres, [one, two])) = two_servers() else {
        return;
    };
    let admin = one.admin();
    let make = json!({"protocol": "npm", "name": "shared", "kind": "hosted"});
    api(&admin, "POST", "repositories", &make).expect(201);
    let ask = |client: &Client| client.get("/api/v1/repositories/npm/shared").status;
    let ways: [(&str, &str, Value); 4] = [
        ("DELETE", "grants/{grant}", Value::Null),
        ("DELETE", "tokens/{token}", Value::Null),
        ("PATCH", "users/alice", json!({"disabled": true})),
        ("DELETE", "groups/crew/members/user:alice", Value::Null),
    ];
    for (method, path, body) in ways {
        api(&admin, "DELETE", "users/alice", &Value::Null);
        api(&admin, "POST", "groups", &json!({"name": "crew"}));
        let alice = one.make_user("alice");
        api(
            &admin,
            "PUT",
            "groups/crew/members/user:alice",
            &Value::Null,
        )
        .expect(204);
        let grant = json!({"subject": "group:crew", "repository": "npm/shared", "role": "reader"});
        let grant = api(&admin, "POST", "grants", &grant).json();
        let (id, secret) = token(&alice, "", &json!({"name": "ci"}));
        let there = [two.user("alice", PASSWORD), bearer(&two, &secret)];
        // It is asked until it knows of the rights, and remembers who is asking.
        until(
            &|| there.iter().all(|client| ask(client) == 200),
            "it has the rights",
        );
        let grant = grant["id"].as_str().unwrap_or_default();
        let target = path.replace("{grant}", grant).replace("{token}", &id);
        let done = api(&admin, method, &target, &body);
        assert!(matches!(done.status, 200 | 204), "{}", done.text());
        let by_token = &there[usize::from(path.starts_with("tokens"))..];
        until(&|| by_token.iter().all(|client| ask(client) != 200), path);
        if !path.starts_with("users") && !grant.is_empty() {
            api(&admin, "DELETE", &format!("grants/{grant}"), &Value::Null);
        }
    }
}

/// Asks until something is so, for as long as that may take at most.
#[track_caller]
fn until(is: &dyn Fn() -> bool, what: &str) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < SOON, "{what}: not after {SOON:?}");
    }
}

/// Whose password held once is not made to pay for the tokens of others, nor they for theirs.
#[test]
fn tokens_that_come_and_go_have_no_password_hashed_again() {
    let larder = start().start();
    let bob = larder.make_user("bob");
    let admin = larder.admin();
    for client in [&admin, &bob] {
        client.get("/api/v1/whoami").expect(200);
    }
    let hashes = || {
        let text = admin.get("/metrics").expect(200).text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("larder_password_hashes_total "));
        line.expect("a count").parse::<u64>().expect("a number")
    };
    let before = hashes();
    assert!(before >= 2, "both were");
    for _ in 0..5 {
        let made = api(&bob, "POST", "tokens", &json!({"name": "ci"}))
            .expect(201)
            .json();
        let path = format!("tokens/{}", made["id"].as_str().expect("id"));
        api(&bob, "DELETE", &path, &Value::Null).expect(204);
        admin.get("/api/v1/whoami").expect(200);
    }
    assert_eq!(hashes(), before);
}

/// Where a server still remembers who showed it, too.
#[test]
fn nothing_lasting_is_got_with_a_token_that_is_taken_away() {
    let Some((_postgres, [one, two])) = two_servers() else {
        return;
    };
    let alice = one.make_user("alice");
    for _ in 0..5 {
        let (id, secret) = token(&alice, "", &json!({"name": "ci"}));
        let (there, login) = (bearer(&two, &secret), two.user("alice", &secret));
        until(
            &|| there.get("/api/v1/whoami").status == 200,
            "it is remembered",
        );
        api(&alice, "DELETE", &format!("tokens/{id}"), &Value::Null).expect(204);
        login
            .get("/v2/token?service=larder&offline_token=true")
            .expect(401);
        for kind in ["access", "offline"] {
            let made = api(
                &there,
                "POST",
                "tokens",
                &json!({"name": "x", "kind": kind}),
            );
            assert!(matches!(made.status, 400 | 401), "{kind}: {}", made.text());
        }
    }
    let left = api(&alice, "GET", "tokens", &Value::Null).json();
    assert_eq!(left["items"], json!([]));
}
