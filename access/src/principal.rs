//! Who is asking.

use larder_model::{Kind, Pattern, Permission, Problem, Role, Verb};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One rule that applies to a principal: these packages of these repositories, in this role.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// The grant that it comes from; `None`: it follows from what a repo is.
    pub(crate) id: Option<i64>,
    pub(crate) repository: Pattern,
    pub(crate) package: Pattern,
    pub(crate) role: Role,
}

impl Rule {
    fn allows(&self, permission: &Permission, repository: &str) -> bool {
        self.role.allows(permission.verb)
            && covers(&self.repository, &self.package, permission, repository)
    }
}

/// Where a token was made for less than all: what it may touch at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenScope {
    /// Repositories, e.g. `oci/team`.
    pub repository: Pattern,
    /// Packages in them.
    pub package: Pattern,
    /// What may be done there.
    pub verbs: Vec<Verb>,
}

impl TokenScope {
    /// The limit to what a role allows.
    pub fn of_role(repository: Pattern, package: Pattern, role: Role) -> Self {
        Self {
            repository,
            package,
            verbs: verbs_of(role),
        }
    }

    /// Whether the limit leaves room for `permission` in `repository`.
    fn allows(&self, permission: &Permission, repository: &str) -> bool {
        self.verbs.contains(&permission.verb)
            && covers(&self.repository, &self.package, permission, repository)
    }
}

/// A permission without a package means the whole repo: to read (its list is filtered again) any
/// package will do, to change it all must be covered.
fn covers(
    repositories: &Pattern,
    packages: &Pattern,
    permission: &Permission,
    repository: &str,
) -> bool {
    repositories.matches(repository)
        && match &permission.package {
            Some(package) => packages.matches(package),
            None => matches!(permission.verb, Verb::Read | Verb::List) || packages.as_str() == "*",
        }
}

fn leaves_room(token_scopes: Option<&[TokenScope]>, permission: &Permission) -> bool {
    let repository = || permission.repository();
    token_scopes.is_none_or(|token_scopes| {
        token_scopes
            .iter()
            .any(|scope| scope.allows(permission, &repository()))
    })
}

/// An identified caller with the rules that apply to it. Anonymous callers are principals too.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The user's id; `None`: anonymous.
    pub user: Option<i64>,
    /// `user:alice`, `robot:ci` or `anonymous`: how logs and rows name it.
    pub label: Arc<str>,
    /// Whether its user may do everything.
    pub(crate) superuser: bool,
    pub(crate) rules: Arc<[Rule]>,
    /// What the token that was shown was made for, if it was made for less than all.
    pub(crate) token_scopes: Option<Vec<TokenScope>>,
    /// What a bearer token of the token endpoint was asked for.
    pub(crate) bearer_scopes: Option<Vec<TokenScope>>,
    /// The `lrd_` token that was shown, if one was.
    pub(crate) token: Option<i64>,
}

impl Principal {
    /// The user's bare name; `None`: anonymous.
    pub fn name(&self) -> Option<&str> {
        self.label.split_once(':').map(|(_, name)| name)
    }

    /// The id of the long-lived token that was shown, if one was.
    pub const fn token(&self) -> Option<i64> {
        self.token
    }

    /// Whether everything is allowed: a limited token of a superuser is no superuser.
    pub fn is_superuser(&self) -> bool {
        self.superuser && self.is_unlimited()
    }

    /// Whether no limit of a token narrows what the user may.
    pub fn is_unlimited(&self) -> bool {
        self.token_scopes.is_none() && self.bearer_scopes.is_none()
    }

    /// Fails unless it is someone, whoever it is.
    pub fn require_identified(&self) -> Result<(), Problem> {
        if self.user.is_some() {
            return Ok(());
        }
        Err(Problem::new(
            Kind::Unauthenticated,
            "access",
            "authentication required: log in with a user or token",
        ))
    }

    /// Fails unless it is someone with all its rights: a token that was made for less must not make
    /// itself more.
    pub fn require_unlimited(&self) -> Result<(), Problem> {
        self.require_identified()?;
        if self.is_unlimited() {
            return Ok(());
        }
        let detail =
            "this token is limited to some repositories; use a password or a token without limits";
        Err(Problem::new(Kind::Denied, "access", detail))
    }

    /// Whether its bearer token was asked for the catalog, if it showed one: what the catalog lists
    /// lies outside of any image.
    pub fn is_for_catalog(&self) -> bool {
        let lists = |scope: &TokenScope| {
            scope.verbs == [Verb::List] && scope.repository.as_str() == "oci/*"
        };
        self.bearer_scopes
            .as_deref()
            .is_none_or(|bearer_scopes| bearer_scopes.iter().any(lists))
    }

    /// Whether it may do `permission`.
    pub fn may(&self, permission: &Permission) -> bool {
        leaves_room(self.bearer_scopes.as_deref(), permission) && self.could(permission)
    }

    /// Whether it may do this to any package of the permission's repo.
    pub fn may_somewhere(&self, permission: &Permission) -> bool {
        let repository = permission.repository();
        let rule =
            |rule: &Rule| rule.role.allows(permission.verb) && rule.repository.matches(&repository);
        let scope = |scope: &TokenScope| {
            scope.verbs.contains(&permission.verb) && scope.repository.matches(&repository)
        };
        let narrowed = self.token_scopes.iter().chain(&self.bearer_scopes);
        narrowed
            .into_iter()
            .all(|token_scopes| token_scopes.iter().any(scope))
            && (self.superuser || self.rules.iter().any(rule))
    }

    /// Whether it could do `permission` if its bearer token had been asked for that too: what the
    /// user, and the token it was got with, may do.
    pub fn could(&self, permission: &Permission) -> bool {
        leaves_room(self.token_scopes.as_deref(), permission)
            && self.holds(permission, &permission.repository())
    }

    fn holds(&self, permission: &Permission, repository: &str) -> bool {
        self.superuser
            || self
                .rules
                .iter()
                .any(|rule| rule.allows(permission, repository))
    }

    /// Whether it administers all that `repositories` stands for, whole repos and not only packages
    /// of them.
    pub fn administers(&self, repositories: &Pattern) -> bool {
        let rule = |rule: &Rule| {
            rule.role.allows(Verb::Administer)
                && rule.package.as_str() == "*"
                && rule.repository.covers(repositories)
        };
        let scope = |scope: &TokenScope| {
            scope.verbs.contains(&Verb::Administer)
                && scope.package.as_str() == "*"
                && scope.repository.covers(repositories)
        };
        let narrowed = self.token_scopes.iter().chain(&self.bearer_scopes);
        narrowed
            .into_iter()
            .all(|token_scopes| token_scopes.iter().any(scope))
            && (self.superuser || self.rules.iter().any(rule))
    }

    /// The grant by which it may do `permission`.
    pub fn by_which(&self, permission: &Permission) -> Option<i64> {
        let repository = permission.repository();
        self.rules
            .iter()
            .find(|rule| rule.allows(permission, &repository))
            .and_then(|rule| rule.id)
    }
}

/// A limit as it is stored and as the API shows it.
#[derive(Serialize, Deserialize)]
struct StoredScope {
    repository: Pattern,
    package: Pattern,
    role: String,
}

/// Reads a token's stored limits: `[{"repository","package","role"}]`.
pub(crate) fn scopes_from_json(text: &str) -> Option<Vec<TokenScope>> {
    let stored: Vec<StoredScope> = serde_json::from_str(text).ok()?;
    let scope = |stored: StoredScope| {
        let role: Role = stored.role.parse().ok()?;
        Some(TokenScope::of_role(stored.repository, stored.package, role))
    };
    stored.into_iter().map(scope).collect()
}

/// Writes limits that came from roles, as a token's row keeps them.
pub fn scopes_to_json(token_scopes: &[TokenScope]) -> String {
    let stored = token_scopes.iter().map(|scope| {
        let roles = [Role::Admin, Role::Maintainer, Role::Writer, Role::Reader];
        let role = roles
            .into_iter()
            .find(|role| verbs_of(*role) == scope.verbs)
            .unwrap_or(Role::Reader);
        StoredScope {
            repository: scope.repository.clone(),
            package: scope.package.clone(),
            role: role.word().to_owned(),
        }
    });
    serde_json::to_string(&stored.collect::<Vec<_>>()).unwrap_or_else(|_| "[]".to_owned())
}

fn verbs_of(role: Role) -> Vec<Verb> {
    let all = [
        Verb::List,
        Verb::Read,
        Verb::Write,
        Verb::Delete,
        Verb::Administer,
    ];
    all.into_iter().filter(|verb| role.allows(*verb)).collect()
}

#[cfg(test)]
mod tests;
