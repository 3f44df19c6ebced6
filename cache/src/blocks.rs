//! Packages that an operator does not let through, kept or not.

use larder_metadata::repos::RepoRecord;
use larder_mirrors::Protocol;
use larder_model::{Blocked, Kind, Pattern, Problem, RuleKind, Ruling};

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
            let names = protocol.names();
            let canonical = names.canonical(blocked.package.as_str());
            let pattern = names.claimed(&canonical).parse();
            Ok::<_, Problem>((pattern.map_err(Problem::internal)?, blocked.reason))
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
        let names = self.protocol.names();
        let (claimed, alias) = (names.claimed(package), names.hub_alias(&repo.name, package));
        let meant = |pattern: &Pattern| {
            pattern.matches(&claimed) || alias.is_some_and(|alias| pattern.matches(alias))
        };
        let Some((_, reason)) = self.patterns.iter().find(|(pattern, _)| meant(pattern)) else {
            return Ok(());
        };
        let sentence = format!("{package} is blocked in {}/{}", repo.protocol, repo.name);
        let detail = match reason {
            Some(reason) => format!("{sentence}: {reason}"),
            None => format!("{sentence} by those who look after it"),
        };
        let ruling = Ruling {
            repository: Some(format!("{}/{}", repo.protocol, repo.name).into()),
            package: Some(package.into()),
            ..Ruling::of(RuleKind::Block)
        };
        Err(Problem::new(Kind::Policy, "package", detail).ruled(ruling))
    }
}

#[cfg(test)]
mod tests;
