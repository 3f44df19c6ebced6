use super::*;

/// What Composer's own parser makes of texts.
const GOLDEN: &str = include_str!("../testdata/versions.tsv");

#[test]
fn texts_become_what_composer_makes_of_them() {
    for line in GOLDEN.lines() {
        let (text, normal) = line.split_once('\t').expect("two columns");
        let text: String = serde_json::from_str(text).expect("text");
        let normal: Option<String> = serde_json::from_str(normal).expect("normal form");
        assert_eq!(normalized(&text), normal, "{text:?}");
    }
}

#[test]
fn branches_are_told_from_releases() {
    for version in [
        "dev-main",
        "1.x-dev",
        "1.0.0-dev",
        "dev-a/b",
        "9999999-dev",
        "1.0-beta.dev",
    ] {
        assert!(is_branch(version), "{version}");
    }
    for version in ["1.0.0", "v2", "1.0-beta1", "20100102", "1.0.0+dev"] {
        assert!(!is_branch(version), "{version}");
    }
}

#[test]
fn releases_are_in_composers_order() {
    let sorted = [
        "0.9",
        "1.0.0-alpha1",
        "1.0.0-alpha2",
        "1.0.0-beta",
        "1.0.0-beta2",
        "1.0.0-beta10",
        "1.0.0-RC1",
        "1.0.0",
        "1.0.0-p1",
        "1.0.1",
        "1.2",
        "1.10",
        "v2.0.0",
    ];
    let found = releases(&sorted);
    let ranks: Vec<usize> = found
        .iter()
        .map(|release| release.as_ref().expect("a version").rank)
        .collect();
    assert!(ranks.is_sorted_by(|one, other| one < other), "{ranks:?}");
    let alike = releases(&["1.0", "v1.0.0", "dev-main", "1.x-dev", "nonsense"]);
    let rank = |at: usize| alike[at].as_ref().map(|release| release.rank);
    assert_eq!(rank(0), rank(1));
    assert_eq!([rank(2), rank(3), rank(4)], [None; 3]);
    let beta = &releases(&["3.4.5-beta2"])[0];
    let beta = beta.as_ref().expect("a version");
    assert_eq!(
        (beta.major, beta.minor, beta.is_prerelease),
        ((0, 3), 4, true)
    );
}
