use super::*;

fn judged(repository: &str, package: &str) -> Result<(), Problem> {
    check(
        &repository.parse().expect(repository),
        &package.parse().expect(package),
    )
}

#[test]
fn patterns_that_can_match() {
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
        assert!(judged(good, "*").is_ok(), "{good}");
    }
    for bad in [
        "team",
        "oci/",
        "oci/Team",
        "ocy/team",
        "oci/a/b",
        "ocy/*",
        "*/Team",
        "oci/Te*",
        "x*",
        "oci/team/*",
        "svn/team",
    ] {
        assert_eq!(
            judged(bad, "*").expect_err(bad).about,
            "repository",
            "{bad}"
        );
    }
}

#[test]
fn the_right_spelling_is_told() {
    let says = |repository: &str, package: &str, text: &str| {
        let problem = judged(repository, package).expect_err(repository);
        assert!(problem.detail.contains(text), "{}", problem.detail);
    };
    says("oci/team/*", "*", "repository oci/team, package *");
    says("oci/team/app", "*", "repository oci/team, package app");
    says("ocy/team", "*", "did you mean oci/team?");
    says(
        "docker/team",
        "*",
        "the protocols are oci, cargo, npm, pypi, rpm",
    );
    says("pypi/local", "My_Package", "my-package");
    assert!(judged("pypi/local", "My_*").is_ok());
    assert!(judged("pypi/local", "my-package").is_ok());
    assert!(judged("*", "My_Package").is_ok());
}
