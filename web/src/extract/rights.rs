//! Proofs of rights: an act that takes one runs only for a caller who holds the right. Each is
//! told of in the document by a [`Right`](crate::right::Right).

use super::head::KnownQuery;
use super::path::{FromPath, PackagePath, PathParams, Target};
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::state::{ApiState, no_user};
use axum::extract::FromRequestParts;
use http::request::Parts;
use larder_model::{Kind, Permission, Problem, RepoPath, UserName, Verb};
use std::marker::PhantomData;
use std::sync::Arc;

/// That an extractor has found the right to be held: no one else can make one.
struct Proof;

/// Someone, whoever it is.
pub(crate) struct Identified {
    pub(crate) caller: Caller,
    _proof: Proof,
}

impl<S: Sync> FromRequestParts<S> for Identified {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.principal().require_identified()?;
        Ok(Self {
            caller,
            _proof: Proof,
        })
    }
}

/// Someone with all its rights.
pub(crate) struct Unlimited {
    pub(crate) caller: Caller,
    _proof: Proof,
}

impl<S: Sync> FromRequestParts<S> for Unlimited {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.principal().require_unlimited()?;
        Ok(Self {
            caller,
            _proof: Proof,
        })
    }
}

/// A superuser, with all its rights.
pub(crate) struct Superuser {
    pub(crate) caller: Caller,
    _proof: Proof,
}

impl<S: Sync> FromRequestParts<S> for Superuser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require_superuser()?;
        Ok(Self {
            caller,
            _proof: Proof,
        })
    }
}

/// What is done to a thing.
pub(crate) trait VerbMarker: Send {
    const VERB: Verb;
}

/// Reading it.
pub(crate) struct Read;
/// Changing what is in it.
pub(crate) struct Write;
/// Removing what is in it.
pub(crate) struct Delete;
/// Changing the thing itself.
pub(crate) struct Administer;

impl VerbMarker for Read {
    const VERB: Verb = Verb::Read;
}

impl VerbMarker for Write {
    const VERB: Verb = Verb::Write;
}

impl VerbMarker for Delete {
    const VERB: Verb = Verb::Delete;
}

impl VerbMarker for Administer {
    const VERB: Verb = Verb::Administer;
}

/// Something in the path, and a caller who may do this to it. Whether the thing is there is not
/// said: to whoever may not, what is missing and what is forbidden look alike.
pub(crate) struct Permit<D, T> {
    pub(crate) caller: Caller,
    pub(crate) path: T,
    verb: PhantomData<D>,
}

pub(crate) type RepoReader = Permit<Read, RepoPath>;
pub(crate) type RepoAdmin = Permit<Administer, RepoPath>;
pub(crate) type PackageReader = Permit<Read, PackagePath>;
pub(crate) type PackageWriter = Permit<Write, PackagePath>;
pub(crate) type PackageDeleter = Permit<Delete, PackagePath>;

impl<D: VerbMarker, T: Target, S: Sync> FromRequestParts<S> for Permit<D, T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = T::read(&PathParams::of(parts).await?)?;
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require(path.permission(D::VERB))?;
        Ok(Self {
            caller,
            path,
            verb: PhantomData,
        })
    }
}

/// Fails unless `name` is the caller's or the caller a superuser. To others it looks as if there
/// were no such user.
fn require_oneself(caller: &Caller, name: &UserName) -> Result<(), Problem> {
    let principal = caller.principal();
    principal.require_identified()?;
    if principal.name() == Some(name.as_str()) || principal.is_superuser() {
        Ok(())
    } else {
        Err(no_user())
    }
}

/// The user in the path itself, or a superuser.
pub(crate) struct UserReader {
    pub(crate) name: UserName,
    _proof: Proof,
}

impl<S: Sync> FromRequestParts<S> for UserReader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let name = UserName::read(&PathParams::of(parts).await?)?;
        let caller = Caller::from_request_parts(parts, state).await?;
        require_oneself(&caller, &name)?;
        Ok(Self {
            name,
            _proof: Proof,
        })
    }
}

/// The user in the path itself with all its rights, or a superuser.
pub(crate) struct UserWriter {
    pub(crate) caller: Caller,
    pub(crate) name: UserName,
    _proof: Proof,
}

impl<S: Sync> FromRequestParts<S> for UserWriter {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let UserReader { name, .. } = UserReader::from_request_parts(parts, state).await?;
        let Unlimited { caller, .. } = Unlimited::from_request_parts(parts, state).await?;
        Ok(Self {
            caller,
            name,
            _proof: Proof,
        })
    }
}

/// A superuser, who means the user in the path.
pub(crate) struct UserDeleter {
    pub(crate) caller: Caller,
    pub(crate) name: UserName,
    _proof: Proof,
}

impl<S: Sync> FromRequestParts<S> for UserDeleter {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let UserReader { name, .. } = UserReader::from_request_parts(parts, state).await?;
        let Superuser { caller, .. } = Superuser::from_request_parts(parts, state).await?;
        Ok(Self {
            caller,
            name,
            _proof: Proof,
        })
    }
}

/// Whose tokens are meant: the caller's, or for superusers those of the `owner` in the query.
pub(crate) struct TokenReader {
    pub(crate) caller: Caller,
    /// The owner's id.
    pub(crate) owner: i64,
    _proof: Proof,
}

/// The name in the query; `None`: the caller is meant.
fn owner(query: &KnownQuery) -> Result<Option<UserName>, Problem> {
    let name = query.0.get("owner");
    name.map(|name| name.parse().map_err(|_| no_user()))
        .transpose()
}

impl FromRequestParts<Arc<ApiState>> for TokenReader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Refusal> {
        let name = owner(&KnownQuery::from_request_parts(parts, state).await?)?;
        let Identified { caller, .. } = Identified::from_request_parts(parts, state).await?;
        if let Some(name) = &name {
            require_oneself(&caller, name)?;
        }
        let owner = match &name {
            Some(name) => state.user(name)?.id,
            None => caller.principal().user.ok_or_else(no_user)?,
        };
        Ok(Self {
            caller,
            owner,
            _proof: Proof,
        })
    }
}

/// The same with all its rights.
pub(crate) struct TokenWriter {
    pub(crate) caller: Caller,
    /// The owner's id.
    pub(crate) owner: i64,
    _proof: Proof,
}

impl FromRequestParts<Arc<ApiState>> for TokenWriter {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Refusal> {
        let tokens = TokenReader::from_request_parts(parts, state).await?;
        let TokenReader { caller, owner, .. } = tokens;
        caller.principal().require_unlimited()?;
        Ok(Self {
            caller,
            owner,
            _proof: Proof,
        })
    }
}

/// A question about someone's rights: everyone may ask about themselves, superusers about anyone.
pub(crate) struct RightsReader {
    pub(crate) caller: Caller,
    /// Who is meant, as `user:alice`; `None`: the caller.
    pub(crate) other: Option<String>,
    /// What is meant.
    pub(crate) permission: Permission,
    _proof: Proof,
}

impl<S: Sync> FromRequestParts<S> for RightsReader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let query = KnownQuery::from_request_parts(parts, state).await?.0;
        let permission = Permission {
            package: query.get("package").map(Into::into),
            ..asked(query.need("repository")?, query.need("action"))?
        };
        let caller = Caller::from_request_parts(parts, state).await?;
        let subject = query.get("subject").map(str::to_owned);
        let other = subject.filter(|subject| *subject != *caller.label());
        if other.is_some() {
            caller.require_superuser()?;
        }
        Ok(Self {
            caller,
            other,
            permission,
            _proof: Proof,
        })
    }
}

/// What is to be done to which repository.
fn asked(repository: &str, action: Result<&str, Problem>) -> Result<Permission, Problem> {
    let path: RepoPath = repository.parse().map_err(|_| {
        Problem::invalid("repository", "repository is protocol/name, e.g. oci/team")
    })?;
    let action = action?;
    let verbs = [Verb::Read, Verb::Write, Verb::Delete, Verb::Administer];
    let verb = verbs
        .into_iter()
        .find(|verb| verb.word() == action)
        .ok_or_else(|| {
            Problem::new(
                Kind::Invalid,
                "action",
                "action is read, write, delete or administer",
            )
        })?;
    Ok(path.permission(verb))
}
