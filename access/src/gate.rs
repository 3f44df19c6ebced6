//! The gate: identifies callers and admits them. The only maker of a [`Admission`].

use crate::allowed::Allowed;
use crate::denied::Denied;
use crate::events::Events;
use crate::noted_uses::NotedUses;
use crate::passwords::Passwords;
use crate::people::People;
use crate::policy::PolicySnapshot;
use crate::principal::Principal;
use crate::refusals::not_allowed;
use crate::remembered::RememberedCallers;
use crate::throttle::Throttle;
use crate::token::{Access, Bearer, Term};
use arc_swap::ArcSwap;
use http::request::Parts;
use larder_keys::seal::Seal;
use larder_keys::{Credentials, KeyRing, SigningKey, Vault, client_key_place};
use larder_metadata::Metadata;
use larder_metadata::repos::RepoRecord;
use larder_model::{
    Kind, Origin, Permission, Problem, RefScope, RepoName, Timestamp, UpstreamSettings, Verb,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a closed cursor begins with; a name that does is told apart by not opening.
const CLOSED: char = '~';

fn cursor_place(list: &str) -> String {
    format!("cursor of {list}")
}

/// What the gate is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Sign bearer tokens and seals, and close what is stored.
    pub keys: KeyRing,
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
    pub(crate) policy: ArcSwap<PolicySnapshot>,
    /// Held while rights are read, so that an older snapshot never replaces a newer one.
    reading: tokio::sync::Mutex<()>,
    pub(crate) people: People,
    pub(crate) passwords: Passwords,
    pub(crate) bearer: Bearer,
    pub(crate) throttle: Throttle,
    vault: Vault,
    pub(crate) remembered: RememberedCallers,
    events: Events,
    failed_logins: AtomicU64,
    pub(crate) denied: Denied,
    pub(crate) token_uses: NotedUses,
    pub(crate) session_uses: NotedUses,
    /// The keys whose signatures are believed.
    believed: KeyRing,
    pub(crate) settings: Settings,
    /// Whoever shows no credentials, where that is not enough for anything.
    pub(crate) stranger: Arc<Principal>,
}

/// Proof that a caller was admitted. Has no public constructor.
#[derive(Debug)]
pub struct Admission {
    principal: Arc<Principal>,
    policy: Arc<PolicySnapshot>,
    origin: Option<Origin>,
    expected_policy: Option<Box<str>>,
    /// The repo that the request named, where what is required may be about another.
    asked: Option<RepoName>,
}

impl Admission {
    /// The same caller, whose changes are made only while the version of the policy is this one
    /// ([`PolicySnapshot::version`]); else they fail with [`Kind::Precondition`].
    #[must_use]
    pub fn expecting(&self, version: &str) -> Self {
        Self {
            principal: Arc::clone(&self.principal),
            policy: Arc::clone(&self.policy),
            origin: self.origin.clone(),
            expected_policy: Some(version.into()),
            asked: self.asked.clone(),
        }
    }

    /// The same for a request that named `repo`, a group perhaps: refusals name no member of it that
    /// the caller may not see.
    #[must_use]
    pub fn asked_of(&self, repo: &RepoName) -> Self {
        Self {
            principal: Arc::clone(&self.principal),
            policy: Arc::clone(&self.policy),
            origin: self.origin.clone(),
            expected_policy: self.expected_policy.clone(),
            asked: Some(repo.clone()),
        }
    }

    /// The same with where the request came from, for the audit trail.
    #[must_use]
    pub fn from(self, origin: Origin) -> Self {
        Self {
            origin: Some(origin),
            ..self
        }
    }

    /// Who was admitted.
    pub fn principal(&self) -> &Principal {
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
            Err(not_allowed(
                &self.principal,
                permission,
                self.asked.as_ref(),
            ))
        }
    }

    /// The proof that `permission` is allowed; a problem if it is not.
    pub fn require(&self, permission: &Permission) -> Result<Allowed<'_>, Problem> {
        if self.may(permission) {
            Ok(self.allowed())
        } else {
            Err(not_allowed(
                &self.principal,
                permission,
                self.asked.as_ref(),
            ))
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
        Err(Problem::new(Kind::Denied, "access", detail).as_refusal())
    }

    /// Where the request came from; `None`: nobody said.
    pub const fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The proof for what is the caller's own.
    pub(crate) fn allowed(&self) -> Allowed<'_> {
        Allowed::own(&self.principal, self.origin()).expecting(self.expected_policy.as_deref())
    }
}

impl Gate {
    /// A gate over the people and rules of `metadata`.
    pub async fn new(metadata: Metadata, settings: Settings) -> Result<Self, Problem> {
        let policy = PolicySnapshot::read(&metadata).await?;
        let believed = settings.keys.without_past(metadata.now());
        Ok(Self {
            policy: ArcSwap::from_pointee(policy),
            reading: tokio::sync::Mutex::default(),
            passwords: Passwords::new(settings.password_memory)?,
            bearer: Bearer::new(&believed, settings.token_life),
            throttle: Throttle::new(settings.login_attempts),
            vault: Vault::new(&settings.keys)?,
            remembered: RememberedCallers::new()?,
            people: People::new(metadata.clone()),
            events: Events::default(),
            failed_logins: AtomicU64::new(0),
            denied: Denied::default(),
            token_uses: NotedUses::new(),
            session_uses: NotedUses::new(),
            metadata,
            believed,
            settings,
            stranger: Arc::default(),
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

    /// Hashes of passwords computed since the start of this process.
    pub fn password_hashes(&self) -> u64 {
        self.passwords.computed()
    }

    /// Logins that failed, or were refused, since the start of this process.
    pub fn failed_logins(&self) -> u64 {
        self.failed_logins.load(Ordering::Relaxed)
    }

    pub(crate) fn count_failed_login(&self) {
        self.failed_logins.fetch_add(1, Ordering::Relaxed);
    }

    /// What the audit trail will tell of logins and refusals.
    pub const fn events(&self) -> &Events {
        &self.events
    }

    /// A sealer under the server's key.
    pub fn seal(&self, purpose: &str) -> Seal {
        Seal::of(&self.believed, purpose)
    }

    /// An upstream's password, as a row keeps it: only [`Self::open_credentials`] of the same
    /// upstream can read it.
    pub fn close_password(&self, password: &str, url: &str) -> Result<String, Problem> {
        self.vault.close(password, url)
    }

    /// The private key of the certificate that is shown to an upstream, as a row keeps it: only
    /// [`Self::open_credentials`] of the same address can read it.
    pub fn close_client_key(&self, key: &str, url: &str) -> Result<String, Problem> {
        self.vault.close(key, &client_key_place(url))
    }

    /// The private key of the certificate that is shown to an upstream.
    pub fn open_client_key(&self, upstream: &UpstreamSettings) -> Option<String> {
        let sealed = upstream.client_key.as_ref()?;
        self.vault.open(sealed, &client_key_place(&upstream.url))
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

    /// Where the next page of `list` begins, as clients get it: `row` may be one that is hidden from
    /// them. Only [`Self::open_cursor`] of the same list can read it.
    pub fn close_cursor(&self, row: &str, list: &str) -> Result<String, Problem> {
        let closed = self.vault.close(row, &cursor_place(list))?;
        Ok(format!("{CLOSED}{closed}"))
    }

    /// The row that a cursor stands for; what was never closed stands for itself.
    pub fn open_cursor(&self, cursor: &str, list: &str) -> String {
        let closed = cursor.strip_prefix(CLOSED);
        let row = closed.and_then(|closed| self.vault.open(closed, &cursor_place(list)));
        row.unwrap_or_else(|| cursor.to_owned())
    }

    /// What lets us in at an upstream.
    pub fn open_credentials(&self, upstream: &UpstreamSettings) -> Result<Credentials, Problem> {
        self.vault.credentials(upstream)
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

    /// Admits a caller to everything in `permissions`, or says no in a way that tells it nothing it
    /// may not know.
    pub fn admit(
        &self,
        principal: Arc<Principal>,
        permissions: &[Permission],
    ) -> Result<Admission, Problem> {
        if let Some(refused) = permissions
            .iter()
            .find(|permission| !principal.may(permission))
        {
            // The first is about what the address names.
            let asked = permissions.first().map(|asked| &asked.repo);
            return Err(not_allowed(&principal, refused, asked));
        }
        Ok(Admission {
            principal,
            policy: self.policy.load_full(),
            origin: None,
            expected_policy: None,
            asked: None,
        })
    }

    /// Whether anyone at all may do this from anywhere, so that caches on the way may keep the
    /// answer.
    pub fn is_public(&self, permissions: &[Permission]) -> bool {
        let policy = self.policy.load();
        let nobody = self.nobody_anywhere(&policy);
        permissions.iter().all(|permission| nobody.may(permission))
    }

    /// Whether anyone at all may read a repository and, of a group, each of its members.
    pub fn is_wholly_public(&self, repo: &RepoRecord) -> bool {
        let policy = self.policy();
        let read = |repo: &RepoRecord| Permission {
            protocol: repo.protocol,
            repo: repo.name.clone(),
            package: None,
            refs: RefScope::All,
            verb: Verb::Read,
        };
        let members = policy.members_of(repo).map(|member| read(member));
        let all: Vec<Permission> = members.chain([read(repo)]).collect();
        self.is_public(&all)
    }

    /// A bearer token for the principal, for what it may of `wanted`: a smaller or empty grant is
    /// no error. It does not outlive what the principal showed.
    pub fn issue_bearer(
        &self,
        principal: &Principal,
        wanted: Vec<Access>,
    ) -> Result<(String, Duration), Problem> {
        let policy = self.policy.load();
        let access = wanted
            .into_iter()
            .flat_map(|wanted| wanted.placed(&policy))
            .map(|wanted| wanted.narrowed(principal))
            .filter(|access| !access.actions.is_empty())
            .collect();
        let user = principal.user.zip(principal.name());
        let term = Term {
            now: self.metadata.now(),
            ends: principal.ends,
        };
        let id = self.metadata.new_id();
        self.bearer.issue(user, principal.token, access, term, id)
    }
}
