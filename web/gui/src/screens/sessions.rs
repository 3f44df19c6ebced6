//! Sessions: browsers in which someone has signed in.

use crate::address::address;
use crate::form::Form;
use crate::page::{Frame, OrPage as _, Shown, see_other, show};
use crate::query::{Query, ROWS};
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use larder_api as api;
use larder_model::Problem;

#[derive(Template)]
#[template(path = "sessions.html")]
struct Sessions {
    frame: Frame,
    sessions: Vec<api::Session>,
    next: Option<String>,
}

/// The sessions of a user, the oldest first.
pub(crate) async fn sessions_of(
    visit: &Visit,
    owner: &str,
    after: &str,
) -> Result<api::List<api::Session>, Problem> {
    let limit = ROWS.to_string();
    let parameters = [("limit", &*limit), ("owner", owner), ("after", after)];
    visit.get(address("/sessions", &parameters)).await
}

/// One's own sessions.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    let owner = format!("user:{}", visit.user().unwrap_or_default());
    let list = sessions_of(&visit, &owner, query.get("after")).await;
    let list = list.or_page(&visit)?;
    let frame = Frame::new(&visit, visit.language().sessions_title()).or_page(&visit)?;
    let page = Sessions {
        frame: frame.elsewhere("larder session list", "GET /api/v1/sessions"),
        sessions: list.items,
        next: list
            .next
            .map(|after| address("/me/sessions", &[("after", &after)])),
    };
    show(&page).or_page(&visit)
}

/// Ends one. Who signed in there signs in again: nothing is lost.
pub(crate) async fn end(visit: Visit, Path(id): Path<String>, form: Form) -> Shown {
    let id: u64 = id
        .parse()
        .map_err(|_| Problem::not_found("session", visit.language().sessions_gone()))
        .or_page(&visit)?;
    visit
        .delete(format!("/sessions/{id}"))
        .await
        .or_page(&visit)?;
    let back = match form.given("user") {
        Some(user) => format!("/access/users/{user}"),
        None => "/me/sessions".to_owned(),
    };
    see_other(&back).or_page(&visit)
}
