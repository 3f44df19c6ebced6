//! Class 44: metrics are read by anyone, or name what they count.

use crate::callers::{api, bearer, larder, start, token};
use larder_tests::Image;
use larder_tests::larder::PASSWORD;
use larder_tests::parcel::publish;
use larder_tests::random::Random;
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn metrics_are_for_superusers_with_all_their_rights() {
    let larder = larder();
    let alice = larder.make_user("alice");
    larder.grant("user:alice", "*", "*", "admin");
    let limits = json!({"name": "l", "grants": [{"repository": "*", "role": "admin"}]});
    let (_, limited) = token(&larder.admin(), "", &limits);
    let (_, whole) = token(&larder.admin(), "", &json!({"name": "w"}));
    let short = larder
        .admin()
        .get("/v2/token?scope=registry:catalog:*")
        .json();
    let short = short["token"].as_str().expect("token");
    for (client, status) in [
        (larder.anonymous(), 401),
        (alice, 403),
        (bearer(&larder, &limited), 403),
        (bearer(&larder, short), 403),
        (bearer(&larder, "lrd_0"), 401),
        (bearer(&larder, &whole), 200),
        (larder.admin(), 200),
    ] {
        for path in ["/metrics", "/metrics?format=prometheus"] {
            assert_eq!(client.get(path).status, status, "{client:?}");
        }
        // What other servers have beside them is nowhere. Pages ask whoever shows what holds no more to
        // sign in.
        for path in [
            "/debug/pprof/",
            "/debug/vars",
            "/actuator/heapdump",
            "/metrics/",
            "/server-status",
            "/debug",
        ] {
            let status = client.get(path).status;
            assert!(matches!(status, 303 | 401 | 404), "{path}: {status}");
        }
    }
}

#[test]
fn labels_are_few_and_name_nothing() {
    const NAME: &str = "labelcanary";
    let larder = start().start();
    let admin = larder.admin();
    let seen = || {
        let text = larder.admin().get("/metrics").expect(200).text();
        assert!(!text.contains(NAME), "{text}");
        let series = text.lines().filter(|line| !line.starts_with('#'));
        let series = series
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(name, _)| name.to_owned());
        series.collect::<BTreeSet<String>>()
    };
    let before = seen();
    larder.make_user(NAME);
    larder
        .user(NAME, PASSWORD)
        .get(&format!("/v2/{NAME}/{NAME}/tags/list"));
    larder.user(NAME, "wrong").get("/v2/");
    for protocol in ["npm", "cargo", "pypi", "go", "composer"] {
        publish(&admin, protocol, &format!("{NAME}-x"), "1.0.0", b"x");
        admin.get(&format!("/{protocol}/main/{NAME}"));
        admin.get(&format!("/{protocol}/{NAME}/x"));
    }
    Image::random(&mut Random::seeded(), &[10]).push(&admin, &format!("{NAME}/app"), NAME);
    let mirror = json!({"protocol": "npm", "name": NAME, "kind": "mirror",
        "upstream": {"url": "http://127.0.0.1:9/", "allow_private": true}});
    api(&admin, "POST", "repositories", &mirror).expect(201);
    admin.get(&format!("/npm/{NAME}/demo"));
    for method in ["GET", "PATCH", "MKCOL", "LABELCANARY"] {
        admin.send(
            method,
            &format!("/{NAME}/{NAME}"),
            &[("user-agent", NAME)],
            b"",
        );
    }
    // Nothing that was done made a series of its own.
    assert_eq!(seen(), before);
    for series in &before {
        let labels = series
            .split_once('{')
            .map_or("", |(_, rest)| rest.trim_end_matches('}'));
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            let (key, value) = label.split_once('=').expect("a label");
            let keys = ["door", "status", "le", "protocol", "state", "version"];
            assert!(keys.contains(&key), "{series}");
            let short = value.len() < 16
                && value
                    .chars()
                    .all(|char| char.is_ascii_alphanumeric() || "\".+".contains(char));
            assert!(short, "{series}");
        }
    }
}
