//! Bearer tokens of the token endpoint: JWTs (RFC 7519) of one fixed algorithm, made and read only
//! here.
//!
//! A token never widens anything: it names the user, the `lrd_` token it was got with, and what it
//! is for. What the user may do now is looked up at every use, so taking a right away works at
//! once.

use crate::policy::PolicySnapshot;
use crate::principal::{Principal, TokenScope};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use larder_keys::KeyRing;
use larder_model::{
    ImageName, Pattern, Permission, Problem, ProtocolName, RefScope, Timestamp, Verb,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const AUDIENCE: &str = "larder";
const LEEWAY_SECONDS: u64 = 10;
const MICROSECONDS: i64 = 1_000_000;

/// What a bearer token says.
#[derive(Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    /// The user's name; empty: anonymous.
    sub: String,
    exp: i64,
    nbf: i64,
    iat: i64,
    jti: String,
    /// The user's id; a name that was given anew does not inherit old tokens.
    pub(crate) uid: Option<i64>,
    /// The `lrd_` token that it was got with.
    pub(crate) tid: Option<i64>,
    /// When it was made, in microseconds: `iat` is too coarse to tell whether a password was
    /// changed since. 0: it does not say.
    #[serde(default)]
    made_at: i64,
    access: Vec<Access>,
}

impl Claims {
    /// When the token ends, for new tokens that are asked for with it.
    pub(crate) const fn ends(&self) -> Timestamp {
        Timestamp(self.exp.saturating_mul(MICROSECONDS))
    }

    /// Whether it was got by the password that became what it is at `changed`.
    pub(crate) const fn is_of_password(&self, changed: Timestamp) -> bool {
        self.made_at >= changed.0
    }

    /// From when on it is taken no more: clocks of several servers differ a little.
    pub(crate) fn ends_everywhere(&self) -> Timestamp {
        self.ends().after(Duration::from_secs(LEEWAY_SECONDS))
    }
}

/// One resource of a token, in the form of the registry token specification.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// `repository` or `registry`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The image's full name, or `catalog`.
    pub name: String,
    /// `pull`, `push`, `delete`.
    pub actions: Vec<String>,
}

fn verb_of(action: &str) -> Option<Verb> {
    match action {
        "pull" => Some(Verb::Read),
        "push" => Some(Verb::Write),
        "delete" => Some(Verb::Delete),
        _ => None,
    }
}

impl Access {
    /// The same under the full name of its image: what a client asks of a mirror may lack the repo.
    /// Whoever pushes where no repo is yet makes one, and looks for what is there before.
    pub(crate) fn placed(self, policy: &PolicySnapshot) -> Vec<Self> {
        let found = (self.kind == "repository").then(|| policy.image(&self.name, (None, true)));
        let Some((repo, image)) = found.flatten() else {
            return vec![self];
        };
        let placed = Self {
            name: format!("{repo}/{image}"),
            ..self.clone()
        };
        let makes_one = self.actions.iter().any(|action| action != "pull")
            && placed.name != self.name
            && policy.is_in_no_repo(&self.name);
        if makes_one {
            vec![self, placed]
        } else {
            vec![placed]
        }
    }

    /// What the principal may of it: `*` becomes the actions that it may.
    pub(crate) fn narrowed(mut self, principal: &Principal) -> Self {
        if self.kind == "registry" && self.name == "catalog" {
            self.actions.retain(|action| action == "*"); // the catalog shows each caller only what it may see
            return self;
        }
        let image = if self.kind == "repository" {
            self.name.parse::<ImageName>().ok()
        } else {
            None
        };
        let may = |action: &str| {
            let (Some(image), Some(verb)) = (&image, verb_of(action)) else {
                return false;
            };
            let permission = Permission {
                protocol: ProtocolName::OCI,
                repo: image.repo().clone(),
                package: Some(image.image().into()),
                refs: RefScope::All,
                verb,
            };
            principal.may(&permission)
        };
        if self.actions.iter().any(|action| action == "*") && self.kind == "repository" {
            self.actions = ["pull", "push", "delete"].map(str::to_owned).to_vec();
        }
        self.actions.retain(|action| may(action));
        self
    }

    /// The same as a limit on an OCI repo; `None` for what limits nothing of a repo.
    fn scope(&self) -> Option<TokenScope> {
        if self.kind == "registry" {
            let lists = self.name == "catalog" && !self.actions.is_empty();
            let (repository, package) = ("oci/*".parse().ok()?, "*".parse().ok()?);
            return lists.then_some(TokenScope {
                repository,
                package,
                refs: None,
                verbs: vec![Verb::List],
            });
        }
        let (repo, image) = self.name.split_once('/')?;
        let exact = |text: &str| text.parse::<Pattern>().ok().filter(|_| !text.contains('*'));
        let mut verbs: Vec<Verb> = self
            .actions
            .iter()
            .filter_map(|action| verb_of(action))
            .collect();
        if verbs.contains(&Verb::Read) {
            verbs.push(Verb::List);
        }
        Some(TokenScope {
            repository: exact(&format!("oci/{repo}"))?,
            package: exact(image)?,
            refs: None,
            verbs,
        })
    }
}

/// Signs and reads bearer tokens.
pub(crate) struct Bearer {
    encode: EncodingKey,
    /// The newest first.
    decode: Vec<DecodingKey>,
    validation: Validation,
    life: Duration,
}

/// When a token is made, and when what it is asked for with ends, if it does: no token outlives
/// that.
#[derive(Clone, Copy)]
pub(crate) struct Term {
    pub(crate) now: Timestamp,
    pub(crate) ends: Option<Timestamp>,
}

impl Bearer {
    pub(crate) fn new(keys: &KeyRing, life: Duration) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        Self {
            encode: EncodingKey::from_secret(keys.newest()),
            decode: keys
                .all()
                .map(|key| DecodingKey::from_secret(key))
                .collect(),
            validation,
            life,
        }
    }

    /// A token, and how long it lives.
    pub(crate) fn issue(
        &self,
        user: Option<(i64, &str)>,
        token: Option<i64>,
        access: Vec<Access>,
        Term { now, ends }: Term,
        id: i64,
    ) -> Result<(String, Duration), Problem> {
        let lives = now.after(self.life);
        let ends = ends.map_or(lives, |ends| ends.min(lives));
        let claims = Claims {
            iss: AUDIENCE.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.map(|(_, name)| name.to_owned()).unwrap_or_default(),
            exp: ends.seconds(),
            nbf: now.seconds(),
            iat: now.seconds(),
            jti: format!("{id:x}"),
            uid: user.map(|(id, _)| id),
            tid: token,
            made_at: now.0,
            access,
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encode);
        Ok((token.map_err(Problem::internal)?, ends.since(now)))
    }

    /// The claims of a token that is ours and in its time, and what it is limited to.
    pub(crate) fn read(&self, token: &str) -> Option<(Claims, Vec<TokenScope>)> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        // A key or a certificate in the header is a try to bring one's own.
        if header.jwk.is_some()
            || header.jku.is_some()
            || header.x5c.is_some()
            || header.x5u.is_some()
            || header.kid.is_some()
        {
            return None;
        }
        let read = |key| jsonwebtoken::decode::<Claims>(token, key, &self.validation).ok();
        let claims = self.decode.iter().find_map(read)?.claims;
        let scopes = claims.access.iter().filter_map(Access::scope).collect();
        Some((claims, scopes))
    }
}
