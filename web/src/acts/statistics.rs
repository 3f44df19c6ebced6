//! What is kept, how it is used and how the server fares, in numbers. All of it was counted before:
//! nobody who asks waits for a count.

use super::series::Step;
use super::{jobs, series};
use crate::answer::Accepted;
use crate::extract::body::JsonBody;
use crate::extract::head::KnownQuery;
use crate::extract::page::{Page, next_of};
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::query::Query;
use crate::right::Right;
use crate::state::{ApiState, path_of};
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::jobs::{JobFilter, NewJob};
use larder_metadata::usage::{ALL, AfterPackage, UsageSum};
use larder_model::{JobKind, JobState, Problem, RepoPath, SeriesName, Timestamp, UserKind};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// Later than any hour that is counted.
const END: Timestamp = Timestamp(i64::MAX);

/// Tells how much is kept, how it was used in the last 24 hours, and what waits.
///
/// Bytes are as they were last counted, by the job `usage`, which runs every hour; requests as servers
/// last wrote them down, which they do once a minute.
#[utoipa::path(
    get,
    path = "/stats",
    tag = "statistics",
    operation_id = "get_statistics",
    responses((status = 200, description = "The numbers.", body = api::Statistics)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn get(
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::Statistics>, Refusal> {
    let metadata = &state.metadata;
    let sums = metadata.usage_sums().await?;
    let all = sums.iter().find(|sum| &*sum.scope == ALL);
    let protocols = sums.iter().filter(|sum| &*sum.scope != ALL);
    let jobs_by_state = metadata.jobs_by_state().await?;
    let jobs_of = |state: JobState| {
        let count = jobs_by_state.iter().find(|(of, _)| *of == state);
        count.map_or(0, |(_, count)| *count)
    };
    let people = metadata.users_by_kind().await?;
    let people_of = |kind: UserKind| {
        let count = people.iter().find(|(of, _)| *of == kind);
        count.map_or(0, |(_, count)| *count)
    };
    Ok(Json(api::Statistics {
        as_of: all.map(|sum| sum.as_of),
        total: all.map(total).unwrap_or_default(),
        protocols: protocols
            .map(|sum| (sum.scope.to_string(), total(sum)))
            .collect(),
        unnamed_bytes: all.map_or(0, |sum| sum.unnamed_bytes),
        last_24h: traffic(&state).await?,
        users: people_of(UserKind::Person),
        robots: people_of(UserKind::Robot),
        queued_jobs: jobs_of(JobState::Queued),
        running_jobs: jobs_of(JobState::Running),
        collector_queue: metadata.collection_queue_length().await?,
        disk: state
            .engine
            .disk_space()
            .map(|(free_bytes, total_bytes)| api::DiskSpace {
                free_bytes,
                total_bytes,
            }),
        last_gc: newest(&state, JobKind::Gc, None).await?,
        last_backup: newest(&state, JobKind::Backup, Some(JobState::Succeeded)).await?,
    }))
}

/// The newest job of a kind, and of a state where one is given.
async fn newest(
    state: &ApiState,
    kind: JobKind,
    of: Option<JobState>,
) -> Result<Option<api::Job>, Problem> {
    let filter = JobFilter {
        kind: Some(kind),
        state: of,
    };
    let jobs = state.metadata.jobs(filter, None, 1).await?;
    jobs.first().map(jobs::to_api).transpose()
}

fn total(sum: &UsageSum) -> api::UsageTotal {
    api::UsageTotal {
        bytes: sum.bytes,
        unique_bytes: sum.unique_bytes,
        shared_bytes: sum.bytes.saturating_sub(sum.unique_bytes),
        saved_bytes: sum.saved_bytes,
        blobs: sum.blobs,
        repositories: sum.repositories,
        packages: sum.packages,
        versions: sum.versions,
    }
}

/// Requests of the last 24 hours, the hour that goes on among them.
async fn traffic(state: &ApiState) -> Result<api::Traffic, Problem> {
    use SeriesName as Name;
    let now = state.metadata.shared_now().await?;
    let since = now.before(DAY);
    let sum = async |name: Name| -> Result<u64, Problem> {
        let sums = state.metadata.series_sums(name.word(), since, END).await?;
        Ok(sums.iter().map(|it| it.value).sum())
    };
    let name = Name::RequestDuration.word();
    let durations = state.metadata.series_sums(name, since, END).await?;
    let (hits, misses) = (sum(Name::CacheHits).await?, sum(Name::CacheMisses).await?);
    Ok(api::Traffic {
        requests: sum(Name::Requests).await?,
        client_errors: sum(Name::ClientErrors).await?,
        server_errors: sum(Name::ServerErrors).await?,
        denied_requests: sum(Name::DeniedRequests).await?,
        cache_hits: hits,
        cache_misses: misses,
        hit_rate: rate(hits, hits + misses),
        sent_bytes: sum(Name::SentBytes).await?,
        received_bytes: sum(Name::ReceivedBytes).await?,
        upstream_bytes: sum(Name::UpstreamBytes).await?,
        collected_bytes: sum(Name::CollectedBytes).await?,
        request_duration_seconds: series::quantiles(&series::distribution(&durations)),
    })
}

/// A part of a whole, to four digits; `None`: the whole is nothing.
fn rate(part: u64, whole: u64) -> Option<f64> {
    let rate = (u128::from(part) * 10_000).checked_div(u128::from(whole))?;
    u32::try_from(rate)
        .ok()
        .map(|rate| f64::from(rate) / 10_000.0)
}

/// Tells the values of a series by the hour or the day, kept for 90 days; without `name`, which series
/// there are.
///
/// Servers add up. Without `since`, hours of the last 24 hours or days of the last 14 days.
#[utoipa::path(
    get,
    path = "/stats/series",
    tag = "statistics",
    operation_id = "get_series",
    params(
        ("name" = Option<String>, Query, description = "The series."),
        ("since" = Option<String>, Query, description = "From the hour or day of this time on."),
        ("until" = Option<String>, Query, description = "Hours that began before this time; now, if absent."),
        ("step" = Option<String>, Query, description = "`hour`, the default, or `day` (in UTC)."),
        ("part" = Option<String>, Query, description = "Only of this protocol or upstream."),
    ),
    responses((status = 200, description = "The values, or the series.", body = api::SeriesAnswer)),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["name_invalid", "since_invalid", "until_invalid", "step_invalid"])),
    ),
)]
pub(crate) async fn get_series(
    _: Superuser,
    KnownQuery(query): KnownQuery,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::SeriesAnswer>, Refusal> {
    let Some(name) = query.get("name") else {
        return Ok(Json(api::SeriesAnswer::All(series::list())));
    };
    let name: SeriesName = name.parse().map_err(|_| series::unknown())?;
    let step: Step = query.get("step").unwrap_or("hour").parse()?;
    let now = state.metadata.shared_now().await?;
    let until = time(&query, "until")?.unwrap_or(now);
    let since = time(&query, "since")?;
    let since = step.begin(since.unwrap_or_else(|| until.before(step.usual())));
    let mut points = state.metadata.series(name.word(), since, until).await?;
    if let Some(part) = query.get("part") {
        points.retain(|point| &*point.label == part);
    }
    Ok(Json(api::SeriesAnswer::One(series::told(
        name, step, &points,
    ))))
}

/// A time in the query.
pub(crate) fn time(query: &Query, name: &'static str) -> Result<Option<Timestamp>, Problem> {
    let wrong = |_| {
        let detail = format!("`{name}` is a time as 2030-01-31T12:00:00Z");
        Problem::invalid(name, detail)
    };
    query.get(name).map(str::parse).transpose().map_err(wrong)
}

/// Lists what holds bytes, the largest first: repositories, protocols or packages.
///
/// It is as the job `usage` last counted.
#[utoipa::path(
    get,
    path = "/stats/usage",
    tag = "statistics",
    operation_id = "list_usage",
    params(
        ("by" = Option<String>, Query, description = "`repository`, the default, `protocol` or `package`."),
        ("repository" = Option<String>, Query, description = "Only packages of this one, as `npm/local`."),
        Page,
    ),
    responses((status = 200, description = "A page.", body = api::UsageList)),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["by_invalid", "repository_invalid", "repository_not_found"])),
    ),
)]
pub(crate) async fn usage(
    page: Page,
    _: Superuser,
    KnownQuery(query): KnownQuery,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::UsageList>, Refusal> {
    let sums = state.metadata.usage_sums().await?;
    let as_of = sums.first().map(|sum| sum.as_of);
    let by = query.get("by").unwrap_or("repository");
    let repository = query.get("repository");
    if repository.is_some() && by != "package" {
        let detail = "`repository` narrows a list of packages: ask for by=package";
        return Err(Problem::invalid("repository", detail).into());
    }
    let (items, next) = match by {
        "protocol" => (by_protocol(sums), None),
        "repository" => by_repository(&state, &page).await?,
        "package" => by_package(&state, &page, repository).await?,
        _ => {
            let detail = "`by` is repository, protocol or package";
            return Err(Problem::invalid("by", detail).into());
        }
    };
    Ok(Json(api::UsageList { as_of, items, next }))
}

fn item(protocol: &str, (bytes, unique_bytes, versions): (u64, u64, u64)) -> api::Usage {
    api::Usage {
        protocol: protocol.to_owned(),
        repository: None,
        package: None,
        bytes,
        unique_bytes,
        shared_bytes: bytes.saturating_sub(unique_bytes),
        versions,
    }
}

/// All protocols: there are few.
fn by_protocol(sums: Vec<UsageSum>) -> Vec<api::Usage> {
    let mut sums: Vec<_> = sums.into_iter().filter(|sum| &*sum.scope != ALL).collect();
    sums.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.scope.cmp(&b.scope)));
    let items = sums.iter();
    items
        .map(|sum| item(&sum.scope, (sum.bytes, sum.unique_bytes, sum.versions)))
        .collect()
}

/// Items, and where the list goes on.
type Part = (Vec<api::Usage>, Option<String>);

async fn by_repository(state: &ApiState, page: &Page) -> Result<Part, Problem> {
    let after: Option<(u64, i64)> = page.after_key()?;
    let limit = page.limit as u64 + 1;
    let mut rows = state.metadata.usage_of_repos(after, limit).await?;
    let more = rows.len() > page.limit;
    rows.truncate(page.limit);
    let last = rows.last().filter(|_| more);
    let next = last.map(|(repo, usage)| next_of(&json!((usage.bytes, repo))));
    let policy = state.gate.policy();
    let items = rows.iter().filter_map(|(repo, usage)| {
        let repo = policy.repo_by_id(*repo)?; // another server may just have deleted it
        let counts = (usage.bytes, usage.unique_bytes, usage.versions);
        Some(api::Usage {
            repository: Some(path_of(repo)),
            ..item(repo.protocol.0, counts)
        })
    });
    Ok((items.collect(), next))
}

async fn by_package(
    state: &ApiState,
    page: &Page,
    repository: Option<&str>,
) -> Result<Part, Problem> {
    let wrong = |_| Problem::invalid("repository", "`repository` is one as npm/local");
    let path: Option<RepoPath> = repository.map(str::parse).transpose().map_err(wrong)?;
    let repo = path.map(|path| state.repo(&path)).transpose()?;
    let after: Option<(u64, i64, Box<str>)> = page.after_key()?;
    let after = after.map(|(bytes, repo, package)| AfterPackage {
        bytes,
        repo,
        package,
    });
    let (repo, limit) = (repo.map(|repo| repo.id), page.limit as u64 + 1);
    let mut rows = state.metadata.usage_of_packages(repo, after, limit).await?;
    let more = rows.len() > page.limit;
    rows.truncate(page.limit);
    let last = rows.last().filter(|_| more);
    let next = last.map(|it| next_of(&json!((it.bytes, it.repo, &it.package))));
    let policy = state.gate.policy();
    let items = rows.iter().filter_map(|usage| {
        let repo = policy.repo_by_id(usage.repo)?;
        let counts = (usage.bytes, usage.unique_bytes, usage.versions);
        Some(api::Usage {
            repository: Some(path_of(repo)),
            package: Some(usage.package.to_string()),
            ..item(repo.protocol.0, counts)
        })
    });
    Ok((items.collect(), next))
}

/// Counts the bytes that names hold anew, as a job.
///
/// It begins by itself every hour.
#[utoipa::path(
    post,
    path = "/stats/usage/runs",
    tag = "statistics",
    operation_id = "run_usage",
    request_body = api::NewUsageCount,
    responses((status = 202, description = "The job.", body = api::Job)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn run(
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    JsonBody(_): JsonBody<api::NewUsageCount>,
) -> Result<Accepted, Refusal> {
    let by = caller.require_superuser()?;
    let job = state.jobs.queue(NewJob::of(JobKind::Usage), &by).await?;
    tracing::info!(by = caller.label(), job = job.id, kind = %job.kind, "job asked for");
    Ok(Accepted(jobs::to_api(&job)?))
}
