//! Search: what is found, by whom, and page by page.

use super::{Admin, Header, House, PASSWORD, basic, blob, house};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use larder_metadata::grants::Grant;
use larder_model::Role;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What was found: kind, repository, package, version and path.
type Hit = [String; 5];

fn hits(list: &Value) -> Vec<Hit> {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("{list}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let hit = |item: &Value| {
        ["kind", "repository", "package", "version", "path"].map(|field| text(&item[field]))
    };
    items.iter().map(hit).collect()
}

impl House {
    /// All that a search finds, in pages of so many.
    async fn search(&self, who: &Header, query: &str, limit: usize) -> Vec<Hit> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let target = format!("/search?{query}&limit={limit}{after}");
            let (status, page) = self.ask(who, "GET", &target, "").await;
            assert_eq!(status, 200, "{target}: {page}");
            let found = hits(&page);
            let is_full = found.len() == limit || page["next"].is_null();
            assert!(is_full, "{target}: a page is short: {page}");
            all.extend(found);
            let Some(next) = page["next"].as_str() else {
                return all;
            };
            // It can be read, and stands at what is shown.
            let read = BASE64_URL_SAFE_NO_PAD.decode(next).expect("base64");
            let read: Value = serde_json::from_slice(&read).expect("JSON");
            let last = page["items"].as_array().and_then(|items| items.last());
            let last = last.expect("an item").to_string();
            let place = read[1][0].as_str().expect("a name");
            assert!(last.contains(place), "{target}: {place} is not of {last}");
            after = format!("&after={next}");
        }
    }

    /// A grant on some packages of a repository.
    async fn grant(&self, subject: &str, repository: &str, package: &str) {
        let row = Grant {
            id: self.metadata.new_id(),
            subject: subject.into(),
            repository: repository.parse().expect("pattern"),
            package: package.parse().expect("pattern"),
            refs: None,
            role: Role::Reader,
            created_at: self.metadata.now(),
            created_by: "user:admin".into(),
            networks: Vec::new(),
        };
        self.metadata.add_grant(&row, &Admin).await.expect("grant");
        self.gate.refresh().await.expect("refresh");
    }
}

/// A house with a bit of everything.
async fn full() -> (House, Header) {
    let house = house().await;
    for (path, kind) in [
        ("npm/local", "hosted"),
        ("npm/up", "mirror"),
        ("pypi/local", "hosted"),
    ] {
        let settings = if kind == "mirror" {
            r#"{"open":false}"#
        } else {
            "{}"
        };
        house.make(path, kind, settings).await;
    }
    house.repo("team").await;
    let scoped = [("-/app-1.tgz", "1.0.0", ""), ("-/app-2.tgz", "2.0.0", "")];
    house.publish("npm/local", "@acme/app", &scoped).await;
    house
        .publish("npm/local", "gone", &[("gone/1", "", "")])
        .await;
    house
        .keep(
            "npm/up",
            "app",
            &[("-/app.tgz", "1.0.0"), ("packument", "")],
        )
        .await;
    house
        .publish("pypi/local", "my-app", &[("my_app-1.0.tar.gz", "1.0", "")])
        .await;
    house
        .keep(
            "oci/team",
            "app/web",
            &[("tags/1.0.0", ""), ("manifests/x", "")],
        )
        .await;
    let admin = basic("admin", PASSWORD);
    (house, admin)
}

fn hit(kind: &str, repository: &str, package: &str, version: &str) -> Hit {
    [kind, repository, package, version, ""].map(str::to_owned)
}

#[tokio::test]
async fn names_versions_tags_and_digests_are_found_by_what_they_begin_with() {
    let (house, admin) = full().await;
    let app = [
        hit("package", "npm/up", "app", ""),
        hit("package", "oci/team", "app/web", ""),
        hit("package", "npm/local", "@acme/app", ""),
    ];
    assert_eq!(house.search(&admin, "q=app", 100).await, app);
    assert_eq!(
        house.search(&admin, "q=app&protocol=npm", 100).await,
        [app[0].clone(), app[2].clone()]
    );
    assert_eq!(house.search(&admin, "q=@acme", 100).await, app[2..]);
    // Each protocol spells names in its own way.
    let python = [hit("package", "pypi/local", "my-app", "")];
    for spelling in ["My_Ap", "my-app", "MY.APP"] {
        assert_eq!(
            house.search(&admin, &format!("q={spelling}"), 100).await,
            python
        );
    }
    let mut versions = house.search(&admin, "q=1.0", 100).await;
    assert_eq!(
        versions.remove(0),
        hit("tag", "oci/team", "app/web", "1.0.0")
    );
    let expected = [
        hit("version", "pypi/local", "my-app", "1.0"),
        hit("version", "npm/local", "@acme/app", "1.0.0"),
        hit("version", "npm/up", "app", "1.0.0"),
    ];
    assert_eq!(versions, expected);
    let tags = house.search(&admin, "q=1.0&kind=tag", 100).await;
    assert_eq!(tags, [hit("tag", "oci/team", "app/web", "1.0.0")]);
    // Further words narrow it.
    let one = house.search(&admin, "q=1.0%20ACME", 100).await;
    assert_eq!(one, expected[1..2]);
    assert!(house.search(&admin, "q=gone", 100).await.is_empty());
    assert!(house.search(&admin, "q=%25", 100).await.is_empty());

    let digest = blob("-/app-1.tgz").digest.to_string();
    for text in [&digest[..10], &digest] {
        let (_, found) = house
            .ask(&admin, "GET", &format!("/search?q={text}"), "")
            .await;
        let item = &found["items"][0];
        assert_eq!(
            (
                &item["kind"],
                &item["digest"],
                &item["path"],
                &item["version"],
                &item["hosted"]
            ),
            (
                &json!("file"),
                &json!(digest),
                &json!("-/app-1.tgz"),
                &json!("1.0.0"),
                &json!(true)
            )
        );
    }
}

#[tokio::test]
async fn what_cannot_be_sought_is_refused() {
    let (house, admin) = full().await;
    let long = "a".repeat(513);
    for (query, code) in [
        ("", "q_invalid"),
        ("?q=", "q_invalid"),
        ("?q=%20", "q_invalid"),
        ("?q=a%00", "query_invalid"),
        (&*format!("?q={long}"), "q_invalid"),
        ("?q=a&kind=box", "kind_invalid"),
        ("?q=a&protocol=ocy", "protocol_invalid"),
        ("?q=a&after=x", "after_invalid"),
        ("?q=a&after=WzAsWyIAIiwxLCIiLCIiLCIiXV0", "after_invalid"),
        ("?q=a&limit=0", "limit_invalid"),
    ] {
        let (status, problem) = house
            .ask(&admin, "GET", &format!("/search{query}"), "")
            .await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (400, Some(code)),
            "{query}"
        );
    }
}

/// A source of numbers that is the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("number") % end
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

const PARTS: [&str; 6] = ["a", "ab", "b", "ba", "x-a", "ab.b"];
const VERSIONS: [&str; 6] = ["a", "ab", "1", "1.0", "10", "b"];

#[tokio::test]
async fn it_finds_what_a_look_at_everything_would() {
    let house = house().await;
    let mut numbers = Numbers(7);
    let mut all: Vec<(Hit, bool)> = Vec::new();
    let repos = ["npm/one", "npm/two", "oci/team", "oci/other"];
    for path in repos {
        house.make(path, "hosted", "{}").await;
        for _ in 0..12 {
            let name = match numbers.below(3) {
                0 => format!("{}/{}", numbers.of(&PARTS), numbers.of(&PARTS)),
                _ => format!("{}{}", numbers.of(&PARTS), numbers.of(&PARTS)),
            };
            if all.iter().any(|(hit, _)| hit[1] == path && hit[2] == name) {
                continue;
            }
            all.push((hit("package", path, &name, ""), false));
            let versions: BTreeSet<_> = (0..3).map(|_| numbers.of(&VERSIONS)).collect();
            for version in versions {
                let is_tag = path.starts_with("oci");
                let file: &'static str = Box::leak(if is_tag {
                    format!("tags/{version}").into_boxed_str()
                } else {
                    format!("-/{version}.tgz").into_boxed_str()
                });
                house
                    .keep(path, &name, &[(file, if is_tag { "" } else { version })])
                    .await;
                let kind = if is_tag { "tag" } else { "version" };
                all.push((hit(kind, path, &name, version), false));
            }
        }
    }
    for round in 0..4 {
        let user = format!("user-{round}");
        let who = house.user(&user, false).await;
        let mut grants = BTreeSet::new();
        for _ in 0..3 {
            let package = match numbers.below(3) {
                0 => "*".to_owned(),
                1 => format!("{}*", numbers.of(&PARTS)),
                _ => format!("*{}", numbers.of(&PARTS)),
            };
            grants.insert((numbers.of(&repos), package));
        }
        for (repository, package) in grants {
            let subject = format!("user:{user}");
            house.grant(&subject, repository, &package).await;
        }
        // Everything, one by one, by the question that every read of a package asks.
        for (hit, readable) in &mut all {
            let target = format!(
                "/repositories/{}/packages/{}/versions",
                hit[1],
                hit[2].replace('/', "%2F")
            );
            *readable = house.ask(&who, "GET", &target, "").await.0 == 200;
        }
        for text in PARTS.into_iter().chain(VERSIONS).chain(["ab/", "a/b", "c"]) {
            let begins = |hit: &Hit| match &*hit[0] {
                "package" => {
                    let last = hit[2].rsplit('/').next().expect("part");
                    hit[2].starts_with(text) || last.starts_with(text)
                }
                _ => hit[3].starts_with(text),
            };
            let expected: BTreeSet<&Hit> = all
                .iter()
                .filter(|(hit, readable)| *readable && begins(hit))
                .map(|(hit, _)| hit)
                .collect();
            let limit = 1 + numbers.below(5);
            let found = house.search(&who, &format!("q={text}"), limit).await;
            let count = found.len();
            let found: BTreeSet<&Hit> = found.iter().collect();
            assert_eq!(found, expected, "{user}: {text}");
            assert_eq!(count, found.len(), "{user}: {text}: nothing is told twice");
        }
    }
}

/// Behind more rows than one answer looks at, a cursor stands at what the caller may not see: it
/// tells nothing of that, and leads on.
#[tokio::test]
async fn a_cursor_beyond_what_is_hidden_names_nothing_of_it() {
    let house = house().await;
    house.make("npm/local", "hosted", "{}").await;
    for at in 0..150 {
        let name = format!("app-hidden-{at:03}");
        house.publish("npm/local", &name, &[("x", "1", "")]).await;
    }
    house
        .publish("npm/local", "app-shown", &[("x", "1", "")])
        .await;
    let eve = house.user("eve", false).await;
    house.grant("user:eve", "npm/local", "app-shown").await;
    let mut middle = String::new();
    for list in [
        "/search?q=app&limit=1",
        "/repositories/npm/local/packages?limit=1",
    ] {
        let (mut shown, mut after, mut empty) = (Vec::new(), String::new(), 0);
        loop {
            let target = format!("{list}{after}");
            let (status, page) = house.ask(&eve, "GET", &target, "").await;
            assert_eq!(status, 200, "{target}: {page}");
            shown.extend(page["items"].as_array().expect("items").clone());
            let Some(next) = page["next"].as_str() else {
                break;
            };
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(next.trim_start_matches('~'));
            let read = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
            assert!(
                !format!("{next} {read}").contains("hidden"),
                "{list}: {next}"
            );
            empty += usize::from(page["items"] == json!([]));
            after = format!("&after={next}");
        }
        assert!(empty > 0, "{list}: all was looked at in one go");
        middle = after;
        assert_eq!(shown.len(), 1, "{list}: {shown:?}");
        assert!(shown[0].to_string().contains("app-shown"), "{list}");
    }
    // It means the same for the packages of another repository: some pages go through several.
    assert!(middle.contains('~'), "{middle}");
    house.make("npm/other", "hosted", "{}").await;
    for name in ["app-a", "app-z"] {
        house.publish("npm/other", name, &[("x", "1", "")]).await;
    }
    house.grant("user:eve", "npm/other", "*").await;
    let target = format!("/repositories/npm/other/packages?limit=9{middle}");
    let (_, page) = house.ask(&eve, "GET", &target, "").await;
    assert_eq!(page["items"][0]["name"], "app-z", "{page}");
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "{page}");
}
