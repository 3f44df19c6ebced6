//! What is told of a crate: the index tells what it needs, its `Cargo.toml` the rest.

use super::index::{entries, entry_of};
use super::names::canonical;
use crate::archive::Limits;
use crate::archive::folder;
use crate::describing::{About, Dependency, DescribedFile, Describing, Marks, short};
use crate::publishing::Body;
use crate::resource::Document;
use larder_model::{FileKind, Limit, Problem, StoredFile};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Limits of a crate file that is described.
const LIMITS: Limits = Limits {
    entries: 50_000,
    path_bytes: 4096,
    unpacked: Limit::fixed(1 << 30),
    ratio: 100,
};
const MANIFEST: &str = "Cargo.toml";

/// The fields of an index line that are told.
#[derive(Deserialize)]
pub(super) struct Line {
    vers: String,
    #[serde(default)]
    deps: Vec<Needed>,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    features2: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    yanked: bool,
    #[serde(default)]
    rust_version: Option<String>,
    #[serde(default)]
    links: Option<String>,
}

#[derive(Deserialize)]
struct Needed {
    name: String,
    req: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    registry: Option<String>,
    #[serde(default)]
    package: Option<String>,
}

impl From<Needed> for Dependency {
    fn from(needed: Needed) -> Self {
        // Another registry's crate of that name is another crate.
        let is_here = needed.registry.is_none();
        let name = needed.package.unwrap_or(needed.name);
        Self {
            package: is_here.then(|| canonical(&name)),
            name,
            requirement: needed.req,
            kind: match needed.kind.as_deref() {
                Some("dev") => "development",
                Some("build") => "build",
                _ => "runtime",
            },
            optional: needed.optional,
            features: needed.features,
            condition: needed.target.unwrap_or_default(),
        }
    }
}

impl Line {
    fn about(self) -> About {
        let mut about = About {
            dependencies: self.deps.into_iter().map(Into::into).collect(),
            ..About::default()
        };
        let features = self.features.into_keys();
        let features = features.chain(self.features2.unwrap_or_default().into_keys());
        about.fact("features", features);
        about.fact("rust_version", self.rust_version);
        about.fact("links", self.links);
        about
    }
}

/// The fields of a `Cargo.toml` that are told. What cargo packs has no field of the workspace.
#[derive(Deserialize)]
struct File {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    description: Option<String>,
    license: Option<String>,
    #[serde(rename = "license-file")]
    license_file: Option<String>,
    homepage: Option<String>,
    repository: Option<String>,
    documentation: Option<String>,
    #[serde(default)]
    authors: Vec<String>,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    readme: Option<ReadmeField>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ReadmeField {
    Path(String),
    Whether(bool),
}

/// Descriptions of crates.
pub(super) struct CrateAbouts;

impl Describing for CrateAbouts {
    fn marks(&self, _: &Document, body: &[u8]) -> Result<Marks, Problem> {
        let mut marks = Marks::default();
        for (_, line) in entries(body).flatten() {
            let Ok(line) = serde_json::from_slice::<Line>(line) else {
                continue;
            };
            // Of several lines of a version the last counts.
            if line.yanked {
                marks.yanked.insert(line.vers, String::new());
            } else {
                marks.yanked.remove(&line.vers);
            }
        }
        Ok(marks)
    }

    fn of_document(
        &self,
        document: &Document,
        version: &str,
        body: &[u8],
    ) -> Result<Option<About>, Problem> {
        let line = entry_of(body, version, |name| canonical(name) == *document.package);
        let line = line.and_then(|(_, line)| serde_json::from_slice::<Line>(line).ok());
        Ok(line.map(Line::about))
    }

    fn choose<'f>(&self, files: &'f [StoredFile]) -> Option<&'f StoredFile> {
        files.iter().find(|file| file.kind == FileKind::Artifact)
    }

    fn of_file(&self, file: &DescribedFile<'_>, body: &mut dyn Body) -> Result<About, Problem> {
        let unreadable = |fault: crate::archive::Fault| fault.problem("crate", "the crate");
        let mut read = |name: Option<&str>| {
            body.rewind().map_err(Problem::internal)?;
            let is_wanted = |path: &str| match name {
                Some(name) => path == name,
                None => path == MANIFEST || folder::is_readme(path),
            };
            folder::wanted(&mut *body, (&LIMITS, file.size), is_wanted).map_err(unreadable)
        };
        let files = read(None)?;
        let manifest = files.iter().find(|(name, _)| name == MANIFEST);
        let text = manifest.map(|(_, bytes)| String::from_utf8_lossy(bytes));
        let package = match text.as_deref().map(toml::from_str::<File>) {
            Some(Ok(file)) => file.package,
            Some(Err(error)) => {
                let detail = format!("the crate's Cargo.toml: {}", error.message());
                return Err(Problem::invalid("crate", detail));
            }
            None => return Err(Problem::invalid("crate", "the crate has no Cargo.toml")),
        };
        let readme = match &package.readme {
            Some(ReadmeField::Whether(false)) => None,
            Some(ReadmeField::Path(path)) => {
                let path = path.strip_prefix("./").unwrap_or(path);
                match folder::readme(&files, Some(path)) {
                    Some(readme) if files.iter().any(|(name, _)| name == path) => Some(readme),
                    _ => folder::readme(&read(Some(path))?, Some(path)),
                }
            }
            Some(ReadmeField::Whether(true)) | None => folder::readme(&files, None),
        };
        let mut about = About {
            readme,
            ..About::default()
        };
        about.summary = package.description;
        let in_file = || package.license_file.as_deref().and_then(short);
        about.license = package.license.or_else(in_file);
        for (label, url) in [
            ("homepage", &package.homepage),
            ("repository", &package.repository),
            ("documentation", &package.documentation),
        ] {
            about.link(label, url.as_deref().unwrap_or_default());
        }
        about.authors = package.authors;
        about.fact("keywords", package.keywords);
        about.fact("categories", package.categories);
        Ok(about)
    }
}

#[cfg(test)]
mod tests;
