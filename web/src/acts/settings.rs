//! Settings of the whole server.

use crate::extract::body::JsonBody;
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_model::{Problem, ProtocolName, RepoName};
use std::sync::Arc;

fn to_api(state: &ApiState) -> api::Settings {
    let policy = state.gate.policy();
    let settings = policy.settings();
    api::Settings {
        offline: settings.offline,
        oci: api::OciSettings {
            default_mirror: settings.oci.default_mirror,
        },
    }
}

/// Shows the settings.
#[utoipa::path(
    get,
    path = "/settings",
    tag = "settings",
    operation_id = "get_settings",
    responses((status = 200, description = "The settings.", body = api::Settings)),
    extensions(("x-entity-tag" = json!(true)), ("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn get(
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::Settings>, Refusal> {
    Ok(Json(to_api(&state)))
}

/// Changes settings.
#[utoipa::path(
    patch,
    path = "/settings",
    tag = "settings",
    operation_id = "change_settings",
    request_body = api::SettingsChange,
    responses((status = 200, description = "The settings as they are now.", body = api::Settings)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn change(
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    JsonBody(change): JsonBody<api::SettingsChange>,
) -> Result<Json<api::Settings>, Refusal> {
    state.gate.refresh().await?;
    let mut settings = state.gate.policy().stored_settings();
    settings.offline = change.offline.unwrap_or(settings.offline);
    match change.oci.map(|oci| oci.default_mirror).unwrap_or_default() {
        api::Patch::Keep => {}
        api::Patch::Remove => settings.default_mirror = None,
        api::Patch::Set(name) if name.is_empty() => settings.default_mirror = None,
        api::Patch::Set(name) => {
            settings.default_mirror = Some(mirror_of_images(&state, &name)?);
        }
    }
    let by = caller.require_superuser()?;
    state.metadata.put_server_settings(settings, &by).await?;
    state.gate.refresh().await?;
    tracing::info!(
        by = caller.label(),
        offline = settings.offline,
        "settings changed"
    );
    Ok(Json(to_api(&state)))
}

fn mirror_of_images(state: &ApiState, name: &str) -> Result<i64, Problem> {
    let wrong = || {
        let detail = "`default_mirror` is the name of a repository of images";
        Problem::invalid("default_mirror", detail)
    };
    let name: RepoName = name.parse().map_err(|_| wrong())?;
    let policy = state.gate.policy();
    let repo = policy.repo(ProtocolName::OCI, &name);
    repo.map(|repo| repo.id).ok_or_else(wrong)
}
