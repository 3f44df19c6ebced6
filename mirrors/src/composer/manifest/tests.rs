use super::*;

#[test]
fn links_stay_inside() {
    for (link, target) in [
        ("l", "a"),
        ("a/l", "../b"),
        ("a/b/l", "../../c/d"),
        ("l", "a/../b"),
        ("l", "./a"),
    ] {
        assert!(stays_inside(link, target), "{link} {target}");
    }
    for (link, target) in [
        ("l", ".."),
        ("l", "/a"),
        ("l", "a/../../b"),
        ("a/l", "../../b"),
        ("l", "c:x"),
        ("l", "a\\b"),
        ("l", ""),
    ] {
        assert!(!stays_inside(link, target), "{link} {target}");
    }
}

#[test]
fn every_field_has_one_shape() {
    let mut names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FIELDS.len());
    // These are told by this server.
    for own in [
        "name",
        "version",
        "version_normalized",
        "dist",
        "source",
        "time",
    ] {
        assert!(!names.contains(&own), "{own}");
    }
}
