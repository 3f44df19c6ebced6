//! Users.

use crate::answer::{Created, NoContent};
use crate::caller::{Caller, only_superusers};
use crate::extract::accounts::{UserDeleter, UserReader, UserWriter};
use crate::extract::body::JsonBody;
use crate::extract::head::KnownQuery;
use crate::extract::page::Page;
use crate::extract::path::UserParams;
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_keys::secret;
use larder_metadata::users::{NewPassword, NewUser, User, UserFilter};
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Problem, UserKind, UserName};
use std::sync::Arc;

/// Characters of a password.
const PASSWORD: std::ops::RangeInclusive<usize> = 8..=256;

fn to_api(user: &User) -> api::User {
    api::User {
        name: user.name.clone(),
        kind: api::UserKind::Person,
        superuser: user.superuser,
        disabled: user.disabled,
        created_at: user.created_at,
        groups: None,
    }
}

/// Lists the persons who use this server, by name.
#[utoipa::path(
    get,
    path = "/users",
    tag = "users",
    operation_id = "list_users",
    params(
        (
            "prefix" = Option<String>,
            Query,
            description = "Those whose names begin so.",
        ),
        (
            "disabled" = Option<bool>,
            Query,
            description = "Those that may do nothing for now, or those that may.",
        ),
        (
            "superuser" = Option<bool>,
            Query,
            description = "Those that may do everything, or those that may not.",
        ),
        Page,
    ),
    responses((status = 200, description = "A page of users.", body = api::List<api::User>)),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["disabled_invalid", "superuser_invalid"])),
    ),
)]
pub(crate) async fn list(
    page: Page,
    KnownQuery(query): KnownQuery,
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::User>>, Refusal> {
    let limit = page.limit as u64 + 1;
    let filter = UserFilter {
        prefix: query.get("prefix").unwrap_or_default(),
        disabled: query.choice("disabled")?,
        superuser: query.choice("superuser")?,
        owner: None,
    };
    let users = state
        .metadata
        .users(UserKind::Person, filter, &page.after, limit);
    let users = users.await?.iter().map(to_api).collect();
    Ok(Json(api::List::of(
        users,
        page.limit,
        |user: &api::User| user.name.to_string(),
    )))
}

/// Makes a user.
#[utoipa::path(
    post,
    path = "/users",
    tag = "users",
    operation_id = "create_user",
    request_body = api::NewUser,
    responses((status = 201, description = "The user.", body = api::User)),
    extensions(("x-right" = json!(Right::Superuser)), ("x-codes" = json!(["conflict"]))),
)]
pub(crate) async fn create(
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewUser>,
) -> Result<Created<api::User>, Refusal> {
    let (superuser, disabled) = (
        new.superuser.unwrap_or(false),
        new.disabled.unwrap_or(false),
    );
    let name = new.name;
    check_password(&new.password, &name)?;
    let hash = state.gate.hash_password(&new.password).await?;
    let added = state
        .metadata
        .add_user(
            NewUser {
                name: &name,
                password: Some(hash),
                superuser,
                disabled,
            },
            &caller.require_superuser()?,
        )
        .await;
    added.map_err(|error| match error {
        Error::Exists(_) => Problem::new(
            Kind::Conflict,
            "user",
            format!("there is already a user {name}"),
        ),
        error => error.into(),
    })?;
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), user = %name, superuser, "user created");
    let user = to_api(&state.user(&name).await?);
    Ok(Created::new(format_args!("/users/{name}"), user))
}

/// Shows a user with its groups.
#[utoipa::path(
    get,
    path = "/users/{name}",
    tag = "users",
    operation_id = "get_user",
    params(UserParams),
    responses((status = 200, description = "The user.", body = api::User)),
    extensions(("x-right" = json!(Right::Oneself)), ("x-entity-tag" = json!(true))),
)]
pub(crate) async fn get(
    user: UserReader,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::User>, Refusal> {
    let user = state.person(&user.name).await?;
    let groups = Some(state.groups_of(&user).await?);
    Ok(Json(api::User {
        groups,
        ..to_api(&user)
    }))
}

/// Changes a user.
///
/// Whoever changes its own password sends `current_password` too; superusers alone change
/// `superuser` and `disabled`. One superuser who is not disabled always stays.
#[utoipa::path(
    patch,
    path = "/users/{name}",
    tag = "users",
    operation_id = "change_user",
    params(UserParams),
    request_body = api::UserChange,
    responses((status = 200, description = "The user as it is now.", body = api::User)),
    extensions(
        ("x-right" = json!(Right::OneselfUnlimited)),
        ("x-codes" = json!(["current_password_wrong", "last_superuser", "conflict"])),
    ),
)]
pub(crate) async fn change(
    UserWriter { caller, name, .. }: UserWriter,
    State(state): State<Arc<ApiState>>,
    JsonBody(change): JsonBody<api::UserChange>,
) -> Result<Json<api::User>, Refusal> {
    let own_flags = change.superuser.is_some() || change.disabled.is_some();
    if let Some(password) = &change.password {
        check_password(password, &name)?;
    }
    if own_flags && !caller.principal().is_superuser() {
        return Err(only_superusers().into());
    }
    state.gate.refresh().await?;
    let user = state.person(&name).await?;
    if change.password.is_none() && !own_flags {
        return Ok(Json(to_api(&user)));
    }
    let password = new_password(&state, &caller, &user, &change).await?;
    let superuser = change.superuser.unwrap_or(user.superuser);
    let disabled = change.disabled.unwrap_or(user.disabled);
    let password_changed = password.is_some();
    state
        .metadata
        .change_user(
            &user,
            password,
            superuser,
            disabled,
            &caller.require_unlimited()?,
        )
        .await
        .map_err(refused)?;
    if password_changed {
        state.engine.forget_first_password(&name);
    }
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), user = %name, superuser, disabled, password_changed, "user changed");
    Ok(Json(to_api(&state.user(&name).await?)))
}

/// Deletes a user with its tokens and grants.
///
/// One superuser who is not disabled always stays.
#[utoipa::path(
    delete,
    path = "/users/{name}",
    tag = "users",
    operation_id = "delete_user",
    params(UserParams),
    responses((status = 204, description = "It is gone.")),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["user_not_found", "last_superuser", "conflict"])),
    ),
)]
pub(crate) async fn delete(
    UserDeleter { caller, name, .. }: UserDeleter,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    state.gate.refresh().await?;
    state
        .metadata
        .drop_user(&state.person(&name).await?, &caller.require_superuser()?)
        .await
        .map_err(refused)?;
    state.engine.forget_first_password(&name);
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), user = %name, "user deleted");
    Ok(NoContent)
}

/// Another password, if there is to be one.
async fn new_password(
    state: &ApiState,
    caller: &Caller,
    user: &User,
    change: &api::UserChange,
) -> Result<Option<NewPassword>, Problem> {
    let Some(password) = &change.password else {
        return Ok(None);
    };
    let before = if caller.principal().user == Some(user.id) {
        let current = change.current_password.as_deref();
        Some(check_current(state, &user.name, current).await?)
    } else {
        None
    };
    let hash = state.gate.hash_password(password).await?;
    Ok(Some(NewPassword { hash, before }))
}

/// Whoever found an open session must not be able to keep the account. The hash of the password that
/// was shown.
async fn check_current(
    state: &ApiState,
    name: &UserName,
    password: Option<&str>,
) -> Result<Box<str>, Problem> {
    let about = "current_password";
    let lacks = || {
        let detail = "to change your own password send `current_password` too";
        Problem::invalid(about, detail)
    };
    let password = password.ok_or_else(lacks)?;
    let verified = state.gate.verify_password(name.as_str(), password);
    verified.await?.ok_or_else(|| {
        let detail = "`current_password` is not your password";
        Problem::new(Kind::Denied, about, detail)
    })
}

fn check_password(password: &str, name: &UserName) -> Result<(), Problem> {
    let why = if !PASSWORD.contains(&password.chars().count()) {
        "a password has 8 to 256 characters"
    } else if password.chars().any(char::is_control) {
        "a password has no control characters, which clients could not send" // RFC 7617 2
    } else if password.eq_ignore_ascii_case(name.as_str()) {
        "a password is not the user's name"
    } else if password.starts_with(secret::PREFIX) {
        "a password does not begin like a token"
    } else {
        return Ok(());
    };
    Err(Problem::invalid("password", why))
}

pub(super) fn refused(error: Error) -> Problem {
    match error {
        Error::Unmet(Requirement::OtherSuperuser) => {
            let detail = "this is the last superuser who is not disabled; make another one first";
            Problem::new(Kind::Conflict, "last_superuser", detail)
        }
        Error::Unmet(Requirement::User) => Problem::new(
            Kind::Conflict,
            "user",
            "the user was changed by someone else meanwhile; look at it again",
        ),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests;
