//! May someone do something, and why?

use crate::address::address;
use crate::page::{Frame, OrPage as _, Shown, show};
use crate::query::Query;
use crate::screens::grants::grants_of;
use crate::screens::place;
use crate::visit::Visit;
use askama::Template;
use larder_api as api;
use larder_model::Problem;

#[derive(Template)]
#[template(path = "can.html")]
struct Can {
    frame: Frame,
    subject: String,
    repository: String,
    package: String,
    action: String,
    repositories: Vec<String>,
    verdict: Option<Result<api::Verdict, String>>,
    /// The grant by which.
    grant: Option<api::Grant>,
}

/// The words of what can be done.
const ACTIONS: [&str; 4] = ["read", "write", "delete", "administer"];

impl Can {
    const fn actions(&self) -> [&'static str; 4] {
        ACTIONS
    }
}

/// The question, and its answer.
pub(crate) async fn ask(visit: Visit, query: Query) -> Shown {
    let t = visit.language();
    let mut page = Can {
        frame: Frame::new(&visit, t.can_title()).or_page(&visit)?,
        subject: query.get("subject").to_owned(),
        repository: query.get("repository").to_owned(),
        package: query.get("package").to_owned(),
        action: query.get("action").to_owned(),
        repositories: place::names(&visit).await.or_page(&visit)?,
        verdict: None,
        grant: None,
    };
    if !page.repository.is_empty() {
        answer(&visit, &mut page).await.or_page(&visit)?;
    }
    let who = if page.subject.is_empty() {
        "me"
    } else {
        &page.subject
    };
    let action = if page.action.is_empty() {
        "read"
    } else {
        &page.action
    };
    let place = if page.repository.is_empty() {
        "WHERE"
    } else {
        &page.repository
    };
    let command = match page.package.as_str() {
        "" => format!("larder can {who} {action} {place}"),
        package => format!("larder can {who} {action} {place}/{package}"),
    };
    page.frame = page.frame.elsewhere(command, "GET /api/v1/can");
    show(&page).or_page(&visit)
}

async fn answer(visit: &Visit, page: &mut Can) -> Result<(), Problem> {
    let asked = [
        ("subject", &*page.subject),
        ("repository", &*page.repository),
        ("package", &*page.package),
        ("action", &*page.action),
    ];
    let verdict: Result<api::Verdict, _> = visit.get(address("/can", &asked)).await;
    match verdict {
        Ok(verdict) => {
            page.grant = grant_of(visit, &page.subject, &verdict).await?;
            page.verdict = Some(Ok(verdict));
        }
        Err(problem) if problem.status().is_client_error() => {
            page.verdict = Some(Err(problem.detail.to_string()));
        }
        Err(problem) => return Err(problem),
    }
    Ok(())
}

/// The grant by which, if whoever looks may see it.
async fn grant_of(
    visit: &Visit,
    subject: &str,
    verdict: &api::Verdict,
) -> Result<Option<api::Grant>, Problem> {
    let Some(id) = &verdict.grant else {
        return Ok(None);
    };
    if visit.user().is_none() {
        return Ok(None);
    }
    let own = format!("user:{}", visit.user().unwrap_or_default());
    let subject = if subject.is_empty() { &own } else { subject };
    // It is to themselves, to the last of the groups, or to everyone.
    let subjects = [subject, "authenticated", "anonymous"].into_iter();
    for subject in verdict.through.iter().map(String::as_str).chain(subjects) {
        let grants = grants_of(visit, subject).await?;
        if let Some(grant) = grants.into_iter().find(|grant| grant.id == *id) {
            return Ok(Some(grant));
        }
    }
    Ok(None)
}
