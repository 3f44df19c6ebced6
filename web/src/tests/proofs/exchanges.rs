//! Credentials that are exchanged for others, in chains: what comes of it may no more than what was
//! shown, and no more than was asked for; and what is taken away from anyone is gone at the next use
//! of all that was made of it.

use super::super::{PASSWORD, UNLIMITED, basic, clock, house_of};
use super::oracle::{Asked, Credential, Scope};
use super::world::World;
use super::{any, worlds};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use larder_access::Principal;
use larder_access::token::Access;
use larder_model::{Clock, Origin, Permission, Verb};
use larder_tests::random::Random;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Changes and exchanges in one world.
const STEPS: usize = 40;
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Images that tokens are asked for, and one that is nowhere.
const IMAGES: [(&str, &str); 5] = [
    ("team", "app"),
    ("team", "app/web"),
    ("team-b", "shared"),
    ("other", "secret"),
    ("nowhere", "app"),
];
const ACTIONS: [&[&str]; 6] = [
    &["pull"],
    &["pull", "push"],
    &["push", "delete"],
    &["*"],
    &["pull", "administer", "list", ""],
    &[],
];

fn verbs_of(actions: &[&str]) -> Vec<Verb> {
    let has = |action| actions.contains(&action) || actions.contains(&"*");
    let pairs = [
        ("pull", Verb::Read),
        ("push", Verb::Write),
        ("delete", Verb::Delete),
    ];
    let pairs = pairs.into_iter().filter(|(action, _)| has(*action));
    pairs.map(|(_, verb)| verb).collect()
}

impl World {
    /// A credential that holds; where there is a choice, not that of nobody.
    fn one_that_holds(&mut self) -> Credential {
        let all = self.credentials.iter();
        let holding: Vec<_> = all
            .filter(|known| self.rights.holds(known))
            .cloned()
            .collect();
        any(&mut self.random, &holding).clone()
    }

    /// A token of the API, with or without limits. Whoever is limited gets none.
    async fn make_token(&mut self, shown: &Credential) {
        let mut body = json!({"name": "made"});
        let limits: Option<Vec<Scope>> = (self.random.below(3) > 0).then(|| {
            let count = 1 + self.random.below(3);
            (0..count).map(|_| self.scope()).collect()
        });
        if let Some(limits) = &limits {
            let limit = |limit: &Scope| {
                json!({"repository": limit.repository, "package": limit.package,
                    "role": limit.role})
            };
            body["grants"] = limits.iter().map(limit).collect();
        }
        let own = shown.account.clone();
        let robots = self
            .rights
            .accounts
            .iter()
            .filter(|(_, account)| account.owner.is_some() && account.owner == own);
        let mut owners: Vec<Option<String>> = robots.map(|(name, _)| Some(name.clone())).collect();
        owners.push(None);
        let owner = any(&mut self.random, &owners).clone();
        let query = owner
            .as_ref()
            .map_or_else(String::new, |owner| format!("?owner={owner}"));
        let (status, made) = self
            .house
            .ask(
                &shown.header,
                "POST",
                &format!("/tokens{query}"),
                &body.to_string(),
            )
            .await;
        let expected = match () {
            () if own.is_none() => 401,
            () if shown.limits.is_some() || shown.asked.is_some() => 403,
            () => 201,
        };
        assert_eq!(status, expected, "{shown:?} {made}");
        if status == 201 {
            self.credentials.push(Credential {
                header: format!("Bearer {}", made["secret"].as_str().expect("secret")),
                account: owner.or(own),
                limits,
                token: Some(made["id"].as_str().expect("id").to_owned()),
                ..Credential::default()
            });
        }
    }

    /// A bearer token for some images.
    fn ask_bearer(&mut self, shown: &Credential, principal: &Principal) {
        let mut wanted = Vec::new();
        let mut asked = Vec::new();
        for _ in 0..self.random.below(4) {
            let (repo, image) = *any(&mut self.random, &IMAGES);
            let actions = *any(&mut self.random, &ACTIONS);
            wanted.push(Access {
                kind: "repository".into(),
                name: format!("{repo}/{image}"),
                actions: actions.iter().map(|&action| action.into()).collect(),
            });
            asked.push((format!("oci/{repo}"), image, verbs_of(actions)));
        }
        let had = |(repository, image, verbs): (String, &str, Vec<Verb>)| {
            let may = |verb: &Verb| {
                self.rights
                    .allows((shown, "127.0.0.1"), *verb, &repository, Some(image))
            };
            let mut verbs: Vec<Verb> = verbs.into_iter().filter(may).collect();
            if verbs.contains(&Verb::Read) {
                verbs.push(Verb::List);
            }
            Asked {
                repository,
                package: image.to_owned(),
                verbs,
            }
        };
        let asked = asked.into_iter().map(had).collect();
        let (token, _) = self
            .house
            .gate
            .issue_bearer(principal, wanted)
            .expect("token");
        self.credentials.push(Credential {
            header: format!("Bearer {token}"),
            asked: Some(asked),
            by_password: false,
            ..shown.clone()
        });
    }

    /// A token to log in again with: whoever shows a bearer token gets none.
    async fn ask_offline(&mut self, shown: &Credential, principal: &Principal) {
        let secret = self
            .house
            .gate
            .issue_offline(principal, "client", None)
            .await
            .expect("answer");
        let expected = shown.account.is_some() && shown.asked.is_none();
        assert_eq!(secret.is_some(), expected, "{shown:?}");
        if let Some(secret) = secret {
            let id = self
                .house
                .gate
                .token_of_secret(secret.expose())
                .await
                .expect("id");
            self.credentials.push(Credential {
                header: format!("Bearer {}", secret.expose()),
                token: Some(id.to_string()),
                of: shown.of.clone().or_else(|| shown.token.clone()),
                by_password: false,
                ..shown.clone()
            });
        }
    }

    /// Exchanges something for something else, and holds the one to the other.
    pub(super) async fn exchange(&mut self) {
        let shown = self.one_that_holds();
        let before = self.identify(&shown.header, HOME).await.expect("someone");
        let count = self.credentials.len();
        match self.random.below(4) {
            0 => self.make_token(&shown).await,
            1 => self.ask_offline(&shown, &before).await,
            _ => self.ask_bearer(&shown, &before),
        }
        let Some(made) = self.credentials.get(count) else {
            return;
        };
        if made.account != shown.account {
            return; // a robot's: it has rights of its own
        }
        let after = self.identify(&made.header, HOME).await.expect("someone");
        let asked = |permission: &Permission| {
            let of = |asked: &Asked| {
                let package = permission.package.as_deref();
                asked.repository == permission.repository()
                    && package.is_none_or(|it| it == asked.package)
                    && asked.verbs.contains(&permission.verb)
            };
            made.asked.as_ref().is_none_or(|all| all.iter().any(of))
        };
        for permission in self
            .permissions()
            .iter()
            .filter(|permission| after.may(permission))
        {
            assert!(
                before.may(permission),
                "{permission}: {made:?} may what {shown:?} may not"
            );
            assert!(
                asked(permission),
                "{permission}: {made:?} was not asked for it"
            );
        }
        assert!(before.is_superuser() || !after.is_superuser(), "{made:?}");
        assert!(before.is_unlimited() || !after.is_unlimited(), "{made:?}");
    }
}

/// When a bearer token says that it ends, in seconds.
fn end_of(token: &str) -> i64 {
    let claims = token.split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    claims["exp"].as_i64().expect("end")
}

#[tokio::test]
async fn no_bearer_token_outlives_what_it_was_got_with() {
    static LATER: AtomicU64 = AtomicU64::new(0);
    let real = clock();
    let clock = Clock::new(move || {
        real.now()
            .after(Duration::from_secs(LATER.load(Ordering::Relaxed)))
    });
    let house = house_of(clock, UNLIMITED).await;
    let admin = basic("admin", PASSWORD);
    let someone = async |header: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, header.parse().expect("header"));
        let origin = Origin {
            address: HOME,
            request_id: "".into(),
        };
        house.gate.identify(&headers, &origin).await
    };
    let issue = |principal: &Principal| {
        house
            .gate
            .issue_bearer(principal, Vec::new())
            .expect("token")
    };
    let (first, life) = issue(&someone(&admin).await.expect("admin"));
    let header = format!("Bearer {first}");
    // Later it buys a token that ends when it does.
    LATER.store(600, Ordering::Relaxed);
    let (next, rest) = issue(&someone(&header).await.expect("a bearer token"));
    assert_eq!(end_of(&next), end_of(&first));
    assert!(
        rest + Duration::from_mins(10) <= life,
        "{rest:?} of {life:?}"
    );
    // At its end it is no more, though it was verified a moment ago.
    LATER.store(life.as_secs() + 11, Ordering::Relaxed);
    assert!(someone(&header).await.is_err());
    assert!(someone(&admin).await.is_ok());
}

#[tokio::test]
async fn no_exchange_widens_and_what_is_taken_away_is_gone() {
    let mut random = Random::seeded();
    let mut counts = [0; 3];
    for _ in 0..worlds(12) {
        let mut world = World::new(Random::new(random.number())).await;
        world.check().await;
        for _ in 0..STEPS {
            for _ in 0..world.random.below(4) {
                world.exchange().await;
            }
            world.change().await;
            world.check().await;
        }
        let all = &world.credentials;
        let of = |is: fn(&Credential) -> bool| all.iter().filter(|it| is(it)).count();
        counts[0] += of(|it| it.asked.is_some());
        counts[1] += of(|it| it.limits.is_some());
        counts[2] += of(|it| it.ended);
    }
    // There were bearer tokens, limited ones, and some that were taken back.
    assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
}
