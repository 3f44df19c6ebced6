//! Robots: accounts of machines. Their owners see and change theirs, superusers all.

use crate::address::address;
use crate::form::{Form, is_of_form};
use crate::page::{Frame, OrPage as _, Shown, see_other, show, show_with};
use crate::query::{Query, ROWS};
use crate::screens::confirm::{Confirm, require_typed};
use crate::screens::grants::grants_of;
use crate::screens::tokens::{make_for, tokens_of};
use crate::screens::users::name_of;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::{Method, StatusCode};
use larder_api as api;
use larder_model::Problem;

#[derive(Template)]
#[template(path = "robots.html")]
struct Robots {
    frame: Frame,
    robots: Vec<api::Robot>,
    next: Option<String>,
    prefix: String,
    owner: String,
    /// Why the new robot was not made, and its name.
    wrong: Option<(String, String)>,
}

/// The list.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    page(&visit, &query, None).await
}

async fn page(visit: &Visit, query: &Query, wrong: Option<(String, String)>) -> Shown {
    let limit = ROWS.to_string();
    let (prefix, owner) = (query.get("prefix"), query.get("owner"));
    let asked = [
        ("limit", &*limit),
        ("prefix", prefix),
        ("owner", owner),
        ("after", query.get("after")),
    ];
    let list: Result<api::List<api::Robot>, _> = visit.get(address("/robots", &asked)).await;
    let list = list.or_page(visit)?;
    let frame = Frame::new(visit, visit.language().robots_title()).or_page(visit)?;
    let next = |after: String| {
        let filters = [("prefix", prefix), ("owner", owner), ("after", &*after)];
        address("/access/robots", &filters)
    };
    let status = match wrong {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    let page = Robots {
        frame: frame.elsewhere("larder robot list", "GET /api/v1/robots"),
        robots: list.items,
        next: list.next.map(next),
        prefix: prefix.to_owned(),
        owner: owner.to_owned(),
        wrong,
    };
    show_with(status, &page).or_page(visit)
}

/// Makes one.
pub(crate) async fn make(visit: Visit, form: Form) -> Shown {
    let text = form.text("name").trim().to_owned();
    let made = match name_of(&text) {
        Ok(name) => {
            let new = api::NewRobot {
                name,
                description: form.given("description").map(str::to_owned),
                owner: form.given("owner").map(str::to_owned),
            };
            visit.act(Method::POST, "/robots", Some(&new)).await
        }
        Err(problem) => Err(problem),
    };
    match made {
        Ok(_) => see_other(&format!("/access/robots/{text}")).or_page(&visit),
        Err(problem) if is_of_form(&problem) => {
            let why = problem.detail.to_string();
            page(&visit, &Query::default(), Some((why, text))).await
        }
        Err(problem) => Err(problem).or_page(&visit),
    }
}

#[derive(Template)]
#[template(path = "robot.html")]
struct Robot {
    frame: Frame,
    robot: api::Robot,
    subject: String,
    tokens: Vec<api::Token>,
    grants: Vec<api::Grant>,
    repositories: Vec<String>,
}

impl Robot {
    fn token_path(&self) -> String {
        format!("/access/robots/{}/tokens", self.robot.name)
    }
}

async fn read(visit: &Visit, name: &str) -> Result<Robot, Problem> {
    let robot: api::Robot = visit.get(format!("/robots/{}", name_of(name)?)).await?;
    let subject = format!("robot:{name}");
    let t = visit.language();
    let frame = Frame::new(visit, name)?.below(t.robots_title(), "/access/robots");
    let grants = grants_of(visit, &subject).await?;
    let patterns = grants.iter().map(|grant| grant.repository.to_string());
    Ok(Robot {
        frame: frame.elsewhere(
            format!("larder robot show {name}"),
            format!("GET /api/v1/robots/{name}"),
        ),
        robot,
        tokens: tokens_of(visit, &subject, "").await?.items,
        repositories: patterns.collect(),
        grants,
        subject,
    })
}

/// One robot with its tokens and grants.
pub(crate) async fn one(visit: Visit, Path(name): Path<String>) -> Shown {
    let page = read(&visit, &name).await.or_page(&visit)?;
    show(&page).or_page(&visit)
}

/// Makes a token of a robot.
pub(crate) async fn make_token(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    let name = name_of(&name).or_page(&visit)?;
    let back = format!("/access/robots/{name}");
    make_for(&visit, &format!("robot:{name}"), &back, &form).await
}

/// Changes a robot.
pub(crate) async fn change(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    let name = name_of(&name).or_page(&visit)?;
    let change = api::RobotChange {
        description: Some(form.text("description").trim().to_owned()),
        owner: form.given("owner").map(str::to_owned),
        disabled: Some(form.has("disabled")),
    };
    let path = format!("/robots/{name}");
    let changed = visit.act(Method::PATCH, path, Some(&change)).await;
    changed.or_page(&visit)?;
    see_other(&format!("/access/robots/{name}")).or_page(&visit)
}

/// Asks whether a robot is to go.
pub(crate) async fn ask_to_delete(visit: Visit, Path(name): Path<String>) -> Shown {
    let Robot { tokens, grants, .. } = read(&visit, &name).await.or_page(&visit)?;
    let t = visit.language();
    let back = format!("/access/robots/{name}");
    let frame = Frame::new(&visit, t.robots_delete_title(&name)).or_page(&visit)?;
    let frame = frame
        .below(t.robots_title(), "/access/robots")
        .below(&name, &back)
        .elsewhere(
            format!("larder robot delete {name}"),
            format!("DELETE /api/v1/robots/{name}"),
        );
    let page = Confirm::new(
        frame,
        t.robots_delete_text(),
        format!("{back}/delete"),
        t.robots_delete(),
        back.clone(),
    );
    let page = page
        .fact(t.tokens_title(), tokens.len().to_string())
        .fact(t.grants_title(), grants.len().to_string())
        .typed(&name);
    show(&page).or_page(&visit)
}

/// Deletes a robot.
pub(crate) async fn delete(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    require_typed(visit.language(), &form, &name).or_page(&visit)?;
    let name = name_of(&name).or_page(&visit)?;
    visit
        .delete(format!("/robots/{name}"))
        .await
        .or_page(&visit)?;
    see_other("/access/robots").or_page(&visit)
}
