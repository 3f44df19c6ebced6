//! Publishing: a zip file whose composer.json describes the package is sent to an address of this
//! server's own, because Composer has no command and no protocol for it.

use super::manifest::{Package, name_in};
use super::metadata::{has_branches, is_same};
use super::names::canonical;
use super::published::{PublishedPackage, archive_path, tombstone_of};
use super::version::{is_branch, normalized};
use crate::archive::window::Window;
use crate::json;
use crate::publishing::{
    Action, Body, Bytes, Change, PublishLimits, PublishRequest, Publishing, Step, StoredFile,
};
use crate::resource::Document;
use crate::text::{JSON, PLAIN_TEXT};
use http::StatusCode;
use larder_model::{BodyLimit, FileKind, Kind, Problem, Reply, Verb};
use serde_json::json;
use std::io::SeekFrom;
use std::sync::Arc;

/// The media type of archives.
pub(super) const ZIP: &str = "application/zip";

/// The request that publishes the zip file in its body. `version`: the one that its address tells.
pub(super) fn upload(version: Option<String>) -> Result<PublishRequest, Problem> {
    if let Some(version) = version.as_deref()
        && normalized(version).is_none()
    {
        let detail =
            format!("`{version:.200}` is no version: write 1.2.3, 2.0.0-beta1 or dev-main");
        return Err(Problem::invalid("version", detail));
    }
    Ok(PublishRequest {
        package: "".into(),
        verb: Verb::Write,
        action: Arc::new(Upload { version }),
    })
}

/// Publishes the zip file in the body.
#[derive(Debug)]
struct Upload {
    version: Option<String>,
}

/// All of a body.
fn whole(body: &mut dyn Body) -> Result<Window<'_>, Problem> {
    let length = body.seek(SeekFrom::End(0)).map_err(Problem::internal)?;
    Ok(Window::new(body, 0, length))
}

impl Action for Upload {
    fn name(&self) -> &'static str {
        "publish"
    }

    fn package_in(&self, body: &mut dyn Body, limits: &PublishLimits) -> Result<Box<str>, Problem> {
        let name = name_in(&mut whole(body)?, limits)?;
        Ok(canonical(&name).into())
    }

    fn max_body(&self, limits: &PublishLimits) -> BodyLimit {
        limits.file.into()
    }

    fn least_kept(&self, body_bytes: u64, _: &PublishLimits) -> u64 {
        body_bytes
    }

    fn steps(
        &self,
        body: &mut dyn Body,
        files: &[StoredFile],
        limits: &PublishLimits,
    ) -> Result<Vec<Step>, Problem> {
        let mut file = whole(body)?;
        let package = Package::read(&mut file, self.version.as_deref(), limits)?;
        steps(package, file.length(), files)
    }

    fn reply(&self) -> Reply {
        let body = json::bytes(&json!({"status": "success"}));
        Reply::new(StatusCode::CREATED).with_body(JSON, body)
    }
}

/// The steps that publish a package, which is all of the body; none if that was done before.
pub(super) fn steps(new: Package, size: u64, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    let (package, version) = (&*new.name, &*new.version);
    let conflict = |detail: String| Err(Problem::new(Kind::Conflict, "package", detail));
    let published = PublishedPackage { package, files };
    if published.is_deleted(version) {
        return conflict(format!(
            "version {version} of {package} was deleted and cannot be published again: publish another"
        ));
    }
    let path = archive_path(version, &new.shasum);
    if let Some(newest) = published.version(version) {
        // The same bytes once more, in whichever spelling of the version.
        if file_of(&newest.path) == file_of(&path) {
            return Ok(Vec::new());
        }
        if !is_branch(version) {
            let own = &newest.version;
            return conflict(format!(
                "version {own} of {package} is published with other bytes"
            ));
        }
        // The newest of a branch is the one that came last.
        let is_older = |file: &StoredFile| {
            is_same(&file.version, version) && file_of(&file.path) == file_of(&path)
        };
        if published.archives().any(is_older) {
            return conflict(format!(
                "{version} of {package} had these bytes before and has moved on: publish new ones"
            ));
        }
    }
    Ok(vec![Step::Add {
        kind: FileKind::Artifact,
        path,
        version: new.version,
        content_type: ZIP,
        metadata: new.metadata,
        bytes: Bytes::Part(0, size),
    }])
}

/// The name of an archive's file, which its bytes decide.
fn file_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Deletes a version, or all of them.
#[derive(Debug)]
struct Removal {
    package: Box<str>,
    version: Option<Box<str>>,
}

impl Action for Removal {
    fn name(&self) -> &'static str {
        "remove"
    }

    fn package_in(&self, _: &mut dyn Body, _: &PublishLimits) -> Result<Box<str>, Problem> {
        Ok(self.package.clone())
    }

    fn steps(
        &self,
        _: &mut dyn Body,
        files: &[StoredFile],
        _: &PublishLimits,
    ) -> Result<Vec<Step>, Problem> {
        let package = &*self.package;
        let is_target = |file: &&StoredFile| {
            let version = self.version.as_deref();
            version.is_none_or(|version| is_same(&file.version, version))
        };
        let mut steps = Vec::new();
        let mut tombstones = Vec::new();
        for file in (PublishedPackage { package, files })
            .archives()
            .filter(is_target)
        {
            steps.push(Step::remove(&*file.path));
            tombstones.push(tombstone_of(&file.version));
        }
        if steps.is_empty() {
            let detail = format!("package {package} has no such version here");
            return Err(Problem::not_found("version", detail));
        }
        tombstones.sort_unstable();
        tombstones.dedup();
        let tombstones = tombstones.into_iter();
        steps.extend(tombstones.map(|path| Step::tombstone(path, PLAIN_TEXT)));
        Ok(steps)
    }

    fn reply(&self) -> Reply {
        let body = json::bytes(&json!({"status": "success"}));
        Reply::new(StatusCode::OK).with_body(JSON, body)
    }
}

/// Publishing of packages.
pub(super) struct Packages;

impl Publishing for Packages {
    fn change(&self, package: &str, change: Change) -> Result<PublishRequest, Problem> {
        let verb = change.verb();
        let Change::Remove { version } = change else {
            let detail = "Composer has no yanked versions: delete the version, or publish one whose \
                composer.json has \"abandoned\"";
            return Err(Problem::new(Kind::Unsupported, "version", detail));
        };
        let package: Box<str> = package.into();
        Ok(PublishRequest {
            package: package.clone(),
            verb,
            action: Arc::new(Removal { package, version }),
        })
    }

    fn version_key(&self, version: &str) -> String {
        normalized(version).unwrap_or_else(|| version.to_owned())
    }

    fn is_tombstone_of(&self, _: &str, version: &str, path: &str) -> bool {
        tombstone_of(version) == path
    }

    fn compose(
        &self,
        document: &Document,
        files: &[StoredFile],
    ) -> Result<Option<Vec<u8>>, Problem> {
        let package = &document.package;
        match has_branches(document) {
            Some(branches) => PublishedPackage { package, files }.metadata(branches),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
