//! Groups: sets of users, robots and other groups, to whom grants are given at once.

use crate::address::{address, segment};
use crate::form::Form;
use crate::language::Language;
use crate::page::{Frame, OrPage as _, Shown, see_other, show, show_form};
use crate::query::{Query, ROWS};
use crate::refused::Refused;
use crate::screens::accounts::{Accounts, name_of};
use crate::screens::grants::grants_of;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::Method;
use larder_api as api;
use larder_model::{Kind, Problem};

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
    refused: Refused,
}

/// The list.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    page(&visit, &query, Refused::default()).await
}

async fn page(visit: &Visit, query: &Query, refused: Refused) -> Shown {
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
    let page = Groups {
        frame: frame.elsewhere("larder group list", "GET /api/v1/groups"),
        groups: list.items,
        next: list.next.map(next),
        prefix: prefix.to_owned(),
        refused,
    };
    show_form(page.refused.is_any(), &page).or_page(visit)
}

/// Makes one.
pub(crate) async fn make(visit: Visit, form: Form) -> Shown {
    let text = form.text("name").trim().to_owned();
    let new = |name| api::NewGroup {
        name,
        description: form.given("description").map(str::to_owned),
    };
    match GROUPS.make(&visit, &text, new).await {
        Ok(()) => see_other(&GROUPS.page(&text)).or_page(&visit),
        Err(problem) => {
            let refused = Refused::of(&visit, form, problem)?;
            page(&visit, &Query::default(), refused).await
        }
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
    refused: Refused,
}

impl Group {
    fn path(&self) -> String {
        GROUPS.page(self.group.name.as_str())
    }

    fn members_path(&self) -> String {
        format!("{}/members", self.path())
    }

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
        refused: Refused::default(),
    })
}

/// One group with its members and grants.
pub(crate) async fn one(visit: Visit, Path(name): Path<String>) -> Shown {
    let page = read(&visit, &name).await.or_page(&visit)?;
    show(&page).or_page(&visit)
}

/// The same with a form that was refused.
async fn again(visit: &Visit, name: &str, refused: Refused) -> Shown {
    let page = read(visit, name).await.or_page(visit)?;
    let frame = page.frame.at(&GROUPS.page(name));
    let page = Group {
        frame,
        refused,
        ..page
    };
    show_form(true, &page).or_page(visit)
}

/// Describes a group.
pub(crate) async fn change(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    let name = name_of(&name).or_page(&visit)?;
    let change = api::GroupChange {
        description: Some(form.text("description").trim().to_owned()),
    };
    let changed = visit
        .act(Method::PATCH, GROUPS.call(&name), Some(&change))
        .await;
    match changed {
        Ok(_) => see_other(&GROUPS.page(name.as_str())).or_page(&visit),
        Err(problem) => {
            let refused = Refused::of(&visit, form, problem)?;
            again(&visit, name.as_str(), refused).await
        }
    }
}

/// A member that is not there is a wrong value of the form: the page itself is there.
fn of_member(problem: Problem) -> Problem {
    match problem.kind {
        Kind::NotFound if problem.about != "group" => Problem::invalid("member", problem.detail),
        _ => problem,
    }
}

/// Puts someone into a group, or takes them out.
pub(crate) async fn set_member(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    let name = name_of(&name).or_page(&visit)?;
    let member = segment(form.text("member").trim());
    let path = format!("{}/members/{member}", GROUPS.call(&name));
    let done = if form.has("remove") {
        visit.delete(path).await
    } else {
        let added = visit.act(Method::PUT, path, None::<&()>).await;
        added.map(|_| ()).map_err(of_member)
    };
    match done {
        Ok(()) => see_other(&GROUPS.page(name.as_str())).or_page(&visit),
        Err(problem) => {
            let refused = Refused::of(&visit, form, problem)?;
            again(&visit, name.as_str(), refused).await
        }
    }
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
