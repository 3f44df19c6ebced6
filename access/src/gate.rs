//! The gate: identifies callers and admits them. The only maker of a [`Admission`].

use crate::allowed::Allowed;
use crate::credentials::{Credentials, read};
use crate::events::Events;
use crate::passwords::Passwords;
use crate::policy::PolicySnapshot;
use crate::principal::{Principal, scopes_from_json};
use crate::refusals::{not_allowed, wrong_credentials};
use crate::throttle::{Throttle, WINDOW};
use crate::token::{Access, Bearer};
use arc_swap::ArcSwap;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use larder_keys::seal::Seal;
use larder_keys::{SigningKey, Vault, secret};
use larder_metadata::Metadata;
use larder_metadata::people::Token;
use larder_model::{
    Algorithm, Digest, Kind, Origin, Permission, Problem, Timestamp, UpstreamSettings,
};
use moka::sync::Cache;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// A verified credential is taken without another check for so long, as long as no right changed.
const REMEMBERED: Duration = Duration::from_mins(1);
/// Verified credentials remembered.
const MAX_REMEMBERED: u64 = 20_000;

/// What the gate is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Signs bearer tokens and seals.
    pub key: [u8; 32],
    /// Whether callers without credentials may hold grants.
    pub anonymous: bool,
    /// How long a bearer token lives.
    pub token_life: Duration,
    /// How long an offline token lives.
    pub offline_token_life: Duration,
    /// Memory of one password hash in bytes.
    pub password_memory: u64,
    /// Failed logins a minute, by name and address.
    pub login_attempts: u32,
    /// A request's line and headers, in bytes.
    pub header_bytes: usize,
}

/// Identifies and admits.
pub struct Gate {
    pub(crate) metadata: Metadata,
    policy: ArcSwap<PolicySnapshot>,
    /// Held while rights are read, so that an older snapshot never replaces a newer one.
    reading: tokio::sync::Mutex<()>,
    passwords: Passwords,
    bearer: Bearer,
    throttle: Throttle,
    vault: Vault,
    /// By a keyed hash of the header, so that no secret lies in memory.
    remembered: Cache<Digest, Arc<CachedPrincipal>>,
    memory_key: [u8; 32],
    events: Events,
    pub(crate) settings: Settings,
}

struct CachedPrincipal {
    principal: Principal,
    version: Box<str>,
    expires_at: Option<Timestamp>,
}

/// Proof that a caller was admitted. Has no public constructor.
#[derive(Debug)]
pub struct Admission {
    principal: Principal,
    policy: Arc<PolicySnapshot>,
    origin: Option<Origin>,
}

impl Admission {
    /// The same with where the request came from, for the audit trail.
    #[must_use]
    pub fn from(self, origin: Origin) -> Self {
        Self {
            origin: Some(origin),
            ..self
        }
    }

    /// Who was admitted.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Users, repos and rules as of the admission.
    pub const fn policy(&self) -> &Arc<PolicySnapshot> {
        &self.policy
    }

    /// Whether `permission` is allowed too: for lists, and for what is done only if it may be.
    pub fn may(&self, permission: &Permission) -> bool {
        self.principal.may(permission)
    }

    /// Whether `permission` is allowed to the caller, whatever its bearer token was asked for: where
    /// it cannot know beforehand what it will need.
    pub fn could(&self, permission: &Permission) -> bool {
        self.principal.could(permission)
    }

    /// Fails unless it is allowed for some package of the permission's repo at least.
    pub fn require_somewhere(&self, permission: &Permission) -> Result<(), Problem> {
        if self.principal.may_somewhere(permission) {
            Ok(())
        } else {
            Err(not_allowed(&self.principal, permission))
        }
    }

    /// The proof that `permission` is allowed; a problem if it is not.
    pub fn require(&self, permission: &Permission) -> Result<Allowed<'_>, Problem> {
        if self.may(permission) {
            Ok(self.allowed())
        } else {
            Err(not_allowed(&self.principal, permission))
        }
    }

    /// The proof that the caller is someone with all its rights, for changes of what is its own or
    /// what it was found to administer.
    pub fn require_unlimited(&self) -> Result<Allowed<'_>, Problem> {
        self.principal.require_unlimited()?;
        Ok(self.allowed())
    }

    /// The proof that the caller is a superuser with all its rights.
    pub fn require_superuser(&self) -> Result<Allowed<'_>, Problem> {
        self.principal.require_unlimited()?;
        if self.principal.is_superuser() {
            return Ok(self.allowed());
        }
        let detail = "only a superuser may do this";
        Err(Problem::new(Kind::Denied, "access", detail))
    }

    /// Where the request came from; `None`: nobody said.
    pub const fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The proof for what is the caller's own.
    pub(crate) fn allowed(&self) -> Allowed<'_> {
        Allowed::own(&self.principal, self.origin())
    }
}

impl Gate {
    /// A gate over the people and rules of `metadata`.
    pub async fn new(metadata: Metadata, settings: Settings) -> Result<Self, Problem> {
        let policy = PolicySnapshot::read(&metadata).await?;
        let mut memory_key = [0; 32];
        getrandom::fill(&mut memory_key).map_err(Problem::internal)?;
        Ok(Self {
            policy: ArcSwap::from_pointee(policy),
            reading: tokio::sync::Mutex::default(),
            passwords: Passwords::new(settings.password_memory)?,
            bearer: Bearer::new(&settings.key, settings.token_life),
            throttle: Throttle::new(settings.login_attempts),
            vault: Vault::new(&settings.key)?,
            remembered: Cache::builder()
                .max_capacity(MAX_REMEMBERED)
                .time_to_live(REMEMBERED)
                .build(),
            memory_key,
            events: Events::default(),
            metadata,
            settings,
        })
    }

    /// Users, repos and rules as they are now.
    pub fn policy(&self) -> Arc<PolicySnapshot> {
        self.policy.load_full()
    }

    /// Reads the rights again if their version has moved. After every change of ours, and every few
    /// seconds for those of other servers.
    pub async fn refresh(&self) -> Result<(), Problem> {
        let reading = self.reading.lock().await;
        let version = self.metadata.policy_version().await?;
        if self.policy.load().version != version {
            self.policy
                .store(Arc::new(PolicySnapshot::read(&self.metadata).await?));
        }
        drop(reading);
        Ok(())
    }

    /// What the audit trail will tell of logins and refusals.
    pub const fn events(&self) -> &Events {
        &self.events
    }

    /// A sealer under the server's key.
    pub fn seal(&self, purpose: &str) -> Seal {
        Seal::new(&self.settings.key, purpose)
    }

    /// An upstream's password, as a row keeps it: only [`Self::open_credentials`] of the same
    /// upstream can read it.
    pub fn close_password(&self, password: &str, url: &str) -> Result<String, Problem> {
        self.vault.close(password, url)
    }

    /// An armored signing key of a repo (`rpm/local`), as a row keeps it: only
    /// [`Self::open_signing_key`] of the same repo can read it.
    pub fn close_signing_key(&self, key: &str, repository: &str) -> Result<String, Problem> {
        self.vault
            .close(key, &format!("signing key of {repository}"))
    }

    /// The signing key of a repo.
    pub fn open_signing_key(&self, sealed: &str, repository: &str) -> Result<SigningKey, Problem> {
        let key = self.vault.open(sealed, &format!("signing key of {repository}")).ok_or_else(|| {
            Problem::internal(format!(
                "the signing key of {repository} cannot be read with this server's key; set it again"
            ))
        })?;
        // That all of it expired since is for clients to say.
        let living = SigningKey::read(&key, self.metadata.now());
        living
            .or_else(|_| SigningKey::read(&key, Timestamp(0)))
            .map_err(Problem::internal)
    }

    /// The `Authorization` header for an upstream, if it has credentials.
    pub fn open_credentials(
        &self,
        upstream: &UpstreamSettings,
    ) -> Result<Option<HeaderValue>, Problem> {
        self.vault.authorization(upstream)
    }

    /// A password's hash, as it is stored.
    pub async fn hash_password(&self, password: &str) -> Result<String, Problem> {
        self.passwords.hash(password).await
    }

    /// Refuses a head that is too large before anything of it is read.
    pub fn measure(&self, request: &Parts) -> Result<(), Problem> {
        let line = request
            .uri
            .path_and_query()
            .map_or(0, |target| target.as_str().len());
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 4);
        if line + headers.sum::<usize>() > self.settings.header_bytes {
            return Err(Problem::new(
                Kind::HeaderTooLarge,
                "headers",
                "the request's headers are larger than this server takes",
            ));
        }
        Ok(())
    }

    /// Whether this is the user's password, for someone who is logged in already. Tries are counted
    /// by name alone: only the user itself can make them.
    pub async fn verify_password(&self, user: &str, password: &str) -> Result<bool, Problem> {
        match self
            .check_password(
                &self.policy(),
                user,
                password,
                IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            )
            .await
        {
            Ok(_) => Ok(true),
            Err(problem) if problem.kind == Kind::Unauthenticated => Ok(false),
            Err(problem) => Err(problem),
        }
    }

    /// Whoever shows no credentials.
    pub fn anonymous(&self) -> Principal {
        self.policy.load().anonymous(self.settings.anonymous)
    }

    /// Who shows these headers. No credentials: the anonymous principal. Wrong ones: a problem.
    pub async fn identify(
        &self,
        headers: &HeaderMap,
        address: IpAddr,
    ) -> Result<Principal, Problem> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Ok(self.anonymous());
        };
        let key = self.memory_name(header.as_bytes());
        let now = self.metadata.now();
        if let Some(known) = self.remembered.get(&key) {
            let fresh = known.version == self.policy.load().version
                && known.expires_at.is_none_or(|end| now < end);
            if fresh {
                return Ok(known.principal.clone());
            }
        }
        let shown = header
            .to_str()
            .ok()
            .and_then(read)
            .ok_or_else(wrong_credentials)?;
        let policy = self.policy.load_full();
        let (principal, expires_at) = self.verify(&policy, shown, address).await?;
        let known = CachedPrincipal {
            principal: principal.clone(),
            version: policy.version.clone(),
            expires_at,
        };
        self.remembered.insert(key, Arc::new(known));
        Ok(principal)
    }

    fn memory_name(&self, header: &[u8]) -> Digest {
        let mut hasher = larder_model::Hasher::new(Algorithm::Sha256);
        hasher.update(&self.memory_key);
        hasher.update(header);
        hasher.finish()
    }

    async fn verify(
        &self,
        policy: &PolicySnapshot,
        shown: Credentials,
        address: IpAddr,
    ) -> Result<(Principal, Option<Timestamp>), Problem> {
        match shown {
            Credentials::Nothing => Ok((policy.anonymous(self.settings.anonymous), None)),
            Credentials::Password { name, password } => Ok((
                self.check_password(policy, &name, &password, address)
                    .await?,
                None,
            )),
            Credentials::Token(secret) => {
                let token = self
                    .metadata
                    .token_by_hash(&secret::hash(&secret))
                    .await?
                    .ok_or_else(wrong_credentials)?;
                self.of_token(policy, &token)
            }
            Credentials::Bearer(text) => self.of_bearer(policy, &text).await,
        }
    }

    pub(crate) async fn check_password(
        &self,
        policy: &PolicySnapshot,
        name: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<Principal, Problem> {
        if self.throttle.is_shut(address, name) {
            let detail = "too many failed logins for this name from this address; wait a minute";
            let mut problem = Problem::new(Kind::TooMany, "credentials", detail);
            problem.retry_after = Some(WINDOW);
            return Err(problem);
        }
        let user = policy.user(name).filter(|user| !user.disabled);
        let stored = match user {
            Some(user) => self
                .metadata
                .password_of(user.name.as_str())
                .await?
                .and_then(|(_, hash)| hash),
            None => None,
        };
        let holds = self.passwords.verify(password, stored.as_deref()).await?;
        let Some(user) = user.filter(|_| holds) else {
            self.throttle.failed(address, name);
            return Err(wrong_credentials());
        };
        Ok(policy.principal(user))
    }

    fn of_token(
        &self,
        policy: &PolicySnapshot,
        token: &Token,
    ) -> Result<(Principal, Option<Timestamp>), Problem> {
        if token
            .expires_at
            .is_some_and(|end| end <= self.metadata.now())
        {
            let detail = "the token has expired; make a new one";
            return Err(Problem::new(Kind::Unauthenticated, "credentials", detail));
        }
        let user = policy
            .user_by_id(token.owner)
            .filter(|user| !user.disabled)
            .ok_or_else(wrong_credentials)?;
        let mut principal = policy.principal(user);
        principal.token = Some(token.id);
        if let Some(token_scopes) = &token.grants {
            let token_scopes = scopes_from_json(token_scopes)
                .ok_or_else(|| Problem::internal("a token's limits cannot be read"))?;
            principal.token_scopes = Some(token_scopes);
        }
        Ok((principal, token.expires_at))
    }

    async fn of_bearer(
        &self,
        policy: &PolicySnapshot,
        text: &str,
    ) -> Result<(Principal, Option<Timestamp>), Problem> {
        let expired = || {
            let detail = "the bearer token is not valid or not valid any more; get a new one";
            Problem::new(Kind::Unauthenticated, "credentials", detail)
        };
        let (claims, scopes) = self.bearer.read(text).ok_or_else(expired)?;
        let (mut principal, ends) = match (claims.uid, claims.tid) {
            (_, Some(token)) => {
                let token = self.metadata.token(token).await?.ok_or_else(expired)?;
                self.of_token(policy, &token)?
            }
            (Some(user), None) => {
                let user = policy
                    .user_by_id(user)
                    .filter(|user| !user.disabled)
                    .ok_or_else(expired)?;
                (policy.principal(user), None)
            }
            (None, None) => (policy.anonymous(self.settings.anonymous), None),
        };
        principal.bearer_scopes = Some(scopes);
        let lives = self.metadata.now().after(self.bearer.life());
        Ok((principal, Some(ends.map_or(lives, |end| end.min(lives)))))
    }

    /// Admits a caller to everything in `permissions`, or says no in a way that tells it nothing it
    /// may not know.
    pub fn admit(
        &self,
        principal: Principal,
        permissions: &[Permission],
    ) -> Result<Admission, Problem> {
        if let Some(refused) = permissions
            .iter()
            .find(|permission| !principal.may(permission))
        {
            return Err(not_allowed(&principal, refused));
        }
        Ok(Admission {
            principal,
            policy: self.policy.load_full(),
            origin: None,
        })
    }

    /// Whether anyone at all may do this, so that caches on the way may keep the answer.
    pub fn is_public(&self, permissions: &[Permission]) -> bool {
        let anonymous = self.anonymous();
        permissions
            .iter()
            .all(|permission| anonymous.may(permission))
    }

    /// A bearer token for the principal, for what it may of `wanted`: a smaller or empty grant is
    /// no error.
    pub fn issue_bearer(
        &self,
        principal: &Principal,
        wanted: Vec<Access>,
    ) -> Result<(String, Duration), Problem> {
        let policy = self.policy.load();
        let access = wanted
            .into_iter()
            .map(|wanted| wanted.placed(&policy).narrowed(principal))
            .collect();
        let user = principal.user.zip(principal.name());
        let (now, id) = (self.metadata.now(), self.metadata.new_id());
        Ok((
            self.bearer.issue(user, principal.token, access, now, id)?,
            self.bearer.life(),
        ))
    }
}
