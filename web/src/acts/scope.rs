//! Where a grant or a token acts: the part that both have in common.

use crate::extract::path::canonical_name;
use larder_model::nearest::nearest;
use larder_model::{Pattern, Problem, ProtocolName, RepoName, Role};

/// The protocols that this server has.
fn protocols() -> impl Iterator<Item = &'static str> {
    let all = ProtocolName::ALL.into_iter();
    all.filter(|protocol| larder_mirrors::of(*protocol).is_some())
        .map(|protocol| protocol.0)
}

/// Refuses patterns that can stand for nothing, which is a slip of the pen, with the right spelling
/// where it is known.
pub(crate) fn check(repository: &Pattern, package: &Pattern) -> Result<(), Problem> {
    check_repositories("repository", repository)?;
    let protocol = repository.as_str().split_once('/').map(|(it, _)| it);
    let known = protocols().find(|known| protocol == Some(known));
    if let Some(known) = known.filter(|_| !package.is_pattern()) {
        let name = canonical_name(ProtocolName(known), package.as_str());
        if name != package.as_str() {
            let detail = format!("`package` is a name as {known} spells it: {name}");
            return Err(Problem::invalid("package", detail));
        }
    }
    Ok(())
}

/// Refuses a limit to refs where there are none, or where it would limit nothing.
pub(crate) fn check_refs(
    refs: Option<&Pattern>,
    repository: &Pattern,
    role: Role,
) -> Result<(), Problem> {
    let Some(refs) = refs else { return Ok(()) };
    let wrong = |detail: String| Err(Problem::invalid("ref", detail));
    let with_refs = ProtocolName::ALL.into_iter().filter(|protocol| {
        larder_mirrors::of(*protocol).is_some_and(larder_mirrors::Protocol::has_refs)
    });
    let with_refs: Vec<&str> = with_refs.map(|protocol| protocol.0).collect();
    let protocol = repository.as_str().split_once('/').map(|(it, _)| it);
    if !protocol.is_some_and(|protocol| with_refs.contains(&protocol)) {
        let known = with_refs.join(", ");
        return wrong(format!(
            "`ref` is for repositories of {known} alone: others have no refs"
        ));
    }
    if !matches!(role, Role::Writer | Role::Maintainer) {
        let detail = "`ref` limits what a writer or maintainer changes: a reader reads all of a \
            repository, and an admin administers all of it";
        return wrong(detail.to_owned());
    }
    if !refs.as_str().starts_with("refs/") {
        return wrong(format!(
            "`ref` is a full name, e.g. refs/heads/*: {refs} is none"
        ));
    }
    Ok(())
}

pub(crate) fn check_repositories(field: &'static str, repository: &Pattern) -> Result<(), Problem> {
    let text = repository.as_str();
    let wrong = |why: String| {
        let detail = format!(
            "`{field}` is protocol/name, with * for any run of characters, e.g. oci/team-*: {why}"
        );
        Problem::invalid(field, detail)
    };
    let Some((protocol, name)) = text.split_once('/') else {
        let start = text.split('*').next().unwrap_or_default();
        let fits = |known: &str| known.starts_with(start);
        return if repository.is_pattern() && protocols().any(fits) {
            Ok(())
        } else if repository.is_pattern() {
            Err(wrong(format!("no repository begins with {start}")))
        } else {
            Err(wrong("there is no slash".to_owned()))
        };
    };
    let of_protocol: Pattern = protocol
        .parse()
        .map_err(|error: larder_model::names::BadName| wrong(error.0.to_owned()))?;
    if !protocols().any(|known| of_protocol.matches(known)) {
        let known: Vec<&str> = protocols().collect();
        let meant = match nearest(protocol, known.iter().copied()) {
            Some(meant) => format!("there is no protocol {protocol}; did you mean {meant}/{name}?"),
            None => format!("the protocols are {}", known.join(", ")),
        };
        return Err(wrong(meant));
    }
    if let Some((repo, package)) = name.split_once('/') {
        return Err(wrong(format!(
            "a repository's name has no slash; for packages in it: repository {protocol}/{repo}, \
             package {package}"
        )));
    }
    // Whatever a star stands for, what is around it must be possible in a name.
    let filled = name.replace('*', "a");
    let name: Result<RepoName, _> = filled.parse();
    name.map(drop).map_err(|error| wrong(error.0.to_owned()))
}

#[cfg(test)]
mod tests;
