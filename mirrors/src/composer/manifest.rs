//! The package in a zip file: what its composer.json says of it (Composer's "The composer.json
//! schema").
//!
//! Clients read what is published here for every version at once, and stop at the first one that they
//! cannot read. So what is of another type than the schema says is refused.

use super::names::{is_new_name, is_version};
use super::version::normalized;
use crate::archive::window::Window;
use crate::archive::{Fault, Limits, zip};
use crate::json::{Object, ObjectWriter, object, quoted};
use crate::publishing::PublishLimits;
use larder_model::{Problem, hex};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha1::{Digest as _, Sha1};
use std::borrow::Cow;

/// The file that describes a package.
const MANIFEST: &str = "composer.json";
/// The folder that one system adds to archives.
const FORKS: &str = "__MACOSX";
/// Limit on the target of a link.
const MAX_TARGET_BYTES: u64 = 4096;

/// What a value of the manifest has to be, if it is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Texts,
    TextOrTexts,
    /// An object of texts.
    Links,
    Object,
    List,
    /// `true`, `false`, or a text.
    Mark,
    Any,
}

/// The fields of a manifest that clients get, with what they are. Others are of the root package alone,
/// or told by this server.
const FIELDS: [(&str, Shape); 23] = [
    ("description", Shape::Text),
    ("type", Shape::Text),
    ("keywords", Shape::Texts),
    ("homepage", Shape::Text),
    ("license", Shape::TextOrTexts),
    ("authors", Shape::List),
    ("support", Shape::Object),
    ("funding", Shape::List),
    ("require", Shape::Links),
    ("require-dev", Shape::Links),
    ("conflict", Shape::Links),
    ("replace", Shape::Links),
    ("provide", Shape::Links),
    ("suggest", Shape::Links),
    ("autoload", Shape::Object),
    ("autoload-dev", Shape::Object),
    ("bin", Shape::TextOrTexts),
    ("extra", Shape::Any),
    ("include-path", Shape::Texts),
    ("target-dir", Shape::Text),
    ("abandoned", Shape::Mark),
    ("default-branch", Shape::Mark),
    ("php-ext", Shape::Object),
];

/// The metadata of a version in the store.
#[derive(Deserialize)]
pub(super) struct VersionMetadata<'a> {
    /// What clients get of its manifest.
    #[serde(borrow)]
    pub(super) manifest: Object<'a>,
    /// The SHA-1 of its archive, which clients compare, in hex.
    pub(super) shasum: String,
}

impl<'a> VersionMetadata<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Problem> {
        serde_json::from_str(text).map_err(Problem::internal)
    }
}

/// A package in a zip file.
pub(super) struct Package {
    /// Its name, which is in its canonical form.
    pub(super) name: String,
    /// Its version, as its author spells it.
    pub(super) version: String,
    /// The SHA-1 of the file, in hex.
    pub(super) shasum: String,
    /// Its metadata, as it is stored.
    pub(super) metadata: String,
}

impl Package {
    /// Reads the package in a zip file. `version`: the one that the request tells, where the manifest
    /// need not have one.
    pub(super) fn read(
        file: &mut Window<'_>,
        version: Option<&str>,
        limits: &PublishLimits,
    ) -> Result<Self, Problem> {
        let bytes = manifest_of(file, limits)?;
        let manifest = read_manifest(&bytes)?;
        let name = name_of(&manifest)?;
        let version = version_of(&manifest, version)?;
        let mut kept = ObjectWriter::new();
        for (field, shape) in FIELDS {
            let value = manifest.raw(field).filter(|value| value.get() != "null");
            if let Some(value) = value {
                require(field, shape, value)?;
                kept.put(field, value);
            }
        }
        let mut hasher = Sha1::new();
        let read = file.each(|piece| hasher.update(piece));
        read.map_err(Problem::internal)?;
        let shasum = hex::encode(&hasher.finalize());
        let mut metadata = ObjectWriter::new();
        metadata.put("manifest", kept.end());
        metadata.put("shasum", quoted(&shasum));
        // `{sha256}` is a placeholder in stored metadata: escape it.
        let metadata = metadata.end().replace("{sha256}", "\\u007bsha256}");
        let bytes = metadata.len() as u64;
        limits
            .metadata
            .require("package", "the composer.json of the package", bytes)?;
        Ok(Self {
            name,
            version,
            shasum,
            metadata,
        })
    }
}

/// The canonical name of the package in a zip file, as far as the manifest has to be read for it.
pub(super) fn name_in(file: &mut Window<'_>, limits: &PublishLimits) -> Result<String, Problem> {
    let bytes = manifest_of(file, limits)?;
    name_of(&read_manifest(&bytes)?)
}

fn invalid(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::invalid("package", detail)
}

fn refusal(fault: Fault) -> Problem {
    fault.problem("package", "the zip file")
}

fn limits_of(limits: &PublishLimits) -> Limits {
    Limits {
        entries: 100_000,
        path_bytes: 1024,
        unpacked: limits.unpacked,
        ratio: 100,
    }
}

/// The bytes of the manifest: at the top of the archive, or in the one folder that is there.
fn manifest_of(file: &mut Window<'_>, limits: &PublishLimits) -> Result<Vec<u8>, Problem> {
    let entries = zip::entries(file, &limits_of(limits)).map_err(refusal)?;
    check_links(file, &entries)?;
    let tops = entries.iter().map(|entry| entry.name.as_str());
    let tops = tops.filter(|name| name.split('/').next() != Some(FORKS));
    let mut tops: Vec<&str> = tops
        .map(|name| name.split('/').next().unwrap_or(name))
        .collect();
    tops.sort_unstable();
    tops.dedup();
    let named = |wanted: &str| entries.iter().find(|entry| entry.name == wanted);
    let below = || match tops.as_slice() {
        [top] => named(&format!("{top}/{MANIFEST}")),
        _ => None,
    };
    let entry = named(MANIFEST).or_else(below).ok_or_else(|| {
        invalid("the zip file has no composer.json, neither at its top nor in its only folder")
    })?;
    zip::content(file, entry, limits.metadata).map_err(refusal)
}

/// Refuses links that lead out of the archive, and entries below links.
fn check_links(file: &mut Window<'_>, entries: &[zip::Entry]) -> Result<(), Problem> {
    let mut links = Vec::new();
    for entry in entries.iter().filter(|entry| entry.is_link()) {
        let target = zip::content(file, entry, MAX_TARGET_BYTES).map_err(refusal)?;
        let target = String::from_utf8(target).unwrap_or_else(|_| "/".to_owned());
        if !stays_inside(&entry.name, &target) {
            let name = &entry.name;
            return Err(invalid(format!(
                "the zip file has a link that leads out of it: {name:.200}"
            )));
        }
        links.push(format!("{}/", entry.name));
    }
    let below = |entry: &&zip::Entry| links.iter().any(|link| entry.name.starts_with(link));
    match entries.iter().find(below) {
        Some(entry) => Err(invalid(format!(
            "the zip file has an entry below a link: {:.200}",
            entry.name
        ))),
        None => Ok(()),
    }
}

/// Whether the target of a link is below the top of the archive.
fn stays_inside(link: &str, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains(['\\', ':', '\0']) {
        return false;
    }
    let mut depth = link.split('/').count() - 1;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return false,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    true
}

fn read_manifest(bytes: &[u8]) -> Result<Object<'_>, Problem> {
    let refused = |error: String| invalid(format!("composer.json is not a JSON object: {error}"));
    let text = str::from_utf8(bytes).map_err(|error| refused(error.to_string()))?;
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).map_err(|error| refused(error.to_string()))
}

fn name_of(manifest: &Object<'_>) -> Result<String, Problem> {
    let name = manifest.text("name");
    let name = name.ok_or_else(|| invalid("composer.json has no name"))?;
    if is_new_name(&name) {
        return Ok(name.into_owned());
    }
    Err(invalid(format!(
        "`{name:.200}` cannot be the name of a package: it is VENDOR/PROJECT, of lower case letters \
         and digits with single . _ - between them"
    )))
}

/// The version, by the manifest's word or the request's: where both tell one it is the same.
fn version_of(manifest: &Object<'_>, told: Option<&str>) -> Result<String, Problem> {
    let own = manifest
        .raw("version")
        .filter(|value| value.get() != "null");
    let own = own.map(|value| {
        crate::json::text(value).ok_or_else(|| invalid("composer.json's version is no text"))
    });
    let own = own.transpose()?;
    if let (Some(own), Some(told)) = (&own, told)
        && !super::metadata::is_same(own, told)
    {
        return Err(invalid(format!(
            "composer.json has the version {own:.200}, and the request {told:.200}"
        )));
    }
    let version = own.as_deref().or(told).ok_or_else(|| {
        invalid("composer.json has no version: tell it in the address, upload?version=1.2.3")
    })?;
    let version = version.trim();
    if is_version(version) && normalized(version).is_some() {
        return Ok(version.to_owned());
    }
    Err(invalid(format!(
        "`{version:.200}` is no version: versions are like 1.2.3, 2.0.0-beta1 or dev-main"
    )))
}

/// Fails unless a value is what its field has to be.
fn require(field: &str, shape: Shape, value: &RawValue) -> Result<(), Problem> {
    let is_text = |value: &Value| value.is_string();
    let read: Value = serde_json::from_str(value.get()).map_err(Problem::internal)?;
    let is_texts = |value: &Value| {
        value
            .as_array()
            .is_some_and(|list| list.iter().all(is_text))
    };
    // PHP writes an empty object as a list.
    let is_nothing = read.as_array().is_some_and(Vec::is_empty);
    let fits = match shape {
        Shape::Text => is_text(&read),
        Shape::Texts => is_texts(&read),
        Shape::TextOrTexts => is_text(&read) || is_texts(&read),
        Shape::Links => {
            is_nothing
                || read
                    .as_object()
                    .is_some_and(|links| links.values().all(is_text))
        }
        Shape::Object => is_nothing || read.is_object(),
        Shape::List => read.is_array(),
        Shape::Mark => read.is_boolean() || is_text(&read),
        Shape::Any => read.is_object() || read.is_array(),
    };
    // A key that is there twice is another one for whoever reads the last.
    let is_clear = !read.is_object() || object(value).is_some();
    if fits && is_clear {
        return Ok(());
    }
    let expected = match shape {
        Shape::Text => "a text",
        Shape::Texts => "a list of texts",
        Shape::TextOrTexts => "a text or a list of texts",
        Shape::Links => "an object of texts",
        Shape::Object => "an object",
        Shape::List => "a list",
        Shape::Mark => "true, false or a text",
        Shape::Any => "an object or a list",
    };
    Err(invalid(format!(
        "composer.json's {field} is not {expected}"
    )))
}

#[cfg(test)]
mod tests;
