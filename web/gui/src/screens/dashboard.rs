//! The front page.

use crate::page::{Frame, OrPage as _, Shown, show};
use crate::visit::Visit;
use askama::Template;
use larder_api as api;

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    frame: Frame,
    repositories: Vec<api::Repository>,
    jobs: Vec<api::Job>,
}

/// What there is, and what goes on.
pub(crate) async fn show_dashboard(visit: Visit) -> Shown {
    let frame = Frame::new(&visit, "").or_page(&visit)?;
    let list: api::List<api::Repository> =
        visit.get("/repositories?limit=50").await.or_page(&visit)?;
    let jobs = if frame.is_superuser {
        let running: api::List<api::Job> = visit.get("/jobs?limit=5").await.or_page(&visit)?;
        running.items
    } else {
        Vec::new()
    };
    let page = Dashboard {
        frame: frame.elsewhere("larder repo list", "GET /api/v1/repositories"),
        repositories: list.items,
        jobs,
    };
    show(&page).or_page(&visit)
}
