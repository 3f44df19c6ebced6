use super::*;
use larder_mirrors::{cargo::Cargo, npm::Npm, oci::Oci, pypi::Pypi, rpm::Rpm};
use larder_model::{RepoKind, RepoSettings, Timestamp};

fn refusal(
    protocol: &'static dyn Protocol,
    repo: &str,
    pattern: &str,
    package: &str,
) -> Option<String> {
    let repo = RepoRecord {
        id: 1,
        protocol: protocol.name(),
        name: repo.parse().expect("repo"),
        kind: RepoKind::Mirror,
        description: "".into(),
        settings: RepoSettings::default(),
        members: Vec::new(),
        created_at: Timestamp(0),
        is_limited: false,
    };
    let blocked = Blocked {
        package: pattern.parse().expect("pattern"),
        reason: Some("known malware".to_owned()),
    };
    let blocks = Blocks::new(protocol, vec![blocked]).expect("blocks");
    blocks
        .require_not_blocked(&repo, package)
        .err()
        .map(|problem| problem.detail.into_owned())
}

#[test]
fn patterns_mean_every_spelling() {
    for (protocol, pattern, package, blocked) in [
        (&Npm as &'static dyn Protocol, "evil-*", "evil-1", true),
        (&Npm, "evil-*", "good", false),
        (&Npm, "@evil/*", "@evil/x", true),
        (&Npm, "Evil", "evil", true), // old names differ in case alone
        (&Npm, "evil-*", "Evil-Tool", true),
        (&Pypi, "Evil_*", "evil-one", true),
        (&Pypi, "evil.-one", "evil-one", true),
        (&Cargo, "Evil_one", "evil-one", true),
        (&Rpm, "evil*", "evil-tools", true),
        (&Rpm, "*", "", false),
        (&Oci, "team/*", "team/app", true),
        (&Oci, "nginx", "library/nginx", false),
    ] {
        let refused = refusal(protocol, "up", pattern, package);
        assert_eq!(
            refused.is_some(),
            blocked,
            "{} {pattern} {package}: {refused:?}",
            protocol.name()
        );
    }
}

#[test]
fn the_hubs_own_images_have_two_names() {
    for pattern in ["nginx", "library/nginx", "ngin*"] {
        let refused = refusal(&Oci, "docker.io", pattern, "library/nginx").expect(pattern);
        assert_eq!(
            refused,
            "library/nginx is blocked in oci/docker.io: known malware"
        );
    }
    assert_eq!(refusal(&Oci, "docker.io", "nginx", "team/nginx"), None);
}
