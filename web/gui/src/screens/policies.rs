//! Policies: what repositories let go, how much they may have, what stays as it is, what is not
//! served. One page of repositories for each.

use crate::address::{address, segment};
use crate::form::Form;
use crate::language::Language;
use crate::page::{Frame, OrPage as _, Shown, see_other, show_form};
use crate::query::{Query, ROWS};
use crate::refused::Refused;
use crate::size;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::Method;
use larder_api as api;
use larder_model::{Pattern, Problem};

/// A page of policies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Retention,
    Quotas,
    Immutability,
    Blocks,
}

impl Tab {
    pub(crate) const ALL: [Self; 4] = [
        Self::Retention,
        Self::Quotas,
        Self::Immutability,
        Self::Blocks,
    ];

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Retention => "/policies",
            Self::Quotas => "/policies/quotas",
            Self::Immutability => "/policies/immutability",
            Self::Blocks => "/policies/blocks",
        }
    }

    pub(crate) const fn name(self, t: Language) -> &'static str {
        match self {
            Self::Retention => t.policies_retention(),
            Self::Quotas => t.policies_quotas(),
            Self::Immutability => t.policies_immutability(),
            Self::Blocks => t.policies_blocks(),
        }
    }

    /// Whether it is about repositories of a kind.
    const fn is_about(self, kind: api::RepoKind) -> bool {
        match self {
            Self::Retention => !matches!(kind, api::RepoKind::Group),
            Self::Quotas | Self::Immutability => matches!(kind, api::RepoKind::Hosted),
            Self::Blocks => !matches!(kind, api::RepoKind::Hosted),
        }
    }

    /// What one must be allowed to do there.
    const fn action(self) -> &'static str {
        match self {
            Self::Retention => "delete",
            _ => "administer",
        }
    }
}

/// A repository on a page of policies.
struct Place {
    /// As people and paths write it.
    path: String,
    repo: api::Repository,
    /// Whether whoever looks may set its policy.
    is_allowed: bool,
    /// What it lets go; `None`: nothing, or that is not for whoever looks.
    retention: Option<api::Retention>,
}

impl Place {
    /// How much of its quota is used, in a hundred; `None`: it has none.
    fn used(&self) -> Option<u64> {
        let (quota, usage) = (self.repo.quota?, self.repo.usage?);
        used((quota.bytes, usage.bytes), (quota.versions, usage.versions))
    }

    /// Its limit of bytes as a form has it.
    fn bytes(&self) -> String {
        written(&self.repo.quota.and_then(|quota| quota.bytes))
    }

    /// Its limit of versions as a form has it.
    fn versions(&self) -> String {
        number(&self.repo.quota.and_then(|quota| quota.versions))
    }

    /// Its immutable versions as a form has them.
    fn immutable(&self) -> String {
        lines(self.repo.immutable.as_deref().unwrap_or_default())
    }

    fn blocks(&self) -> &[api::Block] {
        self.repo.blocked.as_deref().unwrap_or_default()
    }
}

/// The larger part of two limits that is used, in a hundred.
fn used(bytes: (Option<u64>, u64), versions: (Option<u64>, u64)) -> Option<u64> {
    let part = |(limit, has): (Option<u64>, u64)| {
        let limit = limit?;
        let part = u128::from(has) * 100 / u128::from(limit.max(1));
        Some(u64::try_from(part).unwrap_or(u64::MAX))
    };
    part(bytes).max(part(versions))
}

/// Whether nothing more fits into a quota of which so much is used.
pub(crate) const fn is_full(used: &u64) -> bool {
    *used >= 100
}

/// Whether its administrators are warned.
pub(crate) const fn is_nearly_full(used: &u64) -> bool {
    *used >= 80
}

/// A limit of bytes as a form has it.
pub(crate) fn written(bytes: &Option<u64>) -> String {
    bytes.map(size::write).unwrap_or_default()
}

/// A limit of versions as a form has it.
pub(crate) fn number(versions: &Option<u64>) -> String {
    versions.map(|it| it.to_string()).unwrap_or_default()
}

/// Patterns, one a line.
pub(crate) fn lines(patterns: &[Pattern]) -> String {
    let lines: Vec<&str> = patterns.iter().map(Pattern::as_str).collect();
    lines.join("\n")
}

/// The patterns of some lines.
pub(crate) fn patterns(field: &'static str, text: &str) -> Result<Vec<Pattern>, Problem> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let pattern = |line: &str| {
        let wrong = |error| Problem::invalid(field, format!("`{line}`: {error}"));
        line.parse().map_err(wrong)
    };
    lines.map(pattern).collect()
}

#[derive(Template)]
#[template(path = "policies.html")]
struct Policies {
    frame: Frame,
    tab: Tab,
    places: Vec<Place>,
    /// Quotas that repositories share, for superusers.
    shared: Vec<api::SharedQuota>,
    /// After which repository the list begins: a form that is refused is to be seen again.
    after: String,
    next: Option<String>,
    refused: Refused,
}

impl Policies {
    const fn tabs(&self) -> [Tab; 4] {
        Tab::ALL
    }

    fn is_tab(&self, tab: &Tab) -> bool {
        self.tab == *tab
    }

    /// Whether anything is blocked.
    fn has_blocks(&self) -> bool {
        self.places.iter().any(|place| !place.blocks().is_empty())
    }

    /// The repositories whose policy whoever looks may set.
    fn allowed(&self) -> Vec<&str> {
        let allowed = self.places.iter().filter(|place| place.is_allowed);
        allowed.map(|place| &*place.path).collect()
    }

    /// Whether quotas that repositories share are shown.
    fn has_shared(&self) -> bool {
        self.tab == Tab::Quotas && self.frame.is_superuser
    }

    fn next_path(&self, after: &str) -> String {
        address(self.tab.path(), &[("after", after)])
    }

    /// How much of a shared quota is used, in a hundred.
    fn shared_used(&self, quota: &api::SharedQuota) -> u64 {
        let bytes = (quota.bytes, quota.usage.bytes);
        used(bytes, (quota.versions, quota.usage.versions)).unwrap_or(0)
    }
}

/// The list of a tab.
pub(crate) async fn list(tab: Tab, visit: Visit, query: Query) -> Shown {
    page(&visit, tab, query.get("after"), Refused::default()).await
}

/// The page of a form that was sent, with why it was refused.
async fn again(visit: &Visit, tab: Tab, form: Form, problem: Problem) -> Shown {
    let after = form.text("after").to_owned();
    page(visit, tab, &after, Refused::of(visit, form, problem)?).await
}

async fn page(visit: &Visit, tab: Tab, after: &str, refused: Refused) -> Shown {
    let (places, next) = places(visit, tab, after).await.or_page(visit)?;
    let shared = if tab == Tab::Quotas && visit.is_superuser() {
        let shared: Result<api::List<api::SharedQuota>, _> = visit.get("/quotas?limit=1000").await;
        shared.or_page(visit)?.items
    } else {
        Vec::new()
    };
    let t = visit.language();
    let mut frame = Frame::new(visit, tab.name(t)).or_page(visit)?;
    if refused.is_any() {
        frame = frame.at(tab.path());
    }
    let (command, call) = match tab {
        Tab::Retention => ("larder retention show oci/team", "GET …/retention"),
        Tab::Quotas => ("larder repo set oci/team --quota-bytes 10GiB", "PATCH …"),
        Tab::Immutability => ("larder repo set oci/team --immutable 'v*'", "PATCH …"),
        Tab::Blocks => (
            "larder repo set npm/main --block left-pad=REASON",
            "PATCH …",
        ),
    };
    let call = call.replace('…', "/api/v1/repositories/{protocol}/{name}");
    let page = Policies {
        frame: frame.elsewhere(command, call),
        tab,
        places,
        shared,
        after: after.to_owned(),
        next,
        refused,
    };
    show_form(page.refused.is_any(), &page).or_page(visit)
}

/// A page of the repositories that a tab is about.
async fn places(
    visit: &Visit,
    tab: Tab,
    after: &str,
) -> Result<(Vec<Place>, Option<String>), Problem> {
    let (mut places, mut after) = (Vec::new(), after.to_owned());
    loop {
        let path = address("/repositories", &[("limit", "200"), ("after", &after)]);
        let list: api::List<api::Repository> = visit.get(path).await?;
        for repo in list.items {
            if !tab.is_about(repo.kind) {
                continue;
            }
            if places.len() == ROWS {
                let next = places.last().map(|place: &Place| place.path.clone());
                return Ok((places, next));
            }
            places.push(read_place(visit, tab, repo).await?);
        }
        match list.next {
            Some(next) => after = next,
            None => return Ok((places, None)),
        }
    }
}

async fn read_place(visit: &Visit, tab: Tab, mut repo: api::Repository) -> Result<Place, Problem> {
    let path = format!("{}/{}", repo.protocol, repo.name);
    let is_allowed = visit.may(&path, tab.action()).await?;
    let mut retention = None;
    if is_allowed && tab == Tab::Retention {
        let stored: api::Retention = visit.get(format!("/repositories/{path}/retention")).await?;
        retention = Some(stored);
    }
    if is_allowed && tab == Tab::Quotas {
        // Where a quota holds, what it counts is known at once.
        let counted = repo.quota.is_none();
        repo = visit
            .get(format!("/repositories/{path}?counted={counted}"))
            .await?;
    }
    Ok(Place {
        path,
        repo,
        is_allowed,
        retention,
    })
}

/// Changes a repository as a form says.
async fn change(
    visit: &Visit,
    place: &(String, String),
    change: Result<api::RepositoryChange, Problem>,
) -> Result<(), Problem> {
    let path = repository_path(place);
    visit.act(Method::PATCH, path, Some(&change?)).await?;
    Ok(())
}

/// The place of a repository in the API.
fn repository_path((protocol, name): &(String, String)) -> String {
    format!("/repositories/{}/{}", segment(protocol), segment(name))
}

/// To the page on which a repository was changed.
fn back(visit: &Visit, (protocol, name): &(String, String), tab: Tab) -> Shown {
    see_other(&format!("{}#{protocol}-{name}", tab.path())).or_page(visit)
}

/// The limits of a form; nothing filled in is no limit.
fn limits(form: &Form) -> Result<(Option<u64>, Option<u64>), Problem> {
    let bytes = size::read("bytes", form.text("bytes"))?;
    Ok((bytes, form.number("versions")?))
}

/// Sets how much a repository may have.
pub(crate) async fn set_quota(
    visit: Visit,
    Path(place): Path<(String, String)>,
    form: Form,
) -> Shown {
    let quota = |limits| match limits {
        (None, None) => api::Patch::Remove,
        (bytes, versions) => api::Patch::Set(api::QuotaLimits { bytes, versions }.into()),
    };
    let new = limits(&form).map(|limits| api::RepositoryChange {
        quota: quota(limits),
        ..api::RepositoryChange::default()
    });
    match change(&visit, &place, new).await {
        Ok(()) => back(&visit, &place, Tab::Quotas),
        Err(problem) => again(&visit, Tab::Quotas, form, problem).await,
    }
}

/// Makes a quota that repositories share.
pub(crate) async fn share_quota(visit: Visit, form: Form) -> Shown {
    let shared = share(&visit, &form).await;
    after_shared(&visit, form, shared).await
}

async fn share(visit: &Visit, form: &Form) -> Result<(), Problem> {
    let (bytes, versions) = limits(form)?;
    let repositories = patterns("repositories", form.text("repositories"))?;
    let missing = || Problem::invalid("repositories", "write a pattern as oci/team-*");
    let new = api::NewSharedQuota {
        repositories: repositories.into_iter().next().ok_or_else(missing)?,
        bytes,
        versions,
    };
    visit.act(Method::POST, "/quotas", Some(&new)).await?;
    Ok(())
}

/// To the quotas that repositories share, or to the form of one that was refused.
async fn after_shared(visit: &Visit, form: Form, done: Result<(), Problem>) -> Shown {
    match done {
        Ok(()) => see_other("/policies/quotas#shared").or_page(visit),
        Err(problem) => again(visit, Tab::Quotas, form, problem).await,
    }
}

/// Changes a quota that repositories share, or takes it away: that lets more be published and
/// deletes nothing.
pub(crate) async fn change_shared(visit: Visit, Path(id): Path<String>, form: Form) -> Shown {
    let path = format!("/quotas/{}", segment(&id));
    let done = if form.text("do") == "delete" {
        visit.delete(path).await
    } else {
        limit_shared(&visit, path, &form).await
    };
    after_shared(&visit, form, done).await
}

async fn limit_shared(visit: &Visit, path: String, form: &Form) -> Result<(), Problem> {
    let (bytes, versions) = limits(form)?;
    let new = api::QuotaChange::from(api::QuotaLimits { bytes, versions });
    visit.act(Method::PATCH, path, Some(&new)).await?;
    Ok(())
}

/// Sets which versions nobody can change.
pub(crate) async fn set_immutable(
    visit: Visit,
    Path(place): Path<(String, String)>,
    form: Form,
) -> Shown {
    let immutable = patterns("immutable", form.text("immutable"));
    let new = immutable.map(|immutable| api::RepositoryChange {
        immutable: Some(immutable),
        ..api::RepositoryChange::default()
    });
    match change(&visit, &place, new).await {
        Ok(()) => back(&visit, &place, Tab::Immutability),
        Err(problem) => again(&visit, Tab::Immutability, form, problem).await,
    }
}

/// Adds a block to the repository that the form names.
pub(crate) async fn add_block(visit: Visit, form: Form) -> Shown {
    let place = form.text("repository").split_once('/');
    let missing = || Problem::invalid("repository", "write the repository as npm/upstream");
    let place = place.map(|(protocol, name)| (protocol.to_owned(), name.to_owned()));
    let added = match place.ok_or_else(missing) {
        Ok(place) => block(&visit, &place, &form).await.map(|()| place),
        Err(problem) => Err(problem),
    };
    match added {
        Ok(place) => back(&visit, &place, Tab::Blocks),
        Err(problem) => again(&visit, Tab::Blocks, form, problem).await,
    }
}

/// Adds a block, or takes one away.
pub(crate) async fn set_blocks(
    visit: Visit,
    Path(place): Path<(String, String)>,
    form: Form,
) -> Shown {
    block(&visit, &place, &form).await.or_page(&visit)?;
    back(&visit, &place, Tab::Blocks)
}

async fn block(visit: &Visit, place: &(String, String), form: &Form) -> Result<(), Problem> {
    let path = repository_path(place);
    let gone = form.given("unblock");
    let block = gone.is_none().then(|| block_of(form)).transpose()?;
    // Blocks that others set meanwhile stay.
    let change = |repo: api::Repository| {
        let mut blocked = repo.blocked.unwrap_or_default();
        let other = block.as_ref().map(|block| block.package.as_str()).or(gone);
        blocked.retain(|known| Some(known.package.as_str()) != other);
        blocked.extend(block.clone());
        api::RepositoryChange {
            blocked: Some(blocked),
            ..api::RepositoryChange::default()
        }
    };
    visit.amend(&path, change).await
}

/// The block that a form sets.
fn block_of(form: &Form) -> Result<api::Block, Problem> {
    let wrong = |error| Problem::invalid("package", format!("{error}"));
    let package: Pattern = form.text("package").trim().parse().map_err(wrong)?;
    Ok(api::Block {
        package,
        reason: form.given("reason").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fuller_limit_counts() {
        assert_eq!(used((Some(200), 50), (None, 9)), Some(25));
        assert_eq!(used((Some(200), 50), (Some(10), 9)), Some(90));
        assert_eq!(used((None, 50), (None, 9)), None);
        assert_eq!(used((Some(0), 0), (None, 9)), Some(0));
    }

    #[test]
    fn patterns_stand_on_lines() {
        let read = patterns("protect", " v*\r\n\nlatest\n").expect("patterns");
        assert_eq!(lines(&read), "v*\nlatest");
        assert!(patterns("protect", "*********").is_err());
    }
}
