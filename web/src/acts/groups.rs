//! Groups of users, robots and other groups.

use crate::answer::{Created, NoContent};
use crate::extract::body::JsonBody;
use crate::extract::head::KnownQuery;
use crate::extract::page::Page;
use crate::extract::path::{GroupName, GroupParams, MemberName, MemberParams};
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, no_group, no_user};
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::groups::{Group, GroupMember, MemberId, MemberKind};
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Problem, Subject, UserKind, UserName};
use std::sync::Arc;

/// Characters of a description.
const DESCRIPTION: usize = 1000;

/// A description that rows and terminals can hold.
pub(super) fn described(text: Option<String>) -> Result<Option<String>, Problem> {
    let strange = |text: &str| {
        text.chars().count() > DESCRIPTION || text.chars().any(|it| it.is_control() && it != '\n')
    };
    match text {
        Some(text) if strange(&text) => Err(Problem::invalid(
            "description",
            format!("a description has at most {DESCRIPTION} characters, none of them a control"),
        )),
        text => Ok(text),
    }
}

fn to_api(group: &Group) -> api::Group {
    api::Group {
        name: group.name.clone(),
        description: group.description.to_string(),
        created_at: group.created_at,
    }
}

fn member_to_api(member: &GroupMember) -> api::GroupMember {
    let word = match member.kind {
        MemberKind::User(UserKind::Person) => "user",
        MemberKind::User(UserKind::Robot) => "robot",
        MemberKind::Group => "group",
    };
    api::GroupMember {
        member: format!("{word}:{}", member.name),
        added_at: member.added_at,
    }
}

/// Lists groups by name.
#[utoipa::path(
    get,
    path = "/groups",
    tag = "groups",
    operation_id = "list_groups",
    params(
        (
            "prefix" = Option<String>,
            Query,
            description = "Those whose names begin so.",
        ),
        Page,
    ),
    responses((status = 200, description = "A page of groups.", body = api::List<api::Group>)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn list(
    page: Page,
    KnownQuery(query): KnownQuery,
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Group>>, Refusal> {
    let prefix = query.get("prefix").unwrap_or_default();
    let limit = page.limit as u64 + 1;
    let groups = state.metadata.groups(prefix, &page.after, limit);
    let groups = groups.await?.iter().map(to_api).collect();
    let key = |group: &api::Group| group.name.to_string();
    Ok(Json(api::List::of(groups, page.limit, key)))
}

/// Makes a group.
#[utoipa::path(
    post,
    path = "/groups",
    tag = "groups",
    operation_id = "create_group",
    request_body = api::NewGroup,
    responses((status = 201, description = "The group.", body = api::Group)),
    extensions(("x-right" = json!(Right::Superuser)), ("x-codes" = json!(["conflict"]))),
)]
pub(crate) async fn create(
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewGroup>,
) -> Result<Created<api::Group>, Refusal> {
    let description = described(new.description)?.unwrap_or_default();
    let added = state
        .metadata
        .add_group(&new.name, &description, &caller.require_superuser()?)
        .await;
    let group = added.map_err(|error| match error {
        Error::Exists(_) => {
            let detail = format!("there is already a group {}", new.name);
            Problem::new(Kind::Conflict, "group", detail)
        }
        error => error.into(),
    })?;
    tracing::info!(by = caller.label(), group = %group.name, "group created");
    let path = format!("/groups/{}", group.name);
    Ok(Created::new(path, to_api(&group)))
}

/// Shows a group.
#[utoipa::path(
    get,
    path = "/groups/{group}",
    tag = "groups",
    operation_id = "get_group",
    params(GroupParams),
    responses((status = 200, description = "The group.", body = api::Group)),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["group_not_found"])),
        ("x-entity-tag" = json!(true)),
    ),
)]
pub(crate) async fn get(
    GroupName(name): GroupName,
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::Group>, Refusal> {
    Ok(Json(to_api(&state.group(&name).await?)))
}

/// Changes a group.
#[utoipa::path(
    patch,
    path = "/groups/{group}",
    tag = "groups",
    operation_id = "change_group",
    params(GroupParams),
    request_body = api::GroupChange,
    responses((status = 200, description = "The group as it is now.", body = api::Group)),
    extensions(("x-right" = json!(Right::Superuser)), ("x-codes" = json!(["group_not_found"]))),
)]
pub(crate) async fn change(
    GroupName(name): GroupName,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    JsonBody(change): JsonBody<api::GroupChange>,
) -> Result<Json<api::Group>, Refusal> {
    let group = state.group(&name).await?;
    if let Some(description) = described(change.description)? {
        let changed = state
            .metadata
            .describe_group(group.id, &description, &caller.require_superuser()?)
            .await;
        changed.map_err(|error| match error {
            Error::Unmet(Requirement::Group) => no_group(), // someone else was first
            error => error.into(),
        })?;
        tracing::info!(by = caller.label(), group = %name, "group changed");
    }
    Ok(Json(to_api(&state.group(&name).await?)))
}

/// Deletes a group with its grants. Its members stay.
#[utoipa::path(
    delete,
    path = "/groups/{group}",
    tag = "groups",
    operation_id = "delete_group",
    params(GroupParams),
    responses((status = 204, description = "It is gone.")),
    extensions(("x-right" = json!(Right::Superuser)), ("x-codes" = json!(["group_not_found"]))),
)]
pub(crate) async fn delete(
    GroupName(name): GroupName,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    let dropped = state
        .metadata
        .drop_group(&state.group(&name).await?, &caller.require_superuser()?)
        .await;
    dropped.map_err(|error| match error {
        Error::Unmet(Requirement::Group) => no_group(),
        error => error.into(),
    })?;
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), group = %name, "group deleted");
    Ok(NoContent)
}

/// Lists the members of a group: groups first, then users and robots, each by name.
#[utoipa::path(
    get,
    path = "/groups/{group}/members",
    tag = "groups",
    operation_id = "list_members",
    params(GroupParams, Page),
    responses(
        (status = 200, description = "A page of members.", body = api::List<api::GroupMember>),
    ),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["group_not_found", "after_invalid"])),
    ),
)]
pub(crate) async fn members(
    page: Page,
    GroupName(name): GroupName,
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::GroupMember>>, Refusal> {
    let group = state.group(&name).await?;
    let after = match page.after.split_once(':') {
        Some(("group", name)) => ("group", name),
        Some(("user" | "robot", name)) => ("user", name),
        None if page.after.is_empty() => ("", ""),
        _ => {
            return Err(Problem::invalid("after", "after is the `next` of the page before").into());
        }
    };
    let limit = page.limit as u64 + 1;
    let members = state.metadata.group_members(group.id, after, limit).await?;
    let members = members.iter().map(member_to_api).collect();
    let key = |member: &api::GroupMember| member.member.clone();
    Ok(Json(api::List::of(members, page.limit, key)))
}

/// Who is meant as a member: `alice`, `user:alice`, `robot:ci` or `group:ops`.
async fn meant(state: &ApiState, text: &str) -> Result<MemberId, Problem> {
    let no_member = || {
        let detail = format!(
            "there is no {text}; a member is a user's name, or user:NAME, robot:NAME, group:NAME"
        );
        Problem::not_found("member", detail)
    };
    let subject = text.parse::<Subject>();
    if let Ok(Subject::Group(name)) = &subject {
        let group = state.metadata.group(name.as_str()).await?;
        return Ok(MemberId::Group(group.ok_or_else(no_member)?.id));
    }
    let name: UserName = match &subject {
        Ok(Subject::User(name) | Subject::Robot(name)) => name.clone(),
        Ok(_) => return Err(no_member()),
        Err(_) => text.parse().map_err(|_| no_member())?,
    };
    let user = state.metadata.user(name.as_str()).await?;
    let is_meant = |user: &larder_metadata::users::User| {
        subject
            .as_ref()
            .map_or(true, |subject| *subject == user.subject())
    };
    let user = user.filter(is_meant).ok_or_else(no_member)?;
    Ok(MemberId::User(user.id))
}

/// Puts a member into a group; does nothing where it is in it.
///
/// A group may hold groups that hold none.
#[utoipa::path(
    put,
    path = "/groups/{group}/members/{member}",
    tag = "groups",
    operation_id = "add_member",
    params(GroupParams, MemberParams),
    responses((status = 204, description = "It is in the group.")),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["group_not_found", "member_not_found", "conflict"])),
    ),
)]
pub(crate) async fn add(
    GroupName(name): GroupName,
    MemberName(member): MemberName,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    let group = state.group(&name).await?;
    let id = meant(&state, &member).await?;
    let added = state
        .metadata
        .add_member(group.id, id, &caller.require_superuser()?)
        .await;
    added.map_err(|error| match (error, id) {
        (Error::Unmet(Requirement::Member), MemberId::Group(_)) => {
            let detail = format!(
                "{member} cannot be in the group {name}: a group holds groups that hold none, and \
                 one that is in another holds none"
            );
            Problem::new(Kind::Conflict, "member", detail)
        }
        (Error::Unmet(Requirement::Member), MemberId::User(_)) => no_user(), // gone meanwhile
        (error, _) => error.into(),
    })?;
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), group = %name, %member, "member added");
    Ok(NoContent)
}

/// Takes a member out of a group.
#[utoipa::path(
    delete,
    path = "/groups/{group}/members/{member}",
    tag = "groups",
    operation_id = "remove_member",
    params(GroupParams, MemberParams),
    responses((status = 204, description = "It is not in the group.")),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["group_not_found", "member_not_found"])),
    ),
)]
pub(crate) async fn remove(
    GroupName(name): GroupName,
    MemberName(member): MemberName,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    let group = state.group(&name).await?;
    let id = meant(&state, &member).await?;
    let removed = state
        .metadata
        .remove_member(group.id, id, &caller.require_superuser()?)
        .await;
    removed.map_err(|error| match error {
        Error::Unmet(Requirement::Member) => {
            Problem::not_found("member", format!("{member} is not in the group {name}"))
        }
        error => error.into(),
    })?;
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), group = %name, %member, "member removed");
    Ok(NoContent)
}
