use super::*;
use larder_model::Timestamp;

fn version(name: String, at: i64) -> api::Version {
    api::Version {
        version: name,
        hosted: true,
        repository: "npm/local".parse().expect("a repository"),
        digest: None,
        yanked: Yanked::No,
        deprecated: None,
        tags: Vec::new(),
        files: 1,
        bytes: 1,
        image: None,
        created_at: Timestamp(at),
        created_by: "user:admin".to_owned(),
        last_used_at: None,
        downloads: 0,
        total_downloads: 0,
    }
}

fn names(versions: &[api::Version]) -> Vec<&str> {
    versions.iter().map(|version| &*version.version).collect()
}

#[test]
fn the_newest_version_is_first() {
    let all = || {
        let all = [("1.0", 1), ("1.1", 2), ("0.9", 3), ("0.8", 3)];
        all.map(|(name, at)| version(name.to_owned(), at)).to_vec()
    };
    let (versions, next) = page_of(all(), false, "");
    assert_eq!(
        (names(&versions), next),
        (vec!["0.9", "0.8", "1.1", "1.0"], None)
    );
    let (versions, _) = page_of(all(), false, "0.8");
    assert_eq!(names(&versions), ["1.1", "1.0"]);
    let (versions, _) = page_of(all(), true, "");
    assert_eq!(names(&versions), ["1.0", "1.1", "0.9", "0.8"]);
}

#[test]
fn pages_of_versions_follow_each_other() {
    let all: Vec<_> = (0..120).map(|at| version(format!("1.{at}"), at)).collect();
    let (mut seen, mut after) = (0, String::new());
    loop {
        let (versions, next) = page_of(all.clone(), false, &after);
        let first = versions.first().expect("a version");
        assert_eq!(first.version, format!("1.{}", 119 - seen));
        seen += versions.len();
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(seen, 120);
}
