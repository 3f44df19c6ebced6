//! Robots: accounts of machines. Their owners see and change theirs, superusers all.

use crate::address::address;
use crate::form::Form;
use crate::language::Language;
use crate::page::{Frame, OrPage as _, Shown, see_other, show, show_form};
use crate::query::{Query, ROWS};
use crate::refused::Refused;
use crate::screens::accounts::{Accounts, name_of};
use crate::screens::grants::grants_of;
use crate::screens::tokens::{made, show_made, tokens_of};
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::Method;
use larder_api as api;
use larder_model::Problem;

/// What users, groups and robots have in common, of robots.
const ROBOTS: Accounts = Accounts {
    noun: "robot",
    title: Language::robots_title,
    delete_text: Language::robots_delete_text,
    delete: Language::robots_delete,
};

#[derive(Template)]
#[template(path = "robots.html")]
struct Robots {
    frame: Frame,
    robots: Vec<api::Robot>,
    next: Option<String>,
    prefix: String,
    owner: String,
    refused: Refused,
}

/// The list.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    page(&visit, &query, Refused::default()).await
}

async fn page(visit: &Visit, query: &Query, refused: Refused) -> Shown {
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
    let page = Robots {
        frame: frame.elsewhere("larder robot list", "GET /api/v1/robots"),
        robots: list.items,
        next: list.next.map(next),
        prefix: prefix.to_owned(),
        owner: owner.to_owned(),
        refused,
    };
    show_form(page.refused.is_any(), &page).or_page(visit)
}

/// Makes one.
pub(crate) async fn make(visit: Visit, form: Form) -> Shown {
    let text = form.text("name").trim().to_owned();
    let new = |name| api::NewRobot {
        name,
        description: form.given("description").map(str::to_owned),
        owner: form.given("owner").map(str::to_owned),
    };
    match ROBOTS.make(&visit, &text, new).await {
        Ok(()) => see_other(&ROBOTS.page(&text)).or_page(&visit),
        Err(problem) => {
            let refused = Refused::of(&visit, form, problem)?;
            page(&visit, &Query::default(), refused).await
        }
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
    refused: Refused,
}

impl Robot {
    fn path(&self) -> String {
        ROBOTS.page(self.robot.name.as_str())
    }

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
        refused: Refused::default(),
    })
}

/// One robot with its tokens and grants.
pub(crate) async fn one(visit: Visit, Path(name): Path<String>) -> Shown {
    let page = read(&visit, &name).await.or_page(&visit)?;
    show(&page).or_page(&visit)
}

/// The same with a form that was refused.
async fn again(visit: &Visit, name: &str, refused: Refused) -> Shown {
    let page = read(visit, name).await.or_page(visit)?;
    let frame = page.frame.at(&ROBOTS.page(name));
    let page = Robot {
        frame,
        refused,
        ..page
    };
    show_form(true, &page).or_page(visit)
}

/// Makes a token of a robot.
pub(crate) async fn make_token(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    let name = name_of(&name).or_page(&visit)?;
    match made(&visit, &format!("robot:{name}"), &form).await {
        Ok(token) => show_made(&visit, token, &ROBOTS.page(name.as_str())),
        Err(problem) => {
            let refused = Refused::of(&visit, form, problem)?;
            again(&visit, name.as_str(), refused).await
        }
    }
}

/// Changes a robot.
pub(crate) async fn change(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    let name = name_of(&name).or_page(&visit)?;
    let change = api::RobotChange {
        description: Some(form.text("description").trim().to_owned()),
        owner: form.given("owner").map(str::to_owned),
        disabled: Some(form.has("disabled")),
    };
    let changed = visit
        .act(Method::PATCH, ROBOTS.call(&name), Some(&change))
        .await;
    match changed {
        Ok(_) => see_other(&ROBOTS.page(name.as_str())).or_page(&visit),
        Err(problem) => {
            let refused = Refused::of(&visit, form, problem)?;
            again(&visit, name.as_str(), refused).await
        }
    }
}

/// Asks whether a robot is to go.
pub(crate) async fn ask_to_delete(visit: Visit, Path(name): Path<String>) -> Shown {
    let Robot { tokens, grants, .. } = read(&visit, &name).await.or_page(&visit)?;
    let t = visit.language();
    let page = ROBOTS.ask(&visit, &name, t.robots_delete_title(&name));
    let page = page.or_page(&visit)?;
    let page = page
        .fact(t.tokens_title(), tokens.len().to_string())
        .fact(t.grants_title(), grants.len().to_string());
    show(&page).or_page(&visit)
}

/// Deletes a robot.
pub(crate) async fn delete(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    ROBOTS.end(&visit, &name, &form).await
}
