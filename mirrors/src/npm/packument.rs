//! The packument: all that a registry tells of a package.
//!
//! Popular ones have ten megabytes and more. They are read in one pass that borrows, and written by
//! copying all that stays.

use super::names::{file_of, last_segment};
use crate::text::{not_that, path, segment, unreadable};
use crate::{Fetch, Integrity, RepoUrl};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_model::{Problem, hex};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

const WHAT: &str = "a packument";

/// A key of an object.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// A JSON object as it came: every entry, in order.
pub(super) struct Object<'a, V>(Vec<(Key<'a>, V)>);

/// An object whose values are not looked at.
pub(super) type RawObject<'a> = Object<'a, &'a RawValue>;

impl<V> Object<'_, V> {
    /// The value of a key; of several the last, as in JavaScript.
    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.0
            .iter()
            .rfind(|(name, _)| name.0 == key)
            .map(|(_, value)| value)
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|(key, value)| (&*key.0, value))
    }
}

impl<'de: 'a, 'a, V: Deserialize<'de>> Deserialize<'de> for Object<'a, V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries<'a, V>(PhantomData<(&'a (), V)>);
        impl<'de: 'a, 'a, V: Deserialize<'de>> Visitor<'de> for Entries<'a, V> {
            type Value = Object<'a, V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        from.deserialize_map(Entries(PhantomData))
    }
}

/// A packument, as far as it matters here.
#[derive(serde::Deserialize)]
pub(super) struct Packument<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    modified: Option<&'a RawValue>,
    #[serde(borrow, rename = "dist-tags")]
    tags: Option<&'a RawValue>,
    #[serde(borrow)]
    versions: Option<Object<'a, RawObject<'a>>>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
}

impl<'a> Packument<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        serde_json::from_str(utf8(body)?).map_err(|error| unreadable(WHAT, error))
    }

    /// Refuses one of another package, and one that has neither versions nor word that they were
    /// withdrawn.
    pub(super) fn check(&self, package: &str) -> Result<(), Problem> {
        if self.name != package {
            return Err(not_that("the packument of this package"));
        }
        let unpublished = || self.time("unpublished").is_some();
        if self.versions.is_some() || unpublished() {
            Ok(())
        } else {
            Err(not_that(WHAT))
        }
    }

    fn time(&self, key: &str) -> Option<&'a RawValue> {
        object(self.time?)?.get(key).copied()
    }

    fn versions(&self) -> impl Iterator<Item = (&str, &RawObject<'a>)> {
        self.versions.iter().flat_map(Object::entries)
    }

    /// The tags alone.
    pub(super) fn tags(&self) -> &'a str {
        self.tags.map_or("{}", RawValue::get)
    }

    /// What it tells of one version, or of the one that a tag points to, with addresses of this
    /// server.
    pub(super) fn version(&self, wanted: &str, urls: &TarballUrls<'_>) -> Option<String> {
        let versions = self.versions.as_ref()?;
        let tagged = || string(object(self.tags?)?.get(wanted)?);
        let version = if versions.get(wanted).is_some() {
            wanted.to_owned()
        } else {
            tagged()?
        };
        let mut out = "{".to_owned();
        for (at, (key, value)) in versions.get(&version)?.entries().enumerate() {
            out.push_str(if at == 0 { "" } else { "," });
            out.extend([&quoted(key), ":"]);
            match key {
                "dist" => splice(&mut out, value.get(), urls.edits(&version, value)),
                _ => out.push_str(value.get()),
            }
        }
        out.push('}');
        Some(out)
    }

    /// The whole, as it came in `body`, with addresses of this server.
    pub(super) fn full(&self, body: &[u8], urls: &TarballUrls<'_>) -> Result<Vec<u8>, Problem> {
        let edits = self.versions().flat_map(|(version, entries)| {
            let dists = entries.entries().filter(|(key, _)| *key == "dist");
            dists.flat_map(move |(_, dist)| urls.edits(version, dist))
        });
        let mut out = String::with_capacity(body.len() + body.len() / 16);
        splice(&mut out, utf8(body)?, edits);
        Ok(out.into_bytes())
    }

    /// What installers need, with addresses of this server.
    pub(super) fn abbreviated(&self, urls: &TarballUrls<'_>) -> Vec<u8> {
        let mut out = format!("{{\"name\":{}", quoted(&self.name));
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
        // Of a withdrawn package the time is all there is to tell.
        if let (None, Some(time)) = (&self.versions, self.time) {
            out.push_str(&format!(",\"time\":{time}"));
        }
        out.push('}');
        out.into_bytes()
    }

    /// Where a tarball is and what vouches for it. `version` is what its file name tells.
    pub(super) fn find(&self, package: &str, version: Option<&str>, file: &str) -> Option<Fetch> {
        let told =
            version.and_then(|version| Some((version, self.versions.as_ref()?.get(version)?)));
        let all = || {
            told.into_iter()
                .chain(self.versions())
                .filter_map(|(version, entries)| {
                    let dist = object(entries.get("dist")?)?;
                    let url = string(dist.get("tarball")?)?;
                    Some((version, url, dist))
                })
        };
        // A file that goes by the upstream's name only: lockfiles may have it, if just one version
        // does.
        let foreign = || {
            let mut found = all().filter(|(_, url, _)| last_segment(url) == file);
            found.next().filter(|_| found.next().is_none())
        };
        let served = all().find(|(version, url, _)| file_of(package, version, url) == file);
        let (_, url, dist) = served.or_else(foreign)?;
        Some(Fetch {
            url,
            integrity: integrity(&dist),
            size: None,
        })
    }
}

/// Where a package stands here.
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

    /// The values in a version's `dist` that become addresses of this server, in order.
    fn edits<'b>(&self, version: &str, dist: &'b RawValue) -> Vec<(&'b str, String)> {
        let mut edits = Vec::new();
        for (key, value) in object(dist).iter().flat_map(Object::entries) {
            match key {
                "tarball" => edits
                    .extend(string(value).map(|url| (value.get(), self.tarball(version, &url)))),
                "attestations" => {
                    let attestations = object(value);
                    let urls = attestations
                        .iter()
                        .flat_map(Object::entries)
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

/// Whether a version's field is one that installers read.
fn is_kept(field: &str) -> bool {
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

fn abbreviate(out: &mut String, version: &str, entries: &RawObject<'_>, urls: &TarballUrls<'_>) {
    out.push('{');
    let mut separator = "";
    for (key, value) in entries.entries().filter(|(key, _)| is_kept(key)) {
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

/// Whether installing a version runs a script of it.
fn runs_scripts(entries: &RawObject<'_>) -> bool {
    let says = |value: Option<&&RawValue>| {
        value.is_some_and(|value| !matches!(value.get(), "null" | "false" | "\"\""))
    };
    let scripts = entries.get("scripts").and_then(|scripts| object(scripts));
    let runs = |scripts: RawObject<'_>| {
        ["preinstall", "install", "postinstall"]
            .iter()
            .any(|key| says(scripts.get(key)))
    };
    entries
        .get("gypfile")
        .is_some_and(|value| value.get() == "true")
        || scripts.is_some_and(runs)
}

/// The strongest promise that a `dist` makes of its bytes.
fn integrity(dist: &RawObject<'_>) -> Integrity {
    let integrity = dist
        .get("integrity")
        .and_then(|value| string(value))
        .unwrap_or_default();
    let sri = |algorithm: &str| {
        integrity.split_whitespace().find_map(|item| {
            let encoded = item.strip_prefix(algorithm)?.strip_prefix('-')?;
            STANDARD.decode(encoded.split('?').next()?).ok() // options follow the question mark
        })
    };
    let digest = |algorithm: &str| {
        format!("{algorithm}:{}", hex::encode(&sri(algorithm)?))
            .parse()
            .ok()
    };
    if let Some(digest) = digest("sha512").or_else(|| digest("sha256")) {
        return Integrity::Digest(digest);
    }
    let shasum = || {
        let mut bytes = [0; 20];
        hex::decode_into(
            &string(dist.get("shasum")?)?.to_ascii_lowercase(),
            &mut bytes,
        )
        .map(|()| bytes)
    };
    let sha1 = sri("sha1")
        .and_then(|bytes| bytes.try_into().ok())
        .or_else(shasum);
    sha1.map_or(Integrity::None, Integrity::Sha1)
}

fn utf8(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|error| not_that(WHAT).because(error))
}

/// A value as an object, if it is one.
pub(super) fn object(value: &RawValue) -> Option<RawObject<'_>> {
    serde_json::from_str(value.get()).ok()
}

/// A value as a string, if it is one.
pub(super) fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Copies `text`, with other words for some of its parts. The parts are slices of it, in order:
/// their addresses tell where.
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
