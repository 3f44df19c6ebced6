//! Sessions: a person signs in with a browser, whose cookie then says who asks.
//!
//! The cookie holds a secret that is stored as its hash alone, as tokens are. A browser sends it with
//! whatever any page asks for: so a change needs the session's CSRF token too, which only pages of our
//! own can read. A use is noted in memory and written down by a job, which moves the session's end on.

use crate::gate::Gate;
use crate::identify::{hold_here, principal_of};
use crate::policy::PolicySnapshot;
use crate::principal::Principal;
use crate::refusals::not_shown;
use crate::remembered::{RememberedCaller, VerifiedCaller};
use crate::{Admission, Allowed};
use larder_keys::secret::{self, Secret};
use larder_metadata::sessions::{Session, SessionUse};
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Origin, Outcome, Problem, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// A session that is not used for so long ends.
const IDLE: Duration = Duration::from_hours(12);
/// A session ends after this time, however much it is used.
pub const LIFE: Duration = Duration::from_hours(14 * 24);
/// Characters that are kept of what a browser calls itself.
const AGENT: usize = 200;

/// A session that has just begun.
#[derive(Debug)]
pub struct NewSession {
    /// Its row.
    pub session: Session,
    /// What the browser's cookie is to hold.
    pub secret: Secret,
}

fn no_session() -> Problem {
    Problem::not_found("session", "there is no such session")
}

/// The cookie's session is none, or not any more. No challenge: a browser would ask for a password
/// by itself.
fn ended() -> Problem {
    Problem::new(
        Kind::LoginRefused,
        "session",
        "the session has ended; sign in again",
    )
}

/// When a session that is used at a moment ends if it is not used again.
fn end_after(used: Timestamp, ends_at: Timestamp) -> Timestamp {
    used.after(IDLE).min(ends_at)
}

impl Gate {
    /// Begins a session for whoever has this name and password, in a browser that calls itself
    /// `agent`. Wrong ones are refused without a challenge, and counted like all others.
    pub async fn begin_session(
        &self,
        name: &str,
        password: &str,
        agent: &str,
        origin: &Origin,
    ) -> Result<NewSession, Problem> {
        let unchallenged = |problem: Problem| match problem.kind {
            Kind::Unauthenticated => Problem {
                kind: Kind::LoginRefused,
                ..problem
            },
            _ => problem,
        };
        let person = self.log_in(name, password, origin).await;
        let person = person.map_err(unchallenged)?;
        let (Some(owner), Some(owner_name)) = (person.user, person.name()) else {
            return Err(Problem::internal("someone logged in who is nobody"));
        };
        let secret = Secret::token().map_err(Problem::internal)?;
        let now = self.metadata.now();
        let ends_at = now.after(LIFE);
        let plain = agent.chars().filter(|char| !char.is_control());
        let session = Session {
            id: self.metadata.new_id(),
            owner,
            owner_name: owner_name.parse().map_err(Problem::internal)?,
            created_at: now,
            last_used_at: now,
            expires_at: end_after(now, ends_at),
            ends_at,
            address: origin.address.to_string().into(),
            agent: plain.take(AGENT).collect::<String>().into(),
        };
        let by = Allowed::own(&person, Some(origin));
        let hash = secret.hash();
        let added = self
            .metadata
            .add_session(&session, (&hash, person.shown()), &by);
        added
            .await
            .map_err(|error| unchallenged(not_shown(error)))?;
        Ok(NewSession { session, secret })
    }

    /// Who has the session of this secret, at this address. Fails with [`Kind::LoginRefused`] if it
    /// is none.
    pub async fn identify_session(
        &self,
        secret: &str,
        origin: &Origin,
    ) -> Result<Arc<Principal>, Problem> {
        let policy = self.policy();
        // No header can be like this: a cookie never passes for one, nor one for a cookie.
        let name = self
            .remembered
            .name(&[b"\0session ", secret.as_bytes()].concat());
        let known = self.remembered.get(&name);
        let known = known.filter(|known| known.holds(&policy.version, self.metadata.now()));
        let mut principal = if let Some(known) = known {
            Arc::clone(&known.caller.principal)
        } else {
            let caller = self.verify_session(&policy, secret, origin).await?;
            let principal = Arc::clone(&caller.principal);
            let version = policy.version.clone();
            self.remembered
                .keep(name, RememberedCaller { version, caller });
            principal
        };
        hold_here(&mut principal, &policy, origin.address);
        if let Some(session) = principal.session {
            let now = self.metadata.now();
            self.session_uses.note(session, &principal, origin, now);
        }
        Ok(principal)
    }

    async fn verify_session(
        &self,
        policy: &PolicySnapshot,
        secret: &str,
        origin: &Origin,
    ) -> Result<VerifiedCaller, Problem> {
        let hash = secret::hash(secret);
        let session = self.metadata.session_by_hash(&hash).await?;
        let session = session.ok_or_else(|| {
            self.note_login("session", Outcome::Refused, origin);
            ended()
        })?;
        let person = self.people.find(session.owner, policy).await?;
        let person = person.filter(|person| person.user.is_active());
        let principal = Principal {
            session: Some(session.id),
            ..principal_of(&*person.ok_or_else(ended)?, policy)
        };
        Ok(VerifiedCaller {
            principal: Arc::new(principal),
            expires_at: Some(end_after(self.metadata.now(), session.ends_at)),
            password_hash: None,
        })
    }

    /// What a change in a session must come with.
    pub fn csrf_token(&self, session: i64) -> String {
        self.seal("csrf").make(&[&session.to_be_bytes()])
    }

    /// Fails unless this is the CSRF token of the session.
    pub fn require_csrf_token(&self, session: i64, shown: Option<&str>) -> Result<(), Problem> {
        let holds = |shown| self.seal("csrf").holds(&[&session.to_be_bytes()], shown);
        if shown.is_some_and(holds) {
            return Ok(());
        }
        let detail = "a change in a session needs the session's own `csrf_token` in the header \
                      `X-CSRF-Token`";
        Err(Problem::new(Kind::Denied, "csrf_token", detail))
    }

    /// Ends the session of this id, for its owner or a superuser: to anyone else it is not there.
    pub async fn end_session(&self, by: &Admission, id: i64) -> Result<Session, Problem> {
        let session = self.metadata.session(id).await?.ok_or_else(no_session)?;
        let caller = by.principal();
        if caller.user != Some(session.owner) && !caller.is_superuser() {
            return Err(no_session().as_refusal());
        }
        self.metadata
            .drop_session(id, session.owner, &by.allowed())
            .await
            .map_err(|error| match error {
                Error::Unmet(Requirement::Session) => no_session(),
                error => error.into(),
            })?;
        self.refresh().await?;
        Ok(session)
    }

    /// Writes down when sessions were used since the last time, and moves their ends on.
    pub async fn write_session_uses(&self) -> Result<(), Error> {
        let waiting = self.session_uses.take();
        let mut uses: Vec<SessionUse> = waiting
            .into_iter()
            .map(|((session, address), waiting)| SessionUse {
                session,
                at: waiting.at,
                address,
                expires_at: waiting.at.after(IDLE),
            })
            .collect();
        if uses.is_empty() {
            return Ok(());
        }
        uses.sort_unstable_by_key(|used| (used.session, used.at)); // rows are locked in one order
        self.metadata.write_session_uses(&uses).await
    }
}
