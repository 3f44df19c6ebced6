//! A package with its versions, or an image with its tags; and a version of a package.

use crate::address::{Query, ROWS, with_query};
use crate::form::Form;
use crate::page::{Frame, OrPage as _, Shown, see_other, show};
use crate::screens::deletion::Undo;
use crate::screens::lines::{self, Line, Yanks};
use crate::screens::place::{PackagePath, path_of, repo_page, repositories};
use crate::visit::Visit;
use askama::Template;
use http::Method;
use larder_api::{self as api, RepoKind, Yanked};
use larder_model::{Problem, RepoPath};
use std::collections::BTreeSet;

/// Versions that are put in order by when they came; of more the order is that of their names.
const SORTED: usize = 1000;

/// That a package is not served, and why.
pub(crate) struct Blocked {
    pub(crate) repo: RepoPath,
    pub(crate) reason: Option<String>,
}

/// What is around a package, its versions and its images: their repository, and what one may do.
pub(crate) struct Around {
    pub(crate) repository: api::Repository,
    /// From where it is installed: a group of the repository, or itself; `None`: it is blocked.
    pub(crate) address: Option<RepoPath>,
    pub(crate) blocked: Vec<Blocked>,
    /// Whether whoever looks may delete of it.
    pub(crate) may_delete: bool,
}

impl Around {
    /// Asks for it.
    pub(crate) async fn of(visit: &Visit, path: &PackagePath) -> Result<Self, Problem> {
        let all = repositories(visit).await?;
        let gives = |repo: &&api::Repository| {
            let members = repo.members.iter().flatten();
            repo.protocol == path.repo.protocol
                && members.into_iter().any(|member| *member == path.repo.name)
        };
        let is_own = |repo: &&api::Repository| path_of(repo) == path.repo;
        let is_blocked = |repo: &&api::Repository| blocked_in(repo, &path.name).is_some();
        // Clients are best told the address of a group: it is the one for all that they install.
        let serving = || all.iter().filter(|repo| is_own(repo) || gives(repo));
        let mut addresses: Vec<_> = serving().filter(|repo| !is_blocked(repo)).collect();
        addresses.sort_by_key(|repo| is_own(repo) != path.is_image());
        let address = addresses.first().map(|repo| path_of(repo));
        let blocked = serving().filter_map(|repo| blocked_in(repo, &path.name));
        let blocked = blocked.collect();
        let repository = all.iter().find(is_own).cloned();
        let missing = || Problem::not_found("repository", "there is no such repository");
        let repository = repository.ok_or_else(missing)?;
        // A group has nothing of its own that could be deleted.
        let may_delete = repository.kind != RepoKind::Group && path.may(visit, "delete").await?;
        Ok(Self {
            repository,
            address,
            blocked,
            may_delete,
        })
    }

    /// How an image of it is pulled; not at all where it is blocked.
    pub(crate) fn pulls(&self, frame: &Frame, path: &PackagePath, reference: &str) -> Vec<Line> {
        let repo = self.address.as_ref();
        repo.map(|repo| lines::pulls(&frame.base, repo, &path.name, reference))
            .unwrap_or_default()
    }

    /// How it is installed; not at all where it is blocked.
    fn installs(&self, frame: &Frame, package: (&str, bool), version: &str) -> Vec<Line> {
        let repo = self.address.as_ref();
        repo.map(|repo| lines::installs(&frame.base, repo, package, version))
            .unwrap_or_default()
    }

    /// Whether it has nothing of its own.
    pub(crate) fn is_group(&self) -> bool {
        self.repository.kind == RepoKind::Group
    }

    /// Whether clients need a login to read it.
    pub(crate) fn needs_login(&self) -> bool {
        self.repository.readable_by == api::Readers::Granted
    }
}

fn blocked_in(repo: &api::Repository, name: &str) -> Option<Blocked> {
    let mut blocks = repo.blocked.iter().flatten();
    let block = blocks.find(|block| block.package.matches(name))?;
    Some(Blocked {
        repo: path_of(repo),
        reason: block.reason.clone(),
    })
}

/// The frame of a page below a package.
pub(crate) fn frame(visit: &Visit, path: &PackagePath, title: &str) -> Result<Frame, Problem> {
    let t = visit.language();
    let frame = Frame::new(visit, title)?;
    let frame = if path.is_image() {
        frame.below(t.catalog_images(), "/images")
    } else {
        frame.below(t.catalog_packages(), "/packages").below(
            path.repo.protocol.0,
            format!("/packages/{}", path.repo.protocol),
        )
    };
    Ok(frame.below(path.repo.name.as_str(), repo_page(&path.repo)))
}

#[derive(Template)]
#[template(path = "package.html")]
struct Package {
    frame: Frame,
    path: PackagePath,
    around: Around,
    versions: Vec<api::Version>,
    /// Those of them that are yanked.
    yanked: BTreeSet<String>,
    /// How many there are; `None`: more than are counted.
    count: Option<u64>,
    sought: String,
    by_name: bool,
    next: Option<String>,
    lines: Vec<Line>,
    setup: Vec<api::ConnectPart>,
    undo: Option<Undo>,
    /// A digest that was asked for and is no manifest.
    layer: Option<String>,
}

impl Package {
    fn with(&self, sort: &str, after: &str) -> String {
        let parameters = [("q", &*self.sought), ("sort", sort), ("after", after)];
        with_query(&self.path.page(), &parameters)
    }

    fn downloads(&self) -> &'static str {
        if self.path.is_image() {
            self.frame.language.package_pulls()
        } else {
            self.frame.language.package_downloads()
        }
    }

    fn sort(&self) -> &'static str {
        if self.by_name { "name" } else { "" }
    }
}

/// What makes a client use a repository.
async fn setup_of(visit: &Visit, repo: Option<&RepoPath>) -> Vec<api::ConnectPart> {
    let known = repo.and_then(|repo| Some((repo, lines::client(repo.protocol)?)));
    let Some((repo, client)) = known else {
        return Vec::new();
    };
    let path = format!("/connect/{client}/{}/{}", repo.protocol, repo.name);
    let list: Result<api::List<api::ConnectPart>, _> = visit.get(path).await;
    list.map(|list| list.items).unwrap_or_default()
}

/// A package with its versions, or an image with its tags.
pub(crate) async fn show_package(visit: &Visit, path: PackagePath, query: &Query) -> Shown {
    let page = package(visit, path, query).await.or_page(visit)?;
    show(&page).or_page(visit)
}

async fn package(visit: &Visit, path: PackagePath, query: &Query) -> Result<Package, Problem> {
    let (sought, after) = (query.get("q"), query.get("after"));
    let by_name = query.get("sort") == "name";
    let limit = SORTED.to_string();
    let call = format!("{}/versions", path.call());
    let first = with_query(&call, &[("q", sought), ("limit", &limit)]);
    let list: api::List<api::Version> = visit.get(first).await?;
    let around = Around::of(visit, &path).await?;
    let is_whole = list.next.is_none();
    let count = is_whole.then_some(list.items.len() as u64);
    let newest = newest(&list.items).map(|newest| newest.version.clone());
    let (versions, next) = if is_whole {
        page_of(list.items, by_name, after)
    } else {
        let limit = ROWS.to_string();
        let parameters = [("q", sought), ("limit", &*limit), ("after", after)];
        let part: api::List<api::Version> = visit.get(with_query(&call, &parameters)).await?;
        (part.items, part.next)
    };
    let title = if path.is_image() {
        format!("{}/{}", path.repo.name, path.name)
    } else {
        path.name.clone()
    };
    let frame =
        frame(visit, &path, &title)?.elsewhere(path.command("show"), format!("GET /api/v1{call}"));
    let hosted = versions.first().is_some_and(|version| version.hosted);
    let lines = match (&newest, path.is_image()) {
        (Some(tag), true) => around.pulls(&frame, &path, tag),
        (None, true) => Vec::new(),
        (_, false) => around.installs(&frame, (&path.name, hosted), ""),
    };
    Ok(Package {
        setup: setup_of(visit, around.address.as_ref()).await,
        undo: Undo::of(query, &path.page()),
        yanked: yanked_of(visit, &path, &versions).await,
        layer: Some(query.get("layer").to_owned()).filter(|digest| !digest.is_empty()),
        frame,
        path,
        around,
        versions,
        count,
        sought: sought.to_owned(),
        by_name: by_name || !is_whole,
        next,
        lines,
    })
}

/// Those versions that are yanked, of a protocol that knows this.
async fn yanked_of(
    visit: &Visit,
    path: &PackagePath,
    versions: &[api::Version],
) -> BTreeSet<String> {
    let mut yanked = BTreeSet::new();
    if lines::yanks(path.repo.protocol) == Yanks::Never {
        return yanked;
    }
    for version in versions.iter().filter(|version| version.hosted) {
        let details = visit.get(path.version_call(&version.version)).await;
        if details.is_ok_and(|details: api::VersionDetails| details.yanked != Yanked::No) {
            yanked.insert(version.version.clone());
        }
    }
    yanked
}

/// The version that came last.
fn newest(versions: &[api::Version]) -> Option<&api::Version> {
    versions.iter().max_by_key(|version| version.created_at)
}

/// A page of all versions: the newest first, or by name.
fn page_of(
    mut all: Vec<api::Version>,
    by_name: bool,
    after: &str,
) -> (Vec<api::Version>, Option<String>) {
    if !by_name {
        // What came at one moment stays in one order.
        all.sort_by(|one, other| {
            let newer = other.created_at.cmp(&one.created_at);
            newer.then_with(|| other.version.cmp(&one.version))
        });
    }
    let start = all.iter().position(|version| version.version == after);
    let mut rest = all.split_off(start.map_or(0, |start| start + 1));
    let more = rest.len() > ROWS;
    rest.truncate(ROWS);
    let next = rest
        .last()
        .filter(|_| more)
        .map(|last| last.version.clone());
    (rest, next)
}

#[derive(Template)]
#[template(path = "version.html")]
struct VersionPage {
    frame: Frame,
    path: PackagePath,
    around: Around,
    version: api::VersionDetails,
    lines: Vec<Line>,
    setup: Vec<api::ConnectPart>,
    yanks: Yanks,
    may_yank: bool,
}

impl VersionPage {
    fn is_yanked(&self) -> bool {
        self.version.yanked != Yanked::No
    }

    fn reason(&self) -> Option<&str> {
        match &self.version.yanked {
            Yanked::Because(reason) => Some(reason),
            Yanked::No | Yanked::Yes => None,
        }
    }

    fn can_be_yanked(&self) -> bool {
        self.yanks != Yanks::Never && self.version.hosted && !self.around.is_group()
    }

    fn takes_reason(&self) -> bool {
        self.yanks == Yanks::WithReason
    }

    fn delete_path(&self) -> String {
        with_query(
            &self.path.below("delete"),
            &[("version", &self.version.version)],
        )
    }
}

/// A version of a package.
pub(crate) async fn show_version(visit: &Visit, path: PackagePath, version: &str) -> Shown {
    let page = version_of(visit, path, version).await.or_page(visit)?;
    show(&page).or_page(visit)
}

async fn version_of(visit: &Visit, path: PackagePath, name: &str) -> Result<VersionPage, Problem> {
    let version: api::VersionDetails = visit.get(path.version_call(name)).await?;
    let around = Around::of(visit, &path).await?;
    let title = format!("{} {}", path.name, version.version);
    let frame = frame(visit, &path, &title)?
        .below(&*path.name, path.page())
        .elsewhere(
            format!("{} {name}", path.command("show")),
            format!("GET /api/v1{}", path.version_call(name)),
        );
    let package = (&*path.name, version.hosted);
    Ok(VersionPage {
        lines: around.installs(&frame, package, &version.version),
        setup: setup_of(visit, around.address.as_ref()).await,
        yanks: lines::yanks(path.repo.protocol),
        may_yank: path.may(visit, "write").await?,
        frame,
        path,
        around,
        version,
    })
}

/// Yanks a version, or undoes that.
pub(crate) async fn yank(visit: &Visit, path: PackagePath, version: &str, form: &Form) -> Shown {
    let yanked = match (form.has("yanked"), form.given("reason")) {
        (false, _) => Yanked::No,
        (true, None) => Yanked::Yes,
        (true, Some(reason)) => Yanked::Because(reason.to_owned()),
    };
    let change = api::VersionChange { yanked };
    let call = path.version_call(version);
    let changed = visit.act(Method::PATCH, call, Some(&change)).await;
    changed.or_page(visit)?;
    see_other(&path.version_page(version)).or_page(visit)
}

#[cfg(test)]
mod tests;
