//! Rules of a subject, found by repository and package and not by looking at all of them.

use larder_metadata::grants::Grant;
use larder_model::{Pattern, Permission, RefScope, Role, Verb};
use std::collections::HashMap;

/// These packages of these repositories, in this role.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// The grant that it comes from; `None`: it follows from what a repo is.
    pub(crate) grant: Option<i64>,
    pub(crate) repository: Pattern,
    pub(crate) package: Pattern,
    /// Refs that may be changed; `None`: all, and whatever else a package has.
    pub(crate) refs: Option<Pattern>,
    pub(crate) role: Role,
}

impl From<Grant> for Rule {
    fn from(grant: Grant) -> Self {
        Self {
            grant: Some(grant.id),
            repository: grant.repository,
            package: grant.package,
            refs: grant.refs,
            role: grant.role,
        }
    }
}

impl Rule {
    fn allows(&self, permission: &Permission, repository: &str) -> bool {
        self.role.allows(permission.verb)
            && covers(&self.repository, &self.package, permission, repository)
            && reaches(self.refs.as_ref(), permission)
    }

    /// Whether it allows `verb` on all refs of its packages.
    fn allows_all_refs(&self, verb: Verb) -> bool {
        self.role.allows(verb) && (self.refs.is_none() || is_read(verb))
    }
}

/// Whether patterns stand for what a permission is about. A permission without a package means the
/// whole repo: to read (its list is filtered again) any package will do, to change it all must be
/// covered.
pub(crate) fn covers(
    repositories: &Pattern,
    packages: &Pattern,
    permission: &Permission,
    repository: &str,
) -> bool {
    repositories.matches(repository)
        && match &permission.package {
            Some(package) => packages.matches(package),
            None => is_read(permission.verb) || packages.is_all(),
        }
}

/// Whether a limit to some refs leaves room for a permission. It limits what is changed: whoever may
/// read a repository may read all that its refs stand for.
pub(crate) fn reaches(refs: Option<&Pattern>, permission: &Permission) -> bool {
    let Some(refs) = refs else { return true };
    let is_meant = match &permission.refs {
        RefScope::All => false,
        RefScope::Any => true,
        RefScope::Named(name) => refs.matches(name),
    };
    is_meant || is_read(permission.verb)
}

const fn is_read(verb: Verb) -> bool {
    matches!(verb, Verb::Read | Verb::List)
}

/// Rules of one repository.
#[derive(Default, Debug)]
struct RepositoryRules {
    /// For one package each, by its name.
    named: HashMap<Box<str>, Vec<Rule>>,
    /// For packages of a pattern.
    patterns: Vec<Rule>,
}

/// The rules of a subject.
#[derive(Default, Debug)]
pub(crate) struct Rules {
    /// For one repository each, by its name, e.g. `oci/team`.
    named: HashMap<Box<str>, RepositoryRules>,
    /// For repositories of a pattern.
    patterns: Vec<Rule>,
}

impl FromIterator<Rule> for Rules {
    fn from_iter<T: IntoIterator<Item = Rule>>(rules: T) -> Self {
        let mut all = Self::default();
        for rule in rules {
            if rule.repository.is_pattern() {
                all.patterns.push(rule);
                continue;
            }
            let repository = rule.repository.as_str().into();
            let of_repository = all.named.entry(repository).or_default();
            if rule.package.is_pattern() {
                of_repository.patterns.push(rule);
            } else {
                let package = rule.package.as_str().into();
                of_repository.named.entry(package).or_default().push(rule);
            }
        }
        all
    }
}

impl Rules {
    /// A rule that allows `permission` in `repository`, which is the permission's own.
    pub(crate) fn find(&self, permission: &Permission, repository: &str) -> Option<&Rule> {
        let of_repository = self.named.get(repository);
        let whole = of_repository.into_iter().flat_map(|rules| &rules.patterns);
        let allows = |rule: &&Rule| rule.allows(permission, repository);
        let wide = whole.chain(&self.patterns).find(allows);
        wide.or_else(|| match &permission.package {
            Some(package) => of_repository?.named.get(&**package)?.iter().find(allows),
            None if is_read(permission.verb) => {
                of_repository?.named.values().flatten().find(allows)
            }
            None => None,
        })
    }

    /// Whether a rule allows `verb` for some package of `repository`.
    pub(crate) fn allow_somewhere(&self, verb: Verb, repository: &str) -> bool {
        let of_repository = self.named.get(repository);
        let whole = of_repository.into_iter().flat_map(|rules| &rules.patterns);
        let named = of_repository
            .into_iter()
            .flat_map(|rules| rules.named.values());
        let wide = self
            .patterns
            .iter()
            .filter(|rule| rule.repository.matches(repository));
        let mut all = whole.chain(named.flatten()).chain(wide);
        all.any(|rule| rule.allows_all_refs(verb))
    }

    /// Whether a rule makes an administrator of all that `repositories` stands for: of whole repos
    /// and not only of packages of them.
    pub(crate) fn administer(&self, repositories: &Pattern) -> bool {
        let of_repository = self.named.get(repositories.as_str());
        let whole = of_repository.into_iter().flat_map(|rules| &rules.patterns);
        let mut all = whole.chain(&self.patterns);
        all.any(|rule| {
            rule.allows_all_refs(Verb::Administer)
                && rule.package.is_all()
                && rule.repository.covers(repositories)
        })
    }

    /// Patterns of repositories that a rule makes an administrator of all packages of.
    pub(crate) fn administered(&self) -> impl Iterator<Item = &Pattern> {
        let of_one = self.named.values().flat_map(|rules| &rules.patterns);
        let all = of_one.chain(&self.patterns);
        all.filter(|rule| rule.allows_all_refs(Verb::Administer) && rule.package.is_all())
            .map(|rule| &rule.repository)
    }

    /// Whether a rule stands for all packages of `repository`.
    pub(crate) fn cover_all_of(&self, repository: &str) -> bool {
        let of_repository = self.named.get(repository);
        let whole = of_repository.into_iter().flat_map(|rules| &rules.patterns);
        let mut all = whole.chain(&self.patterns);
        all.any(|rule| rule.package.is_all() && rule.repository.matches(repository))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.patterns.is_empty()
    }
}

#[cfg(test)]
mod tests;
