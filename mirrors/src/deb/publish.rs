//! Publishing by PUT and DELETE (`curl -T`), where clients then read the package:
//! `pool/<suite>/<component>/<name>_<version>_<architecture>.deb`.
//!
//! A package has the same bytes in all suites in which it is. A tombstone has the name of each file
//! that was deleted from the last suite that had it.

use super::package::Package;
use super::places::PoolPlace;
use super::published::Published;
use super::release::signed_text;
use super::stanzas::{Line, Lines};
use crate::archive::window::Window;
use crate::publishing::{
    Action, Body, Bytes, Change, PublishLimits, PublishRequest, Publishing, Step, StoredFile,
};
use crate::resource::Document;
use crate::text::PLAIN_TEXT;
use http::StatusCode;
use larder_model::{BodyLimit, FileKind, Kind, Problem, Reply, Verb};
use std::collections::BTreeSet;
use std::io::SeekFrom;
use std::sync::Arc;

/// An action on the file at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileAction {
    /// Publishes the package in the body.
    Publish,
    /// Lets pass what comes with packages (`dput`) and is not kept.
    Pass,
    /// Deletes it from a suite.
    Delete,
}

/// An action on the file at a path.
#[derive(Debug)]
struct OnFile {
    path: String,
    action: FileAction,
}

/// The request for an action on the file at a path.
pub(super) fn request(path: String, action: FileAction) -> PublishRequest {
    PublishRequest {
        package: "".into(),
        verb: match action {
            FileAction::Publish | FileAction::Pass => Verb::Write,
            FileAction::Delete => Verb::Delete,
        },
        action: Arc::new(OnFile { path, action }),
    }
}

impl Action for OnFile {
    fn name(&self) -> &'static str {
        match self.action {
            FileAction::Publish => "publish",
            FileAction::Pass => "pass",
            FileAction::Delete => "delete",
        }
    }

    fn max_body(&self, limits: &PublishLimits) -> BodyLimit {
        match self.action {
            FileAction::Publish => limits.file.into(),
            FileAction::Pass => limits.metadata.into(),
            FileAction::Delete => BodyLimit::NOTHING,
        }
    }

    fn least_kept(&self, body_bytes: u64, _: &PublishLimits) -> u64 {
        match self.action {
            FileAction::Publish => body_bytes,
            FileAction::Pass | FileAction::Delete => 0,
        }
    }

    fn package_in(&self, body: &mut dyn Body, limits: &PublishLimits) -> Result<Box<str>, Problem> {
        match self.action {
            FileAction::Publish => {
                let control = Package::control(body, limits.metadata)?;
                Ok(control.package().into())
            }
            FileAction::Pass => source_of(body),
            FileAction::Delete => Ok("".into()),
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
        match self.action {
            FileAction::Publish => add(&self.path, &Package::read(body, limits)?, files),
            FileAction::Pass => Ok(Vec::new()),
            FileAction::Delete => {
                let file = artifact_at(&self.path, files).ok_or_else(|| {
                    Problem::not_found("package", format!("there is no {} here", self.path))
                })?;
                Ok(delete(&[file], files))
            }
        }
    }

    fn reply(&self) -> Reply {
        match self.action {
            FileAction::Publish => reply(StatusCode::CREATED, "published\n"),
            FileAction::Pass => reply(StatusCode::CREATED, "not kept: packages tell all of it\n"),
            FileAction::Delete => reply(StatusCode::OK, "deleted\n"),
        }
    }
}

/// The source package that a file tells of which comes with packages.
fn source_of(body: &mut dyn Body) -> Result<Box<str>, Problem> {
    let size = body.seek(SeekFrom::End(0)).map_err(Problem::internal)?;
    let bytes = Window::new(body, 0, size).bytes(0, size);
    let bytes = bytes.map_err(Problem::internal)?;
    let wrong = || Problem::invalid("file", "this file tells of no source package");
    let text = signed_text(&bytes).ok_or_else(wrong)?;
    let mut lines = Lines::new(Box::new(text.as_bytes()), bytes.len() as u64);
    loop {
        match lines.next().map_err(|fault| wrong().because(fault))? {
            Some(Line::Field("Source", source)) => {
                let name = source.split_ascii_whitespace().next().ok_or_else(wrong)?;
                return Ok(name.into());
            }
            Some(_) => {}
            None => return Err(wrong()),
        }
    }
}

fn reply(status: StatusCode, text: &'static str) -> Reply {
    Reply::new(status).with_body(PLAIN_TEXT, text)
}

fn file_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Steps that publish a package, whose bytes are the body.
pub(super) fn add(
    path: &str,
    package: &Package,
    files: &[StoredFile],
) -> Result<Vec<Step>, Problem> {
    let place = PoolPlace::read(path)?;
    let name = package.control.file_name();
    let conflict = |detail: String| Err(Problem::new(Kind::Conflict, "package", detail));
    if place.file != name {
        let detail = format!(
            "this package is {name}: publish it at pool/{}/{}/{name}",
            place.suite, place.component
        );
        return Err(Problem::invalid("path", detail));
    }
    if let Some(file) = artifact_at(path, files) {
        if file.digest == package.digest {
            return Ok(Vec::new());
        }
        return conflict(format!(
            "{path} is published with other content: publish another version"
        ));
    }
    let same = |file: &&StoredFile| file.kind == FileKind::Artifact && file_of(&file.path) == name;
    if let Some(file) = files
        .iter()
        .find(same)
        .filter(|file| file.digest != package.digest)
    {
        let at = &file.path;
        return conflict(format!(
            "{name} is published with other content at {at}: publish another version"
        ));
    }
    let is_tombstone = |file: &StoredFile| file.kind == FileKind::Tombstone && *file.path == *name;
    if files.iter().any(is_tombstone) {
        return conflict(format!(
            "{name} was deleted, and stays reserved: publish another version"
        ));
    }
    let published = Published::of(package)?;
    let add = Step::Add {
        kind: FileKind::Artifact,
        path: path.to_owned(),
        version: package.control.version().to_owned(),
        content_type: "application/vnd.debian.binary-package",
        metadata: serde_json::to_string(&published).map_err(Problem::internal)?,
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

/// Steps that delete files of a package. The name of one that no suite has then stays reserved.
fn delete(deleted: &[&StoredFile], files: &[StoredFile]) -> Vec<Step> {
    let mut steps = Vec::new();
    for file in deleted {
        let path = file.path.to_string();
        steps.push(Step::RemoveAddress { path: path.clone() });
        steps.push(Step::remove(path));
    }
    let is_left = |file: &&StoredFile| {
        let is_deleted = deleted.iter().any(|other| other.path == file.path);
        file.kind == FileKind::Artifact && !is_deleted
    };
    let left: BTreeSet<&str> = files
        .iter()
        .filter(is_left)
        .map(|it| file_of(&it.path))
        .collect();
    let gone: BTreeSet<&str> = deleted.iter().map(|it| file_of(&it.path)).collect();
    let gone = gone.difference(&left);
    steps.extend(gone.map(|name| Step::tombstone(*name, "")));
    steps
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
                && version.is_none_or(|version| *file.version == *version)
        };
        let meant: Vec<&StoredFile> = files.iter().filter(is_meant).collect();
        if meant.is_empty() {
            let detail = "this package has no such version here";
            return Err(Problem::not_found("version", detail));
        }
        Ok(delete(&meant, files))
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
            let detail = "packages are not yanked in this protocol: delete the version, \
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
        let version = version.split_once(':').map_or(version, |(_, rest)| rest);
        let rest = path
            .strip_prefix(package)
            .and_then(|it| it.strip_prefix('_'));
        let rest = rest.and_then(|it| it.strip_prefix(version));
        rest.is_some_and(|rest| rest.starts_with('_'))
    }

    fn compose(&self, _: &Document, _: &[StoredFile]) -> Result<Option<Vec<u8>>, Problem> {
        Ok(None)
    }
}

#[cfg(test)]
pub(super) mod tests;
