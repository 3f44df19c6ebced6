//! Publishing: uploads in the form that all clients send (the registry's "legacy" upload API), and
//! the page of what is kept.

use super::distribution::{Kind as Build, Name};
use super::form::{Upload, project_of};
use super::multipart::boundary;
use super::version::Version;
use super::{METADATA, PAGE, PROJECTS, Pypi, bad, no_such_path};
use crate::archive::window::Window;
use crate::json;
use crate::publishing::{
    Body, Bytes, Change, PublishRequest, Publishing, REMOVE, Step, StoredFile, UNYANK, YANK,
};
use crate::text::segment;
use crate::{Document, RepoRequest};
use blake2::Blake2b;
use blake2::digest::consts::U32;
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use larder_model::{Algorithm, Digest, Hasher, Kind, Problem, Reply, Verb, hex};
use md5::{Digest as _, Md5};
use serde_json::{Map, Value, json};

/// Publishes a file.
const UPLOAD: &str = "upload";
/// The largest form.
const MAX_BYTES: u64 = 2 << 30;
/// Below this, the names of deleted files stay reserved.
const GONE: &str = "gone/";
/// The first version of the API that has sizes and times.
const API: &str = "1.1";

impl Publishing for Pypi {
    fn publish_request(&self, line: &RepoRequest<'_>) -> Result<Option<PublishRequest>, Problem> {
        if line.method != Method::POST
            || !matches!(line.parts().as_slice(), ["legacy"] | ["legacy", ""])
        {
            return Ok(None);
        }
        let content_type = line
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Ok(Some(PublishRequest {
            act: UPLOAD,
            package: "".into(),
            verb: Verb::Write,
            arguments: vec![boundary(content_type)?.into()],
            max_bytes: MAX_BYTES,
        }))
    }

    fn name(&self, request: &PublishRequest, body: &mut dyn Body) -> Result<Box<str>, Problem> {
        Ok(project_of(body, boundary_of(request)?)?.into())
    }

    fn admits(&self, _: &Change) -> Result<(), Problem> {
        Ok(())
    }

    fn yanked(&self, metadata: &str) -> Option<String> {
        let metadata: Value = serde_json::from_str(metadata).ok()?;
        match &metadata["yanked"] {
            Value::Bool(true) => Some(String::new()),
            Value::String(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    fn receive(
        &self,
        request: &PublishRequest,
        body: &mut dyn Body,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        let arguments: Vec<&str> = request.arguments.iter().map(AsRef::as_ref).collect();
        match (request.act, arguments.as_slice()) {
            (YANK, [version, reason]) => return mark(files, version, Some(reason)),
            (UNYANK, [version]) => return mark(files, version, None),
            (REMOVE, arguments) => return remove(files, arguments.first().copied()),
            _ => {}
        }
        let form = Upload::read(body, boundary_of(request)?)?;
        let (name, version) = check(&form)?;
        let mut content = Window::new(body, form.start, form.length);
        let digest = check_digests(&form, &mut content)?;
        if is_there(&form, &name, &digest, files)? {
            return Ok(Vec::new());
        }
        let told = name.open(&mut content, &form.project, &version)?;
        // One version has one spelling.
        let mut spellings = files
            .iter()
            .filter(|file| Version::parse(&file.version).as_ref() == Some(&version));
        let version = spellings
            .next()
            .map_or_else(|| version.to_string(), |file| file.version.to_string());
        let metadata_sha256 = told
            .metadata
            .as_deref()
            .map(|bytes| Digest::of(Algorithm::Sha256, bytes).hex());
        let metadata = json!({
            "requires_python": told.requires_python,
            "metadata_sha256": metadata_sha256,
            "size": form.length,
            "yanked": null,
        });
        let mut steps = vec![Step::Add {
            path: form.file.clone(),
            version: version.clone(),
            content_type: "application/octet-stream",
            metadata: metadata.to_string(),
            bytes: Bytes::Part(form.start, form.length),
        }];
        steps.extend(told.metadata.map(|metadata| Step::Add {
            path: form.file + METADATA,
            version,
            content_type: "text/plain; charset=utf-8",
            metadata: String::new(),
            bytes: Bytes::Made(metadata),
        }));
        Ok(steps)
    }

    fn accept(&self, _: &PublishRequest) -> Reply {
        Reply::new(StatusCode::OK).with_body("text/plain; charset=utf-8", "accepted\n")
    }

    fn compose(
        &self,
        document: &Document,
        files: &[StoredFile],
    ) -> Result<Option<Vec<u8>>, Problem> {
        match &*document.path {
            PAGE => Ok(page(&document.package, files)),
            PROJECTS => Ok(None),
            _ => Err(no_such_path()),
        }
    }
}

/// The files of a version in whatever spelling, or of all; a problem if there are none.
fn files_of<'k>(
    files: &'k [StoredFile],
    version: Option<&str>,
) -> Result<Vec<&'k StoredFile>, Problem> {
    let wanted = version.map(Version::parse);
    let meant = |file: &&StoredFile| {
        let same = wanted
            .as_ref()
            .is_none_or(|wanted| wanted.is_some() && Version::parse(&file.version) == *wanted);
        same && !file.path.starts_with(GONE)
    };
    let found: Vec<&StoredFile> = files.iter().filter(meant).collect();
    let absent = || Problem::not_found("version", "there is no such version of this project here");
    if found.is_empty() {
        Err(absent())
    } else {
        Ok(found)
    }
}

/// Steps that yank a version for a reason, or take that back (PEP 592).
fn mark(files: &[StoredFile], version: &str, reason: Option<&str>) -> Result<Vec<Step>, Problem> {
    let distributions = files_of(files, Some(version))?
        .into_iter()
        .filter(|file| Name::read(&file.path).is_some());
    let step = |file: &StoredFile| {
        let metadata = yanked(&file.metadata, reason);
        (*metadata != *file.metadata).then(|| Step::SetMetadata {
            path: file.path.to_string(),
            metadata,
        })
    };
    Ok(distributions.filter_map(step).collect())
}

/// Steps that take a version back, or all. The names of its files stay taken.
fn remove(files: &[StoredFile], version: Option<&str>) -> Result<Vec<Step>, Problem> {
    let mut steps = Vec::new();
    for file in files_of(files, version)? {
        steps.push(Step::Remove {
            path: file.path.to_string(),
        });
        if Name::read(&file.path).is_some() {
            steps.push(Step::Add {
                path: format!("{GONE}{}", file.path),
                version: String::new(),
                content_type: "text/plain; charset=utf-8",
                metadata: String::new(),
                bytes: Bytes::Made(Vec::new()),
            });
        }
    }
    Ok(steps)
}

/// The facts of a file that was withdrawn for a reason, which may be empty; `None`: it is not
/// withdrawn any more.
pub fn yanked(metadata: &str, reason: Option<&str>) -> String {
    let mut metadata: Map<String, Value> = serde_json::from_str(metadata).unwrap_or_default();
    let yanked = reason.map(|reason| {
        if reason.is_empty() {
            json!(true)
        } else {
            json!(reason)
        }
    });
    metadata.insert("yanked".to_owned(), json!(yanked));
    Value::Object(metadata).to_string()
}

fn boundary_of(request: &PublishRequest) -> Result<&str, Problem> {
    request
        .arguments
        .first()
        .map(|boundary| &**boundary)
        .ok_or_else(|| bad("the form has no boundary"))
}

/// Whether the form agrees with itself: what it is for, the file's name, the version.
fn check(form: &Upload) -> Result<(Name<'_>, Version), Problem> {
    if form.need(":action")? != "file_upload" || form.need("protocol_version")? != "1" {
        return Err(bad(
            "the form is no upload of a file by version 1 of the protocol",
        ));
    }
    let version =
        Version::parse(form.need("version")?).ok_or_else(|| bad("the form's version is none"))?;
    let name = Name::read(&form.file).ok_or_else(|| {
        bad("the file's name is not that of a wheel, nor of a .tar.gz or .zip with the source")
    })?;
    if !name.is_of(&form.project, &version) {
        return Err(bad(
            "the file's name is not of the name and version that the form tells",
        ));
    }
    let expected = if name.kind == Build::Wheel {
        "bdist_wheel"
    } else {
        "sdist"
    };
    if form.need("filetype")? != expected {
        return Err(bad(
            "the file's name is not of the filetype that the form tells",
        ));
    }
    Ok((name, version))
}

/// Compares the file with all digests of the form.
fn check_digests(form: &Upload, content: &mut Window<'_>) -> Result<Digest, Problem> {
    let told = ["md5_digest", "blake2_256_digest", "sha256_digest"]
        .map(|name| form.get(name).filter(|hex| !hex.is_empty()));
    let mut md5 = told[0].map(|_| Md5::new());
    let mut blake2 = told[1].map(|_| Blake2b::<U32>::new());
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
    let mut pairs = told
        .into_iter()
        .zip(found)
        .filter_map(|(told, found)| told.zip(found));
    if pairs.all(|(told, found)| told.eq_ignore_ascii_case(&found)) {
        Ok(digest)
    } else {
        Err(Problem::new(
            Kind::DigestMismatch,
            "upload",
            "the file does not have the digest that the form tells",
        ))
    }
}

/// Whether these bytes are there under this name; a problem if others are, or if the name is taken
/// otherwise.
fn is_there(
    form: &Upload,
    name: &Name<'_>,
    digest: &Digest,
    files: &[StoredFile],
) -> Result<bool, Problem> {
    if let Some(file) = files.iter().find(|file| *file.path == *form.file) {
        if file.digest == *digest {
            return Ok(true);
        }
        return Err(taken(format!(
            "{} already exists with other content: publish another version",
            form.file
        )));
    }
    let identity = name.identity(&form.project);
    for file in files {
        let deleted = file.path.strip_prefix(GONE);
        let other = deleted.unwrap_or(&file.path);
        let Some(there) = Name::read(other) else {
            continue;
        };
        if identity.is_none() || there.identity(&form.project) != identity {
            continue;
        }
        if deleted.is_none() {
            let what = if there.kind == Build::Wheel {
                "this wheel"
            } else {
                "a source archive of this version"
            };
            return Err(taken(format!("{what} already exists: {other}")));
        }
        if there.kind == name.kind {
            return Err(taken(format!(
                "{other} was deleted, and its name already exists for ever: publish another version"
            )));
        }
    }
    Ok(false)
}

fn taken(detail: String) -> Problem {
    Problem::new(Kind::Conflict, "upload", detail)
}

/// The page of a project; `None` if it has no files.
fn page(project: &str, files: &[StoredFile]) -> Option<Vec<u8>> {
    let listed = files.iter().filter(|file| Name::read(&file.path).is_some());
    let mut listed: Vec<_> = listed
        .map(|file| (Version::parse(&file.version), file))
        .collect();
    listed.sort_by(|(a, left), (b, right)| a.cmp(b).then_with(|| left.path.cmp(&right.path)));
    let mut versions: Vec<&str> = listed.iter().map(|(_, file)| &*file.version).collect();
    versions.dedup();
    let files: Vec<Value> = listed.iter().map(|(_, file)| listing(file)).collect();
    let page = json!({"meta": {"api-version": API}, "name": project, "versions": versions, "files": files});
    (!files.is_empty()).then(|| json::bytes(&page))
}

/// A file on the page of its project.
fn listing(file: &StoredFile) -> Value {
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
    all
}
