use super::{Answer, Machine, caller, fake, json, made_token};
use crate::exit::Exit;
use crate::outcome::View;
use larder_api::{List, Quantiles, UpstreamCheck, UpstreamState, UpstreamStatus};
use serde_json::json;

#[tokio::test]
async fn lists_are_followed_to_their_end() {
    let page = |names: &[&str], next: Option<&str>| {
        let items: Vec<_> = names
            .iter()
            .map(|name| json!({"protocol": "oci", "name": name}))
            .collect();
        json("200 OK", &json!({"items": items, "next": next}))
    };
    let server = fake(vec![page(&["a", "b"], Some("oci/b")), page(&["c"], None)]).await;
    let outcome = Machine::new()
        .run(&format!("repo list --server {} --token lrd_x", server.url))
        .await
        .expect("list");
    let names: Vec<_> = outcome.json.expect("JSON")["items"]
        .as_array()
        .expect("items")
        .clone();
    assert_eq!(
        names
            .iter()
            .map(|item| item["name"].as_str())
            .collect::<Vec<_>>(),
        [Some("a"), Some("b"), Some("c")]
    );
    assert_eq!(
        server.heard(),
        [
            "GET /api/v1/repositories?limit=1000 | Bearer lrd_x | ",
            "GET /api/v1/repositories?limit=1000&after=oci%2Fb | Bearer lrd_x | ",
        ]
    );
}

/// Runs each command beside a server with that script: it asks what is expected and succeeds.
pub(super) async fn assert_calls<const N: usize>(commands: [(&str, Answer, &str); N]) {
    for (line, answer, expected) in commands {
        let server = fake(vec![answer]).await;
        let outcome = Machine::new()
            .run(&format!("{line} --server {}", server.url))
            .await;
        assert!(outcome.is_ok(), "{line}: {outcome:?}");
        assert_eq!(server.heard(), [expected], "{line}");
    }
}

pub(super) fn made() -> Answer {
    json(
        "201 Created",
        &json!({"id": "1", "name": "x", "secret": "lrd_new"}),
    )
}

pub(super) fn gone() -> Answer {
    ("204 No Content", "text/plain", String::new())
}

#[tokio::test]
async fn commands_of_repositories_make_their_calls() {
    assert_calls([
        (
            "repo create oci/team --description Ours",
            made(),
            concat!(
                r#"POST /api/v1/repositories | - | {"description":"Ours","#,
                r#""kind":"hosted","name":"team","protocol":"oci"}"#
            ),
        ),
        (
            "repo set rpm/local --signing-key testdata/key.asc",
            made(),
            r#"PATCH /api/v1/repositories/rpm/local | - | {"signing_key":"a key\n"}"#,
        ),
        (
            "repo set oci/team --description Ours",
            made(),
            r#"PATCH /api/v1/repositories/oci/team | - | {"description":"Ours"}"#,
        ),
        (
            "repo create npm/up --kind mirror --upstream https://registry.example/ --username me --fresh 5m --offline \
             --allow-private --allow https://a.example --allow https://b.example",
            made(),
            concat!(
                r#"POST /api/v1/repositories | - | {"fresh_seconds":300,"kind":"mirror","name":"up","offline":true,"#,
                r#""protocol":"npm","upstream":{"allow":["https://a.example","https://b.example"],"#,
                r#""allow_private":true,"#,
                r#""url":"https://registry.example/","username":"me"}}"#
            ),
        ),
        (
            "repo create npm/up --upstream https://registry.example/",
            made(),
            concat!(
                r#"POST /api/v1/repositories | - | {"kind":"mirror","name":"up","protocol":"npm","#,
                r#""upstream":{"url":"https://registry.example/"}}"#
            ),
        ),
        (
            "repo create npm/main --member local --member up",
            made(),
            concat!(
                r#"POST /api/v1/repositories | - | {"kind":"group","members":["local","up"],"#,
                r#""name":"main","protocol":"npm"}"#
            ),
        ),
        (
            "repo set npm/up --block evil-*=malware --block @bad/*",
            made(),
            concat!(
                r#"PATCH /api/v1/repositories/npm/up | - | {"blocked":[{"package":"evil-*","reason":"malware"},"#,
                r#"{"package":"@bad/*"}]}"#
            ),
        ),
        (
            "repo set npm/up --block-nothing",
            made(),
            r#"PATCH /api/v1/repositories/npm/up | - | {"blocked":[]}"#,
        ),
        (
            "repo set npm/up --online --allow-private=false --fresh 0",
            made(),
            concat!(
                r#"PATCH /api/v1/repositories/npm/up | - | {"fresh_seconds":0,"offline":false,"#,
                r#""upstream":{"allow_private":false}}"#
            ),
        ),
        (
            "repo set npm/up --absent-status 403 --absent-status 401 --answer-time 45s",
            made(),
            concat!(
                r#"PATCH /api/v1/repositories/npm/up | - | {"upstream":{"absent_statuses":[403,401],"#,
                r#""answer_time":"45s"}}"#
            ),
        ),
        (
            "repo set oci/up --token-origin https://login.example --serve-vanished",
            made(),
            concat!(
                r#"PATCH /api/v1/repositories/oci/up | - | {"serve_vanished":true,"#,
                r#""upstream":{"token_origins":["https://login.example"]}}"#
            ),
        ),
        (
            "repo set oci/up --token-origin= --serve-vanished=false",
            made(),
            concat!(
                r#"PATCH /api/v1/repositories/oci/up | - | {"serve_vanished":false,"#,
                r#""upstream":{"token_origins":[]}}"#
            ),
        ),
        (
            "repo set npm/up --absent-status= --answer-time=",
            made(),
            concat!(
                r#"PATCH /api/v1/repositories/npm/up | - | {"upstream":{"absent_statuses":[],"#,
                r#""answer_time":null}}"#
            ),
        ),
        (
            "repo delete oci/team --yes",
            gone(),
            "DELETE /api/v1/repositories/oci/team | - | ",
        ),
    ])
    .await;
}

#[tokio::test]
async fn commands_of_people_make_their_calls() {
    assert_calls([
        ("user show a@b", made(), "GET /api/v1/users/a@b | - | "),
        (
            "user set alice --disabled true",
            made(),
            r#"PATCH /api/v1/users/alice | - | {"disabled":true}"#,
        ),
        (
            "user delete alice -y",
            gone(),
            "DELETE /api/v1/users/alice | - | ",
        ),
        (
            "token list --owner ci",
            json("200 OK", &json!({"items": [], "next": null})),
            "GET /api/v1/tokens?owner=ci&limit=1000 | - | ",
        ),
        (
            "token create ci --expires 30d --grant oci/team:reader --grant npm/*:writer:@acme/*",
            made(),
            concat!(
                r#"POST /api/v1/tokens | - | {"expires_at":"2030-01-31T00:00:00Z","grants":["#,
                r#"{"package":"*","repository":"oci/team","role":"reader"},"#,
                r#"{"package":"@acme/*","repository":"npm/*","role":"writer"}],"name":"ci"}"#
            ),
        ),
        (
            "token delete 12 --yes",
            gone(),
            "DELETE /api/v1/tokens/12 | - | ",
        ),
        (
            "session list --owner alice",
            json("200 OK", &json!({"items": [], "next": null})),
            "GET /api/v1/sessions?owner=alice&limit=1000 | - | ",
        ),
        (
            "session end 12 --yes",
            gone(),
            "DELETE /api/v1/sessions/12 | - | ",
        ),
        (
            "grant create user:alice oci/team --role writer --package app*",
            made(),
            concat!(
                r#"POST /api/v1/grants | - | {"package":"app*","repository":"oci/team","#,
                r#""role":"writer","subject":"user:alice"}"#
            ),
        ),
        (
            "grant delete 12 --yes",
            gone(),
            "DELETE /api/v1/grants/12 | - | ",
        ),
        ("whoami", caller(Some("admin")), "GET /api/v1/whoami | - | "),
    ])
    .await;
}

#[tokio::test]
async fn upstreams_are_checked_one_after_the_other() {
    let checked = |name: &str, ok: bool| {
        let check = UpstreamCheck {
            repository: name.parse().expect("path"),
            url: Some("https://a.example/".to_owned()),
            ok,
            reachable: true,
            status: Some(401),
            took_ms: 1,
            tls: true,
            authenticated: None,
            client_certificate_expires_at: None,
            problem: None,
            advice: (!ok).then(|| "give it\u{1b} a login".to_owned()),
            paused_origins: Vec::new(),
        };
        json("200 OK", &json!(check))
    };
    let status = |name: &str, state| UpstreamStatus {
        repository: name.parse().expect("path"),
        url: "https://a.example/".to_owned(),
        client_certificate_expires_at: None,
        state,
        failures: 0,
        paused_until: None,
        last_error: None,
        last_answer_at: None,
        answer_duration_seconds: Quantiles::default(),
        paused_origins: Vec::new(),
        warnings: Vec::new(),
    };
    let all = json!(List::whole(vec![
        status("npm/a", UpstreamState::Unasked),
        status("npm/b", UpstreamState::Offline),
        status("npm/c", UpstreamState::Paused),
    ]));
    let server = fake(vec![
        json("200 OK", &all),
        checked("npm/a", true),
        checked("npm/c", false),
    ])
    .await;
    let outcome = Machine::new()
        .run(&format!("upstream check --server {}", server.url))
        .await
        .expect("checked");
    assert_eq!(outcome.exit, Exit::Partly);
    assert_eq!(
        outcome.notes,
        [
            "npm/b is offline and was not asked",
            "npm/c: give it\\u{1b} a login"
        ]
    );
    assert_eq!(
        outcome.json.expect("JSON")["items"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert_eq!(
        server.heard(),
        [
            "GET /api/v1/upstreams?limit=1000 | - | ",
            "POST /api/v1/repositories/npm/a/upstream/check | - | {}",
            "POST /api/v1/repositories/npm/c/upstream/check | - | {}",
        ]
    );
    let server = fake(vec![checked("npm/a", true)]).await;
    let outcome = Machine::new()
        .run(&format!("upstream check npm/a --server {}", server.url))
        .await
        .expect("checked");
    assert!(
        outcome.exit == Exit::Done && outcome.notes.is_empty(),
        "{outcome:?}"
    );
    for (mirror, exit) in [("npm/a", Exit::Failed), ("npm/b", Exit::Offline)] {
        let server = fake(vec![checked(mirror, false), json("200 OK", &all)]).await;
        let line = format!("upstream check {mirror} --server {}", server.url);
        let outcome = Machine::new().run(&line).await.expect("checked");
        assert_eq!(outcome.exit, exit, "{mirror}");
    }
}

#[tokio::test]
async fn a_mirror_is_shown_with_its_upstream() {
    let repo = json!({"protocol": "npm", "name": "up", "kind": "mirror", "offline": false,
        "offline_by": "server", "upstream":
        {"url": "https://registry.example/", "username": null, "has_password": true, "allow_private": false,
         "absent_statuses": [403, 404, 410], "answer_time": "45s"}});
    let server = fake(vec![json("200 OK", &repo)]).await;
    let outcome = Machine::new()
        .run(&format!("repo show npm/up --server {}", server.url))
        .await
        .expect("repo");
    let View::Record(table) = outcome.view else {
        panic!("{outcome:?}")
    };
    let shown = table.record(&repo, false);
    let lines: Vec<Vec<&str>> = shown
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    for line in [
        &["Upstream", "https://registry.example/"][..],
        &["Password", "yes"],
        &["Absent", "statuses", "403,", "404,", "410"],
        &["Answer", "time", "45s"],
        &["Offline", "by", "server"],
    ] {
        assert!(lines.contains(&line.to_vec()), "{shown}");
    }
}

#[tokio::test]
async fn connect_prints_lines_as_they_are() {
    let lines = ["registry=https://larder.example/npm/main/", "a=b\u{1b}[2J"];
    let told = json!({"items": [
        {"file": "~/.npmrc", "lines": lines, "note": "Mind this"},
        {"file": null, "lines": ["npm ping"]}
    ], "next": null});
    let server = fake(vec![json("200 OK", &told)]).await;
    let outcome = Machine::new()
        .run(&format!("connect npm npm/main --server {}", server.url))
        .await
        .expect("lines");
    let text = "# ~/.npmrc\n# Mind this\nregistry=https://larder.example/npm/main/\na=b\\u{1b}[2J\n\n\
                # in a shell\nnpm ping";
    assert!(
        matches!(&outcome.view, View::Text(shown) if shown == text),
        "{outcome:?}"
    );
    assert_eq!(server.heard(), ["GET /api/v1/connect/npm/npm/main | - | "]);
}

#[tokio::test]
async fn a_generated_password_is_shown_once() {
    let whoami = caller(Some("admin"));
    let alice = || json("200 OK", &json!({"name": "alice"}));
    let server = fake(vec![alice(), whoami, alice()]).await;
    let machine = Machine::new();
    for line in [
        "user create alice --generate-password",
        "user set alice --generate-password",
    ] {
        let outcome = machine
            .run(&format!("{line} --server {}", server.url))
            .await
            .expect(line);
        let password = outcome.json.expect("JSON")["password"]
            .as_str()
            .expect("password")
            .to_owned();
        let sent = server.heard().pop().expect("sent");
        assert!(
            password.len() == 24 && sent.contains(&format!(r#""password":"{password}""#)),
            "{sent}"
        );
        assert!(
            !sent.contains("current_password"),
            "another's password needs no present one: {sent}"
        );
    }
}

#[tokio::test]
async fn a_quiet_token_is_its_secret_alone() {
    let server = fake(vec![made_token()]).await;
    let line = format!("token create ci --quiet --server {}", server.url);
    let outcome = Machine::new().run(&line).await.expect("token");
    assert!(matches!(outcome.view, View::Text(text) if text == "lrd_new"));
    assert!(outcome.notes.is_empty());
}
