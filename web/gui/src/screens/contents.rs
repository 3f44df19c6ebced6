//! Which view of a package or of an image an address means: what stands behind the dash.

use crate::form::Form;
use crate::page::{ErrorPage, OrPage as _, Shown};
use crate::query::Query;
use crate::screens::place::{PackagePath, repo, repo_page};
use crate::screens::{compare, deletion, image, package};
use crate::visit::Visit;
use axum::extract::Path;
use larder_model::{Problem, ProtocolName, RepoPath};

/// The address of an act on a whole repository.
const RESTORE: &str = "-/restore";
/// What ends the address by which a version is yanked.
const YANK: &str = "/yank";

fn no_page(visit: &Visit) -> ErrorPage {
    let problem = Problem::not_found("page", visit.language().error_no_page());
    ErrorPage::new(visit, problem)
}

/// A view of an image.
pub(crate) async fn image(
    visit: Visit,
    Path((name, rest)): Path<(String, String)>,
    query: Query,
) -> Shown {
    let repo = repo(ProtocolName::OCI.0, &name).or_page(&visit)?;
    view(&visit, &repo, &rest, &query).await
}

/// A view of a package.
pub(crate) async fn package(
    visit: Visit,
    Path((protocol, name, rest)): Path<(String, String, String)>,
    query: Query,
) -> Shown {
    let repo = repo(&protocol, &name).or_page(&visit)?;
    if repo.protocol == ProtocolName::OCI {
        return Err(no_page(&visit));
    }
    view(&visit, &repo, &rest, &query).await
}

async fn view(visit: &Visit, repo: &RepoPath, rest: &str, query: &Query) -> Shown {
    let (path, view) = PackagePath::split(repo, rest);
    let version = view.and_then(PackagePath::version_of);
    match (view, version) {
        (None, _) => package::show_package(visit, path, query).await,
        (Some("delete"), _) => deletion::ask(visit, path, query).await,
        (Some("compare"), _) if path.is_image() => compare::show_both(visit, path, query).await,
        (_, Some(tag)) if path.is_image() => image::show_image(visit, path, &tag, query).await,
        (_, Some(version)) => package::show_version(visit, path, &version, query).await,
        _ => Err(no_page(visit)),
    }
}

/// An act on an image.
pub(crate) async fn act_on_image(
    visit: Visit,
    Path((name, rest)): Path<(String, String)>,
    form: Form,
) -> Shown {
    let repo = repo(ProtocolName::OCI.0, &name).or_page(&visit)?;
    act(&visit, &repo, &rest, &form).await
}

/// An act on a package.
pub(crate) async fn act_on_package(
    visit: Visit,
    Path((protocol, name, rest)): Path<(String, String, String)>,
    form: Form,
) -> Shown {
    let repo = repo(&protocol, &name).or_page(&visit)?;
    act(&visit, &repo, &rest, &form).await
}

async fn act(visit: &Visit, repo: &RepoPath, rest: &str, form: &Form) -> Shown {
    if rest == RESTORE {
        return deletion::restore(visit, repo, form, &repo_page(repo)).await;
    }
    let (path, view) = PackagePath::split(repo, rest);
    let Some(view) = view else {
        return Err(no_page(visit));
    };
    let yanked = view.strip_suffix(YANK).and_then(PackagePath::version_of);
    match (view, yanked) {
        ("delete", _) => deletion::delete(visit, path, form).await,
        ("restore", _) => deletion::restore(visit, repo, form, &path.page()).await,
        (_, Some(version)) => package::yank(visit, path, &version, form).await,
        _ => Err(no_page(visit)),
    }
}
