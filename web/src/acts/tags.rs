//! Publishes versions that are made of the sources under a tag.

use crate::answer::Created;
use crate::engine::TagToPublish;
use crate::extract::body::JsonBody;
use crate::extract::head::Origin;
use crate::extract::path::RepoParams;
use crate::extract::rights::{Identified, RepoReader};
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::extract::State;
use larder_api as api;
use std::sync::Arc;

/// What all tags begin with, which may be left out.
const TAGS: &str = "refs/tags/";

/// Publishes the version that a tag of a repository of this server stands for.
///
/// A Go module is published from a git tag: `v1.2.3`, or `sub/folder/v1.2.3` for a module in a folder, as
/// the go command takes tags for versions. Its files are those that the go command would take of the
/// same repository, with the same sum. The caller must be allowed to read the repository with the sources
/// and to publish the package, and what holds for publishing holds: a version is never replaced, also if
/// the tag moves; the same files once more are the same version.
#[utoipa::path(
    post,
    path = "/repositories/{protocol}/{name}/packages",
    tag = "packages",
    operation_id = "publish_tag",
    params(RepoParams),
    request_body = api::NewTagVersion,
    responses((status = 201, description = "The version.", body = api::TagVersion)),
    extensions(
        ("x-right" = json!(Right::RepositoryRead)),
        ("x-codes" = json!([
            "package_not_found", "tag_not_found", "tag_invalid", "unsupported", "conflict", "policy",
        ])),
    ),
)]
pub(crate) async fn publish(
    RepoReader { caller, path, .. }: RepoReader,
    Origin(site): Origin,
    _: Identified,
    State(state): State<Arc<ApiState>>,
    JsonBody(api::NewTagVersion { from, package }): JsonBody<api::NewTagVersion>,
) -> Result<Created<api::TagVersion>, Refusal> {
    let repo = state.repo(&path)?;
    let tag = TagToPublish {
        repository: &from.repository,
        path: &from.package,
        tag: from.tag.strip_prefix(TAGS).unwrap_or(&from.tag),
        package: package.as_deref(),
        site: &site,
    };
    let made = state.engine.publish_tag(&caller, &repo, &tag).await?;
    let repository = made.repository;
    let at = format!(
        "/repositories/{}/{}/packages/{}/versions/{}",
        repository.protocol,
        repository.name,
        made.package.replace('/', "%2F"),
        made.version
    );
    let made = api::TagVersion {
        repository,
        package: made.package.into(),
        version: made.version,
        commit: made.commit,
    };
    Ok(Created::new(at, made))
}
