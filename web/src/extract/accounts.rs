//! Proofs of rights over accounts: those of users, of their robots, and of the tokens of both.

use super::head::KnownQuery;
use super::path::{FromPath, PathParams};
use super::rights::{Identified, Proof, Superuser, Unlimited};
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::state::{ApiState, no_robot, no_user};
use axum::extract::FromRequestParts;
use http::request::Parts;
use larder_metadata::users::User;
use larder_model::{Kind, Problem, Subject, UserKind, UserName};
use std::sync::Arc;

/// Fails unless `name` is the caller's or the caller a superuser. To others it looks as if there
/// were no such user.
fn require_oneself(caller: &Caller, name: &UserName) -> Result<(), Problem> {
    let principal = caller.principal();
    principal.require_identified()?;
    if principal.name() == Some(name.as_str()) || principal.is_superuser() {
        Ok(())
    } else {
        Err(no_user().as_refusal())
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

/// Whether the caller may deal with the account of a robot: it is its own, the caller answers for
/// it, or is a superuser.
fn answers_for(caller: &Caller, robot: &User) -> bool {
    let principal = caller.principal();
    let own = principal.user == Some(robot.id);
    let owner = robot.owner.as_ref().map(|owner| owner.id);
    principal.is_superuser() || own || (owner.is_some() && owner == principal.user)
}

/// The robot in the path, for itself, its owner, or a superuser. To others it looks as if there were
/// no such robot.
pub(crate) struct RobotReader {
    pub(crate) robot: User,
    _proof: Proof,
}

impl FromRequestParts<Arc<ApiState>> for RobotReader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Refusal> {
        let name = PathParams::of(parts).await?;
        let name = UserName::read(&name).map_err(|_| no_robot())?;
        let Identified { caller, .. } = Identified::from_request_parts(parts, state).await?;
        let robot = state.robot(&name).await?;
        if !answers_for(&caller, &robot) {
            return Err(no_robot().as_refusal().into());
        }
        Ok(Self {
            robot,
            _proof: Proof,
        })
    }
}

/// The robot in the path, for its owner with all its rights, or a superuser. A robot does not change
/// itself.
pub(crate) struct RobotWriter {
    pub(crate) caller: Caller,
    pub(crate) robot: User,
    _proof: Proof,
}

impl FromRequestParts<Arc<ApiState>> for RobotWriter {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Refusal> {
        let RobotReader { robot, .. } = RobotReader::from_request_parts(parts, state).await?;
        let Unlimited { caller, .. } = Unlimited::from_request_parts(parts, state).await?;
        if caller.principal().user == Some(robot.id) {
            let detail = "a robot does not change itself; its owner or a superuser may";
            return Err(Problem::new(Kind::Denied, "access", detail).into());
        }
        Ok(Self {
            caller,
            robot,
            _proof: Proof,
        })
    }
}

/// A superuser, who means the robot in the path.
pub(crate) struct RobotDeleter {
    pub(crate) caller: Caller,
    pub(crate) robot: User,
    _proof: Proof,
}

impl FromRequestParts<Arc<ApiState>> for RobotDeleter {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Refusal> {
        let RobotReader { robot, .. } = RobotReader::from_request_parts(parts, state).await?;
        let Superuser { caller, .. } = Superuser::from_request_parts(parts, state).await?;
        Ok(Self {
            caller,
            robot,
            _proof: Proof,
        })
    }
}

/// Whose tokens are meant.
pub(crate) struct TokenOwner {
    pub(crate) id: i64,
    pub(crate) subject: String,
}

/// Whose tokens are meant: the caller's, those of a robot for which it answers, or for superusers
/// those of the `owner` in the query.
pub(crate) struct TokenReader {
    pub(crate) caller: Caller,
    pub(crate) owner: TokenOwner,
    _proof: Proof,
}

/// The account in the query, as `alice`, `user:alice` or `robot:ci`.
async fn owner_named(state: &ApiState, caller: &Caller, text: &str) -> Result<TokenOwner, Problem> {
    let (name, kind) = match text.parse::<Subject>() {
        Ok(Subject::User(name)) => (name, Some(UserKind::Person)),
        Ok(Subject::Robot(name)) => (name, Some(UserKind::Robot)),
        _ => (text.parse().map_err(|_| no_user())?, None),
    };
    let user = state.user(&name).await?;
    let principal = caller.principal();
    let may = principal.user == Some(user.id)
        || principal.is_superuser()
        || (user.kind == UserKind::Robot && answers_for(caller, &user));
    if !may {
        return Err(no_user().as_refusal());
    }
    if kind.is_some_and(|kind| kind != user.kind) {
        return Err(no_user());
    }
    Ok(TokenOwner {
        id: user.id,
        subject: user.subject().to_string(),
    })
}

impl FromRequestParts<Arc<ApiState>> for TokenReader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Refusal> {
        let query = KnownQuery::from_request_parts(parts, state).await?;
        let Identified { caller, .. } = Identified::from_request_parts(parts, state).await?;
        let owner = match query.0.get("owner") {
            Some(text) => owner_named(state, &caller, text).await?,
            None => TokenOwner {
                id: caller.principal().user.ok_or_else(no_user)?,
                subject: caller.label().to_owned(),
            },
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
    pub(crate) owner: TokenOwner,
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

/// Whose sessions are meant: the caller's, or for superusers those of the `owner` in the query, or
/// (`None`) all.
pub(crate) struct SessionReader {
    pub(crate) caller: Caller,
    pub(crate) owner: Option<i64>,
    _proof: Proof,
}

impl FromRequestParts<Arc<ApiState>> for SessionReader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Refusal> {
        let query = KnownQuery::from_request_parts(parts, state).await?;
        let Identified { caller, .. } = Identified::from_request_parts(parts, state).await?;
        let principal = caller.principal();
        let owner = match query.0.get("owner") {
            Some(text) => Some(owner_named(state, &caller, text).await?.id),
            None if principal.is_superuser() => None,
            None => Some(principal.user.ok_or_else(no_user)?),
        };
        Ok(Self {
            caller,
            owner,
            _proof: Proof,
        })
    }
}
