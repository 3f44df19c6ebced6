//! What clients must be told so that they ask a repository here.

use super::repositories::kind_of;
use crate::extract::head::Origin;
use crate::extract::path::{ClientName, RepoParams};
use crate::extract::rights::RepoReader;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_mirrors::clients::connect;
use larder_mirrors::connect::{Part, Target};
use larder_model::Verb;
use std::sync::Arc;

fn to_api(part: Part) -> api::ConnectPart {
    api::ConnectPart {
        file: part.file,
        lines: part.lines,
        note: part.note.map(str::to_owned),
    }
}

/// Tells what makes a client use a repository.
#[utoipa::path(
    get,
    path = "/connect/{client}/{protocol}/{name}",
    tag = "clients",
    operation_id = "connect_client",
    params(
        ("client" = String, Path, description = "The client, e.g. npm, docker, pip."),
        RepoParams,
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
        ("x-codes" = json!(["client_not_found", "client_invalid"])),
    ),
)]
pub(crate) async fn get(
    ClientName(client): ClientName,
    RepoReader { path, .. }: RepoReader,
    Origin(origin): Origin,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::ConnectPart>>, Refusal> {
    let target = Target {
        origin: &origin,
        protocol: path.protocol,
        repo: path.name.as_str(),
        mirror: kind_of(&*state.repo(&path)?) == api::RepoKind::Mirror,
        public: state.gate.is_public(&[path.permission(Verb::Read)]),
    };
    let parts = connect(client, &target)?;
    Ok(Json(api::List::whole(
        parts.into_iter().map(to_api).collect(),
    )))
}
