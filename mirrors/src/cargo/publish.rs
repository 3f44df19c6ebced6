//! Publishing, yanking and deleting crates (the Cargo book, "Web API"), and the index file of a crate
//! that is published here.

use super::index::{CrateMetadata, crates_in, without_build};
use super::manifest::of_crate;
use super::names::canonical;
use super::upload::{LENGTHS_BYTES, Upload};
use crate::json;
use crate::publishing::{
    Action, Body, Bytes, Change, PublishLimits, PublishRequest, Publishing, Step, StoredFile,
};
use crate::resource::Document;
use crate::text::JSON;
use http::StatusCode;
use larder_model::{BodyLimit, FileKind, Kind, Problem, Reply, Timestamp, Verb};
use semver::Version;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The request that publishes the crate in its body.
pub(super) fn upload() -> PublishRequest {
    PublishRequest {
        package: "".into(),
        verb: Verb::Write,
        action: Arc::new(CrateUpload),
    }
}

/// The request that changes a published crate, whose name is in canonical form.
pub(super) fn change(package: &str, change: Change) -> PublishRequest {
    PublishRequest {
        package: package.into(),
        verb: change.verb(),
        action: Arc::new(CrateChange(change)),
    }
}

/// Publishes the crate in the body.
#[derive(Debug)]
struct CrateUpload;

impl Action for CrateUpload {
    fn name(&self) -> &'static str {
        "publish"
    }

    fn package_in(&self, body: &mut dyn Body, limits: &PublishLimits) -> Result<Box<str>, Problem> {
        let upload = Upload::read(body, limits)?;
        Ok(canonical(&upload.description.name).into())
    }

    fn max_body(&self, limits: &PublishLimits) -> BodyLimit {
        limits.file.with_room(beside(limits))
    }

    fn least_kept(&self, body_bytes: u64, limits: &PublishLimits) -> u64 {
        body_bytes.saturating_sub(beside(limits))
    }

    fn steps(
        &self,
        body: &mut dyn Body,
        files: &[StoredFile],
        limits: &PublishLimits,
    ) -> Result<Vec<Step>, Problem> {
        let upload = Upload::read(body, limits)?;
        let (name, version) = (&upload.description.name, &upload.description.vers);
        let new = NewCrate::of(name, version)?;
        if check_new(&new, files, || upload.sha256(body))? {
            return Ok(Vec::new());
        }
        let folder = format!("{name}-{version}");
        let mut file = upload.crate_file(body)?;
        let manifest = of_crate(&mut file, (upload.size, &folder), limits)?;
        upload.description.check(&manifest)?;
        let bytes = Bytes::Part(upload.start, upload.size);
        let metadata = upload.description.into_metadata(manifest)?;
        Ok(vec![new.step(&metadata, bytes)?])
    }

    fn reply(&self) -> Reply {
        let warnings = json!({"invalid_categories": [], "invalid_badges": [], "other": []});
        ok(&json!({"warnings": warnings}))
    }
}

/// What a body may have beside the crate file.
const fn beside(limits: &PublishLimits) -> u64 {
    limits.metadata.bytes.saturating_add(LENGTHS_BYTES)
}

/// A crate's version that is to be published.
pub(super) struct NewCrate {
    name: String,
    version: String,
    /// Its path here.
    path: String,
}

impl NewCrate {
    /// Fails if the version is none.
    pub(super) fn of(name: &str, version: &str) -> Result<Self, Problem> {
        let parsed: Version = version.parse().map_err(|error| {
            Problem::invalid("crate", format!("`{version}` is not a version: {error}"))
        })?;
        Ok(Self {
            path: format!("crates/{}/{parsed}", name.to_ascii_lowercase()),
            name: name.to_owned(),
            version: version.to_owned(),
        })
    }

    /// The step that adds it. `bytes`: those of its crate file.
    pub(super) fn step(self, metadata: &CrateMetadata, bytes: Bytes) -> Result<Step, Problem> {
        Ok(Step::Add {
            kind: FileKind::Artifact,
            path: self.path,
            version: self.version,
            content_type: "application/gzip",
            metadata: serde_json::to_string(metadata).map_err(Problem::internal)?,
            bytes,
        })
    }
}

/// Whether the same bytes are published already, because a client tries again after a lost answer.
/// Fails if the version is published with other bytes or was deleted, or if the name is published in
/// another spelling. `sha256`: that of the crate file, in hex.
pub(super) fn check_new(
    new: &NewCrate,
    files: &[StoredFile],
    sha256: impl FnOnce() -> Result<String, Problem>,
) -> Result<bool, Problem> {
    let conflict = |detail: String| Err(Problem::new(Kind::Conflict, "crate", detail));
    let version = &new.version;
    let bare = without_build(version);
    let is_tombstone = |file: &StoredFile| file.kind == FileKind::Tombstone && *file.path == *bare;
    if files.iter().any(is_tombstone) {
        return conflict(format!(
            "crate version `{version}` was deleted and cannot be published again: publish another"
        ));
    }
    for file in crates_in(files) {
        let known = CrateMetadata::of(file)?.line;
        if known.name != new.name {
            return conflict(format!("this crate is published as `{}`", known.name));
        }
        if without_build(&known.vers) == bare {
            let is_same = *file.path == *new.path && file.digest.hex() == sha256()?;
            return if is_same {
                Ok(true)
            } else {
                conflict(format!(
                    "crate version `{}` is already uploaded",
                    known.vers
                ))
            };
        }
    }
    Ok(false)
}

/// Yanks or deletes versions.
#[derive(Debug)]
struct CrateChange(Change);

impl Action for CrateChange {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn package_in(&self, _: &mut dyn Body, _: &PublishLimits) -> Result<Box<str>, Problem> {
        Err(Problem::internal("a change without a crate"))
    }

    fn steps(
        &self,
        _: &mut dyn Body,
        files: &[StoredFile],
        _: &PublishLimits,
    ) -> Result<Vec<Step>, Problem> {
        match &self.0 {
            Change::Yank { version, reason } if reason.is_empty() => yank(version, true, files),
            Change::Yank { .. } => Err(Problem::invalid(
                "yanked",
                "a crate is yanked without a reason: send `true`",
            )),
            Change::Unyank { version } => yank(version, false, files),
            Change::Remove { version } => remove(version.as_deref(), files),
        }
    }

    fn reply(&self) -> Reply {
        ok(&json!({"ok": true}))
    }
}

/// Steps that yank a version, or undo that.
fn yank(version: &str, yanked: bool, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    let file = crates_in(files).find(|file| *file.version == *version);
    let file = file.ok_or_else(|| {
        let detail = format!("this crate has no version {version}");
        Problem::not_found("crate", detail)
    })?;
    let mut metadata = CrateMetadata::of(file)?;
    if metadata.line.yanked == yanked {
        return Ok(Vec::new());
    }
    metadata.line.yanked = yanked;
    Ok(vec![Step::SetMetadata {
        path: file.path.to_string(),
        metadata: serde_json::to_string(&metadata).map_err(Problem::internal)?,
    }])
}

/// Steps that delete a version, or all of them.
fn remove(version: Option<&str>, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    let is_target = |file: &&StoredFile| version.is_none_or(|version| *file.version == *version);
    let mut steps = Vec::new();
    for file in crates_in(files).filter(is_target) {
        steps.push(Step::remove(&*file.path));
        steps.push(Step::tombstone(without_build(&file.version), "text/plain"));
    }
    if steps.is_empty() {
        let detail = "this crate has no such version here";
        return Err(Problem::not_found("version", detail));
    }
    Ok(steps)
}

fn ok(body: &serde_json::Value) -> Reply {
    Reply::new(StatusCode::OK).with_body(JSON, json::bytes(body))
}

/// Publishing of crates.
pub(super) struct Crates;

impl Publishing for Crates {
    fn change(&self, package: &str, wanted: Change) -> Result<PublishRequest, Problem> {
        Ok(change(package, wanted))
    }

    fn yank_reason(&self, metadata: &str) -> Option<String> {
        let metadata: CrateMetadata = serde_json::from_str(metadata).ok()?;
        metadata.line.yanked.then(String::new)
    }

    fn version_key(&self, version: &str) -> String {
        without_build(version).to_owned()
    }

    fn compose(
        &self,
        document: &Document,
        files: &[StoredFile],
    ) -> Result<Option<Vec<u8>>, Problem> {
        let Some(spelling) = document.path.strip_prefix("index/") else {
            return Ok(None);
        };
        let mut files: Vec<&StoredFile> = crates_in(files).collect();
        files.sort_by_key(|file| file.created_at);
        let mut index = Vec::new();
        for file in files {
            let mut line = CrateMetadata::of(file)?.line;
            if line.name.to_ascii_lowercase() != spelling {
                continue; // cargo tries all spellings
            }
            let seconds = file.created_at.seconds();
            line.pubtime = Some(Timestamp(seconds * 1_000_000).to_string());
            serde_json::to_writer(&mut index, &line).map_err(Problem::internal)?;
            index.push(b'\n');
        }
        Ok((!index.is_empty()).then_some(index))
    }

    /// The owners of a crate: the users who published a version of it.
    fn details(&self, package: &str, files: &[StoredFile]) -> Result<Reply, Problem> {
        if crates_in(files).next().is_none() {
            let detail = format!("crate `{package}` is not published here");
            return Err(Problem::not_found("crate", detail));
        }
        let publishers = crates_in(files).filter_map(|file| file.created_by.strip_prefix("user:"));
        let logins: BTreeSet<&str> = publishers.collect();
        let numbered = logins.into_iter().zip(1_u32..);
        let users: Vec<_> = numbered
            .map(|(login, id)| json!({"id": id, "login": login, "name": null}))
            .collect();
        Ok(ok(&json!({"users": users})))
    }
}
