//! Class 12: a header that anyone can send is believed.
//!
//! How the headers of trusted proxies are read is in `door/client_view/tests.rs`. Where nobody is
//! trusted, no header changes who asks, whose failed logins are counted, what address the audit
//! trail has, or what addresses the answers name. What a trusted proxy says counts in all of them.

use crate::callers::{api, larder, start};
use larder_tests::parcel::publish;
use larder_tests::{Client, Larder, Start};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Names of headers by which proxies tell of addresses, hosts and users.
const NAMES: [&str; 34] = [
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-server",
    "x-forwarded-prefix",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-preferred-username",
    "x-forwarded-access-token",
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "client-ip",
    "via",
    "x-webauth-user",
    "x-remote-user",
    "remote-user",
    "x-auth-request-user",
    "x-authenticated-user",
    "x-user",
    "x-original-url",
    "x-rewrite-url",
    "x-original-host",
    "x-host",
    "x-http-method-override",
    "x-script-name",
    "front-end-https",
    "x-url-scheme",
    "x-scheme",
];

/// What each of them says.
const VALUES: [&str; 8] = [
    "127.0.0.1",
    "203.0.113.7",
    "203.0.113.7, 127.0.0.1",
    "for=203.0.113.7;host=evil.example;proto=https",
    "evil.example",
    "https",
    "admin",
    "/api/v1/users",
];

/// Answers in which the server names its own address, each with all that tells of it.
fn addresses(client: &Client, headers: &[(&str, &str)]) -> Vec<String> {
    let answer = |method: &str, path: &str| {
        let answer = client.send(method, path, headers, b"");
        let own = |name: &str| answer.header(name).unwrap_or_default().to_owned();
        let location = own("location");
        // The upload's name is another each time.
        let location = location
            .split("/uploads/")
            .next()
            .unwrap_or_default()
            .to_owned();
        let body = if answer.status == 202 {
            String::new()
        } else {
            answer.text()
        };
        format!(
            "{} {location} {} {body}",
            answer.status,
            own("www-authenticate")
        )
    };
    vec![
        answer("GET", "/npm/main/demo"),
        answer("GET", "/cargo/main/config.json"),
        answer("GET", "/pypi/main/simple/demo/"),
        answer("GET", "/composer/main/packages.json"),
        answer("GET", "/deb/main/suites.txt"),
        answer("GET", "/deb/main/dists/stable/InRelease"),
        answer("GET", "/composer/main/p2/acme/demo.json"),
        answer("POST", "/v2/team/app/blobs/uploads/"),
        answer("GET", "/v2/nowhere/app/tags/list"),
        answer("GET", "/api/v1/repositories/npm/local"),
        answer("GET", "/api/v1/whoami"),
        answer("GET", "/npm/main"),
    ]
}

fn publishes(start: Start) -> Larder {
    let larder = start.start();
    for protocol in ["npm", "cargo", "pypi", "composer", "deb"] {
        let published = publish(&larder.admin(), protocol, "demo", "1.0.0", b"x");
        assert!(
            matches!(published.status, 200 | 201),
            "{}",
            published.text()
        );
    }
    larder
}

#[test]
fn no_header_changes_the_addresses_that_are_named() {
    let fixed = start().with("LARDER_SERVER__PUBLIC_URL", "https://packages.example");
    for (larder, own) in [
        (publishes(start()), None),
        (publishes(fixed), Some("https://packages.example")),
    ] {
        for client in [larder.admin(), larder.anonymous()] {
            let plain = addresses(&client, &[]);
            let own = own.unwrap_or(larder.url());
            assert!(plain.iter().any(|answer| answer.contains(own)), "{plain:?}");
            for name in NAMES {
                // All values at once are several lines of one header.
                let headers = VALUES.map(|value| (name, value));
                assert_eq!(addresses(&client, &headers), plain, "{name}");
            }
            if own != larder.url() {
                // Where the address is set, the client's own idea of it does not count.
                let host = larder.host();
                assert!(
                    !plain.iter().any(|answer| answer.contains(host)),
                    "{plain:?}"
                );
            }
        }
    }
}

#[test]
fn no_header_makes_somebody_of_nobody() {
    let larder = larder();
    larder.make_user("alice");
    let (nobody, alice) = (
        larder.anonymous(),
        larder.user("alice", larder_tests::larder::PASSWORD),
    );
    for name in NAMES {
        for value in VALUES {
            for (client, who) in [(&nobody, Value::Null), (&alice, "alice".into())] {
                let answer = client.send("GET", "/api/v1/whoami", &[(name, value)], b"");
                let told = answer.expect(200).json();
                assert_eq!(told["name"], who, "{name}: {value}");
                assert_eq!(told["superuser"], false, "{name}: {value}");
            }
            nobody
                .send("GET", "/api/v1/users", &[(name, value)], b"")
                .expect(401);
            let system = alice.send("GET", "/metrics", &[(name, value)], b"");
            assert!(system.status == 403, "{name}: {value}");
        }
    }
}

#[test]
fn failed_logins_are_counted_and_told_where_they_come_from() {
    let larder = start().with("LARDER_AUTH__LOGIN_ATTEMPTS", "10").start();
    larder.make_user("alice");
    let wrong = larder.user("alice", "a wrong password");
    let mut statuses = Vec::new();
    for (at, name) in NAMES.iter().enumerate() {
        let address = format!("203.0.113.{at}");
        let headers = [*name, "x-forwarded-for"].map(|name| (name, &*address));
        statuses.push(wrong.send("GET", "/api/v1/whoami", &headers, b"").status);
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert_eq!(statuses[10..], [429; 24]);
    // A login that is refused is in the trail within a second.
    let (admin, began) = (larder.admin(), Instant::now());
    let entries = loop {
        let list = api(
            &admin,
            "GET",
            "audit?action=login&object=user:alice",
            &Value::Null,
        );
        let list = list.expect(200).json();
        let entries = list["items"].as_array().expect("entries").clone();
        if !entries.is_empty() {
            break entries;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "no entry");
    };
    for entry in entries {
        assert_eq!(entry["address"], "127.0.0.1", "{entry}");
    }
    assert!(!larder.log_text().contains("203.0.113."));
}

#[test]
fn what_a_trusted_proxy_says_is_in_every_answer() {
    let larder = publishes(start().with("LARDER_SERVER__TRUSTED_PROXIES", "127.0.0.1"));
    for client in [larder.admin(), larder.anonymous()] {
        let plain = addresses(&client, &[]);
        let told = [
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "packages.example"),
        ];
        let named =
            |answers: &[String], own: &str| answers.iter().filter(|it| it.contains(own)).count();
        let forwarded = addresses(&client, &told);
        let at = "https://packages.example";
        let all = named(&plain, larder.url());
        assert!(all > 3, "{plain:?}");
        assert_eq!(named(&forwarded, at), all, "{forwarded:?}");
        assert_eq!(named(&forwarded, larder.host()), 0, "{forwarded:?}");
        // What is no host is not believed; the scheme still is.
        let told = [
            told[0],
            told[1],
            ("x-forwarded-host", "packages.example/a\"b"),
        ];
        let own = format!("https://{}", larder.host());
        let forwarded = addresses(&client, &told);
        assert_eq!(named(&forwarded, &own), all, "{forwarded:?}");
        assert_eq!(named(&forwarded, "packages.example"), 0, "{forwarded:?}");
    }
    // The challenge, which sends clients somewhere with their password.
    let told = [("x-forwarded-proto", "https"), ("x-forwarded-host", "a b")];
    let challenged = larder
        .anonymous()
        .send("GET", "/v2/", &told, b"")
        .expect(401);
    let realm = format!("realm=\"https://{}/v2/token\"", larder.host());
    let challenge = challenged.header("www-authenticate").unwrap_or_default();
    assert!(challenge.contains(&realm), "{challenge}");
    // Whose logins fail, and who is told of.
    let wrong = larder.user("alice", "a wrong password");
    for number in 0..20 {
        let address = format!("203.0.113.{number}");
        let headers = [("x-forwarded-for", &*address)];
        wrong
            .send("GET", "/api/v1/whoami", &headers, b"")
            .expect(401);
    }
    larder.find_line("\"address\":\"203.0.113.19\"");
    assert!(
        !larder
            .log_text()
            .contains("is not in server.trusted_proxies")
    );
}

#[test]
fn whoever_is_not_trusted_and_speaks_for_others_is_told_of_once() {
    let larder = larder();
    for value in ["203.0.113.7", "203.0.113.8"] {
        let headers = [("x-forwarded-for", value)];
        larder
            .anonymous()
            .send("GET", "/healthz", &headers, b"")
            .expect(200);
    }
    let line = larder.find_line("is not in server.trusted_proxies");
    assert!(line.contains("\"level\":\"WARN\"") && line.contains("\"address\":\"127.0.0.1\""));
    larder.anonymous().get("/v2/").expect(401);
    larder.find_line("\"path\":\"/v2/\""); // what came before is written
    let warnings = larder
        .log_text()
        .matches("is not in server.trusted_proxies")
        .count();
    assert_eq!(warnings, 1);
}
