//! Forms that are refused, on the built binary: each page shows its form again with what was typed.

use larder_tests::pages::Pages;
use larder_tests::{Larder, Start};

/// A pattern with more stars than one may have.
const WRONG: &str = "*********";
/// A password that is too short.
const SHORT: &str = "S3cr3t";

/// A form whose values are refused: its page, where it goes, what is typed.
type Sent<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// Forms of accounts and of what these may do.
const OF_ACCESS: [Sent<'_>; 10] = [
    (
        "/access/users",
        "/access/users",
        &[("name", "bob"), ("password", SHORT), ("superuser", "on")],
    ),
    (
        "/access/users/bob",
        "/access/users/bob",
        &[("password", SHORT)],
    ),
    (
        "/access/groups",
        "/access/groups",
        &[("name", "No Name"), ("description", "Builders")],
    ),
    (
        "/access/groups/dev",
        "/access/groups/dev/members",
        &[("member", "user:nobody")],
    ),
    (
        "/access/robots",
        "/access/robots",
        &[
            ("name", "deploy"),
            ("description", "Deploys"),
            ("owner", "user:nobody"),
        ],
    ),
    (
        "/access/robots/ci",
        "/access/robots/ci",
        &[
            ("description", "Builds"),
            ("owner", "user:nobody"),
            ("disabled", "on"),
        ],
    ),
    (
        "/access/robots/ci",
        "/access/robots/ci/tokens",
        &[
            ("name", "lab-7"),
            ("expires", "30"),
            ("repository", WRONG),
            ("role", "writer"),
        ],
    ),
    (
        "/me/tokens",
        "/me/tokens",
        &[
            ("name", "lab-7"),
            ("expires", ""),
            ("repository", WRONG),
            ("role", "maintainer"),
        ],
    ),
    (
        "/access/grants",
        "/access/grants",
        &[
            ("subject", "group:dev"),
            ("role", "admin"),
            ("repository", WRONG),
            ("package", "app"),
        ],
    ),
    (
        "/setup",
        "/setup/users",
        &[("name", "mei"), ("password", SHORT), ("may", "read")],
    ),
];

/// Forms of repositories, of policies and of jobs.
const OF_PLACES: [Sent<'_>; 8] = [
    (
        "/jobs",
        "/jobs/schedules/gc",
        &[("cron", "every day"), ("enabled", "on")],
    ),
    (
        "/policies/quotas",
        "/policies/quotas/npm/local",
        &[("bytes", "much"), ("versions", "7")],
    ),
    (
        "/policies/quotas",
        "/policies/quotas",
        &[
            ("repositories", "npm/*"),
            ("bytes", "2 GB"),
            ("versions", "many"),
        ],
    ),
    (
        "/policies/immutability",
        "/policies/immutability/npm/local",
        &[("immutable", WRONG)],
    ),
    (
        "/policies/blocks",
        "/policies/blocks",
        &[
            ("repository", "npm/upstream"),
            ("package", WRONG),
            ("reason", "old"),
        ],
    ),
    (
        "/setup",
        "/setup/mirrors",
        &[
            ("protocol", "pypi"),
            ("name", "up"),
            ("url", "nowhere"),
            ("password", SHORT),
        ],
    ),
    (
        "/repositories/new",
        "/repositories/new",
        &[
            ("kind", "hosted"),
            ("protocol", "pypi"),
            ("name", "No Name"),
            ("description", "Web"),
        ],
    ),
    (
        "/repositories/npm/upstream",
        "/repositories/npm/upstream",
        &[
            ("url", "nowhere"),
            ("username", "mei"),
            ("password", SHORT),
            ("fresh", "7"),
        ],
    ),
];

fn larder() -> Larder {
    let larder = Start::of(env!("CARGO_BIN_EXE_larder")).start();
    larder.make_user("alice");
    larder.make_user("bob");
    larder.api("POST", "groups", r#"{"name":"dev"}"#, 201);
    let robot = r#"{"name":"ci","owner":"user:alice"}"#;
    larder.api("POST", "robots", robot, 201);
    larder
}

/// The forms of a page that go to an address.
fn forms(html: &str, action: &str) -> String {
    let begin = format!("<form method=\"post\" action=\"{action}\"");
    let forms = html.split(&*begin).skip(1);
    let ends = forms.filter_map(|rest| rest.split("</form>").next());
    ends.collect()
}

/// Whether a form shows a value of a field.
fn shows(form: &str, name: &str, value: &str) -> bool {
    let field = format!(" name=\"{name}\"");
    let is_shown = |rest: &str| {
        let tag = rest.split('>').next().unwrap_or_default();
        let options = rest.split("</select>").next().unwrap_or_default();
        (value == "on" && tag.ends_with(" checked"))
            || tag.contains(&format!("value=\"{value}\""))
            || rest.starts_with(&format!("{tag}>{value}</textarea>"))
            || options.contains(&format!("<option value=\"{value}\" selected>"))
            || options.contains(&format!("<option selected>{value}</option>"))
    };
    form.split(&*field).skip(1).any(is_shown)
}

/// What a page does not have that it should have once its form was refused.
#[track_caller]
fn lost(admin: &Pages, (page, action, fields): Sent<'_>) -> Vec<String> {
    let refused = admin.post(page, action, fields);
    let (status, html) = (refused.status, refused.text());
    let form = forms(&html, action);
    let mut lost = Vec::new();
    let mut require = |holds: bool, what: &str| {
        if !holds {
            lost.push(format!("{action}: {what}"));
        }
    };
    require(status == 400, &format!("the status is {status}"));
    let alerts = html.matches("role=\"alert\"").count();
    require(alerts == 1, &format!("it tells {alerts} times why"));
    for (name, value) in fields {
        if *name == "password" {
            require(!html.contains(value), "a password is shown");
        } else {
            require(shows(&form, name, value), &format!("{name} is lost"));
        }
    }
    let back = format!("name=\"next\" value=\"{page}\"");
    require(html.contains(&back), "another language leads elsewhere");
    lost
}

#[test]
fn a_form_that_is_refused_keeps_what_was_typed() {
    let larder = larder();
    let admin = Pages::of(&larder, "admin");
    let long = "x".repeat(2000);
    let shared = r#"{"repositories":"npm/*","bytes":1000}"#;
    let shared = larder.api("POST", "quotas", shared, 201);
    let shared = shared["id"].as_str().expect("an id");
    let shared = format!("/policies/quotas/shared/{shared}");
    let (group, client) = ("/access/groups/dev", "/connect/npm");
    let token = [
        ("repository", "local"),
        ("machine", &*long),
        ("role", "writer"),
        ("expires", "365"),
    ];
    let others: [Sent<'_>; 3] = [
        (group, group, &[("description", &long)]),
        (client, client, &token),
        (
            "/policies/quotas",
            &shared,
            &[("bytes", "3 GB"), ("versions", "many")],
        ),
    ];
    let all = OF_ACCESS.into_iter().chain(OF_PLACES).chain(others);
    let lost: Vec<String> = all.flat_map(|sent| lost(&admin, sent)).collect();
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn a_password_that_is_left_empty_changes_nothing_of_a_user() {
    let larder = larder();
    larder.api("PATCH", "users/bob", r#"{"disabled":true}"#, 200);
    let admin = Pages::of(&larder, "admin");
    let page = "/access/users/bob";
    admin.post(page, page, &[("password", "")]).expect(400);
    assert_eq!(larder.api("GET", "users/bob", "", 200)["disabled"], true);
}
