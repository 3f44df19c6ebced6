//! Users: who may sign in, what each has, and the acts of superusers on them.

use crate::address::address;
use crate::form::{Form, is_of_form};
use crate::page::{Frame, OrPage as _, Shown, see_other, show, show_with};
use crate::query::{Query, ROWS};
use crate::screens::confirm::{Confirm, require_typed};
use crate::screens::grants::grants_of;
use crate::screens::sessions::sessions_of;
use crate::screens::tokens::tokens_of;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::{Method, StatusCode};
use larder_api as api;
use larder_model::{Problem, UserName};

#[derive(Template)]
#[template(path = "users.html")]
struct Users {
    frame: Frame,
    users: Vec<api::User>,
    next: Option<String>,
    prefix: String,
    state: String,
    /// Why the new user was not made, and its name.
    wrong: Option<(String, String)>,
}

/// The list.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    page(&visit, &query, None).await
}

async fn page(visit: &Visit, query: &Query, wrong: Option<(String, String)>) -> Shown {
    let (prefix, state) = (query.get("prefix"), query.get("state"));
    let (disabled, superuser) = match state {
        "disabled" => ("true", ""),
        "superuser" => ("", "true"),
        _ => ("", ""),
    };
    let limit = ROWS.to_string();
    let asked = [
        ("limit", &*limit),
        ("prefix", prefix),
        ("disabled", disabled),
        ("superuser", superuser),
        ("after", query.get("after")),
    ];
    let list: Result<api::List<api::User>, _> = visit.get(address("/users", &asked)).await;
    let list = list.or_page(visit)?;
    let frame = Frame::new(visit, visit.language().users_title()).or_page(visit)?;
    let next = list.next.map(|after| {
        let filters = [("prefix", prefix), ("state", state), ("after", &*after)];
        address("/access/users", &filters)
    });
    let status = match wrong {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    let page = Users {
        frame: frame.elsewhere("larder user list", "GET /api/v1/users"),
        users: list.items,
        next,
        prefix: prefix.to_owned(),
        state: state.to_owned(),
        wrong,
    };
    show_with(status, &page).or_page(visit)
}

/// Makes one.
pub(crate) async fn make(visit: Visit, form: Form) -> Shown {
    let text = form.text("name").trim().to_owned();
    let made = match name_of(&text) {
        Ok(name) => {
            let new = api::NewUser {
                name,
                password: form.text("password").to_owned(),
                superuser: Some(form.has("superuser")),
                disabled: None,
            };
            visit.act(Method::POST, "/users", Some(&new)).await
        }
        Err(problem) => Err(problem),
    };
    match made {
        Ok(_) => see_other(&format!("/access/users/{text}")).or_page(&visit),
        Err(problem) if is_of_form(&problem) => {
            let why = problem.detail.to_string();
            page(&visit, &Query::default(), Some((why, text))).await
        }
        Err(problem) => Err(problem).or_page(&visit),
    }
}

/// A name as someone has typed it.
pub(crate) fn name_of(text: &str) -> Result<UserName, Problem> {
    text.parse::<UserName>()
        .map_err(|why| Problem::invalid("name", why.0))
}

#[derive(Template)]
#[template(path = "user.html")]
struct User {
    frame: Frame,
    user: api::User,
    subject: String,
    is_oneself: bool,
    tokens: Vec<api::Token>,
    sessions: Vec<api::Session>,
    robots: Vec<api::Robot>,
    grants: Vec<api::Grant>,
}

async fn user_of(visit: &Visit, name: &str) -> Result<api::User, Problem> {
    visit.get(format!("/users/{}", name_of(name)?)).await
}

/// One user with all that is theirs.
pub(crate) async fn one(visit: Visit, Path(name): Path<String>) -> Shown {
    if !visit.is_superuser() && visit.user() == Some(&name) {
        return see_other("/me/profile").or_page(&visit);
    }
    let page = read(&visit, &name).await.or_page(&visit)?;
    show(&page).or_page(&visit)
}

async fn read(visit: &Visit, name: &str) -> Result<User, Problem> {
    let user = user_of(visit, name).await?;
    let subject = format!("user:{name}");
    let robots: api::List<api::Robot> = visit
        .get(address("/robots", &[("owner", &*subject)]))
        .await?;
    let t = visit.language();
    let frame = Frame::new(visit, name)?
        .below(t.users_title(), "/access/users")
        .elsewhere(
            format!("larder user show {name}"),
            format!("GET /api/v1/users/{name}"),
        );
    Ok(User {
        frame,
        is_oneself: visit.user() == Some(name),
        tokens: tokens_of(visit, &subject, "").await?.items,
        sessions: sessions_of(visit, &subject, "").await?.items,
        robots: robots.items,
        grants: grants_of(visit, &subject).await?,
        subject,
        user,
    })
}

/// Changes what a user may at all, or the password.
pub(crate) async fn change(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    let name = name_of(&name).or_page(&visit)?;
    let change = match form.given("password") {
        Some(_) => api::UserChange {
            password: Some(form.text("password").to_owned()),
            ..api::UserChange::default()
        },
        None => api::UserChange {
            superuser: Some(form.has("superuser")),
            disabled: Some(form.has("disabled")),
            ..api::UserChange::default()
        },
    };
    let path = format!("/users/{name}");
    let changed = visit.act(Method::PATCH, path, Some(&change)).await;
    changed.or_page(&visit)?;
    see_other(&format!("/access/users/{name}")).or_page(&visit)
}

/// Asks whether a user is to go.
pub(crate) async fn ask_to_delete(visit: Visit, Path(name): Path<String>) -> Shown {
    let User {
        user,
        tokens,
        sessions,
        robots,
        grants,
        ..
    } = read(&visit, &name).await.or_page(&visit)?;
    let t = visit.language();
    let back = format!("/access/users/{name}");
    let frame = Frame::new(&visit, t.users_delete_title(&name)).or_page(&visit)?;
    let frame = frame
        .below(t.users_title(), "/access/users")
        .below(&name, &back)
        .elsewhere(
            format!("larder user delete {name}"),
            format!("DELETE /api/v1/users/{name}"),
        );
    let names: Vec<&str> = robots.iter().map(|robot| robot.name.as_str()).collect();
    let page = Confirm::new(
        frame,
        t.users_delete_text(),
        format!("{back}/delete"),
        t.users_delete(),
        back.clone(),
    );
    let page = page
        .fact(t.tokens_title(), tokens.len().to_string())
        .fact(t.sessions_title(), sessions.len().to_string())
        .fact(t.grants_title(), grants.len().to_string())
        .fact(t.users_robots_stop(), names.join(", "))
        .typed(user.name.to_string());
    show(&page).or_page(&visit)
}

/// Deletes a user.
pub(crate) async fn delete(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    require_typed(visit.language(), &form, &name).or_page(&visit)?;
    let name = name_of(&name).or_page(&visit)?;
    visit
        .delete(format!("/users/{name}"))
        .await
        .or_page(&visit)?;
    see_other("/access/users").or_page(&visit)
}
