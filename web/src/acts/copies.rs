//! Copies a version to another repository.

use super::sources::of_package_upstream;
use crate::extract::body::JsonBody;
use crate::extract::path::{
    PackageParams, PackagePath, VersionName, VersionParams, canonical_name,
};
use crate::extract::rights::{Identified, PackageReader};
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::copies::VersionCopy;
use larder_model::{PackageName, Problem, Verb};
use std::sync::Arc;

/// Copies a version, or of an image a tag, to a hosted repository of the same protocol.
///
/// No bytes are moved. Of an image all that the tag names is copied: manifests, blobs and referrers;
/// of a package's version all its files. What a mirror does not keep of it is fetched and verified
/// first, also if nobody has read it yet. Afterwards all of it is there, or nothing. The caller must
/// be allowed to publish there, and what holds for publishing holds: a version is never replaced, a
/// deleted one stays reserved, and a tag of an image moves. A version of a mirrored package becomes
/// what publishing its files would have made of it: a yank or a deprecation goes with it, its
/// dependencies do not. What could not be published, or not be had whole, is a `conflict`; bytes that
/// are not what the index promises are `upstream_failed`.
#[utoipa::path(
    post,
    path = "/repositories/{protocol}/{name}/packages/{package}/versions/{version}/copy",
    tag = "packages",
    operation_id = "copy_version",
    params(PackageParams, VersionParams),
    request_body = api::NewCopy,
    responses((status = 200, description = "The copy.", body = api::Copy)),
    extensions(
        ("x-right" = json!(Right::PackageRead)),
        ("x-codes" = json!([
            "version_not_found", "unsupported", "conflict", "policy", "offline",
            "upstream_failed", "upstream_unreachable",
        ])),
    ),
)]
pub(crate) async fn copy(
    PackageReader { caller, path, .. }: PackageReader,
    VersionName(version): VersionName,
    _: Identified,
    State(state): State<Arc<ApiState>>,
    JsonBody(api::NewCopy { to }): JsonBody<api::NewCopy>,
) -> Result<Json<api::Copy>, Refusal> {
    let package = match &to.package {
        None => path.package.clone(),
        Some(name) => {
            let name: PackageName = canonical_name(to.repository.protocol, name)
                .parse()
                .map_err(|_| Problem::invalid("package", "this is no name of a package"))?;
            name.as_str().into()
        }
    };
    let target = PackagePath {
        repo: to.repository,
        package,
    };
    // Whether the repository is there is told only to whoever may publish in it.
    caller.require(target.permission(Verb::Write))?;
    let (asked, record) = (state.repo(&path.repo)?, state.repo(&target.repo)?);
    let to_version: Box<str> = to.version.map_or_else(|| version.clone(), Into::into);
    let mut outcome = Err(Problem::not_found(
        "version",
        "no such version of this package here",
    ));
    // Of a group the first member that has it.
    for from in of_package_upstream(&state, &caller, &path).await? {
        let copy = VersionCopy {
            asked: &asked,
            from: &from,
            package: &path.package,
            version: &version,
            to: &record,
            to_package: &target.package,
            to_version: &to_version,
        };
        outcome = state.engine.copy(&caller, &copy).await;
        let is_missing = |problem: &Problem| problem.about == "version" && problem.status() == 404;
        if !outcome.as_ref().is_err_and(is_missing) {
            break;
        }
    }
    let copied = outcome?;
    Ok(Json(api::Copy {
        repository: target.repo,
        package: target.package.into(),
        version: to_version.into(),
        digest: copied.digest.map(|digest| digest.to_string()),
        files: copied.files,
        bytes: copied.bytes,
    }))
}
