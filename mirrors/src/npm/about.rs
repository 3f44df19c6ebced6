//! What is told of a version: the packument tells all but, mostly, the readme.

use super::packument::{WHAT, utf8};
use crate::archive::{Fault, Limits, folder};
use crate::describing::{
    About, Dependency, DescribedFile, Describing, Marks, Readme, ReadmeFormat, short,
};
use crate::json::{Object, text, unreadable};
use crate::publishing::Body;
use crate::resource::Document;
use larder_model::{FileKind, Limit, Problem, StoredFile};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Limits of a tarball that is described.
const LIMITS: Limits = Limits {
    entries: 100_000,
    path_bytes: 4096,
    unpacked: Limit::fixed(1 << 30),
    ratio: 100,
};
const MANIFEST: &str = "package.json";
/// What the public registry writes where there is no readme.
const NO_README: &str = "ERROR: No README data found!";
/// Scripts that run where a package is installed.
const SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];

/// The fields of a packument that are told.
#[derive(Deserialize)]
struct Packument<'a> {
    #[serde(borrow, default, rename = "dist-tags")]
    tags: Option<Object<'a>>,
    #[serde(borrow, default)]
    versions: Option<Object<'a, Option<Object<'a>>>>,
    #[serde(borrow, default)]
    readme: Option<&'a serde_json::value::RawValue>,
}

impl<'a> Packument<'a> {
    fn read(body: &'a [u8]) -> Result<Self, Problem> {
        serde_json::from_str(utf8(body)?).map_err(|error| unreadable(WHAT, error))
    }

    fn is_latest(&self, version: &str) -> bool {
        let tags = self.tags.as_ref();
        tags.and_then(|tags| tags.text("latest")).as_deref() == Some(version)
    }
}

/// A readme that a document holds.
fn readme(text: &str) -> Option<Readme> {
    let is_there = text.trim() != NO_README;
    Readme::new(ReadmeFormat::Markdown, text).filter(|_| is_there)
}

/// A text, or that of a field of an object.
fn text_or(value: &Value, field: &str) -> Option<String> {
    value
        .as_str()
        .or_else(|| value[field].as_str())
        .and_then(short)
}

/// The values of a list, or one value.
fn each(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

/// An address of a repository as a browser opens it.
fn in_browser(url: &str) -> String {
    let url = url.trim();
    let url = url.strip_prefix("git+").unwrap_or(url);
    let url = url.strip_suffix(".git").unwrap_or(url);
    match url.strip_prefix("git://") {
        Some(rest) => format!("https://{rest}"),
        None => url.to_owned(),
    }
}

/// `name <mail>`, of a text or an object.
fn person(value: &Value) -> Option<String> {
    let Some(name) = value["name"].as_str() else {
        return value.as_str().and_then(short);
    };
    match value["email"].as_str() {
        Some(mail) => short(&format!("{name} <{mail}>")),
        None => short(name),
    }
}

/// The dependencies of a field.
fn dependencies(manifest: &Value, field: &str, kind: &'static str) -> Vec<Dependency> {
    let optional = &manifest["optionalDependencies"];
    let peers = &manifest["peerDependenciesMeta"];
    let all = manifest[field].as_object().into_iter().flatten();
    let wanted = all.filter(|(name, _)| kind != "runtime" || optional.get(name).is_none());
    let read = wanted.map(|(name, range)| {
        let range = range.as_str().unwrap_or_default();
        let (real, range) = match range.strip_prefix("npm:") {
            // An alias: `npm:other@^1`.
            Some(other) => match other.char_indices().skip(1).find(|(_, char)| *char == '@') {
                Some((at, _)) => (&other[..at], &other[at + 1..]),
                None => (other, ""),
            },
            None => (&**name, range),
        };
        let is_here = !range.contains([':', '/']);
        Dependency {
            name: real.to_owned(),
            package: is_here.then(|| real.to_owned()),
            requirement: range.to_owned(),
            kind,
            optional: kind == "optional" || peers[name]["optional"] == Value::Bool(true),
            ..Dependency::default()
        }
    });
    read.collect()
}

/// What a manifest tells, of a packument or of a tarball.
fn of_manifest(manifest: &Value) -> About {
    let mut about = About {
        summary: manifest["description"].as_str().map(str::to_owned),
        license: text_or(&manifest["license"], "type"),
        readme: manifest["readme"].as_str().and_then(readme),
        ..About::default()
    };
    if about.license.is_none() {
        let all = each(&manifest["licenses"]).iter();
        let all: Vec<String> = all.filter_map(|one| text_or(one, "type")).collect();
        about.license = (!all.is_empty()).then(|| all.join(" OR "));
    }
    let url = |field: &str| text_or(&manifest[field], "url").unwrap_or_default();
    about.link("homepage", &url("homepage"));
    about.link("repository", &in_browser(&url("repository")));
    about.link("issues", &url("bugs"));
    let people = ["author", "contributors"].into_iter();
    let people = people
        .flat_map(|field| each(&manifest[field]))
        .filter_map(person);
    about.authors = people.collect();
    for (field, kind) in [
        ("dependencies", "runtime"),
        ("optionalDependencies", "optional"),
        ("peerDependencies", "peer"),
        ("devDependencies", "development"),
    ] {
        about
            .dependencies
            .extend(dependencies(manifest, field, kind));
    }
    let words = |value: &Value| -> Vec<String> {
        each(value)
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect()
    };
    let engines = manifest["engines"].as_object().into_iter().flatten();
    let engines = engines.filter_map(|(name, range)| Some(format!("{name} {}", range.as_str()?)));
    about.fact("engines", engines.collect::<Vec<_>>());
    about.fact("os", words(&manifest["os"]));
    about.fact("cpu", words(&manifest["cpu"]));
    let scripts = &manifest["scripts"];
    let own = SCRIPTS
        .iter()
        .filter_map(|name| Some(format!("{name}: {}", scripts[name].as_str()?)));
    about.fact("install_scripts", own.collect::<Vec<_>>());
    about.fact("keywords", words(&manifest["keywords"]));
    about
}

/// Descriptions of packages.
pub(super) struct PackageAbouts;

impl Describing for PackageAbouts {
    fn marks(&self, _: &Document, body: &[u8]) -> Result<Marks, Problem> {
        let packument = Packument::read(body)?;
        let tags = packument.tags.iter().flat_map(Object::texts);
        let tags = tags.map(|(tag, version)| (tag.into_owned(), version.into_owned()));
        let versions = packument.versions.iter().flat_map(Object::iter);
        let deprecated = versions.filter_map(|(version, manifest)| {
            let manifest = manifest.as_ref()?;
            let text = manifest.text("deprecated").filter(|text| !text.is_empty());
            let is_set = || {
                manifest
                    .raw("deprecated")
                    .is_some_and(|raw| raw.get() == "true")
            };
            let text = text.or_else(|| is_set().then_some(Cow::Borrowed("")))?;
            Some((version.to_owned(), short(&text).unwrap_or_default()))
        });
        Ok(Marks {
            deprecated: deprecated.collect(),
            tags: tags.collect(),
            yanked: BTreeMap::new(),
        })
    }

    fn of_document(
        &self,
        _: &Document,
        version: &str,
        body: &[u8],
    ) -> Result<Option<About>, Problem> {
        let packument = Packument::read(body)?;
        let versions = packument.versions.as_ref();
        let Some(found) = versions.and_then(|versions| versions.get(version)?.as_ref()) else {
            return Ok(None);
        };
        let mut manifest = serde_json::Map::new();
        for (key, value) in found.iter() {
            let value = serde_json::from_str(value.get());
            manifest.insert(
                key.to_owned(),
                value.map_err(|error| unreadable(WHAT, error))?,
            );
        }
        let mut about = of_manifest(&Value::Object(manifest));
        if about.readme.is_none() && packument.is_latest(version) {
            // The one at the top is that of the latest version.
            let all = packument.readme.and_then(text);
            about.readme = all.as_deref().and_then(readme);
        }
        Ok(Some(about))
    }

    fn choose<'f>(&self, files: &'f [StoredFile]) -> Option<&'f StoredFile> {
        let is_tarball =
            |file: &&StoredFile| file.kind == FileKind::Artifact && file.path.starts_with("-/");
        files.iter().find(is_tarball)
    }

    fn of_file(&self, file: &DescribedFile<'_>, body: &mut dyn Body) -> Result<About, Problem> {
        body.rewind().map_err(Problem::internal)?;
        let is_wanted = |name: &str| name == MANIFEST || folder::is_readme(name);
        let files = folder::wanted(body, (&LIMITS, file.size), is_wanted);
        let files = files.map_err(|fault: Fault| fault.problem("tarball", "the tarball"))?;
        let manifest = files.iter().find(|(name, _)| name == MANIFEST);
        let manifest = manifest.and_then(|(_, bytes)| {
            let text = String::from_utf8_lossy(bytes);
            serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
        });
        let about = manifest.as_ref().map(of_manifest).unwrap_or_default();
        Ok(About {
            readme: folder::readme(&files, None),
            ..about
        })
    }
}

#[cfg(test)]
mod tests;
