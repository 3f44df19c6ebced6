//! Repositories.

use super::repository_settings::{self, knows};
use crate::answer::{Created, NoContent};
use crate::caller::Caller;
use crate::entity_tag::SettledState;
use crate::extract::body::JsonBody;
use crate::extract::head::KnownQuery;
use crate::extract::page::Page;
use crate::extract::path::RepoParams;
use crate::extract::rights::{Identified, RepoAdmin, RepoReader};
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, no_repo, path_of, repos_after, versions_are_tags};
use axum::extract::State;
use axum::{Extension, Json};
use larder_api as api;
use larder_metadata::repos::{Member, NewRepo, RepoRecord};
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Problem, ProtocolName, RepoKind, RepoPath, RepoSettings, Verb};
use std::sync::Arc;

/// Characters of a description.
const DESCRIPTION: usize = 1000;

pub(crate) fn kind_of(repo: &RepoRecord) -> api::RepoKind {
    repo.kind.into()
}

/// Where a mirror's upstream is, and as whom it is asked, is for those who look after it.
fn to_api(repo: &RepoRecord, caller: &Caller, state: &ApiState) -> api::Repository {
    let policy = state.gate.policy();
    let mut settings = repo.settings.clone();
    if !caller.may(&path_of(repo).permission(Verb::Administer)) {
        settings.upstream = None;
    }
    let offline_by = if repo.kind != RepoKind::Mirror {
        None
    } else if settings.offline {
        Some(api::OfflineBy::Repository)
    } else if policy.is_offline() || state.engine.is_offline() {
        Some(api::OfflineBy::Server)
    } else {
        None
    };
    let plain = api::Repository {
        protocol: repo.protocol,
        name: repo.name.clone(),
        kind: kind_of(repo),
        description: repo.description.to_string(),
        created_at: repo.created_at,
        open: settings.open,
        readable_by: if policy.is_readable_by_everyone(repo) {
            api::Readers::Everyone
        } else {
            api::Readers::Granted
        },
        offline: None,
        offline_by,
        fresh_seconds: None,
        serve_vanished: None,
        upstream: None,
        members: None,
        blocked: None,
        signing_key: None,
        immutable: None,
        sparse_images: None,
        quota: None,
        usage: None,
    };
    // Members that the caller may not know of are not told.
    let known = |member: &&Member| repository_settings::knows(caller, repo.protocol, &member.name);
    let members: Vec<&Member> = repo.members.iter().filter(known).collect();
    repository_settings::show(plain, settings, &members)
}

/// Lists the repositories that the caller may read, by protocol and name.
#[utoipa::path(
    get,
    path = "/repositories",
    tag = "repositories",
    operation_id = "list_repositories",
    params(Page),
    responses(
        (status = 200, description = "A page of repositories.", body = api::List<api::Repository>),
    ),
    extensions(("x-right" = json!(Right::Anyone))),
)]
pub(crate) async fn list(
    page: Page,
    caller: Caller,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Repository>>, Refusal> {
    let policy = state.gate.policy();
    let visible = repos_after(&policy, &page.after)
        .into_iter()
        .filter(|repo| caller.may(&path_of(repo).permission(Verb::Read)));
    let repositories = visible
        .take(page.limit + 1)
        .map(|repo| to_api(repo, &caller, &state))
        .collect();
    let key = |repo: &api::Repository| format!("{}/{}", repo.protocol, repo.name);
    Ok(Json(api::List::of(repositories, page.limit, key)))
}

/// Makes a repository.
///
/// The caller administers repositories of its name. A mirror whose upstream needs no password can
/// be read by everyone, unless `open` says otherwise.
#[utoipa::path(
    post,
    path = "/repositories",
    tag = "repositories",
    operation_id = "create_repository",
    request_body = api::NewRepository,
    responses((status = 201, description = "The repository.", body = api::Repository)),
    extensions(("x-right" = json!(Right::Identified)), ("x-codes" = json!(["conflict"]))),
)]
pub(crate) async fn create(
    Identified { caller, .. }: Identified,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewRepository>,
) -> Result<Created<api::Repository>, Refusal> {
    let (path, kind, mut change) = new.into_parts();
    let description = change.description.take().unwrap_or_default();
    check_description(&description)?;
    // The right comes before anything is told of the repository.
    let by = caller.require(path.permission(Verb::Administer))?;
    let kind = creatable(&state, path.protocol, kind)?;
    let before = RepoSettings {
        // A mirror of images is there so that builds do not depend on what others take away.
        serve_vanished: versions_are_tags(path.protocol) && kind == api::RepoKind::Mirror,
        ..RepoSettings::default()
    };
    let (settings, members) =
        repository_settings::apply(change, &state, &caller, (&path, kind), before)?;
    let members = members.unwrap_or_default();
    if kind == api::RepoKind::Group && members.is_empty() {
        return Err(repository_settings::needs_members().into());
    }
    // One commit; whoever asks after it sees the repository and its rights.
    let new = NewRepo {
        protocol: path.protocol,
        name: &path.name,
        kind: kind.into(),
        description: &description,
        settings: &settings,
        members: &members,
    };
    let repo = state
        .metadata
        .add_repo(new, &by)
        .await
        .map_err(|error| match error {
            Error::Exists(_) => Problem::new(
                Kind::Conflict,
                "repository",
                format!("there is already a repository {path}"),
            ),
            error => refused(error),
        })?;
    state.gate.refresh().await?;
    let policy = state.gate.policy();
    let public = policy.is_readable_by_everyone(&repo);
    tracing::info!(by = caller.label(), repository = %path, public, "repository created");
    let made = with_usage(
        to_api(&repo, &caller, &state),
        (&state, &repo),
        &caller,
        false,
    )
    .await?;
    Ok(Created::new(format_args!("/repositories/{path}"), made))
}

/// Shows a repository.
#[utoipa::path(
    get,
    path = "/repositories/{protocol}/{name}",
    tag = "repositories",
    operation_id = "get_repository",
    params(
        RepoParams,
        (
            "counted" = Option<bool>,
            Query,
            description = "Whether `usage` is what was counted last, as `GET /stats/usage` has it, which \
                takes no look at all that a large repository has.",
        ),
    ),
    responses((status = 200, description = "The repository.", body = api::Repository)),
    extensions(
        ("x-right" = json!(Right::RepositoryRead)),
        ("x-codes" = json!(["counted_invalid"])),
        ("x-entity-tag" = json!(true)),
    ),
)]
pub(crate) async fn get(
    RepoReader { caller, path, .. }: RepoReader,
    KnownQuery(query): KnownQuery,
    State(state): State<Arc<ApiState>>,
) -> Result<(Extension<SettledState>, Json<api::Repository>), Refusal> {
    let repo = state.repo(&path)?;
    let plain = to_api(&repo, &caller, &state);
    // What is published meanwhile changes what is shown, but nothing that a condition is about.
    let settled = SettledState::of(&plain)?;
    let counted = query.flag("counted")?;
    let shown = with_usage(plain, (&state, &repo), &caller, counted).await?;
    Ok((Extension(settled), Json(shown)))
}

/// A repository with what it has, for whoever administers it.
async fn with_usage(
    plain: api::Repository,
    (state, repo): (&ApiState, &RepoRecord),
    caller: &Caller,
    counted: bool,
) -> Result<api::Repository, Problem> {
    let administers = caller.may(&path_of(repo).permission(Verb::Administer));
    if repo.kind == RepoKind::Group || !administers {
        return Ok(plain);
    }
    let usage = if counted {
        let counted = state.metadata.counted_usage(repo.id).await?;
        counted.map(|it| (it.bytes, it.unique_bytes, it.versions))
    } else {
        let now = state.metadata.usage(repo.id).await?;
        Some((now.bytes, now.unique_bytes, now.versions))
    };
    let warning = match &plain.quota {
        Some(_) => Some(state.metadata.is_quota_warned(repo.id).await?),
        None => None,
    };
    let is_superuser = caller.principal().is_superuser();
    Ok(api::Repository {
        quota: plain.quota.map(|quota| api::Quota { warning, ..quota }),
        usage: usage.map(|(bytes, unique_bytes, versions)| api::RepositoryUsage {
            bytes,
            unique_bytes: is_superuser.then_some(unique_bytes),
            versions,
        }),
        ..plain
    })
}

/// Changes a repository.
///
/// Superusers alone change `upstream`.
#[utoipa::path(
    patch,
    path = "/repositories/{protocol}/{name}",
    tag = "repositories",
    operation_id = "change_repository",
    params(RepoParams),
    request_body = api::RepositoryChange,
    responses((status = 200, description = "The repository as it is now.", body = api::Repository)),
    extensions(("x-right" = json!(Right::RepositoryAdminister))),
)]
pub(crate) async fn change(
    RepoAdmin { caller, path, .. }: RepoAdmin,
    State(state): State<Arc<ApiState>>,
    JsonBody(mut change): JsonBody<api::RepositoryChange>,
) -> Result<Json<api::Repository>, Refusal> {
    let description = change.description.take();
    check_description(description.as_deref().unwrap_or_default())?;
    state.gate.refresh().await?;
    let repo = state.repo(&path)?;
    if description.is_some() || change != api::RepositoryChange::default() {
        let by = caller.require(path.permission(Verb::Administer))?;
        let (target, before) = ((&path, kind_of(&repo)), repo.settings.clone());
        let (settings, members) =
            repository_settings::apply(change, &state, &caller, target, before)?;
        let description = description.as_deref().unwrap_or(&repo.description);
        state
            .metadata
            .change_repo(repo.id, description, &settings, members.as_deref(), &by)
            .await
            .map_err(refused)?;
        state.gate.refresh().await?;
        tracing::info!(by = caller.label(), repository = %path, "repository changed");
    }
    let repo = state.repo(&path)?;
    let changed = to_api(&repo, &caller, &state);
    Ok(Json(
        with_usage(changed, (&state, &repo), &caller, false).await?,
    ))
}

/// Deletes a repository with all that is in it.
///
/// One that a group has as a member, or that a setting names, is deleted with `force` alone, by a
/// superuser. What was published in it stays reserved.
#[utoipa::path(
    delete,
    path = "/repositories/{protocol}/{name}",
    tag = "repositories",
    operation_id = "delete_repository",
    params(
        RepoParams,
        ("force" = Option<bool>, Query, description = "Whether to delete it in any case."),
    ),
    responses((status = 204, description = "It is gone.")),
    extensions(
        ("x-right" = json!(Right::RepositoryAdminister)),
        ("x-codes" = json!(["conflict", "force_invalid"])),
    ),
)]
pub(crate) async fn delete(
    KnownQuery(query): KnownQuery,
    RepoAdmin { caller, path, .. }: RepoAdmin,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    let force = query.flag("force")?;
    if force {
        caller.require_superuser()?;
    }
    state.gate.refresh().await?;
    let repo = state.repo(&path)?;
    let by = caller.require(path.permission(Verb::Administer))?;
    match state.metadata.drop_repo(repo.id, force, &by).await {
        Err(Error::Unmet(Requirement::Unreferenced)) => {
            state.gate.refresh().await?;
            let is_known = |repo: &RepoRecord| knows(&caller, repo.protocol, &repo.name);
            let references = state.gate.policy().references_to(repo.id, is_known);
            return Err(referenced(&path, &references).into());
        }
        outcome => outcome.map_err(refused)?,
    }
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), repository = %path, "repository deleted");
    Ok(NoContent)
}

/// The kind, if such a repository can be made.
fn creatable(
    state: &ApiState,
    protocol: ProtocolName,
    kind: api::RepoKind,
) -> Result<api::RepoKind, Problem> {
    let made = |(known, word): &(ProtocolName, &str)| *known == protocol && *word == kind.word();
    if state.creatable.iter().any(made) {
        return Ok(kind);
    }
    let can: Vec<String> = state
        .creatable
        .iter()
        .map(|(protocol, kind)| format!("{protocol} {kind}"))
        .collect();
    let detail = format!(
        "no {protocol} repository of this kind can be made here; what can be made: {}",
        can.join(", ")
    );
    Err(Problem::invalid("kind", detail))
}

fn check_description(text: &str) -> Result<(), Problem> {
    if text.chars().count() <= DESCRIPTION && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let detail = format!("`description` is one line of at most {DESCRIPTION} characters");
    Err(Problem::invalid("description", detail))
}

/// What refers to a repository would dangle without it.
fn referenced(path: &RepoPath, references: &[String]) -> Problem {
    let detail = format!(
        "{path} is referred to by {}; take it out of there first, or have a superuser delete it \
         with ?force=true",
        references.join(", ")
    );
    Problem::new(Kind::Conflict, "repository", detail)
}

fn refused(error: Error) -> Problem {
    match error {
        Error::Unmet(Requirement::Member) => {
            let detail = "a member was deleted meanwhile; name those that are there";
            Problem::invalid("members", detail)
        }
        Error::Unmet(Requirement::Repo) => no_repo(), // someone else was first
        error => error.into(),
    }
}
