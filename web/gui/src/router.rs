//! The pages: one line for each address.

use crate::assets::Asset;
use crate::page::{ErrorPage, Shown};
use crate::screens::{appearance, dashboard, jobs, login};
use crate::visit::Visit;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::HeaderMap;
use larder_model::Problem;

/// All pages and their acts.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(dashboard::show_dashboard))
        .route("/login", get(login::show).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/me/appearance", post(appearance::set))
        .route("/jobs", get(jobs::list))
        .route("/jobs/{id}", get(jobs::one))
        .route("/jobs/{id}/events", get(jobs::events))
        .route("/jobs/{id}/cancel", post(jobs::cancel))
        .route("/jobs/schedules/{kind}", post(jobs::schedule))
        .route("/assets/{name}", get(asset))
        .fallback(unknown)
}

async fn asset(visit: Visit, Path(name): Path<String>, headers: HeaderMap) -> Shown {
    match Asset::find(&name) {
        Some(asset) => Ok(asset.answer(&headers)),
        None => unknown(visit).await,
    }
}

async fn unknown(visit: Visit) -> Result<Response, ErrorPage> {
    let problem = Problem::not_found("page", visit.language().error_no_page());
    Err(ErrorPage::new(&visit, problem))
}
