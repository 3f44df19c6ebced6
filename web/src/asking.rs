//! Questions about rights.

use crate::Api;
use crate::endpoint::no_user;
use crate::reply::ok;
use larder_access::{Admission, Principal};
use larder_model::{Permission, Problem, Reply, UserKind};
use serde::Serialize;

#[derive(Serialize)]
struct Caller<'a> {
    name: Option<&'a str>,
    anonymous: bool,
    /// `person` or `robot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    superuser: bool,
    /// Whether a limited token was shown.
    limited: bool,
}

#[derive(Serialize)]
struct Verdict {
    allowed: bool,
    /// The grant by which; `null` where none is needed or none is there.
    grant: Option<String>,
}

pub(crate) fn whoami(admission: &Admission) -> Result<Reply, Problem> {
    let principal = admission.principal();
    let user = principal
        .user
        .and_then(|id| admission.policy().user_by_id(id));
    ok(&Caller {
        name: principal.name(),
        anonymous: principal.user.is_none(),
        kind: user.map(|user| user.kind.word()),
        superuser: principal.is_superuser(),
        limited: !principal.is_unlimited(),
    })
}

impl Api {
    pub(crate) fn can(
        &self,
        admission: &Admission,
        who: Option<&str>,
        what: &Permission,
    ) -> Result<Reply, Problem> {
        let caller = admission.principal();
        let other = match who {
            Some(who) if *who != *caller.label => Some(self.someone(who)?),
            _ => None,
        };
        // A user that is disabled is nobody and may nothing.
        let principal = other.as_ref().map_or(Some(caller), Option::as_ref);
        let allowed = principal.is_some_and(|principal| principal.may(what));
        let by = principal
            .filter(|_| allowed)
            .and_then(|principal| principal.by_which(what));
        ok(&Verdict {
            allowed,
            grant: by.map(|id| id.to_string()),
        })
    }

    /// The principal that a subject names; `None` if it is disabled.
    fn someone(&self, subject: &str) -> Result<Option<Principal>, Problem> {
        if subject == "anonymous" {
            return Ok(Some(self.gate.anonymous()));
        }
        let wrong = || Problem::invalid("subject", "subject is user:NAME, robot:NAME or anonymous");
        let (word, name) = subject.split_once(':').ok_or_else(wrong)?;
        let kind = match word {
            "user" => UserKind::Person,
            "robot" => UserKind::Robot,
            _ => return Err(wrong()),
        };
        let policy = self.gate.policy();
        let user = policy
            .user(name)
            .filter(|user| user.kind == kind)
            .ok_or_else(no_user)?;
        Ok(Some(policy.principal(user)).filter(|_| !user.disabled))
    }
}
