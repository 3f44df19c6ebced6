use super::*;

fn pattern(text: &str) -> Pattern {
    text.parse().expect("pattern")
}

#[test]
fn stars_stand_for_any_run() {
    for (text, name, expected) in [
        ("oci/team", "oci/team", true),
        ("oci/team", "oci/team2", false),
        ("oci/team-*", "oci/team-a", true),
        ("oci/team-*", "oci/team", false),
        ("*", "", true),
        ("*", "anything/at all", true),
        ("@acme/*", "@acme/x", true),
        ("@acme/*", "@acmex", false),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "a-c-b", false),
        ("a*a", "a", false),
        ("?", "x", false),
        ("%", "x", false),
    ] {
        assert_eq!(pattern(text).matches(name), expected, "{text} {name}");
    }
}

#[test]
fn covering_is_never_claimed_wrongly() {
    assert!(pattern("oci/*").covers(&pattern("oci/team-*")));
    assert!(pattern("*").covers(&pattern("oci/*")));
    assert!(!pattern("oci/team-*").covers(&pattern("oci/*")));
    assert!(!pattern("oci/a").covers(&pattern("*")));
}
