//! What keeps other sites, and whoever comes later to a browser, away from a session: tokens of forms, and
//! the heads of pages.

use crate::place::{Place, WHO};
use crate::routes::routes;
use crate::screens;
use larder_tests::larder::PASSWORD;
use larder_tests::{Client, Larder, Response};
use serde_json::Value;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
/// What a browser wants to have.
const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const OWN_PAGE: (&str, &str) = ("sec-fetch-site", "same-origin");
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A browser that has signed in.
struct Visitor {
    client: Client,
    cookie: String,
}

impl Visitor {
    #[track_caller]
    fn of(larder: &Larder, before: &str) -> Self {
        let client = larder.anonymous();
        let form = format!("username={WHO}&password={PASSWORD}");
        let headers = [FORM, OWN_PAGE, ("cookie", before)];
        let begun = client
            .send("POST", "/login", &headers, form.as_bytes())
            .expect(303);
        let cookie = begun.header("set-cookie").expect("a cookie");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        Self { client, cookie }
    }

    fn get(&self, path: &str) -> Response {
        self.client
            .send("GET", path, &[("cookie", &self.cookie), HTML], b"")
    }

    fn post(&self, path: &str, more: &[(&str, &str)], form: &str) -> Response {
        let headers = [&[FORM, ("cookie", &self.cookie)], more].concat();
        self.client.send("POST", path, &headers, form.as_bytes())
    }

    /// The token that its pages have.
    fn token(&self) -> String {
        let page = self.get("/me/profile").expect(200).text();
        let (_, rest) = page
            .split_once("name=\"csrf_token\" value=\"")
            .expect("a token");
        rest.split('"').next().expect("its end").to_owned()
    }
}

/// All that was done, as the audit trail has it.
fn done(larder: &Larder) -> Vec<Value> {
    let list = larder.api("GET", "audit?limit=1000", "", 200);
    let items = list["items"].as_array().expect("items").iter();
    let acts = items.filter(|item| item["action"] != "login" && item["action"] != "session.create");
    acts.cloned().collect()
}

/// The addresses that take forms, each of something that is there.
fn acts(place: &Place) -> Vec<String> {
    let posts = routes()
        .into_iter()
        .filter(|route| route.posts && route.path != "/login");
    let path = |route: crate::routes::Route| {
        route
            .path
            .replace("/images/{name}/{*rest}", "/images/payments/ledger/-/delete")
            .replace(
                "{protocol}/{name}/{*rest}",
                "npm/local/@storefront/checkout/-/delete",
            )
            .replace("/users/{name}", "/users/priya")
            .replace("/groups/{name}", "/groups/payments-team")
            .replace("/robots/{name}", "/robots/ci-payments")
            .replace("/backups/{name}", &format!("/backups/{}", place.backup))
            .replace("/tokens/{id}", &format!("/tokens/{}", place.token))
            .replace("/grants/{id}", &format!("/grants/{}", place.grant))
            .replace(
                "/trash/{protocol}/{name}/{id}",
                &format!("/trash/oci/storefront/{}", place.trash),
            )
            .replace("/retention/{protocol}/{name}", "/retention/oci/platform")
            .replace("{protocol}/{name}", "npm/upstream")
            .replace("{digest}", &place.damaged)
            .replace("{kind}", "gc")
            .replace("{tool}", "docker")
            .replace("{id}", &place.job)
    };
    let acts: Vec<String> = posts.map(path).collect();
    assert!(acts.len() > 40, "{acts:?}");
    let unfilled = acts.iter().find(|path| path.contains('{'));
    assert_eq!(unfilled, None, "an act on something that is not there");
    acts
}

#[test]
fn forms_of_other_pages_change_nothing() {
    let place = Place::fill(200_000);
    let larder = &place.larder;
    let (visitor, other) = (Visitor::of(larder, ""), Visitor::of(larder, ""));
    let (own, foreign) = (visitor.token(), other.token());
    let before = done(larder);
    let fields = "name=priya&typed=priya&version=4.2.1&do=run&offline=true&bytes=1&yes=on&all=on&disabled=on";
    for path in acts(&place) {
        let refuse = |what: &str, more: &[(&str, &str)], token: &str| {
            let form = format!("{fields}{token}");
            let answer = visitor.post(&path, more, &form);
            assert_eq!(answer.status, 403, "{path} {what}: {}", answer.text());
            assert!(answer.header("set-cookie").is_none(), "{path} {what}");
        };
        refuse("without a token", &[OWN_PAGE], "");
        refuse("with a wrong one", &[OWN_PAGE], "&csrf_token=00");
        refuse(
            "with one that is cut",
            &[OWN_PAGE],
            &format!("&csrf_token={}", &own[..own.len() - 2]),
        );
        refuse(
            "with another session's",
            &[OWN_PAGE],
            &format!("&csrf_token={foreign}"),
        );
        let own = format!("&csrf_token={own}");
        refuse(
            "from another site",
            &[("sec-fetch-site", "cross-site")],
            &own,
        );
        refuse(
            "from another origin",
            &[("origin", "https://evil.example")],
            &own,
        );
    }
    assert_eq!(done(larder), before, "something was changed");
    // By itself the token is right: it does what the form says.
    let form = format!("name=auditors&description=&csrf_token={own}");
    visitor
        .post("/access/groups", &[OWN_PAGE], &form)
        .expect(303);
    larder.api("GET", "groups/auditors", "", 200);
    other
        .post("/logout", &[OWN_PAGE], &format!("csrf_token={foreign}"))
        .expect(303);
    other.get("/me/profile").expect(303);
    visitor.get("/me/profile").expect(200);
}

#[test]
fn a_session_is_never_the_one_that_was_there_before() {
    let larder = crate::weeks::start();
    let who = serde_json::json!({"name": WHO, "password": PASSWORD});
    larder.api("POST", "users", &who.to_string(), 201);
    let planted = format!("larder_session=lrd_{}", "a".repeat(43));
    let visitor = Visitor::of(&larder, &planted);
    assert_ne!(visitor.cookie, planted);
    visitor.get("/me/profile").expect(200);
    let headers = [("cookie", &*planted)];
    larder
        .anonymous()
        .send("GET", "/me/profile", &headers, b"")
        .expect(303);
    // Nor does one who signs in again go on in the session of before.
    let again = Visitor::of(&larder, &visitor.cookie);
    assert_ne!(again.cookie, visitor.cookie);
    // Nothing but the form leads elsewhere, and only to this server.
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ] {
        let form = format!("username={WHO}&password={PASSWORD}&next={next}");
        let answer = larder
            .anonymous()
            .send("POST", "/login", &[FORM, OWN_PAGE], form.as_bytes());
        assert_eq!(answer.expect(303).header("location"), Some("/"), "{next}");
    }
}

/// Fails unless a page is framed by nobody, kept by nobody and runs nothing but ours.
#[track_caller]
fn require_heads(path: &str, page: &Response) {
    let head = |name: &str| page.header(name).unwrap_or_default().to_owned();
    assert_eq!(head("content-security-policy"), POLICY, "{path}");
    assert_eq!(head("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(head("referrer-policy"), "same-origin", "{path}");
    assert_eq!(head("cross-origin-opener-policy"), "same-origin", "{path}");
    assert!(
        head("cache-control").contains("no-store"),
        "{path}: {}",
        head("cache-control")
    );
    assert!(head("vary").contains("cookie"), "{path}: {}", head("vary"));
    assert!(
        page.header("access-control-allow-origin").is_none(),
        "{path}"
    );
    assert!(page.header("content-disposition").is_none(), "{path}");
}

#[test]
fn pages_are_framed_and_kept_by_nobody() {
    let place = Place::fill(200_000);
    let visitor = Visitor::of(&place.larder, "");
    for screen in screens::of(&place) {
        require_heads(&screen.path, &visitor.get(&screen.path).expect(200));
    }
    for path in ["/nothing", "/images/nothing", "/jobs/1"] {
        require_heads(path, &visitor.get(path).expect(404));
    }
    let anonymous = place.larder.anonymous();
    for path in ["/", "/login", "/connect", "/images"] {
        require_heads(path, &anonymous.get(path).expect(200));
    }
    let made = visitor.post(
        "/me/tokens",
        &[OWN_PAGE],
        &format!("name=a&csrf_token={}", visitor.token()),
    );
    require_heads("a secret", &made.expect(200));
}
