//! Cleanup: the collector, which frees what nothing names any more.

use crate::address::segment;
use crate::chart::{Chart, Part, Shape, Unit};
use crate::form::Form;
use crate::format;
use crate::language::Language;
use crate::page::{Frame, OrPage as _, Shown, see_other, show};
use crate::query::Query;
use crate::visit::Visit;
use askama::Template;
use http::Method;
use larder_api as api;
use larder_model::{JobState, Kind, Problem};

/// Runs of the history.
const RUNS: usize = 20;

/// A page of cleanup.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Collector,
    Trash,
    Scrub,
    Backups,
}

impl Tab {
    const ALL: [Self; 4] = [Self::Collector, Self::Trash, Self::Scrub, Self::Backups];

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Collector => "/cleanup",
            Self::Trash => "/cleanup/trash",
            Self::Scrub => "/cleanup/scrub",
            Self::Backups => "/cleanup/backups",
        }
    }

    pub(crate) const fn name(self, t: Language) -> &'static str {
        match self {
            Self::Collector => t.cleanup_collector(),
            Self::Trash => t.cleanup_trash(),
            Self::Scrub => t.cleanup_scrub(),
            Self::Backups => t.cleanup_backups(),
        }
    }

    /// The tabs for whoever looks: all but the trash are for superusers.
    pub(crate) fn seen(is_superuser: bool) -> impl Iterator<Item = Self> {
        let all = Self::ALL.into_iter();
        all.filter(move |tab| is_superuser || *tab == Self::Trash)
    }
}

/// A number in what came of a job.
pub(crate) fn told(job: &api::Job, name: &str) -> Option<u64> {
    job.result.as_ref()?.get(name)?.as_u64()
}

#[derive(Template)]
#[template(path = "cleanup.html")]
struct Cleanup {
    frame: Frame,
    collection: api::Collection,
    runs: Vec<api::Job>,
    freed: Option<Chart>,
    digest: String,
    blob: Option<api::Blob>,
    /// Why a digest is not explained.
    problem: Option<Problem>,
}

impl Cleanup {
    fn tabs(&self) -> Vec<Tab> {
        Tab::seen(self.frame.is_superuser).collect()
    }

    fn is_here(&self, tab: &Tab) -> bool {
        *tab == Tab::Collector
    }

    /// The run that is not done.
    fn running(&self) -> Option<&api::Job> {
        let last = self.collection.last.as_ref()?;
        (!last.state.is_final()).then_some(last)
    }
}

/// How the collector fares; and of a digest, what keeps it.
pub(crate) async fn collector(visit: Visit, query: Query) -> Shown {
    let digest = query.get("digest");
    let digest = digest.trim();
    let collection: api::Collection = visit.get("/gc").await.or_page(&visit)?;
    let runs: Result<api::List<api::Job>, _> =
        visit.get(format!("/jobs?kind=gc&limit={RUNS}")).await;
    let runs = runs.or_page(&visit)?.items;
    let (blob, problem) = explain(&visit, digest).await.or_page(&visit)?;
    let t = visit.language();
    let frame = Frame::new(&visit, t.cleanup_title()).or_page(&visit)?;
    let page = Cleanup {
        frame: frame.elsewhere("larder gc run --dry-run", "POST /api/v1/gc/runs"),
        freed: freed(t, &runs),
        collection,
        runs,
        digest: digest.to_owned(),
        blob,
        problem,
    };
    show(&page).or_page(&visit)
}

/// What keeps a blob, or why that cannot be told.
async fn explain(
    visit: &Visit,
    digest: &str,
) -> Result<(Option<api::Blob>, Option<Problem>), Problem> {
    if digest.is_empty() {
        return Ok((None, None));
    }
    let path = format!("/blobs/{}", segment(digest));
    match visit.get(path).await {
        Ok(blob) => Ok((Some(blob), None)),
        Err(problem) if matches!(problem.kind, Kind::NotFound | Kind::Invalid) => {
            Ok((None, Some(problem)))
        }
        Err(problem) => Err(problem),
    }
}

/// What the runs freed, from the oldest on; `None`: nothing.
fn freed(t: Language, runs: &[api::Job]) -> Option<Chart> {
    let done = runs.iter().rev();
    let done = done.filter(|job| job.state == JobState::Succeeded && !job.dry_run);
    let (mut labels, mut values) = (Vec::new(), Vec::new());
    for job in done {
        // Month, day, hour and minute: runs of one minute are told apart by the table's order.
        let at = format::exact(job.created_at).replace('T', " ");
        labels.push(at.get(5..16).unwrap_or_default().to_owned());
        values.push(told(job, "bytes_freed").unwrap_or(0));
    }
    let chart = Chart {
        language: t,
        title: t.cleanup_freed_per_run(),
        labels,
        parts: vec![Part::whole(t.cleanup_freed(), values)],
        shape: Shape::Bars,
        unit: Unit::Bytes,
    };
    Some(chart).filter(|chart| !chart.is_empty())
}

/// Begins a run of the collector.
pub(crate) async fn collect(visit: Visit, form: Form) -> Shown {
    let new = api::NewCollection {
        dry_run: Some(form.text("do") != "run"),
        grace: form.given("grace").map(str::to_owned),
    };
    let begun = visit.act(Method::POST, "/gc/runs", Some(&new)).await;
    begun.or_page(&visit)?;
    see_other("/cleanup").or_page(&visit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job(id: &str, dry_run: bool, freed: u64) -> api::Job {
        let job = json!({
            "id": id, "kind": "gc", "state": "succeeded", "dry_run": dry_run, "repository": null,
            "by": "schedule", "created_at": "2030-01-01T00:00:00Z", "started_at": "2030-01-01T00:00:00Z",
            "finished_at": "2030-01-01T00:01:30Z", "cancel_requested": false, "attempts": 1,
            "progress": null, "result": {"bytes_freed": freed}, "error": null,
        });
        serde_json::from_value(job).expect("a job")
    }

    #[test]
    fn only_what_was_freed_is_drawn() {
        let t = Language::English;
        let runs = [job("3", true, 99), job("2", false, 7), job("1", false, 5)];
        let chart = freed(t, &runs).expect("a chart");
        assert_eq!(chart.parts[0].values, [Some(5), Some(7)]);
        assert!(freed(t, &runs[..1]).is_none());
        assert_eq!(chart.labels, ["01-01 00:00"; 2]);
    }
}
