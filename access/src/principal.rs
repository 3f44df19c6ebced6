//! Who is asking.

use crate::rules::{Rules, covers, reaches};
use larder_metadata::shown::Shown;
use larder_model::{Kind, Pattern, Permission, Problem, Role, Subject, Timestamp, Verb};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Rules that a user holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The groups by which it holds them, as `group:dev`: the one that it is in, then the one that
    /// holds this. Empty: by itself, or as everyone who shows credentials.
    pub(crate) through: Arc<[Box<str>]>,
    pub(crate) rules: Arc<Rules>,
}

/// Why something is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// The grant; `None`: it follows from what a repo is, or the caller is a superuser.
    pub grant: Option<i64>,
    /// The groups by which the grant applies, as `group:dev`, from the caller outwards.
    pub through: Vec<Box<str>>,
}

/// Where a token was made for less than all: what it may touch at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenScope {
    /// Repositories, e.g. `oci/team`.
    pub repository: Pattern,
    /// Packages in them.
    pub package: Pattern,
    /// Refs of those that may be changed; `None`: all, and whatever else a package has.
    pub refs: Option<Pattern>,
    /// What may be done there.
    pub verbs: Vec<Verb>,
}

impl TokenScope {
    /// The limit to what a role allows.
    pub fn of_role(repository: Pattern, package: Pattern, role: Role) -> Self {
        Self {
            repository,
            package,
            refs: None,
            verbs: verbs_of(role),
        }
    }

    /// The same for some refs alone.
    #[must_use]
    pub fn with_refs(self, refs: Option<Pattern>) -> Self {
        Self { refs, ..self }
    }

    /// Whether the limit leaves room for `permission` in `repository`.
    fn allows(&self, permission: &Permission, repository: &str) -> bool {
        self.verbs.contains(&permission.verb)
            && covers(&self.repository, &self.package, permission, repository)
            && reaches(self.refs.as_ref(), permission)
    }
}

/// Whether limits leave room for `permission` in `repository`, which is its own.
fn leaves_room(limits: Option<&[TokenScope]>, permission: &Permission, repository: &str) -> bool {
    let allows = |scope: &TokenScope| scope.allows(permission, repository);
    limits.is_none_or(|limits| limits.iter().any(allows))
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
    /// What it holds as someone. No limit of a token widens this.
    pub(crate) held: Arc<[Held]>,
    /// What everyone holds, from anywhere. No limit of a token takes this away.
    pub(crate) everyone: Arc<Rules>,
    /// What everyone holds from where the caller is.
    pub(crate) here: Option<Arc<Rules>>,
    /// What the token that was shown was made for, if it was made for less than all.
    pub(crate) token_scopes: Option<Vec<TokenScope>>,
    /// What a bearer token of the token endpoint was asked for.
    pub(crate) bearer_scopes: Option<Vec<TokenScope>>,
    /// The `lrd_` token that was shown, if one was.
    pub(crate) token: Option<i64>,
    /// When what was shown ends, if it does.
    pub(crate) ends: Option<Timestamp>,
    /// The session in which it asks, if a browser's cookie says who it is.
    pub(crate) session: Option<i64>,
    /// Where a password was shown: when it became what it is.
    pub(crate) password_set: Option<Timestamp>,
}

impl Principal {
    /// Whoever is told of as `label`, with the rules of everyone alone.
    pub(crate) fn new(label: String, everyone: Arc<Rules>) -> Self {
        Self {
            user: None,
            label: label.into(),
            superuser: false,
            held: Arc::default(),
            everyone,
            here: None,
            token_scopes: None,
            bearer_scopes: None,
            token: None,
            ends: None,
            session: None,
            password_set: None,
        }
    }

    /// What it has shown, for what is made with that.
    pub(crate) fn shown(&self) -> Shown {
        match (self.token, self.session, self.user.zip(self.password_set)) {
            (Some(token), _, _) => Shown::Token(token),
            (None, Some(session), _) => Shown::Session(session),
            (None, None, Some((user, changed_at))) => Shown::Password { user, changed_at },
            (None, None, None) => Shown::Nothing,
        }
    }

    /// Whoever shows no credentials.
    pub(crate) fn nobody(everyone: Arc<Rules>) -> Self {
        Self::new(Subject::Anonymous.to_string(), everyone)
    }

    /// The user's bare name; `None`: anonymous.
    pub fn name(&self) -> Option<&str> {
        self.label.split_once(':').map(|(_, name)| name)
    }

    /// The id of the long-lived token that was shown, if one was.
    pub const fn token(&self) -> Option<i64> {
        self.token
    }

    /// The id of the session in which it asks, if a browser's cookie says who it is.
    pub const fn session(&self) -> Option<i64> {
        self.session
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
        Err(Problem::new(Kind::Denied, "access", detail).as_refusal())
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
        self.bearer_leaves_room(permission) && self.could(permission)
    }

    fn bearer_leaves_room(&self, permission: &Permission) -> bool {
        let scopes = self.bearer_scopes.as_deref();
        scopes.is_none_or(|_| leaves_room(scopes, permission, &permission.repository()))
    }

    /// Whether it may do this to any package of the permission's repo.
    pub fn may_somewhere(&self, permission: &Permission) -> bool {
        leaves_room_somewhere(self.bearer_scopes.as_deref(), permission)
            && self.could_somewhere(permission)
    }

    /// The same, whatever its bearer token was asked for.
    pub fn could_somewhere(&self, permission: &Permission) -> bool {
        let repository = permission.repository();
        let allow = |rules: &Rules| rules.allow_somewhere(permission.verb, &repository);
        let holds = || self.superuser || self.held.iter().any(|held| allow(&held.rules));
        self.of_everyone().any(allow)
            || (leaves_room_somewhere(self.token_scopes.as_deref(), permission) && holds())
    }

    /// Whether it could do `permission` if its bearer token had been asked for that too: what the
    /// user, and the token it was got with, may do.
    pub fn could(&self, permission: &Permission) -> bool {
        self.ground(permission).is_some()
    }

    /// The rules of everyone that apply to it.
    fn of_everyone(&self) -> impl Iterator<Item = &Rules> {
        let everyone = [Some(&self.everyone), self.here.as_ref()];
        everyone.into_iter().flatten().map(|rules| &**rules)
    }

    /// Why it could do `permission`; `None`: it could not.
    fn ground(&self, permission: &Permission) -> Option<GroundRef<'_>> {
        let repository = permission.repository();
        let of_everyone = || {
            let mut all = self.of_everyone();
            let rule = all.find_map(|rules| rules.find(permission, &repository))?;
            Some(GroundRef {
                grant: rule.grant,
                through: &[],
            })
        };
        let limits = self.token_scopes.as_deref();
        if !leaves_room(limits, permission, &repository) {
            return of_everyone();
        }
        let held = self.held.iter().find_map(|held| {
            let rule = held.rules.find(permission, &repository)?;
            Some(GroundRef {
                grant: rule.grant,
                through: &held.through,
            })
        });
        let superuser = self.superuser.then_some(GroundRef {
            grant: None,
            through: &[],
        });
        held.or_else(of_everyone).or(superuser)
    }

    /// Why it may do `permission`; `None`: it may not.
    pub fn why(&self, permission: &Permission) -> Option<Ground> {
        let ground = self.ground(permission)?;
        self.bearer_leaves_room(permission).then(|| Ground {
            grant: ground.grant,
            through: ground.through.to_vec(),
        })
    }

    /// Whether it administers all that `repositories` stands for, whole repos and not only packages
    /// of them.
    pub fn administers(&self, repositories: &Pattern) -> bool {
        let scope = |scope: &TokenScope| {
            scope.verbs.contains(&Verb::Administer)
                && scope.refs.is_none()
                && scope.package.is_all()
                && scope.repository.covers(repositories)
        };
        let narrowed = self.token_scopes.iter().chain(&self.bearer_scopes);
        let holds = || {
            let held = self.held.iter().map(|held| &*held.rules);
            let mut all = held.chain(self.of_everyone());
            self.superuser || all.any(|rules| rules.administer(repositories))
        };
        narrowed
            .into_iter()
            .all(|token_scopes| token_scopes.iter().any(scope))
            && holds()
    }

    /// Beginnings of which each pattern that it [administers](Self::administers) has exactly one,
    /// in order.
    pub fn administered_beginnings(&self) -> Vec<String> {
        // Limits and rules each stand for all: the limits of a token are few, so they are taken
        // where there are any.
        let limits = self.token_scopes.as_ref().or(self.bearer_scopes.as_ref());
        let mut all: Vec<String> = match limits {
            Some(scopes) => scopes
                .iter()
                .filter(|scope| scope.verbs.contains(&Verb::Administer))
                .map(|scope| scope.repository.beginning().to_owned())
                .collect(),
            None if self.superuser => vec![String::new()],
            None => {
                let held = self.held.iter().map(|held| &*held.rules);
                let rules = held.chain(self.of_everyone());
                let patterns = rules.flat_map(Rules::administered);
                patterns.map(|it| it.beginning().to_owned()).collect()
            }
        };
        all.sort_unstable();
        all.dedup_by(|next, before| next.starts_with(before.as_str()));
        all
    }
}

/// The same as a [`Ground`], where it is only looked at.
struct GroundRef<'a> {
    grant: Option<i64>,
    through: &'a [Box<str>],
}

/// A limit as it is stored and as the API shows it.
#[derive(Serialize, Deserialize)]
struct StoredScope {
    repository: Pattern,
    package: Pattern,
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    refs: Option<Pattern>,
    role: String,
}

/// Reads a token's stored limits: `[{"repository","package","ref","role"}]`.
pub(crate) fn scopes_from_json(text: &str) -> Option<Vec<TokenScope>> {
    let stored: Vec<StoredScope> = serde_json::from_str(text).ok()?;
    let scope = |stored: StoredScope| {
        let role: Role = stored.role.parse().ok()?;
        let scope = TokenScope::of_role(stored.repository, stored.package, role);
        Some(scope.with_refs(stored.refs))
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
            refs: scope.refs.clone(),
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

/// Whether limits leave room for some package of a permission's repo.
fn leaves_room_somewhere(scopes: Option<&[TokenScope]>, permission: &Permission) -> bool {
    let repository = permission.repository();
    let of_repository = |scope: &TokenScope| {
        scope.verbs.contains(&permission.verb)
            && scope.repository.matches(&repository)
            && reaches(scope.refs.as_ref(), permission)
    };
    scopes.is_none_or(|scopes| scopes.iter().any(of_repository))
}

impl Default for Principal {
    /// Whoever shows no credentials, where nothing is for everyone.
    fn default() -> Self {
        Self::nobody(Arc::default())
    }
}

#[cfg(test)]
mod tests;
