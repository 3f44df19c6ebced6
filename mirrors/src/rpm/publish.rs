//! Publishing by PUT and DELETE (`curl -T`), because no client has a command for it.
//!
//! A package's artifacts are its rpms, each at its path in the repository; a tombstone has the name,
//! version and release of each that was deleted.

use super::describe::PackageMetadata;
use super::extra_metadata;
use super::package::Package;
use super::paths::is_package;
use crate::publishing::{
    Action, Body, Bytes, Change, PublishLimits, PublishRequest, Publishing, Step, StoredFile,
};
use crate::resource::Document;
use crate::text::PLAIN_TEXT;
use http::StatusCode;
use larder_model::{BodyLimit, FileKind, Kind, Limit, Problem, Reply, Verb};
use std::io::SeekFrom;
use std::sync::Arc;

/// An action on the file at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileAction {
    /// Publishes the package in the body.
    Publish,
    /// Deletes the package.
    Delete,
    /// Replaces the extra metadata of a kind.
    PutMetadata,
    /// Removes the extra metadata of a kind.
    DeleteMetadata,
}

/// An action on the file at a path.
#[derive(Debug)]
struct OnFile {
    path: String,
    action: FileAction,
}

/// The request for an action on the file at a path.
pub(super) fn request(path: String, action: FileAction) -> PublishRequest {
    let verb = match action {
        FileAction::Publish | FileAction::PutMetadata => Verb::Write,
        FileAction::Delete | FileAction::DeleteMetadata => Verb::Delete,
    };
    PublishRequest {
        package: "".into(),
        verb,
        action: Arc::new(OnFile { path, action }),
    }
}

impl Action for OnFile {
    fn name(&self) -> &'static str {
        match self.action {
            FileAction::Publish => "publish",
            FileAction::Delete => "delete",
            FileAction::PutMetadata => "put metadata",
            FileAction::DeleteMetadata => "delete metadata",
        }
    }

    fn max_body(&self, limits: &PublishLimits) -> BodyLimit {
        match self.action {
            FileAction::Publish => limits.file.into(),
            FileAction::PutMetadata => limits.document.into(),
            FileAction::Delete | FileAction::DeleteMetadata => BodyLimit::NOTHING,
        }
    }

    fn least_kept(&self, body_bytes: u64, _: &PublishLimits) -> u64 {
        match self.action {
            FileAction::Publish => body_bytes,
            _ => 0,
        }
    }

    /// The bytes of metadata, and what they unpack to at once.
    fn held_bytes(&self, body: &mut dyn Body, _: &PublishLimits) -> Result<u64, Problem> {
        if self.action != FileAction::PutMetadata {
            return Ok(0);
        }
        let size = body.seek(SeekFrom::End(0)).map_err(Problem::internal)?;
        Ok(size.saturating_mul(2))
    }

    fn package_in(&self, body: &mut dyn Body, _: &PublishLimits) -> Result<Box<str>, Problem> {
        match self.action {
            FileAction::Publish => Ok(Package::read(body)?.nevra.name.into()),
            // Extra metadata belongs to the whole repository.
            _ => Ok("".into()),
        }
    }

    fn address(&self) -> Option<&str> {
        (self.action == FileAction::Delete).then_some(&*self.path)
    }

    fn steps(
        &self,
        body: &mut dyn Body,
        files: &[StoredFile],
        limits: &PublishLimits,
    ) -> Result<Vec<Step>, Problem> {
        let path = &self.path;
        match self.action {
            FileAction::Publish => publish(path, body, files),
            FileAction::Delete => delete(path, files),
            FileAction::PutMetadata => put_metadata(path, body, files, limits.document),
            FileAction::DeleteMetadata => Ok(delete_metadata(path, files)),
        }
    }

    fn reply(&self) -> Reply {
        match self.action {
            FileAction::Publish | FileAction::PutMetadata => {
                reply(StatusCode::CREATED, "published\n")
            }
            FileAction::Delete | FileAction::DeleteMetadata => reply(StatusCode::OK, "deleted\n"),
        }
    }
}

fn reply(status: StatusCode, text: &'static str) -> Reply {
    Reply::new(status).with_body(PLAIN_TEXT, text)
}

/// Steps that publish the package in a body.
fn publish(path: &str, body: &mut dyn Body, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    add(path, &Package::read(body)?, files)
}

/// Steps that publish a package, whose bytes are the body.
pub(super) fn add(
    path: &str,
    package: &Package,
    files: &[StoredFile],
) -> Result<Vec<Step>, Problem> {
    let (edition, name) = (package.nevra.edition(), &package.nevra.name);
    let nevra = format!("{name}-{edition}");
    let conflict = |detail: String| Err(Problem::new(Kind::Conflict, "package", detail));
    if let Some(file) = artifact_at(path, files) {
        if file.digest == package.digest {
            return Ok(Vec::new());
        }
        return conflict(format!(
            "{path} is published with other content: publish another release"
        ));
    }
    if let Some(file) = files.iter().find(|file| *file.version == *edition) {
        let at = &file.path;
        return conflict(format!(
            "{nevra} is published at {at}: publish another release"
        ));
    }
    let is_tombstone = |file: &StoredFile| file.kind == FileKind::Tombstone && *file.path == *nevra;
    if files.iter().any(is_tombstone) {
        return conflict(format!(
            "{nevra} was deleted, and stays reserved: publish another release"
        ));
    }
    let metadata = PackageMetadata::of(package, path)?;
    let add = Step::Add {
        kind: FileKind::Artifact,
        path: path.to_owned(),
        version: edition,
        content_type: "application/x-rpm",
        metadata: serde_json::to_string(&metadata).map_err(Problem::internal)?,
        bytes: Bytes::Part(0, package.size),
    };
    let add_address = Step::AddAddress {
        path: path.to_owned(),
        at: path.to_owned(),
    };
    Ok(vec![add, add_address])
}

/// The artifact at a path.
fn artifact_at<'a>(path: &str, files: &'a [StoredFile]) -> Option<&'a StoredFile> {
    let is_it = |file: &&StoredFile| file.kind == FileKind::Artifact && *file.path == *path;
    files.iter().find(is_it)
}

/// Steps that delete the package at a path.
fn delete(path: &str, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    let file = artifact_at(path, files);
    let absent = || Problem::not_found("package", format!("there is no {path} here"));
    delete_file(file.ok_or_else(absent)?)
}

/// Steps that delete a package's file. Its name, version and release stay reserved.
fn delete_file(file: &StoredFile) -> Result<Vec<Step>, Problem> {
    let path = file.path.to_string();
    let nevra = PackageMetadata::read(&file.metadata)?.nevra;
    Ok(vec![
        Step::RemoveAddress { path: path.clone() },
        Step::remove(path),
        Step::tombstone(nevra, ""),
    ])
}

/// Steps that replace the extra metadata of a path's kind.
fn put_metadata(
    path: &str,
    body: &mut dyn Body,
    files: &[StoredFile],
    limit: Limit,
) -> Result<Vec<Step>, Problem> {
    let kind = extra_metadata::Kind::at(path);
    let kind = kind.ok_or_else(|| Problem::internal("metadata of an unknown kind"))?;
    extra_metadata::check(kind, body, limit)?;
    let size = body.seek(SeekFrom::End(0)).map_err(Problem::internal)?;
    let mut steps = delete_metadata(path, files);
    steps.push(Step::Add {
        kind: FileKind::Artifact,
        path: path.to_owned(),
        version: String::new(),
        content_type: "",
        metadata: String::new(),
        bytes: Bytes::Part(0, size),
    });
    Ok(steps)
}

/// Steps that remove the extra metadata of a path's kind.
fn delete_metadata(path: &str, files: &[StoredFile]) -> Vec<Step> {
    let kind = extra_metadata::Kind::at(path);
    let same = files
        .iter()
        .filter(|file| extra_metadata::Kind::at(&file.path) == kind);
    same.map(|file| Step::remove(&*file.path)).collect()
}

/// Deletes a version of a package, or all.
#[derive(Debug)]
struct RemoveVersions(Option<Box<str>>);

impl Action for RemoveVersions {
    fn name(&self) -> &'static str {
        "remove"
    }

    fn package_in(&self, _: &mut dyn Body, _: &PublishLimits) -> Result<Box<str>, Problem> {
        Err(Problem::internal("a change without a package"))
    }

    fn steps(
        &self,
        _: &mut dyn Body,
        files: &[StoredFile],
        _: &PublishLimits,
    ) -> Result<Vec<Step>, Problem> {
        let version = self.0.as_deref();
        let is_meant = |file: &&StoredFile| {
            file.kind == FileKind::Artifact
                && is_package(&file.path)
                && !file.metadata.is_empty()
                && version.is_none_or(|version| *file.version == *version)
        };
        let files = files.iter().filter(is_meant);
        let steps = files
            .map(delete_file)
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        if steps.is_empty() {
            let detail = "this package has no such version here";
            return Err(Problem::not_found("version", detail));
        }
        Ok(steps)
    }

    fn reply(&self) -> Reply {
        reply(StatusCode::OK, "deleted\n")
    }
}

/// Publishing of packages.
pub(super) struct Packages;

impl Publishing for Packages {
    fn change(&self, package: &str, change: Change) -> Result<PublishRequest, Problem> {
        let verb = change.verb();
        let Change::Remove { version } = change else {
            let detail = "packages are not yanked in this protocol: delete the release, \
                or publish a higher one";
            return Err(Problem::new(Kind::Unsupported, "version", detail));
        };
        Ok(PublishRequest {
            package: package.into(),
            verb,
            action: Arc::new(RemoveVersions(version)),
        })
    }

    fn is_tombstone_of(&self, package: &str, version: &str, path: &str) -> bool {
        let edition = path.strip_prefix(package);
        edition.and_then(|rest| rest.strip_prefix('-')) == Some(version)
    }

    fn compose(&self, _: &Document, _: &[StoredFile]) -> Result<Option<Vec<u8>>, Problem> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
