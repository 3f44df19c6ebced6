//! Proofs of rights: an act that takes one runs only for a caller who holds the right. Each is
//! told of in the document by a [`Right`](crate::right::Right).

use super::head::KnownQuery;
use super::path::{FromPath as _, PackagePath, PathParams, Target};
use crate::caller::Caller;
use crate::problem::Refusal;
use axum::extract::FromRequestParts;
use http::request::Parts;
use larder_model::{Kind, Permission, Problem, RefScope, RepoPath, Verb};
use std::marker::PhantomData;

/// That an extractor has found the right to be held: no one else can make one.
pub(super) struct Proof;

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

/// Someone, and a repository in the path: what may be done there, the act asks for each thing.
pub(crate) struct IdentifiedAt {
    pub(crate) caller: Caller,
    pub(crate) path: RepoPath,
    _proof: Proof,
}

impl<S: Sync> FromRequestParts<S> for IdentifiedAt {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Identified { caller, .. } = Identified::from_request_parts(parts, state).await?;
        Ok(Self {
            caller,
            path: RepoPath::read(&PathParams::of(parts).await?)?,
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
pub(crate) type RepoDeleter = Permit<Delete, RepoPath>;
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

/// A repository in the path, and a caller who may publish some package there: which one stands in what
/// is sent, and is judged by whoever reads it.
pub(crate) struct RepoPublisher {
    pub(crate) caller: Caller,
    pub(crate) path: RepoPath,
    _proof: Proof,
}

impl<S: Sync> FromRequestParts<S> for RepoPublisher {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = RepoPath::read(&PathParams::of(parts).await?)?;
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require_somewhere(path.permission(Verb::Write))?;
        Ok(Self {
            caller,
            path,
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
            refs: query
                .get("ref")
                .map_or(RefScope::All, |name| RefScope::Named(name.into())),
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
