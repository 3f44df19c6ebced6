use super::*;

/// The versions from the lowest to the highest, with their series; what is none is left out.
fn order(releases: &[Option<Release>], versions: &[&str]) -> Vec<String> {
    let mut found: Vec<(usize, String)> = releases
        .iter()
        .zip(versions)
        .filter_map(|(release, version)| {
            let release = (*release)?;
            let (epoch, major) = release.major;
            let before = if release.is_prerelease { " pre" } else { "" };
            let text = format!("{version} {epoch}.{major}.{}{before}", release.minor);
            Some((release.rank, text))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn semantic_versions() {
    let versions = [
        "1.10.0",
        "1.9.0",
        "2.0.0-rc.1",
        "2.0.0",
        "latest",
        "1.0",
        "2.0.0-rc.1+b",
    ];
    let expected = [
        "1.9.0 0.1.9",
        "1.10.0 0.1.10",
        "2.0.0-rc.1 0.2.0 pre",
        "2.0.0-rc.1+b 0.2.0 pre",
        "2.0.0 0.2.0",
    ];
    assert_eq!(order(&semantic(&versions), &versions), expected);
}

#[test]
fn tags_that_look_like_versions() {
    let versions = [
        "v1.2.3",
        "1.2",
        "2",
        "1.2.3-alpine",
        "latest",
        "1.2.3.4",
        "v",
        "1.x",
        "main-2",
        "1.3.0_b1",
        "1.2.10",
        "1.2.3-01",
    ];
    let expected = [
        "1.2 0.1.2",
        "1.2.3-alpine 0.1.2 pre",
        "1.2.3-01 0.1.2 pre",
        "v1.2.3 0.1.2",
        "1.2.10 0.1.2",
        "1.3.0_b1 0.1.3",
        "2 0.2.0",
    ];
    assert_eq!(order(&tags(&versions), &versions), expected);
}

#[test]
fn equal_versions_have_one_rank() {
    let releases = tags(&["v1.0.0", "1.0.0", "1.0"]);
    let ranks: Vec<_> = releases
        .iter()
        .flatten()
        .map(|release| release.rank)
        .collect();
    assert_eq!(ranks, [0, 0, 0]);
}

#[test]
fn python_versions() {
    let versions = [
        "1.0",
        "1!0.5",
        "1.0.post1",
        "1.0rc1",
        "1.0.dev3",
        "2.1a1",
        "1.10",
        "1.9",
        "?",
    ];
    let expected = [
        "1.0.dev3 0.1.0 pre",
        "1.0rc1 0.1.0 pre",
        "1.0 0.1.0",
        "1.0.post1 0.1.0",
        "1.9 0.1.9",
        "1.10 0.1.10",
        "2.1a1 0.2.1 pre",
        "1!0.5 1.0.5",
    ];
    let releases = crate::of(larder_model::ProtocolName("pypi"))
        .expect("pypi")
        .releases(&versions);
    assert_eq!(order(&releases, &versions), expected);
}

#[test]
fn editions_of_rpms() {
    let versions = [
        "1.10-1.x86_64",
        "1.9-2.x86_64",
        "1.9-10.x86_64",
        "2.0~rc1-1.noarch",
        "2.0-1.noarch",
        "2.0^git1-1.noarch",
        "1:0.1-1.x86_64",
        "1.9-2.aarch64",
        "1.a-1.noarch",
    ];
    let expected = [
        "1.a-1.noarch 0.1.0",
        "1.9-2.aarch64 0.1.9",
        "1.9-2.x86_64 0.1.9",
        "1.9-10.x86_64 0.1.9",
        "1.10-1.x86_64 0.1.10",
        "2.0~rc1-1.noarch 0.2.0 pre",
        "2.0-1.noarch 0.2.0",
        "2.0^git1-1.noarch 0.2.0",
        "1:0.1-1.x86_64 1.0.1",
    ];
    let releases = crate::of(larder_model::ProtocolName("rpm"))
        .expect("rpm")
        .releases(&versions);
    assert_eq!(order(&releases, &versions), expected);
}
