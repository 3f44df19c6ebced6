//! Properties over made-up files and states: what a plan leads to is what the file says, in steps
//! that no server refuses.

use super::*;
use crate::apply::export::resources;
use crate::apply::file::{
    BlockEntry, GrantEntry, GroupEntry, OciEntry, Open, QuotaEntry, RepositoryEntry,
    RetentionEntry, RobotEntry, RuleEntry, ScheduleEntry, UpstreamEntry,
};
use crate::apply::text::{Address, MemberText, NetworkText, OwnerText, SubjectText};
use larder_model::{JobKind, Keep, Role, Span, duration};
use std::collections::BTreeSet;

/// Numbers that follow from a seed (xorshift*).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).expect("31 bits") % end
    }

    /// Once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.once_in(2).then(|| make(self))
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn some<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        let mut some = Vec::new();
        for one in of {
            let place = self.below(some.len() + 1);
            if self.once_in(2) {
                some.insert(place, one.clone());
            }
        }
        some
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("made up well")
}

fn placed<T>(item: T) -> Spanned<T> {
    Spanned::new(0..0, item)
}

/// A repository; its kind follows from its name.
fn repository(random: &mut Random, name: &str) -> RepositoryEntry {
    let kind = match name.split_once('/').map(|(_, name)| &name[..1]) {
        Some("m") => RepoKind::Mirror,
        Some("g") => RepoKind::Group,
        _ => RepoKind::Hosted,
    };
    let members = ["h1", "m1", "m2"].map(parsed);
    let block = |package: &str| BlockEntry {
        package: parsed(package),
        reason: None,
    };
    let blocks = ["left-*", "evil"].map(block);
    let mut entry = RepositoryEntry {
        name: parsed(name),
        kind: Some(kind),
        description: random.maybe(|it| it.one(&["", "one", "two"]).to_owned()),
        open: random.maybe(|it| Open::of(it.one(&[None, Some(true), Some(false)]))),
        offline: None,
        fresh_seconds: None,
        serve_vanished: None,
        members: None,
        upstream: None,
        blocked: None,
        immutable: None,
        sparse_images: None,
        quota: None,
    };
    if kind == RepoKind::Hosted {
        entry.immutable =
            random.maybe(|it| it.some(&["v*", "1.*"]).into_iter().map(parsed).collect());
        if name.starts_with("oci/") {
            entry.sparse_images = random.maybe(|it| it.once_in(2));
        }
        entry.quota = random.maybe(|it| QuotaEntry {
            bytes: it.maybe(|it| it.one(&[0, 1 << 30])),
            versions: it.maybe(|it| it.one(&[1, 500])),
        });
    } else {
        entry.blocked = random.maybe(|it| it.some(&blocks));
    }
    if kind == RepoKind::Mirror {
        entry.offline = random.maybe(|it| it.once_in(2));
        entry.fresh_seconds = random.maybe(|it| it.one(&[0, 60]));
        entry.serve_vanished = random.maybe(|it| it.once_in(2));
        entry.upstream = Some(upstream(random));
    }
    if kind == RepoKind::Group {
        let some = random.some(&members);
        entry.members = Some(if some.is_empty() {
            members.to_vec()
        } else {
            some
        });
    }
    entry
}

fn upstream(random: &mut Random) -> UpstreamEntry {
    let urls = ["https://a.example/", "https://b.example/x/"];
    let address = |url: &str| Address(url.to_owned());
    let log = random.maybe(|it| it.one(&["", "a+01234567+A", "b+01234567+A"]).to_owned());
    let has_log = log.as_ref().is_some_and(|key| !key.is_empty());
    UpstreamEntry {
        url: address(random.one(&urls)),
        mirror_list: random.maybe(|it| it.one(&["", "https://m.example/list?x"]).to_owned()),
        username: random.maybe(|it| it.one(&["", "larder"]).to_owned()),
        password_env: random.maybe(|_| "SECRET".to_owned()),
        password_file: None,
        client_certificate_file: random.maybe(|it| it.one(&["a.pem", "b.pem"]).into()),
        client_key_file: None,
        ca_certificate_file: random.maybe(|it| it.one(&["a.pem", "b.pem"]).into()),
        trusted_keys_file: random.maybe(|it| it.one(&["a.asc", "b.asc"]).into()),
        allow_private: random.maybe(|it| it.once_in(2)),
        allow: random.maybe(|it| it.some(&urls.map(address))),
        token_origins: random.maybe(|it| it.some(&urls.map(address))),
        requests_per_minute: random.maybe(|it| it.one(&[0, 60])),
        absent_statuses: random.maybe(|it| it.some(&[400, 403]).try_into().expect("statuses")),
        answer_time: random.maybe(|it| parsed(it.one(&["5s", "1m"]))),
        checksum_database: log,
        checksum_database_url: random
            .maybe(|it| it.one(&["", "https://sum.example/"]).to_owned())
            .filter(|_| has_log),
        checksum_database_except: random
            .maybe(|it| it.some(&["corp.example/*"].map(str::to_owned)))
            .filter(|_| has_log),
        vulnerability_database: random.maybe(|it| it.one(&["", "https://v.example/"]).to_owned()),
    }
}

fn grant(random: &mut Random, subjects: &[String]) -> GrantEntry {
    let subject = random.one(subjects);
    let networks = ["10.0.0.0/8", "fd00::/8"].map(|it| NetworkText(it.to_owned()));
    let is_anonymous = subject == "anonymous";
    GrantEntry {
        subject: SubjectText(subject),
        role: random.one(&[Role::Reader, Role::Admin]),
        repository: parsed(random.one(&["npm/*", "npm/h1"])),
        package: parsed(random.one(&["*", "@acme/*"])),
        refs: random.one(&[None, Some(parsed("refs/tags/*"))]),
        networks: if is_anonymous {
            random.some(&networks)
        } else {
            Vec::new()
        },
    }
}

const REPOSITORIES: [&str; 6] = ["npm/h1", "npm/m1", "npm/m2", "npm/g1", "npm/g2", "oci/m1"];

/// What a repository lets go.
fn retention(random: &mut Random, name: &str) -> RetentionEntry {
    let span = |text: &str| Span(duration::parse(text).expect("span"));
    let rule = |it: &mut Random| RuleEntry {
        packages: parsed(it.one(&["*", "app/*"])),
        versions: parsed("*"),
        keep: Keep {
            newest: it.maybe(|it| it.one(&[1, 20])),
            pushed_within: it.maybe(|it| span(it.one(&["7d", "168h"]))),
            ..Keep::default()
        },
    };
    let is_mirror = name.contains("/m");
    RetentionEntry {
        repository: parsed(name),
        enabled: random.maybe(|it| it.once_in(2)),
        protect: random.maybe(|it| it.some(&["latest", "v*"].map(parsed))),
        untagged_after: random.maybe(|_| span("7d")).filter(|_| !is_mirror),
        unused_after: random.maybe(|_| span("30d")).filter(|_| is_mirror),
        max_bytes: random
            .maybe(|it| it.one(&[1, 1 << 40]))
            .filter(|_| is_mirror),
        trash: random.maybe(|_| span("24h")).filter(|_| !is_mirror),
        rules: random.maybe(|it| vec![rule(it), rule(it)]),
    }
}

/// A file in which all that is named by it is also there, mostly.
fn file(random: &mut Random) -> Resources {
    let some = random.some(&REPOSITORIES);
    let repositories = some.iter().map(|name| placed(repository(random, name)));
    let repositories = repositories.collect();
    let (groups, robots) = (random.some(&["a", "b", "c"]), random.some(&["r1", "r2"]));
    let mut subjects: Vec<String> = ["anonymous", "authenticated", "user:alice", "user:bob"]
        .map(str::to_owned)
        .into();
    subjects.extend(groups.iter().map(|name| format!("group:{name}")));
    subjects.extend(robots.iter().map(|name| format!("robot:{name}")));
    let members: Vec<MemberText> = subjects[2..].iter().cloned().map(MemberText).collect();
    // Only one of them holds groups.
    let holder = random.one(&["a", "b"]);
    let group = |name: &str, random: &mut Random| GroupEntry {
        name: parsed(name),
        description: random.maybe(|it| it.one(&["", "people"]).to_owned()),
        members: random.maybe(|it| {
            let own = format!("group:{name}");
            let mut some = it.some(&members);
            some.retain(|member| {
                member.0 != own && (name == holder || !member.0.starts_with("group:"))
            });
            some
        }),
    };
    let robot = |name: &str, random: &mut Random| RobotEntry {
        name: parsed(name),
        owner: random.maybe(|it| OwnerText(it.one(&["user:alice", "user:bob"]).to_owned())),
        description: random.maybe(|it| it.one(&["", "builds"]).to_owned()),
        disabled: random.maybe(|it| it.once_in(2)),
    };
    let groups = groups
        .iter()
        .map(|name| placed(group(name, random)))
        .collect();
    let robots = robots
        .iter()
        .map(|name| placed(robot(name, random)))
        .collect();
    let mut keys = BTreeSet::new();
    let grants = (0..random.below(8)).map(|_| grant(random, &subjects));
    let grants: Vec<GrantEntry> = grants.collect();
    let is_new = |it: &GrantEntry| keys.insert(grants::told(grants::key(it)));
    let grants = grants.into_iter().filter(is_new).map(placed).collect();
    let settings = SettingsEntry {
        offline: random.maybe(|it| it.once_in(2)),
        oci: random.maybe(|it| OciEntry {
            default_mirror: it.maybe(|it| it.one(&["", "m1"]).to_owned()),
        }),
    };
    let schedule = ScheduleEntry {
        kind: JobKind::UpstreamCheck,
        cron: random.maybe(|it| it.one(&["0 6 * * *", "*/5  * * * *"]).to_owned()),
        enabled: random.maybe(|it| it.once_in(2)),
    };
    let schedules = vec![placed(schedule)];
    let retention = random.maybe(|it| it.some(&some)).map(|named| {
        let keeping = named.iter().filter(|name| !name.contains("/g"));
        keeping
            .map(|name| placed(retention(random, name)))
            .collect()
    });
    Resources {
        settings: random.maybe(|_| placed(settings)),
        repositories: random.maybe(|_| repositories),
        groups: random.maybe(|_| groups),
        robots: random.maybe(|_| robots),
        grants: random.maybe(|_| grants),
        schedules: random.maybe(|_| schedules),
        retention,
    }
}

/// A server on which nothing was done yet.
fn fresh() -> State {
    let state = state();
    State {
        repositories: Vec::new(),
        filled: BTreeSet::new(),
        groups: Vec::new(),
        robots: Vec::new(),
        grants: Vec::new(),
        settings: serde_json::from_value(
            json!({"offline": false, "oci": {"default_mirror": null}}),
        )
        .expect("settings"),
        ..state
    }
}

/// Applies a file. Whether it was not refused.
fn applied(file: &Resources, state: &mut State, prune: bool, seed: u64) -> bool {
    assert_eq!(checks::check(file), [], "seed {seed}");
    let passwords = passwords(file);
    let Ok(first) = plan(file, state, &passwords, prune) else {
        return false;
    };
    if let Err(why) = model::carry_out(state, &first) {
        let acts: String = first.acts.iter().map(lines).collect();
        panic!("seed {seed}: {why} of\n{acts}");
    }
    let second = plan(file, state, &passwords, prune);
    let second = second.unwrap_or_else(|refusal| panic!("seed {seed}: {refusal:?}"));
    let acts: String = second.acts.iter().map(lines).collect();
    assert_eq!(acts, "", "seed {seed}");
    true
}

#[test]
fn a_second_apply_has_nothing_to_do() {
    let (mut accepted, mut acts) = (0, 0);
    for seed in 1..=2000 {
        let mut random = Random(seed);
        let mut state = fresh();
        for _ in 0..4 {
            let file = file(&mut random);
            let before = state.clone();
            let prune = random.once_in(2);
            accepted += usize::from(applied(&file, &mut state, prune, seed));
            acts += usize::from(state != before);
        }
    }
    // Files that are all refused, or change nothing, would prove nothing.
    assert!(
        accepted > 3000 && acts > 2000,
        "{accepted} accepted, {acts} did something"
    );
}

#[test]
fn without_prune_nothing_is_deleted() {
    for seed in 1..=500 {
        let mut random = Random(seed);
        let mut state = fresh();
        applied(&file(&mut random), &mut state, true, seed);
        if let Ok(plan) = plan(&file(&mut random), &state, &Passwords::default(), false) {
            let deletes = |act: &&Act| act.verb == Verb::Delete;
            assert!(!plan.acts.iter().any(|act| deletes(&act)), "seed {seed}");
        }
    }
}

#[test]
fn what_is_exported_is_what_is_there() {
    for seed in 1..=500 {
        let mut random = Random(seed);
        let mut state = fresh();
        for _ in 0..3 {
            applied(&file(&mut random), &mut state, false, seed);
        }
        let text = toml::to_string(&resources(&state).expect("file")).expect("TOML");
        let source = Source {
            name: "export",
            text: &text,
        };
        let file = source
            .read()
            .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        assert_eq!(checks::check(&file), [], "seed {seed}");
        let plan = plan(&file, &state, &Passwords::default(), true);
        let plan = plan.unwrap_or_else(|refusal| panic!("seed {seed}: {refusal:?}\n{text}"));
        let acts: String = plan.acts.iter().map(lines).collect();
        assert_eq!(acts, "", "seed {seed}\n{text}");
        // On a server of its own it makes the same.
        let mut other = fresh();
        assert!(
            applied(&file, &mut other, true, seed),
            "seed {seed}\n{text}"
        );
        let again = resources(&other).expect("file");
        let again = toml::to_string(&again).expect("TOML");
        assert_eq!(sorted(&again), sorted(&text), "seed {seed}");
    }
}

/// The tables of a file, in any order.
fn sorted(text: &str) -> Vec<String> {
    let mut tables: Vec<String> = text.split("\n\n").map(|it| it.trim().to_owned()).collect();
    tables.sort_unstable();
    tables
}
