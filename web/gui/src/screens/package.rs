//! A package with its versions, or an image with its tags; and a version of a package.

use crate::address::address;
use crate::form::Form;
use crate::page::{Frame, OrPage as _, Shown, see_other, show};
use crate::query::{Query, ROWS};
use crate::screens::about::{Described, Tab};
use crate::screens::deletion::Undo;
use crate::screens::lines::{self, Line, Yanks};
use crate::screens::place::{PackagePath, path_of, repo_page, repositories};
use crate::visit::Visit;
use askama::Template;
use http::Method;
use larder_api::{self as api, RepoKind, Yanked};
use larder_model::{Kind, Problem, RepoPath};

/// Refs that are shown.
const REFS: usize = 500;
/// Versions that are put in order by when they came; of more the order is that of their names.
const SORTED: usize = 1000;
/// The tag of the version that clients install by default.
const LATEST: &str = "latest";

/// What is around a package, its versions and its images: their repository, and what one may do.
pub(crate) struct Around {
    pub(crate) repository: api::Repository,
    /// From where it is installed: a group of the repository, or itself; `None`: it is blocked.
    pub(crate) address: Option<RepoPath>,
    pub(crate) blocked: Vec<api::PackageBlock>,
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
        // Clients are best told the address of a group: it is the one for all that they install.
        let serving = all.iter().filter(|repo| is_own(repo) || gives(repo));
        let (mut addresses, mut blocked) = (Vec::new(), Vec::<api::PackageBlock>::new());
        for repo in serving {
            let blocks = blocks_in(visit, path, &path_of(repo)).await?;
            if blocks.is_empty() {
                addresses.push(repo);
            }
            for block in blocks {
                if !blocked.contains(&block) {
                    blocked.push(block);
                }
            }
        }
        addresses.sort_by_key(|repo| is_own(repo) != path.is_image());
        let address = addresses.first().map(|repo| path_of(repo));
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

    /// The sentence by which clients are refused.
    pub(crate) fn refusal(&self, name: &str, block: &api::PackageBlock) -> String {
        let sentence = format!("{name} is blocked in {}", block.repository);
        match &block.reason {
            Some(reason) => format!("{sentence}: {reason}"),
            None => format!("{sentence} by those who look after it"),
        }
    }

    /// Whether clients need a login to read it.
    pub(crate) fn needs_login(&self) -> bool {
        self.repository.readable_by == api::Readers::Granted
    }
}

/// The rules by which a repository refuses a package, its own and those of its members.
async fn blocks_in(
    visit: &Visit,
    path: &PackagePath,
    repo: &RepoPath,
) -> Result<Vec<api::PackageBlock>, Problem> {
    let call = PackagePath::new(repo, &path.name).call();
    match visit.get::<api::PackageDetails>(call).await {
        Ok(details) => Ok(details.blocked),
        // A group does not give what a member publishes that one may not read.
        Err(problem) if problem.kind == Kind::NotFound => Ok(Vec::new()),
        Err(problem) => Err(problem),
    }
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
    /// What the version that is installed by default is.
    described: Option<Described>,
    versions: Vec<api::Version>,
    /// How many there are; `None`: more than are counted.
    count: Option<u64>,
    sought: String,
    by_name: bool,
    next: Option<String>,
    lines: Vec<Line>,
    setup: Vec<api::ConnectPart>,
    undo: Option<Undo>,
    /// Of a package without versions: the names that it has instead, and how many are not shown.
    refs: Vec<(String, String)>,
    more_refs: u64,
    /// A digest that was asked for and is no manifest.
    layer: Option<String>,
}

impl Package {
    fn with(&self, sort: &str, after: &str) -> String {
        let parameters = [("q", &*self.sought), ("sort", sort), ("after", after)];
        address(self.path.page(), &parameters)
    }

    /// Whether the page shows the versions.
    fn shows_main(&self) -> bool {
        self.described.as_ref().is_none_or(Described::is_main)
    }

    /// Whether something is known of the version that is installed by default.
    fn has_facts(&self) -> bool {
        self.described.as_ref().is_some_and(Described::has_facts)
    }

    fn downloads(&self) -> &'static str {
        self.path.downloads(self.frame.language)
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
    let first = address(&call, &[("q", sought), ("limit", &limit)]);
    let list: api::List<api::Version> = visit.get(first).await?;
    let around = Around::of(visit, &path).await?;
    let is_whole = list.next.is_none();
    let count = is_whole.then_some(list.items.len() as u64);
    let newest = usual(&list.items).map(|newest| newest.version.clone());
    let described = match &newest {
        Some(version) => {
            let how = (Tab::of(query.get("tab")), false);
            Described::of(visit, &path, version, how).await?
        }
        None => None,
    };
    let (versions, next) = if is_whole {
        page_of(list.items, by_name, after)
    } else {
        let limit = ROWS.to_string();
        let parameters = [("q", sought), ("limit", &*limit), ("after", after)];
        let part: api::List<api::Version> = visit.get(address(&call, &parameters)).await?;
        (part.items, part.next)
    };
    let (mut refs, mut more_refs) = (Vec::new(), 0);
    if versions.is_empty() {
        let details: api::PackageDetails = visit.get(path.call()).await?;
        let begins = |(name, _): &(String, String)| name.starts_with(sought);
        refs = details.tags.into_iter().filter(begins).collect();
        more_refs = refs.len().saturating_sub(REFS) as u64;
        refs.truncate(REFS);
    }
    let title = if path.is_image() {
        format!("{}/{}", path.repo.name, path.name)
    } else {
        path.name.clone()
    };
    let frame =
        frame(visit, &path, &title)?.elsewhere(path.command("show"), format!("GET /api/v1{call}"));
    let frame = match &described {
        Some(described) => described.elsewhere(frame),
        None => frame,
    };
    let hosted = versions.first().is_some_and(|version| version.hosted);
    let lines = match (&newest, path.is_image()) {
        (Some(tag), true) => around.pulls(&frame, &path, tag),
        (None, true) => Vec::new(),
        (_, false) => around.installs(&frame, (&path.name, hosted), ""),
    };
    Ok(Package {
        setup: setup_of(visit, around.address.as_ref()).await,
        undo: Undo::of(query, &path.page()),
        described,
        layer: Some(query.get("layer").to_owned()).filter(|digest| !digest.is_empty()),
        frame,
        path,
        around,
        versions,
        count,
        sought: sought.to_owned(),
        by_name: by_name || !is_whole,
        next,
        refs,
        more_refs,
        lines,
    })
}

/// The version that is installed by default, as far as that is told, else the one that came last.
fn usual(versions: &[api::Version]) -> Option<&api::Version> {
    let mut all = versions.iter();
    let latest = all.find(|version| version.tags.iter().any(|tag| tag == LATEST));
    let rank = |version: &&api::Version| (version.yanked == Yanked::No, version.created_at);
    latest.or_else(|| versions.iter().max_by_key(rank))
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
    described: Option<Described>,
    lines: Vec<Line>,
    setup: Vec<api::ConnectPart>,
    yanks: Yanks,
    may_yank: bool,
}

impl VersionPage {
    /// Whether the page shows the version's files.
    fn shows_main(&self) -> bool {
        self.described.as_ref().is_none_or(Described::is_main)
    }

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
        address(
            self.path.below("delete"),
            &[("version", &self.version.version)],
        )
    }
}

/// A version of a package.
pub(crate) async fn show_version(
    visit: &Visit,
    path: PackagePath,
    version: &str,
    query: &Query,
) -> Shown {
    let tab = Tab::of(query.get("tab"));
    let page = version_of(visit, path, version, tab).await;
    let page = page.or_page(visit)?;
    show(&page).or_page(visit)
}

async fn version_of(
    visit: &Visit,
    path: PackagePath,
    name: &str,
    tab: Tab,
) -> Result<VersionPage, Problem> {
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
    let described = Described::of(visit, &path, name, (tab, true)).await?;
    let frame = match &described {
        Some(described) => described.elsewhere(frame),
        None => frame,
    };
    Ok(VersionPage {
        described,
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
