//! Who may make which call, as far as it can be judged before the body is read.
//!
//! What hangs on a repository is in [`Door::permissions`](larder_access::Door::permissions); what hangs
//! on the body or on a row, the act itself demands.

use crate::endpoint::{Endpoint, no_user};
use larder_access::Principal;
use larder_model::{Kind, Problem, UserName};

/// Fails unless the caller may make the call.
pub(crate) fn require(principal: &Principal, endpoint: &Endpoint) -> Result<(), Problem> {
    match endpoint {
        Endpoint::Whoami
        | Endpoint::ListRepositories(_)
        | Endpoint::GetRepository(_)
        | Endpoint::ListPackages { .. }
        | Endpoint::ListVersions(..)
        | Endpoint::GetVersion(..)
        | Endpoint::Connect { .. }
        | Endpoint::ChangeRepository(_)
        | Endpoint::DeleteRepository(..) => Ok(()),
        Endpoint::CreateRepository
        | Endpoint::CheckUpstream(_)
        | Endpoint::ListUpstreams(_)
        | Endpoint::DeletePackage(_)
        | Endpoint::ChangeVersion(..)
        | Endpoint::DeleteVersion(..)
        | Endpoint::ListGrants(_) => principal.require_identified(),
        Endpoint::CreateGrant | Endpoint::DeleteGrant(_) | Endpoint::DeleteToken(_) => {
            principal.require_unlimited()
        }
        Endpoint::ListUsers(_)
        | Endpoint::CreateUser
        | Endpoint::GetSettings
        | Endpoint::ChangeSettings => superuser(principal),
        Endpoint::GetUser(name) => known(principal, Some(name)),
        Endpoint::ListTokens { owner, .. } => known(principal, owner.as_ref()),
        Endpoint::ChangeUser(name) => {
            known(principal, Some(name)).and_then(|()| principal.require_unlimited())
        }
        Endpoint::CreateToken(owner) => {
            known(principal, owner.as_ref()).and_then(|()| principal.require_unlimited())
        }
        Endpoint::DeleteUser(name) => {
            known(principal, Some(name)).and_then(|()| superuser(principal))
        }
        Endpoint::Can { who, .. } => asking_about(principal, who.as_deref()),
    }
}

fn superuser(principal: &Principal) -> Result<(), Problem> {
    principal.require_unlimited()?;
    if principal.is_superuser() {
        Ok(())
    } else {
        Err(only_superusers())
    }
}

/// Everyone may ask about themselves.
fn asking_about(principal: &Principal, who: Option<&str>) -> Result<(), Problem> {
    if who.is_none_or(|who| *who == *principal.label) {
        Ok(())
    } else {
        superuser(principal)
    }
}

pub(crate) fn only_superusers() -> Problem {
    Problem::new(Kind::Denied, "access", "only a superuser may do this")
}

/// Oneself or, for superusers, anyone. To others it looks as if there were no such user.
fn known(principal: &Principal, name: Option<&UserName>) -> Result<(), Problem> {
    principal.require_identified()?;
    let oneself = name.is_none_or(|name| principal.name() == Some(name.as_str()));
    if oneself || principal.is_superuser() {
        Ok(())
    } else {
        Err(no_user())
    }
}
