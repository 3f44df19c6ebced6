//! Jobs: what takes a while, how far it is, what it did; and when jobs begin by themselves.

use crate::address::address;
use crate::form::Form;
use crate::format;
use crate::language::Language;
use crate::page::{ErrorPage, Frame, OrPage as _, Shown, see_other, show, show_form};
use crate::query::{Query, ROWS};
use crate::refused::Refused;
use crate::visit::Visit;
use askama::Template;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use larder_api as api;
use larder_model::{JobKind, JobState, Problem};
use serde_json::Value;

#[derive(Template)]
#[template(path = "jobs.html")]
struct Jobs {
    frame: Frame,
    jobs: Vec<api::Job>,
    next: Option<String>,
    kind: String,
    state: String,
    schedules: Vec<api::Schedule>,
    refused: Refused,
}

/// The list, and the schedules.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    page(&visit, &query, Refused::default()).await
}

async fn page(visit: &Visit, query: &Query, refused: Refused) -> Shown {
    let (kind, state) = (query.get("kind"), query.get("state"));
    let limit = ROWS.to_string();
    let asked = [
        ("limit", &*limit),
        ("kind", kind),
        ("state", state),
        ("after", query.get("after")),
    ];
    let list: Result<api::List<api::Job>, _> = visit.get(address("/jobs", &asked)).await;
    let list = list.or_page(visit)?;
    let schedules: Result<api::List<api::Schedule>, _> = visit.get("/schedules").await;
    let mut frame = Frame::new(visit, visit.language().jobs_title()).or_page(visit)?;
    if refused.is_any() {
        frame = frame.at("/jobs");
    }
    let page = Jobs {
        frame: frame.elsewhere("larder job list", "GET /api/v1/jobs"),
        jobs: list.items,
        next: list.next,
        kind: kind.to_owned(),
        state: state.to_owned(),
        schedules: schedules.or_page(visit)?.items,
        refused,
    };
    show_form(page.refused.is_any(), &page).or_page(visit)
}

impl Jobs {
    fn kinds(&self) -> &'static [JobKind] {
        JobKind::ALL
    }

    fn states(&self) -> &'static [JobState] {
        JobState::ALL
    }

    fn is_kind(&self, kind: &JobKind) -> bool {
        kind.word() == self.kind
    }

    fn is_state(&self, state: &JobState) -> bool {
        state.word() == self.state
    }

    /// The address of the next page.
    fn next_path(&self, after: &str) -> String {
        let filters = [
            ("kind", &*self.kind),
            ("state", &self.state),
            ("after", after),
        ];
        address("/jobs", &filters)
    }
}

#[derive(Template)]
#[template(path = "job.html")]
struct Job {
    frame: Frame,
    job: api::Job,
    items: Vec<api::JobItem>,
    next: Option<String>,
}

/// What changes of a job while it runs; at its end, what else its page has of it.
#[derive(Template)]
#[template(path = "job_event.html")]
struct Live<'a> {
    frame: &'a Frame,
    job: &'a api::Job,
}

/// What jobs of a kind are called.
pub(crate) fn kind_name(t: &Language, kind: &JobKind) -> &'static str {
    match kind {
        JobKind::Gc => t.jobs_gc(),
        JobKind::Retention => t.jobs_retention(),
        JobKind::Scrub => t.jobs_scrub(),
        JobKind::Backup => t.jobs_backup(),
        JobKind::UpstreamCheck => t.jobs_upstream_check(),
        JobKind::Usage => t.jobs_usage(),
    }
}

/// How long a job took, in words; `None`: it is not done.
pub(crate) fn took(t: Language, job: &api::Job) -> Option<String> {
    let took = job.finished_at?.since(job.started_at?);
    Some(match took.as_secs() {
        0..1 => t.cleanup_milliseconds(took.as_millis()),
        1..120 => t.cleanup_seconds(took.as_secs()),
        seconds => t.cleanup_minutes(seconds / 60),
    })
}

/// Whether a job has ended.
pub(crate) fn has_ended(job: &api::Job) -> bool {
    !matches!(job.state, JobState::Queued | JobState::Running)
}

/// How far it is in a hundred; `None`: nobody knows.
pub(crate) fn percent(job: &api::Job) -> Option<u64> {
    let progress = job.progress.as_ref()?;
    let total = progress.total.filter(|total| *total > 0)?;
    Some((progress.done.min(total)) * 100 / total)
}

/// What came of a job, one line for each word of the API: its bytes, or else the text of it.
pub(crate) fn facts(result: &Value) -> Vec<(String, Option<u64>, String)> {
    let mut facts = Vec::new();
    flatten("", result, &mut facts);
    for (name, _, _) in &mut facts {
        *name = name.replace('_', " ").replace('.', " › ");
    }
    facts
}

fn flatten(name: &str, value: &Value, facts: &mut Vec<(String, Option<u64>, String)>) {
    let below = |key: &str| match name {
        "" => key.to_owned(),
        _ => format!("{name}.{key}"),
    };
    let is_plain = |items: &[Value]| !items.iter().any(|it| it.is_object() || it.is_array());
    match value {
        Value::Null => {}
        Value::Array(items) if is_plain(items) => {
            let items = items.iter().map(|it| match it {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            let text = items.collect::<Vec<_>>().join(", ");
            if !text.is_empty() {
                facts.push((name.to_owned(), None, text));
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                flatten(&below(&(number + 1).to_string()), item, facts);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                flatten(&below(key), value, facts);
            }
        }
        Value::Number(number) => {
            let number = number.as_u64();
            let bytes = number.filter(|_| name.split(['.', '_']).any(|word| word == "bytes"));
            let text = number.map_or_else(|| value.to_string(), format::count);
            facts.push((name.to_owned(), bytes, text));
        }
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => facts.push((name.to_owned(), None, text.clone())),
        Value::Bool(is_so) => facts.push((name.to_owned(), None, is_so.to_string())),
    }
}

/// The word for a state.
pub(crate) fn state_word(t: &Language, state: &JobState) -> &'static str {
    match state {
        JobState::Queued => t.jobs_queued(),
        JobState::Running => t.jobs_running(),
        JobState::Succeeded => t.jobs_succeeded(),
        JobState::Failed => t.jobs_failed(),
        JobState::Cancelled => t.jobs_cancelled(),
    }
}

/// One job with what it did.
pub(crate) async fn one(visit: Visit, Path(id): Path<String>, query: Query) -> Shown {
    let id = number(&id).or_page(&visit)?;
    let job: api::Job = visit.get(format!("/jobs/{id}")).await.or_page(&visit)?;
    let limit = ROWS.to_string();
    let asked = [("limit", &*limit), ("after", query.get("after"))];
    let items = visit
        .get(address(format!("/jobs/{id}/items"), &asked))
        .await;
    let items: api::List<api::JobItem> = items.or_page(&visit)?;
    let title = kind_name(&visit.language(), &job.kind);
    let frame = Frame::new(&visit, title).or_page(&visit)?;
    let page = Job {
        frame: frame
            .below(visit.language().jobs_title(), "/jobs")
            .elsewhere(
                format!("larder job show {id} --items"),
                format!("GET /api/v1/jobs/{id}"),
            ),
        job,
        items: items.items,
        next: items.next,
    };
    show(&page).or_page(&visit)
}

fn number(id: &str) -> Result<u64, Problem> {
    id.parse()
        .map_err(|_| Problem::not_found("job", "there is no such job"))
}

/// What changes of a job, as it changes: the events of the API as pieces of the page.
pub(crate) async fn events(visit: Visit, Path(id): Path<String>) -> Shown {
    let id = number(&id).or_page(&visit)?;
    let events = visit
        .call(Method::GET, format!("/jobs/{id}/events"), Bytes::new())
        .await;
    let events = events.or_page(&visit)?;
    let frame = Frame::new(&visit, "").or_page(&visit)?;
    let mut rest = String::new();
    let pieces = events.into_body().into_data_stream().map(move |piece| {
        let piece = piece?;
        rest.push_str(&String::from_utf8_lossy(&piece));
        let mut told = String::new();
        while let Some((event, after)) = rest.split_once("\n\n") {
            told += &translate(&frame, event);
            rest = after.to_owned();
        }
        Ok::<_, axum::Error>(told)
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let kind = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

/// An event with a job becomes one with a piece of HTML; a comment stays what it is.
fn translate(frame: &Frame, event: &str) -> String {
    let data = event.lines().find_map(|line| line.strip_prefix("data: "));
    let job = data.and_then(|data| serde_json::from_str::<api::Job>(data).ok());
    let Some(job) = job else {
        return format!("{event}\n\n");
    };
    let live = Live { frame, job: &job };
    let html = live.render().unwrap_or_default();
    let lines: Vec<String> = html.lines().map(|line| format!("data: {line}\n")).collect();
    format!("{}\n", lines.concat())
}

/// Ends a job.
pub(crate) async fn cancel(visit: Visit, Path(id): Path<String>, _: Form) -> Shown {
    let id = number(&id).or_page(&visit)?;
    let asked = visit
        .call(Method::POST, format!("/jobs/{id}/cancel"), Bytes::new())
        .await;
    asked.or_page(&visit)?;
    see_other(&format!("/jobs/{id}")).or_page(&visit)
}

/// Changes when jobs of a kind begin by themselves.
pub(crate) async fn schedule(visit: Visit, Path(kind): Path<String>, form: Form) -> Shown {
    let known = JobKind::ALL.iter().find(|known| known.word() == kind);
    let kind = known.ok_or_else(|| Problem::not_found("schedule", "there are no such jobs"));
    let kind = kind.map_err(|problem| ErrorPage::new(&visit, problem))?;
    let new = api::NewSchedule {
        cron: form.text("cron").trim().to_owned(),
        enabled: Some(form.has("enabled")),
    };
    let path = format!("/schedules/{}", kind.word());
    match visit.act(Method::PUT, path, Some(&new)).await {
        Ok(_) => see_other("/jobs#schedules").or_page(&visit),
        Err(problem) => {
            let refused = Refused::of(&visit, form, problem)?;
            page(&visit, &Query::default(), refused).await
        }
    }
}
