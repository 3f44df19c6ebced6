//! By which rules a package is not served.

use crate::extract::path::PackagePath;
use crate::state::{ApiState, path_of};
use larder_api as api;
use larder_metadata::repos::RepoRecord;
use larder_model::{Blocked, Pattern, Problem};
use std::sync::Arc;

/// The blocks that refuse a package: those of the repository asked for, and those of the ones that
/// it is shown from.
pub(crate) fn of_package(
    state: &ApiState,
    path: &PackagePath,
    holders: &[Arc<RepoRecord>],
) -> Result<Vec<api::PackageBlock>, Problem> {
    let own = state.repo(&path.repo)?;
    let others = holders.iter().filter(|holder| holder.id != own.id);
    let mut blocks = Vec::new();
    for repo in std::iter::once(&own).chain(others) {
        let meant = repo.settings.blocked.iter();
        let meant = meant.filter(|blocked| is_meant(repo, blocked, &path.package));
        blocks.extend(meant.map(|blocked| api::PackageBlock {
            repository: path_of(repo),
            package: blocked.package.clone(),
            reason: blocked.reason.clone(),
        }));
    }
    Ok(blocks)
}

/// Whether a rule means a package, in any of its spellings.
fn is_meant(repo: &RepoRecord, blocked: &Blocked, package: &str) -> bool {
    let Some(protocol) = larder_mirrors::of(repo.protocol) else {
        return blocked.package.matches(package);
    };
    let names = protocol.names();
    let pattern = names.canonical(blocked.package.as_str());
    let alias = names.hub_alias(&repo.name, package);
    pattern.parse().is_ok_and(|pattern: Pattern| {
        pattern.matches(package) || alias.is_some_and(|alias| pattern.matches(alias))
    })
}
