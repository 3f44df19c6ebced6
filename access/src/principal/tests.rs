use super::*;

fn pattern(text: &str) -> Pattern {
    text.parse().expect("pattern")
}

fn principal(rules: &[(&str, &str, Role)]) -> Principal {
    let rule = |&(repository, package, role): &(&str, &str, Role)| Rule {
        id: Some(1),
        repository: pattern(repository),
        package: pattern(package),
        role,
    };
    Principal {
        user: Some(1),
        label: "user:test".into(),
        superuser: false,
        rules: rules.iter().map(rule).collect(),
        token_scopes: None,
        bearer_scopes: None,
        token: None,
    }
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
