//! The front page.

use crate::chart::{Chart, Days, Part, Shape, Unit};
use crate::page::{Frame, OrPage as _, Shown, show};
use crate::screens::jobs::kind_name;
use crate::screens::storage;
use crate::visit::Visit;
use askama::Template;
use larder_api as api;
use larder_model::{JobState, Problem};

/// Days of the chart.
const DAYS: usize = 14;
/// Entries of the audit trail that are shown.
const ENTRIES: usize = 10;
/// Quotas and upstreams that are looked at.
const LOOKED_AT: usize = 200;
/// A disk is nearly full when so much of it is used, in a hundred.
const NEARLY_FULL: u64 = 90;

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    frame: Frame,
    repositories: Vec<api::Repository>,
    /// How the server fares, for superusers.
    state: Option<State>,
}

impl Dashboard {
    /// How a client is connected with this server.
    fn connect_line(&self) -> String {
        format!(
            "larder login {}\nlarder connect npm npm/main --write",
            self.frame.base
        )
    }

    /// How an image is pushed to it.
    fn push_lines(&self) -> String {
        let base = &*self.frame.base;
        let host = base.split_once("://").map_or(base, |(_, host)| host);
        let host = host.trim_end_matches('/');
        let user = self.frame.user.as_deref().unwrap_or("admin");
        format!(
            "docker login {host} -u {user}\ndocker tag web {host}/app/web:1\ndocker push {host}/app/web:1"
        )
    }
}

/// How the server fares.
struct State {
    statistics: api::Statistics,
    requests: Option<Chart>,
    concerns: Vec<Concern>,
    running: Vec<api::Job>,
    jobs: Vec<api::Job>,
    entries: Vec<api::AuditEntry>,
}

/// Something that needs somebody's attention.
struct Concern {
    text: String,
    path: String,
}

impl State {
    /// Of what was asked of mirrors, how much was kept, in a hundred.
    fn hit_rate(&self) -> Option<u64> {
        let traffic = &self.statistics.last_24h;
        let all = traffic.cache_hits + traffic.cache_misses;
        (traffic.cache_hits * 100).checked_div(all)
    }

    /// How soon 95 of 100 responses began, in milliseconds.
    fn p95(&self) -> Option<String> {
        let seconds = self.statistics.last_24h.request_duration_seconds.p95?;
        Some(format!("{:.0}", seconds * 1000.0))
    }

    /// Whether nothing is stored and nothing was asked for: the place is new.
    fn is_new(&self) -> bool {
        self.statistics.total.blobs == 0 && self.statistics.last_24h.cache_misses == 0
    }
}

/// What there is, and what goes on.
pub(crate) async fn show_dashboard(visit: Visit) -> Shown {
    let frame = Frame::new(&visit, "").or_page(&visit)?;
    let list: api::List<api::Repository> =
        visit.get("/repositories?limit=50").await.or_page(&visit)?;
    let state = if frame.is_superuser {
        Some(state(&visit).await.or_page(&visit)?)
    } else {
        None
    };
    let frame = match state {
        Some(_) => frame.elsewhere("larder stats", "GET /api/v1/stats"),
        None => frame.elsewhere("larder repo list", "GET /api/v1/repositories"),
    };
    let page = Dashboard {
        frame,
        repositories: list.items,
        state,
    };
    show(&page).or_page(&visit)
}

async fn state(visit: &Visit) -> Result<State, Problem> {
    let statistics: api::Statistics = visit.get("/stats").await?;
    let health: api::SystemHealth = visit.get("/system/health").await?;
    let running: api::List<api::Job> = visit.get("/jobs?state=running&limit=5").await?;
    let jobs: api::List<api::Job> = visit.get("/jobs?limit=5").await?;
    let entries: api::List<api::AuditEntry> = visit.get(format!("/audit?limit={ENTRIES}")).await?;
    Ok(State {
        concerns: concerns(visit, &statistics, &health).await?,
        requests: requests(visit, &health).await?,
        statistics,
        running: running.items,
        jobs: jobs.items,
        entries: entries.items,
    })
}

/// Requests to mirrors on the last days: those that were answered with what is kept, and the others.
async fn requests(visit: &Visit, health: &api::SystemHealth) -> Result<Option<Chart>, Problem> {
    let t = visit.language();
    let days = Days::new(health.time, DAYS);
    let hits = days.series(visit, "cache_hits", "").await?;
    let misses = days.series(visit, "cache_misses", "").await?;
    let part = |name, series| Part::whole(name, days.sums(series));
    let chart = Chart {
        language: t,
        title: t.dashboard_mirrored(),
        labels: days.labels(),
        parts: vec![
            part(t.dashboard_hits(), &hits),
            part(t.dashboard_misses(), &misses),
        ],
        shape: Shape::Bars,
        unit: Unit::Count,
    };
    Ok(Some(chart).filter(|chart| !chart.is_empty()))
}

/// What needs attention, with where to look.
async fn concerns(
    visit: &Visit,
    statistics: &api::Statistics,
    health: &api::SystemHealth,
) -> Result<Vec<Concern>, Problem> {
    let t = visit.language();
    let mut all = Vec::new();
    let mut add = |text: String, path: &str| {
        let path = path.to_owned();
        all.push(Concern { text, path });
    };
    for part in [&health.database, &health.storage] {
        if let Some(problem) = &part.problem {
            add(problem.clone(), "/system/storage");
        }
    }
    let full = statistics.disk.as_ref().map(storage::used);
    if let Some(used) = full.filter(|used| *used >= NEARLY_FULL) {
        add(t.dashboard_disk_full(used), "/system/storage");
    }
    let scrub: api::ScrubStatus = visit.get("/scrub").await?;
    if scrub.quarantined > 0 {
        add(t.dashboard_damaged(scrub.quarantined), "/cleanup/scrub");
    }
    if statistics.last_backup.is_none() && statistics.total.blobs > 0 {
        add(t.dashboard_no_backup().to_owned(), "/cleanup/backups");
    }
    let upstreams: api::List<api::UpstreamStatus> =
        visit.get(format!("/upstreams?limit={LOOKED_AT}")).await?;
    for upstream in &upstreams.items {
        if matches!(
            upstream.state,
            api::UpstreamState::Failing | api::UpstreamState::Paused
        ) {
            let text = t.dashboard_upstream_fails(&upstream.repository);
            add(text, &format!("/upstreams/{}", upstream.repository));
        }
    }
    let quotas: api::List<api::SharedQuota> =
        visit.get(format!("/quotas?limit={LOOKED_AT}")).await?;
    for quota in quotas.items.iter().filter(|quota| quota.warning) {
        let text = t.dashboard_quota(&quota.repositories);
        add(text, "/policies/quotas#shared");
    }
    let schedules: api::List<api::Schedule> = visit.get("/schedules").await?;
    let last = schedules.items.iter().filter_map(|it| it.last.as_ref());
    for job in last.filter(|job| job.state == JobState::Failed) {
        let text = t.dashboard_job_failed(kind_name(&t, &job.kind));
        add(text, &format!("/jobs/{}", job.id));
    }
    Ok(all)
}
