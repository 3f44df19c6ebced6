//! Whoever looks sees what the API lets them see, and nothing else: on pages, in suggestions, in counts.

use larder_tests::pages::Pages;
use larder_tests::parcel::publish_to;
use larder_tests::random::Random;
use larder_tests::{Client, Image, Larder, Start};
use serde_json::json;
use std::collections::BTreeSet;

/// Repositories, of images and of packages: one for everyone, one that is granted, one that is not.
const REPOS: [&str; 3] = ["plaza", "workshop", "vault"];
/// Pages that show what there is.
const LISTS: [&str; 19] = [
    "/",
    "/images",
    "/packages",
    "/packages/npm",
    "/search?q=canary",
    "/search/suggest?q=canary",
    "/search?q=vault",
    "/search/suggest?q=vault",
    "/connect",
    "/connect/npm",
    "/connect/docker",
    "/policies",
    "/policies/quotas",
    "/policies/immutability",
    "/policies/blocks",
    "/upstreams",
    "/cleanup/trash",
    "/access/grants",
    "/me/tokens",
];
/// Pages of those who run the place.
const OF_SUPERUSERS: [&str; 13] = [
    "/cleanup",
    "/cleanup/scrub",
    "/cleanup/backups",
    "/audit",
    "/audit/export",
    "/jobs",
    "/system",
    "/system/storage",
    "/system/config",
    "/access/users",
    "/access/groups",
    "/setup",
    "/repositories/new",
];

/// The pages of one repository and of what is in it.
fn pages_of(repo: &str) -> Vec<String> {
    vec![
        format!("/images/{repo}"),
        format!("/images/{repo}/canary-{repo}"),
        format!("/images/{repo}/canary-{repo}/-/tags/v1"),
        format!("/packages/npm/{repo}"),
        format!("/packages/npm/{repo}/canary-{repo}"),
        format!("/packages/npm/{repo}/canary-{repo}/-/v/1.0.0"),
        format!("/repositories/npm/{repo}"),
        format!("/repositories/oci/{repo}"),
        format!("/policies/retention/npm/{repo}"),
        format!("/connect/npm?repository={repo}"),
        format!("/npm/{repo}/"),
    ]
}

fn larder() -> Larder {
    let larder = Start::of(env!("CARGO_BIN_EXE_larder")).start();
    let (admin, mut random) = (larder.admin(), Random::seeded());
    for repo in REPOS {
        for protocol in ["oci", "npm"] {
            let new = json!({"protocol": protocol, "name": repo, "open": repo == "plaza"});
            larder.api("POST", "repositories", &new.to_string(), 201);
        }
        let name = format!("canary-{repo}");
        Image::random(&mut random, &[2000]).push(&admin, &format!("{repo}/{name}"), "v1");
        publish_to(&admin, ("npm", repo), &name, "1.0.0", b"x").expect(201);
    }
    larder
}

/// What of all this is readable for whoever asks, as the API says it.
fn readable(client: &Client) -> BTreeSet<String> {
    let list = client.get("/api/v1/repositories?limit=1000");
    if list.status == 401 {
        return BTreeSet::new();
    }
    let list = list.expect(200).json();
    let items = list["items"].as_array().expect("items");
    let name = |item: &serde_json::Value| item["name"].as_str().expect("a name").to_owned();
    items.iter().map(name).collect()
}

#[test]
fn each_role_sees_what_the_api_lets_it_see() {
    let larder = larder();
    let mut visitors = vec![("nobody", Pages::anonymous(&larder), larder.anonymous())];
    for (name, role) in [
        ("none", None),
        ("rita", Some("reader")),
        ("walt", Some("writer")),
        ("mona", Some("maintainer")),
        ("adam", Some("admin")),
    ] {
        let client = larder.make_user(name);
        if let Some(role) = role {
            larder.grant(&format!("user:{name}"), "*/workshop", "*", role);
        }
        visitors.push((name, Pages::of(&larder, name), client));
    }
    visitors.push(("admin", Pages::of(&larder, "admin"), larder.admin()));
    for (name, pages, client) in &visitors {
        let readable = readable(client);
        let expected: &[&str] = match *name {
            "nobody" | "none" => &["plaza"],
            "admin" => &REPOS,
            _ => &["plaza", "workshop"],
        };
        for repo in REPOS {
            assert_eq!(
                readable.contains(repo),
                expected.contains(&repo),
                "{name}: {repo}"
            );
        }
        let hidden: Vec<&str> = REPOS
            .into_iter()
            .filter(|it| !readable.contains(*it))
            .collect();
        lists_show_what_is_readable(name, pages, &hidden);
        details_are_of_what_is_readable(name, pages, &hidden);
        for path in OF_SUPERUSERS {
            if *name == "admin" && path == "/audit/export" {
                continue; // it is a stream
            }
            let answer = pages.get(path);
            let wanted = match *name {
                "admin" => 200,
                "nobody" => 303,
                _ => 403,
            };
            assert_eq!(answer.status, wanted, "{name}: {path}");
        }
        // Counts are of everything, so they are for superusers.
        let front = pages.get("/").expect(200).text();
        assert_eq!(front.contains("card tile"), *name == "admin", "{name}");
    }
}

/// Lists have what is readable and no word of what is not.
fn lists_show_what_is_readable(name: &str, pages: &Pages, hidden: &[&str]) {
    for path in LISTS {
        let answer = pages.get(path);
        if matches!(answer.status, 303 | 403) {
            continue; // it is not for this one at all
        }
        // What was asked for stands in the field of the form again.
        let asked = path.split_once("q=").map_or("", |(_, asked)| asked);
        let text = answer
            .expect(200)
            .text()
            .replace(&format!("value=\"{asked}\""), "");
        for repo in hidden {
            let named =
                text.contains(&format!("canary-{repo}")) || text.contains(&format!("/{repo}"));
            assert!(!named, "{name}: {path} tells of {repo}:\n{text}");
        }
        let shows = [
            "/images",
            "/packages",
            "/packages/npm",
            "/search?q=canary",
            "/search/suggest?q=canary",
        ];
        if shows.contains(&path) {
            for repo in REPOS.iter().filter(|repo| !hidden.contains(repo)) {
                assert!(
                    text.contains(&format!("canary-{repo}")),
                    "{name}: {path} lacks {repo}"
                );
            }
        }
    }
}

/// A page of something hidden is, word for word, that of something that is not there.
fn details_are_of_what_is_readable(name: &str, pages: &Pages, hidden: &[&str]) {
    for repo in REPOS {
        for (path, absent) in pages_of(repo).iter().zip(pages_of("absent")) {
            let answer = pages.get(path);
            if !hidden.contains(&repo) {
                assert!(
                    matches!(answer.status, 200 | 403 | 303),
                    "{name}: {path}: {}",
                    answer.status
                );
                continue;
            }
            let missing = pages.get(&absent);
            assert_eq!(answer.status, missing.status, "{name}: {path}");
            assert_eq!(
                answer
                    .header("location")
                    .map(|it| it.replace(repo, "absent")),
                missing.header("location").map(str::to_owned),
                "{name}: {path}"
            );
            let (shown, missing) = (answer.text().replace(repo, "absent"), missing.text());
            assert_eq!(
                without_tokens(&shown),
                without_tokens(&missing),
                "{name}: {path}"
            );
        }
    }
}

/// A page without the tokens of its forms, which are masked anew each time.
fn without_tokens(text: &str) -> String {
    let mut parts = text.split("name=\"csrf_token\" value=\"");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += part.split_once('"').map_or("", |(_, rest)| rest);
    }
    out
}
