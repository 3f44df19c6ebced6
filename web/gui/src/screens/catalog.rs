//! Lists of packages and of images: of all repositories, of those of one protocol, or of one.

use crate::address::address;
use crate::page::{Frame, OrPage as _, Shown, show};
use crate::query::{Query, ROWS};
use crate::screens::deletion::Undo;
use crate::screens::place::{
    PackagePath, path_of, repo, repo_call, repo_page, repositories, repository,
};
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use futures_util::future::try_join_all;
use larder_api::{self as api, RepoKind};
use larder_model::{Kind, Problem, ProtocolName, RepoPath, Timestamp};
use larder_web::PACKAGES_CURSOR;
use std::collections::BTreeMap;

/// A package, in one repository or more.
struct Row {
    name: String,
    protocol: ProtocolName,
    hosted: bool,
    repositories: Vec<RepoPath>,
    updated_at: Timestamp,
}

impl Row {
    /// Its page, in the first of its repositories.
    fn page(&self) -> String {
        let first = self.repositories.first();
        first.map_or_else(String::new, |repo| self.page_in(repo))
    }

    fn page_in(&self, repo: &RepoPath) -> String {
        PackagePath::new(repo, &self.name).page()
    }
}

/// A choice above a list.
struct Choice {
    label: String,
    path: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "catalog.html")]
struct Catalog {
    frame: Frame,
    is_images: bool,
    /// The repository of which the list is; `None`: it is of several.
    repository: Option<api::Repository>,
    choices: Vec<Choice>,
    repositories: Vec<api::Repository>,
    rows: Vec<Row>,
    /// The page of this list, without a query.
    path: String,
    sought: String,
    next: Option<String>,
    /// What makes a first package or image come.
    first: String,
    undo: Option<Undo>,
}

impl Catalog {
    fn next_path(&self, after: &str) -> String {
        address(&self.path, &[("q", &self.sought), ("after", after)])
    }

    /// Whether a repository of the list says what it is for.
    fn has_descriptions(&self) -> bool {
        self.repositories
            .iter()
            .any(|repo| !repo.description.is_empty())
    }
}

/// All images.
pub(crate) async fn images(visit: Visit, query: Query) -> Shown {
    let page = of_several(&visit, query, Some(ProtocolName::OCI)).await;
    show(&page.or_page(&visit)?).or_page(&visit)
}

/// The images of a repository.
pub(crate) async fn images_of(visit: Visit, Path(name): Path<String>, query: Query) -> Shown {
    let page = match repo(ProtocolName::OCI.0, &name) {
        Ok(repo) => of_one(&visit, &query, repo).await,
        Err(problem) => Err(problem),
    };
    show(&page.or_page(&visit)?).or_page(&visit)
}

/// All packages.
pub(crate) async fn packages(visit: Visit, query: Query) -> Shown {
    let page = of_several(&visit, query, None).await;
    show(&page.or_page(&visit)?).or_page(&visit)
}

/// The packages of all repositories of a protocol.
pub(crate) async fn packages_of(visit: Visit, Path(protocol): Path<String>, query: Query) -> Shown {
    let known = protocol
        .parse()
        .ok()
        .filter(|known| *known != ProtocolName::OCI);
    let known: Result<ProtocolName, Problem> = known
        .ok_or_else(|| Problem::not_found("protocol", "there is no such protocol of packages"));
    let page = match known {
        Ok(protocol) => of_several(&visit, query, Some(protocol)).await,
        Err(problem) => Err(problem),
    };
    show(&page.or_page(&visit)?).or_page(&visit)
}

/// The packages of a repository.
pub(crate) async fn packages_in(
    visit: Visit,
    Path((protocol, name)): Path<(String, String)>,
    query: Query,
) -> Shown {
    let page = match repo(&protocol, &name) {
        Ok(repo) => of_one(&visit, &query, repo).await,
        Err(problem) => Err(problem),
    };
    show(&page.or_page(&visit)?).or_page(&visit)
}

/// The list over several repositories: of images those of their protocol, of packages those of all
/// others, or of one.
async fn of_several(
    visit: &Visit,
    query: Query,
    protocol: Option<ProtocolName>,
) -> Result<Catalog, Problem> {
    let t = visit.language();
    let is_images = protocol == Some(ProtocolName::OCI);
    let all = repositories(visit).await?;
    let is_meant = |repo: &api::Repository| match protocol {
        Some(protocol) => repo.protocol == protocol,
        None => repo.protocol != ProtocolName::OCI,
    };
    let choices = choices(&all, protocol, visit);
    let repositories: Vec<_> = all.into_iter().filter(is_meant).collect();
    // What a group has is in its members.
    let asked = repositories
        .iter()
        .filter(|repo| repo.kind != RepoKind::Group);
    let asked: Vec<_> = asked.map(path_of).collect();
    let (sought, after) = (query.get("q"), query.get("after"));
    let (rows, next) = merged(visit, &asked, sought, after).await?;
    let section = if is_images {
        t.catalog_images()
    } else {
        t.catalog_packages()
    };
    let (title, path) = match protocol {
        Some(protocol) if !is_images => (protocol.to_string(), format!("/packages/{protocol}")),
        _ if is_images => (section.to_owned(), "/images".to_owned()),
        _ => (section.to_owned(), "/packages".to_owned()),
    };
    let mut frame = Frame::new(visit, &*title)?;
    if protocol.is_some() && !is_images {
        frame = frame.below(section, "/packages");
    }
    let first = first(
        &frame,
        repositories
            .first()
            .filter(|_| !is_images)
            .map(path_of)
            .as_ref(),
    );
    Ok(Catalog {
        frame: frame.elsewhere("larder search TEXT", "GET /api/v1/search?q=TEXT"),
        is_images,
        repository: None,
        choices,
        repositories,
        rows,
        path,
        sought: sought.to_owned(),
        next,
        first,
        undo: None,
    })
}

/// The list of one repository.
async fn of_one(visit: &Visit, query: &Query, repo: RepoPath) -> Result<Catalog, Problem> {
    let t = visit.language();
    let is_images = repo.protocol == ProtocolName::OCI;
    let repository = repository(visit, &repo).await?;
    let (sought, after) = (query.get("q"), query.get("after"));
    let (rows, next) = merged(visit, std::slice::from_ref(&repo), sought, after).await?;
    let noun = if is_images { "image" } else { "package" };
    let title = if is_images {
        repo.name.to_string()
    } else {
        repo.to_string()
    };
    let frame = Frame::new(visit, title)?.elsewhere(
        format!("larder {noun} list {repo}"),
        format!("GET /api/v1{}/packages", repo_call(&repo)),
    );
    let frame = if is_images {
        frame.below(t.catalog_images(), "/images")
    } else {
        frame
            .below(t.catalog_packages(), "/packages")
            .below(repo.protocol.0, format!("/packages/{}", repo.protocol))
    };
    let first = first(&frame, Some(&repo));
    Ok(Catalog {
        frame,
        is_images,
        repository: Some(repository),
        choices: Vec::new(),
        repositories: Vec::new(),
        rows,
        path: repo_page(&repo),
        sought: sought.to_owned(),
        next,
        first,
        undo: Undo::of(query, &repo_page(&repo)),
    })
}

/// The protocols of packages, or the repositories of images.
fn choices(all: &[api::Repository], chosen: Option<ProtocolName>, visit: &Visit) -> Vec<Choice> {
    if chosen == Some(ProtocolName::OCI) {
        return Vec::new();
    }
    let mut protocols: Vec<_> = all.iter().map(|repo| repo.protocol).collect();
    protocols.retain(|protocol| *protocol != ProtocolName::OCI);
    protocols.dedup();
    let one = |protocol: ProtocolName| Choice {
        label: protocol.to_string(),
        path: format!("/packages/{protocol}"),
        is_chosen: chosen == Some(protocol),
    };
    let every = Choice {
        label: visit.language().frame_all().to_owned(),
        path: "/packages".to_owned(),
        is_chosen: chosen.is_none(),
    };
    std::iter::once(every)
        .chain(protocols.into_iter().map(one))
        .collect()
}

/// The commands that bring a first image or package.
fn first(frame: &Frame, repo: Option<&RepoPath>) -> String {
    let host = frame
        .base
        .split_once("://")
        .map_or(&*frame.base, |(_, host)| host);
    match repo {
        Some(repo) if repo.protocol != ProtocolName::OCI => {
            match crate::screens::lines::client(repo.protocol) {
                Some(client) => format!("larder connect {client} {repo}"),
                None => format!("larder repo show {repo}"),
            }
        }
        repo => {
            let name = repo.map_or("team", |repo| repo.name.as_str());
            let user = frame.user.as_deref().unwrap_or("admin");
            format!(
                "docker login {host} -u {user}\ndocker tag alpine:3 {host}/{name}/alpine:3\n\
                 docker push {host}/{name}/alpine:3"
            )
        }
    }
}

/// A page of what these repositories have, by name; what has one name in several of them is one row.
async fn merged(
    visit: &Visit,
    repos: &[RepoPath],
    sought: &str,
    after: &str,
) -> Result<(Vec<Row>, Option<String>), Problem> {
    let limit = ROWS.to_string();
    let lists = repos.iter().map(|repo| {
        let parameters = [("limit", &*limit), ("q", sought), ("after", after)];
        let path = address(format!("{}/packages", repo_call(repo)), &parameters);
        list_of(visit, path)
    });
    let mut lists = try_join_all(lists).await?;
    // Where lists go on is compared, so each must be a name.
    for next in lists.iter_mut().filter_map(|list| list.next.as_mut()) {
        *next = visit.open_cursor(next, PACKAGES_CURSOR);
    }
    let (rows, next) = merge(lists);
    let is_shown = |next: &String| rows.iter().any(|row| row.name == *next);
    let next = match next {
        Some(next) if !is_shown(&next) => Some(visit.close_cursor(&next, PACKAGES_CURSOR)?),
        next => next,
    };
    Ok((rows, next))
}

/// A list; of a repository that is gone meanwhile an empty one.
async fn list_of(visit: &Visit, path: String) -> Result<api::List<api::Package>, Problem> {
    match visit.get(path).await {
        Err(problem) if matches!(problem.kind, Kind::NotFound | Kind::Denied) => {
            Ok(api::List::whole(Vec::new()))
        }
        answer => answer,
    }
}

/// The beginning of several lists as one, as far as all of them reach.
fn merge(lists: Vec<api::List<api::Package>>) -> (Vec<Row>, Option<String>) {
    let horizon = lists.iter().filter_map(|list| list.next.clone()).min();
    let mut rows: BTreeMap<(String, ProtocolName), Row> = BTreeMap::new();
    for package in lists.into_iter().flat_map(|list| list.items) {
        let Some(protocol) = package.repositories.first().map(|repo| repo.protocol) else {
            continue;
        };
        let row = rows
            .entry((package.name.clone(), protocol))
            .or_insert_with(|| Row {
                name: package.name,
                protocol,
                hosted: false,
                repositories: Vec::new(),
                updated_at: package.updated_at,
            });
        row.hosted |= package.hosted;
        row.updated_at = row.updated_at.max(package.updated_at);
        if package.hosted {
            row.repositories.splice(0..0, package.repositories);
        } else {
            row.repositories.extend(package.repositories);
        }
    }
    let (mut page, mut next) = (Vec::<Row>::new(), horizon.clone());
    for row in rows.into_values() {
        let is_known = horizon.as_ref().is_none_or(|horizon| row.name <= *horizon);
        let last = page.last().map(|last| last.name.clone());
        // All rows of a name are on one page: the next one begins behind it.
        let fits = page.len() < ROWS || last.as_ref() == Some(&row.name);
        if !is_known || !fits {
            next = last.or(next);
            break;
        }
        page.push(row);
    }
    (page, next)
}

#[cfg(test)]
mod tests;
