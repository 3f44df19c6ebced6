//! Signing in, and out.

use crate::form::Form;
use crate::page::{ErrorPage, Frame, OrPage as _, Shown, see_other, show_with};
use crate::query::Query;
use crate::screens::appearance::own_path;
use crate::visit::Visit;
use askama::Template;
use axum::response::Response;
use http::header::SET_COOKIE;
use http::{Method, StatusCode};
use larder_api as api;
use larder_model::{Kind, Problem};
use serde_json::to_vec;

#[derive(Template)]
#[template(path = "login.html")]
struct Login<'a> {
    frame: Frame,
    next: &'a str,
    name: &'a str,
    wrong: bool,
}

/// The form.
pub(crate) async fn show(visit: Visit, query: Query) -> Shown {
    let next = query.get("next");
    if visit.user().is_some() {
        return see_other(own_path(next)).or_page(&visit);
    }
    page(&visit, next, "", false)
}

fn page(visit: &Visit, next: &str, name: &str, wrong: bool) -> Shown {
    let frame = Frame::new(visit, visit.language().login_title()).or_page(visit)?;
    let page = Login {
        frame,
        next: own_path(next),
        name,
        wrong,
    };
    let status = if wrong {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::OK
    };
    show_with(status, &page).or_page(visit)
}

/// Begins a session, and goes to where one wanted.
pub(crate) async fn sign_in(visit: Visit, form: Form) -> Shown {
    let (name, next) = (form.text("username"), form.text("next"));
    let new = api::NewSession {
        name: name.to_owned(),
        password: form.text("password").to_owned(),
    };
    let body = to_vec(&new).map_err(Problem::internal).or_page(&visit)?;
    match visit.call(Method::POST, "/sessions", body.into()).await {
        Ok(begun) => with_cookies(see_other(own_path(next)), &begun).or_page(&visit),
        Err(problem) if problem.kind == Kind::LoginRefused => page(&visit, next, name, true),
        Err(problem) => Err(ErrorPage::new(&visit, problem)),
    }
}

/// Ends the session in which one asks.
pub(crate) async fn sign_out(visit: Visit, _: Form) -> Shown {
    let Some(session) = visit.session() else {
        return see_other("/").or_page(&visit);
    };
    let path = format!("/sessions/{session}");
    let ended = visit.call(Method::DELETE, path, bytes::Bytes::new()).await;
    with_cookies(see_other("/login"), &ended.or_page(&visit)?).or_page(&visit)
}

/// The answer with the cookies of another.
fn with_cookies(answer: Result<Response, Problem>, from: &Response) -> Result<Response, Problem> {
    let mut answer = answer?;
    for cookie in from.headers().get_all(SET_COOKIE) {
        answer.headers_mut().append(SET_COOKIE, cookie.clone());
    }
    Ok(answer)
}
