//! Publishing: the requests of npm, whose design is that of the `CouchDB` API.

use super::body::text_bytes;
use super::packument::PACKUMENT;
use super::publication::{check_tag, publish};
use super::published::{LATEST, PublishedPackage};
use super::unpublish::{keep_versions, remove, remove_file, unpublish_all, unpublish_file};
use crate::json;
use crate::publishing::{
    Action, Body, Change, PublishLimits, PublishRequest, Publishing, Step, StoredFile,
};
use crate::resource::Document;
use crate::text::JSON;
use http::StatusCode;
use larder_model::{BodyLimit, Kind, Problem, Reply, Verb};
use serde_json::json;
use std::error::Error;
use std::sync::Arc;

/// Limit on the bytes of the body that sets a tag.
const MAX_TAG_BODY_BYTES: u64 = 1 << 20;

/// What a request does with a package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum PackageAction {
    /// Publishes a version, or deprecates some.
    Publish,
    /// Unpublishes the versions that the packument in the body lacks. The client made it from this
    /// revision.
    KeepVersions(Box<str>),
    /// Unpublishes all versions of the package at this revision.
    Unpublish(Box<str>),
    /// Unpublishes the version of a tarball of the package at a revision.
    UnpublishFile {
        /// The tarball.
        file: Box<str>,
        /// The revision.
        revision: Box<str>,
    },
    /// Points a tag to the version in the body.
    SetTag(Box<str>),
    /// Removes a tag.
    RemoveTag(Box<str>),
    /// Deletes a version, or all, at any revision of the package.
    Remove(Option<Box<str>>),
}

impl PackageAction {
    const fn name(&self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::KeepVersions(_) => "unpublish versions",
            Self::Unpublish(_) => "unpublish",
            Self::UnpublishFile { .. } => "unpublish a file",
            Self::SetTag(_) => "tag",
            Self::RemoveTag(_) => "untag",
            Self::Remove(_) => "remove",
        }
    }

    const fn verb(&self) -> Verb {
        match self {
            Self::Publish | Self::SetTag(_) | Self::RemoveTag(_) => Verb::Write,
            Self::KeepVersions(_)
            | Self::Unpublish(_)
            | Self::UnpublishFile { .. }
            | Self::Remove(_) => Verb::Delete,
        }
    }

    fn max_body(&self, limits: &PublishLimits) -> BodyLimit {
        match self {
            // Tarballs are base64, which makes four bytes of three.
            Self::Publish => {
                let encoding = limits.file.bytes / 3 + 4;
                limits
                    .file
                    .with_room(encoding.saturating_add(limits.document.bytes))
            }
            Self::KeepVersions(_) => limits.document.into(),
            Self::SetTag(_) => MAX_TAG_BODY_BYTES.into(),
            Self::Unpublish(_)
            | Self::UnpublishFile { .. }
            | Self::RemoveTag(_)
            | Self::Remove(_) => BodyLimit::NOTHING,
        }
    }
}

/// An action on a package.
#[derive(Debug)]
struct OnPackage {
    package: Box<str>,
    action: PackageAction,
}

/// The request that acts on a package.
pub(super) fn request(package: impl Into<Box<str>>, action: PackageAction) -> PublishRequest {
    let package = package.into();
    PublishRequest {
        package: package.clone(),
        verb: action.verb(),
        action: Arc::new(OnPackage { package, action }),
    }
}

impl Action for OnPackage {
    fn name(&self) -> &'static str {
        self.action.name()
    }

    fn max_body(&self, limits: &PublishLimits) -> BodyLimit {
        self.action.max_body(limits)
    }

    fn least_kept(&self, body_bytes: u64, limits: &PublishLimits) -> u64 {
        match self.action {
            // Tarballs are base64.
            PackageAction::Publish => body_bytes.saturating_sub(limits.document.bytes) / 4 * 3,
            _ => 0,
        }
    }

    /// The text of a publication, and what is read from it.
    fn held_bytes(&self, body: &mut dyn Body, limits: &PublishLimits) -> Result<u64, Problem> {
        match self.action {
            PackageAction::Publish | PackageAction::KeepVersions(_) => {
                Ok(text_bytes(body, limits.document)?.saturating_mul(2))
            }
            _ => Ok(0),
        }
    }

    fn package_in(&self, _: &mut dyn Body, _: &PublishLimits) -> Result<Box<str>, Problem> {
        Ok(self.package.clone())
    }

    fn steps(
        &self,
        body: &mut dyn Body,
        files: &[StoredFile],
        limits: &PublishLimits,
    ) -> Result<Vec<Step>, Problem> {
        let package = &self.package;
        let published = PublishedPackage { package, files };
        if files.is_empty() && self.action != PackageAction::Publish {
            return Err(not_published(package));
        }
        match &self.action {
            PackageAction::Publish => publish(published, body, limits),
            PackageAction::KeepVersions(revision) => {
                keep_versions(published, revision, body, limits)
            }
            PackageAction::Unpublish(revision) => unpublish_all(published, revision),
            PackageAction::UnpublishFile { file, revision } => {
                unpublish_file(published, file, revision)
            }
            PackageAction::SetTag(tag) => set_tag(published, tag, body),
            PackageAction::RemoveTag(tag) => remove_tag(published, tag),
            PackageAction::Remove(version) => remove(published, version.as_deref()),
        }
    }

    fn reply(&self) -> Reply {
        let (status, body) = match self.action {
            PackageAction::Publish => (StatusCode::CREATED, json!({"ok": true, "success": true})),
            PackageAction::SetTag(_) => (StatusCode::CREATED, json!({"ok": "dist-tags updated"})),
            PackageAction::RemoveTag(_) => (StatusCode::OK, json!({"ok": "dist-tags updated"})),
            _ => (StatusCode::OK, json!({"ok": true})),
        };
        Reply::new(status).with_body(JSON, json::bytes(&body))
    }
}

fn not_published(package: &str) -> Problem {
    Problem::not_found(
        "package",
        format!("package {package} is not published here"),
    )
}

/// Steps that point a tag to a version.
fn set_tag(
    published: PublishedPackage<'_>,
    tag: &str,
    body: &mut dyn Body,
) -> Result<Vec<Step>, Problem> {
    check_tag(tag)?;
    let refused = |error: Box<dyn Error + Send + Sync>| {
        Problem::invalid("body", "the body is not a version in quotes").because(error)
    };
    let mut text = String::new();
    body.read_to_string(&mut text)
        .map_err(|error| refused(error.into()))?;
    let version: String = serde_json::from_str(&text).map_err(|error| refused(error.into()))?;
    let Some(stored) = published.version(&version) else {
        let package = published.package;
        let detail = format!("package {package} has no version {version:.100}");
        return Err(Problem::not_found("version", detail));
    };
    let before = published.tag(tag);
    if before.is_some_and(|file| *file.version == *version) {
        return Ok(Vec::new());
    }
    Ok(vec![Step::SetTag {
        tag: tag.to_owned(),
        version,
        at: stored.path.to_string(),
    }])
}

/// Steps that remove a tag.
fn remove_tag(published: PublishedPackage<'_>, tag: &str) -> Result<Vec<Step>, Problem> {
    if tag == LATEST {
        return Err(Problem::invalid("tag", "the tag latest cannot be removed"));
    }
    let file = published.tag(tag);
    Ok(file.map(remove_file).into_iter().collect())
}

/// Publishing of packages.
pub(super) struct Packages;

impl Publishing for Packages {
    fn change(&self, package: &str, change: Change) -> Result<PublishRequest, Problem> {
        if let Change::Remove { version } = change {
            return Ok(request(package, PackageAction::Remove(version)));
        }
        let detail = "npm has no yanked versions: npm deprecate shows a warning, \
            npm unpublish deletes a version";
        Err(Problem::new(Kind::Unsupported, "version", detail))
    }

    fn compose(
        &self,
        document: &Document,
        files: &[StoredFile],
    ) -> Result<Option<Vec<u8>>, Problem> {
        if &*document.path != PACKUMENT {
            return Ok(None);
        }
        let package = &document.package;
        PublishedPackage { package, files }.packument()
    }

    /// The visibility of a package. It is never public: grants decide who may read it.
    fn details(&self, package: &str, files: &[StoredFile]) -> Result<Reply, Problem> {
        let published = PublishedPackage { package, files };
        if published.versions().is_empty() {
            return Err(not_published(package));
        }
        let body = json::bytes(&json!({"public": false}));
        Ok(Reply::new(StatusCode::OK).with_body(JSON, body))
    }
}

#[cfg(test)]
mod tests;
