//! Who is asking: credentials are verified, and what their owner holds is found.

use crate::credentials::{Credentials, read};
use crate::gate::Gate;
use crate::people::{People, Person};
use crate::policy::PolicySnapshot;
use crate::principal::{Principal, scopes_from_json};
use crate::rate_limit::network_of;
use crate::refusals::wrong_credentials;
use crate::remembered::{RememberedCaller, VerifiedCaller};
use crate::throttle::{Login, WINDOW};
use http::{HeaderMap, header::AUTHORIZATION};
use larder_keys::secret;
use larder_metadata::tokens::Token;
use larder_model::{Kind, Origin, Outcome, Problem, Subject, Timestamp, UserName};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// The principal of a user that is active, wherever it is.
pub(crate) fn principal_of(person: &Person, policy: &PolicySnapshot) -> Principal {
    Principal {
        user: Some(person.user.id),
        superuser: person.user.superuser,
        held: Arc::clone(&person.held),
        ..Principal::new(
            person.user.subject().to_string(),
            Arc::clone(&policy.everyone),
        )
    }
}

/// A principal that needs no password to be who it is.
fn without_password(principal: Arc<Principal>) -> VerifiedCaller {
    VerifiedCaller {
        principal,
        expires_at: None,
        password_hash: None,
    }
}

/// What is said to whoever fails too often, whether there is such a user or not.
fn too_many_failures() -> Problem {
    let detail = "too many failed logins for this name; wait a minute, or use a token";
    let mut problem = Problem::new(Kind::TooMany, "credentials", detail);
    problem.retry_after = Some(WINDOW);
    problem
}

/// Whether credentials did not hold.
fn is_refusal(problem: &Problem) -> bool {
    problem.kind == Kind::Unauthenticated
}

/// Gives a principal what everyone holds from where it is.
pub(crate) fn hold_here(principal: &mut Arc<Principal>, policy: &PolicySnapshot, address: IpAddr) {
    if let Some(here) = policy.rules_at(address) {
        Arc::make_mut(principal).here = Some(here);
    }
}

impl Gate {
    /// Whoever shows no credentials, at this address.
    pub fn anonymous(&self, address: IpAddr) -> Arc<Principal> {
        let policy = self.policy.load();
        let mut nobody = Arc::clone(self.nobody_anywhere(&policy));
        if self.settings.anonymous {
            hold_here(&mut nobody, &policy, address);
        }
        nobody
    }

    /// The same wherever it may be.
    pub(crate) fn nobody_anywhere<'a>(&'a self, policy: &'a PolicySnapshot) -> &'a Arc<Principal> {
        if self.settings.anonymous {
            &policy.nobody
        } else {
            &self.stranger
        }
    }

    /// What a subject may do, wherever it is; `None`: there is no such user or group. The inner
    /// `None`: the user is not active.
    pub async fn principal_of(
        &self,
        subject: &Subject,
    ) -> Result<Option<Option<Principal>>, Problem> {
        let policy = self.policy();
        let held = match subject {
            Subject::Anonymous => {
                let nobody = Principal::clone(self.nobody_anywhere(&policy));
                return Ok(Some(Some(nobody)));
            }
            Subject::Authenticated => Some(People::of_authenticated(&policy)),
            Subject::Group(name) => self.people.of_group(name.as_str(), &policy).await?,
            Subject::User(name) | Subject::Robot(name) => {
                let user = self.metadata.user(name.as_str()).await?;
                let Some(user) = user.filter(|user| user.subject() == *subject) else {
                    return Ok(None);
                };
                let person = self.people.find(user.id, &policy).await?;
                let principal = |person: Arc<Person>| {
                    let active = person.user.is_active();
                    active.then(|| principal_of(&person, &policy))
                };
                return Ok(person.map(principal));
            }
        };
        Ok(held.map(|held| {
            Some(Principal {
                label: subject.to_string().into(),
                held,
                everyone: Arc::clone(&policy.everyone),
                ..Principal::clone(self.nobody_anywhere(&policy))
            })
        }))
    }

    /// Who shows these headers at this address. No credentials: the anonymous principal. Wrong ones:
    /// a problem.
    pub async fn identify(
        &self,
        headers: &HeaderMap,
        origin: &Origin,
    ) -> Result<Arc<Principal>, Problem> {
        let address = origin.address;
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Ok(self.anonymous(address));
        };
        let policy = self.policy();
        let name = self.remembered.name(header.as_bytes());
        let known = self.remembered.get(&name);
        let mut principal = match &known {
            Some(known) if known.holds(&policy.version, self.metadata.now()) => {
                Arc::clone(&known.caller.principal)
            }
            _ => {
                let shown = header.to_str().ok().and_then(read);
                let shown = shown.ok_or_else(wrong_credentials)?;
                let agreed = known.as_ref();
                let agreed = agreed.and_then(|known| known.caller.password_hash.as_deref());
                let caller = self.verify(&policy, shown, origin, agreed).await?;
                let principal = Arc::clone(&caller.principal);
                let version = policy.version.clone();
                self.remembered
                    .keep(name, RememberedCaller { version, caller });
                principal
            }
        };
        if principal.user.is_some() || self.settings.anonymous {
            hold_here(&mut principal, &policy, address);
        }
        self.note_use(&principal, origin);
        Ok(principal)
    }

    /// `agreed`: the hash that this very password agreed with before.
    async fn verify(
        &self,
        policy: &PolicySnapshot,
        shown: Credentials,
        origin: &Origin,
        agreed: Option<&str>,
    ) -> Result<VerifiedCaller, Problem> {
        let by_token = |outcome: Result<VerifiedCaller, Problem>| {
            if outcome.as_ref().is_err_and(is_refusal) {
                self.note_login("token", Outcome::Refused, origin);
            }
            outcome
        };
        match shown {
            Credentials::Nothing => Ok(without_password(Arc::clone(self.nobody_anywhere(policy)))),
            Credentials::Password { name, password } => {
                let tried = PasswordTry {
                    name: &name,
                    password: &password,
                    origin,
                    agreed,
                };
                self.check_password(policy, tried).await
            }
            Credentials::Token(secret) => {
                let token = self.metadata.token_by_hash(&secret::hash(&secret)).await?;
                by_token(match token {
                    Some(token) => self.of_token(policy, &token).await,
                    None => Err(wrong_credentials()),
                })
            }
            Credentials::Bearer(text) => by_token(self.of_bearer(policy, &text).await),
        }
    }

    /// Who has this name and password. Tries are counted by name and address, and by name.
    async fn check_password(
        &self,
        policy: &PolicySnapshot,
        tried: PasswordTry<'_>,
    ) -> Result<VerifiedCaller, Problem> {
        let PasswordTry { name, origin, .. } = tried;
        let login = Login::new(origin.address, name);
        // Some clients show a token in the place of the name.
        let told = format!("user:{}", secret::hidden(name));
        let refused = || self.note_login(&told, Outcome::Refused, origin);
        let require_open = || {
            if self.throttle.is_shut(&login) {
                refused();
                return Err(too_many_failures());
            }
            Ok(())
        };
        if self.throttle.is_shut_to_strangers(&login) {
            let address = origin.address;
            // What was used from here before a start of the server is no stranger either.
            if self.metadata.is_known_address(name, address).await? {
                self.throttle.succeeded(&login);
            }
        }
        // Whose password has agreed before is not made to wait for the guesses of others.
        if tried.agreed.is_none() {
            require_open()?;
        }
        let found = match name.parse::<UserName>() {
            Ok(name) => self.metadata.user_with_password(name.as_str()).await?,
            Err(_) => None,
        };
        let (user, hash) = match found.filter(|(user, _)| user.is_active()) {
            Some((user, hash)) => (Some(user), hash),
            None => (None, None),
        };
        let known = hash.is_some() && hash.as_deref() == tried.agreed;
        if !known {
            // Who is unknown costs as much as who is known.
            let (password, hash) = (tried.password, hash.as_deref());
            let network = network_of(origin.address);
            let verdict = self.passwords.verify(password, hash, network, require_open);
            let verdict = verdict.await?;
            if !verdict.holds {
                self.throttle.failed(&login);
                refused();
                return Err(wrong_credentials());
            }
        }
        let user = user.ok_or_else(wrong_credentials)?;
        let person = self.people.find(user.id, policy).await?;
        let person = person.filter(|person| person.user.is_active());
        let person = person.ok_or_else(wrong_credentials)?;
        let mut principal = principal_of(&person, policy);
        principal.password_set = Some(user.password_changed_at);
        let principal = Arc::new(principal);
        self.throttle.succeeded(&login);
        if !known {
            self.note_login(&principal.label, Outcome::Ok, origin);
        }
        Ok(VerifiedCaller {
            principal,
            expires_at: None,
            password_hash: hash,
        })
    }

    /// Who has this name and password, where it logs in.
    pub async fn log_in(
        &self,
        name: &str,
        password: &str,
        origin: &Origin,
    ) -> Result<Arc<Principal>, Problem> {
        let tried = PasswordTry {
            name,
            password,
            origin,
            agreed: None,
        };
        let caller = self.check_password(&self.policy(), tried).await?;
        Ok(caller.principal)
    }

    /// The stored hash of the user's password if this is it, for someone who is logged in already.
    /// Tries are counted by name alone: only the user itself can make them.
    pub async fn verify_password(
        &self,
        user: &str,
        password: &str,
    ) -> Result<Option<Box<str>>, Problem> {
        let nowhere = Origin {
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            request_id: "".into(),
        };
        // Guesses of others shut this to nobody who is logged in.
        self.throttle.succeeded(&Login::new(nowhere.address, user));
        let tried = PasswordTry {
            name: user,
            password,
            origin: &nowhere,
            agreed: None,
        };
        match self.check_password(&self.policy(), tried).await {
            Ok(caller) => Ok(caller.password_hash),
            Err(problem) if problem.kind == Kind::Unauthenticated => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    async fn of_token(
        &self,
        policy: &PolicySnapshot,
        token: &Token,
    ) -> Result<VerifiedCaller, Problem> {
        let now = self.metadata.now();
        if token.expires_at.is_some_and(|end| end <= now) {
            let detail = "the token has expired; make a new one";
            return Err(Problem::new(Kind::Unauthenticated, "credentials", detail));
        }
        let owner = self.people.find(token.owner, policy).await?;
        let owner = owner.filter(|owner| owner.user.is_active());
        let owner = owner.ok_or_else(wrong_credentials)?;
        let mut principal = principal_of(&owner, policy);
        principal.token = Some(token.id);
        principal.ends = token.expires_at;
        if let Some(token_scopes) = &token.grants {
            let token_scopes = scopes_from_json(token_scopes)
                .ok_or_else(|| Problem::internal("a token's limits cannot be read"))?;
            principal.token_scopes = Some(token_scopes);
        }
        Ok(VerifiedCaller {
            principal: Arc::new(principal),
            expires_at: token.expires_at,
            password_hash: None,
        })
    }

    async fn of_bearer(
        &self,
        policy: &PolicySnapshot,
        text: &str,
    ) -> Result<VerifiedCaller, Problem> {
        let expired = || {
            let detail = "the bearer token is not valid or not valid any more; get a new one";
            Problem::new(Kind::Unauthenticated, "credentials", detail)
        };
        let (claims, scopes) = self.bearer.read(text).ok_or_else(expired)?;
        let end = claims.ends_everywhere();
        if end <= self.metadata.now() {
            return Err(expired());
        }
        let mut caller = match (claims.uid, claims.tid) {
            (_, Some(token)) => {
                let token = self.metadata.token(token).await?.ok_or_else(expired)?;
                self.of_token(policy, &token).await?
            }
            (Some(user), None) => {
                let person = self.people.find(user, policy).await?;
                let holds = |person: &Arc<Person>| {
                    let changed = person.user.password_changed_at;
                    person.user.is_active() && claims.is_of_password(changed)
                };
                let person = person.filter(holds);
                let person = person.ok_or_else(expired)?;
                without_password(Arc::new(principal_of(&person, policy)))
            }
            (None, None) => without_password(Arc::clone(self.nobody_anywhere(policy))),
        };
        let earlier = |other: Option<Timestamp>, end| other.map_or(end, |it| it.min(end));
        let principal = Arc::make_mut(&mut caller.principal);
        principal.bearer_scopes = Some(scopes);
        principal.ends = Some(earlier(principal.ends, claims.ends()));
        caller.expires_at = Some(earlier(caller.expires_at, end));
        Ok(caller)
    }
}

/// A name and a password that someone shows.
#[derive(Clone, Copy)]
struct PasswordTry<'a> {
    name: &'a str,
    password: &'a str,
    origin: &'a Origin,
    /// The stored hash that this very password agreed with before.
    agreed: Option<&'a str>,
}
