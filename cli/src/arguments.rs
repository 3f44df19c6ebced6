//! Arguments that hold more than a word, read into the API's types.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use larder_api::{Block, RepoKind, TokenGrant};
use larder_model::time::BadTimestamp;
use larder_model::upstream::{AnswerTime, BadAnswerTime};
use larder_model::{Pattern, ProtocolName, RepoName, RepoPath, Role, Timestamp};
use std::str::FromStr;

/// A repository: `oci/team`.
pub(crate) fn repo_path(text: &str) -> Result<RepoPath, String> {
    let (protocol, name) = text
        .split_once('/')
        .ok_or("write it as protocol/name, e.g. oci/team")?;
    let protocol = protocol.parse().map_err(|_| {
        let known = ProtocolName::ALL.map(|protocol| protocol.0).join(", ");
        format!("the part before the slash is one of {known}")
    })?;
    let name = name.parse::<RepoName>().map_err(|error| error.0)?;
    Ok(RepoPath { protocol, name })
}

/// Packages that are not served: `evil-*`, or `evil-*=known malware`.
pub(crate) fn block(text: &str) -> Result<Block, String> {
    let (package, reason) = match text.split_once('=') {
        Some((package, reason)) => (package, Some(reason.trim().to_owned())),
        None => (text, None),
    };
    let package = package.parse::<Pattern>().map_err(|error| error.0)?;
    Ok(Block {
        package,
        reason: reason.filter(|reason| !reason.is_empty()),
    })
}

/// What a token is limited to: `oci/team:reader` or `npm/*:writer:@acme/*`.
pub(crate) fn token_grant(text: &str) -> Result<TokenGrant, String> {
    const FORM: &str = "write REPOSITORY:ROLE or REPOSITORY:ROLE:PACKAGE, \
        with the role reader, writer, maintainer or admin";
    let mut parts = text.splitn(3, ':');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let (repository, role, package) = (part().ok_or(FORM)?, part().ok_or(FORM)?, part());
    let pattern = |text: &str| text.parse::<Pattern>().map_err(|error| error.0);
    Ok(TokenGrant {
        repository: pattern(repository)?,
        package: package.map_or(Ok(Pattern::all()), pattern)?,
        refs: None,
        role: role.parse::<Role>().map_err(|()| FORM)?,
    })
}

/// The filters of a list that are given, as parameters of its call.
pub(crate) fn filters<'a, const N: usize>(
    all: [(&'static str, Option<&'a str>); N],
) -> Vec<(&'static str, &'a str)> {
    let given = |(name, value): (&'static str, Option<&'a str>)| Some((name, value?));
    all.into_iter().filter_map(given).collect()
}

/// How a call has yes and no.
pub(crate) const fn flag(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// The kinds of repositories.
pub(crate) fn kinds() -> impl TypedValueParser<Value = RepoKind> {
    const KINDS: [RepoKind; 3] = [RepoKind::Hosted, RepoKind::Mirror, RepoKind::Group];
    let known = |word: String| KINDS.into_iter().find(|kind| kind.word() == word);
    PossibleValuesParser::new(KINDS.map(RepoKind::word))
        .try_map(move |word| known(word).ok_or("no kind of repository"))
}

/// The roles, from least to most.
pub(crate) fn roles() -> impl TypedValueParser<Value = Role> {
    const ROLES: [Role; 4] = [Role::Reader, Role::Writer, Role::Maintainer, Role::Admin];
    let known = |word: String| ROLES.into_iter().find(|role| role.word() == word);
    PossibleValuesParser::new(ROLES.map(Role::word))
        .try_map(move |word| known(word).ok_or("no role"))
}

/// A status by which an upstream says that it does not have something; an empty text is none.
#[derive(Debug, Clone, Copy)]
pub struct AbsentStatus(pub(crate) Option<u16>);

impl FromStr for AbsentStatus {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Some(text)
            .filter(|text| !text.is_empty())
            .map(str::parse)
            .transpose()
            .map(Self)
    }
}

/// How long an upstream may take to begin an answer; an empty text is as the server says.
#[derive(Debug, Clone, Copy)]
pub struct AnswerTimeOption(pub(crate) Option<AnswerTime>);

impl FromStr for AnswerTimeOption {
    type Err = BadAnswerTime;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Some(text)
            .filter(|text| !text.is_empty())
            .map(str::parse)
            .transpose()
            .map(Self)
    }
}

/// Who may read a repository without a grant: everyone, nobody, or `auto`: as follows from what it
/// is.
#[derive(Debug, Clone, Copy)]
pub struct OpenOption(pub(crate) Option<bool>);

impl FromStr for OpenOption {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "true" => Ok(Self(Some(true))),
            "false" => Ok(Self(Some(false))),
            "auto" => Ok(Self(None)),
            _ => Err("write true, false or auto"),
        }
    }
}

/// A time, or the beginning of a day.
pub(crate) fn moment(text: &str) -> Result<Timestamp, BadTimestamp> {
    let time = text.parse();
    time.or_else(|_| format!("{text}T00:00:00Z").parse())
}

#[cfg(test)]
mod tests;
