//! A random house and its model, changed through the API alone.

use super::super::{Header, House, PASSWORD, basic, house};
use super::any;
use super::oracle::{Account, Credential, Grant, Place, ROLES, Rights, Scope};
use larder_access::Principal;
use larder_model::{Origin, Permission, Problem, RepoPath, Verb};
use larder_tests::random::Random;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "dave"];
const ROBOTS: [(&str, &str); 3] = [("ci", "alice"), ("mirror-bot", "bob"), ("nightly", "alice")];
const GROUPS: [&str; 4] = ["crew", "dev", "house", "ops"];
/// The group that holds groups; the others hold none.
const OUTER: &str = "house";
const REPOSITORIES: [&str; 9] = [
    "*",
    "oci/*",
    "oci/team*",
    "oci/team",
    "oci/other",
    "npm/*",
    "npm/local",
    "npm/main",
    "*/up",
];
const PACKAGES: [&str; 8] = ["*", "*", "*", "app", "app/*", "@acme/*", "shared", "*e*"];
/// What networks a grant may count from, and what their addresses begin with.
const NETWORKS: [(&str, &str); 2] = [("127.0.0.0/8", "127."), ("10.0.0.0/8", "10.")];

const fn place(
    path: &'static str,
    kind: &'static str,
    packages: &'static [(&'static str, &'static str)],
) -> Place {
    Place {
        path,
        kind,
        has_password: false,
        open: None,
        members: &[],
        packages,
    }
}

fn places() -> Vec<Place> {
    vec![
        place(
            "oci/team",
            "hosted",
            &[("app", "1.0"), ("app/web", "2"), ("secret", "1.1")],
        ),
        place(
            "oci/team-b",
            "hosted",
            &[("app", "latest"), ("shared", "1.0")],
        ),
        place("oci/other", "hosted", &[("secret", "1.0")]),
        place(
            "npm/local",
            "hosted",
            &[
                ("@acme/app", "1.0.0"),
                ("left", "2.0.0"),
                ("shared", "1.0.0"),
            ],
        ),
        place(
            "npm/up",
            "mirror",
            &[("react", "18.0.0"), ("shared", "9.0.0")],
        ),
        Place {
            has_password: true,
            ..place(
                "npm/paid",
                "mirror",
                &[("react", "19.0.0"), ("vue", "3.0.0"), ("left", "1.0.0")],
            )
        },
        Place {
            members: &["npm/local", "npm/up", "npm/paid"],
            ..place("npm/main", "group", &[])
        },
    ]
}

/// A house and what is known of it.
pub(super) struct World {
    pub(super) house: House,
    pub(super) rights: Rights,
    pub(super) credentials: Vec<Credential>,
    pub(super) random: Random,
    admin: Header,
    /// Addresses that asked so far: wrong passwords are counted by address.
    asked: u32,
}

impl World {
    /// A house with people, robots, groups, repositories and packages, and a few grants.
    pub(super) async fn new(mut random: Random) -> Self {
        let house = house().await;
        let mut rights = Rights::default();
        for mut place in places() {
            place.open = *any(&mut random, &[None, None, Some(true), Some(false)]);
            Self::make(&house, &place).await;
            rights.places.push(place);
        }
        let mut world = Self {
            house,
            rights,
            credentials: vec![Credential::default()],
            random,
            admin: basic("admin", PASSWORD),
            asked: 0,
        };
        let root = Account {
            superuser: true,
            ..Account::default()
        };
        world.rights.accounts.insert("user:admin".into(), root);
        for name in PEOPLE {
            world.make_person(name).await;
        }
        for (name, owner) in ROBOTS {
            let body = json!({"name": name, "owner": format!("user:{owner}")});
            world.api("POST", "/robots", body, &[201]).await;
            let owner = Some(format!("user:{owner}"));
            let account = Account {
                owner,
                ..Account::default()
            };
            world
                .rights
                .accounts
                .insert(format!("robot:{name}"), account);
        }
        for name in GROUPS {
            world
                .api("POST", "/groups", json!({"name": name}), &[201])
                .await;
            world.rights.groups.insert(name.into(), [].into());
        }
        for _ in 0..world.random.below(10) {
            world.join().await;
        }
        for _ in 0..world.random.below(14) {
            world.give_grant().await;
        }
        world
    }

    async fn make(house: &House, place: &Place) {
        let mut settings = json!({});
        if let Some(open) = place.open {
            settings["open"] = open.into();
        }
        if place.kind == "mirror" {
            settings["upstream"] = json!({"url": "https://registry.example/"});
        }
        if place.has_password {
            settings["upstream"]["username"] = "team".into();
            settings["upstream"]["password"] = "sealed".into();
        }
        let name = |path: &&str| path.split_once('/').expect("path").1.to_owned();
        if !place.members.is_empty() {
            settings["members"] = place.members.iter().map(name).collect();
        }
        house
            .make(place.path, place.kind, &settings.to_string())
            .await;
        for (package, version) in place.packages {
            let path = format!("{}-{package}-{version}", place.path.replace('/', "-"));
            let path = if place.path.starts_with("oci/") {
                format!("tags/{version}")
            } else {
                path.replace(['/', '@'], "-")
            };
            // The text of a test's file outlives it.
            let path: &'static str = Box::leak(path.into_boxed_str());
            if place.kind == "hosted" && !place.path.starts_with("oci/") {
                house
                    .publish(place.path, package, &[(path, version, "")])
                    .await;
            } else {
                let version = if place.path.starts_with("oci/") {
                    ""
                } else {
                    *version
                };
                house.keep(place.path, package, &[(path, version)]).await;
            }
        }
    }

    async fn make_person(&mut self, name: &str) {
        let superuser = self.random.below(8) == 0;
        let body = json!({"name": name, "password": PASSWORD, "superuser": superuser});
        self.api("POST", "/users", body, &[201]).await;
        let account = Account {
            superuser,
            ..Account::default()
        };
        self.rights.accounts.insert(format!("user:{name}"), account);
        let is_there = |known: &Credential| {
            known.by_password && known.account.as_deref() == Some(&format!("user:{name}"))
        };
        if !self.credentials.iter().any(is_there) {
            self.credentials.push(Credential {
                header: basic(name, PASSWORD),
                account: Some(format!("user:{name}")),
                by_password: true,
                ..Credential::default()
            });
        }
    }

    /// Calls the API as the superuser; the status is one of these.
    async fn api(&self, method: &str, target: &str, body: Value, expected: &[u16]) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = self.house.ask(&self.admin, method, target, &body).await;
        assert!(
            expected.contains(&answer.0),
            "{method} {target} {body}: {answer:?}"
        );
        answer
    }

    /// A random scope.
    pub(super) fn scope(&mut self) -> Scope {
        Scope {
            repository: (*any(&mut self.random, &REPOSITORIES)).to_owned(),
            package: (*any(&mut self.random, &PACKAGES)).to_owned(),
            role: any::<&'static str>(&mut self.random, &ROLES),
        }
    }

    /// Someone who is there, as a subject.
    pub(super) fn account(&mut self) -> String {
        let all: Vec<String> = self.rights.accounts.keys().cloned().collect();
        let others: Vec<String> = all.into_iter().filter(|it| it != "user:admin").collect();
        any(&mut self.random, &others).clone()
    }

    pub(super) async fn give_grant(&mut self) {
        let subject = match self.random.below(10) {
            0 => "anonymous".to_owned(),
            1 => "authenticated".to_owned(),
            2..5 => format!("group:{}", any(&mut self.random, &GROUPS)),
            _ => self.account(),
        };
        let scope = self.scope();
        let mut body = json!({"subject": subject, "repository": scope.repository,
            "package": scope.package, "role": scope.role});
        let mut from = "";
        if subject == "anonymous" && self.random.below(2) == 0 {
            let (network, begins) = *any(&mut self.random, &NETWORKS);
            body["networks"] = json!([network]);
            from = begins;
        }
        let (status, grant) = self.api("POST", "/grants", body, &[201, 409]).await;
        if status == 201 {
            let id = grant["id"].as_str().expect("id").to_owned();
            let grant = Grant {
                id,
                subject,
                scope,
                from,
            };
            self.rights.grants.push(grant);
        }
    }

    async fn take_grant(&mut self) {
        let count = self.rights.grants.len() as u64;
        if count > 0 {
            let at = usize::try_from(self.random.below(count)).expect("place");
            let grant = self.rights.grants.swap_remove(at);
            let target = format!("/grants/{}", grant.id);
            self.api("DELETE", &target, Value::Null, &[204]).await;
        }
    }

    async fn join(&mut self) {
        let group = *any(&mut self.random, &GROUPS);
        let member = if group == OUTER && self.random.below(2) == 0 {
            format!("group:{}", any(&mut self.random, &GROUPS[..2]))
        } else {
            self.account()
        };
        let target = format!("/groups/{group}/members/{member}");
        self.api("PUT", &target, Value::Null, &[204]).await;
        let members = self.rights.groups.get_mut(group).expect("group");
        members.insert(member);
    }

    async fn leave(&mut self) {
        let group = *any(&mut self.random, &GROUPS);
        let members = self.rights.groups.get_mut(group).expect("group");
        if let Some(member) = members.pop_first() {
            let target = format!("/groups/{group}/members/{member}");
            self.api("DELETE", &target, Value::Null, &[204]).await;
        }
    }

    async fn disable_or_enable(&mut self) {
        let subject = self.account();
        let account = self.rights.accounts.get_mut(&subject).expect("account");
        account.disabled = !account.disabled;
        let body = json!({"disabled": account.disabled});
        let (kind, name) = subject.split_once(':').expect("subject");
        self.api("PATCH", &format!("/{kind}s/{name}"), body, &[200])
            .await;
    }

    async fn open_or_close(&mut self) {
        let count = self.rights.places.len() as u64;
        let at = usize::try_from(self.random.below(count)).expect("place");
        let open = *any(&mut self.random, &[None, Some(true), Some(false)]);
        self.rights.places[at].open = open;
        let target = format!("/repositories/{}", self.rights.places[at].path);
        self.api("PATCH", &target, json!({"open": open}), &[200])
            .await;
    }

    /// A person goes with its tokens, grants and memberships; whoever comes under its name is
    /// someone else.
    async fn replace_person(&mut self) {
        let name = *any(&mut self.random, &PEOPLE);
        let subject = format!("user:{name}");
        self.api("DELETE", &format!("/users/{name}"), Value::Null, &[204])
            .await;
        let rights = &mut self.rights;
        rights.accounts.remove(&subject);
        rights.grants.retain(|grant| grant.subject != subject);
        for members in rights.groups.values_mut() {
            members.remove(&subject);
        }
        for account in rights.accounts.values_mut() {
            if account.owner.as_ref() == Some(&subject) {
                account.owner = Some(String::new());
            }
        }
        for known in &mut self.credentials {
            known.ended |= !known.by_password && known.account.as_ref() == Some(&subject);
        }
        if self.random.below(2) == 0 {
            self.check().await;
        }
        self.make_person(name).await;
    }

    async fn hand_over_robot(&mut self) {
        let (name, _) = *any(&mut self.random, &ROBOTS);
        let owner = format!("user:{}", any(&mut self.random, &PEOPLE));
        let target = format!("/robots/{name}");
        self.api("PATCH", &target, json!({"owner": owner}), &[200])
            .await;
        let robot = self.rights.accounts.get_mut(&format!("robot:{name}"));
        robot.expect("robot").owner = Some(owner);
    }

    async fn end_token(&mut self) {
        let tokens = self.credentials.iter().filter(|known| !known.ended);
        let tokens: Vec<String> = tokens.filter_map(|known| known.token.clone()).collect();
        if tokens.is_empty() {
            return;
        }
        let token = any(&mut self.random, &tokens).clone();
        let target = format!("/tokens/{token}");
        self.api("DELETE", &target, Value::Null, &[204]).await;
        for known in &mut self.credentials {
            let [own, of] = [&known.token, &known.of].map(|it| it.as_ref() == Some(&token));
            known.ended |= own || of;
        }
    }

    /// Changes something.
    pub(super) async fn change(&mut self) {
        match self.random.below(12) {
            0..3 => self.give_grant().await,
            3..5 => self.take_grant().await,
            5 => self.join().await,
            6 => self.leave().await,
            7 => self.disable_or_enable().await,
            8 => self.open_or_close().await,
            9 => self.replace_person().await,
            10 => self.hand_over_robot().await,
            _ => self.end_token().await,
        }
    }

    /// An address that nobody asked from, in one of the networks or in none.
    fn fresh_address(&mut self) -> IpAddr {
        self.asked += 1;
        let [_, a, b, c] = self.asked.to_be_bytes();
        let first = *any(&mut self.random, &[10, 127, 192]);
        Ipv4Addr::new(first, a, b, c).into()
    }

    /// Who shows this, at an address.
    pub(super) async fn identify(
        &self,
        header: &Header,
        address: IpAddr,
    ) -> Result<Arc<Principal>, Problem> {
        let mut headers = http::HeaderMap::new();
        if !header.is_empty() {
            headers.insert("authorization", header.parse().expect("header"));
        }
        let origin = Origin {
            address,
            request_id: "".into(),
        };
        self.house.gate.identify(&headers, &origin).await
    }

    /// All that can be done to anything there.
    pub(super) fn permissions(&self) -> Vec<Permission> {
        let of_place = |place: &Place| {
            let path: RepoPath = place.path.parse().expect("path");
            let members = place.members.iter().map(|member| self.rights.place(member));
            let packages = members
                .flat_map(|member| member.packages)
                .chain(place.packages);
            let packages = packages.map(|(name, _)| Some((*name).into()));
            let of_package = |package: Option<Box<str>>| {
                let whole = path.clone();
                super::oracle::VERBS.map(|verb| Permission {
                    package: package.clone(),
                    ..whole.permission(verb)
                })
            };
            let all = packages.chain([None, Some("none-such".into())]);
            all.flat_map(of_package).collect::<Vec<_>>()
        };
        self.rights.places.iter().flat_map(of_place).collect()
    }

    /// What the model says of a permission.
    pub(super) fn expects(&self, who: (&Credential, &str), permission: &Permission) -> bool {
        let (verb, package): (Verb, _) = (permission.verb, permission.package.as_deref());
        self.rights
            .allows(who, verb, &permission.repository(), package)
    }

    /// Holds all credentials to the model, with what the gate remembers as it is.
    pub(super) async fn check(&mut self) {
        let permissions = self.permissions();
        for at in 0..self.credentials.len() {
            let address = self.fresh_address();
            let shown = &self.credentials[at];
            let found = self.identify(&shown.header, address).await;
            assert_eq!(
                found.is_ok(),
                self.rights.holds(shown),
                "{shown:?} {found:?}"
            );
            let Ok(principal) = found else { continue };
            let who = (shown, &*address.to_string());
            for permission in &permissions {
                let may = principal.may(permission);
                assert_eq!(
                    may,
                    self.expects(who, permission),
                    "{permission} at {address} by {shown:?}: {:?}",
                    self.rights
                );
            }
        }
    }
}
