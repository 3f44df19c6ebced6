//! What clients must be told so that they ask a repository here.

use super::repository_settings::knows;
use crate::caller::Caller;
use crate::extract::head::{KnownQuery, Origin};
use crate::extract::path::{ClientName, RepoParams};
use crate::extract::rights::RepoReader;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, is_made_by_pushes, path_of};
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::clients::{self, connect};
use larder_mirrors::connect::{Client, Open, Part, Target};
use larder_model::{ProtocolName, RepoKind, Verb};
use std::sync::Arc;

fn to_api(part: Part) -> api::ConnectPart {
    api::ConnectPart {
        file: part.file,
        lines: part.lines,
        note: part.note,
    }
}

fn client_to_api((protocol, client): (ProtocolName, &Client)) -> api::ConnectClient {
    api::ConnectClient {
        name: client.name.to_owned(),
        protocol: protocol.to_string(),
        publishes_only: client.publishes_only,
        check: Some(client.check.to_owned()).filter(|check| !check.is_empty()),
    }
}

/// Lists the clients that can be told to use a repository.
#[utoipa::path(
    get,
    path = "/connect",
    tag = "clients",
    operation_id = "list_clients",
    responses((status = 200, description = "All of them.", body = api::List<api::ConnectClient>)),
    extensions(("x-right" = json!(Right::Anyone))),
)]
pub(crate) async fn list() -> Json<api::List<api::ConnectClient>> {
    Json(api::List::whole(
        clients::list().map(client_to_api).collect(),
    ))
}

/// Who may read a repository without credentials.
fn open(state: &ApiState, repo: &RepoRecord) -> Open {
    if !state
        .gate
        .is_public(&[path_of(repo).permission(Verb::Read)])
    {
        Open::Closed
    } else if state.gate.is_wholly_public(repo) {
        Open::Wholly
    } else {
        Open::Partly
    }
}

/// The public keys that sign what tells of a repository's packages: its own, and of a mirror those that
/// are trusted; of a group those of its members that the caller knows of, too. What cannot be read is
/// left out.
fn keys(state: &ApiState, caller: &Caller, repo: &RepoRecord) -> Option<String> {
    let policy = state.gate.policy();
    let members = policy.members_of(repo).map(|member| &**member);
    let members = members.filter(|member| knows(caller, member.protocol, &member.name));
    let all = std::iter::once(repo).chain(members);
    let of = |repo: &RepoRecord| {
        let own = repo.settings.signing_key.as_ref().and_then(|key| {
            let key = state.gate.open_signing_key(&key.sealed, &repo.full_name());
            Some(key.ok()?.public_key().trim().to_owned())
        });
        let upstream = repo.settings.upstream.as_ref();
        let trusted = upstream.and_then(|upstream| upstream.trusted_keys.clone());
        [own, trusted]
    };
    let keys: Vec<String> = all.flat_map(of).flatten().collect();
    (!keys.is_empty()).then(|| keys.join("\n"))
}

/// Tells what makes a client use a repository. Whoever may push to one that its first push will make is
/// told, too.
#[utoipa::path(
    get,
    path = "/connect/{client}/{protocol}/{name}",
    tag = "clients",
    operation_id = "connect_client",
    params(
        ("client" = String, Path, description = "The client, e.g. npm, docker, pip."),
        RepoParams,
        (
            "with_token" = Option<bool>,
            Query,
            description = "Whether the lines have a token where anyone may read without one, too.",
        ),
    ),
    responses(
        (
            status = 200,
            description = "Files and the lines in them.",
            body = api::List<api::ConnectPart>,
        ),
    ),
    extensions(
        ("x-right" = json!(Right::RepositoryRead)),
        ("x-codes" = json!(["client_not_found", "client_invalid", "with_token_invalid"])),
    ),
)]
pub(crate) async fn get(
    ClientName(client): ClientName,
    RepoReader { path, caller, .. }: RepoReader,
    Origin(origin): Origin,
    KnownQuery(query): KnownQuery,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::ConnectPart>>, Refusal> {
    let with_token = query.flag("with_token")?;
    let repo = match state.repo(&path) {
        Ok(repo) => Some(repo),
        // Whoever will make it is told how.
        Err(_) if is_made_by_pushes(&path) && caller.may(&path.permission(Verb::Write)) => None,
        Err(problem) => return Err(problem.into()),
    };
    let repo = repo.as_deref();
    // Where an upstream is is for those who look after the mirror.
    let upstream = repo.and_then(|repo| repo.settings.upstream.as_ref());
    let upstream = upstream.filter(|_| caller.may(&path.permission(Verb::Administer)));
    let authority = state.engine.authority();
    let keys = repo.and_then(|repo| keys(&state, &caller, repo));
    let default_mirror = state.gate.policy().stored_settings().default_mirror;
    let target = Target {
        origin: &origin,
        protocol: path.protocol,
        repo: path.name.as_str(),
        upstream: upstream.map(|upstream| &*upstream.url),
        kind: repo.map_or(RepoKind::Hosted, |repo| repo.kind),
        open: repo
            .filter(|_| !with_token)
            .map_or(Open::Closed, |repo| open(&state, repo)),
        // Behind a proxy without TLS in front of us, or one with a certificate of its own, ours is
        // not seen.
        authority: authority
            .as_deref()
            .filter(|_| origin.starts_with("https://")),
        keys: keys.as_deref(),
        default_mirror: repo.is_some_and(|repo| default_mirror == Some(repo.id)),
    };
    let mut parts = connect(client, &target)?;
    if let (None, Some(last)) = (repo, parts.last_mut()) {
        let note = format!("there is no repository {path} yet: the first push makes it");
        let before = last.note.take();
        last.note = Some(before.map_or_else(|| note.clone(), |before| format!("{before}; {note}")));
    }
    Ok(Json(api::List::whole(
        parts.into_iter().map(to_api).collect(),
    )))
}
