//! Grants: who has which role where, as a table of subjects by repositories.

use crate::address::address;
use crate::form::{Form, is_of_form};
use crate::page::{Frame, OrPage as _, Shown, see_other, show, show_form};
use crate::query::Query;
use crate::screens::confirm::Confirm;
use crate::screens::place;
use crate::screens::tokens::role;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::{Method, StatusCode};
use larder_api as api;
use larder_model::{Pattern, Problem};
use std::collections::BTreeSet;

/// Grants that are looked at for one table.
const GRANTS: &str = "500";
/// A table of more columns is shown as a list.
const COLUMNS: usize = 8;

#[derive(Template)]
#[template(path = "grants.html")]
struct Grants {
    frame: Frame,
    grants: Vec<api::Grant>,
    next: Option<String>,
    subject: String,
    repository: String,
    /// Where grants are, in order: the columns.
    columns: Vec<String>,
    /// Each subject with its grants, column by column.
    rows: Vec<(String, Vec<Vec<api::Grant>>)>,
    as_list: bool,
    names: Vec<String>,
    wrong: Option<String>,
    filled: NewGrant,
}

impl Grants {
    /// The page of a subject, where whoever looks has it.
    fn page_of(&self, subject: &str) -> Option<String> {
        page_of(subject).filter(|_| self.frame.is_superuser)
    }
}

/// What was filled in.
#[derive(Default)]
struct NewGrant {
    subject: String,
    repository: String,
    package: String,
    refs: String,
    role: String,
    networks: String,
}

/// The grants of a subject, as far as whoever looks may see them.
pub(crate) async fn grants_of(visit: &Visit, subject: &str) -> Result<Vec<api::Grant>, Problem> {
    let asked = [("limit", GRANTS), ("subject", subject)];
    let list: api::List<api::Grant> = visit.get(address("/grants", &asked)).await?;
    Ok(list.items)
}

/// The table.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    let filled = NewGrant {
        subject: query.get("subject").to_owned(),
        repository: query.get("repository").to_owned(),
        ..NewGrant::default()
    };
    page(&visit, &query, None, filled).await
}

async fn page(visit: &Visit, query: &Query, wrong: Option<String>, filled: NewGrant) -> Shown {
    let (subject, repository) = (query.get("subject"), query.get("repository"));
    let asked = [
        ("limit", GRANTS),
        ("subject", subject),
        ("repository", repository),
        ("after", query.get("after")),
    ];
    let list: Result<api::List<api::Grant>, _> = visit.get(address("/grants", &asked)).await;
    let list = list.or_page(visit)?;
    let columns: BTreeSet<&str> = list.items.iter().map(|it| it.repository.as_str()).collect();
    let columns: Vec<String> = columns.into_iter().map(str::to_owned).collect();
    let frame = Frame::new(visit, visit.language().grants_title()).or_page(visit)?;
    let next = |after: String| {
        let filters = [
            ("subject", subject),
            ("repository", repository),
            ("after", &*after),
        ];
        address("/access/grants", &filters)
    };
    let is_refused = wrong.is_some();
    let page = Grants {
        frame: frame.elsewhere("larder grant list", "GET /api/v1/grants"),
        rows: table(&list.items, &columns),
        as_list: columns.len() > COLUMNS || query.get("view") == "list",
        columns,
        grants: list.items,
        next: list.next.map(next),
        subject: subject.to_owned(),
        repository: repository.to_owned(),
        names: place::names(visit).await.or_page(visit)?,
        wrong,
        filled,
    };
    show_form(is_refused, &page).or_page(visit)
}

/// Each subject with its grants, column by column.
fn table(grants: &[api::Grant], columns: &[String]) -> Vec<(String, Vec<Vec<api::Grant>>)> {
    let subjects: BTreeSet<&str> = grants.iter().map(|grant| grant.subject.as_str()).collect();
    let cell = |subject: &str, column: &str| -> Vec<api::Grant> {
        let here =
            |grant: &&api::Grant| grant.subject == subject && grant.repository.as_str() == column;
        grants.iter().filter(here).cloned().collect()
    };
    let row = |subject: &str| {
        let cells = columns.iter().map(|column| cell(subject, column));
        (subject.to_owned(), cells.collect())
    };
    subjects.into_iter().map(row).collect()
}

/// The page of a subject; `None`: it has none.
fn page_of(subject: &str) -> Option<String> {
    match subject.split_once(':')? {
        ("robot", name) => Some(format!("/access/robots/{name}")),
        ("group", name) => Some(format!("/access/groups/{name}")),
        ("user", name) => Some(format!("/access/users/{name}")),
        _ => None,
    }
}

/// Where one is asked whether a grant is to go.
pub(crate) fn delete_path(grant: &api::Grant) -> String {
    let parameters = [
        ("subject", grant.subject.as_str()),
        ("repository", grant.repository.as_str()),
    ];
    address(format!("/access/grants/{}/delete", grant.id), &parameters)
}

/// Gives one.
pub(crate) async fn make(visit: Visit, form: Form) -> Shown {
    let filled = NewGrant {
        subject: form.text("subject").trim().to_owned(),
        repository: form.text("repository").trim().to_owned(),
        package: form.text("package").trim().to_owned(),
        refs: form.text("ref").trim().to_owned(),
        role: form.text("role").to_owned(),
        networks: form.text("networks").trim().to_owned(),
    };
    let made = match wanted(&visit, &filled) {
        Ok(new) => visit.act(Method::POST, "/grants", Some(&new)).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(_) => {
            let filters = [("subject", filled.subject.as_str())];
            see_other(&address("/access/grants", &filters)).or_page(&visit)
        }
        Err(problem) if is_of_form(&problem) || problem.status() == StatusCode::NOT_FOUND => {
            let why = problem.detail.to_string();
            page(&visit, &Query::default(), Some(why), filled).await
        }
        Err(problem) => Err(problem).or_page(&visit),
    }
}

fn wanted(visit: &Visit, filled: &NewGrant) -> Result<api::NewGrant, Problem> {
    let pattern = |text: &str| {
        let wrong = |_| Problem::invalid("repository", visit.language().tokens_wrong_pattern());
        text.parse::<Pattern>().map_err(wrong)
    };
    let networks: Vec<String> = filled
        .networks
        .split([',', ' '])
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect();
    let given = |text: &str| {
        let text = Some(text).filter(|text| !text.is_empty());
        text.map(pattern).transpose()
    };
    Ok(api::NewGrant {
        subject: filled.subject.clone(),
        repository: pattern(&filled.repository)?,
        package: given(&filled.package)?,
        refs: given(&filled.refs)?,
        role: role(&filled.role),
        networks: Some(networks).filter(|networks| !networks.is_empty()),
    })
}

/// Asks whether a grant is to go.
pub(crate) async fn ask_to_delete(visit: Visit, Path(id): Path<String>, query: Query) -> Shown {
    let t = visit.language();
    let asked = [
        ("limit", GRANTS),
        ("subject", query.get("subject")),
        ("repository", query.get("repository")),
    ];
    let list: Result<api::List<api::Grant>, _> = visit.get(address("/grants", &asked)).await;
    let mut grants = list.or_page(&visit)?.items.into_iter();
    let grant = grants.find(|grant| grant.id == id);
    let grant = grant.ok_or_else(|| Problem::not_found("grant", t.grants_gone()));
    let grant = grant.or_page(&visit)?;
    let frame = Frame::new(&visit, t.grants_delete_title(&grant.subject)).or_page(&visit)?;
    let frame = frame.below(t.grants_title(), "/access/grants").elsewhere(
        format!("larder grant delete {id}"),
        format!("DELETE /api/v1/grants/{id}"),
    );
    let page = Confirm::new(
        frame,
        t.grants_delete_text(),
        format!("/access/grants/{id}/delete"),
        t.grants_delete(),
        "/access/grants",
    );
    let page = page
        .fact(t.grants_subject(), grant.subject)
        .fact(t.grants_repository(), grant.repository.to_string())
        .fact(t.grants_package(), grant.package.to_string())
        .fact(
            t.grants_ref(),
            grant
                .refs
                .map_or_else(|| "*".to_owned(), |it| it.to_string()),
        )
        .fact(t.grants_role(), grant.role.word());
    show(&page).or_page(&visit)
}

/// Takes one back.
pub(crate) async fn delete(visit: Visit, Path(id): Path<String>, _: Form) -> Shown {
    let id: u64 = id
        .parse()
        .map_err(|_| Problem::not_found("grant", visit.language().grants_gone()))
        .or_page(&visit)?;
    visit
        .delete(format!("/grants/{id}"))
        .await
        .or_page(&visit)?;
    see_other("/access/grants").or_page(&visit)
}

#[cfg(test)]
mod tests;
