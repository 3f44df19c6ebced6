//! What repositories let go by rules, for their maintainers.

use super::jobs;
use super::repositories::kind_of;
use crate::answer::{Accepted, NoContent};
use crate::engine;
use crate::extract::body::{JsonBody, OptionalBody};
use crate::extract::path::RepoParams;
use crate::extract::rights::RepoDeleter;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, no_repo};
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::jobs::NewJob;
use larder_metadata::repos::RepoRecord;
use larder_metadata::{Error, Requirement};
use larder_model::{
    JobKind, Keep, Kind, NewestPer, Pattern, Problem, RepoPath, RetentionPolicy, RetentionRule,
    Span, Verb, duration, retention,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Rules of a policy, patterns of a list.
const MAX: usize = 100;

/// What may be wrong of a policy.
const POLICY_CODES: [&str; 10] = [
    "repository_invalid",
    "rules_invalid",
    "protect_invalid",
    "matching_invalid",
    "untagged_after_invalid",
    "unused_after_invalid",
    "max_bytes_invalid",
    "trash_invalid",
    "pushed_within_invalid",
    "pulled_within_invalid",
];

fn to_api(policy: RetentionPolicy) -> api::Retention {
    let text = |span: Span| span.to_string();
    let rule = |rule: RetentionRule| api::RetentionRule {
        packages: rule.packages,
        versions: rule.versions,
        keep: api::RetentionKeep {
            newest: rule.keep.newest,
            pushed_within: rule.keep.pushed_within.map(text),
            pulled_within: rule.keep.pulled_within.map(text),
            matching: Some(rule.keep.matching).filter(|patterns| !patterns.is_empty()),
            newest_per: rule.keep.newest_per.map(|per| api::RetentionSeries {
                of: per.of,
                count: per.count,
            }),
        },
    };
    api::Retention {
        enabled: policy.enabled,
        rules: policy.rules.into_iter().map(rule).collect(),
        protect: policy.protect,
        untagged_after: policy.untagged_after.map(text),
        unused_after: policy.unused_after.map(text),
        max_bytes: policy.max_bytes,
        trash: text(policy.trash),
    }
}

fn span(field: &'static str, text: Option<&str>) -> Result<Option<Span>, Problem> {
    let wrong = || {
        let detail = format!("`{field}` is a number and its unit, such as 12h or 30d");
        Problem::invalid(field, detail)
    };
    let read = |text| duration::parse(text).map(Span).ok_or_else(wrong);
    text.map(read).transpose()
}

fn bounded<T>(field: &'static str, list: Option<Vec<T>>) -> Result<Vec<T>, Problem> {
    let list = list.unwrap_or_default();
    if list.len() > MAX {
        let detail = format!("`{field}` has at most {MAX} entries");
        return Err(Problem::invalid(field, detail));
    }
    Ok(list)
}

fn keep_of(keep: api::RetentionKeep) -> Result<Keep, Problem> {
    Ok(Keep {
        newest: keep.newest,
        pushed_within: span("pushed_within", keep.pushed_within.as_deref())?,
        pulled_within: span("pulled_within", keep.pulled_within.as_deref())?,
        matching: bounded::<Pattern>("matching", keep.matching)?,
        newest_per: keep.newest_per.map(|per| NewestPer {
            of: per.of,
            count: per.count,
        }),
    })
}

/// Fails if a field is for repositories of another kind.
fn require_fields_of(kind: api::RepoKind, new: &api::NewRetention) -> Result<(), Problem> {
    let fields = match kind {
        api::RepoKind::Mirror => [
            ("untagged_after", new.untagged_after.is_some()),
            ("", false),
        ],
        _ => [
            ("unused_after", new.unused_after.is_some()),
            ("max_bytes", new.max_bytes.is_some()),
        ],
    };
    let Some((field, _)) = fields.into_iter().find(|(_, given)| *given) else {
        return Ok(());
    };
    let detail = if kind == api::RepoKind::Mirror {
        "`untagged_after` is for repositories that images are pushed to; of a mirror a manifest \
         without a tag goes like all else, by `unused_after` or `max_bytes`: leave it out, or send \
         null"
            .to_owned()
    } else {
        format!(
            "`{field}` is for mirrors, which can fetch again what goes; this repository is hosted, \
             and lets versions go by `rules`: leave it out, or send null"
        )
    };
    Err(Problem::invalid(field, detail))
}

/// How long what goes of a repository can be restored: of a mirror not at all, for it comes again.
fn trash_of(kind: api::RepoKind, given: Option<&str>) -> Result<Span, Problem> {
    let given = span("trash", given)?;
    if kind != api::RepoKind::Mirror {
        return Ok(given.unwrap_or(Span(retention::TRASH)));
    }
    // The default of other repositories says nothing.
    match given {
        Some(Span(time)) if !time.is_zero() && time != retention::TRASH => {
            let detail = "a mirror has no `trash`, for what goes of it can be fetched again: leave \
                          it out, or send 0s";
            Err(Problem::invalid("trash", detail))
        }
        _ => Ok(Span(Duration::ZERO)),
    }
}

/// The policy of a body, for a repository of this kind.
fn policy_of(kind: api::RepoKind, new: api::NewRetention) -> Result<RetentionPolicy, Problem> {
    require_fields_of(kind, &new)?;
    let rule = |rule: api::RetentionRule| {
        Ok(RetentionRule {
            packages: rule.packages,
            versions: rule.versions,
            keep: keep_of(rule.keep)?,
        })
    };
    let rules = bounded("rules", new.rules)?;
    Ok(RetentionPolicy {
        enabled: new.enabled.unwrap_or(true),
        rules: rules
            .into_iter()
            .map(rule)
            .collect::<Result<_, Problem>>()?,
        protect: bounded("protect", new.protect)?,
        untagged_after: span("untagged_after", new.untagged_after.as_deref())?,
        unused_after: span("unused_after", new.unused_after.as_deref())?,
        max_bytes: new.max_bytes,
        trash: trash_of(kind, new.trash.as_deref())?,
    })
}

/// The repository, which must keep something itself.
fn keeping(state: &ApiState, path: &RepoPath) -> Result<Arc<RepoRecord>, Problem> {
    let repo = state.repo(path)?;
    if kind_of(&repo) != api::RepoKind::Group {
        return Ok(repo);
    }
    let detail = format!(
        "{path} is a group, which keeps nothing itself: say it for its members, see larder repo \
         show {path}"
    );
    Err(Problem::invalid("repository", detail))
}

fn refused(error: Error) -> Problem {
    match error {
        Error::Unmet(Requirement::Repo) => no_repo(), // someone deleted it meanwhile
        error => error.into(),
    }
}

async fn stored(state: &ApiState, repo: &RepoRecord) -> Result<RetentionPolicy, Problem> {
    let stored = state.metadata.retention(repo.id).await?;
    Ok(stored.unwrap_or_else(|| RetentionPolicy {
        trash: match kind_of(repo) {
            api::RepoKind::Mirror => Span(Duration::ZERO),
            _ => Span(retention::TRASH),
        },
        ..RetentionPolicy::default()
    }))
}

/// Shows what a repository lets go by rules. Without a policy it lets nothing go.
#[utoipa::path(
    get,
    path = "/repositories/{protocol}/{name}/retention",
    tag = "retention",
    operation_id = "get_retention",
    params(RepoParams),
    responses((status = 200, description = "The policy.", body = api::Retention)),
    extensions(
        ("x-right" = json!(Right::RepositoryDelete)),
        ("x-codes" = json!(["repository_invalid"])),
        ("x-entity-tag" = json!(true)),
    ),
)]
pub(crate) async fn get(
    RepoDeleter { path, .. }: RepoDeleter,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::Retention>, Refusal> {
    let repo = keeping(&state, &path)?;
    Ok(Json(to_api(stored(&state, &repo).await?)))
}

/// Says what a repository lets go by rules.
///
/// A version, of images a tag, goes when at least one rule fits it by `packages` and `versions`, no
/// fitting rule keeps it, and it is neither protected nor immutable. Of a mirror goes too what nobody
/// has used for `unused_after`, and beyond `max_bytes` what was used longest ago; what rules keep or
/// `protect` names stays. A retention run removes names; bytes go with the collector, once the trash
/// has let them go.
#[utoipa::path(
    put,
    path = "/repositories/{protocol}/{name}/retention",
    tag = "retention",
    operation_id = "put_retention",
    params(RepoParams),
    request_body = api::NewRetention,
    responses((status = 200, description = "The policy as it is now.", body = api::Retention)),
    extensions(
        ("x-right" = json!(Right::RepositoryDelete)),
        ("x-codes" = json!(POLICY_CODES)),
    ),
)]
pub(crate) async fn put(
    RepoDeleter { caller, path, .. }: RepoDeleter,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewRetention>,
) -> Result<Json<api::Retention>, Refusal> {
    let repo = keeping(&state, &path)?;
    let policy = policy_of(kind_of(&repo), new)?;
    let by = caller.require(path.permission(Verb::Delete))?;
    let set = state.metadata.set_retention(repo.id, &policy, &by).await;
    set.map_err(refused)?;
    tracing::info!(by = caller.label(), repository = %path, "retention changed");
    Ok(Json(to_api(policy)))
}

/// Takes the policy of a repository away: it lets nothing go.
#[utoipa::path(
    delete,
    path = "/repositories/{protocol}/{name}/retention",
    tag = "retention",
    operation_id = "delete_retention",
    params(RepoParams),
    responses((status = 204, description = "There is none.")),
    extensions(
        ("x-right" = json!(Right::RepositoryDelete)),
        ("x-codes" = json!(["repository_invalid"])),
    ),
)]
pub(crate) async fn delete(
    RepoDeleter { caller, path, .. }: RepoDeleter,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    let repo = keeping(&state, &path)?;
    let by = caller.require(path.permission(Verb::Delete))?;
    state.metadata.drop_retention(repo.id, &by).await?;
    tracing::info!(by = caller.label(), repository = %path, "retention taken away");
    Ok(NoContent)
}

fn item_to_api(item: engine::RetentionItem) -> api::RetentionItem {
    api::RetentionItem {
        package: item.package.into(),
        version: item.version.map(Into::into),
        digest: item.digest.map(|digest| digest.to_string()),
        action: if item.goes {
            api::RetentionAction::Delete
        } else {
            api::RetentionAction::Keep
        },
        reason: item.reason,
        rule: item.rule,
        bytes: item.bytes,
    }
}

/// Tells what a policy would do now: the one of the body or, if that is empty or left out, the stored one.
///
/// A manifest that loses its last tag in the same run is no item of its own. Nothing is changed.
#[utoipa::path(
    post,
    path = "/repositories/{protocol}/{name}/retention/preview",
    tag = "retention",
    operation_id = "preview_retention",
    params(RepoParams),
    request_body = api::NewRetention,
    responses((status = 200, description = "What it would do.", body = api::RetentionPreview)),
    extensions(
        ("x-right" = json!(Right::RepositoryDelete)),
        ("x-codes" = json!(POLICY_CODES)),
    ),
)]
pub(crate) async fn preview(
    RepoDeleter { path, .. }: RepoDeleter,
    State(state): State<Arc<ApiState>>,
    OptionalBody(new): OptionalBody<api::NewRetention>,
) -> Result<Json<api::RetentionPreview>, Refusal> {
    let given = new != api::NewRetention::default();
    let repo = keeping(&state, &path)?;
    let policy = given.then(|| policy_of(kind_of(&repo), new)).transpose()?;
    let policy = match policy {
        Some(policy) => policy,
        None => stored(&state, &repo).await?,
    };
    let preview = state.engine.preview_retention(&repo, &policy).await?;
    Ok(Json(api::RetentionPreview {
        id: preview.id,
        items: preview.items.into_iter().map(item_to_api).collect(),
        more: preview.more,
        keep: preview.keep,
        delete: preview.delete,
        bytes: preview.bytes,
    }))
}

/// Does what a preview of the last day told, as a job.
///
/// It is refused if the outcome would by now be another by more than a tenth. Each deletion is decided
/// once more in its own commit: what was pushed meanwhile stays.
#[utoipa::path(
    post,
    path = "/repositories/{protocol}/{name}/retention/runs",
    tag = "retention",
    operation_id = "run_retention",
    params(RepoParams),
    request_body = api::NewRetentionRun,
    responses((status = 202, description = "The job.", body = api::Job)),
    extensions(
        ("x-right" = json!(Right::RepositoryDelete)),
        ("x-codes" = json!(["repository_invalid", "preview_not_found", "conflict"])),
    ),
)]
pub(crate) async fn run(
    RepoDeleter { caller, path, .. }: RepoDeleter,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewRetentionRun>,
) -> Result<Accepted, Refusal> {
    let repo = keeping(&state, &path)?;
    let preview = state.metadata.preview(repo.id, &new.preview).await?;
    let preview = preview.ok_or_else(|| {
        let detail = "no such preview of this repository, or it is more than a day old: ask for a \
                      new one with POST …/retention/preview";
        Problem::not_found("preview", detail)
    })?;
    if state.engine.is_preview_past(&repo, &preview).await? {
        let detail = "what would go is by now other than the preview told, by more than a tenth: \
                      look at a new preview, and run that";
        return Err(Problem::new(Kind::Conflict, "preview", detail).into());
    }
    let by = caller.require(path.permission(Verb::Delete))?;
    let job = NewJob {
        kind: JobKind::Retention,
        dry_run: false,
        repository: Some(path.clone()),
        parameters: json!({"preview": new.preview, "policy": preview.policy}),
    };
    let job = state.jobs.queue(job, &by).await?;
    tracing::info!(by = caller.label(), job = job.id, repository = %path, "retention asked for");
    Ok(Accepted(jobs::to_api(&job)?))
}
