//! Attestations of a file (packaging specifications, "Index hosted attestations"): those that come
//! with an upload, and the provenance that tells of them. Each must be about the file with which it
//! came. Clients check its signature, not this server.

use super::distribution::Name;
use super::metadata::invalid;
use super::names::version_of;
use crate::json::unreadable;
use crate::publishing::{Bytes, Step, StoredFile};
use crate::resource::Document;
use crate::text::{bad_document, without_bom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_model::{Digest, FileKind, Problem};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt::Display;

/// Limit on the attestations of one file. Today's clients send one or two.
const MAX_ATTESTATIONS: usize = 16;
/// Limit on the bytes of an upstream's provenance: real ones have some tens of KiB.
const MAX_DOCUMENT_BYTES: usize = 1 << 20;
/// The only version of an attestation object.
const VERSION: u64 = 1;
/// Who attested is in each certificate. An index tells here with whose identity the file was
/// uploaded; users of this server have none that others could check.
const PUBLISHER: &str = r#"{"kind":"larder","claims":null}"#;
/// The folder of provenances among the files of a project.
const FOLDER: &str = "provenance/";

#[derive(Deserialize)]
struct Attestation {
    version: u64,
    verification_material: VerificationMaterial,
    envelope: Envelope,
}

#[derive(Deserialize)]
struct VerificationMaterial {
    certificate: String,
    transparency_entries: Vec<serde_json::Map<String, Value>>,
}

#[derive(Deserialize)]
struct Envelope {
    statement: String,
    signature: String,
}

/// What is signed, as an in-toto statement.
#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    _predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    name: String,
    digest: Digests,
}

#[derive(Deserialize)]
struct Digests {
    sha256: String,
}

/// The provenance of a file, and where it is kept.
pub(super) struct Provenance {
    path: String,
    document: String,
}

/// The media type of a provenance.
pub(super) const CONTENT_TYPE: &str = "application/vnd.pypi.integrity.v1+json";

/// The path of a file's provenance among the files of its project; `None` if the file's name has no
/// version, without which it has no address.
pub(super) fn path_of(project: &str, file: &str) -> Option<String> {
    Some(format!("{FOLDER}{}/{file}", version_of(project, file)?))
}

/// The document that is a file's provenance, at an upstream or here.
pub(super) fn document_of(project: &str, file: &str) -> Option<Document> {
    Some(Document::new(project, path_of(project, file)?))
}

/// The file whose provenance is at a path.
pub(super) fn file_of(path: &str) -> Option<&str> {
    let (_, file) = path.strip_prefix(FOLDER)?.split_once('/')?;
    Some(file)
}

/// Refuses bytes that are no provenance.
pub(super) fn check_document(body: &[u8]) -> Result<(), Problem> {
    /// The fields without which it is none.
    #[derive(Deserialize)]
    struct Fields {
        #[serde(rename = "attestation_bundles")]
        _bundles: Vec<IgnoredAny>,
    }
    if body.len() > MAX_DOCUMENT_BYTES {
        return Err(bad_document("a provenance of at most 1 MiB"));
    }
    serde_json::from_slice::<Fields>(without_bom(body))
        .map(drop)
        .map_err(|error| unreadable("a provenance", error))
}

/// Whether a path is that of a provenance.
pub(super) fn is_provenance(path: &str) -> bool {
    path.starts_with(FOLDER)
}

impl Provenance {
    /// Reads the attestations that came with a file of a project, whose bytes have this digest.
    pub(super) fn read(
        text: &str,
        (project, file): (&str, &str),
        digest: &Digest,
    ) -> Result<Option<Self>, Problem> {
        let all: Vec<&RawValue> = serde_json::from_str(text)
            .map_err(|error| invalid(format!("the attestations are no list in JSON: {error}")))?;
        if all.is_empty() {
            return Ok(None);
        }
        if all.len() > MAX_ATTESTATIONS {
            return Err(invalid(format!(
                "a file comes with at most {MAX_ATTESTATIONS} attestations"
            )));
        }
        for (number, attestation) in (1..).zip(&all) {
            check(attestation.get(), (project, file), digest)
                .map_err(|why| invalid(format!("attestation {number} of {file} {why}")))?;
        }
        let list: Vec<&str> = all.into_iter().map(RawValue::get).collect();
        let document = format!(
            "{{\"version\":1,\"attestation_bundles\":[{{\"publisher\":{PUBLISHER},\
             \"attestations\":[{}]}}]}}",
            list.join(",")
        );
        Self::of(project, file, document).map(Some)
    }

    /// The provenance that an index has of a file.
    pub(super) fn of(project: &str, file: &str, document: String) -> Result<Self, Problem> {
        let path = path_of(project, file).ok_or_else(|| {
            invalid("the file's name has no version, so nothing can tell of its attestations")
        })?;
        Ok(Self { path, document })
    }

    /// Whether one is among the files of the project already.
    pub(super) fn is_in(&self, files: &[StoredFile]) -> bool {
        let is_it = |file: &StoredFile| file.kind == FileKind::Artifact && *file.path == *self.path;
        files.iter().any(is_it)
    }

    /// The step that adds it to a version.
    pub(super) fn step(self, version: &str) -> Step {
        Step::Add {
            kind: FileKind::Artifact,
            path: self.path,
            version: version.to_owned(),
            content_type: CONTENT_TYPE,
            metadata: String::new(),
            bytes: Bytes::Inline(self.document.into_bytes()),
        }
    }
}

/// Fails, with the end of a sentence, if a text is no attestation of this file.
fn check(text: &str, (project, file): (&str, &str), digest: &Digest) -> Result<(), String> {
    let wrong = |error: serde_json::Error| format!("cannot be read: {error}");
    let attestation: Attestation = serde_json::from_str(text).map_err(wrong)?;
    if attestation.version != VERSION {
        let version = attestation.version;
        return Err(format!("has version {version}: {VERSION} is the only one"));
    }
    let material = &attestation.verification_material;
    require_base64("certificate", &material.certificate)?;
    if material.transparency_entries.is_empty() {
        return Err("has no entry of a transparency log".to_owned());
    }
    require_base64("signature", &attestation.envelope.signature)?;
    let statement = require_base64("statement", &attestation.envelope.statement)?;
    let statement: Statement = serde_json::from_slice(&statement)
        .map_err(|error| format!("has a statement that cannot be read: {error}"))?;
    if !statement.kind.starts_with("https://in-toto.io/Statement/") {
        return Err("has a statement that is none of in-toto".to_owned());
    }
    let [subject] = statement.subject.as_slice() else {
        return Err("is not about exactly one file".to_owned());
    };
    if !is_same_file(project, &subject.name, file) {
        return Err(format!("is about {:.200}, another file", subject.name));
    }
    if !subject.digest.sha256.eq_ignore_ascii_case(&digest.hex()) {
        return Err("is about a file with other bytes (another sha256)".to_owned());
    }
    Ok(())
}

fn require_base64(what: impl Display, text: &str) -> Result<Vec<u8>, String> {
    match STANDARD.decode(text) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(format!("has a {what} that is not base64")),
    }
}

/// Whether two names are of the same file of a project, in any spelling.
fn is_same_file(project: &str, one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (Some(one), Some(other)) = (Name::read(one), Name::read(other)) else {
        return false;
    };
    let identity = one.identity(project);
    one.kind == other.kind && identity.is_some() && identity == other.identity(project)
}

#[cfg(test)]
mod tests;
