//! Sessions: a browser in which a person has signed in.

use super::{Answer, Header, House, PASSWORD, basic, house};
use http::header::{AUTHORIZATION, COOKIE, HeaderName, ORIGIN as FROM, USER_AGENT};
use larder_model::{Kind, Origin, Role};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const NOBODY: Header = Header::new();

/// What a browser has of a session.
#[derive(Clone)]
pub(super) struct Browser {
    pub(super) cookie: String,
    pub(super) csrf: String,
}

impl House {
    /// Signs a user in whose password is [`PASSWORD`]: the session's id, and what its browser has.
    pub(super) async fn session(&self, name: &str) -> (i64, Browser) {
        self.session_with(name, PASSWORD).await
    }

    pub(super) async fn session_with(&self, name: &str, password: &str) -> (i64, Browser) {
        let begun = self.sign_in(name, password).await;
        assert_eq!(begun.status, 201, "{:?}", begun.body);
        let session = begun.json();
        let text = |key: &str| session[key].as_str().expect("text").to_owned();
        let cookie = begun.header("set-cookie").split(';').next();
        let browser = Browser {
            cookie: cookie.expect("cookie").to_owned(),
            csrf: text("csrf_token"),
        };
        (text("id").parse().expect("id"), browser)
    }

    pub(super) async fn sign_in(&self, name: &str, password: &str) -> Answer {
        let body = json!({"name": name, "password": password}).to_string();
        let agent = [(USER_AGENT, "a browser")];
        self.with(&agent, &NOBODY, "POST", "/sessions", &body).await
    }

    /// Asks as a page of this server does.
    pub(super) async fn browse(
        &self,
        browser: &Browser,
        method: &str,
        target: &str,
        body: &str,
    ) -> Answer {
        let headers = [
            (COOKIE, &*browser.cookie),
            (CSRF, &*browser.csrf),
            (SITE, "same-origin"),
        ];
        self.with(&headers, &NOBODY, method, target, body).await
    }

    /// Who it is to the server.
    pub(super) async fn seen_as(&self, browser: &Browser) -> (u16, Value) {
        let answer = self.browse(browser, "GET", "/whoami", "").await;
        (answer.status, answer.json()["name"].clone())
    }
}

#[tokio::test]
async fn a_session_from_sign_in_to_sign_out() {
    let house = house().await;
    house.user("alice", false).await;
    let begun = house.sign_in("alice", PASSWORD).await;
    assert_eq!(begun.status, 201);
    let session = begun.json();
    let id = session["id"].as_str().expect("id");
    assert_eq!(begun.header("location"), format!("/api/v1/sessions/{id}"));
    assert_eq!(begun.header("cache-control"), "private, no-store");
    let cookie = begun.header("set-cookie");
    let (secret, attributes) = cookie.split_once("; ").expect("attributes");
    assert_eq!(
        attributes,
        "Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax; Secure"
    );
    let secret = secret.strip_prefix("__Host-larder_session=").expect("name");
    assert!(!String::from_utf8_lossy(&begun.body).contains(secret));
    let browser = Browser {
        cookie: format!("__Host-larder_session={secret}"),
        csrf: session["csrf_token"].as_str().expect("token").to_owned(),
    };
    assert_eq!(house.seen_as(&browser).await, (200, json!("alice")));
    let listed = house.browse(&browser, "GET", "/sessions", "").await.json();
    let mut expected = session.clone();
    expected["last_used_at"] = listed["items"][0]["last_used_at"].clone();
    expected["expires_at"] = listed["items"][0]["expires_at"].clone();
    assert_eq!(listed, json!({"items": [expected], "next": null}));
    assert_eq!(
        (
            &session["owner"],
            &session["user_agent"],
            &session["address"]
        ),
        (
            &json!("user:alice"),
            &json!("a browser"),
            &json!("127.0.0.1")
        )
    );
    let ended = house
        .browse(&browser, "DELETE", &format!("/sessions/{id}"), "")
        .await;
    assert_eq!(ended.status, 204);
    assert_eq!(
        ended.header("set-cookie"),
        "__Host-larder_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
    );
    let after = house.browse(&browser, "GET", "/whoami", "").await;
    assert_eq!(after.status, 401);
    assert_eq!(
        after.header("www-authenticate"),
        r#"Session realm="larder""#
    );
}

#[tokio::test]
async fn wrong_passwords_are_told_and_counted_as_everywhere() {
    let house = house().await;
    house.user("alice", false).await;
    house.robot("ci", "alice").await;
    let (_, token) = house.token("alice", None).await;
    let token = token.strip_prefix("Bearer ").expect("token");
    let tries = [
        ("alice", "wrong"),
        ("nobody", "wrong"),
        ("ci", ""),
        ("", ""),
        ("no name\0", "wrong"),
        ("alice", token),
    ];
    let mut answers = Vec::new();
    for (name, password) in tries {
        let refused = house.sign_in(name, password).await;
        assert_eq!(refused.header("set-cookie"), "");
        answers.push((
            refused.status,
            format!("{:?}", refused.headers),
            refused.json(),
        ));
    }
    assert_eq!(answers[0].0, 401);
    assert!(
        answers.windows(2).all(|pair| pair[0] == pair[1]),
        "{answers:?}"
    );
    for _ in 0..10 {
        house.sign_in("alice", "wrong").await;
    }
    assert_eq!(house.sign_in("alice", PASSWORD).await.status, 429);
    // The same count as that of `Authorization`.
    let alice = basic("alice", PASSWORD);
    assert_eq!(house.ask(&alice, "GET", "/whoami", "").await.0, 429);
    house.gate.write_events().await.expect("events");
    let admin = basic("admin", PASSWORD);
    let (_, told) = house
        .ask(&admin, "GET", "/audit?action=login&object=user:alice", "")
        .await;
    assert_eq!(told["items"][0]["result"], "refused", "{told}");
    let (_, told) = house
        .ask(&admin, "GET", "/audit?action=session.create", "")
        .await;
    assert_eq!(told["items"], json!([]));
}

#[tokio::test]
async fn the_audit_trail_tells_of_sessions_without_their_secrets() {
    let house = house().await;
    house.user("alice", false).await;
    let (id, browser) = house.session("alice").await;
    house
        .browse(&browser, "DELETE", &format!("/sessions/{id}"), "")
        .await;
    house.gate.write_events().await.expect("events");
    let (_, told) = house
        .ask(
            &basic("admin", PASSWORD),
            "GET",
            "/audit?actor=user:alice",
            "",
        )
        .await;
    let items = told["items"].as_array().expect("items");
    let actions: Vec<&str> = items
        .iter()
        .map(|item| item["action"].as_str().expect("action"))
        .collect();
    for action in ["login", "session.create", "session.delete"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
    let secret = browser.cookie.split_once('=').expect("secret").1;
    for hidden in [secret, &browser.csrf, PASSWORD] {
        assert!(!told.to_string().contains(hidden));
    }
}

#[tokio::test]
async fn a_change_in_a_session_needs_its_token_and_a_page_of_ours() {
    let house = house().await;
    house.user("alice", false).await;
    let (_, browser) = house.session("alice").await;
    let (_, other) = house.session("alice").await;
    let make = async |headers: &[(HeaderName, &str)]| {
        let cookie = (COOKIE, &*browser.cookie);
        let headers = [&[cookie], headers].concat();
        let body = r#"{"name":"new"}"#;
        let made = house.with(&headers, &NOBODY, "POST", "/tokens", body).await;
        (made.status, made.code())
    };
    let own = (CSRF, &*browser.csrf);
    let refused = (403, "not_allowed".to_owned());
    for (headers, why) in [
        (vec![], "nothing"),
        (vec![own.clone()], "no word of the browser"),
        (vec![(SITE, "same-origin")], "no token"),
        (vec![(SITE, "same-origin"), (CSRF, "")], "an empty token"),
        (vec![(SITE, "same-origin"), (CSRF, "guess")], "a guess"),
        (
            vec![(SITE, "same-origin"), (CSRF, &*other.csrf)],
            "another session's",
        ),
        (vec![own.clone(), (SITE, "cross-site")], "another site"),
        (
            vec![own.clone(), (SITE, "same-site")],
            "another host of the site",
        ),
        (vec![own.clone(), (SITE, "none")], "no page"),
        (
            vec![own.clone(), (FROM, "https://evil.example")],
            "another origin",
        ),
        (vec![own.clone(), (FROM, "null")], "no origin"),
        (
            vec![own.clone(), (SITE, "cross-site"), (FROM, super::ORIGIN)],
            "another site, as the browser says",
        ),
    ] {
        assert_eq!(make(&headers).await, refused, "{why}");
    }
    assert_eq!(make(&[own.clone(), (SITE, "same-origin")]).await.0, 201);
    assert_eq!(make(&[own, (FROM, super::ORIGIN)]).await.0, 201);
    // What changes nothing needs neither.
    let cookie = [(COOKIE, &*browser.cookie)];
    let read = house.with(&cookie, &NOBODY, "GET", "/tokens", "").await;
    assert_eq!(read.status, 200);
}

#[tokio::test]
async fn credentials_that_are_shown_count_alone() {
    let house = house().await;
    house.user("alice", false).await;
    house.user("bob", false).await;
    let (_, browser) = house.session("alice").await;
    let (_, bob) = house.token("bob", None).await;
    let cookie = [(COOKIE, &*browser.cookie)];
    let (method, target) = ("POST", "/tokens");
    // No CSRF token: it is no change in a session.
    let made = house
        .with(&cookie, &bob, method, target, r#"{"name":"n"}"#)
        .await;
    assert_eq!(
        (made.status, &made.json()["owner"]),
        (201, &json!("user:bob"))
    );
    let wrong = basic("bob", "wrong");
    let refused = house.with(&cookie, &wrong, "GET", "/whoami", "").await;
    assert_eq!(refused.status, 401);
    // The secret of a cookie is no credential.
    let secret = browser.cookie.split_once('=').expect("secret").1;
    for scheme in ["Bearer ", "", "session ", "token "] {
        let shown = format!("{scheme}{secret}");
        let refused = house.pass(&shown, "GET", "/whoami", "").await;
        assert_eq!(refused.status, 401, "{scheme}");
    }
    // And a token's is no session's.
    let token = bob.strip_prefix("Bearer ").expect("token");
    let cookie = Browser {
        cookie: format!("__Host-larder_session={token}"),
        ..browser
    };
    assert_eq!(house.seen_as(&cookie).await.0, 401);
}

#[tokio::test]
async fn a_session_that_is_none_is_refused() {
    let house = house().await;
    for cookie in [
        "__Host-larder_session=lrd_0000",
        "__Host-larder_session=",
        "__Host-larder_session=a; __Host-larder_session=b",
    ] {
        let browser = Browser {
            cookie: cookie.to_owned(),
            csrf: String::new(),
        };
        assert_eq!(house.seen_as(&browser).await.0, 401, "{cookie}");
    }
    // Neither is this ours, seen over https.
    let browser = Browser {
        cookie: "larder_session=lrd_0000".to_owned(),
        csrf: String::new(),
    };
    assert_eq!(house.seen_as(&browser).await, (200, Value::Null));
    // What is open to everyone stays so.
    let stale = [(COOKIE, "__Host-larder_session=lrd_0000")];
    let page = house
        .with(&stale, &NOBODY, "GET", "/openapi.json", "")
        .await;
    assert_eq!(page.status, 200);
    let body = json!({"name": "admin", "password": PASSWORD}).to_string();
    let again = house
        .with(&stale, &NOBODY, "POST", "/sessions", &body)
        .await;
    assert_eq!(again.status, 201);
}

#[tokio::test]
async fn everyone_lists_and_ends_their_own_and_superusers_all() {
    let house = house().await;
    let alice = house.user("alice", false).await;
    let bob = house.user("bob", false).await;
    let admin = basic("admin", PASSWORD);
    let (first, browser) = house.session("alice").await;
    let (second, _) = house.session("alice").await;
    let (of_bob, _) = house.session("bob").await;
    let ids = async |who: &Header, target: &str| {
        let (status, list) = house.ask(who, "GET", target, "").await;
        assert_eq!(status, 200, "{list}");
        let items = list["items"].as_array().expect("items");
        let id = |item: &Value| item["id"].as_str().expect("id").parse::<i64>();
        let ids = items.iter().map(|item| id(item).expect("id"));
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(&alice, "/sessions").await, [first, second]);
    assert_eq!(ids(&admin, "/sessions").await, [first, second, of_bob]);
    assert_eq!(ids(&admin, "/sessions?owner=user:bob").await, [of_bob]);
    assert_eq!(ids(&admin, "/sessions?owner=admin").await, [0_i64; 0]);
    assert_eq!(ids(&alice, "/sessions?limit=1").await, [first]);
    let rest = format!("/sessions?after={first}");
    assert_eq!(ids(&alice, &rest).await, [second]);
    let (status, _) = house.ask(&bob, "GET", "/sessions?owner=alice", "").await;
    assert_eq!(status, 404);
    // Only its own is the current one, and only there is its token shown.
    let listed = house.browse(&browser, "GET", "/sessions", "").await.json();
    assert_eq!(
        (
            &listed["items"][0]["current"],
            &listed["items"][1]["current"]
        ),
        (&json!(true), &json!(false))
    );
    assert_eq!(listed["items"][0]["csrf_token"], json!(browser.csrf));
    assert_eq!(listed["items"][1]["csrf_token"], Value::Null);
    let end = async |who: &Header, id: i64| {
        let ended = house
            .pass(who, "DELETE", &format!("/sessions/{id}"), "")
            .await;
        assert_eq!(ended.header("set-cookie"), "");
        ended.status
    };
    assert_eq!(end(&bob, first).await, 404);
    assert_eq!(end(&alice, second).await, 204);
    assert_eq!(end(&alice, second).await, 404);
    assert_eq!(end(&admin, of_bob).await, 204);
    assert_eq!(ids(&admin, "/sessions").await, [first]);
    let (_, limited) = house.token("alice", Some(("oci/*", Role::Admin))).await;
    assert_eq!(end(&limited, first).await, 403);
    assert_eq!(house.seen_as(&browser).await.0, 200);
}

#[tokio::test]
async fn a_sign_in_that_is_sent_again_gives_no_second_secret() {
    let house = house().await;
    let body = json!({"name": "admin", "password": PASSWORD}).to_string();
    let key = [(KEY, "one")];
    let begun = house.with(&key, &NOBODY, "POST", "/sessions", &body).await;
    assert_eq!(begun.status, 201);
    let again = house.with(&key, &NOBODY, "POST", "/sessions", &body).await;
    assert_eq!(
        (again.status, again.code()),
        (409, "secret_already_shown".to_owned())
    );
    assert_eq!(again.header("set-cookie"), "");
    assert_eq!(again.json()["id"], begun.json()["id"]);
}

#[tokio::test]
async fn another_sites_page_signs_nobody_in() {
    let house = house().await;
    let body = json!({"name": "admin", "password": PASSWORD}).to_string();
    let other = [(SITE, "cross-site")];
    let refused = house
        .with(&other, &NOBODY, "POST", "/sessions", &body)
        .await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.header("set-cookie"), "");
}

#[tokio::test]
async fn nothing_but_the_secret_is_a_session() {
    let house = house().await;
    let (id, _) = house.session("admin").await;
    let nowhere = Origin {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        request_id: "".into(),
    };
    let row = house.metadata.session(id).await.expect("row");
    assert!(row.is_some());
    for guess in [id.to_string(), String::new(), "lrd_".to_owned()] {
        let refused = house.gate.identify_session(&guess, &nowhere).await;
        let problem = refused.expect_err("no session");
        assert_eq!(problem.kind, Kind::LoginRefused, "{guess}");
    }
    let mut headers = http::HeaderMap::new();
    headers.insert(AUTHORIZATION, "\tsession x".parse().expect("header"));
    assert!(house.gate.identify(&headers, &nowhere).await.is_err());
}
