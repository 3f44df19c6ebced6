//! Publishing by PUT and DELETE (`curl -T`), where clients then read the package:
//! `pool/<suite>/<component>/<name>_<version>_<architecture>.deb`. Source packages are sent to the same
//! folder (`sources`).
//!
//! A package has the same bytes in all suites in which it is. A tombstone has the name of each file
//! that was deleted from the last suite that had it.

use super::description::Description;
use super::package::Package;
use super::paths::{Upload, name_of};
use super::places::{COMPONENT, PoolPlace, SUITE};
use super::published::Published;
use super::release::signed_text;
use super::sources::{add_description, add_part, deleted_with, require_whole};
use super::stanzas::{Line, Lines};
use super::taken::{artifact_at, file_of, require_free};
use crate::archive::window::Window;
use crate::publishing::{
    Action, Body, Bytes, Change, FileUpload, PublishLimits, PublishRequest, Publishing, Step,
    StoredFile,
};
use crate::resource::Document;
use crate::text::PLAIN_TEXT;
use http::StatusCode;
use larder_model::{Algorithm, BodyLimit, Digest, FileKind, Hasher, Kind, Problem, Reply, Verb};
use std::collections::BTreeSet;
use std::io::SeekFrom;
use std::sync::Arc;

/// An action on the file at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileAction {
    /// Publishes the package in the body.
    Publish,
    /// Publishes the description of a source package.
    Describe,
    /// Publishes a file that such a description names.
    AddPart,
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
        // Files of a source package begin with its name, and those of others tell theirs.
        package: match action {
            FileAction::AddPart => name_of(&path).into(),
            _ => "".into(),
        },
        verb: match action {
            FileAction::Delete => Verb::Delete,
            _ => Verb::Write,
        },
        action: Arc::new(OnFile { path, action }),
    }
}

/// The request that publishes what its path says.
pub(super) fn put(path: String) -> Result<PublishRequest, Problem> {
    let action = match PoolPlace::read(&path)?.upload {
        Upload::Package => FileAction::Publish,
        Upload::Description => FileAction::Describe,
        Upload::Part => FileAction::AddPart,
        Upload::Beside => FileAction::Pass,
    };
    Ok(request(path, action))
}

impl Action for OnFile {
    fn name(&self) -> &'static str {
        match self.action {
            FileAction::Publish | FileAction::Describe | FileAction::AddPart => "publish",
            FileAction::Pass => "pass",
            FileAction::Delete => "delete",
        }
    }

    fn max_body(&self, limits: &PublishLimits) -> BodyLimit {
        match self.action {
            FileAction::Publish | FileAction::AddPart => limits.file.into(),
            FileAction::Describe | FileAction::Pass => limits.metadata.into(),
            FileAction::Delete => BodyLimit::NOTHING,
        }
    }

    fn least_kept(&self, body_bytes: u64, _: &PublishLimits) -> u64 {
        match self.action {
            FileAction::Publish | FileAction::Describe | FileAction::AddPart => body_bytes,
            FileAction::Pass | FileAction::Delete => 0,
        }
    }

    fn package_in(&self, body: &mut dyn Body, limits: &PublishLimits) -> Result<Box<str>, Problem> {
        match self.action {
            FileAction::Publish => {
                let control = Package::control(body, limits.metadata)?;
                Ok(control.package().into())
            }
            FileAction::Describe => Ok(Description::read(&whole(body)?)?.name().into()),
            FileAction::AddPart => Ok(name_of(&self.path).into()),
            FileAction::Pass => source_of(&whole(body)?),
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
            FileAction::Describe => {
                let body = whole(body)?;
                let description = Description::read(&body)?;
                let told = (Digest::of(Algorithm::Sha256, &body), body.len() as u64);
                add_description(&self.path, &description, told, files)
            }
            FileAction::AddPart => add_part(&self.path, digest_of(body)?, files),
            FileAction::Pass => {
                require_whole(&self.path, &whole(body)?, files)?;
                Ok(Vec::new())
            }
            FileAction::Delete => Ok(delete(&deleted_with(&self.path, files)?, files)),
        }
    }

    fn reply(&self) -> Reply {
        match self.action {
            FileAction::Publish => reply(StatusCode::CREATED, "published\n"),
            FileAction::Describe => reply(
                StatusCode::CREATED,
                "published: lists have it as soon as all files that it names are here\n",
            ),
            FileAction::AddPart => reply(StatusCode::CREATED, "published\n"),
            FileAction::Pass => reply(StatusCode::CREATED, "not kept: packages tell all of it\n"),
            FileAction::Delete => reply(StatusCode::OK, "deleted\n"),
        }
    }
}

/// A body whose limit is small.
pub(super) fn whole(body: &mut dyn Body) -> Result<Vec<u8>, Problem> {
    let size = body.seek(SeekFrom::End(0)).map_err(Problem::internal)?;
    let bytes = Window::new(body, 0, size).bytes(0, size);
    bytes.map_err(Problem::internal)
}

/// The digest and the size of a body.
fn digest_of(body: &mut dyn Body) -> Result<(Digest, u64), Problem> {
    let size = body.seek(SeekFrom::End(0)).map_err(Problem::internal)?;
    let mut whole = Hasher::new(Algorithm::Sha256);
    Window::new(body, 0, size)
        .each(|piece| whole.update(piece))
        .map_err(Problem::internal)?;
    Ok((whole.finish(), size))
}

/// The source package that a file tells of which comes with packages.
fn source_of(bytes: &[u8]) -> Result<Box<str>, Problem> {
    let wrong = || Problem::invalid("file", "this file tells of no source package");
    let text = signed_text(bytes).ok_or_else(wrong)?;
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

/// Steps that publish a package, whose bytes are the body.
pub(super) fn add(
    path: &str,
    package: &Package,
    files: &[StoredFile],
) -> Result<Vec<Step>, Problem> {
    let place = PoolPlace::read(path)?;
    let name = package.control.file_name();
    if place.file != name {
        let detail = format!(
            "this package is {name}: publish it at pool/{}/{}/{name}",
            place.suite, place.component
        );
        return Err(Problem::invalid("path", detail));
    }
    require_free(&name, package.digest, files)?;
    if artifact_at(path, files).is_some() {
        return Ok(Vec::new());
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
    // What a source package is made of may be that of another version.
    let is_reserved = |name: &&&str| Upload::of(name) != Some(Upload::Part);
    let gone = gone.difference(&left).filter(is_reserved);
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

    fn upload(&self, upload: &FileUpload) -> Result<PublishRequest, Problem> {
        let suite = upload.suite.as_deref().unwrap_or(SUITE);
        let component = upload.component.as_deref().unwrap_or(COMPONENT);
        put(format!("pool/{suite}/{component}/{}", upload.file))
    }

    fn is_tombstone_of(&self, package: &str, version: &str, path: &str) -> bool {
        let version = version.split_once(':').map_or(version, |(_, rest)| rest);
        let rest = path
            .strip_prefix(package)
            .and_then(|it| it.strip_prefix('_'));
        let rest = rest.and_then(|it| it.strip_prefix(version));
        rest.is_some_and(|rest| rest.starts_with('_') || rest == ".dsc")
    }

    fn compose(&self, _: &Document, _: &[StoredFile]) -> Result<Option<Vec<u8>>, Problem> {
        Ok(None)
    }
}

#[cfg(test)]
pub(super) mod tests;
