//! Logins of clients through a browser: the client asks for a page and waits, a person signs in
//! there, the client gets a token.
//!
//! Nothing is kept until someone signs in, so there is nothing to fill up, to lose in a restart, or
//! that only one of several servers knows. What is asked travels sealed in the page's address. The
//! client alone has the key whose hash is in it: who shows the key gets the token, whose secret is
//! a seal over that hash and stored, like all, only as its own hash.

use crate::refusals::not_shown;
use crate::{Allowed, Gate, Principal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use larder_keys::secret::{self, Secret};
use larder_metadata::Error;
use larder_metadata::idempotency::{KeptAnswer, KeptBody, KeyState, KeyedRequest};
use larder_model::{Kind, Origin, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The path of the page at which people sign in; its parameter is `ask`.
pub const PAGE: &str = "/sign-in";
/// So long a person has to sign in.
const LIFE: Duration = Duration::from_mins(10);
/// Characters that are taken of what a client calls itself.
const AGENT: usize = 200;

/// Who asks for a token, as a person should see it before giving one.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct LoginRequest {
    /// Where it asks from.
    pub address: IpAddr,
    /// What it calls itself; anyone can claim anything.
    pub agent: String,
    /// What it logs in to, e.g. `npm/main`.
    pub place: String,
    /// In microseconds.
    at: i64,
    /// Hash of the key that the client keeps.
    code: String,
}

impl LoginRequest {
    /// When it asked.
    pub const fn at(&self) -> Timestamp {
        Timestamp(self.at)
    }
}

/// What a client that wants a login is given.
#[derive(Debug)]
pub struct StartedLogin {
    /// For the page, and to come back with.
    pub ask: String,
    /// To come back with: the client's alone.
    pub key: Secret,
}

fn over() -> Problem {
    Problem::not_found(
        "login",
        "this login was not asked for, or too long ago: begin again",
    )
}

fn used_already() -> Problem {
    let detail = "someone has signed in here already: begin again";
    Problem::new(Kind::Conflict, "login", detail)
}

impl Gate {
    /// Begins a login for a client.
    pub fn begin_sign_in(
        &self,
        address: IpAddr,
        agent: &str,
        place: &str,
    ) -> Result<StartedLogin, Problem> {
        let key = Secret::token().map_err(Problem::internal)?;
        let agent = agent
            .chars()
            .filter(|char| !char.is_control())
            .take(AGENT)
            .collect();
        let asker = LoginRequest {
            address,
            agent,
            place: place.to_owned(),
            at: self.metadata.now().0,
            code: key.hash(),
        };
        let told = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&asker).map_err(Problem::internal)?);
        let seal = self.seal("sign-in").make(&[told.as_bytes()]);
        Ok(StartedLogin {
            ask: format!("{told}.{seal}"),
            key,
        })
    }

    /// Who asked, if we were asked and it is not too long ago.
    pub fn asker(&self, ask: &str) -> Result<LoginRequest, Problem> {
        let (told, seal) = ask.split_once('.').ok_or_else(over)?;
        if !self.seal("sign-in").holds(&[told.as_bytes()], seal) {
            return Err(over());
        }
        let told = URL_SAFE_NO_PAD.decode(told).map_err(Problem::internal)?;
        let asker: LoginRequest = serde_json::from_slice(&told).map_err(Problem::internal)?;
        if self.metadata.now() < asker.at().after(LIFE) {
            Ok(asker)
        } else {
            Err(over())
        }
    }

    /// Has a person give the client a token, once.
    pub async fn sign_in(
        &self,
        ask: &str,
        name: &str,
        password: &str,
        origin: &Origin,
    ) -> Result<(LoginRequest, Arc<Principal>), Problem> {
        let asker = self.asker(ask)?;
        let principal = self.log_in(name, password, origin).await?;
        let client = format!("{} login from {}", asker.place, asker.address);
        if let Some(owner) = principal.user {
            let by = Allowed::own(&principal, Some(origin));
            self.make_room(owner, &by).await?;
        }
        self.use_code(&asker).await?;
        let promised = self.promised(&asker)?;
        let kept = self.keep_offline(&principal, &client, &promised, Some(origin));
        match kept.await {
            Ok(_) => Ok((asker, principal)),
            Err(Error::Exists(_)) => Err(used_already()),
            Err(error) => Err(not_shown(error)),
        }
    }

    /// Notes that someone signs in for a client: nobody does again, also when the token has ended
    /// meanwhile.
    async fn use_code(&self, asker: &LoginRequest) -> Result<(), Problem> {
        let code = KeyedRequest {
            principal: "sign-in".into(), // no caller is called so
            key: asker.code.as_str().into(),
            request: "".into(),
        };
        let KeyState::Taken(run) = self.metadata.take_key(&code).await? else {
            return Err(used_already());
        };
        let done = KeptAnswer {
            status: 200,
            content_type: None,
            location: None,
            body: KeptBody::Bytes(Bytes::new()),
        };
        Ok(self.metadata.answer_key(&code, run, &done).await?)
    }

    /// The token for the client that shows the key; `None`: nobody has signed in yet.
    pub async fn finish_sign_in(&self, ask: &str, key: &str) -> Result<Option<Secret>, Problem> {
        let asker = self.asker(ask)?;
        if secret::hash(key) != asker.code {
            return Err(over());
        }
        let secret = self.promised(&asker)?;
        let token = self.metadata.token_by_hash(&secret.hash()).await?;
        Ok(token.map(|_| secret))
    }

    /// The secret that the client will get.
    fn promised(&self, asker: &LoginRequest) -> Result<Secret, Problem> {
        let seal = self.seal("sign-in token").make(&[asker.code.as_bytes()]);
        Ok(Secret::of(
            &URL_SAFE_NO_PAD.decode(seal).map_err(Problem::internal)?,
        ))
    }
}
