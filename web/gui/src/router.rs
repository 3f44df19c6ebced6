//! The pages: one line for each address.

use crate::assets::Asset;
use crate::page::{ErrorPage, OrPage as _, Shown, see_other};
use crate::screens::policies::Tab;
use crate::screens::{
    addresses, appearance, audit, backups, can, catalog, cleanup, connect, contents, dashboard,
    denied, grants, groups, jobs, licences, login, policies, profile, repositories, retention,
    robots, scrub, search, sessions, setup, storage, system, tokens, trash, upstreams, users,
};
use crate::visit::Visit;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::HeaderMap;
use larder_model::{Kind, Problem};

/// All pages and their acts.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(dashboard::show_dashboard))
        .route("/login", get(login::show).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/setup", get(setup::show))
        .route("/setup/mirrors", post(setup::make_mirror))
        .route("/setup/users", post(setup::make_user))
        .merge(browse())
        .merge(repository_settings())
        .merge(operate())
        .merge(policies())
        .merge(cleanup())
        .merge(access())
        .merge(own())
        .route("/assets/{name}", get(asset))
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
}

/// What there is, and how clients get it.
fn browse() -> Router {
    Router::new()
        .route("/connect", get(connect::list))
        .route(
            "/connect/{tool}",
            get(connect::one).post(connect::make_token),
        )
        .route("/connect/wait/{id}", get(connect::wait))
        .route("/connect/wait/{id}/events", get(connect::events))
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
}

/// Repositories: what is set of them, and their addresses.
fn repository_settings() -> Router {
    Router::new()
        .route(
            "/repositories/new",
            get(repositories::ask_for_new).post(repositories::make),
        )
        .route(
            "/repositories/{protocol}/{name}",
            get(repositories::settings).post(repositories::set),
        )
        .route(
            "/repositories/{protocol}/{name}/delete",
            get(repositories::ask_to_delete).post(repositories::delete),
        )
        .route("/{protocol}", get(addresses::tell))
        .route("/{protocol}/", get(addresses::tell))
        .route("/{protocol}/{name}", get(addresses::tell))
        .route("/{protocol}/{name}/", get(addresses::tell))
}

/// How the place is run.
fn operate() -> Router {
    Router::new()
        .route("/audit", get(audit::list))
        .route("/audit/export", get(audit::export))
        .route("/denied", get(denied::list))
        .route("/why/{id}", get(denied::why))
        .route("/system", get(system::health))
        .route("/system/config", get(system::config))
        .route("/system/licences", get(licences::licences))
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
            "/system/storage",
            get(storage::show_storage).post(storage::count),
        )
}

/// What may stay, and how much.
fn policies() -> Router {
    Router::new()
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
            get(|visit, query| policies::list(Tab::Blocks, visit, query)).post(policies::add_block),
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
}

/// What goes, what is checked, what is saved.
fn cleanup() -> Router {
    Router::new()
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
}

/// The pages of one's own account.
fn own() -> Router {
    Router::new()
        .route(
            "/me/appearance",
            get(appearance::show_look).post(appearance::set),
        )
        .route(
            "/me/profile",
            get(profile::show).post(profile::change_password),
        )
        .route("/me/tokens", get(tokens::list).post(tokens::make))
        .route(
            "/me/tokens/{id}/delete",
            get(tokens::ask_to_end).post(tokens::end),
        )
        .route("/me/sessions", get(sessions::list))
        .route("/me/sessions/{id}/delete", post(sessions::end))
}

/// The pages of who may do what.
fn access() -> Router {
    let users = Router::new()
        .route("/", get(users::list).post(users::make))
        .route("/{name}", get(users::one).post(users::change))
        .route(
            "/{name}/delete",
            get(users::ask_to_delete).post(users::delete),
        );
    let groups = Router::new()
        .route("/", get(groups::list).post(groups::make))
        .route("/{name}", get(groups::one).post(groups::change))
        .route("/{name}/members", post(groups::set_member))
        .route(
            "/{name}/delete",
            get(groups::ask_to_delete).post(groups::delete),
        );
    let robots = Router::new()
        .route("/", get(robots::list).post(robots::make))
        .route("/{name}", get(robots::one).post(robots::change))
        .route("/{name}/tokens", post(robots::make_token))
        .route(
            "/{name}/delete",
            get(robots::ask_to_delete).post(robots::delete),
        );
    let grants = Router::new()
        .route("/", get(grants::list).post(grants::make))
        .route(
            "/{id}/delete",
            get(grants::ask_to_delete).post(grants::delete),
        );
    Router::new()
        .route("/access", get(access_first))
        .nest("/access/users", users)
        .nest("/access/groups", groups)
        .nest("/access/robots", robots)
        .nest("/access/grants", grants)
        .route("/access/can", get(can::ask))
}

/// To the first page of access that there is for whoever looks.
async fn access_first(visit: Visit) -> Shown {
    let path = if visit.is_superuser() {
        "/access/users"
    } else {
        "/access/robots"
    };
    see_other(path).or_page(&visit)
}

async fn asset(visit: Visit, Path(name): Path<String>, headers: HeaderMap) -> Shown {
    match Asset::find(&name) {
        Some(asset) => Ok(asset.answer(&headers)),
        None => unknown(visit).await,
    }
}

/// The router adds which methods the page takes.
async fn other_method(visit: Visit) -> Result<Response, ErrorPage> {
    let detail = "this page does not take the method";
    let problem = Problem::new(Kind::Method, "method", detail);
    Err(ErrorPage::new(&visit, problem))
}

async fn unknown(visit: Visit) -> Result<Response, ErrorPage> {
    let problem = Problem::not_found("page", visit.language().error_no_page());
    Err(ErrorPage::new(&visit, problem))
}
