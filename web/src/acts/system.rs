//! How the server itself fares.

use crate::engine::ServerSetting;
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_model::Problem;
use std::env::consts::{ARCH, OS};
use std::sync::Arc;
use std::time::Duration;

/// How the program was compiled.
const PROFILE: &str = if cfg!(debug_assertions) {
    "debug"
} else {
    "release"
};

/// Whoever asks gets an answer within this time for each part.
const PART_TIME: Duration = Duration::from_secs(3);

/// Tells whether the database and the store can be reached, and how much room is left.
#[utoipa::path(
    get,
    path = "/system/health",
    tag = "system",
    operation_id = "get_system_health",
    responses((status = 200, description = "How the server fares.", body = api::SystemHealth)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn health(
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::SystemHealth>, Refusal> {
    let database = async { state.metadata.ping().await.map_err(Problem::from) };
    let database = part(database, "the database").await;
    let storage = part(state.engine.reach_storage(), "the store").await;
    let disk = state.engine.disk_space();
    Ok(Json(api::SystemHealth {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: format!("{ARCH} {OS}, {PROFILE}"),
        time: state.metadata.now(),
        database,
        storage,
        disk: disk.map(|(free_bytes, total_bytes)| api::DiskSpace {
            free_bytes,
            total_bytes,
        }),
    }))
}

/// How a part fares. What caused a problem is for the log.
async fn part(
    reached: impl Future<Output = Result<(), Problem>>,
    name: &'static str,
) -> api::PartHealth {
    let problem = match tokio::time::timeout(PART_TIME, reached).await {
        Ok(Ok(())) => None,
        Ok(Err(problem)) => {
            tracing::warn!(part = name, problem = problem.with_causes(), "not well");
            Some(problem.detail.into_owned())
        }
        Err(_) => Some(format!("{name} does not answer")),
    };
    api::PartHealth {
        ok: problem.is_none(),
        problem,
    }
}

/// Tells who vouches for the server's certificate.
#[utoipa::path(
    get,
    path = "/system/authority",
    tag = "system",
    operation_id = "get_authority",
    responses((status = 200, description = "Who vouches for it.", body = api::Authority)),
    extensions(("x-right" = json!(Right::Anyone))),
)]
pub(crate) async fn authority(State(state): State<Arc<ApiState>>) -> Json<api::Authority> {
    Json(api::Authority {
        certificate: state.engine.authority(),
    })
}

fn setting_to_api(setting: ServerSetting) -> api::ConfigSetting {
    api::ConfigSetting {
        key: setting.key.to_owned(),
        value: setting.value,
        default: setting.default,
        set_by: setting.set_by,
    }
}

/// Tells the configuration in force, and where each setting of it comes from.
///
/// It is read once, when the server starts. Settings that another one overrules are left out.
#[utoipa::path(
    get,
    path = "/system/config",
    tag = "system",
    operation_id = "get_config",
    responses((status = 200, description = "All settings.", body = api::List<api::ConfigSetting>)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn config(
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Json<api::List<api::ConfigSetting>> {
    let settings = state.engine.settings().into_iter();
    Json(api::List::whole(settings.map(setting_to_api).collect()))
}
