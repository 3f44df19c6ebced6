//! The pages of the built binary on which clients are connected and accounts are kept: whole in both
//! languages, for whoever may see them; and what their forms do.

use larder_tests::http::{Client, Response};
use larder_tests::larder::PASSWORD;
use larder_tests::{Larder, Start};

/// Pages that superusers alone see.
const OF_SUPERUSERS: [&str; 9] = [
    "/access/users",
    "/access/users/bob",
    "/access/users/bob/delete",
    "/access/groups",
    "/access/groups/dev",
    "/access/groups/dev/delete",
    "/audit?check=1",
    "/system",
    "/system/config",
];

/// Pages that everyone sees who is signed in.
const OF_USERS: [&str; 7] = [
    "/access/robots",
    "/access/robots/ci",
    "/access/grants",
    "/access/grants?view=list",
    "/me/profile",
    "/me/tokens",
    "/me/sessions",
];

/// Pages that everyone sees.
const OF_EVERYONE: [&str; 6] = [
    "/connect",
    "/connect/npm",
    "/connect/docker?repository=team",
    "/access/can?repository=npm/local&action=read",
    "/me/appearance",
    "/connect/containerd",
];

fn larder() -> Larder {
    let larder = Start::of(env!("CARGO_BIN_EXE_larder")).start();
    larder.make_user("alice");
    larder.make_user("bob");
    larder.api("POST", "groups", r#"{"name":"dev"}"#, 201);
    larder.api("PUT", "groups/dev/members/user:alice", "", 204);
    let robot = r#"{"name":"ci","owner":"user:alice"}"#;
    larder.api("POST", "robots", robot, 201);
    let repo = r#"{"protocol":"oci","name":"team","open":true}"#;
    larder.api("POST", "repositories", repo, 201);
    larder.grant("group:dev", "npm/local", "@shop/*", "writer");
    larder
}

#[track_caller]
fn page(client: &Client, path: &str, language: &str) -> Response {
    let cookie = format!("larder_language={language}");
    client.send("GET", path, &[("cookie", &cookie)], b"")
}

/// Sends a form as the page that has it.
#[track_caller]
fn send(client: &Client, path: &str, form: &str) -> Response {
    let kind = ("content-type", "application/x-www-form-urlencoded");
    client.send("POST", path, &[kind], form.as_bytes())
}

/// Fails unless a page is whole and of this server alone.
#[track_caller]
fn require_whole(larder: &Larder, path: &str, page: Response, tag: &str) {
    let text = page.expect(200).text();
    assert_eq!(text.matches("<h1>").count(), 1, "{path}");
    assert!(text.contains(&format!("<html lang=\"{tag}\"")), "{path}");
    assert!(text.trim_end().ends_with("</html>"), "{path}");
    for attribute in ["href=\"", "src=\"", "action=\""] {
        for rest in text.split(attribute).skip(1) {
            let address = rest.split('"').next().unwrap_or_default();
            let own = address.starts_with(['/', '#']) || address.starts_with(larder.url());
            assert!(own || address == "data:,", "{path} leads to {address}");
        }
    }
    assert!(
        !text.contains(" style=") && !text.contains(" onclick="),
        "{path}"
    );
}

#[test]
fn pages_are_whole_for_whoever_may_see_them() {
    let larder = larder();
    let (admin, alice) = (larder.admin(), larder.user("alice", PASSWORD));
    let anonymous = larder.anonymous();
    let all = OF_SUPERUSERS.iter().chain(&OF_USERS).chain(&OF_EVERYONE);
    for path in all {
        for (language, tag) in [("en", "en"), ("zh", "zh-Hans")] {
            require_whole(&larder, path, page(&admin, path, language), tag);
        }
    }
    for path in OF_USERS.iter().chain(&OF_EVERYONE) {
        require_whole(&larder, path, page(&alice, path, "en"), "en");
    }
    for path in OF_EVERYONE {
        require_whole(&larder, path, page(&anonymous, path, "en"), "en");
    }
    for path in OF_SUPERUSERS {
        let status = page(&alice, path, "en").status;
        // Of accounts nobody is told whether they are there.
        assert!(matches!(status, 403 | 404), "{path} is {status}");
    }
    let own = page(&alice, "/access/users/alice", "en").expect(303);
    assert_eq!(own.header("location"), Some("/me/profile"));
    for path in OF_SUPERUSERS.iter().chain(&OF_USERS) {
        let refused = page(&anonymous, path, "en").expect(303);
        let to = refused.header("location").unwrap_or_default();
        assert!(to.starts_with("/login?next="), "{path} leads to {to}");
    }
}

#[test]
fn a_token_stands_in_the_lines_and_is_awaited() {
    let larder = larder();
    let alice = larder.user("alice", PASSWORD);
    let form = "repository=main&machine=lab-7&role=reader&expires=30";
    let made = send(&alice, "/connect/npm", form).expect(200);
    assert_eq!(made.header("cache-control"), Some("private, no-store"));
    let text = made.text();
    let secret = text
        .split("<code>")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    let secret = secret.expect("a secret");
    assert!(secret.starts_with("lrd_"), "{secret}");
    let host = larder.host();
    assert!(
        text.contains(&format!("//{host}/npm/main/:_authToken={secret}")),
        "{text}"
    );
    let wait = text
        .split("/connect/wait/")
        .nth(1)
        .and_then(|rest| rest.split('/').next());
    let wait = format!("/connect/wait/{}", wait.expect("an id"));
    let waiting = page(&alice, &wait, "en").expect(200).text();
    assert!(
        waiting.contains("http-equiv=\"refresh\"") && waiting.contains("Waiting"),
        "{waiting}"
    );
    assert_eq!(
        page(&larder.user("bob", PASSWORD), &wait, "en").status,
        404,
        "it is not bob's"
    );

    // Whatever is asked: the token is used.
    let client = Client::with_authorization(larder.address(), &format!("Bearer {secret}"));
    client.get("/npm/main/left-pad");
    let used = page(&alice, &wait, "en").expect(200).text();
    assert!(
        used.contains("It works") && !used.contains("http-equiv"),
        "{used}"
    );
    let (events, whole) = alice.take(&format!("{wait}/events"), &[]).expect("events");
    let events = events.expect(200).text();
    assert!(
        whole && events.contains("data: <p class=\"notice ok\""),
        "{events}"
    );
    assert!(events.ends_with("event: used\ndata: used\n\n"), "{events}");
}

#[test]
fn forms_do_what_they_say_and_ask_before_something_goes() {
    let larder = larder();
    let admin = larder.admin();
    let made = send(&admin, "/access/users", "name=dave&password=long+enough").expect(303);
    assert_eq!(made.header("location"), Some("/access/users/dave"));
    let again = send(&admin, "/access/users", "name=dave&password=long+enough").expect(400);
    assert!(
        again.text().contains("there is already a user dave"),
        "{}",
        again.text()
    );
    send(&admin, "/access/users/dave", "disabled=on").expect(303);
    assert_eq!(larder.api("GET", "users/dave", "", 200)["disabled"], true);
    send(&admin, "/access/groups/dev/members", "member=user%3Adave").expect(303);
    let groups = larder.api("GET", "users/dave", "", 200);
    assert_eq!(groups["groups"], serde_json::json!(["dev"]));

    let grant = "subject=user%3Adave&repository=npm%2Flocal&package=&role=maintainer&networks=";
    send(&admin, "/access/grants", grant).expect(303);
    let grants = larder.api("GET", "grants?subject=user:dave", "", 200);
    assert_eq!(grants["items"][0]["role"], "maintainer");
    let id = grants["items"][0]["id"].as_str().expect("id");
    let asks = page(&admin, &format!("/access/grants/{id}/delete"), "en")
        .expect(200)
        .text();
    assert!(
        asks.contains("maintainer") && asks.contains("npm/local"),
        "{asks}"
    );
    send(&admin, &format!("/access/grants/{id}/delete"), "").expect(303);
    let grants = larder.api("GET", "grants?subject=user:dave", "", 200);
    assert_eq!(grants["items"], serde_json::json!([]));

    // What does not come back goes once its name is typed.
    send(&admin, "/access/users/dave/delete", "typed=dav").expect(400);
    larder.api("GET", "users/dave", "", 200);
    send(&admin, "/access/users/dave/delete", "typed=dave").expect(303);
    larder.api("GET", "users/dave", "", 404);

    let lines = admin.take("/audit/export?action=user.*", &[]);
    let (lines, whole) = lines.expect("an export");
    assert!(whole, "the export broke off");
    let lines = lines.expect(200);
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let text = lines.text();
    assert!(
        text.lines().all(|line| line.contains("\"action\":\"user.")),
        "{text}"
    );
    assert!(text.contains("user.delete"), "{text}");
}
