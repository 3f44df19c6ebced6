//! One's own account: who one is, and the password.

use crate::form::Form;
use crate::page::{Frame, OrPage as _, Shown, see_other, show_form};
use crate::query::Query;
use crate::visit::Visit;
use askama::Template;
use http::Method;
use larder_api as api;
use larder_model::{Kind, Problem};

#[derive(Template)]
#[template(path = "profile.html")]
struct Profile {
    frame: Frame,
    user: api::User,
    /// Why the password was not changed.
    wrong: Option<String>,
    changed: bool,
}

/// Who one is.
pub(crate) async fn show(visit: Visit, query: Query) -> Shown {
    page(&visit, None, query.get("changed") == "1").await
}

async fn page(visit: &Visit, wrong: Option<String>, changed: bool) -> Shown {
    let name = visit.user().unwrap_or_default().to_owned();
    if name.is_empty() {
        let problem = Problem::new(Kind::Unauthenticated, "session", "sign in first");
        return Err(problem).or_page(visit);
    }
    let user: api::User = visit.get(format!("/users/{name}")).await.or_page(visit)?;
    let frame = Frame::new(visit, visit.language().frame_profile()).or_page(visit)?;
    let frame = frame.elsewhere(
        format!("larder user set {name} --password"),
        format!("PATCH /api/v1/users/{name}"),
    );
    let is_refused = wrong.is_some();
    let page = Profile {
        frame,
        user,
        wrong,
        changed,
    };
    show_form(is_refused, &page).or_page(visit)
}

/// Changes one's own password.
pub(crate) async fn change_password(visit: Visit, form: Form) -> Shown {
    let t = visit.language();
    if form.text("password") != form.text("again") {
        return page(&visit, Some(t.profile_differs().to_owned()), false).await;
    }
    let change = api::UserChange {
        password: Some(form.text("password").to_owned()),
        current_password: Some(form.text("current").to_owned()),
        ..api::UserChange::default()
    };
    let path = format!("/users/{}", visit.user().unwrap_or_default());
    match visit.act(Method::PATCH, path, Some(&change)).await {
        Ok(_) => see_other("/me/profile?changed=1").or_page(&visit),
        Err(problem) if problem.about == "current_password" => {
            page(&visit, Some(t.profile_wrong_password().to_owned()), false).await
        }
        Err(problem) if problem.about == "password" => {
            page(&visit, Some(problem.detail.to_string()), false).await
        }
        Err(problem) => Err(problem).or_page(&visit),
    }
}
