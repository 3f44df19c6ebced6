//! What calls take in their bodies: every field that is not known is refused, by its name.

use super::describe::JSON;
use super::{PASSWORD, basic, house};
use crate::openapi::operations;

/// Fields without which calls read nothing else, with values that fit.
const NEEDED: [(&str, &str); 21] = [
    ("subject", r#""user:admin""#),
    ("repository", r#""npm/local""#),
    ("role", r#""reader""#),
    ("name", r#""alice""#),
    ("protocol", r#""npm""#),
    ("kind", r#""hosted""#),
    ("password", r#""correct-horse-battery""#),
    ("cron", r#""0 3 * * *""#),
    ("to", r#"{"repository":"npm/local"}"#),
    (
        "from",
        r#"{"repository":"git/local","package":"demo","tag":"v1.0.0"}"#,
    ),
    ("preview", r#""p-1""#),
    ("username", r#""admin""#),
    ("packages", "[]"),
    ("repositories", r#""npm/*""#),
    ("items", r#"[{"package":"demo","version":"1.0.0"}]"#),
    ("version", r#""1.0.0""#),
    ("package", r#""demo""#),
    ("versions", "[]"),
    ("owner", r#""admin""#),
    ("yanked", "true"),
    ("enabled", "true"),
];

#[tokio::test]
async fn no_call_takes_a_field_that_it_does_not_know() {
    let house = house().await;
    house.make("npm/local", "hosted", "{}").await;
    let root = basic("admin", PASSWORD);
    // What calls look up before they read anything.
    let mut id = String::new();
    for (path, body) in [
        ("/robots", r#"{"name":"local","owner":"user:admin"}"#),
        ("/groups", r#"{"name":"all"}"#),
        ("/quotas", r#"{"repositories":"npm/*","bytes":1000}"#),
    ] {
        let (status, told) = house.ask(&root, "POST", path, body).await;
        assert_eq!(status, 201, "{path}: {told}");
        id = told["id"].as_str().unwrap_or_default().to_owned();
    }
    let mut seen = 0;
    for (path, method, operation) in operations(&JSON) {
        if operation["requestBody"]["content"]["application/json"].is_null() {
            continue; // it takes nothing, or a file
        }
        seen += 1;
        let path = path.strip_prefix("/api/v1").unwrap_or(path);
        let target = path
            .replace("{protocol}", "npm")
            .replace("{kind}", "gc")
            .replace("{name}", "local")
            .replace("{group}", "all")
            .replace("{package}", "demo")
            .replace("{version}", "1.0.0")
            .replace("{id}", &id);
        // What a call cannot do without is asked for first.
        let mut fields = vec![r#""no_such_field":1"#.to_owned()];
        let (status, told) = loop {
            let body = format!("{{{}}}", fields.join(","));
            let (status, told) = house.ask(&root, method.as_str(), &target, &body).await;
            let detail = told["detail"].as_str().unwrap_or_default();
            let lacks = NEEDED
                .iter()
                .find(|(name, _)| detail.ends_with(&format!("lacks `{name}`")));
            let Some((name, value)) = lacks.filter(|_| fields.len() < 10) else {
                break (status, told);
            };
            fields.push(format!("\"{name}\":{value}"));
        };
        let detail = told["detail"].as_str().unwrap_or_default();
        assert!(
            matches!(status, 400 | 422) && detail.contains("no_such_field"),
            "{method} {target}: {status} {told}"
        );
    }
    assert!(seen >= 20, "{seen}");
}

#[tokio::test]
async fn no_repository_takes_a_field_of_another_kind() {
    let house = house().await;
    house.make("npm/local", "hosted", "{}").await;
    house.make("npm/up", "mirror", "{}").await;
    house
        .make("npm/all", "group", r#"{"members":["local","up"]}"#)
        .await;
    let root = basic("admin", PASSWORD);
    for (field, value, kinds) in [
        ("offline", "true", ["up"].as_slice()),
        ("fresh_seconds", "1", &["up"]),
        ("serve_vanished", "true", &["up"]),
        ("upstream", r#"{"url":"https://a.example/"}"#, &["up"]),
        ("members", r#"["local"]"#, &["all"]),
        ("blocked", "[]", &["up", "all"]),
        ("signing_key", r#""""#, &[]),
        ("immutable", "[]", &["local"]),
        ("sparse_images", "true", &[]),
        ("quota", r#"{"bytes":1000}"#, &["local"]),
        ("kind", r#""group""#, &[]),
        ("protocol", r#""npm""#, &[]),
        ("created_at", r#""2026-01-01T00:00:00Z""#, &[]),
        ("usage", "{}", &[]),
    ] {
        for name in ["local", "up", "all"] {
            let body = format!("{{\"{field}\":{value}}}");
            let target = format!("/repositories/npm/{name}");
            let (status, told) = house.ask(&root, "PATCH", &target, &body).await;
            if kinds.contains(&name) {
                assert_eq!(status, 200, "{target} {body}: {told}");
                continue;
            }
            let detail = told["detail"].as_str().unwrap_or_default();
            assert!(
                matches!(status, 400 | 422) && detail.contains(field),
                "{target} {body}: {status} {told}"
            );
        }
    }
}
