//! Long-lived tokens: the one place where they are made and ended, whoever asks for it.

use crate::principal::{scopes_from_json, scopes_to_json};
use crate::refusals::{not_shown, wrong_credentials};
use crate::{Admission, Allowed, Gate, Principal, TokenScope};
use larder_keys::secret::{self, Secret};
use larder_metadata::shown::Shown;
use larder_metadata::tokens::Token;
use larder_metadata::{Error, Requirement};
use larder_model::{Author, Kind, Origin, Problem, Timestamp, TokenKind, Verb};
use std::time::Duration;

/// Characters of a token's name.
const NAME: std::ops::RangeInclusive<usize> = 1..=128;

/// Logins of clients that one user has at once.
const LOGINS: u64 = 1000;
/// A login beyond them takes the place of one that was not used for so long.
const IDLE: Duration = Duration::from_hours(1);

/// What a token is to be.
#[derive(Debug)]
pub struct NewToken {
    /// How it comes to be.
    pub kind: TokenKind,
    /// What its maker calls it: a line.
    pub name: String,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// What it is limited to; `None`: all that its owner may.
    pub scopes: Option<Vec<TokenScope>>,
}

impl NewToken {
    /// Fails if this can be no token.
    pub fn check(&self, now: Timestamp) -> Result<(), Problem> {
        if !NAME.contains(&self.name.chars().count()) || self.name.chars().any(char::is_control) {
            return Err(Problem::invalid(
                "name",
                "a token's name is a line of 1 to 128 characters",
            ));
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(Problem::invalid(
                "expires_at",
                "`expires_at` lies in the past",
            ));
        }
        Ok(())
    }
}

/// Whether nothing can be changed with a token.
pub fn is_read_only(token: &Token) -> bool {
    let scopes = token.grants.as_deref().and_then(scopes_from_json);
    let reads = |verb: &Verb| matches!(verb, Verb::List | Verb::Read);
    scopes.is_some_and(|scopes| scopes.iter().all(|scope| scope.verbs.iter().all(reads)))
}

fn no_token() -> Problem {
    Problem::not_found("token", "there is no such token")
}

impl Gate {
    /// Makes a token for a user. That `by` may do that was found by whoever calls this.
    pub async fn make_token(
        &self,
        by: &Principal,
        owner: i64,
        mut wanted: NewToken,
        author: &dyn Author,
    ) -> Result<(Token, Secret), Problem> {
        wanted.check(self.metadata.now())?;
        if let Some(end) = by.ends {
            if wanted.expires_at.is_some_and(|wanted| wanted > end) {
                let detail = "a token that is made with a token does not outlive it; ask for an \
                              earlier end, or show a password";
                return Err(Problem::invalid("expires_at", detail));
            }
            wanted.expires_at = wanted.expires_at.or(Some(end));
        }
        if wanted.kind == TokenKind::Offline {
            self.make_room(owner, author).await?;
        }
        let secret = Secret::token().map_err(Problem::internal)?;
        // A login of a client ends with the token that it was got with, whoever kept it.
        let bound = wanted.kind == TokenKind::Offline && by.user == Some(owner);
        let kept = self.keep_token(owner, wanted, (&secret, by.shown(), bound), author);
        Ok((kept.await.map_err(not_shown)?, secret))
    }

    /// A long-lived token for a client that logs in once: it may what the principal may, no more.
    /// `None` for whoever has none to give.
    pub async fn issue_offline(
        &self,
        principal: &Principal,
        client: &str,
        origin: Option<&Origin>,
    ) -> Result<Option<Secret>, Problem> {
        if let Some(owner) = principal.user {
            self.make_room(owner, &Allowed::own(principal, origin))
                .await?;
        }
        let secret = Secret::token().map_err(Problem::internal)?;
        Ok(self
            .keep_offline(principal, client, &secret, origin)
            .await
            .map_err(not_shown)?
            .map(|_| secret))
    }

    /// Ends an idle login of a user who has too many; refuses another one if none is idle.
    pub(crate) async fn make_room(&self, owner: i64, by: &dyn Author) -> Result<(), Problem> {
        let Some(idlest) = self.metadata.surplus_login(owner, LOGINS).await? else {
            return Ok(());
        };
        let used = idlest.created_at.max(idlest.last_used_at);
        if used.after(IDLE) > self.metadata.now() {
            let detail = format!(
                "{LOGINS} logins of this user were made or used within the last hour, and no more \
                 are taken: have clients log in once and keep what they get, or use a token"
            );
            let mut problem = Problem::new(Kind::TooMany, "logins", detail);
            problem.retry_after = Some(IDLE);
            return Err(problem);
        }
        match self.metadata.drop_token(idlest.id, owner, by).await {
            Ok(()) | Err(Error::Unmet(Requirement::Token)) => Ok(()), // someone else was first
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a secret as such a token.
    pub(crate) async fn keep_offline(
        &self,
        principal: &Principal,
        client: &str,
        secret: &Secret,
        origin: Option<&Origin>,
    ) -> Result<Option<Token>, Error> {
        // A bearer token is for a few minutes and a few images: it does not buy a longer and wider
        // one.
        let Some(owner) = principal.user.filter(|_| principal.bearer_scopes.is_none()) else {
            return Ok(None);
        };
        let life = self.metadata.now().after(self.settings.offline_token_life);
        let wanted = NewToken {
            kind: TokenKind::Offline,
            name: client.to_owned(),
            expires_at: Some(principal.ends.map_or(life, |end| end.min(life))),
            scopes: principal.token_scopes.clone(),
        };
        let (by, shown) = (Allowed::own(principal, origin), principal.shown());
        let kept = self.keep_token(owner, wanted, (secret, shown, true), &by);
        kept.await.map(Some)
    }

    async fn keep_token(
        &self,
        owner: i64,
        wanted: NewToken,
        (secret, shown, bound): (&Secret, Shown, bool),
        by: &dyn Author,
    ) -> Result<Token, Error> {
        let token = Token {
            id: self.metadata.new_id(),
            owner,
            name: wanted.name.into(),
            kind: wanted.kind,
            grants: wanted.scopes.map(|scopes| scopes_to_json(&scopes).into()),
            created_at: self.metadata.now(),
            expires_at: wanted.expires_at,
            last_used_at: Timestamp(0),
            last_used_from: "".into(),
        };
        let hash = secret.hash();
        let added = self.metadata.add_login(&token, &hash, (shown, bound), by);
        added.await?;
        Ok(token)
    }

    /// Ends the token of this id, for its owner, the person who answers for a robot that is its
    /// owner, or a superuser: to anyone else it is not there.
    pub async fn end_token(&self, by: &Admission, id: i64) -> Result<Token, Problem> {
        let token = self.metadata.token(id).await?.ok_or_else(no_token)?;
        let caller = by.principal();
        if caller.user != Some(token.owner) && !caller.is_superuser() {
            let owner = self.metadata.user_by_id(token.owner).await?;
            let answers = owner.and_then(|robot| robot.owner).map(|owner| owner.id);
            if answers.is_none() || answers != caller.user {
                return Err(no_token().as_refusal());
            }
        }
        self.metadata
            .drop_token(id, token.owner, &by.allowed())
            .await
            .map_err(|error| match error {
                Error::Unmet(Requirement::Token) => no_token(),
                error => error.into(),
            })?;
        self.refresh().await?;
        Ok(token)
    }

    /// The token that the principal showed, if it showed one.
    pub async fn own_token(&self, principal: &Principal) -> Result<Option<Token>, Problem> {
        match principal.token() {
            Some(token) => Ok(self.metadata.token(token).await?),
            None => Ok(None),
        }
    }

    /// The id of the token that this is the secret of.
    pub async fn token_of_secret(&self, secret: &str) -> Result<i64, Problem> {
        Ok(self
            .metadata
            .token_by_hash(&secret::hash(secret))
            .await?
            .ok_or_else(no_token)?
            .id)
    }

    /// Fails unless this is the caller's own password: whoever found an open session must not be
    /// able to keep the account.
    pub async fn require_password(
        &self,
        caller: &Principal,
        password: &str,
    ) -> Result<(), Problem> {
        let name = caller.name().ok_or_else(wrong_credentials)?;
        if self.verify_password(name, password).await?.is_some() {
            return Ok(());
        }
        Err(Problem::new(
            Kind::Denied,
            "password",
            "this is not your password",
        ))
    }
}
