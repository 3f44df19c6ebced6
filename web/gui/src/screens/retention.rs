//! What one repository lets go: its rules as a form, in words, with what they would do beside.

mod draft;

use crate::address::segment;
use crate::form::Form;
use crate::language::Language;
use crate::page::{ErrorPage, Frame, OrPage as _, Shown, see_other, show, show_with};
use crate::size;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use draft::Draft;
use http::{Method, StatusCode};
use larder_api as api;
use larder_model::{Kind, Pattern, Problem};

/// Items of a preview that a page shows: of those that go, and of those that stay.
const SHOWN: usize = 100;

/// Whether a policy lets nothing go.
pub(crate) const fn is_empty(policy: &api::Retention) -> bool {
    policy.rules.is_empty()
        && policy.untagged_after.is_none()
        && policy.unused_after.is_none()
        && policy.max_bytes.is_none()
}

/// A span, which is a number and a unit, in words.
fn span_words(t: Language, span: &str) -> String {
    let (number, unit) = span.split_at(span.trim_end_matches(char::is_alphabetic).len());
    match (number.parse::<u64>(), unit) {
        (Ok(count), "d") => t.retention_days(count),
        (Ok(count), "h") => t.retention_hours(count),
        (Ok(count), "m") => t.retention_minutes(count),
        (Ok(count), "s") => t.retention_seconds(count),
        _ => span.to_owned(),
    }
}

/// A policy in words, a sentence for each part of it.
pub(crate) fn words(t: Language, policy: &api::Retention) -> Vec<String> {
    let mut lines: Vec<_> = policy
        .rules
        .iter()
        .map(|rule| rule_words(t, rule))
        .collect();
    if let Some(span) = &policy.untagged_after {
        lines.push(t.retention_words_untagged(span_words(t, span)));
    }
    if let Some(span) = &policy.unused_after {
        lines.push(t.retention_words_unused(span_words(t, span)));
    }
    if let Some(bytes) = policy.max_bytes {
        lines.push(t.retention_words_max_bytes(size::write(bytes)));
    }
    lines
}

/// A rule in words.
fn rule_words(t: Language, rule: &api::RetentionRule) -> String {
    let keep = &rule.keep;
    let mut kept = Vec::new();
    if let Some(count) = keep.newest {
        kept.push(t.retention_words_newest(count));
    }
    if let Some(span) = &keep.pushed_within {
        kept.push(t.retention_words_pushed(span_words(t, span)));
    }
    if let Some(span) = &keep.pulled_within {
        kept.push(t.retention_words_pulled(span_words(t, span)));
    }
    if let Some(matching) = keep
        .matching
        .as_ref()
        .filter(|matching| !matching.is_empty())
    {
        let names: Vec<&str> = matching.iter().map(Pattern::as_str).collect();
        kept.push(t.retention_words_matching(names.join(", ")));
    }
    if let Some(series) = keep.newest_per {
        kept.push(t.retention_words_series(series.count, series.of.word()));
    }
    let of = match (rule.packages.is_all(), rule.versions.is_all()) {
        (true, true) => t.retention_words_all().to_owned(),
        (_, true) => t.retention_words_of(&rule.packages),
        _ => t.retention_words_of_versions(&rule.packages, &rule.versions),
    };
    let Some(last) = kept.pop() else {
        return t.retention_words_nothing(of);
    };
    let kept = match kept.len() {
        0 => last,
        _ => [kept.join(t.retention_words_comma()), last].join(t.retention_words_and()),
    };
    t.retention_words_rule(kept, of)
}

/// What the address ends with of whoever has saved rules.
const SAVED: &str = "?saved=1";

/// What rules would do, as a page shows it.
struct Preview {
    preview: api::RetentionPreview,
    /// The items that are not shown.
    hidden: u64,
    /// Whether several rules decide.
    has_rules: bool,
}

impl Preview {
    fn new(mut preview: api::RetentionPreview) -> Self {
        let (mut gone, mut kept) = (0, 0);
        preview.items.retain(|item| {
            let seen = match item.action {
                api::RetentionAction::Delete => &mut gone,
                api::RetentionAction::Keep => &mut kept,
            };
            *seen += 1;
            *seen <= SHOWN
        });
        let all = preview.keep + preview.delete;
        let hidden = all.saturating_sub(preview.items.len() as u64);
        let has_rules = preview.items.iter().any(|item| item.rule > Some(0));
        Self {
            preview,
            hidden,
            has_rules,
        }
    }
}

#[derive(Template)]
#[template(path = "retention.html")]
struct Page<'a> {
    frame: Frame,
    path: &'a str,
    kind: api::RepoKind,
    draft: Draft,
    preview: Option<Preview>,
    problem: Option<Problem>,
    /// Whether it comes of having saved them.
    is_saved: bool,
}

impl Page<'_> {
    const fn is_mirror(&self) -> bool {
        matches!(self.kind, api::RepoKind::Mirror)
    }
}

/// What changes beside the form.
#[derive(Template)]
#[template(path = "retention_preview.html")]
struct Beside<'a> {
    frame: Frame,
    path: &'a str,
    preview: Option<Preview>,
    problem: Option<Problem>,
}

type Place = (String, String);

fn path_of((protocol, name): &Place) -> String {
    format!("{}/{}", segment(protocol), segment(name))
}

/// The form, as the repository has its rules.
pub(crate) async fn one(visit: Visit, Path(place): Path<Place>) -> Shown {
    let path = path_of(&place);
    let stored = visit.get(format!("/repositories/{path}/retention")).await;
    let stored: api::Retention = stored.or_page(&visit)?;
    page(&visit, &path, Draft::of_policy(&stored), (None, None)).await
}

async fn page(
    visit: &Visit,
    path: &str,
    draft: Draft,
    (preview, problem): (Option<Preview>, Option<Problem>),
) -> Shown {
    let repo: api::Repository = visit
        .get(format!("/repositories/{path}?counted=true"))
        .await
        .or_page(visit)?;
    let t = visit.language();
    let name = format!("{}/{}", repo.protocol, repo.name);
    let frame = Frame::new(visit, t.retention_title(&name)).or_page(visit)?;
    let page = Page {
        frame: frame.below(t.policies_retention(), "/policies").elsewhere(
            format!("larder retention set {name} policy.json"),
            format!("PUT /api/v1/repositories/{path}/retention"),
        ),
        path,
        kind: repo.kind,
        draft,
        preview,
        problem,
        is_saved: visit.target.ends_with(SAVED),
    };
    let status = match &page.problem {
        Some(problem) => problem.status(),
        None => StatusCode::OK,
    };
    show_with(status, &page).or_page(visit)
}

/// What the button does that was pressed.
pub(crate) async fn act(visit: Visit, Path(place): Path<Place>, form: Form) -> Shown {
    let path = path_of(&place);
    let mut draft = Draft::of_form(&form);
    let act = form.text("do");
    if act == "add" {
        draft.add_rule();
        return page(&visit, &path, draft, (None, None)).await;
    }
    if let Some(rule) = act.strip_prefix("remove-") {
        draft.remove_rule(rule);
        return page(&visit, &path, draft, (None, None)).await;
    }
    if act == "save" {
        return match save(&visit, &path, &draft).await {
            Ok(()) => see_other(&format!("/policies/retention/{path}{SAVED}")).or_page(&visit),
            Err(problem) => refused(&visit, &path, draft, problem).await,
        };
    }
    match preview(&visit, &path, &draft).await {
        Ok(preview) => page(&visit, &path, draft, (Some(preview), None)).await,
        Err(problem) => refused(&visit, &path, draft, problem).await,
    }
}

/// The form as it was filled in, with what is wrong.
async fn refused(visit: &Visit, path: &str, draft: Draft, problem: Problem) -> Shown {
    match problem.kind {
        Kind::Invalid => page(visit, path, draft, (None, Some(problem))).await,
        _ => Err(ErrorPage::new(visit, problem)),
    }
}

async fn save(visit: &Visit, path: &str, draft: &Draft) -> Result<(), Problem> {
    let new = draft.policy()?;
    let path = format!("/repositories/{path}/retention");
    visit.act(Method::PUT, path, Some(&new)).await?;
    Ok(())
}

async fn preview(visit: &Visit, path: &str, draft: &Draft) -> Result<Preview, Problem> {
    let new = draft.policy()?;
    let path = format!("/repositories/{path}/retention/preview");
    let preview = visit.send(Method::POST, path, &new).await?;
    Ok(Preview::new(preview))
}

/// What the rules of the form would do, while it is filled in.
pub(crate) async fn beside(visit: Visit, Path(place): Path<Place>, form: Form) -> Shown {
    let path = path_of(&place);
    let (preview, problem) = match preview(&visit, &path, &Draft::of_form(&form)).await {
        Ok(preview) => (Some(preview), None),
        Err(problem) if problem.kind == Kind::Invalid => (None, Some(problem)),
        Err(problem) => return Err(ErrorPage::new(&visit, problem)),
    };
    let frame = Frame::new(&visit, "").or_page(&visit)?;
    let beside = Beside {
        frame,
        path: &path,
        preview,
        problem,
    };
    show(&beside).or_page(&visit)
}

/// Does what a preview told, as a job.
pub(crate) async fn run(visit: Visit, Path(place): Path<Place>, form: Form) -> Shown {
    let path = format!("/repositories/{}/retention/runs", path_of(&place));
    let new = api::NewRetentionRun {
        preview: form.text("preview").to_owned(),
    };
    let job: Result<api::Job, Problem> = visit.send(Method::POST, path, &new).await;
    let job = job.or_page(&visit)?;
    see_other(&format!("/jobs/{}", job.id)).or_page(&visit)
}

#[cfg(test)]
mod tests;
