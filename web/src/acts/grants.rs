//! Grants. Superusers give any; whoever administers all repositories of a pattern gives grants on
//! it.

use super::scope;
use crate::answer::{Created, NoContent};
use crate::extract::body::JsonBody;
use crate::extract::head::KnownQuery;
use crate::extract::page::{Page, next_of};
use crate::extract::path::{GrantId, IdParams};
use crate::extract::rights::{Identified, Unlimited};
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, is_made_by_pushes};
use axum::Json;
use axum::extract::State;
use larder_access::PolicySnapshot;
use larder_api as api;
use larder_metadata::grants::{Grant, GrantFilter, GrantKey, Written};
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Network, NotANetwork, NotASubject, Pattern, Problem, RepoPath, Subject};
use std::sync::Arc;

/// Rows looked at in one go.
const ROWS: usize = 1000;

/// Networks of one grant.
const NETWORKS: usize = 100;

fn to_api(row: Grant) -> api::Grant {
    api::Grant {
        id: row.id.to_string(),
        subject: row.subject.into(),
        repository: row.repository,
        package: row.package,
        refs: row.refs,
        role: row.role,
        created_at: row.created_at,
        created_by: row.created_by.into(),
        networks: row.networks.iter().map(Network::to_string).collect(),
        warning: None,
    }
}

fn no_grant() -> Problem {
    Problem::not_found("grant", "there is no such grant, or you may not see it")
}

/// Lists the grants on repositories that the caller administers, by repositories, the oldest first.
#[utoipa::path(
    get,
    path = "/grants",
    tag = "grants",
    operation_id = "list_grants",
    params(
        (
            "subject" = inline(Option<api::texts::Subject>),
            Query,
            description = "Those of this subject, as user:NAME, group:NAME, robot:NAME, \
                           authenticated or anonymous.",
        ),
        (
            "repository" = Option<String>,
            Query,
            description = "Those whose pattern of repositories is written exactly so.",
        ),
        Page,
    ),
    responses((status = 200, description = "A page of grants.", body = api::List<api::Grant>)),
    extensions(
        ("x-right" = json!(Right::Identified)),
        ("x-codes" = json!(["after_invalid", "subject_invalid"])),
    ),
)]
pub(crate) async fn list(
    page: Page,
    KnownQuery(query): KnownQuery,
    Identified { caller, .. }: Identified,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Grant>>, Refusal> {
    let mut after = page.after_key()?.map(|(repository, id): (Pattern, i64)| {
        let repository = repository.as_str().into();
        GrantKey { repository, id }
    });
    let wrong = |_: NotASubject| {
        let detail = "`subject` is user:NAME, group:NAME, robot:NAME, authenticated or anonymous";
        Problem::invalid("subject", detail)
    };
    let subject = query.get("subject").map(str::parse::<Subject>).transpose();
    let subject = subject.map_err(wrong)?.map(|subject| subject.to_string());
    // Grants on what the caller does not administer are not walked: there can be many.
    let parts: Vec<Written> = if let Some(text) = query.get("repository") {
        vec![Written::Exactly(text.to_owned())]
    } else {
        let beginnings = caller.principal().administered_beginnings();
        beginnings.into_iter().map(Written::Beginning).collect()
    };
    let own = |row: &Grant| caller.principal().administers(&row.repository);
    let mut grants = Vec::new();
    for repository in parts {
        let subject = subject.clone();
        let filter = GrantFilter {
            subject,
            repository,
        };
        let mut more = true;
        while more && grants.len() <= page.limit {
            let (key, limit) = (after.as_ref(), ROWS as u64);
            let rows = state.metadata.grants(&filter, key, limit).await?;
            more = rows.len() == ROWS;
            after = rows.last().map(Grant::key).or(after);
            grants.extend(rows.into_iter().filter(own));
        }
    }
    let more = grants.len() > page.limit;
    grants.truncate(page.limit);
    let last = grants.last().filter(|_| more);
    let next = last.map(|grant| next_of(&serde_json::json!((&grant.repository, grant.id))));
    let items = grants.into_iter().map(to_api).collect();
    Ok(Json(api::List { items, next }))
}

/// Gives a role to someone.
///
/// The caller administers all repositories of the pattern.
#[utoipa::path(
    post,
    path = "/grants",
    tag = "grants",
    operation_id = "create_grant",
    request_body = api::NewGrant,
    responses((status = 201, description = "The grant.", body = api::Grant)),
    extensions(
        ("x-right" = json!(Right::Unlimited)),
        ("x-codes" = json!(["user_not_found", "group_not_found", "conflict"])),
    ),
)]
pub(crate) async fn create(
    Unlimited { caller, .. }: Unlimited,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewGrant>,
) -> Result<Created<api::Grant>, Refusal> {
    let package = new.package.unwrap_or_else(Pattern::all);
    scope::check(&new.repository, &package)?;
    scope::check_refs(new.refs.as_ref(), &new.repository, new.role)?;
    if !caller.principal().administers(&new.repository) {
        let detail = format!(
            "only who administers all repositories of {} may give grants on it",
            new.repository
        );
        return Err(Problem::new(Kind::Denied, "access", detail).into());
    }
    state.gate.refresh().await?;
    let tells = caller.principal().is_superuser();
    let subject = known_subject(&state, &new.subject, tells).await?;
    let networks = networks(&subject, &new.networks.unwrap_or_default())?;
    let warning = no_effect_yet(&new.repository, &state.gate.policy());
    let warning = warning.or_else(|| untold(&subject).filter(|_| !tells));
    let row = Grant {
        id: state.metadata.new_id(),
        subject: subject.to_string().into(),
        repository: new.repository,
        package,
        refs: new.refs,
        role: new.role,
        created_at: state.metadata.now(),
        created_by: caller.label().into(),
        networks,
    };
    let added = state
        .metadata
        .add_grant(&row, &caller.require_unlimited()?)
        .await;
    added.map_err(not_added)?;
    state.gate.refresh().await?;
    tracing::info!(
        by = %row.created_by, grant = row.id, subject = %row.subject, repository = %row.repository,
        package = %row.package, role = row.role.word(), "grant created"
    );
    let grant = api::Grant {
        warning,
        ..to_api(row)
    };
    let path = format!("/grants/{}", grant.id);
    Ok(Created::new(path, grant))
}

/// Takes a grant back.
///
/// To whoever does not administer all repositories of its pattern there is no such grant.
#[utoipa::path(
    delete,
    path = "/grants/{id}",
    tag = "grants",
    operation_id = "delete_grant",
    params(IdParams),
    responses((status = 204, description = "It is gone.")),
    extensions(("x-right" = json!(Right::Unlimited)), ("x-codes" = json!(["grant_not_found"]))),
)]
pub(crate) async fn delete(
    GrantId(id): GrantId,
    Unlimited { caller, .. }: Unlimited,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    let row = state.metadata.grant(id).await?.ok_or_else(no_grant)?;
    if !caller.principal().administers(&row.repository) {
        return Err(no_grant().into());
    }
    let dropped = state
        .metadata
        .drop_grant(id, &caller.require_unlimited()?)
        .await;
    dropped.map_err(|error| match error {
        Error::Unmet(Requirement::Grant) => no_grant(),
        error => error.into(),
    })?;
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), grant = id, subject = %row.subject, "grant deleted");
    Ok(NoContent)
}

fn not_added(error: Error) -> Problem {
    match error {
        Error::Exists(_) => Problem::new(
            Kind::Conflict,
            "grant",
            "there is already the very same grant",
        ),
        error => error.into(),
    }
}

/// Whom a grant is for, who must be there.
///
/// Without `tells` it is not told which users there are: any name is taken, and counts as soon as
/// there is a user of that name.
async fn known_subject(state: &ApiState, text: &str, tells: bool) -> Result<Subject, Problem> {
    let wrong = |why: &str| {
        let forms = "user:NAME, group:NAME, robot:NAME, authenticated or anonymous";
        Problem::invalid("subject", format!("`subject` is {forms}{why}"))
    };
    let subject: Subject = text.parse().map_err(|error| match error {
        NotASubject::Form => wrong(""),
        NotASubject::Name(why) => wrong(&format!(": {why}")),
    })?;
    if state.gate.principal_of(&subject).await?.is_some() {
        return Ok(subject);
    }
    let missing = |about, detail: String| Problem::not_found(about, detail);
    let (name, user) = match &subject {
        Subject::Group(name) => return Err(missing("group", format!("there is no group {name}"))),
        Subject::User(_) | Subject::Robot(_) if !tells => return Ok(subject),
        Subject::User(name) | Subject::Robot(name) => (name, state.metadata.user(name.as_str())),
        Subject::Authenticated | Subject::Anonymous => return Ok(subject),
    };
    // Persons and robots share one set of names.
    Err(match user.await? {
        Some(other) => wrong(&format!(": the subject of {name} is {}", other.subject())),
        None => missing("user", format!("there is no user or robot {name}")),
    })
}

/// What is said of a user of whom it is not told whether there is one.
fn untold(subject: &Subject) -> Option<String> {
    let (Subject::User(name) | Subject::Robot(name)) = subject else {
        return None;
    };
    Some(format!(
        "only superusers are told which users there are: should {name} be none, the grant counts as \
         soon as there is one"
    ))
}

/// From where a grant counts.
fn networks(subject: &Subject, texts: &[String]) -> Result<Vec<Network>, Problem> {
    let wrong = |detail: String| Problem::invalid("networks", detail);
    if !texts.is_empty() && *subject != Subject::Anonymous {
        let detail =
            "`networks` limits grants to anonymous alone: others are known by who they are";
        return Err(wrong(detail.to_owned()));
    }
    if texts.len() > NETWORKS {
        return Err(wrong(format!("`networks` holds at most {NETWORKS}")));
    }
    let network = |text: &String| {
        text.parse().map_err(|error| match error {
            NotANetwork::Malformed => wrong(format!(
                "{text} is no network; write e.g. 10.0.0.0/8, fd00::/8 or 192.0.2.7"
            )),
            NotANetwork::Beyond(meant) => wrong(format!(
                "{text} says more than its prefix; the network is {meant}"
            )),
        })
    };
    texts.iter().map(network).collect()
}

/// Why a grant has no effect for now: its repository is not there. Images are pushed into repos that
/// their first push makes.
fn no_effect_yet(repository: &Pattern, policy: &PolicySnapshot) -> Option<String> {
    let path: RepoPath = repository.as_str().parse().ok()?;
    let missing = policy.repo(path.protocol, &path.name).is_none();
    let is_known = larder_mirrors::of(path.protocol).is_some();
    (missing && is_known && !is_made_by_pushes(&path))
        .then(|| format!("there is no repository {path} yet; the grant counts once there is"))
}
