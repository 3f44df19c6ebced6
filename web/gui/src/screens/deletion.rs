//! Deleting versions, tags or all of a package: what goes is listed before, and can be put back
//! after, as long as the trash keeps it.

use crate::address::address;
use crate::form::Form;
use crate::page::{Frame, OrPage as _, Shown, see_other, show};
use crate::query::Query;
use crate::screens::place::{self, PackagePath, repo_call, repo_page};
use crate::visit::Visit;
use askama::Template;
use http::Method;
use larder_api as api;
use larder_model::{Problem, RepoPath};

/// Versions that are deleted at once: as many as a page lists.
const MOST: usize = 50;
/// What says that a package is meant as a whole: that no version is named does not say so.
const ALL: &str = "all";
/// Entries of the trash among which those are sought that were just made.
const NEWEST: &str = "200";

/// What was deleted, and can be put back.
pub(crate) struct Undo {
    pub(crate) ids: Vec<String>,
    /// How many things were deleted.
    pub(crate) count: u64,
    /// Where it is put back.
    pub(crate) action: String,
}

impl Undo {
    /// What the address of the page says on which one comes out after deleting.
    pub(crate) fn of(query: &Query, page: &str) -> Option<Self> {
        let count = query.get("deleted").parse().ok()?;
        let ids = query.all("undo").into_iter();
        let ids = ids.filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
        Some(Self {
            ids: ids.map(str::to_owned).collect(),
            count,
            action: format!("{page}/-/restore"),
        })
    }
}

/// A version that is to go; `details` are missing where it is gone already.
struct Item {
    version: String,
    details: Option<api::VersionDetails>,
    failure: Option<String>,
}

#[derive(Template)]
#[template(path = "deletion.html")]
struct Deleting {
    frame: Frame,
    path: PackagePath,
    items: Vec<Item>,
    /// Whether it is only forgotten, and can be fetched again.
    is_mirror: bool,
    may_delete: bool,
    /// How many versions a package has that goes as a whole, and whether it has more.
    whole: Option<(u64, bool)>,
    /// Whether this tells what came of it.
    is_done: bool,
}

impl Deleting {
    fn count(&self) -> u64 {
        self.items.len() as u64
    }
}

async fn details_of(visit: &Visit, path: &PackagePath, versions: &[&str]) -> Vec<Item> {
    let mut items = Vec::new();
    for version in versions.iter().take(MOST) {
        let details = visit.get(path.version_call(version)).await.ok();
        items.push(Item {
            version: (*version).to_owned(),
            details,
            failure: None,
        });
    }
    items
}

fn frame(visit: &Visit, path: &PackagePath, versions: &[&str]) -> Result<Frame, Problem> {
    let t = visit.language();
    let title = match versions {
        [] => t.deletion_all_of(&path.name),
        [version] => t.deletion_one_of(&path.name, version),
        versions if path.is_image() => t.deletion_tags_of(versions.len() as u64, &path.name),
        versions => t.deletion_some_of(versions.len() as u64, &path.name),
    };
    let call = match versions {
        [] => format!("DELETE /api/v1{}", path.call()),
        [version] => format!("DELETE /api/v1{}", path.version_call(version)),
        _ => format!("POST /api/v1{}/deletions", path.repo_call()),
    };
    let section = if path.is_image() {
        t.catalog_images()
    } else {
        t.catalog_packages()
    };
    let root = if path.is_image() {
        "/images"
    } else {
        "/packages"
    };
    let command = format!("{} {}", path.command("delete"), versions.join(" "));
    Ok(Frame::new(visit, title)?
        .below(section, root)
        .below(path.repo.name.as_str(), repo_page(&path.repo))
        .below(&*path.name, path.page())
        .elsewhere(command.trim_end(), call))
}

/// The page that asks before.
pub(crate) async fn ask(visit: &Visit, path: PackagePath, query: &Query) -> Shown {
    let versions: Vec<_> = query.all("version").into_iter().take(MOST).collect();
    if versions.is_empty() && query.get(ALL).is_empty() {
        // Nothing was selected, and all of it was not asked for.
        return see_other(&path.page()).or_page(visit);
    }
    let repository = place::repository(visit, &path.repo).await;
    let repository = repository.or_page(visit)?;
    let whole = match versions.as_slice() {
        [] => {
            let list = visit
                .get(format!("{}/versions?limit=1000", path.call()))
                .await;
            let list: api::List<api::Version> = list.or_page(visit)?;
            Some((list.items.len() as u64, list.next.is_some()))
        }
        _ => None,
    };
    let page = Deleting {
        frame: frame(visit, &path, &versions).or_page(visit)?,
        items: details_of(visit, &path, &versions).await,
        is_mirror: repository.kind == api::RepoKind::Mirror,
        may_delete: path.may(visit, "delete").await.or_page(visit)?,
        path,
        whole,
        is_done: false,
    };
    show(&page).or_page(visit)
}

/// Deletes, and goes to where it can be undone; where something stayed, tells what and why.
pub(crate) async fn delete(visit: &Visit, path: PackagePath, form: &Form) -> Shown {
    let versions: Vec<&str> = form.all("version").iter().map(String::as_str).collect();
    let versions = &versions[..versions.len().min(MOST)];
    if versions.is_empty() && !form.has(ALL) {
        return see_other(&path.page()).or_page(visit);
    }
    let one = |version: Option<&str>| api::Deletion {
        package: path.name.clone(),
        version: version.map(str::to_owned),
    };
    let items: Vec<_> = match versions {
        [] => vec![one(None)],
        versions => versions.iter().map(|version| one(Some(version))).collect(),
    };
    let call = format!("{}/deletions", path.repo_call());
    let asked = visit
        .send(Method::POST, call, &api::NewDeletions { items })
        .await;
    let done: api::Deletions = asked.or_page(visit)?;
    if done.failed > 0 {
        let items = done.items.into_iter().map(|outcome| Item {
            version: outcome.version.unwrap_or(outcome.package),
            details: None,
            failure: outcome.detail,
        });
        let page = Deleting {
            frame: frame(visit, &path, versions).or_page(visit)?,
            items: items.collect(),
            path,
            is_mirror: false,
            may_delete: true,
            whole: None,
            is_done: true,
        };
        return show(&page).or_page(visit);
    }
    let page = if versions.is_empty() {
        repo_page(&path.repo)
    } else {
        path.page()
    };
    let deleted = done.deleted.to_string();
    let ids = trashed(visit, &path, versions).await;
    let mut parameters = vec![("deleted", &*deleted)];
    parameters.extend(ids.iter().map(|id| ("undo", &**id)));
    // An image without its last tag may be gone as a whole: the page of the repository is there.
    let is_there = versions.is_empty()
        || visit
            .call(
                Method::GET,
                format!("{}/versions?limit=1", path.call()),
                bytes::Bytes::new(),
            )
            .await
            .is_ok();
    let page = if is_there {
        page
    } else {
        repo_page(&path.repo)
    };
    see_other(&address(&page, &parameters)).or_page(visit)
}

/// The entries of the trash in which now is what was just deleted. Who may not look there has none.
async fn trashed(visit: &Visit, path: &PackagePath, versions: &[&str]) -> Vec<String> {
    let call = format!("{}/trash?limit={NEWEST}", path.repo_call());
    let list: Result<api::List<api::TrashEntry>, _> = visit.get(call).await;
    let entries = list.map(|list| list.items).unwrap_or_default();
    let of_package = |entry: &&api::TrashEntry| entry.package == path.name;
    let mut entries = entries.iter().filter(of_package);
    if versions.is_empty() {
        return entries
            .next()
            .map(|entry| entry.id.clone())
            .into_iter()
            .collect();
    }
    let newest = |version: &&str| {
        let is_it = |entry: &&api::TrashEntry| {
            let tells = [entry.version.as_deref(), entry.digest.as_deref()];
            tells.contains(&Some(*version))
        };
        entries.clone().find(is_it).map(|entry| entry.id.clone())
    };
    let mut ids: Vec<_> = versions.iter().filter_map(newest).collect();
    ids.dedup();
    ids
}

/// Puts back what was deleted, and goes to that page.
pub(crate) async fn restore(visit: &Visit, repo: &RepoPath, form: &Form, page: &str) -> Shown {
    for id in form.all("id") {
        let id: u64 = id
            .parse()
            .map_err(|_| Problem::invalid("id", "it is not an entry of the trash"))
            .or_page(visit)?;
        let call = format!("{}/trash/{id}/restore", repo_call(repo));
        let restored = visit.call(Method::POST, call, bytes::Bytes::new()).await;
        restored.or_page(visit)?;
    }
    see_other(page).or_page(visit)
}
