//! Groups: sets of users, robots and other groups, to whom grants are given at once.

use crate::address::{address, segment};
use crate::form::{Form, is_of_form};
use crate::language::Language;
use crate::page::{Frame, OrPage as _, Shown, see_other, show, show_form};
use crate::query::{Query, ROWS};
use crate::screens::accounts::{Accounts, name_of};
use crate::screens::grants::grants_of;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::Method;
use larder_api as api;
use larder_model::Problem;

/// What users, groups and robots have in common, of groups.
const GROUPS: Accounts = Accounts {
    noun: "group",
    title: Language::groups_title,
    delete_text: Language::groups_delete_text,
    delete: Language::groups_delete,
};

#[derive(Template)]
#[template(path = "groups.html")]
struct Groups {
    frame: Frame,
    groups: Vec<api::Group>,
    next: Option<String>,
    prefix: String,
    /// Why the new group was not made, and its name.
    wrong: Option<(String, String)>,
}

/// The list.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    page(&visit, &query, None).await
}

async fn page(visit: &Visit, query: &Query, wrong: Option<(String, String)>) -> Shown {
    let (limit, prefix) = (ROWS.to_string(), query.get("prefix"));
    let asked = [
        ("limit", &*limit),
        ("prefix", prefix),
        ("after", query.get("after")),
    ];
    let list: Result<api::List<api::Group>, _> = visit.get(address("/groups", &asked)).await;
    let list = list.or_page(visit)?;
    let frame = Frame::new(visit, visit.language().groups_title()).or_page(visit)?;
    let next = |after: String| address("/access/groups", &[("prefix", prefix), ("after", &after)]);
    let is_refused = wrong.is_some();
    let page = Groups {
        frame: frame.elsewhere("larder group list", "GET /api/v1/groups"),
        groups: list.items,
        next: list.next.map(next),
        prefix: prefix.to_owned(),
        wrong,
    };
    show_form(is_refused, &page).or_page(visit)
}

/// Makes one.
pub(crate) async fn make(visit: Visit, form: Form) -> Shown {
    let text = form.text("name").trim().to_owned();
    let new = |name| api::NewGroup {
        name,
        description: form.given("description").map(str::to_owned),
    };
    let made = GROUPS.make(&visit, &text, new).await;
    match made {
        Ok(()) => see_other(&GROUPS.page(&text)).or_page(&visit),
        Err(problem) if is_of_form(&problem) => {
            let why = problem.detail.to_string();
            page(&visit, &Query::default(), Some((why, text))).await
        }
        Err(problem) => Err(problem).or_page(&visit),
    }
}

#[derive(Template)]
#[template(path = "group.html")]
struct Group {
    frame: Frame,
    group: api::Group,
    members: Vec<api::GroupMember>,
    subject: String,
    grants: Vec<api::Grant>,
}

impl Group {
    /// The page of a member.
    fn page_of(member: &str) -> String {
        match member.split_once(':') {
            Some(("robot", name)) => format!("/access/robots/{name}"),
            Some(("group", name)) => format!("/access/groups/{name}"),
            Some((_, name)) => format!("/access/users/{name}"),
            None => "/access/users".to_owned(),
        }
    }
}

async fn read(visit: &Visit, name: &str) -> Result<Group, Problem> {
    let group: api::Group = visit.get(format!("/groups/{}", name_of(name)?)).await?;
    let members: api::List<api::GroupMember> = visit
        .get(format!("/groups/{name}/members?limit=1000"))
        .await?;
    let subject = format!("group:{name}");
    let t = visit.language();
    let frame = Frame::new(visit, name)?.below(t.groups_title(), "/access/groups");
    Ok(Group {
        frame: frame.elsewhere(
            format!("larder group members {name}"),
            format!("GET /api/v1/groups/{name}/members"),
        ),
        group,
        members: members.items,
        grants: grants_of(visit, &subject).await?,
        subject,
    })
}

/// One group with its members and grants.
pub(crate) async fn one(visit: Visit, Path(name): Path<String>) -> Shown {
    let page = read(&visit, &name).await.or_page(&visit)?;
    show(&page).or_page(&visit)
}

/// Describes a group.
pub(crate) async fn change(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    let name = name_of(&name).or_page(&visit)?;
    let change = api::GroupChange {
        description: Some(form.text("description").trim().to_owned()),
    };
    let path = format!("/groups/{name}");
    let changed = visit.act(Method::PATCH, path, Some(&change)).await;
    changed.or_page(&visit)?;
    see_other(&format!("/access/groups/{name}")).or_page(&visit)
}

/// Puts someone into a group, or takes them out.
pub(crate) async fn set_member(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    let name = name_of(&name).or_page(&visit)?;
    let member = segment(form.text("member").trim());
    let method = if form.has("remove") {
        Method::DELETE
    } else {
        Method::PUT
    };
    let path = format!("/groups/{name}/members/{member}");
    let done = visit.call(method, path, bytes::Bytes::new()).await;
    done.or_page(&visit)?;
    see_other(&format!("/access/groups/{name}")).or_page(&visit)
}

/// Asks whether a group is to go.
pub(crate) async fn ask_to_delete(visit: Visit, Path(name): Path<String>) -> Shown {
    let Group {
        members, grants, ..
    } = read(&visit, &name).await.or_page(&visit)?;
    let t = visit.language();
    let page = GROUPS.ask(&visit, &name, t.groups_delete_title(&name));
    let page = page.or_page(&visit)?;
    let page = page
        .fact(t.groups_members(), members.len().to_string())
        .fact(t.grants_title(), grants.len().to_string());
    show(&page).or_page(&visit)
}

/// Deletes a group.
pub(crate) async fn delete(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    GROUPS.end(&visit, &name, &form).await
}
