//! Publishing: the zip file of a version, by the rules of golang.org/x/mod/zip; its `go.mod` and what
//! tells of it are made of that.

use super::files::{INFO, LATEST, LIST, MOD, ZIP};
use super::info::{self, Made};
use super::mod_file::ModFile;
use super::module_zip::ModuleZip;
use super::paths::split_major;
use super::sums;
use super::version::Version;
use crate::archive::window::Window;
use crate::publishing::{
    Action, Body, Bytes, Change, PublishLimits, PublishRequest, Publishing, Step, StoredFile,
};
use crate::resource::Document;
use crate::text::{JSON, PLAIN_TEXT};
use http::StatusCode;
use larder_model::{
    Algorithm, BodyLimit, Digest, FileKind, Hasher, Kind, Limit, Problem, Reply, Verb,
};
use serde::{Deserialize, Serialize};
use std::io::SeekFrom;
use std::sync::Arc;

/// The media type of a module's zip file.
pub(super) const ZIP_TYPE: &str = "application/zip";

/// What is noted of a zip file.
#[derive(Serialize, Deserialize)]
struct ZipMetadata {
    /// The sum of what is in it.
    sum: String,
    /// The sum of its `go.mod`.
    go_mod_sum: String,
    /// From what it was made, if it was not uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<Made>,
}

/// The request that publishes the zip file of a version.
pub(super) fn upload(module: &str, version: String) -> PublishRequest {
    PublishRequest {
        package: module.into(),
        verb: Verb::Write,
        action: Arc::new(ZipUpload {
            module: module.into(),
            version,
        }),
    }
}

/// The request that changes a module. Fails if modules are not changed so.
pub(super) fn change(module: &str, change: Change) -> Result<PublishRequest, Problem> {
    let verb = change.verb();
    let Change::Remove { version } = change else {
        let detail = "modules are not yanked: publish a version whose go.mod retracts this one, \
            or delete it";
        return Err(Problem::new(Kind::Unsupported, "version", detail));
    };
    Ok(PublishRequest {
        package: module.into(),
        verb,
        action: Arc::new(RemoveVersions(version)),
    })
}

/// Publishes the zip file in the body.
#[derive(Debug)]
struct ZipUpload {
    module: Box<str>,
    version: String,
}

/// What a zip file takes that is larger than clients take.
pub(super) fn file_limit(limits: &PublishLimits) -> Limit {
    let most = super::module_zip::MAX_ZIP;
    if limits.file.bytes < most.bytes {
        limits.file
    } else {
        most
    }
}

impl Action for ZipUpload {
    fn name(&self) -> &'static str {
        "publish"
    }

    fn package_in(&self, _: &mut dyn Body, _: &PublishLimits) -> Result<Box<str>, Problem> {
        Ok(self.module.clone())
    }

    fn max_body(&self, limits: &PublishLimits) -> BodyLimit {
        file_limit(limits).into()
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
        let size = body.seek(SeekFrom::End(0)).map_err(Problem::internal)?;
        let mut window = Window::new(body, 0, size);
        publish(&mut window, (&self.module, &self.version), files, limits)
    }

    fn reply(&self) -> Reply {
        let text = format!("published {}@{}\n", self.module, self.version);
        Reply::new(StatusCode::CREATED).with_body(PLAIN_TEXT, text)
    }
}

/// Steps that publish the zip file in a window; none if it is published already.
pub(super) fn publish(
    file: &mut Window<'_>,
    (module, version): (&str, &str),
    files: &[StoredFile],
    limits: &PublishLimits,
) -> Result<Vec<Step>, Problem> {
    let published = published((module, version), files)?;
    if let Some(published) = published
        && published.digest == digest_of(file)?
    {
        return Ok(Vec::new());
    }
    file_limit(limits).require("zip", "the zip file", file.length())?;
    let of_zip = |fault: crate::archive::Fault| fault.problem("zip", "the zip file");
    let zip = ModuleZip::read(file, (module, version), limits.unpacked).map_err(of_zip)?;
    let sum = zip.sum(file).map_err(of_zip)?;
    let go_mod = zip.go_mod(file).map_err(of_zip)?;
    let new = NewVersion {
        module,
        version,
        sum,
        go_mod,
        has_go_mod: zip.has_go_mod(),
        zip: Bytes::Part(file.start(), file.length()),
        made: None,
    };
    new.steps(published)
}

/// The zip file that is published of a version, if one is. Fails if there can be none.
pub(super) fn published<'f>(
    (module, version): (&str, &str),
    files: &'f [StoredFile],
) -> Result<Option<&'f StoredFile>, Problem> {
    let invalid = |detail: String| Err(Problem::invalid("version", detail));
    let Some(number) = Version::parse(version) else {
        return invalid(format!(
            "{version} is not a version in its one spelling, such as v1.2.3"
        ));
    };
    if !number.fits(module) {
        return invalid(format!(
            "{module} cannot have the version {version}: from version 2 on the major version is \
             the last element of the path"
        ));
    }
    let is_tombstone =
        |file: &StoredFile| file.kind == FileKind::Tombstone && *file.path == *version;
    if files.iter().any(is_tombstone) {
        return conflict(format!(
            "{module}@{version} was deleted, and stays reserved: publish another version"
        ));
    }
    Ok(zips(files).find(|file| *file.version == *version))
}

fn conflict<T>(detail: String) -> Result<T, Problem> {
    Err(Problem::new(Kind::Conflict, "version", detail))
}

/// A version that is to be published.
pub(super) struct NewVersion<'a> {
    pub(super) module: &'a str,
    pub(super) version: &'a str,
    /// The sum of what is in its zip file.
    pub(super) sum: String,
    pub(super) go_mod: Vec<u8>,
    /// Whether that is in the zip file.
    pub(super) has_go_mod: bool,
    /// The zip file.
    pub(super) zip: Bytes,
    /// From what it was made; `None`: somebody uploaded it.
    pub(super) made: Option<Made>,
}

impl NewVersion<'_> {
    /// The steps; none if the same files are published already.
    pub(super) fn steps(self, published: Option<&StoredFile>) -> Result<Vec<Step>, Problem> {
        let (module, version) = (self.module, self.version);
        check_go_mod(&self.go_mod, self.has_go_mod, (module, version))?;
        if let Some(published) = published {
            // Another packing of the same files is the same version.
            let known: Option<ZipMetadata> = serde_json::from_str(&published.metadata).ok();
            return if known.is_some_and(|known| known.sum == self.sum) {
                Ok(Vec::new())
            } else {
                conflict(format!(
                    "{module}@{version} is published with other files: publish another version"
                ))
            };
        }
        let info = match &self.made {
            Some(made) => Bytes::Inline(made.write(version)),
            None => Bytes::Dated(info::write, version.to_owned()),
        };
        let metadata = ZipMetadata {
            sum: self.sum,
            go_mod_sum: sums::of_go_mod(&self.go_mod),
            made: self.made,
        };
        let metadata = serde_json::to_string(&metadata).map_err(Problem::internal)?;
        let add = |ending: &str, content_type, metadata, bytes| Step::Add {
            kind: FileKind::Artifact,
            path: format!("{version}{ending}"),
            version: version.to_owned(),
            content_type,
            metadata,
            bytes,
        };
        let none = String::new;
        Ok(vec![
            add(ZIP, ZIP_TYPE, metadata, self.zip),
            add(MOD, PLAIN_TEXT, none(), Bytes::Inline(self.go_mod)),
            add(INFO, JSON, none(), info),
        ])
    }
}

/// Fails unless a `go.mod` is that of a version.
fn check_go_mod(body: &[u8], is_own: bool, (module, version): (&str, &str)) -> Result<(), Problem> {
    let invalid = |detail: String| Err(Problem::invalid("go.mod", detail));
    let Some(file) = ModFile::read(body) else {
        return invalid("the go.mod in the zip file cannot be read, or names no module".to_owned());
    };
    if *file.module != *module {
        return invalid(format!(
            "the go.mod in the zip file is that of {}, and not of {module}",
            file.module
        ));
    }
    let major = split_major(module).map_or("", |(_, major)| major);
    if !is_own && major.starts_with('/') {
        return invalid(format!(
            "{module} needs a go.mod, for its path has a major version"
        ));
    }
    if is_own && version.ends_with("+incompatible") {
        return invalid(format!(
            "{version} is for modules without a go.mod, and there is one in the zip file"
        ));
    }
    Ok(())
}

fn digest_of(file: &mut Window<'_>) -> Result<Digest, Problem> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    file.each(|piece| hasher.update(piece))
        .map_err(Problem::internal)?;
    Ok(hasher.finish())
}

/// The zip files among the files of a module.
pub(super) fn zips(files: &[StoredFile]) -> impl Iterator<Item = &StoredFile> {
    let is_zip = |file: &&StoredFile| file.kind == FileKind::Artifact && file.path.ends_with(ZIP);
    files.iter().filter(is_zip)
}

/// Deletes a version of a module, or all.
#[derive(Debug)]
struct RemoveVersions(Option<Box<str>>);

impl Action for RemoveVersions {
    fn name(&self) -> &'static str {
        "remove"
    }

    fn package_in(&self, _: &mut dyn Body, _: &PublishLimits) -> Result<Box<str>, Problem> {
        Err(Problem::internal("a change without a module"))
    }

    fn steps(
        &self,
        _: &mut dyn Body,
        files: &[StoredFile],
        _: &PublishLimits,
    ) -> Result<Vec<Step>, Problem> {
        let version = self.0.as_deref();
        let is_meant = |file: &&StoredFile| {
            let is_artifact = file.kind == FileKind::Artifact && !file.version.is_empty();
            is_artifact && version.is_none_or(|version| *file.version == *version)
        };
        let mut steps = Vec::new();
        for file in files.iter().filter(is_meant) {
            steps.push(Step::remove(&*file.path));
            if file.path.ends_with(ZIP) {
                steps.push(Step::tombstone(&*file.version, ""));
            }
        }
        if steps.is_empty() {
            let detail = "this module has no such version here";
            return Err(Problem::not_found("version", detail));
        }
        Ok(steps)
    }

    fn reply(&self) -> Reply {
        Reply::new(StatusCode::OK).with_body(PLAIN_TEXT, "deleted\n")
    }
}

/// Publishing of modules.
pub(super) struct Modules;

impl Publishing for Modules {
    fn change(&self, package: &str, wanted: Change) -> Result<PublishRequest, Problem> {
        change(package, wanted)
    }

    fn compose(
        &self,
        document: &Document,
        files: &[StoredFile],
    ) -> Result<Option<Vec<u8>>, Problem> {
        let zips: Vec<&StoredFile> = zips(files).collect();
        Ok(match &*document.path {
            LIST if !zips.is_empty() => Some(info::compose_list(&zips)),
            LATEST => info::compose_latest(&zips),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests;
