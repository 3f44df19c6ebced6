//! Paths, decoded once and strictly, and the things that their segments name.

use crate::problem::Refusal;
use crate::state::{no_group, no_package, no_repo, no_schedule, no_user};
use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use larder_api::texts;
use larder_metadata::repos::RepoRecord;
use larder_model::digest::BadDigest;
use larder_model::{
    Digest, JobKind, PackageName, Permission, Problem, ProtocolName, RepoName, RepoPath, UserName,
    Verb, percent,
};
use std::borrow::Cow;
use std::fmt::{self, Write as _};
use utoipa::IntoParams;

/// What cannot be read, or could be read as something else.
pub(crate) fn bad_path() -> Problem {
    Problem::invalid("path", "the path is not a valid spelling of any name")
}

/// Splits a raw path and decodes every segment once. A slash can be within the name of a package,
/// between two parts that are something; a control character is no spelling of anything.
fn segments(path: &str) -> Result<Vec<Cow<'_, str>>, Problem> {
    path.split('/')
        .map(|segment| {
            let text = percent::decode(segment).ok_or_else(bad_path)?;
            let strange = text.chars().any(|c| c == '\\' || c.is_control());
            let nothing =
                text.contains('/') && text.split('/').any(|part| matches!(part, "" | "." | ".."));
            if strange || nothing {
                Err(bad_path())
            } else {
                Ok(text)
            }
        })
        .collect()
}

/// The one spelling of a path: every byte that could be written in two ways is encoded.
pub(crate) fn canonical(path: &str) -> Result<String, Problem> {
    let mut out = String::with_capacity(path.len());
    for (at, segment) in segments(path)?.iter().enumerate() {
        if at > 0 {
            out.push('/');
        }
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}"); // a String takes everything
            }
        }
    }
    Ok(out)
}

/// The parameters of a path.
pub(crate) struct PathParams(Vec<(Box<str>, Box<str>)>);

impl PathParams {
    pub(crate) async fn of(parts: &mut Parts) -> Result<Self, Problem> {
        let raw = RawPathParams::from_request_parts(parts, &())
            .await
            .map_err(|_| bad_path())?;
        let params: Vec<_> = raw
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        // A slash stands within the name of a package, and nowhere else.
        let misplaced =
            |(name, value): &(Box<str>, Box<str>)| value.contains('/') && &**name != "package";
        if params.iter().any(misplaced) {
            return Err(bad_path());
        }
        Ok(Self(params))
    }

    /// A parameter; empty where the path has none of this name.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| **known == *name);
        found.map_or("", |(_, value)| value)
    }
}

/// Something that a path names.
pub(crate) trait FromPath: Sized {
    /// Reads it. What cannot be a name is the name of nothing.
    fn read(params: &PathParams) -> Result<Self, Problem>;
}

/// Something in a repository that a caller may do something to.
pub(crate) trait Target: FromPath + Send {
    /// What must be allowed.
    fn permission(&self, verb: Verb) -> Permission;
}

impl FromPath for RepoPath {
    fn read(params: &PathParams) -> Result<Self, Problem> {
        Self::of(params.get("protocol"), params.get("name")).ok_or_else(no_repo)
    }
}

impl Target for RepoPath {
    fn permission(&self, verb: Verb) -> Permission {
        Self::permission(self, verb)
    }
}

/// A package of a repository: `npm/main/@acme/app`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackagePath {
    /// Where.
    pub(crate) repo: RepoPath,
    /// Its name in canonical form.
    pub(crate) package: Box<str>,
}

/// The one spelling of a package's name.
pub(crate) fn canonical_name(protocol: ProtocolName, name: &str) -> Cow<'_, str> {
    larder_mirrors::of(protocol).map_or(name.into(), |protocol| protocol.names().canonical(name))
}

impl PackagePath {
    /// Something done to it where it was asked for.
    pub(crate) fn permission(&self, verb: Verb) -> Permission {
        Permission {
            package: Some(self.package.clone()),
            ..self.repo.permission(verb)
        }
    }

    /// Something done to it in a member of the group where it was asked for.
    pub(crate) fn within(&self, member: &RepoRecord, verb: Verb) -> Permission {
        Permission {
            repo: member.name.clone(),
            ..self.permission(verb)
        }
    }
}

impl FromPath for PackagePath {
    fn read(params: &PathParams) -> Result<Self, Problem> {
        let repo = RepoPath::read(params)?;
        let package: PackageName = canonical_name(repo.protocol, params.get("package"))
            .parse()
            .map_err(|_| no_package())?;
        Ok(Self {
            repo,
            package: package.as_str().into(),
        })
    }
}

impl Target for PackagePath {
    fn permission(&self, verb: Verb) -> Permission {
        Self::permission(self, verb)
    }
}

impl fmt::Display for PackagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.repo, self.package)
    }
}

impl FromPath for UserName {
    fn read(params: &PathParams) -> Result<Self, Problem> {
        params.get("name").parse().map_err(|_| no_user())
    }
}

/// A group.
pub(crate) struct GroupName(pub(crate) UserName);

impl<S: Sync> FromRequestParts<S> for GroupName {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let params = PathParams::of(parts).await?;
        let name = params.get("group").parse().map_err(|_| no_group())?;
        Ok(Self(name))
    }
}

/// Who is meant as a member of a group: `alice`, `user:alice`, `robot:ci`, `group:ops`.
pub(crate) struct MemberName(pub(crate) Box<str>);

impl<S: Sync> FromRequestParts<S> for MemberName {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let params = PathParams::of(parts).await?;
        Ok(Self(params.get("member").into()))
    }
}

/// A version of a package, or a tag of an image.
pub(crate) struct VersionName(pub(crate) Box<str>);

impl<S: Sync> FromRequestParts<S> for VersionName {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let params = PathParams::of(parts).await?;
        Ok(Self(params.get("version").into()))
    }
}

/// The name of a file that is sent, whatever it is.
pub(crate) struct FileName(pub(crate) Box<str>);

impl<S: Sync> FromRequestParts<S> for FileName {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(Self(PathParams::of(parts).await?.get("file").into()))
    }
}

/// A client for which there is a configuration.
pub(crate) struct ClientName(pub(crate) &'static str);

impl<S: Sync> FromRequestParts<S> for ClientName {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let params = PathParams::of(parts).await?;
        Ok(Self(larder_mirrors::clients::client(params.get("client"))?))
    }
}

/// The id of a token.
pub(crate) struct TokenId(pub(crate) i64);

impl<S: Sync> FromRequestParts<S> for TokenId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        id(parts, "token").await.map(Self)
    }
}

/// The id of a session.
pub(crate) struct SessionId(pub(crate) i64);

impl<S: Sync> FromRequestParts<S> for SessionId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        id(parts, "session").await.map(Self)
    }
}

/// The id of a job.
pub(crate) struct JobId(pub(crate) i64);

impl<S: Sync> FromRequestParts<S> for JobId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        id(parts, "job").await.map(Self)
    }
}

/// The digest of a blob.
pub(crate) struct BlobDigest(pub(crate) Digest);

impl<S: Sync> FromRequestParts<S> for BlobDigest {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let params = PathParams::of(parts).await?;
        let wrong = |error: BadDigest| Problem::invalid("digest", error.to_string());
        Ok(Self(params.get("digest").parse().map_err(wrong)?))
    }
}

/// The name of a backup, whatever it is.
pub(crate) struct BackupName(pub(crate) Box<str>);

impl<S: Sync> FromRequestParts<S> for BackupName {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(Self(PathParams::of(parts).await?.get("name").into()))
    }
}

/// The id of an entry of the trash.
pub(crate) struct TrashId(pub(crate) i64);

impl<S: Sync> FromRequestParts<S> for TrashId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        id(parts, "trash").await.map(Self)
    }
}

/// A kind of jobs that have a schedule.
pub(crate) struct ScheduleKind(pub(crate) JobKind);

impl<S: Sync> FromRequestParts<S> for ScheduleKind {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let params = PathParams::of(parts).await?;
        let kind = params.get("kind").parse();
        Ok(Self(kind.map_err(|_| no_schedule())?))
    }
}

/// The id of a grant.
pub(crate) struct GrantId(pub(crate) i64);

impl<S: Sync> FromRequestParts<S> for GrantId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        id(parts, "grant").await.map(Self)
    }
}

/// The id of a quota.
pub(crate) struct QuotaId(pub(crate) i64);

impl<S: Sync> FromRequestParts<S> for QuotaId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        id(parts, "quota").await.map(Self)
    }
}

/// The id of a reservation, whatever it is.
pub(crate) struct ReservationId(pub(crate) Box<str>);

impl<S: Sync> FromRequestParts<S> for ReservationId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(Self(PathParams::of(parts).await?.get("id").into()))
    }
}

async fn id(parts: &mut Parts, about: &'static str) -> Result<i64, Refusal> {
    let params = PathParams::of(parts).await?;
    let text = params.get("id");
    let id = text
        .parse::<i64>()
        .ok()
        .filter(|id| *id > 0 && id.to_string() == text);
    Ok(id.ok_or_else(|| Problem::not_found(about, format!("there is no such {about}")))?)
}

/// How the document tells of a repository in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct RepoParams {
    /// What its clients speak.
    #[param(inline, value_type = texts::Protocol)]
    protocol: ProtocolName,
    /// The repository's name.
    #[param(inline, value_type = texts::RepoName)]
    name: RepoName,
}

/// How the document tells of a package in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct PackageParams {
    /// What the repository's clients speak.
    #[param(inline, value_type = texts::Protocol)]
    protocol: ProtocolName,
    /// The repository's name.
    #[param(inline, value_type = texts::RepoName)]
    name: RepoName,
    /// The package, in any spelling.
    #[param(inline, value_type = texts::PackageName)]
    package: PackageName,
}

/// How the document tells of a version in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct VersionParams {
    /// The version; of an image the tag.
    #[param(inline, value_type = texts::VersionName)]
    version: String,
}

/// How the document tells of a user in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct UserParams {
    /// The user's name.
    #[param(inline, value_type = texts::UserName)]
    name: UserName,
}

/// How the document tells of a robot in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct RobotParams {
    /// The robot's name.
    #[param(inline, value_type = texts::UserName)]
    name: UserName,
}

/// How the document tells of a group in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct GroupParams {
    /// The group's name.
    #[param(inline, value_type = texts::UserName)]
    group: UserName,
}

/// How the document tells of a member of a group in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct MemberParams {
    /// Who: a user's name, or user:NAME, robot:NAME, group:NAME.
    #[param(inline, value_type = texts::Subject)]
    member: String,
}

/// How the document tells of a kind of jobs in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct KindParams {
    /// What the jobs do.
    #[param(inline, value_type = texts::JobKind)]
    kind: JobKind,
}

/// How the document tells of a blob in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct DigestParams {
    /// The blob's digest.
    #[param(inline, value_type = texts::Digest)]
    digest: Digest,
}

/// How the document tells of a backup in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct BackupParams {
    /// The backup's name.
    #[param(inline, value_type = texts::BackupName)]
    name: String,
}

/// How the document tells of a row in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct IdParams {
    /// Its id.
    #[param(inline, value_type = texts::Id)]
    id: String,
}

#[cfg(test)]
mod tests;
