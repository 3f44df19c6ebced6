//! Publishing: uploads in the form that all clients send (the "legacy" upload API), yanking and
//! deleting, and the page of a project that is published here.

use super::attestations::{self, Provenance};
use super::distribution::{Kind as Build, Name};
use super::form::{Upload, project_of};
use super::link;
use super::list::PROJECTS;
use super::metadata::invalid;
use super::names::METADATA;
use super::page::PAGE;
use super::version::Version;
use crate::archive::window::Window;
use crate::json;
use crate::publishing::{
    Action, Body, Bytes, Change, PublishLimits, PublishRequest, Publishing, Step, StoredFile,
};
use crate::resource::Document;
use crate::text::{PLAIN_TEXT, segment};
use blake2::Blake2b;
use blake2::digest::consts::U32;
use http::StatusCode;
use larder_model::{
    Algorithm, BodyLimit, Digest, FileKind, Hasher, Kind, Problem, Reply, Verb, hex,
};
use md5::{Digest as _, Md5};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::sync::Arc;

/// Room for the fields of a form beside its file: all that may be long, and many short ones.
const FIELD_ROOM_BYTES: u64 = 16 << 20;
/// The first version of the API that has sizes and times, and the first that has provenances.
const API: &str = "1.1";
const API_OF_PROVENANCES: &str = "1.3";

/// The request that publishes the file in a form.
pub(super) fn upload(boundary: String) -> PublishRequest {
    PublishRequest {
        package: "".into(),
        verb: Verb::Write,
        action: Arc::new(FormUpload { boundary }),
    }
}

/// Publishes the file in a form whose parts this boundary divides.
#[derive(Debug)]
struct FormUpload {
    boundary: String,
}

impl Action for FormUpload {
    fn name(&self) -> &'static str {
        "upload"
    }

    fn package_in(&self, body: &mut dyn Body, _: &PublishLimits) -> Result<Box<str>, Problem> {
        Ok(project_of(body, &self.boundary)?.into())
    }

    fn max_body(&self, limits: &PublishLimits) -> BodyLimit {
        let fields = limits.metadata.bytes.saturating_mul(2);
        limits
            .file
            .with_room(FIELD_ROOM_BYTES.saturating_add(fields))
    }

    fn steps(
        &self,
        body: &mut dyn Body,
        files: &[StoredFile],
        limits: &PublishLimits,
    ) -> Result<Vec<Step>, Problem> {
        let form = Upload::read(body, &self.boundary, limits)?;
        limits.file.require("upload", "the file", form.length)?;
        let (name, version) = check(&form)?;
        let mut content = Window::new(body, form.start, form.length);
        let digest = check_digests(&form, &mut content)?;
        let of = (&*form.project, &*form.file);
        let attested = form.get("attestations");
        let attested = attested.map(|text| Provenance::read(text, of, &digest));
        let provenance = attested.transpose()?.flatten();
        if is_published((&form.file, &form.project), &name, &digest, files)? {
            // It may bring what is attested of a file that came without.
            let lacking = provenance.filter(|provenance| !provenance.is_in(files));
            let step = lacking.map(|provenance| provenance.step(&spelling(&version, files)));
            return Ok(step.into_iter().collect());
        }
        let new = Distribution {
            file: &form.file,
            project: &form.project,
            name,
            version,
            yanked: None,
            provenance,
        };
        new.steps(content, files, limits)
    }

    fn reply(&self) -> Reply {
        accepted()
    }
}

/// A distribution that is to be published.
pub(super) struct Distribution<'a> {
    /// Its file's name, and what that says.
    pub(super) file: &'a str,
    pub(super) name: Name<'a>,
    /// Its project in canonical form, and its version.
    pub(super) project: &'a str,
    pub(super) version: Version,
    /// The reason, which may be empty, why it is yanked.
    pub(super) yanked: Option<&'a str>,
    /// What is attested of it.
    pub(super) provenance: Option<Provenance>,
}

impl Distribution<'_> {
    /// The steps that add it with its metadata, given its bytes and the files of its project.
    pub(super) fn steps(
        self,
        mut content: Window<'_>,
        files: &[StoredFile],
        limits: &PublishLimits,
    ) -> Result<Vec<Step>, Problem> {
        let of = (self.project, &self.version);
        let found = self.name.open(&mut content, of, limits)?;
        let version = spelling(&self.version, files);
        let sha256 = |bytes: &[u8]| Digest::of(Algorithm::Sha256, bytes).hex();
        let metadata = json!({
            "requires_python": found.requires_python,
            "metadata_sha256": found.metadata.as_deref().map(sha256),
            "size": content.length(),
            "yanked": self.yanked.map(yank_value),
        });
        let mut steps = vec![Step::Add {
            kind: FileKind::Artifact,
            path: self.file.to_owned(),
            version: version.clone(),
            content_type: "application/octet-stream",
            metadata: metadata.to_string(),
            bytes: Bytes::Part(content.start(), content.length()),
        }];
        let provenance = self.provenance;
        steps.extend(provenance.map(|provenance| provenance.step(&version)));
        steps.extend(found.metadata.map(|metadata| Step::Add {
            kind: FileKind::Artifact,
            path: format!("{}{METADATA}", self.file),
            version,
            content_type: PLAIN_TEXT,
            metadata: String::new(),
            bytes: Bytes::Inline(metadata),
        }));
        Ok(steps)
    }
}

/// The spelling of a version: the one that its files have already.
fn spelling(version: &Version, files: &[StoredFile]) -> String {
    let mut same = files
        .iter()
        .filter(|file| Version::parse(&file.version).as_ref() == Some(version));
    same.next()
        .map_or_else(|| version.to_string(), |file| file.version.to_string())
}

/// Yanks or deletes versions.
#[derive(Debug)]
struct ProjectChange(Change);

impl Action for ProjectChange {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn package_in(&self, _: &mut dyn Body, _: &PublishLimits) -> Result<Box<str>, Problem> {
        Err(Problem::internal("a change without a project"))
    }

    fn steps(
        &self,
        _: &mut dyn Body,
        files: &[StoredFile],
        _: &PublishLimits,
    ) -> Result<Vec<Step>, Problem> {
        match &self.0 {
            Change::Yank { version, reason } => yank(files, version, Some(reason)),
            Change::Unyank { version } => yank(files, version, None),
            Change::Remove { version } => remove(files, version.as_deref()),
        }
    }

    fn reply(&self) -> Reply {
        accepted()
    }
}

fn accepted() -> Reply {
    Reply::new(StatusCode::OK).with_body(PLAIN_TEXT, "accepted\n")
}

/// Publishing of distributions.
pub(super) struct Distributions;

impl Publishing for Distributions {
    fn change(&self, package: &str, change: Change) -> Result<PublishRequest, Problem> {
        Ok(PublishRequest {
            package: package.into(),
            verb: change.verb(),
            action: Arc::new(ProjectChange(change)),
        })
    }

    fn yank_reason(&self, metadata: &str) -> Option<String> {
        let metadata: Value = serde_json::from_str(metadata).ok()?;
        match &metadata["yanked"] {
            Value::Bool(true) => Some(String::new()),
            Value::String(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    /// Versions have many spellings (packaging specifications, "Version specifiers").
    fn deleted_key(&self, package: &str, path: &str) -> String {
        let identity = Name::read(path).and_then(|name| name.identity(package));
        identity.map_or_else(|| path.to_owned(), |it| it.version.same())
    }

    fn version_key(&self, version: &str) -> String {
        Version::parse(version).map_or_else(|| version.to_owned(), |version| version.same())
    }

    fn compose(
        &self,
        document: &Document,
        files: &[StoredFile],
    ) -> Result<Option<Vec<u8>>, Problem> {
        match &*document.path {
            PAGE => Ok(page(&document.package, files)),
            PROJECTS => Ok(None),
            path => Err(Problem::not_found(
                "path",
                format!("there is no {path} here"),
            )),
        }
    }
}

/// The files of a version in any spelling, or of all; fails if there are none.
fn files_of<'k>(
    files: &'k [StoredFile],
    version: Option<&str>,
) -> Result<Vec<&'k StoredFile>, Problem> {
    let wanted = version.map(Version::parse);
    let is_target = |file: &&StoredFile| {
        let same = wanted
            .as_ref()
            .is_none_or(|wanted| wanted.is_some() && Version::parse(&file.version) == *wanted);
        same && file.kind == FileKind::Artifact
    };
    let found: Vec<&StoredFile> = files.iter().filter(is_target).collect();
    let absent = || Problem::not_found("version", "this project has no such version here");
    if found.is_empty() {
        Err(absent())
    } else {
        Ok(found)
    }
}

/// Steps that yank a version for a reason, or unyank it (PEP 592).
fn yank(files: &[StoredFile], version: &str, reason: Option<&str>) -> Result<Vec<Step>, Problem> {
    let distributions = files_of(files, Some(version))?
        .into_iter()
        .filter(|file| Name::read(&file.path).is_some());
    let step = |file: &StoredFile| {
        let metadata = with_yank(&file.metadata, reason);
        (*metadata != *file.metadata).then(|| Step::SetMetadata {
            path: file.path.to_string(),
            metadata,
        })
    };
    Ok(distributions.filter_map(step).collect())
}

/// Steps that delete a version, or all. The names of its files stay reserved.
fn remove(files: &[StoredFile], version: Option<&str>) -> Result<Vec<Step>, Problem> {
    let mut steps = Vec::new();
    for file in files_of(files, version)? {
        steps.push(Step::remove(&*file.path));
        if Name::read(&file.path).is_some() {
            steps.push(Step::tombstone(&*file.path, PLAIN_TEXT));
        }
    }
    Ok(steps)
}

/// The metadata of a file that is yanked for a reason, which may be empty; `None`: it is not yanked.
pub(super) fn with_yank(metadata: &str, reason: Option<&str>) -> String {
    let mut metadata: Map<String, Value> = serde_json::from_str(metadata).unwrap_or_default();
    let yanked = reason.map(yank_value);
    metadata.insert("yanked".to_owned(), json!(yanked));
    Value::Object(metadata).to_string()
}

/// A yank as it is noted: its reason, or that there is none.
fn yank_value(reason: &str) -> Value {
    if reason.is_empty() {
        json!(true)
    } else {
        json!(reason)
    }
}

/// Checks that the fields of a form fit each other: the action, the file's name, the version.
fn check(form: &Upload) -> Result<(Name<'_>, Version), Problem> {
    if form.require(":action")? != "file_upload" || form.require("protocol_version")? != "1" {
        return Err(invalid(
            "the form is not a file upload of protocol version 1",
        ));
    }
    let version = Version::parse(form.require("version")?)
        .ok_or_else(|| invalid("the form's version is not valid"))?;
    let name = Name::read(&form.file).ok_or_else(|| {
        invalid("the file is neither a wheel nor a source archive (.tar.gz or .zip)")
    })?;
    if !name.is_of(&form.project, &version) {
        return Err(invalid(
            "the file's name does not have the name and version of the form",
        ));
    }
    let expected = if name.kind == Build::Wheel {
        "bdist_wheel"
    } else {
        "sdist"
    };
    if form.require("filetype")? != expected {
        return Err(invalid(
            "the file's name does not fit the filetype of the form",
        ));
    }
    Ok((name, version))
}

/// Checks the file against all digests of the form. Returns its SHA-256.
fn check_digests(form: &Upload, content: &mut Window<'_>) -> Result<Digest, Problem> {
    let sent = ["md5_digest", "blake2_256_digest", "sha256_digest"]
        .map(|name| form.get(name).filter(|hex| !hex.is_empty()));
    let mut md5 = sent[0].map(|_| Md5::new());
    let mut blake2 = sent[1].map(|_| Blake2b::<U32>::new());
    let mut sha256 = Hasher::new(Algorithm::Sha256);
    let take = |bytes: &[u8]| {
        sha256.update(bytes);
        if let Some(md5) = &mut md5 {
            md5.update(bytes);
        }
        if let Some(blake2) = &mut blake2 {
            blake2.update(bytes);
        }
    };
    content.each(take).map_err(Problem::internal)?;
    let digest = sha256.finish();
    let found = [
        md5.map(|hasher| hex::encode(&hasher.finalize())),
        blake2.map(|hasher| hex::encode(&hasher.finalize())),
        Some(digest.hex()),
    ];
    let mut pairs = sent
        .into_iter()
        .zip(found)
        .filter_map(|(sent, found)| sent.zip(found));
    if pairs.all(|(sent, found)| sent.eq_ignore_ascii_case(&found)) {
        Ok(digest)
    } else {
        Err(Problem::new(
            Kind::DigestMismatch,
            "upload",
            "the file does not have the digest in the form",
        ))
    }
}

/// Whether these bytes are published under this name already. A problem of kind `Conflict` if other
/// bytes are, or if the name is reserved.
pub(super) fn is_published(
    (file_name, project): (&str, &str),
    name: &Name<'_>,
    digest: &Digest,
    files: &[StoredFile],
) -> Result<bool, Problem> {
    // A file of this very name.
    let same = |file: &&StoredFile| file.kind == FileKind::Artifact && *file.path == *file_name;
    if let Some(file) = files.iter().find(same) {
        if file.digest == *digest {
            return Ok(true);
        }
        return Err(conflict(format!(
            "{file_name} already exists with other content: publish another version"
        )));
    }
    // A file of the same distribution in another spelling, or a deleted one.
    let identity = name.identity(project);
    for file in files {
        let (is_deleted, other) = (file.kind == FileKind::Tombstone, &file.path);
        let Some(there) = Name::read(other) else {
            continue;
        };
        if identity.is_none() || there.identity(project) != identity {
            continue;
        }
        if !is_deleted {
            let what = if there.kind == Build::Wheel {
                "this wheel"
            } else {
                "a source archive of this version"
            };
            return Err(conflict(format!("{what} already exists: {other}")));
        }
        if there.kind == name.kind {
            return Err(conflict(format!(
                "{other} already exists: it was deleted, and its name cannot be used again; \
                 publish another version"
            )));
        }
    }
    Ok(false)
}

fn conflict(detail: String) -> Problem {
    Problem::new(Kind::Conflict, "upload", detail)
}

/// The page of a project; `None` if it has no files.
fn page(project: &str, files: &[StoredFile]) -> Option<Vec<u8>> {
    let is_listed =
        |file: &&StoredFile| file.kind == FileKind::Artifact && Name::read(&file.path).is_some();
    let listed = files.iter().filter(is_listed);
    let mut listed: Vec<_> = listed
        .map(|file| (Version::parse(&file.version), file))
        .collect();
    listed.sort_by(|(a, left), (b, right)| a.cmp(b).then_with(|| left.path.cmp(&right.path)));
    let mut versions: Vec<&str> = listed.iter().map(|(_, file)| &*file.version).collect();
    versions.dedup();
    let provenances: HashSet<&str> = files
        .iter()
        .filter(|file| file.kind == FileKind::Artifact)
        .filter_map(|file| attestations::file_of(&file.path))
        .collect();
    let api = if provenances.is_empty() {
        API
    } else {
        API_OF_PROVENANCES
    };
    let listing = |file: &StoredFile| {
        let provenance = provenances.contains(&*file.path);
        let link = provenance.then(|| link::to_provenance(project, &file.path));
        listing(file, link.flatten())
    };
    let files: Vec<Value> = listed.iter().map(|(_, file)| listing(file)).collect();
    let page = json!({"meta": {"api-version": api}, "name": project, "versions": versions, "files": files});
    (!files.is_empty()).then(|| json::bytes(&page))
}

/// A file on the page of its project, with the link to its provenance.
fn listing(file: &StoredFile, provenance: Option<String>) -> Value {
    let metadata: Value = serde_json::from_str(&file.metadata).unwrap_or_default();
    let mut all = json!({
        "filename": file.path,
        "url": segment(&file.path),
        "hashes": {file.digest.algorithm().name(): file.digest.hex()},
        "size": file.size,
        "upload-time": file.created_at.to_string(),
        "yanked": if metadata["yanked"].is_null() { json!(false) } else { metadata["yanked"].clone() },
    });
    if metadata["requires_python"].is_string() {
        all["requires-python"] = metadata["requires_python"].clone();
    }
    if metadata["metadata_sha256"].is_string() {
        all["core-metadata"] = json!({"sha256": metadata["metadata_sha256"]});
    }
    if let Some(link) = provenance {
        all["provenance"] = json!(link);
    }
    all
}

#[cfg(test)]
mod tests;
