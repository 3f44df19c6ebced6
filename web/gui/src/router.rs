//! The pages: one line for each address.

use crate::assets::Asset;
use crate::page::{ErrorPage, Shown};
use crate::screens::policies::Tab;
use crate::screens::{
    appearance, backups, catalog, cleanup, contents, dashboard, jobs, login, policies, retention,
    scrub, search, storage, trash, upstreams,
};
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
        .route("/search", get(search::show_search))
        .route("/search/suggest", get(search::suggest))
        .route("/images", get(catalog::images))
        .route("/images/{name}", get(catalog::images_of))
        .route(
            "/images/{name}/{*rest}",
            get(contents::image).post(contents::act_on_image),
        )
        .route("/packages", get(catalog::packages))
        .route("/packages/{protocol}", get(catalog::packages_of))
        .route("/packages/{protocol}/{name}", get(catalog::packages_in))
        .route(
            "/packages/{protocol}/{name}/{*rest}",
            get(contents::package).post(contents::act_on_package),
        )
        .route("/jobs", get(jobs::list))
        .route("/jobs/{id}", get(jobs::one))
        .route("/jobs/{id}/events", get(jobs::events))
        .route("/jobs/{id}/cancel", post(jobs::cancel))
        .route("/jobs/schedules/{kind}", post(jobs::schedule))
        .route("/upstreams", get(upstreams::list))
        .route("/upstreams/offline", post(upstreams::set_all_offline))
        .route("/upstreams/check", post(upstreams::check_all))
        .route("/upstreams/{protocol}/{name}", get(upstreams::one))
        .route(
            "/upstreams/{protocol}/{name}/check",
            get(upstreams::one).post(upstreams::check),
        )
        .route(
            "/upstreams/{protocol}/{name}/offline",
            post(upstreams::set_offline),
        )
        .route(
            "/policies",
            get(|visit, query| policies::list(Tab::Retention, visit, query)),
        )
        .route(
            "/policies/quotas",
            get(|visit, query| policies::list(Tab::Quotas, visit, query))
                .post(policies::share_quota),
        )
        .route(
            "/policies/quotas/shared/{id}",
            post(policies::change_shared),
        )
        .route(
            "/policies/quotas/{protocol}/{name}",
            post(policies::set_quota),
        )
        .route(
            "/policies/immutability",
            get(|visit, query| policies::list(Tab::Immutability, visit, query)),
        )
        .route(
            "/policies/immutability/{protocol}/{name}",
            post(policies::set_immutable),
        )
        .route(
            "/policies/blocks",
            get(|visit, query| policies::list(Tab::Blocks, visit, query)),
        )
        .route(
            "/policies/blocks/{protocol}/{name}",
            post(policies::set_blocks),
        )
        .route(
            "/policies/retention/{protocol}/{name}",
            get(retention::one).post(retention::act),
        )
        .route(
            "/policies/retention/{protocol}/{name}/preview",
            post(retention::beside),
        )
        .route(
            "/policies/retention/{protocol}/{name}/runs",
            post(retention::run),
        )
        .route("/cleanup", get(cleanup::collector))
        .route("/cleanup/runs", post(cleanup::collect))
        .route("/cleanup/trash", get(trash::list))
        .route(
            "/cleanup/trash/{protocol}/{name}/{id}/restore",
            post(trash::restore),
        )
        .route(
            "/cleanup/trash/{protocol}/{name}/{id}/delete",
            get(trash::ask).post(trash::delete),
        )
        .route("/cleanup/scrub", get(scrub::list).post(scrub::run))
        .route(
            "/cleanup/scrub/{digest}/delete",
            get(scrub::ask).post(scrub::delete),
        )
        .route("/cleanup/backups", get(backups::list).post(backups::run))
        .route(
            "/cleanup/backups/{name}/delete",
            get(backups::ask).post(backups::delete),
        )
        .route(
            "/system/storage",
            get(storage::show_storage).post(storage::count),
        )
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
