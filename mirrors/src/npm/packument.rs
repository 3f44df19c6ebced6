//! The packument: the document that describes a package and all of its versions.
//!
//! Those of popular packages have ten megabytes and more. They are parsed once without copies, and
//! written by copying all text that does not change.

use super::names::file_of;
use crate::json::{self, Object, object, quoted, text, unreadable};
use crate::rendering::Rendering;
use crate::resource::{Document, RenderRequest};
use crate::text::{bad_document, path, segment, without_bom};
use larder_model::Problem;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

pub(super) const WHAT: &str = "a packument";
/// The path of a packument among the files of its package.
pub(super) const PACKUMENT: &str = "packument";

/// The packument of a package.
pub(super) fn packument_of(package: &str) -> Document {
    Document::new(package, PACKUMENT)
}

/// The fields of a packument that this module needs.
#[derive(serde::Deserialize)]
pub(super) struct Packument<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    modified: Option<&'a RawValue>,
    #[serde(borrow, rename = "dist-tags")]
    tags: Option<&'a RawValue>,
    #[serde(borrow)]
    versions: Option<Object<'a, Option<Object<'a>>>>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
}

impl<'a> Packument<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        serde_json::from_str(utf8(body)?).map_err(|error| unreadable(WHAT, error))
    }

    /// Refuses the packument of another package, one that has neither versions nor the time at which
    /// they were unpublished, and one with duplicate keys where addresses and hashes are. Clients
    /// need no name, and pass over versions that are `null`; returns how many there are.
    pub(super) fn check(&self, package: &str) -> Result<usize, Problem> {
        if self.name.as_ref().is_some_and(|name| name != package) {
            return Err(bad_document("the packument of this package"));
        }
        if self.versions.is_none() && self.time("unpublished").is_none() {
            return Err(bad_document(WHAT));
        }
        let dists = self
            .versions()
            .filter_map(|(_, entries)| entries.raw("dist"));
        for dist in dists {
            let dist = json::nested(WHAT, dist)?;
            if let Some(attestations) = dist.raw("attestations") {
                json::nested(WHAT, attestations)?;
            }
        }
        let all = self.versions.as_ref().map_or(0, Object::len);
        Ok(all - self.versions().count())
    }

    fn time(&self, key: &str) -> Option<&'a RawValue> {
        object(self.time?)?.raw(key)
    }

    fn versions(&self) -> impl Iterator<Item = (&str, &Object<'a>)> {
        let all = self.versions.iter().flat_map(Object::iter);
        all.filter_map(|(version, entries)| Some((version, entries.as_ref()?)))
    }

    /// The object of tags.
    pub(super) fn tags(&self) -> &'a str {
        self.tags.map_or("{}", RawValue::get)
    }

    /// The full packument, as it is in `body`, with URLs of this server.
    pub(super) fn full(&self, body: &[u8], urls: &TarballUrls<'_>) -> Result<Rendering, Problem> {
        let edits = self.versions().flat_map(|(version, entries)| {
            let dists = entries.iter().filter(|(key, _)| *key == "dist");
            dists.flat_map(move |(_, dist)| urls.edits(version, dist))
        });
        let mut out = urls.begin(body.len() + body.len() / 8);
        splice(&mut out, utf8(body)?, edits);
        Ok(out)
    }

    /// The abbreviated packument, which has what installers need, with URLs of this server.
    pub(super) fn abbreviated(&self, capacity: usize, urls: &TarballUrls<'_>) -> Rendering {
        let mut out = urls.begin(capacity);
        out.push_str(&format!("{{\"name\":{}", quoted(urls.package)));
        if let Some(modified) = self.time("modified").or(self.modified) {
            out.push_str(&format!(",\"modified\":{modified}"));
        }
        out.push_str(&format!(",\"dist-tags\":{},\"versions\":{{", self.tags()));
        for (at, (version, entries)) in self.versions().enumerate() {
            out.push_str(if at == 0 { "" } else { "," });
            out.push_str(&quoted(version));
            out.push_str(":");
            abbreviate(&mut out, version, entries, urls);
        }
        out.push_str("}");
        // A package of which all versions are unpublished has only a time.
        if let (None, Some(time)) = (&self.versions, self.time) {
            out.push_str(&format!(",\"time\":{time}"));
        }
        out.push_str("}");
        out
    }
}

/// The manifest of a version, as it is in a packument, with URLs of this server.
pub(super) fn version(
    version: &str,
    manifest: &[u8],
    urls: &TarballUrls<'_>,
) -> Result<Rendering, Problem> {
    let manifest = utf8(manifest)?;
    let entries: Object<'_> =
        serde_json::from_str(manifest).map_err(|error| unreadable(WHAT, error))?;
    let dists = entries.iter().filter(|(key, _)| *key == "dist");
    let edits = dists.flat_map(|(_, dist)| urls.edits(version, dist));
    let mut out = urls.begin(manifest.len());
    splice(&mut out, manifest, edits);
    Ok(out)
}

/// The entries of an object whose values are strings.
pub(super) fn object_of_texts(value: Option<&RawValue>) -> HashMap<Box<str>, Box<str>> {
    let entries = value.and_then(object).unwrap_or_default();
    let texts = entries.texts().into_iter();
    texts
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

/// Builds the URLs that this server has for the files of a package.
pub(super) struct TarballUrls<'a> {
    repo_path: &'a str,
    place_bytes: usize,
    package: &'a str,
}

impl<'a> TarballUrls<'a> {
    pub(super) fn new(request: &RenderRequest<'a>, package: &'a str) -> Self {
        Self {
            repo_path: request.repo_path,
            place_bytes: request.place_bytes,
            package,
        }
    }

    fn begin(&self, capacity: usize) -> Rendering {
        Rendering::new(self.place_bytes, capacity)
    }

    /// The values in a version's `dist` that become URLs of this server, in their order, with the
    /// paths of these.
    fn edits<'b>(&self, version: &str, dist: &'b RawValue) -> Vec<(&'b str, String)> {
        let mut edits = Vec::new();
        for (key, value) in object(dist).iter().flat_map(Object::iter) {
            match key {
                "tarball" => {
                    let url = text(value);
                    edits.extend(url.map(|url| (value.get(), self.tarball(version, &url))));
                }
                "attestations" => {
                    let attestations = object(value);
                    let urls = attestations
                        .iter()
                        .flat_map(Object::iter)
                        .filter(|(key, _)| *key == "url");
                    edits.extend(urls.map(|(_, url)| (url.get(), self.attestations(version))));
                }
                _ => {}
            }
        }
        edits
    }

    fn tarball(&self, version: &str, url: &str) -> String {
        let file = file_of(self.package, version, url);
        format!(
            "{}/{}/-/{}",
            self.repo_path,
            path(self.package),
            segment(&file)
        )
    }

    fn attestations(&self, version: &str) -> String {
        format!(
            "{}/-/npm/v1/attestations/{}@{}",
            self.repo_path,
            path(self.package),
            segment(version)
        )
    }
}

/// Whether a field of a version is in the abbreviated packument.
fn is_abbreviated(field: &str) -> bool {
    let plain = matches!(
        field,
        "name"
            | "version"
            | "deprecated"
            | "bin"
            | "directories"
            | "dist"
            | "engines"
            | "funding"
            | "cpu"
            | "os"
            | "libc"
    );
    let dependencies = matches!(
        field,
        "dependencies"
            | "optionalDependencies"
            | "devDependencies"
            | "bundleDependencies"
            | "bundledDependencies"
            | "peerDependencies"
            | "peerDependenciesMeta"
            | "acceptDependencies"
    );
    plain || dependencies || matches!(field, "_hasShrinkwrap" | "hasInstallScript")
}

/// Writes the abbreviated manifest of a version.
fn abbreviate(out: &mut Rendering, version: &str, entries: &Object<'_>, urls: &TarballUrls<'_>) {
    out.push_str("{");
    let mut separator = "";
    for (key, value) in entries.iter().filter(|(key, _)| is_abbreviated(key)) {
        out.push_str(separator);
        separator = ",";
        for text in ["\"", key, "\":"] {
            out.push_str(text);
        }
        match key {
            "dist" => splice(out, value.get(), urls.edits(version, value)),
            _ => out.push_str(value.get()),
        }
    }
    if entries.get("hasInstallScript").is_none() && runs_scripts(entries) {
        out.push_str(separator);
        out.push_str("\"hasInstallScript\":true");
    }
    out.push_str("}");
}

/// Whether a client runs scripts of the version when it installs it.
fn runs_scripts(entries: &Object<'_>) -> bool {
    let is_set = |value: Option<&&RawValue>| {
        value.is_some_and(|value| !matches!(value.get(), "null" | "false" | "\"\""))
    };
    let scripts = entries.get("scripts").and_then(|scripts| object(scripts));
    let runs = |scripts: Object<'_>| {
        ["preinstall", "install", "postinstall"]
            .iter()
            .any(|key| is_set(scripts.get(key)))
    };
    entries
        .get("gypfile")
        .is_some_and(|value| value.get() == "true")
        || scripts.is_some_and(runs)
}

pub(super) fn utf8(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(without_bom(body)).map_err(|error| bad_document(WHAT).because(error))
}

/// Copies `text` and replaces some parts of it by URLs of this server. The parts are slices of `text`,
/// in its order; their pointers tell where they are.
fn splice<'a>(out: &mut Rendering, text: &str, edits: impl IntoIterator<Item = (&'a str, String)>) {
    let mut rest = text;
    for (old, new) in edits {
        let at = old.as_ptr().addr().wrapping_sub(rest.as_ptr().addr());
        let after = rest.get(at..).and_then(|found| found.get(old.len()..));
        if let (Some(before), Some(after)) = (rest.get(..at), after) {
            out.push_str(before);
            out.push_url(&new);
            rest = after;
        }
    }
    out.push_str(rest);
}
