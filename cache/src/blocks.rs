//! Packages that an operator does not let through, kept or not.

use larder_metadata::repos::RepoRecord;
use larder_mirrors::Protocol;
use larder_model::{Blocked, Kind, Pattern, Problem};

/// What is blocked in a repo.
pub(crate) struct Blocks {
    protocol: &'static dyn Protocol,
    patterns: Vec<(Pattern, Option<String>)>,
}

impl Blocks {
    /// The settings of a repo, in the one spelling that its protocol knows each name by.
    pub(crate) fn new(
        protocol: &'static dyn Protocol,
        blocked: Vec<Blocked>,
    ) -> Result<Self, Problem> {
        let one = |blocked: Blocked| {
            let pattern = protocol
                .names()
                .canonical(blocked.package.as_str())
                .parse()
                .map_err(Problem::internal)?;
            Ok::<_, Problem>((pattern, blocked.reason))
        };
        let patterns = blocked.into_iter().map(one).collect::<Result<_, _>>()?;
        Ok(Self { protocol, patterns })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Fails if a package, in its canonical form, is blocked in `repo`. What is of no package never
    /// is.
    pub(crate) fn require_not_blocked(
        &self,
        repo: &RepoRecord,
        package: &str,
    ) -> Result<(), Problem> {
        if self.patterns.is_empty() || package.is_empty() {
            return Ok(());
        }
        let alias = self.protocol.names().hub_alias(&repo.name, package);
        let meant = |pattern: &Pattern| {
            pattern.matches(package) || alias.is_some_and(|alias| pattern.matches(alias))
        };
        let Some((_, reason)) = self.patterns.iter().find(|(pattern, _)| meant(pattern)) else {
            return Ok(());
        };
        let place = format!("{package} is blocked in {}/{}", repo.protocol, repo.name);
        let detail = match reason {
            Some(reason) => format!("{place}: {reason}"),
            None => format!("{place} by those who look after it"),
        };
        Err(Problem::new(Kind::Policy, "package", detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_mirrors::{cargo::Cargo, npm::Npm, oci::Oci, pypi::Pypi, rpm::Rpm};
    use larder_model::{RepoKind, RepoSettings, Timestamp};

    fn told(
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
            (&Npm, "Evil", "evil", false), // old names differ in case
            (&Pypi, "Evil_*", "evil-one", true),
            (&Pypi, "evil.-one", "evil-one", true),
            (&Cargo, "Evil_one", "evil-one", true),
            (&Rpm, "evil*", "evil-tools", true),
            (&Rpm, "*", "", false),
            (&Oci, "team/*", "team/app", true),
            (&Oci, "nginx", "library/nginx", false),
        ] {
            let told = told(protocol, "up", pattern, package);
            assert_eq!(
                told.is_some(),
                blocked,
                "{} {pattern} {package}: {told:?}",
                protocol.name()
            );
        }
    }

    #[test]
    fn the_hubs_own_images_have_two_names() {
        for pattern in ["nginx", "library/nginx", "ngin*"] {
            let told = told(&Oci, "docker.io", pattern, "library/nginx").expect(pattern);
            assert_eq!(
                told,
                "library/nginx is blocked in oci/docker.io: known malware"
            );
        }
        assert_eq!(told(&Oci, "docker.io", "nginx", "team/nginx"), None);
    }
}
