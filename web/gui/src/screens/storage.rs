//! Storage: what holds bytes, how much of it is shared, how it grows, and how much room is left.

use crate::address::address;
use crate::chart::{Chart, Days, Part, Shape, Unit};
use crate::form::Form;
use crate::page::{Frame, OrPage as _, Shown, see_other, show};
use crate::query::{Query, ROWS};
use crate::visit::Visit;
use askama::Template;
use http::Method;
use larder_api as api;
use larder_model::Problem;

/// Days of the chart.
const DAYS: usize = 30;

#[derive(Template)]
#[template(path = "storage.html")]
struct Storage {
    frame: Frame,
    statistics: api::Statistics,
    growth: Option<Chart>,
    usage: api::UsageList,
    /// The repository whose packages are listed; empty: repositories are.
    repository: String,
}

impl Storage {
    fn next_path(&self, after: &str) -> String {
        let parameters = [("repository", &*self.repository), ("after", after)];
        address("/system/storage", &parameters)
    }

    /// Where the packages of a repository are listed.
    fn packages_path(&self, usage: &api::Usage) -> Option<String> {
        let repository = usage.repository.as_ref()?.to_string();
        let parameters = [("repository", repository.as_str())];
        Some(address("/system/storage", &parameters))
    }
}

/// How much of a disk is used, in a hundred.
pub(crate) fn used(disk: &api::DiskSpace) -> u64 {
    let used = disk.total_bytes.saturating_sub(disk.free_bytes);
    let part = u128::from(used) * 100 / u128::from(disk.total_bytes.max(1));
    u64::try_from(part).unwrap_or(100)
}

/// What holds bytes.
pub(crate) async fn show_storage(visit: Visit, query: Query) -> Shown {
    let repository = query.get("repository");
    let by = if repository.is_empty() {
        "repository"
    } else {
        "package"
    };
    let parameters = [
        ("by", by),
        ("repository", repository),
        ("limit", &ROWS.to_string()),
        ("after", query.get("after")),
    ];
    let usage: Result<api::UsageList, _> = visit.get(address("/stats/usage", &parameters)).await;
    let usage = usage.or_page(&visit)?;
    let statistics: api::Statistics = visit.get("/stats").await.or_page(&visit)?;
    let t = visit.language();
    let frame = Frame::new(&visit, t.storage_title()).or_page(&visit)?;
    let page = Storage {
        frame: frame.elsewhere("larder stats usage", "GET /api/v1/stats/usage"),
        statistics,
        growth: growth(&visit).await.or_page(&visit)?,
        usage,
        repository: repository.to_owned(),
    };
    show(&page).or_page(&visit)
}

/// How much was stored on the last days; `None`: nothing.
async fn growth(visit: &Visit) -> Result<Option<Chart>, Problem> {
    let t = visit.language();
    let health: api::SystemHealth = visit.get("/system/health").await?;
    let days = Days::new(health.time, DAYS);
    let stored = days.series(visit, "stored_bytes", "").await?;
    let chart = Chart {
        language: t,
        title: t.storage_growth(),
        labels: days.labels(),
        parts: vec![Part {
            name: t.storage_stored(),
            values: days.levels(&stored),
        }],
        shape: Shape::Line,
        unit: Unit::Bytes,
    };
    Ok(Some(chart).filter(|chart| !chart.is_empty()))
}

/// Has all bytes counted anew, as a job.
pub(crate) async fn count(visit: Visit, _: Form) -> Shown {
    let asked = api::NewUsageCount {};
    let job = visit.send(Method::POST, "/stats/usage/runs", &asked).await;
    let job: api::Job = job.or_page(&visit)?;
    see_other(&format!("/jobs/{}", job.id)).or_page(&visit)
}
