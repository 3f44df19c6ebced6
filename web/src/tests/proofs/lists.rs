//! Every list and search of the API, and `can`, shows each caller what the model says and nothing
//! else, in one page as in many.

use super::oracle::{Credential, Place};
use super::world::World;
use super::{any, worlds};
use larder_model::Verb;
use larder_tests::random::Random;
use serde_json::Value;
use std::collections::BTreeSet;

/// Where requests of these tests come from.
const HERE: &str = "127.0.0.1";
/// Changes in one world.
const STEPS: usize = 3;
/// What is sought: beginnings of names, of last parts of names, of versions and of nothing.
const SOUGHT: [&str; 9] = ["a", "app", "s", "re", "l", "web", "1.", "9", "zz"];

impl World {
    /// All items of a list as texts, asked for in pages of a random size.
    async fn listed(
        &mut self,
        shown: &Credential,
        target: &str,
        text: impl Fn(&Value) -> String,
    ) -> Vec<String> {
        let limit = *any(&mut self.random, &[1, 2, 3, 7, 1000]);
        let sign = if target.contains('?') { '&' } else { '?' };
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = format!("{target}{sign}limit={limit}{after}");
            let (status, list) = self.house.ask(&shown.header, "GET", &page, "").await;
            assert_eq!(status, 200, "{page} by {shown:?}: {list}");
            let items = list["items"].as_array().expect("items");
            assert!(items.len() <= limit, "{page}: {list}");
            all.extend(items.iter().map(&text));
            let Some(next) = list["next"].as_str() else {
                return all;
            };
            after = format!("&after={next}");
        }
    }

    /// What a list shows is what is expected, each once.
    async fn hold(
        &mut self,
        shown: &Credential,
        target: &str,
        text: impl Fn(&Value) -> String,
        expected: BTreeSet<String>,
    ) {
        let listed = self.listed(shown, target, text).await;
        let count = listed.len();
        let set: BTreeSet<String> = listed.into_iter().collect();
        assert_eq!(set.len(), count, "{target}: something is listed twice");
        assert_eq!(set, expected, "{target} by {shown:?}: {:?}", self.rights);
    }

    fn may(&self, shown: &Credential, verb: Verb, path: &str, package: Option<&str>) -> bool {
        self.rights.allows((shown, HERE), verb, path, package)
    }

    async fn check_repositories(&mut self, shown: &Credential) {
        let paths = self.rights.places.iter().map(|place| place.path);
        let visible = paths.filter(|path| self.may(shown, Verb::Read, path, None));
        let visible = visible.map(str::to_owned).collect();
        let path = |item: &Value| format!("{}/{}", text(&item["protocol"]), text(&item["name"]));
        self.hold(shown, "/repositories", path, visible).await;
        if shown.account.is_none() {
            return;
        }
        let mirrors = self
            .rights
            .places
            .iter()
            .filter(|place| place.kind == "mirror");
        let own = mirrors.filter(|it| self.may(shown, Verb::Administer, it.path, None));
        let own = own.map(|place| place.path.to_owned()).collect();
        self.hold(shown, "/upstreams", |item| text(&item["repository"]), own)
            .await;
        let grants = self.rights.grants.iter();
        let own = grants.filter(|grant| {
            self.rights
                .administers((shown, HERE), &grant.scope.repository)
        });
        let own = own.map(|grant| grant.id.clone()).collect();
        self.hold(shown, "/grants", |item| text(&item["id"]), own)
            .await;
    }

    async fn check_packages(&mut self, shown: &Credential, place: &Place) {
        let target = format!("/repositories/{}", place.path);
        if !self.may(shown, Verb::Read, place.path, None) {
            let refused = if shown.account.is_none() { 401 } else { 404 };
            for target in [target.clone(), format!("{target}/packages")] {
                let status = self.house.ask(&shown.header, "GET", &target, "").await.0;
                // A bearer token that was not asked for this is told so.
                let status = if shown.asked.is_some() && status == 401 {
                    refused
                } else {
                    status
                };
                assert_eq!(status, refused, "{target} by {shown:?}");
            }
            return;
        }
        let members = place.members.iter().map(|path| self.rights.place(path));
        let packages = members
            .flat_map(|member| member.packages)
            .chain(place.packages);
        let names: BTreeSet<String> = packages.map(|(name, _)| (*name).to_owned()).collect();
        let who = (shown, HERE);
        let visible: BTreeSet<String> = names
            .iter()
            .filter(|name| self.rights.shows(who, place, name))
            .cloned()
            .collect();
        for part in ["", "a", "app"] {
            let with_part = visible.iter().filter(|name| name.contains(part)).cloned();
            let target = format!("{target}/packages?q={part}");
            let with_part = with_part.collect();
            self.hold(shown, &target, |item| text(&item["name"]), with_part)
                .await;
        }
        for name in names.iter().map(String::as_str).chain(["none-such"]) {
            let target = format!("{target}/packages/{}/versions", name.replace('/', "%2F"));
            let (status, list) = self.house.ask(&shown.header, "GET", &target, "").await;
            let there = visible.contains(name);
            assert_eq!(
                status == 200,
                there,
                "{target} by {shown:?}: {status} {list}"
            );
            assert!(there || matches!(status, 401 | 404), "{target}: {status}");
        }
    }

    async fn check_search(&mut self, shown: &Credential) {
        let sought = *any(&mut self.random, &SOUGHT);
        let mut expected = BTreeSet::new();
        for place in &self.rights.places {
            for (name, version) in place.packages {
                if !self.may(shown, Verb::Read, place.path, Some(name)) {
                    continue;
                }
                let last = name.rsplit('/').next().unwrap_or_default();
                if name.starts_with(sought) || last.starts_with(sought) {
                    expected.insert(format!("package {}/{name}", place.path));
                }
                if version.starts_with(sought) {
                    let kind = if place.path.starts_with("oci/") {
                        "tag"
                    } else {
                        "version"
                    };
                    expected.insert(format!("{kind} {}/{name}", place.path));
                }
            }
        }
        let hit = |item: &Value| {
            let [kind, repository, package] =
                ["kind", "repository", "package"].map(|field| text(&item[field]));
            format!("{kind} {repository}/{package}")
        };
        self.hold(shown, &format!("/search?q={sought}"), hit, expected)
            .await;
    }

    /// What everyone is told of itself, and superusers of anyone.
    async fn check_can(&mut self, shown: &Credential) {
        let mut subjects = vec!["anonymous".to_owned(), "authenticated".to_owned()];
        subjects.extend(self.rights.accounts.keys().cloned());
        subjects.extend(
            self.rights
                .groups
                .keys()
                .map(|name| format!("group:{name}")),
        );
        let admin = super::super::basic("admin", super::super::PASSWORD);
        for _ in 0..8 {
            let permissions = self.permissions();
            let permission = any(&mut self.random, &permissions).clone();
            if permission.verb == Verb::List {
                continue;
            }
            let (path, package) = (permission.repository(), permission.package.as_deref());
            let of_package = package.map_or_else(String::new, |it| format!("&package={it}"));
            let target = format!(
                "/can?repository={path}&action={}{of_package}",
                permission.verb.word()
            );
            let (status, verdict) = self.house.ask(&shown.header, "GET", &target, "").await;
            let expected = self.expects((shown, HERE), &permission);
            assert_eq!(
                (status, verdict["allowed"] == true),
                (200, expected),
                "{target} by {shown:?}: {verdict}"
            );
            let subject = any(&mut self.random, &subjects);
            let target = format!("{target}&subject={subject}");
            let (status, verdict) = self.house.ask(&admin, "GET", &target, "").await;
            let expected = self.rights.can(subject, permission.verb, &path, package);
            assert_eq!(
                (status, verdict["allowed"] == true),
                (200, expected),
                "{target}: {verdict}"
            );
        }
    }

    async fn check_lists(&mut self) {
        for shown in self.credentials.clone() {
            if !self.rights.holds(&shown) {
                // Wrong passwords are counted here: the gate alone is asked elsewhere.
                if !shown.by_password {
                    let status = self
                        .house
                        .ask(&shown.header, "GET", "/repositories", "")
                        .await
                        .0;
                    assert_eq!(status, 401, "{shown:?}");
                }
                continue;
            }
            self.check_repositories(&shown).await;
            for place in self.rights.places.clone() {
                self.check_packages(&shown, &place).await;
            }
            self.check_search(&shown).await;
            self.check_can(&shown).await;
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn lists_show_what_the_model_allows_and_nothing_else() {
    let mut random = Random::seeded();
    for _ in 0..worlds(8) {
        let mut world = World::new(Random::new(random.number())).await;
        for _ in 0..8 {
            world.exchange().await;
        }
        world.check_lists().await;
        for _ in 0..STEPS {
            for _ in 0..3 {
                world.change().await;
            }
            world.check_lists().await;
        }
    }
}
