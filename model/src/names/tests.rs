use super::*;

#[test]
fn components_follow_the_grammar() {
    for good in [
        "a",
        "a0",
        "a.b",
        "a_b",
        "a__b",
        "a-b",
        "a---b",
        "docker.io",
        "0",
        "a.b_c-d",
    ] {
        assert!(is_component(good), "{good}");
    }
    for bad in [
        "", "A", ".a", "a.", "a..b", "a___b", "a-", "-a", "a._b", "a/b", "a b", "ä", "a_-b", "a%41",
    ] {
        assert!(!is_component(bad), "{bad}");
    }
}

#[test]
fn users_and_packages() {
    assert!("ci-bot@acme".parse::<UserName>().is_ok());
    for bad in ["", "-a", "a b", "a:b", "a/b", "a\n", &"a".repeat(65)] {
        assert!(bad.parse::<UserName>().is_err(), "{bad}");
    }
    assert!("@acme/left-pad".parse::<PackageName>().is_ok());
    assert!("a\0b".parse::<PackageName>().is_err());
    assert!("oci".parse::<ProtocolName>().is_ok());
    assert!("OCI".parse::<ProtocolName>().is_err());
}

#[test]
fn each_repository_has_a_key_of_its_own() {
    assert_eq!(client_key("main"), "larder");
    assert_eq!(client_key("team"), "larder-team");
    assert_eq!(client_key("a.b"), "larder-a-b");
}
