//! Class 35: a text that is sought is read as a pattern or a piece of SQL.
//!
//! Values are bound, never written into statements (`metadata/sql`); that lists show what the model
//! says is in `web/src/tests/proofs/lists.rs`. Here a corpus goes through every filter, search and
//! cursor of the server: it finds what has it to the letter, and breaks nothing.

use crate::callers::{api, encoded, larder};
use larder_tests::parcel::publish;
use larder_tests::random::Random;
use larder_tests::{Image, Larder, fields};
use serde_json::{Value, json};

/// Names that patterns would find, and one that has each sign itself.
const NAMES: [&str; 6] = [
    "under_score",
    "underxscore",
    "undery-score",
    "percent",
    "plain",
    "plain_x",
];

const CORPUS: [&str; 36] = [
    "%",
    "_",
    "__",
    "%%",
    "\\",
    "\\%",
    "\\_",
    "\\\\",
    "'",
    "''",
    "\"",
    "`",
    "[a-z]",
    "*",
    "?",
    "^",
    "$",
    ".*",
    "under_",
    "under%",
    "unde_",
    "plain_x",
    "_lain",
    "%lain",
    "p%n",
    "[pu]",
    "' OR '1'='1",
    "' OR 1=1 --",
    "'; DROP TABLE users; --",
    "\" OR \"\"=\"",
    "1) OR (1=1",
    "x' UNION SELECT name, password FROM users --",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "\u{ff05}",
    "\u{1}",
];

fn house() -> Larder {
    let larder = larder();
    let image = Image::random(&mut Random::seeded(), &[10]);
    for name in NAMES {
        let published = publish(&larder.admin(), "npm", name, "1.0.0", b"x");
        assert!(
            matches!(published.status, 200 | 201),
            "{}",
            published.text()
        );
        image.push(&larder.admin(), &format!("team/{name}"), "latest");
        image.push(&larder.admin(), "team/tags", name);
        larder.make_user(name);
        larder.api("POST", "groups", &json!({"name": name}).to_string(), 201);
    }
    larder
}

#[test]
fn searches_find_texts_to_the_letter() {
    let larder = house();
    let admin = larder.admin();
    for text in CORPUS {
        let sought = encoded(text);
        // A part of a package's name.
        let list = admin.get(&format!(
            "/api/v1/repositories/npm/local/packages?q={sought}"
        ));
        if list.status == 200 {
            let expected: Vec<&str> = sorted(|name| name.contains(&text.to_lowercase()));
            assert_eq!(fields(&list.json(), "name"), expected, "packages: {text}");
        } else {
            assert_eq!(list.status, 400, "{text}: {}", list.text());
        }
        // The beginning of one.
        let list = admin.get(&format!(
            "/api/v1/search?q={sought}&kind=package&protocol=npm"
        ));
        if list.status == 200 && text.split_whitespace().count() == 1 {
            let expected: Vec<&str> = sorted(|name| name.starts_with(text));
            assert_eq!(fields(&list.json(), "package"), expected, "search: {text}");
        } else {
            assert!(matches!(list.status, 200 | 400), "{text}: {}", list.text());
        }
        let found = admin
            .get(&format!("/npm/local/-/v1/search?text={sought}"))
            .expect(200)
            .json();
        for object in found["objects"].as_array().expect("objects") {
            let name = object["package"]["name"].as_str().expect("name");
            let has = |char: char| char == '%' || char == '\\' || char == '\'';
            assert!(
                !text.contains(has) || name.contains(text),
                "npm: {text} finds {name}"
            );
        }
    }
}

/// The names that are so, in their order.
fn sorted(is: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut names: Vec<&str> = NAMES.into_iter().filter(|name| is(name)).collect();
    names.sort_unstable();
    names
}

#[test]
fn filters_mean_what_they_say() {
    let larder = house();
    let admin = larder.admin();
    let before = audit(&larder, "");
    for text in CORPUS {
        let sought = encoded(text);
        for (filter, field) in [
            ("actor", "actor"),
            ("action", "action"),
            ("object", "object"),
        ] {
            // A star of ours is a pattern; nothing else is one.
            let list = admin.get(&format!("/api/v1/audit?{filter}={sought}"));
            if list.status != 200 || text.contains('*') {
                assert!(matches!(list.status, 200 | 400), "{text}: {}", list.text());
                continue;
            }
            for entry in list.json()["items"].as_array().expect("entries") {
                assert_eq!(entry[field], text, "{filter}: {entry}");
            }
            let started = admin.get(&format!("/api/v1/audit?{filter}={sought}*"));
            if started.status == 200 {
                for entry in started.json()["items"].as_array().expect("entries") {
                    let begins = entry[field].as_str().is_some_and(|it| it.starts_with(text));
                    assert!(begins, "{filter}={text}*: {entry}");
                }
            }
        }
        let list = admin.get(&format!("/api/v1/grants?repository={sought}"));
        for grant in list.expect(200).json()["items"].as_array().expect("grants") {
            assert_eq!(grant["repository"], text, "{grant}");
        }
        for path in [
            "tokens?owner=user:",
            "sessions?owner=",
            "reservations?repository=",
            "can?repository=npm/local&action=read&subject=user:",
        ] {
            let answer = admin.get(&format!("/api/v1/{path}{sought}"));
            assert!(
                (200..500).contains(&answer.status),
                "{path}{text}: {}",
                answer.text()
            );
            assert!(
                answer.status != 200 || NAMES.contains(&text),
                "{path}{text}: {}",
                answer.text()
            );
        }
    }
    assert!(audit(&larder, "") >= before, "the trail is whole");
    assert!(
        audit(&larder, "?object=user:under_score") <= 1 + audit(&larder, "?object=user:under*")
    );
}

fn audit(larder: &Larder, query: &str) -> usize {
    let list = larder.api("GET", &format!("audit{query}"), "", 200);
    list["items"].as_array().expect("entries").len()
}

#[test]
fn cursors_are_places_and_no_patterns() {
    let larder = house();
    let admin = larder.admin();
    for text in CORPUS {
        let after = encoded(text);
        for (path, field) in [
            ("users?limit=1000", "name"),
            ("groups?limit=1000", "name"),
            ("repositories/npm/local/packages?limit=1000", "name"),
        ] {
            let answer = admin.get(&format!("/api/v1/{path}&after={after}"));
            if answer.status == 400 {
                continue;
            }
            let there = fields(&answer.expect(200).json(), field);
            let expected: Vec<&str> = sorted(|name| name > text);
            let ours = there.iter().filter(|name| NAMES.contains(&&***name));
            assert!(ours.eq(expected.iter()), "{path} after {text}: {there:?}");
        }
        let tags = admin.get(&format!("/v2/team/tags/tags/list?last={after}"));
        if tags.status == 200 {
            let tags = tags.json()["tags"].clone();
            assert_eq!(tags, json!(sorted(|name| name > text)), "after {text}");
        }
        let catalog = admin.get(&format!("/v2/_catalog?last={after}"));
        assert!(
            matches!(catalog.status, 200 | 400),
            "{text}: {}",
            catalog.text()
        );
        let search = api(
            &admin,
            "GET",
            &format!("search?q=p&after={after}"),
            &Value::Null,
        );
        assert_eq!(search.status, 400, "{text}");
    }
}
