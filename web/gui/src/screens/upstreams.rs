//! Upstreams: how those of the mirrors answer, and whether anything is fetched at all.

use crate::address::{address, segment};
use crate::chart::{Chart, Days, Part, Shape, Unit};
use crate::form::Form;
use crate::format;
use crate::language::Language;
use crate::page::{Frame, OrPage as _, Shown, see_other, show};
use crate::query::{Query, ROWS};
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::Method;
use larder_api as api;
use larder_model::{Kind, Problem};
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "upstreams.html")]
struct Upstreams {
    frame: Frame,
    upstreams: Vec<api::UpstreamStatus>,
    /// What is set of each mirror.
    mirrors: HashMap<String, api::Repository>,
    next: Option<String>,
    /// Whether the whole server is offline; `None`: that is for superusers.
    offline: Option<bool>,
}

impl Upstreams {
    /// What a mirror says of its upstream.
    fn set(&self, upstream: &api::UpstreamStatus) -> Option<&api::Upstream> {
        let mirror = self.mirrors.get(&upstream.repository.to_string())?;
        mirror.upstream.as_ref()
    }

    fn next_path(&self, after: &str) -> String {
        address("/upstreams", &[("after", after)])
    }
}

/// How an upstream fares, in words.
pub(crate) const fn state_word(t: Language, state: api::UpstreamState) -> &'static str {
    match state {
        api::UpstreamState::Offline => t.upstreams_offline(),
        api::UpstreamState::Paused => t.upstreams_paused(),
        api::UpstreamState::Failing => t.upstreams_failing(),
        api::UpstreamState::Answering => t.upstreams_answering(),
        api::UpstreamState::Unasked => t.upstreams_unasked(),
    }
}

/// How soon it answers: half of its answers, and 95 of 100 of them; `None`: it was not asked.
pub(crate) fn latency_words(upstream: &api::UpstreamStatus) -> Option<String> {
    let took = &upstream.answer_duration_seconds;
    let milliseconds = |seconds| format::count(format::milliseconds(seconds));
    Some(format!(
        "{} / {} ms",
        milliseconds(took.p50?),
        milliseconds(took.p95?)
    ))
}

/// The class of its chip.
pub(crate) const fn state_class(state: api::UpstreamState) -> &'static str {
    match state {
        api::UpstreamState::Offline => "warn",
        api::UpstreamState::Paused | api::UpstreamState::Failing => "danger",
        api::UpstreamState::Answering => "ok",
        api::UpstreamState::Unasked => "",
    }
}

/// The list, and the switch of the whole server.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    let after = query.get("after");
    let limit = ROWS.to_string();
    let path = address("/upstreams", &[("limit", &limit), ("after", after)]);
    let list: api::List<api::UpstreamStatus> = visit.get(path).await.or_page(&visit)?;
    let path = address("/repositories", &[("limit", "1000"), ("after", after)]);
    let mirrors: api::List<api::Repository> = visit.get(path).await.or_page(&visit)?;
    let named = |repo: api::Repository| (format!("{}/{}", repo.protocol, repo.name), repo);
    let frame = Frame::new(&visit, visit.language().upstreams_title()).or_page(&visit)?;
    let page = Upstreams {
        frame: frame.elsewhere("larder upstream list", "GET /api/v1/upstreams"),
        upstreams: list.items,
        mirrors: mirrors.items.into_iter().map(named).collect(),
        next: list.next,
        offline: is_offline(&visit).await.or_page(&visit)?,
    };
    show(&page).or_page(&visit)
}

/// Whether the whole server is offline; `None`: that is not for whoever looks.
async fn is_offline(visit: &Visit) -> Result<Option<bool>, Problem> {
    if !visit.is_superuser() {
        return Ok(None);
    }
    let settings: api::Settings = visit.get("/settings").await?;
    Ok(Some(settings.offline))
}

#[derive(Template)]
#[template(path = "upstream.html")]
struct Mirror {
    frame: Frame,
    path: String,
    repo: api::Repository,
    /// `None`: it has no upstream yet.
    status: Option<api::UpstreamStatus>,
    offline: Option<bool>,
    requests: Option<Chart>,
    latency: Option<Chart>,
    checked: Option<api::UpstreamCheck>,
}

impl Mirror {
    /// Whether it has anything to show to its upstream.
    fn has_credentials(&self) -> bool {
        let upstream = self.repo.upstream.as_ref();
        upstream.is_some_and(|it| it.has_password || it.client_certificate.is_some())
    }

    fn is_offline(&self) -> bool {
        self.repo.offline == Some(true)
    }
}

/// One mirror's upstream.
pub(crate) async fn one(visit: Visit, Path((protocol, name)): Path<(String, String)>) -> Shown {
    page(&visit, &protocol, &name, None).await
}

async fn page(
    visit: &Visit,
    protocol: &str,
    name: &str,
    checked: Option<api::UpstreamCheck>,
) -> Shown {
    let path = format!("{}/{}", segment(protocol), segment(name));
    let repo = visit
        .get(format!("/repositories/{path}?counted=true"))
        .await;
    let repo: api::Repository = repo.or_page(visit)?;
    if repo.kind != api::RepoKind::Mirror {
        let problem = Problem::not_found("mirror", format!("{protocol}/{name} is no mirror"));
        return Err(problem).or_page(visit);
    }
    let title = format!("{}/{}", repo.protocol, repo.name);
    if !visit.may(&title, "administer").await.or_page(visit)? {
        let detail = visit.language().policies_needs_admin(&title);
        return Err(Problem::new(Kind::Denied, "upstream", detail)).or_page(visit);
    }
    let status = status(visit, &title).await.or_page(visit)?;
    let (requests, latency) = charts(visit, &title).await.or_page(visit)?;
    let frame = Frame::new(visit, title.clone()).or_page(visit)?;
    let page = Mirror {
        frame: frame
            .below(visit.language().upstreams_title(), "/upstreams")
            .elsewhere(
                format!("larder upstream check {title}"),
                format!("POST /api/v1/repositories/{path}/upstream/check"),
            ),
        path,
        repo,
        status,
        offline: is_offline(visit).await.or_page(visit)?,
        requests,
        latency,
        checked,
    };
    show(&page).or_page(visit)
}

/// How the upstream of a mirror fares; `None`: it has none, or that is not for whoever looks.
async fn status(visit: &Visit, mirror: &str) -> Result<Option<api::UpstreamStatus>, Problem> {
    let mut after = String::new();
    loop {
        let path = address("/upstreams", &[("limit", "1000"), ("after", &after)]);
        let list: api::List<api::UpstreamStatus> = visit.get(path).await?;
        let mut upstreams = list.items.into_iter();
        let found = upstreams.find(|upstream| upstream.repository.to_string() == mirror);
        match (found, list.next) {
            (None, Some(next)) => after = next,
            (found, _) => return Ok(found),
        }
    }
}

/// What it was asked in the last days, and how soon it answered; `None`: nothing was counted, or
/// that is not for whoever looks.
async fn charts(visit: &Visit, mirror: &str) -> Result<(Option<Chart>, Option<Chart>), Problem> {
    if !visit.is_superuser() {
        return Ok((None, None));
    }
    let health: api::SystemHealth = visit.get("/system/health").await?;
    let days = Days::new(health.time, 14);
    let requests = requests(visit, &days, mirror).await?;
    let latency = latency(visit, &days, mirror).await?;
    let shown = |chart: &Chart| !chart.is_empty();
    Ok((Some(requests).filter(shown), Some(latency).filter(shown)))
}

async fn requests(visit: &Visit, days: &Days, mirror: &str) -> Result<Chart, Problem> {
    let t = visit.language();
    let asked = days.series(visit, "upstream_requests", mirror).await?;
    let failed = days.series(visit, "upstream_errors", mirror).await?;
    let failed = days.sums(&failed);
    let answered = days.sums(&asked).into_iter().zip(&failed);
    let answered = answered.map(|(asked, failed)| asked.saturating_sub(*failed));
    Ok(Chart {
        language: t,
        title: t.upstreams_requests(),
        labels: days.labels(),
        parts: vec![
            Part::whole(t.upstreams_answered(), answered),
            Part::whole(t.upstreams_failed(), failed.iter().copied()),
        ],
        shape: Shape::Bars,
        unit: Unit::Count,
    })
}

async fn latency(visit: &Visit, days: &Days, mirror: &str) -> Result<Chart, Problem> {
    let t = visit.language();
    let took = days
        .series(visit, "upstream_duration_seconds", mirror)
        .await?;
    Ok(Chart {
        language: t,
        title: t.upstreams_latency(),
        labels: days.labels(),
        parts: vec![
            Part {
                name: "p50",
                values: days.milliseconds(&took, |quantiles| quantiles.p50),
            },
            Part {
                name: "p95",
                values: days.milliseconds(&took, |quantiles| quantiles.p95),
            },
        ],
        shape: Shape::Line,
        unit: Unit::Milliseconds,
    })
}

/// Asks an upstream now, and tells each step.
pub(crate) async fn check(
    visit: Visit,
    Path((protocol, name)): Path<(String, String)>,
    _: Form,
) -> Shown {
    let path = format!("{}/{}", segment(&protocol), segment(&name));
    let path = format!("/repositories/{path}/upstream/check");
    let asked = api::UpstreamCheckRequest {};
    let checked = visit.send(Method::POST, path, &asked).await;
    page(&visit, &protocol, &name, Some(checked.or_page(&visit)?)).await
}

/// Sets whether a mirror fetches anything.
pub(crate) async fn set_offline(
    visit: Visit,
    Path((protocol, name)): Path<(String, String)>,
    form: Form,
) -> Shown {
    let path = format!("{}/{}", segment(&protocol), segment(&name));
    let change = api::RepositoryChange {
        offline: Some(form.text("offline") == "true"),
        ..api::RepositoryChange::default()
    };
    let repository = format!("/repositories/{path}");
    let set = visit.act(Method::PATCH, repository, Some(&change)).await;
    set.or_page(&visit)?;
    see_other(&format!("/upstreams/{path}")).or_page(&visit)
}

/// Sets whether the whole server fetches anything.
pub(crate) async fn set_all_offline(visit: Visit, form: Form) -> Shown {
    let change = api::SettingsChange {
        offline: Some(form.text("offline") == "true"),
        oci: None,
    };
    let set = visit.act(Method::PATCH, "/settings", Some(&change)).await;
    set.or_page(&visit)?;
    see_other("/upstreams").or_page(&visit)
}

/// Has all upstreams asked, as a job.
pub(crate) async fn check_all(visit: Visit, _: Form) -> Shown {
    let asked = api::UpstreamCheckRequest {};
    let job = visit
        .send(Method::POST, "/upstream-check/runs", &asked)
        .await;
    let job: api::Job = job.or_page(&visit)?;
    see_other(&format!("/jobs/{}", job.id)).or_page(&visit)
}
