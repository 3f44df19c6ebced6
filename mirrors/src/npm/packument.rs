//! The packument: the document that describes a package and all of its versions.
//!
//! Those of popular packages have ten megabytes and more. They are parsed once without copies, and
//! written by copying all text that does not change.

use super::names::file_of;
use crate::RepoUrl;
use crate::json::{self, Object, ObjectWriter, object, quoted, text, unreadable};
use crate::resource::Document;
use crate::text::{bad_document, path, segment, without_bom};
use larder_model::Problem;
use serde_json::value::RawValue;
use std::borrow::Cow;

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

    fn entries(&self, version: &str) -> Option<&Object<'a>> {
        self.versions.as_ref()?.get(version)?.as_ref()
    }

    /// The object of tags.
    pub(super) fn tags(&self) -> &'a str {
        self.tags.map_or("{}", RawValue::get)
    }

    /// The manifest of a version, or of the version that a tag points to, with URLs of this server.
    pub(super) fn version(&self, wanted: &str, urls: &TarballUrls<'_>) -> Option<String> {
        let tagged = || object(self.tags?)?.text(wanted);
        let version = if self.entries(wanted).is_some() {
            Cow::Borrowed(wanted)
        } else {
            tagged()?
        };
        let mut out = ObjectWriter::new();
        for (key, value) in self.entries(&version)?.iter() {
            match key {
                "dist" => {
                    let mut dist = String::new();
                    splice(&mut dist, value.get(), urls.edits(&version, value));
                    out.put(key, dist);
                }
                _ => out.put(key, value),
            }
        }
        Some(out.end())
    }

    /// The full packument, as it is in `body`, with URLs of this server.
    pub(super) fn full(&self, body: &[u8], urls: &TarballUrls<'_>) -> Result<Vec<u8>, Problem> {
        let edits = self.versions().flat_map(|(version, entries)| {
            let dists = entries.iter().filter(|(key, _)| *key == "dist");
            dists.flat_map(move |(_, dist)| urls.edits(version, dist))
        });
        let mut out = String::with_capacity(body.len() + body.len() / 16);
        splice(&mut out, utf8(body)?, edits);
        Ok(out.into_bytes())
    }

    /// The abbreviated packument, which has what installers need, with URLs of this server.
    pub(super) fn abbreviated(&self, urls: &TarballUrls<'_>) -> Vec<u8> {
        let mut out = format!("{{\"name\":{}", quoted(urls.package));
        if let Some(modified) = self.time("modified").or(self.modified) {
            out.push_str(&format!(",\"modified\":{modified}"));
        }
        out.push_str(&format!(",\"dist-tags\":{},\"versions\":{{", self.tags()));
        for (at, (version, entries)) in self.versions().enumerate() {
            out.push_str(if at == 0 { "" } else { "," });
            out.push_str(&quoted(version));
            out.push(':');
            abbreviate(&mut out, version, entries, urls);
        }
        out.push('}');
        // A package of which all versions are unpublished has only a time.
        if let (None, Some(time)) = (&self.versions, self.time) {
            out.push_str(&format!(",\"time\":{time}"));
        }
        out.push('}');
        out.into_bytes()
    }
}

/// Builds the URLs that this server has for the files of a package.
pub(super) struct TarballUrls<'a> {
    base: String,
    package: &'a str,
}

impl<'a> TarballUrls<'a> {
    pub(super) fn new(repo_url: &RepoUrl<'_>, package: &'a str) -> Self {
        Self {
            base: repo_url.base(),
            package,
        }
    }

    /// The values in a version's `dist` that become URLs of this server, in their order, with their
    /// replacements.
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
        quoted(&format!(
            "{}/{}/-/{}",
            self.base,
            path(self.package),
            segment(&file)
        ))
    }

    fn attestations(&self, version: &str) -> String {
        quoted(&format!(
            "{}/-/npm/v1/attestations/{}@{}",
            self.base,
            path(self.package),
            segment(version)
        ))
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
            | "peerDependencies"
            | "peerDependenciesMeta"
            | "acceptDependencies"
    );
    plain || dependencies || matches!(field, "_hasShrinkwrap" | "hasInstallScript")
}

/// Writes the abbreviated manifest of a version.
fn abbreviate(out: &mut String, version: &str, entries: &Object<'_>, urls: &TarballUrls<'_>) {
    out.push('{');
    let mut separator = "";
    for (key, value) in entries.iter().filter(|(key, _)| is_abbreviated(key)) {
        out.push_str(separator);
        separator = ",";
        out.extend(["\"", key, "\":"]);
        match key {
            "dist" => splice(out, value.get(), urls.edits(version, value)),
            _ => out.push_str(value.get()),
        }
    }
    if entries.get("hasInstallScript").is_none() && runs_scripts(entries) {
        out.extend([separator, "\"hasInstallScript\":true"]);
    }
    out.push('}');
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

/// Copies `text` and replaces some parts of it. The parts are slices of `text`, in its order; their
/// pointers give their places.
fn splice<'a>(out: &mut String, text: &str, edits: impl IntoIterator<Item = (&'a str, String)>) {
    let mut rest = text;
    for (old, new) in edits {
        let at = old.as_ptr().addr().wrapping_sub(rest.as_ptr().addr());
        let after = rest.get(at..).and_then(|found| found.get(old.len()..));
        if let (Some(before), Some(after)) = (rest.get(..at), after) {
            out.push_str(before);
            out.push_str(&new);
            rest = after;
        }
    }
    out.push_str(rest);
}
