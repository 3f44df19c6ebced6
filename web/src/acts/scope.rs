//! Where a grant or a token acts: the part that both have in common.

use larder_model::{Pattern, Problem, ProtocolName, RepoName};

/// Refuses a pattern that can stand for no repository, which is a slip of the pen.
pub(crate) fn check_repository(repository: &Pattern) -> Result<(), Problem> {
    let text = repository.as_str();
    let wrong = |why: &str| {
        let detail = format!(
            "`repository` is protocol/name, with * for any run of characters, e.g. oci/team-*: {why}"
        );
        Problem::invalid("repository", detail)
    };
    let starred = |text: &str| text.contains('*');
    let Some((protocol, name)) = text.split_once('/') else {
        return if starred(text) {
            Ok(())
        } else {
            Err(wrong("there is no slash"))
        };
    };
    if !starred(protocol) {
        protocol
            .parse::<ProtocolName>()
            .map_err(|error| wrong(error.0))?;
    }
    if starred(name) {
        return Ok(());
    }
    name.parse::<RepoName>()
        .map(drop)
        .map_err(|error| wrong(error.0))
}

#[cfg(test)]
mod tests;
