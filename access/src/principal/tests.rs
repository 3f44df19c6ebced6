use super::*;
use crate::rules::Rule;
use larder_model::{ProtocolName, RefScope};

fn pattern(text: &str) -> Pattern {
    text.parse().expect("pattern")
}

fn rules(rules: &[(&str, &str, Role)]) -> Arc<Rules> {
    let rule = |&(repository, package, role): &(&str, &str, Role)| Rule {
        grant: Some(1),
        repository: pattern(repository),
        package: pattern(package),
        refs: None,
        role,
    };
    Arc::new(rules.iter().map(rule).collect())
}

fn principal(held: &[(&str, &str, Role)]) -> Principal {
    Principal {
        user: Some(1),
        held: [Held {
            through: Arc::default(),
            rules: rules(held),
        }]
        .into(),
        ..Principal::new("user:test".to_owned(), Arc::default())
    }
}

fn reading(repo: &str) -> Permission {
    Permission {
        protocol: ProtocolName::OCI,
        repo: repo.parse().expect("name"),
        package: Some("app".into()),
        refs: RefScope::All,
        verb: Verb::Read,
    }
}

#[test]
fn limits_keep_what_everyone_may() {
    let mut caller = principal(&[("oci/own", "*", Role::Writer)]);
    caller.everyone = rules(&[("oci/open", "*", Role::Reader)]);
    caller.here = Some(rules(&[("oci/near", "*", Role::Reader)]));
    let narrow = TokenScope::of_role(pattern("oci/one"), pattern("*"), Role::Writer);
    caller.token_scopes = Some(vec![narrow.clone()]);
    for (repo, expected) in [
        ("open", true),
        ("near", true),
        ("own", false),
        ("one", false),
    ] {
        assert_eq!(caller.may(&reading(repo)), expected, "{repo}");
        assert_eq!(caller.may_somewhere(&reading(repo)), expected, "{repo}");
    }
    // A bearer token is for what it was asked for.
    caller.bearer_scopes = Some(vec![narrow]);
    assert!(!caller.may(&reading("open")) && !caller.may_somewhere(&reading("open")));
    assert!(caller.could(&reading("open")));
    // A superuser's limits too.
    caller.bearer_scopes = None;
    caller.superuser = true;
    assert!(caller.may(&reading("one")) && !caller.may(&reading("own")));
}

#[test]
fn a_ground_names_the_grant_and_the_groups() {
    let mut caller = principal(&[]);
    let through: Arc<[Box<str>]> = ["group:dev".into(), "group:all".into()].into();
    let by_group = Held {
        through: Arc::clone(&through),
        rules: rules(&[("oci/a", "app", Role::Reader)]),
    };
    caller.held = [by_group].into();
    let ground = Ground {
        grant: Some(1),
        through: through.to_vec(),
    };
    assert_eq!(caller.why(&reading("a")), Some(ground));
    assert_eq!(caller.why(&reading("b")), None);
    caller.superuser = true;
    let no_grant = Ground {
        grant: None,
        through: Vec::new(),
    };
    assert_eq!(caller.why(&reading("b")), Some(no_grant));
}

#[test]
fn to_administer_a_pattern_one_must_administer_all_of_it() {
    let admin = principal(&[("oci/team-*", "*", Role::Admin)]);
    for (asked, expected) in [
        ("oci/team-a", true),
        ("oci/team-*", true),
        ("oci/*", false),
        ("*", false),
    ] {
        assert_eq!(admin.administers(&pattern(asked)), expected, "{asked}");
    }
    assert!(!principal(&[("oci/*", "app*", Role::Admin)]).administers(&pattern("oci/a")));
    assert!(!principal(&[("oci/*", "*", Role::Maintainer)]).administers(&pattern("oci/a")));
    assert!(!principal(&[]).administers(&pattern("oci/a")));
}

#[test]
fn what_is_administered_has_one_of_the_beginnings() {
    let admin = principal(&[
        ("oci/team-*", "*", Role::Admin),
        ("oci/team-a", "*", Role::Admin),
        ("npm/*-x", "*", Role::Admin),
        ("pypi/own", "app", Role::Admin),
        ("rpm/own", "*", Role::Maintainer),
    ]);
    assert_eq!(admin.administered_beginnings(), ["npm/", "oci/team-"]);
    assert!(principal(&[]).administered_beginnings().is_empty());
    let mut superuser = principal(&[]);
    superuser.superuser = true;
    assert_eq!(superuser.administered_beginnings(), [""]);
    superuser.token_scopes = Some(vec![
        TokenScope::of_role(pattern("oci/a"), pattern("*"), Role::Admin),
        TokenScope::of_role(pattern("npm/a"), pattern("*"), Role::Reader),
    ]);
    assert_eq!(superuser.administered_beginnings(), ["oci/a"]);
}

#[test]
fn limits_narrow_what_is_administered() {
    let mut admin = principal(&[("oci/*", "*", Role::Admin)]);
    admin.token_scopes = Some(vec![TokenScope::of_role(
        pattern("oci/a"),
        pattern("*"),
        Role::Admin,
    )]);
    assert!(admin.administers(&pattern("oci/a")));
    assert!(!admin.administers(&pattern("oci/*")));
    admin.bearer_scopes = Some(vec![TokenScope::of_role(
        pattern("oci/a"),
        pattern("*"),
        Role::Reader,
    )]);
    assert!(!admin.administers(&pattern("oci/a")));
}

#[test]
fn limits_are_read_as_they_were_written() {
    let token_scopes = vec![
        TokenScope::of_role(pattern("oci/a"), pattern("*"), Role::Writer),
        TokenScope::of_role(pattern("*"), pattern("x*"), Role::Admin),
    ];
    assert_eq!(
        scopes_from_json(&scopes_to_json(&token_scopes)),
        Some(token_scopes)
    );
}

#[test]
fn limits_to_refs_are_stored_and_kept_to() {
    let scope = TokenScope::of_role(pattern("oci/a"), pattern("*"), Role::Writer);
    let scope = scope.with_refs(Some(pattern("refs/tags/*")));
    let stored = scopes_to_json(std::slice::from_ref(&scope));
    assert_eq!(
        stored,
        r#"[{"repository":"oci/a","package":"*","ref":"refs/tags/*","role":"writer"}]"#
    );
    assert_eq!(scopes_from_json(&stored), Some(vec![scope.clone()]));
    let mut caller = principal(&[("oci/*", "*", Role::Writer)]);
    caller.token_scopes = Some(vec![scope]);
    let may = |verb: Verb, name: &str| {
        caller.may(&Permission {
            verb,
            refs: RefScope::Named(name.into()),
            ..reading("a")
        })
    };
    assert!(may(Verb::Write, "refs/tags/v1") && may(Verb::Read, "refs/heads/main"));
    assert!(!may(Verb::Write, "refs/heads/main"));
    let anything = Permission {
        verb: Verb::Write,
        ..reading("a")
    };
    assert!(!caller.may(&anything) && !caller.may_somewhere(&anything));
}
