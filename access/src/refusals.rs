//! What callers are told who may not come in, or not do what they want.

use crate::principal::Principal;
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Permission, Problem, RepoName, RuleKind, Ruling, Verb};

/// Credentials that are nobody's.
pub(crate) fn wrong_credentials() -> Problem {
    Problem::new(
        Kind::Unauthenticated,
        "credentials",
        "wrong user name, password or token",
    )
}

/// What a caller learns when it may not: as little as if nothing were there. `asked` is the repo that
/// the request named, if `permission` may be about another: the member of a group.
pub(crate) fn not_allowed(
    principal: &Principal,
    permission: &Permission,
    asked: Option<&RepoName>,
) -> Problem {
    told(principal, permission, asked).as_refusal()
}

fn told(principal: &Principal, permission: &Permission, asked: Option<&RepoName>) -> Problem {
    if principal.user.is_none() || principal.could(permission) {
        let detail = "authentication required: log in with a user or token that may do this";
        return Problem::new(Kind::Unauthenticated, "access", detail);
    }
    match permission.verb {
        Verb::Read | Verb::List => {
            Problem::not_found("name", "no such name here, or you may not see it")
        }
        verb => {
            let what = permission
                .package
                .as_deref()
                .map_or_else(String::new, |package| format!("/{package}"));
            let refused = |repo| format!("you may not {} {repo}{what}", verb.word());
            let read = Permission {
                verb: Verb::Read,
                ..permission.clone()
            };
            // To whoever may not even read it, no more is told, and not its name.
            if !principal.could(&read) {
                let refused = refused(asked.unwrap_or(&permission.repo));
                let detail = format!("{refused}; ask its admin for a grant");
                return Problem::new(Kind::Denied, "access", detail);
            }
            let (role, repository) = (verb.least_role().word(), permission.repository());
            let parts = [
                permission
                    .package
                    .as_ref()
                    .map(|name| format!("package {name}")),
                permission.refs.name().map(|name| format!("ref {name}")),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            let within = match parts.join(", ") {
                parts if parts.is_empty() => parts,
                parts => format!(" ({parts})"),
            };
            let refused = refused(&permission.repo);
            let detail = format!(
                "{refused}: that needs role {role} on {repository}{within}; \
                 ask its admin for a grant"
            );
            Problem::new(Kind::Denied, "access", detail).ruled(Ruling {
                repository: Some(permission.repository().into()),
                package: permission.package.clone(),
                verb: Some(verb),
                ..Ruling::of(RuleKind::Right)
            })
        }
    }
}

/// What was shown was revoked while something was made with it: as good as wrong.
pub(crate) fn not_shown(error: Error) -> Problem {
    match error {
        Error::Unmet(Requirement::Shown) => wrong_credentials(),
        error => error.into(),
    }
}
