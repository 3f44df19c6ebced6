//! Publishing by the API, for those who have no client of the protocol at hand.

use crate::extract::body::FileBody;
use crate::extract::head::KnownQuery;
use crate::extract::path::{FileName, RepoParams};
use crate::extract::rights::{Identified, RepoPublisher};
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_mirrors::publishing::FileUpload;
use std::sync::Arc;

/// Publishes a file in a hosted repository, or in a group's first hosted member.
///
/// What is sent is what a client of the protocol would send, and is checked in the same way: a
/// published version is never replaced, the same file again changes nothing, a deleted one stays
/// reserved. Of Debian packages it is a `.deb`; or of a source package its `.dsc`, and after that each
/// file that this names. Other protocols have their own clients alone: `unsupported`.
#[utoipa::path(
    put,
    path = "/repositories/{protocol}/{name}/files/{file}",
    tag = "packages",
    operation_id = "publish_file",
    params(
        RepoParams,
        ("file" = String, Path, description = "The file's name, as NAME_VERSION_ARCH.deb."),
        ("suite" = Option<String>, Query, description = "The suite that is to have it; without it `stable`."),
        ("component" = Option<String>, Query, description = "The component of the suite; without it `main`."),
    ),
    request_body(content = String, content_type = "application/octet-stream", description = "The file."),
    responses((status = 200, description = "It is published.", body = api::Publication)),
    extensions(
        ("x-right" = json!(Right::RepositoryPublish)),
        ("x-codes" = json!([
            "unsupported", "conflict", "package_invalid", "body_invalid", "quota_exceeded",
        ])),
    ),
)]
pub(crate) async fn publish(
    RepoPublisher { caller, path, .. }: RepoPublisher,
    _: Identified,
    FileName(file): FileName,
    KnownQuery(query): KnownQuery,
    State(state): State<Arc<ApiState>>,
    FileBody(body): FileBody,
) -> Result<Json<api::Publication>, Refusal> {
    let repo = state.repo(&path)?;
    let upload = FileUpload {
        file: file.clone(),
        suite: query.get("suite").map(Into::into),
        component: query.get("component").map(Into::into),
    };
    let done = state.engine.publish(&caller, &repo, &upload, body).await?;
    Ok(Json(api::Publication {
        repository: path,
        file: file.into(),
        outcome: String::from_utf8_lossy(&done).trim().to_owned(),
    }))
}
