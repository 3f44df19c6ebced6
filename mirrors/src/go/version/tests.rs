use super::*;
use crate::releases::ranked;

/// What golang.org/x/mod says of versions (tests/harness/sumdb writes it).
const GOLDEN: &str = include_str!("../testdata/versions.txt");
const PATHS: [&str; 5] = [
    "example.com/a",
    "example.com/a/v2",
    "gopkg.in/a.v1",
    "gopkg.in/a.v2",
    "gopkg.in/a.v2-unstable",
];

#[test]
fn versions_are_those_of_the_client() {
    let (mut count, mut order) = (0, Vec::new());
    for line in GOLDEN.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        if let ["order", all] = fields[..] {
            order = all.split(' ').collect();
            continue;
        }
        let [text, is_canonical, is_pseudo, fits] = fields[..] else {
            panic!("a line of four fields: {line}");
        };
        let version = Version::parse(text);
        assert_eq!(version.is_some().to_string(), is_canonical, "{text}");
        let own = version.as_ref().is_some_and(Version::is_pseudo);
        assert_eq!(own.to_string(), is_pseudo, "{text}");
        if let Some(version) = &version {
            let own: Vec<&str> = PATHS
                .into_iter()
                .filter(|path| version.fits(path))
                .collect();
            assert_eq!(own.join(" "), fits, "{text}");
        }
        count += 1;
    }
    assert!(count > 20 && order.len() > 10);
    for pair in order.windows(2) {
        let version = |text| Version::parse(text).expect("a version");
        let (one, other) = (version(pair[0]), version(pair[1]));
        assert_eq!(one.compare(&other), Ordering::Less, "{pair:?}");
    }
}

#[test]
fn releases_have_a_major_and_a_minor_version() {
    let all = ["v1.2.3", "main", "v2.0.0+incompatible", "v2.1.0-pre"];
    let releases = ranked(&all, Version::numbered, Version::compare);
    let told: Vec<_> = releases
        .iter()
        .map(|release| {
            release
                .as_ref()
                .map(|it| (it.major, it.minor, it.is_prerelease))
        })
        .collect();
    let expected = [
        Some(((0, 1), 2, false)),
        None,
        Some(((0, 2), 0, false)),
        Some(((0, 2), 1, true)),
    ];
    assert_eq!(told, expected);
}
