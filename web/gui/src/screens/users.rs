//! Users: who may sign in, what each has, and the acts of superusers on them.

use crate::address::address;
use crate::form::Form;
use crate::language::Language;
use crate::page::{Frame, OrPage as _, Shown, see_other, show, show_form};
use crate::query::{Query, ROWS};
use crate::refused::{Filled, Refused};
use crate::screens::accounts::{Accounts, name_of};
use crate::screens::grants::grants_of;
use crate::screens::sessions::sessions_of;
use crate::screens::tokens::tokens_of;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::Method;
use larder_api as api;
use larder_model::Problem;

/// What users, groups and robots have in common, of users.
const USERS: Accounts = Accounts {
    noun: "user",
    title: Language::users_title,
    delete_text: Language::users_delete_text,
    delete: Language::users_delete,
};

#[derive(Template)]
#[template(path = "users.html")]
struct Users {
    frame: Frame,
    users: Vec<api::User>,
    next: Option<String>,
    prefix: String,
    state: String,
    refused: Refused,
}

/// The list.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    page(&visit, &query, Refused::default()).await
}

async fn page(visit: &Visit, query: &Query, refused: Refused) -> Shown {
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
    let page = Users {
        frame: frame.elsewhere("larder user list", "GET /api/v1/users"),
        users: list.items,
        next,
        prefix: prefix.to_owned(),
        state: state.to_owned(),
        refused,
    };
    show_form(page.refused.is_any(), &page).or_page(visit)
}

/// Makes one.
pub(crate) async fn make(visit: Visit, form: Form) -> Shown {
    let text = form.text("name").trim().to_owned();
    let new = |name| api::NewUser {
        name,
        password: form.text("password").to_owned(),
        superuser: Some(form.has("superuser")),
        disabled: None,
    };
    match USERS.make(&visit, &text, new).await {
        Ok(()) => see_other(&USERS.page(&text)).or_page(&visit),
        Err(problem) => {
            let refused = Refused::of(&visit, form, problem)?;
            page(&visit, &Query::default(), refused).await
        }
    }
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
    refused: Refused,
}

impl User {
    /// The form of the state, and that of the password: both go to the same address.
    fn forms(&self) -> (Filled<'_>, Filled<'_>) {
        let path = USERS.page(self.user.name.as_str());
        let (sent, stored) = (self.refused.at(&path), self.refused.at(""));
        if sent.has("password", false) {
            (stored, sent)
        } else {
            (sent, stored)
        }
    }
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
        refused: Refused::default(),
    })
}

/// Changes what a user may at all, or the password.
pub(crate) async fn change(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    let name = name_of(&name).or_page(&visit)?;
    // The form of the password has that field, also where nothing was typed into it.
    let change = if form.has("password") {
        api::UserChange {
            password: Some(form.text("password").to_owned()),
            ..api::UserChange::default()
        }
    } else {
        api::UserChange {
            superuser: Some(form.has("superuser")),
            disabled: Some(form.has("disabled")),
            ..api::UserChange::default()
        }
    };
    let changed = visit
        .act(Method::PATCH, USERS.call(&name), Some(&change))
        .await;
    match changed {
        Ok(_) => see_other(&USERS.page(name.as_str())).or_page(&visit),
        Err(problem) => {
            let refused = Refused::of(&visit, form, problem)?;
            let page = read(&visit, name.as_str()).await.or_page(&visit)?;
            show_form(true, &User { refused, ..page }).or_page(&visit)
        }
    }
}

/// Asks whether a user is to go.
pub(crate) async fn ask_to_delete(visit: Visit, Path(name): Path<String>) -> Shown {
    let User {
        tokens,
        sessions,
        robots,
        grants,
        ..
    } = read(&visit, &name).await.or_page(&visit)?;
    let t = visit.language();
    let page = USERS.ask(&visit, &name, t.users_delete_title(&name));
    let page = page.or_page(&visit)?;
    let names: Vec<&str> = robots.iter().map(|robot| robot.name.as_str()).collect();
    let page = page
        .fact(t.tokens_title(), tokens.len().to_string())
        .fact(t.sessions_title(), sessions.len().to_string())
        .fact(t.grants_title(), grants.len().to_string())
        .fact(t.users_robots_stop(), names.join(", "));
    show(&page).or_page(&visit)
}

/// Deletes a user.
pub(crate) async fn delete(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    USERS.end(&visit, &name, &form).await
}
