//! How the server itself fares.

use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_model::Problem;
use std::sync::Arc;
use std::time::Duration;

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
