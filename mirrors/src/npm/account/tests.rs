use super::*;
use crate::Call;
use crate::account::AccountRequest;
use crate::npm::Npm;
use crate::testing::{REPO_URL, call};
use http::Method;
use larder_model::{Kind, Timestamp};

fn request(method: &Method, path: &str) -> Result<Option<AccountRequest>, Problem> {
    Ok(match call(&Npm, method, path, None)? {
        Call::Account(request) => Some(request),
        _ => None,
    })
}

fn is(method: &Method, path: &str, expected: &AccountRequest) -> bool {
    request(method, path).is_ok_and(|found| found.as_ref() == Some(expected))
}

fn response(response: &AccountResponse<'_>) -> (StatusCode, Value) {
    let reply = UserAccounts.reply(response, &REPO_URL);
    assert_eq!(reply.headers[CACHE_CONTROL], "no-store");
    (
        reply.status,
        serde_json::from_slice(&reply.body).expect("JSON"),
    )
}

#[test]
fn account_requests_are_parsed() {
    let (get, put, post, delete) = (&Method::GET, &Method::PUT, &Method::POST, &Method::DELETE);
    assert!(is(get, "/-/whoami", &AccountRequest::Whoami));
    assert!(is(get, "/-/npm/v1/user", &AccountRequest::Profile));
    assert!(is(get, "/-/npm/v1/tokens", &AccountRequest::ListTokens(0)));
    assert!(is(
        get,
        "/-/npm/v1/tokens?perPage=5&after=17",
        &AccountRequest::ListTokens(17)
    ));
    assert!(
        request(get, "/-/npm/v1/tokens?after=x")
            .is_err_and(|problem| problem.kind == Kind::Invalid)
    );
    assert!(is(post, "/-/npm/v1/tokens", &AccountRequest::CreateToken));
    assert!(is(
        delete,
        "/-/npm/v1/tokens/token/17",
        &AccountRequest::RevokeToken("17".into())
    ));
    assert!(is(
        delete,
        "/-/user/token/lrd_ab",
        &AccountRequest::RevokeToken("lrd_ab".into())
    ));
    assert!(is(
        put,
        "/-/user/org.couchdb.user:alice",
        &AccountRequest::LogIn("alice".into())
    ));
    assert!(is(
        put,
        "/-/user/org.couchdb.user%3Aalice",
        &AccountRequest::LogIn("alice".into())
    ));
    assert!(is(post, "/-/v1/login", &AccountRequest::BeginLogin));
    let finish = AccountRequest::FinishLogin {
        ask: "a.b".into(),
        key: "c".into(),
    };
    assert!(is(get, "/-/v1/done?ask=a.b&key=c", &finish));
    for (method, path) in [
        (get, "/whoami"),
        (put, "/-/whoami"),
        (get, "/-/v1/login"),
        (post, "/-/npm/v1/user"),
        (get, "/-/user/org.couchdb.user:alice"),
        (put, "/-/user/org.couchdb.user:"),
        (delete, "/-/user/token/a/b"),
        (get, "/-/ping"),
    ] {
        let is_account = request(method, path).is_ok_and(|found| found.is_some());
        assert!(!is_account, "{path}");
    }
    assert!(
        AccountRequest::BeginLogin.is_login()
            && finish.is_login()
            && AccountRequest::LogIn("a".into()).is_login()
    );
    assert!(
        !AccountRequest::Whoami.is_login() && !AccountRequest::RevokeToken("1".into()).is_login()
    );
}

#[test]
fn the_login_in_the_body_has_the_name_in_the_url() {
    let login = |body: &str| UserAccounts.read_login("alice", body.as_bytes());
    let plain = r#"{"_id":"org.couchdb.user:alice","name":"alice","password":"p","type":"user","roles":[]}"#;
    assert!(login(plain).is_ok_and(|login| login.password == "p" && login.refusal.is_none()));
    let adding = r#"{"name":"alice","password":"p","email":"a@b.example"}"#;
    assert!(login(adding).is_ok_and(|login| login.refusal.is_some()));
    for bad in [
        "",
        "[]",
        r#"{"name":"alice"}"#,
        r#"{"name":"bob","password":"p"}"#,
        r#"{"name":"alice","password":1}"#,
    ] {
        assert!(
            login(bad).is_err_and(|problem| problem.kind == Kind::Invalid),
            "{bad}"
        );
    }
}

#[test]
fn requests_for_tokens_are_read() {
    let wanted = |body: &str| UserAccounts.read_token_request(body.as_bytes());
    let limits = |body: &str| {
        let limits = wanted(body)
            .unwrap_or_else(|problem| panic!("{body}: {problem}"))
            .limits;
        limits.map(|(patterns, role)| {
            let patterns: Vec<String> = patterns
                .iter()
                .map(|pattern| pattern.as_str().to_owned())
                .collect();
            (patterns.join(" "), role)
        })
    };
    let of = |patterns: &str, role| Some((patterns.to_owned(), role));
    let old = wanted(r#"{"password":"p","readonly":false,"cidr_whitelist":[]}"#);
    let old = old.unwrap_or_else(|problem| panic!("{problem}"));
    assert!(
        old.name == UNNAMED
            && old.password == "p"
            && old.lifetime.is_none()
            && old.limits.is_none()
    );
    let named = wanted(r#"{"name":"ci","password":"p","expires":30,"cidr_whitelist":null}"#);
    let named = named.unwrap_or_else(|problem| panic!("{problem}"));
    assert!(named.name == "ci" && named.lifetime == Some(Duration::from_hours(720)));
    assert_eq!(limits(r#"{"readonly":true}"#), of("*", Role::Reader));
    let packages = r#""packages":["a","@s/b"],"scopes":["@t","u"]"#;
    assert_eq!(
        limits(&format!("{{{packages}}}")),
        of("a @s/b @t/* @u/*", Role::Reader)
    );
    let writes = r#""packages_and_scopes_permission":"read-write""#;
    assert_eq!(
        limits(&format!("{{{packages},{writes}}}")),
        of("a @s/b @t/* @u/*", Role::Maintainer)
    );
    assert_eq!(
        limits(&format!("{{{packages},{writes},\"readonly\":true}}")),
        of("a @s/b @t/* @u/*", Role::Reader)
    );
    assert_eq!(
        limits(&format!("{{{packages},{writes},\"packages_all\":true}}")),
        of("*", Role::Maintainer)
    );
    assert_eq!(limits(&format!("{{{writes}}}")), of("*", Role::Maintainer));
    for bad in [
        r#"{"cidr_whitelist":["10.0.0.0/8"]}"#,
        r#"{"orgs":["acme"]}"#,
        r#"{"packages":["a*"]}"#,
        r#"{"packages":["../a"]}"#,
        r#"{"scopes":["*"]}"#,
        r#"{"scopes":["a/b"]}"#,
        r#"{"packages_and_scopes_permission":"no-access"}"#,
        r#"{"packages_and_scopes_permission":"all"}"#,
        r#"{"expires":-1}"#,
        "[]",
    ] {
        assert!(
            wanted(bad).is_err_and(|problem| problem.kind == Kind::Invalid),
            "{bad}"
        );
    }
}

#[test]
fn replies_are_as_npm_reads_them() {
    assert_eq!(
        response(&AccountResponse::Name("alice")),
        (StatusCode::OK, json!({"username": "alice"}))
    );
    let profile = response(&AccountResponse::Profile("alice", Timestamp(0))).1;
    assert_eq!(
        (&profile["name"], &profile["created"]),
        (&json!("alice"), &json!("1970-01-01T00:00:00Z"))
    );
    let token = |id| Token {
        id,
        name: "ci",
        created_at: Timestamp(0),
        expires_at: Some(Timestamp(1_000_000)),
        read_only: true,
    };
    let (status, made) = response(&AccountResponse::NewToken(&token(7), "lrd_secret"));
    assert_eq!(
        (status, &made["token"], &made["key"]),
        (StatusCode::CREATED, &json!("lrd_secret"), &json!("7"))
    );
    let (_, some) = response(&AccountResponse::Tokens(&[token(7), token(8)], true));
    assert_eq!(
        some["urls"]["next"],
        "https://r.example/npm/main/-/npm/v1/tokens?after=8"
    );
    assert_eq!(
        (&some["objects"][0]["token"], &some["objects"][1]["key"]),
        (&json!("lrd_"), &json!("8"))
    );
    let (_, all) = response(&AccountResponse::Tokens(&[], false));
    assert_eq!(
        all,
        json!({"objects": [], "total": 0, "urls": {}}),
        "npm needs urls to be an object"
    );
    let (status, login) = response(&AccountResponse::Login("alice", "lrd_secret"));
    assert_eq!(
        (status, &login["token"]),
        (StatusCode::CREATED, &json!("lrd_secret"))
    );
    let (_, begun) = response(&AccountResponse::LoginPage {
        page: "https://r.example/sign-in?ask=a.b",
        ask: "a.b",
        key: "c&d",
    });
    let done = "https://r.example/npm/main/-/v1/done?ask=a.b&key=c&d";
    assert_eq!(
        begun,
        json!({"loginUrl": "https://r.example/sign-in?ask=a.b", "doneUrl": done})
    );
    assert_eq!(
        UserAccounts
            .reply(&AccountResponse::LoginPending, &REPO_URL)
            .headers[RETRY_AFTER],
        "1"
    );
    assert_eq!(
        response(&AccountResponse::LoginPending).0,
        StatusCode::ACCEPTED
    );
    assert_eq!(
        response(&AccountResponse::LoginSecret("lrd_secret")),
        (StatusCode::OK, json!({"token": "lrd_secret"}))
    );
}
