use super::*;
use larder_model::ProtocolName;

fn pattern(text: &str) -> Pattern {
    text.parse().expect("pattern")
}

fn rule(grant: i64, repository: &str, package: &str, role: Role) -> Rule {
    Rule {
        grant: Some(grant),
        repository: pattern(repository),
        package: pattern(package),
        refs: None,
        role,
    }
}

fn permission(repo: &str, package: Option<&str>, verb: Verb) -> Permission {
    Permission {
        protocol: ProtocolName::OCI,
        repo: repo.parse().expect("name"),
        package: package.map(Into::into),
        refs: RefScope::All,
        verb,
    }
}

const VERBS: [Verb; 5] = [
    Verb::List,
    Verb::Read,
    Verb::Write,
    Verb::Delete,
    Verb::Administer,
];

/// What rules say if all of them are looked at.
#[test]
fn what_is_found_is_what_looking_at_all_finds() {
    let (repositories, packages) = (
        ["oci/a", "oci/b", "oci/*", "*", "oci/a*"],
        ["app", "lib", "a*", "*"],
    );
    let roles = [Role::Reader, Role::Writer, Role::Maintainer, Role::Admin];
    let mut all = Vec::new();
    for repository in repositories {
        for package in packages {
            let role = roles[all.len() % roles.len()];
            all.push(rule(1, repository, package, role));
        }
    }
    // Every set of three rules.
    for (first, second, third) in (0..all.len()).flat_map(|a| {
        let pairs = (0..a).flat_map(move |b| (0..b).map(move |c| (a, b, c)));
        pairs.collect::<Vec<_>>()
    }) {
        let some = [&all[first], &all[second], &all[third]];
        let found_by: Rules = some.iter().map(|&rule| rule.clone()).collect();
        for repo in ["a", "ab", "c"] {
            let repository = format!("oci/{repo}");
            for verb in VERBS {
                for package in [None, Some("app"), Some("other")] {
                    let permission = permission(repo, package, verb);
                    let expected = some.iter().any(|it| it.allows(&permission, &repository));
                    let found = found_by.find(&permission, &repository);
                    assert_eq!(found.is_some(), expected, "{some:?} {permission}");
                    assert!(found.is_none_or(|it| it.allows(&permission, &repository)));
                }
                let expected = some
                    .iter()
                    .any(|it| it.role.allows(verb) && it.repository.matches(&repository));
                assert_eq!(found_by.allow_somewhere(verb, &repository), expected);
            }
            let all_of_it = |it: &&&Rule| it.package.is_all() && it.repository.matches(&repository);
            assert_eq!(
                found_by.cover_all_of(&repository),
                some.iter().any(|it| all_of_it(&it))
            );
        }
        for asked in ["oci/a", "oci/a*", "oci/*", "*"].map(pattern) {
            let administers = |it: &&Rule| {
                it.role == Role::Admin && it.package.is_all() && it.repository.covers(&asked)
            };
            assert_eq!(found_by.administer(&asked), some.iter().any(administers));
        }
    }
}

#[test]
fn no_rules_allow_nothing() {
    let none = Rules::default();
    assert!(none.is_empty());
    assert!(
        none.find(&permission("a", None, Verb::Read), "oci/a")
            .is_none()
    );
    assert!(
        ![rule(1, "oci/a", "*", Role::Reader)]
            .into_iter()
            .collect::<Rules>()
            .is_empty()
    );
    assert!(
        ![rule(1, "*", "*", Role::Reader)]
            .into_iter()
            .collect::<Rules>()
            .is_empty()
    );
}

/// A writer of some branches alone.
#[test]
fn a_limit_to_refs_limits_what_is_changed() {
    let limited = Rule {
        refs: Some(pattern("refs/heads/dev-*")),
        ..rule(1, "oci/a", "*", Role::Writer)
    };
    let rules: Rules = [limited].into_iter().collect();
    let may = |verb: Verb, refs: RefScope| {
        let wanted = Permission {
            refs,
            ..permission("a", Some("app"), verb)
        };
        rules.find(&wanted, "oci/a").is_some()
    };
    let named = |name: &str| RefScope::Named(name.into());
    assert!(may(Verb::Read, RefScope::All) && may(Verb::Read, named("refs/heads/main")));
    assert!(may(Verb::Write, named("refs/heads/dev-x")) && may(Verb::Write, RefScope::Any));
    assert!(!may(Verb::Write, named("refs/heads/main")) && !may(Verb::Write, RefScope::All));
    assert!(!may(Verb::Delete, named("refs/heads/dev-x")) && !may(Verb::Delete, RefScope::Any));
    assert!(rules.allow_somewhere(Verb::Read, "oci/a"));
    assert!(!rules.allow_somewhere(Verb::Write, "oci/a"));
    let admin = Rule {
        refs: Some(pattern("refs/*")),
        ..rule(1, "oci/a", "*", Role::Admin)
    };
    let rules: Rules = [admin].into_iter().collect();
    assert!(!rules.administer(&pattern("oci/a")));
    assert_eq!(rules.administered().count(), 0);
}
