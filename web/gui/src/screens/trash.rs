//! The trash: what was deleted and can be restored, over all repositories.

use crate::address::{address, segment};
use crate::form::Form;
use crate::format;
use crate::language::Language;
use crate::page::{Frame, OrPage as _, Shown, see_other, show};
use crate::query::{Query, ROWS};
use crate::screens::cleanup::Tab;
use crate::screens::place;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::Method;
use larder_api as api;
use larder_model::{Kind, Problem};

#[derive(Template)]
#[template(path = "trash.html")]
struct Trash {
    frame: Frame,
    repository: String,
    /// The repositories that one can choose.
    repositories: Vec<String>,
    entries: Vec<api::TrashEntry>,
    next: Option<String>,
    /// Whether repositories have more than is shown.
    has_more: bool,
    /// What was just put back.
    restored: String,
}

impl Trash {
    fn tabs(&self) -> Vec<Tab> {
        Tab::seen(self.frame.is_superuser).collect()
    }

    fn is_here(&self, tab: &Tab) -> bool {
        *tab == Tab::Trash
    }

    fn next_path(&self, after: &str) -> String {
        let parameters = [("repository", &*self.repository), ("after", after)];
        address("/cleanup/trash", &parameters)
    }

    fn is_chosen(&self, repository: &str) -> bool {
        self.repository == *repository
    }
}

/// What an entry is, in words.
pub(crate) fn thing(entry: &api::TrashEntry) -> String {
    let package = &entry.package;
    match (&entry.version, &entry.digest) {
        (Some(version), _) => format!("{package} {version}"),
        (None, Some(digest)) => format!("{package} {}", format::digest(digest)),
        (None, None) => package.clone(),
    }
}

/// What kind of thing it is, in words.
pub(crate) const fn kind(t: Language, what: api::TrashKind) -> &'static str {
    match what {
        api::TrashKind::Package => t.cleanup_kind_package(),
        api::TrashKind::Version => t.cleanup_kind_version(),
        api::TrashKind::Tag => t.cleanup_kind_tag(),
        api::TrashKind::Manifest => t.cleanup_kind_manifest(),
    }
}

/// The trash of one repository, or the newest of all.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    let (repository, after) = (query.get("repository"), query.get("after"));
    let repositories = repositories(&visit).await.or_page(&visit)?;
    let (mut entries, mut next, mut has_more) = (Vec::new(), None, false);
    if repository.is_empty() {
        for repository in &repositories {
            let page = page(&visit, repository, "").await.or_page(&visit)?;
            has_more |= page.next.is_some();
            entries.extend(page.items);
        }
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.deleted_at));
        has_more |= entries.len() > ROWS;
        entries.truncate(ROWS);
    } else {
        let page = page(&visit, repository, after).await.or_page(&visit)?;
        (entries, next) = (page.items, page.next);
    }
    let t = visit.language();
    let frame = Frame::new(&visit, t.cleanup_trash()).or_page(&visit)?;
    let page = Trash {
        frame: frame.elsewhere(
            "larder trash list oci/team",
            "GET /api/v1/repositories/{protocol}/{name}/trash",
        ),
        repository: repository.to_owned(),
        repositories,
        entries,
        next,
        has_more,
        restored: query.get("restored").to_owned(),
    };
    show(&page).or_page(&visit)
}

/// The repositories whose trash is for whoever looks.
async fn repositories(visit: &Visit) -> Result<Vec<String>, Problem> {
    let mut found = Vec::new();
    for repo in place::repositories(visit).await? {
        let path = place::path_of(&repo).to_string();
        let is_hosted = repo.kind == api::RepoKind::Hosted;
        if is_hosted && visit.may(&path, "delete").await? {
            found.push(path);
        }
    }
    Ok(found)
}

/// A page of the trash of a repository.
async fn page(
    visit: &Visit,
    repository: &str,
    after: &str,
) -> Result<api::List<api::TrashEntry>, Problem> {
    let limit = ROWS.to_string();
    let path = format!("/repositories/{}/trash", path_of(repository)?);
    visit
        .get(address(&path, &[("limit", &limit), ("after", after)]))
        .await
}

/// A repository as a path has it.
fn path_of(repository: &str) -> Result<String, Problem> {
    let wrong = || Problem::not_found("repository", format!("there is no repository {repository}"));
    let (protocol, name) = repository.split_once('/').ok_or_else(wrong)?;
    Ok(format!("{}/{}", segment(protocol), segment(name)))
}

/// Protocol and name of the repository, and the entry's id.
type Place = (String, String, String);

fn entry_path((protocol, name, id): &Place) -> String {
    let (protocol, name, id) = (segment(protocol), segment(name), segment(id));
    format!("/repositories/{protocol}/{name}/trash/{id}")
}

/// Puts something back.
pub(crate) async fn restore(visit: Visit, Path(place): Path<Place>, _: Form) -> Shown {
    let path = format!("{}/restore", entry_path(&place));
    let restored = visit.send(Method::POST, path, &serde_json::json!({})).await;
    let restored: api::TrashEntry = restored.or_page(&visit)?;
    let thing = thing(&restored);
    see_other(&address("/cleanup/trash", &[("restored", &thing)])).or_page(&visit)
}

#[derive(Template)]
#[template(path = "trash_delete.html")]
struct Ask {
    frame: Frame,
    entry: api::TrashEntry,
    path: String,
}

/// Asks whether something is to go for good.
pub(crate) async fn ask(visit: Visit, Path(place): Path<Place>) -> Shown {
    let entry = find(&visit, &place).await.or_page(&visit)?;
    let t = visit.language();
    let frame = Frame::new(&visit, t.cleanup_delete_for_good_one(thing(&entry))).or_page(&visit)?;
    let path = format!("{}/{}", entry.repository, segment(&entry.id));
    let page = Ask {
        frame: frame.below(t.cleanup_trash(), "/cleanup/trash").elsewhere(
            format!("larder trash delete {} {}", entry.repository, entry.id),
            format!("DELETE /api/v1{}", entry_path(&place)),
        ),
        entry,
        path,
    };
    show(&page).or_page(&visit)
}

/// An entry of the trash.
async fn find(visit: &Visit, (protocol, name, id): &Place) -> Result<api::TrashEntry, Problem> {
    let path = format!(
        "/repositories/{}/{}/trash",
        segment(protocol),
        segment(name)
    );
    let mut after = String::new();
    loop {
        let asked = address(&path, &[("limit", "1000"), ("after", &after)]);
        let list: api::List<api::TrashEntry> = visit.get(asked).await?;
        let found = list.items.into_iter().find(|entry| entry.id == *id);
        match (found, list.next) {
            (Some(entry), _) => return Ok(entry),
            (None, Some(next)) => after = next,
            (None, None) => {
                let detail =
                    "it is not in the trash any more: it was restored, or is gone for good";
                return Err(Problem::new(Kind::NotFound, "trash", detail));
            }
        }
    }
}

/// Deletes something for good.
pub(crate) async fn delete(visit: Visit, Path(place): Path<Place>, _: Form) -> Shown {
    let gone = visit
        .act(Method::DELETE, entry_path(&place), None::<&()>)
        .await;
    gone.or_page(&visit)?;
    see_other("/cleanup/trash").or_page(&visit)
}
