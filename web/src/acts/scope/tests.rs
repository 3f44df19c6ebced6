use super::*;

#[test]
fn patterns_that_can_match() {
    let check = |text: &str| check_repository(&text.parse().expect(text));
    for good in [
        "oci/team",
        "oci/team-*",
        "oci/*",
        "*",
        "*/team",
        "o*",
        "*i/t*m",
        "npm/docker.io",
    ] {
        assert!(check(good).is_ok(), "{good}");
    }
    for bad in [
        "team", "oci/", "oci/Team", "ocy/team", "oci/a/b", "ocy/*", "*/Team",
    ] {
        assert_eq!(check(bad).expect_err(bad).about, "repository", "{bad}");
    }
}
