//! How often a package was downloaded, by day.

use super::sources::{key_of, of_package};
use super::statistics::time;
use crate::extract::head::KnownQuery;
use crate::extract::path::PackageParams;
use crate::extract::rights::PackageReader;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::downloads::RECENT_DAYS;
use larder_model::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Tells on which days a package was downloaded, and how often, from 90 days ago on.
///
/// A download is a GET of a file of a version, or of a manifest of an image, that is answered from its
/// first byte on. Days without any are left out. Without `since`, the last 30 days.
#[utoipa::path(
    get,
    path = "/repositories/{protocol}/{name}/packages/{package}/downloads",
    tag = "packages",
    operation_id = "list_downloads",
    params(
        PackageParams,
        ("since" = Option<String>, Query, description = "From the day of this time on, in UTC."),
    ),
    responses((status = 200, description = "The days.", body = api::List<api::DayOfDownloads>)),
    extensions(("x-right" = json!(Right::PackageRead)), ("x-codes" = json!(["since_invalid"]))),
)]
pub(crate) async fn list(
    PackageReader { caller, path, .. }: PackageReader,
    KnownQuery(query): KnownQuery,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::DayOfDownloads>>, Refusal> {
    let days = u64::try_from(RECENT_DAYS - 1).unwrap_or_default();
    let usual = || state.metadata.now().before(Duration::from_hours(24 * days));
    let since = time(&query, "since")?.unwrap_or_else(usual);
    let mut counts: BTreeMap<Timestamp, u64> = BTreeMap::new();
    for repo in of_package(&state, &caller, &path).await? {
        let key = key_of(&repo, &path.package);
        for day in state.metadata.downloads_by_day(key, since).await? {
            *counts.entry(day.at).or_default() += day.count;
        }
    }
    let days = counts.into_iter();
    let days = days.map(|(at, downloads)| api::DayOfDownloads { at, downloads });
    Ok(Json(api::List::whole(days.collect())))
}
